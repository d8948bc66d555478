//! When something is due: the occurrences of a schedule between two instants, what becomes of those
//! that nobody attended to, when a failure is tried again, and what is far more than usual.
//!
//! Who notices that it is time, and what is then done, is the business of `jobs::schedule`.

mod catch_up;
mod clock;
mod freshness;
pub mod occasion;
mod occurrence;
mod retry;
mod surge;
#[cfg(test)]
mod two_years;

pub use catch_up::{Fate, fates, is_left_out_on_purpose};
pub use clock::{ClockStep, clock_step};
pub use freshness::{SourceAge, stale};
pub use occurrence::{Occurrence, next, occurrences};
pub use retry::retry_after;
pub use surge::{Surge, surge};
