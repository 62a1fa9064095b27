use super::*;
use crate::migrations::MIGRATIONS;
use crate::vault::Vault;
use domain::card::{Brand, Card, CardNumber, Expiry, SecurityCode};
use engine::changeset::PaymentChange;
use engine::error::VaultError;
use engine::ports::Vault as _;
use std::collections::{BTreeMap, BTreeSet};
use testkit::fixture;
use testkit::postgres::Cluster;
use tokio::time::Instant;

fn audit_key() -> AuditKey {
    AuditKey::new(&[9; 32])
}

fn identity() -> Identity {
    Identity { key_check: vec![1], demo: false, made_at: "here".to_owned() }
}

async fn set_up(url: &str) -> Address {
    let address = Address::parse(url).unwrap();
    let setup = Setup::begin(&address, &Options::default()).await.unwrap();
    setup.migrate().await.unwrap();
    if setup.identity().await.unwrap().is_none() {
        setup.set_identity(&identity()).await.unwrap();
    }
    assert_eq!(setup.identity().await.unwrap(), Some(identity()));
    setup.finish().await.unwrap();
    address
}

async fn open_with(url: &str, options: Options) -> PostgresStore {
    PostgresStore::open(&set_up(url).await, options, audit_key()).await.unwrap()
}

pub(super) async fn open(url: &str) -> PostgresStore {
    open_with(url, Options { connections: 2, ..Options::default() }).await
}

/// A connection beside those that the store works with, to hold locks.
async fn other_session(store: &PostgresStore) -> Arc<Session> {
    let link = store.care().await.unwrap();
    link.session(Instant::now() + Duration::from_secs(30)).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn keeps_the_contract() {
    let store = open(&Cluster::shared().database()).await;
    testkit::conformance::run(&store).await;
    testkit::conformance_desks::run(&store, &store).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn new_payments_have_half_of_the_queue() {
    use testkit::conformance_pressure as pressure;
    let url = Cluster::shared().database();
    let options = Options { queue: 16, batch: 1, connections: 2, ..Options::default() };
    let store = open_with(&url, options).await;
    for payment in pressure::existing() {
        store.commit(fixture::insert(&payment)).await.unwrap();
    }
    let other = other_session(&store).await;
    other.client().batch_execute("BEGIN; LOCK TABLE payments IN EXCLUSIVE MODE").await.unwrap();
    let answers = async { other.client().batch_execute("ROLLBACK").await.unwrap() };
    pressure::payments_that_exist_have_the_rest_of_the_queue(&store, 16, answers).await;
}

/// A small source of numbers that repeat from run to run.
struct Draw(u64);

impl Draw {
    fn below(&mut self, most: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % most
    }

    fn place(&mut self, length: usize) -> usize {
        usize::try_from(self.below(u64::try_from(length).unwrap())).unwrap()
    }
}

/// What one command of a round was about.
#[derive(Debug)]
enum About {
    New { payment: Box<Payment> },
    Change,
}

fn random_change(draw: &mut Draw, known: &[Payment]) -> (About, Changeset) {
    if known.is_empty() || draw.below(3) == 0 {
        let number = draw.below(40);
        let payment = fixture::payment(number, &format!("reference {}", draw.below(30)));
        let changeset = fixture::insert(&payment);
        return (About::New { payment: Box::new(payment) }, changeset);
    }
    let place = draw.place(known.len());
    let payment = known[place].clone();
    // The present version as a rule, sometimes an older or a newer one.
    let version = payment.version + [0, 0, 0, 9, -1][draw.place(5)];
    let payment = Payment { version, ..payment };
    let changed = if draw.below(2) == 0 {
        payment.clone().open_challenge(fixture::now())
    } else {
        payment.clone().cancel(fixture::now())
    };
    let changed = changed.unwrap_or_else(|_| payment.clone().cancel(fixture::now()).unwrap());
    let mut changeset = Changeset::payment_changed("change", changed.clone());
    if changed.payment.state.decided_at().is_some() {
        let id = DeliveryId::own(payment.id, 1);
        let delivery = domain::delivery::NewDelivery { id, ..fixture::delivery(&payment) };
        changeset.deliveries.push(delivery);
    }
    (About::Change, changeset)
}

fn payment_of(changeset: &Changeset) -> Payment {
    match &changeset.payment {
        Some(PaymentChange::Insert(payment) | PaymentChange::Update { payment, .. }) => {
            (**payment).clone()
        }
        None => panic!("every one of these has a payment"),
    }
}

/// Random changesets, many about the same rows, from two nodes at once; after each round the
/// database must be what the answers say.
#[tokio::test(flavor = "multi_thread")]
async fn every_changeset_is_done_whole_or_not_at_all_and_told_so() {
    let cluster = Cluster::shared();
    let name = cluster.create_database();
    let url = cluster.url(&name);
    let nodes = [Arc::new(open(&url).await), Arc::new(open(&url).await)];
    let mut draw = Draw(0x5eed_5eed_5eed_5eed);
    let mut model: BTreeMap<PaymentId, Payment> = BTreeMap::new();
    let mut refusals: BTreeSet<String> = BTreeSet::new();
    for round in 0..40_usize {
        let open_ones = |payment: &&Payment| payment.state.customer_may_act();
        let known: Vec<Payment> = model.values().filter(open_ones).cloned().collect();
        let mut running = tokio::task::JoinSet::new();
        for number in 0..60_usize {
            let (about, changeset) = random_change(&mut draw, &known);
            let node = Arc::clone(&nodes[number % 2]);
            running.spawn(async move {
                let after = payment_of(&changeset);
                (about, after, node.commit(changeset).await)
            });
        }
        let mut done: BTreeMap<PaymentId, BTreeMap<i64, Payment>> = BTreeMap::new();
        while let Some(result) = running.join_next().await {
            let (about, after, reply) = result.unwrap();
            match (&about, reply) {
                (_, Ok(())) => {
                    let twice = done.entry(after.id).or_default().insert(after.version, after);
                    assert!(twice.is_none(), "round {round}: {about:?} was done twice");
                }
                (About::New { payment }, Err(error)) => {
                    refusals.insert(error.to_string());
                    let reference_taken = matches!(error, CommitError::ReferenceTaken)
                        && !model.contains_key(&payment.id);
                    let right = reference_taken || matches!(error, CommitError::NumberTaken);
                    assert!(right, "round {round}: {payment:?}: {error}");
                }
                (About::Change, Err(CommitError::Stale("payment"))) => {
                    refusals.insert("stale".to_owned());
                }
                (about, Err(error)) => panic!("round {round}: {about:?}: {error}"),
            }
        }
        for (id, versions) in done {
            for (version, after) in versions {
                let before = model.get(&id).map_or(0, |payment| payment.version);
                assert_eq!(version, before + 1, "round {round}: {id} skipped a version");
                model.insert(id, after);
            }
        }
        for payment in model.values() {
            let stored = nodes[round % 2].payment(Scope::Everything, payment.id).await.unwrap();
            assert_eq!(stored.as_ref(), Some(payment), "round {round}");
        }
    }
    assert_eq!(refusals.len(), 3, "every refusal occurred: {refusals:?}");
    // Whatever hangs on a payment was written with it and with nothing else.
    let wrong = cluster.sql(
        &name,
        "SELECT count(*) FROM payments p WHERE
             version <> (SELECT count(*) FROM events e WHERE e.payment_id = p.id)
             OR (due_at IS NULL) <> EXISTS (SELECT 1 FROM deliveries d WHERE d.payment_id = p.id)
             OR (due_at IS NULL) = EXISTS (SELECT 1 FROM held_cards h WHERE h.payment_id = p.id)",
    );
    assert_eq!(wrong, "0");
    let counts =
        "SELECT (SELECT count(*) FROM payments), (SELECT count(DISTINCT payment_id) FROM events)";
    let found = cluster.sql(&name, counts);
    assert_eq!(found, format!("{0}|{0}", model.len()));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_hundred_equal_references_one_wins_across_nodes() {
    let url = Cluster::shared().database();
    let nodes = [Arc::new(open(&url).await), Arc::new(open(&url).await)];
    let mut all = tokio::task::JoinSet::new();
    for (draw, node) in (0..100).zip(nodes.iter().cycle()) {
        let node = Arc::clone(node);
        let payment = fixture::payment(draw, "same");
        all.spawn(async move { node.commit(fixture::insert(&payment)).await });
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
    let options = Options { queue: 1, batch: 1, connections: 1, ..Options::default() };
    let store = open_with(&Cluster::shared().database(), options).await;
    let mut futures: Vec<_> = (0..50)
        .map(|draw| store.commit(fixture::insert(&fixture::payment(draw, &format!("{draw}")))))
        .collect();
    let mut busy = 0;
    // Polled once each without a pause, so that nobody can keep up.
    for future in &mut futures {
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        if let std::task::Poll::Ready(Err(CommitError::Busy)) = future.as_mut().poll(&mut context) {
            busy += 1;
        }
    }
    assert!(busy > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_the_schema_refuses_does_not_spoil_its_batch() {
    let store = Arc::new(open(&Cluster::shared().database()).await);
    let mut all = tokio::task::JoinSet::new();
    for draw in 0..60_u64 {
        let store = Arc::clone(&store);
        let mut payment = fixture::payment(draw, &format!("spoilt {draw}"));
        let bad = draw % 10 == 3;
        if bad {
            // A waiting payment without a next step: a rule of the schema forbids it.
            payment.due_at = None;
        }
        all.spawn(async move { (bad, store.commit(fixture::insert(&payment)).await) });
    }
    while let Some(result) = all.join_next().await {
        let (bad, reply) = result.unwrap();
        assert_eq!(bad, matches!(reply, Err(CommitError::Unavailable(_))), "{reply:?}");
        assert!(bad || reply.is_ok(), "{reply:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_waits_for_a_lock_does_not_hold_up_the_next() {
    let cluster = Cluster::shared();
    let name = cluster.create_database();
    let count = |those: &str| {
        let sql = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND ";
        cluster.sql(&name, &format!("{sql}{those}"))
    };
    let store = Arc::new(open(&cluster.url(&name)).await);
    let payments: Vec<Payment> =
        (0..30).map(|draw| fixture::payment(draw, &format!("{draw}"))).collect();
    for payment in &payments {
        store.commit(fixture::insert(payment)).await.unwrap();
    }
    // One after the other go over the same connection.
    assert_eq!(count("query LIKE 'WITH referenced%'"), "1");
    let other = other_session(&store).await;
    let lock =
        format!("BEGIN; SELECT FROM payments WHERE id = {} FOR UPDATE", payments[0].id.stored());
    other.client().batch_execute(&lock).await.unwrap();
    let change = payments[0].clone().cancel(fixture::now()).unwrap();
    let held_up = tokio::spawn({
        let store = Arc::clone(&store);
        async move { store.commit(Changeset::payment_changed("change", change)).await }
    });
    while count("wait_event_type = 'Lock'") == "0" {
        assert!(!held_up.is_finished());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    store.commit(fixture::insert(&fixture::payment(30, "next"))).await.unwrap();
    assert!(!held_up.is_finished());
    other.client().batch_execute("ROLLBACK").await.unwrap();
    held_up.await.unwrap().unwrap();
}

/// Deliveries of the release before queues had names.
#[tokio::test(flavor = "multi_thread")]
async fn deliveries_of_before_wait_in_a_queue_of_their_merchant() {
    let cluster = Cluster::shared();
    let name = cluster.create_database();
    let payment = fixture::payment(1, "before");
    let history = "CREATE TABLE schema_migrations (version bigint PRIMARY KEY, name text NOT NULL, \
                   applied_at bigint NOT NULL, compatible_from bigint NOT NULL); \
                   INSERT INTO schema_migrations VALUES (3, 'orders', 0, 3)";
    for migration in MIGRATIONS.iter().filter(|migration| migration.number < 4) {
        cluster.sql(&name, migration.postgres);
    }
    cluster.sql(&name, history);
    for (sequence, state, next_at) in [(1, "pending", "5"), (2, "delivered", "NULL")] {
        let sql = format!(
            "INSERT INTO deliveries VALUES (9, {}, {sequence}, 42, 'https://shop.example/', \
             'text/plain', 'body', 4, '{state}', 1, {next_at}, 3, 500, 'answered 500', NULL)",
            payment.id.stored()
        );
        cluster.sql(&name, &sql);
    }
    let store = open(&cluster.url(&name)).await;
    let queue = Destination(9);
    let now = Timestamp::from_micros(6);
    let due = store.due_destinations(None, now, 10).await.unwrap().due;
    assert_eq!(due.iter().map(|due| due.destination).collect::<Vec<_>>(), [queue]);
    let lease = Duration::from_secs(1);
    let claimed = store.claim_deliveries(now, lease, &[(queue, 9)]).await.unwrap();
    assert_eq!(claimed.len(), 1);
    assert_eq!((claimed[0].id, claimed[0].attempts), (DeliveryId::own(payment.id, 1), 1));
    assert_eq!(claimed[0].begun_at, Timestamp::from_micros(4));
    assert_eq!(cluster.sql(&name, "SELECT count(*) FROM deliveries"), "2");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_impossible_row_is_named() {
    let cluster = Cluster::shared();
    let name = cluster.create_database();
    let store = open(&cluster.url(&name)).await;
    let payment = fixture::payment(1, "broken");
    store.commit(fixture::insert(&payment)).await.unwrap();
    // Behind the gateway's back; the schema lets this one pass.
    cluster.sql(&name, "UPDATE payments SET facts = '{\"state\":\"expired\",\"at\":1}'");
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
        "UPDATE payments SET captured_minor = 1",
        "UPDATE events SET at = 1",
        "DELETE FROM events",
        "TRUNCATE events",
        "DELETE FROM postings",
        "UPDATE audit_log SET at = 1",
    ] {
        assert!(cluster.try_sql(&name, sql).is_err(), "{sql}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn newer_schemas_say_who_can_work_with_them() {
    let cluster = Cluster::shared();
    let name = cluster.create_database();
    let address = set_up(&cluster.url(&name)).await;
    let known = Version::known();
    let later = |compatible_from: i64| {
        cluster.sql(
            &name,
            &format!(
                "INSERT INTO schema_migrations VALUES ({}, 'later', 0, {compatible_from}) \
                 ON CONFLICT (version) DO UPDATE SET compatible_from = excluded.compatible_from",
                known + 1
            ),
        );
    };
    later(known);
    let options = Options { connections: 1, ..Options::default() };
    let setup = Setup::begin(&address, &options).await.unwrap();
    setup.migrate().await.unwrap();
    setup.finish().await.unwrap();
    drop(PostgresStore::open(&address, options, audit_key()).await.unwrap());
    later(known + 1);
    let setup = Setup::begin(&address, &options).await.unwrap();
    let error = setup.migrate().await.unwrap_err().to_string();
    assert!(error.ends_with("use a newer tollgate"), "{error}");
    assert!(PostgresStore::open(&address, options, audit_key()).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn unsafe_servers_are_refused_in_one_line() {
    let cluster = Cluster::start_with("synchronous_commit = off");
    // Our own sessions say otherwise, so this one is safe.
    let address = set_up(&cluster.url("postgres")).await;
    let setup = Setup::begin(&address, &Options::default()).await.unwrap();
    setup.finish().await.unwrap();
    for setting in ["fsync", "full_page_writes"] {
        cluster.configure(&format!("{setting} = off"));
        cluster.stop();
        cluster.start_again();
        let error = Setup::begin(&address, &Options::default()).await.unwrap_err().to_string();
        let begins = format!("{setting} is off on the PostgreSQL server");
        assert!(error.starts_with(&begins) && error.lines().count() == 1, "{error}");
        assert!(PostgresStore::open(&address, Options::default(), audit_key()).await.is_err());
        cluster.configure(&format!("{setting} = on"));
    }
}

fn card() -> Card {
    Card {
        number: CardNumber::parse("4111111111111111", true).unwrap(),
        security_code: SecurityCode::parse("737", Brand::Visa).unwrap(),
        expiry: Expiry { year: 2030, month: 1 },
    }
}

fn now() -> Timestamp {
    let since = std::time::UNIX_EPOCH.elapsed().unwrap();
    Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_share_the_keys_of_the_hours_and_publish_them_again_after_a_crash() {
    let cluster = Cluster::start();
    let name = cluster.create_database();
    let (one, two) = (open(&cluster.url(&name)).await, open(&cluster.url(&name)).await);
    let vault = Vault::with_table(&[7; 32], &one).await.unwrap();
    let other = Vault::with_table(&[7; 32], &two).await.unwrap();
    assert!(Vault::with_table(&[8; 32], &two).await.is_err(), "another master key");
    let id = PaymentId::new(now(), [1; 8]);
    let sealed = vault.seal_card(id, &card(), now()).unwrap();
    assert_eq!(other.open_card(id, &sealed).unwrap().security_code.unwrap().reveal(), "737");
    let next_hour = now().plus(Duration::from_hours(1));
    let later = other.seal_card(id, &card(), next_hour).unwrap();
    assert!(vault.open_card(id, &later).is_ok(), "the next hour's key is there already");
    assert_eq!(cluster.sql(&name, "SELECT count(*) FROM hour_keys"), "2");
    let kind = "SELECT relpersistence FROM pg_class WHERE relname = 'hour_keys'";
    assert_eq!(cluster.sql(&name, kind), "u");
    let keys = "SELECT string_agg(encode(name, 'hex'), ',' ORDER BY name) FROM hour_keys";
    let before = cluster.sql(&name, keys);

    // What outlived its time goes, and its file with it.
    let file = cluster.sql(&name, "SELECT pg_relation_filepath('hour_keys')");
    cluster.sql(&name, "INSERT INTO hour_keys VALUES (1, '\\x0102030405060708', '\\x00')");
    cluster.kill();
    cluster.start_again();
    let began = Instant::now();
    while cluster.sql(&name, keys) != before {
        assert!(began.elapsed() < Duration::from_secs(10), "not published again");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(other.open_card(id, &sealed).is_ok());
    cluster.sql(&name, "INSERT INTO hour_keys VALUES (1, '\\x0102030405060708', '\\x00')");
    cluster.sql(&name, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname IS NOT NULL");
    let began = Instant::now();
    while cluster.sql(&name, keys) != before {
        assert!(began.elapsed() < Duration::from_secs(10), "the old key is still there");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_ne!(cluster.sql(&name, "SELECT pg_relation_filepath('hour_keys')"), file);
    let third = Vault::with_table(&[7; 32], &two).await.unwrap();
    assert!(third.open_card(id, &sealed).is_ok(), "a node that starts now");
    vault.destroy_old_keys(now().plus(Duration::from_hours(2))).unwrap();
    assert!(matches!(vault.open_card(id, &sealed), Err(VaultError::KeyDestroyed)));
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_server_is_away_commits_fail_soon_and_then_go_on() {
    let cluster = Cluster::start();
    let store = open(&cluster.database()).await;
    store.commit(fixture::insert(&fixture::payment(1, "before"))).await.unwrap();
    cluster.kill();
    for draw in 2..5 {
        let began = Instant::now();
        let reply = store.commit(fixture::insert(&fixture::payment(draw, "away"))).await;
        assert!(matches!(reply, Err(CommitError::Unavailable(_))), "{reply:?}");
        assert!(store.ping().await.is_err());
        assert!(began.elapsed() < Duration::from_millis(4500), "{:?}", began.elapsed());
    }
    cluster.start_again();
    let began = Instant::now();
    // The first one finds the connection open again within the time that it waits for one.
    store.commit(fixture::insert(&fixture::payment(6, "after"))).await.unwrap();
    store.ping().await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    let before = fixture::payment(1, "before");
    assert_eq!(store.payment(Scope::Everything, before.id).await.unwrap(), Some(before));
    // A caller that goes away does not take its changeset back.
    let payment = fixture::payment(7, "dropped");
    let mut commit = store.commit(fixture::insert(&payment));
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(commit.as_mut().poll(&mut context).is_pending());
    drop(commit);
    let began = Instant::now();
    while store.payment(Scope::Everything, payment.id).await.unwrap().is_none() {
        assert!(began.elapsed() < Duration::from_secs(5), "it was taken back");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_its_standby_did_not_confirm_is_not_acknowledged() {
    let cluster = Cluster::start();
    let store = open(&cluster.database()).await;
    // Nobody has this name, so that every commit waits for ever.
    cluster.sql("postgres", "ALTER SYSTEM SET synchronous_standby_names = 'nobody'");
    cluster.reload();
    tokio::time::sleep(Duration::from_millis(300)).await;
    let payment = fixture::payment(1, "unconfirmed");
    let commit = store.commit(fixture::insert(&payment));
    let cancel = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        // An operator's cancel ends the wait, and the server calls that a success with a warning.
        cluster.sql(
            "postgres",
            "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'",
        );
    };
    let (reply, ()) = tokio::join!(commit, cancel);
    assert!(matches!(reply, Err(CommitError::Unavailable(_))), "{reply:?}");
    // One that hangs is given up in time, and when the standby is no longer asked for, all is well.
    let began = Instant::now();
    let reply = store.commit(fixture::insert(&fixture::payment(2, "hangs"))).await;
    assert!(matches!(reply, Err(CommitError::Unavailable(_))), "{reply:?}");
    assert!(began.elapsed() < Duration::from_secs(9), "{:?}", began.elapsed());
    cluster.demand_no_standby();
    let began = Instant::now();
    loop {
        let payment = fixture::payment(3, "goes on");
        match store.commit(fixture::insert(&payment)).await {
            Ok(()) | Err(CommitError::NumberTaken) => break,
            Err(_) => assert!(began.elapsed() < Duration::from_secs(10), "it never goes on"),
        }
    }
}
