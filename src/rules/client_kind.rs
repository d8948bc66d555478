//! Which part of the base a client belongs to: retail and wholesale in one base have rhythms of their
//! own.

use serde::{Deserialize, Serialize};

use crate::model::ClientId;

use super::rhythm::Fit;

/// With fewer closed gaps a class is not fitted: the six parameters of the law would follow single
/// clients, while the base is at least a fair average.
pub const LEAST_CLASS_GAPS: u64 = 200;

/// A client as the laws of the base see him.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientKind {
    /// Our own number.
    pub id: ClientId,
    /// The place of his class in the configured list; `None` for everybody else.
    pub class: Option<usize>,
}

/// A class of clients with what its own gaps say.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassFit {
    /// The tag that makes the class.
    pub tag: String,
    /// Absent when the class has too few gaps: the fit of the whole base holds.
    pub fit: Option<Fit>,
}

/// The class of a client: the first of the configured tags that he has.
pub fn class_of<'a>(
    classes: impl IntoIterator<Item = &'a String>,
    tags: &[String],
) -> Option<usize> {
    classes.into_iter().position(|class| tags.contains(class))
}
