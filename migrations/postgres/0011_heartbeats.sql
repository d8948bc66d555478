-- Any number of processes may be one part of the service: each tells for itself that it is alive.
DROP TABLE heartbeats;
CREATE TABLE heartbeats (
    part  TEXT COLLATE "C" NOT NULL,                -- schedule, worker, web; configuration
    owner TEXT COLLATE "C" NOT NULL,                -- one name a process start; empty for the configuration
    since BIGINT NOT NULL,                          -- when it told so first
    at    BIGINT NOT NULL,                          -- when it told so last
    note  TEXT COLLATE "C" NOT NULL DEFAULT '',     -- what is wrong with it, for people; empty when nothing
    PRIMARY KEY (part, owner)
);
