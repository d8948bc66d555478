-- The service that nobody watches: what was due when and what became of it, what waits for a person,
-- who is alive. Instants are unix milliseconds (UTC), dates are days since 1970-01-01.

-- The schedules that this base has known, and since when: nothing is due before that.
CREATE TABLE schedules (
    name  TEXT PRIMARY KEY,             -- import, daily, digests, tidy, backup
    since INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Each occurrence of a schedule, entered once, whatever the clock does and however many look.
CREATE TABLE schedule_runs (
    id           INTEGER PRIMARY KEY,
    schedule     TEXT NOT NULL,
    logical_date INTEGER NOT NULL,      -- the local date
    slot         INTEGER NOT NULL,      -- minute of the day where it is due several times a day, else 0
    planned_at   INTEGER NOT NULL,      -- the instant at which it was due
    status       TEXT NOT NULL CHECK (status IN (
                     'waiting', 'running', 'done', 'held', 'failed', 'missed')),
    late         INTEGER NOT NULL DEFAULT 0,
    attempts     INTEGER NOT NULL DEFAULT 0,
    next_try     INTEGER,               -- while it waits: not before; NULL when it is over
    started_at   INTEGER,
    finished_at  INTEGER,
    note         TEXT NOT NULL DEFAULT '',
    UNIQUE (schedule, logical_date, slot),
    CHECK ((status IN ('waiting')) = (next_try IS NOT NULL))
) STRICT;
CREATE INDEX schedule_runs_open ON schedule_runs (next_try) WHERE status IN ('waiting', 'running');
CREATE INDEX schedule_runs_by_time ON schedule_runs (schedule, planned_at);

-- What rests until a person releases it: 'restore' after a backup was put back, 'clock' after the
-- clock made a step, 'moved' in a file whose base was moved to a server.
CREATE TABLE holds (
    name   TEXT PRIMARY KEY CHECK (name IN ('restore', 'clock', 'moved')),
    since  INTEGER NOT NULL,
    reason TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- The parts of the service, and when each was last alive.
CREATE TABLE heartbeats (
    part  TEXT PRIMARY KEY,             -- schedule, worker, web
    at    INTEGER NOT NULL,
    owner TEXT NOT NULL,
    note  TEXT NOT NULL DEFAULT ''      -- what is wrong with it, for people; empty when nothing
) STRICT, WITHOUT ROWID;

-- Clients who asked to be forgotten: their personal data never comes back with an import. The source
-- and a keyed hash of the id are all that is left of who they were.
CREATE TABLE erasures (
    client_id INTEGER PRIMARY KEY,
    proof     BLOB NOT NULL UNIQUE,     -- HMAC-SHA256 of source and id: found again in an older backup
    at        INTEGER NOT NULL,
    by        TEXT NOT NULL,
    reason    TEXT NOT NULL
) STRICT;

CREATE TRIGGER erased_clients_stay_erased AFTER UPDATE ON clients
WHEN (NEW.name IS NOT NULL OR NEW.company IS NOT NULL OR NEW.email IS NOT NULL
      OR NEW.phone IS NOT NULL OR NEW.birthday IS NOT NULL OR NEW.attributes <> '{}'
      OR NEW.tags <> '[]' OR NEW.deleted_on IS NULL)
    AND EXISTS (SELECT 1 FROM erasures WHERE client_id = NEW.id)
BEGIN
    UPDATE clients SET name = NULL, company = NULL, email = NULL, phone = NULL, locale = NULL,
        time_zone = NULL, country = NULL, birthday = NULL, attributes = '{}', tags = '[]',
        deleted_on = ifnull(deleted_on, (SELECT at / 86400000 FROM erasures WHERE client_id = NEW.id))
    WHERE id = NEW.id;
END;
CREATE TRIGGER erased_deals_stay_unnamed AFTER UPDATE ON deals
WHEN NEW.title IS NOT NULL AND EXISTS (SELECT 1 FROM erasures WHERE client_id = NEW.client_id)
BEGIN
    UPDATE deals SET title = NULL WHERE id = NEW.id;
END;
CREATE TRIGGER erased_contacts_stay_away AFTER INSERT ON contacts
WHEN EXISTS (SELECT 1 FROM erasures WHERE client_id = NEW.client_id)
BEGIN
    DELETE FROM contacts WHERE id = NEW.id;
END;
CREATE TRIGGER erased_visits_stay_away AFTER INSERT ON visits
WHEN EXISTS (SELECT 1 FROM erasures WHERE client_id = NEW.client_id)
BEGIN
    DELETE FROM visits WHERE client_id = NEW.client_id AND day = NEW.day
        AND source_id = NEW.source_id AND key = NEW.key;
END;
