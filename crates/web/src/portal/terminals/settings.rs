//! A terminal's settings as a form: from what is stored to what is typed, and back with a reason
//! beside each field that has not the right form.

use crate::desk::form::Fields;
use domain::merchant::MerchantCategoryCode;
use domain::method::MethodCode;
use domain::money::{Currency, parse_hundredths};
use domain::terminal::{
    Capture, Currencies, LateApproval, Mode, Settings, Terminal, ThreeDs, UpiCollect,
};
use domain::text::{MerchantCity, WebAddress};
use domain::theme::{Colour, Logo, Theme};
use std::collections::BTreeMap;

/// Most characters of a terminal's name.
const NAME_MOST: usize = 100;

/// A form's values, and what is wrong with them, by the field's name.
#[derive(Clone, Debug, Default)]
pub(in crate::portal) struct Form {
    values: BTreeMap<String, String>,
    ticked: Vec<(String, String)>,
    errors: BTreeMap<&'static str, String>,
}

impl Form {
    /// A field's value; empty for none.
    pub(in crate::portal) fn value(&self, name: &str) -> &str {
        self.values.get(name).map_or("", String::as_str)
    }

    /// Whether a box is ticked, or a choice made.
    pub(in crate::portal) fn has(&self, name: &str, value: &str) -> bool {
        self.ticked.iter().any(|(key, ticked)| key == name && ticked == value)
    }

    /// What is wrong with a field; empty for nothing.
    pub(in crate::portal) fn error(&self, name: &str) -> &str {
        self.errors.get(name).map_or("", String::as_str)
    }

    /// How many fields are wrong.
    pub(in crate::portal) fn errors(&self) -> usize {
        self.errors.len()
    }

    fn set(&mut self, name: &str, value: impl Into<String>) {
        self.values.insert(name.to_owned(), value.into());
    }

    fn tick(&mut self, name: &str, value: &str) {
        self.ticked.push((name.to_owned(), value.to_owned()));
    }

    /// What is stored, as a form.
    pub(super) fn of(name: &str, settings: &Settings) -> Self {
        let mut form = Self::default();
        let address = |url: &Option<WebAddress>| {
            url.as_ref().map(|url| url.as_str().to_owned()).unwrap_or_default()
        };
        let hundredths = |limit: Option<i64>| limit.map(hundredths_text).unwrap_or_default();
        form.set("name", name);
        form.set("site", address(&settings.site));
        form.set("currencies", currencies_text(&settings.currencies));
        form.set("smallest", hundredths(settings.smallest_hundredths));
        form.set("largest", hundredths(settings.largest_hundredths));
        form.set("webhook_url", address(&settings.webhook_url));
        form.set("return_url", address(&settings.return_url));
        let allowed = settings.allowed_addresses.iter().map(ToString::to_string);
        form.set("allowed_addresses", allowed.collect::<Vec<_>>().join("\n"));
        form.set("expires_after", settings.expires_after_seconds.to_string());
        form.set("refundable_days", settings.refundable_days.to_string());
        let category = settings.merchant_category_code.map(|code| code.to_string());
        form.set("merchant_category_code", category.unwrap_or_default());
        let city = settings.merchant_city.as_ref().map(ToString::to_string);
        form.set("merchant_city", city.unwrap_or_default());
        let theme = &settings.theme;
        form.set("accent", theme.accent.map(|one| one.to_string()).unwrap_or_default());
        form.set("radius", theme.radius.map(|one| one.to_string()).unwrap_or_default());
        for method in &settings.methods {
            form.tick("methods", method.code());
        }
        form.tick("capture", settings.capture.name());
        form.tick("three_ds", settings.three_ds.name());
        form.tick("upi_collect", settings.upi_collect.name());
        form.tick("late_approval", settings.late_approval.name());
        if settings.status_requires_key {
            form.tick("status_requires_key", "yes");
        }
        if theme.logo.is_some() {
            form.tick("has_logo", "yes");
        }
        form
    }

    /// What was typed; none where something has not the right form, which is told in the form.
    pub(super) fn read(
        fields: &Fields,
        before: &Settings,
        mode: Mode,
        may_set_methods: bool,
    ) -> (Self, Option<(String, Settings)>) {
        let mut form = Self::default();
        for (name, value) in fields.values() {
            if name != "csrf" && name != "password" {
                form.set(name, value.trim());
                form.tick(name, value);
            }
        }
        if before.theme.logo.is_some() {
            form.tick("has_logo", "yes");
        }
        let mut settings = before.clone();
        let name = form.read_name();
        form.read_addresses(&mut settings, mode);
        if may_set_methods {
            form.read_methods(fields, &mut settings);
        }
        form.read_choices(&mut settings);
        form.read_theme(fields, &mut settings.theme);
        let is_right = form.errors.is_empty();
        (form, is_right.then_some((name, settings)))
    }

    fn read_name(&mut self) -> String {
        let name = self.value("name").to_owned();
        let length = name.chars().count();
        if length == 0 || length > NAME_MOST || name.chars().any(char::is_control) {
            self.errors.insert("name", format!("must have 1 to {NAME_MOST} characters"));
        }
        name
    }

    fn address(&mut self, name: &'static str, mode: Mode) -> Option<WebAddress> {
        let text = self.value(name).to_owned();
        if text.is_empty() {
            return None;
        }
        match WebAddress::parse(&text) {
            Ok(url) if mode == Mode::Live && !url.is_https() => {
                self.errors.insert(name, "must be https for a live terminal".to_owned());
                None
            }
            Ok(url) => Some(url),
            Err(error) => {
                self.errors.insert(name, error.to_string());
                None
            }
        }
    }

    fn read_addresses(&mut self, settings: &mut Settings, mode: Mode) {
        settings.site = self.address("site", mode);
        settings.webhook_url = self.address("webhook_url", mode);
        settings.return_url = self.address("return_url", mode);
        let text = self.value("allowed_addresses").to_owned();
        let mut networks = Vec::new();
        for word in text.split([',', '\n', ' ', '\r']).map(str::trim).filter(|w| !w.is_empty()) {
            let network = word
                .parse()
                .ok()
                .or_else(|| word.parse::<std::net::IpAddr>().ok().map(ipnet::IpNet::from));
            match network {
                Some(network) if networks.len() < 100 => networks.push(network),
                Some(_) => {
                    self.errors.insert("allowed_addresses", "at most 100 addresses".to_owned());
                }
                None => {
                    let form = "must be addresses or networks, as 203.0.113.7 or 203.0.113.0/24";
                    self.errors.insert("allowed_addresses", form.to_owned());
                }
            }
        }
        settings.allowed_addresses = networks;
    }

    fn read_methods(&mut self, fields: &Fields, settings: &mut Settings) {
        settings.methods = fields.all("methods").filter_map(MethodCode::from_code).collect();
        settings.methods.dedup();
        if settings.methods.is_empty() {
            self.errors.insert("methods", "choose at least one method".to_owned());
        }
        match parse_currencies(self.value("currencies")) {
            Ok(currencies) => settings.currencies = currencies,
            Err(error) => {
                self.errors.insert("currencies", error);
            }
        }
        let smallest = self.limit("smallest");
        let largest = self.limit("largest");
        if let (Some(smallest), Some(largest)) = (smallest, largest)
            && smallest > largest
        {
            self.errors.insert("largest", "must not be less than the smallest amount".to_owned());
        }
        settings.smallest_hundredths = smallest;
        settings.largest_hundredths = largest;
    }

    fn limit(&mut self, name: &'static str) -> Option<i64> {
        let text = self.value(name).to_owned();
        if text.is_empty() {
            return None;
        }
        let parsed = parse_hundredths(&text).ok().filter(|limit| *limit > 0);
        if parsed.is_none() {
            self.errors.insert(name, "must be an amount, as 1.00 or 500".to_owned());
        }
        parsed
    }

    fn number(&mut self, name: &'static str, least: u32, most: u32) -> Option<u32> {
        let parsed = self.value(name).parse().ok().filter(|one| (least..=most).contains(one));
        if parsed.is_none() {
            self.errors.insert(name, format!("must be a whole number from {least} to {most}"));
        }
        parsed
    }

    fn read_choices(&mut self, settings: &mut Settings) {
        let (least, most) = Settings::EXPIRES_AFTER_SECONDS.into_inner();
        if let Some(seconds) = self.number("expires_after", least, most) {
            settings.expires_after_seconds = seconds;
        }
        if let Some(days) = self.number("refundable_days", 1, 3650) {
            settings.refundable_days = days;
        }
        settings.capture = Capture::from_name(self.value("capture")).unwrap_or_default();
        settings.three_ds = match self.value("three_ds") {
            "always" => ThreeDs::Always,
            _ => ThreeDs::BankDecides,
        };
        settings.upi_collect = match self.value("upi_collect") {
            "allow" => UpiCollect::Allow,
            "refuse" => UpiCollect::Refuse,
            _ => UpiCollect::ConvertToQr,
        };
        settings.late_approval = match self.value("late_approval") {
            "reverse" => LateApproval::Reverse,
            _ => LateApproval::Accept,
        };
        settings.status_requires_key = self.has("status_requires_key", "yes");
        let category = self.value("merchant_category_code").to_owned();
        settings.merchant_category_code = match category.as_str() {
            "" => None,
            text => match MerchantCategoryCode::parse(text) {
                Ok(code) => Some(code),
                Err(error) => {
                    self.errors.insert("merchant_category_code", error.to_string());
                    None
                }
            },
        };
        let city = self.value("merchant_city").to_owned();
        settings.merchant_city = match city.as_str() {
            "" => None,
            text => match MerchantCity::parse(text) {
                Ok(city) => Some(city),
                Err(error) => {
                    self.errors.insert("merchant_city", error.to_string());
                    None
                }
            },
        };
    }

    fn read_theme(&mut self, fields: &Fields, theme: &mut Theme) {
        theme.accent = match self.value("accent") {
            "" => None,
            text => match text.parse::<Colour>() {
                Ok(colour) => Some(colour),
                Err(error) => {
                    self.errors.insert("accent", error.to_string());
                    None
                }
            },
        };
        theme.radius = match self.value("radius") {
            "" => None,
            text => {
                let most = Theme::RADIUS_AT_MOST;
                let radius = text.parse().ok().filter(|one| *one <= most);
                if radius.is_none() {
                    let form = format!("must be a whole number of pixels from 0 to {most}");
                    self.errors.insert("radius", form);
                }
                radius
            }
        };
        if self.has("remove_logo", "yes") {
            theme.logo = None;
        }
        if let Some(bytes) = fields.file("logo") {
            match Logo::parse(bytes) {
                Ok(logo) => theme.logo = Some(logo),
                Err(error) => {
                    self.errors.insert("logo", error.to_string());
                }
            }
        }
    }
}

/// Hundredths of a major unit as people type them.
fn hundredths_text(hundredths: i64) -> String {
    format!("{}.{:02}", hundredths.div_euclid(100), hundredths.rem_euclid(100))
}

/// Currencies as people type them.
pub(super) fn currencies_text(currencies: &Currencies) -> String {
    match currencies {
        Currencies::All => "all".to_owned(),
        Currencies::Only(list) => {
            list.iter().map(|currency| currency.code()).collect::<Vec<_>>().join(", ")
        }
    }
}

pub(in crate::portal) fn parse_currencies(text: &str) -> Result<Currencies, String> {
    if text.is_empty() || text.eq_ignore_ascii_case("all") {
        return Ok(Currencies::All);
    }
    let currency = |code: &str| {
        Currency::from_code(code)
            .map_err(|_unknown| format!("{code} is no ISO 4217 currency; write all, or EUR, USD"))
    };
    let words = text.split([',', ' ', ';']).map(str::trim).filter(|word| !word.is_empty());
    words.map(currency).collect::<Result<_, _>>().map(Currencies::Only)
}

/// A method's name for people.
pub(in crate::portal) const fn method_name(method: MethodCode) -> &'static str {
    match method {
        MethodCode::CreditCard => "Credit card",
        MethodCode::DebitCard => "Debit card",
        MethodCode::NetBanking => "Net banking",
        MethodCode::Wallet => "Wallet",
        MethodCode::UpiCollect => "UPI collect",
        MethodCode::QrIntent => "UPI QR and intent",
    }
}

/// The methods that are switched on.
pub(super) fn methods_in_words(terminal: &Terminal) -> String {
    let all = &terminal.settings.methods;
    if MethodCode::ALL.iter().all(|method| all.contains(method)) {
        return "All".to_owned();
    }
    all.iter().map(|method| method_name(*method)).collect::<Vec<_>>().join(", ")
}

/// What is set for a terminal, for its page.
pub(super) fn facts(terminal: &Terminal) -> Vec<(&'static str, String)> {
    let settings = &terminal.settings;
    let or_none = |url: &Option<WebAddress>, none: &str| {
        url.as_ref().map_or_else(|| none.to_owned(), |url| url.as_str().to_owned())
    };
    let limit = |limit: Option<i64>| limit.map_or_else(|| "none".to_owned(), hundredths_text);
    let allowed: Vec<String> = settings.allowed_addresses.iter().map(ToString::to_string).collect();
    let capture = match settings.capture {
        Capture::Automatic => "With the authorisation",
        Capture::Manual => "By a capture of its own",
    };
    let three_ds = match settings.three_ds {
        ThreeDs::BankDecides => "When the customer's bank asks for it",
        ThreeDs::Always => "Always",
    };
    let collect = match settings.upi_collect {
        UpiCollect::Allow => "The payer's app is asked",
        UpiCollect::ConvertToQr => "Becomes a QR code and a link",
        UpiCollect::Refuse => "Refused",
    };
    vec![
        ("Site", or_none(&settings.site, "not told")),
        ("Methods", methods_in_words(terminal)),
        ("Currencies", currencies_text(&settings.currencies)),
        ("Smallest amount", limit(settings.smallest_hundredths)),
        ("Largest amount", limit(settings.largest_hundredths)),
        ("Return URL", or_none(&settings.return_url, "as each request says")),
        ("Webhook URL", or_none(&settings.webhook_url, "as each request says")),
        ("Capture", capture.to_owned()),
        ("3-D Secure", three_ds.to_owned()),
        ("UPI collect requests", collect.to_owned()),
        ("Customer's time", format!("{} seconds", settings.expires_after_seconds)),
        ("Refunds", format!("for {} days", settings.refundable_days)),
        (
            "Allowed addresses",
            if allowed.is_empty() { "any".to_owned() } else { allowed.join(", ") },
        ),
    ]
}
