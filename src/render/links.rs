//! Links that may stand in a letter.
//!
//! Values come from imports and from people; a link made of one must not run a script or smuggle
//! a header into a `mailto:`. Signed links to our own pages are made elsewhere.

/// The link itself, when a letter may contain it.
pub(super) fn safe(link: &str) -> Result<String, String> {
    let link = link.trim();
    let (scheme, rest) = link.split_once(':').unwrap_or(("", ""));
    let rest_at = match scheme.to_ascii_lowercase().as_str() {
        "http" | "https" => rest.strip_prefix("//"),
        "mailto" | "tel" => Some(rest),
        // A picture that goes along with the letter.
        "cid" => Some(rest).filter(|id| id.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')),
        _ => None,
    };
    let strange = |c: char| {
        matches!(c, '"' | '\'' | '<' | '>' | '`' | '\\' | '{' | '}')
            || c.is_control()
            || c.is_whitespace()
    };
    match rest_at {
        Some(rest) if !rest.is_empty() && !rest.starts_with('/') && !link.contains(strange) => {
            Ok(link.to_owned())
        }
        _ => Err(format!(
            "\"{link}\" is no link that can be sent; it must begin with https://, http://, \
             mailto: or tel:"
        )),
    }
}

/// `tel:+79131234567` for a phone written in any way.
pub fn tel(phone: &str) -> Result<String, String> {
    let mut number = String::from("tel:");
    for c in phone.trim().chars() {
        match c {
            '0'..='9' => number.push(c),
            '+' if number == "tel:" => number.push(c),
            ' ' | '-' | '(' | ')' | '.' | '\u{a0}' | '\u{2011}' => {}
            _ => return Err(format!("\"{phone}\" is not a phone number")),
        }
    }
    if number.len() < "tel:112".len() {
        return Err(format!("\"{phone}\" is not a phone number"));
    }
    Ok(number)
}

/// `mailto:` with an optional subject.
pub fn mailto(address: &str, subject: Option<&str>) -> Result<String, String> {
    let address = address.trim();
    let strange = |c: char| c.is_control() || c.is_whitespace() || "\"'<>`\\{}?&,;:".contains(c);
    if !address.contains('@') || address.contains(strange) {
        return Err(format!("\"{address}\" is not an e-mail address"));
    }
    let mut link = format!("mailto:{}", percent_encoded(address, b"@+"));
    if let Some(subject) = subject {
        link.push_str("?subject=");
        link.push_str(&percent_encoded(subject, b""));
    }
    Ok(link)
}

/// Encodes everything but unreserved characters and `also`.
///
/// Source: RFC 3986 §2.1 and §2.3.
fn percent_encoded(text: &str, also: &[u8]) -> String {
    use std::fmt::Write;

    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || also.contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_links_that_open_a_page_a_letter_or_a_call_are_safe() {
        for good in [
            "https://example.org/a?b=c&d=%20",
            "HTTP://example.org",
            "mailto:anna@example.org",
            "tel:+79131234567",
        ] {
            assert_eq!(safe(good).as_deref(), Ok(good));
        }
        for bad in [
            "",
            "javascript:alert(1)",
            " JavaScript:alert(1)",
            "data:text/html,x",
            "https:",
            "https://",
            "https:///etc",
            "//example.org",
            "example.org",
            "https://example.org/\" onclick=\"x",
            "https://example.org/a b",
            "https://example.org/\r\nX: y",
            "java\nscript:alert(1)",
        ] {
            assert!(safe(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_phone_and_an_address_become_links() {
        assert_eq!(tel("+7 (913) 123-45-67").unwrap(), "tel:+79131234567");
        assert!(tel("call me").is_err() && tel("1+2+3").is_err() && tel("").is_err());
        assert_eq!(
            mailto("anna@example.org", Some("Заказ & co")).unwrap(),
            "mailto:anna@example.org?subject=%D0%97%D0%B0%D0%BA%D0%B0%D0%B7%20%26%20co"
        );
        assert!(mailto("a@b?bcc=c@d", None).is_err());
        assert!(mailto("nobody", None).is_err());
    }
}
