//! When things happen: importing, planning and running a day, delivering.
//!
//! Jobs are short. They read through `db`, let `rules` decide, and write through `db`; what they
//! know beyond that is the order of the steps.

pub mod backtest;
pub mod base;
pub mod base_weeks;
pub mod clients;
pub mod day;
pub mod deliver;
pub mod doctor;
pub mod explain;
pub mod frequency;
pub mod funnels;
pub mod import;
pub mod inputs;
pub mod intake;
pub mod lock;
pub mod managers;
mod measures;
pub mod outcome;
pub mod preview;
mod reach;
pub mod rhythms;
pub mod staff;
pub mod task_hook;
pub mod told;
mod volume;
pub mod worker;
