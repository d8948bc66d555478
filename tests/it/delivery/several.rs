//! Several workers of the real program on PostgreSQL: they share the work, and whatever happens to
//! one of them nothing is lost and nothing is sent twice.

use std::path::PathBuf;

use super::cluster::Cluster;
use super::crowd::{self, Crowd, Survived};
use crate::database;
use crate::opened::folder;

fn program() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_rekindle"))
}

/// Strikes workers on the server of the suite, in a schema of their own; nothing where the suite runs
/// on files.
async fn survive(workers: u32, connections: u16, kills: u32, freezes: u32) -> Option<Survived> {
    if !database::on_a_server() {
        println!("not asked of SQLite: one process delivers from a file");
        return None;
    }
    let folder = folder();
    let order = Crowd {
        program: program(),
        folder: folder.path().to_owned(),
        database: database::url(folder.path()),
        policy: "at_most_once",
        messages: 600,
        workers,
        kills,
        freezes,
        restarts: (0, &|_| ()),
        connections,
        seed: 20_261_122 + u64::from(workers),
        longest_ms: 200,
    };
    Some(done(&crowd::run(&order, &|_, _| ()).await))
}

fn done(survived: &Survived) -> Survived {
    println!(
        "{} kills, {} freezes, {} restarts, {} senders, {:?}\n{}",
        survived.kills,
        survived.freezes,
        survived.restarts,
        survived.senders,
        survived.took,
        survived.findings
    );
    assert!(survived.findings.good(), "{}", survived.findings);
    survived.clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_workers_survive_kills_and_frosts_that_outlast_their_leases() {
    if let Some(survived) = survive(2, 3, 12, 2).await {
        assert!(survived.kills >= 6, "it ended too early: {survived:?}");
        assert!(survived.freezes >= 1, "nobody was frozen: {survived:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn eight_workers_survive_kills_and_frosts_that_outlast_their_leases() {
    if let Some(survived) = survive(8, 1, 10, 3).await {
        assert!(survived.kills >= 5, "it ended too early: {survived:?}");
        assert!(survived.freezes >= 1, "nobody was frozen: {survived:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_that_nothing_happens_to_share_the_work_and_leave_nothing_unknown() {
    if let Some(survived) = survive(3, 2, 0, 0).await {
        assert_eq!(survived.senders, 3, "each has sent something");
        assert_eq!(survived.findings.unknown, 0);
        assert_eq!(survived.findings.accepted, 600);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_restarted_during_the_mailing_delays_and_loses_nothing() {
    if !database::on_a_server() {
        return println!("not asked of SQLite: a file has no server");
    }
    let Some(cluster) = Cluster::start() else {
        return println!("not tried: PostgreSQL is not installed here");
    };
    let folder = folder();
    let restart = |times| cluster.restart(times % 2 == 1);
    let order = Crowd {
        program: program(),
        folder: folder.path().to_owned(),
        database: cluster.url(),
        policy: "at_most_once",
        messages: 600,
        workers: 2,
        kills: 2,
        freezes: 0,
        restarts: (4, &restart),
        connections: 3,
        seed: 20_261_122,
        longest_ms: 200,
    };
    let survived = done(&crowd::run(&order, &|_, _| ()).await);
    assert!(survived.restarts >= 2, "it ended too early: {survived:?}");
}
