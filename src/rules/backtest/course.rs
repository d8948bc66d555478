//! The course of the period for single clients, and for those of the backlog together.
//!
//! Fresh episodes are settled client by client. Which clients of the backlog enter on a day
//! depends on all of them: the most valuable are kept by number while the clients go by, and are
//! led through the days together afterwards.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::model::{ClientId, Day};
use crate::rules::plan::Candidate;

use super::alarm::Alarm;
use super::happened::{Happened, happened};
use super::past::Past;
use super::replay::Replay;
use super::scene::Scene;

/// How many clients are kept for each one whom the backlog may let in.
const KEPT_FOR_EACH: usize = 3;

/// At least so many are kept: a small base is replayed exactly.
const KEPT_AT_LEAST: usize = 1_000;

/// What the period brought for one client who was never let in from the backlog.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Alone {
    pub(super) happened: Vec<Happened>,
    /// The most that was at stake while he waited in the backlog; `None` when he never did.
    pub(super) waited_for: Option<i64>,
    /// He waits on the last day.
    pub(super) still_waiting: bool,
}

/// Leads one client through the period; the backlog never lets him in.
pub(super) fn alone(scene: &Scene<'_>, alarm: Alarm, past: &Past) -> Alone {
    let mut replay = Replay::new(scene, alarm, past);
    let mut course = Alone::default();
    let last = scene.period.to;
    let mut day = scene.period.from;
    while day <= last {
        let seen = replay.look(past, day);
        if let Some(candidate) = &seen.taken {
            course
                .happened
                .extend(replay.happened(past, candidate, day));
        }
        day = match &seen.waiting {
            None => seen.next_look,
            Some(candidate) => {
                let until = replay.waits_until(candidate, past, day);
                // What is at stake only grows while he is silent.
                let value = replay.value(past, until.plus(-1).min(last));
                course.waited_for = course.waited_for.max(Some(value));
                course.still_waiting = until > last;
                until
            }
        };
    }
    course
}

impl Replay<'_> {
    /// What a candidate that has been admitted means, seen from today.
    fn happened(&self, past: &Past, candidate: &Candidate, day: Day) -> Option<Happened> {
        let standing = self.standing(past, day)?;
        let times_chosen = self.times_chosen();
        Some(happened(
            self.scene(),
            past,
            candidate,
            &standing,
            times_chosen,
            day,
        ))
    }

    fn value(&self, past: &Past, day: Day) -> i64 {
        self.standing(past, day)
            .map_or(0, |standing| standing.value_at_risk)
    }
}

/// The clients with most at stake among those who wait in the backlog.
#[derive(Clone, Debug)]
pub(super) struct MostValuable {
    room: usize,
    kept: BinaryHeap<Reverse<(i64, Reverse<ClientId>)>>,
    /// How many clients waited.
    pub(super) waited: u64,
}

impl MostValuable {
    /// Room for more clients than the backlog can let in over the period.
    pub(super) fn for_scene(scene: &Scene<'_>) -> Self {
        let places = scene.period.n_days() * scene.campaign.backlog_per_day as usize;
        Self {
            room: (KEPT_FOR_EACH * places).max(KEPT_AT_LEAST),
            kept: BinaryHeap::new(),
            waited: 0,
        }
    }

    pub(super) fn add(&mut self, client: ClientId, value: i64) {
        self.waited += 1;
        self.kept.push(Reverse((value, Reverse(client))));
        if self.kept.len() > self.room {
            self.kept.pop();
        }
    }

    /// Their numbers, rising.
    pub(super) fn clients(&self) -> Vec<ClientId> {
        let ids = self
            .kept
            .iter()
            .map(|Reverse((_, Reverse(client)))| *client);
        let mut ids: Vec<ClientId> = ids.collect();
        ids.sort_unstable();
        ids
    }
}

/// A client of the backlog on the way through the days.
struct Member<'a> {
    past: &'a Past,
    replay: Replay<'a>,
    next_look: Day,
    /// The candidate that waits, and the day on which it has to be looked at again.
    waiting: Option<(Candidate, Day)>,
}

/// Leads the clients of the backlog through the period together: each day the most valuable of
/// those who wait are let in. Gives what happened, and how many wait on the last day.
pub(super) fn together(scene: &Scene<'_>, alarm: Alarm, pasts: &[Past]) -> (Vec<Happened>, i64) {
    let mut members: Vec<Member<'_>> = pasts
        .iter()
        .map(|past| Member {
            past,
            replay: Replay::new(scene, alarm, past),
            next_look: scene.period.from,
            waiting: None,
        })
        .collect();
    let room = scene.campaign.backlog_per_day as usize;
    let mut all = Vec::new();
    for day in scene.period.days() {
        let mut waiting: Vec<(Reverse<i64>, ClientId, usize)> = Vec::new();
        for (place, member) in members.iter_mut().enumerate() {
            if let Some(value) = member.pass(day, &mut all) {
                waiting.push((Reverse(value), member.past.client(), place));
            }
        }
        waiting.sort_unstable();
        for (_, _, place) in waiting.into_iter().take(room) {
            members[place].let_in(day, &mut all);
        }
    }
    let still_waiting = members.iter().filter(|member| member.waiting.is_some());
    let still_waiting = still_waiting.count() as i64;
    (all, still_waiting)
}

impl Member<'_> {
    /// Passes a day; gives what is at stake when the client waits for the backlog.
    fn pass(&mut self, day: Day, all: &mut Vec<Happened>) -> Option<i64> {
        let is_calm = self.waiting.as_ref().is_some_and(|(_, until)| day < *until);
        if !is_calm {
            self.waiting = None;
            if day < self.next_look {
                return None;
            }
            let seen = self.replay.look(self.past, day);
            self.next_look = seen.next_look;
            if let Some(candidate) = &seen.taken {
                all.extend(self.replay.happened(self.past, candidate, day));
            }
            let candidate = seen.waiting?;
            let until = self.replay.waits_until(&candidate, self.past, day);
            self.next_look = until;
            self.waiting = Some((candidate, until));
        }
        Some(self.replay.value(self.past, day))
    }

    fn let_in(&mut self, day: Day, all: &mut Vec<Happened>) {
        if let Some((candidate, _)) = self.waiting.take() {
            self.replay.admit(&candidate, day);
            self.next_look = day.plus(1);
            all.extend(self.replay.happened(self.past, &candidate, day));
        }
    }
}
