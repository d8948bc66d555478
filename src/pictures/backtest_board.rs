//! The picture of a backtest: what it would have done, how good the alarm is beside the yardsticks,
//! the gaps of the base, and foreseen against happened.

use super::{PictureError, calibration, card, days, false_alarms, gaps};
use crate::model::Locale;
use crate::rules::backtest::BacktestReport;
use crate::rules::rhythm::GapDays;

/// The width of the card, and the height of each half.
const WIDTH: u32 = 960;
const HALF: u32 = 380;

/// Draws the board as SVG.
///
/// # Errors
///
/// When the drawing library refuses; never because of the numbers.
pub fn backtest_board(
    report: &BacktestReport,
    base_gaps: &GapDays,
    locale: Locale,
) -> Result<String, PictureError> {
    card((WIDTH, 2 * HALF), |area| {
        let (above, below) = area.split_vertically(HALF);
        let (left, right) = above.split_horizontally(WIDTH / 2);
        if let Some(own) = report.alarms.first() {
            days::draw(&left, own, locale)?;
        }
        false_alarms::draw(&right, &report.alarms, locale)?;
        let (left, right) = below.split_horizontally(WIDTH / 2 + 40);
        gaps::draw(&left, base_gaps, locale)?;
        calibration::draw(&right, &report.calibration, report.goal_within_days, locale)
    })
}
