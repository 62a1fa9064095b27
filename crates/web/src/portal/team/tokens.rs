//! API tokens: made, shown once, ended.

use crate::account::{as_sentence, sentence};
use crate::assets::{PORTAL_SCRIPT, PORTAL_STYLE};
use crate::desk::form::Posted;
use crate::desk::notice::Notice;
use crate::desk::route::Outcome;
use crate::desk::shell::{Shell, desk_page};
use crate::desk::trouble::Trouble;
use crate::desk::visit::Visit;
use crate::portal::at::At;
use crate::portal::words::{Pill, pill};
use askama::Template;
use domain::api_token::{ApiToken, TOKEN_DAYS, TokenScope};
use domain::terminal::Mode;
use domain::user::{Permission, Role, User};
use engine::api_token::{TOKEN_NAME_MOST, WantedToken};
use engine::user::UserRefused;
use http::StatusCode;

/// A token as the page tells of it.
struct Row {
    name: String,
    id: String,
    mode: &'static str,
    scopes: String,
    of: String,
    used: Option<At>,
    until: At,
    pill: Pill,
    /// Where the form goes that ends it.
    end: String,
}

struct ScopeChoice {
    name: &'static str,
    means: &'static str,
    chosen: bool,
}

/// What was typed, with what is wrong with it.
#[derive(Default)]
struct TokenForm {
    name: String,
    mode: String,
    scopes: Vec<String>,
    days: u32,
    error: Option<String>,
    password_error: Option<String>,
}

#[derive(Template)]
#[template(path = "portal/tokens.html")]
struct TokensPage {
    shell: Shell,
    tokens: Vec<Row>,
    sees_all: bool,
    scopes: Vec<ScopeChoice>,
    days: [u32; 4],
    form: TokenForm,
    name_most: usize,
    needs_password: bool,
    /// What the new one is, shown once.
    new: Option<(String, String)>,
    /// A command that tries the new one.
    sample: String,
}

/// `GET /portal/tokens`
pub(super) async fn list(visit: Visit) -> Outcome {
    page(&visit, TokenForm { days: 90, ..TokenForm::default() }, None).await
}

async fn page(visit: &Visit, form: TokenForm, new: Option<(ApiToken, String)>) -> Outcome {
    let gateway = &visit.app.gateway;
    let users = gateway.users(visit.actor(), Some(visit.merchant_id()?)).await?;
    let sees_all = visit.may(Permission::EditTeam);
    let tokens = gateway.tokens(&visit.user).await?;
    let seen = tokens.iter().filter(|token| sees_all || token.user == visit.user.id);
    let is_wrong = form.error.is_some() || form.password_error.is_some();
    let shell = Shell::of(visit, "API tokens");
    let shell = match &form.error {
        Some(text) => shell.telling(Notice::error(text.clone())),
        None => shell,
    };
    let sample = new.as_ref().map(|(made, text)| sample(visit, made, text));
    let page = TokensPage {
        shell,
        tokens: seen.map(|token| row(visit, token, &users)).collect(),
        sees_all,
        scopes: scopes(visit.user.facts.role, &form.scopes),
        days: TOKEN_DAYS,
        name_most: TOKEN_NAME_MOST,
        needs_password: visit.needs_password(),
        new: new.map(|(made, text)| (made.facts.name, text)),
        sample: sample.unwrap_or_default(),
        form,
    };
    let status = if is_wrong { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    Ok(desk_page(&visit.app, status, &page))
}

/// Scopes that a role may give to a token.
fn scopes(role: Role, chosen: &[String]) -> Vec<ScopeChoice> {
    let allowed = TokenScope::ALL.into_iter().filter(|scope| role.may(scope.needs()));
    let choice = |scope: TokenScope| ScopeChoice {
        name: scope.name(),
        means: scope.means(),
        chosen: chosen.iter().any(|name| name == scope.name()),
    };
    allowed.map(choice).collect()
}

fn row(visit: &Visit, token: &ApiToken, users: &[User]) -> Row {
    let now = visit.app.gateway.clock().now();
    let user = users.iter().find(|user| user.id == token.user);
    let works =
        |scope: &TokenScope| user.is_some_and(|user| token.opens(*scope, user, now).is_ok());
    let state = if token.is_over(now) {
        pill("off", "clock", "Expired")
    } else if token.facts.scopes.iter().all(works) {
        pill("ok", "check", "Good")
    } else if token.facts.scopes.iter().any(works) {
        pill("warn", "warning", "In part: the role changed")
    } else {
        pill("off", "cross", "Opens nothing: its maker may not")
    };
    let scopes: Vec<&str> = token.facts.scopes.iter().map(|scope| scope.name()).collect();
    let id = token.id();
    Row {
        name: token.facts.name.clone(),
        mode: if token.facts.mode == Mode::Live { "Live" } else { "Test" },
        scopes: scopes.join(", "),
        of: user.map(|user| user.facts.name.clone()).unwrap_or_default(),
        used: token.used_at.map(At::of),
        until: At::of(token.expires_at),
        pill: state,
        end: visit.href(&format!("/portal/tokens/{id}/end")),
        id,
    }
}

/// A command that tries the token.
fn sample(visit: &Visit, token: &ApiToken, text: &str) -> String {
    let site = &visit.app.site.public_url;
    let path = match token.facts.scopes.first() {
        Some(TokenScope::ReadPayments) => "/api/v1/payments?limit=5",
        Some(TokenScope::ReadBalance) => "/api/v1/balance?terNO=NUMBER",
        Some(TokenScope::ReadWebhooks | TokenScope::ResendWebhooks | TokenScope::WriteWebhooks)
        | None => "/api/v1/webhooks/deliveries?terNO=NUMBER",
    };
    format!("curl \"{site}{path}\" \\\n  -H \"Authorization: Bearer {text}\"")
}

/// `POST /portal/tokens`: shown once, on the page that answers.
pub(super) async fn make(visit: Visit, posted: Posted) -> Outcome {
    let mut form = TokenForm {
        name: posted.text("name"),
        mode: posted.text("mode"),
        scopes: posted.all("scope").map(str::to_owned).collect(),
        days: posted.text("days").parse().unwrap_or_default(),
        ..TokenForm::default()
    };
    match posted.prove(&visit).await {
        Ok(()) => {}
        Err(Trouble::Field(_, text)) => {
            form.password_error = Some(as_sentence(&text));
            return page(&visit, form, None).await;
        }
        Err(other) => return Err(other),
    }
    let scopes: Option<Vec<_>> =
        form.scopes.iter().map(|name| TokenScope::from_name(name)).collect();
    let (Some(mode), Some(scopes)) = (Mode::from_name(&form.mode), scopes) else {
        form.error = Some("Choose test or live money, and what it may be used for.".to_owned());
        return page(&visit, form, None).await;
    };
    let wanted = WantedToken { name: form.name.clone(), mode, scopes, days: form.days };
    match visit.app.gateway.make_token(visit.actor(), &visit.user, wanted).await {
        Ok((token, text)) => {
            let empty = TokenForm { days: 90, ..TokenForm::default() };
            page(&visit, empty, Some((token, text.reveal().to_owned()))).await
        }
        Err(why) => {
            form.error = Some(sentence(&why.or_fault()?));
            page(&visit, form, None).await
        }
    }
}

/// `POST /portal/tokens/{token}/end`
pub(super) async fn end(visit: Visit, _posted: Posted) -> Outcome {
    let id: String = visit.param("token")?;
    match visit.app.gateway.end_token(visit.actor(), &visit.user, &id).await {
        Ok(_token) => Ok(visit.see_other(&visit.href("/portal/tokens"), "token-ended")),
        Err(UserRefused::Fault(fault)) => Err(fault.into()),
        Err(_unknown) => Err(Trouble::NotFound),
    }
}
