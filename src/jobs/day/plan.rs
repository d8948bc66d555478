//! The dry run: the whole day as a value, nothing applied.

use std::collections::{HashMap, HashSet};

use crate::app::App;
use crate::db::{StoreError, TaskFilter};
use crate::model::{Arm, ClientFacts, ClientId, Day};
use crate::rules::day_list;
use crate::rules::delivery::answer::ANSWERED;
use crate::rules::plan::{
    Action, BaseLine, Closing, MessageLine, Plan, PlannedMessage, PlannedTask, TaskLine, Touched,
    in_units,
};

use crate::jobs::reach;

use super::lists::{name_of, why_of};
use super::waiting::{as_of_today, stands};
use super::walk::Walk;
use super::{DayOptions, Ground};

/// Plans a day and shows it; `only` leaves the lines of one campaign.
pub async fn plan(app: &App, options: DayOptions<'_>) -> Result<Plan, StoreError> {
    let ground = Ground::read(app, options).await?;
    let mut walk = Walk::begin(&ground, None).await?;
    let mut lines = Lines::new(app);
    while let Some(chunk) = walk.next().await? {
        for (facts, decided) in &chunk {
            lines.leave(facts, &decided.closings);
            if let Some(touch) = &decided.touch {
                lines.add(facts, touch, options.day);
            }
        }
    }
    let campaigns = walk.into_counts();
    let tasks = lines.tasks(&ground).await?;
    Ok(Plan {
        date: options.day,
        currency: app.currency(),
        base: base_line(&ground),
        reach: reach::count(app, options.day).await?,
        campaigns,
        resting: ground.resting().to_vec(),
        messages: lines.messages,
        tasks,
    })
}

fn base_line(ground: &Ground<'_>) -> BaseLine {
    let facts = &ground.base.facts;
    BaseLine {
        fitted_on: facts.day,
        method: facts.fit.method,
        gaps: facts.fit.closed_gaps,
        version: ground.base.version,
    }
}

/// The lines of a plan while it is being made.
struct Lines<'a> {
    app: &'a App,
    messages: Vec<MessageLine>,
    tasks: Vec<NewTask>,
    /// Episodes that end today: their tasks leave the lists.
    ended: HashSet<(ClientId, String, String)>,
}

/// A task of the plan; a held-out one takes a place and is not shown.
struct NewTask {
    line: TaskLine,
    value: i64,
    held_out: bool,
    urgent: bool,
}

impl<'a> Lines<'a> {
    fn new(app: &'a App) -> Self {
        Self {
            app,
            messages: Vec::new(),
            tasks: Vec::new(),
            ended: HashSet::new(),
        }
    }

    fn leave(&mut self, facts: &ClientFacts, closings: &[Closing]) {
        let ended = facts.enrollments.iter().filter(|enrollment| {
            let mut closings = closings.iter();
            closings.any(|closing| closing.enrollment == enrollment.id)
        });
        self.ended.extend(ended.map(|enrollment| {
            let (campaign, episode) = (enrollment.campaign.clone(), enrollment.episode.clone());
            (facts.client.id, campaign, episode)
        }));
    }

    fn add(&mut self, facts: &ClientFacts, touch: &Touched, day: Day) {
        let why = touch
            .evidence
            .sentence(self.app.locale(), self.app.currency());
        match &touch.action {
            Action::Message(_) if touch.arm == Arm::Holdout => {}
            Action::Message(message) => {
                self.messages.push(message_line(facts, touch, message, why));
            }
            Action::Task(task) => {
                let line = self.task_line(facts, touch, task, why, day);
                let held_out = touch.arm == Arm::Holdout;
                let told_by = task.from.clone().map(|manager| TaskLine {
                    manager,
                    ..line.clone()
                });
                let lines = told_by.into_iter().chain([line]);
                self.tasks.extend(lines.map(|line| NewTask {
                    line,
                    value: touch.value,
                    held_out,
                    urgent: task.urgent,
                }));
            }
        }
    }

    fn task_line(
        &self,
        facts: &ClientFacts,
        touch: &Touched,
        task: &PlannedTask,
        why: String,
        since: Day,
    ) -> TaskLine {
        TaskLine {
            manager: task.manager.clone(),
            client: facts.client.ext_id.clone(),
            name: facts.client.label().to_owned(),
            campaign: touch.campaign.clone(),
            rank: None,
            value_at_risk: in_units(touch.value, self.app.currency()),
            why,
            script: task.script.clone(),
            since,
        }
    }

    /// The lists of the day: the new tasks and those that wait, each in its place.
    async fn tasks(&mut self, ground: &Ground<'_>) -> Result<Vec<TaskLine>, StoreError> {
        let day = ground.day();
        // The older come first, as they do by number once the new ones are written.
        let mut all = self.carried_over(ground).await?;
        all.append(&mut self.tasks);
        let managers = ground.managers();
        let more = self.app.store.more_asked(day).await?;
        let mut by_manager: HashMap<&str, Vec<day_list::Waiting>> = HashMap::new();
        for (place, task) in all.iter().enumerate() {
            let waiting = day_list::Waiting {
                task: place as i64,
                value: task.value,
                since: task.line.since,
                held_out: task.held_out,
                answered: task.line.script == ANSWERED,
                urgent: task.urgent,
            };
            let acting = managers.staff().acting(&task.line.manager, day);
            by_manager.entry(acting).or_default().push(waiting);
        }
        let mut ranks: HashMap<i64, u32> = HashMap::new();
        for (manager, waiting) in by_manager {
            let extra = more.get(manager).copied().unwrap_or_default();
            let capacity = managers.capacity(manager).saturating_add(extra);
            let placed = day_list::rank(waiting, capacity, day);
            ranks.extend(
                placed
                    .into_iter()
                    .filter_map(|(one, rank)| Some((one.task, rank?))),
            );
        }
        let mut shown: Vec<TaskLine> = all
            .into_iter()
            .enumerate()
            .filter(|(_, task)| !task.held_out)
            .map(|(place, task)| TaskLine {
                rank: ranks.get(&(place as i64)).copied(),
                ..task.line
            })
            .collect();
        shown.sort_by(|a, b| {
            let place = |line: &TaskLine| (line.rank.is_none(), line.rank);
            (&a.manager, place(a), &a.client).cmp(&(&b.manager, place(b), &b.client))
        });
        Ok(shown)
    }

    async fn carried_over(&self, ground: &Ground<'_>) -> Result<Vec<NewTask>, StoreError> {
        let day = ground.day();
        let mut waiting = self.app.store.tasks(&TaskFilter::default()).await?;
        waiting.sort_by_key(|task| task.id);
        waiting.retain(|task| {
            let of = (task.client_id, task.campaign.clone(), task.episode.clone());
            // The lists of a day that has been run already are shown again as they were.
            (task.planned_on == day && task.not_before <= day || stands(self.app, task, day))
                && (task.apart || !self.ended.contains(&of))
        });
        let mut said = as_of_today(ground, &waiting).await?;
        Ok(waiting
            .into_iter()
            .map(|task| NewTask {
                value: task.value,
                held_out: false,
                urgent: task.urgent,
                line: TaskLine {
                    why: said
                        .remove(&task.id)
                        .map_or_else(|| why_of(&task.inputs), |frozen| frozen.why),
                    name: name_of(&task.inputs, &task.client),
                    manager: task.manager,
                    client: task.client,
                    campaign: task.campaign,
                    rank: None,
                    value_at_risk: in_units(task.value, self.app.currency()),
                    script: task.script,
                    since: task.planned_on,
                },
            })
            .collect())
    }
}

fn message_line(
    facts: &ClientFacts,
    touch: &Touched,
    message: &PlannedMessage,
    why: String,
) -> MessageLine {
    MessageLine {
        client: facts.client.ext_id.clone(),
        name: facts.client.label().to_owned(),
        campaign: touch.campaign.clone(),
        episode: touch.episode.clone(),
        step: touch.step.clone(),
        channel: message.channel,
        template: message.template.clone(),
        variant: message.variant.clone(),
        why,
    }
}
