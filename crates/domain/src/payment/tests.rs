use super::*;
use crate::card::{Brand, MaskedCard};
use crate::ledger;
use crate::method::MethodCode;
use crate::money::Currency;
use crate::outcome::{Lookup, Outcome};
use crate::refund::{Refund, RefundRefused, RefundRequest};
use crate::terminal::{LateApproval, WhenUnknown};
use crate::text::{ProductName, WebAddress};
use proptest::prelude::*;
use std::time::Duration;

pub(crate) const RULES: Rules = Rules {
    patience: Duration::from_mins(1),
    when_unknown: WhenUnknown::Wait,
    asked_at: None,
    late_approval: LateApproval::Accept,
    customer_time: Duration::from_mins(15),
};

pub(crate) fn sample() -> Payment {
    let created_at = Timestamp::from_micros(1_745_676_966_000_657);
    let expires_at = created_at.plus(Duration::from_mins(15));
    let address = |text: &str| WebAddress::parse(text).unwrap();
    Payment {
        id: PaymentId::new(created_at, [7; 8]),
        merchant: MerchantId(1),
        terminal: TerminalNumber(42),
        mode: Mode::Test,
        reference: Reference::parse("1DEV").unwrap(),
        attempt: 1,
        fingerprint: Fingerprint([1; 32]),
        amount: Money::parse("11.11", Currency::from_code("USD").unwrap()).unwrap(),
        method: Method::card(
            MethodCode::CreditCard,
            MaskedCard {
                brand: Brand::Visa,
                first_six: "411111".to_owned(),
                last_four: "1111".to_owned(),
            },
        ),
        authentication: Authentication::Challenge,
        capture: Capture::Automatic,
        request: Arc::new(Request {
            product_name: ProductName::parse("Testing Product").unwrap(),
            webhook_url: address("https://shop.example/hook"),
            return_url: address("https://shop.example/return"),
            customer: Customer::default(),
            source: None,
            source_url: None,
            webhook_encryption: WebhookEncryption::None,
            unique_reference: false,
            caller: None,
        }),
        created_at,
        state: State::Waiting { expires_at },
        version: 1,
        notices: 0,
        due_at: Some(expires_at),
    }
}

fn approved() -> Outcome {
    Outcome::Approved(BankFacts::default())
}

#[test]
fn the_happy_way() {
    let payment = sample();
    let now = payment.created_at.plus(Duration::from_secs(1));
    let opened = payment.open_challenge(now).unwrap().payment;
    assert_eq!(opened.order_status().code, "27");
    let sending = opened.begin_sending(now).unwrap().payment;
    assert_eq!(sending.order_status().code, "0");
    let done = sending.record(Word::Outcome(approved()), RULES, now).unwrap();
    assert_eq!(done.payment.order_status().code, "25");
    assert_eq!((done.payment.version, done.payment.notices), (4, 1));
    assert_eq!(done.payment.due_at, None);
    assert_eq!(done.event.sequence, 4);
    let live = Payment { mode: Mode::Live, ..done.payment };
    assert_eq!(live.order_status().code, "1");
}

#[test]
fn unknown_is_never_a_decline() {
    let now = sample().created_at.plus(Duration::from_secs(1));
    let sending = sample().begin_sending(now).unwrap().payment;
    let unknown = sending
        .record(Word::Outcome(Outcome::Unknown("timed out".to_owned())), RULES, now)
        .unwrap()
        .payment;
    assert_eq!(unknown.order_status().code, "0");
    assert_eq!(unknown.state.response(), "Outcome is being confirmed with the bank");
    assert!(!unknown.state.ended_without_money());
    assert!(unknown.due_at.is_some());
    let once = unknown.record(Word::Lookup(Lookup::NotFound), RULES, now).unwrap().payment;
    assert_eq!(once.state.name(), "unknown");
    let soon = now.plus(Duration::from_secs(59));
    let twice = once.record(Word::Lookup(Lookup::NotFound), RULES, soon).unwrap().payment;
    assert_eq!(twice.state.name(), "unknown");
    let late = now.plus(Duration::from_secs(61));
    let found = Lookup::Found(approved());
    let rescued = twice.clone().record(Word::Lookup(found), RULES, late).unwrap().payment;
    assert_eq!(rescued.state.name(), "approved");
    let reversing = twice.record(Word::Lookup(Lookup::NotFound), RULES, late).unwrap().payment;
    assert_eq!((reversing.state.name(), reversing.order_status().code), ("reversing", "0"));
    assert_eq!(reversing.due_at, Some(late), "the reversal is made at once");
    assert!(reversing.clone().record(Word::Outcome(approved()), RULES, late).is_err());
    let failed = reversing.record(Word::Reversal(approved()), RULES, late).unwrap().payment;
    assert_eq!(failed.state.name(), "failed");
}

fn taken() -> Payment {
    let now = sample().created_at;
    let sending = sample().begin_sending(now).unwrap().payment;
    sending.record(Word::Outcome(approved()), RULES, now).unwrap().payment
}

fn usd(text: &str) -> Money {
    Money::parse(text, Currency::from_code("USD").unwrap()).unwrap()
}

fn refund_of(amount: &str) -> RefundRequest {
    RefundRequest { amount: usd(amount), reference: None, reason: None }
}

const YEAR: Duration = Duration::from_hours(24 * 365);

#[test]
fn refunds_never_give_back_more_than_was_taken() {
    let now = taken().created_at;
    let first = taken().request_refund(&[], refund_of("10.00"), YEAR, now).unwrap();
    assert_eq!(first.changed.payment.order_status().code, "8");
    assert_eq!(first.changed.payment.due_at, first.refund.state.due_at());
    let one = [first.refund.clone()];
    let payment = first.changed.payment;
    let more = payment.clone().request_refund(&one, refund_of("1.12"), YEAR, now);
    assert_eq!(more.unwrap_err(), RefundRefused::MoreThanLeft { left_minor: 111 });
    let second = payment.request_refund(&one, refund_of("1.11"), YEAR, now).unwrap();
    let two = [first.refund, second.refund];
    let word = Word::Outcome(approved());
    let part = second.changed.payment.record_refund(&two, 2, word.clone(), RULES, now).unwrap();
    assert_eq!(part.changed.payment.order_status().code, "8", "the other one is still open");
    assert!(part.changed.notifies);
    let two = [two[0].clone(), part.refund];
    let no = Word::Outcome(outcome(2));
    let less = part.changed.payment.clone().record_refund(&two, 1, no, RULES, now).unwrap();
    assert_eq!(less.changed.payment.order_status().code, "12");
    assert_eq!(ledger::postings(&less.changed.payment, &less.changed.event), vec![]);
    assert_eq!(less.changed.payment.due_at, None);
    let full = part.changed.payment.record_refund(&two, 1, word.clone(), RULES, now).unwrap();
    assert_eq!(full.changed.payment.order_status().code, "3");
    let again = full.changed.payment.record_refund(&[full.refund], 1, word, RULES, now);
    assert!(again.is_err(), "a decided refund stays decided");
}

#[test]
fn an_operator_resolves_a_refund_that_the_bank_does_not_tell_about() {
    let now = taken().created_at;
    let asked = taken().request_refund(&[], refund_of("10.00"), YEAR, now).unwrap();
    let lost = Word::Outcome(Outcome::Unknown("reset".to_owned()));
    let open = asked.changed.payment.record_refund(&[asked.refund], 1, lost, RULES, now).unwrap();
    let (payment, refunds) = (open.changed.payment, [open.refund]);
    let late = now.plus(schedule::UNKNOWN_IS_REVERSED_AFTER);
    let early = late.minus(Duration::from_micros(1));
    assert!(!refunds[0].needs_an_operator(early) && refunds[0].needs_an_operator(late));
    assert!(payment.clone().resolve_refund(&refunds, 1, true, early).is_err());
    assert!(payment.clone().resolve_refund(&refunds, 2, true, late).is_err());
    let done = payment.clone().resolve_refund(&refunds, 1, true, late).unwrap();
    assert_eq!(
        (done.refund.state.name(), done.changed.payment.order_status().code),
        ("refunded", "12")
    );
    assert_eq!(ledger::postings(&done.changed.payment, &done.changed.event).len(), 2);
    let none = payment.resolve_refund(&refunds, 1, false, late).unwrap();
    assert_eq!((none.refund.state.name(), none.changed.payment.due_at), ("failed", None));
    let left = none.changed.payment.state.taken().map(Taken::left_minor);
    assert_eq!(left, Some(1111), "it can be refunded again");
    let again = none.changed.payment.resolve_refund(&[none.refund], 1, true, late);
    assert!(again.is_err(), "a decided refund stays decided");
}

#[test]
fn what_was_not_taken_is_not_given_back() {
    let now = sample().created_at;
    let waiting = sample().request_refund(&[], refund_of("1.00"), YEAR, now).unwrap_err();
    assert_eq!(waiting, RefundRefused::State("waiting for its customer"));
    let old = now.plus(YEAR).plus(Duration::from_micros(1));
    let late = taken().request_refund(&[], refund_of("1.00"), YEAR, old).unwrap_err();
    assert_eq!(late, RefundRefused::TooOld);
    let euro = Money::parse("1.00", Currency::from_code("EUR").unwrap()).unwrap();
    let request = RefundRequest { amount: euro, reference: None, reason: None };
    let other = taken().request_refund(&[], request, YEAR, now).unwrap_err();
    assert_eq!(other, RefundRefused::Currency);
}

fn held() -> Payment {
    let now = sample().created_at;
    let manual = Payment { capture: Capture::Manual, ..sample() };
    let sending = manual.begin_sending(now).unwrap().payment;
    let held = sending.record(Word::Outcome(approved()), RULES, now).unwrap();
    assert_eq!(ledger::postings(&held.payment, &held.event), vec![], "nothing was taken yet");
    held.payment
}

#[test]
fn held_money_is_captured_once_and_at_most() {
    let now = held().created_at;
    assert_eq!((held().state.name(), held().order_status().code), ("authorised", "25"));
    assert!(held().request_refund(&[], refund_of("1.00"), YEAR, now).is_err());
    let more = held().begin_capture(usd("11.12"), now).unwrap_err();
    assert_eq!(more, CaptureRefused::Amount { held_minor: 1111 });
    let capturing = held().begin_capture(usd("5.00"), now).unwrap().payment;
    assert!(capturing.clone().begin_capture(usd("5.00"), now).is_err());
    assert!(capturing.clone().begin_void(now).is_err());
    let refused = capturing.clone().record(Word::Outcome(outcome(2)), RULES, now).unwrap();
    assert_eq!(refused.payment.state.name(), "authorised");
    let done = capturing.record(Word::Outcome(approved()), RULES, now).unwrap();
    let lines = ledger::postings(&done.payment, &done.event);
    assert_eq!(lines.iter().map(|line| line.amount_minor).collect::<Vec<_>>(), [500, -500]);
    let left = done.payment.request_refund(&[], refund_of("5.01"), YEAR, now).unwrap_err();
    assert_eq!(left, RefundRefused::MoreThanLeft { left_minor: 500 });
}

#[test]
fn a_late_answer_about_the_authorisation_says_nothing_about_the_capture() {
    let now = held().created_at;
    let sending = Payment { capture: Capture::Manual, ..sample() }.begin_sending(now).unwrap();
    let asked = sending.payment.state.at_the_bank().unwrap();
    let capturing = held().begin_capture(usd("11.11"), now).unwrap().payment;
    let found = Word::Lookup(Lookup::Found(approved()));
    let late = capturing.clone().record_about(asked.our_reference(), found.clone(), RULES, now);
    assert!(late.is_err(), "{late:?}");
    let capture = capturing.state.at_the_bank().unwrap();
    let done = capturing.record_about(capture.our_reference(), found, RULES, now).unwrap();
    assert_eq!(done.payment.state.name(), "approved");
}

#[test]
fn a_late_answer_about_an_earlier_capture_says_nothing_about_the_next() {
    let now = held().created_at;
    let reference = |payment: &Payment| {
        payment.state.at_the_bank().map(|call| call.our_reference().to_owned()).unwrap()
    };
    let first = held().begin_capture(usd("5.00"), now).unwrap().payment;
    let asked = reference(&first);
    let no = Word::Outcome(outcome(2));
    let refused = first.record_about(&asked, no, RULES, now).unwrap().payment;
    let second = refused.begin_capture(usd("5.00"), now).unwrap().payment;
    // Another node asked about the first capture as well, and hears only now.
    let late = Word::Lookup(Lookup::Found(outcome(2)));
    assert!(second.clone().record_about(&asked, late, RULES, now).is_err());
    let own = reference(&second);
    let taken = second.record_about(&own, Word::Outcome(approved()), RULES, now).unwrap();
    assert_eq!(taken.payment.state.name(), "approved");
}

#[test]
fn held_money_is_released() {
    let now = held().created_at;
    let voiding = held().begin_void(now).unwrap().payment;
    let kept = voiding.clone().record(Word::Reversal(outcome(2)), RULES, now).unwrap().payment;
    assert_eq!(kept.state.name(), "authorised");
    let done = voiding.record(Word::Reversal(approved()), RULES, now).unwrap().payment;
    assert_eq!((done.state.name(), done.order_status().code), ("reversed", "7"));
    assert!(done.state.ended_without_money());
}

#[test]
fn expiry_has_an_edge() {
    let State::Waiting { expires_at } = sample().state else { panic!("sample waits") };
    let before = Timestamp::from_micros(expires_at.micros() - 1);
    assert!(sample().expire(before).is_err());
    assert!(sample().begin_sending(before).is_ok());
    assert!(sample().begin_sending(expires_at).is_err());
    assert_eq!(sample().expire(expires_at).unwrap().payment.order_status().code, "22");
}

#[test]
fn the_first_answer_stays_pending_for_a_challenge() {
    let now = sample().created_at;
    let done = sample().cancel(now).unwrap().payment;
    assert_eq!(OrderStatus::of(&done.answered_state(), done.mode).code, "0");
}

#[derive(Clone, Debug)]
enum Step {
    Open,
    Send,
    Answer(u8),
    Lookup(u8),
    FailAuthentication,
    Reversal(u8),
    Capture(i64),
    Void,
    Refund(i64),
    RefundWord(i32, u8),
    Cancel,
    Expire,
}

fn step() -> impl Strategy<Value = (Step, u32)> {
    let step = prop_oneof![
        Just(Step::Open),
        Just(Step::Send),
        (0..5_u8).prop_map(Step::Answer),
        (0..4_u8).prop_map(Step::Lookup),
        Just(Step::FailAuthentication),
        (0..5_u8).prop_map(Step::Reversal),
        (1..1200_i64).prop_map(Step::Capture),
        Just(Step::Void),
        (1..1200_i64).prop_map(Step::Refund),
        (1..4_i32, 0..14_u8).prop_map(|(number, word)| Step::RefundWord(number, word)),
        Just(Step::Cancel),
        Just(Step::Expire),
    ];
    (step, 0..400_u32)
}

fn outcome(n: u8) -> Outcome {
    match n {
        0 => approved(),
        1 => Outcome::Pending(None),
        2 => Outcome::Declined(DeclineReason::Refused, BankFacts::default()),
        3 => Outcome::NotSent("refused".to_owned()),
        _ => Outcome::Unknown("reset".to_owned()),
    }
}

fn lookup(n: u8) -> Lookup {
    match n {
        0 => Lookup::Found(approved()),
        1 => Lookup::Found(outcome(2)),
        2 => Lookup::NotFound,
        _ => Lookup::Unavailable("down".to_owned()),
    }
}

/// What a step makes of a payment and its refunds; none when it is refused.
fn apply(
    payment: Payment,
    refunds: &mut Vec<Refund>,
    step: &Step,
    now: Timestamp,
) -> Option<Changed> {
    let currency = payment.amount.currency();
    let money = |minor| Money::from_minor(minor, currency).unwrap();
    match step {
        Step::Open => payment.open_challenge(now).ok(),
        Step::Send => payment.begin_sending(now).ok(),
        Step::Answer(n) => payment.record(Word::Outcome(outcome(*n)), RULES, now).ok(),
        Step::Lookup(n) => payment.record(Word::Lookup(lookup(*n)), RULES, now).ok(),
        Step::Reversal(n) => payment.record(Word::Reversal(outcome(*n)), RULES, now).ok(),
        Step::Capture(minor) => payment.begin_capture(money(*minor), now).ok(),
        Step::Void => payment.begin_void(now).ok(),
        Step::Refund(minor) => {
            let request = RefundRequest { amount: money(*minor), reference: None, reason: None };
            let done = payment.request_refund(refunds, request, YEAR, now).ok()?;
            refunds.push(done.refund);
            Some(done.changed)
        }
        Step::RefundWord(number, n) => {
            let word = match n {
                0..5 => Word::Outcome(outcome(*n)),
                5..9 => Word::Lookup(lookup(n - 5)),
                _ => Word::Reversal(outcome(n - 9)),
            };
            let done = payment.record_refund(refunds, *number, word, RULES, now).ok()?;
            let place = refunds.iter().position(|one| one.number == *number).unwrap();
            refunds[place] = done.refund;
            Some(done.changed)
        }
        Step::FailAuthentication => payment.fail_authentication(BankFacts::default(), now).ok(),
        Step::Cancel => payment.cancel(now).ok(),
        Step::Expire => payment.expire(now).ok(),
    }
}

/// What must hold of any payment at any time.
fn check(payment: &Payment, refunds: &[Refund], books: i64) {
    let waits = payment.state.decided_at().is_none()
        || payment.state.at_the_bank().is_some()
        || refunds.iter().any(|refund| refund.state.due_at().is_some());
    assert_eq!(payment.due_at.is_some(), waits, "what is open has a next step");
    let sum = |name: &str| {
        let these = refunds.iter().filter(|refund| refund.state.name() == name);
        these.map(|refund| refund.amount.minor()).sum::<i64>()
    };
    let taken = payment.state.taken().cloned().unwrap_or_default();
    assert_eq!(taken.refunded_minor, sum("refunded"));
    assert_eq!(taken.refunding_minor, sum("pending"));
    assert!(taken.left_minor() >= 0 && taken.captured_minor <= payment.amount.minor());
    assert_eq!(books, taken.captured_minor - taken.refunded_minor, "the books know");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]
    #[test]
    fn any_order_of_steps_keeps_the_rules(
        manual: bool,
        steps in prop::collection::vec(step(), 1..40),
    ) {
        let capture = if manual { Capture::Manual } else { Capture::Automatic };
        let mut payment = Payment { capture, ..sample() };
        let mut refunds = Vec::new();
        let mut books = 0;
        let mut now = payment.created_at;
        for (step, seconds) in steps {
            now = now.plus(Duration::from_secs(u64::from(seconds)));
            let before = payment.clone();
            let Some(changed) = apply(payment.clone(), &mut refunds, &step, now) else { continue };
            let after = changed.payment;
            prop_assert!(!before.state.ended_without_money(), "that is the end");
            prop_assert_eq!(after.version, before.version + 1);
            prop_assert_eq!(changed.event.sequence, after.version);
            prop_assert_eq!(after.notices - before.notices, i32::from(changed.notifies));
            let event_type = crate::event_type::EventType::of(&changed.event);
            prop_assert_eq!(event_type.is_some(), changed.notifies);
            let postings = ledger::postings(&after, &changed.event);
            prop_assert!(ledger::balanced(&postings));
            books += postings
                .iter()
                .filter(|posting| posting.account == ledger::Account::BankReceivable)
                .map(|posting| posting.amount_minor)
                .sum::<i64>();
            check(&after, &refunds, books);
            let was_with_bank = before.state.at_the_bank().is_some();
            let bank_spoke =
                matches!(step, Step::Answer(_) | Step::Lookup(_) | Step::Reversal(_));
            prop_assert!(!was_with_bank || bank_spoke, "only the bank ends what was sent");
            payment = after;
        }
    }
}
