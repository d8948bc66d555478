//! The steps of a campaign: their distances, their ends, what takes their place.

use rekindle::model::Day;

use super::{COMPANY, World, day};

/// A campaign of rejections: a letter, a second one, a call. Its days are known without a rhythm.
const REJECTED: &str = r#"id = "rejected"
title = "R"
status = "live"
starts = 2026-01-01
trigger = { on = "rejection", after = "10d" }
limits = { reentry = "30d", holdout = "0%" }
step = [
  { id = "letter", channel = "email", template = "rejection" },
  { id = "second", after = "4d", channel = "email", template = "rejection" },
  { id = "call", after = "6d", task = "call", script = "rejection" },
]
"#;

fn rejected_world() -> World {
    let mut world = World::new();
    world.campaign(REJECTED);
    world.client("anna");
    world.deal("d1", "anna", "lost,2026-02-01,2026-02-20,price,500");
    world
}

#[test]
fn steps_keep_the_distances_that_marketing_wrote() {
    let mut world = rejected_world();
    world.run_days("2026-03-01", "2026-03-12");
    assert_eq!(
        world.got("anna"),
        ["2026-03-02 rejected/letter", "2026-03-06 rejected/second"]
    );
    assert_eq!(world.tasks()[0].planned_on, day("2026-03-08"));
    world.finish();
}

#[test]
fn steps_keep_their_distances_after_ten_days_without_the_worker() {
    let mut world = rejected_world();
    world.run_days("2026-03-01", "2026-03-03");
    world.run_days("2026-03-14", "2026-03-20");
    assert_eq!(
        world.got("anna"),
        ["2026-03-02 rejected/letter", "2026-03-14 rejected/second"]
    );
    assert_eq!(world.tasks()[0].planned_on, day("2026-03-16"));
    world.finish();
}

#[test]
fn whoever_buys_leaves_the_campaign_and_gets_no_second_letter() {
    let mut world = rejected_world();
    world.run_days("2026-03-01", "2026-03-04");
    world.client("anna").bought(&["2026-03-05"]);
    world.run_days("2026-03-05", "2026-03-20");
    assert_eq!(world.got("anna"), ["2026-03-02 rejected/letter"]);
    assert_eq!(world.tasks(), []);
    let closed = world.texts("SELECT closed_by || ' ' || closed_on FROM enrollments");
    let fifth = day("2026-03-05").epoch_days();
    assert_eq!(closed, [format!("goal {fifth}")]);
    world.finish();
}

#[test]
fn whoever_buys_after_the_call_was_listed_leaves_the_list() {
    let mut world = rejected_world();
    world.run_days("2026-03-01", "2026-03-09");
    assert_eq!(world.tasks().len(), 1);
    world.client("anna").bought(&["2026-03-10"]);
    let plan = world.plan("2026-03-10");
    assert_eq!(
        plan.tasks,
        [],
        "the plan shows the list as the run leaves it"
    );
    world.run("2026-03-10");
    assert_eq!(world.tasks(), []);
    world.finish();
}

#[test]
fn a_fallback_takes_the_place_of_a_channel_that_does_not_reach_the_client() {
    let mut world = World::with(&format!(
        "{COMPANY}[delivery]\nwhatsapp_countries = [\"KZ\"]\n"
    ));
    world.campaign(
        r#"id = "r"
title = "R"
status = "live"
starts = 2026-01-01
trigger = { on = "rejection", after = "1d" }
limits = { holdout = "0%" }
step = [
  { id = "nudge", channel = "whatsapp", template = "missed-cycle-short", fallback = { channel = "email", template = "rejection" } },
  { id = "second", after = "2d", channel = "whatsapp", template = "thank-you-short" },
  { id = "call", after = "3d", task = "call", script = "rejection" },
]
"#,
    );
    world.crowd();
    for (id, phone) in [("russian", "+79161234567"), ("kazakh", "+77011234567")] {
        world
            .client(id)
            .phone(phone)
            .bought_every(10, 4, "2026-01-10");
        world.deal(id, id, "lost,2026-02-01,2026-03-01,price,500");
    }
    world.run_days("2026-03-01", "2026-03-10");
    assert_eq!(world.got("russian"), ["2026-03-02 r/nudge-fallback"]);
    assert_eq!(
        world.got("kazakh"),
        ["2026-03-02 r/nudge", "2026-03-04 r/second"]
    );
    let called: Vec<(String, Day)> = world
        .tasks()
        .into_iter()
        .map(|task| (task.client, task.planned_on))
        .collect();
    let fifth = day("2026-03-05");
    assert_eq!(called.len(), 2);
    assert!(called.iter().all(|(_, on)| *on == fifth), "{called:?}");
    world.finish();
}

#[test]
fn a_step_that_was_passed_over_is_taken_when_the_client_gets_an_address() {
    let mut world = rejected_world();
    world.client("anna").email("");
    world.run_days("2026-03-01", "2026-03-03");
    assert_eq!(world.got("anna"), [""; 0]);
    world.client("anna").email("anna@example.org");
    world.run_days("2026-03-04", "2026-03-04");
    assert_eq!(world.got("anna"), ["2026-03-04 rejected/letter"]);
    world.finish();
}

#[test]
fn a_campaign_is_entered_again_only_after_its_time() {
    let mut world = rejected_world();
    // The last touch is the call of 8 March; the second rejection is ripe on 20 March.
    world.run_days("2026-03-01", "2026-03-10");
    world.deal("d2", "anna", "lost,2026-03-01,2026-03-10,price,500");
    world.run_days("2026-03-11", "2026-04-12");
    assert_eq!(
        world.got("anna"),
        [
            "2026-03-02 rejected/letter",
            "2026-03-06 rejected/second",
            "2026-04-07 rejected/letter",
            "2026-04-11 rejected/second"
        ]
    );
    world.finish();
}

#[test]
fn a_certificate_is_issued_once_an_episode_and_lies_in_the_letter() {
    let mut world = World::new();
    world.campaign(
        r#"id = "gift"
title = "G"
status = "live"
starts = 2026-01-01
trigger = { on = "rejection", after = "1d" }
limits = { holdout = "0%" }
step = [{ id = "gift", channel = "email", template = "friend-certificate", certificate = { kind = "friend", discount = "10%", valid = "60d" } }]
"#,
    );
    world.client("anna");
    world.deal("d1", "anna", "lost,2026-02-01,2026-03-01,price,500");
    world.run_days("2026-03-01", "2026-03-10");
    let codes = world.texts("SELECT code FROM certificates");
    assert_eq!(codes.len(), 1);
    let letters = world.letters();
    let bytes = letters.values().next().expect("a letter");
    let letter = mail_parser::MessageParser::default()
        .parse(bytes)
        .expect("MIME");
    let text = letter.body_text(0).expect("a text");
    assert!(text.contains(&codes[0]), "{text}");
    world.finish();
}
