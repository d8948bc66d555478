-- Who of the company's own people has signed in to the pages. Instants are unix milliseconds (UTC).

-- Links that were sent to sign in. The link itself is signed and stands nowhere: from the key of its
-- message alone nobody can make it.
CREATE TABLE sign_ins (
    message_key TEXT COLLATE "C" PRIMARY KEY,
    person      TEXT COLLATE "C" NOT NULL,          -- the e-mail address, lower case
    asked_at    BIGINT NOT NULL,
    expires_at  BIGINT NOT NULL,
    used_at     BIGINT,                -- set once: a link is good for one sign-in
    lands_on    TEXT COLLATE "C"                    -- the path of the page that was asked for, one of ours
);
CREATE INDEX sign_ins_by_person ON sign_ins (person, asked_at);

-- One row a browser that is signed in. What its cookie says is kept as a keyed hash only.
CREATE TABLE sessions (
    token_hash BYTEA PRIMARY KEY,
    person     TEXT COLLATE "C" NOT NULL,           -- the e-mail address, lower case
    began_at   BIGINT NOT NULL,
    seen_at    BIGINT NOT NULL
);
CREATE INDEX sessions_by_person ON sessions (person);

-- What a manager's page shows of the day.
CREATE INDEX outcomes_by_day ON outcomes (day);
CREATE INDEX tasks_on_lists ON tasks (coalesce(acting, manager), state);

-- How the base stood, counted once a week: who stands where, and where he stood a week before.
CREATE TABLE base_weeks (
    day        BIGINT NOT NULL,
    manager    TEXT COLLATE "C" NOT NULL,           -- ext_id; '' when nobody is named
    from_place TEXT COLLATE "C" NOT NULL,           -- active, due, missed, asleep, lost, never_bought
    to_place   TEXT COLLATE "C" NOT NULL,
    clients    BIGINT NOT NULL,
    PRIMARY KEY (day, manager, from_place, to_place)
);
