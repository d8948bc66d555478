//! What is known of messages and their readers at the moment of sending: read for many messages by
//! a handful of statements, in the transaction that decides.

use crate::db::sql::{self, Json, Query, Row};
use std::collections::HashMap;
use std::str::FromStr;

use super::super::rows::{day_of, optional_day, word};
use super::super::{Result, StoreError};
use super::{Claim, is_stopped};
use crate::model::{
    Arm, Channel, Client, ClientFacts, ClientId, Consent, Day, Deal, DealStatus, Enrollment,
    Readiness, Rhythm, RhythmDates, StopOf, Suppressed, SuppressionReason,
};
use crate::rules::delivery::clearance::{AtTheDoor, Door, Reader};
use crate::rules::plan::country_of;

/// A message as it stands at the door.
pub(super) struct Standing {
    pub(super) id: i64,
    /// Whether the claim and its lease still hold.
    pub(super) ours: bool,
    pub(super) client: ClientId,
    pub(super) hash: [u8; 32],
    pub(super) at_the_door: AtTheDoor,
}

/// Messages with all that the gates look at: one row each, and lists as JSON.
macro_rules! standings_text {
    // How a list of lists begins and ends, and how a list of numbers does.
    ($lists:literal, $of:literal, $numbers:literal, $end:literal) => {
        concat!(
            "
    SELECT m.id, m.claim, m.state, m.lease_until, m.client_id, m.campaign, m.episode, m.step,
           m.channel, m.class, m.address_hash, m.expires_at,
           s.name AS source, c.ext_id, c.phone, c.time_zone, c.country,
           c.deleted_on IS NOT NULL OR c.master_id IS NOT NULL AS gone,
           r.purchase_days, r.first_day, r.last_day,
           e.id AS enrollment, e.began_on, e.entered_on,
           CASE WHEN e.closed_run IS NULL
                  OR EXISTS (SELECT 1 FROM runs WHERE id = e.closed_run AND status <> 'planning')
                THEN e.closed_on END AS closed_on,
           (SELECT ",
            $lists,
            "kind, name, reason",
            $of,
            $end,
            " FROM stops) AS stops,
           -- No day is compared: a stop counts from the moment at which it is known.
           (SELECT ",
            $lists,
            "channel, scope, reason",
            $of,
            $end,
            " FROM suppressions
            WHERE address_hash = m.address_hash) AS suppressions,
           -- Advertising that has left, or may have, to the client and his address.
           (SELECT ",
            $numbers,
            "o.sent_at",
            $end,
            " FROM messages o
            WHERE (o.client_id = m.client_id OR o.address_hash = m.address_hash)
              AND o.class = 'advertising' AND o.state IN ('sending', 'accepted', 'unknown')
              AND o.sent_at > $2 AND o.client_id <> 0 AND m.client_id <> 0) AS advertising,
           -- Deals that were won: the goal of some campaigns.
           (SELECT ",
            $lists,
            "d.ext_id, d.closed_on",
            $of,
            $end,
            " FROM deals d
            -- In one piece: by status and day SQLite would read all deals of the base for each message.
            WHERE d.client_id = m.client_id
              AND CASE WHEN d.status = 'won' THEN d.closed_on END IS NOT NULL) AS won,
           -- Consents, on the cards too that were merged into his. One list of cards: for an OR
           -- PostgreSQL would read all consents of the base for each message.
           (SELECT ",
            $lists,
            "k.id, k.channel, k.class, k.basis, k.given_on, k.withdrawn_on, k.client_id",
            $of,
            $end,
            " FROM (SELECT m.client_id AS id
                  UNION ALL SELECT id FROM clients WHERE master_id = m.client_id) AS card
            CROSS JOIN consents k
            WHERE k.client_id = card.id AND (k.given_on IS NULL OR k.given_on <= $3)) AS consents
    FROM json_each($1) AS row
    JOIN messages m ON m.id = CAST(row.atom AS BIGINT)
    LEFT JOIN clients c ON c.id = m.client_id
    LEFT JOIN sources s ON s.id = c.source_id
    LEFT JOIN rhythms r ON r.client_id = m.client_id
    LEFT JOIN enrollments e ON e.campaign = m.campaign AND e.client_id = m.client_id
        AND e.episode = m.episode"
        )
    };
}

const STANDINGS_IN_SQLITE: &str = standings_text!(
    "json_group_array(json_array(",
    ")",
    "json_group_array(",
    ")"
);
const STANDINGS_IN_POSTGRES: &str = standings_text!(
    "CAST(coalesce(jsonb_agg(jsonb_build_array(",
    ")",
    "CAST(coalesce(jsonb_agg(",
    "), '[]') AS TEXT)"
);

/// All that the gates look at, for many messages by one statement.
pub(super) fn looking<'q>(claims: &[(Claim, &str)], door: &Door<'_>) -> Query<'q> {
    let ids: Vec<i64> = claims.iter().map(|(claim, _)| claim.message).collect();
    let within = door.settings.limits.per_client_within.count();
    let since = door.now - chrono::TimeDelta::days(i64::from(within) + 1);
    sql::query_of(STANDINGS_IN_SQLITE, STANDINGS_IN_POSTGRES)
        .bind(Json(ids))
        .bind(since.timestamp_millis())
        .bind(door.today().epoch_days())
}

/// What was found by [`looking`]. A lease has to last until `lease_until`, in unix milliseconds of the
/// clock of leases.
pub(super) fn standings(
    rows: &[Row],
    claims: &[(Claim, &str)],
    lease_until: i64,
    door: &Door<'_>,
) -> Result<Vec<Standing>> {
    let addresses: HashMap<i64, (i64, &str)> = claims
        .iter()
        .map(|(claim, address)| (claim.message, (claim.seq, *address)))
        .collect();
    let mut standings = Vec::with_capacity(rows.len());
    for row in rows {
        let (seq, address) = addresses[&row.get::<i64, _>("id")];
        let mut standing = standing(row, address)?;
        add_lists(row, &mut standing.at_the_door, door)?;
        standing.ours = row.get::<i64, _>("claim") == seq
            && row.get::<&str, _>("state") == "claimed"
            && row.get::<Option<i64>, _>("lease_until") >= Some(lease_until);
        standings.push(standing);
    }
    Ok(standings)
}

/// A consent: its number, channel, class, basis, from when to when, and on which card.
type ConsentRow = (i64, String, String, String, Option<i32>, Option<i32>, i64);

/// The list in a column; most are empty.
fn list<T: serde::de::DeserializeOwned>(row: &Row, column: &'static str) -> Result<Vec<T>> {
    let text: &str = row.get(column);
    if text == "[]" {
        return Ok(Vec::new());
    }
    serde_json::from_str(text).map_err(|error| unread(format!("{column}: {error}")))
}

fn unread(reason: String) -> StoreError {
    StoreError::Row {
        table: "messages",
        reason,
    }
}

fn word_of<T: FromStr>(text: &str) -> Result<T>
where
    T::Err: std::fmt::Display,
{
    text.parse()
        .map_err(|error: T::Err| unread(error.to_string()))
}

/// What the lists of a row say about its reader, and whether something stops the message.
fn add_lists(row: &Row, message: &mut AtTheDoor, door: &Door<'_>) -> Result<()> {
    message.stopped = stopped(&list(row, "stops")?, row, message)?;
    let Reader::Client { facts, .. } = &mut message.reader else {
        return Ok(());
    };
    for (channel, scope, reason) in list::<(String, String, String)>(row, "suppressions")? {
        let advertising_only = scope == "advertising";
        let reason: SuppressionReason = word_of(&reason)?;
        facts.suppressed.push(Suppressed {
            channel: word_of(&channel)?,
            advertising_only,
            person: !advertising_only && reason.is_of_the_person(),
        });
    }
    let zone = door.settings.company.time_zone.0;
    for sent in list(row, "advertising")? {
        let sent = chrono::DateTime::from_timestamp_millis(sent).unwrap_or_default();
        let day = Day::from_date(sent.with_timezone(&zone).date_naive());
        facts.advertising_days.push(day);
    }
    let mut consents: Vec<ConsentRow> = list(row, "consents")?;
    consents.sort_unstable_by_key(|consent| consent.0);
    for (_, channel, class, basis, given_on, withdrawn_on, card) in consents {
        facts.consents.push(Consent {
            channel: word_of(&channel)?,
            class: word_of(&class)?,
            basis: word_of(&basis)?,
            given_on: given_on.map(Day::from_epoch),
            withdrawn_on: withdrawn_on
                .map(Day::from_epoch)
                .filter(|on| *on <= door.today()),
            card: ClientId(card),
        });
    }
    for (ext_id, closed_on) in list::<(String, i32)>(row, "won")? {
        facts.deals.push(Deal {
            ext_id,
            title: None,
            status: DealStatus::Won,
            stage: None,
            amount: None,
            opened_on: None,
            closed_on: Some(Day::from_epoch(closed_on)),
            reason: None,
            readiness: Readiness::default(),
            stage_since: None,
            manager: None,
        });
    }
    Ok(())
}

fn standing(row: &Row, address: &str) -> Result<Standing> {
    let channel: Channel = word(row, "messages", "channel")?;
    let client = ClientId(row.get("client_id"));
    let expires_at: Option<i64> = row.get("expires_at");
    let hash: Vec<u8> = row.get("address_hash");
    let reader = if client == ClientId(0) {
        Reader::Staff
    } else if row.get::<Option<i64>, _>("gone") == Some(0) {
        Reader::Client {
            facts: Box::new(ClientFacts {
                client: reader(row, client, channel, address),
                rhythm: rhythm(row),
                ..ClientFacts::default()
            }),
            enrollment: enrollment(row),
        }
    } else {
        Reader::Gone
    };
    Ok(Standing {
        id: row.get("id"),
        ours: false,
        client,
        hash: hash.try_into().unwrap_or_default(),
        at_the_door: AtTheDoor {
            campaign: row.get("campaign"),
            channel,
            class: word(row, "messages", "class")?,
            expires_at: expires_at.and_then(chrono::DateTime::from_timestamp_millis),
            stopped: None,
            reader,
        },
    })
}

/// Why a message rests until a person lifts something; `stops` are kind, name, reason.
fn stopped(
    stops: &[(String, String, String)],
    row: &Row,
    message: &AtTheDoor,
) -> Result<Option<String>> {
    if stops.is_empty() {
        return Ok(None);
    }
    let step = format!("{}/{}", message.campaign, row.get::<&str, _>("step"));
    let country = match &message.reader {
        Reader::Client { facts, .. } if message.channel == Channel::Whatsapp => {
            facts.client.phone.as_deref().and_then(country_of)
        }
        _ => None,
    };
    for (kind, name, reason) in stops {
        let kind: StopOf = word_of(kind)?;
        let concerned = match kind {
            StopOf::Channel => name == message.channel.word(),
            StopOf::Campaign => *name == message.campaign,
            StopOf::Step => *name == step,
            StopOf::Country => country == Some(name),
        };
        if concerned {
            return Ok(Some(is_stopped(kind, name) + reason));
        }
    }
    Ok(None)
}

/// The client with the address that the message goes to, whatever the sources say by now.
fn reader(row: &Row, id: ClientId, channel: Channel, address: &str) -> Client {
    let zone: Option<String> = row.get("time_zone");
    let mut client = Client {
        id,
        source: row.get::<Option<String>, _>("source").unwrap_or_default(),
        ext_id: row.get::<Option<String>, _>("ext_id").unwrap_or_default(),
        phone: row.get("phone"),
        time_zone: zone.and_then(|text| text.parse().ok()),
        country: row.get("country"),
        ..Client::default()
    };
    match channel {
        Channel::Email => client.email = Some(address.to_owned()),
        Channel::Whatsapp => client.phone = Some(address.to_owned()),
    }
    client
}

/// As much of the rhythm as the gates look at: the last purchase.
fn rhythm(row: &Row) -> Option<(Rhythm, RhythmDates)> {
    row.get::<Option<i64>, _>("purchase_days")?;
    let last = day_of(row, "last_day");
    let dates = RhythmDates {
        due: last,
        missed: last,
        asleep: last,
        lost: last,
    };
    Some((Rhythm::first_purchase(last), dates))
}

fn enrollment(row: &Row) -> Option<Enrollment> {
    Some(Enrollment {
        id: row.get::<Option<i64>, _>("enrollment")?,
        campaign: row.get("campaign"),
        episode: row.get("episode"),
        began_on: day_of(row, "began_on"),
        entered_on: day_of(row, "entered_on"),
        arm: Arm::Treated,
        closed_on: optional_day(row, "closed_on"),
        touches: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::plans::plan_in_sqlite;

    #[tokio::test]
    async fn nothing_that_grows_is_read_whole_for_a_message() {
        let plan = plan_in_sqlite(STANDINGS_IN_SQLITE).await;
        let scans = plan.iter().filter(|line| line.starts_with("SCAN"));
        let scanned: Vec<&str> = scans.filter_map(|line| line.split(' ').nth(1)).collect();
        assert_eq!(scanned, ["row", "stops", "CONSTANT", "card"], "{plan:#?}");
        let deals = "SEARCH d USING INDEX deals_by_client (client_id=?)";
        assert!(plan.iter().any(|line| line == deals), "{plan:#?}");
    }
}
