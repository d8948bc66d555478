//! Which message something is about.

use super::super::rows::word;
use super::super::{Result, Store};
use crate::db::sql::{self, Row};
use crate::model::{Channel, ClientId, MessageState};

/// What points to a message, the surest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trace<'a> {
    /// The number of the message.
    Number(i64),
    /// The key that travels with it.
    Key(&'a str),
    /// The id that the other side gave it.
    Provider(&'a str),
    /// The last one that went to an address: good enough to find a client, never to judge a message.
    LastTo(Channel, [u8; 32]),
}

/// A message as what comes back needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownMessage {
    /// Our own number.
    pub id: i64,
    /// What travels with it.
    pub key: String,
    /// The client; 0 for the lists of managers.
    pub client: ClientId,
    /// The campaign.
    pub campaign: String,
    /// The step.
    pub step: String,
    /// The way it went.
    pub channel: Channel,
    /// The keyed hash of the address that it went to.
    pub hash: [u8; 32],
    /// Where it is.
    pub state: MessageState,
    /// JSON: what it is rendered from.
    pub inputs: String,
}

const COLUMNS: &str = "
    SELECT m.id, m.key, m.client_id, m.campaign, m.step, m.channel, m.address_hash, m.state, m.inputs
    FROM messages m";

fn known(row: &Row) -> Result<KnownMessage> {
    let hash: Vec<u8> = row.get("address_hash");
    Ok(KnownMessage {
        id: row.get("id"),
        key: row.get("key"),
        client: ClientId(row.get("client_id")),
        campaign: row.get("campaign"),
        step: row.get("step"),
        channel: word(row, "messages", "channel")?,
        hash: hash.try_into().unwrap_or_default(),
        state: word(row, "messages", "state")?,
        inputs: row.get("inputs"),
    })
}

impl Store {
    /// The message that a trace leads to, if it is one of ours.
    pub async fn traced(&self, trace: &Trace<'_>) -> Result<Option<KnownMessage>> {
        let condition = match trace {
            Trace::Number(_) => "m.id = $1",
            Trace::Key(_) => "m.key = $1",
            Trace::Provider(_) => "m.provider_id = $1 ORDER BY m.id DESC LIMIT 1",
            Trace::LastTo(..) => {
                "m.address_hash = $1 AND m.channel = $2 AND m.client_id <> 0
                 AND (m.attempts > 0 OR m.state = 'accepted')
                 ORDER BY coalesce(m.sent_at, m.accepted_at) DESC, m.id DESC LIMIT 1"
            }
        };
        let statement = format!("{COLUMNS} WHERE {condition}");
        let query = sql::query(sqlx::AssertSqlSafe(statement));
        let query = match trace {
            Trace::Number(id) => query.bind(*id),
            Trace::Key(key) => query.bind((*key).to_owned()),
            Trace::Provider(id) => query.bind((*id).to_owned()),
            Trace::LastTo(channel, hash) => query.bind(hash.to_vec()).bind(channel.word()),
        };
        let row = query.fetch_optional(&self.pool).await?;
        row.as_ref().map(known).transpose()
    }
}
