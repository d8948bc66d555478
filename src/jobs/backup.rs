//! Backups: a folder with the database, the key of addresses and a manifest, made while the service
//! is running and looked at before it is called one; and putting one back.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::app::App;
use crate::config::secrets::SecretError;
use crate::db::{Access, Store, StoreError, TableCounts};
use crate::model::hex;
use crate::sources::load_or_create_key;

/// The names of the files in a backup: the database is a file of SQLite, or a dump of PostgreSQL.
const DATABASE: &str = "rekindle.db";
const DUMP: &str = "rekindle.dump";
const KEY: &str = "rekindle.key";
const MANIFEST: &str = "manifest.json";

/// How the folders of backups begin that rekindle makes and may remove.
const PREFIX: &str = "rekindle-";

/// What a backup holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The version of rekindle that made it.
    pub version: String,
    /// When, in unix milliseconds.
    pub made_at: i64,
    /// The rows of its tables.
    pub rows: TableCounts,
    /// SHA-256 of the key of addresses, hexadecimal: tells whether a key is the right one.
    pub key: String,
    /// The schema that was dumped, where the database is one of PostgreSQL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<String>,
}

/// A backup that was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Made {
    /// Its folder.
    pub folder: PathBuf,
    /// What it holds.
    #[serde(flatten)]
    pub manifest: Manifest,
    /// Bytes of its database.
    pub bytes: u64,
}

/// Why there is no backup, or why it cannot be put back.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The password of the database.
    #[error("the password of the database: {0}")]
    Password(#[from] SecretError),
    /// A file or folder.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The key is missing or another one.
    #[error(
        "{0}: without the key that the hashes were made with nobody who said \"stop\" is known any \
         more, so there is no backup without it"
    )]
    Key(String),
    /// The copy is not what it should be.
    #[error("the copy has {copied} rows in {table}, the database {expected}")]
    Rows {
        /// The table.
        table: String,
        /// Rows of the copy.
        copied: i64,
        /// Rows of the database, before or after the copy was made.
        expected: i64,
    },
    /// The backup is of the other kind of database.
    #[error("{0}")]
    Kind(String),
    /// The manifest cannot be read.
    #[error("{0} is no backup of rekindle: {1}")]
    Manifest(PathBuf, String),
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> BackupError {
    let path = path.to_owned();
    move |source| BackupError::File { path, source }
}

/// SHA-256 of a key, for the manifest.
fn fingerprint(key_file: &Path) -> Result<String, BackupError> {
    let text = fs::read_to_string(key_file)
        .map_err(|error| BackupError::Key(format!("{}: {error}", key_file.display())))?;
    Ok(hex(&Sha256::digest(text.trim().as_bytes())))
}

/// Makes a backup in a new folder below `folder`, and looks at every page of it.
///
/// The caller holds the lock of the database (`db::Lock`), so that no day is half planned.
pub async fn make(app: &App, folder: &Path) -> Result<Made, BackupError> {
    let key_file = app.path(&app.settings.paths.key);
    let on_disk =
        load_or_create_key(&key_file).map_err(|error| BackupError::Key(error.to_string()))?;
    // A key that was replaced under a running service would be the wrong one.
    if on_disk.mac("backup", "") != app.key.mac("backup", "") {
        let text = format!("{} is not the key in use", key_file.display());
        return Err(BackupError::Key(text));
    }
    fs::create_dir_all(folder).map_err(at(folder))?;
    let stamp = app.clock.now().with_timezone(&app.zone());
    let name = format!("{PREFIX}{}", stamp.format("%Y-%m-%dT%H%M%S"));
    let (unfinished, finished) = (folder.join(format!(".{name}")), folder.join(name));
    if unfinished.exists() {
        fs::remove_dir_all(&unfinished).map_err(at(&unfinished))?;
    }
    fs::create_dir(&unfinished).map_err(at(&unfinished))?;
    only_ours(&unfinished, 0o700).map_err(at(&unfinished))?;
    let made = fill(app, &unfinished, &key_file).await;
    if made.is_err() {
        let _ = fs::remove_dir_all(&unfinished);
    }
    let (manifest, bytes) = made?;
    // What is under its own name is whole.
    fs::rename(&unfinished, &finished).map_err(at(&finished))?;
    Ok(Made {
        folder: finished,
        manifest,
        bytes,
    })
}

async fn fill(app: &App, folder: &Path, key_file: &Path) -> Result<(Manifest, u64), BackupError> {
    let before = app.store.table_counts().await?;
    let (copy, schema) = copy(app, folder).await?;
    let after = app.store.table_counts().await?;
    let rows = rows_of(&copy).await?;
    for (table, copied) in &rows {
        let of = |counts: &TableCounts| counts.get(table).copied().unwrap_or_default();
        let (least, most) = (of(&before).min(of(&after)), of(&before).max(of(&after)));
        if !(least..=most).contains(copied) {
            return Err(BackupError::Rows {
                table: table.clone(),
                copied: *copied,
                expected: of(&after),
            });
        }
    }
    only_ours(&copy, 0o600).map_err(at(&copy))?;
    let bytes = fs::metadata(&copy).map_err(at(&copy))?.len();
    let key = folder.join(KEY);
    fs::copy(key_file, &key).map_err(at(&key))?;
    only_ours(&key, 0o600).map_err(at(&key))?;
    let manifest = Manifest {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        made_at: app.now_ms(),
        rows,
        key: fingerprint(key_file)?,
        schema,
    };
    let file = folder.join(MANIFEST);
    let text = serde_json::to_string_pretty(&manifest).unwrap_or_default();
    let mut written = fs::File::create(&file).map_err(at(&file))?;
    written.write_all(text.as_bytes()).map_err(at(&file))?;
    for path in [&copy, &key, &file, &folder.to_owned()] {
        let synced = fs::File::open(path).and_then(|file| file.sync_all());
        synced.map_err(at(path))?;
    }
    Ok((manifest, bytes))
}

/// Copies the database as it is at one moment; the file, and the schema where it is a dump.
async fn copy(app: &App, folder: &Path) -> Result<(PathBuf, Option<String>), BackupError> {
    if app.store.place().file().is_some() {
        let copy = folder.join(DATABASE);
        app.store.copy_to(&copy).await?;
        return Ok((copy, None));
    }
    let copy = folder.join(DUMP);
    let password = app.database_password()?;
    let access = app.database_access(password.as_ref());
    let schema = app.store.dump_to(&access, &copy).await?;
    Ok((copy, Some(schema)))
}

/// Reads a copy as a whole; the rows of its tables.
async fn rows_of(copy: &Path) -> Result<TableCounts, BackupError> {
    if copy.ends_with(DUMP) {
        return Ok(Store::rows_of_dump(copy).await?);
    }
    Ok(Store::verify_copy(copy).await?)
}

#[cfg(unix)]
fn only_ours(path: &Path, mode: u32) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
}

#[cfg(not(unix))]
fn only_ours(_: &Path, _: u32) -> io::Result<()> {
    Ok(())
}

/// The backups in a folder, the oldest first: whole ones of ours only.
pub fn list(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with(PREFIX) && path.join(MANIFEST).is_file() {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// Removes the oldest backups of a folder until `keep` are left; returns how many went.
pub fn thin_out(folder: &Path, keep: usize) -> Result<usize, BackupError> {
    let all = list(folder).map_err(at(folder))?;
    let surplus = all.len().saturating_sub(keep);
    for old in &all[..surplus] {
        fs::remove_dir_all(old).map_err(at(old))?;
    }
    Ok(surplus)
}

/// A backup that was looked at and may be put back.
#[derive(Debug)]
pub struct Sound {
    folder: PathBuf,
    /// What it holds.
    pub manifest: Manifest,
}

/// Looks at a backup: every page of its database, its rows, its key.
pub async fn inspect(folder: &Path) -> Result<Sound, BackupError> {
    let file = folder.join(MANIFEST);
    let bad = |reason: String| BackupError::Manifest(folder.to_owned(), reason);
    let text = fs::read_to_string(&file).map_err(|error| bad(format!("{MANIFEST}: {error}")))?;
    let manifest: Manifest =
        serde_json::from_str(&text).map_err(|error| bad(format!("{MANIFEST}: {error}")))?;
    if fingerprint(&folder.join(KEY))? != manifest.key {
        let key = folder.join(KEY);
        let text = format!("{} is not the key of this backup", key.display());
        return Err(BackupError::Key(text));
    }
    let name = if manifest.schema.is_some() {
        DUMP
    } else {
        DATABASE
    };
    let rows = rows_of(&folder.join(name)).await?;
    for (table, expected) in &manifest.rows {
        let copied = rows.get(table).copied().unwrap_or_default();
        if copied != *expected {
            return Err(BackupError::Rows {
                table: table.clone(),
                copied,
                expected: *expected,
            });
        }
    }
    Ok(Sound {
        folder: folder.to_owned(),
        manifest,
    })
}

impl Sound {
    /// Puts copies of the database and of the key beside the places that they are to take; what
    /// stands there is not touched.
    pub fn lay_beside(&self, database: &Path) -> Result<PathBuf, BackupError> {
        if self.manifest.schema.is_some() {
            return Err(BackupError::Kind(format!(
                "{} is the backup of a database of PostgreSQL: let database.url lead to an empty one",
                self.folder.display()
            )));
        }
        let beside = with_end(database, ".restoring");
        remove_database(&beside);
        fs::copy(self.folder.join(DATABASE), &beside).map_err(at(&beside))?;
        only_ours(&beside, 0o600).map_err(at(&beside))?;
        Ok(beside)
    }

    /// Puts the prepared copy and the key of the backup in their places; what stood there is moved
    /// aside under a name with `stamp`, and returned.
    pub fn put_in_place(
        &self,
        beside: &Path,
        database: &Path,
        key_file: &Path,
        stamp: &str,
    ) -> Result<Vec<PathBuf>, BackupError> {
        let aside = format!(".replaced-{stamp}");
        let mut moved = Vec::new();
        for end in ["-wal", "-shm", ""] {
            let old = with_end(database, end);
            if old.exists() {
                let to = with_end(&with_end(database, &aside), end);
                fs::rename(&old, &to).map_err(at(&to))?;
                moved.push(to);
            }
        }
        fs::rename(beside, database).map_err(at(database))?;
        self.put_key_in_place(key_file, &aside, &mut moved)?;
        Ok(moved)
    }

    /// Puts the dump into an empty database, and the key of the backup into its place; another key
    /// that stood there is moved aside under a name with `stamp`, and returned.
    pub async fn put_on_server(
        &self,
        access: &Access<'_>,
        key_file: &Path,
        stamp: &str,
    ) -> Result<Vec<PathBuf>, BackupError> {
        let Some(schema) = &self.manifest.schema else {
            return Err(BackupError::Kind(format!(
                "{} is the backup of a file of SQLite: put it back into one (--database \
                 sqlite://rekindle.db), then `rekindle migrate-to`",
                self.folder.display()
            )));
        };
        Store::restore_dump(access, &self.folder.join(DUMP), schema).await?;
        let mut moved = Vec::new();
        self.put_key_in_place(key_file, &format!(".replaced-{stamp}"), &mut moved)?;
        Ok(moved)
    }

    fn put_key_in_place(
        &self,
        key_file: &Path,
        aside: &str,
        moved: &mut Vec<PathBuf>,
    ) -> Result<(), BackupError> {
        let same = fingerprint(key_file).is_ok_and(|key| key == self.manifest.key);
        if !same {
            if key_file.exists() {
                let to = with_end(key_file, aside);
                fs::rename(key_file, &to).map_err(at(&to))?;
                moved.push(to);
            }
            fs::copy(self.folder.join(KEY), key_file).map_err(at(key_file))?;
            only_ours(key_file, 0o600).map_err(at(key_file))?;
        }
        Ok(())
    }
}

/// A path with something behind its name.
pub fn with_end(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    PathBuf::from(name)
}

fn remove_database(path: &Path) {
    for end in ["", "-wal", "-shm"] {
        // What is not there need not be removed.
        let _ = fs::remove_file(with_end(path, end));
    }
}
