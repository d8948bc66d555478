//! What can be wrong with a template: where, what, and how to mend it.

use std::fmt;

use crate::model::Locale;

/// One thing that is wrong in one template, with the place and the way out.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TemplateProblem {
    /// The file, as the person who edits it would name it.
    pub file: String,
    /// The line, from 1.
    pub line: Option<usize>,
    /// The column, in characters from 1.
    pub column: Option<usize>,
    /// What is wrong.
    pub what: String,
    /// How to mend it.
    pub hint: Option<String>,
}

impl TemplateProblem {
    /// A problem of a whole file.
    pub(super) fn of_file(file: &str, what: impl Into<String>) -> Self {
        Self {
            file: file.to_owned(),
            line: None,
            column: None,
            what: what.into(),
            hint: None,
        }
    }

    /// The same problem with a way out.
    #[must_use]
    pub(super) fn mend(self, hint: impl Into<String>) -> Self {
        Self {
            hint: Some(hint.into()),
            ..self
        }
    }
}

impl fmt::Display for TemplateProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
            if let Some(column) = self.column {
                write!(f, ":{column}")?;
            }
        }
        write!(f, ": {}", self.what)?;
        if let Some(hint) = &self.hint {
            write!(f, "; {hint}")?;
        }
        Ok(())
    }
}

/// Why a template could not be rendered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    /// There is no such template in any language that would do.
    #[error("there is no {kind} \"{name}\" in {}{}", languages(.tried), nearest(.similar.as_ref()))]
    Unknown {
        /// What was asked for: letter, script, nudge.
        kind: &'static str,
        /// The name that was asked for.
        name: String,
        /// The languages that were tried, in this order.
        tried: Vec<Locale>,
        /// The name that is most like it.
        similar: Option<String>,
    },
    /// The template has problems that `check` reports; it is not used until they are mended.
    #[error("\"{name}\" has {} problem(s), the first: {}", .problems.len(), first(.problems))]
    Broken {
        /// The template.
        name: String,
        /// Its problems.
        problems: Vec<TemplateProblem>,
    },
    /// The values at hand do not fit the template.
    #[error("{0}")]
    Failed(Box<TemplateProblem>),
    /// The result is longer than any letter has a reason to be.
    #[error("\"{name}\" would be longer than {limit} bytes")]
    TooLarge {
        /// The template.
        name: String,
        /// The limit, in bytes.
        limit: usize,
    },
    /// A part that must not be empty is empty.
    #[error("{part} of \"{name}\" came out empty")]
    Empty {
        /// The template.
        name: String,
        /// The part: subject, text, a parameter.
        part: String,
    },
}

fn languages(tried: &[Locale]) -> String {
    let codes: Vec<&str> = tried.iter().map(|locale| locale.code()).collect();
    codes.join(", ")
}

fn nearest(similar: Option<&String>) -> String {
    similar.map_or_else(String::new, |name| format!("; did you mean \"{name}\"?"))
}

fn first(problems: &[TemplateProblem]) -> String {
    problems
        .first()
        .map_or_else(String::new, ToString::to_string)
}

/// The candidate that is most like `word`, when one is like it at all.
///
/// A variable is also found by its last part, so that `first_name` leads to `client.first_name`.
pub(super) fn most_similar<'a>(
    word: &str,
    candidates: impl Iterator<Item = &'a str>,
) -> Option<&'a str> {
    let likeness = |candidate: &str| {
        let whole = strsim::normalized_damerau_levenshtein(word, candidate);
        let last = candidate.rsplit('.').next().unwrap_or(candidate);
        whole.max(0.95 * strsim::normalized_damerau_levenshtein(word, last))
    };
    candidates
        .map(|candidate| (likeness(candidate), candidate))
        .filter(|(score, _)| *score >= 0.6)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word_is_found_and_a_strange_one_is_not() {
        let names = ["client.name", "client.first_name", "company.phone"];
        let find = |word| most_similar(word, names.into_iter());
        assert_eq!(find("client.frist_name"), Some("client.first_name"));
        assert_eq!(find("first_name"), Some("client.first_name"));
        assert_eq!(find("compny.phone"), Some("company.phone"));
        assert_eq!(find("zzz"), None);
    }

    #[test]
    fn a_problem_prints_its_place_and_the_way_out() {
        let problem = TemplateProblem {
            line: Some(3),
            column: Some(7),
            ..TemplateProblem::of_file("letters/ru/a.txt.hbs", "there is no variable `x`")
        };
        assert_eq!(
            problem.mend("did you mean `y`?").to_string(),
            "letters/ru/a.txt.hbs:3:7: there is no variable `x`; did you mean `y`?"
        );
    }
}
