//! The import of purchases, rhythms included, against `sqlite3 .import` of the same file.
//!
//! Run with `cargo bench --bench import -- [CLIENTS] [FOLDER]`: 100,000 clients with a million
//! purchases unless told otherwise. The other side is the command-line tool as it comes, importing
//! into a table with the same indexes: clustered by client, day and id, unique by id, and by what a
//! row takes back. Ours reads, checks, finds or makes the clients, writes, fits the base and keeps
//! the rhythms with their dates. The file lists purchases day after day, as shops write them down.
//!
//! Rhythms are brought up to date while the purchases pass by, and dated after the fit. What the update
//! costs, purchase by purchase, is what an import that leaves it for later does not take, and what the
//! list of clients that such an import writes for its sake takes. Beside it stands what all of the rhythms
//! costs: the update, and all that comes after the fit: dates, rows, indexes, commit.

mod base;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use base::Base;
use rekindle::app::App;
use rekindle::clock::Clock;
use rekindle::config::Settings;
use rekindle::db::Store;
use rekindle::jobs::import::{ImportOptions, ImportProgress, ImportSummary, import_source};
use rekindle::jobs::{base as base_facts, rhythms};
use rekindle::model::AddressKey;
use rekindle::render::Templates;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection};

/// Beyond this one round is enough.
const MANY_CLIENTS: u32 = 200_000;

const REACH: f64 = 2.0;
/// Of the update in the whole import.
const REACH_UPDATE: f64 = 0.1;

/// What `.import` fills: the columns of the file, the indexes of our table.
const TABLE: &str = "
    CREATE TABLE purchases (id TEXT NOT NULL, client TEXT NOT NULL, date TEXT NOT NULL,
        amount NUMERIC NOT NULL, cancels TEXT, PRIMARY KEY (client, date, id)) WITHOUT ROWID;
    CREATE UNIQUE INDEX by_id ON purchases (id);
    CREATE INDEX that_cancel ON purchases (cancels) WHERE cancels <> '';
    CREATE INDEX cancelled ON purchases (id) WHERE cancels = 'none';";

fn main() {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| argument != "--bench")
        .collect();
    // The base is made by a process of its own, so that its memory is not counted as ours.
    if let [command, clients, folder] = arguments.as_slice()
        && command == "generate"
    {
        let clients = clients.parse().expect("a number of clients");
        let made = Base::of_clients(clients).write(Path::new(folder), false);
        println!("{}", made.expect("the base is written").purchases);
        return;
    }
    let clients = arguments.first().and_then(|text| text.parse().ok());
    let clients: u32 = clients.unwrap_or(100_000);
    let folder = arguments.get(1).map_or_else(
        || std::env::temp_dir().join(format!("rekindle-bench-{clients}")),
        PathBuf::from,
    );
    let purchases = generate(clients, &folder);
    println!("{clients} clients, {purchases} purchases");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    // The sides take turns, and each is judged by its best: whatever else the machine does only
    // ever adds time.
    let rounds = if clients > MANY_CLIENTS { 1 } else { 5 };
    let (mut theirs, mut ours, mut without) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds {
        theirs.extend(sqlite_import(&folder));
        ours.push(runtime.block_on(our_import(&folder)));
        without.push(runtime.block_on(without_rhythms(&folder)));
    }
    let passing = Passing {
        with: best(ours.iter().map(|ours| ours.import)),
        without: best(without.iter().map(|(import, _)| *import)),
        list: best(without.iter().map(|(_, list)| *list)),
        fit: best(ours.iter().map(|ours| ours.fit)),
        afterwards: best(ours.iter().map(|ours| ours.rhythms)),
    };
    let best = ours.into_iter().min_by_key(|ours| ours.all().clock);
    report(
        purchases,
        theirs.into_iter().min_by_key(|theirs| theirs.clock),
        &best.expect("at least one round"),
        &passing,
    );
}

/// The best of several rounds, clock and processors each for itself.
fn best(rounds: impl Iterator<Item = Took>) -> Took {
    let least = rounds.reduce(|one, other| Took {
        clock: one.clock.min(other.clock),
        processors: one.processors.min(other.processors),
    });
    least.unwrap_or_default()
}

/// What the rhythms cost, each part by its best round.
struct Passing {
    /// The import, with rhythms computed while the purchases pass by.
    with: Took,
    /// The same import, leaving them for later.
    without: Took,
    /// The list of clients that it writes instead.
    list: Took,
    /// The fit of the base, which is no part of it.
    fit: Took,
    /// What comes after the fit.
    afterwards: Took,
}

impl Passing {
    /// The whole import, by the best round of each part.
    fn whole(&self) -> Took {
        self.with + self.fit + self.afterwards
    }

    /// Bringing the rhythms up to date and storing them, while the purchases pass by.
    fn update(&self) -> Took {
        Took {
            clock: self.with.clock.saturating_sub(self.without.clock),
            processors: self.with.processors.saturating_sub(self.without.processors),
        } + self.list
    }
}

fn generate(clients: u32, folder: &Path) -> u64 {
    let own = std::env::current_exe().expect("the path of this program");
    let output = Command::new(own)
        .args(["generate", &clients.to_string()])
        .arg(folder)
        .stderr(Stdio::inherit())
        .output()
        .expect("the generator starts");
    let text = String::from_utf8_lossy(&output.stdout);
    text.trim().parse().expect("the generator counts purchases")
}

/// The time on the clock, and that of the processors: on a machine that does other things too the
/// second one is the fairer.
#[derive(Clone, Copy, Default)]
struct Took {
    clock: Duration,
    processors: Duration,
}

impl Took {
    /// Measures from here on.
    fn begin() -> (Instant, Duration) {
        (Instant::now(), processor_time())
    }

    fn since((begun, before): (Instant, Duration)) -> Self {
        Self {
            clock: begun.elapsed(),
            processors: processor_time().saturating_sub(before),
        }
    }
}

impl std::ops::Add for Took {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            clock: self.clock + other.clock,
            processors: self.processors + other.processors,
        }
    }
}

/// What this process and those it has waited for have taken of the processors; nought where the
/// system does not say.
fn processor_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    // Fields 14 to 17: user and system time, own and of children, in hundredths of a second.
    let fields = after_name.split_whitespace().skip(11).take(4);
    let ticks: u64 = fields.filter_map(|field| field.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
}

/// The time of the command-line tool; nothing where it is not installed.
fn sqlite_import(folder: &Path) -> Option<Took> {
    let database = folder.join("theirs.db");
    remove(&database);
    let file = folder.join("purchases.csv");
    let begun = Took::begin();
    let status = Command::new("sqlite3")
        .arg(&database)
        .arg(TABLE)
        .arg(format!(
            ".import --csv --skip 1 {} purchases",
            file.display()
        ))
        .status();
    let time = Took::since(begun);
    let fine = status.ok()?.success();
    remove(&database);
    fine.then_some(time)
}

/// What our import took.
struct Ours {
    import: Took,
    fit: Took,
    rhythms: Took,
    again: Took,
    stages: String,
    /// The most memory held while importing, fitting, keeping the rhythms and importing again, in
    /// bytes.
    peaks: [u64; 4],
    database_bytes: u64,
}

impl Ours {
    fn all(&self) -> Took {
        self.import + self.fit + self.rhythms
    }
}

async fn our_import(folder: &Path) -> Ours {
    remove(&folder.join("ours.db"));
    let app = app(folder).await;
    let source = app.settings.sources[0].clone();
    let mut peaks = [0; 4];
    forget_peak();
    let import_begun = Took::begin();
    let stages = Arc::new(Stages::default());
    let summary = import(&app, &source, ImportOptions::default(), &stages).await;
    let import_time = Took::since(import_begun);
    assert_eq!(summary.files[0].rejected.rows, 0, "{summary:?}");
    peaks[0] = peak_resident();
    forget_peak();

    let begun = Took::begin();
    let last = app
        .store
        .last_purchase_day(app.today())
        .await
        .expect("a day");
    let base = base_facts::current(&app, last.expect("there are purchases"))
        .await
        .expect("base facts");
    base_facts::keep(&app, base)
        .await
        .expect("base facts are kept");
    let fit = Took::since(begun);
    peaks[1] = peak_resident();
    forget_peak();

    let begun = Took::begin();
    let kept = rhythms::keep_up(&app, &|_| ()).await.expect("rhythms");
    let rhythms = Took::since(begun);
    peaks[2] = peak_resident();
    forget_peak();
    assert!(kept.refreshed > 0 && kept.dated_anew == 0, "{kept:?}");

    let begun = Took::begin();
    let again = ImportOptions {
        again: true,
        ..ImportOptions::default()
    };
    let summary = import(&app, &source, again, &Arc::default()).await;
    let again = Took::since(begun);
    peaks[3] = peak_resident();
    let changes = summary.files[0].changes;
    assert_eq!(
        changes,
        rekindle::db::Changes::default(),
        "nothing changes twice"
    );
    app.store.close().await;
    let database = folder.join("ours.db");
    let size = std::fs::metadata(&database).map_or(0, |file| file.len());
    remove(&database);
    Ours {
        import: import_time,
        fit,
        rhythms,
        again,
        stages: stages.told(import_begun.0, import_time.clock),
        peaks,
        database_bytes: size,
    }
}

/// The import alone, with the rhythms left for later; and the list of clients that it writes for
/// their sake, written once more.
async fn without_rhythms(folder: &Path) -> (Took, Took) {
    remove(&folder.join("ours.db"));
    let app = app(folder).await;
    let source = app.settings.sources[0].clone();
    let begun = Took::begin();
    let later = ImportOptions {
        rhythms_later: true,
        ..ImportOptions::default()
    };
    import(&app, &source, later, &Arc::default()).await;
    let import = Took::since(begun);
    app.store.close().await;
    let database = folder.join("ours.db");
    let list = list_of_clients(&database).await;
    remove(&database);
    (import, list)
}

async fn list_of_clients(database: &Path) -> Took {
    let options = SqliteConnectOptions::new().filename(database);
    let mut connection = options.connect().await.expect("the database opens");
    let clients: Vec<i64> = sqlx::query_scalar("SELECT client_id FROM stale_rhythms")
        .fetch_all(&mut connection)
        .await
        .expect("the clients");
    assert!(!clients.is_empty(), "nothing was left for later");
    let begun = Took::begin();
    let mut tx = connection.begin().await.expect("a transaction");
    sqlx::raw_sql(
        "CREATE TABLE listed (client_id INTEGER PRIMARY KEY, from_day INTEGER NOT NULL,
             turnover INTEGER NOT NULL, spent INTEGER NOT NULL) STRICT",
    )
    .execute(&mut *tx)
    .await
    .expect("a table");
    for some in clients.chunks(500) {
        let mut rows = sqlx::QueryBuilder::<sqlx::Sqlite>::new("INSERT INTO listed ");
        rows.push_values(some, |mut values, client| {
            values.push_bind(*client).push("-1000000, 0, 0");
        });
        let insert = rows.build().execute(&mut *tx).await;
        insert.expect("the clients are listed");
    }
    tx.commit().await.expect("the list is durable");
    Took::since(begun)
}

async fn import(
    app: &App,
    source: &rekindle::config::settings::Source,
    options: ImportOptions,
    stages: &Arc<Stages>,
) -> ImportSummary {
    let stages = Arc::clone(stages);
    let progress = Arc::new(move |progress| stages.note(&progress));
    let imported = import_source(app, source, options, progress).await;
    imported.expect("the import succeeds")
}

/// When the stages of an import were seen first, and the last one last.
#[derive(Default)]
struct Stages {
    reading: OnceLock<Instant>,
    read: OnceLock<Instant>,
    writing: OnceLock<Instant>,
    written: OnceLock<Instant>,
}

impl Stages {
    fn note(&self, progress: &ImportProgress) {
        let stage = match progress {
            ImportProgress::Reading(read) if read.bytes < read.of_bytes => &self.reading,
            ImportProgress::Reading(_) => &self.read,
            ImportProgress::Writing { done, of, .. } if done < of => &self.writing,
            ImportProgress::Writing { .. } => &self.written,
        };
        stage.get_or_init(Instant::now);
    }

    fn told(&self, begun: Instant, whole: Duration) -> String {
        let at = |stage: &OnceLock<Instant>| {
            let noted = stage
                .get()
                .map_or(whole, |noted| noted.duration_since(begun));
            noted.as_secs_f64()
        };
        let (reading, read) = (at(&self.reading), at(&self.read));
        let (writing, written) = (at(&self.writing), at(&self.written));
        format!(
            "look through {reading:.2} s, read {:.2} s, sort {:.2} s, write {:.2} s, \
             index and commit {:.2} s",
            read - reading,
            writing - read,
            written - writing,
            whole.as_secs_f64() - written
        )
    }
}

async fn app(folder: &Path) -> App {
    let settings: Settings = toml::from_str(
        "[company]\nname = \"Bench\"\n[[source]]\nname = \"shop\"\npath = \"purchases.csv\"\n\
         mode = \"snapshot\"\n",
    )
    .expect("the settings are right");
    App {
        home: folder.to_owned(),
        settings,
        campaigns: Vec::new(),
        templates: Templates::load(None).0,
        artist: rekindle::pictures::CertificateArtist::new(None),
        store: Store::open("sqlite://ours.db", folder)
            .await
            .expect("the database opens"),
        key: AddressKey::new([7; 32]),
        clock: Clock::System,
    }
}

fn report(purchases: u64, theirs: Option<Took>, ours: &Ours, passing: &Passing) {
    let line = |what: &str, took: Took| {
        let (clock, processors) = (took.clock.as_secs_f64(), took.processors.as_secs_f64());
        let rate = purchases as f64 / clock;
        println!("{what:<32} {clock:>8.2} s {rate:>10.0} rows/s {processors:>8.2} s of processors");
    };
    let whole = ours.all();
    line("ours: read, check, write", ours.import);
    println!("  {}", ours.stages);
    line("ours: fit the base", ours.fit);
    line("ours: rhythms and dates", ours.rhythms);
    line("ours, all", whole);
    line("ours: the same file once more", ours.again);
    let [import, fit, rhythms, again] = ours.peaks.map(|bytes| bytes >> 20);
    println!(
        "database {} MB; peak resident: import {import} MB, fit {fit} MB, rhythms {rhythms} MB, \
         once more {again} MB",
        ours.database_bytes >> 20
    );
    let ratio = |one: Took, other: Took| {
        (
            one.clock.as_secs_f64() / other.clock.as_secs_f64(),
            one.processors.as_secs_f64() / other.processors.as_secs_f64(),
        )
    };
    println!(
        "rhythms: passing by {:.3} - {:.3} s, list {:.3} s, afterwards {:.3} s; of processors {:.2} - \
         {:.2} s, {:.2} s, {:.2} s",
        passing.with.clock.as_secs_f64(),
        passing.without.clock.as_secs_f64(),
        passing.list.clock.as_secs_f64(),
        passing.afterwards.clock.as_secs_f64(),
        passing.with.processors.as_secs_f64(),
        passing.without.processors.as_secs_f64(),
        passing.list.processors.as_secs_f64(),
        passing.afterwards.processors.as_secs_f64(),
    );
    let (clock, processors) = ratio(passing.update(), passing.whole());
    let verdict = if clock <= REACH_UPDATE {
        "reached"
    } else {
        "MISSED"
    };
    println!(
        "share of the update: {clock:.3}, to reach {REACH_UPDATE}: {verdict} ({processors:.3} of the \
         processors)"
    );
    let (clock, processors) = ratio(passing.update() + passing.afterwards, passing.whole());
    println!(
        "with dates, rows, indexes and commit after the fit: {clock:.3} ({processors:.3} of the \
         processors)"
    );
    let Some(theirs) = theirs else {
        println!("sqlite3 is not installed here: there is nothing to compare with");
        return;
    };
    line("sqlite3 .import", theirs);
    let (clock, processors) = ratio(whole, theirs);
    let verdict = if clock <= REACH { "reached" } else { "MISSED" };
    println!(
        "ratio of times: {clock:.2}, to reach {REACH}: {verdict} ({processors:.2} of the processors)"
    );
}

/// Begins to look for the peak of memory anew; without effect where the system cannot.
fn forget_peak() {
    // Source: proc_pid_clear_refs(5), the value 5.
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}

/// The most memory that this process has held since, in bytes; nought where the system does not say.
fn peak_resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let kib = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
    kib.unwrap_or(0) * 1024
}

/// Removes a database with its log.
fn remove(database: &Path) {
    for end in ["", "-wal", "-shm", "-journal"] {
        let mut name = database.as_os_str().to_owned();
        name.push(end);
        let _ = std::fs::remove_file(name);
    }
}
