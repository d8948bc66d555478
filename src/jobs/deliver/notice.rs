//! Letters to the operator: plain words, no template, no client in them.

use serde::{Deserialize, Serialize};

use super::Prepared;
use super::prepare::{Content, company_party, date, sender_domain};
use super::versions::Version;
use crate::app::App;
use crate::channels::email::{EmailMessage, Party};
use crate::db::DueMessage;

/// A letter to the operator as it is kept with its message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FrozenNotice {
    /// Where it goes.
    pub address: String,
    /// The subject.
    pub subject: String,
    /// What it says.
    pub text: String,
}

/// Makes the bytes of a letter to the operator.
pub(super) fn prepare(
    app: &App,
    version: &Version,
    message: &DueMessage,
) -> Result<Prepared, String> {
    let frozen: FrozenNotice =
        serde_json::from_str(&message.inputs).map_err(|error| error.to_string())?;
    let html = format!(
        "<!doctype html><html><body><p style=\"white-space:pre-line\">{}</p></body></html>",
        handlebars::html_escape(&frozen.text)
    );
    let email = EmailMessage {
        key: message.key.clone(),
        message_id_domain: sender_domain(app),
        date: date(app, message),
        from: company_party(app, version),
        to: Party {
            name: None,
            address: frozen.address.clone(),
        },
        reply_to: None,
        subject: frozen.subject,
        text: frozen.text,
        html,
        list: None,
        feedback_id: None,
    };
    let built = email.build().map_err(|error| error.to_string())?;
    Ok(Prepared {
        key: message.key.clone(),
        address: frozen.address,
        content: Content::Letter(built),
        picture: None,
    })
}
