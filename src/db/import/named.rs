//! Clients as other facts name them: found by the id of the source, made where nobody knows them.

use crate::db::sql::{self, Json};
use std::collections::{BTreeMap, HashMap};

use super::super::Result;
use super::{Bulk, Merge};
use crate::model::ClientHint;

/// What a batch says about the clients that it names.
pub(super) type Named<'a> = BTreeMap<&'a str, ClientHint>;

/// Adds what one fact says about its client.
pub(super) fn name<'a>(named: &mut Named<'a>, client: &'a str, hint: Option<&ClientHint>) {
    let known = named.entry(client).or_default();
    if let Some(hint) = hint {
        known.improve(hint);
    }
}

impl Merge {
    /// Our numbers for the clients that a batch names.
    ///
    /// Who is not known becomes a client that is only implied. What a fact says about a client
    /// counts for implied ones only: a list of clients knows better.
    pub(super) async fn numbers(&mut self, named: &Named<'_>) -> Result<HashMap<String, i64>> {
        let ids: Vec<&str> = named.keys().copied().collect();
        let rows = sql::query(
            "SELECT ext_id, id, implied, deleted_on IS NOT NULL AS deleted FROM clients
             WHERE source_id = $1 AND ext_id IN (SELECT row.atom FROM json_each($2) AS row)",
        )
        .bind(self.source)
        .bind(Json(ids))
        .fetch_all(&mut *self.tx)
        .await?;
        let mut numbers = HashMap::with_capacity(named.len());
        let mut known = Vec::new();
        for row in rows {
            let (ext_id, id): (String, i64) = (row.get("ext_id"), row.get("id"));
            let implied = row.get::<i64, _>("implied") != 0;
            let deleted = row.get::<i64, _>("deleted") != 0;
            let says_something = || named.get(ext_id.as_str()) != Some(&ClientHint::default());
            if implied && (deleted || says_something()) {
                known.push((id, ext_id.clone()));
            }
            numbers.insert(ext_id, id);
        }
        for (id, ext_id) in known {
            if let Some(hint) = named.get(ext_id.as_str()) {
                self.improve_implied(id, hint).await?;
            }
        }
        self.make_implied(named, &mut numbers).await?;
        Ok(numbers)
    }

    /// The number that the next new client gets.
    pub(super) async fn next_client(&mut self) -> Result<i64> {
        if let Some(next) = self.next_client {
            return Ok(next);
        }
        let next = sql::query_scalar("SELECT coalesce(max(id), 0) + 1 FROM clients");
        Ok(next.fetch_one(&mut *self.tx).await?)
    }

    async fn improve_implied(&mut self, id: i64, hint: &ClientHint) -> Result<()> {
        sql::query(
            "UPDATE clients SET name = coalesce($2, name), email = coalesce($3, email),
                 phone = coalesce($4, phone), deleted_on = NULL, last_import = $5
             WHERE id = $1 AND (name, email, phone, deleted_on)
                 IS DISTINCT FROM (coalesce($2, name), coalesce($3, email), coalesce($4, phone), NULL)",
        )
        .bind(id)
        .bind(&hint.name)
        .bind(&hint.email)
        .bind(&hint.phone)
        .bind(self.import)
        .execute(&mut *self.tx)
        .await?;
        Ok(())
    }

    async fn make_implied(
        &mut self,
        named: &Named<'_>,
        numbers: &mut HashMap<String, i64>,
    ) -> Result<()> {
        let mut next = self.next_client().await?;
        let mut rows = Bulk::new(
            "clients (id, source_id, ext_id, name, email, phone, implied, first_import, last_import)",
            format!(
                "(?, {0}, ?, ?, ?, ?, 1, {1}, {1})",
                self.source, self.import
            ),
            "",
        );
        for (ext_id, hint) in named {
            if numbers.contains_key(*ext_id) {
                continue;
            }
            rows.add(next).add(*ext_id);
            rows.add(&hint.name).add(&hint.email).add(&hint.phone);
            rows.end_row(&mut self.tx).await?;
            numbers.insert((*ext_id).to_owned(), next);
            next += 1;
            self.implied_clients += 1;
        }
        rows.flush(&mut self.tx).await?;
        self.next_client = Some(next);
        Ok(())
    }
}
