//! Certificates at work: drawn for a letter or a page, taken at a till, tied to what imports tell.
//!
//! The daily run issues them (`jobs::day`); whether one may be taken is decided in
//! `rules::certificate`, and that a use is taken once is kept by `db`. Here is what the command line,
//! the pages and the jobs have in common.

pub mod picture;
pub mod till;

use crate::app::App;
use crate::db::{FriendRules, SettledReceipts, StoreError};
use crate::rules::certificate::GiverLimit;

/// What the company has configured about friends.
pub fn friend_rules(app: &App) -> FriendRules {
    let certificates = &app.settings.certificates;
    FriendRules {
        limit: GiverLimit {
            friends: certificates.friends_per_giver.into(),
            days: certificates.giver_period.count(),
        },
        cards: certificates.card_attributes.clone(),
    }
}

/// Ties what imports have told to what was issued: receipts with a code, friends who became clients.
/// Doing it again changes nothing.
pub async fn settle(app: &App) -> Result<SettledReceipts, StoreError> {
    let rules = friend_rules(app);
    app.store.settle_receipts(&rules, app.now_ms()).await
}
