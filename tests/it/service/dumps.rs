//! Backups of a base on a server: dumps that were read back, put into an empty database with everything
//! held.

use std::fs;

use super::backups::{rekindle, rekindle_with, said, with_backup};
use crate::database::{self, Database};
use crate::moved::Fresh;
use crate::world::World;

const DUE: &str = "SELECT count(*) FROM messages WHERE state IN ('planned', 'queued')";

fn on_a_server() -> bool {
    let yes = database::server().is_some();
    if !yes {
        println!("not tried: REKINDLE_TEST_DATABASE names no server");
    }
    yes
}

/// The schema of a company, and the address of the same schema in another database, where there is
/// nothing in it.
fn elsewhere(world: &mut World) -> (Fresh, String) {
    let schema = world.texts("SELECT current_schema()::text").remove(0);
    let other = Fresh::make().expect("a server");
    other.change(&format!("CREATE SCHEMA {schema}"));
    let url = format!("{}?options[search_path]={schema}", other.url());
    (other, url)
}

#[test]
fn a_dump_comes_back_into_an_empty_database_with_everything_held() {
    if !on_a_server() {
        return;
    }
    let (mut world, folder) = with_backup();
    let due = world.count(DUE);
    assert!(due > 0);
    let forget = [
        "client", "forget", "c03", "--by", "ann", "--reason", "asked",
    ];
    let forgotten = rekindle(&world, &forget);
    assert_eq!(forgotten.status.code(), Some(0), "{}", said(&forgotten));
    let stop = ["suppress", "add", "stop@example.org"];
    let stopped = rekindle(&world, &stop);
    assert_eq!(stopped.status.code(), Some(0), "{}", said(&stopped));
    let suppressions = world.count("SELECT count(*) FROM suppressions");
    let folder = folder.to_str().expect("a name").to_owned();
    // Not over what is there.
    let output = rekindle(&world, &["restore", &folder]);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(said(&output).contains("is not empty"), "{}", said(&output));
    assert!(world.count(DUE) > 0);

    let (other, url) = elsewhere(&mut world);
    let restore = ["--database", &url, "restore", &folder, "--format", "json"];
    // A wrong address is told before anything is done.
    let wrong = format!("{}_nobody", url.split('?').next().expect("an address"));
    let output = rekindle(&world, &[&restore[..], &["--replaces", &wrong]].concat());
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    let replaced = database::url(world.home());
    let output = rekindle(&world, &[&restore[..], &["--replaces", &replaced]].concat());
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    let restored: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(restored["held_messages"].as_i64(), Some(due));
    assert_eq!(restored["forgotten_again"].as_i64(), Some(1), "{restored}");
    let messages = world.count("SELECT count(*) FROM messages");
    world.wait(async {
        let base = Database::open(&url).await.expect("the new base");
        let count: i64 = base.one("SELECT count(*) FROM messages").await;
        assert_eq!(count, messages);
        assert_eq!(base.one::<i64>(DUE).await, 0);
        // Who said "stop" after the backup is still known.
        let known: i64 = base.one("SELECT count(*) FROM suppressions").await;
        assert_eq!(known, suppressions);
        let hold: String = base.one("SELECT name FROM holds").await;
        assert_eq!(hold, "restore");
        base.close().await;
    });
    let release = [
        "--database",
        &url,
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
    // What watches over the rows came with them.
    assert!(other.refuses(&format!(
        "DELETE FROM {}.audit",
        url.rsplit('=').next().expect("a schema")
    )));
    other.drop();
    world.finish_held();
}

#[test]
fn a_dump_that_is_not_whole_and_a_machine_without_the_programs_are_told() {
    if !on_a_server() {
        return;
    }
    let (world, folder) = with_backup();
    let name = folder.to_str().expect("a name").to_owned();
    let check = ["restore", name.as_str(), "--check"];
    assert_eq!(rekindle(&world, &check).status.code(), Some(0));
    let dump = folder.join("rekindle.dump");
    let whole = fs::read(&dump).expect("a dump");
    let mut bytes = whole.clone();
    bytes.truncate(whole.len() * 2 / 3);
    fs::write(&dump, &bytes).expect("a file");
    let output = rekindle(&world, &check);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    fs::write(&dump, whole).expect("a file");

    let before = fs::read_dir(world.home().join("backup"))
        .expect("a folder")
        .count();
    let output = rekindle_with(&world, &["backup"], &[("PATH", "/nowhere")]);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(
        said(&output).contains("pg_dump: it is not installed"),
        "{}",
        said(&output)
    );
    let after = fs::read_dir(world.home().join("backup"))
        .expect("a folder")
        .count();
    assert_eq!(after, before, "nothing half done stays");
    // A dump is no file of SQLite.
    let file = ["--database", "sqlite://other.db", "restore", &name];
    let output = rekindle(&world, &file);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(
        said(&output).contains("of a database of PostgreSQL"),
        "{}",
        said(&output)
    );
    world.finish_held();
}
