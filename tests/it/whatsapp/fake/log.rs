//! What the fake was asked and what it did about it: on the disk before the answer leaves.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use serde::Serialize;
use serde_json::json;

/// One request.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Logged {
    /// The number of its connection.
    pub(crate) connection: u64,
    /// Its `biz_opaque_callback_data`.
    pub(crate) key: Option<String>,
    /// Its recipient.
    pub(crate) to: Option<String>,
    /// Its template.
    pub(crate) template: Option<String>,
    /// The sum of its body.
    pub(crate) sha256: String,
    /// What was done about it.
    pub(crate) said: String,
    /// Whether the message counts as sent.
    pub(crate) taken: bool,
    /// Its id, when it was taken.
    pub(crate) wamid: Option<String>,
}

impl Logged {
    pub(super) fn without_body(connection: u64, said: &str) -> Self {
        Self {
            connection,
            key: None,
            to: None,
            template: None,
            sha256: String::new(),
            said: said.to_owned(),
            taken: false,
            wamid: None,
        }
    }
}

pub(super) struct Log {
    file: Arc<Mutex<File>>,
    all: Mutex<Vec<Logged>>,
    connections: AtomicU64,
    started: Instant,
}

impl Log {
    pub(super) fn create(path: &Path, started: Instant) -> Self {
        let file = File::options().create(true).append(true).open(path);
        Self {
            file: Arc::new(Mutex::new(file.expect("a log that can be written"))),
            all: Mutex::default(),
            connections: AtomicU64::new(0),
            started,
        }
    }

    /// Counts a connection and gives it a number.
    pub(super) fn connection(&self) -> u64 {
        self.connections.fetch_add(1, Ordering::SeqCst) + 1
    }

    pub(super) fn connections(&self) -> u64 {
        self.connections.load(Ordering::SeqCst)
    }

    /// Writes a line and returns when it is on the disk.
    pub(super) async fn write(&self, logged: Logged) {
        let at_ms = self.started.elapsed().as_millis() as u64;
        let mut line = json!(logged);
        line["at_ms"] = at_ms.into();
        let file = Arc::clone(&self.file);
        let written = tokio::task::spawn_blocking(move || {
            let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
            file.write_all(format!("{line}\n").as_bytes())?;
            file.sync_data()
        });
        let written = written.await.expect("writing does not panic");
        written.expect("a log that can be written");
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        all.push(logged);
    }

    pub(super) fn all(&self) -> Vec<Logged> {
        let all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        all.clone()
    }
}
