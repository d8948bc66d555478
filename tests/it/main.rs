//! Tests that look at rekindle from the outside.

mod config;
