//! What clients may ask for: what is known of them, and to be forgotten for good.

use std::process::{Command, Output};

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
