//! Orders that customers pay at the bank: placed, decided once, reversed, found again.

use super::tests::{MovedClock, NOW, close, entries, open_at, payment_id};
use super::*;
use domain::merchant_qr::MerchantQr;
use domain::method::{BankCode, CustomerStep, Method, MethodCode, MethodDetails};
use domain::terminal::{QrFormat, Settings};
use domain::upi::{Device, UpiAddress};
use domain::upi_link::UpiLink;
use engine::ports::{BankCounter, CounterDecision, CounterStanding};
use tempfile::TempDir;

pub(super) const RETURN: &str = "https://pay.example/api/authurl/1/return";
pub(super) const COUNTER: &str = "https://pay.example/sandbox-bank/1";

pub(super) fn rupees(text: &str) -> Money {
    Money::parse(text, "INR".parse().unwrap()).unwrap()
}

/// A payment by this method that was created now.
pub(super) fn order_of(code: MethodCode, details: MethodDetails) -> Payment {
    Payment {
        id: payment_id(1),
        amount: rupees("11.11"),
        method: Method { code, card: None, details },
        created_at: NOW,
        ..testkit::fixture::payment(1, "1DEV")
    }
}

pub(super) fn by_bank(code: MethodCode, bank: &str) -> Payment {
    let bank_code = Some(BankCode::parse(bank).unwrap());
    order_of(code, MethodDetails { bank_code, ..MethodDetails::default() })
}

pub(super) fn collect(address: &str) -> Payment {
    let upi_address = Some(UpiAddress::parse(address).unwrap());
    order_of(MethodCode::UpiCollect, MethodDetails { upi_address, ..MethodDetails::default() })
}

pub(super) fn scanned(device: Device) -> Payment {
    let device = Some(device);
    order_of(MethodCode::QrIntent, MethodDetails { device, ..MethodDetails::default() })
}

pub(super) async fn place(
    bank: &dyn Connector,
    our_reference: &str,
    payment: &Payment,
    settings: &Settings,
) -> Outcome {
    let request = OrderRequest {
        our_reference,
        payment,
        merchant_name: "Demo Shop",
        settings,
        return_url: RETURN,
        counter_url: COUNTER,
    };
    bank.place_order(request).await
}

pub(super) fn follow_up<'a>(our_reference: &'a str, original: &'a str) -> FollowUpRequest<'a> {
    let (payment, amount) = (payment_id(1), rupees("11.11"));
    FollowUpRequest { our_reference, original, payment, amount }
}

struct Desk {
    folder: TempDir,
    clock: Arc<MovedClock>,
    bank: Arc<SandboxBank>,
}

impl Desk {
    fn open() -> Self {
        let (folder, clock) = (TempDir::new().unwrap(), MovedClock::new());
        let bank = open_at(&folder, Arc::clone(&clock));
        Self { folder, clock, bank }
    }

    async fn reopened(self) -> Self {
        let Self { folder, clock, bank } = self;
        close(bank).await;
        let bank = open_at(&folder, Arc::clone(&clock));
        Self { folder, clock, bank }
    }

    async fn place(&self, our_reference: &str, payment: &Payment) -> Outcome {
        place(&*self.bank, our_reference, payment, &Settings::for_cards()).await
    }

    async fn sbi(&self, our_reference: &str) -> Outcome {
        self.place(our_reference, &by_bank(MethodCode::NetBanking, "SBIN")).await
    }

    async fn decide(&self, our_reference: &str, decision: CounterDecision) -> CounterStanding {
        let order = self.bank.decide(our_reference, decision).await.unwrap();
        order.unwrap().standing
    }

    async fn look_up(&self, our_reference: &str) -> Lookup {
        self.bank.look_up(our_reference).await
    }

    async fn is_approved(&self, our_reference: &str) -> bool {
        matches!(self.look_up(our_reference).await, Lookup::Found(Outcome::Approved(_)))
    }

    /// Kind, result, amount and arrivals of each line.
    fn lines(&self) -> Vec<(String, String, i64, i64)> {
        entries(&self.folder)
            .into_iter()
            .map(|entry| (entry.kind, entry.result, entry.amount_minor, entry.times_asked))
            .collect()
    }
}

fn line(kind: &str, result: &str, amount: i64, times: i64) -> (String, String, i64, i64) {
    (kind.to_owned(), result.to_owned(), amount, times)
}

fn redirect() -> CustomerStep {
    CustomerStep::Redirect { url: COUNTER.to_owned() }
}

#[tokio::test]
async fn every_method_has_its_step_and_a_lookup_says_the_same() {
    let desk = Desk::open();
    let link = "upi://pay?pa=demoshop@sandbox&pn=Demo%20Shop&tr=100001250426141606\
                &tn=Testing%20Product&am=11.11&cu=INR&mode=01";
    let scan = |link: &str| CustomerStep::Scan { link: link.to_owned(), code: link.to_owned() };
    let posted = ["order", "amount", "currency"].map(str::to_owned);
    let converted = MethodDetails { converted_to_qr: true, ..collect("a@upi").method.details };
    let cases = [
        (by_bank(MethodCode::NetBanking, "SBIN"), redirect()),
        (by_bank(MethodCode::Wallet, "PHONEPE"), redirect()),
        (
            by_bank(MethodCode::NetBanking, "HDFC"),
            CustomerStep::PostRedirect {
                url: COUNTER.to_owned(),
                fields: posted
                    .into_iter()
                    .zip(["2-1", "11.11", "INR"].map(str::to_owned))
                    .collect(),
            },
        ),
        (collect("a@upi"), CustomerStep::ApproveInApp),
        (order_of(MethodCode::UpiCollect, converted), scan(link)),
        (scanned(Device::Web), scan(link)),
        (scanned(Device::Ios), scan(&link.replace("mode=01", "mode=04"))),
    ];
    for (place, (payment, step)) in cases.into_iter().enumerate() {
        let our_reference = format!("{place}-1");
        let pending = Outcome::Pending(Some(step));
        assert_eq!(desk.place(&our_reference, &payment).await, pending);
        assert_eq!(desk.look_up(&our_reference).await, Lookup::Found(pending));
    }
    assert_eq!(desk.look_up("never-1").await, Lookup::NotFound);
    assert_eq!(desk.bank.order("never-1").await, Ok(None));
    assert_eq!(desk.bank.decide("never-1", CounterDecision::Approve).await, Ok(None));
    assert_eq!(desk.lines(), [], "nothing is decided");
}

#[tokio::test]
async fn a_qr_code_is_as_the_terminal_wants_it() {
    let desk = Desk::open();
    let settings = Settings {
        qr_format: QrFormat::BharatQr,
        merchant_city: Some(domain::text::MerchantCity::parse("Pune").unwrap()),
        merchant_category_code: Some(
            domain::merchant::MerchantCategoryCode::parse("5411").unwrap(),
        ),
        ..Settings::for_cards()
    };
    let placed = place(&*desk.bank, "1-1", &scanned(Device::Web), &settings).await;
    let Outcome::Pending(Some(CustomerStep::Scan { link, code })) = placed else {
        panic!("{placed:?}")
    };
    let link = UpiLink::parse(&link).unwrap();
    assert_eq!(link.category().unwrap().to_string(), "5411");
    let code = MerchantQr::parse(&code).unwrap();
    assert_eq!((code.address, code.amount), (link.address().clone(), link.amount()));
    assert_eq!(code.merchant_city.to_lowercase(), "pune");
    let euros = Payment { amount: tests::eleven_euros(), ..scanned(Device::Web) };
    let refused = place(&*desk.bank, "2-1", &euros, &settings).await;
    assert_eq!(refused, Outcome::NotSent("UPI takes INR only, not EUR".to_owned()));
    assert_eq!(desk.look_up("2-1").await, Lookup::NotFound);
}

#[tokio::test]
async fn the_customer_decides_once_and_the_journal_has_one_line() {
    use CounterDecision::{Approve, Cancel, Decline};
    let mut desk = Desk::open();
    for (our_reference, first, then, standing, code) in [
        ("1-1", Approve, Decline, CounterStanding::Paid, "00"),
        ("2-1", Decline, Approve, CounterStanding::Refused, "05"),
        ("3-1", Cancel, Approve, CounterStanding::Refused, "17"),
    ] {
        desk.sbi(our_reference).await;
        let shown = desk.bank.order(our_reference).await.unwrap().unwrap();
        assert_eq!(
            (shown.standing, &*shown.institution),
            (CounterStanding::Open, "State Bank of India")
        );
        assert_eq!((&*shown.payee, shown.amount), ("Demo Shop", rupees("11.11")));
        assert_eq!((&*shown.return_url, shown.payer), (RETURN, None));
        desk = desk.reopened().await;
        assert_eq!(desk.decide(our_reference, first).await, standing);
        assert_eq!(desk.decide(our_reference, then).await, standing, "decided is decided");
        desk = desk.reopened().await;
        let found = desk.look_up(our_reference).await;
        let facts = match &found {
            Lookup::Found(Outcome::Approved(facts)) => facts,
            Lookup::Found(Outcome::Declined(_, facts)) => {
                assert_ne!(standing, CounterStanding::Paid);
                facts
            }
            Lookup::Found(_) | Lookup::NotFound | Lookup::Unavailable(_) => panic!("{found:?}"),
        };
        assert_eq!(facts.status_code.as_deref(), Some(code));
        let paid = standing == CounterStanding::Paid;
        assert_eq!(facts.amount_minor, paid.then_some(1111));
        if code == "17" {
            let cancelled = DeclineReason::CancelledByCustomer;
            assert!(
                matches!(&found, Lookup::Found(Outcome::Declined(why, _)) if *why == cancelled)
            );
        }
    }
    let line = |result| line("authorisation", result, 1111, 1);
    assert_eq!(desk.lines(), [line("approved"), line("declined"), line("declined")]);
    assert_eq!(entries(&desk.folder)[0].capture.as_deref(), Some("automatic"));
}

#[tokio::test]
async fn an_order_that_comes_again_gets_the_first_answer_and_is_counted() {
    let desk = Desk::open();
    let first = desk.sbi("1-1").await;
    assert_eq!(desk.sbi("1-1").await, first);
    let other = by_bank(MethodCode::Wallet, "PHONEPE");
    let refused = desk.place("1-1", &other).await;
    let Outcome::Declined(_, facts) = &refused else { panic!("{refused:?}") };
    assert_eq!(facts.status_code.as_deref(), Some("94"));
    desk.decide("1-1", CounterDecision::Approve).await;
    assert_eq!(desk.lines(), [line("authorisation", "approved", 1111, 2)]);
    let again = desk.sbi("1-1").await;
    assert_eq!(desk.look_up("1-1").await, Lookup::Found(again.clone()));
    assert!(matches!(again, Outcome::Approved(_)), "{again:?}");
    assert_eq!(desk.lines(), [line("authorisation", "approved", 1111, 3)]);
}

#[tokio::test]
async fn a_reversed_order_is_not_paid_any_more_and_a_paid_one_is_undone() {
    let desk = Desk::open();
    desk.sbi("1-1").await;
    let other = FollowUpRequest { payment: payment_id(2), ..follow_up("9-9", "1-1") };
    assert!(matches!(desk.bank.reverse(other).await, Outcome::Declined(..)), "another payment's");
    let order = desk.bank.order("1-1").await.unwrap().unwrap();
    assert_eq!(order.standing, CounterStanding::Open, "it can be paid as before");
    assert!(matches!(desk.bank.reverse(follow_up("1-2", "1-1")).await, Outcome::Approved(_)));
    assert_eq!(desk.decide("1-1", CounterDecision::Approve).await, CounterStanding::Refused);
    assert!(matches!(desk.look_up("1-1").await, Lookup::Found(Outcome::Declined(..))));
    desk.sbi("2-1").await;
    assert_eq!(desk.decide("2-1", CounterDecision::Approve).await, CounterStanding::Paid);
    assert!(matches!(desk.bank.refund(follow_up("2-2", "2-1")).await, Outcome::Approved(_)));
    assert!(matches!(desk.bank.reverse(follow_up("2-3", "2-1")).await, Outcome::Declined(..)));
    desk.sbi("3-1").await;
    desk.decide("3-1", CounterDecision::Approve).await;
    for _again in 0..2 {
        assert!(matches!(desk.bank.reverse(follow_up("3-2", "3-1")).await, Outcome::Approved(_)));
    }
    let order = desk.bank.order("3-1").await.unwrap().unwrap();
    assert_eq!(order.standing, CounterStanding::Refused);
    // Reversed before it came.
    assert!(matches!(desk.bank.reverse(follow_up("4-2", "4-1")).await, Outcome::Approved(_)));
    assert!(matches!(desk.sbi("4-1").await, Outcome::Declined(..)));
    assert_eq!(desk.decide("4-1", CounterDecision::Approve).await, CounterStanding::Refused);
    let net = net_money(&entries(&desk.folder)).unwrap();
    assert_eq!(net[&payment_id(1).to_string()].taken_minor, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_first_wins() {
    let desk = Desk::open();
    let mut paid = 0;
    for round in 0..60 {
        let (order, undo) = (format!("{round}-1"), format!("{round}-2"));
        desk.sbi(&order).await;
        let (bank, reference) = (Arc::clone(&desk.bank), order.clone());
        let customer = tokio::spawn(async move {
            bank.decide(&reference, CounterDecision::Approve).await.unwrap().unwrap().standing
        });
        if round % 3 == 0 {
            tokio::task::yield_now().await;
        }
        let reversed = desk.bank.reverse(follow_up(&undo, &order)).await;
        assert!(matches!(reversed, Outcome::Approved(_)), "{reversed:?}");
        paid += u32::from(customer.await.unwrap() == CounterStanding::Paid);
        assert!(!desk.is_approved(&order).await, "no effect stands after the reversal");
    }
    println!("{paid} of 60 customers were first");
    let net = net_money(&entries(&desk.folder)).unwrap();
    assert_eq!(net[&payment_id(1).to_string()].taken_minor, 0);
    assert_eq!(desk.lines().len(), 120);
}

#[tokio::test]
async fn notices_tell_of_decisions_and_nobody_has_to_hear_them() {
    let desk = Desk::open();
    desk.sbi("0-1").await;
    for _unheard in 0..1100 {
        desk.bank.notices.send("unheard");
    }
    desk.decide("0-1", CounterDecision::Approve).await;
    for _heard in 0..1024 {
        assert_eq!(desk.bank.next_notice().await.our_reference, "unheard");
    }
    desk.decide("0-1", CounterDecision::Decline).await;
    assert_eq!(desk.bank.next_notice().await.our_reference, "0-1", "harmless when it comes again");
}

#[tokio::test]
async fn what_the_bank_decides_by_itself_is_prompt_and_survives_its_process() {
    let mut desk = Desk::open();
    let pending = Outcome::Pending(Some(CustomerStep::ApproveInApp));
    assert_eq!(desk.place("1-1", &collect("success@sandbox")).await, pending);
    assert_eq!(desk.place("2-1", &collect("failure@sandbox")).await, pending);
    assert_eq!(desk.place("3-1", &collect("someone@else")).await, pending);
    desk.clock.forward(Duration::from_millis(1999));
    assert_eq!(desk.look_up("1-1").await, Lookup::Found(pending.clone()));
    desk.clock.forward(Duration::from_millis(1));
    let mut told = [desk.bank.next_notice().await, desk.bank.next_notice().await]
        .map(|notice| notice.our_reference);
    told.sort();
    assert_eq!(told, ["1-1", "2-1"]);
    assert_eq!(desk.lines().len(), 2, "written before anyone asked");
    assert!(desk.is_approved("1-1").await && !desk.is_approved("2-1").await);
    // Another process takes over: the time is in the books.
    desk.place("4-1", &collect("late@sandbox")).await;
    desk.place("5-1", &collect("late@sandbox")).await;
    desk = desk.reopened().await;
    desk.clock.forward(Duration::from_mins(15));
    assert_eq!(desk.look_up("4-1").await, Lookup::Found(pending));
    desk.clock.forward(Duration::from_secs(9));
    assert!(desk.is_approved("4-1").await);
    // The customer cancels too late: the bank had approved.
    assert_eq!(desk.decide("5-1", CounterDecision::Cancel).await, CounterStanding::Paid);
    let at = NOW.plus(Duration::from_secs(15 * 60 + 3));
    assert_eq!(entries(&desk.folder)[2].at, at.to_rfc3339(), "when it decided, not when asked");
    assert!(matches!(desk.look_up("3-1").await, Lookup::Found(Outcome::Pending(_))));
}

#[tokio::test]
async fn a_new_code_may_be_asked_for_three_times() {
    let folder = TempDir::new().unwrap();
    let payment = tests::payment();
    for (round, left) in [2, 1, 0, 0].into_iter().enumerate() {
        let bank = tests::open(&folder);
        let view = bank.send_new_code(&payment).await.unwrap();
        assert_eq!((view.new_codes_left, view.tries_left), (left, 3 - u32::from(round > 1)));
        assert_eq!(bank.challenge(&payment).await.unwrap(), view);
        if round == 1 {
            bank.answer_challenge(&payment, "000000").await;
        }
        close(bank).await;
    }
    let bank = tests::open(&folder);
    assert_eq!(bank.answer_challenge(&payment, "123456").await, ChallengeVerdict::Passed);
}
