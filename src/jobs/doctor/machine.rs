//! The machine: database, disk, clock, and who can read our files.

use std::path::Path;

use chrono::TimeDelta;

use super::Finding;
use crate::app::App;
use crate::clock::Clock;
use crate::db::{Server, StoreError};

/// Less free space than this is a fault, in bytes: a day of a large base, its log and a sort.
const LEAST_SPACE: u64 = 1 << 30;

/// How far the clock may lie before what the database remembers.
const CLOCK_SLACK: TimeDelta = TimeDelta::minutes(2);

/// How far the clocks of this machine and of the server may lie apart.
const SKEW: TimeDelta = TimeDelta::seconds(2);

/// Fewer free connections than this are worth a look: one process more would not start.
const SPARE: i64 = 20;

pub(super) async fn database(app: &App) -> Vec<Finding> {
    let place = app.store.place();
    let mut findings = Vec::new();
    findings.push(match app.store.check_writing().await {
        Ok(()) => Finding::good("database", format!("{place} can be written to")),
        Err(error) => Finding::failure(
            "database",
            error.to_string(),
            "see who else writes to it, and whether the disk is full or read-only",
        ),
    });
    findings.extend(server(app).await);
    // Where a server has the database its disk is its own; backups, rejects and the sandbox are here.
    let beside = place.beside("lock");
    let folder = beside.parent().unwrap_or(Path::new("."));
    findings.push(match fs4::available_space(folder) {
        Ok(free) if free < LEAST_SPACE => Finding::failure(
            "disk",
            format!("only {} MB are free in {}", free >> 20, folder.display()),
            "free some space: a full disk stops everything",
        ),
        Ok(free) => Finding::good("disk", format!("{} GB are free", free >> 30)),
        Err(error) => Finding::warning("disk", error.to_string(), "look at the disk by hand"),
    });
    findings.extend(place.file().and_then(|file| only_ours("database", file)));
    findings.extend(only_ours("key", &app.path(&app.settings.paths.key)));
    findings
}

/// The server that has the database, where one has it.
async fn server(app: &App) -> Vec<Finding> {
    let before = app.clock.now();
    let server = match app.store.server().await {
        Ok(Some(server)) => server,
        Ok(None) => return Vec::new(),
        Err(error) => {
            let mend = "see whether the server is running and lets us in";
            return vec![Finding::failure("server", error.to_string(), mend)];
        }
    };
    let after = app.clock.now();
    let mut findings = vec![fitness(&server)];
    if !server.careless.is_empty() {
        findings.push(Finding::warning(
            "server",
            format!(
                "{} is off: a power cut may take back what was promised",
                server.careless.join(", ")
            ),
            "turn it on in postgresql.conf: after a power cut a letter could be sent a second time",
        ));
    }
    if !server.missing.is_empty() {
        findings.push(Finding::failure(
            "server",
            format!("the extensions {} are missing, and we may not make them", server.missing.join(", ")),
            "let an administrator run CREATE EXTENSION in this database (Debian: postgresql-contrib), \
             or let the user own the database",
        ));
    }
    if server.connected + SPARE > server.connections {
        findings.push(Finding::warning(
            "server",
            format!(
                "{} of {} connections are in use",
                server.connected, server.connections
            ),
            "raise max_connections, or run fewer processes: each takes up to 16",
        ));
    }
    if !server.secure {
        findings.push(Finding::warning(
            "server",
            "the connection leaves this machine and is not encrypted",
            "add ?sslmode=verify-full to database.url, and sslrootcert=FILE where the authority is your own",
        ));
    }
    // A clock that is moved by hand tells nothing about the machine.
    if !matches!(app.clock, Clock::System) {
        return findings;
    }
    let there = chrono::DateTime::from_timestamp_millis(server.now_ms).unwrap_or(after);
    findings.push(if there < before - SKEW || there > after + SKEW {
        Finding::failure(
            "clock",
            format!("the server says {there}, this machine {after}"),
            "turn on the synchronisation of the clock (NTP) on both",
        )
    } else {
        Finding::good("clock", "the server has the same time")
    });
    findings
}

/// Whether the server can have a base at all.
fn fitness(server: &Server) -> Finding {
    let version = &server.version;
    if server.too_old {
        let text = format!("PostgreSQL {version} is older than 13");
        return Finding::failure("server", text, "move the database to a newer server");
    }
    if server.encoding != "UTF8" {
        return Finding::failure(
            "server",
            format!("the database keeps texts in {}", server.encoding),
            "make it anew: createdb --encoding UTF8 --template template0 NAME",
        );
    }
    let (connected, of) = (server.connected, server.connections);
    let text = format!("PostgreSQL {version}, {connected} of {of} connections in use");
    Finding::good("server", text)
}

/// A file that others on the machine can read holds the clients, or the key of their addresses.
fn only_ours(check: &'static str, file: &Path) -> Option<Finding> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(file).ok()?.permissions().mode();
        if mode & 0o007 != 0 {
            return Some(Finding::warning(
                check,
                format!("everybody on this machine can read {}", file.display()),
                format!("chmod 600 {}", file.display()),
            ));
        }
    }
    let _ = (check, file);
    None
}

pub(super) async fn clock(app: &App) -> Result<Finding, StoreError> {
    let now = app.clock.now();
    let latest = app.store.latest_instant().await?;
    let latest = latest.and_then(chrono::DateTime::from_timestamp_millis);
    Ok(match latest {
        Some(latest) if latest > now + CLOCK_SLACK => Finding::failure(
            "clock",
            format!("the clock says {now}, and the database knows of {latest}"),
            "set the clock of this machine; turn on its synchronisation (NTP)",
        ),
        _ => Finding::good(
            "clock",
            format!("{} in {}", now.with_timezone(&app.zone()), app.zone()),
        ),
    })
}
