//! Codes of partners: each is given once, and a message keeps its own.

use super::{Result, Store};
use crate::db::sql::{self, Json};

impl Store {
    /// Takes up the codes of a partner's file; those that are known stay as they are.
    pub async fn add_partner_codes(&self, pool: &str, codes: &[String]) -> Result<u64> {
        let done = sql::query(
            "INSERT INTO partner_codes (pool, code, n)
             SELECT $1, atom, key FROM json_each($2) WHERE true ON CONFLICT DO NOTHING",
        )
        .bind(pool)
        .bind(Json(codes))
        .execute(&self.writer)
        .await?;
        Ok(done.rows_affected())
    }

    /// The code of a message: the one that it was given before, or the next of the file; nothing when
    /// none is left. A message that is planned anew finds its own again.
    pub async fn partner_code(
        &self,
        pool: &str,
        message_key: &str,
        now_ms: i64,
    ) -> Result<Option<String>> {
        let mut tx = self.begin().await?;
        let known: Option<String> =
            sql::query_scalar("SELECT code FROM partner_codes WHERE given_to = $1")
                .bind(message_key)
                .fetch_optional(&mut *tx)
                .await?;
        let code = match known {
            Some(code) => Some(code),
            None => {
                sql::query_scalar(
                    "UPDATE partner_codes SET given_to = $2, given_at = $3
                     WHERE pool = $1 AND code = (
                         SELECT code FROM partner_codes
                         WHERE pool = $1 AND given_to IS NULL ORDER BY n LIMIT 1)
                     RETURNING code",
                )
                .bind(pool)
                .bind(message_key)
                .bind(now_ms)
                .fetch_optional(&mut *tx)
                .await?
            }
        };
        tx.commit().await?;
        Ok(code)
    }

    /// How many codes of a file are left.
    pub async fn partner_codes_left(&self, pool: &str) -> Result<u64> {
        let left: i64 = sql::query_scalar(
            "SELECT count(*) FROM partner_codes WHERE pool = $1 AND given_to IS NULL",
        )
        .bind(pool)
        .fetch_one(&self.pool)
        .await?;
        Ok(left.cast_unsigned())
    }
}
