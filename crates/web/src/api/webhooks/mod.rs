//! `/api/v1/webhooks/`: the log of what a terminal's server was sent, sending it again, the
//! endpoints that are told beside each payment's own address, and a stream of what is written.
//!
//! Each call names the terminal in the query (`terNO`) and shows its private key, or an API token
//! of its merchant; it sees what is this terminal's, and whatever is another's does not exist for
//! it. What it cannot read is refused, unknown names too: a filter that is misspelt must not let
//! everything through.

mod deliveries;
mod endpoints;
mod log;
mod stream;

pub use stream::Streams;

use super::bearer;
use super::error::Refusal;
use super::exchange::{BODY_AT_MOST, Done, Keyed, Who, body_refusal, done, idempotency_key, once};
use super::fields::Form;
use super::input::{DELIVERY_FILTERS, ENDPOINT_FIELDS, Input, REPLAY_FIELDS};
use crate::app::{App, Caller};
use crate::body::read_body;
use axum::body::Body;
use axum::extract::{Path, Request};
use axum::response::Response;
use axum::routing::{get, post};
use axum::{RequestPartsExt as _, Router};
use bytes::Bytes;
use domain::api_token::TokenScope;
use domain::terminal::Terminal;
use engine::Actor;
use http::request::Parts;
use http::{HeaderMap, Method, StatusCode};
use std::sync::Arc;

/// The routes; that of the catalogue is a document of `developers`.
pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/api/v1/webhooks/deliveries", get(deliveries::list))
        .route("/api/v1/webhooks/deliveries/{id}", get(deliveries::show))
        .route("/api/v1/webhooks/deliveries/{id}/resend", post(deliveries::resend))
        .route("/api/v1/webhooks/replay", post(deliveries::replay))
        .route("/api/v1/webhooks/stream", get(stream::follow))
        .route("/api/v1/webhooks/endpoints", get(endpoints::list).post(endpoints::add))
        .route(
            "/api/v1/webhooks/endpoints/{number}",
            get(endpoints::show).patch(endpoints::change).delete(endpoints::remove),
        )
        .route("/api/v1/webhooks/endpoints/{number}/rotate-secret", post(endpoints::rotate))
        .route("/api/v1/webhooks/endpoints/{number}/test", post(endpoints::test))
}

/// What a call is named in the audit log, what a token needs for it, and which parameters its
/// query may have beside `terNO`.
#[derive(Clone, Copy, Debug)]
struct Kind {
    action: &'static str,
    scope: TokenScope,
    query: &'static [&'static str],
}

/// A call that its terminal's private key opened, or a token.
struct Call {
    app: App,
    terminal: Arc<Terminal>,
    actor: Actor,
    caller: Caller,
    headers: HeaderMap,
    /// What the path names; empty where it names nothing, or nothing readable.
    id: String,
    query: Input,
    body: Bytes,
    /// Method, path and query, of which the fingerprint of a repeated request is made.
    line: String,
}

impl Call {
    /// The body's fields; a call without a body has none.
    fn json(&self, known: &'static [&'static str]) -> Result<Input, Refusal> {
        if self.body.is_empty() {
            return Ok(Input::empty());
        }
        if Form::of(&self.headers) != Some(Form::Json) {
            let text = "send application/json";
            return Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "415", text));
        }
        Input::of_json(&self.body, known)
    }
}

/// Does the work of a call, and answers it.
async fn serve<F, W>(app: App, request: Request, kind: Kind, work: F) -> Response
where
    F: FnOnce(Call) -> W + Send,
    W: Future<Output = Result<Done, Refusal>> + Send,
{
    let (mut parts, body) = request.into_parts();
    let mut who = Who::new(&app, Caller::of(&parts.extensions), kind.action);
    let result = match open(&app, &mut parts, body, kind, &mut who).await {
        Ok(call) => work(call).await,
        Err(refusal) => Err(refusal),
    };
    bearer::answer(&app, &parts, &who, result).await
}

/// The same for a call that changes something: under an `Idempotency-Key` it is done once.
async fn serve_once<F, W>(app: App, request: Request, kind: Kind, work: F) -> Response
where
    F: FnOnce(Call) -> W + Send + 'static,
    W: Future<Output = Result<Done, Refusal>> + Send + 'static,
{
    serve(app, request, kind, |call| async move {
        let Some(key) = idempotency_key(&call.headers)? else { return work(call).await };
        let app = call.app.clone();
        let digest = [b"webhook call", call.line.as_bytes(), &call.body];
        let keyed = Keyed {
            terminal: Arc::clone(&call.terminal),
            key,
            digest: app.gateway.vault().digest(&digest),
            reference: None,
        };
        once(&app, keyed, work(call)).await
    })
    .await
}

async fn open(
    app: &App,
    parts: &mut Parts,
    body: Body,
    kind: Kind,
    who: &mut Who,
) -> Result<Call, Refusal> {
    let mut query = Input::of_query(parts.uri.query(), kind.query);
    let caller = who.caller;
    let number = || {
        let number = query.ter_no()?;
        who.number = Some(number);
        Ok(number)
    };
    let opens = (caller, kind.scope);
    let (terminal, actor) = bearer::terminal(app, &parts.headers, opens, number).await?;
    who.terminal = Some(Arc::clone(&terminal));
    let has_body = matches!(parts.method, Method::POST | Method::PATCH);
    let body = if has_body {
        read_body(body, BODY_AT_MOST).await.map_err(|error| body_refusal(&error))?
    } else {
        Bytes::new()
    };
    let id = parts.extract::<Path<String>>().await.map(|Path(id)| id).unwrap_or_default();
    let headers = parts.headers.clone();
    let line = format!("{} {}", parts.method, parts.uri);
    Ok(Call { app: app.clone(), terminal, actor, caller, headers, id, query, body, line })
}

/// There is none, or it is another's: the answer is the same.
fn unknown(what: &str) -> Refusal {
    let text = format!("this terminal has no {what} of this name");
    Refusal::new(StatusCode::NOT_FOUND, "404", &text)
}
