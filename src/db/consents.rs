//! Reading consents: those of a client, and those on the cards that were merged into his.

use super::Result;
use super::rows::{optional_day, word};
use crate::db::sql;
use crate::model::{ClientId, Consent, Day};

/// The consents of clients, given by a JSON list of their ids, as they stood on a day: each client's
/// in the order in which they were recorded.
pub(super) async fn consents(
    executor: impl sql::Executor<'_>,
    clients: &str,
    day: Day,
) -> Result<Vec<(ClientId, Consent)>> {
    // UNION, because the list may name a client twice.
    let rows = sql::query(
        "WITH cards (client_id, card) AS (
             SELECT CAST(row.atom AS BIGINT), CAST(row.atom AS BIGINT) FROM json_each($1) AS row
             UNION
             SELECT master_id, id FROM clients
             WHERE master_id IN (SELECT CAST(row.atom AS BIGINT) FROM json_each($1) AS row))
         SELECT cards.client_id, card, channel, class, basis, given_on, withdrawn_on
         FROM cards JOIN consents ON consents.client_id = card
         WHERE given_on IS NULL OR given_on <= $2
         ORDER BY cards.client_id, id",
    )
    .bind(clients)
    .bind(day.epoch_days())
    .fetch_all(executor)
    .await?;
    let consents = rows.iter().map(|row| {
        let consent = Consent {
            channel: word(row, "consents", "channel")?,
            class: word(row, "consents", "class")?,
            basis: word(row, "consents", "basis")?,
            given_on: optional_day(row, "given_on"),
            withdrawn_on: optional_day(row, "withdrawn_on").filter(|on| *on <= day),
            card: ClientId(row.get("card")),
        };
        Ok((ClientId(row.get("client_id")), consent))
    });
    consents.collect()
}
