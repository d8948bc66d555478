//! Taking up consents and suppressions. Neither is ever deleted: what a client once forbade holds
//! until he allows it again.

use super::super::Result;
use super::named::{Named, name};
use super::{Bulk, Merge};
use crate::model::{ConsentFact, Day, SuppressionFact};

impl Merge {
    /// Takes up consents, in the order of their clients.
    pub(super) async fn consents(&mut self, batch: Vec<ConsentFact>) -> Result<()> {
        let mut named = Named::new();
        for consent in &batch {
            name(&mut named, &consent.client, None);
        }
        let numbers = self.numbers(&named).await?;
        let mut rows = Bulk::changing(
            "consents (client_id, channel, class, basis, given_on, withdrawn_on, proof, source_id,
                       first_import, last_import)",
            format!(
                "(?, ?, ?, ?, ?, ?, ?, {0}, {1}, {1})",
                self.source, self.import
            ),
            &[0, 1, 2, 4],
            "ON CONFLICT (client_id, channel, class, source_id, coalesce(given_on, -1000000))
             DO UPDATE SET
                 basis = excluded.basis, proof = coalesce(excluded.proof, consents.proof),
                 withdrawn_on = coalesce(consents.withdrawn_on, excluded.withdrawn_on),
                 last_import = excluded.last_import
             WHERE (consents.basis, consents.proof, consents.withdrawn_on)
                 IS DISTINCT FROM (excluded.basis, coalesce(excluded.proof, consents.proof),
                 coalesce(consents.withdrawn_on, excluded.withdrawn_on))",
        );
        for consent in batch {
            rows.add(numbers[&consent.client])
                .add(consent.channel.word());
            rows.add(consent.class.word()).add(consent.basis.word());
            rows.add(consent.given.map(Day::epoch_days));
            rows.add(consent.withdrawn.map(Day::epoch_days));
            rows.add(consent.proof).end_row(&mut self.tx).await?;
        }
        self.written += rows.flush(&mut self.tx).await?;
        Ok(())
    }

    /// Takes up suppressions; the address itself is not kept.
    pub(super) async fn suppressions(&mut self, batch: Vec<SuppressionFact>) -> Result<()> {
        let mut rows = Bulk::changing(
            "suppressions (address_hash, channel, scope, reason, since, source)",
            format!(
                "(?, ?, ?, ?, ?, (SELECT 'import of ' || name FROM sources WHERE id = {}))",
                self.source
            ),
            &[0, 1, 2],
            "ON CONFLICT (address_hash, channel, scope) DO UPDATE SET since = excluded.since
             WHERE excluded.since < suppressions.since",
        );
        for fact in batch {
            let hash = self.key.hash(fact.channel, &fact.address);
            rows.add(hash.to_vec()).add(fact.channel.word());
            rows.add(fact.scope.word()).add(fact.reason.word());
            rows.add(fact.since.unwrap_or(self.day).epoch_days());
            rows.end_row(&mut self.tx).await?;
        }
        self.written += rows.flush(&mut self.tx).await?;
        Ok(())
    }
}
