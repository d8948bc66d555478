//! The first look at a file: whether it is text at all, how it is encoded, and its fingerprint.
//!
//! One pass over all bytes, without keeping them. What the text says is read afterwards.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::config::settings::Encoding;

/// Bytes read at once, and the most that is kept of the beginning.
const CHUNK: usize = 256 * 1024;
/// A zero byte this early means that the file is no text.
const BINARY_WITHIN: usize = 8 * 1024;

/// How the bytes of a file become text, once that is decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TextEncoding {
    /// UTF-8.
    Utf8,
    /// Windows-1251.
    Windows1251,
}

/// What the first look has found.
#[derive(Clone, Debug)]
pub(super) struct Scan {
    /// Bytes in the file.
    pub(super) size: u64,
    /// SHA-256 of the contents.
    pub(super) hash: [u8; 32],
    /// How to read it.
    pub(super) encoding: TextEncoding,
    /// The beginning of the file, for guessing the rest.
    pub(super) beginning: Vec<u8>,
}

/// Why a file is no table of text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum NotText {
    /// Nothing is in it.
    #[error("the file is empty")]
    Empty,
    /// It holds other things than text.
    #[error("{0}")]
    Binary(&'static str),
}

/// Looks through the file at `path`.
pub(super) fn scan(path: &Path, encoding: Encoding) -> io::Result<Result<Scan, NotText>> {
    let mut file = File::open(path)?;
    let mut hasher = Sha256::new();
    let mut utf8 = Utf8Count::default();
    let mut beginning = Vec::new();
    let mut chunk = vec![0; CHUNK];
    let mut size = 0;
    loop {
        let read = match file.read(&mut chunk) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        size += read as u64;
        hasher.update(&chunk[..read]);
        if encoding == Encoding::Auto {
            utf8.add(&chunk[..read]);
        }
        let kept = read.min(CHUNK - beginning.len());
        beginning.extend_from_slice(&chunk[..kept]);
    }
    if let Some(not_text) = not_text(&beginning) {
        return Ok(Err(not_text));
    }
    let encoding = match encoding {
        Encoding::Utf8 => TextEncoding::Utf8,
        Encoding::Windows1251 => TextEncoding::Windows1251,
        Encoding::Auto => utf8.verdict(),
    };
    Ok(Ok(Scan {
        size,
        hash: hasher.finalize().into(),
        encoding,
        beginning,
    }))
}

/// What a file is that cannot be read as a table of text, by its first bytes.
fn not_text(beginning: &[u8]) -> Option<NotText> {
    const WORKBOOK: &str =
        "the file is a workbook and not a text: save it as \"CSV UTF-8\" in the spreadsheet";
    const UTF16: &str =
        "the file is in UTF-16: save it as \"CSV UTF-8\" and not as \"Unicode text\"";
    let trimmed = beginning.trim_ascii_start();
    let without_mark = trimmed.strip_prefix(b"\xef\xbb\xbf").unwrap_or(trimmed);
    if without_mark.trim_ascii().is_empty() {
        return Some(NotText::Empty);
    }
    let early = &beginning[..beginning.len().min(BINARY_WITHIN)];
    let text = match beginning {
        [b'P', b'K', 3, 4, ..] | [0xd0, 0xcf, 0x11, 0xe0, ..] => WORKBOOK,
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => UTF16,
        _ if early.contains(&0) => "the file is binary and not a text",
        _ if is_html(trimmed) => {
            "the file is a web page that is named like a table: export it as CSV"
        }
        _ => return None,
    };
    Some(NotText::Binary(text))
}

/// Whether the text begins like a web page, as the .xls exports of some systems do.
fn is_html(beginning: &[u8]) -> bool {
    let bare = beginning.strip_prefix(b"\xef\xbb\xbf").unwrap_or(beginning);
    let head = bare[..bare.len().min(512)].to_ascii_lowercase();
    [&b"<html"[..], b"<!doctype", b"<table", b"<meta", b"<?xml"]
        .iter()
        .any(|tag| head.starts_with(tag))
}

/// Counts what speaks for and against UTF-8.
#[derive(Debug, Default)]
struct Utf8Count {
    /// Letters beyond ASCII that are well-formed UTF-8.
    well_formed: u64,
    /// Bytes that are not.
    broken: u64,
    /// The beginning of a letter that the last chunk cut.
    carried: Vec<u8>,
}

impl Utf8Count {
    fn add(&mut self, chunk: &[u8]) {
        let mut bytes = chunk;
        let joined;
        if !self.carried.is_empty() {
            joined = [std::mem::take(&mut self.carried).as_slice(), chunk].concat();
            bytes = &joined;
        }
        loop {
            match std::str::from_utf8(bytes) {
                Ok(text) => {
                    self.well_formed += letters_beyond_ascii(text);
                    return;
                }
                Err(error) => {
                    let (good, rest) = bytes.split_at(error.valid_up_to());
                    self.well_formed += std::str::from_utf8(good).map_or(0, letters_beyond_ascii);
                    let Some(len) = error.error_len() else {
                        rest.clone_into(&mut self.carried);
                        return;
                    };
                    self.broken += len as u64;
                    bytes = &rest[len..];
                }
            }
        }
    }

    /// A few broken bytes among many good letters are a damaged UTF-8 file, whose broken rows are
    /// reported; a text in Windows-1251 is broken all over.
    fn verdict(&self) -> TextEncoding {
        let broken = self.broken + self.carried.len() as u64;
        if broken == 0 || self.well_formed > 10 * broken {
            TextEncoding::Utf8
        } else {
            TextEncoding::Windows1251
        }
    }
}

fn letters_beyond_ascii(text: &str) -> u64 {
    if text.is_ascii() {
        return 0;
    }
    text.chars().filter(|c| !c.is_ascii()).count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(chunks: &[&[u8]]) -> TextEncoding {
        let mut count = Utf8Count::default();
        for chunk in chunks {
            count.add(chunk);
        }
        count.verdict()
    }

    #[test]
    fn utf8_is_told_from_windows_1251_even_across_chunks() {
        let text = "Клиент;Дата\nАнна;01.05.2026\n";
        let (one, two) = text.as_bytes().split_at(3);
        assert_eq!(verdict(&[one, two]), TextEncoding::Utf8);
        let (bytes, ..) = encoding_rs::WINDOWS_1251.encode(text);
        assert_eq!(verdict(&[&bytes]), TextEncoding::Windows1251);
        assert_eq!(verdict(&[b"client;date\n"]), TextEncoding::Utf8);
    }

    #[test]
    fn one_broken_byte_does_not_turn_a_whole_file_into_another_encoding() {
        let mut bytes = "Клиент;Дата\nАнна;01.05.2026\n".as_bytes().to_vec();
        bytes.push(0xff);
        assert_eq!(verdict(&[&bytes]), TextEncoding::Utf8);
    }

    #[test]
    fn files_that_are_no_text_are_named_for_what_they_are() {
        assert_eq!(not_text(b""), Some(NotText::Empty));
        assert_eq!(not_text(b"\xef\xbb\xbf\r\n"), Some(NotText::Empty));
        for (bytes, word) in [
            (&b"PK\x03\x04rest"[..], "workbook"),
            (b"\xff\xfei\0d\0", "UTF-16"),
            (b"\x7fELF\0\0", "binary"),
            (b"<html><table>", "web page"),
        ] {
            let text = not_text(bytes).unwrap().to_string();
            assert!(text.contains(word), "{text}");
        }
        assert_eq!(not_text(b"client,date\n"), None);
    }
}
