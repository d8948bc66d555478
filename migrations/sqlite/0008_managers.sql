-- Who has which client, whom clients name, and what is told to other programs.
-- Days are whole days since 1970-01-01, instants are unix milliseconds (UTC).

-- Clients who changed hands here. The last row of a client counts as long as the source still names
-- the manager whom it named then: as soon as the source says something new, the source is right.
CREATE TABLE owner_changes (
    id        INTEGER PRIMARY KEY,
    client_id INTEGER NOT NULL,
    manager   TEXT NOT NULL,            -- who has the client now
    was       TEXT,                     -- who had him
    said      TEXT,                     -- whom the source named on that day
    on_day    INTEGER NOT NULL,
    at        INTEGER NOT NULL,
    by        TEXT NOT NULL,
    reason    TEXT NOT NULL             -- handover, reassigned
) STRICT;
CREATE INDEX owner_changes_by_client ON owner_changes (client_id, id);

-- The manager of every client, as everything reads it.
CREATE VIEW client_managers AS
SELECT c.id AS client_id,
       CASE WHEN o.id IS NOT NULL AND o.said IS c.manager THEN o.manager ELSE c.manager END AS manager
FROM clients c
LEFT JOIN owner_changes o ON o.id = (SELECT max(x.id) FROM owner_changes x WHERE x.client_id = c.id);

-- Who was named by whom. A friend is a client like any other; nothing allows anybody to write to him.
CREATE TABLE friends (
    client_id   INTEGER NOT NULL,       -- the friend
    referrer_id INTEGER NOT NULL,       -- the client who named him
    outcome_id  INTEGER NOT NULL REFERENCES outcomes (id),
    named_on    INTEGER NOT NULL,
    was_known   INTEGER NOT NULL,       -- 1: he was a client before
    PRIMARY KEY (client_id, referrer_id)
) STRICT, WITHOUT ROWID;

-- Managers who had time for more on a day.
CREATE TABLE more_asked (
    manager TEXT NOT NULL,
    day     INTEGER NOT NULL,
    tasks   INTEGER NOT NULL,
    PRIMARY KEY (manager, day)
) STRICT, WITHOUT ROWID;

-- What is told to the program behind tasks.hook, at least once; the other side knows it by its id.
CREATE TABLE task_events (
    id      INTEGER PRIMARY KEY,
    task_id INTEGER NOT NULL REFERENCES tasks (id),
    kind    TEXT NOT NULL CHECK (kind IN ('listed', 'closed')),
    day     INTEGER NOT NULL,
    at      INTEGER NOT NULL,
    due_at  INTEGER,                    -- when it is tried (again); NULL when that is over
    tries   INTEGER NOT NULL DEFAULT 0,
    told_at INTEGER,                    -- taken by the other side
    said    TEXT,                       -- what it answered the last time
    UNIQUE (task_id, kind, day)
) STRICT;
CREATE INDEX task_events_due ON task_events (due_at) WHERE due_at IS NOT NULL;

CREATE INDEX visits_by_day ON visits (day);
CREATE INDEX deals_open ON deals (client_id) WHERE status = 'open';
