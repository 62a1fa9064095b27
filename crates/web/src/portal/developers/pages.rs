//! Samples with one's own key, test data, and the events.

use super::{Tab, TerminalChoice, choices, chosen, tabs, terminals};
use crate::assets::{PORTAL_SCRIPT, PORTAL_STYLE};
use crate::desk::route::Outcome;
use crate::desk::shell::{Shell, desk_page};
use crate::desk::visit::Visit;
use crate::developers::cards::{
    DEMO_PUBLIC_KEY, DEMO_TERMINAL, ONE_TIME_PASSWORD, REFUSED_REFUND, TEST_CARDS, TestCard,
};
use crate::developers::samples::{self, Sample};
use crate::event_catalogue;
use askama::Template;
use domain::event_type::EventType;
use domain::terminal::{Mode, Terminal};
use engine::ports::LabCase;
use http::StatusCode;

/// A language that may be chosen.
struct Language {
    href: String,
    title: &'static str,
    is_here: bool,
}

/// A sample, ready to run.
struct Shown {
    id: &'static str,
    heading: &'static str,
    what: &'static str,
    /// The part of the reference that explains it.
    reference: String,
    title: String,
    text: String,
}

#[derive(Template)]
#[template(path = "portal/developers.html")]
struct SamplesPage {
    shell: Shell,
    tabs: Vec<Tab>,
    action: String,
    terminals_href: String,
    terminals: Vec<TerminalChoice>,
    number: String,
    public_key: String,
    language: &'static str,
    languages: Vec<Language>,
    samples: Vec<Shown>,
    is_live: bool,
}

/// `GET /portal/{mode}/developers`
pub(super) async fn samples(visit: Visit) -> Outcome {
    let own = terminals(&visit).await?;
    let terminal = chosen(&own, &visit.asked("terminal").unwrap_or_default());
    let wanted = visit.asked("language").unwrap_or_default();
    let known = samples::CREATE_PAYMENT.iter().find(|sample| sample.key == wanted);
    let language = known.map_or("curl", |sample| sample.key);
    let to = |sample: &Sample| Language {
        href: visit.with_query("language", Some(sample.key)),
        title: sample.language,
        is_here: sample.key == language,
    };
    let page = SamplesPage {
        shell: Shell::of(&visit, "Developers"),
        tabs: tabs(&visit, ""),
        action: visit.in_mode("/developers"),
        terminals_href: visit.in_mode("/terminals"),
        terminals: choices(&own, terminal),
        number: terminal.map(|one| one.number.to_string()).unwrap_or_default(),
        public_key: terminal.map(|one| one.public_key().to_owned()).unwrap_or_default(),
        language,
        languages: samples::CREATE_PAYMENT.iter().map(to).collect(),
        samples: terminal.map(|one| of_terminal(&visit, one, language)).unwrap_or_default(),
        is_live: visit.mode()? == Mode::Live,
    };
    Ok(desk_page(&visit.app, StatusCode::OK, &page))
}

fn of_terminal(visit: &Visit, terminal: &Terminal, language: &str) -> Vec<Shown> {
    let public_url = &visit.app.site.public_url;
    let own = |id, heading, what, path: &str, all: &[Sample]| {
        let sample = all.iter().find(|one| one.key == language).or_else(|| all.first());
        Shown {
            id,
            heading,
            what,
            reference: visit.href(path),
            title: sample.map(|one| format!("{}, {}", one.language, one.file)).unwrap_or_default(),
            text: sample.map(|one| with_own_key(&one.at(public_url), terminal)).unwrap_or_default(),
        }
    };
    let reference = "/developers/api-reference";
    vec![
        own(
            "create",
            "Create a payment",
            "Prints the payment’s transID and the page to send the customer to.",
            &format!("{reference}/simple-s2s"),
            &samples::CREATE_PAYMENT,
        ),
        Shown {
            id: "status",
            heading: "Ask how it stands",
            what: "By your own order number; by transID no key is needed.",
            reference: visit.href(&format!("{reference}/status-query")),
            title: "curl".to_owned(),
            text: format!(
                "curl -sS --fail-with-body -G '{public_url}/api/authurl/s2s/order-1001' \\\n  \
                 --data-urlencode 'public_key={}'",
                terminal.public_key()
            ),
        },
        own(
            "refund",
            "Give money back",
            "A live terminal needs its private key too, from the environment.",
            &format!("{reference}/refunds"),
            &samples::REFUND,
        ),
        own(
            "webhook",
            "Check a webhook’s signature",
            "With the terminal’s or the endpoint’s signing secret.",
            "/developers/webhooks",
            &samples::VERIFY_WEBHOOK,
        ),
    ]
}

/// A sample with this terminal's number and public key in place of the demo terminal's.
fn with_own_key(text: &str, terminal: &Terminal) -> String {
    let text = text.replace(DEMO_PUBLIC_KEY, terminal.public_key());
    let number = terminal.number.to_string();
    let mut parts = text.split("terNO");
    let mut own = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        own.push_str("terNO");
        // Between a field's name and its value there are a few signs, by language.
        match part.split_once(DEMO_TERMINAL) {
            Some((between, rest)) if between.len() <= 6 => {
                own.push_str(between);
                own.push_str(&number);
                own.push_str(rest);
            }
            Some(_) | None => own.push_str(part),
        }
    }
    own
}

#[derive(Template)]
#[template(path = "portal/developers_test_data.html")]
struct TestDataPage {
    shell: Shell,
    tabs: Vec<Tab>,
    is_live: bool,
    test_href: String,
    console_href: String,
    cards: &'static [TestCard],
    one_time_password: &'static str,
    refused_refund: &'static str,
    lab: Vec<LabCase>,
}

/// `GET /portal/{mode}/developers/test-data`
pub(super) async fn test_data(visit: Visit) -> Outcome {
    let lab = visit.app.counter.as_ref().map(|counter| counter.lab()).unwrap_or_default();
    let page = TestDataPage {
        shell: Shell::of(&visit, "Test data"),
        tabs: tabs(&visit, "/test-data"),
        is_live: visit.mode()? == Mode::Live,
        test_href: visit.href("/portal/test/developers/test-data"),
        console_href: visit.href("/portal/test/developers/console"),
        cards: &TEST_CARDS,
        one_time_password: ONE_TIME_PASSWORD,
        refused_refund: REFUSED_REFUND,
        lab,
    };
    Ok(desk_page(&visit.app, StatusCode::OK, &page))
}

/// An event with a sample of what is sent.
struct Event {
    name: &'static str,
    sentence: &'static str,
    is_sent: bool,
    sample: String,
}

#[derive(Template)]
#[template(path = "portal/developers_events.html")]
struct EventsPage {
    shell: Shell,
    tabs: Vec<Tab>,
    endpoints_href: String,
    events: Vec<Event>,
}

/// `GET /portal/{mode}/developers/events`
pub(super) async fn events(visit: Visit) -> Outcome {
    visit.mode()?;
    let event = |one: EventType| Event {
        name: one.name(),
        sentence: one.sentence(),
        is_sent: one.is_sent(),
        sample: serde_json::to_string_pretty(&event_catalogue::sample(one)).unwrap_or_default(),
    };
    let page = EventsPage {
        shell: Shell::of(&visit, "Events"),
        tabs: tabs(&visit, "/events"),
        endpoints_href: visit.in_mode("/webhooks/endpoints"),
        events: EventType::ALL.into_iter().map(event).collect(),
    };
    Ok(desk_page(&visit.app, StatusCode::OK, &page))
}
