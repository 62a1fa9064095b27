//! Pages for those who are not signed in: sign-in, invitations, forgotten passwords.

use crate::app::{App, Caller};
use crate::assets::{PORTAL_SCRIPT, PORTAL_STYLE};
use crate::desk::form::PublicForm;
use crate::desk::notice::Notice;
use crate::desk::shell::{Bare, desk_page};
use crate::desk::trouble::Trouble;
use crate::desk::visit::{session_cookie, with_cookie};
use crate::pages::qr;
use askama::Template;
use axum::extract::{Path, Query, Request, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use domain::secret::SecretText;
use domain::user::{Email, User, UserState};
use engine::password::{PASSWORD_LEAST, totp_link, totp_text};
use engine::ports::Mail;
use engine::sign_in::{SignIn, SignInRefused};
use engine::user::{Accept, UserRefused};
use http::{HeaderMap, StatusCode, header};
use std::collections::BTreeMap;

type Answer = Result<Response, Trouble>;
type Asked = Query<BTreeMap<String, String>>;

fn answered(app: &App, answer: Answer) -> Response {
    answer.unwrap_or_else(|trouble| trouble.into_public_answer(app))
}

async fn posted(app: &App, request: Request) -> Result<(PublicForm, HeaderMap), Trouble> {
    let (parts, body) = request.into_parts();
    let form = PublicForm::read(&app.site, &parts.uri, &parts.headers, body).await?;
    Ok((form, parts.headers))
}

#[derive(Template)]
#[template(path = "account/sign_in.html")]
struct SignInPage {
    shell: Bare,
    notice: Option<Notice>,
    email: String,
    next: String,
}

/// A place of ours to go on to, and none elsewhere.
fn safe_next(next: &str) -> Option<&str> {
    let rooms = ["/portal", "/office", "/account"];
    let ours = rooms.iter().any(|room| {
        next.strip_prefix(room)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || rest.starts_with('?'))
    });
    let plain = next.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    (ours && plain && !next.contains("//") && next.len() < 1000).then_some(next)
}

/// `GET /account/sign-in`
pub(super) async fn sign_in_page(State(app): State<App>, Query(asked): Asked) -> Response {
    let text = |name: &str| asked.get(name).cloned().unwrap_or_default();
    let page = SignInPage {
        shell: Bare::new(&app, "Sign in"),
        notice: asked.get("notice").and_then(|code| Notice::of(code)),
        email: String::new(),
        next: safe_next(&text("next")).unwrap_or_default().to_owned(),
    };
    desk_page(&app, StatusCode::OK, &page)
}

/// `POST /account/sign-in`
pub(super) async fn sign_in(State(app): State<App>, caller: Caller, request: Request) -> Response {
    let answer = signed_in(&app, caller, request).await;
    answered(&app, answer)
}

async fn signed_in(app: &App, caller: Caller, request: Request) -> Answer {
    let (PublicForm(form), headers) = posted(app, request).await?;
    let now = app.gateway.clock().now();
    let again = |status, text: &str| {
        let page = SignInPage {
            shell: Bare::new(app, "Sign in"),
            notice: Some(Notice::error(text)),
            email: form.text("email"),
            next: safe_next(form.raw("next")).unwrap_or_default().to_owned(),
        };
        desk_page(app, status, &page)
    };
    const WRONG: &str = "That is not right: check address, password and code. A code is good \
                         once, for half a minute.";
    const RESTING: &str = "There were too many wrong tries. Wait up to fifteen minutes, or set a \
                           new password.";
    if app.desk_throttle.check(caller, now).is_err() {
        return Ok(again(StatusCode::TOO_MANY_REQUESTS, RESTING));
    }
    let Ok(email) = Email::parse(form.raw("email")) else {
        return Ok(again(StatusCode::UNPROCESSABLE_ENTITY, WRONG));
    };
    let agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
    let sign_in = SignIn {
        email,
        password: SecretText::new(form.raw("password").to_owned()),
        code: form.text("code"),
        caller: caller.0,
        agent: agent.unwrap_or_default().to_owned(),
    };
    match app.gateway.sign_in(sign_in).await {
        Ok(done) => {
            end_earlier_session(app, &headers).await;
            let home = if done.user.merchant.is_some() { "/portal" } else { "/office" };
            let next = safe_next(form.raw("next")).unwrap_or(home);
            let to = format!("{}{next}", app.site.base_path());
            let response = Redirect::to(&to).into_response();
            Ok(with_cookie(app, response, Some(done.secret.reveal())))
        }
        Err(SignInRefused::Wrong) => {
            app.desk_throttle.note_unknown(caller, now);
            Ok(again(StatusCode::UNPROCESSABLE_ENTITY, WRONG))
        }
        Err(SignInRefused::Resting { .. }) => {
            app.desk_throttle.note_unknown(caller, now);
            Ok(again(StatusCode::TOO_MANY_REQUESTS, RESTING))
        }
        Err(SignInRefused::Fault(fault)) => Err(fault.into()),
    }
}

/// A browser has one session: the one before ends, so that none can be kept for somebody else.
async fn end_earlier_session(app: &App, headers: &HeaderMap) {
    let Some(secret) = session_cookie(app, headers) else { return };
    if let Ok(Some((session, user))) = app.gateway.session(secret).await {
        let actor = engine::Actor::User { user: user.id, merchant: user.merchant, caller: None };
        if let Err(fault) = app.gateway.sign_out(actor, session.digest).await {
            tracing::warn!(%fault, "an earlier session was not ended");
        }
    }
}

#[derive(Template)]
#[template(path = "account/forgotten.html")]
struct ForgottenPage {
    shell: Bare,
    notice: Option<Notice>,
    is_sent: bool,
}

/// `GET /account/forgotten`
pub(super) async fn forgotten_page(State(app): State<App>) -> Response {
    let shell = Bare::new(&app, "Set a new password");
    desk_page(&app, StatusCode::OK, &ForgottenPage { shell, notice: None, is_sent: false })
}

/// `POST /account/forgotten`: the answer is the same whether or not somebody has the address, and
/// comes before the mail is sent.
pub(super) async fn forgotten(
    State(app): State<App>,
    caller: Caller,
    request: Request,
) -> Response {
    let answer = async {
        let (PublicForm(form), _headers) = posted(&app, request).await?;
        let now = app.gateway.clock().now();
        let shell = || Bare::new(&app, "Set a new password");
        let again = |text: String| ForgottenPage {
            shell: shell(),
            notice: Some(Notice::error(text)),
            is_sent: false,
        };
        if app.desk_throttle.check(caller, now).is_err() {
            let page = again("There were too many tries from here. Wait a minute.".to_owned());
            return Ok(desk_page(&app, StatusCode::TOO_MANY_REQUESTS, &page));
        }
        app.desk_throttle.note_unknown(caller, now);
        let email = match Email::parse(form.raw("email")) {
            Ok(email) => email,
            Err(error) => {
                let page = again(format!("The address {error}."));
                return Ok(desk_page(&app, StatusCode::UNPROCESSABLE_ENTITY, &page));
            }
        };
        let sender = app.clone();
        app.gateway.spawn(async move { send_reset(&sender, email).await });
        let page = ForgottenPage { shell: shell(), notice: None, is_sent: true };
        Ok(desk_page(&app, StatusCode::OK, &page))
    };
    let answer = answer.await;
    answered(&app, answer)
}

async fn send_reset(app: &App, email: Email) {
    let begun = match app.gateway.begin_password_reset(&email).await {
        Ok(Some(begun)) => begun,
        Ok(None) => return,
        Err(fault) => {
            tracing::error!(%fault, "a password reset was not begun");
            return;
        }
    };
    let link = format!("{}/account/reset/{}", app.site.public_url, begun.secret.reveal());
    let text = format!(
        "Hello {},\n\nsomebody, you hopefully, wants to set a new password for {}.\n\nThis link \
         works once, for half an hour:\n{link}\n\nIf it was not you, do nothing: your password \
         stays as it is.\n",
        begun.user.facts.name,
        app.site.host(),
    );
    send_mail(app, email, "Set a new password", text).await;
}

/// Sends a mail, and tells whether it was handed over; why not is told in the log, without what is
/// in it.
pub(crate) async fn send_mail(app: &App, to: Email, subject: &str, text: String) -> bool {
    let mail = Mail { to: to.to_string(), subject: subject.to_owned(), text };
    let Some(mailer) = &app.mailer else {
        tracing::error!("a mail was not sent: there is no way to send mail");
        return false;
    };
    match mailer.send(mail).await {
        Ok(()) => true,
        Err(error) => {
            tracing::error!(%error, "a mail was not sent");
            false
        }
    }
}

#[derive(Template)]
#[template(path = "account/reset.html")]
struct ResetPage {
    shell: Bare,
    notice: Option<Notice>,
    email: String,
    least: usize,
}

async fn by_link(app: &App, caller: Caller, secret: &str) -> Result<User, Trouble> {
    let gone = || {
        let text = "This link was used, or is too old. Ask for a new one.".to_owned();
        Trouble::Refused(StatusCode::GONE, text)
    };
    let now = app.gateway.clock().now();
    app.desk_throttle.check(caller, now).map_err(|_guesses| gone())?;
    let found = app.gateway.user_by_link(secret).await?;
    found.ok_or_else(|| {
        app.desk_throttle.note_unknown(caller, now);
        gone()
    })
}

/// `GET /account/reset/{secret}`
pub(super) async fn reset_page(
    State(app): State<App>,
    caller: Caller,
    Path(secret): Path<String>,
) -> Response {
    let answer = by_link(&app, caller, &secret).await.map(|user| {
        let page = ResetPage {
            shell: Bare::new(&app, "Set a new password"),
            notice: None,
            email: user.email.to_string(),
            least: PASSWORD_LEAST,
        };
        desk_page(&app, StatusCode::OK, &page)
    });
    answered(&app, answer)
}

/// `POST /account/reset/{secret}`
pub(super) async fn reset(
    State(app): State<App>,
    caller: Caller,
    Path(secret): Path<String>,
    request: Request,
) -> Response {
    let answer = async {
        let (PublicForm(form), _headers) = posted(&app, request).await?;
        let user = by_link(&app, caller, &secret).await?;
        let password = SecretText::new(form.raw("password").to_owned());
        match app.gateway.reset_password(&secret, &password).await {
            Ok(_user) => {
                let to = format!("{}/account/sign-in?notice=saved", app.site.base_path());
                Ok(Redirect::to(&to).into_response())
            }
            Err(UserRefused::Fault(fault)) => Err(fault.into()),
            Err(refused) => {
                let page = ResetPage {
                    shell: Bare::new(&app, "Set a new password"),
                    notice: Some(Notice::error(sentence(&refused))),
                    email: user.email.to_string(),
                    least: PASSWORD_LEAST,
                };
                Ok(desk_page(&app, StatusCode::UNPROCESSABLE_ENTITY, &page))
            }
        }
    };
    let answer = answer.await;
    answered(&app, answer)
}

/// A refusal as a sentence.
pub(crate) fn sentence(refused: &UserRefused) -> String {
    as_sentence(&refused.to_string())
}

/// With a capital letter and a full stop.
pub(crate) fn as_sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().to_string());
    format!("{}{}.", first.unwrap_or_default(), letters.as_str())
}

#[derive(Template)]
#[template(path = "account/invitation.html")]
struct InvitationPage {
    shell: Bare,
    notice: Option<Notice>,
    email: String,
    name: String,
    works_for: String,
    role: &'static str,
    means: &'static str,
    qr: String,
    secret: String,
    least: usize,
}

#[derive(Template)]
#[template(path = "account/recovery_codes.html")]
struct RecoveryCodesPage {
    shell: Bare,
    codes: Vec<String>,
}

async fn invitation_page(
    app: &App,
    user: &User,
    name: String,
    notice: Option<Notice>,
) -> Result<InvitationPage, Trouble> {
    let gone = "This invitation was accepted already. Sign in, or set a new password.";
    if user.facts.state != UserState::Invited {
        return Err(Trouble::Refused(StatusCode::GONE, gone.to_owned()));
    }
    let secret = app.gateway.totp_secret(user)?;
    let link = totp_link(&secret, app.site.host(), &user.email).unwrap_or_default();
    let works_for = match user.merchant {
        None => app.site.host().to_owned(),
        Some(id) => {
            let found = app.gateway.merchant(engine::Actor::Worker, id).await?;
            found.map(|merchant| merchant.name).unwrap_or_default()
        }
    };
    Ok(InvitationPage {
        shell: Bare::new(app, "Accept your invitation"),
        notice,
        email: user.email.to_string(),
        name,
        works_for,
        role: user.facts.role.title(),
        means: user.facts.role.means(),
        qr: qr::svg(&link).unwrap_or_default(),
        secret: totp_text(&secret),
        least: PASSWORD_LEAST,
    })
}

/// `GET /account/invitation/{secret}`
pub(super) async fn invitation(
    State(app): State<App>,
    caller: Caller,
    Path(secret): Path<String>,
) -> Response {
    let answer = async {
        let user = by_link(&app, caller, &secret).await?;
        let page = invitation_page(&app, &user, user.facts.name.clone(), None).await?;
        Ok(desk_page(&app, StatusCode::OK, &page))
    };
    let answer = answer.await;
    answered(&app, answer)
}

/// `POST /account/invitation/{secret}`
pub(super) async fn accept(
    State(app): State<App>,
    caller: Caller,
    Path(secret): Path<String>,
    request: Request,
) -> Response {
    let answer = async {
        let (PublicForm(form), _headers) = posted(&app, request).await?;
        let user = by_link(&app, caller, &secret).await?;
        let accept = Accept {
            name: form.text("name"),
            password: SecretText::new(form.raw("password").to_owned()),
            code: form.text("code"),
        };
        match app.gateway.accept_invitation(&secret, accept).await {
            Ok((_user, codes)) => {
                let shell = Bare::new(&app, "Your recovery codes");
                Ok(desk_page(&app, StatusCode::OK, &RecoveryCodesPage { shell, codes }))
            }
            Err(UserRefused::Fault(fault)) => Err(fault.into()),
            Err(refused) => {
                let notice = Some(Notice::error(match refused {
                    UserRefused::Name => format!("Your name {refused}."),
                    other => sentence(&other),
                }));
                let page = invitation_page(&app, &user, form.text("name"), notice).await?;
                Ok(desk_page(&app, StatusCode::UNPROCESSABLE_ENTITY, &page))
            }
        }
    };
    let answer = answer.await;
    answered(&app, answer)
}

#[cfg(test)]
mod tests {
    use super::safe_next;

    #[test]
    fn sign_in_goes_on_to_our_own_pages_only() {
        for good in ["/portal", "/portal/test/payments?q=a%20b", "/office/merchants/1", "/account"]
        {
            assert_eq!(safe_next(good), Some(good));
        }
        for bad in [
            "",
            "/",
            "//evil.example",
            "https://evil.example",
            "/portal.evil.example",
            "/portalx",
            "/portal//evil.example",
            "/portal\\evil",
            "/portal/\r\nSet-Cookie: a=b",
            "portal",
            "/portal/ space",
            "javascript:alert(1)",
            "/\\evil.example",
        ] {
            assert_eq!(safe_next(bad), None, "{bad:?}");
        }
    }
}
