//! Templates: what the company writes, with the values of one client in it.
//!
//! Here are the ready and the company's own templates, the words they can use, the check that
//! finds every mistake before anything is planned, and the rendering. Who gets a letter, and when,
//! is not decided here; a rendered letter becomes an e-mail in `channels`.

mod context;
mod engine;
mod given;
mod library;
mod links;
mod page;
mod piece;
mod problem;
mod rendered;
mod sample;
mod scan;
mod scope;
mod script;
mod shape;
mod source;
mod templates;
mod tidy;
mod words;

pub use context::{
    CertificatePart, ChannelPart, ClientPart, Colour, ColourError, CompanyPart, DealPart,
    LetterContext, LinksPart, ManagerPart, NewsItem, NewsPart, OverduePart, PageContext,
    RhythmPart, TaskListContext, TaskPart,
};
pub use page::ButtonKind;
pub use problem::{RenderError, TemplateProblem};
pub use rendered::{Letter, Script, WhatsAppButton, WhatsAppMessage};
pub use script::{Leads, START, ScriptAnswer, ScriptLine};
pub use source::Kind;
pub use templates::{TemplateInfo, Templates};

/// Every word that templates can use, ours and those of Handlebars.
pub fn words() -> impl Iterator<Item = &'static str> {
    words::names()
}
