//! The sandbox bank's rules: what it answers to a call, by what its books say of the call's
//! original. Pure; the gateway's own rules stand elsewhere, so that a mistake there meets a second
//! line of defence here.

use super::cards::{Answer, REFUSED_REFUND_MINOR};
use domain::id::PaymentId;
use domain::money::Money;
use domain::outcome::DeclineReason;
use domain::terminal::Capture;
use domain::time::Timestamp;

/// Why the bank will not do what a call asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It does not know the original.
    NoOriginal,
    /// The original is of another kind, payment or currency, or was declined.
    WrongOriginal,
    /// Nothing is no amount.
    WrongAmount,
    /// More than is held, or than is left of what was taken.
    AboveWhatIsThere,
    /// A hold is captured once.
    CapturedAlready,
    /// The original was reversed; or this call was, before it arrived.
    Reversed,
    /// What should be reversed cannot be undone any more.
    Stands,
    /// Another call came under this reference before.
    ReferenceUsed,
}

impl Refusal {
    /// The response code (ISO 8583:1987, data element 39; 79 is Visa's word for "already
    /// reversed").
    pub const fn status_code(self) -> &'static str {
        match self {
            Self::NoOriginal => "25",
            Self::WrongOriginal => "12",
            Self::WrongAmount => "13",
            Self::AboveWhatIsThere => "61",
            Self::CapturedAlready => "76",
            Self::Reversed => "79",
            Self::Stands => "21",
            Self::ReferenceUsed => "94",
        }
    }
}

/// The kinds of lines in the books.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Authorisation,
    Capture,
    Reversal,
    Refund,
    Dispute,
}

impl Kind {
    const ALL: [Self; 5] =
        [Self::Authorisation, Self::Capture, Self::Reversal, Self::Refund, Self::Dispute];

    /// The word in the books.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Authorisation => "authorisation",
            Self::Capture => "capture",
            Self::Reversal => "reversal",
            Self::Refund => "refund",
            Self::Dispute => "dispute",
        }
    }

    /// By its word.
    pub(super) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// What a call asks for.
#[derive(Clone, Debug)]
pub(super) enum Wish {
    /// Money, taken or held; `answer` is what the card is good for.
    Authorise { answer: Answer, capture: Capture },
    /// The held money of this call.
    Capture { original: String },
    /// Money of this call, back.
    Refund { original: String },
    /// This call undone.
    Reverse { original: String },
}

impl Wish {
    pub(super) const fn kind(&self) -> Kind {
        match self {
            Self::Authorise { .. } => Kind::Authorisation,
            Self::Capture { .. } => Kind::Capture,
            Self::Refund { .. } => Kind::Refund,
            Self::Reverse { .. } => Kind::Reversal,
        }
    }

    /// The reference of the call that it follows.
    pub(super) fn original(&self) -> Option<&str> {
        match self {
            Self::Authorise { .. } => None,
            Self::Capture { original } | Self::Refund { original } | Self::Reverse { original } => {
                Some(original)
            }
        }
    }

    pub(super) const fn capture(&self) -> Option<Capture> {
        match self {
            Self::Authorise { capture, .. } => Some(*capture),
            Self::Capture { .. } | Self::Refund { .. } | Self::Reverse { .. } => None,
        }
    }
}

/// A call that reached the bank.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) our_reference: String,
    pub(super) payment: PaymentId,
    pub(super) amount: Money,
    pub(super) wish: Wish,
    pub(super) at: Timestamp,
}

/// An original as it stands: its line, and what approved calls made of it since.
#[derive(Clone, Debug)]
pub(super) struct Standing {
    pub(super) kind: Kind,
    pub(super) trans_id: String,
    pub(super) capture: Option<Capture>,
    pub(super) amount_minor: i64,
    pub(super) currency: String,
    pub(super) approved: bool,
    pub(super) captured_minor: Option<i64>,
    pub(super) refunded_minor: i64,
    pub(super) reversed: bool,
}

impl Standing {
    /// What was taken, refunds or not.
    fn taken_minor(&self) -> i64 {
        match self.capture {
            Some(Capture::Automatic) => self.amount_minor,
            Some(Capture::Manual) | None => self.captured_minor.unwrap_or(0),
        }
    }

    /// Whether this call may have it for its original.
    fn good_for(&self, call: &Call) -> Result<(), Refusal> {
        let same = self.trans_id == call.payment.to_string()
            && self.currency == call.amount.currency().code();
        if self.kind != Kind::Authorisation || !same {
            return Err(Refusal::WrongOriginal);
        }
        if self.reversed {
            return Err(Refusal::Reversed);
        }
        if self.approved { Ok(()) } else { Err(Refusal::WrongOriginal) }
    }
}

/// What the bank answers, and what goes into its line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) answer: Answer,
    pub(super) amount_minor: i64,
    pub(super) currency: String,
}

/// Decides a call. `original`: what the books say of the call it follows. `reversed_before`: this
/// very call was reversed before it arrived.
pub(super) fn decide(call: &Call, original: Option<&Standing>, reversed_before: bool) -> Verdict {
    let amount_minor = call.amount.minor();
    let currency = call.amount.currency().code().to_owned();
    if reversed_before {
        return Verdict { answer: Answer::Refuse(Refusal::Reversed), amount_minor, currency };
    }
    let allowed = match &call.wish {
        Wish::Authorise { answer, .. } => {
            return Verdict { answer: *answer, amount_minor, currency };
        }
        Wish::Capture { .. } => capture(call, original),
        Wish::Refund { .. } => refund(call, original),
        Wish::Reverse { .. } => match reverse(call, original) {
            Ok(undone) => {
                let currency = original.map_or(currency, |original| original.currency.clone());
                return Verdict { answer: Answer::Approve, amount_minor: undone, currency };
            }
            Err(refusal) => Err(refusal),
        },
    };
    let unwanted = call.wish.kind() == Kind::Refund && amount_minor == REFUSED_REFUND_MINOR;
    let answer = match allowed {
        Ok(()) if unwanted => Answer::Decline(DeclineReason::Refused),
        Ok(()) => Answer::Approve,
        Err(refusal) => Answer::Refuse(refusal),
    };
    Verdict { answer, amount_minor, currency }
}

fn capture(call: &Call, original: Option<&Standing>) -> Result<(), Refusal> {
    let hold = original.ok_or(Refusal::NoOriginal)?;
    hold.good_for(call)?;
    if hold.capture != Some(Capture::Manual) {
        return Err(Refusal::WrongOriginal);
    }
    if hold.captured_minor.is_some() {
        return Err(Refusal::CapturedAlready);
    }
    within(call.amount.minor(), hold.amount_minor)
}

fn refund(call: &Call, original: Option<&Standing>) -> Result<(), Refusal> {
    let paid = original.ok_or(Refusal::NoOriginal)?;
    paid.good_for(call)?;
    within(call.amount.minor(), paid.taken_minor().saturating_sub(paid.refunded_minor))
}

fn within(amount_minor: i64, there: i64) -> Result<(), Refusal> {
    if amount_minor == 0 {
        return Err(Refusal::WrongAmount);
    }
    if amount_minor > there { Err(Refusal::AboveWhatIsThere) } else { Ok(()) }
}

/// How much the reversal undoes; zero where nothing stands.
fn reverse(call: &Call, original: Option<&Standing>) -> Result<i64, Refusal> {
    let Some(original) = original else { return Ok(0) };
    if original.trans_id != call.payment.to_string() {
        return Err(Refusal::WrongOriginal);
    }
    if !original.approved || original.reversed {
        return Ok(0);
    }
    let used = original.captured_minor.is_some() || original.refunded_minor > 0;
    match original.kind {
        Kind::Authorisation if !used => Ok(original.amount_minor),
        Kind::Authorisation | Kind::Capture | Kind::Reversal | Kind::Refund | Kind::Dispute => {
            Err(Refusal::Stands)
        }
    }
}
