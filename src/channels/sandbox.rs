//! The sandbox: a folder in which messages are looked at instead of being sent.
//!
//! One folder a day, one folder a campaign, one file a message: `2026-11-25/missed-cycle/
//! Петрова-Анна--9f3c2a71b0de.eml`. Writing a message again gives the same file with the same
//! bytes; a file is either whole or not there. Nothing leaves the machine from here.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use sha2::{Digest, Sha256};

use crate::model::Day;

/// Longest readable part of a name, in characters; file systems allow 255 bytes in all.
const READABLE_LIMIT: usize = 60;

/// The folder that messages are written into.
#[derive(Clone, Debug)]
pub struct Sandbox {
    folder: PathBuf,
    durable: bool,
}

/// Where in the sandbox a message belongs.
#[derive(Clone, Copy, Debug)]
pub struct Place<'p> {
    /// The business date of the run.
    pub day: Day,
    /// The campaign.
    pub campaign: &'p str,
    /// Who and what, for the eyes: the client's name and the step.
    pub label: &'p str,
    /// The key of the message, by which its file is always the same.
    pub key: &'p str,
}

/// What is written: it decides how the name ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A letter as MIME.
    Eml,
    /// A request as JSON.
    Json,
    /// The picture of a certificate that a letter carries.
    Png,
}

impl Sandbox {
    /// A sandbox in `folder`, which is made when the first message is written. Every file is
    /// flushed to the disk before it gets its name.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            durable: true,
        }
    }

    /// The same sandbox without flushing each file: for replays of many days, where the letters
    /// can be written again.
    #[must_use]
    pub fn relaxed(self) -> Self {
        Self {
            durable: false,
            ..self
        }
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where a message is, or would be.
    pub fn path(&self, place: &Place<'_>, form: Form) -> PathBuf {
        let end = match form {
            Form::Eml => "eml",
            Form::Json => "json",
            Form::Png => "png",
        };
        let name = format!(
            "{}--{}.{end}",
            readable(place.label),
            fingerprint(place.key)
        );
        self.folder
            .join(place.day.to_string())
            .join(readable(place.campaign))
            .join(name)
    }

    /// Writes a message and tells where; writing it again changes nothing.
    ///
    /// # Errors
    ///
    /// The folder cannot be written to or the disk is full; the message is not there then.
    pub fn write(&self, place: &Place<'_>, form: Form, bytes: &[u8]) -> io::Result<PathBuf> {
        let path = self.path(place, form);
        if fs::read(&path).is_ok_and(|there| there == bytes) {
            return Ok(path);
        }
        let folder = path.parent().unwrap_or(&self.folder);
        fs::create_dir_all(folder)?;
        let unfinished = folder.join(unfinished_name());
        let written = self.write_whole(&unfinished, bytes).and_then(|()| {
            fs::rename(&unfinished, &path)?;
            if self.durable {
                sync_folder(folder)?;
            }
            Ok(())
        });
        if let Err(error) = written {
            // The half file is of no use to anybody; the error that matters is the first one.
            let _ = fs::remove_file(&unfinished);
            return Err(error);
        }
        Ok(path)
    }

    fn write_whole(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let mut file = File::create(path)?;
        file.write_all(bytes)?;
        if self.durable {
            file.sync_all()?;
        }
        Ok(())
    }
}

/// A name that no other writer uses at the same time, in this process or another.
fn unfinished_name() -> String {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    let n = COUNTER.fetch_add(1, Ordering::Relaxed);
    format!(".unfinished-{}-{n}", std::process::id())
}

/// Makes the new name of a file outlive a power cut.
fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

/// The letters and digits of a text, in any script, with hyphens between them.
///
/// Nothing of it can lead out of the folder or mean something to a shell.
fn readable(text: &str) -> String {
    let words: Vec<&str> = text
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    let joined: String = words.join("-").chars().take(READABLE_LIMIT).collect();
    if joined.is_empty() {
        "message".to_owned()
    } else {
        joined
    }
}

/// Twelve hexadecimal digits that stand for a key.
fn fingerprint(key: &str) -> String {
    let digest = Sha256::digest(key.as_bytes());
    let (first, _) = digest.split_at(6);
    let number = first
        .iter()
        .fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    format!("{number:012x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place<'p>(label: &'p str, key: &'p str) -> Place<'p> {
        Place {
            day: "2026-11-25".parse().unwrap(),
            campaign: "missed-cycle",
            label,
            key,
        }
    }

    #[test]
    fn a_message_written_twice_is_one_file() {
        let folder = tempfile::tempdir().unwrap();
        for sandbox in [
            Sandbox::new(folder.path()),
            Sandbox::new(folder.path()).relaxed(),
        ] {
            let place = place("Петрова Анна, letter", "k1");
            let first = sandbox.write(&place, Form::Eml, b"one").unwrap();
            let second = sandbox.write(&place, Form::Eml, b"one").unwrap();
            assert_eq!(first, second);
            assert_eq!(fs::read(&first).unwrap(), b"one");
            let siblings = fs::read_dir(first.parent().unwrap()).unwrap().count();
            assert_eq!(siblings, 1);
            assert!(first.ends_with(format!(
                "2026-11-25/missed-cycle/Петрова-Анна-letter--{}.eml",
                fingerprint("k1")
            )));
        }
    }

    #[test]
    fn no_name_leads_out_of_the_folder() {
        let sandbox = Sandbox::new("/sandbox");
        for evil in [
            "../../etc/passwd",
            "..",
            "/",
            "a\0b",
            "C:\\x",
            "",
            "🙂",
            "con",
        ] {
            let place = Place {
                campaign: evil,
                ..place(evil, evil)
            };
            let path = sandbox.path(&place, Form::Json);
            let parts: Vec<_> = path.components().collect();
            assert_eq!(parts.len(), 5, "{}", path.display());
            let shown = path.to_str().unwrap();
            assert!(shown.starts_with("/sandbox/2026-11-25/") && !shown.contains(".."));
        }
        let long = "ж".repeat(1_000);
        let name = sandbox.path(&place(&long, "k"), Form::Eml);
        assert!(name.file_name().unwrap().len() < 200);
    }

    #[test]
    fn two_messages_to_one_client_are_two_files() {
        let sandbox = Sandbox::new("/sandbox");
        let path = |key| sandbox.path(&place("Анна", key), Form::Eml);
        assert_ne!(path("k1"), path("k2"));
        assert_ne!(path("a/b"), path("a-b"));
    }

    #[test]
    fn a_folder_that_cannot_be_written_to_is_an_error_and_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        let sandbox = Sandbox::new(&file);
        assert!(sandbox.write(&place("a", "b"), Form::Eml, b"x").is_err());
    }
}
