//! Error numbers (contract, section 1.2).

use super::text::Prose;

/// Whether sending the request again helps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// The same request gives the same answer.
    MendFirst,
    /// The same request may succeed, and never charges twice.
    Same,
    /// The same request may succeed after a while.
    Later,
}

impl Retry {
    /// In words.
    pub const fn text(self) -> &'static str {
        match self {
            Self::MendFirst => "No, mend it first",
            Self::Same => "Yes, unchanged",
            Self::Later => "Yes, after a pause",
        }
    }
}

/// One error number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ErrorNumber {
    /// `error_number`.
    pub number: u16,
    /// HTTP status.
    pub http: u16,
    /// What happened.
    pub meaning: Prose,
    /// What to do.
    pub action: Prose,
    /// Whether sending it again helps.
    pub retry: Retry,
}

const fn mend(number: u16, http: u16, meaning: &'static str, action: &'static str) -> ErrorNumber {
    let retry = Retry::MendFirst;
    ErrorNumber { number, http, meaning: Prose(meaning), action: Prose(action), retry }
}

const fn again(
    number: u16,
    http: u16,
    meaning: &'static str,
    action: &'static str,
    retry: Retry,
) -> ErrorNumber {
    ErrorNumber { number, http, meaning: Prose(meaning), action: Prose(action), retry }
}

/// All numbers: the gateway's own first, then those that repeat the HTTP status.
pub const ERRORS: [ErrorNumber; 36] = [
    mend(
        101,
        401,
        "No terminal has this `public_key`, or `terNO` is not its number; or the private key is not \
         the terminal's, or the API token is unknown or has expired.",
        "Take them from the same terminal; make a new token.",
    ),
    mend(
        102,
        403,
        "The terminal, or its merchant, is not active.",
        "Ask the operator. A terminal that is switched off can still refund.",
    ),
    mend(
        103,
        403,
        "The caller's address is not on the terminal's allow-list.",
        "Call from your server's fixed address, or have the list changed.",
    ),
    mend(153, 400, "The card's brand is not taken.", "Ask the customer for another card."),
    mend(154, 400, "`ccvv` is missing or wrong.", "Three digits, four for Amex."),
    mend(155, 400, "`month` is missing or wrong.", "1 to 12."),
    mend(
        156,
        400,
        "`year` is missing or wrong, or the card has expired.",
        "Two or four digits; ask the customer for another card if it is over.",
    ),
    mend(
        1040,
        400,
        "A required parameter is missing, other than those with a number of their own.",
        "The message names it; `errors` lists all that are missing.",
    ),
    mend(
        1043,
        400,
        "A parameter, the body or the header `Idempotency-Key` has the wrong form.",
        "The message says which form is right.",
    ),
    mend(
        1051,
        400,
        "The currency is unknown, this terminal does not take it, or it cannot be paid by UPI.",
        "Send an ISO 4217 code that is switched on; `INR` with `UPICOLLECT` and `QRINTENT`.",
    ),
    mend(
        1052,
        400,
        "`mop` is unknown, or not switched on for this terminal; or it is `UPICOLLECT` and this \
         terminal refuses UPI collect requests.",
        "Send one that `GET /api/methods?public_key=…` lists; `QRINTENT` in place of \
         `UPICOLLECT`.",
    ),
    mend(1111, 400, "`bill_amt` is missing.", "Send the amount."),
    mend(
        1112,
        400,
        "`bill_amt` is no valid amount, is zero, or lies outside the terminal's limits.",
        "Digits with at most two decimals, like `11.11`, whole in the currency's minor unit.",
    ),
    mend(
        1113,
        400,
        "The card number is missing or wrong.",
        "Ask the customer to check it, or for another card.",
    ),
    mend(
        1500,
        409,
        "The payment cannot be refunded: the message says where it stands. With HTTP `404`: this \
         terminal has no payment with this `transID`.",
        "Only an approved payment can be refunded. Check `transID`, or ask for the status.",
    ),
    mend(
        1501,
        401,
        "The terminal's private key is missing or wrong. Live terminals refund only with it.",
        "Send the header `Authorization: Bearer` with the private key of this very terminal, or \
         encrypt the request with it.",
    ),
    mend(
        1502,
        400,
        "`refundAmount` is missing, zero, or no amount in the payment's currency.",
        "Digits with at most two decimals, like `1.50`, whole in the currency's minor unit.",
    ),
    mend(1503, 422, "The bank of this terminal cannot refund.", "Ask the operator."),
    mend(
        1504,
        409,
        "More than is left: `refundAmount` is above what was paid and not refunded yet, refunds \
         that still wait for the bank included.",
        "The message says how much is left.",
    ),
    mend(
        1505,
        409,
        "The payment is too old to be refunded.",
        "Ask the operator, who sets how long refunds are possible.",
    ),
    mend(
        1600,
        409,
        "More deliveries are meant than one call sends again.",
        "Narrow them with `from` and `until`, and call once for each part.",
    ),
    mend(
        1601,
        409,
        "The merchant has as many endpoints as it may have.",
        "Remove one that is not needed.",
    ),
    mend(
        5001,
        400,
        "`encrypted_data` cannot be decrypted with the private key of the terminal whose public key \
         stands at its end, or what is inside is no query string of this call. More is not told: a \
         stranger could learn from it.",
        "Compare with the worked example of the page Encrypted requests. `tollgate terminal \
         decrypt`, on the gateway's own machine, tells what is wrong.",
    ),
    mend(
        5012,
        409,
        "This `reference` is used already, by the payment that the message names: with other \
         content while that one waits or took money, or once and for all with `unique_reference`. \
         Or this `refundReference` is used by a refund of another amount.",
        "Ask for that payment's status. A new order needs a new reference; so does a refund of \
         another amount.",
    ),
    again(
        5015,
        503,
        "No connector can take this payment.",
        "Try again later, or ask the operator.",
        Retry::Later,
    ),
    mend(
        403,
        403,
        "The API token was made without the scope that this needs, for the other kind of money, or by \
         somebody whose role does not allow it.",
        "Make a token with that scope in My Terminal, API tokens.",
    ),
    mend(
        404,
        404,
        "No payment has this number or reference; this terminal has no delivery or endpoint of this \
         name; or the address leads nowhere.",
        "Check it. To ask by reference, add `public_key`.",
    ),
    mend(
        405,
        405,
        "The HTTP method is wrong. Card data never travels in a query string.",
        "Use a method that the header `Allow` names: payments are created with `POST`.",
    ),
    again(
        408,
        408,
        "The body did not arrive in time.",
        "Send the same request again.",
        Retry::Same,
    ),
    again(
        409,
        409,
        "The first request with this `Idempotency-Key` is still running.",
        "Wait a moment, then send the same request again.",
        Retry::Later,
    ),
    mend(413, 413, "The body is larger than 64 KiB.", "Send less."),
    mend(
        415,
        415,
        "The media type is not supported.",
        "Send JSON, a URL-encoded form or a multipart form, and say so in `Content-Type`; where \
         webhooks are kept, JSON only.",
    ),
    mend(
        422,
        422,
        "This `Idempotency-Key` was used for another request.",
        "Use a new key for a new request.",
    ),
    again(
        429,
        429,
        "Too many unknown payment numbers, wrong keys or encrypted requests that cannot be \
         decrypted came from your address; or too many streams of deliveries are open.",
        "Wait as many seconds as the header `Retry-After` says.",
        Retry::Later,
    ),
    again(
        500,
        500,
        "Our fault. The payment's outcome is not known to you.",
        "Send the same request with the same `reference`, or ask for the status by reference. \
         Tell the operator the `request_id`.",
        Retry::Same,
    ),
    again(
        503,
        503,
        "More requests come than the gateway takes at the moment, or its database does not answer.",
        "Wait as many seconds as the header `Retry-After` says (1 to 3), then send the same request \
         again, with the same `reference`: an order is never charged twice. Where it is refused \
         again, wait twice as long each time.",
        Retry::Later,
    ),
];
