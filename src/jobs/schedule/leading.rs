//! Who keeps the schedules: one process leads, by a lock that is taken back when it dies; others stand
//! by. Whoever loses the lock while he lives (a server that restarts) drops what he is doing and stands
//! by as well.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use super::{BEAT, Scheduler};
use crate::app::App;
use crate::db::{Held, Lock, StoreError};
use crate::jobs::notices;

/// How often it is looked whether something is due.
const TICK: Duration = Duration::from_secs(1);

/// How often somebody who stands by looks whether the leader is gone.
const STAND_BY: Duration = Duration::from_secs(2);

/// How often it is looked for occasions to write to the operator.
const LOOK: Duration = Duration::from_secs(30);

/// Keeps the schedules until it is told to stop; stands by while another process does, and again after
/// the lock was lost.
pub async fn keep(app: Arc<App>, owner: String, stop: CancellationToken) {
    while let Some(lock) = stand_by(&app, &stop).await {
        info!(%owner, "keeping the schedules");
        let beside = stop.child_token();
        let beating = tokio::spawn(look_after(Arc::clone(&app), owner.clone(), beside.clone()));
        lead(&app, Arc::new(lock), &stop).await;
        beside.cancel();
        if let Err(error) = beating.await {
            error!(%error, "whoever looks after the schedules panicked");
        }
    }
}

/// Waits for the lock of schedules; nothing when it is told to stop.
async fn stand_by(app: &App, stop: &CancellationToken) -> Option<Held> {
    let mut told = false;
    while !stop.is_cancelled() {
        match app.store.try_lock(Lock::Schedules).await {
            Ok(Some(lock)) => return Some(lock),
            Ok(None) if !told => {
                told = true;
                info!("another process keeps the schedules: standing by");
            }
            Ok(None) => {}
            Err(error) => error!(%error, "the lock of schedules cannot be taken"),
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(STAND_BY) => {}
        }
    }
    None
}

/// Keeps the schedules until it is told to stop or the lock is lost.
async fn lead(app: &Arc<App>, lock: Arc<Held>, stop: &CancellationToken) {
    let mut scheduler = None;
    while !stop.is_cancelled() {
        match tick(app, &lock, &mut scheduler, stop).await {
            Ok(()) => {}
            Err(StoreError::LockLost) => {
                warn!("the lock of schedules is lost: standing by");
                return;
            }
            Err(error) => error!(%error, "the schedules could not be looked at"),
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(TICK) => {}
        }
    }
}

async fn tick(
    app: &Arc<App>,
    lock: &Arc<Held>,
    scheduler: &mut Option<Scheduler>,
    stop: &CancellationToken,
) -> Result<(), StoreError> {
    let scheduler = if let Some(scheduler) = scheduler {
        scheduler
    } else {
        let started = Scheduler::start(Arc::clone(app), Arc::clone(lock), stop.clone());
        scheduler.insert(started.await?)
    };
    scheduler.tick().await.map(drop)
}

/// Beside the schedules, however long something takes: tells that their keeper is alive, and writes
/// to the operator.
async fn look_after(app: Arc<App>, owner: String, stop: CancellationToken) {
    let mut looked: Option<Instant> = None;
    while !stop.is_cancelled() {
        if let Err(error) = app.store.beat("schedule", &owner, "", app.now_ms()).await {
            error!(%error, "the keeper of the schedules cannot tell that it is alive");
        }
        if looked.is_none_or(|at| at.elapsed() >= LOOK) {
            looked = Some(Instant::now());
            if let Err(error) = notices::look(&app).await {
                error!(%error, "the operator could not be written to");
            }
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(BEAT) => {}
        }
    }
    if let Err(error) = app.store.stop_beating("schedule", &owner).await {
        error!(%error, "the keeper of the schedules cannot tell that it has ended");
    }
}
