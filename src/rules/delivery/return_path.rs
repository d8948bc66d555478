//! The address that bounces come back to: it names the message, and nobody can forge it.
//!
//! `b+<26 characters>@bounces.example.org`: the number of the message and a keyed check in base 32
//! (RFC 4648 §6, small letters). Without the check anybody could have our clients suppressed by
//! sending us bounces. The case of letters does not matter: some servers change it.

use crate::model::AddressKey;

/// What stands before the code.
const PREFIX: &str = "b+";

/// The purpose of the keyed check.
const PURPOSE: &str = "return path";

/// The alphabet of base 32. Source: RFC 4648 §6.
const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// Bytes of the id of a message.
const ID: usize = 10;

/// Bytes of the id with its check; they are 26 characters.
const WHOLE: usize = 16;

/// The address that the bounces of a message come back to.
pub fn make(key: &AddressKey, message: [u8; ID], domain: &str) -> String {
    let check = check(key, message);
    let mut whole = [0; WHOLE];
    whole[..ID].copy_from_slice(&message);
    whole[ID..].copy_from_slice(&check);
    format!("{PREFIX}{}@{domain}", base32(whole))
}

/// The message that an address names, when we made the address.
pub fn verify(key: &AddressKey, address: &str) -> Option<[u8; ID]> {
    let (local, _) = address.trim().rsplit_once('@')?;
    let code = local.get(PREFIX.len()..)?;
    let prefix = local.get(..PREFIX.len())?;
    if !prefix.eq_ignore_ascii_case(PREFIX) {
        return None;
    }
    let whole = from_base32(code)?;
    let message: [u8; ID] = whole.get(..ID)?.try_into().ok()?;
    // Every byte is compared, so that the time tells nothing about the check.
    let differing = check(key, message)
        .iter()
        .zip(&whole[ID..])
        .fold(0, |sum, (ours, theirs)| sum | (ours ^ theirs));
    (differing == 0).then_some(message)
}

/// The id that stands for a number of the database.
pub fn id_of(number: i64) -> [u8; ID] {
    let mut id = [0; ID];
    id[2..].copy_from_slice(&number.to_be_bytes());
    id
}

/// The number of the database that an id stands for.
pub fn number_of(id: [u8; ID]) -> Option<i64> {
    let (zeros, number) = id.split_at(2);
    let number: [u8; 8] = number.try_into().ok()?;
    (zeros == [0, 0]).then_some(i64::from_be_bytes(number))
}

fn check(key: &AddressKey, message: [u8; ID]) -> [u8; WHOLE - ID] {
    let mac = key.mac(PURPOSE, &crate::model::hex(&message));
    let mut check = [0; WHOLE - ID];
    check.copy_from_slice(&mac[..WHOLE - ID]);
    check
}

fn base32(bytes: [u8; WHOLE]) -> String {
    // 26 characters are 130 bits: two zeros follow the 128.
    let number = u128::from_be_bytes(bytes);
    let last = ALPHABET[(number << 2 & 31) as usize];
    let front = (0..25).map(|n| ALPHABET[(number >> (123 - 5 * n) & 31) as usize]);
    front.chain([last]).map(char::from).collect()
}

fn from_base32(text: &str) -> Option<[u8; WHOLE]> {
    let value = |byte: u8| {
        let place = ALPHABET
            .iter()
            .position(|c| *c == byte.to_ascii_lowercase());
        place.map(|place| place as u128)
    };
    let (front, last) = text.split_at_checked(25)?;
    let [last] = last.as_bytes() else { return None };
    let mut number = 0_u128;
    for byte in front.bytes() {
        number = number << 5 | value(byte)?;
    }
    let last = value(*last)?;
    last.is_multiple_of(4)
        .then(|| (number << 3 | last >> 2).to_be_bytes())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KEY: AddressKey = AddressKey::new([7; 32]);

    #[test]
    fn a_return_path_is_short_and_survives_a_change_of_case() {
        let address = make(&KEY, id_of(4711), "b.example.org");
        let (local, domain) = address.split_once('@').unwrap();
        assert_eq!((local.len(), domain), (28, "b.example.org"));
        let id = verify(&KEY, &address.to_uppercase()).unwrap();
        assert_eq!(number_of(id), Some(4711));
        assert_eq!(verify(&AddressKey::new([8; 32]), &address), None);
    }

    #[test]
    fn what_is_no_return_path_is_none() {
        for other in [
            "",
            "@",
            "b+@x",
            "b+aa@x",
            "anna@example.org",
            "b+ключключключключ@x",
            "c",
        ] {
            assert_eq!(verify(&KEY, other), None, "{other}");
        }
        assert_eq!(number_of([1; 10]), None);
    }

    proptest! {
        #[test]
        fn every_id_comes_back_and_no_changed_address_is_ours(
            id in any::<[u8; 10]>(), place in 0_usize..26, letter in 0_usize..32,
        ) {
            let address = make(&KEY, id, "b.example.org");
            prop_assert_eq!(verify(&KEY, &address), Some(id));
            let mut changed = address.clone().into_bytes();
            changed[place + 2] = ALPHABET[letter];
            let changed = String::from_utf8(changed).unwrap();
            prop_assert_eq!(verify(&KEY, &changed).is_some(), changed == address);
        }
    }
}
