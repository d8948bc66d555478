//! What happened between a client and the company: purchases, deals, items.

use serde::{Deserialize, Serialize};

use super::{Abc, Day, DealStatus};

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
    /// The stage in the source's words, as far as it was known on the day that is looked at.
    pub stage: Option<String>,
    /// The day since which it is in that stage.
    pub stage_since: Option<Day>,
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
    /// The manager who sells, by the id that the source uses.
    pub manager: Option<String>,
}

/// Need, money and urgency: the three questions behind the classes A, B and C.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Readiness {
    /// The client needs it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub need: Option<bool>,
    /// The client has the money.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub money: Option<bool>,
    /// The client is in a hurry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub urgency: Option<bool>,
}

impl Readiness {
    /// A with all three, B with two, C with fewer; nothing where none of the three is known.
    pub fn class(self) -> Option<Abc> {
        let answers = [self.need, self.money, self.urgency];
        if answers.iter().all(Option::is_none) {
            return None;
        }
        Some(
            match answers.iter().filter(|one| **one == Some(true)).count() {
                3 => Abc::A,
                2 => Abc::B,
                _ => Abc::C,
            },
        )
    }
}

/// The visits of a client to the site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Visits {
    /// The first day.
    pub first: Day,
    /// The last day.
    pub last: Day,
    /// Days with a visit.
    pub days: u32,
    /// The page that was seen last, as the source writes it.
    pub page: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn need_money_and_urgency_make_the_class() {
        let of = |need, money, urgency| {
            let readiness = Readiness {
                need,
                money,
                urgency,
            };
            readiness.class()
        };
        let (yes, no) = (Some(true), Some(false));
        assert_eq!(of(yes, yes, yes), Some(Abc::A));
        assert_eq!(of(yes, no, yes), Some(Abc::B));
        assert_eq!(of(yes, None, yes), Some(Abc::B));
        assert_eq!(of(yes, no, no), Some(Abc::C));
        assert_eq!(of(None, no, None), Some(Abc::C));
        assert_eq!(of(None, None, None), None);
    }
}
