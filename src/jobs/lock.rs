//! One planner at a time: a lock on a file beside the database.
//!
//! The operating system lets go of it when a process ends, however it ends; so whoever holds it
//! knows that a half-written run was left by a process that is gone.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;

/// The lock; it is let go of when this is dropped.
#[derive(Debug)]
pub struct RunLock {
    _file: File,
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
