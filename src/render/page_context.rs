//! What the pages of clients are rendered from: leaving, seats at events, certificates, the till.
//!
//! Unlike letters they are rendered when they are asked for, from what is true then.

use serde::{Deserialize, Serialize};

use super::context::{CertificatePart, CompanyPart};
use super::occasions::EventPart;

/// What a page for clients is rendered from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "templates ask for each of them by itself"
)]
pub struct PageContext {
    /// The company that wrote.
    pub company: CompanyPart,
    /// The address that it is about, masked: whoever has the link may be somebody else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Letters, when the client has an e-mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub letters: Option<ChannelPart>,
    /// WhatsApp messages, when he has a phone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub whatsapp: Option<ChannelPart>,
    /// The page on which he chooses what to receive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preferences: Option<String>,
    /// Whether he has just changed something.
    #[serde(default)]
    pub changed: bool,
    /// The event that the page is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<EventPart>,
    /// Whether he has a seat at it.
    #[serde(default)]
    pub registered: bool,
    /// Whether all seats are taken.
    #[serde(default)]
    pub full: bool,
    /// Whether it is over.
    #[serde(default)]
    pub over: bool,
    /// The certificate that the page shows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<CertificatePart>,
    /// How it stands, and what the till may do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<CertificatePage>,
}

/// What a page says about a certificate beside showing it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CertificatePage {
    /// `valid`, `used`, `expired`, `void`; for the till also `denied`, `redeemed`, `before`,
    /// `unknown`, `mistyped`, `ask` and `wrong_pin`.
    pub state: String,
    /// How many uses are left.
    #[serde(default)]
    pub left: u32,
    /// The page as a sheet to print.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub print: Option<String>,
    /// What a person at the till typed as the code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub typed: Option<String>,
    /// What he typed as the number of the receipt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt: Option<String>,
    /// Why nothing is given, in sentences.
    #[serde(default)]
    pub because: Vec<String>,
    /// When it was redeemed, by whom, on which receipt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<String>,
}

impl PageContext {
    /// A page that knows nothing but the company.
    pub fn of(company: CompanyPart) -> Self {
        Self {
            company,
            address: None,
            letters: None,
            whatsapp: None,
            preferences: None,
            changed: false,
            event: None,
            registered: false,
            full: false,
            over: false,
            certificate: None,
            page: None,
        }
    }
}

/// What a client has chosen for a channel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelPart {
    /// Whether nothing comes any more.
    pub stopped: bool,
    /// Whether only the company can change it: it was not stopped on a page.
    #[serde(default)]
    pub fixed: bool,
}
