//! What cardholders see: the step a payment waits for, its result, and the way back to the shop.

mod origin;
mod qr;
mod return_link;
pub mod samples;
#[cfg(test)]
mod tests;
mod view;
mod words;

use crate::app::{App, Caller};
use crate::html::page;
use crate::page_id::{Named, needs_token};
use crate::throttle::TooManyGuesses;
use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, Path, RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use domain::id::PaymentId;
use domain::payment::Payment;
use engine::Actor;
use engine::error::Fault;
use engine::payment::{Answered, PageStep};
use return_link::return_link;
use view::{Again, ChallengePage, ConfirmingPage, Ending, MessagePage, ResultPage};

/// A form holds one short code.
const FORM_BYTES_AT_MOST: usize = 4 * 1024;

/// The customer pages' routes.
pub(crate) fn routes() -> Router<App> {
    // Older clients know the page by its second name.
    let step = get(show).post(answer).layer(DefaultBodyLimit::max(FORM_BYTES_AT_MOST));
    Router::new()
        .route("/api/authurl/{trans_id}", step.clone())
        .route("/api/authurl/auth_3ds/{trans_id}", step)
        .route("/api/authurl/{trans_id}/result", get(result))
}

/// Why a page about a payment is not shown.
#[derive(Debug)]
enum Refusal {
    /// No payment has this number.
    Unknown,
    /// The address guesses numbers.
    TooMany(TooManyGuesses),
    /// The form came from another site.
    CrossSite,
    /// The form is no form of ours.
    BadForm(BytesRejection),
    /// Our fault.
    Fault(Fault),
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// `GET /api/authurl/{transID}`: the step that the payment waits for, or on to the shop.
async fn show(
    State(app): State<App>,
    caller: Caller,
    Path(text): Path<String>,
    RawQuery(query): RawQuery,
) -> Response {
    let again = again_of(query.as_deref());
    let shown = show_step(&app, caller, &text, again).await;
    shown.unwrap_or_else(|refusal| refused(&app, &text, &refusal))
}

/// `POST /api/authurl/{transID}`: the customer's answer, or that they gave up.
async fn answer(
    State(app): State<App>,
    caller: Caller,
    Path(text): Path<String>,
    uri: Uri,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let answered = if origin::is_another_site(&app.site, &uri, &headers) {
        Err(Refusal::CrossSite)
    } else {
        take_answer(&app, caller, &text, body).await
    };
    answered.unwrap_or_else(|refusal| refused(&app, &text, &refusal))
}

/// `GET /api/authurl/{transID}/result`: what became of the payment; this page stays.
async fn result(State(app): State<App>, caller: Caller, Path(text): Path<String>) -> Response {
    let shown = show_result(&app, caller, &text).await;
    shown.unwrap_or_else(|refusal| refused(&app, &text, &refusal))
}

async fn show_step(
    app: &App,
    caller: Caller,
    text: &str,
    again: Option<Again>,
) -> Result<Response, Refusal> {
    let Asked { id, path } = asked(app, caller, text).await?;
    let opened = app.gateway.open_customer_page(holder(caller), id).await?;
    let opened = opened.ok_or_else(|| unknown(app, caller))?;
    let Some(PageStep::Challenge(challenge)) = &opened.step else {
        return on_from(app, &opened.payment, &path).await;
    };
    let now = app.gateway.clock().now();
    let shown = ChallengePage::new(&app.site, &opened, challenge, again, now);
    Ok(page(StatusCode::OK, &shown))
}

async fn show_result(app: &App, caller: Caller, text: &str) -> Result<Response, Refusal> {
    let Asked { id, path } = asked(app, caller, text).await?;
    let payment = app.gateway.payment(holder(caller), id).await?;
    let payment = payment.ok_or_else(|| unknown(app, caller))?;
    let terminal = app.gateway.terminal_of(&payment).await?;
    let link = return_link(&app.gateway, &payment, &terminal);
    let mut result = ResultPage::new(&app.site, &payment, &terminal, &link);
    if result.outcome == Ending::Pending {
        result.link = path;
    }
    Ok(page(StatusCode::OK, &result))
}

async fn take_answer(
    app: &App,
    caller: Caller,
    text: &str,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Refusal> {
    let Asked { id, path } = asked(app, caller, text).await?;
    let form = Form::parse(&body.map_err(Refusal::BadForm)?);
    if form.cancels {
        let payment = app.gateway.cancel_payment(holder(caller), id).await?;
        return after_answer(app, &payment.ok_or_else(|| unknown(app, caller))?, &path).await;
    }
    if form.code.is_empty() {
        return Ok(once_more(&path, Again::Empty));
    }
    let answered = app.gateway.answer_challenge(holder(caller), id, form.code).await?;
    match answered.ok_or_else(|| unknown(app, caller))? {
        Answered::Went(payment) => after_answer(app, &payment, &path).await,
        Answered::TryAgain { .. } => Ok(once_more(&path, Again::Wrong)),
        Answered::BankUnavailable => Ok(once_more(&path, Again::Unavailable)),
    }
}

/// On to the shop, or, while the bank is asked, the page that waits for its answer.
async fn on_from(app: &App, payment: &Payment, path: &str) -> Result<Response, Refusal> {
    let terminal = app.gateway.terminal_of(payment).await?;
    if payment.state.decided_at().is_none() {
        let waits = ConfirmingPage::new(&app.site, payment, &terminal);
        let waits = ConfirmingPage { link: path.to_owned(), ..waits };
        return Ok(page(StatusCode::OK, &waits));
    }
    let link = return_link(&app.gateway, payment, &terminal);
    let result = ResultPage::new(&app.site, payment, &terminal, &link);
    Ok(redirect(&link, page(StatusCode::SEE_OTHER, &result)))
}

/// After a form nothing is shown directly, so that loading the page again sends nothing again.
async fn after_answer(app: &App, payment: &Payment, path: &str) -> Result<Response, Refusal> {
    let next = on_from(app, payment, path).await?;
    Ok(match payment.state.decided_at() {
        Some(_) => next,
        None => redirect(path, next),
    })
}

fn once_more(path: &str, again: Again) -> Response {
    Redirect::to(&format!("{path}?again={}", again.name())).into_response()
}

/// Makes a page the body of a redirect: who does not follow it sees the page.
fn redirect(target: &str, mut shown: Response) -> Response {
    match HeaderValue::from_str(target) {
        Ok(target) => {
            *shown.status_mut() = StatusCode::SEE_OTHER;
            shown.headers_mut().insert(header::LOCATION, target);
        }
        // Cannot be: addresses are parsed and queries encoded. The page has the link as well.
        Err(error) => {
            tracing::error!(%error, "a return address is no header");
            *shown.status_mut() = StatusCode::OK;
        }
    }
    shown
}

/// The payment that an address names, and the page's path under that name.
struct Asked {
    id: PaymentId,
    path: String,
}

/// What the id in the path names, unless this address guesses.
async fn asked(app: &App, caller: Caller, text: &str) -> Result<Asked, Refusal> {
    app.throttle.check(caller, app.gateway.clock().now()).map_err(Refusal::TooMany)?;
    let id = match Named::read(app, text) {
        // A text that is no name of a payment tells a guesser nothing, and does not count.
        None => return Err(Refusal::Unknown),
        Some(Named::ForgedToken) => return Err(unknown(app, caller)),
        Some(Named::Token(id)) => id,
        Some(Named::Number(id)) => {
            // Looked at before anything is done: a payment that has a token is not found here.
            let payment = app.gateway.payment(holder(caller), id).await?;
            let payment = payment.filter(|payment| !needs_token(payment));
            payment.ok_or_else(|| unknown(app, caller))?.id
        }
    };
    Ok(Asked { id, path: view::path_of(&app.site, text) })
}

fn unknown(app: &App, caller: Caller) -> Refusal {
    app.throttle.note_unknown(caller, app.gateway.clock().now());
    Refusal::Unknown
}

const fn holder(caller: Caller) -> Actor {
    Actor::Holder { caller: caller.0 }
}

/// The page that says why there is no other.
fn refused(app: &App, text: &str, refusal: &Refusal) -> Response {
    let retry = || Named::read(app, text).map(|_name| view::path_of(&app.site, text));
    let (status, message, retry, retry_after) = match refusal {
        Refusal::Unknown => (StatusCode::NOT_FOUND, words::NOT_FOUND, None, None),
        Refusal::TooMany(guesses) => {
            let seconds = Some(guesses.retry_after_seconds);
            (StatusCode::TOO_MANY_REQUESTS, words::TOO_MANY, None, seconds)
        }
        Refusal::CrossSite => (StatusCode::FORBIDDEN, words::CROSS_SITE, retry(), None),
        Refusal::BadForm(rejection) => (rejection.status(), words::TOO_LARGE, retry(), None),
        Refusal::Fault(Fault::Busy) => {
            (StatusCode::SERVICE_UNAVAILABLE, words::TROUBLE, retry(), Some(1))
        }
        Refusal::Fault(Fault::Unavailable(why)) => {
            tracing::error!(why, "the database did not answer a customer's page");
            (StatusCode::SERVICE_UNAVAILABLE, words::TROUBLE, retry(), Some(1))
        }
        Refusal::Fault(Fault::Broken(why)) => {
            tracing::error!(why, "a customer page was not shown");
            (StatusCode::INTERNAL_SERVER_ERROR, words::TROUBLE, retry(), None)
        }
    };
    let mut response = page(status, &MessagePage::new(&app.site, message, retry));
    if let Some(seconds) = retry_after {
        response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    response
}

fn again_of(query: Option<&str>) -> Option<Again> {
    form_urlencoded::parse(query?.as_bytes())
        .find(|(name, _value)| name == "again")
        .and_then(|(_name, value)| Again::from_name(&value))
}

/// What the customer sent.
#[derive(Debug, Default)]
struct Form {
    /// The code, its blanks dropped.
    code: String,
    /// The Cancel button.
    cancels: bool,
}

impl Form {
    fn parse(body: &[u8]) -> Self {
        let mut form = Self::default();
        for (name, value) in form_urlencoded::parse(body) {
            match &*name {
                "otp" => form.code = value.chars().filter(|c| !c.is_whitespace()).collect(),
                "cancel" => form.cancels = !value.is_empty(),
                _ => {}
            }
        }
        form
    }
}
