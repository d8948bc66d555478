//! `[whatsapp]`: the account at the WhatsApp Cloud API that nudges leave from.
//!
//! Which countries may be written to stands in `[delivery]`. The secrets come from the environment
//! or from files; what is wrong with the keys is in `check::whatsapp_rules`.

use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::secrets::{self, SecretError, SecretString};
use super::values::Wait;
use crate::model::Day;

/// When Meta stops answering a version of the Graph API; nothing where no end is announced.
///
/// Source: Meta, Graph API changelog, read in 2026-11.
const VERSIONS: &[(&str, Option<&str>)] = &[
    ("v21.0", Some("2027-01-21")),
    ("v22.0", Some("2027-05-20")),
    ("v23.0", Some("2027-10-08")),
    ("v24.0", Some("2028-02-18")),
    ("v25.0", Some("2028-07-29")),
    ("v26.0", None),
];

/// How long before the end of a version a person is told.
const WARNING_DAYS: i32 = 90;

/// The account at the WhatsApp Cloud API.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct WhatsApp {
    /// The id that Meta gave to the number messages leave from; not the number itself.
    #[schemars(extend("pattern" = "^[0-9]+$"))]
    pub phone_number_id: Option<String>,
    /// The number of the WhatsApp Business account that the templates belong to; with it the doctor
    /// compares them with ours.
    #[schemars(extend("minLength" = 1))]
    pub business_account_id: Option<String>,
    /// The version of the Graph API, such as v25.0.
    #[schemars(extend("pattern" = "^v[0-9]+\\.[0-9]+$"))]
    pub graph_version: String,
    /// Where the API answers; another address than Meta's only for tests.
    #[schemars(extend("pattern" = "^https?://"))]
    pub base_url: String,
    /// The environment variable that holds the access token.
    pub token_env: String,
    /// The file that holds the access token, instead of the variable.
    pub token_file: Option<PathBuf>,
    /// The environment variable that holds the app secret, which signs what comes back.
    pub app_secret_env: String,
    /// The file that holds the app secret, instead of the variable.
    pub app_secret_file: Option<PathBuf>,
    /// The environment variable that holds the word by which Meta verifies the webhook's address.
    pub verify_token_env: String,
    /// The file that holds that word, instead of the variable.
    pub verify_token_file: Option<PathBuf>,
    /// The most messages a second; Meta allows 80 to a number, 20 to one shared with the app.
    #[schemars(range(min = 1, max = 1000))]
    pub per_second: u16,
    /// Whether a person approves each run that has WhatsApp messages in it.
    pub approval: bool,
    /// How long one request may take in all.
    pub timeout: Wait,
}

impl Default for WhatsApp {
    fn default() -> Self {
        Self {
            phone_number_id: None,
            business_account_id: None,
            graph_version: "v25.0".to_owned(),
            base_url: "https://graph.facebook.com".to_owned(),
            token_env: "REKINDLE_WHATSAPP_TOKEN".to_owned(),
            token_file: None,
            app_secret_env: "REKINDLE_WHATSAPP_APP_SECRET".to_owned(),
            app_secret_file: None,
            verify_token_env: "REKINDLE_WHATSAPP_VERIFY_TOKEN".to_owned(),
            verify_token_file: None,
            per_second: 20,
            approval: true,
            timeout: Wait::seconds(30),
        }
    }
}

/// What the calendar says about a version of the Graph API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VersionLife {
    /// It is answered, and will be for long enough.
    Good,
    /// Its end is near: a person should move on before this day.
    EndsSoon(Day),
    /// It is answered no more since this day.
    Ended(Day),
    /// It is older than all whose end is known here: it has ended.
    EndedLongAgo,
    /// It is newer than this program.
    NotKnown,
}

impl WhatsApp {
    /// The access token.
    ///
    /// # Errors
    ///
    /// It is neither in the file, which starts at `home`, nor in the variable.
    pub fn token(&self, home: &Path) -> Result<SecretString, SecretError> {
        secret(&self.token_env, self.token_file.as_deref(), home)
    }

    /// The app secret, by which what Meta sends is believed.
    ///
    /// # Errors
    ///
    /// As for [`Self::token`].
    pub fn app_secret(&self, home: &Path) -> Result<SecretString, SecretError> {
        secret(&self.app_secret_env, self.app_secret_file.as_deref(), home)
    }

    /// The word by which Meta verifies the address of the webhook.
    ///
    /// # Errors
    ///
    /// As for [`Self::token`].
    pub fn verify_token(&self, home: &Path) -> Result<SecretString, SecretError> {
        let file = self.verify_token_file.as_deref();
        secret(&self.verify_token_env, file, home)
    }

    /// Whether the version of the Graph API is answered on a day, and for how long still.
    pub fn version_life(&self, day: Day) -> VersionLife {
        let known = VERSIONS
            .iter()
            .find(|(name, _)| *name == self.graph_version);
        let Some((_, end)) = known else {
            return match VERSIONS.first() {
                Some((oldest, _)) if number(&self.graph_version) < number(oldest) => {
                    VersionLife::EndedLongAgo
                }
                _ => VersionLife::NotKnown,
            };
        };
        let Some(end) = end.and_then(|end| end.parse::<Day>().ok()) else {
            return VersionLife::Good;
        };
        if end <= day {
            VersionLife::Ended(end)
        } else if end + -WARNING_DAYS <= day {
            VersionLife::EndsSoon(end)
        } else {
            VersionLife::Good
        }
    }

    /// Whether the base address is this machine: for tests, where http is allowed as well.
    pub fn is_loopback(&self) -> bool {
        let rest = self.base_url.split_once("://").map_or("", |(_, rest)| rest);
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
        // What stands before an @ is a name, not the host.
        let host = host.rsplit('@').next().unwrap_or_default();
        let host = match host.strip_prefix('[') {
            Some(v6) => v6.split(']').next().unwrap_or_default(),
            None => host.split(':').next().unwrap_or_default(),
        };
        host == "localhost"
            || host
                .parse::<std::net::IpAddr>()
                .is_ok_and(|address| address.is_loopback())
    }
}

/// A secret from its file, which counts first, or else from its variable.
fn secret(env: &str, file: Option<&Path>, home: &Path) -> Result<SecretString, SecretError> {
    match file {
        Some(file) => secrets::from_file(&home.join(file)),
        None => secrets::from_env(env),
    }
}

/// The two numbers of a version: 25 and 0 of `v25.0`; nothing when it is written otherwise.
pub(super) fn number(version: &str) -> Option<(u16, u16)> {
    let (major, minor) = version.strip_prefix('v')?.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Day {
        text.parse().unwrap()
    }

    #[test]
    fn the_end_of_a_version_is_announced_ninety_days_before() {
        let version = |name: &str| WhatsApp {
            graph_version: name.to_owned(),
            ..WhatsApp::default()
        };
        let end = day("2027-01-21");
        for (name, on, life) in [
            ("v21.0", "2026-10-22", VersionLife::Good),
            ("v21.0", "2026-10-23", VersionLife::EndsSoon(end)),
            ("v21.0", "2027-01-20", VersionLife::EndsSoon(end)),
            ("v21.0", "2027-01-21", VersionLife::Ended(end)),
            ("v26.0", "2040-01-01", VersionLife::Good),
            ("v19.0", "2026-11-01", VersionLife::EndedLongAgo),
            ("v99.0", "2026-11-01", VersionLife::NotKnown),
        ] {
            assert_eq!(version(name).version_life(day(on)), life, "{name} on {on}");
        }
    }

    #[test]
    fn every_known_version_can_be_read() {
        for (name, end) in VERSIONS {
            assert!(number(name).is_some(), "{name}");
            assert!(end.is_none_or(|end| end.parse::<Day>().is_ok()), "{name}");
        }
        assert!(
            VERSIONS
                .iter()
                .any(|(name, _)| *name == WhatsApp::default().graph_version)
        );
    }

    #[test]
    fn only_this_machine_is_this_machine() {
        for (url, expected) in [
            ("http://127.0.0.1:8080", true),
            ("http://localhost/x", true),
            ("http://[::1]:9", true),
            ("https://graph.facebook.com", false),
            ("http://127.0.0.1.example.org", false),
            ("http://127.0.0.1@example.org", false),
            ("http://localhost.example.org", false),
            ("", false),
        ] {
            let settings = WhatsApp {
                base_url: url.to_owned(),
                ..WhatsApp::default()
            };
            assert_eq!(settings.is_loopback(), expected, "{url}");
        }
    }
}
