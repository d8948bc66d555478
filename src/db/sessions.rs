//! Signing in to the pages: links that were sent, browsers that are signed in.
//!
//! Neither the link nor the cookie stands in the database: the link is signed, the cookie is kept as
//! a keyed hash. Who may see what is decided above.

use crate::db::sql;
use serde::Serialize;

use super::audit::{Entry, write_down};
use super::{Result, Store};
use crate::config::settings::DeliveryMode;
use crate::model::Day;

/// The schedule of the runs that letters to the company's own people belong to.
const STAFF: &str = "staff";

/// A letter with a link to sign in, ready to be written.
#[derive(Clone, Debug, Serialize)]
pub struct NewSignIn<'a> {
    /// What travels with it, and what the link is made from.
    pub key: &'a str,
    /// The e-mail address, lower case.
    pub person: &'a str,
    /// The day.
    pub day: Day,
    /// Where letters go.
    pub mode: DeliveryMode,
    /// The keyed hash of the address.
    pub address_hash: [u8; 32],
    /// JSON: what the letter is rendered from.
    pub inputs: &'a str,
    /// The path of the page that he wanted to see.
    pub lands_on: Option<&'a str>,
    /// The present instant in unix milliseconds.
    pub now_ms: i64,
    /// When the link is of no use any more, in unix milliseconds.
    pub expires_at: i64,
}

/// Somebody who has used a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entered {
    /// The e-mail address, lower case.
    pub person: String,
    /// The path of the page that he wanted to see.
    pub lands_on: Option<String>,
}

impl Store {
    /// Writes a letter with a link to sign in, to be delivered like every other one; says no when
    /// the person has asked for `most` links since an instant already.
    pub async fn add_sign_in(
        &self,
        link: &NewSignIn<'_>,
        most: i64,
        since_ms: i64,
    ) -> Result<bool> {
        let mut tx = self.begin().await?;
        let asked: i64 =
            sql::query_scalar("SELECT count(*) FROM sign_ins WHERE person = $1 AND asked_at > $2")
                .bind(link.person)
                .bind(since_ms)
                .fetch_one(&mut *tx)
                .await?;
        if asked >= most {
            return Ok(false);
        }
        // A day on which the mode was changed has one run already; its letters go where new ones go.
        let run: i64 = sql::query_scalar(
            "INSERT INTO runs (schedule, logical_date, mode, status, started_at, sealed_at)
             VALUES ($1, $2, $3, 'sealed', $4, $4)
             ON CONFLICT (schedule, logical_date) DO UPDATE SET mode = excluded.mode
             RETURNING id",
        )
        .bind(STAFF)
        .bind(link.day.epoch_days())
        .bind(link.mode.word())
        .bind(link.now_ms)
        .fetch_one(&mut *tx)
        .await?;
        sql::query(
            "INSERT INTO messages (run_id, planned_on, key, campaign, client_id, episode, step,
                                   channel, template, class, address_hash, state, inputs,
                                   on_unknown, expires_at)
             VALUES ($1, $2, $3, 'managers', 0, $3, 'sign-in', 'email', 'sign-in', 'service', $4,
                     'planned', $5, 'at_least_once', $6)",
        )
        .bind(run)
        .bind(link.day.epoch_days())
        .bind(link.key)
        .bind(&link.address_hash[..])
        .bind(link.inputs)
        .bind(link.expires_at)
        .execute(&mut *tx)
        .await?;
        sql::query(
            "INSERT INTO sign_ins (message_key, person, asked_at, expires_at, lands_on)
             VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(link.key)
        .bind(link.person)
        .bind(link.now_ms)
        .bind(link.expires_at)
        .bind(link.lands_on)
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Whose link this is, while it is still good; looking at it changes nothing.
    pub async fn sign_in_of(&self, message_key: &str, now_ms: i64) -> Result<Option<String>> {
        let person = sql::query_scalar(
            "SELECT person FROM sign_ins
             WHERE message_key = $1 AND used_at IS NULL AND expires_at > $2",
        );
        Ok(person
            .bind(message_key)
            .bind(now_ms)
            .fetch_optional(&self.pool)
            .await?)
    }

    /// Uses a link up and begins a session in its place; nothing when it is used or too old.
    pub async fn sign_in(
        &self,
        message_key: &str,
        session: &[u8; 32],
        now_ms: i64,
    ) -> Result<Option<Entered>> {
        let mut tx = self.begin().await?;
        let row = sql::query(
            "UPDATE sign_ins SET used_at = $2
             WHERE message_key = $1 AND used_at IS NULL AND expires_at > $2
             RETURNING person, lands_on",
        )
        .bind(message_key)
        .bind(now_ms)
        .fetch_optional(&mut *tx)
        .await?;
        let entered = row.map(|row| Entered {
            person: row.get("person"),
            lands_on: row.get("lands_on"),
        });
        if let Some(Entered { person, .. }) = &entered {
            sql::query(
                "INSERT INTO sessions (token_hash, person, began_at, seen_at)
                 VALUES ($1, $2, $3, $3)",
            )
            .bind(&session[..])
            .bind(person)
            .bind(now_ms)
            .execute(&mut *tx)
            .await?;
            let entry = Entry {
                by: person,
                reason: "by a link",
                now_ms,
            };
            write_down(&mut tx, "signed in", "pages", &entry).await?;
        }
        tx.commit().await?;
        Ok(entered)
    }

    /// Whose session this is: begun after `oldest_ms` and used after `idle_ms`. That it is used is
    /// written down at most once a minute.
    pub async fn session(
        &self,
        session: &[u8; 32],
        oldest_ms: i64,
        idle_ms: i64,
        now_ms: i64,
    ) -> Result<Option<String>> {
        let row = sql::query(
            "SELECT person, seen_at FROM sessions
             WHERE token_hash = $1 AND began_at > $2 AND seen_at > $3",
        )
        .bind(&session[..])
        .bind(oldest_ms)
        .bind(idle_ms)
        .fetch_optional(&self.pool)
        .await?;
        let Some(row) = row else {
            return Ok(None);
        };
        if now_ms - row.get::<i64, _>("seen_at") > SEEN_EVERY_MS {
            sql::query("UPDATE sessions SET seen_at = $2 WHERE token_hash = $1")
                .bind(&session[..])
                .bind(now_ms)
                .execute(&self.writer)
                .await?;
        }
        Ok(Some(row.get("person")))
    }

    /// Ends a session.
    pub async fn sign_out(&self, session: &[u8; 32]) -> Result<()> {
        sql::query("DELETE FROM sessions WHERE token_hash = $1")
            .bind(&session[..])
            .execute(&self.writer)
            .await?;
        Ok(())
    }

    /// Forgets sessions that nobody can use any more, and links that expired before an instant.
    pub async fn tidy_sessions(&self, oldest_ms: i64, idle_ms: i64) -> Result<()> {
        sql::query("DELETE FROM sessions WHERE began_at <= $1 OR seen_at <= $2")
            .bind(oldest_ms)
            .bind(idle_ms)
            .execute(&self.writer)
            .await?;
        sql::query("DELETE FROM sign_ins WHERE expires_at <= $1")
            .bind(oldest_ms)
            .execute(&self.writer)
            .await?;
        Ok(())
    }
}

/// How often it is written down that a session is used, in milliseconds.
const SEEN_EVERY_MS: i64 = 60_000;
