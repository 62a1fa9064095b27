-- Webhooks: a queue for each destination, endpoints that merchants subscribe with, every attempt.

-- SQLite cannot change a primary key, so the table is made anew.
CREATE TABLE new_deliveries (
    place        INTEGER NOT NULL,
    -- The number of its payment's notice; below zero minus the number of an endpoint that was
    -- switched off, of which it tells.
    sequence     INTEGER NOT NULL CHECK (sequence <> 0),
    -- Who is told: 0 for the payment's own address.
    endpoint     INTEGER NOT NULL CHECK (endpoint >= 0),
    payment_id   INTEGER NOT NULL,
    merchant_id  INTEGER NOT NULL,
    ter_no       INTEGER NOT NULL,
    event_type   TEXT,
    url          TEXT    NOT NULL,
    -- In which queue it waits: a digest of merchant and host, or of the endpoint.
    destination  INTEGER NOT NULL,
    content_type TEXT    NOT NULL,
    body         TEXT    NOT NULL,
    created_at   INTEGER NOT NULL,
    -- When it was first due: with the change, or when it was last asked for again.
    begun_at     INTEGER NOT NULL,
    state        TEXT    NOT NULL CHECK (state IN ('pending', 'delivered', 'dead')),
    attempts     INTEGER NOT NULL CHECK (attempts >= 0),
    next_at      INTEGER CHECK ((next_at IS NULL) = (state <> 'pending')),
    -- The last attempt; how long it took is in microseconds.
    last_at      INTEGER,
    last_took    INTEGER,
    last_status  INTEGER,
    last_answer  TEXT,
    last_error   TEXT,
    PRIMARY KEY (place, sequence, endpoint)
) STRICT, WITHOUT ROWID;

-- What an older release wrote waits in one queue per merchant.
INSERT INTO new_deliveries
SELECT place, sequence, 0, payment_id, merchant_id, ter_no, NULL, url, merchant_id, content_type,
       body, created_at, created_at, state, attempts, next_at, last_at, NULL, last_status, NULL,
       last_error
FROM deliveries;

DROP TABLE deliveries;
ALTER TABLE new_deliveries RENAME TO deliveries;

CREATE INDEX deliveries_due ON deliveries (destination, next_at) WHERE next_at IS NOT NULL;
CREATE INDEX deliveries_by_terminal ON deliveries (ter_no, created_at);
CREATE INDEX deliveries_dead ON deliveries (ter_no, created_at) WHERE state = 'dead';

-- Attempts that were not acknowledged, and those that were before somebody asked for the delivery
-- again. The last acknowledged one stands in the delivery's own row.
CREATE TABLE delivery_attempts (
    place       INTEGER NOT NULL,
    sequence    INTEGER NOT NULL,
    endpoint    INTEGER NOT NULL,
    at          INTEGER NOT NULL,
    payment_id  INTEGER NOT NULL,
    merchant_id INTEGER NOT NULL,
    took        INTEGER NOT NULL,
    status      INTEGER,
    answer      TEXT,
    error       TEXT,
    PRIMARY KEY (place, sequence, endpoint, at)
) STRICT, WITHOUT ROWID;

CREATE TABLE endpoints (
    number         INTEGER PRIMARY KEY CHECK (number > 0),
    merchant_id    INTEGER NOT NULL,
    -- NULL: all of the merchant's in this mode.
    ter_no         INTEGER,
    mode           TEXT    NOT NULL CHECK (mode IN ('test', 'live')),
    url            TEXT    NOT NULL,
    events         TEXT    NOT NULL,
    description    TEXT    NOT NULL,
    state          TEXT    NOT NULL CHECK (state IN ('on', 'off', 'failed', 'removed')),
    state_since    INTEGER NOT NULL,
    -- Since when nothing was acknowledged.
    failing_since  INTEGER,
    sealed_secrets BLOB    NOT NULL,
    version        INTEGER NOT NULL CHECK (version > 0),
    created_at     INTEGER NOT NULL
) STRICT;

CREATE INDEX endpoints_by_merchant ON endpoints (merchant_id, number);
