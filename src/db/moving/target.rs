//! The database that a base is moved to, looked at before anything is made in it.

use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Row};

use super::super::opening::Access;
use super::super::server::LEAST_VERSION;
use super::super::{Place, Result, Store, StoreError};
use super::tables::quoted;
use super::{MOVED, MoveError};

/// Tables in which looking at an empty base leaves something: it is empty all the same.
pub(super) const TRIALS: &[&str] = &["checkups", "heartbeats"];

/// How many names of tables an error shows.
const SHOWN: usize = 5;

impl Store {
    /// Opens an empty database of PostgreSQL and makes our tables in it; refuses any other.
    ///
    /// `since` says when this base was marked as moved before, where it was.
    pub async fn open_empty(access: &Access<'_>, moved_before: bool) -> Result<Self, MoveError> {
        let place = Place::of(access.url, access.home)?;
        let options = access.to_server()?;
        let connected = options.connect().await;
        let mut session = connected.map_err(|source| StoreError::Open {
            place: place.clone(),
            source,
        })?;
        if let Some(why) = unfit(&mut session).await? {
            return Err(MoveError::Unfit { place, why });
        }
        if let Some(what) = content(&mut session).await? {
            let before = if moved_before {
                "; this base is marked as moved already: if it was moved there, all that is left is to \
                 write the address into database.url"
            } else {
                ""
            };
            return Err(MoveError::NotEmpty {
                place,
                what,
                before: before.to_owned(),
            });
        }
        session.close().await?;
        Ok(Self::open_with(access).await?)
    }

    /// Whether this base is marked as moved.
    pub async fn is_moved(&self) -> Result<bool> {
        Ok(self.holds().await?.iter().any(|hold| hold.name == MOVED))
    }
}

/// Why a server cannot have a base.
async fn unfit(session: &mut PgConnection) -> Result<Option<String>, sqlx::Error> {
    let about = sqlx::query(
        "SELECT current_setting('server_version_num')::bigint AS number,
                current_setting('server_version') AS version,
                current_setting('server_encoding') AS encoding, pg_is_in_recovery() AS standby,
                current_schema() AS schema",
    );
    let about = about.fetch_one(session).await?;
    let (number, version): (i64, String) = (about.try_get("number")?, about.try_get("version")?);
    if number < LEAST_VERSION {
        return Ok(Some(format!(
            "the server is PostgreSQL {version}; 13 or newer is needed"
        )));
    }
    let encoding: String = about.try_get("encoding")?;
    if encoding != "UTF8" {
        return Ok(Some(format!(
            "its encoding is {encoding}: make it anew with createdb --encoding UTF8 --template template0"
        )));
    }
    if about.try_get("standby")? {
        return Ok(Some(
            "the server is a standby and cannot be written to".to_owned(),
        ));
    }
    if about.try_get::<Option<String>, _>("schema")?.is_none() {
        return Ok(Some(
            "the schema that the address names is not there".to_owned(),
        ));
    }
    Ok(None)
}

/// What lies in a database that should be empty.
async fn content(session: &mut PgConnection) -> Result<Option<String>, sqlx::Error> {
    let tables = sqlx::query_scalar(
        "SELECT relname::text FROM pg_class
         WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'f')
         ORDER BY relname",
    );
    let tables: Vec<String> = tables.fetch_all(&mut *session).await?;
    if tables.is_empty() {
        return Ok(None);
    }
    if !tables.iter().any(|table| table == "_sqlx_migrations") {
        let names: Vec<&str> = tables.iter().take(SHOWN).map(String::as_str).collect();
        return Ok(Some(format!("it has the tables {}", names.join(", "))));
    }
    // Ours, of whoever tried the address before: empty as long as there are no rows.
    let ignored = |table: &str| table == "_sqlx_migrations" || TRIALS.contains(&table);
    let mut full = Vec::new();
    for table in tables.iter().filter(|table| !ignored(table)) {
        let any = format!("SELECT EXISTS (SELECT 1 FROM {})", quoted(table));
        let any: bool = sqlx::query_scalar(AssertSqlSafe(any))
            .fetch_one(&mut *session)
            .await?;
        if any {
            full.push(table.as_str());
        }
    }
    full.truncate(SHOWN);
    Ok((!full.is_empty()).then(|| format!("there are rows in {}", full.join(", "))))
}
