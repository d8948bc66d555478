//! Who is behind a phone, an e-mail address or a card: all the cards of clients that are one person.

use crate::db::sql::{self, Connection, Row};
use std::collections::BTreeMap;

use super::super::Result;
use super::super::rows::json;
use crate::model::Day;
use crate::rules::certificate::{Person, mailbox, plain_card};

/// How many clients are marked at a time.
const PAGE: u32 = 1_000;

/// The name of the attribute that holds a postal address.
const ADDRESS: &str = "address";

/// The clients of a merge, as numbers: those that are named, and those whose facts count for them.
pub(super) async fn all_cards(connection: &mut Connection, ids: &[i64]) -> Result<Vec<i64>> {
    let rows = sql::query_scalar(
        "WITH named (id) AS (
             SELECT coalesce(c.master_id, c.id) FROM clients c
             WHERE c.id IN (SELECT CAST(atom AS BIGINT) FROM json_each($1)))
         SELECT id FROM named
         UNION SELECT c.id FROM clients c WHERE c.master_id IN (SELECT id FROM named)",
    );
    Ok(rows.bind(list(ids)).fetch_all(connection).await?)
}

/// Everything by which the person behind some clients can be recognised.
pub(super) async fn person(
    connection: &mut Connection,
    ids: &[i64],
    cards: &[String],
) -> Result<Person> {
    let mut person = Person::default();
    let rows = sql::query(
        "SELECT name, phone, email, attributes FROM clients
         WHERE id IN (SELECT CAST(atom AS BIGINT) FROM json_each($1))
         UNION ALL
         SELECT name, phone, email, '{}' FROM contacts
         WHERE client_id IN (SELECT CAST(atom AS BIGINT) FROM json_each($1))",
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

/// Who shares a phone, an address or a mark with somebody; each part by an index.
const LIKE: &str = "
    SELECT id FROM clients WHERE phone IN (SELECT atom FROM json_each($1))
    UNION SELECT id FROM clients WHERE email IN (SELECT atom FROM json_each($2))
    UNION SELECT client_id FROM contacts WHERE phone IN (SELECT atom FROM json_each($1))
    UNION SELECT client_id FROM contacts WHERE email IN (SELECT atom FROM json_each($2))
    UNION SELECT client_id FROM client_marks WHERE mark IN (SELECT atom FROM json_each($3))";

/// The clients that share a phone, a mailbox or a card with a person, however it is written.
pub(super) async fn clients_like(connection: &mut Connection, person: &Person) -> Result<Vec<i64>> {
    let mut emails = person.emails.clone();
    emails.extend(person.emails.iter().map(|email| mailbox(email)));
    let marks = person.emails.iter().map(|email| mark_of_email(email));
    let cards = person.cards.iter().map(|card| mark_of_card(card));
    let marks: Vec<String> = marks.chain(cards.flatten()).collect();
    let found: Vec<i64> = sql::query_scalar(LIKE)
        .bind(texts(&person.phones))
        .bind(texts(&emails))
        .bind(texts(&marks))
        .fetch_all(&mut *connection)
        .await?;
    all_cards(connection, &found).await
}

fn mark_of_email(email: &str) -> String {
    format!("mail:{}", mailbox(email))
}

/// Nothing for a card without a letter or a digit: it is nobody's.
fn mark_of_card(card: &str) -> Option<String> {
    let plain = plain_card(card);
    (!plain.is_empty()).then(|| format!("card:{plain}"))
}

/// Makes the marks of clients whom imports have changed since the last time; of everybody, when other
/// attributes hold the numbers of cards now. Where nothing has changed this is one look.
pub(super) async fn keep_marks(tx: &mut Connection, cards: &[String]) -> Result<()> {
    let wanted = texts(cards);
    let made: Option<(i64, String)> = sql::query_as("SELECT through_import, cards FROM marks_made")
        .fetch_optional(&mut *tx)
        .await?;
    let latest: i64 = sql::query_scalar("SELECT coalesce(max(id), 0) FROM imports")
        .fetch_one(&mut *tx)
        .await?;
    let since = match made {
        Some((through, known)) if known == wanted => through,
        _ => {
            sql::query("DELETE FROM client_marks")
                .execute(&mut *tx)
                .await?;
            -1
        }
    };
    if since >= latest {
        return Ok(());
    }
    mark_changed(&mut *tx, cards, since).await?;
    sql::query(
        "INSERT INTO marks_made (id, through_import, cards) VALUES (1, $1, $2)
         ON CONFLICT (id) DO UPDATE SET through_import = excluded.through_import,
                                        cards = excluded.cards",
    )
    .bind(latest)
    .bind(wanted)
    .execute(tx)
    .await?;
    Ok(())
}

/// Marks the clients who have changed since an import, page by page.
async fn mark_changed(tx: &mut Connection, cards: &[String], since: i64) -> Result<()> {
    let mut last = i64::MIN;
    loop {
        let statement = |array: &str| {
            sqlx::AssertSqlSafe(format!(
                "SELECT id, email, attributes,
                        (SELECT {array} FROM contacts t
                         WHERE t.client_id = c.id AND t.email IS NOT NULL) AS others
                 FROM clients c
                 WHERE id > $1 AND (last_import > $2 OR EXISTS (
                     SELECT 1 FROM contacts t WHERE t.client_id = c.id AND t.last_import > $2))
                 ORDER BY id LIMIT $3"
            ))
        };
        let rows = sql::query_of(
            statement("json_group_array(t.email)"),
            statement("CAST(coalesce(jsonb_agg(t.email), '[]') AS TEXT)"),
        )
        .bind(last)
        .bind(since)
        .bind(PAGE)
        .fetch_all(&mut *tx)
        .await?;
        let Some(end) = rows.last() else {
            return Ok(());
        };
        last = end.get("id");
        let mut marks = Vec::new();
        for row in &rows {
            marks_of(row, cards, &mut marks)?;
        }
        let ids: Vec<i64> = rows.iter().map(|row| row.get("id")).collect();
        sql::query("DELETE FROM client_marks WHERE client_id IN (SELECT CAST(atom AS BIGINT) FROM json_each($1))")
            .bind(list(&ids))
            .execute(&mut *tx)
            .await?;
        sql::query(
            "INSERT INTO client_marks (mark, client_id)
             SELECT value ->> 0, CAST(value ->> 1 AS BIGINT) FROM json_each($1) WHERE true
             ON CONFLICT DO NOTHING",
        )
        .bind(serde_json::to_string(&marks).unwrap_or_default())
        .execute(&mut *tx)
        .await?;
    }
}

/// The marks of one client: a mailbox only where it is written in another way.
fn marks_of(row: &Row, cards: &[String], marks: &mut Vec<(String, i64)>) -> Result<()> {
    let id = row.get("id");
    let mut emails: Vec<String> = json(row, "contacts", "others")?;
    emails.extend(row.get::<Option<String>, _>("email"));
    let other = emails.iter().filter(|email| mailbox(email) != **email);
    marks.extend(other.map(|email| (mark_of_email(email), id)));
    let attributes: BTreeMap<String, String> = json(row, "clients", "attributes")?;
    let of_cards = cards.iter().filter_map(|name| attributes.get(name));
    let of_cards = of_cards.filter_map(|card| mark_of_card(card));
    marks.extend(of_cards.map(|mark| (mark, id)));
    Ok(())
}

/// The first day before `day` on which one of some clients bought anything, taken back or not.
pub(super) async fn bought_before(
    connection: &mut Connection,
    ids: &[i64],
    day: Day,
) -> Result<Option<Day>> {
    let first: Option<i32> = sql::query_scalar(
        "SELECT min(day) FROM purchases
         WHERE client_id IN (SELECT CAST(atom AS BIGINT) FROM json_each($1)) AND day < $2 AND amount > 0",
    )
    .bind(list(ids))
    .bind(day.epoch_days())
    .fetch_one(connection)
    .await?;
    Ok(first.map(Day::from_epoch))
}

/// The one client among some, merges counted as one; nothing where there are several.
pub(super) async fn only_one(connection: &mut Connection, ids: &[i64]) -> Result<Option<i64>> {
    let masters: Vec<i64> = sql::query_scalar(
        "SELECT DISTINCT coalesce(master_id, id) FROM clients
         WHERE id IN (SELECT CAST(atom AS BIGINT) FROM json_each($1)) AND deleted_on IS NULL LIMIT 2",
    )
    .bind(list(ids))
    .fetch_all(connection)
    .await?;
    match masters[..] {
        [one] => Ok(Some(one)),
        _ => Ok(None),
    }
}

/// Texts as the one parameter of a statement.
pub(super) fn texts(texts: &[String]) -> String {
    serde_json::to_string(texts).unwrap_or_default()
}

/// Numbers as the one parameter of a statement.
pub(super) fn list(ids: &[i64]) -> String {
    serde_json::to_string(ids).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::plans::plan_in_sqlite;

    #[tokio::test]
    async fn whoever_is_looked_for_is_found_by_an_index() {
        let lines = plan_in_sqlite(LIKE).await;
        for table in ["clients", "contacts", "client_marks"] {
            let mut of_table = lines
                .iter()
                .filter(|line| line.split_whitespace().nth(1) == Some(table));
            assert!(of_table.all(|line| line.starts_with("SEARCH")), "{lines:?}");
        }
        assert_eq!(
            lines
                .iter()
                .filter(|line| line.starts_with("SEARCH"))
                .count(),
            5
        );
    }
}
