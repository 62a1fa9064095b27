//! Money back to a customer, whole or in parts, in two steps.

use super::confirm::Confirm;
use super::page::{self, Typed};
use crate::desk::form::Posted;
use crate::desk::notice::Notice;
use crate::desk::route::Outcome;
use crate::desk::trouble::Trouble;
use crate::desk::visit::Visit;
use crate::portal::words::amount;
use domain::money::{Currency, Money};
use domain::payment::Payment;
use domain::refund::{RefundRefused, RefundRequest};
use domain::text::{Reference, RefundReason};
use engine::error::Fault;
use engine::refund::RefundError;
use http::StatusCode;
use std::fmt::Write as _;
use std::sync::Arc;

/// Above 500.00 of its currency, an amount needs the password again.
const LARGE: i64 = 5_000_000;

/// A name for the refund of a form that is shown now: the form sent twice asks for one refund.
pub(super) fn new_reference(visit: &Visit, payment: &Payment) -> String {
    let gateway = &visit.app.gateway;
    let now = gateway.clock().now().micros().to_be_bytes();
    let parts: [&[u8]; 5] = [
        b"refund form",
        &payment.id.stored().to_be_bytes(),
        visit.request_id.0.as_bytes(),
        &visit.session.digest,
        &now,
    ];
    let digest = gateway.vault().digest(&parts);
    digest.iter().take(6).fold("desk-".to_owned(), |mut text, byte| {
        let _infallible = write!(text, "{byte:02x}");
        text
    })
}

/// Reads an amount of this currency. Noughts behind the second decimal, as this gateway itself
/// prints them for some currencies, say nothing.
pub(super) fn read_amount(text: &str, currency: Currency) -> Result<Money, String> {
    let plain = match text.split_once('.') {
        Some((whole, decimals)) if decimals.len() > 2 => {
            let (kept, rest) = decimals.split_at_checked(2).unwrap_or((decimals, ""));
            let is_more = rest.bytes().any(|byte| byte != b'0');
            if is_more { text.to_owned() } else { format!("{whole}.{kept}") }
        }
        Some(_) | None => text.to_owned(),
    };
    Money::parse(&plain, currency).map_err(|error| format!("The amount {error}."))
}

/// `POST /portal/{mode}/payments/{payment}/refund`: first asks, then does.
pub(super) async fn refund(visit: Visit, form: Posted) -> Outcome {
    let payment = super::find(&visit).await?;
    let mut typed = Typed {
        amount: form.text("amount"),
        reason: form.text("reason"),
        reference: form.text("reference"),
        ..Typed::default()
    };
    let Some(request) = read(&payment, &mut typed)? else {
        return page::show(&visit, payment, StatusCode::UNPROCESSABLE_ENTITY, typed).await;
    };
    let is_large = request.amount.ten_thousandths() > LARGE;
    let mut confirm = confirm(&visit, &payment, &request, &typed);
    confirm.needs_password = is_large && visit.needs_password();
    if !form.is_ticked("confirmed") {
        return confirm.show(&visit);
    }
    if is_large {
        match form.prove(&visit).await {
            Ok(()) => {}
            Err(Trouble::Field(_, text)) => {
                confirm.error = crate::account::as_sentence(&text);
                return confirm.show(&visit);
            }
            Err(other) => return Err(other),
        }
    }
    match ask(&visit, &payment, request).await? {
        Ok(()) => Ok(visit.see_other(&super::href(&visit, &payment), "refund-requested")),
        Err(text) => {
            typed.notice = Some(Notice::error(text));
            page::show(&visit, payment, StatusCode::CONFLICT, typed).await
        }
    }
}

/// What is asked for; none when a field is wrong, which is then told in `typed`.
fn read(payment: &Payment, typed: &mut Typed) -> Result<Option<RefundRequest>, Trouble> {
    let currency = payment.amount.currency();
    let Some(taken) = payment.state.taken() else {
        let text = format!(
            "A payment that is {} cannot be refunded. Nothing was changed.",
            payment.state.in_words()
        );
        return Err(Trouble::Refused(StatusCode::CONFLICT, text));
    };
    let reference = Reference::parse(&typed.reference).map_err(|_form| {
        Trouble::Field("reference", "is missing: reload the payment's page".to_owned())
    })?;
    let left_minor = taken.left_minor();
    let money = read_amount(&typed.amount, currency).and_then(|money| {
        if money.minor() <= left_minor {
            return Ok(money);
        }
        Err(match left_minor {
            0 => "Nothing is left to refund.".to_owned(),
            left => format!("At most {} can be refunded.", amount(left, currency)),
        })
    });
    let reason = Some(&typed.reason).filter(|text| !text.is_empty());
    let reason = reason.map(|text| RefundReason::parse(text)).transpose();
    if let Err(error) = &money {
        typed.amount_error.clone_from(error);
    }
    if let Err(error) = &reason {
        typed.reason_error = format!("The reason {error}.");
    }
    let (Ok(amount), Ok(reason)) = (money, reason) else { return Ok(None) };
    Ok(Some(RefundRequest { amount, reference: Some(reference), reason }))
}

fn confirm(visit: &Visit, payment: &Payment, request: &RefundRequest, typed: &Typed) -> Confirm {
    let currency = payment.amount.currency();
    let money = amount(request.amount.minor(), currency);
    let left = payment.state.taken().map_or(0, domain::payment::Taken::left_minor);
    let remains = left.saturating_sub(request.amount.minor());
    let mut facts = vec![
        ("Goes back now", money.clone()),
        ("Could be refunded before", amount(left, currency)),
        ("Can be refunded afterwards", amount(remains, currency)),
        ("To", super::list::method(payment)),
    ];
    if let Some(reason) = &request.reason {
        facts.push(("Reason", reason.to_string()));
    }
    Confirm {
        text: format!(
            "{money} of order {} goes back to the customer. A refund cannot be taken back.",
            payment.reference
        ),
        facts,
        fields: vec![
            ("amount", typed.amount.clone()),
            ("reason", typed.reason.clone()),
            ("reference", typed.reference.clone()),
        ],
        button: format!("Refund {money}"),
        ..Confirm::new(visit, payment, (format!("Refund {money}?"), "/refund"))
    }
}

/// Asks the engine; its refusal in words.
async fn ask(
    visit: &Visit,
    payment: &Payment,
    request: RefundRequest,
) -> Result<Result<(), String>, Trouble> {
    let (gateway, actor) = (Arc::clone(&visit.app.gateway), visit.actor());
    let terminal = gateway.terminal(actor, payment.terminal).await?.ok_or(Trouble::NotFound)?;
    if !terminal.gives_refunds() {
        return Ok(Err("Refunds are stopped for your account. Ask the operator.".to_owned()));
    }
    let (id, currency) = (payment.id, payment.amount.currency());
    // Accepted and sent although the browser goes away.
    let task = visit.app.gateway.spawn(async move {
        Box::pin(gateway.request_refund(actor, &terminal, id, request)).await
    });
    let accepted = task.await.unwrap_or_else(|error| Err(Fault::Broken(error.to_string()).into()));
    let refused = match accepted {
        Ok(accepted) => {
            let [fresh, again] = &visit.app.metrics.refunds;
            let counter = if accepted.replayed { again } else { fresh };
            counter.increment(1);
            return Ok(Ok(()));
        }
        Err(refused) => refused,
    };
    match refused {
        RefundError::NotFound => Err(Trouble::NotFound),
        RefundError::Fault(fault) => Err(fault.into()),
        RefundError::Refused(RefundRefused::State(state)) => {
            Ok(Err(format!("A payment that is {state} cannot be refunded.")))
        }
        RefundError::Refused(RefundRefused::TooOld) => {
            Ok(Err("The payment is too old to be refunded here. Ask the operator.".to_owned()))
        }
        RefundError::Refused(RefundRefused::MoreThanLeft { left_minor }) => Ok(Err(format!(
            "Another refund was faster: at most {} can be refunded now.",
            amount(left_minor, currency)
        ))),
        RefundError::Refused(RefundRefused::Currency) => {
            Ok(Err("The refund must be in the payment's currency.".to_owned()))
        }
        RefundError::ReferenceUsed { earlier } => Ok(Err(format!(
            "This form was sent before, for {}. Look at the refunds below before you send another.",
            amount(earlier.amount.minor(), currency)
        ))),
        RefundError::NoConnector => {
            Ok(Err("The bank of this terminal cannot refund. Ask the operator.".to_owned()))
        }
    }
}
