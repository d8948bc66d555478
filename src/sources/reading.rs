//! From the rows of a file to facts in a sorter.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Seek, SeekFrom};
use std::path::Path;

use super::SourceError;
use super::cells::Cells;
use super::files::OpenedFile;
use super::kinds::Rows;
use super::records::{Record, Records, Unreadable};
use super::rejects::{BadRow, Rejects};
use super::values::{BadValue, Ground};

/// How far the reading of a file has come.
#[derive(Clone, Debug)]
pub struct ReadProgress {
    /// The file, without its folder.
    pub file: String,
    /// Bytes read.
    pub bytes: u64,
    /// Bytes that there are.
    pub of_bytes: u64,
    /// Rows read.
    pub rows: u64,
}

/// Rows between two reports of progress.
const REPORT_EVERY: u64 = 16 * 1024;

/// What the reading of every file needs.
pub(super) struct Reading<'a> {
    pub(super) ground: &'a Ground,
    pub(super) rejects_folder: &'a Path,
    pub(super) source: &'a str,
    /// Ids of managers by name in lower case.
    pub(super) managers: HashMap<String, String>,
    pub(super) progress: &'a (dyn Fn(ReadProgress) + Sync),
}

/// How many rows a file has.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct RowCounts {
    /// Rows that are not blank.
    pub(super) rows: u64,
    /// Rows that are no fact and rightly so, such as unpaid orders.
    pub(super) skipped: u64,
}

impl Reading<'_> {
    /// The rejects of `file`.
    pub(super) fn rejects(&self, file: &OpenedFile) -> Result<Rejects, SourceError> {
        let stem = super::files::file_name(file.kind);
        let path = self.rejects_folder.join(format!("{}-{stem}", self.source));
        Rejects::new(file.title.clone(), path)
    }

    /// Reads every row of `file` with `reader` and hands the facts, with their line, to `take`.
    pub(super) fn rows<K: Rows>(
        &self,
        file: &OpenedFile,
        reader: &K,
        rejects: &mut Rejects,
        mut take: impl FnMut(u64, K::Fact) -> io::Result<()>,
    ) -> Result<RowCounts, SourceError> {
        let broken = |source| SourceError::Read {
            path: file.path.clone(),
            source,
        };
        let mut input = File::open(&file.path).map_err(broken)?;
        let preamble = SeekFrom::Start(file.dialect.preamble as u64);
        input.seek(preamble).map_err(broken)?;
        let mut records = Records::new(input, file.dialect.delimiter, file.scan.encoding);
        let mut counts = RowCounts::default();
        loop {
            let bytes = records.bytes_taken();
            let Some(record) = records.next().map_err(broken)? else {
                self.report(file, file.scan.size, counts.rows);
                return Ok(counts);
            };
            let misfit = match record {
                Ok(record) if record.line <= file.header.line || is_blank(record) => continue,
                Ok(record) => misfit(record, file.header.names.len()),
                Err(Unreadable { line, reason }) => Some(Misfit::Unreadable(line, reason)),
            };
            counts.rows += 1;
            if counts.rows % REPORT_EVERY == 0 {
                self.report(file, bytes, counts.rows);
            }
            if let (None, Ok(record)) = (&misfit, record) {
                let line = record.line;
                let mut cells = Cells {
                    record,
                    ground: self.ground,
                    managers: &self.managers,
                    rejects,
                    written: Ok(()),
                };
                let read = reader.read(&mut cells);
                cells.written?;
                match read {
                    Ok(Some(fact)) => take(line, fact).map_err(SourceError::Temporary)?,
                    Ok(None) => counts.skipped += 1,
                    Err(bad) => rejects.row(line, bad)?,
                }
                continue;
            }
            let Some(misfit) = misfit else { continue };
            let (line, bad) = misfit.into_bad_row(&mut records);
            rejects.row(line, bad)?;
        }
    }

    fn report(&self, file: &OpenedFile, bytes: u64, rows: u64) {
        (self.progress)(ReadProgress {
            file: file.title.clone(),
            bytes,
            of_bytes: file.scan.size,
            rows,
        });
    }
}

/// A record that is no row of the table.
enum Misfit {
    Unreadable(u64, &'static str),
    Fields {
        line: u64,
        found: usize,
        expected: usize,
    },
}

impl Misfit {
    /// The line and what to say about it.
    ///
    /// A record of several lines with the wrong number of fields has most likely swallowed its
    /// neighbours behind a quote that nobody closed: only its first line is given up.
    fn into_bad_row<R: io::Read>(self, records: &mut Records<R>) -> (u64, BadRow) {
        let (line, bad) = match self {
            Self::Unreadable(line, reason) => (line, BadValue::new(reason, "")),
            Self::Fields {
                line,
                found,
                expected,
            } => {
                let hint = if records.resume_after_first_line() {
                    "is a quote not closed?"
                } else {
                    "does a value hold the character that parts the fields? put it in quotes"
                };
                let reason = format!("the row has {found} fields and the header {expected}");
                (line, BadValue::owned(reason, hint))
            }
        };
        let row = BadRow {
            column: String::new(),
            value: String::new(),
            bad,
        };
        (line, row)
    }
}

/// Whether a record has more fields than the header, or fewer in spite of several lines.
fn misfit(record: Record<'_>, expected: usize) -> Option<Misfit> {
    let found = record.len();
    let beyond = (expected..found).any(|index| !record.field(index).trim().is_empty());
    let swallowed = || record.fields().any(|field| field.contains('\n'));
    (beyond || (found < expected && swallowed())).then_some(Misfit::Fields {
        line: record.line,
        found,
        expected,
    })
}

fn is_blank(record: Record<'_>) -> bool {
    record.fields().all(|field| field.trim().is_empty())
}
