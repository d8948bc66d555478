//! The invariants of delivery, asked of the tables and of the log of the server, not of the product.
//!
//! The oracle has witnesses of its own: triggers that note every change of a state, every attempt
//! and every opt-out in the order in which they happen. SQLite has one writer, so that the order of
//! the notes is the order of the commits. In PostgreSQL it is so for each message, whose row is
//! locked, and for each address, whose lock both sending and leaving take; no more is asked of it.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::Path;

use super::super::world::World;
use crate::database::{Database, Row};

/// What was suppressed before the witnesses came is noted as well.
const KNOWN: &str = "INSERT INTO seen (what, hash, channel, scope)
     SELECT 'suppressed', address_hash, channel, scope FROM suppressions";

/// The witnesses in the words of SQLite.
const WITNESSES: &[&str] = &[
    "CREATE TABLE seen (
         seq INTEGER PRIMARY KEY AUTOINCREMENT, what TEXT, message INTEGER, was TEXT, became TEXT,
         hash BLOB, channel TEXT, scope TEXT, silent INTEGER)",
    "CREATE TRIGGER seen_states AFTER UPDATE OF state ON messages WHEN NEW.state <> OLD.state
     BEGIN INSERT INTO seen (what, message, was, became, silent)
         VALUES ('state', NEW.id, OLD.state, NEW.state,
                 NEW.state IN ('claimed', 'sending')
                 OR OLD.state = 'claimed' AND NEW.state = 'queued' AND NEW.reason IS NULL); END",
    "CREATE TRIGGER seen_attempts AFTER INSERT ON attempts
     BEGIN INSERT INTO seen (what, message) VALUES ('attempt', NEW.message_id); END",
    "CREATE TRIGGER seen_suppressed AFTER INSERT ON suppressions
     BEGIN INSERT INTO seen (what, hash, channel, scope)
         VALUES ('suppressed', NEW.address_hash, NEW.channel, NEW.scope); END",
    "CREATE TRIGGER seen_allowed AFTER DELETE ON suppressions
     BEGIN INSERT INTO seen (what, hash, channel, scope)
         VALUES ('allowed', OLD.address_hash, OLD.channel, OLD.scope); END",
];

/// The same in the words of PostgreSQL.
const WITNESSES_OF_POSTGRES: &[&str] = &[
    "CREATE TABLE seen (
         seq BIGINT GENERATED ALWAYS AS IDENTITY, what TEXT, message BIGINT, was TEXT, became TEXT,
         hash BYTEA, channel TEXT, scope TEXT, silent BIGINT)",
    "CREATE FUNCTION see_state() RETURNS TRIGGER LANGUAGE plpgsql AS $$
     BEGIN INSERT INTO seen (what, message, was, became, silent)
         VALUES ('state', NEW.id, OLD.state, NEW.state,
                 CASE WHEN NEW.state IN ('claimed', 'sending')
                     OR OLD.state = 'claimed' AND NEW.state = 'queued' AND NEW.reason IS NULL
                 THEN 1 ELSE 0 END); RETURN NULL; END $$",
    "CREATE TRIGGER seen_states AFTER UPDATE OF state ON messages
     FOR EACH ROW WHEN (NEW.state <> OLD.state) EXECUTE FUNCTION see_state()",
    "CREATE FUNCTION see_attempt() RETURNS TRIGGER LANGUAGE plpgsql AS $$
     BEGIN INSERT INTO seen (what, message) VALUES ('attempt', NEW.message_id); RETURN NULL; END $$",
    "CREATE TRIGGER seen_attempts AFTER INSERT ON attempts
     FOR EACH ROW EXECUTE FUNCTION see_attempt()",
    "CREATE FUNCTION see_suppressed() RETURNS TRIGGER LANGUAGE plpgsql AS $$
     BEGIN INSERT INTO seen (what, hash, channel, scope)
         VALUES ('suppressed', NEW.address_hash, NEW.channel, NEW.scope); RETURN NULL; END $$",
    "CREATE TRIGGER seen_suppressed AFTER INSERT ON suppressions
     FOR EACH ROW EXECUTE FUNCTION see_suppressed()",
    "CREATE FUNCTION see_allowed() RETURNS TRIGGER LANGUAGE plpgsql AS $$
     BEGIN INSERT INTO seen (what, hash, channel, scope)
         VALUES ('allowed', OLD.address_hash, OLD.channel, OLD.scope); RETURN NULL; END $$",
    "CREATE TRIGGER seen_allowed AFTER DELETE ON suppressions
     FOR EACH ROW EXECUTE FUNCTION see_allowed()",
];

/// Every change of a state that may be, written down without the code of the product: from, to.
const CHANGES: &[(&str, &[&str])] = &[
    ("planned", WAITING),
    ("queued", WAITING),
    ("retry", WAITING),
    ("held", &["queued", "cancelled", "accepted"]),
    (
        "claimed",
        &[
            "queued",
            "sending",
            "retry",
            "failed",
            "suppressed",
            "skipped",
            "cancelled",
            "expired",
            // Proof of an earlier attempt came in.
            "accepted",
        ],
    ),
    ("sending", &["accepted", "retry", "failed", "unknown"]),
    ("unknown", &["accepted", "failed", "queued", "retry"]),
];

/// What becomes of a message that has not left. Accepted: proof of an earlier attempt came in.
const WAITING: &[&str] = &["claimed", "held", "cancelled", "expired", "accepted"];

/// Statements that count what must not be, each with its invariant.
const NEVER: &[(&str, &str)] = &[
    (
        "I1: one message for an occasion and a step of a client",
        "SELECT count(*) FROM (SELECT 1 FROM messages
         GROUP BY campaign, client_id, episode, step HAVING count(*) > 1) AS twice",
    ),
    (
        "I1: one message for an occasion and a step of an address",
        "SELECT count(*) FROM (SELECT 1 FROM messages
         GROUP BY campaign, address_hash, episode, step HAVING count(*) > 1) AS twice",
    ),
    (
        "I2: an occasion is a business key, not an instant",
        "SELECT count(*) FROM messages WHERE episode LIKE '%T__:%'",
    ),
    (
        "I6: no more attempts than refusals and decided resends allow",
        "SELECT count(*) FROM messages WHERE attempts > 1 + refusals + resends",
    ),
    (
        "I6: attempts are counted as they were written down",
        "SELECT count(*) FROM messages m WHERE m.attempts <>
             (SELECT count(*) FROM attempts a WHERE a.message_id = m.id)",
    ),
    (
        "I6: attempts have numbers without a gap, and each a claim of its own",
        "SELECT count(*) FROM (SELECT 1 FROM attempts GROUP BY message_id
         HAVING max(n) <> count(*) OR min(n) <> 1 OR count(DISTINCT claim) <> count(*)) AS wrong",
    ),
    (
        "I7: accepted only with evidence",
        "SELECT count(*) FROM messages WHERE state = 'accepted' AND coalesce(receipt, '') = ''",
    ),
    (
        "I9: what is unknown or was taken has an attempt",
        "SELECT count(*) FROM messages WHERE state IN ('unknown', 'accepted') AND attempts = 0",
    ),
    (
        "I10: one certificate for an occasion and a step of a client",
        "SELECT count(*) FROM (SELECT 1 FROM certificates
         GROUP BY campaign, client_id, episode, step HAVING count(*) > 1) AS twice",
    ),
    (
        "every attempt of a message has the same content",
        "SELECT count(*) FROM (SELECT 1 FROM attempts GROUP BY message_id
         HAVING count(DISTINCT content) > 1) AS twice",
    ),
    (
        "every attempt of a message is made of the same version",
        "SELECT count(*) FROM (SELECT 1 FROM attempts GROUP BY message_id
         HAVING count(DISTINCT coalesce(version, 0)) > 1) AS twice",
    ),
];

/// Lets the witnesses watch, before anything is sent.
pub(super) fn watch(world: &mut World) {
    let witnesses = match world.database() {
        Database::Sqlite(_) => WITNESSES,
        Database::Postgres(_) => WITNESSES_OF_POSTGRES,
    };
    for witness in witnesses {
        world.rows(witness);
    }
    world.rows(KNOWN);
}

/// Looks at everything; `now_ms` is the present of the world.
pub(super) fn check(world: &mut World, log: &Path, now_ms: i64) {
    for (what, statement) in NEVER {
        assert_eq!(world.count(statement), 0, "{what}");
    }
    let stuck = world.texts(&format!(
        "SELECT m.id || ' ' || m.state || ' ' || coalesce(m.reason, '') FROM messages m
         JOIN runs r ON r.id = m.run_id AND r.status = 'sealed' AND r.mode = 'live'
         WHERE m.state IN ('claimed', 'sending') AND m.lease_until < {now_ms}
            OR m.state IN ('planned', 'queued', 'retry') AND m.due_at < {now_ms} - 60000"
    ));
    assert_eq!(stuck, Vec::<String>::new(), "I12: nothing is stuck");
    as_witnessed(world);
    sent_as_recorded(world, log);
}

/// A message as the witnesses saw it.
struct Seen {
    state: String,
    open: bool,
    told: Vec<String>,
}

/// I3, I5, I8 and I9, by the notes of the witnesses.
fn as_witnessed(world: &mut World) {
    let mut messages: HashMap<i64, Seen> = HashMap::new();
    let mut stopped: BTreeMap<(Vec<u8>, String), BTreeSet<String>> = BTreeMap::new();
    let readers: HashMap<i64, (Vec<u8>, String, bool)> = world
        .rows("SELECT id, address_hash, channel, class = 'advertising' FROM messages")
        .iter()
        .map(|row| (row.get(0), (row.get(1), row.get(2), row.get(3))))
        .collect();
    for note in world.rows("SELECT * FROM seen ORDER BY seq") {
        let place = || (note.get("hash"), note.get("channel"));
        match note.get::<&str, _>("what") {
            "suppressed" => {
                stopped
                    .entry(place())
                    .or_default()
                    .insert(note.get("scope"));
            }
            "allowed" => {
                let scopes = stopped.entry(place()).or_default();
                scopes.remove(note.get::<&str, _>("scope"));
            }
            "state" => change(&mut messages, &note),
            _ => {
                let id: i64 = note.get("message");
                let message = messages.get_mut(&id).expect("it was claimed before");
                assert_eq!(message.state, "sending", "I4: message {id}");
                assert!(!message.open, "I3: two attempts of message {id} were open");
                message.open = true;
                let (hash, channel, advertising) = &readers[&id];
                let scopes = stopped.get(&(hash.clone(), channel.clone()));
                let left = scopes.is_some_and(|scopes| {
                    scopes.contains("all") || *advertising && scopes.contains("advertising")
                });
                assert!(!left, "I5: message {id} passed after its reader had left");
            }
        }
    }
    for row in world.rows(
        "SELECT m.id, m.state, (SELECT string_agg(e.state, ',' ORDER BY e.id) FROM message_events e
                                WHERE e.message_id = m.id) AS told FROM messages m",
    ) {
        let (id, state): (i64, String) = (row.get(0), row.get(1));
        let told: Option<String> = row.get(2);
        let Some(message) = messages.remove(&id) else {
            assert_eq!(told, None, "I9: message {id} tells of what nobody saw");
            continue;
        };
        assert_eq!(message.state, state, "I9: message {id}");
        assert_eq!(
            message.open,
            state == "sending",
            "I3: message {id} is {state}"
        );
        assert_eq!(
            told.unwrap_or_default(),
            message.told.join(","),
            "I9: the log of message {id} is what happened"
        );
    }
}

fn change(messages: &mut HashMap<i64, Seen>, note: &Row) {
    let (id, was): (i64, String) = (note.get("message"), note.get("was"));
    let became: String = note.get("became");
    let message = messages.entry(id).or_insert_with(|| Seen {
        state: was.clone(),
        open: false,
        told: Vec::new(),
    });
    assert_eq!(message.state, was, "the witnesses missed nothing");
    let known = CHANGES.iter().find(|(from, _)| *from == was);
    assert!(
        known.is_some_and(|(_, to)| to.contains(&became.as_str())),
        "I8: message {id} went from {was} to {became}"
    );
    if was == "sending" {
        assert!(message.open, "I3: message {id} was sent without an attempt");
        message.open = false;
    }
    if !note.get::<bool, _>("silent") {
        message.told.push(became.clone());
    }
    message.state = became;
}

/// I4: nothing was sent without a point of no return, and no oftener than it was passed; nobody is
/// said to have it who does not.
fn sent_as_recorded(world: &mut World, log: &Path) {
    let rows = world.rows("SELECT lower(hex(content)) FROM attempts");
    let mut recorded: HashMap<String, usize> = HashMap::new();
    for row in rows {
        *recorded.entry(row.get(0)).or_default() += 1;
    }
    let text = std::fs::read_to_string(log).unwrap();
    let mut taken = HashSet::new();
    for line in text.lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        let sum = line["sha256"].as_str().unwrap_or_default().to_owned();
        if sum.is_empty() {
            continue;
        }
        let left = recorded.get_mut(&sum);
        let left = left.unwrap_or_else(|| panic!("I4: sent without a record: {line}"));
        assert!(*left > 0, "I4: sent oftener than it was recorded: {line}");
        *left -= 1;
        taken.insert(sum);
    }
    let accepted = world.rows(
        "SELECT lower(hex(a.content)) FROM messages m JOIN attempts a ON a.message_id = m.id
         WHERE m.state = 'accepted' AND m.changed_by <> 'operator'",
    );
    for row in accepted {
        let sum: String = row.get(0);
        assert!(taken.contains(&sum), "accepted and never sent");
    }
}
