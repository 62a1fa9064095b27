use super::*;
use crate::migrations::MIGRATIONS;
use domain::delivery::{Attempt, Attempted, NewDelivery, NextStep};
use engine::changeset::Changeset;
use std::collections::BTreeSet;
use std::sync::Arc;
use testkit::fixture;

fn folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tollgate.db");
    (folder, path)
}

fn options() -> Options {
    Options::new(AuditKey::new(&[7; 32]))
}

#[tokio::test]
async fn keeps_the_contract() {
    let (_folder, path) = folder();
    let store = SqliteStore::open(&path, options()).unwrap();
    testkit::conformance::run(&store).await;
    testkit::conformance_desks::run(&store, &store).await;
}

#[tokio::test]
async fn keeps_the_contract_of_records() {
    let (_folder, path) = folder();
    let store = SqliteStore::open(&path, options()).unwrap();
    testkit::records::run(&store, &store).await;
}

#[tokio::test]
async fn what_was_acknowledged_is_there_after_reopening() {
    let (_folder, path) = folder();
    let payment = fixture::payment(1, "reopened");
    {
        let store = SqliteStore::open(&path, options()).unwrap();
        store.commit(fixture::insert(&payment)).await.unwrap();
        let ended = store.ended();
        drop(store);
        ended.await.unwrap();
    }
    let store = SqliteStore::open(&path, options()).unwrap();
    assert_eq!(store.payment(Scope::Everything, payment.id).await.unwrap(), Some(payment));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_hundred_equal_references_one_wins() {
    let (_folder, path) = folder();
    let store = Arc::new(SqliteStore::open(&path, options()).unwrap());
    let mut all = tokio::task::JoinSet::new();
    for draw in 0..100 {
        let store = Arc::clone(&store);
        all.spawn(
            async move { store.commit(fixture::insert(&fixture::payment(draw, "same"))).await },
        );
    }
    let mut won = 0;
    while let Some(result) = all.join_next().await {
        match result.unwrap() {
            Ok(()) => won += 1,
            Err(CommitError::ReferenceTaken) => {}
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!(won, 1);
}

#[tokio::test]
async fn a_full_queue_is_busy() {
    let (_folder, path) = folder();
    let store = SqliteStore::open(&path, Options { queue: 1, batch: 1, ..options() }).unwrap();
    let mut futures: Vec<_> = (0..50)
        .map(|draw| store.commit(fixture::insert(&fixture::payment(draw, &format!("{draw}")))))
        .collect();
    let mut busy = 0;
    // Polled once each without a pause, so that the writer cannot keep up.
    for future in &mut futures {
        let waker = std::task::Waker::noop();
        let mut context = std::task::Context::from_waker(waker);
        if let std::task::Poll::Ready(Err(CommitError::Busy)) = future.as_mut().poll(&mut context) {
            busy += 1;
        }
    }
    assert!(busy > 0);
}

#[tokio::test]
async fn new_payments_have_half_of_the_queue() {
    use testkit::conformance_pressure as pressure;
    let (_folder, path) = folder();
    let store = SqliteStore::open(&path, Options { queue: 16, batch: 1, ..options() }).unwrap();
    for payment in pressure::existing() {
        store.commit(fixture::insert(&payment)).await.unwrap();
    }
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let answers = async move { other.execute_batch("ROLLBACK").unwrap() };
    pressure::payments_that_exist_have_the_rest_of_the_queue(&store, 16, answers).await;
}

/// Everything runs in one thread here: a list that was read in it would keep it.
#[tokio::test]
async fn lists_wait_for_their_turn_and_keep_nobody_from_a_commit() {
    let (_folder, path) = folder();
    let store = SqliteStore::open(&path, options()).unwrap();
    let payment = fixture::payment(1, "beside long lists");
    let (end, ends) = std::sync::mpsc::channel::<()>();
    let ends = Arc::new(Mutex::new(ends));
    let mut long = tokio::task::JoinSet::new();
    for _list in 0..readers::LONG_AT_ONCE {
        let (readers, ends) = (Arc::clone(&store.readers), Arc::clone(&ends));
        long.spawn(async move {
            let list = readers.read_long(move |_connection| {
                let _ended = ends.lock().unwrap().recv_timeout(Duration::from_mins(1));
                Ok(())
            });
            list.await.unwrap();
        });
    }
    tokio::task::yield_now().await;
    let (all, now) = (Scope::Everything, fixture::now());
    let asked = PaymentsAsked { limit: 100, ..PaymentsAsked::default() };
    let filter = DeliveryFilter::default();
    let mut others: Vec<Pin<Box<dyn Future<Output = ()>>>> = vec![
        Box::pin(async { drop(store.newest_payments(all, asked).await.unwrap()) }),
        Box::pin(async { drop(store.balances(all).await.unwrap()) }),
        Box::pin(async { drop(store.at_the_bank(100).await.unwrap()) }),
        Box::pin(async { drop(store.deliveries(filter, None, 100).await.unwrap()) }),
        Box::pin(async {
            drop(store.deliveries_since(TerminalNumber(42), now, None, 9).await.unwrap());
        }),
        Box::pin(async { assert_eq!(store.count_deliveries(filter).await.unwrap(), 0) }),
        Box::pin(async { assert_eq!(store.backlog(now).await.unwrap(), Backlog::default()) }),
        Box::pin(async {
            drop(store.bank_messages(MessagesAsked::default()).await.unwrap());
        }),
        Box::pin(async { drop(store.terminals().await.unwrap()) }),
        Box::pin(async { drop(store.merchants().await.unwrap()) }),
        Box::pin(async { drop(store.postings(all, None, 100).await.unwrap()) }),
    ];
    for (number, list) in others.iter_mut().enumerate() {
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(list.as_mut().poll(&mut context).is_pending(), "list {number} waits its turn");
    }
    // Nobody else does.
    store.commit(fixture::insert(&payment)).await.unwrap();
    assert_eq!(store.payment(all, payment.id).await.unwrap(), Some(payment.clone()));
    assert_eq!(store.attempts(payment.terminal, &payment.reference).await.unwrap().len(), 1);
    assert_eq!(long.try_join_next().map(|joined| joined.unwrap()), None, "they still read");
    drop(end);
    long.join_all().await;
    for list in others {
        list.await;
    }
}

#[tokio::test]
async fn a_newer_schema_is_refused() {
    let (_folder, path) = folder();
    drop(SqliteStore::open(&path, options()).unwrap());
    let raw = Connection::open(&path).unwrap();
    raw.pragma_update(None, "user_version", 999).unwrap();
    drop(raw);
    assert!(matches!(
        SqliteStore::open(&path, options()),
        Err(OpenError::NewerSchema { found: 999, .. })
    ));
    // A newer program that only added something says from which version on others may go on.
    let known = Version::known();
    let raw = Connection::open(&path).unwrap();
    let history = "INSERT OR REPLACE INTO schema_migrations VALUES (999, 'later', 0, ?1)";
    raw.execute(history, [known]).unwrap();
    drop(SqliteStore::open(&path, options()).unwrap());
    raw.execute(history, [known + 1]).unwrap();
    assert!(SqliteStore::open(&path, options()).is_err());
}

/// Deliveries of the release before queues had names.
#[tokio::test]
async fn deliveries_of_before_wait_in_a_queue_of_their_merchant() {
    let (_folder, path) = folder();
    let payment = fixture::payment(1, "before");
    let raw = Connection::open(&path).unwrap();
    for migration in MIGRATIONS.iter().filter(|migration| migration.number < 4) {
        raw.execute_batch(migration.sqlite).unwrap();
    }
    raw.pragma_update(None, "user_version", 3).unwrap();
    for (sequence, state, next_at) in [(1, "pending", "5"), (2, "delivered", "NULL")] {
        let sql = format!(
            "INSERT INTO deliveries VALUES (1, {sequence}, {}, 9, 42, 'https://shop.example/', \
             'text/plain', 'body', 4, '{state}', 1, {next_at}, 3, 500, 'answered 500')",
            payment.id.stored()
        );
        raw.execute(&sql, []).unwrap();
    }
    drop(raw);
    let store = SqliteStore::open(&path, options()).unwrap();
    let queue = Destination(9);
    let now = Timestamp::from_micros(6);
    let due = store.due_destinations(None, now, 10).await.unwrap().due;
    assert_eq!(due.iter().map(|due| due.destination).collect::<Vec<_>>(), [queue]);
    let claimed = store.claim_deliveries(now, IDLE, &[(queue, 9)]).await.unwrap();
    assert_eq!(claimed.len(), 1);
    assert_eq!((claimed[0].id, claimed[0].attempts), (DeliveryId::own(payment.id, 1), 1));
    assert_eq!(claimed[0].begun_at, Timestamp::from_micros(4));
    let rows = Connection::open(&path).unwrap();
    let rows = rows.query_row("SELECT count(*) FROM deliveries", [], |row| row.get::<_, i64>(0));
    assert_eq!(rows.unwrap(), 2);
}

/// While attempts are recorded, others are claimed.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_is_not_claimed_again() {
    let (_folder, path) = folder();
    let store = Arc::new(SqliteStore::open(&path, options()).unwrap());
    let (queue, now) = (Destination(5), fixture::now());
    for draw in 0..1_500 {
        let payment = fixture::payment(draw, &format!("claimed {draw}"));
        let delivery = NewDelivery { destination: queue, ..fixture::delivery(&payment) };
        let deliveries = vec![delivery];
        store.commit(Changeset { deliveries, ..fixture::insert(&payment) }).await.unwrap();
    }
    let (mut seen, mut recording) = (BTreeSet::new(), tokio::task::JoinSet::new());
    while seen.len() < 1_500 {
        for claimed in store.claim_deliveries(now, IDLE, &[(queue, 16)]).await.unwrap() {
            assert!(seen.insert(claimed.id), "{} was claimed twice", claimed.id);
            let store = Arc::clone(&store);
            let took = Duration::from_millis(1);
            let attempted = vec![Attempted {
                id: claimed.id,
                merchant: claimed.merchant,
                attempts: 1,
                attempt: Attempt {
                    at: now,
                    took,
                    http_status: Some(200),
                    answer: None,
                    error: None,
                },
                next: NextStep::Delivered,
            }];
            let changeset = Changeset { name: "attempt", attempted, ..Changeset::default() };
            recording.spawn(async move { store.commit(changeset).await.unwrap() });
        }
        tokio::task::yield_now().await;
    }
    recording.join_all().await;
}

#[tokio::test]
async fn an_impossible_row_is_named() {
    let (_folder, path) = folder();
    let store = SqliteStore::open(&path, options()).unwrap();
    let payment = fixture::payment(1, "broken");
    store.commit(fixture::insert(&payment)).await.unwrap();
    let raw = Connection::open(&path).unwrap();
    // Behind the gateway's back; the schema lets this one pass.
    raw.execute("UPDATE payments SET facts = '{\"state\":\"expired\",\"at\":1}'", []).unwrap();
    let error = store.payment(Scope::Everything, payment.id).await.unwrap_err();
    let expected =
        format!("impossible row: table payments, column state, row {}", payment.id.stored());
    assert_eq!(error.to_string(), expected);
    // And these it refuses itself.
    for sql in [
        "UPDATE payments SET state = 'approved'",
        "UPDATE payments SET due_at = NULL",
        "UPDATE payments SET amount_minor = 0",
        "UPDATE payments SET state = 'done', due_at = NULL",
        "UPDATE payments SET card_brand = NULL",
        "INSERT INTO deliveries (place, sequence, endpoint, payment_id, merchant_id, ter_no, url, destination, content_type, body, created_at, begun_at, state, attempts) SELECT place, 1, 0, id, 1, 1, '', 1, '', '', 0, 0, 'pending', 0 FROM payments",
    ] {
        assert!(raw.execute(sql, []).is_err(), "{sql}");
    }
}

#[tokio::test]
async fn a_dropped_security_code_is_in_no_file() {
    let (folder, path) = folder();
    let store = SqliteStore::open(&path, options()).unwrap();
    let needle = b"\xde\xad\xbe\xefa sealed security code\xde\xad\xbe\xef".to_vec();
    let payment = fixture::payment(1, "shredded");
    let mut insert = fixture::insert(&payment);
    let sealed = SealedCard { security_code: Some(needle.clone()), ..fixture::sealed_card() };
    insert.card = Some(engine::changeset::CardChange::Hold(sealed));
    store.commit(insert).await.unwrap();
    let found = || {
        std::fs::read_dir(folder.path()).unwrap().any(|entry| {
            let bytes = std::fs::read(entry.unwrap().path()).unwrap();
            bytes.windows(needle.len()).any(|window| window == needle)
        })
    };
    assert!(found(), "the search finds what is there");
    let sending = payment.begin_sending(fixture::now()).unwrap();
    store.commit(Changeset::payment_changed("send", sending)).await.unwrap();
    for _second in 0..50 {
        if !found() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("the sealed code is still on disk");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn long_balances_of_a_hundred_thousand_random_payments() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&folder.path().join("t.db"), options()).unwrap();
    testkit::random_payments::balances_agree(Arc::new(store), 100_000, 1).await;
}

/// A list of three words or more in a CHECK is built anew for each row that is written.
#[tokio::test]
async fn the_checks_bite_without_lists_of_words() {
    let (_folder, path) = folder();
    let store = SqliteStore::open(&path, options()).unwrap();
    store.commit(fixture::insert(&fixture::payment(1, "checked"))).await.unwrap();
    let ended = store.ended();
    drop(store);
    ended.await.unwrap();
    let file = Connection::open(&path).unwrap();
    let whole: String = file.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(whole, "ok");
    let mut tables = file.prepare("SELECT sql FROM sqlite_schema WHERE type = 'table'").unwrap();
    let tables = tables.query_map([], |row| row.get::<_, String>(0)).unwrap();
    for table in tables.map(Result::unwrap) {
        for list in table.split(" IN (").skip(1) {
            let words = list.split(')').next().unwrap().split(',').count();
            assert!(words < 3, "{words} words in a list of {table}");
        }
    }
    for (change, is_refused) in [
        ("UPDATE payments SET state = 'lost'", true),
        ("UPDATE payments SET method = 'CASH'", true),
        ("UPDATE payments SET due_at = NULL", true),
        ("UPDATE payments SET state = 'declined'", true),
        ("UPDATE payments SET state = 'declined', due_at = NULL", false),
        ("INSERT INTO events VALUES (9, 1, 9, 1, 1, 'lost', '{}', NULL)", true),
        ("INSERT INTO events VALUES (9, 1, 9, 1, 1, 'refunding', '{}', NULL)", true),
        ("INSERT INTO events VALUES (9, 1, 9, 1, 1, 'decided', '{}', NULL)", false),
    ] {
        let refused = file.execute(change, []).is_err();
        assert_eq!(refused, is_refused, "{change}");
    }
}
