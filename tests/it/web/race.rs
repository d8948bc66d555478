//! Leaving races with sending: whoever has left, and was told so, is not written to any more.
//!
//! `REKINDLE_OPT_OUTS=100000 cargo test --release --test it web::race -- --nocapture` is the full
//! form.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use rekindle::db::{Asking, ClaimOrder, Passed};
use rekindle::model::Channel;
use rekindle::rules::delivery::clearance::Door;

use super::{Company, email, key};

/// How many clients leave in the form that CI runs.
const USUAL: i64 = 300;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_passes_the_point_of_no_return_after_its_client_has_left() {
    #[expect(
        clippy::disallowed_methods,
        reason = "how long the race is, is said from outside"
    )]
    let clients = std::env::var("REKINDLE_OPT_OUTS");
    let clients = clients.ok().and_then(|n| n.parse().ok()).unwrap_or(USUAL);
    let company = Arc::new(Company::open().await);
    for n in 1..=clients {
        company.message(n, Channel::Email, "planned").await;
    }
    // The order of commits: a number that each side takes after its own commit.
    let left: Arc<Mutex<BTreeMap<i64, u64>>> = Arc::default();
    let clock = Arc::new(std::sync::atomic::AtomicU64::new(0));
    let tick = |clock: &std::sync::atomic::AtomicU64| {
        clock.fetch_add(1, std::sync::atomic::Ordering::SeqCst)
    };
    let mut leaving = tokio::task::JoinSet::new();
    for worker in 0..8 {
        let (company, left, clock) = (company.clone(), left.clone(), clock.clone());
        leaving.spawn(async move {
            for n in (1..=clients).filter(|n| n % 8 == worker && n % 2 == 0) {
                let (link, _) = company.links(n);
                let post = company.http.post(link).body("List-Unsubscribe=One-Click");
                assert!(post.send().await.unwrap().status().is_success());
                left.lock().unwrap().insert(n, tick(&clock));
            }
        });
    }
    let (mut passed, mut hindered) = (Vec::new(), 0);
    loop {
        let app = &company.app;
        let now = app.clock.now();
        let order = ClaimOrder {
            channel: Channel::Email,
            limit: 16,
            owner: "worker",
            now_ms: now.timestamp_millis(),
            lease_ms: 60_000,
        };
        let claimed = app.store.claim(&order).await.unwrap();
        if claimed.is_empty() {
            break;
        }
        let asking = claimed.iter().map(|one| Asking {
            claim: one.claim,
            address: email(one.client.0),
            content: [0; 32],
            needs_until: 0,
            message: one.client.0,
        });
        let asking: Vec<Asking<i64>> = asking.collect();
        let before = tick(&clock);
        let door = Door {
            settings: &app.settings,
            campaigns: &app.campaigns,
            now,
        };
        let settled = app
            .store
            .settle(&[], asking, &door, "worker")
            .await
            .unwrap();
        for one in settled.passed {
            match one {
                Passed::Cleared(cleared) => passed.push((*cleared.message(), before)),
                Passed::Hindered(..) => hindered += 1,
                Passed::Lost(_) => panic!("nobody else claims"),
            }
        }
    }
    leaving.join_all().await;
    let left = left.lock().unwrap();
    for (client, began) in &passed {
        // Told that he has left before the transaction began: it must have been seen.
        let told = left.get(client);
        assert!(told.is_none_or(|told| told > began), "{}", key(*client));
    }
    assert_eq!(left.len() as i64, clients / 2);
    assert_eq!(passed.len() + hindered, usize::try_from(clients).unwrap());
    println!(
        "{clients} messages, {} clients left meanwhile: {} passed, {hindered} were held back, 0 after leaving",
        left.len(),
        passed.len()
    );
}
