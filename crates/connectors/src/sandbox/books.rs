//! The sandbox bank's books in SQLite, open for writing. Several processes of one host may write
//! them at once: each batch is one transaction that takes the write lock before it reads.

use super::cards::{Answer, NEW_CODES_AT_MOST, WRONG_CODES_AT_MOST};
use super::order_books;
use super::orders::Order;
use super::rules::{self, Call, Kind, Refusal, Standing, Verdict, Wish};
use domain::id::PaymentId;
use domain::method::CustomerStep;
use domain::terminal::Capture;
use domain::time::Timestamp;
use engine::batch::Sink;
use engine::ports::{CounterOrder, CounterStanding};
use rusqlite::{
    Connection, ErrorCode, OptionalExtension, Row, Transaction, TransactionBehavior, params,
};
use std::path::Path;
use std::time::Duration;

/// Older SQLite may corrupt a WAL database that two connections write (fixed in 3.51.3).
const OLDEST_SQLITE: i32 = 3_051_003;
/// The version that this program writes; it reads those before, too.
pub(super) const SCHEMA_VERSION: i64 = 3;
/// How long SQLite waits for another process that writes. All tries of a call and of one that was
/// queued before it must end before `domain::schedule::SENDING_IS_ASKED_AFTER`.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(2);
/// How often that wait is begun. SQLite does not queue those who wait, and gives up at once where
/// it sees two that wait for each other, as when both make a new file.
pub(super) const TRIES: u32 = 2;

/// The bank's books cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// SQLite said no.
    #[error("the sandbox bank's books: {0}")]
    Database(#[from] rusqlite::Error),
    /// The writer thread could not be started.
    #[error("the sandbox bank's writer: {0}")]
    Thread(#[from] std::io::Error),
    /// SQLite is too old to be trusted with a WAL.
    #[error("SQLite {0} is older than 3.51.3")]
    OldSqlite(&'static str),
    /// The file was written by another version of this program.
    #[error(
        "the sandbox bank's books have schema version {0}, and this program knows 1 to 3: use the \
         version of tollgate that wrote them, or move the file away to begin new books"
    )]
    SchemaVersion(i64),
    /// The books were written by an older version, and are opened for reading only.
    #[error("the sandbox bank's books are of an older release: start the gateway once")]
    OlderBooks,
    /// The file system cannot hold a write-ahead log.
    #[error("the sandbox bank's books are in journal mode {0} and not in WAL")]
    JournalMode(String),
}

/// The number of a line in the books, and what the bank decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) number: i64,
    pub(super) answer: Answer,
    /// What the bank says it took of an order.
    pub(super) reports_minor: Option<i64>,
}

/// How often a payment's customer gave a wrong code, and asked for a new one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct CodeCounts {
    pub(super) wrong: u32,
    pub(super) new: u32,
}

/// What the books are asked for. Questions stand in the same queue as entries, so that each sees
/// all that was answered before it was asked.
#[derive(Debug)]
pub(super) enum Job {
    Enter(Call),
    Place(Box<Order>),
    LookUp {
        our_reference: String,
        now: Timestamp,
    },
    /// The order at the counter, after this answer of its customer's, if there is one.
    Counter {
        our_reference: String,
        answer: Option<Answer>,
        now: Timestamp,
    },
    WrongCode {
        payment: PaymentId,
    },
    NewCode {
        payment: PaymentId,
    },
    CountCodes {
        payment: PaymentId,
    },
}

#[derive(Debug)]
pub(super) enum Reply {
    Line(Line),
    NoLine,
    /// An order that is not decided.
    Open {
        step: Option<CustomerStep>,
        is_silent: bool,
    },
    /// An order about which the bank has decided by itself; it is written when the counter asks.
    Due,
    /// None when there is no such order.
    Counter(Option<CounterOrder>),
    /// A line that this program cannot read; it concerns whoever asked for it alone.
    Unreadable(String),
    Codes(CodeCounts),
    /// Another process kept the books for too long; nothing was written.
    Busy,
}

/// The books, open for writing.
#[derive(Debug)]
pub(super) struct Books {
    connection: Connection,
}

impl Books {
    pub(super) fn open(path: &Path) -> Result<Self, SandboxError> {
        if rusqlite::version_number() < OLDEST_SQLITE {
            return Err(SandboxError::OldSqlite(rusqlite::version()));
        }
        let connection = Connection::open(path)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        let to_wal =
            || connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get::<_, String>(0));
        let mode = patiently(to_wal)?;
        if mode != "wal" {
            return Err(SandboxError::JournalMode(mode));
        }
        connection.pragma_update(None, "synchronous", "FULL")?;
        let creation = begin(&connection, TransactionBehavior::Immediate)?;
        match schema_version(&creation)? {
            0 => creation.execute_batch(include_str!("schema.sql"))?,
            version @ (1 | 2) => {
                creation.execute_batch(SET_CHALLENGES_ASIDE)?;
                if version == 1 {
                    creation.execute_batch(SET_VERSION_1_ASIDE)?;
                }
                creation.execute_batch(include_str!("schema.sql"))?;
                if version == 1 {
                    creation.execute_batch(COPY_VERSION_1)?;
                }
                creation.execute_batch(COPY_CHALLENGES)?;
            }
            SCHEMA_VERSION => {}
            other => return Err(SandboxError::SchemaVersion(other)),
        }
        creation.commit()?;
        Ok(Self { connection })
    }

    #[cfg(test)]
    pub(super) fn set_patience(&self, patience: Duration) {
        self.connection.busy_timeout(patience).unwrap();
    }

    fn write_all(&self, jobs: &[Job]) -> rusqlite::Result<Vec<Reply>> {
        // Questions alone need no lock, and no sync.
        let behaviour = if jobs.iter().any(Job::writes) {
            TransactionBehavior::Immediate
        } else {
            TransactionBehavior::Deferred
        };
        let batch = match begin(&self.connection, behaviour) {
            Err(error) if is_busy(&error) => return Ok(jobs.iter().map(|_| Reply::Busy).collect()),
            begun => begun?,
        };
        let replies = jobs.iter().map(|job| job.run(&batch)).collect::<Result<_, _>>()?;
        batch.commit()?;
        Ok(replies)
    }
}

impl Sink for Books {
    type Job = Job;
    type Reply = Reply;

    fn write(&mut self, jobs: &mut Vec<Job>) -> Result<Vec<Reply>, String> {
        self.write_all(jobs).map_err(|error| format!("the sandbox bank's books: {error}"))
    }
}

impl Job {
    const fn writes(&self) -> bool {
        match self {
            Self::Enter(_)
            | Self::Place(_)
            | Self::Counter { .. }
            | Self::WrongCode { .. }
            | Self::NewCode { .. } => true,
            Self::LookUp { .. } | Self::CountCodes { .. } => false,
        }
    }

    fn run(&self, batch: &Transaction<'_>) -> rusqlite::Result<Reply> {
        match self {
            Self::Enter(call) => enter(batch, call),
            Self::Place(order) => place(batch, order),
            Self::LookUp { our_reference, now } => look_up(batch, our_reference, *now),
            Self::Counter { our_reference, answer, now } => {
                counter(batch, our_reference, *answer, *now)
            }
            Self::WrongCode { payment } => {
                add_code(batch, ADD_WRONG_CODE, *payment, WRONG_CODES_AT_MOST)
            }
            Self::NewCode { payment } => add_code(batch, ADD_NEW_CODE, *payment, NEW_CODES_AT_MOST),
            Self::CountCodes { payment } => codes(batch, *payment),
        }
    }
}

fn begin(
    connection: &Connection,
    behaviour: TransactionBehavior,
) -> rusqlite::Result<Transaction<'_>> {
    patiently(|| Transaction::new_unchecked(connection, behaviour))
}

fn patiently<T>(attempt: impl Fn() -> rusqlite::Result<T>) -> rusqlite::Result<T> {
    let mut result = attempt();
    for _more in 1..TRIES {
        match result {
            Err(error) if is_busy(&error) => result = attempt(),
            other => return other,
        }
    }
    result
}

fn is_busy(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
}

pub(super) fn schema_version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("PRAGMA user_version", [], |row| row.get(0))
}

const SET_CHALLENGES_ASIDE: &str = "ALTER TABLE challenge RENAME TO challenge_before;";

const COPY_CHALLENGES: &str = "INSERT INTO challenge (payment, wrong_codes)
     SELECT payment, wrong_codes FROM challenge_before;
     DROP TABLE challenge_before;";

const SET_VERSION_1_ASIDE: &str = "ALTER TABLE journal RENAME TO journal_1;
     DROP INDEX journal_our_reference;";

/// Of the lines of one reference, the first one that took money counts, as it did in version 1.
const COPY_VERSION_1: &str = "INSERT INTO journal (id, our_reference, repeat, trans_id, kind,
            capture, amount_minor, currency, result, status_code, at)
     SELECT id, our_reference,
            row_number() OVER (PARTITION BY our_reference ORDER BY result, id) - 1, trans_id, kind,
            CASE kind WHEN 'authorisation' THEN 'automatic' END, amount_minor, currency, result,
            status_code, at
     FROM journal_1 ORDER BY id;
     DROP TABLE journal_1;";

/// The line of this reference; `substr` is how the index finds it.
const COUNT_CALL: &str = "UPDATE journal SET times_asked = times_asked + 1
     WHERE substr(our_reference, 7) = substr(?1, 7) AND our_reference = ?1 AND repeat = 0
     RETURNING id, status_code, kind, trans_id, original, capture, amount_minor, currency";

/// What the bank answers to a call, and its line. One that came before gets its first answer.
fn enter(batch: &Transaction<'_>, call: &Call) -> rusqlite::Result<Reply> {
    if let Some(before) = again(batch, call)? {
        return Ok(before);
    }
    let original = match call.wish.original() {
        None => None,
        Some(original) => match original_of(batch, call, original)? {
            Ok(standing) => standing,
            Err(unreadable) => return Ok(Reply::Unreadable(unreadable)),
        },
    };
    let reversed_before = approved_after(batch, &call.our_reference, Kind::Reversal)?.is_some();
    let verdict = rules::decide(call, original.as_ref(), reversed_before);
    insert_line(batch, call, &verdict, 1).map(Reply::Line)
}

/// The first answer to a call that has a line already, counted.
fn again(batch: &Transaction<'_>, call: &Call) -> rusqlite::Result<Option<Reply>> {
    let before = batch
        .prepare_cached(COUNT_CALL)?
        .query_row([&call.our_reference], |row| Ok((line_of(row)?, is_same(row, call)?)))
        .optional()?;
    Ok(match before {
        Some((Reply::Line(line), false)) => Some(reference_used(line.number)),
        Some((reply, _)) => Some(reply),
        None => None,
    })
}

const fn reference_used(number: i64) -> Reply {
    let answer = Answer::Refuse(Refusal::ReferenceUsed);
    Reply::Line(Line { number, answer, reports_minor: None })
}

/// How the call stands that another one follows. An open order that is reversed is decided by
/// that: its customer cannot pay it any more.
fn original_of(
    batch: &Transaction<'_>,
    call: &Call,
    original: &str,
) -> rusqlite::Result<Result<Option<Standing>, String>> {
    let found = standing(batch, original)?;
    if !matches!(found, Ok(None)) || call.wish.kind() != Kind::Reversal {
        return Ok(found);
    }
    let order = match order_books::find(batch, original)? {
        Ok(Some(order)) => order,
        Ok(None) => return Ok(Ok(None)),
        Err(unreadable) => return Ok(Err(unreadable)),
    };
    if order.order.payment != call.payment {
        return Ok(Ok(Some(order.standing())));
    }
    order.decide(batch, Some(Answer::Refuse(Refusal::Reversed)), call.at)?;
    standing(batch, original)
}

/// Takes an order, and says how it stands.
fn place(batch: &Transaction<'_>, order: &Order) -> rusqlite::Result<Reply> {
    let (our_reference, now) = (&order.our_reference, order.placed_at);
    if let Some(Reply::Line(Line { answer: Answer::Refuse(Refusal::ReferenceUsed), .. })) =
        again(batch, &order.call(Answer::Approve, now))?
    {
        return Ok(reference_used(0));
    }
    let before = match order_books::find(batch, our_reference)? {
        Ok(before) => before,
        Err(unreadable) => return Ok(Reply::Unreadable(unreadable)),
    };
    if !order_books::place(batch, before.as_ref(), order)? {
        return Ok(reference_used(0));
    }
    let reversed_before = approved_after(batch, our_reference, Kind::Reversal)?.is_some();
    if before.is_none()
        && reversed_before
        && let Ok(Some(placed)) = order_books::find(batch, our_reference)?
    {
        placed.decide(batch, Some(Answer::Refuse(Refusal::Reversed)), now)?;
    }
    look_up(batch, our_reference, now)
}

/// The order as its customer sees it, after this answer. One that is decided stays so.
fn counter(
    batch: &Transaction<'_>,
    our_reference: &str,
    answer: Option<Answer>,
    now: Timestamp,
) -> rusqlite::Result<Reply> {
    let placed = match order_books::find(batch, our_reference)? {
        Ok(Some(placed)) => placed,
        Ok(None) => return Ok(Reply::Counter(None)),
        Err(unreadable) => return Ok(Reply::Unreadable(unreadable)),
    };
    let mut line = standing(batch, our_reference)?;
    if matches!(line, Ok(None)) {
        placed.decide(batch, answer, now)?;
        line = standing(batch, our_reference)?;
    }
    let standing = match line {
        Ok(None) => CounterStanding::Open,
        Ok(Some(line)) if line.approved && !line.reversed => CounterStanding::Paid,
        Ok(Some(_refused)) => CounterStanding::Refused,
        Err(unreadable) => return Ok(Reply::Unreadable(unreadable)),
    };
    Ok(Reply::Counter(Some(placed.order.at_counter(standing))))
}

/// Whether the line in the row was made by this very call. A reversal's line has the amount that
/// was undone, not the one it was asked with.
fn is_same(row: &Row<'_>, call: &Call) -> rusqlite::Result<bool> {
    let text = |column: usize| row.get::<_, Option<String>>(column);
    let amount = (row.get(6)?, text(7)?);
    let asked = (call.amount.minor(), Some(call.amount.currency().code().to_owned()));
    let same_amount = matches!(call.wish, Wish::Reverse { .. }) || amount == asked;
    Ok(same_amount
        && text(2)?.as_deref() == Some(call.wish.kind().name())
        && text(3)? == Some(call.payment.to_string())
        && text(4)?.as_deref() == call.wish.original()
        && text(5)?.as_deref() == call.wish.capture().map(Capture::name))
}

/// Writes the line of a call that arrived so often.
pub(super) fn insert_line(
    batch: &Transaction<'_>,
    call: &Call,
    verdict: &Verdict,
    times_asked: i64,
) -> rusqlite::Result<Line> {
    let result = match verdict.answer {
        Answer::Approve => "approved",
        Answer::Decline(_) | Answer::Refuse(_) => "declined",
    };
    batch
        .prepare_cached(
            "INSERT INTO journal (our_reference, trans_id, kind, original, capture, amount_minor,
                                  currency, result, status_code, at, times_asked)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        )?
        .execute(params![
            call.our_reference,
            call.payment.to_string(),
            call.wish.kind().name(),
            call.wish.original(),
            call.wish.capture().map(Capture::name),
            verdict.amount_minor,
            verdict.currency,
            result,
            verdict.answer.status_code(),
            call.at.micros(),
            times_asked,
        ])?;
    let number = batch.last_insert_rowid();
    Ok(Line { number, answer: verdict.answer, reports_minor: None })
}

const LOOK_UP: &str = "SELECT id, status_code, kind, result FROM journal
     WHERE substr(our_reference, 7) = substr(?1, 7) AND our_reference = ?1 AND repeat = 0";

/// What became of the call with this reference. One that was undone since took no money, whatever
/// was answered to it at first.
fn look_up(
    batch: &Transaction<'_>,
    our_reference: &str,
    now: Timestamp,
) -> rusqlite::Result<Reply> {
    let found = batch
        .prepare_cached(LOOK_UP)?
        .query_row([our_reference], |row| Ok((line_of(row)?, row.get::<_, String>(2)?)))
        .optional()?;
    let Some((reply, kind)) = found else { return look_up_order(batch, our_reference, now) };
    let Reply::Line(line) = reply else { return Ok(reply) };
    if line.answer != Answer::Approve || kind != Kind::Authorisation.name() {
        return Ok(Reply::Line(line));
    }
    if approved_after(batch, our_reference, Kind::Reversal)?.is_some() {
        let answer = Answer::Refuse(Refusal::Reversed);
        return Ok(Reply::Line(Line { answer, ..line }));
    }
    let reports_minor = order_books::reports(batch, our_reference)?;
    Ok(Reply::Line(Line { reports_minor, ..line }))
}

fn look_up_order(
    batch: &Transaction<'_>,
    our_reference: &str,
    now: Timestamp,
) -> rusqlite::Result<Reply> {
    Ok(match order_books::find(batch, our_reference)? {
        Ok(None) => Reply::NoLine,
        Ok(Some(placed)) if placed.is_due(now) => Reply::Due,
        Ok(Some(order_books::Placed { order: Order { step, is_silent, .. }, .. })) => {
            Reply::Open { step, is_silent }
        }
        Err(unreadable) => Reply::Unreadable(unreadable),
    })
}

/// The line in a row that begins with its number and its status code.
fn line_of(row: &Row<'_>) -> rusqlite::Result<Reply> {
    let number = row.get(0)?;
    Ok(match Answer::from_status_code(&row.get::<_, String>(1)?) {
        Some(answer) => Reply::Line(Line { number, answer, reports_minor: None }),
        None => Reply::Unreadable(format!("journal.status_code of line {number} is unknown")),
    })
}

const STANDING: &str = "SELECT id, kind, trans_id, capture, amount_minor, currency, result
     FROM journal
     WHERE substr(our_reference, 7) = substr(?1, 7) AND our_reference = ?1 AND repeat = 0";

/// How a call stands that another one follows; an error when this program cannot read its line.
fn standing(
    batch: &Transaction<'_>,
    our_reference: &str,
) -> rusqlite::Result<Result<Option<Standing>, String>> {
    let found = batch
        .prepare_cached(STANDING)?
        .query_row([our_reference], |row| {
            let number: i64 = row.get(0)?;
            let Some(kind) = Kind::from_name(&row.get::<_, String>(1)?) else {
                return Ok(Err(format!("journal.kind of line {number} is unknown")));
            };
            Ok(Ok(Standing {
                kind,
                trans_id: row.get(2)?,
                capture: row.get::<_, Option<String>>(3)?.as_deref().and_then(Capture::from_name),
                amount_minor: row.get(4)?,
                currency: row.get(5)?,
                approved: row.get::<_, String>(6)? == "approved",
                captured_minor: None,
                refunded_minor: 0,
                reversed: false,
            }))
        })
        .optional()?;
    let line = match found {
        None => return Ok(Ok(None)),
        Some(Err(unreadable)) => return Ok(Err(unreadable)),
        Some(Ok(line)) => line,
    };
    Ok(Ok(Some(Standing {
        captured_minor: approved_after(batch, our_reference, Kind::Capture)?,
        refunded_minor: approved_after(batch, our_reference, Kind::Refund)?.unwrap_or(0),
        reversed: approved_after(batch, our_reference, Kind::Reversal)?.is_some(),
        ..line
    })))
}

const APPROVED_AFTER: &str = "SELECT sum(amount_minor) FROM journal
     WHERE substr(original, 7) = substr(?1, 7) AND original = ?1 AND kind = ?2
       AND result = 'approved'";

/// The amount of all approved calls of a kind that followed this one; none when there was none.
fn approved_after(
    batch: &Transaction<'_>,
    original: &str,
    kind: Kind,
) -> rusqlite::Result<Option<i64>> {
    batch
        .prepare_cached(APPROVED_AFTER)?
        .query_row(params![original, kind.name()], |row| row.get(0))
}

const ADD_WRONG_CODE: &str = "INSERT INTO challenge (payment, wrong_codes) VALUES (?1, 1)
     ON CONFLICT (payment) DO UPDATE SET wrong_codes = wrong_codes + 1 WHERE wrong_codes < ?2";

const ADD_NEW_CODE: &str = "INSERT INTO challenge (payment, new_codes) VALUES (?1, 1)
     ON CONFLICT (payment) DO UPDATE SET new_codes = new_codes + 1 WHERE new_codes < ?2";

fn add_code(
    batch: &Transaction<'_>,
    statement: &str,
    payment: PaymentId,
    most: u32,
) -> rusqlite::Result<Reply> {
    batch.prepare_cached(statement)?.execute(params![payment.stored(), most])?;
    codes(batch, payment)
}

fn codes(batch: &Transaction<'_>, payment: PaymentId) -> rusqlite::Result<Reply> {
    let counts = |row: &Row<'_>| Ok(CodeCounts { wrong: row.get(0)?, new: row.get(1)? });
    let found = batch
        .prepare_cached("SELECT wrong_codes, new_codes FROM challenge WHERE payment = ?1")?
        .query_row([payment.stored()], counts)
        .optional()?;
    Ok(Reply::Codes(found.unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commits_are_synced_and_questions_use_the_indexes() {
        let folder = tempfile::TempDir::new().unwrap();
        let Books { connection } = Books::open(&folder.path().join("bank.db")).unwrap();
        let pragma = |name: &str| -> i64 {
            connection.query_row(&format!("PRAGMA {name}"), [], |row| row.get(0)).unwrap()
        };
        // 2 is FULL: the log is synced at each commit.
        assert_eq!((pragma("synchronous"), pragma("busy_timeout")), (2, 2000));
        let plan = |question: &str| -> String {
            let mut explained =
                connection.prepare(&format!("EXPLAIN QUERY PLAN {question}")).unwrap();
            let values = rusqlite::params_from_iter((0..explained.parameter_count()).map(|_| "x"));
            explained.query_row(values, |row| row.get(3)).unwrap()
        };
        for question in [LOOK_UP, COUNT_CALL, STANDING] {
            let plan = plan(question);
            let by_reference = "SEARCH journal USING INDEX journal_our_reference (<expr>=? AND our_reference=? AND repeat=?)";
            assert_eq!(plan, by_reference);
        }
        for question in [order_books::ORDER, order_books::REPORTS, order_books::COUNT_ORDER] {
            let plan = plan(question);
            let by_reference = "SEARCH bank_order USING INDEX bank_order_our_reference (<expr>=? AND our_reference=?)";
            assert_eq!(plan, by_reference);
        }
        let plan = plan(APPROVED_AFTER);
        assert!(plan.starts_with("SEARCH journal USING INDEX journal_original"), "{plan}");
    }
}
