//! What English knows.

use chrono::{Datelike, Weekday};

use super::{DateStyle, NBSP, Often, Percent, PluralForm, Silence, Unit, grouped};
use crate::model::{Currency, Day};

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

pub(super) fn plural(n: u64) -> PluralForm {
    if n == 1 {
        PluralForm::One
    } else {
        PluralForm::Many
    }
}

pub(super) fn unit(n: u32, unit: Unit) -> &'static str {
    let (one, many) = match unit {
        Unit::Day => ("day", "days"),
        Unit::Week => ("week", "weeks"),
        Unit::Month => ("month", "months"),
        Unit::Year => ("year", "years"),
    };
    if n == 1 { one } else { many }
}

pub(super) fn every(often: Often) -> String {
    match often {
        Often::Daily => "every day".to_owned(),
        Often::Weekly => "every week".to_owned(),
        Often::Monthly => "every month".to_owned(),
        Often::Yearly => "every year".to_owned(),
        Often::Every(n, what) => format!("every {n}{NBSP}{}", unit(n, what)),
    }
}

pub(super) fn date(day: Day, style: DateStyle) -> String {
    let date = day.date();
    let (d, year) = (date.day(), date.year());
    let month = MONTHS[date.month0() as usize];
    match style {
        DateStyle::Long => format!("{d}{NBSP}{month} {year}"),
        DateStyle::DayMonth => format!("{d}{NBSP}{month}"),
        DateStyle::Short => format!("{d}{NBSP}{} {year}", &month[..3]),
        DateStyle::Weekday => format!("{}, {d}{NBSP}{month}", weekday(day.weekday())),
    }
}

fn weekday(day: Weekday) -> &'static str {
    match day {
        Weekday::Mon => "Monday",
        Weekday::Tue => "Tuesday",
        Weekday::Wed => "Wednesday",
        Weekday::Thu => "Thursday",
        Weekday::Fri => "Friday",
        Weekday::Sat => "Saturday",
        Weekday::Sun => "Sunday",
    }
}

pub(super) fn amount(whole: u64, fraction: Option<String>, currency: Currency) -> String {
    let sign = match currency.code() {
        "USD" => "$",
        "EUR" => "€",
        "GBP" => "£",
        "JPY" => "¥",
        "INR" => "₹",
        _ => "",
    };
    let mut amount = grouped(whole, ',');
    if let Some(fraction) = fraction {
        amount.push('.');
        amount.push_str(&fraction);
    }
    if sign.is_empty() {
        format!("{}{NBSP}{amount}", currency.code())
    } else {
        format!("{sign}{amount}")
    }
}

pub(super) fn percent(share: f64) -> String {
    match Percent::of(share) {
        Some(Percent::BelowOne) => format!("less than{NBSP}1%"),
        Some(Percent::Whole(n)) => format!("{n}%"),
        None => "—".to_owned(),
    }
}

pub(super) fn rhythm_sentence(silence: Silence) -> String {
    let days = silence.days;
    let mut sentence = match silence.usual_gap {
        Some(1) => format!(
            "usually every day, silent for {days} {}",
            unit(days, Unit::Day)
        ),
        Some(gap) => format!("usually every {gap} days, silent for {days}"),
        None => format!("silent for {days} {}", unit(days, Unit::Day)),
    };
    if let Some(longer) = silence.longer {
        sentence.push_str("; of the pauses of such clients that ended, ");
        sentence.push_str(&longer_share(longer));
    }
    if let Some(back) = silence.back_in_30 {
        let chance = match back {
            Percent::BelowOne => "less than 1 %".to_owned(),
            Percent::Whole(n) => format!("{n} %"),
        };
        sentence.push_str("; chance of coming back unprompted within 30 days: ");
        sentence.push_str(&chance);
    }
    sentence
}

fn longer_share(longer: Percent) -> String {
    match longer {
        Percent::BelowOne => "less than 1 % were longer".to_owned(),
        Percent::Whole(0) => "none was longer".to_owned(),
        Percent::Whole(n) => {
            let only = if longer <= Percent::FEW { "only " } else { "" };
            format!("{only}{n} % were longer")
        }
    }
}
