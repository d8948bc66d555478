//! What a letter must be to go over the wire.

/// Whether a content can go over the wire as it is. A bare CR or LF could look like the end of the
/// letter to one server and not to the next, and smuggle a second letter in.
pub(super) fn lawful(content: &[u8]) -> Result<(), &'static str> {
    let mut rest = content;
    loop {
        let end = memchr::memchr2(b'\r', b'\n', rest);
        if end.unwrap_or(rest.len()) > 998 {
            return Err("a line of the letter is longer than 998 bytes");
        }
        let Some(end) = end else { return Ok(()) };
        match rest[end..].strip_prefix(b"\r\n") {
            Some(after) => rest = after,
            None => return Err("a line of the letter does not end with CR LF"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_lines_of_bearable_length_are_content() {
        assert_eq!(lawful(b"a\r\n.\r\n\r\nb"), Ok(()));
        assert_eq!(lawful(b""), Ok(()));
        assert_eq!(lawful(&[b'x'; 998]), Ok(()));
        assert!(lawful(&[b'x'; 999]).is_err());
        for bad in [
            "a\nb", "a\rb", "a\n\r\n.", "a\r\r\n", "\r", "a\r\n.\n", "a\n.\r\n",
        ] {
            assert!(lawful(bad.as_bytes()).is_err(), "{bad:?}");
        }
    }
}
