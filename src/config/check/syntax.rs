//! Reading TOML that may be broken.
//!
//! Reports each syntax error, at most one a line, in words for people who do not know TOML, and
//! reads what can be relied on in spite of them. What the values mean is looked at elsewhere.

use std::collections::BTreeSet;
use std::ops::Range;

use toml::de::{DeTable, Error};

use super::super::problem::{Problem, Severity};
use super::document::Document;
use super::formats::Format;
use super::nearest;

/// How the TOML reader names a key or heading that stands twice.
const DUPLICATE: &str = "duplicate key";

/// The errors behind which the reader still has every key of the line: a text without quotes, a
/// number that is none. Any other error may have cost a key.
const HARMLESS: &[&str] = &[
    DUPLICATE,
    "string values must be quoted",
    "invalid boolean",
    "invalid float",
    "invalid integer",
    "invalid date",
    "unexpected leading zero",
    "invalid basic string",
    "invalid literal string",
    "missing escaped value",
];

/// How often a text is read anew behind an error; enough for a file that a person wrote.
const ROUNDS: usize = 20;

/// The most syntax errors that are reported for one file: it may be something else altogether.
const MOST_PROBLEMS: usize = 20;

/// The text of a file, its syntax errors, and what of it can be read.
pub(in super::super) struct Source {
    file: String,
    text: String,
    /// The text with blanks where nothing can be relied on; every byte keeps its place.
    readable: String,
    problems: Vec<Problem>,
    /// The lines with a syntax error.
    broken: BTreeSet<usize>,
    /// Whether every key that was written is there.
    complete: bool,
}

impl Source {
    /// Looks at the text of a file.
    pub(in super::super) fn new(file: String, text: String) -> Self {
        let (_, errors) = DeTable::parse_recoverable(&text);
        let mut source = Self {
            readable: text.clone(),
            file,
            text,
            problems: Vec::new(),
            broken: BTreeSet::new(),
            complete: true,
        };
        if !errors.is_empty() {
            source.read_around(errors);
        }
        source
    }

    /// Blanks what is broken and reads again, until what is left is good.
    ///
    /// The reader stops at some errors and guesses at others, so one look does not show them all.
    fn read_around(&mut self, mut errors: Vec<Error>) {
        let lines = Document::new(&self.file, &self.text, DeTable::new());
        let mut blanked = BTreeSet::new();
        let mut unreadable_from = usize::MAX;
        for _ in 0..ROUNDS {
            let mut ranges = Vec::new();
            for error in &errors {
                let span = error.span().unwrap_or(0..0);
                let line = lines.line_of(span.start);
                if line > unreadable_from || blanked.contains(&line) {
                    continue;
                }
                if self.broken.insert(line) {
                    self.problems.push(explain(&lines, error, span));
                }
                let heading = is_heading(lines.line_text(line));
                if error.message().starts_with(DUPLICATE) && heading {
                    ranges.push(section(&lines, line));
                } else if heading {
                    // The keys below would count for the wrong table.
                    unreadable_from = line;
                    ranges.push(lines.line_range(line).start..self.text.len());
                } else if !is_harmless(error) {
                    ranges.push(lines.line_range(line));
                } else {
                    continue;
                }
                self.complete &= is_harmless(error);
                blanked.insert(line);
            }
            if ranges.is_empty() {
                break;
            }
            blank(&mut self.readable, ranges);
            errors = DeTable::parse_recoverable(&self.readable).1;
        }
        if let Some(from) = errors
            .iter()
            .find(|error| !is_harmless(error))
            .and(blanked.first())
        {
            // A bracket or a quote that is never closed swallows what follows.
            self.problems.retain(|problem| problem.line <= Some(*from));
            let start = lines.line_range(*from).start;
            blank(&mut self.readable, std::iter::once(start..self.text.len()));
            self.complete = false;
        }
        self.problems.sort_by_key(|problem| problem.line);
        self.problems.truncate(MOST_PROBLEMS);
    }

    /// What can be read.
    pub(super) fn document(&self) -> Document<'_> {
        let (root, _) = DeTable::parse_recoverable(&self.readable);
        Document::new(&self.file, &self.text, root.into_inner())
    }

    /// The syntax errors.
    pub(super) fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// Whether a line has a syntax error.
    pub(super) fn is_broken(&self, line: usize) -> bool {
        self.broken.contains(&line)
    }

    /// Whether every key that was written could be read, though perhaps not its value.
    pub(super) fn is_complete(&self) -> bool {
        self.complete
    }
}

fn is_harmless(error: &Error) -> bool {
    let mut harmless = HARMLESS.iter();
    harmless.any(|start| error.message().starts_with(start))
}

/// The bytes from a heading to the next one.
fn section(lines: &Document<'_>, heading: usize) -> Range<usize> {
    let start = lines.line_range(heading).start;
    let mut below = heading + 1..=lines.line_count();
    let next = below.find(|line| is_heading(lines.line_text(*line)));
    start..lines.line_range(next.unwrap_or(usize::MAX)).start
}

fn is_heading(line: &str) -> bool {
    line.trim_start().starts_with('[')
}

/// Puts spaces in place of whole lines; the breaks between them stay.
fn blank(text: &mut String, ranges: impl IntoIterator<Item = Range<usize>>) {
    let mut bytes = std::mem::take(text).into_bytes();
    for range in ranges {
        for byte in bytes.get_mut(range).unwrap_or_default() {
            if *byte != b'\n' {
                *byte = b' ';
            }
        }
    }
    // Whole lines were blanked, so what is left is still UTF-8.
    *text = String::from_utf8(bytes).unwrap_or_default();
}

/// Says in plain words what is wrong.
fn explain(document: &Document<'_>, error: &Error, span: Range<usize>) -> Problem {
    let line = document.line_of(span.start);
    let text = document.line_text(line);
    let (key, value) = text.split_once('=').unwrap_or((text, ""));
    let (key, value) = (key.trim(), value.trim());
    let in_value = text
        .find('=')
        .is_some_and(|at| span.start > document.line_range(line).start + at);
    let bare_value = in_value && !value.starts_with(['"', '\'', '[', '{']);
    let (message, hint) = if error.message().starts_with("invalid date") {
        let hint = "a date is written 2026-12-01".to_owned();
        ("there is no such day".to_owned(), hint)
    } else if bare_value {
        of_a_bare_value(key, value)
    } else {
        of_a_line(error.message(), key)
    };
    let problem = document.problem(Severity::Error, span, message);
    problem.with_hint(hint)
}

/// The message and the hint for a value that neither has quotes nor is a number or a date.
fn of_a_bare_value(key: &str, value: &str) -> (String, String) {
    let value = value.split('#').next().unwrap_or_default().trim();
    if value.is_empty() {
        let hint = format!("write {key} = \"…\", or take the line out");
        return (format!("\"{key}\" has no value"), hint);
    }
    if value.starts_with(['“', '”', '„', '«', '‘', '’']) {
        let hint = "write straight quotes: \"…\"";
        return ("these quotes are for printing".to_owned(), hint.to_owned());
    }
    let day = Format::named("date").and_then(|format| format.meant(value));
    if let Some(day) = day {
        let message = format!("{value} is not how a date is written");
        return (message, format!("write {key} = {day}"));
    }
    let value = value.trim_matches(['"', '\'']);
    let hint = format!("write {key} = \"{value}\"");
    ("a text must stand in quotes".to_owned(), hint)
}

/// The message and the hint for any other error of the TOML reader.
fn of_a_line(message: &str, key: &str) -> (String, String) {
    let starts = |start: &str| message.starts_with(start);
    let name = key.trim_matches(['[', ']', ' ']);
    let heading = is_heading(key);
    let (message, hint) = match () {
        () if starts("invalid unquoted key") => return of_a_key(key),
        () if starts("string values must be quoted") => (
            "a text must stand in quotes".to_owned(),
            "write \"…\" around each text",
        ),
        () if message.contains("basic string") || message.contains("literal string") => (
            "the quotes are never closed".to_owned(),
            "close them at the end of the text",
        ),
        () if starts(DUPLICATE) && heading && !key.trim_start().starts_with("[[") => (
            format!("[{name}] stands here for the second time"),
            "keep one of the two; where there may be several, as with steps, write [[step]]",
        ),
        () if starts(DUPLICATE) => (
            format!("\"{name}\" stands here for the second time"),
            "keep one of the two",
        ),
        () if starts("key with no value") => return of_no_equals_sign(key),
        () if starts("unclosed table") || starts("unclosed array table") => (
            "the brackets of the heading are not closed".to_owned(),
            "a heading is written [name], one that may repeat [[name]]",
        ),
        () if starts("unclosed") || starts("missing comma") => (
            "a list or table is not closed, or a comma is missing".to_owned(),
            "a list is written [\"a\", \"b\"], an inline table { key = \"a\", other = 1 }",
        ),
        () if starts("missing escaped value") => (
            "a \\ in double quotes has a meaning of its own".to_owned(),
            "write / or \\\\ in place of a single \\",
        ),
        () => (
            message.replace(", expected nothing", ""),
            "see https://toml.io for how TOML is written",
        ),
    };
    (message, hint.to_owned())
}

/// The message and the hint for a line such as `status: live` or a remark without its `#`.
fn of_no_equals_sign(line: &str) -> (String, String) {
    let (key, value) = line.split_once([':', ' ']).unwrap_or((line, ""));
    let value = value.trim().trim_matches('"');
    let message = format!("there is no = after \"{}\"", key.trim());
    let hint = if value.contains(' ') {
        "write key = \"value\"; a remark begins with #".to_owned()
    } else {
        format!("write {} = \"{value}\"", key.trim())
    };
    (message, hint)
}

/// The message and the hint for a key that is none.
fn of_a_key(key: &str) -> (String, String) {
    let hint = match nearest::lookalike(key) {
        Some(letter) => format!("the \"{letter}\" in it is Cyrillic: write it in Latin letters"),
        None => "keys are written in Latin letters; a key in other letters needs quotes".to_owned(),
    };
    (format!("\"{key}\" cannot be a key"), hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The keys at the top of a document.
    fn keys<'d>(document: &'d Document<'_>) -> Vec<&'d str> {
        let keys = document.root().keys();
        keys.map(|key| key.get_ref().as_ref()).collect()
    }

    /// The syntax errors of a text, one a line, with the place and the hint.
    fn said(text: &str) -> String {
        let source = Source::new("a.toml".to_owned(), text.to_owned());
        let said = source.problems().iter().map(|problem| {
            let (line, column) = (problem.line.unwrap(), problem.column.unwrap());
            let hint = problem.hint.as_deref().unwrap_or_default();
            format!("{line}:{column} {} — {hint}\n", problem.message)
        });
        said.collect()
    }

    #[test]
    fn syntax_errors_are_explained_to_people_who_do_not_know_toml() {
        insta::assert_snapshot!(said(
            "id = missed-cycle\n\
             title = “Весна”\n\
             starts = 01.12.2026\n\
             from =\n\
             reentry = 90d # days\n\
             сlass = \"service\"\n\
             status \"live\"\n\
             class = \"service\n\
             class = \"advertising\"\n\
             ends = 2026-13-01\n\
             path = \"C:\\data\"\n\
             [limits]\n\
             holdout = 10%\n\
             [limits]\n\
             reentry = \"3d\"\n\
             [audience]\n\
             xyz = [\"X\" \"Y\"]\n\
             [[step]\n\
             id = letter\n"
        ), @r#"
        1:6 a text must stand in quotes — write id = "missed-cycle"
        2:9 these quotes are for printing — write straight quotes: "…"
        3:10 01.12.2026 is not how a date is written — write starts = 2026-12-01
        4:7 "from" has no value — write from = "…", or take the line out
        5:11 a text must stand in quotes — write reentry = "90d"
        6:1 "сlass" cannot be a key — the "с" in it is Cyrillic: write it in Latin letters
        7:8 there is no = after "status" — write status = "live"
        8:17 the quotes are never closed — close them at the end of the text
        9:1 "class" stands here for the second time — keep one of the two
        10:8 there is no such day — a date is written 2026-12-01
        11:12 a \ in double quotes has a meaning of its own — write / or \\ in place of a single \
        13:11 a text must stand in quotes — write holdout = "10%"
        14:2 [limits] stands here for the second time — keep one of the two; where there may be several, as with steps, write [[step]]
        17:12 a list or table is not closed, or a comma is missing — a list is written ["a", "b"], an inline table { key = "a", other = 1 }
        18:8 the brackets of the heading are not closed — a heading is written [name], one that may repeat [[name]]
        "#);
    }

    #[test]
    fn what_stands_above_a_bracket_that_is_never_closed_is_still_read() {
        let text = "id = \"a\"\n[audience]\nxyz = [\"X\",\n[[step]]\nid = \"b\"\n";
        let source = Source::new("a.toml".to_owned(), text.to_owned());
        assert!(!source.is_complete());
        let document = source.document();
        assert_eq!(keys(&document), ["audience", "id"]);
    }

    #[test]
    fn a_section_that_stands_twice_does_not_hide_the_first_one() {
        let text = "[[step]]\nid = \"a\"\n[step]\nid = \"b\"\n[goal]\nwithin = \"3d\"\n";
        let source = Source::new("a.toml".to_owned(), text.to_owned());
        assert!(source.is_complete());
        let document = source.document();
        assert_eq!(keys(&document), ["goal", "step"]);
        assert!(document.root()["step"].get_ref().is_array());
    }
}
