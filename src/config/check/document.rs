//! A TOML file with the place of everything in it.
//!
//! Answers "where stands this key?" in lines and columns. Whether what stands there is right is
//! the business of `shape` and of the rules.

use std::fmt;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::super::problem::{Problem, Severity};

/// Where a value stands in a document: `step[1].fallback.template`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct KeyPath(Vec<Part>);

/// One part of a [`KeyPath`].
#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Key(String),
    Index(usize),
}

impl KeyPath {
    /// The path of the document itself.
    pub(super) fn root() -> Self {
        Self::default()
    }

    /// The path of a key within this table.
    pub(super) fn key(&self, key: &str) -> Self {
        self.with(Part::Key(key.to_owned()))
    }

    /// The path of an element of this list, from 0.
    pub(super) fn index(&self, index: usize) -> Self {
        self.with(Part::Index(index))
    }

    fn with(&self, part: Part) -> Self {
        let mut parts = self.0.clone();
        parts.push(part);
        Self(parts)
    }

    /// Whether this path leads to `other` or into it.
    pub(super) fn starts_with(&self, other: &Self) -> bool {
        self.0.starts_with(&other.0)
    }

    /// The name of the last key; empty for the document itself.
    pub(super) fn name(&self) -> &str {
        let key = self.0.iter().rev().find_map(|part| match part {
            Part::Key(key) => Some(key.as_str()),
            Part::Index(_) => None,
        });
        key.unwrap_or_default()
    }
}

impl fmt::Display for KeyPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, part) in self.0.iter().enumerate() {
            match part {
                Part::Key(key) if n == 0 => write!(f, "{key}")?,
                Part::Key(key) => write!(f, ".{key}")?,
                Part::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

/// The text of a TOML file, its lines and its values with their places.
#[derive(Clone, Debug)]
pub(super) struct Document<'t> {
    file: &'t str,
    text: &'t str,
    /// The byte at which each line starts.
    lines: Vec<usize>,
    root: DeTable<'t>,
}

impl<'t> Document<'t> {
    /// Takes what could be read of `text`.
    pub(super) fn new(file: &'t str, text: &'t str, root: DeTable<'t>) -> Self {
        let after_breaks = text.match_indices('\n').map(|(at, _)| at + 1);
        let lines = std::iter::once(0).chain(after_breaks).collect();
        Self {
            file,
            text,
            lines,
            root,
        }
    }

    /// The values at the top of the file.
    pub(super) fn root(&self) -> &DeTable<'t> {
        &self.root
    }

    /// The file as the user would name it.
    pub(super) fn file(&self) -> &'t str {
        self.file
    }

    /// The line of a byte, from 1.
    pub(super) fn line_of(&self, at: usize) -> usize {
        self.lines.partition_point(|start| *start <= at)
    }

    /// The number of lines.
    pub(super) fn line_count(&self) -> usize {
        self.lines.len()
    }

    /// The text of a line, from 1, without its break.
    pub(super) fn line_text(&self, line: usize) -> &str {
        let start = self.lines.get(line.wrapping_sub(1)).copied();
        let end = self.lines.get(line).copied().unwrap_or(self.text.len());
        let text = start.and_then(|start| self.text.get(start..end));
        text.unwrap_or_default().trim_end_matches(['\n', '\r'])
    }

    /// The bytes of a line, from 1, without its break.
    pub(super) fn line_range(&self, line: usize) -> Range<usize> {
        let start = self.lines.get(line.wrapping_sub(1)).copied();
        let start = start.unwrap_or(self.text.len());
        start..start + self.line_text(line).len()
    }

    /// A problem that points at `span`.
    pub(super) fn problem(
        &self,
        severity: Severity,
        span: Range<usize>,
        message: impl Into<String>,
    ) -> Problem {
        let line = self.line_of(span.start);
        let text = self.line_text(line);
        let range = self.line_range(line);
        let chars = |from: usize, to: usize| {
            let bytes = self.text.as_bytes().get(from..to.max(from));
            // Counts the bytes that begin a character, so that a span within one does no harm.
            bytes.map_or(0, |bytes| {
                bytes.iter().filter(|b| **b & 0xc0 != 0x80).count()
            })
        };
        let column = chars(range.start, span.start.min(range.end)) + 1;
        let width = chars(span.start, span.end.min(range.end));
        Problem::new(severity, self.file, message).at(line, column, width, text)
    }

    /// Where the value of `path` stands; the nearest table around it when it is not written.
    pub(super) fn span(&self, path: &KeyPath) -> Range<usize> {
        let mut span = 0..0;
        let mut here: Option<&Spanned<DeValue<'_>>> = None;
        for part in &path.0 {
            let next = match part {
                Part::Key(key) => match here {
                    None => self.root.get(key.as_str()),
                    Some(value) => value.get_ref().get(key.as_str()),
                },
                Part::Index(index) => here.and_then(|value| value.get_ref().get(*index)),
            };
            let Some(value) = next else { break };
            span = value.span();
            here = Some(value);
        }
        span
    }

    /// The name of a table for people: `[trigger]`, `[[step]] "letter"`, `the top of the file`.
    pub(super) fn place(&self, path: &KeyPath) -> String {
        let Some(Part::Key(first)) = path.0.first() else {
            return "at the top of the file".to_owned();
        };
        let (head, rest) = match path.0.get(1) {
            Some(Part::Index(index)) => (self.element_name(first, *index), &path.0[2..]),
            _ => (format!("[{first}]"), &path.0[1..]),
        };
        if rest.is_empty() {
            return format!("in {head}");
        }
        format!("in {} of {head}", KeyPath(rest.to_vec()))
    }

    /// The name of an element of a list of tables, by its own id, name or title.
    fn element_name(&self, list: &str, index: usize) -> String {
        let element = self
            .root
            .get(list)
            .and_then(|list| list.get_ref().get(index));
        let called = element.and_then(|element| {
            let text = |key| element.get_ref().get(key)?.get_ref().as_str();
            text("id")
                .or_else(|| text("name"))
                .or_else(|| text("title"))
        });
        match called {
            Some(called) => format!("[[{list}]] \"{called}\""),
            None => format!("[[{list}]] number {}", index + 1),
        }
    }
}
