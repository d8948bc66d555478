//! Bringing the facts up to date before they are looked at: sources whose files have changed are
//! imported, and the rhythms follow.

use std::sync::Arc;

use super::Exit;
use crate::app::App;
use crate::jobs::import::{ImportOptions, ImportResult, import_source};
use crate::jobs::{lock, rhythms};

/// Imports every source whose files have changed; says on standard error what came in.
///
/// A source that cannot be read or is held leaves its old facts in place. The exit tells whether a
/// person has to look.
pub(super) async fn freshen(app: &App) -> anyhow::Result<Exit> {
    let _lock = lock::wait(app.store.path()).await?;
    let mut exit = Exit::Done;
    for source in &app.settings.sources {
        let options = ImportOptions::default();
        let imported = import_source(app, source, options, Arc::new(|_| ())).await;
        match imported {
            Ok(summary) if summary.result == ImportResult::Unchanged => {}
            Ok(summary) => {
                if summary.result != ImportResult::Done {
                    exit = Exit::NeedsPerson;
                }
                eprintln!("source {}: {:?}", summary.source, summary.result);
            }
            Err(error) => {
                eprintln!("source {}: {error}", source.name);
                exit = Exit::NeedsPerson;
            }
        }
    }
    let bar = super::progress::clients();
    rhythms::keep_up(app, &|done| bar.set_message(done.to_string())).await?;
    bar.finish_and_clear();
    Ok(exit)
}
