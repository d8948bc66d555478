//! `rekindle backup` and `rekindle restore`.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context;
use chrono::{DateTime, Utc};
use clap::Args;
use serde::Serialize;

use super::open::{self, Configuration, Configured};
use super::plan::json;
use super::{Exit, Format, counted};
use crate::app::App;
use crate::clock::Clock;
use crate::config::Loaded;
use crate::db::{Access, Lock, Place, Replaced, Store, try_lock_beside};
use crate::jobs::backup::{self, Sound};
use crate::jobs::erasure;
use crate::sources::load_or_create_key;

/// Arguments of `rekindle backup`.
#[derive(Clone, Debug, Args)]
pub(super) struct BackupArgs {
    /// The folder in which the backup gets a folder of its own [default: backup.folder]
    #[arg(value_name = "FOLDER")]
    folder: Option<PathBuf>,
    /// How to print it
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Arguments of `rekindle restore`.
#[derive(Clone, Debug, Args)]
pub(super) struct RestoreArgs {
    /// The folder of one backup: the one with manifest.json
    #[arg(value_name = "BACKUP")]
    folder: PathBuf,
    /// Only look whether it is whole
    #[arg(long)]
    check: bool,
    /// The PostgreSQL database that the restored one replaces, where it can still be read: who said
    /// "stop" there after the backup is not written to
    #[arg(long, value_name = "URL", conflicts_with = "check")]
    replaces: Option<String>,
    /// How to print it
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// What a restore did, for programs.
#[derive(Serialize)]
struct Restored {
    database: String,
    /// What stood there before.
    replaced: Vec<PathBuf>,
    held_messages: u64,
    /// Wishes to get nothing more that the replaced database knew and the backup did not; nothing when
    /// nobody said which database that is.
    suppressions_taken_over: Option<u64>,
    /// Clients who had asked to be forgotten after the backup was made.
    forgotten_again: u64,
}

/// Makes a backup.
pub(super) async fn run(app: &App, args: &BackupArgs, out: &mut dyn Write) -> anyhow::Result<Exit> {
    let folder = args
        .folder
        .clone()
        .unwrap_or_else(|| app.path(&app.settings.backup.folder));
    let planning = app.store.lock(Lock::Planning).await?;
    let made = planning.during(backup::make(app, &folder)).await??;
    match args.format {
        Format::Json => json(out, &made)?,
        Format::Text => {
            writeln!(out, "{} is whole:", made.folder.display())?;
            for (table, rows) in &made.manifest.rows {
                writeln!(out, "  {table:<16} {rows:>10}")?;
            }
            writeln!(
                out,
                "It holds the clients and the key of their addresses: keep it as you keep both"
            )?;
        }
    }
    Ok(Exit::Done)
}

/// Puts a backup back: nothing of it leaves before a person says so.
///
/// The database in place may be damaged, so it is not opened as other commands do.
pub(super) async fn restore(
    config: &Configuration,
    args: &RestoreArgs,
    clock: &Clock,
    out: &mut dyn Write,
) -> anyhow::Result<Exit> {
    let configured = match open::configuration(config) {
        Ok(configured) => configured,
        Err(problems) => return Ok(super::show_problems(&problems)),
    };
    let sound = backup::inspect(&args.folder).await?;
    if args.check {
        match args.format {
            Format::Json => json(out, &sound.manifest)?,
            Format::Text => writeln!(out, "{} is whole", args.folder.display())?,
        }
        return Ok(Exit::Done);
    }
    let restored = put_back(&configured, &sound, args.replaces.as_deref(), clock).await?;
    match args.format {
        Format::Json => json(out, &restored)?,
        Format::Text => told(out, &restored)?,
    }
    Ok(Exit::NeedsPerson)
}

async fn put_back(
    configured: &Configured,
    sound: &Sound,
    replaces: Option<&str>,
    clock: &Clock,
) -> anyhow::Result<Restored> {
    let loaded = &configured.loaded;
    let password = open::password(&loaded.settings, &loaded.home)?;
    let access = open::access(loaded, password.as_ref());
    let now = clock.now();
    let made = chrono::DateTime::from_timestamp_millis(sound.manifest.made_at).unwrap_or(now);
    let reason = format!(
        "the base was restored from a backup of {}: what left after it is not known",
        made.with_timezone(&loaded.settings.company.time_zone.0)
            .format("%Y-%m-%d %H:%M")
    );
    let mut restored = match Place::of(access.url, access.home)? {
        Place::File(_) if replaces.is_some() => anyhow::bail!(
            "--replaces is for databases of PostgreSQL: the file that is replaced is looked at anyway"
        ),
        Place::File(database) => into_file(&database, loaded, sound, &access, &reason, now).await?,
        place @ Place::Server { .. } => {
            let stamp = stamp(now);
            // Reached before anything is done: a wrong address does no harm.
            let old = match replaces {
                Some(url) => Some(
                    Replaced::reach(&Access {
                        url,
                        ..access.clone()
                    })
                    .await?,
                ),
                None => None,
            };
            let replaced = sound
                .put_on_server(&access, &loaded.key_file(), &stamp)
                .await?;
            let store = Store::open_with(&access).await?;
            let held_messages = store.hold_restored(&reason, now.timestamp_millis()).await?;
            let suppressions_taken_over = match old {
                Some(old) => Some(store.take_over_wishes_of(old).await?),
                None => None,
            };
            store.close().await;
            Restored {
                database: place.to_string(),
                replaced,
                held_messages,
                suppressions_taken_over,
                forgotten_again: 0,
            }
        }
    };
    let store = Store::open_with(&access).await?;
    let key = load_or_create_key(&loaded.key_file())?;
    restored.forgotten_again = erasure::again(&store, &key, now.timestamp_millis()).await?;
    store.close().await;
    Ok(restored)
}

fn stamp(now: DateTime<Utc>) -> String {
    now.format("%Y%m%dT%H%M%S").to_string()
}

/// Prepares a copy beside the file that it is to replace, and puts it in its place.
async fn into_file(
    database: &Path,
    loaded: &Loaded,
    sound: &Sound,
    access: &Access<'_>,
    reason: &str,
    now: DateTime<Utc>,
) -> anyhow::Result<Restored> {
    let busy = "another process is using this database: stop the service first";
    let _delivering = try_lock_beside(database, Lock::Delivery)?.context(busy)?;
    let _scheduling = try_lock_beside(database, Lock::Schedules)?.context(busy)?;
    let _planning = try_lock_beside(database, Lock::Planning)?.context(busy)?;
    let beside = sound.lay_beside(database)?;
    let address = format!("sqlite://{}", beside.display());
    let to_copy = Access {
        url: &address,
        home: Path::new(""),
        ..access.clone()
    };
    let store = Store::open_with(&to_copy).await?;
    let held_messages = store.hold_restored(reason, now.timestamp_millis()).await?;
    // A database that cannot be read any more has nothing to tell.
    let suppressions_taken_over = if database.is_file() {
        store.take_over_wishes(database).await.ok()
    } else {
        None
    };
    store.close().await;
    let key_file = loaded.key_file();
    let replaced = sound.put_in_place(&beside, database, &key_file, &stamp(now))?;
    Ok(Restored {
        database: database.display().to_string(),
        replaced,
        held_messages,
        suppressions_taken_over,
        forgotten_again: 0,
    })
}

fn told(out: &mut dyn Write, restored: &Restored) -> anyhow::Result<()> {
    writeln!(out, "{} is back", restored.database)?;
    for file in &restored.replaced {
        writeln!(out, "  what stood there is now {}", file.display())?;
    }
    writeln!(
        out,
        "{} that had not left are held; {} and {} that came after the backup are kept",
        counted(restored.held_messages, "message"),
        counted(
            restored.suppressions_taken_over.unwrap_or_default(),
            "suppression"
        ),
        counted(restored.forgotten_again, "erasure"),
    )?;
    if restored.suppressions_taken_over.is_none() {
        writeln!(
            out,
            "Who said \"stop\" after the backup is NOT known here, because no database was replaced that \
             could tell: a server's old one is named by --replaces URL"
        )?;
    }
    writeln!(
        out,
        "Nothing leaves, and live runs wait, before `rekindle runs release restore --by NAME \
         --reason TEXT`"
    )?;
    Ok(())
}
