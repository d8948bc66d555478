//! The real program, killed and stopped in the middle of a mailing.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::checker::{self, Findings, Question};
use super::kill_loop::{self, Order};
use super::mailing::{Mailing, Service, Way};
use super::servers::Servers;
use super::sink::{At, Fault, Manners, Script};
use crate::database::{self, Database};
use crate::opened::folder;

fn program() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_rekindle"))
}

async fn survives(way: Way, policy: &'static str, messages: u32, kills: u32, longest_ms: u64) {
    let folder = folder();
    // On a server what a killed worker had in hand waits until its lease has ended.
    let (messages, kills) = if database::on_a_server() {
        (messages.min(600), kills.min(12))
    } else {
        (messages, kills)
    };
    let order = Order {
        program: program(),
        folder: folder.path().to_owned(),
        way,
        policy,
        messages,
        kills,
        connections: 8,
        seed: 20_261_122,
        longest_ms,
        pause_every: 4,
        check_every: 1,
    };
    let survived = kill_loop::run(&order, &|_, _| ()).await;
    println!(
        "{} kills, {:?}\n{}",
        survived.kills, survived.took, survived.findings
    );
    assert!(survived.findings.good(), "{}", survived.findings);
    assert!(
        survived.kills >= kills / 2,
        "the mailing ended too early: {} kills",
        survived.kills
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn five_thousand_letters_survive_a_hundred_kills() {
    survives(Way::Letters, "at_most_once", 5_000, 100, 120).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn letters_that_may_be_doubled_survive_kills_and_none_is_left_unknown() {
    survives(Way::Letters, "at_least_once", 800, 15, 100).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nudges_survive_kills() {
    survives(Way::Nudges, "at_most_once", 800, 15, 100).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nudges_that_may_be_doubled_survive_kills() {
    survives(Way::Nudges, "at_least_once", 800, 15, 100).await;
}

fn mailing(folder: &Path, servers: &Servers, connections: u16, messages: u32) -> Mailing {
    Mailing {
        program: program(),
        folder: folder.to_owned(),
        way: Way::Letters,
        policy: "at_most_once",
        messages,
        connections,
        server: servers.address(),
        database: None,
    }
}

/// A mailing of letters to a server that takes its time, so that something is always under way.
async fn slow_mailing(folder: &Path, messages: u32) -> (Servers, Mailing) {
    let manners = Manners {
        jitter: 20_000,
        ..Manners::default()
    };
    let log = folder.join("taken.jsonl");
    let servers = Servers::letters(&log, manners).await;
    let mailing = mailing(folder, &servers, 8, messages);
    mailing.begin();
    (servers, mailing)
}

pub(super) async fn something_new(servers: &Servers, service: &mut Service, mailing: &Mailing) {
    let before = servers.taken();
    let deadline = Instant::now() + Duration::from_mins(1);
    while servers.taken() == before {
        tokio::time::sleep(Duration::from_millis(2)).await;
        assert!(service.lives(), "{}", mailing.said());
        assert!(
            Instant::now() < deadline,
            "nothing comes\n{}",
            mailing.said()
        );
    }
}

pub(super) async fn nothing_is_wrong(mailing: &Mailing, most_unknown: u64) -> Findings {
    let log = mailing.folder.join("taken.jsonl");
    let database = mailing.database();
    let question = Question {
        database: &database,
        log: &log,
        expected: Some(mailing.messages.into()),
        most_unknown,
    };
    let found = checker::check(&question).await.unwrap();
    assert!(found.good(), "{found}");
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_is_told_to_stop_leaves_nothing_unknown() {
    let folder = folder();
    let (servers, mailing) = slow_mailing(folder.path(), 1_200).await;
    for _ in 0..6 {
        let mut service = mailing.serve();
        something_new(&servers, &mut service, &mailing).await;
        let took = service.stop().await;
        assert!(took < Duration::from_secs(30), "{took:?}");
        let under_way = mailing
            .count("SELECT count(*) FROM messages WHERE state IN ('claimed', 'sending', 'unknown')")
            .await;
        assert_eq!(under_way, 0);
    }
    assert!(mailing.open().await > 0, "it was stopped in the middle");
    mailing.finish().await;
    nothing_is_wrong(&mailing, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_writer_that_holds_the_database_delays_and_loses_nothing() {
    let folder = folder();
    let (servers, mailing) = slow_mailing(folder.path(), 500).await;
    let database = Database::of(folder.path()).await;
    let mut service = mailing.serve();
    for hold in [20, 400, 50, 1_500, 100, 700, 30, 900] {
        something_new(&servers, &mut service, &mailing).await;
        let other = database.hold_writing().await.unwrap();
        // What has passed before may still be answered; nothing new can pass.
        tokio::time::sleep(Duration::from_millis(hold)).await;
        assert!(service.lives(), "{}", mailing.said());
        other.release().await.unwrap();
    }
    service.stop().await;
    database.close().await;
    mailing.finish().await;
    nothing_is_wrong(&mailing, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_that_is_emptied_or_deleted_costs_time_and_nothing_else() {
    let folder = folder();
    let (servers, mailing) = slow_mailing(folder.path(), 600).await;
    let mut service = mailing.serve();
    something_new(&servers, &mut service, &mailing).await;
    let file = folder.path().join("rekindle.db.queue");
    let file = file.to_str().unwrap();
    let queue = if database::on_a_server() {
        mailing.database()
    } else {
        file.to_owned()
    };
    let queue = Database::open(&queue).await.unwrap();
    let of_this_company = "starts_with(job_type, 'rekindle/' || current_schema() || '/')";
    let (all, ours) = (
        "DELETE FROM Jobs",
        format!("DELETE FROM apalis.jobs WHERE {of_this_company}"),
    );
    queue.run(queue.either(all, &ours)).await;
    queue.close().await;
    something_new(&servers, &mut service, &mailing).await;
    service.stop().await;
    for end in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{file}{end}"));
    }
    mailing.finish().await;
    nothing_is_wrong(&mailing, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_cannot_open_its_queue_ends_and_says_why() {
    if database::on_a_server() {
        return println!("not asked of a server: its queue is no file");
    }
    let folder = folder();
    let (_servers, mailing) = slow_mailing(folder.path(), 3).await;
    let queue = folder.path().join("rekindle.db.queue");
    let _ = std::fs::remove_file(&queue);
    std::fs::create_dir(&queue).unwrap();
    let ended = mailing.serve().ended(Duration::from_secs(30)).await;
    let (code, said) = (ended.and_then(|status| status.code()), mailing.said());
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("rekindle.db.queue cannot be used"), "{said}");
    std::fs::remove_dir(&queue).unwrap();
    mailing.finish().await;
    nothing_is_wrong(&mailing, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kill_in_the_body_or_after_the_dot_leaves_just_those_unknown() {
    for (at, taken) in [(At::Content, 0), (At::EndOfData, 4)] {
        let folder = folder();
        let manners = Manners {
            scripts: vec![Script {
                at,
                fault: Fault::Stall,
            }],
            most_faults: Some(4),
            ..Manners::default()
        };
        let log = folder.path().join("taken.jsonl");
        let servers = Servers::letters(&log, manners).await;
        let mailing = mailing(folder.path(), &servers, 4, 30);
        mailing.begin();
        let mut service = mailing.serve();
        let deadline = Instant::now() + Duration::from_mins(1);
        while sending(&mailing).await < 4 || servers.taken() < taken {
            assert!(service.lives(), "{}", mailing.said());
            assert!(Instant::now() < deadline, "{}", mailing.said());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        service.kill();
        mailing.finish().await;
        let found = nothing_is_wrong(&mailing, 4).await;
        assert_eq!((found.unknown, found.accepted), (4, 26), "{at:?}");
        assert_eq!(found.unknown_but_taken, taken, "{at:?}");
    }
}

async fn sending(mailing: &Mailing) -> i64 {
    mailing
        .count("SELECT count(*) FROM messages WHERE state = 'sending'")
        .await
}
