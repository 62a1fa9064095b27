//! The bank's rules and books over all kinds of calls.

use super::tests::{NOW, close, eleven_euros, entries, open, open_card, payment_id};
use super::*;
use domain::terminal::Capture;
use engine::batch::Sink as _;
use std::collections::BTreeMap;
use tempfile::TempDir;
use tokio::task::JoinSet;

fn euros(minor: i64) -> Money {
    Money::from_minor(minor, "EUR".parse().unwrap()).unwrap()
}

const APPROVED_CARD: &str = "4012000033330026";
const DECLINED_CARD: &str = "4043409999991437";

/// A bank with short words for calls; all are of payment 1 unless they say otherwise.
struct Desk {
    folder: TempDir,
    bank: Arc<SandboxBank>,
}

impl Desk {
    fn open() -> Self {
        let folder = TempDir::new().unwrap();
        let bank = open(&folder);
        Self { folder, bank }
    }

    async fn authorise(&self, our_reference: &str, capture: Capture, number: &str) -> String {
        let request = AuthorisationRequest {
            our_reference,
            payment: payment_id(1),
            amount: eleven_euros(),
            card: &open_card(number),
            capture,
            at_bank: None,
        };
        word(&self.bank.authorise(request).await)
    }

    async fn sale(&self, our_reference: &str) -> String {
        self.authorise(our_reference, Capture::Automatic, APPROVED_CARD).await
    }

    async fn hold(&self, our_reference: &str) -> String {
        self.authorise(our_reference, Capture::Manual, APPROVED_CARD).await
    }

    async fn capture(&self, our_reference: &str, original: &str, minor: i64) -> String {
        word(&self.bank.capture(follow_up(our_reference, original, minor)).await)
    }

    async fn refund(&self, our_reference: &str, original: &str, minor: i64) -> String {
        word(&self.bank.refund(follow_up(our_reference, original, minor)).await)
    }

    async fn reverse(&self, our_reference: &str, original: &str) -> String {
        word(&self.bank.reverse(follow_up(our_reference, original, 1111)).await)
    }

    async fn look_up(&self, our_reference: &str) -> String {
        match self.bank.look_up(our_reference).await {
            Lookup::Found(outcome) => word(&outcome),
            Lookup::NotFound => "not found".to_owned(),
            Lookup::Unavailable(why) => panic!("{why}"),
        }
    }

    /// The line of this reference.
    fn line(&self, our_reference: &str) -> JournalEntry {
        let mut lines: Vec<_> = entries(&self.folder)
            .into_iter()
            .filter(|entry| entry.our_reference == our_reference)
            .collect();
        assert_eq!(lines.len(), 1, "{our_reference}");
        lines.remove(0)
    }

    /// What is taken and held of payment 1.
    fn net(&self) -> (i64, i64) {
        let entries = entries(&self.folder);
        let net = net_money(&entries).unwrap().remove(&payment_id(1).to_string()).unwrap();
        (net.taken_minor, net.held_minor)
    }
}

fn follow_up<'a>(our_reference: &'a str, original: &'a str, minor: i64) -> FollowUpRequest<'a> {
    FollowUpRequest { our_reference, original, payment: payment_id(1), amount: euros(minor) }
}

/// "approved", or the bank's code for why not.
fn word(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Approved(_) => "approved".to_owned(),
        Outcome::Declined(_, facts) => facts.status_code.clone().unwrap(),
        Outcome::Pending(_) | Outcome::NotSent(_) | Outcome::Unknown(_) => {
            panic!("{outcome:?}")
        }
    }
}

#[tokio::test]
async fn a_call_that_arrives_again_gets_its_first_answer_and_is_counted() {
    let desk = Desk::open();
    for times in 1..=3 {
        assert_eq!(desk.sale("sale-1").await, "approved");
        assert_eq!(desk.refund("refund-1", "sale-1", 500).await, "approved");
        assert_eq!(desk.hold("hold-1").await, "approved");
        assert_eq!(desk.capture("capture-1", "hold-1", 1000).await, "approved");
        assert_eq!(desk.reverse("reversal-1", "unknown-1").await, "approved");
        assert_eq!(desk.reverse("reversal-2", "sale-1").await, "21");
        // What the card is good for does not matter any more.
        let again = desk.authorise("sale-1", Capture::Automatic, DECLINED_CARD).await;
        assert_eq!(again, "approved");
        assert_eq!(desk.line("refund-1").times_asked, times);
        assert_eq!(desk.line("sale-1").times_asked, 2 * times);
    }
    assert_eq!(entries(&desk.folder).len(), 6);
    assert_eq!(desk.net(), (1111 - 500 + 1000, 0));
    // A lookup is no call, and a bank that was closed still counts.
    desk.look_up("refund-1").await;
    let Desk { folder, bank } = desk;
    close(bank).await;
    let desk = Desk { bank: open(&folder), folder };
    assert_eq!(desk.refund("refund-1", "sale-1", 500).await, "approved");
    assert_eq!(desk.line("refund-1").times_asked, 4);
}

#[tokio::test]
async fn a_reference_that_another_call_used_is_refused_and_counted() {
    let desk = Desk::open();
    assert_eq!(desk.sale("sale-1").await, "approved");
    assert_eq!(desk.refund("refund-1", "sale-1", 500).await, "approved");
    assert_eq!(desk.refund("refund-1", "sale-1", 501).await, "94");
    assert_eq!(desk.refund("refund-1", "sale-2", 500).await, "94");
    assert_eq!(desk.refund("sale-1", "sale-1", 1111).await, "94");
    assert_eq!(desk.reverse("refund-1", "sale-1").await, "94");
    assert_eq!(desk.hold("sale-1").await, "94");
    let other = FollowUpRequest { payment: payment_id(2), ..follow_up("refund-1", "sale-1", 500) };
    assert_eq!(word(&desk.bank.refund(other).await), "94");
    assert_eq!(desk.look_up("refund-1").await, "approved");
    assert_eq!((desk.line("refund-1").times_asked, desk.line("sale-1").times_asked), (5, 3));
    assert_eq!(desk.net(), (611, 0));
}

#[tokio::test]
async fn a_hold_is_captured_once_and_at_most_whole() {
    let desk = Desk::open();
    assert_eq!(desk.hold("hold-1").await, "approved");
    assert_eq!(desk.net(), (0, 1111));
    assert_eq!(desk.refund("refund-0", "hold-1", 1).await, "61", "nothing is taken yet");
    assert_eq!(desk.capture("capture-0", "hold-1", 0).await, "13");
    assert_eq!(desk.capture("capture-1", "hold-1", 1112).await, "61");
    assert_eq!(desk.capture("capture-2", "hold-1", 1000).await, "approved");
    assert_eq!(desk.net(), (1000, 0));
    assert_eq!(desk.capture("capture-3", "hold-1", 1).await, "76");
    assert_eq!(desk.refund("refund-1", "hold-1", 1001).await, "61");
    assert_eq!(desk.refund("refund-2", "hold-1", 1000).await, "approved");
    assert_eq!(desk.net(), (0, 0));
    // Only holds.
    assert_eq!(desk.sale("sale-1").await, "approved");
    assert_eq!(desk.capture("capture-4", "sale-1", 1).await, "12");
    assert_eq!(desk.authorise("hold-2", Capture::Manual, DECLINED_CARD).await, "05");
    assert_eq!(desk.capture("capture-5", "hold-2", 1).await, "12");
    assert_eq!(desk.capture("capture-6", "capture-2", 1).await, "12");
    assert_eq!(desk.capture("capture-7", "nowhere", 1).await, "25");
    let dollars = Money::from_minor(1, "USD".parse().unwrap()).unwrap();
    assert_eq!(desk.hold("hold-3").await, "approved");
    for (n, strange) in [
        FollowUpRequest { amount: dollars, ..follow_up("strange-0", "hold-3", 1) },
        FollowUpRequest { payment: payment_id(2), ..follow_up("strange-1", "hold-3", 1) },
    ]
    .into_iter()
    .enumerate()
    {
        assert_eq!(word(&desk.bank.capture(strange).await), "12", "{n}");
    }
    let line = desk.line("capture-2");
    let told = (line.kind.as_str(), line.original.as_deref(), line.capture.as_deref());
    assert_eq!(told, ("capture", Some("hold-1"), None));
    assert_eq!(desk.line("hold-1").capture.as_deref(), Some("manual"));
}

#[tokio::test]
async fn refunds_never_exceed_what_was_taken() {
    let desk = Desk::open();
    assert_eq!(desk.sale("sale-1").await, "approved");
    assert_eq!(desk.refund("refund-1", "sale-1", 1112).await, "61");
    assert_eq!(desk.refund("refund-2", "sale-1", 1000).await, "approved");
    assert_eq!(desk.refund("refund-3", "sale-1", 112).await, "61");
    assert_eq!(desk.refund("refund-4", "sale-1", 111).await, "approved");
    assert_eq!(desk.refund("refund-5", "sale-1", 1).await, "61");
    assert_eq!(desk.refund("refund-6", "sale-1", 0).await, "13");
    assert_eq!(desk.net(), (0, 0));
    assert_eq!(desk.authorise("sale-2", Capture::Automatic, DECLINED_CARD).await, "05");
    assert_eq!(desk.refund("refund-7", "sale-2", 1).await, "12");
    assert_eq!(desk.refund("refund-8", "nowhere", 1).await, "25");
    assert_eq!(desk.refund("refund-9", "refund-2", 1).await, "12");
    let line = desk.line("refund-3");
    assert_eq!((line.amount_minor, line.result.as_str()), (112, "declined"));
}

#[tokio::test]
async fn a_reversal_undoes_what_nobody_used() {
    let desk = Desk::open();
    assert_eq!(desk.sale("sale-1").await, "approved");
    assert_eq!(desk.hold("hold-1").await, "approved");
    for original in ["sale-1", "hold-1"] {
        let (first, second) = (format!("reversal-1-{original}"), format!("reversal-2-{original}"));
        assert_eq!(desk.look_up(original).await, "approved");
        assert_eq!(desk.reverse(&first, original).await, "approved");
        assert_eq!(desk.line(&first).amount_minor, 1111);
        // Already reversed: nothing is left to undo.
        assert_eq!(desk.reverse(&second, original).await, "approved");
        assert_eq!(desk.line(&second).amount_minor, 0);
        assert_eq!(desk.look_up(&first).await, "approved");
        // Nobody is told any more that it took money.
        assert_eq!(desk.look_up(original).await, "79");
    }
    assert_eq!(desk.net(), (0, 0));
    assert_eq!(desk.capture("capture-1", "hold-1", 1).await, "79");
    assert_eq!(desk.refund("refund-1", "sale-1", 1).await, "79");
    // Declined calls left nothing.
    assert_eq!(desk.authorise("sale-2", Capture::Automatic, DECLINED_CARD).await, "05");
    for (reversal, original) in [("r-1", "sale-2"), ("r-2", "capture-1"), ("r-3", "refund-1")] {
        assert_eq!(desk.reverse(reversal, original).await, "approved");
        assert_eq!(desk.line(reversal).amount_minor, 0);
    }
    assert_eq!(desk.look_up("sale-2").await, "05");
    let other = FollowUpRequest { payment: payment_id(2), ..follow_up("r-4", "sale-2", 1111) };
    assert_eq!(word(&desk.bank.reverse(other).await), "12");
    assert_eq!(desk.net(), (0, 0));
}

#[tokio::test]
async fn what_was_used_stands() {
    let desk = Desk::open();
    assert_eq!(desk.sale("sale-1").await, "approved");
    assert_eq!(desk.refund("refund-1", "sale-1", 1).await, "approved");
    assert_eq!(desk.hold("hold-1").await, "approved");
    assert_eq!(desk.capture("capture-1", "hold-1", 1111).await, "approved");
    assert_eq!(desk.sale("sale-2").await, "approved");
    assert_eq!(desk.reverse("reversal-1", "sale-2").await, "approved");
    for original in ["sale-1", "refund-1", "hold-1", "capture-1", "reversal-1"] {
        let reversal = format!("reversal of {original}");
        assert_eq!(desk.reverse(&reversal, original).await, "21", "{original}");
        assert_eq!(desk.look_up(original).await, "approved");
    }
    assert_eq!(desk.net(), (2221, 0));
}

#[tokio::test]
async fn what_arrives_after_its_reversal_is_declined() {
    let desk = Desk::open();
    assert_eq!(desk.sale("sale-1").await, "approved");
    assert_eq!(desk.hold("hold-1").await, "approved");
    for original in ["late-sale", "late-hold", "late-capture", "late-refund"] {
        let reversal = format!("reversal of {original}");
        assert_eq!(desk.reverse(&reversal, original).await, "approved");
        assert_eq!(desk.line(&reversal).amount_minor, 0);
        assert_eq!(desk.look_up(original).await, "not found");
    }
    assert_eq!(desk.sale("late-sale").await, "79");
    assert_eq!(desk.hold("late-hold").await, "79");
    assert_eq!(desk.capture("late-capture", "hold-1", 1).await, "79");
    assert_eq!(desk.refund("late-refund", "sale-1", 1).await, "79");
    assert_eq!(desk.look_up("late-sale").await, "79");
    assert_eq!(desk.net(), (1111, 1111));
    // The hold itself is as good as before.
    assert_eq!(desk.capture("capture-1", "hold-1", 1).await, "approved");
}

/// The books of version 1, as that version made them.
const VERSION_1: &str = "CREATE TABLE journal (
        id            INTEGER PRIMARY KEY,
        our_reference TEXT    NOT NULL,
        trans_id      TEXT    NOT NULL,
        kind          TEXT    NOT NULL CHECK (kind IN ('authorisation', 'reversal', 'refund', 'dispute')),
        amount_minor  INTEGER NOT NULL CHECK (amount_minor >= 0),
        currency      TEXT    NOT NULL CHECK (length(currency) = 3),
        result        TEXT    NOT NULL CHECK (result IN ('approved', 'declined')),
        status_code   TEXT    NOT NULL,
        at            INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX journal_our_reference ON journal (substr(our_reference, 7), our_reference);
    CREATE TABLE challenge (
        payment     INTEGER PRIMARY KEY,
        wrong_codes INTEGER NOT NULL CHECK (wrong_codes BETWEEN 1 AND 3)
    ) STRICT;
    INSERT INTO journal VALUES
        (1, 'sale-1', '1', 'authorisation', 1111, 'EUR', 'approved', '00', 1745676966000657),
        (2, 'sale-2', '2', 'authorisation', 1111, 'EUR', 'declined', '05', 1745676966000657),
        (3, 'sale-2', '2', 'authorisation', 1111, 'EUR', 'approved', '00', 1745676966000657),
        (5, 'sale-2', '2', 'authorisation', 1111, 'EUR', 'approved', '00', 1745676966000657);
    INSERT INTO challenge VALUES (250426141606417823, 2);
    PRAGMA user_version = 1;";

#[tokio::test]
async fn books_of_version_1_are_taken_over_whole() {
    let folder = TempDir::new().unwrap();
    let connection = rusqlite::Connection::open(folder.path().join("bank.db")).unwrap();
    connection.execute_batch(VERSION_1).unwrap();
    drop(connection);
    // Read as they are, before any bank opened them.
    let before = entries(&folder);
    assert_eq!(before.len(), 4);
    let desk = Desk { bank: open(&folder), folder };
    assert_eq!(entries(&desk.folder), before);
    let net = net_money(&before).unwrap();
    assert_eq!((net["1"].taken_minor, net["2"].taken_minor), (1111, 2222));
    // As before, the first one that took money answers for its reference.
    let found = desk.bank.look_up("sale-2").await;
    let Lookup::Found(Outcome::Approved(facts)) = found else { panic!("{found:?}") };
    assert_eq!(facts.rrn.as_deref(), Some("000000000003"));
    assert_eq!(desk.bank.challenge_of(payment_id(317_823)).await.unwrap().tries_left, 1);
    assert_eq!(desk.sale("sale-3").await, "approved");
    let Desk { folder, bank } = desk;
    close(bank).await;
    close(open(&folder)).await;
    assert_eq!(entries(&folder).len(), 5);
}

/// What version 2 had otherwise than version 3 has, as that version made it.
const VERSION_2: &str = "DROP TABLE bank_order;
    DROP TABLE challenge;
    CREATE TABLE IF NOT EXISTS challenge (
        payment     INTEGER PRIMARY KEY,
        wrong_codes INTEGER NOT NULL CHECK (wrong_codes BETWEEN 1 AND 3)
    ) STRICT;
    INSERT INTO challenge VALUES (250426141606417823, 2);
    PRAGMA user_version = 2;";

#[tokio::test]
async fn books_of_version_2_are_taken_over_whole() {
    let desk = Desk::open();
    desk.sale("sale-1").await;
    desk.sale("sale-1").await;
    desk.hold("hold-1").await;
    desk.capture("capture-1", "hold-1", 11).await;
    desk.refund("refund-1", "sale-1", 1).await;
    desk.reverse("reversal-1", "never-came").await;
    let Desk { folder, bank } = desk;
    close(bank).await;
    let path = folder.path().join("bank.db");
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection.execute_batch(VERSION_2).unwrap();
    drop(connection);
    let before = entries(&folder);
    assert_eq!(before.len(), 5);
    SandboxBooks::open(&path).unwrap();
    let desk = Desk { bank: open(&folder), folder };
    assert_eq!(entries(&desk.folder), before);
    let view = desk.bank.challenge_of(payment_id(317_823)).await.unwrap();
    assert_eq!((view.tries_left, view.new_codes_left), (1, 3));
    assert_eq!(desk.refund("refund-1", "sale-1", 1).await, "approved");
    assert_eq!(desk.line("refund-1").times_asked, 2);
    let connection = rusqlite::Connection::open(&path).unwrap();
    let left = "SELECT count(*) FROM sqlite_schema WHERE name LIKE '%before%'";
    assert_eq!(connection.query_row(left, [], |row| row.get(0)), Ok(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_processes_keep_the_same_books() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("bank.db");
    // All begin the new file at once.
    let opening: Vec<_> = (0..8)
        .map(|_| {
            let path = path.clone();
            std::thread::spawn(move || Books::open(&path).map(drop))
        })
        .collect();
    for opened in opening {
        opened.join().unwrap().unwrap();
    }
    let banks = [open(&folder), open(&folder)];
    let mut calls = JoinSet::new();
    for n in 0..300 {
        for (place, bank) in banks.iter().enumerate() {
            let bank = Arc::clone(bank);
            calls.spawn(async move {
                let card = open_card(APPROVED_CARD);
                // Every third reference is sent to both.
                let our_reference =
                    if n % 3 == 0 { format!("{n}") } else { format!("{n} at {place}") };
                let request = AuthorisationRequest {
                    our_reference: &our_reference,
                    payment: payment_id(n),
                    amount: eleven_euros(),
                    card: &card,
                    capture: Capture::Automatic,
                    at_bank: None,
                };
                let outcome = bank.authorise(request).await;
                assert!(matches!(outcome, Outcome::Approved(_)), "{outcome:?}");
            });
        }
    }
    while let Some(call) = calls.join_next().await {
        call.unwrap();
    }
    let entries = entries(&folder);
    assert_eq!(entries.len(), 100 + 400);
    let by_times = |times| entries.iter().filter(|entry| entry.times_asked == times).count();
    assert_eq!((by_times(1), by_times(2)), (400, 100));
    for bank in banks {
        close(bank).await;
    }
}

#[tokio::test]
async fn books_that_another_process_keeps_are_busy_and_not_broken() {
    let folder = TempDir::new().unwrap();
    let mut books = Books::open(&folder.path().join("bank.db")).unwrap();
    let other = rusqlite::Connection::open(folder.path().join("bank.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    books.set_patience(Duration::from_millis(20));
    let wrong_code = || vec![Job::WrongCode { payment: payment_id(1) }];
    assert!(matches!(books.write(&mut wrong_code()).unwrap()[..], [Reply::Busy]));
    // Questions wait for nobody.
    let mut question = vec![Job::LookUp { our_reference: "x".to_owned(), now: NOW }];
    assert!(matches!(books.write(&mut question).unwrap()[..], [Reply::NoLine]));
    other.execute_batch("COMMIT").unwrap();
    assert!(matches!(
        books.write(&mut wrong_code()).unwrap()[..],
        [Reply::Codes(CodeCounts { wrong: 1, new: 0 })]
    ));
}

/// Numbers that look random and are the same each time (Knuth's MMIX generator).
struct Draws(u64);

impl Draws {
    fn below(&mut self, end: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }

    fn call(&mut self) -> Call {
        let payment = self.below(20);
        let minor = i64::try_from(self.below(12)).unwrap();
        let original = format!("{payment}-{}", self.below(10));
        let capture = [Capture::Automatic, Capture::Manual][usize::from(self.below(2) == 0)];
        // Few names, so that calls meet; now and then of any kind, so that they meet what they
        // should not.
        let (wish, names) = match self.below(16) {
            0..=4 => (Wish::Authorise { answer: Answer::Approve, capture }, 10),
            5..=9 => (Wish::Capture { original }, 60),
            10..=14 => (Wish::Refund { original }, 60),
            _ => (Wish::Reverse { original }, 60),
        };
        let our_reference = format!("{payment}-{}", self.below(names));
        Call { our_reference, payment: payment_id(payment), amount: euros(minor), wish, at: NOW }
    }
}

#[tokio::test]
async fn no_order_of_calls_makes_the_bank_give_back_more_than_it_took() {
    let mut approved: BTreeMap<String, u32> = BTreeMap::new();
    for seed in 0..30 {
        let folder = TempDir::new().unwrap();
        let mut books = Books::open(&folder.path().join("bank.db")).unwrap();
        let mut draws = Draws(seed);
        let mut jobs: Vec<Job> = (0..1000).map(|_| Job::Enter(draws.call())).collect();
        books.write(&mut jobs).unwrap();
        let entries = entries(&folder);
        for (payment, net) in net_money(&entries).unwrap_or_else(|why| panic!("{seed}: {why}")) {
            let authorised: i64 = entries
                .iter()
                .filter(|e| e.trans_id == payment && e.kind == "authorisation")
                .filter(|e| e.result == "approved")
                .map(|e| e.amount_minor)
                .sum();
            assert!(net.taken_minor + net.held_minor <= authorised, "{seed} {payment}");
        }
        for entry in entries.iter().filter(|e| e.result == "approved" && e.amount_minor > 0) {
            *approved.entry(entry.kind.clone()).or_default() += 1;
        }
    }
    // All kinds were approved often, so that the sums mean something.
    assert!(approved.len() == 4 && approved.values().all(|count| *count > 100), "{approved:?}");
}

#[test]
fn the_sum_finds_a_bank_that_gives_back_too_much() {
    let line = |reference: &str, kind: &str, original: Option<&str>, amount_minor| JournalEntry {
        our_reference: reference.to_owned(),
        trans_id: "1".to_owned(),
        kind: kind.to_owned(),
        amount_minor,
        currency: "EUR".to_owned(),
        result: "approved".to_owned(),
        at: String::new(),
        original: original.map(str::to_owned),
        capture: (kind == "authorisation").then(|| "manual".to_owned()),
        times_asked: 1,
    };
    let hold = line("a", "authorisation", None, 10);
    let capture = line("b", "capture", Some("a"), 9);
    let refund = line("c", "refund", Some("a"), 9);
    let dollars = JournalEntry { currency: "USD".to_owned(), ..refund.clone() };
    let declined = JournalEntry { result: "declined".to_owned(), ..refund.clone() };
    let sum = |lines: &[&JournalEntry]| {
        let net = net_money(lines.iter().copied())?.remove("1").unwrap();
        Ok::<_, String>((net.taken_minor, net.held_minor))
    };
    assert_eq!(sum(&[&hold]), Ok((0, 10)));
    assert_eq!(sum(&[&hold, &capture]), Ok((9, 0)));
    assert_eq!(sum(&[&hold, &capture, &declined]), Ok((9, 0)));
    assert_eq!(sum(&[&hold, &capture, &refund]), Ok((0, 0)));
    let reversal = line("d", "reversal", Some("a"), 10);
    assert_eq!(sum(&[&hold, &reversal]), Ok((0, 0)));
    for wrong in [
        &[&hold, &refund][..],
        &[&hold, &capture, &refund, &refund],
        &[&hold, &capture, &dollars],
        &[&hold, &capture, &capture, &capture, &capture],
        &[&hold, &capture, &reversal],
        &[&hold, &reversal, &reversal],
        &[&capture],
    ] {
        assert!(sum(wrong).is_err(), "{wrong:?}");
    }
}
