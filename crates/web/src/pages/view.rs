//! What the templates are given: typed, and already in the words and digits that a customer reads.

use super::figures::{hour, minute};
use super::shell::{Asked, Shell, Summary};
use super::words::{Markup, Value, Words};
use crate::app::Site;
use crate::assets::{SCRIPT, STYLE};
use askama::Template;
use domain::outcome::DeclineReason;
use domain::payment::{Payment, State};
use domain::terminal::{Mode, Terminal};
use domain::time::Timestamp;
use engine::payment::CustomerPage;
use engine::ports::ChallengeView;
use std::fmt::Display;

/// Why the page is shown again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Again {
    /// The code was wrong.
    Wrong,
    /// There was no code.
    Empty,
    /// The bank could not be asked.
    Unavailable,
    /// A new code was sent.
    Resent,
}

impl Again {
    /// The value in the page's address.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Wrong => "wrong",
            Self::Empty => "empty",
            Self::Unavailable => "unavailable",
            Self::Resent => "resent",
        }
    }

    /// By its value.
    pub(super) fn from_name(name: &str) -> Option<Self> {
        [Self::Wrong, Self::Empty, Self::Unavailable, Self::Resent]
            .into_iter()
            .find(|it| it.name() == name)
    }
}

/// What is told above the form.
#[derive(Clone, Debug)]
pub(super) struct Notice {
    pub(super) text: String,
    /// Whether it is good news.
    pub(super) is_good: bool,
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
    /// How many new codes may be asked for; none where the bank sends just one.
    pub(super) resends_left: Option<u32>,
    pub(super) seconds_left: u64,
    /// When the time is over, as an hour.
    pub(super) until: String,
    /// What is wrong with the code.
    pub(super) problem: Option<Markup>,
    pub(super) notice: Option<Notice>,
}

impl ChallengePage {
    /// `resends_left` is how many new codes the customer may ask for, none where the bank sends
    /// just one.
    pub(super) fn new(
        site: &Site,
        asked: &Asked,
        page: &CustomerPage,
        challenge: &ChallengeView,
        (again, resends_left): (Option<Again>, Option<u32>),
        now: Timestamp,
    ) -> Self {
        let words = asked.words();
        let summary = Summary::of(asked.language(), &page.payment, &page.terminal);
        let expires_at = page.payment.state.customer_has_until().unwrap_or(now);
        // Rounded up: when the page looks again, the time is over.
        let seconds_left = expires_at.since(now).as_secs().saturating_add(1);
        let heading = words.text("challenge-heading");
        let shell = Shell::new(site, asked, &heading, Some(&summary), page.payment.mode);
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
            resends_left,
            seconds_left,
            until: hour(asked.language(), expires_at),
            problem: problem(words, again, challenge.tries_left),
            notice: notice(words, again),
        }
    }
}

/// What is wrong with the code.
pub(super) fn problem(words: Words, again: Option<Again>, tries_left: u32) -> Option<Markup> {
    match again? {
        Again::Wrong => {
            let number = [("number", Value::Number(tries_left.into()))];
            Some(words.html("code-wrong", &number))
        }
        Again::Empty => Some(words.html("code-missing", &[])),
        Again::Unavailable | Again::Resent => None,
    }
}

/// What is told above the form.
pub(super) fn notice(words: Words, again: Option<Again>) -> Option<Notice> {
    match again? {
        Again::Unavailable => Some(Notice { text: words.text("bank-unavailable"), is_good: false }),
        Again::Resent => Some(Notice { text: words.text("code-resent"), is_good: true }),
        Again::Wrong | Again::Empty => None,
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
    pub(super) const LOOKS_AFTER: u64 = 3;

    pub(super) fn new(site: &Site, asked: &Asked, payment: &Payment, terminal: &Terminal) -> Self {
        let summary = Summary::of(asked.language(), payment, terminal);
        let heading = asked.words().text("confirming-heading");
        let shell = Shell::new(site, asked, &heading, Some(&summary), payment.mode);
        Self {
            shell: Shell { reload_after: Some(Self::LOOKS_AFTER), ..shell },
            summary,
            link: asked.link(&path_of(site, payment.id), &[]),
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

    /// What its messages are named by.
    const fn key(self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::Refunding => "refunding",
            Self::PartlyRefunded => "partly-refunded",
            Self::Refunded => "refunded",
            Self::Declined => "declined",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
            Self::Reversed => "reversed",
            Self::Failed => "failed",
            Self::Pending => "pending",
        }
    }

    pub(super) fn heading(self, words: Words) -> String {
        words.text(&format!("{}-heading", self.key()))
    }

    /// What it means for the customer. With `late_possible` the bank may still report that it took
    /// the money, and nothing may promise that it did not.
    pub(super) fn explanation(self, words: Words, late_possible: bool) -> String {
        match self {
            Self::Expired if late_possible => words.text("expired-late-text"),
            Self::Cancelled if late_possible => words.text("cancelled-late-text"),
            Self::Expired
            | Self::Cancelled
            | Self::Approved
            | Self::Refunding
            | Self::PartlyRefunded
            | Self::Refunded
            | Self::Declined
            | Self::Reversed
            | Self::Failed
            | Self::Pending => words.text(&format!("{}-text", self.key())),
        }
    }

    /// What follows from a payment that the bank may have taken all the same.
    pub(super) fn late(self, words: Words, late_possible: bool, merchant: &str) -> Option<Markup> {
        let may = late_possible && matches!(self, Self::Expired | Self::Cancelled);
        may.then(|| words.html("late", &[("merchant", Value::Text(merchant))]))
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

    /// Whether the sign points to where the line begins, and turns with the writing's direction.
    const fn points_back(self) -> bool {
        matches!(self, Self::PartlyRefunded | Self::Refunded)
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
    pub(super) heading: String,
    pub(super) explanation: String,
    pub(super) late: Option<Markup>,
    /// Why it was declined.
    pub(super) reason: Option<String>,
    pub(super) trans_id: String,
    pub(super) time: String,
    pub(super) time_iso: String,
    pub(super) rrn: Option<String>,
    pub(super) descriptor: Option<String>,
    /// Back to the shop with the result, or on with the payment.
    pub(super) link: String,
    pub(super) link_text: Markup,
}

impl ResultPage {
    /// `return_link` leads back to the shop. `late_possible` says of an expired or cancelled
    /// payment that the bank may still report it as paid.
    pub(super) fn new(
        site: &Site,
        asked: &Asked,
        payment: &Payment,
        terminal: &Terminal,
        return_link: &str,
        late_possible: bool,
    ) -> Self {
        let words = asked.words();
        let summary = Summary::of(asked.language(), payment, terminal);
        let outcome = Ending::of(&payment.state);
        let heading = outcome.heading(words);
        let (link, link_text) = if outcome == Ending::Pending {
            let link = asked.link(&path_of(site, payment.id), &[]);
            (link, words.html("continue-payment", &[]))
        } else {
            let merchant = [("merchant", Value::Text(&summary.merchant))];
            (return_link.to_owned(), words.html("return-to", &merchant))
        };
        let at = payment.state.decided_at().unwrap_or(payment.created_at);
        let bank = payment.state.bank();
        Self {
            shell: Shell::new(site, asked, &heading, Some(&summary), payment.mode),
            outcome,
            heading,
            explanation: outcome.explanation(words, late_possible),
            late: outcome.late(words, late_possible, &summary.merchant),
            summary,
            reason: reason(&payment.state).map(|reason| words.reason(reason)),
            trans_id: payment.id.to_string(),
            time: minute(asked.language(), at),
            time_iso: at.to_rfc3339(),
            rrn: bank.and_then(|bank| bank.rrn.clone()),
            descriptor: bank.and_then(|bank| bank.descriptor.clone()),
            link,
            link_text,
        }
    }
}

/// Why it was declined, if it was.
const fn reason(state: &State) -> Option<DeclineReason> {
    if let State::Declined { reason, .. } = state { Some(*reason) } else { None }
}

/// Why there is no payment to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Message {
    NotFound,
    TooMany,
    CrossSite,
    TooLarge,
    Trouble,
}

impl Message {
    /// What its messages are named by.
    pub(super) const fn key(self) -> &'static str {
        match self {
            Self::NotFound => "not-found",
            Self::TooMany => "too-many",
            Self::CrossSite => "cross-site",
            Self::TooLarge => "too-large",
            Self::Trouble => "trouble",
        }
    }
}

/// A page without a payment: what is wrong, and what to do.
#[derive(Clone, Debug, Template)]
#[template(path = "pages/message.html")]
pub(super) struct MessagePage {
    pub(super) shell: Shell,
    pub(super) heading: String,
    pub(super) text: String,
    pub(super) advice: String,
    /// Where "try again" leads, where trying again may help.
    pub(super) retry: Option<String>,
}

impl MessagePage {
    pub(super) fn new(site: &Site, asked: &Asked, message: Message, retry: Option<String>) -> Self {
        let part = |part: &str| asked.words().text(&format!("{}-{part}", message.key()));
        let heading = part("heading");
        Self {
            shell: Shell::new(site, asked, &heading, None, Mode::Live),
            heading,
            text: part("text"),
            advice: part("advice"),
            retry,
        }
    }
}

/// A page that can be shown: it has a shell.
pub(super) trait Page: Template {
    /// What is around the content.
    fn shell(&self) -> &Shell;

    /// The one other origin that the page's form goes to, of a page that hands over.
    fn form_target(&self) -> Option<&str> {
        None
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

pages!(ChallengePage, ConfirmingPage, ResultPage, MessagePage);

/// The page's address inside this site.
pub(super) fn path_of(site: &Site, id: impl Display) -> String {
    format!("{}/api/authurl/{id}", site.base_path())
}
