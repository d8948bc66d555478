//! `rekindle run` without `--once`: the service that keeps the schedules, delivers and answers.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use clap::ValueEnum;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use super::open::Configuration;
use super::{Exit, reload, tell};
use crate::app::App;
use crate::config::settings::DeliveryMode;
use crate::db::Lock;
use crate::jobs::deliver::{Live, NotReady};
use crate::jobs::worker::{self, WorkerError};
use crate::jobs::{doctor, intake, schedule, task_hook};
use crate::web::{Web, WebError};

/// How long an import or a plan may go on after the end was asked for; killed, it is begun again.
const LAST_WORK: Duration = Duration::from_secs(20);

/// A part of the service, for those who split it over processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Part {
    /// Keeps the schedules: imports, plans the day, brings the lists, backs up
    Schedule,
    /// Delivers, and looks at what came back
    Worker,
    /// Serves the pages for clients and the hooks for providers
    Web,
}

/// What one process does.
#[derive(Clone, Copy, Debug)]
struct Parts {
    schedule: bool,
    worker: bool,
    web: bool,
}

impl Parts {
    fn of(only: Option<Part>, mode: DeliveryMode) -> Self {
        let does = |part| only.is_none_or(|only| only == part);
        Self {
            schedule: does(Part::Schedule),
            // In the sandbox whoever plans writes the files as well.
            worker: does(Part::Worker) && mode == DeliveryMode::Live,
            web: does(Part::Web),
        }
    }

    /// Whether it looks at what came in: outcomes, answers, clicks of clients. In the sandbox there is
    /// no worker, and outcomes come in all the same.
    fn takes_in(self, mode: DeliveryMode) -> bool {
        self.worker || self.schedule && mode == DeliveryMode::Sandbox
    }
}

/// Serves until somebody stops it.
pub(super) async fn run(
    app: Arc<App>,
    config: &Configuration,
    only: Option<Part>,
) -> anyhow::Result<Exit> {
    let stop = CancellationToken::new();
    tokio::spawn(stop_on_signal(stop.clone()));
    let parts = Parts::of(only, app.settings.delivery.mode);
    if only == Some(Part::Worker) && !parts.worker {
        tell(
            "delivery.mode is \"sandbox\": nothing leaves, so there is nothing to deliver; \
             `rekindle run` keeps the schedules and writes into the sandbox",
        );
        return Ok(Exit::Wrong);
    }
    let _delivering = if parts.worker {
        let lock = app.store.try_lock(Lock::Delivery).await?;
        let Some(lock) = lock else {
            anyhow::bail!(
                "another process is delivering from this database; there can be only one"
            );
        };
        if !may_go_live(&app).await? {
            return Ok(Exit::NeedsPerson);
        }
        Some(lock)
    } else {
        None
    };
    let mut app = app;
    let mut watch = reload::Watch::begin(&app, config).await;
    while let Some(changed) = Box::pin(round(&app, &mut watch, parts, &stop)).await? {
        app = Arc::new(changed);
    }
    info!("stopped");
    Ok(Exit::Done)
}

/// Serves until it is told to stop, or until changed campaigns are to be taken up: those come back.
async fn round(
    app: &Arc<App>,
    watch: &mut reload::Watch,
    parts: Parts,
    stop: &CancellationToken,
) -> anyhow::Result<Option<App>> {
    let (planning, serving) = (stop.child_token(), stop.child_token());
    let mut tasks = Tasks::begin(app, parts, &planning, &serving).await?;
    let changed = tokio::select! {
        changed = watch.changed(app, stop) => Ok(changed),
        // Left alone the process would live on and deliver nothing; whoever watches over it begins it
        // again.
        error = failure_of(&mut tasks.working) => Err(error),
    };
    planning.cancel();
    finish_keeping(tasks.keeping.take(), stop).await;
    serving.cancel();
    tasks.ended().await?;
    changed
}

/// What a process does at once.
struct Tasks {
    pages: Option<JoinHandle<Result<(), WebError>>>,
    beating: JoinHandle<()>,
    taking_in: Option<JoinHandle<()>>,
    telling: Option<JoinHandle<()>>,
    keeping: Option<JoinHandle<()>>,
    working: Option<JoinHandle<Result<(), WorkerError>>>,
}

impl Tasks {
    /// Begins the parts of a process: they last until `serving` is cancelled, and no schedule begins
    /// anything once `planning` is.
    async fn begin(
        app: &Arc<App>,
        parts: Parts,
        planning: &CancellationToken,
        serving: &CancellationToken,
    ) -> anyhow::Result<Self> {
        let start = name_of_start()?;
        // Whoever wants to leave must find somebody at home before the first letter goes out.
        let web = if parts.web {
            let bound = Web::bind(Arc::clone(app)).await;
            Some(bound.context("serve the pages")?)
        } else {
            None
        };
        let live = if parts.worker {
            let live = Live::start(Arc::clone(app), start.clone(), serving.clone());
            Some(Arc::new(live.await.map_err(not_ready)?))
        } else {
            None
        };
        web.iter().for_each(tell_addresses);
        let takes_in = parts.takes_in(app.settings.delivery.mode);
        let tasks = Self {
            pages: web.map(|web| tokio::spawn(web.run(serving.clone()))),
            beating: tokio::spawn(beat(Arc::clone(app), parts, start.clone(), serving.clone())),
            taking_in: takes_in
                .then(|| tokio::spawn(intake::watch(Arc::clone(app), serving.clone()))),
            telling: parts
                .worker
                .then(|| tokio::spawn(task_hook::watch(Arc::clone(app), serving.clone()))),
            keeping: parts.schedule.then(|| {
                let keep = schedule::keep(Arc::clone(app), start.clone(), planning.clone());
                tokio::spawn(keep)
            }),
            working: live.map(|live| {
                let (app, start, serving) = (Arc::clone(app), start.clone(), serving.clone());
                tokio::spawn(async move { worker::work(&app, live, &start, &serving).await })
            }),
        };
        info!(%start, ?parts, "serving");
        Ok(tasks)
    }

    /// Waits until all have ended, who were told to.
    async fn ended(self) -> anyhow::Result<()> {
        if let Some(working) = self.working {
            working.await.context("deliver")??;
        }
        if let Some(pages) = self.pages {
            let pages = pages.await.context("serve the pages")?;
            pages.context("serve the pages")?;
        }
        if let Some(taking_in) = self.taking_in {
            taking_in.await.context("look at what came back")?;
        }
        if let Some(telling) = self.telling {
            telling.await.context("tell tasks")?;
        }
        let beating = self.beating.await;
        beating.context("tell that the service is alive")
    }
}

/// Says where the pages are listened to.
fn tell_addresses(web: &Web) {
    if let (Ok(public), Ok(staff)) = (web.public_address(), web.staff_address()) {
        info!(%public, %staff, "listening");
    }
}

/// Waits until the workers fail; for ever when they end because they were told to, or there are none.
async fn failure_of(working: &mut Option<JoinHandle<Result<(), WorkerError>>>) -> anyhow::Error {
    if let Some(workers) = working {
        let ended = workers.await;
        *working = None;
        match ended {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return error.into(),
            Err(panicked) => return anyhow::Error::from(panicked).context("deliver"),
        }
    }
    std::future::pending().await
}

/// Lets what a schedule has begun end: without a limit when campaigns are taken up, for a while when
/// the service stops.
async fn finish_keeping(keeping: Option<JoinHandle<()>>, stop: &CancellationToken) {
    let Some(mut keeping) = keeping else { return };
    let late = async {
        stop.cancelled().await;
        tokio::time::sleep(LAST_WORK).await;
    };
    let ended = tokio::select! {
        ended = &mut keeping => Some(ended),
        () = late => None,
    };
    match ended {
        Some(Ok(())) => {}
        Some(Err(error)) => error!(%error, "the keeper of the schedules panicked"),
        None => {
            info!("what a schedule had begun is begun again at the next start");
            keeping.abort();
        }
    }
}

/// Tells that the parts of this process are alive.
async fn beat(app: Arc<App>, parts: Parts, owner: String, stop: CancellationToken) {
    let names: Vec<&str> = [("worker", parts.worker), ("web", parts.web)]
        .into_iter()
        .filter_map(|(name, here)| here.then_some(name))
        .collect();
    while !stop.is_cancelled() {
        for name in &names {
            if let Err(error) = app.store.beat(name, &owner, "", app.now_ms()).await {
                error!(%error, "the service cannot tell that it is alive");
            }
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(schedule::BEAT) => {}
        }
    }
    for name in names {
        if let Err(error) = app.store.stop_beating(name, &owner).await {
            error!(%error, "the service cannot tell that it has ended");
        }
    }
}

/// Whether the doctor lets us; says what is wrong when not, and at the end what follows from it.
async fn may_go_live(app: &App) -> anyhow::Result<bool> {
    let failures = doctor::failures(app).await?;
    for failure in &failures {
        tell(format_args!("{failure}"));
    }
    if !failures.is_empty() {
        let mut checks: Vec<&str> = failures.iter().map(|failure| failure.check).collect();
        checks.dedup();
        tell(format_args!(
            "NOT LIVE: nothing is sent before this is mended: {}; `rekindle doctor` shows all that \
             was checked",
            checks.join(", ")
        ));
    }
    Ok(failures.is_empty())
}

/// What became of the wish to send what is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DeliveredNow {
    /// So many messages were taken in hand.
    Claimed(u64),
    /// Another process is delivering.
    Elsewhere,
    /// The doctor does not let us.
    NotLive,
}

/// Sends what is due at this moment and ends, unless another process is delivering already or the
/// doctor does not let us.
pub(super) async fn deliver_now(app: Arc<App>) -> anyhow::Result<DeliveredNow> {
    if !may_go_live(&app).await? {
        return Ok(DeliveredNow::NotLive);
    }
    let Some(_lock) = app.store.try_lock(Lock::Delivery).await? else {
        return Ok(DeliveredNow::Elsewhere);
    };
    let stop = CancellationToken::new();
    tokio::spawn(stop_on_signal(stop.clone()));
    let live = Live::start(Arc::clone(&app), name_of_start()?, stop)
        .await
        .map_err(not_ready)?;
    let live = Arc::new(live);
    live.reconcile().await?;
    let mut claimed = 0;
    for channel in crate::model::Channel::ALL {
        claimed += live.deliver_due(*channel).await?.claimed;
    }
    live.close().await;
    if let Some(listener) = task_hook::listener(&app)? {
        task_hook::tell_due(&app, &listener).await?;
    }
    Ok(DeliveredNow::Claimed(claimed))
}

fn not_ready(error: NotReady) -> anyhow::Error {
    anyhow::Error::new(error).context("nothing can be sent")
}

/// One name a process start: what another name has claimed was not claimed by us.
fn name_of_start() -> anyhow::Result<String> {
    let draw = getrandom::u32().context("draw a name for this process")?;
    Ok(format!("{}-{draw:08x}", std::process::id()))
}

/// Stops on Ctrl-C and on the signal with which service managers end a process.
async fn stop_on_signal(stop: CancellationToken) {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
            stop.cancel();
            return;
        }
    }
    let _ = tokio::signal::ctrl_c().await;
    stop.cancel();
}
