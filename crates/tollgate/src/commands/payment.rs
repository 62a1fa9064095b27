//! `tollgate payment`: what an operator sees of payments, and does to them.

use crate::cli::Common;
use crate::clock::SystemClock;
use crate::commands::events::filter::{from, until};
use crate::failure::Failure;
use crate::output::Output;
use crate::payment_view::{Open, ShownPayment, ShownRefund, Summary, age};
use crate::table::{pairs, table};
use crate::wire::{self, Opened};
use clap::{ArgGroup, Args, Subcommand};
use domain::id::{PaymentId, TerminalNumber, Year};
use domain::money::Money;
use domain::payment::{CaptureRefused, Payment, State};
use domain::payment_filter::PaymentFilter;
use domain::refund::{RefundRefused, RefundRequest, RefundState};
use domain::text::{Reference, RefundReason};
use domain::time::Timestamp;
use engine::Actor;
use engine::capture::CaptureError;
use engine::error::Fault;
use engine::ports::{Clock as _, PaymentsAsked};
use engine::refund::RefundError;

pub(crate) const EXAMPLES: &str = "\
Examples:
  tollgate payment list
  tollgate payment list --terminal 42 --reference order-1001
  tollgate payment list --from 2026-01-31 --limit 100 --before 417823250426141606
  tollgate payment list --archived 2024 --before 417823240426141606
  tollgate payment show 417823250426141606 --json
  tollgate payment refund 417823250426141606 --amount 1.00 --reference return-7
  tollgate payment capture 417823250426141606 --amount 9.50   the rest is released
  tollgate payment void 417823250426141606                    releases held money
  tollgate payment unresolved                 what only the bank can end; exit code 1 when
                                              something there needs you, for monitoring
  tollgate payment resolve 417823250426141606 --took-effect --why \"statement of 3 May, line 12\"";

/// Calls that the operator's list shows at most; the oldest come first.
const OPEN_AT_MOST: u32 = 10_000;

#[derive(Debug, Subcommand)]
pub(crate) enum Action {
    /// One payment with its refunds and all that happened to it
    Show(Show),
    /// Payments, the newest first
    List(List),
    /// Give money back, and wait for the bank's answer
    Refund(Refund),
    /// Take held money, all of it or less; once
    Capture(Capture),
    /// Release held money
    Void(Void),
    /// Calls whose outcome only the bank can tell, the oldest first
    Unresolved(Unresolved),
    /// Say what became of a call that the bank has not told about for half an hour
    Resolve(Resolve),
}

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Show {
    /// The payment's number, transID
    #[arg(value_name = "TRANS_ID", value_parser = trans_id)]
    payment: PaymentId,

    /// One JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct List {
    /// How many at most
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    limit: u32,

    /// Only those older than this one: the last of the page before
    #[arg(long, value_name = "TRANS_ID", value_parser = trans_id)]
    before: Option<PaymentId>,

    /// Only those of a past year that stand in its archive
    #[arg(long, value_name = "YEAR", conflicts_with_all = ["terminal", "reference", "from", "until"])]
    archived: Option<Year>,

    /// Only this terminal's
    #[arg(long, value_name = "NUMBER")]
    terminal: Option<i64>,

    /// Only the attempts at one order: the merchant's order id
    #[arg(long, value_parser = reference)]
    reference: Option<Reference>,

    /// Made from this day (UTC) or moment on, as 2026-01-31 or 2026-01-31T09:00:00Z
    #[arg(long, value_name = "TIME", value_parser = from)]
    from: Option<Timestamp>,

    /// Made up to and with this day (UTC), or before this moment
    #[arg(long, value_name = "TIME", value_parser = until)]
    until: Option<Timestamp>,

    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Refund {
    /// The payment's number, transID
    #[arg(value_name = "TRANS_ID", value_parser = trans_id)]
    payment: PaymentId,

    /// How much, in the payment's currency
    #[arg(long)]
    amount: String,

    /// A name of your own: the same one asks for the same refund, so repeating is safe
    #[arg(long, value_parser = reference)]
    reference: Option<Reference>,

    /// Why, for the records
    #[arg(long, value_parser = reason)]
    reason: Option<RefundReason>,

    /// One JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Capture {
    /// The payment's number, transID
    #[arg(value_name = "TRANS_ID", value_parser = trans_id)]
    payment: PaymentId,

    /// How much [default: all that is held]
    #[arg(long)]
    amount: Option<String>,

    /// One JSON object, as `payment show`
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Void {
    /// The payment's number, transID
    #[arg(value_name = "TRANS_ID", value_parser = trans_id)]
    payment: PaymentId,

    /// One JSON object, as `payment show`
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Unresolved {
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
#[command(group = ArgGroup::new("effect").required(true).args(["took_effect", "no_effect"]))]
pub(crate) struct Resolve {
    /// The payment's number, transID
    #[arg(value_name = "TRANS_ID", value_parser = trans_id)]
    payment: PaymentId,

    /// The bank did what it was asked
    #[arg(long)]
    took_effect: bool,

    /// The bank did not, and never will
    #[arg(long)]
    no_effect: bool,

    /// Only this refund of the payment: its number, as `payment show` tells it
    #[arg(long, value_name = "NUMBER")]
    refund: Option<i32>,

    /// How you know; kept in the audit log
    #[arg(long, value_name = "TEXT", value_parser = why)]
    why: String,

    /// One JSON object, as `payment show`
    #[arg(long)]
    json: bool,
}

/// A payment's number by its text.
pub(super) fn trans_id(text: &str) -> Result<PaymentId, String> {
    text.parse().map_err(|_form| "a transID has 18 digits".to_owned())
}

fn reference(text: &str) -> Result<Reference, String> {
    Reference::parse(text).map_err(|error| format!("it {error}"))
}

fn reason(text: &str) -> Result<RefundReason, String> {
    RefundReason::parse(text).map_err(|error| format!("it {error}"))
}

fn why(text: &str) -> Result<String, String> {
    RefundReason::parse(text.trim())
        .map(|text| text.to_string())
        .map_err(|error| format!("it {error}"))
}

pub(crate) async fn run(common: &Common, action: Action) -> Result<(), Failure> {
    let settings = common.settings()?;
    match action {
        Action::Show(show) => {
            let opened = wire::open(&settings).await?;
            let payment = load(&opened, show.payment).await?;
            print_payment(&opened, Output::new(show.json), payment).await
        }
        Action::List(list) => self::list(&wire::open(&settings).await?, list).await,
        Action::Unresolved(unresolved) => {
            self::unresolved(&wire::open(&settings).await?, Output::new(unresolved.json)).await
        }
        Action::Resolve(resolve) => self::resolve(&wire::open(&settings).await?, resolve).await,
        Action::Refund(refund) => {
            self::refund(&wire::open_with_banks(&settings).await?, refund).await
        }
        Action::Capture(capture) => {
            self::capture(&wire::open_with_banks(&settings).await?, capture).await
        }
        Action::Void(void) => self::void(&wire::open_with_banks(&settings).await?, &void).await,
    }
}

fn unknown(id: PaymentId) -> Failure {
    Failure::No(format!("there is no payment {id}; `tollgate payment list` shows the newest"))
}

async fn load(opened: &Opened, id: PaymentId) -> Result<Payment, Failure> {
    let payment = opened.gateway.payment(Actor::Operator, id).await?;
    payment.ok_or_else(|| unknown(id))
}

fn amount_of(payment: &Payment, text: &str) -> Result<Money, Failure> {
    let currency = payment.amount.currency();
    Money::parse(text, currency)
        .map_err(|error| Failure::Usage(format!("--amount {error}; the payment is in {currency}")))
}

async fn list(opened: &Opened, list: List) -> Result<(), Failure> {
    let output = Output::new(list.json);
    let gateway = &opened.gateway;
    let payments = if let Some(year) = list.archived {
        let scope = Actor::Operator.scope();
        let page = opened.records.archived_payments(scope, year, list.before, list.limit).await;
        page.map_err(Fault::from)?
    } else {
        let filter = PaymentFilter {
            terminal: list.terminal.map(TerminalNumber),
            from: list.from,
            until: list.until,
            reference: list.reference,
            mode: None,
        };
        let asked = PaymentsAsked { filter, before: list.before, limit: list.limit };
        gateway.newest_payments(Actor::Operator, asked).await?
    };
    let shown = payments.iter().map(Summary::of);
    if output.is_json() {
        return shown.into_iter().try_for_each(|payment| output.json_line(&payment));
    }
    let rows: Vec<Vec<String>> = shown.map(|payment| payment.row()).collect();
    if rows.is_empty() {
        output.talk("There are no such payments; `tollgate pay` makes one.");
        return Ok(());
    }
    output.text(&table(&Summary::HEADINGS, &rows))?;
    let is_full = u32::try_from(rows.len()).is_ok_and(|rows| rows == list.limit);
    if let Some(last) = payments.last().filter(|_last| is_full) {
        output.talk(&format!("Older ones: add --before {}", last.id));
    }
    Ok(())
}

async fn print_payment(opened: &Opened, output: Output, payment: Payment) -> Result<(), Failure> {
    let gateway = &opened.gateway;
    let refunds = gateway.refunds(Actor::Operator, payment.id).await?;
    let events = gateway.events(Actor::Operator, payment.id).await?;
    let shown = ShownPayment::of(&payment, &refunds, &events);
    if output.is_json() {
        return output.json_line(&shown);
    }
    output.text(&shown.text())
}

async fn refund(opened: &Opened, refund: Refund) -> Result<(), Failure> {
    let output = Output::new(refund.json);
    let gateway = &opened.gateway;
    let payment = load(opened, refund.payment).await?;
    let amount = amount_of(&payment, &refund.amount)?;
    let currency = amount.currency();
    let terminal = gateway.terminal_of(&payment).await?;
    let request = RefundRequest { amount, reference: refund.reference, reason: refund.reason };
    let asked = gateway.request_refund(Actor::Operator, &terminal, payment.id, request);
    let accepted = Box::pin(asked).await.map_err(|error| refund_failure(error, currency))?;
    // The bank is spoken to beside this; its answer is worth waiting for.
    gateway.finish_tasks().await;
    let refunds = gateway.refunds(Actor::Operator, payment.id).await?;
    let number = accepted.refund.number;
    let stands = refunds.into_iter().find(|one| one.number == number);
    let stands = stands.ok_or_else(|| Failure::CouldNot("the refund is gone".to_owned()))?;
    let shown = ShownRefund::of(&stands);
    if output.is_json() {
        output.json_line(&shown)?;
    } else {
        output.text(&pairs(&shown.pairs()))?;
    }
    if accepted.replayed {
        output.talk("This refund was asked for before, by the same reference.");
    }
    match &stands.state {
        RefundState::Refunded { .. } => Ok(()),
        RefundState::Declined { .. } | RefundState::Failed { .. } => Err(Failure::No(
            "no money was given back; it can be refunded again, under another reference".to_owned(),
        )),
        RefundState::Pending { .. } => Err(not_told(payment.id)),
    }
}

fn not_told(id: PaymentId) -> Failure {
    Failure::CouldNot(format!(
        "the bank has not said yet what became of it; a running gateway asks on, and `tollgate \
         payment show {id}` tells"
    ))
}

fn refund_failure(error: RefundError, currency: domain::money::Currency) -> Failure {
    match error {
        RefundError::Refused(RefundRefused::MoreThanLeft { left_minor }) => {
            let left = Money::from_minor(left_minor, currency);
            let left = left.map(|left| left.to_string()).unwrap_or_default();
            Failure::No(format!("that is more than is left: {left} can be refunded"))
        }
        RefundError::Fault(fault) => fault.into(),
        refused @ (RefundError::NotFound
        | RefundError::Refused(
            RefundRefused::State(_) | RefundRefused::TooOld | RefundRefused::Currency,
        )
        | RefundError::ReferenceUsed { .. }
        | RefundError::NoConnector) => Failure::No(refused.to_string()),
    }
}

fn capture_failure(error: CaptureError, payment: &Payment) -> Failure {
    match error {
        CaptureError::NotFound => unknown(payment.id),
        CaptureError::Capture(CaptureRefused::Amount { .. }) => {
            Failure::No(format!("at most {} can be captured", payment.amount))
        }
        CaptureError::Fault(fault) => fault.into(),
        refused @ (CaptureError::Capture(CaptureRefused::State(_)) | CaptureError::Refused(_)) => {
            Failure::No(refused.to_string())
        }
    }
}

async fn capture(opened: &Opened, capture: Capture) -> Result<(), Failure> {
    let payment = load(opened, capture.payment).await?;
    let amount = capture.amount.map(|text| amount_of(&payment, &text)).transpose()?;
    let captured = opened.gateway.capture_payment(Actor::Operator, payment.id, amount);
    let after = Box::pin(captured).await.map_err(|error| capture_failure(error, &payment))?;
    let taken = matches!(after.state, State::Approved { .. });
    report(opened, Output::new(capture.json), after, taken).await
}

async fn void(opened: &Opened, void: &Void) -> Result<(), Failure> {
    let payment = load(opened, void.payment).await?;
    let released = opened.gateway.void_payment(Actor::Operator, payment.id);
    let after = Box::pin(released).await.map_err(|error| capture_failure(error, &payment))?;
    let gone = matches!(after.state, State::Reversed { .. });
    report(opened, Output::new(void.json), after, gone).await
}

/// The payment after a capture or a release; `done` says that the bank did it.
async fn report(
    opened: &Opened,
    output: Output,
    after: Payment,
    done: bool,
) -> Result<(), Failure> {
    let id = after.id;
    let waits = after.state.at_the_bank().is_some();
    print_payment(opened, output, after).await?;
    match (done, waits) {
        (true, _) => Ok(()),
        (false, true) => Err(not_told(id)),
        (false, false) => Err(Failure::No("the bank refused; the money is still held".to_owned())),
    }
}

async fn unresolved(opened: &Opened, output: Output) -> Result<(), Failure> {
    let gateway = &opened.gateway;
    let now = SystemClock.now();
    let mut open = Vec::new();
    for payment in gateway.payments_at_the_bank(Actor::Operator, OPEN_AT_MOST).await? {
        open.extend(Open::of_payment(&payment, now));
        if payment.state.taken().is_some_and(|taken| taken.refunding_minor > 0) {
            let refunds = gateway.refunds(Actor::Operator, payment.id).await?;
            open.extend(refunds.iter().filter_map(|refund| Open::of_refund(refund, now)));
        }
    }
    open.sort_by(|one, other| one.sent_at.cmp(&other.sent_at));
    let waiting = open.iter().filter(|one| one.needs_operator).count();
    if output.is_json() {
        open.iter().try_for_each(|one| output.json_line(one))?;
    } else if open.is_empty() {
        output.talk("Nothing waits for a bank's answer.");
    } else {
        let rows: Vec<Vec<String>> = open.iter().map(Open::row).collect();
        output.text(&table(&Open::HEADINGS, &rows))?;
    }
    if waiting == 0 {
        return Ok(());
    }
    let oldest = open.first().map(|one| age(one.age_seconds)).unwrap_or_default();
    Err(Failure::No(format!(
        "{waiting} of these need you, the oldest since {oldest}: ask the bank by our reference, \
         then say what you learnt with `tollgate payment resolve`"
    )))
}

async fn resolve(opened: &Opened, resolve: Resolve) -> Result<(), Failure> {
    let id = resolve.payment;
    let payment = load(opened, id).await?;
    let (took_effect, why) = (resolve.took_effect, resolve.why.as_str());
    let gateway = &opened.gateway;
    let resolved = match resolve.refund {
        None => gateway.resolve_payment(Actor::Operator, id, took_effect, why).await,
        Some(number) => gateway.resolve_refund(Actor::Operator, id, number, took_effect, why).await,
    };
    let after = resolved.map_err(|error| match error {
        CaptureError::Refused(refused) => Failure::No(format!(
            "{refused}: only what `tollgate payment unresolved` marks can be resolved"
        )),
        other @ (CaptureError::NotFound | CaptureError::Capture(_) | CaptureError::Fault(_)) => {
            capture_failure(other, &payment)
        }
    })?;
    print_payment(opened, Output::new(resolve.json), after).await
}
