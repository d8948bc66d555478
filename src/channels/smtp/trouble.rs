//! What a server said, and what went wrong.

use std::fmt;

use crate::rules::delivery::reaction::Reaction;
use crate::rules::delivery::smtp_replies::{Enhanced, Said, Stage, reaction, reaction_to_silence};

/// How much of a reply is kept, in bytes.
const KEPT: usize = 512;

/// A whole reply of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The reply code.
    pub code: u16,
    /// The enhanced code, when there was one of the same class.
    pub enhanced: Option<Enhanced>,
    /// The lines as they came, without the code of each, joined by spaces: the first 512 bytes,
    /// control characters left out.
    pub text: String,
}

impl Reply {
    /// Reads a reply of one or more whole lines.
    pub(super) fn read(raw: &[u8]) -> Option<Self> {
        let digits = raw.get(..3).filter(|d| d.iter().all(u8::is_ascii_digit))?;
        let code = std::str::from_utf8(digits).ok()?.parse().ok()?;
        let kept = String::from_utf8_lossy(&raw[..raw.len().min(KEPT)]).into_owned();
        let lines = kept.lines().map(|line| line.get(4..).unwrap_or_default());
        let text = lines.collect::<Vec<_>>().join(" ");
        let text: String = text.chars().filter(|c| !c.is_control()).collect();
        Some(Self {
            code,
            enhanced: Enhanced::read(code, &text),
            text: text.trim().to_owned(),
        })
    }

    fn reaction(&self, stage: Stage) -> Reaction {
        let said = Said {
            code: self.code,
            enhanced: self.enhanced,
            text: &self.text,
        };
        reaction(stage, &said)
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.code, self.text)
    }
}

/// Why a step did not succeed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Cause {
    /// The server said no, or something that was not asked for.
    #[error("the server said {0}")]
    Reply(Reply),
    /// The step took longer than it may.
    #[error("no answer in time")]
    Deadline,
    /// The other side closed the connection.
    #[error("the connection was closed")]
    Closed,
    /// The connection broke; what the system called it.
    #[error("the connection broke: {0}")]
    Broken(String),
    /// The reply was no SMTP, or had no end.
    #[error("the reply was no SMTP")]
    Garbage,
    /// The server spoke without being asked.
    #[error("the server spoke out of turn")]
    OutOfTurn,
    /// The certificate of the server, or TLS with it.
    #[error("no TLS: {0}")]
    Tls(String),
    /// What the configuration asks for and the server does not offer.
    #[error("the server does not offer {0}")]
    NotOffered(&'static str),
    /// The letter itself.
    #[error("{0}")]
    Letter(&'static str),
    /// The session was used in a state in which it cannot be.
    #[error("the session is no longer good")]
    Unusable,
}

/// A step that did not succeed: how far things had come, why, and what follows.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {cause}", said_of(*.stage))]
pub struct Trouble {
    /// The step.
    pub stage: Stage,
    /// Why.
    pub cause: Cause,
    /// What follows for the message, its address and the channel.
    pub reaction: Reaction,
}

impl Trouble {
    /// The server said something else than what was hoped for.
    pub(super) fn said(stage: Stage, reply: Reply) -> Self {
        Self {
            stage,
            reaction: reply.reaction(stage),
            cause: Cause::Reply(reply),
        }
    }

    /// There was no reply that counts.
    pub(super) fn silence(stage: Stage, cause: Cause) -> Self {
        Self {
            stage,
            cause,
            reaction: reaction_to_silence(stage),
        }
    }

    /// Something that no reply stands for.
    pub(super) fn with(stage: Stage, cause: Cause, reaction: Reaction) -> Self {
        Self {
            stage,
            cause,
            reaction,
        }
    }

    /// What the server said, when it said something.
    pub fn reply(&self) -> Option<&Reply> {
        match &self.cause {
            Cause::Reply(reply) => Some(reply),
            _ => None,
        }
    }
}

/// The step, for people.
fn said_of(stage: Stage) -> &'static str {
    match stage {
        Stage::Connect => "on the way to the server",
        Stage::Greeting => "at the greeting",
        Stage::Hello => "after EHLO",
        Stage::Encryption => "at STARTTLS",
        Stage::Login => "at the login",
        Stage::Sender => "after MAIL FROM",
        Stage::Recipient => "after RCPT TO",
        Stage::Data => "after DATA",
        Stage::Content => "after the content",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_of_many_lines_is_one_text_and_its_first_code_counts() {
        let raw = b"550-5.7.25 no PTR\r\n550 5.7.25 record\x07\r\n";
        let reply = Reply::read(raw).unwrap();
        assert_eq!(reply.to_string(), "550 5.7.25 no PTR 5.7.25 record");
        let expected = Enhanced {
            subject: 7,
            detail: 25,
        };
        assert_eq!(reply.enhanced, Some(expected));
        assert_eq!(Reply::read(b"250\r\n").unwrap().text, "");
        assert_eq!(Reply::read(b"2"), None);
        let long = [b"250 ".as_slice(), &[b'x'; 9000]].concat();
        assert_eq!(Reply::read(&long).unwrap().text.len(), KEPT - 4);
        // A letter cut in two by the bound is no trouble.
        let cut = [b"250 ".as_slice(), "я".repeat(400).as_bytes()].concat();
        assert!(Reply::read(&cut).unwrap().text.starts_with("яя"));
    }
}
