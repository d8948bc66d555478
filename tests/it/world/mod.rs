//! The day as a whole, in a small world: real files, a real database, the real sandbox folder; only
//! the clock is moved by hand.
//!
//! A [`World`] is written in the words of the product. At its end it looks for what nobody may
//! leave behind: a message of a sealed run that was never handed over, a half-written run, a
//! failure that nobody noticed.

mod campaigns;
mod choice;
mod facts;
mod funnels;
mod index;
mod managers;
mod random;
mod rewards;
mod runs;
mod steps;
mod tasks;
mod writing;

use std::collections::BTreeMap;
use std::fs;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use chrono::{DateTime, NaiveTime, TimeZone, Utc};
use rekindle::app::App;
use rekindle::clock::Clock;
use rekindle::config::{self, KnownTemplates};
use rekindle::db::{Store, TaskFilter, TaskRow};
use rekindle::jobs::day::{self, DayOptions, RunOutcome};
use rekindle::jobs::deliver;
use rekindle::jobs::import::{ImportOptions, import_source};
use rekindle::jobs::outcome::{self, Recorded, Told};
use rekindle::jobs::rhythms;
use rekindle::model::{Day, Outcome, OutcomeKind};
use rekindle::render::Templates;
use rekindle::rules::plan::Plan;
use rekindle::sources::load_or_create_key;

use crate::database::{self, Database, Folder, Row};
use crate::{opened, sandbox};
use writing::Files;

/// The settings of most worlds: one source whose clients agreed to everything.
pub(crate) const COMPANY: &str = r#"
[company]
name = "Bakery"
locale = "en"
time_zone = "Europe/Moscow"
email = "desk@example.org"

[[source]]
name = "shop"
kind = "csv"
path = "data"
[source.consent]
basis = "consent"
channels = ["email", "whatsapp"]
classes = ["advertising", "service"]
"#;

/// The day of a date.
pub(crate) fn day(text: &str) -> Day {
    text.parse().expect("a date of a test")
}

/// A message as the database keeps it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Sent {
    pub(crate) planned_on: Day,
    pub(crate) client: String,
    pub(crate) campaign: String,
    pub(crate) step: String,
    pub(crate) state: String,
    pub(crate) episode: String,
}

/// A company in a temporary folder.
pub(crate) struct World {
    folder: Folder,
    runtime: tokio::runtime::Runtime,
    clock: Arc<Mutex<DateTime<Utc>>>,
    settings: String,
    campaigns: BTreeMap<String, String>,
    files: Files,
    app: Option<App>,
    database: Option<Database>,
    failures_looked_at: bool,
    finished: bool,
}

impl World {
    /// A world of [`COMPANY`].
    pub(crate) fn new() -> Self {
        Self::with(COMPANY)
    }

    /// A world with these settings.
    pub(crate) fn with(settings: &str) -> Self {
        let world = Self {
            folder: opened::folder(),
            runtime: tokio::runtime::Runtime::new().expect("a runtime"),
            clock: Arc::new(Mutex::new(DateTime::UNIX_EPOCH)),
            settings: settings.to_owned(),
            campaigns: BTreeMap::new(),
            files: Files::default(),
            app: None,
            database: None,
            failures_looked_at: false,
            finished: false,
        };
        world.at(day("2026-03-01"));
        world
    }

    /// Writes a campaign, or another version of it.
    pub(crate) fn campaign(&mut self, toml: &str) {
        let id = toml.split('"').nth(1).expect("id = \"...\" comes first");
        self.campaigns.insert(id.to_owned(), toml.to_owned());
        self.app = None;
    }

    /// Adds to the settings.
    pub(crate) fn also(&mut self, settings: &str) {
        self.settings.push_str(settings);
        self.app = None;
    }

    /// Sets the clock to eight in the morning of a day.
    pub(crate) fn at(&self, day: Day) {
        let five = NaiveTime::from_hms_opt(5, 0, 0).expect("a time");
        let instant = Utc.from_utc_datetime(&day.date().and_time(five));
        *self.clock.lock().expect("nobody panicked with it") = instant;
    }

    pub(crate) fn home(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn config_file(&self) -> PathBuf {
        self.home().join("config/rekindle.toml")
    }

    /// Writes the configuration and the facts as files, for another process.
    pub(crate) fn write(&self) {
        let settings = format!("{}{}", self.settings, database::settings(self.home()));
        write(&self.config_file(), &settings);
        for (id, toml) in &self.campaigns {
            write(
                &self.home().join(format!("config/campaigns/{id}.toml")),
                toml,
            );
        }
        self.files.write(&self.home().join("data"));
    }

    /// The application, opened anew after a change of the configuration.
    pub(crate) fn app(&mut self) -> &App {
        if self.app.is_none() {
            self.write();
            self.app = Some(self.open());
        }
        self.app.as_ref().expect("just opened")
    }

    pub(crate) fn open(&self) -> App {
        let loaded = config::load(&self.config_file(), &KnownTemplates::default());
        let loaded = loaded.unwrap_or_else(|problems| {
            let said: Vec<String> = problems.iter().map(ToString::to_string).collect();
            panic!(
                "the configuration of the test is wrong:\n{}",
                said.join("\n")
            )
        });
        let own = self.home().join("templates");
        let (templates, problems) = Templates::load(own.is_dir().then_some(&*own));
        assert!(problems.is_empty(), "the templates are whole: {problems:?}");
        let store = Store::open(&loaded.settings.database.url, &loaded.home);
        let store = self.runtime.block_on(store).expect("a database");
        let key = load_or_create_key(&loaded.key_file()).expect("a key");
        App {
            home: loaded.home,
            settings: loaded.settings,
            campaigns: loaded.campaigns,
            templates,
            artist: rekindle::pictures::CertificateArtist::new(own.is_dir().then_some(&*own)),
            store,
            key,
            clock: Clock::Manual(Arc::clone(&self.clock)),
        }
    }

    /// The world with its database opened anew: another file lies in its place.
    pub(crate) fn reopened(mut self) -> Self {
        self.app = None;
        self.database = None;
        self
    }

    /// The application as it is while its key file was replaced under it.
    pub(crate) fn open_with_other_key(&self) -> App {
        App {
            key: rekindle::model::AddressKey::new([7; 32]),
            ..self.open()
        }
    }

    /// Ends a world in which everything that is due is held.
    pub(crate) fn finish_held(mut self) {
        self.finished = true;
    }

    pub(crate) fn wait<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    /// Does something with the program as it is now. Always in the one runtime of the world: what
    /// connections were opened in another one ends with it.
    pub(crate) fn wait_with<T>(&mut self, work: impl AsyncFnOnce(&App) -> T) -> T {
        self.app();
        let app = self.app.as_ref().expect("opened");
        self.wait(work(app))
    }

    /// Imports the facts where they have changed, and brings the rhythms up to date.
    pub(crate) fn import(&mut self) {
        self.app();
        self.files.write(&self.home().join("data"));
        let app = self.app.as_ref().expect("opened");
        self.wait(async {
            for source in &app.settings.sources {
                let read = import_source(app, source, ImportOptions::default(), Arc::new(|_| ()));
                let summary = read.await.expect("the files of the test can be read");
                let refused: u64 = summary.files.iter().map(|file| file.rejected.rows).sum();
                assert_eq!(refused, 0, "the files of the test are good: {summary:?}");
            }
            rhythms::keep_up(app, &|_| ()).await.expect("rhythms");
        });
    }

    /// The day as the daily run sees it: by index, with the clock standing on it.
    pub(crate) fn today(day: Day) -> DayOptions<'static> {
        DayOptions {
            day,
            as_of: false,
            also: None,
        }
    }

    /// The day as `--as-of` sees it: everybody is looked at.
    pub(crate) fn as_of(day: Day) -> DayOptions<'static> {
        DayOptions {
            as_of: true,
            ..Self::today(day)
        }
    }

    /// Plans a day by index.
    pub(crate) fn plan(&mut self, on: &str) -> Plan {
        self.at(day(on));
        self.plan_with(Self::today(day(on)))
    }

    pub(crate) fn plan_with(&mut self, options: DayOptions<'_>) -> Plan {
        self.import();
        let app = self.app.as_ref().expect("opened");
        self.wait(day::plan(app, options)).expect("a plan")
    }

    /// Runs a day by index, with everything that belongs to it, and delivers.
    pub(crate) fn run(&mut self, on: &str) -> RunOutcome {
        self.at(day(on));
        self.run_with(Self::today(day(on)))
    }

    pub(crate) fn run_with(&mut self, options: DayOptions<'_>) -> RunOutcome {
        self.import();
        let app = self.app.as_ref().expect("opened");
        self.wait(async {
            let outcome = day::run(app, options, &|_| ()).await.expect("a run");
            day::write_lists(app, options.day).await.expect("lists");
            let delivered = deliver::deliver(app, &|_| ()).await.expect("delivery");
            assert_eq!(delivered.failed, Vec::<String>::new());
            outcome
        })
    }

    /// Runs every day of a stretch, both ends included.
    pub(crate) fn run_days(&mut self, from: &str, to: &str) {
        let mut on = day(from);
        while on <= day(to) {
            self.run(&on.to_string());
            on = on.plus(1);
        }
    }

    /// Every message, held-out ones included, in the order of days.
    pub(crate) fn messages(&mut self) -> Vec<Sent> {
        let rows = self.rows(
            "SELECT m.planned_on, c.ext_id, m.campaign, m.step, m.state, m.episode
             FROM messages m JOIN clients c ON c.id = m.client_id",
        );
        let mut sent: Vec<Sent> = rows
            .iter()
            .map(|row| Sent {
                planned_on: Day::from_epoch(row.get::<i64, _>(0) as i32),
                client: row.get(1),
                campaign: row.get(2),
                step: row.get(3),
                state: row.get(4),
                episode: row.get(5),
            })
            .collect();
        sent.sort();
        sent
    }

    /// What a client got: `2026-03-05 news/letter`.
    pub(crate) fn got(&mut self, client: &str) -> Vec<String> {
        let sent = self.messages().into_iter();
        sent.filter(|one| one.client == client && one.state == "accepted")
            .map(|one| format!("{} {}/{}", one.planned_on, one.campaign, one.step))
            .collect()
    }

    /// The tasks that a person sees.
    pub(crate) fn tasks(&mut self) -> Vec<TaskRow> {
        self.app();
        let app = self.app.as_ref().expect("opened");
        let tasks = self.wait(app.store.tasks(&TaskFilter::default()));
        tasks.expect("tasks")
    }

    /// Records the outcome of the only task of a client.
    pub(crate) fn outcome(
        &mut self,
        client: &str,
        kind: OutcomeKind,
        on: &str,
        until: Option<&str>,
    ) -> Recorded {
        let tasks = self.tasks();
        let mut of_client = tasks.iter().filter(|task| task.client == client);
        let task = of_client.next().expect("a task of the client").id;
        assert_eq!(of_client.next(), None, "one task of the client");
        let outcome = Outcome {
            until: until.map(day),
            ..Outcome::new(kind, day(on))
        };
        self.at(day(on));
        self.record(task, &outcome)
    }

    /// Records the outcome of a task.
    pub(crate) fn record(&mut self, task: i64, outcome: &Outcome) -> Recorded {
        self.app();
        let app = self.app.as_ref().expect("opened");
        let told = Told::new(outcome.clone(), "test");
        let recorded = outcome::record(app, task, &told);
        self.wait(recorded).expect("an outcome")
    }

    /// The letters to clients in the sandbox: file and message.
    pub(crate) fn letters(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let all = self.sandbox().into_iter();
        all.filter(|(path, _)| !path.iter().any(|part| part == "managers"))
            .collect()
    }

    /// Everything in the sandbox: file and bytes.
    pub(crate) fn sandbox(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        sandbox::files(self.home())
    }

    /// The rows of a statement, past the application.
    pub(crate) fn rows(&mut self, statement: &str) -> Vec<Row> {
        self.database();
        let database = self.database.as_ref().expect("opened");
        self.wait(database.rows(statement))
    }

    /// What the database says to a statement that it refuses.
    pub(crate) fn refused(&mut self, statement: &str) -> String {
        self.database();
        let database = self.database.as_ref().expect("opened");
        match self.wait(database.try_rows(statement)) {
            Ok(_) => panic!("was not refused: {statement}"),
            Err(error) => error.to_string(),
        }
    }

    /// The database, past the application.
    pub(crate) fn database(&mut self) -> &Database {
        if self.database.is_none() {
            self.app();
            self.database = Some(self.wait(Database::of(self.home())));
        }
        self.database.as_ref().expect("opened")
    }

    /// The number that a statement counts.
    pub(crate) fn count(&mut self, statement: &str) -> i64 {
        self.rows(statement)[0].get(0)
    }

    /// The rows of a statement as text, for comparing two worlds.
    pub(crate) fn texts(&mut self, statement: &str) -> Vec<String> {
        let rows = self.rows(statement);
        rows.iter().map(|row| row.get::<String, _>(0)).collect()
    }

    /// What the days have left, numbers of rows aside.
    pub(crate) fn story(&mut self) -> Vec<String> {
        let mut told = Vec::new();
        for statement in STORY {
            told.extend(self.rows(statement).iter().map(ToString::to_string));
        }
        told
    }

    /// Expects messages that could not be made, and looks at them.
    pub(crate) fn failures(&mut self) -> Vec<String> {
        self.failures_looked_at = true;
        self.texts("SELECT reason FROM messages WHERE state = 'failed' ORDER BY id")
    }

    /// Looks for what nobody may leave behind, and ends the world.
    pub(crate) fn finish(mut self) {
        let due = "SELECT count(*) FROM messages m JOIN runs r ON r.id = m.run_id
                   WHERE r.status = 'sealed' AND r.mode = 'sandbox'
                     AND m.state IN ('planned', 'queued')";
        assert_eq!(self.count(due), 0, "messages of sealed runs were left");
        let half = "SELECT count(*) FROM runs WHERE status = 'planning'";
        assert_eq!(self.count(half), 0, "a half-written run was left");
        if !self.failures_looked_at {
            assert_eq!(self.failures(), Vec::<String>::new(), "nobody noticed");
        }
        self.finished = true;
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            assert!(self.finished, "a world ends with finish()");
        }
    }
}

/// Everything that a day decides, one line a row, without the numbers of rows and runs.
const STORY: &[&str] = &[
    "SELECT 'run', logical_date, mode, status, campaigns, counts,
            held_because FROM runs ORDER BY logical_date",
    "SELECT 'enrollment', campaign, client_id, episode, began_on,
            entered_on, arm, evidence, closed_on, closed_by, next_on
     FROM enrollments ORDER BY campaign, client_id, episode",
    "SELECT 'message', campaign, client_id, episode, step, channel,
            template, class, address_hash, state, planned_on, inputs,
            receipt, reason
     FROM messages ORDER BY campaign, client_id, episode, step",
    "SELECT 'task', campaign, client_id, episode, step, manager, kind,
            script, state, planned_on, not_before, value, inputs,
            listed_on, rank
     FROM tasks ORDER BY campaign, client_id, episode, step",
    "SELECT 'certificate', code, campaign, client_id, episode, step, kind,
            issued_on, valid_until
     FROM certificates ORDER BY code",
];

pub(crate) fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    fs::write(path, text).expect("a file");
}
