//! What a path such as `client.name` or `../title` means at one place of a template.
//!
//! Values come from a complete example; what is not known from it is let through. Walking the
//! template itself is done in `shape`.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::rc::Rc;

use serde_json::{Map, Value};

use super::problem::most_similar;

/// A value as the example has it; `None` when its shape is not known.
///
/// Shared, because each block and each partial looks at the example from a place of its own.
pub(super) type Shape = Option<Rc<Value>>;

/// What paths are looked up in at one place of a template.
#[derive(Clone, Debug, Default)]
pub(super) struct Scope {
    pub(super) value: Shape,
    /// Names of `as |item|` and of the values given to a partial.
    pub(super) names: BTreeMap<String, Shape>,
    /// Whether `@index`, `@first` and `@last` exist.
    pub(super) in_each: bool,
}

/// A path, taken apart.
pub(super) struct Path<'r> {
    pub(super) up: usize,
    pub(super) root: bool,
    pub(super) local: Option<&'r str>,
    pub(super) names: Vec<&'r str>,
}

impl<'r> Path<'r> {
    pub(super) fn of(raw: &'r str) -> Self {
        let mut path = Self {
            up: 0,
            root: false,
            local: None,
            names: Vec::new(),
        };
        let mut rest = raw;
        let local = rest.strip_prefix('@');
        rest = local.unwrap_or(rest);
        while let Some(after) = rest.strip_prefix("../") {
            path.up += 1;
            rest = after;
        }
        rest = rest.strip_prefix("./").unwrap_or(rest);
        if local.is_some() {
            let (first, after) = rest.split_once(['.', '/']).unwrap_or((rest, ""));
            if first != "root" {
                path.local = Some(first);
                return path;
            }
            path.root = true;
            rest = after;
        }
        let names = rest
            .split(['.', '/'])
            .map(|name| name.trim_matches(['[', ']']));
        path.names = names
            .filter(|name| !name.is_empty() && *name != "this")
            .collect();
        path
    }
}

/// The value that lies below `shape` along `names`; an error when the example does not have it.
pub(super) fn follow(shape: &Shape, names: &[&str]) -> Result<Shape, ()> {
    let Some(value) = shape else {
        return Ok(None);
    };
    let Some((name, rest)) = names.split_first() else {
        return Ok(shape.clone());
    };
    let mut here = step(value, name).ok_or(())?;
    for name in rest {
        here = match here {
            Cow::Borrowed(value) => step(value, name),
            Cow::Owned(value) => step(&value, name).map(|next| Cow::Owned(next.into_owned())),
        }
        .ok_or(())?;
    }
    Ok(Some(Rc::new(here.into_owned())))
}

/// What a value has under one name.
fn step<'v>(value: &'v Value, name: &str) -> Option<Cow<'v, Value>> {
    match value {
        Value::Object(fields) => fields.get(name).map(Cow::Borrowed),
        Value::Array(items) if name.parse::<usize>().is_ok() => item_of(items).map(Cow::Owned),
        _ => None,
    }
}

/// What all items of a list have together.
pub(super) fn item_of(items: &[Value]) -> Option<Value> {
    let mut together = items.first()?.clone();
    for item in &items[1..] {
        if let (Value::Object(all), Value::Object(fields)) = (&mut together, item) {
            for (name, value) in fields {
                all.entry(name.clone()).or_insert_with(|| value.clone());
            }
        }
    }
    Some(together)
}

pub(super) fn merged(base: Shape, names: &BTreeMap<String, Shape>) -> Shape {
    if names.is_empty() {
        return base;
    }
    let mut fields = match &*base? {
        Value::Object(fields) => fields.clone(),
        _ => Map::new(),
    };
    for (name, shape) in names {
        let value = shape.as_deref().cloned().unwrap_or(Value::Null);
        fields.insert(name.clone(), value);
    }
    Some(Rc::new(Value::Object(fields)))
}

/// The right path that a wrong one was probably meant to be.
pub(super) fn suggestion(
    raw: &str,
    path: &Path<'_>,
    from: &Scope,
    scopes: &[Scope],
) -> Option<String> {
    if scopes.len() > 1 && follow(&scopes[0].value, &path.names).is_ok() {
        return Some(format!("@root.{}", path.names.join(".")));
    }
    let mut known = Vec::new();
    if let Some(value) = &from.value {
        paths_of(value, "", &mut known);
    }
    known.extend(from.names.keys().cloned());
    let wanted = path.names.join(".");
    let near = most_similar(&wanted, known.iter().map(String::as_str))?;
    let lead = &raw[..raw.len() - raw.trim_start_matches("../").len()];
    Some(format!("{lead}{near}"))
}

/// Every path that leads to a value, `a.b` for fields of fields.
fn paths_of(value: &Value, before: &str, paths: &mut Vec<String>) {
    if let Value::Object(fields) = value {
        for (name, field) in fields {
            let path = if before.is_empty() {
                name.clone()
            } else {
                format!("{before}.{name}")
            };
            paths_of(field, &path, paths);
            paths.push(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_items_of_a_list_are_known_by_what_they_have_together() {
        let items = [serde_json::json!({ "a": 1 }), serde_json::json!({ "b": 2 })];
        assert_eq!(item_of(&items), Some(serde_json::json!({ "a": 1, "b": 2 })));
        assert_eq!(item_of(&[]), None);
    }

    #[test]
    fn a_path_is_taken_apart() {
        let path = Path::of("../../client.name");
        assert_eq!((path.up, path.names), (2, vec!["client", "name"]));
        assert!(Path::of("@root/client").root);
        assert_eq!(Path::of("@../index").local, Some("index"));
        assert_eq!(Path::of("this.title").names, ["title"]);
        assert!(Path::of("this").names.is_empty());
    }
}
