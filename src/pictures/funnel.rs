//! A funnel: one bar for each stage, as wide as those who came so far.

use plotters::element::Rectangle;
use plotters::style::Color;

use super::style::{CARD, INK, MAIN, QUIET, Side, TEXT, cut, head, letters, width_of, write};
use super::{PictureError, card};

const WIDTH: u32 = 960;
const TOP: i32 = 74;
const ROW: i32 = 44;
const BAR: i32 = 32;
const NAMES: i32 = 230;
const LEFT: i32 = 24;
const RIGHT: i32 = 830;

/// A funnel with its stages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunnelPicture<'a> {
    /// What it is.
    pub title: &'a str,
    /// From when to when, and what else is to be known.
    pub below: &'a str,
    /// The stages with how many came so far; the first one is the whole.
    pub stages: &'a [(String, u64)],
}

/// Draws a funnel as SVG.
///
/// # Errors
///
/// Without a stage there is nothing to draw.
pub fn funnel(picture: &FunnelPicture<'_>) -> Result<String, PictureError> {
    let Some((_, whole)) = picture.stages.first() else {
        return Err(PictureError("a funnel without stages".to_owned()));
    };
    let height = TOP + ROW * picture.stages.len() as i32 + 12;
    card((WIDTH, height.unsigned_abs()), |area| {
        head(area, picture.title, picture.below)?;
        let name = letters(TEXT, INK, Side::Left);
        for (n, (stage, count)) in picture.stages.iter().enumerate() {
            let top = TOP + ROW * n as i32;
            let middle = top + BAR / 2;
            write(area, &cut(stage, TEXT, NAMES - 16), &name, (LEFT, middle))?;
            let share = *count as f64 / (*whole).max(1) as f64;
            let room = f64::from(RIGHT - LEFT - NAMES);
            let wide = (share.min(1.0) * room).round() as i32;
            let from = LEFT + NAMES;
            let bar = Rectangle::new(
                [(from, top), (from + wide.max(2), top + BAR)],
                MAIN.filled(),
            );
            area.draw(&bar)?;
            let number = count.to_string();
            let inside = wide > width_of(&number, TEXT) + 20;
            let (colour, x) = if inside {
                (CARD, from + 10)
            } else {
                (INK, from + wide.max(2) + 8)
            };
            write(
                area,
                &number,
                &letters(TEXT, colour, Side::Left),
                (x, middle),
            )?;
            let percent = format!("{:.0} %", share * 100.0);
            write(
                area,
                &percent,
                &letters(TEXT, QUIET, Side::Right),
                (936, middle),
            )?;
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_funnel_is_as_wide_as_those_who_came_so_far() {
        let stages = [("Base", 200), ("Request", 50), ("Paid", 0)];
        let stages = stages.map(|(name, count)| (name.to_owned(), count));
        let picture = FunnelPicture {
            title: "Repeat sales <b>",
            below: "2026",
            stages: &stages,
        };
        let svg = funnel(&picture).unwrap();
        assert!(svg.contains("25 %") && svg.contains("Request") && !svg.contains("<b>"));
        let none = FunnelPicture {
            stages: &[],
            ..picture
        };
        assert!(funnel(&none).is_err());
    }
}
