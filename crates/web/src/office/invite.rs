//! Invitations that operators give: by mail where there is a safe way for it, else as a link that
//! is shown once.

use crate::assets::{PORTAL_SCRIPT, PORTAL_STYLE};
use crate::desk::form::Posted;
use crate::desk::route::Outcome;
use crate::desk::shell::{Shell, desk_page};
use crate::desk::trouble::Trouble;
use crate::desk::visit::Visit;
use crate::office::parts::{When, sentence};
use askama::Template;
use domain::id::MerchantId;
use domain::user::{Email, Role};
use engine::ports::Mail;
use engine::user::{Invite, Invited, NAME_MOST, UserRefused};
use http::StatusCode;

/// Whom to invite, as it was typed, and what is wrong with it.
#[derive(Clone, Debug, Default)]
pub(super) struct Person {
    pub(super) name: String,
    pub(super) email: String,
    pub(super) name_error: String,
    pub(super) email_error: String,
}

impl Person {
    /// Of the form's fields `person` and `email`.
    pub(super) fn of(form: &Posted) -> (Self, Option<Email>) {
        let mut person =
            Self { name: form.text("person"), email: form.text("email"), ..Self::default() };
        person.name_error = name_error(&person.name);
        let email = match Email::parse(&person.email) {
            Ok(email) => Some(email),
            Err(error) => {
                person.email_error = format!("It {error}.");
                None
            }
        };
        let email = if person.name_error.is_empty() { email } else { None };
        (person, email)
    }

    /// Whether nothing is wrong.
    pub(super) const fn is_well(&self) -> bool {
        self.name_error.is_empty() && self.email_error.is_empty()
    }

    /// The same with what the engine says against it.
    pub(super) fn refused(mut self, why: UserRefused) -> Result<Self, Trouble> {
        let why = why.or_fault()?;
        if matches!(why, UserRefused::Name) {
            self.name_error = name_error("");
        } else {
            self.email_error = sentence(&why.to_string());
        }
        Ok(self)
    }
}

/// What is wrong with a name; empty when nothing is.
pub(super) fn name_error(name: &str) -> String {
    let length = name.chars().count();
    let fits = (1..=NAME_MOST).contains(&length) && !name.chars().any(char::is_control);
    if fits { String::new() } else { format!("Write 1 to {NAME_MOST} printable characters.") }
}

/// Invites somebody: the owner of a merchant, or (none) another operator.
pub(super) async fn invite(
    visit: &Visit,
    merchant: Option<MerchantId>,
    (person, email): (&Person, Email),
) -> Result<Invited, UserRefused> {
    let role = if merchant.is_some() { Role::Owner } else { Role::Operator };
    let invite = Invite { merchant, email, name: person.name.clone(), role };
    visit.app.gateway.invite(visit.actor(), visit.user.facts.role, invite).await
}

#[derive(Template)]
#[template(path = "office/invited.html")]
struct InvitedPage {
    shell: Shell,
    name: String,
    email: String,
    link: String,
    until: Option<When>,
    is_mail_failed: bool,
    back: String,
}

/// Tells who was invited: by mail, or on a page that shows the link once. The link lets whoever
/// has it in, so that it is not mailed where it would lead to a page without TLS.
pub(super) async fn tell(visit: &Visit, invited: &Invited, back: &str) -> Outcome {
    let site = &visit.app.site;
    let link = format!("{}/account/invitation/{}", site.public_url, invited.secret.reveal());
    let user = &invited.user;
    let mut is_mail_failed = false;
    if let Some(mailer) = &visit.app.mailer
        && site.public_url.starts_with("https:")
    {
        let mail = Mail {
            to: user.email.to_string(),
            subject: "Your invitation to Tollgate".to_owned(),
            text: format!(
                "You were invited as {}.\n\nSet your password and your one-time codes here, within \
                 three days:\n\n{link}\n\nIf you do not know what this is about, do nothing.\n",
                user.facts.role.title()
            ),
        };
        match mailer.send(mail).await {
            Ok(()) => return Ok(visit.see_other(&visit.href(back), "invited")),
            Err(error) => {
                tracing::warn!(%error, "an invitation was not mailed");
                is_mail_failed = true;
            }
        }
    }
    let page = InvitedPage {
        shell: Shell::of(visit, "Invitation"),
        name: user.facts.name.clone(),
        email: user.email.to_string(),
        link,
        until: user.facts.link_until.map(When::of),
        is_mail_failed,
        back: visit.href(back),
    };
    Ok(desk_page(&visit.app, StatusCode::OK, &page))
}
