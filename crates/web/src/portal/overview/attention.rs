//! What a merchant should look at now, and the first steps of who is new.

use crate::desk::trouble::Trouble;
use crate::desk::visit::Visit;
use crate::portal::words::{count, moment};
use domain::delivery::{DeliveryFilter, DeliveryState};
use domain::endpoint::{Endpoint, EndpointState};
use domain::terminal::{Approval, Mode, Terminal};
use domain::user::Permission;
use engine::summary::Summary;
use std::time::Duration;

/// Webhooks that were given up are told of for so long.
const LATELY: Duration = Duration::from_hours(7 * 24);
/// Terminals whose webhooks are counted, one question each.
const TERMINALS: usize = 50;

/// Something to look at.
pub(super) struct Attention {
    /// `bad` or `warn`.
    pub(super) class: &'static str,
    pub(super) text: String,
    pub(super) href: String,
    pub(super) link: &'static str,
}

/// A step of the list for who is new.
pub(super) struct Start {
    pub(super) class: &'static str,
    pub(super) title: &'static str,
    pub(super) text: &'static str,
    /// Where to do it; none when it is done, or not for this visitor.
    pub(super) href: Option<String>,
    pub(super) link: &'static str,
}

/// Everything that needs attention.
pub(super) async fn all(
    visit: &Visit,
    (mode, terminals, endpoints): (Mode, &[Terminal], &[Endpoint]),
    summary: Option<&Summary>,
) -> Result<Vec<Attention>, Trouble> {
    let of_mode = || terminals.iter().filter(|terminal| terminal.mode == mode);
    let mut all: Vec<Attention> = of_mode().filter_map(|one| refused(visit, one)).collect();
    all.extend(endpoints.iter().filter_map(|one| failing(visit, one)));
    let mut dead = 0_u64;
    for terminal in of_mode().take(TERMINALS) {
        let filter = DeliveryFilter {
            terminal: Some(terminal.number),
            state: Some(DeliveryState::Dead),
            from: Some(visit.app.gateway.clock().now().minus(LATELY)),
            ..DeliveryFilter::default()
        };
        let more = visit.app.gateway.count_deliveries(visit.actor(), filter).await?;
        dead = dead.saturating_add(more);
    }
    if dead > 0 {
        let (number, verb) = number_of(i64::try_from(dead).unwrap_or(i64::MAX), "webhook");
        all.push(Attention {
            class: "bad",
            text: format!(
                "{number} of the last 7 days {verb} given up: your server did not acknowledge."
            ),
            href: visit.in_mode("/webhooks?state=dead"),
            link: "See them and send them again",
        });
    }
    let unknown = summary.map_or(0, |summary| {
        let is_unknown = |state: &str| matches!(state, "unknown" | "reversing");
        let sums = summary.payments.iter().filter(|sum| is_unknown(&sum.state));
        sums.fold(0_i64, |all, sum| all.saturating_add(sum.count))
    });
    if unknown > 0 {
        let (number, verb) = number_of(unknown, "payment");
        all.push(Attention {
            class: "warn",
            text: format!("{number} {verb} not known at the bank yet. Do not ship, and do not charge again: the gateway keeps asking."),
            href: visit.in_mode("/payments?state=at_bank"),
            link: "See what is at the bank",
        });
    }
    Ok(all)
}

fn number_of(number: i64, noun: &str) -> (String, &'static str) {
    if number == 1 {
        (format!("1 {noun}"), "is")
    } else {
        (format!("{} {noun}s", count(number)), "are")
    }
}

fn refused(visit: &Visit, terminal: &Terminal) -> Option<Attention> {
    let Approval::Refused { reason } = &terminal.settings.approval else { return None };
    Some(Attention {
        class: "bad",
        text: format!("The operator refused terminal \u{201c}{}\u{201d}: {reason}", terminal.name),
        href: visit.in_mode(&format!("/terminals/{}", terminal.number)),
        link: "See the terminal",
    })
}

fn failing(visit: &Visit, endpoint: &Endpoint) -> Option<Attention> {
    let url = endpoint.url.as_str();
    let (class, text) = match endpoint.state {
        EndpointState::Failed => {
            ("bad", format!("The endpoint {url} was switched off: it failed for five days."))
        }
        EndpointState::Off => ("warn", format!("The endpoint {url} is off: it is sent nothing.")),
        EndpointState::On => {
            let since = moment(endpoint.failing_since?);
            ("warn", format!("The endpoint {url} has acknowledged nothing since {since}."))
        }
        EndpointState::Removed => return None,
    };
    let href = visit.in_mode(&format!("/webhooks?endpoint={}", endpoint.number));
    Some(Attention { class, text, href, link: "See its webhooks" })
}

/// What is to be done before the first payment.
pub(super) fn first_steps(visit: &Visit, terminals: &[Terminal], has_endpoint: bool) -> Vec<Start> {
    let has = |mode| terminals.iter().any(|terminal| terminal.mode == mode);
    let may = |permission, path: String| visit.may(permission).then_some(path);
    let mode = visit.mode_if_any().unwrap_or(Mode::Test);
    let terminal = (
        has(mode),
        "Add a terminal",
        "It has the keys that your shop sends payments with.",
        may(Permission::EditTerminals, visit.in_mode("/terminals")),
        "Terminals",
    );
    let endpoint = (
        has_endpoint,
        "Add a webhook endpoint",
        "Your server is told what became of a payment, signed.",
        may(Permission::EditWebhooks, visit.in_mode("/webhooks")),
        "Webhooks",
    );
    let steps = match mode {
        Mode::Test => vec![
            terminal,
            (
                false,
                "Send a first payment",
                "Copy a sample with your own key and run it, or send one from the console.",
                may(Permission::Keys, visit.in_mode("/developers")),
                "Samples",
            ),
            endpoint,
            (
                has(Mode::Live),
                "Ask for live",
                "Add a live terminal; the operator looks at it and approves it.",
                may(Permission::EditTerminals, visit.href("/portal/live/terminals")),
                "Live terminals",
            ),
        ],
        Mode::Live => vec![
            terminal,
            (
                terminals.iter().any(|one| one.mode == mode && one.takes_payments()),
                "Have it approved",
                "The operator looks at a live terminal before it takes payments.",
                may(Permission::EditTerminals, visit.in_mode("/terminals")),
                "See where it stands",
            ),
            endpoint,
            (
                false,
                "Take a first payment",
                "Put the live terminal's key in your shop's settings.",
                may(Permission::Keys, visit.in_mode("/developers")),
                "Samples",
            ),
        ],
    };
    let now = steps.iter().position(|(done, ..)| !done);
    let start = |(place, (done, title, text, href, link))| Start {
        class: match (done, Some(place) == now) {
            (true, _) => "done",
            (false, true) => "now",
            (false, false) => "",
        },
        title,
        text,
        href: if done { None } else { href },
        link,
    };
    steps.into_iter().enumerate().map(start).collect()
}
