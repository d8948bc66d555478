-- Any number of processes may be one part of the service: each tells for itself that it is alive.
DROP TABLE heartbeats;
CREATE TABLE heartbeats (
    part  TEXT NOT NULL,                -- schedule, worker, web; configuration
    owner TEXT NOT NULL,                -- one name a process start; empty for the configuration
    since INTEGER NOT NULL,             -- when it told so first
    at    INTEGER NOT NULL,             -- when it told so last
    note  TEXT NOT NULL DEFAULT '',     -- what is wrong with it, for people; empty when nothing
    PRIMARY KEY (part, owner)
) STRICT, WITHOUT ROWID;
