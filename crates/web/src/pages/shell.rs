//! What every page has around its content, and what the customer's browser asked for.

use super::figures::Amount;
use super::language::Language;
use super::marks;
use super::theme::{ThemeLink, logo_path};
use super::words::{Markup, Value, Words};
use crate::app::Site;
use axum::http::{HeaderMap, header};
use domain::card::Brand;
use domain::payment::Payment;
use domain::terminal::{Mode, Terminal};
use form_urlencoded::Serializer;

/// The parameter that chooses a language.
const LANGUAGE: &str = "lang";
/// A longer query is none of ours, and is not repeated in the menu's links.
const QUERY_CHARACTERS_AT_MOST: usize = 512;

/// What the browser asked for: the language, and the query that links must keep.
#[derive(Clone, Debug)]
pub struct Asked {
    words: Words,
    /// The customer chose the language on the page; it then goes along.
    chosen: bool,
    /// The query without the language.
    rest: Vec<(String, String)>,
}

impl Asked {
    /// `?lang=` wins over `Accept-Language`; a language that we do not have is not heard.
    pub fn of(headers: &HeaderMap, query: Option<&str>) -> Self {
        let query = query.unwrap_or_default().as_bytes();
        let (chosen, rest): (Vec<_>, Vec<_>) =
            form_urlencoded::parse(query).into_owned().partition(|(name, _value)| name == LANGUAGE);
        let chosen = chosen.iter().find_map(|(_name, tag)| Language::from_tag(tag));
        let accepted = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        let preferred = || Language::preferred(accepted.unwrap_or_default());
        Self {
            words: Words::new(chosen.unwrap_or_else(preferred)),
            chosen: chosen.is_some(),
            rest: if query.len() > QUERY_CHARACTERS_AT_MOST { Vec::new() } else { rest },
        }
    }

    /// A page in this language, as if it were chosen in the menu.
    pub const fn chosen(language: Language) -> Self {
        Self { words: Words::new(language), chosen: true, rest: Vec::new() }
    }

    /// The texts.
    pub(super) const fn words(&self) -> Words {
        self.words
    }

    /// The language.
    pub(super) const fn language(&self) -> Language {
        self.words.language()
    }

    /// The first value of a parameter in the query.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.rest.iter().find(|(one, _value)| one == name).map(|(_name, value)| &**value)
    }

    /// The language's code, where it was chosen, for forms that have to carry it along.
    pub(super) fn chosen_code(&self) -> Option<&'static str> {
        self.chosen.then(|| self.language().code())
    }

    /// A link to a page of ours that keeps the language.
    pub(super) fn link(&self, path: &str, parameters: &[(&str, &str)]) -> String {
        let mut query = Serializer::new(String::new());
        query.extend_pairs(parameters);
        if let Some(code) = self.chosen_code() {
            query.append_pair(LANGUAGE, code);
        }
        let query = query.finish();
        if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
    }

    /// The page itself in another language.
    fn in_language(&self, language: Language) -> LanguageLink {
        let mut query = Serializer::new(String::new());
        query.extend_pairs(&self.rest);
        query.append_pair(LANGUAGE, language.code());
        LanguageLink {
            code: language.code(),
            name: language.own_name(),
            href: format!("?{}", query.finish()),
            is_current: language == self.language(),
        }
    }
}

/// One line of the language menu.
#[derive(Clone, Debug)]
pub(super) struct LanguageLink {
    pub(super) code: &'static str,
    pub(super) name: &'static str,
    pub(super) href: String,
    pub(super) is_current: bool,
}

/// What every page has around its content.
#[derive(Clone, Debug)]
pub(super) struct Shell {
    pub(super) words: Words,
    pub(super) languages: Vec<LanguageLink>,
    pub(super) title: String,
    /// The gateway's public host, so that the customer can compare it with the address bar.
    pub(super) host: String,
    /// What links to this site begin with.
    pub(super) base: String,
    pub(super) test: bool,
    /// The sandbox's hint, in test mode.
    pub(super) hint: Option<String>,
    /// The sandbox's UPI app, on pages that wait for one.
    pub(super) hint_link: Option<String>,
    /// Without JavaScript the page is loaded again after so many seconds. Only then: a page that
    /// jumps while somebody reads it is a barrier, and the script does it more gently.
    pub(super) reload_after: Option<u64>,
    /// The merchant's own colours.
    pub(super) theme: Option<ThemeLink>,
}

impl Shell {
    /// A page with this heading; `summary` is of the payment that it is about.
    pub(super) fn new(
        site: &Site,
        asked: &Asked,
        heading: &str,
        summary: Option<&Summary>,
        mode: Mode,
    ) -> Self {
        let title = summary.map(|summary| asked.words.title(heading, &summary.merchant));
        Self {
            words: asked.words,
            languages: Language::ALL.map(|language| asked.in_language(language)).into(),
            title: title.unwrap_or_else(|| heading.to_owned()),
            host: site.host().to_owned(),
            base: site.base_path().to_owned(),
            test: mode == Mode::Test,
            hint: None,
            hint_link: None,
            reload_after: None,
            theme: summary.and_then(|summary| summary.theme.clone()),
        }
    }

    /// The page's language.
    pub(super) const fn language(&self) -> Language {
        self.words.language()
    }

    // What follows is for the templates.

    pub(super) fn code(&self) -> &'static str {
        self.language().code()
    }

    pub(super) fn direction(&self) -> &'static str {
        self.language().direction()
    }

    pub(super) fn text(&self, key: &str) -> String {
        self.words.text(key)
    }

    pub(super) fn count(&self, key: &str, number: u32) -> Markup {
        self.words.html(key, &[("number", Value::Number(number.into()))])
    }

    /// A message with one text to fill in.
    pub(super) fn with(&self, key: &str, name: &'static str, value: &str) -> Markup {
        self.words.html(key, &[(name, Value::Text(value))])
    }

    pub(super) fn with_both(
        &self,
        key: &str,
        name: &'static str,
        value: &str,
        other: &'static str,
        other_value: &str,
    ) -> Markup {
        self.words.html(key, &[(name, Value::Text(value)), (other, Value::Text(other_value))])
    }

    /// The same without markup, for attributes.
    pub(super) fn plain_with(&self, key: &str, name: &'static str, value: &str) -> String {
        self.words.plain(key, &[(name, Value::Text(value))])
    }

    pub(super) fn finish_by(&self, seconds: u64, until: &str) -> Markup {
        self.words.finish_by(seconds, until)
    }

    /// Digits one by one, so that a screen reader does not read a number out of them.
    pub(super) fn card_ending(&self, last_four: &str) -> String {
        let digits: Vec<String> = last_four.chars().map(String::from).collect();
        self.words.plain("card-ending", &[("digits", Value::Text(&digits.join(" ")))])
    }
}

/// What a customer pays with, as they know it.
#[derive(Clone, Debug)]
pub(super) enum PaidWith {
    /// A card.
    Card {
        /// Its network.
        brand: Brand,
        /// The last four digits.
        last_four: String,
    },
    /// A bank, by its name.
    Bank {
        /// Its name.
        name: String,
    },
    /// A wallet, by its name.
    Wallet {
        /// Its name.
        name: String,
    },
    /// A UPI address.
    Upi {
        /// As far as it is shown.
        address: String,
    },
}

impl PaidWith {
    /// The message that names the kind.
    pub(super) const fn key(&self) -> &'static str {
        match self {
            Self::Card { .. } => "card",
            Self::Bank { .. } => "bank",
            Self::Wallet { .. } => "wallet",
            Self::Upi { .. } => "upi-id",
        }
    }

    pub(super) const fn is_card(&self) -> bool {
        matches!(self, Self::Card { .. })
    }

    /// Its mark, a path in 24 by 16.
    pub(super) const fn drawing(&self) -> &'static str {
        match self {
            Self::Card { brand, .. } => marks::brand_drawing(*brand),
            Self::Bank { .. } => marks::BANK,
            Self::Wallet { .. } => marks::WALLET,
            Self::Upi { .. } => marks::UPI,
        }
    }

    pub(super) fn name(&self) -> &str {
        match self {
            Self::Card { brand, .. } => brand.name(),
            Self::Bank { name } | Self::Wallet { name } | Self::Upi { address: name } => name,
        }
    }

    pub(super) fn last_four(&self) -> Option<&str> {
        if let Self::Card { last_four, .. } = self { Some(last_four) } else { None }
    }
}

/// What is paid: the same on every page of a payment.
#[derive(Clone, Debug)]
pub(super) struct Summary {
    pub(super) merchant: String,
    /// The merchant's mark, in the place of a logo.
    pub(super) initial: String,
    /// The merchant's logo, a path inside the site.
    pub(super) logo: Option<String>,
    pub(super) theme: Option<ThemeLink>,
    pub(super) amount: Amount,
    pub(super) product: String,
    pub(super) reference: String,
    pub(super) paid_with: Option<PaidWith>,
}

impl Summary {
    pub(super) fn of(language: Language, payment: &Payment, terminal: &Terminal) -> Self {
        let merchant = terminal.merchant_name.clone();
        let theme = &terminal.settings.theme;
        let card = payment.method.card.as_ref();
        Self {
            initial: initial_of(&merchant),
            logo: theme.logo.as_ref().map(|logo| logo_path(terminal.number, logo)),
            theme: ThemeLink::of(theme),
            merchant,
            amount: Amount::new(language, payment.amount),
            product: payment.request.product_name.as_str().to_owned(),
            reference: payment.reference.as_str().to_owned(),
            paid_with: card.map(|card| PaidWith::Card {
                brand: card.brand,
                last_four: card.last_four.clone(),
            }),
        }
    }
}

/// The first letter of a name.
pub(super) fn initial_of(name: &str) -> String {
    let first = name.chars().find(|letter| letter.is_alphanumeric()).unwrap_or('•');
    first.to_uppercase().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_merchant_has_a_mark() {
        for (name, mark) in [("Demo Shop", "D"), ("«été»", "É"), ("…", "•"), ("7 Bakers", "7")]
        {
            assert_eq!(initial_of(name), mark);
        }
    }

    #[test]
    fn the_menu_wins_over_the_browser_and_goes_along() {
        let mut headers = HeaderMap::new();
        headers.insert("accept-language", "fr, en;q=0.5".parse().unwrap());
        let asked = |query| Asked::of(&headers, query);
        assert_eq!(asked(None).language(), Language::French);
        assert_eq!(asked(None).link("/x", &[("a", "b c")]), "/x?a=b+c");
        assert_eq!(asked(None).link("/x", &[]), "/x");
        assert_eq!(asked(Some("lang=xx")).language(), Language::French);
        let chosen = asked(Some("again=wrong&lang=AR&q=%C3%A9"));
        assert_eq!(chosen.language(), Language::Arabic);
        assert_eq!(chosen.link("/x", &[("a", "b")]), "/x?a=b&lang=ar");
        assert_eq!(chosen.in_language(Language::German).href, "?again=wrong&q=%C3%A9&lang=de");
        assert_eq!(chosen.parameter("q"), Some("é"));
        let long = format!("q={}", "x".repeat(600));
        assert_eq!(asked(Some(&long)).in_language(Language::German).href, "?lang=de");
    }
}
