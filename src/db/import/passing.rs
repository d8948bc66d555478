//! The rhythms of a source's first purchases, computed while these pass by.
//!
//! Purchases come in the order of clients and days, and before the first ones of a source none of its
//! clients has any: what has passed by when the client changes is all that he has bought. Should a row
//! be taken back or a client be merged before the import is finished, that is noted as ever, and his
//! purchases are read again.

use super::super::Result;
use super::super::rhythms::{EVERYTHING, NOTHING, Passing};
use super::Bulk;
use crate::db::sql::Connection;
use crate::model::Day;

/// Purchases on their way into the table.
pub(super) struct PassingBy {
    client: Option<i64>,
    so_far: Passing,
    /// Kept over all batches: a client may end in the next one.
    rows: Bulk,
}

impl Default for PassingBy {
    fn default() -> Self {
        let rows = Bulk::changing(
            "stale_rhythms (client_id, from_day, turnover, spent, last_day, rhythm)",
            "(?, ?, 0, 0, ?, ?)",
            &[0],
            // Who is stale already has a story that is not told here.
            "ON CONFLICT (client_id) DO UPDATE SET from_day = -1000000",
        );
        Self {
            client: None,
            so_far: Passing::default(),
            rows,
        }
    }
}

impl PassingBy {
    /// Adds the next purchase: client, day and amount.
    pub(super) async fn add(
        &mut self,
        connection: &mut Connection,
        (client, day, amount): (i64, Day, i64),
    ) -> Result<()> {
        if self.client != Some(client) {
            self.end_client(connection).await?;
            self.client = Some(client);
        }
        self.so_far.add(day, amount);
        Ok(())
    }

    async fn end_client(&mut self, connection: &mut Connection) -> Result<()> {
        let Some(client) = self.client.take() else {
            return Ok(());
        };
        let kept = std::mem::take(&mut self.so_far).kept();
        let from_day = if kept.is_some() { NOTHING } else { EVERYTHING };
        let last_day = kept.map(|kept| kept.rhythm.last.epoch_days());
        self.rows.add(client).add(from_day);
        self.rows
            .add(last_day)
            .add(kept.map(|kept| kept.to_bytes().to_vec()));
        self.rows.end_row(connection).await
    }

    /// Writes what waits: the last client has ended too.
    pub(super) async fn finish(mut self, connection: &mut Connection) -> Result<()> {
        self.end_client(connection).await?;
        self.rows.flush(connection).await?;
        Ok(())
    }
}
