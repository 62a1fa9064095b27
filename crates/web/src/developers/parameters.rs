//! The request parameters of `POST /api/s2s` and of refunds: the tables behind the reference pages and
//! the `OpenAPI` schemas.

use super::text::Prose;

/// The mark in the table's second column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// The merchant sends it.
    Mandatory,
    /// Mandatory with a default: left out, it takes it.
    Default,
    /// About the customer or the method: optional unless the rule says otherwise.
    Customer,
    /// Optional.
    Optional,
}

impl Class {
    /// The letter.
    pub const fn letter(self) -> &'static str {
        match self {
            Self::Mandatory => "M",
            Self::Default => "D",
            Self::Customer => "C",
            Self::Optional => "O",
        }
    }

    /// The letter's meaning, for screen readers and tooltips.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Mandatory => "mandatory",
            Self::Default => "mandatory, with a default",
            Self::Customer => "customer data",
            Self::Optional => "optional",
        }
    }
}

/// What form a value has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Text.
    Text,
    /// A whole number, as a JSON number or as digits in a string.
    Integer,
    /// dec(10,2), as a string or a JSON number.
    Amount,
    /// An absolute `http` or `https` URL.
    Url,
    /// One of these, as written.
    Choice(&'static [&'static str]),
    /// Text that matches this pattern (ECMA-262).
    Pattern(&'static str),
    /// Digits that match this pattern, as a string or as a JSON number.
    Digits(&'static str),
}

impl Kind {
    /// The word in the table.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Text | Self::Choice(_) | Self::Pattern(_) => "string",
            Self::Digits(_) => "digits",
            Self::Integer => "integer",
            Self::Amount => "dec(10,2)",
            Self::Url => "URL",
        }
    }
}

/// One parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// As it is sent.
    pub name: &'static str,
    /// M, D or C.
    pub class: Class,
    /// Whether every request without it is refused: D has defaults, and the two addresses fall
    /// back to the terminal's own.
    pub required: bool,
    /// Methods whose requests are refused without it, by `mop`.
    pub needed_for: &'static [&'static str],
    /// Its form.
    pub kind: Kind,
    /// Most characters.
    pub max_length: Option<u16>,
    /// The rule in words.
    pub rule: Prose,
    /// A value that passes.
    pub sample: &'static str,
    /// Error numbers that a wrong or missing value is answered with.
    pub errors: &'static [u16],
}

impl Parameter {
    /// Type and length as the table shows them.
    pub fn form(&self) -> String {
        match self.max_length {
            Some(max) => format!("{}, at most {max}", self.kind.name()),
            None => self.kind.name().to_owned(),
        }
    }
}

const TEXT: Parameter = Parameter {
    name: "",
    class: Class::Customer,
    required: false,
    needed_for: &[],
    kind: Kind::Text,
    max_length: None,
    rule: Prose(""),
    sample: "",
    errors: &[1043],
};

/// The methods that take a card.
const CARDS: &[&str] = &["CC", "DC"];

const MANDATORY: Parameter =
    Parameter { class: Class::Mandatory, required: true, errors: &[1040, 1043], ..TEXT };

/// All parameters, in the reference's order: the eleven mandatory ones first.
pub const PARAMETERS: [Parameter; 30] = [
    Parameter {
        name: "public_key",
        kind: Kind::Pattern("^[A-Za-z0-9+/]{43}=$"),
        max_length: Some(44),
        rule: Prose(
            "The terminal's public key: 44 characters, standard base64 of 32 bytes. It finds the \
             terminal.",
        ),
        sample: "WO6QnIPePdYlwbm6OjpIIwQvhsHaV4ioHp6MH2/xjlQ=",
        errors: &[1040, 1043, 101],
        ..MANDATORY
    },
    Parameter {
        name: "terNO",
        kind: Kind::Integer,
        max_length: Some(18),
        rule: Prose(
            "The terminal's number, as a JSON number or as digits in a string. It must be the \
             terminal that `public_key` belongs to.",
        ),
        sample: "42",
        errors: &[1040, 1043, 101],
        ..MANDATORY
    },
    Parameter {
        name: "integration-type",
        class: Class::Default,
        required: false,
        kind: Kind::Choice(&["s2s"]),
        rule: Prose("Always `s2s`, which is also the default. `integration_type` is read as well."),
        sample: "s2s",
        errors: &[1043],
        ..MANDATORY
    },
    Parameter {
        name: "bill_amt",
        kind: Kind::Amount,
        max_length: Some(11),
        rule: Prose(
            "The amount: one to eight digits and at most two decimals, above zero, inside the \
             terminal's limits, and whole in the currency's minor unit (`10.50` JPY is an error, \
             `10.00` JPY is not).",
        ),
        sample: "11.11",
        errors: &[1111, 1112],
        ..MANDATORY
    },
    Parameter {
        name: "bill_currency",
        kind: Kind::Pattern("^[A-Za-z]{3}$"),
        max_length: Some(3),
        rule: Prose(
            "The ISO 4217 alphabetic code, in any case. It must be a currency that the terminal \
             takes, and `INR` for `UPICOLLECT` and `QRINTENT`.",
        ),
        sample: "USD",
        errors: &[1040, 1051],
        ..MANDATORY
    },
    Parameter {
        name: "product_name",
        max_length: Some(255),
        rule: Prose("What the customer buys: 1 to 255 printable characters."),
        sample: "Testing Product",
        ..MANDATORY
    },
    Parameter {
        name: "reference",
        max_length: Some(128),
        rule: Prose(
            "Your own order number: 1 to 128 printable characters. One order is never charged \
             twice; see “One order, one charge” below.",
        ),
        sample: "order-1001",
        errors: &[1040, 1043, 5012],
        ..MANDATORY
    },
    Parameter {
        name: "webhook_url",
        required: false,
        kind: Kind::Url,
        max_length: Some(2048),
        rule: Prose(
            "Where the result is sent: an absolute `http` or `https` URL without user info. Left \
             out, the terminal's own setting stands in; with neither, an error. Live terminals \
             need `https`.",
        ),
        sample: "https://shop.example/webhook",
        ..MANDATORY
    },
    Parameter {
        name: "return_url",
        required: false,
        kind: Kind::Url,
        max_length: Some(2048),
        rule: Prose("Where the customer goes afterwards. The same rules as for `webhook_url`."),
        sample: "https://shop.example/return",
        ..MANDATORY
    },
    Parameter {
        name: "bill_ip",
        class: Class::Default,
        required: false,
        max_length: Some(64),
        rule: Prose(
            "The customer's network address, as any text. What is no valid address is kept as \
             sent. Left out, it is the address that called.",
        ),
        sample: "198.51.100.7",
        errors: &[1043],
        ..MANDATORY
    },
    Parameter {
        name: "mop",
        kind: Kind::Choice(&["CC", "DC", "NB", "WALLET", "UPICOLLECT", "QRINTENT"]),
        rule: Prose(
            "The method of payment, in any case: `CC` (credit card), `DC` (debit card), `NB` (net \
             banking), `WALLET`, `UPICOLLECT` (a request to the payer's UPI app) or `QRINTENT` (a \
             UPI QR code or link). It must be switched on for the terminal; \
             `GET /api/methods?public_key=…` lists those that are.",
        ),
        sample: "CC",
        errors: &[1040, 1052],
        ..MANDATORY
    },
    Parameter {
        name: "ccno",
        needed_for: CARDS,
        kind: Kind::Digits("^[0-9 -]+$"),
        rule: Prose(
            "Needed for `CC` and `DC`. The card number: 12 to 19 digits with a right check digit, \
             of a known brand. Blanks and dashes are dropped.",
        ),
        sample: "4111111111111111",
        errors: &[1113, 153],
        ..TEXT
    },
    Parameter {
        name: "ccvv",
        needed_for: CARDS,
        kind: Kind::Digits("^[0-9]{3,4}$"),
        max_length: Some(4),
        rule: Prose(
            "Needed for `CC` and `DC`. The security code: three digits, four for Amex. It is \
             destroyed when the bank has been asked.",
        ),
        sample: "123",
        errors: &[154],
        ..TEXT
    },
    Parameter {
        name: "month",
        needed_for: CARDS,
        kind: Kind::Digits("^(0?[1-9]|1[0-2])$"),
        max_length: Some(2),
        rule: Prose("Needed for `CC` and `DC`. 1 to 12, with or without the zero."),
        sample: "01",
        errors: &[155],
        ..TEXT
    },
    Parameter {
        name: "year",
        needed_for: CARDS,
        kind: Kind::Digits("^(20)?[0-9]{2}$"),
        max_length: Some(4),
        rule: Prose(
            "Needed for `CC` and `DC`. Two or four digits. The card is good to the end of its \
             month (UTC).",
        ),
        sample: "30",
        errors: &[156],
        ..TEXT
    },
    Parameter {
        name: "bankcode",
        kind: Kind::Pattern("^[A-Za-z0-9_-]{2,32}$"),
        rule: Prose(
            "For `NB` and `WALLET`: the bank's or wallet's code, one that \
             `GET /api/methods?public_key=…` lists. Left out, the customer chooses on our page.",
        ),
        sample: "SBIN",
        errors: &[1043],
        ..TEXT
    },
    Parameter {
        name: "upi_address",
        needed_for: &["UPICOLLECT"],
        kind: Kind::Pattern("^[A-Za-z0-9._-]+@[A-Za-z][A-Za-z0-9]{1,63}$"),
        rule: Prose(
            "Needed for `UPICOLLECT`: the payer's UPI address, `name@handle`. A terminal whose \
             `upi_collect` is `convert_to_qr` shows a QR code instead of sending a request there, \
             and `response` says so.",
        ),
        sample: "9355555555@ptyes",
        errors: &[1040, 1043],
        ..TEXT
    },
    Parameter {
        name: "os",
        kind: Kind::Choice(&["device_android", "device_ios", "web"]),
        rule: Prose(
            "For `QRINTENT`, default `web`: what the customer holds. A phone opens the link, a \
             screen shows the QR code.",
        ),
        sample: "web",
        errors: &[1043],
        ..TEXT
    },
    Parameter {
        name: "fullname",
        max_length: Some(128),
        rule: Prose("The customer's name."),
        sample: "Ada Byron",
        ..TEXT
    },
    Parameter {
        name: "bill_email",
        max_length: Some(254),
        rule: Prose("The customer's e-mail address."),
        sample: "ada@shop.example",
        ..TEXT
    },
    Parameter {
        name: "bill_phone",
        max_length: Some(32),
        rule: Prose("The customer's telephone number: digits, blanks and `+ - ( ) . /`."),
        sample: "+44 20 7946 0123",
        ..TEXT
    },
    Parameter {
        name: "bill_address",
        max_length: Some(255),
        rule: Prose("Street and house number."),
        sample: "12 St James Square",
        ..TEXT
    },
    Parameter {
        name: "bill_city",
        max_length: Some(128),
        rule: Prose("Town."),
        sample: "London",
        ..TEXT
    },
    Parameter {
        name: "bill_state",
        max_length: Some(128),
        rule: Prose("State or province."),
        sample: "Greater London",
        ..TEXT
    },
    Parameter {
        name: "bill_country",
        kind: Kind::Pattern("^[A-Za-z]{2}$"),
        max_length: Some(2),
        rule: Prose("The ISO 3166-1 alpha-2 code."),
        sample: "GB",
        ..TEXT
    },
    Parameter {
        name: "bill_zip",
        max_length: Some(20),
        rule: Prose("Postcode."),
        sample: "SW1Y 4JH",
        ..TEXT
    },
    Parameter {
        name: "source",
        max_length: Some(255),
        rule: Prose("Which part of your software sent the request; kept for you."),
        sample: "checkout",
        ..TEXT
    },
    Parameter {
        name: "source_url",
        max_length: Some(2048),
        rule: Prose("The page of your shop that the request comes from; kept for you."),
        sample: "https://shop.example/cart",
        ..TEXT
    },
    Parameter {
        name: "unique_reference",
        kind: Kind::Choice(&["Y", "N"]),
        rule: Prose(
            "`Y`: this `reference` may be used once, ever, even when the payment ends without money. `N` is the default.",
        ),
        sample: "Y",
        errors: &[1043, 5012],
        ..TEXT
    },
    Parameter {
        name: "encryption_method",
        kind: Kind::Choice(&["none", "aes256"]),
        rule: Prose(
            "How this payment's webhook is sent: `none` (the default, signed JSON) or `aes256` \
             (encrypted, and signed as well).",
        ),
        sample: "none",
        ..TEXT
    },
];

/// The parameters of a refund, the three mandatory ones first.
pub const REFUND_PARAMETERS: [Parameter; 6] = [
    Parameter {
        name: "public_key",
        kind: Kind::Pattern("^[A-Za-z0-9+/]{43}=$"),
        max_length: Some(44),
        rule: Prose("The public key of the terminal that took the payment."),
        sample: "WO6QnIPePdYlwbm6OjpIIwQvhsHaV4ioHp6MH2/xjlQ=",
        errors: &[1040, 1043, 101],
        ..MANDATORY
    },
    Parameter {
        name: "transID",
        kind: Kind::Digits("^[1-9][0-9]{17}$"),
        max_length: Some(18),
        rule: Prose("The payment’s number at the gateway."),
        sample: "417823250426141606",
        errors: &[1040, 1043, 1500],
        ..MANDATORY
    },
    Parameter {
        name: "refundAmount",
        kind: Kind::Amount,
        max_length: Some(11),
        rule: Prose(
            "How much is given back, in the payment’s currency and in the form of `bill_amt`. At \
             most what was paid and not refunded yet.",
        ),
        sample: "1.50",
        errors: &[1502, 1504],
        ..MANDATORY
    },
    Parameter {
        name: "terNO",
        class: Class::Optional,
        kind: Kind::Integer,
        max_length: Some(18),
        rule: Prose("The terminal’s number. When it is given, it must belong to `public_key`."),
        sample: "42",
        errors: &[1043, 101],
        ..TEXT
    },
    Parameter {
        name: "refundReference",
        class: Class::Optional,
        max_length: Some(128),
        rule: Prose(
            "Your own name of this refund: 1 to 128 printable characters. The same name and \
             amount ask for the same refund, so sending it again is safe. Send one always: \
             without it, a repeated request is a second refund.",
        ),
        sample: "return-1001",
        errors: &[1043, 5012],
        ..TEXT
    },
    Parameter {
        name: "refundReason",
        class: Class::Optional,
        max_length: Some(255),
        rule: Prose("Why, in your words; kept with the refund."),
        sample: "One of two items came back",
        ..TEXT
    },
];

/// The names that the remark lists: M and D.
pub fn mandatory_names() -> Vec<&'static str> {
    let mandatory = |p: &&Parameter| matches!(p.class, Class::Mandatory | Class::Default);
    PARAMETERS.iter().filter(mandatory).map(|p| p.name).collect()
}
