//! Methods without a card: what is sent, what `authdata` holds, and `GET /api/methods`.

use super::open_api::with_errors;
use super::text::Prose;
use serde_json::{Value, json};

/// One method that is paid at a bank, in a wallet or by UPI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MethodRow {
    /// `mop`.
    pub code: &'static str,
    /// What is sent besides.
    pub sent: Prose,
    /// What the customer does.
    pub customer: Prose,
    /// What `upa` holds.
    pub payer: Prose,
}

/// The methods in the order of `GET /api/methods`.
pub const METHODS: [MethodRow; 4] = [
    MethodRow {
        code: "NB",
        sent: Prose("`bankcode`, or nothing: then the customer chooses on our page."),
        customer: Prose("Goes to the bank's own page, pays there, and is sent back."),
        payer: Prose("the bank's code, once it is known"),
    },
    MethodRow {
        code: "WALLET",
        sent: Prose("`bankcode` with the wallet's code, or nothing, as with `NB`."),
        customer: Prose("Goes to the wallet's page, pays there, and is sent back."),
        payer: Prose("the wallet's code, once it is known"),
    },
    MethodRow {
        code: "UPICOLLECT",
        sent: Prose("`upi_address`: the payer's UPI address."),
        customer: Prose("Approves the request in their UPI app; our page waits with them."),
        payer: Prose("the UPI address, in lower case"),
    },
    MethodRow {
        code: "QRINTENT",
        sent: Prose("`os`, or nothing for `web`."),
        customer: Prose(
            "Scans the QR code, or taps the button that opens a UPI app on this phone.",
        ),
        payer: Prose("left out"),
    },
];

/// What `authdata` says of one thing that a customer has to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// `authdata.step`.
    pub name: &'static str,
    /// When it is said.
    pub when: Prose,
    /// `action`.
    pub action: Prose,
    /// `payaddress`.
    pub address: Prose,
    /// The inner object's further keys.
    pub keys: &'static [&'static str],
}

const REDIRECT: Prose = Prose("`redirect`");

/// All steps.
pub const STEPS: [Step; 5] = [
    Step {
        name: "3ds_challenge",
        when: Prose("`CC`, `DC`"),
        action: REDIRECT,
        address: Prose("our page, as `authurl`: the challenge"),
        keys: &[],
    },
    Step {
        name: "choose_bank",
        when: Prose("`NB`, `WALLET` without `bankcode`"),
        action: REDIRECT,
        address: Prose("our page, as `authurl`: the list of banks or wallets"),
        keys: &[],
    },
    Step {
        name: "bank_page",
        when: Prose(
            "`NB`, `WALLET` with `bankcode`; `CC`, `DC` where the card's bank has a page of its own",
        ),
        action: Prose("`redirect`, or `postrequest` where the bank wants a form"),
        address: Prose("the bank's page, or where the form is posted"),
        keys: &["fields"],
    },
    Step {
        name: "upi_qr",
        when: Prose("`QRINTENT`; `UPICOLLECT` that is converted"),
        action: REDIRECT,
        address: Prose("the link for a UPI app: `upi://pay?…`"),
        keys: &["qr", "os", "upi_address"],
    },
    Step {
        name: "upi_collect",
        when: Prose("`UPICOLLECT`"),
        action: REDIRECT,
        address: Prose("our page, as `authurl`: it waits"),
        keys: &["upi_address"],
    },
];

/// A key of `authdata`, by its path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    /// `action`, or `authdata.qr`.
    pub name: &'static str,
    /// What it holds.
    pub meaning: Prose,
}

const fn key(name: &'static str, meaning: &'static str) -> Key {
    Key { name, meaning: Prose(meaning) }
}

/// The keys in the object's order.
pub const KEYS: [Key; 12] = [
    key("transID", "The payment's number, as a JSON number of 18 digits."),
    key("action", "`redirect`: open `payaddress`. `postrequest`: post `authdata.fields` there."),
    key("payamt", "The amount, as a JSON number."),
    key("paycurrency", "The currency."),
    key("paytitle", "`product_name`."),
    key("payaddress", "What the customer must open, scan or pay to."),
    key("authdata", "An object with the step's own details:"),
    key("authdata.step", "Which step it is; see the next table."),
    key("authdata.fields", "The form's fields for `postrequest`: names and values, all strings."),
    key("authdata.qr", "What a QR code must hold: the link, or BharatQR's text; see below."),
    key("authdata.os", "`device_android`, `device_ios` or `web`, as sent."),
    key("authdata.upi_address", "The payer's UPI address."),
];

/// The inside of `authdata` for a QR code: the order of the keys is part of the contract.
pub const QR_AUTHDATA: &str = r#"{"transID":417823250426141606,"action":"redirect","payamt":11.11,"paycurrency":"INR","paytitle":"Testing Product","payaddress":"upi://pay?pa=demoshop@sandbox&pn=Demo%20Shop&tr=417823250426141606&tn=Testing%20Product&am=11.11&cu=INR&mode=01","authdata":{"step":"upi_qr","qr":"upi://pay?pa=demoshop@sandbox&pn=Demo%20Shop&tr=417823250426141606&tn=Testing%20Product&am=11.11&cu=INR&mode=01","os":"web"}}"#;

/// The inside of `authdata` for a bank that wants a form.
pub const FORM_AUTHDATA: &str = r#"{"transID":417823250426141606,"action":"postrequest","payamt":11.11,"paycurrency":"INR","paytitle":"Testing Product","payaddress":"https://bank.example/pay","authdata":{"step":"bank_page","fields":{"amount":"11.11","currency":"INR","order":"417823250426141606-1"}}}"#;

/// `response` of a collect request that became a QR code.
pub const CONVERTED: &str =
    "UPI collect requests are withdrawn for most merchants: pay by UPI QR code instead";

/// The answer of `GET /api/methods`, with two banks and a wallet of many.
pub const METHODS_ANSWER: &str = r#"{
  "terNO": "42",
  "mode": "test",
  "methods": [
    {
      "mop": "CC",
      "name": "Credit card"
    },
    {
      "mop": "NB",
      "name": "Net banking",
      "banks": [
        {
          "bankcode": "HDFC",
          "name": "HDFC Bank",
          "initials": "HB"
        },
        {
          "bankcode": "SBIN",
          "name": "State Bank of India",
          "initials": "SB"
        }
      ]
    },
    {
      "mop": "WALLET",
      "name": "Wallet",
      "banks": [
        {
          "bankcode": "PAYTM",
          "name": "Paytm",
          "initials": "P"
        }
      ]
    },
    {
      "mop": "QRINTENT",
      "name": "UPI QR code or app"
    }
  ]
}"#;

/// The path.
pub(super) fn question() -> Value {
    json!({ "get": {
        "operationId": "getMethods",
        "tags": ["Payments"],
        "summary": "Ask what customers of a terminal can pay with",
        "description": "The methods that are switched on, with the banks and wallets that \
            bankcode may name. Wrong keys are counted against your address as unknown payment \
            numbers are.",
        "parameters": [{
            "name": "public_key", "in": "query", "required": true,
            "description": "The terminal's public key, URL-encoded.",
            "schema": { "type": "string", "maxLength": 44 },
            "example": super::cards::DEMO_PUBLIC_KEY,
        }],
        "responses": with_errors(
            json!({ "200": {
                "description": "The methods.",
                "content": { "application/json": {
                    "schema": { "$ref": "#/components/schemas/Methods" },
                    "example": serde_json::from_str::<Value>(METHODS_ANSWER).unwrap_or_default(),
                } },
            } }),
            |http| matches!(http, 400 | 401 | 403 | 429 | 500 | 503),
        ),
    } })
}

/// The shape of the answer.
pub(super) fn schema() -> Value {
    let text = |description: &str| json!({ "type": "string", "description": description });
    let codes = domain::method::MethodCode::ALL.map(domain::method::MethodCode::code);
    json!({
        "type": "object",
        "required": ["terNO", "mode", "methods"],
        "properties": {
            "terNO": text("The terminal's number."),
            "mode": { "type": "string", "enum": ["test", "live"] },
            "methods": { "type": "array", "items": {
                "type": "object",
                "required": ["mop", "name"],
                "properties": {
                    "mop": { "type": "string", "enum": codes },
                    "name": text("In words, in English."),
                    "banks": {
                        "type": "array",
                        "description": "With NB and WALLET: what bankcode may be, by name.",
                        "items": {
                            "type": "object",
                            "required": ["bankcode", "name", "initials"],
                            "properties": {
                                "bankcode": text("What is sent as bankcode."),
                                "name": text("The bank's or wallet's name."),
                                "initials": text("One or two letters in the place of a logo."),
                            },
                        },
                    },
                },
            } },
        },
    })
}
