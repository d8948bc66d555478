//! What can only be known of the whole base: parameters, quantiles, shares.
//!
//! Computed once for a day and kept under a version, so that a plan can say what it rested on.

use serde::{Deserialize, Serialize};

use crate::model::{ClientId, Day, Rhythm, RhythmDates, Xyz};

use super::evidence::Evidence;
use super::rhythm::{self, ClosedDays, Fit, Law, SecondPurchaseWindow, Thresholds, XyzThresholds};

/// The facts of the whole base on one day.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BaseFacts {
    /// Nothing dated after this day was used.
    pub day: Day,
    /// What the base says about its rhythms, and how that was found.
    pub fit: Fit,
    /// When a cycle counts as missed, in shares of ended pauses; see [`Thresholds`].
    pub missed_p: f64,
    /// The same for key accounts.
    pub missed_p_key_account: f64,
    /// The chance to stay away at which a client counts as asleep.
    pub asleep_away: f64,
    /// The usual gaps that part the repeat buyers.
    pub xyz: XyzThresholds,
    /// Clients with more than the configured share of the year's turnover, in order of their id.
    pub key_accounts: Vec<ClientId>,
    /// When one-time buyers usually come back.
    pub second_purchase: SecondPurchaseWindow,
    /// Days on which the company is closed: they are no silence.
    #[serde(default)]
    pub closed: ClosedDays,
    /// Who buys less than usual; absent when no campaign asks.
    #[serde(default)]
    pub volume: Option<Volume>,
}

/// Who buys less than usual on the day of the base facts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Volume {
    /// How far clients of this base dip by chance: measures the next scan.
    pub dip_z: Option<f64>,
    /// Who dips further, in the order of clients.
    pub drops: Vec<VolumeDrop>,
}

/// A client who buys less than usual.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VolumeDrop {
    /// The client.
    pub client: ClientId,
    /// The day from which it counts.
    pub since: Day,
    /// The item that is no longer bought; absent when the whole spending dropped.
    pub item: Option<String>,
    /// What was seen.
    pub evidence: Evidence,
    /// What is at stake in a year, in minor units.
    pub value: i64,
}

impl BaseFacts {
    /// Whether the client's share of the turnover makes a key account.
    pub fn is_key_account(&self, client: ClientId) -> bool {
        self.key_accounts.binary_search(&client).is_ok()
    }

    /// The law of a client's next gap.
    pub fn law(&self, rhythm: &Rhythm) -> Law {
        Law::of(rhythm, &self.fit.parameters)
    }

    /// When a client is due, missed, asleep and lost; closed days do not count.
    pub fn dates(&self, client: ClientId, rhythm: &Rhythm) -> RhythmDates {
        let dates = rhythm::dates(&self.law(rhythm), rhythm.last, &self.thresholds(client));
        self.closed.move_dates(rhythm.last, &dates)
    }

    /// How certain to be before a state is declared for this client.
    pub fn thresholds(&self, client: ClientId) -> Thresholds {
        let key = self.is_key_account(client);
        let missed_p = if key {
            self.missed_p_key_account
        } else {
            self.missed_p
        };
        Thresholds {
            missed_p,
            wake_away: self.asleep_away,
        }
    }

    /// The frequency class of a client with this many purchase days and this usual gap.
    pub fn xyz(&self, purchase_days: u32, usual_gap_days: f64) -> Xyz {
        rhythm::xyz(purchase_days, usual_gap_days, &self.xyz)
    }
}
