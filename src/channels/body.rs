//! How the parts of a letter that people read travel: as they are where mail carries them so, else
//! encoded.

use std::borrow::Cow;

use lettre::message::header::{ContentTransferEncoding, ContentType};
use lettre::message::{Body, SinglePart};

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
        && !lines.contains('\0')
        && lines.split('\n').all(|line| {
            let line = line.strip_suffix('\r').unwrap_or(line);
            line.len() <= LINE_LIMIT && !line.contains('\r') && !line.starts_with("From ")
        })
}

/// HTML with its few letters beyond ASCII written as character references, such as `&#8212;`, so that
/// the rest of it need not be encoded for their sake. What has more of them stays as it is, as does
/// what has any in a style sheet, where there are no references.
fn seven_bit_html(html: &str) -> Cow<'_, str> {
    let begins_beyond = |byte: &u8| *byte >= 0xc0;
    let beyond = html.as_bytes().iter().filter(|b| begins_beyond(b)).count();
    if beyond == 0 || beyond > html.len() / FEW || has_beyond_in_styles(html) {
        return html.into();
    }
    let mut ascii = String::with_capacity(html.len() + beyond * "&#1114111;".len());
    for character in html.chars() {
        if character.is_ascii() {
            ascii.push(character);
        } else {
            ascii.extend(["&#", &u32::from(character).to_string(), ";"]);
        }
    }
    ascii.into()
}

fn has_beyond_in_styles(html: &str) -> bool {
    let lower = html.to_ascii_lowercase();
    let sheets = lower.split("<style").skip(1);
    let mut sheets = sheets.map(|rest| rest.split_once("</style").map_or(rest, |(sheet, _)| sheet));
    !sheets.all(str::is_ascii)
}

/// A text with the line ends of mail. The library would put each of them in by moving all that
/// follows, which takes the square of the time for a long text.
fn with_crlf(text: &str) -> String {
    let mut lines = String::with_capacity(text.len() + text.len() / 16);
    for line in text.split_inclusive('\n') {
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
