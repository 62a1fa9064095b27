-- Captures, releases, reversals and refunds; the books; a chained audit log.

-- SQLite cannot change a CHECK, so the tables whose words grew are made anew. What was approved
-- before gets what it lacked: our reference of the authorisation, and that all of it was taken.
CREATE TABLE new_payments (
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
    capture        TEXT    NOT NULL CHECK (capture IN ('automatic', 'manual')),
    request        TEXT    NOT NULL,
    created_at     INTEGER NOT NULL,
    state          TEXT    NOT NULL CHECK (state IN ('waiting', 'challenged', 'sending', 'unknown', 'reversing', 'authorised', 'capturing', 'voiding', 'approved', 'reversed', 'declined', 'expired', 'cancelled', 'failed')),
    facts          TEXT    NOT NULL,
    -- Money, in minor units. Never more is taken than was asked for, and never more given back
    -- than was taken, counting the refunds that are on their way.
    captured_minor  INTEGER NOT NULL CHECK (captured_minor BETWEEN 0 AND amount_minor AND (captured_minor > 0) = (state = 'approved')),
    refunded_minor  INTEGER NOT NULL CHECK (refunded_minor >= 0),
    refunding_minor INTEGER NOT NULL CHECK (refunding_minor >= 0 AND refunded_minor + refunding_minor <= captured_minor),
    version        INTEGER NOT NULL CHECK (version > 0),
    notices        INTEGER NOT NULL CHECK (notices >= 0),
    -- Whatever is not decided, and whatever is at the bank, has a next step.
    due_at         INTEGER CHECK ((due_at IS NULL) = (state NOT IN ('waiting', 'challenged', 'sending', 'unknown', 'reversing', 'capturing', 'voiding') AND refunding_minor = 0))
) STRICT;

INSERT INTO new_payments
SELECT place, id, merchant_id, ter_no, mode, reference, attempt, fingerprint, amount_minor, currency,
       method, card_brand, card_first_six, card_last_four, authentication, 'automatic', request,
       created_at, state,
       CASE state WHEN 'approved' THEN json_set(facts,
           '$.our_reference', (SELECT json_extract(e.facts, '$.our_reference') FROM events e
                               WHERE e.place = p.place AND json_extract(e.facts, '$.state') = 'sending'),
           '$.captured_minor', amount_minor, '$.refunded_minor', 0, '$.refunding_minor', 0, '$.refunds', 0)
       ELSE facts END,
       CASE state WHEN 'approved' THEN amount_minor ELSE 0 END, 0, 0, version, notices, due_at
FROM payments p;

CREATE TABLE new_events (
    place       INTEGER NOT NULL,
    sequence    INTEGER NOT NULL CHECK (sequence > 0),
    payment_id  INTEGER NOT NULL,
    merchant_id INTEGER NOT NULL,
    at          INTEGER NOT NULL,
    kind        TEXT    NOT NULL CHECK (kind IN ('created', 'challenge_opened', 'sending', 'outcome_unknown', 'reversing', 'decided', 'capturing', 'captured', 'capture_refused', 'voiding', 'voided', 'void_refused', 'refunding', 'refund_unknown', 'refund_reversing', 'refunded', 'refund_refused')),
    facts       TEXT    NOT NULL,
    -- The refund that it is about: number, amount and where it stands.
    refund      TEXT    CHECK ((refund IS NOT NULL) = (kind IN ('refunding', 'refund_unknown', 'refund_reversing', 'refunded', 'refund_refused'))),
    PRIMARY KEY (place, sequence)
) STRICT, WITHOUT ROWID;

INSERT INTO new_events
SELECT e.place, e.sequence, e.payment_id, e.merchant_id, e.at, e.kind,
       CASE WHEN e.kind = 'decided' AND p.state = 'approved' THEN p.facts ELSE e.facts END, NULL
FROM events e JOIN new_payments p USING (place);

DROP TABLE events;
DROP TABLE payments;
ALTER TABLE new_payments RENAME TO payments;
ALTER TABLE new_events RENAME TO events;

-- One order is never charged twice: this key never expires.
CREATE UNIQUE INDEX payments_by_reference ON payments (ter_no, reference, attempt);
CREATE INDEX payments_due ON payments (due_at) WHERE due_at IS NOT NULL;

CREATE TABLE refunds (
    place        INTEGER NOT NULL,
    number       INTEGER NOT NULL CHECK (number > 0),
    payment_id   INTEGER NOT NULL,
    merchant_id  INTEGER NOT NULL,
    amount_minor INTEGER NOT NULL CHECK (amount_minor > 0),
    currency     TEXT    NOT NULL CHECK (length(currency) = 3),
    reference    TEXT,
    reason       TEXT,
    requested_at INTEGER NOT NULL,
    state        TEXT    NOT NULL CHECK (state IN ('pending', 'refunded', 'declined', 'failed')),
    facts        TEXT    NOT NULL,
    PRIMARY KEY (place, number)
) STRICT, WITHOUT ROWID;

-- The same refundReference asks for the same refund.
CREATE UNIQUE INDEX refunds_by_reference ON refunds (place, reference) WHERE reference IS NOT NULL;

-- The chart of accounts. A later release adds accounts as rows.
CREATE TABLE accounts (
    account INTEGER PRIMARY KEY,
    name    TEXT    NOT NULL UNIQUE,
    side    TEXT    NOT NULL CHECK (side IN ('debit', 'credit'))
) STRICT;

INSERT INTO accounts VALUES (1, 'bank_receivable', 'debit'), (2, 'merchant_payable', 'credit'),
                            (3, 'refunds', 'debit'), (4, 'fees', 'debit');

-- The books. `cause` says what kind of thing a posting comes from (1: an event of a payment, whose
-- place is `cause_place`), so that settlements, payouts and fees can be added beside it. Debit is
-- positive, credit negative; the postings of one event sum to zero.
CREATE TABLE postings (
    cause        INTEGER NOT NULL CHECK (cause > 0),
    cause_place  INTEGER NOT NULL,
    sequence     INTEGER NOT NULL,
    account      INTEGER NOT NULL REFERENCES accounts (account),
    merchant_id  INTEGER NOT NULL,
    payment_id   INTEGER CHECK ((payment_id IS NULL) = (cause <> 1)),
    mode         TEXT    NOT NULL CHECK (mode IN ('test', 'live')),
    currency     TEXT    NOT NULL CHECK (length(currency) = 3),
    amount_minor INTEGER NOT NULL CHECK (amount_minor <> 0),
    at           INTEGER NOT NULL,
    PRIMARY KEY (cause, cause_place, sequence, account)
) STRICT, WITHOUT ROWID;

-- Balances are sums over this index alone.
CREATE INDEX postings_by_account ON postings (merchant_id, mode, currency, account, amount_minor);

INSERT INTO postings
SELECT 1, p.place, p.version, a.account, p.merchant_id, p.id, p.mode, p.currency,
       CASE a.account WHEN 1 THEN p.captured_minor ELSE -p.captured_minor END,
       json_extract(p.facts, '$.at')
FROM payments p JOIN accounts a ON a.account IN (1, 2) WHERE p.state = 'approved';

-- What was written stays as it was.
CREATE TRIGGER events_stay BEFORE UPDATE ON events BEGIN SELECT RAISE(ABORT, 'events are never changed'); END;
CREATE TRIGGER events_remain BEFORE DELETE ON events BEGIN SELECT RAISE(ABORT, 'events are never deleted'); END;
CREATE TRIGGER postings_stay BEFORE UPDATE ON postings BEGIN SELECT RAISE(ABORT, 'postings are never changed'); END;
CREATE TRIGGER postings_remain BEFORE DELETE ON postings BEGIN SELECT RAISE(ABORT, 'postings are never deleted'); END;

-- Each line of the audit log is sealed with the one before it, under a key that the database does
-- not have: lines from before this schema are not.
ALTER TABLE audit_log ADD COLUMN seal BLOB CHECK (seal IS NULL OR length(seal) = 32);

-- How many lines are sealed, and a seal over that and the last one: a line that was cut off the end
-- is missed.
CREATE TABLE audit_head (
    one   INTEGER PRIMARY KEY CHECK (one = 1),
    lines INTEGER NOT NULL CHECK (lines > 0),
    last  BLOB    NOT NULL CHECK (length(last) = 32),
    seal  BLOB    NOT NULL CHECK (length(seal) = 32)
) STRICT;
CREATE TRIGGER audit_log_stays BEFORE UPDATE ON audit_log BEGIN SELECT RAISE(ABORT, 'the audit log is never changed'); END;
CREATE TRIGGER audit_log_remains BEFORE DELETE ON audit_log BEGIN SELECT RAISE(ABORT, 'the audit log is never shortened'); END;
