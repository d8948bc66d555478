//! Names, ids and other texts.

use std::borrow::Cow;

use super::{BadValue, Parsed};

/// The longest id.
const LONGEST_ID: usize = 200;
/// The longest other text, in bytes.
const LONGEST_TEXT: usize = 4_000;

/// A text as it may be stored and printed: trimmed, line breaks and tabs made spaces.
///
/// Other control characters are an error: they hide things from the person who reads them.
pub(in crate::sources) fn text(raw: &str) -> Parsed<String> {
    let raw = raw.trim();
    if raw.len() > LONGEST_TEXT {
        return Err(BadValue::new("is too long", "at most 4000 bytes are taken"));
    }
    if !raw.chars().any(char::is_control) {
        return Ok(raw.to_owned());
    }
    if raw
        .chars()
        .any(|c| c.is_control() && !['\n', '\r', '\t'].contains(&c))
    {
        return Err(BadValue::new(
            "holds a control character",
            "take it out of the value",
        ));
    }
    Ok(raw.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// An id of the source.
///
/// The apostrophe that protects digits from spreadsheets is taken off. An id that is an e-mail
/// address is one address however it is written, so it becomes lower case.
pub(in crate::sources) fn id(raw: &str) -> Parsed<String> {
    let id = raw
        .trim_start_matches(|c: char| c == '\'' || c.is_whitespace())
        .trim_end();
    let id = if id.contains('@') {
        Cow::Owned(id.to_lowercase())
    } else {
        Cow::Borrowed(id)
    };
    if id.len() > LONGEST_ID {
        return Err(BadValue::new(
            "is too long for an id",
            "at most 200 bytes are taken",
        ));
    }
    if id.is_empty() {
        return Err(BadValue::new("is empty", ""));
    }
    if id.starts_with('~') {
        return Err(BadValue::new(
            "begins with ~",
            "rekindle marks its own ids with it: put another letter before it",
        ));
    }
    if id.chars().any(char::is_control) {
        return Err(BadValue::new(
            "holds a control character",
            "take it out of the id",
        ));
    }
    Ok(id.into_owned())
}

/// Tags, parted by `,`, `;` or `|`: sorted, each once.
pub(in crate::sources) fn tags(raw: &str) -> Parsed<Vec<String>> {
    let whole = text(raw)?;
    let mut tags: Vec<String> = whole
        .split([',', ';', '|'])
        .map(str::trim)
        .filter(|tag| !tag.is_empty())
        .map(str::to_owned)
        .collect();
    tags.sort_unstable();
    tags.dedup();
    Ok(tags)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn texts_lose_line_breaks_and_control_characters_are_an_error() {
        assert_eq!(text("  Anna \r\n Lee\t"), Ok("Anna Lee".to_owned()));
        assert!(text("Anna\0Lee").is_err());
        assert!(text("\u{1b}[31mAnna").is_err());
        assert!(text(&"a".repeat(5_000)).is_err());
    }

    #[test]
    fn ids_lose_the_apostrophe_of_spreadsheets_and_are_never_our_own() {
        assert_eq!(id("'00042 "), Ok("00042".to_owned()));
        assert_eq!(id("Anna@Example.org"), Ok("anna@example.org".to_owned()));
        for raw in ["", "'", "~100~1", "a\nb", &"9".repeat(300)] {
            assert!(id(raw).is_err(), "{raw}");
        }
    }

    #[test]
    fn tags_are_sorted_and_unique() {
        assert_eq!(
            tags("vip; wholesale,vip |  frozen,"),
            Ok(vec![
                "frozen".to_owned(),
                "vip".to_owned(),
                "wholesale".to_owned()
            ])
        );
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reader_panic_and_reading_twice_changes_nothing(raw in ".*") {
            if let Ok(once) = text(&raw) {
                prop_assert_eq!(text(&once), Ok(once.clone()));
            }
            if let Ok(once) = id(&raw) {
                prop_assert_eq!(id(&once), Ok(once.clone()));
            }
            let _ = tags(&raw);
        }
    }
}
