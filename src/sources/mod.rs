//! Sources: files of facts, read into checked values, in bounded memory, in the order of clients.
//!
//! [`open`] looks at the files of a source: are they text, in which encoding, which column holds
//! what, have they changed. [`Opened::read`] reads every row, reports what it cannot take and hands
//! out the good facts sorted. Nothing here knows the database: what a fact changes is decided by
//! whoever takes it up.

mod cells;
mod columns;
mod dialect;
mod facts;
mod files;
mod header;
mod key_file;
mod kinds;
mod merges;
mod reading;
mod records;
mod rejects;
mod scan;
mod sorted;
mod unique;
mod values;

use std::io;
use std::path::PathBuf;

pub use facts::{Facts, FileReport, SourceFacts};
pub use files::{FileProblem, Opened, open};
pub use key_file::{KeyFileError, load_or_create_key};
pub use reading::ReadProgress;
pub use rejects::{RejectCounts, RejectReport, Rejected};
pub use values::{Ground, typed_address};

/// Why a source cannot be read at all.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The path leads nowhere.
    #[error("{0} does not exist: check source.path in the configuration")]
    Missing(PathBuf),
    /// The folder has none of the files that are read.
    #[error(
        "{0} holds none of the files that are read: purchases.csv, clients.csv, contacts.csv, \
         deals.csv, visits.csv, managers.csv, consents.csv, suppressions.csv"
    )]
    NoFiles(PathBuf),
    /// A file cannot be read.
    #[error("{path} cannot be read: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The temporary files for sorting cannot be written.
    #[error("temporary files cannot be written: {0}; free some space there, or set TMPDIR")]
    Temporary(io::Error),
    /// The list of rejected rows cannot be written.
    #[error(
        "{path} cannot be written: {source}; free some space there, or give paths.rejects another \
         folder"
    )]
    Rejects {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}
