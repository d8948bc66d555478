//! Moving a base from SQLite to PostgreSQL: everything around the copying of rows that keeps two bases
//! from sending the same.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::Serialize;
use tracing::info;

use crate::app::App;
use crate::db::{Access, Held, Lock, MoveError, MovedTable, Moving, Place, Store, StoreError};
use crate::jobs::erasure::PROOFS;

/// A base that was moved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Moved {
    /// The file that it was in, which refuses every change from now on.
    pub from: PathBuf,
    /// The address to configure, without a password.
    pub to: String,
    /// Every table, in the order in which it was copied.
    pub tables: Vec<MovedTable>,
    /// All rows.
    pub rows: u64,
}

/// Why a base was not moved.
#[derive(Debug, thiserror::Error)]
pub enum MovingError {
    /// The databases.
    #[error(transparent)]
    Move(#[from] MoveError),
    /// Somebody works with one of them.
    #[error("another process is using {0}: stop the service and whatever else runs, then move")]
    Busy(Place),
    /// The pages are still served from it.
    #[error(
        "a process with the pages ({0}) was alive on this base {1} seconds ago: stop it, or wait a \
         moment if it was stopped just now; a wish to get nothing more must not get lost"
    )]
    Alive(String, i64),
    /// The file that says who must be forgotten again.
    #[error("{0}: {1}")]
    Proofs(PathBuf, io::Error),
}

impl From<StoreError> for MovingError {
    fn from(error: StoreError) -> Self {
        Self::Move(error.into())
    }
}

/// Moves the base of the application into the empty database that `access` leads to.
pub async fn move_base(
    app: &App,
    access: &Access<'_>,
    progress: &mut (dyn FnMut(Moving) + Send),
) -> Result<Moved, MovingError> {
    let (from, to) = (app.store.place(), Place::of(access.url, access.home)?);
    let (Place::File(file), Place::Server { .. }) = (from, &to) else {
        return Err(MovingError::Move(MoveError::Direction {
            from: from.clone(),
            to,
        }));
    };
    let _ours = everything_of(&app.store).await?;
    if let Some((part, ago)) = app.store.alive_part(app.now_ms()).await? {
        return Err(MovingError::Alive(part, ago / 1_000));
    }
    let moved_before = app.store.is_moved().await?;
    let target = Store::open_empty(access, moved_before).await?;
    if !moved_before {
        // With the lock of delivery in hand it is known here that whoever has claimed anything is gone;
        // there it would be known only when his leases have ended.
        let left = app.store.take_over("migrate-to", app.now_ms()).await?;
        if !left.is_empty() {
            info!(?left, "took over what a process that is gone has left");
        }
    }
    let moved = into_target(app, &target, progress).await;
    target.close().await;
    let tables = moved?;
    Ok(Moved {
        from: file.clone(),
        to: access.to_configure(),
        rows: tables.iter().map(|table| table.rows).sum(),
        tables,
    })
}

async fn into_target(
    app: &App,
    target: &Store,
    progress: &mut (dyn FnMut(Moving) + Send),
) -> Result<Vec<MovedTable>, MovingError> {
    let _theirs = everything_of(target).await?;
    let proofs = target.place().beside(PROOFS);
    keep_proofs(&app.store.place().beside(PROOFS), &proofs)
        .map_err(|error| MovingError::Proofs(proofs, error))?;
    Ok(app.store.move_to(target, app.now_ms(), progress).await?)
}

/// Every lock of a base: nobody delivers, keeps the schedules or plans.
async fn everything_of(store: &Store) -> Result<Vec<Held>, MovingError> {
    let mut held = Vec::new();
    for lock in [Lock::Delivery, Lock::Schedules, Lock::Planning] {
        let taken = store.try_lock(lock).await?;
        held.push(taken.ok_or_else(|| MovingError::Busy(store.place().clone()))?);
    }
    Ok(held)
}

/// Whoever must be forgotten again when an old backup of the file is put back must be so in the new
/// base as well.
fn keep_proofs(old: &Path, new: &Path) -> io::Result<()> {
    let read = |path: &Path| match fs::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
        read => read,
    };
    let (old, known) = (read(old)?, read(new)?);
    let known: BTreeSet<&str> = known.lines().collect();
    let missing: Vec<&str> = old.lines().filter(|line| !known.contains(line)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let mut file = fs::OpenOptions::new().create(true).append(true).open(new)?;
    for proof in missing {
        writeln!(file, "{proof}")?;
    }
    file.sync_all()
}
