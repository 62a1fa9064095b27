//! `/sandbox-bank/{order}`: the sandbox bank's counter, where whoever tests plays the customer of a
//! bank, a wallet or a UPI app. Only test payments have orders there.

use super::shell::Summary;
use super::steps::{Frame, SandboxBankPage, SandboxOrder, SandboxRole};
use super::{FORM_BYTES_AT_MOST, Refusal, Visit, holder, shown_as};
use crate::app::{App, Caller};
use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use domain::method::MethodCode;
use domain::payment::payment_of_reference;
use engine::error::Fault;
use engine::ports::{BankCounter, CounterDecision, CounterOrder, CounterStanding};
use std::sync::Arc;

/// The counter's route.
pub(super) fn routes() -> Router<App> {
    let counter = get(show).post(decide).layer(DefaultBodyLimit::max(FORM_BYTES_AT_MOST));
    Router::new().route("/sandbox-bank/{order}", counter)
}

async fn show(
    State(app): State<App>,
    caller: Caller,
    Path(order): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let visit = Visit::new(app, caller, order, &headers, query.as_deref());
    let shown = visit.counter().await;
    shown.unwrap_or_else(|refusal| visit.refused(&refusal))
}

/// A decision; or a form that the gateway has the customer post to come here.
async fn decide(
    State(app): State<App>,
    caller: Caller,
    Path(order): Path<String>,
    RawQuery(query): RawQuery,
    uri: Uri,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let visit = Visit::new(app, caller, order, &headers, query.as_deref());
    let shown = if crate::origin::is_another_site(&visit.app.site, &uri, &headers) {
        Err(Refusal::CrossSite)
    } else {
        visit.decide_at_counter(body).await
    };
    shown.unwrap_or_else(|refusal| visit.refused(&refusal))
}

fn decision(body: &[u8]) -> Option<CounterDecision> {
    let (_name, value) = form_urlencoded::parse(body).find(|(name, _)| name == "decision")?;
    match &*value {
        "approve" => Some(CounterDecision::Approve),
        "decline" => Some(CounterDecision::Decline),
        "cancel" => Some(CounterDecision::Cancel),
        _ => None,
    }
}

impl Visit {
    fn bank_counter(&self) -> Result<&Arc<dyn BankCounter>, Refusal> {
        let now = self.app.gateway.clock().now();
        self.app.throttle.check(self.caller, now).map_err(Refusal::TooMany)?;
        self.app.counter.as_ref().ok_or(Refusal::Unknown)
    }

    async fn counter(&self) -> Result<Response, Refusal> {
        let order = self.bank_counter()?.order(&self.text).await.map_err(Fault::Unavailable)?;
        self.show_order(&order.ok_or_else(|| self.unknown())?).await
    }

    async fn decide_at_counter(
        &self,
        body: Result<Bytes, BytesRejection>,
    ) -> Result<Response, Refusal> {
        let body = body.map_err(Refusal::BadForm)?;
        let Some(decision) = decision(&body) else { return self.counter().await };
        let decided = self.bank_counter()?.decide(&self.text, decision).await;
        let order = decided.map_err(Fault::Unavailable)?.ok_or_else(|| self.unknown())?;
        // From a bank's page the customer goes back to the shop's; a UPI app stays open.
        let target = match role(order.method) {
            SandboxRole::UpiApp => {
                let path = format!("{}/sandbox-bank/{}", self.app.site.base_path(), self.text);
                self.asked.link(&path, &[])
            }
            SandboxRole::Bank | SandboxRole::Wallet | SandboxRole::Issuer => order.return_url,
        };
        Ok(Redirect::to(&target).into_response())
    }

    async fn show_order(&self, order: &CounterOrder) -> Result<Response, Refusal> {
        let gateway = &self.app.gateway;
        let id = payment_of_reference(&order.our_reference).ok_or(Refusal::Unknown)?;
        let payment = gateway.payment(holder(self.caller), id).await?;
        let payment = payment.ok_or(Refusal::Unknown)?;
        let terminal = gateway.terminal_of(&payment).await?;
        let frame = Frame {
            site: &self.app.site,
            asked: &self.asked,
            summary: Summary::of(self.asked.language(), &payment, &terminal),
            mode: payment.mode,
            path: String::new(),
        };
        let standing = match order.standing {
            CounterStanding::Open => SandboxOrder::Open,
            CounterStanding::Paid => SandboxOrder::Paid,
            CounterStanding::Refused => SandboxOrder::Refused,
        };
        let back = Some(order.return_url.clone());
        let page =
            SandboxBankPage::new(frame, role(order.method), &order.institution, standing, back);
        Ok(shown_as(StatusCode::OK, &page))
    }
}

const fn role(method: MethodCode) -> SandboxRole {
    match method {
        MethodCode::NetBanking => SandboxRole::Bank,
        MethodCode::Wallet => SandboxRole::Wallet,
        MethodCode::UpiCollect | MethodCode::QrIntent => SandboxRole::UpiApp,
        MethodCode::CreditCard | MethodCode::DebitCard => SandboxRole::Issuer,
    }
}
