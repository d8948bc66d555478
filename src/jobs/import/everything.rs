//! Reading every source, as the service does: no bars, and a sentence for each source that a person
//! has to look at.

use std::sync::Arc;

use tracing::{info, warn};

use super::{ImportOptions, ImportResult, ImportSummary, import_source};
use crate::app::App;
use crate::db::StoreError;
use crate::jobs::rhythms;

/// What came of reading every source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// Sources that brought something new.
    pub changed: usize,
    /// Sources whose files are those of the last time.
    pub unchanged: usize,
    /// Rows that could not be taken.
    pub rejected: u64,
    /// What keeps a source from being read, a sentence each.
    pub problems: Vec<String>,
}

/// Imports every source whose files have changed and brings the rhythms up to date.
///
/// The caller holds the lock of the database (`db::Lock`).
pub async fn import_everything(app: &App) -> Result<Reading, StoreError> {
    let mut reading = Reading::default();
    for source in &app.settings.sources {
        let imported = import_source(app, source, ImportOptions::default(), Arc::new(|_| ())).await;
        match imported {
            Ok(summary) => count(&mut reading, &summary),
            Err(error) => reading
                .problems
                .push(format!("source \"{}\": {error}", source.name)),
        }
    }
    rhythms::keep_up(app, &|_| ()).await?;
    for problem in &reading.problems {
        warn!(%problem, "a source needs a person");
    }
    info!(
        changed = reading.changed,
        unchanged = reading.unchanged,
        rejected = reading.rejected,
        "sources are read"
    );
    Ok(reading)
}

fn count(reading: &mut Reading, summary: &ImportSummary) {
    let source = &summary.source;
    match summary.result {
        ImportResult::Done => reading.changed += 1,
        ImportResult::Unchanged => reading.unchanged += 1,
        ImportResult::Held => {
            let lost: Vec<String> = summary
                .shrunk
                .iter()
                .map(|one| {
                    format!(
                        "{}.csv has {} of {} rows left",
                        one.kind.word(),
                        one.now,
                        one.before
                    )
                })
                .collect();
            reading.problems.push(format!(
                "source \"{source}\" is held: {}; if that is right: rekindle import {source} \
                 --accept-shrink",
                lost.join(", ")
            ));
        }
        ImportResult::Failed => {
            let files: Vec<&str> = summary
                .problems
                .iter()
                .map(|one| one.file.as_str())
                .collect();
            reading.problems.push(format!(
                "source \"{source}\": {} cannot be read; rekindle import {source} says why",
                files.join(", ")
            ));
        }
    }
    reading.rejected += summary.total(|file| file.rejected.rows);
}
