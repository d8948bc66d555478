//! The page of a manager's day, over real HTTP.
//!
//! Run with `cargo bench --bench pages -- [CLIENTS] [FOLDER]`: 100,000 clients unless told otherwise.
//!
//! - *the list of 500 tasks*: asked for by a browser that is signed in, against the bare queries that
//!   fetch the same rows: the list, the last outcomes, the last messages, the open deals.

mod asked;
mod base;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use base::Base;
use rekindle::app::App;
use rekindle::clock::Clock;
use rekindle::config::Settings;
use rekindle::config::settings::DeliveryMode;
use rekindle::db::{NewSignIn, Store};
use rekindle::jobs::import::{ImportOptions, import_source};
use rekindle::model::AddressKey;
use rekindle::pictures::CertificateArtist;
use rekindle::render::Templates;
use rekindle::web::Web;
use sqlx::Row;
use sqlx::sqlite::SqlitePool;
use tokio_util::sync::CancellationToken;

const REACH: f64 = 3.0;

/// How often each side is timed; the best of them counts.
const ROUNDS: usize = 30;

/// Tasks on the list.
const LIST: i64 = 500;

const DATABASE: &str = "sqlite://rekindle.db";

const COOKIE: &str = "bench-cookie-bench-cookie-bench-cookie-0000";

fn main() {
    let (clients, folder) = asked::clients_and_folder("pages");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(bench(clients, &folder.join(format!("base-{clients}"))));
}

async fn bench(clients: u32, home: &Path) {
    let app = Arc::new(app(home, clients).await);
    let options = sqlx::sqlite::SqliteConnectOptions::new()
        .filename(app.store.place().file().expect("a file"));
    let pool = SqlitePool::connect_with(options).await.expect("a database");
    fill(&pool, clients).await;
    sign_in(&app).await;
    let stop = CancellationToken::new();
    let web = Web::bind(Arc::clone(&app)).await.expect("free ports");
    let page = format!("http://{}/today", web.staff_address().expect("an address"));
    let served = tokio::spawn(web.run(stop.clone()));

    rustls::crypto::ring::default_provider()
        .install_default()
        .expect("the first one");
    let http = reqwest::Client::new();
    let (mut ours, mut bare) = (Duration::MAX, Duration::MAX);
    let mut bytes = 0;
    for _ in 0..ROUNDS {
        let began = Instant::now();
        let request = http
            .get(&page)
            .header("cookie", format!("rekindle={COOKIE}"));
        let answer = request.send().await.expect("an answer");
        assert_eq!(answer.status(), 200, "the list is served");
        let text = answer.text().await.expect("a page");
        ours = ours.min(began.elapsed());
        bytes = text.len();
        assert_eq!(text.matches("<li class=\"task\"").count() as i64, LIST);
        let began = Instant::now();
        assert_eq!(fetch(&pool).await, LIST);
        bare = bare.min(began.elapsed());
    }
    let millis = |time: Duration| time.as_secs_f64() * 1e3;
    let ratio = ours.as_secs_f64() / bare.as_secs_f64();
    let verdict = if ratio <= REACH { "reached" } else { "MISSED" };
    println!(
        "{clients} clients, a page of {LIST} tasks, {} kB",
        bytes / 1024
    );
    println!(
        "the page {:.1} ms, its bare queries {:.1} ms: {ratio:.2} times, reach {REACH} ({verdict})",
        millis(ours),
        millis(bare)
    );
    stop.cancel();
    served.await.expect("the servers end").expect("in order");
}

async fn app(home: &Path, clients: u32) -> App {
    let is_new = !home.join("rekindle.db").exists();
    if is_new {
        let base = Base::of_clients(clients);
        base.write(&home.join("data"), true)
            .expect("a folder to write to");
    }
    let text = format!(
        "[company]\nname = \"Bench\"\ntime_zone = \"UTC\"\n[database]\nurl = \"{DATABASE}\"\n\
         [web]\npublic = \"127.0.0.1:0\"\nstaff = \"127.0.0.1:0\"\ntimeout = \"5m\"\n\
         [[manager]]\nid = \"olga\"\nname = \"Olga\"\nemail = \"olga@example.org\"\n\
         [[source]]\nname = \"shop\"\npath = \"data\"\nmode = \"append\"\n"
    );
    let settings: Settings = toml::from_str(&text).expect("settings");
    let app = App {
        home: home.to_owned(),
        store: Store::open(DATABASE, home).await.expect("a database"),
        settings,
        campaigns: Vec::new(),
        templates: Templates::load(None).0,
        key: AddressKey::new([7; 32]),
        clock: Clock::System,
        artist: CertificateArtist::new(None),
    };
    if is_new {
        let silent = Arc::new(|_| {});
        let source = &app.settings.sources[0];
        let import = import_source(&app, source, ImportOptions::default(), silent);
        import.await.expect("an import");
    }
    app
}

/// Five hundred tasks on one list and as many for every fiftieth client of others, with outcomes,
/// messages and open deals.
async fn fill(pool: &SqlitePool, clients: u32) {
    let inputs = serde_json::json!({
        "label": "Corner Café on the High Street", "locale": "en",
        "client": { "name": "Anna Smith", "company": "Corner Café on the High Street",
                    "phone": "+447700900001", "email": "anna@example.com" },
        "rhythm": { "purchases": 11, "last_purchase": "2026-10-02", "days_silent": 23,
                    "usual_gap_days": 12, "usual_items": ["espresso beans, 1 kg", "oat milk"],
                    "last_items": ["oat milk"], "hints": ["vanilla syrup"], "upsell": [],
                    "average_receipt": "243.75 RUB", "last_amount": "198.60 RUB" },
        "why": "usually every 12 days, silent for 23; only 6 % of such pauses were longer",
        "today": "2026-10-31"
    });
    let statement = "
        DELETE FROM outcomes; DELETE FROM tasks; DELETE FROM messages; DELETE FROM deals;
        DELETE FROM runs;
        INSERT INTO runs (id, schedule, logical_date, mode, status, started_at)
            VALUES (1, 'daily', 20757, 'sandbox', 'sealed', 0);";
    sqlx::raw_sql(statement)
        .execute(pool)
        .await
        .expect("a clean start");
    let tasks = "
        INSERT INTO tasks (run_id, campaign, client_id, episode, step, manager, kind, script, state,
                           planned_on, not_before, value, inputs, listed_on, rank)
        SELECT 1, 'c', id, 'e', 's', CASE WHEN n <= ?1 THEN 'olga' ELSE 'm' || (n % 40) END, 'call',
               'sleeping-client', 'open', 20757, 20757, 372000, ?2, 20757, n
        FROM (SELECT id, row_number() OVER (ORDER BY id % 997, id) AS n FROM clients)
        WHERE n <= ?1 + ?3";
    sqlx::query(tasks)
        .bind(LIST)
        .bind(inputs.to_string())
        .bind(i64::from(clients / 50))
        .execute(pool)
        .await
        .expect("tasks");
    let rest = "
        INSERT INTO outcomes (task_id, kind, day, recorded_at, recorded_by)
            SELECT id, 'no_answer', 20750, 0, 'bench' FROM tasks;
        INSERT INTO deals (client_id, source_id, ext_id, title, status, stage, amount, opened_on,
                           first_import, last_import)
            SELECT client_id, 1, 'd' || id, 'Coffee for the office', 'open', 'Quote', 120000, 20740,
                   1, 1 FROM tasks;
        INSERT INTO messages (key, run_id, campaign, client_id, episode, step, channel, template,
                              class, address_hash, state, planned_on, inputs, attempts, sent_at,
                              accepted_at, receipt)
            SELECT 'k' || id, 1, 'c', client_id, 'e', 'letter', 'email', 't', 'service',
                   randomblob(32), 'accepted', 20745, '{}', 1, 1, 1, 'r' FROM tasks;";
    sqlx::raw_sql(rest)
        .execute(pool)
        .await
        .expect("a background");
}

async fn sign_in(app: &App) {
    let now_ms = app.now_ms();
    let key = format!("bench{now_ms}");
    let link = NewSignIn {
        key: &key,
        person: "olga@example.org",
        day: app.today(),
        mode: DeliveryMode::Sandbox,
        address_hash: [0; 32],
        inputs: "{}",
        lands_on: None,
        now_ms,
        expires_at: now_ms + 60_000,
    };
    let asked = app.store.add_sign_in(&link, 1_000, 0).await;
    assert!(asked.expect("a link"), "there may be many");
    let session = app.key.mac("session", COOKIE);
    let entered = app.store.sign_in(&key, &session, now_ms).await;
    let _ = entered.expect("a session");
}

/// The same rows by bare queries.
async fn fetch(pool: &SqlitePool) -> i64 {
    let list = "
        SELECT t.*, c.ext_id, (SELECT o.kind FROM outcomes o WHERE o.task_id = t.id
                               ORDER BY o.id DESC LIMIT 1) AS outcome
        FROM tasks t JOIN clients c ON c.id = t.client_id
        WHERE coalesce(t.acting, t.manager) = 'olga' AND t.state = 'open' ORDER BY t.rank";
    let rows = sqlx::query(list).fetch_all(pool).await.expect("the list");
    let clients: Vec<i64> = rows.iter().map(|row| row.get("client_id")).collect();
    let clients = serde_json::to_string(&clients).expect("numbers");
    for query in [
        "SELECT t.client_id, o.* FROM json_each(?1) c CROSS JOIN tasks t ON t.client_id = c.value
         CROSS JOIN outcomes o ON o.task_id = t.id",
        "SELECT m.client_id, m.planned_on, m.channel FROM json_each(?1) c
         CROSS JOIN messages m ON m.client_id = c.value AND m.state = 'accepted'",
        "SELECT d.client_id, d.title, d.stage, d.amount FROM json_each(?1) c
         CROSS JOIN deals d ON d.client_id = c.value AND d.status = 'open'",
    ] {
        let rows = sqlx::query(query).bind(&clients).fetch_all(pool).await;
        assert!(
            rows.expect("the background").len() as i64 >= LIST,
            "each has one"
        );
    }
    rows.len() as i64
}
