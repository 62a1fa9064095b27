//! Every row of the lab, by every trigger, at the bank in this process and over the wire: the bank
//! is called as a gateway calls it, and the gateway's own rules say what a merchant sees.

use super::lab::CASES;
use super::order_tests::{by_bank, collect, rupees, scanned};
use super::tests::{MovedClock, open_at, open_card};
use super::*;
use domain::call::{Call as BankCall, Rules, Word};
use domain::method::MethodCode;
use domain::payment::{State, call_reference};
use domain::schedule;
use domain::status::OrderStatus;
use domain::terminal::{LateApproval, Settings, WhenUnknown};
use domain::upi::Device;
use engine::ports::LabCase;
use std::net::SocketAddr;
use tempfile::TempDir;
use tokio::net::TcpListener;

/// What asks for a case.
#[derive(Clone, Debug)]
enum Asks {
    Card(&'static str),
    Order(Box<Payment>),
}

fn triggers(case: &LabCase) -> Vec<Asks> {
    let order = |payment| Asks::Order(Box::new(payment));
    let mut all: Vec<Asks> = case.card.into_iter().map(Asks::Card).collect();
    all.extend(case.upi_addresses.iter().map(|address| order(collect(address))));
    all.extend(case.bank_code.map(|code| order(by_bank(MethodCode::NetBanking, code))));
    all.extend(case.bank_code.map(|code| order(by_bank(MethodCode::Wallet, code))));
    if let Some(ending) = case.amount_ending {
        let amount = rupees(&format!("10{ending}"));
        for payment in
            [scanned(Device::Web), collect("someone@else"), by_bank(MethodCode::Wallet, "PAYTM")]
        {
            all.push(order(Payment { amount, ..payment }));
        }
    }
    all
}

/// A gateway's part, played by its rules.
struct Player<'a> {
    bank: &'a dyn Connector,
    clock: &'a MovedClock,
    late_approval: LateApproval,
}

/// How often the bank is asked at most: more than in a day.
const ROUNDS: u32 = 100;

/// What a merchant saw: `order_status` and `response`, each time that they changed.
type Seen = Vec<(&'static str, &'static str)>;

impl Player<'_> {
    fn rules(&self) -> Rules {
        Rules {
            patience: self.bank.lookup_patience(),
            when_unknown: WhenUnknown::Wait,
            asked_at: None,
            late_approval: self.late_approval,
            customer_time: Settings::for_cards().expires_after(),
        }
    }

    async fn call(&self, payment: &Payment, our_reference: &str, asks: &Asks) -> Outcome {
        let settings = Settings::for_cards();
        let (merchant_name, return_url, counter_url) = ("Demo Shop", "https://a/b", "https://a/c");
        if let Asks::Card(number) = asks {
            let expires_at = payment.created_at.plus(settings.expires_after());
            let at_bank = Some(AtBank { merchant_name, expires_at, return_url, counter_url });
            let (amount, capture) = (payment.amount, payment.capture);
            let (card, payment) = (&open_card(number), payment.id);
            let request =
                AuthorisationRequest { our_reference, payment, amount, card, capture, at_bank };
            return self.bank.authorise(request).await;
        }
        let settings = &settings;
        let request = OrderRequest {
            our_reference,
            payment,
            merchant_name,
            settings,
            return_url,
            counter_url,
        };
        self.bank.place_order(request).await
    }

    /// The call, while the time goes on.
    async fn call_in_time(&self, payment: &Payment, our_reference: &str, asks: &Asks) -> Outcome {
        let called = self.call(payment, our_reference, asks);
        tokio::pin!(called);
        loop {
            tokio::select! {
                outcome = &mut called => return outcome,
                () = tokio::time::sleep(Duration::from_millis(30)) => {
                    self.clock.forward(Duration::from_millis(200));
                }
            }
        }
    }

    async fn play(&self, draw: u64, asks: &Asks) -> Seen {
        let now = self.clock.now();
        let mut payment = match asks {
            Asks::Order(payment) => (**payment).clone(),
            Asks::Card(_) => testkit::fixture::payment(1, "1DEV"),
        };
        payment.id = PaymentId::new(now, draw.to_le_bytes());
        payment.created_at = now;
        payment.authentication = Authentication::Frictionless;
        let our_reference = call_reference(payment.id, 1);
        payment.state = State::Sending(domain::call::Sending {
            our_reference: our_reference.clone(),
            sent_at: now,
        });
        let outcome = self.call_in_time(&payment, &our_reference, asks).await;
        // What the bank does later has begun to wait before the clock moves.
        tokio::time::sleep(Duration::from_millis(1)).await;
        let word = Word::Outcome(outcome);
        payment = payment.record(word, self.rules(), self.clock.now()).unwrap().payment;
        let mut seen = Seen::new();
        for _round in 0..ROUNDS {
            let status = OrderStatus::of(&payment.state, payment.mode);
            let now_seen = (status.code, payment.response());
            if seen.last() != Some(&now_seen) {
                seen.push(now_seen);
            }
            let Some(due_at) = payment.due_at else { return seen };
            self.clock.forward(due_at.since(self.clock.now()));
            payment = self.ask(payment).await;
        }
        panic!("{asks:?} does not end: {seen:?}")
    }

    /// What background work does with a payment that is due.
    async fn ask(&self, payment: Payment) -> Payment {
        let asked = if let Some(our_reference) = payment.state.order_reference().map(str::to_owned)
        {
            let lookup = self.bank.look_up(&our_reference).await;
            payment.record_order(&our_reference, lookup, self.rules(), self.clock.now())
        } else {
            let word = match payment.state.at_the_bank().unwrap() {
                BankCall::Reversing(reversing) => {
                    let request = FollowUpRequest {
                        our_reference: &reversing.our_reference,
                        original: &reversing.original,
                        payment: payment.id,
                        amount: payment.amount,
                    };
                    Word::Reversal(self.bank.reverse(request).await)
                }
                call @ (BankCall::Sending(_) | BankCall::Unknown(_)) => {
                    Word::Lookup(self.bank.look_up(call.our_reference()).await)
                }
            };
            payment.record(word, self.rules(), self.clock.now())
        };
        asked.unwrap().payment
    }
}

fn expect(case: &LabCase, asks: &Asks, seen: &Seen) {
    let end = seen.last().copied().unwrap();
    assert_eq!(end, (case.order_status, case.response), "{} {asks:?}: {seen:?}", case.name);
    let passed = |code: &str| seen.iter().any(|(seen, _)| *seen == code);
    let confirmed = seen.contains(&("0", "Outcome is being confirmed with the bank"));
    match case.name {
        "Approved too late" => assert!(passed("0") && passed("22"), "{asks:?}: {seen:?}"),
        "Answer lost" | "Request lost" | "Bank goes down" => assert!(confirmed, "{seen:?}"),
        _other => {}
    }
}

async fn served(bank: Arc<SandboxBank>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(serve_bank(bank, listener, std::future::pending()));
    address
}

async fn play_all(bank: &dyn Connector, clock: &MovedClock, folder: &TempDir) {
    let player = Player { bank, clock, late_approval: LateApproval::Accept };
    let mut draw = 0;
    for case in lab() {
        for asks in triggers(&case) {
            draw += 1;
            let seen = player.play(draw, &asks).await;
            expect(&case, &asks, &seen);
        }
    }
    let net = net_money(&tests::entries(folder)).unwrap();
    assert!(net.len() > 100 && net.values().all(|net| net.authorisations <= 1), "{}", net.len());
}

#[tokio::test]
async fn every_row_ends_as_it_says_in_this_process() {
    let (folder, clock) = (TempDir::new().unwrap(), MovedClock::new());
    let bank = open_at(&folder, Arc::clone(&clock));
    play_all(&*bank, &clock, &folder).await;
}

#[tokio::test]
async fn every_row_ends_as_it_says_over_the_wire() {
    let (folder, clock) = (TempDir::new().unwrap(), MovedClock::new());
    let address = served(open_at(&folder, Arc::clone(&clock))).await;
    let remote = RemoteSandbox::new(address, Patience::default()).unwrap();
    play_all(&remote, &clock, &folder).await;
}

#[tokio::test]
async fn a_terminal_may_reverse_what_comes_too_late() {
    let (folder, clock) = (TempDir::new().unwrap(), MovedClock::new());
    let bank = open_at(&folder, Arc::clone(&clock));
    let player = Player { bank: &*bank, clock: &clock, late_approval: LateApproval::Reverse };
    for (draw, asks) in triggers(&case("Approved too late")).into_iter().enumerate() {
        let seen = player.play(u64::try_from(draw).unwrap(), &asks).await;
        assert_eq!(seen.last().unwrap().0, "7", "{asks:?}: {seen:?}");
    }
}

fn case(name: &str) -> LabCase {
    lab().into_iter().find(|case| case.name == name).unwrap()
}

#[tokio::test]
async fn what_is_told_twice_is_told_twice() {
    let (folder, clock) = (TempDir::new().unwrap(), MovedClock::new());
    let bank = open_at(&folder, Arc::clone(&clock));
    let player = Player { bank: &*bank, clock: &clock, late_approval: LateApproval::Accept };
    let told = |case: LabCase| {
        let (bank, player) = (&bank, &player);
        async move {
            let mut told = Vec::new();
            for (draw, asks) in triggers(&case).into_iter().enumerate() {
                player.play(u64::try_from(draw).unwrap(), &asks).await;
                let mut times = 0;
                let soon = Duration::from_millis(50);
                while tokio::time::timeout(soon, bank.next_notice()).await.is_ok() {
                    times += 1;
                }
                told.push(times);
            }
            told
        }
    };
    assert_eq!(told(case("Told twice")).await, [2; 7]);
    assert_eq!(told(case("Another amount")).await, [0, 1, 1, 1, 1, 1, 1]);
}

/// The promises of the table's words.
#[test]
fn the_rows_time_themselves_inside_the_gateways_patience() {
    assert!(lab::SLOW < schedule::SENDING_IS_ASKED_AFTER);
    assert!(lab::SLOW < Patience::default().whole);
    assert_eq!(lab::DOWN_FOR, Duration::from_secs(10), "as its row says");
    for reason in DeclineReason::ALL {
        let does = |case: &&lab::Case| case.does == Does::Decline(reason);
        assert!(CASES.iter().any(|case| does(&case)), "{reason:?} has no row");
    }
}

#[test]
fn triggers_are_valid_and_lead_to_one_row() {
    let cases = lab();
    let documented = cards::TEST_CARDS.map(|card| card.number);
    let mut triggers = std::collections::BTreeSet::new();
    let mut add = |trigger: &str| assert!(triggers.insert(trigger.to_owned()), "{trigger}");
    for case in &cases {
        if let Some(number) = case.card {
            // Not one that only a test terminal takes.
            domain::card::CardNumber::parse(number, false).unwrap();
            assert!(!documented.contains(&number), "{number}");
            add(number);
        }
        for address in case.upi_addresses {
            assert_eq!(domain::upi::UpiAddress::parse(address).unwrap().as_str(), *address);
            add(address);
        }
        if let Some(code) = case.bank_code {
            assert_eq!(domain::method::BankCode::parse(code).unwrap().as_str(), code);
            add(code);
        }
        if let Some(ending) = case.amount_ending {
            assert_eq!(ending.len(), "77.00".len());
            add(ending);
        }
    }
    for institution in institutions::all() {
        assert_eq!(
            domain::method::BankCode::parse(institution.code).unwrap().as_str(),
            institution.code
        );
        let same = |other: &&Institution| {
            (other.method, other.code) == (institution.method, institution.code)
        };
        assert_eq!(institutions::all().iter().filter(same).count(), 1, "{}", institution.code);
    }
    // A card is not moved by its amount, and neither is what has a trigger of its own.
    assert_eq!(lab::case_of(Trigger::Card("4242424242424242"), "10.77"), None);
    assert_eq!(lab::case_of(Trigger::Card("4242424242424242"), "77.05"), None);
    let declined = Some(Does::Decline(DeclineReason::Refused));
    assert_eq!(lab::case_of(Trigger::BankCode("LABDECLINE"), "77.51"), declined);
    assert_eq!(lab::case_of(Trigger::Nothing, "177.05"), declined);
    assert_eq!(lab::case_of(Trigger::Nothing, "7705"), None);
}
