//! One payment whose outcome only the bank knows: what is known, and what an operator found out.

use super::{CallRow, calls_of};
use crate::assets::{PORTAL_SCRIPT, PORTAL_STYLE};
use crate::desk::form::Posted;
use crate::desk::notice::Notice;
use crate::desk::route::Outcome;
use crate::desk::shell::{Shell, desk_page};
use crate::desk::trouble::Trouble;
use crate::desk::visit::Visit;
use crate::office::parts::{Merchants, reason};
use crate::office::payments::events::EventRow;
use askama::Template;
use domain::id::PaymentId;
use domain::payment::Payment;
use engine::capture::CaptureError;
use http::StatusCode;
use std::sync::Arc;
use std::time::Duration;

/// Fewest characters of a reason: "ok" explains nothing a year later.
const REASON_LEAST: usize = 10;
/// A page waits so long for the bank's answer; it is recorded however late it comes.
const PATIENCE: Duration = Duration::from_secs(3);

/// What was typed, and what is wrong with it.
#[derive(Default)]
struct Typed {
    refund: i32,
    effect: String,
    why: String,
    effect_error: String,
    why_error: String,
    password_error: String,
    refused: String,
}

impl Typed {
    const fn is_well(&self) -> bool {
        self.effect_error.is_empty() && self.why_error.is_empty() && self.password_error.is_empty()
    }
}

#[derive(Template)]
#[template(path = "office/resolve.html")]
struct ResolvePage {
    shell: Shell,
    id: String,
    reference: String,
    merchant: String,
    merchant_id: i64,
    terminal: i64,
    calls: Vec<CallRow>,
    events: Vec<EventRow>,
    typed: Typed,
    least: usize,
    needs_password: bool,
}

async fn found(visit: &Visit) -> Result<Payment, Trouble> {
    let id: PaymentId = visit.param("payment")?;
    visit.app.gateway.payment(visit.actor(), id).await?.ok_or(Trouble::NotFound)
}

async fn show(visit: &Visit, payment: &Payment, typed: Typed) -> Outcome {
    let gateway = &visit.app.gateway;
    let merchants = Merchants::load(visit).await?;
    let calls = calls_of(visit, payment).await?;
    let events = gateway.events(visit.actor(), payment.id).await?;
    let status = if typed.is_well() && typed.refused.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::UNPROCESSABLE_ENTITY
    };
    let shell = Shell::of(visit, "Unknown outcome");
    let shell = if typed.refused.is_empty() {
        shell
    } else {
        shell.telling(Notice::error(typed.refused.clone()))
    };
    let page = ResolvePage {
        shell,
        id: payment.id.to_string(),
        reference: payment.reference.as_str().to_owned(),
        merchant: merchants.name(payment.merchant),
        merchant_id: payment.merchant.0,
        terminal: payment.terminal.0,
        calls: calls.iter().map(|call| call.row(&merchants)).collect(),
        events: events.iter().rev().map(|event| EventRow::of(event, payment)).collect(),
        typed,
        least: REASON_LEAST,
        needs_password: visit.needs_password(),
    };
    Ok(desk_page(&visit.app, status, &page))
}

/// `GET /office/unknown/{payment}`
pub(super) async fn page(visit: Visit) -> Outcome {
    let payment = found(&visit).await?;
    show(&visit, &payment, Typed::default()).await
}

/// `POST /office/unknown/{payment}/resolve`
pub(super) async fn resolve(visit: Visit, form: Posted) -> Outcome {
    let payment = found(&visit).await?;
    let refund: i32 = form.parsed("refund", "must be a refund's number")?;
    let mut typed =
        Typed { refund, effect: form.text("effect"), why: form.text("why"), ..Typed::default() };
    let took_effect = match &*typed.effect {
        "took_effect" => true,
        "no_effect" => false,
        _ => {
            "Say what you found out.".clone_into(&mut typed.effect_error);
            false
        }
    };
    let why = match reason(&typed.why, REASON_LEAST) {
        Ok(why) => why,
        Err(error) => {
            typed.why_error = error;
            String::new()
        }
    };
    if typed.is_well() {
        match form.prove(&visit).await {
            Ok(()) => {}
            Err(Trouble::Field(_, text)) => typed.password_error = text,
            Err(other) => return Err(other),
        }
    }
    if !typed.is_well() {
        return show(&visit, &payment, typed).await;
    }
    let (gateway, actor, id) = (&visit.app.gateway, visit.actor(), payment.id);
    let resolved = if refund == 0 {
        gateway.resolve_payment(actor, id, took_effect, &why).await
    } else {
        gateway.resolve_refund(actor, id, refund, took_effect, &why).await
    };
    match resolved {
        Ok(_payment) => {
            let path = visit.href(&format!("/office/payments/{id}"));
            Ok(visit.see_other(&path, "resolved"))
        }
        Err(CaptureError::NotFound) => Err(Trouble::NotFound),
        Err(CaptureError::Fault(fault)) => Err(fault.into()),
        Err(CaptureError::Refused(_) | CaptureError::Capture(_)) => {
            "Nothing was recorded: the bank has told meanwhile, or it is asked \
                             for less than half an hour yet. Look at the page again."
                .clone_into(&mut typed.refused);
            let now = found(&visit).await?;
            show(&visit, &now, typed).await
        }
    }
}

/// `POST /office/unknown/{payment}/ask`: the bank is asked now instead of when its time comes.
pub(super) async fn ask(visit: Visit, _form: Posted) -> Outcome {
    let payment = found(&visit).await?;
    let gateway = Arc::clone(&visit.app.gateway);
    let (actor, id) = (visit.actor(), payment.id);
    // It goes on when the page is left: what the bank says is recorded in any case.
    let asking = visit.app.gateway.spawn(async move { gateway.ask_bank_now(actor, id).await });
    let path = visit.href(&format!("/office/unknown/{id}"));
    match tokio::time::timeout(PATIENCE, asking).await {
        Ok(Ok(Ok(_payment))) => Ok(visit.see_other(&path, "bank-asked")),
        Ok(Ok(Err(fault))) => Err(fault.into()),
        Ok(Err(_)) | Err(_) => Ok(visit.see_other(&path, "bank-silent")),
    }
}
