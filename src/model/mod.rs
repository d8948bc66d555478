//! Plain data with the words of the product: what a client, a purchase, a rhythm or a message is.
//!
//! No behaviour beyond what keeps a value valid. Deciding is the business of `rules`.

mod address;
mod client;
mod day;
mod facts;
mod history;
mod locale;
mod money;
mod rhythm;
mod source_facts;
mod story;
mod words;

pub use address::{AddressKey, hex};
pub use client::{Client, ClientId, Consent, Contact, Manager};
pub use day::{Day, DayError};
pub use facts::{AddressGot, ClientFacts, FriendPurchase, OwnedItem, Seat, Suppressed};
pub use history::{Deal, PurchaseDay, Readiness, Totals, Visits};
pub use locale::{Locale, LocaleError};
pub use money::{Currency, Money, MoneyError};
pub use rhythm::{BaseParameters, Rhythm, RhythmDates, RhythmState, RhythmStateError};
pub use source_facts::{
    ClientFact, ClientHint, ConsentAnswer, ConsentFact, ContactFact, DealFact, FactBatch, ItemFact,
    ManagerFact, PurchaseFact, SuppressionFact, VisitFact,
};
pub use story::{Arm, Enrollment, Outcome, Touch, TouchKind};
pub use words::{
    Abc, CertificateKind, Channel, Class, ConsentBasis, DealStatus, ManagerRole, MessageState,
    OnUnknown, OutcomeKind, StaffRole, StopOf, SuppressionReason, SuppressionScope, TaskKind,
    WordError, Xyz,
};
