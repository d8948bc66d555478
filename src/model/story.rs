//! What rekindle itself has done with a client: enrollments, touches, outcomes.
//!
//! Positions in a campaign are derived from these facts; there is no cursor that could drift.

use serde::{Deserialize, Serialize};

use super::{Channel, Class, Day, OutcomeKind, Readiness};

/// Which side of the comparison a client is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Arm {
    /// Gets what the campaign sends.
    Treated,
    /// Gets nothing, so that the effect can be measured; recorded as if it did.
    Holdout,
}

/// A client's episode in a campaign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enrollment {
    /// Our own number.
    pub id: i64,
    /// The campaign.
    pub campaign: String,
    /// The occasion: a business key that names its day.
    pub episode: String,
    /// The day on which the occasion began.
    pub began_on: Day,
    /// The day on which the campaign took the client in.
    pub entered_on: Day,
    /// Treated or held out.
    pub arm: Arm,
    /// The day on which it ended.
    pub closed_on: Option<Day>,
    /// What was done so far, in the order of days.
    pub touches: Vec<Touch>,
}

/// One message or task of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Touch {
    /// The step of the campaign.
    pub step: String,
    /// The day for which it was planned.
    pub day: Day,
    /// What it was.
    pub what: TouchKind,
}

/// What a touch was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TouchKind {
    /// A message, sent or held out.
    Message {
        /// The way it went.
        channel: Channel,
        /// What it was in the eyes of the law.
        class: Class,
        /// Whether it is known that there is nobody at the address on this channel.
        in_vain: bool,
    },
    /// A task, with what came of it.
    Task {
        /// The last outcome, if there is one.
        outcome: Option<Outcome>,
        /// The day since which it waits for a person; absent when it is closed.
        waits_since: Option<Day>,
    },
}

/// What came of a task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// What the manager recorded.
    pub kind: OutcomeKind,
    /// The day of it.
    pub day: Day,
    /// When to come back.
    pub until: Option<Day>,
    /// Why not, for a rejection: in the manager's words, or an id of the dictionary.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Need, money and urgency, as far as the manager heard of them.
    #[serde(default)]
    pub readiness: Readiness,
}

impl Outcome {
    /// An outcome of which nothing more is known.
    pub const fn new(kind: OutcomeKind, day: Day) -> Self {
        Self {
            kind,
            day,
            until: None,
            reason: None,
            readiness: Readiness {
                need: None,
                money: None,
                urgency: None,
            },
        }
    }
}
