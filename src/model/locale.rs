//! The languages that letters, scripts and reasons are written in.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A language of letters and pages.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Locale {
    /// Russian.
    Ru,
    /// English.
    #[default]
    En,
}

/// A text that names no language that we write in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not a language of ours; write ru or en")]
pub struct LocaleError(pub String);

impl Locale {
    /// Every language, in the order of the alphabet.
    pub const ALL: [Self; 2] = [Self::En, Self::Ru];

    /// The two letters: `ru`, `en`.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Ru => "ru",
            Self::En => "en",
        }
    }
}

impl FromStr for Locale {
    type Err = LocaleError;

    /// Reads `ru`, `en` and longer tags such as `ru-RU`, in any case.
    fn from_str(text: &str) -> Result<Self, LocaleError> {
        let language = text.trim().split(['-', '_']).next().unwrap_or_default();
        match language.to_ascii_lowercase().as_str() {
            "ru" => Ok(Self::Ru),
            "en" => Ok(Self::En),
            _ => Err(LocaleError(text.to_owned())),
        }
    }
}

impl fmt::Display for Locale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}
