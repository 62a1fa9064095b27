//! What every store must do with deliveries and endpoints. Each check has a queue, and payments,
//! of its own.

use crate::fixture;
use domain::delivery::{
    Attempt, Attempted, DeliveryFilter, DeliveryId, DeliveryRecord, DeliveryState, Destination,
    NewDelivery, NextStep,
};
use domain::endpoint::EndpointState;
use domain::event_type::{EventPattern, EventType};
use domain::id::{EndpointNumber, MerchantId, TerminalNumber};
use domain::payment::Payment;
use domain::terminal::Mode;
use domain::text::WebAddress;
use domain::time::Timestamp;
use engine::actor::Scope;
use engine::changeset::{
    Changeset, DeliveryKey, EndpointChange, EndpointHealth, Resend, StoredEndpoint,
};
use engine::error::CommitError;
use engine::ports::Store;
use std::time::Duration;

/// Short, for it is measured by the database's own clock where many nodes share one.
pub(crate) const LEASE: Duration = Duration::from_millis(400);

pub(crate) async fn run(store: &dyn Store) {
    deliveries_are_claimed_once(store).await;
    queues_are_told_apart(store).await;
    every_attempt_is_in_the_log(store).await;
    lists_come_in_pages(store).await;
    endpoints_are_guarded_by_their_version(store).await;
    health_is_the_first_failure(store).await;
    a_delivery_may_hang_on_an_earlier_payment(store).await;
}

/// Waits until a lease that was given at `from` has run out by every clock.
pub(crate) async fn lease_over(from: Timestamp) -> Timestamp {
    let longer = LEASE.saturating_add(Duration::from_millis(100));
    tokio::time::sleep(longer).await;
    from.plus(longer)
}

/// A payment that was cancelled, with deliveries made of its first one.
async fn cancelled(
    store: &dyn Store,
    number: u64,
    deliveries: impl Fn(NewDelivery) -> Vec<NewDelivery>,
) -> Payment {
    let payment = fixture::payment(number, &format!("webhook {number}"));
    store.commit(fixture::insert(&payment)).await.unwrap();
    let changed = payment.cancel(fixture::now()).unwrap();
    let payment = changed.payment.clone();
    let mut changeset = Changeset::payment_changed("cancel", changed);
    changeset.deliveries = deliveries(fixture::delivery(&payment));
    store.commit(changeset).await.unwrap();
    payment
}

fn attempt(at: Timestamp, status: u16) -> Attempt {
    let is_right = (200..300).contains(&status);
    Attempt {
        at,
        took: Duration::from_micros(1_234),
        http_status: Some(status),
        answer: Some("caf\u{e9}".to_owned()),
        error: (!is_right).then(|| format!("answered {status}")),
    }
}

async fn record(store: &dyn Store, id: DeliveryId, attempts: u32, one: Attempt, next: NextStep) {
    let merchant = MerchantId(1);
    let attempted = Attempted { id, merchant, attempts, attempt: one, next };
    let changeset =
        Changeset { name: "attempted", attempted: vec![attempted], ..Changeset::default() };
    store.commit(changeset).await.unwrap();
}

async fn deliveries_are_claimed_once(store: &dyn Store) {
    let queue = Destination(801);
    let in_queue = |one| vec![NewDelivery { destination: queue, ..one }];
    let payment = cancelled(store, 801, in_queue).await;
    let id = DeliveryId::own(payment.id, 1);
    let now = fixture::now();
    let early = now.minus(Duration::from_micros(1));
    let claim =
        |at| async move { store.claim_deliveries(at, LEASE, &[(queue, 10)]).await.unwrap() };
    assert_eq!(claim(early).await, vec![]);
    let claimed = claim(now).await;
    assert_eq!(claimed.len(), 1);
    assert_eq!((claimed[0].id, claimed[0].attempts, claimed[0].begun_at), (id, 0, now));
    assert_eq!(claimed[0].destination, queue);
    assert_eq!(claim(now).await, vec![]);
    // The worker died: the lease runs out.
    let over = lease_over(now).await;
    assert_eq!(claim(over).await.len(), 1);
    let later = over.plus(Duration::from_mins(5));
    record(store, id, 1, attempt(over, 500), NextStep::RetryAt(later)).await;
    assert_eq!(claim(over).await, vec![]);
    // It was recorded, so that nobody waits for the lease any more.
    assert_eq!(claim(later).await[0].attempts, 1);
    record(store, id, 2, attempt(later, 204), NextStep::Delivered).await;
    let much_later = later.plus(Duration::from_hours(1));
    assert_eq!(claim(much_later).await, vec![]);
    // What came too late changes nothing: acknowledged is acknowledged.
    record(store, id, 1, attempt(later, 500), NextStep::RetryAt(now)).await;
    assert_eq!(claim(much_later).await, vec![]);
}

async fn queues_are_told_apart(store: &dyn Store) {
    let now = fixture::now();
    let queues = [Destination(-810), Destination(811), Destination(812), Destination(813)];
    for (place, queue) in (0_u64..).zip(queues) {
        for number in 0..3 {
            let in_queue = |one| vec![NewDelivery { destination: queue, ..one }];
            cancelled(store, 810 + place * 3 + number, in_queue).await;
        }
    }
    let mut seen = Vec::new();
    let mut after = Some(Destination(-811));
    let mut steps = 0;
    while steps < 20 {
        let step = store.due_destinations(after, now, 2).await.unwrap();
        assert!(step.due.iter().all(|due| due.merchant == MerchantId(1) && due.attempts == 0));
        seen.extend(step.due.into_iter().map(|due| due.destination));
        after = step.next;
        steps += 1;
        if after.is_none_or(|after| after >= Destination(813)) {
            break;
        }
    }
    assert_eq!(seen.iter().filter(|one| queues.contains(one)).count(), 4, "{seen:?}");
    assert!(seen.is_sorted());
    let early = now.minus(Duration::from_secs(1));
    assert_eq!(store.due_destinations(None, early, 100).await.unwrap().due, vec![]);
    // So many of each, and none of the others.
    let wanted = [(queues[1], 2), (queues[3], 1), (Destination(814), 5)];
    let claimed = store.claim_deliveries(now, LEASE, &wanted).await.unwrap();
    let of = |queue| claimed.iter().filter(|one| one.destination == queue).count();
    assert_eq!((of(queues[0]), of(queues[1]), of(queues[2]), of(queues[3])), (0, 2, 0, 1));
    let rest = store.claim_deliveries(now, LEASE, &[(queues[1], 9)]).await.unwrap();
    assert_eq!(rest.len(), 1);
    let failed = rest[0].id;
    let later = now.plus(Duration::from_hours(1));
    record(store, failed, 1, attempt(now, 500), NextStep::RetryAt(later)).await;
    let backlog = store.backlog(now).await.unwrap();
    assert!(backlog.pending > backlog.due && backlog.due >= 11, "{backlog:?}");
    assert_eq!(backlog.oldest_due, Some(now));
}

async fn every_attempt_is_in_the_log(store: &dyn Store) {
    let now = fixture::now();
    let to_both = |one: NewDelivery| {
        let id = DeliveryId { endpoint: Some(EndpointNumber(77)), ..one.id };
        let one = NewDelivery { destination: Destination(830), ..one };
        vec![NewDelivery { id, event_type: EventType::PaymentCancelled, ..one.clone() }, one]
    };
    let payment = cancelled(store, 830, to_both).await;
    let own = DeliveryId::own(payment.id, 1);
    let other = DeliveryId { endpoint: Some(EndpointNumber(77)), ..own };
    let at = |minute| now.plus(Duration::from_mins(minute));
    record(store, own, 1, attempt(at(1), 500), NextStep::RetryAt(at(2))).await;
    record(store, own, 2, attempt(at(2), 404), NextStep::RetryAt(at(3))).await;
    record(store, own, 3, attempt(at(3), 200), NextStep::Delivered).await;
    let log = vec![attempt(at(1), 500), attempt(at(2), 404), attempt(at(3), 200)];
    let detail = store.delivery(own).await.unwrap().unwrap();
    assert_eq!(detail.attempts, log);
    assert_eq!((detail.body.as_str(), detail.content_type.as_str()), ("{}", "application/json"));
    assert_eq!(detail.record.last.as_ref(), log.last());
    assert_eq!((detail.record.state, detail.record.attempts), (DeliveryState::Delivered, 3));
    // The other one is untouched by it.
    let untouched = store.delivery(other).await.unwrap().unwrap();
    assert_eq!((untouched.attempts, untouched.record.state), (vec![], DeliveryState::Pending));
    assert_eq!(untouched.record.event_type, Some(EventType::PaymentCancelled));
    // Asked for again, it begins anew, and the log goes on.
    let resend = |id| {
        let deliveries = vec![DeliveryKey { merchant: MerchantId(1), id }];
        let resend = Some(Resend { deliveries, at: at(4) });
        Changeset { name: "resend", resend, ..Changeset::default() }
    };
    store.commit(resend(own)).await.unwrap();
    let detail = store.delivery(own).await.unwrap().unwrap();
    assert_eq!((detail.record.state, detail.record.attempts), (DeliveryState::Pending, 0));
    assert_eq!((detail.attempts, detail.record.next_at), (log.clone(), Some(at(4))));
    record(store, own, 1, attempt(at(5), 410), NextStep::Dead).await;
    let detail = store.delivery(own).await.unwrap().unwrap();
    assert_eq!(detail.attempts, [log, vec![attempt(at(5), 410)]].concat());
    assert_eq!(detail.record.state, DeliveryState::Dead);
    // One that waits is due now and has its time before it again, and keeps its count.
    record(store, other, 4, attempt(at(1), 500), NextStep::RetryAt(at(90))).await;
    store.commit(resend(other)).await.unwrap();
    let detail = store.delivery(other).await.unwrap().unwrap();
    assert_eq!((detail.record.next_at, detail.record.attempts), (Some(at(4)), 4));
    assert_eq!(detail.attempts.len(), 1);
    let wanted = [(Destination(830), 9)];
    let claimed = store.claim_deliveries(at(4), LEASE, &wanted).await.unwrap();
    let begun: Vec<_> = claimed.iter().map(|one| (one.id, one.begun_at)).collect();
    assert_eq!(begun, [(other, at(4))]);
    assert_eq!(store.delivery(DeliveryId::own(payment.id, 9)).await.unwrap(), None);
}

async fn lists_come_in_pages(store: &dyn Store) {
    let queue = Destination(840);
    for number in 0..7 {
        let payment = cancelled(store, 840 + number, |one| {
            let at = one.created_at.plus(Duration::from_hours(100 + number / 2));
            vec![NewDelivery { created_at: at, destination: queue, ..one }]
        })
        .await;
        if number < 2 {
            let id = DeliveryId::own(payment.id, 1);
            record(store, id, 1, attempt(fixture::now(), 410), NextStep::Dead).await;
        }
    }
    let from = fixture::now().plus(Duration::from_hours(100));
    let filter = DeliveryFilter { from: Some(from), ..DeliveryFilter::default() };
    let mut seen: Vec<DeliveryRecord> = Vec::new();
    loop {
        let after = seen.last().map(DeliveryRecord::cursor);
        let page = store.deliveries(filter, after, 3).await.unwrap();
        assert!(page.len() <= 3);
        if page.is_empty() {
            break;
        }
        seen.extend(page);
    }
    assert_eq!(seen.len(), 7);
    assert!(seen.windows(2).all(|pair| pair[0].cursor() > pair[1].cursor()), "newest first");
    lists_go_upwards_too(store, from, &seen).await;
    let count = |filter| async move { store.count_deliveries(filter).await.unwrap() };
    assert_eq!(count(filter).await, 7);
    let dead = DeliveryFilter { state: Some(DeliveryState::Dead), ..filter };
    assert_eq!(count(dead).await, 2);
    assert_eq!(store.deliveries(dead, None, 10).await.unwrap().len(), 2);
    let until = Some(from.plus(Duration::from_hours(1)));
    assert_eq!(count(DeliveryFilter { until, ..filter }).await, 2);
    let terminal = Some(TerminalNumber(42));
    assert_eq!(count(DeliveryFilter { terminal, ..filter }).await, 7);
    for none in [
        DeliveryFilter { terminal: Some(TerminalNumber(7)), ..filter },
        DeliveryFilter { merchant: Some(MerchantId(2)), ..filter },
        DeliveryFilter { endpoint: Some(EndpointNumber(1)), ..filter },
        DeliveryFilter { event_type: Some(EventType::PaymentExpired), ..filter },
        DeliveryFilter { payment: Some(fixture::payment(1, "x").id), ..filter },
    ] {
        assert_eq!(store.deliveries(none, None, 10).await.unwrap(), vec![], "{none:?}");
        assert_eq!(count(none).await, 0);
    }
    let payment = seen.first().map(|one| one.id.payment);
    let of_one = DeliveryFilter { payment, ..DeliveryFilter::default() };
    assert_eq!(store.deliveries(of_one, None, 10).await.unwrap(), seen[..1]);
}

/// `seen`: all deliveries since then, the newest first.
async fn lists_go_upwards_too(store: &dyn Store, from: Timestamp, seen: &[DeliveryRecord]) {
    let mut upwards: Vec<DeliveryRecord> = Vec::new();
    loop {
        let after = upwards.last().map(DeliveryRecord::cursor);
        let page = store.deliveries_since(TerminalNumber(42), from, after, 3).await.unwrap();
        assert!(page.len() <= 3);
        if page.is_empty() {
            break;
        }
        upwards.extend(page);
    }
    assert!(upwards.iter().eq(seen.iter().rev()), "oldest first");
    // From the moment on, whatever the place says.
    let later = from.plus(Duration::from_hours(2));
    let before = upwards.first().map(DeliveryRecord::cursor);
    let page = store.deliveries_since(TerminalNumber(42), later, before, 99).await.unwrap();
    assert!(page.iter().eq(upwards.iter().filter(|one| one.created_at >= later)));
    assert_eq!(store.deliveries_since(TerminalNumber(7), from, None, 9).await.unwrap(), vec![]);
}

fn endpoint(number: i64) -> StoredEndpoint {
    StoredEndpoint {
        number: EndpointNumber(number),
        merchant: MerchantId(1),
        terminal: Some(TerminalNumber(42)),
        mode: Mode::Test,
        url: WebAddress::parse("https://shop.example/events").unwrap(),
        events: vec![EventPattern::parse("payment.*").unwrap()],
        description: "caf\u{e9}".to_owned(),
        state: EndpointState::On,
        state_since: fixture::now(),
        failing_since: None,
        sealed_secrets: vec![1, 2, 3],
        version: 1,
        created_at: fixture::now(),
    }
}

fn change(endpoint: StoredEndpoint, expected_version: Option<i64>) -> Changeset {
    let endpoint = Some(EndpointChange { endpoint, expected_version });
    Changeset { name: "endpoint", endpoint, ..Changeset::default() }
}

async fn endpoints_are_guarded_by_their_version(store: &dyn Store) {
    let first = endpoint(1);
    store.commit(change(first.clone(), None)).await.unwrap();
    let again = store.commit(change(first.clone(), None)).await;
    assert!(matches!(again, Err(CommitError::Exists("endpoint"))));
    let other = StoredEndpoint { merchant: MerchantId(2), terminal: None, ..endpoint(2) };
    store.commit(change(other.clone(), None)).await.unwrap();
    let changed = StoredEndpoint {
        url: WebAddress::parse("https://shop.example/other").unwrap(),
        events: vec![EventPattern::everything()],
        state: EndpointState::Off,
        version: 2,
        ..first.clone()
    };
    store.commit(change(changed.clone(), Some(1))).await.unwrap();
    let stale = store.commit(change(changed.clone(), Some(1))).await;
    assert!(matches!(stale, Err(CommitError::Stale("endpoint"))));
    let found = store.endpoint(EndpointNumber(1)).await.unwrap();
    assert_eq!(found, Some(changed.clone()));
    assert_eq!(store.endpoint(EndpointNumber(3)).await.unwrap(), None);
    let of_merchant = store.endpoints(Scope::Merchant(MerchantId(1))).await.unwrap();
    assert_eq!(of_merchant, vec![changed.clone()]);
    assert_eq!(store.endpoints(Scope::Everything).await.unwrap(), vec![changed, other]);
    assert_eq!(store.endpoints(Scope::Holder).await.unwrap(), vec![]);
}

async fn health_is_the_first_failure(store: &dyn Store) {
    let number = EndpointNumber(3);
    let one = StoredEndpoint { version: 1, ..endpoint(3) };
    store.commit(change(one.clone(), None)).await.unwrap();
    let merchant = MerchantId(1);
    let at = |minute| fixture::now().plus(Duration::from_mins(minute));
    let note = |failed_at| async move {
        let health = Some(EndpointHealth { merchant, endpoint: number, failed_at });
        let noted = Changeset { name: "health", endpoint_health: health, ..Changeset::default() };
        store.commit(noted).await.unwrap();
        store.endpoint(number).await.unwrap().unwrap().failing_since
    };
    assert_eq!(note(Some(at(1))).await, Some(at(1)));
    assert_eq!(note(Some(at(2))).await, Some(at(1)), "the first one counts");
    // A change of something else leaves it alone; the switch sets it.
    let renamed = StoredEndpoint { description: "new".to_owned(), version: 2, ..one.clone() };
    store.commit(change(renamed, Some(1))).await.unwrap();
    let failing = || async { store.endpoint(number).await.unwrap().unwrap().failing_since };
    assert_eq!(failing().await, Some(at(1)));
    let switched = StoredEndpoint { state_since: at(5), version: 3, ..one };
    store.commit(change(switched, Some(2))).await.unwrap();
    assert_eq!(failing().await, None);
    assert_eq!(note(Some(at(6))).await, Some(at(6)));
    assert_eq!(note(None).await, None);
    assert_eq!(note(None).await, None);
}

async fn a_delivery_may_hang_on_an_earlier_payment(store: &dyn Store) {
    let payment = cancelled(store, 860, |one| vec![one]).await;
    let id = DeliveryId {
        sequence: -3,
        endpoint: Some(EndpointNumber(1)),
        ..DeliveryId::own(payment.id, 1)
    };
    let event_type = EventType::EndpointDisabled;
    let told = NewDelivery { id, event_type, ..fixture::delivery(&payment) };
    let tell =
        || Changeset { name: "tell", deliveries: vec![told.clone()], ..Changeset::default() };
    store.commit(tell()).await.unwrap();
    // Once, however often it is said.
    store.commit(tell()).await.unwrap();
    let detail = store.delivery(id).await.unwrap().unwrap();
    assert_eq!(detail.record.event_type, Some(EventType::EndpointDisabled));
    let all = DeliveryFilter { payment: Some(payment.id), ..DeliveryFilter::default() };
    assert_eq!(store.count_deliveries(all).await.unwrap(), 2);
}
