//! The two file formats of templates beside plain text: letters and WhatsApp templates.
//!
//! A letter begins like a letter, with `Subject:` and `Preheader:` and an empty line. A WhatsApp
//! template is a TOML file, because its text lives at Meta and only its parameters are ours.

use serde::Deserialize;
use toml::Spanned;

use super::piece::Excerpt;
use super::problem::{TemplateProblem, most_similar};
use super::scan::line_and_column;
use super::source::{Kind, Source};

/// A letter, split into its parts.
#[derive(Debug)]
pub(super) struct LetterFile {
    pub(super) subject: Excerpt,
    pub(super) preheader: Excerpt,
    /// The layout around it.
    pub(super) layout: String,
    pub(super) text: Excerpt,
}

impl LetterFile {
    /// Splits the text file of a letter.
    pub(super) fn split(source: &Source, kind: Kind) -> Result<Self, Vec<TemplateProblem>> {
        let mut heads = Heads::default();
        let mut problems = Vec::new();
        let mut offset = 0;
        for (i, line) in source.text.split_inclusive('\n').enumerate() {
            let number = i + 1;
            offset += line.len();
            let line = line.trim_end();
            if line.is_empty() {
                break;
            }
            if !line.starts_with("{{!") {
                let taken = heads.take(source, line, number);
                problems.extend(taken.err());
            }
        }
        let (line, _) = line_and_column(&source.text, offset);
        let text = Excerpt {
            file: source.file.clone(),
            line,
            column: 1,
            text: source.text[offset..].to_owned(),
        };
        let mut required = |head: Option<Excerpt>, name: &str| {
            head.unwrap_or_else(|| {
                let what = format!("the letter has no {name}");
                let hint = format!("begin the file with a line `{name}: …`");
                problems.push(TemplateProblem::of_file(&source.file, what).mend(hint));
                text.clone()
            })
        };
        let subject = required(heads.subject, "Subject");
        let preheader = required(heads.preheader, "Preheader");
        if text.text.trim().is_empty() {
            let what = "the letter has no text";
            let hint = "write it after an empty line";
            problems.push(TemplateProblem::of_file(&source.file, what).mend(hint));
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let usual = if kind == Kind::Manager {
            "manager"
        } else {
            "letter"
        };
        Ok(Self {
            subject,
            preheader,
            layout: heads.layout.unwrap_or_else(|| usual.to_owned()),
            text,
        })
    }
}

/// The lines before the text of a letter.
#[derive(Default)]
struct Heads {
    subject: Option<Excerpt>,
    preheader: Option<Excerpt>,
    layout: Option<String>,
}

impl Heads {
    fn take(&mut self, source: &Source, line: &str, number: usize) -> Result<(), TemplateProblem> {
        let wrong = |what: String, hint: String| {
            let mut problem = TemplateProblem::of_file(&source.file, what).mend(hint);
            problem.line = Some(number);
            Err(problem)
        };
        let Some((name, value)) = line.split_once(':') else {
            return wrong(
                "this line is no head of a letter".to_owned(),
                "begin with Subject: and Preheader:, then an empty line, then the text".to_owned(),
            );
        };
        let lead = value.len() - value.trim_start().len();
        let excerpt = Excerpt {
            file: source.file.clone(),
            line: number,
            column: name.chars().count() + 2 + value[..lead].chars().count(),
            text: value.trim_start().to_owned(),
        };
        match name {
            "Subject" => self.subject = Some(excerpt),
            "Preheader" => self.preheader = Some(excerpt),
            "Layout" => self.layout = Some(excerpt.text),
            _ => {
                let near = most_similar(name, ["Subject", "Preheader", "Layout"].into_iter());
                let hint = near.map_or_else(
                    || "a letter begins with Subject: and Preheader:".to_owned(),
                    |near| format!("did you mean {near}:?"),
                );
                return wrong(format!("there is no head `{name}:`"), hint);
            }
        }
        Ok(())
    }
}

/// A WhatsApp template with what fills it.
#[derive(Debug)]
pub(super) struct WhatsAppFile {
    pub(super) template: String,
    pub(super) language: String,
    pub(super) body: String,
    pub(super) header: Option<HeaderFile>,
    pub(super) parameters: Vec<Excerpt>,
    pub(super) buttons: Vec<ButtonFile>,
}

/// What stands above the text of a WhatsApp template.
#[derive(Debug)]
pub(super) struct HeaderFile {
    pub(super) kind: HeaderKind,
    /// The https address of the file.
    pub(super) parameter: Excerpt,
}

/// What the header of a WhatsApp template shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HeaderKind {
    /// A picture.
    Image,
    /// A document to be saved.
    Document,
}

/// A button of a WhatsApp template.
#[derive(Debug)]
pub(super) struct ButtonFile {
    pub(super) kind: ButtonKind,
    pub(super) text: String,
    /// The end of the address of a link, or the payload of an answer.
    pub(super) parameter: Excerpt,
}

/// What a button does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ButtonKind {
    /// Opens a page whose address ends in the parameter.
    Url,
    /// Answers with the parameter as its payload.
    QuickReply,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawWhatsApp {
    template: String,
    language: String,
    body: String,
    #[serde(default)]
    header: Option<RawHeader>,
    #[serde(default)]
    parameters: Vec<Spanned<String>>,
    #[serde(default)]
    button: Vec<RawButton>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawHeader {
    kind: HeaderKind,
    link: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawButton {
    kind: ButtonKind,
    text: String,
    parameter: Spanned<String>,
}

impl WhatsAppFile {
    /// Reads the file of a WhatsApp template.
    pub(super) fn read(source: &Source) -> Result<Self, Vec<TemplateProblem>> {
        let raw: RawWhatsApp = toml::from_str(&source.text).map_err(|error| {
            let mut problem = TemplateProblem::of_file(&source.file, error.message().trim());
            if let Some(span) = error.span() {
                let (line, column) = line_and_column(&source.text, span.start);
                problem.line = Some(line);
                problem.column = Some(column);
            }
            vec![problem]
        })?;
        let excerpt = |value: Spanned<String>| {
            // The text begins after its opening quote; an escape before the place would shift it.
            let (line, column) = line_and_column(&source.text, value.span().start);
            Excerpt {
                file: source.file.clone(),
                line,
                column: column + 1,
                text: value.into_inner(),
            }
        };
        let buttons = raw.button.into_iter().map(|button| ButtonFile {
            kind: button.kind,
            text: button.text,
            parameter: excerpt(button.parameter),
        });
        let file = Self {
            template: raw.template,
            language: raw.language,
            body: raw.body,
            buttons: buttons.collect(),
            header: raw.header.map(|header| HeaderFile {
                kind: header.kind,
                parameter: excerpt(header.link),
            }),
            parameters: raw.parameters.into_iter().map(excerpt).collect(),
        };
        let problems = file.problems(source);
        if problems.is_empty() {
            Ok(file)
        } else {
            Err(problems)
        }
    }

    /// What Meta would not accept.
    ///
    /// Source: Meta, WhatsApp message templates: names of small letters, digits and underscores up
    /// to 512; body parameters `{{1}}`, `{{2}}` … in order, not at the beginning or the end.
    fn problems(&self, source: &Source) -> Vec<TemplateProblem> {
        let mut problems = Vec::new();
        let mut wrong = |what: String, hint: &str| {
            problems.push(TemplateProblem::of_file(&source.file, what).mend(hint));
        };
        let name_char = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if self.template.is_empty() || !self.template.chars().all(name_char) {
            let what = format!("\"{}\" is no name of a WhatsApp template", self.template);
            wrong(what, "use the approved name, such as missed_cycle_short");
        }
        let language_char = |c: char| c.is_ascii_alphabetic() || c == '_';
        if self.language.len() < 2 || !self.language.chars().all(language_char) {
            let what = format!("\"{}\" is no language code of WhatsApp", self.language);
            wrong(what, "use the approved code, such as ru, en or en_US");
        }
        for n in 1..=self.parameters.len() {
            if !self.body.contains(&placeholder(n)) {
                let what = format!(
                    "`body` has no {}, but there is a parameter for it",
                    placeholder(n)
                );
                wrong(what, "`body` is the approved text with its {{1}}, {{2}} …");
            }
        }
        let body = self.body.trim();
        if body.starts_with("{{") || body.ends_with("}}") {
            let what = "`body` begins or ends with a parameter".to_owned();
            wrong(
                what,
                "Meta approves only texts that begin and end with words",
            );
        }
        let next = placeholder(self.parameters.len() + 1);
        if self.body.contains(&next) {
            let what = format!("`body` has {next}, but `parameters` has no value for it");
            wrong(what, "add the value to `parameters`");
        }
        problems
    }

    /// What the client will read: the approved text with its parameters.
    pub(super) fn preview(body: &str, parameters: &[String]) -> String {
        let mut text = String::with_capacity(body.len());
        let mut rest = body.trim();
        while let Some(at) = rest.find("{{") {
            text.push_str(&rest[..at]);
            rest = &rest[at..];
            let filled = rest.find("}}").and_then(|end| {
                let n: usize = rest[2..end].trim().parse().ok()?;
                Some((parameters.get(n.checked_sub(1)?)?, end + 2))
            });
            if let Some((value, end)) = filled {
                text.push_str(value);
                rest = &rest[end..];
            } else {
                text.push_str("{{");
                rest = &rest[2..];
            }
        }
        text.push_str(rest);
        text
    }
}

/// How Meta writes the place of the n-th parameter.
fn placeholder(n: usize) -> String {
    format!("{{{{{n}}}}}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> Source {
        Source {
            file: "a".to_owned(),
            ready: false,
            text: text.to_owned(),
        }
    }

    #[test]
    fn a_letter_is_split_at_its_first_empty_line() {
        let text =
            "{{! note }}\nSubject:  Hello: you\nPreheader: p\nLayout: bare\n\nText\n\nMore\n";
        let letter = LetterFile::split(&source(text), Kind::Letter).unwrap();
        assert_eq!(letter.subject.text, "Hello: you");
        assert_eq!((letter.subject.line, letter.subject.column), (2, 11));
        assert_eq!(letter.layout, "bare");
        assert_eq!(
            (letter.text.line, &*letter.text.text),
            (6, "Text\n\nMore\n")
        );
    }

    #[test]
    fn a_letter_without_its_heads_says_what_to_write() {
        let problems = |text| {
            let problems = LetterFile::split(&source(text), Kind::Letter).unwrap_err();
            problems
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join("\n")
        };
        assert!(problems("").contains("no Subject"));
        assert!(problems("Subjekt: x\n\nText").contains("did you mean Subject:?"));
        assert!(problems("Hello\n\nText").contains("a:1: this line is no head"));
        assert!(problems("Subject: x\nPreheader: y\n").contains("no text"));
    }

    #[test]
    fn a_preview_fills_the_approved_text_and_nothing_twice() {
        let parameters = ["Anna {{2}}".to_owned(), "tea".to_owned()];
        assert_eq!(
            WhatsAppFile::preview("Hi {{1}}, {{2}} or {{3}}? {{", &parameters),
            "Hi Anna {{2}}, tea or {{3}}? {{"
        );
    }

    #[test]
    fn a_whatsapp_file_that_meta_would_not_accept_is_turned_away() {
        for (text, expected) in [
            (
                "template = \"A b\"\nlanguage = \"ru\"\nbody = \"x\"",
                "no name of a WhatsApp",
            ),
            (
                "template = \"a\"\nlanguage = \"\"\nbody = \"x\"",
                "no language code",
            ),
            (
                "template = \"a\"\nlanguage = \"ru\"\nbody = \"a {{1}} b\"",
                "no value for it",
            ),
            (
                "template = \"a\"\nlanguage = \"ru\"\nbody = \"{{1}} b\"\nparameters = [\"y\"]",
                "begins or ends",
            ),
            (
                "template = \"a\"\nlanguage = \"ru\"\nbody = \"x\"\nparameters = [\"y\"]",
                "`body` has no {{1}}",
            ),
            (
                "template = \"a\"\nlangage = \"ru\"\nbody = \"x\"",
                "a:2:1: unknown field `langage`",
            ),
        ] {
            let problems = WhatsAppFile::read(&source(text)).unwrap_err();
            let shown = problems[0].to_string();
            assert!(shown.contains(expected), "{shown}");
        }
    }
}
