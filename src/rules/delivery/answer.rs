//! A client's answer as the manager reads it: his own words, cleaned and bounded, never more than
//! data.

use super::stop_words::{Wish, wish};
use crate::model::{Channel, Locale};

/// The step, and the script, of a task that an answer has made.
pub const ANSWERED: &str = "answered";

/// Characters of an answer that a task shows.
const LONGEST: usize = 1_000;

/// An answer, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// What it asks for.
    pub wish: Wish,
    /// The client's words: one paragraph without control characters, at most 1,000 characters.
    pub text: String,
}

/// Reads an answer without what it quotes.
pub fn read(text: &str) -> Answer {
    let own = without_quotes(text);
    Answer {
        wish: wish(&own),
        text: bounded(&own),
    }
}

/// Why the manager has a task: in his language, with the client's words.
pub fn why(locale: Locale, channel: Channel, answer: &Answer) -> String {
    let way = match (locale, channel) {
        (Locale::Ru, Channel::Email) => "Ответ на письмо",
        (Locale::Ru, Channel::Whatsapp) => "Ответ в WhatsApp",
        (Locale::En, Channel::Email) => "Answer by e-mail",
        (Locale::En, Channel::Whatsapp) => "Answer by WhatsApp",
    };
    let doubt = match (answer.wish, locale) {
        (Wish::Unclear, Locale::Ru) => {
            " Похоже на просьбу больше не писать: остальные сообщения придержаны, решите вы."
        }
        (Wish::Unclear, Locale::En) => {
            " Perhaps he wants no more messages: the others are held, you decide."
        }
        _ => "",
    };
    let (open, close) = match locale {
        Locale::Ru => ('«', '»'),
        Locale::En => ('“', '”'),
    };
    if answer.text.is_empty() {
        let empty = match locale {
            Locale::Ru => "без текста",
            Locale::En => "without words",
        };
        return format!("{way}: {empty}.{doubt}");
    }
    format!("{way}: {open}{}{close}{doubt}", answer.text)
}

/// What the client wrote himself: up to the first quoted letter.
fn without_quotes(text: &str) -> String {
    let mut own = String::new();
    for line in text.lines() {
        let trimmed = line.trim();
        if begins_a_quote(trimmed) {
            break;
        }
        // A quoted line between the answers; "-- " begins a signature (RFC 3676 §4.3).
        if trimmed.starts_with('>') {
            continue;
        }
        if line == "-- " || trimmed == "--" {
            break;
        }
        own.push_str(trimmed);
        own.push('\n');
    }
    own.trim().to_owned()
}

/// Whether a line is the head of a quoted letter, as common mail programs write it.
fn begins_a_quote(line: &str) -> bool {
    let lower = line.to_lowercase();
    let introduces = lower.ends_with("wrote:")
        || lower.ends_with("пишет:")
        || lower.ends_with("написал:")
        || lower.ends_with("написал(а):")
        || lower.ends_with("написала:")
        || (lower.ends_with(':') && lower.contains('@') && lower.contains('<'));
    introduces
        || lower.starts_with("-----original message")
        || lower.starts_with("----- original message")
        || lower.starts_with("-------- исходное сообщение")
        || lower.starts_with("-------- пересылаемое сообщение")
        || lower.starts_with("________________________________")
}

fn bounded(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let line: String = words
        .join(" ")
        .chars()
        .filter(|c| !c.is_control() && !is_direction(*c))
        .collect();
    if line.chars().count() <= LONGEST {
        return line;
    }
    let mut cut: String = line.chars().take(LONGEST).collect();
    cut.push('…');
    cut
}

/// Characters that turn the direction of a line: they could make a text read as another one.
fn is_direction(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_the_client_quotes_is_not_his_answer() {
        for (text, own) in [
            ("Да, давайте в среду", "Да, давайте в среду"),
            (
                "Стоп\n\nср, 25 нояб. 2026 г. в 10:00, Магазин <hello@example.org>:\n> отписаться",
                "Стоп",
            ),
            (
                "Yes please\r\n\r\nOn Wed, 25 Nov 2026 at 10:00, Shop wrote:\r\n> stop",
                "Yes please",
            ),
            ("> Are you coming?\nYes", "Yes"),
            ("Hello\n-- \nAnna", "Hello"),
            ("-----Original Message-----\nFrom: x", ""),
        ] {
            assert_eq!(read(text).text, own, "{text}");
        }
        let stop = read("Стоп\n\nср, 25 нояб. 2026, Магазин <hello@example.org>:\n> привет");
        assert_eq!(stop.wish, Wish::Stop);
    }

    #[test]
    fn the_manager_reads_the_words_and_the_doubt() {
        let why_of = |text| why(Locale::En, Channel::Email, &read(text));
        assert_eq!(why_of("Call me"), "Answer by e-mail: “Call me”");
        assert!(why_of("not interested").contains("you decide"));
        assert_eq!(why_of("  "), "Answer by e-mail: without words.");
        assert!(
            why(Locale::Ru, Channel::Whatsapp, &read("да")).starts_with("Ответ в WhatsApp: «да»")
        );
    }

    proptest! {
        #[test]
        fn every_answer_is_bounded_and_one_line(text in "(\\PC|[\n\r\u{202e}\u{0}]){0,3000}") {
            let answer = read(&text);
            prop_assert!(answer.text.chars().count() <= LONGEST + 1);
            prop_assert!(!answer.text.chars().any(|c| c.is_control() || is_direction(c)));
        }
    }
}
