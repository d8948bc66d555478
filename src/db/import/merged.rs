//! Merged clients: what a source says about a second card counts for the client who stays.
//!
//! While facts are taken up, every fact stands under the client whom its row names: rows are
//! compared with rows. Before that the merges of the last import are undone, afterwards those that
//! hold now are done. So it does not matter how often it happens, and a column that is emptied
//! gives everybody back what is his. The story of the past stays where it is.

use super::super::Result;
use super::Merge;
use crate::db::sql;

/// Whose rhythm has to be looked at again: both sides of every merge.
const BOTH_ARE_STALE: &str = "
    INSERT INTO stale_rhythms (client_id, from_day, turnover, spent)
    SELECT id, -1000000, 0, 0 FROM clients WHERE source_id = $1 AND master_id IS NOT NULL
    UNION
    SELECT master_id, -1000000, 0, 0 FROM clients WHERE source_id = $1 AND master_id IS NOT NULL
    ON CONFLICT (client_id) DO UPDATE SET from_day = excluded.from_day";

/// Gives rows back to the clients whom they name. A key that is a number of identical rows carries
/// the number of the client as long as the row stands elsewhere.
const SEPARATE: [&str; 5] = [
    "UPDATE purchase_items SET
         client_id = p.named_id,
         key = CASE WHEN p.key LIKE '~%'
                    THEN substr(p.key, 1, length(p.key) - length('~c' || p.named_id))
                    ELSE p.key END
     FROM purchases p
     WHERE p.client_id IN (SELECT master_id FROM clients WHERE master_id IS NOT NULL
                           AND source_id = $1)
       AND p.named_id IS NOT NULL AND purchase_items.client_id = p.client_id
       AND purchase_items.day = p.day AND purchase_items.source_id = p.source_id
       AND purchase_items.key = p.key",
    "UPDATE purchases SET
         client_id = named_id, named_id = NULL,
         key = CASE WHEN key LIKE '~%'
                    THEN substr(key, 1, length(key) - length('~c' || named_id)) ELSE key END
     WHERE client_id IN (SELECT master_id FROM clients WHERE master_id IS NOT NULL
                         AND source_id = $1)
       AND named_id IS NOT NULL",
    "UPDATE visits SET
         client_id = named_id, named_id = NULL,
         key = substr(key, 1, length(key) - length('~c' || named_id))
     WHERE client_id IN (SELECT master_id FROM clients WHERE master_id IS NOT NULL
                         AND source_id = $1)
       AND named_id IS NOT NULL",
    "UPDATE deals SET client_id = named_id, named_id = NULL
     WHERE client_id IN (SELECT master_id FROM clients WHERE master_id IS NOT NULL
                         AND source_id = $1)
       AND named_id IS NOT NULL",
    "UPDATE clients SET master_id = NULL WHERE source_id = $1 AND master_id IS NOT NULL",
];

/// Which merges hold: into a client who is known and stands for himself.
const RESOLVE: &str = "
    UPDATE clients SET master_id = m.id FROM clients m
    WHERE clients.source_id = $1 AND clients.merged_into IS NOT NULL
      AND clients.deleted_on IS NULL
      AND m.source_id = $1 AND m.ext_id = clients.merged_into
      AND m.merged_into IS NULL AND m.deleted_on IS NULL";

/// Lets rows count for the client who stays.
const UNITE: [&str; 4] = [
    "UPDATE purchase_items SET
         client_id = c.master_id,
         key = CASE WHEN key LIKE '~%' THEN key || '~c' || c.id ELSE key END
     FROM clients c
     WHERE c.source_id = $1 AND c.master_id IS NOT NULL AND purchase_items.client_id = c.id",
    "UPDATE purchases SET
         client_id = c.master_id, named_id = c.id,
         key = CASE WHEN key LIKE '~%' THEN key || '~c' || c.id ELSE key END
     FROM clients c
     WHERE c.source_id = $1 AND c.master_id IS NOT NULL AND purchases.client_id = c.id",
    "UPDATE visits SET client_id = c.master_id, named_id = c.id, key = key || '~c' || c.id
     FROM clients c
     WHERE c.source_id = $1 AND c.master_id IS NOT NULL AND visits.client_id = c.id",
    "UPDATE deals SET client_id = c.master_id, named_id = c.id
     FROM clients c
     WHERE c.source_id = $1 AND c.master_id IS NOT NULL AND deals.client_id = c.id",
];

/// Nobody is written to or called under a card that is no longer used. An enrollment is closed by
/// the run that it began in, which is over.
const CLOSE: [&str; 3] = [
    "UPDATE messages SET state = 'cancelled', reason = 'the client has been merged into another one',
            changed_by = 'import', changed_at = (SELECT started_at FROM imports WHERE id = $2)
     WHERE state IN ('planned', 'queued', 'retry', 'held') AND client_id IN (
         SELECT id FROM clients WHERE source_id = $1 AND master_id IS NOT NULL)",
    "UPDATE tasks SET state = 'cancelled', closed_on = $3, closed_by = 'merged'
     WHERE state IN ('waiting', 'open') AND client_id IN (
         SELECT id FROM clients WHERE source_id = $1 AND master_id IS NOT NULL)",
    "UPDATE enrollments SET closed_on = $3, closed_by = 'merged', closed_run = run_id
     WHERE closed_on IS NULL AND client_id IN (
         SELECT id FROM clients WHERE source_id = $1 AND master_id IS NOT NULL)",
];

impl Merge {
    /// Undoes the merges of the last import, so that rows can be compared with rows.
    pub(super) async fn separate(&mut self) -> Result<()> {
        if !self.has_merged().await? {
            return Ok(());
        }
        self.run(BOTH_ARE_STALE).await?;
        for statement in SEPARATE {
            self.run(statement).await?;
        }
        Ok(())
    }

    /// Does the merges that hold now; tells how many clients name one who is not known or is merged
    /// himself: they stand for themselves.
    pub async fn unite(&mut self) -> Result<u64> {
        self.run(RESOLVE).await?;
        if self.has_merged().await? {
            self.run(BOTH_ARE_STALE).await?;
            for statement in UNITE.into_iter().chain(CLOSE) {
                self.run(statement).await?;
            }
        }
        let open = sql::query_scalar::<i64>(
            "SELECT count(*) FROM clients
             WHERE source_id = $1 AND merged_into IS NOT NULL AND master_id IS NULL
               AND deleted_on IS NULL",
        );
        let open = open.bind(self.source).fetch_one(&mut *self.tx).await?;
        Ok(open.cast_unsigned())
    }

    async fn has_merged(&mut self) -> Result<bool> {
        self.had_any(
            "SELECT EXISTS (SELECT 1 FROM clients WHERE master_id IS NOT NULL AND source_id = $1)",
        )
        .await
    }
}
