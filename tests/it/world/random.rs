//! Worlds of chance: whatever happens to a company in sixty days, the promises to its clients hold.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::test_runner::Config;
use rekindle::model::{Day, OutcomeKind};

use super::{World, day};

/// What may happen on a day.
#[derive(Clone, Debug)]
enum Event {
    Buys(usize),
    TakesBack(usize),
    LosesDeal(usize),
    Unsubscribes(usize),
    WithdrawsConsent(usize),
    ChangesAddress(usize),
    /// The outcome of the first task that waits.
    Outcome(OutcomeKind),
    /// The worker is down.
    Down,
}

const CLIENTS: usize = 7;
const FIRST: &str = "2026-03-01";

fn event() -> impl Strategy<Value = Event> {
    let client = 0..CLIENTS;
    let kinds = [
        OutcomeKind::ComeBack,
        OutcomeKind::NoAnswer,
        OutcomeKind::Rejection,
        OutcomeKind::Interested,
        OutcomeKind::WrongNumber,
        OutcomeKind::DoNotContact,
        OutcomeKind::Bought,
    ];
    prop_oneof![
        8 => client.clone().prop_map(Event::Buys),
        1 => client.clone().prop_map(Event::TakesBack),
        2 => client.clone().prop_map(Event::LosesDeal),
        1 => client.clone().prop_map(Event::Unsubscribes),
        1 => client.clone().prop_map(Event::WithdrawsConsent),
        1 => client.prop_map(Event::ChangesAddress),
        3 => prop::sample::select(kinds.to_vec()).prop_map(Event::Outcome),
        2 => Just(Event::Down),
    ]
}

fn world() -> World {
    let mut world = World::new();
    world.also("[limits]\nper_client = 2\nper_client_within = \"6d\"\n");
    world.campaign(
        r#"id = "missed"
title = "M"
status = "live"
trigger = { on = "missed_cycle" }
limits = { reentry = "10d", holdout = "20%" }
step = [
  { id = "letter", channel = "email", template = "missed-cycle" },
  { id = "second", after = "2d", channel = "email", template = "missed-cycle-second" },
  { id = "call", after = "3d", task = "call", script = "sleeping-client" },
  { id = "gift", after = "5d", channel = "email", template = "friend-certificate", certificate = { kind = "friend", discount = "10%", valid = "60d" } },
]
"#,
    );
    world.campaign(
        r#"id = "thanks"
title = "T"
status = "live"
priority = 4
trigger = { on = "purchase" }
limits = { reentry = "3d", holdout = "0%" }
step = [{ id = "letter", channel = "email", template = "thank-you" }]
"#,
    );
    world.campaign(
        r#"id = "rejected"
title = "R"
status = "live"
trigger = { on = "rejection", after = "3d" }
limits = { reentry = "5d", holdout = "0%" }
step = [
  { id = "letter", channel = "email", template = "rejection" },
  { id = "call", after = "2d", task = "call", script = "rejection" },
]
"#,
    );
    for month in ["03", "04"] {
        world.campaign(&format!(
            r#"id = "news-{month}"
title = "N"
status = "live"
trigger = {{ on = "news", day = 2026-{month}-05 }}
goal = {{ event = "none" }}
limits = {{ reentry = "0d", holdout = "0%" }}
news = {{ title = "New ovens", item = [{{ title = "Bread", text = "Fresh." }}] }}
step = [{{ id = "letter", channel = "email", template = "news" }}]
"#
        ));
    }
    world.crowd();
    for n in 0..CLIENTS {
        let client = world.client(&name(n));
        // The last two share an address.
        let client = if n >= 5 {
            client.email("office@example.org")
        } else {
            client
        };
        client.bought_every(3 + n as i32, 6, "2026-02-24");
    }
    world
}

fn name(n: usize) -> String {
    format!("c{n}")
}

/// What the test knows of addresses: by itself, not from the database.
#[derive(Default)]
struct Known {
    addresses: BTreeMap<String, String>,
    suppressed: BTreeMap<String, Day>,
}

impl Known {
    fn address(&self, client: &str) -> String {
        let own = || match client {
            "c5" | "c6" => "office@example.org".to_owned(),
            other => format!("{other}@example.org"),
        };
        self.addresses.get(client).cloned().unwrap_or_else(own)
    }
}

fn happen(world: &mut World, known: &mut Known, event: &Event, on: &str) {
    match event {
        Event::Buys(n) => {
            world.client(&name(*n)).bought(&[on]);
        }
        Event::TakesBack(n) => {
            world.client(&name(*n)).bought(&[on]);
            world.cancelled_last_purchase(on);
        }
        Event::LosesDeal(n) => {
            let id = format!("d{on}-{n}");
            world.deal(&id, &name(*n), &format!("lost,{on},{on},price,500"));
        }
        Event::Unsubscribes(n) => {
            let address = known.address(&name(*n));
            world.suppressed(&address, on);
            known.suppressed.entry(address).or_insert(day(on));
        }
        Event::WithdrawsConsent(n) => {
            world.consent(&name(*n), &format!("email,advertising,consent,{on},{on}"));
        }
        Event::ChangesAddress(n) => {
            let address = format!("{}-{on}@example.org", name(*n));
            world.client(&name(*n)).email(&address);
            known.addresses.insert(name(*n), address);
        }
        Event::Outcome(kind) => {
            let Some(task) = world.tasks().into_iter().next() else {
                return;
            };
            let outcome = rekindle::model::Outcome {
                until: (*kind == OutcomeKind::ComeBack).then(|| day(on).plus(4)),
                ..rekindle::model::Outcome::new(*kind, day(on))
            };
            world.record(task.id, &outcome);
            if *kind == OutcomeKind::DoNotContact {
                let address = known.address(&task.client);
                known.suppressed.entry(address).or_insert(day(on));
            }
        }
        Event::Down => {}
    }
}

/// Checks the letters of a day against what is known of their readers.
fn check_letters(world: &mut World, known: &Known, on: Day) {
    for sent in world.messages() {
        if sent.planned_on != on || sent.state == "held_out" {
            continue;
        }
        let address = known.address(&sent.client);
        let since = known.suppressed.get(&address);
        assert!(
            since.is_none(),
            "{sent:?} to {address}, suppressed since {since:?}"
        );
    }
}

/// Checks what holds of all messages together.
fn check_story(world: &mut World) {
    let messages = world.messages();
    let mut keys = BTreeSet::new();
    let mut by_client: BTreeMap<&str, Vec<Day>> = BTreeMap::new();
    for one in &messages {
        let key = (&one.campaign, &one.episode, &one.client, &one.step);
        assert!(keys.insert(key), "doubled: {one:?}");
        by_client
            .entry(&one.client)
            .or_default()
            .push(one.planned_on);
    }
    for (client, days) in by_client {
        for (n, on) in days.iter().enumerate() {
            let within = days[..=n].iter().filter(|other| on.days_since(**other) < 6);
            assert!(
                within.count() <= 2,
                "{client} has more than the cap: {days:?}"
            );
        }
    }
    let issued =
        "SELECT count(*) - count(DISTINCT campaign || client_id || episode) FROM certificates";
    assert_eq!(world.count(issued), 0, "one certificate an episode");
    let without_letter = "SELECT count(*) FROM certificates c WHERE NOT EXISTS (
        SELECT 1 FROM messages m WHERE m.campaign = c.campaign AND m.client_id = c.client_id
        AND m.episode = c.episode AND m.step = c.step)";
    assert_eq!(
        world.count(without_letter),
        0,
        "every certificate has its letter"
    );
    let letters = messages
        .iter()
        .filter(|one| one.state == "accepted")
        .count();
    // The picture of a certificate lies beside its letter.
    let files = world.letters().into_keys();
    let files = files.filter(|path| path.extension().is_some_and(|end| end == "eml"));
    assert_eq!(
        files.count(),
        letters,
        "a file for every letter, a letter for every file"
    );
}

proptest! {
    #![proptest_config(Config { cases: 4, max_shrink_iters: 40, failure_persistence: None, ..Config::default() })]

    #[test]
    fn no_letter_is_doubled_none_goes_over_the_cap_and_none_to_who_said_no(
        life in prop::collection::vec(prop::collection::vec(event(), 0..3), 60)
    ) {
        let mut world = world();
        let mut known = Known::default();
        for (n, events) in life.iter().enumerate() {
            let on = day(FIRST).plus(n as i32);
            world.at(on);
            for event in events {
                happen(&mut world, &mut known, event, &on.to_string());
            }
            if events.iter().any(|event| matches!(event, Event::Down)) {
                continue;
            }
            world.run(&on.to_string());
            check_letters(&mut world, &known, on);
        }
        check_story(&mut world);
        world.finish();
    }
}
