//! The commands: arguments, exit codes, and what a person sees in the terminal.

pub mod check;
pub mod init;
