//! What several pages of the office show alike: merchants' names, pills, rows of payments.

use crate::desk::trouble::Trouble;
use crate::desk::visit::Visit;
use crate::portal::words::{Pill, amount, moment, payment_pill, pill};
use domain::id::MerchantId;
use domain::merchant::Merchant;
use domain::payment::Payment;
use domain::terminal::{Approval, Mode, Terminal};
use domain::time::Timestamp;
use std::collections::BTreeMap;

/// Rows of a list.
pub(super) const ROWS: u32 = 25;

/// A moment, for people and for machines.
#[derive(Clone, Debug)]
pub(super) struct When {
    /// For people.
    pub(super) text: String,
    /// For machines.
    pub(super) machine: String,
}

impl When {
    /// Of this moment.
    pub(super) fn of(at: Timestamp) -> Self {
        Self { text: moment(at), machine: at.to_rfc3339() }
    }
}

/// All merchants by number. There are few beside what they take.
pub(super) struct Merchants(BTreeMap<MerchantId, Merchant>);

impl Merchants {
    /// As they are now.
    pub(super) async fn load(visit: &Visit) -> Result<Self, Trouble> {
        let all = visit.app.gateway.merchants(visit.actor()).await?;
        Ok(Self(all.into_iter().map(|one| (one.id, one)).collect()))
    }

    /// A merchant's name; its number where it has none.
    pub(super) fn name(&self, id: MerchantId) -> String {
        self.0.get(&id).map_or_else(|| format!("Merchant {id}"), |one| one.name.clone())
    }

    /// One of them.
    pub(super) fn get(&self, id: MerchantId) -> Option<&Merchant> {
        self.0.get(&id)
    }

    /// All of them, by number.
    pub(super) fn all(&self) -> impl DoubleEndedIterator<Item = &Merchant> {
        self.0.values()
    }
}

/// A choice of a menu.
#[derive(Clone, Debug)]
pub(super) struct Choice {
    /// What is sent.
    pub(super) value: String,
    /// What is read.
    pub(super) title: String,
    /// Whether it is chosen now.
    pub(super) is_chosen: bool,
}

/// Choices of these values and titles, with the chosen one marked.
pub(super) fn choices<V: ToString, T: ToString>(
    all: impl IntoIterator<Item = (V, T)>,
    chosen: Option<&str>,
) -> Vec<Choice> {
    let choice = |(value, title): (V, T)| {
        let value = value.to_string();
        let is_chosen = chosen == Some(&*value);
        Choice { value, title: title.to_string(), is_chosen }
    };
    all.into_iter().map(choice).collect()
}

/// The modes to choose from.
pub(super) fn mode_choices(chosen: Option<Mode>) -> Vec<Choice> {
    let all = [(Mode::Live.name(), "Live"), (Mode::Test.name(), "Test")];
    choices(all, chosen.map(Mode::name))
}

/// The merchants to choose from.
pub(super) fn merchant_choices(merchants: &Merchants, chosen: Option<MerchantId>) -> Vec<Choice> {
    let chosen = chosen.map(|id| id.to_string());
    choices(merchants.all().map(|one| (one.id, one.name.clone())), chosen.as_deref())
}

/// Where a merchant stands.
pub(super) const fn merchant_pill(merchant: &Merchant) -> Pill {
    match (merchant.active, merchant.approved) {
        (false, _) => pill("bad", "cross", "Suspended"),
        (true, false) => pill("warn", "clock", "In review"),
        (true, true) => pill("ok", "check", "Active"),
    }
}

/// Where a terminal stands.
pub(super) const fn terminal_pill(terminal: &Terminal) -> Pill {
    match &terminal.settings.approval {
        Approval::Requested => pill("warn", "clock", "Waits for approval"),
        Approval::Refused { .. } => pill("bad", "cross", "Refused"),
        Approval::Approved if !terminal.merchant_active => {
            pill("bad", "cross", "Merchant suspended")
        }
        Approval::Approved if !terminal.active => pill("off", "cross", "Off"),
        Approval::Approved => pill("ok", "check", "Takes payments"),
    }
}

/// A mode as a pill.
pub(super) const fn mode_pill(mode: Mode) -> Pill {
    match mode {
        Mode::Live => pill("ok", "balance", "Live"),
        Mode::Test => pill("off", "info", "Test"),
    }
}

/// A row of a list of payments.
#[derive(Clone, Debug)]
pub(super) struct PaymentRow {
    /// Its number.
    pub(super) id: String,
    /// Its merchant's name.
    pub(super) merchant: String,
    /// Its terminal's number.
    pub(super) terminal: i64,
    /// The merchant's order id.
    pub(super) reference: String,
    /// How it is paid, masked.
    pub(super) method: String,
    /// What is to be paid.
    pub(super) amount: String,
    /// Test or live.
    pub(super) mode: Pill,
    /// Where it stands.
    pub(super) pill: Pill,
    /// When it was made.
    pub(super) made: When,
}

impl PaymentRow {
    /// Of this payment.
    pub(super) fn of(payment: &Payment, merchants: &Merchants) -> Self {
        Self {
            id: payment.id.to_string(),
            merchant: merchants.name(payment.merchant),
            terminal: payment.terminal.0,
            reference: payment.reference.as_str().to_owned(),
            method: method_text(payment),
            amount: amount(payment.amount.minor(), payment.amount.currency()),
            mode: mode_pill(payment.mode),
            pill: payment_pill(payment),
            made: When::of(payment.created_at),
        }
    }
}

/// How a payment is paid, as far as an operator needs it: brand and last digits, never more.
pub(super) fn method_text(payment: &Payment) -> String {
    match &payment.method.card {
        Some(card) => {
            format!("{} \u{2022}\u{2022}\u{2022}\u{2022} {}", card.brand.name(), card.last_four)
        }
        None => payment.method.code.name().to_owned(),
    }
}

/// An e-mail address of which nobody learns more than they must know to recognise it.
pub(super) fn masked_email(email: &str) -> String {
    match email.rsplit_once('@') {
        Some((local, domain)) => {
            let first: String = local.chars().take(1).collect();
            format!("{first}\u{2026}@{domain}")
        }
        None => "\u{2026}".to_owned(),
    }
}

/// A refusal's words as a sentence.
pub(super) fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().to_string());
    format!("{}{}.", first.unwrap_or_default(), letters.as_str())
}

/// How long something took or lasts, roughly.
pub(super) fn lasted(duration: std::time::Duration) -> String {
    match duration.as_secs() {
        0 => format!("{} ms", duration.as_millis()),
        seconds @ 1..120 => format!("{seconds} s"),
        seconds @ 120..7200 => format!("{} min", seconds / 60),
        seconds @ 7200..172_800 => format!("{} h", seconds / 3600),
        seconds => format!("{} days", seconds / 86_400),
    }
}

/// A reason that somebody typed: kept in the audit log, so it must say something.
pub(super) fn reason(text: &str, least: usize) -> Result<String, String> {
    let text = text.trim();
    let length = text.chars().count();
    if length < least {
        return Err(format!("Write why, in at least {least} characters."));
    }
    if length > 255 || text.chars().any(char::is_control) {
        return Err("Write it in at most 255 printable characters, on one line.".to_owned());
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn addresses_and_durations_are_short() {
        assert_eq!(masked_email("priya@example.com"), "p\u{2026}@example.com");
        assert_eq!(masked_email("nonsense"), "\u{2026}");
        assert_eq!(lasted(Duration::from_millis(3)), "3 ms");
        assert_eq!(lasted(Duration::from_secs(119)), "119 s");
        assert_eq!(lasted(Duration::from_mins(31)), "31 min");
        assert_eq!(lasted(Duration::from_hours(47)), "47 h");
        assert_eq!(lasted(Duration::from_hours(24 * 9)), "9 days");
    }

    #[test]
    fn reasons_say_something_on_one_line() {
        assert_eq!(reason("  statement of 3 May ", 10).unwrap(), "statement of 3 May");
        assert!(reason("because", 10).is_err());
        assert!(reason("one line\nand another", 10).is_err());
        assert!(reason(&"x".repeat(256), 10).is_err());
    }
}
