//! Settling a day: what can only be decided when more than one client is in view.
//!
//! Clients come in their order, chunk by chunk; memory does not grow with the base. One touch for
//! a client, one for an address, the backlog by value, and the counts of every campaign.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::hash::{DefaultHasher, Hash, Hasher};

use serde::{Deserialize, Serialize};

use crate::config::campaign::CampaignStatus;
use crate::model::{Arm, ClientId, Day};

use super::addressed::Addressed;
use super::client::{Candidate, ClientPlan};
use super::touch::{Action, Touched};
use super::verdict::{Block, Decision, Reason};
use super::{Closing, Entry, Frame};

/// What is settled for one client, ready to be written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Decided {
    /// The client.
    pub client: ClientId,
    /// Episodes that end.
    pub closings: Vec<Closing>,
    /// New enrollments: the campaign by its place, and the next day on which something is due.
    pub entries: Vec<(usize, Entry, Option<Day>)>,
    /// The one touch of the day.
    pub touch: Option<Touched>,
    /// The next day on which something is due for the enrollment of `touch`, when it is not new.
    pub next_on: Option<Day>,
}

impl Decided {
    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.closings.is_empty() && self.entries.is_empty() && self.touch.is_none()
    }
}

/// What a campaign does on the day, in numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CampaignCounts {
    /// The campaign.
    pub id: String,
    /// The name that people see.
    pub title: String,
    /// Whether it acts by itself.
    pub status: CampaignStatus,
    /// Clients who enter today.
    pub entered: u64,
    /// Clients who leave today.
    pub left: u64,
    /// Messages to be sent.
    pub messages: u64,
    /// Tasks for managers.
    pub tasks: u64,
    /// Messages and tasks that exist on paper only, because their client is held out.
    pub holdout: u64,
    /// Clients whose occasion is older than the campaign and who wait for another day.
    pub backlog_waiting: u64,
    /// Why others who had an occasion get nothing: reason and number.
    pub skipped: BTreeMap<String, u64>,
}

/// Takes the decisions about clients one after another and settles the day.
#[derive(Debug)]
pub struct DayPlanner<'a> {
    frame: Frame<'a>,
    counts: Vec<CampaignCounts>,
    backlog: Vec<BinaryHeap<Reverse<Waiting>>>,
    addresses: Addressed,
}

/// A client of the backlog, ordered by value; among equals the earlier client is worth more.
#[derive(Debug)]
struct Waiting {
    value: i64,
    client: ClientId,
    candidate: Candidate,
}

impl PartialEq for Waiting {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Waiting {}

impl PartialOrd for Waiting {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Waiting {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.value, Reverse(self.client)).cmp(&(other.value, Reverse(other.client)))
    }
}

impl<'a> DayPlanner<'a> {
    /// Begins a day.
    pub fn new(frame: Frame<'a>) -> Self {
        let counts = frame.campaigns.iter().map(|running| CampaignCounts {
            id: running.campaign.id.clone(),
            title: running.campaign.title.clone(),
            status: running.campaign.status,
            entered: 0,
            left: 0,
            messages: 0,
            tasks: 0,
            holdout: 0,
            backlog_waiting: 0,
            skipped: BTreeMap::new(),
        });
        Self {
            counts: counts.collect(),
            backlog: frame.campaigns.iter().map(|_| BinaryHeap::new()).collect(),
            addresses: Addressed::nobody(),
            frame,
        }
    }

    /// Settles one client. What comes back is final; backlog comes back from [`Self::finish`].
    pub fn take(&mut self, plan: ClientPlan) -> Decided {
        self.count_verdicts(&plan);
        let mut decided = Decided {
            client: plan.client,
            ..Decided::default()
        };
        decided.closings = plan.closings;
        let (backlog, fresh): (Vec<_>, Vec<_>) =
            plan.candidates.into_iter().partition(Candidate::is_backlog);
        let (with_touch, without): (Vec<_>, Vec<_>) = fresh
            .into_iter()
            .partition(|candidate| candidate.touch.is_some());
        for candidate in without {
            self.accept(candidate, &mut decided);
        }
        let winner = self.arbitrate(with_touch, &mut decided);
        self.keep_best_backlog(plan.client, backlog, winner);
        decided
    }

    /// Whether more of the backlog of a campaign may enter today than has been found.
    pub fn has_room_in_backlog(&self, campaign: usize) -> bool {
        let room = self.frame.campaigns[campaign].campaign.backlog_per_day as usize;
        self.backlog[campaign].len() < room
    }

    /// Ends the day: the most valuable of the backlog enter, and the counts are complete.
    pub fn finish(mut self) -> (Vec<Decided>, Vec<CampaignCounts>) {
        let mut chosen: Vec<Waiting> = Vec::new();
        for heap in std::mem::take(&mut self.backlog) {
            chosen.extend(heap.into_iter().map(|Reverse(waiting)| waiting));
        }
        chosen.sort_by(|a, b| {
            (b.value, a.client, a.candidate.campaign).cmp(&(
                a.value,
                b.client,
                b.candidate.campaign,
            ))
        });
        let mut decided = Vec::new();
        for waiting in chosen {
            let mut one = Decided {
                client: waiting.client,
                ..Decided::default()
            };
            if self.address_is_free(waiting.candidate.touch.as_ref()) {
                self.accept(waiting.candidate, &mut one);
                decided.push(one);
            } else {
                self.skip(waiting.candidate.campaign, &Reason::SameAddress);
            }
        }
        (decided, self.counts)
    }

    fn count_verdicts(&mut self, plan: &ClientPlan) {
        for (index, verdict) in plan.verdicts.iter().enumerate() {
            match &verdict.decision {
                Decision::Skipped(Block { reason, .. }) => self.skip(index, reason),
                Decision::InBacklog => self.counts[index].backlog_waiting += 1,
                Decision::Leaves(_) => self.counts[index].left += 1,
                _ => {}
            }
        }
    }

    fn skip(&mut self, campaign: usize, reason: &Reason) {
        *self.counts[campaign]
            .skipped
            .entry(reason.to_string())
            .or_default() += 1;
    }

    /// Gives the client to the campaign with the highest priority; the others are recorded.
    fn arbitrate(
        &mut self,
        mut candidates: Vec<Candidate>,
        decided: &mut Decided,
    ) -> Option<usize> {
        candidates.sort_by_key(|candidate| self.rank(candidate));
        let mut winner = None;
        for candidate in candidates {
            if let Some(won) = winner {
                let by: &Candidate = &candidate;
                self.skip(by.campaign, &self.outranked_by(won));
            } else if self.address_is_free(candidate.touch.as_ref()) {
                winner = Some(candidate.campaign);
                self.accept(candidate, decided);
            } else {
                self.skip(candidate.campaign, &Reason::SameAddress);
            }
        }
        winner
    }

    fn rank(&self, candidate: &Candidate) -> (Reverse<i32>, usize) {
        let priority = self.frame.campaigns[candidate.campaign].campaign.priority;
        (Reverse(priority), candidate.campaign)
    }

    fn outranked_by(&self, campaign: usize) -> Reason {
        Reason::Outranked(self.frame.campaigns[campaign].campaign.id.clone())
    }

    /// The best backlog candidate of the client waits for the end of the day, unless something
    /// fresh has won him.
    fn keep_best_backlog(
        &mut self,
        client: ClientId,
        mut backlog: Vec<Candidate>,
        winner: Option<usize>,
    ) {
        backlog.sort_by_key(|candidate| self.rank(candidate));
        let mut best = winner;
        for candidate in backlog {
            if let Some(won) = best {
                self.skip(candidate.campaign, &self.outranked_by(won));
                continue;
            }
            best = Some(candidate.campaign);
            let room = self.frame.campaigns[candidate.campaign]
                .campaign
                .backlog_per_day as usize;
            let value = candidate
                .entry
                .as_ref()
                .map_or(0, |entry| entry.episode.value);
            let campaign = candidate.campaign;
            let heap = &mut self.backlog[campaign];
            heap.push(Reverse(Waiting {
                value,
                client,
                candidate,
            }));
            if heap.len() > room {
                heap.pop();
                self.counts[campaign].backlog_waiting += 1;
            }
        }
    }

    fn address_is_free(&self, touch: Option<&Touched>) -> bool {
        touch
            .and_then(address_of)
            .is_none_or(|address| !self.addresses.contains(address))
    }

    fn accept(&mut self, candidate: Candidate, decided: &mut Decided) {
        let counts = &mut self.counts[candidate.campaign];
        if let Some(entry) = candidate.entry {
            counts.entered += 1;
            decided
                .entries
                .push((candidate.campaign, entry, candidate.next_on));
        } else {
            decided.next_on = candidate.next_on;
        }
        if let Some(touch) = candidate.touch {
            match (touch.arm, &touch.action) {
                (Arm::Holdout, _) => counts.holdout += 1,
                (Arm::Treated, Action::Message(_)) => counts.messages += 1,
                (Arm::Treated, Action::Task(_)) => counts.tasks += 1,
            }
            if let Some(address) = address_of(&touch) {
                self.addresses.insert(address);
            }
            decided.touch = Some(touch);
        }
    }
}

/// A number that stands for the address of a message; tasks have none.
fn address_of(touch: &Touched) -> Option<u64> {
    match &touch.action {
        Action::Message(message) => {
            let mut hasher = DefaultHasher::new();
            message.address.hash(&mut hasher);
            Some(hasher.finish())
        }
        Action::Task(_) => None,
    }
}
