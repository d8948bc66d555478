//! Amounts of money and plain numbers, in the ways of writing them that exports use.

use super::{BadValue, Parsed};
use crate::model::Currency;

/// More than this many minor units is a mistake, and keeps every sum within 64 bits.
const LARGEST: i64 = 1_000_000_000_000_000;

const HINT: &str = "write it as 1234.56 or 1234,56";

/// Reads an amount such as `1 234,56`, `1,234.56`, `-99.9` or `150 руб.` into minor units.
///
/// Any Unicode space may separate thousands. A currency may stand before or after the number if it
/// is `currency`; another one is an error, as a sum of two currencies means nothing.
pub(in crate::sources) fn amount(text: &str, currency: Currency) -> Parsed<i64> {
    let text = text.trim().trim_start_matches('\'');
    let digits = currency.minor_digits();
    if let Some(minor) = plain(text, digits as usize) {
        return Ok(minor);
    }
    let (negative, number) = bare(text, |word| names(word, currency))
        .map_err(|word| word.map_or_else(not_a_number, |word| other_currency(&word, currency)))?;
    let decimal = Decimal::of(number, Thousands::MayStandAlone)?;
    let minor = decimal.scaled(digits)?;
    Ok(if negative { -minor } else { minor })
}

/// Reads a plain number such as `2`, `0,5` or `1 200.75`.
pub(in crate::sources) fn number(text: &str) -> Parsed<f64> {
    let text = text.trim().trim_start_matches('\'');
    let (negative, number) = bare(text, |_| false).map_err(|_| not_a_number())?;
    let decimal = Decimal::of(number, Thousands::NeedAFraction)?;
    let plain = format!("{}.{}", decimal.whole, decimal.fraction);
    let value: f64 = plain.parse().map_err(|_| not_a_number())?;
    Ok(if negative { -value } else { value })
}

/// The way in which nearly every amount is written, read without a detour: `-1234.5`.
fn plain(text: &str, digits: usize) -> Option<i64> {
    let (negative, unsigned) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, "0"));
    let fits = (1..=12).contains(&whole.len()) && (1..=digits.min(2)).contains(&fraction.len());
    let mut minor = 0_i64;
    for byte in whole.bytes().chain(fraction.bytes()) {
        if !fits || !byte.is_ascii_digit() {
            return None;
        }
        minor = minor * 10 + i64::from(byte - b'0');
    }
    for _ in fraction.len()..digits {
        minor *= 10;
    }
    (minor <= LARGEST).then_some(if negative { -minor } else { minor })
}

fn not_a_number() -> BadValue {
    BadValue::new("is not a number", HINT)
}

fn other_currency(word: &str, currency: Currency) -> BadValue {
    BadValue::owned(
        format!("is in \"{word}\" and not in {currency}"),
        "all amounts of a company are in one currency: convert it before the import",
    )
}

/// The sign and the number between what stands before and after it.
///
/// Around the number only a sign and a word that `is_known` may stand; otherwise the error is the
/// unknown word, or nothing when there is no word.
fn bare(text: &str, is_known: impl Fn(&str) -> bool) -> Result<(bool, &str), Option<String>> {
    let is_digit = |c: char| c.is_ascii_digit();
    let (Some(first), Some(last)) = (text.find(is_digit), text.rfind(is_digit)) else {
        return Err(None);
    };
    let (before, after) = (text[..first].trim(), text[last + 1..].trim());
    let is_minus = |c: char| ['-', '\u{2212}', '\u{2013}'].contains(&c);
    let signs = before.matches(|c: char| is_minus(c) || c == '+').count();
    let word = before.trim_matches(|c: char| is_minus(c) || c == '+' || c.is_whitespace());
    for word in [word, after] {
        let has_letters = word
            .chars()
            .any(|c| c.is_alphabetic() || SYMBOLS.contains(c));
        if !word.is_empty() && !is_known(word) {
            return Err(has_letters.then(|| word.to_owned()));
        }
    }
    if signs > 1 {
        return Err(None);
    }
    Ok((before.contains(is_minus), &text[first..=last]))
}

/// Signs of currencies.
const SYMBOLS: &str = "$€₽£¥₸₴₾₺";

/// Whether `word` is a way of writing `currency`.
pub(in crate::sources) fn names(word: &str, currency: Currency) -> bool {
    let word = word.trim().trim_matches('.').to_lowercase();
    let ways: &[&str] = match currency.code() {
        "RUB" => &[
            "₽",
            "р",
            "руб",
            "рублей",
            "рубль",
            "рубля",
            "rur",
            "rub",
            "643",
        ],
        "USD" => &["$", "us$", "usd"],
        "EUR" => &["€", "eur"],
        "GBP" => &["£", "gbp"],
        "KZT" => &["₸", "тг", "тенге", "kzt"],
        "UAH" => &["₴", "грн", "uah"],
        "JPY" | "CNY" => &["¥"],
        "CAD" | "AUD" | "NZD" | "SGD" | "HKD" => &["$"],
        _ => &[],
    };
    ways.contains(&word.as_str()) || word.eq_ignore_ascii_case(currency.code())
}

/// The digits of a number, thousands marks taken out.
#[derive(Debug, PartialEq, Eq)]
struct Decimal {
    whole: String,
    fraction: String,
}

/// Whether one mark before three digits can part thousands: `1,234`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Thousands {
    /// It can, so such a text says two things.
    MayStandAlone,
    /// It cannot: a single mark separates the fraction.
    NeedAFraction,
}

impl Decimal {
    /// Finds out which of the marks separates the fraction.
    fn of(text: &str, thousands: Thousands) -> Parsed<Self> {
        let marks = |mark| text.bytes().filter(|byte| *byte == mark).count();
        let (points, commas) = (marks(b'.'), marks(b','));
        let last = text.rfind(['.', ',']);
        let fraction_at = match (last, points, commas) {
            // Both marks: the last one separates the fraction, if it stands alone.
            (Some(at), 1.., 1..) if marks(text.as_bytes()[at]) == 1 => Some(at),
            (_, 1.., 1..) => return Err(not_a_number()),
            // One mark several times can only separate thousands.
            (None, ..) | (Some(_), 2.., 0) | (Some(_), 0, 2..) => None,
            (Some(at), ..) => Some(at),
        };
        let (whole, fraction) = match fraction_at {
            Some(at) => (&text[..at], &text[at + 1..]),
            None => (text, ""),
        };
        let two_ways = points + commas == 1 && fraction.len() == 3 && whole.len() <= 3;
        if two_ways && thousands == Thousands::MayStandAlone {
            return Err(BadValue::new(
                "can be read in two ways: thousands or a fraction",
                "write it with two digits after the mark, as 1234.00 or 1.23",
            ));
        }
        if fraction_at.is_some() && fraction.is_empty()
            || !fraction.bytes().all(|byte| byte.is_ascii_digit())
        {
            return Err(not_a_number());
        }
        Ok(Self {
            whole: ungrouped(whole)?,
            fraction: fraction.to_owned(),
        })
    }

    /// The number times ten to the power of `digits`, if it has no further digits than that.
    ///
    /// Long tails of nought or nine are what a computer makes of a sum: they are rounded.
    fn scaled(&self, digits: u32) -> Parsed<i64> {
        let digits = digits as usize;
        let kept = &self.fraction[..self.fraction.len().min(digits)];
        let rest = &self.fraction[kept.len()..];
        let round_up = match rest.as_bytes() {
            rest if rest.iter().all(|byte| *byte == b'0') => false,
            rest if rest.len() >= 4 && rest.starts_with(b"000") => false,
            rest if rest.len() >= 4 && rest.starts_with(b"999") => true,
            _ => {
                return Err(BadValue::new(
                    "has more digits after the mark than the currency",
                    HINT,
                ));
            }
        };
        let joined = format!("{}{kept:0<digits$}", self.whole);
        let minor: Option<i64> = joined.parse().ok();
        minor
            .map(|minor| minor.saturating_add(i64::from(round_up)))
            .filter(|minor| *minor <= LARGEST)
            .ok_or_else(|| BadValue::new("is larger than any amount", HINT))
    }
}

/// Takes the thousands marks out of the whole part: groups of three, parted by one kind of mark.
fn ungrouped(whole: &str) -> Parsed<String> {
    if whole.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(whole.to_owned());
    }
    let is_mark = |c: char| c.is_whitespace() || ".,'\u{2019}".contains(c);
    let mut marks = whole.chars().filter(|c| !c.is_ascii_digit());
    let first = marks.next().unwrap_or(' ');
    // Spaces of different widths are mixed by real systems; points and commas are not.
    let same = |c: char| c == first || (c.is_whitespace() && first.is_whitespace());
    if !is_mark(first) || !marks.all(same) {
        return Err(not_a_number());
    }
    let mut groups = whole.split(is_mark);
    let head = groups.next().unwrap_or_default();
    if head.is_empty() || head.len() > 3 || !groups.all(|group| group.len() == 3) {
        return Err(not_a_number());
    }
    Ok(whole.chars().filter(char::is_ascii_digit).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn amounts_are_read_in_the_ways_that_exports_write_them() {
        for (text, minor) in [
            ("1234.56", 123_456),
            ("1 234,56", 123_456),
            ("1\u{a0}234,56", 123_456),
            ("1\u{202f}234\u{2009}567,5", 123_456_750),
            ("1,234.56", 123_456),
            ("1.234,56", 123_456),
            ("1,234,567", 123_456_700),
            ("1'234.50", 123_450),
            ("-122.3", -12_230),
            ("\u{2212}5", -500),
            ("+7", 700),
            ("'99,90", 9_990),
            ("0", 0),
            ("150 руб.", 15_000),
            ("150р.", 15_000),
            ("1 500 ₽", 150_000),
            ("1500.00 RUB", 150_000),
            ("₽ 1500", 150_000),
            ("12.340000000000002", 1_234),
            ("12.3399999999", 1_234),
            ("99.9900", 9_999),
            ("1234567", 123_456_700),
        ] {
            assert_eq!(amount(text, Currency::RUB), Ok(minor), "{text}");
        }
    }

    #[test]
    fn what_is_no_amount_or_could_be_two_is_an_error() {
        for text in [
            "",
            "-",
            "abc",
            "(12.50)",
            "1e5",
            "1,23,4",
            "1.2.3,4,5",
            "12 34",
            "1 2345",
            ".5",
            "5.",
            "5 .",
            "$",
            "1,234",
            "1.234",
            "12.345",
            "--5",
            "5-",
            "NaN",
            "0x10",
            "1_000",
            "9999999999999999999",
        ] {
            assert!(amount(text, Currency::RUB).is_err(), "{text}");
        }
    }

    #[test]
    fn another_currency_is_an_error_that_names_it() {
        for text in ["$100", "100 USD", "100 €", "EUR 100"] {
            let bad = amount(text, Currency::RUB).unwrap_err();
            assert!(bad.reason.contains("not in RUB"), "{text}: {}", bad.reason);
        }
        let dollar = "USD".parse().unwrap();
        assert_eq!(amount("$1,250.00", dollar), Ok(125_000));
    }

    #[test]
    fn a_currency_without_minor_units_takes_whole_amounts() {
        let yen = "JPY".parse().unwrap();
        assert_eq!(amount("1234", yen), Ok(1234));
        assert_eq!(amount("¥1,234,567", yen), Ok(1_234_567));
        assert!(amount("12.5", yen).is_err());
    }

    #[test]
    fn plain_numbers_take_both_marks() {
        assert_eq!(number("1.500"), Ok(1.5));
        assert_eq!(number("2"), Ok(2.0));
        assert_eq!(number("0,5"), Ok(0.5));
        assert_eq!(number("-1 200.75"), Ok(-1200.75));
        assert!(number("two").is_err());
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(text in ".*") {
            let _ = amount(&text, Currency::RUB);
            let _ = number(&text);
        }

        #[test]
        fn no_mixture_of_marks_makes_the_reader_panic(text in "[-+0-9., '\u{a0}$₽рубEUR.]{0,24}") {
            let _ = amount(&text, Currency::RUB);
            let _ = number(&text);
        }

        #[test]
        fn an_amount_survives_every_way_of_writing_it(minor in -99_999_999_999_i64..99_999_999_999) {
            let (sign, absolute) = (if minor < 0 { "-" } else { "" }, minor.abs());
            let (whole, cents) = (absolute / 100, absolute % 100);
            let plain = whole.to_string();
            let grouped = |mark: &str| {
                let groups: Vec<&str> = plain
                    .as_bytes()
                    .rchunks(3)
                    .rev()
                    .map(|group| std::str::from_utf8(group).unwrap())
                    .collect();
                groups.join(mark)
            };
            for text in [
                format!("{sign}{plain}.{cents:02}"),
                format!("{sign}{plain},{cents:02}"),
                format!("{sign}{},{cents:02}", grouped(" ")),
                format!("{sign}{},{cents:02}", grouped("\u{a0}")),
                format!("{sign}{}.{cents:02}", grouped(",")),
                format!("{sign}{},{cents:02} руб.", grouped(".")),
            ] {
                prop_assert_eq!(amount(&text, Currency::RUB), Ok(minor), "{}", text);
            }
        }
    }
}
