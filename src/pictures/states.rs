//! Where the clients stand, group by group: one bar of a hundred percent each.

use plotters::element::Rectangle;
use plotters::style::{Color, RGBColor};

use super::style::{
    CARD, INK, NEVER, QUIET, SMALL, Side, TEXT, colour_of, cut, head, letters, width_of, write,
};
use super::{Area, PictureError, words};
use crate::model::{Locale, RhythmState};
use crate::rules::frequency_report::{FrequencyReport, Group, Place};
use crate::rules::wording::{self, DateStyle};

/// The height of a bar with the room to the next.
const ROW: i32 = 30;
const BAR: i32 = 20;

/// The pixels that hold the names.
const NAMES: i32 = 190;

/// The pixels that hold the number of clients, and those of each column of moves.
const COUNT: i32 = 70;
const MOVES: i32 = 110;

/// As many managers are drawn; a table shows them all.
const MANAGERS: usize = 8;

/// The groups that are drawn: all, the frequencies, the classes, and the managers with most clients.
pub(super) fn groups(report: &FrequencyReport) -> Vec<&Group> {
    let never = Place::Never.word();
    let classes = report.by_xyz.iter().filter(|group| group.name != never);
    let mut managers: Vec<&Group> = report.by_manager.iter().collect();
    if managers.iter().all(|group| group.name.is_empty()) {
        managers.clear();
    }
    managers.sort_by_key(|group| std::cmp::Reverse(group.clients));
    managers.truncate(MANAGERS);
    std::iter::once(&report.all)
        .chain(classes)
        .chain(&report.by_class)
        .chain(managers)
        .filter(|group| group.clients > 0)
        .collect()
}

/// The pixels that the groups need.
pub(super) fn height(groups: &[&Group]) -> u32 {
    (104 + ROW * groups.len() as i32 + 14).unsigned_abs()
}

/// Draws the groups into a part of a picture.
pub(super) fn draw(
    area: &Area<'_>,
    report: &FrequencyReport,
    groups: &[&Group],
    locale: Locale,
) -> Result<(), PictureError> {
    let title = words::say(locale, "Где стоят клиенты", "Where the clients stand");
    let date = wording::date(locale, report.date, DateStyle::Long);
    let moves = words::say(
        locale,
        "справа: − замолчали, + вернулись",
        "at the right: − fell silent, + came back",
    );
    head(area, title, &format!("{date}; {moves}"))?;
    legend(area, locale)?;
    head_of_moves(area, locale)?;
    for (row, group) in groups.iter().enumerate() {
        draw_group(area, group, 104 + ROW * row as i32, locale)?;
    }
    Ok(())
}

fn colour(place: Place) -> RGBColor {
    match place {
        Place::Never => NEVER,
        Place::In(state) => colour_of(state),
    }
}

fn legend(area: &Area<'_>, locale: Locale) -> Result<(), PictureError> {
    let mut x = 24 + NAMES;
    for place in in_order() {
        let word = match place {
            Place::Never => words::never(locale),
            Place::In(state) => words::state(locale, state),
        };
        let corners = [(x, 70), (x + 12, 82)];
        area.draw(&Rectangle::new(corners, colour(place).filled()))?;
        write(area, word, &letters(SMALL, INK, Side::Left), (x + 17, 76))?;
        x += 17 + width_of(word, SMALL) + 22;
    }
    Ok(())
}

/// Those who never bought come last: they are not on the way from left to right.
fn in_order() -> impl Iterator<Item = Place> {
    Place::ALL
        .into_iter()
        .cycle()
        .skip(1)
        .take(Place::ALL.len())
}

/// Where the columns of moves end: those of the week, those of the month.
fn ends_of_moves(area: &Area<'_>) -> [i32; 2] {
    let (width, _) = area.dim_in_pixel();
    let last = width.cast_signed() - 24;
    [last - MOVES, last]
}

fn head_of_moves(area: &Area<'_>, locale: Locale) -> Result<(), PictureError> {
    let titles = [
        words::say(locale, "за неделю", "in a week"),
        words::say(locale, "за месяц", "in a month"),
    ];
    for (title, end) in titles.into_iter().zip(ends_of_moves(area)) {
        write(area, title, &letters(SMALL, QUIET, Side::Right), (end, 92))?;
    }
    Ok(())
}

/// How many of a group fell silent and how many came back.
fn draw_moves(area: &Area<'_>, group: &Group, middle: i32) -> Result<(), PictureError> {
    let ends = ends_of_moves(area);
    for (moves, end) in [&group.since_week, &group.since_month]
        .into_iter()
        .zip(ends)
    {
        let back = format!("+{}", moves.woken());
        let silent = format!("−{}", moves.fell_silent());
        let green = colour_of(RhythmState::Active);
        let red = colour_of(RhythmState::Missed);
        write(
            area,
            &back,
            &letters(TEXT, green, Side::Right),
            (end, middle),
        )?;
        let before = end - MOVES / 2 + 4;
        write(
            area,
            &silent,
            &letters(TEXT, red, Side::Right),
            (before, middle),
        )?;
    }
    Ok(())
}

fn draw_group(area: &Area<'_>, group: &Group, y: i32, locale: Locale) -> Result<(), PictureError> {
    let (width, _) = area.dim_in_pixel();
    let (left, right) = (24 + NAMES, width.cast_signed() - 24 - 2 * MOVES - COUNT);
    let title = title_of(group, locale);
    let middle = y + BAR / 2;
    write(
        area,
        &cut(&title, TEXT, NAMES - 8),
        &letters(TEXT, INK, Side::Left),
        (24, middle),
    )?;
    let mut before = 0;
    for place in in_order() {
        let clients = group.states.of(place);
        let x = |sum: u64| {
            let share = sum as f64 / group.clients as f64;
            left + (f64::from(right - left) * share).round() as i32
        };
        let (from, to) = (x(before), x(before + clients));
        before += clients;
        if from == to {
            continue;
        }
        let corners = [(from, y), (to, y + BAR)];
        area.draw(&Rectangle::new(corners, colour(place).filled()))?;
        let label = clients.to_string();
        if to - from > width_of(&label, SMALL) + 6 {
            let ink = if place == Place::Never { INK } else { CARD };
            let at = (i32::midpoint(from, to), middle);
            write(area, &label, &letters(SMALL, ink, Side::Middle), at)?;
        }
    }
    let all = group.clients.to_string();
    write(
        area,
        &all,
        &letters(TEXT, QUIET, Side::Left),
        (right + 8, middle),
    )?;
    draw_moves(area, group, middle)
}

/// The title of a group; those that the report itself gives are known in both languages.
fn title_of(group: &Group, locale: Locale) -> String {
    let ru = match group.title.as_str() {
        "all" => "все",
        "X, often" => "X, часто",
        "Y, less often" => "Y, реже",
        "Z, seldom or once" => "Z, редко или раз",
        "no class" => "без класса",
        "no manager" => "без менеджера",
        other => other,
    };
    words::say(locale, ru, &group.title).to_owned()
}
