//! The applied day: chunks are written under the number of a run, and one update makes them all
//! visible.

use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::config::settings::DeliveryMode;
use crate::db::{Begun, Listed, Sealing, StoreError};
use crate::jobs::deliver;
use crate::model::{Channel, Day};
use crate::rules::plan::CampaignCounts;
use crate::rules::rhythm::{USUAL_OVER_DAYS, flood};
use crate::rules::schedule::surge;

use super::lists;
use super::waiting;
use super::walk::Walk;
use super::write::Writer;
use super::{DayOptions, Ground, interval_ms};

/// So many runs before a day say what is usual for its messages.
const USUAL_OVER_RUNS: u32 = 14;

/// What became of the wish to run a day.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum RunOutcome {
    /// The day was planned and its messages are on their way.
    Done(RunSummary),
    /// The day was planned and waits for a person.
    AwaitingApproval(RunSummary),
    /// The day had been run before: nothing was added.
    Before {
        /// The day.
        date: Day,
        /// Whether it still waits for a person.
        awaiting_approval: bool,
    },
}

/// A run in numbers.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RunSummary {
    /// The day.
    pub date: Day,
    /// Each campaign.
    pub campaigns: Vec<CampaignCounts>,
    /// Why it waits for a person.
    pub held_because: Option<String>,
}

/// Runs a day, once: planning, writing, sealing and the managers' lists.
///
/// `progress` hears how many clients are still to be looked at. The caller holds the lock of the
/// database (`db::Lock`).
pub async fn run(
    app: &App,
    options: DayOptions<'_>,
    progress: &(dyn Fn(usize) + Sync),
) -> Result<RunOutcome, StoreError> {
    let mode = app.settings.delivery.mode;
    app.store.win_own_deals(options.day).await?;
    let mut ground = Ground::read(app, options).await?;
    let held_because = held_because(app, &ground, mode).await?;
    let names: Vec<&str> = ground
        .campaigns
        .iter()
        .map(|running| running.campaign.id.as_str())
        .collect();
    let run = match app
        .store
        .begin_run(options.day, mode, &names, app.now_ms())
        .await?
    {
        Begun::Before { awaiting_approval } => {
            return Ok(RunOutcome::Before {
                date: options.day,
                awaiting_approval,
            });
        }
        Begun::New(run) => run,
    };
    ground.keep_base().await?;
    let counts = write_all(&ground, run, progress).await?;
    let flooded = flooded(app, counts.newly_missed, options.day).await?;
    let held_because = joined(held_because, flooded);
    let held_because = joined(held_because, nudges_to_approve(app, run, mode).await?);
    let held_because = joined(
        held_because,
        surging(app, &counts, options.day, mode).await?,
    );
    let version = ground.base.version.unwrap_or_default();
    let text = serde_json::to_string(&counts).unwrap_or_default();
    let lists = match held_because {
        None => ready_to_go(app, &ground).await?,
        Some(_) => Vec::new(),
    };
    let sealing = Sealing {
        day: options.day,
        base_facts: version,
        counts: &text,
        held_because: held_because.as_deref(),
        lists: &lists,
        expired_since: waiting::expired_since(app, options.day),
        overdue_since: waiting::overdue_since(app, options.day),
    };
    app.store.seal(run, &sealing, app.now_ms()).await?;
    let summary = RunSummary {
        date: options.day,
        campaigns: counts.campaigns,
        held_because,
    };
    if summary.held_because.is_some() {
        return Ok(RunOutcome::AwaitingApproval(summary));
    }
    Ok(RunOutcome::Done(summary))
}

/// Walks over the clients of the day and writes what is decided, chunk by chunk.
async fn write_all(
    ground: &Ground<'_>,
    run: i64,
    progress: &(dyn Fn(usize) + Sync),
) -> Result<Counts, StoreError> {
    let mut writer = Writer::new(ground, run);
    let mut walk = Walk::begin(ground, Some(run)).await?;
    let mut chunk = walk.next().await?;
    while let Some(decided) = chunk {
        progress(walk.clients_left());
        // The next chunk is read while this one is written: it sees nothing of a run that is not
        // sealed.
        let (written, next) = tokio::join!(writer.write(decided), walk.next());
        written?;
        chunk = next?;
    }
    Ok(Counts {
        newly_missed: walk.newly_missed(),
        campaigns: walk.into_counts(),
    })
}

/// Freezes what the messages of a day are made of, and ranks what its managers are asked to do.
async fn ready_to_go(app: &App, ground: &Ground<'_>) -> Result<Vec<Listed>, StoreError> {
    waiting::refresh(ground).await?;
    deliver::keep_versions(app, ground.day()).await?;
    lists::rank(app, ground.day()).await
}

/// Lets a run go that waits for a person; its tasks come onto the lists of its day, or onto the next
/// ones where another day has been run since. Says whether there was such a run.
///
/// The caller holds the lock of the database (`db::Lock`).
pub async fn approve(app: &App, date: Day, by: &str) -> Result<bool, StoreError> {
    let lists = if app.store.last_run_day().await? == Some(date) {
        let options = DayOptions {
            day: date,
            as_of: date != app.today(),
            also: None,
        };
        waiting::refresh(&Ground::read(app, options).await?).await?;
        lists::rank(app, date).await?
    } else {
        Vec::new()
    };
    let expired_since = waiting::expired_since(app, date);
    // What is approved is what leaves, whatever becomes of the templates meanwhile.
    deliver::keep_versions(app, date).await?;
    let now_ms = app.now_ms();
    let store = &app.store;
    let approved = store
        .approve_run(date, by, &lists, expired_since, now_ms)
        .await?;
    if approved {
        // The times of a steady rate have passed while the run waited: it begins now.
        for campaign in &app.campaigns {
            if let Some(interval) = interval_ms(campaign) {
                store
                    .spread_messages(&campaign.id, now_ms, interval)
                    .await?;
            }
        }
    }
    Ok(approved)
}

/// Why the run has to wait for a person: campaigns that have never been live write to people whom
/// nobody has looked at.
async fn held_because(
    app: &App,
    ground: &Ground<'_>,
    mode: DeliveryMode,
) -> Result<Option<String>, StoreError> {
    if mode == DeliveryMode::Sandbox {
        return Ok(None);
    }
    let mut new = Vec::new();
    for running in &ground.campaigns {
        let first = app.store.first_run_of(&running.campaign.id).await?;
        if !first.is_some_and(|(_, live)| live) {
            new.push(running.campaign.id.as_str());
        }
    }
    let new = (!new.is_empty()).then(|| format!("first live run of {}", new.join(", ")));
    let holds = app.store.holds().await?;
    let restored = holds.into_iter().find(|hold| hold.name == "restore");
    Ok(joined(new, restored.map(|hold| hold.reason)))
}

/// Why a run with WhatsApp messages has to wait: the configuration wants a person to look at them.
async fn nudges_to_approve(
    app: &App,
    run: i64,
    mode: DeliveryMode,
) -> Result<Option<String>, StoreError> {
    if mode == DeliveryMode::Sandbox || !app.settings.whatsapp.approval {
        return Ok(None);
    }
    let nudges = app.store.messages_of_run(run, Channel::Whatsapp).await?;
    Ok(
        (nudges > 0)
            .then(|| format!("whatsapp: {nudges} messages, and [whatsapp] approval = true")),
    )
}

/// What is kept of a run in numbers.
#[derive(Serialize, Deserialize)]
struct Counts {
    /// Clients who missed their cycle on the very day.
    newly_missed: u32,
    campaigns: Vec<CampaignCounts>,
}

impl Counts {
    fn messages(&self) -> u64 {
        self.campaigns.iter().map(|one| one.messages).sum()
    }
}

/// The part of [`Counts`] that the flood guard reads back.
#[derive(Deserialize)]
struct Missed {
    newly_missed: u32,
}

/// Why a day is held on which far more clients than usual missed their cycle: a closure or a broken
/// import, not their wish to leave.
async fn flooded(app: &App, missed: u32, day: Day) -> Result<Option<String>, StoreError> {
    let before = app.store.counts_before(day, USUAL_OVER_DAYS as u32).await?;
    let before: Vec<u32> = before
        .iter()
        .filter_map(|text| serde_json::from_str::<Missed>(text).ok())
        .map(|counts| counts.newly_missed)
        .collect();
    let times = u32::from(app.settings.limits.flood_factor);
    Ok(flood(missed, &before, times).map(|flood| {
        format!(
            "{} clients missed their cycle on this day, usually {}: is an import missing, or was \
             the company closed?",
            flood.today, flood.usual
        )
    }))
}

/// Why a live run is held that would send far more than usual.
async fn surging(
    app: &App,
    counts: &Counts,
    day: Day,
    mode: DeliveryMode,
) -> Result<Option<String>, StoreError> {
    if mode == DeliveryMode::Sandbox {
        return Ok(None);
    }
    let before = app.store.counts_before(day, USUAL_OVER_RUNS).await?;
    let before: Vec<u64> = before
        .iter()
        .filter_map(|text| serde_json::from_str::<Counts>(text).ok())
        .map(|counts| counts.messages())
        .collect();
    let (times, least) = (
        app.settings.limits.surge_factor,
        app.settings.limits.surge_least,
    );
    Ok(
        surge(counts.messages(), &before, times, least).map(|surge| {
            format!(
                "{} messages, usually {}: is it meant to be so many?",
                surge.messages, surge.usual
            )
        }),
    )
}

fn joined(one: Option<String>, other: Option<String>) -> Option<String> {
    match (one, other) {
        (Some(one), Some(other)) => Some(format!("{one}; {other}")),
        (one, other) => one.or(other),
    }
}
