//! Renders letters, scripts and WhatsApp nudges.
//!
//! Everything is parsed once, in [`Templates::load`]. A rendering takes plain values and gives
//! text: the same values and the same version give the same bytes. No value is ever read as a
//! template.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;

use super::certificate::CertificateContext;
use super::context::LetterContext;
use super::engine::{Engine, LOCALE, Run, set, values};
use super::entry::{Body, Entry};
use super::library::{Library, Page};
use super::page::WhatsAppFile;
use super::page_context::PageContext;
use super::piece::CONTENT;
use super::problem::{RenderError, TemplateProblem, most_similar};
use super::rendered::{Letter, Script, WhatsAppButton, WhatsAppHeader, WhatsAppMessage};
use super::script;
use super::source::{Kind, Slot, Source, kept, read_all};
use super::task_context::TaskListContext;
use super::tidy::{one_line, tidy};
use crate::model::Locale;

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
    pub(super) engines: BTreeMap<Locale, Engine>,
    pub(super) pages: BTreeMap<Kind, BTreeMap<String, BTreeMap<Locale, Page>>>,
    sources: BTreeMap<Slot, Source>,
}

impl Templates {
    /// Reads the ready templates and the company's own `folder` over them, and checks everything.
    ///
    /// Every problem of every template is in the list. A template that has one cannot be
    /// rendered; the others can.
    pub fn load(folder: Option<&Path>) -> (Self, Vec<TemplateProblem>) {
        let (sources, mut problems) = read_all(folder);
        let (mut templates, more) = Self::parse(sources);
        problems.extend(more);
        templates.try_all();
        problems.extend(templates.broken_pages());
        problems.sort_unstable();
        problems.dedup();
        (templates, problems)
    }

    fn parse(sources: BTreeMap<Slot, Source>) -> (Self, Vec<TemplateProblem>) {
        let mut problems = Vec::new();
        let mut templates = Self {
            engines: BTreeMap::new(),
            pages: BTreeMap::new(),
            sources: BTreeMap::new(),
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
        templates.sources = sources;
        (templates, problems)
    }

    /// One template as text, with all that it includes, in all its languages: paths and contents.
    /// Nothing when there is no such template or none of its languages can be used.
    pub fn texts(&self, kind: Kind, name: &str) -> BTreeMap<String, String> {
        let by_locale = self.pages.get(&kind).and_then(|pages| pages.get(name));
        let entries = by_locale.into_iter().flat_map(BTreeMap::values);
        let slots = entries
            .filter_map(|page| page.as_ref().ok())
            .flat_map(|entry| &entry.slots);
        slots
            .filter_map(|slot| Some((slot.path(), self.sources.get(slot)?.text.clone())))
            .collect()
    }

    /// Parses what [`Templates::texts`] gave: it renders the same as it did then.
    pub fn of_texts(texts: &BTreeMap<String, String>) -> Self {
        Self::parse(kept(texts)).0
    }

    /// Renders once what depends on these values alone, which are the same in most messages: the
    /// company, the news. Whatever has other values is rendered as a whole.
    pub fn fold(&mut self, same: &impl Serialize) -> Result<(), RenderError> {
        for (locale, engine) in &mut self.engines {
            let mut known = values("what is the same", same)?;
            set(&mut known, LOCALE, locale.code().to_owned());
            engine.fold(known);
        }
        Ok(())
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

    /// Our names of the templates that stand for one approved at Meta.
    pub fn whatsapp_called(&self, approved: &str) -> Vec<&str> {
        let pages = self.pages.get(&Kind::WhatsApp).into_iter().flatten();
        let stands_for = |page: &Page| {
            let body = page.as_ref().ok().map(|entry| &entry.body);
            matches!(body, Some(Body::WhatsApp { template, .. }) if template == approved)
        };
        pages
            .filter(|(_, by_locale)| by_locale.values().any(stands_for))
            .map(|(name, _)| name.as_str())
            .collect()
    }

    /// Renders a letter to a client in `wanted`, else in the company's language, else in English.
    pub fn render_letter(
        &self,
        name: &str,
        wanted: Locale,
        context: &LetterContext,
    ) -> Result<Letter, RenderError> {
        self.render_letter_about(name, wanted, context, None)
    }

    /// As [`Self::render_letter`], with another subject than that of the template.
    pub fn render_letter_about(
        &self,
        name: &str,
        wanted: Locale,
        context: &LetterContext,
        subject: Option<&str>,
    ) -> Result<Letter, RenderError> {
        let locales = [wanted, context.company.locale, Locale::En];
        self.letter(Kind::Letter, name, &locales, context, subject)
    }

    /// Renders the letter with a manager's tasks of the day.
    pub fn render_task_list(
        &self,
        name: &str,
        wanted: Locale,
        context: &TaskListContext,
    ) -> Result<Letter, RenderError> {
        let locales = [wanted, context.company.locale, Locale::En];
        self.letter(Kind::Manager, name, &locales, context, None)
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
        // An answer quotes what the client wrote; his words are no part of the script.
        let context = LetterContext {
            why: context.why.as_deref().map(script::harmless),
            ..context.clone()
        };
        let run = Run::new(&self.engines[&locale], name, locale, &context)?;
        let lines = script::lines_of(&run, entry)?;
        Ok(Script {
            text: run.not_empty(script::as_text(&lines, locale), "the text")?,
            lines,
            template: name.to_owned(),
            locale,
            version: entry.version.clone(),
        })
    }

    /// Renders a page for clients.
    pub fn render_page(
        &self,
        name: &str,
        wanted: Locale,
        context: &PageContext,
    ) -> Result<String, RenderError> {
        let locales = [wanted, context.company.locale, Locale::En];
        self.web_page(Kind::Page, name, &locales, context)
    }

    /// Renders the picture of a certificate as SVG.
    pub fn render_certificate(
        &self,
        name: &str,
        wanted: Locale,
        context: &CertificateContext,
    ) -> Result<String, RenderError> {
        let locales = [wanted, context.company.locale, Locale::En];
        self.web_page(Kind::Certificate, name, &locales, context)
    }

    /// Whether there is a picture of a certificate with this name.
    pub fn has_certificate(&self, name: &str) -> bool {
        let pages = self.pages.get(&Kind::Certificate);
        pages.is_some_and(|pages| pages.contains_key(name))
    }

    pub(super) fn web_page(
        &self,
        kind: Kind,
        name: &str,
        locales: &[Locale],
        context: &impl Serialize,
    ) -> Result<String, RenderError> {
        let (locale, entry) = self.find(kind, name, locales)?;
        let run = Run::new(&self.engines[&locale], name, locale, context)?;
        let Body::Page { html } = &entry.body else {
            return Err(run.empty("the page"));
        };
        run.not_empty(run.html(html)?, "the page")
    }

    /// The approved templates that a WhatsApp template of ours stands for, one a language: name,
    /// language, and how many parameters its body gets.
    pub fn whatsapp_forms(&self, name: &str) -> Vec<(String, String, usize)> {
        let pages = self.pages.get(&Kind::WhatsApp);
        let pages = pages
            .and_then(|pages| pages.get(name))
            .into_iter()
            .flatten();
        let forms = pages.filter_map(|(_, page)| match &page.as_ref().ok()?.body {
            Body::WhatsApp {
                template,
                language,
                parameters,
                ..
            } => Some((template.clone(), language.clone(), parameters.len())),
            _ => None,
        });
        forms.collect()
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
            header,
            parameters,
            buttons,
        } = &entry.body
        else {
            return Err(run.empty("the template"));
        };
        let header = header.as_ref().map(|(kind, key)| {
            Ok(WhatsAppHeader {
                kind: *kind,
                link: run.line(key, "the link of the header")?,
            })
        });
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
            header: header.transpose()?,
            preview: WhatsAppFile::preview(body, &filled),
            buttons: buttons.collect::<Result<_, RenderError>>()?,
            parameters: filled,
            template: name.to_owned(),
            locale,
            version: entry.version.clone(),
        })
    }

    pub(super) fn letter(
        &self,
        kind: Kind,
        name: &str,
        locales: &[Locale],
        context: &impl Serialize,
        other_subject: Option<&str>,
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
        let subject = match other_subject {
            Some(other) => run.not_empty(one_line(other), "the subject")?,
            None => run.line(subject, "the subject")?,
        };
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
    pub(super) fn find(
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
}
