//! Why one client gets what he gets, or nothing: every campaign, every condition with its value.

use std::fmt;

use crate::app::App;
use crate::db::{History, MergedClient, StoreError, TaskRow, Wanted};
use crate::model::{ClientFacts, ClientId, Day, Locale};
use crate::rules::plan::who;
use crate::rules::rhythm::{Hint, StepUp};
use crate::rules::standing::Standing;
use crate::rules::wording;
use serde::Serialize;

use super::day::{DayOptions, Ground};
use super::verdicts;

pub use super::verdicts::{CampaignLines, StepVariant};

/// Everything that is decided about one client on one day.
#[derive(Clone, Debug, Serialize)]
pub struct Explanation {
    /// The id in the source.
    pub client: String,
    /// What lists call the client.
    pub name: String,
    /// The day.
    pub date: Day,
    /// The client whom this one has been merged into: everything else is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub merged_into: Option<String>,
    /// The rhythm in numbers; absent when he has never bought.
    pub rhythm: Option<RhythmLines>,
    /// What clients with such baskets also buy, the likeliest first.
    pub hints: Vec<Hint<String>>,
    /// What managers were asked to do about him, the last first.
    pub tasks: Vec<TaskLines>,
    /// What such clients went over to or took more of next, the likeliest first.
    pub upsell: Vec<StepUp<String>>,
    /// Each campaign.
    pub campaigns: Vec<CampaignLines>,
}

/// A task about a client, open or closed.
#[derive(Clone, Debug, Serialize)]
pub struct TaskLines {
    /// The number of the task.
    pub id: i64,
    /// The manager; empty when nobody is named.
    pub manager: String,
    /// The campaign.
    pub campaign: String,
    /// The step.
    pub step: String,
    /// The day on which it was planned.
    pub since: Day,
    /// Not shown before this day.
    pub not_before: Day,
    /// The last outcome.
    pub outcome: Option<String>,
    /// The day on which it left the lists.
    pub closed_on: Option<Day>,
    /// Why: `outcome`, `expired`, `merged`, or what ended the episode.
    pub closed_by: Option<String>,
}

/// The rhythm of a client in numbers.
#[derive(Clone, Debug, Serialize)]
pub struct RhythmLines {
    /// Purchase days.
    pub purchases: u32,
    /// The last of them.
    pub last_purchase: Day,
    /// Days since then.
    pub days_silent: i32,
    /// The usual gap.
    pub usual_gap_days: f64,
    /// `active`, `due`, `missed`, `asleep` or `lost`.
    pub state: String,
    /// Of the pauses of such clients that ended, the share that were longer; 0..1.
    pub overdue_p: f64,
    /// The chance of a purchase within 30 days without our doing anything; 0..1.
    pub return_30: f64,
    /// When he is due, missed, asleep and lost.
    pub dates: [Day; 4],
    /// The frequency class.
    pub xyz: String,
    /// Whether he is a key account.
    pub key_account: bool,
    /// The tag of the class by whose own fit he is looked at; absent when it is that of the base.
    pub class: Option<String>,
}

impl RhythmLines {
    /// What the silence means, in a sentence.
    pub fn sentence(&self, locale: Locale) -> String {
        let phrase = wording::rhythm_sentence(
            locale,
            self.usual_gap_days,
            self.days_silent,
            self.overdue_p,
            Some(self.return_30),
        );
        wording::sentence(&phrase)
    }
}

/// Explains one client; `None` when the client is not known on the day.
pub async fn explain(
    app: &App,
    client: ClientId,
    options: DayOptions<'_>,
) -> Result<Option<Explanation>, StoreError> {
    let ground = Ground::read(app, options).await?;
    let facts = ground.facts(&[client], Wanted::ALL).await?;
    let Some(facts) = facts.first() else {
        let merged = app.store.merged(client).await?;
        return Ok(merged.map(|merged| of_merged(merged, options.day)));
    };
    let campaigns = verdicts::lines(app, &ground, facts);
    let tasks = app.store.tasks_about(client, options.day).await?;
    Ok(Some(Explanation {
        client: facts.client.ext_id.clone(),
        name: facts.client.label().to_owned(),
        date: options.day,
        merged_into: None,
        rhythm: rhythm_lines(facts, &ground, options.day),
        hints: ground.base().hints(&facts.items),
        tasks: tasks
            .into_iter()
            .map(|task| task_lines(task, options.day))
            .collect(),
        upsell: ground.base().steps_up(&facts.items),
        campaigns,
    }))
}

/// The purchase days of a client up to a day, rising: what a picture of him needs beside the rest.
pub async fn purchase_days(
    app: &App,
    client: ClientId,
    up_to: Day,
) -> Result<Vec<Day>, StoreError> {
    let histories = app.store.histories(&[client], up_to).await?;
    Ok(histories.iter().flat_map(History::purchase_days).collect())
}

fn of_merged(merged: MergedClient, date: Day) -> Explanation {
    Explanation {
        client: merged.ext_id,
        name: merged.name,
        date,
        merged_into: Some(merged.master),
        rhythm: None,
        hints: Vec::new(),
        tasks: Vec::new(),
        upsell: Vec::new(),
        campaigns: Vec::new(),
    }
}

/// A task as it stood on a day.
fn task_lines(task: TaskRow, day: Day) -> TaskLines {
    let closed_on = task.closed_on.filter(|closed| *closed <= day);
    TaskLines {
        id: task.id,
        manager: task.manager,
        campaign: task.campaign,
        step: task.step,
        since: task.planned_on,
        not_before: task.not_before,
        outcome: task.outcome,
        closed_by: task.closed_by.filter(|_| closed_on.is_some()),
        closed_on,
    }
}

/// Why a task left the lists, in words.
pub fn why_closed(closed_by: Option<&str>, outcome: Option<&str>) -> String {
    match (closed_by, outcome) {
        (Some("outcome"), Some(outcome)) => outcome.to_owned(),
        (Some("expired"), _) => "expired, nobody recorded an outcome for too long".to_owned(),
        (Some("goal"), _) => "no longer needed, the goal of the campaign is reached".to_owned(),
        (Some("over"), _) => "the occasion had passed".to_owned(),
        (Some("accepted"), _) => "the client was taken".to_owned(),
        (Some("finished"), _) => "the time of the campaign was over".to_owned(),
        (Some("answered"), _) => "the client has answered".to_owned(),
        (Some("merged"), _) => "the client was merged into another one".to_owned(),
        (Some(by), _) => by.to_owned(),
        (None, _) => "closed".to_owned(),
    }
}

impl fmt::Display for TaskLines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let manager = if self.manager.is_empty() {
            "nobody"
        } else {
            &self.manager
        };
        write!(
            f,
            "  task #{} of {manager}, {}/{}, since {}: ",
            self.id, self.campaign, self.step, self.since
        )?;
        match (self.closed_on, &self.outcome) {
            (Some(on), outcome) => {
                let why = why_closed(self.closed_by.as_deref(), outcome.as_deref());
                write!(f, "{why} (closed on {on})")
            }
            (None, Some(outcome)) => write!(f, "{outcome}, again on {}", self.not_before),
            (None, None) => f.write_str("waits"),
        }
    }
}

fn rhythm_lines(facts: &ClientFacts, ground: &Ground<'_>, day: Day) -> Option<RhythmLines> {
    let standing = Standing::of_facts(facts, ground.base(), day)?;
    let dates = standing.dates;
    let base = ground.base();
    let class = base.own_class(base.kind_of(&facts.client));
    Some(RhythmLines {
        purchases: facts.purchase_days(),
        last_purchase: facts.last_purchase()?,
        days_silent: standing.days_silent,
        usual_gap_days: standing.law.usual_gap_days(),
        state: standing.state.to_string(),
        overdue_p: standing.overdue_p(),
        return_30: standing.returns_within(crate::rules::standing::RETURN_HORIZON_DAYS),
        dates: [dates.due, dates.missed, dates.asleep, dates.lost],
        xyz: standing.xyz.to_string(),
        key_account: standing.key_account,
        class: class.map(|class| class.tag.clone()),
    })
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} on {}", who(&self.name, &self.client), self.date)?;
        if let Some(master) = &self.merged_into {
            return writeln!(f, "  merged into {master}: his purchases count there");
        }
        match &self.rhythm {
            None => writeln!(f, "  has never bought")?,
            Some(rhythm) => writeln!(f, "{rhythm}")?,
        }
        if !self.hints.is_empty() {
            let hints: Vec<String> = self.hints.iter().map(in_short).collect();
            writeln!(
                f,
                "  clients with such baskets also buy: {}",
                hints.join(", ")
            )?;
        }
        for task in &self.tasks {
            writeln!(f, "{task}")?;
        }
        for step in &self.upsell {
            writeln!(f, "  for a larger receipt: {}", with_evidence(step))?;
        }
        for one in &self.campaigns {
            write!(f, "{one}")?;
        }
        Ok(())
    }
}

/// A hint with what speaks for it.
fn in_short(hint: &Hint<String>) -> String {
    let share = hint.share * 100.0;
    format!(
        "{} ({share:.0} % of those who buy {})",
        hint.item, hint.because_of
    )
}

/// A step with the clients who speak for it.
fn with_evidence(step: &StepUp<String>) -> String {
    let offer = wording::step_up(Locale::En, step);
    match step {
        StepUp::Dearer {
            price_ratio,
            moved,
            of,
            ..
        } => format!(
            "{offer}, {price_ratio:.1} times the price ({moved} of {of} regular buyers went over)"
        ),
        StepUp::Larger { moved, of, .. } => {
            format!("{offer} ({moved} of {of} who took so many took more the next time)")
        }
    }
}

impl fmt::Display for RhythmLines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [due, missed, asleep, lost] = self.dates;
        let key = if self.key_account {
            ", key account"
        } else {
            ""
        };
        writeln!(
            f,
            "  {}: {} purchases, the last on {}, {} days ago; usually every {:.0} days; {}{key}",
            self.state,
            self.purchases,
            self.last_purchase,
            self.days_silent,
            self.usual_gap_days,
            self.xyz
        )?;
        if let Some(class) = &self.class {
            writeln!(
                f,
                "  by the rhythms of {class}, who have a fit of their own"
            )?;
        }
        writeln!(
            f,
            "  due {due}, missed {missed}, asleep {asleep}, lost {lost}"
        )?;
        write!(
            f,
            "  {:.0} % of the pauses of such clients that ended were longer; comes back within 30 days by himself: {:.0} %",
            self.overdue_p * 100.0,
            self.return_30 * 100.0
        )
    }
}
