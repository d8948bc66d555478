-- How messages left: one row a point of no return, one row a change of state. Nothing here is ever
-- changed, so that what happened can be told years later. Instants are unix milliseconds (UTC).

-- Written in the transaction that passes the point of no return, before the first byte of content.
CREATE TABLE attempts (
    message_id INTEGER NOT NULL REFERENCES messages (id),
    n          INTEGER NOT NULL,        -- 1, 2, 3 ...
    claim      INTEGER NOT NULL,
    owner      TEXT NOT NULL,
    began_at   INTEGER NOT NULL,
    content    BLOB NOT NULL,           -- SHA-256 of the bytes: the same at every attempt
    PRIMARY KEY (message_id, n)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER attempts_stay BEFORE UPDATE ON attempts
BEGIN
    SELECT RAISE(ABORT, 'an attempt is never rewritten');
END;

-- Every state that a message has come to. Left out are being claimed and given back untouched, which
-- leave no trace anywhere, and `sending`, of which the attempt itself is the record. A message
-- without a row is as it was planned.
CREATE TABLE message_events (
    id         INTEGER PRIMARY KEY,
    message_id INTEGER NOT NULL REFERENCES messages (id),
    at         INTEGER NOT NULL,
    state      TEXT NOT NULL,
    by         TEXT NOT NULL,
    reason     TEXT
) STRICT;
CREATE INDEX message_events_by_message ON message_events (message_id);
CREATE TRIGGER message_events_stay BEFORE UPDATE ON message_events
BEGIN
    SELECT RAISE(ABORT, 'an event is never rewritten');
END;

-- The database itself keeps the log: no code path can forget it.
CREATE TRIGGER messages_are_logged AFTER UPDATE OF state ON messages
WHEN NEW.state NOT IN ('claimed', 'sending')
    AND (NEW.state <> OLD.state)
    AND NOT (OLD.state = 'claimed' AND NEW.state = 'queued' AND NEW.reason IS NULL)
BEGIN
    INSERT INTO message_events (message_id, at, state, by, reason)
    VALUES (NEW.id, NEW.changed_at, NEW.state, NEW.changed_by, NEW.reason);
END;

-- What is over stays over: only a person can decide an unknown message, and nothing else.
CREATE TRIGGER messages_stay_final BEFORE UPDATE OF state ON messages
WHEN OLD.state IN ('accepted', 'failed', 'suppressed', 'expired', 'cancelled', 'skipped', 'held_out')
    AND NEW.state <> OLD.state
BEGIN
    SELECT RAISE(ABORT, 'a message that is over stays as it is');
END;

-- Faults of an address that count together: soft bounces, phones without an account.
CREATE TABLE address_faults (
    address_hash BLOB NOT NULL,
    channel      TEXT NOT NULL,
    kind         TEXT NOT NULL CHECK (kind IN ('soft_bounce', 'no_account')),
    at           INTEGER NOT NULL,
    message_id   INTEGER NOT NULL,
    PRIMARY KEY (address_hash, channel, kind, message_id)
) STRICT, WITHOUT ROWID;

-- What rests until a person lifts it: a channel, a campaign, a step, a country.
CREATE TABLE stops (
    kind   TEXT NOT NULL CHECK (kind IN ('channel', 'campaign', 'step', 'country')),
    name   TEXT NOT NULL,               -- email; missed-cycle; missed-cycle/letter; KZ
    since  INTEGER NOT NULL,
    by     TEXT NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (kind, name)
) STRICT, WITHOUT ROWID;

-- Settings of delivery with which the doctor found no failure: with them going live is allowed.
CREATE TABLE checkups (
    settings  BLOB PRIMARY KEY,         -- SHA-256 of what was checked
    passed_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
