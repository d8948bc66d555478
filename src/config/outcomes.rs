//! `[outcomes]`: what each outcome of a task is called and what it does with the letters.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::values::Days;
use crate::model::OutcomeKind;

/// What each outcome does; what is not written keeps its default.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Outcomes {
    /// Wants to buy. Letters stop; a deal is opened, or the client goes to the expert.
    pub interested: OutcomeRule,
    /// Asked to be called on another day. Letters wait until then.
    pub come_back: OutcomeRule,
    /// Said no, with a reason. Letters stop; the reason says when to ask again.
    pub rejection: OutcomeRule,
    /// Said no and named a friend. Letters stop; the friend becomes a client.
    pub friend_named: OutcomeRule,
    /// Said no and knows nobody: thanked, the business card sent. Letters stop.
    pub card_sent: OutcomeRule,
    /// Nobody answered. Letters go on; tried again, at most `tasks.no_answer_retries` times.
    pub no_answer: OutcomeRule,
    /// The number is not the client's. Letters go on.
    pub wrong_number: OutcomeRule,
    /// Never write or call again. Letters stop for ever.
    pub do_not_contact: OutcomeRule,
    /// Has bought. Letters stop.
    pub bought: OutcomeRule,
    /// A client who was handed over is taken. Letters stop.
    pub accepted: OutcomeRule,
}

/// What one outcome does.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct OutcomeRule {
    /// What stands on its button; the ready words when absent.
    #[schemars(length(min = 1))]
    pub title: Option<String>,
    /// What becomes of the rest of the campaign for the client.
    pub letters: Option<Letters>,
    /// With `letters = "wait"`: how long. Without it until the day that the client named, and no
    /// longer.
    pub wait: Option<Days>,
    /// `false` takes it away from lists and pages; it can still be recorded.
    pub offered: Option<bool>,
}

/// What becomes of the rest of a campaign after an outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Letters {
    /// The campaign is over for the client.
    Stop,
    /// Nothing for a while, then it goes on.
    Wait,
    /// It goes on as if nothing had been said.
    GoOn,
}

/// Where an interested client goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Then {
    /// A deal is opened, and whoever called goes on; a trainee hands over to the expert.
    #[default]
    Deal,
    /// A deal is opened, and the expert calls on the same day.
    Expert,
}

impl Outcomes {
    /// What is written about a kind.
    pub const fn of(&self, kind: OutcomeKind) -> &OutcomeRule {
        match kind {
            OutcomeKind::Interested => &self.interested,
            OutcomeKind::ComeBack => &self.come_back,
            OutcomeKind::Rejection => &self.rejection,
            OutcomeKind::FriendNamed => &self.friend_named,
            OutcomeKind::CardSent => &self.card_sent,
            OutcomeKind::NoAnswer => &self.no_answer,
            OutcomeKind::WrongNumber => &self.wrong_number,
            OutcomeKind::DoNotContact => &self.do_not_contact,
            OutcomeKind::Bought => &self.bought,
            OutcomeKind::Accepted => &self.accepted,
        }
    }

    /// What becomes of the letters after an outcome.
    ///
    /// Somebody who never wants to hear again is written to by no configuration.
    pub fn letters(&self, kind: OutcomeKind) -> Letters {
        let ready = match kind {
            OutcomeKind::NoAnswer | OutcomeKind::WrongNumber => Letters::GoOn,
            OutcomeKind::ComeBack => Letters::Wait,
            OutcomeKind::DoNotContact => return Letters::Stop,
            _ => Letters::Stop,
        };
        self.of(kind).letters.unwrap_or(ready)
    }

    /// The outcomes that lists and pages offer.
    pub fn offered(&self) -> impl Iterator<Item = OutcomeKind> {
        let all = OutcomeKind::ALL.iter().copied();
        all.filter(|kind| self.of(*kind).offered.unwrap_or(true))
    }
}
