//! Tests of the whole, from outside.

mod house;
mod letters;
