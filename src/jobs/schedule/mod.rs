//! The schedules: who notices that it is time, and sees to it that each occurrence is done once.
//!
//! One process leads, others stand by ([`leading`]). An occurrence is a row that is entered once
//! (schedule, date, slot), so a restart, a second leader and a clock that is set back find it there.
//! Everything is done one after the other in the order
//! in which it was due: nothing overlaps, and a run that takes long makes the next one wait. What is
//! due is decided in `rules::schedule`, what is done in [`work`].

mod leading;
mod work;

pub use leading::keep;

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, error, info, info_span, warn};

use crate::app::App;
use crate::config::schedule::{Schedule, Timetable};
use crate::db::{Finished, Held, NewOccurrence, OpenOccurrence, StoreError};
use crate::model::Day;
use crate::rules::schedule::{Fate, clock_step, fates, next, occurrences, retry_after};

/// How often a part of the service tells that it is alive.
pub const BEAT: Duration = Duration::from_secs(5);

/// The most occurrences of one schedule that are entered after an absence.
const MOST: usize = 500;

/// How often something is tried again that waits for a condition.
const CONDITION: TimeDelta = TimeDelta::minutes(10);

/// The schedules, in the order in which they are done when several are due at one time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Name {
    /// What is too old goes.
    Tidy,
    /// The database is backed up.
    Backup,
    /// The sources are read.
    Import,
    /// The day is planned.
    Daily,
    /// The managers get their lists.
    Digests,
}

impl Name {
    /// Every schedule.
    pub const ALL: [Self; 5] = [
        Self::Tidy,
        Self::Backup,
        Self::Import,
        Self::Daily,
        Self::Digests,
    ];

    /// The word in configuration, tables and logs.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Tidy => "tidy",
            Self::Backup => "backup",
            Self::Import => "import",
            Self::Daily => "daily",
            Self::Digests => "digests",
        }
    }

    /// When it is due.
    pub const fn timetable(self, schedule: &Schedule) -> &Timetable {
        match self {
            Self::Tidy => &schedule.tidy,
            Self::Backup => &schedule.backup,
            Self::Import => &schedule.import,
            Self::Daily => &schedule.daily,
            Self::Digests => &schedule.digests,
        }
    }

    /// Whether it is of use on its own day only: yesterday's plan and yesterday's list are not made
    /// today, because today's take in all that they would have.
    const fn is_of_its_day(self) -> bool {
        matches!(self, Self::Daily | Self::Digests)
    }
}

/// An occurrence that was worked on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// The schedule.
    pub name: Name,
    /// The date that names the occurrence.
    pub date: Day,
    /// How it ended.
    pub finished: Finished,
    /// What came of it.
    pub note: String,
}

/// What comes next on a schedule.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Upcoming {
    /// The schedule.
    pub schedule: &'static str,
    /// Its expression.
    pub at: String,
    /// Its catch-up policy.
    pub catch_up: &'static str,
    /// How late it may be caught up, in days.
    pub within_days: i32,
    /// When it is due next; absent for `never`.
    pub next: Option<DateTime<Utc>>,
}

/// What comes next on every schedule.
pub fn upcoming(app: &App) -> Vec<Upcoming> {
    let upcoming = Name::ALL.into_iter().map(|name| {
        let table = name.timetable(&app.settings.schedule);
        Upcoming {
            schedule: name.word(),
            at: table.at.to_string(),
            catch_up: table.catch_up.word(),
            within_days: table.within.count(),
            next: next(&table.at, app.zone(), app.clock.now()).map(|one| one.at),
        }
    });
    upcoming.collect()
}

/// Whoever keeps the schedules.
#[derive(Debug)]
pub struct Scheduler {
    app: Arc<App>,
    /// The lock of schedules: nothing is done without it.
    lock: Arc<Held>,
    stop: CancellationToken,
    /// What both clocks said at the last tick.
    seen: Option<(DateTime<Utc>, Instant)>,
}

impl Scheduler {
    /// Begins to keep the schedules under their lock (`db::Lock::Schedules`); gives back what a process
    /// that is gone had begun.
    pub async fn start(
        app: Arc<App>,
        lock: Arc<Held>,
        stop: CancellationToken,
    ) -> Result<Self, StoreError> {
        let left = app.store.take_over_occurrences(app.now_ms()).await?;
        if left > 0 {
            warn!(
                left,
                "a process that is gone had begun something: it is begun again"
            );
        }
        Ok(Self {
            app,
            lock,
            stop,
            seen: None,
        })
    }

    /// Enters what has become due and does everything that waits, one after the other; an error when
    /// the lock is lost.
    pub async fn tick(&mut self) -> Result<Vec<Ended>, StoreError> {
        let mut ended = Vec::new();
        self.still_leads().await?;
        if self.clock_is_wrong().await? {
            return Ok(ended);
        }
        self.enter().await?;
        while let Some((name, open)) = self.next_open().await? {
            // What was begun is finished; nothing new is begun.
            if self.stop.is_cancelled() {
                break;
            }
            self.still_leads().await?;
            match self.attend(name, &open).await? {
                Some(one) => ended.push(one),
                None => break,
            }
        }
        Ok(ended)
    }

    /// Asks whether the lock is still held: between two steps nobody knows.
    async fn still_leads(&self) -> Result<(), StoreError> {
        if self.lock.holds().await {
            return Ok(());
        }
        Err(StoreError::LockLost)
    }

    /// Whether the clock made a step that a person has to look at; nothing is begun then.
    async fn clock_is_wrong(&mut self) -> Result<bool, StoreError> {
        let (app, now) = (&self.app, self.app.clock.now());
        let passed = self.seen.map(|(_, at)| at.elapsed()).unwrap_or_default();
        let passed = TimeDelta::from_std(passed).unwrap_or_default();
        let before = self.seen.map(|(now, _)| now);
        self.seen = Some((now, Instant::now()));
        let holds = app.store.holds().await?;
        if holds.iter().any(|hold| hold.name == "clock") {
            return Ok(true);
        }
        let latest = app.store.latest_instant().await?;
        let latest = latest.and_then(DateTime::from_timestamp_millis);
        // A clock that is moved by hand tells nothing about the machine.
        let before = before.filter(|_| matches!(app.clock, crate::clock::Clock::System));
        match clock_step(before, passed, now, latest) {
            None => Ok(false),
            Some(crate::rules::schedule::ClockStep::Back(by)) => {
                // It rights itself when the clock does.
                warn!(
                    minutes = by.num_minutes(),
                    "the clock stands before what has happened: nothing is begun"
                );
                Ok(true)
            }
            Some(step) => {
                let reason = format!("{step}; set it right, then `rekindle runs release clock`");
                app.store.hold("clock", &reason, app.now_ms()).await?;
                error!(%reason, "nothing is begun");
                Ok(true)
            }
        }
    }

    /// Enters every occurrence that has become due, once.
    async fn enter(&self) -> Result<(), StoreError> {
        let (app, now, now_ms) = (&self.app, self.app.clock.now(), self.app.now_ms());
        for name in Name::ALL {
            let table = name.timetable(&app.settings.schedule);
            let since = app.store.schedule_since(name.word(), now_ms).await?;
            let last = app.store.last_occurrence(name.word(), now_ms).await?;
            let after = last.map_or(since, |last| last.max(since));
            let after = DateTime::from_timestamp_millis(after).unwrap_or(now);
            let due = occurrences(&table.at, app.zone(), after, now, MOST);
            if due.is_empty() {
                continue;
            }
            let one_day = name.is_of_its_day().then(|| app.today());
            let fates = fates(&due, table, one_day, now);
            let new: Vec<NewOccurrence<'_>> = fates
                .iter()
                .map(|(one, fate)| NewOccurrence {
                    schedule: name.word(),
                    date: one.date,
                    slot: one.slot,
                    planned_at: one.at.timestamp_millis(),
                    late: *fate == Fate::Late,
                    missed: match fate {
                        Fate::Missed(why) => Some(why),
                        Fate::Due | Fate::Late => None,
                    },
                })
                .collect();
            for one in app.store.enter_occurrences(&new, now_ms).await? {
                let (schedule, date, policy) = (name.word(), one.date, table.catch_up.word());
                match one.missed {
                    Some(why) => warn!(schedule, %date, policy, why, "missed"),
                    None if one.late => warn!(schedule, %date, policy, "caught up late"),
                    None => info!(schedule, %date, "due"),
                }
            }
        }
        Ok(())
    }

    /// The next occurrence to attend to: the earliest, and of several due at one time the one that
    /// others rest on.
    async fn next_open(&self) -> Result<Option<(Name, OpenOccurrence)>, StoreError> {
        let now_ms = self.app.now_ms();
        let open = self.app.store.open_occurrences().await?;
        let mut known: Vec<(Name, OpenOccurrence)> = open
            .into_iter()
            .filter(|one| one.next_try <= now_ms)
            .filter_map(|one| {
                let name = Name::ALL
                    .into_iter()
                    .find(|name| name.word() == one.schedule);
                name.map(|name| (name, one))
            })
            .collect();
        known.sort_by_key(|(name, one)| (one.planned_at, *name));
        Ok(known.into_iter().next())
    }

    /// Does one occurrence; nothing when somebody else took it.
    async fn attend(&self, name: Name, open: &OpenOccurrence) -> Result<Option<Ended>, StoreError> {
        let app = &self.app;
        if name.is_of_its_day() && open.date != app.today() {
            let note = "its day is over; the next day takes everybody in";
            let ended = self.end(name, open, open.attempts, Finished::Missed, note.to_owned());
            return ended.await.map(Some);
        }
        if !app.store.begin_occurrence(open, app.now_ms()).await? {
            return Ok(None);
        }
        let span = info_span!("occurrence", schedule = name.word(), date = %open.date);
        let work = work::perform(app, name, open.date).instrument(span);
        // Dropped when the lock is lost: whoever has it then gives the attempt back and begins anew.
        let (finished, note) = match self.lock.during(Box::pin(work)).await? {
            Ok(work::Worked::Done(note)) => (Finished::Done, note),
            Ok(work::Worked::Held(note)) => (Finished::Held, note),
            Ok(work::Worked::NotYet(note)) => {
                let at = app.clock.now() + CONDITION;
                (Finished::Again(at.timestamp_millis()), note)
            }
            Err(error) => match retry_after(open.attempts + 1) {
                Some(pause) => {
                    let at = app.clock.now() + pause;
                    (Finished::Again(at.timestamp_millis()), error.to_string())
                }
                None => (Finished::Failed, error.to_string()),
            },
        };
        let ended = self.end(name, open, open.attempts + 1, finished, note);
        ended.await.map(Some)
    }

    async fn end(
        &self,
        name: Name,
        open: &OpenOccurrence,
        attempts: u32,
        finished: Finished,
        note: String,
    ) -> Result<Ended, StoreError> {
        let (app, now_ms) = (&self.app, self.app.now_ms());
        let store = &app.store;
        let ended = store.end_occurrence(open.id, attempts, &finished, &note, now_ms);
        ended.await?;
        let (schedule, date) = (name.word(), open.date);
        match finished {
            Finished::Done => info!(schedule, %date, note, "done"),
            Finished::Held => warn!(schedule, %date, note, "held for a person"),
            Finished::Again(_) => warn!(schedule, %date, note, "not yet: it is tried again"),
            Finished::Missed => warn!(schedule, %date, note, "missed"),
            Finished::Failed => error!(schedule, %date, note, "failed"),
        }
        Ok(Ended {
            name,
            date: open.date,
            finished,
            note,
        })
    }
}
