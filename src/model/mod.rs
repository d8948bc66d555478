//! Plain data with the words of the product: what a client, a purchase, a rhythm or a message is.
//!
//! No behaviour beyond what keeps a value valid. Deciding is the business of `rules`.

mod address;
mod day;
mod facts;
mod locale;
mod money;
mod rhythm;
mod words;

pub use address::{AddressHash, AddressKey};
pub use day::{Day, DayError};
pub use facts::{
    ClientFact, ClientHint, ConsentAnswer, ConsentFact, ContactFact, DealFact, ItemFact,
    ManagerFact, PurchaseFact, SuppressionFact, VisitFact,
};
pub use locale::{Locale, LocaleError};
pub use money::{Currency, Money, MoneyError};
pub use rhythm::RhythmState;
pub use words::{
    Abc, CertificateKind, Channel, Class, ConsentBasis, DealStatus, ManagerRole, OutcomeKind,
    SuppressionReason, SuppressionScope, TaskKind, WordError, Xyz,
};
