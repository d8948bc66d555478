//! Tasks that wait from earlier days: which of them still stand on a list, and what is true of
//! their clients today.
//!
//! A task is frozen when it is made, a silence is not: whoever calls in the third week must not read
//! the reason of the first day.

use std::collections::HashMap;

use crate::app::App;
use crate::db::{StoreError, TaskRow};
use crate::jobs::inputs::{self, Frozen};
use crate::model::{ClientFacts, ClientId, Day};
use crate::rules::delivery::answer::ANSWERED;
use crate::rules::plan::occasion_today;

use super::Ground;
use super::walk::wanted;

/// How many tasks are looked at together.
const CHUNK: usize = 500;

/// The day since which a task that expires on `day` has waited: so long or longer is too long.
pub(super) fn expired_since(app: &App, day: Day) -> Day {
    day.plus(-app.settings.tasks.expires.count())
}

/// The day since which a task that goes to the head on `day` has stood on lists.
pub(super) fn overdue_since(app: &App, day: Day) -> Day {
    day.plus(-app.settings.tasks.escalate_after.count())
}

/// Whether a task from an earlier day may stand on the lists of `day`.
pub(super) fn stands(app: &App, task: &TaskRow, day: Day) -> bool {
    task.planned_on < day
        && task.not_before <= day
        && task.planned_on.max(task.not_before) > expired_since(app, day)
}

/// What each task says today, by its number; a task whose occasion is no longer seen keeps what it
/// said.
pub(super) async fn as_of_today(
    ground: &Ground<'_>,
    tasks: &[TaskRow],
) -> Result<HashMap<i64, Frozen>, StoreError> {
    let managers = ground.managers();
    let mut said = HashMap::new();
    for chunk in tasks.chunks(CHUNK) {
        let mut clients: Vec<ClientId> = chunk.iter().map(|task| task.client_id).collect();
        clients.sort_unstable();
        clients.dedup();
        let facts = ground.facts(&clients, wanted(&ground.frame())).await?;
        let facts: HashMap<ClientId, ClientFacts> =
            facts.into_iter().map(|one| (one.client.id, one)).collect();
        let details = ground.app.store.details(&clients, ground.day()).await?;
        for task in chunk {
            // An answer stays what the client wrote, whatever his rhythm says today.
            let Some(facts) = facts
                .get(&task.client_id)
                .filter(|_| task.script != ANSWERED)
            else {
                continue;
            };
            let seen = occasion_today(&ground.frame(), facts, &task.campaign, &task.episode);
            let known = serde_json::from_str::<Frozen>(&task.inputs).ok();
            let (Some(evidence), Some(known)) = (seen, known) else {
                continue;
            };
            let manager = facts.client.manager.as_deref();
            let manager = manager.and_then(|id| managers.get(id));
            let nothing = crate::db::Details::default();
            let details = details.get(&task.client_id).unwrap_or(&nothing);
            let frozen = inputs::freeze(ground, facts, details, manager, &evidence);
            let frozen = frozen.with_evidence(&evidence).telling_anew(known);
            said.insert(task.id, frozen);
        }
    }
    Ok(said)
}

/// Writes what the tasks of the day say today.
pub(super) async fn refresh(ground: &Ground<'_>) -> Result<(), StoreError> {
    let day = ground.day();
    let store = &ground.app.store;
    let mut waiting = store.tasks(&crate::db::TaskFilter::default()).await?;
    waiting.retain(|task| stands(ground.app, task, day));
    let said = as_of_today(ground, &waiting).await?;
    let rows: Vec<(i64, String)> = said
        .into_iter()
        .filter_map(|(task, frozen)| Some((task, serde_json::to_string(&frozen).ok()?)))
        .collect();
    for chunk in rows.chunks(CHUNK) {
        store.retell_tasks(chunk).await?;
    }
    Ok(())
}
