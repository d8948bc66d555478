//! The workers that deliver, woken by a queue.
//!
//! This is the only folder that names apalis. Its queue holds nothing but "look at this channel":
//! whoever empties or deletes it loses a moment, because a sweep looks every second for what is due.
//! Where it lies is told in [`queue`]. What apalis does not promise is kept away from messages:
//!
//! - a finished job may run again, and a job may be lost after a crash: a job only says where to
//!   look, and the tables say what is to be done;
//! - jobs that were fetched ahead are neither acknowledged nor kept alive: one is fetched at a time,
//!   and one is worked on (more than four deadlock a graceful stop);
//! - timeouts and panics that its layers catch leave a job running for ever: both are handled inside
//!   the handler;
//! - a worker that starts anew under its old name is turned away: names carry the process start;
//! - any error of the database ends a worker: the monitor begins another one, and the connections are
//!   made anew.

mod queue;

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use apalis::prelude::*;
use futures::FutureExt;
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use super::deliver::Live;
use crate::app::App;
use crate::model::Channel;

use queue::Queue;

/// How often the sweep looks for what is due.
const SWEEP: Duration = Duration::from_secs(1);

/// How often what dead workers and passing time have left is put right, at least.
const RECONCILE: Duration = Duration::from_mins(1);

/// A job that was not taken up for so long is taken for lost.
const LOST_AFTER: Duration = Duration::from_secs(30);

/// How long what is under way may take to end when the service stops.
const STOP_WITHIN: Duration = Duration::from_secs(25);

/// How long the last writing may take when the service stops: a database that is away is not waited
/// for. What could not be written is taken for unknown.
const LAST_WRITING: Duration = Duration::from_secs(4);

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
    File {
        /// The file.
        path: PathBuf,
        /// What was said.
        reason: String,
    },
    /// The tables of the queue.
    #[error(
        "the queue in the database cannot be used: {reason}; it needs a schema \"apalis\" of its own \
         and the extensions hstore and pgcrypto (package postgresql-contrib): once, let an \
         administrator run GRANT CREATE ON DATABASE name TO user, or begin a worker himself"
    )]
    Server {
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
    let queue = Queue::open(app, start).await?;
    let desk = Arc::new(Desk {
        live,
        jobs: Mutex::default(),
    });
    let mut monitor = Monitor::new();
    for channel in Channel::ALL.iter().copied() {
        monitor = queue.employ(monitor, channel, start, &desk);
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
    let (ended, ()) = tokio::join!(monitor, sweep(app, &desk, &queue, stop));
    if let Err(error) = ended {
        error!(%error, "the workers ended");
    }
    let closed = async {
        desk.live.close().await;
        queue.close().await;
    };
    if timeout(LAST_WRITING, closed).await.is_err() {
        error!("the database is away: what could not be written counts as unknown");
    }
    Ok(())
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
/// minute, or as often as a lease may end, what dead workers and passing time have left.
async fn sweep(app: &Arc<App>, desk: &Desk, queue: &Queue, stop: &CancellationToken) {
    let every = RECONCILE.min(app.settings.delivery.take_over_after.duration());
    let mut last = None;
    loop {
        if last.is_none_or(|last: Instant| last.elapsed() >= every) {
            last = Some(Instant::now());
            if let Err(error) = desk.live.reconcile().await {
                error!(%error, "nothing could be put right");
            }
            queue.tidy().await;
        }
        for channel in Channel::ALL.iter().copied() {
            if let Err(error) = wake(app, desk, queue, channel).await {
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
    queue: &Queue,
    channel: Channel,
) -> Result<(), BoxDynError> {
    if !desk.live.can_send(channel) {
        return Ok(());
    }
    let due = app.store.next_due(channel).await?;
    if due.is_none_or(|due| due > app.now_ms()) || !desk.announce(channel) {
        return Ok(());
    }
    queue.push(channel).await
}
