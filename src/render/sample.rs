//! Believable examples of the values that templates get.
//!
//! `check` walks and renders every template with them, and `preview` shows them when no client is
//! named. They are complete: whatever a template may mention has a value here.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::certificate::CertificateContext;
use super::context::LetterContext;
use super::page_context::{CertificatePage, ChannelPart, PageContext};
use super::source::Kind;
use super::task_context::TaskListContext;
use crate::model::Locale;

/// The parts of a [`LetterContext`] that an episode may not have.
pub(super) const OPTIONAL_PARTS: [&str; 8] = [
    "certificate",
    "deal",
    "event",
    "manager",
    "news",
    "occasion",
    "partner",
    "rhythm",
];

impl LetterContext {
    /// A complete example: a client of a small company, late with her order.
    pub fn sample(locale: Locale) -> Self {
        read(match locale {
            Locale::Ru => include_str!("samples/letter.ru.json"),
            Locale::En => include_str!("samples/letter.en.json"),
        })
    }
}

impl PageContext {
    /// A complete example: a client who gets letters and nudges, before and after his choice.
    pub fn sample(locale: Locale) -> Self {
        Self {
            company: LetterContext::sample(locale).company,
            address: Some("a…@example.org".to_owned()),
            letters: Some(ChannelPart {
                stopped: true,
                fixed: false,
            }),
            whatsapp: Some(ChannelPart {
                stopped: false,
                fixed: false,
            }),
            preferences: Some("https://example.org/p/v1.1.example".to_owned()),
            changed: true,
            certificate: LetterContext::sample(locale).certificate,
            page: Some(CertificatePage {
                state: "valid".to_owned(),
                left: 1,
                print: Some("https://example.org/c/MC-7K4M-Q2XD-90TR-K.pdf".to_owned()),
                typed: Some("mc 7k4m q2xd 90tr k".to_owned()),
                receipt: Some("12-3456".to_owned()),
                because: vec!["…".to_owned()],
                last: Some("…".to_owned()),
            }),
            event: LetterContext::sample(locale).event,
            registered: true,
            full: true,
            over: true,
        }
    }
}

impl CertificateContext {
    /// A complete example: a discount and a gift, with every condition.
    ///
    /// # Panics
    ///
    /// Never: the example of a letter has a certificate, and its address is short.
    pub fn sample(locale: Locale) -> Self {
        let letter = LetterContext::sample(locale);
        let part = letter.certificate.expect("the example has a certificate");
        let address = part.url.clone().unwrap_or_default();
        Self::new(letter.company, part, &address).expect("the address of the example is short")
    }
}

impl TaskListContext {
    /// A complete example: three calls, and some that wait.
    pub fn sample(locale: Locale) -> Self {
        read(match locale {
            Locale::Ru => include_str!("samples/task-list.ru.json"),
            Locale::En => include_str!("samples/task-list.en.json"),
        })
    }
}

fn read<T: DeserializeOwned>(json: &str) -> T {
    serde_json::from_str(json).expect("the examples are part of the program and a test reads them")
}

/// The two examples of one kind in one language, as JSON.
struct Examples {
    full: Value,
    sparse: Value,
}

/// Made once: every template is tried with them.
static EXAMPLES: LazyLock<BTreeMap<(Values, Locale), Examples>> = LazyLock::new(|| {
    let of = |values: Values, locale: Locale| {
        let examples = match values {
            Values::Letter => examples(&LetterContext::sample(locale)),
            Values::List => examples(&TaskListContext::sample(locale)),
            Values::Page => examples(&PageContext::sample(locale)),
            Values::Certificate => examples(&CertificateContext::sample(locale)),
        };
        ((values, locale), examples)
    };
    let of_all = |locale| Values::ALL.map(|one| of(one, locale));
    Locale::ALL.into_iter().flat_map(of_all).collect()
});

fn examples<T: Serialize + DeserializeOwned>(context: &T) -> Examples {
    let full = json_of(context);
    let sparse = thinned::<T>(full.clone());
    Examples { full, sparse }
}

/// The kinds of values that templates get.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Values {
    Letter,
    List,
    Page,
    Certificate,
}

impl Values {
    const ALL: [Self; 4] = [Self::Letter, Self::List, Self::Page, Self::Certificate];

    const fn of(kind: Kind) -> Self {
        match kind {
            Kind::Manager => Self::List,
            Kind::Page => Self::Page,
            Kind::Certificate => Self::Certificate,
            Kind::Letter | Kind::Script | Kind::WhatsApp => Self::Letter,
        }
    }
}

/// The complete example of a kind as JSON.
pub(super) fn full(kind: Kind, locale: Locale) -> &'static Value {
    &EXAMPLES[&(Values::of(kind), locale)].full
}

/// The example with every value left out that may be absent, while each part is there.
pub(super) fn sparse(kind: Kind, locale: Locale) -> &'static Value {
    &EXAMPLES[&(Values::of(kind), locale)].sparse
}

/// The value as a context of this kind would be stored; `None` when it is not one.
pub(super) fn as_context(kind: Kind, value: &Value) -> Option<Value> {
    match kind {
        Kind::Manager => stored::<TaskListContext>(value),
        Kind::Page => stored::<PageContext>(value),
        Kind::Certificate => stored::<CertificateContext>(value),
        Kind::Letter | Kind::Script | Kind::WhatsApp => stored::<LetterContext>(value),
    }
}

/// The complete example without one of the values that may be absent, for each of them.
pub(super) fn without_each(kind: Kind, locale: Locale) -> Vec<Value> {
    let full = full(kind, locale);
    let mut paths = Vec::new();
    optional_paths(full, &mut Vec::new(), &mut paths);
    let without = paths.into_iter().filter_map(|path| {
        let mut without = full.clone();
        remove(&mut without, &path).then_some(())?;
        as_context(kind, &without)
    });
    without.collect()
}

/// Takes away, one after the other, whatever the type can do without.
fn thinned<T: DeserializeOwned + Serialize>(value: Value) -> Value {
    let mut paths = Vec::new();
    optional_paths(&value, &mut Vec::new(), &mut paths);
    paths.iter().fold(value, |value, path| {
        let mut without = value.clone();
        remove(&mut without, path);
        stored::<T>(&without).unwrap_or(value)
    })
}

/// Every path below the parts of a context, outer ones first.
fn optional_paths(value: &Value, here: &mut Vec<String>, paths: &mut Vec<Vec<String>>) {
    let children: Vec<(String, &Value)> = match value {
        Value::Object(fields) => fields.iter().map(|(k, v)| (k.clone(), v)).collect(),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .map(|(i, v)| (i.to_string(), v))
            .collect(),
        _ => Vec::new(),
    };
    for (name, child) in children {
        here.push(name);
        let is_part = here.len() == 1 && (child.is_object() || child.is_array());
        if value.is_object() && !is_part {
            paths.push(here.clone());
        }
        optional_paths(child, here, paths);
        here.pop();
    }
}

fn remove(value: &mut Value, path: &[String]) -> bool {
    let Some((last, before)) = path.split_last() else {
        return false;
    };
    let parent = before.iter().try_fold(value, |value, name| match value {
        Value::Object(fields) => fields.get_mut(name),
        Value::Array(items) => items.get_mut(name.parse::<usize>().ok()?),
        _ => None,
    });
    match parent {
        Some(Value::Object(fields)) => fields.shift_remove(last).is_some(),
        _ => false,
    }
}

fn json_of<T: Serialize>(context: &T) -> Value {
    serde_json::to_value(context).expect("contexts are plain values with text keys")
}

/// A JSON value as its type would write it: with defaults, without what is absent.
fn stored<T: DeserializeOwned + Serialize>(value: &Value) -> Option<Value> {
    let context = T::deserialize(value).ok()?;
    Some(json_of(&context))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaves(value: &Value) -> Vec<&Value> {
        match value {
            Value::Object(fields) => fields.values().flat_map(leaves).collect(),
            Value::Array(items) if !items.is_empty() => items.iter().flat_map(leaves).collect(),
            leaf => vec![leaf],
        }
    }

    #[test]
    fn the_examples_are_complete_and_survive_being_stored() {
        for locale in Locale::ALL {
            for kind in [Kind::Letter, Kind::Manager, Kind::Page, Kind::Certificate] {
                let value = full(kind, locale);
                assert!(as_context(kind, value).is_some());
                for leaf in leaves(value) {
                    let empty = leaf.is_null() || leaf.as_array().is_some_and(Vec::is_empty);
                    assert!(!empty, "{kind:?} {locale}");
                }
            }
            let letter = LetterContext::sample(locale);
            let stored = serde_json::to_string(&letter).unwrap();
            assert_eq!(
                serde_json::from_str::<LetterContext>(&stored).unwrap(),
                letter
            );
        }
    }

    #[test]
    fn the_sparse_example_has_each_part_and_nothing_more_than_must_be() {
        let value = sparse(Kind::Letter, Locale::Ru);
        for part in OPTIONAL_PARTS {
            assert!(value[part].is_object(), "{part}");
        }
        assert_eq!(value["client"].as_object().unwrap().len(), 1);
        assert!(value.get("why").is_none());
        assert_eq!(value["rhythm"]["usual_items"], Value::Array(Vec::new()));
        assert!(value["news"]["items"][0].get("link").is_none());
        let tasks = sparse(Kind::Manager, Locale::En);
        assert!(tasks["tasks"][0].get("script").is_none());
    }
}
