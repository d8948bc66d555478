//! Codes of certificates and keys of messages: made from what they stand for, never drawn.

use sha2::{Digest, Sha256};

/// Crockford's alphabet: no I, L, O and U, so that a code can be read aloud and typed.
///
/// Source: D. Crockford, Base 32.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Characters of a code between its prefix and its check character: 60 bits.
const SECRET_CHARS: usize = 12;

/// The longest prefix; with it a code has 19 characters, and 31 could be checked.
const PREFIX_LONGEST: usize = 6;

/// How many codes one secret can stand for: 256 bits are four times 60.
const TRIES: usize = 4;

/// Why a text is no code of a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodeError {
    /// It is too short or too long.
    #[error("a code has 14 to 19 letters and digits, as in MC-7K4M-Q2XD-90TR-H")]
    Length,
    /// It has a character that no code has.
    #[error("\"{0}\" stands in no code")]
    Character(char),
    /// It was mistyped.
    #[error("the code is mistyped: its last character does not fit the others")]
    Check,
}

/// The code that a secret stands for, as `MC-7K4M-Q2XD-90TR-H`: the prefix of the campaign, 60 bits,
/// and a check character.
///
/// Whoever makes the secret from a key and from the episode gives a client the same code at every
/// attempt, and nobody without the key can guess one. `try_no` (0, 1 …) chooses another one where
/// somebody else has the first by chance.
pub fn code(prefix: &str, secret: &[u8; 32], try_no: usize) -> String {
    let skipped = try_no % TRIES * SECRET_CHARS;
    let secret = five_bits(secret).skip(skipped).take(SECRET_CHARS);
    let mut symbols: Vec<usize> = prefix.chars().filter_map(symbol).collect();
    symbols.extend(secret);
    let check = check(&symbols);
    symbols.push(check);
    written(&symbols)
}

/// Reads a code as people and scanners give it: in any case, with or without hyphens, with the
/// letters that look alike, typed in Cyrillic, or as the address of its page. Gives it back as it is
/// kept.
///
/// # Errors
///
/// It is no code, or its check character does not fit: it was mistyped.
pub fn read(text: &str) -> Result<String, CodeError> {
    let text = text.trim().trim_end_matches('/');
    let text = text.rsplit('/').next().unwrap_or(text);
    let mut symbols = Vec::with_capacity(PREFIX_LONGEST + SECRET_CHARS + 1);
    for c in text.chars() {
        if c.is_whitespace() || "-–—_.".contains(c) {
            continue;
        }
        symbols.push(symbol(c).ok_or(CodeError::Character(c))?);
        if symbols.len() > PREFIX_LONGEST + SECRET_CHARS + 1 {
            return Err(CodeError::Length);
        }
    }
    // There is a prefix, if only of one letter.
    if symbols.len() < 1 + SECRET_CHARS + 1 {
        return Err(CodeError::Length);
    }
    let (last, before) = symbols.split_last().ok_or(CodeError::Length)?;
    if check(before) != *last {
        return Err(CodeError::Check);
    }
    Ok(written(&symbols))
}

/// The prefix of a campaign that names none: the first letters of the words of its id, those left
/// out that look like digits.
pub fn prefix_of(campaign: &str) -> String {
    let first = campaign.split('-').filter_map(|word| word.chars().next());
    let capital = first.map(|c| c.to_ascii_uppercase());
    let letters = capital.filter(|c| is_of_alphabet(*c));
    let prefix: String = letters.take(PREFIX_LONGEST).collect();
    if prefix.is_empty() {
        "C".to_owned()
    } else {
        prefix
    }
}

fn is_of_alphabet(c: char) -> bool {
    u8::try_from(c).is_ok_and(|byte| ALPHABET.contains(&byte))
}

/// The five bits that a typed character stands for.
fn symbol(c: char) -> Option<usize> {
    let c = match c.to_uppercase().next()? {
        'I' | 'L' | 'І' => '1',
        'O' | 'О' => '0',
        // The same keys and the same shapes in Cyrillic.
        'А' => 'A',
        'В' => 'B',
        'С' => 'C',
        'Е' => 'E',
        'Н' => 'H',
        'К' => 'K',
        'М' => 'M',
        'Р' => 'P',
        'Т' => 'T',
        'Х' => 'X',
        'У' => 'Y',
        other => other,
    };
    let byte = u8::try_from(c).ok()?;
    ALPHABET.iter().position(|known| *known == byte)
}

/// The prefix, three groups of four, and the check character, with hyphens between them.
fn written(symbols: &[usize]) -> String {
    let prefix = symbols.len().saturating_sub(SECRET_CHARS + 1);
    let mut text = String::with_capacity(symbols.len() + 4);
    for (place, symbol) in symbols.iter().enumerate() {
        if place == prefix || place > prefix && (place - prefix).is_multiple_of(4) {
            text.push('-');
        }
        text.push(char::from(ALPHABET[*symbol]));
    }
    text
}

/// The symbol that makes the weighted sum of all symbols zero in the field of 32 elements.
///
/// The weights are powers of a primitive element, all different up to 31 places: one wrong symbol,
/// and two that have changed places anywhere, are always found. Source: the same construction as
/// the check of a Reed–Solomon code with one check symbol.
fn check(symbols: &[usize]) -> usize {
    // Horner's scheme: the symbol just before the check has the weight α, the one before it α² …
    symbols
        .iter()
        .fold(0, |sum, symbol| times_alpha(sum ^ symbol))
}

/// A product with the primitive element of the field made by x⁵ + x² + 1.
const fn times_alpha(symbol: usize) -> usize {
    let doubled = symbol << 1;
    if doubled & 32 == 0 {
        doubled
    } else {
        doubled ^ 0b10_0101
    }
}

fn five_bits(bytes: &[u8; 32]) -> impl Iterator<Item = usize> + '_ {
    (0..51).map(|n| {
        let bit = n * 5;
        let pair =
            u16::from_be_bytes([bytes[bit / 8], bytes.get(bit / 8 + 1).copied().unwrap_or(0)]);
        usize::from((pair >> (11 - bit % 8)) & 31)
    })
}

/// The key of a message for ever: the same whenever the same step of the same episode is planned.
pub fn message_key(campaign: &str, episode: &str, client: &str, step: &str) -> String {
    let mut hash = Sha256::new();
    for part in [campaign, episode, client, step] {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    let digest: [u8; 32] = hash.finalize().into();
    let symbols = five_bits(&digest).take(20);
    symbols
        .map(|symbol| char::from(ALPHABET[symbol]).to_ascii_lowercase())
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_code_is_a_prefix_sixty_bits_and_a_check_character() {
        let text = code("MC", &[0xff; 32], 0);
        assert!(text.starts_with("MC-ZZZZ-ZZZZ-ZZZZ-"), "{text}");
        assert_eq!(text.len(), "MC-ZZZZ-ZZZZ-ZZZZ-Z".len());
        assert_ne!(code("MC", &[1; 32], 0), code("MC", &[2; 32], 0));
        assert_eq!(read(&text), Ok(text));
    }

    #[test]
    fn another_try_with_the_same_secret_is_another_code() {
        let secret = crate::model::AddressKey::new([7; 32]).mac("certificate", "somebody");
        let codes: HashSet<String> = (0..TRIES).map(|n| code("MC", &secret, n)).collect();
        assert_eq!(codes.len(), TRIES);
    }

    #[test]
    fn every_wrong_character_and_every_swap_is_found() {
        let symbols = [20, 12, 3, 9, 27, 1, 0, 31, 14, 5, 5, 8, 20, 2];
        let mut whole = symbols.to_vec();
        whole.push(check(&symbols));
        let fits = |typed: &[usize]| {
            let (last, before) = typed.split_last().unwrap();
            check(before) == *last
        };
        assert!(fits(&whole));
        for place in 0..whole.len() {
            for wrong in (0..32).filter(|wrong| *wrong != whole[place]) {
                let mut typed = whole.clone();
                typed[place] = wrong;
                assert!(!fits(&typed), "{place} {wrong}");
            }
            for other in place + 1..whole.len() {
                let mut typed = whole.clone();
                typed.swap(place, other);
                assert!(typed == whole || !fits(&typed), "{place} {other}");
            }
        }
    }

    #[test]
    fn a_code_is_read_however_it_is_given() {
        let secret = crate::model::AddressKey::new([7; 32]).mac("certificate", "somebody");
        let right = code("MC", &secret, 0);
        let spaced = right.replace('-', " ").to_lowercase();
        let glued = right.replace('-', "");
        let address = format!("https://example.org/c/{right}/");
        let cyrillic: String = right
            .chars()
            .map(|c| match c {
                'M' => 'М',
                'C' => 'С',
                'T' => 'Т',
                'H' => 'Н',
                '0' => 'О',
                '1' => 'l',
                other => other,
            })
            .collect();
        for typed in [&right, &spaced, &glued, &address, &cyrillic] {
            assert_eq!(read(typed).as_ref(), Ok(&right), "{typed}");
        }
        assert_eq!(read("SPRING10"), Err(CodeError::Length));
        assert_eq!(read(""), Err(CodeError::Length));
        assert_eq!(read("MC-7K4M-Q2XD-90UR-H"), Err(CodeError::Character('U')));
        let mut mistyped = right.clone().into_bytes();
        mistyped[4] = if mistyped[4] == b'7' { b'8' } else { b'7' };
        let mistyped = String::from_utf8(mistyped).unwrap();
        assert_eq!(read(&mistyped), Err(CodeError::Check));
    }

    #[test]
    fn a_campaign_without_a_prefix_gets_its_first_letters() {
        assert_eq!(prefix_of("missed-cycle"), "MC");
        assert_eq!(prefix_of("friend-thanks-2026"), "FT2");
        assert_eq!(prefix_of("old-invoices"), "C");
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(secret: [u8; 32], prefix in "[0-9A-HJKMNP-TV-Z]{1,6}", n in 0..TRIES) {
            let text = code(&prefix, &secret, n);
            prop_assert_eq!(read(&text), Ok(text));
        }

        #[test]
        fn reading_never_panics(text: String) {
            let _ = read(&text);
        }
    }

    #[test]
    fn a_million_codes_are_a_million_different_ones() {
        // Eight bytes a code, and nothing else is kept.
        let key = crate::model::AddressKey::new([7; 32]);
        let mut codes: Vec<u64> = (0..1_000_000_u32)
            .map(|n| {
                let secret = key.mac("certificate", &n.to_string());
                let symbols = five_bits(&secret).take(SECRET_CHARS);
                symbols.fold(0, |code, symbol| code << 5 | symbol as u64)
            })
            .collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), 1_000_000);
    }

    #[test]
    fn a_message_has_one_key_and_parts_do_not_run_together() {
        let key = message_key("missed", "missed:2026-01-01", "c1", "letter");
        assert_eq!(
            key,
            message_key("missed", "missed:2026-01-01", "c1", "letter")
        );
        assert_eq!(key.len(), 20);
        assert_ne!(
            message_key("ab", "c", "d", "e"),
            message_key("a", "bc", "d", "e")
        );
    }
}
