//! A webhook delivery: a message that must reach a merchant's server at least once.

use crate::event_type::EventType;
use crate::id::{EndpointNumber, MerchantId, PaymentId, TerminalNumber};
use crate::text::WebAddress;
use crate::time::Timestamp;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// Most bytes of a receiver's answer that the log keeps.
pub const ANSWER_KEPT: usize = 2 * 1024;

/// A delivery's name: the payment, the number of the notice, and who is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DeliveryId {
    /// The payment it tells of.
    pub payment: PaymentId,
    /// `sequence` in the body: 1, 2, … per payment. Below zero it tells of no payment but of an
    /// endpoint that was switched off, by minus its number; the payment is then the one whose
    /// message was the last that failed.
    pub sequence: i32,
    /// The endpoint that is told; none for the payment's own address.
    pub endpoint: Option<EndpointNumber>,
}

/// The text is no `webhook-id`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be a webhook-id, like msg_417823250426141606_1")]
pub struct InvalidWebhookId;

impl DeliveryId {
    /// To the payment's own address.
    pub const fn own(payment: PaymentId, sequence: i32) -> Self {
        Self { payment, sequence, endpoint: None }
    }

    /// `webhook-id`, the same over all retries: `msg_<transID>_<sequence>`, with `_<endpoint>`
    /// behind it when it goes to an endpoint.
    pub fn webhook_id(self) -> String {
        self.to_string()
    }
}

impl fmt::Display for DeliveryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "msg_{}_{}", self.payment, self.sequence)?;
        self.endpoint.map_or(Ok(()), |endpoint| write!(f, "_{endpoint}"))
    }
}

impl FromStr for DeliveryId {
    type Err = InvalidWebhookId;

    fn from_str(text: &str) -> Result<Self, InvalidWebhookId> {
        let mut parts = text.strip_prefix("msg_").ok_or(InvalidWebhookId)?.split('_');
        let part = |part: Option<&str>| part.map(str::to_owned).ok_or(InvalidWebhookId);
        let payment = part(parts.next())?.parse().map_err(|_invalid| InvalidWebhookId)?;
        let sequence = part(parts.next())?.parse().map_err(|_invalid| InvalidWebhookId)?;
        let endpoint = match parts.next() {
            None => None,
            Some(number) => {
                let number = number.parse().map_err(|_invalid| InvalidWebhookId)?;
                Some(EndpointNumber(number)).filter(|_| number > 0)
            }
        };
        let id = Self { payment, sequence, endpoint };
        // One spelling each.
        if id.to_string() == text { Ok(id) } else { Err(InvalidWebhookId) }
    }
}

/// A queue of its own: everything that one merchant has for one host, or for one endpoint. A digest
/// of the two, so that a slow host of one merchant delays nobody else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Destination(pub i64);

/// A delivery that is written in the same commit as the change it tells of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewDelivery {
    /// Its name.
    pub id: DeliveryId,
    /// Whose payment it is.
    pub merchant: MerchantId,
    /// The terminal of the payment; its secret signs what goes to the payment's own address.
    pub terminal: TerminalNumber,
    /// What it tells of.
    pub event_type: EventType,
    /// Where it goes.
    pub url: WebAddress,
    /// In which queue it waits.
    pub destination: Destination,
    /// The content type of the body.
    pub content_type: &'static str,
    /// What is sent, byte for byte, on every attempt.
    pub body: String,
    /// When the change was committed; the first attempt is due at once.
    pub created_at: Timestamp,
}

/// A queue in which something is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DueDestination {
    /// Which.
    pub destination: Destination,
    /// Whose.
    pub merchant: MerchantId,
    /// Attempts made of the delivery that is longest due: above zero, the receiver has failed.
    pub attempts: u32,
}

/// A delivery that is due and claimed by this worker for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DueDelivery {
    /// Its name.
    pub id: DeliveryId,
    /// Whose payment it is.
    pub merchant: MerchantId,
    /// The terminal of the payment; its secret signs what goes to the payment's own address.
    pub terminal: TerminalNumber,
    /// Where it goes.
    pub url: String,
    /// In which queue it waited.
    pub destination: Destination,
    /// The content type of the body.
    pub content_type: String,
    /// What is sent.
    pub body: String,
    /// Attempts made before this one, since `begun_at`.
    pub attempts: u32,
    /// When the change was committed.
    pub created_at: Timestamp,
    /// When it was first due: with the change, or when it was last asked for again.
    pub begun_at: Timestamp,
}

/// What an attempt came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempted {
    /// Which delivery.
    pub id: DeliveryId,
    /// Whose payment it is.
    pub merchant: MerchantId,
    /// Attempts made since it was last begun, this one included.
    pub attempts: u32,
    /// The attempt.
    pub attempt: Attempt,
    /// What follows.
    pub next: NextStep,
}

/// One attempt, as the log keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// When it ended.
    pub at: Timestamp,
    /// How long it took, name and connection included.
    pub took: Duration,
    /// The answer's HTTP status, if there was an answer.
    pub http_status: Option<u16>,
    /// The beginning of the answer's body, at most [`ANSWER_KEPT`] bytes; none when there was none.
    pub answer: Option<String>,
    /// What went wrong, in words without personal data; none when it was acknowledged.
    pub error: Option<String>,
}

/// What follows an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextStep {
    /// Acknowledged with a 2xx.
    Delivered,
    /// Try again then.
    RetryAt(Timestamp),
    /// Given up; it stands in the log to be replayed.
    Dead,
}

/// Where a delivery stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryState {
    /// To be tried (again).
    Pending,
    /// Acknowledged.
    Delivered,
    /// Given up.
    Dead,
}

impl DeliveryState {
    /// The word in the database and in answers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Dead => "dead",
        }
    }

    /// By its word.
    pub fn from_name(name: &str) -> Option<Self> {
        let all = [Self::Pending, Self::Delivered, Self::Dead];
        all.into_iter().find(|state| state.name() == name)
    }
}

/// A delivery as lists show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryRecord {
    /// Its name.
    pub id: DeliveryId,
    /// Whose payment it is.
    pub merchant: MerchantId,
    /// The terminal of the payment.
    pub terminal: TerminalNumber,
    /// What it tells of; none for one that an older release wrote.
    pub event_type: Option<EventType>,
    /// Where it goes.
    pub url: String,
    /// When the change was committed.
    pub created_at: Timestamp,
    /// Where it stands.
    pub state: DeliveryState,
    /// Attempts made since it was last begun.
    pub attempts: u32,
    /// When it is tried next, while it is pending.
    pub next_at: Option<Timestamp>,
    /// The last attempt.
    pub last: Option<Attempt>,
}

/// A delivery with all that is known of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryDetail {
    /// As lists show it.
    pub record: DeliveryRecord,
    /// The content type of the body.
    pub content_type: String,
    /// What is sent.
    pub body: String,
    /// Every attempt ever made, the oldest first.
    pub attempts: Vec<Attempt>,
}

/// Which deliveries a list shows; what is none does not matter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DeliveryFilter {
    /// Whose.
    pub merchant: Option<MerchantId>,
    /// Of which terminal.
    pub terminal: Option<TerminalNumber>,
    /// To which endpoint.
    pub endpoint: Option<EndpointNumber>,
    /// Of which payment.
    pub payment: Option<PaymentId>,
    /// Where they stand.
    pub state: Option<DeliveryState>,
    /// Of which type.
    pub event_type: Option<EventType>,
    /// Written at this moment or later.
    pub from: Option<Timestamp>,
    /// Written before this moment.
    pub until: Option<Timestamp>,
}

impl DeliveryFilter {
    /// Whether a delivery is among those it shows.
    pub fn lets_through(&self, record: &DeliveryRecord) -> bool {
        let endpoint = record.id.endpoint;
        self.merchant.is_none_or(|merchant| merchant == record.merchant)
            && self.terminal.is_none_or(|terminal| terminal == record.terminal)
            && self.endpoint.is_none_or(|wanted| endpoint == Some(wanted))
            && self.payment.is_none_or(|payment| payment == record.id.payment)
            && self.state.is_none_or(|state| state == record.state)
            && self.event_type.is_none_or(|wanted| record.event_type == Some(wanted))
            && self.from.is_none_or(|from| record.created_at >= from)
            && self.until.is_none_or(|until| record.created_at < until)
    }
}

impl DeliveryRecord {
    /// Its place in a list.
    pub const fn cursor(&self) -> DeliveryCursor {
        DeliveryCursor { created_at: self.created_at, id: self.id }
    }

    /// Every attempt: those of the log, and the last one where it was acknowledged and stands in
    /// the delivery's own row only.
    pub fn with_last(&self, mut logged: Vec<Attempt>) -> Vec<Attempt> {
        if let Some(last) = &self.last
            && logged.last().is_none_or(|newest| newest.at < last.at)
        {
            logged.push(last.clone());
        }
        logged
    }

    /// The part of a list, the newest first, that a page shows: what is after this place.
    pub fn page(mut list: Vec<Self>, after: Option<DeliveryCursor>, limit: u32) -> Vec<Self> {
        list.retain(|record| after.is_none_or(|after| record.cursor() < after));
        list.sort_by_key(|record| std::cmp::Reverse(record.cursor()));
        list.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        list
    }

    /// The same of a list that has the oldest first.
    pub fn page_upwards(
        mut list: Vec<Self>,
        after: Option<DeliveryCursor>,
        limit: u32,
    ) -> Vec<Self> {
        list.retain(|record| after.is_none_or(|after| record.cursor() > after));
        list.sort_by_key(Self::cursor);
        list.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        list
    }
}

/// A place in a list of deliveries, which goes by the time they were written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DeliveryCursor {
    /// When it was written.
    pub created_at: Timestamp,
    /// Which.
    pub id: DeliveryId,
}

/// How much waits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Deliveries to be tried (again).
    pub pending: u64,
    /// Of these, those whose time has come.
    pub due: u64,
    /// Since when the one that is longest due waits.
    pub oldest_due: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_are_written() {
        let payment: PaymentId = "417823250426141606".parse().unwrap();
        for (sequence, endpoint, text) in [
            (1, None, "msg_417823250426141606_1"),
            (12, Some(7), "msg_417823250426141606_12_7"),
            (-3, Some(7), "msg_417823250426141606_-3_7"),
        ] {
            let id = DeliveryId { payment, sequence, endpoint: endpoint.map(EndpointNumber) };
            assert_eq!(id.webhook_id(), text);
            assert_eq!(text.parse(), Ok(id));
        }
        for wrong in [
            "",
            "msg_",
            "msg_417823250426141606",
            "msg_417823250426141606_",
            "msg_417823250426141606_1_0",
            "msg_417823250426141606_1_-1",
            "msg_417823250426141606_01",
            "msg_417823250426141606_+1",
            "msg_417823250426141606_1_7_7",
            "msg_417823250426141606_99999999999",
            "MSG_417823250426141606_1",
        ] {
            assert_eq!(wrong.parse::<DeliveryId>(), Err(InvalidWebhookId), "{wrong}");
        }
    }
}
