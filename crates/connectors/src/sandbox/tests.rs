use super::*;
use domain::card::{CardNumber, Expiry, SecurityCode};
use domain::terminal::Capture;
use domain::time::Timestamp;
use engine::ports::OpenCard;
use std::collections::BTreeSet;
use tempfile::TempDir;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// 2025-04-26 14:16:06.000657, the requirement page's own example time.
pub(super) const NOW: Timestamp = Timestamp::from_micros(1_745_676_966_000_657);

#[derive(Debug)]
struct StoppedClock;

#[async_trait]
impl Clock for StoppedClock {
    fn now(&self) -> Timestamp {
        NOW
    }

    async fn sleep(&self, _duration: Duration) {}
}

/// A clock that stands until it is moved, and then wakes those whose time has come.
#[derive(Debug)]
pub(super) struct MovedClock(watch::Sender<Timestamp>);

impl MovedClock {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self(watch::Sender::new(NOW)))
    }

    pub(super) fn forward(&self, by: Duration) {
        self.0.send_modify(|now| *now = now.plus(by));
    }
}

#[async_trait]
impl Clock for MovedClock {
    fn now(&self) -> Timestamp {
        *self.0.borrow()
    }

    async fn sleep(&self, duration: Duration) {
        let until = self.now().plus(duration);
        let mut moved = self.0.subscribe();
        moved.wait_for(|now| *now >= until).await.map(drop).unwrap();
    }
}

pub(super) fn open_at(folder: &TempDir, clock: Arc<MovedClock>) -> Arc<SandboxBank> {
    SandboxBank::open(&folder.path().join("bank.db"), clock).unwrap()
}

pub(super) fn open(folder: &TempDir) -> Arc<SandboxBank> {
    SandboxBank::open(&folder.path().join("bank.db"), Arc::new(StoppedClock)).unwrap()
}

/// Closes the bank as the end of a process does, and waits for its file.
pub(super) async fn close(bank: Arc<SandboxBank>) {
    let ended = bank.ended();
    drop(bank);
    assert_eq!(ended.await, Ok(()));
}

pub(super) fn entries(folder: &TempDir) -> Vec<JournalEntry> {
    read_journal(&folder.path().join("bank.db")).unwrap().map(Result::unwrap).collect()
}

pub(super) fn payment_id(draw: u64) -> PaymentId {
    PaymentId::new(NOW, draw.to_le_bytes())
}

pub(super) fn eleven_euros() -> Money {
    Money::from_minor(1111, "EUR".parse().unwrap()).unwrap()
}

pub(super) fn card(number: &str) -> Card {
    let number = CardNumber::parse(number, true).unwrap();
    let digits = "1234".get(..number.brand().security_code_digits()).unwrap();
    let security_code = SecurityCode::parse(digits, number.brand()).unwrap();
    Card { number, security_code, expiry: Expiry { year: 2030, month: 1 } }
}

pub(super) fn open_card(number: &str) -> OpenCard {
    let Card { number, security_code, expiry } = card(number);
    OpenCard { number, security_code: Some(security_code), expiry }
}

async fn authorise(bank: &SandboxBank, our_reference: &str, number: &str) -> Outcome {
    let request = AuthorisationRequest {
        our_reference,
        payment: payment_id(317_823),
        amount: eleven_euros(),
        card: &open_card(number),
        capture: Capture::Automatic,
        at_bank: None,
    };
    bank.authorise(request).await
}

pub(super) fn payment() -> Payment {
    Payment { id: payment_id(1), ..testkit::fixture::payment(1, "1DEV") }
}

#[tokio::test]
async fn every_documented_card_does_what_is_documented() {
    let folder = TempDir::new().unwrap();
    let bank = open(&folder);
    assert_eq!((bank.name(), bank.mode()), ("sandbox", Mode::Test));
    for (number, authentication, approved) in [
        ("4111111111111111", Authentication::Challenge, true),
        ("5111111111111111", Authentication::Challenge, true),
        ("4012000033330026", Authentication::Frictionless, true),
        ("5123450000000008", Authentication::Frictionless, true),
        ("4043409999991437", Authentication::Frictionless, false),
        ("5555229999997722", Authentication::Frictionless, false),
        ("4242424242424242", Authentication::Challenge, true),
        ("5438890000000229", Authentication::Challenge, true),
        ("378282246310005", Authentication::Challenge, true),
    ] {
        let asked = bank.authenticate(eleven_euros(), &card(number)).await;
        assert_eq!(asked, authentication, "{number}");
        match authorise(&bank, number, number).await {
            Outcome::Approved(facts) => {
                assert!(approved, "{number}");
                assert_eq!(facts.status_code.as_deref(), Some("00"));
                assert!(facts.descriptor.is_some_and(|d| d.len() <= 22));
            }
            Outcome::Declined(DeclineReason::Refused, facts) => {
                assert!(!approved, "{number}");
                assert_eq!(facts.status_code.as_deref(), Some("05"));
                assert_eq!(facts.descriptor, None);
            }
            other @ (Outcome::Pending(_)
            | Outcome::Declined(..)
            | Outcome::NotSent(_)
            | Outcome::Unknown(_)) => panic!("{number}: {other:?}"),
        }
    }
}

#[test]
fn every_row_of_the_table_is_a_card_and_stands_there_once() {
    let numbers: BTreeSet<&str> = cards::TEST_CARDS.iter().map(|card| card.number).collect();
    assert_eq!(numbers.len(), cards::TEST_CARDS.len());
    for card in cards::TEST_CARDS {
        assert!(CardNumber::parse(card.number, true).is_ok());
        let code = card.behaviour.answer.status_code();
        assert_eq!(Answer::from_status_code(code), Some(card.behaviour.answer));
    }
}

#[tokio::test]
async fn an_answer_is_in_the_books_and_is_the_same_when_asked_again() {
    let folder = TempDir::new().unwrap();
    let bank = open(&folder);
    let approved = authorise(&bank, "417823250426141606-2", "4012000033330026").await;
    let declined = authorise(&bank, "417823250426141606-3", "4043409999991437").await;
    let Outcome::Approved(facts) = &approved else { panic!("{approved:?}") };
    assert_eq!(facts.rrn.as_deref(), Some("000000000001"));
    assert_eq!(facts.bank_reference.as_deref(), Some("SB000000000001"));
    // A second connection reads while the bank is open.
    let line = |reference: &str, result: &str| JournalEntry {
        our_reference: reference.to_owned(),
        trans_id: "417823250426141606".to_owned(),
        kind: "authorisation".to_owned(),
        amount_minor: 1111,
        currency: "EUR".to_owned(),
        result: result.to_owned(),
        at: "2025-04-26T14:16:06.000657Z".to_owned(),
        original: None,
        capture: Some("automatic".to_owned()),
        times_asked: 1,
    };
    let books =
        vec![line("417823250426141606-2", "approved"), line("417823250426141606-3", "declined")];
    assert_eq!(entries(&folder), books);
    for reopened in [false, true] {
        let bank = if reopened { open(&folder) } else { Arc::clone(&bank) };
        let found = bank.look_up("417823250426141606-2").await;
        assert_eq!(found, Lookup::Found(approved.clone()));
        let found = bank.look_up("417823250426141606-3").await;
        assert_eq!(found, Lookup::Found(declined.clone()));
        assert_eq!(bank.look_up("417823250426141606-4").await, Lookup::NotFound);
        assert_eq!(bank.look_up("").await, Lookup::NotFound);
    }
    close(bank).await;
    assert_eq!(entries(&folder), books);
    let json = serde_json::to_string(&entries(&folder)[0]).unwrap();
    assert_eq!(
        json,
        r#"{"our_reference":"417823250426141606-2","trans_id":"417823250426141606","kind":"authorisation","amount_minor":1111,"currency":"EUR","result":"approved","at":"2025-04-26T14:16:06.000657Z","original":null,"capture":"automatic","times_asked":1}"#
    );
}

#[tokio::test]
async fn three_wrong_codes_fail_also_across_restarts() {
    let folder = TempDir::new().unwrap();
    let payment = payment();
    for (code, tries_before, verdict) in [
        ("000000", 3, ChallengeVerdict::TryAgain { tries_left: 2 }),
        ("", 2, ChallengeVerdict::TryAgain { tries_left: 1 }),
        ("1234567", 1, failed_challenge()),
        // Too late.
        ("123456", 0, failed_challenge()),
        ("000000", 0, failed_challenge()),
    ] {
        let bank = open(&folder);
        let view = bank.challenge(&payment).await.unwrap();
        assert_eq!(view.tries_left, tries_before);
        assert_eq!(view.bank_name, "Sandbox Bank");
        assert_eq!(view.hint.as_deref(), Some("Test code: 123456"));
        assert_eq!(bank.answer_challenge(&payment, code).await, verdict, "{code}");
        close(bank).await;
    }
    let bank = open(&folder);
    let other = Payment { id: payment_id(2), ..payment };
    assert_eq!(bank.answer_challenge(&other, " 123456 ").await, ChallengeVerdict::Passed);
    // Asked twice, e.g. by a double click, the bank says the same.
    assert_eq!(bank.answer_challenge(&other, "123456").await, ChallengeVerdict::Passed);
}

#[tokio::test]
async fn questions_and_right_codes_write_nothing() {
    let folder = TempDir::new().unwrap();
    let bank = open(&folder);
    authorise(&bank, "417823250426141606-2", "4012000033330026").await;
    let wal = folder.path().join("bank.db-wal");
    let before = std::fs::metadata(&wal).unwrap().len();
    bank.authenticate(eleven_euros(), &card("4111111111111111")).await;
    bank.challenge(&payment()).await.unwrap();
    bank.answer_challenge(&payment(), "123456").await;
    bank.look_up("417823250426141606-2").await;
    assert_eq!(std::fs::metadata(&wal).unwrap().len(), before);
}

#[tokio::test]
async fn no_card_number_and_no_code_is_in_any_file() {
    let folder = TempDir::new().unwrap();
    let bank = open(&folder);
    let numbers = ["4012000033330026", "5123450000000008", "4043409999991437", "378282246310005"];
    for (n, number) in numbers.iter().enumerate() {
        authorise(&bank, &format!("reference-{n}"), number).await;
    }
    let look = || {
        let mut files = 0;
        for file in std::fs::read_dir(folder.path()).unwrap() {
            let bytes = std::fs::read(file.unwrap().path()).unwrap();
            let contains = |text: &str| bytes.windows(text.len()).any(|w| w == text.as_bytes());
            for number in numbers {
                // Neither as text nor as a number, and not even its first or last digits.
                assert!(!contains(number) && !contains(&number[..6]));
                assert!(!contains(&number[number.len() - 4..]));
                let integer = number.parse::<i64>().unwrap().to_be_bytes();
                assert!(!bytes.windows(8).any(|w| w == integer));
            }
            files += usize::from(contains("reference-3"));
        }
        files
    };
    assert!(look() >= 1, "the files that were searched hold the authorisations");
    close(bank).await;
    assert!(look() >= 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_at_once_are_a_thousand_lines() {
    let folder = TempDir::new().unwrap();
    let bank = open(&folder);
    let mut calls = JoinSet::new();
    for n in 0..1000 {
        let bank = Arc::clone(&bank);
        calls.spawn(async move {
            let reference = format!("{n}-1");
            let outcome = authorise(&bank, &reference, "4012000033330026").await;
            (reference, outcome)
        });
    }
    let mut numbers = BTreeSet::new();
    while let Some(call) = calls.join_next().await {
        let (reference, outcome) = call.unwrap();
        assert_eq!(bank.look_up(&reference).await, Lookup::Found(outcome.clone()));
        let Outcome::Approved(facts) = outcome else { panic!("{outcome:?}") };
        numbers.insert(facts.rrn.unwrap());
    }
    assert_eq!(numbers.len(), 1000);
    let references: BTreeSet<String> =
        entries(&folder).into_iter().map(|entry| entry.our_reference).collect();
    assert_eq!(references.len(), 1000);
}

/// The bank must not be what limits the gateway: > 5,000 authorisations a second. The number is
/// printed and not asserted, for machines differ.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_calls_share_a_sync() {
    let folder = TempDir::new().unwrap();
    let bank = open(&folder);
    let begun = tokio::time::Instant::now();
    let mut calls = JoinSet::new();
    for caller in 0..256 {
        let bank = Arc::clone(&bank);
        calls.spawn(async move {
            for n in 0..40 {
                authorise(&bank, &format!("{caller:06}250426141606-{n}"), "4012000033330026").await;
            }
        });
    }
    while let Some(call) = calls.join_next().await {
        call.unwrap();
    }
    let took = begun.elapsed();
    println!("10240 authorisations took {took:?}");
    // More than the reader's page, read to the end and in order.
    let read = read_journal(&folder.path().join("bank.db")).unwrap();
    // What is written after the reader began does not keep it from ending.
    authorise(&bank, "late", "4012000033330026").await;
    assert_eq!(read.map(Result::unwrap).count(), 10_240);
}

#[tokio::test]
async fn books_that_cannot_be_used_are_refused() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("bank.db");
    assert!(matches!(read_journal(&path), Err(SandboxError::Database(_))));
    assert!(!path.exists(), "reading makes no file");
    close(open(&folder)).await;
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection.execute_batch("PRAGMA user_version = 4").unwrap();
    drop(connection);
    let clock = Arc::new(StoppedClock);
    assert!(matches!(SandboxBank::open(&path, clock), Err(SandboxError::SchemaVersion(4))));
    assert!(matches!(read_journal(&path), Err(SandboxError::SchemaVersion(4))));
}

#[tokio::test]
async fn when_the_books_fail_nothing_is_said_and_the_bank_ends() {
    let folder = TempDir::new().unwrap();
    let bank = open(&folder);
    let path = folder.path().join("bank.db");
    let connection = rusqlite::Connection::open(path).unwrap();
    connection.execute_batch("DROP TABLE journal").unwrap();
    let outcome = authorise(&bank, "417823250426141606-2", "4012000033330026").await;
    assert!(matches!(outcome, Outcome::Unknown(_)), "{outcome:?}");
    assert!(bank.ended().await.is_err());
    assert!(matches!(bank.look_up("417823250426141606-2").await, Lookup::Unavailable(_)));
    assert!(bank.challenge(&payment()).await.is_err());
    let verdict = bank.answer_challenge(&payment(), "123456").await;
    assert!(matches!(verdict, ChallengeVerdict::Unavailable(_)));
}
