//! What there is to know of the server that has the database, for the doctor.

use super::sql;
use super::sql::Engine;
use super::{Result, Store};

/// The oldest server that is tried, as `server_version_num` has it.
pub(super) const LEAST_VERSION: i64 = 130_000;

/// What the queue that wakes the workers needs in the database.
const EXTENSIONS: &str = "'pgcrypto', 'hstore'";

/// A server of PostgreSQL as the doctor sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// Its version in words: `15.4 (Debian 15.4-1)`.
    pub version: String,
    /// Whether that is too old.
    pub too_old: bool,
    /// The encoding of its texts.
    pub encoding: String,
    /// Its time, in unix milliseconds.
    pub now_ms: i64,
    /// Whether what is committed survives a power cut: `fsync`, `full_page_writes` and
    /// `synchronous_commit`, those that are off.
    pub careless: Vec<String>,
    /// Connections that all programs may have.
    pub connections: i64,
    /// Connections that are open.
    pub connected: i64,
    /// Extensions of the queue that are missing and that we may not make.
    pub missing: Vec<String>,
    /// Whether the connection is encrypted, where it leaves this machine.
    pub secure: bool,
}

impl Store {
    /// What there is to know of the server; nothing where the database is a file.
    pub async fn server(&self) -> Result<Option<Server>> {
        if self.pool.engine() == Engine::Sqlite {
            return Ok(None);
        }
        let statement = format!(
            "SELECT current_setting('server_version') AS version,
                    current_setting('server_version_num')::bigint AS number,
                    current_setting('server_encoding') AS encoding,
                    (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now_ms,
                    current_setting('fsync') AS fsync,
                    current_setting('full_page_writes') AS pages,
                    current_setting('synchronous_commit') AS commits,
                    current_setting('max_connections')::bigint AS connections,
                    (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend')
                        AS connected,
                    coalesce((SELECT string_agg(e.name, ' ') FROM pg_available_extensions e
                              WHERE e.name IN ({EXTENSIONS}) AND e.installed_version IS NOT NULL), '')
                        AS installed,
                    coalesce((SELECT string_agg(e.name, ' ') FROM pg_available_extensions e
                              WHERE e.name IN ({EXTENSIONS})), '') AS available,
                    has_database_privilege(current_database(), 'CREATE') AS may_create,
                    coalesce(inet_client_addr() IS NULL OR inet_client_addr() = inet_server_addr()
                             OR (SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()), false)
                        AS secure"
        );
        let row = sql::query(sqlx::AssertSqlSafe(statement))
            .fetch_one(&self.pool)
            .await?;
        let text = |name: &str| row.get::<String, _>(name);
        let settings = [
            ("fsync", text("fsync")),
            ("full_page_writes", text("pages")),
            ("synchronous_commit", text("commits")),
        ];
        let careless = settings.into_iter().filter(|(_, value)| value == "off");
        let (installed, available) = (text("installed"), text("available"));
        let may_create: bool = row.get("may_create");
        let names = EXTENSIONS.split(", ").map(|name| name.trim_matches('\''));
        let missing = names.filter(|name| {
            let has = |list: &str| list.split(' ').any(|one| one == *name);
            !(has(&installed) || may_create && has(&available))
        });
        Ok(Some(Server {
            too_old: row.get::<i64, _>("number") < LEAST_VERSION,
            version: text("version"),
            encoding: text("encoding"),
            now_ms: row.get("now_ms"),
            careless: careless.map(|(name, _)| name.to_owned()).collect(),
            connections: row.get("connections"),
            connected: row.get("connected"),
            missing: missing.map(str::to_owned).collect(),
            secure: row.get("secure"),
        }))
    }
}
