-- Orders that a bank has and its customer pays there: net banking, wallets, UPI. As in sqlite.sql.

-- `details`: JSON; bank or wallet, UPI address, device, and what the customer has to do at the bank.
-- Whatever is not decided, and whatever is at the bank, has a next step; an order that outlived its
-- payment has one for a day.
ALTER TABLE payments
    DROP CONSTRAINT payments_state_known,
    DROP CONSTRAINT payments_next_step,
    ADD COLUMN details text,
    ADD CONSTRAINT payments_state_known CHECK (state IN ('waiting', 'challenged', 'sending', 'unknown', 'reversing', 'presented', 'authorised', 'capturing', 'voiding', 'approved', 'reversed', 'declined', 'expired', 'cancelled', 'failed')),
    ADD CONSTRAINT payments_next_step CHECK (state IN ('expired', 'cancelled') OR (due_at IS NULL) = (state NOT IN ('waiting', 'challenged', 'sending', 'unknown', 'reversing', 'presented', 'capturing', 'voiding') AND refunding_minor = 0));

ALTER TABLE events
    DROP CONSTRAINT events_kind_known,
    ADD CONSTRAINT events_kind_known CHECK (kind IN ('created', 'challenge_opened', 'sending', 'outcome_unknown', 'reversing', 'presented', 'order_watched', 'superseded', 'decided', 'capturing', 'captured', 'capture_refused', 'voiding', 'voided', 'void_refused', 'refunding', 'refund_unknown', 'refund_reversing', 'refunded', 'refund_refused'));
