//! Payments: searched, looked at, given back.

mod asked;
mod confirm;
mod export;
mod hold;
mod list;
mod note;
mod page;
mod parts;
mod receipt;
mod refund;
mod sent;
#[cfg(test)]
mod tests;
mod timeline;

pub(in crate::portal) use export::attachment;
pub(in crate::portal) use list::{Row, row};

use crate::desk::route::{Room, Route, get, post};
use crate::desk::trouble::Trouble;
use crate::desk::visit::Visit;
use domain::id::PaymentId;
use domain::payment::Payment;
use domain::user::Permission as P;

pub(super) fn routes() -> Vec<Route> {
    let room = Room::Portal;
    vec![
        get(room, "/portal/{mode}/payments", P::See, list::list),
        post(room, "/portal/{mode}/payments/views", P::See, list::change_views),
        get(room, "/portal/{mode}/payments.csv", P::Export, export::export),
        get(room, "/portal/{mode}/payments/{payment}", P::See, page::payment),
        post(room, "/portal/{mode}/payments/{payment}/note", P::Note, note::add),
        post(room, "/portal/{mode}/payments/{payment}/refund", P::Refund, refund::refund),
        post(room, "/portal/{mode}/payments/{payment}/capture", P::Refund, hold::capture),
        post(room, "/portal/{mode}/payments/{payment}/void", P::Refund, hold::void),
        get(room, "/portal/{mode}/payments/{payment}/receipt", P::See, receipt::page),
        get(room, "/portal/{mode}/payments/{payment}/receipt.pdf", P::See, receipt::pdf),
    ]
}

/// The payment in the path: of the visitor's merchant, and of the path's mode.
async fn find(visit: &Visit) -> Result<Payment, Trouble> {
    let mode = visit.mode()?;
    let id: PaymentId = visit.param("payment")?;
    let found = visit.app.gateway.payment(visit.actor(), id).await?;
    found.filter(|payment| payment.mode == mode).ok_or(Trouble::NotFound)
}

/// Where a payment's page is.
fn href(visit: &Visit, payment: &Payment) -> String {
    visit.in_mode(&format!("/payments/{}", payment.id))
}
