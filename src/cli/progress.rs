//! Progress of long work: a bar on a terminal, plain lines elsewhere (logs have their own lines).

use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressStyle};

use crate::db::Moving;
use crate::model::Day;

/// A spinner that counts clients.
pub(super) fn clients() -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} clients: {msg} ({elapsed})") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(std::time::Duration::from_millis(200));
    bar
}

/// Days that are run one after the other.
pub(super) struct Days {
    bar: ProgressBar,
    of: u64,
    plain: bool,
}

/// A bar over `of` days; where there is no terminal, a line for every week.
pub(super) fn days(of: u64) -> Days {
    let plain = !std::io::stderr().is_terminal();
    let bar = if plain {
        ProgressBar::hidden()
    } else {
        ProgressBar::new(of)
    };
    if let Ok(style) =
        ProgressStyle::with_template("replaying {msg} [{bar:30}] {pos} of {len} days")
    {
        bar.set_style(style.progress_chars("=> "));
    }
    Days { bar, of, plain }
}

impl Days {
    /// Says which day is being run, and how many are done.
    pub(super) fn at(&self, day: Day, done: u64) {
        if self.plain && done.is_multiple_of(7) {
            super::tell(format_args!(
                "replaying {day}, day {} of {}",
                done + 1,
                self.of
            ));
        }
        self.bar.set_message(day.to_string());
        self.bar.set_position(done);
    }

    /// Takes the bar away.
    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

/// Messages of a campaign that leave while somebody watches.
pub(super) struct Messages {
    bar: ProgressBar,
    plain: bool,
}

/// A bar over the messages of a campaign; where there is no terminal, a line for every look.
pub(super) fn messages() -> Messages {
    let plain = !std::io::stderr().is_terminal();
    let bar = if plain {
        ProgressBar::hidden()
    } else {
        ProgressBar::new(0)
    };
    if let Ok(style) = ProgressStyle::with_template("[{bar:30}] {pos} of {len} messages; {msg}") {
        bar.set_style(style.progress_chars("=> "));
    }
    Messages { bar, plain }
}

impl Messages {
    /// Says how many are over and done with, of how many, and how fast it goes.
    pub(super) fn at(&self, done: u64, of: u64, pace: &str) {
        if self.plain {
            super::tell(format_args!("{done} of {of} messages; {pace}"));
        }
        self.bar.set_length(of);
        self.bar.set_message(pace.to_owned());
        self.bar.set_position(done);
    }

    /// Takes the bar away.
    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

/// Rows of a base that moves.
pub(super) struct Rows {
    bar: ProgressBar,
}

/// A bar over the rows that are copied and then compared; nothing where there is no terminal.
pub(super) fn rows() -> Rows {
    let bar = ProgressBar::new(0);
    let style = "[{bar:30}] {percent}% of the rows copied and compared; {eta} left";
    if let Ok(style) = ProgressStyle::with_template(style) {
        bar.set_style(style.progress_chars("=> "));
    }
    Rows { bar }
}

impl Rows {
    /// Goes on.
    pub(super) fn at(&self, step: Moving) {
        match step {
            // Each is copied, and read back.
            Moving::Rows(rows) => self.bar.set_length(2 * rows),
            Moving::Done(rows) => self.bar.inc(rows),
        }
    }

    /// Takes the bar away.
    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
