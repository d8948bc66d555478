//! Outcomes that another program tells, by webhook or in a file: each row is checked, recorded, and
//! counted once.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use crate::app::App;
use crate::db::{Friend, StoreError};
use crate::model::{Channel, Day, Outcome, OutcomeKind, Readiness};
use crate::sources::typed_address;

use super::outcome::{Recorded, Told, record};

/// One outcome as it is told: the columns of `outcomes.csv`, the fields of the webhook.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Row {
    /// Names the outcome for ever: told twice, it counts once.
    pub id: Option<String>,
    /// The number of the task.
    pub task: i64,
    /// The word for what came of it.
    pub outcome: String,
    /// The day of it; today when absent.
    pub day: Option<Day>,
    /// When to come back.
    pub until: Option<Day>,
    /// Why not.
    pub reason: Option<String>,
    /// Whether the client needs it.
    #[serde(deserialize_with = "answer")]
    pub need: Option<bool>,
    /// Whether the client has the money.
    #[serde(deserialize_with = "answer")]
    pub money: Option<bool>,
    /// Whether the client is in a hurry.
    #[serde(deserialize_with = "answer")]
    pub urgency: Option<bool>,
    /// What the client said.
    pub note: Option<String>,
    /// Who says it.
    pub by: Option<String>,
    /// The friend's name.
    pub friend_name: Option<String>,
    /// The friend's phone.
    pub friend_phone: Option<String>,
    /// The friend's e-mail address.
    pub friend_email: Option<String>,
}

/// Reads yes or no as files and programs write it.
fn answer<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<bool>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Raw {
        Bool(bool),
        Number(i64),
        Text(String),
    }
    match Option::<Raw>::deserialize(deserializer)? {
        None => Ok(None),
        Some(Raw::Bool(yes)) => Ok(Some(yes)),
        Some(Raw::Number(1)) => Ok(Some(true)),
        Some(Raw::Number(0)) => Ok(Some(false)),
        Some(Raw::Text(text)) => match text.trim().to_lowercase().as_str() {
            "" => Ok(None),
            "yes" | "да" | "true" => Ok(Some(true)),
            "no" | "нет" | "false" => Ok(Some(false)),
            _ => Err(D::Error::custom(format!(
                "\"{text}\" is neither yes nor no"
            ))),
        },
        Some(Raw::Number(other)) => Err(D::Error::custom(format!("{other} is neither yes nor no"))),
    }
}

/// What became of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Became {
    /// It was recorded.
    Counted,
    /// It had been recorded before.
    Before,
    /// It says nothing that could be recorded, for this reason.
    Bad(String),
}

/// Records one row; `key` is what counts it once, and `by` who says it where the row does not.
///
/// # Errors
///
/// The database.
pub async fn take(app: &App, row: &Row, key: &str, by: &str) -> Result<Became, StoreError> {
    let (outcome, friend) = match read(app, row) {
        Ok(read) => read,
        Err(why) => return Ok(Became::Bad(why)),
    };
    let told = Told {
        note: row.note.as_deref(),
        friend: Some(friend).filter(Friend::is_known),
        key: Some(key),
        ..Told::new(outcome, row.by.as_deref().unwrap_or(by))
    };
    Ok(match record(app, row.task, &told).await? {
        Recorded::Done(_) | Recorded::Again(..) => Became::Counted,
        Recorded::Before => Became::Before,
        Recorded::NoSuchTask => Became::Bad(format!("there is no open task {}", row.task)),
        Recorded::MakesNoSense(why) => Became::Bad(why.to_owned()),
    })
}

fn read(app: &App, row: &Row) -> Result<(Outcome, Friend), String> {
    let kind: OutcomeKind = row.outcome.parse().map_err(|error| format!("{error}"))?;
    let today = app.today();
    let day = row.day.unwrap_or(today);
    if day > today {
        return Err(format!("{day} has not come yet"));
    }
    let home = &app.settings.company.country;
    let typed = |channel, raw: &Option<String>| {
        let raw = raw.as_deref().filter(|raw| !raw.trim().is_empty());
        raw.map(|raw| typed_address(channel, raw, home)).transpose()
    };
    let outcome = Outcome {
        until: row.until,
        reason: row.reason.clone(),
        readiness: Readiness {
            need: row.need,
            money: row.money,
            urgency: row.urgency,
        },
        ..Outcome::new(kind, day)
    };
    let friend = Friend {
        name: row.friend_name.clone(),
        phone: typed(Channel::Whatsapp, &row.friend_phone)?,
        email: typed(Channel::Email, &row.friend_email)?,
    };
    Ok((outcome, friend))
}
