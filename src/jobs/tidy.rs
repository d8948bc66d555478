//! The tidy-up: what `[retention]` does not allow to keep any longer goes.
//!
//! Mail and webhooks are emptied where they are taken in (`jobs::intake`).

use std::fs;
use std::io;

use chrono::TimeDelta;

use crate::app::App;
use crate::db::{Cutoffs, StoreError, Tidied};
use crate::model::Day;

/// Removes what is too old.
pub async fn tidy(app: &App) -> Result<Tidied, StoreError> {
    let (today, kept) = (app.today(), &app.settings.retention);
    let schedules = TimeDelta::days(kept.schedules.count().into());
    let cutoffs = Cutoffs {
        messages: today.plus(-kept.messages.count()),
        tasks: today.plus(-kept.tasks.count()),
        schedules: app.now_ms() - schedules.num_milliseconds(),
    };
    let mut tidied = app.store.tidy(&cutoffs).await?;
    // A folder that cannot be removed today is old tomorrow as well.
    tidied.sandbox = old_sandbox(app, today.plus(-kept.sandbox.count())).unwrap_or_default();
    Ok(tidied)
}

/// Removes the folders of days before `before` from the sandbox: those that carry a date as their
/// name, and nothing else.
fn old_sandbox(app: &App, before: Day) -> io::Result<u64> {
    let mut removed = 0;
    for entry in fs::read_dir(app.path(&app.settings.paths.sandbox))? {
        let entry = entry?;
        let day = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse::<Day>().ok());
        if day.is_some_and(|day| day < before) && entry.file_type()?.is_dir() {
            fs::remove_dir_all(entry.path())?;
            removed += 1;
        }
    }
    Ok(removed)
}
