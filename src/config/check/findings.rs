//! What the rules find: something about a key that has the right shape but cannot be meant.
//!
//! A finding that rests on a broken place is not reported: once the place is mended, it may be
//! gone. So nobody is sent after mistakes that are none.

use super::super::problem::{Problem, Severity};
use super::document::{Document, KeyPath};

/// One thing that cannot be meant.
#[derive(Debug)]
pub(super) struct Finding {
    at: KeyPath,
    given: Vec<KeyPath>,
    severity: Severity,
    message: String,
    hint: String,
}

impl Finding {
    /// An error at a key.
    pub(super) fn error(at: KeyPath, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            at,
            given: Vec::new(),
            severity: Severity::Error,
            message: message.into(),
            hint: hint.into(),
        }
    }

    /// A warning at a key.
    pub(super) fn warning(
        at: KeyPath,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        let finding = Self::error(at, message, hint);
        Self {
            severity: Severity::Warning,
            ..finding
        }
    }

    /// Names another key that the finding rests on.
    #[must_use]
    pub(super) fn given(mut self, path: KeyPath) -> Self {
        self.given.push(path);
        self
    }

    /// Makes an error a warning.
    #[must_use]
    pub(super) fn into_warning(mut self) -> Self {
        self.severity = Severity::Warning;
        self
    }

    /// Whether the finding rests on a place that is broken.
    pub(super) fn is_doubtful(&self, broken: &[KeyPath]) -> bool {
        let touches = |path: &KeyPath| {
            let mut broken = broken.iter();
            broken.any(|broken| broken.starts_with(path) || path.starts_with(broken))
        };
        touches(&self.at) || self.given.iter().any(touches)
    }

    /// The problem to report.
    pub(super) fn into_problem(self, document: &Document<'_>) -> Problem {
        let span = document.span(&self.at);
        let problem = document.problem(self.severity, span, self.message);
        problem.with_key(self.at).with_hint(self.hint)
    }
}
