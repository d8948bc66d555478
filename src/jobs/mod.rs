//! When things happen: importing, planning and running a day, delivering.
//!
//! Jobs are short. They read through `db`, let `rules` decide, and write through `db`; what they
//! know beyond that is the order of the steps.

pub mod base;
pub mod day;
pub mod inputs;
pub mod managers;
mod reach;
