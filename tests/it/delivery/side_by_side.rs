//! What goes on at the same time: planning beside sending, and messages beside each other.

use std::sync::Mutex;

use rekindle::jobs::day::{self, RunOutcome};
use rekindle::model::Channel;

use super::mailing::{Mailing, Way};
use super::servers::{Servers, script};
use super::sink::Manners;
use super::{LETTER, Post, news};
use crate::world::{World, day as date};

#[test]
fn a_day_is_planned_while_letters_are_sent_and_neither_waits_for_the_end_of_the_other() {
    let mut post = Post::letters(Manners {
        jitter: 60_000,
        ..Manners::default()
    });
    for n in 0..300 {
        post.world
            .client(&format!("first{n}"))
            .bought(&["2026-01-05"]);
    }
    post.world.campaign(&news("first", "2026-03-05", LETTER));
    post.planned("2026-03-05");
    // A campaign that has never been live: its day waits for a person, and nothing of it leaves.
    post.world.campaign(&news("second", "2026-03-06", LETTER));
    post.live = None;
    for n in 0..4_000 {
        post.world
            .client(&format!("second{n}"))
            .bought(&["2026-01-05"]);
    }
    post.world.import();
    post.world.at(date("2026-03-06"));
    // Into the hours in which one may write.
    post.later(chrono::TimeDelta::hours(4));
    let (app, live) = post.start().clone();
    let sink = post.sink();
    let taken = Mutex::new(Vec::new());
    let outcome = post.world.wait(async {
        let chunk = |_| taken.lock().unwrap().push(sink.received().len());
        let sending = live.deliver_due(Channel::Email);
        let planning = async {
            let outcome = day::run(&app, World::today(date("2026-03-06")), &chunk).await;
            (outcome.unwrap(), sink.received().len())
        };
        let (sent, planned) = tokio::join!(sending, planning);
        assert_eq!(sent.unwrap().claimed, 300);
        planned
    });
    let (outcome, taken_when_planned) = outcome;
    assert!(
        matches!(outcome, RunOutcome::AwaitingApproval(_)),
        "{outcome:?}"
    );
    let taken = taken.into_inner().unwrap();
    let (first, last) = (taken[0], taken[taken.len() - 1]);
    assert!(taken.len() >= 4, "the day has many chunks: {taken:?}");
    assert!(
        first < last,
        "letters leave between the chunks of the plan: {taken:?}"
    );
    assert!(
        taken_when_planned < 300,
        "the plan does not wait for the last letter"
    );
    let accepted = "SELECT count(*) FROM messages WHERE state = 'accepted'";
    assert_eq!(post.world.count(accepted), 300);
    let planned = "SELECT count(DISTINCT client_id) FROM messages WHERE state = 'planned'";
    assert!(
        post.world.count(planned) >= 4_000,
        "the whole day is planned"
    );
    post.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn nudges_leave_at_the_pace_of_the_settings() {
    let folder = crate::opened::folder();
    let log = folder.path().join("taken.jsonl");
    let servers = Servers::nudges(&log, script()).await;
    let mailing = Mailing {
        program: env!("CARGO_BIN_EXE_rekindle").into(),
        folder: folder.path().to_owned(),
        way: Way::Nudges,
        policy: "at_most_once",
        messages: 40,
        connections: 8,
        server: servers.address(),
        database: None,
    };
    mailing.begin();
    let settings = folder.path().join("config/rekindle.toml");
    let text = std::fs::read_to_string(&settings).unwrap();
    let slow = text.replace("per_second = 1000\ntimeout", "per_second = 20\ntimeout");
    assert_ne!(slow, text);
    std::fs::write(&settings, slow).unwrap();
    mailing.finish().await;
    let log = std::fs::read_to_string(&log).unwrap();
    let lines = log
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let mut at: Vec<u64> = lines.map(|line| line["at_ms"].as_u64().unwrap()).collect();
    at.sort_unstable();
    assert_eq!(at.len(), 40);
    // Eight requests may be under way at once, and a slow machine may let them arrive together;
    // over any stretch no more leave than the settings allow.
    for begin in 0..at.len() {
        for end in begin + 10..at.len() {
            let left = (end - begin - 8) as u64;
            let took = at[end] - at[begin];
            assert!(
                took + 60 >= left * 50,
                "{left} in {took} ms from {begin}: {at:?}"
            );
        }
    }
}
