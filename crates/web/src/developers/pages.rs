//! The pages themselves.

use super::answers::{
    self, FURTHER_FIELDS, Field, REFUND_FIELDS, REFUND_WEBHOOK_FIELDS, RESPONSE_FIELDS,
    RETURN_FIELDS, STATUS_FIELDS, STATUSES, Status, WEBHOOK_FIELDS,
};
use super::cards::{
    CardResult, DEMO_PUBLIC_KEY, DEMO_TERMINAL, ONE_TIME_PASSWORD, REFUSED_REFUND, TEST_CARDS,
    TestCard,
};
use super::encrypted;
use super::errors::{ERRORS, ErrorNumber};
use super::event_sections::{self, Section};
use super::methods::{self, Key, MethodRow, Step};
use super::parameters::{self, PARAMETERS, Parameter, REFUND_PARAMETERS};
use super::samples::{self, Sample};
use super::webhook_calls::{self, Call, Given};
use crate::assets::{Asset, DEVELOPERS_SCRIPT, DEVELOPERS_STYLE};
use crate::pages::Language;
use crate::throttle::UNKNOWN_AT_MOST;
use askama::Template;
use domain::delivery::DeliveryId;
use domain::endpoint::ENDPOINTS_AT_MOST;
use domain::event_type::EventType;
use domain::schedule;
use engine::ports::LabCase;
use std::fmt::Write as _;

/// A page as menus and crumbs name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Page {
    /// Its path.
    pub(super) path: &'static str,
    /// Its title.
    pub(super) title: &'static str,
    /// What it is about, in a sentence.
    pub(super) summary: &'static str,
    /// The path of the page above it.
    pub(super) above: Option<&'static str>,
}

const START: &str = "/developers";
const REFERENCE: &str = "/developers/api-reference";
const SIMPLE_S2S: &str = "/developers/api-reference/simple-s2s";
const ENCRYPTED_REQUESTS: &str = "/developers/api-reference/encrypted-requests";
const NO_CARD: &str = "/developers/api-reference/net-banking-wallets-upi";
const STATUS_QUERY: &str = "/developers/api-reference/status-query";
const REFUNDS: &str = "/developers/api-reference/refunds";
const WEBHOOKS: &str = "/developers/webhooks";
const WEBHOOK_CALLS: &str = "/developers/webhook-calls";
const EVENT_TYPES: &str = "/developers/event-types";
const RETURN_URL: &str = "/developers/return-url";
const CUSTOMER_PAGES: &str = "/developers/customer-pages";
const STATUS_CODES: &str = "/developers/status-codes";
const ERROR_NUMBERS: &str = "/developers/errors";
const TEST_DATA: &str = "/developers/test-data";

const fn page(
    path: &'static str,
    title: &'static str,
    above: Option<&'static str>,
    summary: &'static str,
) -> Page {
    Page { path, title, summary, above }
}

const START_PAGE: Page =
    page(START, "Developers", None, "What Tollgate is, and a first payment in three steps.");

/// All pages, in the menu's order.
pub(super) const PAGES: [Page; 15] = [
    START_PAGE,
    page(REFERENCE, "API Reference", Some(START), "The calls, and the OpenAPI document."),
    page(
        SIMPLE_S2S,
        "Simple Payment Gateway (S2S)",
        Some(REFERENCE),
        "Create a payment: parameters, answer, samples in six languages.",
    ),
    page(
        ENCRYPTED_REQUESTS,
        "Encrypted requests",
        Some(REFERENCE),
        "The create call with its fields encrypted: recipe, worked example, samples.",
    ),
    page(
        NO_CARD,
        "Net banking, wallets and UPI",
        Some(REFERENCE),
        "Payments without a card: what is sent, what comes back, and what may come late.",
    ),
    page(
        STATUS_QUERY,
        "Status query",
        Some(REFERENCE),
        "Ask what became of a payment, by its number or by your own.",
    ),
    page(
        REFUNDS,
        "Refunds",
        Some(REFERENCE),
        "Give money back, in full or in parts, and hear how it ended.",
    ),
    page(
        WEBHOOKS,
        "Webhooks",
        Some(START),
        "The result, sent to your server: body, signature, retries.",
    ),
    page(
        WEBHOOK_CALLS,
        "Webhooks: endpoints, log and replay",
        Some(START),
        "Further addresses, what was sent, sending it again, a stream.",
    ),
    page(
        EVENT_TYPES,
        "Event catalogue",
        Some(START),
        "What endpoints are told of: types, fields, samples, schemas.",
    ),
    page(
        RETURN_URL,
        "Return URL",
        Some(START),
        "The customer comes back: parameters and their signature.",
    ),
    page(
        CUSTOMER_PAGES,
        "Customer pages",
        Some(START),
        "What your customers see: steps, languages, looks.",
    ),
    page(STATUS_CODES, "Status codes", Some(START), "Every order_status and what to do."),
    page(ERROR_NUMBERS, "Errors", Some(START), "Every error number, and whether to try again."),
    page(TEST_DATA, "Test data", Some(START), "Test cards, failures on purpose, the demo key."),
];

/// The error answer that the pages show.
const ERROR_SAMPLE: &str = r#"{
  "error_number": "1111",
  "error_message": "bill_amt is missing",
  "status": "Error",
  "errors": [
    {
      "field": "bill_amt",
      "error_number": "1111",
      "message": "bill_amt is missing"
    }
  ],
  "reference": "order-1001",
  "request_id": "…"
}"#;

/// What the layout of every page needs.
struct Shell<'a> {
    page: Page,
    crumbs: Vec<Page>,
    public_url: &'a str,
    style: &'static Asset,
    script: &'static Asset,
}

impl<'a> Shell<'a> {
    fn new(page: Page, public_url: &'a str) -> Self {
        let mut crumbs = vec![page];
        let mut above = page.above;
        while let Some(found) = above.and_then(|path| PAGES.iter().find(|p| p.path == path)) {
            crumbs.insert(0, *found);
            above = found.above;
        }
        let (style, script) = (&*DEVELOPERS_STYLE, &*DEVELOPERS_SCRIPT);
        Self { page, crumbs, public_url, style, script }
    }

    /// Whether this is the menu's current page.
    fn is_current(&self, path: &str) -> bool {
        self.page.path == path
    }

    /// Whether a crumb is the last one.
    fn is_here(&self, crumb: &Page) -> bool {
        self.page.path == crumb.path
    }
}

/// A set of samples with one choice of language.
struct Samples<'a> {
    id: &'static str,
    samples: &'a [Sample],
}

macro_rules! template {
    ($name:ident, $file:literal $(, $field:ident: $kind:ty)*) => {
        #[derive(Template)]
        #[template(path = $file)]
        struct $name<'a> {
            shell: Shell<'a>,
            $($field: $kind,)*
        }
    };
}

template!(Start, "developers/start.html", first: Sample, password: &'static str, terminal: &'static str);
template!(Reference, "developers/reference.html");
template!(
    NoCard, "developers/no_card.html",
    methods: &'static [MethodRow], steps: &'static [Step], keys: &'static [Key],
    offered: &'static str, qr: &'static str, form: &'static str, key: &'static str,
    converted: &'static str,
    create: Samples<'a>
);
template!(CustomerPages, "developers/customer_pages.html", languages: [Language; 10]);
template!(
    SimpleS2s, "developers/simple_s2s.html",
    first: String, answer: String, authdata: String, create: Samples<'a>,
    mandatory: Vec<&'static str>, parameters: &'static [Parameter], fields: &'static [Field],
    further: &'static [Field]
);
template!(
    EncryptedRequests, "developers/encrypted_requests.html",
    private_key: &'static str, plaintext: &'static str, key: &'static str,
    iv_a: &'static str, iv_b: &'static str, text_a: &'static str, text_b: &'static str,
    value: String, openssl: String, tries: u32, create: Samples<'a>
);
template!(
    StatusQuery, "developers/status_query.html", tries: u32, answer: String, further: &'static [Field], key: &'static str
);
template!(
    Refunds, "developers/refunds.html",
    answer: String, parameters: &'static [Parameter], fields: &'static [Field], told: &'static [Field],
    refund: Samples<'a>
);
template!(
    Webhooks, "developers/webhooks.html",
    body: String, fields: &'static [Field], refund: &'static [Field], retries: Vec<Retry>, verify: Samples<'a>,
    decrypt: Samples<'a>, once_and_in_order: &'static str, webhook_id: String
);
template!(
    WebhookCalls, "developers/webhook_calls.html",
    calls: &'static [Call], endpoints_at_most: usize, endpoint_fields: Vec<Given>,
    filters: Vec<Given>, replay_fields: Vec<Given>, add: Samples<'a>, replay: Samples<'a>,
    follow: Samples<'a>
);
template!(
    EventTypes, "developers/event_types.html", types: [EventType; 19], sections: Vec<Section>
);
template!(
    ReturnUrl, "developers/return_url.html", fields: &'static [Field], verify: Samples<'a>, signed: String
);
template!(StatusCodes, "developers/status_codes.html", statuses: &'static [Status]);
template!(Errors, "developers/errors.html", errors: &'static [ErrorNumber]);
template!(
    TestData, "developers/test_data.html",
    groups: Vec<CardGroup>, password: &'static str, terminal: &'static str, key: &'static str,
    refused_refund: &'static str, lab: &'a [LabCase]
);

/// A row of the webhook schedule: a try after the first.
struct Retry {
    number: u32,
    gap: String,
    since_first: String,
}

/// Cards with the same result.
struct CardGroup {
    result: CardResult,
    cards: Vec<TestCard>,
}

/// Renders the page at this path.
pub(super) fn render(
    path: &str,
    public_url: &str,
    lab: &[LabCase],
) -> Result<String, askama::Error> {
    let page = PAGES.iter().find(|page| page.path == path).copied().unwrap_or(START_PAGE);
    let shell = Shell::new(page, public_url);
    match page.path {
        REFERENCE => Reference { shell }.render(),
        SIMPLE_S2S => simple_s2s(shell).render(),
        ENCRYPTED_REQUESTS => encrypted_requests(shell).render(),
        NO_CARD => no_card(shell).render(),
        CUSTOMER_PAGES => CustomerPages { shell, languages: Language::ALL }.render(),
        STATUS_QUERY => status_query(shell).render(),
        REFUNDS => refunds(shell).render(),
        WEBHOOKS => webhooks(shell).render(),
        WEBHOOK_CALLS => webhook_calls(shell).render(),
        EVENT_TYPES => {
            let (types, sections) = (EventType::ALL, event_sections::sections());
            EventTypes { shell, types, sections }.render()
        }
        RETURN_URL => return_url(shell).render(),
        STATUS_CODES => StatusCodes { shell, statuses: &STATUSES }.render(),
        ERROR_NUMBERS => Errors { shell, errors: &ERRORS }.render(),
        TEST_DATA => test_data(shell, lab).render(),
        _ => {
            let (password, terminal) = (ONE_TIME_PASSWORD, DEMO_TERMINAL);
            Start { shell, first: samples::FIRST_PAYMENT, password, terminal }.render()
        }
    }
}

fn simple_s2s(shell: Shell<'_>) -> SimpleS2s<'_> {
    SimpleS2s {
        first: samples::FIRST_PAYMENT.at(shell.public_url),
        answer: answers::sample_object(&RESPONSE_FIELDS, shell.public_url),
        authdata: answers::authdata(shell.public_url),
        create: Samples { id: "create", samples: &samples::CREATE_PAYMENT },
        mandatory: parameters::mandatory_names(),
        parameters: &PARAMETERS,
        fields: &RESPONSE_FIELDS,
        further: &FURTHER_FIELDS,
        shell,
    }
}

fn no_card(shell: Shell<'_>) -> NoCard<'_> {
    NoCard {
        methods: &methods::METHODS,
        steps: &methods::STEPS,
        keys: &methods::KEYS,
        offered: methods::METHODS_ANSWER,
        qr: methods::QR_AUTHDATA,
        form: methods::FORM_AUTHDATA,
        key: DEMO_PUBLIC_KEY,
        converted: methods::CONVERTED,
        create: Samples { id: "create", samples: &samples::CREATE_NET_BANKING_PAYMENT },
        shell,
    }
}

fn encrypted_requests(shell: Shell<'_>) -> EncryptedRequests<'_> {
    EncryptedRequests {
        private_key: encrypted::EXAMPLE_PRIVATE_KEY,
        plaintext: encrypted::EXAMPLE_PLAINTEXT,
        key: encrypted::EXAMPLE_KEY,
        iv_a: encrypted::EXAMPLE_IV_A,
        iv_b: encrypted::EXAMPLE_IV_B,
        text_a: encrypted::EXAMPLE_TEXT_A,
        text_b: encrypted::EXAMPLE_TEXT_B,
        value: encrypted::example_value(),
        openssl: encrypted::example_command(),
        tries: UNKNOWN_AT_MOST,
        create: Samples { id: "create", samples: &samples::CREATE_ENCRYPTED_PAYMENT },
        shell,
    }
}

fn status_query(shell: Shell<'_>) -> StatusQuery<'_> {
    StatusQuery {
        tries: UNKNOWN_AT_MOST,
        answer: answers::sample_object(&answers::status_fields(), shell.public_url),
        further: &STATUS_FIELDS,
        key: DEMO_PUBLIC_KEY,
        shell,
    }
}

fn refunds(shell: Shell<'_>) -> Refunds<'_> {
    Refunds {
        answer: answers::sample_object(&REFUND_FIELDS, shell.public_url),
        parameters: &REFUND_PARAMETERS,
        fields: &REFUND_FIELDS,
        told: &REFUND_WEBHOOK_FIELDS,
        refund: Samples { id: "refund", samples: &samples::REFUND },
        shell,
    }
}

fn webhooks(shell: Shell<'_>) -> Webhooks<'_> {
    let webhook_id = answers::TRANS_ID.parse().map(|payment| {
        let id = DeliveryId::own(payment, 1);
        id.webhook_id()
    });
    Webhooks {
        body: answers::sample_object(&WEBHOOK_FIELDS, shell.public_url),
        fields: &WEBHOOK_FIELDS,
        refund: &REFUND_WEBHOOK_FIELDS,
        retries: retries(),
        verify: Samples { id: "verify", samples: &samples::VERIFY_WEBHOOK },
        decrypt: Samples { id: "decrypt", samples: &samples::DECRYPT_WEBHOOK },
        once_and_in_order: samples::ONCE_AND_IN_ORDER.source.trim_end(),
        webhook_id: webhook_id.unwrap_or_default(),
        shell,
    }
}

fn webhook_calls(shell: Shell<'_>) -> WebhookCalls<'_> {
    WebhookCalls {
        calls: &webhook_calls::CALLS,
        endpoints_at_most: ENDPOINTS_AT_MOST,
        endpoint_fields: webhook_calls::endpoint_fields(),
        filters: webhook_calls::filters(),
        replay_fields: webhook_calls::replay_fields(),
        add: Samples { id: "add", samples: &samples::ADD_ENDPOINT },
        replay: Samples { id: "replay", samples: &samples::REPLAY },
        follow: Samples { id: "follow", samples: &samples::FOLLOW },
        shell,
    }
}

fn return_url(shell: Shell<'_>) -> ReturnUrl<'_> {
    let signed: Vec<String> = RETURN_FIELDS
        .iter()
        .filter(|field| !field.sample.is_empty())
        .map(|field| format!("{}={}", field.name, field.sample))
        .collect();
    ReturnUrl {
        fields: &RETURN_FIELDS,
        verify: Samples { id: "verify", samples: &samples::VERIFY_RETURN_URL },
        signed: signed.join("\n"),
        shell,
    }
}

fn test_data<'a>(shell: Shell<'a>, lab: &'a [LabCase]) -> TestData<'a> {
    let groups = [CardResult::Challenge, CardResult::Approved, CardResult::Declined]
        .into_iter()
        .map(|result| {
            let cards = TEST_CARDS.into_iter().filter(|card| card.result == result).collect();
            CardGroup { result, cards }
        })
        .collect();
    let (password, terminal, key) = (ONE_TIME_PASSWORD, DEMO_TERMINAL, DEMO_PUBLIC_KEY);
    TestData { shell, groups, password, terminal, key, refused_refund: REFUSED_REFUND, lab }
}

/// The webhook schedule as the gateway itself computes it, at the middle of its jitter.
fn retries() -> Vec<Retry> {
    let mut since_first = 0_u64;
    (1_u32..)
        .map_while(|made| Some((made, schedule::until_webhook_retry(made, 200)?.as_secs())))
        .map(|(made, seconds)| {
            since_first = since_first.saturating_add(seconds);
            let number = made.saturating_add(1);
            Retry { number, gap: duration(seconds), since_first: duration(since_first) }
        })
        .collect()
}

/// The largest two units: `5 min`, `2 h 35 min`, `3 d 3 h`.
fn duration(seconds: u64) -> String {
    // "24 h" says more than "1 d".
    let day = if seconds < 2 * 86_400 { u64::MAX } else { 86_400 };
    let units = [(day, "d"), (3_600, "h"), (60, "min"), (1, "s")];
    let mut rest = seconds;
    let mut text = String::new();
    let mut shown = 0_u8;
    for (size, name) in units {
        let count = rest.checked_div(size).unwrap_or(0);
        if count > 0 && shown < 2 {
            let glue = if text.is_empty() { "" } else { " " };
            // Writing to a String cannot fail.
            let _written = write!(text, "{glue}{count} {name}");
            rest = rest.saturating_sub(count.saturating_mul(size));
            shown = shown.saturating_add(1);
        }
    }
    text
}

/// `/llms.txt`: the index of the pages as text.
pub(super) fn index(public_url: &str) -> String {
    let mut text = String::from(
        "# Tollgate\n\n> A self-hosted payment gateway: create a payment (card, net banking, \
         wallet, UPI) with one HTTP call, send the customer to a page, take the result by webhook.\n\n## Developers\n\n",
    );
    for page in PAGES {
        let _written =
            writeln!(text, "- [{}]({public_url}{}): {}", page.title, page.path, page.summary);
    }
    let _written = writeln!(
        text,
        "- [OpenAPI]({public_url}/openapi.json): Every route, with schemas and examples."
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_show_their_two_largest_units() {
        for (seconds, text) in [
            (5, "5 s"),
            (300, "5 min"),
            (305, "5 min 5 s"),
            (7200, "2 h"),
            (93_605, "26 h 5 s"),
            (259_200, "3 d"),
        ] {
            assert_eq!(duration(seconds), text);
        }
    }

    #[test]
    fn the_schedule_is_what_the_page_says() {
        let told: Vec<String> = retries().into_iter().map(|retry| retry.gap).collect();
        let expected = ["5 s", "5 min", "30 min", "2 h", "5 h", "10 h", "14 h", "20 h", "24 h"];
        assert_eq!(told, expected);
    }
}
