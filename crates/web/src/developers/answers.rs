//! What comes back: the fields of answers, webhooks and returns, and `order_status`.

use super::text::Prose;
use serde_json::Value;

/// One field of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// As it is sent.
    pub name: &'static str,
    /// What it says.
    pub meaning: Prose,
    /// A value; `{base}` stands for the public address, [`AUTHDATA`] for the encoded object.
    pub sample: &'static str,
    /// When it is there.
    pub presence: Presence,
}

/// When a field is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// In every answer.
    Always,
    /// About a card payment.
    OfCards,
    /// While the customer has something to do.
    WhileCustomerActs,
    /// As soon as it is known.
    WhenKnown,
    /// About a refund.
    OfRefunds,
    /// About a refund that has a name.
    OfNamedRefunds,
}

impl Presence {
    /// In words.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Always => "always",
            Self::OfCards => "about a card payment",
            Self::WhileCustomerActs => "while the customer has something to do",
            Self::WhenKnown => "when known",
            Self::OfRefunds => "about a refund",
            Self::OfNamedRefunds => "about a refund with a reference",
        }
    }
}

/// Stands in a sample for the base64 text of [`authdata`].
pub const AUTHDATA: &str = "{authdata}";
/// The `transID` of all samples.
pub const TRANS_ID: &str = "417823250426141606";

const fn always(name: &'static str, sample: &'static str, meaning: &'static str) -> Field {
    Field { name, meaning: Prose(meaning), sample, presence: Presence::Always }
}

const fn known(name: &'static str, sample: &'static str, meaning: &'static str) -> Field {
    Field { name, meaning: Prose(meaning), sample, presence: Presence::WhenKnown }
}

const fn acting(name: &'static str, sample: &'static str, meaning: &'static str) -> Field {
    Field { name, meaning: Prose(meaning), sample, presence: Presence::WhileCustomerActs }
}

const BILL_CURRENCY: Field = always("bill_currency", "USD", "The currency, in capital letters.");
const TRANS: Field = always(
    "transID",
    TRANS_ID,
    "The payment's number at the gateway: 18 digits. Keep it as text; it is too long for a number \
     in JavaScript.",
);
const MOP: Field = always(
    "mop",
    "Visa",
    "The card's brand: `Visa`, `Mastercard`, `Amex`, `RuPay` and so on; the code that was \
     sent for methods without a card.",
);
const CCNO: Field = Field {
    name: "ccno",
    meaning: Prose("The card number, masked: first six, six X, last four."),
    sample: "411111XXXXXX1111",
    presence: Presence::OfCards,
};
const REFERENCE: Field = always("reference", "order-1001", "Your own order number, as sent.");
const TDATE: Field = always(
    "tdate",
    "2025-04-26 14:16:06.000657",
    "When the payment was created: `yyyy-MM-dd HH:mm:ss.ffffff`, UTC.",
);
const BILL_AMT: Field = always(
    "bill_amt",
    "11.11",
    "The amount, with at least one decimal and no needless zero: `120.00` comes back as `120.0`.",
);
const DESCRIPTOR: Field =
    known("descriptor", "DEMO SHOP", "What the customer's bank statement will show.");
const RRN: Field = known("rrn", "511614001234", "The bank's retrieval reference number.");
const UPA: Field = known(
    "upa",
    "",
    "The payer's UPI address, or the code of the bank or wallet. Cards have none.",
);
const CONNECTOR_STATUS_CODE: Field =
    known("connector_status_code", "00", "The bank's own status code.");

const REFUND_AMOUNT: Field = Field {
    name: "refundAmount",
    meaning: Prose("How much is given back, in the form of `bill_amt`."),
    sample: "1.5",
    presence: Presence::OfRefunds,
};
const REFUND_REFERENCE: Field = Field {
    name: "refundReference",
    meaning: Prose("Your own name of the refund, as sent."),
    sample: "return-1001",
    presence: Presence::OfNamedRefunds,
};
const REFUND_STATUS: Field = Field {
    name: "refundStatus",
    meaning: Prose(
        "How the refund stands: `pending`, `refunded`, `declined` (by the bank) or `failed` (for \
         a technical reason). In the last two cases no money moved, and it can be refunded again.",
    ),
    sample: "refunded",
    presence: Presence::OfRefunds,
};

/// The answer to a request for a refund, in the answer's order.
pub const REFUND_FIELDS: [Field; 16] = [
    always(
        "authstatus",
        "{base}/api/authurl/s2s/417823250426141606",
        "Where to ask for the status at any time.",
    ),
    BILL_CURRENCY,
    TRANS,
    MOP,
    CCNO,
    REFERENCE,
    always("order_status", "8", "Always `8`: accepted, and not decided by the bank yet."),
    TDATE,
    always("response", "Refund is being processed by the bank", "The same in a sentence."),
    BILL_AMT,
    always("status", "Request Processed", "Always the same."),
    DESCRIPTOR,
    RRN,
    Field { presence: Presence::Always, ..REFUND_AMOUNT },
    Field { presence: Presence::OfNamedRefunds, ..REFUND_REFERENCE },
    Field { presence: Presence::Always, sample: "pending", ..REFUND_STATUS },
];

/// What a webhook about a refund has besides.
pub const REFUND_WEBHOOK_FIELDS: [Field; 3] = [REFUND_AMOUNT, REFUND_REFERENCE, REFUND_STATUS];

/// The thirteen fields of a card payment that waits for its holder, in the answer's order.
pub const RESPONSE_FIELDS: [Field; 13] = [
    always(
        "authstatus",
        "{base}/api/authurl/s2s/417823250426141606",
        "Where to ask for the status at any time.",
    ),
    BILL_CURRENCY,
    TRANS,
    MOP,
    CCNO,
    REFERENCE,
    acting(
        "authurl",
        "{base}/api/authurl/417823250426141606",
        "The page to send the customer to. Left out when there is nothing to do.",
    ),
    always("order_status", "0", "The status as a number in a string; see “Status codes”."),
    TDATE,
    always("response", "Payment is pending", "The status in a sentence, for people."),
    acting(
        "authdata",
        AUTHDATA,
        "What `authurl` leads to: base64 of a JSON object. Left out together with `authurl`.",
    ),
    BILL_AMT,
    always("status", "Pending", "The status in a word or two."),
];

/// More fields that an answer has as soon as they are known.
pub const FURTHER_FIELDS: [Field; 3] = [DESCRIPTOR, RRN, UPA];

/// The create call's fields that the status query answers too: all but `authdata`.
pub fn status_fields() -> Vec<Field> {
    RESPONSE_FIELDS.into_iter().filter(|field| field.sample != AUTHDATA).collect()
}

/// What the status query answers beyond the create call's fields.
pub const STATUS_FIELDS: [Field; 1] = [CONNECTOR_STATUS_CODE];

/// The body of a webhook.
pub const WEBHOOK_FIELDS: [Field; 16] = [
    TRANS,
    REFERENCE,
    always("order_status", "25", "The decided status; see “Status codes”."),
    always("status", "Test Approved", "The status in a word or two."),
    always("response", "Payment successful", "The status in a sentence, for people."),
    BILL_AMT,
    BILL_CURRENCY,
    MOP,
    CCNO,
    TDATE,
    always(
        "webhook_notify_time",
        "2025-04-26 14:17:31.204118",
        "When the status was decided, in the form of `tdate`.",
    ),
    always(
        "sequence",
        "1",
        "Rises with each webhook of a payment. When a late delivery arrives after a newer one, \
         the higher number is the truth.",
    ),
    DESCRIPTOR,
    RRN,
    UPA,
    CONNECTOR_STATUS_CODE,
];

/// What `return_url` gets, in the order in which `sig` covers it; `sig` itself is apart.
pub const RETURN_FIELDS: [Field; 13] = [
    BILL_AMT,
    BILL_CURRENCY,
    CCNO,
    DESCRIPTOR,
    MOP,
    always("order_status", "25", "The status; see “Status codes”."),
    REFERENCE,
    always("response", "Payment successful", "The status in a sentence."),
    RRN,
    always("status", "Test Approved", "The status in a word or two."),
    TDATE,
    TRANS,
    UPA,
];

/// The object inside `authdata`, as text: the order of its keys is part of the contract.
pub fn authdata(public_url: &str) -> String {
    format!(
        "{{\"transID\":{TRANS_ID},\"action\":\"redirect\",\"payamt\":11.11,\
         \"paycurrency\":\"USD\",\"paytitle\":\"Testing Product\",\
         \"payaddress\":\"{public_url}/api/authurl/{TRANS_ID}\",\
         \"authdata\":{{\"step\":\"3ds_challenge\"}}}}"
    )
}

impl Field {
    /// The sample with the public address in it.
    pub fn sample_at(&self, public_url: &str) -> String {
        use base64::Engine as _;
        if self.sample == AUTHDATA {
            return base64::engine::general_purpose::STANDARD.encode(authdata(public_url));
        }
        self.sample.replace("{base}", public_url)
    }
}

/// The fields with samples, as JSON in the table's order.
pub fn sample_object(fields: &[Field], public_url: &str) -> String {
    let lines: Vec<String> = fields
        .iter()
        .filter(|field| !field.sample.is_empty())
        .map(|field| format!("  \"{}\": {}", field.name, Value::from(field.sample_at(public_url))))
        .collect();
    format!("{{\n{}\n}}", lines.join(",\n"))
}

/// Where a status is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Produced {
    /// On live and test terminals.
    Everywhere,
    /// On live terminals.
    Live,
    /// On test terminals.
    Test,
    /// Nowhere: its number is reserved.
    NotYet,
}

impl Produced {
    /// In words.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Everywhere => "live and test",
            Self::Live => "live",
            Self::Test => "test",
            Self::NotYet => "not yet",
        }
    }
}

/// One `order_status`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    /// `order_status`.
    pub code: &'static str,
    /// `status`.
    pub text: &'static str,
    /// When it is shown.
    pub when: Prose,
    /// What a shop does then.
    pub advice: Prose,
    /// Whether it is decided, so that a webhook tells of it.
    pub decided: bool,
    /// Where it is shown.
    pub produced: Produced,
}

const fn status(
    code: &'static str,
    text: &'static str,
    when: &'static str,
    advice: &'static str,
    decided: bool,
    produced: Produced,
) -> Status {
    Status { code, text, when: Prose(when), advice: Prose(advice), decided, produced }
}

const RESERVED: &str = "Reserved. Treat an unknown code as pending, and ask again.";

/// All codes, those that are reserved included.
pub const STATUSES: [Status; 17] = [
    status(
        "0",
        "Pending",
        "The customer, or the bank, has still to answer.",
        "Wait for the webhook, or ask for the status. Do not deliver yet.",
        false,
        Produced::Everywhere,
    ),
    status("1", "Approved", "Money was taken.", "Deliver.", true, Produced::Live),
    status(
        "2",
        "Declined",
        "Refused by the bank or by the customer's authentication.",
        "No money was taken. The same `reference` may be tried again.",
        true,
        Produced::Live,
    ),
    status(
        "3",
        "Refunded",
        "All of the money was given back.",
        "Nothing more can be refunded.",
        true,
        Produced::Everywhere,
    ),
    status("5", "Chargeback", "Disputed by the cardholder.", RESERVED, true, Produced::NotYet),
    status(
        "7",
        "Reversed",
        "Held money was released, or what the bank did was undone: its answer was unclear, it came \
         too late, or it took another amount.",
        "The customer's money goes back. The same `reference` may be tried again.",
        true,
        Produced::Everywhere,
    ),
    status(
        "8",
        "Refund Pending",
        "A refund was asked for and is not decided.",
        "Wait for the webhook, or ask for the status.",
        true,
        Produced::Everywhere,
    ),
    status("9", "Test", "Older test mode.", RESERVED, true, Produced::NotYet),
    status(
        "10",
        "Blocked",
        "Stopped by a block-list or a limit.",
        RESERVED,
        true,
        Produced::NotYet,
    ),
    status("11", "Predispute", "Early warning of a dispute.", RESERVED, true, Produced::NotYet),
    status(
        "12",
        "Partial Refund",
        "A part of the amount was given back.",
        "The rest can be refunded later.",
        true,
        Produced::Everywhere,
    ),
    status(
        "22",
        "Expired",
        "The customer did not act in time.",
        "The same `reference` may be tried again. An order that the customer pays at the bank \
         later becomes `1`, `25` or `7`: a webhook tells.",
        true,
        Produced::Everywhere,
    ),
    status("23", "Cancelled", "The customer gave up.", "As 22.", true, Produced::Everywhere),
    status(
        "24",
        "Failed",
        "A technical failure.",
        "No money was taken. The same `reference` may be tried again.",
        true,
        Produced::Everywhere,
    ),
    status(
        "25",
        "Test Approved",
        "As 1, on a test terminal.",
        "In a test, deliver. No money was taken.",
        true,
        Produced::Test,
    ),
    status(
        "26",
        "Test Declined",
        "As 2, on a test terminal.",
        "The same `reference` may be tried again.",
        true,
        Produced::Test,
    ),
    status(
        "27",
        "Test 3DS Authentication",
        "On a test terminal, the customer is in the challenge.",
        "As 0: wait.",
        false,
        Produced::Test,
    ),
];
