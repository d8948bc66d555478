//! What Meta tells, as plain values. How it is found in the body of a webhook is in `reading`.
//!
//! A client may have no phone here: who has a user name is known by a user id of the business alone.

use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};

use crate::rules::delivery::feedback::Report;
use crate::rules::delivery::reaction::Reaction;
use crate::rules::delivery::whatsapp_codes;

/// Something that Meta tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// What became of a message of ours.
    Status(Status),
    /// A client wrote or tapped a button.
    Inbound(Inbound),
    /// A client used Meta's own switch for advertising.
    Preference(Preference),
    /// A template was approved, paused, disabled …
    TemplateStatus(TemplateStatus),
    /// How good the number or a template is in the eyes of those who get its messages.
    Quality(Quality),
    /// Something that is not known here, as it was.
    Unknown {
        /// The field of the webhook, such as `account_update`.
        field: String,
        /// The part that is not known, as JSON.
        json: String,
    },
}

/// What became of a message of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// The id of the message at WhatsApp.
    pub wamid: String,
    /// What happened.
    pub word: StatusWord,
    /// When, by Meta's clock.
    pub at: Option<DateTime<Utc>>,
    /// The key that we gave to the message.
    pub key: Option<String>,
    /// The client's phone in E.164, when he shows one.
    pub phone: Option<String>,
    /// The client's user id, which is there even without a phone.
    pub user_id: Option<String>,
    /// Why it failed; the first one counts.
    pub failures: Vec<Failure>,
}

/// The words of a status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StatusWord {
    /// It left.
    Sent,
    /// It is on a device of the client.
    Delivered,
    /// It was opened; also a voice message that was played.
    Read,
    /// It could not be delivered.
    Failed,
}

/// Why a message failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The code, which decides.
    pub code: i64,
    /// Meta's words, for people.
    pub words: String,
}

/// A client wrote or tapped a button.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inbound {
    /// The id of the client's message.
    pub id: String,
    /// When, by Meta's clock.
    pub at: Option<DateTime<Utc>>,
    /// The client's phone in E.164, when he shows one.
    pub from: Option<String>,
    /// The client's user id.
    pub user_id: Option<String>,
    /// The name that the client gave himself.
    pub name: Option<String>,
    /// Meta's word for the kind: `text`, `button`, `image`, `reaction` …
    pub kind: String,
    /// What he wrote: the text, the words of the button, the line under a picture.
    pub text: Option<String>,
    /// What we put behind the button: `stop:KEY`.
    pub payload: Option<String>,
    /// The id at WhatsApp of the message that he answers.
    pub context: Option<String>,
}

impl Inbound {
    /// The word and the key of the message that stand behind a button of ours.
    pub fn button(&self) -> Option<(&str, &str)> {
        let (word, key) = self.payload.as_deref()?.split_once(':')?;
        (!word.is_empty() && !key.is_empty()).then_some((word, key))
    }
}

/// A client used Meta's own switch for advertising.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preference {
    /// The client's phone in E.164, when he shows one.
    pub phone: Option<String>,
    /// The client's user id.
    pub user_id: Option<String>,
    /// Whether he wants none. `false` lets Meta deliver again; it is no consent given to us.
    pub stop: bool,
    /// When, by Meta's clock.
    pub at: Option<DateTime<Utc>>,
}

/// A template was approved, paused, disabled …
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateStatus {
    /// The approved name.
    pub name: String,
    /// The language code.
    pub language: String,
    /// Meta's word in capitals: `APPROVED`, `REJECTED`, `PAUSED`, `DISABLED`, `FLAGGED` …
    pub event: String,
    /// Why, in Meta's words.
    pub reason: Option<String>,
}

impl TemplateStatus {
    /// Whether messages with the template leave; nothing when the word does not say.
    pub fn is_usable(&self) -> Option<bool> {
        match self.event.as_str() {
            "APPROVED" | "REINSTATED" => Some(true),
            "PAUSED" | "DISABLED" | "REJECTED" | "PENDING_DELETION" | "DELETED" | "ARCHIVED"
            | "LIMIT_EXCEEDED" => Some(false),
            _ => None,
        }
    }
}

/// How good the number or a template is in the eyes of those who get its messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quality {
    /// The number as people write it, or the name of the template.
    pub about: String,
    /// Meta's word: `FLAGGED`, `UNFLAGGED`, `DOWNGRADE`, or the new score `RED`.
    pub event: String,
    /// How many clients a day may be written to, in Meta's word: `TIER_1K`.
    pub limit: Option<String>,
}

impl Status {
    /// The report for the fold of everything that came back.
    pub fn report(&self) -> Report {
        match self.word {
            StatusWord::Sent => Report::Sent,
            StatusWord::Delivered => Report::Delivered,
            StatusWord::Read => Report::Read,
            StatusWord::Failed => Report::Failed,
        }
    }

    /// What follows from a failure, and its code; nothing when it did not fail.
    pub fn reaction(&self) -> Option<(Option<i64>, Reaction)> {
        if self.word != StatusWord::Failed {
            return None;
        }
        let code = self.failures.first().map(|failure| failure.code);
        // A failure without a code is one that nobody knows: -1 is in no table.
        Some((code, whatsapp_codes::reported(code.unwrap_or(-1))))
    }
}

impl Event {
    /// A text that is the same for the same event however often it comes: its unique key.
    pub fn fingerprint(&self) -> String {
        match self {
            Self::Status(status) => format!("status:{}:{:?}", status.wamid, status.word),
            Self::Inbound(inbound) => format!("inbound:{}", inbound.id),
            Self::Unknown { field, json } => hashed(&format!("{field}\0{json}")),
            // No ids here: the same content at the same time is the same event.
            Self::Preference(_) | Self::TemplateStatus(_) | Self::Quality(_) => {
                hashed(&format!("{self:?}"))
            }
        }
    }
}

fn hashed(text: &str) -> String {
    format!("hash:{:x}", Sha256::digest(text))
}
