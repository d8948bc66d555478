//! What a campaign would have done day by day: messages and tasks.

use plotters::element::Rectangle;
use plotters::style::Color;

use super::style::{
    DayScale, INK, LINE, MAIN, QUIET, SECOND, SMALL, Side, head, letters, width_of, write,
};
use super::{Area, PictureError, words};
use crate::model::Locale;
use crate::rules::backtest::AlarmReport;

/// Draws the days into a part of a picture.
pub(super) fn draw(
    area: &Area<'_>,
    alarm: &AlarmReport,
    locale: Locale,
) -> Result<(), PictureError> {
    let title = words::say(
        locale,
        "Сообщения и задачи по дням",
        "Messages and tasks by day",
    );
    let below = match locale {
        Locale::Ru => format!(
            "в обычный день {} и {}, больше всего {} и {}",
            alarm.messages.median, alarm.tasks.median, alarm.messages.most, alarm.tasks.most
        ),
        Locale::En => format!(
            "{} and {} on the day in the middle, {} and {} at most",
            alarm.messages.median, alarm.tasks.median, alarm.messages.most, alarm.tasks.most
        ),
    };
    head(area, title, &below)?;
    let (Some(first), Some(last)) = (alarm.days.first(), alarm.days.last()) else {
        return Ok(());
    };
    let (width, height) = area.dim_in_pixel();
    let scale = DayScale {
        from: first.date,
        to: last.date.plus(1),
        left: 24 + 34,
        right: width.cast_signed() - 30,
    };
    let (top, bottom) = (92, height.cast_signed() - 40);
    let highest = alarm.days.iter().map(|day| day.messages + day.tasks).max();
    let highest = highest.unwrap_or(0).max(1);
    let y = |number: i64| {
        let share = number as f64 / highest as f64;
        bottom - (f64::from(bottom - top) * share).round() as i32
    };
    lines(area, &scale, highest, &y)?;
    for day in &alarm.days {
        let left = scale.x(day.date);
        let right = (scale.x(day.date.plus(1)) - 1).max(left + 1);
        let (middle, high) = (y(day.messages), y(day.messages + day.tasks));
        let messages = [(left, middle), (right, bottom)];
        area.draw(&Rectangle::new(messages, MAIN.filled()))?;
        let tasks = [(left, high), (right, middle)];
        area.draw(&Rectangle::new(tasks, SECOND.filled()))?;
    }
    let months = letters(SMALL, QUIET, Side::Middle);
    for day in scale.months() {
        let at = (
            scale.x(day).clamp(scale.left + 30, scale.right - 20),
            bottom + 14,
        );
        write(area, &words::month(locale, day), &months, at)?;
    }
    legend(area, locale)
}

fn lines(
    area: &Area<'_>,
    scale: &DayScale,
    highest: i64,
    y: &impl Fn(i64) -> i32,
) -> Result<(), PictureError> {
    let style = letters(SMALL, QUIET, Side::Right);
    for number in [0, highest / 2, highest] {
        let at = y(number);
        let corners = [(scale.left, at), (scale.right, at + 1)];
        area.draw(&Rectangle::new(corners, LINE.filled()))?;
        write(area, &number.to_string(), &style, (scale.left - 6, at))?;
    }
    Ok(())
}

fn legend(area: &Area<'_>, locale: Locale) -> Result<(), PictureError> {
    let mut x = 58;
    for (word, colour) in [
        (words::say(locale, "сообщения", "messages"), MAIN),
        (words::say(locale, "задачи", "tasks"), SECOND),
    ] {
        let corners = [(x, 64), (x + 12, 76)];
        area.draw(&Rectangle::new(corners, colour.filled()))?;
        write(area, word, &letters(SMALL, INK, Side::Left), (x + 17, 70))?;
        x += 17 + width_of(word, SMALL) + 22;
    }
    Ok(())
}
