//! Compares what a server took with what the database says, and shares no code with the product.
//!
//! The log is that of `examples/smtp_sink.rs` or `examples/whatsapp_fake.rs`: a line of JSON for
//! every letter or request, on the disk before it was answered. Lines and attempts are matched by
//! the SHA-256 of what went over the wire, and by the address.

use std::collections::{BTreeMap, HashMap};
use std::error::Error;
use std::fmt;
use std::path::Path;

use serde_json::Value;

use crate::database::Database;

/// What is compared.
pub(crate) struct Question<'a> {
    /// The file, or the address on a server.
    pub(crate) database: &'a str,
    pub(crate) log: &'a Path,
    /// So many messages must be in the database; any number when absent.
    pub(crate) expected: Option<u64>,
    /// At most so many may be unknown: kills times messages under way at once.
    pub(crate) most_unknown: u64,
}

/// What was found; the first six must be none.
#[derive(Clone, Debug, Default)]
pub(crate) struct Findings {
    most_unknown: u64,
    pub(crate) lost: u64,
    pub(crate) doubled: u64,
    pub(crate) falsely_accepted: u64,
    pub(crate) stuck: u64,
    pub(crate) unrecorded: u64,
    pub(crate) misdirected: u64,
    pub(crate) accepted: u64,
    pub(crate) unknown: u64,
    pub(crate) unknown_but_taken: u64,
    pub(crate) doubled_as_allowed: u64,
    other: BTreeMap<String, u64>,
}

/// One message of the database.
struct Message {
    state: String,
    address: String,
    may_double: bool,
    resends: u64,
    told: bool,
    contents: Vec<String>,
}

/// Compares.
pub(crate) async fn check(question: &Question<'_>) -> Result<Findings, Box<dyn Error>> {
    let mut found = Findings {
        most_unknown: question.most_unknown,
        ..Findings::default()
    };
    let mut log = taken(&std::fs::read_to_string(question.log)?)?;
    let messages = messages(question.database).await?;
    let expected = question.expected.unwrap_or(messages.len() as u64);
    found.lost += expected.saturating_sub(messages.len() as u64);
    for message in &messages {
        let mut times = 0;
        for content in &message.contents {
            if let Some(addresses) = log.remove(content) {
                times += addresses.len() as u64;
                let wrong = |to: &&String| !same(to, &message.address);
                found.misdirected += addresses.iter().filter(wrong).count() as u64;
            }
        }
        judge(message, times, &mut found);
    }
    // What is left in the log went out without a durable point of no return.
    found.unrecorded = log.values().map(|addresses| addresses.len() as u64).sum();
    Ok(found)
}

fn judge(message: &Message, times: u64, found: &mut Findings) {
    if times > 1 {
        let allowed = message.may_double && times <= 1 + message.resends;
        *(if allowed {
            &mut found.doubled_as_allowed
        } else {
            &mut found.doubled
        }) += times - 1;
    }
    match message.state.as_str() {
        "accepted" => {
            found.accepted += 1;
            found.falsely_accepted += u64::from(times == 0);
        }
        "unknown" => {
            found.unknown += 1;
            found.unknown_but_taken += u64::from(times > 0);
        }
        "planned" | "queued" | "claimed" | "sending" | "retry" => found.stuck += 1,
        other => {
            *found.other.entry(other.to_owned()).or_default() += 1;
            // Over without a word, or taken by the server although it counts as not sent.
            found.lost += u64::from(!message.told || times > 0);
        }
    }
}

/// Phones are compared by their digits: `+7701...` is `7701...` on the wire.
fn same(one: &str, other: &str) -> bool {
    one.trim_start_matches('+')
        .eq_ignore_ascii_case(other.trim_start_matches('+'))
}

/// The addresses of everything that was taken, by the sum of its content.
fn taken(log: &str) -> Result<HashMap<String, Vec<String>>, serde_json::Error> {
    let mut taken: HashMap<String, Vec<String>> = HashMap::new();
    for line in log.lines() {
        let line: Value = serde_json::from_str(line)?;
        // A letter without a reply may count for the server: it was complete.
        let refused = line["reply"]
            .as_str()
            .is_some_and(|code| !code.starts_with('2'));
        if refused || line["taken"] == Value::Bool(false) {
            continue;
        }
        let address = line["rcpt"].as_str().or_else(|| line["to"].as_str());
        let content = line["sha256"].as_str().unwrap_or_default();
        let known = taken.entry(content.to_owned()).or_default();
        known.push(address.unwrap_or_default().to_owned());
    }
    Ok(taken)
}

async fn messages(database: &str) -> Result<Vec<Message>, sqlx::Error> {
    let database = Database::open(database).await?;
    let asked = format!(
        "SELECT state, inputs, channel, on_unknown, resends,
                EXISTS (SELECT 1 FROM message_events e
                        WHERE e.message_id = m.id AND e.state = m.state) AS told,
                (SELECT string_agg(content, ',')
                 FROM (SELECT DISTINCT {} AS content FROM attempts a
                       WHERE a.message_id = m.id) AS once) AS contents
         FROM messages m
         WHERE state <> 'held_out'
           AND run_id IN (SELECT id FROM runs WHERE status = 'sealed' AND mode = 'live')",
        database.either("lower(hex(content))", "encode(content, 'hex')"),
    );
    let rows = database.try_rows(&asked).await?;
    database.close().await;
    let messages = rows.iter().map(|row| {
        let inputs: Value = serde_json::from_str(row.get("inputs")).unwrap_or_default();
        let way = match row.get("channel") {
            "whatsapp" => "phone",
            _ => "email",
        };
        let address = inputs["client"][way]
            .as_str()
            .or_else(|| inputs["address"].as_str());
        let contents: Option<String> = row.get("contents");
        Message {
            state: row.get("state"),
            address: address.unwrap_or_default().to_owned(),
            may_double: row.get::<&str, _>("on_unknown") == "at_least_once",
            resends: row.get::<i64, _>("resends").unsigned_abs(),
            told: row.get("told"),
            contents: contents
                .unwrap_or_default()
                .split(',')
                .map(str::to_owned)
                .collect(),
        }
    });
    Ok(messages.collect())
}

impl Findings {
    fn rows(&self) -> [(&'static str, u64, u64); 8] {
        [
            ("lost", self.lost, 0),
            ("doubled", self.doubled, 0),
            ("falsely accepted", self.falsely_accepted, 0),
            ("stuck", self.stuck, 0),
            ("sent without a record", self.unrecorded, 0),
            ("sent to somebody else", self.misdirected, 0),
            ("unknown", self.unknown, self.most_unknown),
            (
                "doubled as allowed",
                self.doubled_as_allowed,
                self.most_unknown,
            ),
        ]
    }

    /// Whether everything agrees.
    pub(crate) fn good(&self) -> bool {
        self.rows().iter().all(|(_, seen, bound)| seen <= bound)
    }
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<24} {:>10} {:>10}", "", "seen", "at most")?;
        for (name, seen, bound) in self.rows() {
            let mark = if seen > bound { "  WRONG" } else { "" };
            writeln!(f, "{name:<24} {seen:>10} {bound:>10}{mark}")?;
        }
        writeln!(f, "{:<24} {:>10}", "accepted", self.accepted)?;
        let taken = self.unknown_but_taken;
        writeln!(f, "{:<24} {taken:>10}", "unknown, in truth taken")?;
        for (state, count) in &self.other {
            writeln!(f, "{state:<24} {count:>10}")?;
        }
        Ok(())
    }
}
