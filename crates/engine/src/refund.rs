//! Refunds: accepted in one commit with what they take off the payment, then sent to the bank.

use crate::actor::Actor;
use crate::bank::tell_silence;
use crate::capture::CaptureError;
use crate::changeset::AuditLine;
use crate::crash_point::crash_point;
use crate::error::{CommitError, Fault};
use crate::gateway::Gateway;
use crate::payment::TRIES;
use crate::ports::FollowUpRequest;
use domain::call::{Call, Word};
use domain::id::PaymentId;
use domain::payment::Payment;
use domain::refund::{Refund, RefundRefused, RefundRequest, RefundState};
use domain::terminal::Terminal;
use domain::text::{Reference, RefundReason};
use domain::time::Timestamp;
use std::sync::Arc;
use tokio::sync::{Mutex, MutexGuard};

/// Changes of the refunds of one payment take turns on this node, so that many at once do not
/// decide against the same version again and again. Other nodes are kept apart by the version.
#[derive(Debug)]
pub(crate) struct RefundTurns([Mutex<()>; 64]);

impl Default for RefundTurns {
    fn default() -> Self {
        Self(std::array::from_fn(|_place| Mutex::default()))
    }
}

impl RefundTurns {
    async fn take(&self, payment: PaymentId) -> Option<MutexGuard<'_, ()>> {
        let places = i64::try_from(self.0.len()).ok()?;
        let place = usize::try_from(payment.stored().checked_rem(places)?).ok()?;
        Some(self.0.get(place)?.lock().await)
    }
}

/// A refund that was accepted.
#[derive(Debug)]
pub struct RefundAccepted {
    /// The payment as it stands now.
    pub payment: Payment,
    /// The refund as it stands now.
    pub refund: Refund,
    /// It was asked for before, by the same `refundReference`.
    pub replayed: bool,
}

/// Why a refund was not accepted.
#[derive(Debug, thiserror::Error)]
pub enum RefundError {
    /// The terminal has no such payment.
    #[error("the terminal has no such payment")]
    NotFound,
    /// The payment does not allow it.
    #[error(transparent)]
    Refused(#[from] RefundRefused),
    /// The `refundReference` names a refund of another amount.
    #[error("the refund's reference is used by a refund of {}", earlier.amount)]
    ReferenceUsed {
        /// That refund.
        earlier: Box<Refund>,
    },
    /// The bank of this payment gives nothing back.
    #[error("the bank cannot refund this payment")]
    NoConnector,
    /// Our fault.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl Gateway {
    /// A payment that this terminal took; none when it is another's.
    pub async fn payment_of_terminal(
        &self,
        actor: Actor,
        terminal: &Terminal,
        id: PaymentId,
    ) -> Result<Option<Payment>, Fault> {
        let payment = self.payment(actor, id).await?;
        Ok(payment.filter(|payment| payment.terminal == terminal.number))
    }

    /// Accepts a refund, and sends it to the bank without waiting for its answer.
    pub async fn request_refund(
        self: &Arc<Self>,
        actor: Actor,
        terminal: &Terminal,
        id: PaymentId,
        request: RefundRequest,
    ) -> Result<RefundAccepted, RefundError> {
        if self.connector(terminal.mode).is_none() {
            return Err(RefundError::NoConnector);
        }
        let turn = self.refund_turns.take(id).await;
        for _try in 0..TRIES {
            let found = self.payment_of_terminal(actor, terminal, id).await?;
            let payment = found.ok_or(RefundError::NotFound)?;
            let refunds = self.store.refunds(id).await.map_err(Fault::from)?;
            if let Some(refund) = named(&refunds, &request) {
                if refund.amount != request.amount {
                    return Err(RefundError::ReferenceUsed { earlier: Box::new(refund) });
                }
                return Ok(RefundAccepted { payment, refund, replayed: true });
            }
            let refundable_for = terminal.settings.refundable_for();
            let now = self.clock.now();
            let changed = payment.request_refund(&refunds, request.clone(), refundable_for, now)?;
            let (payment, refund) = (changed.changed.payment.clone(), changed.refund.clone());
            crash_point("refund.before_commit");
            // What people do is told in the audit log; a merchant's server's refund is an event.
            let by_person = actor == Actor::Operator || actor.user().is_some();
            let audit = by_person.then(|| {
                let detail = format!("{id} refund {}", refund.number);
                let line = self.done(actor, "request_refund", detail);
                AuditLine { terminal: Some(terminal.number), ..line }
            });
            match self.commit_refund("request_refund", changed, audit).await {
                Ok(()) => {
                    crash_point("refund.committed");
                    drop(turn);
                    let gateway = Arc::clone(self);
                    let (sent, order) = (refund.clone(), payment.clone());
                    self.tasks.spawn(async move {
                        if let Err(error) = gateway.send_refund(&order, &sent).await {
                            tracing::error!(payment = %order.id, %error, "a refund's answer was not recorded");
                        }
                    });
                    return Ok(RefundAccepted { payment, refund, replayed: false });
                }
                Err(CommitError::Stale(_)) => {}
                Err(error) => return Err(Fault::from(error).into()),
            }
        }
        Err(Fault::Busy.into())
    }

    /// A digest of the request for its `Idempotency-Key`.
    pub fn refund_digest(&self, id: PaymentId, request: &RefundRequest) -> [u8; 32] {
        let reference = request.reference.as_ref().map_or("", Reference::as_str);
        let reason = request.reason.as_ref().map_or("", RefundReason::as_str);
        self.vault.digest(&[
            b"idempotent refund",
            &id.stored().to_be_bytes(),
            &request.amount.minor().to_be_bytes(),
            request.amount.currency().code().as_bytes(),
            reference.as_bytes(),
            reason.as_bytes(),
        ])
    }

    async fn send_refund(&self, payment: &Payment, refund: &Refund) -> Result<(), Fault> {
        let RefundState::Pending { call: Call::Sending(sending), .. } = &refund.state else {
            return Ok(());
        };
        let Some(taken) = payment.state.taken() else { return Ok(()) };
        let connector = self.connector_of(payment)?;
        crash_point("refund.before_call");
        let outcome = connector
            .refund(FollowUpRequest {
                our_reference: &sending.our_reference,
                original: &taken.our_reference,
                payment: payment.id,
                amount: refund.amount,
            })
            .await;
        crash_point("refund.after_call");
        let word = Word::Outcome(outcome);
        tell_silence(&**connector, payment, &word);
        self.record_refund(payment.id, refund.number, word, None).await?;
        crash_point("refund.recorded");
        Ok(())
    }

    /// Commits what the bank said about a refund. A word that says nothing to where the refund
    /// stands by now changes nothing.
    pub(crate) async fn record_refund(
        &self,
        id: PaymentId,
        number: i32,
        word: Word,
        asked_at: Option<Timestamp>,
    ) -> Result<(), Fault> {
        let _turn = self.refund_turns.take(id).await;
        for _try in 0..TRIES {
            let payment = self.load(id).await?;
            let refunds = self.store.refunds(id).await?;
            let rules = self.rules(&payment, asked_at).await?;
            let now = self.clock.now();
            let Ok(changed) = payment.record_refund(&refunds, number, word.clone(), rules, now)
            else {
                return Ok(());
            };
            match self.commit_refund("record_refund", changed, None).await {
                Ok(()) => return Ok(()),
                Err(CommitError::Stale(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(Fault::Busy)
    }

    /// An operator found out by other means whether a refund took effect that the bank does not
    /// tell about. `why` is kept in the audit log.
    pub async fn resolve_refund(
        &self,
        actor: Actor,
        id: PaymentId,
        number: i32,
        took_effect: bool,
        why: &str,
    ) -> Result<Payment, CaptureError> {
        let effect = if took_effect { "took effect" } else { "had no effect" };
        let detail = format!("{id} refund {number} {effect}: {why}");
        let audit = self.done(actor, "resolve_refund", detail);
        let _turn = self.refund_turns.take(id).await;
        for _try in 0..TRIES {
            let payment = self.payment(actor, id).await?.ok_or(CaptureError::NotFound)?;
            let refunds = self.store.refunds(id).await.map_err(Fault::from)?;
            let now = self.clock.now();
            let changed = match payment.resolve_refund(&refunds, number, took_effect, now) {
                Ok(changed) => changed,
                Err(refused) => {
                    let detail = format!("{}: {refused}", audit.detail);
                    self.audit(AuditLine { result: "refused", detail, ..audit }).await;
                    return Err(refused.into());
                }
            };
            let payment = changed.changed.payment.clone();
            match self.commit_refund("resolve_refund", changed, Some(audit.clone())).await {
                Ok(()) => return Ok(payment),
                Err(CommitError::Stale(_)) => {}
                Err(error) => return Err(Fault::from(error).into()),
            }
        }
        Err(Fault::Busy.into())
    }

    /// The refunds of a payment, by number.
    pub async fn refunds(&self, _actor: Actor, id: PaymentId) -> Result<Vec<Refund>, Fault> {
        Ok(self.store.refunds(id).await?)
    }
}

/// The refund that the request names by its reference.
fn named(refunds: &[Refund], request: &RefundRequest) -> Option<Refund> {
    let reference = request.reference.as_ref()?;
    refunds.iter().find(|refund| refund.reference.as_ref() == Some(reference)).cloned()
}
