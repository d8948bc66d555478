//! What happens to a message after it was planned: when it may leave, what an answer of its
//! channel means, when it is tried again.
//!
//! The states and who may change them are in `docs/RELIABILITY.md`. Nothing here sends or stores:
//! `channels` talks to servers, `db` keeps the states, `jobs::deliver` puts them together.

pub mod answer;
pub mod breaker;
pub mod clearance;
pub mod failure_kind;
pub mod feedback;
pub mod hours;
pub mod pace;
pub mod reaction;
pub mod retry;
pub mod return_path;
pub mod sender_records;
pub mod smtp_replies;
pub mod stop_words;
pub mod token;
pub mod whatsapp_codes;
