-- News, dates and events: which form of a letter went to whom, campaigns that a person has ended,
-- seats, the codes of partners.

-- Which variant of its step the draw has given; NULL where a step has none.
ALTER TABLE messages ADD COLUMN variant TEXT COLLATE "C";

-- Campaigns that a person has ended for good: nobody enters, nothing more leaves.
CREATE TABLE cancelled_campaigns (
    campaign TEXT COLLATE "C" PRIMARY KEY,
    at       BIGINT NOT NULL,          -- unix milliseconds
    by       TEXT COLLATE "C" NOT NULL,
    reason   TEXT COLLATE "C" NOT NULL
);

-- Seats at the event of a campaign: one row a client who has ever taken one, or came without.
CREATE TABLE seats (
    campaign    TEXT COLLATE "C" NOT NULL,
    client_id   BIGINT NOT NULL,
    taken       BIGINT NOT NULL,       -- 0: given back, or never taken
    changed_at  BIGINT NOT NULL,       -- unix milliseconds
    attended_on BIGINT,
    PRIMARY KEY (campaign, client_id)
);
CREATE INDEX seats_by_client ON seats (client_id);

-- The codes of partners, each given once; the key of the message says to whom.
CREATE TABLE partner_codes (
    pool     TEXT COLLATE "C" NOT NULL,             -- the file, as the campaign names it
    code     TEXT COLLATE "C" NOT NULL,
    n        BIGINT NOT NULL,          -- its place in the file: they go out in this order
    given_to TEXT COLLATE "C",
    given_at BIGINT,                   -- unix milliseconds
    PRIMARY KEY (pool, code)
);
CREATE UNIQUE INDEX partner_codes_by_message ON partner_codes (given_to) WHERE given_to IS NOT NULL;
CREATE INDEX partner_codes_left ON partner_codes (pool, n) WHERE given_to IS NULL;

-- Birthdays that come back are found by their days. Anniversaries of the first purchase read all
-- rhythms once a day instead: an index over the first day would cost every import a tenth of what
-- the rhythms cost.
CREATE INDEX clients_by_birthday ON clients (birthday) WHERE birthday IS NOT NULL;
