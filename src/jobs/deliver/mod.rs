//! Handing messages to their channels.
//!
//! What a message says was frozen when it was planned; here it is rendered ([`prepare`]) and leaves:
//! into a folder that reaches nobody ([`sandbox`]), or to people.

mod live;
mod notice;
mod prepare;
mod sandbox;
mod versions;

pub use live::{Live, NotReady, Round};
pub use notice::FrozenNotice;
pub use prepare::{Content, FrozenList, Prepared, letter, list_letter, prepare, sender_domain};
pub use sandbox::{Delivered, deliver};
pub(super) use versions::keep as keep_versions;
pub use versions::{Version, renew as renew_versions};

/// The campaign under which the managers' lists travel.
pub const MANAGERS: &str = "managers";

/// The campaign under which the letters to the operator travel.
pub const OPERATOR: &str = "operator";
