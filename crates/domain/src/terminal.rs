//! A terminal: what a merchant's server talks to, with its keys, methods and limits.

use crate::id::{MerchantId, TerminalNumber};
use crate::merchant::MerchantCategoryCode;
use crate::method::MethodCode;
use crate::money::{Currency, Money};
use crate::secret::SecretText;
use crate::text::{MerchantCity, WebAddress};
use crate::theme::{Theme, ThemeChange};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;
use std::time::Duration;

/// Test terminals reach only the sandbox connector; live terminals can never reach it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// No real money.
    Test,
    /// Real money.
    Live,
}

impl Mode {
    /// The word in settings and answers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Test => "test",
            Self::Live => "live",
        }
    }

    /// By its word.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Test, Self::Live].into_iter().find(|mode| mode.name() == name)
    }
}

/// The currencies a terminal takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Currencies {
    /// Every ISO 4217 currency with a minor unit.
    All,
    /// Only these.
    Only(Vec<Currency>),
}

impl Currencies {
    /// Whether a payment may be in this currency.
    pub fn contains(&self, currency: Currency) -> bool {
        match self {
            Self::All => true,
            Self::Only(list) => list.contains(&currency),
        }
    }
}

/// When money that the bank authorised is taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Capture {
    /// With the authorisation.
    #[default]
    Automatic,
    /// By a capture of its own, later.
    Manual,
}

impl Capture {
    /// The word in settings and answers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Automatic => "automatic",
            Self::Manual => "manual",
        }
    }

    /// By its word.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Automatic, Self::Manual].into_iter().find(|capture| capture.name() == name)
    }
}

/// What is done when the bank has not said for half an hour what became of a call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WhenUnknown {
    /// The bank is asked on, and the payment stands on the operator's list.
    #[default]
    Wait,
    /// The call is reversed: the order ends without money.
    Reverse,
}

impl WhenUnknown {
    /// The word in settings and answers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Wait => "wait",
            Self::Reverse => "reverse",
        }
    }

    /// By its word.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Wait, Self::Reverse].into_iter().find(|policy| policy.name() == name)
    }
}

/// What is done with a payment by UPI collect request. NPCI withdraws these for most merchants
/// from 28 February 2026; those it still allows them are told apart by category and channel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UpiCollect {
    /// The payer's app is asked.
    Allow,
    /// The customer gets a QR code and a link instead.
    #[default]
    ConvertToQr,
    /// The request is refused.
    Refuse,
}

impl UpiCollect {
    /// The word in settings and answers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::ConvertToQr => "convert_to_qr",
            Self::Refuse => "refuse",
        }
    }
}

/// What a QR code for UPI holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QrFormat {
    /// The `upi://pay` link, which every app reads.
    #[default]
    UpiLink,
    /// EMVCo merchant-presented text, as BharatQR.
    BharatQr,
}

impl QrFormat {
    /// The word in settings and answers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::UpiLink => "upi_link",
            Self::BharatQr => "bharat_qr",
        }
    }
}

/// What is done when the bank reports a payment as paid that expired or was cancelled before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LateApproval {
    /// The payment becomes approved.
    #[default]
    Accept,
    /// The money goes back.
    Reverse,
}

impl LateApproval {
    /// The word in settings and answers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Accept => "accept",
            Self::Reverse => "reverse",
        }
    }
}

/// When a card's holder has to prove who they are (3-D Secure).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ThreeDs {
    /// When the customer's bank asks for it.
    #[default]
    BankDecides,
    /// Always, where the bank can.
    Always,
}

impl ThreeDs {
    /// The word in settings and answers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::BankDecides => "bank_decides",
            Self::Always => "always",
        }
    }
}

/// Whether the operator lets a terminal take payments. Test terminals need nobody's word.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Approval {
    /// It may.
    #[default]
    Approved,
    /// Its merchant waits for the operator's word.
    Requested,
    /// The operator said no.
    Refused {
        /// Why, for the merchant.
        reason: String,
    },
}

impl Approval {
    /// The word in settings and answers.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::Requested => "requested",
            Self::Refused { .. } => "refused",
        }
    }
}

/// What is set for a terminal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// Methods that are switched on.
    pub methods: Vec<MethodCode>,
    /// Currencies taken.
    pub currencies: Currencies,
    /// Smallest amount, in hundredths of the major unit of whatever currency; none by default.
    pub smallest_hundredths: Option<i64>,
    /// Largest amount, in hundredths of the major unit of whatever currency; none by default.
    pub largest_hundredths: Option<i64>,
    /// Where webhooks go when the request names no address.
    pub webhook_url: Option<WebAddress>,
    /// Where customers go when the request names no address.
    pub return_url: Option<WebAddress>,
    /// Caller addresses that may create payments; empty means any.
    pub allowed_addresses: Vec<ipnet::IpNet>,
    /// How long a customer may take, in seconds.
    pub expires_after_seconds: u32,
    /// When authorised money is taken.
    #[serde(default)]
    pub capture: Capture,
    /// What is done with an outcome that stays unknown.
    #[serde(default)]
    pub when_unknown: WhenUnknown,
    /// How long after it was taken money may be given back, in days.
    #[serde(default = "a_year")]
    pub refundable_days: u32,
    /// What is done with a UPI collect request.
    #[serde(default)]
    pub upi_collect: UpiCollect,
    /// What a QR code for UPI holds.
    #[serde(default)]
    pub qr_format: QrFormat,
    /// What the merchant sells, for UPI links and QR codes.
    #[serde(default)]
    pub merchant_category_code: Option<MerchantCategoryCode>,
    /// Where the merchant is, for QR codes.
    #[serde(default)]
    pub merchant_city: Option<MerchantCity>,
    /// What is done with an approval after the end.
    #[serde(default)]
    pub late_approval: LateApproval,
    /// Whether a payment's status is told only to who shows this terminal's public key.
    #[serde(default)]
    pub status_requires_key: bool,
    /// Looks of the customer pages.
    #[serde(default)]
    pub theme: Theme,
    /// Whether the operator lets it take payments.
    #[serde(default)]
    pub approval: Approval,
    /// When a card's holder has to prove who they are.
    #[serde(default)]
    pub three_ds: ThreeDs,
    /// The shop that it takes payments for.
    #[serde(default)]
    pub site: Option<WebAddress>,
}

const fn a_year() -> u32 {
    365
}

impl Settings {
    /// Shortest and longest time a customer may be given. The security code is held no longer
    /// than the key of its hour lives, which sets the upper bound.
    pub const EXPIRES_AFTER_SECONDS: std::ops::RangeInclusive<u32> = 1..=3600;

    /// Cards in any currency, fifteen minutes for the customer, no limits.
    pub fn for_cards() -> Self {
        Self {
            methods: vec![MethodCode::CreditCard, MethodCode::DebitCard],
            currencies: Currencies::All,
            smallest_hundredths: None,
            largest_hundredths: None,
            webhook_url: None,
            return_url: None,
            allowed_addresses: Vec::new(),
            expires_after_seconds: 15 * 60,
            capture: Capture::Automatic,
            when_unknown: WhenUnknown::Wait,
            refundable_days: a_year(),
            upi_collect: UpiCollect::ConvertToQr,
            qr_format: QrFormat::UpiLink,
            merchant_category_code: None,
            merchant_city: None,
            late_approval: LateApproval::Accept,
            status_requires_key: false,
            theme: Theme::default(),
            approval: Approval::Approved,
            three_ds: ThreeDs::BankDecides,
            site: None,
        }
    }

    /// The same with every method switched on.
    pub fn for_all_methods() -> Self {
        Self { methods: MethodCode::ALL.to_vec(), ..Self::for_cards() }
    }

    /// How long a customer may take.
    pub fn expires_after(&self) -> Duration {
        Duration::from_secs(u64::from(self.expires_after_seconds))
    }

    /// How long after it was taken money may be given back.
    pub fn refundable_for(&self) -> Duration {
        Duration::from_secs(u64::from(self.refundable_days).saturating_mul(24 * 3600))
    }

    /// Whether the amount lies inside the limits.
    pub fn allows_amount(&self, amount: Money) -> bool {
        let scaled = amount.ten_thousandths();
        let limit = |hundredths: Option<i64>| hundredths.map(|h| h.saturating_mul(100));
        limit(self.smallest_hundredths).is_none_or(|smallest| scaled >= smallest)
            && limit(self.largest_hundredths).is_none_or(|largest| scaled <= largest)
    }

    /// Whether a caller from this address may create payments.
    pub fn allows_caller(&self, caller: IpAddr) -> bool {
        let caller = caller.to_canonical();
        self.allowed_addresses.is_empty()
            || self.allowed_addresses.iter().any(|range| range.contains(&caller))
    }
}

/// What an operator changes of a terminal's settings; what is none stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SettingsChange {
    /// Methods that are switched on.
    pub methods: Option<Vec<MethodCode>>,
    /// When authorised money is taken; holds for payments that are created from now on.
    pub capture: Option<Capture>,
    /// What is done with an outcome that stays unknown.
    pub when_unknown: Option<WhenUnknown>,
    /// How long after it was taken money may be given back, in days.
    pub refundable_days: Option<u32>,
    /// What is done with a UPI collect request.
    pub upi_collect: Option<UpiCollect>,
    /// What a QR code for UPI holds.
    pub qr_format: Option<QrFormat>,
    /// What the merchant sells.
    pub merchant_category_code: Option<MerchantCategoryCode>,
    /// Where the merchant is.
    pub merchant_city: Option<MerchantCity>,
    /// What is done with an approval after the end.
    pub late_approval: Option<LateApproval>,
    /// Whether a status is told only to who shows the public key.
    pub status_requires_key: Option<bool>,
    /// Looks of the customer pages.
    pub theme: ThemeChange,
}

impl SettingsChange {
    /// The settings that it names, by their names in answers and in the audit log.
    pub fn names(&self) -> Vec<&'static str> {
        let names = [
            ("methods", self.methods.is_some()),
            ("capture", self.capture.is_some()),
            ("when_unknown", self.when_unknown.is_some()),
            ("refundable_days", self.refundable_days.is_some()),
            ("upi_collect", self.upi_collect.is_some()),
            ("qr_format", self.qr_format.is_some()),
            ("merchant_category_code", self.merchant_category_code.is_some()),
            ("merchant_city", self.merchant_city.is_some()),
            ("late_approval", self.late_approval.is_some()),
            ("status_requires_key", self.status_requires_key.is_some()),
            ("theme", !self.theme.is_nothing()),
        ];
        names.into_iter().filter(|(_, is_named)| *is_named).map(|(name, _)| name).collect()
    }

    /// The settings with the change.
    #[must_use]
    pub fn apply(self, settings: Settings) -> Settings {
        Settings {
            methods: self.methods.unwrap_or(settings.methods),
            capture: self.capture.unwrap_or(settings.capture),
            when_unknown: self.when_unknown.unwrap_or(settings.when_unknown),
            refundable_days: self.refundable_days.unwrap_or(settings.refundable_days),
            upi_collect: self.upi_collect.unwrap_or(settings.upi_collect),
            qr_format: self.qr_format.unwrap_or(settings.qr_format),
            merchant_category_code: self.merchant_category_code.or(settings.merchant_category_code),
            merchant_city: self.merchant_city.or(settings.merchant_city),
            late_approval: self.late_approval.unwrap_or(settings.late_approval),
            status_requires_key: self.status_requires_key.unwrap_or(settings.status_requires_key),
            theme: self.theme.apply(settings.theme),
            ..settings
        }
    }
}

/// A key pair of a terminal. While keys are rotated the older pair stays good until it retires.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyPair {
    /// 44 characters, standard base64 of 32 bytes; identifies the terminal.
    pub public: String,
    /// 44 characters, standard base64 of 32 bytes; shown to the merchant only.
    pub private: SecretText,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it stops being accepted; none while it is the current one.
    pub retires_at: Option<Timestamp>,
}

/// A webhook signing secret, `whsec_` and standard base64 (Standard Webhooks).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookSecret {
    /// The text as merchants configure it.
    pub text: SecretText,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it stops signing; none while it is the current one.
    pub retires_at: Option<Timestamp>,
}

impl WebhookSecret {
    /// Puts this new one before the others: those that are still good stay so until `retire_at`
    /// at the latest, older ones go.
    pub fn replace_in(self, secrets: &mut Vec<Self>, retire_at: Timestamp) {
        let now = self.created_at;
        secrets.retain(|secret| secret.retires_at.is_none_or(|at| now < at));
        for older in &mut *secrets {
            older.retires_at = Some(older.retires_at.unwrap_or(retire_at));
        }
        secrets.insert(0, self);
    }

    /// Whether it signs at this moment.
    pub fn is_good(&self, now: Timestamp) -> bool {
        self.retires_at.is_none_or(|at| now < at)
    }
}

/// A terminal with all that is known of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terminal {
    /// Its number, `terNO`.
    pub number: TerminalNumber,
    /// Its merchant.
    pub merchant: MerchantId,
    /// The merchant's name, as customers see it.
    pub merchant_name: String,
    /// Whether the merchant is active.
    pub merchant_active: bool,
    /// Its own name.
    pub name: String,
    /// Test or live.
    pub mode: Mode,
    /// An inactive terminal takes no payments.
    pub active: bool,
    /// What an operator set.
    pub settings: Settings,
    /// Key pairs, the current one first.
    pub keys: Vec<KeyPair>,
    /// Signing secrets, the current one first.
    pub webhook_secrets: Vec<WebhookSecret>,
    /// Rises with each change.
    pub version: i64,
    /// When it was added.
    pub created_at: Timestamp,
}

impl Terminal {
    /// Whether it may take payments now.
    pub const fn takes_payments(&self) -> bool {
        self.active && self.merchant_active && matches!(self.settings.approval, Approval::Approved)
    }

    /// Whether money may go back now. A terminal that is switched off takes no payments, but what
    /// it took must be able to go back; only an inactive merchant's money stays where it is.
    pub const fn gives_refunds(&self) -> bool {
        self.merchant_active
    }

    /// The public key that merchants should use.
    pub fn public_key(&self) -> &str {
        self.keys.first().map_or("", |pair| &pair.public)
    }

    /// The secrets that sign at this moment, the current one first.
    pub fn signing_secrets(&self, now: Timestamp) -> impl Iterator<Item = &SecretText> {
        self.webhook_secrets
            .iter()
            .filter(move |secret| secret.is_good(now))
            .map(|secret| &secret.text)
    }

    /// New keys and a new signing secret; the ones before stay good until `retire_at`, older ones
    /// go.
    #[must_use]
    pub fn rotate(mut self, keys: KeyPair, secret: WebhookSecret, retire_at: Timestamp) -> Self {
        let now = keys.created_at;
        self.keys.retain(|pair| pair.retires_at.is_none_or(|at| now < at));
        for pair in &mut self.keys {
            pair.retires_at = Some(pair.retires_at.unwrap_or(retire_at));
        }
        self.keys.insert(0, keys);
        secret.replace_in(&mut self.webhook_secrets, retire_at);
        self.version = self.version.saturating_add(1);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_compare_across_currencies() {
        let settings = Settings {
            smallest_hundredths: Some(100),
            largest_hundredths: Some(50_000),
            ..Settings::for_cards()
        };
        let allows = |text: &str, code: &str| {
            settings.allows_amount(Money::parse(text, Currency::from_code(code).unwrap()).unwrap())
        };
        assert!(allows("1.00", "USD") && allows("500.00", "USD") && allows("500", "JPY"));
        assert!(!allows("0.99", "USD") && !allows("500.01", "USD") && !allows("501", "JPY"));
        assert!(allows("500.00", "BHD") && !allows("500.01", "BHD"));
    }

    #[test]
    fn settings_that_were_stored_before_read_with_defaults() {
        let stored = r#"{"methods":["CC","DC"],"currencies":"all","smallest_hundredths":null,
            "largest_hundredths":null,"webhook_url":null,"return_url":null,
            "allowed_addresses":[],"expires_after_seconds":900}"#;
        let read: Settings = serde_json::from_str(stored).unwrap();
        assert_eq!(read, Settings::for_cards());
        let change = SettingsChange {
            upi_collect: Some(UpiCollect::Allow),
            qr_format: Some(QrFormat::BharatQr),
            merchant_category_code: Some(MerchantCategoryCode::parse("0742").unwrap()),
            merchant_city: Some(MerchantCity::parse("Pune").unwrap()),
            late_approval: Some(LateApproval::Reverse),
            ..SettingsChange::default()
        };
        let names = change.names();
        let changed = change.clone().apply(read);
        let text = serde_json::to_value(&changed).unwrap();
        let words = ["allow", "bharat_qr", "0742", "Pune", "reverse"];
        assert_eq!(names.iter().map(|name| &text[name]).collect::<Vec<_>>(), words);
        assert_eq!(serde_json::from_value::<Settings>(text).unwrap(), changed);
        // The stored words are those that people see.
        for policy in [UpiCollect::Allow, UpiCollect::ConvertToQr, UpiCollect::Refuse] {
            assert_eq!(serde_json::to_value(policy).unwrap(), policy.name());
        }
        for format in [QrFormat::UpiLink, QrFormat::BharatQr] {
            assert_eq!(serde_json::to_value(format).unwrap(), format.name());
        }
        for policy in [LateApproval::Accept, LateApproval::Reverse] {
            assert_eq!(serde_json::to_value(policy).unwrap(), policy.name());
        }
        let bad = stored.replace("900}", "900,\"merchant_category_code\":\"541\"}");
        let error = serde_json::from_str::<Settings>(&bad).unwrap_err().to_string();
        assert!(error.contains("four digits"), "{error}");
    }

    #[test]
    fn callers_are_matched_by_range() {
        let settings = Settings {
            allowed_addresses: vec!["10.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()],
            ..Settings::for_cards()
        };
        for (caller, allowed) in
            [("10.1.2.3", true), ("::ffff:10.1.2.3", true), ("::1", true), ("11.0.0.1", false)]
        {
            assert_eq!(settings.allows_caller(caller.parse().unwrap()), allowed, "{caller}");
        }
        assert!(Settings::for_cards().allows_caller("8.8.8.8".parse().unwrap()));
    }

    #[test]
    fn an_earlier_secret_signs_until_it_retires() {
        let at = |minutes: i64| Timestamp::from_micros(minutes * 60_000_000);
        let keys = |minutes| KeyPair {
            public: String::new(),
            private: SecretText::new(String::new()),
            created_at: at(minutes),
            retires_at: None,
        };
        let secret = |text: &str, minutes| WebhookSecret {
            text: SecretText::new(text.to_owned()),
            created_at: at(minutes),
            retires_at: None,
        };
        let terminal = Terminal {
            number: TerminalNumber(42),
            merchant: MerchantId(1),
            merchant_name: String::new(),
            merchant_active: true,
            name: String::new(),
            mode: Mode::Test,
            active: true,
            settings: Settings::for_cards(),
            keys: vec![keys(0)],
            webhook_secrets: vec![secret("first", 0)],
            version: 1,
            created_at: at(0),
        };
        let signing = |terminal: &Terminal, minutes| {
            let texts = terminal.signing_secrets(at(minutes)).map(SecretText::reveal);
            texts.map(str::to_owned).collect::<Vec<_>>()
        };
        let rotated = terminal.rotate(keys(10), secret("second", 10), at(20));
        assert_eq!(signing(&rotated, 19), ["second", "first"]);
        assert_eq!(signing(&rotated, 20), ["second"]);
        // Rotated again meanwhile: nobody's overlap gets shorter or longer.
        let again = rotated.rotate(keys(15), secret("third", 15), at(25));
        assert_eq!(signing(&again, 19), ["third", "second", "first"]);
        assert_eq!(signing(&again, 20), ["third", "second"]);
        assert_eq!(signing(&again, 25), ["third"]);
    }
}
