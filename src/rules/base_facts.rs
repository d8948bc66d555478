//! What can only be known of the whole base: parameters, quantiles, shares.
//!
//! Computed once for a day and kept under a version, so that a plan can say what it rested on.

use serde::{Deserialize, Serialize};

use crate::model::{BaseParameters, ClientId, Day, Xyz};

use super::rhythm::Thresholds;

/// The facts of the whole base on one day.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BaseFacts {
    /// Nothing dated after this day was used.
    pub day: Day,
    /// What the base says about its rhythms.
    pub parameters: BaseParameters,
    /// When a cycle counts as missed, in shares of ended pauses; see [`Thresholds`].
    pub missed_p: f64,
    /// The same for key accounts.
    pub missed_p_key_account: f64,
    /// The chance to stay away at which a client counts as asleep.
    pub asleep_away: f64,
    /// The usual gap, in days, up to which a repeat buyer is X, and up to which he is Y.
    pub xyz_days: (f64, f64),
    /// Clients with more than the configured share of the year's turnover, in order of their id.
    pub key_accounts: Vec<ClientId>,
    /// When a second purchase is overdue; absent while the base has too few of them.
    pub second_purchase: Option<SecondPurchase>,
}

/// The time in which one-time buyers usually come back.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct SecondPurchase {
    /// Half of those who come back have done so after so many days.
    pub opens_days: i32,
    /// Hardly anybody comes back after so many days.
    pub closes_days: i32,
    /// The share of one-time buyers who come back; 0..1.
    pub share_returning: f64,
}

impl BaseFacts {
    /// Whether the client's share of the turnover makes a key account.
    pub fn is_key_account(&self, client: ClientId) -> bool {
        self.key_accounts.binary_search(&client).is_ok()
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
        match purchase_days {
            0 | 1 => Xyz::Z,
            _ if usual_gap_days <= self.xyz_days.0 => Xyz::X,
            _ if usual_gap_days <= self.xyz_days.1 => Xyz::Y,
            _ => Xyz::Z,
        }
    }
}
