//! The two funnels of a company that wakes clients: sales that are repeated, and rejections that are
//! turned. Counted from rows of the finest grain, so that every grouping adds up to the same totals.

use std::collections::BTreeMap;
use std::ops::AddAssign;

use serde::Serialize;

/// By what a funnel is grouped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupedBy {
    /// The campaign.
    Campaign,
    /// The manager.
    Manager,
    /// The reason of the rejection; nothing for repeated sales.
    Reason,
    /// The month: `2026-11`.
    Month,
}

/// What a row of a funnel is about.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct FunnelKey {
    /// The campaign; empty where none has taken the rejection up.
    pub campaign: String,
    /// The manager, by id; empty when nobody is named.
    pub manager: String,
    /// The reason, by the id of the dictionary; absent for repeated sales.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The month: `2026-11`.
    pub month: String,
}

impl FunnelKey {
    /// The part by which rows are grouped.
    pub fn part(&self, by: GroupedBy) -> &str {
        match by {
            GroupedBy::Campaign => &self.campaign,
            GroupedBy::Manager => &self.manager,
            GroupedBy::Reason => self.reason.as_deref().unwrap_or_default(),
            GroupedBy::Month => &self.month,
        }
    }
}

/// How many clients have come how far: each who has come further has come so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, derive_more::AddAssign, Serialize)]
pub struct RepeatSales {
    /// Clients whom a campaign took in.
    pub base: u64,
    /// Asked for something, or opened a deal.
    pub request: u64,
    /// Were sent a quote.
    pub quote: u64,
    /// Were sent an invoice.
    pub invoice: u64,
    /// Paid within the time of the goal.
    pub paid: u64,
    /// What they paid, in minor units.
    pub paid_minor: i64,
}

impl RepeatSales {
    /// So many clients who came up to a stage: 0 is the base, 4 paid.
    pub fn add(&mut self, stage: u8, clients: u64, paid_minor: i64) {
        let stages = [
            &mut self.base,
            &mut self.request,
            &mut self.quote,
            &mut self.invoice,
            &mut self.paid,
        ];
        for counted in stages.into_iter().take(usize::from(stage) + 1) {
            *counted += clients;
        }
        self.paid_minor += paid_minor;
    }
}

/// How many rejections came to what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, derive_more::AddAssign, Serialize)]
pub struct Rejections {
    /// Deals that were lost.
    pub rejected: u64,
    /// The client was spoken to again.
    pub reached: u64,
    /// Was interested again.
    pub interested: u64,
    /// Named a friend.
    pub friend_named: u64,
    /// Got the business card.
    pub card_sent: u64,
    /// A deal was opened since.
    pub deal: u64,
    /// Paid within the time of the goal.
    pub paid: u64,
    /// What was paid, in minor units.
    pub paid_minor: i64,
}

/// A funnel: rows of the finest grain, and what they add up to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Funnel<C> {
    /// Everything together.
    pub total: C,
    /// By campaign, manager, reason and month.
    pub rows: Vec<FunnelRow<C>>,
}

/// One row of a funnel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FunnelRow<C> {
    /// What it is about.
    #[serde(flatten)]
    pub key: FunnelKey,
    /// The counts.
    #[serde(flatten)]
    pub counts: C,
}

impl<C: Copy + Default + AddAssign> Funnel<C> {
    /// Gathers rows; those with one key become one.
    pub fn of(rows: impl IntoIterator<Item = (FunnelKey, C)>) -> Self {
        let mut by_key: BTreeMap<FunnelKey, C> = BTreeMap::new();
        let mut total = C::default();
        for (key, counts) in rows {
            total += counts;
            *by_key.entry(key).or_default() += counts;
        }
        let rows = by_key.into_iter();
        Self {
            total,
            rows: rows
                .map(|(key, counts)| FunnelRow { key, counts })
                .collect(),
        }
    }

    /// The rows added up by one part of their key, in the order of its words.
    pub fn by(&self, by: GroupedBy) -> Vec<(String, C)> {
        let mut groups: BTreeMap<&str, C> = BTreeMap::new();
        for row in &self.rows {
            *groups.entry(row.key.part(by)).or_default() += row.counts;
        }
        let groups = groups.into_iter();
        groups
            .map(|(name, counts)| (name.to_owned(), counts))
            .collect()
    }
}

/// The clients whom a manager won, and how many of them bought again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SecondPurchases {
    /// Who made the first sale, by id; empty when nobody is named.
    pub manager: String,
    /// Clients whose first purchase fell into the time.
    pub first_purchases: u64,
    /// Those of them who have bought on another day since.
    pub second_purchases: u64,
    /// What they have paid since the first day, in minor units.
    pub later_minor: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(campaign: &str, manager: &str) -> FunnelKey {
        FunnelKey {
            campaign: campaign.to_owned(),
            manager: manager.to_owned(),
            reason: None,
            month: "2026-11".to_owned(),
        }
    }

    #[test]
    fn whoever_came_further_came_so_far() {
        let mut counts = RepeatSales::default();
        counts.add(0, 5, 0);
        counts.add(2, 2, 0);
        counts.add(4, 1, 700);
        let RepeatSales {
            base,
            request,
            quote,
            invoice,
            paid,
            paid_minor,
        } = counts;
        assert_eq!((base, request, quote, invoice, paid), (8, 3, 3, 1, 1));
        assert_eq!(paid_minor, 700);
    }

    #[test]
    fn every_grouping_adds_up_to_the_same_total() {
        let one = |n| {
            let mut counts = RepeatSales::default();
            counts.add(1, n, 10);
            counts
        };
        let funnel = Funnel::of([
            (key("a", "x"), one(1)),
            (key("a", "y"), one(2)),
            (key("b", "x"), one(4)),
            (key("a", "x"), one(8)),
        ]);
        assert_eq!(funnel.rows.len(), 3);
        assert_eq!(funnel.total.base, 15);
        let by_manager: Vec<(String, u64)> = funnel
            .by(GroupedBy::Manager)
            .into_iter()
            .map(|(name, counts)| (name, counts.base))
            .collect();
        assert_eq!(by_manager, [("x".to_owned(), 13), ("y".to_owned(), 2)]);
        for by in [GroupedBy::Campaign, GroupedBy::Month, GroupedBy::Reason] {
            let sum: u64 = funnel.by(by).iter().map(|(_, counts)| counts.base).sum();
            assert_eq!(sum, 15);
        }
    }
}
