//! What was probably meant by a text that cannot be read as a value: `30 дней` for `30d`.
//!
//! A guess may be wrong in its turn: [`super::formats`] offers only what can be read.
#![expect(
    clippy::unnecessary_wraps,
    reason = "every guess has the shape of those that may have nothing to offer"
)]

use super::super::values::TimeOfDay;
use super::nearest;

pub(super) fn days(text: &str) -> Option<String> {
    let (number, word) = number_and_word(text);
    let number: u32 = number.parse().ok()?;
    let days = match word.as_str() {
        "" | "d" | "day" | "days" | "д" | "дн" | "дн." | "день" | "дня" | "дней" => {
            number
        }
        "w" | "week" | "weeks" | "нед" | "нед." | "неделя" | "недели" | "недель" => {
            number.checked_mul(7)?
        }
        "m" | "mo" | "month" | "months" | "мес" | "мес." | "месяц" | "месяца" | "месяцев" => {
            number.checked_mul(30)?
        }
        "y" | "year" | "years" | "год" | "года" | "лет" => number.checked_mul(365)?,
        _ => return None,
    };
    Some(format!("{days}d"))
}

pub(super) fn wait(text: &str) -> Option<String> {
    let (number, word) = number_and_word(text);
    let unit = match word.as_str() {
        "" | "s" | "sec" | "second" | "seconds" | "с" | "сек" | "сек." => "s",
        "ms" | "millis" | "мс" => "ms",
        "m" | "min" | "minute" | "minutes" | "м" | "мин" | "мин." => "m",
        "h" | "hour" | "hours" | "ч" | "час" => {
            return (number == "1").then(|| "60m".to_owned());
        }
        _ => return None,
    };
    Some(format!("{number}{unit}"))
}

pub(super) fn span(text: &str) -> Option<String> {
    let (number, word) = number_and_word(text);
    if word.starts_with("cycl") || word.starts_with("цикл") {
        return Some(format!("{number} cycles"));
    }
    days(text)
}

pub(super) fn time(text: &str) -> Option<String> {
    Some(text.trim().replace(['.', '-', ' '], ":"))
}

/// `9-21` and `с 9 до 21` are hours without minutes; anything else probably means never.
pub(super) fn stretch(text: &str) -> Option<String> {
    let numbers: Vec<u32> = text
        .split(|c: char| !c.is_ascii_digit())
        .filter_map(|number| number.parse().ok())
        .collect();
    match numbers[..] {
        [from, to] => Some(format!("{from:02}:00-{to:02}:00")),
        [from, a, to, b] => Some(format!("{from:02}:{a:02}-{to:02}:{b:02}")),
        _ => Some("closed".to_owned()),
    }
}

/// `6:30` is every day at this time; six fields are a crate's seconds before the five.
pub(super) fn schedule(text: &str) -> Option<String> {
    if let Ok(time) = text.trim().replace('.', ":").parse::<TimeOfDay>() {
        return Some(format!("{} * * *", time.0.format("%-M %-H")));
    }
    let fields: Vec<&str> = text.split_whitespace().collect();
    match fields[..] {
        ["0" | "00", ref five @ ..] if five.len() == 5 => Some(five.join(" ")),
        ["off" | "no" | "none" | "-"] => Some("never".to_owned()),
        [word @ ("daily" | "hourly" | "weekly" | "monthly")] => Some(format!("@{word}")),
        _ => None,
    }
}

pub(super) fn share(text: &str) -> Option<String> {
    let (number, word) = number_and_word(text);
    let value: f64 = number.parse().ok()?;
    let is_share = matches!(
        word.as_str(),
        "" | "%" | "percent" | "процент" | "процентов"
    );
    // A bare 0.1 is a fraction, a bare 10 are percents.
    let percent = if word.is_empty() && number.starts_with("0.") {
        (value * 1e6).round() / 1e4
    } else {
        value
    };
    is_share.then(|| format!("{percent}%"))
}

pub(super) fn date(text: &str) -> Option<String> {
    let parts: Vec<&str> = text.trim().split(['.', '/', '-']).collect();
    match parts.as_slice() {
        [year, month, day] if year.len() == 4 => Some(format!("{year}-{month:0>2}-{day:0>2}")),
        [day, month, year] if year.len() == 4 => Some(format!("{year}-{month:0>2}-{day:0>2}")),
        [day, month] if text.contains('.') => Some(format!("{month:0>2}-{day:0>2}")),
        [month, day] => Some(format!("{month:0>2}-{day:0>2}")),
        _ => None,
    }
}

pub(super) fn money(text: &str) -> Option<String> {
    let (number, word) = number_and_word(text);
    let currency = if word.is_empty() {
        "RUB".to_owned()
    } else {
        code_of(&word)
    };
    Some(format!("{number} {currency}"))
}

pub(super) fn discount(text: &str) -> Option<String> {
    share(text).or_else(|| money(text))
}

pub(super) fn currency(text: &str) -> Option<String> {
    Some(code_of(text))
}

/// The three letters of a currency that is written as people write it.
fn code_of(text: &str) -> String {
    let word = text.trim().trim_end_matches('.').to_lowercase();
    let code = match word.as_str() {
        "₽" | "р" | "руб" | "рубль" | "рублей" | "рубли" | "rur" | "rouble" | "ruble" | "p" => {
            "RUB"
        }
        "€" | "евро" | "euro" => "EUR",
        "$" | "доллар" | "долларов" | "dollar" => "USD",
        "₸" | "тг" | "тенге" => "KZT",
        "£" => "GBP",
        _ => return word.to_uppercase(),
    };
    code.to_owned()
}

pub(super) fn time_zone(text: &str) -> Option<String> {
    let names = chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name());
    let wanted = text.trim().replace(' ', "_").to_lowercase();
    let city = |name: &str| name.rsplit('/').next().map(str::to_lowercase);
    let mut cities = names.clone();
    let by_city = cities.find(|name| city(name).as_deref() == Some(&wanted));
    let moscow = (wanted == "msk" || wanted == "utc+3").then_some("Europe/Moscow");
    let found = moscow.or(by_city);
    let found = found.or_else(|| nearest::word(text, names));
    found.map(str::to_owned)
}

pub(super) fn country(text: &str) -> Option<String> {
    Some(text.trim().to_uppercase())
}

pub(super) fn slug(text: &str) -> Option<String> {
    let spaced = text.trim().to_lowercase();
    let parts = spaced.split(|c: char| !c.is_ascii_alphanumeric());
    let parts: Vec<&str> = parts.filter(|part| !part.is_empty()).collect();
    // A name in another alphabet would lose its letters.
    spaced.is_ascii().then(|| parts.join("-"))
}

pub(super) fn color(text: &str) -> Option<String> {
    Some(format!("#{}", text.trim().trim_start_matches("0x")))
}

pub(super) fn url(text: &str) -> Option<String> {
    let rest = text.trim().trim_start_matches("http://");
    Some(format!("https://{}", rest.trim_start_matches('/')))
}

pub(super) fn host(text: &str) -> Option<String> {
    let rest = text.trim().rsplit("://").next()?;
    let host = rest.split(['/', ':']).next()?;
    Some(host.to_lowercase())
}

pub(super) fn email(text: &str) -> Option<String> {
    Some(text.replace(char::is_whitespace, ""))
}

/// The number at the start of a text and the word after it, with a point for a comma.
fn number_and_word(text: &str) -> (String, String) {
    let text = text.trim().replace(',', ".").to_lowercase();
    let is_number = |c: char| c.is_ascii_digit() || c == '.';
    // Spaces within the number group its digits: 1 500.
    let tight: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    let number: String = tight.chars().take_while(|c| is_number(*c)).collect();
    let word = tight[number.len()..].to_owned();
    (number.trim_end_matches('.').to_owned(), word)
}
