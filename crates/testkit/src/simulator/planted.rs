//! Bugs that are planted to see whether the auditor finds them. Each breaks one rule, and stands
//! between the gateway and one of its ports.

use super::world::World;
use async_trait::async_trait;
use domain::bank_message::KeptMessage;
use domain::card::Card;
use domain::delivery::{
    Backlog, DeliveryCursor, DeliveryDetail, DeliveryFilter, DeliveryId, DeliveryRecord,
    Destination, DueDelivery,
};
use domain::event::{Event, EventKind};
use domain::id::{EndpointNumber, PaymentId, TerminalNumber};
use domain::ledger::Balance;
use domain::merchant::Merchant;
use domain::money::Money;
use domain::outcome::{BankFacts, DeclineReason, Lookup, Outcome};
use domain::payment::{Authentication, Payment, State};
use domain::refund::Refund;
use domain::terminal::{LateApproval, Mode};
use domain::text::Reference;
use domain::time::Timestamp;
use engine::actor::Scope;
use engine::changeset::{
    CardChange, Changeset, PaymentChange, SealedCard, StoredEndpoint, StoredTerminal,
};
use engine::error::{CommitError, StoreError};
use engine::ports::{
    AuthorisationRequest, BankNotice, ChallengeVerdict, ChallengeView, Connector, Dialer,
    DueDestinations, FollowUpRequest, Institution, MessagesAsked, OrderRequest, PaymentsAsked,
    Post, PostResult, Store,
};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// A bug, named after the rule that it breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlantedBug {
    /// The intent is durable before the first byte leaves.
    IntentBeforeAction,
    /// A reference is sent to the bank once.
    ReferenceIsSentOnce,
    /// Unknown is never read as a decline.
    UnknownIsNoDecline,
    /// "Not found" is not believed at once, and then reversed.
    NotFoundIsNotBelieved,
    /// A reversal counts when the bank has confirmed it.
    ReversalIsConfirmed,
    /// No second attempt while an earlier one may still take money.
    NoSecondAttemptWhileUnknown,
    /// Of two that change the same row one decides again.
    StaleVersionsAreRefused,
    /// Refunds never exceed what was captured, those under way included.
    RefundsStayBelowCaptured,
    /// The same refund reference asks for the same refund.
    RefundReferenceIsIdempotent,
    /// The security code goes in the commit that records the send.
    SecurityCodeGoesWithTheSend,
    /// A decided status and its webhook are one commit.
    DeliveryIsInTheCommit,
    /// A webhook is delivered when the merchant's server said so.
    DeliveryIsAcknowledged,
    /// A webhook has one body, whatever the attempt.
    DeliveryHasOneBody,
    /// When an endpoint is switched off, the merchant's others are told in that commit.
    SwitchedOffIsTold,
    /// Events have no gaps.
    EventsHaveNoGaps,
    /// Money that moved stands in the books.
    BooksAreComplete,
    /// What waits for the bank is looked at again.
    WhatWaitsIsDue,
    /// What was acknowledged is durable.
    AcknowledgedIsDurable,
    /// An order is placed once.
    OrderIsPlacedOnce,
    /// A notice makes the gateway ask, and says nothing by itself.
    NoticeIsNotBelieved,
    /// What was paid is compared with what was asked for.
    AmountIsCompared,
    /// An order is looked at for a day after its payment has expired.
    ExpiredOrderIsWatched,
    /// And after its customer has cancelled.
    CancelledOrderIsKept,
    /// An earlier attempt knows that a later one begins.
    EarlierAttemptIsTold,
    /// An attempt that a later one took the place of is not approved.
    SupersededIsGivenBack,
    /// Late money goes back where the terminal says so.
    LateMoneyGoesBack,
}

impl PlantedBug {
    /// All of them.
    pub const ALL: [Self; 26] = [
        Self::IntentBeforeAction,
        Self::ReferenceIsSentOnce,
        Self::UnknownIsNoDecline,
        Self::NotFoundIsNotBelieved,
        Self::ReversalIsConfirmed,
        Self::NoSecondAttemptWhileUnknown,
        Self::StaleVersionsAreRefused,
        Self::RefundsStayBelowCaptured,
        Self::RefundReferenceIsIdempotent,
        Self::SecurityCodeGoesWithTheSend,
        Self::DeliveryIsInTheCommit,
        Self::DeliveryIsAcknowledged,
        Self::DeliveryHasOneBody,
        Self::SwitchedOffIsTold,
        Self::EventsHaveNoGaps,
        Self::BooksAreComplete,
        Self::WhatWaitsIsDue,
        Self::AcknowledgedIsDurable,
        Self::OrderIsPlacedOnce,
        Self::NoticeIsNotBelieved,
        Self::AmountIsCompared,
        Self::ExpiredOrderIsWatched,
        Self::CancelledOrderIsKept,
        Self::EarlierAttemptIsTold,
        Self::SupersededIsGivenBack,
        Self::LateMoneyGoesBack,
    ];

    /// What the auditor says when it finds this very bug. A bug has other consequences as well,
    /// but it is this rule's check that must find it.
    pub const fn sign(self) -> &'static str {
        match self {
            Self::IntentBeforeAction => "left before its intent was durable",
            Self::ReferenceIsSentOnce => "Sale was sent twice",
            Self::OrderIsPlacedOnce => "Order was sent twice",
            Self::NoticeIsNotBelieved => "nobody has paid its order",
            Self::AmountIsCompared => "another amount was paid",
            Self::ExpiredOrderIsWatched => "nobody watches its order",
            Self::CancelledOrderIsKept => "its open order is forgotten",
            Self::EarlierAttemptIsTold => "took the place of",
            Self::SupersededIsGivenBack => "took its place",
            Self::LateMoneyGoesBack => "its terminal gives back",
            Self::UnknownIsNoDecline | Self::NotFoundIsNotBelieved | Self::ReversalIsConfirmed => {
                "the bank says"
            }
            Self::NoSecondAttemptWhileUnknown => "may still take money",
            Self::StaleVersionsAreRefused => "which was decided",
            Self::RefundsStayBelowCaptured => "captured",
            Self::RefundReferenceIsIdempotent => "two refunds are named",
            Self::SecurityCodeGoesWithTheSend => "the security code is still held",
            Self::DeliveryIsInTheCommit => "deliveries are",
            Self::DeliveryIsAcknowledged => "ended as Delivered",
            Self::DeliveryHasOneBody => "had two bodies",
            Self::SwitchedOffIsTold => "was switched off, and told were",
            Self::EventsHaveNoGaps => "events are numbered",
            Self::BooksAreComplete => "is booked as",
            Self::WhatWaitsIsDue => "but due is",
            Self::AcknowledgedIsDurable => "was acknowledged and is gone",
        }
    }
}

/// A store with a bug.
#[derive(Debug)]
pub struct CrookedStore {
    /// Which.
    pub bug: PlantedBug,
    /// The straight one.
    pub inner: Arc<dyn Store>,
    /// For its dice.
    pub world: Arc<World>,
}

impl CrookedStore {
    /// What of the changeset reaches the straight store.
    async fn bend(&self, changeset: &mut Changeset) -> Result<(), StoreError> {
        let by_worker = changeset.name == "record_bank_word";
        let kind = changeset.event.as_ref().map(|event| event.kind);
        let bug = self.bug;
        if bug == PlantedBug::SecurityCodeGoesWithTheSend
            && matches!(changeset.card, Some(CardChange::DropSecurityCode))
        {
            changeset.card = None;
        }
        if bug == PlantedBug::DeliveryIsInTheCommit && by_worker {
            changeset.deliveries.clear();
        }
        if bug == PlantedBug::SwitchedOffIsTold && changeset.name == "disable_endpoint" {
            changeset.deliveries.clear();
        }
        if bug == PlantedBug::EventsHaveNoGaps && by_worker {
            changeset.event = None;
        }
        if bug == PlantedBug::BooksAreComplete && kind == Some(EventKind::Refunded) {
            changeset.postings.clear();
        }
        if bug == PlantedBug::WhatWaitsIsDue
            && let Some(PaymentChange::Update { payment, .. }) = &mut changeset.payment
            && matches!(payment.state, State::Unknown(_))
        {
            payment.due_at = None;
        }
        let open_order = changeset.event.as_ref().and_then(|event| event.state.open_order());
        if open_order.is_some() {
            self.bend_open_order(changeset);
        }
        if bug == PlantedBug::StaleVersionsAreRefused {
            self.overwrite(changeset).await?;
        }
        Ok(())
    }

    fn bend_open_order(&self, changeset: &mut Changeset) {
        let Some(PaymentChange::Update { payment, .. }) = &mut changeset.payment else { return };
        match (self.bug, &mut payment.state) {
            (PlantedBug::ExpiredOrderIsWatched, State::Expired { .. }) => payment.due_at = None,
            (PlantedBug::CancelledOrderIsKept, State::Cancelled { order, .. }) => {
                *order = None;
                payment.due_at = None;
            }
            _other => {}
        }
        if let Some(event) = &mut changeset.event {
            event.state = payment.state.clone();
        }
    }

    async fn overwrite(&self, changeset: &mut Changeset) -> Result<(), StoreError> {
        let Some(PaymentChange::Update { payment, expected_version }) = &mut changeset.payment
        else {
            return Ok(());
        };
        if let Some(stored) = self.inner.payment(Scope::Everything, payment.id).await? {
            *expected_version = stored.version;
            payment.version = stored.version + 1;
            if let Some(event) = &mut changeset.event {
                event.sequence = payment.version;
            }
        }
        Ok(())
    }

    const fn bend_terminal(&self, mut terminal: StoredTerminal) -> StoredTerminal {
        if matches!(self.bug, PlantedBug::LateMoneyGoesBack) {
            terminal.settings.late_approval = LateApproval::Accept;
        }
        terminal
    }

    /// Inserts the payment as another attempt when this one is taken.
    async fn insert_anyway(&self, changeset: Changeset) -> Result<(), CommitError> {
        let Some(PaymentChange::Insert(payment)) = &changeset.payment else {
            return self.inner.commit(changeset).await;
        };
        let mut payment = payment.clone();
        let card = match &changeset.card {
            Some(CardChange::Hold(card)) => Some(card.clone()),
            Some(CardChange::DropSecurityCode | CardChange::Drop) | None => None,
        };
        let (name, event) = (changeset.name, changeset.event.clone());
        let mut result = self.inner.commit(changeset).await;
        while matches!(result, Err(CommitError::ReferenceTaken)) {
            payment.attempt += 1;
            let again = Changeset {
                name,
                event: event.clone(),
                card: card.clone().map(CardChange::Hold),
                payment: Some(PaymentChange::Insert(payment.clone())),
                ..Changeset::default()
            };
            result = self.inner.commit(again).await;
        }
        result
    }
}

fn set_superseded(payment: &mut Payment, superseded: bool) {
    if let State::Expired { order: Some(order), .. } | State::Cancelled { order: Some(order), .. } =
        &mut payment.state
    {
        order.superseded = superseded;
    }
}

#[async_trait]
impl Store for CrookedStore {
    async fn commit(&self, mut changeset: Changeset) -> Result<(), CommitError> {
        let bent = self.bend(&mut changeset).await;
        bent.map_err(|error| CommitError::Unavailable(error.to_string()))?;
        let intent = ["create_payment", "begin_sending", "request_refund", "begin"];
        let is_intent = intent.contains(&changeset.name);
        if self.bug == PlantedBug::IntentBeforeAction && is_intent {
            let inner = Arc::clone(&self.inner);
            tokio::spawn(async move { inner.commit(changeset).await });
            return Ok(());
        }
        if self.bug == PlantedBug::AcknowledgedIsDurable && is_intent && self.world.strikes(30) {
            return Ok(());
        }
        if self.bug == PlantedBug::NoSecondAttemptWhileUnknown {
            return self.insert_anyway(changeset).await;
        }
        self.inner.commit(changeset).await
    }

    fn admits_new_payments(&self) -> bool {
        self.inner.admits_new_payments()
    }

    async fn payment(&self, scope: Scope, id: PaymentId) -> Result<Option<Payment>, StoreError> {
        let mut found = self.inner.payment(scope, id).await?;
        if self.bug == PlantedBug::RefundsStayBelowCaptured
            && let Some(Payment { state: State::Approved { taken, .. }, .. }) = &mut found
        {
            taken.refunding_minor = 0;
        }
        if self.bug == PlantedBug::SupersededIsGivenBack
            && let Some(payment) = &mut found
        {
            set_superseded(payment, false);
        }
        Ok(found)
    }

    async fn attempts(
        &self,
        terminal: TerminalNumber,
        reference: &Reference,
    ) -> Result<Vec<Payment>, StoreError> {
        let mut attempts = self.inner.attempts(terminal, reference).await?;
        if self.bug == PlantedBug::EarlierAttemptIsTold {
            for payment in &mut attempts {
                set_superseded(payment, true);
            }
        }
        Ok(attempts)
    }

    async fn held_card(&self, id: PaymentId) -> Result<Option<SealedCard>, StoreError> {
        self.inner.held_card(id).await
    }

    async fn refunds(&self, payment: PaymentId) -> Result<Vec<Refund>, StoreError> {
        let mut refunds = self.inner.refunds(payment).await?;
        if self.bug == PlantedBug::RefundReferenceIsIdempotent {
            for refund in &mut refunds {
                refund.reference = None;
            }
        }
        Ok(refunds)
    }

    async fn events(&self, payment: PaymentId) -> Result<Vec<Event>, StoreError> {
        self.inner.events(payment).await
    }

    async fn newest_payments(
        &self,
        scope: Scope,
        asked: PaymentsAsked,
    ) -> Result<Vec<Payment>, StoreError> {
        self.inner.newest_payments(scope, asked).await
    }

    async fn balances(&self, scope: Scope) -> Result<Vec<Balance>, StoreError> {
        self.inner.balances(scope).await
    }

    async fn at_the_bank(&self, limit: u32) -> Result<Vec<Payment>, StoreError> {
        self.inner.at_the_bank(limit).await
    }

    async fn claim_payments(
        &self,
        now: Timestamp,
        lease: Duration,
        limit: u32,
    ) -> Result<Vec<Payment>, StoreError> {
        let mut due = self.inner.claim_payments(now, lease, limit).await?;
        if self.bug == PlantedBug::SupersededIsGivenBack {
            for payment in &mut due {
                set_superseded(payment, false);
            }
        }
        Ok(due)
    }

    async fn sending_payments(&self, limit: u32) -> Result<Vec<Payment>, StoreError> {
        self.inner.sending_payments(limit).await
    }

    async fn due_destinations(
        &self,
        after: Option<Destination>,
        now: Timestamp,
        limit: u32,
    ) -> Result<DueDestinations, StoreError> {
        self.inner.due_destinations(after, now, limit).await
    }

    async fn deliveries(
        &self,
        filter: DeliveryFilter,
        after: Option<DeliveryCursor>,
        limit: u32,
    ) -> Result<Vec<DeliveryRecord>, StoreError> {
        self.inner.deliveries(filter, after, limit).await
    }

    async fn deliveries_since(
        &self,
        terminal: TerminalNumber,
        from: Timestamp,
        after: Option<DeliveryCursor>,
        limit: u32,
    ) -> Result<Vec<DeliveryRecord>, StoreError> {
        self.inner.deliveries_since(terminal, from, after, limit).await
    }

    async fn count_deliveries(&self, filter: DeliveryFilter) -> Result<u64, StoreError> {
        self.inner.count_deliveries(filter).await
    }

    async fn delivery(&self, id: DeliveryId) -> Result<Option<DeliveryDetail>, StoreError> {
        self.inner.delivery(id).await
    }

    async fn backlog(&self, now: Timestamp) -> Result<Backlog, StoreError> {
        self.inner.backlog(now).await
    }

    async fn endpoints(&self, scope: Scope) -> Result<Vec<StoredEndpoint>, StoreError> {
        self.inner.endpoints(scope).await
    }

    async fn endpoint(&self, number: EndpointNumber) -> Result<Option<StoredEndpoint>, StoreError> {
        self.inner.endpoint(number).await
    }

    async fn claim_deliveries(
        &self,
        now: Timestamp,
        lease: Duration,
        wanted: &[(Destination, u32)],
    ) -> Result<Vec<DueDelivery>, StoreError> {
        let mut due = self.inner.claim_deliveries(now, lease, wanted).await?;
        if self.bug == PlantedBug::DeliveryHasOneBody {
            for delivery in due.iter_mut().filter(|delivery| delivery.attempts > 0) {
                delivery.body.push_str(" again");
            }
        }
        Ok(due)
    }

    async fn claim_bank_messages(
        &self,
        lease: Duration,
        limit: u32,
    ) -> Result<Vec<KeptMessage>, StoreError> {
        self.inner.claim_bank_messages(lease, limit).await
    }

    async fn bank_messages(&self, asked: MessagesAsked) -> Result<Vec<KeptMessage>, StoreError> {
        self.inner.bank_messages(asked).await
    }

    async fn terminal_by_public_key(
        &self,
        public_key: &str,
    ) -> Result<Option<StoredTerminal>, StoreError> {
        let found = self.inner.terminal_by_public_key(public_key).await?;
        Ok(found.map(|terminal| self.bend_terminal(terminal)))
    }

    async fn terminal(&self, number: TerminalNumber) -> Result<Option<StoredTerminal>, StoreError> {
        let found = self.inner.terminal(number).await?;
        Ok(found.map(|terminal| self.bend_terminal(terminal)))
    }

    async fn terminals(&self) -> Result<Vec<StoredTerminal>, StoreError> {
        self.inner.terminals().await
    }

    async fn merchants(&self) -> Result<Vec<Merchant>, StoreError> {
        self.inner.merchants().await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.inner.ping().await
    }
}

/// A connector with a bug.
#[derive(Debug)]
pub struct CrookedBank {
    /// Which.
    pub bug: PlantedBug,
    /// The straight one.
    pub inner: Arc<dyn Connector>,
    /// What notices named.
    pub noticed: Mutex<BTreeSet<String>>,
}

impl CrookedBank {
    fn was_noticed(&self, our_reference: &str) -> bool {
        self.noticed.lock().unwrap_or_else(PoisonError::into_inner).contains(our_reference)
    }

    fn bend(&self, outcome: Outcome) -> Outcome {
        match (self.bug, outcome) {
            (PlantedBug::UnknownIsNoDecline, Outcome::Unknown(_)) => {
                Outcome::Declined(DeclineReason::Refused, BankFacts::default())
            }
            (_bug, outcome) => outcome,
        }
    }
}

#[async_trait]
impl Connector for CrookedBank {
    fn name(&self) -> &'static str {
        self.inner.name()
    }

    fn mode(&self) -> Mode {
        self.inner.mode()
    }

    fn lookup_patience(&self) -> Duration {
        self.inner.lookup_patience()
    }

    async fn authenticate(&self, amount: Money, card: &Card) -> Authentication {
        self.inner.authenticate(amount, card).await
    }

    async fn challenge(&self, payment: &Payment) -> Result<ChallengeView, String> {
        self.inner.challenge(payment).await
    }

    async fn answer_challenge(&self, payment: &Payment, answer: &str) -> ChallengeVerdict {
        self.inner.answer_challenge(payment, answer).await
    }

    async fn authorise(&self, request: AuthorisationRequest<'_>) -> Outcome {
        let again = AuthorisationRequest { ..request };
        let outcome = self.inner.authorise(request).await;
        if self.bug == PlantedBug::ReferenceIsSentOnce && matches!(outcome, Outcome::Unknown(_)) {
            return self.inner.authorise(again).await;
        }
        self.bend(outcome)
    }

    fn institutions(&self) -> &[Institution] {
        self.inner.institutions()
    }

    async fn place_order(&self, request: OrderRequest<'_>) -> Outcome {
        let again = OrderRequest { ..request };
        let outcome = self.inner.place_order(request).await;
        if self.bug == PlantedBug::OrderIsPlacedOnce && matches!(outcome, Outcome::Unknown(_)) {
            return self.inner.place_order(again).await;
        }
        self.bend(outcome)
    }

    async fn next_notice(&self) -> BankNotice {
        let notice = self.inner.next_notice().await;
        let mut noticed = self.noticed.lock().unwrap_or_else(PoisonError::into_inner);
        noticed.insert(notice.our_reference.clone());
        notice
    }

    async fn capture(&self, request: FollowUpRequest<'_>) -> Outcome {
        self.bend(self.inner.capture(request).await)
    }

    async fn refund(&self, request: FollowUpRequest<'_>) -> Outcome {
        self.bend(self.inner.refund(request).await)
    }

    async fn reverse(&self, request: FollowUpRequest<'_>) -> Outcome {
        match (self.bug, self.inner.reverse(request).await) {
            (PlantedBug::ReversalIsConfirmed, Outcome::Unknown(_)) => {
                Outcome::Approved(BankFacts::default())
            }
            (_bug, outcome) => outcome,
        }
    }

    async fn look_up(&self, our_reference: &str) -> Lookup {
        let noticed = self.was_noticed(our_reference);
        match (self.bug, self.inner.look_up(our_reference).await) {
            (PlantedBug::NoticeIsNotBelieved, _asked) if noticed => {
                Lookup::Found(Outcome::Approved(BankFacts::default()))
            }
            (PlantedBug::AmountIsCompared, Lookup::Found(Outcome::Approved(bank))) => {
                Lookup::Found(Outcome::Approved(BankFacts { amount_minor: None, ..bank }))
            }
            (PlantedBug::NotFoundIsNotBelieved, Lookup::NotFound) => {
                Lookup::Found(Outcome::Declined(DeclineReason::Refused, BankFacts::default()))
            }
            (_bug, lookup) => lookup,
        }
    }
}

/// A dialer with a bug.
#[derive(Debug)]
pub struct CrookedShop {
    /// Which.
    pub bug: PlantedBug,
    /// The straight one.
    pub inner: Arc<dyn Dialer>,
}

#[async_trait]
impl Dialer for CrookedShop {
    async fn post(&self, post: Post<'_>) -> PostResult {
        match (self.bug, self.inner.post(post).await) {
            (PlantedBug::DeliveryIsAcknowledged, PostResult::Failed(_)) => {
                PostResult::Answered { status: 200, retry_after: None, body: String::new() }
            }
            (_bug, result) => result,
        }
    }
}
