//! How `shape` speaks: names for kinds of values, and how to write what is missing or of the wrong
//! kind.

use serde_json::{Value, json};
use toml::de::DeValue;

use super::super::schema::{Kind, Node, Table, words};
use super::formats::Format;

/// Words in quotes with commas between them.
pub(super) fn listed<'w>(words: impl Iterator<Item = &'w str>) -> String {
    let words: Vec<String> = words.map(|word| format!("\"{word}\"")).collect();
    words.join(", ")
}

/// What a value should be, with its article.
pub(super) fn kind_name(kind: &Kind<'_>) -> String {
    match kind {
        Kind::Table(_) | Kind::Tagged(_) | Kind::Map { .. } => "a table".to_owned(),
        Kind::List { .. } => "a list".to_owned(),
        Kind::Words(_) => "a word in quotes".to_owned(),
        Kind::Text { format, .. } => {
            let format = format.and_then(Format::named);
            // A date is the one value that TOML knows without quotes.
            match format.map_or("a text", |format| format.what) {
                "a date" => "a date".to_owned(),
                what => format!("{what} in quotes"),
            }
        }
        Kind::Integer(..) => "a whole number".to_owned(),
        Kind::Boolean => "true or false".to_owned(),
    }
}

/// What a value is, with its article.
pub(super) fn found_name(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a bare number",
        DeValue::Float(_) => "a number with a fraction",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date with a time",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// How to write a value of the wrong kind.
pub(super) fn wrong_kind_hint(kind: &Kind<'_>, found: &DeValue<'_>, name: &str) -> String {
    let bare = bare_text(found);
    match kind {
        Kind::Text { format, .. } => text_hint(format.and_then(Format::named), &bare, name),
        Kind::Words(choices) => format!("the words are {}", listed(words(choices))),
        Kind::Integer(low, high) => match bare.trim().parse::<i64>() {
            Ok(number) => format!("write {name} = {number}, without quotes"),
            Err(_) => format!("write {}, without quotes", range_name(*low, *high)),
        },
        Kind::Boolean => match bare.trim().to_lowercase().as_str() {
            "true" | "yes" | "да" | "1" => format!("write {name} = true, without quotes"),
            "false" | "no" | "нет" | "0" => format!("write {name} = false, without quotes"),
            _ => format!("write {name} = true or {name} = false, without quotes"),
        },
        Kind::Table(_) if found.is_array() => format!("write [{name}], with one bracket"),
        Kind::Table(table) if table.get("at_least").is_some() && !bare.is_empty() => {
            let quote = if found.is_str() { "\"" } else { "" };
            format!("write {name} = {{ at_least = {quote}{bare}{quote} }}")
        }
        Kind::Table(table) => format!("its keys are {}", listed(table.keys())),
        Kind::Tagged(tagged) => format!("write [{name}] and below it {} = …", tagged.tag),
        Kind::Map { .. } => format!("write {name} = {{ key = … }}"),
        Kind::List { .. } => format!("write {name} = [ … ]"),
    }
}

fn text_hint(format: Option<&Format>, bare: &str, name: &str) -> String {
    let Some(format) = format else {
        let text = if bare.is_empty() { "…" } else { bare };
        return format!("write {name} = \"{text}\"");
    };
    if format.name == "date" && (format.reads)(bare) {
        return format!("write {name} = {bare}");
    }
    let readable = (format.reads)(bare).then(|| bare.to_owned());
    match readable.or_else(|| format.meant(bare)) {
        Some(meant) => format!("write {name} = \"{meant}\""),
        None => format!("write it as {}", format.example),
    }
}

/// A value as it was probably meant when quotes were forgotten; empty for lists and tables.
fn bare_text(value: &DeValue<'_>) -> String {
    match value {
        DeValue::Integer(number) => number.as_str().to_owned(),
        DeValue::Float(number) => number.as_str().to_owned(),
        DeValue::Boolean(yes) => yes.to_string(),
        DeValue::Datetime(written) => match written.date {
            Some(date) => date.to_string(),
            None => written.to_string(),
        },
        DeValue::String(text) => text.to_string(),
        DeValue::Array(_) | DeValue::Table(_) => String::new(),
    }
}

/// A range of whole numbers for people: bounds that nobody reaches are left out.
pub(super) fn range_name(low: i64, high: i64) -> String {
    match (low > i64::from(i32::MIN), high < i64::from(i32::MAX)) {
        (true, true) => format!("a whole number from {low} to {high}"),
        (true, false) => format!("a whole number, {low} or more"),
        _ => "a whole number".to_owned(),
    }
}

/// What to write for a key that is missing.
pub(super) fn missing_hint(key: &str, node: Node<'_>) -> String {
    let example = match node.kind() {
        Kind::Table(_) => format!("add [{key}]"),
        Kind::Tagged(tagged) => {
            let words = listed(tagged.words());
            format!("add [{key}] with {} = one of {words}", tagged.tag)
        }
        Kind::Words(choices) => format!("add {key} = one of {}", listed(words(choices))),
        Kind::Text { format, .. } => match format.and_then(Format::named) {
            Some(format) => format!("add {key}, written as {}", format.example),
            None => format!("add {key} = \"…\""),
        },
        Kind::Integer(..) | Kind::Boolean | Kind::Map { .. } | Kind::List { .. } => {
            format!("add {key} = …")
        }
    };
    match node.description().and_then(|text| text.lines().next()) {
        Some(text) => format!("{example}. {text}"),
        None => example,
    }
}

/// A value that stands where a right one is missing, so that the rest can be looked at.
pub(super) fn stand_in(node: Node<'_>) -> Value {
    if let Some(default) = node.default() {
        return default.clone();
    }
    let required = |table: Table<'_>| {
        let keys = table.required().filter_map(|key| {
            let node = table.get(key)?;
            Some((key.to_owned(), stand_in(node)))
        });
        Value::Object(keys.collect())
    };
    match node.kind() {
        Kind::Table(table) => required(table),
        Kind::Tagged(tagged) => {
            let word = tagged.words().next().unwrap_or_default();
            let mut table = tagged.get(word).map_or_else(|| json!({}), required);
            table[tagged.tag] = json!(word);
            table
        }
        Kind::Words(choices) => json!(words(choices).next()),
        Kind::Text { format, .. } => json!(match format {
            Some("days" | "span") => "30d",
            Some("wait") => "30s",
            Some("cron") => "never",
            Some("host") => "localhost",
            Some("share" | "discount") => "10%",
            Some("time") => "10:00",
            Some("date" | "date_rule") => "2026-12-01",
            Some("money") => "0 RUB",
            Some("currency") => "RUB",
            Some("time_zone") => "UTC",
            _ => "",
        }),
        Kind::Integer(low, _) => json!(low.max(0)),
        Kind::Boolean => json!(false),
        Kind::Map { .. } => json!({}),
        Kind::List { .. } => json!([]),
    }
}
