//! The pure room: who, whether, when, what, and did it work.
//!
//! Nothing here reads a clock, a file, the environment, a database or the network, and nothing is
//! async or random: the day is an argument and a draw is a hash. What is read and what is written
//! is the business of the floors above.

pub mod audience;
pub mod backtest;
pub mod base_facts;
pub mod calendar;
pub mod certificate;
pub mod client_kind;
mod client_trigger;
pub mod date_trigger;
pub mod day_list;
mod deal_trigger;
pub mod delivery;
mod draw;
pub mod evidence;
pub mod follow_up;
pub mod frequency_report;
pub mod funnel;
pub mod heartbeat;
pub mod holdout;
pub mod no_occasion;
pub mod plan;
pub mod readiness;
pub mod rhythm;
pub mod schedule;
pub mod staff;
pub mod standing;
pub mod trigger;
pub mod variant;
pub mod wording;
