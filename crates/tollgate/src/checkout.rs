//! A test payment as a shop and its customer make it: the call, the hosted page, the way back.

use crate::failure::Failure;
use crate::html_form::{self, Form};
use crate::http_client::{Answer, HttpClient};
use domain::method::MethodCode;
use domain::time::Timestamp;
use serde_json::{Map, Value};
use url::Url;

/// A customer who gets no further than this many pages gives up.
const MOST_PAGES: u32 = 12;

/// What a shop asks for.
#[derive(Clone, Debug)]
pub(crate) struct Order {
    /// The terminal's public key.
    pub(crate) public_key: String,
    /// The terminal's number.
    pub(crate) ter_no: i64,
    /// The amount as text.
    pub(crate) amount: String,
    /// The currency.
    pub(crate) currency: String,
    /// The shop's order id.
    pub(crate) reference: String,
    /// With what it is paid.
    pub(crate) means: Means,
    /// Where webhooks go.
    pub(crate) webhook_url: String,
    /// Where the customer goes afterwards.
    pub(crate) return_url: String,
}

/// With what a customer pays.
#[derive(Clone, Debug)]
pub(crate) enum Means {
    /// A credit or debit card.
    Card {
        /// `CC` or `DC`.
        method: MethodCode,
        /// A test card's number.
        number: String,
        /// Its last month.
        expiry: (i8, i16),
    },
    /// Anything else.
    Order {
        /// `NB` and so on.
        method: MethodCode,
        /// The method's own field, where one is sent.
        detail: Option<(&'static str, String)>,
    },
}

impl Means {
    /// The request's fields.
    fn fields(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Card { method, number, expiry } => {
                // Sandbox cards take any code; American Express has four digits.
                let code = if number.starts_with('3') { "1234" } else { "123" };
                vec![
                    ("mop", method.code().to_owned()),
                    ("ccno", number.clone()),
                    ("ccvv", code.to_owned()),
                    ("month", format!("{:02}", expiry.0)),
                    ("year", expiry.1.to_string()),
                ]
            }
            Self::Order { method, detail } => {
                let mop = ("mop", method.code().to_owned());
                std::iter::once(mop).chain(detail.clone()).collect()
            }
        }
    }
}

/// The last month of a test card that is good for years.
pub(crate) fn far_expiry(now: Timestamp) -> (i8, i16) {
    (12, now.year_month().0.saturating_add(3))
}

/// A number with all but its first six and last four digits hidden.
pub(crate) fn masked(card: &str) -> String {
    let digits: Vec<char> = card.chars().filter(char::is_ascii_digit).collect();
    if digits.len() < 12 {
        return "XXXX".to_owned();
    }
    let first: String = digits.iter().take(6).collect();
    let last: String = digits.iter().skip(digits.len().saturating_sub(4)).collect();
    format!("{first}XXXXXX{last}")
}

impl Order {
    /// The request's fields, in the order of the documentation.
    fn fields(&self) -> Vec<(&'static str, String)> {
        let mut fields = vec![
            ("public_key", self.public_key.clone()),
            ("terNO", self.ter_no.to_string()),
            ("integration-type", "s2s".to_owned()),
            ("bill_amt", self.amount.clone()),
            ("bill_currency", self.currency.clone()),
            ("product_name", "Test payment".to_owned()),
            ("reference", self.reference.clone()),
            ("webhook_url", self.webhook_url.clone()),
            ("return_url", self.return_url.clone()),
            ("fullname", "Test Person".to_owned()),
        ];
        fields.extend(self.means.fields());
        fields
    }

    /// The request.
    fn body(&self) -> String {
        let fields = self.fields().into_iter();
        Value::Object(fields.map(|(name, value)| (name.to_owned(), value.into())).collect())
            .to_string()
    }

    /// The request as it may be shown: card masked, code hidden, keys shortened.
    pub(crate) fn shown(&self) -> Vec<(String, String)> {
        self.fields()
            .into_iter()
            .map(|(name, value)| match name {
                "ccno" => (name.to_owned(), masked(&value)),
                "ccvv" => (name.to_owned(), "***".to_owned()),
                _ => (name.to_owned(), value),
            })
            .collect()
    }
}

/// The gateway's answer to a call.
#[derive(Debug)]
pub(crate) struct Answered {
    /// HTTP status.
    pub(crate) status: u16,
    /// The JSON object.
    pub(crate) fields: Map<String, Value>,
}

impl Answered {
    fn of(answer: &Answer, url: &Url) -> Result<Self, Failure> {
        match serde_json::from_str(&answer.body) {
            Ok(Value::Object(fields)) => Ok(Self { status: answer.status, fields }),
            Ok(_) | Err(_) => Err(Failure::CouldNot(format!(
                "{url} answered {} without a JSON object; is that a Tollgate gateway?",
                answer.status
            ))),
        }
    }

    /// A field's text; empty when it is not there.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.fields.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    /// A field that is an address.
    pub(crate) fn address(&self, name: &str) -> Option<Url> {
        Url::parse(self.text(name)).ok()
    }
}

/// What the customer does at the challenge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Customer {
    /// Enters this code, again and again while the bank asks.
    Enters(String),
    /// Gives up.
    Cancels,
}

/// Makes the payment at the gateway of this address.
pub(crate) async fn create(
    http: &mut HttpClient,
    gateway: &Url,
    order: &Order,
) -> Result<Answered, Failure> {
    let url = join(gateway, "/api/s2s")?;
    let answer = http.post_json(&url, order.body()).await?;
    Answered::of(&answer, &url)
}

/// Asks for the payment's status at the address that the answer named.
pub(crate) async fn status(
    http: &mut HttpClient,
    answered: &Answered,
) -> Result<Answered, Failure> {
    let url = answered.address("authstatus").ok_or_else(|| {
        Failure::CouldNot("the gateway's answer has no authstatus address".to_owned())
    })?;
    let answer = http.get(&url, "application/json").await?;
    Answered::of(&answer, &url)
}

/// Opens the hosted page and does what the customer does, until the browser leaves for the shop.
/// Returns the address it is sent to.
pub(crate) async fn visit(
    http: &mut HttpClient,
    authurl: &Url,
    return_url: &str,
    customer: &Customer,
) -> Result<Url, Failure> {
    let mut at = authurl.clone();
    let mut answer = http.get(&at, "text/html").await?;
    for _page in 0..MOST_PAGES {
        if let Some(location) = redirect(&answer) {
            let target = join(&at, location)?;
            if leaves(&target, authurl, return_url) {
                return Ok(target);
            }
            at = target;
            answer = http.get(&at, "text/html").await?;
            continue;
        }
        if let Some(target) = html_form::way_to(&answer.body, return_url) {
            return join(&at, &target);
        }
        let Some((action, fields)) = next_form(&answer.body, customer) else {
            return Err(Failure::CouldNot(format!(
                "the page {at} (HTTP {}) has no form for this step",
                answer.status
            )));
        };
        at = if action.is_empty() { at } else { join(&at, &action)? };
        answer = http.post_form(&at, &fields).await?;
    }
    Err(Failure::CouldNot(format!("the payment page goes in circles; it stands at {at}")))
}

fn redirect(answer: &Answer) -> Option<&str> {
    let moved = (300..400).contains(&answer.status);
    answer.header(http::header::LOCATION).filter(|_| moved)
}

fn leaves(target: &Url, authurl: &Url, return_url: &str) -> bool {
    target.origin() != authurl.origin() || target.as_str().starts_with(return_url)
}

fn next_form(html: &str, customer: &Customer) -> Option<(String, Vec<(String, String)>)> {
    let forms = html_form::forms(html);
    match customer {
        Customer::Enters(code) => {
            let form = forms.iter().find(|form| form.asks_for("otp"))?;
            Some((form.action.clone(), form.filled("otp", code)))
        }
        Customer::Cancels => forms.iter().find_map(Form::cancelling),
    }
}

fn join(base: &Url, target: &str) -> Result<Url, Failure> {
    base.join(target)
        .map_err(|error| Failure::CouldNot(format!("{target:?} is no address: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order() -> Order {
        Order {
            public_key: "key".to_owned(),
            ter_no: 42,
            amount: "11.11".to_owned(),
            currency: "USD".to_owned(),
            reference: "r1".to_owned(),
            means: Means::Card {
                method: MethodCode::CreditCard,
                number: "4111111111111111".to_owned(),
                expiry: (12, 2030),
            },
            webhook_url: "http://shop.test/webhook".to_owned(),
            return_url: "http://shop.test/return".to_owned(),
        }
    }

    #[test]
    fn what_is_shown_has_no_card() {
        let shown = format!("{:?}", order().shown());
        assert!(shown.contains("411111XXXXXX1111") && !shown.contains("4111111111111111"));
        assert!(!shown.contains("\"123\""));
        let sent: Value = serde_json::from_str(&order().body()).unwrap();
        assert_eq!((&sent["ccno"], &sent["month"]), (&"4111111111111111".into(), &"12".into()));
    }

    #[test]
    fn short_numbers_are_hidden_whole() {
        assert_eq!(masked("4111 1111-1111 1111"), "411111XXXXXX1111");
        assert_eq!(masked("41111111111"), "XXXX");
    }
}
