//! Codes of certificates and keys of messages: made from what they stand for, never drawn.

use sha2::{Digest, Sha256};

/// Crockford's alphabet: no I, L, O and U, so that a code can be read aloud and typed.
///
/// Source: D. Crockford, Base 32.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Characters of a code before its check character: 60 bits.
const CODE_CHARS: usize = 12;

/// The code that a secret stands for, as `7K4M-Q2XD-90TR-H`: 60 bits and a check character.
///
/// Whoever makes the secret from a key and from the episode gives a client the same code at every
/// attempt, and nobody without the key can guess one.
pub fn code(secret: &[u8; 32]) -> String {
    let symbols: Vec<usize> = five_bits(secret).take(CODE_CHARS).collect();
    let mut text = String::with_capacity(CODE_CHARS + 4);
    for (place, symbol) in symbols.iter().enumerate() {
        if place > 0 && place.is_multiple_of(4) {
            text.push('-');
        }
        text.push(char::from(ALPHABET[*symbol]));
    }
    text.push('-');
    text.push(char::from(ALPHABET[check(&symbols)]));
    text
}

/// The weighted sum that changes when one character is mistyped or two neighbours are swapped.
fn check(symbols: &[usize]) -> usize {
    symbols
        .iter()
        .enumerate()
        .map(|(place, symbol)| (2 * place + 1) * symbol)
        .sum::<usize>()
        % 32
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
    use super::*;

    #[test]
    fn a_code_is_sixty_bits_and_a_check_character() {
        let text = code(&[0xff; 32]);
        assert_eq!(text, "ZZZZ-ZZZZ-ZZZZ-G");
        assert_ne!(code(&[1; 32]), code(&[2; 32]));
        assert!(
            code(&[7; 32])
                .bytes()
                .all(|byte| byte == b'-' || ALPHABET.contains(&byte))
        );
    }

    #[test]
    fn one_wrong_character_or_two_swapped_ones_change_the_check() {
        let symbols = [3, 9, 27, 1, 0, 31, 14, 5, 5, 8, 20, 2];
        let right = check(&symbols);
        for place in 0..symbols.len() {
            for wrong in (0..32).filter(|wrong| *wrong != symbols[place]) {
                let mut typed = symbols;
                typed[place] = wrong;
                assert_ne!(check(&typed), right);
            }
            let mut swapped = symbols;
            swapped.swap(place, (place + 1) % symbols.len());
            let same = swapped == symbols;
            let far = symbols[place].abs_diff(symbols[(place + 1) % symbols.len()]) == 16;
            assert!(
                same || far || place == 11 || check(&swapped) != right,
                "{place}"
            );
        }
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
