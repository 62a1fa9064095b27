-- Messages that banks sent of their own accord, as in sqlite.sql. One list for the whole gateway, as
-- audit_log is: a message has no merchant until its payment is found.

CREATE TABLE bank_messages (
    connector     text    COLLATE "C" NOT NULL,
    message       text    COLLATE "C" NOT NULL CHECK (length(message) BETWEEN 1 AND 255),
    received_at   bigint  NOT NULL,
    our_reference text,
    digest        bytea   NOT NULL CHECK (octet_length(digest) = 32),
    body          text    NOT NULL,
    times_seen    bigint  NOT NULL CHECK (times_seen > 0),
    other_body    text,
    handled_at    bigint,
    heard         text    CHECK (heard IN ('asked', 'nothing_to_ask', 'unknown')),
    -- Until then a node works on it, by the database's clock.
    claimed_until bigint,
    CONSTRAINT bank_messages_heard CHECK ((heard IS NULL) = (handled_at IS NULL)),
    PRIMARY KEY (connector, message)
);

CREATE INDEX bank_messages_waiting ON bank_messages (received_at) WHERE handled_at IS NULL;
CREATE INDEX bank_messages_by_time ON bank_messages (received_at, connector, message);
