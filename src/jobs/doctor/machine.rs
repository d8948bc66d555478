//! The machine: database, disk, clock, and who can read our files.

use std::path::Path;

use chrono::TimeDelta;

use super::Finding;
use crate::app::App;
use crate::db::StoreError;

/// Less free space than this is a fault, in bytes: a day of a large base, its log and a sort.
const LEAST_SPACE: u64 = 1 << 30;

/// How far the clock may lie before what the database remembers.
const CLOCK_SLACK: TimeDelta = TimeDelta::minutes(2);

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
