SELECT 1;

-- Lists of a terminal's payments, the newest first.
CREATE INDEX payments_by_terminal ON payments (ter_no, id);
