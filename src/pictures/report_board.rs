//! The picture of the frequency report: where the clients stand, the gaps of the base, and how
//! well the last month was foreseen.

use super::{PictureError, calibration, card, gaps, states};
use crate::model::Locale;
use crate::rules::frequency_report::{FrequencyReport, MONTH_DAYS};
use crate::rules::rhythm::GapDays;

/// The width of the card, and the height of its lower half.
const WIDTH: u32 = 960;
const LOWER: u32 = 380;

/// Draws the board as SVG.
///
/// # Errors
///
/// When the drawing library refuses; never because of the numbers.
pub fn report_board(
    report: &FrequencyReport,
    base_gaps: &GapDays,
    locale: Locale,
) -> Result<String, PictureError> {
    let groups = states::groups(report);
    let upper = states::height(&groups);
    card((WIDTH, upper + LOWER), |area| {
        let (above, below) = area.split_vertically(upper);
        states::draw(&above, report, &groups, locale)?;
        let (left, right) = below.split_horizontally(WIDTH / 2 + 40);
        gaps::draw(&left, base_gaps, locale)?;
        if report.calibration.is_empty() {
            return Ok(());
        }
        calibration::draw(&right, &report.calibration, MONTH_DAYS, locale)
    })
}
