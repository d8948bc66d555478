//! How the parts of a letter that people read travel: as they are where mail carries them so, else
//! encoded.

use lettre::message::header::{ContentTransferEncoding, ContentType};
use lettre::message::{Body, SinglePart};
use memchr::{memchr, memchr_iter, memmem};

/// Longest line of a letter, in bytes without its end. Source: RFC 5322 §2.1.1.
pub(super) const LINE_LIMIT: usize = 998;

/// One letter beyond ASCII among so many bytes of HTML is written as a character reference.
const FEW: usize = 50;

/// The plain text of a letter.
pub(super) fn text_part(text: &str) -> SinglePart {
    readable(ContentType::TEXT_PLAIN, mail_lines(text, Beyond::Stays))
}

/// The HTML of a letter.
pub(super) fn html_part(html: &str) -> SinglePart {
    readable(ContentType::TEXT_HTML, mail_lines(html, beyond_in(html)))
}

/// A part that people read. What mail carries as it is goes as it is, in lines of any lawful length;
/// all else is encoded by the library, which would also encode every line of more than 76 bytes.
fn readable(kind: ContentType, lines: MailLines) -> SinglePart {
    let part = SinglePart::builder().header(kind);
    if lines.seven_bit {
        let encoding = ContentTransferEncoding::SevenBit;
        let text = lines.text.into_bytes();
        part.body(Body::dangerous_pre_encoded(text, encoding))
    } else {
        part.body(lines.text)
    }
}

/// What becomes of letters beyond ASCII.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Beyond {
    /// They stay as they are.
    Stays,
    /// They are written as character references, such as `&#8212;`.
    AsReferences,
}

/// What becomes of the letters beyond ASCII of HTML: a few are written as references, so that the rest
/// of it need not be encoded for their sake. Where there are more of them all stay as they are, as
/// they do where a style sheet has any, in which there are no references.
fn beyond_in(html: &str) -> Beyond {
    let begins_letter = |byte: &&u8| **byte >= 0b1100_0000;
    let beyond = html.as_bytes().iter().filter(begins_letter).count();
    if beyond == 0 || beyond > html.len() / FEW || has_beyond_in_styles(html) {
        Beyond::Stays
    } else {
        Beyond::AsReferences
    }
}

/// A text with the line ends of mail.
struct MailLines {
    text: String,
    /// Whether mail carries it as it is. Source: RFC 2045 §2.7; a line that begins with "From " would
    /// get a `>` before it in a mailbox that is one file (RFC 4155), which no signature outlasts.
    seven_bit: bool,
}

/// Gives a text the line ends of mail. The library would put each of them in by moving all that
/// follows, which takes the square of the time for a long text.
fn mail_lines(text: &str, beyond: Beyond) -> MailLines {
    let has_returns = memchr(b'\r', text.as_bytes()).is_some();
    let mut seven_bit = memchr(b'\0', text.as_bytes()).is_none();
    let mut lines = String::with_capacity(text.len() + text.len() / 16);
    for line in lines_of(text) {
        let (open, end) = match line.strip_suffix('\n') {
            Some(open) => (open.strip_suffix('\r').unwrap_or(open), "\r\n"),
            None => (line, ""),
        };
        let begin = lines.len();
        if open.is_ascii() {
            lines.push_str(open);
        } else if beyond == Beyond::AsReferences {
            push_with_references(&mut lines, open);
        } else {
            lines.push_str(open);
            seven_bit = false;
        }
        seven_bit &= lines.len() - begin <= LINE_LIMIT
            && !open.starts_with("From ")
            && !(has_returns && open.contains('\r'));
        lines.push_str(end);
    }
    MailLines {
        text: lines,
        seven_bit,
    }
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
    // Few elements begin with an s.
    [b"<s", b"<S"].iter().any(|name| {
        let mut sheet_end = 0;
        memmem::find_iter(html, name).any(|begin| {
            if begin < sheet_end || !stands_at(begin, "<style") {
                return false;
            }
            let mut ends = memmem::find_iter(&html[begin..], b"</").map(|at| begin + at);
            let end = ends.find(|at| stands_at(*at, "</style"));
            sheet_end = end.unwrap_or(html.len());
            !html[begin..sheet_end].is_ascii()
        })
    })
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
