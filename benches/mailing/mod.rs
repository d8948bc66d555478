//! A mailing to everybody, and the tools of Postfix that it goes to: what benches of sending share.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::TimeZone;
use rekindle::app::App;
use rekindle::clock::Clock;
use rekindle::config::{Campaign, Settings};
use rekindle::db::Store;
use rekindle::jobs::day::{DayOptions, approve, run};
use rekindle::jobs::import::{ImportOptions, import_source};
use rekindle::model::{AddressKey, Day};
use rekindle::render::Templates;

use super::base::Base;

/// The last day of the base, and the day of the mailing.
pub(crate) fn days() -> (Day, Day) {
    let until: Day = "2026-11-20".parse().expect("a day");
    (until, until.plus(3))
}

/// Writes the files of so many clients.
pub(crate) fn write_base(home: &Path, letters: u32) {
    let _ = std::fs::remove_dir_all(home);
    std::fs::create_dir_all(home).expect("the folder is made");
    let base = Base {
        until: days().0,
        purchases_each: 1.0,
        ..Base::of_clients(letters)
    };
    base.write(home, true).expect("the base is written");
}

/// A company with news for everybody.
pub(crate) async fn opened(home: &Path, database: &str, sessions: u16, port: u16) -> App {
    let day = days().1;
    let mut settings: Settings = toml::from_str(&format!(
        "[company]\nname = \"Bench\"\n\
         [[source]]\nname = \"bench\"\nkind = \"csv\"\npath = \".\"\n\
         consent = {{ basis = \"consent\", channels = [\"email\"], classes = [\"advertising\"] }}\n\
         [delivery]\nmode = \"live\"\nfrom_email = \"news@bench.test\"\n\
         public_url = \"https://bench.test\"\n\
         letters_per_second = 4000000000\nletters_per_domain = 4000000000\n\
         [hours]\nweekdays = \"00:00-24:00\"\nweekends = \"00:00-24:00\"\n\
         [limits]\nquiet_after_purchase = \"0d\"\n\
         [smtp]\nhost = \"127.0.0.1\"\nport = {port}\ntls = \"none\"\nconnections = {sessions}\n\
         messages_per_connection = 65535\n"
    ))
    .expect("the settings are right");
    settings.database.url = database.to_owned();
    let news: Campaign = toml::from_str(&format!(
        "id = \"news\"\ntitle = \"News\"\nstatus = \"live\"\nlimits = {{ holdout = \"0%\" }}\n\
         [trigger]\non = \"news\"\nday = \"{day}\"\nwhen = \"any_hour\"\n[goal]\nevent = \"none\"\n[news]\ntitle = \"News\"\n\
         [[news.item]]\ntitle = \"Bread\"\ntext = \"Fresh every day.\"\n\
         [[step]]\nid = \"letter\"\nchannel = \"email\"\ntemplate = \"news\"\n"
    ))
    .expect("the campaign is right");
    let now = day.date().and_hms_opt(9, 0, 0).expect("a time");
    App {
        home: home.to_owned(),
        store: Store::open(database, home)
            .await
            .expect("the database opens"),
        campaigns: vec![news],
        templates: Templates::load(None).0,
        artist: rekindle::pictures::CertificateArtist::new(None),
        key: AddressKey::new([7; 32]),
        clock: Clock::manual(chrono::Utc.from_utc_datetime(&now)),
        settings,
    }
}

/// Takes up the files.
pub(crate) async fn import(app: &App) {
    let source = app.settings.sources[0].clone();
    let imported = import_source(app, &source, ImportOptions::default(), Arc::new(|_| ())).await;
    imported.expect("the base is imported");
}

/// Plans the day and lets it go.
pub(crate) async fn plan(app: &App) {
    let options = DayOptions {
        day: days().1,
        as_of: false,
        also: None,
    };
    run(app, options, &|_| ()).await.expect("the day is run");
    let approved = approve(app, days().1, "bench").await;
    approved.expect("the run is let go");
}

/// A running `smtp-sink`.
pub(crate) struct Sink {
    pub(crate) child: Child,
    /// Where it listens on this machine.
    pub(crate) port: u16,
}

impl Sink {
    /// Starts it; nothing where Postfix is not installed.
    pub(crate) fn start() -> Option<Self> {
        Self::start_with(&[])
    }

    /// Starts it with options of its own.
    pub(crate) fn start_with(options: &[&str]) -> Option<Self> {
        let free = TcpListener::bind("127.0.0.1:0").ok()?;
        let port = free.local_addr().ok()?.port();
        drop(free);
        let child = tool("smtp-sink")
            .args(["-u", "nobody"])
            .args(options)
            .args([&format!("127.0.0.1:{port}"), "1000"])
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
}

impl Drop for Sink {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A tool of Postfix, which Debian puts where only root looks.
pub(crate) fn tool(name: &str) -> Command {
    let in_sbin = Path::new("/usr/sbin").join(name);
    Command::new(if in_sbin.exists() {
        in_sbin
    } else {
        name.into()
    })
}
