//! Certificates: their codes, what may be redeemed, and who is a friend.
//!
//! Everything is decided from facts that are handed in; that a use is taken only once, however many
//! tills try, is kept by the database.

mod code;
mod friend;
mod redemption;

pub use code::{CodeError, code, message_key, prefix_of, read};
pub use friend::{FriendFacts, GiverLimit, Person, mailbox, plain_card};
pub use redemption::{Certificate, Objection, Receipt, Standing, Verdict, judge, standing};
