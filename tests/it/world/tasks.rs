//! What managers record, and what it does to their lists and to the letters.

use rekindle::jobs::outcome::Recorded;
use rekindle::model::{Locale, OutcomeKind};

use super::{COMPANY, World, day};

/// A call on the first day, a letter four days later.
const CALL_FIRST: &str = r#"id = "rejected"
title = "R"
status = "live"
starts = 2026-01-01
trigger = { on = "rejection", after = "1d" }
goal = { event = "purchase", within = "40d" }
limits = { holdout = "0%" }
step = [
  { id = "call", task = "call", script = "rejection" },
  { id = "letter", after = "4d", channel = "email", template = "rejection" },
]
"#;

fn world() -> World {
    let mut world = World::new();
    world.campaign(CALL_FIRST);
    world.client("anna").phone("+79161234567");
    world.deal("d1", "anna", "lost,2026-02-01,2026-03-01,price,500");
    world.run("2026-03-02");
    assert_eq!(world.tasks()[0].rank, Some(1));
    world
}

#[test]
fn come_back_later_brings_task_and_letters_back_on_the_day() {
    let mut world = world();
    let until = Some("2026-03-20");
    let recorded = world.outcome("anna", OutcomeKind::ComeBack, "2026-03-02", until);
    assert!(matches!(recorded, Recorded::Again(on, _) if on == day("2026-03-20")));
    world.run_days("2026-03-03", "2026-03-19");
    assert_eq!(world.got("anna"), [""; 0]);
    assert_eq!(world.plan("2026-03-19").tasks, []);
    world.run("2026-03-20");
    assert_eq!(world.got("anna"), ["2026-03-20 rejected/letter"]);
    let listed = world.count("SELECT listed_on FROM tasks") as i32;
    assert_eq!(listed, day("2026-03-20").epoch_days());
    world.finish();
}

#[test]
fn no_answer_brings_the_call_back_on_the_next_day_but_not_for_ever() {
    let mut world = world();
    for (on, next) in [("2026-03-02", "2026-03-03"), ("2026-03-03", "2026-03-04")] {
        let recorded = world.outcome("anna", OutcomeKind::NoAnswer, on, None);
        assert!(matches!(recorded, Recorded::Again(on, _) if on == day(next)));
        world.run(next);
        assert_eq!(world.tasks()[0].rank, Some(1));
    }
    let recorded = world.outcome("anna", OutcomeKind::NoAnswer, "2026-03-04", None);
    assert!(
        matches!(recorded, Recorded::Done(_)),
        "three times are enough"
    );
    world.run_days("2026-03-05", "2026-03-10");
    assert_eq!(world.tasks(), []);
    assert_eq!(world.got("anna"), ["2026-03-06 rejected/letter"]);
    world.finish();
}

#[test]
fn a_no_a_yes_and_a_purchase_stop_the_letters() {
    for kind in [
        OutcomeKind::Rejection,
        OutcomeKind::Interested,
        OutcomeKind::FriendNamed,
        OutcomeKind::Bought,
    ] {
        let mut world = world();
        let recorded = world.outcome("anna", kind, "2026-03-02", None);
        assert!(matches!(recorded, Recorded::Done(_)));
        world.run_days("2026-03-03", "2026-03-12");
        assert_eq!(world.got("anna"), [""; 0], "{kind}");
        assert_eq!(world.tasks(), []);
        let closed = world.texts("SELECT closed_by FROM enrollments");
        assert_eq!(closed, ["outcome"]);
        world.finish();
    }
}

#[test]
fn an_outcome_counts_also_when_the_worker_was_down_for_days() {
    let mut world = world();
    world.outcome("anna", OutcomeKind::Rejection, "2026-03-02", None);
    let plan = world.plan("2026-03-05");
    assert_eq!(plan.campaigns[0].left, 1, "before the letter would be due");
    world.run("2026-03-05");
    world.finish();
}

#[test]
fn do_not_contact_suppresses_every_address_in_every_campaign() {
    let mut world = world();
    let news = r#"id = "n"
title = "N"
status = "live"
trigger = { on = "news", day = 2026-03-04 }
goal = { event = "none" }
limits = { holdout = "0%" }
news = { title = "New ovens", item = [{ title = "Bread", text = "Fresh." }] }
step = [
  { id = "letter", channel = "email", template = "news" },
  { id = "call", after = "1d", task = "call", script = "sleeping-client" },
]
"#;
    world.campaign(news);
    world.outcome("anna", OutcomeKind::DoNotContact, "2026-03-02", None);
    world.run_days("2026-03-03", "2026-03-12");
    assert_eq!(world.got("anna"), [""; 0]);
    assert_eq!(world.tasks(), []);
    let suppressed = world.count("SELECT count(*) FROM suppressions WHERE scope = 'all'");
    assert_eq!(suppressed, 2, "the address and the phone");
    world.finish();
}

#[test]
fn an_outcome_is_recorded_once() {
    let mut world = world();
    let id = world.tasks()[0].id;
    let recorded = world.outcome("anna", OutcomeKind::Rejection, "2026-03-02", None);
    assert!(matches!(recorded, Recorded::Done(_)));
    let outcome = rekindle::model::Outcome::new(OutcomeKind::Rejection, day("2026-03-02"));
    assert_eq!(world.record(id, &outcome), Recorded::NoSuchTask);
    assert_eq!(world.record(999, &outcome), Recorded::NoSuchTask);
    assert_eq!(world.count("SELECT count(*) FROM outcomes"), 1);
    world.finish();
}

#[test]
fn a_list_keeps_to_the_capacity_and_the_plan_shows_it_in_the_same_order() {
    let mut world = World::with(&format!("{COMPANY}[tasks]\ncapacity = 2\n"));
    world.campaign(CALL_FIRST);
    for n in 0..5 {
        let id = format!("c{n}");
        world.client(&id);
        // The same value for all: the order among equals is settled as well.
        world.deal(&id, &id, "lost,2026-02-01,2026-03-01,price,500");
    }
    for on in ["2026-03-02", "2026-03-03", "2026-03-04"] {
        let planned: Vec<(String, Option<i64>)> = world
            .plan(on)
            .tasks
            .into_iter()
            .map(|line| (line.client, line.rank.map(i64::from)))
            .collect();
        world.run(on);
        let listed: Vec<(String, Option<i64>)> = world
            .tasks()
            .into_iter()
            .map(|task| (task.client, task.rank))
            .collect();
        assert_eq!(planned, listed);
        let places = listed.iter().filter(|(_, rank)| rank.is_some()).count();
        assert!(places <= 2);
        let first = listed[0].0.clone();
        world.outcome(&first, OutcomeKind::Rejection, on, None);
    }
    world.finish();
}

/// The task of the world is planned on the second of March; the letter comes four days later.
const EXPIRES_IN_TEN: &str = "[tasks]\nexpires = \"10d\"\n";

#[test]
fn a_task_that_nobody_touched_expires_and_its_campaign_goes_on() {
    let mut world = World::new();
    world.also(EXPIRES_IN_TEN);
    world.campaign(
        &CALL_FIRST
            .replace("after = \"4d\"", "after = \"15d\"")
            .replace("within = \"40d\"", "within = \"60d\""),
    );
    world.client("anna").phone("+79161234567");
    world.deal("d1", "anna", "lost,2026-02-01,2026-03-01,price,500");
    world.run_days("2026-03-02", "2026-03-11");
    assert_eq!(world.tasks()[0].rank, Some(1), "the tenth day");
    assert_eq!(
        world.plan("2026-03-12").tasks,
        [],
        "the plan knows it as well"
    );
    world.run("2026-03-12");
    assert_eq!(world.tasks(), []);
    let left = world.texts("SELECT state || ' ' || closed_by FROM tasks");
    assert_eq!(left, ["cancelled expired"]);
    let on = world.count("SELECT closed_on FROM tasks") as i32;
    assert_eq!(on, day("2026-03-12").epoch_days());
    world.run_days("2026-03-13", "2026-03-17");
    assert_eq!(world.got("anna"), ["2026-03-17 rejected/letter"]);
    let told = world.explained("anna", "2026-03-17").to_string();
    assert!(told.contains("since 2026-03-02: expired"), "{told}");
    let before = world.explained("anna", "2026-03-05").to_string();
    assert!(before.contains("since 2026-03-02: waits"), "{before}");
    world.finish();
}

#[test]
fn an_outcome_gives_a_task_its_whole_time_again() {
    let mut world = world();
    world.also(EXPIRES_IN_TEN);
    world.run_days("2026-03-03", "2026-03-09");
    world.outcome("anna", OutcomeKind::NoAnswer, "2026-03-09", None);
    world.run_days("2026-03-10", "2026-03-19");
    assert_eq!(world.tasks()[0].rank, Some(1));
    world.run("2026-03-20");
    assert_eq!(world.tasks(), []);
    world.finish();
}

#[test]
fn a_task_that_expires_makes_room_for_another_one_on_the_same_day() {
    let mut world = world();
    world.also(EXPIRES_IN_TEN);
    world.campaign(
        r#"id = "seminar"
title = "S"
status = "live"
trigger = { on = "date", day = "2026-03-05" }
goal = { event = "none" }
limits = { holdout = "0%" }
step = [
  { id = "letter", channel = "email", template = "new-year" },
  { id = "call", after = "1d", task = "call", script = "sleeping-client" },
]
"#,
    );
    world.run_days("2026-03-03", "2026-03-11");
    let open = |world: &mut World| -> Vec<String> {
        world
            .tasks()
            .into_iter()
            .map(|task| task.campaign)
            .collect()
    };
    assert_eq!(open(&mut world), ["rejected"]);
    world.run("2026-03-12");
    assert_eq!(open(&mut world), ["seminar"]);
    world.finish();
}

#[test]
fn a_task_that_waits_says_every_day_how_long_it_has_been() {
    let mut world = world();
    let why = |world: &mut World| -> String {
        let inputs = world.tasks()[0].inputs.clone();
        let told: serde_json::Value = serde_json::from_str(&inputs).expect("JSON");
        told["why"]
            .as_str()
            .expect("a sentence")
            .replace('\u{a0}', " ")
    };
    assert!(
        why(&mut world).contains(", 1 day ago"),
        "{}",
        why(&mut world)
    );
    world.run_days("2026-03-03", "2026-03-08");
    let planned = world.plan("2026-03-09").tasks[0].why.replace('\u{a0}', " ");
    world.run("2026-03-09");
    assert!(planned.contains(", 8 days ago"), "{planned}");
    assert_eq!(why(&mut world), planned);
    world.finish();
}

#[test]
fn an_email_address_that_takes_no_letters_stops_no_calls() {
    let mut world = World::new();
    world.campaign(CALL_FIRST);
    world.client("anna").phone("+79161234567");
    world.deal("d1", "anna", "lost,2026-02-01,2026-03-01,price,500");
    world.suppressed("anna@example.org", "2026-01-01");
    world.run_days("2026-03-02", "2026-03-08");
    assert_eq!(world.tasks()[0].client, "anna");
    assert_eq!(world.got("anna"), [""; 0]);
    world.finish();
}

#[test]
fn a_new_address_does_not_undo_the_wish_to_be_left_alone() {
    let mut world = world();
    world.outcome("anna", OutcomeKind::DoNotContact, "2026-03-02", None);
    world
        .client("anna")
        .email("new@example.org")
        .phone("+79167654321");
    world.deal("d2", "anna", "lost,2026-03-03,2026-03-04,price,900");
    world.run_days("2026-03-03", "2026-03-15");
    assert_eq!(world.got("anna"), [""; 0]);
    assert_eq!(world.tasks(), []);
    world.finish();
}

impl World {
    fn explained(&mut self, client: &str, on: &str) -> rekindle::jobs::explain::Explanation {
        let explained = self.wait_with(async |app| {
            let ids = app.store.clients_called(client).await.expect("a query");
            let options = World::as_of(day(on));
            rekindle::jobs::explain::explain(app, ids[0], options, Locale::En).await
        });
        let known = explained.expect("an explanation");
        known.expect("the client is known")
    }
}
