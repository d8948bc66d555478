//! Leaving races with sending: whoever has left, and was told so, is not written to any more.
//!
//! `REKINDLE_OPT_OUTS=100000 cargo test --release --test it web::race -- --nocapture` is the full
//! form.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use rekindle::db::{Asking, ClaimOrder, Passed};
use rekindle::model::Channel;
use rekindle::rules::delivery::clearance::Door;
use tokio::task::JoinSet;

use super::{Company, email, key};
use crate::full_form;

/// How many clients leave in the form that CI runs.
const USUAL: u64 = 300;

/// Numbers in the order in which they are drawn: each side draws one around its commits.
#[derive(Clone, Default)]
struct Order(Arc<AtomicU64>);

impl Order {
    fn next(&self) -> u64 {
        self.0.fetch_add(1, Ordering::SeqCst)
    }
}

/// When each client was told that he has left.
type Told = Arc<Mutex<BTreeMap<i64, u64>>>;

/// Every second client leaves, by eight browsers at once.
fn leave(company: &Arc<Company>, clients: i64, order: &Order, told: &Told) -> JoinSet<()> {
    let mut leaving = JoinSet::new();
    for browser in 0..8 {
        let (company, told, order) = (company.clone(), told.clone(), order.clone());
        leaving.spawn(async move {
            for n in (1..=clients).filter(|n| n % 8 == browser && n % 2 == 0) {
                let (link, _) = company.links(n);
                let post = company.http.post(link).body("List-Unsubscribe=One-Click");
                let answer = post.send().await.unwrap();
                let status = answer.status();
                let said = answer.text().await.unwrap_or_default();
                assert!(status.is_success(), "client {n}: {status}: {said}");
                told.lock().unwrap().insert(n, order.next());
            }
        });
    }
    leaving
}

/// Who passed, each with a number drawn before the transaction began, and how many were held back.
///
/// Sending keeps step with leaving: a letter stands at the door about when its client leaves.
async fn send(
    company: &Company,
    order: &Order,
    told: &Told,
    leave: usize,
) -> (Vec<(i64, u64)>, usize) {
    let app = &company.app;
    let now = app.clock.now();
    let door = Door {
        settings: &app.settings,
        campaigns: &app.campaigns,
        now,
    };
    let claims = ClaimOrder {
        channel: Channel::Email,
        limit: 16,
        owner: "worker",
        now_ms: now.timestamp_millis(),
        lease_ms: 60_000,
        gates: true,
    };
    let (mut passed, mut hindered) = (Vec::new(), 0);
    loop {
        loop {
            let left = told.lock().unwrap().len();
            if left == leave || passed.len() + hindered <= left * 2 {
                break;
            }
            tokio::task::yield_now().await;
        }
        let claimed = app
            .store
            .claim(&claims, &door, |_| "x@example.org".to_owned())
            .await;
        let claimed = claimed.unwrap();
        if claimed.count == 0 {
            return (passed, hindered);
        }
        hindered += claimed.count as usize - claimed.through.len();
        let asking = claimed.through.iter().map(|(one, _)| Asking {
            claim: one.claim,
            address: email(one.client.0),
            content: [0; 32],
            version: None,
            needs_ms: 0,
            message: one.client.0,
        });
        let (asking, before) = (asking.collect(), order.next());
        let settled = app.store.settle(&[], asking, &door, "worker").await;
        for one in settled.unwrap().passed {
            match one {
                Passed::Cleared(cleared) => passed.push((*cleared.message(), before)),
                Passed::Hindered(..) => hindered += 1,
                Passed::Lost(_) => panic!("nobody else claims"),
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_passes_the_point_of_no_return_after_its_client_has_left() {
    let clients = full_form::number("REKINDLE_OPT_OUTS", USUAL) as i64;
    let company = Arc::new(Company::open().await);
    for n in 1..=clients {
        company.message(n, Channel::Email, "planned").await;
    }
    let (order, told) = (Order::default(), Told::default());
    let mut leaving = leave(&company, clients, &order, &told);
    // Somebody has left before the first letter: the gates have something to hold back.
    while told.lock().unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    let leave = usize::try_from(clients / 2).unwrap();
    let (passed, hindered) = send(&company, &order, &told, leave).await;
    while leaving.join_next().await.is_some() {}
    let told = told.lock().unwrap();
    for (client, began) in &passed {
        // Told that he has left before the transaction began: it must have been seen.
        let told = told.get(client);
        assert!(told.is_none_or(|told| told > began), "{}", key(*client));
    }
    assert_eq!(told.len(), leave);
    assert_eq!(passed.len() + hindered, usize::try_from(clients).unwrap());
    assert!(hindered > 0 && !passed.is_empty(), "both sides took part");
    println!(
        "{clients} messages, {} clients left meanwhile: {} passed, {hindered} were held back, 0 after leaving",
        told.len(),
        passed.len()
    );
}
