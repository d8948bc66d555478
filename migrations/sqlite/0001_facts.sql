-- What the company knows about its clients. Everything here comes from imports.
-- Days are whole days since 1970-01-01, instants are unix milliseconds (UTC), money is minor units.

CREATE TABLE sources (
    id   INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE           -- as in the configuration; never changes
) STRICT;

-- One attempt to read a source. Rows of facts name the import that first held them and the one
-- that last changed them: so it is known when a fact was recorded. A row that is imported again
-- unchanged is not written again.
CREATE TABLE imports (
    id            INTEGER PRIMARY KEY,
    source_id     INTEGER NOT NULL REFERENCES sources (id),
    started_at    INTEGER NOT NULL,
    finished_at   INTEGER,              -- NULL while it runs and after a kill
    status        TEXT NOT NULL CHECK (status IN ('running', 'done', 'held', 'failed')),
    fingerprint   TEXT NOT NULL,        -- of the files: names, sizes, contents; equal = nothing new
    rows_read     INTEGER NOT NULL DEFAULT 0,
    rows_rejected INTEGER NOT NULL DEFAULT 0,
    summary       TEXT NOT NULL DEFAULT '{}'  -- JSON: per kind read, new, changed, deleted, rejected
) STRICT;
CREATE INDEX imports_by_source ON imports (source_id, id);

CREATE TABLE managers (
    id           INTEGER PRIMARY KEY,
    source_id    INTEGER NOT NULL REFERENCES sources (id),
    ext_id       TEXT NOT NULL,
    name         TEXT NOT NULL,
    email        TEXT,
    phone        TEXT,                  -- E.164 with +
    role         TEXT NOT NULL DEFAULT 'farmer',
    capacity     INTEGER,               -- tasks a day
    locale       TEXT,
    absent_from  INTEGER,               -- days on which he is not there, both ends included
    absent_to    INTEGER,
    substitute   TEXT,                  -- ext_id of who stands in for him
    first_import INTEGER NOT NULL,
    last_import  INTEGER NOT NULL,
    UNIQUE (source_id, ext_id)
) STRICT;

CREATE TABLE clients (
    id           INTEGER PRIMARY KEY,
    source_id    INTEGER NOT NULL REFERENCES sources (id),
    ext_id       TEXT NOT NULL,         -- the id that the source uses
    name         TEXT,
    company      TEXT,
    email        TEXT,                  -- lower case, checked
    phone        TEXT,                  -- E.164 with +
    locale       TEXT,
    time_zone    TEXT,                  -- IANA name
    country      TEXT,                  -- two letters
    manager      TEXT,                  -- ext_id of the manager
    tags         TEXT NOT NULL DEFAULT '[]',   -- JSON array of texts
    attributes   TEXT NOT NULL DEFAULT '{}',   -- JSON object of texts: further columns of the source
    birthday     INTEGER,
    implied      INTEGER NOT NULL DEFAULT 0,   -- 1: known only because a purchase or deal names it
    first_import INTEGER NOT NULL,
    last_import  INTEGER NOT NULL,
    deleted_on   INTEGER,               -- gone from a snapshot: kept for keys and totals, never addressed
    merged_into  TEXT,                  -- ext_id of the client that the source has merged this one into
    master_id    INTEGER,               -- our number of that client, while the merge holds: his are the facts
    UNIQUE (source_id, ext_id)
) STRICT;
CREATE INDEX clients_merged ON clients (master_id) WHERE master_id IS NOT NULL;

CREATE TABLE contacts (
    id           INTEGER PRIMARY KEY,
    client_id    INTEGER NOT NULL REFERENCES clients (id),
    ext_id       TEXT NOT NULL,         -- of the source, or name and address where it has none
    name         TEXT,
    role         TEXT,                  -- buyer, decides, accountant ... in the source's words
    email        TEXT,
    phone        TEXT,
    is_primary   INTEGER NOT NULL DEFAULT 0,
    first_import INTEGER NOT NULL,
    last_import  INTEGER NOT NULL,
    UNIQUE (client_id, ext_id)
) STRICT;

-- Money received, and money given back (amount below zero: lowers the turnover, is no purchase).
-- Clustered by client and day: a client's history is one stretch of pages.
CREATE TABLE purchases (
    client_id    INTEGER NOT NULL,
    day          INTEGER NOT NULL,      -- the local day it had when it was recorded
    key          TEXT NOT NULL,         -- the source's id, or '~amount~n' for the n-th identical row
    source_id    INTEGER NOT NULL,
    amount       INTEGER NOT NULL,      -- minor units
    cancels      TEXT,                  -- key of the purchase that this row takes back
    cancelled_on INTEGER,               -- day of the row that takes this one back; kept by the import
    promo        TEXT,                  -- promo or certificate code on the receipt
    named_id     INTEGER,               -- the client whom the source names, where he is merged into client_id
    first_import INTEGER NOT NULL,
    last_import  INTEGER NOT NULL,
    PRIMARY KEY (client_id, day, source_id, key)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX purchases_by_ext_id ON purchases (source_id, key) WHERE key NOT LIKE '~%';
CREATE INDEX purchases_that_cancel ON purchases (source_id, cancels) WHERE cancels IS NOT NULL;
CREATE INDEX purchases_cancelled ON purchases (source_id, key) WHERE cancelled_on IS NOT NULL;

CREATE TABLE purchase_items (
    client_id    INTEGER NOT NULL,
    day          INTEGER NOT NULL,
    source_id    INTEGER NOT NULL,
    key          TEXT NOT NULL,         -- of the purchase
    line         INTEGER NOT NULL,      -- 0, 1, 2 ... within the purchase
    item         TEXT NOT NULL,         -- the name as the source writes it
    sku          TEXT,
    quantity     REAL NOT NULL DEFAULT 1,
    amount       INTEGER,               -- minor units of the line, if given
    PRIMARY KEY (client_id, day, source_id, key, line)
) STRICT, WITHOUT ROWID;

CREATE TABLE deals (
    id           INTEGER PRIMARY KEY,
    client_id    INTEGER NOT NULL REFERENCES clients (id),
    source_id    INTEGER NOT NULL REFERENCES sources (id),
    ext_id       TEXT NOT NULL,
    title        TEXT,
    status       TEXT NOT NULL CHECK (status IN ('open', 'won', 'lost')),
    stage        TEXT,                  -- in the source's words
    amount       INTEGER,
    opened_on    INTEGER,
    closed_on    INTEGER,               -- won or lost on this day
    changed_on   INTEGER,               -- the last change that the source names
    reason       TEXT,                  -- of the rejection, in the source's words
    need         INTEGER,               -- 1 yes, 0 no, NULL unknown: the three of ABC
    money        INTEGER,
    urgency      INTEGER,
    manager      TEXT,
    named_id     INTEGER,               -- as in purchases
    first_import INTEGER NOT NULL,
    last_import  INTEGER NOT NULL,
    UNIQUE (source_id, ext_id)
) STRICT;
CREATE INDEX deals_by_client ON deals (client_id);
CREATE INDEX deals_by_closing ON deals (status, closed_on);

-- The stages that a deal has been seen in, with the day.
CREATE TABLE deal_stages (
    deal_id INTEGER NOT NULL REFERENCES deals (id),
    day     INTEGER NOT NULL,
    stage   TEXT NOT NULL,
    PRIMARY KEY (deal_id, day, stage)
) STRICT, WITHOUT ROWID;

CREATE TABLE visits (
    client_id    INTEGER NOT NULL,
    day          INTEGER NOT NULL,
    key          TEXT NOT NULL,
    source_id    INTEGER NOT NULL,
    page         TEXT,
    named_id     INTEGER,               -- as in purchases
    first_import INTEGER NOT NULL,
    last_import  INTEGER NOT NULL,
    PRIMARY KEY (client_id, day, source_id, key)
) STRICT, WITHOUT ROWID;

-- What a client agreed to. Append only: a withdrawal sets withdrawn_on, nothing is overwritten.
CREATE TABLE consents (
    id           INTEGER PRIMARY KEY,
    client_id    INTEGER NOT NULL REFERENCES clients (id),
    channel      TEXT NOT NULL,
    class        TEXT NOT NULL,
    basis        TEXT NOT NULL,
    given_on     INTEGER,
    withdrawn_on INTEGER,
    proof        TEXT,
    source_id    INTEGER NOT NULL REFERENCES sources (id),
    first_import INTEGER NOT NULL,
    last_import  INTEGER NOT NULL
) STRICT;
-- An expression, because two unknown days are two different values to a plain constraint.
CREATE UNIQUE INDEX consents_once
    ON consents (client_id, channel, class, source_id, coalesce(given_on, -1000000));

-- Addresses that must not be written to, by keyed hash: they survive the erasure of the client.
CREATE TABLE suppressions (
    address_hash BLOB NOT NULL,         -- HMAC-SHA256 of the normalised address
    channel      TEXT NOT NULL,
    scope        TEXT NOT NULL CHECK (scope IN ('all', 'advertising')),
    reason       TEXT NOT NULL,
    since        INTEGER NOT NULL,      -- day
    source       TEXT NOT NULL,         -- who entered it: an import, a page, a person
    PRIMARY KEY (address_hash, channel, scope)
) STRICT, WITHOUT ROWID;

-- What the detector keeps per client (rules::rhythm), with the totals that every plan needs.
-- Derived from purchases; rebuilt at any time.
CREATE TABLE rhythms (
    client_id     INTEGER PRIMARY KEY,
    purchase_days INTEGER NOT NULL,
    first_day     INTEGER NOT NULL,
    last_day      INTEGER NOT NULL,
    weight        REAL NOT NULL,
    sum_log       REAL NOT NULL,
    sum_sq        REAL NOT NULL,
    turnover      INTEGER NOT NULL,     -- minor units, returns taken off
    spent         INTEGER NOT NULL,     -- minor units of positive rows: usual spend = spent / purchase_days
    due_on        INTEGER NOT NULL,
    missed_on     INTEGER NOT NULL,
    asleep_on     INTEGER NOT NULL,
    lost_on       INTEGER NOT NULL,
    next_on       INTEGER,              -- the first of the four that the daily scan has to see; NULL: all are over
    parameters    INTEGER NOT NULL      -- base_facts.id that the dates were computed with
) STRICT;
CREATE INDEX rhythms_by_next ON rhythms (next_on) WHERE next_on IS NOT NULL;
CREATE INDEX rhythms_by_last_day ON rhythms (last_day);

-- Clients whose purchases have changed since their rhythm was computed.
CREATE TABLE stale_rhythms (
    client_id INTEGER PRIMARY KEY,
    from_day  INTEGER NOT NULL,         -- the earliest day that changed; 1000000: nothing has to be read
    turnover  INTEGER NOT NULL,         -- what the change added to the sums, minor units
    spent     INTEGER NOT NULL,
    last_day  INTEGER,                  -- where all purchases came in one import: the last purchase day,
    rhythm    BLOB                      -- and the rhythm itself, as db::rhythms packs it; holds at 1000000 only
) STRICT;

-- What needs the whole base: parameters, quantiles, key accounts. One row a fit, never changed.
CREATE TABLE base_facts (
    id         INTEGER PRIMARY KEY,
    day        INTEGER NOT NULL,        -- uses only what is dated on or before this day
    fitted_at  INTEGER NOT NULL,
    data       INTEGER NOT NULL,        -- the last import that it knew: tells whether the base has changed since
    facts      TEXT NOT NULL            -- JSON of rules::BaseFacts
) STRICT;
CREATE INDEX base_facts_by_day ON base_facts (day, id);
