//! What a certificate gives, in a step of a campaign, and `[certificates]` of the settings.

use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::secrets::{self, SecretError, SecretString};
use super::values::{Days, Share};
use crate::model::{CertificateKind, Money};

/// A certificate that a message carries.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CertificateOffer {
    /// For the client himself or for a friend of his.
    pub kind: CertificateKind,
    /// The discount: `10%` or `500 RUB`.
    #[serde(default)]
    pub discount: Option<Discount>,
    /// A thing, in place of a discount or with it.
    #[serde(default)]
    #[schemars(extend("minLength" = 1))]
    pub gift: Option<String>,
    /// How long it is valid. It must outlive the way of the message.
    pub valid: Days,
    /// The least receipt that it is taken for.
    #[serde(default)]
    pub min_receipt: Option<Money>,
    /// The products that it is for, as receipts name them; everything when absent.
    #[serde(default)]
    pub products: Vec<String>,
    /// How often it can be used.
    #[serde(default = "CertificateOffer::once")]
    #[schemars(range(min = 1, max = 1000))]
    pub uses: u16,
    /// What the codes of the campaign begin with: up to six digits and capital letters, but no I, L,
    /// O and U, which look like others. Without it the first letters of the campaign's id.
    #[serde(default)]
    #[schemars(extend("minLength" = 1, "maxLength" = 6))]
    pub prefix: Option<String>,
    /// The picture: a template in `templates/certificates`.
    #[serde(default = "CertificateOffer::usual_picture")]
    pub picture: String,
}

impl CertificateOffer {
    const fn once() -> u16 {
        1
    }

    fn usual_picture() -> String {
        "certificate".to_owned()
    }
}

/// A discount: a share or an amount of money.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Discount {
    /// `10%`
    Share(Share),
    /// `500 RUB`
    Money(Money),
}

/// How certificates are taken, and which friends count.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Certificates {
    /// What a client gets to pass on who names a friend on the phone, written as in a step of a
    /// campaign; the page of the task sends it. Nothing when absent.
    pub friend_named: Option<CertificateOffer>,
    /// So many friends of one giver may come with certificates within `giver_period`.
    pub friends_per_giver: u16,
    /// The stretch of time for `friends_per_giver`.
    pub giver_period: Days,
    /// Columns of clients that belong to one person, such as the number of his discount card: who
    /// has the giver's is the giver.
    pub card_attributes: Vec<String>,
    /// So many codes that nobody has are answered to one address in a minute.
    #[schemars(range(min = 1))]
    pub bad_codes_per_minute: u16,
    /// The environment variable that holds the PIN of the page for the till; without it the page is
    /// closed.
    #[schemars(extend("minLength" = 1))]
    pub till_pin_env: Option<String>,
    /// The file that holds the PIN, instead of the variable.
    #[schemars(extend("minLength" = 1))]
    pub till_pin_file: Option<PathBuf>,
}

impl Default for Certificates {
    fn default() -> Self {
        Self {
            friend_named: None,
            friends_per_giver: 5,
            giver_period: Days(365),
            card_attributes: vec!["card".to_owned(), "discount_card".to_owned()],
            bad_codes_per_minute: 5,
            till_pin_env: None,
            till_pin_file: None,
        }
    }
}

impl Certificates {
    /// The PIN of the page for the till; nothing when the page is closed.
    ///
    /// # Errors
    ///
    /// It is to be open, and the PIN is neither in the file, which starts at `home`, nor in the
    /// variable.
    pub fn till_pin(&self, home: &Path) -> Option<Result<SecretString, SecretError>> {
        match (&self.till_pin_file, &self.till_pin_env) {
            (Some(file), _) => Some(secrets::from_file(&home.join(file))),
            (None, Some(env)) => Some(secrets::from_env(env)),
            (None, None) => None,
        }
    }
}
