//! Keeping the rhythms up to date after an import.

use serde::Serialize;

use super::base;
use crate::app::App;
use crate::db::{RhythmProgress, StoreError};
use crate::model::Day;

/// What was done to the rhythms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RhythmsKept {
    /// Clients whose purchases had changed.
    pub refreshed: u64,
    /// Clients whose dates were computed anew because the base was fitted anew.
    pub dated_anew: u64,
    /// The day up to which the purchases are taken to be complete.
    pub data_until: Option<Day>,
}

/// Brings every rhythm up to date that an import has left behind.
///
/// The parameters of the base are fitted first where there are none or where they are too old. They
/// look at the data as of its last day and not as of today: a source that stands still must not
/// look like a base that has fallen asleep.
pub async fn keep_up(app: &App, progress: RhythmProgress<'_>) -> Result<RhythmsKept, StoreError> {
    if app.store.stale_rhythms().await? == 0 {
        return Ok(RhythmsKept::default());
    }
    let last = app.store.last_day_of_purchases().await?;
    let Some(data_until) = last.map(|last| last.min(app.today())) else {
        return Ok(RhythmsKept::default());
    };
    let base = base::keep(app, base::current(app, data_until).await?).await?;
    let Some(version) = base.version else {
        return Ok(RhythmsKept::default());
    };
    let store = &app.store;
    let refreshed = store
        .refresh_rhythms(&base.facts, version, progress)
        .await?;
    let dated_anew = store
        .recompute_all_dates(&base.facts, version, progress)
        .await?;
    Ok(RhythmsKept {
        refreshed,
        dated_anew,
        data_until: Some(data_until),
    })
}
