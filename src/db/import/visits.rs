//! Taking up visits: they never change, they are only there or gone.

use super::super::Result;
use super::named::{Named, name};
use super::{Bulk, Merge};
use crate::config::settings::FactKind;
use crate::model::VisitFact;

impl Merge {
    /// Begins to take up visits.
    pub(super) async fn begin_visits(&mut self) -> Result<()> {
        self.raw_of(
            "CREATE TEMP TABLE listed_visits (
                 client_id INTEGER NOT NULL, day INTEGER NOT NULL, key TEXT NOT NULL,
                 PRIMARY KEY (client_id, day, key)
             ) WITHOUT ROWID",
            "CREATE TEMP TABLE listed_visits (
                 client_id BIGINT NOT NULL, day BIGINT NOT NULL, key TEXT COLLATE \"C\" NOT NULL,
                 PRIMARY KEY (client_id, day, key)
             ) ON COMMIT DROP",
        )
        .await?;
        self.open("SELECT count(*) FROM visits").await
    }

    /// Takes up visits, in the order of clients and days.
    pub(super) async fn visits(&mut self, batch: Vec<VisitFact>) -> Result<()> {
        let mut named = Named::new();
        for visit in &batch {
            name(&mut named, &visit.client, None);
        }
        let numbers = self.numbers(&named).await?;
        let mut listed = Bulk::new("listed_visits", "(?, ?, ?)", "");
        let mut rows = Bulk::new(
            "visits (client_id, day, key, page, source_id, first_import, last_import)",
            format!("(?, ?, ?, ?, {0}, {1}, {1})", self.source, self.import),
            "ON CONFLICT DO NOTHING",
        );
        for visit in batch {
            let client = numbers[&visit.client];
            let day = visit.day.epoch_days();
            if self.snapshot {
                listed.add(client).add(day).add(visit.key.as_str());
                listed.end_row(&mut self.tx).await?;
            }
            rows.add(client).add(day).add(visit.key).add(visit.page);
            rows.end_row(&mut self.tx).await?;
        }
        listed.flush(&mut self.tx).await?;
        self.written += rows.flush(&mut self.tx).await?;
        Ok(())
    }

    /// Deletes the visits that are gone from a snapshot.
    pub(super) async fn end_visits(&mut self) -> Result<()> {
        self.close(FactKind::Visits).await?;
        if self.snapshot {
            self.raw_of("", "ANALYZE listed_visits").await?;
            let gone = self
                .run(
                    "DELETE FROM visits WHERE source_id = $1 AND NOT EXISTS (
                         SELECT 1 FROM listed_visits l WHERE l.client_id = visits.client_id
                           AND l.day = visits.day AND l.key = visits.key)",
                )
                .await?;
            self.note_deleted(FactKind::Visits, gone);
        }
        Ok(())
    }
}
