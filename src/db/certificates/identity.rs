//! Who is behind a phone, an e-mail address or a card: all the cards of clients that are one person.

use std::collections::BTreeMap;

use sqlx::Row;
use sqlx::sqlite::SqliteConnection;

use super::super::Result;
use super::super::rows::json;
use crate::model::Day;
use crate::rules::certificate::Person;

/// The name of the attribute that holds a postal address.
const ADDRESS: &str = "address";

/// The clients of a merge, as numbers: those that are named, and those whose facts count for them.
pub(super) async fn all_cards(connection: &mut SqliteConnection, ids: &[i64]) -> Result<Vec<i64>> {
    let rows = sqlx::query_scalar(
        "WITH named (id) AS (
             SELECT coalesce(c.master_id, c.id) FROM clients c
             WHERE c.id IN (SELECT value FROM json_each(?1)))
         SELECT id FROM named
         UNION SELECT c.id FROM clients c WHERE c.master_id IN (SELECT id FROM named)",
    );
    Ok(rows.bind(list(ids)).fetch_all(connection).await?)
}

/// Everything by which the person behind some clients can be recognised.
pub(super) async fn person(
    connection: &mut SqliteConnection,
    ids: &[i64],
    cards: &[String],
) -> Result<Person> {
    let mut person = Person::default();
    let rows = sqlx::query(
        "SELECT name, phone, email, attributes FROM clients
         WHERE id IN (SELECT value FROM json_each(?1))
         UNION ALL
         SELECT name, phone, email, '{}' FROM contacts
         WHERE client_id IN (SELECT value FROM json_each(?1))",
    )
    .bind(list(ids))
    .fetch_all(connection)
    .await?;
    for row in rows {
        person.names.extend(row.get::<Option<String>, _>("name"));
        person.phones.extend(row.get::<Option<String>, _>("phone"));
        person.emails.extend(row.get::<Option<String>, _>("email"));
        let attributes: BTreeMap<String, String> = json(&row, "clients", "attributes")?;
        let of_cards = cards.iter().filter_map(|name| attributes.get(name));
        person.cards.extend(of_cards.cloned());
        person.addresses.extend(attributes.get(ADDRESS).cloned());
    }
    Ok(person)
}

/// The clients that share a phone, an e-mail address or a card with a person.
pub(super) async fn clients_like(
    connection: &mut SqliteConnection,
    person: &Person,
    cards: &[String],
) -> Result<Vec<i64>> {
    let texts = |texts: &[String]| serde_json::to_string(texts).unwrap_or_default();
    let mut found: Vec<i64> = sqlx::query_scalar(
        "SELECT id FROM clients WHERE phone IN (SELECT value FROM json_each(?1))
         UNION SELECT id FROM clients WHERE email IN (SELECT value FROM json_each(?2))
         UNION SELECT client_id FROM contacts WHERE phone IN (SELECT value FROM json_each(?1))
         UNION SELECT client_id FROM contacts WHERE email IN (SELECT value FROM json_each(?2))",
    )
    .bind(texts(&person.phones))
    .bind(texts(&person.emails))
    .fetch_all(&mut *connection)
    .await?;
    // There is no index over attributes: only asked where a card is known.
    if !person.cards.is_empty() {
        let of_cards: Vec<i64> = sqlx::query_scalar(
            "SELECT c.id FROM clients c, json_each(c.attributes) a
             WHERE a.key IN (SELECT value FROM json_each(?1))
               AND a.value IN (SELECT value FROM json_each(?2))",
        )
        .bind(texts(cards))
        .bind(texts(&person.cards))
        .fetch_all(&mut *connection)
        .await?;
        found.extend(of_cards);
    }
    found.sort_unstable();
    found.dedup();
    all_cards(connection, &found).await
}

/// The first day before `day` on which one of some clients bought anything, taken back or not.
pub(super) async fn bought_before(
    connection: &mut SqliteConnection,
    ids: &[i64],
    day: Day,
) -> Result<Option<Day>> {
    let first: Option<i32> = sqlx::query_scalar(
        "SELECT min(day) FROM purchases
         WHERE client_id IN (SELECT value FROM json_each(?1)) AND day < ?2 AND amount > 0",
    )
    .bind(list(ids))
    .bind(day.epoch_days())
    .fetch_one(connection)
    .await?;
    Ok(first.map(Day::from_epoch))
}

/// The one client among some, merges counted as one; nothing where there are several.
pub(super) async fn only_one(
    connection: &mut SqliteConnection,
    ids: &[i64],
) -> Result<Option<i64>> {
    let masters: Vec<i64> = sqlx::query_scalar(
        "SELECT DISTINCT coalesce(master_id, id) FROM clients
         WHERE id IN (SELECT value FROM json_each(?1)) AND deleted_on IS NULL LIMIT 2",
    )
    .bind(list(ids))
    .fetch_all(connection)
    .await?;
    match masters[..] {
        [one] => Ok(Some(one)),
        _ => Ok(None),
    }
}

/// Numbers as the one parameter of a statement.
pub(super) fn list(ids: &[i64]) -> String {
    serde_json::to_string(ids).unwrap_or_default()
}
