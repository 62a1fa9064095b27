//! What the templates are given: typed, and already in the words and digits that a customer reads.

use super::words;
use crate::app::Site;
use crate::assets::{SCRIPT, STYLE};
use askama::Template;
use domain::money::Money;
use domain::payment::{Payment, State};
use domain::terminal::{Mode, Terminal};
use domain::time::Timestamp;
use engine::payment::CustomerPage;
use engine::ports::ChallengeView;
use std::fmt::Display;

/// What every page has around its content.
#[derive(Clone, Debug)]
pub(super) struct Shell {
    pub(super) title: String,
    /// The gateway's public host, so that the customer can compare it with the address bar.
    pub(super) host: String,
    /// What links to this site begin with.
    pub(super) base: String,
    pub(super) test: bool,
    /// The sandbox's hint, in test mode.
    pub(super) hint: Option<String>,
    /// Without JavaScript the page is loaded again after so many seconds. Only then: a page that
    /// jumps while somebody reads it is a barrier, and the script does it more gently.
    pub(super) reload_after: Option<u64>,
}

impl Shell {
    fn new(site: &Site, title: String, mode: Mode) -> Self {
        Self {
            title,
            host: site.host().to_owned(),
            base: site.base_path().to_owned(),
            test: mode == Mode::Test,
            hint: None,
            reload_after: None,
        }
    }
}

/// A card as customers know theirs.
#[derive(Clone, Debug)]
pub(super) struct CardLine {
    pub(super) brand: &'static str,
    pub(super) last_four: String,
}

/// What is paid: the same on every page of a payment.
#[derive(Clone, Debug)]
pub(super) struct Summary {
    pub(super) merchant: String,
    /// The merchant's mark, in the place of a logo.
    pub(super) initial: String,
    pub(super) amount: String,
    pub(super) currency: String,
    pub(super) product: String,
    pub(super) reference: String,
    pub(super) card: Option<CardLine>,
}

impl Summary {
    /// Whether the amount needs smaller letters and a button of its own width.
    const fn is_long(&self) -> bool {
        self.amount.len() > 9
    }

    fn of(payment: &Payment, terminal: &Terminal) -> Self {
        let merchant = terminal.merchant_name.clone();
        let card = payment.method.card.as_ref();
        Self {
            initial: initial_of(&merchant),
            merchant,
            amount: grouped(payment.amount),
            currency: payment.amount.currency().code().to_owned(),
            product: payment.request.product_name.as_str().to_owned(),
            reference: payment.reference.as_str().to_owned(),
            card: card.map(|card| CardLine {
                brand: card.brand.name(),
                last_four: card.last_four.clone(),
            }),
        }
    }
}

/// Why the page is shown again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Again {
    /// The code was wrong.
    Wrong,
    /// There was no code.
    Empty,
    /// The bank could not be asked.
    Unavailable,
}

impl Again {
    /// The value in the page's address.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Wrong => "wrong",
            Self::Empty => "empty",
            Self::Unavailable => "unavailable",
        }
    }

    /// By its value.
    pub(super) fn from_name(name: &str) -> Option<Self> {
        [Self::Wrong, Self::Empty, Self::Unavailable].into_iter().find(|it| it.name() == name)
    }
}

/// The bank's challenge.
#[derive(Clone, Debug, Template)]
#[template(path = "pages/challenge.html")]
pub(super) struct ChallengePage {
    pub(super) shell: Shell,
    pub(super) summary: Summary,
    pub(super) bank: String,
    pub(super) sent_to: String,
    pub(super) tries_left: u32,
    pub(super) seconds_left: u64,
    /// When the time is over, as an hour.
    pub(super) until: String,
    /// What is wrong with the code.
    pub(super) problem: Option<String>,
    /// What is wrong elsewhere.
    pub(super) notice: Option<&'static str>,
}

impl ChallengePage {
    pub(super) fn new(
        site: &Site,
        page: &CustomerPage,
        challenge: &ChallengeView,
        again: Option<Again>,
        now: Timestamp,
    ) -> Self {
        let summary = Summary::of(&page.payment, &page.terminal);
        let expires_at = page.payment.state.customer_has_until().unwrap_or(now);
        // Rounded up: when the page looks again, the time is over.
        let seconds_left = expires_at.since(now).as_secs().saturating_add(1);
        let title = words::title(words::CHALLENGE_HEADING, &summary.merchant);
        let shell = Shell::new(site, title, page.payment.mode);
        let (problem, notice) = match again {
            Some(Again::Wrong) => (Some(words::code_was_wrong(challenge.tries_left)), None),
            Some(Again::Empty) => (Some(words::CODE_MISSING.to_owned()), None),
            Some(Again::Unavailable) => (None, Some(words::BANK_UNAVAILABLE)),
            None => (None, None),
        };
        Self {
            shell: Shell {
                hint: challenge.hint.clone(),
                reload_after: Some(seconds_left.saturating_add(1)),
                ..shell
            },
            summary,
            bank: challenge.bank_name.clone(),
            sent_to: challenge.sent_to.clone(),
            tries_left: challenge.tries_left,
            seconds_left,
            until: hour(expires_at),
            problem,
            notice,
        }
    }
}

/// The bank is being asked, or its answer is not known.
#[derive(Clone, Debug, Template)]
#[template(path = "pages/confirming.html")]
pub(super) struct ConfirmingPage {
    pub(super) shell: Shell,
    pub(super) summary: Summary,
    /// This page.
    pub(super) link: String,
}

impl ConfirmingPage {
    /// How often the page looks by itself, in seconds.
    const LOOKS_AFTER: u64 = 3;

    pub(super) fn new(site: &Site, payment: &Payment, terminal: &Terminal) -> Self {
        let summary = Summary::of(payment, terminal);
        let title = words::title(words::CONFIRMING_HEADING, &summary.merchant);
        let shell = Shell::new(site, title, payment.mode);
        Self {
            shell: Shell { reload_after: Some(Self::LOOKS_AFTER), ..shell },
            summary,
            link: path_of(site, payment.id),
        }
    }
}

/// How a payment ended, as a customer sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    Approved,
    Refunding,
    PartlyRefunded,
    Refunded,
    Declined,
    Expired,
    Cancelled,
    Reversed,
    Failed,
    Pending,
}

impl Ending {
    const fn of(state: &State) -> Self {
        match state {
            State::Waiting { .. }
            | State::Challenged { .. }
            | State::Sending(_)
            | State::Unknown(_)
            | State::Reversing(_)
            | State::Presented(_) => Self::Pending,
            State::Approved { taken, .. } if taken.refunding_minor > 0 => Self::Refunding,
            State::Approved { taken, .. } if taken.refunded_minor > 0 => {
                if taken.refunded_minor < taken.captured_minor {
                    Self::PartlyRefunded
                } else {
                    Self::Refunded
                }
            }
            State::Authorised(_)
            | State::Capturing { .. }
            | State::Voiding { .. }
            | State::Approved { .. } => Self::Approved,
            State::Reversed { .. } => Self::Reversed,
            State::Declined { .. } => Self::Declined,
            State::Expired { .. } => Self::Expired,
            State::Cancelled { .. } => Self::Cancelled,
            State::Failed { .. } => Self::Failed,
        }
    }

    /// Whether the bank's words tell more than heading and explanation do.
    const fn has_reason(self) -> bool {
        matches!(self, Self::Declined)
    }

    const fn words(self) -> words::ResultWords {
        match self {
            Self::Approved => words::APPROVED,
            Self::Refunding => words::REFUNDING,
            Self::PartlyRefunded => words::PARTLY_REFUNDED,
            Self::Refunded => words::REFUNDED,
            Self::Declined => words::DECLINED,
            Self::Expired => words::EXPIRED,
            Self::Cancelled => words::CANCELLED,
            Self::Reversed => words::REVERSED,
            Self::Failed => words::FAILED,
            Self::Pending => words::PENDING,
        }
    }

    const fn heading(self) -> &'static str {
        self.words().heading
    }

    const fn explanation(self) -> &'static str {
        self.words().explanation
    }

    /// The class in the style sheet.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::Declined => "declined",
            Self::Expired => "expired",
            Self::Cancelled | Self::Reversed | Self::PartlyRefunded | Self::Refunded => "cancelled",
            Self::Failed => "failed",
            Self::Refunding | Self::Pending => "waiting",
        }
    }

    /// The sign in the badge: a path in 48 by 48.
    const fn drawing(self) -> &'static str {
        match self {
            Self::Approved => "m14.5 24.5 6.5 6.5 12.5-13.5",
            Self::Declined => "m17 17 14 14m0-14-14 14",
            Self::Expired | Self::Refunding | Self::Pending => "M24 13v11.5l7 4",
            Self::Cancelled | Self::Reversed => "M15 24h18",
            // Back to where it came from.
            Self::PartlyRefunded | Self::Refunded => "M33 24H15m0 0 7.5-7.5M15 24l7.5 7.5",
            Self::Failed => "M24 13v14M24 33.5v.5",
        }
    }
}

/// What became of a payment; this page stays.
#[derive(Clone, Debug, Template)]
#[template(path = "pages/result.html")]
pub(super) struct ResultPage {
    pub(super) shell: Shell,
    pub(super) summary: Summary,
    pub(super) outcome: Ending,
    pub(super) response: &'static str,
    pub(super) trans_id: String,
    pub(super) time: String,
    pub(super) time_iso: String,
    pub(super) rrn: Option<String>,
    pub(super) descriptor: Option<String>,
    /// Back to the shop with the result, or on with the payment.
    pub(super) link: String,
    pub(super) link_text: String,
}

impl ResultPage {
    /// `return_link` leads back to the shop.
    pub(super) fn new(
        site: &Site,
        payment: &Payment,
        terminal: &Terminal,
        return_link: &str,
    ) -> Self {
        let summary = Summary::of(payment, terminal);
        let outcome = Ending::of(&payment.state);
        let (link, link_text) = match outcome {
            Ending::Pending => (path_of(site, payment.id), words::CONTINUE_PAYMENT.to_owned()),
            Ending::Approved
            | Ending::Refunding
            | Ending::PartlyRefunded
            | Ending::Refunded
            | Ending::Declined
            | Ending::Expired
            | Ending::Cancelled
            | Ending::Reversed
            | Ending::Failed => (return_link.to_owned(), words::return_to(&summary.merchant)),
        };
        let at = payment.state.decided_at().unwrap_or(payment.created_at);
        let bank = payment.state.bank();
        let title = words::title(outcome.heading(), &summary.merchant);
        Self {
            shell: Shell::new(site, title, payment.mode),
            summary,
            outcome,
            response: payment.state.response(),
            trans_id: payment.id.to_string(),
            time: minute(at),
            time_iso: at.to_rfc3339(),
            rrn: bank.and_then(|bank| bank.rrn.clone()),
            descriptor: bank.and_then(|bank| bank.descriptor.clone()),
            link,
            link_text,
        }
    }
}

/// A page without a payment: what is wrong, and what to do.
#[derive(Clone, Debug, Template)]
#[template(path = "pages/message.html")]
pub(super) struct MessagePage {
    pub(super) shell: Shell,
    pub(super) message: words::Message,
    /// Where "try again" leads, where trying again may help.
    pub(super) retry: Option<String>,
}

impl MessagePage {
    pub(super) fn new(site: &Site, message: words::Message, retry: Option<String>) -> Self {
        let shell = Shell::new(site, message.heading.to_owned(), Mode::Live);
        Self { shell, message, retry }
    }
}

/// The page's address inside this site; `id` is whatever names the payment in it.
pub(super) fn path_of(site: &Site, id: impl Display) -> String {
    format!("{}/api/authurl/{id}", site.base_path())
}

fn initial_of(name: &str) -> String {
    let first = name.chars().find(|letter| letter.is_alphanumeric()).unwrap_or('•');
    first.to_uppercase().to_string()
}

/// An amount with its thousands apart; rupees by the Indian custom, 1,11,111.00.
fn grouped(amount: Money) -> String {
    let text = amount.to_decimal_text();
    let (whole, fraction) = text.split_at(text.find('.').unwrap_or(text.len()));
    let further = if amount.currency().code() == "INR" { 2 } else { 3 };
    let mut result = String::new();
    for (place, digit) in whole.chars().enumerate() {
        let left = whole.len().saturating_sub(place);
        let is_edge = left == 3 || (left > 3 && left.saturating_sub(3).is_multiple_of(further));
        if place > 0 && is_edge {
            result.push(',');
        }
        result.push(digit);
    }
    result.push_str(fraction);
    result
}

/// `2025-04-26 14:16 UTC`
fn minute(at: Timestamp) -> String {
    format!("{} UTC", at.to_page_text().get(..16).unwrap_or_default())
}

/// `14:16 UTC`
fn hour(at: Timestamp) -> String {
    format!("{} UTC", at.to_page_text().get(11..16).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::money::Currency;

    #[test]
    fn amounts_are_grouped() {
        for (amount, currency, text) in [
            ("11.11", "USD", "11.11"),
            ("999", "USD", "999.00"),
            ("1000", "JPY", "1,000"),
            ("1234567.5", "EUR", "1,234,567.50"),
            ("111111", "INR", "1,11,111.00"),
            ("99999999.99", "INR", "9,99,99,999.99"),
            ("1000", "INR", "1,000.00"),
            ("1234.5", "BHD", "1,234.500"),
        ] {
            let money = Money::parse(amount, Currency::from_code(currency).unwrap()).unwrap();
            assert_eq!(grouped(money), text);
        }
    }

    #[test]
    fn a_merchant_has_a_mark() {
        for (name, mark) in [("Demo Shop", "D"), ("«été»", "É"), ("…", "•"), ("7 Bakers", "7")]
        {
            assert_eq!(initial_of(name), mark);
        }
    }

    #[test]
    fn times_are_short() {
        let at = Timestamp::from_micros(1_745_676_966_000_657);
        assert_eq!((&*minute(at), &*hour(at)), ("2025-04-26 14:16 UTC", "14:16 UTC"));
    }
}
