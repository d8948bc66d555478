//! Certificates at work: drawn for a letter or a page, taken at a till, tied to what imports tell.
//!
//! The daily run issues them (`jobs::day`); whether one may be taken is decided in
//! `rules::certificate`, and that a use is taken once is kept by `db`. Here is what the command line,
//! the pages and the jobs have in common.

pub mod picture;
pub mod till;

use crate::app::App;
use crate::config::campaign::CertificateOffer;
use crate::db::{FriendRules, IssuedFor, NewCertificate, SettledReceipts, StoreError};
use crate::model::{Day, Locale};
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

/// A certificate that is given on an occasion, to somebody who reads a language.
pub fn issued(
    offer: &CertificateOffer,
    code: String,
    given: IssuedFor,
    locale: Locale,
    valid_until: Day,
) -> NewCertificate {
    NewCertificate {
        code,
        campaign: given.campaign,
        client: given.client,
        episode: given.episode,
        step: given.step,
        kind: offer.kind.word(),
        discount: offer.discount.map(|discount| discount.to_string()),
        gift: offer.gift.clone(),
        min_receipt: offer.min_receipt.map(|money| money.minor),
        products: serde_json::to_string(&offer.products).unwrap_or_default(),
        uses: offer.uses,
        picture: offer.picture.clone(),
        locale: locale.code(),
        valid_until: valid_until.epoch_days(),
    }
}

/// Ties what imports have told to what was issued: receipts with a code, friends who became clients.
/// Doing it again changes nothing.
pub async fn settle(app: &App) -> Result<SettledReceipts, StoreError> {
    let rules = friend_rules(app);
    app.store.settle_receipts(&rules, app.now_ms()).await
}
