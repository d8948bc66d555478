//! Pictures: numbers drawn as SVG, one file a picture.
//!
//! Each takes plain values and gives the text of an SVG on a white card, readable on a light and on
//! a dark page. A certificate is drawn the other way round: its SVG comes from a template, and
//! becomes PNG or PDF here. What the numbers mean is decided in `rules`; where a picture is put is decided
//! above. The same numbers give the same bytes.

mod backtest_board;
mod calibration;
mod certificate;
mod days;
mod false_alarms;
mod funnel;
mod gaps;
mod report_board;
mod states;
mod style;
mod timeline;
mod weeks;
mod words;

pub use backtest_board::backtest_board;
pub use certificate::{CertificateArtist, Materials};
pub use funnel::{FunnelPicture, funnel};
pub use report_board::report_board;
pub use timeline::{Timeline, timeline};
pub use weeks::{WeekColumn, weeks};

use std::error::Error;

use plotters::coord::Shift;
use plotters::drawing::{DrawingArea, DrawingAreaErrorKind, IntoDrawingArea};
use plotters::prelude::SVGBackend;

/// A picture that could not be drawn: its place is too small for what it has to hold, or what a
/// template makes is no picture.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the picture cannot be drawn: {0}")]
pub struct PictureError(String);

impl<E: Error + Send + Sync> From<DrawingAreaErrorKind<E>> for PictureError {
    fn from(error: DrawingAreaErrorKind<E>) -> Self {
        Self(error.to_string())
    }
}

/// A part of a picture, in its own pixels.
type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// Draws on a white card of a size in pixels.
fn card(
    size: (u32, u32),
    draw: impl FnOnce(&Area<'_>) -> Result<(), PictureError>,
) -> Result<String, PictureError> {
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        area.fill(&style::CARD)?;
        draw(&area)?;
        area.present()?;
    }
    Ok(svg)
}

#[cfg(test)]
mod tests;
