//! Tells the product what became of its messages: signed, and as unreliably as asked.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use hmac::{Hmac, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::task::JoinSet;

use super::script::{Script, Webhooks};
use super::{Taken, draw, errors, millis};

/// The first second of the fake's own calendar: it reads no clock.
const EPOCH: u64 = 1_795_000_000;

pub(super) struct Hooks {
    sender: Option<Arc<Sender>>,
    under_way: Mutex<JoinSet<()>>,
}

struct Sender {
    how: Webhooks,
    seed: u64,
    phone_number_id: String,
    app_secret: String,
    client: reqwest::Client,
    started: Instant,
}

impl Hooks {
    pub(super) fn new(how: Option<Webhooks>, script: &Script, started: Instant) -> Self {
        let sender = how.map(|how| {
            // The HTTP library wants a provider even where nothing is encrypted.
            let _ = rustls::crypto::ring::default_provider().install_default();
            let client = reqwest::Client::builder().no_proxy();
            let client = client.timeout(Duration::from_secs(10)).build();
            Arc::new(Sender {
                how,
                seed: script.seed,
                phone_number_id: script.phone_number_id.clone(),
                app_secret: script.app_secret.clone(),
                client: client.expect("a client for http"),
                started,
            })
        });
        Self {
            sender,
            under_way: Mutex::default(),
        }
    }

    /// Tells everything that becomes of a message; what comes early has come when this returns.
    pub(super) async fn follow(&self, n: u64, taken: &Taken) {
        let Some(sender) = &self.sender else { return };
        let how = &sender.how;
        let nameless = draw(sender.seed, n, 1) < how.nameless;
        let mut events = vec![sender.status(taken, "sent", nameless, None)];
        if let Some(code) = taken.fails {
            events.push(sender.status(taken, "failed", nameless, Some(code)));
        } else {
            events.push(sender.status(taken, "delivered", nameless, None));
            if draw(sender.seed, n, 2) < how.read {
                events.push(sender.status(taken, "read", nameless, None));
            }
            if draw(sender.seed, n, 3) < how.replies {
                events.push(sender.reply(taken, nameless));
            }
        }
        if draw(sender.seed, n, 4) < how.early {
            sender.deliver("messages", &events.remove(0)).await;
        }
        for (index, event) in (10_u64..).step_by(10).zip(events) {
            if draw(sender.seed, n, index) < how.drop {
                continue;
            }
            self.later(sender, n, index + 1, event.clone());
            if draw(sender.seed, n, index + 2) < how.double {
                self.later(sender, n, index + 3, event);
            }
        }
    }

    fn later(&self, sender: &Arc<Sender>, n: u64, what: u64, event: Value) {
        let (least, most) = sender.how.delay_ms;
        let more = draw(sender.seed, n, what) * most.saturating_sub(least) as f64;
        let delay = millis(least + more as u64);
        let sender = Arc::clone(sender);
        let mut under_way = self.under_way();
        // Those that are done are of no interest any more.
        while under_way.try_join_next().is_some() {}
        under_way.spawn(async move {
            tokio::time::sleep(delay).await;
            sender.deliver("messages", &event).await;
        });
    }

    pub(super) async fn tell(&self, field: &str, value: Value) {
        if let Some(sender) = &self.sender {
            sender.deliver(field, &value).await;
        }
    }

    pub(super) async fn settle(&self) {
        let mut all = std::mem::take(&mut *self.under_way());
        while all.join_next().await.is_some() {}
    }

    fn under_way(&self) -> std::sync::MutexGuard<'_, JoinSet<()>> {
        self.under_way
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sender {
    fn now(&self) -> String {
        (EPOCH + self.started.elapsed().as_secs()).to_string()
    }

    fn metadata(&self) -> Value {
        json!({ "display_phone_number": "15550783881", "phone_number_id": self.phone_number_id })
    }

    fn status(&self, taken: &Taken, word: &str, nameless: bool, code: Option<i64>) -> Value {
        let mut status = json!({ "id": taken.wamid, "status": word, "timestamp": self.now() });
        if nameless {
            status["recipient_user_id"] = user_id(&taken.wa_id).into();
        } else {
            status["recipient_id"] = taken.wa_id.clone().into();
        }
        if let Some(key) = &taken.key {
            status["biz_opaque_callback_data"] = key.clone().into();
        }
        if let Some(code) = code {
            let error: Value =
                serde_json::from_slice(&errors::body(code, "told later")).expect("our own JSON");
            status["errors"] = json!([ { "code": code, "title": error["error"]["message"],
                "message": error["error"]["message"], "error_data": { "details": "told later" },
                "href": "https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes/" } ]);
        } else {
            status["pricing"] =
                json!({ "billable": true, "pricing_model": "PMP", "category": "marketing" });
        }
        json!({ "messaging_product": "whatsapp", "metadata": self.metadata(), "statuses": [status] })
    }

    fn reply(&self, taken: &Taken, nameless: bool) -> Value {
        let id = format!("{}IN", taken.wamid);
        let mut message = json!({ "id": id, "timestamp": self.now(), "type": "text",
            "context": { "from": "15550783881", "id": taken.wamid },
            "text": { "body": self.how.reply } });
        let mut contact =
            json!({ "profile": { "name": "Анна 🌷" }, "user_id": user_id(&taken.wa_id) });
        if !nameless {
            message["from"] = taken.wa_id.clone().into();
            contact["wa_id"] = taken.wa_id.clone().into();
        }
        json!({ "messaging_product": "whatsapp", "metadata": self.metadata(),
                "contacts": [contact], "messages": [message] })
    }

    /// Tells an event until somebody takes it, with growing pauses.
    async fn deliver(&self, field: &str, value: &Value) {
        let body = json!({ "object": "whatsapp_business_account", "entry": [
            { "id": "102290129340398", "changes": [ { "field": field, "value": value } ] } ] });
        let body = body.to_string().into_bytes();
        let signature = signature(&self.app_secret, &body);
        for n in 0..self.how.tries.max(1) {
            let request = self.client.post(&self.how.url).body(body.clone());
            let request = request.header("X-Hub-Signature-256", &signature);
            let sent = request
                .header("Content-Type", "application/json")
                .send()
                .await;
            if sent.is_ok_and(|answer| answer.status() == 200) {
                return;
            }
            tokio::time::sleep(millis(50 << n.min(7))).await;
        }
    }
}

fn user_id(wa_id: &str) -> String {
    format!("KZ.9{wa_id}1")
}

fn signature(secret: &str, body: &[u8]) -> String {
    let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("keys of any length");
    format!(
        "sha256={:x}",
        mac.chain_update(body).finalize().into_bytes()
    )
}
