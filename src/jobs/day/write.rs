//! Writing: what was decided about a chunk of clients becomes rows under the number of a run.

use std::collections::HashMap;

use crate::certificates::{self, picture};
use crate::config::campaign::CertificateOffer;
use crate::db::{
    Details, IssuedFor, NewCertificate, NewClosing, NewEnrollment, NewMessage, NewTask, NextStep,
    Staged, StoreError,
};
use crate::jobs::inputs::{self, Frozen};
use crate::jobs::partners;
use crate::model::{Arm, Client, ClientFacts, ClientId, Day};
use crate::rules::plan::{Action, Decided, PlannedMessage, PlannedTask, Touched};

use super::Ground;
use super::due::DueTimes;

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
pub(super) struct Writer<'a> {
    ground: &'a Ground<'a>,
    due: DueTimes<'a>,
    run: i64,
}

impl<'a> Writer<'a> {
    pub(super) fn new(ground: &'a Ground<'a>, run: i64) -> Self {
        let app = ground.app;
        Self {
            ground,
            due: DueTimes::new(&app.settings, app.clock.now()),
            run,
        }
    }

    pub(super) async fn write(
        &mut self,
        chunk: Vec<(ClientFacts, Decided)>,
    ) -> Result<(), StoreError> {
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
            Action::Task(task) => {
                let frozen = frozen.with_evidence(&touch.evidence);
                staged
                    .tasks
                    .extend(new_tasks(client, &touch, task, &frozen));
            }
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
                let given = IssuedFor {
                    campaign: touch.campaign.clone(),
                    client: client.id,
                    episode: touch.episode.clone(),
                    step: touch.step.clone(),
                };
                let locale = frozen.locale;
                let certificate = certificates::issued(offer, code, given, locale, valid_until);
                staged.certificates.push(certificate);
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
