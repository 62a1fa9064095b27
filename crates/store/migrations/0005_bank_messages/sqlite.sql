-- Messages that banks sent of their own accord. One list for the whole gateway: a message has no
-- merchant until its payment is found.

CREATE TABLE bank_messages (
    connector     TEXT    NOT NULL,
    -- The bank's own id.
    message       TEXT    NOT NULL CHECK (length(message) BETWEEN 1 AND 255),
    received_at   INTEGER NOT NULL,
    our_reference TEXT,
    -- Keyed, over the body as it came.
    digest        BLOB    NOT NULL CHECK (length(digest) = 32),
    -- Without card data.
    body          TEXT    NOT NULL,
    times_seen    INTEGER NOT NULL CHECK (times_seen > 0),
    -- Suspicious: the body of another message that came under the same id, without card data.
    other_body    TEXT,
    handled_at    INTEGER,
    heard         TEXT    CHECK (heard IN ('asked', 'nothing_to_ask', 'unknown')),
    CHECK ((heard IS NULL) = (handled_at IS NULL)),
    PRIMARY KEY (connector, message)
) STRICT;

CREATE INDEX bank_messages_waiting ON bank_messages (received_at) WHERE handled_at IS NULL;
CREATE INDEX bank_messages_by_time ON bank_messages (received_at, connector, message);
