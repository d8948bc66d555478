//! A storm of webhooks over the real server and the real database: R8.
//!
//! Many clients hear and say the same, each in an order of his own, with repetitions of his own;
//! what has come of it must be the same for all. `REKINDLE_STORM=10000 cargo test --release --test
//! it web::storm -- --nocapture` is the full form.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rekindle::db::InboundKind;
use rekindle::jobs::intake;
use rekindle::model::Channel;
use serde_json::json;

use super::hooks::{body, status, text};
use super::{Company, key};
use crate::draw::Draw;
use crate::full_form;

/// How many orders CI tries.
const USUAL: u64 = 120;

fn shuffle<T>(all: &mut [T], draw: &mut Draw) {
    for last in (1..all.len()).rev() {
        all.swap(last, draw.below(last as u64 + 1) as usize);
    }
}

/// What is told of one client: what became of the message, words, a button without a phone.
fn told(n: i64) -> Vec<Vec<u8>> {
    let stop = json!({"contacts": [{"user_id": format!("KZ.{n}")}], "messages": [{
        "user_id": format!("KZ.{n}"), "id": format!("wamid.stop.{n}"), "type": "button",
        "button": {"payload": format!("stop:{}", key(n)), "text": "Stop"}}]});
    vec![
        body("messages", &[status(n, "sent", true)]),
        body("messages", &[status(n, "delivered", true)]),
        // The same again in another batch, and a status that names nothing but the wamid.
        body(
            "messages",
            &[status(n, "delivered", true), status(n, "read", false)],
        ),
        body("messages", &[text(n, &format!("wamid.a.{n}"), "Call me")]),
        body("messages", &[text(n, &format!("wamid.b.{n}"), "Позвоните")]),
        body("messages", &[stop]),
        body("something_new", &[json!({"of": n})]),
    ]
}

impl Company {
    /// What the storm has left of a client, in words that are the same for every client.
    async fn left_of(&self, n: i64) -> String {
        let story = format!(
            "SELECT m.state, m.evidence, m.provider_id IS NOT NULL,
                    (SELECT count(*) FROM tasks t WHERE t.client_id = m.client_id),
                    (SELECT string_agg(t.state || ' ' || t.script, ',') FROM tasks t
                     WHERE t.client_id = m.client_id),
                    (SELECT e.closed_by FROM enrollments e WHERE e.client_id = m.client_id)
             FROM messages m WHERE m.key = '{}'",
            key(n)
        );
        let story = &self.database.rows(&story).await[0];
        let why = format!("SELECT inputs ->> 'why' FROM tasks WHERE client_id = {n}");
        let why: String = self.database.one(&why).await;
        let words = |words: &str| why.matches(words).count();
        format!(
            "{story} {:?} {} {}",
            self.suppressed(n).await,
            words("Call me"),
            words("Позвоните")
        )
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_the_order_and_however_often_the_same_comes_of_it() {
    let clients = full_form::number("REKINDLE_STORM", USUAL) as i64;
    let company = Company::open().await;
    let mut draw = Draw(8);
    let mut storm = Vec::new();
    for n in 1..=clients {
        company.message(n, Channel::Whatsapp, "unknown").await;
        for event in told(n) {
            for _ in 0..=draw.below(10) {
                storm.push(event.clone());
            }
        }
    }
    shuffle(&mut storm, &mut draw);
    let (mut took, begun) = (Vec::with_capacity(storm.len()), Instant::now());
    for (number, raw) in storm.iter().enumerate() {
        let asked = Instant::now();
        assert_eq!(company.told(raw.clone()).await, 200);
        took.push(asked.elapsed());
        if number % 200 == 0 {
            company.look().await;
        }
    }
    let rate = storm.len() as f64 / begun.elapsed().as_secs_f64();
    // What came too early is looked at again when its time has come.
    for _ in 0..3 {
        company
            .sql("UPDATE inbound_events SET due_at = 0 WHERE due_at IS NOT NULL")
            .await;
        company.look().await;
    }
    let mut ends: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    for n in 1..=clients {
        ends.entry(company.left_of(n).await).or_default().push(n);
    }
    assert_eq!(ends.len(), 1, "{ends:#?}");
    let (end, _) = ends.pop_first().unwrap();
    assert!(
        end.starts_with("accepted|") && end.contains("\"progress\":\"read\""),
        "{end}"
    );
    assert!(
        end.ends_with("[\"whatsapp advertising stop\"] 1 1"),
        "{end}"
    );
    let lost = company.app.store.inbound_waiting().await.unwrap();
    assert_eq!(lost, 0, "nothing waits for ever");
    took.sort_unstable();
    let p99 = took[took.len() * 99 / 100];
    println!(
        "{} webhooks about {clients} clients, {rate:.0} a second one after the other: all the same; \
         half were answered within {:?}, 99 of 100 within {p99:?}",
        storm.len(),
        took[took.len() / 2]
    );
}

#[tokio::test]
async fn what_comes_a_week_late_still_counts_and_what_belongs_to_nobody_is_given_up() {
    let company = Company::open().await;
    company.message(1, Channel::Whatsapp, "unknown").await;
    company.app.clock.advance(chrono::TimeDelta::days(7));
    let late = body("messages", &[status(1, "delivered", true)]);
    assert_eq!(company.told(late).await, 200);
    let of_nobody = body("messages", &[status(99, "delivered", true)]);
    assert_eq!(company.told(of_nobody).await, 200);
    let done = company.look().await;
    assert_eq!((done.counted, done.waiting), (1, 1));
    assert_eq!(company.state(1).await, "accepted");
    company.app.clock.advance(chrono::TimeDelta::days(4));
    let done = company.look().await;
    assert_eq!((done.waiting, done.idle), (0, 1));
    assert_eq!(company.app.store.inbound_waiting().await.unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn webhooks_are_answered_while_others_are_looked_at() {
    let company = Company::open().await;
    for n in 1..=40 {
        company.message(n, Channel::Whatsapp, "unknown").await;
    }
    let watching = tokio::spawn(intake::watch(company.app.clone(), company.stop.clone()));
    for n in 1..=40 {
        for raw in told(n) {
            assert_eq!(company.told(raw).await, 200);
        }
    }
    let stopped = "SELECT count(*) FROM suppressions";
    let all = async {
        while company.number(stopped).await != 40 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let in_time = tokio::time::timeout(Duration::from_mins(1), all).await;
    assert!(in_time.is_ok(), "each was looked at");
    company.stop.cancel();
    watching.await.unwrap();
    let (again, now_ms) = (told(1).remove(0), company.app.now_ms());
    let store = &company.app.store;
    let kept = store.keep_inbound(InboundKind::Whatsapp, &again, now_ms);
    assert!(!kept.await.unwrap(), "the same bytes are kept once");
}
