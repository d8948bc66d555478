//! `rekindle run` without `--once`: the service that delivers and answers.

use std::sync::Arc;

use anyhow::Context;
use clap::ValueEnum;
use tokio_util::sync::CancellationToken;
use tracing::info;

use super::{Exit, tell};
use crate::app::App;
use crate::config::settings::DeliveryMode;
use crate::jobs::deliver::{Live, NotReady};
use crate::jobs::{doctor, intake, lock, task_hook, worker};
use crate::web::{self, Web};

/// A part of the service, for those who split it over processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Part {
    /// Delivers, and looks at what came back
    Worker,
    /// Serves the pages for clients and the hooks for providers
    Web,
}

/// Delivers and answers until somebody stops it.
pub(super) async fn run(app: Arc<App>, only: Option<Part>) -> anyhow::Result<Exit> {
    let stop = CancellationToken::new();
    tokio::spawn(stop_on_signal(stop.clone()));
    if only == Some(Part::Web) {
        web::serve(app, stop).await.context("serve the pages")?;
        return Ok(Exit::Done);
    }
    if app.settings.delivery.mode == DeliveryMode::Sandbox {
        tell(format_args!(
            "delivery.mode is \"sandbox\": nothing leaves, so there is nothing to deliver; \
             `rekindle run --once` runs a day into the sandbox, `rekindle run --only web` shows the \
             pages"
        ));
        return Ok(Exit::Wrong);
    }
    let Some(_lock) = lock::delivery(app.store.path()).context("take the lock of delivery")? else {
        anyhow::bail!("another process is delivering from this database; there can be only one");
    };
    if !may_go_live(&app).await? {
        return Ok(Exit::NeedsPerson);
    }
    // Whoever wants to leave must find somebody at home before the first letter goes out.
    let pages = match only {
        None => Some(
            Web::bind(Arc::clone(&app))
                .await
                .context("serve the pages")?,
        ),
        Some(_) => None,
    };
    let start = name_of_start()?;
    let live = Live::start(Arc::clone(&app), start.clone(), stop.clone())
        .await
        .map_err(not_ready)?;
    let pages = pages.map(|pages| tokio::spawn(pages.run(stop.clone())));
    let back = tokio::spawn(intake::watch(Arc::clone(&app), stop.clone()));
    let tasks = tokio::spawn(task_hook::watch(Arc::clone(&app), stop.clone()));
    info!(%start, "delivering");
    worker::work(&app, Arc::new(live), &start, &stop).await?;
    if let Some(pages) = pages {
        pages.await.context("serve the pages")??;
    }
    back.await.context("look at what came back")?;
    tasks.await.context("tell tasks")?;
    info!("stopped");
    Ok(Exit::Done)
}

/// Whether the doctor lets us; says what is wrong when not.
async fn may_go_live(app: &App) -> anyhow::Result<bool> {
    let failures = doctor::failures(app).await?;
    for failure in &failures {
        tell(format_args!("{failure}"));
    }
    if !failures.is_empty() {
        tell(format_args!(
            "nothing is sent before this is mended; `rekindle doctor` shows all that was checked"
        ));
    }
    Ok(failures.is_empty())
}

/// Sends what is due at this moment and ends, unless another process is delivering already or the
/// doctor does not let us.
pub(super) async fn deliver_now(app: Arc<App>) -> anyhow::Result<Option<u64>> {
    if !may_go_live(&app).await? {
        return Ok(Some(0));
    }
    let Some(_lock) = lock::delivery(app.store.path()).context("take the lock of delivery")? else {
        return Ok(None);
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
    Ok(Some(claimed))
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
