//! What clients may ask for: to be told everything that is known of them, and to be forgotten.
//!
//! Of whoever is forgotten the personal data goes and does not come back with an import or a backup;
//! the proof of what was sent, the keys of messages and the wish to get nothing more stay.

use std::collections::HashSet;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use crate::app::App;
use crate::db::{Entry, Erasure, Forgotten, Store, StoreError};
use crate::model::{AddressKey, Channel, ClientId, Day, hex};

/// Why a client could not be forgotten.
#[derive(Debug, thiserror::Error)]
pub enum ErasureError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The file with the proofs.
    #[error("{0}: {1}; without it a restored backup would bring the client back")]
    File(PathBuf, io::Error),
}

/// The end of the name of the file beside a database that says, by keyed hash, who must be forgotten
/// again when an older backup is put back.
pub const PROOFS: &str = "erased";

/// The keyed hash of a client: all that is left of who it was.
pub fn proof(key: &AddressKey, source: &str, client: &str) -> [u8; 32] {
    key.mac("erasure", &format!("{source}\n{client}"))
}

/// Forgets a client.
pub async fn forget(
    app: &App,
    client: ClientId,
    entry: &Entry<'_>,
) -> Result<Forgotten, ErasureError> {
    let known = app.store.identity_of(client).await?.unwrap_or_default();
    let proof = proof(&app.key, &known.0, &known.1);
    // First the proof: killed in between, the client is forgotten at the next restore at the latest.
    let file = app.store.place().beside(PROOFS);
    keep(&file, &proof).map_err(|error| ErasureError::File(file, error))?;
    Ok(erase(&app.store, &app.key, client, proof, app.today(), entry).await?)
}

/// Everything that is known of a client, part by part, with what is kept under his addresses.
pub async fn everything(app: &App, client: ClientId) -> Result<Map<String, Value>, StoreError> {
    let mut all = app.store.all_about(client).await?;
    let addresses = app.store.addresses_of(client).await?;
    let (mut seen, mut suppressed) = (HashSet::new(), Vec::new());
    for (channel, address) in addresses {
        let hash = app.key.hash(channel, &address);
        if !seen.insert(hash) {
            continue;
        }
        let of_address = app.store.suppressions_of(&[hash]).await?;
        let of_channel = of_address.iter().filter(|row| row.channel == channel);
        suppressed.extend(of_channel.map(|row| {
            json!({
                "address": address,
                "channel": row.channel,
                "scope": row.scope,
                "reason": row.reason,
                "since": row.since,
                "by": row.source,
            })
        }));
    }
    all.insert("suppressions".to_owned(), Value::Array(suppressed));
    Ok(all)
}

async fn erase(
    store: &Store,
    key: &AddressKey,
    client: ClientId,
    proof: [u8; 32],
    today: Day,
    entry: &Entry<'_>,
) -> Result<Forgotten, StoreError> {
    let addresses = store.addresses_of(client).await?;
    let hashes: Vec<(Channel, [u8; 32])> = addresses
        .iter()
        .map(|(channel, text)| (*channel, key.hash(*channel, text)))
        .collect();
    let erasure = Erasure {
        client,
        proof,
        addresses: &hashes,
        today,
    };
    store.forget_client(&erasure, entry).await
}

fn keep(file: &Path, proof: &[u8; 32]) -> io::Result<()> {
    let mut opened = fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(file)?;
    writeln!(opened, "{}", hex(proof))?;
    opened.sync_all()
}

/// Forgets again whom an older database does not know to be forgotten; returns how many.
pub async fn again(store: &Store, key: &AddressKey, now_ms: i64) -> Result<u64, StoreError> {
    let text = fs::read_to_string(store.place().beside(PROOFS)).unwrap_or_default();
    let proofs: HashSet<&str> = text.lines().collect();
    if proofs.is_empty() {
        return Ok(0);
    }
    let entry = Entry {
        by: "restore",
        reason: "was forgotten after the backup was made",
        now_ms,
    };
    let now = chrono::DateTime::from_timestamp_millis(now_ms).unwrap_or_default();
    let today = Day::from_date(now.date_naive());
    let mut forgotten = 0;
    for (id, source, client) in store.clients_not_forgotten().await? {
        let proof = proof(key, &source, &client);
        if !proofs.contains(hex(&proof).as_str()) {
            continue;
        }
        erase(store, key, id, proof, today, &entry).await?;
        forgotten += 1;
    }
    Ok(forgotten)
}
