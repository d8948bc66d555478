//! Parsed configuration: `config/rekindle.toml` and `config/campaigns/*.toml`.
//!
//! [`settings`] and [`campaign`] are the types and, with their comments, the documentation of
//! every key; [`values`] are the small values they are written in.

pub mod campaign;
pub mod settings;
pub mod values;

pub use campaign::Campaign;
pub use settings::Settings;
