//! Taking a certificate: what a person types, read and checked, and handed to the one transaction.

use crate::app::App;
use crate::db::{Redeemed, Redeeming, StoreError, Via};
use crate::model::{Channel, ClientId, Day, Locale, Money};
use crate::rules::certificate::{CodeError, Person, Receipt, read};
use crate::rules::wording;
use crate::sources::typed_address;

use super::friend_rules;

/// What a person at a till, or at the command line, says.
#[derive(Clone, Debug, Default)]
pub struct Wish<'a> {
    /// The code, however it is typed.
    pub code: &'a str,
    /// The number of the receipt.
    pub receipt: &'a str,
    /// The day of the purchase; today when absent.
    pub day: Option<Day>,
    /// What is paid: `3500`, `3 500,50`.
    pub amount: Option<&'a str>,
    /// Who came: the id of the client, where it is known.
    pub client: Option<&'a str>,
    /// His phone or e-mail address.
    pub contact: Option<&'a str>,
    /// His name.
    pub name: Option<&'a str>,
}

/// What is wrong with a wish before anything is looked up.
#[derive(Debug, thiserror::Error)]
pub enum WishError {
    /// The code is none.
    #[error(transparent)]
    Code(#[from] CodeError),
    /// There is no number of the receipt.
    #[error("the number of the receipt is missing: by it one purchase redeems once")]
    NoReceipt,
    /// The amount is none.
    #[error("\"{0}\" is not an amount: write 3500 or 3500.50")]
    Amount(String),
    /// The phone or the address is none.
    #[error("\"{0}\" is neither a phone nor an e-mail address: {1}")]
    Contact(String, String),
    /// There is no such client.
    #[error("there is no client \"{0}\"")]
    Client(String),
    /// Two sources have a client with this id.
    #[error("\"{0}\" names several clients: write source/id")]
    Clients(String),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl WishError {
    /// What is wrong, in the language of whoever typed it.
    pub fn said(&self, locale: Locale) -> String {
        match (locale, self) {
            (Locale::Ru, Self::Code(error)) => wording::no_code(locale, *error),
            (Locale::Ru, Self::NoReceipt) => {
                "нужен номер чека: по нему одна покупка гасит сертификат один раз".to_owned()
            }
            (Locale::Ru, Self::Amount(text)) => {
                format!("«{text}» — не сумма: напишите 3500 или 3500,50")
            }
            (Locale::Ru, Self::Contact(text, _)) => {
                format!("«{text}» — не телефон и не адрес почты")
            }
            (Locale::Ru, Self::Client(id)) => format!("клиента «{id}» нет"),
            (Locale::Ru, Self::Clients(id)) => {
                format!("клиентов «{id}» несколько: напишите источник/номер")
            }
            (Locale::En, _) | (Locale::Ru, Self::Store(_)) => self.to_string(),
        }
    }
}

/// Redeems a certificate, or says why not. The same receipt again changes nothing.
///
/// # Errors
///
/// What was typed cannot be meant, or the database fails.
pub async fn redeem(app: &App, wish: &Wish<'_>, by: &str, via: Via) -> Result<Redeemed, WishError> {
    let code = read(wish.code)?;
    let receipt = wish.receipt.trim();
    if receipt.is_empty() {
        return Err(WishError::NoReceipt);
    }
    let amount = wish.amount.map(|text| amount(app, text)).transpose()?;
    let told = told(app, wish)?;
    let known = app.store.purchase_called(receipt).await?;
    let client = match (wish.client, &known) {
        (Some(id), _) => Some(client(app, id).await?),
        (None, Some((client, _))) => Some(ClientId(*client)),
        (None, None) => None,
    };
    let imported = known.map(|(_, receipt)| receipt);
    let on = Receipt {
        day: wish
            .day
            .or(imported.as_ref().map(|receipt| receipt.day))
            .unwrap_or_else(|| app.today()),
        amount: amount.or(imported.as_ref().and_then(|receipt| receipt.amount)),
        items: imported.map(|receipt| receipt.items).unwrap_or_default(),
    };
    let rules = friend_rules(app);
    let order = Redeeming {
        code: &code,
        receipt,
        on,
        client,
        told,
        by,
        via,
        friends: &rules,
        now_ms: app.now_ms(),
    };
    Ok(app.store.redeem(&order).await?)
}

/// An amount as people type it, in minor units of the company's currency.
fn amount(app: &App, text: &str) -> Result<i64, WishError> {
    let plain: String = text
        .chars()
        .filter(|c| !c.is_whitespace())
        .map(|c| if c == ',' { '.' } else { c })
        .collect();
    let money: Result<Money, _> = format!("{plain} {}", app.currency()).parse();
    money
        .ok()
        .map(|money| money.minor)
        .filter(|minor| *minor >= 0)
        .ok_or_else(|| WishError::Amount(text.to_owned()))
}

fn told(app: &App, wish: &Wish<'_>) -> Result<Person, WishError> {
    let mut person = Person::default();
    person.names.extend(wish.name.map(str::to_owned));
    if let Some(contact) = wish.contact.map(str::trim).filter(|text| !text.is_empty()) {
        let is_email = contact.contains('@');
        let channel = if is_email {
            Channel::Email
        } else {
            Channel::Whatsapp
        };
        let country = &app.settings.company.country;
        let address = typed_address(channel, contact, country)
            .map_err(|why| WishError::Contact(contact.to_owned(), why))?;
        if is_email {
            person.emails.push(address);
        } else {
            person.phones.push(address);
        }
    }
    Ok(person)
}

async fn client(app: &App, id: &str) -> Result<ClientId, WishError> {
    match app.store.clients_called(id).await?[..] {
        [one] => Ok(one),
        [] => Err(WishError::Client(id.to_owned())),
        _ => Err(WishError::Clients(id.to_owned())),
    }
}
