//! Delivery to people.
//!
//! ```text
//! claim (and the gates, while they hold
//! something back) ── pace ──▶ makers: render, sign ──▶ senders, one for each session
//!                                                     │ offer it (up to the server's 354)
//!                                                     ▼
//!                                   ledger: many sessions, one transaction
//!                                     endings · gates · point of no return
//!                                                     │ commit
//!                                                     ▼
//!                                                  content ── answer ── ending
//! ```
//!
//! The tables are the truth: whoever dies here leaves messages that are given back, or called unknown
//! where content may have left: by the next start where one process delivers from a file, by any
//! other worker when the lease has ended in PostgreSQL. A process that was frozen or cut off for
//! longer than its lease finds that its claims are no longer its own, and sends nothing.

mod conditions;
mod ledger;
mod letters;
mod nudges;
mod outlook;
mod stages;

use std::panic::resume_unwind;
use std::sync::Arc;

use chrono::TimeDelta;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use tracing::{info, warn};

use super::notice::FrozenNotice;
use super::prepare::{FrozenList, Prepared, sender_domain};
use super::versions::Versions;
use super::{MANAGERS, OPERATOR};
use crate::app::App;
use crate::channels::dkim::{DkimError, Signer};
use crate::channels::smtp::{Pool, Server, ServerError};
use crate::channels::whatsapp::Api;
use crate::db::{Claim, ClaimOrder, Claimed, DueMessage, Reconciled, StoreError};
use crate::jobs::inputs::addresses;
use crate::model::Channel;
use crate::rules::delivery::clearance::Door;

use conditions::Conditions;
use ledger::Ledger;

/// How much longer than an attempt its lease must last: for our own work.
const MARGIN: TimeDelta = TimeDelta::seconds(30);

/// Everything that sends.
#[derive(Debug)]
pub struct Live {
    app: Arc<App>,
    /// One name a process start: what a process of another name has claimed is not ours.
    owner: String,
    letters: Option<Pool>,
    signer: Option<Signer>,
    nudges: Option<Api>,
    conditions: Conditions,
    versions: Versions,
    ledger: Ledger,
    stop: CancellationToken,
}

/// Why nothing can be sent to anybody.
#[derive(Debug, thiserror::Error)]
pub enum NotReady {
    /// The mail server.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// The signature of letters.
    #[error(transparent)]
    Signature(#[from] DkimError),
    /// The WhatsApp account.
    #[error("{0}")]
    WhatsApp(String),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A message that is due and that nothing stands in the way of.
#[derive(Debug)]
struct Order {
    claimed: Claimed,
    address: String,
    lease_ends: Instant,
}

/// A message on its way through this process.
#[derive(Debug)]
struct Parcel {
    claimed: Claimed,
    prepared: Prepared,
    /// SHA-256 of its bytes: taken before there is room for it, so that no session is held up.
    digest: [u8; 32],
    /// What it was made of, by its number.
    version: Option<i64>,
    /// Until when the message is ours, by a clock that nobody sets: not before the database thinks so.
    lease_ends: Instant,
}

impl Parcel {
    fn lease_has_ended(&self) -> bool {
        Instant::now() >= self.lease_ends
    }
}

impl AsRef<[u8]> for Parcel {
    fn as_ref(&self) -> &[u8] {
        self.prepared.as_ref()
    }
}

/// What one round of delivery has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Round {
    /// Messages that were taken in hand.
    pub claimed: u64,
}

impl Live {
    /// Makes everything ready to send, and takes over what a process that died has left. The caller
    /// holds the lock of delivery (`db::Lock`): from a file nobody else is sending.
    pub async fn start(
        app: Arc<App>,
        owner: String,
        stop: CancellationToken,
    ) -> Result<Self, NotReady> {
        let settings = &app.settings;
        let domain = sender_domain(&app);
        let dkim = settings.smtp.dkim.as_ref();
        let signer = dkim
            .map(|dkim| Signer::new(dkim, &app.home, &domain))
            .transpose()?;
        let letters = match &settings.smtp.host {
            Some(_) => {
                let server = Server::new(&settings.smtp, &app.home, &domain)?;
                Some(Pool::new(server, &settings.smtp))
            }
            None => None,
        };
        let nudges = nudges::account(&app).map_err(NotReady::WhatsApp)?;
        let left = app.store.take_over(&owner, app.now_ms()).await?;
        if !left.is_empty() {
            info!(?left, "took over what a process that is gone has left");
        }
        Ok(Self {
            conditions: Conditions::new(settings),
            versions: Versions::default(),
            ledger: Ledger::start(Arc::clone(&app), owner.clone()),
            app,
            owner,
            letters,
            signer,
            nudges,
            stop,
        })
    }

    /// Whether anything can leave on a channel.
    pub fn can_send(&self, channel: Channel) -> bool {
        match channel {
            Channel::Email => self.letters.is_some(),
            Channel::Whatsapp => self.nudges.is_some(),
        }
    }

    /// Puts right what dead workers and passing time have left.
    pub async fn reconcile(&self) -> Result<Reconciled, StoreError> {
        let after = self.app.settings.delivery.resend_after.duration();
        let after_ms = after.as_millis() as i64;
        let now_ms = self.app.now_ms();
        let store = &self.app.store;
        let settled = store.reconcile(&self.owner, now_ms, after_ms).await?;
        if !settled.is_empty() {
            info!(?settled, "put right");
        }
        if let Some(pool) = &self.letters {
            pool.tidy();
        }
        Ok(settled)
    }

    /// Sends what is due on a channel until nothing is, or until it is told to stop; what has not
    /// left by then is given back.
    pub async fn deliver_due(self: &Arc<Self>, channel: Channel) -> Result<Round, StoreError> {
        if !self.can_send(channel) {
            return Ok(Round::default());
        }
        // A task of its own: on the thread that waits for the whole program whoever hands messages over
        // would be woken by the system for each of them.
        let live = Arc::clone(self);
        let delivering = tokio::spawn(async move { live.deliver_all(channel).await });
        match AbortOnDropHandle::new(delivering).await {
            Ok(round) => round,
            Err(ended) => match ended.try_into_panic() {
                Ok(panic) => resume_unwind(panic),
                // The runtime ends, and whoever waits here with it.
                Err(_) => Ok(Round::default()),
            },
        }
    }

    async fn deliver_all(self: &Arc<Self>, channel: Channel) -> Result<Round, StoreError> {
        let mut round = Round::default();
        // What the last workers have given back is due again when they have ended.
        loop {
            let (claimed, failed) = self.deliver_claimed(channel).await;
            round.claimed += claimed;
            match failed {
                Some(error) => return Err(error),
                None if claimed == 0 => return Ok(round),
                None => {}
            }
        }
    }

    /// How long a claimed message may wait for its turn and for the server's 354.
    fn waiting(&self) -> TimeDelta {
        let waiting = self.app.settings.delivery.take_over_after.duration();
        TimeDelta::from_std(waiting).unwrap_or(TimeDelta::MAX)
    }

    /// How long an attempt may take from the point of no return on: its lease must last as long.
    fn longest(&self, channel: Channel) -> TimeDelta {
        let settings = &self.app.settings;
        let longest = match channel {
            Channel::Email => {
                let deadlines = &settings.smtp.deadlines;
                deadlines.content.duration() + deadlines.end_of_data.duration()
            }
            Channel::Whatsapp => settings.whatsapp.timeout.duration(),
        };
        TimeDelta::from_std(longest).unwrap_or_default() + MARGIN.min(self.waiting() / 4)
    }

    fn sessions(&self, channel: Channel) -> usize {
        match channel {
            Channel::Email => usize::from(self.app.settings.smtp.connections),
            Channel::Whatsapp => nudges::AT_ONCE,
        }
    }

    /// Whether nothing is to leave on a channel at this moment.
    fn pauses(&self, channel: Channel) -> bool {
        self.conditions.rests(channel, self.app.clock.now())
            || self.conditions.is_stopped(channel)
            || self.stop.is_cancelled()
    }

    /// Claims some messages and hands over those that may go; returns how many it
    /// claimed.
    async fn feed(
        &self,
        channel: Channel,
        sessions: usize,
        queue: &mpsc::Sender<Order>,
    ) -> Result<u64, StoreError> {
        if self.conditions.rests(channel, self.app.clock.now()) {
            return Ok(0);
        }
        // While the stop is there the gates hold what is claimed, and say why.
        if self.conditions.is_stopped(channel)
            && !self.app.store.channel_is_stopped(channel).await?
        {
            self.conditions.stop_is_lifted(channel);
        }
        let lease = self.waiting() + self.longest(channel);
        let lease_ends = Instant::now() + lease.to_std().unwrap_or_default();
        let order = ClaimOrder {
            channel,
            limit: (sessions * 4).clamp(4, 512) as u32,
            owner: &self.owner,
            now_ms: self.app.now_ms(),
            lease_ms: lease.num_milliseconds(),
            // In the quiet hours nothing should be made that waits for the morning; at other times the
            // door is asked soon enough.
            gates: self.ledger.takes_held_back(),
        };
        let claims = self
            .app
            .store
            .claim(&order, &self.door(), address_of)
            .await?;
        if claims.count > 0 {
            crash_point!("claimed");
        }
        if claims.hindered > 0 {
            self.ledger.note_held_back();
        }
        let mut left = claims.through.into_iter();
        while let Some((claimed, address)) = left.next() {
            if self.stop.is_cancelled() {
                let claims: Vec<Claim> = std::iter::once(&claimed)
                    .chain(left.as_slice().iter().map(|(claimed, _)| claimed))
                    .map(|one| one.claim)
                    .collect();
                self.give_back(&claims).await;
                break;
            }
            let order = Order {
                claimed,
                address,
                lease_ends,
            };
            self.hand_over(channel, order, queue).await?;
        }
        Ok(claims.count)
    }

    /// Hands a message over when it is its turn.
    async fn hand_over(
        &self,
        channel: Channel,
        order: Order,
        queue: &mpsc::Sender<Order>,
    ) -> Result<(), StoreError> {
        let now = self.app.clock.now();
        let (claim, domain) = (order.claimed.claim, domain_of(&order.address));
        if let Some(at) = self
            .conditions
            .not_before(channel, claim.message, &domain, now)
        {
            // Rounded up: a turn within this millisecond would be asked for again and again.
            let (until, now) = (at.timestamp_millis() + 1, now.timestamp_millis());
            let store = &self.app.store;
            return store.put_off(claim, until, &self.owner, now).await;
        }
        self.conditions.turn_on(channel, now, &self.stop).await;
        // The queue is short: whoever feeds waits for those who make and send.
        let _ = queue.send(order).await;
        Ok(())
    }

    async fn give_back(&self, claims: &[Claim]) {
        // What is given back is due at once: let the gates say whether it has to wait.
        self.ledger.note_held_back();
        let given = self
            .app
            .store
            .give_back(claims, &self.owner, self.app.now_ms());
        if let Err(error) = given.await {
            // Nothing is lost: the lease runs out, or the next start gives them back.
            warn!(%error, "messages could not be given back");
        }
    }

    fn door(&self) -> Door<'_> {
        Door {
            settings: &self.app.settings,
            campaigns: &self.app.campaigns,
            now: self.app.clock.now(),
        }
    }

    /// Writes what is still to be written and says goodbye to the servers, when nothing is sent any
    /// more.
    pub async fn close(&self) {
        self.ledger.flush().await;
        if let Some(pool) = &self.letters {
            pool.close().await;
        }
    }
}

/// The address that a message goes to, as it was frozen.
fn address_of(due: &DueMessage) -> String {
    let address = if due.campaign == MANAGERS {
        let list = serde_json::from_str::<FrozenList>(&due.inputs);
        list.map(|list| list.address).ok()
    } else if due.campaign == OPERATOR {
        let notice = serde_json::from_str::<FrozenNotice>(&due.inputs);
        notice.map(|notice| notice.address).ok()
    } else {
        addresses(&due.inputs).and_then(|client| match due.channel {
            Channel::Email => client.email,
            Channel::Whatsapp => client.phone,
        })
    };
    address.unwrap_or_default()
}

/// The domain of an address; nothing for a phone.
fn domain_of(address: &str) -> String {
    let domain = address.rsplit_once('@').map(|(_, domain)| domain);
    domain.unwrap_or_default().to_lowercase()
}
