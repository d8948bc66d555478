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

use crate::database::{self, Cell, Database, Folder, Row};

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
    folder: Folder,
    pub(super) app: App,
}

impl Shop {
    /// A company in Moscow on 21 November 2026, with `sources` configured.
    pub(super) async fn new(sources: &str) -> Self {
        Self::of("RUB", "Europe/Moscow", "RU", sources).await
    }

    /// A company with another currency, time zone and country.
    pub(super) async fn of(currency: &str, zone: &str, country: &str, sources: &str) -> Self {
        let folder = Folder::new();
        let sources = database::named_in(&format!("\n{sources}"), folder.path());
        Self::living(folder, [currency, zone, country], &sources).await
    }

    /// As [`Self::of`], in a file wherever the others live.
    pub(super) async fn in_file(currency: &str, zone: &str, country: &str, sources: &str) -> Self {
        Self::living(Folder::new(), [currency, zone, country], sources).await
    }

    async fn living(folder: Folder, [currency, zone, country]: [&str; 3], settings: &str) -> Self {
        let company = format!(
            "[company]\nname = \"Tea\"\ncurrency = \"{currency}\"\ntime_zone = \"{zone}\"\n\
             country = \"{country}\"\n{settings}"
        );
        fs::create_dir(folder.path().join("config")).unwrap();
        fs::write(folder.path().join("config/rekindle.toml"), &company).unwrap();
        let settings: Settings = toml::from_str(&company).unwrap();
        let now: DateTime<Utc> = "2026-11-21T09:00:00Z".parse().unwrap();
        let store = Store::open(&settings.database.url, folder.path()).await;
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
        let database = Database::of(self.path()).await;
        let rows = database.rows(statement).await;
        database.close().await;
        rows.iter().map(Row::to_string).collect()
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
    let database = Database::of(folder).await;
    let mut dump = String::new();
    for table in TABLES {
        let rows = database.rows(&format!("SELECT * FROM {table}")).await;
        let mut lines: Vec<String> = rows.iter().map(|row| line(table, row)).collect();
        lines.sort_unstable();
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
    database.close().await;
    dump
}

/// The values of a row; texts in quotes, so that none looks like a number. Our number of the source is
/// left out: in PostgreSQL an import that was killed has used one up.
fn line(table: &str, row: &Row) -> String {
    let ours = |name: &str| name == "source_id" || (table == "sources" && name == "id");
    let cells = row
        .cells()
        .filter(|(name, _)| !name.ends_with("_import") && !ours(name));
    let texts = cells.map(|(_, cell)| match cell {
        Cell::Text(text) => format!("'{text}'"),
        other => other.to_string(),
    });
    texts.collect::<Vec<_>>().join(" ")
}
