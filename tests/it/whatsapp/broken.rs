//! Everything that HTTP can do to a request: the right class, and never a second request.

use crate::cleared::cleared;
use std::time::{Duration, Instant};

use rekindle::channels::whatsapp::{Api, Trouble};
use rekindle::config::settings::WhatsApp;
use rekindle::config::values::Wait;
use rekindle::rules::delivery::reaction::{Fate, Measure, Timetable};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

use super::{Desk, Rule, Then, account, body, nudge};

/// What comes of one request that ends in this way.
async fn sent(then: Then) -> (Trouble, bool) {
    let desk = Desk::new(account(vec![Rule::always(then)])).await;
    let trouble = desk
        .api
        .send(&cleared(&body(&nudge("k"))))
        .await
        .unwrap_err();
    let request = desk.only_request();
    (trouble, request.taken)
}

#[tokio::test]
async fn whatever_may_have_been_taken_is_unknown_whether_it_was_or_not() {
    for taken in [true, false] {
        for (then, status) in [
            (Then::BadJson { taken }, Some(200)),
            (Then::Huge { taken }, Some(200)),
            (Then::Redirect { taken }, Some(301)),
            (Then::NoJson { status: 500, taken }, Some(500)),
            (Then::NoJson { status: 502, taken }, Some(502)),
            (Then::NoJson { status: 503, taken }, Some(503)),
            (Then::NoJson { status: 504, taken }, Some(504)),
            (Then::NoJson { status: 408, taken }, Some(408)),
            (Then::ResetAfterBody { taken }, None),
            (Then::CutAnswer { taken }, Some(200)),
        ] {
            let name = format!("{then:?}");
            let (trouble, was_taken) = sent(then).await;
            assert_eq!(
                trouble.reaction.fate,
                Fate::Unknown,
                "{name}: {}",
                trouble.what
            );
            let measure = trouble.reaction.measure;
            assert_eq!(measure, Measure::CountAgainstChannel, "{name}");
            assert_eq!(trouble.http_status, status, "{name}");
            assert_eq!(trouble.code, None);
            assert!(trouble.answer.len() <= 512);
            assert_eq!(was_taken, taken, "{name}");
        }
    }
}

#[tokio::test]
async fn a_reset_before_the_body_was_read_is_unknown_too() {
    // From here it cannot be told from one that came a moment later.
    let (trouble, taken) = sent(Then::ResetBeforeBody).await;
    assert_eq!(trouble.reaction.fate, Fate::Unknown, "{}", trouble.what);
    assert!(!taken);
}

#[tokio::test]
async fn silence_is_unknown_and_ends_on_time() {
    for taken in [true, false] {
        let script = account(vec![Rule::always(Then::Stall { taken })]);
        let desk = Desk::with_timeout(script, Wait::millis(400)).await;
        let begun = Instant::now();
        let trouble = desk
            .api
            .send(&cleared(&body(&nudge("k"))))
            .await
            .unwrap_err();
        assert!(begun.elapsed() < Duration::from_millis(1_400));
        assert_eq!(trouble.reaction.fate, Fate::Unknown, "{}", trouble.what);
        assert_eq!(desk.only_request().taken, taken);
    }
}

#[tokio::test]
async fn too_many_is_surely_not_taken_and_says_how_long_to_wait() {
    let (trouble, _) = sent(Then::TooMany { retry_after: 17 }).await;
    assert_eq!(trouble.reaction.fate, Fate::Retry(Timetable::Throughput));
    assert_eq!(trouble.reaction.measure, Measure::SlowChannel);
    assert_eq!(trouble.retry_after, Some(Duration::from_secs(17)));
    assert_eq!(trouble.http_status, Some(429));
}

#[tokio::test]
async fn a_wrong_address_or_token_stops_the_channel_even_without_a_code() {
    for status in [401, 403, 404] {
        let (trouble, _) = sent(Then::NoJson {
            status,
            taken: false,
        })
        .await;
        assert_eq!(trouble.reaction.fate, Fate::GiveBack, "{status}");
        assert_eq!(trouble.reaction.measure, Measure::StopChannel);
    }
    let (trouble, _) = sent(Then::NoJson {
        status: 413,
        taken: false,
    })
    .await;
    assert_eq!(trouble.reaction.fate, Fate::Retry(Timetable::Once));
}

async fn sent_to(base_url: String) -> Trouble {
    let settings = WhatsApp {
        phone_number_id: Some("1".to_owned()),
        base_url,
        timeout: Wait::seconds(5),
        ..WhatsApp::default()
    };
    let api = Api::new(&settings, &"token".into()).unwrap();
    api.send(&cleared(&body(&nudge("k")))).await.unwrap_err()
}

#[tokio::test]
async fn what_was_never_written_is_given_back() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let closed = listener.local_addr().unwrap();
    drop(listener);
    // No such name, by RFC 6761 §6.4 for ever.
    for base_url in [
        format!("http://{closed}"),
        "https://graph.invalid".to_owned(),
    ] {
        let trouble = sent_to(base_url.clone()).await;
        assert_eq!(
            trouble.reaction.fate,
            Fate::GiveBack,
            "{base_url}: {}",
            trouble.what
        );
        assert_eq!(trouble.reaction.measure, Measure::CountAgainstChannel);
        assert_eq!(trouble.http_status, None);
    }
}

#[tokio::test]
async fn a_server_that_does_not_speak_tls_never_sees_the_request() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
        stream.write_all(answer).await.unwrap();
    });
    let trouble = sent_to(format!("https://{address}")).await;
    server.await.unwrap();
    assert_eq!(trouble.reaction.fate, Fate::GiveBack, "{}", trouble.what);
}

#[tokio::test]
async fn a_handshake_that_never_ends_is_given_back_in_half_the_time() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let settings = WhatsApp {
        phone_number_id: Some("1".to_owned()),
        base_url: format!("https://{address}"),
        timeout: Wait::millis(600),
        ..WhatsApp::default()
    };
    let api = Api::new(&settings, &"token".into()).unwrap();
    let trouble = api.send(&cleared(&body(&nudge("k")))).await.unwrap_err();
    assert_eq!(trouble.reaction.fate, Fate::GiveBack, "{}", trouble.what);
    drop(listener);
}

#[tokio::test]
async fn a_connection_that_died_while_idle_costs_no_message_and_doubles_none() {
    let desk = Desk::new(account(vec![Rule::always(Then::CloseIdle)])).await;
    for n in 0..50 {
        let sent = desk
            .api
            .send(&cleared(&body(&nudge(&format!("k{n}")))))
            .await;
        // The end may be met by the next request before it was read: then nobody knows.
        if let Err(trouble) = sent {
            assert_eq!(trouble.reaction.fate, Fate::Unknown, "{}", trouble.what);
        }
    }
    let mut keys: Vec<_> = desk.fake.requests().into_iter().map(|r| r.key).collect();
    let all = keys.len();
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), all, "a request was written twice");
}

#[tokio::test]
async fn one_connection_carries_many_messages() {
    let desk = Desk::new(account(Vec::new())).await;
    for n in 0..20 {
        desk.api
            .send(&cleared(&body(&nudge(&format!("k{n}")))))
            .await
            .unwrap();
    }
    assert_eq!(desk.fake.requests().len(), 20);
    assert_eq!(desk.fake.connections(), 1);
}

#[tokio::test]
async fn a_send_that_is_dropped_takes_its_connection_along() {
    let stalls = Rule {
        times: Some(1),
        ..Rule::always(Then::Stall { taken: true })
    };
    let desk = Desk::new(account(vec![stalls])).await;
    let first = body(&nudge("dropped"));
    let cut =
        tokio::time::timeout(Duration::from_millis(300), desk.api.send(&cleared(&first))).await;
    assert!(cut.is_err());
    let taken = desk
        .api
        .send(&cleared(&body(&nudge("next"))))
        .await
        .unwrap();
    let requests = desk.fake.requests();
    let next = requests.iter().find(|r| r.key.as_deref() == Some("m:next"));
    // The answer belongs to this message and not to the one before.
    assert_eq!(next.and_then(|r| r.wamid.clone()), Some(taken.wamid));
    assert_eq!(desk.fake.connections(), 2);
}
