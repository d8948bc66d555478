//! Tests of the whole, from outside.

mod commands;
mod config;
mod house;
mod letters;
mod world;
