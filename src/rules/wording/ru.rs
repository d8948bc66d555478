//! What Russian knows.

use chrono::{Datelike, Weekday};

use super::{DateStyle, NBSP, Often, Percent, PluralForm, Silence, Unit, grouped};
use crate::model::{Currency, Day};

const MONTHS: [&str; 12] = [
    "января",
    "февраля",
    "марта",
    "апреля",
    "мая",
    "июня",
    "июля",
    "августа",
    "сентября",
    "октября",
    "ноября",
    "декабря",
];

pub(super) fn plural(n: u64) -> PluralForm {
    match (n % 10, n % 100) {
        (_, 11..=14) => PluralForm::Many,
        (1, _) => PluralForm::One,
        (2..=4, _) => PluralForm::Few,
        _ => PluralForm::Many,
    }
}

/// Picks the form of a word that goes with `n`.
fn form<'a>(n: u32, one: &'a str, few: &'a str, many: &'a str) -> &'a str {
    match plural(u64::from(n)) {
        PluralForm::One => one,
        PluralForm::Few => few,
        PluralForm::Many => many,
    }
}

pub(super) fn unit(n: u32, unit: Unit) -> &'static str {
    match unit {
        Unit::Day => form(n, "день", "дня", "дней"),
        Unit::Week => form(n, "неделя", "недели", "недель"),
        Unit::Month => form(n, "месяц", "месяца", "месяцев"),
        Unit::Year => form(n, "год", "года", "лет"),
    }
}

pub(super) fn every(often: Often) -> String {
    match often {
        Often::Daily => "каждый день".to_owned(),
        Often::Weekly => format!("раз в{NBSP}неделю"),
        Often::Monthly => format!("раз в{NBSP}месяц"),
        Often::Yearly => format!("раз в{NBSP}год"),
        Often::Every(n, what) => format!("раз в{NBSP}{n}{NBSP}{}", unit(n, what)),
    }
}

pub(super) fn date(day: Day, style: DateStyle) -> String {
    let date = day.date();
    let (d, year) = (date.day(), date.year());
    let month = MONTHS[date.month0() as usize];
    match style {
        DateStyle::Long => format!("{d}{NBSP}{month} {year}{NBSP}г."),
        DateStyle::DayMonth => format!("{d}{NBSP}{month}"),
        DateStyle::Short => format!("{d:02}.{:02}.{year}", date.month()),
        DateStyle::Weekday => format!("{}, {d}{NBSP}{month}", weekday(day.weekday())),
    }
}

fn weekday(day: Weekday) -> &'static str {
    match day {
        Weekday::Mon => "понедельник",
        Weekday::Tue => "вторник",
        Weekday::Wed => "среда",
        Weekday::Thu => "четверг",
        Weekday::Fri => "пятница",
        Weekday::Sat => "суббота",
        Weekday::Sun => "воскресенье",
    }
}

pub(super) fn amount(whole: u64, fraction: Option<String>, currency: Currency) -> String {
    let sign = match currency.code() {
        "RUB" => "₽",
        "USD" => "$",
        "EUR" => "€",
        "GBP" => "£",
        "KZT" => "₸",
        "BYN" => "Br",
        "CNY" | "JPY" => "¥",
        code => code,
    };
    let whole = grouped(whole, NBSP);
    match fraction {
        Some(fraction) => format!("{whole},{fraction}{NBSP}{sign}"),
        None => format!("{whole}{NBSP}{sign}"),
    }
}

pub(super) fn percent(share: f64) -> String {
    match Percent::of(share) {
        Some(Percent::BelowOne) => format!("меньше 1{NBSP}%"),
        Some(Percent::Whole(n)) => format!("{n}{NBSP}%"),
        None => "—".to_owned(),
    }
}

pub(super) fn rhythm_sentence(silence: Silence) -> String {
    let days = silence.days;
    let mut sentence = match silence.usual_gap {
        Some(1) => format!(
            "обычно каждый день, молчит {days} {}",
            unit(days, Unit::Day)
        ),
        Some(gap) => {
            let every = form(gap, "каждый", "каждые", "каждые");
            format!(
                "обычно {every} {gap} {}, молчит {days}",
                unit(gap, Unit::Day)
            )
        }
        None => format!("молчит {days} {}", unit(days, Unit::Day)),
    };
    if let Some(longer) = silence.longer {
        sentence.push_str("; из завершившихся пауз таких клиентов ");
        sentence.push_str(&longer_share(longer));
    }
    if let Some(back) = silence.back_in_30 {
        let chance = match back {
            Percent::BelowOne => "меньше 1 %".to_owned(),
            Percent::Whole(n) => format!("{n} %"),
        };
        sentence.push_str("; вероятность, что вернётся без напоминания за 30 дней, — ");
        sentence.push_str(&chance);
    }
    sentence
}

fn longer_share(longer: Percent) -> String {
    match longer {
        Percent::BelowOne => "длиннее были меньше 1 %".to_owned(),
        Percent::Whole(0) => "ни одна не была длиннее".to_owned(),
        Percent::Whole(n) => {
            let only = if longer <= Percent::FEW {
                "только "
            } else {
                ""
            };
            let were = form(n, "был длиннее", "были длиннее", "были длиннее");
            format!("{only}{n} % {were}")
        }
    }
}
