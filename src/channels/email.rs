//! Builds the MIME form of a letter.
//!
//! The same message gives the same bytes at every attempt: the date, the message id and the key
//! come from the caller, and the boundary is derived from them. No value can add a header: names
//! and subjects lose their control characters, addresses are parsed.
//!
//! Sources: RFC 5322 (headers), RFC 2047 (encoded words), RFC 2369 and RFC 8058 (`List-Unsubscribe`
//! with one click), RFC 2919 (`List-ID`), RFC 3834 (`Auto-Submitted`), RFC 5891 (A-labels), RFC 6532
//! (any letters before the `@`).

use chrono::{DateTime, FixedOffset};
use lettre::Address;
use lettre::message::header::{
    self, ContentTransferEncoding, ContentType, HeaderName, HeaderValue, Headers,
};
use lettre::message::{
    Attachment, Body, Mailbox, Mailboxes, MultiPart, MultiPartBuilder, SinglePart,
};
use sha2::{Digest, Sha256};

use super::body::{html_part, text_part};

/// Longest name or subject that goes into a header, in characters.
const HEADER_TEXT_LIMIT: usize = 300;

/// Longest value of a header without a place to fold it, in bytes: with the name of the header it has
/// to stay within [`LINE_LIMIT`](super::body::LINE_LIMIT).
const HEADER_TOKEN_LIMIT: usize = 900;

/// How many headers a letter has, at most.
const HEADERS: usize = 12;

/// The most that goes along with one letter, in bytes before their encoding. Mailbox providers take
/// letters of some 20 MB, and a mailing of large ones fills everybody's queues.
pub const ENCLOSURES_LIMIT: usize = 5 * 1024 * 1024;

/// A letter that is ready to leave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmailMessage {
    /// The key of the message: letters, digits, `-`, `_` and `.`; stable over all attempts.
    pub key: String,
    /// The domain of the message id: the one that letters are sent from.
    pub message_id_domain: String,
    /// When the letter was written; the same at every attempt.
    pub date: DateTime<FixedOffset>,
    /// Who writes.
    pub from: Party,
    /// Who reads.
    pub to: Party,
    /// Who gets the answers, when it is not the sender.
    pub reply_to: Option<Party>,
    /// The subject.
    pub subject: String,
    /// The plain text.
    pub text: String,
    /// The HTML document.
    pub html: String,
    /// How to leave the list; absent for letters to managers.
    pub list: Option<MailingList>,
    /// Up to four fields `a:b:c:sender` for the reports of mailbox providers; no personal data.
    pub feedback_id: Option<String>,
}

/// What goes along with a letter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Enclosures {
    /// Pictures that the HTML shows as `<img src="cid:ID">`.
    pub pictures: Vec<Enclosure>,
    /// Files below the letter.
    pub files: Vec<Enclosure>,
}

/// A picture or a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enclosure {
    /// The id of a picture, a plain token; the name of a file, in any script.
    pub name: String,
    /// What it is: `image/png`, `application/pdf`.
    pub media_type: String,
    /// The content.
    pub bytes: Vec<u8>,
}

/// A name with an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Party {
    /// The name to show, in any script.
    pub name: Option<String>,
    /// The e-mail address, in any script.
    pub address: String,
}

/// What mail programs need to offer a way out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailingList {
    /// The id of the list as a domain: `winback.news.example.org`.
    pub id: String,
    /// What the list is called, in any script.
    pub title: Option<String>,
    /// The https address that takes the one-click POST.
    pub unsubscribe_url: String,
    /// The address that takes a letter instead.
    pub unsubscribe_mailto: Option<String>,
}

/// The bytes of a letter with what its envelope needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuiltEmail {
    /// The message id with its angle brackets.
    pub message_id: String,
    /// The sender's address, its domain in A-labels.
    pub from: String,
    /// The recipient's address, its domain in A-labels.
    pub to: String,
    /// The letter, lines ended by CR LF.
    pub bytes: Vec<u8>,
}

/// Why a letter cannot be built. The message can never be sent as it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EmailError {
    /// The address is not one that mail can be sent to.
    #[error("\"{0}\" is not an address that mail can be sent to")]
    Address(String),
    /// A value that must be a plain token is not one.
    #[error("{what} \"{value}\" may have only letters, digits and - _ . in it")]
    Token {
        /// Which value.
        what: &'static str,
        /// The value.
        value: String,
    },
    /// The way out is missing or not secure.
    #[error("\"{0}\" cannot be the address that ends the letters; it must be a https address")]
    Unsubscribe(String),
    /// What goes along is more than a letter may carry.
    #[error("pictures and files have {0} bytes; a letter may carry {ENCLOSURES_LIMIT}")]
    TooLarge(usize),
    /// A picture or a file is of no known kind.
    #[error("\"{0}\" is not a media type such as image/png")]
    MediaType(String),
    /// A part that must not be empty is empty.
    #[error("the letter has no {0}")]
    Empty(&'static str),
    /// The library found fault with the message.
    #[error("the letter cannot be built: {0}")]
    Build(String),
}

impl EmailMessage {
    /// Builds the bytes of a letter with nothing enclosed.
    pub fn build(&self) -> Result<BuiltEmail, EmailError> {
        self.build_with(&Enclosures::default())
    }

    /// Builds the bytes.
    pub fn build_with(&self, enclosures: &Enclosures) -> Result<BuiltEmail, EmailError> {
        for (what, text) in [
            ("subject", &self.subject),
            ("text", &self.text),
            ("HTML", &self.html),
        ] {
            if text.trim().is_empty() {
                return Err(EmailError::Empty(what));
            }
        }
        let key = token("the key", &self.key)?;
        let domain = ascii_domain(&self.message_id_domain)?;
        let message_id = format!("<{key}@{domain}>");
        let (from, to) = (self.from.mailbox()?, self.to.mailbox()?);
        let addresses = (from.email.to_string(), to.email.to_string());
        let mut headers = Headers::with_capacity(HEADERS);
        headers.insert_raw(raw("Date", self.date.to_rfc2822()));
        headers.set(header::From::from(Mailboxes::from(from)));
        headers.set(header::To::from(Mailboxes::from(to)));
        headers.set(header::Subject::from(clean(&self.subject)));
        headers.set(header::MessageId::from(message_id.clone()));
        if let Some(reply_to) = &self.reply_to {
            let reply_to = Mailboxes::from(reply_to.mailbox()?);
            headers.set(header::ReplyTo::from(reply_to));
        }
        if let Some(list) = &self.list {
            list.add_headers(&mut headers)?;
        }
        if let Some(feedback_id) = &self.feedback_id {
            headers.insert_raw(raw("Feedback-ID", clean(feedback_id)));
        }
        headers.insert_raw(raw("Auto-Submitted", "auto-generated".to_owned()));
        headers.insert_raw(raw("X-Msg-Key", key.to_owned()));
        headers.set(header::MIME_VERSION_1_0);
        // The builder of whole messages would read back who writes and when, which it has just written.
        let parts = self.parts(&message_id, enclosures)?.formatted();
        let headers = headers.to_string();
        let mut bytes = Vec::with_capacity(headers.len() + parts.len());
        bytes.extend(headers.into_bytes());
        bytes.extend(parts);
        Ok(BuiltEmail {
            message_id,
            from: addresses.0,
            to: addresses.1,
            bytes,
        })
    }

    /// Text first, HTML last: mail programs show the last part that they understand. Levels that
    /// have nothing to hold are left out.
    fn parts(&self, message_id: &str, enclosed: &Enclosures) -> Result<MultiPart, EmailError> {
        let all = enclosed.pictures.iter().chain(&enclosed.files);
        let size = all.map(|one| one.bytes.len()).sum();
        if size > ENCLOSURES_LIMIT {
            return Err(EmailError::TooLarge(size));
        }
        let html = html_part(&self.html);
        let letter = several("alternative", message_id)?.singlepart(text_part(&self.text));
        let letter = if enclosed.pictures.is_empty() {
            letter.singlepart(html)
        } else {
            let related = several("related", &format!("{message_id} related"))?;
            let mut related = related.singlepart(html);
            for picture in &enclosed.pictures {
                let id = token("a picture", &picture.name)?.to_owned();
                related = related.singlepart(picture.part(Attachment::new_inline(id))?);
            }
            letter.multipart(related)
        };
        if enclosed.files.is_empty() {
            return Ok(letter);
        }
        let mixed = several("mixed", &format!("{message_id} mixed"))?;
        let mut mixed = mixed.multipart(letter);
        for file in &enclosed.files {
            let name = clean(&file.name).replace(['/', '\\'], "-");
            if name.is_empty() {
                return Err(EmailError::Empty("name for a file"));
            }
            mixed = mixed.singlepart(file.part(Attachment::new(name))?);
        }
        Ok(mixed)
    }
}

impl MailingList {
    fn add_headers(&self, headers: &mut Headers) -> Result<(), EmailError> {
        let url = &self.unsubscribe_url;
        if !is_https(url) {
            return Err(EmailError::Unsubscribe(url.clone()));
        }
        let mut ways = format!("<{url}>");
        if let Some(mailto) = &self.unsubscribe_mailto {
            let address = address(mailto)?;
            ways = format!("{ways}, <mailto:{address}?subject=unsubscribe>");
        }
        let id = ascii_domain(&self.id)?;
        let title = self.title.as_deref().map(clean).unwrap_or_default();
        let id = format!("{title} <{id}>").trim_start().to_owned();
        let one_click = "List-Unsubscribe=One-Click".to_owned();
        headers.insert_raw(raw("List-Unsubscribe", ways));
        headers.insert_raw(raw("List-Unsubscribe-Post", one_click));
        headers.insert_raw(raw("List-ID", id));
        Ok(())
    }
}

impl Enclosure {
    /// Always in base 64: the encoding does not depend on the bytes.
    fn part(&self, attachment: Attachment) -> Result<SinglePart, EmailError> {
        let wrong = || EmailError::MediaType(self.media_type.clone());
        let plain = !self.media_type.contains(|c: char| c.is_control());
        let kind = plain.then(|| ContentType::parse(&self.media_type).ok());
        let kind = kind.flatten().ok_or_else(wrong)?;
        let body = Body::new_with_encoding(self.bytes.clone(), ContentTransferEncoding::Base64);
        let body = body.map_err(|_| EmailError::Build("a file cannot be encoded".to_owned()))?;
        Ok(attachment.body(body, kind))
    }
}

impl Party {
    fn mailbox(&self) -> Result<Mailbox, EmailError> {
        let name = self.name.as_deref().map(clean);
        let name = name.filter(|name| !name.is_empty());
        Ok(Mailbox::new(name, address(&self.address)?))
    }
}

/// Several parts in one, between boundaries that are made of `seed`.
fn several(kind: &'static str, seed: &str) -> Result<MultiPartBuilder, EmailError> {
    let boundary = boundary(seed);
    let kind = ContentType::parse(&format!("multipart/{kind}; boundary=\"{boundary}\""));
    let kind = kind.map_err(|error| EmailError::Build(error.to_string()))?;
    Ok(MultiPart::builder().header(kind))
}

/// A boundary that no text can contain by chance and that is the same at every build.
fn boundary(message_id: &str) -> String {
    let digest = Sha256::digest(message_id.as_bytes());
    let (first, _) = digest.split_at(16);
    let number = first
        .iter()
        .fold(0_u128, |number, byte| number << 8 | u128::from(*byte));
    format!("rk-{number:032x}")
}

fn raw(name: &'static str, value: String) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value)
}

/// Makes one line of a text for a header: no control characters, nothing that pretends to be an
/// encoded word, no endless names.
fn clean(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    let words = text.split(|c: char| c.is_control() || c.is_whitespace());
    for word in words.filter(|word| !word.is_empty()) {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    if line.contains("=?") {
        line = line.replace("=?", "= ?");
    }
    if let Some((end, _)) = line.char_indices().nth(HEADER_TEXT_LIMIT) {
        line.truncate(end);
    }
    line
}

fn token<'t>(what: &'static str, value: &'t str) -> Result<&'t str, EmailError> {
    let good = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let dots = value.starts_with('.') || value.ends_with('.') || value.contains("..");
    if value.is_empty() || value.len() > 200 || !value.chars().all(good) || dots {
        return Err(EmailError::Token {
            what,
            value: value.to_owned(),
        });
    }
    Ok(value)
}

fn address(text: &str) -> Result<Address, EmailError> {
    let wrong = || EmailError::Address(text.to_owned());
    let (user, domain) = text.trim().rsplit_once('@').ok_or_else(wrong)?;
    let domain = ascii_domain(domain)?;
    // Quoted local parts are lawful and never seen in earnest.
    let strange = |c: char| c.is_control() || c.is_whitespace() || "\"\\<>".contains(c);
    if user.contains(strange) {
        return Err(wrong());
    }
    Address::new(user, domain).map_err(|_| wrong())
}

fn ascii_domain(domain: &str) -> Result<String, EmailError> {
    let wrong = || EmailError::Address(domain.to_owned());
    let ascii = idna::domain_to_ascii(domain.trim()).map_err(|_| wrong())?;
    let good = |c: char| c.is_ascii_alphanumeric() || "-.".contains(c);
    if ascii.is_empty() || ascii.len() > 253 || !ascii.chars().all(good) {
        return Err(wrong());
    }
    Ok(ascii)
}

fn is_https(url: &str) -> bool {
    let strange = |c: char| !c.is_ascii_graphic() || "<>,\"".contains(c);
    url.starts_with("https://")
        && url.len() > "https://".len()
        && url.len() <= HEADER_TOKEN_LIMIT
        && !url.contains(strange)
}
