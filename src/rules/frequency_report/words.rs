//! The frequency report as a table for people.

use std::fmt;

use super::{FrequencyReport, Moves, Place};
use crate::model::Day;

/// The widest name of a group that keeps the columns in line.
const NAME: usize = 22;

impl fmt::Display for FrequencyReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Rhythm of the base on {}", self.date)?;
        writeln!(f, "  {}", self.base)?;
        writeln!(f)?;
        write_head(f, "")?;
        write_counts(f, "all", |place| self.all.states.of(place))?;
        for (day, moves) in [
            (self.week_ago, &self.all.since_week),
            (self.month_ago, &self.all.since_month),
        ] {
            write_counts(f, &format!("  on {day}"), |place| moves.stood_in(place))?;
        }
        for (title, groups) in [
            ("By frequency", &self.by_xyz),
            ("By class", &self.by_class),
            ("By manager", &self.by_manager),
        ] {
            if !groups.is_empty() {
                writeln!(f)?;
                write_head(f, title)?;
            }
            for group in groups {
                write_counts(f, &group.title, |place| group.states.of(place))?;
            }
        }
        write_moves(f, self.week_ago, &self.all.since_week)?;
        write_moves(f, self.month_ago, &self.all.since_month)
    }
}

pub(super) fn heading(place: Place) -> &'static str {
    match place {
        Place::Never => "never bought",
        Place::In(state) => state.name(),
    }
}

fn write_head(f: &mut fmt::Formatter<'_>, title: &str) -> fmt::Result {
    write!(f, "{title:<NAME$}{:>8}", "clients")?;
    for place in Place::ALL {
        write!(f, "{:>13}", heading(place))?;
    }
    writeln!(f)
}

fn write_counts(
    f: &mut fmt::Formatter<'_>,
    name: &str,
    count: impl Fn(Place) -> u64,
) -> fmt::Result {
    let clients: u64 = Place::ALL.iter().map(|place| count(*place)).sum();
    write!(f, "{name:<NAME$}{clients:>8}")?;
    for place in Place::ALL {
        write!(f, "{:>13}", count(place))?;
    }
    writeln!(f)
}

fn write_moves(f: &mut fmt::Formatter<'_>, since: Day, moves: &Moves) -> fmt::Result {
    writeln!(
        f,
        "\nMoves since {since}: {} fell silent (active or due before), {} came back (missed, \
         asleep or lost before)",
        moves.fell_silent(),
        moves.woken()
    )?;
    write!(f, "{:<NAME$}{:>8}", "from, to the right", "")?;
    for place in Place::ALL {
        write!(f, "{:>13}", heading(place))?;
    }
    writeln!(f)?;
    for from in Place::ALL {
        if moves.stood_in(from) == 0 {
            continue;
        }
        write!(f, "  {:<width$}{:>8}", heading(from), "", width = NAME - 2)?;
        for to in Place::ALL {
            match moves.of(from, to) {
                0 => write!(f, "{:>13}", ".")?,
                clients => write!(f, "{clients:>13}")?,
            }
        }
        writeln!(f)?;
    }
    Ok(())
}
