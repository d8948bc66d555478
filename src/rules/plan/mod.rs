//! The plan of a day: what each campaign would do with each client, and why.
//!
//! [`decide`] looks at one client and knows nothing of the others; [`DayPlanner`] takes the
//! decisions in the order of clients and settles what needs the whole day: one touch for an
//! address, the backlog by value, the counts. Nothing is applied here.

mod addressed;
mod client;
mod day;
mod document;
mod gates;
mod goal;
mod position;
mod touch;
mod verdict;
mod words;

pub use client::{Candidate, ClientPlan, decide, occasion_today};
pub use day::{CampaignCounts, DayPlanner, Decided};
pub use document::{BaseLine, MessageLine, Plan, Reach, Resting, TaskLine, grouped, in_units, who};
pub use gates::{country_of, not_just_bought, reachable, under_the_cap};
pub use goal::goal_reached;
pub use position::{AfterOutcome, after_outcome};
pub use touch::{Action, PlannedMessage, PlannedTask, Touched, answers_a_purchase};
pub use verdict::{Block, Decision, Reason, Verdict};

use crate::config::{Campaign, Settings};
use crate::model::Day;

use super::base_facts::BaseFacts;
use super::staff::Staff;

/// What a plan rests on, beside the facts of the client.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// The day that is planned.
    pub day: Day,
    /// The campaigns that take part, in the order in which they are shown.
    pub campaigns: &'a [Running<'a>],
    /// What is known of the whole base.
    pub base: &'a BaseFacts,
    /// The company's configuration.
    pub settings: &'a Settings,
    /// The managers.
    pub staff: &'a Staff,
}

/// A campaign on the day that is planned.
#[derive(Clone, Copy, Debug)]
pub struct Running<'a> {
    /// The rules of marketing.
    pub campaign: &'a Campaign,
    /// Episodes from this day on are fresh, older ones are backlog.
    pub starts: Day,
}

/// A client taken into a campaign.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The occasion.
    pub episode: super::trigger::Episode,
    /// Treated or held out.
    pub arm: crate::model::Arm,
    /// Whether the occasion is older than the campaign.
    pub backlog: bool,
}

/// A client's episode that ends today.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closing {
    /// The enrollment.
    pub enrollment: i64,
    /// Its campaign.
    pub campaign: String,
    /// What ended it.
    pub by: ClosedBy,
}

/// What ended an episode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ClosedBy {
    /// The client did what the campaign is for.
    Goal,
    /// A manager's outcome.
    Outcome,
    /// Every step is done and the time of the goal is over.
    Finished,
    /// The occasion has passed by itself: the deal moved on, the visitor came back.
    Over,
}

impl ClosedBy {
    /// The word in tables and counts.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Goal => "goal",
            Self::Outcome => "outcome",
            Self::Finished => "finished",
            Self::Over => "over",
        }
    }
}
