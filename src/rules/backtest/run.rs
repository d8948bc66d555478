//! Leading all clients through the period, one after another.

use serde::Serialize;

use crate::model::{ClientId, Day};
use crate::rules::rhythm::{CalibrationCounts, GapDays};

use super::alarm::Alarm;
use super::course::{MostValuable, alone, together};
use super::past::Past;
use super::pauses::{PauseTally, pauses_begun};
use super::report::BacktestReport;
use super::scene::Scene;
use super::tally::Tally;

/// The import that brought the whole history of a source at once: when its purchases became known
/// before it cannot be told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FirstImport {
    /// The source.
    pub source: String,
    /// Its day.
    pub on: Day,
}

/// The replay of a campaign over a period.
#[derive(Debug)]
pub struct Backtest<'a> {
    pub(super) scene: &'a Scene<'a>,
    pub(super) courses: Vec<Course>,
    pub(super) calibration: CalibrationCounts,
    pub(super) gaps: GapDays,
    pub(super) clients: u64,
    pub(super) recorded: Recorded,
}

/// What one alarm made of the period.
#[derive(Debug)]
pub(super) struct Course {
    pub(super) alarm: Alarm,
    pub(super) tally: Tally,
    pub(super) pauses: PauseTally,
    pub(super) backlog: MostValuable,
}

/// Since when the purchase days of the period were known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Recorded {
    pub(super) unknown: u64,
    pub(super) in_time: u64,
    pub(super) late: u64,
}

impl<'a> Backtest<'a> {
    /// Begins a replay with each of the alarms.
    pub fn new(scene: &'a Scene<'a>, alarms: &[Alarm]) -> Self {
        let courses = alarms.iter().map(|alarm| Course {
            alarm: *alarm,
            tally: Tally::new(&scene.period),
            pauses: PauseTally::default(),
            backlog: MostValuable::for_scene(scene),
        });
        Self {
            courses: courses.collect(),
            scene,
            calibration: CalibrationCounts::default(),
            gaps: GapDays::default(),
            clients: 0,
            recorded: Recorded::default(),
        }
    }

    /// Leads one client through the period.
    pub fn add(&mut self, past: &Past) {
        let period = self.scene.period;
        self.clients += u64::from(past.rhythm_on(period.to).is_some());
        self.count_recorded(past);
        self.count_gaps(past);
        self.calibrate(past);
        let begun = pauses_begun(
            self.scene,
            past,
            past.lasting_days(),
            period.from..=period.to,
        );
        for course in &mut self.courses {
            let way = alone(self.scene, course.alarm, past);
            for happened in &way.happened {
                course.tally.count(happened, &period, 1);
            }
            course.tally.still_waiting += i64::from(way.still_waiting);
            if let Some(value) = way.waited_for {
                course.backlog.add(past.client(), value);
            }
            for pause in &begun {
                let alarm_on = pause.alarm_on(course.alarm, self.scene, past);
                let closed = &self.scene.eras.on(period.from).closed;
                course
                    .pauses
                    .count(pause, alarm_on, closed, period.data_until);
            }
        }
    }

    /// How many alarms are replayed.
    pub const fn n_alarms(&self) -> usize {
        self.courses.len()
    }

    /// The clients whom the backlog of an alarm may let in, to be given to [`Self::settle`].
    pub fn in_backlog(&self, alarm: usize) -> Vec<ClientId> {
        self.courses[alarm].backlog.clients()
    }

    /// Leads the clients of the backlog through the period together.
    pub fn settle(&mut self, alarm: usize, pasts: &[Past]) {
        let course = &mut self.courses[alarm];
        let period = self.scene.period;
        for past in pasts {
            let way = alone(self.scene, course.alarm, past);
            for happened in &way.happened {
                course.tally.count(happened, &period, -1);
            }
            course.tally.still_waiting -= i64::from(way.still_waiting);
        }
        let (all, still_waiting) = together(self.scene, course.alarm, pasts);
        for happened in &all {
            course.tally.count(happened, &period, 1);
        }
        course.tally.still_waiting += still_waiting;
    }

    /// What came out.
    pub fn report(&self, first_imports: Vec<FirstImport>) -> BacktestReport {
        BacktestReport::of(self, first_imports)
    }

    /// The gaps between purchase days that were known on the last day of the period.
    pub const fn gaps(&self) -> &GapDays {
        &self.gaps
    }

    fn count_recorded(&mut self, past: &Past) {
        let period = self.scene.period;
        let within = past
            .days
            .iter()
            .filter(|one| one.paid > 0 && (period.from..=period.to).contains(&one.day));
        for one in within {
            let count = match one.recorded_on {
                None => &mut self.recorded.unknown,
                Some(on) if on.days_since(one.day) <= 1 => &mut self.recorded.in_time,
                Some(_) => &mut self.recorded.late,
            };
            *count += 1;
        }
    }

    fn count_gaps(&mut self, past: &Past) {
        let days: Vec<Day> = past.purchase_days_on(self.scene.period.to).collect();
        for pair in days.windows(2) {
            self.gaps.add((pair[1] - pair[0]).unsigned_abs());
        }
    }

    /// At each refit, for every client: the foreseen chance of a purchase within the time of the
    /// goal, and whether there was one.
    fn calibrate(&mut self, past: &Past) {
        let within = self.scene.campaign.goal.within.count();
        for base in self.scene.eras.all() {
            let day = base.day;
            if self.scene.period.data_until < day.plus(within) {
                continue;
            }
            let Some(rhythm) = past.rhythm_on(day) else {
                continue;
            };
            let silent_days = f64::from(base.closed.silent_days(rhythm.last, day));
            let foreseen = base
                .law(past.kind(base), &rhythm)
                .returns_within(silent_days, f64::from(within));
            let next = past.next_purchase_after(day);
            self.calibration
                .add(foreseen, next.is_some_and(|next| next <= day.plus(within)));
        }
    }
}
