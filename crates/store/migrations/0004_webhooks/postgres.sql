-- Webhooks: a queue for each destination, endpoints that merchants subscribe with, every attempt. As
-- in sqlite.sql.

DROP INDEX deliveries_due;

ALTER TABLE deliveries
    DROP CONSTRAINT deliveries_sequence_check,
    ADD CONSTRAINT deliveries_sequence_check CHECK (sequence <> 0),
    ADD COLUMN endpoint bigint NOT NULL DEFAULT 0 CHECK (endpoint >= 0),
    ADD COLUMN event_type text,
    ADD COLUMN destination bigint,
    ADD COLUMN begun_at bigint,
    ADD COLUMN last_took bigint,
    ADD COLUMN last_answer text;

UPDATE deliveries SET destination = merchant_id, begun_at = created_at;

ALTER TABLE deliveries
    ALTER COLUMN endpoint DROP DEFAULT,
    ALTER COLUMN destination SET NOT NULL,
    ALTER COLUMN begun_at SET NOT NULL,
    DROP CONSTRAINT deliveries_pkey,
    ADD PRIMARY KEY (merchant_id, payment_id, sequence, endpoint);

CREATE INDEX deliveries_due ON deliveries (destination, next_at) WHERE next_at IS NOT NULL;
CREATE INDEX deliveries_by_terminal ON deliveries (ter_no, created_at);
CREATE INDEX deliveries_dead ON deliveries (ter_no, created_at) WHERE state = 'dead';

CREATE TABLE delivery_attempts (
    merchant_id bigint  NOT NULL,
    payment_id  bigint  NOT NULL,
    sequence    integer NOT NULL,
    endpoint    bigint  NOT NULL,
    at          bigint  NOT NULL,
    took        bigint  NOT NULL,
    status      integer,
    answer      text,
    error       text,
    PRIMARY KEY (merchant_id, payment_id, sequence, endpoint, at)
);

CREATE TABLE endpoints (
    merchant_id    bigint NOT NULL,
    number         bigint NOT NULL UNIQUE CHECK (number > 0),
    ter_no         bigint,
    mode           text   NOT NULL CHECK (mode IN ('test', 'live')),
    url            text   NOT NULL,
    events         text   NOT NULL,
    description    text   NOT NULL,
    state          text   NOT NULL CHECK (state IN ('on', 'off', 'failed', 'removed')),
    state_since    bigint NOT NULL,
    failing_since  bigint,
    sealed_secrets bytea  NOT NULL,
    version        bigint NOT NULL CHECK (version > 0),
    created_at     bigint NOT NULL,
    PRIMARY KEY (merchant_id, number)
);
