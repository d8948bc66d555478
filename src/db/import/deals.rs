//! Taking up deals, and the stages that they were seen in.

use super::super::Result;
use super::named::{Named, name};
use super::{Bulk, Merge};
use crate::config::settings::FactKind;
use crate::model::{Day, DealFact};

const UPSERT: &str = "
    ON CONFLICT (source_id, ext_id) DO UPDATE SET
        client_id = excluded.client_id, title = excluded.title, status = excluded.status,
        stage = excluded.stage, amount = excluded.amount, opened_on = excluded.opened_on,
        closed_on = excluded.closed_on, changed_on = excluded.changed_on, reason = excluded.reason,
        need = excluded.need, money = excluded.money, urgency = excluded.urgency,
        manager = excluded.manager, last_import = excluded.last_import
    WHERE (deals.client_id, deals.title, deals.status, deals.stage, deals.amount, deals.opened_on,
           deals.closed_on, deals.changed_on, deals.reason, deals.need, deals.money, deals.urgency,
           deals.manager)
       IS DISTINCT FROM (excluded.client_id, excluded.title, excluded.status, excluded.stage,
           excluded.amount, excluded.opened_on, excluded.closed_on, excluded.changed_on,
           excluded.reason, excluded.need, excluded.money, excluded.urgency, excluded.manager)";

impl Merge {
    /// Begins to take up deals.
    pub(super) async fn begin_deals(&mut self) -> Result<()> {
        self.raw_of(
            "CREATE TEMP TABLE listed_deals (ext_id TEXT PRIMARY KEY) WITHOUT ROWID",
            "CREATE TEMP TABLE listed_deals (ext_id TEXT COLLATE \"C\" PRIMARY KEY) ON COMMIT DROP",
        )
        .await?;
        self.open("SELECT count(*) FROM deals").await
    }

    /// Takes up deals, in the order of their ids.
    pub(super) async fn deals(&mut self, batch: Vec<DealFact>) -> Result<()> {
        let mut named = Named::new();
        for deal in &batch {
            name(&mut named, &deal.client, deal.hint.as_deref());
        }
        let numbers = self.numbers(&named).await?;
        let mut listed = Bulk::new("listed_deals", "(?)", "");
        let mut rows = Bulk::changing(
            "deals (source_id, client_id, ext_id, title, status, stage, amount, opened_on, closed_on,
                 changed_on, reason, need, money, urgency, manager, first_import, last_import)",
            format!(
                "({0}, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, {1}, {1})",
                self.source, self.import
            ),
            &[1],
            UPSERT,
        );
        for deal in batch {
            listed.add(deal.id.as_str()).end_row(&mut self.tx).await?;
            rows.add(numbers[&deal.client]).add(deal.id).add(deal.title);
            rows.add(deal.status.word())
                .add(deal.stage)
                .add(deal.amount);
            for day in [deal.opened, deal.closed, deal.changed] {
                rows.add(day.map(Day::epoch_days));
            }
            rows.add(deal.reason);
            rows.add(deal.need).add(deal.money).add(deal.urgency);
            rows.add(deal.manager).end_row(&mut self.tx).await?;
        }
        listed.flush(&mut self.tx).await?;
        self.written += rows.flush(&mut self.tx).await?;
        Ok(())
    }

    /// Writes down the stages that are new, and deletes the deals that are gone from a snapshot.
    ///
    /// A stage is dated by the closing or the last change that the source names; of a deal that is
    /// seen for the first time nothing better is known than the day it was opened.
    pub(super) async fn end_deals(&mut self) -> Result<()> {
        self.close(FactKind::Deals).await?;
        self.run(
            "INSERT INTO deal_stages (deal_id, day, stage)
             SELECT id, coalesce(closed_on, changed_on,
                                 CASE WHEN first_import = $2 THEN opened_on END, $3), stage
             FROM deals
             WHERE source_id = $1 AND last_import = $2 AND stage IS NOT NULL
               AND stage IS DISTINCT FROM (SELECT s.stage FROM deal_stages s WHERE s.deal_id = deals.id
                                 ORDER BY s.day DESC LIMIT 1)
             ON CONFLICT DO NOTHING",
        )
        .await?;
        if self.snapshot {
            self.run(
                "DELETE FROM deal_stages WHERE deal_id IN (
                     SELECT id FROM deals WHERE source_id = $1 AND NOT EXISTS (
                         SELECT 1 FROM listed_deals l WHERE l.ext_id = deals.ext_id))",
            )
            .await?;
            let gone = self
                .run(
                    "DELETE FROM deals WHERE source_id = $1 AND NOT EXISTS (
                         SELECT 1 FROM listed_deals l WHERE l.ext_id = deals.ext_id)",
                )
                .await?;
            self.note_deleted(FactKind::Deals, gone);
        }
        Ok(())
    }
}
