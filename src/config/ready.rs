//! The configuration that rekindle brings along: the annotated settings, ready campaigns in two
//! languages, and the schemas for editors. Compiled in, so that a binary needs no files beside it.

use super::schema::{FileKind, schema_text};
use crate::model::Locale;

/// The annotated settings: every key with its meaning and its default.
pub const SETTINGS: &str = include_str!("../../config/rekindle.toml");

/// Makes the table of one set of campaigns.
macro_rules! set {
    ($folder:literal: $($name:literal),+ $(,)?) => {
        &[$((
            concat!($name, ".toml"),
            include_str!(concat!("../../config/", $folder, "/", $name, ".toml")),
        )),+]
    };
}

const RUSSIAN: &[(&str, &str)] = set!("campaigns":
    "anniversary", "birthday", "call-before-miss", "friend-thanks", "handover", "key-accounts",
    "missed-cycle", "new-year", "new-year-gift", "news-2026-12", "partner-offer", "rejection",
    "rejection-answered", "rejection-deadline", "rejection-ready", "second-purchase", "seminar",
    "stalled-deal", "thank-you", "visit-lapsed", "volume-drop",
);

const ENGLISH: &[(&str, &str)] = set!("campaigns-en":
    "anniversary", "birthday", "call-before-miss", "friend-thanks", "handover", "key-accounts",
    "missed-cycle", "new-year", "new-year-gift", "news-2026-12", "partner-offer", "rejection",
    "rejection-answered", "rejection-deadline", "rejection-ready", "second-purchase", "seminar",
    "stalled-deal", "thank-you", "visit-lapsed", "volume-drop",
);

/// What the shipped settings say about the company, and what an English one would rather start
/// with.
const ENGLISH_COMPANY: &[(&str, &str)] = &[
    ("\nlocale = \"ru\"", "\nlocale = \"en\""),
    (
        "\ntime_zone = \"Europe/Moscow\"",
        "\ntime_zone = \"Europe/London\"",
    ),
    ("\ncountry = \"RU\"", "\ncountry = \"GB\""),
    ("\ncurrency = \"RUB\"", "\ncurrency = \"GBP\""),
];

/// The settings to start with for a company that writes in a language.
pub fn settings(locale: Locale) -> String {
    let mut text = SETTINGS.to_owned();
    if locale == Locale::En {
        for (russian, english) in ENGLISH_COMPANY {
            text = text.replacen(russian, english, 1);
        }
    }
    text
}

/// The ready campaigns in a language: the name of each file and its text.
pub const fn campaigns(locale: Locale) -> &'static [(&'static str, &'static str)] {
    match locale {
        Locale::Ru => RUSSIAN,
        Locale::En => ENGLISH,
    }
}

/// The schemas for editors: the name of each file and its text.
pub fn schemas() -> [(&'static str, String); 2] {
    FileKind::ALL.map(|kind| (kind.schema_file(), schema_text(kind)))
}
