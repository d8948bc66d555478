//! Addresses by keyed hash: known again, never readable.
//!
//! A suppression must outlive the erasure of the client it came from, and a plain hash of a phone
//! number is guessed in minutes; so the hash takes a key that only this installation has. The file
//! that holds the key is the business of `sources`.

use std::fmt;

use hmac::{Hmac, Mac};
use sha2::Sha256;

use super::Channel;

/// A hash of an address: HMAC-SHA256.
pub type AddressHash = [u8; 32];

/// The key for hashes of addresses. Never printed, never compared, never in a log.
#[derive(Clone)]
pub struct AddressKey([u8; 64]);

impl AddressKey {
    /// The key made of `bytes`.
    pub fn new(bytes: [u8; 32]) -> Self {
        // HMAC pads a key to the length of its block, RFC 2104 section 2.
        let mut padded = [0; 64];
        padded[..32].copy_from_slice(&bytes);
        Self(padded)
    }

    /// The hash of `address` as `channel` knows it; the same for every way of writing it.
    pub fn hash(&self, channel: Channel, address: &str) -> AddressHash {
        let mut mac = Hmac::<Sha256>::new(&self.0.into());
        mac.update(channel.word().as_bytes());
        mac.update(&[0]);
        mac.update(normalised(channel, address).as_bytes());
        mac.finalize().into_bytes().into()
    }
}

impl fmt::Debug for AddressKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AddressKey(hidden)")
    }
}

/// The one way of writing an address: lower case for letters, plus and digits for phones.
fn normalised(channel: Channel, address: &str) -> String {
    match channel {
        Channel::Email => address.trim().to_lowercase(),
        Channel::Whatsapp => {
            let digits = address.chars().filter(char::is_ascii_digit);
            std::iter::once('+').chain(digits).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_one_hash_however_it_is_written() {
        let key = AddressKey::new([7; 32]);
        let hash = |address| key.hash(Channel::Email, address);
        assert_eq!(hash("anna@example.org"), hash(" Anna@Example.ORG "));
        assert_ne!(hash("anna@example.org"), hash("hanna@example.org"));
        let hash = |address| key.hash(Channel::Whatsapp, address);
        assert_eq!(hash("+79131234567"), hash("+7 913 123-45-67"));
    }

    #[test]
    fn another_key_or_channel_gives_another_hash_and_the_key_is_not_printed() {
        let (one, two) = (AddressKey::new([1; 32]), AddressKey::new([2; 32]));
        let address = "+79131234567";
        assert_ne!(
            one.hash(Channel::Whatsapp, address),
            two.hash(Channel::Whatsapp, address)
        );
        assert_ne!(
            one.hash(Channel::Whatsapp, address),
            one.hash(Channel::Email, address)
        );
        assert_eq!(format!("{one:?}"), "AddressKey(hidden)");
    }
}
