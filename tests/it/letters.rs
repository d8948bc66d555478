//! Letters, scripts and nudges: the ready ones, the company's own, and how they leave.
#![expect(
    clippy::unwrap_used,
    reason = "a letter that cannot be made or read fails the test as it should"
)]

mod company;
mod mime;
mod ready;
pub(crate) mod signed;
