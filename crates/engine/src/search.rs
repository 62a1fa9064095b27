//! Payments, webhooks and calls found by what people know of them: a piece of text, a state, a method.
//! What has an index is found by it. Anything else is looked for one by one, for at most a moment,
//! so that no search keeps the database busy: whoever wants more goes on where it stopped.

use crate::actor::{Actor, Scope};
use crate::delivery::narrowed;
use crate::error::Fault;
use crate::gateway::Gateway;
use crate::ports::PaymentsAsked;
use domain::api_call::{ApiCall, CallFilter, CallPlace};
use domain::delivery::{DeliveryCursor, DeliveryFilter, DeliveryRecord, DeliveryState};
use domain::id::{MerchantId, PaymentId, TerminalNumber};
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

/// Webhooks or calls that were found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T, P> {
    /// The newest first.
    pub found: Vec<T>,
    /// Where to go on; none when there is nothing older.
    pub next: Option<P>,
    /// The search looked for long enough and stopped before the page was full.
    pub stopped: bool,
}

impl<T, P> Page<T, P> {
    const fn empty() -> Self {
        Self { found: Vec::new(), next: None, stopped: false }
    }

    /// Takes what a step of so many read; true when the page is full, or there is nothing older.
    fn take(
        &mut self,
        read: Vec<T>,
        (step, limit): (u32, u32),
        place: impl Fn(&T) -> P,
        lets_through: impl Fn(&T) -> bool,
    ) -> bool {
        let is_last = u32::try_from(read.len()).is_ok_and(|count| count < step);
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let mut read = read.into_iter().peekable();
        while let Some(one) = read.next() {
            self.next = Some(place(&one)).filter(|_| !is_last || read.peek().is_some());
            if lets_through(&one) {
                self.found.push(one);
                if self.found.len() >= limit {
                    return true;
                }
            }
        }
        if is_last {
            self.next = None;
        }
        is_last
    }
}

impl Gateway {
    /// Payments that the actor may see and that a search lets through, the newest first, those
    /// after `before`. A number of a payment, or a reference of the merchant's, is found by its
    /// key.
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
        // Among all merchants' payments nothing but the search knows those of a mode.
        let of_all = actor.scope() == Scope::Everything && search.filter.terminal.is_none();
        let filter =
            PaymentFilter { mode: search.filter.mode.filter(|_| !of_all), ..search.filter.clone() };
        let everything = search.lets_everything_through() && filter == search.filter;
        let step = if everything { limit } else { STEP };
        let mut found = Found { next: before, ..Found::default() };
        loop {
            let asked = PaymentsAsked { filter: filter.clone(), before: found.next, limit: step };
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

    /// Webhooks of these terminals that the actor may see and the filter lets through, the newest
    /// first, those after a place.
    pub async fn search_deliveries(
        &self,
        actor: Actor,
        (filter, terminals): (DeliveryFilter, &[TerminalNumber]),
        after: Option<DeliveryCursor>,
        limit: u32,
    ) -> Result<Page<DeliveryRecord, DeliveryCursor>, Fault> {
        let mut page = Page { next: after, ..Page::empty() };
        let Some(filter) = narrowed(actor, filter).filter(|_| !terminals.is_empty()) else {
            return Ok(Page::empty());
        };
        let terminal = match terminals {
            [only] => Some(*only),
            _several => filter.terminal,
        };
        // What an index answers.
        let asked = DeliveryFilter {
            terminal,
            endpoint: None,
            event_type: None,
            state: filter.state.filter(|state| *state == DeliveryState::Dead),
            ..filter
        };
        let everything = asked == DeliveryFilter { terminal, ..filter };
        // One more tells whether there is anything older.
        let few = limit.saturating_add(1);
        let step = if everything && terminal.is_some() { few } else { STEP.max(few) };
        let began = self.now();
        loop {
            let read = self.store.deliveries(asked, page.next, step).await?;
            let lets_through = |one: &DeliveryRecord| {
                terminals.contains(&one.terminal) && filter.lets_through(one)
            };
            if page.take(read, (step, limit), DeliveryRecord::cursor, lets_through) {
                return Ok(page);
            }
            if self.now().since(began) >= LOOKS_FOR {
                return Ok(Page { stopped: true, ..page });
            }
        }
    }

    /// What a merchant's servers called, as far as the actor may see it and the filter lets it
    /// through, the newest first, those before a place. A request's id is found by its key.
    pub async fn search_calls(
        &self,
        actor: Actor,
        (merchant, filter): (MerchantId, &CallFilter),
        before: Option<CallPlace>,
        limit: u32,
    ) -> Result<Page<ApiCall, CallPlace>, Fault> {
        let mut page = Page { next: before, ..Page::empty() };
        if !actor.scope().allows(merchant) {
            return Ok(Page::empty());
        }
        let asked = CallFilter { request_id: filter.request_id.clone(), ..CallFilter::default() };
        let is_plain =
            *filter == CallFilter { terminals: filter.terminals.clone(), ..asked.clone() };
        let few = limit.saturating_add(1);
        let step = if is_plain { few } else { STEP.max(few) };
        let began = self.now();
        loop {
            let read = self.desks.calls(merchant, &asked, page.next, step).await?;
            let lets_through = |one: &ApiCall| filter.lets_through(one);
            if page.take(read, (step, limit), ApiCall::place, lets_through) {
                return Ok(page);
            }
            if self.now().since(began) >= LOOKS_FOR {
                return Ok(Page { stopped: true, ..page });
            }
        }
    }
}
