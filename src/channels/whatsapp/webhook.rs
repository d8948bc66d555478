//! What Meta sends by itself: who may send it, and what it says.
//!
//! A webhook is believed only with a signature over its raw bytes, so those are what everything
//! here takes. It is read tolerantly: what nobody knows becomes an [`Event::Unknown`] with its
//! text, and never an error. Storing, answering and acting belong to the server and to the jobs;
//! events come in batches, twice, late, early and in any order, which [`Event::fingerprint`] and
//! `rules::delivery::feedback` are made for.
//!
//! Source: Meta, Webhooks: getting started; Cloud API, webhooks reference, read in 2026-11.

use hmac::{Hmac, Mac};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use sha2::Sha256;

pub use super::events::{
    Event, Failure, Inbound, Preference, Quality, Status, StatusWord, TemplateStatus,
};
use super::reading;

/// The longest webhook that is read. Source: Meta, Webhooks: payloads of up to 3 MB.
pub const LONGEST: usize = 3 * 1024 * 1024;

/// The header that holds the signature.
pub const SIGNATURE_HEADER: &str = "X-Hub-Signature-256";

/// The question by which Meta verifies the address of a webhook: the query of a GET.
#[derive(Clone, Debug, Deserialize)]
pub struct Verification {
    /// Always `subscribe`.
    #[serde(rename = "hub.mode", default)]
    pub mode: String,
    /// The word that both sides know.
    #[serde(rename = "hub.verify_token", default)]
    pub verify_token: String,
    /// What is to be answered.
    #[serde(rename = "hub.challenge", default)]
    pub challenge: String,
}

impl Verification {
    /// The body of the answer, as plain text; nothing when the question is not from Meta, which is
    /// answered with 403.
    pub fn answer(&self, verify_token: &SecretString) -> Option<&str> {
        // Meta asks with a number; nothing else is ever echoed.
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        let good = self.mode == "subscribe"
            && !self.challenge.is_empty()
            && self.challenge.len() <= 128
            && self.challenge.chars().all(plain);
        (are_equal(&self.verify_token, verify_token) && good).then_some(self.challenge.as_str())
    }
}

/// Compares in a time that says nothing about where two words differ.
fn are_equal(given: &str, expected: &SecretString) -> bool {
    let expected = expected.expose_secret();
    let Ok(mac) = Hmac::<Sha256>::new_from_slice(expected.as_bytes()) else {
        return false;
    };
    let expected_sum = mac.clone().chain_update(expected).finalize().into_bytes();
    let same = mac.chain_update(given).verify_slice(&expected_sum).is_ok();
    same && !expected.is_empty()
}

/// Whether the header [`SIGNATURE_HEADER`] signs exactly these bytes with the app secret.
pub fn is_signed(raw: &[u8], signature: Option<&str>, app_secret: &SecretString) -> bool {
    let secret = app_secret.expose_secret().as_bytes();
    let sum = signature.and_then(|header| header.strip_prefix("sha256="));
    let (Some(sum), false) = (sum.and_then(bytes_of_hex), secret.is_empty()) else {
        return false;
    };
    Hmac::<Sha256>::new_from_slice(secret)
        .is_ok_and(|mac| mac.chain_update(raw).verify_slice(&sum).is_ok())
}

fn bytes_of_hex(text: &str) -> Option<[u8; 32]> {
    let digits = text.as_bytes();
    if digits.len() != 64 {
        return None;
    }
    let value = |digit: u8| char::from(digit).to_digit(16);
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = (value(pair[0])? * 16 + value(pair[1])?) as u8;
    }
    Some(bytes)
}

/// Why a webhook cannot be read. It is answered with 400 and kept nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// Longer than [`LONGEST`].
    #[error("longer than 3 MB")]
    TooLong,
    /// No JSON, or not an object.
    #[error("not a JSON object")]
    NotJson,
}

/// The events of a webhook whose signature was checked before, in their order.
///
/// # Errors
///
/// It is too long or no JSON object at all.
pub fn parse(raw: &[u8]) -> Result<Vec<Event>, Unreadable> {
    if raw.len() > LONGEST {
        return Err(Unreadable::TooLong);
    }
    match serde_json::from_slice(raw) {
        Ok(serde_json::Value::Object(body)) => Ok(reading::found_in(&body)),
        _ => Err(Unreadable::NotJson),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The sum of RFC 4231 §4.3, test case 2.
    const SUM: &str = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";

    #[test]
    fn the_signature_is_checked_over_the_raw_bytes() {
        let (raw, secret) = (b"what do ya want for nothing?", SecretString::from("Jefe"));
        let header = format!("sha256={SUM}");
        assert!(is_signed(raw, Some(&header), &secret));
        assert!(is_signed(
            raw,
            Some(&header.to_uppercase().replace("SHA", "sha")),
            &secret
        ));
        let cut = &header[..header.len() - 2];
        for wrong in [
            None,
            Some(""),
            Some("sha256="),
            Some(SUM),
            Some(cut),
            Some("sha1=00"),
        ] {
            assert!(!is_signed(raw, wrong, &secret), "{wrong:?}");
        }
        assert!(!is_signed(
            b"what do ya want for nothing!",
            Some(&header),
            &secret
        ));
        assert!(!is_signed(raw, Some(&header), &"Jeff".into()));
        assert!(!is_signed(raw, Some(&header), &"".into()));
    }

    #[test]
    fn only_meta_gets_the_challenge_back() {
        let secret = SecretString::from("our-word");
        let asked = |mode: &str, token: &str, challenge: &str| {
            let question = Verification {
                mode: mode.to_owned(),
                verify_token: token.to_owned(),
                challenge: challenge.to_owned(),
            };
            question.answer(&secret).map(str::to_owned)
        };
        let good = asked("subscribe", "our-word", "1158201444");
        assert_eq!(good.as_deref(), Some("1158201444"));
        for (mode, token, challenge) in [
            ("subscribe", "our-wore", "1"),
            ("subscribe", "", "1"),
            ("subscribe", "our-word ", "1"),
            ("unsubscribe", "our-word", "1"),
            ("subscribe", "our-word", ""),
            ("subscribe", "our-word", "<script>"),
        ] {
            assert_eq!(asked(mode, token, challenge), None);
        }
        let nothing = Verification {
            mode: "subscribe".to_owned(),
            verify_token: String::new(),
            challenge: "1".to_owned(),
        };
        assert_eq!(nothing.answer(&"".into()), None);
    }

    #[test]
    fn what_is_no_object_or_too_long_is_said() {
        for raw in [&b""[..], b"[]", b"7", b"{", b"\xff{}"] {
            assert_eq!(parse(raw).unwrap_err(), Unreadable::NotJson);
        }
        let long = vec![b' '; LONGEST + 1];
        assert_eq!(parse(&long).unwrap_err(), Unreadable::TooLong);
        assert_eq!(parse(b"{}").unwrap(), Vec::new());
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(
            raw in prop::collection::vec(any::<u8>(), 0..512),
            header in prop::option::of("\\PC{0,80}"),
        ) {
            let _ = parse(&raw);
            prop_assert!(!is_signed(&raw, header.as_deref(), &"secret".into()));
        }

        #[test]
        fn a_changed_byte_breaks_the_signature(
            mut raw in prop::collection::vec(any::<u8>(), 1..256),
            at: prop::sample::Index,
            bit in 0_u8..8,
        ) {
            let secret = SecretString::from("app");
            let mac = Hmac::<Sha256>::new_from_slice(b"app").unwrap().chain_update(&raw);
            let header = format!("sha256={:x}", mac.finalize().into_bytes());
            prop_assert!(is_signed(&raw, Some(&header), &secret));
            let at = at.index(raw.len());
            raw[at] ^= 1 << bit;
            prop_assert!(!is_signed(&raw, Some(&header), &secret));
        }
    }
}
