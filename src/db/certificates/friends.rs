//! Friends who came with a certificate, and for whom that counts.

use crate::db::sql::{self, Connection};
use std::collections::HashMap;

use super::super::rows::day_of;
use super::super::{Result, Store};
use super::{CertificateRow, FriendRules, identity};
use crate::model::{ClientId, Day, FriendPurchase};
use crate::rules::certificate::{FriendFacts, GiverLimit, Person, mailbox};

/// What is known of a friend: the client, where it is known, and what the till was told.
#[derive(Clone, Debug, Default)]
pub(super) struct Friend {
    pub(super) client: Option<i64>,
    pub(super) told: Person,
    /// The redemption with which he comes now, where it has been written.
    pub(super) except: Option<i64>,
}

/// Reads what the rules about friends look at; beside it the client that the friend is, where what
/// was told leads to exactly one.
pub(super) async fn facts(
    connection: &mut Connection,
    certificate: &CertificateRow,
    friend: &Friend,
    day: Day,
    rules: &FriendRules,
) -> Result<(FriendFacts, Option<i64>)> {
    let givers = identity::all_cards(&mut *connection, &[certificate.client_id.0]).await?;
    let giver = identity::person(&mut *connection, &givers, &rules.cards).await?;
    let mut friend_person = friend.told.clone();
    let mut ids = Vec::new();
    if let Some(client) = friend.client {
        ids = identity::all_cards(&mut *connection, &[client]).await?;
        friend_person.add(identity::person(&mut *connection, &ids, &rules.cards).await?);
    }
    // The same person under other cards, of this source or of another; and those that share what
    // is known of him by these.
    for _ in 0..2 {
        let alike = identity::clients_like(&mut *connection, &friend_person).await?;
        friend_person.add(identity::person(&mut *connection, &alike, &rules.cards).await?);
        ids.extend(alike);
    }
    ids.sort_unstable();
    ids.dedup();
    let known = match friend.client {
        Some(client) => identity::only_one(&mut *connection, &[client]).await?,
        None => identity::only_one(&mut *connection, &ids).await?,
    };
    let facts = FriendFacts {
        same_client: ids.iter().any(|id| givers.contains(id)),
        bought_on: identity::bought_before(&mut *connection, &ids, day).await?,
        came_before: came_before(&mut *connection, &ids, &friend_person, friend.except).await?,
        friends_of_giver: friends_of_giver(
            &mut *connection,
            &givers,
            day,
            rules.limit,
            friend.except,
        )
        .await?,
        giver,
        friend: friend_person,
    };
    Ok((facts, known))
}

/// Whether he came as somebody's friend, by another redemption than `except`.
async fn came_before(
    connection: &mut Connection,
    ids: &[i64],
    friend: &Person,
    except: Option<i64>,
) -> Result<bool> {
    let mailboxes: Vec<String> = friend.emails.iter().map(|email| mailbox(email)).collect();
    let came = sql::query_scalar::<i64>(
        "SELECT EXISTS (
             SELECT 1 FROM referrals f JOIN redemptions r ON r.id = f.redemption_id
             WHERE (f.friend_id IN (SELECT CAST(atom AS BIGINT) FROM json_each($1))
                    OR f.phone IN (SELECT atom FROM json_each($2))
                    OR f.mailbox IN (SELECT atom FROM json_each($3)))
               AND r.id IS DISTINCT FROM $4 AND f.state IN ('counts', 'waiting', 'review')
               AND r.undone_at IS NULL)",
    );
    let came = came
        .bind(identity::list(ids))
        .bind(identity::texts(&friend.phones))
        .bind(identity::texts(&mailboxes))
        .bind(except);
    Ok(came.fetch_one(connection).await? != 0)
}

async fn friends_of_giver(
    connection: &mut Connection,
    givers: &[i64],
    day: Day,
    limit: GiverLimit,
    except: Option<i64>,
) -> Result<u32> {
    let count = sql::query_scalar(
        "SELECT count(*) FROM referrals f JOIN redemptions r ON r.id = f.redemption_id
         WHERE f.giver_id IN (SELECT CAST(atom AS BIGINT) FROM json_each($1)) AND r.day > $2
           AND r.id IS DISTINCT FROM $3 AND f.state IN ('counts', 'waiting', 'review')
           AND r.undone_at IS NULL",
    );
    let since = day.plus(-limit.days);
    let count = count
        .bind(identity::list(givers))
        .bind(since.epoch_days())
        .bind(except);
    Ok(count.fetch_one(connection).await?)
}

impl Store {
    /// The friends of some clients who have counted by a day, the last one first.
    pub(in crate::db) async fn friends_of(
        &self,
        list: &str,
        day: Day,
    ) -> Result<HashMap<ClientId, Vec<FriendPurchase>>> {
        let rows = sql::query(
            "SELECT coalesce(g.master_id, g.id) AS giver, s.name || '/' || c.ext_id AS friend,
                    f.counts_on, r.amount
             FROM referrals f JOIN redemptions r ON r.id = f.redemption_id
             JOIN clients g ON g.id = f.giver_id
             JOIN clients c ON c.id = f.friend_id JOIN sources s ON s.id = c.source_id
             WHERE f.giver_id IN (
                       SELECT CAST(atom AS BIGINT) FROM json_each($1)
                       UNION SELECT id FROM clients
                       WHERE master_id IN (SELECT CAST(atom AS BIGINT) FROM json_each($1)))
               AND f.state = 'counts' AND f.counts_on <= $2
             ORDER BY giver, f.counts_on DESC, friend",
        )
        .bind(list)
        .bind(day.epoch_days())
        .fetch_all(&self.pool)
        .await?;
        let mut friends: HashMap<ClientId, Vec<FriendPurchase>> = HashMap::new();
        for row in rows {
            let giver = ClientId(row.get("giver"));
            friends.entry(giver).or_default().push(FriendPurchase {
                friend: row.get("friend"),
                day: day_of(&row, "counts_on"),
                amount: row.get("amount"),
            });
        }
        Ok(friends)
    }

    /// Clients whose friends have counted since a day in a stretch, both ends included.
    pub async fn clients_whose_friends_bought(&self, from: Day, to: Day) -> Result<Vec<ClientId>> {
        let rows = sql::query_scalar(
            "SELECT DISTINCT coalesce(g.master_id, g.id) FROM referrals f
             JOIN clients g ON g.id = f.giver_id
             WHERE f.state = 'counts' AND f.counts_on BETWEEN $1 AND $2 ORDER BY 1",
        );
        let rows: Vec<i64> = rows
            .bind(from.epoch_days())
            .bind(to.epoch_days())
            .fetch_all(&self.pool)
            .await?;
        Ok(rows.into_iter().map(ClientId).collect())
    }

    /// How many friends of a certificate count, wait to be known, or are looked at by a person.
    pub async fn friends_by_certificate(&self, code: &str) -> Result<Vec<(String, u32)>> {
        let rows = sql::query(
            "SELECT f.state, count(*) AS n FROM referrals f
             JOIN redemptions r ON r.id = f.redemption_id WHERE r.code = $1
             GROUP BY f.state ORDER BY f.state",
        );
        let rows = rows.bind(code).fetch_all(&self.pool).await?;
        Ok(rows
            .iter()
            .map(|row| (row.get("state"), row.get("n")))
            .collect())
    }
}
