//! Tests of the whole, from outside.

mod commands;
mod backtest;
mod config;
mod demo;
mod house;
mod letters;
mod shop;
mod world;
