//! What an answer of the Cloud API says: the message was taken, or why not.
//!
//! Pure text to values; the connection is the business of [`super::api`].

use std::time::Duration;

use chrono::DateTime;
use serde::Deserialize;

use crate::rules::delivery::reaction::Reaction;
use crate::rules::delivery::whatsapp_codes::{self, Broken};

/// How much of an answer is kept for people.
const KEPT: usize = 512;

/// The longest that anybody is believed who asks to wait.
const LONGEST_WAIT: Duration = Duration::from_hours(24);

/// Longest id that is believed.
const LONGEST_ID: usize = 512;

/// The API has taken the message over. That is not yet sent: a webhook says more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// The id of the message at WhatsApp, by which its statuses come back.
    pub wamid: String,
    /// The phone as WhatsApp knows it, digits only; may differ from ours in some countries.
    pub wa_id: Option<String>,
    /// Whether the message is kept back for now.
    pub held: Option<Held>,
}

/// Why a message that was taken does not leave yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Held {
    /// Meta first watches how the first recipients of the template take it.
    QualityAssessment,
    /// The template is paused.
    Paused,
    /// Something newer than this program, in Meta's word.
    Other(String),
}

/// The message was not taken, or nobody knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// What follows from it.
    pub reaction: Reaction,
    /// The code of the API, where it spoke.
    pub code: Option<i64>,
    /// The HTTP status, where there was an answer.
    pub http_status: Option<u16>,
    /// What happened, in words; for logs and for the story of the message.
    pub what: String,
    /// The first 512 bytes of the answer.
    pub answer: String,
    /// How long the API asks to wait, at most a day.
    pub retry_after: Option<Duration>,
}

/// An answer as it came over the wire.
#[derive(Debug)]
pub(super) struct Answer<'a> {
    /// The HTTP status.
    pub(super) status: u16,
    /// The header `Retry-After`.
    pub(super) retry_after: Option<&'a str>,
    /// The header `Date`.
    pub(super) date: Option<&'a str>,
    /// The body, as far as it was read.
    pub(super) body: &'a [u8],
    /// Whether that is all of it.
    pub(super) is_whole: bool,
}

#[derive(Deserialize)]
struct Good {
    #[serde(default)]
    contacts: Vec<Contact>,
    messages: Vec<Message>,
}

#[derive(Deserialize)]
struct Contact {
    wa_id: Option<String>,
}

#[derive(Deserialize)]
struct Message {
    id: String,
    message_status: Option<String>,
}

#[derive(Deserialize)]
struct Bad {
    error: Error,
}

#[derive(Deserialize)]
struct Error {
    code: i64,
    message: Option<String>,
    #[serde(rename = "error_data")]
    data: Option<ErrorData>,
}

#[derive(Deserialize)]
struct ErrorData {
    details: Option<String>,
}

/// Reads an answer. The code decides, not the status: the API writes both.
pub(super) fn read(answer: &Answer<'_>) -> Result<Taken, Trouble> {
    if (200..300).contains(&answer.status)
        && answer.is_whole
        && let Some(taken) = taken(answer.body)
    {
        return Ok(taken);
    }
    let trouble = |reaction, code, what| Trouble {
        reaction,
        code,
        http_status: Some(answer.status),
        what,
        answer: beginning(answer.body),
        retry_after: wait(answer.retry_after, answer.date),
    };
    let error = serde_json::from_slice::<Bad>(answer.body);
    let error = error.ok().filter(|_| answer.is_whole);
    if let Some(Bad { error }) = error {
        let reaction = whatsapp_codes::answered(error.code);
        return Err(trouble(reaction, Some(error.code), words(&error)));
    }
    let reaction = whatsapp_codes::broken(Broken::Strange(answer.status));
    let what = match answer.status {
        200..=299 => "an answer without the id of a message",
        300..=399 => "an answer that sends elsewhere, which is not followed",
        _ => "an answer that is not from the API",
    };
    let what = format!("{what} (HTTP {})", answer.status);
    Err(trouble(reaction, None, what))
}

fn taken(body: &[u8]) -> Option<Taken> {
    let good: Good = serde_json::from_slice(body).ok()?;
    // One message was asked for: two ids, or none, is an answer to something else.
    let [message] = <[Message; 1]>::try_from(good.messages).ok()?;
    let id_is_good = !message.id.is_empty()
        && message.id.len() <= LONGEST_ID
        && message.id.chars().all(|c| c.is_ascii_graphic());
    let contact = good.contacts.into_iter().next();
    id_is_good.then(|| Taken {
        wamid: message.id,
        wa_id: contact.and_then(|contact| contact.wa_id),
        held: message.message_status.as_deref().and_then(held),
    })
}

fn held(status: &str) -> Option<Held> {
    match status {
        "accepted" => None,
        "held_for_quality_assessment" => Some(Held::QualityAssessment),
        "paused" => Some(Held::Paused),
        _ => Some(Held::Other(status.chars().take(64).collect())),
    }
}

/// The words of an error of the API, if that is what an answer is.
pub(super) fn refusal(body: &[u8]) -> Option<String> {
    let bad: Bad = serde_json::from_slice(body).ok()?;
    Some(words(&bad.error))
}

fn words(error: &Error) -> String {
    let message = error.message.as_deref().unwrap_or_default();
    let data = error.data.as_ref();
    let details = data.and_then(|data| data.details.as_deref());
    let text = match details {
        Some(details) if !message.contains(details) => format!("{message} {details}"),
        _ => message.to_owned(),
    };
    let line: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(KEPT)
        .collect();
    format!("{} (code {})", line.trim(), error.code)
}

/// The beginning of an answer, whole characters only.
pub(super) fn beginning(body: &[u8]) -> String {
    let cut = &body[..body.len().min(KEPT)];
    match std::str::from_utf8(cut) {
        Ok(text) => text.to_owned(),
        Err(error) if error.error_len().is_none() => {
            String::from_utf8_lossy(&cut[..error.valid_up_to()]).into_owned()
        }
        Err(_) => String::from_utf8_lossy(cut).into_owned(),
    }
}

/// How long to wait. Source: RFC 9110 §10.2.3: seconds, or a date; the latter is counted from the
/// server's own `Date`, so that no clock of ours is needed.
fn wait(retry_after: Option<&str>, date: Option<&str>) -> Option<Duration> {
    let text = retry_after?.trim();
    let wait = if let Ok(seconds) = text.parse() {
        Duration::from_secs(seconds)
    } else {
        let until = DateTime::parse_from_rfc2822(text).ok()?;
        let now = DateTime::parse_from_rfc2822(date?.trim()).ok()?;
        (until - now).to_std().ok()?
    };
    Some(wait.min(LONGEST_WAIT))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::rules::delivery::reaction::{Fate, Measure, Timetable};

    fn answer(status: u16, body: &str) -> Result<Taken, Trouble> {
        read(&Answer {
            status,
            retry_after: None,
            date: None,
            body: body.as_bytes(),
            is_whole: true,
        })
    }

    #[test]
    fn the_documented_answer_is_an_acceptance() {
        let body = r#"{"messaging_product":"whatsapp","contacts":[{"input":"77011234567",
            "wa_id":"77011234567"}],"messages":[{"id":"wamid.HBgL","message_status":"accepted"}]}"#;
        let taken = answer(200, body).unwrap();
        assert_eq!(taken.wamid, "wamid.HBgL");
        assert_eq!(taken.wa_id.as_deref(), Some("77011234567"));
        assert_eq!(taken.held, None);
        for (word, held) in [
            ("held_for_quality_assessment", Held::QualityAssessment),
            ("paused", Held::Paused),
            ("new", Held::Other("new".to_owned())),
        ] {
            let taken = answer(200, &body.replace("accepted", word)).unwrap();
            assert_eq!(taken.held, Some(held));
        }
        // The contacts are of no weight.
        let bare = answer(201, r#"{"messages":[{"id":"wamid.1"}],"new":1}"#).unwrap();
        assert_eq!((bare.wamid.as_str(), bare.wa_id), ("wamid.1", None));
    }

    #[test]
    fn a_success_without_one_id_is_not_believed() {
        for body in [
            "",
            "{}",
            "ok",
            r#"{"messages":[]}"#,
            r#"{"messages":[{"id":""}]}"#,
            r#"{"messages":[{"id":7}]}"#,
            r#"{"messages":[{"id":"a b"}]}"#,
            r#"{"messages":[{"id":"a"},{"id":"b"}]}"#,
            r#"{"messages":[{"id":"a"}"#,
        ] {
            let trouble = answer(200, body).unwrap_err();
            assert_eq!(trouble.reaction.fate, Fate::Unknown, "{body}");
            assert_eq!(trouble.answer, body);
        }
        let cut = read(&Answer {
            status: 200,
            retry_after: None,
            date: None,
            body: br#"{"messages":[{"id":"a"}]}"#,
            is_whole: false,
        });
        assert_eq!(cut.unwrap_err().reaction.fate, Fate::Unknown);
    }

    #[test]
    fn the_code_decides_whatever_the_status() {
        let body = r#"{"error":{"message":"(#131056) pair","type":"OAuthException","code":131056,
            "error_data":{"details":"Too\nfast"},"fbtrace_id":"A"}}"#;
        for status in [200, 400, 429, 500, 503] {
            let trouble = answer(status, body).unwrap_err();
            assert_eq!(trouble.code, Some(131_056));
            assert_eq!(trouble.http_status, Some(status));
            let reaction = Reaction::only(Fate::Retry(Timetable::Pair));
            assert_eq!(trouble.reaction, reaction);
            assert_eq!(trouble.what, "(#131056) pair Too fast (code 131056)");
        }
    }

    #[test]
    fn a_wait_is_read_in_seconds_and_as_a_date() {
        let date = Some("Sun, 22 Nov 2026 10:00:00 GMT");
        for (retry_after, expected) in [
            (Some("7"), Some(7)),
            (Some(" 120 "), Some(120)),
            (Some("Sun, 22 Nov 2026 10:01:30 GMT"), Some(90)),
            (Some("Sun, 22 Nov 2026 09:00:00 GMT"), None),
            (Some("99999999"), Some(24 * 60 * 60)),
            (Some("soon"), None),
            (Some("-1"), None),
            (None, None),
        ] {
            let expected = expected.map(Duration::from_secs);
            assert_eq!(wait(retry_after, date), expected, "{retry_after:?}");
        }
        let limited = read(&Answer {
            status: 429,
            retry_after: Some("30"),
            date: None,
            body: b"slow down",
            is_whole: true,
        });
        let trouble = limited.unwrap_err();
        assert_eq!(trouble.retry_after, Some(Duration::from_secs(30)));
        assert_eq!(trouble.reaction.measure, Measure::SlowChannel);
    }

    #[test]
    fn only_the_beginning_of_an_answer_is_kept() {
        let long = "я".repeat(KEPT);
        assert_eq!(beginning(long.as_bytes()).len(), KEPT);
        let odd = format!("x{long}");
        assert_eq!(beginning(odd.as_bytes()).len(), KEPT - 1);
        assert!(!beginning(&[0xff, b'a']).is_empty());
    }

    proptest! {
        #[test]
        fn any_answer_is_read(
            status in 0_u16..1000,
            body in prop::collection::vec(any::<u8>(), 0..2048),
            is_whole: bool,
            retry_after in prop::option::of("\\PC{0,40}"),
        ) {
            let read = read(&Answer {
                status,
                retry_after: retry_after.as_deref(),
                date: retry_after.as_deref(),
                body: &body,
                is_whole,
            });
            prop_assert!(read.is_err());
        }
    }
}
