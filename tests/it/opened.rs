//! A company that is opened as the program opens one: its written configuration, a real database, the
//! built-in templates; only the clock stands still.
#![expect(
    clippy::unwrap_used,
    reason = "a company that cannot be opened fails the test as it should"
)]

use std::path::Path;

use chrono::{DateTime, Utc};
use rekindle::app::App;
use rekindle::clock::Clock;
use rekindle::config;
use rekindle::db::Store;
use rekindle::model::AddressKey;
use rekindle::pictures::CertificateArtist;
use rekindle::render::Templates;

use crate::database::{Database, Folder};

/// A temporary folder, in memory where there is such a place: the disk is not what is tried here.
pub(crate) fn folder() -> Folder {
    Folder::in_memory()
}

/// The company whose `config/rekindle.toml` stands in a folder, at an instant.
pub(crate) async fn app(home: &Path, now: &str) -> App {
    let config_file = home.join("config/rekindle.toml");
    let loaded = config::load(&config_file, &crate::config::templates()).unwrap();
    let store = Store::open(&loaded.settings.database.url, home).await;
    let now: DateTime<Utc> = now.parse().unwrap();
    App {
        home: loaded.home,
        settings: loaded.settings,
        campaigns: loaded.campaigns,
        templates: Templates::load(None).0,
        artist: CertificateArtist::new(None),
        store: store.unwrap(),
        key: AddressKey::new([7; 32]),
        clock: Clock::manual(now),
    }
}

/// The company's database, beside the company.
pub(crate) async fn database(app: &App) -> Database {
    Database::of(&app.home).await
}
