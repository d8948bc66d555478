//! Letters over SMTP, one step at a time.
//!
//! [`Session`] drives a connection of lettre step by step, so that whoever sends knows how far a
//! letter had come when something broke, and can write "from here on nobody knows" into the
//! database after the server's 354 and before the first byte of the letter. Below lettre lies our
//! own [`wire`]: it keeps every step within its deadline and every reply within its bounds, and it
//! never lets a reply through that was not asked for. [`Pool`] keeps sessions for the next letter.
//!
//! A session in the middle of a step is broken until the step has ended: a timeout, a dropped
//! future or a strange reply costs the connection, and never lends a reply to another letter.
//!
//! What a reply means is in `rules::delivery::smtp_replies`; nothing here decides it, waits for
//! another attempt or knows the database. Contents and passwords are never logged.
//!
//! Sources: RFC 5321 (SMTP), RFC 3207 (STARTTLS), RFC 4954 (AUTH), RFC 1870 (SIZE), RFC 3461 (DSN).

mod content;
mod envelope;
mod offers;
mod pool;
mod reach;
mod server;
mod session;
mod trouble;
mod wire;

pub use envelope::Envelope;
pub use pool::{NoSession, Pool, Pooled, Room};
pub use server::{Server, ServerError};
pub use session::{Accepted, Session};
pub use trouble::{Cause, Reply, Trouble};
