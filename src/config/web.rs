//! `[web]` and `[inbound]`: where rekindle listens, and how mail comes back to it.
//!
//! What is wrong with the keys is in `check::web_rules`.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::secrets::{self, SecretError, SecretString};
use super::values::Wait;

/// Where rekindle listens.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Web {
    /// Address and port for the outside world: pages for clients and hooks for providers. The web
    /// server in front of it adds HTTPS.
    pub public: String,
    /// Address and port for the company's own people: nobody else may reach it.
    pub staff: String,
    /// The address under which the company's own people open the pages, such as
    /// https://sales.example.org: links in their letters begin with it. With https:// a browser that
    /// is signed in shows its cookie over https only.
    #[schemars(extend("format" = "url", "pattern" = "^https?://"))]
    pub staff_url: Option<String>,
    /// Whether a web server of the company stands in front, so that the last `X-Forwarded-For` is
    /// the address of the visitor.
    pub behind_proxy: bool,
    /// How long one request may take in all.
    pub timeout: Wait,
    /// How many requests are worked on at one time; more are asked to come again.
    #[schemars(range(min = 1, max = 10000))]
    pub at_once: u16,
    /// So many links that we did not make are answered to one address in a minute.
    #[schemars(range(min = 1))]
    pub bad_links_per_minute: u16,
}

impl Default for Web {
    fn default() -> Self {
        Self {
            public: "127.0.0.1:8080".to_owned(),
            staff: "127.0.0.1:8081".to_owned(),
            staff_url: None,
            behind_proxy: false,
            timeout: Wait::seconds(10),
            at_once: 256,
            bad_links_per_minute: 30,
        }
    }
}

impl Web {
    /// Where the outside world is listened to; nothing when the address is none.
    pub fn public_address(&self) -> Option<SocketAddr> {
        self.public.parse().ok()
    }

    /// Where the company's own people are listened to; nothing when the address is none.
    pub fn staff_address(&self) -> Option<SocketAddr> {
        self.staff.parse().ok()
    }
}

/// How mail comes back: bounces, complaints, answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Inbound {
    /// The maildir into which the mail server delivers what comes back.
    #[schemars(extend("minLength" = 1))]
    pub maildir: Option<PathBuf>,
    /// How often it is looked into.
    pub every: Wait,
    /// The environment variable that holds the word for `POST /hooks/mail`; without it the hook is
    /// closed.
    #[schemars(extend("minLength" = 1))]
    pub token_env: Option<String>,
    /// The file that holds the word, instead of the variable.
    #[schemars(extend("minLength" = 1))]
    pub token_file: Option<PathBuf>,
    /// The largest mail that is taken, in megabytes.
    #[schemars(range(min = 1, max = 100))]
    pub largest_mb: u16,
}

impl Default for Inbound {
    fn default() -> Self {
        Self {
            maildir: None,
            every: Wait::seconds(5),
            token_env: None,
            token_file: None,
            largest_mb: 10,
        }
    }
}

impl Inbound {
    /// The word for `POST /hooks/mail`; nothing when the hook is closed.
    ///
    /// # Errors
    ///
    /// It is to be open, and the word is neither in the file, which starts at `home`, nor in the
    /// variable.
    pub fn token(&self, home: &Path) -> Option<Result<SecretString, SecretError>> {
        match (&self.token_file, &self.token_env) {
            (Some(file), _) => Some(secrets::from_file(&home.join(file))),
            (None, Some(env)) => Some(secrets::from_env(env)),
            (None, None) => None,
        }
    }

    /// The largest mail that is taken, in bytes.
    pub fn largest(&self) -> usize {
        usize::from(self.largest_mb) * 1024 * 1024
    }
}
