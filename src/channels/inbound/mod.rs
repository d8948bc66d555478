//! Mail that comes back: bounces, complaints, automatic replies, answers.
//!
//! Here a mail is read and its marks are collected; nothing is concluded. Which message it is
//! about, and whether the marks can be trusted, is found out in `jobs::intake`. Reading is tolerant:
//! there is no mail that is an error, only mail that says nothing.
//!
//! Source: RFC 3464 (delivery status notifications), RFC 5965 (abuse reports), RFC 3834 (automatic
//! replies), RFC 6533 (reports on addresses in any script), RFC 8098 (disposition notifications).

pub mod maildir;
mod report;

use mail_parser::{Message, MessageParser, MimeHeaders, PartType};

pub use report::{Action, Fate, Status};

/// The longest text of an answer that is read, in bytes.
const LONGEST_TEXT: usize = 64 * 1024;

/// The most marks of one kind that are collected.
const MOST_MARKS: usize = 64;

/// A mail that came back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mail {
    /// What it is.
    pub kind: MailKind,
    /// The addresses that it came to, in small letters: our return path, our mailboxes.
    pub to: Vec<String>,
    /// The address that wrote it, as it says itself.
    pub from: Option<String>,
    /// Its own id, without brackets.
    pub message_id: Option<String>,
    /// The ids of the messages that it answers, the nearest first.
    pub answers: Vec<String>,
}

/// What a mail is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum MailKind {
    /// Nothing can be read out of it.
    #[default]
    Nothing,
    /// A report on delivery.
    Bounce {
        /// What happened to each recipient.
        fates: Vec<Fate>,
        /// Marks of the message that it is about.
        about: Marks,
    },
    /// Somebody called a message spam.
    Complaint {
        /// The kind of the complaint: `abuse`, `not-spam` …
        feedback: String,
        /// Marks of the message that it is about.
        about: Marks,
    },
    /// A machine answered: away from the desk, received, read.
    Automatic,
    /// A person wrote.
    Letter {
        /// The subject.
        subject: String,
        /// The text, what it quotes included.
        text: String,
    },
}

/// Marks of a message of ours in a report about it. Anybody could have written them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    /// What we called the delivery (`ENVID`).
    pub envelope_id: Option<String>,
    /// The key that we wrote into the head of the message.
    pub keys: Vec<String>,
    /// The ids that the message had, without brackets.
    pub message_ids: Vec<String>,
}

/// Reads a mail.
pub fn read(raw: &[u8]) -> Mail {
    let Some(message) = MessageParser::default().parse(raw) else {
        return Mail::default();
    };
    let mut mail = Mail {
        kind: MailKind::Nothing,
        to: addressees(&message),
        from: sender(&message),
        message_id: message.message_id().map(str::to_owned),
        answers: answered(&message),
    };
    mail.kind = kind(&message);
    mail
}

fn kind(message: &Message<'_>) -> MailKind {
    match report_type(message).as_deref() {
        Some("delivery-status") => return bounce(message),
        Some("feedback-report") => return complaint(message),
        // A receipt: the program of the reader wrote it.
        Some(_) => return MailKind::Automatic,
        None => {}
    }
    if is_automatic(message) {
        return MailKind::Automatic;
    }
    let text = message.body_text(0).unwrap_or_default();
    MailKind::Letter {
        subject: message.subject().unwrap_or_default().to_owned(),
        text: cut(&text, LONGEST_TEXT).to_owned(),
    }
}

/// The kind of the report that a mail says it is; it also counts where only its part says so.
fn report_type(message: &Message<'_>) -> Option<String> {
    let whole = message.content_type()?;
    if whole.ctype().eq_ignore_ascii_case("multipart")
        && whole
            .subtype()
            .is_some_and(|sub| sub.eq_ignore_ascii_case("report"))
    {
        let said = whole.attribute("report-type").map(str::to_ascii_lowercase);
        let found = || {
            let parts = ["delivery-status", "feedback-report"];
            parts
                .into_iter()
                .find(|part| !parts_of(message, part).is_empty())
                .map(str::to_owned)
        };
        return said.or_else(found).or(Some(String::new()));
    }
    None
}

/// The texts of the parts of type `message/<subtype>`.
fn parts_of(message: &Message<'_>, subtype: &str) -> Vec<String> {
    let parts = message.parts.iter().filter(|part| {
        part.content_type().is_some_and(|of| {
            of.ctype().eq_ignore_ascii_case("message")
                && of.subtype().is_some_and(|sub| {
                    sub.eq_ignore_ascii_case(subtype)
                        || sub.eq_ignore_ascii_case(&format!("global-{subtype}"))
                })
        })
    });
    let texts = parts.map(|part| match &part.body {
        PartType::Text(text) | PartType::Html(text) => text.to_string(),
        PartType::Binary(bytes) | PartType::InlineBinary(bytes) => {
            String::from_utf8_lossy(bytes).into_owned()
        }
        PartType::Message(inner) => String::from_utf8_lossy(inner.raw_message()).into_owned(),
        PartType::Multipart(_) => String::new(),
    });
    texts
        .take(4)
        .map(|text| cut(&text, LONGEST_TEXT).to_owned())
        .collect()
}

fn bounce(message: &Message<'_>) -> MailKind {
    let mut about = marks_of_returned(message);
    let mut fates = Vec::new();
    for text in parts_of(message, "delivery-status") {
        let read = report::delivery_status(&text);
        about.envelope_id = about.envelope_id.or(read.envelope_id);
        fates.extend(read.fates);
    }
    fates.truncate(MOST_MARKS);
    MailKind::Bounce { fates, about }
}

fn complaint(message: &Message<'_>) -> MailKind {
    let mut about = marks_of_returned(message);
    let mut feedback = String::new();
    for text in parts_of(message, "feedback-report") {
        let read = report::feedback(&text);
        feedback = read.kind;
        about.envelope_id = about.envelope_id.or(read.envelope_id);
    }
    MailKind::Complaint { feedback, about }
}

/// The marks in the message, or in the head of the message, that a report gives back.
fn marks_of_returned(message: &Message<'_>) -> Marks {
    let mut marks = Marks::default();
    for part in &message.parts {
        if let PartType::Message(returned) = &part.body {
            add_marks(&mut marks, returned);
            continue;
        }
        let is_head = part.content_type().is_some_and(|of| {
            of.subtype().is_some_and(|sub| {
                let sub = sub.to_ascii_lowercase();
                sub.ends_with("rfc822-headers") || sub == "global-headers"
            })
        });
        if is_head {
            let head = match &part.body {
                PartType::Text(text) | PartType::Html(text) => text.as_bytes(),
                PartType::Binary(bytes) | PartType::InlineBinary(bytes) => bytes,
                PartType::Message(_) | PartType::Multipart(_) => continue,
            };
            if let Some(returned) = MessageParser::default().parse(head) {
                add_marks(&mut marks, &returned);
            }
        }
    }
    marks.keys.truncate(MOST_MARKS);
    marks.message_ids.truncate(MOST_MARKS);
    marks
}

fn add_marks(marks: &mut Marks, returned: &Message<'_>) {
    let key = returned.header_raw("X-Msg-Key").map(str::trim);
    marks.keys.extend(key.map(str::to_owned));
    let id = returned.message_id().map(str::to_owned);
    marks.message_ids.extend(id);
}

/// Whether a machine wrote it. Source: RFC 3834 §2 and §5, and what servers did before it.
fn is_automatic(message: &Message<'_>) -> bool {
    let has = |name: &'static str| message.header_raw(name).is_some();
    let says = |name: &'static str, words: &[&str]| {
        message.header_raw(name).is_some_and(|value| {
            let value = value.trim().to_ascii_lowercase();
            words.iter().any(|word| value.starts_with(word))
        })
    };
    let submitted = message.header_raw("Auto-Submitted").map(str::trim);
    let by_machine = submitted.is_some_and(|word| !word.to_ascii_lowercase().starts_with("no"));
    let no_sender = says("Return-Path", &["<>"]);
    let of_daemon = sender(message).is_some_and(|from| {
        let local = from.split('@').next().unwrap_or_default();
        ["mailer-daemon", "postmaster"].contains(&local)
    });
    by_machine
        || no_sender
        || of_daemon
        || says("Precedence", &["bulk", "junk", "list", "auto_reply"])
        || has("List-Id")
        || [
            "X-Autoreply",
            "X-Autorespond",
            "X-Autogenerated",
            "X-Failed-Recipients",
        ]
        .into_iter()
        .any(has)
}

fn sender(message: &Message<'_>) -> Option<String> {
    let from = message.from()?.first()?.address()?;
    Some(from.trim().to_lowercase())
}

/// Every address in the heads that say where a mail was delivered to.
fn addressees(message: &Message<'_>) -> Vec<String> {
    let heads = [
        "Delivered-To",
        "X-Original-To",
        "Envelope-To",
        "X-Envelope-To",
        "To",
        "Cc",
    ];
    let mut addresses = Vec::new();
    for (name, value) in message.headers_raw() {
        if !heads.iter().any(|head| head.eq_ignore_ascii_case(name)) {
            continue;
        }
        let separates = |c: char| c.is_whitespace() || "<>,;:\"()".contains(c);
        let found = value.split(separates).filter(|word| word.contains('@'));
        addresses.extend(found.map(str::to_lowercase).take(MOST_MARKS));
    }
    addresses.truncate(MOST_MARKS);
    addresses
}

/// The ids that a mail says it answers: `In-Reply-To`, then `References` from the last one on.
fn answered(message: &Message<'_>) -> Vec<String> {
    let ids = |name: &'static str| -> Vec<String> {
        let value = message.header_raw(name).unwrap_or_default();
        let words = value.split(|c: char| c.is_whitespace() || c == '<' || c == '>');
        let ids = words.filter(|word| word.contains('@') && word.len() < 1_000);
        ids.map(str::to_owned).collect()
    };
    let mut all = ids("In-Reply-To");
    all.extend(ids("References").into_iter().rev());
    all.dedup();
    all.truncate(MOST_MARKS);
    all
}

/// The beginning of a text, at most so many bytes.
fn cut(text: &str, limit: usize) -> &str {
    let mut end = limit.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_machine_is_told_from_a_person() {
        for (head, automatic) in [
            ("Subject: Re: x", false),
            ("Auto-Submitted: no", false),
            ("Auto-Submitted: auto-replied (vacation)", true),
            ("Precedence: bulk", true),
            ("X-Autoreply: yes", true),
            ("Return-Path: <>", true),
            ("Return-Path: <anna@example.org>", false),
        ] {
            let raw = format!("From: Anna <Anna@example.org>\r\n{head}\r\n\r\nHello\r\n");
            let mail = read(raw.as_bytes());
            assert_eq!(mail.kind == MailKind::Automatic, automatic, "{head}");
            assert_eq!(mail.from.as_deref(), Some("anna@example.org"));
        }
    }

    #[test]
    fn an_answer_names_what_it_answers_the_nearest_first() {
        let raw = b"From: a@example.org\r\nTo: \"Shop\" <Hello@example.org>, b@example.org\r\n\
            Message-ID: <own@example.org>\r\nIn-Reply-To: <2@x.example>\r\n\
            References: <1@x.example>\r\n <2@x.example>\r\nSubject: Re\r\n\r\nYes\r\n";
        let mail = read(raw);
        assert_eq!(mail.answers, ["2@x.example", "1@x.example"]);
        assert_eq!(mail.to, ["hello@example.org", "b@example.org"]);
        assert_eq!(mail.message_id.as_deref(), Some("own@example.org"));
        assert!(matches!(&mail.kind, MailKind::Letter { text, .. } if text.trim() == "Yes"));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn arbitrary_bytes_never_panic(raw in prop::collection::vec(any::<u8>(), 0..2048)) {
            let _ = read(&raw);
        }

        #[test]
        fn arbitrary_reports_never_panic(
            kind in prop::sample::select(vec!["delivery-status", "feedback-report", "x", ""]),
            part in "(\\PC|[\r\n:;<>@]){0,400}",
        ) {
            let raw = format!(
                "From: MAILER-DAEMON@example.org\r\nContent-Type: multipart/report; \
                 report-type={kind}; boundary=b\r\n\r\n--b\r\nContent-Type: message/{kind}\r\n\r\n\
                 {part}\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n{part}\r\n--b--\r\n"
            );
            let _ = read(raw.as_bytes());
        }
    }
}
