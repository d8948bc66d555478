//! The statements that merge purchases. Parameters: $1 the source, $2 the import, $3 the day.
//!
//! All of them walk their tables in the order of the primary key, client after client.

/// Whether the source has purchases already.
pub(super) const HAS_PURCHASES: &str = "
    SELECT EXISTS (SELECT 1 FROM clients c JOIN purchases p ON p.client_id = c.id
                   WHERE c.source_id = $1 AND p.source_id = $1)";

/// The index that the first purchases of a source are imported without.
pub(super) const CREATE_INDEX_BY_ID: &str = "
    CREATE UNIQUE INDEX purchases_by_ext_id ON purchases (source_id, key) WHERE key NOT LIKE '~%'";

/// Where later purchases are gathered.
pub(super) const CREATE_INCOMING: (&str, &str) = (
    "
    CREATE TEMP TABLE incoming (
        client_id INTEGER NOT NULL, day INTEGER NOT NULL, key TEXT NOT NULL,
        amount INTEGER NOT NULL, cancels TEXT, promo TEXT,
        PRIMARY KEY (client_id, day, key)
    ) WITHOUT ROWID;
    CREATE TEMP TABLE incoming_items (
        client_id INTEGER NOT NULL, day INTEGER NOT NULL, key TEXT NOT NULL, line INTEGER NOT NULL,
        item TEXT NOT NULL, sku TEXT, quantity REAL NOT NULL, amount INTEGER,
        PRIMARY KEY (client_id, day, key, line)
    ) WITHOUT ROWID;
    CREATE TEMP TABLE gone (
        client_id INTEGER NOT NULL, day INTEGER NOT NULL, key TEXT NOT NULL,
        PRIMARY KEY (client_id, day, key)
    ) WITHOUT ROWID",
    "
    CREATE TEMP TABLE incoming (
        client_id BIGINT NOT NULL, day BIGINT NOT NULL, key TEXT COLLATE \"C\" NOT NULL,
        amount BIGINT NOT NULL, cancels TEXT COLLATE \"C\", promo TEXT COLLATE \"C\"
    ) ON COMMIT DROP;
    CREATE TEMP TABLE incoming_items (
        client_id BIGINT NOT NULL, day BIGINT NOT NULL, key TEXT COLLATE \"C\" NOT NULL,
        line BIGINT NOT NULL, item TEXT COLLATE \"C\" NOT NULL, sku TEXT COLLATE \"C\",
        quantity DOUBLE PRECISION NOT NULL, amount BIGINT
    ) ON COMMIT DROP;
    CREATE TEMP TABLE gone (
        client_id BIGINT NOT NULL, day BIGINT NOT NULL, key TEXT COLLATE \"C\" NOT NULL,
        PRIMARY KEY (client_id, day, key)
    ) ON COMMIT DROP",
);

/// What PostgreSQL gets once everything has come: an index is built quicker than kept.
pub(super) const INDEX_INCOMING: &str = "
    ALTER TABLE incoming ADD PRIMARY KEY (client_id, day, key);
    ALTER TABLE incoming_items ADD PRIMARY KEY (client_id, day, key, line);
    ANALYZE incoming, incoming_items";

/// What a snapshot no longer has.
pub(super) const FIND_GONE: &str = "
    INSERT INTO gone
    SELECT p.client_id, p.day, p.key FROM purchases p
    WHERE p.source_id = $1 AND NOT EXISTS (
        SELECT 1 FROM incoming i
        WHERE i.client_id = p.client_id AND i.day = p.day AND i.key = p.key)";

macro_rules! find_moved {
    ($join:literal) => {
        concat!(
            "INSERT INTO gone
             SELECT p.client_id, p.day, p.key
             FROM incoming i ",
            $join,
            " purchases p ON p.source_id = $1 AND p.key = i.key AND p.key NOT LIKE '~%'
             WHERE i.key NOT LIKE '~%' AND (p.client_id <> i.client_id OR p.day <> i.day)"
        )
    };
}

/// What has another client or another day under the same id: the row moves.
pub(super) const FIND_MOVED: (&str, &str) = (find_moved!("CROSS JOIN"), find_moved!("JOIN"));

/// Clients who lose a row: their history is read again.
pub(super) const GONE_ARE_STALE: &str = "
    INSERT INTO stale_rhythms (client_id, from_day, turnover, spent)
    SELECT DISTINCT client_id, -1000000, 0, 0 FROM gone WHERE true
    ON CONFLICT (client_id) DO UPDATE SET from_day = excluded.from_day";

pub(super) const DELETE_GONE: &str = "
    DELETE FROM purchases
    WHERE (client_id, day, source_id, key) IN (SELECT client_id, day, $1, key FROM gone)";

pub(super) const DELETE_ITEMS_OF_GONE: &str = "
    DELETE FROM purchase_items
    WHERE (client_id, day, source_id, key) IN (SELECT client_id, day, $1, key FROM gone)";

/// Clients who get a row or whose row changes: from which day on, and what it adds to the sums.
///
/// A row that takes another one back may change any day.
pub(super) const CHANGED_ARE_STALE: &str = "
    INSERT INTO stale_rhythms (client_id, from_day, turnover, spent)
    SELECT i.client_id,
           min(CASE WHEN i.cancels IS NULL AND p.cancels IS NULL THEN i.day ELSE -1000000 END),
           CAST(sum(i.amount - coalesce(p.amount, 0)) AS BIGINT),
           CAST(sum(CASE WHEN i.amount > 0 THEN i.amount ELSE 0 END
                    - CASE WHEN p.amount > 0 THEN p.amount ELSE 0 END) AS BIGINT)
    FROM incoming i
    LEFT JOIN purchases p ON p.client_id = i.client_id AND p.day = i.day AND p.source_id = $1
                         AND p.key = i.key
    WHERE p.key IS NULL OR p.amount <> i.amount OR p.cancels IS DISTINCT FROM i.cancels
    GROUP BY i.client_id
    ON CONFLICT (client_id) DO UPDATE SET
        from_day = CASE WHEN excluded.from_day < stale_rhythms.from_day
                        THEN excluded.from_day ELSE stale_rhythms.from_day END,
        turnover = stale_rhythms.turnover + excluded.turnover,
        spent = stale_rhythms.spent + excluded.spent";

pub(super) const UPDATE_CHANGED: &str = "
    UPDATE purchases SET amount = i.amount, cancels = i.cancels, promo = i.promo, last_import = $2
    FROM incoming i
    WHERE purchases.client_id = i.client_id AND purchases.day = i.day
      AND purchases.source_id = $1 AND purchases.key = i.key
      AND (purchases.amount, purchases.cancels, purchases.promo)
          IS DISTINCT FROM (i.amount, i.cancels, i.promo)";

/// SQLite finds them as it inserts, PostgreSQL beforehand.
pub(super) const INSERT_NEW: (&str, &str) = (
    "INSERT INTO purchases (client_id, day, key, amount, cancels, promo, source_id, first_import,
                            last_import)
     SELECT client_id, day, key, amount, cancels, promo, $1, $2, $2 FROM incoming WHERE true
     ON CONFLICT (client_id, day, source_id, key) DO NOTHING",
    "INSERT INTO purchases (client_id, day, key, amount, cancels, promo, source_id, first_import,
                            last_import)
     SELECT client_id, day, key, amount, cancels, promo, $1, $2, $2 FROM incoming i
     WHERE NOT EXISTS (
         SELECT 1 FROM purchases p
         WHERE p.client_id = i.client_id AND p.day = i.day AND p.source_id = $1 AND p.key = i.key)",
);

/// Items that a purchase no longer has. A purchase that comes without any item keeps those that it
/// has: the file may have no column for them.
pub(super) const DELETE_OTHER_ITEMS: &str = "
    DELETE FROM purchase_items
    WHERE (client_id, day, source_id, key) IN (SELECT client_id, day, $1, key FROM incoming_items)
      AND NOT EXISTS (
          SELECT 1 FROM incoming_items i
          WHERE i.client_id = purchase_items.client_id AND i.day = purchase_items.day
            AND i.key = purchase_items.key AND i.line = purchase_items.line)";

pub(super) const UPSERT_ITEMS: &str = "
    INSERT INTO purchase_items (client_id, day, key, line, item, sku, quantity, amount, source_id)
    SELECT client_id, day, key, line, item, sku, quantity, amount, $1 FROM incoming_items WHERE true
    ON CONFLICT (client_id, day, source_id, key, line) DO UPDATE SET
        item = excluded.item, sku = excluded.sku, quantity = excluded.quantity,
        amount = excluded.amount
    WHERE (purchase_items.item, purchase_items.sku, purchase_items.quantity, purchase_items.amount)
       IS DISTINCT FROM (excluded.item, excluded.sku, excluded.quantity, excluded.amount)";

/// Purchases whose mark of being taken back is not what the rows say: they are few, and found by
/// two small indexes.
macro_rules! wrongly_marked {
    ($join:literal, $by_index:literal, $act:literal) => {
        concat!(
            "WITH named (key, day) AS (
                 SELECT cancels, min(day) FROM purchases
                 WHERE source_id = $1 AND cancels IS NOT NULL GROUP BY cancels),
             wrong (client_id, day, key, cancelled_on) AS (
                 SELECT p.client_id, p.day, p.key, n.day
                 FROM named n ",
            $join,
            " purchases p ON p.source_id = $1 AND p.key = n.key AND p.key NOT LIKE '~%'
                 WHERE p.cancelled_on IS DISTINCT FROM n.day
                 UNION ALL
                 SELECT p.client_id, p.day, p.key, NULL
                 FROM purchases p ",
            $by_index,
            " WHERE p.source_id = $1 AND p.cancelled_on IS NOT NULL
                   AND p.key NOT IN (SELECT key FROM named)) ",
            $act
        )
    };
}

/// In SQLite the small indexes are named; PostgreSQL knows by its statistics how small they are.
macro_rules! for_the_wrongly_marked {
    ($act:literal) => {
        (
            wrongly_marked!("CROSS JOIN", "INDEXED BY purchases_cancelled", $act),
            wrongly_marked!("JOIN", "", $act),
        )
    };
}

pub(super) const CANCELLED_ARE_STALE: (&str, &str) = for_the_wrongly_marked!(
    "INSERT INTO stale_rhythms (client_id, from_day, turnover, spent)
     SELECT DISTINCT client_id, -1000000, 0, 0 FROM wrong WHERE true
     ON CONFLICT (client_id) DO UPDATE SET from_day = excluded.from_day"
);

pub(super) const MARK_CANCELLED: (&str, &str) = for_the_wrongly_marked!(
    "UPDATE purchases SET cancelled_on = wrong.cancelled_on FROM wrong
     WHERE purchases.client_id = wrong.client_id AND purchases.day = wrong.day
       AND purchases.source_id = $1 AND purchases.key = wrong.key"
);

/// Clients who were known by their purchases only and have none any more.
pub(super) const FORGET_IMPLIED: &str = "
    UPDATE clients SET deleted_on = $3, last_import = $2
    WHERE source_id = $1 AND implied = 1 AND deleted_on IS NULL
      AND NOT EXISTS (SELECT 1 FROM purchases p WHERE p.client_id = clients.id)
      AND NOT EXISTS (SELECT 1 FROM deals d WHERE d.client_id = clients.id)
      AND NOT EXISTS (SELECT 1 FROM visits v WHERE v.client_id = clients.id)
      AND NOT EXISTS (SELECT 1 FROM contacts t WHERE t.client_id = clients.id)";
