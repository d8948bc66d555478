//! What a bench is asked for on the command line: `[CLIENTS] [FOLDER]`.

use std::path::PathBuf;

/// The number of clients, 100,000 unless told otherwise, and the folder in which bases stay between two
/// runs.
pub(crate) fn clients_and_folder(bench: &str) -> (u32, PathBuf) {
    // Cargo adds an argument of its own.
    let mut arguments = std::env::args().skip(1).filter(|one| one != "--bench");
    let clients = arguments.next().and_then(|text| text.parse().ok());
    let folder = arguments.next().map(PathBuf::from);
    let usual = || std::env::temp_dir().join(format!("rekindle-bench-{bench}"));
    (clients.unwrap_or(100_000), folder.unwrap_or_else(usual))
}
