//! How a command ends: the exit codes that scripts rely on.

use std::io;
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

/// Whether a command failed only because nobody reads its output any more.
pub(super) fn pipe_is_closed(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        let in_table = cause.downcast_ref::<csv::Error>().map(csv::Error::kind);
        let io = match in_table {
            Some(csv::ErrorKind::Io(error)) => Some(error),
            _ => cause.downcast_ref::<io::Error>(),
        };
        io.is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
    })
}
