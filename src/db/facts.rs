//! Reading the facts of a chunk of clients, as they were known on a day.
//!
//! A chunk is read by a handful of statements, whatever its size; nothing dated after the day is
//! looked at.

use crate::db::sql::{self, Row};
use std::collections::HashMap;

use super::consents::consents;
use super::rows::{client, day_of, deal, rhythm, rhythm_dates, word};
use super::{Result, Store};
use crate::model::{
    AddressGot, AddressKey, Channel, ClientFacts, ClientId, Consent, Contact, Day, PurchaseDay,
    Suppressed, SuppressionReason, Visits, hex,
};

/// How many of the latest purchase days facts carry.
const RECENT_PURCHASES: usize = 8;

/// What to read beside who the clients are: what no campaign asks for is not read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a statement that is made or left out"
)]
pub struct Wanted {
    /// The turnover of the last 365 days and the latest purchase days.
    pub purchases: bool,
    /// What was bought, by name.
    pub items: bool,
    /// Deals.
    pub deals: bool,
    /// Friends who came with the client's certificates.
    pub friends: bool,
    /// Seats at events.
    pub seats: bool,
    /// Visits to the site.
    pub visits: bool,
}

impl Wanted {
    /// Everything there is.
    pub const ALL: Self = Self {
        purchases: true,
        items: true,
        deals: true,
        friends: true,
        seats: true,
        visits: true,
    };
}

/// Messages of a day's past that have left their run's planning behind them.
macro_rules! messages_of {
    ($whose:literal) => {
        concat!(
            "SELECT client_id, address_hash, campaign, episode, step, planned_on,
                    class = 'advertising' AND state <> 'cancelled' AS counts
             FROM messages
             WHERE ",
            $whose,
            " AND planned_on <= $2
              AND run_id IN (SELECT id FROM runs WHERE status <> 'planning')
             ORDER BY planned_on, id"
        )
    };
}

/// The ids of a chunk as the one parameter of its statements.
pub(super) fn id_list(ids: &[ClientId]) -> String {
    let numbers: Vec<String> = ids.iter().map(ToString::to_string).collect();
    format!("[{}]", numbers.join(","))
}

/// The facts of a chunk, found by the number of the client.
pub(super) struct Chunk {
    facts: Vec<ClientFacts>,
    place: HashMap<ClientId, usize>,
}

impl Chunk {
    fn of_clients(rows: &[Row]) -> Result<Self> {
        let mut chunk = Self {
            facts: Vec::with_capacity(rows.len()),
            place: HashMap::with_capacity(rows.len()),
        };
        for row in rows {
            let client = client(row)?;
            chunk.place.insert(client.id, chunk.facts.len());
            chunk.facts.push(ClientFacts {
                client,
                ..ClientFacts::default()
            });
        }
        Ok(chunk)
    }

    pub(super) fn of(&mut self, row: &Row) -> Option<&mut ClientFacts> {
        self.of_client(ClientId(row.get("client_id")))
    }

    fn of_client(&mut self, client: ClientId) -> Option<&mut ClientFacts> {
        let place = self.place.get(&client)?;
        self.facts.get_mut(*place)
    }

    fn add_contacts(&mut self, rows: &[Row]) {
        for row in rows {
            if let Some(facts) = self.of(row)
                && facts.contact.is_none()
            {
                facts.contact = Some(Contact {
                    name: row.get("name"),
                    role: row.get("role"),
                    email: row.get("email"),
                    phone: row.get("phone"),
                    primary: row.get::<i64, _>("is_primary") != 0,
                });
            }
        }
    }

    fn add_rhythms(&mut self, rows: &[Row]) {
        for row in rows {
            if let Some(facts) = self.of(row) {
                facts.rhythm = Some((rhythm(row), rhythm_dates(row)));
                facts.totals.turnover = row.get("turnover");
                facts.totals.spent = row.get("spent");
            }
        }
    }

    fn add_consents(&mut self, consents: Vec<(ClientId, Consent)>) {
        for (client, consent) in consents {
            if let Some(facts) = self.of_client(client) {
                facts.consents.push(consent);
            }
        }
    }

    fn add_suppressions(&mut self, rows: &[Row], owners: &Owners) -> Result<()> {
        for row in rows {
            let channel: Channel = word(row, "suppressions", "channel")?;
            let advertising_only = row.get::<String, _>("scope") == "advertising";
            let reason: SuppressionReason = word(row, "suppressions", "reason")?;
            let person = !advertising_only && reason.is_of_the_person();
            for (place, _) in owners_of(owners, row) {
                self.facts[*place].suppressed.push(Suppressed {
                    channel,
                    advertising_only,
                    person,
                });
            }
        }
        Ok(())
    }

    /// Notes a message with its client, and with everybody who has its address.
    fn add_message(&mut self, row: &Row, owners: &Owners) {
        let of_address = owners_of(owners, row);
        for (place, channel) in of_address {
            self.facts[*place].address_got.push(AddressGot {
                channel: *channel,
                campaign: row.get("campaign"),
                episode: row.get("episode"),
                step: row.get("step"),
            });
        }
        if row.get::<i64, _>("counts") == 0 {
            return;
        }
        let of_client = self.place.get(&ClientId(row.get("client_id"))).copied();
        let mut places: Vec<usize> = of_address.iter().map(|(place, _)| *place).collect();
        places.extend(of_client.filter(|place| !places.contains(place)));
        for place in places {
            self.facts[place]
                .advertising_days
                .push(day_of(row, "planned_on"));
        }
    }
}

impl Store {
    /// Reads the facts of `ids`, in the order of their ids, as of `day`; rhythms and totals are
    /// those that the database keeps.
    pub async fn facts(
        &self,
        ids: &[ClientId],
        day: Day,
        wanted: Wanted,
        key: &AddressKey,
    ) -> Result<Vec<ClientFacts>> {
        let list = id_list(ids);
        // What does not depend on one another is read side by side, on connections of its own.
        let (clients, contacts, rhythms, consents) = tokio::try_join!(
            self.client_rows(&list),
            self.contact_rows(&list),
            self.rhythm_rows(&list),
            consents(&self.pool, &list, day),
        )?;
        let mut chunk = Chunk::of_clients(&clients)?;
        chunk.add_contacts(&contacts);
        chunk.add_rhythms(&rhythms);
        chunk.add_consents(consents);
        if wanted.purchases {
            self.read_recent_purchases(&list, day, &mut chunk).await?;
        }
        if wanted.items {
            for (client, items) in self.items_ever(&list, day).await? {
                if let Some(place) = chunk.place.get(&client) {
                    chunk.facts[*place].items = items;
                }
            }
        }
        if wanted.deals {
            self.read_deals(&list, day, &mut chunk).await?;
        }
        if wanted.friends {
            for (client, friends) in self.friends_of(&list, day).await? {
                if let Some(facts) = chunk.of_client(client) {
                    facts.friends = friends;
                }
            }
        }
        if wanted.seats {
            for (client, seat) in self.seats_of_clients(&list).await? {
                if let Some(place) = chunk.place.get(&client) {
                    chunk.facts[*place].seats.push(seat);
                }
            }
        }
        if wanted.visits {
            self.read_visits(&list, day, &mut chunk).await?;
        }
        self.read_story(&list, day, &mut chunk).await?;
        self.read_address_facts(&list, day, key, &mut chunk).await?;
        Ok(chunk.facts)
    }

    /// As [`Self::facts`], with nothing but what the gates of a channel look at.
    pub async fn reach_facts(
        &self,
        ids: &[ClientId],
        day: Day,
        key: &AddressKey,
    ) -> Result<Vec<ClientFacts>> {
        let list = id_list(ids);
        let (clients, contacts, consents) = tokio::try_join!(
            self.client_rows(&list),
            self.contact_rows(&list),
            consents(&self.pool, &list, day),
        )?;
        let mut chunk = Chunk::of_clients(&clients)?;
        chunk.add_contacts(&contacts);
        chunk.add_consents(consents);
        let owners = owners(&chunk.facts, key);
        let suppressions = self.suppression_rows(day, &hash_list(&owners)).await?;
        chunk.add_suppressions(&suppressions, &owners)?;
        Ok(chunk.facts)
    }

    async fn client_rows(&self, list: &str) -> Result<Vec<Row>> {
        let rows = sql::query(
            "SELECT c.id AS client_id, s.name AS source, c.ext_id, c.name, c.company, c.email,
                    c.phone, c.locale, c.time_zone, c.country, m.manager, c.tags, c.attributes,
                    c.birthday
             FROM clients c JOIN sources s ON s.id = c.source_id
             JOIN client_managers m ON m.client_id = c.id
             WHERE c.id IN (SELECT CAST(row.atom AS BIGINT) FROM json_each($1) AS row) AND c.deleted_on IS NULL
               AND c.master_id IS NULL
             ORDER BY c.id",
        );
        Ok(rows.bind(list).fetch_all(&self.pool).await?)
    }

    async fn contact_rows(&self, list: &str) -> Result<Vec<Row>> {
        let rows = sql::query(
            "SELECT client_id, name, role, email, phone, is_primary FROM contacts
             WHERE client_id IN (SELECT CAST(row.atom AS BIGINT) FROM json_each($1) AS row)
             ORDER BY client_id, is_primary DESC, id",
        );
        Ok(rows.bind(list).fetch_all(&self.pool).await?)
    }

    async fn rhythm_rows(&self, list: &str) -> Result<Vec<Row>> {
        let rows = sql::query(
            "SELECT client_id, purchase_days, first_day, last_day, weight, sum_log, sum_sq,
                    turnover, spent, due_on, missed_on, asleep_on, lost_on
             FROM rhythms WHERE client_id IN (SELECT CAST(row.atom AS BIGINT) FROM json_each($1) AS row)",
        );
        Ok(rows.bind(list).fetch_all(&self.pool).await?)
    }

    async fn read_recent_purchases(&self, list: &str, day: Day, chunk: &mut Chunk) -> Result<()> {
        let rows = sql::query(
            "SELECT client_id, day, CAST(SUM(amount) AS BIGINT) AS net,
                    CAST(SUM(CASE WHEN amount > 0 AND (cancelled_on IS NULL OR cancelled_on > $3)
                             THEN amount ELSE 0 END) AS BIGINT) AS paid
             FROM purchases
             WHERE client_id IN (SELECT CAST(row.atom AS BIGINT) FROM json_each($1) AS row) AND day > $2 AND day <= $3
             GROUP BY client_id, day ORDER BY client_id, day DESC",
        )
        .bind(list)
        .bind(day.plus(-365).epoch_days())
        .bind(day.epoch_days())
        .fetch_all(&self.pool)
        .await?;
        for row in rows {
            if let Some(facts) = chunk.of(&row) {
                facts.totals.year += row.get::<i64, _>("net");
                let amount: i64 = row.get("paid");
                if amount > 0 && facts.recent_purchases.len() < RECENT_PURCHASES {
                    facts.recent_purchases.push(PurchaseDay {
                        day: day_of(&row, "day"),
                        amount,
                    });
                }
            }
        }
        Ok(())
    }

    async fn read_deals(&self, list: &str, day: Day, chunk: &mut Chunk) -> Result<()> {
        let rows = sql::query(
            "SELECT client_id, ext_id, title, status, amount, opened_on, closed_on, reason, need,
                    money, urgency, manager,
                    -- A stage that was reached later was not reached yet.
                    CASE WHEN EXISTS (SELECT 1 FROM deal_stages s
                                      WHERE s.deal_id = deals.id AND s.day > $2)
                         THEN (SELECT s.stage FROM deal_stages s
                               WHERE s.deal_id = deals.id AND s.day <= $2
                               ORDER BY s.day DESC LIMIT 1)
                         ELSE stage END AS stage,
                    (SELECT max(s.day) FROM deal_stages s
                     WHERE s.deal_id = deals.id AND s.day <= $2) AS stage_since
             FROM deals
             WHERE client_id IN (SELECT CAST(row.atom AS BIGINT) FROM json_each($1) AS row)
               AND (opened_on IS NULL OR opened_on <= $2)
             ORDER BY client_id, id",
        )
        .bind(list)
        .bind(day.epoch_days())
        .fetch_all(&self.pool)
        .await?;
        for row in rows {
            let deal = deal(&row, day)?;
            if let Some(facts) = chunk.of(&row) {
                facts.deals.push(deal);
            }
        }
        Ok(())
    }

    async fn read_visits(&self, list: &str, day: Day, chunk: &mut Chunk) -> Result<()> {
        // Beside a bare max(), SQLite takes the other columns from the row that has it.
        // Source: https://www.sqlite.org/lang_select.html#bareagg
        let rows = sql::query_of(
            "SELECT v.client_id, v.page, max(v.day) AS last,
                    (SELECT min(f.day) FROM visits f WHERE f.client_id = v.client_id) AS first,
                    (SELECT count(DISTINCT n.day) FROM visits n
                     WHERE n.client_id = v.client_id AND n.day <= $2) AS days
             FROM visits v
             WHERE v.client_id IN (SELECT value FROM json_each($1)) AND v.day <= $2
             GROUP BY v.client_id",
            "SELECT DISTINCT ON (v.client_id) v.client_id, v.page, v.day AS last,
                    (SELECT min(f.day) FROM visits f WHERE f.client_id = v.client_id) AS first,
                    (SELECT count(DISTINCT n.day) FROM visits n
                     WHERE n.client_id = v.client_id AND n.day <= $2) AS days
             FROM visits v
             WHERE v.client_id IN (SELECT CAST(row.atom AS BIGINT) FROM json_each($1) AS row)
               AND v.day <= $2
             ORDER BY v.client_id, v.day DESC, v.source_id, v.key",
        )
        .bind(list)
        .bind(day.epoch_days())
        .fetch_all(&self.pool)
        .await?;
        for row in rows {
            if let Some(facts) = chunk.of(&row) {
                facts.visits = Some(Visits {
                    first: day_of(&row, "first"),
                    last: day_of(&row, "last"),
                    days: row.get::<i64, _>("days") as u32,
                    page: row.get("page"),
                });
            }
        }
        Ok(())
    }

    /// What is known of the addresses: suppressions, and the messages that they got, also under the
    /// name of another client. A client who changed his address keeps the advertising that he got.
    async fn read_address_facts(
        &self,
        list: &str,
        day: Day,
        key: &AddressKey,
        chunk: &mut Chunk,
    ) -> Result<()> {
        let owners = owners(&chunk.facts, key);
        let hashes = hash_list(&owners);
        let (suppressions, messages) = tokio::try_join!(
            self.suppression_rows(day, &hashes),
            self.message_rows(list, day, &hashes),
        )?;
        chunk.add_suppressions(&suppressions, &owners)?;
        for row in messages {
            chunk.add_message(&row, &owners);
        }
        Ok(())
    }

    async fn message_rows(&self, list: &str, day: Day, hashes: &str) -> Result<Vec<Row>> {
        // PostgreSQL does not use two indexes for an OR over lists.
        let rows = sql::query_of(
            messages_of!(
                "(address_hash IN (SELECT unhex(value) FROM json_each($1))
                  OR client_id IN (SELECT value FROM json_each($3)))"
            ),
            messages_of!(
                "id IN (SELECT m.id FROM json_each($1) AS row
                            JOIN messages m ON m.address_hash = unhex(row.atom)
                        UNION
                        SELECT m.id FROM json_each($3) AS row
                            JOIN messages m ON m.client_id = CAST(row.atom AS BIGINT))"
            ),
        );
        // A run fills the table: PostgreSQL must not keep the plan that it made for an empty one.
        let rows = rows.bind(hashes).bind(day.epoch_days()).bind(list).once();
        Ok(rows.fetch_all(&self.pool).await?)
    }

    async fn suppression_rows(&self, day: Day, hashes: &str) -> Result<Vec<Row>> {
        let rows = sql::query(
            "SELECT address_hash, channel, scope, reason FROM suppressions
             WHERE address_hash IN (SELECT unhex(row.atom) FROM json_each($1) AS row) AND since <= $2",
        );
        let rows = rows.bind(hashes).bind(day.epoch_days());
        Ok(rows.fetch_all(&self.pool).await?)
    }
}

/// Whose address a hash is: the places of the clients in the chunk.
type Owners = HashMap<[u8; 32], Vec<(usize, Channel)>>;

fn owners(facts: &[ClientFacts], key: &AddressKey) -> Owners {
    let mut owners = Owners::new();
    for (place, facts) in facts.iter().enumerate() {
        for channel in Channel::ALL.iter().copied() {
            if let Some(address) = facts.address(channel) {
                owners
                    .entry(key.hash(channel, address))
                    .or_default()
                    .push((place, channel));
            }
        }
    }
    owners
}

fn hash_list(owners: &Owners) -> String {
    let hashes: Vec<String> = owners.keys().map(|hash| hex(hash)).collect();
    serde_json::to_string(&hashes).unwrap_or_default()
}

fn owners_of<'a>(owners: &'a Owners, row: &Row) -> &'a [(usize, Channel)] {
    let hash: Vec<u8> = row.get("address_hash");
    let known = <[u8; 32]>::try_from(hash)
        .ok()
        .and_then(|hash| owners.get(&hash));
    known.map_or(&[], Vec::as_slice)
}
