//! The sandbox bank: a bank of our own for test terminals. It moves no money, but it is a real
//! peer: it keeps its own books in its own file, which no gateway writes, so that tests can
//! compare what the gateway believes with what the bank believes.

mod books;
pub mod cards;
mod counter;
mod faults;
mod institutions;
mod journal;
mod lab;
mod notices;
mod order_books;
mod orders;
mod proof;
mod protocol;
mod remote;
mod rules;
mod server;

use async_trait::async_trait;
pub use books::SandboxError;
use books::{Books, CodeCounts, Job, Line, Reply};
use cards::{Answer, Behaviour, NEW_CODES_AT_MOST, TEST_CODE, WRONG_CODES_AT_MOST};
use counter::Notices;
use domain::card::Card;
use domain::id::PaymentId;
use domain::money::Money;
use domain::outcome::{BankFacts, DeclineReason, Lookup, Outcome};
use domain::payment::{Authentication, Payment};
use domain::terminal::{Capture, Mode};
use engine::batch::{BatchError, BatchWriter, Limits};
use engine::ports::{
    AtBank, AuthorisationRequest, BankNotice, ChallengeVerdict, ChallengeView, Clock, Connector,
    FollowUpRequest, Institution, OrderRequest,
};
pub use journal::{JournalEntry, JournalReader, NetMoney, net_money, read_journal};
pub use lab::lab;
use lab::{Does, Trigger};
pub use notices::{NoticeReceiver, send_notices};
use orders::OrderForm;
pub use proof::SandboxBooks;
pub use remote::{NotLoopback, Patience, RemoteSandbox};
pub use rules::Refusal;
use rules::{Call, Wish};
pub use server::serve_bank;
use std::path::Path;
use std::sync::{Arc, Weak};
use std::time::Duration;

/// Calls beyond this are turned away at the door.
const QUEUE: usize = 16_384;
/// Most calls that share one sync.
const BATCH: usize = 1024;
/// The books say at once what they know; this covers a call that still waits in the queue.
const LOOKUP_PATIENCE: Duration = Duration::from_secs(5);
/// What the customer's statement would show; 22 characters is the most that card networks carry.
const DESCRIPTOR: &str = "SANDBOX*TOLLGATE TEST";
/// "Not authenticated", the word of the customer's bank (EMV 3-D Secure, `transStatus`).
const NOT_AUTHENTICATED: &str = "N";
const BUSY: &str = "another process has kept the sandbox bank's books for too long";
const BESIDE_IT: &str = "the books answered beside it";

/// The bank.
#[derive(Debug)]
pub struct SandboxBank {
    books: BatchWriter<Books>,
    clock: Arc<dyn Clock>,
    notices: Notices,
    /// For what the bank does later, if it is still there.
    me: Weak<Self>,
}

/// A card that is asked for money.
#[derive(Clone, Copy)]
struct CardCall<'a> {
    our_reference: &'a str,
    payment: PaymentId,
    amount: Money,
    capture: Capture,
    number: &'a str,
    at_bank: Option<AtBank<'a>>,
}

impl SandboxBank {
    /// Opens the bank's books at `path`, or begins new ones. Must be called inside a tokio runtime.
    pub fn open(path: &Path, clock: Arc<dyn Clock>) -> Result<Arc<Self>, SandboxError> {
        let limits = Limits { queue: QUEUE, batch: BATCH };
        let books = BatchWriter::start("sandbox-bank", Books::open(path)?, limits)?;
        Ok(Arc::new_cyclic(|me| Self {
            books,
            clock,
            notices: Notices::new(),
            me: Weak::clone(me),
        }))
    }

    /// Waits until the books are closed: with an error when they could not be written. From then
    /// on every call is unknown or unavailable, so the process should end.
    pub fn ended(&self) -> impl Future<Output = Result<(), String>> + Send + 'static {
        self.books.ended()
    }

    /// How many wrong codes the customer gave, and new ones they asked for; `job` counts, or adds
    /// one and counts.
    async fn codes(&self, job: Job) -> Result<CodeCounts, String> {
        match self.books.submit(job).await {
            Ok(Reply::Codes(counts)) => Ok(counts),
            Ok(Reply::Busy) => Err(BUSY.to_owned()),
            Ok(
                Reply::Line(_)
                | Reply::NoLine
                | Reply::Open { .. }
                | Reply::Due
                | Reply::Counter(_)
                | Reply::Unreadable(_),
            ) => Err(BESIDE_IT.to_owned()),
            Err(error) => Err(error.to_string()),
        }
    }

    /// Takes a card's money, or does what its number asks for.
    async fn authorise_card(&self, call: CardCall<'_>) -> Outcome {
        if let Some(does) = lab_card(call.number) {
            return self.play_card(&call, does).await;
        }
        let wish =
            Wish::Authorise { answer: cards::behaviour(call.number).answer, capture: call.capture };
        self.enter(call.our_reference, call.payment, call.amount, wish).await
    }

    /// Enters a call into the books; its line is the bank's answer.
    async fn enter(
        &self,
        our_reference: &str,
        payment: PaymentId,
        amount: Money,
        wish: Wish,
    ) -> Outcome {
        let our_reference = our_reference.to_owned();
        let call = Call { our_reference, payment, amount, wish, at: self.clock.now() };
        match self.books.submit(Job::Enter(call)).await {
            Ok(Reply::Line(line)) => outcome(line),
            Ok(Reply::Busy) => Outcome::NotSent(BUSY.to_owned()),
            Ok(Reply::Unreadable(why)) => Outcome::Unknown(why),
            Ok(
                Reply::NoLine
                | Reply::Open { .. }
                | Reply::Due
                | Reply::Counter(_)
                | Reply::Codes(_),
            ) => Outcome::Unknown(BESIDE_IT.to_owned()),
            Err(error @ BatchError::Full) => Outcome::NotSent(error.to_string()),
            Err(error @ BatchError::Stopped) => Outcome::Unknown(error.to_string()),
        }
    }

    async fn follow_up(&self, request: FollowUpRequest<'_>, wish: Wish) -> Outcome {
        self.enter(request.our_reference, request.payment, request.amount, wish).await
    }

    async fn challenge_of(&self, payment: PaymentId) -> Result<ChallengeView, String> {
        self.codes(Job::CountCodes { payment }).await.map(challenge)
    }

    async fn send_code(&self, payment: PaymentId) -> Result<ChallengeView, String> {
        self.codes(Job::NewCode { payment }).await.map(challenge)
    }

    async fn judge_code(&self, payment: PaymentId, code: &str) -> Result<ChallengeVerdict, String> {
        if code.trim() == TEST_CODE {
            // The right code comes too late after three wrong ones.
            let CodeCounts { wrong, .. } = self.codes(Job::CountCodes { payment }).await?;
            return Ok(match WRONG_CODES_AT_MOST.saturating_sub(wrong) {
                0 => failed_challenge(),
                _ => ChallengeVerdict::Passed,
            });
        }
        let CodeCounts { wrong, .. } = self.codes(Job::WrongCode { payment }).await?;
        Ok(match WRONG_CODES_AT_MOST.saturating_sub(wrong) {
            0 => failed_challenge(),
            tries_left => ChallengeVerdict::TryAgain { tries_left },
        })
    }
}

/// What a card does that is a case of the lab.
fn lab_card(number: &str) -> Option<Does> {
    lab::case_of(Trigger::Card(number), "")
}

/// Whether a card's holder is asked first. Not where the lab decides.
fn authentication(number: &str) -> Authentication {
    if lab_card(number).is_some() {
        return Authentication::Frictionless;
    }
    let Behaviour { authentication, .. } = cards::behaviour(number);
    authentication
}

fn challenge(counts: CodeCounts) -> ChallengeView {
    let CodeCounts { wrong, new } = counts;
    ChallengeView {
        bank_name: "Sandbox Bank".to_owned(),
        sent_to: "the phone ending in 42".to_owned(),
        tries_left: WRONG_CODES_AT_MOST.saturating_sub(wrong),
        new_codes_left: NEW_CODES_AT_MOST.saturating_sub(new),
        hint: Some(format!("Test code: {TEST_CODE}")),
    }
}

fn failed_challenge() -> ChallengeVerdict {
    let status_code = Some(NOT_AUTHENTICATED.to_owned());
    ChallengeVerdict::Failed(BankFacts { status_code, ..BankFacts::default() })
}

/// What the bank says of a line of its books: the same when it is asked again.
fn outcome(line: Line) -> Outcome {
    let facts = BankFacts {
        bank_reference: Some(format!("SB{:012}", line.number)),
        // Twelve characters by ISO 8583, data element 37.
        rrn: Some(format!("{:012}", line.number.rem_euclid(1_000_000_000_000))),
        descriptor: None,
        status_code: Some(line.answer.status_code().to_owned()),
        amount_minor: line.reports_minor,
    };
    match line.answer {
        Answer::Approve => {
            Outcome::Approved(BankFacts { descriptor: Some(DESCRIPTOR.to_owned()), ..facts })
        }
        Answer::Decline(reason) => Outcome::Declined(reason, facts),
        Answer::Refuse(_) => Outcome::Declined(DeclineReason::Refused, facts),
    }
}

#[async_trait]
impl Connector for SandboxBank {
    fn name(&self) -> &'static str {
        "sandbox"
    }

    fn mode(&self) -> Mode {
        Mode::Test
    }

    fn lookup_patience(&self) -> Duration {
        LOOKUP_PATIENCE
    }

    fn can_always_challenge(&self) -> bool {
        true
    }

    async fn authenticate(&self, _amount: Money, card: &Card) -> Authentication {
        authentication(card.number.reveal())
    }

    async fn challenge(&self, payment: &Payment) -> Result<ChallengeView, String> {
        self.challenge_of(payment.id).await
    }

    async fn answer_challenge(&self, payment: &Payment, answer: &str) -> ChallengeVerdict {
        self.judge_code(payment.id, answer).await.unwrap_or_else(ChallengeVerdict::Unavailable)
    }

    async fn send_new_code(&self, payment: &Payment) -> Result<ChallengeView, String> {
        self.send_code(payment.id).await
    }

    fn institutions(&self) -> &[Institution] {
        institutions::all()
    }

    async fn place_order(&self, request: OrderRequest<'_>) -> Outcome {
        self.place_form(&OrderForm::of(&request)).await
    }

    async fn next_notice(&self) -> BankNotice {
        self.notices.next().await
    }

    async fn authorise(&self, request: AuthorisationRequest<'_>) -> Outcome {
        let AuthorisationRequest { our_reference, payment, amount, card, capture, at_bank } =
            request;
        let number = card.number.reveal();
        let call = CardCall { our_reference, payment, amount, capture, number, at_bank };
        self.authorise_card(call).await
    }

    async fn capture(&self, request: FollowUpRequest<'_>) -> Outcome {
        let original = request.original.to_owned();
        self.follow_up(request, Wish::Capture { original }).await
    }

    async fn refund(&self, request: FollowUpRequest<'_>) -> Outcome {
        let original = request.original.to_owned();
        self.follow_up(request, Wish::Refund { original }).await
    }

    async fn reverse(&self, request: FollowUpRequest<'_>) -> Outcome {
        let original = request.original.to_owned();
        self.follow_up(request, Wish::Reverse { original }).await
    }

    async fn look_up(&self, our_reference: &str) -> Lookup {
        self.find(our_reference).await
    }
}

#[cfg(test)]
mod calls_tests;
#[cfg(test)]
mod lab_tests;
#[cfg(test)]
mod notices_tests;
#[cfg(test)]
mod order_tests;
#[cfg(test)]
mod remote_tests;
#[cfg(test)]
mod tests;
