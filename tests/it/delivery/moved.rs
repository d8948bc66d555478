//! A mailing whose base moves to PostgreSQL while it is under way.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::killed::{nothing_is_wrong, something_new};
use super::mailing::{Mailing, Way};
use super::servers::Servers;
use super::sink::Manners;
use crate::database::{self, Database};
use crate::opened::folder;

/// So many letters are under way at once, and may be unknown after a kill.
const CONNECTIONS: u16 = 8;

const STATES: &str = "SELECT state || ' ' || count(*) FROM messages GROUP BY state ORDER BY state";

/// The real program on the base whose address stands in a file.
fn program(folder: &Path, base: &Path) -> PathBuf {
    let script = folder.join("rekindle.sh");
    let text = format!(
        "#!/bin/sh\nREKINDLE_DATABASE_URL=$(cat '{}') exec '{}' \"$@\"\n",
        base.display(),
        env!("CARGO_BIN_EXE_rekindle")
    );
    fs::write(&script, text).unwrap();
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    script
}

async fn states(database: &str) -> Vec<String> {
    let database = Database::open(database).await.unwrap();
    let rows = database.rows(STATES).await;
    database.close().await;
    rows.iter().map(|row| row.get(0)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mailing_that_moves_in_the_middle_reaches_everybody_once() {
    if database::server().is_none() {
        println!("not tried: REKINDLE_TEST_DATABASE names no server");
        return;
    }
    let folder = folder();
    let base = folder.path().join("base");
    fs::write(&base, "sqlite://rekindle.db").unwrap();
    let manners = Manners {
        jitter: 20_000,
        ..Manners::default()
    };
    let servers = Servers::letters(&folder.path().join("taken.jsonl"), manners).await;
    let mailing = Mailing {
        program: program(folder.path(), &base),
        folder: folder.path().to_owned(),
        way: Way::Letters,
        policy: "at_most_once",
        messages: 400,
        connections: CONNECTIONS,
        server: servers.address(),
        database: None,
    };
    mailing.begin();
    // Killed in the middle: something is claimed, something may have left.
    let mut service = mailing.serve();
    for _ in 0..5 {
        something_new(&servers, &mut service, &mailing).await;
    }
    service.kill();
    let file = folder.path().join("rekindle.db");
    let before = states(&file.display().to_string()).await;
    let under_way = |one: &String| one.starts_with("claimed ") || one.starts_with("sending ");
    assert!(before.iter().any(under_way), "{before:?}");

    mailing.must(&["migrate-to", &mailing.database()], &[0]);
    // Nobody who had claimed anything is left: it is decided before it moves, and not after a lease.
    let moved = states(&mailing.database()).await;
    assert!(!moved.iter().any(under_way), "{moved:?}");
    assert_eq!(moved, states(&file.display().to_string()).await);
    // Started on the old base by mistake.
    let taken = servers.taken();
    mailing.must(&["run", "--only", "worker"], &[2]);
    mailing.must(&["run", "--once"], &[2]);
    assert_eq!(servers.taken(), taken);

    fs::write(&base, mailing.database()).unwrap();
    mailing.finish().await;
    let found = nothing_is_wrong(&mailing, CONNECTIONS.into()).await;
    assert_eq!(found.accepted + found.unknown, 400, "{found}");
}
