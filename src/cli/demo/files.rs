//! The files of the demo: what is compiled in, and which folder it may be written to.
//!
//! `config/demo/README.md` says where the data comes from and what of it is real.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::config::ready;
use crate::model::Locale;

/// Says that a folder was made by the demo and may be made again.
const MARK: &str = ".rekindle-demo";

/// What stands in it, for whoever opens it.
const MARK_TEXT: &str = "Made by `rekindle demo`. `rekindle demo DIR --again` makes it anew.\n";

/// The key of hashes, tokens and certificate codes: no secret here, so that every demo is the same
/// to the byte.
const KEY: &str = "64656d6f64656d6f64656d6f64656d6f64656d6f64656d6f64656d6f64656d6f\n";

/// What the demo puts into its folder, and all that `--again` takes away.
const OWN: [&str; 10] = [
    "config",
    "data",
    "letters",
    "sandbox",
    "rejects",
    "rekindle.key",
    "rekindle.db",
    "rekindle.db-wal",
    "rekindle.db-shm",
    "rekindle.db.lock",
];

macro_rules! data {
    ($($name:literal),+ $(,)?) => {
        &[$(($name, include_str!(concat!("../../../config/demo/data/", $name)))),+]
    };
}

/// The sample base.
const DATA: &[(&str, &str)] = data![
    "managers.csv",
    "clients.csv",
    "contacts.csv",
    "purchases.csv",
    "deals.csv",
    "visits.csv",
    "consents.csv",
    "suppressions.csv",
];

/// The company of the demo.
const SETTINGS: &str = include_str!("../../../config/demo/rekindle.toml");

/// Why the demo does not go into a folder.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Occupied {
    /// Files that are none of ours.
    ByOthers,
    /// An earlier demo.
    ByDemo,
}

/// Makes sure that the folder is there and may be written to.
///
/// An earlier demo is taken away when `again` is said; files that the demo did not make stay.
pub(super) fn make_room(dir: &Path, again: bool) -> anyhow::Result<Result<(), Occupied>> {
    let reading = || format!("look into {}", dir.display());
    let entries = match fs::read_dir(dir) {
        Ok(mut entries) => entries.next().transpose().with_context(reading)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error).with_context(reading),
    };
    if entries.is_some() {
        if !dir.join(MARK).exists() {
            return Ok(Err(Occupied::ByOthers));
        }
        if !again {
            return Ok(Err(Occupied::ByDemo));
        }
        for name in OWN {
            let path = dir.join(name);
            remove(&path).with_context(|| format!("take away {}", path.display()))?;
        }
    }
    Ok(Ok(()))
}

fn remove(path: &Path) -> io::Result<()> {
    let gone = if path.is_dir() {
        fs::remove_dir_all(path)
    } else {
        fs::remove_file(path)
    };
    match gone {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// Writes configuration, campaigns and data; says where the configuration is.
pub(super) fn write(dir: &Path) -> anyhow::Result<PathBuf> {
    // The mark comes first: a demo that was killed can be made again.
    write_one(&dir.join(MARK), MARK_TEXT)?;
    let config = dir.join("config");
    for (name, text) in ready::campaigns(Locale::Ru) {
        // The demo has its own news: they answer what its clients said no for.
        let text = match *name {
            "rejection-answered.toml" => text
                .replace("status = \"draft\"", "status = \"live\"")
                .replace("day = 2026-12-03", "day = 2026-11-16"),
            _ => (*text).to_owned(),
        };
        write_one(&config.join("campaigns").join(name), &text)?;
    }
    for (name, text) in ready::schemas() {
        write_one(&config.join("schema").join(name), &text)?;
    }
    for (name, text) in DATA {
        write_one(&dir.join("data").join(name), text)?;
    }
    write_one(&dir.join("rekindle.key"), KEY)?;
    let settings = config.join("rekindle.toml");
    write_one(&settings, SETTINGS)?;
    Ok(settings)
}

/// Writes a file and the folders above it.
pub(super) fn write_one(path: &Path, text: &str) -> anyhow::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).with_context(|| format!("make the folder {}", folder.display()))?;
    fs::write(path, text).with_context(|| format!("write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_empty_folder_or_an_earlier_demo_is_written_to() {
        let home = tempfile::tempdir().unwrap();
        let dir = home.path().join("demo");
        assert_eq!(make_room(&dir, false).unwrap(), Ok(()));
        write(&dir).unwrap();
        assert_eq!(make_room(&dir, false).unwrap(), Err(Occupied::ByDemo));
        fs::write(dir.join("notes.txt"), "mine").unwrap();
        assert_eq!(make_room(&dir, true).unwrap(), Ok(()));
        assert!(!dir.join("data").exists());
        assert!(dir.join("notes.txt").exists());

        let other = tempfile::tempdir().unwrap();
        fs::write(other.path().join("rekindle.db"), "").unwrap();
        assert_eq!(
            make_room(other.path(), true).unwrap(),
            Err(Occupied::ByOthers)
        );
        assert!(other.path().join("rekindle.db").exists());
    }
}
