//! The line of a client's time: purchases, the usual gap, the present silence, and the four dates.

use plotters::element::{Circle, PathElement, Rectangle};
use plotters::style::{Color, RGBColor, ShapeStyle};

use super::style::{
    DayScale, INK, LINE, MAIN, QUIET, SMALL, Side, TEXT, WARNING, colour_of, head, letters,
    width_of, write,
};
use super::{Area, PictureError, card, words};
use crate::model::{Day, Locale, RhythmDates, RhythmState};
use crate::rules::wording::{self, DateStyle};

const SIZE: (u32, u32) = (960, 330);

/// The line of days; the labels of its last dates stand to the right of it.
const LEFT: i32 = 32;
const RIGHT: i32 = 770;

/// The last pixel of a text.
const EDGE: i32 = 936;

/// The row of the first date, and the distance to the next.
const DATES_Y: i32 = 96;
const ROW: i32 = 20;

/// The line of purchases, the strip of states, the two lengths below it, the months.
const PURCHASES_Y: i32 = 198;
const STRIP_Y: (i32, i32) = (208, 217);
const USUAL_Y: i32 = 237;
const SILENCE_Y: i32 = 261;
const MONTHS_Y: i32 = 308;

/// What a timeline shows.
#[derive(Clone, Debug, PartialEq)]
pub struct Timeline<'a> {
    /// What people call the client.
    pub name: &'a str,
    /// The purchase days up to the day, rising; at least one.
    pub purchases: &'a [Day],
    /// When he is due, missed, asleep and lost.
    pub dates: RhythmDates,
    /// The usual gap.
    pub usual_gap_days: f64,
    /// The day that is looked at.
    pub today: Day,
    /// What the silence means, in a sentence.
    pub sentence: &'a str,
    /// The language.
    pub locale: Locale,
}

/// Draws a timeline as SVG.
///
/// # Errors
///
/// Without a purchase there is nothing to draw.
pub fn timeline(timeline: &Timeline<'_>) -> Result<String, PictureError> {
    let Some(&last) = timeline.purchases.last() else {
        return Err(PictureError("the client has never bought".to_owned()));
    };
    card(SIZE, |area| {
        let scale = scale(timeline, last);
        title(area, timeline)?;
        months(area, timeline, &scale)?;
        dates(area, timeline, &scale)?;
        strip(area, timeline, &scale, last)?;
        lengths(area, timeline, &scale, last)?;
        purchases(area, timeline, &scale)
    })
}

/// The name, and the sentence in two lines where one is too short for it.
fn title(area: &Area<'_>, timeline: &Timeline<'_>) -> Result<(), PictureError> {
    let mut lines = vec![String::new()];
    for word in timeline.sentence.split_whitespace() {
        let longer = lines
            .last()
            .map_or(0, |line| width_of(line, TEXT) + width_of(word, TEXT));
        if longer > EDGE - LEFT {
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    head(area, timeline.name, &lines[0])?;
    for (line, text) in lines.iter().enumerate().skip(1) {
        let y = 45 + 18 * line as i32;
        write(area, text, &letters(TEXT, QUIET, Side::Left), (24, y))?;
    }
    Ok(())
}

/// From the first purchase to the day on which the client is lost; of a long history the last part.
fn scale(timeline: &Timeline<'_>, last: Day) -> DayScale {
    let end = timeline.dates.lost.max(timeline.today);
    let ahead = end - last;
    let first = timeline.purchases.first().copied().unwrap_or(last);
    let from = first.max(last.plus(-(3 * ahead).max(120)));
    let margin = ((end - from) / 40).max(1);
    DayScale {
        from: from.plus(-margin),
        to: end.plus(margin),
        left: LEFT,
        right: RIGHT,
    }
}

fn line(
    area: &Area<'_>,
    points: [(i32, i32); 2],
    colour: RGBColor,
    width: u32,
) -> Result<(), PictureError> {
    let style = ShapeStyle {
        color: colour.to_rgba(),
        filled: false,
        stroke_width: width,
    };
    Ok(area.draw(&PathElement::new(points.to_vec(), style))?)
}

fn months(area: &Area<'_>, timeline: &Timeline<'_>, scale: &DayScale) -> Result<(), PictureError> {
    let style = letters(SMALL, QUIET, Side::Middle);
    for day in scale.months() {
        let x = scale.x(day);
        line(area, [(x, PURCHASES_Y - 14), (x, MONTHS_Y - 12)], LINE, 1)?;
        if (LEFT + 20..=RIGHT - 20).contains(&x) {
            write(
                area,
                &words::month(timeline.locale, day),
                &style,
                (x, MONTHS_Y),
            )?;
        }
    }
    Ok(())
}

/// The four dates, each on a row of its own so that no label covers another.
fn dates(area: &Area<'_>, timeline: &Timeline<'_>, scale: &DayScale) -> Result<(), PictureError> {
    let RhythmDates {
        due,
        missed,
        asleep,
        lost,
    } = timeline.dates;
    let mut rows = [
        (due, RhythmState::Due),
        (missed, RhythmState::Missed),
        (asleep, RhythmState::Asleep),
        (lost, RhythmState::Lost),
    ];
    // The earliest on top: then no line crosses the label of another date.
    rows.sort_unstable();
    for (row, (day, state)) in rows.into_iter().enumerate() {
        let (x, y) = (scale.x(day), DATES_Y + ROW * row as i32);
        let colour = colour_of(state);
        line(area, [(x, y - 8), (x, STRIP_Y.1)], colour, 2)?;
        let date = wording::date(timeline.locale, day, DateStyle::DayMonth);
        let label = format!("{}: {date}", words::state(timeline.locale, state));
        let style = letters(TEXT, colour, Side::Left);
        write(area, &label, &style, (x + 7, y))?;
    }
    Ok(())
}

/// The states that the client passes through while he is silent.
fn strip(
    area: &Area<'_>,
    timeline: &Timeline<'_>,
    scale: &DayScale,
    last: Day,
) -> Result<(), PictureError> {
    let dates = timeline.dates;
    let mut edges = vec![last, dates.due, dates.missed, dates.asleep, dates.lost];
    edges.sort_unstable();
    edges.push(scale.to);
    for pair in edges.windows(2) {
        let (from, to) = (scale.x(pair[0]), scale.x(pair[1]));
        if from < to {
            let colour = colour_of(dates.state_on(pair[0]));
            let corners = [(from, STRIP_Y.0), (to, STRIP_Y.1)];
            area.draw(&Rectangle::new(corners, colour.filled()))?;
        }
    }
    line(area, [(LEFT, PURCHASES_Y), (RIGHT, PURCHASES_Y)], LINE, 1)
}

/// The usual gap and the present silence, one below the other.
fn lengths(
    area: &Area<'_>,
    timeline: &Timeline<'_>,
    scale: &DayScale,
    last: Day,
) -> Result<(), PictureError> {
    let locale = timeline.locale;
    let usual_days = timeline.usual_gap_days.round().max(1.0) as u32;
    let usual = format!(
        "{} {}",
        words::say(locale, "обычный перерыв:", "usual gap:"),
        wording::days(locale, usual_days)
    );
    let silent_days = (timeline.today - last).max(0).unsigned_abs();
    let silence = format!(
        "{} {}",
        words::say(locale, "молчит:", "silent for:"),
        wording::days(locale, silent_days)
    );
    let usual_end = last.plus(usual_days.cast_signed());
    let green = colour_of(RhythmState::Active);
    length(area, scale, [last, usual_end], USUAL_Y, green, &usual)?;
    let today = scale.x(timeline.today);
    line(
        area,
        [(today, PURCHASES_Y - 14), (today, STRIP_Y.1)],
        WARNING,
        2,
    )?;
    let days = [last, timeline.today];
    length(area, scale, days, SILENCE_Y, WARNING, &silence)?;
    let label = wording::date(locale, timeline.today, DateStyle::DayMonth);
    let style = letters(SMALL, WARNING, Side::Middle);
    write(area, &label, &style, (today.max(LEFT + 40), SILENCE_Y + 17))
}

/// A length between two days with its words beside it, on the side where there is room.
fn length(
    area: &Area<'_>,
    scale: &DayScale,
    [from, to]: [Day; 2],
    y: i32,
    colour: RGBColor,
    words: &str,
) -> Result<(), PictureError> {
    let (x0, x1) = (scale.x(from), scale.x(to).max(scale.x(from) + 1));
    line(area, [(x0, y), (x1, y)], colour, 3)?;
    line(area, [(x0, y - 5), (x0, y + 5)], colour, 2)?;
    line(area, [(x1, y - 5), (x1, y + 5)], colour, 2)?;
    let fits = x0 - 8 - width_of(words, TEXT) >= LEFT;
    let (side, at) = if fits {
        (Side::Right, x0 - 8)
    } else {
        (Side::Left, x1 + 8)
    };
    write(area, words, &letters(TEXT, colour, side), (at, y))
}

fn purchases(
    area: &Area<'_>,
    timeline: &Timeline<'_>,
    scale: &DayScale,
) -> Result<(), PictureError> {
    let shown = timeline.purchases.iter().filter(|day| **day >= scale.from);
    for day in shown.clone() {
        let at = (scale.x(*day), PURCHASES_Y);
        area.draw(&Circle::new(at, 5, MAIN.filled()))?;
    }
    let (all, shown) = (timeline.purchases.len(), shown.count());
    let locale = timeline.locale;
    let mut label = format!(
        "{}: {all}",
        words::say(locale, "дней с покупками", "purchase days")
    );
    if shown < all {
        let earlier = words::say(locale, "раньше этой линии", "before this line");
        label = format!("{label} ({} {earlier})", all - shown);
    }
    write(
        area,
        &label,
        &letters(SMALL, INK, Side::Left),
        (LEFT, PURCHASES_Y - 22),
    )
}
