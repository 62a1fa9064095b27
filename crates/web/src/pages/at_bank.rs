//! What the customer's page does while an order is at a bank: the choice of the bank, the way there
//! and back, and the pages that wait.

use super::shell::{PaidWith, Summary};
use super::steps::{
    AtBankPage, Choice, Choosable, Frame, HandoverPage, PickerPage, Screen, UpiQr, UpiQrPage,
    UpiWaitPage,
};
use super::words::Markup;
use super::{Form, Refusal, Visit, events, holder, qr, redirect, shown_as};
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Redirect, Response};
use domain::method::{BankCode, CustomerStep, MethodCode};
use domain::payment::Payment;
use domain::terminal::Terminal;
use domain::text::WebAddress;
use domain::time::Timestamp;
use domain::upi::{Device, UpiAddress};
use domain::upi_link::UpiLink;
use engine::error::Fault;
use engine::payment::Chosen;
use engine::ports::{Institution, PageAddresses as _};

use crate::app::{App, Caller};

/// Shown above the others: what most customers of Indian shops have.
const COMMON: [&str; 10] =
    ["SBIN", "HDFC", "ICIC", "UTIB", "KKBK", "PUNB", "PAYTM", "PHONEPE", "AMAZON", "MOBIKWIK"];

/// What the codes of the sandbox's test cases begin with.
const TEST_CASES: &str = "LAB";

/// `GET /api/authurl/{transID}/events`: tells a waiting page when to look.
pub(super) async fn events(
    State(app): State<App>,
    caller: Caller,
    Path(text): Path<String>,
    headers: HeaderMap,
) -> Response {
    let visit = Visit::new(app, caller, text, &headers, None);
    let watched = async {
        let id = visit.payment().await?;
        let payment = visit.app.gateway.payment(holder(caller), id).await?;
        Ok::<_, Refusal>(events::watch(&visit, &payment.ok_or_else(|| visit.unknown())?))
    };
    watched.await.unwrap_or_else(|refusal| visit.refused(&refusal))
}

/// `GET /api/authurl/{transID}/return`: the customer comes back from the bank. What the bank says
/// here is not read: it is asked.
pub(super) async fn come_back(
    State(app): State<App>,
    caller: Caller,
    Path(text): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let visit = Visit::new(app, caller, text, &headers, query.as_deref());
    let shown = visit.back_from_bank().await;
    shown.unwrap_or_else(|refusal| visit.refused(&refusal))
}

/// `POST` there: a form that the bank has the customer post, which is not read either; or Cancel on
/// our own page that waits there.
pub(super) async fn come_back_by_form(
    State(app): State<App>,
    caller: Caller,
    Path(text): Path<String>,
    RawQuery(query): RawQuery,
    uri: Uri,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let visit = Visit::new(app, caller, text, &headers, query.as_deref());
    let is_ours = !crate::origin::is_another_site(&visit.app.site, &uri, &headers);
    let gives_up = body.as_ref().is_ok_and(|body| Form::parse(body).cancels);
    let shown = if is_ours && gives_up {
        visit.take_answer(body).await
    } else {
        visit.back_from_bank().await
    };
    shown.unwrap_or_else(|refusal| visit.refused(&refusal))
}

impl Visit {
    async fn back_from_bank(&self) -> Result<Response, Refusal> {
        let gateway = &self.app.gateway;
        let id = self.payment().await?;
        let payment = gateway.returned_from_bank(holder(self.caller), id).await?;
        let payment = payment.ok_or_else(|| self.unknown())?;
        let step = payment.method.details.step.as_ref();
        if !payment.state.customer_may_act() || payment.state.order_reference().is_none() {
            return self.on_from(&payment).await;
        }
        let terminal = gateway.terminal_of(&payment).await?;
        match step {
            Some(CustomerStep::Redirect { .. } | CustomerStep::PostRedirect { .. }) => {
                Ok(self.at_bank(&payment, &terminal))
            }
            // These wait on the page itself.
            Some(CustomerStep::Scan { .. } | CustomerStep::ApproveInApp) | None => {
                Ok(Redirect::to(&self.own_link(&[])).into_response())
            }
        }
    }

    /// The step that waits at the bank.
    pub(super) fn step_at_bank(
        &self,
        payment: &Payment,
        terminal: &Terminal,
        step: &CustomerStep,
    ) -> Result<Response, Refusal> {
        let (expires_at, now) = (self.until(payment), self.app.gateway.clock().now());
        match step {
            CustomerStep::Redirect { url } => Ok(redirect(url, self.at_bank(payment, terminal))),
            CustomerStep::PostRedirect { url, fields } => {
                let Ok(action) = WebAddress::parse(url) else {
                    let why = "the bank's address has no form of one".to_owned();
                    return Err(Fault::Broken(why).into());
                };
                let bank = self.bank_name(payment);
                let frame = self.frame(payment, terminal);
                let page = HandoverPage::new(frame, &bank, action, fields.clone());
                Ok(shown_as(StatusCode::OK, &page))
            }
            CustomerStep::ApproveInApp => {
                let address = payment.method.details.upi_address.as_ref();
                let address = address.map(UpiAddress::masked).unwrap_or_default();
                let frame = self.frame(payment, terminal);
                let mut page = UpiWaitPage::new(frame, &address, expires_at, now);
                page.shell.hint_link = self.sandbox_app(payment);
                Ok(shown_as(StatusCode::OK, &page))
            }
            CustomerStep::Scan { link, code } => {
                let svg = qr::svg(code).map_err(|error| Fault::Broken(error.to_string()))?;
                let payee = UpiLink::parse(link).map(|link| link.address().to_string());
                let is_phone =
                    matches!(payment.method.details.device, Some(Device::Android | Device::Ios));
                let qr = UpiQr {
                    svg: Markup::trusted(svg),
                    app_link: link.clone(),
                    payee: payee.unwrap_or_default(),
                    screen: if is_phone { Screen::Phone } else { Screen::Computer },
                    replaces_collect: payment.method.details.converted_to_qr,
                };
                let mut page = UpiQrPage::new(self.frame(payment, terminal), qr, expires_at, now);
                page.shell.hint_link = self.sandbox_app(payment);
                Ok(shown_as(StatusCode::OK, &page))
            }
        }
    }

    /// The list to choose from.
    pub(super) fn picker(
        &self,
        payment: &Payment,
        terminal: &Terminal,
        list: &[Institution],
    ) -> Response {
        let choice =
            if payment.method.code == MethodCode::Wallet { Choice::Wallet } else { Choice::Bank };
        let list: Vec<_> = list
            .iter()
            .map(|one| Choosable {
                code: one.code,
                name: one.name,
                is_common: COMMON.contains(&one.code),
                is_test: one.code.starts_with(TEST_CASES),
            })
            .collect();
        shown_as(StatusCode::OK, &PickerPage::new(self.frame(payment, terminal), choice, &list))
    }

    /// The customer chose a bank or wallet: on to it.
    pub(super) async fn choose(&self, code: &str) -> Result<Response, Refusal> {
        let id = self.payment().await?;
        let Ok(bank) = BankCode::parse(code) else {
            return Ok(Redirect::to(&self.own_link(&[])).into_response());
        };
        let pages = std::sync::Arc::new(self.app.clone());
        let chosen = self.app.gateway.choose_bank(holder(self.caller), id, bank, pages).await?;
        match chosen.ok_or_else(|| self.unknown())? {
            Chosen::Went(payment) if payment.state.decided_at().is_some() => {
                self.on_from(&payment).await
            }
            // The page knows what comes next; loading it again chooses nothing again.
            Chosen::Went(_) | Chosen::NotOffered => {
                Ok(Redirect::to(&self.own_link(&[])).into_response())
            }
        }
    }

    fn at_bank(&self, payment: &Payment, terminal: &Terminal) -> Response {
        let (expires_at, now) = (self.until(payment), self.app.gateway.clock().now());
        let (bank, link) = (self.bank_name(payment), self.own_link(&[]));
        let mut page = AtBankPage::new(self.frame(payment, terminal), &bank, link, expires_at, now);
        // While nothing is decided the payment's own page leads to the bank, so this one looks here.
        page.wait.link = self.asked.link(&format!("{}/return", self.own_path()), &[]);
        shown_as(StatusCode::OK, &page)
    }

    fn until(&self, payment: &Payment) -> Timestamp {
        let now = self.app.gateway.clock().now();
        payment.state.customer_has_until().unwrap_or(now)
    }

    fn frame(&self, payment: &Payment, terminal: &Terminal) -> Frame<'_> {
        let mut summary = Summary::of(self.asked.language(), payment, terminal);
        summary.paid_with = summary.paid_with.or_else(|| self.paid_with(payment));
        Frame {
            site: &self.app.site,
            asked: &self.asked,
            summary,
            mode: payment.mode,
            path: self.own_path(),
        }
    }

    /// The bank, the wallet, or a part of the UPI address.
    pub(super) fn paid_with(&self, payment: &Payment) -> Option<PaidWith> {
        if let Some(one) = self.institution(payment) {
            let name = one.name.to_owned();
            let is_wallet = one.method == MethodCode::Wallet;
            return Some(if is_wallet {
                PaidWith::Wallet { name }
            } else {
                PaidWith::Bank { name }
            });
        }
        let address = payment.method.details.upi_address.as_ref()?.masked();
        Some(PaidWith::Upi { address })
    }

    fn institution(&self, payment: &Payment) -> Option<Institution> {
        let code = payment.method.details.bank_code.as_ref()?;
        self.app.gateway.institution(payment.mode, payment.method.code, code)
    }

    /// The bank or wallet by name; a card's bank by the card's.
    pub(super) fn bank_name(&self, payment: &Payment) -> String {
        let name = self.institution(payment).map(|one| one.name);
        name.unwrap_or_else(|| payment.method.page_name()).to_owned()
    }

    /// Where whoever tests plays the customer's UPI app.
    fn sandbox_app(&self, payment: &Payment) -> Option<String> {
        self.app.counter.as_ref()?;
        payment.state.order_reference().map(|reference| self.app.counter(reference))
    }
}
