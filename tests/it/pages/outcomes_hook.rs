//! `POST /hooks/outcomes` over real HTTP: believed only when signed, stored, counted once.

use rekindle::channels::task_hook::{LONGEST, SIGNATURE_HEADER, sign};
use rekindle::config::secrets::SecretString;
use rekindle::jobs::intake;
use reqwest::StatusCode;

use super::{Firm, TASKS_SECRET};

const HOOK: &str = "[tasks.hook]\nsecret_file = \"secrets/tasks\"\n";

impl Firm {
    /// Tells outcomes as another program does that knows the secret.
    async fn told(&self, body: &str) -> StatusCode {
        let secret = SecretString::from(TASKS_SECRET);
        self.told_with(body.as_bytes(), &sign(body.as_bytes(), &secret))
            .await
    }

    async fn told_with(&self, body: &[u8], signature: &str) -> StatusCode {
        let request = self.http.post(format!("{}/hooks/outcomes", self.public));
        let request = request.header(SIGNATURE_HEADER, signature);
        request.body(body.to_vec()).send().await.unwrap().status()
    }

    async fn outcomes(&self) -> i64 {
        intake::process(&self.app).await.unwrap();
        self.number("SELECT count(*) FROM outcomes").await
    }
}

fn row(id: &str, task: i64, outcome: &str) -> String {
    format!("{{\"id\": \"{id}\", \"task\": {task}, \"outcome\": \"{outcome}\"}}")
}

fn all(rows: &[String]) -> String {
    format!("{{\"outcomes\": [{}]}}", rows.join(", "))
}

#[tokio::test]
async fn each_outcome_counts_once_however_often_and_with_whatever_else_it_is_told() {
    let firm = Firm::open_also(HOOK).await;
    let (anna, boris) = (firm.task_about("c1").await, firm.task_about("c3").await);
    let first = all(&[row("e1", anna, "no_answer")]);
    for _ in 0..3 {
        assert_eq!(firm.told(&first).await, StatusCode::OK);
    }
    assert_eq!(firm.outcomes().await, 1);
    // Told again after it was counted, alone and among others, in another order and with spaces.
    let again = all(&[row("e2", boris, "interested"), row("e1", anna, "no_answer")]);
    assert_eq!(firm.told(&again).await, StatusCode::OK);
    assert_eq!(firm.told(&format!(" {first}")).await, StatusCode::OK);
    assert_eq!(firm.outcomes().await, 2);
    assert_eq!(firm.told(&again).await, StatusCode::OK);
    assert_eq!(firm.outcomes().await, 2);
    let by = "SELECT string_agg(recorded_by || ' ' || kind, ', ') FROM outcomes";
    assert_eq!(firm.text(by).await, "hook no_answer, hook interested");
    // The manager sees it on his page, as if he had recorded it himself.
    let olga = firm.sign_in("olga@example.org").await;
    let page = olga.read(&format!("/tasks/{anna}")).await;
    assert!(
        page.contains("Нет ответа") && page.contains("вернётся в список"),
        "{page}"
    );
}

#[tokio::test]
async fn what_is_not_signed_or_cannot_be_read_leaves_no_trace() {
    let firm = Firm::open_also(HOOK).await;
    let task = firm.task_about("c1").await;
    let body = all(&[row("e1", task, "bought")]);
    let good = sign(body.as_bytes(), &SecretString::from(TASKS_SECRET));
    let other = sign(body.as_bytes(), &SecretString::from("another"));
    for signature in ["", "sha256=", &good[..good.len() - 1], &other, "good"] {
        let status = firm.told_with(body.as_bytes(), signature).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{signature}");
    }
    let changed = body.replace("bought", "interested");
    assert_eq!(
        firm.told_with(changed.as_bytes(), &good).await,
        StatusCode::FORBIDDEN
    );
    for garbage in [
        "",
        "null",
        "[]",
        "{}",
        "{\"outcomes\": 1}",
        "{\"outcomes\": [{\"task\": 1, \"outcome\": \"bought\"}]}",
        "{\"outcomes\": [{\"id\": \"e\", \"task\": \"one\"}]}",
        "{\"outcomes\": [{\"id\": \"e\", \"task\": 1, \"outcome\": \"bought\", \"x\": 1}]}",
        "\u{0}\u{1}\u{2}",
    ] {
        assert_eq!(
            firm.told(garbage).await,
            StatusCode::BAD_REQUEST,
            "{garbage}"
        );
    }
    let huge = " ".repeat(LONGEST + 1);
    assert_eq!(firm.told(&huge).await, StatusCode::PAYLOAD_TOO_LARGE);
    let get = firm.http.get(format!("{}/hooks/outcomes", firm.public));
    assert_eq!(
        get.send().await.unwrap().status(),
        StatusCode::METHOD_NOT_ALLOWED
    );
    assert_eq!(firm.number("SELECT count(*) FROM inbound_events").await, 0);
    assert_eq!(firm.outcomes().await, 0);
}

#[tokio::test]
async fn rows_that_say_nothing_are_left_out_and_the_good_rest_counts() {
    let firm = Firm::open_also(HOOK).await;
    let (anna, boris) = (firm.task_about("c1").await, firm.task_about("c3").await);
    let rows = [
        row("e1", 999_999, "bought"),
        row("e2", anna, "perhaps"),
        row("e3", anna, "come_back"),
        row("e4", boris, "rejection"),
    ];
    assert_eq!(firm.told(&all(&rows)).await, StatusCode::OK);
    assert_eq!(firm.outcomes().await, 1);
    assert_eq!(firm.text("SELECT kind FROM outcomes").await, "rejection");
    // What was left out may be told again, mended, under the same id.
    let mended =
        "{\"id\": \"e3\", \"task\": TASK, \"outcome\": \"come_back\", \"until\": \"2026-12-01\"}";
    let mended = mended.replace("TASK", &anna.to_string());
    assert_eq!(firm.told(&all(&[mended])).await, StatusCode::OK);
    assert_eq!(firm.outcomes().await, 2);
}

#[tokio::test]
async fn without_a_secret_the_hook_is_closed() {
    let firm = Firm::open().await;
    let body = all(&[row("e1", firm.task_about("c1").await, "bought")]);
    assert_eq!(firm.told(&body).await, StatusCode::NOT_FOUND);
    assert_eq!(firm.number("SELECT count(*) FROM inbound_events").await, 0);
}
