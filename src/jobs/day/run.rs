//! The applied day: chunks are written under the number of a run, and one update makes them all
//! visible.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::certificates::picture;
use crate::config::campaign::CertificateOffer;
use crate::config::settings::DeliveryMode;
use crate::db::{
    Begun, Details, IssuedFor, Listed, NewCertificate, NewClosing, NewEnrollment, NewMessage,
    NewTask, NextStep, Sealing, Staged, StoreError,
};
use crate::jobs::deliver;
use crate::jobs::inputs::{self, Frozen};
use crate::jobs::partners;
use crate::model::{Arm, Channel, Client, ClientFacts, ClientId, Day};
use crate::rules::plan::{Action, CampaignCounts, Decided, PlannedMessage, PlannedTask, Touched};
use crate::rules::rhythm::{USUAL_OVER_DAYS, flood};
use crate::rules::schedule::surge;

use super::due::DueTimes;
use super::lists;
use super::waiting;
use super::walk::Walk;
use super::{DayOptions, Ground};

/// So many runs before a day say what is usual for its messages.
const USUAL_OVER_RUNS: u32 = 14;

/// What became of the wish to run a day.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum RunOutcome {
    /// The day was planned and its messages are on their way.
    Done(RunSummary),
    /// The day was planned and waits for a person.
    AwaitingApproval(RunSummary),
    /// The day had been run before: nothing was added.
    Before {
        /// The day.
        date: Day,
        /// Whether it still waits for a person.
        awaiting_approval: bool,
    },
}

/// A run in numbers.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RunSummary {
    /// The day.
    pub date: Day,
    /// Each campaign.
    pub campaigns: Vec<CampaignCounts>,
    /// Why it waits for a person.
    pub held_because: Option<String>,
}

/// Runs a day, once: planning, writing, sealing and the managers' lists.
///
/// `progress` hears how many clients are still to be looked at. The caller holds the lock of the
/// database (`jobs::lock`).
pub async fn run(
    app: &App,
    options: DayOptions<'_>,
    progress: &(dyn Fn(usize) + Sync),
) -> Result<RunOutcome, StoreError> {
    let mode = app.settings.delivery.mode;
    app.store.win_own_deals(options.day).await?;
    let mut ground = Ground::read(app, options).await?;
    let held_because = held_because(app, &ground, mode).await?;
    let names: Vec<&str> = ground
        .campaigns
        .iter()
        .map(|running| running.campaign.id.as_str())
        .collect();
    let run = match app
        .store
        .begin_run(options.day, mode, &names, app.now_ms())
        .await?
    {
        Begun::Before { awaiting_approval } => {
            return Ok(RunOutcome::Before {
                date: options.day,
                awaiting_approval,
            });
        }
        Begun::New(run) => run,
    };
    ground.keep_base().await?;
    let counts = write_all(&ground, run, progress).await?;
    let flooded = flooded(app, counts.newly_missed, options.day).await?;
    let held_because = joined(held_because, flooded);
    let held_because = joined(held_because, nudges_to_approve(app, run, mode).await?);
    let held_because = joined(
        held_because,
        surging(app, &counts, options.day, mode).await?,
    );
    let version = ground.base.version.unwrap_or_default();
    let text = serde_json::to_string(&counts).unwrap_or_default();
    let lists = match held_because {
        None => ready_to_go(app, &ground).await?,
        Some(_) => Vec::new(),
    };
    let sealing = Sealing {
        day: options.day,
        base_facts: version,
        counts: &text,
        held_because: held_because.as_deref(),
        lists: &lists,
        expired_since: waiting::expired_since(app, options.day),
        overdue_since: waiting::overdue_since(app, options.day),
    };
    app.store.seal(run, &sealing, app.now_ms()).await?;
    let summary = RunSummary {
        date: options.day,
        campaigns: counts.campaigns,
        held_because,
    };
    if summary.held_because.is_some() {
        return Ok(RunOutcome::AwaitingApproval(summary));
    }
    Ok(RunOutcome::Done(summary))
}

/// Walks over the clients of the day and writes what is decided, chunk by chunk.
async fn write_all(
    ground: &Ground<'_>,
    run: i64,
    progress: &(dyn Fn(usize) + Sync),
) -> Result<Counts, StoreError> {
    let mut writer = Writer::new(ground, run);
    let mut walk = Walk::begin(ground, Some(run)).await?;
    let mut chunk = walk.next().await?;
    while let Some(decided) = chunk {
        progress(walk.clients_left());
        // The next chunk is read while this one is written: it sees nothing of a run that is not
        // sealed.
        let (written, next) = tokio::join!(writer.write(decided), walk.next());
        written?;
        chunk = next?;
    }
    Ok(Counts {
        newly_missed: walk.newly_missed(),
        campaigns: walk.into_counts(),
    })
}

/// Freezes what the messages of a day are made of, and ranks what its managers are asked to do.
async fn ready_to_go(app: &App, ground: &Ground<'_>) -> Result<Vec<Listed>, StoreError> {
    waiting::refresh(ground).await?;
    deliver::keep_versions(app, ground.day()).await?;
    lists::rank(app, ground.day()).await
}

/// Lets a run go that waits for a person; its tasks come onto the lists of its day, or onto the next
/// ones where another day has been run since. Says whether there was such a run.
///
/// The caller holds the lock of the database (`jobs::lock`).
pub async fn approve(app: &App, date: Day, by: &str) -> Result<bool, StoreError> {
    let lists = if app.store.last_run_day().await? == Some(date) {
        let options = DayOptions {
            day: date,
            as_of: date != app.today(),
            also: None,
        };
        waiting::refresh(&Ground::read(app, options).await?).await?;
        lists::rank(app, date).await?
    } else {
        Vec::new()
    };
    let expired_since = waiting::expired_since(app, date);
    // What is approved is what leaves, whatever becomes of the templates meanwhile.
    deliver::keep_versions(app, date).await?;
    let now_ms = app.now_ms();
    let store = &app.store;
    store
        .approve_run(date, by, &lists, expired_since, now_ms)
        .await
}

/// Why the run has to wait for a person: campaigns that have never been live write to people whom
/// nobody has looked at.
async fn held_because(
    app: &App,
    ground: &Ground<'_>,
    mode: DeliveryMode,
) -> Result<Option<String>, StoreError> {
    if mode == DeliveryMode::Sandbox {
        return Ok(None);
    }
    let mut new = Vec::new();
    for running in &ground.campaigns {
        let first = app.store.first_run_of(&running.campaign.id).await?;
        if !first.is_some_and(|(_, live)| live) {
            new.push(running.campaign.id.as_str());
        }
    }
    let new = (!new.is_empty()).then(|| format!("first live run of {}", new.join(", ")));
    let holds = app.store.holds().await?;
    let restored = holds.into_iter().find(|hold| hold.name == "restore");
    Ok(joined(new, restored.map(|hold| hold.reason)))
}

/// Why a run with WhatsApp messages has to wait: the configuration wants a person to look at them.
async fn nudges_to_approve(
    app: &App,
    run: i64,
    mode: DeliveryMode,
) -> Result<Option<String>, StoreError> {
    if mode == DeliveryMode::Sandbox || !app.settings.whatsapp.approval {
        return Ok(None);
    }
    let nudges = app.store.messages_of_run(run, Channel::Whatsapp).await?;
    Ok(
        (nudges > 0)
            .then(|| format!("whatsapp: {nudges} messages, and [whatsapp] approval = true")),
    )
}

/// What is kept of a run in numbers.
#[derive(Serialize, Deserialize)]
struct Counts {
    /// Clients who missed their cycle on the very day.
    newly_missed: u32,
    campaigns: Vec<CampaignCounts>,
}

impl Counts {
    fn messages(&self) -> u64 {
        self.campaigns.iter().map(|one| one.messages).sum()
    }
}

/// The part of [`Counts`] that the flood guard reads back.
#[derive(Deserialize)]
struct Missed {
    newly_missed: u32,
}

/// Why a day is held on which far more clients than usual missed their cycle: a closure or a broken
/// import, not their wish to leave.
async fn flooded(app: &App, missed: u32, day: Day) -> Result<Option<String>, StoreError> {
    let before = app.store.counts_before(day, USUAL_OVER_DAYS as u32).await?;
    let before: Vec<u32> = before
        .iter()
        .filter_map(|text| serde_json::from_str::<Missed>(text).ok())
        .map(|counts| counts.newly_missed)
        .collect();
    let times = u32::from(app.settings.limits.flood_factor);
    Ok(flood(missed, &before, times).map(|flood| {
        format!(
            "{} clients missed their cycle on this day, usually {}: is an import missing, or was \
             the company closed?",
            flood.today, flood.usual
        )
    }))
}

/// Why a live run is held that would send far more than usual.
async fn surging(
    app: &App,
    counts: &Counts,
    day: Day,
    mode: DeliveryMode,
) -> Result<Option<String>, StoreError> {
    if mode == DeliveryMode::Sandbox {
        return Ok(None);
    }
    let before = app.store.counts_before(day, USUAL_OVER_RUNS).await?;
    let before: Vec<u64> = before
        .iter()
        .filter_map(|text| serde_json::from_str::<Counts>(text).ok())
        .map(|counts| counts.messages())
        .collect();
    let (times, least) = (
        app.settings.limits.surge_factor,
        app.settings.limits.surge_least,
    );
    Ok(
        surge(counts.messages(), &before, times, least).map(|surge| {
            format!(
                "{} messages, usually {}: is it meant to be so many?",
                surge.messages, surge.usual
            )
        }),
    )
}

fn joined(one: Option<String>, other: Option<String>) -> Option<String> {
    match (one, other) {
        (Some(one), Some(other)) => Some(format!("{one}; {other}")),
        (one, other) => one.or(other),
    }
}

/// How many codes a touch may choose from.
const CODE_TRIES: usize = 4;

/// Codes that are given out, with the occasions that they were given for.
type Taken = HashMap<String, IssuedFor>;

/// What was read about a chunk of clients before it is written.
struct Known {
    details: HashMap<ClientId, Details>,
    /// The codes of partners, by the keys of messages.
    partner_codes: HashMap<String, String>,
    taken: Taken,
}

/// Writes the chunks of one run.
struct Writer<'a> {
    ground: &'a Ground<'a>,
    due: DueTimes<'a>,
    run: i64,
}

impl<'a> Writer<'a> {
    fn new(ground: &'a Ground<'a>, run: i64) -> Self {
        let app = ground.app;
        Self {
            ground,
            due: DueTimes::new(&app.settings, app.clock.now()),
            run,
        }
    }

    async fn write(&mut self, chunk: Vec<(ClientFacts, Decided)>) -> Result<(), StoreError> {
        let app = self.ground.app;
        let day = self.ground.options.day;
        let touched: Vec<ClientId> = chunk
            .iter()
            .filter(|(_, decided)| decided.touch.is_some())
            .map(|(facts, _)| facts.client.id)
            .collect();
        let details = app.store.details(&touched, day).await?;
        let taken = self.taken_codes(&chunk).await?;
        let touches = chunk
            .iter()
            .filter_map(|(facts, decided)| Some((facts, decided.touch.as_ref()?)));
        let partner_codes = partners::codes(app, touches).await?;
        let known = Known {
            details,
            partner_codes,
            taken,
        };
        let mut staged = Staged::default();
        for (facts, decided) in chunk {
            self.stage(&facts, decided, &known, &mut staged);
        }
        app.store.stage(self.run, day, staged).await
    }

    /// Whose the codes are that this chunk might give out.
    async fn taken_codes(&self, chunk: &[(ClientFacts, Decided)]) -> Result<Taken, StoreError> {
        let app = self.ground.app;
        let mut codes = Vec::new();
        for (facts, decided) in chunk {
            if let Some(touch) = &decided.touch
                && let Action::Message(message) = &touch.action
                && let Some(offer) = &message.certificate
            {
                let of_try = |n| inputs::certificate_code(app, offer, touch, &facts.client, n);
                codes.extend((0..CODE_TRIES).map(of_try));
            }
        }
        if codes.is_empty() {
            return Ok(Taken::new());
        }
        let codes: Vec<&str> = codes.iter().map(String::as_str).collect();
        Ok(app.store.taken_codes(&codes).await?.into_iter().collect())
    }

    /// The first code for a touch that nobody else has; by chance somebody may have it once in a
    /// million millions.
    fn free_code(
        &self,
        offer: &CertificateOffer,
        touch: &Touched,
        client: &Client,
        taken: &Taken,
        new: &[NewCertificate],
    ) -> String {
        let is_free = |code: &String| {
            let of_touch = |owner: &IssuedFor| {
                (owner.client, &owner.campaign) == (client.id, &touch.campaign)
                    && (&owner.episode, &owner.step) == (&touch.episode, &touch.step)
            };
            taken.get(code).is_none_or(of_touch) && new.iter().all(|other| other.code != *code)
        };
        let app = self.ground.app;
        let of_try = |n| inputs::certificate_code(app, offer, touch, client, n);
        let free = (0..CODE_TRIES).map(of_try).find(is_free);
        free.unwrap_or_else(|| of_try(0))
    }

    fn stage(&mut self, facts: &ClientFacts, decided: Decided, known: &Known, staged: &mut Staged) {
        let client = facts.client.id;
        staged
            .closings
            .extend(decided.closings.iter().map(|closing| NewClosing {
                enrollment: closing.enrollment,
                by: closing.by.word(),
            }));
        for (campaign, entry, next_on) in decided.entries {
            staged.enrollments.push(NewEnrollment {
                campaign: self.ground.campaigns[campaign].campaign.id.clone(),
                client,
                episode: entry.episode.key,
                began_on: entry.episode.began_on.epoch_days(),
                arm: arm_word(entry.arm),
                evidence: serde_json::to_string(&entry.episode.evidence).unwrap_or_default(),
                next_on: next_on.map(Day::epoch_days),
            });
        }
        let Some(touch) = decided.touch else { return };
        if let Some(next_on) = decided.next_on {
            staged.next_steps.push(NextStep {
                campaign: touch.campaign.clone(),
                client,
                episode: touch.episode.clone(),
                next_on: Some(next_on.epoch_days()),
            });
        }
        let nothing = Details::default();
        let mut frozen = self.freeze(
            facts,
            known.details.get(&client).unwrap_or(&nothing),
            &touch,
        );
        match &touch.action {
            Action::Message(message) => {
                let drawn = message.variant.as_ref();
                frozen.variant = drawn.map(|drawn| inputs::variant_name(&touch.step, drawn));
                let key = inputs::key_of(&touch, &facts.client);
                frozen.partner_code = known.partner_codes.get(&key).cloned();
                self.stage_message(facts, &touch, message, frozen, &known.taken, staged);
            }
            Action::Task(task) => staged
                .tasks
                .extend(new_tasks(client, &touch, task, &frozen)),
        }
    }

    fn freeze(&self, facts: &ClientFacts, details: &Details, touch: &Touched) -> Frozen {
        let manager = facts
            .client
            .manager
            .as_deref()
            .and_then(|id| self.ground.managers().get(id));
        inputs::freeze(self.ground, facts, details, manager, &touch.evidence)
    }

    fn stage_message(
        &mut self,
        facts: &ClientFacts,
        touch: &Touched,
        message: &PlannedMessage,
        mut frozen: Frozen,
        taken: &Taken,
        staged: &mut Staged,
    ) {
        let app = self.ground.app;
        let client = facts.client.id;
        if let Some(offer) = &message.certificate {
            let client = &facts.client;
            let code = self.free_code(offer, touch, client, taken, &staged.certificates);
            let valid_until = self.ground.options.day.plus(offer.valid.count());
            frozen.certificate = Some(picture::of_offer(app, offer, &code, valid_until));
            // Nobody gets a certificate on paper only.
            if touch.arm == Arm::Treated {
                staged.certificates.push(NewCertificate {
                    code,
                    campaign: touch.campaign.clone(),
                    client: client.id,
                    episode: touch.episode.clone(),
                    step: touch.step.clone(),
                    kind: offer.kind.word(),
                    discount: offer.discount.map(|discount| discount.to_string()),
                    gift: offer.gift.clone(),
                    min_receipt: offer.min_receipt.map(|money| money.minor),
                    products: serde_json::to_string(&offer.products).unwrap_or_default(),
                    uses: offer.uses,
                    picture: offer.picture.clone(),
                    locale: frozen.locale.code(),
                    valid_until: valid_until.epoch_days(),
                });
            }
        }
        let hash = app.key.hash(message.channel, &message.address);
        let lasts = chrono::TimeDelta::days(app.settings.delivery.expires_after.count().into());
        let lasts_ms = lasts.num_milliseconds();
        let campaigns = &self.ground.campaigns;
        let running = campaigns
            .iter()
            .find(|one| one.campaign.id == touch.campaign);
        let campaign = running.map(|running| running.campaign);
        let due_at = campaign.map_or(0, |campaign| self.due.next(campaign, facts));
        let has_partner = campaign.is_some_and(|campaign| campaign.partner.is_some());
        // A partner's offer without a code is none.
        let without_code = has_partner && frozen.partner_code.is_none();
        let treated = if without_code { "skipped" } else { "planned" };
        staged.messages.push(NewMessage {
            key: inputs::key_of(touch, &facts.client),
            campaign: touch.campaign.clone(),
            client,
            episode: touch.episode.clone(),
            step: touch.step.clone(),
            channel: message.channel.word(),
            template: message.template.clone(),
            class: message.class.word(),
            address_hash: hash,
            state: state_word(touch.arm, treated),
            inputs: serde_json::to_string(&frozen).unwrap_or_default(),
            on_unknown: message.on_unknown.word(),
            due_at,
            expires_at: app.now_ms().max(due_at) + lasts_ms,
            variant: message.variant.clone(),
        });
    }
}

/// The task of a touch; a hand-over is one for each of the two.
fn new_tasks(
    client: ClientId,
    touch: &Touched,
    task: &PlannedTask,
    frozen: &Frozen,
) -> Vec<NewTask> {
    let one = NewTask {
        campaign: touch.campaign.clone(),
        client,
        episode: touch.episode.clone(),
        step: touch.step.clone(),
        manager: task.manager.clone(),
        kind: task.kind.word(),
        script: task.script.clone(),
        state: state_word(touch.arm, "waiting"),
        value: touch.value,
        inputs: serde_json::to_string(frozen).unwrap_or_default(),
        urgent: task.urgent,
        taker: task.from.as_ref().map(|_| task.manager.clone()),
    };
    let told_by = task.from.as_ref().map(|from| NewTask {
        manager: from.clone(),
        step: format!("{}-from", touch.step),
        ..one.clone()
    });
    [Some(one), told_by].into_iter().flatten().collect()
}

const fn arm_word(arm: Arm) -> &'static str {
    match arm {
        Arm::Treated => "treated",
        Arm::Holdout => "holdout",
    }
}

const fn state_word(arm: Arm, treated: &'static str) -> &'static str {
    match arm {
        Arm::Treated => treated,
        Arm::Holdout => "held_out",
    }
}
