//! Delivery to people, from the plan to the receipt, against real servers on this machine.
//!
//! A [`Post`] is a world in live mode with a mail server. Whatever a test does with it, [`Post::finish`]
//! looks at its end whether the invariants of `docs/RELIABILITY.md` hold.
#![expect(
    clippy::unwrap_used,
    reason = "what is not as it should be fails the test as it should"
)]

mod checker;
mod cluster;
#[cfg(feature = "crash-points")]
mod crash_points;
mod crowd;
mod decisions;
mod door;
mod kill_loop;
mod killed;
mod letters;
mod mailing;
mod moved;
mod nudges;
mod oracle;
mod random;
mod servers;
mod several;
mod side_by_side;
mod steady;
mod versions;

pub(crate) use super::smtp::sink;
pub(crate) use super::whatsapp::fake;

use std::path::PathBuf;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use rekindle::app::App;
use rekindle::jobs::day::{self, RunOutcome};
use rekindle::jobs::deliver::{Live, Round};
use rekindle::model::Channel;
use tokio_util::sync::CancellationToken;

use super::world::{World, day as date};
use servers::Servers;
use sink::{Manners, Sink};

/// A company that writes to people, as quickly as its server takes it.
const COMPANY: &str = r#"
[company]
name = "Bakery"
locale = "en"
time_zone = "Europe/Moscow"
email = "desk@bakery.test"

[limits]
quiet_after_purchase = "2d"

[[source]]
name = "shop"
kind = "csv"
path = "data"
[source.consent]
basis = "consent"
channels = ["email", "whatsapp"]
classes = ["advertising", "service"]

[delivery]
mode = "live"
from_email = "desk@bakery.test"
public_url = "https://bakery.test/post"
letters_per_second = 1000000
"#;

const QUICK: &str = "letters_per_domain = 4000000000\n";

/// The news of a day; to everybody.
fn news(id: &str, on: &str, step: &str) -> String {
    format!(
        r#"id = "{id}"
title = "News"
status = "live"
from = "company"
trigger = {{ on = "news", day = {on}, when = "any_hour" }}
limits = {{ holdout = "0%" }}
goal = {{ event = "purchase", within = "14d" }}
news = {{ title = "News", intro = "Something is new.", item = [{{ title = "One", text = "Something." }}] }}
step = [{{ id = "message", {step} }}]
"#
    )
}

const LETTER: &str = r#"channel = "email", template = "news""#;
const NUDGE: &str = r#"channel = "whatsapp", template = "thank-you-short""#;

/// A world with a server.
struct Post {
    world: World,
    servers: Servers,
    live: Option<(Arc<App>, Arc<Live>)>,
    starts: u32,
}

impl Post {
    /// A world whose letters go to a sink.
    fn letters(manners: Manners) -> Self {
        Self::with(manners, QUICK, "connections = 4\n")
    }

    fn with(manners: Manners, delivery: &str, smtp: &str) -> Self {
        let mut world = World::with(COMPANY);
        let log = log(&world);
        let servers = world.wait(Servers::letters(&log, manners));
        world.also(&format!(
            "{delivery}[smtp]\nhost = \"127.0.0.1\"\nport = {}\ntls = \"none\"\n{smtp}\
             deadlines = {{ end_of_data = \"300ms\", command = \"2s\" }}\n",
            servers.address()
        ));
        Self::over(world, servers)
    }

    /// A world whose nudges go to a fake.
    fn nudges(script: fake::Script, whatsapp: &str) -> Self {
        let mut world = World::with(COMPANY);
        let log = log(&world);
        std::fs::write(world.home().join("token"), "EAAG-test-token").unwrap();
        restrict(&world.home().join("token"));
        let servers = world.wait(Servers::nudges(&log, script));
        world.also(&format!(
            "whatsapp_countries = [\"KZ\"]\n[whatsapp]\nphone_number_id = \"106540352242922\"\n\
             token_file = \"token\"\nbase_url = \"{}\"\n{whatsapp}",
            servers.address()
        ));
        Self::over(world, servers)
    }

    fn over(world: World, servers: Servers) -> Self {
        let mut world = world;
        // Nobody else is a key account then.
        world.crowd();
        oracle::watch(&mut world);
        Self {
            world,
            servers,
            live: None,
            starts: 0,
        }
    }

    fn sink(&self) -> &Sink {
        match &self.servers {
            Servers::Letters { sink, .. } => sink,
            Servers::Nudges { .. } => panic!("a world of nudges"),
        }
    }

    fn fake(&self) -> &fake::Fake {
        match &self.servers {
            Servers::Nudges { fake, .. } => fake,
            Servers::Letters { .. } => panic!("a world of letters"),
        }
    }

    /// Clients who bought long ago, by their names.
    fn clients(&mut self, ids: &[&str]) {
        for id in ids {
            self.world.client(id).bought(&["2026-01-05"]);
        }
    }

    /// Plans a day and approves it; the clock stands at eight in the morning in Moscow.
    fn planned(&mut self, on: &str) {
        let waits = self.run(on);
        assert!(
            matches!(waits, RunOutcome::AwaitingApproval(_)),
            "{waits:?}"
        );
        self.approve(on);
    }

    fn run(&mut self, on: &str) -> RunOutcome {
        self.live = None;
        self.world.run(on)
    }

    fn approve(&mut self, on: &str) {
        let app = self.app();
        let approved = self.world.wait(day::approve(&app, date(on), "operator"));
        assert!(approved.unwrap(), "{on} waited for approval");
    }

    fn app(&mut self) -> Arc<App> {
        Arc::clone(&self.start().0)
    }

    /// Everything that sends, started anew after a change.
    fn start(&mut self) -> &(Arc<App>, Arc<Live>) {
        if self.live.is_none() {
            self.world.app();
            self.restart_as_written();
        }
        self.live.as_ref().unwrap()
    }

    /// Starts with the configuration as it lies in its file, whatever the world thinks of it.
    fn restart_as_written(&mut self) {
        let app = Arc::new(self.world.open());
        self.starts += 1;
        let owner = format!("test-{}", self.starts);
        let live = Live::start(Arc::clone(&app), owner, CancellationToken::new());
        let live = self.world.wait(live).unwrap();
        self.live = Some((app, Arc::new(live)));
    }

    /// What the service does: puts right what there is to put right, and sends what is due.
    fn deliver(&mut self) -> u64 {
        let (_, live) = self.start();
        let live = Arc::clone(live);
        self.world.wait(async {
            live.reconcile().await.unwrap();
            let mut claimed = 0;
            for channel in Channel::ALL {
                let Round { claimed: one } = live.deliver_due(*channel).await.unwrap();
                claimed += one;
            }
            claimed
        })
    }

    /// Writes a template of the company's own over the built-in one; whoever sends is started anew.
    fn template(&mut self, path: &str, change: impl FnOnce(&str) -> String) {
        let ready = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("templates");
        let own = self.world.home().join("templates").join(path);
        let known = std::fs::read_to_string(&own);
        let known = known.or_else(|_| std::fs::read_to_string(ready.join(path)));
        super::world::write(&own, &change(&known.unwrap()));
        self.live = None;
    }

    fn later(&mut self, by: TimeDelta) {
        let app = self.app();
        app.clock.advance(by);
    }

    fn now(&mut self) -> DateTime<Utc> {
        self.app().clock.now()
    }

    /// The state of the only message of a client, and why it is in it.
    fn state(&mut self, client: &str) -> (String, String) {
        let rows = self.world.rows(&format!(
            "SELECT state, coalesce(reason, '') FROM messages m JOIN clients c ON c.id = m.client_id
             WHERE c.ext_id = '{client}'"
        ));
        assert_eq!(rows.len(), 1, "messages of {client}");
        (rows[0].get(0), rows[0].get(1))
    }

    fn states(&mut self) -> Vec<(String, i64)> {
        let rows = self
            .world
            .rows("SELECT state, count(*) FROM messages GROUP BY state ORDER BY state");
        rows.iter().map(|row| (row.get(0), row.get(1))).collect()
    }

    /// When the only message of a client is due.
    fn due(&mut self, client: &str) -> DateTime<Utc> {
        let ms = self.world.count(&format!(
            "SELECT due_at FROM messages m JOIN clients c ON c.id = m.client_id
             WHERE c.ext_id = '{client}'"
        ));
        DateTime::from_timestamp_millis(ms).unwrap()
    }

    /// What stands in the way until a person lifts it: kind and name.
    fn stops(&mut self) -> Vec<String> {
        self.world
            .texts("SELECT kind || ' ' || name FROM stops ORDER BY 1")
    }

    /// Looks whether the invariants hold, and ends the world.
    fn finish(mut self) {
        let now = self.now().timestamp_millis();
        oracle::check(&mut self.world, &log_of(&self.servers), now);
        if let Some((_, live)) = self.live.take() {
            self.world.wait(live.close());
        }
        let _ = self.world.failures();
        self.world.finish();
    }
}

fn log(world: &World) -> PathBuf {
    world.home().join("taken.jsonl")
}

fn log_of(servers: &Servers) -> PathBuf {
    match servers {
        Servers::Letters { log, .. } | Servers::Nudges { log, .. } => log.clone(),
    }
}

/// Makes a file its owner's own.
fn restrict(file: &std::path::Path) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o600)).unwrap();
}
