-- CHECK (x IN (three words or more)) builds a table of the words for each row that is written: half of
-- what a new payment cost the writer. A chain of comparisons asks the same. SQLite cannot change a
-- CHECK; its manual's way to change one that leaves all rows as they are is to change the schema's text
-- (lang_altertable, "making other kinds of table schema changes").
PRAGMA writable_schema = ON;

UPDATE sqlite_schema SET sql = replace(sql, 'state IN (''pending'', ''refunded'', ''declined'', ''failed'')', '(state = ''pending'' OR state = ''refunded'' OR state = ''declined'' OR state = ''failed'')') WHERE type = 'table' AND name = 'refunds';

UPDATE sqlite_schema SET sql = replace(sql, 'method IN (''CC'', ''DC'', ''NB'', ''WALLET'', ''UPICOLLECT'', ''QRINTENT'')', '(method = ''CC'' OR method = ''DC'' OR method = ''NB'' OR method = ''WALLET'' OR method = ''UPICOLLECT'' OR method = ''QRINTENT'')') WHERE type = 'table' AND name = 'payments';
UPDATE sqlite_schema SET sql = replace(sql, 'state IN (''waiting'', ''challenged'', ''sending'', ''unknown'', ''reversing'', ''presented'', ''authorised'', ''capturing'', ''voiding'', ''approved'', ''reversed'', ''declined'', ''expired'', ''cancelled'', ''failed'')', '(state = ''waiting'' OR state = ''challenged'' OR state = ''sending'' OR state = ''unknown'' OR state = ''reversing'' OR state = ''presented'' OR state = ''authorised'' OR state = ''capturing'' OR state = ''voiding'' OR state = ''approved'' OR state = ''reversed'' OR state = ''declined'' OR state = ''expired'' OR state = ''cancelled'' OR state = ''failed'')') WHERE type = 'table' AND name = 'payments';
UPDATE sqlite_schema SET sql = replace(sql, 'state NOT IN (''waiting'', ''challenged'', ''sending'', ''unknown'', ''reversing'', ''presented'', ''capturing'', ''voiding'')', 'NOT (state = ''waiting'' OR state = ''challenged'' OR state = ''sending'' OR state = ''unknown'' OR state = ''reversing'' OR state = ''presented'' OR state = ''capturing'' OR state = ''voiding'')') WHERE type = 'table' AND name = 'payments';

UPDATE sqlite_schema SET sql = replace(sql, 'kind IN (''created'', ''challenge_opened'', ''sending'', ''outcome_unknown'', ''reversing'', ''presented'', ''order_watched'', ''superseded'', ''decided'', ''capturing'', ''captured'', ''capture_refused'', ''voiding'', ''voided'', ''void_refused'', ''refunding'', ''refund_unknown'', ''refund_reversing'', ''refunded'', ''refund_refused'')', '(kind = ''created'' OR kind = ''challenge_opened'' OR kind = ''sending'' OR kind = ''outcome_unknown'' OR kind = ''reversing'' OR kind = ''presented'' OR kind = ''order_watched'' OR kind = ''superseded'' OR kind = ''decided'' OR kind = ''capturing'' OR kind = ''captured'' OR kind = ''capture_refused'' OR kind = ''voiding'' OR kind = ''voided'' OR kind = ''void_refused'' OR kind = ''refunding'' OR kind = ''refund_unknown'' OR kind = ''refund_reversing'' OR kind = ''refunded'' OR kind = ''refund_refused'')') WHERE type = 'table' AND name = 'events';
UPDATE sqlite_schema SET sql = replace(sql, 'kind IN (''refunding'', ''refund_unknown'', ''refund_reversing'', ''refunded'', ''refund_refused'')', '(kind = ''refunding'' OR kind = ''refund_unknown'' OR kind = ''refund_reversing'' OR kind = ''refunded'' OR kind = ''refund_refused'')') WHERE type = 'table' AND name = 'events';

UPDATE sqlite_schema SET sql = replace(sql, 'state IN (''pending'', ''delivered'', ''dead'')', '(state = ''pending'' OR state = ''delivered'' OR state = ''dead'')') WHERE type = 'table' AND name = 'deliveries';

UPDATE sqlite_schema SET sql = replace(sql, 'state IN (''on'', ''off'', ''failed'', ''removed'')', '(state = ''on'' OR state = ''off'' OR state = ''failed'' OR state = ''removed'')') WHERE type = 'table' AND name = 'endpoints';

UPDATE sqlite_schema SET sql = replace(sql, 'heard IN (''asked'', ''nothing_to_ask'', ''unknown'')', '(heard = ''asked'' OR heard = ''nothing_to_ask'' OR heard = ''unknown'')') WHERE type = 'table' AND name = 'bank_messages';

PRAGMA writable_schema = RESET;

-- Lists of a terminal's payments, the newest first. (A new index also makes other connections read the
-- changed schema.)
CREATE INDEX payments_by_terminal ON payments (ter_no, created_at);
