-- For each webhook whose signature is right, in one transaction; then answer 2xx.
-- The tables: webhooks (id primary key), payments (trans_id primary key, order_status, sequence).

-- Once. When this adds no row, you had this message before: stop here, and answer 2xx.
INSERT INTO webhooks (id) VALUES (:webhook_id) ON CONFLICT DO NOTHING;

-- In order. A late message never takes the place of a newer one; 10 comes after 9, so as a number.
INSERT INTO payments (trans_id, order_status, sequence)
VALUES (:transID, :order_status, CAST(:sequence AS integer))
ON CONFLICT (trans_id) DO UPDATE
SET order_status = excluded.order_status, sequence = excluded.sequence
WHERE payments.sequence < excluded.sequence;
