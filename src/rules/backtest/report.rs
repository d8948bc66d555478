//! What a backtest says, as a value: the same for people and for programs.

use serde::Serialize;

use crate::config::campaign::MissedLevel;
use crate::model::{Channel, Currency, Day};
use crate::rules::plan::in_units;
use crate::rules::rhythm::{CalibrationBin, FitMethod};

use super::alarm::{Alarm, Occasion};
use super::pauses::AlarmTally;
use super::run::{Backtest, Course, FirstImport};
use super::scene::{NotReplayed, Scene};
use super::tally::{ChosenTally, Tally};

/// The names of the groups of clients by how often they buy, in the order of the tallies.
const CLASSES: [&str; 4] = ["once", "X", "Y", "Z"];

/// A campaign over a past period.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BacktestReport {
    /// The campaign.
    pub campaign: String,
    /// The name that people see.
    pub title: String,
    /// What starts an episode: `missed_cycle` or `second_purchase`.
    pub trigger: &'static str,
    /// The level of a missed cycle.
    pub level: Option<MissedLevel>,
    /// The first day.
    pub from: Day,
    /// The last day.
    pub to: Day,
    /// The last day on which anything was bought: what came of a client is known until then.
    pub data_until: Day,
    /// The time of the goal, in days.
    pub goal_within_days: i32,
    /// The currency of every amount.
    pub currency: Currency,
    /// Clients who had bought by the last day.
    pub clients: u64,
    /// What the dates of the clients rest on, at each refit.
    pub base: Vec<FittedBase>,
    /// Since when the purchases of the period were known.
    pub recorded: RecordedReport,
    /// Conditions of the audience that the past cannot answer.
    pub audience: NotReplayed,
    /// Classes of clients that the dates look at: those of today.
    pub classes_of_today: Vec<String>,
    /// The own rhythm first, then the yardsticks.
    pub alarms: Vec<AlarmReport>,
    /// Foreseen against happened, over all clients at each refit: a purchase within the time of
    /// the goal.
    pub calibration: Vec<CalibrationBin>,
    /// What to conclude, in sentences.
    pub conclusions: Vec<String>,
}

/// The parameters of the base at one refit.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FittedBase {
    /// Nothing dated or recorded later was used.
    pub fitted_on: Day,
    /// How they were found.
    pub method: FitMethod,
    /// Gaps between purchases that they rest on.
    pub gaps: u64,
    /// The least silence after which a client counted as lost, in days.
    pub smallest_lost_days: f64,
}

/// Since when the purchase days of the period were known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RecordedReport {
    /// Not known: they came with the first import of their source. Taken as known on their day.
    pub unknown: u64,
    /// On their own day or the day after.
    pub in_time: u64,
    /// Later; the replay saw them only then.
    pub late: u64,
    /// The first import of each source.
    pub first_imports: Vec<FirstImport>,
}

/// What one alarm would have made of the period.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AlarmReport {
    /// The alarm with its tuned number.
    #[serde(flatten)]
    pub alarm: Alarm,
    /// The alarm in words.
    pub name: String,
    /// Messages on a day; those of held-out clients are not among them.
    pub messages: PerDay,
    /// Tasks on a day.
    pub tasks: PerDay,
    /// Messages and tasks of clients who would have been held out.
    pub held_out: i64,
    /// The messages by channel.
    pub channels: Vec<ChannelCount>,
    /// Week by week, each from its Monday.
    pub weeks: Vec<WeekCount>,
    /// Day by day.
    pub days: Vec<DayCount>,
    /// All who were chosen.
    pub chosen: ChosenReport,
    /// Those whose silence began to count within the period.
    pub fresh: ChosenReport,
    /// Those whose silence was older than the campaign.
    pub backlog: ChosenReport,
    /// Clients of the backlog who had not had their turn on the last day.
    pub backlog_left: i64,
    /// How good the alarm is, pause by pause.
    pub pauses: AlarmQuality,
}

/// A number that differs from day to day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct PerDay {
    /// On the day in the middle.
    pub median: i64,
    /// On the fullest day.
    pub most: i64,
    /// Over the period.
    pub total: i64,
}

/// The messages of one channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct ChannelCount {
    /// The channel.
    pub channel: Channel,
    /// Messages.
    pub messages: i64,
    /// Those of them that the gates would let pass today: address, consent, suppression.
    pub lawful_today: i64,
}

/// One week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct WeekCount {
    /// Its Monday.
    pub monday: Day,
    /// Clients chosen.
    pub chosen: i64,
    /// Messages.
    pub messages: i64,
    /// Tasks.
    pub tasks: i64,
}

/// One day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct DayCount {
    /// The day.
    pub date: Day,
    /// Clients chosen.
    pub chosen: i64,
    /// Messages.
    pub messages: i64,
    /// Tasks.
    pub tasks: i64,
    /// Messages and tasks of held-out clients.
    pub held_out: i64,
}

/// What came of those who were chosen.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ChosenReport {
    /// How often somebody was chosen.
    pub episodes: i64,
    /// How many clients that were.
    pub clients: i64,
    /// Episodes whose time of the goal lies within the data.
    pub known: i64,
    /// Those of them in which the client bought by himself.
    pub came_back: i64,
    /// The same as a share, 0..1.
    pub share_came_back: Option<f64>,
    /// The share that the rhythm had foreseen.
    pub share_foreseen: Option<f64>,
    /// Silences that ended before the client would have counted as lost: false alarms.
    pub ended: i64,
    /// Silences in which he came to count as lost.
    pub lapsed: i64,
    /// Silences of which the data does not show that.
    pub open: i64,
    /// Clients who had bought already, which was recorded later.
    pub had_bought: i64,
    /// Clients with whom a campaign really did something in the time of the goal.
    pub really_touched: i64,
    /// Value at risk when they were chosen, a year, in units of the currency.
    pub value_at_risk: f64,
    /// The same of those who really lapsed.
    pub value_at_risk_lapsed: f64,
    /// Days of silence when they were chosen, mean of those who really lapsed.
    pub days_before: Option<f64>,
    /// The same in usual gaps of the client.
    pub cycles_before: Option<f64>,
}

/// How an alarm did on the pauses that began in the period.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AlarmQuality {
    /// Pauses that ended by a purchase.
    pub ended: i64,
    /// Those of them for which the alarm had spoken.
    pub false_alarms: i64,
    /// The same as a share, 0..1.
    pub share_false: Option<f64>,
    /// The same share for clients who bought once, and for the classes X, Y and Z.
    pub share_false_by_class: Vec<(&'static str, Option<f64>)>,
    /// Pauses in which the client came to count as lost.
    pub lapsed: i64,
    /// Those of them for which the alarm had spoken by then.
    pub noticed: i64,
    /// Those of them for which it had not.
    pub missed: i64,
    /// Days of silence before the alarm, mean over the lapsed.
    pub days_before: Option<f64>,
    /// The same in usual gaps of the client.
    pub cycles_before: Option<f64>,
    /// What the lapsed used to spend in a year, in units of the currency.
    pub yearly_spend_lapsed: f64,
    /// The same of those who were noticed.
    pub yearly_spend_noticed: f64,
    /// Pauses that had neither ended nor lapsed when the data ends.
    pub still_open: i64,
}

impl BacktestReport {
    /// Whether the campaign speaks while most of the clients are still to come by themselves: then
    /// speaking to one of those is no false alarm.
    pub(super) fn is_reminder(&self) -> bool {
        matches!(self.level, None | Some(MissedLevel::Due))
    }

    pub(super) fn of(backtest: &Backtest<'_>, first_imports: Vec<FirstImport>) -> Self {
        let scene = backtest.scene;
        let campaign = &scene.campaign;
        let currency = scene.company.company.currency;
        let alarms = backtest.courses.iter();
        let recorded = backtest.recorded;
        let mut report = Self {
            campaign: campaign.id.clone(),
            title: campaign.title.clone(),
            trigger: campaign.trigger.word(),
            level: match scene.occasion {
                Occasion::Silence { level, .. } => Some(level),
                Occasion::SecondPurchase => None,
            },
            from: scene.period.from,
            to: scene.period.to,
            data_until: scene.period.data_until,
            goal_within_days: campaign.goal.within.count(),
            currency,
            clients: backtest.clients,
            base: fitted(scene),
            recorded: RecordedReport {
                unknown: recorded.unknown,
                in_time: recorded.in_time,
                late: recorded.late,
                first_imports,
            },
            audience: scene.not_replayed.clone(),
            classes_of_today: scene.rhythm().classes.clone(),
            alarms: alarms.map(|course| alarm(scene, course)).collect(),
            calibration: backtest.calibration.bins(),
            conclusions: Vec::new(),
        };
        report.conclusions = super::conclusions::conclusions(&report);
        report
    }
}

fn fitted(scene: &Scene<'_>) -> Vec<FittedBase> {
    let bases = scene.eras.all().map(|base| FittedBase {
        fitted_on: base.day,
        method: base.fit.method,
        gaps: base.fit.closed_gaps,
        smallest_lost_days: base.fit.parameters.smallest_lost_days,
    });
    bases.collect()
}

fn alarm(scene: &Scene<'_>, course: &Course) -> AlarmReport {
    let tally = &course.tally;
    let currency = scene.company.company.currency;
    let all = tally.fresh.plus(&tally.backlog);
    let channels = tally.channels.iter();
    AlarmReport {
        alarm: course.alarm,
        name: super::words::alarm_name(&course.alarm),
        messages: PerDay::of(tally.days.iter().map(|day| day.messages)),
        tasks: PerDay::of(tally.days.iter().map(|day| day.tasks)),
        held_out: tally.days.iter().map(|day| day.held_out).sum(),
        channels: channels
            .filter(|(_, (messages, _))| *messages > 0)
            .map(|(channel, (messages, lawful_today))| ChannelCount {
                channel: *channel,
                messages: *messages,
                lawful_today: *lawful_today,
            })
            .collect(),
        weeks: weeks(scene, tally),
        days: days(scene, tally),
        chosen: ChosenReport::of(&all, currency),
        fresh: ChosenReport::of(&tally.fresh, currency),
        backlog: ChosenReport::of(&tally.backlog, currency),
        backlog_left: tally.still_waiting,
        pauses: quality(course, currency),
    }
}

fn days(scene: &Scene<'_>, tally: &Tally) -> Vec<DayCount> {
    let days = scene.period.days().zip(&tally.days);
    days.map(|(date, day)| DayCount {
        date,
        chosen: day.chosen,
        messages: day.messages,
        tasks: day.tasks,
        held_out: day.held_out,
    })
    .collect()
}

fn weeks(scene: &Scene<'_>, tally: &Tally) -> Vec<WeekCount> {
    let mut weeks: Vec<WeekCount> = Vec::new();
    for (date, day) in scene.period.days().zip(&tally.days) {
        let into_week = date.weekday().num_days_from_monday();
        let monday = date.plus(-into_week.cast_signed());
        if weeks.last().is_none_or(|week| week.monday != monday) {
            weeks.push(WeekCount {
                monday,
                chosen: 0,
                messages: 0,
                tasks: 0,
            });
        }
        if let Some(week) = weeks.last_mut() {
            week.chosen += day.chosen;
            week.messages += day.messages;
            week.tasks += day.tasks;
        }
    }
    weeks
}

fn quality(course: &Course, currency: Currency) -> AlarmQuality {
    let AlarmTally {
        ended,
        false_alarms,
        lapsed,
        noticed,
        silent_days,
        cycles_parts,
        yearly,
        yearly_noticed,
    } = course.pauses.all;
    let by_class = CLASSES.iter().zip(&course.pauses.by_class);
    AlarmQuality {
        ended,
        false_alarms,
        share_false: share(false_alarms, ended),
        share_false_by_class: by_class
            .map(|(class, tally)| (*class, share(tally.false_alarms, tally.ended)))
            .collect(),
        lapsed,
        noticed,
        missed: lapsed - noticed,
        days_before: mean(silent_days, lapsed, 1.0),
        cycles_before: mean(cycles_parts, lapsed, 1e3),
        yearly_spend_lapsed: in_units(yearly, currency),
        yearly_spend_noticed: in_units(yearly_noticed, currency),
        still_open: course.pauses.still_open,
    }
}

impl ChosenReport {
    fn of(tally: &ChosenTally, currency: Currency) -> Self {
        Self {
            episodes: tally.episodes,
            clients: tally.episodes - tally.again,
            known: tally.known,
            came_back: tally.came_back,
            share_came_back: share(tally.came_back, tally.known),
            share_foreseen: mean(tally.foreseen_parts, tally.known, 1e6),
            ended: tally.ended,
            lapsed: tally.lapsed,
            open: tally.open,
            had_bought: tally.had_bought,
            really_touched: tally.really_touched,
            value_at_risk: in_units(tally.value, currency),
            value_at_risk_lapsed: in_units(tally.value_lapsed, currency),
            days_before: mean(tally.silent_days_lapsed, tally.lapsed, 1.0),
            cycles_before: mean(tally.cycles_parts_lapsed, tally.lapsed, 1e3),
        }
    }
}

impl PerDay {
    fn of(days: impl Iterator<Item = i64>) -> Self {
        let mut days: Vec<i64> = days.collect();
        days.sort_unstable();
        Self {
            median: days.get(days.len() / 2).copied().unwrap_or(0),
            most: days.last().copied().unwrap_or(0),
            total: days.iter().sum(),
        }
    }
}

/// A share to four digits; `None` of nothing.
fn share(part: i64, of: i64) -> Option<f64> {
    mean(part, of, 1.0)
}

/// A mean of parts of a unit, to four digits; `None` of nothing.
fn mean(sum: i64, of: i64, parts_of_one: f64) -> Option<f64> {
    let digits = 1e4;
    (of > 0).then(|| (sum as f64 / of as f64 / parts_of_one * digits).round() / digits)
}
