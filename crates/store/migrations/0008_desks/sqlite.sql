-- People, their sessions and notes; the log of calls; who did what for which merchant.

ALTER TABLE merchants ADD COLUMN approved INTEGER NOT NULL DEFAULT 1 CHECK (approved IN (0, 1));
ALTER TABLE merchants ADD COLUMN version INTEGER NOT NULL DEFAULT 1 CHECK (version > 0);

-- Users of merchants, and the gateway's operators, who have no merchant. One list for the whole
-- gateway: an address is one person's.
CREATE TABLE users (
    id          INTEGER PRIMARY KEY CHECK (id > 0),
    merchant_id INTEGER,
    email       TEXT    NOT NULL UNIQUE,
    -- A digest of the secret in the link that they were sent.
    link        BLOB    UNIQUE CHECK (link IS NULL OR length(link) = 32),
    facts       TEXT    NOT NULL CHECK (json_valid(facts)),
    version     INTEGER NOT NULL CHECK (version > 0),
    created_at  INTEGER NOT NULL
) STRICT;

CREATE INDEX users_by_merchant ON users (merchant_id, id);

CREATE TABLE sessions (
    -- Of the secret in the cookie.
    digest     BLOB    PRIMARY KEY CHECK (length(digest) = 32),
    user_id    INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    seen_at    INTEGER NOT NULL,
    -- When the password was last typed.
    proved_at  INTEGER NOT NULL,
    caller     TEXT    NOT NULL,
    agent      TEXT    NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX sessions_by_user ON sessions (user_id);

CREATE TABLE api_tokens (
    -- Of the token.
    digest      BLOB    PRIMARY KEY CHECK (length(digest) = 32),
    merchant_id INTEGER NOT NULL,
    user_id     INTEGER NOT NULL,
    facts       TEXT    NOT NULL CHECK (json_valid(facts)),
    created_at  INTEGER NOT NULL,
    expires_at  INTEGER NOT NULL,
    used_at     INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX api_tokens_by_merchant ON api_tokens (merchant_id, created_at);

-- Wrong passwords in a row, by a keyed digest of the address, whether or not it is a user's.
CREATE TABLE sign_in_tries (
    address BLOB    PRIMARY KEY CHECK (length(address) = 32),
    tries   INTEGER NOT NULL CHECK (tries > 0),
    at      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE notes (
    merchant_id INTEGER NOT NULL,
    payment_id  INTEGER NOT NULL,
    at          INTEGER NOT NULL,
    author      TEXT    NOT NULL,
    text        TEXT    NOT NULL,
    PRIMARY KEY (merchant_id, payment_id, at)
) STRICT, WITHOUT ROWID;

-- What merchants' servers called, for a month. `number` tells calls of one moment apart.
CREATE TABLE api_calls (
    merchant_id INTEGER NOT NULL,
    at          INTEGER NOT NULL,
    number      INTEGER NOT NULL,
    ter_no      INTEGER NOT NULL,
    action      TEXT    NOT NULL,
    status      INTEGER NOT NULL,
    error       TEXT,
    request_id  TEXT    NOT NULL,
    caller      TEXT,
    took        INTEGER NOT NULL,
    payment_id  INTEGER,
    PRIMARY KEY (merchant_id, at, number)
) STRICT, WITHOUT ROWID;

CREATE INDEX api_calls_by_request ON api_calls (merchant_id, request_id);

ALTER TABLE audit_log ADD COLUMN merchant_id INTEGER;
ALTER TABLE audit_log ADD COLUMN user_id INTEGER;
CREATE INDEX audit_log_by_merchant ON audit_log (merchant_id, id) WHERE merchant_id IS NOT NULL;

-- The books by day. Sums over accounts are answered by it as well, and what is new stands at its end.
CREATE INDEX postings_by_time ON postings (merchant_id, mode, currency, at, account, amount_minor);
DROP INDEX postings_by_account;
