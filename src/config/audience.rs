//! The `[audience]` of a campaign: the conditions that a client must meet.
//!
//! Whether a client meets them is decided in `rules`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::{Abc, Money, RhythmState, Xyz};

/// For whom a campaign is: every condition that is written must hold.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Condition {
    /// The number of purchase days.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub purchases: Option<CountRange>,
    /// The turnover of the last 365 days.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub turnover: Option<MoneyRange>,
    /// The average receipt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub average_receipt: Option<MoneyRange>,
    /// Days since the last purchase.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub silent_days: Option<CountRange>,
    /// The client's usual gap between purchases, in days.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usual_gap_days: Option<CountRange>,
    /// The state of the rhythm.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub state: Option<Vec<RhythmState>>,
    /// The frequency class: X often, Y less often, Z seldom.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub xyz: Option<Vec<Xyz>>,
    /// The readiness to buy: A need, money and urgency; B two of them; C fewer.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub abc: Option<Vec<Abc>>,
    /// Whether the client is a key account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_account: Option<bool>,
    /// What clients with such baskets also buy: at least one of these items is among the hints.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub hint: Option<Vec<String>>,
    /// What such clients went over to or took more of next: at least one of these items is among it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub upsell: Option<Vec<String>>,
    /// Tags of the client.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<TagRule>,
    /// Attributes of the client from the source: `attributes = { city = ["Kazan"] }`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attributes: Option<BTreeMap<String, Vec<String>>>,
    /// Attributes that are numbers: `numbers = { bonus = { at_least = 500 } }`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub numbers: Option<BTreeMap<String, CountRange>>,
    /// The client came to the event of one of these campaigns.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub attended: Option<Vec<String>>,
    /// The client's manager, by id.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub manager: Option<Vec<String>>,
    /// Whether the client is a company (has a company name).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub company: Option<bool>,
    /// Whether the client has an open deal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub open_deal: Option<bool>,
    /// At least one of these must hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub any: Option<Vec<Condition>>,
    /// This must not hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not: Option<Box<Condition>>,
}

/// A range of whole numbers; both ends belong to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CountRange {
    /// The smallest number that fits.
    pub at_least: Option<u32>,
    /// The largest number that fits.
    pub at_most: Option<u32>,
}

/// A range of money; both ends belong to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MoneyRange {
    /// The smallest amount that fits.
    pub at_least: Option<Money>,
    /// The largest amount that fits.
    pub at_most: Option<Money>,
}

/// Which tags a client must have and must not have.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TagRule {
    /// At least one of these.
    #[schemars(length(min = 1))]
    pub any_of: Vec<String>,
    /// Each of these.
    #[schemars(length(min = 1))]
    pub all_of: Vec<String>,
    /// None of these.
    #[schemars(length(min = 1))]
    pub none_of: Vec<String>,
}
