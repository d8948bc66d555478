//! Who gets what on a day: caps, quiet, priorities, addresses, holdout, backlog, seasons.

use std::collections::BTreeSet;

use super::{COMPANY, Sent, World, day};

/// News: a campaign for everybody, on a known day.
fn news(id: &str, on: &str, more: &str) -> String {
    format!(
        r#"id = "{id}"
title = "N"
status = "live"
{more}
trigger = {{ on = "news", day = {on} }}
goal = {{ event = "none" }}
limits = {{ reentry = "0d", holdout = "0%" }}
news = {{ title = "New ovens", item = [{{ title = "Bread", text = "Fresh." }}] }}
step = [{{ id = "letter", channel = "email", template = "news" }}]
"#
    )
}

#[test]
fn nobody_gets_more_advertising_than_the_cap() {
    let mut world = World::new();
    for (n, on) in ["2026-03-02", "2026-03-03", "2026-03-04", "2026-03-05"]
        .iter()
        .enumerate()
    {
        world.campaign(&news(&format!("n{n}"), on, ""));
    }
    world.client("anna");
    world.run_days("2026-03-01", "2026-03-20");
    assert_eq!(
        world.got("anna"),
        [
            "2026-03-02 n0/letter",
            "2026-03-03 n1/letter",
            "2026-03-09 n2/letter",
            "2026-03-10 n3/letter"
        ]
    );
    world.finish();
}

#[test]
fn a_new_address_does_not_lift_the_cap() {
    let mut world = World::new();
    for (n, on) in ["2026-03-02", "2026-03-03", "2026-03-04"]
        .iter()
        .enumerate()
    {
        world.campaign(&news(&format!("n{n}"), on, ""));
    }
    world.client("anna");
    world.run_days("2026-03-01", "2026-03-03");
    world.client("anna").email("anna.new@example.org");
    world.run_days("2026-03-04", "2026-03-09");
    assert_eq!(
        world.got("anna"),
        [
            "2026-03-02 n0/letter",
            "2026-03-03 n1/letter",
            "2026-03-09 n2/letter"
        ]
    );
    world.finish();
}

#[test]
fn advertising_is_quiet_for_two_days_after_a_purchase() {
    let mut world = World::new();
    world.campaign(&news("n", "2026-03-02", ""));
    world.crowd();
    world.client("anna").bought(&["2026-03-01"]);
    let plan = world.plan("2026-03-02");
    assert_eq!(plan.campaigns[0].skipped["recent_purchase"], 1);
    world.run_days("2026-03-02", "2026-03-05");
    assert_eq!(world.got("anna"), ["2026-03-03 n/letter"]);
    world.finish();
}

#[test]
fn one_best_touch_a_day_by_priority_and_the_loser_is_recorded() {
    let mut world = World::new();
    world.campaign(&news("low", "2026-03-02", "priority = 1"));
    world.campaign(&news("high", "2026-03-02", "priority = 2"));
    world.client("anna");
    let plan = world.plan("2026-03-02");
    let low = plan.campaigns.iter().find(|one| one.id == "low");
    assert_eq!(low.expect("shown").skipped["outranked"], 1);
    assert_eq!(plan.messages.len(), 1);
    world.run_days("2026-03-02", "2026-03-04");
    assert_eq!(
        world.got("anna"),
        ["2026-03-02 high/letter", "2026-03-03 low/letter"]
    );
    world.finish();
}

#[test]
fn two_clients_with_one_address_get_one_message_for_ever() {
    let mut world = World::new();
    world.campaign(&news("n", "2026-03-02", ""));
    world.client("anna").email("office@example.org");
    world.client("boris").email("office@example.org");
    let mut planned = 0;
    for on in ["2026-03-02", "2026-03-03", "2026-03-04"] {
        planned += world.plan(on).messages.len();
        world.run(on);
    }
    assert_eq!(world.letters().len(), 1);
    assert_eq!(
        planned, 1,
        "the plan does not promise what the run cannot do"
    );
    assert_eq!(world.count("SELECT count(*) FROM messages"), 1);
    world.finish();
}

#[test]
fn held_out_clients_get_nothing_and_take_their_slot() {
    let mut world = World::new();
    world.campaign(
        r#"id = "all-out"
title = "A"
status = "live"
priority = 9
trigger = { on = "news", day = 2026-03-02 }
goal = { event = "none" }
limits = { holdout = "50%" }
news = { title = "New ovens", item = [{ title = "Bread", text = "Fresh." }] }
step = [
  { id = "letter", channel = "email", template = "news", certificate = { kind = "own", discount = "5%", valid = "9d" } },
  { id = "call", after = "2d", task = "call", script = "sleeping-client" },
]
"#,
    );
    world.campaign(&news("other", "2026-03-02", ""));
    for n in 0..10 {
        world.client(&format!("c{n}"));
    }
    let plan = world.plan("2026-03-02");
    let held_out = plan.campaigns[0].holdout;
    assert!((1..10).contains(&held_out), "chance has its share of ten");
    assert_eq!(plan.messages.len() as u64, 10 - held_out);
    world.run_days("2026-03-02", "2026-03-08");
    let sent = world.messages().into_iter();
    let on_paper: Vec<Sent> = sent.filter(|one| one.state == "held_out").collect();
    assert_eq!(on_paper.len() as u64, held_out);
    for one in &on_paper {
        assert_eq!(world.got(&one.client), ["2026-03-03 other/letter"]);
    }
    let shown = world.tasks();
    assert_eq!(shown.len() as u64, 10 - held_out);
    let with_certificate = world.count("SELECT count(*) FROM certificates");
    assert_eq!(with_certificate as u64, 10 - held_out);
    world.finish();
}

/// Twelve clients who fell silent long ago, each worth more than the one before.
fn old_silences(world: &mut World) {
    for n in 0..12_i64 {
        let client = world.client(&format!("c{n:02}"));
        (0..8).fold(client, |client, purchase| {
            let on = day("2025-09-01").plus(purchase * 7);
            client.bought_for(&on.to_string(), 100 + n)
        });
    }
}

const MISSED: &str = r#"id = "missed"
title = "M"
status = "live"
backlog_per_day = 3
trigger = { on = "missed_cycle" }
limits = { holdout = "0%" }
step = [{ id = "letter", channel = "email", template = "missed-cycle" }]
"#;

#[test]
fn the_backlog_enters_by_value_and_never_more_than_so_many_a_day() {
    let mut world = World::new();
    world.campaign(MISSED);
    old_silences(&mut world);
    let plan = world.plan("2026-03-01");
    assert_eq!(plan.campaigns[0].backlog_waiting, 9);
    world.run_days("2026-03-01", "2026-03-06");
    let sent: Vec<(String, String)> = world
        .messages()
        .into_iter()
        .map(|one| (one.planned_on.to_string(), one.client))
        .collect();
    let expected =
        |on: &str, clients: [&str; 3]| clients.map(|client| (on.to_owned(), client.to_owned()));
    let days = [
        expected("2026-03-01", ["c09", "c10", "c11"]),
        expected("2026-03-02", ["c06", "c07", "c08"]),
        expected("2026-03-03", ["c03", "c04", "c05"]),
        expected("2026-03-04", ["c00", "c01", "c02"]),
    ];
    assert_eq!(sent, days.concat());
    world.finish();
}

#[test]
fn the_backlog_is_not_stuck_behind_rich_clients_who_cannot_enter() {
    let mut world = World::new();
    world.campaign(&MISSED.replace("backlog_per_day = 3", "backlog_per_day = 1"));
    for n in 0..45_i64 {
        let id = format!("c{n:02}");
        let client = world
            .client(&id)
            .email(if n < 44 { "" } else { "poor@example.org" });
        client.bought_for("2025-09-01", 100_000 - n * 1_000);
        world.client(&id).bought_every(7, 6, "2025-10-20");
    }
    world.run("2026-03-01");
    assert_eq!(world.got("c44"), ["2026-03-01 missed/letter"]);
    world.finish();
}

#[test]
fn fresh_silences_come_before_the_backlog() {
    let mut world = World::new();
    world.campaign(MISSED);
    old_silences(&mut world);
    world
        .client("fresh")
        .email("c11@example.org")
        .bought_every(7, 8, "2026-02-20");
    world.run("2026-03-01");
    let missed = "SELECT CASE WHEN missed_on < asleep_on THEN missed_on ELSE asleep_on END
                  FROM rhythms r JOIN clients c ON c.id = r.client_id WHERE c.ext_id = 'fresh'";
    let missed = super::Day::from_epoch(world.count(missed) as i32);
    assert!(missed > day("2026-03-01"));
    // The day of the fresh silence: its address is not taken by the backlog.
    world.client("c11").email("c11@example.org");
    world.run(&missed.to_string());
    assert_eq!(world.got("fresh"), [format!("{missed} missed/letter")]);
    world.finish();
}

#[test]
fn drafts_and_paused_campaigns_do_nothing() {
    let mut world = World::new();
    let live = news("n", "2026-03-02", "");
    world.client("anna");
    world.campaign(&live.replace("\"live\"", "\"draft\""));
    world.run("2026-03-02");
    world.campaign(&live.replace("\"live\"", "\"paused\""));
    world.run("2026-03-03");
    assert_eq!(world.messages(), []);
    world.campaign(&live);
    world.run("2026-03-04");
    assert_eq!(world.got("anna"), ["2026-03-04 n/letter"]);
    world.finish();
}

#[test]
fn a_draft_is_planned_when_asked_for_and_run_never() {
    let mut world = World::new();
    world.campaign(&news("n", "2026-03-02", "").replace("\"live\"", "\"draft\""));
    world.client("anna");
    let mut options = World::today(day("2026-03-02"));
    world.at(options.day);
    options.also = Some("n");
    assert_eq!(world.plan_with(options).messages.len(), 1);
    assert_eq!(world.plan("2026-03-02").messages.len(), 0);
    world.finish();
}

#[test]
fn nobody_enters_before_the_start_or_after_the_end() {
    let mut world = World::new();
    let season = "starts = 2026-03-04\nends = 2026-03-06";
    world.campaign(&news("n", "2026-03-02", season));
    world.client("anna");
    world.run_days("2026-03-01", "2026-03-05");
    world.client("boris");
    world.run("2026-03-07");
    assert_eq!(world.got("anna"), ["2026-03-04 n/letter"]);
    assert_eq!(world.got("boris"), [""; 0]);
    world.finish();
}

#[test]
fn key_accounts_get_no_mass_message_and_may_be_called() {
    let mut world = World::new();
    world.campaign(
        r#"id = "n"
title = "N"
status = "live"
trigger = { on = "news", day = 2026-03-02 }
goal = { event = "none" }
limits = { holdout = "0%" }
news = { title = "New ovens", item = [{ title = "Bread", text = "Fresh." }] }
step = [
  { id = "letter", channel = "email", template = "news" },
  { id = "call", after = "1d", task = "call", script = "key-account" },
]
"#,
    );
    world.client("giant").bought_for("2026-02-01", 90_000);
    for n in 0..20 {
        world.client(&format!("small{n}")).bought(&["2026-02-01"]);
    }
    world.run_days("2026-03-02", "2026-03-03");
    assert_eq!(world.got("giant"), [""; 0]);
    assert_eq!(world.got("small1").len(), 1);
    assert!(world.tasks().iter().any(|task| task.client == "giant"));
    world.finish();
}

#[test]
fn a_suppressed_address_gets_nothing_after_entry() {
    let mut world = World::new();
    world.campaign(
        r#"id = "n"
title = "N"
status = "live"
trigger = { on = "news", day = 2026-03-02 }
goal = { event = "none" }
limits = { holdout = "0%" }
news = { title = "New ovens", item = [{ title = "Bread", text = "Fresh." }] }
step = [
  { id = "letter", channel = "email", template = "news" },
  { id = "second", after = "3d", channel = "email", template = "missed-cycle-second" },
]
"#,
    );
    world.crowd();
    for id in ["anna", "boris", "clara"] {
        world.client(id).bought_every(7, 5, "2026-02-10");
    }
    world.consent("boris", "email,advertising,consent,2026-01-01,");
    world.run_days("2026-03-02", "2026-03-03");
    world.suppressed("Anna@Example.org", "2026-03-03");
    world.consent("boris", "email,advertising,consent,2026-01-02,2026-03-03");
    world.run_days("2026-03-04", "2026-03-10");
    assert_eq!(world.got("anna"), ["2026-03-02 n/letter"]);
    assert_eq!(world.got("boris"), ["2026-03-02 n/letter"]);
    assert_eq!(world.got("clara").len(), 2);
    world.finish();
}

#[test]
fn news_and_dates_catch_up_after_downtime_and_are_never_doubled() {
    let mut world = World::with(COMPANY);
    world.campaign(&news("n", "2026-03-02", ""));
    world.campaign(
        r#"id = "day"
title = "D"
status = "live"
trigger = { on = "date", day = "03-08" }
goal = { event = "none" }
limits = { reentry = "0d", holdout = "0%" }
step = [{ id = "letter", channel = "email", template = "new-year" }]
"#,
    );
    world.crowd();
    world.client("anna").bought(&["2026-01-20"]);
    world.run("2026-03-01");
    world.run_days("2026-03-10", "2026-03-25");
    let got: BTreeSet<String> = world.got("anna").into_iter().collect();
    let once: Vec<Sent> = world.messages();
    assert_eq!(got.len(), once.len());
    assert_eq!(
        got.into_iter().collect::<Vec<_>>(),
        ["2026-03-10 day/letter", "2026-03-11 n/letter"]
    );
    world.run_days("2027-03-08", "2027-03-09");
    assert_eq!(world.got("anna").len(), 3, "every year once");
    world.finish();
}
