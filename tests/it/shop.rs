//! A small shop from its files to what people see: the real import, the real database, a clock that
//! stands still.
#![expect(
    clippy::unwrap_used,
    reason = "a shop that cannot be set up or read fails the test as it should"
)]

mod base;
mod classes;
mod hints;
mod merged;

use std::fs;
use std::sync::Arc;

use rekindle::app::App;
use rekindle::db::Wanted;
use rekindle::jobs::clients::{ClientRow, Rows};
use rekindle::jobs::day::DayOptions;
use rekindle::jobs::explain::{Explanation, explain};
use rekindle::jobs::import::{ImportOptions, ImportSummary, import_source};
use rekindle::jobs::rhythms::keep_up;
use rekindle::model::{ClientFacts, ClientId, Day, Locale};

use crate::database::{self, Folder};
use crate::opened;

/// Noon of the day on which every test is played.
const NOON: &str = "2026-11-25T12:00:00Z";

/// A shop in a folder of its own, gone at the end of the test.
struct Shop {
    folder: Folder,
    app: App,
}

impl Shop {
    /// A shop whose source `crm` is the folder `data`, which holds everything; `settings` are added
    /// to its configuration.
    async fn open(settings: &str, campaigns: &[(&str, &str)]) -> Self {
        Self::open_as("snapshot", settings, campaigns).await
    }

    /// As [`Self::open`], with a source of this mode.
    async fn open_as(mode: &str, settings: &str, campaigns: &[(&str, &str)]) -> Self {
        let folder = Folder::new();
        let home = folder.path();
        fs::create_dir_all(home.join("config/campaigns")).unwrap();
        fs::create_dir_all(home.join("data")).unwrap();
        let text = format!(
            "[company]\nname = \"Example\"\n{settings}\n\
             [[source]]\nname = \"crm\"\npath = \"data\"\nmode = \"{mode}\"\n\
             shrink_guard = \"100%\"\n{}",
            database::settings(home)
        );
        fs::write(home.join("config/rekindle.toml"), text).unwrap();
        for (file, text) in campaigns {
            fs::write(home.join("config/campaigns").join(file), text).unwrap();
        }
        let app = opened::app(home, NOON).await;
        Self { folder, app }
    }

    /// Writes a file of the source.
    fn write(&self, file: &str, text: &str) {
        fs::write(self.folder.path().join("data").join(file), text).unwrap();
    }

    /// Reads the files, and brings the rhythms up to date.
    async fn import(&self) -> ImportSummary {
        let source = &self.app.settings.sources[0];
        let silent = Arc::new(|_| {});
        let import = import_source(&self.app, source, ImportOptions::default(), silent);
        let summary = import.await.unwrap();
        keep_up(&self.app, &|_| {}).await.unwrap();
        summary
    }

    fn today(&self) -> DayOptions<'static> {
        DayOptions {
            day: self.app.today(),
            as_of: false,
            also: None,
        }
    }

    fn on(day: &str) -> DayOptions<'static> {
        DayOptions {
            day: day.parse::<Day>().unwrap(),
            as_of: true,
            also: None,
        }
    }

    /// Everything that the database knows of a client; nothing for one who is merged.
    async fn facts(&self, client: &str) -> Option<ClientFacts> {
        let numbers = [self.number(client).await];
        let (store, day) = (&self.app.store, self.app.today());
        let facts = store.facts(&numbers, day, Wanted::ALL, &self.app.key);
        facts.await.unwrap().into_iter().next()
    }

    async fn number(&self, client: &str) -> ClientId {
        self.app.store.clients_called(client).await.unwrap()[0]
    }

    async fn explain(&self, client: &str, options: DayOptions<'_>) -> Explanation {
        let number = self.number(client).await;
        let told = explain(&self.app, number, options, Locale::En).await;
        told.unwrap().unwrap()
    }

    /// What `rekindle clients --format json` prints.
    async fn clients(&self, options: DayOptions<'_>) -> Vec<ClientRow> {
        let horizon = "60d".parse().unwrap();
        let mut rows = Rows::begin(&self.app, options, horizon, true)
            .await
            .unwrap();
        let mut all = Vec::new();
        while let Some(mut page) = rows.next().await.unwrap() {
            all.append(&mut page);
        }
        all
    }

    async fn row(&self, client: &str, options: DayOptions<'_>) -> ClientRow {
        let rows = self.clients(options).await;
        rows.into_iter().find(|row| row.client == client).unwrap()
    }
}
