//! What the picture of a certificate is rendered from.
//!
//! SVG does not break lines and does not compute: what a template would need for that is made ready
//! here, the squares of the QR code included. The picture is drawn by `pictures`.

use qrcode::{EcLevel, QrCode};
use serde::{Deserialize, Serialize};

use super::context::{CertificatePart, CompanyPart};
use super::problem::{RenderError, TemplateProblem};

/// The most letters in a line of the gift.
const GIFT_WIDTH: usize = 30;

/// The most lines of the gift.
const GIFT_LINES: usize = 3;

/// The most letters in a line of products.
const PRODUCTS_WIDTH: usize = 46;

/// The most lines of products.
const PRODUCT_LINES: usize = 2;

/// Everything that the picture of a certificate may show. No person is named on it: it is passed on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CertificateContext {
    /// The company that gives it.
    pub company: CompanyPart,
    /// The certificate.
    pub certificate: CertificatePart,
    /// What is made ready for drawing.
    pub picture: PicturePart,
}

/// What is made ready for drawing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PicturePart {
    /// The gift, in lines; empty without one.
    pub gift_lines: Vec<String>,
    /// The products that it is for, in lines; empty when it is for everything.
    pub product_lines: Vec<String>,
    /// The same in one line, cut where it is too long; empty when it is for everything.
    pub product_line: String,
    /// The QR code that leads to the page of the certificate.
    pub qr: QrPart,
    /// The address of that page as people read it, without `https://`.
    pub address: String,
}

/// A QR code as a path of squares.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QrPart {
    /// The squares, each of one unit.
    pub path: String,
    /// The width and height of the code in units, without the white edge of four units around it.
    pub size: usize,
}

impl CertificateContext {
    /// The values of a certificate whose page is at `address`.
    ///
    /// # Errors
    ///
    /// The address is too long for a QR code.
    pub fn new(
        company: CompanyPart,
        certificate: CertificatePart,
        address: &str,
    ) -> Result<Self, RenderError> {
        let gift = certificate.gift.as_deref().unwrap_or_default();
        let products = certificate.products.join(", ");
        let shown = address.split_once("://").map_or(address, |(_, rest)| rest);
        let picture = PicturePart {
            gift_lines: lines(gift, GIFT_WIDTH, GIFT_LINES),
            product_lines: lines(&products, PRODUCTS_WIDTH, PRODUCT_LINES),
            product_line: lines(&products, PRODUCTS_WIDTH, 1)
                .pop()
                .unwrap_or_default(),
            qr: qr(address)?,
            address: shown.to_owned(),
        };
        Ok(Self {
            company,
            certificate,
            picture,
        })
    }
}

/// The QR code of a text, each run of dark squares in a row as one rectangle.
fn qr(text: &str) -> Result<QrPart, RenderError> {
    use std::fmt::Write;

    let code = QrCode::with_error_correction_level(text, EcLevel::M).map_err(|error| {
        let what = format!("\"{text}\" cannot be written as a QR code: {error}");
        RenderError::Failed(Box::new(TemplateProblem::of_file("certificates", what)))
    })?;
    let size = code.width();
    let colors = code.to_colors();
    let mut path = String::new();
    for (y, row) in colors.chunks(size).enumerate() {
        let mut x = 0;
        for run in row.chunk_by(|a, b| a == b) {
            if run[0] == qrcode::Color::Dark {
                let width = run.len();
                // Writing into a text cannot fail.
                let _ = write!(path, "M{x} {y}h{width}v1h-{width}z");
            }
            x += run.len();
        }
    }
    Ok(QrPart { path, size })
}

/// A text in lines of at most so many letters; what does not fit ends in an ellipsis.
fn lines(text: &str, width: usize, most: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        let fits = |line: &&mut String| line.chars().count() + 1 + word.chars().count() <= width;
        match lines.last_mut().filter(fits) {
            Some(line) => {
                line.push(' ');
                line.push_str(word);
            }
            None => lines.push(word.to_owned()),
        }
    }
    let cut = lines.len() > most;
    lines.truncate(most);
    let last = lines.len().saturating_sub(1);
    for (n, line) in lines.iter_mut().enumerate() {
        let long = line.chars().count() > width;
        if long || cut && n == last {
            let kept: String = line.chars().take(width - 1).collect();
            *line = format!("{}…", kept.trim_end_matches([',', '.', ';', ' ']));
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_gift_stands_in_lines_and_nothing_runs_out_of_the_picture() {
        assert_eq!(lines("", 26, 3), Vec::<String>::new());
        assert_eq!(lines("набор оборудования", 26, 3), ["набор оборудования"]);
        assert_eq!(
            lines("набор оборудования для варки кофе", 26, 3),
            ["набор оборудования для", "варки кофе"]
        );
        let endless = "очень ".repeat(40);
        let cut = lines(&endless, 26, 3);
        assert_eq!(cut.len(), 3);
        assert!(cut[2].ends_with('…'), "{cut:?}");
        let one = lines(&"я".repeat(90), 26, 3);
        assert!(one.iter().all(|line| line.chars().count() <= 26), "{one:?}");
    }

    #[test]
    fn the_squares_of_a_qr_code_lie_within_it() {
        let code = qr("https://example.org/c/MC-7K4M-Q2XD-90TR-H").unwrap();
        assert!(code.size >= 25 && code.path.starts_with("M0 0h7v1h-7z"));
        assert!(qr(&"x".repeat(5_000)).is_err());
    }
}
