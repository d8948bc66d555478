//! What the codes and the failures of the WhatsApp Cloud API mean, as data.
//!
//! A code decides alone; titles and texts are for people. The same code means one thing in the
//! answer to a request, where the message was turned away, and another in a webhook, where it had
//! been taken over before. Who reads the answers is `channels::whatsapp`.
//!
//! Source: Meta, Cloud API error codes, read in 2026-11.

use super::reaction::{Fate, Measure, Reaction, Timetable};

/// What a range of codes means in the answer to a request.
struct Row {
    first: i64,
    last: i64,
    reaction: Reaction,
}

const fn one(code: i64, reaction: Reaction) -> Row {
    Row {
        first: code,
        last: code,
        reaction,
    }
}

/// The account or the token: nothing of this channel can leave, and no message is to blame.
const STOP_CHANNEL: Reaction = Reaction::with(Fate::GiveBack, Measure::StopChannel);
/// Faster than the account may be.
const TOO_FAST: Reaction = Reaction::with(Fate::Retry(Timetable::Throughput), Measure::SlowChannel);
/// The request as this step makes it is wrong: the next client's would be as well.
const STOP_STEP: Reaction = Reaction::with(Fate::Failed, Measure::StopStep);
/// The template rests at Meta: messages wait until a person has looked at it.
const TEMPLATE_RESTS: Reaction = Reaction::with(Fate::GiveBack, Measure::StopStep);
const OUTAGE: Reaction = Reaction::only(Fate::Retry(Timetable::Outage));
const FAILED: Reaction = Reaction::only(Fate::Failed);

/// Every code that is known, in ascending order.
const CODES: &[Row] = &[
    // Authentication could not be checked.
    one(0, STOP_CHANNEL),
    // Server errors: unknown, and "service temporarily unavailable".
    one(1, OUTAGE),
    one(2, OUTAGE),
    // The token lacks a capability.
    one(3, STOP_CHANNEL),
    // Calls of the whole app.
    one(4, TOO_FAST),
    // The permission was not granted or was taken away.
    one(10, STOP_CHANNEL),
    // The number that messages leave from does not exist any more.
    one(33, STOP_CHANNEL),
    // A parameter that the API does not take.
    one(100, STOP_STEP),
    // The token has expired.
    one(190, STOP_CHANNEL),
    // Permissions.
    Row {
        first: 200,
        last: 299,
        reaction: STOP_CHANNEL,
    },
    // The account is blocked for breaking the rules.
    one(368, STOP_CHANNEL),
    // Calls of the business account.
    one(80_007, TOO_FAST),
    // Messages a second.
    one(130_429, TOO_FAST),
    // The person is in a group that Meta keeps free of advertising.
    one(130_472, FAILED),
    // The account may not write to this country.
    one(130_497, Reaction::with(Fate::Failed, Measure::StopCountry)),
    // "Something went wrong".
    one(131_000, OUTAGE),
    // Access denied.
    one(131_005, STOP_CHANNEL),
    // A required parameter is missing; one has a wrong value.
    one(131_008, STOP_STEP),
    one(131_009, STOP_STEP),
    // The service is unavailable.
    one(131_016, OUTAGE),
    // Sender and recipient are one.
    one(131_021, STOP_STEP),
    // No WhatsApp on this phone, an old one, or its terms not accepted; Meta does not say which.
    one(
        131_026,
        Reaction::with(Fate::Failed, Measure::CountNoAccount),
    ),
    // A test number that may write only to the phones on its list: so it is for everybody.
    one(131_030, STOP_CHANNEL),
    // The account is locked.
    one(131_031, STOP_CHANNEL),
    // The display name has not been approved.
    one(131_037, STOP_CHANNEL),
    // Payment.
    one(131_042, STOP_CHANNEL),
    // The number is not registered as it should be.
    one(131_045, STOP_CHANNEL),
    // Outside of the 24 hours after the client wrote: never the answer to a template, so the step
    // sends what it should not.
    one(131_047, STOP_STEP),
    // Too many people reported or blocked the number.
    one(
        131_048,
        Reaction::with(Fate::GiveBack, Measure::PauseCampaign),
    ),
    // Meta keeps this person's share of advertising low.
    one(131_049, Reaction::only(Fate::Retry(Timetable::NextDay))),
    // The person stopped the advertising of this sender in WhatsApp itself.
    one(
        131_050,
        Reaction::with(Fate::Failed, Measure::SuppressAdvertising),
    ),
    // A type of message that is not supported.
    one(131_051, STOP_STEP),
    // The picture or document could not be fetched or taken.
    one(131_052, Reaction::only(Fate::Retry(Timetable::Twice))),
    one(131_053, Reaction::only(Fate::Retry(Timetable::Twice))),
    // Too much for this one person.
    one(131_056, Reaction::only(Fate::Retry(Timetable::Pair))),
    // The account is being maintained.
    one(131_057, OUTAGE),
    // The template: number of parameters, name or language, length, content, format of a parameter.
    one(132_000, STOP_STEP),
    one(132_001, STOP_STEP),
    one(132_005, STOP_STEP),
    one(132_007, STOP_STEP),
    one(132_012, STOP_STEP),
    // The template was paused or disabled for its quality.
    one(132_015, TEMPLATE_RESTS),
    one(132_016, TEMPLATE_RESTS),
    // A flow is blocked; a flow is throttled.
    one(132_068, STOP_STEP),
    one(132_069, OUTAGE),
    // The number is not registered.
    one(133_010, STOP_CHANNEL),
];

/// What a code means in the answer to a request: the message was not taken over.
///
/// A code that nobody knows is tried once more: new ones appear every few months, and one of them
/// must neither lose a message nor repeat it for ever.
pub fn answered(code: i64) -> Reaction {
    row(code).map_or(Reaction::only(Fate::Retry(Timetable::Once)), |row| {
        row.reaction
    })
}

/// What a code means in a webhook: the message had been taken over, and then failed.
///
/// The message has always [`Fate::Failed`], whatever the code: with several devices a `delivered`
/// may follow a `failed`, so what is written again from the same row could arrive twice. Who wants
/// to try once more, after 131049 for one, plans a step of its own. The measure is that of the
/// code.
pub fn reported(code: i64) -> Reaction {
    let measure = row(code).map_or(Measure::Nothing, |row| row.reaction.measure);
    Reaction::with(Fate::Failed, measure)
}

/// Whether the code is in the table.
pub fn is_known(code: i64) -> bool {
    row(code).is_some()
}

fn row(code: i64) -> Option<&'static Row> {
    CODES
        .iter()
        .find(|row| (row.first..=row.last).contains(&code))
}

/// An attempt that ended without a code of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broken {
    /// No name, no connection or no TLS: the request was never written.
    NotConnected,
    /// The request could not be made at all.
    NotMade,
    /// No answer within the time, after the request had begun.
    TimedOut,
    /// The connection ended after the request had begun and before an answer was read.
    Reset,
    /// An answer with this HTTP status that the API did not write.
    Strange(u16),
}

/// What an attempt without a code of the API means.
pub fn broken(how: Broken) -> Reaction {
    let against_channel = |fate| Reaction::with(fate, Measure::CountAgainstChannel);
    match how {
        // Nothing was written, so nothing was taken; others will fare no better.
        Broken::NotConnected => against_channel(Fate::GiveBack),
        Broken::NotMade => FAILED,
        // The request may have arrived whole and only its answer be late or lost.
        Broken::TimedOut | Broken::Reset => against_channel(Fate::Unknown),
        Broken::Strange(status) => strange(status),
    }
}

fn strange(status: u16) -> Reaction {
    let against_channel = |fate| Reaction::with(fate, Measure::CountAgainstChannel);
    match status {
        // Somebody on the way or the API itself says "too many": not taken, by RFC 6585 §4.
        429 => TOO_FAST,
        // The token or the address is wrong for everybody: person needed, nothing was taken.
        401 | 403 | 404 => STOP_CHANNEL,
        // Whoever gave up waiting for the request may have passed on a part of it.
        408 => against_channel(Fate::Unknown),
        // The request was found wrong before it was looked at by the API: not taken.
        400..=499 => against_channel(Fate::Retry(Timetable::Once)),
        // 2xx: probably taken, but without an id nobody can say so. 3xx: whoever sends elsewhere
        // may have looked at the request first. 5xx: a gateway that lost its API speaks like this
        // after it has passed the request on. Anything else is no HTTP that could be relied on.
        _ => against_channel(Fate::Unknown),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_order_without_overlaps() {
        for pair in CODES.windows(2) {
            assert!(pair[0].last < pair[1].first, "{}", pair[1].first);
        }
        assert!(CODES.iter().all(|row| row.first <= row.last));
    }

    #[test]
    fn no_code_of_the_api_leaves_a_doubt_or_counts_as_taken() {
        for row in CODES {
            for code in row.first..=row.last {
                let fate = answered(code).fate;
                assert!(!matches!(fate, Fate::Unknown | Fate::Accepted), "{code}");
            }
        }
    }

    #[test]
    fn a_failure_told_later_never_uses_the_message_again() {
        for code in -1..140_000 {
            assert_eq!(reported(code).fate, Fate::Failed, "{code}");
            if is_known(code) {
                assert_eq!(reported(code).measure, answered(code).measure, "{code}");
            }
        }
    }

    #[test]
    fn what_nobody_knows_is_tried_once_more() {
        for code in [-1, 5, 199, 300, 131_999, i64::MAX, i64::MIN] {
            assert!(!is_known(code));
            assert_eq!(answered(code), Reaction::only(Fate::Retry(Timetable::Once)));
            assert_eq!(reported(code), Reaction::only(Fate::Failed));
        }
    }

    #[test]
    fn only_what_was_surely_not_taken_is_tried_again() {
        for (how, fate) in [
            (Broken::NotConnected, Fate::GiveBack),
            (Broken::NotMade, Fate::Failed),
            (Broken::TimedOut, Fate::Unknown),
            (Broken::Reset, Fate::Unknown),
            (Broken::Strange(200), Fate::Unknown),
            (Broken::Strange(204), Fate::Unknown),
            (Broken::Strange(301), Fate::Unknown),
            (Broken::Strange(307), Fate::Unknown),
            (Broken::Strange(400), Fate::Retry(Timetable::Once)),
            (Broken::Strange(401), Fate::GiveBack),
            (Broken::Strange(404), Fate::GiveBack),
            (Broken::Strange(408), Fate::Unknown),
            (Broken::Strange(429), Fate::Retry(Timetable::Throughput)),
            (Broken::Strange(500), Fate::Unknown),
            (Broken::Strange(502), Fate::Unknown),
            (Broken::Strange(504), Fate::Unknown),
            (Broken::Strange(999), Fate::Unknown),
        ] {
            assert_eq!(broken(how).fate, fate, "{how:?}");
        }
    }
}
