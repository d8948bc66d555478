//! Taking up changed campaigns and templates while the service is running. What is broken is not
//! taken up: the campaigns before stay in force, and the operator hears of it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use super::open::{self, Configuration, Configured};
use crate::app::App;
use crate::db::CONFIGURATION;

/// How often the files are looked at.
const LOOK: Duration = Duration::from_secs(2);

/// Looks at the files of the configuration.
#[derive(Debug)]
pub(super) struct Watch {
    config: Configuration,
    /// What was in the files when they were looked at last.
    known: [u8; 32],
}

impl Watch {
    /// Begins to look; the files as they are now are those of `app`.
    pub(super) async fn begin(app: &App, config: &Configuration) -> Self {
        note(app, "").await;
        Self {
            config: config.clone(),
            known: fingerprint(app, &config.file),
        }
    }

    /// Waits until the campaigns or templates have changed and are right; returns the application
    /// with them. Nothing when it is told to stop.
    pub(super) async fn changed(&mut self, app: &App, stop: &CancellationToken) -> Option<App> {
        loop {
            tokio::select! {
                () = stop.cancelled() => return None,
                () = tokio::time::sleep(LOOK) => {}
            }
            let seen = fingerprint(app, &self.config.file);
            if seen == self.known {
                continue;
            }
            // Whoever is writing several files is let finish.
            tokio::time::sleep(Duration::from_millis(300)).await;
            if fingerprint(app, &self.config.file) != seen {
                continue;
            }
            self.known = seen;
            match open::configuration(&self.config) {
                Ok(configured) => return Some(taken_up(app, configured).await),
                Err(problems) => {
                    let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
                    note(app, &problems.join("\n")).await;
                    for problem in &problems {
                        error!(%problem, "the changed configuration is not taken up");
                    }
                }
            }
        }
    }
}

async fn taken_up(app: &App, configured: Configured) -> App {
    if configured.loaded.settings != app.settings {
        warn!("the settings have changed as well: they take effect at the next start");
    }
    info!(
        campaigns = configured.loaded.campaigns.len(),
        "changed campaigns are taken up"
    );
    note(app, "").await;
    App {
        home: app.home.clone(),
        settings: app.settings.clone(),
        campaigns: configured.loaded.campaigns,
        templates: configured.templates,
        artist: configured.artist,
        store: app.store.clone(),
        key: app.key.clone(),
        clock: app.clock.clone(),
    }
}

async fn note(app: &App, problem: &str) {
    let noted = app.store.beat(CONFIGURATION, "", problem, app.now_ms());
    if let Err(error) = noted.await {
        error!(%error, "the state of the configuration could not be noted");
    }
}

/// What the files of campaigns and templates hold: equal for equal contents.
fn fingerprint(app: &App, config_file: &Path) -> [u8; 32] {
    let mut files = Vec::new();
    collect(&app.path(&app.settings.paths.campaigns), &mut files);
    collect(&app.path(&app.settings.paths.templates), &mut files);
    files.push(config_file.to_owned());
    files.sort();
    let mut digest = Sha256::new();
    for file in files {
        digest.update(file.to_string_lossy().as_bytes());
        digest.update([0]);
        // A file that cannot be read is a problem that loading tells about.
        digest.update(std::fs::read(&file).unwrap_or_default());
        digest.update([0]);
    }
    digest.finalize().into()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return;
    };
    for path in entries.filter_map(Result::ok).map(|entry| entry.path()) {
        if path.is_dir() {
            collect(&path, files);
        } else {
            files.push(path);
        }
    }
}
