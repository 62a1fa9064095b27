-- Orders that a bank has and its customer pays there: net banking, wallets, UPI.

-- SQLite cannot change a CHECK, so the tables whose words grew are made anew.
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
    state          TEXT    NOT NULL CHECK (state IN ('waiting', 'challenged', 'sending', 'unknown', 'reversing', 'presented', 'authorised', 'capturing', 'voiding', 'approved', 'reversed', 'declined', 'expired', 'cancelled', 'failed')),
    facts          TEXT    NOT NULL,
    -- Money, in minor units. Never more is taken than was asked for, and never more given back
    -- than was taken, counting the refunds that are on their way.
    captured_minor  INTEGER NOT NULL CHECK (captured_minor BETWEEN 0 AND amount_minor AND (captured_minor > 0) = (state = 'approved')),
    refunded_minor  INTEGER NOT NULL CHECK (refunded_minor >= 0),
    refunding_minor INTEGER NOT NULL CHECK (refunding_minor >= 0 AND refunded_minor + refunding_minor <= captured_minor),
    version        INTEGER NOT NULL CHECK (version > 0),
    notices        INTEGER NOT NULL CHECK (notices >= 0),
    -- Whatever is not decided, and whatever is at the bank, has a next step; an order that outlived
    -- its payment has one for a day.
    due_at         INTEGER CHECK (state IN ('expired', 'cancelled') OR (due_at IS NULL) = (state NOT IN ('waiting', 'challenged', 'sending', 'unknown', 'reversing', 'presented', 'capturing', 'voiding') AND refunding_minor = 0)),
    -- JSON: bank or wallet, UPI address, device, and what the customer has to do at the bank.
    details        TEXT
) STRICT;

INSERT INTO new_payments
SELECT place, id, merchant_id, ter_no, mode, reference, attempt, fingerprint, amount_minor, currency,
       method, card_brand, card_first_six, card_last_four, authentication, capture, request,
       created_at, state, facts, captured_minor, refunded_minor, refunding_minor, version, notices,
       due_at, NULL
FROM payments;

CREATE TABLE new_events (
    place       INTEGER NOT NULL,
    sequence    INTEGER NOT NULL CHECK (sequence > 0),
    payment_id  INTEGER NOT NULL,
    merchant_id INTEGER NOT NULL,
    at          INTEGER NOT NULL,
    kind        TEXT    NOT NULL CHECK (kind IN ('created', 'challenge_opened', 'sending', 'outcome_unknown', 'reversing', 'presented', 'order_watched', 'superseded', 'decided', 'capturing', 'captured', 'capture_refused', 'voiding', 'voided', 'void_refused', 'refunding', 'refund_unknown', 'refund_reversing', 'refunded', 'refund_refused')),
    facts       TEXT    NOT NULL,
    -- The refund that it is about: number, amount and where it stands.
    refund      TEXT    CHECK ((refund IS NOT NULL) = (kind IN ('refunding', 'refund_unknown', 'refund_reversing', 'refunded', 'refund_refused'))),
    PRIMARY KEY (place, sequence)
) STRICT, WITHOUT ROWID;

INSERT INTO new_events
SELECT place, sequence, payment_id, merchant_id, at, kind, facts, refund FROM events;

DROP TABLE events;
DROP TABLE payments;
ALTER TABLE new_payments RENAME TO payments;
ALTER TABLE new_events RENAME TO events;

-- One order is never charged twice: this key never expires.
CREATE UNIQUE INDEX payments_by_reference ON payments (ter_no, reference, attempt);
CREATE INDEX payments_due ON payments (due_at) WHERE due_at IS NOT NULL;

-- What was written stays as it was.
CREATE TRIGGER events_stay BEFORE UPDATE ON events BEGIN SELECT RAISE(ABORT, 'events are never changed'); END;
CREATE TRIGGER events_remain BEFORE DELETE ON events BEGIN SELECT RAISE(ABORT, 'events are never deleted'); END;
