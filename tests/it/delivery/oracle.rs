//! The invariants of delivery, asked of the tables and of the log of the server, not of the product.

use std::collections::HashSet;
use std::path::Path;

use super::super::world::World;
use sqlx::Row;

/// Statements that count what must not be, each with its invariant.
const NEVER: &[(&str, &str)] = &[
    (
        "I1: one message for an occasion and a step of a client",
        "SELECT count(*) FROM (SELECT 1 FROM messages
         GROUP BY campaign, client_id, episode, step HAVING count(*) > 1)",
    ),
    (
        "I1: one message for an occasion and a step of an address",
        "SELECT count(*) FROM (SELECT 1 FROM messages
         GROUP BY campaign, address_hash, episode, step HAVING count(*) > 1)",
    ),
    (
        "I2: an occasion is a business key, not an instant",
        "SELECT count(*) FROM messages WHERE episode GLOB '*T[0-9][0-9]:*'",
    ),
    (
        "I3: an attempt is open only while its message is being sent",
        "SELECT count(*) FROM messages m WHERE m.attempts <>
             (SELECT count(*) FROM attempts a WHERE a.message_id = m.id)",
    ),
    (
        "I5: no attempt after the address was suppressed",
        "SELECT count(*) FROM attempts a JOIN messages m ON m.id = a.message_id
         WHERE m.client_id <> 0 AND m.state IN ('suppressed', 'skipped')",
    ),
    (
        "I6: no more attempts than refusals and decided resends allow",
        "SELECT count(*) FROM messages WHERE attempts > 1 + refusals + resends",
    ),
    (
        "I7: accepted only with evidence",
        "SELECT count(*) FROM messages WHERE state = 'accepted' AND ifnull(receipt, '') = ''",
    ),
    (
        "I9: the state is what the log of states says",
        "SELECT count(*) FROM (
             SELECT m.state, (SELECT e.state FROM message_events e WHERE e.message_id = m.id
                              ORDER BY e.id DESC LIMIT 1) AS told
             FROM messages m WHERE m.state <> 'held_out')
         WHERE CASE WHEN state IN ('planned', 'queued', 'retry', 'claimed', 'sending')
                    THEN told NOT IN ('queued', 'retry', 'unknown')
                    ELSE told IS NULL OR told <> state END",
    ),
    (
        "I9: what is unknown or was taken has an attempt",
        "SELECT count(*) FROM messages WHERE state IN ('unknown', 'accepted') AND attempts = 0",
    ),
    (
        "I10: one certificate for an occasion and a step of a client",
        "SELECT count(*) FROM (SELECT 1 FROM certificates
         GROUP BY campaign, client_id, episode, step HAVING count(*) > 1)",
    ),
    (
        "every attempt of a message has the same content",
        "SELECT count(*) FROM (SELECT 1 FROM attempts GROUP BY message_id
         HAVING count(DISTINCT content) > 1)",
    ),
];

/// Looks at everything; `now_ms` is the present of the world.
pub(super) fn check(world: &mut World, log: &Path, now_ms: i64) {
    for (what, statement) in NEVER {
        assert_eq!(world.count(statement), 0, "{what}");
    }
    let stuck = world.texts(&format!(
        "SELECT m.id || ' ' || m.state || ' ' || ifnull(m.reason, '') FROM messages m
         JOIN runs r ON r.id = m.run_id AND r.status = 'sealed' AND r.mode = 'live'
         WHERE m.state IN ('claimed', 'sending') AND m.lease_until < {now_ms}
            OR m.state IN ('planned', 'queued', 'retry') AND m.due_at < {now_ms} - 60000"
    ));
    assert_eq!(stuck, Vec::<String>::new(), "I12: nothing is stuck");
    sent_as_recorded(world, log);
}

/// I4: nothing was sent without a point of no return; nobody is said to have it who does not.
fn sent_as_recorded(world: &mut World, log: &Path) {
    let rows = world.rows("SELECT lower(hex(content)) FROM attempts");
    let recorded: HashSet<String> = rows.iter().map(|row| row.get(0)).collect();
    let text = std::fs::read_to_string(log).unwrap();
    let mut taken = HashSet::new();
    for line in text.lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        let sum = line["sha256"].as_str().unwrap_or_default().to_owned();
        if sum.is_empty() {
            continue;
        }
        assert!(recorded.contains(&sum), "I4: sent without a record: {line}");
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
