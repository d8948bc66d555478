//! Webhooks that come twice, late, early, in any order, without a phone, or from somebody else.

use crate::cleared::cleared;
use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex};

use proptest::prelude::*;
use rekindle::channels::whatsapp::webhook::{self, Event};
use rekindle::rules::delivery::feedback::{Feedback, Report};
use rekindle::rules::delivery::stop_words::{self, Wish};
use secrecy::SecretString;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::fake::Webhooks;
use super::{Desk, Rule, Script, Then, account, body, nudge};

/// What a receiver of webhooks keeps: every event once, by its fingerprint.
#[derive(Default)]
struct Kept {
    seen: HashSet<String>,
    events: Vec<Event>,
    refused: usize,
    /// Refuses so many webhooks, which are told again.
    busy: usize,
}

impl Kept {
    /// Takes a webhook; the HTTP status.
    fn take(&mut self, raw: &[u8], signature: Option<&str>, secret: &SecretString) -> u16 {
        if !webhook::is_signed(raw, signature, secret) {
            self.refused += 1;
            return 401;
        }
        if self.busy > 0 {
            self.busy -= 1;
            return 503;
        }
        let Ok(events) = webhook::parse(raw) else {
            return 400;
        };
        for event in events {
            if self.seen.insert(event.fingerprint()) {
                self.events.push(event);
            }
        }
        200
    }

    /// What came back about each message, by its key.
    fn folded(&self) -> BTreeMap<String, Feedback> {
        folded(&self.events)
    }
}

fn folded(events: &[Event]) -> BTreeMap<String, Feedback> {
    let mut keys = BTreeMap::new();
    for event in events {
        if let Event::Status(status) = event {
            keys.insert(status.wamid.clone(), status.key.clone().unwrap_or_default());
        }
    }
    let mut all: BTreeMap<String, Feedback> = BTreeMap::new();
    for event in events {
        let (wamid, reports) = match event {
            Event::Status(status) => (Some(&status.wamid), vec![status.report()]),
            Event::Inbound(inbound) => {
                let stops = inbound.text.as_deref().map(stop_words::wish) == Some(Wish::Stop);
                let stopped = stops.then_some(Report::OptedOut);
                let reports = stopped.into_iter().chain([Report::Replied]).collect();
                (inbound.context.as_ref(), reports)
            }
            _ => continue,
        };
        let Some(key) = wamid.and_then(|wamid| keys.get(wamid)) else {
            continue;
        };
        let feedback = all.entry(key.clone()).or_default();
        *feedback = reports.into_iter().fold(*feedback, Feedback::with);
    }
    all
}

/// A receiver on a port of its own.
async fn receiver(secret: &str, busy: usize) -> (String, Arc<Mutex<Kept>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hooks/whatsapp", listener.local_addr().unwrap());
    let kept = Arc::new(Mutex::new(Kept {
        busy,
        ..Kept::default()
    }));
    let (shared, secret) = (Arc::clone(&kept), SecretString::from(secret));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(receive(stream, Arc::clone(&shared), secret.clone()));
        }
    });
    (url, kept)
}

async fn receive(mut stream: TcpStream, kept: Arc<Mutex<Kept>>, secret: SecretString) {
    let mut ahead: Vec<u8> = Vec::new();
    let mut piece = vec![0; 64 * 1024];
    loop {
        if let Some((length, signature, body)) = whole(&ahead) {
            let status = {
                let mut kept = kept.lock().unwrap();
                kept.take(&ahead[body..length], signature.as_deref(), &secret)
            };
            ahead.drain(..length);
            let answer = format!("HTTP/1.1 {status} X\r\nContent-Length: 0\r\n\r\n");
            if stream.write_all(answer.as_bytes()).await.is_err() {
                return;
            }
            continue;
        }
        match stream.read(&mut piece).await {
            Ok(read) if read > 0 => ahead.extend_from_slice(&piece[..read]),
            _ => return,
        }
    }
}

/// The end of a whole request, its signature, and where its body begins.
fn whole(ahead: &[u8]) -> Option<(usize, Option<String>, usize)> {
    let mut headers = [httparse::EMPTY_HEADER; 32];
    let mut request = httparse::Request::new(&mut headers);
    let Ok(httparse::Status::Complete(head)) = request.parse(ahead) else {
        return None;
    };
    let header = |name: &str| {
        let mut headers = request.headers.iter();
        let found = headers.find(|header| header.name.eq_ignore_ascii_case(name))?;
        String::from_utf8(found.value.to_vec()).ok()
    };
    let length: usize = header("content-length")?.parse().ok()?;
    let end = head + length;
    (ahead.len() >= end).then(|| (end, header(webhook::SIGNATURE_HEADER), head))
}

/// An account whose clients read, answer and stop, and whose webhooks are as bad as can be.
fn stormy(url: String, rules: Vec<Rule>) -> Script {
    Script {
        webhooks: Some(Webhooks {
            url,
            double: 0.7,
            early: 0.5,
            delay_ms: (0, 60),
            replies: 0.4,
            nameless: 0.3,
            ..Webhooks::default()
        }),
        ..account(rules)
    }
}

#[tokio::test]
async fn a_storm_of_webhooks_says_the_same_as_a_calm() {
    let fails = Rule {
        share: Some(0.2),
        ..Rule::always(Then::FailLater { code: 131_026 })
    };
    let ambiguous = Rule {
        share: Some(0.2),
        ..Rule::always(Then::NoJson {
            status: 502,
            taken: true,
        })
    };
    let mut stories = Vec::new();
    for is_stormy in [false, true] {
        let busy = if is_stormy { 5 } else { 0 };
        let (url, kept) = receiver(&Script::default().app_secret, busy).await;
        let mut script = stormy(url, vec![fails.clone(), ambiguous.clone()]);
        if !is_stormy {
            let webhooks = script.webhooks.as_mut().unwrap();
            (webhooks.double, webhooks.early, webhooks.delay_ms) = (0.0, 0.0, (0, 0));
        }
        let desk = Desk::new(script).await;
        let mut unknown = Vec::new();
        for n in 0..60 {
            let key = format!("key-{n}");
            if desk.api.send(&cleared(&body(&nudge(&key)))).await.is_err() {
                unknown.push(key);
            }
        }
        desk.fake.settle().await;
        let kept = kept.lock().unwrap();
        assert_eq!(kept.refused, 0);
        let story = kept.folded();
        assert_eq!(story.len(), 60, "every message was heard of");
        // Our key in the statuses settles what no answer could.
        assert!(!unknown.is_empty());
        assert!(unknown.iter().all(|key| story.contains_key(key)));
        assert!(
            story
                .values()
                .any(|feedback| feedback.opted_out && feedback.replied)
        );
        assert!(story.values().any(|feedback| feedback.has_failed()));
        stories.push(story);
    }
    assert_eq!(stories[0], stories[1]);
}

#[tokio::test]
async fn an_early_status_has_come_before_the_answer() {
    let (url, kept) = receiver(&Script::default().app_secret, 0).await;
    let mut script = stormy(url, Vec::new());
    script.webhooks.as_mut().unwrap().early = 1.0;
    let desk = Desk::new(script).await;
    let taken = desk
        .api
        .send(&cleared(&body(&nudge("early"))))
        .await
        .unwrap();
    let told = {
        let kept = kept.lock().unwrap();
        kept.events.iter().any(|event| {
            matches!(event, Event::Status(status)
                if status.wamid == taken.wamid && status.key.as_deref() == Some("early"))
        })
    };
    assert!(told);
    desk.fake.settle().await;
}

#[tokio::test]
async fn whoever_signs_with_another_secret_is_not_heard() {
    let (url, kept) = receiver("the real secret", 0).await;
    let mut script = stormy(url, Vec::new());
    script.webhooks.as_mut().unwrap().tries = 1;
    let desk = Desk::new(script).await;
    for n in 0..10 {
        desk.api
            .send(&cleared(&body(&nudge(&format!("k{n}")))))
            .await
            .unwrap();
    }
    desk.fake.settle().await;
    let kept = kept.lock().unwrap();
    assert!(kept.refused >= 20);
    assert!(kept.events.is_empty());
}

#[tokio::test]
async fn what_is_told_about_the_account_arrives_as_it_is() {
    let (url, kept) = receiver(&Script::default().app_secret, 0).await;
    let desk = Desk::new(stormy(url, Vec::new())).await;
    let paused = serde_json::json!({ "event": "PAUSED", "message_template_name": "winback_v1",
        "message_template_language": "ru", "reason": "NONE" });
    desk.fake
        .tell("message_template_status_update", paused)
        .await;
    desk.fake
        .tell("account_update", serde_json::json!({ "x": "🌷" }))
        .await;
    let kept = kept.lock().unwrap();
    assert!(matches!(&kept.events[0], Event::TemplateStatus(status)
        if status.is_usable() == Some(false)));
    assert!(matches!(&kept.events[1], Event::Unknown { json, .. } if json.contains('🌷')));
}

/// The events of a few messages: told, told again, with answers.
fn told() -> impl Strategy<Value = Vec<Event>> {
    let one = (
        0_u8..4,
        prop::sample::select(vec!["sent", "delivered", "read", "failed", "in"]),
    );
    prop::collection::vec(one, 1..30).prop_map(|told| {
        let mut raw: Vec<String> = (0..4).map(|n| status(n, "sent")).collect();
        raw.extend(told.into_iter().map(|(n, word)| match word {
            "in" => format!(
                r#"{{"contacts":[{{"user_id":"KZ.{n}"}}],"messages":[{{"id":"IN{n}","type":"text",
                    "context":{{"id":"wamid.{n}"}},"text":{{"body":"СТОП"}}}}]}}"#
            ),
            word => status(n, word),
        }));
        let parse = |value: String| {
            let text =
                format!(r#"{{"entry":[{{"changes":[{{"field":"messages","value":{value}}}]}}]}}"#);
            webhook::parse(text.as_bytes()).expect("our own JSON")
        };
        raw.into_iter().flat_map(parse).collect()
    })
}

fn status(n: u8, word: &str) -> String {
    format!(
        r#"{{"statuses":[{{"id":"wamid.{n}","status":"{word}",
            "biz_opaque_callback_data":"m:k{n}","errors":[{{"code":131026}}]}}]}}"#
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn the_order_and_the_repetition_of_events_change_nothing(
        (events, shuffled) in told().prop_flat_map(|events| {
            let twice: Vec<Event> = events.iter().chain(&events).cloned().collect();
            (Just(events), Just(twice).prop_shuffle())
        })
    ) {
        prop_assert_eq!(folded(&events), folded(&shuffled));
    }
}
