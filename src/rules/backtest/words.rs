//! A backtest as a marketer reads it.

use std::collections::BTreeSet;
use std::fmt::{self, Write as _};

use crate::rules::rhythm::FitMethod;

use super::alarm::Alarm;
use super::report::{AlarmReport, BacktestReport, PerDay, RecordedReport};

/// The width of the labels and of a column.
const LABEL: usize = 42;
const COLUMN: usize = 21;

/// An alarm as the head of a column.
pub(super) fn alarm_name(alarm: &Alarm) -> String {
    match alarm {
        Alarm::OwnRhythm => "own rhythm".to_owned(),
        Alarm::FixedDays { days } => format!("{days} days for all"),
        Alarm::OwnMean { times } => format!("{times} own mean gaps"),
    }
}

/// A number with the thing that is counted: `1 task`, `3 tasks`.
pub(super) fn counted(n: i64, one: &str) -> String {
    let s = if n == 1 { "" } else { "s" };
    format!("{n} {one}{s}")
}

/// A share in whole percent that is never rounded to nothing.
pub(super) fn percent(share: Option<f64>) -> String {
    match share {
        None => "-".to_owned(),
        Some(share) if share > 0.0 && share < 0.005 => "< 1 %".to_owned(),
        Some(share) => format!("{:.0} %", share * 100.0),
    }
}

fn number(number: Option<f64>, digits: usize) -> String {
    number.map_or_else(|| "-".to_owned(), |number| format!("{number:.digits$}"))
}

fn per_day(days: &PerDay) -> String {
    format!("{} / {}", days.median, days.most)
}

impl fmt::Display for BacktestReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write_head(f)?;
        self.write_volume(f)?;
        self.write_chosen(f)?;
        self.write_pauses(f)?;
        self.write_weeks(f)?;
        self.write_calibration(f)?;
        writeln!(f, "\nWhat to conclude")?;
        for sentence in &self.conclusions {
            write_wrapped(f, sentence)?;
        }
        Ok(())
    }
}

impl BacktestReport {
    fn write_head(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "Backtest of \"{}\" ({}), {} to {}",
            self.campaign, self.title, self.from, self.to
        )?;
        let level = self
            .level
            .map(|level| format!(", level {}", level.state()))
            .unwrap_or_default();
        writeln!(
            f,
            "  {}{level}; the goal is a purchase within {} days",
            self.trigger, self.goal_within_days
        )?;
        writeln!(
            f,
            "  {} clients had bought by then; what came of them is known until {}",
            self.clients, self.data_until
        )?;
        writeln!(
            f,
            "  as if the campaign had begun on {}, reached everybody, and every task were done at once",
            self.from
        )?;
        let fits: Vec<String> = self
            .base
            .iter()
            .map(|fit| format!("{} ({} gaps)", fit.fitted_on, fit.gaps))
            .collect();
        let fits = format!(
            "rhythm of the base fitted once a month, each time on what was known then: {}",
            fits.join(", ")
        );
        write_wrapped(f, &fits)?;
        if let Some(cold) = self
            .base
            .iter()
            .find(|fit| fit.method == FitMethod::Default)
        {
            let cold = format!(
                "on {} there were too few gaps to learn from: defaults of other trades were used",
                cold.fitted_on
            );
            write_wrapped(f, &cold)?;
        }
        write_wrapped(f, &recorded_words(&self.recorded))?;
        for sentence in self.not_replayed() {
            write_wrapped(f, &sentence)?;
        }
        Ok(())
    }

    /// What the replay could not ask the past, in sentences.
    fn not_replayed(&self) -> Vec<String> {
        let keys = |keys: &BTreeSet<&'static str>| keys.iter().copied().collect::<Vec<_>>();
        let mut sentences = Vec::new();
        let left_out = keys(&self.audience.left_out);
        if !left_out.is_empty() {
            sentences.push(format!(
                "conditions that the past cannot answer are left out, with the groups under any and \
                 not that hold them: {}",
                left_out.join(", ")
            ));
        }
        let today = keys(&self.audience.as_of_today);
        if !today.is_empty() {
            sentences.push(format!(
                "conditions that are looked at as they are today, their past is not kept: {}",
                today.join(", ")
            ));
        }
        if !self.classes_of_today.is_empty() {
            sentences.push(format!(
                "clients are in the classes of today: {}",
                self.classes_of_today.join(", ")
            ));
        }
        sentences
    }

    fn write_row(
        &self,
        f: &mut fmt::Formatter<'_>,
        label: &str,
        cell: impl Fn(&AlarmReport) -> String,
    ) -> fmt::Result {
        write!(f, "{label:<LABEL$}")?;
        for alarm in &self.alarms {
            write!(f, "{:>COLUMN$}", cell(alarm))?;
        }
        writeln!(f)
    }

    fn write_volume(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f)?;
        self.write_row(f, "What it would have done", |one| one.name.clone())?;
        self.write_row(f, "  times a client was chosen", |one| {
            one.chosen.episodes.to_string()
        })?;
        self.write_row(f, "    of them from the backlog", |one| {
            one.backlog.episodes.to_string()
        })?;
        self.write_row(f, "  messages a day, median / most", |one| {
            per_day(&one.messages)
        })?;
        self.write_row(f, "    in all", |one| one.messages.total.to_string())?;
        self.write_row(f, "  tasks a day, median / most", |one| per_day(&one.tasks))?;
        self.write_row(f, "    in all", |one| one.tasks.total.to_string())?;
        self.write_row(f, "  held out, on paper only", |one| {
            one.held_out.to_string()
        })?;
        self.write_row(f, "  backlog that is left at the end", |one| {
            one.backlog_left.to_string()
        })
    }

    fn write_chosen(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let days = self.goal_within_days;
        writeln!(f, "\nWhat came of those who were chosen")?;
        self.write_row(
            f,
            &format!("  bought by themselves within {days} days"),
            |one| percent(one.chosen.share_came_back),
        )?;
        self.write_row(f, "    of how many", |one| one.chosen.known.to_string())?;
        self.write_row(f, "    as the rhythm had foreseen", |one| {
            percent(one.chosen.share_foreseen)
        })?;
        let ended = if self.is_reminder() {
            "  silence ended before lost"
        } else {
            "  silence ended before lost (false alarm)"
        };
        self.write_row(f, ended, |one| one.chosen.ended.to_string())?;
        self.write_row(f, "  really lapsed", |one| one.chosen.lapsed.to_string())?;
        self.write_row(f, "    days of silence when chosen", |one| {
            number(one.chosen.days_before, 0)
        })?;
        self.write_row(f, "    own cycles when chosen", |one| {
            number(one.chosen.cycles_before, 1)
        })?;
        self.write_row(f, "  not known yet", |one| one.chosen.open.to_string())?;
        let money = format!("  value at risk, {} a year", self.currency);
        self.write_row(f, &money, |one| format!("{:.0}", one.chosen.value_at_risk))?;
        self.write_row(f, "    of those who really lapsed", |one| {
            format!("{:.0}", one.chosen.value_at_risk_lapsed)
        })
    }

    fn write_pauses(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(first) = self.alarms.first().map(|one| &one.pauses) else {
            return Ok(());
        };
        writeln!(
            f,
            "\nHow good the alarm is, on the pauses that began then: {} ended, {} lapsed, {} are \
             still open",
            first.ended, first.lapsed, first.still_open
        )?;
        let share = if self.is_reminder() {
            "  it had spoken, of those that ended"
        } else {
            "  false alarms, of those that ended"
        };
        self.write_row(f, share, |one| percent(one.pauses.share_false))?;
        for (class, words) in [
            (1, "    X, the most frequent buyers"),
            (2, "    Y"),
            (3, "    Z, the rarest"),
            (0, "    bought once"),
        ] {
            let share = |one: &AlarmReport| one.pauses.share_false_by_class[class].1;
            if self.alarms.iter().any(|one| share(one).is_some()) {
                self.write_row(f, words, |one| percent(share(one)))?;
            }
        }
        if first.lapsed == 0 {
            return writeln!(f, "  no client has come to count as lost");
        }
        self.write_row(f, "  lapses noticed before lost", |one| {
            format!("{} of {}", one.pauses.noticed, one.pauses.lapsed)
        })?;
        self.write_row(f, "    days before the alarm, mean", |one| {
            number(one.pauses.days_before, 0)
        })?;
        self.write_row(f, "    own cycles before the alarm, mean", |one| {
            number(one.pauses.cycles_before, 2)
        })?;
        let money = format!("    their yearly spend, {}", self.currency);
        self.write_row(f, &money, |one| {
            format!("{:.0}", one.pauses.yearly_spend_noticed)
        })
    }

    fn write_weeks(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(own) = self.alarms.first() else {
            return Ok(());
        };
        writeln!(
            f,
            "\n{:<14}{:>8}{:>10}{:>8}   by {}",
            "Week of", "chosen", "messages", "tasks", own.name
        )?;
        for week in &own.weeks {
            writeln!(
                f,
                "{:<14}{:>8}{:>10}{:>8}",
                week.monday.to_string(),
                week.chosen,
                week.messages,
                week.tasks
            )?;
        }
        Ok(())
    }

    fn write_calibration(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.calibration.is_empty() {
            return Ok(());
        }
        writeln!(
            f,
            "\nForeseen chance of a purchase within {} days, all clients at each refit\n\
             {:>10}{:>10}{:>12}",
            self.goal_within_days, "clients", "foreseen", "happened"
        )?;
        for bin in &self.calibration {
            writeln!(
                f,
                "{:>10}{:>10}{:>12}",
                bin.count,
                percent(Some(bin.mean_foreseen)),
                percent(Some(bin.share_happened))
            )?;
        }
        Ok(())
    }
}

/// Writes a sentence in lines of at most 92 letters.
fn write_wrapped(f: &mut fmt::Formatter<'_>, sentence: &str) -> fmt::Result {
    let mut width = 0;
    // A percent sign stays with its number.
    for word in sentence.replace(" %", "\u{a0}%").split(' ') {
        let word = word.replace('\u{a0}', " ");
        let letters = word.chars().count();
        if width == 0 {
            write!(f, "  {word}")?;
            width = 2 + letters;
        } else if width + 1 + letters > 92 {
            write!(f, "\n    {word}")?;
            width = 4 + letters;
        } else {
            write!(f, " {word}")?;
            width += 1 + letters;
        }
    }
    writeln!(f)
}

/// Since when the purchases were known, in words.
fn recorded_words(recorded: &RecordedReport) -> String {
    let RecordedReport {
        unknown,
        in_time,
        late,
        first_imports,
    } = recorded;
    let all = unknown + in_time + late;
    let imports: Vec<String> = first_imports
        .iter()
        .map(|import| format!("{} on {}", import.source, import.on))
        .collect();
    let imports = imports.join(", ");
    if *unknown == all {
        return format!(
            "when the purchases became known is not known: all of the period came later with the \
             first import ({imports}); each is taken as known on its own day"
        );
    }
    let mut words = format!(
        "{late} of {all} purchase days were recorded more than a day late: the replay saw them \
         only then"
    );
    if *unknown > 0 {
        let _ = write!(
            words,
            "; of {unknown} that came with the first import ({imports}) it is not known and they \
             are taken as known on their own day"
        );
    }
    words
}
