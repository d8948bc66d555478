//! Imports: real exports, the same again, what cannot be taken, no room for it,
//! and a kill in the middle.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking, and so do its helpers"
)]

mod again;
mod bad_input;
mod both;
mod exports;
mod interrupted;
#[cfg(unix)]
mod killed;
#[cfg(unix)]
mod no_room;
mod people;
mod program;
mod rhythms;
mod shop;
