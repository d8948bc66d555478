//! The file with the key for hashes of addresses.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::model::{AddressKey, hex};

/// Why the key cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// The file cannot be read or written.
    #[error("the key file {path} cannot be used: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file holds something else.
    #[error(
        "the key file {0} does not hold a key of 64 hexadecimal digits: restore it from the backup; \
         with a new key no suppressed address is known any more"
    )]
    NotAKey(PathBuf),
}

/// Reads the key at `path`; makes it at first use, readable by the owner only.
///
/// Two processes that start at once get the same key.
pub fn load_or_create_key(path: &Path) -> Result<AddressKey, KeyFileError> {
    let failed = |source| KeyFileError::Io {
        path: path.to_owned(),
        source,
    };
    match fs::read_to_string(path) {
        Ok(text) => parse(text.trim()).ok_or_else(|| KeyFileError::NotAKey(path.to_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            create(path).map_err(failed)?;
            let text = fs::read_to_string(path).map_err(failed)?;
            parse(text.trim()).ok_or_else(|| KeyFileError::NotAKey(path.to_owned()))
        }
        Err(error) => Err(failed(error)),
    }
}

/// Writes a new key beside `path` and puts it in place, unless another process was faster.
fn create(path: &Path) -> io::Result<()> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|error| io::Error::other(error.to_string()))?;
    let text = hex(&bytes) + "\n";
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    // A temporary file is readable by its owner only, and linking it fails where a key is already.
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    match file.persist_noclobber(path) {
        Ok(_) => File::open(folder)?.sync_all(),
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error.error),
    }
}

fn parse(text: &str) -> Option<AddressKey> {
    let mut bytes = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (index, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * index..2 * index + 2], 16).ok()?;
    }
    Some(AddressKey::new(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Channel;

    #[test]
    fn the_key_is_made_once_for_the_owner_only_and_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys/rekindle.key");
        let hash = |key: AddressKey| key.hash(Channel::Email, "anna@example.org");
        let first = hash(load_or_create_key(&path).unwrap());
        assert_eq!(hash(load_or_create_key(&path).unwrap()), first);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = fs::metadata(&path).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        let other = load_or_create_key(&folder.path().join("other.key")).unwrap();
        assert_ne!(hash(other), first);
    }

    #[test]
    fn a_damaged_key_file_is_an_error_and_never_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rekindle.key");
        fs::write(&path, "short").unwrap();
        assert!(matches!(
            load_or_create_key(&path),
            Err(KeyFileError::NotAKey(_))
        ));
        assert_eq!(fs::read_to_string(&path).unwrap(), "short");
    }
}
