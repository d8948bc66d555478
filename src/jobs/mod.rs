//! When things happen: importing, planning and running a day, delivering.
//!
//! Jobs are short. They read through `db`, let `rules` decide, and write through `db`; what they
//! know beyond that is the order of the steps.

pub mod backtest;
pub mod backup;
pub mod base;
pub mod base_weeks;
pub mod campaigns;
pub mod clients;
pub mod day;
pub mod deliver;
pub mod doctor;
pub mod erasure;
pub mod explain;
pub mod frequency;
pub mod funnels;
pub mod import;
pub mod inputs;
pub mod intake;
pub mod managers;
mod measures;
pub mod moving;
pub mod notices;
pub mod outcome;
pub mod partners;
pub mod preview;
mod reach;
pub mod rhythms;
pub mod schedule;
pub mod staff;
pub mod task_hook;
pub mod tidy;
pub mod told;
mod volume;
pub mod worker;
