-- What becomes of certificates: who used them, whom they brought, and what a person has to look at.
-- Days are whole days since 1970-01-01, instants are unix milliseconds (UTC), money is minor units.

-- Purchases whose promo code is that of a certificate, as imports find them or a person names them: a
-- handful among millions, so that nobody has to look for them.
CREATE TABLE purchases_with_code (
    id        INTEGER PRIMARY KEY,
    source_id INTEGER NOT NULL,
    key       TEXT NOT NULL,
    client_id INTEGER NOT NULL,         -- whom the source names, whoever he is merged into
    day       INTEGER NOT NULL,
    code      TEXT NOT NULL,
    UNIQUE (source_id, key, client_id, day)
) STRICT;

-- One use of a certificate. Which one of its uses it is makes it unique: however many tills try at
-- the same time, one use is taken once. A use that was undone is free again.
CREATE TABLE redemptions (
    id          INTEGER PRIMARY KEY,
    code        TEXT NOT NULL REFERENCES certificates (code),
    use_no      INTEGER NOT NULL,       -- 1 .. certificates.uses
    receipt     TEXT NOT NULL,          -- the number of the purchase, as the till or the import names it
    day         INTEGER NOT NULL,
    at          INTEGER NOT NULL,       -- when it was recorded
    by          TEXT NOT NULL,          -- who recorded it: a till, a person, a source
    via         TEXT NOT NULL CHECK (via IN ('till', 'command', 'import')),
    amount      INTEGER,                -- of the receipt, where it is known
    client_id   INTEGER,                -- who used it, where it is known
    purchase_id INTEGER REFERENCES purchases_with_code (id),  -- the imported purchase, once there
    undone_at   INTEGER,
    undone_by   TEXT,
    undone_why  TEXT,
    CHECK ((undone_at IS NULL) = (undone_by IS NULL))
) STRICT;
CREATE UNIQUE INDEX redemptions_once ON redemptions (code, use_no) WHERE undone_at IS NULL;
CREATE UNIQUE INDEX redemptions_by_receipt ON redemptions (code, receipt) WHERE undone_at IS NULL;
CREATE UNIQUE INDEX redemptions_by_purchase ON redemptions (purchase_id)
    WHERE purchase_id IS NOT NULL AND undone_at IS NULL;

-- A friend who came with a certificate. He counts once he is known and nothing speaks against it.
CREATE TABLE referrals (
    redemption_id INTEGER PRIMARY KEY REFERENCES redemptions (id),
    giver_id      INTEGER NOT NULL,
    friend_id     INTEGER,              -- NULL until it is known who he is
    phone         TEXT,                 -- what the till was told of him, until he is known
    email         TEXT,
    mailbox       TEXT,                 -- that every spelling of the address leads to
    state         TEXT NOT NULL CHECK (state IN ('waiting', 'counts', 'review', 'rejected', 'undone')),
    counts_on     INTEGER,              -- the day since which he counts
    CHECK (state <> 'counts' OR (friend_id IS NOT NULL AND counts_on IS NOT NULL))
) STRICT;
-- Nobody is new twice.
CREATE UNIQUE INDEX referrals_once ON referrals (friend_id) WHERE state = 'counts';
CREATE INDEX referrals_by_giver ON referrals (giver_id, counts_on);
CREATE INDEX referrals_waiting ON referrals (state) WHERE state = 'waiting';

-- What is doubtful, for a person: a redemption that was taken, or a receipt with a code that could
-- not be taken.
CREATE TABLE reviews (
    id            INTEGER PRIMARY KEY,
    code          TEXT NOT NULL,
    receipt       TEXT NOT NULL,
    redemption_id INTEGER REFERENCES redemptions (id),
    because       TEXT NOT NULL,        -- JSON: words of rules::certificate::Objection
    opened_at     INTEGER NOT NULL,
    decision      TEXT CHECK (decision IN ('approved', 'rejected')),
    decided_at    INTEGER,
    decided_by    TEXT,
    note          TEXT,
    UNIQUE (code, receipt),
    CHECK ((decision IS NULL) = (decided_at IS NULL))
) STRICT;
CREATE INDEX reviews_open ON reviews (id) WHERE decision IS NULL;

-- By what a client is recognised beside his phone and his address as they are written: the numbers of
-- his cards and his mailbox, each in one way of writing (rules::certificate). Made anew for clients whom
-- an import has changed.
CREATE TABLE client_marks (
    mark      TEXT NOT NULL,            -- card:430017, mail:annapetrova@gmail.com
    client_id INTEGER NOT NULL,
    PRIMARY KEY (mark, client_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX client_marks_by_client ON client_marks (client_id);

-- What the marks rest on: one row.
CREATE TABLE marks_made (
    id             INTEGER PRIMARY KEY CHECK (id = 1),
    through_import INTEGER NOT NULL,
    cards          TEXT NOT NULL        -- JSON: the attributes that hold numbers of cards
) STRICT;

-- Whoever comes as a friend is looked for by phone and e-mail address.
CREATE INDEX clients_by_phone ON clients (phone) WHERE phone IS NOT NULL;
CREATE INDEX clients_by_email ON clients (email) WHERE email IS NOT NULL;
CREATE INDEX contacts_by_phone ON contacts (phone) WHERE phone IS NOT NULL;
CREATE INDEX contacts_by_email ON contacts (email) WHERE email IS NOT NULL;
