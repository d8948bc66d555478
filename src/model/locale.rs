//! The languages in which rekindle writes.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A language in which letters, scripts and explanations are written.
///
/// Written `ru` and `en` in configuration, in the folders of templates and in stored inputs.
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
    /// English: what is left when nobody said which language to use.
    #[default]
    En,
}

/// A text that names no language in which rekindle writes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not a language that letters are written in; use ru or en")]
pub struct LocaleError(pub String);

impl Locale {
    /// Every language, in the order in which they are listed.
    pub const ALL: [Self; 2] = [Self::Ru, Self::En];

    /// The two letters of ISO 639-1.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Ru => "ru",
            Self::En => "en",
        }
    }
}

impl FromStr for Locale {
    type Err = LocaleError;

    /// Reads `ru` or `en`, and the tags that exports of shops carry: `ru-RU`, `en_GB`.
    fn from_str(text: &str) -> Result<Self, LocaleError> {
        let language = text.trim().split(['-', '_']).next().unwrap_or_default();
        Self::ALL
            .into_iter()
            .find(|locale| locale.code().eq_ignore_ascii_case(language))
            .ok_or_else(|| LocaleError(text.to_owned()))
    }
}

impl fmt::Display for Locale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_language_is_read_with_or_without_its_country() {
        for (text, locale) in [
            ("ru", Locale::Ru),
            ("RU", Locale::Ru),
            ("ru-RU", Locale::Ru),
            (" en_GB ", Locale::En),
        ] {
            assert_eq!(text.parse(), Ok(locale), "{text}");
        }
        for text in ["", "fr", "russian", "-ru"] {
            assert!(text.parse::<Locale>().is_err(), "{text}");
        }
        assert_eq!(serde_json::to_string(&Locale::Ru).unwrap(), "\"ru\"");
    }
}
