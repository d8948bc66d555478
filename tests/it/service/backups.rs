//! Backups made while others write, put back, and what is held then.

use std::path::PathBuf;
use std::process::{Command, Output};

use rekindle::jobs::import::import_everything;
use rekindle::jobs::{backup, day};

use super::run_day;
use super::ticks::shop;
use crate::database;
use crate::world::{World, day as date};

/// Why these are not asked of PostgreSQL.
const FILES: &str = "a server is backed up by dumps (service::dumps)";

pub(super) fn rekindle(world: &World, args: &[&str]) -> Output {
    rekindle_with(world, args, &[])
}

pub(super) fn rekindle_with(world: &World, args: &[&str], environment: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rekindle"));
    command.arg("--config").arg(world.config_file()).args(args);
    command.envs(environment.iter().copied());
    command.output().expect("the binary starts")
}

pub(super) fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// A base of which something has not left, and a backup of it.
pub(super) fn with_backup() -> (World, PathBuf) {
    let mut world = shop("");
    run_day(&mut world, "2026-03-01");
    world.at(date("2026-03-02"));
    let app = world.open();
    // A day that is run and not delivered.
    world.wait(async {
        import_everything(&app).await.expect("an import");
        day::run(&app, World::today(date("2026-03-02")), &|_| ())
            .await
            .expect("a run");
    });
    let output = rekindle(&world, &["backup", "--format", "json"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let made: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let folder = made["folder"].as_str().expect("a folder");
    (world, folder.into())
}

#[test]
fn a_backup_is_whole_and_comes_back_with_everything_held() {
    if database::only_sqlite(FILES) {
        return;
    }
    let (mut world, folder) = with_backup();
    let due = "SELECT count(*) FROM messages WHERE state IN ('planned', 'queued')";
    let before = world.count(due);
    assert!(before > 0);
    // After the backup somebody says "stop", somebody is forgotten, and the disk loses a page.
    let stop = rekindle(&world, &["suppress", "add", "late@example.org"]);
    assert_eq!(stop.status.code(), Some(0), "{}", said(&stop));
    let forget = [
        "client", "forget", "c03", "--by", "ann", "--reason", "asked",
    ];
    let forgotten = rekindle(&world, &forget);
    assert_eq!(forgotten.status.code(), Some(0), "{}", said(&forgotten));

    let folder = folder.to_str().expect("a name").to_owned();
    let output = rekindle(&world, &["restore", &folder, "--format", "json"]);
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    let restored: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(restored["held_messages"].as_i64(), Some(before));
    assert!(
        restored["suppressions_taken_over"].as_i64() >= Some(1),
        "{restored}"
    );
    assert_eq!(restored["forgotten_again"].as_i64(), Some(1), "{restored}");

    let mut world = world.reopened();
    assert_eq!(world.count(due), 0);
    assert_eq!(
        world.count("SELECT count(*) FROM clients WHERE ext_id = 'c03' AND email IS NULL"),
        1
    );
    let list = rekindle(&world, &["suppress", "list", "late@example.org"]);
    assert!(said(&list).contains("manual"), "{}", said(&list));
    let runs = rekindle(&world, &["runs"]);
    assert!(
        said(&runs).contains("restored from a backup"),
        "{}",
        said(&runs)
    );
    let release = [
        "runs",
        "release",
        "restore",
        "--by",
        "ann",
        "--reason",
        "looked at",
    ];
    let released = rekindle(&world, &release);
    assert_eq!(released.status.code(), Some(0), "{}", said(&released));
    assert!(world.count(due) >= before - 1);
    assert_eq!(rekindle(&world, &release).status.code(), Some(2));
    let audit = rekindle(&world, &["audit"]);
    for words in ["hold released", "client forgotten", "looked at"] {
        assert!(said(&audit).contains(words), "{words}: {}", said(&audit));
    }
    world.wait(async {});
    let app = world.open();
    world
        .wait(rekindle::jobs::deliver::deliver(&app, &|_| ()))
        .expect("delivery");
    world.finish();
}

#[test]
fn a_damaged_database_does_not_keep_a_backup_from_coming_back() {
    if database::only_sqlite(FILES) {
        return;
    }
    let (world, folder) = with_backup();
    let folder = folder.to_str().expect("a name").to_owned();
    for end in ["-wal", "-shm"] {
        let _ = std::fs::remove_file(world.home().join(format!("rekindle.db{end}")));
    }
    std::fs::write(world.home().join("rekindle.db"), "no database any more").expect("a file");
    let broken = rekindle(&world, &["runs"]);
    assert_eq!(broken.status.code(), Some(1), "{}", said(&broken));
    let output = rekindle(&world, &["restore", &folder]);
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    let world = world.reopened();
    let runs = rekindle(&world, &["runs"]);
    assert_eq!(runs.status.code(), Some(0), "{}", said(&runs));
    assert!(said(&runs).contains("2026-03-02"), "{}", said(&runs));
    world.finish_held();
}

#[test]
fn what_is_no_whole_backup_is_refused() {
    if database::only_sqlite(FILES) {
        return;
    }
    let (world, folder) = with_backup();
    let name = folder.to_str().expect("a name").to_owned();
    let check = ["restore", name.as_str(), "--check"];
    assert_eq!(rekindle(&world, &check).status.code(), Some(0));
    // One byte of the key, one page of the database, a row that is missing in the manifest.
    let key = folder.join("rekindle.key");
    let good = std::fs::read_to_string(&key).expect("a key");
    std::fs::write(&key, good.replace(|c: char| c.is_ascii_digit(), "0")).expect("a file");
    let output = rekindle(&world, &check);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        said(&output).contains("not the key of this backup"),
        "{}",
        said(&output)
    );
    std::fs::write(&key, good).expect("a file");
    let database = folder.join("rekindle.db");
    let whole = std::fs::read(&database).expect("a file");
    let mut bytes = whole.clone();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 4096].fill(0xff);
    std::fs::write(&database, &bytes).expect("a file");
    assert_eq!(rekindle(&world, &check).status.code(), Some(1));
    std::fs::write(&database, whole).expect("a file");
    let manifest = folder.join("manifest.json");
    let text = std::fs::read_to_string(&manifest).expect("a file");
    std::fs::write(
        &manifest,
        text.replace("\"clients\": 40", "\"clients\": 41"),
    )
    .expect("a file");
    let output = rekindle(&world, &check);
    assert!(
        said(&output).contains("40 rows in clients"),
        "{}",
        said(&output)
    );
    // Nobody has a backup without the key that is in use.
    std::fs::write(world.home().join("rekindle.key"), "0".repeat(64)).expect("a file");
    let app = world.open_with_other_key();
    let made = world.wait(backup::make(&app, &world.home().join("backup")));
    assert!(made.is_err_and(|error| error.to_string().contains("not the key in use")));
    world.finish_held();
}
