//! Orders that banks have and customers pay there: the choice of a bank, the way back, notices, and
//! orders that outlive their payment.

use crate::actor::Actor;
use crate::error::{CommitError, Fault};
use crate::gateway::Gateway;
use crate::payment::{Chosen, TRIES};
use crate::ports::{BankNotice, ChallengeView, Institution, PageAddresses};
use domain::bank_message::Heard;
use domain::call::Word;
use domain::id::PaymentId;
use domain::method::{BankCode, MethodCode};
use domain::payment::{Payment, State, payment_of_reference};
use domain::terminal::Mode;
use std::sync::Arc;
use tokio::sync::watch;

impl Gateway {
    /// The banks or wallets that customers of terminals of this mode may choose, by name.
    pub fn institutions(&self, mode: Mode, method: MethodCode) -> Vec<Institution> {
        let all =
            self.connector(mode).map(|connector| connector.institutions()).unwrap_or_default();
        let mut list: Vec<_> = all.iter().filter(|one| one.method == method).copied().collect();
        list.sort_by_key(|one| one.name);
        list
    }

    /// The bank or wallet with this code, where customers may choose it.
    pub fn institution(
        &self,
        mode: Mode,
        method: MethodCode,
        code: &BankCode,
    ) -> Option<Institution> {
        let all = self.connector(mode)?.institutions();
        all.iter().find(|one| one.method == method && one.code == code.as_str()).copied()
    }

    /// The customer chose a bank or wallet. None when there is no such payment.
    pub async fn choose_bank(
        self: &Arc<Self>,
        actor: Actor,
        id: PaymentId,
        bank: BankCode,
        pages: Arc<dyn PageAddresses>,
    ) -> Result<Option<Chosen>, Fault> {
        let Some(payment) = self.payment(actor, id).await? else { return Ok(None) };
        if !matches!(payment.state, State::Waiting { .. }) {
            return Ok(Some(Chosen::Went(Box::new(payment))));
        }
        if self.institution(payment.mode, payment.method.code, &bank).is_none() {
            return Ok(Some(Chosen::NotOffered));
        }
        // The customer may close the browser; the order is placed all the same.
        let gateway = Arc::clone(self);
        let task = self
            .tasks
            .spawn(async move { Box::pin(gateway.place_chosen(payment, bank, &*pages)).await });
        let placed = task.await.map_err(|error| Fault::Broken(error.to_string()))??;
        Ok(Some(Chosen::Went(Box::new(placed))))
    }

    /// Of two choices at once, the one whose commit wins is placed.
    async fn place_chosen(
        &self,
        mut payment: Payment,
        bank: BankCode,
        pages: &dyn PageAddresses,
    ) -> Result<Payment, Fault> {
        for _try in 0..TRIES {
            let Ok(changed) = payment.clone().choose_bank(bank.clone(), self.clock.now()) else {
                return self.expire_if_over(payment).await;
            };
            match self.commit_payment("choose_bank", changed).await {
                Ok(payment) => return self.place_order(payment, pages).await,
                Err(CommitError::Stale(_)) => payment = self.load(payment.id).await?,
                Err(error) => return Err(error.into()),
            }
        }
        Err(Fault::Busy)
    }

    /// The customer came back from the bank, which is asked what they did there. None when there
    /// is no such payment.
    pub async fn returned_from_bank(
        &self,
        actor: Actor,
        id: PaymentId,
    ) -> Result<Option<Payment>, Fault> {
        let Some(payment) = self.payment(actor, id).await? else { return Ok(None) };
        self.settle_due(payment.clone()).await?;
        self.load(payment.id).await.map(Some)
    }

    /// The customer asks for a new code. None when there is no such payment, or nothing to answer.
    pub async fn send_new_code(
        &self,
        actor: Actor,
        id: PaymentId,
    ) -> Result<Option<ChallengeView>, Fault> {
        let Some(payment) = self.payment(actor, id).await? else { return Ok(None) };
        if !matches!(payment.state, State::Challenged { .. }) {
            return Ok(None);
        }
        let connector = self.connector_of(&payment)?;
        connector.send_new_code(&payment).await.map(Some).map_err(Fault::Broken)
    }

    /// A bank says that something became of a call or an order: it is asked. A notice about
    /// nothing that waits changes nothing, however often it comes.
    pub async fn bank_noticed(&self, notice: BankNotice) -> Result<Heard, Fault> {
        let Some(id) = payment_of_reference(&notice.our_reference) else {
            return Ok(Heard::Unknown);
        };
        let Some(payment) = self.store.payment(Actor::Worker.scope(), id).await? else {
            return Ok(Heard::Unknown);
        };
        let waits = payment.state.order_reference() == Some(&*notice.our_reference)
            || payment.state.at_the_bank().is_some_and(|call| {
                call.our_reference() == notice.our_reference
                    && !matches!(payment.state, State::Sending(_))
            });
        if !waits {
            return Ok(Heard::NothingToAsk);
        }
        self.settle_due(payment).await?;
        Ok(Heard::Asked)
    }

    /// Asks the bank about the order of a payment that waits for its customer there, or has ended
    /// meanwhile.
    pub(crate) async fn settle_order(&self, payment: Payment) -> Result<Payment, Fault> {
        let Some(our_reference) = payment.state.order_reference().map(str::to_owned) else {
            return Ok(payment);
        };
        let connector = self.connector_of(&payment)?;
        let asked_at = Some(self.clock.now());
        let lookup = connector.look_up(&our_reference).await;
        let word = Word::Lookup(lookup.clone());
        crate::bank::tell_silence(&**connector, &payment, &word);
        let rules = self.rules(&payment, asked_at).await?;
        self.change_payment("record_order_word", payment, |payment, now| {
            payment.record_order(&our_reference, lookup.clone(), rules, now)
        })
        .await
    }

    /// Hears a bank's notices until it is time to stop.
    pub(crate) async fn run_notices(
        self: Arc<Self>,
        place: usize,
        mut stop: watch::Receiver<bool>,
    ) {
        let Some(connector) = self.connectors.get(place).cloned() else { return };
        loop {
            let notice = tokio::select! {
                biased;
                _stopped = stop.wait_for(|stop| *stop) => return,
                notice = connector.next_notice() => notice,
            };
            let gateway = Arc::clone(&self);
            self.tasks.spawn(async move {
                let reference = notice.our_reference.clone();
                if let Err(error) = gateway.bank_noticed(notice).await {
                    // The next lookup tells the same.
                    tracing::warn!(reference, %error, "a bank's notice was not followed");
                }
            });
        }
    }
}
