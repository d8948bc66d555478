//! What is known of messages and their readers at the moment of sending: read for many messages by
//! a handful of statements, in the transaction that decides.

use std::collections::HashMap;

use sqlx::Row;
use sqlx::sqlite::{SqliteConnection, SqliteRow};

use super::super::Result;
use super::super::consents::consents;
use super::super::rows::{day_of, optional_day, word};
use super::{Claim, rows_of};
use crate::model::{
    Arm, Channel, Client, ClientFacts, ClientId, Day, Deal, DealStatus, Enrollment, Readiness,
    Rhythm, RhythmDates, StopOf, Suppressed, SuppressionReason, hex,
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

/// Reads all that the gates look at, for many messages by a handful of statements.
pub(super) async fn standings(
    tx: &mut SqliteConnection,
    claims: &[(Claim, &str)],
    needs_until: i64,
    door: &Door<'_>,
) -> Result<Vec<Standing>> {
    let addresses: HashMap<i64, (i64, &str)> = claims
        .iter()
        .map(|(claim, address)| (claim.message, (claim.seq, *address)))
        .collect();
    let ids: Vec<i64> = addresses.keys().copied().collect();
    let rows = sqlx::query(
        "SELECT m.id, m.claim, m.state, m.lease_until, m.client_id, m.campaign, m.episode, m.step,
                m.channel, m.class, m.address_hash, m.expires_at,
                s.name AS source, c.ext_id, c.phone, c.time_zone, c.country,
                c.deleted_on IS NOT NULL OR c.master_id IS NOT NULL AS gone,
                r.purchase_days, r.first_day, r.last_day,
                e.id AS enrollment, e.began_on, e.entered_on,
                CASE WHEN e.closed_run IS NULL
                       OR e.closed_run IN (SELECT id FROM runs WHERE status <> 'planning')
                     THEN e.closed_on END AS closed_on
         FROM json_each(?1) AS row
         JOIN messages m ON m.id = row.value
         LEFT JOIN clients c ON c.id = m.client_id
         LEFT JOIN sources s ON s.id = c.source_id
         LEFT JOIN rhythms r ON r.client_id = m.client_id
         LEFT JOIN enrollments e ON e.campaign = m.campaign AND e.client_id = m.client_id
             AND e.episode = m.episode
         ORDER BY m.id",
    )
    .bind(rows_of(&ids)?)
    .fetch_all(&mut *tx)
    .await?;
    let stops = stops(tx).await?;
    let mut standings = Vec::with_capacity(rows.len());
    for row in &rows {
        let (seq, address) = addresses[&row.get::<i64, _>("id")];
        let mut standing = standing(row, address)?;
        standing.at_the_door.stopped = stopped(&stops, row, &standing.at_the_door);
        standing.ours = row.get::<i64, _>("claim") == seq
            && row.get::<String, _>("state") == "claimed"
            && row.get::<Option<i64>, _>("lease_until") >= Some(needs_until);
        standings.push(standing);
    }
    read_consents(tx, &mut standings, door.today()).await?;
    read_suppressions(tx, &mut standings).await?;
    read_advertising(tx, &mut standings, door).await?;
    read_won_deals(tx, &mut standings).await?;
    Ok(standings)
}

fn standing(row: &SqliteRow, address: &str) -> Result<Standing> {
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

/// What rests until a person lifts it: kind, name, reason.
async fn stops(tx: &mut SqliteConnection) -> Result<Vec<(StopOf, String, String)>> {
    let rows = sqlx::query("SELECT kind, name, reason FROM stops")
        .fetch_all(tx)
        .await?;
    let stops = rows.iter().map(|row| {
        Ok((
            word(row, "stops", "kind")?,
            row.get("name"),
            row.get("reason"),
        ))
    });
    stops.collect()
}

/// Why a message rests until a person lifts something.
fn stopped(
    stops: &[(StopOf, String, String)],
    row: &SqliteRow,
    message: &AtTheDoor,
) -> Option<String> {
    if stops.is_empty() {
        return None;
    }
    let step: String = row.get("step");
    let step = format!("{}/{step}", message.campaign);
    let country = match &message.reader {
        Reader::Client { facts, .. } if message.channel == Channel::Whatsapp => {
            facts.client.phone.as_deref().and_then(country_of)
        }
        _ => None,
    };
    let concerned = |kind: StopOf, name: &str| match kind {
        StopOf::Channel => name == message.channel.word(),
        StopOf::Campaign => name == message.campaign,
        StopOf::Step => name == step,
        StopOf::Country => country == Some(name),
    };
    let mut stops = stops.iter();
    let stop = stops.find(|(kind, name, _)| concerned(*kind, name));
    stop.map(|(kind, name, reason)| format!("{kind} {name} is stopped: {reason}"))
}

/// The client with the address that the message goes to, whatever the sources say by now.
fn reader(row: &SqliteRow, id: ClientId, channel: Channel, address: &str) -> Client {
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
fn rhythm(row: &SqliteRow) -> Option<(Rhythm, RhythmDates)> {
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

fn enrollment(row: &SqliteRow) -> Option<Enrollment> {
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

/// The clients of the standings as the one parameter of a statement.
fn clients(standings: &[Standing]) -> Result<String> {
    let ids: Vec<i64> = standings.iter().map(|one| one.client.0).collect();
    rows_of(&ids)
}

/// Hands the facts of every standing of a client to `see`.
fn facts_of(standings: &mut [Standing], client: i64, mut see: impl FnMut(&mut ClientFacts)) {
    for standing in standings {
        if standing.client.0 == client
            && let Reader::Client { facts, .. } = &mut standing.at_the_door.reader
        {
            see(facts);
        }
    }
}

async fn read_consents(
    tx: &mut SqliteConnection,
    standings: &mut [Standing],
    today: Day,
) -> Result<()> {
    let list = clients(standings)?;
    for (client, consent) in consents(tx, &list, today).await? {
        facts_of(standings, client.0, |facts| {
            facts.consents.push(consent.clone());
        });
    }
    Ok(())
}

async fn read_suppressions(tx: &mut SqliteConnection, standings: &mut [Standing]) -> Result<()> {
    let hashes: Vec<String> = standings.iter().map(|one| hex(&one.hash)).collect();
    // No day is compared: a stop counts from the moment at which it is known.
    let rows = sqlx::query(
        "SELECT address_hash, channel, scope, reason FROM suppressions
         WHERE address_hash IN (SELECT unhex(value) FROM json_each(?1))",
    )
    .bind(rows_of(&hashes)?)
    .fetch_all(tx)
    .await?;
    for row in rows {
        let hash: Vec<u8> = row.get("address_hash");
        let advertising_only = row.get::<String, _>("scope") == "advertising";
        let reason: SuppressionReason = word(&row, "suppressions", "reason")?;
        let suppressed = Suppressed {
            channel: word(&row, "suppressions", "channel")?,
            advertising_only,
            person: !advertising_only && reason.is_of_the_person(),
        };
        for standing in standings.iter_mut().filter(|one| one.hash[..] == hash[..]) {
            if let Reader::Client { facts, .. } = &mut standing.at_the_door.reader {
                facts.suppressed.push(suppressed);
            }
        }
    }
    Ok(())
}

/// Advertising that has left, or may have, to the clients and their addresses.
async fn read_advertising(
    tx: &mut SqliteConnection,
    standings: &mut [Standing],
    door: &Door<'_>,
) -> Result<()> {
    let hashes: Vec<String> = standings.iter().map(|one| hex(&one.hash)).collect();
    let within = door.settings.limits.per_client_within.count();
    let since = door.now - chrono::TimeDelta::days(i64::from(within) + 1);
    let rows = sqlx::query(
        "SELECT client_id, address_hash, sent_at FROM messages
         WHERE (client_id IN (SELECT value FROM json_each(?1))
                OR address_hash IN (SELECT unhex(value) FROM json_each(?2)))
           AND class = 'advertising' AND state IN ('sending', 'accepted', 'unknown')
           AND sent_at > ?3 AND client_id <> 0",
    )
    .bind(clients(standings)?)
    .bind(rows_of(&hashes)?)
    .bind(since.timestamp_millis())
    .fetch_all(tx)
    .await?;
    let zone = door.settings.company.time_zone.0;
    for row in rows {
        let sent = chrono::DateTime::from_timestamp_millis(row.get("sent_at")).unwrap_or_default();
        let day = Day::from_date(sent.with_timezone(&zone).date_naive());
        let (client, hash): (i64, Vec<u8>) = (row.get("client_id"), row.get("address_hash"));
        for standing in standings.iter_mut() {
            let concerned = standing.client.0 == client || standing.hash[..] == hash[..];
            if concerned && let Reader::Client { facts, .. } = &mut standing.at_the_door.reader {
                facts.advertising_days.push(day);
            }
        }
    }
    Ok(())
}

/// Deals that were won: the goal of some campaigns.
async fn read_won_deals(tx: &mut SqliteConnection, standings: &mut [Standing]) -> Result<()> {
    let rows = sqlx::query(
        "SELECT client_id, ext_id, closed_on FROM deals
         WHERE client_id IN (SELECT value FROM json_each(?1)) AND status = 'won'
           AND closed_on IS NOT NULL",
    )
    .bind(clients(standings)?)
    .fetch_all(tx)
    .await?;
    for row in rows {
        let deal = Deal {
            stage_since: None,
            manager: None,
            ext_id: row.get("ext_id"),
            title: None,
            status: DealStatus::Won,
            stage: None,
            amount: None,
            opened_on: None,
            closed_on: optional_day(&row, "closed_on"),
            reason: None,
            readiness: Readiness::default(),
        };
        facts_of(standings, row.get("client_id"), |facts| {
            facts.deals.push(deal.clone());
        });
    }
    Ok(())
}
