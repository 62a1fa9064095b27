-- Two tables.
CREATE TABLE webhooks (id text PRIMARY KEY);
CREATE TABLE payments (trans_id text PRIMARY KEY, order_status text, sequence integer);

-- For each webhook whose signature is right, in one transaction; then answer 2xx.
-- Once. When this adds no row, you had this message before: stop here, and answer 2xx.
INSERT INTO webhooks (id) VALUES (:webhook_id) ON CONFLICT DO NOTHING;

-- In order. A late message never takes the place of a newer one.
INSERT INTO payments (trans_id, order_status, sequence)
VALUES (:transID, :order_status, :sequence)
ON CONFLICT (trans_id) DO UPDATE
SET order_status = excluded.order_status, sequence = excluded.sequence
WHERE payments.sequence < excluded.sequence;
