//! How the parts of a letter that people read travel: as they are where mail carries them so, else
//! encoded.

use lettre::message::header::{ContentTransferEncoding, ContentType};
use lettre::message::{Body, SinglePart};
use memchr::{memchr, memchr_iter, memmem, memrchr};

/// Longest line of a letter, in bytes without its end. Source: RFC 5322 §2.1.1.
const LINE_LIMIT: usize = 998;

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
    let beyond = letters_beyond(html.as_bytes());
    if beyond == 0 || beyond > html.len() / FEW || has_beyond_in_styles(html) {
        Beyond::Stays
    } else {
        Beyond::AsReferences
    }
}

/// How many letters beyond ASCII a text has. Counted in pieces whose number fits a byte, so that many
/// bytes are looked at together.
fn letters_beyond(text: &[u8]) -> usize {
    let begin = |byte: &u8| u8::from(*byte >= 0b1100_0000);
    let pieces = text.chunks(usize::from(u8::MAX));
    let counted = pieces.map(|piece| usize::from(piece.iter().map(begin).sum::<u8>()));
    counted.sum()
}

/// A text with the line ends of mail.
struct MailLines {
    text: String,
    /// Whether mail carries it as it is. Source: RFC 2045 §2.7; a line that begins with "From " would
    /// get a `>` before it in a mailbox that is one file (RFC 4155), which no signature outlasts.
    seven_bit: bool,
}

/// Gives a text the line ends of mail.
fn mail_lines(text: &str, beyond: Beyond) -> MailLines {
    let bare_return = memchr(b'\r', text.as_bytes()).is_some_and(|_| has_bare_return(text));
    let text = match beyond {
        Beyond::Stays => with_mail_ends(text),
        Beyond::AsReferences => with_mail_ends(&with_references(text)),
    };
    let bytes = text.as_bytes();
    let seven_bit = text.is_ascii()
        && !bare_return
        && memchr(b'\0', bytes).is_none()
        && !has_long_line(bytes)
        && !text.starts_with("From ")
        && memmem::find(bytes, b"\nFrom ").is_none();
    MailLines { text, seven_bit }
}

fn has_bare_return(text: &str) -> bool {
    let mut after_returns = text.split('\r').skip(1);
    after_returns.any(|after| !after.starts_with('\n'))
}

/// The library would put each line end in by moving all that follows, which takes the square of the
/// time for a long text.
fn with_mail_ends(text: &str) -> String {
    let mut lines = String::with_capacity(text.len() + text.len() / 16);
    let mut begin = 0;
    for end in memchr_iter(b'\n', text.as_bytes()) {
        let line = &text[begin..end];
        lines.push_str(line.strip_suffix('\r').unwrap_or(line));
        lines.push_str("\r\n");
        begin = end + 1;
    }
    lines.push_str(&text[begin..]);
    lines
}

/// The text with a character reference for each letter beyond ASCII.
fn with_references(text: &str) -> String {
    let mut ascii = String::with_capacity(text.len() + text.len() / 16);
    let mut rest = text;
    loop {
        let (before, from) = rest.split_at(ascii_until(rest));
        ascii.push_str(before);
        let mut letters = from.chars();
        let Some(letter) = letters.next() else {
            return ascii;
        };
        ascii.extend(["&#", &u32::from(letter).to_string(), ";"]);
        rest = letters.as_str();
    }
}

/// How many bytes of ASCII a text begins with: found many at a time.
fn ascii_until(text: &str) -> usize {
    let pieces = text.as_bytes().chunks(64);
    let whole = pieces.take_while(|piece| piece.is_ascii());
    let whole: usize = whole.map(<[u8]>::len).sum();
    let rest = &text.as_bytes()[whole..];
    whole + rest.iter().take_while(|byte| byte.is_ascii()).count()
}

/// Whether any line is longer than it may be. Looked for from the end of each stretch in which the
/// longest line would end: the lines before its last end are no longer than the stretch.
pub(super) fn has_long_line(content: &[u8]) -> bool {
    let mut rest = content;
    while rest.len() > LINE_LIMIT {
        let stretch = &rest[..rest.len().min(LINE_LIMIT + b"\r\n".len())];
        match memrchr(b'\n', stretch) {
            Some(feed) => rest = &rest[feed + 1..],
            None => return true,
        }
    }
    false
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
