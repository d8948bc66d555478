//! Sessions and the pool: whole letters, whole replies, and nothing of one letter in another.

use std::future::Future;
use std::task::Poll;
use std::time::Duration;

use rekindle::channels::smtp::{Cause, Pool, Session};
use rekindle::config::smtp::Smtp;
use rekindle::rules::delivery::reaction::{Fate, Measure, Reaction};
use rekindle::rules::delivery::smtp_replies::Stage;

use super::sink::{At, Fault, Manners, Script};
use super::{envelope, letter, server, session, settings, sink};
use crate::cleared::cleared;
use crate::full_form;

fn pool(smtp: &Smtp) -> Pool {
    Pool::new(server(smtp), smtp)
}

fn say(at: At, reply: &'static str) -> Script {
    Script {
        at,
        fault: Fault::Say(reply),
    }
}

#[tokio::test]
async fn a_letter_arrives_as_it_was_written() {
    let sink = sink(Manners::default()).await;
    let mut session = session(&sink).await;
    session.offer(&envelope("anna@example.com")).await.unwrap();
    assert!(sink.received().is_empty(), "nothing was sent yet");
    let accepted = session.transmit(&cleared(&letter("k1"))).await.unwrap();
    assert_eq!(
        accepted.reply.to_string(),
        "250 2.0.0 anna@example.com queued as k1"
    );
    let received = sink.received().remove(0);
    assert_eq!(
        received.data,
        letter("k1"),
        "dots at the beginning of lines included"
    );
    assert_eq!(received.sender, "b+1@bounces.example.org");
    assert_eq!(received.recipient, "anna@example.com");
}

#[tokio::test]
async fn reports_are_ordered_and_the_size_is_told_where_the_server_offers_it() {
    let sink = sink(Manners {
        offers: vec!["SIZE 1000", "DSN"],
        ..Manners::default()
    })
    .await;
    let mut session = session(&sink).await;
    let mut to_anna = envelope("anna@example.com");
    to_anna.id = Some("k1".to_owned());
    to_anna.size = Some(1001);
    let trouble = session.offer(&to_anna).await.unwrap_err();
    assert_eq!(
        trouble.reaction,
        Reaction::with(Fate::Failed, Measure::StopStep)
    );
    to_anna.size = Some(1000);
    session.offer(&to_anna).await.unwrap();
    let commands = sink.commands();
    assert_eq!(
        commands[1],
        "MAIL FROM:<b+1@bounces.example.org> SIZE=1000 RET=HDRS ENVID=k1"
    );
    assert_eq!(
        commands[2],
        "RCPT TO:<anna@example.com> NOTIFY=FAILURE,DELAY"
    );
}

#[tokio::test]
async fn an_address_in_any_script_goes_to_servers_that_know_it_and_fails_at_others() {
    let to = "анна@xn--e1afmkfd.xn--p1ai";
    for offers in [vec!["SMTPUTF8"], vec!["SMTPUTF8", "PIPELINING"], vec![]] {
        let knows = !offers.is_empty();
        let sink = sink(Manners {
            offers,
            ..Manners::default()
        })
        .await;
        let mut session = session(&sink).await;
        let offered = session.offer(&envelope(to)).await;
        if !knows {
            let trouble = offered.unwrap_err();
            assert_eq!(trouble.reaction, Reaction::only(Fate::Failed));
            assert!(
                trouble.to_string().contains("only Latin letters"),
                "{trouble}"
            );
            // Nothing was said: the session is good for the next letter.
            session.offer(&envelope("anna@example.com")).await.unwrap();
            continue;
        }
        offered.unwrap();
        session.transmit(&cleared(&letter("k1"))).await.unwrap();
        assert_eq!(sink.received()[0].recipient, to);
        let sender = &sink.commands()[1];
        assert_eq!(
            sender,
            "MAIL FROM:<b+1@bounces.example.org> SMTPUTF8 BODY=8BITMIME"
        );
    }
}

#[tokio::test]
async fn a_slow_server_is_waited_for_up_to_the_deadline() {
    let late = |at| Script {
        at,
        fault: Fault::Delay(Duration::from_millis(100)),
    };
    let stages = [
        At::Greeting,
        At::Hello,
        At::Sender,
        At::Recipient,
        At::Data,
        At::EndOfData,
    ];
    let sink = sink(Manners {
        scripts: stages.map(late).to_vec(),
        ..Manners::default()
    })
    .await;
    let mut session = session(&sink).await;
    session.offer(&envelope("anna@example.com")).await.unwrap();
    session.transmit(&cleared(&letter("k1"))).await.unwrap();
}

#[tokio::test]
async fn a_refused_letter_leaves_a_session_for_the_next_one() {
    let sink = sink(Manners {
        scripts: vec![say(At::Recipient, "550 5.1.1 nobody here")],
        ..Manners::default()
    })
    .await;
    let mut session = session(&sink).await;
    for _ in 0..3 {
        let trouble = session.offer(&envelope("b@example.com")).await.unwrap_err();
        assert_eq!(trouble.stage, Stage::Recipient);
        assert_eq!(trouble.reply().unwrap().code, 550);
        assert!(!session.is_ready());
        session.reset().await.unwrap();
        assert!(session.is_ready());
    }
    assert_eq!(sink.connections(), 1);
}

/// A server that takes many commands at once.
fn pipelining(scripts: Vec<Script>) -> Manners {
    Manners {
        scripts,
        offers: vec!["PIPELINING"],
        ..Manners::default()
    }
}

#[tokio::test]
async fn a_letter_is_offered_by_one_write_where_the_server_takes_many_commands_at_once() {
    // The reply to MAIL comes late, and nobody waits for it before the rest is said.
    let late = Script {
        at: At::Sender,
        fault: Fault::Delay(Duration::from_millis(100)),
    };
    let sink = sink(pipelining(vec![late])).await;
    let mut session = session(&sink).await;
    for key in ["k1", "k2"] {
        session.offer(&envelope("anna@example.com")).await.unwrap();
        assert_eq!(sink.received().len(), usize::from(key == "k2"));
        session.transmit(&cleared(&letter(key))).await.unwrap();
    }
    let received = sink.received();
    assert!(
        received
            .iter()
            .all(|one| one.recipient == "anna@example.com")
    );
    assert_eq!(received[1].data, letter("k2"));
    assert_eq!(sink.connections(), 1);
}

#[tokio::test]
async fn of_many_commands_the_one_that_was_refused_first_counts() {
    for (at, reply, stage, code) in [
        (At::Sender, "451 4.3.0 later", Stage::Sender, 451),
        (At::Recipient, "550 5.1.1 nobody", Stage::Recipient, 550),
        (At::Data, "452 4.2.2 full", Stage::Data, 452),
    ] {
        let sink = sink(pipelining(vec![say(at, reply)])).await;
        let mut session = session(&sink).await;
        for _ in 0..2 {
            let trouble = session.offer(&envelope("b@example.com")).await.unwrap_err();
            assert_eq!(trouble.stage, stage);
            assert_eq!(trouble.reply().unwrap().code, code);
            assert!(!session.is_ready());
            session.reset().await.unwrap();
        }
        assert_eq!(sink.connections(), 1, "{at:?}");
    }
}

#[tokio::test]
async fn a_server_that_awaits_a_content_for_nobody_gets_none() {
    let refusal = say(At::Recipient, "550 5.1.1 nobody here");
    let sink = sink(Manners {
        careless: true,
        ..pipelining(vec![refusal])
    })
    .await;
    let mut session = session(&sink).await;
    let trouble = session.offer(&envelope("b@example.com")).await.unwrap_err();
    assert_eq!(
        (trouble.stage, trouble.reply().unwrap().code),
        (Stage::Recipient, 550)
    );
    assert!(session.transmit(&cleared(&letter("k1"))).await.is_err());
    assert!(session.reset().await.is_err(), "there is no way out");
    assert!(sink.received().is_empty());
}

#[tokio::test]
async fn a_reply_too_many_among_many_commands_is_never_an_acceptance() {
    for (at, other) in [
        (At::Sender, "250 2.1.0 ok"),
        (At::Recipient, "250 2.1.5 ok"),
        (At::Recipient, "354 go ahead"),
        (At::Data, "250 2.0.0 queued"),
    ] {
        let script = Script {
            at,
            fault: Fault::Twice(other),
        };
        let sink = sink(pipelining(vec![script])).await;
        let mut session = session(&sink).await;
        let sent = match session.offer(&envelope("anna@example.com")).await {
            Ok(()) => session.transmit(&cleared(&letter("k1"))).await.map(drop),
            Err(trouble) => Err(trouble),
        };
        assert!(sent.is_err(), "{at:?} {other}");
        assert!(!session.is_ready());
    }
}

#[tokio::test]
async fn a_letter_that_is_given_up_after_the_354_is_not_delivered() {
    let sink = sink(Manners::default()).await;
    let pool = pool(&settings(&sink));
    let mut session = pool.take(pool.room().await.unwrap()).await.unwrap();
    session.offer(&envelope("anna@example.com")).await.unwrap();
    session.abandon();
    let mut next = pool.take(pool.room().await.unwrap()).await.unwrap();
    next.offer(&envelope("boris@example.com")).await.unwrap();
    next.transmit(&cleared(&letter("k2"))).await.unwrap();
    let keys: Vec<String> = sink.received().into_iter().map(|got| got.key).collect();
    assert_eq!((keys, sink.connections()), (vec!["k2".to_owned()], 2));
}

#[tokio::test]
async fn a_content_with_a_bare_line_break_is_not_begun() {
    let sink = sink(Manners::default()).await;
    for bad in [
        "a\n.\r\nMAIL FROM:<x@example.com>\r\n",
        "a\rb\r\n",
        "a\r\n.\n",
    ] {
        let mut session = session(&sink).await;
        session.offer(&envelope("anna@example.com")).await.unwrap();
        let trouble = session
            .transmit(&cleared(bad.as_bytes()))
            .await
            .unwrap_err();
        assert!(matches!(trouble.cause, Cause::Letter(_)), "{trouble}");
        assert_eq!(trouble.reaction.fate, Fate::Failed);
        assert!(!session.is_ready());
    }
    assert!(sink.received().is_empty());
}

#[tokio::test]
async fn a_reply_that_nobody_asked_for_is_credited_to_no_letter() {
    for at in [
        At::Greeting,
        At::Sender,
        At::Recipient,
        At::Data,
        At::EndOfData,
    ] {
        for extra in ["250 2.0.0 queued", "550 5.1.1 unknown", "354 go"] {
            let sink = sink(Manners {
                scripts: vec![Script {
                    at,
                    fault: Fault::Twice(extra),
                }],
                ..Manners::default()
            })
            .await;
            let smtp = settings(&sink);
            let pool = pool(&smtp);
            let trouble = match pool.take(pool.room().await.unwrap()).await {
                Err(none) => Some(none.trouble),
                Ok(mut session) => {
                    let offered = session.offer(&envelope("a@example.com")).await;
                    if offered.is_ok() {
                        let sent = session.transmit(&cleared(&letter("k1"))).await;
                        session.park().await;
                        sent.err()
                    } else {
                        offered.err()
                    }
                }
            };
            let fate = trouble.as_ref().map(|trouble| trouble.reaction.fate);
            match (at, extra) {
                // The letter was accepted before; the next one gets a connection of its own.
                (At::EndOfData, _) => {
                    assert_eq!(fate, None);
                    drop(pool.take(pool.room().await.unwrap()).await.unwrap());
                    assert_eq!(sink.connections(), 2, "{extra}");
                }
                // The server may refuse a content before its end, and nothing else counts.
                (At::Data, "550 5.1.1 unknown") => assert_eq!(fate, Some(Fate::Failed)),
                (At::Data, _) => assert_eq!(fate, Some(Fate::Unknown), "{extra}"),
                (At::Recipient | At::Sender, _) => {
                    assert!(
                        matches!(fate, Some(Fate::Retry(_))),
                        "{at:?} {extra} {fate:?}"
                    );
                }
                _ => assert_eq!(fate, Some(Fate::GiveBack), "{at:?} {extra}"),
            }
        }
    }
}

/// Drops a future in the middle, after so many steps: right after it has begun to wait, or when
/// what it waited for has come and was not looked at. No clock is asked, so that a busy machine
/// drops at the same places as an idle one.
async fn dropped_after<F: Future>(steps: u64, when_it_came: bool, work: F) -> Option<F::Output> {
    let mut work = Box::pin(work);
    let mut taken = 0;
    std::future::poll_fn(|context| {
        if when_it_came && taken == steps {
            return Poll::Ready(None);
        }
        taken += 1;
        match work.as_mut().poll(context) {
            Poll::Ready(done) => Poll::Ready(Some(done)),
            Poll::Pending if !when_it_came && taken == steps => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dropped_step_never_lends_its_reply_to_another_letter() {
    let letters = full_form::number("REKINDLE_CANCELS", 500);
    let sink = sink(Manners {
        jitter: 3000,
        refuses: Some("no"),
        ..Manners::default()
    })
    .await;
    let smtp = Smtp {
        connections: 4,
        ..settings(&sink)
    };
    let pool = pool(&smtp);
    let one = |n: u64| {
        let pool = &pool;
        async move {
            let to = format!(
                "{}{n}@example.com",
                if n.is_multiple_of(5) { "no" } else { "yes" }
            );
            // A letter takes some ten steps: every place is met, and every third letter comes through.
            let steps = if n.is_multiple_of(3) {
                u64::MAX
            } else {
                1 + n / 2 % 14
            };
            let sent = dropped_after(steps, n.is_multiple_of(2), async {
                let room = pool.room().await.ok()?;
                let mut session = pool.take(room).await.ok()?;
                session.offer(&envelope(&to)).await.ok()?;
                let sent = session.transmit(&cleared(&letter(&n.to_string()))).await;
                let said = match &sent {
                    Ok(accepted) => accepted.reply.to_string(),
                    Err(trouble) => trouble.reply().map(ToString::to_string).unwrap_or_default(),
                };
                session.park().await;
                Some((sent.is_ok(), said))
            });
            let sent = sent.await.flatten();
            (to, sent)
        }
    };
    let mut cancelled = 0;
    let mut by_steps = 0;
    for chunk in 0..letters / 10 {
        let tries = (chunk * 10..chunk * 10 + 10).map(one);
        for (to, sent) in futures::future::join_all(tries).await {
            match sent {
                None => cancelled += 1,
                Some((accepted, said)) => {
                    by_steps += u64::from(accepted);
                    assert!(said.contains(&format!(" {to} ")), "{to} was told: {said}");
                    assert_eq!(accepted, to.starts_with("yes"), "{to} was told: {said}");
                }
            }
        }
    }
    assert!(
        cancelled > letters / 4,
        "{cancelled} of {letters} were dropped"
    );
    assert!(by_steps > letters / 6, "{by_steps} came through");
    println!("{letters} letters, {cancelled} dropped half-way: no reply went to another letter");
}

#[tokio::test]
async fn sessions_are_used_again_up_to_their_share_of_letters() {
    let sink = sink(Manners::default()).await;
    let smtp = Smtp {
        messages_per_connection: 3,
        ..settings(&sink)
    };
    let pool = pool(&smtp);
    for n in 0..7 {
        let mut session = pool.take(pool.room().await.unwrap()).await.unwrap();
        session.offer(&envelope("a@example.com")).await.unwrap();
        session
            .transmit(&cleared(&letter(&n.to_string())))
            .await
            .unwrap();
        session.park().await;
    }
    let by: Vec<usize> = sink.received().iter().map(|got| got.connection).collect();
    assert_eq!(by, [0, 0, 0, 1, 1, 1, 2]);
    assert_eq!(pool.parked(), 1);
    pool.close().await;
    assert_eq!(
        (pool.parked(), sink.commands().last().unwrap().as_str()),
        (0, "QUIT")
    );
}

#[tokio::test]
async fn a_parked_session_that_the_server_closed_costs_nobody_anything() {
    let sink = sink(Manners {
        letters: Some(1),
        ..Manners::default()
    })
    .await;
    let pool = pool(&settings(&sink));
    for n in 0..5 {
        let mut session = pool.take(pool.room().await.unwrap()).await.unwrap();
        let offered = session.offer(&envelope("a@example.com")).await;
        match offered {
            Ok(()) => {
                session
                    .transmit(&cleared(&letter(&n.to_string())))
                    .await
                    .unwrap();
                session.park().await;
            }
            // The closing was on its way when the session was taken.
            Err(trouble) => assert_eq!(trouble.reaction, Reaction::only(Fate::GiveBack)),
        }
    }
    assert!(sink.received().len() >= 3, "{}", sink.received().len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn there_are_never_more_connections_than_allowed() {
    let sink = sink(Manners {
        jitter: 2000,
        ..Manners::default()
    })
    .await;
    let smtp = Smtp {
        connections: 3,
        ..settings(&sink)
    };
    let pool = pool(&smtp);
    let all = (0..30).map(|n| {
        let pool = &pool;
        async move {
            let mut session = pool.take(pool.room().await.unwrap()).await.unwrap();
            session
                .offer(&envelope(&format!("a{n}@example.com")))
                .await
                .unwrap();
            session
                .transmit(&cleared(&letter(&n.to_string())))
                .await
                .unwrap();
            session.park().await;
        }
    });
    futures::future::join_all(all).await;
    assert_eq!(sink.received().len(), 30);
    assert!(sink.most_open() <= 3, "{}", sink.most_open());
}

#[tokio::test]
async fn nobody_listening_counts_against_the_channel_and_not_the_letter() {
    let sink = sink(Manners::default()).await;
    let smtp = settings(&sink);
    drop(sink);
    tokio::task::yield_now().await;
    let trouble = Session::open(&server(&smtp)).await.unwrap_err();
    assert_eq!(
        trouble.reaction,
        Reaction::with(Fate::GiveBack, Measure::CountAgainstChannel)
    );
}
