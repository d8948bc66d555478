//! How quickly letters leave: the whole way of a live mailing, with a durable record of each letter,
//! against Postfix' `smtp-source` with as many sessions to the same `smtp-sink`.
//!
//! `cargo bench --bench smtp -- [LETTERS] [FOLDER]` (20,000 letters unless said otherwise). Needs
//! `smtp-sink` and `smtp-source` of Postfix; nothing leaves this machine. Beside each ratio stands the
//! bound that the durable commits of this disk set: with S sessions in one commit each, S letters take
//! at least as long as one commit.

mod base;

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::TimeZone;
use rekindle::app::App;
use rekindle::clock::Clock;
use rekindle::config::{Campaign, Settings};
use rekindle::db::Store;
use rekindle::jobs::day::{DayOptions, approve, run};
use rekindle::jobs::deliver::Live;
use rekindle::jobs::import::{ImportOptions, import_source};
use rekindle::model::{AddressKey, Channel, Day, MessageState};
use rekindle::render::Templates;
use tokio_util::sync::CancellationToken;

use base::Base;

const DATABASE: &str = "sqlite://rekindle.db";

/// The share of the rate of `smtp-source` at 64 sessions that is to be reached.
const REACH: f64 = 0.6;

/// The bytes of a letter of this bench, about; `smtp-source` sends as many.
const LETTER_BYTES: usize = 13_000;

fn main() {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|a| a != "--bench")
        .collect();
    let letters: u32 = arguments
        .first()
        .and_then(|n| n.parse().ok())
        .unwrap_or(20_000);
    let folder = arguments.get(1).map_or_else(
        || std::env::temp_dir().join("rekindle-bench-smtp"),
        PathBuf::from,
    );
    let Some(sink) = Sink::start() else {
        eprintln!("smtp-sink and smtp-source are needed: install Debian's package postfix");
        std::process::exit(1);
    };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    println!(
        "{letters} letters; one durable commit of this disk takes {:.2} ms",
        commit(&folder).as_secs_f64() * 1e3
    );
    println!("sessions   ours/s   smtp-source/s   ratio   bound of the disk/s   peak MB");
    for sessions in [1, 4, 16, 64] {
        let source = sink.source(sessions, letters);
        let ours = runtime.block_on(mailing(&folder, letters, sessions, sink.port));
        let bound = f64::from(sessions) / commit(&folder).as_secs_f64();
        let ratio = ours / source;
        let note = match sessions {
            64 if ratio < REACH => "  (0.6 is to be reached)",
            _ => "",
        };
        println!(
            "{sessions:>8} {ours:>8.0} {source:>15.0} {ratio:>7.2} {bound:>21.0} {:>9}{note}",
            peak_mb()
        );
    }
}

/// A running `smtp-sink`.
struct Sink {
    child: Child,
    port: u16,
}

impl Sink {
    fn start() -> Option<Self> {
        let free = TcpListener::bind("127.0.0.1:0").ok()?;
        let port = free.local_addr().ok()?.port();
        drop(free);
        let child = tool("smtp-sink")
            .args(["-u", "nobody", &format!("127.0.0.1:{port}"), "1000"])
            .stdout(Stdio::null())
            .spawn()
            .ok()?;
        let sink = Self { child, port };
        let deadline = Instant::now() + Duration::from_secs(10);
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            if Instant::now() > deadline {
                return None;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Some(sink)
    }

    /// Letters a second of `smtp-source`.
    fn source(&self, sessions: u16, letters: u32) -> f64 {
        let begun = Instant::now();
        let done = tool("smtp-source")
            .args([
                "-d",
                "-s",
                &sessions.to_string(),
                "-m",
                &letters.to_string(),
            ])
            .args(["-l", &LETTER_BYTES.to_string()])
            .arg(format!("127.0.0.1:{}", self.port))
            .status()
            .expect("smtp-source runs");
        assert!(done.success(), "smtp-source ended well");
        f64::from(letters) / begun.elapsed().as_secs_f64()
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A tool of Postfix, which Debian puts where only root looks.
fn tool(name: &str) -> Command {
    let in_sbin = Path::new("/usr/sbin").join(name);
    Command::new(if in_sbin.exists() {
        in_sbin
    } else {
        name.into()
    })
}

/// How long one small durable commit of SQLite takes: the middle one of many.
fn commit(folder: &Path) -> Duration {
    std::fs::create_dir_all(folder).expect("the folder is made");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let home = folder.join("commit");
        let _ = std::fs::remove_dir_all(&home);
        std::fs::create_dir_all(&home).expect("the folder is made");
        let store = Store::open(DATABASE, &home).await.expect("a database");
        let mut times = Vec::new();
        for n in 0..200_u8 {
            let begun = Instant::now();
            store.note_checkup(&[n; 32], 1).await.expect("a commit");
            times.push(begun.elapsed());
        }
        store.close().await;
        times.sort_unstable();
        times[times.len() / 2]
    })
}

/// Letters a second of a live mailing: claimed, gated, rendered, sent, recorded.
async fn mailing(folder: &Path, letters: u32, sessions: u16, port: u16) -> f64 {
    let app = Arc::new(
        planned(
            &folder.join(format!("s{sessions}")),
            letters,
            sessions,
            port,
        )
        .await,
    );
    let live = Live::start(
        Arc::clone(&app),
        "bench".to_owned(),
        CancellationToken::new(),
    );
    let live = Arc::new(live.await.expect("everything is ready"));
    let begun = Instant::now();
    live.deliver_due(Channel::Email).await.expect("a mailing");
    let time = begun.elapsed();
    let states = app.store.message_states().await.expect("the states");
    assert_eq!(
        states,
        vec![(MessageState::Accepted, u64::from(letters))],
        "every letter is accepted"
    );
    live.close().await;
    app.store.close().await;
    f64::from(letters) / time.as_secs_f64()
}

/// A home with news for everybody, planned and approved.
async fn planned(home: &Path, letters: u32, sessions: u16, port: u16) -> App {
    let _ = std::fs::remove_dir_all(home);
    std::fs::create_dir_all(home).expect("the folder is made");
    let until: Day = "2026-11-20".parse().expect("a day");
    let base = Base {
        until,
        purchases_each: 1.0,
        ..Base::of_clients(letters)
    };
    base.write(home, true).expect("the base is written");
    let settings: Settings = toml::from_str(&format!(
        "[company]\nname = \"Bench\"\n\
         [[source]]\nname = \"bench\"\nkind = \"csv\"\npath = \".\"\n\
         consent = {{ basis = \"consent\", channels = [\"email\"], classes = [\"advertising\"] }}\n\
         [delivery]\nmode = \"live\"\nfrom_email = \"news@bench.test\"\n\
         public_url = \"https://bench.test\"\n\
         letters_per_second = 1000000\nletters_per_domain = 100000000\n\
         [hours]\nweekdays = \"00:00-24:00\"\nweekends = \"00:00-24:00\"\n\
         [limits]\nquiet_after_purchase = \"0d\"\n\
         [smtp]\nhost = \"127.0.0.1\"\nport = {port}\ntls = \"none\"\nconnections = {sessions}\n\
         messages_per_connection = 65535\n"
    ))
    .expect("the settings are right");
    let day = until.plus(3);
    let news: Campaign = toml::from_str(&format!(
        "id = \"news\"\ntitle = \"News\"\nstatus = \"live\"\nlimits = {{ holdout = \"0%\" }}\n\
         [trigger]\non = \"news\"\nday = \"{day}\"\n[goal]\nevent = \"none\"\n[news]\ntitle = \"News\"\n\
         [[news.item]]\ntitle = \"Bread\"\ntext = \"Fresh every day.\"\n\
         [[step]]\nid = \"letter\"\nchannel = \"email\"\ntemplate = \"news\"\n"
    ))
    .expect("the campaign is right");
    let now = day.date().and_hms_opt(9, 0, 0).expect("a time");
    let app = App {
        home: home.to_owned(),
        store: Store::open(DATABASE, home)
            .await
            .expect("the database opens"),
        campaigns: vec![news],
        templates: Templates::load(None).0,
        artist: rekindle::pictures::CertificateArtist::new(None),
        key: AddressKey::new([7; 32]),
        clock: Clock::manual(chrono::Utc.from_utc_datetime(&now)),
        settings,
    };
    let source = app.settings.sources[0].clone();
    let imported = import_source(&app, &source, ImportOptions::default(), Arc::new(|_| ())).await;
    imported.expect("the base is imported");
    let options = DayOptions {
        day,
        as_of: false,
        also: None,
    };
    run(&app, options, &|_| ()).await.expect("the day is run");
    approve(&app, day, "bench")
        .await
        .expect("the run is let go");
    app
}

/// The most memory that this process has held, in MB.
fn peak_mb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM"));
    let kb = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
    kb.unwrap_or_default() / 1024
}
