//! Payments as a file for finance: written page by page as the browser reads it, so that a million
//! of them take no more memory than five hundred.

use super::asked::Asked;
use crate::desk::csv;
use crate::desk::route::Outcome;
use crate::desk::trouble::Trouble;
use crate::desk::visit::Visit;
use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use domain::id::PaymentId;
use domain::money::sum_to_decimal_text;
use domain::payment::Payment;
use domain::payment_filter::PaymentSearch;
use domain::summary::Day;
use domain::time::Timestamp;
use engine::{Actor, Gateway};
use http::header;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::sync::mpsc;

/// Payments that are read at once.
const PAGE: u32 = 500;

const HEAD: [&str; 24] = [
    "trans_id",
    "created_at_utc",
    "reference",
    "terminal",
    "mode",
    "method",
    "card",
    "currency",
    "amount",
    "captured",
    "refunded",
    "net",
    "status_code",
    "status",
    "response",
    "decided_at_utc",
    "attempt",
    "rrn",
    "bank_reference",
    "descriptor",
    "product_name",
    "customer_name",
    "customer_email",
    "country",
];

/// Pieces of a file as a body.
struct Pieces(mpsc::Receiver<io::Result<Bytes>>);

impl futures_core::Stream for Pieces {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_recv(context)
    }
}

/// A file to be kept, of pieces that come as they are read.
pub(in crate::portal) fn attachment(
    name: &str,
    pieces: mpsc::Receiver<io::Result<Bytes>>,
) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
        (header::CACHE_CONTROL, "no-store".to_owned()),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
    ];
    (headers, Body::from_stream(Pieces(pieces))).into_response()
}

/// `GET /portal/{mode}/payments.csv`: what the list with this query shows, all pages of it.
pub(super) async fn export(visit: Visit) -> Outcome {
    let mode = visit.mode()?;
    let search = Asked::of(&visit.query).search(mode).map_err(|problems| {
        let first = problems.first().map_or(("query", ""), |one| (one.field, one.text));
        Trouble::Field(first.0, first.1.trim_end_matches('.').to_lowercase())
    })?;
    let (sender, pieces) = mpsc::channel(2);
    let (gateway, actor) = (Arc::clone(&visit.app.gateway), visit.actor());
    // Ends with the download: when nobody reads any more, nothing can be sent.
    drop(tokio::spawn(async move { write(&gateway, actor, &search, &sender).await }));
    let today = Day::of(visit.app.gateway.clock().now()).text();
    let name = format!("payments-{}-{today}.csv", mode.name());
    visit.app.gateway.audit_export(visit.actor(), &name).await;
    Ok(attachment(&name, pieces))
}

async fn write(
    gateway: &Gateway,
    actor: Actor,
    search: &PaymentSearch,
    sender: &mpsc::Sender<io::Result<Bytes>>,
) {
    let mut text = String::new();
    csv::row(&mut text, HEAD);
    let mut before: Option<PaymentId> = None;
    while !sender.is_closed() {
        let found = match gateway.search_payments(actor, search, before, PAGE).await {
            Ok(found) => found,
            Err(fault) => {
                tracing::error!(%fault, "an export was broken off");
                // The download fails, rather than look whole.
                let broken = Err(io::Error::other("the payments cannot be read"));
                drop(sender.send(broken).await);
                return;
            }
        };
        for payment in &found.payments {
            line(&mut text, payment);
        }
        if !text.is_empty() {
            let piece = Bytes::from(std::mem::take(&mut text));
            if sender.send(Ok(piece)).await.is_err() {
                return;
            }
        }
        match found.next {
            Some(next) => before = Some(next),
            None => return,
        }
    }
}

fn line(out: &mut String, payment: &Payment) {
    let currency = payment.amount.currency();
    let money = |minor| sum_to_decimal_text(minor, currency);
    let taken = payment.state.taken();
    let captured = taken.map_or(0, |taken| taken.captured_minor);
    let refunded = taken.map_or(0, |taken| taken.refunded_minor);
    let card = payment.method.card.as_ref().map(domain::card::MaskedCard::to_page_text);
    let status = payment.order_status();
    let bank = payment.state.bank();
    let customer = &payment.request.customer;
    let owned = |text: Option<&str>| text.unwrap_or_default().to_owned();
    let fields: [String; 24] = [
        payment.id.to_string(),
        utc(payment.created_at),
        payment.reference.to_string(),
        payment.terminal.to_string(),
        payment.mode.name().to_owned(),
        payment.method.code.code().to_owned(),
        card.unwrap_or_default(),
        currency.code().to_owned(),
        payment.amount.to_decimal_text(),
        money(captured),
        money(refunded),
        money(captured.saturating_sub(refunded)),
        status.code.to_owned(),
        status.text.to_owned(),
        payment.response().to_owned(),
        payment.state.decided_at().map(utc).unwrap_or_default(),
        payment.attempt.to_string(),
        owned(bank.and_then(|bank| bank.rrn.as_deref())),
        owned(bank.and_then(|bank| bank.bank_reference.as_deref())),
        owned(bank.and_then(|bank| bank.descriptor.as_deref())),
        payment.request.product_name.to_string(),
        owned(customer.full_name.as_deref()),
        owned(customer.email.as_deref()),
        owned(customer.country.as_deref()),
    ];
    csv::row(out, fields.iter().map(String::as_str));
}

/// As spreadsheets read it.
fn utc(at: Timestamp) -> String {
    let mut text = at.to_page_text();
    text.truncate(19);
    text
}
