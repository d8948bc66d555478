//! One client led through the days of a period by the rules of the plan.
//!
//! Every decision is taken by [`decide`], with the facts as they were known on the day and what
//! the replay itself has done so far. Days on which nothing can have changed are passed over.

use crate::config::campaign::Campaign;
use crate::model::{Class, ClientFacts, Day, DealStatus, Enrollment, Rhythm, Touch, TouchKind};
use crate::rules::base_facts::BaseFacts;
use crate::rules::plan::{
    Action, Candidate, ClientPlan, Decision, Frame, Reason, Running, Touched, decide,
};
use crate::rules::staff::Staff;
use crate::rules::standing::Standing;

use super::alarm::Alarm;
use super::past::Past;
use super::scene::{Scene, pretended};

/// What a look at a client on one day brought.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// What happens today.
    pub(super) taken: Option<Candidate>,
    /// What happens today if the client is among the most valuable of the backlog.
    pub(super) waiting: Option<Candidate>,
    /// The next day on which something may have changed.
    pub(super) next_look: Day,
}

/// A client on the way through the days, under one alarm.
#[derive(Debug)]
pub(super) struct Replay<'a> {
    scene: &'a Scene<'a>,
    alarm: Alarm,
    facts: ClientFacts,
    /// Days on which other campaigns really wrote to the client.
    other_letters: Vec<Day>,
    /// Deals as they are known today.
    deals: Vec<crate::model::Deal>,
    known_until: Option<Day>,
    rhythm: Option<Rhythm>,
}

impl<'a> Replay<'a> {
    /// A client before the first day of the period.
    pub(super) fn new(scene: &'a Scene<'a>, alarm: Alarm, past: &Past) -> Self {
        let other_letters = letters_of_others(&past.facts, &scene.campaign);
        let mut facts = pretended(&past.facts);
        facts.advertising_days.clone_from(&other_letters);
        Self {
            scene,
            alarm,
            facts,
            other_letters,
            deals: past.facts.deals.clone(),
            known_until: None,
            rhythm: None,
        }
    }

    /// Looks at the client on a day. What is `taken` has happened; what waits has not, unless it
    /// comes back through [`Self::admit`].
    pub(super) fn look(&mut self, past: &Past, day: Day) -> Seen {
        let base = self.scene.eras.on(day);
        self.learn(past, base, day);
        let frame = Frame {
            day,
            campaigns: &[Running {
                campaign: &self.scene.campaign,
                starts: self.scene.period.from,
            }],
            base,
            settings: &self.scene.settings,
            staff: Staff::nobody(),
        };
        let plan = decide(&frame, &self.facts);
        let next_look = self.next_look(&plan, past, day);
        self.close(&plan, day);
        let mut candidates = plan.candidates.into_iter();
        let (mut taken, mut waiting) = (None, None);
        match candidates.next() {
            Some(candidate) if candidate.is_backlog() => waiting = Some(candidate),
            Some(candidate) => {
                self.admit(&candidate, day);
                taken = Some(candidate);
            }
            None => {}
        }
        Seen {
            taken,
            waiting,
            next_look,
        }
    }

    /// Lets a candidate happen: the client enters, a step is taken, or both.
    pub(super) fn admit(&mut self, candidate: &Candidate, day: Day) {
        if let Some(entry) = &candidate.entry {
            self.facts.enrollments.push(Enrollment {
                id: self.facts.enrollments.len() as i64,
                campaign: self.scene.campaign.id.clone(),
                episode: entry.episode.key.clone(),
                began_on: entry.episode.began_on,
                entered_on: day,
                arm: entry.arm,
                closed_on: None,
                touches: Vec::new(),
            });
        }
        if let Some(touch) = &candidate.touch {
            self.touch(touch, day);
        }
    }

    /// The client on a day, by the law of his own rhythm; `None` before the first purchase.
    pub(super) fn standing(&self, past: &Past, day: Day) -> Option<Standing> {
        let base = self.scene.eras.on(day);
        let totals = past.totals_on(day);
        let kind = past.kind(base);
        self.rhythm
            .map(|rhythm| Standing::of(kind, &rhythm, &totals, base, day))
    }

    /// What the replay rests on.
    pub(super) const fn scene(&self) -> &'a Scene<'a> {
        self.scene
    }

    /// How often the client has entered so far.
    pub(super) const fn times_chosen(&self) -> usize {
        self.facts.enrollments.len()
    }

    /// Until which day a waiting client waits with nothing changing but his value.
    pub(super) fn waits_until(&self, candidate: &Candidate, past: &Past, day: Day) -> Day {
        if self.scene.audience_drifts || !self.other_letters.is_empty() {
            return day.plus(1);
        }
        let closes = candidate
            .entry
            .as_ref()
            .and_then(|entry| entry.episode.last_entry);
        let over = closes.map_or(Day::from_epoch(i32::MAX), |last| last.plus(1));
        over.min(self.next_news(past, day)).max(day.plus(1))
    }

    /// Brings the facts up to the day, with nothing that became known later.
    fn learn(&mut self, past: &Past, base: &BaseFacts, day: Day) {
        if self.known_until.is_none_or(|until| day >= until) {
            self.rhythm = past.rhythm_on(day);
            self.known_until = Some(past.news_after(day).unwrap_or(Day::from_epoch(i32::MAX)));
        }
        let occasion = &self.scene.occasion;
        self.facts.rhythm = self.rhythm.map(|rhythm| {
            let dates = self.alarm.dates(past.kind(base), &rhythm, base, occasion);
            (rhythm, dates)
        });
        self.facts.totals = past.totals_on(day);
        let known = |deal: &&crate::model::Deal| deal.opened_on.is_none_or(|opened| opened <= day);
        self.facts.deals = self.deals.iter().filter(known).cloned().collect();
        for deal in &mut self.facts.deals {
            if deal.closed_on.is_some_and(|closed| closed > day) {
                deal.status = DealStatus::Open;
                deal.closed_on = None;
                deal.reason = None;
            }
        }
    }

    fn close(&mut self, plan: &ClientPlan, day: Day) {
        for closing in &plan.closings {
            for enrollment in &mut self.facts.enrollments {
                if enrollment.id == closing.enrollment {
                    enrollment.closed_on = Some(day);
                }
            }
        }
    }

    fn touch(&mut self, touch: &Touched, day: Day) {
        if let Action::Message(message) = &touch.action
            && message.class == Class::Advertising
        {
            self.facts.advertising_days.push(day);
        }
        let enrollment = self
            .facts
            .enrollments
            .iter_mut()
            .find(|enrollment| enrollment.episode == touch.episode);
        if let Some(enrollment) = enrollment {
            enrollment.touches.push(Touch {
                step: touch.step.clone(),
                day,
                // What a manager would have recorded is not known: the task is taken as done on
                // its day, and the letters go on.
                what: touch.action.kind(None),
            });
        }
    }

    /// The next day on which the decision can differ from that of `day`.
    fn next_look(&self, plan: &ClientPlan, past: &Past, day: Day) -> Day {
        let tomorrow = day.plus(1);
        let by_itself = plan.verdicts.first().map(|verdict| &verdict.decision);
        let hint = match by_itself {
            Some(Decision::NoOccasion { on, .. }) => *on,
            Some(Decision::Skipped(block)) => match (&block.reason, block.until) {
                (_, Some(until)) => Some(until),
                (Reason::Audience(_), None) if !self.scene.audience_drifts => None,
                (_, None) => Some(tomorrow),
            },
            Some(Decision::Continues { step: None, next }) => next.or(Some(tomorrow)),
            Some(Decision::Done { .. } | Decision::InBacklog) => None,
            _ => Some(tomorrow),
        };
        let news = self.next_news(past, day);
        hint.map_or(news, |hint| hint.min(news)).max(tomorrow)
    }

    /// The next day on which something becomes known of the client, or the base is fitted anew.
    fn next_news(&self, past: &Past, day: Day) -> Day {
        let of_deals = self
            .deals
            .iter()
            .flat_map(|deal| [deal.opened_on, deal.closed_on]);
        let news = of_deals
            .chain([past.news_after(day), self.scene.eras.next_after(day)])
            .flatten();
        news.filter(|news| *news > day)
            .min()
            .unwrap_or(Day::from_epoch(i32::MAX))
    }
}

/// The days on which other campaigns really sent advertising to the client.
fn letters_of_others(facts: &ClientFacts, campaign: &Campaign) -> Vec<Day> {
    let others = facts
        .enrollments
        .iter()
        .filter(|enrollment| enrollment.campaign != campaign.id);
    let touches = others.flat_map(|enrollment| &enrollment.touches);
    let mut days: Vec<Day> = touches
        .filter(|touch| {
            matches!(
                touch.what,
                TouchKind::Message {
                    class: Class::Advertising,
                    ..
                }
            )
        })
        .map(|touch| touch.day)
        .collect();
    days.sort_unstable();
    days
}
