//! Progress of long work: a bar on a terminal, nothing elsewhere (logs have their own lines).

use indicatif::{ProgressBar, ProgressStyle};

/// A spinner that counts clients.
pub(super) fn clients() -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} clients: {msg} ({elapsed})") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(std::time::Duration::from_millis(200));
    bar
}
