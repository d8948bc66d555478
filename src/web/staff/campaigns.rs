//! What marketing keeps running: every campaign in numbers, and the plan of the day.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use serde::Serialize;
use tokio::sync::Mutex;

use super::desk::{Answer, Desk, Failure};
use super::door::Signed;
use super::parts::campaign_title;
use crate::db::{CampaignTotals, RunRow, StoreError};
use crate::jobs::campaigns::{self, Acting};
use crate::jobs::day::{self, DayOptions};
use crate::jobs::managers::Managers;
use crate::model::{Day, Locale, Money};
use crate::rules::plan::{CampaignCounts, MessageLine, Plan, Reach, Reason, Resting, TaskLine};

/// How long a plan is shown before it is made anew, in milliseconds: it reads everybody who is due.
const PLAN_LASTS_MS: i64 = 60_000;

/// How many lines of each kind the page of a plan shows before it only counts.
const SHOWN: usize = 200;

/// How many of the last runs are shown.
const RUNS: u32 = 14;

/// The last plan that was made, and when.
#[derive(Clone, Debug, Default)]
pub(super) struct Plans(Arc<Mutex<Option<Made>>>);

/// A plan and the instant at which it was made, in unix milliseconds.
type Made = (i64, Arc<Plan>);

#[derive(Serialize)]
struct Campaigns {
    campaigns: Vec<CampaignPart>,
    runs: Vec<RunPart>,
}

#[derive(Serialize)]
struct CampaignPart {
    id: String,
    title: String,
    status: Acting,
    /// Who stopped it, and why.
    because: Option<String>,
    /// What starts it: a word of the configuration.
    trigger: String,
    steps: Vec<StepPart>,
    entered: u64,
    inside: u64,
    held_out: u64,
    reached: u64,
    last_entered: Option<Day>,
    sent: u64,
    under_way: u64,
    for_a_person: u64,
    tasks_open: u64,
    tasks_done: u64,
}

#[derive(Serialize)]
struct StepPart {
    id: String,
    /// The kind of a template and its name, where the step has one.
    kind: Option<&'static str>,
    template: Option<String>,
}

#[derive(Serialize)]
struct RunPart {
    date: Day,
    status: String,
    messages: i64,
    tasks: i64,
    held_because: Option<String>,
}

/// `GET /campaigns`.
pub(super) async fn list(State(desk): State<Arc<Desk>>, signed: Signed) -> Answer {
    if !signed.person.sees_campaigns() {
        return Ok(desk.nothing(&signed));
    }
    let app = desk.app();
    let totals = app.store.campaign_totals().await?;
    let mut totals: HashMap<String, CampaignTotals> = totals
        .into_iter()
        .map(|one| (one.campaign.clone(), one))
        .collect();
    let acting = campaigns::acting(app).await?;
    let campaigns = app.campaigns.iter().zip(acting).map(|(campaign, acting)| {
        let totals = totals.remove(&campaign.id).unwrap_or_default();
        campaign_part(campaign, acting, &totals)
    });
    let body = Campaigns {
        campaigns: campaigns.collect(),
        runs: app
            .store
            .runs(RUNS)
            .await?
            .into_iter()
            .map(run_part)
            .collect(),
    };
    Ok(desk.good("campaigns", "campaigns.title", &signed, &body))
}

fn campaign_part(
    campaign: &crate::config::Campaign,
    (status, because): (Acting, Option<String>),
    totals: &CampaignTotals,
) -> CampaignPart {
    let steps = campaign.steps.iter().map(|step| {
        let (kind, template) = match (&step.template, &step.script) {
            (Some(template), _) if step.channel == Some(crate::model::Channel::Whatsapp) => {
                (Some("whatsapp"), Some(template.clone()))
            }
            (Some(template), _) => (Some("letters"), Some(template.clone())),
            (None, Some(script)) => (Some("scripts"), Some(script.clone())),
            (None, None) => (None, None),
        };
        StepPart {
            id: step.id.clone(),
            kind,
            template,
        }
    });
    CampaignPart {
        id: campaign.id.clone(),
        title: campaign.title.clone(),
        status,
        because,
        trigger: trigger_word(campaign),
        steps: steps.collect(),
        entered: totals.entered,
        inside: totals.inside,
        held_out: totals.held_out,
        reached: totals.reached,
        last_entered: totals.last_entered,
        sent: totals.sent,
        under_way: totals.under_way,
        for_a_person: totals.for_a_person,
        tasks_open: totals.tasks_open,
        tasks_done: totals.tasks_done,
    }
}

/// The word of `on = "…"`.
fn trigger_word(campaign: &crate::config::Campaign) -> String {
    let written = serde_json::to_value(&campaign.trigger).unwrap_or_default();
    written["on"].as_str().unwrap_or_default().to_owned()
}

fn run_part(run: RunRow) -> RunPart {
    RunPart {
        date: run.date,
        status: run.status,
        messages: run.messages,
        tasks: run.tasks,
        held_because: run.held_because,
    }
}

/// What a plan says, as a page.
#[derive(Serialize)]
struct PlanPage<'p> {
    date: Day,
    reach: &'p [Reach],
    campaigns: Vec<CountsPart<'p>>,
    resting: &'p [Resting],
    messages: Vec<MessagePart<'p>>,
    more_messages: usize,
    tasks: Vec<TaskPart<'p>>,
    more_tasks: usize,
}

#[derive(Serialize)]
struct CountsPart<'p> {
    /// Why others who had an occasion get nothing, in the words of the reader.
    not_taken: Vec<NotTaken>,
    #[serde(flatten)]
    counts: &'p CampaignCounts,
}

#[derive(Serialize)]
struct NotTaken {
    clients: u64,
    why: String,
}

#[derive(Serialize)]
struct MessagePart<'p> {
    campaign_title: String,
    #[serde(flatten)]
    line: &'p MessageLine,
}

#[derive(Serialize)]
struct TaskPart<'p> {
    at_risk: Money,
    campaign_title: String,
    /// Whose it is, by name; absent when nobody is named.
    of: Option<String>,
    #[serde(flatten)]
    line: &'p TaskLine,
}

/// `GET /plan`: what `rekindle plan` prints.
pub(super) async fn plan(State(desk): State<Arc<Desk>>, signed: Signed) -> Answer {
    if !signed.person.sees_campaigns() {
        return Ok(desk.nothing(&signed));
    }
    let plan = plan_of_today(&desk).await?;
    let managers = Managers::read(desk.app()).await?;
    Ok(plan_page(&desk, &signed, &plan, &managers))
}

fn plan_page(desk: &Desk, signed: &Signed, plan: &Plan, managers: &Managers) -> Response {
    let minor = 10_f64.powi(plan.currency.minor_digits().cast_signed());
    let tasks = plan.tasks.iter().take(SHOWN).map(|line| TaskPart {
        at_risk: Money::new((line.value_at_risk * minor).round() as i64, plan.currency),
        campaign_title: campaign_title(desk.app(), &line.campaign),
        of: (!line.manager.is_empty()).then(|| {
            let manager = managers.get(&line.manager);
            manager.map_or_else(|| line.manager.clone(), |one| one.name.clone())
        }),
        line,
    });
    let locale = signed.person.locale;
    let campaigns = plan.campaigns.iter().map(|counts| CountsPart {
        not_taken: not_taken(counts, locale),
        counts,
    });
    let messages = plan.messages.iter().take(SHOWN).map(|line| MessagePart {
        campaign_title: campaign_title(desk.app(), &line.campaign),
        line,
    });
    let body = PlanPage {
        date: plan.date,
        reach: &plan.reach,
        campaigns: campaigns.collect(),
        resting: &plan.resting,
        messages: messages.collect(),
        more_messages: plan.messages.len().saturating_sub(SHOWN),
        tasks: tasks.collect(),
        more_tasks: plan.tasks.len().saturating_sub(SHOWN),
    };
    desk.good("plan", "plan.title", signed, &body)
}

fn not_taken(counts: &CampaignCounts, locale: Locale) -> Vec<NotTaken> {
    let skipped = counts.skipped.iter();
    let told = skipped.map(|(word, clients)| NotTaken {
        clients: *clients,
        why: Reason::of_word(word).map_or_else(|| word.clone(), |one| one.phrase(locale)),
    });
    told.collect()
}

/// The plan of the present day. It is made by a task of its own: whoever does not wait for it finds
/// it done when he comes again, and two who ask at once ask once.
async fn plan_of_today(desk: &Arc<Desk>) -> Result<Arc<Plan>, Failure> {
    let made = tokio::spawn(plan_or_wait(Arc::clone(desk)));
    let made = made
        .await
        .map_err(|error| Failure::Made(error.to_string()))?;
    Ok(made?)
}

async fn plan_or_wait(desk: Arc<Desk>) -> Result<Arc<Plan>, StoreError> {
    let app = desk.app();
    let mut last = desk.plans.0.lock().await;
    let (now_ms, today) = (app.now_ms(), app.today());
    if let Some((made_at, plan)) = &*last
        && now_ms - made_at < PLAN_LASTS_MS
        && plan.date == today
    {
        return Ok(Arc::clone(plan));
    }
    let options = DayOptions {
        day: today,
        as_of: false,
        also: None,
    };
    let plan = Arc::new(day::plan(app, options).await?);
    *last = Some((app.now_ms(), Arc::clone(&plan)));
    Ok(plan)
}
