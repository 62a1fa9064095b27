-- The sandbox bank's books, version 3: one line per reference. `amount_minor` is what an approved
-- line moved, and what a declined one was asked to move.
CREATE TABLE IF NOT EXISTS journal (
    id            INTEGER PRIMARY KEY,
    our_reference TEXT    NOT NULL,
    -- Version 1 made another line when a reference came again. They are numbered here, the one
    -- that counts is 0; new lines are always 0.
    repeat        INTEGER NOT NULL DEFAULT 0 CHECK (repeat >= 0),
    trans_id      TEXT    NOT NULL,
    kind          TEXT    NOT NULL CHECK (kind = 'authorisation' OR kind = 'capture' OR kind = 'reversal' OR kind = 'refund' OR kind = 'dispute'),
    -- Our reference of the call that this one follows; the bank need not know it.
    original      TEXT    CHECK (original IS NULL OR kind <> 'authorisation'),
    capture       TEXT    CHECK ((capture IS NULL) = (kind <> 'authorisation') AND capture IN ('automatic', 'manual')),
    amount_minor  INTEGER NOT NULL CHECK (amount_minor >= 0),
    currency      TEXT    NOT NULL CHECK (length(currency) = 3),
    result        TEXT    NOT NULL CHECK (result IN ('approved', 'declined')),
    status_code   TEXT    NOT NULL,
    -- How often the call arrived.
    times_asked   INTEGER NOT NULL DEFAULT 1 CHECK (times_asked >= 1),
    at            INTEGER NOT NULL -- microseconds since 1970-01-01 UTC
) STRICT;

-- A reference begins with six random digits and goes on with the time. Indexed from the seventh
-- character, new rows stand side by side and a batch touches few pages.
CREATE UNIQUE INDEX IF NOT EXISTS journal_our_reference ON journal (substr(our_reference, 7), our_reference, repeat);
CREATE INDEX IF NOT EXISTS journal_original ON journal (substr(original, 7), original) WHERE original IS NOT NULL;

-- Payments whose customer gave a wrong code or asked for a new one, and how often.
CREATE TABLE challenge (
    payment     INTEGER PRIMARY KEY,
    wrong_codes INTEGER NOT NULL DEFAULT 0 CHECK (wrong_codes BETWEEN 0 AND 3),
    new_codes   INTEGER NOT NULL DEFAULT 0 CHECK (new_codes BETWEEN 0 AND 3)
) STRICT;

-- What customers pay at the bank itself. An order is open until the journal has a line of its
-- reference, which is written once.
CREATE TABLE bank_order (
    id            INTEGER PRIMARY KEY,
    our_reference TEXT    NOT NULL,
    trans_id      TEXT    NOT NULL,
    method        TEXT    NOT NULL,
    capture       TEXT    NOT NULL CHECK (capture IN ('automatic', 'manual')),
    -- The bank's, wallet's or app's name; who pays, where it is known; who is paid.
    institution   TEXT    NOT NULL,
    payer         TEXT,
    payee         TEXT    NOT NULL,
    amount_minor  INTEGER NOT NULL CHECK (amount_minor >= 0),
    currency      TEXT    NOT NULL CHECK (length(currency) = 3),
    -- What the bank says it took.
    reports_minor INTEGER NOT NULL CHECK (reports_minor >= 0),
    return_url    TEXT    NOT NULL,
    -- What the customer has to do, as JSON.
    step          TEXT,
    -- The bank says nothing of it before it has decided.
    is_silent     INTEGER NOT NULL CHECK (is_silent IN (0, 1)),
    -- What the bank decides by itself (a status code), and when.
    decides_at    INTEGER,
    decides       TEXT    CHECK ((decides IS NULL) = (decides_at IS NULL)),
    placed_at     INTEGER NOT NULL,
    times_asked   INTEGER NOT NULL DEFAULT 1 CHECK (times_asked >= 1)
) STRICT;

CREATE UNIQUE INDEX bank_order_our_reference ON bank_order (substr(our_reference, 7), our_reference);

PRAGMA user_version = 3;
