//! The files of a source: which there are, what they are, and whether they have changed.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::SourceError;
use super::columns::plain_name;
use super::dialect::{Dialect, sniff};
use super::header::{Header, Mapping};
use super::records::Records;
use super::scan::{Scan, scan};
use super::values::Ground;
use crate::config::settings::{FactKind, Source};
use crate::model::hex;

/// Changes when the same bytes are to be read differently: unchanged files are then read again.
const READER_VERSION: u32 = 1;
/// Rows at the beginning among which the header is looked for: reports put titles above it.
const HEADER_WITHIN: usize = 20;

/// A source whose files have been looked at.
#[derive(Debug)]
pub struct Opened {
    /// Short name of the source.
    pub name: String,
    /// Files that cannot be read, and why; the others can.
    pub problems: Vec<FileProblem>,
    /// What a person may want to know.
    pub notes: Vec<String>,
    /// Of the files' contents and of how they are to be read: equal means nothing is new.
    pub fingerprint: String,
    pub(super) files: Vec<OpenedFile>,
}

/// A file of a source that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct FileProblem {
    /// The file, without its folder.
    pub file: String,
    /// What is wrong, and how to mend it.
    pub problem: String,
}

/// A file that can be read.
#[derive(Debug)]
pub(super) struct OpenedFile {
    pub(super) kind: FactKind,
    pub(super) path: PathBuf,
    pub(super) title: String,
    pub(super) scan: Scan,
    pub(super) dialect: Dialect,
    pub(super) header: Header,
}

impl Opened {
    /// The kinds of facts that the source has files for.
    pub fn kinds(&self) -> impl Iterator<Item = FactKind> {
        self.files.iter().map(|file| file.kind)
    }
}

/// The name of the file that holds facts of `kind`.
pub(super) fn file_name(kind: FactKind) -> String {
    format!("{}.csv", kind.word())
}

/// Looks at the files of `source`; a relative path starts at `home`.
///
/// Reads every byte once and keeps next to nothing. A file that is no table is a problem of its own;
/// only a source without any file is an error.
pub fn open(source: &Source, home: &Path, ground: &Ground) -> Result<Opened, SourceError> {
    let path = home.join(&source.path);
    let single_file = path.is_file();
    let mut opened = Opened {
        name: source.name.clone(),
        problems: Vec::new(),
        notes: Vec::new(),
        fingerprint: String::new(),
        files: Vec::new(),
    };
    let mut hasher = Sha256::new();
    hasher.update(settings_that_matter(source, ground));
    let found = if single_file {
        vec![(FactKind::Purchases, path)]
    } else {
        files_in(&path, &mut opened.notes)?
    };
    for (kind, path) in found {
        let title = title_of(&path);
        let read = |source| SourceError::Read {
            path: path.clone(),
            source,
        };
        let looked = scan(&path, source.encoding).map_err(read)?;
        let mapping = Mapping::of(source, kind, single_file);
        let file = looked
            .map_err(|not_text| vec![not_text.to_string()])
            .and_then(|scan| with_header(kind, &path, scan, &mapping));
        match file {
            Ok(file) => {
                hasher.update(kind.word());
                hasher.update(file.scan.hash);
                opened.files.push(file);
            }
            Err(problems) => opened.problems.extend(problems.into_iter().map(|problem| {
                let file = title.clone();
                FileProblem { file, problem }
            })),
        }
    }
    opened.fingerprint = hex(&hasher.finalize());
    Ok(opened)
}

/// What changes the facts that the same bytes give.
fn settings_that_matter(source: &Source, ground: &Ground) -> String {
    let mapping = serde_json::to_string(&(&source.columns, &source.columns_of, source.encoding));
    format!(
        "{READER_VERSION} {} {} {} {:?} {}",
        ground.zone,
        ground.country,
        ground.currency,
        source.mode,
        mapping.unwrap_or_default()
    )
}

/// The files of a folder that are read, with a note about each table that is not.
fn files_in(
    folder: &Path,
    notes: &mut Vec<String>,
) -> Result<Vec<(FactKind, PathBuf)>, SourceError> {
    let read = |source| SourceError::Read {
        path: folder.to_owned(),
        source,
    };
    if !folder.exists() {
        return Err(SourceError::Missing(folder.to_owned()));
    }
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(read)? {
        let path = entry.map_err(read)?.path();
        let name = title_of(&path);
        let lower = name.to_lowercase();
        if let Some(kind) = FactKind::ALL
            .into_iter()
            .find(|kind| file_name(*kind) == lower)
        {
            found.push((kind, path));
        } else if [".csv", ".txt", ".tsv", ".xls", ".xlsx"]
            .iter()
            .any(|end| lower.ends_with(end))
        {
            notes.push(not_read(&name));
        }
    }
    if found.is_empty() {
        return Err(SourceError::NoFiles(folder.to_owned()));
    }
    found.sort();
    notes.sort();
    Ok(found)
}

/// A note about a table with a name that is not read.
fn not_read(name: &str) -> String {
    let stem = plain_name(name.rsplit_once('.').map_or(name, |(stem, _)| stem));
    let nearest = match stem.as_str() {
        "orders" | "sales" | "transactions" | "продажи" | "покупки" | "заказы" => {
            Some(FactKind::Purchases)
        }
        "customers" | "клиенты" | "контрагенты" => Some(FactKind::Clients),
        "leads" | "сделки" => Some(FactKind::Deals),
        "unsubscribed" | "blacklist" => Some(FactKind::Suppressions),
        stem => FactKind::ALL
            .into_iter()
            .find(|kind| strsim::jaro_winkler(stem, kind.word()) > 0.85),
    };
    let mut note = format!("{name} is not read");
    if let Some(kind) = nearest {
        let _ = write!(note, ": rename it to {} if it holds them", file_name(kind));
    }
    note
}

/// Finds the dialect and the header of a file that is text.
fn with_header(
    kind: FactKind,
    path: &Path,
    scan: Scan,
    mapping: &Mapping,
) -> Result<OpenedFile, Vec<String>> {
    let dialect = sniff(&scan.beginning);
    let table = &scan.beginning[dialect.preamble..];
    let mut records = Records::new(table, dialect.delimiter, scan.encoding);
    // The row that comes nearest to a header speaks for the file when none is one.
    let mut nearest: Option<Vec<String>> = None;
    for _ in 0..HEADER_WITHIN {
        let Ok(Some(record)) = records.next() else {
            break;
        };
        let Ok(record) = record else { continue };
        match Header::of(record.line, record.fields(), kind, mapping) {
            Ok(header) => {
                return Ok(OpenedFile {
                    kind,
                    path: path.to_owned(),
                    title: title_of(path),
                    scan,
                    dialect,
                    header,
                });
            }
            Err(problems) => {
                if nearest
                    .as_ref()
                    .is_none_or(|nearest| problems.len() < nearest.len())
                {
                    nearest = Some(problems);
                }
            }
        }
    }
    Err(nearest.unwrap_or_else(|| vec!["the file has no row that can be read".to_owned()]))
}

fn title_of(path: &Path) -> String {
    path.file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default()
}
