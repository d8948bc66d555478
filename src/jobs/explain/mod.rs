//! Why one client gets what he gets, or nothing: every campaign, every condition with its value.

mod picture;
mod text;
mod verdicts;

pub use picture::picture;
pub use text::why_closed;
pub use verdicts::{CampaignLines, ConditionLines, StepVariant};

use serde::Serialize;

use crate::app::App;
use crate::db::{MergedClient, StoreError, TaskRow, Wanted};
use crate::model::{ClientFacts, ClientId, Day, Locale};
use crate::rules::rhythm::{Hint, StepUp};
use crate::rules::standing::{RETURN_HORIZON_DAYS, Standing};

use super::day::{DayOptions, Ground};

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

/// Explains one client to somebody who reads a language; `None` when the client is not known on the
/// day.
pub async fn explain(
    app: &App,
    client: ClientId,
    options: DayOptions<'_>,
    locale: Locale,
) -> Result<Option<Explanation>, StoreError> {
    let ground = Ground::read(app, options).await?;
    let facts = ground.facts(&[client], Wanted::ALL).await?;
    let Some(facts) = facts.first() else {
        let merged = app.store.merged(client).await?;
        return Ok(merged.map(|merged| of_merged(merged, options.day)));
    };
    let campaigns = verdicts::lines(&ground, facts, locale);
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
        return_30: standing.returns_within(RETURN_HORIZON_DAYS),
        dates: [dates.due, dates.missed, dates.asleep, dates.lost],
        xyz: standing.xyz.to_string(),
        key_account: standing.key_account,
        class: class.map(|class| class.tag.clone()),
    })
}
