-- Rows of payments by the month of the payment, so that what is written today stays small and warm
-- however much lies behind it; narrow tables beside them for what is looked up across all months.
-- A payment's number begins with its time, YYMMDDHHMMSS, so that months are ranges of numbers.

DROP TRIGGER events_stay ON events;
DROP TRIGGER postings_stay ON postings;

-- One order is never charged twice, and a number is given once: these keys stay for ever, also when
-- the month of the payment is kept elsewhere.
CREATE TABLE payment_references (
    ter_no     bigint  NOT NULL,
    reference  text    NOT NULL,
    attempt    integer NOT NULL,
    payment_id bigint  NOT NULL UNIQUE,
    PRIMARY KEY (ter_no, reference, attempt)
);

-- Payments with a next step: a copy of `payments.due_at`, and until when a node works on it, by the
-- database's clock. Apart from payments, so that a payment that goes on is rewritten in its page and
-- touches no index.
CREATE TABLE due_payments (
    payment_id    bigint PRIMARY KEY,
    due_at        bigint NOT NULL,
    claimed_until bigint
) WITH (fillfactor = 50);

-- Deliveries that wait to be sent, in the same way.
CREATE TABLE due_deliveries (
    merchant_id   bigint  NOT NULL,
    payment_id    bigint  NOT NULL,
    sequence      integer NOT NULL,
    endpoint      bigint  NOT NULL,
    destination   bigint  NOT NULL,
    attempts      bigint  NOT NULL,
    next_at       bigint  NOT NULL,
    claimed_until bigint,
    PRIMARY KEY (payment_id, sequence, endpoint)
) WITH (fillfactor = 50);

INSERT INTO payment_references (ter_no, reference, attempt, payment_id)
SELECT ter_no, reference, attempt, id FROM payments;
INSERT INTO due_payments (payment_id, due_at) SELECT id, due_at FROM payments WHERE due_at IS NOT NULL;
INSERT INTO due_deliveries (merchant_id, payment_id, sequence, endpoint, destination, attempts, next_at)
SELECT merchant_id, payment_id, sequence, endpoint, destination, attempts, next_at
FROM deliveries WHERE next_at IS NOT NULL;
CREATE INDEX due_payments_by_time ON due_payments (due_at);
CREATE INDEX due_deliveries_by_time ON due_deliveries (destination, next_at);

ALTER TABLE payments DROP COLUMN claimed_until;
ALTER TABLE deliveries DROP COLUMN claimed_until;
ALTER TABLE payments RENAME TO payments_before;
ALTER TABLE events RENAME TO events_before;
ALTER TABLE refunds RENAME TO refunds_before;
ALTER TABLE postings RENAME TO postings_before;
ALTER TABLE deliveries RENAME TO deliveries_before;
ALTER TABLE delivery_attempts RENAME TO delivery_attempts_before;

CREATE TABLE payments (LIKE payments_before INCLUDING DEFAULTS INCLUDING CONSTRAINTS) PARTITION BY RANGE (id);
CREATE TABLE events (LIKE events_before INCLUDING DEFAULTS INCLUDING CONSTRAINTS) PARTITION BY RANGE (payment_id);
CREATE TABLE refunds (LIKE refunds_before INCLUDING DEFAULTS INCLUDING CONSTRAINTS) PARTITION BY RANGE (payment_id);
-- `cause_id` is the payment's number where the cause is an event of a payment. The accounts are a
-- rule of the table, for a look at the chart of accounts for each row cost as much as the row.
CREATE TABLE postings (
    LIKE postings_before INCLUDING DEFAULTS INCLUDING CONSTRAINTS,
    CONSTRAINT postings_account_known CHECK (account BETWEEN 1 AND 4)
) PARTITION BY RANGE (cause_id);
CREATE TABLE deliveries (LIKE deliveries_before INCLUDING DEFAULTS INCLUDING CONSTRAINTS) PARTITION BY RANGE (payment_id);
CREATE TABLE delivery_attempts (LIKE delivery_attempts_before INCLUDING DEFAULTS INCLUDING CONSTRAINTS) PARTITION BY RANGE (payment_id);

-- For numbers of months that have no partition: an insert never fails for want of one.
CREATE TABLE payments_other PARTITION OF payments DEFAULT;
CREATE TABLE events_other PARTITION OF events DEFAULT;
CREATE TABLE refunds_other PARTITION OF refunds DEFAULT;
CREATE TABLE postings_other PARTITION OF postings DEFAULT;
CREATE TABLE deliveries_other PARTITION OF deliveries DEFAULT;
CREATE TABLE delivery_attempts_other PARTITION OF delivery_attempts DEFAULT;

-- Whether this month (YYMM) is one whose partitions all of the tables have, making them where they
-- are missing. A month that has rows in the partitions for all others stays there. Attached and not
-- created in place: whoever names the month before or after goes on meanwhile.
CREATE FUNCTION make_month(month integer) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    least bigint := month * 100000000000000;
    beyond bigint := (CASE month % 100 WHEN 12 THEN month + 89 ELSE month + 1 END) * 100000000000000;
    name text;
    partition text;
    is_taken boolean;
BEGIN
    IF to_regclass(format('payments_%s', to_char(month, 'FM0000'))) IS NOT NULL THEN
        RETURN true;
    END IF;
    IF month % 100 NOT BETWEEN 1 AND 12 THEN
        RETURN false;
    END IF;
    SELECT EXISTS (SELECT 1 FROM payments_other WHERE id >= least AND id < beyond)
        OR EXISTS (SELECT 1 FROM events_other WHERE payment_id >= least AND payment_id < beyond)
        OR EXISTS (SELECT 1 FROM refunds_other WHERE payment_id >= least AND payment_id < beyond)
        OR EXISTS (SELECT 1 FROM postings_other WHERE cause_id >= least AND cause_id < beyond)
        OR EXISTS (SELECT 1 FROM deliveries_other WHERE payment_id >= least AND payment_id < beyond)
        OR EXISTS (SELECT 1 FROM delivery_attempts_other WHERE payment_id >= least AND payment_id < beyond)
    INTO is_taken;
    IF is_taken THEN
        RETURN false;
    END IF;
    FOREACH name IN ARRAY ARRAY['delivery_attempts', 'deliveries', 'postings', 'refunds', 'events', 'payments'] LOOP
        partition := format('%s_%s', name, to_char(month, 'FM0000'));
        -- Half of a page of payments is kept free: what changes a payment finds its place there.
        EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING DEFAULTS INCLUDING CONSTRAINTS)%s', partition, name,
            CASE name WHEN 'payments' THEN ' WITH (fillfactor = 50)' ELSE '' END);
        IF name IN ('events', 'postings') THEN
            EXECUTE format('CREATE TRIGGER stays BEFORE UPDATE OR DELETE OR TRUNCATE ON %I '
                'EXECUTE FUNCTION stays_as_it_was()', partition);
        END IF;
        EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%s) TO (%s)',
            name, partition, least, beyond);
    END LOOP;
    RETURN true;
END $$;

SELECT make_month(month) FROM (
    SELECT DISTINCT (id / 100000000000000)::integer AS month FROM payments_before ORDER BY month
) months;

INSERT INTO payments SELECT * FROM payments_before;
INSERT INTO events SELECT * FROM events_before;
INSERT INTO refunds SELECT * FROM refunds_before;
INSERT INTO postings SELECT * FROM postings_before;
INSERT INTO deliveries SELECT * FROM deliveries_before;
INSERT INTO delivery_attempts SELECT * FROM delivery_attempts_before;

DROP TABLE payments_before, events_before, refunds_before, postings_before, deliveries_before, delivery_attempts_before;

ALTER TABLE payments ADD PRIMARY KEY (merchant_id, id), ADD UNIQUE (id);
ALTER TABLE events ADD PRIMARY KEY (merchant_id, payment_id, sequence);
ALTER TABLE refunds ADD PRIMARY KEY (merchant_id, payment_id, number);
ALTER TABLE postings ADD PRIMARY KEY (merchant_id, cause, cause_id, sequence, account);
ALTER TABLE deliveries ADD PRIMARY KEY (merchant_id, payment_id, sequence, endpoint);
ALTER TABLE delivery_attempts ADD PRIMARY KEY (merchant_id, payment_id, sequence, endpoint, at);
CREATE UNIQUE INDEX refunds_by_reference ON refunds (merchant_id, payment_id, reference) WHERE reference IS NOT NULL;
CREATE INDEX postings_by_account ON postings (merchant_id, mode, currency, account, amount_minor);
-- Lists of a terminal's payments, the newest first; a merchant's are in the order of the primary key.
CREATE INDEX payments_by_terminal ON payments (ter_no, id);
CREATE INDEX deliveries_by_terminal ON deliveries (ter_no, created_at);
CREATE INDEX deliveries_dead ON deliveries (ter_no, created_at) WHERE state = 'dead';

-- Of the tables by their own names, and of the parts for all other months; make_month puts one on
-- each month.
CREATE TRIGGER events_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON events EXECUTE FUNCTION stays_as_it_was();
CREATE TRIGGER postings_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON postings EXECUTE FUNCTION stays_as_it_was();
CREATE TRIGGER stays BEFORE UPDATE OR DELETE OR TRUNCATE ON events_other EXECUTE FUNCTION stays_as_it_was();
CREATE TRIGGER stays BEFORE UPDATE OR DELETE OR TRUNCATE ON postings_other EXECUTE FUNCTION stays_as_it_was();
