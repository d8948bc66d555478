//! WhatsApp: nudges leave through the Cloud API of Meta, and what comes back is read here.
//!
//! [`request`] makes the body of a request, [`api`] sends it and says what the answer means, and
//! [`webhook`] reads what Meta tells later. Which codes mean what is data in
//! `rules::delivery::whatsapp_codes`; when a message may go, and when it is tried again, is decided
//! elsewhere.
//!
//! A second provider needs no change to the rules. One with the JSON of the Cloud API (360dialog)
//! is another way to make an [`api::Endpoint`]: its own address, its own header for the key. One
//! with a language of its own (Wazzup) brings a body beside [`request`], a reading of answers
//! beside `answer`, and an endpoint whose `repeats_safely` is true, because it knows a message by
//! our key; then a message whose fate is not known may be sent again by policy.

mod account;
mod answer;
pub mod api;
mod events;
pub mod reading;
mod request;
pub mod webhook;

pub use account::Registered;
pub use answer::{Held, Taken, Trouble};
pub use api::Api;
pub use request::{Button, Header, Media, WhatsAppError, WhatsAppRequest};
