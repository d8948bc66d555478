//! Templates: what the company writes, with the values of one client in it.
//!
//! Here are the ready and the company's own templates, the words they can use, the check that
//! finds every mistake before anything is planned, and the rendering. Who gets a letter, and when,
//! is not decided here; a rendered letter becomes an e-mail in `channels`.

mod certificate;
mod colour;
mod context;
mod engine;
mod entry;
mod fit;
mod folding;
mod given;
mod library;
mod links;
mod markdown;
mod occasions;
mod page;
mod page_context;
mod piece;
mod problem;
mod rendered;
mod sample;
mod scan;
mod scope;
mod script;
mod shape;
mod source;
mod staff;
mod styles;
mod task_context;
mod templates;
mod tidy;
mod trial;
mod words;

pub use certificate::{CertificateContext, PicturePart, QrPart};
pub use colour::{Colour, ColourError};
pub use context::{
    CertificatePart, ClientPart, CompanyPart, DealPart, LetterContext, LinksPart, ManagerPart,
    NewsItem, NewsPart, RhythmPart,
};
pub use links::{mailto, tel};
pub use occasions::{EventPart, OccasionPart, PartnerPart};
pub use page::{ButtonKind, HeaderKind};
pub use page_context::{CertificatePage, ChannelPart, PageContext};
pub use problem::{RenderError, TemplateProblem};
pub use rendered::{Letter, Script, WhatsAppButton, WhatsAppHeader, WhatsAppMessage};
pub use script::{Leads, START, ScriptAnswer, ScriptLine};
pub use source::Kind;
pub use staff::{STAFF_STYLE, StaffPages};
pub use task_context::{OverduePart, TaskListContext, TaskPart};
pub use templates::{TemplateInfo, Templates};

/// Every word that templates can use, ours and those of Handlebars.
pub fn words() -> impl Iterator<Item = &'static str> {
    words::names()
}
