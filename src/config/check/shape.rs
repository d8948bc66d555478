//! Whether a document has the shape that its schema asks for.
//!
//! Walks the document along the schema, reports every key that does not fit, and makes at the
//! same time the *mended* value: what fits, with a stand-in where something required is missing or
//! wrong. So the rules, which look at the meaning, can run over a file that still has mistakes;
//! what they say about a broken place is not reported (see `findings`).

use std::ops::Range;

use serde_json::{Map, Value, json};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::super::problem::{Problem, Severity};
use super::super::schema::{Kind, Node, Table, Tagged, words};
use super::document::{Document, KeyPath};
use super::formats::Format;
use super::wording::{
    found_name, kind_name, listed, missing_hint, range_name, stand_in, wrong_kind_hint,
};
use super::{nearest, unknown_key};

/// What the walk along the schema found.
pub(super) struct Shape {
    /// The document as it should be, with stand-ins where it is broken.
    pub(super) mended: Value,
    /// What does not fit.
    pub(super) problems: Vec<Problem>,
    /// What is required and not there.
    pub(super) missing: Vec<Problem>,
    /// Where it does not fit.
    pub(super) broken: Vec<KeyPath>,
}

/// Walks `document` along the schema whose top is `top`.
pub(super) fn check(document: &Document<'_>, top: Node<'_>) -> Shape {
    let mut walk = Walk {
        document,
        top,
        problems: Vec::new(),
        missing: Vec::new(),
        broken: Vec::new(),
    };
    let mended = match top.kind() {
        Kind::Table(table) => walk.table(table, document.root(), 0..0, &KeyPath::root()),
        _ => Value::Null,
    };
    Shape {
        mended,
        problems: walk.problems,
        missing: walk.missing,
        broken: walk.broken,
    }
}

struct Walk<'a, 't> {
    document: &'a Document<'t>,
    top: Node<'a>,
    problems: Vec<Problem>,
    missing: Vec<Problem>,
    broken: Vec<KeyPath>,
}

impl<'a> Walk<'a, '_> {
    fn report(&mut self, span: Range<usize>, path: &KeyPath, message: String, hint: String) {
        let problem = self.document.problem(Severity::Error, span, message);
        self.problems.push(problem.with_key(path).with_hint(hint));
        self.broken.push(path.clone());
    }

    fn report_missing(&mut self, key: &str, span: Range<usize>, table: &KeyPath, hint: String) {
        let message = format!("\"{key}\" is missing {}", self.document.place(table));
        let path = table.key(key);
        let problem = self.document.problem(Severity::Error, span, message);
        self.missing.push(problem.with_key(&path).with_hint(hint));
        self.broken.push(path);
    }

    /// The mended value; nothing when it is broken beyond mending.
    fn value(
        &mut self,
        node: Node<'a>,
        value: &Spanned<DeValue<'_>>,
        path: &KeyPath,
    ) -> Option<Value> {
        let span = value.span();
        match (node.kind(), value.get_ref()) {
            (Kind::Table(table), DeValue::Table(values)) => {
                Some(self.table(table, values, span, path))
            }
            (Kind::Tagged(tagged), DeValue::Table(values)) => {
                self.tagged(tagged, values, span, path)
            }
            (Kind::Map { keys, value: node }, DeValue::Table(values)) => {
                Some(self.map(keys, node, values, path))
            }
            (Kind::List { item, at_least }, DeValue::Array(values)) => {
                if (values.len() as u64) < at_least {
                    let message = format!("{} is an empty list", quoted(path));
                    let hint = "name at least one, or take the line out".to_owned();
                    self.report(span, path, message, hint);
                }
                let items = values.iter().enumerate();
                let items = items.map(|(n, value)| {
                    let mended = self.value(item, value, &path.index(n));
                    mended.unwrap_or_else(|| stand_in(item))
                });
                Some(Value::Array(items.collect()))
            }
            (Kind::List { item, .. }, single) => self.single(item, value, single, path),
            (Kind::Words(choices), DeValue::String(text)) => {
                self.word(words(choices), text, span, path).map(Value::from)
            }
            (
                Kind::Text {
                    format,
                    may_be_empty,
                },
                DeValue::String(text),
            ) => {
                let fits = self.text(format, may_be_empty, text, span, path);
                fits.then(|| json!(text))
            }
            (
                Kind::Text {
                    format: Some("date" | "date_rule"),
                    ..
                },
                DeValue::Datetime(written),
            ) if written.date.is_some() && written.time.is_none() => {
                Some(json!(written.to_string()))
            }
            (Kind::Integer(low, high), DeValue::Integer(written)) => {
                let number = i64::from_str_radix(written.as_str(), written.radix()).ok();
                let fits = number.filter(|number| (low..=high).contains(number));
                if fits.is_none() {
                    let message = format!("{} must not be {written}", quoted(path));
                    let hint = format!("write {}", range_name(low, high));
                    self.report(span, path, message, hint);
                }
                fits.map(Value::from)
            }
            (Kind::Boolean, DeValue::Boolean(yes)) => Some(json!(yes)),
            (kind, other) => {
                let message = format!(
                    "{} must be {}, not {}",
                    quoted(path),
                    kind_name(&kind),
                    found_name(other)
                );
                let hint = wrong_kind_hint(&kind, other, path.name());
                self.report(span, path, message, hint);
                None
            }
        }
    }

    fn table(
        &mut self,
        table: Table<'a>,
        values: &DeTable<'_>,
        span: Range<usize>,
        path: &KeyPath,
    ) -> Value {
        let mut mended = Map::new();
        let mut misspelt = Vec::new();
        for (key, value) in values {
            let here = path.key(key.get_ref());
            match table.get(key.get_ref()) {
                Some(node) => {
                    let good = self.value(node, value, &here);
                    mended.extend(good.map(|good| (key.get_ref().to_string(), good)));
                }
                None => misspelt.push((key, value)),
            }
        }
        for (key, value) in misspelt {
            self.misspelt(table, key, value, path, values, &mut mended);
        }
        for key in table.required() {
            if mended.contains_key(key) {
                continue;
            }
            let node = table.get(key);
            if !values.contains_key(key) {
                let hint = node.map_or_else(String::new, |node| missing_hint(key, node));
                self.report_missing(key, span.clone(), path, hint);
            }
            mended.extend(node.map(|node| (key.to_owned(), stand_in(node))));
        }
        Value::Object(mended)
    }

    /// Reports a key that is not known, and takes its value for that of the key that was meant.
    fn misspelt(
        &mut self,
        table: Table<'a>,
        key: &Spanned<std::borrow::Cow<'_, str>>,
        value: &Spanned<DeValue<'_>>,
        path: &KeyPath,
        values: &DeTable<'_>,
        mended: &mut Map<String, Value>,
    ) {
        let here = path.key(key.get_ref());
        let place = self.document.place(path);
        let message = format!("unknown key \"{}\" {place}", key.get_ref());
        let free = table.keys().filter(|known| !values.contains_key(*known));
        let (hint, meant) = unknown_key::explain(key.get_ref(), free, table, self.top);
        self.report(key.span(), &here, message, hint);
        let guess = meant.and_then(|meant| Some((meant, table.get(meant)?)));
        let Some((meant, node)) = guess else { return };
        if !mended.contains_key(meant) {
            let good = self.value(node, value, &here);
            mended.extend(good.map(|good| (meant.to_owned(), good)));
        }
    }

    fn tagged(
        &mut self,
        tagged: Tagged<'a>,
        values: &DeTable<'_>,
        span: Range<usize>,
        path: &KeyPath,
    ) -> Option<Value> {
        let here = path.key(tagged.tag);
        let Some(value) = values.get(tagged.tag) else {
            let hint = format!("one of {}", listed(tagged.words()));
            self.report_missing(tagged.tag, span, path, hint);
            return None;
        };
        let DeValue::String(text) = value.get_ref() else {
            let found = found_name(value.get_ref());
            let message = format!("{} must be a word, not {found}", quoted(&here));
            let hint = format!("one of {}", listed(tagged.words()));
            self.report(value.span(), &here, message, hint);
            return None;
        };
        let word = self.word(tagged.words(), text, value.span(), &here);
        // The rest is read as that of the nearest word, so that its own mistakes show at once.
        let word = word.or_else(|| nearest::word(text, tagged.words()).map(str::to_owned))?;
        let variant = tagged.get(&word)?;
        let mut mended = self.table(variant, values, span, path);
        mended[tagged.tag] = json!(word);
        Some(mended)
    }

    fn map(
        &mut self,
        keys: Option<&'a Vec<Value>>,
        node: Node<'a>,
        values: &DeTable<'_>,
        path: &KeyPath,
    ) -> Value {
        let mut mended = Map::new();
        for (key, value) in values {
            let here = path.key(key.get_ref());
            let known = keys.is_none_or(|keys| words(keys).any(|word| word == key.get_ref()));
            if let (false, Some(keys)) = (known, keys) {
                let message = format!("unknown key \"{}\" in {}", key.get_ref(), quoted(path));
                let hint = match nearest::word(key.get_ref(), words(keys)) {
                    Some(meant) => format!("did you mean \"{meant}\"?"),
                    None => format!("one of {}", listed(words(keys))),
                };
                self.report(key.span(), &here, message, hint);
                continue;
            }
            let good = self.value(node, value, &here);
            mended.extend(good.map(|good| (key.get_ref().to_string(), good)));
        }
        Value::Object(mended)
    }

    /// One value where a list of them belongs.
    fn single(
        &mut self,
        item: Node<'a>,
        value: &Spanned<DeValue<'_>>,
        single: &DeValue<'_>,
        path: &KeyPath,
    ) -> Option<Value> {
        let name = path.name();
        let tables = matches!(item.kind(), Kind::Table(_));
        let hint = match single {
            DeValue::Table(_) if tables => format!("write [[{name}]], with two brackets"),
            DeValue::String(text) => format!("write {name} = [\"{text}\"]"),
            _ if tables => format!("write [[{name}]] and its keys below it"),
            _ => format!("write {name} = [ … ]"),
        };
        let message = format!("{} must be a list", quoted(path));
        self.report(value.span(), path, message, hint);
        if matches!(single, DeValue::Table(_)) && !tables {
            return None;
        }
        // The value itself may have its own mistakes, unless it is of the wrong kind altogether.
        let fits = matches!(single, DeValue::Table(_)) == tables;
        let mended = fits.then(|| self.value(item, value, path)).flatten()?;
        Some(Value::Array(vec![mended]))
    }

    fn word<'w>(
        &mut self,
        words: impl Iterator<Item = &'w str> + Clone,
        text: &str,
        span: Range<usize>,
        path: &KeyPath,
    ) -> Option<String> {
        if words.clone().any(|word| word == text) {
            return Some(text.to_owned());
        }
        let message = format!("{} = \"{text}\" is not known", path.name());
        let listed = listed(words.clone());
        let hint = match (nearest::lookalike(text), nearest::word(text, words)) {
            (Some(letter), Some(meant)) => {
                format!("write \"{meant}\" in Latin letters: the \"{letter}\" here is Cyrillic")
            }
            (_, Some(meant)) => format!("did you mean \"{meant}\"? The words are {listed}"),
            (_, None) => format!("the words are {listed}"),
        };
        self.report(span, path, message, hint);
        None
    }

    fn text(
        &mut self,
        format: Option<&str>,
        may_be_empty: bool,
        text: &str,
        span: Range<usize>,
        path: &KeyPath,
    ) -> bool {
        if let Some(format) = format.and_then(Format::named) {
            if !(format.reads)(text) {
                let message = format!("{} = \"{text}\" is not {}", path.name(), format.what);
                let hint = match format.meant(text) {
                    Some(meant) => {
                        format!("did you mean \"{meant}\"? Written as {}", format.example)
                    }
                    None => format!("write it as {}", format.example),
                };
                self.report(span, path, message, hint);
                return false;
            }
        } else if !may_be_empty && text.trim().is_empty() {
            let message = format!("{} is empty", quoted(path));
            let hint = "write something between the quotes".to_owned();
            self.report(span, path, message, hint);
            return false;
        }
        true
    }
}

/// The name of a key for a message: `"step[1].after"` is shown as `"after"`.
fn quoted(path: &KeyPath) -> String {
    format!("\"{}\"", path.name())
}
