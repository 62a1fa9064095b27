//! A receipt of money that was taken, as a page to print and as a document.

use super::list::method;
use crate::assets::{PORTAL_SCRIPT, PORTAL_STYLE};
use crate::desk::receipt::{self, Receipt};
use crate::desk::route::Outcome;
use crate::desk::shell::{Shell, desk_page};
use crate::desk::trouble::Trouble;
use crate::desk::visit::Visit;
use crate::portal::words::{amount, moment};
use askama::Template;
use axum::response::IntoResponse as _;
use domain::payment::Payment;
use domain::terminal::Mode;
use http::{StatusCode, header};

#[derive(Template)]
#[template(path = "portal/receipt.html")]
struct ReceiptPage {
    shell: Shell,
    here: String,
    id: String,
    receipt: Receipt,
}

/// What stands on it; refused where no money was taken.
async fn receipt_of(visit: &Visit, payment: &Payment) -> Result<Receipt, Trouble> {
    let Some(taken) = payment.state.taken() else {
        let text = format!(
            "There is no receipt: no money was taken. The payment is {}.",
            payment.state.in_words()
        );
        return Err(Trouble::Refused(StatusCode::CONFLICT, text));
    };
    let terminal = visit.app.gateway.terminal(visit.actor(), payment.terminal).await?;
    let merchant = terminal.map_or_else(String::new, |terminal| terminal.merchant_name);
    let currency = payment.amount.currency();
    let customer = &payment.request.customer;
    let mut lines = vec![
        ("Payment", payment.id.to_string()),
        ("Order", payment.reference.to_string()),
        ("For", payment.request.product_name.to_string()),
        ("Paid with", method(payment)),
    ];
    let at = payment.state.decided_at().unwrap_or(payment.created_at);
    lines.push(("Paid on", moment(at)));
    let named = [("Customer", &customer.full_name), ("E-mail", &customer.email)];
    lines.extend(
        named
            .into_iter()
            .filter_map(|(name, text)| text.as_deref().map(|text| (name, text.to_owned()))),
    );
    if taken.refunded_minor > 0 {
        let kept = taken.captured_minor.saturating_sub(taken.refunded_minor);
        lines.push(("Refunded", amount(taken.refunded_minor, currency)));
        lines.push(("Paid after refunds", amount(kept, currency)));
    }
    let bank = payment.state.bank();
    if let Some(rrn) = bank.and_then(|bank| bank.rrn.clone()) {
        lines.push(("Bank's number", rrn));
    }
    if let Some(descriptor) = bank.and_then(|bank| bank.descriptor.clone()) {
        lines.push(("On the statement", descriptor));
    }
    Ok(Receipt {
        merchant,
        title: format!("Receipt {}", payment.id),
        lines: lines.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        amount: amount(taken.captured_minor, currency),
        status: match (taken.refunded_minor, taken.captured_minor) {
            (0, _) => "Paid".to_owned(),
            (refunded, captured) if refunded >= captured => "Paid and refunded in full".to_owned(),
            _ => "Paid and refunded in part".to_owned(),
        },
        note: match payment.mode {
            Mode::Test => "This was a test: no money moved.".to_owned(),
            Mode::Live => "This is a receipt for a payment, not an invoice.".to_owned(),
        },
    })
}

/// `GET /portal/{mode}/payments/{payment}/receipt`
pub(super) async fn page(visit: Visit) -> Outcome {
    let payment = super::find(&visit).await?;
    let receipt = receipt_of(&visit, &payment).await?;
    let page = ReceiptPage {
        shell: Shell::of(&visit, &receipt.title),
        here: super::href(&visit, &payment),
        id: payment.id.to_string(),
        receipt,
    };
    Ok(desk_page(&visit.app, StatusCode::OK, &page))
}

/// `GET /portal/{mode}/payments/{payment}/receipt.pdf`
pub(super) async fn pdf(visit: Visit) -> Outcome {
    let payment = super::find(&visit).await?;
    let document = receipt::pdf(&receipt_of(&visit, &payment).await?);
    let name = format!("attachment; filename=\"receipt-{}.pdf\"", payment.id);
    let headers = [
        (header::CONTENT_TYPE, "application/pdf"),
        (header::CONTENT_DISPOSITION, name.as_str()),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    Ok((headers, document).into_response())
}
