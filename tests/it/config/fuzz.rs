//! Whatever the bytes: an answer, never a panic.

use proptest::prelude::*;
use rekindle::config::{Severity, ready};
use rekindle::model::Locale;

use super::{COMPANY, Home};

/// Looks at a file and asserts what must hold for every answer.
fn look_at(file: &str, content: &[u8]) {
    let home = Home::new(COMPANY);
    home.write(file, content);
    let lines = content.split(|byte| *byte == b'\n').count();
    let problems = match home.load() {
        Ok(loaded) => {
            assert!(
                loaded
                    .warnings
                    .iter()
                    .all(|p| p.severity == Severity::Warning)
            );
            loaded.warnings
        }
        Err(problems) => {
            assert!(problems.iter().any(|p| p.severity == Severity::Error));
            problems
        }
    };
    for problem in problems {
        assert!(
            problem.line.is_none_or(|line| (1..=lines).contains(&line)),
            "{problem}"
        );
        assert!(!problem.message.is_empty());
        let unmatched = problem.message.contains("cannot be read: ");
        assert!(
            !unmatched,
            "the schema accepts what the type does not: {problem}"
        );
    }
}

/// The ready files with some bytes changed, cut out or doubled.
fn mutated(text: String) -> impl Strategy<Value = Vec<u8>> {
    let length = text.len();
    let change = (0..length, 0..4_u8, any::<u8>(), 1..40_usize);
    prop::collection::vec(change, 1..6).prop_map(move |changes| {
        let mut bytes = text.clone().into_bytes();
        for (at, what, byte, count) in changes {
            let at = at.min(bytes.len().saturating_sub(1));
            let end = (at + count).min(bytes.len());
            match what {
                0 => bytes[at] = byte,
                1 => {
                    bytes.drain(at..end);
                }
                2 => {
                    let copy = bytes[at..end].to_vec();
                    bytes.splice(at..at, copy);
                }
                _ => bytes.insert(at, b"\"[]{}=#'\n."[usize::from(byte) % 10]),
            }
            if bytes.is_empty() {
                bytes.push(b'\n');
            }
        }
        bytes
    })
}

/// Any of the ready campaigns with its # taken away or not.
fn ready_campaign() -> impl Strategy<Value = String> {
    let all: Vec<String> = Locale::ALL
        .into_iter()
        .flat_map(ready::campaigns)
        .map(|(_, text)| (*text).to_owned())
        .collect();
    prop::sample::select(all)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(100) })]

    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        look_at("config/rekindle.toml", &bytes);
        look_at("config/campaigns/c.toml", &bytes);
    }

    #[test]
    fn random_words_of_toml_never_panic(
        words in prop::collection::vec(
            prop::sample::select(vec![
                "[", "]", "[[", "]]", "{", "}", "=", ".", ",", "\n", "\"", "'", "\"\"\"", "#", "\\",
                "step", "trigger", "on", "audience", "any", "not", "id", "title", "a", "é", "я",
                "\"missed_cycle\"", "\"x\"", "1", "-1", "1.5", "true", "2026-12-01", "\"30d\"", " ",
            ]),
            0..60,
        )
    ) {
        look_at("config/campaigns/c.toml", words.concat().as_bytes());
    }

    #[test]
    fn a_damaged_settings_file_never_panics(
        bytes in mutated(ready::settings(Locale::Ru).replace("\n#", "\n"))
    ) {
        look_at("config/rekindle.toml", &bytes);
    }

    #[test]
    fn a_damaged_campaign_never_panics(bytes in ready_campaign().prop_flat_map(mutated)) {
        look_at("config/campaigns/c.toml", &bytes);
    }
}
