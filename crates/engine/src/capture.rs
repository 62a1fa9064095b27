//! Held money: taken by a capture, or released; and what an operator decides of calls that the
//! bank does not tell about.

use crate::actor::Actor;
use crate::bank::{reverse, tell_silence};
use crate::changeset::AuditLine;
use crate::crash_point::crash_point;
use crate::error::{CommitError, Fault};
use crate::gateway::Gateway;
use crate::payment::TRIES;
use crate::ports::FollowUpRequest;
use domain::call::{Call, Sending, Word};
use domain::id::PaymentId;
use domain::money::Money;
use domain::payment::{CaptureRefused, Changed, Payment, Refused, State};
use domain::time::Timestamp;
use std::sync::Arc;

/// Why held money was neither taken nor released.
#[derive(Debug, thiserror::Error)]
pub enum CaptureError {
    /// There is no such payment.
    #[error("there is no such payment")]
    NotFound,
    /// It cannot be captured, or not that much.
    #[error(transparent)]
    Capture(#[from] CaptureRefused),
    /// It cannot be voided or resolved.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// Our fault.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl Gateway {
    /// Takes held money: `amount`, or all of it. Answers when the bank did, with the payment as it
    /// stands then.
    pub async fn capture_payment(
        self: &Arc<Self>,
        actor: Actor,
        id: PaymentId,
        amount: Option<Money>,
    ) -> Result<Payment, CaptureError> {
        let audit = self.done(actor, "capture_payment", id.to_string());
        let begun = self
            .begin(actor, id, audit, |payment, now| {
                let amount = amount.unwrap_or(payment.amount);
                payment.begin_capture(amount, now).map_err(CaptureError::from)
            })
            .await?;
        self.carry_through(begun).await
    }

    /// Releases held money.
    pub async fn void_payment(
        self: &Arc<Self>,
        actor: Actor,
        id: PaymentId,
    ) -> Result<Payment, CaptureError> {
        let audit = self.done(actor, "void_payment", id.to_string());
        let begin = |payment: Payment, now| payment.begin_void(now).map_err(CaptureError::from);
        let begun = self.begin(actor, id, audit, begin).await?;
        self.carry_through(begun).await
    }

    /// An operator found out by other means whether a call took effect that the bank does not
    /// tell about. `why` is kept in the audit log.
    pub async fn resolve_payment(
        &self,
        actor: Actor,
        id: PaymentId,
        took_effect: bool,
        why: &str,
    ) -> Result<Payment, CaptureError> {
        let effect = if took_effect { "took effect" } else { "had no effect" };
        let audit = self.done(actor, "resolve_payment", format!("{id} {effect}: {why}"));
        self.begin(actor, id, audit, |payment, now| {
            payment.resolve(took_effect, now).map_err(CaptureError::from)
        })
        .await
    }

    /// Payments with a call whose outcome only the bank can tell, the oldest first.
    pub async fn payments_at_the_bank(
        &self,
        _actor: Actor,
        limit: u32,
    ) -> Result<Vec<Payment>, Fault> {
        Ok(self.store.at_the_bank(limit).await?)
    }

    /// Asks the bank at once what became of the calls of a payment that only it can end, instead
    /// of when their time comes. Asking is harmless however often it is done. None when there is
    /// no such payment.
    pub async fn ask_bank_now(
        &self,
        actor: Actor,
        id: PaymentId,
    ) -> Result<Option<Payment>, Fault> {
        let Some(payment) = self.payment(actor, id).await? else { return Ok(None) };
        self.audit(self.done(actor, "ask_bank", id.to_string())).await;
        self.ask_about(payment).await?;
        self.payment(actor, id).await
    }

    async fn begin<F>(
        &self,
        actor: Actor,
        id: PaymentId,
        audit: AuditLine,
        transition: F,
    ) -> Result<Payment, CaptureError>
    where
        F: Fn(Payment, Timestamp) -> Result<Changed, CaptureError> + Send + Sync,
    {
        for _try in 0..TRIES {
            let payment = self.payment(actor, id).await?.ok_or(CaptureError::NotFound)?;
            let changed = match transition(payment, self.clock.now()) {
                Ok(changed) => changed,
                Err(refused) => {
                    let detail = format!("{}: {refused}", audit.detail);
                    self.audit(AuditLine { result: "refused", detail, ..audit }).await;
                    return Err(refused);
                }
            };
            match self.commit_payment_audited("begin", changed, Some(audit.clone())).await {
                Ok(payment) => return Ok(payment),
                Err(CommitError::Stale(_)) => {}
                Err(error) => return Err(Fault::from(error).into()),
            }
        }
        Err(Fault::Busy.into())
    }

    /// Makes the call whose intent is committed, also when the caller goes away.
    async fn carry_through(self: &Arc<Self>, payment: Payment) -> Result<Payment, CaptureError> {
        let gateway = Arc::clone(self);
        let task = self.tasks.spawn(async move { gateway.follow_up(payment).await });
        Ok(task.await.map_err(|error| Fault::Broken(error.to_string()))??)
    }

    async fn follow_up(&self, payment: Payment) -> Result<Payment, Fault> {
        let connector = self.connector_of(&payment)?;
        crash_point("follow_up.before_call");
        let word = if let State::Capturing { hold, amount_minor, call } = &payment.state
            && let Call::Sending(Sending { our_reference, .. }) = call
        {
            let amount = Money::from_minor(*amount_minor, payment.amount.currency())
                .ok_or_else(|| Fault::Broken("a capture without amount".to_owned()))?;
            let request = FollowUpRequest {
                our_reference,
                original: &hold.our_reference,
                payment: payment.id,
                amount,
            };
            Word::Outcome(connector.capture(request).await)
        } else if let Some(Call::Reversing(reversing)) = payment.state.at_the_bank() {
            reverse(&**connector, &payment, &reversing, payment.amount).await
        } else {
            return Ok(payment);
        };
        crash_point("follow_up.after_call");
        tell_silence(&**connector, &payment, &word);
        self.record("record_outcome", payment, word, None).await
    }
}
