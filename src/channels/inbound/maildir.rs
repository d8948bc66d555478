//! A maildir that the mail server delivers into: what lies in `new` is read, then moved to `cur`.
//!
//! A mail is moved only after the caller has kept it, so a kill in between lets it be read once
//! more, and the caller recognises the same bytes.
//!
//! Source: D. J. Bernstein, Using maildir format.

use std::ffi::OsString;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// The most mails that are listed at one time.
const AT_ONCE: usize = 1_000;

/// A maildir.
#[derive(Clone, Debug)]
pub struct Maildir {
    folder: PathBuf,
}

/// A mail in `new`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewMail {
    name: OsString,
}

/// What a mail held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// The whole mail.
    Whole(Vec<u8>),
    /// It is larger than is taken.
    TooLarge,
    /// It is gone: somebody else has moved it.
    Gone,
}

impl Maildir {
    /// The maildir in a folder.
    pub fn new(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
        }
    }

    /// What lies in `new`, the oldest names first, at most a thousand.
    ///
    /// # Errors
    ///
    /// The folder cannot be read.
    pub fn list(&self) -> io::Result<Vec<NewMail>> {
        let mut names = Vec::new();
        for entry in std::fs::read_dir(self.folder.join("new"))? {
            let entry = entry?;
            // A link could point anywhere; a mail server makes none.
            let hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
            if entry.file_type()?.is_file() && !hidden {
                names.push(entry.file_name());
            }
        }
        names.sort();
        names.truncate(AT_ONCE);
        Ok(names.into_iter().map(|name| NewMail { name }).collect())
    }

    /// Reads a mail of at most `largest` bytes.
    ///
    /// # Errors
    ///
    /// The file is there and cannot be read.
    pub fn read(&self, mail: &NewMail, largest: usize) -> io::Result<Content> {
        let file = match std::fs::File::open(self.folder.join("new").join(&mail.name)) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Content::Gone),
            Err(error) => return Err(error),
        };
        let mut bytes = Vec::new();
        file.take(largest as u64 + 1).read_to_end(&mut bytes)?;
        Ok(if bytes.len() > largest {
            Content::TooLarge
        } else {
            Content::Whole(bytes)
        })
    }

    /// Moves a mail to `cur`, as seen. That it is gone already is no error.
    ///
    /// # Errors
    ///
    /// It cannot be moved.
    pub fn done(&self, mail: &NewMail) -> io::Result<()> {
        let mut name = mail.name.clone();
        // ":2,S" says that it was seen; a name that says something already keeps it.
        if !mail.name.as_encoded_bytes().windows(3).any(|w| w == b":2,") {
            name.push(":2,S");
        }
        let cur = self.folder.join("cur");
        std::fs::create_dir_all(&cur)?;
        match std::fs::rename(self.folder.join("new").join(&mail.name), cur.join(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mail_is_read_from_new_and_moved_to_cur() {
        let folder = tempfile::tempdir().unwrap();
        let new = folder.path().join("new");
        std::fs::create_dir_all(&new).unwrap();
        std::fs::write(new.join("2.b"), "second").unwrap();
        std::fs::write(new.join("1.a"), "first").unwrap();
        std::fs::write(new.join(".hidden"), "x").unwrap();
        let maildir = Maildir::new(folder.path());
        let mails = maildir.list().unwrap();
        assert_eq!(mails.len(), 2);
        let whole = Content::Whole(b"first".to_vec());
        assert_eq!(maildir.read(&mails[0], 100).unwrap(), whole);
        assert_eq!(maildir.read(&mails[1], 3).unwrap(), Content::TooLarge);
        maildir.done(&mails[0]).unwrap();
        maildir.done(&mails[0]).unwrap();
        assert!(folder.path().join("cur/1.a:2,S").is_file());
        assert_eq!(maildir.read(&mails[0], 100).unwrap(), Content::Gone);
        assert_eq!(maildir.list().unwrap().len(), 1);
        assert!(Maildir::new(&folder.path().join("none")).list().is_err());
    }
}
