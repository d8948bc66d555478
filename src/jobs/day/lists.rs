//! The managers' lists of a day: who stands where, and the letter that brings the list.

use std::collections::{BTreeMap, HashMap};

use crate::app::App;
use crate::db::{Listed, NewList, StoreError, TaskFilter, TaskRow};
use crate::jobs::deliver::FrozenList;
use crate::jobs::inputs::{self, Frozen};
use crate::jobs::managers::Managers;
use crate::jobs::staff;
use crate::model::{Channel, Day, Manager, Money, hex};
use crate::render::{ManagerPart, OverduePart, TaskListContext, TaskPart};
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

/// The place of every waiting task of the day: by value at risk, within the capacity of whoever is
/// there.
pub(super) async fn rank(app: &App, day: Day) -> Result<Vec<Listed>, StoreError> {
    let managers = Managers::read(app).await?;
    let more = app.store.more_asked(day).await?;
    let mut listed = Vec::new();
    for (acting, ranked) in ranked(app, &managers, day, &more).await? {
        listed.extend(ranked.into_iter().map(|(one, rank)| Listed {
            task: one.task,
            acting: acting.clone(),
            rank,
        }));
    }
    Ok(listed)
}

/// Everybody's tasks in their order, by the manager on whose list they stand.
async fn ranked(
    app: &App,
    managers: &Managers,
    day: Day,
    more: &HashMap<String, u16>,
) -> Result<BTreeMap<String, Vec<(Waiting, Option<u32>)>>, StoreError> {
    let since = waiting::expired_since(app, day);
    let mut by_manager: BTreeMap<String, Vec<Waiting>> = BTreeMap::new();
    for task in app.store.task_queue(day, since).await? {
        let waiting = Waiting {
            task: task.id,
            value: task.value,
            since: task.planned_on,
            held_out: task.held_out,
            answered: task.answered,
            urgent: task.urgent,
        };
        let acting = managers.staff().acting(&task.manager, day).to_owned();
        by_manager.entry(acting).or_default().push(waiting);
    }
    let ranked = by_manager.into_iter().map(|(manager, waiting)| {
        let extra = more.get(&manager).copied().unwrap_or_default();
        let capacity = managers.capacity(&manager).saturating_add(extra);
        let ranked = day_list::rank(waiting, capacity, day);
        (manager, ranked)
    });
    Ok(ranked.collect())
}

/// Puts more tasks onto a manager's list of a day: the next of his own, then those that are nobody's.
/// Returns the tasks that came onto it.
pub async fn more(app: &App, manager: &str, wanted: u16, day: Day) -> Result<Vec<i64>, StoreError> {
    let managers = Managers::read(app).await?;
    let asked = app.store.more_asked(day).await?;
    let mut all = ranked(app, &managers, day, &asked).await?;
    let own = all.remove(manager).unwrap_or_default();
    let filter = TaskFilter {
        manager: Some(manager),
        listed_on: Some(day),
        ..TaskFilter::default()
    };
    let listed_now = app.store.tasks(&filter).await?;
    let last = listed_now.iter().filter_map(|task| task.rank).max();
    let mut rank = last
        .and_then(|rank| u32::try_from(rank).ok())
        .unwrap_or_default();
    let is_listed = |task: i64| listed_now.iter().any(|listed| listed.id == task);
    let nobodys = all.remove("").unwrap_or_default();
    let waiting = own.into_iter().chain(nobodys).map(|(one, _)| one);
    let waiting = waiting.filter(|one| !one.held_out && !is_listed(one.task));
    let listed = waiting.take(wanted.into()).map(|one| {
        rank += 1;
        Listed {
            task: one.task,
            acting: manager.to_owned(),
            rank: Some(rank),
        }
    });
    let listed: Vec<Listed> = listed.collect();
    if !listed.is_empty() {
        let now_ms = app.now_ms();
        app.store.add_to_list(manager, day, &listed, now_ms).await?;
    }
    Ok(listed.iter().map(|one| one.task).collect())
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
                context: list.context.for_a_letter(),
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
            listed_on: Some(day),
            ..TaskFilter::default()
        })
        .await?;
    let all = app.store.tasks(&TaskFilter::default()).await?;
    let mut by_manager: BTreeMap<String, Vec<TaskRow>> = BTreeMap::new();
    for task in listed {
        by_manager
            .entry(task.acting.clone())
            .or_default()
            .push(task);
    }
    let overdue = overdue(&all, &managers);
    // The head hears of what waits too long also when he has no task of his own.
    if let Some(head) = managers.staff().head().filter(|_| !overdue.is_empty()) {
        by_manager.entry(head.to_owned()).or_default();
    }
    let lists = by_manager.into_iter().map(|(manager_id, tasks)| {
        let manager = managers.get(&manager_id).cloned();
        let waiting = all
            .iter()
            .filter(|task| task.acting == manager_id && task.not_before <= day)
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
            in_all: tasks.len() as u32,
            more: 0,
            waiting: waiting as u32,
            total_at_risk: Some(Money::new(total, app.currency())),
            page: staff::link_to(app, "/today"),
            overdue: if managers.staff().head() == Some(&*manager_id) {
                overdue.clone()
            } else {
                Vec::new()
            },
            overdue_more: 0,
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

/// What waits too long, as the head reads it.
fn overdue(all: &[TaskRow], managers: &Managers) -> Vec<OverduePart> {
    all.iter()
        .filter(|task| task.escalated_on.is_some())
        .map(|task| OverduePart {
            id: task.id.to_string(),
            client: name_of(&task.inputs, &task.client),
            manager: managers
                .get(&task.acting)
                .map_or_else(|| task.acting.clone(), |one| one.name.clone()),
            since: task.first_listed_on.unwrap_or(task.planned_on),
        })
        .collect()
}

fn name_or(part: &ManagerPart, id: &str) -> String {
    if part.name.is_empty() {
        id.to_owned()
    } else {
        part.name.clone()
    }
}

fn task_part(app: &App, managers: &Managers, task: &TaskRow) -> TaskPart {
    let campaign = app.campaign(&task.campaign);
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
        last_contact: None,
        open_deals: Vec::new(),
        stands_in_for: (task.acting != task.manager && !task.manager.is_empty()).then(|| {
            let manager = managers.get(&task.manager);
            manager.map_or_else(|| task.manager.clone(), |one| one.name.clone())
        }),
        crm_url: app.settings.tasks.crm_link(&task.client),
        link: staff::link_to(app, &format!("/tasks/{}", task.id)),
    };
    if let Some(frozen) = frozen {
        let locale = managers.locale(&task.acting);
        let frozen = frozen.read_in(locale, app.currency());
        part.client = frozen.client.clone();
        part.why.clone_from(&frozen.why);
        part.rhythm.clone_from(&frozen.rhythm);
        let today = frozen.today;
        let last = frozen.last_contact.as_ref();
        part.last_contact = last.map(|last| last.sentence(locale, today));
        part.open_deals.clone_from(&frozen.open_deals);
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
