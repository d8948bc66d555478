//! Passwords and keys: from the environment or from a file of their own, never from the TOML.
//!
//! What is read here is wrapped so that it cannot be printed by accident and is wiped when it is
//! no longer needed.

use std::fs;
use std::path::{Path, PathBuf};

pub use secrecy::{ExposeSecret, SecretString};

/// Why a secret cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The environment does not have it.
    #[error("the environment variable {0} is not set; set it where rekindle is started")]
    NotSet(String),
    /// The file cannot be read.
    #[error("{}: {error}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
    /// Others can read the file.
    #[error("{}: others on this machine can read it; run chmod 600 on it", .0.display())]
    Open(PathBuf),
    /// There is nothing in it.
    #[error("{0} is empty")]
    Empty(String),
}

/// The secret in an environment variable.
pub fn from_env(name: &str) -> Result<SecretString, SecretError> {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place where secrets are read from the environment"
    )]
    let value = std::env::var(name).map_err(|_| SecretError::NotSet(name.to_owned()))?;
    whole(value, name)
}

/// The secret in a file, without the line break at its end.
///
/// Fails when anybody but the owner may read the file.
pub fn from_file(path: &Path) -> Result<SecretString, SecretError> {
    let wrong = |error| SecretError::File {
        path: path.to_owned(),
        error,
    };
    let about = fs::metadata(path).map_err(wrong)?;
    #[cfg(unix)]
    if std::os::unix::fs::PermissionsExt::mode(&about.permissions()) & 0o077 != 0 {
        return Err(SecretError::Open(path.to_owned()));
    }
    #[cfg(not(unix))]
    let _ = about;
    let text = fs::read_to_string(path).map_err(wrong)?;
    whole(text, &path.display().to_string())
}

fn whole(text: String, name: &str) -> Result<SecretString, SecretError> {
    let trimmed = text.trim_end_matches(['\r', '\n']);
    if trimmed.is_empty() {
        return Err(SecretError::Empty(name.to_owned()));
    }
    let secret = SecretString::from(trimmed);
    // The copy that was read is wiped as well.
    drop(SecretString::from(text));
    Ok(secret)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(unix)]
    fn a_file_that_others_can_read_is_refused_and_nothing_is_printed() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("password");
        fs::write(&path, "s3cret\r\n").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(from_file(&path), Err(SecretError::Open(_))));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        let secret = from_file(&path).unwrap();
        assert_eq!(secret.expose_secret(), "s3cret");
        assert!(!format!("{secret:?}").contains("s3cret"));
        fs::write(&path, "\n").unwrap();
        assert!(matches!(from_file(&path), Err(SecretError::Empty(_))));
        let missing = from_file(&folder.path().join("none"));
        assert!(missing.unwrap_err().to_string().contains("none"));
        let unset = from_env("REKINDLE_TEST_VARIABLE_THAT_IS_NOT_SET").unwrap_err();
        assert!(unset.to_string().contains("is not set"));
    }
}
