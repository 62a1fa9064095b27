use super::*;
use crate::audit_chain::AuditKey;
use crate::postgres::{Address, Options, PostgresStore, is_postgres};
use crate::sqlite::{Mover, SqliteStore};
use crate::vault::Vault;
use domain::event::Event;
use domain::id::PaymentId;
use domain::payment::Payment;
use engine::actor::Scope;
use engine::changeset::{Changeset, PaymentChange};
use engine::error::CommitError;
use engine::ports::Store;
use std::time::Duration;
use testkit::fixture;
use testkit::postgres::Cluster;

const MASTER: [u8; 32] = [7; 32];

fn audit_key() -> AuditKey {
    AuditKey::new(&[9; 32])
}

fn identity() -> Identity {
    let key_check = crate::vault::key_check(&MASTER).unwrap();
    Identity { key_check, demo: false, made_at: "here".to_owned() }
}

async fn begin(url: &str) -> Setup {
    assert!(is_postgres(url));
    Setup::begin(&Address::parse(url).unwrap(), &Options::default()).await.unwrap()
}

/// Tables of the schema that SQLite has and the copy does not name.
#[tokio::test]
async fn no_table_and_no_column_is_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tollgate.db");
    crate::sqlite::migrate(&path).unwrap();
    let connection = Connection::open(&path).unwrap();
    let mut statement = connection
        .prepare(
            "SELECT m.name, c.name FROM sqlite_schema m JOIN pragma_table_info(m.name) c \
             WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%'",
        )
        .unwrap();
    let rows = statement.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get(1)?)));
    for (table, column) in rows.unwrap().map(Result::<(String, String), _>::unwrap) {
        // Known to the target by itself, or by another name.
        // What is archived is a payment like all others there.
        if ["schema_migrations", "accounts", "archived_payments"].contains(&&*table)
            || ["place", "cause_place"].contains(&&*column)
        {
            continue;
        }
        let found = TABLES.iter().find(|one| one.name == table);
        let found = found.unwrap_or_else(|| panic!("{table} is not copied"));
        assert!(found.columns().iter().any(|one| one.name == column), "{table}.{column}");
    }
}

/// Rows of every kind.
async fn fill(store: &SqliteStore) {
    testkit::conformance::run(store).await;
    testkit::conformance_desks::run(store, store).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_row_arrives_and_a_full_target_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("tollgate.db");
    let store =
        SqliteStore::open(&database, crate::sqlite::Options::new(AuditKey::new(&[7; 32]))).unwrap();
    fill(&store).await;
    let mut payments = Vec::new();
    for draw in 5000..7500 {
        let payment = fixture::payment(draw, &format!("copied {draw} \u{1F600}"));
        payments.push(payment);
    }
    let inserts = payments.iter().map(|payment| store.commit(fixture::insert(payment)));
    for insert in inserts {
        insert.await.unwrap();
    }
    let balances = store.balances(Scope::Everything).await.unwrap();
    let archived = archive_some(&store, &database).await;
    let ended = store.ended();
    drop(store);
    ended.await.unwrap();

    let cluster = Cluster::shared();
    let name = cluster.create_database();
    let url = cluster.url(&name);
    let setup = begin(&url).await;
    let hour_keys = folder.path().join("hour-keys");
    let source = Source { database: database.clone(), hour_keys, master: &MASTER };
    let copied = copy(&source, &setup, &identity(), |_table| {}).await.unwrap();
    let of = |table: &str| copied.iter().find(|one| one.table == table).unwrap().rows;
    assert!(of("payments") > 2500 && of("events") > 2500 && of("postings") >= 4, "{copied:?}");
    let again = copy(&source, &setup, &identity(), |_table| {}).await.unwrap_err();
    assert!(matches!(again, CopyError::NotEmpty(_)), "{again}");
    setup.finish().await.unwrap();
    let address = Address::parse(&url).unwrap();
    let target = PostgresStore::open(&address, Options::default(), audit_key()).await.unwrap();
    for payment in &payments {
        let stored = target.payment(Scope::Everything, payment.id).await.unwrap();
        assert_eq!(stored.as_ref(), Some(payment));
        assert_eq!(target.held_card(payment.id).await.unwrap(), Some(fixture::sealed_card()));
    }
    assert_eq!(target.balances(Scope::Everything).await.unwrap(), balances);
    for (payment, events) in archived {
        let stored = target.payment(Scope::Everything, payment.id).await.unwrap();
        assert_eq!(stored.as_ref(), Some(&payment));
        assert_eq!(target.events(payment.id).await.unwrap(), events);
    }
    // What PostgreSQL keeps beside the payments was made of them, each in its month.
    let twin = fixture::payment(9999, payments[0].reference.as_str());
    let refused = target.commit(fixture::insert(&twin)).await;
    assert!(matches!(refused, Err(CommitError::ReferenceTaken)), "{refused:?}");
    for (derived, from) in [
        ("payment_references", "payments"),
        ("due_payments", "payments WHERE due_at IS NOT NULL"),
        ("due_deliveries", "deliveries WHERE next_at IS NOT NULL"),
        ("payments_2504", "payments WHERE id / 100000000000000 = 2504"),
    ] {
        let count = |rows: &str| cluster.sql(&name, &format!("SELECT count(*) FROM {rows}"));
        assert_eq!(count(derived), count(from), "{derived}");
    }
    // The log goes on behind what was copied.
    let line = engine::changeset::AuditLine {
        at: fixture::now(),
        actor: "operator",
        caller: None,
        action: "test",
        result: "done",
        terminal: None,
        request_id: None,
        detail: String::new(),
        merchant: None,
        user: None,
    };
    target.commit(Changeset::audit(line)).await.unwrap();
    assert!(Vault::with_table(&MASTER, &target).await.is_ok());
}

/// Has some payments end and archives them, one of which comes back; with their events.
async fn archive_some(store: &SqliteStore, database: &Path) -> Vec<(Payment, Vec<Event>)> {
    let mut ended = Vec::new();
    for draw in 0..30 {
        let payment = Payment {
            attempt: 2,
            id: PaymentId::new(fixture::now().plus(Duration::from_secs(draw)), [0; 8]),
            ..fixture::payment(0, &format!("archived {draw}"))
        };
        let insert = Changeset { card: None, ..fixture::insert(&payment) };
        store.commit(insert).await.unwrap();
        let cancelled = payment.cancel(fixture::now()).unwrap();
        let changeset = Changeset::payment_changed("cancel", cancelled.clone());
        store.commit(Changeset { card: None, ..changeset }).await.unwrap();
        ended.push(cancelled.payment);
    }
    let mut mover = Mover::open(database, ended[0].id.year()).unwrap();
    let mut moved = 0;
    loop {
        let step = mover.step().unwrap();
        moved += step.moved;
        if step.ended {
            break;
        }
    }
    assert!(moved >= 29, "{moved}");
    mover.finish().unwrap();
    // Its copy in the archive is of no effect.
    let back = Changeset {
        name: "back",
        payment: Some(PaymentChange::Update {
            expected_version: ended[3].version,
            payment: Box::new(ended[3].clone()),
        }),
        ..Changeset::default()
    };
    store.commit(back).await.unwrap();
    let mut all = Vec::new();
    for payment in ended {
        let events = store.events(payment.id).await.unwrap();
        assert_eq!(events.len(), 2);
        all.push((payment, events));
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_archive_is_not_left_behind() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("tollgate.db");
    let store =
        SqliteStore::open(&database, crate::sqlite::Options::new(AuditKey::new(&[7; 32]))).unwrap();
    archive_some(&store, &database).await;
    drop(store);
    std::fs::remove_file(folder.path().join("archive-2025.db")).unwrap();
    let (pages, _arriving) = mpsc::channel(9);
    let error = read_pages(&database, &TABLES[0], &pages).unwrap_err().to_string();
    assert!(error.contains("archive-2025.db is missing"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_arrives_otherwise_is_not_committed() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("tollgate.db");
    let store =
        SqliteStore::open(&database, crate::sqlite::Options::new(AuditKey::new(&[7; 32]))).unwrap();
    store.commit(fixture::insert(&fixture::payment(1, "spoilt"))).await.unwrap();
    let ended = store.ended();
    drop(store);
    ended.await.unwrap();
    let cluster = Cluster::shared();
    let name = cluster.create_database();
    let setup = begin(&cluster.url(&name)).await;
    setup.migrate().await.unwrap();
    cluster.sql(
        &name,
        "CREATE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS
             $$ BEGIN NEW.reference = 'x'; RETURN NEW; END $$;
         CREATE TRIGGER spoil BEFORE INSERT ON payments FOR EACH ROW EXECUTE FUNCTION spoil()",
    );
    let hour_keys = folder.path().join("hour-keys");
    let source = Source { database, hour_keys, master: &MASTER };
    let error = copy(&source, &setup, &identity(), |_table| {}).await.unwrap_err();
    assert!(matches!(error, CopyError::Differs { table: "payments", .. }), "{error}");
    assert_eq!(cluster.sql(&name, "SELECT count(*) FROM merchants, payments, gateway"), "0");
}
