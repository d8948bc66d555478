//! The rhythm: each client's own purchase cycle, and the day on which it counts as missed.
//!
//! ln(gap between purchase days) of a client follows a Student t law around his own usual gap.
//! Its mean and its spread are the client's own, shrunk to those of the base (the conjugate
//! normal-inverse-gamma law), older gaps are gently forgotten, the first gap has a law of its
//! own, and each purchase has a chance of having been the last. From that law follow, in closed
//! form, the dates due, missed, asleep and lost.
//!
//! What decides whether a client is written to is not here: this room only says where he stands.

mod affinity;
mod alarms;
mod calibration;
mod closures;
mod dates;
mod fit;
mod flood;
mod foresight;
mod frequency;
mod gap_days;
mod gap_moments;
mod histogram;
mod law;
mod lost_items;
mod pauses;
mod proposals;
mod second_purchase;
mod spread;
mod state;
mod step_up;
mod student;
mod value;
mod volume;

pub use affinity::{Affinity, Companions, Hint, ItemBuyers};
pub use alarms::{
    JudgedPause, RuleRecord, TunedRules, Window, judge_rule, mean_gap_days, pauses_in_window,
};
pub use calibration::CalibrationCounts;
pub use closures::ClosedDays;
pub use dates::{Silences, Thresholds, dates, silences};
pub use fit::{Fit, FitMethod, FitSettings, by_moments, fit};
pub use flood::{Flood, USUAL_OVER_DAYS, flood};
pub use foresight::{CalibrationBin, Foresight, Quality, calibration, look_back, quality};
pub use frequency::{GapHistogram, XyzThresholds, xyz};
pub use gap_days::GapDays;
pub use law::Law;
pub use lost_items::{LostItem, lost_items};
pub use pauses::{Pause, PauseEnd, PauseSample};
pub use proposals::{Grid, proposed_grid, proposed_smallest_lost_days};
pub use second_purchase::{SecondPurchaseWindow, share_returning};
pub use state::{Observed, observe, of_sorted_days};
pub use step_up::{Bought, StepCounts, StepUp, StepsUp};
pub use student::StudentT;
pub use value::{KeyAccounts, TRAILING_DAYS, TurnoverShares, expected_yearly_loss_minor};
pub use volume::{
    VolumeBase, VolumeBaseBuilder, VolumeChange, VolumeScores, VolumeSettings, VolumeSummary,
};

#[cfg(test)]
mod golden_online_retail;
#[cfg(test)]
mod reference_vectors;
