//! Clients as people name them and as their sources know them: finding one by his id, and who he is.

use crate::db::sql::{self, Connection};
use std::collections::HashMap;

use super::facts::id_list;
use super::{Result, Store};
use crate::model::{Channel, ClientId};

/// A client whose facts count for another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MergedClient {
    /// The id that the source uses.
    pub ext_id: String,
    /// What lists called him.
    pub name: String,
    /// The id of the client who stays.
    pub master: String,
}

impl Store {
    /// The managers of some clients, by the id that the source uses; those without one are left out.
    pub async fn managers_of(&self, ids: &[ClientId]) -> Result<HashMap<ClientId, String>> {
        let rows = sql::query(
            "SELECT client_id, manager FROM client_managers
             WHERE client_id IN (SELECT CAST(row.atom AS BIGINT) FROM json_each($1) AS row) AND manager IS NOT NULL",
        )
        .bind(id_list(ids))
        .fetch_all(&self.pool)
        .await?;
        let managers = rows.iter().map(|row| (ClientId(row.get(0)), row.get(1)));
        Ok(managers.collect())
    }

    /// The client whom people know by `ext_id`; several when two sources use the same id.
    pub async fn clients_called(&self, ext_id: &str) -> Result<Vec<ClientId>> {
        let (source, id) = ext_id.split_once('/').unwrap_or(("", ext_id));
        let found = sql::query_scalar::<i64>(
            "SELECT c.id FROM clients c JOIN sources s ON s.id = c.source_id
             WHERE c.ext_id = $1 OR (s.name = $2 AND c.ext_id = $3) ORDER BY c.id",
        )
        .bind(ext_id)
        .bind(source)
        .bind(id)
        .fetch_all(&self.pool)
        .await?;
        Ok(found.into_iter().map(ClientId).collect())
    }

    /// The client whom a merged one counts for: his own id and name, and the id of the other.
    pub async fn merged(&self, client: ClientId) -> Result<Option<MergedClient>> {
        let row = sql::query(
            "SELECT c.ext_id, coalesce(c.company, c.name, c.ext_id) AS name, m.ext_id AS master
             FROM clients c JOIN clients m ON m.id = c.master_id WHERE c.id = $1",
        )
        .bind(client.0)
        .fetch_optional(&self.pool)
        .await?;
        Ok(row.map(|row| MergedClient {
            ext_id: row.get("ext_id"),
            name: row.get("name"),
            master: row.get("master"),
        }))
    }

    /// Some ids that begin like `ext_id`, for "did you mean".
    pub async fn clients_like(&self, ext_id: &str, limit: u32) -> Result<Vec<String>> {
        let rows = sql::query_of(
            "SELECT ext_id FROM clients
             WHERE ext_id LIKE $1 || '%' OR company LIKE '%' || $1 || '%' OR name LIKE '%' || $1 || '%'
             ORDER BY length(ext_id), ext_id LIMIT $2",
            "SELECT ext_id FROM clients
             WHERE ext_id ILIKE $1 || '%' ESCAPE '' OR company ILIKE '%' || $1 || '%' ESCAPE ''
                OR name ILIKE '%' || $1 || '%' ESCAPE ''
             ORDER BY length(ext_id), ext_id LIMIT $2",
        )
        .bind(ext_id)
        .bind(limit)
        .fetch_all(&self.pool)
        .await?;
        Ok(rows.iter().map(|row| row.get(0)).collect())
    }

    /// The source of a client and the id that it uses.
    pub async fn identity_of(&self, client: ClientId) -> Result<Option<(String, String)>> {
        let row = sql::query(
            "SELECT s.name, c.ext_id FROM clients c JOIN sources s ON s.id = c.source_id
             WHERE c.id = $1",
        );
        let row = row.bind(client.0).fetch_optional(&self.pool).await?;
        Ok(row.map(|row| (row.get(0), row.get(1))))
    }

    /// The addresses of a client and of his persons.
    pub async fn addresses_of(&self, client: ClientId) -> Result<Vec<(Channel, String)>> {
        let mut connection = self.pool.acquire().await?;
        addresses_of(&mut connection, client).await
    }
}

/// The addresses of a client and of his persons, each once.
pub(super) async fn addresses_of(
    connection: &mut Connection,
    client: ClientId,
) -> Result<Vec<(Channel, String)>> {
    let rows = sql::query(
        "SELECT email, phone FROM clients WHERE id = $1
         UNION SELECT email, phone FROM contacts WHERE client_id = $1",
    );
    let rows = rows.bind(client.0).fetch_all(connection).await?;
    let mut addresses = Vec::new();
    for row in rows {
        let email: Option<String> = row.get("email");
        let phone: Option<String> = row.get("phone");
        addresses.extend(email.map(|text| (Channel::Email, text)));
        addresses.extend(phone.map(|text| (Channel::Whatsapp, text)));
    }
    Ok(addresses)
}
