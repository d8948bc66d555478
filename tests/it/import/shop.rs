//! A small company in a folder of its own, with a clock that stands still.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use rekindle::app::App;
use rekindle::clock::Clock;
use rekindle::config::Settings;
use rekindle::config::settings::Source;
use rekindle::db::Store;
use rekindle::jobs::import::{
    FileSummary, ImportError, ImportOptions, ImportSummary, import_source,
};
use rekindle::model::AddressKey;
use rekindle::render::Templates;
use sqlx::Row;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions};

/// The configuration of a Russian company with one source, a folder.
pub(super) const SNAPSHOT: &str = "
    [[source]]
    name = \"crm\"
    path = \"data\"
    mode = \"snapshot\"
";

/// The same for a source that only adds.
pub(super) const APPEND: &str = "
    [[source]]
    name = \"crm\"
    path = \"data\"
    mode = \"append\"
";

/// A company, its folder, and its database.
pub(super) struct Shop {
    folder: tempfile::TempDir,
    pub(super) app: App,
}

impl Shop {
    /// A company in Moscow on 21 November 2026, with `sources` configured.
    pub(super) async fn new(sources: &str) -> Self {
        Self::of("RUB", "Europe/Moscow", "RU", sources).await
    }

    /// A company with another currency, time zone and country.
    pub(super) async fn of(currency: &str, zone: &str, country: &str, sources: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let company = format!(
            "[company]\nname = \"Tea\"\ncurrency = \"{currency}\"\ntime_zone = \"{zone}\"\n\
             country = \"{country}\"\n{sources}"
        );
        fs::create_dir(folder.path().join("config")).unwrap();
        fs::write(folder.path().join("config/rekindle.toml"), &company).unwrap();
        let settings: Settings = toml::from_str(&company).unwrap();
        let now: DateTime<Utc> = "2026-11-21T09:00:00Z".parse().unwrap();
        let store = Store::open("sqlite://rekindle.db", folder.path()).await;
        let app = App {
            home: folder.path().to_owned(),
            settings,
            campaigns: Vec::new(),
            templates: Templates::load(None).0,
            artist: rekindle::pictures::CertificateArtist::new(None),
            store: store.unwrap(),
            key: AddressKey::new([7; 32]),
            clock: Clock::manual(now),
        };
        Self { folder, app }
    }

    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(super) fn source(&self) -> &Source {
        &self.app.settings.sources[0]
    }

    /// Puts a file into the folder of the source.
    pub(super) fn file(&self, name: &str, contents: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path().join("data").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, contents).unwrap();
        path
    }

    /// Puts a file of the test data into the folder of the source.
    pub(super) fn data(&self, from: &str, name: &str) {
        self.file(name, fs::read(test_data(from)).unwrap());
    }

    pub(super) async fn import(&self) -> ImportSummary {
        self.try_import(ImportOptions::default()).await.unwrap()
    }

    pub(super) async fn try_import(
        &self,
        options: ImportOptions,
    ) -> Result<ImportSummary, ImportError> {
        import_source(&self.app, self.source(), options, Arc::new(|_| ())).await
    }

    /// The rows that a statement gives, each as one line.
    pub(super) async fn rows(&self, statement: &str) -> Vec<String> {
        rows(&mut connection(self.path()).await, statement).await
    }

    /// Everything that the tables of facts say, but for the numbers of imports.
    pub(super) async fn dump(&self) -> String {
        dump(self.path()).await
    }
}

/// A file of the test data.
pub(super) fn test_data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data")
        .join(name)
}

pub(super) fn only_file(summary: &ImportSummary) -> &FileSummary {
    assert_eq!(summary.files.len(), 1, "{summary:?}");
    &summary.files[0]
}

/// A connection of its own to the database in `folder`.
pub(super) async fn connection(folder: &Path) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(folder.join("rekindle.db"));
    options.connect().await.unwrap()
}

async fn rows(connection: &mut SqliteConnection, statement: &str) -> Vec<String> {
    let rows = sqlx::query(AssertSqlSafe(statement))
        .fetch_all(connection)
        .await;
    let line = |row: &sqlx::sqlite::SqliteRow| {
        let cell = |index| match row.try_get::<Option<String>, _>(index) {
            Ok(text) => text.unwrap_or_else(|| "-".to_owned()),
            Err(_) => match row.try_get::<i64, _>(index) {
                Ok(number) => number.to_string(),
                Err(_) => row.get::<f64, _>(index).to_string(),
            },
        };
        (0..row.len()).map(cell).collect::<Vec<_>>().join("|")
    };
    rows.unwrap().iter().map(line).collect()
}

/// Everything that the tables of facts in `folder` say, but for the numbers of imports.
pub(super) async fn dump(folder: &Path) -> String {
    const TABLES: [&str; 12] = [
        "sources",
        "managers",
        "clients",
        "contacts",
        "purchases",
        "purchase_items",
        "deals",
        "deal_stages",
        "visits",
        "consents",
        "suppressions",
        "rhythms",
    ];
    let mut connection = connection(folder).await;
    let mut dump = String::new();
    for table in TABLES {
        let columns = rows(
            &mut connection,
            &format!(
                "SELECT name FROM pragma_table_info('{table}') WHERE name NOT LIKE '%_import'"
            ),
        )
        .await;
        let quoted: Vec<String> = columns
            .iter()
            .map(|name| format!("quote({name})"))
            .collect();
        let line = quoted.join(" || ' ' || ");
        let lines = rows(
            &mut connection,
            &format!("SELECT {line} FROM {table} ORDER BY 1"),
        )
        .await;
        writeln!(
            dump,
            "{table}: {} rows
{}",
            lines.len(),
            lines.join(
                "
"
            )
        )
        .unwrap();
    }
    dump
}
