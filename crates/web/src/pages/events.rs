//! `GET /api/authurl/{transID}/events`: tells a page that waits when its payment went on, as
//! server-sent events (HTML Living Standard, section 9.2). A page without them looks by itself.

use super::Visit;
use crate::app::App;
use axum::http::header::CACHE_CONTROL;
use axum::http::{HeaderValue, StatusCode};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use domain::id::PaymentId;
use domain::payment::Payment;
use engine::Actor;
use futures_core::Stream;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::mpsc;

/// How long one connection lasts; the browser then opens the next one.
const CONNECTION: Duration = Duration::from_mins(5);
/// How often the payment is read although nothing was heard: another node may have changed it.
const LOOK: Duration = Duration::from_secs(2);
/// Pages that wait at once; who comes later looks by themselves.
const CONNECTIONS_AT_MOST: usize = 4096;

static CONNECTIONS: AtomicUsize = AtomicUsize::new(0);

/// Counts a connection as long as it lasts.
#[derive(Debug)]
struct Seat;

impl Seat {
    fn take() -> Option<Self> {
        let before = CONNECTIONS.fetch_add(1, Ordering::Relaxed);
        let seat = Self;
        (before < CONNECTIONS_AT_MOST).then_some(seat)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        CONNECTIONS.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What is told: the events as they come.
#[derive(Debug)]
struct Told(mpsc::Receiver<Event>);

impl Stream for Told {
    type Item = Result<Event, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_recv(context).map(|event| event.map(Ok))
    }
}

/// A payment that the visitor may watch: one event `changed` when it goes on, and the end.
pub(super) fn watch(visit: &Visit, payment: &Payment) -> Response {
    let Some(seat) = Seat::take() else {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    };
    let (sender, receiver) = mpsc::channel(1);
    let (app, actor) = (visit.app.clone(), Actor::Holder { caller: visit.caller.0 });
    let (id, seen) = (payment.id, payment.version);
    tokio::spawn(async move {
        let _seat = seat;
        let went = tokio::select! {
            // The page was closed.
            () = sender.closed() => return,
            went = tokio::time::timeout(CONNECTION, until_it_goes_on(&app, actor, id, seen)) => went,
        };
        if went.is_ok() {
            // A page that has gone needs to hear nothing.
            let _gone = sender.send(Event::default().event("changed").data("1")).await;
        }
    });
    let keep_alive = KeepAlive::new().interval(Duration::from_secs(15));
    let mut response = Sse::new(Told(receiver)).keep_alive(keep_alive).into_response();
    // Proxies must not wait for more.
    let headers = response.headers_mut();
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Returns when the payment is no longer as it was seen. Looking at the bank again is no change.
async fn until_it_goes_on(app: &App, actor: Actor, id: PaymentId, seen: i64) {
    let mut changes = app.gateway.changes();
    loop {
        match app.gateway.payment(actor, id).await {
            Ok(Some(payment))
                if payment.state.decided_at().is_none()
                    && (payment.version == seen || payment.state.customer_may_act()) => {}
            // Changed, decided before the page began to listen, gone, or not readable: the page
            // looks for itself.
            Ok(_) | Err(_) => return,
        }
        let heard = async {
            loop {
                match changes.recv().await {
                    Ok(changed) if changed == id => return,
                    Ok(_another) => {}
                    Err(RecvError::Lagged(_)) => return,
                    Err(RecvError::Closed) => std::future::pending().await,
                }
            }
        };
        // Either way the payment is read again.
        let _heard = tokio::time::timeout(LOOK, heard).await;
    }
}
