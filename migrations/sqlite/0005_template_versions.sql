-- What messages are made of beside their inputs, as it was when they were let go. Each version is
-- kept once, however many messages are made of it, and for ever: attempts name it.
CREATE TABLE template_versions (
    id      INTEGER PRIMARY KEY,
    digest  BLOB NOT NULL UNIQUE,       -- SHA-256 of the content
    kept_at INTEGER NOT NULL,           -- unix milliseconds (UTC)
    content TEXT NOT NULL               -- JSON: templates with all that they include, the imprint
) STRICT;
CREATE TRIGGER template_versions_stay BEFORE UPDATE ON template_versions
BEGIN
    SELECT RAISE(ABORT, 'a version is never rewritten');
END;

-- The company's own fonts and pictures, as certificates of a version were drawn with them: each kept
-- once, by its digest.
CREATE TABLE template_files (
    digest TEXT PRIMARY KEY,            -- SHA-256 of the bytes, in hexadecimal
    bytes  BLOB NOT NULL
) STRICT;

-- Which version the messages of a run are made of that were never tried.
CREATE TABLE run_versions (
    run_id   INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    campaign TEXT NOT NULL,
    channel  TEXT NOT NULL,
    template TEXT NOT NULL,
    version  INTEGER NOT NULL REFERENCES template_versions (id),
    PRIMARY KEY (run_id, campaign, channel, template)
) STRICT, WITHOUT ROWID;

-- Which one an attempt was made of: the next attempt is made of the same.
ALTER TABLE attempts ADD COLUMN version INTEGER REFERENCES template_versions (id);
