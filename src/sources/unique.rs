//! Facts with an id: of the rows of a file that share one the last counts.

use serde::de::DeserializeOwned;

use super::SourceError;
use super::facts::Next;
use super::header::Slot;
use super::rejects::BadRow;
use super::sorted::Sorted;
use super::values::BadValue;

/// A fact with the line it stands on.
pub(super) type Lined<T> = (u64, T);

/// Hands out the last of the rows that share an id; the others become rejects.
pub(super) fn last_of_each<T>(mut sorted: Sorted<(Vec<u8>, Lined<T>)>, id: Slot) -> Next<Lined<T>>
where
    T: DeserializeOwned + Send + 'static,
{
    let mut waiting: Option<(Vec<u8>, Lined<T>)> = None;
    Box::new(move |rejects| {
        loop {
            let following = sorted.next().map_err(SourceError::Temporary)?;
            let Some((id_bytes, (line, fact))) = std::mem::replace(&mut waiting, following) else {
                if waiting.is_none() {
                    return Ok(None);
                }
                continue;
            };
            match &waiting {
                Some((next_id, (next_line, _))) if *next_id == id_bytes => {
                    rejects.row(line, duplicate(&id, &id_bytes, *next_line))?;
                }
                _ => return Ok(Some((line, fact))),
            }
        }
    })
}

/// A row whose id comes again on a later line.
fn duplicate(slot: &Slot, id_bytes: &[u8], line: u64) -> BadRow {
    let mut parts = id_bytes
        .split(|byte| *byte == 0)
        .filter(|part| !part.is_empty());
    let value = parts
        .next_back()
        .map(String::from_utf8_lossy)
        .unwrap_or_default();
    BadRow {
        column: slot.title.clone(),
        value: value.into_owned(),
        bad: BadValue::owned(
            format!("is a duplicate id: it comes again on line {line}, which counts"),
            "ids must be unique within the file",
        ),
    }
}
