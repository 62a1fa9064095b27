//! What cardholders see: the step a payment waits for, its result, and the way back to the shop.

mod at_bank;
mod events;
mod figures;
mod language;
mod marks;
pub(crate) mod qr;
mod return_link;
pub mod samples;
mod sandbox_bank;
mod shell;
mod steps;
#[cfg(test)]
mod tests;
mod theme;
mod view;
mod words;

use crate::app::{App, Caller};
use crate::html::{page, policy_with_form_target};
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
use domain::terminal::Terminal;
use engine::Actor;
use engine::error::Fault;
use engine::payment::{Answered, CustomerPage, PageStep};
pub use language::Language;
use return_link::return_link;
pub use shell::Asked;
pub(crate) use theme::style_sheet_named;
use view::{Again, ChallengePage, ConfirmingPage, Ending, Message, MessagePage, Page, ResultPage};

/// A form holds one short code.
const FORM_BYTES_AT_MOST: usize = 4 * 1024;

/// The customer pages' routes.
pub(crate) fn routes() -> Router<App> {
    // Older clients know the page by its second name.
    let step = get(show).post(answer).layer(DefaultBodyLimit::max(FORM_BYTES_AT_MOST));
    let back = get(at_bank::come_back).post(at_bank::come_back_by_form);
    Router::new()
        .route("/api/authurl/{trans_id}", step.clone())
        .route("/api/authurl/auth_3ds/{trans_id}", step)
        .route("/api/authurl/{trans_id}/result", get(result))
        .route("/api/authurl/{trans_id}/events", get(at_bank::events))
        .route("/api/authurl/{trans_id}/return", back)
        .merge(sandbox_bank::routes())
        .route("/assets/logo/{file}", get(theme::logo))
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

/// One look of a customer at a payment.
#[derive(Debug)]
struct Visit {
    app: App,
    caller: Caller,
    /// What names the payment in the address.
    text: String,
    asked: Asked,
}

/// `GET /api/authurl/{transID}`: the step that the payment waits for, or on to the shop.
async fn show(
    State(app): State<App>,
    caller: Caller,
    Path(text): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let visit = Visit::new(app, caller, text, &headers, query.as_deref());
    let shown = visit.step().await;
    shown.unwrap_or_else(|refusal| visit.refused(&refusal))
}

/// `POST /api/authurl/{transID}`: the customer's answer, or that they gave up.
async fn answer(
    State(app): State<App>,
    caller: Caller,
    Path(text): Path<String>,
    RawQuery(query): RawQuery,
    uri: Uri,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let visit = Visit::new(app, caller, text, &headers, query.as_deref());
    let answered = if crate::origin::is_another_site(&visit.app.site, &uri, &headers) {
        Err(Refusal::CrossSite)
    } else {
        visit.take_answer(body).await
    };
    answered.unwrap_or_else(|refusal| visit.refused(&refusal))
}

/// `GET /api/authurl/{transID}/result`: what became of the payment; this page stays.
async fn result(
    State(app): State<App>,
    caller: Caller,
    Path(text): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let visit = Visit::new(app, caller, text, &headers, query.as_deref());
    let shown = visit.result().await;
    shown.unwrap_or_else(|refusal| visit.refused(&refusal))
}

impl Visit {
    fn new(
        app: App,
        caller: Caller,
        text: String,
        headers: &HeaderMap,
        query: Option<&str>,
    ) -> Self {
        Self { app, caller, text, asked: Asked::of(headers, query) }
    }

    async fn step(&self) -> Result<Response, Refusal> {
        let Self { app, caller, asked, .. } = self;
        let id = self.payment().await?;
        let opened = app.gateway.open_customer_page(holder(*caller), id).await?;
        let opened = opened.ok_or_else(|| self.unknown())?;
        let CustomerPage { payment, terminal, step } = &opened;
        match step {
            None => self.on_from(payment).await,
            Some(PageStep::ChooseBank(list)) => Ok(self.picker(payment, terminal, list)),
            Some(PageStep::AtBank(step)) => self.step_at_bank(payment, terminal, step),
            Some(PageStep::Challenge(challenge)) => {
                let now = app.gateway.clock().now();
                let again = asked.parameter("again").and_then(Again::from_name);
                let codes_left = Some(challenge.new_codes_left);
                let told = (again, codes_left);
                let shown = ChallengePage::new(&app.site, asked, &opened, challenge, told, now);
                Ok(shown_as(StatusCode::OK, &shown))
            }
        }
    }

    async fn result(&self) -> Result<Response, Refusal> {
        let gateway = &self.app.gateway;
        let payment = gateway.payment(holder(self.caller), self.payment().await?).await?;
        let payment = payment.ok_or_else(|| self.unknown())?;
        let terminal = gateway.terminal_of(&payment).await?;
        let link = return_link(gateway, &payment, &terminal);
        let mut page = self.result_page(&payment, &terminal, &link);
        if page.outcome == Ending::Pending {
            page.link = self.own_link(&[]);
        }
        Ok(shown_as(StatusCode::OK, &page))
    }

    async fn take_answer(&self, body: Result<Bytes, BytesRejection>) -> Result<Response, Refusal> {
        let id = self.payment().await?;
        let gateway = &self.app.gateway;
        let form = Form::parse(&body.map_err(Refusal::BadForm)?);
        if form.cancels {
            let payment = gateway.cancel_payment(holder(self.caller), id).await?;
            return self.after_answer(&payment.ok_or_else(|| self.unknown())?).await;
        }
        if let Some(bank) = form.bank {
            return self.choose(&bank).await;
        }
        if form.asks_for_code {
            let sent = gateway.send_new_code(holder(self.caller), id).await?;
            return Ok(match sent {
                Some(_view) => self.once_more(Again::Resent),
                None => Redirect::to(&self.own_link(&[])).into_response(),
            });
        }
        if form.code.is_empty() {
            return Ok(self.once_more(Again::Empty));
        }
        let answered = gateway.answer_challenge(holder(self.caller), id, form.code).await?;
        match answered.ok_or_else(|| self.unknown())? {
            Answered::Went(payment) => self.after_answer(&payment).await,
            Answered::TryAgain { .. } => Ok(self.once_more(Again::Wrong)),
            Answered::BankUnavailable => Ok(self.once_more(Again::Unavailable)),
        }
    }

    /// On to the shop, or, while the bank is asked, the page that waits for its answer.
    async fn on_from(&self, payment: &Payment) -> Result<Response, Refusal> {
        let Self { app, asked, .. } = self;
        let terminal = app.gateway.terminal_of(payment).await?;
        if payment.state.decided_at().is_none() {
            let waits = ConfirmingPage::new(&app.site, asked, payment, &terminal);
            let waits = ConfirmingPage { link: self.own_link(&[]), ..waits };
            return Ok(shown_as(StatusCode::OK, &waits));
        }
        let link = return_link(&app.gateway, payment, &terminal);
        let result = self.result_page(payment, &terminal, &link);
        Ok(redirect(&link, shown_as(StatusCode::SEE_OTHER, &result)))
    }

    fn result_page(&self, payment: &Payment, terminal: &Terminal, link: &str) -> ResultPage {
        // An order that is still open at the bank may be paid there.
        let late_possible = payment.state.open_order().is_some();
        let (site, asked) = (&self.app.site, &self.asked);
        let mut page = ResultPage::new(site, asked, payment, terminal, link, late_possible);
        page.summary.paid_with = page.summary.paid_with.or_else(|| self.paid_with(payment));
        page
    }

    /// After a form nothing is shown directly, so that loading the page again sends nothing again.
    async fn after_answer(&self, payment: &Payment) -> Result<Response, Refusal> {
        let next = self.on_from(payment).await?;
        Ok(match payment.state.decided_at() {
            Some(_) => next,
            None => redirect(&self.own_link(&[]), next),
        })
    }

    fn once_more(&self, again: Again) -> Response {
        Redirect::to(&self.own_link(&[("again", again.name())])).into_response()
    }

    /// This page.
    fn own_link(&self, parameters: &[(&str, &str)]) -> String {
        self.asked.link(&self.own_path(), parameters)
    }

    fn own_path(&self) -> String {
        view::path_of(&self.app.site, &self.text)
    }

    /// The payment that the address names, unless the caller guesses.
    async fn payment(&self) -> Result<PaymentId, Refusal> {
        let now = self.app.gateway.clock().now();
        self.app.throttle.check(self.caller, now).map_err(Refusal::TooMany)?;
        match Named::read(&self.app, &self.text) {
            // A text that is no name of a payment tells a guesser nothing, and does not count.
            None => Err(Refusal::Unknown),
            Some(Named::ForgedToken) => Err(self.unknown()),
            Some(Named::Token(id)) => Ok(id),
            Some(Named::Number(id)) => {
                // Looked at before anything is done: a payment that has a token is not found here.
                let payment = self.app.gateway.payment(holder(self.caller), id).await?;
                let payment = payment.filter(|payment| !needs_token(payment));
                Ok(payment.ok_or_else(|| self.unknown())?.id)
            }
        }
    }

    fn unknown(&self) -> Refusal {
        self.app.throttle.note_unknown(self.caller, self.app.gateway.clock().now());
        Refusal::Unknown
    }

    /// The page that says why there is no other.
    fn refused(&self, refusal: &Refusal) -> Response {
        let Self { app, asked, text, .. } = self;
        let retry = || Named::read(app, text).map(|_name| self.own_link(&[]));
        let (status, message, retry, retry_after) = match refusal {
            Refusal::Unknown => (StatusCode::NOT_FOUND, Message::NotFound, None, None),
            Refusal::TooMany(guesses) => {
                let seconds = Some(guesses.retry_after_seconds);
                (StatusCode::TOO_MANY_REQUESTS, Message::TooMany, None, seconds)
            }
            Refusal::CrossSite => (StatusCode::FORBIDDEN, Message::CrossSite, retry(), None),
            Refusal::BadForm(rejection) => (rejection.status(), Message::TooLarge, retry(), None),
            Refusal::Fault(Fault::Busy) => {
                (StatusCode::SERVICE_UNAVAILABLE, Message::Trouble, retry(), Some(1))
            }
            Refusal::Fault(Fault::Unavailable(why)) => {
                tracing::error!(why, "the database did not answer a customer's page");
                (StatusCode::SERVICE_UNAVAILABLE, Message::Trouble, retry(), Some(1))
            }
            Refusal::Fault(Fault::Broken(why)) => {
                tracing::error!(why, "a customer page was not shown");
                (StatusCode::INTERNAL_SERVER_ERROR, Message::Trouble, retry(), None)
            }
        };
        let page = MessagePage::new(&app.site, asked, message, retry);
        let mut response = shown_as(status, &page);
        if let Some(seconds) = retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}

/// A page with the headers of its language: a cache in between must not give it to others.
fn shown_as(status: StatusCode, shown: &impl Page) -> Response {
    let mut response = page(status, shown);
    let headers = response.headers_mut();
    if let Some(policy) = shown.form_target().map(policy_with_form_target) {
        match HeaderValue::from_str(&policy) {
            Ok(policy) => headers.insert(header::CONTENT_SECURITY_POLICY, policy),
            // Then the general one stays, under which the form is sent as well.
            Err(error) => {
                tracing::error!(%error, "a bank's origin is no header");
                None
            }
        };
    }
    let code = shown.shell().language().code();
    headers.insert(header::CONTENT_LANGUAGE, HeaderValue::from_static(code));
    headers.insert(header::VARY, HeaderValue::from_static("accept-language"));
    response
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

const fn holder(caller: Caller) -> Actor {
    Actor::Holder { caller: caller.0 }
}

/// What the customer sent.
#[derive(Debug, Default)]
struct Form {
    /// The code, its blanks dropped.
    code: String,
    /// The bank or wallet that was chosen.
    bank: Option<String>,
    /// The button for a new code.
    asks_for_code: bool,
    /// The Cancel button.
    cancels: bool,
}

impl Form {
    fn parse(body: &[u8]) -> Self {
        let mut form = Self::default();
        for (name, value) in form_urlencoded::parse(body) {
            match &*name {
                "otp" => form.code = value.chars().filter(|c| !c.is_whitespace()).collect(),
                "bankcode" => form.bank = Some(value.into_owned()),
                "resend" => form.asks_for_code = !value.is_empty(),
                "cancel" => form.cancels = !value.is_empty(),
                _ => {}
            }
        }
        form
    }
}
