//! Tests of the whole, from outside.

mod config;
mod house;
mod import;
mod letters;
