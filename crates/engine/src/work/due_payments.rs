//! Payments that fell due: customers who never acted, and sends whose outcome is not known.

use super::{PERIOD, pause};
use crate::bank::{reverse, tell_silence};
use crate::crash_point::crash_point;
use crate::error::Fault;
use crate::gateway::Gateway;
use domain::call::{Call, Sending, Unknown, Word};
use domain::money::Money;
use domain::payment::Payment;
use domain::refund::RefundState;
use domain::time::Timestamp;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Payments looked at together.
const TOGETHER: u32 = 256;
/// How long other nodes leave claimed payments alone. A bank that takes longer to answer a lookup
/// is asked twice, which is harmless.
const LEASE: Duration = Duration::from_secs(8);

impl Gateway {
    pub(super) async fn run_due_payments(
        self: Arc<Self>,
        alone: bool,
        mut stop: watch::Receiver<bool>,
    ) {
        if alone {
            match self.store.sending_payments(u32::MAX).await {
                Ok(orphans) => {
                    self.settle_all(orphans).await;
                }
                Err(error) => tracing::error!(%error, "orphaned sends were not loaded"),
            }
        }
        loop {
            match self.store.claim_payments(self.clock.now(), LEASE, TOGETHER).await {
                Ok(due) if !due.is_empty() => {
                    if self.settle_all(due).await {
                        continue;
                    }
                }
                Ok(_none) => {}
                Err(error) => tracing::error!(%error, "due payments were not loaded"),
            }
            if pause(&self, PERIOD, &mut stop).await {
                return;
            }
        }
    }

    /// Whether all went well, so that the next may be loaded at once.
    async fn settle_all(self: &Arc<Self>, payments: Vec<Payment>) -> bool {
        let mut running = JoinSet::new();
        let mut well = true;
        for payment in payments {
            let gateway = Arc::clone(self);
            running.spawn(async move {
                let id = payment.id;
                let result = gateway.settle_due(payment).await;
                if let Err(error) = &result {
                    tracing::error!(payment = %id, %error, "a due payment was not settled");
                }
                result.is_ok()
            });
        }
        while let Some(done) = running.join_next().await {
            well &= done.unwrap_or(false);
        }
        well
    }

    pub(crate) async fn settle_due(&self, payment: Payment) -> Result<(), Fault> {
        if payment.state.order_reference().is_some() {
            self.settle_order(payment).await?;
            crash_point("worker.recorded");
            return Ok(());
        }
        if payment.state.customer_may_act() {
            self.change_payment("expire", payment, Payment::expire).await?;
            return Ok(());
        }
        match payment.state.at_the_bank() {
            Some(call) => {
                let asked_at = Some(self.clock.now());
                let word = self.ask_bank(&payment, &call, payment.amount).await?;
                self.record("record_bank_word", payment, word, asked_at).await?;
                crash_point("worker.recorded");
            }
            None => self.settle_refunds(payment, self.clock.now()).await?,
        }
        Ok(())
    }

    /// The same for a payment whose time has not come, when somebody wants to know: the call about
    /// it, and every refund that is not decided.
    pub(crate) async fn ask_about(&self, payment: Payment) -> Result<(), Fault> {
        if payment.state.at_the_bank().is_some() {
            return self.settle_due(payment).await;
        }
        self.settle_refunds(payment, Timestamp::from_micros(i64::MAX)).await
    }

    /// Refunds of a payment that are due by this moment.
    async fn settle_refunds(&self, payment: Payment, by: Timestamp) -> Result<(), Fault> {
        for refund in self.store.refunds(payment.id).await? {
            let RefundState::Pending { call, due_at } = &refund.state else { continue };
            if *due_at <= by {
                let asked_at = Some(self.clock.now());
                let word = self.ask_bank(&payment, call, refund.amount).await?;
                self.record_refund(payment.id, refund.number, word, asked_at).await?;
                crash_point("worker.recorded");
            }
        }
        Ok(())
    }

    /// Asks the bank what became of a call, or goes on undoing it.
    async fn ask_bank(&self, payment: &Payment, call: &Call, amount: Money) -> Result<Word, Fault> {
        let connector = self.connector_of(payment)?;
        crash_point("worker.before_bank");
        let word = match call {
            Call::Sending(Sending { our_reference, .. })
            | Call::Unknown(Unknown { our_reference, .. }) => {
                Word::Lookup(connector.look_up(our_reference).await)
            }
            Call::Reversing(reversing) => reverse(&**connector, payment, reversing, amount).await,
        };
        crash_point("worker.after_bank");
        tell_silence(&**connector, payment, &word);
        Ok(word)
    }
}
