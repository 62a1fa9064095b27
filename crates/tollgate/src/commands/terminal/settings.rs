//! The settings that `tollgate terminal add` and `tollgate terminal set` share.

use super::looks::Looks;
use clap::{Args, ValueEnum};
use domain::merchant::MerchantCategoryCode;
use domain::method::MethodCode;
use domain::terminal::{Capture, LateApproval, QrFormat, SettingsChange, UpiCollect, WhenUnknown};
use domain::text::MerchantCity;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum CaptureName {
    /// With the authorisation
    Automatic,
    /// The bank holds the money until `tollgate payment capture`
    Manual,
}

impl CaptureName {
    const fn capture(self) -> Capture {
        match self {
            Self::Automatic => Capture::Automatic,
            Self::Manual => Capture::Manual,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum WhenUnknownName {
    /// The bank is asked on; `tollgate payment unresolved` lists it
    Wait,
    /// After half an hour the call is reversed
    Reverse,
}

impl WhenUnknownName {
    const fn policy(self) -> WhenUnknown {
        match self {
            Self::Wait => WhenUnknown::Wait,
            Self::Reverse => WhenUnknown::Reverse,
        }
    }
}

/// The words of this and the following are those of the settings, hence no dashes in them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
enum UpiCollectName {
    /// The payer's app is asked; NPCI still allows it for few merchants
    Allow,
    /// The customer gets a QR code and a link instead
    ConvertToQr,
    /// The request is refused
    Refuse,
}

impl UpiCollectName {
    const fn policy(self) -> UpiCollect {
        match self {
            Self::Allow => UpiCollect::Allow,
            Self::ConvertToQr => UpiCollect::ConvertToQr,
            Self::Refuse => UpiCollect::Refuse,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
enum QrFormatName {
    /// A `upi://pay` link, which every app reads
    UpiLink,
    /// EMVCo merchant-presented text
    BharatQr,
}

impl QrFormatName {
    const fn format(self) -> QrFormat {
        match self {
            Self::UpiLink => QrFormat::UpiLink,
            Self::BharatQr => QrFormat::BharatQr,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum LateApprovalName {
    /// The payment becomes approved
    Accept,
    /// The money goes back
    Reverse,
}

impl LateApprovalName {
    const fn policy(self) -> LateApproval {
        match self {
            Self::Accept => LateApproval::Accept,
            Self::Reverse => LateApproval::Reverse,
        }
    }
}

fn yes_or_no(text: &str) -> Result<bool, String> {
    match text {
        "yes" => Ok(true),
        "no" => Ok(false),
        _ => Err("say yes or no".to_owned()),
    }
}

/// A method by its code.
pub(in crate::commands) fn method(text: &str) -> Result<MethodCode, String> {
    let codes = MethodCode::ALL.map(MethodCode::code).join(", ");
    MethodCode::from_code(text.trim()).ok_or_else(|| format!("the methods are {codes}"))
}

/// What is not named stays as it is; a new terminal has what the help calls new.
#[derive(Debug, Args)]
pub(super) struct SettingsArguments {
    /// Methods that are switched on: CC, DC, NB, WALLET, UPICOLLECT, QRINTENT [new: all of them]
    #[arg(long, value_delimiter = ',', value_parser = method)]
    methods: Option<Vec<MethodCode>>,

    /// When authorised money is taken, for payments created from now on [new: `automatic`]
    #[arg(long, value_enum)]
    capture: Option<CaptureName>,

    /// What is done when the bank does not say what became of a call [new: `wait`]
    #[arg(long, value_enum)]
    when_unknown: Option<WhenUnknownName>,

    /// How long money may be given back, in days (0 to 3650) [new: `365`]
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(0..=3650))]
    refundable_days: Option<u32>,

    /// What is done with a UPI collect request [new: `convert_to_qr`]
    #[arg(long, value_enum)]
    upi_collect: Option<UpiCollectName>,

    /// What QR codes for UPI hold [new: `upi_link`]
    #[arg(long, value_enum)]
    qr_format: Option<QrFormatName>,

    /// What the merchant sells, for UPI: four digits of ISO 18245, as 5411
    #[arg(long, value_name = "MCC", value_parser = category)]
    merchant_category_code: Option<MerchantCategoryCode>,

    /// Where the merchant is, for QR codes: at most 15 characters
    #[arg(long, value_name = "CITY", value_parser = city)]
    merchant_city: Option<MerchantCity>,

    /// What is done when the bank reports an expired or cancelled payment as paid [new: `accept`]
    #[arg(long, value_enum)]
    late_approval: Option<LateApprovalName>,

    /// Whether a payment's status is told only to who shows the public key [new: no]
    #[arg(long, value_name = "yes|no", value_parser = yes_or_no)]
    status_requires_key: Option<bool>,

    #[command(flatten)]
    looks: Looks,
}

fn category(text: &str) -> Result<MerchantCategoryCode, String> {
    let code = MerchantCategoryCode::parse(text);
    code.map_err(|error| format!("a merchant category code {error}"))
}

fn city(text: &str) -> Result<MerchantCity, String> {
    MerchantCity::parse(text).map_err(|error| format!("a city {error}"))
}

impl SettingsArguments {
    /// What the flags change.
    pub(super) fn change(&self) -> SettingsChange {
        SettingsChange {
            methods: self.methods.clone(),
            capture: self.capture.map(CaptureName::capture),
            when_unknown: self.when_unknown.map(WhenUnknownName::policy),
            refundable_days: self.refundable_days,
            upi_collect: self.upi_collect.map(UpiCollectName::policy),
            qr_format: self.qr_format.map(QrFormatName::format),
            merchant_category_code: self.merchant_category_code,
            merchant_city: self.merchant_city.clone(),
            late_approval: self.late_approval.map(LateApprovalName::policy),
            status_requires_key: self.status_requires_key,
            theme: self.looks.change(),
        }
    }
}

/// The flags by name, for who named none.
pub(super) fn flags() -> String {
    let command = SettingsArguments::augment_args(clap::Command::new("terminal set"));
    let flags = command.get_arguments().filter_map(|flag| flag.get_long());
    flags.map(|flag| format!("--{flag}")).collect::<Vec<_>>().join(", ")
}
