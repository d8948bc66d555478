//! The managers' lists of a day: who stands where, and the letter that brings the list.

use std::collections::BTreeMap;

use crate::app::App;
use crate::db::{Listed, NewList, StoreError, TaskFilter, TaskRow};
use crate::jobs::deliver::FrozenList;
use crate::jobs::inputs::{self, Frozen};
use crate::jobs::managers::Managers;
use crate::model::{Channel, Day, Manager, Money, hex};
use crate::render::{ManagerPart, TaskListContext, TaskPart};
use crate::rules::day_list::{self, Waiting};

use super::waiting;

/// The list of one manager, ready to be rendered.
#[derive(Clone, Debug)]
pub struct ManagerList {
    /// Whose it is; absent when nobody of that id is known.
    pub manager: Option<Manager>,
    /// The id that clients refer to; empty for clients without a manager.
    pub manager_id: String,
    /// What the letter is rendered from.
    pub context: TaskListContext,
}

/// The place of every waiting task of the day: by value at risk, within each capacity.
pub(super) async fn rank(app: &App, day: Day) -> Result<Vec<Listed>, StoreError> {
    let managers = Managers::read(app).await?;
    let mut by_manager: BTreeMap<String, Vec<Waiting>> = BTreeMap::new();
    for task in app
        .store
        .task_queue(day, waiting::expired_since(app, day))
        .await?
    {
        let waiting = Waiting {
            task: task.id,
            value: task.value,
            since: task.planned_on,
            held_out: task.held_out,
            answered: task.answered,
        };
        by_manager.entry(task.manager).or_default().push(waiting);
    }
    let mut listed = Vec::new();
    for (manager, waiting) in by_manager {
        let ranked = day_list::rank(waiting, managers.capacity(&manager), day);
        listed.extend(ranked.into_iter().map(|(one, rank)| Listed {
            task: one.task,
            rank,
        }));
    }
    Ok(listed)
}

/// Writes the letters with the lists of a day, one for each manager who has something to do, to be
/// delivered like all others. What was written before stays as it was, whatever outcomes came since:
/// a manager gets one list a day. Returns how many were new.
pub async fn write_lists(app: &App, day: Day) -> Result<u64, StoreError> {
    let lists = manager_lists(app, day).await?;
    let letters: Vec<NewList> = lists
        .into_iter()
        .map(|list| {
            // A list without a manager goes to the company itself: nothing is forgotten.
            let manager = list.manager.as_ref();
            let address = manager
                .and_then(|manager| manager.email.clone())
                .or_else(|| app.settings.company.email.clone())
                .unwrap_or_else(|| app.settings.delivery.from_email.clone());
            let locale = manager
                .and_then(|manager| manager.locale)
                .unwrap_or(app.locale());
            let hash = app.key.hash(Channel::Email, &address);
            let frozen = FrozenList {
                manager: list.manager_id.clone(),
                address,
                locale,
                context: list.context,
            };
            NewList {
                key: inputs::list_key(day, &list.manager_id),
                step: format!("list-{}", list.manager_id),
                address_hash: hex(&hash),
                inputs: serde_json::to_string(&frozen).unwrap_or_default(),
            }
        })
        .collect();
    app.store
        .add_lists(day, &letters, app.now_ms() + LIST_LASTS_MS)
        .await
}

/// How long a list is of use, in milliseconds: on the day after there is another one.
const LIST_LASTS_MS: i64 = 36 * 3_600 * 1_000;

/// The lists of a day as letters show them, one for each manager who has something to do.
pub async fn manager_lists(app: &App, day: Day) -> Result<Vec<ManagerList>, StoreError> {
    let managers = Managers::read(app).await?;
    let listed = app
        .store
        .tasks(&TaskFilter {
            manager: None,
            listed_on: Some(day),
            closed_since: None,
        })
        .await?;
    let all = app.store.tasks(&TaskFilter::default()).await?;
    let mut by_manager: BTreeMap<String, Vec<TaskRow>> = BTreeMap::new();
    for task in listed {
        by_manager
            .entry(task.manager.clone())
            .or_default()
            .push(task);
    }
    let lists = by_manager.into_iter().map(|(manager_id, tasks)| {
        let manager = managers.get(&manager_id).cloned();
        let waiting = all
            .iter()
            .filter(|task| task.manager == manager_id && task.not_before <= day)
            .count()
            .saturating_sub(tasks.len());
        let total: i64 = tasks.iter().map(|task| task.value).sum();
        let part = manager
            .as_ref()
            .map(inputs::manager_part)
            .unwrap_or_default();
        let context = TaskListContext {
            company: inputs::company_part(app),
            manager: ManagerPart {
                name: name_or(&part, &manager_id),
                ..part
            },
            today: day,
            waiting: waiting as u32,
            total_at_risk: Some(Money::new(total, app.currency())),
            page: None,
            tasks: tasks
                .iter()
                .map(|task| task_part(app, &managers, task))
                .collect(),
        };
        ManagerList {
            manager,
            manager_id,
            context,
        }
    });
    Ok(lists.collect())
}

fn name_or(part: &ManagerPart, id: &str) -> String {
    if part.name.is_empty() {
        id.to_owned()
    } else {
        part.name.clone()
    }
}

fn task_part(app: &App, managers: &Managers, task: &TaskRow) -> TaskPart {
    let campaign = app
        .campaigns
        .iter()
        .find(|campaign| campaign.id == task.campaign);
    let frozen: Option<Frozen> = serde_json::from_str(&task.inputs).ok();
    let mut part = TaskPart {
        rank: task
            .rank
            .and_then(|rank| u32::try_from(rank).ok())
            .unwrap_or_default(),
        id: task.id.to_string(),
        client: crate::render::ClientPart::named(&task.client),
        why: String::new(),
        campaign: campaign.map_or_else(|| task.campaign.clone(), |one| one.title.clone()),
        rhythm: None,
        value_at_risk: Some(Money::new(task.value, app.currency())),
        script: None,
        link: None,
    };
    if let Some(frozen) = frozen {
        part.client = frozen.client.clone();
        part.why.clone_from(&frozen.why);
        part.rhythm.clone_from(&frozen.rhythm);
        let locale = managers.locale(&task.manager);
        let context = inputs::context(app, campaign, frozen, "");
        // A broken script is a problem that `check` reports; the call is made without it.
        let script = app.templates.render_script(&task.script, locale, &context);
        part.script = script.ok().map(|script| script.text);
    }
    part
}

/// Why a task was made, as its frozen inputs say.
pub(super) fn why_of(inputs: &str) -> String {
    serde_json::from_str::<Frozen>(inputs)
        .map(|frozen| frozen.why)
        .unwrap_or_default()
}

/// What lists call the client of a task.
pub(super) fn name_of(inputs: &str, client: &str) -> String {
    let frozen = serde_json::from_str::<Frozen>(inputs);
    frozen.map_or_else(|_| client.to_owned(), |frozen| frozen.label)
}
