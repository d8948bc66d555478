//! Tests of the whole, from outside.

mod backtest;
mod config;
mod demo;
mod house;
mod letters;
mod world;
