//! The rules of the house, read from its sources: floors, the pure room, the clock, sizes.
#![expect(
    clippy::unwrap_used,
    reason = "a source that cannot be read fails the test as it should"
)]

use std::fs;
use std::path::{Path, PathBuf};

/// The rooms from the ground up; a room may use those with a smaller number. On the ground floor
/// `model` lies below the others, and on the third `app` is what `jobs` and `web` are handed, and `web`
/// shows what `jobs` do. What both do with `certificates` stands between them and `app`.
const FLOORS: &[(&str, u8)] = &[
    ("model", 0),
    ("config", 1),
    ("clock", 1),
    ("rules", 10),
    ("db", 20),
    ("sources", 20),
    ("channels", 20),
    ("render", 20),
    ("pictures", 20),
    ("app", 30),
    ("certificates", 31),
    ("jobs", 32),
    ("web", 33),
    ("cli", 40),
    ("main", 40),
    ("lib", 40),
];

/// What has no place in the pure rooms.
const IMPURE: &[&str] = &[
    "async fn",
    ".await",
    "sqlx",
    "tokio",
    "reqwest",
    "lettre",
    "axum",
    "apalis",
    "tracing::",
    "std::env",
    "std::fs",
    "std::net",
    "std::thread",
    "SystemTime",
    "Instant::now",
    "Utc::now",
    "rand::",
    "println!",
];

/// The most lines of a file, its tests left aside.
const LONGEST_FILE: usize = 500;

/// A source file: its room, its path, its text without the tests at its end.
struct Source {
    room: String,
    path: PathBuf,
    text: String,
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    collect(&root, &mut files);
    files.sort();
    files
        .into_iter()
        .map(|path| {
            let inside = path.strip_prefix(&root).unwrap();
            let first = inside
                .components()
                .next()
                .unwrap()
                .as_os_str()
                .to_string_lossy();
            let room = first.trim_end_matches(".rs").to_owned();
            let text = fs::read_to_string(&path).unwrap();
            let text = text
                .split("#[cfg(test)]\nmod tests {")
                .next()
                .unwrap()
                .to_owned();
            Source { room, path, text }
        })
        .collect()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|end| end == "rs") {
            files.push(path);
        }
    }
}

fn floor(room: &str) -> Option<u8> {
    FLOORS
        .iter()
        .find(|(name, _)| *name == room)
        .map(|(_, floor)| *floor)
}

/// The lines of a text that are code, with their numbers.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines()
        .enumerate()
        .map(|(index, line)| (index + 1, line))
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
}

/// The rooms that a line names by `crate::room`.
fn rooms_named(line: &str) -> impl Iterator<Item = &str> {
    line.split("crate::").skip(1).map(|rest| {
        let end = rest
            .find(|c: char| !(c.is_ascii_lowercase() || c == '_'))
            .unwrap_or(rest.len());
        &rest[..end]
    })
}

#[test]
fn every_room_has_a_floor() {
    let homeless: Vec<String> = sources()
        .into_iter()
        .filter(|source| floor(&source.room).is_none())
        .map(|source| source.path.display().to_string())
        .collect();
    assert!(
        homeless.is_empty(),
        "no floor for {homeless:?}: add the room to DESIGN and here"
    );
}

#[test]
fn nobody_imports_from_above_or_from_beside() {
    let mut wrong = Vec::new();
    for source in sources() {
        let own = floor(&source.room).unwrap();
        for (number, line) in code(&source.text) {
            for named in rooms_named(line) {
                let Some(theirs) = floor(named) else { continue };
                if named != source.room && theirs >= own {
                    wrong.push(format!("{}:{number}: {line}", source.path.display()));
                }
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "imports against the floors:\n{}",
        wrong.join("\n")
    );
}

#[test]
fn the_pure_rooms_are_pure() {
    let mut wrong = Vec::new();
    for source in sources() {
        if !["rules", "model"].contains(&source.room.as_str()) {
            continue;
        }
        for (number, line) in code(&source.text) {
            if let Some(word) = IMPURE.iter().find(|word| line.contains(**word)) {
                wrong.push(format!("{}:{number}: {word}", source.path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "impure:\n{}", wrong.join("\n"));
}

#[test]
fn only_the_clock_reads_the_time() {
    let mut wrong = Vec::new();
    for source in sources() {
        if source.room == "clock" {
            continue;
        }
        for (number, line) in code(&source.text) {
            if ["Utc::now(", "Local::now(", "SystemTime::now("]
                .iter()
                .any(|word| line.contains(word))
            {
                wrong.push(format!("{}:{number}", source.path.display()));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "the time is read outside of the clock:\n{}",
        wrong.join("\n")
    );
}

#[test]
fn whatever_writes_waits_for_its_turn() {
    // A copy of the database is written into another file.
    const COPIES: &str = "db/backup.rs";
    let mut wrong = Vec::new();
    for source in sources() {
        if source.room != "db" || source.path.ends_with(COPIES) {
            continue;
        }
        for (number, line) in code(&source.text) {
            if line.contains("execute(&self.pool)") {
                wrong.push(format!("{}:{number}", source.path.display()));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "written past the one connection that writes (`self.writer`):\n{}",
        wrong.join("\n")
    );
}

#[test]
fn every_file_says_what_it_is_and_stays_one_subject() {
    let mut wrong = Vec::new();
    for source in sources() {
        let path = source.path.display();
        if !source.text.starts_with("//!") {
            wrong.push(format!("{path}: does not begin with //!"));
        }
        let lines = source.text.lines().count();
        if lines > LONGEST_FILE {
            wrong.push(format!("{path}: {lines} lines"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn nothing_is_left_for_later() {
    let mut wrong = Vec::new();
    for source in sources() {
        for (number, line) in source.text.lines().enumerate() {
            if ["TODO", "FIXME", "XXX", "unimplemented!", "todo!"]
                .iter()
                .any(|word| line.contains(word))
            {
                wrong.push(format!("{}:{}", source.path.display(), number + 1));
            }
        }
    }
    assert!(wrong.is_empty(), "left for later:\n{}", wrong.join("\n"));
}
