//! The real program ends at named points. Built with the feature `crash-points` only, and run by
//! `tests/crash_points.sh`.

use std::path::PathBuf;
use std::time::Duration;

use super::checker::{self, Question};
use super::mailing::{Mailing, Way};
use super::servers::Servers;

/// A point, how often it is passed before, and whether a point of no return lies behind it: who dies
/// when he first comes to one of the early points has sent nothing.
const POINTS: &[(&str, u32, bool)] = &[
    ("before-take-over", 0, false),
    ("before-claim", 0, false),
    ("claimed", 0, false),
    ("offered", 0, false),
    ("before-no-return", 0, false),
    ("after-no-return", 2, true),
    ("before-content", 5, true),
    ("answered", 5, true),
    ("before-result", 2, true),
    ("after-result", 2, true),
];

const CONNECTIONS: u16 = 4;

async fn dies_everywhere(way: Way, policy: &'static str) {
    let folder = crate::opened::folder();
    let log = folder.path().join("taken.jsonl");
    let servers = Servers::start(way, &log).await;
    let mailing = Mailing {
        program: PathBuf::from(env!("CARGO_BIN_EXE_rekindle")),
        folder: folder.path().to_owned(),
        way,
        policy,
        messages: 400,
        connections: CONNECTIONS,
        server: servers.address(),
        database: None,
    };
    mailing.begin_dying();
    let mut behind = 0;
    for round in 0..3 {
        for (point, times, passed) in POINTS {
            // Nothing is offered before a request.
            if *point == "offered" && way == Way::Nudges {
                continue;
            }
            let doubtful = doubtful(&mailing).await;
            let mut service =
                mailing.serve_until(point, if *passed { times + round } else { *times });
            let ended = service.ended(Duration::from_mins(1)).await;
            let killed = ended.is_some_and(|status| status.code().is_none());
            assert!(killed, "{point}: {ended:?}\n{}", mailing.said());
            assert_eq!(mailing.integrity().await, "ok", "{point}");
            behind += u64::from(*passed);
            // What is doubtful shows when the next start takes over.
            let mut next = mailing.serve_until("claimed", 0);
            let _ = next.ended(Duration::from_mins(1)).await;
            let more = self::doubtful(&mailing).await - doubtful;
            if !passed {
                assert_eq!(more, 0, "{point}: unknown without a point of no return");
            }
            let under_way = i64::from(CONNECTIONS.max(8));
            assert!(more <= under_way, "{point}: {more} unknown");
        }
    }
    // Everything is sent, and the queue does not know.
    let mut last = mailing.serve_until("before-acknowledgement", 0);
    let ended = last.ended(Duration::from_mins(2)).await;
    assert!(ended.is_some_and(|status| status.code().is_none()));
    mailing.finish().await;
    let question = Question {
        database: &mailing.database(),
        log: &log,
        expected: Some(400),
        most_unknown: behind * 8,
    };
    let found = checker::check(&question).await.unwrap();
    println!("{way:?} {policy}\n{found}");
    assert!(found.good(), "{found}");
}

/// Attempts of which nobody knew the end.
async fn doubtful(mailing: &Mailing) -> i64 {
    mailing
        .count("SELECT count(*) FROM message_events WHERE state = 'unknown'")
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn letters_sent_at_most_once() {
    dies_everywhere(Way::Letters, "at_most_once").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn letters_sent_at_least_once() {
    dies_everywhere(Way::Letters, "at_least_once").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nudges_sent_at_most_once() {
    dies_everywhere(Way::Nudges, "at_most_once").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nudges_sent_at_least_once() {
    dies_everywhere(Way::Nudges, "at_least_once").await;
}
