-- Captures, releases, reversals and refunds; the books; a chained audit log. As in sqlite.sql.

ALTER TABLE payments
    DROP CONSTRAINT payments_state_known,
    DROP CONSTRAINT payments_next_step,
    ADD COLUMN capture text NOT NULL DEFAULT 'automatic' CHECK (capture IN ('automatic', 'manual')),
    ADD COLUMN captured_minor bigint NOT NULL DEFAULT 0,
    ADD COLUMN refunded_minor bigint NOT NULL DEFAULT 0 CHECK (refunded_minor >= 0),
    ADD COLUMN refunding_minor bigint NOT NULL DEFAULT 0 CHECK (refunding_minor >= 0);

-- What was approved before gets what it lacked: our reference of the authorisation, and that all
-- of it was taken.
UPDATE payments p SET captured_minor = amount_minor,
    facts = (facts::jsonb || jsonb_build_object(
        'our_reference', (SELECT e.facts::jsonb -> 'our_reference' FROM events e
                          WHERE e.merchant_id = p.merchant_id AND e.payment_id = p.id
                            AND e.facts::jsonb ->> 'state' = 'sending'),
        'captured_minor', amount_minor, 'refunded_minor', 0, 'refunding_minor', 0, 'refunds', 0))::text
WHERE state = 'approved';

-- Never more is taken than was asked for, and never more given back than was taken, counting the
-- refunds that are on their way. Whatever is not decided, and whatever is at the bank, has a next
-- step.
ALTER TABLE payments
    ALTER COLUMN capture DROP DEFAULT,
    ADD CONSTRAINT payments_state_known CHECK (state IN ('waiting', 'challenged', 'sending', 'unknown', 'reversing', 'authorised', 'capturing', 'voiding', 'approved', 'reversed', 'declined', 'expired', 'cancelled', 'failed')),
    ADD CONSTRAINT payments_taken CHECK (captured_minor BETWEEN 0 AND amount_minor AND (captured_minor > 0) = (state = 'approved')),
    ADD CONSTRAINT payments_given_back CHECK (refunded_minor + refunding_minor <= captured_minor),
    ADD CONSTRAINT payments_next_step CHECK ((due_at IS NULL) = (state NOT IN ('waiting', 'challenged', 'sending', 'unknown', 'reversing', 'capturing', 'voiding') AND refunding_minor = 0));

-- `refund`: the refund that it is about, with its number, amount and where it stands.
ALTER TABLE events
    DROP CONSTRAINT events_kind_known,
    ADD CONSTRAINT events_kind_known CHECK (kind IN ('created', 'challenge_opened', 'sending', 'outcome_unknown', 'reversing', 'decided', 'capturing', 'captured', 'capture_refused', 'voiding', 'voided', 'void_refused', 'refunding', 'refund_unknown', 'refund_reversing', 'refunded', 'refund_refused')),
    ADD COLUMN refund text,
    ADD CONSTRAINT events_refund CHECK ((refund IS NOT NULL) = (kind IN ('refunding', 'refund_unknown', 'refund_reversing', 'refunded', 'refund_refused')));

UPDATE events e SET facts = p.facts FROM payments p
WHERE p.merchant_id = e.merchant_id AND p.id = e.payment_id AND e.kind = 'decided' AND p.state = 'approved';

CREATE TABLE refunds (
    merchant_id  bigint  NOT NULL,
    payment_id   bigint  NOT NULL,
    number       integer NOT NULL CHECK (number > 0),
    amount_minor bigint  NOT NULL CHECK (amount_minor > 0),
    currency     text    NOT NULL CHECK (length(currency) = 3),
    reference    text,
    reason       text,
    requested_at bigint  NOT NULL,
    state        text    NOT NULL CHECK (state IN ('pending', 'refunded', 'declined', 'failed')),
    facts        text    NOT NULL,
    PRIMARY KEY (merchant_id, payment_id, number)
);

-- The same refundReference asks for the same refund.
CREATE UNIQUE INDEX refunds_by_reference ON refunds (merchant_id, payment_id, reference) WHERE reference IS NOT NULL;

-- The chart of accounts. A later release adds accounts as rows.
CREATE TABLE accounts (
    account integer PRIMARY KEY,
    name    text    NOT NULL UNIQUE,
    side    text    NOT NULL CHECK (side IN ('debit', 'credit'))
);

INSERT INTO accounts VALUES (1, 'bank_receivable', 'debit'), (2, 'merchant_payable', 'credit'),
                            (3, 'refunds', 'debit'), (4, 'fees', 'debit');

-- The books. `cause` says what kind of thing a posting comes from (1: an event of a payment, whose
-- number is `cause_id`), so that settlements, payouts and fees can be added beside it. Debit is
-- positive, credit negative; the postings of one event sum to zero.
CREATE TABLE postings (
    merchant_id  bigint  NOT NULL,
    cause        integer NOT NULL CHECK (cause > 0),
    cause_id     bigint  NOT NULL,
    sequence     bigint  NOT NULL,
    account      integer NOT NULL REFERENCES accounts (account),
    payment_id   bigint  CHECK ((payment_id IS NULL) = (cause <> 1)),
    mode         text    NOT NULL CHECK (mode IN ('test', 'live')),
    currency     text    NOT NULL CHECK (length(currency) = 3),
    amount_minor bigint  NOT NULL CHECK (amount_minor <> 0),
    at           bigint  NOT NULL,
    PRIMARY KEY (merchant_id, cause, cause_id, sequence, account)
);

-- Balances are sums over this index alone.
CREATE INDEX postings_by_account ON postings (merchant_id, mode, currency, account, amount_minor);

INSERT INTO postings (merchant_id, cause, cause_id, sequence, account, payment_id, mode, currency, amount_minor, at)
SELECT p.merchant_id, 1, p.id, p.version, a.account, p.id, p.mode, p.currency,
       CASE a.account WHEN 1 THEN p.captured_minor ELSE -p.captured_minor END,
       (p.facts::jsonb ->> 'at')::bigint
FROM payments p JOIN accounts a ON a.account IN (1, 2) WHERE p.state = 'approved';

-- What was written stays as it was.
CREATE FUNCTION stays_as_it_was() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% are never changed or deleted', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER events_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON events EXECUTE FUNCTION stays_as_it_was();
CREATE TRIGGER postings_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON postings EXECUTE FUNCTION stays_as_it_was();
CREATE TRIGGER audit_log_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log EXECUTE FUNCTION stays_as_it_was();

-- Each line of the audit log is sealed with the one before it, under a key that the database does
-- not have: lines from before this schema are not.
ALTER TABLE audit_log ADD COLUMN seal bytea CHECK (seal IS NULL OR octet_length(seal) = 32);

-- How many lines are sealed, and a seal over that and the last one: a line that was cut off the end
-- is missed.
CREATE TABLE audit_head (
    one   integer PRIMARY KEY CHECK (one = 1),
    lines bigint  NOT NULL CHECK (lines > 0),
    last  bytea   NOT NULL CHECK (octet_length(last) = 32),
    seal  bytea   NOT NULL CHECK (octet_length(seal) = 32)
);
