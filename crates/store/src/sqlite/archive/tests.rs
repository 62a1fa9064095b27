use super::*;
use crate::audit_chain::AuditKey;
use crate::sqlite::{Options, SqliteStore};
use domain::call::Word;
use domain::delivery::{
    Attempt, Attempted, DeliveryDetail, DeliveryFilter, DeliveryId, DeliveryRecord, NewDelivery,
    NextStep,
};
use domain::event::Event;
use domain::id::{MerchantId, TerminalNumber};
use domain::ledger::Balance;
use domain::outcome::{BankFacts, Outcome};
use domain::payment::{Changed, Payment};
use domain::refund::{Refund, RefundRequest};
use domain::terminal::Mode;
use engine::actor::Scope;
use engine::changeset::{Changeset, DeliveryKey, PaymentChange, Resend};
use engine::error::CommitError;
use engine::ports::PaymentsAsked;
use engine::ports::{Records, Store};
use engine::verify::{ArchiveWalk, Finding, Owners, judge};
use std::time::Duration;
use testkit::fixture;

fn year() -> Year {
    fixture::payment(1, "any").id.year()
}

struct Data {
    folder: tempfile::TempDir,
    store: SqliteStore,
}

impl Data {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&folder.path().join("tollgate.db"), options()).unwrap();
        Self { folder, store }
    }

    fn main(&self) -> PathBuf {
        self.folder.path().join("tollgate.db")
    }

    fn archive(&self) -> PathBuf {
        self.folder.path().join("archive-2025.db")
    }

    fn mover(&self) -> Mover {
        Mover::open(&self.main(), year()).unwrap()
    }

    /// Moves all that is finished; how many that were.
    fn move_all(&self) -> u64 {
        let mut mover = self.mover();
        let mut moved = 0;
        loop {
            let step = mover.step().unwrap();
            assert_eq!(step.differing, 0);
            moved += step.moved;
            if step.ended {
                mover.finish().unwrap();
                return moved;
            }
        }
    }

    async fn commit(&self, changed: Changed) -> Payment {
        let payment = changed.payment.clone();
        let notice = changed.notifies.then(|| NewDelivery {
            id: DeliveryId::own(payment.id, payment.notices),
            created_at: changed.event.at,
            ..fixture::delivery(&payment)
        });
        let mut changeset = Changeset::payment_changed("archives", changed);
        changeset.deliveries.extend(notice);
        self.store.commit(changeset).await.unwrap();
        payment
    }

    /// The payment's notices were tried: two failures and an acknowledgement of the last one.
    async fn deliver(&self, payment: &Payment) {
        let filter = DeliveryFilter { payment: Some(payment.id), ..DeliveryFilter::default() };
        for record in self.store.deliveries(filter, None, 100).await.unwrap() {
            for number in 1..=2 {
                let failed = number == 1;
                let at = fixture::now().plus(Duration::from_secs(number));
                let attempted = Attempted {
                    id: record.id,
                    merchant: payment.merchant,
                    attempts: u32::try_from(number).unwrap(),
                    attempt: Attempt {
                        at,
                        took: Duration::from_millis(3),
                        http_status: Some(if failed { 500 } else { 200 }),
                        answer: None,
                        error: failed.then(|| "answered 500".to_owned()),
                    },
                    next: if failed { NextStep::RetryAt(at) } else { NextStep::Delivered },
                };
                let attempted = vec![attempted];
                let changeset = Changeset { name: "attempt", attempted, ..Changeset::default() };
                self.store.commit(changeset).await.unwrap();
            }
        }
    }

    async fn paid(&self, draw: u64) -> Payment {
        let payment = fixture::payment(draw, &format!("archived {draw}"));
        self.store.commit(fixture::insert(&payment)).await.unwrap();
        let now = fixture::now();
        let sending = self.commit(payment.begin_sending(now).unwrap()).await;
        self.commit(sending.record(yes(), fixture::rules(), now).unwrap()).await
    }

    async fn finished(&self, draw: u64) -> Payment {
        let payment = self.paid(draw).await;
        self.deliver(&payment).await;
        payment
    }

    /// Refunds a part, as a gateway does: loads, decides, commits.
    async fn refund(&self, id: PaymentId) -> Payment {
        let now = fixture::now();
        let payment = self.store.payment(Scope::Everything, id).await.unwrap().unwrap();
        let refunds = self.store.refunds(id).await.unwrap();
        let request = RefundRequest { amount: fixture::usd("1.11"), reference: None, reason: None };
        let asked = payment.request_refund(&refunds, request, Duration::MAX, now).unwrap();
        let (payment, number) = (asked.changed.payment.clone(), asked.refund.number);
        self.store.commit(Changeset::refund_changed("archives", asked)).await.unwrap();
        let refunds = self.store.refunds(id).await.unwrap();
        let done = payment.record_refund(&refunds, number, yes(), fixture::rules(), now).unwrap();
        let payment = done.changed.payment.clone();
        let notice = done.changed.notifies.then(|| NewDelivery {
            id: DeliveryId::own(id, payment.notices),
            ..fixture::delivery(&payment)
        });
        let mut changeset = Changeset::refund_changed("archives", done);
        changeset.deliveries.extend(notice);
        self.store.commit(changeset).await.unwrap();
        payment
    }

    async fn proof(&self) -> Proof {
        let owners: Owners = [(TerminalNumber(42), (MerchantId(1), Mode::Test))].into();
        let mut proof = Proof::default();
        for range in self.store.history_ranges(2).await.unwrap() {
            let mut left = Some(range);
            while let Some(range) = left {
                let histories = self.store.histories(range, 3).await.unwrap();
                for history in &histories.read {
                    proof.payments += usize::from(history.payment.is_some());
                    proof.findings.extend(judge(history, &owners).findings);
                }
                left = histories.rest;
            }
        }
        for year in self.store.archived_years().await.unwrap() {
            let mut walk = ArchiveWalk::new(year);
            while walk.next.is_some() {
                walk = self.store.walk_archive(walk, 3).await.unwrap();
                for history in &walk.read {
                    proof.payments += usize::from(history.payment.is_some());
                    proof.findings.extend(judge(history, &owners).findings);
                }
                proof.findings.append(&mut walk.findings);
            }
        }
        proof
    }

    async fn assert_proven(&self, payments: usize) {
        let proof = self.proof().await;
        assert_eq!((proof.payments, proof.findings), (payments, vec![]));
    }

    async fn answers(&self, payment: &Payment) -> Answers {
        let (store, id) = (&self.store, payment.id);
        let filter = DeliveryFilter { payment: Some(id), ..DeliveryFilter::default() };
        let deliveries = store.deliveries(filter, None, 100).await.unwrap();
        let mut details = Vec::new();
        for delivery in &deliveries {
            details.push(store.delivery(delivery.id).await.unwrap());
        }
        Answers {
            payment: store.payment(Scope::Everything, id).await.unwrap(),
            of_another: store.payment(Scope::Merchant(MerchantId(2)), id).await.unwrap(),
            attempts: store.attempts(payment.terminal, &payment.reference).await.unwrap(),
            refunds: store.refunds(id).await.unwrap(),
            events: store.events(id).await.unwrap(),
            count: store.count_deliveries(filter).await.unwrap(),
            deliveries,
            details,
            history: format!("{:?}", store.history(id).await.unwrap()),
            balances: store.balances(Scope::Everything).await.unwrap(),
            postings: store.postings(Scope::Everything, None, 1000).await.unwrap().len(),
        }
    }
}

#[derive(Debug, Default)]
struct Proof {
    payments: usize,
    findings: Vec<Finding>,
}

/// All that a store says of a payment, and of its merchant's money.
#[derive(Debug, PartialEq)]
struct Answers {
    payment: Option<Payment>,
    of_another: Option<Payment>,
    attempts: Vec<Payment>,
    refunds: Vec<Refund>,
    events: Vec<Event>,
    count: u64,
    deliveries: Vec<DeliveryRecord>,
    details: Vec<Option<DeliveryDetail>>,
    history: String,
    balances: Vec<Balance>,
    postings: usize,
}

/// Behind the gateway's back.
fn tamper(file: &Path, sql: &str) {
    let raw = Connection::open(file).unwrap();
    raw.execute_batch(sql).unwrap();
    assert!(raw.total_changes() > 0, "{sql} changed nothing");
}

fn count(file: &Path, sql: &str) -> i64 {
    Connection::open(file).unwrap().query_row(sql, [], |row| row.get(0)).unwrap()
}

fn options() -> Options {
    Options::new(AuditKey::new(&[7; 32]))
}

fn yes() -> Word {
    Word::Outcome(Outcome::Approved(BankFacts::default()))
}

/// What happens to a payment's rows decides where they stand, and nothing else changes.
#[tokio::test]
async fn what_is_finished_moves_and_answers_as_before() {
    let data = Data::new();
    let waiting = fixture::payment(1, "waiting");
    data.store.commit(fixture::insert(&waiting)).await.unwrap();
    let told_later = data.paid(2).await;
    let refunding = data.finished(3).await;
    let request = RefundRequest { amount: fixture::usd("1.11"), reference: None, reason: None };
    let asked = refunding.request_refund(&[], request, Duration::MAX, fixture::now()).unwrap();
    data.store.commit(Changeset::refund_changed("archives", asked)).await.unwrap();
    let mut moving = Vec::new();
    for draw in 10..14 {
        moving.push(data.finished(draw).await);
    }
    let cancelled = fixture::payment(20, "cancelled");
    data.store.commit(fixture::insert(&cancelled)).await.unwrap();
    let cancelled = data.commit(cancelled.cancel(fixture::now()).unwrap()).await;
    // Its card goes when the customer can do no more with it.
    data.store
        .commit(Changeset {
            name: "drop",
            payment: Some(PaymentChange::Update {
                payment: Box::new(Payment { version: cancelled.version, ..cancelled.clone() }),
                expected_version: cancelled.version,
            }),
            card: Some(engine::changeset::CardChange::Drop),
            ..Changeset::default()
        })
        .await
        .unwrap();
    data.deliver(&cancelled).await;
    moving.push(cancelled);
    let refunded = data.refund(moving[0].id).await;
    data.deliver(&refunded).await;
    moving[0] = refunded;
    let last = data.finished(30).await;

    let all: Vec<&Payment> = moving.iter().chain([&last, &waiting, &told_later]).collect();
    let mut before = Vec::new();
    for payment in &all {
        before.push(data.answers(payment).await);
    }
    assert!(before[0].details.iter().flatten().all(|detail| detail.attempts.len() == 2));
    assert_eq!(data.move_all(), 5);
    for (payment, before) in all.iter().zip(before) {
        assert_eq!(data.answers(payment).await, before, "{}", payment.reference.as_str());
    }
    for table in TABLES {
        for payment in &moving {
            let id = if table == "payments" { "id" } else { "payment_id" };
            let sql = format!("SELECT count(*) FROM {table} WHERE {id} = {}", payment.id.stored());
            assert_eq!(count(&data.main(), &sql), 0, "{table}");
            assert!(count(&data.archive(), &sql) > 0 || table == "refunds", "{table}");
        }
    }
    let stay = "SELECT count(*) FROM payments";
    assert_eq!((count(&data.main(), stay), count(&data.archive(), stay)), (4, 5));
    data.assert_proven(9).await;
    // Again: nothing is left to move.
    assert_eq!(data.move_all(), 0);
    data.assert_proven(9).await;
    let unknown = fixture::payment(999, "unknown").id;
    assert_eq!(data.store.payment(Scope::Everything, unknown).await.unwrap(), None);
}

#[tokio::test]
async fn an_order_is_never_taken_twice() {
    let data = Data::new();
    let first = data.finished(1).await;
    data.finished(2).await;
    assert_eq!(data.move_all(), 1);
    let again = Payment { reference: first.reference.clone(), ..fixture::payment(77, "x") };
    let refused = data.store.commit(fixture::insert(&again)).await;
    assert!(matches!(refused, Err(CommitError::ReferenceTaken)), "{refused:?}");
    // The next attempt is another one.
    let next = Payment { attempt: 2, ..again };
    data.store.commit(fixture::insert(&next)).await.unwrap();
    let attempts = data.store.attempts(first.terminal, &first.reference).await.unwrap();
    assert_eq!(attempts, [first, next]);
    data.assert_proven(3).await;
}

/// The place of what moved last is not given to what comes next: its postings are still there.
#[tokio::test]
async fn no_place_is_used_again() {
    let data = Data::new();
    for draw in 1..=3 {
        data.finished(draw).await;
    }
    assert_eq!(data.move_all(), 2);
    for draw in 4..=6 {
        data.finished(draw).await;
    }
    assert_eq!(data.move_all(), 3);
    data.assert_proven(6).await;
}

#[tokio::test]
async fn a_refund_brings_its_payment_back_in_its_own_commit() {
    let data = Data::new();
    let payment = data.finished(1).await;
    let other = data.finished(2).await;
    data.finished(3).await;
    assert_eq!(data.move_all(), 2);
    let refunded = data.refund(payment.id).await;
    assert_eq!(refunded.state.taken().unwrap().refunded_minor, 111);
    let listed = |id: PaymentId| {
        let sql = format!("SELECT count(*) FROM archived_payments WHERE id = {}", id.stored());
        count(&data.main(), &sql)
    };
    assert_eq!((listed(payment.id), listed(other.id)), (0, 1));
    assert_eq!(
        data.store.payment(Scope::Everything, payment.id).await.unwrap().as_ref(),
        Some(&refunded)
    );
    assert_eq!(data.store.refunds(payment.id).await.unwrap().len(), 1);
    // The archive's copy is of before, and nobody sees it.
    assert_eq!(count(&data.archive(), "SELECT count(*) FROM refunds"), 0);
    data.assert_proven(3).await;
    // Its notice waits; told, it moves again, and is refunded again.
    assert_eq!(data.move_all(), 0);
    data.deliver(&refunded).await;
    let before = data.answers(&refunded).await;
    assert_eq!(data.move_all(), 1);
    assert_eq!(data.answers(&refunded).await, before);
    data.assert_proven(3).await;
    assert_eq!(data.refund(payment.id).await.state.taken().unwrap().refunded_minor, 222);
    data.assert_proven(3).await;
}

#[tokio::test]
async fn a_stale_change_brings_nothing_back() {
    let data = Data::new();
    let payment = data.finished(1).await;
    data.finished(2).await;
    assert_eq!(data.move_all(), 1);
    let stale = Changeset {
        name: "stale",
        payment: Some(PaymentChange::Update {
            payment: Box::new(payment.clone()),
            expected_version: payment.version - 1,
        }),
        ..Changeset::default()
    };
    let refused = data.store.commit(stale).await;
    assert!(matches!(refused, Err(CommitError::Stale("payment"))), "{refused:?}");
    assert_eq!(count(&data.main(), "SELECT count(*) FROM archived_payments"), 1);
    data.assert_proven(2).await;
}

#[tokio::test]
async fn a_webhook_of_an_archived_payment_is_sent_again() {
    let data = Data::new();
    let payment = data.finished(1).await;
    data.finished(2).await;
    assert_eq!(data.move_all(), 1);
    let id = DeliveryId::own(payment.id, 1);
    let at = fixture::now().plus(Duration::from_mins(1));
    let deliveries = vec![DeliveryKey { merchant: payment.merchant, id }];
    let resend = Some(Resend { deliveries, at });
    data.store.commit(Changeset { name: "resend", resend, ..Changeset::default() }).await.unwrap();
    let queue = domain::delivery::Destination(payment.merchant.0);
    let lease = Duration::from_secs(8);
    let due = data.store.claim_deliveries(at, lease, &[(queue, 9)]).await.unwrap();
    assert_eq!(due.iter().map(|due| due.id).collect::<Vec<_>>(), [id]);
    data.assert_proven(2).await;
}

/// One that hangs on a payment that is not changed with it.
#[tokio::test]
async fn a_delivery_alone_brings_its_payment_back() {
    let data = Data::new();
    let payment = data.finished(1).await;
    data.finished(2).await;
    assert_eq!(data.move_all(), 1);
    let id = DeliveryId { sequence: -5, ..DeliveryId::own(payment.id, 1) };
    let deliveries = vec![NewDelivery { id, ..fixture::delivery(&payment) }];
    let alone = Changeset { name: "alone", deliveries, ..Changeset::default() };
    data.store.commit(alone).await.unwrap();
    assert!(data.store.delivery(id).await.unwrap().is_some());
    assert_eq!(count(&data.main(), "SELECT count(*) FROM archived_payments"), 0);
}

/// As after a crash between the two commits.
#[tokio::test]
async fn a_copy_that_nothing_came_of_is_of_no_effect() {
    let data = Data::new();
    let payment = data.finished(1).await;
    data.finished(2).await;
    let mover = data.mover();
    let (_last, places) = mover.next().unwrap().unwrap();
    mover.copy(&places).unwrap();
    drop(mover);
    data.assert_proven(2).await;
    // It goes on in the main file, and the next run finishes what was begun.
    let refunded = data.refund(payment.id).await;
    data.deliver(&refunded).await;
    data.assert_proven(2).await;
    let before = data.answers(&refunded).await;
    assert_eq!(data.move_all(), 1);
    assert_eq!(data.answers(&refunded).await, before);
    data.assert_proven(2).await;
}

#[tokio::test]
async fn what_changes_while_it_is_copied_stays() {
    let data = Data::new();
    let payment = data.finished(1).await;
    let resent = data.finished(2).await;
    data.finished(3).await;
    let mut mover = data.mover();
    let (_last, places) = mover.next().unwrap().unwrap();
    mover.copy(&places).unwrap();
    // Of one the payment changes, of the other a webhook alone, to and fro.
    let refunded = data.refund(payment.id).await;
    data.deliver(&refunded).await;
    let at = fixture::now().plus(Duration::from_mins(1));
    let key = DeliveryKey { merchant: resent.merchant, id: DeliveryId::own(resent.id, 1) };
    let resend = Some(Resend { deliveries: vec![key], at });
    data.store.commit(Changeset { name: "resend", resend, ..Changeset::default() }).await.unwrap();
    data.deliver(&resent).await;
    let (moved, differing) = mover.release(&places).unwrap();
    assert_eq!((moved, differing.len()), (0, 2));
    data.assert_proven(3).await;
    assert_eq!(data.move_all(), 2);
    data.assert_proven(3).await;
}

/// A copy that somebody changed never takes the place of what the main file has.
#[tokio::test]
async fn a_copy_that_differs_deletes_nothing() {
    let data = Data::new();
    let payment = data.finished(1).await;
    data.finished(2).await;
    let mover = data.mover();
    let (_last, places) = mover.next().unwrap().unwrap();
    mover.copy(&places).unwrap();
    drop(mover);
    tamper(&data.archive(), "DROP TRIGGER events_stay; UPDATE events SET at = at + 1");
    let step = data.mover().step().unwrap();
    assert_eq!((step.moved, step.differing), (0, 1));
    assert_eq!(data.store.events(payment.id).await.unwrap().len(), 3);
    let proof = data.proof().await;
    assert_eq!((proof.payments, proof.findings.len()), (2, 1), "{:?}", proof.findings);
}

/// What somebody with write access does, to the main file or the archive, and what the proof says.
#[tokio::test]
async fn the_proof_finds_what_was_changed() {
    const MAIN: bool = true;
    const ARCHIVE: bool = false;
    let cases = [
        (ARCHIVE, "DELETE FROM payments WHERE place = 1", "archive-2025.db does not have it"),
        (ARCHIVE, "DELETE FROM payments", "archive-2025.db does not have it"),
        (ARCHIVE, "UPDATE payments SET place = 77 WHERE place = 1", "another place"),
        (ARCHIVE, "UPDATE payments SET reference = 'x' WHERE place = 1", "another place"),
        (ARCHIVE, "UPDATE payments SET version = 9 WHERE place = 1", "it is at version 9"),
        (
            ARCHIVE,
            "DROP TRIGGER events_remain; DELETE FROM events WHERE place = 1 AND sequence = 3",
            "it is at version 3, and its last event is 2",
        ),
        (ARCHIVE, "DELETE FROM deliveries WHERE place = 1", "was not told"),
        (ARCHIVE, "UPDATE payments SET id = id - 10000000000000000 WHERE place = 1", "that year"),
        (MAIN, "DELETE FROM archived_payments WHERE place = 1", "neither has it nor lists it"),
        (
            MAIN,
            "DROP TRIGGER postings_remain; DELETE FROM postings WHERE cause_place = 1",
            "it is missing",
        ),
        (
            MAIN,
            "DROP TRIGGER postings_stay; UPDATE postings SET amount_minor = 2 * amount_minor \
             WHERE cause_place = 1",
            "it says 2222 minor units, and its event means 1111",
        ),
        (
            MAIN,
            "INSERT INTO postings SELECT cause, cause_place, 99, account, merchant_id, payment_id, \
             mode, currency, amount_minor, at FROM postings WHERE cause_place = 1",
            "no event causes it",
        ),
        (MAIN, "UPDATE archived_payments SET attempt = 2 WHERE place = 1", "another place"),
        (MAIN, "UPDATE archived_payments SET place = 55 WHERE place = 1", "another place"),
        (
            MAIN,
            "INSERT INTO archived_payments SELECT id, place, ter_no, reference, attempt \
             FROM payments",
            "archive-2025.db does not have it",
        ),
    ];
    let data = Data::new();
    for draw in 1..=5 {
        data.finished(draw).await;
    }
    assert_eq!(data.move_all(), 4);
    data.assert_proven(5).await;
    let ended = data.store.ended();
    let Data { folder, store } = data;
    drop(store);
    ended.await.unwrap();
    for (file, sql, says) in cases {
        let copied = tempfile::tempdir().unwrap();
        for entry in std::fs::read_dir(folder.path()).unwrap() {
            let entry = entry.unwrap();
            std::fs::copy(entry.path(), copied.path().join(entry.file_name())).unwrap();
        }
        let store = SqliteStore::open(&copied.path().join("tollgate.db"), options()).unwrap();
        let data = Data { folder: copied, store };
        data.assert_proven(5).await;
        let path = if file == MAIN { data.main() } else { data.archive() };
        tamper(&path, sql);
        let found = data.proof().await.findings;
        assert!(found.iter().any(|one| one.what.contains(says)), "{sql}: {found:?}");
    }
}

#[tokio::test]
async fn a_missing_archive_is_told() {
    let data = Data::new();
    let payment = data.finished(1).await;
    data.finished(2).await;
    assert_eq!(data.move_all(), 1);
    let shown = |wrong: Option<&str>| {
        let (year, path) = (year(), data.archive());
        let wrong = wrong.map(str::to_owned);
        assert_eq!(archives(&data.main()).unwrap(), [Archive { year, path, payments: 1, wrong }]);
    };
    shown(None);
    let away = data.folder.path().join("elsewhere");
    std::fs::rename(data.archive(), &away).unwrap();
    shown(Some("is missing"));
    let proof = data.proof().await;
    assert_eq!(proof.payments, 1);
    let [found] = &proof.findings[..] else { panic!("{:?}", proof.findings) };
    assert_eq!((found.table, &*found.row), ("archives", "archive-2025.db"));
    assert!(found.what.contains("1 payments should be in it"), "{found:?}");
    // Not "there is no such payment", and not a free reference.
    let error = data.store.payment(Scope::Everything, payment.id).await.unwrap_err().to_string();
    assert!(error.contains("archive-2025.db, which is missing: put it back"), "{error}");
    assert!(data.store.attempts(payment.terminal, &payment.reference).await.is_err());
    let refused = data.store.commit(fixture::insert(&payment)).await;
    assert!(matches!(refused, Err(CommitError::ReferenceTaken)), "{refused:?}");
    let request = RefundRequest { amount: fixture::usd("1.11"), reference: None, reason: None };
    let asked = payment.request_refund(&[], request, Duration::MAX, fixture::now()).unwrap();
    let refused = data.store.commit(Changeset::refund_changed("archives", asked)).await;
    let error = refused.unwrap_err().to_string();
    assert!(error.contains("put it back from a backup"), "{error}");
    // Others are served all the time.
    data.finished(3).await;
    std::fs::rename(away, data.archive()).unwrap();
    shown(None);
    data.assert_proven(3).await;
}

#[tokio::test]
async fn events_are_never_deleted_by_others() {
    let data = Data::new();
    data.finished(1).await;
    data.finished(2).await;
    assert_eq!(data.move_all(), 1);
    for file in [data.main(), data.archive()] {
        let raw = Connection::open(&file).unwrap();
        for sql in ["DELETE FROM events", "UPDATE events SET at = 1"] {
            let error = raw.execute(sql, []).unwrap_err().to_string();
            assert!(error.contains("events are never"), "{error}");
        }
    }
}

#[tokio::test]
async fn another_file_is_left_alone() {
    let data = Data::new();
    data.finished(1).await;
    let other = Connection::open(data.archive()).unwrap();
    other.execute_batch("CREATE TABLE notes (words TEXT)").unwrap();
    drop(other);
    let before = std::fs::read(data.archive()).unwrap();
    let error = Mover::open(&data.main(), year()).unwrap_err().to_string();
    assert!(error.contains("archive-2025.db is no archive of Tollgate's"), "{error}");
    assert_eq!(std::fs::read(data.archive()).unwrap(), before);
    let shown = archives(&data.main()).unwrap();
    assert_eq!(shown[0].wrong.as_deref(), Some("is no archive of Tollgate's"));
    std::fs::remove_file(data.archive()).unwrap();
    // And one that a newer program made.
    data.finished(2).await;
    assert_eq!(data.move_all(), 1);
    tamper(&data.archive(), "PRAGMA user_version = 2; UPDATE payments SET place = place");
    let error = Mover::open(&data.main(), year()).unwrap_err().to_string();
    assert!(error.contains("an archive of version 2, and this program knows 1"), "{error}");
    let nothing = data.folder.path().join("nothing.db");
    assert!(matches!(Mover::open(&nothing, year()), Err(ArchiveError::NoDatabase(_))));
    assert!(!nothing.exists());
}

#[tokio::test]
async fn an_older_schema_is_not_archived() {
    let data = Data::new();
    data.finished(1).await;
    tamper(&data.main(), "PRAGMA user_version = 6; UPDATE payments SET place = place");
    let error = Mover::open(&data.main(), year()).unwrap_err().to_string();
    assert!(error.contains("schema version 6") && error.contains("tollgate migrate"), "{error}");
    assert!(!data.archive().exists());
}

#[tokio::test]
async fn archived_payments_are_listed_when_they_are_asked_for() {
    let data = Data::new();
    let mut payments = Vec::new();
    for draw in 1..=6 {
        payments.push(data.finished(draw).await.id);
    }
    assert_eq!(data.move_all(), 5);
    data.refund(payments[2]).await;
    let newest = data
        .store
        .newest_payments(
            Scope::Everything,
            PaymentsAsked { limit: 100, ..PaymentsAsked::default() },
        )
        .await
        .unwrap();
    let ids = |payments: Vec<Payment>| payments.iter().map(|one| one.id).collect::<Vec<_>>();
    assert_eq!(ids(newest), [payments[5], payments[2]]);
    let mut listed = Vec::new();
    loop {
        let before = listed.last().copied();
        let page = data.store.archived_payments(Scope::Everything, year(), before, 3).await;
        let page = ids(page.unwrap());
        assert!(page.len() <= 3);
        if page.is_empty() {
            break;
        }
        listed.extend(page);
    }
    assert_eq!(listed, [payments[4], payments[3], payments[1], payments[0]]);
    let other = Scope::Merchant(MerchantId(2));
    assert_eq!(data.store.archived_payments(other, year(), None, 9).await.unwrap(), []);
    assert_eq!(data.store.archived_payments(Scope::Holder, year(), None, 9).await.unwrap(), []);
    let never = Year::new(2001).unwrap();
    assert_eq!(data.store.archived_payments(Scope::Everything, never, None, 9).await.unwrap(), []);
}

#[tokio::test]
async fn an_archive_is_written_as_the_main_file_is() {
    let data = Data::new();
    data.finished(1).await;
    data.finished(2).await;
    let mover = data.mover();
    let pragma = |name: &str| {
        ["main", "archive"].map(|schema| {
            let sql = format!("PRAGMA {schema}.{name}");
            mover
                .connection
                .query_row(&sql, [], |row| row.get::<_, rusqlite::types::Value>(0))
                .unwrap()
        })
    };
    for name in ["journal_mode", "synchronous", "secure_delete", "page_size"] {
        let [main, archive] = pragma(name);
        assert_eq!(main, archive, "{name}");
    }
    assert_eq!(pragma("synchronous")[1], rusqlite::types::Value::Integer(2));
    drop(mover);
    assert_eq!(data.move_all(), 1);
    let wal = data.archive().with_extension("db-wal");
    assert!(wal.metadata().map_or(0, |wal| wal.len()) == 0, "the file alone is the archive");
    let reader = required(&Connection::open(data.main()).unwrap(), fixture::payment(1, "x").id);
    let refused = reader.unwrap().execute("DELETE FROM payments", []).unwrap_err().to_string();
    assert!(refused.contains("readonly"), "{refused}");
}

/// The archive is beside the file, not beside a link to it.
#[tokio::test]
async fn a_link_to_the_main_file_leads_to_the_same_archive() {
    let data = Data::new();
    let payment = data.finished(1).await;
    data.finished(2).await;
    let elsewhere = tempfile::tempdir().unwrap();
    let link = elsewhere.path().join("tollgate.db");
    std::os::unix::fs::symlink(data.main(), &link).unwrap();
    let mut mover = Mover::open(&link, year()).unwrap();
    assert_eq!(mover.step().unwrap().moved, 1);
    mover.finish().unwrap();
    assert!(data.archive().exists());
    assert_eq!(data.store.payment(Scope::Everything, payment.id).await.unwrap(), Some(payment));
}

/// Archives of older releases are read with the statements of the main file: whoever changes one of
/// these tables raises `SCHEMA`, brings older archives along in `mover::make`, and then this.
#[tokio::test]
async fn tables_that_move_have_the_columns_of_this_archive_schema() {
    let data = Data::new();
    let connection = Connection::open(data.main()).unwrap();
    let digest = TABLES.map(|table| columns(&connection, table).unwrap().split(", ").count());
    assert_eq!((SCHEMA, digest), (1, [27, 8, 11, 21, 10]));
}
