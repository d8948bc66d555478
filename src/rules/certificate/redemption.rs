//! Whether a certificate may be redeemed.
//!
//! A till asks before it gives anything: what denies, denies. An import tells of receipts on which
//! the discount has been given: then every objection is a doubt for a person.

use serde::{Deserialize, Serialize};

use super::friend::{self, FriendFacts, GiverLimit};
use crate::model::{CertificateKind, Day};

/// What is known of a certificate when somebody comes with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// For whom it is.
    pub kind: CertificateKind,
    /// The last day on which it is good.
    pub valid_until: Day,
    /// The least receipt, in minor units.
    pub min_receipt: Option<i64>,
    /// The products that it is good for; everything when empty.
    pub products: Vec<String>,
    /// How often it can be used.
    pub uses: u32,
    /// How often it has been.
    pub used: u32,
    /// Whether somebody has made it void.
    pub void: bool,
}

/// The purchase on which it is redeemed, as far as it is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The day of it.
    pub day: Day,
    /// What is paid, in minor units.
    pub amount: Option<i64>,
    /// What is bought; empty when nobody says.
    pub items: Vec<String>,
}

/// How a certificate stands on a day, before anybody is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It can be used.
    Valid,
    /// All its uses are gone.
    Used,
    /// Its last day is over.
    Expired,
    /// Somebody has made it void.
    Void,
}

impl Standing {
    /// The word for tables and templates.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Used => "used",
            Self::Expired => "expired",
            Self::Void => "void",
        }
    }
}

/// How a certificate stands on a day.
pub fn standing(certificate: &Certificate, day: Day) -> Standing {
    if certificate.void {
        Standing::Void
    } else if certificate.used >= certificate.uses {
        Standing::Used
    } else if day > certificate.valid_until {
        Standing::Expired
    } else {
        Standing::Valid
    }
}

/// What speaks against a redemption.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Objection {
    /// Somebody has made the certificate void.
    Void,
    /// All its uses are gone.
    UsedUp,
    /// Its last day is over.
    Expired,
    /// The receipt is smaller than it must be.
    ReceiptTooSmall,
    /// Nothing that it is good for is on the receipt.
    NoSuchProduct,
    /// The friend is the giver: one client of the company.
    SameClient,
    /// The friend has a phone of the giver.
    SamePhone,
    /// The friend has a mailbox of the giver.
    SameEmail,
    /// The friend has a card of the giver.
    SameCard,
    /// The friend is called like the giver.
    SameName,
    /// The friend lives where the giver lives.
    SameAddress,
    /// The friend has bought before.
    BoughtBefore,
    /// The friend came with somebody's certificate before.
    CameBefore,
    /// As many friends of the giver as may have counted already.
    GiverLimit,
    /// A till took this certificate on a purchase that names another code, or none, now.
    OtherCode,
}

impl Objection {
    /// Whether a till must not give anything; otherwise a person looks at it afterwards.
    pub const fn denies(self) -> bool {
        !matches!(self, Self::SameName | Self::SameAddress | Self::OtherCode)
    }

    /// The word for tables and programs.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Void => "void",
            Self::UsedUp => "used_up",
            Self::Expired => "expired",
            Self::ReceiptTooSmall => "receipt_too_small",
            Self::NoSuchProduct => "no_such_product",
            Self::SameClient => "same_client",
            Self::SamePhone => "same_phone",
            Self::SameEmail => "same_email",
            Self::SameCard => "same_card",
            Self::SameName => "same_name",
            Self::SameAddress => "same_address",
            Self::BoughtBefore => "bought_before",
            Self::CameBefore => "came_before",
            Self::GiverLimit => "giver_limit",
            Self::OtherCode => "other_code",
        }
    }

    /// The reason in words, for whoever stands at the till or looks at the review list.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Void => "the certificate was made void",
            Self::UsedUp => "the certificate has been used",
            Self::Expired => "the certificate has expired",
            Self::ReceiptTooSmall => "the receipt is smaller than the certificate asks for",
            Self::NoSuchProduct => "nothing on the receipt is what the certificate is for",
            Self::SameClient => "the friend is the giver himself",
            Self::SamePhone => "the friend has the phone of the giver",
            Self::SameEmail => "the friend has the e-mail address of the giver",
            Self::SameCard => "the friend has the card of the giver",
            Self::SameName => "the friend is called like the giver",
            Self::SameAddress => "the friend has the postal address of the giver",
            Self::BoughtBefore => "the friend has bought before",
            Self::CameBefore => "the friend has come with a friend's certificate before",
            Self::GiverLimit => "enough friends of the giver have come in this period",
            Self::OtherCode => {
                "the purchase on which a till took it does not name its code any more"
            }
        }
    }
}

/// What becomes of a wish to redeem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is redeemed; with doubts a person looks at it afterwards.
    Redeem {
        /// What is doubtful.
        doubts: Vec<Objection>,
    },
    /// Nothing is given.
    Deny {
        /// Everything that speaks against it, and at least one of it denies.
        because: Vec<Objection>,
    },
}

/// Decides about a redemption; `friend` is what is known of the two people where the certificate is
/// for a friend.
///
/// With `given` the discount has been given already (an import tells of it): a use that is left is
/// taken, and every objection is a doubt.
pub fn judge(
    certificate: &Certificate,
    receipt: &Receipt,
    friend: Option<&FriendFacts>,
    limit: GiverLimit,
    given: bool,
) -> Verdict {
    let mut found = Vec::new();
    match standing(certificate, receipt.day) {
        Standing::Valid => {}
        Standing::Void => found.push(Objection::Void),
        Standing::Used => found.push(Objection::UsedUp),
        Standing::Expired => found.push(Objection::Expired),
    }
    let too_small = |(least, paid): (i64, i64)| paid < least;
    if certificate
        .min_receipt
        .zip(receipt.amount)
        .is_some_and(too_small)
    {
        found.push(Objection::ReceiptTooSmall);
    }
    if !is_for(&certificate.products, &receipt.items) {
        found.push(Objection::NoSuchProduct);
    }
    if let (CertificateKind::Friend, Some(facts)) = (certificate.kind, friend) {
        found.extend(friend::objections(facts, limit));
    }
    if given || !found.iter().any(|objection| objection.denies()) {
        Verdict::Redeem { doubts: found }
    } else {
        Verdict::Deny { because: found }
    }
}

/// Whether one of the items is one of the products; yes when either list is empty.
fn is_for(products: &[String], items: &[String]) -> bool {
    let plain = |text: &String| text.trim().to_lowercase();
    products.is_empty()
        || items.is_empty()
        || items
            .iter()
            .map(plain)
            .any(|item| products.iter().any(|product| plain(product) == item))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: GiverLimit = GiverLimit {
        friends: 3,
        days: 365,
    };

    fn day(text: &str) -> Day {
        text.parse().unwrap()
    }

    fn certificate() -> Certificate {
        Certificate {
            kind: CertificateKind::Own,
            valid_until: day("2026-12-31"),
            min_receipt: None,
            products: Vec::new(),
            uses: 1,
            used: 0,
            void: false,
        }
    }

    fn receipt() -> Receipt {
        Receipt {
            day: day("2026-12-31"),
            amount: Some(100_000),
            items: Vec::new(),
        }
    }

    fn denied(certificate: &Certificate, receipt: &Receipt) -> Vec<Objection> {
        match judge(certificate, receipt, None, LIMIT, false) {
            Verdict::Deny { because } => because,
            Verdict::Redeem { doubts } => {
                assert_eq!(doubts, []);
                Vec::new()
            }
        }
    }

    #[test]
    fn a_good_certificate_is_redeemed_on_its_last_day_and_not_after_it() {
        assert_eq!(denied(&certificate(), &receipt()), []);
        let late = Receipt {
            day: day("2027-01-01"),
            ..receipt()
        };
        assert_eq!(denied(&certificate(), &late), [Objection::Expired]);
    }

    #[test]
    fn a_used_or_void_certificate_is_not_redeemed() {
        let used = Certificate {
            used: 1,
            ..certificate()
        };
        assert_eq!(denied(&used, &receipt()), [Objection::UsedUp]);
        let two = Certificate { uses: 2, ..used };
        assert_eq!(denied(&two, &receipt()), []);
        let void = Certificate {
            void: true,
            ..certificate()
        };
        assert_eq!(denied(&void, &receipt()), [Objection::Void]);
        assert_eq!(standing(&void, day("2027-02-01")), Standing::Void);
    }

    #[test]
    fn the_receipt_must_be_large_enough_and_have_the_product() {
        let asks = Certificate {
            min_receipt: Some(100_001),
            products: vec!["Coffee beans".to_owned()],
            ..certificate()
        };
        let tea = Receipt {
            items: vec!["Tea".to_owned()],
            ..receipt()
        };
        let both = [Objection::ReceiptTooSmall, Objection::NoSuchProduct];
        assert_eq!(denied(&asks, &tea), both);
        let coffee = Receipt {
            amount: Some(100_001),
            items: vec!["Tea".to_owned(), "coffee beans ".to_owned()],
            ..receipt()
        };
        assert_eq!(denied(&asks, &coffee), []);
        let unsaid = Receipt {
            amount: None,
            ..receipt()
        };
        assert_eq!(denied(&asks, &unsaid), []);
    }

    #[test]
    fn who_cheats_at_the_till_gets_nothing_and_who_is_doubtful_is_looked_at() {
        let friend = Certificate {
            kind: CertificateKind::Friend,
            ..certificate()
        };
        let giver = friend::Person {
            names: vec!["Anna Petrova".to_owned()],
            phones: vec!["+79131234567".to_owned()],
            ..friend::Person::default()
        };
        let mut facts = FriendFacts {
            friend: giver.clone(),
            giver,
            ..FriendFacts::default()
        };
        let at_the_till =
            |facts: &FriendFacts| judge(&friend, &receipt(), Some(facts), LIMIT, false);
        let because = vec![Objection::SamePhone, Objection::SameName];
        assert_eq!(at_the_till(&facts), Verdict::Deny { because });
        facts.friend.phones = vec!["+79137654321".to_owned()];
        let doubts = vec![Objection::SameName];
        assert_eq!(at_the_till(&facts), Verdict::Redeem { doubts });
    }

    #[test]
    fn what_an_import_tells_of_has_been_given_and_is_only_doubted() {
        let late = Receipt {
            day: day("2027-01-05"),
            ..receipt()
        };
        let doubts = vec![Objection::Expired];
        let verdict = judge(&certificate(), &late, None, LIMIT, true);
        assert_eq!(verdict, Verdict::Redeem { doubts });
    }

    #[test]
    fn an_own_certificate_asks_nobody_who_he_is() {
        let facts = FriendFacts {
            same_client: true,
            ..FriendFacts::default()
        };
        let verdict = judge(&certificate(), &receipt(), Some(&facts), LIMIT, false);
        assert_eq!(verdict, Verdict::Redeem { doubts: Vec::new() });
    }
}
