//! The words on pictures, in Russian and English.

use chrono::Datelike;

use crate::model::{Day, Locale};
pub(super) use crate::rules::wording::state;

/// Picks the word of a language.
pub(super) const fn say<'a>(locale: Locale, ru: &'a str, en: &'a str) -> &'a str {
    match locale {
        Locale::Ru => ru,
        Locale::En => en,
    }
}

/// Those who never bought.
pub(super) const fn never(locale: Locale) -> &'static str {
    say(locale, "не покупали", "never bought")
}

/// A month with its year, short.
pub(super) fn month(locale: Locale, day: Day) -> String {
    const RU: [&str; 12] = [
        "янв", "фев", "мар", "апр", "май", "июн", "июл", "авг", "сен", "окт", "ноя", "дек",
    ];
    const EN: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let date = day.date();
    let months = match locale {
        Locale::Ru => RU,
        Locale::En => EN,
    };
    format!("{} {}", months[date.month0() as usize], date.year())
}
