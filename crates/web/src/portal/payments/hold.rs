//! Money that the bank holds: taken, or released.

use super::confirm::Confirm;
use super::page::{self, Typed};
use super::refund::read_amount;
use crate::desk::form::Posted;
use crate::desk::notice::Notice;
use crate::desk::route::Outcome;
use crate::desk::trouble::Trouble;
use crate::desk::visit::Visit;
use crate::portal::words::amount;
use domain::payment::{CaptureRefused, Payment, State};
use engine::capture::CaptureError;
use http::StatusCode;

/// Only what is held; anything else is told with where the payment stands.
async fn find_held(visit: &Visit) -> Result<Payment, Trouble> {
    let payment = super::find(visit).await?;
    if matches!(payment.state, State::Authorised(_)) {
        return Ok(payment);
    }
    let text = format!(
        "Nothing is held for this payment: it is {}. Nothing was changed.",
        payment.state.in_words()
    );
    Err(Trouble::Refused(StatusCode::CONFLICT, text))
}

/// `POST /portal/{mode}/payments/{payment}/capture`: all of it, or less.
pub(super) async fn capture(visit: Visit, form: Posted) -> Outcome {
    let payment = find_held(&visit).await?;
    let currency = payment.amount.currency();
    let mut typed = Typed { capture: form.text("amount"), ..Typed::default() };
    let money = match read_amount(&typed.capture, currency) {
        Ok(money) if money.minor() <= payment.amount.minor() => money,
        Ok(_) => {
            let most = amount(payment.amount.minor(), currency);
            typed.capture_error = format!("At most {most} can be taken.");
            return page::show(&visit, payment, StatusCode::UNPROCESSABLE_ENTITY, typed).await;
        }
        Err(text) => {
            typed.capture_error = text;
            return page::show(&visit, payment, StatusCode::UNPROCESSABLE_ENTITY, typed).await;
        }
    };
    if !form.is_ticked("confirmed") {
        let shown = amount(money.minor(), currency);
        let rest = payment.amount.minor().saturating_sub(money.minor());
        let confirm = Confirm {
            text: format!(
                "{shown} is taken from the customer. The rest of what is held is released, and nothing more can be taken later."
            ),
            facts: vec![("Taken now", shown.clone()), ("Released", amount(rest, currency))],
            fields: vec![("amount", typed.capture)],
            button: format!("Take {shown}"),
            ..Confirm::new(&visit, &payment, (format!("Take {shown}?"), "/capture"))
        };
        return confirm.show(&visit);
    }
    let asked = visit.app.gateway.capture_payment(visit.actor(), payment.id, Some(money));
    let outcome = Box::pin(asked).await;
    done(&visit, payment, outcome, "captured").await
}

/// `POST /portal/{mode}/payments/{payment}/void`: all of it goes back.
pub(super) async fn void(visit: Visit, form: Posted) -> Outcome {
    let payment = find_held(&visit).await?;
    let shown = amount(payment.amount.minor(), payment.amount.currency());
    if !form.is_ticked("confirmed") {
        let confirm = Confirm {
            text: format!(
                "The bank releases {shown} to the customer. Nothing is taken, and this payment cannot be captured any more."
            ),
            facts: vec![("Released", shown.clone())],
            button: format!("Release {shown}"),
            is_danger: true,
            ..Confirm::new(&visit, &payment, (format!("Release {shown}?"), "/void"))
        };
        return confirm.show(&visit);
    }
    let outcome = Box::pin(visit.app.gateway.void_payment(visit.actor(), payment.id)).await;
    done(&visit, payment, outcome, "voided").await
}

async fn done(
    visit: &Visit,
    payment: Payment,
    outcome: Result<Payment, CaptureError>,
    notice: &'static str,
) -> Outcome {
    let text = match outcome {
        Ok(changed) => {
            // The bank may not have said yet, or have refused: the page tells, not the notice.
            let said_yes = match (notice, &changed.state) {
                ("captured", State::Approved { .. }) | ("voided", State::Reversed { .. }) => notice,
                _ => "asked-bank",
            };
            return Ok(visit.see_other(&super::href(visit, &payment), said_yes));
        }
        Err(CaptureError::NotFound) => return Err(Trouble::NotFound),
        Err(CaptureError::Fault(fault)) => return Err(fault.into()),
        Err(CaptureError::Capture(CaptureRefused::State(state))) => {
            format!("A payment that is {state} cannot be captured. Look at where it stands.")
        }
        Err(CaptureError::Capture(CaptureRefused::Amount { held_minor })) => {
            let most = amount(held_minor, payment.amount.currency());
            format!("At most {most} can be taken.")
        }
        Err(CaptureError::Refused(refused)) => crate::account::as_sentence(&refused.to_string()),
    };
    let typed = Typed { notice: Some(Notice::error(text)), ..Typed::default() };
    let found = super::find(visit).await?;
    page::show(visit, found, StatusCode::CONFLICT, typed).await
}
