//! The writer: hundreds of changesets in one transaction with one fsync, each with a reply of its
//! own. A changeset that is refused with some of its rows written (rare: nearly all refuse at
//! their first row) makes the batch start again with a savepoint for each.

use super::recent::{Moment, Recent};
use super::rows::{
    CardRow, EventRow, PaymentRow, RareRows, RefundRow, Rows, TerminalRow, UpdateRow,
};
use super::statements::Statements;
use super::{archive, deliveries};
use crate::audit_chain::AuditKey;
use domain::ledger::{Account, Posting};
use domain::merchant::Merchant;
use domain::payment::Payment;
use domain::text::{Reference, RefundReason};
use domain::time::Timestamp;
use engine::batch::Sink;
use engine::changeset::{CardChange, IdempotencyChange, StoredAnswer};
use engine::crash_point::crash_point;
use engine::error::{CommitError, KeyInUse};
use rusqlite::{Connection, OptionalExtension, Params, TransactionBehavior};
use std::sync::Arc;
use std::time::Duration;

/// One piece of work for the writer.
pub(super) enum Job {
    /// A command's rows.
    Commit(Box<Rows>),
    /// Move the WAL into the database and empty it, if nothing was written since the last time.
    EmptyWalIfIdle,
    /// Nothing to do: what is no longer remembered, to be freed with the batch.
    Free { _payments: Vec<Arc<Payment>> },
}

impl Job {
    /// The payment as it stands after the command.
    fn payment(&self) -> Option<&Arc<Payment>> {
        match self {
            Self::Commit(rows) => rows.payment.as_ref().map(PaymentRow::payment),
            Self::EmptyWalIfIdle | Self::Free { .. } => None,
        }
    }
}

/// The one connection that writes.
pub(super) struct Writer {
    connection: Connection,
    /// Whether the WAL may hold anything, and whether something was written since the last look.
    wal: Wal,
    audit_key: AuditKey,
    recent: Arc<Recent>,
    /// After the last batch, unless others may have written at the same time.
    moment: Option<Moment>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Wal {
    Empty,
    Used,
    /// Used, but nothing was written since the last look.
    Idle,
}

impl Writer {
    pub(super) const fn new(
        connection: Connection,
        audit_key: AuditKey,
        recent: Arc<Recent>,
    ) -> Self {
        Self { connection, wal: Wal::Idle, audit_key, recent, moment: None }
    }

    fn without_waiting<T>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        self.connection.busy_timeout(Duration::ZERO)?;
        let result = work(&self.connection);
        self.connection.busy_timeout(super::BUSY_TIMEOUT)?;
        result
    }

    /// Remembers payments as they stand after a batch, or after the log was emptied: after so many
    /// commits since `before`, at most one. Where there were more, somebody else's came right behind.
    /// Returns what is no longer remembered.
    fn remember<'a>(
        &mut self,
        before: Option<Moment>,
        commits: u32,
        payments: impl Iterator<Item = &'a Arc<Payment>>,
    ) -> Vec<Arc<Payment>> {
        let is_ours = |now: &Moment| {
            before.is_some_and(|before| *now == before || now.commits_since(&before) == commits)
        };
        let moment = self.recent.moment().filter(is_ours);
        // Nobody else wrote between the last batch and this one.
        let follows = before.is_some() && before == self.moment;
        self.moment = moment;
        self.recent.remember(moment, follows, payments)
    }

    fn look_at_wal(&mut self) {
        let before = self.recent.moment();
        self.wal = match self.wal {
            Wal::Empty => Wal::Empty,
            Wal::Used => Wal::Idle,
            Wal::Idle => {
                // Readers of another process may be in the way; then the next look does it,
                // and nobody waits meanwhile.
                let emptied = self.without_waiting(|connection| {
                    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| {
                        row.get::<_, i64>(0)
                    })
                });
                if matches!(emptied, Ok(0)) { Wal::Empty } else { Wal::Idle }
            }
        };
        let _freed_here = self.remember(before, 0, std::iter::empty());
    }
}

impl Sink for Writer {
    type Job = Job;
    type Reply = Result<(), CommitError>;

    fn write(&mut self, jobs: &mut Vec<Job>) -> Result<Vec<Self::Reply>, String> {
        if jobs.iter().all(|job| matches!(job, Job::EmptyWalIfIdle)) {
            self.look_at_wal();
            return Ok(jobs.iter().map(|_job| Ok(())).collect());
        }
        self.wal = Wal::Used;
        crash_point("store.before_write");
        let Batch { replies, before, changed } = match self.write_batch(jobs, Undo::None) {
            Err(BatchError::NeedsSavepoints) => self.write_batch(jobs, Undo::Savepoints),
            written @ (Ok(_) | Err(BatchError::Broken(_))) => written,
        }
        .map_err(|error| match error {
            BatchError::NeedsSavepoints => "a savepoint did not help".to_owned(),
            BatchError::Broken(error) => error.to_string(),
        })?;
        let written = jobs.iter().zip(&replies).filter(|(_job, reply)| reply.is_ok());
        let payments = written.filter_map(|(job, _reply)| job.payment());
        let gone = self.remember(before, u32::from(changed), payments);
        jobs.push(Job::Free { _payments: gone });
        Ok(replies)
    }
}

/// How a refused command's rows are taken back.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Undo {
    /// A command refuses before it writes, as a rule, so that there is nothing to take back. A
    /// savepoint would copy every page it touches.
    None,
    /// Each command in a savepoint of its own.
    Savepoints,
}

/// A batch that was written.
struct Batch {
    replies: Vec<Result<(), CommitError>>,
    /// The moment at which it began; none when it was not told.
    before: Option<Moment>,
    /// Whether it wrote any row.
    changed: bool,
}

/// Why a batch was not written; none of it was.
enum BatchError {
    /// A command was refused after it had written something.
    NeedsSavepoints,
    /// SQLite failed.
    Broken(rusqlite::Error),
}

impl From<rusqlite::Error> for BatchError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Broken(error)
    }
}

impl Writer {
    fn write_batch(&mut self, jobs: &[Job], undo: Undo) -> Result<Batch, BatchError> {
        let begun = self.connection.transaction_with_behavior(TransactionBehavior::Immediate);
        let transaction = match begun {
            Ok(transaction) => transaction,
            // Another process holds the lock for long. Nothing was written and nothing broke.
            Err(error) if error.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseBusy) => {
                let replies = jobs.iter().map(|_job| Err(CommitError::Busy)).collect();
                return Ok(Batch { replies, before: None, changed: false });
            }
            Err(error) => return Err(error.into()),
        };
        // Nobody else writes from here to the commit. With savepoints rows may be counted as changed
        // that were taken back, so that it is not certain that there will be a commit of ours.
        let before = match undo {
            Undo::None => self.recent.moment(),
            Undo::Savepoints => None,
        };
        let changes = transaction.total_changes();
        let mut replies = Vec::with_capacity(jobs.len());
        let mut statements = Statements::new(&transaction);
        for job in jobs {
            replies.push(match (job, undo) {
                (Job::EmptyWalIfIdle | Job::Free { .. }, _) => Ok(()),
                (Job::Commit(rows), Undo::None) => {
                    in_the_open(&mut statements, &self.audit_key, rows)?
                }
                (Job::Commit(rows), Undo::Savepoints) => {
                    in_savepoint(&mut statements, &self.audit_key, rows)?
                }
            });
        }
        drop(statements);
        let changed = transaction.total_changes() != changes;
        crash_point("store.before_commit");
        transaction.commit()?;
        crash_point("store.after_commit");
        Ok(Batch { replies, before, changed })
    }
}

/// Why rows were not written: refused by a rule (the others of the batch go on), or broken.
pub(super) enum WriteError {
    Refused(CommitError),
    Broken(rusqlite::Error),
}

impl From<rusqlite::Error> for WriteError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Broken(error)
    }
}

pub(super) type Written = Result<(), WriteError>;

/// Where a payment and what hangs on it stand: `payments.place`.
pub(super) type Place = i64;

/// Writes a command's rows; leaves when it is refused with some of them written.
fn in_the_open(
    statements: &mut Statements<'_>,
    audit_key: &AuditKey,
    rows: &Rows,
) -> Result<Result<(), CommitError>, BatchError> {
    let before = statements.connection().total_changes();
    match write(statements, audit_key, rows) {
        Ok(()) => Ok(Ok(())),
        Err(WriteError::Refused(refusal)) if statements.connection().total_changes() == before => {
            Ok(Err(refusal))
        }
        Err(WriteError::Refused(_)) => Err(BatchError::NeedsSavepoints),
        Err(WriteError::Broken(error)) if is_constraint(&error) => Err(BatchError::NeedsSavepoints),
        Err(WriteError::Broken(error)) => Err(BatchError::Broken(error)),
    }
}

fn in_savepoint(
    statements: &mut Statements<'_>,
    audit_key: &AuditKey,
    rows: &Rows,
) -> Result<Result<(), CommitError>, BatchError> {
    statements.execute("SAVEPOINT command", [])?;
    let refusal = match write(statements, audit_key, rows) {
        Ok(()) => {
            statements.execute("RELEASE command", [])?;
            return Ok(Ok(()));
        }
        Err(WriteError::Refused(refusal)) => refusal,
        // A rule of the schema stopped it: a bug of ours, but no reason to stop the others.
        Err(WriteError::Broken(error)) if is_constraint(&error) => {
            tracing::error!(command = rows.name, %error, "the schema refused a changeset");
            CommitError::Unavailable(format!("{}: {error}", rows.name))
        }
        Err(WriteError::Broken(error)) => return Err(error.into()),
    };
    statements.execute("ROLLBACK TO command", [])?;
    statements.execute("RELEASE command", [])?;
    Ok(Err(refusal))
}

fn is_constraint(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(rusqlite::ErrorCode::ConstraintViolation)
}

pub(super) fn execute(
    connection: &Connection,
    sql: &str,
    params: impl Params,
) -> Result<usize, rusqlite::Error> {
    connection.prepare_cached(sql)?.execute(params)
}

fn write(statements: &mut Statements<'_>, audit_key: &AuditKey, rows: &Rows) -> Written {
    let place = match &rows.payment {
        Some(PaymentRow::Insert { payment, request, facts, details }) => {
            Some(insert_payment(statements, payment, request, facts, details.as_deref())?)
        }
        Some(PaymentRow::Update(update)) => Some(update_payment(statements, update)?),
        None => None,
    };
    if let Some(place) = place {
        write_beside_payment(statements, place, rows)?;
    }
    if place.is_none() {
        for delivery in &rows.deliveries {
            deliveries::insert_alone(statements, delivery)?;
        }
    }
    for attempted in &rows.attempted {
        deliveries::record_attempt(statements, attempted)?;
    }
    match &rows.rare {
        Some(rare) => write_rare(statements.connection(), audit_key, rare),
        None => Ok(()),
    }
}

fn write_rare(connection: &Connection, audit_key: &AuditKey, rows: &RareRows) -> Written {
    if let Some(resend) = &rows.resend {
        deliveries::resend(connection, resend)?;
    }
    if let Some(endpoint) = &rows.endpoint {
        deliveries::write_endpoint(connection, endpoint)?;
    }
    if let Some(health) = &rows.endpoint_health {
        deliveries::note_health(connection, health)?;
    }
    if let Some(change) = &rows.idempotency {
        change_idempotency(connection, change)?;
    }
    if let Some(merchant) = &rows.merchant {
        insert_merchant(connection, merchant)?;
    }
    if let Some(terminal) = &rows.terminal {
        write_terminal(connection, terminal)?;
    }
    if let Some(change) = &rows.bank_message {
        super::bank_messages::change(connection, change)?;
    }
    for row in &rows.desk {
        super::desks::write(connection, row)?;
    }
    if let Some(line) = &rows.audit {
        super::audit::insert(connection, audit_key, line)?;
    }
    Ok(())
}

/// The rows that hang on the payment at this place.
fn write_beside_payment(statements: &mut Statements<'_>, place: Place, rows: &Rows) -> Written {
    if let Some(event) = &rows.event {
        let shared = rows.payment.as_ref().map_or("", PaymentRow::facts);
        insert_event(statements, place, event, shared)?;
    }
    if let Some(card) = &rows.card {
        change_card(statements, place, card)?;
    }
    if let Some(refund) = &rows.refund {
        write_refund(statements, place, refund)?;
    }
    for posting in &rows.postings {
        insert_posting(statements, place, posting)?;
    }
    for delivery in &rows.deliveries {
        deliveries::insert(statements, place, delivery)?;
    }
    Ok(())
}

fn insert_payment(
    statements: &mut Statements<'_>,
    payment: &Payment,
    request: &str,
    facts: &str,
    details: Option<&str>,
) -> Result<Place, WriteError> {
    if archive::has_attempt(statements, payment)? {
        return Err(WriteError::Refused(CommitError::ReferenceTaken));
    }
    let card = payment.method.card.as_ref();
    let inserted = statements.execute(
        "INSERT INTO payments (id, merchant_id, ter_no, mode, reference, attempt, fingerprint, \
         amount_minor, currency, method, card_brand, card_first_six, card_last_four, \
         authentication, request, created_at, state, facts, version, notices, due_at, capture, \
         details, captured_minor, refunded_minor, refunding_minor) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, \
         ?18, ?19, ?20, ?21, ?22, ?23, 0, 0, 0) ON CONFLICT DO NOTHING",
        rusqlite::params![
            payment.id.stored(),
            payment.merchant.0,
            payment.terminal.0,
            payment.mode.name(),
            payment.reference.as_str(),
            payment.attempt,
            &payment.fingerprint.0,
            payment.amount.minor(),
            payment.amount.currency().code(),
            payment.method.code.code(),
            card.map(|card| card.brand.name()),
            card.map(|card| &card.first_six),
            card.map(|card| &card.last_four),
            payment.authentication.name(),
            request,
            payment.created_at.micros(),
            payment.state.name(),
            facts,
            payment.version,
            payment.notices,
            payment.due_at.map(Timestamp::micros),
            payment.capture.name(),
            details,
        ],
    )?;
    if inserted == 1 {
        return Ok(statements.connection().last_insert_rowid());
    }
    let number_taken = statements.first(
        "SELECT 1 FROM payments WHERE id = ?1",
        [payment.id.stored()],
        |_row| Ok(()),
    )?;
    Err(WriteError::Refused(if number_taken.is_some() {
        CommitError::NumberTaken
    } else {
        CommitError::ReferenceTaken
    }))
}

fn update_payment(
    statements: &mut Statements<'_>,
    update: &UpdateRow,
) -> Result<Place, WriteError> {
    let payment = &update.payment;
    // Found first: an UPDATE with RETURNING would build a table for the one row that it tells of.
    let found: Option<Place> = statements.first(
        "SELECT place FROM payments WHERE id = ?1 AND version = ?2",
        (payment.id.stored(), update.expected_version),
        |row| row.get(0),
    )?;
    let place = match found {
        Some(place) => place,
        None if archive::bring_back(statements.connection(), payment.id)? => {
            return update_payment(statements, update);
        }
        None => return Err(WriteError::Refused(CommitError::Stale("payment"))),
    };
    statements.execute(
        "UPDATE payments SET state = ?1, facts = ?2, version = ?3, notices = ?4, due_at = ?5, \
         captured_minor = ?6, refunded_minor = ?7, refunding_minor = ?8, details = ?9 \
         WHERE place = ?10",
        (
            payment.state.name(),
            &update.facts,
            payment.version,
            payment.notices,
            payment.due_at.map(Timestamp::micros),
            update.taken.captured_minor,
            update.taken.refunded_minor,
            update.taken.refunding_minor,
            &update.details,
            place,
        ),
    )?;
    Ok(place)
}

pub(super) fn one_or(changed: usize, refusal: CommitError) -> Written {
    if changed == 1 { Ok(()) } else { Err(WriteError::Refused(refusal)) }
}

fn insert_event(
    statements: &mut Statements<'_>,
    place: Place,
    row: &EventRow,
    shared: &str,
) -> Written {
    let event = &row.event;
    statements.execute(
        "INSERT INTO events (place, sequence, payment_id, merchant_id, at, kind, facts, refund) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        (
            place,
            event.sequence,
            event.payment.stored(),
            event.merchant.0,
            event.at.micros(),
            event.kind.name(),
            row.facts.as_deref().unwrap_or(shared),
            &row.refund,
        ),
    )?;
    Ok(())
}

fn change_card(statements: &mut Statements<'_>, place: Place, row: &CardRow) -> Written {
    match &row.change {
        CardChange::Hold(card) => {
            statements.execute(
                "INSERT INTO held_cards (place, payment_id, merchant_id, number, security_code, \
                 expiry_year, expiry_month) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                (
                    place,
                    row.payment.stored(),
                    row.merchant.0,
                    &card.number,
                    &card.security_code,
                    card.expiry.year,
                    card.expiry.month,
                ),
            )?;
        }
        CardChange::DropSecurityCode => {
            statements.execute(
                "UPDATE held_cards SET security_code = NULL \
                 WHERE place = ?1 AND security_code IS NOT NULL",
                [place],
            )?;
        }
        CardChange::Drop => {
            statements.execute("DELETE FROM held_cards WHERE place = ?1", [place])?;
        }
    }
    Ok(())
}

fn write_refund(statements: &mut Statements<'_>, place: Place, row: &RefundRow) -> Written {
    let refund = &row.refund;
    if row.is_new {
        statements.execute(
            "INSERT INTO refunds (place, number, payment_id, merchant_id, amount_minor, currency, \
             reference, reason, requested_at, state, facts) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
            (
                place,
                refund.number,
                refund.payment.stored(),
                refund.merchant.0,
                refund.amount.minor(),
                refund.amount.currency().code(),
                refund.reference.as_ref().map(Reference::as_str),
                refund.reason.as_ref().map(RefundReason::as_str),
                refund.requested_at.micros(),
                refund.state.name(),
                &row.facts,
            ),
        )?;
        return Ok(());
    }
    let changed = statements.execute(
        "UPDATE refunds SET state = ?1, facts = ?2 WHERE place = ?3 AND number = ?4",
        (refund.state.name(), &row.facts, place, refund.number),
    )?;
    one_or(changed, CommitError::Stale("refund"))
}

/// The number of an account in the chart of accounts.
pub(super) const fn account_number(account: Account) -> i64 {
    match account {
        Account::BankReceivable => 1,
        Account::MerchantPayable => 2,
        Account::Refunds => 3,
        Account::Fees => 4,
    }
}

fn insert_posting(statements: &mut Statements<'_>, place: Place, posting: &Posting) -> Written {
    statements.execute(
        "INSERT INTO postings (cause, cause_place, sequence, account, merchant_id, payment_id, \
         mode, currency, amount_minor, at) VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        (
            place,
            posting.sequence,
            account_number(posting.account),
            posting.merchant.0,
            posting.payment.stored(),
            posting.mode.name(),
            posting.currency.code(),
            posting.amount_minor,
            posting.at.micros(),
        ),
    )?;
    Ok(())
}

fn change_idempotency(connection: &Connection, change: &IdempotencyChange) -> Written {
    match change {
        IdempotencyChange::Begin { terminal, merchant, key, request, at, abandoned_before } => {
            let taken = execute(
                connection,
                "INSERT INTO idempotency_keys (ter_no, key, merchant_id, request, began_at) \
                 VALUES (?1, ?2, ?3, ?4, ?5) \
                 ON CONFLICT (ter_no, key) DO UPDATE SET began_at = excluded.began_at \
                 WHERE status IS NULL AND began_at < ?6 AND request = excluded.request",
                (terminal.0, key, merchant.0, request, at.micros(), abandoned_before.micros()),
            )?;
            if taken == 1 {
                return Ok(());
            }
            let used = connection
                .prepare_cached(
                    "SELECT request, status, body FROM idempotency_keys \
                     WHERE ter_no = ?1 AND key = ?2",
                )?
                .query_row((terminal.0, key), |row| {
                    let answer = row.get::<_, Option<u16>>(1)?.zip(row.get(2)?);
                    Ok(KeyInUse {
                        request: row.get(0)?,
                        answer: answer.map(|(status, body)| StoredAnswer { status, body }),
                    })
                })?;
            return Err(WriteError::Refused(CommitError::KeyInUse(used)));
        }
        IdempotencyChange::Finish { terminal, key, answer } => {
            execute(
                connection,
                "UPDATE idempotency_keys SET status = ?1, body = ?2 \
                 WHERE ter_no = ?3 AND key = ?4 AND status IS NULL",
                (answer.status, &answer.body, terminal.0, key),
            )?;
        }
        IdempotencyChange::Forget { terminal, key } => {
            execute(
                connection,
                "DELETE FROM idempotency_keys WHERE ter_no = ?1 AND key = ?2 AND status IS NULL",
                (terminal.0, key),
            )?;
        }
    }
    Ok(())
}

fn insert_merchant(connection: &Connection, merchant: &Merchant) -> Written {
    let inserted = execute(
        connection,
        "INSERT INTO merchants (id, name, active, approved, version, created_at) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING",
        (
            merchant.id.0,
            &merchant.name,
            merchant.active,
            merchant.approved,
            merchant.version,
            merchant.created_at.micros(),
        ),
    )?;
    one_or(inserted, CommitError::Exists("merchant"))
}

fn write_terminal(connection: &Connection, row: &TerminalRow) -> Written {
    let terminal = &row.terminal;
    let written = match row.expected_version {
        None => execute(
            connection,
            "INSERT INTO terminals (ter_no, merchant_id, name, mode, active, settings, \
             public_keys, sealed_secrets, version, created_at) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) ON CONFLICT DO NOTHING",
            (
                terminal.number.0,
                terminal.merchant.0,
                &terminal.name,
                terminal.mode.name(),
                terminal.active,
                &row.settings,
                &row.public_keys,
                &terminal.sealed_secrets,
                terminal.version,
                terminal.created_at.micros(),
            ),
        )?,
        Some(expected) => execute(
            connection,
            "UPDATE terminals SET name = ?1, active = ?2, settings = ?3, public_keys = ?4, \
             sealed_secrets = ?5, version = ?6 WHERE ter_no = ?7 AND version = ?8",
            (
                &terminal.name,
                terminal.active,
                &row.settings,
                &row.public_keys,
                &terminal.sealed_secrets,
                terminal.version,
                terminal.number.0,
                expected,
            ),
        )?,
    };
    let refusal = match row.expected_version {
        None => CommitError::Exists("terminal"),
        Some(_) => CommitError::Stale("terminal"),
    };
    one_or(written, refusal)?;
    execute(connection, "DELETE FROM terminal_keys WHERE ter_no = ?1", [terminal.number.0])?;
    for key in &terminal.public_keys {
        let owner: Option<i64> = connection
            .prepare_cached("SELECT ter_no FROM terminal_keys WHERE public_key = ?1")?
            .query_row([key], |row| row.get(0))
            .optional()?;
        if owner.is_some() {
            return Err(WriteError::Refused(CommitError::Exists("public key")));
        }
        execute(
            connection,
            "INSERT INTO terminal_keys (public_key, ter_no) VALUES (?1, ?2)",
            (key, terminal.number.0),
        )?;
    }
    Ok(())
}
