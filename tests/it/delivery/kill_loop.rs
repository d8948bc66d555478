//! The kill loop: the real program is killed at random moments of a mailing, again and again, and an
//! independent checker looks at what came of it.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::checker::{self, Findings, Question};
use super::mailing::{Mailing, Way};
use super::servers::Servers;
use crate::draw::Draw;

/// What is killed how often.
#[derive(Clone, Debug)]
pub(crate) struct Order {
    pub(crate) program: PathBuf,
    pub(crate) folder: PathBuf,
    pub(crate) way: Way,
    pub(crate) policy: &'static str,
    pub(crate) messages: u32,
    pub(crate) kills: u32,
    pub(crate) connections: u16,
    pub(crate) seed: u64,
    /// The longest wait between a sign of life and the kill, in milliseconds.
    pub(crate) longest_ms: u64,
    /// The mailing is paused and resumed after every so many kills; never when 0.
    pub(crate) pause_every: u32,
    /// The file is checked after every so many kills.
    pub(crate) check_every: u32,
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct Survived {
    pub(crate) kills: u32,
    pub(crate) findings: Findings,
    pub(crate) took: Duration,
}

/// Kills, restarts, lets it finish, and checks.
pub(crate) async fn run(order: &Order, heard: &(dyn Fn(u32, i64) + Sync)) -> Survived {
    let begun = Instant::now();
    let log = order.folder.join("taken.jsonl");
    let servers = Servers::start(order.way, &log).await;
    let mailing = Mailing {
        program: order.program.clone(),
        folder: order.folder.clone(),
        way: order.way,
        policy: order.policy,
        messages: order.messages,
        connections: order.connections,
        server: servers.address(),
        database: None,
    };
    mailing.begin();
    let mut draw = Draw(order.seed);
    let mut kills = 0;
    while kills < order.kills && mailing.open().await > 0 {
        let before = servers.taken();
        let mut service = mailing.serve();
        // A sign of life: something new has come, or, where little is left, nothing for a while.
        let deadline = Instant::now() + Duration::from_secs(10);
        while servers.taken() == before && Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(2)).await;
            assert!(service.lives(), "the service ended\n{}", mailing.said());
        }
        let wait = draw.below(order.longest_ms.max(1)) * 1_000 + draw.below(1_000);
        tokio::time::sleep(Duration::from_micros(wait)).await;
        service.kill();
        kills += 1;
        if order.pause_every > 0 && kills % order.pause_every == 0 {
            nothing_leaves_while_paused(&mailing, &servers).await;
        }
        if kills % order.check_every == 0 {
            assert_eq!(mailing.integrity().await, "ok", "after kill {kills}");
            heard(kills, mailing.open().await);
        }
    }
    mailing.finish().await;
    assert_eq!(mailing.integrity().await, "ok");
    let under_way = match order.way {
        Way::Letters => u64::from(order.connections),
        Way::Nudges => 8,
    };
    let question = Question {
        database: &mailing.database(),
        log: &log,
        expected: Some(order.messages.into()),
        most_unknown: u64::from(kills) * under_way,
    };
    let findings = checker::check(&question).await;
    Survived {
        kills,
        findings: findings.expect("a database and a log"),
        took: begun.elapsed(),
    }
}

/// How long a paused mailing is watched.
const WATCHED: Duration = Duration::from_millis(400);

/// Pauses the mailing, lets the program run for a while, and resumes.
async fn nothing_leaves_while_paused(mailing: &Mailing, servers: &Servers) {
    mailing.pause();
    // What the program that was killed has handed over may still be read by the server.
    let mut before = servers.taken();
    loop {
        tokio::time::sleep(Duration::from_millis(50)).await;
        let now = servers.taken();
        if now == before {
            break;
        }
        before = now;
    }
    let mut service = mailing.serve();
    tokio::time::sleep(WATCHED).await;
    assert!(service.lives(), "{}", mailing.said());
    assert_eq!(
        servers.taken(),
        before,
        "something left while the mailing was paused"
    );
    service.kill();
    mailing.resume();
}
