//! The classes of clients, read for a stretch of their numbers.

use crate::db::sql::{self, Connection};
use std::collections::HashMap;

use super::Result;
use super::rows::json;
use crate::model::ClientId;
use crate::rules::base_facts::BaseFacts;
use crate::rules::client_kind::ClientKind;

/// The classes of a stretch of clients; empty where no classes are configured.
pub(super) struct Kinds(HashMap<i64, ClientKind>);

impl Kinds {
    /// The kind of a client.
    pub(super) fn of(&self, client: i64) -> ClientKind {
        let known = self.0.get(&client).copied();
        known.unwrap_or(ClientKind {
            id: ClientId(client),
            class: None,
        })
    }
}

/// Reads the classes of the clients after `after` up to `last`.
pub(super) async fn read_kinds(
    connection: &mut Connection,
    base: &BaseFacts,
    after: i64,
    last: i64,
) -> Result<Kinds> {
    let mut kinds = HashMap::new();
    if base.classes.is_empty() {
        return Ok(Kinds(kinds));
    }
    let rows =
        sql::query("SELECT id, tags FROM clients WHERE id > $1 AND id <= $2 AND tags <> '[]'")
            .bind(after)
            .bind(last)
            .fetch_all(connection)
            .await?;
    for row in rows {
        let tags: Vec<String> = json(&row, "clients", "tags")?;
        let id: i64 = row.get("id");
        kinds.insert(id, base.kind(ClientId(id), &tags));
    }
    Ok(Kinds(kinds))
}
