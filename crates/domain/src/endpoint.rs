//! An endpoint: an address of a merchant's that is told of events of the types it subscribed to,
//! beside the address that each payment names.

use crate::event_type::{EventPattern, EventType};
use crate::id::{EndpointNumber, MerchantId, TerminalNumber};
use crate::secret::SecretText;
use crate::terminal::{Mode, WebhookSecret};
use crate::text::WebAddress;
use crate::time::Timestamp;
use std::time::Duration;

/// An endpoint that answered nothing right for so long is switched off.
pub const SWITCHED_OFF_AFTER: Duration = Duration::from_hours(5 * 24);
/// Most endpoints of one merchant that are not removed.
pub const ENDPOINTS_AT_MOST: usize = 50;

/// Whether an endpoint is sent to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndpointState {
    /// It is.
    On,
    /// Switched off by whoever owns it.
    Off,
    /// Switched off by the gateway: it failed for five days.
    Failed,
    /// Taken away for good. Its row stays, for the log of what it was sent.
    Removed,
}

impl EndpointState {
    /// The word in the database and in answers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::On => "on",
            Self::Off => "off",
            Self::Failed => "failed",
            Self::Removed => "removed",
        }
    }

    /// By its word.
    pub fn from_name(name: &str) -> Option<Self> {
        let all = [Self::On, Self::Off, Self::Failed, Self::Removed];
        all.into_iter().find(|state| state.name() == name)
    }
}

/// An endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Its number, unique in the gateway.
    pub number: EndpointNumber,
    /// Whose it is.
    pub merchant: MerchantId,
    /// The terminal whose events it is told of; none for all of the merchant's in its mode.
    pub terminal: Option<TerminalNumber>,
    /// Test or live: never events of both.
    pub mode: Mode,
    /// Where messages go.
    pub url: WebAddress,
    /// What it is told of.
    pub events: Vec<EventPattern>,
    /// What its owner calls it; may be empty.
    pub description: String,
    /// Whether it is sent to.
    pub state: EndpointState,
    /// Since when.
    pub state_since: Timestamp,
    /// Since when nothing that was sent to it was acknowledged; none when the last one was.
    pub failing_since: Option<Timestamp>,
    /// Signing secrets, the current one first.
    pub secrets: Vec<WebhookSecret>,
    /// Rises with each change.
    pub version: i64,
    /// When it was added.
    pub created_at: Timestamp,
}

impl Endpoint {
    /// Whether a message of this type about this terminal is written for it. Messages for one that
    /// the gateway switched off are written too, to be replayed when it is on again; its owner's
    /// own switch means that they are not wanted.
    pub fn subscribes(&self, event_type: EventType, terminal: TerminalNumber, mode: Mode) -> bool {
        matches!(self.state, EndpointState::On | EndpointState::Failed)
            && self.mode == mode
            && self.terminal.is_none_or(|own| own == terminal)
            && self.events.iter().any(|pattern| pattern.matches(event_type))
    }

    /// The secrets that sign at this moment, the current one first.
    pub fn signing_secrets(&self, now: Timestamp) -> impl Iterator<Item = &SecretText> {
        self.secrets.iter().filter(move |secret| secret.is_good(now)).map(|secret| &secret.text)
    }

    /// Whether it has failed for so long that it is to be switched off.
    pub fn has_failed(&self, now: Timestamp) -> bool {
        self.state == EndpointState::On
            && self.failing_since.is_some_and(|since| now >= since.plus(SWITCHED_OFF_AFTER))
    }
}
