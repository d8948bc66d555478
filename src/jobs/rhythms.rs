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

/// Brings every rhythm up to date: after an import, and when the parameters of the base are too old.
///
/// Whatever a killed process left undone is found and done: whose purchases have changed is written
/// down, and so is by which version of the base each date was computed.
pub async fn keep_up(app: &App, progress: RhythmProgress<'_>) -> Result<RhythmsKept, StoreError> {
    let Some(data_until) = base::data_until(app, app.today(), false).await? else {
        return Ok(RhythmsKept::default());
    };
    let base = base::keep(app, base::after_import(app, data_until).await?).await?;
    let Some(version) = base.version else {
        return Ok(RhythmsKept::default());
    };
    let store = &app.store;
    // In this order all rhythms are dated by one version at any time: killed in between, the stale
    // ones bring the work back here.
    let dated_anew = store
        .recompute_all_dates(&base.facts, version, progress)
        .await?;
    let refreshed = store
        .refresh_rhythms(&base.facts, version, progress)
        .await?;
    Ok(RhythmsKept {
        refreshed,
        dated_anew,
        data_until: Some(data_until),
    })
}
