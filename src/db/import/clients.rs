//! Taking up clients, with what their consent columns say.

use std::collections::HashSet;

use super::super::{Result, StoreError};
use super::{Bulk, Merge};
use crate::config::settings::FactKind;
use crate::db::sql::{self, Engine, Json};
use crate::model::{Class, ClientFact, ConsentAnswer, ConsentBasis, Day, Locale};

const UPSERT: &str = "
    ON CONFLICT (source_id, ext_id) DO UPDATE SET
        name = excluded.name, company = excluded.company, email = excluded.email,
        phone = excluded.phone, locale = excluded.locale, time_zone = excluded.time_zone,
        country = excluded.country, manager = excluded.manager, tags = excluded.tags,
        attributes = excluded.attributes, birthday = excluded.birthday,
        merged_into = excluded.merged_into, implied = 0, deleted_on = NULL, last_import = excluded.last_import
    WHERE (clients.name, clients.company, clients.email, clients.phone, clients.locale,
           clients.time_zone, clients.country, clients.manager, clients.tags, clients.attributes,
           clients.birthday, clients.merged_into, clients.implied, clients.deleted_on)
       IS DISTINCT FROM (excluded.name, excluded.company, excluded.email, excluded.phone,
           excluded.locale, excluded.time_zone, excluded.country, excluded.manager, excluded.tags,
           excluded.attributes, excluded.birthday, excluded.merged_into, 0, NULL)";

/// Clients of a batch who are not there yet.
struct NewClients {
    /// The ids of the others.
    known: HashSet<String>,
    /// The number of the next one.
    next: i64,
    rows: Bulk,
}

impl Merge {
    /// Makes the tables that a kind of clients needs while it is taken up.
    pub(super) async fn begin_clients(&mut self) -> Result<()> {
        self.open("SELECT count(*) FROM clients").await?;
        self.raw_of(
            "CREATE TEMP TABLE listed_clients (ext_id TEXT PRIMARY KEY) WITHOUT ROWID;
             CREATE TEMP TABLE consent_answers (
                 ext_id TEXT NOT NULL, channel TEXT NOT NULL, given_on INTEGER,
                 withheld INTEGER NOT NULL, PRIMARY KEY (ext_id, channel)
             ) WITHOUT ROWID",
            "CREATE TEMP TABLE listed_clients (ext_id TEXT COLLATE \"C\" PRIMARY KEY) ON COMMIT DROP;
             CREATE TEMP TABLE consent_answers (
                 ext_id TEXT COLLATE \"C\" NOT NULL, channel TEXT COLLATE \"C\" NOT NULL,
                 given_on BIGINT, withheld BIGINT NOT NULL, PRIMARY KEY (ext_id, channel)
             ) ON COMMIT DROP",
        )
        .await
    }

    /// Takes up clients, in the order of their ids.
    pub(super) async fn clients(&mut self, batch: Vec<ClientFact>) -> Result<()> {
        let mut rows = self.rows();
        let mut listed = Bulk::new("listed_clients", "(?)", "");
        let mut answers = Bulk::new("consent_answers", "(?, ?, ?, ?)", "");
        let mut new = self.new_clients(&batch).await?;
        for client in batch {
            for (channel, answer) in &client.consents {
                let (given, withheld) = match answer {
                    ConsentAnswer::Given(day) => (day.map(Day::epoch_days), false),
                    ConsentAnswer::Withheld => (None, true),
                };
                answers.add(client.id.as_str()).add(channel.word());
                answers.add(given).add(withheld);
                answers.end_row(&mut self.tx).await?;
            }
            if self.snapshot {
                listed.add(client.id.as_str()).end_row(&mut self.tx).await?;
            }
            let rows = match &mut new {
                Some(new) if !new.known.contains(&client.id) => {
                    new.rows.add(new.next);
                    new.next += 1;
                    &mut new.rows
                }
                _ => &mut rows,
            };
            add(rows, client)?.end_row(&mut self.tx).await?;
        }
        answers.flush(&mut self.tx).await?;
        listed.flush(&mut self.tx).await?;
        self.written += rows.flush(&mut self.tx).await?;
        if let Some(mut new) = new {
            self.written += new.rows.flush(&mut self.tx).await?;
            self.next_client = Some(new.next);
        }
        Ok(())
    }

    /// Rows of clients of whom some may be there.
    fn rows(&self) -> Bulk {
        Bulk::changing(
            "clients (source_id, ext_id, name, company, email, phone, locale, time_zone, country,
                 manager, tags, attributes, birthday, merged_into, first_import, last_import)",
            format!(
                "({0}, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, {1}, {1})",
                self.source, self.import
            ),
            &[0],
            UPSERT,
        )
    }

    /// In PostgreSQL: which clients of a batch are not there yet, and the way of their rows. They are
    /// copied, which is faster by far; and numbers are not used up by rows that are not inserted.
    async fn new_clients(&mut self, batch: &[ClientFact]) -> Result<Option<NewClients>> {
        if self.tx.engine() == Engine::Sqlite {
            return Ok(None);
        }
        let ids: Vec<&str> = batch.iter().map(|client| client.id.as_str()).collect();
        let known = sql::query_scalar::<String>(
            "SELECT ext_id FROM clients
             WHERE source_id = $1 AND ext_id IN (SELECT row.atom FROM json_each($2) AS row)",
        );
        let known = known.bind(self.source).bind(Json(ids));
        let known = known.fetch_all(&mut *self.tx).await?;
        let rows = Bulk::new(
            "clients (id, source_id, ext_id, name, company, email, phone, locale, time_zone, country,
                 manager, tags, attributes, birthday, merged_into, first_import, last_import)",
            format!(
                "(?, {0}, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, {1}, {1})",
                self.source, self.import
            ),
            "",
        );
        Ok(Some(NewClients {
            known: known.into_iter().collect(),
            next: self.next_client().await?,
            rows,
        }))
    }

    /// Marks who is gone from a snapshot, and takes up the consent columns.
    pub(super) async fn end_clients(&mut self) -> Result<()> {
        self.close(FactKind::Clients).await?;
        self.raw_of("", "ANALYZE listed_clients, consent_answers")
            .await?;
        if self.snapshot {
            let gone = self
                .run(
                    "UPDATE clients SET deleted_on = $3, last_import = $2
                     WHERE source_id = $1 AND implied = 0 AND deleted_on IS NULL
                       AND NOT EXISTS (
                           SELECT 1 FROM listed_clients l WHERE l.ext_id = clients.ext_id)",
                )
                .await?;
            self.note_deleted(FactKind::Clients, gone);
        }
        // The tags of a client may have changed, and with them the law of his rhythm.
        self.run(
            "INSERT INTO stale_rhythms (client_id, from_day, turnover, spent)
             SELECT c.id, -1000000, 0, 0 FROM clients c JOIN rhythms r ON r.client_id = c.id
             WHERE c.source_id = $1 AND c.last_import = $2
             ON CONFLICT (client_id) DO UPDATE SET from_day = excluded.from_day",
        )
        .await?;
        self.take_up_consent_answers().await
    }

    /// Turns "yes" and "no" into consents and withdrawals.
    ///
    /// A "no" ends what was given and overrides the basis of the source. A "yes" after a "no" is a
    /// new consent of the day on which it was seen.
    async fn take_up_consent_answers(&mut self) -> Result<()> {
        self.run(
            "UPDATE consents SET withdrawn_on = $3, last_import = $2
             WHERE source_id = $1 AND class = 'advertising' AND withdrawn_on IS NULL
               AND EXISTS (SELECT 1 FROM consent_answers a JOIN clients c
                           ON c.source_id = $1 AND c.ext_id = a.ext_id
                           WHERE c.id = consents.client_id AND a.channel = consents.channel
                             AND a.withheld = 1)",
        )
        .await?;
        let insert = format!(
            "INSERT INTO consents (client_id, channel, class, basis, given_on, withdrawn_on,
                                   source_id, first_import, last_import)
             SELECT c.id, a.channel, '{class}', '{basis}',
                    CASE WHEN a.withheld = 1 OR a.given_on IS NOT NULL OR NOT EXISTS (
                             SELECT 1 FROM consents o WHERE o.client_id = c.id
                             AND o.channel = a.channel AND o.class = '{class}' AND o.source_id = $1)
                         THEN a.given_on ELSE $3 END,
                    CASE WHEN a.withheld = 1 THEN $3 END, $1, $2, $2
             FROM consent_answers a JOIN clients c ON c.source_id = $1 AND c.ext_id = a.ext_id
             WHERE NOT EXISTS (
                 SELECT 1 FROM consents o WHERE o.client_id = c.id AND o.channel = a.channel
                   AND o.class = '{class}' AND o.source_id = $1
                   AND CASE WHEN a.withheld = 1 THEN true
                            WHEN a.given_on IS NULL THEN o.withdrawn_on IS NULL
                            ELSE o.given_on = a.given_on END)
             ON CONFLICT DO NOTHING",
            class = Class::Advertising.word(),
            basis = ConsentBasis::Consent.word(),
        );
        sql::query(sqlx::AssertSqlSafe(insert))
            .bind(self.source)
            .bind(self.import)
            .bind(self.day.epoch_days())
            .execute(&mut *self.tx)
            .await?;
        Ok(())
    }
}

/// Adds the values of a client from his id on.
fn add(rows: &mut Bulk, client: ClientFact) -> Result<&mut Bulk> {
    let tags = json(&client.tags)?;
    let attributes = json(&client.attributes)?;
    rows.add(client.id).add(client.name).add(client.company);
    rows.add(client.email).add(client.phone);
    rows.add(client.locale.map(Locale::code))
        .add(client.time_zone);
    rows.add(client.country).add(client.manager);
    rows.add(tags).add(attributes);
    rows.add(client.birthday.map(Day::epoch_days));
    Ok(rows.add(client.merged_into))
}

/// A list or a table as JSON.
pub(super) fn json<T: serde::Serialize>(value: &T) -> Result<String> {
    serde_json::to_string(value).map_err(|error| StoreError::Row {
        table: "clients",
        reason: error.to_string(),
    })
}
