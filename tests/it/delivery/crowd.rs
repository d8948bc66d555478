//! Several workers of the real program deliver from one database of PostgreSQL, and are killed, frozen
//! for longer than their leases last, and cut off from a server that restarts, at random moments. An
//! independent checker looks at what came of it.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::checker::{self, Findings, Question};
use super::mailing::{LEASE, Mailing, Service, Way};
use super::servers::Servers;
use super::sink::Manners;
use crate::draw::Draw;

/// What is done to how many.
#[derive(Clone)]
pub(crate) struct Crowd<'a> {
    pub(crate) program: PathBuf,
    pub(crate) folder: PathBuf,
    /// The address of the database.
    pub(crate) database: String,
    pub(crate) policy: &'static str,
    pub(crate) messages: u32,
    pub(crate) workers: u32,
    pub(crate) kills: u32,
    pub(crate) freezes: u32,
    /// Restarts the server of the database, as often as it is told to.
    pub(crate) restarts: (u32, &'a (dyn Fn(u32) + Sync)),
    /// Sessions of each worker with the mail server.
    pub(crate) connections: u16,
    pub(crate) seed: u64,
    /// The longest wait between a sign of life and the next blow, in milliseconds.
    pub(crate) longest_ms: u64,
}

/// What came of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Survived {
    pub(crate) kills: u32,
    pub(crate) freezes: u32,
    pub(crate) restarts: u32,
    /// How many workers have sent something that was accepted.
    pub(crate) senders: u64,
    pub(crate) findings: Findings,
    pub(crate) took: Duration,
}

#[derive(Clone, Copy)]
enum Blow {
    Kill,
    Freeze,
    Restart,
}

/// How long a mailing may take after the last blow.
const PATIENCE: Duration = Duration::from_mins(30);

/// Strikes, lets them finish, and checks.
pub(crate) async fn run(order: &Crowd<'_>, heard: &(dyn Fn(u32, i64) + Sync)) -> Survived {
    let begun = Instant::now();
    let log = order.folder.join("taken.jsonl");
    let servers = Servers::letters(&log, slow()).await;
    let mailing = Mailing {
        program: order.program.clone(),
        folder: order.folder.clone(),
        way: Way::Letters,
        policy: order.policy,
        messages: order.messages,
        connections: order.connections,
        server: servers.address(),
        database: Some(order.database.clone()),
    };
    mailing.begin();
    let mut draw = Draw(order.seed);
    let mut working: Vec<Service> = (0..order.workers).map(|_| mailing.serve()).collect();
    let mut frozen: Vec<(Service, Instant)> = Vec::new();
    let mut survived = Survived::default();
    for (number, blow) in blows(order, &mut draw).into_iter().enumerate() {
        let before = servers.taken();
        let deadline = Instant::now() + LEASE * 2;
        while servers.taken() == before && Instant::now() < deadline {
            thaw(&mut frozen, &mut working, false);
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        if mailing.open().await == 0 {
            break;
        }
        let wait = draw.below(order.longest_ms.max(1)) * 1_000 + draw.below(1_000);
        tokio::time::sleep(Duration::from_micros(wait)).await;
        all_live(&mut working, &mailing, survived.restarts > 0);
        // One of those who have worked for longest: those who come after him stand at the end.
        let which = draw.below((working.len() as u64).div_ceil(2)) as usize;
        match blow {
            Blow::Restart => {
                order.restarts.1(survived.restarts);
                survived.restarts += 1;
            }
            // Somebody has to be awake, or nothing is learned.
            Blow::Freeze if working.len() > 1 => {
                let service = working.remove(which);
                service.freeze();
                let until = Instant::now() + LEASE + Duration::from_millis(draw.below(3_000));
                frozen.push((service, until));
                survived.freezes += 1;
            }
            Blow::Freeze | Blow::Kill => {
                working.remove(which).kill();
                working.push(mailing.serve());
                survived.kills += 1;
            }
        }
        heard(number as u32 + 1, mailing.open().await);
    }
    let restarted = survived.restarts > 0;
    finish(&mailing, &mut working, &mut frozen, restarted).await;
    let blows = survived.kills + survived.freezes + survived.restarts * order.workers;
    let question = Question {
        database: &mailing.database(),
        log: &log,
        expected: Some(order.messages.into()),
        most_unknown: u64::from(blows) * u64::from(order.connections),
    };
    let findings = checker::check(&question).await;
    survived.findings = findings.expect("a database and a log");
    let senders = "SELECT count(DISTINCT owner) FROM attempts";
    survived.senders = mailing.count(senders).await.cast_unsigned();
    survived.took = begun.elapsed();
    survived
}

/// A server that takes its time: blows fall between its answers.
fn slow() -> Manners {
    Manners {
        jitter: 60_000,
        ..Manners::default()
    }
}

/// All blows in a random order.
fn blows(order: &Crowd<'_>, draw: &mut Draw) -> Vec<Blow> {
    let each = [
        (Blow::Kill, order.kills),
        (Blow::Freeze, order.freezes),
        (Blow::Restart, order.restarts.0),
    ];
    let all = each
        .into_iter()
        .flat_map(|(blow, times)| (0..times).map(move |_| blow));
    let mut all: Vec<Blow> = all.collect();
    for at in (1..all.len()).rev() {
        all.swap(at, draw.below(at as u64 + 1) as usize);
    }
    all
}

/// Wakes those up who were frozen for long enough, or all of them.
fn thaw(frozen: &mut Vec<(Service, Instant)>, working: &mut Vec<Service>, all: bool) {
    let over = |(_, until): &mut (Service, Instant)| all || *until <= Instant::now();
    for (service, _) in frozen.extract_if(.., over) {
        service.thaw();
        working.push(service);
    }
}

/// A worker that has begun lives through everything. One that finds no server at its start ends, and
/// is started again as by any service manager.
fn all_live(working: &mut [Service], mailing: &Mailing, restarted: bool) {
    for service in working {
        if !service.lives() {
            assert!(restarted, "a worker ended\n{}", mailing.said());
            *service = mailing.serve();
        }
    }
}

/// Lets them send what is left, and stops them as an operator would.
async fn finish(
    mailing: &Mailing,
    working: &mut Vec<Service>,
    frozen: &mut Vec<(Service, Instant)>,
    restarted: bool,
) {
    let deadline = Instant::now() + PATIENCE;
    while mailing.open().await > 0 || !frozen.is_empty() {
        thaw(frozen, working, false);
        all_live(working, mailing, restarted);
        assert!(Instant::now() < deadline, "not done\n{}", mailing.said());
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    for mut service in working.drain(..) {
        // Who found no server at his start may have ended by himself since the last look.
        if restarted && !service.lives() {
            continue;
        }
        let ended = service.told_to_end().await;
        let well = ended.is_some_and(|status| status.success());
        assert!(well, "a graceful end: {ended:?}\n{}", mailing.said());
    }
}
