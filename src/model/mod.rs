//! Plain data with the words of the product: what a client, a purchase, a rhythm or a message is.
//!
//! No behaviour beyond what keeps a value valid. Deciding is the business of `rules`.

mod day;
mod locale;
mod money;

pub use day::{Day, DayError};
pub use locale::{Locale, LocaleError};
pub use money::{Currency, Money, MoneyError};
