//! A [`Problem`]: what is wrong in a file, where, and how to mend it.
//!
//! The one form in which `check` speaks of configuration, campaigns and templates, to people
//! (`Display`, with the line and a caret) and to programs (JSON). Finding problems is the business
//! of `check`.

use std::fmt;
use std::path::Path;

use serde::Serialize;

/// The most characters of a source line that are shown.
const EXCERPT_WIDTH: usize = 100;

/// Whether a problem keeps a file from being used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The file cannot be used.
    Error,
    /// The file can be used, but probably does not say what was meant.
    Warning,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
        })
    }
}

/// One thing that is wrong in a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Whether the file can be used all the same.
    pub severity: Severity,
    /// The file as the user would name it.
    pub file: String,
    /// The line, from 1; absent when the problem is the file itself.
    pub line: Option<usize>,
    /// The column in characters, from 1; absent when the problem is the file itself.
    pub column: Option<usize>,
    /// The path of the key, such as `step[1].channel`, where the first element is 0; empty when no
    /// key is meant.
    pub key: String,
    /// What is wrong.
    pub message: String,
    /// How to mend it.
    pub hint: Option<String>,
    /// The line itself, for people.
    #[serde(skip)]
    excerpt: Option<Excerpt>,
}

/// The line of a problem with the stretch that is meant, in characters.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Excerpt {
    text: String,
    start: usize,
    width: usize,
}

impl Problem {
    /// A problem of a whole file.
    pub fn new(severity: Severity, file: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            severity,
            file: file.into(),
            line: None,
            column: None,
            key: String::new(),
            message: message.into(),
            hint: None,
            excerpt: None,
        }
    }

    /// An error of a whole file.
    pub fn error(file: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(Severity::Error, file, message)
    }

    /// Adds how to mend it.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Names the key.
    #[must_use]
    pub fn with_key(mut self, key: impl fmt::Display) -> Self {
        self.key = key.to_string();
        self
    }

    /// Points at `width` characters of a line; `line` and `column` count from 1, and `text` is the
    /// whole line.
    #[must_use]
    pub fn at(mut self, line: usize, column: usize, width: usize, text: &str) -> Self {
        self.line = Some(line);
        self.column = Some(column);
        self.excerpt = Some(Excerpt::cut(text, column.saturating_sub(1), width));
        self
    }

    /// Whether the file cannot be used.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }

    /// The order of reading: by file, then from top to bottom.
    pub(super) fn sort(problems: &mut Vec<Self>) {
        problems.sort_by(|a, b| {
            let order = |p: &Self| (p.file.clone(), p.line, p.column, p.severity);
            order(a)
                .cmp(&order(b))
                .then_with(|| a.message.cmp(&b.message))
        });
        problems.dedup();
    }
}

impl Excerpt {
    /// Keeps what fits on a line of a terminal around the stretch that is meant.
    fn cut(line: &str, start: usize, width: usize) -> Self {
        let line = line.trim_end();
        let skipped = if start > EXCERPT_WIDTH * 3 / 4 {
            start - EXCERPT_WIDTH / 4
        } else {
            0
        };
        let text: String = line
            .chars()
            .skip(skipped)
            .take(EXCERPT_WIDTH)
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect();
        let shown = text.chars().count();
        let start = (start - skipped).min(shown);
        let width = width.clamp(1, (shown - start).max(1));
        Self { text, start, width }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file)?;
        if let (Some(line), Some(column)) = (self.line, self.column) {
            write!(f, ":{line}:{column}")?;
        }
        write!(f, ": {}: {}", self.severity, self.message)?;
        if let Some(hint) = &self.hint {
            write!(f, " — {hint}")?;
        }
        let (Some(line), Some(excerpt)) = (self.line, &self.excerpt) else {
            return Ok(());
        };
        if excerpt.text.trim().is_empty() {
            return Ok(());
        }
        let number = format!("{line:>4}");
        let margin = " ".repeat(number.len());
        let (indent, carets) = (" ".repeat(excerpt.start), "^".repeat(excerpt.width));
        write!(f, "\n{number} | {}", excerpt.text)?;
        write!(f, "\n{margin} | {indent}{carets}")
    }
}

/// A path as the user would write it: without a leading `./`, with `/` between folders.
pub(super) fn shown_path(path: &Path) -> String {
    let shown = path.strip_prefix(".").unwrap_or(path).to_string_lossy();
    if cfg!(windows) {
        shown.replace('\\', "/")
    } else {
        shown.into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_shows_its_line_with_a_caret() {
        let problem = Problem::error(
            "config/campaigns/missed.toml",
            "unknown key \"chanel\" in [[step]]",
        )
        .with_hint("did you mean \"channel\"?")
        .with_key("step[0].chanel")
        .at(12, 3, 6, "  chanel = \"email\"");
        insta::assert_snapshot!(problem, @r#"
        config/campaigns/missed.toml:12:3: error: unknown key "chanel" in [[step]] — did you mean "channel"?
          12 |   chanel = "email"
             |   ^^^^^^
        "#);
    }

    #[test]
    fn a_very_long_line_is_cut_around_the_place() {
        let line = format!("{}WRONG{}", "x".repeat(5000), "y".repeat(5000));
        let shown = Problem::error("a.toml", "bad")
            .at(1, 5001, 5, &line)
            .to_string();
        assert!(shown.contains("WRONG"), "{shown}");
        assert!(shown.lines().all(|line| line.len() < 120), "{shown}");
    }

    #[test]
    fn a_problem_of_a_whole_file_has_no_place() {
        let problem = Problem::error("config", "there is no such folder");
        assert_eq!(
            problem.to_string(),
            "config: error: there is no such folder"
        );
        let json = serde_json::to_value(&problem).unwrap();
        assert_eq!(json["line"], serde_json::Value::Null);
        assert_eq!(json["severity"], "error");
    }
}
