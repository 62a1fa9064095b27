-- The first schema, as in sqlite.sql. Times are microseconds since 1970-01-01 UTC, amounts are minor
-- units. Every table of a merchant's rows carries the merchant in its primary key, so that a cluster
-- can be split by merchant.

CREATE TABLE merchants (
    id         bigint  PRIMARY KEY CHECK (id > 0),
    name       text    NOT NULL,
    active     boolean NOT NULL,
    created_at bigint  NOT NULL
);

CREATE TABLE terminals (
    merchant_id    bigint  NOT NULL REFERENCES merchants (id),
    ter_no         bigint  NOT NULL UNIQUE CHECK (ter_no > 0),
    name           text    NOT NULL,
    mode           text    NOT NULL CHECK (mode IN ('test', 'live')),
    active         boolean NOT NULL,
    settings       text    NOT NULL CHECK (settings::json IS NOT NULL),
    public_keys    text    NOT NULL CHECK (public_keys::json IS NOT NULL),
    sealed_secrets bytea   NOT NULL,
    version        bigint  NOT NULL CHECK (version > 0),
    created_at     bigint  NOT NULL,
    PRIMARY KEY (merchant_id, ter_no)
);

-- Which terminal a public key belongs to, the retiring ones included.
CREATE TABLE terminal_keys (
    merchant_id bigint NOT NULL,
    public_key  text   NOT NULL UNIQUE,
    ter_no      bigint NOT NULL,
    PRIMARY KEY (merchant_id, public_key),
    FOREIGN KEY (merchant_id, ter_no) REFERENCES terminals (merchant_id, ter_no)
);

CREATE TABLE payments (
    id             bigint  NOT NULL UNIQUE CHECK (id > 0),
    merchant_id    bigint  NOT NULL,
    ter_no         bigint  NOT NULL,
    mode           text    NOT NULL CHECK (mode IN ('test', 'live')),
    reference      text    NOT NULL,
    attempt        integer NOT NULL CHECK (attempt > 0),
    fingerprint    bytea   NOT NULL CHECK (octet_length(fingerprint) = 32),
    amount_minor   bigint  NOT NULL CHECK (amount_minor > 0),
    currency       text    NOT NULL CHECK (length(currency) = 3),
    method         text    NOT NULL CHECK (method IN ('CC', 'DC', 'NB', 'WALLET', 'UPICOLLECT', 'QRINTENT')),
    card_brand     text    CHECK ((card_brand IS NULL) = (method NOT IN ('CC', 'DC'))),
    card_first_six text    CHECK ((card_first_six IS NULL) = (card_brand IS NULL) AND length(card_first_six) <= 6),
    card_last_four text    CHECK ((card_last_four IS NULL) = (card_brand IS NULL) AND length(card_last_four) <= 4),
    authentication text    NOT NULL CHECK (authentication IN ('frictionless', 'challenge')),
    request        text    NOT NULL,
    created_at     bigint  NOT NULL,
    state          text    NOT NULL CONSTRAINT payments_state_known CHECK (state IN ('waiting', 'challenged', 'sending', 'unknown', 'approved', 'declined', 'expired', 'cancelled', 'failed')),
    facts          text    NOT NULL,
    version        bigint  NOT NULL CHECK (version > 0),
    notices        integer NOT NULL CHECK (notices >= 0),
    -- Whatever is not decided has a next step.
    due_at         bigint  CONSTRAINT payments_next_step CHECK ((due_at IS NULL) = (state NOT IN ('waiting', 'challenged', 'sending', 'unknown'))),
    -- Until then a node works on it, by the database's clock.
    claimed_until  bigint,
    PRIMARY KEY (merchant_id, id)
);

-- One order is never charged twice: this key never expires.
CREATE UNIQUE INDEX payments_by_reference ON payments (ter_no, reference, attempt);
CREATE INDEX payments_due ON payments (due_at) WHERE due_at IS NOT NULL;

CREATE TABLE events (
    merchant_id bigint  NOT NULL,
    payment_id  bigint  NOT NULL,
    sequence    bigint  NOT NULL CHECK (sequence > 0),
    at          bigint  NOT NULL,
    kind        text    NOT NULL CONSTRAINT events_kind_known CHECK (kind IN ('created', 'challenge_opened', 'sending', 'outcome_unknown', 'decided')),
    facts       text    NOT NULL,
    PRIMARY KEY (merchant_id, payment_id, sequence)
);

-- Sealed cards, while they are needed. The commit that records the send clears security_code.
CREATE TABLE held_cards (
    merchant_id   bigint   NOT NULL,
    payment_id    bigint   NOT NULL,
    number        bytea    NOT NULL,
    security_code bytea,
    expiry_year   integer  NOT NULL,
    expiry_month  integer  NOT NULL CHECK (expiry_month BETWEEN 1 AND 12),
    PRIMARY KEY (merchant_id, payment_id)
);

CREATE TABLE deliveries (
    merchant_id   bigint  NOT NULL,
    payment_id    bigint  NOT NULL,
    sequence      integer NOT NULL CHECK (sequence > 0),
    ter_no        bigint  NOT NULL,
    url           text    NOT NULL,
    content_type  text    NOT NULL,
    body          text    NOT NULL,
    created_at    bigint  NOT NULL,
    state         text    NOT NULL CHECK (state IN ('pending', 'delivered', 'dead')),
    attempts      bigint  NOT NULL CHECK (attempts >= 0),
    next_at       bigint  CHECK ((next_at IS NULL) = (state <> 'pending')),
    last_at       bigint,
    last_status   integer,
    last_error    text,
    claimed_until bigint,
    PRIMARY KEY (merchant_id, payment_id, sequence)
);

CREATE INDEX deliveries_due ON deliveries (next_at) WHERE next_at IS NOT NULL;

-- The key's own columns come first: an answer is kept and found without knowing the merchant.
CREATE TABLE idempotency_keys (
    ter_no      bigint  NOT NULL,
    key         text    NOT NULL,
    merchant_id bigint  NOT NULL,
    request     bytea   NOT NULL CHECK (octet_length(request) = 32),
    began_at    bigint  NOT NULL,
    status      integer,
    body        text    CHECK ((body IS NULL) = (status IS NULL)),
    PRIMARY KEY (ter_no, key, merchant_id)
);

-- One log for the whole gateway: operators and refused strangers have no merchant.
CREATE TABLE audit_log (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at         bigint NOT NULL,
    actor      text   NOT NULL,
    caller     text,
    action     text   NOT NULL,
    result     text   NOT NULL CHECK (result IN ('done', 'refused')),
    ter_no     bigint,
    request_id text,
    detail     text   NOT NULL
);

-- What all nodes of this gateway have in common: the master key that opens what is sealed here
-- (a known text, sealed under it), and whether it is the demo.
CREATE TABLE gateway (
    id         integer PRIMARY KEY CHECK (id = 1),
    key_check  bytea   NOT NULL,
    demo       boolean NOT NULL,
    made_at    text    NOT NULL,
    created_at bigint  NOT NULL
);

-- The keys of the hours, which seal security codes, wrapped by a key derived from the master key.
-- Unlogged: never in the write-ahead log, in base backups or on standbys.
CREATE UNLOGGED TABLE hour_keys (
    hour    bigint NOT NULL,
    name    bytea  NOT NULL CHECK (octet_length(name) = 8),
    wrapped bytea  NOT NULL,
    PRIMARY KEY (hour, name)
);
