//! What an import tells about itself: the contract of `rekindle import --format json`.

use std::path::PathBuf;

use serde::Serialize;

use crate::config::settings::FactKind;
use crate::db::Changes;
use crate::sources::{FileProblem, FileReport, Opened, RejectCounts, Rejected};

/// What became of a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ImportResult {
    /// The facts are in.
    Done,
    /// The files are those of the last import: nothing was done.
    Unchanged,
    /// Nothing was applied: too much is gone.
    Held,
    /// Some files could not be read; what the others say is in.
    Failed,
}

/// What an import did.
#[derive(Clone, Debug, Serialize)]
pub struct ImportSummary {
    /// Name of the source.
    pub source: String,
    /// How it ended.
    pub result: ImportResult,
    /// The files that were read.
    pub files: Vec<FileSummary>,
    /// The files that could not be read.
    pub problems: Vec<FileProblem>,
    /// Kinds of facts that have lost too much, when it is held.
    pub shrunk: Vec<Shrunk>,
    /// Clients that were made because a purchase, a deal or a visit names them.
    pub implied_clients: u64,
    /// What a person may want to know.
    pub notes: Vec<String>,
}

/// What became of one file.
#[derive(Clone, Debug, Serialize)]
pub struct FileSummary {
    /// What it holds.
    pub kind: FactKind,
    /// The file, without its folder.
    pub file: String,
    /// Rows that are not blank.
    pub rows: u64,
    /// Rows that are no fact and rightly so, such as unpaid orders.
    pub skipped: u64,
    /// What changed in the database.
    #[serde(flatten)]
    pub changes: Changes,
    /// What could not be taken.
    pub rejected: RejectCounts,
    /// Where the rejected rows are.
    pub rejects: Option<PathBuf>,
    /// The first few of them.
    pub examples: Vec<Rejected>,
}

/// A kind of facts that a snapshot has lost too much of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Shrunk {
    /// What is gone.
    pub kind: FactKind,
    /// Facts of the source before.
    pub before: u64,
    /// Facts in the files now.
    pub now: u64,
}

impl ImportSummary {
    /// The summary of a source whose files have been looked at.
    pub(super) fn of(opened: &Opened) -> Self {
        Self {
            source: opened.name.clone(),
            result: if opened.problems.is_empty() {
                ImportResult::Done
            } else {
                ImportResult::Failed
            },
            files: Vec::new(),
            problems: opened.problems.clone(),
            shrunk: Vec::new(),
            implied_clients: 0,
            notes: opened.notes.clone(),
        }
    }

    /// Adds what became of a file.
    pub(super) fn add(&mut self, report: FileReport, changes: Changes) {
        if report.rows == 0 {
            self.notes
                .push(format!("{} has a header and no rows", report.file));
        }
        self.files.push(FileSummary {
            kind: report.kind,
            file: report.file,
            rows: report.rows,
            skipped: report.skipped,
            changes,
            rejected: report.rejects.counts,
            rejects: report.rejects.path,
            examples: report.rejects.examples,
        });
    }

    /// Adds a note about addresses that several clients have.
    pub(super) fn note_shared(&mut self, shared: u64, what: &str) {
        if shared > 0 {
            self.notes.push(format!(
                "{shared} {what} belong to several clients: all clients are kept"
            ));
        }
    }

    /// Adds a note about clients whose merge does not hold.
    pub(super) fn note_unmerged(&mut self, unmerged: u64) {
        if unmerged > 0 {
            self.notes.push(format!(
                "{unmerged} clients are merged into one who is not known or is merged himself: \
                 they stand for themselves"
            ));
        }
    }

    /// A sum over the files.
    pub(super) fn total(&self, of: impl Fn(&FileSummary) -> u64) -> u64 {
        self.files.iter().map(of).sum()
    }
}
