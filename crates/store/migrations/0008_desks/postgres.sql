-- People, their sessions and notes; the log of calls; who did what for which merchant. As in
-- sqlite.sql. Users and sessions are one list for the whole gateway: an address is one person's.

ALTER TABLE merchants ADD COLUMN approved boolean NOT NULL DEFAULT true;
ALTER TABLE merchants ADD COLUMN version bigint NOT NULL DEFAULT 1 CHECK (version > 0);

CREATE TABLE users (
    id          bigint PRIMARY KEY CHECK (id > 0),
    merchant_id bigint,
    email       text   COLLATE "C" NOT NULL UNIQUE,
    link        bytea  UNIQUE CHECK (octet_length(link) = 32),
    facts       text   NOT NULL,
    version     bigint NOT NULL CHECK (version > 0),
    created_at  bigint NOT NULL
);

CREATE INDEX users_by_merchant ON users (merchant_id, id);

CREATE TABLE sessions (
    digest     bytea  PRIMARY KEY CHECK (octet_length(digest) = 32),
    user_id    bigint NOT NULL,
    created_at bigint NOT NULL,
    seen_at    bigint NOT NULL,
    proved_at  bigint NOT NULL,
    caller     text   NOT NULL,
    agent      text   NOT NULL
);

CREATE INDEX sessions_by_user ON sessions (user_id);

CREATE TABLE api_tokens (
    digest      bytea  PRIMARY KEY CHECK (octet_length(digest) = 32),
    merchant_id bigint NOT NULL,
    user_id     bigint NOT NULL,
    facts       text   NOT NULL,
    created_at  bigint NOT NULL,
    expires_at  bigint NOT NULL,
    used_at     bigint
);

CREATE INDEX api_tokens_by_merchant ON api_tokens (merchant_id, created_at);

CREATE TABLE sign_in_tries (
    address bytea  PRIMARY KEY CHECK (octet_length(address) = 32),
    tries   bigint NOT NULL CHECK (tries > 0),
    at      bigint NOT NULL
);

CREATE TABLE notes (
    merchant_id bigint NOT NULL,
    payment_id  bigint NOT NULL,
    at          bigint NOT NULL,
    author      text   NOT NULL,
    text        text   NOT NULL,
    PRIMARY KEY (merchant_id, payment_id, at)
);

CREATE TABLE api_calls (
    merchant_id bigint  NOT NULL,
    at          bigint  NOT NULL,
    number      bigint  NOT NULL,
    ter_no      bigint  NOT NULL,
    action      text    NOT NULL,
    status      integer NOT NULL,
    error       text,
    request_id  text    NOT NULL,
    caller      text,
    took        bigint  NOT NULL,
    payment_id  bigint,
    PRIMARY KEY (merchant_id, at, number)
);

CREATE INDEX api_calls_by_request ON api_calls (merchant_id, request_id);

ALTER TABLE audit_log ADD COLUMN merchant_id bigint;
ALTER TABLE audit_log ADD COLUMN user_id bigint;
CREATE INDEX audit_log_by_merchant ON audit_log (merchant_id, id) WHERE merchant_id IS NOT NULL;

CREATE INDEX postings_by_time ON postings (merchant_id, mode, currency, at, account, amount_minor);
DROP INDEX postings_by_account;
