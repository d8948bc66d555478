//! The rhythm of a client: what is kept of a purchase history, and the dates that follow from it.
//!
//! Plain data only. How a rhythm is kept up to date, what law it gives and where the dates come
//! from is decided in `rules::rhythm`.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Day;

/// All that is kept of a client's purchase history to know the rhythm: six numbers.
///
/// A purchase day counts once however many receipts it has. The three sums are decayed: each new
/// gap between purchase days weighs in full and the older ones 0.9 of what they weighed before,
/// so the last ten gaps or so decide.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rhythm {
    /// Purchase days so far; at least one.
    pub purchase_days: u32,
    /// The first purchase day.
    pub first: Day,
    /// The last purchase day.
    pub last: Day,
    /// Decayed number of gaps.
    pub weight: f64,
    /// Decayed sum of ln(gap in days).
    pub sum_log: f64,
    /// Decayed sum of ln(gap in days) squared, each with a little noise added.
    pub sum_sq: f64,
}

impl Rhythm {
    /// The rhythm of a client who has bought on one day only.
    pub const fn first_purchase(day: Day) -> Self {
        Self {
            purchase_days: 1,
            first: day,
            last: day,
            weight: 0.0,
            sum_log: 0.0,
            sum_sq: 0.0,
        }
    }
}

/// What the whole base says about its rhythms: the prior that each client's own history sharpens.
///
/// The names are those of the method's formulas. Logarithms are natural, of gaps in days.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BaseParameters {
    /// Mean ln(gap) of a client about whom nothing is known.
    pub m0: f64,
    /// How many own gaps the mean of the base is worth.
    pub k0: f64,
    /// Shape of the inverse gamma law of the clients' own variances of ln(gap).
    pub a0: f64,
    /// Scale of that law.
    pub b0: f64,
    /// First shape of the beta law of the chance that a purchase was the last one.
    pub a: f64,
    /// Second shape of that law; after n purchases the chance is `a / (a + b + n - 1)`.
    pub b: f64,
    /// Location of ln(first gap).
    pub mu1: f64,
    /// Scale of ln(first gap).
    pub s1: f64,
    /// Degrees of freedom of ln(first gap).
    pub nu1: f64,
    /// The chance that the first purchase was the last one, 0..1.
    pub pi1: f64,
    /// The shortest silence that can count as lost, in days.
    pub smallest_lost_days: f64,
    /// Beyond that, lost is this many usual gaps of the client.
    pub lost_factor: f64,
}

impl BaseParameters {
    /// The parameters of a base about which only the typical gap is known.
    ///
    /// `mean_ln_gap` is the mean ln(gap in days). The shapes are those that lost least on several
    /// real bases of different trades when used unfitted.
    pub const fn cold(mean_ln_gap: f64, smallest_lost_days: f64) -> Self {
        Self {
            m0: mean_ln_gap,
            k0: 1.0,
            a0: 2.5,
            b0: 1.2,
            a: 0.3,
            b: 3.0,
            mu1: mean_ln_gap,
            s1: 1.3,
            nu1: 8.0,
            pi1: 0.3,
            smallest_lost_days,
            lost_factor: 4.0,
        }
    }
}

impl Default for BaseParameters {
    /// The parameters of a base without any gap yet: 30 days between purchases, lost after 90.
    fn default() -> Self {
        /// ln 30
        const LN_30: f64 = 3.401_197_381_662_155_5;
        Self::cold(LN_30, 90.0)
    }
}

/// The days on which a silent client passes from one state to the next.
///
/// `due <= missed <= lost` and `due <= asleep <= lost`; `asleep` may come before `missed`, for
/// irregular or new clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RhythmDates {
    /// The day the next purchase is due: the usual gap is over.
    pub due: Day,
    /// The day the purchase cycle counts as missed.
    pub missed: Day,
    /// The day from which the client will rather stay away than come by himself.
    pub asleep: Day,
    /// The day the client counts as lost.
    pub lost: Day,
}

/// Where a client stands in his own purchase cycle; later states are greater.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Default,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum RhythmState {
    /// The usual gap is not over yet.
    #[default]
    Active,
    /// The usual gap is over.
    Due,
    /// Few pauses of such clients that ended were as long.
    Missed,
    /// The client will rather stay away than come by himself.
    Asleep,
    /// The silence is so long that a return would be a surprise.
    Lost,
}

/// A text that is not a state of the rhythm.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not a rhythm state; write active, due, missed, asleep or lost")]
pub struct RhythmStateError(pub String);

impl RhythmState {
    /// All states, in the order in which a silence passes through them.
    pub const ALL: [Self; 5] = [
        Self::Active,
        Self::Due,
        Self::Missed,
        Self::Asleep,
        Self::Lost,
    ];

    /// The word used in configuration, files and the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Due => "due",
            Self::Missed => "missed",
            Self::Asleep => "asleep",
            Self::Lost => "lost",
        }
    }
}

impl fmt::Display for RhythmState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for RhythmState {
    type Err = RhythmStateError;

    fn from_str(text: &str) -> Result<Self, RhythmStateError> {
        Self::ALL
            .into_iter()
            .find(|state| state.name() == text)
            .ok_or_else(|| RhythmStateError(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_written_and_read_by_its_word_and_ordered_by_silence() {
        for pair in RhythmState::ALL.windows(2) {
            assert!(pair[0] < pair[1]);
        }
        for state in RhythmState::ALL {
            assert_eq!(state.to_string().parse(), Ok(state));
            let json = serde_json::to_string(&state).unwrap();
            assert_eq!(json, format!("\"{state}\""));
        }
        assert!("wake".parse::<RhythmState>().is_err());
    }

    #[test]
    fn rhythm_and_parameters_survive_json() {
        let rhythm = Rhythm {
            purchase_days: 2,
            first: Day::from_epoch(1),
            last: Day::from_epoch(31),
            weight: 1.0,
            sum_log: 30_f64.ln(),
            sum_sq: 11.578,
        };
        let json = serde_json::to_string(&rhythm).unwrap();
        assert_eq!(serde_json::from_str::<Rhythm>(&json).unwrap(), rhythm);
        let base = BaseParameters::default();
        let json = serde_json::to_string(&base).unwrap();
        assert_eq!(serde_json::from_str::<BaseParameters>(&json).unwrap(), base);
    }
}
