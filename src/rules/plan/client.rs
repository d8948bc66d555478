//! What the campaigns would do with one client on one day.

use crate::config::campaign::{CampaignStatus, Trigger};
use crate::model::{Arm, ClientFacts, Day, Enrollment, Touch};
use crate::rules::audience::{self, Seen};
use crate::rules::evidence::Evidence;
use crate::rules::holdout;
use crate::rules::no_occasion::NoOccasion;
use crate::rules::readiness;
use crate::rules::standing::Standing;
use crate::rules::trigger::{self, Episode, FRESH_DAYS, Sight};

use super::goal::goal_reached;
use super::position::{Steering, ahead, steering};
use super::touch::{self, Touched};
use super::verdict::{Block, Decision, Reason, Verdict};
use super::{ClosedBy, Closing, Entry, Frame, Running};

/// What all campaigns want with one client, before the day is settled.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ClientPlan {
    /// Our own number of the client.
    pub client: crate::model::ClientId,
    /// One verdict a campaign, in the order of the campaigns.
    pub verdicts: Vec<Verdict>,
    /// Episodes that end today.
    pub closings: Vec<Closing>,
    /// What the campaigns want to do today; at most one of those with a touch will happen.
    pub candidates: Vec<Candidate>,
}

/// What one campaign wants to do with a client today.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// The campaign, by its place in the frame.
    pub campaign: usize,
    /// The client enters; absent when he is in the campaign already.
    pub entry: Option<Entry>,
    /// The step that would be taken; absent when the first step comes later.
    pub touch: Option<Touched>,
    /// The next day on which something is to be done for the client.
    pub next_on: Option<Day>,
}

impl Candidate {
    /// Whether the occasion is older than the campaign.
    pub fn is_backlog(&self) -> bool {
        self.entry.as_ref().is_some_and(|entry| entry.backlog)
    }
}

/// Decides for one client what each campaign would do today.
pub fn decide(frame: &Frame<'_>, facts: &ClientFacts) -> ClientPlan {
    let standing = Standing::of_facts(facts, frame.base, frame.day);
    let mut plan = ClientPlan {
        client: facts.client.id,
        ..ClientPlan::default()
    };
    for (index, running) in frame.campaigns.iter().enumerate() {
        let look = Look {
            frame,
            running,
            facts,
            standing: standing.as_ref(),
            index,
        };
        let verdict = look.verdict(&mut plan);
        plan.verdicts.push(verdict);
    }
    plan
}

/// What is seen today of the occasion of an open enrollment; `None` when the campaign does not run
/// or the occasion has passed, so that nothing newer can be said than what was said before.
pub fn occasion_today(
    frame: &Frame<'_>,
    facts: &ClientFacts,
    campaign: &str,
    episode: &str,
) -> Option<Evidence> {
    let mut campaigns = frame.campaigns.iter().enumerate();
    let (index, running) = campaigns.find(|(_, one)| one.campaign.id == campaign)?;
    let enrollment = facts.enrollments.iter().find(|one| {
        one.campaign == campaign && one.episode == episode && one.closed_on.is_none()
    })?;
    let standing = Standing::of_facts(facts, frame.base, frame.day);
    let look = Look {
        frame,
        running,
        facts,
        standing: standing.as_ref(),
        index,
    };
    let seen = look.seen(enrollment).map(|episode| episode.evidence);
    // A silence goes on although the day on which it began to count has moved with the base.
    seen.or_else(|| match running.campaign.trigger {
        Trigger::MissedCycle { .. } => Some(look.episode_of(enrollment).evidence),
        _ => None,
    })
}

/// One campaign looking at one client.
struct Look<'a> {
    frame: &'a Frame<'a>,
    running: &'a Running<'a>,
    facts: &'a ClientFacts,
    standing: Option<&'a Standing>,
    index: usize,
}

impl Look<'_> {
    fn verdict(&self, plan: &mut ClientPlan) -> Verdict {
        let campaign = self.running.campaign;
        let open = self
            .facts
            .enrollments
            .iter()
            .find(|known| known.campaign == campaign.id && known.closed_on.is_none());
        let (decision, conditions, evidence) = match open {
            _ if campaign.status == CampaignStatus::Paused => {
                (Decision::NotRunning(campaign.status), Vec::new(), None)
            }
            Some(enrollment) => self.go_on(enrollment, plan),
            None => self.start(plan),
        };
        Verdict {
            campaign: campaign.id.clone(),
            decision,
            conditions,
            evidence,
        }
    }

    /// A client who is in the campaign: does he leave, and is a step due?
    fn go_on(&self, enrollment: &Enrollment, plan: &mut ClientPlan) -> Looked {
        if let Some(by) = self.ends(enrollment) {
            let campaign = enrollment.campaign.clone();
            plan.closings.push(Closing {
                enrollment: enrollment.id,
                campaign,
                by,
            });
            return (Decision::Leaves(by), Vec::new(), None);
        }
        let day = self.frame.day;
        if let Steering::WaitUntil(until) =
            steering(&enrollment.touches, &self.frame.settings.outcomes)
            && until > day
        {
            let block = Block::until(Reason::Agreed, until);
            return (Decision::Skipped(block), Vec::new(), None);
        }
        let ahead = ahead(
            self.running.campaign,
            enrollment.entered_on,
            &enrollment.touches,
            self.gap(),
        );
        // A distance in cycles may be shorter than that of the step before it.
        let days_ahead = ahead.iter().map(|ahead| ahead.due);
        let next = days_ahead.filter(|due| *due > day).min();
        let episode = self.episode_of(enrollment);
        let steps = ahead
            .iter()
            .filter(|ahead| ahead.due <= day)
            .map(|ahead| ahead.step);
        match self.first_possible(steps, &episode, enrollment.arm) {
            Ok(touch) => {
                let step = Some(touch.step.clone());
                let evidence = Some(touch.evidence.clone());
                let next = self.next_after(&touch, enrollment.entered_on, &enrollment.touches);
                let next_on = next.or(Some(self.goal_over(enrollment)));
                let touch = Some(touch);
                plan.candidates.push(Candidate {
                    campaign: self.index,
                    entry: None,
                    touch,
                    next_on,
                });
                (Decision::Continues { step, next }, Vec::new(), evidence)
            }
            Err(Some(block)) => (Decision::Skipped(block), Vec::new(), None),
            Err(None) => {
                let next = next.or(Some(self.goal_over(enrollment)));
                (Decision::Continues { step: None, next }, Vec::new(), None)
            }
        }
    }

    /// What ends an open episode today, if anything does.
    fn ends(&self, enrollment: &Enrollment) -> Option<ClosedBy> {
        if goal_reached(self.running.campaign, enrollment, self.facts) {
            return Some(ClosedBy::Goal);
        }
        if self.steering(enrollment) == Steering::Stop {
            return Some(ClosedBy::Outcome);
        }
        if self.has_passed(enrollment) {
            return Some(ClosedBy::Over);
        }
        let steps = ahead(
            self.running.campaign,
            enrollment.entered_on,
            &enrollment.touches,
            self.gap(),
        );
        let over = self.frame.day >= self.goal_over(enrollment);
        (steps.is_empty() && over).then_some(ClosedBy::Finished)
    }

    fn steering(&self, enrollment: &Enrollment) -> Steering {
        steering(&enrollment.touches, &self.frame.settings.outcomes)
    }

    /// Whether the occasion is over without anybody's doing: what stalled moves again, a visitor has
    /// come back, a client has another manager, a new deal has begun after a rejection, or all that
    /// was ever bought has been taken back.
    fn has_passed(&self, enrollment: &Enrollment) -> bool {
        match self.running.campaign.trigger {
            Trigger::MissedCycle { .. }
            | Trigger::SecondPurchase {}
            | Trigger::VolumeDrop { .. }
            | Trigger::Purchase {} => self.standing.is_none(),
            Trigger::StalledDeal { .. }
            | Trigger::VisitLapsed { .. }
            | Trigger::Handover { .. } => self.seen(enrollment).is_none(),
            Trigger::Rejection { .. } | Trigger::RejectionAnswered { .. } => {
                let since = enrollment.entered_on;
                let mut deals = self.facts.deals.iter();
                deals.any(|deal| deal.opened_on.is_some_and(|opened| opened > since))
            }
            _ => false,
        }
    }

    fn goal_over(&self, enrollment: &Enrollment) -> Day {
        enrollment
            .entered_on
            .plus(self.running.campaign.goal.within.count())
    }

    fn gap(&self) -> f64 {
        self.standing
            .map_or(0.0, |standing| standing.law.usual_gap_days())
    }

    /// The occasion of an open enrollment as it looks today; it keeps its key.
    fn episode_of(&self, enrollment: &Enrollment) -> Episode {
        self.seen(enrollment).unwrap_or_else(|| Episode {
            key: enrollment.episode.clone(),
            began_on: enrollment.began_on,
            last_entry: None,
            evidence: trigger::remembered(
                &self.running.campaign.trigger,
                self.facts,
                enrollment.began_on,
                self.standing,
                self.frame.day,
            ),
            value: self.standing.map_or(0, |standing| standing.value_at_risk),
        })
    }

    /// The occasion of an open enrollment where the trigger still shows it.
    fn seen(&self, enrollment: &Enrollment) -> Option<Episode> {
        let mut episodes = self.occasions().ok()?.into_iter();
        episodes.find(|episode| episode.key == enrollment.episode)
    }

    fn occasions(&self) -> Result<Vec<Episode>, trigger::NotYet> {
        trigger::episodes(&Sight {
            campaign: self.running.campaign,
            facts: self.facts,
            standing: self.standing,
            base: self.frame.base,
            settings: self.frame.settings,
            staff: self.frame.staff,
            day: self.frame.day,
        })
    }

    /// A client who is not in the campaign: is there an occasion, and may he enter?
    fn start(&self, plan: &mut ClientPlan) -> Looked {
        let campaign = self.running.campaign;
        let day = self.frame.day;
        if campaign.ends.is_some_and(|ends| day > ends)
            || campaign.starts.is_some_and(|starts| day < starts)
        {
            return (Decision::OutOfSeason, Vec::new(), None);
        }
        let episodes = match self.occasions() {
            Ok(episodes) => episodes,
            Err(not_yet) => {
                let decision = Decision::NoOccasion {
                    because: not_yet.because,
                    on: not_yet.on,
                };
                return (decision, Vec::new(), None);
            }
        };
        let newest = episodes.first().cloned();
        let fresh = episodes.into_iter().find(|episode| self.is_new(episode));
        let Some(episode) = fresh else {
            return (self.nothing_new(newest), Vec::new(), None);
        };
        let conditions = self.conditions();
        let evidence = Some(episode.evidence.clone());
        let decision = match self.stands_against(&conditions) {
            Some(block) => Decision::Skipped(block),
            None => self.enter(episode, plan),
        };
        (decision, conditions, evidence)
    }

    /// Whether nothing was done about this episode, and it may still be entered.
    fn is_new(&self, episode: &Episode) -> bool {
        !self.is_known(episode) && episode.last_entry.is_none_or(|last| self.frame.day <= last)
    }

    fn is_known(&self, episode: &Episode) -> bool {
        self.facts.enrollments.iter().any(|enrollment| {
            enrollment.campaign == self.running.campaign.id && enrollment.episode == episode.key
        })
    }

    /// Why the newest occasion leads nowhere: it was dealt with, or nobody may enter any more.
    fn nothing_new(&self, newest: Option<Episode>) -> Decision {
        match newest {
            Some(newest) if self.is_known(&newest) => Decision::Done {
                episode: newest.key,
            },
            newest => {
                let last = newest.and_then(|newest| newest.last_entry);
                Decision::NoOccasion {
                    because: NoOccasion::TooLate(last),
                    on: None,
                }
            }
        }
    }

    fn conditions(&self) -> Vec<Seen> {
        let mut derived = self.standing.map(Standing::derived).unwrap_or_default();
        let hints = self.frame.base.hints(&self.facts.items);
        derived.abc = readiness::class(self.facts);
        derived.hints = hints.into_iter().map(|hint| hint.item).collect();
        let steps = self.frame.base.steps_up(&self.facts.items);
        derived.upsell = steps.iter().map(|step| step.item().clone()).collect();
        audience::look(&self.running.campaign.audience, self.facts, &derived)
    }

    fn stands_against(&self, conditions: &[Seen]) -> Option<Block> {
        if let Some(failed) = conditions.iter().find(|seen| !seen.holds) {
            return Some(Block::for_good(Reason::Audience(failed.condition.clone())));
        }
        let campaign = self.running.campaign;
        let last_touch = self
            .facts
            .enrollments
            .iter()
            .filter(|enrollment| enrollment.campaign == campaign.id)
            .map(|enrollment| {
                let touched = enrollment.touches.iter().map(|touch| touch.day).max();
                touched.unwrap_or(enrollment.entered_on)
            })
            .max();
        let open_again = last_touch.map(|day| day.plus(campaign.limits.reentry.count()));
        match open_again {
            Some(until) if until > self.frame.day => Some(Block::until(Reason::Reentry, until)),
            _ => None,
        }
    }

    /// Takes the client in, with the first step where it is possible today.
    fn enter(&self, episode: Episode, plan: &mut ClientPlan) -> Decision {
        let campaign = self.running.campaign;
        let day = self.frame.day;
        let age_days = day.days_since(episode.began_on);
        let backlog = episode.began_on < self.running.starts || age_days > FRESH_DAYS;
        if backlog && campaign.backlog_per_day == 0 {
            return Decision::InBacklog;
        }
        let share = campaign.limits.holdout.fraction();
        let arm = holdout::arm(&campaign.id, &self.facts.client.ext_id, share);
        if let Some(block) = self.no_step_at_all(&episode) {
            return Decision::Skipped(block);
        }
        let ahead = ahead(campaign, day, &[], self.gap());
        let due = ahead
            .iter()
            .filter(|ahead| ahead.due <= day)
            .map(|ahead| ahead.step);
        let touch = match self.first_possible(due, &episode, arm) {
            Ok(touch) => Some(touch),
            Err(Some(block)) if block.until.is_some() => return Decision::Skipped(block),
            Err(_) => None,
        };
        let next = match &touch {
            Some(touch) => self.next_after(touch, day, &[]),
            // A step that was passed over may become possible any day: an address, a consent.
            None if ahead.iter().any(|ahead| ahead.due <= day) => Some(day.plus(1)),
            None => ahead.iter().map(|ahead| ahead.due).min(),
        };
        let step = touch.as_ref().map(|touch| touch.step.clone());
        let next_on = next.or(Some(day.plus(campaign.goal.within.count())));
        let entry = Some(Entry {
            episode,
            arm,
            backlog,
        });
        plan.candidates.push(Candidate {
            campaign: self.index,
            entry,
            touch,
            next_on,
        });
        Decision::Enters { step }
    }

    /// The day of the step that follows once `touch` has been made today: a late touch moves the
    /// days of the others.
    fn next_after(&self, touch: &Touched, entered_on: Day, touches: &[Touch]) -> Option<Day> {
        let day = self.frame.day;
        let mut touches = touches.to_vec();
        touches.push(touch.on(day));
        let ahead = ahead(self.running.campaign, entered_on, &touches, self.gap());
        let due = ahead.iter().map(|ahead| ahead.due).min();
        due.map(|due| due.max(day.plus(1)))
    }

    /// The reason why no step of the campaign could ever be taken with this client.
    fn no_step_at_all(&self, episode: &Episode) -> Option<Block> {
        let campaign = self.running.campaign;
        let mut first = Some(Block::for_good(Reason::NoStep));
        for (index, step) in campaign.steps.iter().enumerate() {
            match touch::action(step, campaign, episode, self.facts, self.frame) {
                Ok(_) => return None,
                Err(block) if block.until.is_some() => return None,
                Err(block) if index == 0 => first = Some(block),
                Err(_) => {}
            }
        }
        first
    }

    /// The first of the due steps that is possible. A step that can never be taken with this
    /// client is passed over; one that must wait makes the following ones wait.
    fn first_possible<'s>(
        &self,
        due: impl Iterator<Item = &'s crate::config::campaign::Step>,
        episode: &Episode,
        arm: Arm,
    ) -> Result<Touched, Option<Block>> {
        let mut first_block = None;
        for step in due {
            let campaign = self.running.campaign;
            match touch::action(step, campaign, episode, self.facts, self.frame) {
                Ok((id, action)) => return Ok(self.touched(id, action, episode, arm)),
                Err(block) if block.until.is_some() => return Err(Some(block)),
                Err(block) => first_block = first_block.or(Some(block)),
            }
        }
        Err(first_block)
    }

    fn touched(&self, step: String, action: touch::Action, episode: &Episode, arm: Arm) -> Touched {
        Touched {
            campaign: self.running.campaign.id.clone(),
            episode: episode.key.clone(),
            step,
            arm,
            evidence: episode.evidence.clone(),
            value: episode.value,
            action,
        }
    }
}

/// A decision, the conditions that were looked at, and the occasion.
type Looked = (Decision, Vec<Seen>, Option<Evidence>);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::campaign::Campaign;
    use crate::model::Rhythm;
    use crate::rules::base_facts::{BaseFacts, BaseFactsBuilder};

    const TODAY: Day = Day::from_epoch(20_000);

    /// What a campaign with this trigger and these steps does today with a client.
    fn decision(campaign: &str, facts: impl FnOnce(&BaseFacts) -> ClientFacts) -> Decision {
        let settings: crate::config::Settings =
            toml::from_str("[company]\nname = \"T\"\n").unwrap();
        let base = BaseFactsBuilder::new(TODAY, &settings.rhythm).finish(&settings.rhythm);
        let staff = crate::rules::staff::Staff::default();
        let campaign: Campaign = toml::from_str(campaign).unwrap();
        let running = [Running {
            campaign: &campaign,
            starts: TODAY,
        }];
        let frame = Frame {
            day: TODAY,
            campaigns: &running,
            base: &base,
            settings: &settings,
            staff: &staff,
        };
        let plan = decide(&frame, &facts(&base));
        plan.verdicts[0].decision.clone()
    }

    fn campaign(trigger: &str, more: &str) -> String {
        format!(
            "id = \"c\"\ntitle = \"C\"\n[trigger]\non = \"{trigger}\"\n\
             [goal]\nevent = \"purchase\"\n\
             [[step]]\nid = \"letter\"\nchannel = \"email\"\ntemplate = \"a\"\n{more}"
        )
    }

    /// A client who bought twice, the second time so many days ago.
    fn bought(gap_days: i32, days_ago: i32, base: &BaseFacts) -> ClientFacts {
        let last = TODAY.plus(-days_ago);
        let days = [last.plus(-gap_days), last];
        let rhythm = crate::rules::rhythm::of_sorted_days(days).unwrap();
        let dates = base.dates(base.kind(crate::model::ClientId(1), &[]), &rhythm);
        ClientFacts {
            rhythm: Some((rhythm, dates)),
            ..ClientFacts::default()
        }
    }

    fn entered(episode: &str, days_ago: i32, touches: Vec<Touch>) -> Enrollment {
        Enrollment {
            id: 1,
            campaign: "c".to_owned(),
            episode: episode.to_owned(),
            began_on: TODAY.plus(-days_ago),
            entered_on: TODAY.plus(-days_ago),
            arm: Arm::Treated,
            closed_on: None,
            touches,
        }
    }

    #[test]
    fn an_occasion_that_nobody_acted_on_in_time_was_not_dealt_with() {
        let campaign = campaign("second_purchase", "");
        let rhythm = Rhythm {
            purchase_days: 1,
            first: TODAY.plus(-900),
            last: TODAY.plus(-900),
            weight: 0.0,
            sum_log: 0.0,
            sum_sq: 0.0,
        };
        let bought_once = |base: &BaseFacts| {
            let dates = base.dates(base.kind(crate::model::ClientId(1), &[]), &rhythm);
            ClientFacts {
                rhythm: Some((rhythm, dates)),
                ..ClientFacts::default()
            }
        };
        match decision(&campaign, bought_once) {
            Decision::NoOccasion { because, .. } => {
                assert!(
                    matches!(because, NoOccasion::TooLate(Some(_))),
                    "{because:?}"
                );
            }
            other => panic!("{other:?}"),
        }
        let acted_on = |base: &BaseFacts| ClientFacts {
            enrollments: vec![Enrollment {
                closed_on: Some(TODAY.plus(-700)),
                ..entered(&format!("second:{}", rhythm.last), 800, Vec::new())
            }],
            ..bought_once(base)
        };
        assert!(matches!(
            decision(&campaign, acted_on),
            Decision::Done { .. }
        ));
    }

    #[test]
    fn nobody_is_missed_whose_every_purchase_was_taken_back() {
        for trigger in ["missed_cycle", "second_purchase", "purchase"] {
            let nothing_bought = |_: &BaseFacts| ClientFacts {
                enrollments: vec![entered("e", 1, Vec::new())],
                ..ClientFacts::default()
            };
            let decision = decision(&campaign(trigger, ""), nothing_bought);
            assert_eq!(decision, Decision::Leaves(ClosedBy::Over), "{trigger}");
        }
    }

    #[test]
    fn the_next_step_is_the_one_that_comes_first_and_not_the_one_written_first() {
        let campaign = campaign(
            "missed_cycle",
            "[[step]]\nid = \"later\"\nafter = \"9d\"\nchannel = \"email\"\ntemplate = \"b\"\n\
             [[step]]\nid = \"call\"\nafter = \"0.5 cycles\"\ntask = \"call\"\nscript = \"s\"\n",
        );
        let written_to = |base: &BaseFacts| {
            let letter = Touch {
                step: "letter".to_owned(),
                day: TODAY,
                what: crate::model::TouchKind::Message {
                    channel: crate::model::Channel::Email,
                    class: crate::model::Class::Advertising,
                    in_vain: false,
                },
            };
            ClientFacts {
                enrollments: vec![entered("missed:e", 0, vec![letter])],
                ..bought(8, 20, base)
            }
        };
        match decision(&campaign, written_to) {
            Decision::Continues { step: None, next } => {
                let next = next.unwrap();
                assert!(next > TODAY && next < TODAY.plus(9), "{next}");
            }
            other => panic!("{other:?}"),
        }
    }
}
