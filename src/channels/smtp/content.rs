//! What a letter must be to go over the wire.

use memchr::memchr_iter;

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
    if !has_whole_lines(content) {
        return Err("a line of the letter does not end with CR LF");
    }
    let mut wire = Vec::with_capacity(content.len() + content.len() / 64 + END.len());
    let (mut begin, mut copied) = (0, 0);
    let ends = memchr_iter(b'\n', content).map(|feed| feed - 1);
    for end in ends.chain([content.len()]) {
        let line = &content[begin..end];
        if line.len() > LINE_LIMIT {
            return Err("a line of the letter is longer than 998 bytes");
        }
        if line.first() == Some(&b'.') {
            wire.extend_from_slice(&content[copied..begin]);
            wire.push(b'.');
            copied = begin;
        }
        begin = end + b"\r\n".len();
    }
    wire.extend_from_slice(&content[copied..]);
    wire.extend_from_slice(END);
    Ok(wire)
}

/// Whether no CR and no LF stands without the other.
fn has_whole_lines(content: &[u8]) -> bool {
    let mut feeds = memchr_iter(b'\n', content);
    let count_of = |end| memchr_iter(end, content).count();
    feeds.all(|at| at > 0 && content[at - 1] == b'\r') && count_of(b'\r') == count_of(b'\n')
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
