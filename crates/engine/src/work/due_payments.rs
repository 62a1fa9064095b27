//! Payments that fell due: customers who never acted, and sends whose outcome is not known.

use super::{PERIOD, pause};
use crate::error::Fault;
use crate::gateway::Gateway;
use domain::outcome::Lookup;
use domain::payment::Payment;
use std::sync::Arc;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Payments looked at together.
const TOGETHER: u32 = 256;

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
            match self.store.due_payments(self.clock.now(), TOGETHER).await {
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

    async fn settle_due(&self, payment: Payment) -> Result<(), Fault> {
        if payment.state.customer_may_act() {
            self.change_payment("expire", payment, Payment::expire).await?;
            return Ok(());
        }
        let Some(call) = payment.state.at_the_bank() else { return Ok(()) };
        let Some(connector) = self.connector(payment.mode) else {
            return Err(Fault::Broken("the connector is gone".to_owned()));
        };
        let answer = connector.look_up(&call.our_reference).await;
        if let Lookup::Unavailable(why) = &answer {
            tracing::warn!(payment = %payment.id, connector = connector.name(), why, "no answer");
        }
        let patience = connector.lookup_patience();
        self.change_payment("record_lookup", payment, |payment, now| {
            payment.record_lookup(answer.clone(), patience, now)
        })
        .await?;
        Ok(())
    }
}
