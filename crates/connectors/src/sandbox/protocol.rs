//! What the sandbox bank and a gateway say to each other when the bank is a process of its own:
//! JSON over HTTP/1.1, one request to a connection or many. A bank that has an answer gives it
//! with status 200 and names the reference it was asked under; any other status says nothing of
//! what became of a call.

use domain::card::SecurityCode;
use domain::method::{CustomerStep, MethodCode};
use domain::money::{Currency, Money};
use domain::outcome::{BankFacts, DeclineReason, Lookup, Outcome};
use domain::payment::Authentication;
use domain::terminal::Capture;
use domain::time::Timestamp;
use engine::ports::{
    AtBank, ChallengeVerdict, ChallengeView, CounterOrder, CounterStanding, FollowUpRequest,
    OpenCard,
};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// Most bytes of a request or an answer.
pub(super) const BODY_AT_MOST: usize = 64 * 1024;
/// The one content type, both ways.
pub(super) const JSON: &str = "application/json";

/// The response code of an approval (ISO 8583, data element 39).
const APPROVED_CODE: &str = "00";

/// What can be asked, by its path. The words are those of the faults' `kind`, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Operation {
    Authorisation,
    Order,
    Capture,
    Refund,
    Reversal,
    Lookup,
    Authentication,
    Challenge,
    Answer,
    NewCode,
    Counter,
}

impl Operation {
    const ALL: [Self; 11] = [
        Self::Authorisation,
        Self::Order,
        Self::Capture,
        Self::Refund,
        Self::Reversal,
        Self::Lookup,
        Self::Authentication,
        Self::Challenge,
        Self::Answer,
        Self::NewCode,
        Self::Counter,
    ];

    pub(super) const fn path(self) -> &'static str {
        match self {
            Self::Authorisation => "/authorisation",
            Self::Order => "/order",
            Self::Capture => "/capture",
            Self::Refund => "/refund",
            Self::Reversal => "/reversal",
            Self::Lookup => "/lookup",
            Self::Authentication => "/authentication",
            Self::Challenge => "/challenge",
            Self::Answer => "/answer",
            Self::NewCode => "/new_code",
            Self::Counter => "/counter",
        }
    }

    pub(super) fn from_path(path: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|operation| operation.path() == path)
    }
}

/// An amount.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Amount {
    minor: i64,
    currency: Currency,
}

impl From<Money> for Amount {
    fn from(money: Money) -> Self {
        Self { minor: money.minor(), currency: money.currency() }
    }
}

impl Amount {
    pub(super) fn money(self) -> Option<Money> {
        Money::from_minor(self.minor, self.currency)
    }
}

/// A card. It borrows its digits from the card itself or from the body that was read, so that
/// they are in no other place.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CardDigits<'a> {
    pub(super) number: &'a str,
    pub(super) security_code: Option<&'a str>,
    pub(super) year: i16,
    pub(super) month: i8,
}

impl<'a> CardDigits<'a> {
    pub(super) fn of(card: &'a OpenCard) -> Self {
        Self {
            number: card.number.reveal(),
            security_code: card.security_code.as_ref().map(SecurityCode::reveal),
            year: card.expiry.year,
            month: card.expiry.month,
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AuthorisationBody<'a> {
    #[serde(borrow)]
    pub(super) our_reference: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) trans_id: Cow<'a, str>,
    pub(super) amount: Amount,
    pub(super) capture: Capture,
    #[serde(borrow)]
    pub(super) card: CardDigits<'a>,
    #[serde(borrow)]
    pub(super) at_bank: Option<AtBankBody<'a>>,
}

/// Where the bank's own page sends the customer, should the bank want them there.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AtBankBody<'a> {
    #[serde(borrow)]
    merchant_name: Cow<'a, str>,
    expires_at: Timestamp,
    #[serde(borrow)]
    return_url: Cow<'a, str>,
    #[serde(borrow)]
    counter_url: Cow<'a, str>,
}

impl<'a> From<AtBank<'a>> for AtBankBody<'a> {
    fn from(at_bank: AtBank<'a>) -> Self {
        Self {
            merchant_name: at_bank.merchant_name.into(),
            expires_at: at_bank.expires_at,
            return_url: at_bank.return_url.into(),
            counter_url: at_bank.counter_url.into(),
        }
    }
}

impl AtBankBody<'_> {
    pub(super) fn at_bank(&self) -> AtBank<'_> {
        AtBank {
            merchant_name: &self.merchant_name,
            expires_at: self.expires_at,
            return_url: &self.return_url,
            counter_url: &self.counter_url,
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FollowUpBody<'a> {
    #[serde(borrow)]
    pub(super) our_reference: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) original: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) trans_id: Cow<'a, str>,
    pub(super) amount: Amount,
}

impl<'a> From<FollowUpRequest<'a>> for FollowUpBody<'a> {
    fn from(request: FollowUpRequest<'a>) -> Self {
        Self {
            our_reference: request.our_reference.into(),
            original: request.original.into(),
            trans_id: request.payment.to_string().into(),
            amount: request.amount.into(),
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LookupBody<'a> {
    #[serde(borrow)]
    pub(super) our_reference: Cow<'a, str>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AuthenticationBody<'a> {
    pub(super) amount: Amount,
    #[serde(borrow)]
    pub(super) card: CardDigits<'a>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ChallengeBody<'a> {
    #[serde(borrow)]
    pub(super) trans_id: Cow<'a, str>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AnswerBody<'a> {
    #[serde(borrow)]
    pub(super) trans_id: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) answer: Cow<'a, str>,
}

/// What a customer does at the counter.
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum AtCounter {
    Look,
    Approve,
    Decline,
    Cancel,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CounterBody<'a> {
    #[serde(borrow)]
    pub(super) our_reference: Cow<'a, str>,
    pub(super) customer: AtCounter,
}

/// What the bank tells of its own accord: something became of the call or order with this
/// reference. Other fields may come beside it.
#[derive(Serialize, Deserialize)]
pub(super) struct NoticeBody<'a> {
    #[serde(borrow, default)]
    pub(super) our_reference: Option<Cow<'a, str>>,
}

/// The answer at the counter: nothing where there is no such order.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CounterAnswer {
    pub(super) our_reference: String,
    order: Option<OrderAtCounter>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct OrderAtCounter {
    method: MethodCode,
    institution: String,
    payer: Option<String>,
    payee: String,
    amount: Amount,
    standing: Standing,
    return_url: String,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Standing {
    Open,
    Paid,
    Refused,
}

impl CounterAnswer {
    pub(super) fn of(our_reference: String, order: Option<CounterOrder>) -> Self {
        let order = order.map(|order| OrderAtCounter {
            method: order.method,
            institution: order.institution,
            payer: order.payer,
            payee: order.payee,
            amount: order.amount.into(),
            standing: match order.standing {
                CounterStanding::Open => Standing::Open,
                CounterStanding::Paid => Standing::Paid,
                CounterStanding::Refused => Standing::Refused,
            },
            return_url: order.return_url,
        });
        Self { our_reference, order }
    }

    /// An error when the amount is none.
    pub(super) fn order(self) -> Result<Option<CounterOrder>, String> {
        let Some(order) = self.order else { return Ok(None) };
        Ok(Some(CounterOrder {
            our_reference: self.our_reference,
            method: order.method,
            institution: order.institution,
            payer: order.payer,
            payee: order.payee,
            amount: order.amount.money().ok_or("the bank's answer has a negative amount")?,
            standing: match order.standing {
                Standing::Open => CounterStanding::Open,
                Standing::Paid => CounterStanding::Paid,
                Standing::Refused => CounterStanding::Refused,
            },
            return_url: order.return_url,
        }))
    }
}

/// What the bank decided, or what its customer has to do. What else it did not decide, it does not
/// answer with status 200.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Decision {
    Pending { step: Option<CustomerStep> },
    Approved(BankFacts),
    Declined { reason: DeclineReason, facts: BankFacts },
}

impl Decision {
    /// None when nothing was decided.
    pub(super) fn of(outcome: Outcome) -> Option<Self> {
        match outcome {
            Outcome::Approved(facts) => Some(Self::Approved(facts)),
            Outcome::Declined(reason, facts) => Some(Self::Declined { reason, facts }),
            Outcome::Pending(step) => Some(Self::Pending { step }),
            Outcome::NotSent(_) | Outcome::Unknown(_) => None,
        }
    }

    /// None when the word and the bank's code contradict each other: neither is believed.
    pub(super) fn outcome(self) -> Option<Outcome> {
        let approving = |facts: &BankFacts| facts.status_code.as_deref() == Some(APPROVED_CODE);
        match self {
            Self::Pending { step } => Some(Outcome::Pending(step)),
            Self::Approved(facts) if approving(&facts) => Some(Outcome::Approved(facts)),
            Self::Declined { reason, facts }
                if facts.status_code.is_some() && !approving(&facts) =>
            {
                Some(Outcome::Declined(reason, facts))
            }
            Self::Approved(_) | Self::Declined { .. } => None,
        }
    }
}

/// The answer to an authorisation, an order, a capture, a refund or a reversal.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Decided {
    /// The call's, so that an answer to another one is not taken for this one's.
    pub(super) our_reference: String,
    pub(super) decision: Decision,
}

/// The answer to a lookup. "Not found" is a word of its own, so that no wrong path says it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LookedUp {
    pub(super) our_reference: String,
    pub(super) lookup: Found,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Found {
    Found(Decision),
    NotFound,
}

impl Found {
    /// None when the bank cannot say.
    pub(super) fn of(lookup: Lookup) -> Option<Self> {
        match lookup {
            Lookup::Found(outcome) => Decision::of(outcome).map(Self::Found),
            Lookup::NotFound => Some(Self::NotFound),
            Lookup::Unavailable(_) => None,
        }
    }

    /// None when it contradicts itself.
    pub(super) fn lookup(self) -> Option<Lookup> {
        match self {
            Self::Found(decision) => decision.outcome().map(Lookup::Found),
            Self::NotFound => Some(Lookup::NotFound),
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Authenticated {
    pub(super) authentication: Authentication,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Challenged {
    pub(super) trans_id: String,
    pub(super) bank_name: String,
    pub(super) sent_to: String,
    pub(super) tries_left: u32,
    pub(super) new_codes_left: u32,
    pub(super) hint: Option<String>,
}

impl Challenged {
    pub(super) fn of(trans_id: String, view: ChallengeView) -> Self {
        let ChallengeView { bank_name, sent_to, tries_left, new_codes_left, hint } = view;
        Self { trans_id, bank_name, sent_to, tries_left, new_codes_left, hint }
    }

    pub(super) fn view(self) -> ChallengeView {
        let Self { trans_id: _, bank_name, sent_to, tries_left, new_codes_left, hint } = self;
        ChallengeView { bank_name, sent_to, tries_left, new_codes_left, hint }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Judged {
    pub(super) trans_id: String,
    pub(super) verdict: Verdict,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Verdict {
    Passed,
    TryAgain { tries_left: u32 },
    Failed(BankFacts),
}

impl Verdict {
    /// None when the bank cannot say.
    pub(super) fn of(verdict: ChallengeVerdict) -> Option<Self> {
        match verdict {
            ChallengeVerdict::Passed => Some(Self::Passed),
            ChallengeVerdict::TryAgain { tries_left } => Some(Self::TryAgain { tries_left }),
            ChallengeVerdict::Failed(facts) => Some(Self::Failed(facts)),
            ChallengeVerdict::Unavailable(_) => None,
        }
    }

    pub(super) fn verdict(self) -> ChallengeVerdict {
        match self {
            Self::Passed => ChallengeVerdict::Passed,
            Self::TryAgain { tries_left } => ChallengeVerdict::TryAgain { tries_left },
            Self::Failed(facts) => ChallengeVerdict::Failed(facts),
        }
    }
}
