//! From what is claimed to what has left: some make messages, others send them.
//!
//! Making is work for the processors, sending is mostly waiting. Whoever has a session should find a
//! processor as soon as the server has answered, and not behind a row of letters that are being made:
//! so a maker steps back after each, and there are as few of them as there are processors.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::thread::available_parallelism;

use futures::FutureExt;
use sha2::{Digest, Sha256};
use tokio::sync::{Mutex, mpsc};
use tokio::task::{JoinSet, yield_now};
use tracing::{error, warn};

use super::{Live, Order, Parcel};
use crate::db::{Claimed, Ending, Outlook, StoreError};
use crate::jobs::deliver::Version;
use crate::jobs::deliver::prepare::{Content, Prepared, prepare};
use crate::model::Channel;

/// A queue that several read.
type Queue<T> = Arc<Mutex<mpsc::Receiver<T>>>;

impl Live {
    /// Claims and sends until nothing is due, and waits until everybody has ended: how many messages
    /// were claimed, and what went wrong with the database.
    pub(super) async fn deliver_claimed(
        self: &Arc<Self>,
        channel: Channel,
    ) -> (u64, Option<StoreError>) {
        let sessions = self.sessions(channel);
        let (orders, to_make) = mpsc::channel(sessions);
        // Enough that nobody who has room for a letter waits for one.
        let (made, to_send) = mpsc::channel(sessions / 2 + 1);
        let mut hands = JoinSet::new();
        self.spawn_makers(&mut hands, channel, to_make, &made);
        self.spawn_senders(&mut hands, channel, sessions, to_send);
        drop(made);
        let (mut claimed, mut failed) = (0, None);
        while !self.stop.is_cancelled() {
            match self.feed(channel, sessions, &orders).await {
                Ok(0) => break,
                Ok(some) => claimed += some,
                Err(error) => {
                    failed = Some(error);
                    break;
                }
            }
        }
        drop(orders);
        while hands.join_next().await.is_some() {}
        self.ledger.flush().await;
        (claimed, failed)
    }

    fn spawn_makers(
        self: &Arc<Self>,
        hands: &mut JoinSet<()>,
        channel: Channel,
        to_make: mpsc::Receiver<Order>,
        made: &mpsc::Sender<Parcel>,
    ) {
        let to_make = Arc::new(Mutex::new(to_make));
        for _ in 0..available_parallelism().map_or(1, usize::from) {
            let (live, to_make, made) = (Arc::clone(self), Arc::clone(&to_make), made.clone());
            hands.spawn(async move {
                while let Some(order) = next(&to_make).await {
                    let parcel = unharmed(channel, live.make(channel, order)).await;
                    if let Some(parcel) = parcel.flatten() {
                        // The senders stay for as long as there is a maker.
                        let _ = made.send(parcel).await;
                    }
                    yield_now().await;
                }
            });
        }
    }

    fn spawn_senders(
        self: &Arc<Self>,
        hands: &mut JoinSet<()>,
        channel: Channel,
        sessions: usize,
        to_send: mpsc::Receiver<Parcel>,
    ) {
        let to_send = Arc::new(Mutex::new(to_send));
        for _ in 0..sessions {
            let (live, to_send) = (Arc::clone(self), Arc::clone(&to_send));
            hands.spawn(async move {
                while let Some(parcel) = next(&to_send).await {
                    unharmed(channel, live.send(channel, parcel)).await;
                }
            });
        }
    }

    /// Makes a message, unless there is to be no sending any more.
    async fn make(&self, channel: Channel, order: Order) -> Option<Parcel> {
        let claimed = order.claimed;
        if self.pauses(channel) {
            self.give_back(&[claimed.claim]).await;
            return None;
        }
        let (version, made_of) = match self.versions.of(&self.app, &claimed.due).await {
            Ok(found) => found,
            Err(error) => {
                warn!(message = claimed.claim.message, %error, "what a message is made of cannot be read");
                self.give_back(&[claimed.claim]).await;
                return None;
            }
        };
        match self.signed(&claimed, &made_of) {
            Ok(prepared) => Some(Parcel {
                claimed,
                digest: Sha256::digest(&prepared).into(),
                prepared,
                version,
                lease_ends: order.lease_ends,
            }),
            Err(reason) => {
                warn!(message = claimed.claim.message, %reason, "a message cannot be made");
                let outlook = Outlook::Failed { reason };
                let claim = claimed.claim;
                self.ledger.end(Ending { claim, outlook }).await;
                None
            }
        }
    }

    /// The bytes of a message, signed where letters are.
    fn signed(&self, claimed: &Claimed, made_of: &Version) -> Result<Prepared, String> {
        let mut prepared = prepare(&self.app, made_of, &claimed.due)?;
        if let (Some(signer), Content::Letter(letter)) = (&self.signer, &mut prepared.content) {
            let signed = signer.sign(&letter.bytes);
            letter.bytes = signed.map_err(|error| error.to_string())?;
        }
        Ok(prepared)
    }

    /// Sends a message, unless there is to be no sending any more.
    async fn send(&self, channel: Channel, parcel: Parcel) {
        if self.pauses(channel) {
            return self.give_back(&[parcel.claimed.claim]).await;
        }
        match channel {
            Channel::Email => self.send_letter(parcel).await,
            Channel::Whatsapp => self.send_nudge(parcel).await,
        }
    }
}

async fn next<T>(queue: &Queue<T>) -> Option<T> {
    queue.lock().await.recv().await
}

/// What came of the work on a message. When it panicked the message is settled by the reconciler, and
/// whoever worked goes on with the next one.
fn unharmed<T>(channel: Channel, work: impl Future<Output = T>) -> impl Future<Output = Option<T>> {
    let worked = AssertUnwindSafe(work).catch_unwind();
    worked.map(move |worked| {
        if worked.is_err() {
            error!(%channel, "the work on a message panicked; the message is settled later");
        }
        worked.ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn work_that_panics_takes_nobody_with_it() {
        let broken = async {
            tokio::task::yield_now().await;
            "nothing".parse::<u8>().unwrap()
        };
        assert_eq!(unharmed(Channel::Email, broken).await, None);
        assert_eq!(unharmed(Channel::Email, async { 7 }).await, Some(7));
    }
}
