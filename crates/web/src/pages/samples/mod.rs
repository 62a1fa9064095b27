//! Every page in every state, with sample data: rendered by a test, and shown by the example
//! `pages_preview` to people and to the browser suite.

mod steps;

use super::figures::{Amount, hour, minute};
use super::shell::{Asked, PaidWith, Shell, Summary};
use super::theme::{ThemeLink, logo_path, logo_response};
use super::view::{
    self, Again, ChallengePage, ConfirmingPage, Ending, Message, MessagePage, Page, ResultPage,
};
use super::words::{Value, Words};
use crate::app::Site;
use crate::html::{CONTENT_SECURITY_POLICY, policy_with_form_target};
use askama::DynTemplate;
use axum::response::Response;
use domain::card::Brand;
use domain::id::TerminalNumber;
use domain::money::{Currency, Money};
use domain::terminal::Mode;
use domain::theme::{Logo, Theme};
use domain::time::Timestamp;
use std::fmt;

/// A page, not rendered yet.
pub struct Sample {
    /// Its name in the preview's addresses.
    pub name: &'static str,
    page: Box<dyn DynTemplate + Send + Sync>,
    form_target: Option<String>,
}

impl Sample {
    fn new(name: &'static str, page: impl Page + Send + Sync + 'static) -> Self {
        let form_target = page.form_target().map(str::to_owned);
        Self { name, page: Box::new(page), form_target }
    }

    /// The content security policy that it is sent with.
    pub fn policy(&self) -> String {
        let target = self.form_target.as_deref();
        target.map_or_else(|| CONTENT_SECURITY_POLICY.to_owned(), policy_with_form_target)
    }

    /// The page.
    pub fn render(&self) -> Result<String, askama::Error> {
        self.page.dyn_render()
    }
}

impl fmt::Debug for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// All pages in all states.
pub fn samples(site: &Site, asked: &Asked) -> Vec<Sample> {
    let preview = Preview { site, asked };
    let mut samples = vec![Sample::new("confirming", preview.confirming())];
    let challenges = preview.challenges().into_iter();
    samples.extend(challenges.map(|(name, page)| Sample::new(name, page)));
    let results = preview.results().into_iter();
    samples.extend(results.map(|(name, page)| Sample::new(name, page)));
    samples.extend(preview.steps());
    let themed = preview.themed().into_iter();
    samples.extend(themed.map(|(name, page)| Sample::new(name, page)));
    let messages = preview.messages().into_iter();
    samples.extend(messages.map(|(name, page)| Sample::new(name, page)));
    samples
}

/// Whose logo the samples show.
const LOGO_OF: TerminalNumber = TerminalNumber(42);

/// A logo of our own drawing.
fn logo() -> Option<Logo> {
    let svg = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 60 24\">\
        <circle cx=\"12\" cy=\"12\" r=\"10\" fill=\"#6a1fb0\"/>\
        <path d=\"M28 6h28v3H28zm0 5h20v3H28zm0 5h24v3H28z\" fill=\"#222\"/></svg>";
    Logo::parse(svg.as_bytes()).ok()
}

/// The samples' logo: where pages look for it, and what they get.
pub fn logo_file() -> Option<(String, Response)> {
    logo().map(|logo| (logo_path(LOGO_OF, &logo), logo_response(&logo)))
}

/// The requirement page's own example: transID 417823250426141606.
const CREATED_AT: Timestamp = Timestamp::from_micros(1_745_676_966_000_657);
/// Fifteen minutes later.
const EXPIRES_AT: Timestamp = Timestamp::from_micros(1_745_677_866_000_657);

/// What the samples are made for.
struct Preview<'a> {
    site: &'a Site,
    asked: &'a Asked,
}

impl Preview<'_> {
    fn words(&self) -> Words {
        self.asked.words()
    }

    fn shell(&self, heading: &str, mode: Mode) -> Shell {
        Shell::new(self.site, self.asked, heading, Some(&self.summary()), mode)
    }

    fn amount(&self, minor: i64, currency: &str) -> Amount {
        let currency = Currency::from_code(currency).ok();
        let money = currency.and_then(|currency| Money::from_minor(minor, currency));
        // A sample that is no money shows no figure, and the test of the samples sees it.
        money.map_or(
            Amount { figure: String::new(), currency: "", currency_first: false },
            |money| Amount::new(self.asked.language(), money),
        )
    }

    fn summary(&self) -> Summary {
        Summary {
            merchant: "Demo Shop".to_owned(),
            initial: "D".to_owned(),
            logo: None,
            theme: None,
            amount: self.amount(1111, "USD"),
            product: "Testing Product".to_owned(),
            reference: "1DEV".to_owned(),
            paid_with: Some(PaidWith::Card { brand: Brand::Visa, last_four: "1111".to_owned() }),
        }
    }

    /// Everything as long as it may be.
    fn long_summary(&self) -> Summary {
        Summary {
            merchant: "The Long-Established Trading and Shipping Company of Bremerhaven".to_owned(),
            initial: "T".to_owned(),
            logo: None,
            theme: None,
            amount: self.amount(9_999_999_999, "INR"),
            product: "Eintrittskarte für das Donaudampfschifffahrtsgesellschaftsmuseum, ".repeat(3),
            reference: "X0123456789ABCDEF".repeat(7),
            paid_with: Some(PaidWith::Card {
                brand: Brand::Mastercard,
                last_four: "0229".to_owned(),
            }),
        }
    }

    fn challenge(&self, again: Option<Again>) -> ChallengePage {
        let tries_left = if again == Some(Again::Wrong) { 2 } else { 3 };
        let shell = self.shell(&self.words().text("challenge-heading"), Mode::Test);
        ChallengePage {
            shell: Shell {
                hint: Some("The code is 123456.".to_owned()),
                reload_after: Some(874),
                ..shell
            },
            summary: self.summary(),
            bank: "Sandbox Bank".to_owned(),
            sent_to: "•••• ••12".to_owned(),
            tries_left,
            resends_left: None,
            seconds_left: 873,
            until: hour(self.asked.language(), EXPIRES_AT),
            problem: view::problem(self.words(), again, tries_left),
            notice: view::notice(self.words(), again),
        }
    }

    fn challenges(&self) -> Vec<(&'static str, ChallengePage)> {
        let plain = self.challenge(None);
        let live = self.shell(&self.words().text("challenge-heading"), Mode::Live);
        vec![
            ("challenge-wrong", self.challenge(Some(Again::Wrong))),
            ("challenge-empty", self.challenge(Some(Again::Empty))),
            ("challenge-unavailable", self.challenge(Some(Again::Unavailable))),
            (
                "challenge-resend",
                ChallengePage { resends_left: Some(2), ..self.challenge(Some(Again::Wrong)) },
            ),
            (
                "challenge-resent",
                ChallengePage { resends_left: Some(0), ..self.challenge(Some(Again::Resent)) },
            ),
            (
                "challenge-live",
                ChallengePage {
                    shell: live,
                    bank: "Nordbank".to_owned(),
                    tries_left: 1,
                    seconds_left: 45,
                    ..plain.clone()
                },
            ),
            ("challenge-long", ChallengePage { summary: self.long_summary(), ..plain.clone() }),
            ("challenge", plain),
        ]
    }

    /// A merchant with colours and a logo of their own.
    fn themed(&self) -> Vec<(&'static str, ChallengePage)> {
        let themed = |name, accent: &str, radius, with_logo: bool| {
            let theme = Theme { accent: accent.parse().ok(), radius: Some(radius), logo: None };
            let link = ThemeLink::of(&theme);
            let plain = self.challenge(None);
            let summary = Summary {
                logo: logo().filter(|_| with_logo).map(|logo| logo_path(LOGO_OF, &logo)),
                theme: link.clone(),
                ..plain.summary
            };
            (name, ChallengePage { shell: Shell { theme: link, ..plain.shell }, summary, ..plain })
        };
        vec![
            themed("themed", "#6a1fb0", 24, true),
            // Too weak on white, and strengthened there.
            themed("themed-weak", "#ffb300", 0, false),
        ]
    }

    fn confirming(&self) -> ConfirmingPage {
        let shell = self.shell(&self.words().text("confirming-heading"), Mode::Test);
        ConfirmingPage {
            shell: Shell { reload_after: Some(ConfirmingPage::LOOKS_AFTER), ..shell },
            summary: self.summary(),
            link: self.asked.link("confirming", &[]),
        }
    }

    fn result(&self, outcome: Ending, mode: Mode, late_possible: bool) -> ResultPage {
        let words = self.words();
        let heading = outcome.heading(words);
        let summary = self.summary();
        let shop = "https://shop.example/return?transID=417823250426141606&order_status=25";
        let (link, link_text) = if outcome == Ending::Pending {
            (self.asked.link("challenge", &[]), words.html("continue-payment", &[]))
        } else {
            let merchant = [("merchant", Value::Text(&summary.merchant))];
            (shop.to_owned(), words.html("return-to", &merchant))
        };
        ResultPage {
            shell: self.shell(&heading, mode),
            outcome,
            heading,
            explanation: outcome.explanation(words, late_possible),
            late: outcome.late(words, late_possible, &summary.merchant),
            summary,
            reason: None,
            trans_id: "417823250426141606".to_owned(),
            time: minute(self.asked.language(), CREATED_AT),
            time_iso: CREATED_AT.to_rfc3339(),
            rrn: None,
            descriptor: None,
            link,
            link_text,
        }
    }

    fn results(&self) -> Vec<(&'static str, ResultPage)> {
        let test = |outcome| self.result(outcome, Mode::Test, false);
        let approved = |mode| ResultPage {
            rrn: Some("511614123456".to_owned()),
            descriptor: Some("DEMO SHOP*SANDBOX".to_owned()),
            ..self.result(Ending::Approved, mode, false)
        };
        let declined = |reason: &str| ResultPage {
            reason: Some(self.words().reason_by_name(reason)),
            ..test(Ending::Declined)
        };
        vec![
            ("result-approved-live", approved(Mode::Live)),
            (
                "result-approved-long",
                ResultPage { summary: self.long_summary(), ..approved(Mode::Test) },
            ),
            ("result-approved", approved(Mode::Test)),
            ("result-declined", declined("insufficient_funds")),
            ("result-declined-limit", declined("limit_exceeded")),
            ("result-expired", test(Ending::Expired)),
            ("result-expired-late", self.result(Ending::Expired, Mode::Test, true)),
            ("result-cancelled", test(Ending::Cancelled)),
            ("result-cancelled-late", self.result(Ending::Cancelled, Mode::Live, true)),
            ("result-reversed", test(Ending::Reversed)),
            ("result-refunding", test(Ending::Refunding)),
            ("result-partly-refunded", self.result(Ending::PartlyRefunded, Mode::Live, false)),
            ("result-refunded", test(Ending::Refunded)),
            ("result-failed", self.result(Ending::Failed, Mode::Live, false)),
            ("result-pending", test(Ending::Pending)),
        ]
    }

    fn messages(&self) -> Vec<(&'static str, MessagePage)> {
        let again = || Some(self.asked.link("challenge", &[]));
        let message = |message, retry| MessagePage::new(self.site, self.asked, message, retry);
        vec![
            ("not-found", message(Message::NotFound, None)),
            ("too-many", message(Message::TooMany, None)),
            ("cross-site", message(Message::CrossSite, again())),
            ("too-large", message(Message::TooLarge, again())),
            ("trouble", message(Message::Trouble, again())),
        ]
    }
}

#[cfg(test)]
mod tests;
