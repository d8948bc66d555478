//! Secrets: tokens and passwords, from the environment or from a file that only its owner reads.
//!
//! No secret ever stands in the configuration; there stands only where it comes from. What is read
//! prints itself as `[REDACTED]` and is wiped from memory when it is no longer needed.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use secrecy::SecretString;

/// Longest secret, in bytes: the tokens of Meta have a few hundred.
const LONGEST: u64 = 16 * 1024;

/// Where a secret comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SecretPlace<'p> {
    /// The environment variable.
    pub env: &'p str,
    /// The file, which counts before the variable; a relative one starts at the home folder.
    pub file: Option<&'p Path>,
}

/// Why there is no secret.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The variable is not set.
    #[error("the environment variable {0} is not set")]
    NotSet(String),
    /// The file cannot be read.
    #[error("{} cannot be read: {error}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// Others on the machine may read the file.
    #[error("{} can be read by others: run chmod 600 on it", .0.display())]
    Open(PathBuf),
    /// There is nothing in it, or what no token or password has in it.
    #[error("{0} holds no secret: one line of plain characters is expected")]
    Strange(String),
}

impl SecretPlace<'_> {
    /// Reads the secret; spaces and line ends around it do not count.
    ///
    /// # Errors
    ///
    /// It is not there, cannot be read, or is none. The secret itself is in no error.
    pub fn read(&self, home: &Path) -> Result<SecretString, SecretError> {
        let (text, place) = match self.file {
            Some(file) => {
                let path = home.join(file);
                let place = path.display().to_string();
                (read_file(path)?, place)
            }
            None => (read_variable(self.env)?, self.env.to_owned()),
        };
        let secret = text.trim();
        let good = !secret.is_empty() && !secret.chars().any(char::is_control);
        if good {
            Ok(SecretString::from(secret))
        } else {
            Err(SecretError::Strange(place))
        }
    }
}

fn read_variable(name: &str) -> Result<String, SecretError> {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place that reads secrets from the environment"
    )]
    let value = std::env::var(name);
    value.map_err(|error| match error {
        std::env::VarError::NotPresent => SecretError::NotSet(name.to_owned()),
        std::env::VarError::NotUnicode(_) => SecretError::Strange(name.to_owned()),
    })
}

fn read_file(path: PathBuf) -> Result<String, SecretError> {
    let about = match fs::metadata(&path) {
        Ok(about) => about,
        Err(error) => return Err(SecretError::Unreadable { path, error }),
    };
    if is_open(&about) {
        return Err(SecretError::Open(path));
    }
    if about.len() > LONGEST {
        return Err(SecretError::Strange(path.display().to_string()));
    }
    fs::read_to_string(&path).map_err(|error| SecretError::Unreadable { path, error })
}

#[cfg(unix)]
fn is_open(about: &fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    about.permissions().mode() & 0o077 != 0
}

/// Where files have no such modes, nothing can be said against one.
#[cfg(not(unix))]
fn is_open(_: &fs::Metadata) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    fn written(content: &str, mode: u32) -> (tempfile::TempDir, PathBuf) {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        (folder, path)
    }

    fn place(file: &Path) -> SecretPlace<'_> {
        SecretPlace {
            env: "REKINDLE_NO_SUCH_VARIABLE",
            file: Some(file),
        }
    }

    #[test]
    fn a_secret_comes_from_a_file_and_shows_itself_to_nobody() {
        let (folder, _) = written("s3cret\n", 0o600);
        let secret = place(Path::new("token")).read(folder.path()).unwrap();
        assert_eq!(secret.expose_secret(), "s3cret");
        assert!(!format!("{secret:?}").contains("s3cret"));
    }

    #[test]
    fn a_file_that_others_may_read_is_refused() {
        for mode in [0o640, 0o604, 0o644] {
            let (folder, path) = written("s3cret", mode);
            let error = place(&path).read(folder.path()).unwrap_err();
            assert!(matches!(error, SecretError::Open(_)), "{error}");
        }
    }

    #[test]
    fn what_is_no_secret_is_an_error_that_does_not_show_it() {
        for content in ["", " \n", "two\nlines", "tab\tinside"] {
            let (folder, path) = written(content, 0o600);
            let error = place(&path).read(folder.path()).unwrap_err();
            assert!(matches!(error, SecretError::Strange(_)), "{error}");
            assert!(!error.to_string().contains("lines"));
        }
        let error = place(Path::new("missing")).read(Path::new("/nowhere"));
        assert!(matches!(error, Err(SecretError::Unreadable { .. })));
    }

    #[test]
    fn a_variable_that_is_not_set_is_named() {
        let variable = SecretPlace {
            env: "REKINDLE_NO_SUCH_VARIABLE",
            file: None,
        };
        let error = variable.read(Path::new(".")).unwrap_err();
        assert!(error.to_string().contains("REKINDLE_NO_SUCH_VARIABLE"));
        let path = SecretPlace {
            env: "PATH",
            file: None,
        };
        assert!(path.read(Path::new(".")).is_ok());
    }
}
