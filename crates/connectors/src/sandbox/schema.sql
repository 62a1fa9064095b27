-- The sandbox bank's books, version 2: one line per reference. `amount_minor` is what an approved
-- line moved, and what a declined one was asked to move.
CREATE TABLE journal (
    id            INTEGER PRIMARY KEY,
    our_reference TEXT    NOT NULL,
    -- Version 1 made another line when a reference came again. They are numbered here, the one
    -- that counts is 0; new lines are always 0.
    repeat        INTEGER NOT NULL DEFAULT 0 CHECK (repeat >= 0),
    trans_id      TEXT    NOT NULL,
    kind          TEXT    NOT NULL CHECK (kind IN ('authorisation', 'capture', 'reversal', 'refund', 'dispute')),
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
CREATE UNIQUE INDEX journal_our_reference ON journal (substr(our_reference, 7), our_reference, repeat);
CREATE INDEX journal_original ON journal (substr(original, 7), original) WHERE original IS NOT NULL;

-- Payments whose customer gave a wrong code, and how many.
CREATE TABLE IF NOT EXISTS challenge (
    payment     INTEGER PRIMARY KEY,
    wrong_codes INTEGER NOT NULL CHECK (wrong_codes BETWEEN 1 AND 3)
) STRICT;

PRAGMA user_version = 2;
