//! E-mail addresses, phone numbers and countries.

use std::str::FromStr;

use email_address::EmailAddress;
use phonenumber::Mode;

use super::{BadValue, Parsed};
use crate::model::Channel;

/// Reads an address that a person typed, in the form in which imports keep it.
///
/// # Errors
///
/// It is none; says why, and what to write, without repeating it.
pub fn typed_address(channel: Channel, text: &str, home: &str) -> Result<String, String> {
    let read = match channel {
        Channel::Email => email(text),
        Channel::Whatsapp => phone(text, home),
    };
    read.map_err(|bad| format!("this {}: {}", bad.reason, bad.hint))
}

/// Reads the first e-mail address of a cell, checked and in lower case.
///
/// An address without a dot in its domain is valid by the standard and wrong in every real base.
pub(in crate::sources) fn email(raw: &str) -> Parsed<String> {
    let bad = || BadValue::new("is not an e-mail address", "write it as anna@example.org");
    let first = raw
        .split([',', ';', ' ', '\n', '\t'])
        .map(str::trim)
        .find(|part| !part.is_empty())
        .ok_or_else(bad)?;
    let address = first.trim_start_matches("mailto:").to_lowercase();
    let (_, domain) = address.rsplit_once('@').ok_or_else(bad)?;
    let dotted = domain.contains('.') && !domain.ends_with('.') && !domain.starts_with('.');
    let plain = !address
        .chars()
        .any(|c| c.is_control() || "<>\"()".contains(c));
    if !dotted || !plain || !EmailAddress::is_valid(&address) {
        return Err(bad());
    }
    Ok(address)
}

/// Reads the first phone number of a cell into E.164 with a plus.
///
/// `home` is the country (two letters) of numbers that are written without one.
pub(in crate::sources) fn phone(raw: &str, home: &str) -> Parsed<String> {
    let bad = || {
        BadValue::owned(
            "is not a phone number",
            format!("write it with its country, as +7 913 123-45-67; without one it is of {home}"),
        )
    };
    let first = raw
        .split([',', ';', '/', '|', '\n'])
        .map(|part| part.trim().trim_start_matches('\''))
        .find(|part| part.contains(|c: char| c.is_ascii_digit()))
        .ok_or_else(bad)?;
    // Longer texts are no numbers, and the parser takes its time with them.
    if first.len() > 60 {
        return Err(bad());
    }
    let country = phonenumber::country::Id::from_str(home).ok();
    let parsed = phonenumber::parse(country, first)
        .ok()
        .filter(phonenumber::is_valid)
        .or_else(|| international(first))
        .ok_or_else(bad)?;
    Ok(parsed.format().mode(Mode::E164).to_string())
}

/// A number with its country code but without the plus, as many systems store it.
fn international(text: &str) -> Option<phonenumber::PhoneNumber> {
    if text.starts_with('+') {
        return None;
    }
    let parsed = phonenumber::parse(None, format!("+{text}")).ok()?;
    phonenumber::is_valid(&parsed).then_some(parsed)
}

/// Reads a country into its two capital letters.
pub(in crate::sources) fn country(raw: &str) -> Parsed<String> {
    let name = raw.trim().to_lowercase();
    let code = match name.as_str() {
        "россия" | "рф" | "российская федерация" | "russia" | "russian federation" => {
            "RU"
        }
        "беларусь" | "белоруссия" | "belarus" => "BY",
        "казахстан" | "kazakhstan" => "KZ",
        "узбекистан" | "uzbekistan" => "UZ",
        "армения" | "armenia" => "AM",
        "грузия" | "georgia" => "GE",
        "германия" | "germany" | "deutschland" => "DE",
        "франция" | "france" => "FR",
        "великобритания" | "united kingdom" | "uk" => "GB",
        "сша" | "usa" | "united states" => "US",
        other => other,
    };
    let code = code.to_ascii_uppercase();
    let known = code.len() == 2 && phonenumber::country::Id::from_str(&code).is_ok();
    known.then_some(code).ok_or_else(|| {
        BadValue::new(
            "is not a country that is known",
            "write its two letters, as RU or DE",
        )
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn phones_become_e164_with_the_country_of_the_client() {
        for (raw, home, number) in [
            ("8 (913) 123-45-67", "RU", "+79131234567"),
            ("+7 913 123 45 67", "DE", "+79131234567"),
            ("79131234567", "RU", "+79131234567"),
            ("9131234567", "RU", "+79131234567"),
            ("'+79131234567", "RU", "+79131234567"),
            ("030 901820", "DE", "+4930901820"),
            ("8 913 123-45-67, 8 495 123-45-67", "RU", "+79131234567"),
            ("тел. 8 913 123-45-67", "RU", "+79131234567"),
        ] {
            assert_eq!(phone(raw, home), Ok(number.to_owned()), "{raw}");
        }
        for raw in ["", "нет", "12345", "7,91312E+10", "000", "+999123456789"] {
            assert!(phone(raw, "RU").is_err(), "{raw}");
        }
    }

    #[test]
    fn e_mail_addresses_become_lower_case_and_need_a_dot_in_the_domain() {
        for (raw, address) in [
            (" Anna@Example.ORG ", "anna@example.org"),
            ("anna@example.org, lee@example.org", "anna@example.org"),
            ("mailto:anna@example.org", "anna@example.org"),
        ] {
            assert_eq!(email(raw), Ok(address.to_owned()), "{raw}");
        }
        for raw in [
            "",
            "anna",
            "anna@localhost",
            "@example.org",
            "anna@.org",
            "anna@example.",
            "a b",
            "anna@exa mple.org",
            "Anna <anna@example.org>",
            "anna@@example.org",
        ] {
            assert!(email(raw).is_err(), "{raw}");
        }
    }

    #[test]
    fn countries_are_two_letters_or_a_common_name() {
        assert_eq!(country("ru"), Ok("RU".to_owned()));
        assert_eq!(country(" Россия "), Ok("RU".to_owned()));
        assert!(country("Atlantis").is_err());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn no_text_makes_the_readers_panic(raw in ".*", digits in "[-+0-9() ,ext.]{0,40}") {
            for raw in [&raw, &digits] {
                if let Ok(number) = phone(raw, "RU") {
                    prop_assert_eq!(phone(&number, "DE"), Ok(number.clone()));
                }
                if let Ok(address) = email(raw) {
                    prop_assert_eq!(email(&address), Ok(address.clone()));
                }
                let _ = country(raw);
            }
        }
    }
}
