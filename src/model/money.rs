//! Money: integer minor units with a currency.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A currency by its ISO 4217 code.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency([u8; 3]);

/// A text that is not an amount of money or a currency code.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// The currency is not three capital Latin letters.
    #[error("\"{0}\" is not a currency; write its three letters, such as RUB or EUR")]
    Currency(String),
    /// The amount is not a number with at most the digits that the currency has.
    #[error("\"{0}\" is not an amount; write it as 1500 RUB or 99.90 EUR")]
    Amount(String),
}

impl Currency {
    /// The Russian rouble.
    pub const RUB: Self = Self(*b"RUB");

    /// The three letters.
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("???")
    }

    /// Digits after the decimal point: the exponent of the minor unit.
    ///
    /// Source: ISO 4217, list one. Currencies that are not named here have two.
    pub const fn minor_digits(self) -> u32 {
        match &self.0 {
            b"JPY" | b"KRW" | b"VND" | b"CLP" | b"ISK" | b"PYG" | b"UGX" | b"XAF" | b"XOF" => 0,
            b"BHD" | b"IQD" | b"JOD" | b"KWD" | b"LYD" | b"OMR" | b"TND" => 3,
            _ => 2,
        }
    }
}

impl FromStr for Currency {
    type Err = MoneyError;

    fn from_str(text: &str) -> Result<Self, MoneyError> {
        let code = text.trim().to_ascii_uppercase();
        match <[u8; 3]>::try_from(code.as_bytes()) {
            Ok(bytes) if bytes.iter().all(u8::is_ascii_uppercase) => Ok(Self(bytes)),
            _ => Err(MoneyError::Currency(text.to_owned())),
        }
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

/// An amount of money in minor units (kopecks, cents) of its currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Money {
    /// Minor units; negative for a return.
    pub minor: i64,
    /// The currency that the minor units belong to.
    pub currency: Currency,
}

impl Money {
    /// An amount of `minor` units of `currency`.
    pub const fn new(minor: i64, currency: Currency) -> Self {
        Self { minor, currency }
    }

    /// The amount in major units (roubles, euros), for statistics only.
    pub fn major(self) -> f64 {
        self.minor as f64 / 10_f64.powi(self.currency.minor_digits() as i32)
    }
}

/// Reads a plain decimal number such as `1500` or `-99.9` into minor units.
///
/// Only the forms that configuration uses: no spaces, a point before the fraction. Imports accept
/// far more and have their own reader.
fn minor_of_decimal(text: &str, digits: u32) -> Option<i64> {
    let (sign, unsigned) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    if whole.is_empty() || fraction.len() > digits as usize {
        return None;
    }
    let padded = format!("{fraction:0<width$}", width = digits as usize);
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if !all_digits(whole) || !all_digits(&padded) {
        return None;
    }
    let joined: i64 = format!("{whole}{padded}").parse().ok()?;
    Some(sign * joined)
}

impl FromStr for Money {
    type Err = MoneyError;

    fn from_str(text: &str) -> Result<Self, MoneyError> {
        let bad = || MoneyError::Amount(text.to_owned());
        let (amount, code) = text.trim().rsplit_once(' ').ok_or_else(bad)?;
        let currency: Currency = code.parse()?;
        let minor = minor_of_decimal(amount.trim(), currency.minor_digits()).ok_or_else(bad)?;
        Ok(Self { minor, currency })
    }
}

impl fmt::Display for Money {
    /// Prints the form that [`FromStr`] reads: `1500 RUB`, `99.90 EUR`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.currency.minor_digits();
        let scale = 10_i64.pow(digits);
        let sign = if self.minor < 0 { "-" } else { "" };
        let (whole, rest) = ((self.minor / scale).abs(), (self.minor % scale).abs());
        if rest == 0 {
            write!(f, "{sign}{whole} {}", self.currency)
        } else {
            let width = digits as usize;
            write!(f, "{sign}{whole}.{rest:0width$} {}", self.currency)
        }
    }
}

impl Serialize for Money {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Money {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_read_and_printed_in_one_form() {
        for (text, minor, printed) in [
            ("1500 RUB", 150_000, "1500 RUB"),
            ("99.9 EUR", 9_990, "99.90 EUR"),
            ("-0.05 USD", -5, "-0.05 USD"),
            ("700 jpy", 700, "700 JPY"),
        ] {
            let money: Money = text.parse().unwrap();
            assert_eq!(money.minor, minor, "{text}");
            assert_eq!(money.to_string(), printed);
        }
    }

    #[test]
    fn what_is_not_money_is_an_error_and_not_a_panic() {
        for text in [
            "",
            "RUB",
            "1500",
            "1,5 RUB",
            "1.234 EUR",
            ".5 EUR",
            "9e9 EUR",
            "1 рубль",
        ] {
            assert!(text.parse::<Money>().is_err(), "{text}");
        }
        assert!("99999999999999999999 EUR".parse::<Money>().is_err());
    }
}
