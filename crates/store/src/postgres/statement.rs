//! The words of a batch: only the parts that it has rows for, so that few small commands pay for
//! nothing that they do not use. There are few shapes, and each is prepared once a connection.
//!
//! What hangs on a payment is written only where the payment itself was: `changed` holds the numbers
//! that the statement inserted or changed. `(… IN (…)) IS TRUE` looks a number up in a hash of them,
//! whatever the planner thinks of their count; a join would compare all with all.

use super::months::Month;
use std::fmt::Write as _;

/// Kinds of rows that are written together or not at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// New payments, and cards that are held from then on.
    Created,
    /// Payments that go on, and what becomes of their cards.
    Changed,
    /// Refunds that are asked for or settled; always with [`Kind::Changed`].
    Refunds,
    /// Postings and deliveries.
    Told,
    /// What attempts at deliveries came to.
    Attempted,
}

/// Which kinds of rows a batch has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Shape(u8);

impl Shape {
    const fn bit(kind: Kind) -> u8 {
        match kind {
            Kind::Created => 1,
            Kind::Changed => 2,
            Kind::Refunds => 4,
            Kind::Told => 8,
            Kind::Attempted => 16,
        }
    }

    /// With this kind too, if it `is_needed`.
    pub(super) const fn with(self, kind: Kind, is_needed: bool) -> Self {
        if is_needed { Self(self.0 | Self::bit(kind)) } else { self }
    }

    pub(super) const fn has(self, kind: Kind) -> bool {
        self.0 & Self::bit(kind) != 0
    }

    /// Whether payments are inserted or changed, and so something happens to them.
    pub(super) const fn has_payments(self) -> bool {
        self.has(Kind::Created) || self.has(Kind::Changed)
    }
}

/// `unnest()` stands for the arrays of these columns.
struct Part {
    columns: &'static [&'static str],
    sql: &'static str,
}

/// What makes a payment new: its number and its reference are free.
const REFERENCED: Part = Part {
    columns: &["int8", "text", "int4", "int8"],
    sql: "referenced AS (
    INSERT INTO payment_references (ter_no, reference, attempt, payment_id)
    SELECT * FROM unnest()
    ON CONFLICT DO NOTHING
    RETURNING payment_id AS id
)",
};

const INSERTED: Part = Part {
    columns: &[
        "int8", "int8", "int8", "text", "text", "int4", "bytea", "int8", "text", "text", "text",
        "text", "text", "text", "text", "text", "int8", "text", "text", "int8", "int4", "int8",
        "text",
    ],
    sql: "inserted AS (
    INSERT INTO payments@ (id, merchant_id, ter_no, mode, reference, attempt, fingerprint,
        amount_minor, currency, method, card_brand, card_first_six, card_last_four,
        authentication, capture, request, created_at, state, facts, version, notices, due_at,
        details)
    SELECT * FROM unnest() AS n (id) WHERE (n.id IN (SELECT id FROM referenced)) IS TRUE
)",
};

const HELD: Part = Part {
    columns: &["int8", "int8", "bytea", "bytea", "int4", "int4"],
    sql: "held AS (
    INSERT INTO held_cards (merchant_id, payment_id, number, security_code, expiry_year,
        expiry_month)
    SELECT * FROM unnest() AS h (merchant_id, payment_id, number, security_code, year, month)
    WHERE (h.payment_id IN (SELECT id FROM changed)) IS TRUE
)",
};

const UPDATED: Part = Part {
    columns: &[
        "int8", "int8", "int8", "text", "text", "int8", "int8", "int8", "int8", "int4", "int8",
        "int4", "text",
    ],
    // The count is looked up by key; an EXISTS would be answered from a hash of all refunds.
    sql: "updated AS (
    UPDATE payments@ p SET state = u.state, facts = u.facts, captured_minor = u.captured,
        refunded_minor = u.refunded, refunding_minor = u.refunding, version = u.version,
        notices = u.notices, due_at = u.due_at, details = u.details
    FROM unnest() AS u (merchant_id, id, expected, state, facts, captured, refunded, refunding,
        version, notices, due_at, changes_refund, details)
    WHERE p.merchant_id = u.merchant_id AND p.id = u.id AND p.version = u.expected
        AND (u.changes_refund IS NULL OR (
            SELECT count(*) FROM refunds@ r WHERE r.merchant_id = u.merchant_id
                AND r.payment_id = u.id AND r.number = u.changes_refund) = 1)
    RETURNING p.id
)",
};

const EMPTIED: Part = Part {
    columns: &["int8", "int8"],
    sql: "emptied AS (
    UPDATE held_cards h SET security_code = NULL
    FROM unnest() AS c (merchant_id, payment_id)
    WHERE h.merchant_id = c.merchant_id AND h.payment_id = c.payment_id
        AND h.security_code IS NOT NULL
        AND (c.payment_id IN (SELECT id FROM changed)) IS TRUE
)",
};

const DROPPED: Part = Part {
    columns: &["int8", "int8"],
    sql: "dropped AS (
    DELETE FROM held_cards h
    USING unnest() AS c (merchant_id, payment_id)
    WHERE h.merchant_id = c.merchant_id AND h.payment_id = c.payment_id
        AND (c.payment_id IN (SELECT id FROM changed)) IS TRUE
)",
};

/// Of payments that have a next step, when it is due; nobody works on it.
const DUE: Part = Part {
    columns: &["int8", "int8"],
    sql: "due AS (
    INSERT INTO due_payments AS known (payment_id, due_at)
    SELECT * FROM unnest() AS d (payment_id, due_at)
    WHERE (d.payment_id IN (SELECT id FROM changed)) IS TRUE
    ON CONFLICT (payment_id) DO UPDATE SET due_at = excluded.due_at, claimed_until = NULL
    WHERE known.due_at <> excluded.due_at OR known.claimed_until IS NOT NULL
)",
};

const DONE: Part = Part {
    columns: &["int8"],
    sql: "done AS (
    DELETE FROM due_payments d USING unnest() AS c (payment_id)
    WHERE d.payment_id = c.payment_id AND (c.payment_id IN (SELECT id FROM changed)) IS TRUE
)",
};

const TOLD: Part = Part {
    columns: &["int8", "int8", "int8", "int8", "text", "text", "text"],
    sql: "told AS (
    INSERT INTO events@ (merchant_id, payment_id, sequence, at, kind, facts, refund)
    SELECT * FROM unnest() AS e (merchant_id, payment_id, sequence, at, kind, facts, refund)
    WHERE (e.payment_id IN (SELECT id FROM changed)) IS TRUE
)",
};

const ASKED: Part = Part {
    columns: &["int8", "int8", "int4", "int8", "text", "text", "text", "int8", "text", "text"],
    sql: "asked AS (
    INSERT INTO refunds@ (merchant_id, payment_id, number, amount_minor, currency, reference,
        reason, requested_at, state, facts)
    SELECT * FROM unnest() AS r (merchant_id, payment_id, number, amount, currency, reference,
        reason, at, state, facts)
    WHERE (r.payment_id IN (SELECT id FROM changed)) IS TRUE
)",
};

const SETTLED: Part = Part {
    columns: &["int8", "int8", "int4", "text", "text"],
    sql: "settled AS (
    UPDATE refunds@ r SET state = u.state, facts = u.facts
    FROM unnest() AS u (merchant_id, payment_id, number, state, facts)
    WHERE r.merchant_id = u.merchant_id AND r.payment_id = u.payment_id AND r.number = u.number
        AND (u.payment_id IN (SELECT id FROM changed)) IS TRUE
)",
};

const BOOKED: Part = Part {
    columns: &["int8", "int8", "int8", "int4", "text", "text", "int8", "int8"],
    sql: "booked AS (
    INSERT INTO postings@ (cause, cause_id, payment_id, merchant_id, sequence, account, mode,
        currency, amount_minor, at)
    SELECT 1, b.payment_id, b.* FROM unnest()
        AS b (payment_id, merchant_id, sequence, account, mode, currency, amount, at)
    WHERE (b.payment_id IN (SELECT id FROM changed)) IS TRUE
)",
};

const QUEUED: Part = Part {
    columns: &[
        "int8", "int8", "int4", "int8", "int8", "text", "text", "int8", "text", "text", "int8",
    ],
    sql: "queued AS (
    INSERT INTO deliveries@ (merchant_id, payment_id, sequence, endpoint, ter_no, event_type, url,
        destination, content_type, body, created_at, begun_at, state, attempts, next_at)
    SELECT d.*, d.created_at, 'pending', 0, d.created_at FROM unnest()
        AS d (merchant_id, payment_id, sequence, endpoint, ter_no, event_type, url, destination,
            content_type, body, created_at)
    WHERE (d.payment_id IN (SELECT id FROM changed)) IS TRUE
    RETURNING merchant_id, payment_id, sequence, endpoint, destination, attempts, next_at
), waiting AS (
    INSERT INTO due_deliveries (merchant_id, payment_id, sequence, endpoint, destination, attempts,
        next_at)
    SELECT * FROM queued
)",
};

const RECORDED: Part = Part {
    columns: &[
        "int8", "int8", "int4", "int8", "text", "int8", "int8", "int8", "int8", "int4", "text",
        "text",
    ],
    // A delivery that was acknowledged or given up meanwhile stays so.
    sql: "recorded AS (
    UPDATE deliveries@ d SET state = a.state, attempts = a.attempts, next_at = a.next_at,
        last_at = a.at, last_took = a.took, last_status = a.status, last_answer = a.answer,
        last_error = a.error
    FROM unnest() AS a (merchant_id, payment_id, sequence, endpoint, state, attempts, next_at, at,
        took, status, answer, error)
    WHERE d.merchant_id = a.merchant_id AND d.payment_id = a.payment_id
        AND d.sequence = a.sequence AND d.endpoint = a.endpoint AND d.state = 'pending'
    RETURNING d.merchant_id, d.payment_id, d.sequence, d.endpoint, d.last_at, d.last_took,
        d.last_status, d.last_answer, d.last_error, d.attempts, d.next_at
), over AS (
    DELETE FROM due_deliveries w USING recorded r
    WHERE w.payment_id = r.payment_id AND w.sequence = r.sequence AND w.endpoint = r.endpoint
        AND r.next_at IS NULL
), later AS (
    UPDATE due_deliveries w
    SET attempts = r.attempts, next_at = r.next_at, claimed_until = NULL FROM recorded r
    WHERE w.payment_id = r.payment_id AND w.sequence = r.sequence AND w.endpoint = r.endpoint
        AND r.next_at IS NOT NULL
), logged AS (
    INSERT INTO delivery_attempts@ (merchant_id, payment_id, sequence, endpoint, at, took, status,
        answer, error)
    SELECT merchant_id, payment_id, sequence, endpoint, last_at, last_took, last_status,
        last_answer, last_error
    FROM recorded WHERE last_error IS NOT NULL ON CONFLICT DO NOTHING
)",
};

const CHANGED: &str = "changed AS (";
const NONE_CHANGED: &str = "SELECT 0::int8 WHERE false";

/// The statement of a shape. Its parameters are the columns of the parts, in the order in which
/// [`super::batch`] gives them.
pub(super) fn words(shape: Shape, month: Month) -> String {
    let mut text = String::from("WITH ");
    let mut number = 0_u32;
    let mut add = |text: &mut String, part: &Part| {
        let mut arrays = String::from("unnest(");
        for (place, column) in part.columns.iter().enumerate() {
            number = number.saturating_add(1);
            let comma = if place == 0 { "" } else { ", " };
            let _infallible = write!(arrays, "{comma}${number}::{column}[]");
        }
        arrays.push(')');
        if !text.ends_with("WITH ") {
            text.push_str(", ");
        }
        text.push_str(&part.sql.replace("unnest()", &arrays));
    };
    if shape.has(Kind::Created) {
        add(&mut text, &REFERENCED);
        add(&mut text, &INSERTED);
    }
    if shape.has(Kind::Changed) {
        add(&mut text, &UPDATED);
    }
    if shape.has_payments() {
        let from = match (shape.has(Kind::Created), shape.has(Kind::Changed)) {
            (true, true) => "SELECT id FROM referenced UNION ALL SELECT id FROM updated",
            (true, false) => "SELECT id FROM referenced",
            (false, _) => "SELECT id FROM updated",
        };
        let _infallible = write!(text, ", {CHANGED}{from})");
        add(&mut text, &TOLD);
        add(&mut text, &DUE);
    }
    if shape.has(Kind::Created) {
        add(&mut text, &HELD);
    }
    if shape.has(Kind::Changed) {
        add(&mut text, &EMPTIED);
        add(&mut text, &DROPPED);
        add(&mut text, &DONE);
    }
    if shape.has(Kind::Refunds) {
        add(&mut text, &ASKED);
        add(&mut text, &SETTLED);
    }
    if shape.has(Kind::Told) {
        add(&mut text, &BOOKED);
        add(&mut text, &QUEUED);
    }
    if shape.has(Kind::Attempted) {
        add(&mut text, &RECORDED);
    }
    text.push(' ');
    text.push_str(if shape.has_payments() { "SELECT id FROM changed" } else { NONE_CHANGED });
    month.named(&text)
}
