//! Imports: real exports, the same again, what cannot be taken, and a kill in the middle.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking, and so do its helpers"
)]

mod again;
mod bad_input;
mod exports;
mod interrupted;
mod people;
mod rhythms;
mod shop;
