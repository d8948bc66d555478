//! The kind of a failure, for counting: a code, never the words, which may name an address.

/// The kind of a failure by what was written down about it: `smtp_550`, `whatsapp_131026`, or
/// `other`.
pub fn kind(reason: &str) -> String {
    let mut numbers = reason
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| word.bytes().all(|byte| byte.is_ascii_digit()));
    let known = numbers.find_map(|number| match number.len() {
        3 if number.starts_with(['4', '5']) => Some(format!("smtp_{number}")),
        // Source: https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes
        5 | 6 => Some(format!("whatsapp_{number}")),
        _ => None,
    });
    known.unwrap_or_else(|| "other".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_code_is_left_of_a_reason() {
        for (reason, expected) in [
            ("550 5.1.1 <anna@example.org> unknown", "smtp_550"),
            ("given up after 7 refusals: 450 busy", "smtp_450"),
            (
                "131026: the phone +77011234567 has no account",
                "whatsapp_131026",
            ),
            ("the template is gone", "other"),
            ("", "other"),
        ] {
            assert_eq!(kind(reason), expected);
        }
    }
}
