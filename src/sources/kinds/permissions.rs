//! Rows of `consents.csv` and `suppressions.csv`: what clients allow and what they forbid.

use super::super::cells::{Cells, bad_row};
use super::super::header::{Header, Slot};
use super::super::rejects::BadRow;
use super::super::values::{self, BadValue};
use super::Rows;
use crate::model::{Channel, ConsentBasis, ConsentFact, SuppressionFact, SuppressionReason};

/// The columns of a file of consents.
pub(in crate::sources) struct ConsentRows {
    client: Slot,
    channel: Slot,
    class: Slot,
    basis: Slot,
    given: Slot,
    withdrawn: Slot,
    proof: Slot,
}

impl Rows for ConsentRows {
    type Fact = ConsentFact;

    fn of(header: &Header) -> Self {
        Self {
            client: header.slot("client"),
            channel: header.slot("channel"),
            class: header.slot("class"),
            basis: header.slot("basis"),
            given: header.slot("given"),
            withdrawn: header.slot("withdrawn"),
            proof: header.slot("proof"),
        }
    }

    /// Reads a consent.
    ///
    /// All that is stated must be right: a consent that was misread lets a letter go out that
    /// nobody agreed to.
    fn read(&self, cells: &mut Cells<'_>) -> Result<Option<ConsentFact>, BadRow> {
        let ground = cells.ground;
        let basis = cells.right_if_any(&self.basis, values::basis)?;
        Ok(Some(ConsentFact {
            client: cells.required(&self.client, values::id)?,
            channel: cells.required(&self.channel, values::channel)?,
            class: cells
                .right_if_any(&self.class, values::class)?
                .unwrap_or_default(),
            basis: basis.unwrap_or(ConsentBasis::Consent),
            given: cells.right_if_any(&self.given, |raw| ground.past_day(raw))?,
            withdrawn: cells.right_if_any(&self.withdrawn, |raw| ground.past_day(raw))?,
            proof: cells.optional_text(&self.proof),
        }))
    }
}

/// The columns of a file of suppressions.
pub(in crate::sources) struct SuppressionRows {
    email: Slot,
    phone: Slot,
    address: Slot,
    channel: Slot,
    scope: Slot,
    reason: Slot,
    since: Slot,
}

impl Rows for SuppressionRows {
    /// A row may suppress an e-mail address and a phone number.
    type Fact = Vec<SuppressionFact>;

    fn of(header: &Header) -> Self {
        Self {
            email: header.slot("email"),
            phone: header.slot("phone"),
            address: header.slot("address"),
            channel: header.slot("channel"),
            scope: header.slot("scope"),
            reason: header.slot("reason"),
            since: header.slot("since"),
        }
    }

    /// Reads a suppression.
    ///
    /// A doubtful scope, reason or day is left out and the address is suppressed all the same; a
    /// bad address costs the row, as there is nothing left to suppress.
    fn read(&self, cells: &mut Cells<'_>) -> Result<Option<Vec<SuppressionFact>>, BadRow> {
        let ground = cells.ground;
        let phone = |raw: &str| values::phone(raw, &ground.country);
        let mut addresses = Vec::new();
        if let Some(email) = cells.right_if_any(&self.email, values::email)? {
            addresses.push((Channel::Email, email));
        }
        if let Some(phone) = cells.right_if_any(&self.phone, phone)? {
            addresses.push((Channel::Whatsapp, phone));
        }
        let either = |raw: &str| {
            if raw.contains('@') {
                values::email(raw).map(|email| (Channel::Email, email))
            } else {
                phone(raw).map(|phone| (Channel::Whatsapp, phone))
            }
        };
        addresses.extend(cells.right_if_any(&self.address, either)?);
        let channel = cells.right_if_any(&self.channel, values::channel)?;
        addresses.retain(|(of_address, _)| channel.is_none_or(|channel| channel == *of_address));
        if addresses.is_empty() {
            let slot = [&self.email, &self.phone, &self.address]
                .into_iter()
                .find(|slot| slot.is_there())
                .unwrap_or(&self.address);
            let bad = BadValue::new(
                "holds no address of the channel",
                "give an e-mail address or a phone number",
            );
            return Err(bad_row(slot, "", bad));
        }
        let scope = cells
            .optional(&self.scope, values::scope)
            .unwrap_or_default();
        let reason = cells.optional(&self.reason, values::suppression_reason);
        let since = cells.optional(&self.since, |raw| ground.past_day(raw));
        let facts = addresses
            .into_iter()
            .map(|(channel, address)| SuppressionFact {
                channel,
                address,
                scope,
                reason: reason.unwrap_or(SuppressionReason::Manual),
                since,
            });
        Ok(Some(facts.collect()))
    }
}
