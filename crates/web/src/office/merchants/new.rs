//! A merchant is taken on: added in review, and its first owner invited.

use crate::assets::{PORTAL_SCRIPT, PORTAL_STYLE};
use crate::desk::form::Posted;
use crate::desk::notice::Notice;
use crate::desk::route::Outcome;
use crate::desk::shell::{Shell, desk_page};
use crate::desk::trouble::Trouble;
use crate::desk::visit::Visit;
use crate::office::invite::{self, Person, name_error};
use askama::Template;
use engine::user::{ChangeMerchant, UserRefused};
use http::StatusCode;

#[derive(Template)]
#[template(path = "office/merchant_new.html")]
struct NewPage {
    shell: Shell,
    name: String,
    name_error: String,
    person: Person,
}

#[expect(clippy::unnecessary_wraps, reason = "a handler ends with it")]
fn show(visit: &Visit, name: String, name_error: String, person: Person) -> Outcome {
    let is_well = name_error.is_empty() && person.is_well();
    let status = if is_well { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let shell = Shell::of(visit, "New merchant");
    Ok(desk_page(&visit.app, status, &NewPage { shell, name, name_error, person }))
}

/// `GET /office/merchants/new`
pub(super) async fn page(visit: Visit) -> Outcome {
    show(&visit, String::new(), String::new(), Person::default())
}

/// `POST /office/merchants/new`
pub(super) async fn add(visit: Visit, form: Posted) -> Outcome {
    let name = form.text("name");
    let wrong_name = name_error(&name);
    let (mut person, email) = Person::of(&form);
    let gateway = &visit.app.gateway;
    let actor = visit.actor();
    if let Some(email) = &email
        && gateway.user_by_email(actor, email).await?.is_some()
    {
        person = person.refused(UserRefused::EmailTaken)?;
    }
    let email = email.filter(|_| wrong_name.is_empty() && person.is_well());
    let Some(email) = email else {
        return show(&visit, name, wrong_name, person);
    };
    let merchant = gateway.add_merchant(actor, &name).await?;
    let review = ChangeMerchant { approved: Some(false), ..ChangeMerchant::default() };
    match gateway.change_merchant(actor, merchant.id, review).await {
        Ok(_merchant) => {}
        Err(UserRefused::Fault(fault)) => return Err(fault.into()),
        Err(other) => return Err(Trouble::Field("name", other.to_string())),
    }
    match invite::invite(&visit, Some(merchant.id), (&person, email)).await {
        Ok(invited) => {
            invite::tell(&visit, &invited, &format!("/office/merchants/{}", merchant.id)).await
        }
        // The merchant is there by now, so that sending the form again would add another one.
        Err(why) => {
            let person = person.refused(why)?;
            let text = format!("{name} was added, but nobody was invited. Invite an owner below.");
            super::detail::show(&visit, merchant.id, person, Some(Notice::error(text))).await
        }
    }
}
