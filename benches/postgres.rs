//! The company on PostgreSQL: how several workers share a mailing, and what the daily scan costs.
//!
//! `REKINDLE_BENCH_DATABASE=postgres://USER@HOST/NAME cargo bench --bench postgres -- [LETTERS]
//! [FOLDER] [--workers 1,2,4] [--clients N]` (20,000 letters and 100,000 clients unless said
//! otherwise). Needs a server, whose user may make schemas in that database, and `smtp-sink` of
//! Postfix; nothing leaves this machine. What it makes in the database it drops.
//!
//! - *plan and send*: a mailing to everybody, planned by one process and sent by 1, 2 and 4 processes
//!   that share it, as a ratio to one. Beside it stands what a letter costs the processors of the
//!   workers: when workers, server and sink share few processors, more workers cannot send more;
//! - *scan*: finding the clients who missed their cycle, reading their facts and deciding, against one
//!   query that fetches the same rows by the same index.

mod base;
mod mailing;
mod scanning;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::TimeZone;
use rekindle::app::App;
use rekindle::clock::Clock;
use rekindle::config::Settings;
use rekindle::db::Store;
use rekindle::jobs::deliver::Live;
use rekindle::jobs::rhythms;
use rekindle::model::{AddressKey, Channel, ClientId, Day, MessageState};
use rekindle::render::Templates;
use sqlx::postgres::{PgConnection, PgPool};
use sqlx::{AssertSqlSafe, Connection};
use tokio_util::sync::CancellationToken;

use base::Base;
use mailing::{Sink, import, opened, plan, write_base};
use scanning::{due, scan};

/// The share of the time of one query that the scan is to stay within.
const REACH_SCAN: f64 = 2.0;

/// Sessions of each worker with the mail server.
const SESSIONS: u16 = 16;

/// How often each side of the scan is timed; the best of them counts.
const ROUNDS: usize = 20;

/// What is asked for.
struct Wish {
    letters: u32,
    clients: u32,
    folder: PathBuf,
    workers: Vec<usize>,
    /// A worker in a process of its own: the home, the database, the port of the sink.
    worker: Option<(PathBuf, String, u16)>,
}

impl Wish {
    fn read() -> Self {
        let mut wish = Self {
            letters: 20_000,
            clients: 100_000,
            folder: std::env::temp_dir().join("rekindle-bench-postgres"),
            workers: vec![1, 2, 4],
            worker: None,
        };
        let mut arguments = std::env::args().skip(1).filter(|a| a != "--bench");
        while let Some(argument) = arguments.next() {
            let mut next = || arguments.next().unwrap_or_default();
            match argument.as_str() {
                "--workers" => {
                    wish.workers = next().split(',').filter_map(|n| n.parse().ok()).collect();
                }
                "--clients" => wish.clients = next().parse().unwrap_or(wish.clients),
                "--worker" => {
                    wish.worker = Some((next().into(), next(), next().parse().unwrap_or_default()));
                }
                number if number.parse::<u32>().is_ok() => {
                    wish.letters = number.parse().unwrap_or(wish.letters);
                }
                folder => wish.folder = folder.into(),
            }
        }
        wish
    }
}

fn main() {
    let wish = Wish::read();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    if let Some((home, database, port)) = &wish.worker {
        return runtime.block_on(worker(home, database, *port));
    }
    #[expect(
        clippy::disallowed_methods,
        reason = "whoever measures names the server"
    )]
    let server = std::env::var("REKINDLE_BENCH_DATABASE");
    let Ok(server) = server else {
        eprintln!(
            "NOT MEASURED: a server is needed; say REKINDLE_BENCH_DATABASE=postgres://USER@HOST/NAME"
        );
        return;
    };
    runtime.block_on(scans(&server, &wish));
    let Some(sink) = Sink::start() else {
        eprintln!("NOT MEASURED: smtp-sink is needed; install Debian's package postfix");
        return;
    };
    println!("workers  sent/s  ratio to one  processors of the workers, \u{b5}s a letter");
    let mut one = None;
    for workers in &wish.workers {
        let mailed = runtime.block_on(mail(&server, &wish, *workers, &sink));
        let one = *one.get_or_insert(mailed.rate);
        println!(
            "{workers:>7} {:>7.0} {:>13.2} {:>10.0}   (planned in {:.1} s)",
            mailed.rate,
            mailed.rate / one,
            mailed.processors * 1e6 / f64::from(wish.letters),
            mailed.planned.as_secs_f64()
        );
    }
}

/// A schema of its own on the server.
struct Schema {
    server: String,
    name: String,
}

impl Schema {
    async fn make(server: &str, what: &str) -> Self {
        let name = format!("bench_{what}_{}", std::process::id());
        let schema = Self {
            server: server.to_owned(),
            name,
        };
        let name = &schema.name;
        schema.run(&format!("CREATE SCHEMA {name}")).await;
        schema
    }

    fn url(&self) -> String {
        let and = if self.server.contains('?') { '&' } else { '?' };
        format!("{}{and}options[search_path]={}", self.server, self.name)
    }

    async fn run(&self, statement: &str) {
        let session = PgConnection::connect(&self.server).await;
        let mut session = session.expect("the server answers");
        let done = sqlx::raw_sql(AssertSqlSafe(statement.to_owned()));
        done.execute(&mut session).await.expect("a statement");
        session.close().await.expect("a goodbye");
    }

    async fn forget(self) {
        self.run(&format!("DROP SCHEMA {} CASCADE", self.name))
            .await;
    }
}

/// A mailing in numbers.
struct Mailed {
    rate: f64,
    planned: Duration,
    /// Seconds of the processors that the workers took.
    processors: f64,
}

/// Plans a mailing and has it sent by so many processes.
async fn mail(server: &str, wish: &Wish, workers: usize, sink: &Sink) -> Mailed {
    let schema = Schema::make(server, &format!("mail_{workers}")).await;
    let home = wish.folder.join(format!("w{workers}"));
    write_base(&home, wish.letters);
    let app = opened(&home, &schema.url(), SESSIONS, sink.port).await;
    import(&app).await;
    let begun = Instant::now();
    plan(&app).await;
    let planned = begun.elapsed();
    let before = of_children();
    let program = std::env::current_exe().expect("our own file");
    let mut working: Vec<Child> = (0..workers)
        .map(|_| {
            let mut worker = Command::new(&program);
            worker.arg("--worker").arg(&home).arg(schema.url());
            worker.arg(sink.port.to_string()).stdin(Stdio::piped());
            worker.stdout(Stdio::piped()).spawn().expect("a worker")
        })
        .collect();
    // Each says when it is ready, and begins when it is told to.
    for worker in &mut working {
        let mut ready = [0];
        let said = worker.stdout.as_mut().expect("a pipe");
        std::io::Read::read_exact(said, &mut ready).expect("it is ready");
    }
    let begun = Instant::now();
    for worker in &mut working {
        drop(worker.stdin.take());
    }
    for mut worker in working {
        assert!(worker.wait().expect("a worker").success(), "it ended well");
    }
    let time = begun.elapsed();
    let states = app.store.message_states().await.expect("the states");
    assert_eq!(
        states,
        vec![(MessageState::Accepted, u64::from(wish.letters))],
        "every letter is accepted"
    );
    app.store.close().await;
    schema.forget().await;
    Mailed {
        rate: f64::from(wish.letters) / time.as_secs_f64(),
        planned,
        processors: of_children() - before,
    }
}

/// Sends until nothing is due; in a process of its own.
async fn worker(home: &Path, database: &str, port: u16) {
    let app = Arc::new(opened(home, database, SESSIONS, port).await);
    let name = format!("bench-{}", std::process::id());
    let live = Live::start(Arc::clone(&app), name, CancellationToken::new()).await;
    let live = Arc::new(live.expect("everything is ready"));
    let told = tokio::task::spawn_blocking(|| {
        print!(".");
        std::io::Write::flush(&mut std::io::stdout()).expect("a pipe");
        std::io::read_to_string(std::io::stdin()).expect("a pipe");
    });
    told.await.expect("it is told to begin");
    live.deliver_due(Channel::Email).await.expect("a mailing");
    live.close().await;
    app.store.close().await;
}

/// Seconds of the processors that ended children have taken.
///
/// Source: proc_pid_stat(5); a tick is a hundredth of a second on every Linux of today.
fn of_children() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let fields = after_name.split_whitespace().skip(13).take(2);
    fields
        .filter_map(|field| field.parse::<f64>().ok())
        .sum::<f64>()
        / 100.0
}

/// The scan of a day, against one query for the same rows.
async fn scans(server: &str, wish: &Wish) {
    let schema = Schema::make(server, "scan").await;
    let app = company(&wish.folder.join("scan"), &schema.url(), wish.clients).await;
    let due = due(&app, wish.clients as usize / 100).await;
    let pool = PgPool::connect(&schema.url()).await.expect("the server");
    // As the server would by itself a minute later.
    sqlx::raw_sql("ANALYZE rhythms; ANALYZE clients; ANALYZE purchases")
        .execute(&pool)
        .await
        .expect("the statistics");
    let (mut ours, mut bare) = (Duration::MAX, Duration::MAX);
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        scan(&app, &due).await;
        ours = ours.min(begun.elapsed());
        let begun = Instant::now();
        fetch(&pool, &due).await;
        bare = bare.min(begun.elapsed());
    }
    let ratio = ours.as_secs_f64() / bare.as_secs_f64();
    println!(
        "scan of {} due among {} clients: {:.2} ms, one query for the same rows: {:.2} ms, ratio \
         {ratio:.2} ({REACH_SCAN} {})",
        due.len(),
        wish.clients,
        ours.as_secs_f64() * 1e3,
        bare.as_secs_f64() * 1e3,
        if ratio <= REACH_SCAN {
            "reached"
        } else {
            "MISSED"
        }
    );
    pool.close().await;
    app.store.close().await;
    schema.forget().await;
}

/// A base with its rhythms.
async fn company(home: &Path, database: &str, clients: u32) -> App {
    let until: Day = "2026-11-20".parse().expect("a day");
    std::fs::create_dir_all(home).expect("the folder is made");
    let made = Base {
        until,
        ..Base::of_clients(clients)
    };
    made.write(home, true).expect("the base is written");
    let settings: Settings = toml::from_str(
        "[company]\nname = \"Bench\"\n\
         [[source]]\nname = \"bench\"\nkind = \"csv\"\npath = \".\"\n\
         consent = { basis = \"consent\", channels = [\"email\"], classes = [\"advertising\"] }\n",
    )
    .expect("the settings are right");
    let now = until.plus(1).date().and_hms_opt(6, 0, 0).expect("a time");
    let store = Store::open(database, home).await;
    let app = App {
        home: home.to_owned(),
        store: store.expect("the database opens"),
        campaigns: Vec::new(),
        templates: Templates::load(None).0,
        artist: rekindle::pictures::CertificateArtist::new(None),
        key: AddressKey::new([7; 32]),
        clock: Clock::manual(chrono::Utc.from_utc_datetime(&now)),
        settings,
    };
    import(&app).await;
    let kept = rhythms::keep_up(&app, &|_| ()).await;
    kept.expect("the rhythms are kept");
    app
}

/// The reference: one query for the same rows by the same index.
async fn fetch(pool: &PgPool, due: &[ClientId]) {
    let numbers: Vec<i64> = due.iter().map(|client| client.0).collect();
    let rows = sqlx::query(
        "SELECT c.*, r.* FROM rhythms r JOIN clients c ON c.id = r.client_id
         WHERE r.client_id = ANY($1)",
    )
    .bind(numbers)
    .fetch_all(pool)
    .await
    .expect("the rows");
    assert_eq!(rows.len(), due.len());
}
