//! What clients may ask for: what is known of them, and to be forgotten for good.

use std::process::{Command, Output};

use rekindle::db::Friend;
use rekindle::jobs::outcome::{Told, record};
use rekindle::model::{Outcome, OutcomeKind};

use super::run_days;
use super::ticks::shop;
use crate::world::{World, day};

fn rekindle(world: &World, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rekindle"));
    command.arg("--config").arg(world.config_file()).args(args);
    command.output().expect("the binary starts")
}

fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn a_client_is_told_everything_and_forgotten_for_good() {
    let mut world = shop("");
    run_days(&mut world, "2026-03-01", "2026-03-08");
    let told = rekindle(&world, &["client", "export", "c09"]);
    assert_eq!(told.status.code(), Some(0));
    let all: serde_json::Value = serde_json::from_str(&out(&told)).expect("JSON");
    assert_eq!(all["client"][0]["id"], "c09");
    assert_eq!(all["client"][0]["email"], "c09@example.org");
    assert_eq!(all["purchases"].as_array().map(Vec::len), Some(4));
    assert!(
        all["messages"][0]["made_from"]["client"].is_object(),
        "{all}"
    );

    let keys = "SELECT key FROM messages ORDER BY key";
    let before = world.texts(keys);
    let forget = [
        "client",
        "forget",
        "c09",
        "--by",
        "ann",
        "--reason",
        "asked by letter",
    ];
    let done = rekindle(&world, &forget);
    assert_eq!(done.status.code(), Some(0), "{done:?}");
    // The source still names the client, and says more every day.
    world.client("c09").bought(&["2026-03-09"]);
    run_days(&mut world, "2026-03-09", "2026-03-12");
    let after = rekindle(&world, &["client", "export", "c09"]);
    let text = out(&after);
    for personal in ["c09@example.org", "\"phone\": \"+", "\"name\": \"c09\""] {
        assert!(!text.contains(personal), "{personal}: {text}");
    }
    assert!(
        world
            .texts(keys)
            .iter()
            .filter(|key| before.contains(key))
            .count()
            == before.len()
    );
    let later = format!(
        "SELECT count(*) FROM messages m JOIN clients c ON c.id = m.client_id
         WHERE c.ext_id = 'c09' AND m.planned_on > {}",
        day("2026-03-08").epoch_days()
    );
    assert_eq!(world.count(&later), 0);
    let address = rekindle(&world, &["suppress", "list", "c09@example.org"]);
    assert!(out(&address).contains("erasure"), "{}", out(&address));
    let audit = out(&rekindle(&world, &["audit"]));
    assert!(
        audit.contains("client forgotten") && audit.contains("asked by letter"),
        "{audit}"
    );
    assert!(audit.contains("client exported"), "{audit}");
    assert!(!audit.contains("c09"), "the audit names nobody: {audit}");
    world.finish();
}

/// The JSON that `client export` writes.
fn export(world: &World, client: &str) -> serde_json::Value {
    let told = rekindle(world, &["client", "export", client]);
    serde_json::from_str(&out(&told)).expect("JSON")
}

/// A call that was told to another program and given to another manager, one that came to nothing but a
/// friend, and one of which nobody was told: the clients, in this order.
fn three_calls(world: &mut World) -> [String; 3] {
    let store = world.app().store.clone();
    let mut tasks = world.tasks();
    tasks.retain(|task| task.rank.is_some());
    let clients = [0, 1, 2].map(|n: usize| tasks[n].client.clone());
    let events = world.wait(store.task_events_due(1_000, i64::MAX));
    for event in events.expect("events") {
        if [tasks[0].id, tasks[1].id].contains(&event.task) {
            let said = Err("409: this client is on holiday");
            let settled = store.settle_task_event(event.id, said, Some(i64::MAX), 0);
            world.wait(settled).expect("settled");
        }
    }
    let given = rekindle::db::Reassignment {
        tasks: &[tasks[0].id],
        to: "olga",
        acting: "olga",
        client_too: true,
        day: day("2026-03-04"),
        by: "head",
        reason: "anna is ill",
        now_ms: 0,
    };
    world.wait(store.reassign(&given)).expect("given");
    let friend = Friend {
        name: Some("Pavel".to_owned()),
        phone: Some("+79160000077".to_owned()),
        email: None,
    };
    let outcome = Outcome::new(OutcomeKind::FriendNamed, day("2026-03-04"));
    let told = Told {
        friend: Some(friend),
        ..Told::new(outcome, "anna")
    };
    let app = world.open();
    world
        .wait(record(&app, tasks[1].id, &told))
        .expect("an outcome");
    clients
}

#[test]
fn whom_a_client_knew_and_what_was_told_of_him_goes_with_him() {
    let mut world = shop("");
    run_days(&mut world, "2026-03-01", "2026-03-04");
    let [given, named, untold] = three_calls(&mut world);
    let address = format!("{given}@example.org");
    rekindle(&world, &["suppress", "add", &address]);

    let all = export(&world, &given);
    assert_eq!(all["managers"][0]["manager"], "olga", "{all}");
    let said = &all["told_to_other_programs"][0];
    assert_eq!(said["kind"], "listed", "{all}");
    assert_eq!(said["said"], "409: this client is on holiday");
    let suppressed = &all["suppressions"];
    assert_eq!(suppressed[0]["address"], address.as_str(), "{all}");
    assert_eq!(suppressed[0]["reason"], "manual", "{all}");
    assert_eq!(suppressed.as_array().map(Vec::len), Some(1));
    let all = export(&world, &named);
    let friends = &all["friends"];
    assert_eq!(friends[0]["what"], "named a friend", "{all}");
    assert_eq!(friends[0]["named_on"], "2026-03-04");
    assert_eq!(all["suppressions"].as_array().map(Vec::len), Some(0));

    let told_anew = "SELECT count(*) FROM task_events WHERE kind = 'listed' AND due_at IS NOT NULL";
    let due = world.count(told_anew);
    for client in [&given, &named, &untold] {
        let forget = [
            "client", "forget", client, "--by", "ann", "--reason", "asked",
        ];
        let done = rekindle(&world, &forget);
        assert_eq!(done.status.code(), Some(0), "{done:?}");
    }
    for (what, left) in [
        ("friends", 0),
        ("owner_changes", 0),
        ("outcomes WHERE friend_id IS NOT NULL", 0),
        ("task_events WHERE said IS NOT NULL", 0),
        // The other program hears that the task it may know of is over, and of that of the friend.
        ("task_events WHERE kind = 'closed'", 2),
    ] {
        let count = world.count(&format!("SELECT count(*) FROM {what}"));
        assert_eq!(count, left, "{what}");
    }
    assert_eq!(world.count(told_anew), due - 3);
    let because = format!(
        "SELECT count(*) FROM enrollments e JOIN clients c ON c.id = e.client_id
         WHERE c.ext_id IN ('{given}', '{named}', '{untold}') AND e.evidence <> '{{}}'"
    );
    assert_eq!(world.count(&because), 0);
    world.finish();
}

#[test]
fn what_was_kept_long_enough_goes_and_what_proves_stays() {
    let mut world = shop("[retention]\nmessages = \"5d\"\ntasks = \"5d\"\nsandbox = \"3d\"\n");
    run_days(&mut world, "2026-03-01", "2026-03-10");
    let words = "SELECT count(*) FROM messages WHERE inputs <> '{}'";
    let (all, said) = (
        world.count("SELECT count(*) FROM messages"),
        world.count(words),
    );
    assert_eq!(all, said);
    let app = world.open();
    let tidied = world
        .wait(rekindle::jobs::tidy::tidy(&app))
        .expect("a tidy-up");
    assert!(tidied.messages > 0 && tidied.sandbox > 0, "{tidied:?}");
    assert_eq!(world.count("SELECT count(*) FROM messages"), all);
    assert_eq!(world.count(words), all - tidied.messages as i64);
    let again = world
        .wait(rekindle::jobs::tidy::tidy(&app))
        .expect("a tidy-up");
    assert_eq!(again, rekindle::db::Tidied::default());
    world.finish();
}
