//! The failure lab: one table of what makes the sandbox bank fail on purpose, for every method.
//! A case is asked for by a card number, a payer's UPI address, a bank's or wallet's code, or, as
//! the second key of a payment that is not by card, by how its amount ends.

use super::cards::Answer;
use domain::method::MethodCode;
use domain::outcome::DeclineReason;
use engine::ports::LabCase;
use std::time::Duration;

/// After this time the bank decides by itself about an order that asks for it: long enough for
/// the customer's page to be seen, short enough to wait for.
pub(super) const BY_ITSELF_AFTER: Duration = Duration::from_secs(2);
/// How long a slow answer takes.
pub(super) const SLOW: Duration = Duration::from_secs(3);
/// How long after its payment's end a late order is approved.
pub(super) const LATE_AFTER: Duration = Duration::from_secs(3);
/// How long the bank says nothing about a call after which it went down.
pub(super) const DOWN_FOR: Duration = Duration::from_secs(10);
/// By how many minor units a wrong report is too high.
pub(super) const WRONG_BY_MINOR: i64 = 100;

/// What the bank does with a call or an order of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Does {
    Approve,
    Decline(DeclineReason),
    /// Nobody ever decides.
    Wait,
    AnswerSlowly,
    LoseAnswer,
    LoseRequest,
    TellTwice,
    ApproveLate,
    ReportAnotherAmount,
    BeDown,
    GoDownAfterwards,
}

impl Does {
    const fn text(self) -> &'static str {
        match self {
            Self::Approve => "approves; an order after 2 s, by itself",
            Self::Decline(_) => "declines; an order after 2 s, by itself",
            Self::Wait => "waits for a customer who never comes",
            Self::AnswerSlowly => "answers after 3 s, and approves; an order 2 s later",
            Self::LoseAnswer => "takes the money, and its answer is lost: a lookup finds it",
            Self::LoseRequest => {
                "never hears of it: asked twice, then reversed, for it might still arrive; about \
                 15 s"
            }
            Self::TellTwice => "approves, and sends its notice twice",
            Self::ApproveLate => {
                "waits for the customer on its own page, and approves 3 s after the payment \
                 expired; 7 where the terminal reverses late approvals"
            }
            Self::ReportAnotherAmount => "approves, and reports 1.00 more than was asked for",
            Self::BeDown => {
                "cannot be reached; where it is a process of its own, a request is lost"
            }
            Self::GoDownAfterwards => {
                "takes the money, goes down before it has answered, and is back after 10 s"
            }
        }
    }

    /// `order_status` and `response` at the end, on a test terminal.
    const fn end(self) -> (&'static str, &'static str) {
        match self {
            Self::Approve
            | Self::AnswerSlowly
            | Self::LoseAnswer
            | Self::TellTwice
            | Self::ApproveLate
            | Self::GoDownAfterwards => ("25", "Payment successful"),
            Self::Decline(DeclineReason::CancelledByCustomer) => {
                ("23", "The customer cancelled the payment")
            }
            Self::Decline(reason) => ("26", reason.text()),
            Self::Wait => ("22", "The customer did not act in time"),
            Self::LoseRequest | Self::BeDown => ("24", "Technical failure, no money was taken"),
            Self::ReportAnotherAmount => ("7", "Payment reversed, no money was taken"),
        }
    }

    /// What the bank decides by itself, if anything.
    pub(super) const fn answer(self) -> Option<Answer> {
        match self {
            Self::Decline(reason) => Some(Answer::Decline(reason)),
            Self::Wait | Self::LoseRequest | Self::BeDown => None,
            Self::Approve
            | Self::AnswerSlowly
            | Self::LoseAnswer
            | Self::TellTwice
            | Self::ApproveLate
            | Self::ReportAnotherAmount
            | Self::GoDownAfterwards => Some(Answer::Approve),
        }
    }
}

/// A row of the table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Case {
    pub(super) name: &'static str,
    pub(super) card: Option<&'static str>,
    pub(super) upi_addresses: &'static [&'static str],
    /// For a bank and for a wallet.
    pub(super) bank_code: Option<&'static str>,
    pub(super) amount_ending: Option<&'static str>,
    pub(super) does: Does,
}

impl Case {
    const fn new(
        name: &'static str,
        card: &'static str,
        upi_addresses: &'static [&'static str],
        bank_code: &'static str,
        amount_ending: &'static str,
        does: Does,
    ) -> Self {
        Self {
            name,
            card: Some(card),
            upi_addresses,
            bank_code: Some(bank_code),
            amount_ending: Some(amount_ending),
            does,
        }
    }

    pub(super) const fn tell(&self) -> LabCase {
        let Self { name, card, upi_addresses, bank_code, amount_ending, does } = *self;
        let (order_status, response) = does.end();
        let bank = does.text();
        LabCase {
            name,
            card,
            upi_addresses,
            bank_code,
            amount_ending,
            bank,
            order_status,
            response,
        }
    }
}

use DeclineReason as No;

/// The table. The card numbers of the common declines are published examples that people know;
/// all are of a range that no bank issues cards of. The addresses of three processors' own test
/// systems stand beside ours.
pub(super) const CASES: [Case; 24] = [
    // No cards: what they do at once, the documented ones do, and the last row's.
    Case {
        name: "Approved by itself",
        card: None,
        upi_addresses: &[
            "success@sandbox",
            "success@razorpay",
            "testsuccess@gocash",
            "anything@payu",
        ],
        bank_code: Some("LABAPPROVE"),
        amount_ending: Some("77.00"),
        does: Does::Approve,
    },
    Case {
        name: "Nobody acts",
        card: None,
        upi_addresses: &["timeout@sandbox"],
        bank_code: Some("LABTIMEOUT"),
        amount_ending: Some("77.22"),
        does: Does::Wait,
    },
    Case::new(
        "Declined",
        "4000000000000002",
        &["failure@sandbox", "failure@razorpay", "testfailure@gocash"],
        "LABDECLINE",
        "77.05",
        Does::Decline(No::Refused),
    ),
    Case::new(
        "Insufficient funds",
        "4000000000009995",
        &["funds@sandbox"],
        "LABFUNDS",
        "77.51",
        Does::Decline(No::InsufficientFunds),
    ),
    Case::new(
        "Authentication failed",
        "4000000000700106",
        &["authentication@sandbox"],
        "LABAUTHENTICATION",
        "77.11",
        Does::Decline(No::AuthenticationFailed),
    ),
    Case::new(
        "Cancelled at the bank",
        "4000000000700205",
        &["cancel@sandbox"],
        "LABCANCEL",
        "77.17",
        Does::Decline(No::CancelledByCustomer),
    ),
    Case::new(
        "Expired card",
        "4000000000000069",
        &["expired@sandbox"],
        "LABEXPIRED",
        "77.54",
        Does::Decline(No::ExpiredCard),
    ),
    Case::new(
        "Lost card",
        "4000000000009987",
        &["lost@sandbox"],
        "LABLOST",
        "77.41",
        Does::Decline(No::LostCard),
    ),
    Case::new(
        "Stolen card",
        "4000000000009979",
        &["stolen@sandbox"],
        "LABSTOLEN",
        "77.43",
        Does::Decline(No::StolenCard),
    ),
    Case::new(
        "Wrong security code",
        "4000000000000127",
        &["code@sandbox"],
        "LABCODE",
        "77.82",
        Does::Decline(No::SecurityCode),
    ),
    Case::new(
        "Limit exceeded",
        "4000000000700304",
        &["limit@sandbox"],
        "LABLIMIT",
        "77.65",
        Does::Decline(No::LimitExceeded),
    ),
    Case::new(
        "Not permitted",
        "4000000000700403",
        &["notpermitted@sandbox"],
        "LABNOTPERMITTED",
        "77.57",
        Does::Decline(No::NotPermitted),
    ),
    Case::new(
        "Suspected fraud",
        "4000000000700502",
        &["fraud@sandbox"],
        "LABFRAUD",
        "77.59",
        Does::Decline(No::SuspectedFraud),
    ),
    Case::new(
        "Customer's bank unavailable",
        "4000000000700601",
        &["unavailable@sandbox"],
        "LABUNAVAILABLE",
        "77.91",
        Does::Decline(No::BankUnavailable),
    ),
    Case::new(
        "No such account",
        "4000000000700700",
        &["noaccount@sandbox"],
        "LABNOACCOUNT",
        "77.14",
        Does::Decline(No::NoSuchAccount),
    ),
    Case::new(
        "Slow answer",
        "4000000000701005",
        &["slow@sandbox"],
        "LABSLOW",
        "77.60",
        Does::AnswerSlowly,
    ),
    Case::new(
        "Answer lost",
        "4000000000701104",
        &["loseanswer@sandbox"],
        "LABLOSEANSWER",
        "77.68",
        Does::LoseAnswer,
    ),
    Case::new(
        "Request lost",
        "4000000000701203",
        &["loserequest@sandbox"],
        "LABLOSEREQUEST",
        "77.69",
        Does::LoseRequest,
    ),
    Case::new(
        "Told twice",
        "4000000000701302",
        &["twice@sandbox"],
        "LABTWICE",
        "77.02",
        Does::TellTwice,
    ),
    Case::new(
        "Approved too late",
        "4000000000701401",
        &["late@sandbox"],
        "LABLATE",
        "77.23",
        Does::ApproveLate,
    ),
    Case::new(
        "Another amount",
        "4000000000701500",
        &["amount@sandbox"],
        "LABAMOUNT",
        "77.13",
        Does::ReportAnotherAmount,
    ),
    Case::new("Bank down", "4000000000701609", &["down@sandbox"], "LABDOWN", "77.96", Does::BeDown),
    Case::new(
        "Bank goes down",
        "4000000000701708",
        &["godown@sandbox"],
        "LABGODOWN",
        "77.97",
        Does::GoDownAfterwards,
    ),
    Case {
        name: "Approved at once",
        card: Some("4000000000701807"),
        upi_addresses: &[],
        bank_code: None,
        amount_ending: None,
        does: Does::Approve,
    },
];

/// What asks for a case, beside the amount.
#[derive(Clone, Copy, Debug)]
pub(super) enum Trigger<'a> {
    Card(&'a str),
    UpiAddress(&'a str),
    BankCode(&'a str),
    Nothing,
}

/// The case of a payment, if it asks for one. `amount`: as a decimal text.
pub(super) fn case_of(trigger: Trigger<'_>, amount: &str) -> Option<Does> {
    let of_its_own = CASES.iter().find(|case| match trigger {
        Trigger::Card(number) => case.card == Some(number),
        Trigger::UpiAddress(address) => case.upi_addresses.contains(&address),
        Trigger::BankCode(code) => case.bank_code == Some(code),
        Trigger::Nothing => false,
    });
    let by_amount = || {
        // "Any other valid number" is documented, whatever the amount.
        let by_card = matches!(trigger, Trigger::Card(_));
        CASES
            .iter()
            .filter(|_| !by_card)
            .find(|case| case.amount_ending.is_some_and(|ending| amount.ends_with(ending)))
    };
    of_its_own.or_else(by_amount).map(|case| case.does)
}

/// All cases, for whoever tests.
pub fn lab() -> Vec<LabCase> {
    CASES.iter().map(Case::tell).collect()
}

/// The methods that a code of the lab is offered for.
pub(super) const BANK_METHODS: [MethodCode; 2] = [MethodCode::NetBanking, MethodCode::Wallet];
