//! Tests of the whole, from outside.

mod config;
mod house;
mod letters;
mod shop;
