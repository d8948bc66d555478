//! What an import could not take, and where a person finds it.
//!
//! Every rejected row or value goes to `rejects/<source>-<kind>.csv` as it is met; counts and a few
//! examples stay in memory for the summary.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::SourceError;
use super::values::{BadValue, FUTURE};

/// Examples of a file that the summary shows.
const EXAMPLES: usize = 5;
/// Characters of a value that are shown: enough to find it, too few to fill a screen.
const SHOWN: usize = 60;

/// One thing that an import could not take.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Rejected {
    /// The file, without its folder.
    pub file: String,
    /// The line on which the row begins, from 1.
    pub line: u64,
    /// The column as the file names it; empty when it is the whole row.
    pub column: String,
    /// The value, shortened.
    pub value: String,
    /// What is wrong.
    pub reason: String,
    /// How to mend it; may be empty.
    pub hint: String,
    /// Whether the row is lost, or only this value of it.
    pub row_lost: bool,
}

/// A row that cannot be taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct BadRow {
    pub(super) column: String,
    pub(super) value: String,
    pub(super) bad: BadValue,
}

/// The rejected rows and values of one file.
#[derive(Debug)]
pub(super) struct Rejects {
    file: String,
    path: PathBuf,
    writer: Option<csv::Writer<File>>,
    counts: RejectCounts,
    examples: Vec<Rejected>,
}

/// How much of a file was rejected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RejectCounts {
    /// Rows that were not taken.
    pub rows: u64,
    /// Values that were left out of rows that were taken.
    pub values: u64,
    /// Rows among `rows` that lie in the future: they are taken when their day has come.
    pub in_the_future: u64,
}

/// What became of the rejects of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RejectReport {
    /// How much.
    pub counts: RejectCounts,
    /// The first few.
    pub examples: Vec<Rejected>,
    /// Where all of them are, if there are any.
    pub path: Option<PathBuf>,
}

impl Rejects {
    /// Rejects of `file`, to be written to `path`; those of an earlier import are removed.
    pub(super) fn new(file: String, path: PathBuf) -> Result<Self, SourceError> {
        match fs::remove_file(&path) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                return Err(SourceError::Rejects { path, source });
            }
            _ => {}
        }
        Ok(Self {
            file,
            path,
            writer: None,
            counts: RejectCounts::default(),
            examples: Vec::new(),
        })
    }

    /// Takes note of a row that is lost.
    pub(super) fn row(&mut self, line: u64, row: BadRow) -> Result<(), SourceError> {
        self.counts.rows += 1;
        self.counts.in_the_future += u64::from(row.bad.reason == FUTURE);
        self.note(line, row, true)
    }

    /// Takes note of a value that is left out.
    pub(super) fn value(&mut self, line: u64, value: BadRow) -> Result<(), SourceError> {
        self.counts.values += 1;
        self.note(line, value, false)
    }

    fn note(
        &mut self,
        line: u64,
        BadRow { column, value, bad }: BadRow,
        row_lost: bool,
    ) -> Result<(), SourceError> {
        let rejected = Rejected {
            file: self.file.clone(),
            line,
            column,
            value: shortened(&value),
            reason: bad.reason.into_owned(),
            hint: bad.hint.into_owned(),
            row_lost,
        };
        if let Err(source) = self.write(&rejected) {
            return Err(self.error(source));
        }
        if self.examples.len() < EXAMPLES {
            self.examples.push(rejected);
        }
        Ok(())
    }

    fn write(&mut self, rejected: &Rejected) -> io::Result<()> {
        let writer = match &mut self.writer {
            Some(writer) => writer,
            empty => empty.insert(open(&self.path)?),
        };
        let written = writer.write_record([
            harmless(&rejected.file).as_str(),
            &rejected.line.to_string(),
            &harmless(&rejected.column),
            &harmless(&rejected.value),
            &harmless(&rejected.reason),
            &harmless(&rejected.hint),
            if rejected.row_lost { "row" } else { "value" },
        ]);
        written.map_err(io::Error::other)
    }

    fn error(&self, source: io::Error) -> SourceError {
        let path = self.path.clone();
        SourceError::Rejects { path, source }
    }

    /// Closes the file and tells what became of it.
    pub(super) fn finish(mut self) -> Result<RejectReport, SourceError> {
        let flushed = self.writer.as_mut().map_or(Ok(()), csv::Writer::flush);
        flushed.map_err(|source| self.error(source))?;
        Ok(RejectReport {
            counts: self.counts,
            examples: self.examples,
            path: self.writer.is_some().then_some(self.path),
        })
    }
}

fn open(path: &Path) -> io::Result<csv::Writer<File>> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut options = File::options();
    options.write(true).create(true).truncate(true);
    // The values are personal data: nobody else on the machine needs them.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut writer = csv::WriterBuilder::new()
        .quote_style(csv::QuoteStyle::Always)
        .from_writer(options.open(path)?);
    writer
        .write_record(["file", "line", "column", "value", "reason", "hint", "lost"])
        .map_err(io::Error::other)?;
    Ok(writer)
}

/// The beginning of a value, without control characters.
fn shortened(value: &str) -> String {
    let mut shown: String = value
        .chars()
        .take(SHOWN)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    if value.chars().nth(SHOWN).is_some() {
        shown.push('…');
    }
    shown
}

/// A cell that no spreadsheet takes for a formula.
///
/// Source: OWASP, CSV injection.
fn harmless(cell: &str) -> String {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        format!("'{cell}")
    } else {
        cell.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bad(value: &str) -> BadRow {
        BadRow {
            column: "Телефон".to_owned(),
            value: value.to_owned(),
            bad: BadValue::new("is not a phone number", "write it with its country"),
        }
    }

    #[test]
    fn rejects_are_written_harmless_counted_and_shown_in_part() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rejects/crm-clients.csv");
        let mut rejects = Rejects::new("clients.csv".to_owned(), path.clone()).unwrap();
        assert!(!path.exists());
        for line in 2..10 {
            rejects.value(line, bad("=HYPERLINK(1)")).unwrap();
        }
        rejects.row(10, bad(&"x".repeat(500))).unwrap();
        let report = rejects.finish().unwrap();
        assert_eq!((report.counts.rows, report.counts.values), (1, 8));
        assert_eq!(report.examples.len(), EXAMPLES);
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(text.lines().count(), 10);
        assert!(text.contains("\"'=HYPERLINK(1)\""), "{text}");
        assert!(!text.contains(&"x".repeat(61)));
    }

    #[test]
    fn rejects_of_an_earlier_import_do_not_stay() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("crm-clients.csv");
        fs::write(&path, "old").unwrap();
        let report = Rejects::new("clients.csv".to_owned(), path.clone())
            .unwrap()
            .finish()
            .unwrap();
        assert_eq!(report, RejectReport::default());
        assert!(!path.exists());
    }
}
