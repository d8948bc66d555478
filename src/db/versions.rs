//! Versions of templates: what the messages of a run are made of, whatever becomes of the files.

use crate::db::sql::{self, Connection, Json};
use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::audit::{Entry, write_down};
use super::{Result, Store};
use crate::model::{Channel, Day, hex};

/// A version with its place in a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunVersion {
    /// The campaign.
    pub campaign: String,
    /// The way its messages go.
    pub channel: Channel,
    /// The template.
    pub template: String,
    /// What it was: text that [`Store::version`] gives back.
    pub content: String,
}

#[derive(Serialize)]
struct Row<'r> {
    campaign: &'r str,
    channel: &'static str,
    template: &'r str,
    version: i64,
}

impl Store {
    /// Keeps a version, once; returns its number.
    pub async fn keep_version(&self, content: &str, now_ms: i64) -> Result<i64> {
        let mut tx = self.begin().await?;
        let version = keep(&mut tx, content, now_ms).await?;
        tx.commit().await?;
        Ok(version)
    }

    /// Says which versions the messages of a day's run are made of that is about to be let go; one
    /// transaction. A run that was let go keeps what it has.
    pub async fn keep_run_versions(
        &self,
        day: Day,
        versions: &[RunVersion],
        now_ms: i64,
    ) -> Result<()> {
        let mut tx = self.begin().await?;
        let open = ["planning", "awaiting_approval"];
        put(&mut tx, day, &open, versions, now_ms).await?;
        tx.commit().await?;
        Ok(())
    }

    /// The same for a run that was let go before, by a person's hand and audited. Returns how many
    /// messages are concerned: those that have not left and were never tried.
    pub async fn renew_run_versions(
        &self,
        day: Day,
        versions: &[RunVersion],
        entry: &Entry<'_>,
    ) -> Result<u64> {
        let mut tx = self.begin().await?;
        let concerned: i64 = sql::query_scalar(
            "SELECT count(*) FROM messages m
             JOIN runs r ON r.id = m.run_id AND r.logical_date = $1 AND r.status = 'sealed'
                 AND r.mode = 'live'
             WHERE m.attempts = 0 AND m.state IN ('planned', 'queued', 'retry', 'held', 'claimed')",
        )
        .bind(day.epoch_days())
        .fetch_one(&mut *tx)
        .await?;
        if concerned > 0 {
            put(&mut tx, day, &["sealed"], versions, entry.now_ms).await?;
            let about = format!("run of {day}");
            write_down(&mut tx, "templates renewed", &about, entry).await?;
        }
        tx.commit().await?;
        Ok(concerned.cast_unsigned())
    }

    /// Keeps files that versions are drawn with, each once.
    pub async fn keep_files(&self, files: &BTreeMap<String, Arc<Vec<u8>>>) -> Result<()> {
        for bytes in files.values() {
            sql::query(
                "INSERT INTO template_files (digest, bytes) VALUES ($1, $2) ON CONFLICT DO NOTHING",
            )
            .bind(digest_of(bytes))
            .bind(bytes.as_slice())
            .execute(&self.writer)
            .await?;
        }
        Ok(())
    }

    /// Files that were kept, by the paths that a version gives to their digests.
    pub async fn kept_files(
        &self,
        digests: &BTreeMap<String, String>,
    ) -> Result<BTreeMap<String, Arc<Vec<u8>>>> {
        let mut files = BTreeMap::new();
        for (path, digest) in digests {
            let bytes = sql::query_scalar("SELECT bytes FROM template_files WHERE digest = $1");
            let bytes: Vec<u8> = bytes.bind(digest).fetch_one(&self.pool).await?;
            files.insert(path.clone(), Arc::new(bytes));
        }
        Ok(files)
    }

    /// What a version was.
    pub async fn version(&self, id: i64) -> Result<String> {
        let content = sql::query_scalar("SELECT content FROM template_versions WHERE id = $1");
        Ok(content.bind(id).fetch_one(&self.pool).await?)
    }
}

/// The digest under which a file is kept, in hexadecimal.
pub fn digest_of(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

async fn put(
    tx: &mut Connection,
    day: Day,
    statuses: &[&str],
    versions: &[RunVersion],
    now_ms: i64,
) -> Result<()> {
    let mut rows = Vec::with_capacity(versions.len());
    for one in versions {
        rows.push(Row {
            campaign: &one.campaign,
            channel: one.channel.word(),
            template: &one.template,
            version: keep(tx, &one.content, now_ms).await?,
        });
    }
    sql::query(
        "INSERT INTO run_versions (run_id, campaign, channel, template, version)
         SELECT r.id, row.value ->> 'campaign', row.value ->> 'channel', row.value ->> 'template',
                CAST(row.value ->> 'version' AS BIGINT)
         FROM json_each($2) AS row JOIN runs r ON r.logical_date = $1 AND r.schedule = 'daily'
             AND r.status IN (SELECT atom FROM json_each($3))
         WHERE true
         ON CONFLICT (run_id, campaign, channel, template)
         DO UPDATE SET version = excluded.version",
    )
    .bind(day.epoch_days())
    .bind(Json(rows))
    .bind(Json(statuses))
    .execute(tx)
    .await?;
    Ok(())
}

async fn keep(tx: &mut Connection, content: &str, now_ms: i64) -> Result<i64> {
    let digest = Sha256::digest(content);
    sql::query(
        "INSERT INTO template_versions (digest, kept_at, content) VALUES ($1, $2, $3)
         ON CONFLICT DO NOTHING",
    )
    .bind(&digest[..])
    .bind(now_ms)
    .bind(content)
    .execute(&mut *tx)
    .await?;
    let version = sql::query_scalar("SELECT id FROM template_versions WHERE digest = $1");
    Ok(version.bind(&digest[..]).fetch_one(tx).await?)
}
