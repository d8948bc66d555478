//! The pages that a message leads to. A link names the message and is signed for one purpose.

use crate::app::App;
use crate::render::LinksPart;
use crate::rules::delivery::token::{self, Purpose};

/// The links of one message.
pub fn links(app: &App, key: &str) -> LinksPart {
    LinksPart {
        unsubscribe: page(app, "u", Purpose::Unsubscribe, key),
        preferences: Some(preferences_page(app, key)),
        site: app.settings.company.site.clone(),
    }
}

/// The page on which the reader of a message chooses what to receive.
pub fn preferences_page(app: &App, key: &str) -> String {
    page(app, "p", Purpose::Preferences, key)
}

/// The page on which the reader of a message takes a seat, or gives it back.
pub fn seat_page(app: &App, key: &str) -> String {
    page(app, "e", Purpose::Event, key)
}

fn page(app: &App, letter: &str, purpose: Purpose, key: &str) -> String {
    let token = token::make(&app.key, purpose, key);
    app.settings.delivery.page(&format!("{letter}/{token}"))
}
