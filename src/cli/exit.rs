//! How a command ends: the exit codes that scripts rely on.

use std::process::ExitCode;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done.
    Done,
    /// Usage or configuration is wrong: nothing was done.
    Wrong,
    /// Done, but something needs a person.
    NeedsPerson,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Done => 0,
            Exit::Wrong => 2,
            Exit::NeedsPerson => 3,
        })
    }
}
