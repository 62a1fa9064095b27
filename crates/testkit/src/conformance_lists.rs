//! What every store's lists of payments must be: whole, in order, and of those who may see them.

use crate::fixture;
use domain::id::{MerchantId, PaymentId, TerminalNumber};
use domain::merchant::Merchant;
use domain::payment::{Payment, State};
use domain::payment_filter::PaymentFilter;
use domain::time::Timestamp;
use engine::actor::Scope;
use engine::changeset::{Changeset, StoredTerminal, TerminalChange};
use engine::ports::{PaymentsAsked, Store};
use std::collections::BTreeSet;
use std::time::Duration;

const MINE: MerchantId = MerchantId(78);
const MY_TERMINALS: [TerminalNumber; 2] = [TerminalNumber(780), TerminalNumber(781)];
const OTHERS: MerchantId = MerchantId(79);
const OTHERS_TERMINAL: TerminalNumber = TerminalNumber(790);
/// How far the payments of these lists are from those of other checks.
const LATER: Duration = Duration::from_hours(1_000);

pub(crate) async fn run(store: &dyn Store) {
    let mut all = Vec::new();
    let terminals = MY_TERMINALS.map(|terminal| (MINE, terminal));
    let owned: Vec<_> = terminals.into_iter().chain([(OTHERS, OTHERS_TERMINAL)]).collect();
    for (merchant, terminal) in &owned {
        add_terminal(store, *merchant, *terminal).await;
    }
    for number in 0..30_u64 {
        let (merchant, terminal) = owned[usize::try_from(number * 7 % 3).unwrap()];
        // Several in a second, in no order of their numbers.
        let payment = payment(merchant, terminal, number * 300, number * 7919 % 30);
        store.commit(fixture::insert(&payment)).await.unwrap();
        all.push(payment);
    }
    every_page_by_page(store, &all).await;
    only_what_is_asked_for(store, &all).await;
}

async fn add_terminal(store: &dyn Store, merchant: MerchantId, number: TerminalNumber) {
    let name = format!("Shop {merchant}");
    let merchant = Merchant { id: merchant, name: name.clone(), ..fixture::merchant() };
    let terminal = StoredTerminal {
        number,
        merchant: merchant.id,
        merchant_name: name,
        public_keys: vec![format!("key of {number}")],
        ..fixture::stored_terminal()
    };
    let change = TerminalChange { terminal, expected_version: None };
    if !store.merchants().await.unwrap().contains(&merchant) {
        let changeset = Changeset { merchant: Some(merchant), ..Changeset::default() };
        store.commit(changeset).await.unwrap();
    }
    store.commit(Changeset { terminal: Some(change), ..Changeset::default() }).await.unwrap();
}

fn at(millis: u64) -> Timestamp {
    fixture::now().plus(LATER).plus(Duration::from_millis(millis))
}

fn payment(merchant: MerchantId, terminal: TerminalNumber, millis: u64, draw: u64) -> Payment {
    let (created_at, expires_at) = (at(millis), at(millis + 900_000));
    Payment {
        id: PaymentId::new(created_at, (1_000 + draw).to_le_bytes()),
        merchant,
        terminal,
        created_at,
        state: State::Waiting { expires_at },
        due_at: Some(expires_at),
        ..fixture::payment(0, &format!("order {millis}"))
    }
}

/// Walks through a list, `meanwhile` before each page.
async fn walk(
    store: &dyn Store,
    scope: Scope,
    filter: &PaymentFilter,
    mut meanwhile: impl AsyncFnMut(),
) -> Vec<PaymentId> {
    let mut seen: Vec<Payment> = Vec::new();
    loop {
        meanwhile().await;
        let before = seen.last().map(|last| last.id);
        let asked = PaymentsAsked { filter: filter.clone(), before, limit: 4 };
        let page = store.newest_payments(scope, asked).await.unwrap();
        assert!(page.len() <= 4);
        if page.is_empty() {
            break;
        }
        seen.extend(page);
        assert!(seen.len() < 1_000, "it has no end");
    }
    let second = |payment: &Payment| std::cmp::Reverse(payment.created_at.unix_seconds());
    assert!(seen.is_sorted_by_key(second), "the newest first");
    for payment in &seen {
        assert!(scope.allows(payment.merchant) && filter.lets_through(payment), "{}", payment.id);
    }
    seen.iter().map(|payment| payment.id).collect()
}

fn of_hour() -> PaymentFilter {
    PaymentFilter { from: Some(at(0)), until: Some(at(3_600_000)), ..PaymentFilter::default() }
}

/// Each exactly once, while new ones arrive, also in the second of the newest.
async fn every_page_by_page(store: &dyn Store, all: &[Payment]) {
    let mut arrived = 100;
    for scope in [Scope::Merchant(MINE), Scope::Everything] {
        for filter in [PaymentFilter::default(), of_hour()] {
            let seen = walk(store, scope, &filter, async || {
                arrived += 1;
                for terminal in MY_TERMINALS {
                    let draw = arrived * 4 + u64::try_from(terminal.0).unwrap() % 2;
                    // Their references are told apart by the time.
                    let new = payment(MINE, terminal, 8_700 + arrived, 1_000 + draw);
                    store.commit(fixture::insert(&new)).await.unwrap();
                }
            })
            .await;
            let distinct: BTreeSet<PaymentId> = seen.iter().copied().collect();
            assert_eq!(distinct.len(), seen.len(), "twice in {scope:?} {filter:?}");
            for payment in all.iter().filter(|one| scope.allows(one.merchant)) {
                assert!(distinct.contains(&payment.id), "not in {scope:?} {filter:?}");
            }
        }
    }
    assert_eq!(walk(store, Scope::Holder, &of_hour(), async || ()).await, []);
}

async fn only_what_is_asked_for(store: &dyn Store, all: &[Payment]) {
    let again = Payment {
        attempt: 2,
        reference: all[0].reference.clone(),
        ..payment(all[0].merchant, all[0].terminal, 5_000, 77)
    };
    store.commit(fixture::insert(&again)).await.unwrap();
    let everything = walk(store, Scope::Everything, &of_hour(), async || ()).await;
    let mut known = Vec::new();
    for id in everything {
        known.extend(store.payment(Scope::Everything, id).await.unwrap());
    }
    let terminal = |terminal| PaymentFilter { terminal: Some(terminal), ..of_hour() };
    let between = |from, until| PaymentFilter {
        from: Some(at(from)),
        until: Some(at(until)),
        ..PaymentFilter::default()
    };
    let reference = PaymentFilter { reference: Some(again.reference.clone()), ..of_hour() };
    let filters = [
        terminal(MY_TERMINALS[1]),
        terminal(OTHERS_TERMINAL),
        terminal(TerminalNumber(99)),
        between(300, 8_400),
        between(301, 8_401),
        between(8_400, 8_400),
        PaymentFilter { terminal: Some(MY_TERMINALS[0]), ..between(900, 5_001) },
        reference.clone(),
        PaymentFilter { terminal: Some(again.terminal), ..reference.clone() },
        PaymentFilter { terminal: Some(OTHERS_TERMINAL), ..reference },
    ];
    for filter in filters {
        for scope in [Scope::Merchant(MINE), Scope::Merchant(OTHERS), Scope::Everything] {
            let mut seen = walk(store, scope, &filter, async || ()).await;
            seen.sort();
            let wanted = |one: &&Payment| scope.allows(one.merchant) && filter.lets_through(one);
            let mut expected: Vec<_> = known.iter().filter(wanted).map(|one| one.id).collect();
            expected.sort();
            assert_eq!(seen, expected, "{scope:?} {filter:?}");
        }
    }
    // A page may begin after a number that nobody has.
    let before = Some(PaymentId::new(at(4_000), 899_999_u64.to_le_bytes()));
    for scope in [Scope::Merchant(MINE), Scope::Everything] {
        let asked = PaymentsAsked { filter: of_hour(), before, limit: 1 };
        let page = store.newest_payments(scope, asked).await.unwrap();
        // In its second the store's own order decides.
        assert!(
            (at(3_000)..at(5_000)).contains(&page[0].created_at),
            "{}",
            page[0].created_at.micros()
        );
    }
}
