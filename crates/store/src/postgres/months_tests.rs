//! A payment costs the same however many months there are.

use super::tests::open;
use super::*;
use domain::call::Word;
use domain::delivery::{Attempt, Attempted, NewDelivery, NextStep};
use domain::id::MerchantId;
use domain::outcome::{BankFacts, Outcome};
use testkit::fixture;
use testkit::postgres::Cluster;

/// Makes so many months from May of 2022 on, with a few payments in each and thousands in April of 2025,
/// all with an event and a delivery.
fn fill(cluster: &Cluster, name: &str, months: i64) {
    let sql = format!(
        "SELECT make_month(2504);
         INSERT INTO payments SELECT r.* FROM payments p, generate_series(1, 5000) n,
             jsonb_populate_record(p, jsonb_build_object(
                 'id', 250401000000100000 + n::bigint * 1000000, 'reference', 'dense ' || n)) r;
         SELECT make_month(month::int) FROM
             (SELECT (22 + (m + 4) / 12) * 100 + 1 + (m + 4) % 12 AS month FROM generate_series(0, {months} - 1) m)
             AS months;
         INSERT INTO payments SELECT r.* FROM (SELECT payments AS p FROM payments LIMIT 1) one,
             generate_series(0, {months} - 1) m, generate_series(1, 20) n,
             jsonb_populate_record(one.p, jsonb_build_object(
                 'id', ((22 + (m + 4) / 12) * 100 + 1 + (m + 4) % 12) * 100000000000000 + 1000000100000 + n,
                 'reference', 'thin ' || m || '/' || n)) r
         WHERE (22 + (m + 4) / 12) * 100 + 1 + (m + 4) % 12 < 2504;
         INSERT INTO payment_references SELECT ter_no, reference, attempt, id FROM payments
         ON CONFLICT DO NOTHING;
         INSERT INTO events SELECT r.*
         FROM payments p, (SELECT events AS e FROM events LIMIT 1) one,
             jsonb_populate_record(one.e, jsonb_build_object('payment_id', p.id)) r
         ON CONFLICT DO NOTHING;
         INSERT INTO deliveries (merchant_id, payment_id, sequence, endpoint, ter_no, event_type, url,
             destination, content_type, body, created_at, begun_at, state, attempts)
         SELECT merchant_id, id, 1, 0, ter_no, 'payment.approved', 'https://shop.example/', 1, 'text/plain',
             'body', id, id, 'delivered', 1 FROM payments;
         ANALYZE"
    );
    cluster.sql(name, &sql);
}

/// Plans of statements that were run since then, each in one piece.
fn plans_since(cluster: &Cluster, from: usize) -> Vec<String> {
    let log = cluster.log();
    let plans = log[from..].split("LOG:  duration:").skip(1);
    plans.filter(|plan| !plan.contains("pg_prepared")).map(str::to_owned).collect()
}

/// Pages that a plan touched, as its first line about buffers says; what is inside is counted in it.
fn pages(plan: &str) -> u64 {
    let mut all = 0;
    // Parts of a WITH stand beside each other; the outermost line is not the sum of all of them.
    for line in plan.lines().filter(|line| line.trim_start().starts_with("Buffers:")) {
        let depth = line.len() - line.trim_start().len();
        let counted = |word: &str| {
            let found = line.split(word).nth(1).and_then(|rest| {
                rest.split(|c: char| !c.is_ascii_digit()).next().and_then(|n| n.parse::<u64>().ok())
            });
            found.unwrap_or(0)
        };
        if depth <= 12 {
            all += counted("shared hit=") + counted(" read=");
        }
    }
    all
}

/// The months whose tables a plan went through.
fn months_of(plan: &str) -> std::collections::BTreeSet<String> {
    let ran = plan.lines().filter(|line| {
        (line.contains(" on ") || line.contains("using ")) && !line.contains("never executed")
    });
    let words = ran.flat_map(|line| line.split([' ', '"', ','])).map(str::to_owned);
    let month = |word: String| {
        let (_table, month) = word.rsplit_once('_')?;
        let is_month = month.len() == 4 && month.bytes().all(|b| b.is_ascii_digit());
        is_month.then(|| month.to_owned())
    };
    words.filter_map(month).collect()
}

/// What was done, in the order done: for each step the pages and the months touched.
struct Watched<'a> {
    cluster: &'a Cluster,
    steps: Vec<(&'static str, u64, usize)>,
}

impl Watched<'_> {
    async fn step<T>(&mut self, name: &'static str, doing: impl Future<Output = T>) -> T {
        let from = self.cluster.log().len();
        let done = doing.await;
        let plans = plans_since(self.cluster, from);
        assert!(!plans.is_empty(), "{name}: no plan was logged");
        let touched: u64 = plans.iter().map(|plan| pages(plan)).sum();
        let months: std::collections::BTreeSet<_> =
            plans.iter().flat_map(|plan| months_of(plan)).collect();
        self.steps.push((name, touched, months.len()));
        done
    }
}

async fn life(cluster: &Cluster, store: &PostgresStore) -> Vec<(&'static str, u64, usize)> {
    let mut watched = Watched { cluster, steps: Vec::new() };
    // Statements are planned, and the first pages of their catalogues read, before it counts.
    for draw in [0, 1] {
        watched.steps.clear();
        let payment = fixture::payment(500 + draw, &format!("life {draw}"));
        let now = fixture::now();
        let lease = Duration::from_mins(1);
        watched.step("create", store.commit(fixture::insert(&payment))).await.unwrap();
        let status = watched.step("status", store.payment(Scope::Everything, payment.id)).await;
        assert_eq!(status.unwrap().as_ref(), Some(&payment));
        let attempts = store.attempts(payment.terminal, &payment.reference);
        assert_eq!(watched.step("by reference", attempts).await.unwrap().len(), 1);
        let opened = payment.clone().open_challenge(now).unwrap();
        let changeset = Changeset::payment_changed("challenge", opened.clone());
        watched.step("challenge", store.commit(changeset)).await.unwrap();
        assert!(watched.step("card", store.held_card(payment.id)).await.unwrap().is_some());
        let sending = opened.payment.begin_sending(now).unwrap();
        let changeset = Changeset::payment_changed("send", sending.clone());
        watched.step("send", store.commit(changeset)).await.unwrap();
        let far = now.plus(Duration::from_hours(1));
        let due = watched.step("due", store.claim_payments(far, lease, 10)).await.unwrap();
        assert!(due.iter().any(|one| one.id == payment.id), "{due:?}");
        let yes = Word::Outcome(Outcome::Approved(BankFacts::default()));
        let decided = sending.payment.record(yes, fixture::rules(), now).unwrap();
        let queue = Destination(77);
        let mut changeset = Changeset::payment_changed("decide", decided);
        changeset.deliveries =
            vec![NewDelivery { destination: queue, ..fixture::delivery(&payment) }];
        watched.step("decide", store.commit(changeset)).await.unwrap();
        let found = watched.step("queues", store.due_destinations(None, now, 10)).await.unwrap();
        assert_eq!(found.due.len(), 1);
        let wanted = [(queue, 9)];
        let claim = store.claim_deliveries(now, lease, &wanted);
        let claimed = watched.step("claim", claim).await.unwrap();
        assert_eq!(claimed.len(), 1);
        let attempt = Attempt {
            at: now,
            took: Duration::from_millis(1),
            http_status: Some(200),
            answer: None,
            error: None,
        };
        let (id, merchant, next) = (claimed[0].id, MerchantId(1), NextStep::Delivered);
        let attempted = vec![Attempted { id, merchant, attempts: 1, attempt, next }];
        let changeset = Changeset { name: "attempted", attempted, ..Changeset::default() };
        watched.step("attempted", store.commit(changeset)).await.unwrap();
        assert_eq!(watched.step("events", store.events(payment.id)).await.unwrap().len(), 4);
        let newest = store.newest_payments(Scope::Everything, newest_ten());
        assert_eq!(watched.step("newest", newest).await.unwrap().len(), 10);
        let newest = store.newest_payments(Scope::Merchant(MerchantId(1)), newest_ten());
        assert_eq!(watched.step("newest of merchant", newest).await.unwrap().len(), 10);
        let none = store.newest_payments(Scope::Merchant(MerchantId(2)), newest_ten());
        assert_eq!(watched.step("newest of nobody", none).await.unwrap(), []);
        let day = now.minus(Duration::from_hours(24 * 365 * 5));
        let mut asked = newest_ten();
        asked.filter.from = Some(day);
        asked.filter.until = Some(day.plus(Duration::from_hours(24)));
        let none = store.newest_payments(Scope::Merchant(MerchantId(1)), asked);
        assert_eq!(watched.step("newest of an empty day", none).await.unwrap(), []);
        let filter =
            DeliveryFilter { terminal: Some(payment.terminal), ..DeliveryFilter::default() };
        let listed = watched.step("deliveries", store.deliveries(filter, None, 10)).await;
        assert_eq!(listed.unwrap().len(), 10);
    }
    watched.steps
}

#[tokio::test(flavor = "multi_thread")]
async fn a_life_touches_as_many_pages_with_36_months_as_with_one() {
    let cluster = Cluster::start_with(
        "session_preload_libraries = 'auto_explain'\nauto_explain.log_min_duration = 0\n\
         auto_explain.log_analyze = on\nauto_explain.log_buffers = on\nautovacuum = off\n",
    );
    let mut seen = Vec::new();
    for months in [1, 36] {
        let name = cluster.create_database();
        let url = cluster.url(&name);
        let first = open(&url).await;
        cluster.sql(
            &name,
            "INSERT INTO merchants VALUES (1, 'Demo Shop', true, 0), (2, 'Nobody', true, 0)",
        );
        cluster.sql(
            &name,
            "INSERT INTO terminals VALUES (1, 42, 't', 'test', true, '{}', '[]', '', 1, 0), \
             (2, 43, 'u', 'test', true, '{}', '[]', '', 1, 0)",
        );
        // What all others are made after.
        cluster.sql(&name, "SELECT make_month(2504)");
        first.commit(fixture::insert(&fixture::payment(0, "first"))).await.unwrap();
        drop(first);
        fill(&cluster, &name, months);
        let store = open(&url).await;
        seen.push(life(&cluster, &store).await);
        drop(store);
        assert_eq!(cluster.sql(&name, "SELECT count(*) FROM payments_other"), "0");
    }
    let [one, many] = &seen[..] else { panic!("two databases") };
    for ((step, pages_of_one, _), (_, pages_of_many, months)) in one.iter().zip(many) {
        let (more, most_months) = match *step {
            // The newest ones of each month are looked at.
            "deliveries" | "newest of nobody" | "newest of an empty day" => (36 * 4, 40),
            // The month of the newest payment, and those that were made ahead.
            "newest" | "newest of merchant" => (16, 5),
            // A tree of an index may be a page higher.
            _ => (16, 1),
        };
        assert!(*pages_of_many <= pages_of_one + more, "{step}: {pages_of_one}, {pages_of_many}");
        assert!(*months <= most_months, "{step}: {months} months");
        assert!(*pages_of_one > 0, "{step}");
        // What nobody has is not looked for among everybody's.
        assert!(*step != "newest of nobody" || *pages_of_one < 200, "{step}: {pages_of_one}");
    }
}

/// The contract, where its payments have a month of their own.
#[tokio::test(flavor = "multi_thread")]
async fn keeps_the_contract_in_a_month() {
    let cluster = Cluster::shared();
    let name = cluster.create_database();
    let url = cluster.url(&name);
    drop(open(&url).await);
    cluster.sql(&name, "SELECT make_month(2504)");
    testkit::conformance::run(&open(&url).await).await;
    let strays = "SELECT count(*) FROM payments_other WHERE id / 100000000000000 = 2504";
    assert_eq!(cluster.sql(&name, strays), "0");
    assert_ne!(cluster.sql(&name, "SELECT count(*) FROM payments_2504"), "0");
    for sql in
        ["UPDATE events_2504 SET at = 1", "TRUNCATE events_2504", "DELETE FROM postings_2504"]
    {
        assert!(cluster.try_sql(&name, sql).is_err(), "{sql}");
    }
}

fn newest_ten() -> PaymentsAsked {
    PaymentsAsked { limit: 10, ..PaymentsAsked::default() }
}
