//! Letters to the operator: what is late, failed, held or unknown, one letter for each occasion,
//! through ordinary delivery and at least once.
//!
//! What happened is read from the tables, so nothing is forgotten when a process dies between the
//! event and the letter.

use chrono::{DateTime, TimeDelta};
use tracing::warn;

use crate::app::App;
use crate::config::settings::DeliveryMode;
use crate::db::{CONFIGURATION, NewNotice, ScheduleRow, StoreError};
use crate::jobs::deliver::{self, FrozenNotice};
use crate::jobs::inputs;
use crate::model::{Channel, hex};
use crate::rules::schedule::is_left_out_on_purpose;
use crate::rules::schedule::occasion::{
    Occasion, Standing, State, of_configuration, of_hold, of_schedule, of_unknown,
};

/// What is older than this is no occasion any more.
const RECENT: TimeDelta = TimeDelta::days(3);

/// A letter to the operator is of no use after this.
const LASTS: TimeDelta = TimeDelta::days(3);

/// Looks for occasions to write to the operator and writes; returns how many letters are new.
pub async fn look(app: &App) -> Result<u64, StoreError> {
    let mut new = 0;
    for occasion in occasions(app).await? {
        new += write(app, &occasion).await?;
    }
    if new > 0 && app.settings.delivery.mode == DeliveryMode::Sandbox {
        deliver::deliver(app, &|_| ()).await?;
    }
    Ok(new)
}

async fn occasions(app: &App) -> Result<Vec<Occasion>, StoreError> {
    let (now, store) = (app.clock.now(), &app.store);
    let since = (now - RECENT).timestamp_millis();
    let late_after = TimeDelta::from_std(app.settings.operator.late_after.duration());
    let late_after = late_after.unwrap_or_default();
    let rows = store.schedule_rows_since(since).await?;
    // Lists that wait for their day are no occasion of their own: the day is.
    let waits_for_the_day = |row: &ScheduleRow| {
        let mut days = rows.iter().filter(|one| one.schedule == "daily");
        row.schedule == "digests" && days.any(|day| day.date == row.date && day.status != "done")
    };
    let mut occasions: Vec<Occasion> = rows
        .iter()
        .filter(|row| !waits_for_the_day(row))
        .filter_map(|row| of_schedule(&standing(row)?, late_after, now))
        .collect();
    let unknown = store.unknown_by_day(since).await?;
    occasions.extend(
        unknown
            .into_iter()
            .map(|(day, count)| of_unknown(day, count)),
    );
    let holds = store.holds().await?;
    occasions.extend(
        holds
            .iter()
            .map(|hold| of_hold(&hold.name, hold.since, &hold.reason)),
    );
    let beats = store.heartbeats().await?;
    let broken = beats
        .iter()
        .find(|beat| beat.part == CONFIGURATION && !beat.note.is_empty());
    occasions.extend(broken.map(|beat| {
        let digest = hex(&app.key.mac("configuration", &beat.note)[..8]);
        of_configuration(&digest, &beat.note)
    }));
    Ok(occasions)
}

/// Where an occurrence stands; nothing for one that was left out as it should be.
fn standing(row: &ScheduleRow) -> Option<Standing> {
    let state = match row.status.as_str() {
        "waiting" | "running" => State::Open,
        "held" => State::Held,
        "failed" => State::Failed,
        "missed" if is_left_out_on_purpose(&row.note) => return None,
        "missed" => State::Missed,
        _ if row.late => State::DoneLate,
        _ => State::Done,
    };
    Some(Standing {
        schedule: row.schedule.clone(),
        date: row.date,
        at: DateTime::from_timestamp_millis(row.planned_at)?,
        state,
        note: row.note.clone(),
    })
}

async fn write(app: &App, occasion: &Occasion) -> Result<u64, StoreError> {
    let Some(address) = app.settings.operator.email.clone() else {
        return Ok(0);
    };
    let hash = app.key.hash(Channel::Email, &address);
    let frozen = FrozenNotice {
        address,
        subject: occasion.subject.clone(),
        text: occasion.text.clone(),
    };
    let notice = NewNotice {
        key: inputs::notice_key(&occasion.key),
        occasion: &occasion.key,
        address_hash: &hash,
        inputs: serde_json::to_string(&frozen).unwrap_or_default(),
        expires_at: (app.clock.now() + LASTS).timestamp_millis(),
    };
    let (day, mode) = (app.today(), app.settings.delivery.mode);
    let new = app
        .store
        .add_notice(&notice, day, mode, app.now_ms())
        .await?;
    if new > 0 {
        warn!(occasion = %occasion.key, "the operator is written to");
    }
    Ok(new)
}
