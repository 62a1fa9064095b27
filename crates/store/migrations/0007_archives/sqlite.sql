-- Payments of past years stand in files of their own, archive-YYYY.db; here is which.

-- With their postings, which stay here, this is all that the main file keeps of them.
CREATE TABLE archived_payments (
    id        INTEGER PRIMARY KEY CHECK (id > 0),
    -- Of its row and of all that hangs on it. It is never given to another payment.
    place     INTEGER NOT NULL,
    ter_no    INTEGER NOT NULL,
    reference TEXT    NOT NULL,
    attempt   INTEGER NOT NULL CHECK (attempt > 0)
) STRICT;

-- One order is never charged twice: this key never expires.
CREATE UNIQUE INDEX archived_payments_by_reference ON archived_payments (ter_no, reference, attempt);

-- The writer sees that nothing was inserted, and says that the reference is taken.
CREATE TRIGGER payments_once BEFORE INSERT ON payments
WHEN EXISTS (SELECT 1 FROM archived_payments a
             WHERE a.ter_no = NEW.ter_no AND a.reference = NEW.reference AND a.attempt = NEW.attempt)
BEGIN SELECT RAISE(IGNORE); END;

-- Events leave this file only with their payment, in the transaction that lists it as archived.
DROP TRIGGER events_remain;
CREATE TRIGGER events_remain BEFORE DELETE ON events
WHEN NOT EXISTS (SELECT 1 FROM archived_payments a
                 WHERE a.id = OLD.payment_id AND a.place = OLD.place)
BEGIN SELECT RAISE(ABORT, 'events are never deleted'); END;
