//! Orders at the sandbox bank: taken, watched until the bank decides by itself, decided by the
//! customer at the counter, and told of to the gateway that shares the process.

use super::books::{Job, Reply};
use super::cards::Answer;
use super::lab::{self, Does};
use super::orders::{Order, OrderForm};
use super::rules::Wish;
use super::{BESIDE_IT, BUSY, CardCall, SandboxBank, outcome};
use async_trait::async_trait;
use domain::outcome::{DeclineReason, Lookup, Outcome};
use engine::batch::BatchError;
use engine::ports::{BankCounter, BankNotice, CounterDecision, CounterOrder, LabCase};
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::sync::{Mutex, mpsc};

/// Notices that wait to be heard; more are dropped, for a lookup tells the same.
const NOTICES: usize = 1024;

const BANK_IS_DOWN: &str = "the bank cannot be reached (test case)";
const REQUEST_LOST: &str = "the request was lost (test case)";
const ANSWER_LOST: &str = "the answer was lost (test case)";
const DOWN_AFTERWARDS: &str = "the bank does not answer (test case)";

/// What the bank tells of, and who hears it.
#[derive(Debug)]
pub(super) struct Notices {
    sender: mpsc::Sender<BankNotice>,
    receiver: Mutex<mpsc::Receiver<BankNotice>>,
}

impl Notices {
    pub(super) fn new() -> Self {
        let (sender, receiver) = mpsc::channel(NOTICES);
        Self { sender, receiver: Mutex::new(receiver) }
    }

    pub(super) fn send(&self, our_reference: &str) {
        let _nobody_hears =
            self.sender.try_send(BankNotice { our_reference: our_reference.into() });
    }

    pub(super) async fn next(&self) -> BankNotice {
        match self.receiver.lock().await.recv().await {
            Some(notice) => notice,
            // The sender is in the same struct.
            None => std::future::pending().await,
        }
    }
}

impl SandboxBank {
    /// Takes an order as a gateway placed it.
    pub(super) async fn place_form(&self, form: &OrderForm) -> Outcome {
        let does = form.amount.money().and_then(|amount| form.case(amount));
        self.play(does, async {
            match form.order(does, self.clock.now()) {
                Ok(order) => self.place(order, does).await,
                Err(why) => Outcome::NotSent(why),
            }
        })
        .await
    }

    /// Takes a card, as it asks for a case of the lab.
    pub(super) async fn play_card(&self, call: &CardCall<'_>, does: Does) -> Outcome {
        self.play(Some(does), async {
            let now = self.clock.now();
            let as_order = match does {
                Does::ApproveLate | Does::GoDownAfterwards => {
                    let expires_at = call.at_bank.map_or(now, |at_bank| at_bank.expires_at);
                    Some(Order::by_card(call, now).with_case(does, expires_at))
                }
                Does::ReportAnotherAmount => {
                    Some(Order::by_card(call, now).with_case(does, now).decided_at_once())
                }
                Does::Approve
                | Does::Decline(_)
                | Does::Wait
                | Does::AnswerSlowly
                | Does::LoseAnswer
                | Does::LoseRequest
                | Does::TellTwice
                | Does::BeDown => None,
            };
            if let Some(order) = as_order {
                return self.place(order, Some(does)).await;
            }
            let answer = does.answer().unwrap_or(Answer::Decline(DeclineReason::Refused));
            let wish = Wish::Authorise { answer, capture: call.capture };
            let entered = self.enter(call.our_reference, call.payment, call.amount, wish).await;
            if does == Does::TellTwice {
                self.notices.send(call.our_reference);
                self.notices.send(call.our_reference);
            }
            entered
        })
        .await
    }

    /// What goes wrong around a call or an order of a case.
    async fn play(
        &self,
        does: Option<Does>,
        work: impl Future<Output = Outcome> + Send,
    ) -> Outcome {
        match does {
            Some(Does::BeDown) => Outcome::NotSent(BANK_IS_DOWN.to_owned()),
            Some(Does::LoseRequest) => Outcome::Unknown(REQUEST_LOST.to_owned()),
            Some(Does::LoseAnswer | Does::GoDownAfterwards) => {
                let _lost = work.await;
                Outcome::Unknown(ANSWER_LOST.to_owned())
            }
            Some(Does::AnswerSlowly) => {
                let answer = work.await;
                self.clock.sleep(lab::SLOW).await;
                answer
            }
            Some(
                Does::Approve
                | Does::Decline(_)
                | Does::Wait
                | Does::TellTwice
                | Does::ApproveLate
                | Does::ReportAnotherAmount,
            )
            | None => work.await,
        }
    }

    async fn place(&self, order: Order, does: Option<Does>) -> Outcome {
        let our_reference = order.our_reference.clone();
        let decides_in = order.decides_in(self.clock.now());
        let reply = self.books.submit(Job::Place(Box::new(order))).await;
        if let Some(wait) = decides_in.filter(|wait| !wait.is_zero()) {
            let times = if does == Some(Does::TellTwice) { 2 } else { 1 };
            self.watch(our_reference.clone(), wait, times);
        }
        match reply {
            Ok(Reply::Line(line)) => outcome(line),
            Ok(Reply::Open { step, .. }) => Outcome::Pending(step),
            Ok(Reply::Busy) => Outcome::NotSent(BUSY.to_owned()),
            Ok(Reply::Unreadable(why)) => Outcome::Unknown(why),
            Ok(Reply::Due) => match self.find(&our_reference).await {
                Lookup::Found(outcome) => outcome,
                Lookup::NotFound => Outcome::Unknown(BESIDE_IT.to_owned()),
                Lookup::Unavailable(why) => Outcome::Unknown(why),
            },
            Ok(Reply::NoLine | Reply::Counter(_) | Reply::Codes(_)) => {
                Outcome::Unknown(BESIDE_IT.to_owned())
            }
            Err(error @ BatchError::Full) => Outcome::NotSent(error.to_string()),
            Err(error @ BatchError::Stopped) => Outcome::Unknown(error.to_string()),
        }
    }

    /// Has the bank decide by itself when it is time, and tell of it. This is for promptness alone:
    /// a lookup or the counter finds that it is time just as well.
    fn watch(&self, our_reference: String, wait: Duration, times: u32) {
        let (bank, clock) = (Weak::clone(&self.me), Arc::clone(&self.clock));
        tokio::spawn(async move {
            clock.sleep(wait).await;
            let Some(bank) = bank.upgrade() else { return };
            if let Err(why) = bank.at_counter(&our_reference, None).await {
                tracing::warn!(our_reference, why, "the sandbox bank could not decide in time");
            }
            for _time in 0..times {
                bank.notices.send(&our_reference);
            }
        });
    }

    /// What became of a call or an order.
    pub(super) async fn find(&self, our_reference: &str) -> Lookup {
        let unavailable = |why: &str| Lookup::Unavailable(why.to_owned());
        // The second time, what was due has been written.
        for _time in 0..2 {
            let our_reference = our_reference.to_owned();
            let look_up =
                Job::LookUp { our_reference: our_reference.clone(), now: self.clock.now() };
            match self.books.submit(look_up).await {
                Ok(Reply::Line(line)) => return Lookup::Found(outcome(line)),
                Ok(Reply::NoLine) => return Lookup::NotFound,
                Ok(Reply::Open { is_silent: true, .. }) => return unavailable(DOWN_AFTERWARDS),
                Ok(Reply::Open { step, .. }) => return Lookup::Found(Outcome::Pending(step)),
                Ok(Reply::Due) => {
                    if let Err(why) = self.at_counter(&our_reference, None).await {
                        return Lookup::Unavailable(why);
                    }
                }
                Ok(Reply::Unreadable(why)) => return Lookup::Unavailable(why),
                Ok(Reply::Busy) => return unavailable(BUSY),
                Ok(Reply::Counter(_) | Reply::Codes(_)) => return unavailable(BESIDE_IT),
                Err(error) => return Lookup::Unavailable(error.to_string()),
            }
        }
        unavailable(BESIDE_IT)
    }

    /// The order at the counter, after this answer.
    async fn at_counter(
        &self,
        our_reference: &str,
        answer: Option<Answer>,
    ) -> Result<Option<CounterOrder>, String> {
        let our_reference = our_reference.to_owned();
        let job = Job::Counter { our_reference, answer, now: self.clock.now() };
        match self.books.submit(job).await {
            Ok(Reply::Counter(order)) => Ok(order),
            Ok(Reply::Unreadable(why)) => Err(why),
            Ok(Reply::Busy) => Err(BUSY.to_owned()),
            Ok(
                Reply::Line(_) | Reply::NoLine | Reply::Open { .. } | Reply::Due | Reply::Codes(_),
            ) => Err(BESIDE_IT.to_owned()),
            Err(error) => Err(error.to_string()),
        }
    }
}

#[async_trait]
impl BankCounter for SandboxBank {
    async fn order(&self, our_reference: &str) -> Result<Option<CounterOrder>, String> {
        self.at_counter(our_reference, None).await
    }

    async fn decide(
        &self,
        our_reference: &str,
        decision: CounterDecision,
    ) -> Result<Option<CounterOrder>, String> {
        let answer = match decision {
            CounterDecision::Approve => Answer::Approve,
            CounterDecision::Decline => Answer::Decline(DeclineReason::Refused),
            CounterDecision::Cancel => Answer::Decline(DeclineReason::CancelledByCustomer),
        };
        let order = self.at_counter(our_reference, Some(answer)).await?;
        if order.is_some() {
            self.notices.send(our_reference);
        }
        Ok(order)
    }

    fn lab(&self) -> Vec<LabCase> {
        lab::lab()
    }
}
