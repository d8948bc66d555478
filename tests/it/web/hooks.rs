//! Webhooks of WhatsApp: believed only when signed, stored before they are answered, counted once
//! in whatever order they come.

use hmac::{Hmac, Mac};
use rekindle::model::Channel;
use reqwest::StatusCode;
use serde_json::{Value, json};
use sha2::Sha256;

use super::{APP_SECRET, Company, key, phone};

/// A webhook with some changes of a field.
pub(super) fn body(field: &str, values: &[Value]) -> Vec<u8> {
    let changes: Vec<Value> = values
        .iter()
        .map(|value| json!({"field": field, "value": value}))
        .collect();
    let body = json!({"object": "whatsapp_business_account",
                      "entry": [{"id": "1", "changes": changes}]});
    serde_json::to_vec(&body).unwrap()
}

pub(super) fn status(n: i64, word: &str, with_key: bool) -> Value {
    let mut status = json!({"id": format!("wamid.{n}"), "status": word,
                            "timestamp": "1750857384", "recipient_id": &phone(n)[1..]});
    if with_key {
        status["biz_opaque_callback_data"] = json!(format!("m:{}", key(n)));
    }
    if word == "failed" {
        status["errors"] = json!([{"code": 131_050, "title": "stopped"}]);
    }
    json!({"statuses": [status]})
}

pub(super) fn text(n: i64, id: &str, words: &str) -> Value {
    json!({"contacts": [], "messages": [{"from": &phone(n)[1..], "id": id, "type": "text",
           "timestamp": "1750857384", "text": {"body": words}}]})
}

fn signature(raw: &[u8]) -> String {
    let mac = Hmac::<Sha256>::new_from_slice(APP_SECRET.as_bytes()).unwrap();
    format!("sha256={:x}", mac.chain_update(raw).finalize().into_bytes())
}

impl Company {
    /// Posts a webhook as Meta does.
    pub(super) async fn told(&self, raw: Vec<u8>) -> StatusCode {
        let signature = signature(&raw);
        self.told_with(raw, &signature).await
    }

    async fn told_with(&self, raw: Vec<u8>, signature: &str) -> StatusCode {
        let request = self.http.post(format!("{}/hooks/whatsapp", self.public));
        let request = request.header("X-Hub-Signature-256", signature).body(raw);
        request.send().await.unwrap().status()
    }

    async fn evidence(&self, n: i64) -> String {
        let query = format!("SELECT evidence FROM messages WHERE key = '{}'", key(n));
        self.database.one(&query).await
    }

    pub(super) async fn state(&self, n: i64) -> String {
        let query = format!("SELECT state FROM messages WHERE key = '{}'", key(n));
        self.database.one(&query).await
    }
}

#[tokio::test]
async fn meta_gets_its_challenge_and_a_stranger_nothing() {
    let company = Company::open().await;
    let ask = async |token: &str| {
        let url = format!(
            "{}/hooks/whatsapp?hub.mode=subscribe&hub.verify_token={token}&hub.challenge=1158201444",
            company.public
        );
        let answer = company.http.get(url).send().await.unwrap();
        (answer.status(), answer.text().await.unwrap())
    };
    assert_eq!(
        ask("our-word").await,
        (StatusCode::OK, "1158201444".to_owned())
    );
    assert_eq!(ask("wrong").await.0, StatusCode::FORBIDDEN);
    let bare = company
        .http
        .get(format!("{}/hooks/whatsapp", company.public));
    assert_eq!(bare.send().await.unwrap().status(), StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_bad_signature_leaves_no_trace() {
    let company = Company::open().await;
    company.message(1, Channel::Whatsapp, "accepted").await;
    let before = company.picture().await;
    let raw = body("messages", &[text(1, "wamid.IN", "СТОП")]);
    let good = signature(&raw);
    let other = signature(b"other");
    for wrong in [
        "",
        "sha256=",
        &good[..good.len() - 2],
        &other,
        &good.replace('=', " "),
    ] {
        let status = company.told_with(raw.clone(), wrong).await;
        assert_eq!(status, StatusCode::FORBIDDEN);
    }
    let mut changed = raw.clone();
    changed.push(b' ');
    assert_eq!(
        company.told_with(changed, &good).await,
        StatusCode::FORBIDDEN
    );
    assert_eq!(company.told(b"[]".to_vec()).await, StatusCode::BAD_REQUEST);
    let large = vec![b' '; 3 * 1024 * 1024 + 1];
    assert_eq!(company.told(large).await, StatusCode::PAYLOAD_TOO_LARGE);
    company.look().await;
    assert_eq!(company.picture().await, before);
    assert_eq!(
        company.number("SELECT count(*) FROM inbound_events").await,
        0
    );
}

#[tokio::test]
async fn a_status_with_our_key_settles_an_unknown_message() {
    let company = Company::open().await;
    company.message(1, Channel::Whatsapp, "unknown").await;
    company.message(2, Channel::Whatsapp, "sending").await;
    let both = [status(1, "delivered", true), status(2, "sent", true)];
    assert_eq!(company.told(body("messages", &both)).await, StatusCode::OK);
    company.look().await;
    assert_eq!(company.state(1).await, "accepted");
    assert_eq!(company.state(2).await, "sending");
    // The worker gave up waiting for the answer that the webhook was faster than.
    company
        .sql(
            "UPDATE messages SET state = 'unknown', owner = NULL, lease_until = NULL,
              changed_at = 2, changed_by = 'w' WHERE state = 'sending'",
        )
        .await;
    let done = company.look().await;
    assert_eq!(
        (done.settled, company.state(2).await.as_str()),
        (1, "accepted")
    );
    let provider = "SELECT count(*) FROM messages WHERE provider_id IN ('wamid.1', 'wamid.2')";
    assert_eq!(company.number(provider).await, 2);
}

#[tokio::test]
async fn a_status_without_our_key_waits_for_the_answer_to_our_request() {
    let company = Company::open().await;
    company.message(1, Channel::Whatsapp, "accepted").await;
    company
        .told(body("messages", &[status(1, "read", false)]))
        .await;
    let done = company.look().await;
    assert_eq!((done.counted, done.waiting), (0, 1));
    company
        .sql("UPDATE messages SET provider_id = 'wamid.1'")
        .await;
    company.sql("UPDATE inbound_events SET due_at = 0").await;
    let done = company.look().await;
    assert_eq!((done.counted, done.waiting), (1, 0));
    assert!(company.evidence(1).await.contains("\"progress\":\"read\""));
}

#[tokio::test]
async fn an_answer_ends_the_episode_and_becomes_one_task() {
    let company = Company::open().await;
    company.message(1, Channel::Whatsapp, "accepted").await;
    for (id, words) in [
        ("wamid.A", "Да, <b>перезвоните</b>"),
        ("wamid.B", "после обеда"),
    ] {
        for _ in 0..2 {
            company.told(body("messages", &[text(1, id, words)])).await;
            company.look().await;
        }
        // The same event in another batch is the same event.
        company
            .told(body(
                "messages",
                &[text(1, id, words), status(1, "read", true)],
            ))
            .await;
        company.look().await;
    }
    assert_eq!(company.number("SELECT count(*) FROM tasks").await, 1);
    let tasks = company
        .app
        .store
        .tasks(&rekindle::db::TaskFilter::default())
        .await
        .unwrap();
    let task = &tasks[0];
    assert_eq!(
        (task.manager.as_str(), task.script.as_str()),
        ("boss", "answered")
    );
    let inputs: Value = serde_json::from_str(&task.inputs).unwrap();
    let why = inputs["why"].as_str().unwrap();
    assert_eq!(why.matches("перезвоните").count(), 1, "{why}");
    assert_eq!(why.matches("после обеда").count(), 1, "{why}");
    let closed = "SELECT count(*) FROM enrollments WHERE closed_by = 'answered'";
    assert_eq!(company.number(closed).await, 1);
    assert!(company.suppressed(1).await.is_empty());
    let day = company.app.today();
    let queue = company
        .app
        .store
        .task_queue(day, day.plus(-30))
        .await
        .unwrap();
    assert!(queue.len() == 1 && queue[0].answered);
}

#[tokio::test]
async fn stop_comes_by_word_by_button_by_meta_and_by_code() {
    let company = Company::open().await;
    for n in 1..=5 {
        company.message(n, Channel::Whatsapp, "accepted").await;
    }
    let button = json!({"messages": [{"from": "70000000000", "user_id": "KZ.1", "id": "wamid.C",
        "type": "button", "button": {"payload": format!("stop:{}", key(2)), "text": "Stop"}}]});
    // A client with a user name shows no phone at all.
    let nameless = json!({"messages": [{"user_id": "KZ.15", "id": "wamid.D", "type": "button",
        "button": {"payload": format!("stop:{}", key(5)), "text": "Stop"}}]});
    let all = [
        text(1, "wamid.B", " Стоп! "),
        button,
        nameless,
        status(4, "failed", true),
    ];
    company.told(body("messages", &all)).await;
    let preference = json!({"user_preferences": [{"wa_id": &phone(3)[1..], "value": "stop",
                            "category": "marketing_messages", "timestamp": 1}]});
    company.told(body("user_preferences", &[preference])).await;
    company.look().await;
    for n in [1, 3, 4, 5] {
        assert_eq!(
            company.suppressed(n).await,
            ["whatsapp advertising stop"],
            "{n}"
        );
    }
    assert_eq!(company.number("SELECT count(*) FROM suppressions").await, 5);
    assert_eq!(company.number("SELECT count(*) FROM tasks").await, 0);
    assert!(company.evidence(4).await.contains("\"failed\":true"));
}

/// Every kind of code with what it leaves: something stopped, suppressed or counted.
const CODES: &[(i64, &str)] = &[
    (0, "stop channel whatsapp"),
    (190, "stop channel whatsapp"),
    (200, "stop channel whatsapp"),
    (299, "stop channel whatsapp"),
    (131_005, "stop channel whatsapp"),
    (368, "stop channel whatsapp"),
    (131_031, "stop channel whatsapp"),
    (131_042, "stop channel whatsapp"),
    (133_010, "stop channel whatsapp"),
    (130_497, "stop country KZ"),
    (131_048, "stop campaign winback"),
    (131_050, "suppressed advertising stop"),
    (131_026, "fault no_account"),
    (131_047, "stop step winback/letter"),
    (131_008, "stop step winback/letter"),
    (100, "stop step winback/letter"),
    (132_000, "stop step winback/letter"),
    (132_001, "stop step winback/letter"),
    (132_007, "stop step winback/letter"),
    (132_015, "stop step winback/letter"),
    (132_016, "stop step winback/letter"),
    // Nothing but that it failed; nothing is sent again from the same message.
    (4, ""),
    (130_429, ""),
    (131_056, ""),
    (131_049, ""),
    (130_472, ""),
    (131_000, ""),
    (131_016, ""),
    (131_053, ""),
    (999_999, ""),
];

#[tokio::test]
async fn every_code_that_is_told_later_ends_in_its_action() {
    let company = Company::open().await;
    for (n, (code, wanted)) in (1..).zip(CODES) {
        company.message(n, Channel::Whatsapp, "accepted").await;
        let mut failed = status(n, "failed", true);
        failed["statuses"][0]["errors"][0]["code"] = json!(code);
        for _ in 0..2 {
            company
                .told(body("messages", std::slice::from_ref(&failed)))
                .await;
            company.look().await;
        }
        let left = "SELECT string_agg(what, ', ') FROM (
            SELECT 'stop ' || kind || ' ' || name AS what FROM stops
            UNION ALL SELECT 'suppressed ' || scope || ' ' || reason FROM suppressions
            UNION ALL SELECT 'fault ' || kind FROM address_faults) AS all_left";
        let left: Option<String> = company.database.one(left).await;
        assert_eq!(left.unwrap_or_default(), *wanted, "{code}");
        assert_eq!(
            company.state(n).await,
            "accepted",
            "{code}: never used again"
        );
        assert!(
            company.evidence(n).await.contains("\"failed\":true"),
            "{code}"
        );
        company
            .sql("DELETE FROM stops; DELETE FROM suppressions; DELETE FROM address_faults")
            .await;
    }
}

#[tokio::test]
async fn a_template_that_rests_stops_its_steps_and_not_their_fallbacks_until_a_person_lifts_it() {
    let company = Company::open().await;
    let told = |event: &str, name: &str| {
        body(
            "message_template_status_update",
            &[
                json!({"event": event, "message_template_id": 1, "message_template_name": name,
                     "message_template_language": "ru", "reason": "LOW_QUALITY"}),
            ],
        )
    };
    let stops = async || -> Vec<String> {
        let stops = company.app.store.stops().await.unwrap().into_iter();
        stops
            .map(|stop| format!("{} {}: {}", stop.kind, stop.name, stop.reason))
            .collect()
    };
    company.told(told("PAUSED", "of_somebody_else")).await;
    company.told(told("APPROVED", "missed_cycle_short")).await;
    company.look().await;
    assert_eq!(stops().await, Vec::<String>::new());
    company.told(told("PAUSED", "missed_cycle_short")).await;
    company.look().await;
    let only = ["step winback/nudge: the template missed_cycle_short is PAUSED: LOW_QUALITY"];
    assert_eq!(stops().await, only);
    // That Meta lets it go again is no word of ours.
    company.told(told("APPROVED", "missed_cycle_short")).await;
    company.told(told("DISABLED", "thank_you_short")).await;
    company.look().await;
    let names: Vec<String> = stops().await;
    assert_eq!(names.len(), 2, "{names:?}");
    assert!(names[1].starts_with("step winback/thanks: "), "{names:?}");
}

#[tokio::test]
async fn doubt_holds_what_has_not_left() {
    let company = Company::open().await;
    company.message(1, Channel::Whatsapp, "accepted").await;
    company
        .sql(
            "INSERT INTO messages (key, run_id, campaign, client_id, episode, step, channel,
              template, class, address_hash, state, planned_on, inputs)
              SELECT 'other', 1, 'news', 1, 'x', 'letter', 'email', 't', 'advertising', unhex('01'),
                     'planned', 20700, '{}'",
        )
        .await;
    company
        .told(body("messages", &[text(1, "wamid.E", "не интересно")]))
        .await;
    company.look().await;
    let held = "SELECT count(*) FROM messages WHERE state = 'held' AND key = 'other'";
    assert_eq!(company.number(held).await, 1);
    assert!(company.suppressed(1).await.is_empty());
}

/// Every order of the same webhooks, with repetitions, comes to the same: R8 in its short form.
#[tokio::test]
async fn neither_order_nor_repetition_of_webhooks_matters() {
    let events = [
        body("messages", &[status(1, "sent", true)]),
        body(
            "messages",
            &[status(1, "delivered", true), text(2, "wamid.F", "hello")],
        ),
        body(
            "messages",
            &[status(1, "read", true), status(2, "failed", true)],
        ),
        body("messages", &[text(2, "wamid.G", "stop")]),
        body("messages", &[text(1, "wamid.H", "Call me")]),
    ];
    let mut pictures = std::collections::BTreeSet::new();
    for order in permutations(events.len()).into_iter().step_by(7) {
        let company = Company::open().await;
        company.message(1, Channel::Whatsapp, "unknown").await;
        company.message(2, Channel::Whatsapp, "accepted").await;
        for (place, event) in order.iter().enumerate() {
            for _ in 0..=place % 3 {
                assert_eq!(company.told(events[*event].clone()).await, StatusCode::OK);
            }
            if place % 2 == 0 {
                company.look().await;
            }
        }
        company.look().await;
        pictures.insert(company.picture().await);
    }
    assert_eq!(pictures.len(), 1, "{pictures:#?}");
    let picture = pictures.pop_first().unwrap();
    assert!(
        picture.contains("answered")
            && picture.contains("accepted")
            && picture.contains("\"progress\":\"read\"")
    );
}

fn permutations(count: usize) -> Vec<Vec<usize>> {
    if count == 0 {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for shorter in permutations(count - 1) {
        for place in 0..=shorter.len() {
            let mut longer = shorter.clone();
            longer.insert(place, count - 1);
            all.push(longer);
        }
    }
    all
}
