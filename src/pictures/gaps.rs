//! The distribution of the gaps of a base: how often clients buy.

use plotters::element::Rectangle;
use plotters::style::Color;

use super::style::{INK, LINE, MAIN, QUIET, SMALL, Side, head, letters, write};
use super::{Area, PictureError, words};
use crate::model::Locale;
use crate::rules::rhythm::GapDays;

/// The last gap of each bar, in days: single days first, then stretches that people know.
const UP_TO: [u32; 19] = [
    1,
    2,
    3,
    4,
    5,
    6,
    7,
    10,
    14,
    21,
    30,
    45,
    60,
    75,
    90,
    120,
    180,
    365,
    u32::MAX,
];

/// Draws the gaps into a part of a picture.
pub(super) fn draw(area: &Area<'_>, gaps: &GapDays, locale: Locale) -> Result<(), PictureError> {
    let title = words::say(locale, "Перерывы между покупками", "Gaps between purchases");
    head(area, title, &below(gaps, locale))?;
    if gaps.count() == 0 {
        return Ok(());
    }
    let (width, height) = area.dim_in_pixel();
    let (left, right) = (24, width.cast_signed() - 24);
    let (top, bottom) = (74, height.cast_signed() - 46);
    let shares: Vec<f64> = bars(gaps);
    let highest = shares.iter().copied().fold(0.0, f64::max);
    let step = f64::from(right - left) / shares.len() as f64;
    let small = letters(SMALL, QUIET, Side::Middle);
    let mut from = 1;
    for (place, share) in shares.iter().enumerate() {
        let x = |part: f64| left + ((place as f64 + part) * step).round() as i32;
        let tall = f64::from(bottom - top) * share / highest;
        let y = bottom - tall.round() as i32;
        let corners = [(x(0.08), y), (x(0.92), bottom)];
        area.draw(&Rectangle::new(corners, MAIN.filled()))?;
        if *share >= 0.005 {
            let label = format!("{:.0}", share * 100.0);
            let style = letters(SMALL, INK, Side::Middle);
            write(area, &label, &style, (x(0.5), y - 8))?;
        }
        let up_to = UP_TO[place];
        let narrow = letters(10.5, QUIET, Side::Middle);
        write(area, &range(from, up_to), &narrow, (x(0.5), bottom + 12))?;
        from = up_to.saturating_add(1);
    }
    let axis = [(left, bottom), (right, bottom + 1)];
    area.draw(&Rectangle::new(axis, LINE.filled()))?;
    let unit = words::say(
        locale,
        "дней, до включительно; на столбце — % перерывов",
        "days, up to and with; % of all gaps on each bar",
    );
    let at = (i32::midpoint(left, right), bottom + 32);
    write(area, unit, &small, at)
}

fn bars(gaps: &GapDays) -> Vec<f64> {
    let mut from = 0;
    UP_TO
        .iter()
        .map(|up_to| {
            let share = gaps.between(from, *up_to) as f64 / gaps.count().max(1) as f64;
            from = up_to.saturating_add(1);
            share
        })
        .collect()
}

/// The last day of a bar; the first one of the bar without an end.
fn range(from: u32, up_to: u32) -> String {
    if up_to == u32::MAX {
        format!("{from}+")
    } else {
        up_to.to_string()
    }
}

fn below(gaps: &GapDays, locale: Locale) -> String {
    let (Some(half), Some(most)) = (gaps.quantile(0.5), gaps.quantile(0.9)) else {
        return words::say(locale, "пока ни одного", "none yet").to_owned();
    };
    match locale {
        Locale::Ru => format!("половина не длиннее {half} дн., девять из десяти — {most} дн."),
        Locale::En => format!("half of them up to {half} days, nine of ten up to {most}"),
    }
}
