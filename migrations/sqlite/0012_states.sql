-- What SQLite checks at each change of a message, and by what it finds messages, in words that cost it
-- less. For a list of three and more (`IN`) it fills a table of its own for each row that it checks: four
-- of those for a change of state were a fourth of what a letter costs it. And of a list it does not
-- conclude from one word to the index over several: what was to be put right was looked for in all
-- messages, each minute.

-- The content of the table stays as it is, so that only the text changes. Source: "Making Other Kinds
-- Of Table Schema Changes" of https://sqlite.org/lang_altertable.html; what follows makes every
-- connection read the tables anew.
PRAGMA writable_schema = ON;
UPDATE sqlite_schema SET sql = replace(replace(sql,
'CHECK (state IN (
                      ''planned'', ''held'', ''queued'', ''claimed'', ''sending'', ''retry'', ''accepted'',
                      ''unknown'', ''failed'', ''suppressed'', ''expired'', ''cancelled'', ''skipped'',
                      ''held_out''))',
'CHECK (state = ''planned'' OR state = ''claimed'' OR state = ''sending'' OR state = ''accepted''
                      OR state = ''queued'' OR state = ''retry'' OR state = ''held''
                      OR state = ''unknown'' OR state = ''failed'' OR state = ''suppressed''
                      OR state = ''expired'' OR state = ''cancelled'' OR state = ''skipped''
                      OR state = ''held_out'')'),
'CHECK (on_unknown IN (''at_most_once'', ''at_least_once'', ''ask''))',
'CHECK (on_unknown = ''at_most_once'' OR on_unknown = ''at_least_once'' OR on_unknown = ''ask'')')
WHERE type = 'table' AND name = 'messages';
PRAGMA writable_schema = RESET;

-- What is over stays over: only a person can decide an unknown message, and nothing else.
DROP TRIGGER messages_stay_final;
CREATE TRIGGER messages_stay_final AFTER UPDATE OF state ON messages
WHEN NEW.state <> OLD.state
    AND (OLD.state = 'accepted' OR OLD.state = 'failed' OR OLD.state = 'suppressed'
         OR OLD.state = 'expired' OR OLD.state = 'cancelled' OR OLD.state = 'skipped'
         OR OLD.state = 'held_out')
BEGIN
    SELECT RAISE(ABORT, 'a message that is over stays as it is');
END;

-- What is due, and what waits for a person. Who looks for the one or the other has to name all states in
-- these very words, or one of them: by a list these are not found.
DROP INDEX messages_due;
CREATE INDEX messages_due ON messages (run_id, channel, due_at)
    WHERE state = 'planned' OR state = 'queued' OR state = 'retry';
DROP INDEX messages_for_a_person;
CREATE INDEX messages_for_a_person ON messages (state, id) WHERE state = 'unknown' OR state = 'held';

-- Whoever has a lease has claimed the message or sends it. By the lease, so that nothing changes here
-- when a claimed message begins to be sent.
DROP INDEX messages_in_flight;
CREATE INDEX messages_in_flight ON messages (lease_until) WHERE lease_until IS NOT NULL;
