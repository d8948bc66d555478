//! Foreseen chances against what happened: on the line the forecast is honest.

use plotters::element::{Circle, PathElement};
use plotters::style::{Color, ShapeStyle};

use super::style::{INK, LINE, MAIN, QUIET, SMALL, Side, head, letters, write};
use super::{Area, PictureError, words};
use crate::model::Locale;
use crate::rules::rhythm::CalibrationBin;

/// The pixels that hold the numbers at the axes.
const EDGE: i32 = 44;

/// Draws the bins into a part of a picture; `within_days` is the horizon of the forecast.
pub(super) fn draw(
    area: &Area<'_>,
    bins: &[CalibrationBin],
    within_days: i32,
    locale: Locale,
) -> Result<(), PictureError> {
    let title = words::say(locale, "Предсказано и сбылось", "Foreseen and happened");
    let below = match locale {
        Locale::Ru => format!("покупка за {within_days} дней; у круга — число клиентов"),
        Locale::En => format!("a purchase within {within_days} days; clients beside each circle"),
    };
    head(area, title, &below)?;
    let (width, height) = area.dim_in_pixel();
    let plot = Plot {
        left: 24 + EDGE,
        right: width.cast_signed() - 40,
        top: 88,
        bottom: height.cast_signed() - 24 - EDGE / 2,
    };
    plot.axes(area, locale)?;
    let most = bins.iter().map(|bin| bin.count).max().unwrap_or(1).max(1);
    for bin in bins {
        let at = plot.at(bin.mean_foreseen, bin.share_happened);
        let part = (bin.count as f64 / most as f64).sqrt();
        let radius = (3.0 + 9.0 * part).round() as i32;
        area.draw(&Circle::new(at, radius, MAIN.mix(0.75).filled()))?;
        // Above it: the neighbours lie below on the left and above on the right.
        let style = letters(SMALL, INK, Side::Middle);
        write(
            area,
            &bin.count.to_string(),
            &style,
            (at.0, at.1 - radius - 8),
        )?;
    }
    Ok(())
}

struct Plot {
    left: i32,
    right: i32,
    top: i32,
    bottom: i32,
}

impl Plot {
    fn at(&self, foreseen: f64, happened: f64) -> (i32, i32) {
        let width = f64::from(self.right - self.left);
        let height = f64::from(self.bottom - self.top);
        (
            self.left + (foreseen * width).round() as i32,
            self.bottom - (happened * height).round() as i32,
        )
    }

    fn axes(&self, area: &Area<'_>, locale: Locale) -> Result<(), PictureError> {
        let thin = |width| ShapeStyle {
            color: LINE.to_rgba(),
            filled: false,
            stroke_width: width,
        };
        for percent in [0, 25, 50, 75, 100] {
            let share = f64::from(percent) / 100.0;
            let label = format!("{percent} %");
            let (left, right) = (self.at(0.0, share), self.at(1.0, share));
            area.draw(&PathElement::new(vec![left, right], thin(1)))?;
            let style = letters(SMALL, QUIET, Side::Right);
            write(area, &label, &style, (left.0 - 6, left.1))?;
            let (low, high) = (self.at(share, 0.0), self.at(share, 1.0));
            area.draw(&PathElement::new(vec![low, high], thin(1)))?;
            let style = letters(SMALL, QUIET, Side::Middle);
            write(area, &label, &style, (low.0, low.1 + 12))?;
        }
        let diagonal = vec![self.at(0.0, 0.0), self.at(1.0, 1.0)];
        area.draw(&PathElement::new(diagonal, thin(3)))?;
        let quiet = |side| letters(SMALL, QUIET, side);
        let foreseen = words::say(locale, "предсказано", "foreseen");
        let middle = i32::midpoint(self.left, self.right);
        write(
            area,
            foreseen,
            &quiet(Side::Middle),
            (middle, self.bottom + 28),
        )?;
        let happened = words::say(locale, "сбылось", "happened");
        write(
            area,
            happened,
            &quiet(Side::Left),
            (self.left - EDGE, self.top - 21),
        )
    }
}
