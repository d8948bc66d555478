//! Tests of the whole, from outside.

mod commands;
mod backtest;
mod config;
mod demo;
mod house;
mod import;
mod letters;
mod shop;
mod world;
