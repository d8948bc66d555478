//! Tells tasks to another program: one signed POST each.
//!
//! The signature is that of usual webhooks, so that any program can check it: the header
//! [`SIGNATURE_HEADER`] holds `sha256=` and the HMAC-SHA256 of the raw body under the shared secret.
//! Outcomes that come back are signed in the same way.

use std::time::Duration;

use hmac::{Hmac, Mac};
use reqwest::{Client, Url, header::CONTENT_TYPE, redirect, retry};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

use crate::model::hex;

/// The header that holds the signature.
pub const SIGNATURE_HEADER: &str = "X-Rekindle-Signature";

/// The longest body with outcomes that is read, in bytes.
pub const LONGEST: usize = 1024 * 1024;

/// Why tasks cannot be told.
#[derive(Debug, thiserror::Error)]
pub enum HookError {
    /// The address.
    #[error("tasks.hook.url = \"{0}\" is not an address of the web")]
    Address(String),
    /// TLS or the list of trusted authorities of this machine.
    #[error("no connection can be made from this machine: {0}")]
    Client(reqwest::Error),
}

/// The signature of some bytes.
///
/// # Panics
///
/// Never: HMAC takes a key of any length.
pub fn sign(raw: &[u8], secret: &SecretString) -> String {
    let key = secret.expose_secret().as_bytes();
    let mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    let sum: [u8; 32] = mac.chain_update(raw).finalize().into_bytes().into();
    format!("sha256={}", hex(&sum))
}

/// The program that is told.
#[derive(Debug)]
pub struct Listener {
    client: Client,
    url: Url,
    secret: SecretString,
}

impl Listener {
    /// A program at an address; nothing is connected yet.
    ///
    /// # Errors
    ///
    /// The address is none, or this machine cannot make connections.
    pub fn new(url: &str, secret: SecretString, timeout: Duration) -> Result<Self, HookError> {
        // The HTTP library panics when TLS has no provider. That one is there already is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder()
            .user_agent(concat!("rekindle/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            .referer(false)
            .timeout(timeout)
            .build()
            .map_err(HookError::Client)?;
        let url = Url::parse(url).map_err(|_| HookError::Address(url.to_owned()))?;
        Ok(Self {
            client,
            url,
            secret,
        })
    }

    /// Posts a body. The other side has taken it when it answers with 2xx.
    ///
    /// # Errors
    ///
    /// It was not taken; says what was answered, or why nothing was.
    pub async fn tell(&self, body: Vec<u8>) -> Result<(), String> {
        let signature = sign(&body, &self.secret);
        let request = self.client.post(self.url.clone());
        let request = request
            .header(SIGNATURE_HEADER, signature)
            .header(CONTENT_TYPE, "application/json")
            .body(body);
        match request.send().await {
            Ok(answer) if answer.status().is_success() => Ok(()),
            Ok(answer) => Err(format!("answered {}", answer.status())),
            // The address may hold a key of the other program: it is not written into logs.
            Err(error) => Err(error.without_url().to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channels::whatsapp::webhook::is_signed;

    #[test]
    fn what_is_signed_here_is_believed_there_and_nothing_else() {
        let secret = SecretString::from("s3cret");
        let signature = sign(b"{\"a\":1}", &secret);
        assert!(is_signed(b"{\"a\":1}", Some(&signature), &secret));
        assert!(!is_signed(b"{\"a\":2}", Some(&signature), &secret));
        assert!(!is_signed(
            b"{\"a\":1}",
            Some(&signature),
            &SecretString::from("other")
        ));
    }
}
