//! What a client is worth to keep: his share of the turnover, and what his silence will cost.
//!
//! Amounts are minor units of one currency; who mixes currencies converts first.

use std::cmp::Reverse;

/// How far back turnover counts, in days.
pub const TRAILING_DAYS: u32 = 365;

/// The share of the turnover above which a client is a key account, unless configured.
const DEFAULT_SHARE: f64 = 0.10;

/// Finds the clients above a share of the turnover in one pass over (client, turnover).
///
/// Each client comes once. Only those are kept who may still be above the share, so memory is
/// bounded by its inverse and not by the base.
#[derive(Clone, Debug)]
pub struct TurnoverShares<K> {
    above_share: f64,
    total_minor: i128,
    candidates: Vec<(K, i64)>,
}

impl<K> Default for TurnoverShares<K> {
    fn default() -> Self {
        Self::new(DEFAULT_SHARE)
    }
}

impl<K> TurnoverShares<K> {
    /// Looks for clients with more than `above_share` (0..1) of the turnover.
    pub const fn new(above_share: f64) -> Self {
        Self {
            above_share,
            total_minor: 0,
            candidates: Vec::new(),
        }
    }

    /// Adds the turnover of one client over [`TRAILING_DAYS`]; one who only returned goods has none.
    pub fn add(&mut self, client: K, turnover_minor: i64) {
        if turnover_minor <= 0 {
            return;
        }
        self.total_minor += i128::from(turnover_minor);
        if share(turnover_minor, self.total_minor) > self.above_share {
            self.candidates.push((client, turnover_minor));
            self.drop_outgrown();
        }
    }

    /// The key accounts of the base.
    pub fn finish(mut self) -> KeyAccounts<K> {
        self.drop_outgrown();
        self.candidates
            .sort_by_key(|candidate| Reverse(candidate.1));
        KeyAccounts {
            total_minor: self.total_minor,
            accounts: self.candidates,
        }
    }

    /// Forgets whom the total has outgrown: it only grows, so they will never be above again.
    fn drop_outgrown(&mut self) {
        let (above_share, total_minor) = (self.above_share, self.total_minor);
        self.candidates
            .retain(|candidate| share(candidate.1, total_minor) > above_share);
    }
}

/// The clients above the share, and the turnover that it is a share of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyAccounts<K> {
    /// Turnover of the whole base over [`TRAILING_DAYS`], in minor units.
    pub total_minor: i128,
    /// The key accounts with their turnover in minor units, the greatest first.
    pub accounts: Vec<(K, i64)>,
}

impl<K: PartialEq> KeyAccounts<K> {
    /// Whether this client is a key account.
    pub fn contains(&self, client: &K) -> bool {
        self.accounts.iter().any(|account| account.0 == *client)
    }

    /// The share of the base's turnover that an amount is, 0..1.
    pub fn share_of(&self, turnover_minor: i64) -> f64 {
        share(turnover_minor, self.total_minor)
    }
}

fn share(turnover_minor: i64, total_minor: i128) -> f64 {
    if total_minor > 0 {
        turnover_minor as f64 / total_minor as f64
    } else {
        0.0
    }
}

/// What a client's silence will cost within a year, in minor units: the rank of a task list.
///
/// The chance that he stays away times what he would have spent: `usual_spend_minor` on each
/// purchase day, one every `usual_gap_days` (a day at least).
pub fn expected_yearly_loss_minor(away: f64, usual_spend_minor: i64, usual_gap_days: f64) -> i64 {
    let purchases_a_year = 365.0 / usual_gap_days.max(1.0);
    (away * usual_spend_minor as f64 * purchases_a_year).round() as i64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_key_account_has_more_than_its_share_of_the_turnover() {
        let mut shares = TurnoverShares::default();
        for (client, turnover) in [("small", 40), ("big", 500), ("at the bound", 100)] {
            shares.add(client, turnover);
        }
        shares.add("returns only", -300);
        for _ in 0..36 {
            shares.add("crowd", 10);
        }
        let found = shares.finish();
        assert_eq!(found.total_minor, 1000);
        assert_eq!(found.accounts, [("big", 500)]);
        assert!(found.contains(&"big") && !found.contains(&"at the bound"));
        assert!((found.share_of(500) - 0.5).abs() < 1e-12);
    }

    #[test]
    fn a_base_without_turnover_has_no_key_accounts() {
        let mut shares = TurnoverShares::default();
        shares.add(1, 0);
        assert_eq!(shares.finish().accounts, []);
    }

    #[test]
    fn the_loss_is_what_a_year_of_purchases_would_have_brought() {
        assert_eq!(expected_yearly_loss_minor(0.5, 10_000, 36.5), 50_000);
        assert_eq!(expected_yearly_loss_minor(1.0, 10_000, 0.0), 3_650_000);
        assert_eq!(expected_yearly_loss_minor(1.0, i64::MAX, 1.0), i64::MAX);
    }

    proptest! {
        #[test]
        fn one_pass_finds_what_two_passes_find(
            turnovers in prop::collection::vec(-50_i64..1000, 0..60),
            above in 0.01..0.5,
        ) {
            let mut shares = TurnoverShares::new(above);
            for (client, &turnover) in turnovers.iter().enumerate() {
                shares.add(client, turnover);
                prop_assert!(shares.candidates.len() as f64 <= 1.0 / above);
            }
            let total: i64 = turnovers.iter().filter(|&&turnover| turnover > 0).sum();
            let found = shares.finish();
            for (client, &turnover) in turnovers.iter().enumerate() {
                let is_key = turnover > 0 && turnover as f64 / total as f64 > above;
                prop_assert_eq!(found.contains(&client), is_key);
            }
        }
    }
}
