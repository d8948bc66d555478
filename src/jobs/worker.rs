//! The workers that deliver, woken by a queue.
//!
//! This is the only file that names apalis. Its queue lies in a file of its own and holds nothing
//! but "look at this channel": whoever empties or deletes it loses a moment, because a sweep looks
//! every second for what is due. What apalis does not promise is kept away from messages:
//!
//! - a finished job may run again, and a job may be lost after a crash: a job only says where to
//!   look, and the tables say what is to be done;
//! - jobs that were fetched ahead are neither acknowledged nor kept alive: one is fetched at a time,
//!   and one is worked on (more than four deadlock a graceful stop);
//! - timeouts and panics that its layers catch leave a job running for ever: both are handled inside
//!   the handler;
//! - a worker that starts anew under its old name is turned away: names carry the process start.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use apalis::prelude::*;
use apalis_sqlite::{Config, SqliteStorage};
use futures::FutureExt;
use serde::{Deserialize, Serialize};
use sqlx::SqlitePool;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use super::deliver::Live;
use crate::app::App;
use crate::model::Channel;

/// How often the sweep looks for what is due.
const SWEEP: Duration = Duration::from_secs(1);

/// How often a worker looks into the queue.
const POLL: Duration = Duration::from_millis(100);

/// How often what dead workers and passing time have left is put right.
const RECONCILE: Duration = Duration::from_mins(1);

/// A job that was not taken up for so long is taken for lost.
const LOST_AFTER: Duration = Duration::from_secs(30);

/// How long what is under way may take to end when the service stops.
const STOP_WITHIN: Duration = Duration::from_secs(25);

/// How long finished jobs are kept.
const KEEP_DONE: Duration = Duration::from_mins(10);

/// Looks at one channel. Carries no message: what is due is found in the tables.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Deliver {
    channel: Channel,
}

/// Why the workers cannot work.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// The file of the queue.
    #[error(
        "the queue {path} cannot be used: {reason}; it holds nothing of value and may be deleted"
    )]
    Queue {
        /// The file.
        path: PathBuf,
        /// What was said.
        reason: String,
    },
}

/// What the handlers and the sweep share.
struct Desk {
    live: Arc<Live>,
    jobs: Mutex<BTreeMap<Channel, Job>>,
}

/// The job of a channel.
#[derive(Clone, Copy)]
enum Job {
    /// In the queue since then.
    Waiting(Instant),
    /// Being worked on, however long that takes.
    Running,
}

/// A job that is being worked on, until this is dropped: also when its worker dies.
struct Running<'d> {
    desk: &'d Desk,
    channel: Channel,
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.desk.jobs().remove(&self.channel);
    }
}

impl Desk {
    fn jobs(&self) -> MutexGuard<'_, BTreeMap<Channel, Job>> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a job for a channel has to be made: not while one is worked on, and not while one
    /// waits, unless it was lost.
    fn announce(&self, channel: Channel) -> bool {
        let mut jobs = self.jobs();
        let known = match jobs.get(&channel) {
            Some(Job::Running) => true,
            Some(Job::Waiting(since)) => since.elapsed() <= LOST_AFTER,
            None => false,
        };
        if !known {
            jobs.insert(channel, Job::Waiting(Instant::now()));
        }
        !known
    }

    fn begin(&self, channel: Channel) -> Running<'_> {
        self.jobs().insert(channel, Job::Running);
        Running {
            desk: self,
            channel,
        }
    }
}

/// Delivers until it is told to stop; then what is under way ends or is given back.
pub async fn work(
    app: &Arc<App>,
    live: Arc<Live>,
    start: &str,
    stop: &CancellationToken,
) -> Result<(), WorkerError> {
    let file = app.store.place().beside("queue");
    let queue = |error: &dyn std::fmt::Display| WorkerError::Queue {
        path: file.clone(),
        reason: error.to_string(),
    };
    let pool = open(&file).await.map_err(|error| queue(&error))?;
    let desk = Arc::new(Desk {
        live,
        jobs: Mutex::default(),
    });
    let mut monitor = Monitor::new();
    for channel in Channel::ALL.iter().copied() {
        let (desk, pool, start) = (Arc::clone(&desk), pool.clone(), start.to_owned());
        monitor = monitor.register(move |n| {
            WorkerBuilder::new(format!("{channel}-{start}-{n}"))
                .backend(storage(&pool, channel).poll_with_interval(POLL))
                .data(Arc::clone(&desk))
                .concurrency(1)
                .build(deliver)
        });
    }
    let stopped = stop.clone();
    let monitor = monitor
        .should_restart(|worker, error| {
            warn!(worker = worker.name(), %error, "a worker is replaced");
            true
        })
        .shutdown_timeout(STOP_WITHIN)
        .run_with_signal(async move {
            stopped.cancelled().await;
            Ok(())
        });
    let (ended, ()) = tokio::join!(monitor, sweep(app, &desk, &pool, stop));
    if let Err(error) = ended {
        error!(%error, "the workers ended");
    }
    desk.live.close().await;
    pool.close().await;
    Ok(())
}

async fn open(file: &Path) -> Result<SqlitePool, sqlx::Error> {
    let options = SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .busy_timeout(Duration::from_secs(30));
    let pool = SqlitePool::connect_with(options).await?;
    // Never `SqliteStorage::setup`: it changes settings of a connection drawn at random.
    SqliteStorage::<()>::migrations().run(&pool).await?;
    Ok(pool)
}

fn storage(pool: &SqlitePool, channel: Channel) -> SqliteStorage<Deliver> {
    let config = Config::default()
        .queue(channel.word())
        .batch_size(1)
        .heartbeat_interval(Duration::from_secs(10))
        .missed_heartbeats(3);
    SqliteStorage::new(pool).with_config(config)
}

/// Delivers what is due on a channel. Never fails and never panics towards the queue: what went
/// wrong is in the log and in the tables, and the sweep comes again.
async fn deliver(job: Deliver, desk: Data<Arc<Desk>>) -> Result<(), BoxDynError> {
    let _running = desk.begin(job.channel);
    let worked = AssertUnwindSafe(desk.live.deliver_due(job.channel));
    match worked.catch_unwind().await {
        Ok(Ok(round)) if round.claimed > 0 => {
            info!(channel = %job.channel, messages = round.claimed, "delivered");
        }
        Ok(Ok(_)) => {}
        Ok(Err(error)) => error!(channel = %job.channel, %error, "delivery stopped"),
        Err(_) => error!(channel = %job.channel, "delivery panicked; it starts again"),
    }
    crash_point!("before-acknowledgement");
    Ok(())
}

/// Looks every second for channels with something due and wakes their workers; puts right every
/// minute what dead workers and passing time have left.
async fn sweep(app: &Arc<App>, desk: &Desk, pool: &SqlitePool, stop: &CancellationToken) {
    let mut last = None;
    loop {
        if last.is_none_or(|last: Instant| last.elapsed() >= RECONCILE) {
            last = Some(Instant::now());
            if let Err(error) = desk.live.reconcile().await {
                error!(%error, "nothing could be put right");
            }
            forget_done(pool).await;
        }
        for channel in Channel::ALL.iter().copied() {
            if let Err(error) = wake(app, desk, pool, channel).await {
                error!(%channel, %error, "a worker could not be woken");
            }
        }
        tokio::select! {
            () = tokio::time::sleep(SWEEP) => {}
            () = stop.cancelled() => return,
        }
    }
}

async fn wake(
    app: &Arc<App>,
    desk: &Desk,
    pool: &SqlitePool,
    channel: Channel,
) -> Result<(), BoxDynError> {
    if !desk.live.can_send(channel) {
        return Ok(());
    }
    let due = app.store.next_due(channel).await?;
    if due.is_none_or(|due| due > app.now_ms()) || !desk.announce(channel) {
        return Ok(());
    }
    storage(pool, channel).push(Deliver { channel }).await?;
    Ok(())
}

/// Finished jobs are of no use. apalis' own way of removing them takes the fresh ones as well.
async fn forget_done(pool: &SqlitePool) {
    let done = sqlx::query(
        "DELETE FROM Jobs
         WHERE status IN ('Done', 'Failed', 'Killed') AND done_at < strftime('%s', 'now') - ?1",
    );
    let kept = KEEP_DONE.as_secs().cast_signed();
    if let Err(error) = done.bind(kept).execute(pool).await {
        warn!(%error, "finished jobs could not be removed from the queue");
    }
}
