//! What a letter must be to go over the wire.

use super::super::body::LINE_LIMIT;

/// The end of every content.
const END: &[u8] = b"\r\n.\r\n";

/// A content as it goes over the wire, its end included: a dot at the beginning of a line is doubled
/// (RFC 5321 §4.5.2). One piece, so that it can leave by one write.
///
/// Nothing goes over the wire whose lines do not all end with CR LF: a bare CR or LF could look like
/// the end of the letter to one server and not to the next, and smuggle a second letter in.
pub(super) fn on_the_wire(content: &[u8]) -> Result<Vec<u8>, &'static str> {
    let content = content.strip_suffix(b"\r\n").unwrap_or(content);
    let mut wire = Vec::with_capacity(content.len() + content.len() / 64 + END.len());
    let mut rest = content;
    loop {
        let end = memchr::memchr2(b'\r', b'\n', rest);
        let line = &rest[..end.unwrap_or(rest.len())];
        if line.len() > LINE_LIMIT {
            return Err("a line of the letter is longer than 998 bytes");
        }
        if line.first() == Some(&b'.') {
            wire.push(b'.');
        }
        wire.extend_from_slice(line);
        let Some(end) = end else {
            wire.extend_from_slice(END);
            return Ok(wire);
        };
        match rest[end..].strip_prefix(b"\r\n") {
            Some(after) => rest = after,
            None => return Err("a line of the letter does not end with CR LF"),
        }
        wire.extend_from_slice(b"\r\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_lines_of_bearable_length_are_content() {
        assert!(on_the_wire(&[b'x'; 998]).is_ok());
        assert!(on_the_wire(&[b'x'; 999]).is_err());
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
        ] {
            let made = on_the_wire(content.as_bytes()).unwrap();
            assert_eq!(String::from_utf8(made).unwrap(), wire, "{content:?}");
        }
    }
}
