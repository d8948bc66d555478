//! The registries of one language, and one rendering with them.
//!
//! The values are serialised once for all parts of a letter. A result that would grow beyond the
//! limit is stopped while it is written, not afterwards.

use std::collections::BTreeMap;
use std::io::Write;

use handlebars::{Context, Handlebars, RenderErrorReason, no_escape};
use serde::Serialize;
use serde_json::Value;

use super::folding::Folding;
use super::library::Library;
use super::piece::Excerpt;
use super::problem::{RenderError, TemplateProblem};
use super::scan::{Finding, offset_of};
use super::source::{Format, SIZE_LIMIT};
use super::styles::Styled;
use super::tidy::{one_full_stop, one_line};
use super::words;
use crate::model::Locale;

/// The variable with the language in which a template is rendered.
pub(super) const LOCALE: &str = "locale";

/// The registries of one language.
#[derive(Debug)]
pub(super) struct Engine {
    text: Handlebars<'static>,
    html: Handlebars<'static>,
    /// Where each registered text came from.
    origins: BTreeMap<(Format, String), Origin>,
    folded: Option<Folded>,
}

/// The same templates with what is known of their values written out.
#[derive(Debug)]
struct Folded {
    known: Context,
    text: Handlebars<'static>,
    html: Handlebars<'static>,
}

impl Folded {
    /// Whether these values are the known ones, as far as those go.
    fn is_for(&self, values: &Context) -> bool {
        let known = self.known.data().as_object();
        known.is_some_and(|known| {
            let mut known = known.iter();
            known.all(|(name, value)| values.data().get(name) == Some(value))
        })
    }
}

/// Where a registered text came from.
#[derive(Debug)]
struct Origin {
    excerpt: Excerpt,
    styled: Option<Styled>,
}

impl Origin {
    /// The offset in the file's own text of a place of what is rendered.
    fn offset_of(&self, line: usize, column: usize) -> usize {
        match &self.styled {
            Some(styled) => styled.origin(offset_of(&styled.text, line, column)),
            None => offset_of(&self.excerpt.text, line, column),
        }
    }
}

impl Engine {
    pub(super) fn new(locale: Locale, library: &Library) -> Self {
        let registry = |html: bool| {
            let mut registry = Handlebars::new();
            registry.set_strict_mode(true);
            if !html {
                registry.register_escape_fn(no_escape);
            }
            words::teach(&mut registry, locale, html.then(|| library.elements()));
            registry
        };
        let mut engine = Self {
            text: registry(false),
            html: registry(true),
            origins: BTreeMap::new(),
            folded: None,
        };
        for (name, piece) in library.registered() {
            let registry = match piece.format {
                Format::Text => &mut engine.text,
                Format::Html => &mut engine.html,
            };
            registry.register_template(&name, piece.rendered().clone());
            let origin = Origin {
                excerpt: piece.excerpt.clone(),
                styled: piece.styled.as_ref().map(|(styled, _)| styled.clone()),
            };
            engine.origins.insert((piece.format, name), origin);
        }
        engine
    }

    /// Writes out what is the same in every rendering with these values.
    pub(super) fn fold(&mut self, known: Context) {
        let fold = |registry: &Handlebars<'static>| {
            let folding = Folding::new(registry, &known);
            let mut folded = registry.clone();
            // Partials are looked at where they are called: these are the ones with a folder.
            let whole = registry.get_templates().iter();
            for (name, template) in whole.filter(|(name, _)| name.contains('/')) {
                folded.register_template(name, folding.fold(template));
            }
            folded
        };
        let (text, html) = (fold(&self.text), fold(&self.html));
        self.folded = Some(Folded { known, text, html });
    }
}

/// Values as templates see them; the name is for the case that they cannot be used.
pub(super) fn values(name: &str, context: &impl Serialize) -> Result<Context, RenderError> {
    Context::wraps(context).map_err(|error| {
        let what = format!("the values cannot be used: {error}");
        RenderError::Failed(Box::new(TemplateProblem::of_file(name, what)))
    })
}

/// Adds a value to others, or replaces it.
pub(super) fn set(values: &mut Context, name: &str, value: String) {
    if let Some(fields) = values.data_mut().as_object_mut() {
        fields.insert(name.to_owned(), Value::String(value));
    }
}

/// One rendering: the engine and the values.
pub(super) struct Run<'e> {
    engine: &'e Engine,
    folded: Option<&'e Folded>,
    name: &'e str,
    values: Context,
}

impl<'e> Run<'e> {
    pub(super) fn new(
        engine: &'e Engine,
        name: &'e str,
        locale: Locale,
        context: &impl Serialize,
    ) -> Result<Self, RenderError> {
        let values = values(name, context)?;
        let mut run = Self {
            engine,
            folded: None,
            name,
            values,
        };
        run.set(LOCALE, locale.code().to_owned());
        let folded = engine.folded.as_ref();
        run.folded = folded.filter(|folded| folded.is_for(&run.values));
        Ok(run)
    }

    pub(super) fn set(&mut self, name: &str, value: String) {
        set(&mut self.values, name, value);
    }

    pub(super) fn text(&self, key: &str) -> Result<String, RenderError> {
        self.render(Format::Text, key)
    }

    pub(super) fn html(&self, key: &str) -> Result<String, RenderError> {
        self.render(Format::Html, key)
    }

    /// A part that is one line and must not be empty.
    pub(super) fn line(&self, key: &str, part: &str) -> Result<String, RenderError> {
        self.not_empty(one_line(&self.text(key)?), part)
    }

    fn render(&self, format: Format, key: &str) -> Result<String, RenderError> {
        let (whole, folded) = match format {
            Format::Text => (&self.engine.text, self.folded.map(|folded| &folded.text)),
            Format::Html => (&self.engine.html, self.folded.map(|folded| &folded.html)),
        };
        // Where a folded template fails, the whole one says in which file and where.
        let text = match folded.map(|folded| self.written(folded, key)) {
            Some(Ok(text)) => text,
            _ => self
                .written(whole, key)
                .map_err(|error| self.failure(format, key, &error))?,
        };
        let text = text.into_string().ok_or_else(|| self.empty("the text"))?;
        Ok(one_full_stop(text))
    }

    fn written(
        &self,
        registry: &Handlebars<'static>,
        key: &str,
    ) -> Result<Bounded, handlebars::RenderError> {
        let mut out = Bounded(Vec::with_capacity(8 * 1024));
        registry.render_with_context_to_write(key, &self.values, &mut out)?;
        Ok(out)
    }

    pub(super) fn not_empty(&self, text: String, part: &str) -> Result<String, RenderError> {
        if text.trim().is_empty() {
            return Err(self.empty(part));
        }
        Ok(text)
    }

    pub(super) fn empty(&self, part: &str) -> RenderError {
        RenderError::Empty {
            name: self.name.to_owned(),
            part: part.to_owned(),
        }
    }

    /// Says in which file and where a rendering failed, and how to mend it.
    fn failure(&self, format: Format, key: &str, error: &handlebars::RenderError) -> RenderError {
        if matches!(error.reason(), RenderErrorReason::IOError(_)) {
            return RenderError::TooLarge {
                name: self.name.to_owned(),
                limit: SIZE_LIMIT,
            };
        }
        let mut finding = match error.reason() {
            RenderErrorReason::MissingVariable(Some(path)) => {
                let hint = format!("ask for it first: {{{{#if {path}}}}}…{{{{/if}}}}");
                Finding::new(0, format!("`{path}` has no value here")).mend(hint)
            }
            RenderErrorReason::ParamNotFoundForIndex(word, _) => {
                Finding::new(0, format!("`{word}` compares a value that is not there"))
                    .mend("ask for it first with {{#if}}")
            }
            other => Finding::new(0, other.to_string()),
        };
        let name = error.template_name.as_deref().unwrap_or(key);
        let problem = match self.engine.origins.get(&(format, name.to_owned())) {
            Some(origin) => {
                let line = error.line_no.unwrap_or(1);
                let column = error.column_no.unwrap_or(1);
                finding.at = origin.offset_of(line, column);
                origin.excerpt.problem(finding)
            }
            None => TemplateProblem::of_file(self.name, finding.what),
        };
        RenderError::Failed(Box::new(problem))
    }
}

/// A buffer that does not grow beyond the limit.
#[derive(Default)]
pub(super) struct Bounded(Vec<u8>);

impl Bounded {
    /// What was written; nothing where it is no text.
    pub(super) fn into_string(self) -> Option<String> {
        String::from_utf8(self.0).ok()
    }
}

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if self.0.len() + bytes.len() > SIZE_LIMIT {
            return Err(std::io::Error::other("too long"));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
