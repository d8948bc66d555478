//! False alarms by how often the client buys: the own rhythm beside the yardsticks.

use plotters::element::Rectangle;
use plotters::style::{Color, RGBColor};

use super::style::{
    INK, LINE, MAIN, QUIET, SECOND, SMALL, Side, THIRD, head, letters, width_of, write,
};
use super::{Area, PictureError, words};
use crate::model::Locale;
use crate::rules::backtest::{Alarm, AlarmReport};
use crate::rules::wording;

/// The colours of the alarms, the own rhythm first.
const COLOURS: [RGBColor; 3] = [MAIN, SECOND, THIRD];

/// Draws the shares into a part of a picture.
pub(super) fn draw(
    area: &Area<'_>,
    alarms: &[AlarmReport],
    locale: Locale,
) -> Result<(), PictureError> {
    let title = words::say(
        locale,
        "Тревога, а клиент вернулся сам",
        "Alarm, and the client came by himself",
    );
    let below = words::say(
        locale,
        "доля закончившихся перерывов, в %",
        "% of the pauses that ended by a purchase",
    );
    head(area, title, below)?;
    legend(area, alarms, locale)?;
    let (width, height) = area.dim_in_pixel();
    let (left, right) = (24, width.cast_signed() - 24);
    let (top, bottom) = (110, height.cast_signed() - 40);
    let groups = groups(alarms, locale);
    let highest = groups
        .iter()
        .flat_map(|(_, shares)| shares.iter().flatten())
        .copied()
        .fold(0.1, f64::max);
    let step = f64::from(right - left) / groups.len().max(1) as f64;
    for (place, (name, shares)) in groups.iter().enumerate() {
        let start = left + (place as f64 * step).round() as i32;
        let bar = (step * 0.8 / shares.len().max(1) as f64) as i32;
        for (number, share) in shares.iter().enumerate() {
            let Some(share) = share else { continue };
            let x = start + (step * 0.1) as i32 + bar * number as i32;
            let tall = f64::from(bottom - top) * share / highest;
            let y = bottom - tall.round() as i32;
            let corners = [(x, y), (x + bar - 3, bottom)];
            area.draw(&Rectangle::new(corners, COLOURS[number % 3].filled()))?;
            let label = format!("{:.0}", share * 100.0);
            let at = (x + bar / 2 - 1, y - 8);
            write(area, &label, &letters(SMALL, INK, Side::Middle), at)?;
        }
        let middle = start + (step / 2.0) as i32;
        write(
            area,
            name,
            &letters(SMALL, QUIET, Side::Middle),
            (middle, bottom + 14),
        )?;
    }
    let axis = [(left, bottom), (right, bottom + 1)];
    Ok(area.draw(&Rectangle::new(axis, LINE.filled()))?)
}

/// The groups with their shares, one for each alarm.
fn groups(alarms: &[AlarmReport], locale: Locale) -> Vec<(String, Vec<Option<f64>>)> {
    let all = words::say(locale, "все", "all").to_owned();
    let of_all = alarms.iter().map(|alarm| alarm.pauses.share_false);
    let mut groups = vec![(all, of_all.collect::<Vec<_>>())];
    let n_classes = alarms
        .first()
        .map_or(0, |alarm| alarm.pauses.share_false_by_class.len());
    for class in 0..n_classes {
        let name = match alarms[0].pauses.share_false_by_class[class].0 {
            "X" => words::say(locale, "X, часто", "X, often"),
            "Y" => words::say(locale, "Y, реже", "Y, less often"),
            "Z" => words::say(locale, "Z, редко", "Z, seldom"),
            _ => words::say(locale, "один раз", "once"),
        };
        let shares = alarms
            .iter()
            .map(|alarm| alarm.pauses.share_false_by_class[class].1);
        groups.push((name.to_owned(), shares.collect()));
    }
    groups.retain(|(_, shares)| shares.iter().any(Option::is_some));
    groups
}

fn legend(area: &Area<'_>, alarms: &[AlarmReport], locale: Locale) -> Result<(), PictureError> {
    let mut x = 24;
    for (alarm, colour) in alarms.iter().zip(COLOURS) {
        let name = name_of(alarm, locale);
        let corners = [(x, 64), (x + 12, 76)];
        area.draw(&Rectangle::new(corners, colour.filled()))?;
        write(area, &name, &letters(SMALL, INK, Side::Left), (x + 17, 70))?;
        x += 17 + width_of(&name, SMALL) + 18;
    }
    Ok(())
}

fn name_of(alarm: &AlarmReport, locale: Locale) -> String {
    match (locale, alarm.alarm) {
        (Locale::En, _) => alarm.name.clone(),
        (Locale::Ru, Alarm::OwnRhythm) => "свой ритм".to_owned(),
        (Locale::Ru, Alarm::FixedDays { days }) => {
            format!("{} для всех", wording::days(locale, days))
        }
        (Locale::Ru, Alarm::OwnMean { times }) => format!("{times} своих средних"),
    }
}
