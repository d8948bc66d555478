//! The walk over the clients of a day, chunk by chunk.

use std::collections::{HashMap, HashSet, VecDeque};

use crate::config::campaign::{Condition, Trigger};
use crate::db::{History, StoreError, Wanted};
use crate::model::{ClientFacts, ClientId, Day, RhythmState};
use crate::rules::plan::{CampaignCounts, DayPlanner, Decided, decide};
use crate::rules::rhythm;

use super::{Ground, scan};

/// How many clients are in memory at once.
const CHUNK: usize = 1_000;

/// How many of everybody: their number has no bound, and two pages are held at a time.
const PAGE: u32 = 500;

/// A day that is being walked: each [`Walk::next`] is one chunk of clients, decided.
pub(super) struct Walk<'a> {
    ground: &'a Ground<'a>,
    planner: Option<DayPlanner<'a>>,
    ahead: Ahead,
    /// Where the backlog of each campaign goes on.
    backlogs: Vec<Option<u32>>,
    /// Kept as long as a backlog may go on.
    looked_at: HashSet<ClientId>,
    backlog: VecDeque<Decided>,
    counts: Vec<CampaignCounts>,
    wanted: Wanted,
    newly_missed: u32,
}

/// Who is still to be looked at: some clients, or everybody, whose numbers are read as they are
/// needed.
#[derive(Default)]
struct Ahead {
    ids: VecDeque<ClientId>,
    /// Where the walk over everybody goes on; `None` when it is over or only some are looked at.
    everybody_after: Option<ClientId>,
    /// How many of everybody are left, with those whom nobody knows on the day.
    of_everybody: u64,
}

impl Ahead {
    /// The next clients; nothing at the end.
    async fn chunk(&mut self, ground: &Ground<'_>) -> Result<Vec<ClientId>, StoreError> {
        let Some(after) = self.everybody_after else {
            return Ok(self.ids.drain(..self.ids.len().min(CHUNK)).collect());
        };
        let (store, day) = (&ground.app.store, ground.options.day);
        let ids = store.clients_known_after(after, PAGE, day).await?;
        self.everybody_after = ids.last().copied();
        self.of_everybody = match self.everybody_after {
            Some(_) => self.of_everybody.saturating_sub(ids.len() as u64),
            None => 0,
        };
        Ok(ids)
    }
}

impl<'a> Walk<'a> {
    /// Finds who is to be looked at; `run` is the run that is being written, if one is.
    pub(super) async fn begin(
        ground: &'a Ground<'a>,
        run: Option<i64>,
    ) -> Result<Self, StoreError> {
        let frame = ground.frame();
        let candidates = scan::candidates(ground, run).await?;
        let mut ahead = Ahead {
            ids: candidates.ids.into(),
            ..Ahead::default()
        };
        if candidates.everybody {
            ahead.everybody_after = Some(ClientId(0));
            ahead.of_everybody = ground.app.store.clients().await?;
        }
        Ok(Self {
            ground,
            wanted: wanted(&frame),
            planner: Some(DayPlanner::new(frame)),
            looked_at: HashSet::new(),
            ahead,
            backlogs: candidates.backlogs,
            backlog: VecDeque::new(),
            counts: Vec::new(),
            newly_missed: 0,
        })
    }

    /// How many clients are still to be looked at, at most.
    pub(super) fn clients_left(&self) -> usize {
        let of_everybody = usize::try_from(self.ahead.of_everybody);
        of_everybody.unwrap_or(usize::MAX) + self.ahead.ids.len()
    }

    /// The next chunk of clients for whom something is to be done; `None` at the end of the day.
    ///
    /// The most valuable of the backlog come last, because they are known last.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<(ClientFacts, Decided)>>, StoreError> {
        while let Some(planner) = &mut self.planner {
            let ids = self.ahead.chunk(self.ground).await?;
            if ids.is_empty() {
                if self.look_further().await? {
                    continue;
                }
                self.end();
                break;
            }
            if self.backlogs.iter().any(Option::is_some) {
                self.looked_at.extend(&ids);
            }
            let frame = self.ground.frame();
            let mut chunk = Vec::new();
            for facts in self.ground.facts(&ids, self.wanted).await? {
                self.newly_missed += u32::from(missed_on(&facts) == Some(frame.day));
                let decided = planner.take(decide(&frame, &facts));
                if !decided.is_empty() {
                    chunk.push((facts, decided));
                }
            }
            if !chunk.is_empty() {
                return Ok(Some(chunk));
            }
        }
        self.next_of_backlog().await
    }

    /// Adds the next page of every backlog that has room left: those who spent most may all be
    /// people whom the campaign does not want. Says whether there is somebody more to look at.
    async fn look_further(&mut self) -> Result<bool, StoreError> {
        let frame = self.ground.frame();
        for (campaign, running) in frame.campaigns.iter().enumerate() {
            let has_room = |planner: &DayPlanner<'_>| planner.has_room_in_backlog(campaign);
            while self.ahead.ids.is_empty()
                && self.backlogs[campaign].is_some()
                && self.planner.as_ref().is_some_and(has_room)
            {
                let page = &mut self.backlogs[campaign];
                let found = scan::more_of_backlog(self.ground.app, &frame, running, page).await?;
                let new = found.into_iter().filter(|id| !self.looked_at.contains(id));
                self.ahead.ids.extend(new);
            }
        }
        Ok(!self.ahead.ids.is_empty())
    }

    fn end(&mut self) {
        if let Some(planner) = self.planner.take() {
            let (backlog, counts) = planner.finish();
            self.backlog = backlog.into();
            self.counts = counts;
        }
    }

    async fn next_of_backlog(&mut self) -> Result<Option<Vec<(ClientFacts, Decided)>>, StoreError> {
        let decided: Vec<Decided> = self
            .backlog
            .drain(..self.backlog.len().min(CHUNK))
            .collect();
        if decided.is_empty() {
            return Ok(None);
        }
        let ids: Vec<ClientId> = decided.iter().map(|one| one.client).collect();
        let facts = self.ground.facts(&ids, self.wanted).await?;
        let mut facts: HashMap<ClientId, ClientFacts> = facts
            .into_iter()
            .map(|facts| (facts.client.id, facts))
            .collect();
        let with_facts = |one: Decided| facts.remove(&one.client).map(|facts| (facts, one));
        Ok(Some(decided.into_iter().filter_map(with_facts).collect()))
    }

    /// How many of those who were looked at missed their cycle on the very day.
    pub(super) const fn newly_missed(&self) -> u32 {
        self.newly_missed
    }

    /// The counts of the day, once the walk is over.
    pub(super) fn into_counts(self) -> Vec<CampaignCounts> {
        self.counts
    }
}

fn missed_on(facts: &ClientFacts) -> Option<Day> {
    facts
        .rhythm
        .and_then(|(_, dates)| dates.reached_on(RhythmState::Missed))
}

impl Ground<'_> {
    /// The facts of some clients as of the day: what the database keeps, rewound where it knows
    /// more than was known then.
    pub(crate) async fn facts(
        &self,
        ids: &[ClientId],
        wanted: Wanted,
    ) -> Result<Vec<ClientFacts>, StoreError> {
        let day = self.options.day;
        let mut facts = self
            .app
            .store
            .facts(ids, day, wanted, &self.app.key)
            .await?;
        // Of the present day hardly anything is dated later; of a past one returns and
        // cancellations may be, beside purchases.
        let to_rewind: Vec<ClientId> = if self.options.as_of {
            self.app.store.clients_with_later_money(ids, day).await?
        } else {
            let ahead = facts
                .iter()
                .filter(|facts| facts.last_purchase().is_some_and(|last| last > day));
            ahead.map(|facts| facts.client.id).collect()
        };
        let histories = if to_rewind.is_empty() {
            Vec::new()
        } else {
            self.app.store.histories(&to_rewind, day).await?
        };
        let histories: HashMap<ClientId, History> = histories
            .into_iter()
            .map(|history| (history.client, history))
            .collect();
        let to_rewind: HashSet<ClientId> = to_rewind.into_iter().collect();
        for facts in &mut facts {
            if to_rewind.contains(&facts.client.id) {
                self.rewind(facts, histories.get(&facts.client.id));
            } else {
                self.refresh_dates(facts);
            }
        }
        Ok(facts)
    }

    fn rewind(&self, facts: &mut ClientFacts, history: Option<&History>) {
        let rhythm = history.and_then(|history| rhythm::of_sorted_days(history.purchase_days()));
        let totals = history
            .map(|history| history.totals(self.options.day))
            .unwrap_or_default();
        let base = &self.base.facts;
        let kind = base.kind_of(&facts.client);
        let dated = rhythm.map(|rhythm| (rhythm, base.dates(kind, &rhythm)));
        facts.rewind(dated, totals);
    }

    /// The stored dates may rest on other parameters of the base than this day does.
    fn refresh_dates(&self, facts: &mut ClientFacts) {
        if let Some((rhythm, dates)) = &mut facts.rhythm {
            let base = &self.base.facts;
            *dates = base.dates(base.kind_of(&facts.client), rhythm);
        }
    }
}

/// What the campaigns look at, so that nothing else is read.
pub(super) fn wanted(frame: &crate::rules::plan::Frame<'_>) -> Wanted {
    let mut wanted = Wanted::default();
    for running in frame.campaigns {
        let campaign = running.campaign;
        match campaign.trigger {
            Trigger::Purchase {} => wanted.purchases = true,
            Trigger::DealWon {}
            | Trigger::Rejection { .. }
            | Trigger::RejectionAnswered { .. }
            | Trigger::StalledDeal { .. } => wanted.deals = true,
            Trigger::FriendBought {} => wanted.friends = true,
            Trigger::VisitLapsed { .. } => {
                wanted.visits = true;
                wanted.deals = true;
            }
            Trigger::Handover { ref items, .. } => wanted.items |= !items.is_empty(),
            _ => {}
        }
        if campaign.goal.event == crate::config::campaign::GoalEvent::DealWon {
            wanted.deals = true;
        }
        wanted.seats |= campaign.steps.iter().any(|step| step.only.is_some());
        // A task tells which deals are open, and who is ready to buy comes first.
        wanted.deals |= campaign.steps.iter().any(|step| step.task.is_some());
        add_condition(&campaign.audience, &mut wanted);
    }
    wanted
}

fn add_condition(condition: &Condition, wanted: &mut Wanted) {
    wanted.purchases |= condition.turnover.is_some();
    wanted.items |= condition.hint.is_some() || condition.upsell.is_some();
    wanted.deals |= condition.open_deal.is_some() || condition.abc.is_some();
    wanted.seats |= condition.attended.is_some();
    for inner in condition.any.iter().flatten() {
        add_condition(inner, wanted);
    }
    if let Some(inner) = &condition.not {
        add_condition(inner, wanted);
    }
}
