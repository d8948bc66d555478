//! One letter over one session.

use super::outlook::{Setback, stood_still};
use super::{Live, Parcel};
use crate::channels::smtp::{Envelope, Pooled, Trouble};
use crate::db::{Asking, Ending, Outlook};
use crate::jobs::deliver::prepare::Content;
use crate::model::Channel;
use crate::rules::delivery::clearance::Cleared;
use crate::rules::delivery::reaction::{Fate, Reaction};
use crate::rules::delivery::return_path::{self, id_of};

impl Live {
    /// Sends a letter; whatever happens, its ending is recorded, or the reconciler settles it.
    pub(super) async fn send_letter(&self, parcel: Parcel) {
        let Some(pool) = &self.letters else { return };
        let Some(envelope) = self.envelope(&parcel) else {
            let failed = setback(Fate::Failed, "the address cannot be written to");
            return self.put_aside(&parcel, failed).await;
        };
        let room = match pool.room().await {
            Ok(room) => room,
            Err(trouble) => return self.put_aside(&parcel, before(&trouble)).await,
        };
        let _under_way = self.ledger.under_way();
        // What happened while the letter waited for room: others may have found the server down.
        if self.pauses(Channel::Email) {
            return self.give_back(&[parcel.claimed.claim]).await;
        }
        let mut session = match pool.take(room).await {
            Ok(session) => session,
            Err(none) => return self.put_aside(&parcel, before(&none.trouble)).await,
        };
        if let Err(trouble) = session.offer(&envelope).await {
            self.put_aside(&parcel, before(&trouble)).await;
            // A refused recipient leaves the connection good; anything else does not.
            if session.reset().await.is_ok() {
                session.park().await;
            }
            return;
        }
        crash_point!("offered");
        let asking = self.asking(parcel);
        match self.ledger.pass(asking, self.soon_ms()).await {
            Some(cleared) => self.hand_in(session, cleared).await,
            None => session.abandon(),
        }
    }

    fn asking(&self, parcel: Parcel) -> Asking<Parcel> {
        Asking {
            claim: parcel.claimed.claim,
            address: parcel.prepared.address.clone(),
            content: parcel.digest,
            version: parcel.version,
            needs_ms: self.longest(Channel::Email).num_milliseconds(),
            message: parcel,
        }
    }

    /// Where a letter goes, and where it comes back to when it cannot be delivered: an address of
    /// its own, where the configuration has a domain for that.
    fn envelope(&self, parcel: &Parcel) -> Option<Envelope> {
        let Content::Letter(letter) = &parcel.prepared.content else {
            return None;
        };
        let number = id_of(parcel.claimed.claim.message);
        let back = match &self.app.settings.smtp.bounce_domain {
            Some(domain) => return_path::make(&self.app.key, number, domain),
            None => letter.from.clone(),
        };
        let mut envelope = Envelope::new(&back, &letter.to)?;
        envelope.id = Some(parcel.prepared.key.clone());
        envelope.size = Some(letter.bytes.len());
        Some(envelope)
    }

    /// Past the point of no return: the content, and the answer to it.
    async fn hand_in(&self, mut session: Pooled, cleared: Cleared<Parcel>) {
        crash_point!("before-content");
        if cleared.message().lease_has_ended() {
            session.abandon();
            return self.put_aside(&cleared.into_message(), stood_still()).await;
        }
        let sent = session.transmit(&cleared).await;
        crash_point!("answered");
        let parcel = cleared.into_message();
        match sent {
            Ok(accepted) => {
                let outlook = Outlook::Accepted {
                    receipt: accepted.reply.to_string(),
                    provider_id: None,
                };
                let claim = parcel.claimed.claim;
                self.ledger.end(Ending { claim, outlook }).await;
                self.conditions.went_through(Channel::Email);
            }
            Err(trouble) => {
                let after = Setback {
                    passed: true,
                    ..before(&trouble)
                };
                self.put_aside(&parcel, after).await;
            }
        }
        session.park().await;
    }
}

/// A setback before the point of no return.
fn before(trouble: &Trouble) -> Setback {
    Setback {
        reaction: trouble.reaction,
        passed: false,
        what: trouble.to_string(),
        wait: None,
    }
}

fn setback(fate: Fate, what: &str) -> Setback {
    Setback {
        reaction: Reaction::only(fate),
        passed: false,
        what: what.to_owned(),
        wait: None,
    }
}
