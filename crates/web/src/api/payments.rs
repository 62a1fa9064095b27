//! `GET /api/v1/payments`: a merchant's payments, for its own scripts, by API token.

use super::answer::Answer;
use super::bearer;
use super::error::{Problem, Refusal};
use super::exchange::{Done, Who, done, fault_refusal};
use super::input::Input;
use crate::app::{App, Caller};
use axum::extract::{Request, State};
use axum::response::Response;
use domain::api_token::TokenScope;
use domain::id::PaymentId;
use domain::method::MethodCode;
use domain::payment_filter::{PaymentFilter, PaymentSearch, StateGroup};
use domain::terminal::Mode;
use engine::api_token::Opened;
use http::StatusCode;
use http::request::Parts;
use serde::Serialize;

/// What the list may be narrowed by, beside `terNO`.
pub(crate) const PAYMENT_FILTERS: &[&str] =
    &["q", "state", "method", "from", "until", "cursor", "limit"];
/// Payments on a page, where the caller does not say.
const PAGE: u32 = 20;
/// Payments on a page at most.
const PAGE_AT_MOST: u32 = 100;
/// Most characters that are looked for.
const TEXT_AT_MOST: usize = 200;

#[derive(Debug, Serialize)]
struct List<'a> {
    mode: &'static str,
    payments: Vec<Answer<'a>>,
    /// The search stopped after a while: what is older is found from `next_cursor` on.
    stopped: bool,
    next_cursor: Option<String>,
}

/// The newest first.
pub(super) async fn list(State(app): State<App>, request: Request) -> Response {
    let (parts, _body) = request.into_parts();
    let who = Who::new(&app, Caller::of(&parts.extensions), "list_payments");
    let result = found(&app, &parts, who.caller).await;
    bearer::answer(&app, &parts, &who, result).await
}

async fn found(app: &App, parts: &Parts, caller: Caller) -> Result<Done, Refusal> {
    let scope = (caller, TokenScope::ReadPayments);
    let Opened { actor, mode } = bearer::token(app, &parts.headers, scope).await?;
    let asked = Asked::of(parts.uri.query(), mode)?;
    let found = app.gateway.search_payments(actor, &asked.search, asked.before, asked.limit);
    let found = found.await.map_err(|fault| fault_refusal(&fault))?;
    let payments = found.payments.iter().map(|payment| Answer::of_status(payment, app));
    let list = List {
        mode: mode.name(),
        payments: payments.collect::<Result<_, _>>().map_err(|fault| fault_refusal(&fault))?,
        stopped: found.stopped,
        next_cursor: found.next.map(|next| next.to_string()),
    };
    done(StatusCode::OK, &list)
}

/// What the query asks for.
struct Asked {
    search: PaymentSearch,
    before: Option<PaymentId>,
    limit: u32,
}

impl Asked {
    fn of(query: Option<&str>, mode: Mode) -> Result<Self, Refusal> {
        let mut query = Input::of_query(query, PAYMENT_FILTERS);
        let terminal = query.terminal_if_any();
        let text = query.parsed("q", "must be text of at most 200 characters", |text| {
            (text.chars().count() <= TEXT_AT_MOST).then(|| text.to_owned())
        });
        let states = StateGroup::ALL.map(StateGroup::name).join(", ");
        let group =
            query.parsed("state", &format!("must be one of {states}"), StateGroup::from_name);
        let form = "must be a method's code, as GET /api/methods lists them";
        let method = query.parsed("method", form, MethodCode::from_code);
        let (from, until) = (query.time("from"), query.time("until"));
        if from.is_some_and(|from| until.is_some_and(|until| until <= from)) {
            query.refuse(Problem::form("until", "must be later than from"));
        }
        let form = "must be the next_cursor of the page before";
        let before = query.parsed("cursor", form, |text| text.parse().ok());
        let limit = query.parsed("limit", "must be a number from 1 to 100", |text| {
            text.parse().ok().filter(|limit| (1..=PAGE_AT_MOST).contains(limit))
        });
        query.finish()?;
        let filter = PaymentFilter { terminal, from, until, reference: None, mode: Some(mode) };
        let search = PaymentSearch { filter, text, group, method };
        Ok(Self { search, before, limit: limit.unwrap_or(PAGE) })
    }
}
