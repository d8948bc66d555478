//! What the channels bear at the moment: their pace, and the rest of one that is out of order.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use tokio_util::sync::CancellationToken;

use crate::config::Settings;
use crate::model::Channel;
use crate::rules::delivery::breaker::Breaker;
use crate::rules::delivery::pace::{Pace, Turn};
use crate::rules::delivery::reaction::Measure;

/// How long a worker waits for its turn by itself; whoever has to wait longer goes back.
const SHORT: TimeDelta = TimeDelta::milliseconds(500);

/// Shorter waits are not worth a timer, which wakes up late by as much; they add up and are waited
/// for together.
const TOO_SHORT: TimeDelta = TimeDelta::milliseconds(2);

/// The conditions of all channels, shared by their workers.
#[derive(Debug)]
pub(super) struct Conditions(Mutex<Inner>);

#[derive(Debug)]
struct Inner {
    breakers: BTreeMap<Channel, Breaker>,
    /// Channels whose stop is written down: they rest until a person lifts it.
    stopped: BTreeSet<Channel>,
    channels: BTreeMap<Channel, Pace>,
    domains: Pace,
}

impl Conditions {
    pub(super) fn new(settings: &Settings) -> Self {
        let second = TimeDelta::seconds(1);
        let letters = Pace::new(settings.delivery.letters_per_second, second);
        let nudges = Pace::new(settings.whatsapp.per_second.into(), second);
        let domains = Pace::new(settings.delivery.letters_per_domain, TimeDelta::minutes(1));
        Self(Mutex::new(Inner {
            breakers: BTreeMap::new(),
            stopped: BTreeSet::new(),
            channels: BTreeMap::from([(Channel::Email, letters), (Channel::Whatsapp, nudges)]),
            domains,
        }))
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a channel rests for a while after faults.
    pub(super) fn rests(&self, channel: Channel, now: DateTime<Utc>) -> bool {
        let inner = self.inner();
        let breaker = inner.breakers.get(&channel);
        breaker.is_some_and(|breaker| breaker.rests_until(now).is_some())
    }

    /// Whether a channel rests until a person lifts its stop.
    pub(super) fn is_stopped(&self, channel: Channel) -> bool {
        self.inner().stopped.contains(&channel)
    }

    /// The stop of a channel is written down: the end of its rest is a person's word, not an hour.
    pub(super) fn stop_is_written(&self, channel: Channel) {
        let mut inner = self.inner();
        inner.stopped.insert(channel);
        inner.breakers.remove(&channel);
    }

    /// A person has lifted the stop of a channel.
    pub(super) fn stop_is_lifted(&self, channel: Channel) {
        self.inner().stopped.remove(&channel);
    }

    /// When a message may go at the earliest, where that is not at once.
    pub(super) fn not_before(
        &self,
        channel: Channel,
        message: i64,
        domain: &str,
        now: DateTime<Utc>,
    ) -> Option<DateTime<Utc>> {
        if channel != Channel::Email || domain.is_empty() {
            return None;
        }
        match self.inner().domains.turn(message, domain, now) {
            Turn::Now => None,
            Turn::At(at) => Some(at),
        }
    }

    /// Waits for the next turn on a channel.
    pub(super) async fn turn_on(
        &self,
        channel: Channel,
        now: DateTime<Utc>,
        stop: &CancellationToken,
    ) {
        let turn = {
            let mut inner = self.inner();
            let pace = inner.channels.get_mut(&channel);
            pace.map_or(Turn::Now, |pace| pace.next("", now))
        };
        if let Turn::At(at) = turn
            && at - now >= TOO_SHORT
        {
            let wait = (at - now).min(SHORT * 20).to_std().unwrap_or_default();
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = stop.cancelled() => {}
            }
        }
    }

    /// Does what an answer asks for, as far as it is about pace and rest.
    pub(super) fn heed(
        &self,
        channel: Channel,
        domain: &str,
        measure: Measure,
        now: DateTime<Utc>,
    ) {
        let mut inner = self.inner();
        match measure {
            Measure::CountAgainstChannel => inner.breakers.entry(channel).or_default().fault(now),
            // The gates will hold what comes; this holds what is past the first of them already,
            // until the stop is written.
            Measure::StopChannel => inner.breakers.entry(channel).or_default().open(now),
            Measure::SlowDomain => inner.domains.slow(domain, now),
            Measure::SlowChannel => {
                if let Some(pace) = inner.channels.get_mut(&channel) {
                    pace.slow("", now);
                }
            }
            _ => {}
        }
    }

    /// A message went through: the channel is in order.
    pub(super) fn went_through(&self, channel: Channel) {
        if let Some(breaker) = self.inner().breakers.get_mut(&channel) {
            breaker.success();
        }
    }
}
