//! Who is looked at: the clients for whom some campaign may have something to do.

use super::Ground;
use crate::app::App;
use crate::config::campaign::Trigger;
use crate::db::StoreError;
use crate::model::{ClientId, Day, DealStatus, RhythmState};
use crate::rules::date_trigger::{is_day_of, origins};
use crate::rules::plan::{Frame, Running};
use crate::rules::trigger::FRESH_DAYS;

/// How many clients of a backlog are looked at for each one that may enter.
const BACKLOG_LOOKS: u32 = 20;

/// So far back visits are looked at when a day is planned.
const VISITS_LOOKED_BACK_ON: i32 = 730;

/// Who is to be looked at, and what may be added.
pub(super) struct Candidates {
    /// In the order of their numbers.
    pub(super) ids: Vec<ClientId>,
    /// Instead of them everybody: read page by page, because their number grows with the base.
    pub(super) everybody: bool,
    /// Where the backlog of each campaign goes on, the most spent first; `None` when there is none
    /// or everybody is looked at.
    pub(super) backlogs: Vec<Option<u32>>,
}

/// The clients to look at.
///
/// For the present day the stored dates lead to those for whom something may be due, and the cost
/// follows their number. For a past day everybody is looked at: the stored dates know more than
/// was known then.
pub(super) async fn candidates(
    ground: &Ground<'_>,
    run: Option<i64>,
) -> Result<Candidates, StoreError> {
    let (app, frame) = (ground.app, &ground.frame());
    let of_everybody = frame.campaigns.iter().any(|running| {
        let holidays = &frame.settings.hours.holidays;
        is_day_of(&running.campaign.trigger, holidays, frame.day)
    });
    if ground.options.as_of || of_everybody || !index_holds(ground, run).await? {
        return Ok(Candidates {
            ids: Vec::new(),
            everybody: true,
            backlogs: vec![None; frame.campaigns.len()],
        });
    }
    let mut found = app.store.clients_to_go_on_with(frame.day).await?;
    let mut backlogs = Vec::new();
    for running in frame.campaigns {
        found.extend(of_trigger(app, frame, running).await?);
        let mut page = Some(0);
        found.extend(more_of_backlog(app, frame, running, &mut page).await?);
        backlogs.push(page);
    }
    found.sort_unstable();
    found.dedup();
    Ok(Candidates {
        ids: found,
        everybody: false,
        backlogs,
    })
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
            if state == RhythmState::Due && running.campaign.backlog_per_day > 0 {
                found.extend(store.clients_due_since(recent, day).await?);
            }
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
        Trigger::FriendBought {} => store.clients_whose_friends_bought(recent, day).await,
        // The base of rejections is small beside the base of clients: all of it is looked at.
        Trigger::Rejection { .. } | Trigger::RejectionAnswered { .. } => {
            let ever = Day::from_epoch(i32::MIN);
            let lost = store.clients_with_closed_deals(DealStatus::Lost, ever, day);
            with_those_in(app, running, lost.await?).await
        }
        Trigger::StalledDeal { .. } => {
            let open = store.clients_with_open_deals().await?;
            with_those_in(app, running, open).await
        }
        Trigger::VisitLapsed { after, .. } => {
            let from = day.plus(-VISITS_LOOKED_BACK_ON - after.count());
            let to = day.plus(-after.count());
            let visitors = store.visitors_who_never_bought(from, to).await?;
            with_those_in(app, running, visitors).await
        }
        Trigger::Handover { from, .. } => {
            let people = frame.staff.all().filter(|manager| manager.role == *from);
            let people: Vec<&str> = people.map(|manager| manager.id.as_str()).collect();
            let buyers = store.buyers_of(&people).await?;
            with_those_in(app, running, buyers).await
        }
        Trigger::VolumeDrop { .. } => {
            let drops = frame.base.volume.iter().flat_map(|volume| &volume.drops);
            Ok(drops.map(|drop| drop.client).collect())
        }
        trigger @ Trigger::Birthday { .. } => {
            let days = origins(trigger, day).unwrap_or_default();
            store.clients_born_on(&days).await
        }
        trigger @ Trigger::Anniversary { .. } => {
            let days = origins(trigger, day).unwrap_or_default();
            store.clients_who_first_bought_on(&days).await
        }
        Trigger::Date { .. } | Trigger::News { .. } => Ok(Vec::new()),
    }
}

/// Adds everybody who is in a campaign: its occasions may pass without any date's coming.
async fn with_those_in(
    app: &App,
    running: &Running<'_>,
    mut found: Vec<ClientId>,
) -> Result<Vec<ClientId>, StoreError> {
    found.extend(app.store.clients_in(&running.campaign.id).await?);
    Ok(found)
}

/// A page of those who fell silent before the campaign began, the most spent first. `from` moves on
/// to the next page, or ends.
pub(super) async fn more_of_backlog(
    app: &App,
    frame: &Frame<'_>,
    running: &Running<'_>,
    from: &mut Option<u32>,
) -> Result<Vec<ClientId>, StoreError> {
    let campaign = running.campaign;
    let state = match &campaign.trigger {
        Trigger::MissedCycle { level, .. } => level.state(),
        _ => RhythmState::Due,
    };
    let Some(offset) = from.take() else {
        return Ok(Vec::new());
    };
    if state == RhythmState::Due || campaign.backlog_per_day == 0 {
        return Ok(Vec::new());
    }
    let before = running.starts.max(frame.day.plus(-FRESH_DAYS));
    let limit = campaign.backlog_per_day.saturating_mul(BACKLOG_LOOKS);
    let found = app
        .store
        .backlog(&campaign.id, state, before, limit, offset)
        .await?;
    if found.len() == limit as usize {
        *from = Some(offset.saturating_add(limit));
    }
    Ok(found)
}
