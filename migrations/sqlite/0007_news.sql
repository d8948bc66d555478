-- News, dates and events: which form of a letter went to whom, campaigns that a person has ended,
-- seats, the codes of partners.

-- Which variant of its step the draw has given; NULL where a step has none.
ALTER TABLE messages ADD COLUMN variant TEXT;

-- Campaigns that a person has ended for good: nobody enters, nothing more leaves.
CREATE TABLE cancelled_campaigns (
    campaign TEXT PRIMARY KEY,
    at       INTEGER NOT NULL,          -- unix milliseconds
    by       TEXT NOT NULL,
    reason   TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Seats at the event of a campaign: one row a client who has ever taken one, or came without.
CREATE TABLE seats (
    campaign    TEXT NOT NULL,
    client_id   INTEGER NOT NULL,
    taken       INTEGER NOT NULL,       -- 0: given back, or never taken
    changed_at  INTEGER NOT NULL,       -- unix milliseconds
    attended_on INTEGER,
    PRIMARY KEY (campaign, client_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX seats_by_client ON seats (client_id);

-- The codes of partners, each given once; the key of the message says to whom.
CREATE TABLE partner_codes (
    pool     TEXT NOT NULL,             -- the file, as the campaign names it
    code     TEXT NOT NULL,
    n        INTEGER NOT NULL,          -- its place in the file: they go out in this order
    given_to TEXT,
    given_at INTEGER,                   -- unix milliseconds
    PRIMARY KEY (pool, code)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX partner_codes_by_message ON partner_codes (given_to) WHERE given_to IS NOT NULL;
CREATE INDEX partner_codes_left ON partner_codes (pool, n) WHERE given_to IS NULL;

-- Birthdays that come back are found by their days. Anniversaries of the first purchase read all
-- rhythms once a day instead: an index over the first day would cost every import a tenth of what
-- the rhythms cost.
CREATE INDEX clients_by_birthday ON clients (birthday) WHERE birthday IS NOT NULL;
