//! The base week by week: one column of a hundred percent for each week that was counted.

use plotters::element::Rectangle;
use plotters::style::Color;

use super::style::{INK, QUIET, SMALL, Side, TEXT, colour_of, head, letters, width_of, write};
use super::{PictureError, card, words};
use crate::model::{Day, Locale, RhythmState};
use crate::rules::wording::{self, DateStyle};

const SIZE: (u32, u32) = (960, 330);

/// The columns, from left to right and from top to bottom.
const LEFT: i32 = 28;
const RIGHT: i32 = 932;
const TOP: i32 = 96;
const BOTTOM: i32 = 286;

/// The widest column.
const WIDEST: i32 = 64;

/// One week: its day, and the clients who are active, due, missed, asleep and lost.
pub type WeekColumn = (Day, [u64; 5]);

const STATES: [RhythmState; 5] = [
    RhythmState::Active,
    RhythmState::Due,
    RhythmState::Missed,
    RhythmState::Asleep,
    RhythmState::Lost,
];

/// Draws the weeks as SVG.
///
/// # Errors
///
/// Without a week there is nothing to draw.
pub fn weeks(weeks: &[WeekColumn], locale: Locale) -> Result<String, PictureError> {
    if weeks.is_empty() {
        return Err(PictureError("no week has been counted".to_owned()));
    }
    card(SIZE, |area| {
        let title = words::say(
            locale,
            "Здоровье базы по неделям",
            "The health of the base by weeks",
        );
        let below = words::say(
            locale,
            "Доли тех, кто уже покупал; над столбиком — сколько их",
            "Shares of those who have bought; above each column, how many they are",
        );
        head(area, title, below)?;
        legend(area, locale)?;
        let step = (RIGHT - LEFT) / weeks.len() as i32;
        let wide = (step * 3 / 4).clamp(2, WIDEST);
        let every = (70 / step.max(1) + 1) as usize;
        for (n, (day, states)) in weeks.iter().enumerate() {
            let left = LEFT + step * n as i32 + (step - wide) / 2;
            column(area, states, (left, left + wide))?;
            let middle = left + wide / 2;
            // Of many weeks some are named, and the last one always.
            if (weeks.len() - 1 - n).is_multiple_of(every) {
                let date = wording::date(locale, *day, DateStyle::DayMonth);
                write(
                    area,
                    &date,
                    &letters(SMALL, QUIET, Side::Middle),
                    (middle, BOTTOM + 16),
                )?;
                let sum: u64 = states.iter().sum();
                let count = letters(SMALL, INK, Side::Middle);
                write(area, &sum.to_string(), &count, (middle, TOP - 10))?;
            }
        }
        Ok(())
    })
}

fn legend(area: &super::Area<'_>, locale: Locale) -> Result<(), PictureError> {
    let mut x = LEFT;
    for state in STATES {
        let name = words::state(locale, state);
        let square = Rectangle::new([(x, 64), (x + 10, 74)], colour_of(state).filled());
        area.draw(&square)?;
        write(area, name, &letters(TEXT, INK, Side::Left), (x + 16, 69))?;
        x += 16 + width_of(name, TEXT) + 24;
    }
    Ok(())
}

/// A column from those who are well, at its foot, to those who are lost.
fn column(
    area: &super::Area<'_>,
    states: &[u64; 5],
    (left, right): (i32, i32),
) -> Result<(), PictureError> {
    let sum: u64 = states.iter().sum::<u64>().max(1);
    let (mut below, mut foot) = (0_u64, BOTTOM);
    for (state, clients) in STATES.into_iter().zip(states) {
        below += clients;
        let share = below as f64 / sum as f64;
        let top = BOTTOM - (share * f64::from(BOTTOM - TOP)).round() as i32;
        if top < foot {
            let part = Rectangle::new([(left, top), (right, foot)], colour_of(state).filled());
            area.draw(&part)?;
        }
        foot = top;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_week_is_a_column_and_many_fit() {
        let column = |n: i32| (Day::from_epoch(20_000 + 7 * n), [60, 10, 12, 10, 8]);
        let few = weeks(&[column(0), column(1)], Locale::Ru).unwrap();
        assert!(few.starts_with("<svg") && few.contains("Здоровье базы"));
        assert_eq!(
            few.matches(">100<").count() + few.matches("\n100\n").count(),
            2
        );
        let many: Vec<WeekColumn> = (0..52).map(column).collect();
        let many = weeks(&many, Locale::En).unwrap();
        assert!(many.contains("The health of the base"));
        assert!(weeks(&[], Locale::En).is_err());
        assert!(weeks(&[(Day::from_epoch(1), [0; 5])], Locale::En).is_ok());
    }
}
