//! One's own account: password, recovery codes, sessions.

use super::public::sentence;
use crate::assets::{PORTAL_SCRIPT, PORTAL_STYLE};
use crate::desk::form::Posted;
use crate::desk::notice::Notice;
use crate::desk::route::Outcome;
use crate::desk::shell::{Shell, desk_page};
use crate::desk::trouble::Trouble;
use crate::desk::visit::{Visit, with_cookie};
use askama::Template;
use domain::secret::SecretText;
use engine::password::PASSWORD_LEAST;
use engine::user::UserRefused;
use http::StatusCode;

/// A session as the page tells of it.
struct SessionRow {
    agent: String,
    caller: String,
    since: String,
    seen: String,
    is_this: bool,
}

#[derive(Template)]
#[template(path = "account/account.html")]
struct AccountPage {
    shell: Shell,
    name: String,
    email: String,
    role: &'static str,
    means: &'static str,
    codes_left: usize,
    new_codes: Vec<String>,
    sessions: Vec<SessionRow>,
    least: usize,
    needs_password: bool,
}

async fn page(
    visit: &Visit,
    status: StatusCode,
    notice: Option<Notice>,
    new_codes: Vec<String>,
) -> Outcome {
    let shell = Shell::of(visit, "Your account");
    let shell = match notice {
        Some(notice) => shell.telling(notice),
        None => shell,
    };
    let facts = &visit.user.facts;
    let sessions = visit.app.gateway.sessions(visit.user.id).await?;
    let row = |session: &domain::user::Session| SessionRow {
        agent: session.agent.clone(),
        caller: session.caller.clone(),
        since: session.created_at.to_rfc3339(),
        seen: session.seen_at.to_rfc3339(),
        is_this: session.digest == visit.session.digest,
    };
    let page = AccountPage {
        shell,
        name: facts.name.clone(),
        email: visit.user.email.to_string(),
        role: facts.role.title(),
        means: facts.role.means(),
        codes_left: if new_codes.is_empty() { facts.recovery.len() } else { new_codes.len() },
        new_codes,
        sessions: sessions.iter().map(row).collect(),
        least: PASSWORD_LEAST,
        needs_password: visit.needs_password(),
    };
    Ok(desk_page(&visit.app, status, &page))
}

/// `GET /account`
pub(super) async fn account(visit: Visit) -> Outcome {
    page(&visit, StatusCode::OK, None, Vec::new()).await
}

async fn refused(visit: &Visit, refused: UserRefused) -> Outcome {
    let notice = Some(Notice::error(sentence(&refused.or_fault()?)));
    page(visit, StatusCode::UNPROCESSABLE_ENTITY, notice, Vec::new()).await
}

/// `POST /account/password`
pub(super) async fn change_password(visit: Visit, form: Posted) -> Outcome {
    let old = SecretText::new(form.raw("old").to_owned());
    let new = SecretText::new(form.raw("new").to_owned());
    let who = (&*visit.user, visit.session.digest);
    match visit.app.gateway.change_password(visit.actor(), who, (&old, &new)).await {
        Ok(()) => Ok(visit.see_other(&visit.href("/account"), "password-changed")),
        Err(why) => refused(&visit, why).await,
    }
}

/// `POST /account/recovery-codes`: shown once, on the page that answers.
pub(super) async fn renew_recovery_codes(visit: Visit, form: Posted) -> Outcome {
    match form.prove(&visit).await {
        Ok(()) => {}
        Err(Trouble::Field(_, text)) => {
            let notice = Some(Notice::error(text));
            return page(&visit, StatusCode::UNPROCESSABLE_ENTITY, notice, Vec::new()).await;
        }
        Err(other) => return Err(other),
    }
    match visit.app.gateway.renew_recovery_codes(visit.actor(), visit.user.id).await {
        Ok(codes) => page(&visit, StatusCode::OK, None, codes).await,
        Err(why) => refused(&visit, why).await,
    }
}

/// `POST /account/sessions/end`: all but this one.
pub(super) async fn end_sessions(visit: Visit, _form: Posted) -> Outcome {
    let this = Some(visit.session.digest);
    visit.app.gateway.end_sessions(visit.actor(), visit.user.id, this).await?;
    Ok(visit.see_other(&visit.href("/account"), "sessions-ended"))
}

/// `POST /account/sign-out`
pub(super) async fn sign_out(visit: Visit, _form: Posted) -> Outcome {
    visit.app.gateway.sign_out(visit.actor(), visit.session.digest).await?;
    let response = visit.see_other(&visit.href("/account/sign-in"), "signed-out");
    Ok(with_cookie(&visit.app, response, None))
}
