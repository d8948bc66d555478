//! Random stories: servers that fail, clients who leave and buy, people who hold, decide and lift,
//! processes that start anew. Whatever happens, the oracle has nothing to say at the end.
//!
//! `REKINDLE_STORIES=1000 cargo test --release --test it a_random_story -- --nocapture` tells more
//! of them; a story follows from its number alone.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use chrono::TimeDelta;
use rekindle::db::Decision;
use rekindle::jobs::day::RunOutcome;
use rekindle::model::{Channel, SuppressionReason, SuppressionScope};

use super::sink::{At, Fault, Manners, Script};
use super::{LETTER, Post, QUICK, news};
use crate::draw::Draw;
use crate::full_form;

/// How many stories CI tells.
const USUAL: u64 = 8;

/// How much happens in one.
const EVENTS: u64 = 40;

const CLIENTS: u64 = 9;

const PLACES: [At; 7] = [
    At::Greeting,
    At::Hello,
    At::Sender,
    At::Recipient,
    At::Data,
    At::Content,
    At::EndOfData,
];

fn faults() -> [Fault; 9] {
    [
        Fault::Say("421 4.3.2 closing"),
        Fault::Say("450 4.2.1 later"),
        Fault::Say("550 5.1.1 no such user"),
        Fault::Say("552 5.2.2 full"),
        Fault::Say("554 5.7.1 not you"),
        Fault::Garbage,
        Fault::Fin,
        Fault::Rst,
        Fault::Stall,
    ]
}

/// A server with a bad day.
fn moody(draw: &mut Draw) -> Manners {
    let scripts = (0..=draw.below(3)).map(|_| Script {
        at: PLACES[draw.below(PLACES.len() as u64) as usize],
        fault: faults()[draw.below(9) as usize].clone(),
    });
    Manners {
        scripts: scripts.collect(),
        most_faults: Some(draw.below(12) as usize),
        ..Manners::default()
    }
}

struct Story {
    post: Post,
    draw: Draw,
}

impl Story {
    fn begin(number: u64) -> Self {
        let mut draw = Draw(number);
        let mut post = Post::with(moody(&mut draw), QUICK, "connections = 3\n");
        for n in 0..CLIENTS {
            post.world.client(&format!("c{n}")).bought(&["2026-01-05"]);
        }
        let policies = ["at_most_once", "at_least_once", "ask"];
        for (n, on) in ["2026-03-03", "2026-03-04", "2026-03-05"]
            .iter()
            .enumerate()
        {
            let policy = policies[draw.below(3) as usize];
            let step = format!("{LETTER}, on_unknown = \"{policy}\"");
            post.world.campaign(&news(&format!("news-{n}"), on, &step));
        }
        for on in ["2026-03-03", "2026-03-04", "2026-03-05"] {
            if matches!(post.run(on), RunOutcome::AwaitingApproval(_)) {
                post.approve(on);
            }
        }
        Self { post, draw }
    }

    fn client(&mut self) -> String {
        format!("c{}@example.org", self.draw.below(CLIENTS))
    }

    fn message(&mut self, state: &str) -> Option<i64> {
        let rows = self.post.world.rows(&format!(
            "SELECT id FROM messages WHERE state IN ({state}) ORDER BY id"
        ));
        let count = rows.len() as u64;
        (count > 0).then(|| rows[self.draw.below(count) as usize].get(0))
    }

    fn decide(&mut self, state: &str, decision: Decision) {
        if let Some(id) = self.message(state) {
            let app = self.post.app();
            let now_ms = app.now_ms();
            let decided = app
                .store
                .decide_message(id, decision, "a story", "operator", now_ms);
            assert!(self.post.world.wait(decided).unwrap());
        }
    }

    fn lift_everything(&mut self) {
        let app = self.post.app();
        self.post.world.wait(async {
            for stop in app.store.stops().await.unwrap() {
                app.store.lift_stop(stop.kind, &stop.name).await.unwrap();
            }
        });
    }

    fn event(&mut self) {
        let waiting = "'planned', 'queued', 'retry'";
        match self.draw.below(16) {
            0..=5 => {
                self.post.deliver();
            }
            6 | 7 => {
                let minutes = self.draw.below(90);
                self.post.later(TimeDelta::minutes(minutes.cast_signed()));
            }
            8 => {
                let hours = self.draw.below(14);
                self.post.later(TimeDelta::hours(hours.cast_signed()));
            }
            9 => {
                let (who, app) = (self.client(), self.post.app());
                let hash = app.key.hash(Channel::Email, &who);
                let scope = match self.draw.below(2) {
                    0 => SuppressionScope::All,
                    _ => SuppressionScope::Advertising,
                };
                let reason = SuppressionReason::Stop;
                let today = app.today();
                let left = app
                    .store
                    .suppress(&hash, Channel::Email, scope, reason, today, "story");
                self.post.world.wait(left).unwrap();
            }
            10 => self.decide(waiting, Decision::Hold),
            11 => self.decide("'held'", Decision::Release),
            12 => {
                let decisions = [Decision::Arrived, Decision::GiveUp, Decision::Resend];
                let decision = decisions[self.draw.below(3) as usize];
                self.decide("'unknown'", decision);
            }
            13 => self.decide(waiting, Decision::Cancel),
            // A process that dies, and one that starts.
            14 => self.post.live = None,
            _ => self.lift_everything(),
        }
    }

    fn end(mut self) -> Vec<(String, i64)> {
        for _ in 0..4 {
            self.lift_everything();
            self.post.later(TimeDelta::hours(30));
            self.post.deliver();
        }
        let states = self.post.states();
        let open = states.iter().filter(|(state, _)| {
            ["planned", "queued", "retry", "claimed", "sending"].contains(&state.as_str())
        });
        assert_eq!(open.count(), 0, "everything has an end: {states:?}");
        self.post.finish();
        states
    }
}

/// How many are told at once: most of a story is waiting for servers that say nothing.
const TOLD_AT_ONCE: usize = 8;

/// What a story has come to, by its number: states with how many messages are in them.
fn told(number: u64) -> Vec<(String, i64)> {
    println!("story {number}");
    let mut story = Story::begin(number);
    for _ in 0..EVENTS {
        story.event();
    }
    story.end()
}

#[test]
fn a_random_story_leaves_nothing_that_must_not_be() {
    let stories = full_form::number("REKINDLE_STORIES", USUAL);
    let next = AtomicU64::new(0);
    let teller = || {
        let mut seen: BTreeMap<String, i64> = BTreeMap::new();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= stories {
                return seen;
            }
            for (state, count) in told(number) {
                *seen.entry(state).or_default() += count;
            }
        }
    };
    let seen = std::thread::scope(|scope| {
        let tellers: Vec<_> = (0..TOLD_AT_ONCE).map(|_| scope.spawn(teller)).collect();
        let mut all: BTreeMap<String, i64> = BTreeMap::new();
        for teller in tellers {
            for (state, count) in teller.join().expect("a story that holds") {
                *all.entry(state).or_default() += count;
            }
        }
        all
    });
    println!("{stories} stories of {EVENTS} events: {seen:?}");
    for state in ["accepted", "suppressed", "cancelled", "held"] {
        assert!(
            seen.contains_key(state),
            "no story came to {state}: {seen:?}"
        );
    }
}
