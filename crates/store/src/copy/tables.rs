//! The tables and their columns, as both databases have them.

use tokio_postgres::types::Type;

/// A table that is copied.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) name: &'static str,
    /// `name:kind` of each column, with `=expression` where SQLite has it otherwise.
    words: &'static str,
    /// Where SQLite has it, if not in the table of this name alone.
    from: &'static str,
    /// The columns that its rows are in order of.
    order: &'static str,
}

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Number,
    SmallNumber,
    Switch,
    Text,
    Bytes,
}

impl Kind {
    pub(super) const fn sent_as(self) -> Type {
        match self {
            Self::Number => Type::INT8,
            Self::SmallNumber => Type::INT4,
            Self::Switch => Type::BOOL,
            Self::Text => Type::TEXT,
            Self::Bytes => Type::BYTEA,
        }
    }
}

/// A column of the target.
#[derive(Clone, Copy, Debug)]
pub(super) struct Column {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    source: &'static str,
}

impl Table {
    pub(super) fn columns(&self) -> Vec<Column> {
        self.words.split_whitespace().map(column).collect()
    }

    pub(super) fn select_from_sqlite(&self) -> String {
        let sources: Vec<&str> = self.columns().iter().map(|column| column.source).collect();
        format!("SELECT {} FROM {} ORDER BY {}", sources.join(", "), self.from, self.order)
    }

    pub(super) fn select_from_postgres(&self) -> String {
        let column = |column: &Column| column.name;
        let names: Vec<&str> = self.columns().iter().map(column).collect();
        // Texts in the order of their bytes, as SQLite has them.
        let order: Vec<String> = self
            .order
            .split(", ")
            .map(|name| match name.strip_suffix(" COLLATE BINARY") {
                Some(text) => format!("{text} COLLATE \"C\""),
                None => name.to_owned(),
            })
            .collect();
        format!("SELECT {} FROM {} ORDER BY {}", names.join(", "), self.name, order.join(", "))
    }
}

fn column(word: &'static str) -> Column {
    let (left, source) = word.split_once('=').map_or((word, None), |(l, r)| (l, Some(r)));
    let (name, kind) = left.split_once(':').unwrap_or((left, "text"));
    let kind = match kind {
        "number" => Kind::Number,
        "small" => Kind::SmallNumber,
        "switch" => Kind::Switch,
        "bytes" => Kind::Bytes,
        _ => Kind::Text,
    };
    Column { name, kind, source: source.unwrap_or(name) }
}

const fn table(
    name: &'static str,
    from: &'static str,
    order: &'static str,
    words: &'static str,
) -> Table {
    Table { name, words, from, order }
}

/// Every table with rows of the gateway's, those that others point to first. `accounts` comes with
/// the schema, and `hour_keys` has no rows on SQLite.
pub(super) const TABLES: [Table; 21] = [
    table(
        "merchants",
        "merchants",
        "id",
        "id:number name active:switch approved:switch version:number created_at:number",
    ),
    table(
        "terminals",
        "terminals",
        "ter_no",
        "ter_no:number merchant_id:number name mode active:switch settings public_keys \
         sealed_secrets:bytes version:number created_at:number",
    ),
    table(
        "terminal_keys",
        "terminal_keys JOIN terminals USING (ter_no)",
        "public_key COLLATE BINARY",
        "public_key ter_no:number merchant_id:number",
    ),
    table(
        "payments",
        "payments",
        "id",
        "id:number merchant_id:number ter_no:number mode reference attempt:small \
         fingerprint:bytes amount_minor:number currency method card_brand card_first_six \
         card_last_four authentication capture request created_at:number state facts \
         captured_minor:number refunded_minor:number refunding_minor:number version:number \
         notices:small due_at:number details",
    ),
    table(
        "events",
        "events",
        "payment_id, sequence",
        "merchant_id:number payment_id:number sequence:number at:number kind facts refund",
    ),
    table(
        "held_cards",
        "held_cards",
        "payment_id",
        "merchant_id:number payment_id:number number:bytes security_code:bytes \
         expiry_year:small expiry_month:small",
    ),
    table(
        "refunds",
        "refunds",
        "payment_id, number",
        "merchant_id:number payment_id:number number:small amount_minor:number currency \
         reference reason requested_at:number state facts",
    ),
    table(
        "postings",
        "postings",
        "cause, payment_id, sequence, account",
        "merchant_id:number cause:small cause_id:number=payment_id sequence:number \
         account:small payment_id:number mode currency amount_minor:number at:number",
    ),
    table(
        "endpoints",
        "endpoints",
        "number",
        "merchant_id:number number:number ter_no:number mode url events description state \
         state_since:number failing_since:number sealed_secrets:bytes version:number \
         created_at:number",
    ),
    table(
        "deliveries",
        "deliveries",
        "payment_id, sequence, endpoint",
        "merchant_id:number payment_id:number sequence:small endpoint:number ter_no:number \
         event_type url destination:number content_type body created_at:number begun_at:number \
         state attempts:number next_at:number last_at:number last_took:number last_status:small \
         last_answer last_error",
    ),
    table(
        "delivery_attempts",
        "delivery_attempts",
        "payment_id, sequence, endpoint, at",
        "merchant_id:number payment_id:number sequence:small endpoint:number at:number \
         took:number status:small answer error",
    ),
    table(
        "idempotency_keys",
        "idempotency_keys",
        "ter_no, key COLLATE BINARY",
        "ter_no:number key merchant_id:number request:bytes began_at:number status:small body",
    ),
    table(
        "bank_messages",
        "bank_messages",
        "connector COLLATE BINARY, message COLLATE BINARY",
        "connector message received_at:number our_reference digest:bytes body \
         times_seen:number other_body handled_at:number heard",
    ),
    table(
        "audit_log",
        "audit_log",
        "id",
        "id:number at:number actor caller action result ter_no:number request_id detail \
         seal:bytes merchant_id:number user_id:number",
    ),
    table(
        "users",
        "users",
        "id",
        "id:number merchant_id:number email link:bytes facts version:number created_at:number",
    ),
    table(
        "sessions",
        "sessions",
        "digest",
        "digest:bytes user_id:number created_at:number seen_at:number proved_at:number caller \
         agent",
    ),
    table(
        "api_tokens",
        "api_tokens",
        "digest",
        "digest:bytes merchant_id:number user_id:number facts created_at:number \
         expires_at:number used_at:number",
    ),
    table("sign_in_tries", "sign_in_tries", "address", "address:bytes tries:number at:number"),
    table(
        "notes",
        "notes",
        "merchant_id, payment_id, at",
        "merchant_id:number payment_id:number at:number author text",
    ),
    table(
        "api_calls",
        "api_calls",
        "merchant_id, at, number",
        "merchant_id:number at:number number:number ter_no:number action status:small error \
         request_id caller took:number payment_id:number",
    ),
    table("audit_head", "audit_head", "one", "one:small lines:number last:bytes seal:bytes"),
];
