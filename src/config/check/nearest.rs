//! The nearest right word to a wrong one.
//!
//! Typing errors, words of other systems, and Cyrillic letters that look Latin: the three ways in
//! which a word of the configuration goes wrong.

use strsim::{damerau_levenshtein, jaro_winkler};

/// Cyrillic letters with the Latin ones that they are mistaken for.
const LOOKALIKES: &[(char, char)] = &[
    ('а', 'a'),
    ('е', 'e'),
    ('о', 'o'),
    ('р', 'p'),
    ('с', 'c'),
    ('у', 'y'),
    ('х', 'x'),
    ('і', 'i'),
    ('А', 'A'),
    ('В', 'B'),
    ('Е', 'E'),
    ('К', 'K'),
    ('М', 'M'),
    ('Н', 'H'),
    ('О', 'O'),
    ('Р', 'P'),
    ('С', 'C'),
    ('Т', 'T'),
    ('У', 'Y'),
    ('Х', 'X'),
];

/// Words of other systems with ours.
const OTHER_WORDS: &[(&str, &str)] = &[
    ("active", "live"),
    ("enabled", "live"),
    ("running", "live"),
    ("on", "live"),
    ("off", "paused"),
    ("disabled", "paused"),
    ("stopped", "paused"),
    ("name", "title"),
    ("title", "name"),
    ("segment", "audience"),
    ("filter", "audience"),
    ("conditions", "audience"),
    ("delay", "after"),
    ("wait", "after"),
    ("control_group", "holdout"),
    ("reenrollment", "reentry"),
    ("cooldown", "reentry"),
    ("window", "within"),
    ("min", "at_least"),
    ("from", "at_least"),
    ("max", "at_most"),
    ("to", "at_most"),
    ("refusal", "rejection"),
    ("type", "kind"),
    ("type", "on"),
    ("event", "on"),
    ("letter", "email"),
    ("mail", "email"),
    ("wa", "whatsapp"),
    ("timezone", "time_zone"),
    ("tz", "time_zone"),
    ("language", "locale"),
    ("russian", "ru"),
    ("english", "en"),
    ("production", "live"),
    ("test", "sandbox"),
    ("buy", "purchase"),
    ("sale", "purchase"),
    ("lang", "locale"),
    ("color", "accent"),
    ("colour", "accent"),
    ("logo", "logo_url"),
    ("website", "site"),
    ("url", "link"),
    ("file", "path"),
    ("folder", "path"),
    ("expires", "valid"),
    ("body", "text"),
    ("owner", "manager"),
    ("cp1251", "windows-1251"),
    ("win1251", "windows-1251"),
    ("utf8", "utf-8"),
];

/// The known word that was probably meant; nothing when none is near.
pub(super) fn word<'k>(wrong: &str, known: impl Iterator<Item = &'k str>) -> Option<&'k str> {
    let wrong = plain(wrong);
    if wrong.is_empty() {
        return None;
    }
    let mut best: Option<(f64, &str)> = None;
    for candidate in known {
        let Some(nearness) = nearness(&wrong, &plain(candidate)) else {
            continue;
        };
        if best.is_none_or(|(so_far, _)| nearness > so_far) {
            best = Some((nearness, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// How near two words are, more is nearer; nothing when they have nothing to do with each other.
fn nearness(wrong: &str, candidate: &str) -> Option<f64> {
    if wrong == candidate {
        return Some(3.0);
    }
    let mut other_words = OTHER_WORDS.iter();
    if other_words.any(|(other, ours)| *other == wrong && plain(ours) == candidate) {
        return Some(2.0);
    }
    let alike = jaro_winkler(wrong, candidate);
    let longest = wrong.chars().count().max(candidate.chars().count());
    let close = damerau_levenshtein(wrong, candidate) <= longest.div_ceil(3).min(3);
    let within = wrong.len() >= 4 && (candidate.starts_with(wrong) || candidate.ends_with(wrong))
        || candidate.len() >= 4 && (wrong.starts_with(candidate) || wrong.ends_with(candidate));
    (longest > 2 && (close && alike > 0.6 || within)).then_some(alike)
}

/// A word without what people write differently: case, look-alike letters, the kind of dash.
fn plain(word: &str) -> String {
    in_latin_letters(word.trim())
        .to_lowercase()
        .replace(['-', ' '], "_")
}

/// The text with Latin letters in place of the Cyrillic ones that look the same, where that makes
/// it all Latin; unchanged otherwise.
pub(super) fn in_latin_letters(text: &str) -> String {
    let latin: String = text.chars().map(latin_letter).collect();
    if latin.is_ascii() {
        latin
    } else {
        text.to_owned()
    }
}

/// The first Cyrillic letter of a text that is all Latin but for look-alikes.
pub(super) fn lookalike(text: &str) -> Option<char> {
    let latin: String = text.chars().map(latin_letter).collect();
    let mixed = latin.is_ascii() && latin.bytes().any(|byte| byte.is_ascii_alphabetic());
    text.chars()
        .find(|letter| mixed && latin_letter(*letter) != *letter)
}

fn latin_letter(letter: char) -> char {
    let found = LOOKALIKES.iter().find(|(cyrillic, _)| *cyrillic == letter);
    found.map_or(letter, |(_, latin)| *latin)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word_is_the_one_a_person_would_have_meant() {
        let keys = [
            "id",
            "title",
            "status",
            "starts",
            "trigger",
            "audience",
            "limits",
            "goal",
            "step",
            "channel",
            "template",
            "after",
            "on",
            "at_least",
            "at_most",
            "missed_cycle",
            "second_purchase",
            "whatsapp",
            "email",
            "live",
            "paused",
        ];
        for (wrong, right) in [
            ("chanel", Some("channel")),
            ("Template", Some("template")),
            ("tempalte", Some("template")),
            ("triger", Some("trigger")),
            ("delay", Some("after")),
            ("steps", Some("step")),
            ("missed", Some("missed_cycle")),
            ("missed-cycle", Some("missed_cycle")),
            ("second-purchase", Some("second_purchase")),
            ("whatsap", Some("whatsapp")),
            ("e-mail", Some("email")),
            ("еmail", Some("email")),
            ("active", Some("live")),
            ("pause", Some("paused")),
            ("min", Some("at_least")),
            ("atleast", Some("at_least")),
            ("banana", None),
            ("x", None),
            ("", None),
        ] {
            assert_eq!(word(wrong, keys.into_iter()), right, "{wrong}");
        }
    }

    #[test]
    fn cyrillic_letters_that_look_latin_are_found() {
        assert_eq!(lookalike("сhannel"), Some('с'));
        assert_eq!(lookalike("channel"), None);
        assert_eq!(lookalike("канал"), None);
        assert_eq!(in_latin_letters("RUВ"), "RUB");
        assert_eq!(in_latin_letters("Привет"), "Привет");
    }
}
