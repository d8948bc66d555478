-- What rekindle itself decides and does: runs, enrollments, messages, tasks, outcomes.

-- One applied day. Rows of a run are invisible until its status is 'sealed'.
CREATE TABLE runs (
    id           INTEGER PRIMARY KEY,
    schedule     TEXT NOT NULL,         -- 'daily'
    logical_date INTEGER NOT NULL,
    mode         TEXT NOT NULL CHECK (mode IN ('sandbox', 'live')),
    status       TEXT NOT NULL CHECK (status IN ('planning', 'awaiting_approval', 'sealed')),
    started_at   INTEGER NOT NULL,
    sealed_at    INTEGER,
    approved_by  TEXT,
    campaigns    TEXT NOT NULL DEFAULT '[]',  -- JSON: ids of the campaigns that took part
    base_facts   INTEGER REFERENCES base_facts (id),
    counts       TEXT NOT NULL DEFAULT '{}',  -- JSON: what the plan of the day counted
    held_because TEXT,
    UNIQUE (schedule, logical_date)
) STRICT;

-- A client's episode in a campaign: one occasion, once, for ever.
CREATE TABLE enrollments (
    id         INTEGER PRIMARY KEY,
    campaign   TEXT NOT NULL,
    client_id  INTEGER NOT NULL,
    episode    TEXT NOT NULL,           -- a business key: 'missed:2011-08-02', 'date:2026-12-20'
    began_on   INTEGER NOT NULL,
    entered_on INTEGER NOT NULL,
    arm        TEXT NOT NULL CHECK (arm IN ('treated', 'holdout')),
    evidence   TEXT NOT NULL,           -- JSON of rules::Evidence on the day of entry
    run_id     INTEGER NOT NULL REFERENCES runs (id),
    closed_on  INTEGER,
    closed_by  TEXT,                    -- goal, outcome, finished, over, merged, answered
    closed_run INTEGER REFERENCES runs (id),  -- holds once that run is sealed
    next_on    INTEGER,                 -- hint for the daily scan: the day of the next step
    UNIQUE (campaign, client_id, episode)
) STRICT;
CREATE INDEX enrollments_by_client ON enrollments (client_id);
CREATE INDEX enrollments_by_next ON enrollments (next_on) WHERE closed_on IS NULL;

CREATE TABLE messages (
    id            INTEGER PRIMARY KEY,
    key           TEXT NOT NULL UNIQUE, -- travels with it: by it answers and links find it
    run_id        INTEGER NOT NULL REFERENCES runs (id),
    campaign      TEXT NOT NULL,        -- 'managers' for the lists of the managers
    client_id     INTEGER NOT NULL,     -- 0 for the lists of the managers
    episode       TEXT NOT NULL,
    step          TEXT NOT NULL,
    channel       TEXT NOT NULL,
    template      TEXT NOT NULL,
    class         TEXT NOT NULL,
    address_hash  BLOB NOT NULL,
    state         TEXT NOT NULL CHECK (state IN (
                      'planned', 'held', 'queued', 'claimed', 'sending', 'retry', 'accepted',
                      'unknown', 'failed', 'suppressed', 'expired', 'cancelled', 'skipped',
                      'held_out')),
    planned_on    INTEGER NOT NULL,
    inputs        TEXT NOT NULL,        -- JSON: what the letter is rendered from, frozen
    on_unknown    TEXT NOT NULL DEFAULT 'at_most_once'
                      CHECK (on_unknown IN ('at_most_once', 'at_least_once', 'ask')),
    due_at        INTEGER NOT NULL DEFAULT 0,  -- not before
    expires_at    INTEGER,              -- of no use afterwards
    claim         INTEGER NOT NULL DEFAULT 0,  -- grows with every claim: the fence of every later change
    owner         TEXT,                 -- the process that has claimed it
    lease_until   INTEGER,
    attempts      INTEGER NOT NULL DEFAULT 0,  -- points of no return that were passed
    refusals      INTEGER NOT NULL DEFAULT 0,  -- definite refusals for now
    resends       INTEGER NOT NULL DEFAULT 0,  -- sendings after an unknown one
    sent_at       INTEGER,              -- the last point of no return
    accepted_at   INTEGER,
    receipt       TEXT,                 -- what the channel answered; in the sandbox the file
    provider_id   TEXT,                 -- the id that the other side has given it
    evidence      TEXT NOT NULL DEFAULT '{}',  -- JSON: what came back: delivered, read, bounced ...
    changed_at    INTEGER,
    changed_by    TEXT,                 -- who has brought it into this state
    reason        TEXT,                 -- why it is in this state
    UNIQUE (campaign, client_id, episode, step),
    CHECK ((state IN ('claimed', 'sending')) = (owner IS NOT NULL)),
    CHECK ((owner IS NULL) = (lease_until IS NULL)),
    CHECK (state <> 'accepted' OR (accepted_at IS NOT NULL AND receipt IS NOT NULL)),
    CHECK (state NOT IN ('sending', 'unknown') OR (attempts > 0 AND sent_at IS NOT NULL)),
    CHECK (attempts <= 1 + refusals + resends)
) STRICT;
CREATE UNIQUE INDEX messages_by_address ON messages (address_hash, campaign, episode, step);
CREATE INDEX messages_by_client ON messages (client_id, planned_on);
CREATE INDEX messages_due ON messages (run_id, channel, due_at)
    WHERE state IN ('planned', 'queued', 'retry');
CREATE INDEX messages_in_flight ON messages (lease_until) WHERE state IN ('claimed', 'sending');
CREATE INDEX messages_for_a_person ON messages (state, id) WHERE state IN ('unknown', 'held');
CREATE INDEX messages_by_provider ON messages (provider_id) WHERE provider_id IS NOT NULL;

CREATE TABLE tasks (
    id          INTEGER PRIMARY KEY,
    run_id      INTEGER NOT NULL REFERENCES runs (id),
    campaign    TEXT NOT NULL,
    client_id   INTEGER NOT NULL,
    episode     TEXT NOT NULL,
    step        TEXT NOT NULL,
    manager     TEXT NOT NULL,          -- ext_id; '' when nobody is named
    kind        TEXT NOT NULL,
    script      TEXT NOT NULL,
    state       TEXT NOT NULL CHECK (state IN ('waiting', 'open', 'done', 'cancelled', 'held_out')),
    planned_on  INTEGER NOT NULL,
    not_before  INTEGER NOT NULL,       -- "call me in March": hidden until then
    value       INTEGER NOT NULL,       -- value at risk, minor units a year
    inputs      TEXT NOT NULL,          -- JSON: the client's story as the manager reads it
    listed_on   INTEGER,                -- the last day on whose list it stood
    rank        INTEGER,                -- on that list
    attempts    INTEGER NOT NULL DEFAULT 0,
    closed_on   INTEGER,
    closed_by   TEXT,                   -- outcome, expired, merged, or what ended the episode
    acting      TEXT,                   -- on whose list it stands while the manager is away
    urgent      INTEGER NOT NULL DEFAULT 0,   -- 1: before everything else, whatever the capacity
    apart       INTEGER NOT NULL DEFAULT 0,   -- 1: stays when its episode ends
    taker       TEXT,                   -- of a hand-over: who takes the client
    first_listed_on INTEGER,            -- the day it came onto a list, since the last outcome
    escalated_on    INTEGER,            -- the day it was shown to the head
    UNIQUE (campaign, client_id, episode, step)
) STRICT;
CREATE INDEX tasks_by_manager ON tasks (manager, state, not_before);
CREATE INDEX tasks_by_client ON tasks (client_id);

CREATE TABLE outcomes (
    id          INTEGER PRIMARY KEY,
    task_id     INTEGER NOT NULL REFERENCES tasks (id),
    kind        TEXT NOT NULL,
    day         INTEGER NOT NULL,
    until       INTEGER,                -- for come_back
    note        TEXT,
    reason      TEXT,                   -- for a rejection, as it was said
    need        INTEGER,                -- 1 yes, 0 no, NULL unknown: the three taps
    money       INTEGER,
    urgency     INTEGER,
    friend_id   INTEGER,                -- for friend_named: the client who came of it
    deal_id     INTEGER,                -- the deal that it opened, won or lost
    key         TEXT UNIQUE,            -- of outcomes from outside: counted once
    recorded_at INTEGER NOT NULL,
    recorded_by TEXT NOT NULL
) STRICT;
CREATE INDEX outcomes_by_task ON outcomes (task_id);

-- Made in the transaction of the message that carries it; the same code at every attempt. A row is
-- never deleted once its run is sealed: no code is used again.
CREATE TABLE certificates (
    code        TEXT PRIMARY KEY,
    campaign    TEXT NOT NULL,
    client_id   INTEGER NOT NULL,       -- whose it is, or who gives it to a friend
    episode     TEXT NOT NULL,
    step        TEXT NOT NULL,
    kind        TEXT NOT NULL CHECK (kind IN ('own', 'friend')),
    discount    TEXT,                   -- as configured: 10%, 500 RUB
    gift        TEXT,
    min_receipt INTEGER,                -- minor units
    products    TEXT NOT NULL DEFAULT '[]',  -- JSON: names of items; everything when empty
    uses        INTEGER NOT NULL DEFAULT 1 CHECK (uses > 0),
    picture     TEXT NOT NULL DEFAULT 'certificate',
    locale      TEXT NOT NULL DEFAULT 'en',
    issued_on   INTEGER NOT NULL,
    valid_until INTEGER NOT NULL,
    void_at     INTEGER,
    void_by     TEXT,
    void_why    TEXT,
    run_id      INTEGER NOT NULL REFERENCES runs (id),
    UNIQUE (campaign, client_id, episode, step),
    CHECK ((void_at IS NULL) = (void_by IS NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX certificates_by_client ON certificates (client_id);
