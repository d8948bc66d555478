//! What a template gave to a word, taken as the kind of value that the word needs.
//!
//! Every refusal says what was expected and what was there.

use handlebars::{Context, Helper};
use serde_json::Value;

use crate::model::{Day, Money};

/// What a template gave to a word, and what everything is rendered from.
pub(super) struct Given<'h, 'rc>(pub(super) &'h Helper<'rc>, pub(super) &'h Context);

impl Given<'_, '_> {
    /// The value at `at`; `None` when it is absent.
    pub(super) fn value(&self, at: usize) -> Option<&Value> {
        let value = self.0.param(at)?.value();
        (!value.is_null()).then_some(value)
    }

    /// The value at `at`, which must be there.
    pub(super) fn present(&self, at: usize) -> Result<&Value, String> {
        self.value(at).ok_or_else(|| {
            let path = self.0.param(at).and_then(|param| param.relative_path());
            path.map_or_else(
                || "a value is missing".to_owned(),
                |path| format!("`{path}` has no value here"),
            )
        })
    }

    pub(super) fn text(&self, at: usize) -> Result<&str, String> {
        let value = self.present(at)?;
        value
            .as_str()
            .ok_or_else(|| format!("expected text, got {}", kind_of(value)))
    }

    pub(super) fn number(&self, at: usize) -> Result<f64, String> {
        let value = self.present(at)?;
        value
            .as_f64()
            .ok_or_else(|| format!("expected a number, got {}", kind_of(value)))
    }

    /// A whole number that is not negative.
    pub(super) fn count(&self, at: usize) -> Result<u32, String> {
        let number = self.number(at)?;
        if number.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&number) {
            Ok(number as u32)
        } else {
            Err(format!("expected a whole number, got {number}"))
        }
    }

    pub(super) fn texts(&self, at: usize) -> Result<Vec<&str>, String> {
        let value = self.present(at)?;
        value
            .as_array()
            .and_then(|items| items.iter().map(Value::as_str).collect())
            .ok_or_else(|| format!("expected a list of texts, got {}", kind_of(value)))
    }

    pub(super) fn amount(&self, at: usize) -> Result<Money, String> {
        let text = self.text(at)?;
        text.parse()
            .map_err(|_| format!("\"{text}\" is not an amount such as 1500 RUB"))
    }

    /// The day on which the text is read; `None` where the samples of a test have none.
    pub(super) fn today(&self) -> Option<Day> {
        self.1.data().get("today")?.as_str()?.parse().ok()
    }

    pub(super) fn option(&self, name: &str) -> Option<&Value> {
        let value = self.0.hash_get(name)?.value();
        (!value.is_null()).then_some(value)
    }

    pub(super) fn switch(&self, name: &str) -> Result<bool, String> {
        match self.option(name) {
            None => Ok(false),
            Some(Value::Bool(on)) => Ok(*on),
            Some(_) => Err(format!("`{name}` is true or false")),
        }
    }
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a group of values",
    }
}
