//! How large a text is drawn on a picture so that it stays within its width.
//!
//! SVG breaks no lines and measures nothing, and a company's own fonts are not known here: the widths
//! are those of a wide sans-serif, so that what fits by them fits in most fonts.

use serde_json::Value;

use super::given::Given;
use crate::model::Locale;

/// The size of a font, at most `size`, in which a text is at most `width` wide.
pub(super) fn fit(_: Locale, given: &Given<'_, '_>) -> Result<Value, String> {
    let number = |name: &str| {
        let value = given.option(name).and_then(Value::as_f64);
        let value = value.filter(|number| *number > 0.0);
        value.ok_or_else(|| format!("`{name}` is a number"))
    };
    let (size, width) = (number("size")?, number("width")?);
    let wide: f64 = given.text(0)?.chars().map(width_of).sum();
    let fitting = if wide * size > width {
        width / wide
    } else {
        size
    };
    // Tenths are finer than anybody sees, and the same on every machine.
    Ok(format!("{}", (fitting * 10.0).floor() / 10.0).into())
}

/// The width of a character in shares of the size of the font.
fn width_of(c: char) -> f64 {
    match c {
        ' ' | '\u{a0}' | '\u{2009}' | '\u{202f}' | '.' | ',' | ':' | ';' | '\'' | '|' | '!'
        | '·' => 0.30,
        'i' | 'j' | 'l' | 'I' | 'і' | 'І' | 'f' | 't' | 'r' | '-' | '(' | ')' | '"' | '/' => 0.42,
        'm' | 'w' | 'M' | 'W' | 'ж' | 'м' | 'ф' | 'ш' | 'щ' | 'ы' | 'ю' | 'Ж' | 'М' | 'Ф' | 'Ш'
        | 'Щ' | 'Ы' | 'Ю' | '%' | '@' | '—' | '№' => 0.96,
        c if c.is_uppercase() => 0.74,
        c if c.is_ascii_digit() => 0.66,
        _ => 0.62,
    }
}
