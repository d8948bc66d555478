//! What the company gives and knows beside letters: gifts that are things, discount cards, bonuses.
#![expect(
    clippy::unwrap_used,
    reason = "a company that cannot be set up or read fails the test as it should"
)]

use std::fs;
use std::process::Command;

use rekindle::model::OutcomeKind;
use serde_json::Value;

use super::{World, day};

/// A company whose list of clients has further columns: a postal address, a card, bonuses.
fn world(clients: &[&str]) -> World {
    let world = World::new();
    let data = world.home().join("data");
    fs::create_dir_all(&data).unwrap();
    let rows = clients.join("\n");
    let text = format!("id,name,email,address,card,bonus\n{rows}\n");
    fs::write(data.join("clients.csv"), text).unwrap();
    world
}

/// What a command prints, as JSON, and the code with which it ends.
fn printed(world: &World, args: &[&str]) -> (Value, Option<i32>) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rekindle"));
    let command = command.arg("--config").arg(world.config_file()).args(args);
    let done = command.args(["--format", "json"]).output().unwrap();
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    let printed = serde_json::from_slice(&done.stdout);
    (
        printed.unwrap_or_else(|_| panic!("{said}")),
        done.status.code(),
    )
}

#[test]
fn a_gift_that_is_a_thing_is_a_task_with_a_list_of_addresses() {
    let mut world = world(&[
        "anna,Anna Petrova,anna@example.org,\"Tomsk, Lenina 5\",,",
        "boris,Boris,boris@example.org,,,",
    ]);
    world.campaign(
        r#"id = "gifts"
title = "New Year gifts"
status = "live"
starts = 2026-01-01
backlog_per_day = 0
trigger = { on = "date", day = "12-25", lead = "20d", on_day_off = "before" }
goal = { event = "none" }
limits = { holdout = "0%" }
step = [{ id = "gift", task = "gift", script = "new-year-gift" }]
"#,
    );
    // Twenty days before Christmas is 5 December 2026, a Saturday: the Friday before it.
    world.run_days("2026-12-02", "2026-12-08");
    let tasks = world.tasks();
    assert_eq!(tasks.len(), 2);
    assert!(
        tasks
            .iter()
            .all(|task| task.planned_on == day("2026-12-04")),
        "{tasks:?}"
    );
    assert_eq!(
        world.messages(),
        [],
        "nobody gets a letter in place of a thing"
    );
    let addresses = |world: &World| printed(world, &["campaign", "addresses", "gifts"]);
    let (list, code) = addresses(&world);
    let line = |client: &str| {
        let mut lines = list.as_array().unwrap().iter();
        lines.find(|line| line["client"] == client).unwrap().clone()
    };
    assert_eq!(line("anna")["address"], "Tomsk, Lenina 5");
    assert_eq!(line("anna")["recipient"], "Anna Petrova");
    assert_eq!(line("boris")["address"], "");
    assert_eq!(code, Some(3), "somebody has to find out where Boris lives");
    world.outcome("anna", OutcomeKind::Interested, "2026-12-09", None);
    let (list, _) = addresses(&world);
    let done: Vec<(&Value, &Value)> = list
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (&one["client"], &one["done"]))
        .collect();
    assert_eq!(
        done,
        [
            (&Value::from("boris"), &false.into()),
            (&"anna".into(), &true.into())
        ]
    );
    // The next year brings the next ones.
    world.run_days("2027-12-01", "2027-12-07");
    let of_next_year = "SELECT count(*) FROM tasks WHERE planned_on = 21155";
    assert_eq!(world.count(of_next_year), 2, "on Friday, 3 December 2027");
    world.finish();
}

#[test]
fn a_discount_card_and_bonuses_choose_who_is_written_to_and_stand_in_the_letter() {
    let mut world = world(&[
        "rich,Rich,rich@example.org,,gold 17,\"1 240\"",
        "poor,Poor,poor@example.org,,gold 18,40",
        "other,Other,other@example.org,,silver,9000",
        "none,None,none@example.org,,,",
    ]);
    world.campaign(
        r#"id = "partner"
title = "P"
status = "live"
starts = 2026-01-01
trigger = { on = "date", day = "2026-03-02" }
goal = { event = "none" }
audience = { attributes = { card = ["gold 17", "gold 18"] }, numbers = { bonus = { at_least = 500 } } }
limits = { holdout = "0%" }
partner = { name = "Mill", offer = "a free roll", codes = "mill.txt" }
step = [{ id = "letter", channel = "email", class = "service", template = "partner-offer" }]
"#,
    );
    fs::write(
        world.home().join("mill.txt"),
        "ROLL-1\nROLL-2\nROLL-3\nROLL-4\n",
    )
    .unwrap();
    let own = "letters/en/partner-offer.txt.hbs";
    let ready = fs::read_to_string(format!("{}/templates/{own}", env!("CARGO_MANIFEST_DIR")));
    let with_card = ready.unwrap().replace(
        "{{> signature}}",
        "{{#if (attribute \"card\")}}Your card: {{attribute \"card\"}}{{/if}}\n\n{{> signature}}",
    );
    super::write(&world.home().join("templates").join(own), &with_card);
    world.run("2026-03-02");
    assert_eq!(world.got("rich"), ["2026-03-02 partner/letter"]);
    for client in ["poor", "other", "none"] {
        assert_eq!(world.got(client), Vec::<String>::new(), "{client}");
    }
    let letters = world.letters();
    let (_, letter) = letters
        .iter()
        .find(|(path, _)| path.extension().is_some_and(|end| end == "eml"))
        .unwrap();
    let letter = mail_parser::MessageParser::default().parse(letter).unwrap();
    let text = letter.body_text(0).unwrap();
    for said in ["ROLL-1", "1 240", "Your card: gold 17"] {
        assert!(text.contains(said), "{said} in\n{text}");
    }
    let plan = world.plan("2026-03-03");
    let skipped = &plan.campaigns[0].skipped;
    assert_eq!(skipped["audience.numbers.bonus"], 1, "{skipped:?}");
    assert_eq!(skipped["audience.attributes.card"], 2, "{skipped:?}");
    world.finish();
}
