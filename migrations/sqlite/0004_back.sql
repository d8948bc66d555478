-- What comes back from outside. Instants are unix milliseconds (UTC).

-- Everything as it came: stored before it is answered, looked at afterwards.
CREATE TABLE inbound_events (
    id          INTEGER PRIMARY KEY,
    kind        TEXT NOT NULL CHECK (kind IN ('whatsapp', 'mail', 'outcomes')),
    digest      BLOB NOT NULL UNIQUE,   -- SHA-256 of kind and body: the same twice is one
    received_at INTEGER NOT NULL,
    body        BLOB NOT NULL,          -- emptied when it is old
    due_at      INTEGER,                -- when it is looked at (again); NULL when that is over
    tries       INTEGER NOT NULL DEFAULT 0,
    done_at     INTEGER,
    outcome     TEXT                    -- what came of it, for people
) STRICT;
CREATE INDEX inbound_events_due ON inbound_events (due_at) WHERE due_at IS NOT NULL;

-- Events that have had their effect: a provider tells the same in several webhooks.
CREATE TABLE inbound_counted (
    fingerprint TEXT PRIMARY KEY,
    at          INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What people and clients have changed by hand.
CREATE TABLE audit (
    id     INTEGER PRIMARY KEY,
    at     INTEGER NOT NULL,
    by     TEXT NOT NULL,               -- a name, or the page
    what   TEXT NOT NULL,               -- suppression added, suppression removed ...
    about  TEXT NOT NULL,               -- a hash, a key: never an address
    reason TEXT NOT NULL
) STRICT;
CREATE TRIGGER audit_stays BEFORE UPDATE ON audit
BEGIN
    SELECT RAISE(ABORT, 'the audit is never rewritten');
END;
CREATE TRIGGER audit_is_kept BEFORE DELETE ON audit
BEGIN
    SELECT RAISE(ABORT, 'the audit is never shortened');
END;
