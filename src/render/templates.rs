//! Renders letters, scripts and WhatsApp nudges.
//!
//! Everything is parsed once, in [`Templates::load`]. A rendering takes plain values and gives
//! text: the same values and the same version give the same bytes. No value is ever read as a
//! template.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use handlebars::{Context, Handlebars, RenderErrorReason, no_escape};
use serde::Serialize;
use serde_json::Value;

use super::context::{LetterContext, TaskListContext};
use super::library::{Body, Entry, Library, Page};
use super::page::{ButtonKind, WhatsAppFile};
use super::piece::{CONTENT, Excerpt};
use super::problem::{RenderError, TemplateProblem, most_similar};
use super::scan::{Finding, offset_of};
use super::source::{Format, Kind, SIZE_LIMIT, read_all};
use super::tidy::{one_line, tidy};
use super::{sample, words};
use crate::model::Locale;

/// A rendered letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// The subject, one line.
    pub subject: String,
    /// What mail programs show beside the subject, one line.
    pub preheader: String,
    /// The plain text, in lines of at most 76 characters where words allow it.
    pub text: String,
    /// The HTML document.
    pub html: String,
    /// The name of the template.
    pub template: String,
    /// The language it was found in.
    pub locale: Locale,
    /// The version of the template.
    pub version: String,
}

/// A rendered call script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    /// What to say, as plain text.
    pub text: String,
    /// The name of the template.
    pub template: String,
    /// The language it was found in.
    pub locale: Locale,
    /// The version of the template.
    pub version: String,
}

/// A rendered WhatsApp nudge: the approved template and what fills it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WhatsAppMessage {
    /// The approved name of the template at Meta.
    pub template_name: String,
    /// The approved language code.
    pub language: String,
    /// The parameters of the body, in order.
    pub parameters: Vec<String>,
    /// The parameters of the buttons, in order.
    pub buttons: Vec<WhatsAppButton>,
    /// What the client will read.
    pub preview: String,
    /// The name of the template here.
    pub template: String,
    /// The language it was found in.
    pub locale: Locale,
    /// The version of the template.
    pub version: String,
}

/// A button of a rendered nudge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WhatsAppButton {
    /// What it does.
    pub kind: ButtonKind,
    /// What stands on it.
    pub text: String,
    /// The end of the address, or the payload of the answer.
    pub parameter: String,
}

/// One template, for lists and for checking campaigns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateInfo {
    /// What it is for.
    pub kind: Kind,
    /// Its name, as steps call it.
    pub name: String,
    /// The languages in which it exists.
    pub locales: Vec<Locale>,
    /// The optional parts of the context without which it cannot be rendered: `certificate`,
    /// `deal`, `manager`, `news`, `rhythm`.
    pub needs: Vec<&'static str>,
    /// Whether all of it is built in.
    pub ready: bool,
}

/// Every template of the company, parsed and checked.
#[derive(Debug)]
pub struct Templates {
    engines: BTreeMap<Locale, Engine>,
    pages: BTreeMap<Kind, BTreeMap<String, BTreeMap<Locale, Page>>>,
}

/// The registries of one language.
#[derive(Debug)]
struct Engine {
    text: Handlebars<'static>,
    html: Handlebars<'static>,
    /// Where each registered text came from.
    excerpts: BTreeMap<(Format, String), Excerpt>,
}

impl Templates {
    /// Reads the ready templates and the company's own `folder` over them, and checks everything.
    ///
    /// Every problem of every template is in the list. A template that has one cannot be
    /// rendered; the others can.
    pub fn load(folder: Option<&Path>) -> (Self, Vec<TemplateProblem>) {
        let (sources, mut problems) = read_all(folder);
        let mut templates = Self {
            engines: BTreeMap::new(),
            pages: BTreeMap::new(),
        };
        for locale in Locale::ALL {
            let mut library = Library::build(locale, &sources);
            problems.extend(library.piece_problems().cloned());
            templates
                .engines
                .insert(locale, Engine::new(locale, &library));
            for ((kind, name), page) in std::mem::take(&mut library.pages) {
                let of_kind = templates.pages.entry(kind).or_default();
                of_kind.entry(name).or_default().insert(locale, page);
            }
        }
        templates.try_all();
        problems.extend(templates.broken_pages());
        problems.sort_unstable();
        problems.dedup();
        (templates, problems)
    }

    /// Every template, by kind and name, with the languages in which it exists.
    pub fn templates(&self) -> Vec<TemplateInfo> {
        let mut infos = Vec::new();
        for (kind, pages) in &self.pages {
            for (name, by_locale) in pages {
                let entries: Vec<&Entry> = by_locale
                    .values()
                    .filter_map(|page| page.as_ref().ok())
                    .collect();
                let mut needs: Vec<&'static str> = entries
                    .iter()
                    .flat_map(|entry| entry.needs.iter().copied())
                    .collect();
                needs.sort_unstable();
                needs.dedup();
                infos.push(TemplateInfo {
                    kind: *kind,
                    name: name.clone(),
                    locales: by_locale.keys().copied().collect(),
                    needs,
                    ready: entries.len() == by_locale.len()
                        && entries.iter().all(|entry| entry.ready),
                });
            }
        }
        infos
    }

    /// Renders a letter to a client in `wanted`, else in the company's language, else in English.
    pub fn render_letter(
        &self,
        name: &str,
        wanted: Locale,
        context: &LetterContext,
    ) -> Result<Letter, RenderError> {
        let locales = [wanted, context.company.locale, Locale::En];
        self.letter(Kind::Letter, name, &locales, context)
    }

    /// Renders the letter with a manager's tasks of the day.
    pub fn render_task_list(
        &self,
        name: &str,
        wanted: Locale,
        context: &TaskListContext,
    ) -> Result<Letter, RenderError> {
        let locales = [wanted, context.company.locale, Locale::En];
        self.letter(Kind::Manager, name, &locales, context)
    }

    /// Renders a call script.
    pub fn render_script(
        &self,
        name: &str,
        wanted: Locale,
        context: &LetterContext,
    ) -> Result<Script, RenderError> {
        let locales = [wanted, context.company.locale, Locale::En];
        let (locale, entry) = self.find(Kind::Script, name, &locales)?;
        let run = Run::new(&self.engines[&locale], name, locale, context)?;
        let text = match &entry.body {
            Body::Script { text } => tidy(&run.text(text)?),
            Body::Letter { .. } | Body::WhatsApp { .. } => String::new(),
        };
        Ok(Script {
            text: run.not_empty(text, "the text")?,
            template: name.to_owned(),
            locale,
            version: entry.version.clone(),
        })
    }

    /// Renders a WhatsApp nudge.
    pub fn render_whatsapp(
        &self,
        name: &str,
        wanted: Locale,
        context: &LetterContext,
    ) -> Result<WhatsAppMessage, RenderError> {
        let locales = [wanted, context.company.locale, Locale::En];
        let (locale, entry) = self.find(Kind::WhatsApp, name, &locales)?;
        let run = Run::new(&self.engines[&locale], name, locale, context)?;
        let Body::WhatsApp {
            template,
            language,
            body,
            parameters,
            buttons,
        } = &entry.body
        else {
            return Err(run.empty("the template"));
        };
        let filled = parameters
            .iter()
            .enumerate()
            .map(|(i, key)| run.line(key, &format!("parameter {}", i + 1)))
            .collect::<Result<Vec<_>, _>>()?;
        let buttons = buttons.iter().map(|(kind, text, key)| {
            Ok(WhatsAppButton {
                kind: *kind,
                text: text.clone(),
                parameter: run.line(key, "the parameter of a button")?,
            })
        });
        Ok(WhatsAppMessage {
            template_name: template.clone(),
            language: language.clone(),
            preview: WhatsAppFile::preview(body, &filled),
            buttons: buttons.collect::<Result<_, RenderError>>()?,
            parameters: filled,
            template: name.to_owned(),
            locale,
            version: entry.version.clone(),
        })
    }

    fn letter(
        &self,
        kind: Kind,
        name: &str,
        locales: &[Locale],
        context: &impl Serialize,
    ) -> Result<Letter, RenderError> {
        let (locale, entry) = self.find(kind, name, locales)?;
        let mut run = Run::new(&self.engines[&locale], name, locale, context)?;
        let Body::Letter {
            subject,
            preheader,
            text,
            html,
            layout,
        } = &entry.body
        else {
            return Err(run.empty("the letter"));
        };
        let subject = run.line(subject, "the subject")?;
        let preheader = run.line(preheader, "the preheader")?;
        run.set("subject", subject.clone());
        run.set("preheader", preheader.clone());
        let inner = run.not_empty(run.text(text)?, "the text")?;
        run.set(CONTENT, inner);
        let text = tidy(&run.text(layout)?);
        let inner = run.not_empty(run.html(html)?, "the HTML")?;
        run.set(CONTENT, inner);
        let html = run.html(layout)?;
        Ok(Letter {
            subject,
            preheader,
            text,
            html,
            template: name.to_owned(),
            locale,
            version: entry.version.clone(),
        })
    }

    /// The first of `locales` in which the template exists.
    fn find(
        &self,
        kind: Kind,
        name: &str,
        locales: &[Locale],
    ) -> Result<(Locale, &Entry), RenderError> {
        let pages = self.pages.get(&kind);
        let by_locale = pages.and_then(|pages| pages.get(name));
        let found = by_locale.and_then(|pages| {
            let mut tried = locales.iter();
            tried.find_map(|locale| pages.get_key_value(locale))
        });
        match found {
            Some((locale, Ok(entry))) => Ok((*locale, entry)),
            Some((_, Err(problems))) => Err(RenderError::Broken {
                name: name.to_owned(),
                problems: problems.clone(),
            }),
            None => {
                let mut tried = locales.to_vec();
                tried.dedup();
                let names = pages.into_iter().flat_map(|pages| pages.keys());
                let similar = most_similar(name, names.map(String::as_str)).map(str::to_owned);
                Err(RenderError::Unknown {
                    kind: kind.noun(),
                    name: name.to_owned(),
                    tried,
                    similar: similar.filter(|similar| similar != name),
                })
            }
        }
    }

    /// Renders every page with its examples; those that fail become unusable.
    fn try_all(&mut self) {
        let mut verdicts = Vec::new();
        for (kind, pages) in &self.pages {
            for (name, by_locale) in pages {
                for (locale, page) in by_locale {
                    if page.is_ok() {
                        let verdict = self.try_page(*kind, name, *locale);
                        verdicts.push((*kind, name.clone(), *locale, verdict));
                    }
                }
            }
        }
        for (kind, name, locale, verdict) in verdicts {
            let page = self
                .pages
                .get_mut(&kind)
                .and_then(|pages| pages.get_mut(&name)?.get_mut(&locale));
            match (page, verdict) {
                (Some(Ok(entry)), Ok(needs)) => entry.needs = needs,
                (Some(page), Err(problem)) => *page = Err(vec![problem]),
                _ => {}
            }
        }
    }

    /// Renders a page with everything, with as little as may be, and without each optional part.
    fn try_page(
        &self,
        kind: Kind,
        name: &str,
        locale: Locale,
    ) -> Result<Vec<&'static str>, TemplateProblem> {
        for values in [sample::full(kind, locale), sample::sparse(kind, locale)] {
            self.render_values(kind, name, locale, &values)
                .map_err(|error| problem_of(kind, name, locale, error))?;
        }
        let mut needs = Vec::new();
        for part in sample::OPTIONAL_PARTS {
            let mut values = sample::full(kind, locale);
            let gone = values
                .as_object_mut()
                .and_then(|fields| fields.remove(part));
            let possible = gone.is_some() && sample::is_context(kind, &values);
            if possible && self.render_values(kind, name, locale, &values).is_err() {
                needs.push(part);
            }
        }
        Ok(needs)
    }

    fn render_values(
        &self,
        kind: Kind,
        name: &str,
        locale: Locale,
        values: &Value,
    ) -> Result<(), RenderError> {
        match kind {
            Kind::Letter | Kind::Manager => self.letter(kind, name, &[locale], values).map(drop),
            Kind::Script | Kind::WhatsApp => {
                let (_, entry) = self.find(kind, name, &[locale])?;
                let run = Run::new(&self.engines[&locale], name, locale, values)?;
                match &entry.body {
                    Body::WhatsApp {
                        parameters,
                        buttons,
                        ..
                    } => parameters
                        .iter()
                        .chain(buttons.iter().map(|(.., key)| key))
                        .try_for_each(|key| run.line(key, "a parameter").map(drop)),
                    Body::Script { text } => run.not_empty(run.text(text)?, "the text").map(drop),
                    Body::Letter { .. } => Ok(()),
                }
            }
        }
    }

    fn broken_pages(&self) -> Vec<TemplateProblem> {
        let pages = self.pages.values().flat_map(BTreeMap::values);
        pages
            .flat_map(BTreeMap::values)
            .filter_map(|page| page.as_ref().err())
            .flatten()
            .cloned()
            .collect()
    }
}

/// The problem that an error in a trial is.
fn problem_of(kind: Kind, name: &str, locale: Locale, error: RenderError) -> TemplateProblem {
    match error {
        RenderError::Failed(problem) => *problem,
        other => {
            let file = format!("{}/{locale}/{name}", kind.folder());
            TemplateProblem::of_file(&file, other.to_string())
        }
    }
}

impl Engine {
    fn new(locale: Locale, library: &Library) -> Self {
        let registry = |html: bool| {
            let mut registry = Handlebars::new();
            registry.set_strict_mode(true);
            if !html {
                registry.register_escape_fn(no_escape);
            }
            words::teach(&mut registry, locale, html);
            registry
        };
        let mut engine = Self {
            text: registry(false),
            html: registry(true),
            excerpts: BTreeMap::new(),
        };
        for (name, piece) in library.registered() {
            let registry = match piece.format {
                Format::Text => &mut engine.text,
                Format::Html => &mut engine.html,
            };
            registry.register_template(&name, piece.template.clone());
            engine
                .excerpts
                .insert((piece.format, name), piece.excerpt.clone());
        }
        engine
    }
}

/// One rendering: the engine and the values.
struct Run<'e> {
    engine: &'e Engine,
    name: &'e str,
    values: Context,
}

impl<'e> Run<'e> {
    fn new(
        engine: &'e Engine,
        name: &'e str,
        locale: Locale,
        context: &impl Serialize,
    ) -> Result<Self, RenderError> {
        let values = Context::wraps(context).map_err(|error| {
            let what = format!("the values cannot be used: {error}");
            RenderError::Failed(Box::new(TemplateProblem::of_file(name, what)))
        })?;
        let mut run = Self {
            engine,
            name,
            values,
        };
        run.set("locale", locale.code().to_owned());
        Ok(run)
    }

    fn set(&mut self, name: &str, value: String) {
        if let Some(fields) = self.values.data_mut().as_object_mut() {
            fields.insert(name.to_owned(), Value::String(value));
        }
    }

    fn text(&self, key: &str) -> Result<String, RenderError> {
        self.render(&self.engine.text, Format::Text, key)
    }

    fn html(&self, key: &str) -> Result<String, RenderError> {
        self.render(&self.engine.html, Format::Html, key)
    }

    /// A part that is one line and must not be empty.
    fn line(&self, key: &str, part: &str) -> Result<String, RenderError> {
        self.not_empty(one_line(&self.text(key)?), part)
    }

    fn render(
        &self,
        registry: &Handlebars<'static>,
        format: Format,
        key: &str,
    ) -> Result<String, RenderError> {
        let mut out = Bounded(Vec::with_capacity(8 * 1024));
        registry
            .render_with_context_to_write(key, &self.values, &mut out)
            .map_err(|error| self.failure(format, key, &error))?;
        String::from_utf8(out.0).map_err(|_| self.empty("the text"))
    }

    fn not_empty(&self, text: String, part: &str) -> Result<String, RenderError> {
        if text.trim().is_empty() {
            return Err(self.empty(part));
        }
        Ok(text)
    }

    fn empty(&self, part: &str) -> RenderError {
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
        let problem = match self.engine.excerpts.get(&(format, name.to_owned())) {
            Some(excerpt) => {
                let line = error.line_no.unwrap_or(1);
                let column = error.column_no.unwrap_or(1);
                finding.at = offset_of(&excerpt.text, line, column);
                excerpt.problem(finding)
            }
            None => TemplateProblem::of_file(self.name, finding.what),
        };
        RenderError::Failed(Box::new(problem))
    }
}

/// A buffer that does not grow beyond the limit.
struct Bounded(Vec<u8>);

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
