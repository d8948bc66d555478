//! Channels: how a rendered message leaves the house.
//!
//! Here a letter becomes MIME, a nudge becomes the request of the WhatsApp Cloud API, and both are
//! written into the sandbox instead of being sent. The types are the channels' own, plain values:
//! rendering and the database are not known here, and nothing here decides whether a message may
//! go.

mod body;
pub mod calendar;
pub mod dkim;
pub mod email;
pub mod inbound;
pub mod names;
pub mod sandbox;
pub mod smtp;
pub mod task_hook;
pub mod whatsapp;
