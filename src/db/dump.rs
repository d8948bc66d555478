//! Dumps of a database of PostgreSQL, by the programs that come with it: `pg_dump` and `pg_restore`.
//!
//! Its own programs know every version of the server and what a dump must hold. What they wrote is
//! read back as a whole before it counts as a backup.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::str::FromStr;

use sqlx::postgres::{PgConnectOptions, PgSslMode};
use sqlx::{ConnectOptions, Connection};

use super::backup::{TableCounts, is_counted};
use super::opening::Access;
use super::sql;
use super::{Place, Result, Store, StoreError};
use crate::config::secrets::ExposeSecret;

/// How much of what a program said is told.
const SAID: usize = 2_000;

impl Store {
    /// Dumps our schema, as it was at one moment, into a file that does not exist yet; nobody has to
    /// wait. Returns the name of the schema.
    pub async fn dump_to(&self, access: &Access<'_>, file: &Path) -> Result<String> {
        let schema = sql::query_scalar::<String>("SELECT current_schema()::text");
        let schema = schema.fetch_one(&self.pool).await?;
        let mut command = program("pg_dump", access)?;
        command
            .args(["--format=custom", "--no-owner", "--no-privileges"])
            .arg(format!("--schema=\"{schema}\""))
            .arg(format!("--file={}", file.display()));
        ended("pg_dump", command).await?;
        Ok(schema)
    }

    /// Reads a dump as a whole; the rows of the tables that a backup is measured by.
    pub async fn rows_of_dump(file: &Path) -> Result<TableCounts> {
        let mut command = Command::new("pg_restore");
        command.args(["--data-only", "--file=-"]).arg(file);
        let counted = tokio::task::spawn_blocking(move || count_rows(command));
        let counted = counted.await;
        counted.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))
    }

    /// Puts a dump of a schema into a database that has nothing in it, as a whole or not at all.
    pub async fn restore_dump(access: &Access<'_>, file: &Path, schema: &str) -> Result<()> {
        nothing_there(access, schema).await?;
        let mut command = program("pg_restore", access)?;
        let database = access.to_server()?;
        let database = database.get_database().unwrap_or(database.get_username());
        command
            .args([
                "--no-owner",
                "--no-privileges",
                "--single-transaction",
                "--exit-on-error",
            ])
            .arg(format!("--schema={schema}"))
            .arg(format!("--dbname={database}"))
            .arg(file);
        ended("pg_restore", command).await
    }
}

/// Refuses a database in which anything is, and another schema than that of the dump.
async fn nothing_there(access: &Access<'_>, schema: &str) -> Result<()> {
    let place = Place::of(access.url, access.home)?;
    let connected = access.to_server()?.connect().await;
    let mut session = connected.map_err(|source| StoreError::Open {
        place: place.clone(),
        source,
    })?;
    let found: (Option<String>, i64) = sqlx::query_as(
        "SELECT current_schema()::text,
                (SELECT count(*) FROM pg_class WHERE relnamespace = current_schema()::regnamespace
                   AND relkind IN ('r', 'p', 'v', 'm', 'f'))",
    )
    .fetch_one(&mut session)
    .await?;
    session.close().await?;
    let (there, tables) = found;
    if there.as_deref() != Some(schema) {
        let there = there.unwrap_or_default();
        return Err(StoreError::Program {
            program: "pg_restore",
            said: format!(
                "the backup is of the schema {schema}, and {place} leads to the schema \"{there}\": \
                 name it in the address (?options[search_path]={schema}), and make it if it is missing"
            ),
        });
    }
    if tables > 0 {
        return Err(StoreError::Program {
            program: "pg_restore",
            said: format!(
                "{place} is not empty: make a new database (createdb NAME) and let database.url lead \
                 there; the old one stays as it is"
            ),
        });
    }
    Ok(())
}

/// A program of PostgreSQL that finds the database as we do. The password goes by the environment,
/// where nobody else can read it.
fn program(name: &'static str, access: &Access<'_>) -> Result<Command> {
    let options: PgConnectOptions = access.to_server()?;
    let mut command = Command::new(name);
    let host = options.get_socket().cloned();
    let host = host.unwrap_or_else(|| PathBuf::from(options.get_host()));
    command
        .env("PGHOST", host)
        .env("PGPORT", options.get_port().to_string())
        .env("PGUSER", options.get_username())
        .env("PGSSLMODE", ssl_mode(options.get_ssl_mode()))
        .env_remove("PGOPTIONS")
        .arg("--no-password");
    if let Some(database) = options.get_database() {
        command.env("PGDATABASE", database);
    }
    match access.password {
        Some(password) => {
            command.env("PGPASSWORD", password.expose_secret());
        }
        None => {
            if let Some(password) = password_of(access.url) {
                command.env("PGPASSWORD", password);
            }
        }
    }
    if let Some(authority) = parameter(access.url, "sslrootcert") {
        command.env("PGSSLROOTCERT", authority);
    }
    Ok(command)
}

fn ssl_mode(mode: PgSslMode) -> &'static str {
    match mode {
        PgSslMode::Disable => "disable",
        PgSslMode::Allow => "allow",
        PgSslMode::Prefer => "prefer",
        PgSslMode::Require => "require",
        PgSslMode::VerifyCa => "verify-ca",
        PgSslMode::VerifyFull => "verify-full",
    }
}

/// The password in an address.
fn password_of(url: &str) -> Option<String> {
    let url = reqwest::Url::from_str(url).ok()?;
    url.password().map(decoded)
}

fn parameter(url: &str, name: &str) -> Option<String> {
    let url = reqwest::Url::from_str(url).ok()?;
    let mut parameters = url.query_pairs();
    parameters.find_map(|(key, value)| (key == name).then(|| value.into_owned()))
}

/// A text in which signs may be written as `%41`.
fn decoded(text: &str) -> String {
    let (mut bytes, mut rest) = (Vec::with_capacity(text.len()), text.as_bytes());
    while let Some((first, behind)) = rest.split_first() {
        let digits = behind
            .get(..2)
            .and_then(|two| std::str::from_utf8(two).ok());
        let byte = digits.and_then(|two| u8::from_str_radix(two, 16).ok());
        if let Some(byte) = byte.filter(|_| *first == b'%') {
            bytes.push(byte);
            rest = &behind[2..];
        } else {
            bytes.push(*first);
            rest = behind;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Runs a program to its end.
async fn ended(name: &'static str, mut command: Command) -> Result<()> {
    command.stdin(Stdio::null());
    let output = tokio::task::spawn_blocking(move || command.output());
    let output = output.await;
    let output = output.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()));
    let output = output.map_err(|error| not_started(name, &error))?;
    if output.status.success() {
        return Ok(());
    }
    Err(failed(name, &output.stderr))
}

/// Counts the rows of a dump: a line each between `COPY … FROM stdin;` and `\.`.
fn count_rows(mut command: Command) -> Result<TableCounts> {
    let name = "pg_restore";
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| not_started(name, &error))?;
    let said = child.stderr.take();
    let said = std::thread::spawn(move || {
        let mut text = Vec::new();
        let read = said.map(|mut said| said.read_to_end(&mut text));
        read.and_then(Result::ok);
        text
    });
    let mut counts = TableCounts::new();
    let mut table: Option<String> = None;
    let mut lines = BufReader::new(child.stdout.take().ok_or_else(|| failed(name, b""))?);
    let mut line = Vec::new();
    while lines.read_until(b'\n', &mut line)? > 0 {
        match &table {
            Some(_) if line == b"\\.\n" => table = None,
            Some(table) => *counts.entry(table.clone()).or_default() += 1,
            None => {
                table = copied_table(&line);
                if let Some(table) = &table {
                    counts.entry(table.clone()).or_default();
                }
            }
        }
        line.clear();
    }
    let status = child.wait()?;
    let said = said.join().unwrap_or_default();
    if !status.success() {
        return Err(failed(name, &said));
    }
    counts.retain(|table, _| is_counted(table));
    Ok(counts)
}

/// The table of a line `COPY schema.table (…) FROM stdin;`.
fn copied_table(line: &[u8]) -> Option<String> {
    let line = std::str::from_utf8(line).ok()?;
    let name = line.strip_prefix("COPY ")?.split(" (").next()?;
    let table = name.rsplit('.').next()?;
    Some(table.trim_matches('"').to_owned())
}

fn not_started(program: &'static str, error: &std::io::Error) -> StoreError {
    let said = if error.kind() == std::io::ErrorKind::NotFound {
        "it is not installed here: install the client programs of PostgreSQL, not older than the server \
         (Debian: apt-get install postgresql-client), or back the server up by other means and leave \
         schedule.backup at \"never\""
            .to_owned()
    } else {
        error.to_string()
    };
    StoreError::Program { program, said }
}

fn failed(program: &'static str, said: &[u8]) -> StoreError {
    let text = String::from_utf8_lossy(said);
    let said: String = text.trim().chars().take(SAID).collect();
    StoreError::Program { program, said }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_counted_by_their_tables() {
        let named = |line: &str| copied_table(line.as_bytes());
        assert_eq!(
            named("COPY public.clients (id, name) FROM stdin;\n").unwrap(),
            "clients"
        );
        assert_eq!(
            named("COPY it_1.\"holds\" (name) FROM stdin;\n").unwrap(),
            "holds"
        );
        assert_eq!(named("SET search_path = '';\n"), None);
    }

    #[test]
    fn a_password_in_an_address_is_read_as_it_is_meant() {
        let url = "postgres://anna:p%40ss%3A100%25@db.example.org/x?sslrootcert=%2Fetc%2Fca.pem";
        assert_eq!(password_of(url).unwrap(), "p@ss:100%");
        assert_eq!(parameter(url, "sslrootcert").unwrap(), "/etc/ca.pem");
        assert_eq!(password_of("postgres://anna@db.example.org/x"), None);
        assert_eq!(decoded("100%"), "100%");
    }
}
