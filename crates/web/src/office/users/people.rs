//! Who works in this office.

use crate::assets::{PORTAL_SCRIPT, PORTAL_STYLE};
use crate::desk::form::Posted;
use crate::desk::notice::Notice;
use crate::desk::route::Outcome;
use crate::desk::shell::{Shell, desk_page};
use crate::desk::trouble::Trouble;
use crate::desk::visit::Visit;
use crate::office::invite::{self, Person};
use crate::office::merchants::user_pill;
use crate::office::parts::{When, sentence};
use crate::portal::words::Pill;
use askama::Template;
use domain::user::{User, UserId};
use engine::user::UserRefused;
use http::StatusCode;

struct Row {
    id: i64,
    name: String,
    email: String,
    pill: Pill,
    signed_in: Option<When>,
    is_self: bool,
}

#[derive(Template)]
#[template(path = "office/users.html")]
struct PeoplePage {
    shell: Shell,
    rows: Vec<Row>,
    person: Person,
    needs_password: bool,
    password_error: String,
}

async fn show(
    visit: &Visit,
    person: Person,
    password_error: String,
    notice: Option<String>,
) -> Outcome {
    let is_well = person.is_well() && password_error.is_empty() && notice.is_none();
    let status = if is_well { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let shell = Shell::of(visit, "Operators");
    let shell = match notice {
        Some(text) => shell.telling(Notice::error(text)),
        None => shell,
    };
    let users = visit.app.gateway.users(visit.actor(), None).await?;
    let row = |user: &User| Row {
        id: user.id.0,
        name: user.facts.name.clone(),
        email: user.email.to_string(),
        pill: user_pill(user),
        signed_in: user.facts.signed_in_at.map(When::of),
        is_self: user.id == visit.user.id,
    };
    let page = PeoplePage {
        shell,
        rows: users.iter().map(row).collect(),
        person,
        needs_password: visit.needs_password(),
        password_error,
    };
    Ok(desk_page(&visit.app, status, &page))
}

/// `GET /office/users`
pub(super) async fn list(visit: Visit) -> Outcome {
    show(&visit, Person::default(), String::new(), None).await
}

/// `POST /office/users/invite`: another operator, who may do everything that this one may.
pub(super) async fn invite(visit: Visit, form: Posted) -> Outcome {
    let (person, email) = Person::of(&form);
    let Some(email) = email else { return show(&visit, person, String::new(), None).await };
    match form.prove(&visit).await {
        Ok(()) => {}
        Err(Trouble::Field(_, text)) => return show(&visit, person, sentence(&text), None).await,
        Err(other) => return Err(other),
    }
    match invite::invite(&visit, None, (&person, email)).await {
        Ok(invited) => invite::tell(&visit, &invited, "/office/users").await,
        Err(why) => {
            let person = person.refused(why)?;
            show(&visit, person, String::new(), None).await
        }
    }
}

/// `POST /office/users/{user}/remove`
pub(super) async fn remove(visit: Visit, form: Posted) -> Outcome {
    let id = UserId(visit.param("user")?);
    let gateway = &visit.app.gateway;
    // People of merchants are removed by their own owners.
    let user = gateway.user(visit.actor(), id).await?.filter(|user| user.merchant.is_none());
    let user = user.ok_or(Trouble::NotFound)?;
    if user.id == visit.user.id {
        let text = "You cannot remove yourself. Ask another operator to do it.".to_owned();
        return show(&visit, Person::default(), String::new(), Some(text)).await;
    }
    match form.prove(&visit).await {
        Ok(()) => {}
        Err(Trouble::Field(_, text)) => {
            let text = Some(format!("Nobody was removed: {text}."));
            return show(&visit, Person::default(), String::new(), text).await;
        }
        Err(other) => return Err(other),
    }
    match gateway.remove_user(visit.actor(), visit.user.facts.role, id).await {
        Ok(_user) => Ok(visit.see_other(&visit.href("/office/users"), "user-removed")),
        Err(UserRefused::Fault(fault)) => Err(fault.into()),
        Err(UserRefused::LastOwner) => {
            let text = "This is the last operator who can sign in. Invite another one first.";
            show(&visit, Person::default(), String::new(), Some(text.to_owned())).await
        }
        Err(other) => {
            let text = Some(sentence(&other.to_string()));
            show(&visit, Person::default(), String::new(), text).await
        }
    }
}
