//! Sends one request to the WhatsApp Cloud API and says what the answer means.
//!
//! One call is one request on the wire: nothing is repeated here and no redirect is followed,
//! because the API has no idempotency key. When a message is tried again is decided by the rules;
//! what was sent before which commit, by the delivery.

use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, DATE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::{Client, Response, Url, redirect, retry};
use secrecy::{ExposeSecret, SecretString};

use super::answer::{self, Answer, Taken, Trouble};
use crate::config::settings::WhatsApp;
use crate::rules::delivery::clearance::Cleared;
use crate::rules::delivery::whatsapp_codes::{self, Broken};

/// The longest answer that is read; real ones have less than a kilobyte.
const LONGEST_ANSWER: usize = 64 * 1024;

/// How long an unused connection is kept. Shorter than servers keep theirs (20 s and more), so
/// that it is rarely closed at the very moment at which a request is written into it.
const IDLE: Duration = Duration::from_secs(10);

/// Why nothing can be sent through an account.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The configuration names no number to send from.
    #[error("no number to send from: add phone_number_id to [whatsapp]")]
    NoNumber,
    /// The address of the API cannot be made of the settings.
    #[error("\"{0}\" is not an address of the web")]
    Address(String),
    /// The token cannot be a header.
    #[error("the access token has characters that no token has")]
    Token,
    /// TLS or the list of trusted authorities of this machine.
    #[error("no connection can be made from this machine: {0}")]
    Client(String),
}

/// Where requests go and how they say who they come from.
#[derive(Clone, Debug)]
pub struct Endpoint {
    url: Url,
    /// Marked sensitive: shown nowhere.
    credentials: (HeaderName, HeaderValue),
    repeats_safely: bool,
}

impl Endpoint {
    /// The Cloud API of Meta.
    ///
    /// # Errors
    ///
    /// A part of the settings is missing or cannot be meant.
    pub fn cloud_api(settings: &WhatsApp, token: &SecretString) -> Result<Self, SetupError> {
        let number = settings.phone_number_id.as_deref();
        let number = number.ok_or(SetupError::NoNumber)?;
        let base = settings.base_url.trim_end_matches('/');
        let address = format!("{base}/{}/{number}/messages", settings.graph_version);
        let url = Url::parse(&address).map_err(|_| SetupError::Address(address))?;
        let bearer = format!("Bearer {}", token.expose_secret());
        let mut value = HeaderValue::from_str(&bearer).map_err(|_| SetupError::Token)?;
        value.set_sensitive(true);
        Ok(Self {
            url,
            credentials: (reqwest::header::AUTHORIZATION, value),
            repeats_safely: false,
        })
    }
}

/// An account at the API with its connections.
#[derive(Clone, Debug)]
pub struct Api {
    client: Client,
    endpoint: Endpoint,
    timeout: Duration,
}

impl Api {
    /// An account by its settings; nothing is connected yet.
    ///
    /// # Errors
    ///
    /// The settings are not enough, or this machine cannot make connections.
    pub fn new(settings: &WhatsApp, token: &SecretString) -> Result<Self, SetupError> {
        // The HTTP library panics when TLS has no provider. That one is there already is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let timeout = settings.timeout.duration();
        let mut builder = Client::builder()
            .user_agent(concat!("rekindle/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            .referer(false)
            .http1_only()
            .https_only(!settings.is_loopback())
            .pool_idle_timeout(IDLE)
            // Shorter than the whole: what ends here has surely not been written.
            .connect_timeout(timeout / 2);
        if settings.is_loopback() {
            builder = builder.no_proxy();
        }
        let client = builder
            .build()
            .map_err(|error| SetupError::Client(chain(&error)))?;
        Ok(Self {
            client,
            endpoint: Endpoint::cloud_api(settings, token)?,
            timeout,
        })
    }

    /// Asks the API for something; the answer is bounded, and an error is told in its words.
    pub(super) async fn ask(&self, url: Url) -> Result<Vec<u8>, String> {
        let (name, value) = &self.endpoint.credentials;
        let request = self.client.get(url).header(name, value);
        let sent = request.timeout(self.timeout).send().await;
        let mut response = sent.map_err(|error| broken(error, &[]).what)?;
        let read = read(&mut response).await;
        let (body, is_whole) = read.map_err(|trouble| trouble.what)?;
        if response.status().is_success() && is_whole {
            return Ok(body);
        }
        let status = response.status().as_u16();
        Err(answer::refusal(&body).unwrap_or_else(|| format!("HTTP {status}")))
    }

    /// The address of the number itself, without `/messages`.
    pub(super) fn number_url(&self) -> Url {
        let mut url = self.endpoint.url.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop();
        }
        url
    }

    /// Whether the provider knows a message by our key, so that sending it twice is sending it
    /// once. The Cloud API only echoes the key.
    pub fn repeats_safely(&self) -> bool {
        self.endpoint.repeats_safely
    }

    /// Sends one body that passed every gate, made by [`super::WhatsAppRequest::body`], as one
    /// request.
    ///
    /// Ends within the timeout of the settings. Dropped before its end, it closes the connection,
    /// and nobody knows what became of the message.
    ///
    /// # Errors
    ///
    /// The message was not taken, or that is not known: [`Trouble::reaction`] says which.
    pub async fn send<M: AsRef<[u8]>>(&self, body: &Cleared<M>) -> Result<Taken, Trouble> {
        let (name, value) = &self.endpoint.credentials;
        let request = self
            .client
            .post(self.endpoint.url.clone())
            .header(name, value)
            .header(CONTENT_TYPE, "application/json")
            .timeout(self.timeout)
            .body(body.message().as_ref().to_vec());
        let mut response = request.send().await.map_err(|error| broken(error, &[]))?;
        let (body, is_whole) = read(&mut response).await?;
        let headers = response.headers();
        answer::read(&Answer {
            status: response.status().as_u16(),
            retry_after: text(headers, &RETRY_AFTER),
            date: text(headers, &DATE),
            body: &body,
            is_whole,
        })
    }
}

fn text<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// The body of an answer up to the longest that is read, and whether that is all.
async fn read(response: &mut Response) -> Result<(Vec<u8>, bool), Trouble> {
    let mut body = Vec::new();
    loop {
        match response.chunk().await {
            Ok(None) => return Ok((body, true)),
            Ok(Some(piece)) => {
                let room = LONGEST_ANSWER - body.len();
                body.extend_from_slice(&piece[..piece.len().min(room)]);
                if piece.len() > room {
                    return Ok((body, false));
                }
            }
            Err(error) => {
                let mut trouble = broken(error, &body);
                trouble.http_status = Some(response.status().as_u16());
                return Err(trouble);
            }
        }
    }
}

/// What an attempt without a whole answer means.
fn broken(error: reqwest::Error, so_far: &[u8]) -> Trouble {
    let how = if error.is_builder() {
        Broken::NotMade
    } else if error.is_connect() {
        Broken::NotConnected
    } else if error.is_timeout() {
        Broken::TimedOut
    } else {
        Broken::Reset
    };
    let words = match how {
        Broken::NotConnected => "no connection",
        Broken::TimedOut => "no answer in time",
        Broken::NotMade => "the request cannot be made",
        Broken::Reset | Broken::Strange(_) => "the connection ended before the answer",
    };
    Trouble {
        reaction: whatsapp_codes::broken(how),
        code: None,
        http_status: None,
        what: format!("{words}: {}", chain(&error.without_url())),
        answer: answer::beginning(so_far),
        retry_after: None,
    }
}

/// An error with its causes: the first one alone often says nothing.
fn chain(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !words.contains(&more) {
            words = format!("{words}: {more}");
        }
        cause = error.source();
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> WhatsApp {
        WhatsApp {
            phone_number_id: Some("106540352242922".to_owned()),
            ..WhatsApp::default()
        }
    }

    #[test]
    fn requests_go_to_the_version_and_the_number_of_the_settings() {
        let endpoint = Endpoint::cloud_api(&settings(), &"t".into()).unwrap();
        let expected = "https://graph.facebook.com/v25.0/106540352242922/messages";
        assert_eq!(endpoint.url.as_str(), expected);
        let none = WhatsApp::default();
        let error = Endpoint::cloud_api(&none, &"t".into()).unwrap_err();
        assert!(matches!(error, SetupError::NoNumber));
    }

    #[test]
    fn the_token_shows_itself_to_nobody() {
        let api = Api::new(&settings(), &"EAAG-secret".into()).unwrap();
        assert!(!format!("{api:?}").contains("secret"), "{api:?}");
        let error = Endpoint::cloud_api(&settings(), &"secret\n".into()).unwrap_err();
        assert!(!error.to_string().contains("secret"));
        assert!(!api.repeats_safely());
    }
}
