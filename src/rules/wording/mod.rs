//! What a language knows: plural forms, dates, money, lists, greetings and the sentences that
//! explain a verdict.
//!
//! Letters, lists for managers, plans and pages word things through here, so that they all say
//! the same. Whole letters are not here: they are templates, and marketing writes them.
//!
//! Numbers are joined to their units by a no-break space, because they stand in running text that
//! mail programs wrap. The sentences of [`rhythm_sentence`] have plain spaces only: they are read
//! in terminals and searched for.

mod certificates;
mod en;
mod labels;
mod names;
mod outcomes;
mod ru;

pub use certificates::{no_code, objection};
pub use labels::{channel, condition, role, state};
pub use names::{PersonName, person_name};
pub use outcomes::{outcome, readiness};

use crate::model::{Day, Locale, Money};
use crate::rules::rhythm::StepUp;

/// The space that never breaks a line (U+00A0).
const NBSP: char = '\u{a0}';

/// Which form of a word goes with a number.
///
/// Source: Unicode CLDR plural rules for cardinal whole numbers in Russian and English.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PluralForm {
    /// «день», "day".
    One,
    /// «дня»; English does not have it.
    Few,
    /// «дней», "days".
    Many,
}

/// How a date is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DateStyle {
    /// «25 ноября 2026 г.», "25 November 2026".
    Long,
    /// «25 ноября», "25 November".
    DayMonth,
    /// «25.11.2026», "25 Nov 2026".
    Short,
    /// «среда, 25 ноября», "Wednesday, 25 November".
    Weekday,
}

/// From so many days on a date without its year can be taken for that of another year.
const ANOTHER_YEAR_DAYS: i32 = 300;

impl DateStyle {
    /// Day and month, with the year where it would not be understood without: ten months away.
    pub fn seen_from(day: Day, today: Day) -> Self {
        if today.days_since(day).abs() < ANOTHER_YEAR_DAYS {
            Self::DayMonth
        } else {
            Self::Long
        }
    }
}

/// Tells which form of a word goes with `n`.
pub fn plural(locale: Locale, n: u64) -> PluralForm {
    match locale {
        Locale::Ru => ru::plural(n),
        Locale::En => en::plural(n),
    }
}

/// Writes a date in running text.
pub fn date(locale: Locale, day: Day, style: DateStyle) -> String {
    match locale {
        Locale::Ru => ru::date(day, style),
        Locale::En => en::date(day, style),
    }
}

/// Writes an amount: `1 500 ₽`, `€99.90`. The fraction is left out when it is zero.
pub fn money(locale: Locale, money: Money) -> String {
    let digits = money.currency.minor_digits();
    let scale = 10_u64.pow(digits);
    let minor = money.minor.unsigned_abs();
    let fraction = match minor % scale {
        0 => None,
        rest => Some(format!("{rest:0width$}", width = digits as usize)),
    };
    let amount = match locale {
        Locale::Ru => ru::amount(minor / scale, fraction, money.currency),
        Locale::En => en::amount(minor / scale, fraction, money.currency),
    };
    if money.minor < 0 {
        format!("\u{2212}{amount}")
    } else {
        amount
    }
}

/// Writes an amount without its fraction, rounded half away from zero: averages and estimates
/// would pretend to know kopecks.
pub fn money_whole(locale: Locale, amount: Money) -> String {
    let scale = 10_u64.pow(amount.currency.minor_digits());
    let whole = amount.minor.unsigned_abs().saturating_add(scale / 2) / scale * scale;
    let minor = i64::try_from(whole).unwrap_or(i64::MAX - i64::MAX % scale as i64);
    let rounded = Money::new(amount.minor.signum() * minor, amount.currency);
    money(locale, rounded)
}

/// Writes a share of one as percent, without a fraction: «10 %», "10%".
///
/// A share that is not zero is never written as zero: «меньше 1 %».
pub fn percent(locale: Locale, share: f64) -> String {
    match locale {
        Locale::Ru => ru::percent(share),
        Locale::En => en::percent(share),
    }
}

/// Writes a number of days exactly: «16 дней», "3 weeks". Two to eight whole weeks become weeks.
pub fn days(locale: Locale, days: u32) -> String {
    if (14..=56).contains(&days) && days.is_multiple_of(7) {
        return counted(locale, days / 7, Unit::Week);
    }
    counted(locale, days, Unit::Day)
}

/// Writes about how long something took: «3 недели», "2 months", "a year".
///
/// For letters, where "76 days" would sound like a counting machine.
pub fn days_about(locale: Locale, days: u32) -> String {
    let days_f = f64::from(days);
    match days {
        0..=13 => counted(locale, days, Unit::Day),
        14..=52 => counted(locale, (days_f / 7.0).round() as u32, Unit::Week),
        53..=344 => counted(locale, (days_f / 30.44).round() as u32, Unit::Month),
        _ => counted(
            locale,
            (days_f / 365.25).round().max(1.0) as u32,
            Unit::Year,
        ),
    }
}

/// Writes about how often something happens: «раз в 2 недели», "every month".
pub fn every(locale: Locale, days: u32) -> String {
    let often = Often::of(days);
    match locale {
        Locale::Ru => ru::every(often),
        Locale::En => en::every(often),
    }
}

/// How often something happens, in the words of letters.
#[derive(Clone, Copy)]
enum Often {
    Daily,
    Weekly,
    Monthly,
    Yearly,
    Every(u32, Unit),
}

impl Often {
    fn of(days: u32) -> Self {
        let per = |unit: f64| (f64::from(days) / unit).round() as u32;
        match days {
            0..=1 => Self::Daily,
            2..=5 | 9..=13 => Self::Every(days, Unit::Day),
            6..=8 => Self::Weekly,
            14..=27 | 34..=52 => Self::Every(per(7.0), Unit::Week),
            28..=33 => Self::Monthly,
            53..=344 => Self::Every(per(30.44), Unit::Month),
            345..=547 => Self::Yearly,
            _ => Self::Every(per(365.25), Unit::Year),
        }
    }
}

/// A step to a larger receipt as an offer: "Gold beans (instead of bar beans)",
/// «стаканы: 5 вместо 2».
pub fn step_up(locale: Locale, step: &StepUp<String>) -> String {
    let instead = match locale {
        Locale::Ru => "вместо",
        Locale::En => "instead of",
    };
    match step {
        StepUp::Dearer {
            item, instead_of, ..
        } => match locale {
            Locale::Ru => format!("{item} ({instead} «{instead_of}»)"),
            Locale::En => format!("{item} ({instead} {instead_of})"),
        },
        StepUp::Larger { item, from, to, .. } => format!("{item}: {to} {instead} {from}"),
    }
}

/// Joins items as a sentence does: «a, b и c», "a, b and c".
///
/// Names of goods often have commas («кофе, 1 кг»); then semicolons keep them apart.
pub fn list<S: AsRef<str>>(locale: Locale, items: &[S]) -> String {
    let and = match locale {
        Locale::Ru => " и ",
        Locale::En => " and ",
    };
    let items: Vec<&str> = items.iter().map(AsRef::as_ref).collect();
    match &items[..] {
        [] => String::new(),
        [only] => kept_together(only),
        all if all.iter().any(|item| item.contains(", ")) => kept_together(&all.join("; ")),
        [first @ .., last] => kept_together(&format!("{}{and}{last}", first.join(", "))),
    }
}

/// The text with every number kept on the line of its unit: «10 шт.», "250 g".
fn kept_together(text: &str) -> String {
    let mut kept = String::with_capacity(text.len() + 8);
    let mut chars = text.chars().peekable();
    let mut last = ' ';
    while let Some(c) = chars.next() {
        let before_a_unit = chars.peek().is_some_and(|next| next.is_alphabetic());
        kept.push(if c == ' ' && last.is_ascii_digit() && before_a_unit {
            NBSP
        } else {
            c
        });
        last = c;
    }
    kept
}

/// The text with its first letter large.
pub fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    let first: String = chars
        .next()
        .into_iter()
        .flat_map(char::to_uppercase)
        .collect();
    first + chars.as_str()
}

/// Makes a sentence of a phrase: a large first letter, an end, and numbers that stay with their
/// signs when the line is wrapped.
pub fn sentence(phrase: &str) -> String {
    let phrase = phrase.trim().replace(" %", "\u{a0}%");
    let mut sentence = capitalised(&phrase);
    if !sentence.is_empty() && !sentence.ends_with(['.', '!', '?', '…']) {
        sentence.push('.');
    }
    sentence
}

/// Greets by name, or honestly without one when the name is not known.
pub fn greeting(locale: Locale, address_as: Option<&str>) -> String {
    let name = address_as.map(str::trim).filter(|name| !name.is_empty());
    match (locale, name) {
        (Locale::Ru, Some(name)) => format!("Здравствуйте, {name}!"),
        (Locale::Ru, None) => "Здравствуйте!".to_owned(),
        (Locale::En, Some(name)) => format!("Hello {name},"),
        (Locale::En, None) => "Hello,".to_owned(),
    }
}

/// Writes a phone number in groups, for reading aloud: `+7 913 123-45-67`.
///
/// Known are the zones +7 and +1 and British mobiles; each other country has a plan of its own,
/// and a wrong group reads worse than none.
pub fn phone(e164: &str) -> String {
    let grouped = ["+7", "+1", "+44"].into_iter().find_map(|zone| {
        let rest = e164.strip_prefix(zone)?;
        let known = rest.len() == 10 && rest.bytes().all(|b| b.is_ascii_digit());
        known.then_some((zone, rest))
    });
    match grouped {
        Some((zone @ "+7", n)) => {
            let (area, first, middle, last) = (&n[..3], &n[3..6], &n[6..8], &n[8..]);
            format!("{zone}{NBSP}{area}{NBSP}{first}-{middle}-{last}")
        }
        Some((zone @ "+1", n)) => {
            format!("{zone}{NBSP}{}{NBSP}{}-{}", &n[..3], &n[3..6], &n[6..])
        }
        Some((zone, n)) if n.starts_with('7') => {
            format!("{zone}{NBSP}{}{NBSP}{}", &n[..4], &n[4..])
        }
        _ => e164.to_owned(),
    }
}

/// Explains a silence: how often the client usually buys, how long he has been silent, and how
/// unusual that is.
///
/// `usual_gap_days` is the median of the law of the next pause; `overdue_p` is the share, among
/// the pauses of such clients that ended, of those longer than this one (0 to 1); `return_30` is
/// the chance that he buys by himself within 30 days.
pub fn rhythm_sentence(
    locale: Locale,
    usual_gap_days: f64,
    days_silent: i32,
    overdue_p: f64,
    return_30: Option<f64>,
) -> String {
    let silence = Silence {
        usual_gap: usual_gap_days
            .is_finite()
            .then(|| usual_gap_days.round().clamp(1.0, 100_000.0) as u32),
        days: days_silent.max(0).unsigned_abs(),
        longer: Percent::of(overdue_p),
        back_in_30: return_30.and_then(Percent::of),
    };
    match locale {
        Locale::Ru => ru::rhythm_sentence(silence),
        Locale::En => en::rhythm_sentence(silence),
    }
}

/// What a sentence about a silence says, rounded to what a person reads.
#[derive(Clone, Copy)]
struct Silence {
    usual_gap: Option<u32>,
    days: u32,
    longer: Option<Percent>,
    back_in_30: Option<Percent>,
}

/// A share in whole percent that is never rounded to nothing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Percent {
    BelowOne,
    Whole(u32),
}

impl Percent {
    /// The shares up to which "only" is the right word.
    const FEW: Self = Self::Whole(25);

    fn of(share: f64) -> Option<Self> {
        if !share.is_finite() {
            return None;
        }
        let percent = (share * 100.0).clamp(0.0, 1_000_000.0);
        Some(if percent > 0.0 && percent < 0.5 {
            Self::BelowOne
        } else {
            Self::Whole(percent.round() as u32)
        })
    }
}

/// What is counted when a length of time is written.
#[derive(Clone, Copy)]
enum Unit {
    Day,
    Week,
    Month,
    Year,
}

fn counted(locale: Locale, n: u32, unit: Unit) -> String {
    let word = match locale {
        Locale::Ru => ru::unit(n, unit),
        Locale::En => en::unit(n, unit),
    };
    format!("{n}{NBSP}{word}")
}

/// Writes a whole number in groups of three digits.
fn grouped(n: u64, separator: char) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() * 2);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(separator);
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests;
