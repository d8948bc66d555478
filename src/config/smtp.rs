//! `[smtp]`: the mail server that takes our letters, and how we speak with it.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::values::Wait;

/// The mail server that takes our letters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Smtp {
    /// The name of the mail server.
    #[schemars(extend("format" = "host"))]
    pub host: Option<String>,
    /// Its port: 587 for "starttls", 465 for "implicit" and 25 for "none" when absent.
    #[schemars(range(min = 1))]
    pub port: Option<u16>,
    /// How the way to the server is encrypted.
    pub tls: SmtpTls,
    /// A file with further certificate authorities (PEM), for a server with a certificate of the
    /// company's own.
    #[schemars(extend("minLength" = 1))]
    pub ca_file: Option<PathBuf>,
    /// The name to log in with; without one nobody logs in.
    #[schemars(extend("minLength" = 1))]
    pub user: Option<String>,
    /// The environment variable that holds the password.
    #[schemars(extend("minLength" = 1))]
    pub password_env: Option<String>,
    /// The file that holds the password; nobody but its owner may read it.
    #[schemars(extend("minLength" = 1))]
    pub password_file: Option<PathBuf>,
    /// The name that we greet the server with; the domain of the sender when absent.
    #[schemars(extend("format" = "host"))]
    pub hello: Option<String>,
    /// The domain of the addresses that bounces come back to; the sender's own address gets them
    /// when absent.
    #[schemars(extend("format" = "host"))]
    pub bounce_domain: Option<String>,
    /// How many connections there are at most at one time.
    #[schemars(range(min = 1, max = 1000))]
    pub connections: u16,
    /// How many letters go over one connection before a new one is made.
    #[schemars(range(min = 1))]
    pub messages_per_connection: u16,
    /// How long a connection without work is kept.
    pub idle: Wait,
    /// How long each step may take.
    pub deadlines: Deadlines,
    /// The signature of our letters; without it the mail server has to sign them.
    pub dkim: Option<Dkim>,
}

impl Default for Smtp {
    fn default() -> Self {
        Self {
            host: None,
            port: None,
            tls: SmtpTls::default(),
            ca_file: None,
            user: None,
            password_env: None,
            password_file: None,
            hello: None,
            bounce_domain: None,
            connections: 8,
            messages_per_connection: 100,
            idle: Wait::seconds(20),
            deadlines: Deadlines::default(),
            dkim: None,
        }
    }
}

impl Smtp {
    /// The port, or the usual one of the encryption.
    ///
    /// Source: RFC 6409 (587), RFC 8314 (465), RFC 5321 (25).
    pub fn port(&self) -> u16 {
        self.port.unwrap_or(match self.tls {
            SmtpTls::Starttls => 587,
            SmtpTls::Implicit => 465,
            SmtpTls::None => 25,
        })
    }
}

/// How the way to the mail server is encrypted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SmtpTls {
    /// In the open at first, then encrypted before anything is said; never without.
    #[default]
    Starttls,
    /// Encrypted from the first byte.
    Implicit,
    /// Not at all: for a mail server on this machine only.
    None,
}

/// How long each step of a session may take.
///
/// Source: RFC 5321 §4.5.3.2 asks for five and ten minutes of servers that hand mail to strangers;
/// these defaults are for a relay of one's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Deadlines {
    /// To reach the server, TLS included.
    pub connect: Wait,
    /// For its first words.
    pub greeting: Wait,
    /// For the reply to a command: hello, login, sender, recipient.
    pub command: Wait,
    /// For the reply to `DATA`.
    pub data: Wait,
    /// To hand over the content.
    pub content: Wait,
    /// For the reply to the content, while the server stores it. Running out of it leaves a letter
    /// of which nobody knows whether it was taken, so it is long.
    pub end_of_data: Wait,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            connect: Wait::seconds(30),
            greeting: Wait::seconds(60),
            command: Wait::seconds(60),
            data: Wait::seconds(30),
            content: Wait::seconds(60),
            end_of_data: Wait::seconds(300),
        }
    }
}

/// The signature of our letters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Dkim {
    /// The selector: the record stands at `SELECTOR._domainkey.DOMAIN`.
    #[schemars(length(min = 1))]
    pub selector: String,
    /// The domain that signs; that of the sender when absent.
    #[serde(default)]
    #[schemars(extend("format" = "host"))]
    pub domain: Option<String>,
    /// The file with the private key (PEM); nobody but its owner may read it.
    #[schemars(extend("minLength" = 1))]
    pub key_file: PathBuf,
    /// The kind of the key.
    #[serde(default)]
    pub algorithm: DkimAlgorithm,
}

/// The kind of a key that signs letters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DkimAlgorithm {
    /// `rsa-sha256`, with at least 2048 bits: everybody can verify it.
    #[default]
    Rsa,
    /// `ed25519-sha256`: short and quick, and many receivers cannot verify it yet.
    Ed25519,
}
