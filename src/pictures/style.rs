//! What all pictures share: colours, letters, the scale of a line.

use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, FontDesc, FontFamily, FontStyle, RGBColor, TextStyle};

use super::{Area, PictureError};
use crate::model::{Day, RhythmState};

/// The paper, the ink, and what stands back.
pub(super) const CARD: RGBColor = RGBColor(255, 255, 255);
pub(super) const INK: RGBColor = RGBColor(34, 40, 49);
pub(super) const QUIET: RGBColor = RGBColor(101, 109, 120);
pub(super) const LINE: RGBColor = RGBColor(222, 226, 230);

/// The first things of a picture, then those beside them.
pub(super) const MAIN: RGBColor = RGBColor(31, 95, 168);
pub(super) const SECOND: RGBColor = RGBColor(224, 140, 43);
pub(super) const THIRD: RGBColor = RGBColor(140, 150, 162);
pub(super) const WARNING: RGBColor = RGBColor(190, 38, 60);

/// The colour of those who never bought.
pub(super) const NEVER: RGBColor = RGBColor(214, 219, 225);

/// The colour of a state.
pub(super) const fn colour_of(state: RhythmState) -> RGBColor {
    match state {
        RhythmState::Active => RGBColor(46, 140, 94),
        RhythmState::Due => RGBColor(201, 162, 39),
        RhythmState::Missed => RGBColor(219, 109, 45),
        RhythmState::Asleep => RGBColor(134, 84, 173),
        RhythmState::Lost => RGBColor(110, 117, 127),
    }
}

/// Heights of letters, in pixels.
pub(super) const TITLE: f64 = 16.0;
pub(super) const TEXT: f64 = 13.0;
pub(super) const SMALL: f64 = 11.5;

/// Where a text stands against its point.
#[derive(Clone, Copy)]
pub(super) enum Side {
    Left,
    Middle,
    Right,
}

/// Letters of a height and a colour; the drawing library counts heights in units of its own.
pub(super) fn letters(height: f64, colour: RGBColor, side: Side) -> TextStyle<'static> {
    let horizontal = match side {
        Side::Left => HPos::Left,
        Side::Middle => HPos::Center,
        Side::Right => HPos::Right,
    };
    styled(height, FontStyle::Normal, colour, horizontal)
}

fn styled(height: f64, style: FontStyle, colour: RGBColor, horizontal: HPos) -> TextStyle<'static> {
    TextStyle {
        font: FontDesc::new(FontFamily::SansSerif, height * 1.24, style),
        color: colour.to_backend_color(),
        pos: Pos::new(horizontal, VPos::Center),
    }
}

/// Writes a text; `at` is the middle of its height.
pub(super) fn write(
    area: &Area<'_>,
    text: &str,
    style: &TextStyle<'_>,
    at: (i32, i32),
) -> Result<(), PictureError> {
    Ok(area.draw_text(text, style, at)?)
}

/// Writes the title of a picture, and a quiet line below it.
pub(super) fn head(area: &Area<'_>, title: &str, below: &str) -> Result<(), PictureError> {
    let bold = styled(TITLE, FontStyle::Bold, INK, HPos::Left);
    let room = area.dim_in_pixel().0.cast_signed() - 48;
    write(area, &cut(title, TITLE, room), &bold, (24, 24))?;
    write(area, below, &letters(TEXT, QUIET, Side::Left), (24, 45))
}

/// About how many pixels a text of a height takes: letters differ, and no font is at hand.
pub(super) fn width_of(text: &str, height: f64) -> i32 {
    (text.chars().count() as f64 * height * 0.56).ceil() as i32
}

/// A text that is cut where it would leave its room.
pub(super) fn cut(text: &str, height: f64, room: i32) -> String {
    if width_of(text, height) <= room {
        return text.to_owned();
    }
    let mut shorter = text.to_owned();
    while !shorter.is_empty() && width_of(&shorter, height) + width_of("…", height) > room {
        shorter.pop();
    }
    format!("{}…", shorter.trim_end())
}

/// A line of days on a line of pixels.
#[derive(Clone, Copy, Debug)]
pub(super) struct DayScale {
    pub(super) from: Day,
    pub(super) to: Day,
    pub(super) left: i32,
    pub(super) right: i32,
}

impl DayScale {
    /// The pixel of a day.
    pub(super) fn x(&self, day: Day) -> i32 {
        let span = f64::from((self.to - self.from).max(1));
        let share = f64::from(day - self.from) / span;
        let width = f64::from(self.right - self.left);
        self.left + (share * width).round() as i32
    }

    /// The first days of months to write below the line, not more than fit.
    pub(super) fn months(&self) -> Vec<Day> {
        use chrono::Datelike;
        let days = (self.from.epoch_days()..=self.to.epoch_days()).map(Day::from_epoch);
        let firsts: Vec<Day> = days.filter(|day| day.date().day() == 1).collect();
        let room = ((self.right - self.left) / 80).max(1) as usize;
        let step = [1, 2, 3, 6, 12, 24, 60]
            .into_iter()
            .find(|step| firsts.len() <= room * step)
            .unwrap_or(120);
        let on_step = |day: &Day| {
            let date = day.date();
            let month = date.year() * 12 + date.month0().cast_signed();
            (month.unsigned_abs() as usize).is_multiple_of(step)
        };
        firsts.into_iter().filter(on_step).collect()
    }
}
