//! The sandbox of a company: what would have gone to people, as files.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Every file in the sandbox below a folder, by its path inside, with its bytes.
pub(crate) fn files(home: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let root = home.join("sandbox");
    let mut found = BTreeMap::new();
    let mut ahead = vec![root.clone()];
    while let Some(folder) = ahead.pop() {
        let Ok(entries) = fs::read_dir(&folder) else {
            continue;
        };
        for entry in entries {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                ahead.push(path);
            } else {
                let inside = path.strip_prefix(&root).expect("inside").to_owned();
                found.insert(inside, fs::read(&path).expect("a file"));
            }
        }
    }
    found
}
