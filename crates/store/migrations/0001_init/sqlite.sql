-- The first schema. Times are microseconds since 1970-01-01 UTC, amounts are minor units.

CREATE TABLE merchants (
    id         INTEGER PRIMARY KEY CHECK (id > 0),
    name       TEXT    NOT NULL,
    active     INTEGER NOT NULL CHECK (active IN (0, 1)),
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE terminals (
    ter_no         INTEGER PRIMARY KEY CHECK (ter_no > 0),
    merchant_id    INTEGER NOT NULL REFERENCES merchants (id),
    name           TEXT    NOT NULL,
    mode           TEXT    NOT NULL CHECK (mode IN ('test', 'live')),
    active         INTEGER NOT NULL CHECK (active IN (0, 1)),
    settings       TEXT    NOT NULL CHECK (json_valid(settings)),
    public_keys    TEXT    NOT NULL CHECK (json_valid(public_keys)),
    sealed_secrets BLOB    NOT NULL,
    version        INTEGER NOT NULL CHECK (version > 0),
    created_at     INTEGER NOT NULL
) STRICT;

-- Which terminal a public key belongs to, the retiring ones included.
CREATE TABLE terminal_keys (
    public_key TEXT    PRIMARY KEY,
    ter_no     INTEGER NOT NULL REFERENCES terminals (ter_no)
) STRICT, WITHOUT ROWID;

-- `place` counts rows as they come, so that new rows of this and of the tables that hang on it
-- stand side by side: six digits of `id` are random, and rows in its order would touch a page
-- each. Only the narrow index of `id` pays that.
CREATE TABLE payments (
    place          INTEGER PRIMARY KEY,
    id             INTEGER NOT NULL UNIQUE CHECK (id > 0),
    merchant_id    INTEGER NOT NULL,
    ter_no         INTEGER NOT NULL,
    mode           TEXT    NOT NULL CHECK (mode IN ('test', 'live')),
    reference      TEXT    NOT NULL,
    attempt        INTEGER NOT NULL CHECK (attempt > 0),
    fingerprint    BLOB    NOT NULL CHECK (length(fingerprint) = 32),
    amount_minor   INTEGER NOT NULL CHECK (amount_minor > 0),
    currency       TEXT    NOT NULL CHECK (length(currency) = 3),
    method         TEXT    NOT NULL CHECK (method IN ('CC', 'DC', 'NB', 'WALLET', 'UPICOLLECT', 'QRINTENT')),
    card_brand     TEXT    CHECK ((card_brand IS NULL) = (method NOT IN ('CC', 'DC'))),
    card_first_six TEXT    CHECK ((card_first_six IS NULL) = (card_brand IS NULL) AND length(card_first_six) <= 6),
    card_last_four TEXT    CHECK ((card_last_four IS NULL) = (card_brand IS NULL) AND length(card_last_four) <= 4),
    authentication TEXT    NOT NULL CHECK (authentication IN ('frictionless', 'challenge')),
    request        TEXT    NOT NULL,
    created_at     INTEGER NOT NULL,
    state          TEXT    NOT NULL CHECK (state IN ('waiting', 'challenged', 'sending', 'unknown', 'approved', 'declined', 'expired', 'cancelled', 'failed')),
    facts          TEXT    NOT NULL,
    version        INTEGER NOT NULL CHECK (version > 0),
    notices        INTEGER NOT NULL CHECK (notices >= 0),
    -- Whatever is not decided has a next step.
    due_at         INTEGER CHECK ((due_at IS NULL) = (state NOT IN ('waiting', 'challenged', 'sending', 'unknown')))
) STRICT;

-- One order is never charged twice: this key never expires.
CREATE UNIQUE INDEX payments_by_reference ON payments (ter_no, reference, attempt);
CREATE INDEX payments_due ON payments (due_at) WHERE due_at IS NOT NULL;

CREATE TABLE events (
    place       INTEGER NOT NULL,
    sequence    INTEGER NOT NULL CHECK (sequence > 0),
    payment_id  INTEGER NOT NULL,
    merchant_id INTEGER NOT NULL,
    at          INTEGER NOT NULL,
    kind        TEXT    NOT NULL CHECK (kind IN ('created', 'challenge_opened', 'sending', 'outcome_unknown', 'decided')),
    facts       TEXT    NOT NULL,
    PRIMARY KEY (place, sequence)
) STRICT, WITHOUT ROWID;

-- Sealed cards, while they are needed. The commit that records the send clears security_code.
CREATE TABLE held_cards (
    place         INTEGER PRIMARY KEY,
    payment_id    INTEGER NOT NULL,
    merchant_id   INTEGER NOT NULL,
    number        BLOB    NOT NULL,
    security_code BLOB,
    expiry_year   INTEGER NOT NULL,
    expiry_month  INTEGER NOT NULL CHECK (expiry_month BETWEEN 1 AND 12)
) STRICT;

CREATE TABLE deliveries (
    place        INTEGER NOT NULL,
    sequence     INTEGER NOT NULL CHECK (sequence > 0),
    payment_id   INTEGER NOT NULL,
    merchant_id  INTEGER NOT NULL,
    ter_no       INTEGER NOT NULL,
    url          TEXT    NOT NULL,
    content_type TEXT    NOT NULL,
    body         TEXT    NOT NULL,
    created_at   INTEGER NOT NULL,
    state        TEXT    NOT NULL CHECK (state IN ('pending', 'delivered', 'dead')),
    attempts     INTEGER NOT NULL CHECK (attempts >= 0),
    next_at      INTEGER CHECK ((next_at IS NULL) = (state <> 'pending')),
    last_at      INTEGER,
    last_status  INTEGER,
    last_error   TEXT,
    PRIMARY KEY (place, sequence)
) STRICT, WITHOUT ROWID;

CREATE INDEX deliveries_due ON deliveries (next_at) WHERE next_at IS NOT NULL;

CREATE TABLE idempotency_keys (
    ter_no      INTEGER NOT NULL,
    key         TEXT    NOT NULL,
    merchant_id INTEGER NOT NULL,
    request     BLOB    NOT NULL CHECK (length(request) = 32),
    began_at    INTEGER NOT NULL,
    status      INTEGER,
    body        TEXT    CHECK ((body IS NULL) = (status IS NULL)),
    PRIMARY KEY (ter_no, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE audit_log (
    id         INTEGER PRIMARY KEY,
    at         INTEGER NOT NULL,
    actor      TEXT    NOT NULL,
    caller     TEXT,
    action     TEXT    NOT NULL,
    result     TEXT    NOT NULL CHECK (result IN ('done', 'refused')),
    ter_no     INTEGER,
    request_id TEXT,
    detail     TEXT    NOT NULL
) STRICT;
