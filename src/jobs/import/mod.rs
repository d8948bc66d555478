//! Importing one source: look, read, decide whether it may be applied, take up.
//!
//! All files are read before anything is written: rejected rows are known, and a snapshot that has
//! lost a good part of its rows is held before it does harm. The rhythms are brought up to date
//! afterwards, by `rhythms`.

mod batches;
mod everything;
mod summary;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

pub use everything::{Reading, import_everything};
pub use summary::{FileSummary, ImportResult, ImportSummary, Shrunk};

use crate::app::App;
use crate::certificates;
use crate::config::settings::{FactKind, Source, SourceMode};
use crate::db::{ImportId, ImportOrder, ImportStatus, Merge, RowTotals, StoreError};
use crate::model::FactBatch;
use crate::sources::{self, Facts, Ground, Opened, ReadProgress, SourceError, SourceFacts};
use batches::Batches;

/// After so many rows the log of the database is given back to the disk.
const MANY_ROWS: u64 = 100_000;

/// How to import.
#[derive(Clone, Copy, Debug, Default)]
pub struct ImportOptions {
    /// Apply a snapshot even if it has lost a good part of its rows.
    pub accept_shrink: bool,
    /// Read the files again even if they have not changed.
    pub again: bool,
    /// Leave the rhythms of first purchases to be read from the table later instead of computing them
    /// while the purchases pass by. They come out the same: tests and benches compare the two.
    pub rhythms_later: bool,
}

/// How far an import has come.
#[derive(Clone, Debug)]
pub enum ImportProgress {
    /// Reading a file.
    Reading(ReadProgress),
    /// Writing facts.
    Writing {
        /// What is written.
        kind: FactKind,
        /// Facts written.
        done: u64,
        /// Facts that there are.
        of: u64,
    },
}

/// Who wants to know how far an import has come.
pub type OnProgress = Arc<dyn Fn(ImportProgress) + Send + Sync>;

/// Why an import applied nothing.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The source cannot be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The database cannot be written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Imports `source`: all that it says or nothing, however often it is done.
pub async fn import_source(
    app: &App,
    source: &Source,
    options: ImportOptions,
    progress: OnProgress,
) -> Result<ImportSummary, ImportError> {
    let ground = ground(app);
    let opened = open(app, source, &ground).await?;
    let mut summary = ImportSummary::of(&opened);
    let last = app.store.last_fingerprint(&source.name).await?;
    let same = last.as_ref() == Some(&opened.fingerprint);
    if same && opened.problems.is_empty() && !options.again {
        summary.result = ImportResult::Unchanged;
        // What a killed import left untied is tied now.
        settle(app, &mut summary).await?;
        return Ok(summary);
    }
    let fingerprint = opened.fingerprint.clone();
    let announced = app
        .store
        .announce_import(&source.name, &fingerprint, app.now_ms());
    let import = announced.await?;
    let applied = Box::pin(apply(
        app,
        source,
        options,
        opened,
        import,
        &mut summary,
        &progress,
    ));
    let applied = applied.await;
    if let Err(error) = applied {
        // The reason is what matters: that the note of it could not be kept is not.
        let note = serde_json::json!({ "error": error.to_string() }).to_string();
        let ended = app
            .store
            .end_import(import, ImportStatus::Failed, &note, app.now_ms());
        let _ = ended.await;
        return Err(error);
    }
    settle(app, &mut summary).await?;
    Ok(summary)
}

/// Ties the receipts that carry the code of a certificate to it.
async fn settle(app: &App, summary: &mut ImportSummary) -> Result<(), StoreError> {
    let settled = certificates::settle(app).await?;
    let said = [
        (
            settled.redeemed,
            "certificates were redeemed by the promo code of a purchase",
        ),
        (
            settled.found,
            "redemptions at a till were found among the purchases",
        ),
        (
            settled.undone,
            "redemptions were undone: their purchase was taken back",
        ),
        (
            settled.doubtful,
            "are doubtful: rekindle certificate review",
        ),
    ];
    let said = said.into_iter().filter(|(count, _)| *count > 0);
    let notes = said.map(|(count, words)| format!("certificates: {count} {words}"));
    summary.notes.extend(notes);
    Ok(())
}

/// Everything after the announcement.
async fn apply(
    app: &App,
    source: &Source,
    options: ImportOptions,
    opened: Opened,
    import: ImportId,
    summary: &mut ImportSummary,
    progress: &OnProgress,
) -> Result<(), ImportError> {
    let fingerprint = opened.fingerprint.clone();
    let kinds: Vec<FactKind> = opened.kinds().collect();
    let facts = read(app, opened, Arc::clone(progress)).await?;
    if source.mode == SourceMode::Snapshot {
        let before = app.store.facts_of_source(&source.name).await?;
        for (kind, before) in before.iter().filter(|(_, before)| **before > 0) {
            if !kinds.contains(kind) {
                summary.notes.push(format!(
                    "{}.csv is missing or cannot be read: what it said before ({before} rows) stays",
                    kind.word()
                ));
            }
        }
        let lost = shrunk(&facts, &before, source.shrink_guard.fraction());
        if !lost.is_empty() && !options.accept_shrink {
            summary.result = ImportResult::Held;
            summary.shrunk = lost;
            let text = serde_json::to_string(summary).unwrap_or_default();
            let ended = app
                .store
                .end_import(import, ImportStatus::Held, &text, app.now_ms());
            return Ok(ended.await?);
        }
    }
    let order = ImportOrder {
        source: &source.name,
        snapshot: source.mode == SourceMode::Snapshot,
        day: app.today(),
        key: &app.key,
        rhythms_later: options.rhythms_later,
    };
    let merge = app.store.merge(import, &order).await?;
    take_up(app, merge, facts, &fingerprint, summary, progress).await
}

fn ground(app: &App) -> Ground {
    Ground {
        zone: app.zone(),
        country: app.settings.company.country.clone(),
        currency: app.currency(),
        today: app.today(),
    }
}

async fn open(app: &App, source: &Source, ground: &Ground) -> Result<Opened, SourceError> {
    let (source, home, ground) = (source.clone(), app.home.clone(), ground.clone());
    aside(move || sources::open(&source, &home, &ground)).await
}

async fn read(app: &App, opened: Opened, progress: OnProgress) -> Result<SourceFacts, SourceError> {
    let ground = ground(app);
    let rejects = app.path(&app.settings.paths.rejects);
    let managers: HashMap<String, String> = app
        .settings
        .managers
        .iter()
        .map(|manager| (manager.name.to_lowercase(), manager.id.clone()))
        .collect();
    aside(move || {
        let report = |read| progress(ImportProgress::Reading(read));
        opened.read(&ground, managers, &rejects, &report)
    })
    .await
}

/// Does work that reads files on a thread of its own.
async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))
}

/// The kinds that have lost more than `guard` of their rows.
fn shrunk(facts: &SourceFacts, before: &BTreeMap<FactKind, u64>, guard: f64) -> Vec<Shrunk> {
    let lost = before.iter().filter_map(|(&kind, &before)| {
        let now = facts.expected(kind)?;
        let least = before as f64 * (1.0 - guard);
        ((now as f64) < least).then_some(Shrunk { kind, before, now })
    });
    lost.collect()
}

async fn take_up(
    app: &App,
    merge: Merge,
    facts: SourceFacts,
    fingerprint: &str,
    summary: &mut ImportSummary,
    progress: &OnProgress,
) -> Result<(), ImportError> {
    let mut taking = TakingUp {
        merge,
        summary,
        progress,
    };
    taking.up(facts.managers, FactBatch::Managers).await?;
    taking.up(facts.clients, FactBatch::Clients).await?;
    taking.up(facts.contacts, FactBatch::Contacts).await?;
    taking.up(facts.purchases, FactBatch::Purchases).await?;
    taking.up(facts.deals, FactBatch::Deals).await?;
    taking.up(facts.visits, FactBatch::Visits).await?;
    taking.up(facts.consents, FactBatch::Consents).await?;
    taking
        .up(facts.suppressions, FactBatch::Suppressions)
        .await?;
    let TakingUp { mut merge, .. } = taking;
    summary.implied_clients = merge.implied_clients();
    summary.note_unmerged(merge.unite().await?);
    if summary
        .files
        .iter()
        .any(|file| file.kind == FactKind::Clients)
    {
        let (phones, emails) = merge.shared_addresses().await?;
        summary.note_shared(phones, "phone numbers");
        summary.note_shared(emails, "e-mail addresses");
    }
    finish(app, merge, fingerprint, summary).await
}

/// A merge that is being fed.
struct TakingUp<'a> {
    merge: Merge,
    summary: &'a mut ImportSummary,
    progress: &'a OnProgress,
}

impl TakingUp<'_> {
    /// Hands the facts of one kind to the merge, batch after batch.
    async fn up<T: Send + 'static>(
        &mut self,
        facts: Option<Facts<T>>,
        batch_of: fn(Vec<T>) -> FactBatch,
    ) -> Result<(), ImportError> {
        let Some(facts) = facts else { return Ok(()) };
        let (kind, of) = (facts.kind(), facts.expected());
        let mut done = 0;
        let mut batches = Batches::of(facts);
        self.merge.begin(kind).await?;
        while let Some(batch) = batches.next().await? {
            done += batch.len() as u64;
            self.merge.take(batch_of(batch)).await?;
            (self.progress)(ImportProgress::Writing { kind, done, of });
        }
        let changes = self.merge.end(kind).await?;
        self.summary.add(batches.finish().await?, changes);
        Ok(())
    }
}

async fn finish(
    app: &App,
    merge: Merge,
    fingerprint: &str,
    summary: &ImportSummary,
) -> Result<(), ImportError> {
    let totals = RowTotals {
        read: summary.total(|file| file.rows),
        rejected: summary.total(|file| file.rejected.rows),
    };
    let status = match summary.result {
        ImportResult::Failed => ImportStatus::Failed,
        _ => ImportStatus::Done,
    };
    // Rows that lie in the future are taken when their day has come, so the same files are not the
    // same next time.
    let waiting = summary.total(|file| file.rejected.in_the_future);
    let fingerprint = if waiting > 0 {
        format!("{fingerprint} and {waiting} rows that wait")
    } else {
        fingerprint.to_owned()
    };
    let text = serde_json::to_string(summary).unwrap_or_default();
    merge
        .finish(status, &fingerprint, totals, &text, app.now_ms())
        .await?;
    if totals.read > MANY_ROWS {
        app.store.give_back_log().await?;
    }
    Ok(())
}
