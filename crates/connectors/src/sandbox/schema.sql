-- The sandbox bank's books. No card data: the bank knows payments by our references alone.
CREATE TABLE journal (
    id            INTEGER PRIMARY KEY,
    our_reference TEXT    NOT NULL,
    trans_id      TEXT    NOT NULL,
    kind          TEXT    NOT NULL CHECK (kind IN ('authorisation', 'reversal', 'refund', 'dispute')),
    amount_minor  INTEGER NOT NULL CHECK (amount_minor >= 0),
    currency      TEXT    NOT NULL CHECK (length(currency) = 3),
    result        TEXT    NOT NULL CHECK (result IN ('approved', 'declined')),
    status_code   TEXT    NOT NULL,
    at            INTEGER NOT NULL -- microseconds since 1970-01-01 UTC
) STRICT;

-- A reference begins with six random digits and goes on with the time. Indexed from the seventh
-- character, new rows stand side by side and a batch touches few pages. It is not unique: a bank
-- that is asked twice takes the money twice, and the books must show it.
CREATE INDEX journal_our_reference ON journal (substr(our_reference, 7), our_reference);

-- Payments whose customer gave a wrong code, and how many.
CREATE TABLE challenge (
    payment     INTEGER PRIMARY KEY,
    wrong_codes INTEGER NOT NULL CHECK (wrong_codes BETWEEN 1 AND 3)
) STRICT;

PRAGMA user_version = 1;
