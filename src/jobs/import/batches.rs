//! Facts on their way from the files to the database.

use tokio::sync::mpsc;

use crate::sources::{Facts, FileReport, SourceError};

/// Facts that are handed to the database together.
const BATCH: usize = 8 * 1024;
/// Batches that may wait for the database.
const BATCHES_AHEAD: usize = 2;

/// Batches of facts, made on a thread of their own while the database writes those before.
pub(super) struct Batches<T> {
    batches: mpsc::Receiver<Result<Vec<T>, SourceError>>,
    report: tokio::task::JoinHandle<Result<FileReport, SourceError>>,
}

impl<T: Send + 'static> Batches<T> {
    /// Begins to make batches of `facts`.
    pub(super) fn of(mut facts: Facts<T>) -> Self {
        let (sender, batches) = mpsc::channel(BATCHES_AHEAD);
        let report = tokio::task::spawn_blocking(move || {
            loop {
                let batch = facts.next_batch(BATCH);
                if batch.as_ref().is_ok_and(Vec::is_empty) {
                    return facts.finish();
                }
                let broken = batch.is_err();
                // Nobody listens any more when the merge has failed, and then it knows why.
                let unheard = sender.blocking_send(batch).is_err();
                if broken || unheard {
                    return facts.finish();
                }
            }
        });
        Self { batches, report }
    }

    /// The next batch; nothing at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<T>>, SourceError> {
        self.batches.recv().await.transpose()
    }

    /// What became of the file, after the last batch.
    pub(super) async fn finish(self) -> Result<FileReport, SourceError> {
        let joined = self.report.await;
        joined.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))
    }
}
