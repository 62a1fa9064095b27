//! What every store must do, whatever database it is. Each check uses rows of its own, so that
//! they may run on one database.

use crate::conformance_webhooks::{LEASE, lease_over};
use crate::fixture;
use domain::bank_message::{BankMessage, Heard, KeptMessage, MessageId, MessageKey};
use domain::call::Word;
use domain::delivery::DeliveryFilter;
use domain::id::{MerchantId, TerminalNumber};
use domain::ledger::Account;
use domain::method::{BankCode, CustomerStep, Method, MethodCode, MethodDetails};
use domain::outcome::{BankFacts, Outcome};
use domain::payment::{Payment, State};
use domain::redaction::Redacted;
use domain::refund::{Refund, RefundRequest};
use domain::terminal::Mode;
use domain::text::{Reference, RefundReason};
use domain::time::Timestamp;
use engine::actor::Scope;
use engine::changeset::{
    AuditLine, BankMessageChange, Changeset, IdempotencyChange, StoredAnswer, TerminalChange,
};
use engine::error::CommitError;
use engine::ports::{MessagePlace, MessagesAsked, Store};
use std::time::Duration;

/// Runs all checks on an empty store.
pub async fn run(store: &dyn Store) {
    terminals(store).await;
    payments_come_back_as_they_were(store).await;
    orders_keep_their_details(store).await;
    numbers_and_references_are_unique(store).await;
    a_refused_changeset_leaves_nothing(store).await;
    stale_versions_are_refused(store).await;
    cards_go_with_the_send_and_the_decision(store).await;
    crate::conformance_webhooks::run(store).await;
    idempotency_keys(store).await;
    due_payments_come_oldest_first(store).await;
    refunds_and_their_books(store).await;
    postings_that_do_not_sum_to_zero_are_refused(store).await;
    bank_messages(store).await;
    crate::conformance_lists::run(store).await;
    store.ping().await.unwrap();
    let line = AuditLine {
        at: fixture::now(),
        actor: "operator",
        caller: None,
        action: "test",
        result: "refused",
        terminal: None,
        request_id: None,
        detail: "nothing".to_owned(),
        merchant: None,
        user: None,
    };
    store.commit(Changeset::audit(line)).await.unwrap();
}

async fn terminals(store: &dyn Store) {
    let terminal = fixture::stored_terminal();
    let add = |terminal, expected_version| Changeset {
        name: "terminal",
        terminal: Some(TerminalChange { terminal, expected_version }),
        ..Changeset::default()
    };
    let merchant =
        Changeset { name: "merchant", merchant: Some(fixture::merchant()), ..Changeset::default() };
    store.commit(merchant).await.unwrap();
    let again =
        Changeset { name: "merchant", merchant: Some(fixture::merchant()), ..Changeset::default() };
    assert!(matches!(store.commit(again).await, Err(CommitError::Exists("merchant"))));
    assert_eq!(store.merchants().await.unwrap(), vec![fixture::merchant()]);
    store.commit(add(terminal.clone(), None)).await.unwrap();
    assert!(matches!(
        store.commit(add(terminal.clone(), None)).await,
        Err(CommitError::Exists("terminal"))
    ));
    let key = terminal.public_keys[0].clone();
    assert_eq!(store.terminal_by_public_key(&key).await.unwrap(), Some(terminal.clone()));
    assert_eq!(store.terminal(TerminalNumber(42)).await.unwrap(), Some(terminal.clone()));
    assert_eq!(store.terminal(TerminalNumber(43)).await.unwrap(), None);
    let mut thief = terminal.clone();
    thief.number = TerminalNumber(43);
    assert!(matches!(store.commit(add(thief, None)).await, Err(CommitError::Exists("public key"))));
    assert_eq!(store.terminal(TerminalNumber(43)).await.unwrap(), None, "all or nothing");
    let mut changed = terminal.clone();
    changed.version = 2;
    changed.public_keys.insert(0, "new".to_owned());
    store.commit(add(changed.clone(), Some(1))).await.unwrap();
    assert!(matches!(
        store.commit(add(changed.clone(), Some(1))).await,
        Err(CommitError::Stale("terminal"))
    ));
    assert_eq!(store.terminal_by_public_key("new").await.unwrap(), Some(changed.clone()));
    assert_eq!(store.terminals().await.unwrap(), vec![changed]);
}

async fn payments_come_back_as_they_were(store: &dyn Store) {
    let payment = fixture::payment(1, "as they were \u{1F600}");
    store.commit(fixture::insert(&payment)).await.unwrap();
    let mine = Scope::Merchant(MerchantId(1));
    assert_eq!(store.payment(mine, payment.id).await.unwrap(), Some(payment.clone()));
    assert_eq!(store.payment(Scope::Holder, payment.id).await.unwrap(), Some(payment.clone()));
    let other = Scope::Merchant(MerchantId(2));
    assert_eq!(store.payment(other, payment.id).await.unwrap(), None);
    let attempts = store.attempts(payment.terminal, &payment.reference).await.unwrap();
    assert_eq!(attempts, vec![payment]);
}

/// The bank that the customer chose, what they have to do there, and an order that outlives its
/// payment.
async fn orders_keep_their_details(store: &dyn Store) {
    let now = fixture::now();
    let mut payment = fixture::payment(900, "an order");
    let details = MethodDetails::default();
    payment.method = Method { code: MethodCode::NetBanking, card: None, details };
    store.commit(Changeset { card: None, ..fixture::insert(&payment) }).await.unwrap();
    let bank = BankCode::parse("SBIN").unwrap();
    let step = CustomerStep::Redirect { url: "https://bank.example/\u{20b9}".to_owned() };
    let presented = Word::Outcome(Outcome::Pending(Some(step)));
    let mut changed = payment.choose_bank(bank, now).unwrap();
    for next in 0..4 {
        let payment = changed.payment.clone();
        store.commit(Changeset::payment_changed("order", changed)).await.unwrap();
        assert_eq!(store.payment(Scope::Holder, payment.id).await.unwrap(), Some(payment.clone()));
        let late = Timestamp::from_micros(i64::MAX / 2);
        changed = match next {
            0 => payment.record(presented.clone(), fixture::rules(), now).unwrap(),
            1 => payment.cancel(now).unwrap(),
            2 => payment.supersede(now).unwrap(),
            _last => {
                let due = store.claim_payments(late, Duration::ZERO, 1_000).await.unwrap();
                assert!(due.iter().any(|one| one.id == payment.id), "it is watched");
                return;
            }
        };
    }
}

async fn numbers_and_references_are_unique(store: &dyn Store) {
    let first = fixture::payment(2, "unique");
    store.commit(fixture::insert(&first)).await.unwrap();
    let same_number = fixture::payment(2, "another");
    assert!(matches!(
        store.commit(fixture::insert(&same_number)).await,
        Err(CommitError::NumberTaken)
    ));
    let same_reference = fixture::payment(3, "unique");
    assert!(matches!(
        store.commit(fixture::insert(&same_reference)).await,
        Err(CommitError::ReferenceTaken)
    ));
    let next = Payment { attempt: 2, ..same_reference };
    store.commit(fixture::insert(&next)).await.unwrap();
    let other_terminal =
        Payment { terminal: TerminalNumber(7), mode: Mode::Live, ..fixture::payment(4, "unique") };
    store.commit(fixture::insert(&other_terminal)).await.unwrap();
    let attempts = store.attempts(TerminalNumber(42), &first.reference).await.unwrap();
    assert_eq!(attempts, vec![first, next]);
}

async fn a_refused_changeset_leaves_nothing(store: &dyn Store) {
    let payment = fixture::payment(5, "refused");
    store.commit(fixture::insert(&payment)).await.unwrap();
    let cancelled = payment.clone().cancel(fixture::now()).unwrap();
    let mut stale = Changeset::payment_changed("stale", cancelled);
    stale.deliveries.push(fixture::delivery(&payment));
    if let Some(engine::changeset::PaymentChange::Update { expected_version, .. }) =
        &mut stale.payment
    {
        *expected_version = 7;
    }
    assert!(matches!(store.commit(stale).await, Err(CommitError::Stale("payment"))));
    assert_eq!(store.payment(Scope::Holder, payment.id).await.unwrap(), Some(payment.clone()));
    assert!(store.held_card(payment.id).await.unwrap().is_some());
    let written = DeliveryFilter { payment: Some(payment.id), ..DeliveryFilter::default() };
    assert_eq!(store.count_deliveries(written).await.unwrap(), 0);
}

async fn stale_versions_are_refused(store: &dyn Store) {
    let payment = fixture::payment(6, "stale");
    store.commit(fixture::insert(&payment)).await.unwrap();
    let now = fixture::now();
    let opened = payment.clone().open_challenge(now).unwrap();
    let cancelled = payment.cancel(now).unwrap();
    store.commit(Changeset::payment_changed("open", opened.clone())).await.unwrap();
    assert!(matches!(
        store.commit(Changeset::payment_changed("cancel", cancelled)).await,
        Err(CommitError::Stale("payment"))
    ));
    let stored = store.payment(Scope::Everything, opened.payment.id).await.unwrap();
    assert_eq!(stored, Some(opened.payment));
}

async fn cards_go_with_the_send_and_the_decision(store: &dyn Store) {
    let payment = fixture::payment(7, "card");
    let id = payment.id;
    store.commit(fixture::insert(&payment)).await.unwrap();
    assert_eq!(store.held_card(id).await.unwrap(), Some(fixture::sealed_card()));
    let sending = payment.begin_sending(fixture::now()).unwrap();
    store.commit(Changeset::payment_changed("send", sending.clone())).await.unwrap();
    let held = store.held_card(id).await.unwrap().expect("the number is still held");
    assert_eq!(held.security_code, None);
    let found = store.sending_payments(10).await.unwrap();
    assert_eq!(found, vec![sending.payment.clone()]);
    let approved = Outcome::Approved(BankFacts::default());
    let rules = fixture::rules();
    let done = sending.payment.record(Word::Outcome(approved), rules, fixture::now()).unwrap();
    store.commit(Changeset::payment_changed("done", done.clone())).await.unwrap();
    assert_eq!(store.held_card(id).await.unwrap(), None);
    let stored = store.payment(Scope::Holder, id).await.unwrap().unwrap();
    assert!(matches!(stored.state, State::Approved { .. }));
    assert_eq!(stored, done.payment);
}

async fn idempotency_keys(store: &dyn Store) {
    let begin = |request, at| Changeset {
        name: "begin",
        idempotency: Some(IdempotencyChange::Begin {
            terminal: TerminalNumber(42),
            merchant: MerchantId(1),
            key: "key".to_owned(),
            request,
            at,
            abandoned_before: at.minus(Duration::from_mins(1)),
        }),
        ..Changeset::default()
    };
    let change =
        |change| Changeset { name: "change", idempotency: Some(change), ..Changeset::default() };
    let now = fixture::now();
    store.commit(begin([1; 32], now)).await.unwrap();
    let Err(CommitError::KeyInUse(used)) = store.commit(begin([2; 32], now)).await else {
        panic!("the key is in use");
    };
    assert_eq!((used.request, used.answer), ([1; 32], None));
    let later = now.plus(Duration::from_secs(61));
    store.commit(begin([1; 32], later)).await.expect("abandoned, so it may run again");
    let answer = StoredAnswer { status: 200, body: "{}".to_owned() };
    let finish = IdempotencyChange::Finish {
        terminal: TerminalNumber(42),
        key: "key".to_owned(),
        answer: answer.clone(),
    };
    store.commit(change(finish)).await.unwrap();
    let forget = IdempotencyChange::Forget { terminal: TerminalNumber(42), key: "key".to_owned() };
    store.commit(change(forget)).await.unwrap();
    let much_later = later.plus(Duration::from_hours(24));
    let Err(CommitError::KeyInUse(used)) = store.commit(begin([1; 32], much_later)).await else {
        panic!("an answered key is neither forgotten nor abandoned");
    };
    assert_eq!(used.answer, Some(answer));
}

async fn due_payments_come_oldest_first(store: &dyn Store) {
    let far = Duration::from_secs(1_000_000);
    let due = |draw, reference: &str, seconds| {
        let at = fixture::now().plus(far).plus(Duration::from_secs(seconds));
        Payment {
            state: State::Waiting { expires_at: at },
            due_at: Some(at),
            ..fixture::payment(draw, reference)
        }
    };
    let second = due(101, "due 2", 2);
    let first = due(100, "due 1", 1);
    for payment in [&second, &first] {
        store.commit(fixture::insert(payment)).await.unwrap();
    }
    let now = fixture::now().plus(far).plus(Duration::from_secs(1));
    let found = store.claim_payments(now, LEASE, 1000).await.unwrap();
    assert_eq!(found.last(), Some(&first));
    assert!(!found.contains(&second));
    assert!(found.is_sorted_by_key(|payment| payment.due_at));
    lease_over(now).await;
    assert_eq!(store.claim_payments(now, LEASE, 1).await.unwrap().len(), 1);
}

/// What the bank's "yes" makes of a payment that waits for its customer, committed step by step.
async fn approve(store: &dyn Store, payment: &Payment) -> Payment {
    store.commit(fixture::insert(payment)).await.unwrap();
    let now = fixture::now();
    let sending = payment.clone().begin_sending(now).unwrap();
    store.commit(Changeset::payment_changed("send", sending.clone())).await.unwrap();
    let yes = Word::Outcome(Outcome::Approved(BankFacts::default()));
    let done = sending.payment.record(yes, fixture::rules(), now).unwrap();
    store.commit(Changeset::payment_changed("done", done.clone())).await.unwrap();
    done.payment
}

async fn sums(store: &dyn Store, merchant: MerchantId) -> Vec<(Account, i64, u64)> {
    let balances = store.balances(Scope::Merchant(merchant)).await.unwrap();
    assert!(balances.iter().all(|balance| balance.merchant == merchant));
    balances.iter().map(|one| (one.account, one.amount_minor, one.postings)).collect()
}

async fn refunds_and_their_books(store: &dyn Store) {
    let mine = MerchantId(77);
    let payment = Payment { merchant: mine, ..fixture::payment(200, "refunds") };
    let now = fixture::now();
    let payment = approve(store, &payment).await;
    let sale = vec![(Account::BankReceivable, 1111, 1), (Account::MerchantPayable, -1111, 1)];
    assert_eq!(sums(store, mine).await, sale);
    assert_eq!(store.refunds(payment.id).await.unwrap(), vec![]);
    let request = RefundRequest {
        amount: fixture::usd("1.11"),
        reference: Some(Reference::parse("refund 1 \u{1F600}").unwrap()),
        reason: Some(RefundReason::parse("too small").unwrap()),
    };
    let year = Duration::from_hours(24 * 365);
    let asked = payment.clone().request_refund(&[], request.clone(), year, now).unwrap();
    let same = payment.request_refund(&[], request, year, now).unwrap();
    store.commit(Changeset::refund_changed("ask", asked.clone())).await.unwrap();
    assert!(matches!(
        store.commit(Changeset::refund_changed("ask", same)).await,
        Err(CommitError::Stale("payment"))
    ));
    let stored: Vec<Refund> = store.refunds(asked.refund.payment).await.unwrap();
    assert_eq!(stored, vec![asked.refund.clone()]);
    let waiting = store.at_the_bank(1000).await.unwrap();
    assert!(waiting.contains(&asked.changed.payment));
    let late = now.plus(Duration::from_hours(1));
    let due = store.claim_payments(late, LEASE, 1000).await.unwrap();
    assert!(due.contains(&asked.changed.payment));
    let yes = Word::Outcome(Outcome::Approved(BankFacts::default()));
    let done = asked.changed.payment.record_refund(&stored, 1, yes, fixture::rules(), now).unwrap();
    store.commit(Changeset::refund_changed("done", done.clone())).await.unwrap();
    assert_eq!(store.refunds(done.refund.payment).await.unwrap(), vec![done.refund.clone()]);
    let events = store.events(done.refund.payment).await.unwrap();
    assert_eq!(events.last(), Some(&done.changed.event));
    assert!(events.iter().map(|event| event.sequence).eq(1..=done.changed.payment.version));
    let read = store.payment(Scope::Merchant(mine), done.refund.payment).await.unwrap();
    assert_eq!(read, Some(done.changed.payment));
    let given_back = vec![
        (Account::BankReceivable, 1000, 2),
        (Account::MerchantPayable, -1111, 1),
        (Account::Refunds, 111, 1),
    ];
    assert_eq!(sums(store, mine).await, given_back);
    assert_eq!(store.balances(Scope::Holder).await.unwrap(), vec![]);
    let all = store.balances(Scope::Everything).await.unwrap();
    assert!(all.len() > given_back.len(), "other merchants have balances too");
    assert!(store.at_the_bank(1000).await.unwrap().iter().all(|one| one.id != done.refund.payment));
}

async fn postings_that_do_not_sum_to_zero_are_refused(store: &dyn Store) {
    let payment = fixture::payment(201, "unbalanced");
    store.commit(fixture::insert(&payment)).await.unwrap();
    let now = fixture::now();
    let sending = payment.begin_sending(now).unwrap();
    store.commit(Changeset::payment_changed("send", sending.clone())).await.unwrap();
    let yes = Word::Outcome(Outcome::Approved(BankFacts::default()));
    let done = sending.payment.clone().record(yes, fixture::rules(), now).unwrap();
    let mut changeset = Changeset::payment_changed("done", done);
    changeset.postings.pop();
    assert!(matches!(store.commit(changeset).await, Err(CommitError::Unbalanced)));
    let read = store.payment(Scope::Everything, sending.payment.id).await.unwrap();
    assert_eq!(read, Some(sending.payment), "nothing was written");
}

fn message(id: &str, seconds: u64, our_reference: Option<&str>, body: &str) -> BankMessage {
    let mut digest = [0; 32];
    digest[..body.len()].copy_from_slice(body.as_bytes());
    BankMessage {
        key: MessageKey { connector: "bank".to_owned(), id: MessageId::parse(id).unwrap() },
        received_at: fixture::now().plus(Duration::from_secs(seconds)),
        our_reference: our_reference.map(str::to_owned),
        digest,
        body: Redacted::of(body),
    }
}

fn changed(change: BankMessageChange) -> Changeset {
    Changeset::bank_message("bank_message", change)
}

/// All messages, the newest first, read two at a time.
async fn kept(store: &dyn Store, unknown_only: bool) -> Vec<KeptMessage> {
    let mut all: Vec<KeptMessage> = Vec::new();
    loop {
        let before = all
            .last()
            .map(|last| MessagePlace { received_at: last.received_at, key: last.key.clone() });
        let asked = MessagesAsked { unknown_only, before, limit: 2 };
        let page = store.bank_messages(asked).await.unwrap();
        if page.is_empty() {
            return all;
        }
        all.extend(page);
    }
}

async fn bank_messages(store: &dyn Store) {
    let first = message("msg-1", 1, Some("417823250426141606-2"), "first");
    let second = message("msg-0", 2, None, "second \u{1F600}");
    let same_time = message("msg-2", 2, None, "third");
    for message in [&second, &first, &same_time] {
        let receive = BankMessageChange::Receive(message.clone());
        store.commit(changed(receive)).await.unwrap();
    }
    let again = BankMessage { received_at: fixture::now(), ..first.clone() };
    store.commit(changed(BankMessageChange::Receive(again))).await.unwrap();
    let other = message("msg-1", 5, None, "other");
    let refused = store.commit(changed(BankMessageChange::Receive(other.clone()))).await;
    assert!(matches!(refused, Err(CommitError::Exists("bank's message"))), "{refused:?}");
    let (key, other_body) = (other.key, other.body);
    store.commit(changed(BankMessageChange::Contradict { key, other_body })).await.unwrap();
    let expected = |message: &BankMessage| KeptMessage {
        key: message.key.clone(),
        received_at: message.received_at,
        our_reference: message.our_reference.clone(),
        body: message.body.as_str().to_owned(),
        times_seen: 1,
        other_body: None,
        handled: None,
    };
    let seen_again =
        KeptMessage { times_seen: 3, other_body: Some("other".to_owned()), ..expected(&first) };
    let all = vec![expected(&same_time), expected(&second), seen_again.clone()];
    assert_eq!(kept(store, false).await, all, "one row each, as it came first");
    handled_and_forgotten(store, [first, second, same_time]).await;
}

async fn handled_and_forgotten(store: &dyn Store, messages: [BankMessage; 3]) {
    let [first, second, third] = messages;
    let claimed = store.claim_bank_messages(LEASE, 2).await.unwrap();
    assert_eq!(claimed.first().map(|one| &one.key), Some(&first.key), "the oldest first");
    assert_eq!(claimed.len(), 2);
    lease_over(fixture::now()).await;
    // Their worker died.
    assert_eq!(store.claim_bank_messages(LEASE, 9).await.unwrap().len(), 3);
    let handle = |message: &BankMessage, seconds, heard| {
        let at = fixture::now().plus(Duration::from_secs(seconds));
        changed(BankMessageChange::Handle { key: message.key.clone(), at, heard })
    };
    store.commit(handle(&first, 10, Heard::Asked)).await.unwrap();
    store.commit(handle(&second, 11, Heard::Unknown)).await.unwrap();
    // What was handled stays as it was.
    store.commit(handle(&first, 12, Heard::Unknown)).await.unwrap();
    let at = Some((fixture::now().plus(Duration::from_secs(10)), Heard::Asked));
    assert_eq!(kept(store, false).await.last().map(|one| one.handled), Some(at));
    let unknown = kept(store, true).await;
    assert_eq!(unknown.iter().map(|one| &one.key).collect::<Vec<_>>(), [&second.key]);
    lease_over(fixture::now()).await;
    let waiting = store.claim_bank_messages(LEASE, 9).await.unwrap();
    assert_eq!(waiting.iter().map(|one| &one.key).collect::<Vec<_>>(), [&third.key]);
    let forget = |seconds| {
        let before = fixture::now().plus(Duration::from_secs(seconds));
        changed(BankMessageChange::Forget { before })
    };
    let keys = async || kept(store, false).await.into_iter().map(|one| one.key);
    store.commit(forget(2)).await.unwrap();
    assert!(keys().await.eq([third.key.clone(), second.key]), "the first came earlier");
    store.commit(forget(1_000)).await.unwrap();
    assert!(keys().await.eq([third.key]), "what is not handled is never forgotten");
}
