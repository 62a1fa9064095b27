//! A webhook delivery: a message that must reach a merchant's server at least once.

use crate::id::{MerchantId, PaymentId, TerminalNumber};
use crate::text::WebAddress;
use crate::time::Timestamp;

/// A delivery's name: the payment and the number of the notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DeliveryId {
    /// The payment it tells of.
    pub payment: PaymentId,
    /// `sequence` in the body: 1, 2, … per payment.
    pub sequence: i32,
}

impl DeliveryId {
    /// `webhook-id`, the same over all retries.
    pub fn webhook_id(self) -> String {
        format!("msg_{}_{}", self.payment, self.sequence)
    }
}

/// A delivery that is written in the same commit as the change it tells of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewDelivery {
    /// Its name.
    pub id: DeliveryId,
    /// Whose payment it is.
    pub merchant: MerchantId,
    /// The terminal whose secret signs it.
    pub terminal: TerminalNumber,
    /// Where it goes.
    pub url: WebAddress,
    /// The content type of the body.
    pub content_type: &'static str,
    /// What is sent, byte for byte, on every attempt.
    pub body: String,
    /// When the change was committed; the first attempt is due at once.
    pub created_at: Timestamp,
}

/// A delivery that is due and claimed by this worker for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DueDelivery {
    /// Its name.
    pub id: DeliveryId,
    /// Whose payment it is.
    pub merchant: MerchantId,
    /// The terminal whose secret signs it.
    pub terminal: TerminalNumber,
    /// Where it goes.
    pub url: String,
    /// The content type of the body.
    pub content_type: String,
    /// What is sent.
    pub body: String,
    /// Attempts made before this one.
    pub attempts: u32,
    /// When the change was committed.
    pub created_at: Timestamp,
}

/// What an attempt came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempted {
    /// Which delivery.
    pub id: DeliveryId,
    /// When the attempt ended.
    pub at: Timestamp,
    /// Attempts made, this one included.
    pub attempts: u32,
    /// The answer's HTTP status, if there was an answer.
    pub http_status: Option<u16>,
    /// What went wrong, in words without personal data; none when it was acknowledged.
    pub error: Option<String>,
    /// What follows.
    pub next: NextStep,
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
