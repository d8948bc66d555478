//! How the parts of a letter that people read travel: as they are where mail carries them so, else
//! encoded.

use std::borrow::Cow;

use lettre::message::header::{ContentTransferEncoding, ContentType};
use lettre::message::{Body, SinglePart};
use memchr::{memchr, memchr_iter};

/// Longest line of a letter, in bytes without its end. Source: RFC 5322 §2.1.1.
pub(super) const LINE_LIMIT: usize = 998;

/// One letter beyond ASCII among so many bytes of HTML is written as a character reference.
const FEW: usize = 50;

/// The plain text of a letter.
pub(super) fn text_part(text: &str) -> SinglePart {
    readable(ContentType::TEXT_PLAIN, text)
}

/// The HTML of a letter.
pub(super) fn html_part(html: &str) -> SinglePart {
    readable(ContentType::TEXT_HTML, &seven_bit_html(html))
}

/// A part that people read. What mail carries as it is goes as it is, in lines of any lawful length;
/// all else is encoded by the library, which would also encode every line of more than 76 bytes.
fn readable(kind: ContentType, text: &str) -> SinglePart {
    let lines = with_crlf(text);
    let part = SinglePart::builder().header(kind);
    if is_seven_bit(&lines) {
        let encoding = ContentTransferEncoding::SevenBit;
        part.body(Body::dangerous_pre_encoded(lines.into_bytes(), encoding))
    } else {
        part.body(lines)
    }
}

/// Whether mail carries a text of lines ended by CR LF as it is. Source: RFC 2045 §2.7; a line that
/// begins with "From " would get a `>` before it in a mailbox that is one file (RFC 4155), which no
/// signature outlasts.
fn is_seven_bit(lines: &str) -> bool {
    lines.is_ascii()
        && memchr(b'\0', lines.as_bytes()).is_none()
        && lines_of(lines).all(|line| {
            let line = line.strip_suffix('\n').unwrap_or(line);
            let line = line.strip_suffix('\r').unwrap_or(line);
            line.len() <= LINE_LIMIT
                && memchr(b'\r', line.as_bytes()).is_none()
                && !line.starts_with("From ")
        })
}

/// HTML with its few letters beyond ASCII written as character references, such as `&#8212;`, so that
/// the rest of it need not be encoded for their sake. What has more of them stays as it is, as does
/// what has any in a style sheet, where there are no references.
fn seven_bit_html(html: &str) -> Cow<'_, str> {
    if html.is_ascii() {
        return html.into();
    }
    let beyond = lines_of(html).filter(|line| !line.is_ascii());
    let beyond: usize = beyond.map(letters_beyond).sum();
    if beyond > html.len() / FEW || has_beyond_in_styles(html) {
        return html.into();
    }
    let mut ascii = String::with_capacity(html.len() + beyond * "&#1114111;".len());
    for line in lines_of(html) {
        if line.is_ascii() {
            ascii.push_str(line);
        } else {
            push_with_references(&mut ascii, line);
        }
    }
    ascii.into()
}

/// How many letters of a line are beyond ASCII.
fn letters_beyond(line: &str) -> usize {
    line.chars().filter(|letter| !letter.is_ascii()).count()
}

fn push_with_references(ascii: &mut String, line: &str) {
    for letter in line.chars() {
        if letter.is_ascii() {
            ascii.push(letter);
        } else {
            ascii.extend(["&#", &u32::from(letter).to_string(), ";"]);
        }
    }
}

fn has_beyond_in_styles(html: &str) -> bool {
    let html = html.as_bytes();
    let stands_at = |at: usize, tag: &str| {
        let found = html.get(at..at + tag.len());
        found.is_some_and(|found| found.eq_ignore_ascii_case(tag.as_bytes()))
    };
    let mut sheet = None;
    for at in memchr_iter(b'<', html) {
        match sheet {
            None if stands_at(at, "<style") => sheet = Some(at),
            Some(begin) if stands_at(at, "</style") => {
                if !html[begin..at].is_ascii() {
                    return true;
                }
                sheet = None;
            }
            _ => {}
        }
    }
    sheet.is_some_and(|begin| !html[begin..].is_ascii())
}

/// A text with the line ends of mail. The library would put each of them in by moving all that
/// follows, which takes the square of the time for a long text.
fn with_crlf(text: &str) -> String {
    let mut lines = String::with_capacity(text.len() + text.len() / 16);
    for line in lines_of(text) {
        match line.strip_suffix('\n') {
            Some(open) if !open.ends_with('\r') => {
                lines.push_str(open);
                lines.push_str("\r\n");
            }
            _ => lines.push_str(line),
        }
    }
    lines
}

/// The lines of a text, each with its end. As `split_inclusive`, but found many bytes at a time.
fn lines_of(text: &str) -> impl Iterator<Item = &str> {
    let ends = memchr_iter(b'\n', text.as_bytes()).map(|at| at + 1);
    let mut begin = 0;
    ends.chain([text.len()]).map(move |end| {
        let line = &text[begin..end];
        begin = end;
        line
    })
}
