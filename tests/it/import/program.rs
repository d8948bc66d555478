//! The real program in the folder of a shop: started, limited, and heard.

use std::path::Path;
use std::process::{Command, Stdio};

use super::shop::{SNAPSHOT, Shop};

const PROGRAM: &str = env!("CARGO_BIN_EXE_rekindle");

/// What the program said on both outputs, and its exit code; none when it was killed.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) code: Option<i32>,
    pub(super) text: String,
}

/// `rekindle import` in a folder.
pub(super) fn command(folder: &Path) -> Command {
    let mut command = Command::new(PROGRAM);
    command.arg("import");
    at_home(command, folder)
}

/// `rekindle import` by a shell that limits it first, as an operating system that is short of room
/// would.
pub(super) fn limited(folder: &Path, limit: &str) -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("{limit}; exec \"$0\" import"), PROGRAM]);
    at_home(shell, folder)
}

fn at_home(mut command: Command, folder: &Path) -> Command {
    command.current_dir(folder).stdin(Stdio::null());
    command.env_remove("REKINDLE_CONFIG");
    command.env_remove("REKINDLE_LOG");
    command
}

/// Runs a command to its end. It must not have panicked, whatever it met.
pub(super) fn run(mut command: Command) -> Said {
    let output = command.output().unwrap();
    let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.push_str(&String::from_utf8_lossy(&output.stderr));
    assert!(!text.contains("panicked"), "{text}");
    Said {
        code: output.status.code(),
        text,
    }
}

/// A shop with the real history in its folder, and nothing of it in the database.
pub(super) async fn retail() -> Shop {
    let shop = Shop::of("GBP", "Europe/London", "GB", SNAPSHOT).await;
    shop.data("online_retail.csv", "purchases.csv");
    shop
}
