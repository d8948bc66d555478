//! Five weeks as they would have run: every day is planned, applied and delivered with what was
//! known on it and nothing later, and the managers call.

use std::collections::BTreeMap;

use anyhow::Context;
use chrono::{TimeDelta, Weekday};

use super::answers::answer;
use crate::app::App;
use crate::cli::progress;
use crate::db::{TaskFilter, TaskRow};
use crate::jobs::base_weeks;
use crate::jobs::day::{self, DayOptions, RunOutcome, RunSummary};
use crate::jobs::deliver;
use crate::jobs::outcome::{Told, record};
use crate::model::{Day, OutcomeKind};
use crate::rules::plan::Plan;

/// When the day is planned: 07:00 in Moscow.
const MORNING: TimeDelta = TimeDelta::hours(4);

/// What a replay came to.
#[derive(Debug)]
pub(super) struct Replay {
    /// The first day.
    pub(super) first: Day,
    /// The last day.
    pub(super) last: Day,
    /// The last day as it was planned, before it was run.
    pub(super) plan: Plan,
    /// What each campaign did, in the order of the campaigns.
    pub(super) campaigns: Vec<Tally>,
    /// What managers recorded.
    pub(super) outcomes: BTreeMap<OutcomeKind, u64>,
    /// Letters in the sandbox.
    pub(super) letters: u64,
    /// Days that waited for a person, with the reason.
    pub(super) held: Vec<(Day, String)>,
    /// What could not be handed over.
    pub(super) failed: Vec<String>,
}

/// What one campaign did in all days.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    /// The campaign.
    pub(super) id: String,
    /// Clients who entered.
    pub(super) entered: u64,
    /// Messages.
    pub(super) messages: u64,
    /// Tasks.
    pub(super) tasks: u64,
    /// Touches on paper only, of held-out clients.
    pub(super) holdout: u64,
    /// Treated clients who left because the goal was reached.
    pub(super) by_goal: u64,
    /// Treated clients who left because of what they told a manager.
    pub(super) by_outcome: u64,
    /// Treated clients who left at the end of the last step.
    pub(super) finished: u64,
}

/// Replays `days` days up to `last`. On the last day nobody has called yet.
pub(super) async fn replay(app: &App, last: Day, days: u16) -> anyhow::Result<Replay> {
    let first = last.plus(1 - i32::from(days.max(1)));
    let bar = progress::days(u64::from(days));
    let mut work = Work::default();
    for n in 0..i32::from(days.max(1)) - 1 {
        let today = first.plus(n);
        bar.at(today, n.unsigned_abs().into());
        work.run_day(app, today).await?;
        if is_working_day(today) {
            work.deliver_lists(app, today).await?;
            work.call(app, today).await?;
        }
    }
    bar.at(last, u64::from(days) - 1);
    set_clock(app, last);
    let plan = day::plan(app, options(last)).await?;
    work.run_day(app, last).await?;
    work.deliver_lists(app, last).await?;
    bar.finish();
    let campaigns = work.tallies(app, first, last).await?;
    Ok(Replay {
        first,
        last,
        plan,
        campaigns,
        outcomes: work.outcomes,
        letters: work.letters,
        held: work.held,
        failed: work.failed,
    })
}

/// A day that has passed: only what is dated on or before it counts.
pub(super) const fn options(day: Day) -> DayOptions<'static> {
    DayOptions {
        day,
        as_of: true,
        also: None,
    }
}

fn is_working_day(day: Day) -> bool {
    !matches!(day.weekday(), Weekday::Sat | Weekday::Sun)
}

/// Sets the clock of the demo to the morning of a day.
fn set_clock(app: &App, day: Day) {
    let morning = day.date().and_time(chrono::NaiveTime::MIN).and_utc() + MORNING;
    app.clock.advance(morning - app.clock.now());
}

/// What is gathered on the way.
#[derive(Default)]
struct Work {
    summaries: Vec<RunSummary>,
    outcomes: BTreeMap<OutcomeKind, u64>,
    letters: u64,
    held: Vec<(Day, String)>,
    failed: Vec<String>,
}

impl Work {
    async fn run_day(&mut self, app: &App, day: Day) -> anyhow::Result<()> {
        set_clock(app, day);
        let outcome = day::run(app, options(day), &|_| ())
            .await
            .with_context(|| format!("run {day}"))?;
        match outcome {
            RunOutcome::Done(summary) => self.summaries.push(summary),
            RunOutcome::AwaitingApproval(summary) => {
                let why = summary.held_because.clone().unwrap_or_default();
                day::approve(app, day, "demo").await?;
                self.held.push((day, why));
                self.summaries.push(summary);
            }
            RunOutcome::Before { date, .. } => anyhow::bail!("{date} has been run before"),
        }
        let delivered = deliver::deliver(app, &|_| ()).await?;
        self.letters += delivered.letters + delivered.whatsapp;
        self.failed.extend(delivered.failed);
        base_weeks::keep(app, options(day)).await?;
        Ok(())
    }

    async fn deliver_lists(&mut self, app: &App, day: Day) -> anyhow::Result<()> {
        day::write_lists(app, day).await?;
        let delivered = deliver::deliver(app, &|_| ()).await?;
        self.failed.extend(delivered.failed);
        Ok(())
    }

    /// The managers work through their lists.
    async fn call(&mut self, app: &App, day: Day) -> anyhow::Result<()> {
        let listed = TaskFilter {
            listed_on: Some(day),
            ..TaskFilter::default()
        };
        for task in app.store.tasks(&listed).await? {
            let buys = buys_next_day(app, &task, day).await?;
            let Some(answer) = answer(&task, day, buys) else {
                continue;
            };
            let kind = answer.outcome.kind;
            let told = Told {
                note: answer.note,
                friend: answer.friend,
                ..Told::new(answer.outcome, &task.acting)
            };
            record(app, task.id, &told).await?;
            *self.outcomes.entry(kind).or_default() += 1;
        }
        Ok(())
    }

    async fn tallies(&self, app: &App, first: Day, last: Day) -> anyhow::Result<Vec<Tally>> {
        let ended = app.store.ended_episodes(first, last).await?;
        let tallies = app.campaigns.iter().map(|campaign| {
            let mut tally = Tally {
                id: campaign.id.clone(),
                ..Tally::default()
            };
            let counts = self.summaries.iter().flat_map(|summary| &summary.campaigns);
            for one in counts.filter(|one| one.id == campaign.id) {
                tally.entered += one.entered;
                tally.messages += one.messages;
                tally.tasks += one.tasks;
                tally.holdout += one.holdout;
            }
            for one in ended.iter().filter(|one| one.campaign == campaign.id) {
                match one.by.as_str() {
                    "goal" => tally.by_goal = one.episodes,
                    "outcome" => tally.by_outcome = one.episodes,
                    _ => tally.finished = one.episodes,
                }
            }
            tally
        });
        Ok(tallies.collect())
    }
}

/// Whether money of the client comes in on the day after.
async fn buys_next_day(app: &App, task: &TaskRow, day: Day) -> anyhow::Result<bool> {
    let ids = app.store.clients_called(&task.client).await?;
    let tomorrow = day.plus(1);
    let histories = app.store.histories(&ids, tomorrow).await?;
    Ok(histories
        .iter()
        .any(|history| history.purchase_days().any(|bought| bought == tomorrow)))
}
