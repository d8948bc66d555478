//! Signed links: what stands behind a link of a letter, and that we made it.
//!
//! `v1.<key id>.<message key>.<check>`: the message by the key that travels with it, and an
//! HMAC-SHA256 of 128 bits over purpose, key id and payload. A token is good for one purpose, holds
//! no personal data and never expires by itself: a letter may be opened years later, and leaving must
//! work then. What a link does is decided by the page; a token alone changes nothing.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::model::AddressKey;

/// The version of the form.
const VERSION: &str = "v1";

/// The id of the one key there is. A second key gets a second id; see `docs/DECISIONS.md`.
const KEY_ID: &str = "1";

/// Bytes of the check.
const CHECK: usize = 16;

/// The longest text that is looked at.
const LONGEST: usize = 200;

/// What a token is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// No more advertising on the channel of the message.
    Unsubscribe,
    /// The page on which a client chooses what to receive.
    Preferences,
    /// The page on which a client takes a seat at an event, or gives it back.
    Event,
    /// The address that a mail program writes to when its user wants no more letters.
    Mailbox,
    /// Signing in to the pages of the company's own people, once.
    SignIn,
}

impl Purpose {
    const fn word(self) -> &'static str {
        match self {
            Self::Unsubscribe => "link: unsubscribe",
            Self::Preferences => "link: preferences",
            Self::Event => "link: event",
            Self::Mailbox => "link: mailbox",
            Self::SignIn => "link: sign in",
        }
    }
}

/// The token of a message for one purpose.
pub fn make(key: &AddressKey, purpose: Purpose, message_key: &str) -> String {
    let check = URL_SAFE_NO_PAD.encode(check(key, purpose, message_key));
    format!("{VERSION}.{KEY_ID}.{message_key}.{check}")
}

/// The key of the message that a token names, when we made it for this purpose.
pub fn verify(key: &AddressKey, purpose: Purpose, token: &str) -> Option<String> {
    if token.len() > LONGEST {
        return None;
    }
    let mut parts = token.split('.');
    let (version, key_id) = (parts.next()?, parts.next()?);
    let (payload, given) = (parts.next()?, parts.next()?);
    if version != VERSION || key_id != KEY_ID || parts.next().is_some() || !is_key(payload) {
        return None;
    }
    let given = URL_SAFE_NO_PAD.decode(given).ok()?;
    are_equal(&given, &check(key, purpose, payload)).then(|| payload.to_owned())
}

/// The address for "no more letters" of a message: `unsubscribe+<key>.<check>@domain`, at most 53
/// characters before the `@`, of which case does not matter.
pub fn mailbox(key: &AddressKey, message_key: &str, domain: &str) -> String {
    let check = crate::model::hex(&check(key, Purpose::Mailbox, message_key)[..MAILBOX_CHECK]);
    format!("{MAILBOX}{message_key}.{check}@{domain}")
}

/// What stands before the key in such an address.
const MAILBOX: &str = "unsubscribe+";

/// Bytes of the check in an address, where 64 characters are the limit (RFC 5321 §4.5.3.1.1).
const MAILBOX_CHECK: usize = 10;

/// The key of the message that such an address names, when we made it.
pub fn verify_mailbox(key: &AddressKey, address: &str) -> Option<String> {
    let (local, _) = address.trim().rsplit_once('@')?;
    let local = local.to_ascii_lowercase();
    let (payload, given) = local.strip_prefix(MAILBOX)?.split_once('.')?;
    let expected = check(key, Purpose::Mailbox, payload);
    let expected = crate::model::hex(&expected[..MAILBOX_CHECK]);
    (is_key(payload) && are_equal(given.as_bytes(), expected.as_bytes()))
        .then(|| payload.to_owned())
}

/// Whether a text has the form of a key of a message.
fn is_key(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 64
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
}

fn check(key: &AddressKey, purpose: Purpose, payload: &str) -> [u8; CHECK] {
    let mac = key.mac(purpose.word(), &format!("{KEY_ID}\0{payload}"));
    let mut check = [0; CHECK];
    check.copy_from_slice(&mac[..CHECK]);
    check
}

/// Compares every byte, so that the time tells nothing about where two texts differ.
fn are_equal(given: &[u8], expected: &[u8]) -> bool {
    let differing = given
        .iter()
        .zip(expected)
        .fold(0, |sum, (theirs, ours)| sum | (theirs ^ ours));
    given.len() == expected.len() && differing == 0
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KEY: AddressKey = AddressKey::new([7; 32]);
    const MESSAGE: &str = "0123456789abcdefghjk";

    #[test]
    fn a_token_is_good_for_one_purpose_and_one_key() {
        let token = make(&KEY, Purpose::Unsubscribe, MESSAGE);
        assert!(token.starts_with("v1.1.0123456789abcdefghjk."), "{token}");
        let good = verify(&KEY, Purpose::Unsubscribe, &token);
        assert_eq!(good.as_deref(), Some(MESSAGE));
        assert_eq!(verify(&KEY, Purpose::Preferences, &token), None);
        let other = AddressKey::new([8; 32]);
        assert_eq!(verify(&other, Purpose::Unsubscribe, &token), None);
    }

    #[test]
    fn what_is_no_token_is_none() {
        let long = "v1.1.".to_owned() + &"a".repeat(500);
        for text in ["", "v1", "v1.1..", "v1.1.a.", "...", "v2.1.a.b", &long] {
            assert_eq!(verify(&KEY, Purpose::Unsubscribe, text), None, "{text}");
        }
        let token = make(&KEY, Purpose::Unsubscribe, MESSAGE);
        for text in [
            format!("{token}."),
            format!("{token}.x"),
            format!("{token}="),
            token[..token.len() - 1].to_owned(),
            token.to_uppercase(),
            token.replace("v1.1", "v1.2"),
        ] {
            assert_eq!(verify(&KEY, Purpose::Unsubscribe, &text), None, "{text}");
        }
    }

    #[test]
    fn an_address_names_the_message_in_any_case() {
        let address = mailbox(&KEY, MESSAGE, "example.org");
        let (local, _) = address.split_once('@').unwrap();
        assert!(local.len() <= 64, "{local}");
        let upper = address.to_uppercase();
        assert_eq!(verify_mailbox(&KEY, &upper).as_deref(), Some(MESSAGE));
        for other in [
            "",
            "@",
            "unsubscribe@x",
            "unsubscribe+a.b@x",
            "anna@example.org",
        ] {
            assert_eq!(verify_mailbox(&KEY, other), None, "{other}");
        }
        let forged = format!("unsubscribe+{MESSAGE}@example.org");
        assert_eq!(verify_mailbox(&KEY, &forged), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]

        #[test]
        fn a_changed_token_is_never_ours(place: prop::sample::Index, byte in 0x20_u8..0x7f) {
            let token = make(&KEY, Purpose::Unsubscribe, MESSAGE);
            let mut changed = token.clone().into_bytes();
            let place = place.index(changed.len());
            changed[place] = byte;
            let changed = String::from_utf8(changed).unwrap();
            let ours = verify(&KEY, Purpose::Unsubscribe, &changed).is_some();
            prop_assert_eq!(ours, changed == token);
        }

        #[test]
        fn arbitrary_texts_are_never_ours(text in "\\PC{0,80}") {
            prop_assert_eq!(verify(&KEY, Purpose::Unsubscribe, &text), None);
            prop_assert_eq!(verify_mailbox(&KEY, &text), None);
        }
    }
}
