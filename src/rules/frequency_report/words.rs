//! The frequency report as a table for people.

use std::fmt;

use super::{BaseRhythm, FrequencyReport, Group, Moves, Place};
use crate::model::Day;

/// The widest name of a group that keeps the columns in line.
const NAME: usize = 22;

/// The width of a number of moves.
const MOVE: usize = 13;

impl fmt::Display for FrequencyReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Rhythm of the base on {}", self.date)?;
        writeln!(f, "  {}", self.base)?;
        self.write_base(f)?;
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
            self.write_moves_of(f, groups)?;
        }
        write_moves(f, self.week_ago, &self.all.since_week)?;
        write_moves(f, self.month_ago, &self.all.since_month)
    }
}

impl FrequencyReport {
    /// What the base rests on, and what it would propose where something else is configured.
    fn write_base(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let BaseRhythm {
            usual_gap_days,
            smallest_lost_days,
            proposed,
        } = &self.rhythm;
        write!(
            f,
            "  usual gap {usual_gap_days:.0} days; lost after {smallest_lost_days:.0} days at least"
        )?;
        if let Some(proposed) = proposed {
            write!(
                f,
                " (the base proposes smallest_lost = \"{:.0}d\", grid = \"{}\")",
                proposed.smallest_lost_days,
                proposed.grid.word()
            )?;
        }
        writeln!(f)
    }

    /// The moves of each group in short; programs get them in full.
    fn write_moves_of(&self, f: &mut fmt::Formatter<'_>, groups: &[Group]) -> fmt::Result {
        if groups.is_empty() {
            return Ok(());
        }
        let heads = [self.week_ago, self.month_ago].map(|day| format!("since {day}"));
        let width = 3 * MOVE;
        writeln!(f, "{:<NAME$}{:>width$}{:>width$}", "", heads[0], heads[1])?;
        write!(f, "{:<NAME$}", "")?;
        for word in ["fell silent", "came back", "new"].repeat(2) {
            write!(f, "{word:>MOVE$}")?;
        }
        writeln!(f)?;
        for group in groups {
            write!(f, "{:<NAME$}", group.title)?;
            for moves in [&group.since_week, &group.since_month] {
                for clients in [moves.fell_silent(), moves.woken(), moves.new_buyers()] {
                    write!(f, "{clients:>MOVE$}")?;
                }
            }
            writeln!(f)?;
        }
        Ok(())
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
