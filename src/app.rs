//! The application: everything that jobs and pages need, built once.

use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono_tz::Tz;

use crate::clock::Clock;
use crate::config::secrets::{self, SecretError, SecretString};
use crate::config::{Campaign, Settings};
use crate::db::{Access, Store};
use crate::model::{AddressKey, Currency, Day, Locale};
use crate::pictures::CertificateArtist;
use crate::render::Templates;

/// What the company has configured, the database, the clock and the templates.
#[derive(Debug)]
pub struct App {
    /// The folder that relative paths start at.
    pub home: PathBuf,
    /// `config/rekindle.toml`.
    pub settings: Settings,
    /// `config/campaigns/*.toml`, in the order of their files.
    pub campaigns: Vec<Campaign>,
    /// The company's templates over the built-in ones.
    pub templates: Templates,
    /// Draws certificates, with the company's own fonts.
    pub artist: CertificateArtist,
    /// The database.
    pub store: Store,
    /// The key of hashes of addresses and of certificate codes.
    pub key: AddressKey,
    /// Where the time comes from.
    pub clock: Clock,
}

impl App {
    /// The company's time zone.
    pub fn zone(&self) -> Tz {
        self.settings.company.time_zone.0
    }

    /// The company's present day.
    pub fn today(&self) -> Day {
        self.clock.today(self.zone())
    }

    /// The present instant in unix milliseconds.
    pub fn now_ms(&self) -> i64 {
        self.clock.now().timestamp_millis()
    }

    /// The company's currency.
    pub fn currency(&self) -> Currency {
        self.settings.company.currency
    }

    /// The company's language.
    pub fn locale(&self) -> Locale {
        self.settings.company.locale
    }

    /// The campaign of an id.
    pub fn campaign(&self, id: &str) -> Option<&Campaign> {
        self.campaigns.iter().find(|campaign| campaign.id == id)
    }

    /// The password of the database, where the settings name its file.
    pub fn database_password(&self) -> Result<Option<SecretString>, SecretError> {
        let file = self.settings.database.password_file.as_ref();
        let secret = file.map(|file| secrets::from_file(&self.path(file)));
        secret.transpose()
    }

    /// How the database is reached, with its password.
    pub fn database_access<'a>(&'a self, password: Option<&'a SecretString>) -> Access<'a> {
        let database = &self.settings.database;
        Access {
            url: &database.url,
            home: &self.home,
            wait: Duration::from_secs(database.wait_seconds.into()),
            password,
        }
    }

    /// A configured path as a file of this machine.
    pub fn path(&self, configured: &Path) -> PathBuf {
        self.home.join(configured)
    }
}
