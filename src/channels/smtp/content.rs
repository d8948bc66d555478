//! What a letter must be to go over the wire.

use memchr::memmem;

use super::super::body::has_long_line;

/// The end of every content.
const END: &[u8] = b"\r\n.\r\n";

/// A content as it goes over the wire, its end included: a dot at the beginning of a line is doubled
/// (RFC 5321 §4.5.2). One piece, so that it can leave by one write.
///
/// Nothing goes over the wire whose lines do not all end with CR LF: a bare CR or LF could look like
/// the end of the letter to one server and not to the next, and smuggle a second letter in.
pub(super) fn on_the_wire(content: &[u8]) -> Result<Vec<u8>, &'static str> {
    let content = content.strip_suffix(b"\r\n").unwrap_or(content);
    if !has_whole_lines(content) {
        return Err("a line of the letter does not end with CR LF");
    }
    if has_long_line(content) {
        return Err("a line of the letter is longer than 998 bytes");
    }
    let mut wire = Vec::with_capacity(content.len() + content.len() / 64 + END.len());
    if content.first() == Some(&b'.') {
        wire.push(b'.');
    }
    let mut copied = 0;
    for feed in memmem::find_iter(content, b"\n.") {
        wire.extend_from_slice(&content[copied..=feed]);
        wire.push(b'.');
        copied = feed + 1;
    }
    wire.extend_from_slice(&content[copied..]);
    wire.extend_from_slice(END);
    Ok(wire)
}

/// Whether no CR and no LF stands without the other.
fn has_whole_lines(content: &[u8]) -> bool {
    let (Some(first), Some(last)) = (content.first(), content.last()) else {
        return true;
    };
    let two = content.iter().zip(&content[1..]);
    // A sum without a way out before the end, so that many bytes are looked at together.
    let apart = two.fold(0, |apart, (one, next)| {
        apart | u8::from((*one == b'\r') != (*next == b'\n'))
    });
    apart == 0 && *first != b'\n' && *last != b'\r'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_lines_of_bearable_length_are_content() {
        assert!(on_the_wire(&[b'x'; 998]).is_ok());
        assert!(on_the_wire(&[b'x'; 999]).is_err());
        for (before, length, after, good) in [
            ("", 998, "\r\n", true),
            ("a\r\n", 998, "\r\nb\r\n", true),
            ("a\r\nb\r\n", 999, "\r\nb\r\n", false),
            ("\r\n", 998, "", true),
            ("\r\n", 999, "", false),
            ("", 999, "\r\n", false),
        ] {
            let content = format!("{before}{}{after}", "x".repeat(length));
            let made = on_the_wire(content.as_bytes());
            assert_eq!(made.is_ok(), good, "{before:?} {length} {after:?}");
        }
        for bad in [
            "a\nb", "a\rb", "a\n\r\n.", "a\r\r\n", "\r", "a\r\n.\n", "a\n.\r\n",
        ] {
            assert!(on_the_wire(bad.as_bytes()).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn no_line_of_a_content_looks_like_its_end() {
        for (content, wire) in [
            ("", "\r\n.\r\n"),
            ("a\r\n", "a\r\n.\r\n"),
            (".", "..\r\n.\r\n"),
            ("a\r\n.\r\n\r\nb", "a\r\n..\r\n\r\nb\r\n.\r\n"),
            ("..a\r\nb.\r\n", "...a\r\nb.\r\n.\r\n"),
            ("a\r\n.\r\n.b\r\n", "a\r\n..\r\n..b\r\n.\r\n"),
        ] {
            let made = on_the_wire(content.as_bytes()).unwrap();
            assert_eq!(String::from_utf8(made).unwrap(), wire, "{content:?}");
        }
    }
}
