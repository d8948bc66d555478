//! Addresses as keyed hashes: what must be remembered of a person after he is forgotten.

use std::fmt;

use hmac::{Hmac, Mac};
use sha2::Sha256;

use super::Channel;

/// The secret key of the hashes of addresses and of certificate codes.
///
/// Without a key a hash of a phone number is broken in minutes; with it the list of those who said
/// "stop" tells nothing to a thief. It must be backed up: without it opt-outs come back to life.
#[derive(Clone)]
pub struct AddressKey([u8; 32]);

impl AddressKey {
    /// The key made of 32 secret bytes.
    pub const fn new(secret: [u8; 32]) -> Self {
        Self(secret)
    }

    /// The hash of an address: equal for every way of writing it.
    pub fn hash(&self, channel: Channel, address: &str) -> [u8; 32] {
        let normal = match channel {
            Channel::Email => in_a_labels(address.trim().to_lowercase()),
            Channel::Whatsapp => address.chars().filter(char::is_ascii_digit).collect(),
        };
        let kind = match channel {
            Channel::Email => "email",
            Channel::Whatsapp => "phone",
        };
        self.mac(kind, &normal)
    }

    /// HMAC-SHA256 of `text` for one purpose; what is made for one purpose fits no other.
    pub fn mac(&self, purpose: &str, text: &str) -> [u8; 32] {
        // A key shorter than the block of the hash is padded with zeros. Source: RFC 2104 §2.
        let mut block = [0_u8; 64];
        block[..self.0.len()].copy_from_slice(&self.0);
        let mut mac = Hmac::<Sha256>::new(&block.into());
        mac.update(purpose.as_bytes());
        mac.update(&[0]);
        mac.update(text.as_bytes());
        mac.finalize().into_bytes().into()
    }
}

/// The address with its domain as it travels: `пример.рф` and `xn--e1afmkfd.xn--p1ai` are one.
fn in_a_labels(address: String) -> String {
    let ascii = match address.rsplit_once('@') {
        Some((local, domain)) if !domain.is_ascii() => {
            let domain = idna::domain_to_ascii(domain).ok();
            domain.map(|domain| format!("{local}@{domain}"))
        }
        _ => None,
    };
    ascii.unwrap_or(address)
}

impl fmt::Debug for AddressKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AddressKey(secret)")
    }
}

/// Bytes as hexadecimal digits: the form in which hashes travel through JSON and links.
pub fn hex(bytes: &[u8]) -> String {
    use fmt::Write;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_has_one_hash_however_it_is_written() {
        let key = AddressKey::new([7; 32]);
        let mail = |text| key.hash(Channel::Email, text);
        let phone = |text| key.hash(Channel::Whatsapp, text);
        assert_eq!(mail("Anna@Example.org "), mail("anna@example.org"));
        assert_eq!(mail("anna@Пример.рф"), mail("anna@xn--e1afmkfd.xn--p1ai"));
        assert_ne!(mail("anna@пример.рф"), mail("anna@пример.com"));
        assert_eq!(phone("+7 701 123-45-67"), phone("77011234567"));
        assert_ne!(mail("anna@example.org"), mail("anna@example.com"));
        assert_ne!(
            AddressKey::new([8; 32]).hash(Channel::Email, "a@b.c"),
            mail("a@b.c")
        );
        assert_eq!(format!("{key:?}"), "AddressKey(secret)");
    }
}
