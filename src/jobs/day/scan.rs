//! Who is looked at: the clients for whom some campaign may have something to do.

use super::Ground;
use crate::app::App;
use crate::config::campaign::Trigger;
use crate::db::StoreError;
use crate::model::{ClientId, Day, DealStatus, RhythmState};
use crate::rules::plan::{Frame, Running};
use crate::rules::trigger::{FRESH_DAYS, is_day_of};

/// How many clients of a backlog are looked at for each one that may enter.
const BACKLOG_LOOKS: u32 = 20;

/// The clients to look at, in the order of their numbers.
///
/// For the present day the stored dates lead to those for whom something may be due, and the cost
/// follows their number. For a past day everybody is looked at: the stored dates know more than
/// was known then.
pub(super) async fn candidates(
    ground: &Ground<'_>,
    run: Option<i64>,
) -> Result<Vec<ClientId>, StoreError> {
    let (app, frame) = (ground.app, &ground.frame());
    let of_everybody = frame
        .campaigns
        .iter()
        .any(|running| is_day_of(&running.campaign.trigger, frame.day));
    if ground.options.as_of || of_everybody || !index_holds(ground, run).await? {
        return app.store.clients_known_on(frame.day).await;
    }
    let mut found = app.store.clients_to_go_on_with(frame.day).await?;
    for running in frame.campaigns {
        found.extend(of_trigger(app, frame, running).await?);
    }
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

/// Whether the stored dates rest on what the decisions of the day rest on, and nobody's are hidden
/// behind what a dead process has written.
async fn index_holds(ground: &Ground<'_>, run: Option<i64>) -> Result<bool, StoreError> {
    let store = &ground.app.store;
    let half_written = store.half_written_runs().await?;
    if half_written.iter().any(|other| Some(*other) != run) {
        return Ok(false);
    }
    let dated_by = store.rhythms_dated_by().await?;
    Ok(dated_by.is_none() || dated_by == ground.base.version)
}

async fn of_trigger(
    app: &App,
    frame: &Frame<'_>,
    running: &Running<'_>,
) -> Result<Vec<ClientId>, StoreError> {
    let day = frame.day;
    let store = &app.store;
    let recent = day.plus(-FRESH_DAYS);
    match &running.campaign.trigger {
        Trigger::MissedCycle { level, lead } => {
            let state = level.state();
            let ahead = lead.map_or(0, crate::config::values::Days::count);
            let mut found = store
                .clients_reaching(state, recent, day.plus(ahead))
                .await?;
            found.extend(match state {
                RhythmState::Due if running.campaign.backlog_per_day > 0 => {
                    store.clients_due_since(recent, day).await?
                }
                RhythmState::Due => Vec::new(),
                _ => backlog(app, running, state, recent).await?,
            });
            Ok(found)
        }
        Trigger::SecondPurchase {} => {
            let window = frame.base.second_purchase;
            let from = day.plus(-window.closes_after_days.cast_signed());
            let to = day.plus(-window.opens_after_days.cast_signed());
            store.clients_who_bought_last(from, to, true).await
        }
        Trigger::Purchase {} => store.clients_who_bought_last(recent, day, false).await,
        Trigger::DealWon {} => {
            store
                .clients_with_closed_deals(DealStatus::Won, recent, day)
                .await
        }
        // The base of rejections is small beside the base of clients: all of it is looked at.
        Trigger::Rejection { .. } => {
            store
                .clients_with_closed_deals(DealStatus::Lost, Day::from_epoch(i32::MIN), day)
                .await
        }
        Trigger::VolumeDrop { .. } => {
            let drops = frame.base.volume.iter().flat_map(|volume| &volume.drops);
            Ok(drops.map(|drop| drop.client).collect())
        }
        Trigger::Date { .. } | Trigger::News { .. } => Ok(Vec::new()),
    }
}

/// The most valuable of those who fell silent before the campaign began.
async fn backlog(
    app: &App,
    running: &Running<'_>,
    state: RhythmState,
    recent: Day,
) -> Result<Vec<ClientId>, StoreError> {
    let campaign = running.campaign;
    if campaign.backlog_per_day == 0 {
        return Ok(Vec::new());
    }
    let before = running.starts.max(recent);
    let limit = campaign.backlog_per_day.saturating_mul(BACKLOG_LOOKS);
    app.store
        .backlog(&campaign.id, state, before, limit, 0)
        .await
}
