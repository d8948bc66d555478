//! Every fault at every stage ends in its class, and within its time.

use crate::cleared::cleared;
use std::time::{Duration, Instant};

use rekindle::channels::smtp::{Server, Session, Trouble};
use rekindle::config::smtp::Smtp;
use rekindle::rules::delivery::reaction::Fate::{Failed, GiveBack, Retry, Unknown};
use rekindle::rules::delivery::reaction::Measure::{
    CountAgainstChannel, CountSoftBounce, Nothing, StopChannel, StopStep, SuppressAddress,
};
use rekindle::rules::delivery::reaction::{Fate, Measure, Timetable};

use super::sink::{At, Fault, Manners, Script};
use super::{STEP, envelope, server, settings, sink};

const STAGES: [At; 8] = [
    At::Greeting,
    At::Hello,
    At::Login,
    At::Sender,
    At::Recipient,
    At::Data,
    At::Content,
    At::EndOfData,
];

const LATER: Fate = Retry(Timetable::Mail);

fn faults() -> [Fault; 16] {
    [
        Fault::Say("421 closing"),
        Fault::Say("450 later"),
        Fault::Say("451 later"),
        Fault::Say("452 later"),
        Fault::Say("550 no"),
        Fault::Say("552 no"),
        Fault::Say("554 no"),
        Fault::Garbage,
        Fault::LongLine,
        Fault::NoLineEnd,
        Fault::Fin,
        Fault::Rst,
        Fault::Stall,
        Fault::HalfOpen,
        Fault::Dribble,
        Fault::WrongTls,
    ]
}

/// What has to follow, written down without the table of the product.
fn expected(at: At, fault: &Fault) -> (Fate, Measure) {
    let code = match fault {
        Fault::Say(reply) => &reply[..3],
        _ => "none",
    };
    match (at, code) {
        (At::Login, "550" | "552" | "554") => (GiveBack, StopChannel),
        (At::Content | At::EndOfData, "421" | "none") => (Unknown, CountAgainstChannel),
        (At::Sender, "450" | "451" | "452") => (LATER, CountAgainstChannel),
        (At::Sender, "552") => (Failed, StopStep),
        (At::Greeting | At::Hello | At::Login | At::Sender, _) | (_, "421") => {
            (GiveBack, CountAgainstChannel)
        }
        (_, "450" | "451" | "452") => (LATER, Nothing),
        (At::Recipient, "550") => (Failed, SuppressAddress),
        (_, "552") => (Failed, CountSoftBounce),
        (_, "550" | "554") => (Failed, CountAgainstChannel),
        (_, _) => (LATER, CountAgainstChannel),
    }
}

/// One letter from end to end.
async fn sent(server: &Server, content: &[u8]) -> Result<(), Trouble> {
    let mut session = Session::open(server).await?;
    session.offer(&envelope("anna@example.com")).await?;
    session.transmit(&cleared(content)).await.map(drop)
}

/// A folder with a password that only we can read.
fn password() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("password");
    std::fs::write(&path, "s3cret").unwrap();
    #[cfg(unix)]
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    folder
}

/// What a server offers that takes one command after the other, and one that takes many at once.
const OFFERS: [&[&str]; 2] = [&["AUTH PLAIN LOGIN"], &["AUTH PLAIN LOGIN", "PIPELINING"]];

async fn case(
    at: At,
    fault: Fault,
    content: &[u8],
    offers: &[&'static str],
    secrets: &std::path::Path,
) -> Option<String> {
    let wanted = expected(at, &fault);
    let script = Script {
        at,
        fault: fault.clone(),
    };
    let sink = sink(Manners {
        scripts: vec![script],
        offers: offers.to_vec(),
        receive_buffer: Some(4096),
        ..Manners::default()
    })
    .await;
    let server = server(&Smtp {
        user: Some("rekindle".to_owned()),
        password_file: Some(secrets.join("password")),
        ..settings(&sink)
    });
    let begun = Instant::now();
    let trouble = sent(&server, content).await.unwrap_err();
    let took = begun.elapsed();
    let reaction = (trouble.reaction.fate, trouble.reaction.measure);
    // Only one step of a session can wait for its deadline.
    let bound = STEP.duration() + Duration::from_secs(1);
    (reaction != wanted || took > bound).then(|| {
        format!("{at:?} {fault:?} {offers:?}: {trouble} {reaction:?} not {wanted:?}, {took:?}")
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_fault_at_every_stage_has_its_class_and_keeps_its_time() {
    let secrets = password();
    let content = super::letter("k1");
    let mut wrong = Vec::new();
    let mut cases = 0;
    for (at, offers) in STAGES
        .into_iter()
        .flat_map(|at| OFFERS.map(|offers| (at, offers)))
    {
        let all = faults().map(|fault| case(at, fault, &content, offers, secrets.path()));
        cases += all.len();
        wrong.extend(futures::future::join_all(all).await.into_iter().flatten());
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(cases, 256);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_content_that_nobody_reads_has_an_end() {
    let secrets = password();
    // More than the system takes in advance, so that handing it over cannot come to its end.
    let line = [b"x".repeat(900).as_slice(), b"\r\n"].concat();
    let content = line.repeat(10_000);
    for fault in [
        Fault::HalfOpen,
        Fault::Fin,
        Fault::Rst,
        Fault::Say("552 no"),
    ] {
        let wrong = case(At::Content, fault, &content, OFFERS[1], secrets.path()).await;
        assert_eq!(wrong, None);
    }
}
