//! What every store must do for the portal and the office. Each check uses rows of its own.

use crate::fixture;
use domain::api_call::{ApiCall, CallFilter};
use domain::api_token::{ApiToken, TokenFacts, TokenScope};
use domain::call::Word;
use domain::id::{MerchantId, TerminalNumber};
use domain::ledger::Account;
use domain::merchant::Merchant;
use domain::money::Currency;
use domain::outcome::{BankFacts, DeclineReason, Outcome};
use domain::summary::{Day, PaymentSum};
use domain::terminal::Mode;
use domain::time::Timestamp;
use domain::user::{Email, Note, Role, SavedView, Session, User, UserFacts, UserId, UserState};
use engine::actor::Scope;
use engine::changeset::{AuditLine, Changeset, DeskChange, TokenChange};
use engine::error::CommitError;
use engine::ports::{Desks, PostingPlace, Store};
use std::time::Duration;

const MERCHANT: MerchantId = MerchantId(880);
const OTHER: MerchantId = MerchantId(881);

/// Runs all checks, on a store that [`crate::conformance::run`] has run on.
pub async fn run(store: &dyn Store, desks: &dyn Desks) {
    merchants_change(store).await;
    users(store, desks).await;
    sessions(store, desks).await;
    tokens(store, desks).await;
    tries_and_notes(store, desks).await;
    calls(store, desks).await;
    audit_lines(store, desks).await;
    sums(store, desks).await;
}

fn at(seconds: u64) -> Timestamp {
    fixture::now().plus(Duration::from_secs(seconds))
}

async fn commit(store: &dyn Store, change: DeskChange) -> Result<(), CommitError> {
    store.commit(Changeset::desk("desk", change, None)).await
}

async fn merchants_change(store: &dyn Store) {
    for id in [MERCHANT, OTHER] {
        let merchant = Merchant { id, approved: false, ..fixture::merchant() };
        let add = Changeset { merchant: Some(merchant), ..Changeset::default() };
        store.commit(add).await.unwrap();
    }
    let changed = Merchant {
        id: MERCHANT,
        name: "Renamed".to_owned(),
        active: false,
        approved: true,
        version: 2,
        ..fixture::merchant()
    };
    let change = || DeskChange::Merchant { merchant: changed.clone(), expected_version: 1 };
    commit(store, change()).await.unwrap();
    assert!(matches!(commit(store, change()).await, Err(CommitError::Stale("merchant"))));
    let all = store.merchants().await.unwrap();
    assert!(all.contains(&changed));
    assert!(all.iter().any(|one| one.id == OTHER && !one.approved && one.active));
}

fn user(id: i64, merchant: Option<MerchantId>, email: &str) -> User {
    User {
        id: UserId(id),
        merchant,
        email: Email::parse(email).unwrap(),
        link: None,
        facts: UserFacts {
            name: "Priya \u{1F600}".to_owned(),
            role: Role::Owner,
            state: UserState::Active,
            password: Some("$argon2id$".to_owned()),
            sealed_totp: Some(vec![0, 1, 255]),
            last_step: 7,
            recovery: vec![vec![1; 32], vec![2; 32]],
            link_until: Some(at(5)),
            invited_by: Some(UserId(3)),
            signed_in_at: None,
            views: vec![SavedView { name: "x".to_owned(), query: "a=b&c".to_owned() }],
        },
        version: 1,
        created_at: at(0),
    }
}

async fn users(store: &dyn Store, desks: &dyn Desks) {
    let put = |user: &User, expected_version| DeskChange::User {
        user: Box::new(user.clone()),
        expected_version,
    };
    let first = user(8801, Some(MERCHANT), "a@one.example");
    let second = user(8802, Some(MERCHANT), "b@one.example");
    let stranger = user(8803, Some(OTHER), "a@two.example");
    let operator = user(8804, None, "op@gateway.example");
    for one in [&second, &first, &stranger, &operator] {
        commit(store, put(one, None)).await.unwrap();
    }
    let taken = user(8805, Some(OTHER), "a@one.example");
    assert!(matches!(commit(store, put(&taken, None)).await, Err(CommitError::Exists("user"))));
    let same_number = user(8801, Some(OTHER), "new@two.example");
    let refused = commit(store, put(&same_number, None)).await;
    assert!(matches!(refused, Err(CommitError::NumberTaken)));
    assert_eq!(desks.users(Some(MERCHANT)).await.unwrap(), [first.clone(), second.clone()]);
    assert_eq!(desks.users(None).await.unwrap(), [operator]);
    assert_eq!(desks.user(UserId(8801)).await.unwrap(), Some(first.clone()));
    assert_eq!(desks.user(UserId(8899)).await.unwrap(), None);
    assert_eq!(desks.user_by_email(&stranger.email).await.unwrap(), Some(stranger));
    let mut changed = first.clone();
    changed.version = 2;
    changed.link = Some([7; 32]);
    changed.facts.role = Role::ReadOnly;
    commit(store, put(&changed, Some(1))).await.unwrap();
    let stale = commit(store, put(&changed, Some(1))).await;
    assert!(matches!(stale, Err(CommitError::Stale("user"))));
    assert_eq!(desks.user_by_link([7; 32]).await.unwrap(), Some(changed));
    assert_eq!(desks.user_by_link([8; 32]).await.unwrap(), None);
}

async fn sessions(store: &dyn Store, desks: &dyn Desks) {
    let session = |byte: u8, user: i64, second: u64| Session {
        digest: [byte; 32],
        user: UserId(user),
        created_at: at(second),
        seen_at: at(second),
        proved_at: at(second),
        caller: "203.0.113.7".to_owned(),
        agent: "Browser".to_owned(),
    };
    let all = [session(1, 8801, 1), session(2, 8801, 2), session(3, 8801, 3), session(4, 8802, 4)];
    for one in &all {
        commit(store, DeskChange::SessionBegun(one.clone())).await.unwrap();
    }
    let (found, user) = desks.session([2; 32]).await.unwrap().unwrap();
    assert_eq!((found, user.id), (all[1].clone(), UserId(8801)));
    assert_eq!(desks.session([9; 32]).await.unwrap(), None);
    let mine = desks.sessions(UserId(8801)).await.unwrap();
    assert_eq!(mine, [all[2].clone(), all[1].clone(), all[0].clone()]);
    let seen = |proved, second| DeskChange::SessionSeen { digest: [2; 32], at: at(second), proved };
    commit(store, seen(false, 60)).await.unwrap();
    commit(store, seen(true, 50)).await.unwrap();
    let (found, _) = desks.session([2; 32]).await.unwrap().unwrap();
    assert_eq!((found.seen_at, found.proved_at), (at(60), at(50)), "never seen earlier");
    commit(store, DeskChange::SessionEnded { digest: [3; 32] }).await.unwrap();
    let others = DeskChange::SessionsEnded { user: UserId(8801), except: Some([2; 32]) };
    commit(store, others).await.unwrap();
    assert_eq!(desks.sessions(UserId(8801)).await.unwrap().len(), 1);
    let none = DeskChange::SessionsEnded { user: UserId(8801), except: None };
    commit(store, none).await.unwrap();
    assert_eq!(desks.session([2; 32]).await.unwrap(), None);
    assert_eq!(desks.sessions(UserId(8802)).await.unwrap().len(), 1);
    commit(store, DeskChange::SessionsForgotten { before: at(5) }).await.unwrap();
    assert_eq!(desks.sessions(UserId(8802)).await.unwrap(), []);
}

async fn tokens(store: &dyn Store, desks: &dyn Desks) {
    let token = |byte: u8, merchant: MerchantId, second: u64| ApiToken {
        digest: [byte; 32],
        user: UserId(8801),
        merchant,
        facts: TokenFacts {
            name: "Nightly".to_owned(),
            mode: Mode::Live,
            scopes: vec![TokenScope::ReadPayments, TokenScope::WriteWebhooks],
        },
        created_at: at(second),
        expires_at: at(second + 86_400),
        used_at: None,
    };
    let all = [token(1, MERCHANT, 1), token(2, MERCHANT, 2), token(3, OTHER, 3)];
    for one in &all {
        commit(store, DeskChange::Token(TokenChange::Made(one.clone()))).await.unwrap();
    }
    let own = desks.tokens(MERCHANT).await.unwrap();
    assert_eq!(own, [all[1].clone(), all[0].clone()]);
    let (found, user) = desks.token([3; 32]).await.unwrap().unwrap();
    assert_eq!((found, user.id), (all[2].clone(), UserId(8801)));
    for (second, seen) in [(60, 60), (50, 60), (70, 70)] {
        let used = TokenChange::Used { digest: [1; 32], at: at(second) };
        commit(store, DeskChange::Token(used)).await.unwrap();
        let (found, _) = desks.token([1; 32]).await.unwrap().unwrap();
        assert_eq!(found.used_at, Some(at(seen)), "never used earlier");
    }
    commit(store, DeskChange::Token(TokenChange::Ended { digest: [1; 32] })).await.unwrap();
    assert_eq!(desks.token([1; 32]).await.unwrap(), None);
    assert_eq!(desks.tokens(MERCHANT).await.unwrap(), [all[1].clone()]);
}

async fn tries_and_notes(store: &dyn Store, desks: &dyn Desks) {
    let key = [5; 32];
    assert_eq!(desks.sign_in_tries(key).await.unwrap(), None);
    for tries in 1..4 {
        let change = DeskChange::SignInTries { key, tries, at: at(u64::from(tries)) };
        commit(store, change).await.unwrap();
        assert_eq!(desks.sign_in_tries(key).await.unwrap(), Some((tries, at(tries.into()))));
    }
    commit(store, DeskChange::SignInTries { key, tries: 0, at: at(9) }).await.unwrap();
    assert_eq!(desks.sign_in_tries(key).await.unwrap(), None);
    let payment = fixture::payment(880, "noted").id;
    let note = |second, text: &str| Note {
        merchant: MERCHANT,
        payment,
        at: at(second),
        author: "Priya".to_owned(),
        text: text.to_owned(),
    };
    let both = [note(1, "one\nand more"), note(2, "two")];
    for one in both.iter().rev() {
        commit(store, DeskChange::Note(one.clone())).await.unwrap();
    }
    assert_eq!(desks.notes(MERCHANT, payment).await.unwrap(), both);
    assert_eq!(desks.notes(OTHER, payment).await.unwrap(), []);
}

async fn calls(store: &dyn Store, desks: &dyn Desks) {
    let call = |number: u64, error: Option<&str>| ApiCall {
        merchant: if number == 3 { OTHER } else { MERCHANT },
        at: at(number / 2),
        number: i64::try_from(number).unwrap(),
        terminal: TerminalNumber(if number < 5 { 1 } else { 2 }),
        action: "create_payment",
        status: 422,
        error: error.map(str::to_owned),
        request_id: format!("request-{number}"),
        caller: Some("203.0.113.7".to_owned()),
        took: Duration::from_micros(1500),
        payment: error.is_none().then(|| fixture::payment(7, "x").id),
    };
    let all: Vec<ApiCall> =
        (0..8).map(|number| call(number, (number % 2 == 0).then_some("2001 amount"))).collect();
    commit(store, DeskChange::Calls(all.clone())).await.unwrap();
    let plain = CallFilter::default();
    let numbers = |found: Vec<ApiCall>| found.iter().map(|one| one.number).collect::<Vec<_>>();
    let page = desks.calls(MERCHANT, &plain, None, 3).await.unwrap();
    assert_eq!(page, [all[7].clone(), all[6].clone(), all[5].clone()]);
    let next = desks.calls(MERCHANT, &plain, Some(page[2].place()), 10).await.unwrap();
    assert_eq!(numbers(next), [4, 2, 1, 0]);
    let refused = CallFilter { refused_only: true, ..plain.clone() };
    assert_eq!(numbers(desks.calls(MERCHANT, &refused, None, 10).await.unwrap()), [6, 4, 2, 0]);
    let of_two = CallFilter { terminals: vec![TerminalNumber(2)], ..plain.clone() };
    assert_eq!(numbers(desks.calls(MERCHANT, &of_two, None, 10).await.unwrap()), [7, 6, 5]);
    let one = CallFilter { request_id: Some("request-3".to_owned()), ..plain.clone() };
    assert_eq!(desks.calls(MERCHANT, &one, None, 10).await.unwrap(), []);
    assert_eq!(numbers(desks.calls(OTHER, &one, None, 10).await.unwrap()), [3]);
    commit(store, DeskChange::CallsForgotten { before: at(3) }).await.unwrap();
    assert_eq!(numbers(desks.calls(MERCHANT, &plain, None, 10).await.unwrap()), [7, 6]);
}

async fn audit_lines(store: &dyn Store, desks: &dyn Desks) {
    let line = |merchant, detail: &str| AuditLine {
        at: at(1),
        actor: "user",
        caller: Some("203.0.113.7".parse().unwrap()),
        action: "test",
        result: "done",
        terminal: Some(TerminalNumber(42)),
        request_id: Some("request".to_owned()),
        detail: detail.to_owned(),
        merchant,
        user: Some(UserId(8801)),
    };
    for (merchant, detail) in
        [(Some(MERCHANT), "one"), (Some(OTHER), "two"), (None, "three"), (Some(MERCHANT), "four")]
    {
        store.commit(Changeset::audit(line(merchant, detail))).await.unwrap();
    }
    let mine = Scope::Merchant(MERCHANT);
    let found = desks.audit_lines(mine, None, 10).await.unwrap();
    let details = |found: &[engine::ports::AuditEntry]| {
        found.iter().map(|one| one.detail.clone()).collect::<Vec<_>>()
    };
    assert_eq!(details(&found), ["four", "one"]);
    let newest = &found[0];
    assert_eq!((newest.user, newest.merchant), (Some(UserId(8801)), Some(MERCHANT)));
    assert_eq!(newest.caller.as_deref(), Some("203.0.113.7"));
    assert_eq!(details(&desks.audit_lines(mine, Some(newest.id), 10).await.unwrap()), ["one"]);
    let all = desks.audit_lines(Scope::Everything, None, 3).await.unwrap();
    assert_eq!(details(&all), ["four", "three", "two"]);
    assert_eq!(desks.audit_lines(Scope::Holder, None, 10).await.unwrap(), []);
}

/// Far from the payments of other checks, which are of merchant 1 as well.
const LATER: Duration = Duration::from_hours(24 * 365);

async fn sums(store: &dyn Store, desks: &dyn Desks) {
    let begun = fixture::now().plus(LATER);
    let day = Day::of(begun);
    for number in 0..6_u64 {
        let made = begun.plus(Duration::from_hours(24 * (number / 3)));
        let payment = fixture::payment_at(9_000 + number, &format!("sum {number}"), made);
        store.commit(fixture::insert(&payment)).await.unwrap();
        let sending = payment.begin_sending(made).unwrap();
        let sent = sending.payment.clone();
        store.commit(Changeset::payment_changed("send", sending)).await.unwrap();
        let facts = BankFacts::default();
        let outcome = if number % 3 == 0 {
            Outcome::Declined(DeclineReason::InsufficientFunds, facts)
        } else {
            Outcome::Approved(facts)
        };
        let decided = sent.record(Word::Outcome(outcome), fixture::rules(), made).unwrap();
        store.commit(Changeset::payment_changed("decide", decided)).await.unwrap();
    }
    let sums = desks.payment_sums(MerchantId(1), Mode::Test, day..=day.plus(1)).await.unwrap();
    let declined: Vec<&PaymentSum> = sums.iter().filter(|sum| sum.state == "declined").collect();
    assert_eq!(declined.len(), 2);
    assert!(declined.iter().all(|sum| sum.reason.as_deref() == Some("insufficient_funds")));
    let approved: Vec<_> = sums.iter().filter(|sum| sum.state == "approved").collect();
    assert_eq!(approved.iter().map(|sum| sum.count).sum::<i64>(), 4);
    assert!(approved.iter().all(|sum| sum.captured_minor == sum.amount_minor && !sum.refunded));
    assert_eq!(sums.len(), 4, "by day and state");
    let first = desks.payment_sums(MerchantId(1), Mode::Test, day..=day).await.unwrap();
    assert_eq!(first.iter().map(|sum| sum.count).sum::<i64>(), 3);
    let live = desks.payment_sums(MerchantId(1), Mode::Live, day..=day.plus(1)).await.unwrap();
    assert_eq!(live, []);
    let mut books = desks.posting_sums(MerchantId(1), Mode::Test, day..=day.plus(1)).await.unwrap();
    books.sort();
    let accounts: Vec<Account> = books.iter().map(|sum| sum.account).collect();
    let both = [Account::BankReceivable, Account::MerchantPayable];
    assert_eq!(accounts, [both, both].concat());
    assert_eq!(books.iter().map(|sum| sum.amount_minor).sum::<i64>(), 0);
    assert!(books.iter().all(|sum| sum.postings == 2));
    let in_what = (Mode::Test, Currency::from_code("USD").unwrap());
    let page = |after, limit| desks.postings_of_day(MerchantId(1), in_what, day, after, limit);
    let all = page(None, 100).await.unwrap();
    assert_eq!(all.len(), 4);
    let mut walked = Vec::new();
    let mut after = None;
    loop {
        let next = page(after, 1).await.unwrap();
        let Some(last) = next.last() else { break };
        after = Some(PostingPlace::of(last));
        walked.extend(next);
    }
    assert_eq!(walked, all, "page by page");
}
