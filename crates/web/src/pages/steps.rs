//! The steps beside a card's challenge: choosing a bank, going there, approving in a UPI app.
//! Built from plain inputs; whoever routes to them decides which one is due.

use super::figures::hour;
use super::marks;
use super::shell::{Asked, PaidWith, Shell, Summary};
use super::view::Page;
use super::words::Markup;
use crate::app::Site;
use crate::assets::{SCRIPT, STYLE};
use askama::Template;
use domain::terminal::Mode;
use domain::text::{WebAddress, initials};
use domain::time::Timestamp;

/// What all steps of a payment are built from.
#[derive(Clone, Debug)]
pub(super) struct Frame<'a> {
    pub(super) site: &'a Site,
    pub(super) asked: &'a Asked,
    pub(super) summary: Summary,
    pub(super) mode: Mode,
    /// The page's own path. The script listens at `<path>/events` for an event `changed`
    /// (`text/event-stream`), which says that the page has to be opened again; where it gets
    /// none, it looks at the page itself every three seconds.
    pub(super) path: String,
}

impl Frame<'_> {
    fn shell(&self, heading: &str, reload_after: Option<u64>) -> Shell {
        let summary = Some(&self.summary);
        let shell = Shell::new(self.site, self.asked, heading, summary, self.mode);
        Shell { reload_after, ..shell }
    }
}

/// What a waiting page shows of time, and where it looks for news.
#[derive(Clone, Debug)]
pub(super) struct Wait {
    pub(super) seconds_left: u64,
    /// When the time is over, as an hour.
    pub(super) until: String,
    /// The page itself.
    pub(super) link: String,
    /// Where events come from.
    pub(super) events: String,
}

impl Wait {
    /// How often a page without the script loads itself again, in seconds.
    const LOOKS_AFTER: u64 = 5;

    fn new(frame: &Frame<'_>, expires_at: Timestamp, now: Timestamp) -> Self {
        Self {
            // Rounded up: when the page looks again, the time is over.
            seconds_left: expires_at.since(now).as_secs().saturating_add(1),
            until: hour(frame.asked.language(), expires_at),
            link: frame.asked.link(&frame.path, &[]),
            events: format!("{}/events", frame.path),
        }
    }
}

/// What is chosen from a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Choice {
    Bank,
    Wallet,
}

impl Choice {
    /// What its messages are named by.
    const fn key(self) -> &'static str {
        match self {
            Self::Bank => "pick-bank",
            Self::Wallet => "pick-wallet",
        }
    }
}

/// A bank or wallet that can be chosen.
#[derive(Clone, Copy, Debug)]
pub(super) struct Choosable<'a> {
    /// What the form sends as `bankcode`.
    pub(super) code: &'a str,
    pub(super) name: &'a str,
    /// Whether it stands among the few at the top.
    pub(super) is_common: bool,
    /// Whether it is there for tests alone, and stands at the end.
    pub(super) is_test: bool,
}

/// A line of the list.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) code: String,
    pub(super) name: String,
    pub(super) initials: String,
}

/// Lines under a heading.
#[derive(Clone, Debug)]
pub(super) struct Group {
    pub(super) heading: String,
    pub(super) entries: Vec<Entry>,
}

/// The list of banks or wallets. Searching works without the script: `?q=`.
#[derive(Clone, Debug, Template)]
#[template(path = "pages/picker.html")]
pub(super) struct PickerPage {
    pub(super) shell: Shell,
    pub(super) summary: Summary,
    pub(super) heading: String,
    pub(super) explanation: String,
    pub(super) search_label: String,
    pub(super) query: String,
    pub(super) groups: Vec<Group>,
    /// Nothing can be chosen at all, whatever is searched for.
    pub(super) is_empty: bool,
    /// The page without a search.
    pub(super) link: String,
    /// The language, where the search has to carry it along.
    pub(super) chosen_language: Option<&'static str>,
}

impl PickerPage {
    /// `list` in the order in which it is shown; the query is the address's own `q`.
    pub(super) fn new(frame: Frame<'_>, choice: Choice, list: &[Choosable<'_>]) -> Self {
        let words = frame.asked.words();
        let query = frame.asked.parameter("q").unwrap_or_default().trim().to_owned();
        let sought = query.to_lowercase();
        let matches = |one: &&Choosable<'_>| {
            let name = one.name.to_lowercase();
            sought.split_whitespace().all(|word| name.contains(word))
        };
        let group = |key: &str, only: &dyn Fn(&Choosable<'_>) -> bool| Group {
            heading: words.text(key),
            entries: list
                .iter()
                .filter(|one| only(one))
                .filter(matches)
                .map(|one| Entry {
                    code: one.code.to_owned(),
                    name: one.name.to_owned(),
                    initials: initials(one.name),
                })
                .collect(),
        };
        let mut groups = if query.is_empty() {
            vec![
                group("pick-common", &|one| one.is_common),
                group("pick-others", &|one| !one.is_common && !one.is_test),
                group("pick-tests", &|one| one.is_test),
            ]
        } else {
            vec![group("pick-found", &|_any| true)]
        };
        groups.retain(|group| !group.entries.is_empty());
        let text = |part: &str| words.text(&format!("{}-{part}", choice.key()));
        let heading = text("heading");
        Self {
            shell: frame.shell(&heading, None),
            heading,
            explanation: text("text"),
            search_label: text("search"),
            query,
            groups,
            is_empty: list.is_empty(),
            link: frame.asked.link(&frame.path, &[]),
            chosen_language: frame.asked.chosen_code(),
            summary: frame.summary,
        }
    }
}

/// On to a bank that wants a form posted to it (`postrequest`).
#[derive(Clone, Debug, Template)]
#[template(path = "pages/handover.html")]
pub(super) struct HandoverPage {
    pub(super) shell: Shell,
    pub(super) summary: Summary,
    pub(super) bank: String,
    pub(super) action: WebAddress,
    pub(super) host: String,
    pub(super) fields: Vec<(String, String)>,
}

impl HandoverPage {
    /// The fields go to `action` as they are.
    pub(super) fn new(
        frame: Frame<'_>,
        bank: &str,
        action: WebAddress,
        fields: Vec<(String, String)>,
    ) -> Self {
        let heading = frame.shell("", None).plain_with("handover-heading", "bank", bank);
        let origin = origin_of(&action);
        Self {
            shell: frame.shell(&heading, None),
            bank: bank.to_owned(),
            host: origin.split_once("://").map_or(origin, |(_scheme, host)| host).to_owned(),
            action,
            fields,
            summary: frame.summary,
        }
    }
}

/// Scheme, host and port: everything before the path. A parsed address always has one.
fn origin_of(address: &WebAddress) -> &str {
    let text = address.as_str();
    let host = text.find("://").map_or(0, |at| at.saturating_add(3));
    let rest = text.get(host..).unwrap_or_default();
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    text.get(..host.saturating_add(end)).unwrap_or(text)
}

/// A payment request went to the customer's UPI app.
#[derive(Clone, Debug, Template)]
#[template(path = "pages/upi_wait.html")]
pub(super) struct UpiWaitPage {
    pub(super) shell: Shell,
    pub(super) summary: Summary,
    /// Where the request went, masked.
    pub(super) address: String,
    pub(super) wait: Wait,
}

impl UpiWaitPage {
    /// `address` is the UPI address as far as it is shown.
    pub(super) fn new(
        frame: Frame<'_>,
        address: &str,
        expires_at: Timestamp,
        now: Timestamp,
    ) -> Self {
        let heading = frame.asked.words().text("upi-wait-heading");
        let wait = Wait::new(&frame, expires_at, now);
        let address = address.to_owned();
        let paid_with = Some(PaidWith::Upi { address: address.clone() });
        Self {
            shell: frame.shell(&heading, Some(Wait::LOOKS_AFTER)),
            address,
            wait,
            summary: Summary { paid_with, ..frame.summary },
        }
    }
}

/// On what the customer reads the page of a UPI payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Screen {
    /// The code is scanned from it.
    Computer,
    /// The UPI app is on the same device.
    Phone,
}

/// What a UPI app is told.
#[derive(Clone, Debug)]
pub(super) struct UpiQr {
    /// A whole `<svg>` of our own making, without a name of its own.
    pub(super) svg: Markup,
    /// `upi://pay?…`, or a link into an app.
    pub(super) app_link: String,
    /// The payee's UPI address.
    pub(super) payee: String,
    pub(super) screen: Screen,
    /// Whether the shop had asked for a collect request.
    pub(super) replaces_collect: bool,
}

impl UpiQr {
    const fn is_phone(&self) -> bool {
        matches!(self.screen, Screen::Phone)
    }
}

/// A UPI payment by QR code or by an app on the same phone.
#[derive(Clone, Debug, Template)]
#[template(path = "pages/upi_qr.html")]
pub(super) struct UpiQrPage {
    pub(super) shell: Shell,
    pub(super) summary: Summary,
    pub(super) qr: UpiQr,
    pub(super) wait: Wait,
}

impl UpiQrPage {
    pub(super) fn new(frame: Frame<'_>, qr: UpiQr, expires_at: Timestamp, now: Timestamp) -> Self {
        let heading = frame.asked.words().text("upi-qr-heading");
        Self {
            shell: frame.shell(&heading, Some(Wait::LOOKS_AFTER.saturating_mul(2))),
            qr,
            wait: Wait::new(&frame, expires_at, now),
            summary: frame.summary,
        }
    }
}

/// The customer is back, and the bank has not decided.
#[derive(Clone, Debug, Template)]
#[template(path = "pages/at_bank.html")]
pub(super) struct AtBankPage {
    pub(super) shell: Shell,
    pub(super) summary: Summary,
    pub(super) bank: String,
    /// Where the customer finishes at the bank.
    pub(super) bank_link: String,
    pub(super) wait: Wait,
}

impl AtBankPage {
    pub(super) fn new(
        frame: Frame<'_>,
        bank: &str,
        bank_link: String,
        expires_at: Timestamp,
        now: Timestamp,
    ) -> Self {
        let heading = frame.shell("", None).plain_with("at-bank-heading", "bank", bank);
        Self {
            shell: frame.shell(&heading, Some(Wait::LOOKS_AFTER)),
            bank: bank.to_owned(),
            bank_link,
            wait: Wait::new(&frame, expires_at, now),
            summary: frame.summary,
        }
    }
}

/// Whose part a tester plays at the sandbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SandboxRole {
    Bank,
    Wallet,
    UpiApp,
    Issuer,
}

impl SandboxRole {
    const fn key(self) -> &'static str {
        match self {
            Self::Bank => "sandbox-bank",
            Self::Wallet => "sandbox-wallet",
            Self::UpiApp => "sandbox-upi",
            Self::Issuer => "sandbox-issuer",
        }
    }

    /// Its mark, a path in 24 by 16.
    const fn drawing(self) -> &'static str {
        match self {
            Self::Bank => marks::BANK,
            Self::Wallet => marks::WALLET,
            Self::UpiApp => marks::UPI,
            Self::Issuer => marks::CARD,
        }
    }
}

/// What has become of an order at the sandbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SandboxOrder {
    Open,
    Paid,
    Refused,
    Closed,
    Unknown,
}

impl SandboxOrder {
    /// What its messages are named by.
    const fn key(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Paid => "paid",
            Self::Refused => "refused",
            Self::Closed => "closed",
            Self::Unknown => "unknown",
        }
    }

    const fn is_open(self) -> bool {
        matches!(self, Self::Open)
    }

    /// The class in the style sheet.
    const fn tone(self) -> &'static str {
        match self {
            Self::Open => "waiting",
            Self::Paid => "approved",
            Self::Refused => "declined",
            Self::Closed | Self::Unknown => "neutral",
        }
    }

    /// The sign in the badge: a path in 48 by 48.
    const fn drawing(self) -> &'static str {
        match self {
            Self::Open => "M24 13v11.5l7 4",
            Self::Paid => "m14.5 24.5 6.5 6.5 12.5-13.5",
            Self::Refused => "m17 17 14 14m0-14-14 14",
            Self::Closed => "M15 24h18",
            Self::Unknown => "M24 13v14M24 33.5v.5",
        }
    }
}

/// The sandbox's own page, where a tester plays the bank's customer. The form sends `decision`:
/// `approve`, `decline` or `cancel`.
#[derive(Clone, Debug, Template)]
#[template(path = "pages/sandbox_bank.html")]
pub(super) struct SandboxBankPage {
    pub(super) shell: Shell,
    /// None of an order that the sandbox does not know.
    pub(super) summary: Option<Summary>,
    pub(super) role: SandboxRole,
    pub(super) role_name: String,
    pub(super) bank: String,
    pub(super) order: SandboxOrder,
    pub(super) heading: String,
    pub(super) explanation: String,
    /// What has become of the order.
    pub(super) state: String,
    /// Back to the payment's page; none where the payment is not known.
    pub(super) back: Option<String>,
}

impl SandboxBankPage {
    /// An order that is unknown is shown without the frame's summary.
    pub(super) fn new(
        frame: Frame<'_>,
        role: SandboxRole,
        bank: &str,
        order: SandboxOrder,
        back: Option<String>,
    ) -> Self {
        let words = frame.asked.words();
        let (heading, explanation) = if order.is_open() {
            (words.text("sandbox-heading"), String::new())
        } else {
            let heading = match order {
                SandboxOrder::Open | SandboxOrder::Paid | SandboxOrder::Refused => {
                    format!("sandbox-state-{}", order.key())
                }
                SandboxOrder::Closed | SandboxOrder::Unknown => {
                    format!("sandbox-{}-heading", order.key())
                }
            };
            (words.text(&heading), words.text(&format!("sandbox-{}-text", order.key())))
        };
        // The bank's page has the house's looks, not the merchant's.
        let shell = Shell::new(frame.site, frame.asked, &heading, None, Mode::Test);
        Self {
            shell: Shell { title: words.title(&heading, bank), ..shell },
            summary: (order != SandboxOrder::Unknown).then_some(frame.summary),
            role,
            role_name: words.text(role.key()),
            bank: bank.to_owned(),
            order,
            heading,
            explanation,
            state: words.text(&format!("sandbox-state-{}", order.key())),
            back,
        }
    }
}

macro_rules! pages {
    ($($page:ty),+ $(,)?) => {
        $(impl Page for $page {
            fn shell(&self) -> &Shell {
                &self.shell
            }
        })+
    };
}

pages!(PickerPage, UpiWaitPage, UpiQrPage, AtBankPage, SandboxBankPage);

impl Page for HandoverPage {
    fn shell(&self) -> &Shell {
        &self.shell
    }

    fn form_target(&self) -> Option<&str> {
        Some(origin_of(&self.action))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_goes_to_one_origin() {
        for (address, origin) in [
            ("https://bank.example/pay?x=1", "https://bank.example"),
            ("https://bank.example:8443", "https://bank.example:8443"),
            ("http://127.0.0.1:9004/a/b", "http://127.0.0.1:9004"),
        ] {
            assert_eq!(origin_of(&WebAddress::parse(address).unwrap()), origin);
        }
    }
}
