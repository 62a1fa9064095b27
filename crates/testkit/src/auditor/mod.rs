//! The auditor: judges a run by what everybody wrote down, the store, the bank, the merchant's
//! server and the clients. It keeps its own books with its own arithmetic and asks none of the
//! gateway's rules what is right.

mod calls;
mod clients;
mod messages;
mod money;
mod orders;
mod rows;

use crate::memory_store::{Committed, Tables};
use crate::simulator::bank::Entry;
use crate::simulator::bank_link::Made;
use crate::simulator::clients::{Answer, RefundTold};
use crate::simulator::shop::Received;
use crate::simulator::world::Rest;
use domain::call::Call;
use domain::id::{PaymentId, TerminalNumber};
use domain::ledger::Balance;
use domain::payment::{Payment, State};
use domain::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// What everybody wrote down.
#[derive(Debug)]
pub struct Evidence {
    /// What the store holds at the end, and all it committed.
    pub tables: Tables,
    /// What the store says that the accounts hold.
    pub balances: Vec<Balance>,
    /// What happened at the bank.
    pub bank: Vec<Entry>,
    /// Since when the bank's lookups knew each call.
    pub registered: BTreeMap<String, Timestamp>,
    /// How long the bank may take for that.
    pub patience: Duration,
    /// Calls that the bank was asked to undo and did not.
    pub refused: BTreeSet<String>,
    /// Terminals that do not take what was paid after the payment had ended.
    pub gives_late_money_back: BTreeSet<TerminalNumber>,
    /// What the gateways sent to the bank.
    pub calls: Vec<Made>,
    /// What the merchant's server received.
    pub received: Vec<Received>,
    /// What clients were told of payments.
    pub answers: Vec<Answer>,
    /// What clients were told of refunds.
    pub refunds_told: Vec<RefundTold>,
    /// How the run came to rest.
    pub rest: Rest,
}

/// What is wrong, a sentence each.
#[derive(Debug, Default)]
struct Findings(Vec<String>);

impl Findings {
    /// Writes down what is wrong unless it is right.
    fn unless(&mut self, right: bool, wrong: impl FnOnce() -> String) {
        if !right {
            self.0.push(wrong());
        }
    }
}

/// Everything that is wrong with a run.
pub fn judge(evidence: &Evidence) -> Vec<String> {
    let mut findings = Findings::default();
    findings.unless(evidence.rest == Rest::Quiet, || {
        "not everything settled after the troubles had ended".to_owned()
    });
    calls::judge(evidence, &mut findings);
    orders::judge(evidence, &mut findings);
    rows::judge(evidence, &mut findings);
    money::judge(evidence, &mut findings);
    messages::judge(evidence, &mut findings);
    clients::judge(evidence, &mut findings);
    findings.0
}

/// The call that a state of a payment has at the bank.
fn call_of(state: &State) -> Option<Call> {
    match state {
        State::Sending(call) => Some(Call::Sending(call.clone())),
        State::Unknown(call) => Some(Call::Unknown(call.clone())),
        State::Reversing(call) => Some(Call::Reversing(call.clone())),
        State::Capturing { call, .. } | State::Voiding { call, .. } => Some(call.clone()),
        State::Waiting { .. }
        | State::Challenged { .. }
        | State::Presented(_)
        | State::Authorised(_)
        | State::Approved { .. }
        | State::Reversed { .. }
        | State::Declined { .. }
        | State::Expired { .. }
        | State::Cancelled { .. }
        | State::Failed { .. } => None,
    }
}

/// Whether a state says that there is no money and never will be.
const fn without_money(state: &State) -> bool {
    matches!(
        state,
        State::Reversed { .. }
            | State::Declined { .. }
            | State::Expired { .. }
            | State::Cancelled { .. }
            | State::Failed { .. }
    )
}

/// Whether it was decided if the order is paid.
const fn is_decided(state: &State) -> bool {
    without_money(state)
        || matches!(
            state,
            State::Authorised(_)
                | State::Capturing { .. }
                | State::Voiding { .. }
                | State::Approved { .. }
        )
}

/// A payment's commits, in order.
fn commits(evidence: &Evidence) -> BTreeMap<PaymentId, Vec<&Committed>> {
    let mut commits: BTreeMap<PaymentId, Vec<&Committed>> = BTreeMap::new();
    for committed in &evidence.tables.journal {
        commits.entry(committed.payment.id).or_default().push(committed);
    }
    commits
}

/// What all attempts at one order have in common.
fn key(payment: &Payment) -> (TerminalNumber, &str) {
    (payment.terminal, payment.reference.as_str())
}

fn name(payment: &Payment) -> String {
    format!("payment {} v{} {}", payment.id, payment.version, payment.state.name())
}
