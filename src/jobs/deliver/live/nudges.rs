//! One WhatsApp message as one request.

use super::outlook::{Setback, stood_still};
use super::{Live, Parcel};
use crate::app::App;
use crate::channels::whatsapp::Api;
use crate::db::{Asking, Ending, Outlook};
use crate::model::Channel;
use crate::rules::delivery::clearance::Cleared;

/// How many requests are under way at once.
pub(super) const AT_ONCE: usize = 8;

/// The account that nudges leave through, where one is configured.
pub(super) fn account(app: &App) -> Result<Option<Api>, String> {
    let settings = &app.settings.whatsapp;
    if settings.phone_number_id.is_none() {
        return Ok(None);
    }
    let token = settings
        .token(&app.home)
        .map_err(|error| error.to_string())?;
    let api = Api::new(settings, &token).map_err(|error| error.to_string())?;
    Ok(Some(api))
}

impl Live {
    /// Sends a nudge; whatever happens, its ending is recorded, or the reconciler settles it.
    ///
    /// There is nothing to be agreed on beforehand: the request is the content, so the point of no
    /// return lies before the connection.
    pub(super) async fn send_nudge(&self, parcel: Parcel) {
        let Some(api) = &self.nudges else { return };
        let _under_way = self.ledger.under_way();
        let asking = Asking {
            claim: parcel.claimed.claim,
            address: parcel.prepared.address.clone(),
            content: parcel.digest,
            version: parcel.version,
            needs_ms: self.longest(Channel::Whatsapp).num_milliseconds(),
            message: parcel,
        };
        if let Some(cleared) = self.ledger.pass(asking, self.soon_ms()).await {
            self.request(api, cleared).await;
        }
    }

    async fn request(&self, api: &Api, cleared: Cleared<Parcel>) {
        crash_point!("before-content");
        if cleared.message().lease_has_ended() {
            return self.put_aside(&cleared.into_message(), stood_still()).await;
        }
        let sent = api.send(&cleared).await;
        crash_point!("answered");
        let parcel = cleared.into_message();
        match sent {
            Ok(taken) => {
                let receipt = match &taken.held {
                    None => taken.wamid.clone(),
                    Some(held) => format!("{} (held: {held:?})", taken.wamid),
                };
                let outlook = Outlook::Accepted {
                    receipt,
                    provider_id: Some(taken.wamid),
                };
                let claim = parcel.claimed.claim;
                self.ledger.end(Ending { claim, outlook }).await;
                self.conditions.went_through(Channel::Whatsapp);
            }
            Err(trouble) => {
                let setback = Setback {
                    reaction: trouble.reaction,
                    passed: true,
                    what: trouble.what,
                    wait: trouble.retry_after,
                };
                self.put_aside(&parcel, setback).await;
            }
        }
    }
}
