//! Colours of the company, checked: they stand where escaping does not protect.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A colour as style sheets write it: `#0b6e69`.
///
/// A type of its own because it stands in `style` attributes, where escaping does not protect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Colour(String);

/// A text that is not a colour.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not a colour; write it as #0b6e69")]
pub struct ColourError(pub String);

impl Colour {
    /// The usual colour where mail programs are dark.
    pub(super) fn at_night() -> Self {
        Self::default().lighter()
    }

    /// The usual colour around the sheet of a letter.
    pub(super) fn around() -> Self {
        Self("#f3f1ec".to_owned())
    }

    /// The same colour halfway to white: one that can be seen in the dark.
    #[must_use]
    pub fn lighter(&self) -> Self {
        let channel = |at: usize| {
            let byte = self.0.get(at..at + 2).unwrap_or("00");
            let value = u16::from_str_radix(byte, 16).unwrap_or(0);
            value + (255 - value) * 2 / 5
        };
        Self(format!(
            "#{:02x}{:02x}{:02x}",
            channel(1),
            channel(3),
            channel(5)
        ))
    }

    /// The colour of text that can be read on this one: near black or white.
    ///
    /// Source: WCAG 2.2, relative luminance and contrast ratio.
    pub fn readable_on(&self) -> &'static str {
        let channel = |at: usize| {
            let byte = self.0.get(at..at + 2).unwrap_or("00");
            let value = f64::from(u8::from_str_radix(byte, 16).unwrap_or(0)) / 255.0;
            if value <= 0.04045 {
                value / 12.92
            } else {
                ((value + 0.055) / 1.055).powf(2.4)
            }
        };
        let luminance = 0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5);
        // White wins as long as its contrast, 1.05 / (l + 0.05), reaches 4 : 1.
        if luminance <= 0.2125 {
            "#ffffff"
        } else {
            "#1a1a1a"
        }
    }
}

impl Default for Colour {
    fn default() -> Self {
        Self("#0b6e69".to_owned())
    }
}

impl FromStr for Colour {
    type Err = ColourError;

    fn from_str(text: &str) -> Result<Self, ColourError> {
        let lower = text.trim().to_ascii_lowercase();
        match lower.strip_prefix('#') {
            Some(hex) if hex.len() == 6 && hex.bytes().all(|b| b.is_ascii_hexdigit()) => {
                Ok(Self(lower))
            }
            _ => Err(ColourError(text.to_owned())),
        }
    }
}

impl TryFrom<String> for Colour {
    type Error = ColourError;

    fn try_from(text: String) -> Result<Self, ColourError> {
        text.parse()
    }
}

impl From<Colour> for String {
    fn from(colour: Colour) -> Self {
        colour.0
    }
}

impl fmt::Display for Colour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_colour_is_six_digits_and_its_text_can_be_read() {
        for (colour, text) in [
            ("#0b6e69", "#ffffff"),
            ("#FFD400", "#1a1a1a"),
            ("#ffffff", "#1a1a1a"),
            ("#000000", "#ffffff"),
            ("#d32f2f", "#ffffff"),
        ] {
            assert_eq!(
                colour.parse::<Colour>().unwrap().readable_on(),
                text,
                "{colour}"
            );
        }
        for bad in [
            "",
            "red",
            "#fff",
            "#12345g",
            "#000000;background:url(x)",
            "0b6e69",
        ] {
            assert!(bad.parse::<Colour>().is_err(), "{bad}");
            assert!(
                serde_json::from_value::<Colour>(bad.into()).is_err(),
                "{bad}"
            );
        }
    }
}
