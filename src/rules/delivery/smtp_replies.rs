//! What a reply of a mail server means, and what it means when none came.
//!
//! A table kept as data: the first row that fits decides. Rows with an enhanced code stand before
//! those of the basic code, because the enhanced one says more; words of the text are asked last,
//! where the codes alone leave it open. Nothing here talks to a server.
//!
//! Sources: RFC 5321 §4.2 (replies), RFC 3463 and the IANA registry of enhanced status codes,
//! RFC 2034 §4 (the class of both codes must agree), RFC 7504 and RFC 7505 (no mail here).

use super::reaction::{Fate, Measure, Reaction, Timetable};

/// How far a session had come when something was said, or was not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// The way to the server: name, route, socket, and TLS where it comes first.
    Connect,
    /// The server's first words.
    Greeting,
    /// `EHLO`.
    Hello,
    /// `STARTTLS` and what follows it.
    Encryption,
    /// `AUTH`.
    Login,
    /// `MAIL FROM`.
    Sender,
    /// `RCPT TO`.
    Recipient,
    /// `DATA`, up to the 354.
    Data,
    /// From the first byte of the content to the reply to the dot.
    Content,
}

/// An enhanced status code: the `1.1` of `5.1.1`; its class is that of the reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Enhanced {
    /// What the code is about: address 1, mailbox 2, system 3, network 4, protocol 5, content 6,
    /// policy 7.
    pub subject: u16,
    /// What about it.
    pub detail: u16,
}

/// What a server said.
#[derive(Clone, Copy, Debug)]
pub struct Said<'t> {
    /// The reply code.
    pub code: u16,
    /// The enhanced code, when there was one.
    pub enhanced: Option<Enhanced>,
    /// The text, in any case.
    pub text: &'t str,
}

impl Enhanced {
    /// Reads the code that `text` begins with; it counts only when its class is that of `code`.
    pub fn read(code: u16, text: &str) -> Option<Self> {
        let word = text.split_whitespace().next()?;
        let mut parts = word.split('.');
        let mut number = || -> Option<u16> {
            let part = parts.next()?;
            let digits = part.len() <= 3 && part.bytes().all(|byte| byte.is_ascii_digit());
            digits.then(|| part.parse().ok()).flatten()
        };
        let (class, subject, detail) = (number()?, number()?, number()?);
        (parts.next().is_none() && class == code / 100).then_some(Self { subject, detail })
    }
}

/// Whether a reply code is what the stage asks for.
pub const fn fulfils(stage: Stage, code: u16) -> bool {
    match stage {
        Stage::Connect => false,
        Stage::Greeting | Stage::Encryption => code == 220,
        Stage::Hello | Stage::Sender => code == 250,
        Stage::Login => code == 235,
        Stage::Recipient => matches!(code, 250..=252),
        Stage::Data => code == 354,
        Stage::Content => matches!(code, 200..=299),
    }
}

/// What follows from a reply.
///
/// A positive reply that the stage does not ask for breaks the protocol: it belongs to something
/// else, and nothing may be concluded from it.
pub fn reaction(stage: Stage, said: &Said<'_>) -> Reaction {
    if stage == Stage::Content && fulfils(stage, said.code) {
        return Reaction::ACCEPTED;
    }
    let text = said.text.to_lowercase();
    let row = TABLE.iter().find(|row| row.fits(stage, said, &text));
    row.map_or_else(|| reaction_to_silence(stage), |row| row.reaction)
}

/// What follows when there was no reply: a timeout, a reset, a closed connection, garbage.
pub const fn reaction_to_silence(stage: Stage) -> Reaction {
    let fate = match stage {
        // The server can have taken the message before its reply was lost.
        Stage::Content => Fate::Unknown,
        // The attempt counts: a message that a server dies of must not come back for ever.
        Stage::Recipient | Stage::Data => Fate::Retry(Timetable::Mail),
        _ => Fate::GiveBack,
    };
    Reaction::with(fate, Measure::CountAgainstChannel)
}

/// A row of the table.
struct Row {
    stages: &'static [Stage],
    /// The first and the last reply code.
    codes: (u16, u16),
    status: Status,
    /// One of these must be in the text, in small letters; an empty list asks for none.
    words: &'static [&'static str],
    reaction: Reaction,
}

/// "Other protocol status": used for anything, missing mailboxes too, so it says nothing.
const OTHER_PROTOCOL: Enhanced = Enhanced {
    subject: 5,
    detail: 0,
};

/// What a row asks of the enhanced code.
enum Status {
    /// Nothing.
    Any,
    /// This subject, whatever the detail.
    About(u16),
    /// Exactly this code.
    Is(u16, u16),
}

impl Row {
    fn fits(&self, stage: Stage, said: &Said<'_>, text: &str) -> bool {
        let status = match (&self.status, said.enhanced) {
            (Status::Any, _) => true,
            (_, None) => false,
            (Status::About(subject), Some(code)) => {
                code.subject == *subject && code != OTHER_PROTOCOL
            }
            (Status::Is(subject, detail), Some(code)) => {
                (code.subject, code.detail) == (*subject, *detail)
            }
        };
        status
            && self.stages.contains(&stage)
            && (self.codes.0..=self.codes.1).contains(&said.code)
            && (self.words.is_empty() || self.words.iter().any(|word| text.contains(word)))
    }
}

const fn row(
    stages: &'static [Stage],
    codes: (u16, u16),
    status: Status,
    words: &'static [&'static str],
    fate: Fate,
    measure: Measure,
) -> Row {
    Row {
        stages,
        codes,
        status,
        words,
        reaction: Reaction::with(fate, measure),
    }
}

use Fate::{Failed, GiveBack, Retry, Unknown};
use Measure::{
    CountAgainstChannel, CountSoftBounce, Nothing, SlowDomain, StopChannel, StopStep,
    SuppressAddress,
};
use Status::{About, Any, Is};

const LATER: Fate = Retry(Timetable::Mail);

/// Before a message is spoken of.
const OPENING: &[Stage] = &[
    Stage::Connect,
    Stage::Greeting,
    Stage::Hello,
    Stage::Encryption,
    Stage::Login,
];
/// Everything up to the 354.
const EARLY: &[Stage] = &[
    Stage::Connect,
    Stage::Greeting,
    Stage::Hello,
    Stage::Encryption,
    Stage::Login,
    Stage::Sender,
    Stage::Recipient,
    Stage::Data,
];
/// Where the message is spoken of.
const MESSAGE: &[Stage] = &[Stage::Sender, Stage::Recipient, Stage::Data, Stage::Content];
/// Where the recipient is known.
const RECIPIENT: &[Stage] = &[Stage::Recipient, Stage::Data, Stage::Content];

/// Words of a server that gets too much at once.
const TOO_FAST: &[&str] = &["rate", "too many", "too fast", "throttl", "slow down"];
/// Words for a mailbox that takes no more.
const FULL: &[&str] = &["quota", "full", "over limit", "insufficient storage"];
/// Words for a message that is too big.
const TOO_BIG: &[&str] = &["size", "too large", "too big", "too long"];
/// Words for an address that does not exist.
const NOBODY: &[&str] = &[
    "user unknown",
    "unknown user",
    "no such user",
    "user not found",
    "does not exist",
    "no such recipient",
    "unknown recipient",
    "recipient not found",
    "invalid recipient",
    "invalid mailbox",
    "no mailbox",
    "mailbox not found",
    "mailbox unavailable",
    "no such mailbox",
];
/// Words for us, our server or our letter, not for the recipient.
const OURSELVES: &[&str] = &[
    "spam",
    "block",
    "blacklist",
    "denied",
    "policy",
    "reputation",
    "relay",
    "spf",
    "dkim",
    "dmarc",
    "reverse dns",
    "ptr ",
    "listed",
    "authenticat",
    "content",
];

const TEMPORARY: (u16, u16) = (400, 499);
const PERMANENT: (u16, u16) = (500, 599);

/// The table: the first row that fits decides.
#[rustfmt::skip]
const TABLE: &[Row] = &[
    // The server closes; what it does with content that it has seen, it does not say.
    row(&[Stage::Content], (421, 421), Is(7, 28), &[], Unknown, SlowDomain),
    row(&[Stage::Content], (421, 421), Any, &[], Unknown, CountAgainstChannel),
    row(EARLY, (421, 421), Is(7, 28), &[], GiveBack, SlowDomain),
    row(EARLY, (421, 421), Any, &[], GiveBack, CountAgainstChannel),
    // Who we are: no message is concerned.
    row(&[Stage::Login, Stage::Encryption], PERMANENT, Any, &[], GiveBack, StopChannel),
    row(&[Stage::Hello], (500, 504), Any, &[], GiveBack, StopChannel),
    row(OPENING, (400, 599), Any, &[], GiveBack, CountAgainstChannel),
    row(MESSAGE, (530, 530), Any, &[], GiveBack, StopChannel),
    row(MESSAGE, (534, 535), Any, &[], GiveBack, StopChannel),
    row(MESSAGE, (538, 538), Any, &[], GiveBack, StopChannel),
    row(MESSAGE, PERMANENT, Is(7, 8), &[], GiveBack, StopChannel),
    row(MESSAGE, (454, 454), Any, &[], GiveBack, CountAgainstChannel),
    // Our own sender address.
    row(&[Stage::Sender], PERMANENT, Is(3, 4), &[], Failed, StopStep),
    row(&[Stage::Sender], (552, 552), Any, &[], Failed, StopStep),
    row(&[Stage::Sender], (500, 504), Any, &[], GiveBack, StopChannel),
    row(&[Stage::Sender], PERMANENT, About(5), &[], GiveBack, StopChannel),
    row(&[Stage::Sender], PERMANENT, Any, &[], GiveBack, CountAgainstChannel),
    row(&[Stage::Sender], TEMPORARY, Is(7, 28), &[], LATER, SlowDomain),
    row(&[Stage::Sender], TEMPORARY, Any, &[], LATER, CountAgainstChannel),
    // Not now.
    row(RECIPIENT, TEMPORARY, Is(7, 28), &[], LATER, SlowDomain),
    row(RECIPIENT, TEMPORARY, About(2), &[], LATER, Nothing),
    row(RECIPIENT, TEMPORARY, Any, TOO_FAST, LATER, SlowDomain),
    row(RECIPIENT, TEMPORARY, About(3), &[], LATER, CountAgainstChannel),
    row(RECIPIENT, TEMPORARY, About(4), &[], LATER, CountAgainstChannel),
    row(RECIPIENT, TEMPORARY, Any, &[], LATER, Nothing),
    // Never, by the enhanced code: the address.
    row(RECIPIENT, PERMANENT, Is(1, 1), &[], Failed, SuppressAddress),
    row(RECIPIENT, PERMANENT, Is(1, 2), &[], Failed, SuppressAddress),
    row(RECIPIENT, PERMANENT, Is(1, 3), &[], Failed, SuppressAddress),
    row(RECIPIENT, PERMANENT, Is(1, 6), &[], Failed, SuppressAddress),
    row(RECIPIENT, PERMANENT, Is(1, 10), &[], Failed, SuppressAddress),
    row(RECIPIENT, PERMANENT, Is(1, 7), &[], Failed, CountAgainstChannel),
    row(RECIPIENT, PERMANENT, Is(1, 8), &[], Failed, CountAgainstChannel),
    row(RECIPIENT, PERMANENT, About(1), &[], Failed, CountSoftBounce),
    // The mailbox.
    row(RECIPIENT, PERMANENT, Is(2, 1), &[], Failed, SuppressAddress),
    row(RECIPIENT, PERMANENT, Is(2, 3), &[], Failed, Nothing),
    row(RECIPIENT, PERMANENT, About(2), &[], Failed, CountSoftBounce),
    // The server and the way to it. Microsoft 365 names unknown recipients 5.4.1.
    row(RECIPIENT, PERMANENT, Is(3, 4), &[], Failed, StopStep),
    row(RECIPIENT, PERMANENT, About(3), &[], Failed, CountAgainstChannel),
    row(RECIPIENT, PERMANENT, Is(4, 1), &["recipient address rejected"], Failed, SuppressAddress),
    row(RECIPIENT, PERMANENT, About(4), &[], Failed, CountSoftBounce),
    // Our letter, and what is thought of us.
    row(RECIPIENT, PERMANENT, About(6), &[], Failed, StopStep),
    row(RECIPIENT, PERMANENT, About(7), &[], Failed, CountAgainstChannel),
    // The protocol: a fault of ours, or an address that nobody can write down rightly.
    row(RECIPIENT, (550, 550), About(5), NOBODY, Failed, SuppressAddress),
    row(&[Stage::Recipient], (501, 501), Any, &[], Failed, CountAgainstChannel),
    row(RECIPIENT, PERMANENT, About(5), &[], GiveBack, StopChannel),
    row(RECIPIENT, (500, 504), Any, &[], GiveBack, StopChannel),
    // Never, by the basic code and what the text adds to it.
    row(RECIPIENT, PERMANENT, Any, FULL, Failed, CountSoftBounce),
    row(RECIPIENT, PERMANENT, Any, NOBODY, Failed, SuppressAddress),
    row(RECIPIENT, (552, 552), Any, TOO_BIG, Failed, StopStep),
    row(RECIPIENT, (552, 552), Any, &[], Failed, CountSoftBounce),
    row(RECIPIENT, PERMANENT, Any, OURSELVES, Failed, CountAgainstChannel),
    row(&[Stage::Recipient], (550, 551), Any, &[], Failed, SuppressAddress),
    row(&[Stage::Recipient], (553, 553), Any, &[], Failed, SuppressAddress),
    row(&[Stage::Recipient], (556, 556), Any, &[], Failed, SuppressAddress),
    row(RECIPIENT, PERMANENT, Any, &[], Failed, CountAgainstChannel),
];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const STAGES: [Stage; 9] = [
        Stage::Connect,
        Stage::Greeting,
        Stage::Hello,
        Stage::Encryption,
        Stage::Login,
        Stage::Sender,
        Stage::Recipient,
        Stage::Data,
        Stage::Content,
    ];

    fn after(stage: Stage, line: &str) -> (Fate, Measure) {
        let (code, text) = line.split_once(' ').unwrap_or((line, ""));
        let code = code.parse().unwrap();
        let said = Said {
            code,
            enhanced: Enhanced::read(code, text),
            text,
        };
        let reaction = reaction(stage, &said);
        (reaction.fate, reaction.measure)
    }

    #[test]
    #[rustfmt::skip]
    fn real_replies_lead_where_they_should() {
        use Stage::{Content, Data, Encryption, Greeting, Hello, Login, Recipient, Sender};
        for (stage, line, fate, measure) in [
            (Content, "250 2.0.0 Ok: queued as 4B1", Fate::Accepted, Nothing),
            (Greeting, "554 5.7.1 no SMTP service here", GiveBack, CountAgainstChannel),
            (Greeting, "421 too busy", GiveBack, CountAgainstChannel),
            (Hello, "502 command not implemented", GiveBack, StopChannel),
            (Hello, "550 bad name", GiveBack, CountAgainstChannel),
            (Encryption, "454 4.7.0 TLS not available", GiveBack, CountAgainstChannel),
            (Encryption, "502 5.5.1 not offered", GiveBack, StopChannel),
            (Login, "535 5.7.8 bad credentials", GiveBack, StopChannel),
            (Login, "454 4.7.0 temporary failure", GiveBack, CountAgainstChannel),
            (Sender, "530 5.7.0 must issue STARTTLS first", GiveBack, StopChannel),
            (Sender, "550 5.7.1 sender refused", GiveBack, CountAgainstChannel),
            (Sender, "552 5.3.4 message size exceeds", Failed, StopStep),
            (Sender, "451 4.3.0 later", LATER, CountAgainstChannel),
            (Recipient, "450 4.2.0 greylisted", LATER, Nothing),
            (Recipient, "451 4.7.1 greylisting in action", LATER, Nothing),
            (Recipient, "452 4.2.2 mailbox full", LATER, Nothing),
            (Recipient, "451 4.3.0 queue file write error", LATER, CountAgainstChannel),
            (Recipient, "450 4.7.1 rate limit exceeded", LATER, SlowDomain),
            (Recipient, "421 4.7.28 unusual rate", GiveBack, SlowDomain),
            (Recipient, "550 5.1.1 user unknown", Failed, SuppressAddress),
            (Recipient, "550 5.1.10 null MX", Failed, SuppressAddress),
            (Recipient, "550 5.2.1 mailbox disabled", Failed, SuppressAddress),
            (Recipient, "552 5.2.2 mailbox full", Failed, CountSoftBounce),
            (Recipient, "550 5.7.1 relay access denied", Failed, CountAgainstChannel),
            (Recipient, "550 5.4.1 Recipient address rejected: Access denied", Failed, SuppressAddress),
            (Recipient, "550 5.5.0 Requested action not taken: mailbox unavailable", Failed, SuppressAddress),
            (Recipient, "550 no such user here", Failed, SuppressAddress),
            (Recipient, "550 blocked by our list", Failed, CountAgainstChannel),
            (Recipient, "550 quota exceeded", Failed, CountSoftBounce),
            (Recipient, "501 5.1.3 bad address syntax", Failed, SuppressAddress),
            (Recipient, "501 what?", Failed, CountAgainstChannel),
            (Recipient, "503 5.5.1 MAIL first", GiveBack, StopChannel),
            (Data, "554 5.5.1 no valid recipients", GiveBack, StopChannel),
            (Content, "421 4.3.2 shutting down", Unknown, CountAgainstChannel),
            (Content, "451 4.7.1 try again", LATER, Nothing),
            (Content, "550 5.7.26 unauthenticated sender", Failed, CountAgainstChannel),
            (Content, "550 5.7.515 access denied", Failed, CountAgainstChannel),
            (Content, "552 5.3.4 too big", Failed, StopStep),
            (Content, "554 5.6.0 bad content", Failed, StopStep),
            (Content, "554 5.7.1 spam", Failed, CountAgainstChannel),
            (Content, "550 5.1.1 no such user", Failed, SuppressAddress),
        ] {
            assert_eq!(after(stage, line), (fate, measure), "{stage:?}: {line}");
        }
    }

    #[test]
    fn an_enhanced_code_of_another_class_says_nothing() {
        assert_eq!(Enhanced::read(450, "5.1.1 user unknown"), None);
        assert_eq!(after(Stage::Recipient, "450 5.1.1 user unknown").0, LATER);
        for bad in ["", "5.1", "5.1.1.1", "5.1.x", "5.1.9999", "a.b.c"] {
            assert_eq!(Enhanced::read(550, bad), None, "{bad}");
        }
    }

    #[test]
    fn without_a_reply_only_the_content_leaves_a_doubt() {
        for stage in STAGES {
            let reaction = reaction_to_silence(stage);
            assert_eq!(reaction.fate == Unknown, stage == Stage::Content);
            assert_eq!(reaction.measure, CountAgainstChannel);
        }
        // A positive reply that was not asked for belongs to something else.
        assert_eq!(after(Stage::Content, "354 go").0, Unknown);
        assert_eq!(after(Stage::Data, "250 ok").0, LATER);
        assert_eq!(after(Stage::Sender, "354 go").0, GiveBack);
    }

    proptest! {
        #[test]
        fn only_a_2xx_after_the_content_is_accepted(
            stage in proptest::sample::select(&STAGES[..]), code in 200_u16..600, text in ".{0,40}",
        ) {
            let said = Said { code, enhanced: Enhanced::read(code, &text), text: &text };
            let fate = reaction(stage, &said).fate;
            prop_assert_eq!(
                fate == Fate::Accepted,
                stage == Stage::Content && (200..300).contains(&code)
            );
            // A definite no leaves no doubt, except where the server goes away.
            let definite = (400..600).contains(&code) && code != 421;
            prop_assert!(!(definite && fate == Unknown));
        }
    }
}
