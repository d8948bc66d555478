//! One parsed text of a template, with the place it came from.

use std::ops::Range;

use handlebars::{Template, TemplateError};

use super::problem::TemplateProblem;
use super::scan::{Finding, line_and_column, offset_of, scan};
use super::source::Format;
use super::styles::{Sheet, Styled};

/// The variable in which a layout gets what it is laid around; it is already HTML.
pub(super) const CONTENT: &str = "content";

/// A text that may be a part of a file: the subject of a letter, a parameter.
#[derive(Clone, Debug)]
pub(super) struct Excerpt {
    /// The file, as the person who edits it would name it.
    pub(super) file: String,
    /// Where in the file the text begins, from 1.
    pub(super) line: usize,
    /// Where in that line the text begins, from 1.
    pub(super) column: usize,
    pub(super) text: String,
}

impl Excerpt {
    /// The problem that a finding in this text is, with its place in the file.
    pub(super) fn problem(&self, finding: Finding) -> TemplateProblem {
        let (line, column) = line_and_column(&self.text, finding.at);
        let first = if line == 1 { self.column - 1 } else { 0 };
        TemplateProblem {
            file: self.file.clone(),
            line: Some(self.line + line - 1),
            column: Some(column + first),
            what: finding.what,
            hint: finding.hint,
        }
    }
}

/// A parsed text.
#[derive(Debug)]
pub(super) struct Piece {
    pub(super) excerpt: Excerpt,
    pub(super) format: Format,
    /// The byte ranges of every `{{…}}`.
    pub(super) ranges: Vec<Range<usize>>,
    pub(super) template: Template,
    /// The text with the styles on its elements, and what it is as a template.
    pub(super) styled: Option<(Styled, Template)>,
}

impl Piece {
    /// Parses a text under the name by which errors will call it.
    ///
    /// Only a layout may write [`CONTENT`] without escaping.
    pub(super) fn parse(
        excerpt: Excerpt,
        format: Format,
        name: &str,
        is_layout: bool,
    ) -> Result<Self, Vec<TemplateProblem>> {
        let problems = |findings: Vec<Finding>| {
            findings
                .into_iter()
                .map(|finding| excerpt.problem(finding))
                .collect::<Vec<_>>()
        };
        let ranges = scan(&excerpt.text, is_layout.then_some(CONTENT)).map_err(problems)?;
        let template = Template::compile_with_name(&excerpt.text, name.to_owned())
            .map_err(|error| problems(vec![syntax(&excerpt.text, &error)]))?;
        Ok(Self {
            excerpt,
            format,
            ranges,
            template,
            styled: None,
        })
    }

    /// Puts styles onto the elements of HTML. A text that a reader of HTML would rearrange stays as
    /// it is.
    pub(super) fn style(&mut self, sheet: &Sheet, name: &str) {
        let Some(styled) = sheet.put_on(&self.excerpt.text, &self.ranges) else {
            return;
        };
        let template = Template::compile_with_name(&styled.text, name.to_owned());
        self.styled = template.ok().map(|template| (styled, template));
    }

    /// What is rendered.
    pub(super) fn rendered(&self) -> &Template {
        self.styled
            .as_ref()
            .map_or(&self.template, |(_, template)| template)
    }
}

/// What the parser says, in the words of a person.
fn syntax(text: &str, error: &TemplateError) -> Finding {
    let at = error
        .pos()
        .map_or(0, |(line, column)| offset_of(text, line, column));
    let reason = error.reason().to_string();
    let detail = reason
        .strip_prefix("invalid handlebars syntax: ")
        .unwrap_or(&reason);
    Finding::new(at, format!("this is not understood: {detail}"))
        .mend("see the examples in the ready templates")
}

/// Where HTML is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Medium {
    Letter,
    Page,
    Picture,
}

/// What an HTML text may not contain, or must.
pub(super) fn markup_findings(html: &str, medium: Medium) -> Vec<Finding> {
    let lower = html.to_ascii_lowercase();
    let mut findings = Vec::new();
    let (tags, place, mend): (&[&str], _, _) = match medium {
        Medium::Letter => (
            &["<script", "<iframe", "<form", "<object"],
            "letters",
            "mail programs remove it or throw the letter away",
        ),
        Medium::Page => (
            &["<script", "<iframe", "<object"],
            "pages",
            "the pages for clients allow forms and styles, and nothing that runs",
        ),
        Medium::Picture => (
            &["<script", "<foreignobject", "<style"],
            "pictures",
            "draw with text, shapes and attributes; nothing else is looked at",
        ),
    };
    for tag in tags {
        findings.extend(lower.match_indices(tag).map(|(at, _)| {
            Finding::new(at, format!("`{tag}>` does not work in {place}")).mend(mend)
        }));
    }
    for (at, _) in lower.match_indices("<img") {
        let tag = &lower[at..];
        let tag = &tag[..tag.find('>').unwrap_or(tag.len())];
        if !tag.contains("alt=") {
            findings.push(
                Finding::new(at, "a picture without `alt`")
                    .mend("say in alt=\"…\" what it shows; many people never see pictures"),
            );
        }
    }
    findings
}
