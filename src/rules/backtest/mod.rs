//! A rule over the past, without looking ahead: what a campaign would have done day by day, and
//! what came of those whom it would have chosen.
//!
//! The histories come client by client and memory does not grow with the base: first
//! [`ErasBuilder`] fits the base at each refit of the period, then [`Tuner`] tunes the two
//! yardsticks on what was before it, then [`Backtest`] leads every client through the days by the
//! rules of `rules::plan`. Nobody got anything in that past, so whoever came back came by himself:
//! what a campaign adds to that, only a hold-out can tell.
//!
//! Reading the histories is the business of the floors above.

mod alarm;
mod conclusions;
mod course;
mod eras;
mod happened;
mod past;
mod pauses;
mod replay;
mod report;
mod run;
mod scene;
mod tally;
mod tuning;
mod words;

pub use alarm::{Alarm, Occasion};
pub use eras::{Eras, ErasBuilder, refit_days};
pub use past::{Past, PastDay};
pub use report::{
    AlarmQuality, AlarmReport, BacktestReport, ChannelCount, ChosenReport, DayCount, FittedBase,
    PerDay, RecordedReport, WeekCount,
};
pub use run::{Backtest, FirstImport};
pub use scene::{NotReplayed, Period, Scene};
pub use tuning::Tuner;

#[cfg(test)]
mod tests;
