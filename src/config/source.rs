//! The `[[source]]` blocks of the settings: where the facts come from.
//!
//! How files are read, and which columns they have, is the business of `sources`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::values::{Days, Share};
use crate::model::{Channel, Class, ConsentBasis};

/// One source of facts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// A short name: ids are unique within it, and it must never change.
    #[schemars(length(min = 1))]
    pub name: String,
    /// How it is read.
    #[serde(default)]
    pub kind: SourceKind,
    /// A folder with `clients.csv`, `purchases.csv` and so on, or one file of purchases.
    #[schemars(extend("minLength" = 1))]
    pub path: PathBuf,
    /// `snapshot`: what is gone from the files is deleted; `append`: the files only add.
    #[serde(default)]
    pub mode: SourceMode,
    /// What the company may rest on when it writes to these clients.
    #[serde(default)]
    pub consent: SourceConsent,
    /// Other names of columns: `canonical = "Name in the file"`, for every file of the source.
    #[serde(default)]
    pub columns: BTreeMap<String, String>,
    /// Other names of columns for one file only: `[source.columns_of.deals]`.
    #[serde(default)]
    #[schemars(extend("propertyNames" = FactKind::names()))]
    pub columns_of: BTreeMap<FactKind, BTreeMap<String, String>>,
    /// The encoding of the files.
    #[serde(default)]
    pub encoding: Encoding,
    /// A snapshot that lost more than this share of its rows is not applied until a person says so.
    #[serde(default = "Source::default_shrink_guard")]
    pub shrink_guard: Share,
    /// Nothing is planned while the last change of the files is older than this; not looked at when
    /// absent.
    #[serde(default)]
    pub stale_after: Option<Days>,
}

impl Source {
    fn default_shrink_guard() -> Share {
        Share::percent(30.0)
    }
}

/// How a source is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SourceKind {
    /// Files of comma, semicolon or tab separated values.
    #[default]
    Csv,
}

/// What it means when a row is no longer in a source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SourceMode {
    /// The files hold everything: what is gone is deleted.
    Snapshot,
    /// The files hold additions: what is gone stays.
    #[default]
    Append,
}

/// The encoding of a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Encoding {
    /// UTF-8 where the bytes are valid UTF-8, otherwise Windows-1251.
    #[default]
    #[serde(rename = "auto")]
    Auto,
    /// UTF-8, with or without a byte order mark.
    #[serde(rename = "utf-8")]
    Utf8,
    /// Windows-1251, as 1C and older CRM systems export it.
    #[serde(rename = "windows-1251")]
    Windows1251,
}

/// The kinds of facts; each is a file of its own in a source.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum FactKind {
    /// `managers.csv`
    Managers,
    /// `clients.csv`
    Clients,
    /// `contacts.csv`
    Contacts,
    /// `purchases.csv`
    Purchases,
    /// `deals.csv`
    Deals,
    /// `visits.csv`
    Visits,
    /// `consents.csv`
    Consents,
    /// `suppressions.csv`
    Suppressions,
}

impl FactKind {
    /// Every kind, in the order in which one may need the other.
    pub const ALL: [Self; 8] = [
        Self::Managers,
        Self::Clients,
        Self::Contacts,
        Self::Purchases,
        Self::Deals,
        Self::Visits,
        Self::Consents,
        Self::Suppressions,
    ];

    /// The word: the name of the file without its end.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Managers => "managers",
            Self::Clients => "clients",
            Self::Contacts => "contacts",
            Self::Purchases => "purchases",
            Self::Deals => "deals",
            Self::Visits => "visits",
            Self::Consents => "consents",
            Self::Suppressions => "suppressions",
        }
    }

    /// The words for the keys of a table in the JSON schema, which loses them for maps.
    fn names() -> serde_json::Value {
        serde_json::json!({ "enum": Self::ALL })
    }
}

/// What the company may rest on when it writes to the clients of a source.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SourceConsent {
    /// The legal basis for all clients of the source who have no entry of their own.
    pub basis: ConsentBasis,
    /// The channels that the basis covers.
    pub channels: Vec<Channel>,
    /// The classes of messages that the basis covers.
    pub classes: Vec<Class>,
    /// Where the proof lies: a document, a form, a system.
    pub proof: Option<String>,
}
