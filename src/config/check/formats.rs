//! The texts that stand for values: `30d`, `10%`, `https://…`.
//!
//! The JSON schema names a format; here stands, for each, what it is called, how it is written and
//! what reads it. What was probably meant by a text that cannot be read is guessed in [`guesses`]. The
//! values themselves are in `config::values`.

use std::str::FromStr;

use super::super::campaign::{DateRule, Discount};
use super::super::schedule::When;
use super::super::settings::Stretch;
use super::super::values::{Days, Share, Span, TimeOfDay, Wait};
use super::{guesses, nearest};
use crate::model::{Currency, Day, Money};

/// One format of the JSON schema.
pub(super) struct Format {
    /// The name in the schema.
    pub(super) name: &'static str,
    /// What it is, with its article.
    pub(super) what: &'static str,
    /// How it is written.
    pub(super) example: &'static str,
    /// Whether a text can be read.
    pub(super) reads: fn(&str) -> bool,
    /// What was probably meant by a text that cannot be read.
    guess: fn(&str) -> Option<String>,
}

/// Every format that the schemas name.
pub(super) const FORMATS: &[Format] = &[
    Format {
        name: "days",
        what: "a number of days",
        example: "30d or 2w",
        reads: parses::<Days>,
        guess: guesses::days,
    },
    Format {
        name: "span",
        what: "a distance in time",
        example: "4d, 2w or 0.5 cycles",
        reads: parses::<Span>,
        guess: guesses::span,
    },
    Format {
        name: "wait",
        what: "a stretch of time",
        example: "30s or 5m",
        reads: parses::<Wait>,
        guess: guesses::wait,
    },
    Format {
        name: "share",
        what: "a share",
        example: "10%, from 0% to 100%",
        reads: parses::<Share>,
        guess: guesses::share,
    },
    Format {
        name: "time",
        what: "a time of day",
        example: "10:00",
        reads: parses::<TimeOfDay>,
        guess: guesses::time,
    },
    Format {
        name: "hours",
        what: "a stretch of the day",
        example: "closed, or 09:00-21:00",
        reads: parses::<Stretch>,
        guess: guesses::stretch,
    },
    Format {
        name: "cron",
        what: "a schedule",
        example: "30 6 * * 1-5, which is minute, hour, day of the month, month, day of the week",
        reads: parses::<When>,
        guess: guesses::schedule,
    },
    Format {
        name: "date",
        what: "a date",
        example: "2026-12-01",
        reads: parses::<Day>,
        guess: guesses::date,
    },
    Format {
        name: "date_rule",
        what: "a day",
        example: "12-20 for every year, or 2026-12-20 for once",
        reads: parses::<DateRule>,
        guess: guesses::date,
    },
    Format {
        name: "money",
        what: "an amount of money",
        example: "1500 RUB or 99.90 EUR",
        reads: parses::<Money>,
        guess: guesses::money,
    },
    Format {
        name: "discount",
        what: "a discount",
        example: "10% or 500 RUB",
        reads: parses::<Discount>,
        guess: guesses::discount,
    },
    Format {
        name: "currency",
        what: "a currency",
        example: "RUB or EUR, by its three letters",
        reads: parses::<Currency>,
        guess: guesses::currency,
    },
    Format {
        name: "time_zone",
        what: "a time zone",
        example: "Europe/Moscow, by its IANA name",
        reads: parses::<chrono_tz::Tz>,
        guess: guesses::time_zone,
    },
    Format {
        name: "country",
        what: "a country",
        example: "RU or DE, by its two capital letters",
        reads: is_country,
        guess: guesses::country,
    },
    Format {
        name: "slug",
        what: "an id",
        example: "missed-cycle: small Latin letters, digits and hyphens",
        reads: is_slug,
        guess: guesses::slug,
    },
    Format {
        name: "color",
        what: "a colour",
        example: "#0b6e4f",
        reads: is_color,
        guess: guesses::color,
    },
    Format {
        name: "url",
        what: "an address of the web",
        example: "https://www.example.org",
        reads: is_url,
        guess: guesses::url,
    },
    Format {
        name: "host",
        what: "the name of a server or a domain",
        example: "smtp.example.org",
        reads: is_host,
        guess: guesses::host,
    },
    Format {
        name: "email",
        what: "an e-mail address",
        example: "sales@example.org",
        reads: email_address::EmailAddress::is_valid,
        guess: guesses::email,
    },
];

impl Format {
    /// The format of a name; nothing when the name is not one of ours.
    pub(super) fn named(name: &str) -> Option<&'static Self> {
        FORMATS.iter().find(|format| format.name == name)
    }

    /// What was probably meant by a text that cannot be read; always something that can be.
    pub(super) fn meant(&self, text: &str) -> Option<String> {
        let latin = nearest::in_latin_letters(text);
        let guesses = [Some(latin.clone()), (self.guess)(&latin)];
        let mut readable = guesses.into_iter().flatten().filter(|guess| guess != text);
        readable.find(|guess| (self.reads)(guess))
    }
}

fn parses<T: FromStr>(text: &str) -> bool {
    text.parse::<T>().is_ok()
}

/// A country by the two letters of ISO 3166-1, as the numbering plans of phones know it.
fn is_country(text: &str) -> bool {
    text.len() == 2
        && text.bytes().all(|byte| byte.is_ascii_uppercase())
        && parses::<phonenumber::country::Id>(text)
}

/// Small letters, digits and hyphens between them: safe in file names, addresses and keys.
fn is_slug(text: &str) -> bool {
    let part = |part: &str| {
        let mut bytes = part.bytes();
        !part.is_empty() && bytes.all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    text.len() <= 64 && text.split('-').all(part)
}

fn is_color(text: &str) -> bool {
    let digits = text.strip_prefix('#').unwrap_or_default();
    digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// `https://` with a host; `http://` for this machine only, where pages are tried out.
fn is_url(text: &str) -> bool {
    let host_of = |rest: &str| rest.split(['/', '?', '#']).next().map(str::to_owned);
    let clean = !text.contains(|c: char| c.is_whitespace() || c.is_control());
    let host = match (text.strip_prefix("https://"), text.strip_prefix("http://")) {
        (Some(rest), _) => host_of(rest),
        (None, Some(rest)) => host_of(rest).filter(|host| {
            let name = host.split(':').next().unwrap_or_default();
            name == "localhost" || name == "127.0.0.1"
        }),
        (None, None) => None,
    };
    clean && host.is_some_and(|host| host.contains('.') || host.starts_with("localhost"))
}

/// A name of the domain name system in any script, or the number of a machine.
fn is_host(text: &str) -> bool {
    let is_label = |label: &str| {
        let letters = label.chars().all(|c| c.is_alphanumeric() || c == '-');
        !label.is_empty() && letters && !label.starts_with('-') && !label.ends_with('-')
    };
    let is_name = text.len() <= 253 && text.split('.').all(is_label);
    is_name && idna::domain_to_ascii(text).is_ok() || parses::<std::net::IpAddr>(text)
}

#[cfg(test)]
mod tests {
    use super::super::super::schema::{FileKind, schema};
    use super::*;

    #[test]
    fn what_was_meant_by_a_wrong_value_is_offered() {
        for (format, text, meant) in [
            ("days", "30", Some("30d")),
            ("days", "30 days", Some("30d")),
            ("days", "3 месяца", Some("90d")),
            ("days", "2 недели", Some("14d")),
            ("days", "soon", None),
            ("days", "99999999999", None),
            ("span", "0,5 cycles", Some("0.5 cycles")),
            ("span", "полцикла", None),
            ("span", "4 days", Some("4d")),
            ("hours", "9-21", Some("09:00-21:00")),
            ("hours", "9.30 до 20.00", Some("09:30-20:00")),
            ("hours", "never", Some("closed")),
            ("cron", "6:30", Some("30 6 * * *")),
            ("cron", "0 30 6 * * *", Some("30 6 * * *")),
            ("cron", "off", Some("never")),
            ("cron", "daily", Some("@daily")),
            ("cron", "0 25 * * *", None),
            ("share", "10", Some("10%")),
            ("share", "0.1", Some("10%")),
            ("share", "0,25", Some("25%")),
            ("share", "150%", None),
            ("time", "10.30", Some("10:30")),
            ("date", "20.12.2026", Some("2026-12-20")),
            ("date", "2026/1/5", Some("2026-01-05")),
            ("date", "31.02.2026", None),
            ("date_rule", "20.12", Some("12-20")),
            ("money", "1 500 руб.", Some("1500 RUB")),
            ("money", "1500", Some("1500 RUB")),
            ("discount", "10", Some("10%")),
            ("discount", "500 р", Some("500 RUB")),
            ("currency", "₽", Some("RUB")),
            ("currency", "RUВ", Some("RUB")),
            ("time_zone", "Moscow", Some("Europe/Moscow")),
            ("time_zone", "Europe/Moskow", Some("Europe/Moscow")),
            ("time_zone", "europe/moscow", Some("Europe/Moscow")),
            ("country", "ru", Some("RU")),
            ("country", "ZZ", None),
            ("slug", "Missed Cycle", Some("missed-cycle")),
            ("slug", "Спящие", None),
            ("color", "0b6e4f", Some("#0b6e4f")),
            ("wait", "30", Some("30s")),
            ("wait", "2 мин", Some("2m")),
            ("wait", "1h", Some("60m")),
            ("wait", "2d", None),
            (
                "host",
                "smtp://Mail.example.org:25/",
                Some("mail.example.org"),
            ),
            ("host", "a b", None),
            ("host", "-a.example.org", None),
            ("url", "example.org", Some("https://example.org")),
            ("url", "http://example.org/a", Some("https://example.org/a")),
            ("email", "sales @example.org", Some("sales@example.org")),
        ] {
            let format = Format::named(format).unwrap();
            assert!(!(format.reads)(text), "{} reads {text}", format.name);
            assert_eq!(
                format.meant(text).as_deref(),
                meant,
                "{} {text}",
                format.name
            );
        }
    }

    #[test]
    fn right_values_are_read() {
        for (format, text) in [
            ("url", "https://www.example.org/a?b=c"),
            ("url", "http://127.0.0.1:8080/x"),
            ("country", "RU"),
            ("host", "smtp.example.org"),
            ("host", "почта.рф"),
            ("host", "::1"),
            ("slug", "news-2026-09"),
            ("color", "#0B6E4F"),
            ("email", "hello@example.org"),
        ] {
            assert!((Format::named(format).unwrap().reads)(text), "{text}");
        }
    }

    #[test]
    fn every_format_of_the_schemas_is_known_and_every_known_one_explains_itself() {
        fn formats(schema: &serde_json::Value, found: &mut Vec<String>) {
            if let Some(object) = schema.as_object() {
                if let (Some("string"), Some(format)) = (
                    object.get("type").and_then(|t| t.as_str()),
                    object.get("format"),
                ) {
                    found.extend(format.as_str().map(str::to_owned));
                }
                object.values().for_each(|value| formats(value, found));
            }
            if let Some(list) = schema.as_array() {
                for value in list {
                    formats(value, found);
                }
            }
        }
        for kind in FileKind::ALL {
            let mut found = Vec::new();
            formats(schema(kind), &mut found);
            assert!(!found.is_empty());
            for name in found {
                assert!(Format::named(&name).is_some(), "{name}");
            }
        }
        for format in FORMATS {
            let example = format.example.split([',', ':']).next().unwrap();
            let example = example.split(" or ").next().unwrap();
            let example = example.split(" for ").next().unwrap();
            let whole = format.example.to_owned();
            assert!(
                (format.reads)(example) || (format.reads)(&whole),
                "{}: {example}",
                format.name
            );
        }
    }
}
