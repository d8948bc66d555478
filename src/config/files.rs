//! Finding and reading the configuration files: where home is, what lies in the campaigns folder,
//! and what to say about a file that is no text.

use std::fs;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use super::problem::{Problem, Severity, shown_path};

/// The most bytes of a configuration file; nobody writes more by hand.
const MAX_BYTES: u64 = 1024 * 1024;

/// The folder that relative paths start at: the one that holds `config/`, or the one of the file
/// when that is not in a folder of this name.
pub(super) fn home_of(config_file: &Path) -> PathBuf {
    let folder = config_file.parent().unwrap_or(Path::new(""));
    let folder = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    // A bare file name tells nothing about its folder; the working directory does.
    let absolute = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    if absolute.file_name().is_none_or(|name| name != "config") {
        return folder.to_owned();
    }
    let ends_in_config = folder.file_name().is_some_and(|name| name == "config");
    let home = match folder.parent().filter(|_| ends_in_config) {
        Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
        Some(parent) => parent,
        None => return folder.join(".."),
    };
    home.to_owned()
}

/// The text of a configuration file.
pub(super) fn read_text(path: &Path) -> Result<String, Box<Problem>> {
    let file = shown_path(path);
    let problem =
        |message: String, hint: &str| Box::new(Problem::error(&file, message).with_hint(hint));
    let unreadable = |error: &std::io::Error| match error.kind() {
        ErrorKind::NotFound => problem(
            "there is no such file".to_owned(),
            "`rekindle init` writes one to start with",
        ),
        ErrorKind::PermissionDenied => problem(
            "the file may not be read".to_owned(),
            "give the user that runs rekindle the right to read it",
        ),
        _ => problem(
            format!("the file cannot be read: {error}"),
            "check the path",
        ),
    };
    if path.is_dir() {
        return Err(problem(
            "this is a folder".to_owned(),
            "name the file in it",
        ));
    }
    let opened = fs::File::open(path).map_err(|error| unreadable(&error))?;
    let mut bytes = Vec::new();
    // One byte more than allowed tells a file that is too large, whatever its length claims.
    let mut limited = opened.take(MAX_BYTES + 1);
    limited
        .read_to_end(&mut bytes)
        .map_err(|error| unreadable(&error))?;
    if bytes.len() as u64 > MAX_BYTES {
        let message = format!("the file is larger than {} KiB", MAX_BYTES / 1024);
        return Err(problem(
            message,
            "a configuration is a few pages: is this the right file?",
        ));
    }
    String::from_utf8(bytes)
        .map_err(|error| not_utf8(&file, error.as_bytes(), error.utf8_error().valid_up_to()))
}

/// Points at the first byte that is not UTF-8.
fn not_utf8(file: &str, bytes: &[u8], valid: usize) -> Box<Problem> {
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Box::new(Problem::error(file, "the file is UTF-16").with_hint("save it as UTF-8"));
    }
    if bytes.contains(&0) {
        let hint = "is it a picture or a spreadsheet? A configuration is plain text";
        return Box::new(Problem::error(file, "the file is not a text").with_hint(hint));
    }
    let before = String::from_utf8_lossy(&bytes[..valid]);
    let line = before.matches('\n').count() + 1;
    let start = before.rsplit('\n').next().unwrap_or_default();
    // What is not UTF-8 is nearly always this: then the line can be shown as it was meant.
    let (text, ..) = encoding_rs::WINDOWS_1251.decode(bytes);
    let text = text.lines().nth(line - 1).unwrap_or_default();
    let problem = Problem::error(file, "the file is not UTF-8 from here on")
        .with_hint("save it as UTF-8; older editors write Windows-1251")
        .at(line, start.chars().count() + 1, 1, text);
    Box::new(problem)
}

/// The campaign files of a folder by name, and what is wrong with the folder.
pub(super) fn campaign_files(folder: &Path) -> (Vec<PathBuf>, Vec<Problem>) {
    let shown = shown_path(folder);
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let problem = Problem::new(
                Severity::Warning,
                shown,
                "there is no such folder: no campaigns",
            );
            let problem = problem.with_hint("`rekindle init` writes a set to start with");
            return (Vec::new(), vec![problem]);
        }
        Err(error) => {
            let problem = Problem::error(
                shown,
                format!("the campaigns folder cannot be read: {error}"),
            );
            return (
                Vec::new(),
                vec![problem.with_hint("paths.campaigns names the folder")],
            );
        }
    };
    let mut files = Vec::new();
    let mut problems = Vec::new();
    for path in entries.filter_map(Result::ok).map(|entry| entry.path()) {
        let name = path.file_name().unwrap_or_default();
        let name = name.to_string_lossy().to_lowercase();
        let ends_in = |end: &str| name.len() > end.len() && name.ends_with(end);
        if name.starts_with('.') {
            continue;
        }
        if ends_in(".toml") {
            files.push(path);
        } else if ends_in(".toml.txt") {
            let message = "not read: the name ends in .txt";
            let problem = Problem::new(Severity::Warning, shown_path(&path), message);
            problems.push(problem.with_hint("rename it so that it ends in .toml"));
        }
    }
    files.sort();
    (files, problems)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn home_is_the_folder_that_holds_config() {
        for (file, home) in [
            ("config/rekindle.toml", "."),
            ("./config/rekindle.toml", "."),
            ("/srv/rekindle/config/rekindle.toml", "/srv/rekindle"),
            ("/srv/rekindle/other.toml", "/srv/rekindle"),
            ("a/b.toml", "a"),
            ("x/y/../b.toml", "x/y/.."),
        ] {
            assert_eq!(home_of(Path::new(file)), Path::new(home), "{file}");
        }
    }
}
