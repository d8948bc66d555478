//! Second cards: clients whom a file says to be merged into others, and what cannot be so.
//!
//! Whether the other client exists is not known here: he may have come with an earlier file.

use std::collections::HashMap;

use super::values::BadValue;
use crate::model::ClientFact;

/// Who is merged into whom, as the rows of one file say.
#[derive(Debug, Default)]
pub(super) struct Merges {
    into: HashMap<String, String>,
}

impl Merges {
    /// Takes note of a row; of rows with the same id the last counts.
    pub(super) fn note(&mut self, client: &ClientFact) {
        match &client.merged_into {
            Some(into) => {
                self.into.insert(client.id.clone(), into.clone());
            }
            None => {
                self.into.remove(&client.id);
            }
        }
    }

    /// Why a client cannot be merged into the one that his row names, once all rows are noted.
    ///
    /// One step only: in a chain or a circle nobody could say whose purchases are whose when one
    /// of the rows changes.
    pub(super) fn wrong(&self, client: &ClientFact) -> Option<BadValue> {
        let into = client.merged_into.as_ref()?;
        if *into == client.id {
            return Some(BadValue::new(
                "is the client himself",
                "leave it empty, or name the card that stays",
            ));
        }
        let further = self.into.get(into)?;
        Some(BadValue::owned(
            format!("is merged himself, into {further}"),
            "name the card that stays at the end",
        ))
    }
}
