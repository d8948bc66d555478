//! What can only be known of the whole base: parameters, quantiles, shares.
//!
//! Computed once for a day and kept under a version, so that a plan can say what it rested on.

use serde::{Deserialize, Serialize};

use crate::model::{ClientId, Day, Rhythm, Xyz};

use super::rhythm::{self, Fit, Law, SecondPurchaseWindow, Thresholds, XyzThresholds};

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
