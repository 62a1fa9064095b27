//! The sandbox bank's test cards: this table is all there is to know of what a card does.

use super::rules::Refusal;
use domain::outcome::DeclineReason;
use domain::payment::Authentication;

/// The code that passes the sandbox's challenge.
pub const TEST_CODE: &str = "123456";
/// Wrong codes before the challenge has failed.
pub const WRONG_CODES_AT_MOST: u32 = 3;
/// New codes that a customer may ask for.
pub const NEW_CODES_AT_MOST: u32 = 3;

/// A refund of this many minor units is refused, whatever the card: 13.13 in most currencies.
pub const REFUSED_REFUND_MINOR: i64 = 1313;

/// What the bank says when it is asked for money.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Yes.
    Approve,
    /// No, for this reason.
    Decline(DeclineReason),
    /// No, by the bank's own rules.
    Refuse(Refusal),
}

impl Answer {
    /// All of them, to find one by its code.
    const ALL: [Self; 22] = [
        Self::Approve,
        Self::Decline(DeclineReason::Refused),
        Self::Decline(DeclineReason::InsufficientFunds),
        Self::Decline(DeclineReason::AuthenticationFailed),
        Self::Decline(DeclineReason::CancelledByCustomer),
        Self::Decline(DeclineReason::ExpiredCard),
        Self::Decline(DeclineReason::LostCard),
        Self::Decline(DeclineReason::StolenCard),
        Self::Decline(DeclineReason::SecurityCode),
        Self::Decline(DeclineReason::LimitExceeded),
        Self::Decline(DeclineReason::NotPermitted),
        Self::Decline(DeclineReason::SuspectedFraud),
        Self::Decline(DeclineReason::BankUnavailable),
        Self::Decline(DeclineReason::NoSuchAccount),
        Self::Refuse(Refusal::NoOriginal),
        Self::Refuse(Refusal::WrongOriginal),
        Self::Refuse(Refusal::WrongAmount),
        Self::Refuse(Refusal::AboveWhatIsThere),
        Self::Refuse(Refusal::CapturedAlready),
        Self::Refuse(Refusal::Reversed),
        Self::Refuse(Refusal::Stands),
        Self::Refuse(Refusal::ReferenceUsed),
    ];

    /// The response code (ISO 8583, data element 39; `1A` is Visa's and Mastercard's word for
    /// "authentication needed", `N7` Visa's for a wrong security code).
    pub const fn status_code(self) -> &'static str {
        match self {
            Self::Approve => "00",
            Self::Decline(DeclineReason::Refused) => "05",
            Self::Decline(DeclineReason::InsufficientFunds) => "51",
            Self::Decline(DeclineReason::AuthenticationFailed) => "1A",
            Self::Decline(DeclineReason::CancelledByCustomer) => "17",
            Self::Decline(DeclineReason::ExpiredCard) => "54",
            Self::Decline(DeclineReason::LostCard) => "41",
            Self::Decline(DeclineReason::StolenCard) => "43",
            Self::Decline(DeclineReason::SecurityCode) => "N7",
            Self::Decline(DeclineReason::LimitExceeded) => "65",
            Self::Decline(DeclineReason::NotPermitted) => "57",
            Self::Decline(DeclineReason::SuspectedFraud) => "59",
            Self::Decline(DeclineReason::BankUnavailable) => "91",
            Self::Decline(DeclineReason::NoSuchAccount) => "14",
            Self::Refuse(refusal) => refusal.status_code(),
        }
    }

    /// By its response code.
    pub fn from_status_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|answer| answer.status_code() == code)
    }
}

/// What happens to a payment with a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Behaviour {
    /// Whether the customer is asked first.
    pub authentication: Authentication,
    /// What the bank then says.
    pub answer: Answer,
}

/// A row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TestCard {
    /// The number, without blanks.
    pub number: &'static str,
    /// What it does.
    pub behaviour: Behaviour,
}

const CHALLENGE: Behaviour =
    Behaviour { authentication: Authentication::Challenge, answer: Answer::Approve };
const APPROVE: Behaviour =
    Behaviour { authentication: Authentication::Frictionless, answer: Answer::Approve };
const DECLINE: Behaviour = Behaviour {
    authentication: Authentication::Frictionless,
    answer: Answer::Decline(DeclineReason::Refused),
};

/// The documented test cards. They are published examples and nobody's cards.
pub const TEST_CARDS: [TestCard; 6] = [
    TestCard { number: "4111111111111111", behaviour: CHALLENGE },
    TestCard { number: "5111111111111111", behaviour: CHALLENGE },
    TestCard { number: "4012000033330026", behaviour: APPROVE },
    TestCard { number: "5123450000000008", behaviour: APPROVE },
    TestCard { number: "4043409999991437", behaviour: DECLINE },
    TestCard { number: "5555229999997722", behaviour: DECLINE },
];

/// Every other valid card.
pub const OTHER_CARDS: Behaviour = CHALLENGE;

/// What a card with this number does.
pub(super) fn behaviour(number: &str) -> Behaviour {
    TEST_CARDS.iter().find(|card| card.number == number).map_or(OTHER_CARDS, |card| card.behaviour)
}
