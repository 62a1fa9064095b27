use super::super::{Options, SqliteStore, queries};
use super::*;
use crate::audit_chain::AuditKey;
use engine::actor::Scope;
use engine::changeset::Changeset;
use engine::ports::Store as _;
use rusqlite::Connection;
use std::sync::atomic::{AtomicBool, Ordering};
use testkit::fixture;

fn store() -> (tempfile::TempDir, Arc<SqliteStore>) {
    let folder = tempfile::tempdir().unwrap();
    let options = Options::new(AuditKey::new(&[7; 32]));
    let store = SqliteStore::open(&folder.path().join("t.db"), options).unwrap();
    (folder, Arc::new(store))
}

fn kept(store: &SqliteStore) -> Vec<PaymentId> {
    let remembered = store.recent.remembered.lock().unwrap();
    assert_eq!(remembered.payments.len(), remembered.order.len());
    remembered.order.iter().copied().collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_remembered_is_what_stands_in_the_database() {
    let (_folder, store) = store();
    let port: Arc<dyn engine::ports::Store> = Arc::<SqliteStore>::clone(&store);
    testkit::random_payments::balances_agree(port, 2_000, 7).await;
    let kept = kept(&store);
    assert_eq!(kept.len(), 2_000);
    for id in kept {
        // Another test process may keep the machine for longer than the log waits to be emptied.
        let remembered = store.recent.remembered.lock().unwrap().payments.get(&id).cloned();
        let stands = store.readers.read(|connection| queries::payment(connection, id)).unwrap();
        assert_eq!(remembered.as_deref(), stands.as_ref());
    }
}

#[tokio::test]
async fn the_one_written_first_makes_room() {
    let (_folder, store) = store();
    let numbers: Vec<u64> = (0..u64::try_from(KEPT).unwrap() + 10).collect();
    let commit = |number: &u64| {
        let payment = fixture::payment(*number, &format!("room {number}"));
        store.commit(fixture::insert(&payment))
    };
    for some in numbers.chunks(500) {
        let commits: Vec<_> = some.iter().map(commit).collect();
        for commit in commits {
            commit.await.unwrap();
        }
    }
    let kept = kept(&store);
    assert_eq!(kept.len(), KEPT);
    let first = fixture::payment(0, "room").id;
    let last = fixture::payment(*numbers.last().unwrap(), "room").id;
    assert!(!kept.contains(&first) && kept.contains(&last));
    for id in [first, last] {
        assert!(store.payment(Scope::Everything, id).await.unwrap().is_some());
    }
}

#[tokio::test]
async fn a_payment_that_was_just_written_is_answered_from_memory_and_only_to_whom_it_concerns() {
    let (_folder, store) = store();
    let payment = fixture::payment(1, "from memory");
    store.commit(fixture::insert(&payment)).await.unwrap();
    assert_eq!(store.recent.payment(payment.id), Some(payment.clone()));
    let other = Scope::Merchant(domain::id::MerchantId(payment.merchant.0 + 1));
    assert_eq!(store.payment(other, payment.id).await.unwrap(), None);
    // What is refused is not remembered.
    let same_reference = fixture::payment(2, "from memory");
    store.commit(fixture::insert(&same_reference)).await.unwrap_err();
    assert_eq!(store.recent.payment(same_reference.id), None);
    assert_eq!(store.recent.payment(payment.id), Some(payment));
}

#[test]
fn commits_are_counted_around_the_end_of_the_counter() {
    let at = |commits: u32, other: u8| {
        let mut bytes = [other; HEADER];
        bytes[COMMITS].copy_from_slice(&commits.to_ne_bytes());
        Moment(bytes)
    };
    assert_eq!(at(5, 1).commits_since(&at(4, 2)), 1);
    assert_eq!(at(0, 1).commits_since(&at(u32::MAX, 1)), 1);
    assert_eq!(at(5, 1).commits_since(&at(5, 2)), 0);
    assert_ne!(at(4, 1).commits_since(&at(5, 1)), 1);
}

/// The log is emptied when nothing is written for a while, and its index then looks different.
#[tokio::test]
async fn an_emptied_log_forgets_nothing() {
    let (folder, store) = store();
    let payment = fixture::payment(1, "still remembered");
    store.commit(fixture::insert(&payment)).await.unwrap();
    let log = folder.path().join("t.db-wal");
    for _wait in 0..200 {
        if std::fs::metadata(&log).unwrap().len() == 0 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!(std::fs::metadata(&log).unwrap().len(), 0);
    // The writer is told of it after the log is empty.
    store.commit(Changeset::default()).await.unwrap();
    assert_eq!(store.recent.payment(payment.id), Some(payment));
}

/// Another process counts up in a payment's row, this one writes other payments and now and then
/// that one: nobody is ever told of less than what was committed before the question.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_others_write_is_seen_at_once() {
    let (folder, store) = store();
    let payment = fixture::payment(1, "counted up by others");
    store.commit(fixture::insert(&payment)).await.unwrap();
    let id = payment.id;
    let ends = Arc::new(AtomicBool::new(false));
    let counted = Arc::new(Mutex::new(0));
    let mut tasks = tokio::task::JoinSet::new();
    for lane in 0_u64..3 {
        let (store, ends) = (Arc::clone(&store), Arc::clone(&ends));
        tasks.spawn(async move {
            for number in 0.. {
                if ends.load(Ordering::Relaxed) {
                    break;
                }
                let draw = 10 + lane + 3 * number;
                let other = fixture::payment(draw, &format!("another {draw}"));
                store.commit(fixture::insert(&other)).await.unwrap();
            }
            0_u64
        });
    }
    for _reader in 0..2 {
        let (store, ends) = (Arc::clone(&store), Arc::clone(&ends));
        let counted = Arc::clone(&counted);
        tasks.spawn(async move {
            let (mut seen, mut from_memory) = (0, 0);
            while !ends.load(Ordering::Relaxed) {
                let at_least = seen.max(*counted.lock().unwrap());
                if let Some(payment) = store.recent.payment(id) {
                    from_memory += 1;
                    assert!(payment.notices >= at_least, "{} of {at_least}", payment.notices);
                }
                let payment = store.payment(Scope::Everything, id).await.unwrap().unwrap();
                assert!(payment.notices >= at_least, "{} of {at_least}", payment.notices);
                seen = payment.notices;
                tokio::task::yield_now().await;
            }
            from_memory
        });
    }
    let other_process = Connection::open(folder.path().join("t.db")).unwrap();
    other_process.busy_timeout(std::time::Duration::from_secs(20)).unwrap();
    let mut expected = payment;
    for round in 1..=200_i32 {
        other_process
            .execute("UPDATE payments SET notices = notices + 1 WHERE id = ?1", [id.stored()])
            .unwrap();
        *counted.lock().unwrap() += 1;
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        if round % 5 == 0 {
            // Its own change of that payment, upon what the other process wrote.
            let now = store.payment(Scope::Everything, id).await.unwrap().unwrap();
            assert_eq!(now.notices, round);
            let before = now.version;
            expected = Payment { version: before + 1, ..now };
            let update = engine::changeset::PaymentChange::Update {
                payment: Box::new(expected.clone()),
                expected_version: before,
            };
            let changeset = Changeset { payment: Some(update), ..Changeset::default() };
            store.commit(changeset).await.unwrap();
            assert_eq!(store.payment(Scope::Everything, id).await.unwrap(), Some(expected.clone()));
            tokio::time::sleep(std::time::Duration::from_millis(3)).await;
        }
    }
    ends.store(true, Ordering::Relaxed);
    let from_memory: u64 = tasks.join_all().await.into_iter().sum();
    assert!(from_memory > 0, "nothing was answered from memory");
    assert_eq!(expected.notices, 200);
}
