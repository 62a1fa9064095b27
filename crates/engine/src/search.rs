//! Payments found by what people know of them: a piece of text, a state, a method.

use crate::actor::Actor;
use crate::error::Fault;
use crate::gateway::Gateway;
use crate::ports::PaymentsAsked;
use domain::id::PaymentId;
use domain::payment::Payment;
use domain::payment_filter::{PaymentFilter, PaymentSearch};
use domain::text::Reference;
use std::time::Duration;

/// Payments that are read from the store at once.
const STEP: u32 = 500;
/// A search looks for so long before it says how far it came.
const LOOKS_FOR: Duration = Duration::from_millis(60);

/// What a search found.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// The newest first.
    pub payments: Vec<Payment>,
    /// Where to go on; none when there is nothing older.
    pub next: Option<PaymentId>,
    /// The search looked for long enough and stopped before the page was full.
    pub stopped: bool,
    /// How many payments it looked at.
    pub looked_at: u64,
}

impl Gateway {
    /// Payments that the actor may see and that a search lets through, the newest first, those
    /// after `before`. A number of a payment, or a reference of the merchant's, is found by its
    /// key; anything else by looking at payments one by one, for at most a moment, so that no
    /// search keeps the database busy: whoever wants more goes on where it stopped.
    pub async fn search_payments(
        &self,
        actor: Actor,
        search: &PaymentSearch,
        before: Option<PaymentId>,
        limit: u32,
    ) -> Result<Found, Fault> {
        if before.is_none() {
            let known = self.by_key(actor, search).await?;
            if !known.is_empty() {
                let looked_at = u64::try_from(known.len()).unwrap_or(u64::MAX);
                return Ok(Found { payments: known, next: None, stopped: false, looked_at });
            }
        }
        let began = self.now();
        let most = usize::try_from(limit).unwrap_or(usize::MAX);
        let everything = search.lets_everything_through();
        let step = if everything { limit } else { STEP };
        let mut found = Found { next: before, ..Found::default() };
        loop {
            let asked =
                PaymentsAsked { filter: search.filter.clone(), before: found.next, limit: step };
            let page = self.newest_payments(actor, asked).await?;
            let is_last = u32::try_from(page.len()).is_ok_and(|count| count < step);
            for payment in page {
                found.looked_at = found.looked_at.saturating_add(1);
                found.next = Some(payment.id);
                if search.lets_through(&payment) {
                    found.payments.push(payment);
                    if found.payments.len() >= most {
                        return Ok(found);
                    }
                }
            }
            if is_last {
                found.next = None;
                return Ok(found);
            }
            if self.now().since(began) >= LOOKS_FOR {
                found.stopped = true;
                return Ok(found);
            }
        }
    }

    /// Payments whose number or reference the text is.
    async fn by_key(&self, actor: Actor, search: &PaymentSearch) -> Result<Vec<Payment>, Fault> {
        let Some(text) = &search.text else { return Ok(Vec::new()) };
        let of_mode = |payment: &Payment| search.filter.lets_through(payment);
        if let Ok(id) = text.parse::<PaymentId>()
            && let Some(payment) = self.payment(actor, id).await?.filter(of_mode)
        {
            return Ok(vec![payment]);
        }
        let Ok(reference) = Reference::parse(text) else { return Ok(Vec::new()) };
        let filter = PaymentFilter { reference: Some(reference), ..search.filter.clone() };
        let asked = PaymentsAsked { filter, before: None, limit: 100 };
        self.newest_payments(actor, asked).await
    }
}
