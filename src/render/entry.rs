//! A page that can be rendered, and the version that names everything it depends on.

use std::collections::BTreeSet;

use sha2::{Digest, Sha256};

use super::page::{ButtonKind, HeaderKind};
use super::piece::Piece;
use super::source::{Slot, Source};
use super::styles::Sheet;

/// Changes whenever the same template and values would give other bytes than before.
const RENDERER_VERSION: &str = "2";

/// A page that can be rendered: under which names its pieces are registered.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) body: Body,
    /// Its first file, for messages.
    pub(super) file: String,
    /// Hash of every source that the result depends on.
    pub(super) version: String,
    /// The slots of all these sources.
    pub(super) slots: BTreeSet<Slot>,
    /// Whether all of it is built in.
    pub(super) ready: bool,
    /// The optional parts of the context without which it cannot be rendered.
    pub(super) needs: Vec<&'static str>,
}

/// The names of the pieces of a page.
#[derive(Clone, Debug)]
pub(super) enum Body {
    Letter {
        subject: String,
        preheader: String,
        text: String,
        html: String,
        layout: String,
    },
    Script {
        text: String,
    },
    Page {
        html: String,
    },
    WhatsApp {
        template: String,
        language: String,
        body: String,
        /// What stands above the text: its kind, and the address of its file.
        header: Option<(HeaderKind, String)>,
        parameters: Vec<String>,
        buttons: Vec<(ButtonKind, String, String)>,
    },
}

/// What a page includes: the texts and the slots of layouts, partials and style sheets.
#[derive(Default)]
pub(super) struct Used {
    texts: BTreeSet<String>,
    slots: BTreeSet<Slot>,
}

impl Used {
    pub(super) fn add(&mut self, piece: &Piece, slot: Option<&Slot>) {
        self.texts.insert(piece.excerpt.text.clone());
        self.slots.extend(slot.cloned());
    }

    pub(super) fn add_sheet(&mut self, name: &str, sheet: &Sheet) {
        self.texts.insert(sheet.text.clone());
        let name = name.to_owned();
        self.slots.insert(Slot::Sheet { name });
    }
}

/// A page of these sources, which uses other texts.
pub(super) fn entry(body: Body, sources: &[&Source], used: Used) -> Entry {
    let mut hash = Sha256::new();
    let texts = sources.iter().map(|source| &source.text);
    let texts = texts.chain(&used.texts);
    for text in [RENDERER_VERSION]
        .into_iter()
        .chain(texts.map(String::as_str))
    {
        hash.update((text.len() as u64).to_le_bytes());
        hash.update(text.as_bytes());
    }
    let digest = hash.finalize();
    let (first, _) = digest.split_at(8);
    let version = first
        .iter()
        .fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    Entry {
        body,
        file: sources
            .first()
            .map_or_else(String::new, |source| source.file.clone()),
        version: format!("{version:016x}"),
        slots: used.slots,
        ready: sources.iter().all(|source| source.ready),
        needs: Vec::new(),
    }
}
