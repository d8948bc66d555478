//! Plain data with the words of the product: what a client, a purchase, a rhythm or a message is.
//!
//! No behaviour beyond what keeps a value valid. Deciding is the business of `rules`.

mod day;
mod money;
mod rhythm;

pub use day::{Day, DayError};
pub use money::{Currency, Money, MoneyError};
pub use rhythm::{
    BaseParameters, Rhythm, RhythmDates, RhythmState, RhythmStateError, Xyz, XyzError,
};
