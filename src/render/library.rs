//! Turns the files into templates that are ready to render, and finds what is wrong with them.
//!
//! Runs once, when the program starts or `check` is called. A page with a problem is kept as its
//! problems: it is never sent, and the ready template does not silently take its place.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::entry::{Body, Entry, Used, entry};
use super::page::{LetterFile, WhatsAppFile};
use super::piece::{CONTENT, Excerpt, Medium, Piece, markup_findings};
use super::problem::{TemplateProblem, most_similar};
use super::sample;
use super::shape::Walk;
use super::source::{Format, Kind, Slot, Source};
use super::styles::Sheet;
use crate::model::Locale;

/// The layout whose style sheet pieces for all letters, and texts in Markdown, get.
const USUAL_LAYOUT: &str = "letter";

/// A page, or why it cannot be used.
pub(super) type Page = Result<Entry, Vec<TemplateProblem>>;

/// All templates of one language.
#[derive(Debug)]
pub(super) struct Library {
    locale: Locale,
    /// Partials and layouts that could be parsed, and the problems of those that could not.
    partials: BTreeMap<Format, BTreeMap<String, Piece>>,
    layouts: BTreeMap<Format, BTreeMap<String, Piece>>,
    unusable: BTreeMap<(Format, String), Vec<TemplateProblem>>,
    /// The style sheets, by the name of their layout.
    sheets: BTreeMap<String, Sheet>,
    elements: Vec<(&'static str, String)>,
    /// Which file each of them is, by the name under which it is registered.
    slots: BTreeMap<(Format, String), Slot>,
    /// The pieces of pages by the name under which they are registered.
    pub(super) pieces: BTreeMap<String, Piece>,
    pub(super) pages: BTreeMap<(Kind, String), Page>,
}

/// The name under which a layout is registered.
pub(super) fn layout_key(name: &str) -> String {
    format!("layout/{name}")
}

impl Library {
    /// Parses and checks everything that belongs to `locale`.
    pub(super) fn build(locale: Locale, sources: &BTreeMap<Slot, Source>) -> Self {
        let by_format = || {
            BTreeMap::from([
                (Format::Text, BTreeMap::new()),
                (Format::Html, BTreeMap::new()),
            ])
        };
        let mut library = Self {
            locale,
            partials: by_format(),
            layouts: by_format(),
            unusable: BTreeMap::new(),
            sheets: BTreeMap::new(),
            elements: Vec::new(),
            slots: BTreeMap::new(),
            pieces: BTreeMap::new(),
            pages: BTreeMap::new(),
        };
        library.take_sheets(sources);
        library.take_pieces(sources);
        let pages: BTreeSet<(Kind, String)> = sources
            .keys()
            .filter_map(|slot| match slot {
                Slot::Page {
                    kind,
                    locale: of,
                    name,
                    ..
                } if *of == locale => Some((*kind, name.clone())),
                _ => None,
            })
            .collect();
        for (kind, name) in pages {
            let mut page = library.page(kind, &name, sources);
            if let Ok(entry) = &mut page {
                let own = |slot: &&Slot| {
                    matches!(slot, Slot::Page { kind: of, locale: spoken, name: called, .. }
                        if *of == kind && *spoken == locale && *called == name)
                };
                entry.slots.extend(sources.keys().filter(own).cloned());
            }
            library.pages.insert((kind, name), page);
        }
        library
    }

    /// Every parsed text with the name under which it is registered.
    pub(super) fn registered(&self) -> impl Iterator<Item = (String, &Piece)> {
        let partials = self.partials.values().flatten();
        let layouts = self.layouts.values().flatten();
        partials
            .map(|(name, piece)| (name.clone(), piece))
            .chain(layouts.map(|(name, piece)| (layout_key(name), piece)))
            .chain(
                self.pieces
                    .iter()
                    .map(|(name, piece)| (name.clone(), piece)),
            )
    }

    /// The problems of partials and layouts, whether a page uses them or not.
    pub(super) fn piece_problems(&self) -> impl Iterator<Item = &TemplateProblem> {
        self.unusable.values().flatten()
    }

    /// The opening tags of the elements that Markdown makes.
    pub(super) fn elements(&self) -> &[(&'static str, String)] {
        &self.elements
    }

    fn take_sheets(&mut self, sources: &BTreeMap<Slot, Source>) {
        for (slot, source) in sources {
            let Slot::Sheet { name } = slot else { continue };
            match Sheet::read(&whole(source)) {
                Ok(sheet) => {
                    self.sheets.insert(name.clone(), sheet);
                }
                Err(problems) => {
                    let key = format!("{name}.css");
                    self.unusable.insert((Format::Html, key), problems);
                }
            }
        }
        if let Some(sheet) = self.sheets.get(USUAL_LAYOUT) {
            self.elements = sheet.elements();
        }
    }

    /// Parses layouts and partials; a partial of this language comes before one for all.
    fn take_pieces(&mut self, sources: &BTreeMap<Slot, Source>) {
        let general_first = sources.iter().filter(|(slot, _)| {
            matches!(
                slot,
                Slot::Partial { locale: None, .. } | Slot::Layout { .. }
            )
        });
        let own = sources.iter().filter(|(slot, _)| {
            matches!(slot, Slot::Partial { locale: Some(of), .. } if *of == self.locale)
        });
        for (slot, source) in general_first.chain(own) {
            let (name, format, is_layout) = match slot {
                Slot::Layout { name, format } => (name, *format, true),
                Slot::Partial { name, format, .. } => (name, *format, false),
                Slot::Page { .. } | Slot::Sheet { .. } => continue,
            };
            let key = if is_layout {
                layout_key(name)
            } else {
                name.clone()
            };
            self.slots.insert((format, key.clone()), slot.clone());
            match parse(whole(source), format, &key, is_layout) {
                Ok(mut piece) => {
                    let of = if is_layout { name } else { USUAL_LAYOUT };
                    if let (Format::Html, Some(sheet)) = (format, self.sheets.get(of)) {
                        piece.style(sheet, &key);
                    }
                    let shelf = if is_layout {
                        &mut self.layouts
                    } else {
                        &mut self.partials
                    };
                    shelf.entry(format).or_default().insert(name.clone(), piece);
                }
                Err(problems) => {
                    self.unusable.insert((format, key), problems);
                }
            }
        }
    }

    fn page(&mut self, kind: Kind, name: &str, sources: &BTreeMap<Slot, Source>) -> Page {
        let at = |format| {
            sources.get(&Slot::Page {
                kind,
                locale: self.locale,
                name: name.to_owned(),
                format,
            })
        };
        let prefix = format!("{}/{name}", kind.folder());
        let (text, html) = (at(Format::Text), at(Format::Html));
        if let (Kind::Page | Kind::Certificate, Some(html)) = (kind, html) {
            return self.web_page(kind, &prefix, html);
        }
        let Some(text) = text else {
            let file = html.map_or("", |source| &source.file);
            let what = "the letter has HTML, but no plain text and no subject";
            let hint = format!("add {name}.txt.hbs beside it");
            return Err(vec![TemplateProblem::of_file(file, what).mend(hint)]);
        };
        match kind {
            Kind::Letter | Kind::Manager => self.letter(kind, &prefix, text, html),
            Kind::Script => self.script(&prefix, text),
            Kind::WhatsApp => self.whatsapp(&prefix, text),
            Kind::Page | Kind::Certificate => self.web_page(kind, &prefix, text),
        }
    }

    fn web_page(&mut self, kind: Kind, key: &str, source: &Source) -> Page {
        let piece = Piece::parse(whole(source), Format::Html, key, false)?;
        let medium = match kind {
            Kind::Certificate => Medium::Picture,
            _ => Medium::Page,
        };
        let findings = markup_findings(&piece.excerpt.text, medium);
        if !findings.is_empty() {
            let problems = findings.into_iter();
            return Err(problems.map(|one| piece.excerpt.problem(one)).collect());
        }
        let pieces = [piece];
        let used = self.check(kind, &pieces, None, &source.file)?;
        self.pieces
            .extend(pieces.map(|piece| (key.to_owned(), piece)));
        let html = key.to_owned();
        Ok(entry(Body::Page { html }, &[source], used))
    }

    fn letter(&mut self, kind: Kind, prefix: &str, text: &Source, html: Option<&Source>) -> Page {
        let Some(html) = html else {
            let what = "the letter has no HTML";
            let hint = "add a file with the same name that ends in .html.hbs beside it";
            return Err(vec![TemplateProblem::of_file(&text.file, what).mend(hint)]);
        };
        let file = LetterFile::split(text, kind)?;
        let layout = file.layout.clone();
        let parsed = [
            ("subject", file.subject, Format::Text),
            ("preheader", file.preheader, Format::Text),
            ("text", file.text, Format::Text),
            ("html", whole(html), Format::Html),
        ];
        let mut keys = Vec::new();
        let mut pieces = Vec::new();
        let mut problems = Vec::new();
        for (part, excerpt, format) in parsed {
            let key = format!("{prefix}:{part}");
            match parse(excerpt, format, &key, false) {
                Ok(piece) => pieces.push(piece),
                Err(more) => problems.extend(more),
            }
            keys.push(key);
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let mut used = self.check(kind, &pieces, Some(&layout), &text.file)?;
        for name in [layout.as_str(), USUAL_LAYOUT] {
            if let Some(sheet) = self.sheets.get(name) {
                used.add_sheet(name, sheet);
            }
        }
        if let (Some(sheet), Some(html)) = (self.sheets.get(&layout), pieces.last_mut()) {
            html.style(sheet, &keys[3]);
        }
        let body = Body::Letter {
            subject: keys[0].clone(),
            preheader: keys[1].clone(),
            text: keys[2].clone(),
            html: keys[3].clone(),
            layout: layout_key(&layout),
        };
        self.pieces.extend(keys.into_iter().zip(pieces));
        Ok(entry(body, &[text, html], used))
    }

    fn script(&mut self, key: &str, source: &Source) -> Page {
        let piece = parse(whole(source), Format::Text, key, false)?;
        let pieces = [piece];
        let used = self.check(Kind::Script, &pieces, None, &source.file)?;
        self.pieces
            .extend(pieces.map(|piece| (key.to_owned(), piece)));
        let text = key.to_owned();
        Ok(entry(Body::Script { text }, &[source], used))
    }

    fn whatsapp(&mut self, prefix: &str, source: &Source) -> Page {
        let file = WhatsAppFile::read(source)?;
        let mut keys = Vec::new();
        let mut pieces = Vec::new();
        let mut problems = Vec::new();
        let buttons = file.buttons.iter().map(|button| &button.parameter);
        let header = file.header.iter().map(|header| &header.parameter);
        let excerpts = file.parameters.iter().chain(buttons).chain(header);
        for (i, excerpt) in excerpts.enumerate() {
            let key = format!("{prefix}:{i}");
            match parse(excerpt.clone(), Format::Text, &key, false) {
                Ok(piece) => pieces.push(piece),
                Err(more) => problems.extend(more),
            }
            keys.push(key);
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let used = self.check(Kind::WhatsApp, &pieces, None, &source.file)?;
        self.pieces.extend(keys.iter().cloned().zip(pieces));
        let mut button_keys = keys.split_off(file.parameters.len());
        let header_keys = button_keys.split_off(file.buttons.len());
        let header = file.header.map(|header| header.kind);
        let header = header.zip(header_keys.into_iter().next());
        let buttons = file
            .buttons
            .into_iter()
            .zip(button_keys)
            .map(|(button, key)| (button.kind, button.text, key));
        let body = Body::WhatsApp {
            template: file.template,
            language: file.language,
            body: file.body,
            header,
            parameters: keys,
            buttons: buttons.collect(),
        };
        Ok(entry(body, &[source], used))
    }

    /// Walks the pieces of a page with all they include; gives back what they include.
    fn check(
        &self,
        kind: Kind,
        pieces: &[Piece],
        layout: Option<&str>,
        file: &str,
    ) -> Result<Used, Vec<TemplateProblem>> {
        let example = example(kind, self.locale);
        let mut problems = BTreeSet::new();
        let mut used = Used::default();
        for format in [Format::Text, Format::Html] {
            if kind_has(kind, format) {
                let mut walk = Walk::new(&self.partials[&format]);
                for piece in pieces.iter().filter(|piece| piece.format == format) {
                    walk.walk(piece, &example);
                }
                if let Some(name) = layout {
                    match self.layouts[&format].get(name) {
                        Some(piece) => {
                            used.add(piece, self.slots.get(&(format, layout_key(name))));
                            walk.walk(piece, &with_content(&example));
                        }
                        None => problems.extend(self.no_layout(name, format, file)),
                    }
                }
                let stops = walk.variables.contains("links.unsubscribe");
                for name in &walk.partials_used {
                    let piece = &self.partials[&format][name];
                    used.add(piece, self.slots.get(&(format, name.clone())));
                }
                problems.extend(self.own_problems(walk.problems, format));
                if kind == Kind::Letter && problems.is_empty() && !stops {
                    let what = "the letter has no link to stop letters";
                    let hint = "its layout needs {{url links.unsubscribe}}";
                    problems.insert(TemplateProblem::of_file(file, what).mend(hint));
                }
            }
        }
        if problems.is_empty() {
            Ok(used)
        } else {
            Err(problems.into_iter().collect())
        }
    }

    fn no_layout(&self, name: &str, format: Format, file: &str) -> Vec<TemplateProblem> {
        if let Some(problems) = self.unusable.get(&(format, layout_key(name))) {
            return problems.clone();
        }
        let near = most_similar(name, self.layouts[&format].keys().map(String::as_str));
        let hint = near.map_or_else(
            || "the ready ones are letter and manager".to_owned(),
            |near| format!("did you mean {near}?"),
        );
        let what = format!("there is no layout \"{name}\"");
        vec![TemplateProblem::of_file(file, what).mend(hint)]
    }

    /// Replaces "there is no partial x" by what is wrong with x, when it exists but is unusable.
    fn own_problems(
        &self,
        found: BTreeSet<TemplateProblem>,
        format: Format,
    ) -> BTreeSet<TemplateProblem> {
        let mut problems = BTreeSet::new();
        for problem in found {
            let unusable = self.unusable.iter().find(|((of, name), _)| {
                *of == format && problem.what == format!("there is no partial `{name}`")
            });
            match unusable {
                Some((_, own)) => problems.extend(own.iter().cloned()),
                None => {
                    problems.insert(problem);
                }
            }
        }
        problems
    }
}

fn kind_has(kind: Kind, format: Format) -> bool {
    match format {
        Format::Text => !matches!(kind, Kind::Page | Kind::Certificate),
        Format::Html => !matches!(kind, Kind::Script | Kind::WhatsApp),
    }
}

/// A complete example of the values of a page, with those that rendering adds.
fn example(kind: Kind, locale: Locale) -> Value {
    let mut example = sample::full(kind, locale).clone();
    example["locale"] = locale.code().into();
    example
}

/// The example as a layout sees it.
fn with_content(example: &Value) -> Value {
    let mut example = example.clone();
    for name in ["subject", "preheader", CONTENT] {
        example[name] = "…".into();
    }
    example
}

fn whole(source: &Source) -> Excerpt {
    Excerpt {
        file: source.file.clone(),
        line: 1,
        column: 1,
        text: source.text.clone(),
    }
}

fn parse(
    excerpt: Excerpt,
    format: Format,
    key: &str,
    is_layout: bool,
) -> Result<Piece, Vec<TemplateProblem>> {
    let piece = Piece::parse(excerpt, format, key, is_layout)?;
    if format == Format::Html {
        let findings = markup_findings(&piece.excerpt.text, Medium::Letter);
        if !findings.is_empty() {
            let problems = findings
                .into_iter()
                .map(|finding| piece.excerpt.problem(finding));
            return Err(problems.collect());
        }
    }
    Ok(piece)
}
