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

-- One order is never charged twice: this key never expires. The writer looks here before it inserts a
-- payment. A trigger would do as well, and cost half of an insert: SQLite then keeps a copy of every
-- page that the statement touches.
CREATE UNIQUE INDEX archived_payments_by_reference ON archived_payments (ter_no, reference, attempt);

-- Events leave this file only with their payment, in the transaction that lists it as archived.
DROP TRIGGER events_remain;
CREATE TRIGGER events_remain BEFORE DELETE ON events
WHEN NOT EXISTS (SELECT 1 FROM archived_payments a
                 WHERE a.id = OLD.payment_id AND a.place = OLD.place)
BEGIN SELECT RAISE(ABORT, 'events are never deleted'); END;
