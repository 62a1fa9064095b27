//! One terminal with all its settings.

use crate::assets::{PORTAL_SCRIPT, PORTAL_STYLE};
use crate::desk::notice::Notice;
use crate::desk::route::Outcome;
use crate::desk::shell::{Shell, desk_page};
use crate::desk::trouble::Trouble;
use crate::desk::visit::Visit;
use crate::office::parts::{When, mode_pill, terminal_pill};
use crate::portal::words::Pill;
use askama::Template;
use domain::id::TerminalNumber;
use domain::method::MethodCode;
use domain::terminal::{
    Approval, Capture, Currencies, LateApproval, QrFormat, Settings, Terminal, UpiCollect,
    WhenUnknown,
};
use http::StatusCode;

/// Characters of a public key by which two people can tell that they speak of the same one.
const KEY_SHOWN: usize = 6;

struct Fact {
    name: &'static str,
    text: String,
}

struct MethodBox {
    code: &'static str,
    name: &'static str,
    is_on: bool,
}

/// What was typed into the page's forms, and what is wrong with it.
#[derive(Default)]
pub(super) struct Typed {
    pub(super) reason: String,
    pub(super) reason_error: String,
    pub(super) limits: Option<Limits>,
    pub(super) conflict: String,
}

/// Methods and limits as the form has them.
#[derive(Clone, Default)]
pub(super) struct Limits {
    pub(super) methods: Vec<MethodCode>,
    pub(super) smallest: String,
    pub(super) largest: String,
    pub(super) currencies: String,
    pub(super) methods_error: String,
    pub(super) smallest_error: String,
    pub(super) largest_error: String,
    pub(super) currencies_error: String,
}

impl Limits {
    fn of(settings: &Settings) -> Self {
        let hundredths = |limit: Option<i64>| limit.map(hundredths_text).unwrap_or_default();
        Self {
            methods: settings.methods.clone(),
            smallest: hundredths(settings.smallest_hundredths),
            largest: hundredths(settings.largest_hundredths),
            currencies: match &settings.currencies {
                Currencies::All => String::new(),
                Currencies::Only(list) => currency_list(list),
            },
            ..Self::default()
        }
    }

    /// Whether nothing is wrong.
    pub(super) const fn is_well(&self) -> bool {
        self.methods_error.is_empty()
            && self.smallest_error.is_empty()
            && self.largest_error.is_empty()
            && self.currencies_error.is_empty()
    }
}

fn currency_list(list: &[domain::money::Currency]) -> String {
    list.iter().map(|one| one.code()).collect::<Vec<_>>().join(", ")
}

fn hundredths_text(hundredths: i64) -> String {
    format!("{}.{:02}", hundredths.div_euclid(100), hundredths.rem_euclid(100))
}

#[derive(Template)]
#[template(path = "office/terminal.html")]
#[expect(clippy::struct_excessive_bools, reason = "what the template shows or leaves out")]
struct TerminalPage {
    shell: Shell,
    number: i64,
    name: String,
    merchant: String,
    merchant_id: i64,
    is_merchant_approved: bool,
    is_active: bool,
    version: i64,
    mode: Pill,
    pill: Pill,
    added: When,
    is_requested: bool,
    is_approved: bool,
    refused: Option<String>,
    facts: Vec<Fact>,
    methods: Vec<MethodBox>,
    limits: Limits,
    reason: String,
    reason_error: String,
}

/// `GET /office/terminals/{terminal}`
pub(super) async fn page(visit: Visit) -> Outcome {
    let terminal = found(&visit).await?;
    show(&visit, &terminal, StatusCode::OK, Typed::default()).await
}

/// The terminal in the path.
pub(super) async fn found(visit: &Visit) -> Result<Terminal, Trouble> {
    let number = TerminalNumber(visit.param("terminal")?);
    visit.app.gateway.terminal(visit.actor(), number).await?.ok_or(Trouble::NotFound)
}

/// The page with what was typed.
pub(super) async fn show(
    visit: &Visit,
    terminal: &Terminal,
    status: StatusCode,
    typed: Typed,
) -> Outcome {
    let merchant = visit.app.gateway.merchant(visit.actor(), terminal.merchant).await?;
    let settings = &terminal.settings;
    let shell = Shell::of(visit, &format!("Terminal {}", terminal.number));
    let shell = if typed.conflict.is_empty() {
        shell
    } else {
        shell.telling(Notice::error(typed.conflict))
    };
    let limits = typed.limits.unwrap_or_else(|| Limits::of(settings));
    let method = |code: MethodCode| MethodBox {
        code: code.code(),
        name: code.name(),
        is_on: limits.methods.contains(&code),
    };
    let page = TerminalPage {
        shell,
        number: terminal.number.0,
        name: terminal.name.clone(),
        merchant: terminal.merchant_name.clone(),
        merchant_id: terminal.merchant.0,
        is_merchant_approved: merchant.is_some_and(|one| one.approved),
        is_active: terminal.active,
        version: terminal.version,
        mode: mode_pill(terminal.mode),
        pill: terminal_pill(terminal),
        added: When::of(terminal.created_at),
        is_requested: settings.approval == Approval::Requested,
        is_approved: settings.approval == Approval::Approved,
        refused: match &settings.approval {
            Approval::Refused { reason } => Some(reason.clone()),
            Approval::Approved | Approval::Requested => None,
        },
        facts: facts(terminal),
        methods: MethodCode::ALL.map(method).into(),
        limits,
        reason: typed.reason,
        reason_error: typed.reason_error,
    };
    Ok(desk_page(&visit.app, status, &page))
}

fn facts(terminal: &Terminal) -> Vec<Fact> {
    let settings = &terminal.settings;
    let address = |address: &Option<domain::text::WebAddress>| {
        address
            .as_ref()
            .map_or_else(|| "As each request says".to_owned(), |one| one.as_str().to_owned())
    };
    let callers: Vec<String> = settings.allowed_addresses.iter().map(ToString::to_string).collect();
    let key = terminal.public_key();
    let from = key.len().saturating_sub(KEY_SHOWN);
    let minutes = settings.expires_after_seconds.div_euclid(60);
    let category = settings.merchant_category_code.map(|code| code.to_string());
    let city = settings.merchant_city.as_ref().map(|city| city.as_str().to_owned());
    let all = [
        ("Public key", Some(format!("\u{2026}{}", key.get(from..).unwrap_or_default()))),
        ("Webhooks go to", Some(address(&settings.webhook_url))),
        ("Customers return to", Some(address(&settings.return_url))),
        (
            "Callers",
            Some(if callers.is_empty() { "Any address".to_owned() } else { callers.join(", ") }),
        ),
        (
            "Customers have",
            Some(if minutes > 0 {
                format!("{minutes} minutes")
            } else {
                format!("{} seconds", settings.expires_after_seconds)
            }),
        ),
        ("Money is taken", Some(capture(settings.capture).to_owned())),
        ("Refunds", Some(format!("For {} days", settings.refundable_days))),
        ("Unknown outcomes", Some(when_unknown(settings.when_unknown).to_owned())),
        ("Paid after the end", Some(late_approval(settings.late_approval).to_owned())),
        ("UPI collect", Some(upi_collect(settings.upi_collect).to_owned())),
        ("QR codes hold", Some(qr_format(settings.qr_format).to_owned())),
        ("Category", category),
        ("City", city),
        (
            "Status queries",
            Some(
                if settings.status_requires_key { "Need the public key" } else { "Need no key" }
                    .to_owned(),
            ),
        ),
    ];
    all.into_iter().filter_map(|(name, text)| Some(Fact { name, text: text? })).collect()
}

const fn capture(capture: Capture) -> &'static str {
    match capture {
        Capture::Automatic => "With the authorisation",
        Capture::Manual => "By a capture, later",
    }
}

const fn when_unknown(policy: WhenUnknown) -> &'static str {
    match policy {
        WhenUnknown::Wait => "The bank is asked on",
        WhenUnknown::Reverse => "Reversed after half an hour",
    }
}

const fn late_approval(policy: LateApproval) -> &'static str {
    match policy {
        LateApproval::Accept => "Accepted",
        LateApproval::Reverse => "Given back",
    }
}

const fn upi_collect(policy: UpiCollect) -> &'static str {
    match policy {
        UpiCollect::Allow => "Allowed",
        UpiCollect::ConvertToQr => "Becomes a QR code",
        UpiCollect::Refuse => "Refused",
    }
}

const fn qr_format(format: QrFormat) -> &'static str {
    match format {
        QrFormat::UpiLink => "A UPI link",
        QrFormat::BharatQr => "BharatQR",
    }
}
