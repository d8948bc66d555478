//! Every template tried with its examples, before anybody is written to: with everything, with as
//! little as may be, and without each part that an episode may not have.

use std::collections::{BTreeMap, BTreeSet};

use resvg::usvg::roxmltree;
use serde_json::Value;

use super::engine::Run;
use super::entry::Body;
use super::problem::{RenderError, TemplateProblem};
use super::sample;
use super::script;
use super::source::{CLIPPED_AT, Kind};
use super::templates::Templates;
use crate::model::Locale;

impl Templates {
    /// Renders every page with its examples; those that fail become unusable.
    pub(super) fn try_all(&mut self) {
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
                (Some(page), Err(problems)) => *page = Err(problems),
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
    ) -> Result<Vec<&'static str>, Vec<TemplateProblem>> {
        let fails = |values: &Value| self.render_values(kind, name, locale, values).err();
        if let Some(error) = fails(sample::full(kind, locale)) {
            return Err(vec![self.problem_of(kind, name, locale, error)]);
        }
        if let Some(error) = fails(sample::sparse(kind, locale)) {
            // Each value that was not asked for is told, not only the first.
            let errors = sample::without_each(kind, locale);
            let mut problems: BTreeSet<TemplateProblem> = errors
                .iter()
                .filter_map(fails)
                .map(|error| self.problem_of(kind, name, locale, error))
                .collect();
            if problems.is_empty() {
                problems.insert(self.problem_of(kind, name, locale, error));
            }
            return Err(problems.into_iter().collect());
        }
        let mut needs = Vec::new();
        for part in sample::OPTIONAL_PARTS {
            let mut values = sample::full(kind, locale).clone();
            let gone = values
                .as_object_mut()
                .and_then(|fields| fields.remove(part));
            let possible = gone.is_some() && sample::as_context(kind, &values).is_some();
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
            Kind::Letter | Kind::Manager => {
                let letter = self.letter(kind, name, &[locale], values, None)?;
                if kind == Kind::Letter && letter.html.len() > CLIPPED_AT {
                    return Err(RenderError::TooLarge {
                        name: name.to_owned(),
                        limit: CLIPPED_AT,
                    });
                }
                Ok(())
            }
            Kind::Page => self.web_page(kind, name, &[locale], values).map(drop),
            Kind::Certificate => {
                let svg = self.web_page(kind, name, &[locale], values)?;
                match roxmltree::Document::parse(&svg) {
                    Ok(_) => Ok(()),
                    Err(error) => Err(self.not_drawn(name, locale, &error)),
                }
            }
            Kind::Script | Kind::WhatsApp => {
                let (_, entry) = self.find(kind, name, &[locale])?;
                let run = Run::new(&self.engines[&locale], name, locale, values)?;
                match &entry.body {
                    Body::WhatsApp {
                        parameters,
                        buttons,
                        header,
                        ..
                    } => parameters
                        .iter()
                        .chain(buttons.iter().map(|(.., key)| key))
                        .chain(header.iter().map(|(_, key)| key))
                        .try_for_each(|key| run.line(key, "a parameter").map(drop)),
                    Body::Script { .. } => script::lines_of(&run, entry).map(drop),
                    Body::Letter { .. } | Body::Page { .. } => Ok(()),
                }
            }
        }
    }

    /// What is said of a picture that is no SVG, with the line of what was rendered.
    fn not_drawn(&self, name: &str, locale: Locale, error: &roxmltree::Error) -> RenderError {
        let entry = self.find(Kind::Certificate, name, &[locale]);
        let file = entry.map_or(name, |(_, entry)| &entry.file);
        let what = format!("with the values of the example this is no SVG: {error}");
        let hint = "every <tag> needs its end, every attribute its quotes; the place counts in the \
                    picture, where {{…}} are filled in";
        RenderError::Failed(Box::new(TemplateProblem::of_file(file, what).mend(hint)))
    }

    pub(super) fn broken_pages(&self) -> Vec<TemplateProblem> {
        let pages = self.pages.values().flat_map(BTreeMap::values);
        pages
            .flat_map(BTreeMap::values)
            .filter_map(|page| page.as_ref().err())
            .flatten()
            .cloned()
            .collect()
    }

    /// The problem that an error in a trial is.
    fn problem_of(
        &self,
        kind: Kind,
        name: &str,
        locale: Locale,
        error: RenderError,
    ) -> TemplateProblem {
        match error {
            RenderError::Failed(problem) => *problem,
            other => {
                let entry = self.find(kind, name, &[locale]);
                let file = entry.map_or(name, |(_, entry)| &entry.file);
                TemplateProblem::of_file(file, other.to_string())
            }
        }
    }
}
