//! What comes out of a rendering.

use super::page::{ButtonKind, HeaderKind};
use super::script::ScriptLine;
use crate::model::Locale;

/// A rendered letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// The subject, one line.
    pub subject: String,
    /// What mail programs show beside the subject, one line.
    pub preheader: String,
    /// The plain text, in lines of at most 76 characters where words allow it.
    pub text: String,
    /// The HTML document.
    pub html: String,
    /// The name of the template.
    pub template: String,
    /// The language it was found in.
    pub locale: Locale,
    /// The version of the template.
    pub version: String,
}

/// A rendered call script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    /// What to say, as plain text.
    pub text: String,
    /// The same as lines with their answers; the first one is where it begins.
    pub lines: Vec<ScriptLine>,
    /// The name of the template.
    pub template: String,
    /// The language it was found in.
    pub locale: Locale,
    /// The version of the template.
    pub version: String,
}

/// A rendered WhatsApp nudge: the approved template and what fills it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WhatsAppMessage {
    /// The approved name of the template at Meta.
    pub template_name: String,
    /// The approved language code.
    pub language: String,
    /// What stands above the text.
    pub header: Option<WhatsAppHeader>,
    /// The parameters of the body, in order.
    pub parameters: Vec<String>,
    /// The parameters of the buttons, in order.
    pub buttons: Vec<WhatsAppButton>,
    /// What the client will read.
    pub preview: String,
    /// The name of the template here.
    pub template: String,
    /// The language it was found in.
    pub locale: Locale,
    /// The version of the template.
    pub version: String,
}

/// The header of a rendered nudge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WhatsAppHeader {
    /// What it shows.
    pub kind: HeaderKind,
    /// The https address of the file.
    pub link: String,
}

/// A button of a rendered nudge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WhatsAppButton {
    /// What it does.
    pub kind: ButtonKind,
    /// What stands on it.
    pub text: String,
    /// The end of the address, or the payload of the answer.
    pub parameter: String,
}
