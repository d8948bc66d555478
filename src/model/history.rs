//! What happened between a client and the company: purchases, deals, items.

use super::{Day, DealStatus};

/// The money of a client's purchases, in minor units of the company's currency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Everything received, returns taken off.
    pub turnover: i64,
    /// Everything received, returns left aside: what a usual purchase is worth comes from it.
    pub spent: i64,
    /// As `turnover`, of the last 365 days only.
    pub year: i64,
}

/// The money that came in on one day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PurchaseDay {
    /// The local day.
    pub day: Day,
    /// Minor units of all receipts of the day.
    pub amount: i64,
}

/// An attempt to sell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deal {
    /// The id that the source uses.
    pub ext_id: String,
    /// What it is about.
    pub title: Option<String>,
    /// Open, won or lost, as far as it was known on the day that is looked at.
    pub status: DealStatus,
    /// The stage in the source's words.
    pub stage: Option<String>,
    /// Minor units.
    pub amount: Option<i64>,
    /// The first day.
    pub opened_on: Option<Day>,
    /// Won or lost on this day.
    pub closed_on: Option<Day>,
    /// The reason of a rejection, in the source's words.
    pub reason: Option<String>,
    /// Whether the client needs it, has the money, is in a hurry; unknown when absent.
    pub readiness: Readiness,
}

/// Need, money and urgency: the three questions behind the classes A, B and C.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Readiness {
    /// The client needs it.
    pub need: Option<bool>,
    /// The client has the money.
    pub money: Option<bool>,
    /// The client is in a hurry.
    pub urgency: Option<bool>,
}
