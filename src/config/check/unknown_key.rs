//! What to say about a key that is not known at its place: a secret, a key of another table, or a
//! typing error.

use super::super::schema::{Kind, Node, Table};
use super::nearest;
use super::wording::listed;

/// Parts of keys under which people keep secrets.
const SECRETS: &[&str] = &[
    "password",
    "passwd",
    "secret",
    "token",
    "api_key",
    "apikey",
    "private_key",
    "credential",
];

/// How to mend an unknown key, and the key of this table that was probably meant.
///
/// `free` are the keys of the table that are not written yet; `top` is the schema of the file.
pub(super) fn explain<'s>(
    key: &str,
    free: impl Iterator<Item = &'s str>,
    table: Table<'s>,
    top: Node<'s>,
) -> (String, Option<&'s str>) {
    let lower = key.to_lowercase();
    if SECRETS.iter().any(|secret| lower.contains(secret)) {
        let hint = "secrets never stand in this file: they come from the environment, or from a \
                    file of their own named by a key that ends in _file";
        return (hint.to_owned(), None);
    }
    let meant = nearest::word(key, free);
    if let (Some(letter), Some(meant)) = (nearest::lookalike(key), meant) {
        let hint = format!("write {meant} in Latin letters: the \"{letter}\" here is Cyrillic");
        return (hint, Some(meant));
    }
    if let Some(home) = home_of(key, top) {
        return (format!("\"{key}\" {home}"), None);
    }
    match meant {
        Some(meant) => (format!("did you mean \"{meant}\"?"), Some(meant)),
        None => (format!("the keys here are {}", listed(table.keys())), None),
    }
}

/// The one other place in the file where a key is known.
fn home_of(key: &str, top: Node<'_>) -> Option<String> {
    let Kind::Table(root) = top.kind() else {
        return None;
    };
    if let Some(node) = root.get(key) {
        return Some(match node.kind() {
            Kind::Table(_) | Kind::Tagged(_) => format!("has a heading of its own: [{key}]"),
            Kind::List { item, .. } if matches!(item.kind(), Kind::Table(_)) => {
                format!("has a heading of its own: [[{key}]]")
            }
            // The usual slip: a key of the file written below a heading belongs to that one.
            _ => "belongs at the top of the file, above the first [heading]".to_owned(),
        });
    }
    let mut homes = Vec::new();
    for name in root.keys() {
        if let Some(node) = root.get(name) {
            homes.extend(home_in(key, name, node));
        }
    }
    match homes.as_slice() {
        [only] => Some(format!("belongs {only}")),
        _ => None,
    }
}

/// The place of a key in the table or list of tables `name`.
fn home_in(key: &str, name: &str, node: Node<'_>) -> Option<String> {
    match node.kind() {
        Kind::Table(table) if table.get(key).is_some() => Some(format!("in [{name}]")),
        Kind::Tagged(tagged) => {
            let knows = |word: &&str| {
                tagged
                    .get(word)
                    .is_some_and(|table| table.get(key).is_some())
            };
            let words: Vec<&str> = tagged.words().filter(knows).collect();
            let on = words.join("\" or \"");
            (!words.is_empty()).then(|| format!("in [{name}] with {} = \"{on}\"", tagged.tag))
        }
        Kind::List { item, .. } => match item.kind() {
            Kind::Table(table) if table.get(key).is_some() => Some(format!("in [[{name}]]")),
            _ => None,
        },
        _ => None,
    }
}
