//! One planner at a time, one who delivers, one who keeps the schedules: locks on files beside the
//! database.
//!
//! The operating system lets go of it when a process ends, however it ends; so whoever holds it
//! knows that a half-written run was left by a process that is gone.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::Path;

/// The lock; it is let go of when this is dropped.
#[derive(Debug)]
pub struct RunLock {
    _file: File,
}

/// Takes the lock of delivery, if nobody else is sending: of two processes that send one would
/// think the other one dead.
pub fn delivery(database: &Path) -> io::Result<Option<RunLock>> {
    try_lock(database, ".deliver.lock")
}

/// Takes the lock of schedules, if nobody else keeps them: the others stand by.
pub fn schedules(database: &Path) -> io::Result<Option<RunLock>> {
    try_lock(database, ".schedule.lock")
}

/// Takes the lock of planning, if nobody else holds it.
pub fn try_planning(database: &Path) -> io::Result<Option<RunLock>> {
    try_lock(database, ".lock")
}

fn try_lock(database: &Path, end: &str) -> io::Result<Option<RunLock>> {
    let mut name = database.as_os_str().to_owned();
    name.push(end);
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&name)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(RunLock { _file: file })),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Waits for the lock of a database.
pub async fn wait(database: &Path) -> io::Result<RunLock> {
    let mut name = database.as_os_str().to_owned();
    name.push(".lock");
    let waited = tokio::task::spawn_blocking(move || {
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&name)?;
        file.lock()?;
        Ok(RunLock { _file: file })
    });
    waited
        .await
        .unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))
}
