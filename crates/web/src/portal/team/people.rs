//! People: invited, given another role, and removed.

use crate::account::{send_mail, sentence};
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
use domain::user::{Email, Permission, Role, User, UserId, UserState};
use engine::user::{Invite, Invited, UserRefused};
use http::StatusCode;

struct RoleChoice {
    name: &'static str,
    title: &'static str,
    means: &'static str,
    chosen: bool,
}

struct Person {
    name: String,
    email: String,
    role: &'static str,
    pill: Pill,
    signed_in: Option<At>,
    is_self: bool,
    /// Where their forms go, for who may change them.
    action: Option<String>,
    /// Roles that they may be given.
    roles: Vec<RoleChoice>,
    /// The role's word, where the invitation can be sent again.
    invited_as: Option<&'static str>,
}

/// What a row of the table of rights says.
struct Right {
    title: &'static str,
    /// By role, in the order of the roles.
    allowed: Vec<bool>,
}

#[derive(Template)]
#[template(path = "portal/team.html")]
struct TeamPage {
    shell: Shell,
    edits: bool,
    invite_href: String,
    people: Vec<Person>,
    roles: Vec<RoleChoice>,
    rights: Vec<Right>,
    titles: Vec<&'static str>,
    form: InviteForm,
    /// A link that is shown once, where it cannot be sent.
    link: Option<(String, String)>,
}

/// What was typed, with what is wrong with it.
#[derive(Default)]
struct InviteForm {
    email: String,
    name: String,
    role: String,
    errors: Vec<(&'static str, String)>,
}

impl InviteForm {
    fn error(&self, field: &str) -> Option<&str> {
        self.errors.iter().find(|(name, _)| *name == field).map(|(_, text)| text.as_str())
    }
}

/// What a page shows beside the people.
#[derive(Default)]
struct Extras {
    notice: Option<Notice>,
    form: InviteForm,
    link: Option<(String, String)>,
    is_wrong: bool,
}

/// `GET /portal/team`
pub(super) async fn list(visit: Visit) -> Outcome {
    page(&visit, Extras::default()).await
}

async fn page(visit: &Visit, extras: Extras) -> Outcome {
    let mut users = visit.app.gateway.users(visit.actor(), Some(visit.merchant_id()?)).await?;
    users.sort_by(|one, other| {
        (one.facts.role, &one.facts.name, one.id).cmp(&(
            other.facts.role,
            &other.facts.name,
            other.id,
        ))
    });
    let shell = Shell::of(visit, "Team");
    let shell = match extras.notice {
        Some(notice) => shell.telling(notice),
        None => shell,
    };
    let chosen = Role::of_merchant(&extras.form.role).unwrap_or(Role::ReadOnly);
    let page = TeamPage {
        shell,
        edits: visit.may(Permission::EditTeam),
        invite_href: visit.href("/portal/team/invite"),
        people: users.iter().map(|user| person(visit, user)).collect(),
        roles: roles(visit, chosen),
        rights: rights(),
        titles: Role::OF_MERCHANTS.map(Role::title).into(),
        form: extras.form,
        link: extras.link,
    };
    let status = if extras.is_wrong { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    Ok(desk_page(&visit.app, status, &page))
}

/// Roles that the visitor may give.
fn roles(visit: &Visit, chosen: Role) -> Vec<RoleChoice> {
    let own = visit.user.facts.role;
    let allowed = Role::OF_MERCHANTS.into_iter().filter(|role| own.may_give(*role));
    let choice = |role: Role| RoleChoice {
        name: role.name(),
        title: role.title(),
        means: role.means(),
        chosen: role == chosen,
    };
    allowed.map(choice).collect()
}

fn person(visit: &Visit, user: &User) -> Person {
    let role = user.facts.role;
    let is_self = user.id == visit.user.id;
    let edits = visit.may(Permission::EditTeam) && visit.user.facts.role.may_give(role) && !is_self;
    let now = visit.app.gateway.clock().now();
    let is_invited = user.facts.state == UserState::Invited;
    Person {
        name: user.facts.name.clone(),
        email: user.email.to_string(),
        role: role.title(),
        pill: match user.facts.state {
            UserState::Active => pill("ok", "check", "Active"),
            UserState::Invited if user.link_works(now) => pill("wait", "mail", "Invited"),
            UserState::Invited => pill("warn", "clock", "Invitation is over"),
            UserState::Removed => pill("off", "cross", "Removed"),
        },
        signed_in: user.facts.signed_in_at.map(At::of),
        is_self,
        action: edits.then(|| visit.href(&format!("/portal/team/{}", user.id))),
        roles: if edits { roles(visit, role) } else { Vec::new() },
        invited_as: (edits && is_invited).then(|| role.name()),
    }
}

/// What each role may do, in words.
fn rights() -> Vec<Right> {
    use Permission as P;
    let all = [
        ("See payments, webhooks and balances", P::See),
        ("Take lists along as files", P::Export),
        ("Refund, capture and void", P::Refund),
        ("Write notes to payments", P::Note),
        ("Send webhooks again", P::Resend),
        ("Add and change terminals", P::EditTerminals),
        ("Show and change keys", P::Keys),
        ("Add and change webhook endpoints", P::EditWebhooks),
        ("See the API log", P::CallLog),
        ("Send test payments from the console", P::Console),
        ("Make API tokens", P::Tokens),
        ("See the team", P::SeeTeam),
        ("Invite, change and remove people", P::EditTeam),
        ("See the audit log", P::Audit),
    ];
    let right = |(title, permission): (&'static str, Permission)| Right {
        title,
        allowed: Role::OF_MERCHANTS.map(|role| role.may(permission)).into(),
    };
    all.map(right).into()
}

/// `POST /portal/team/invite`
pub(super) async fn invite(visit: Visit, posted: Posted) -> Outcome {
    let mut form = InviteForm {
        email: posted.text("email"),
        name: posted.text("name"),
        role: posted.text("role"),
        errors: Vec::new(),
    };
    let email =
        Email::parse(&form.email).map_err(|error| form.errors.push(("email", error.to_string())));
    let role = Role::of_merchant(&form.role);
    if role.is_none() {
        form.errors.push(("role", "choose a role".to_owned()));
    }
    let (Ok(email), Some(role)) = (email, role) else {
        return page(&visit, Extras { form, is_wrong: true, ..Extras::default() }).await;
    };
    let merchant = Some(visit.merchant_id()?);
    let giver = visit.user.facts.role;
    let invite = Invite { merchant, email, name: form.name.clone(), role };
    match visit.app.gateway.invite(visit.actor(), giver, invite).await {
        Ok(invited) => told(&visit, invited).await,
        Err(UserRefused::Fault(fault)) => Err(fault.into()),
        Err(refused) => {
            let field = if matches!(refused, UserRefused::Name) {
                "name"
            } else if matches!(refused, UserRefused::Role) {
                "role"
            } else {
                "email"
            };
            form.errors.push((field, refused.to_string()));
            page(&visit, Extras { form, is_wrong: true, ..Extras::default() }).await
        }
    }
}

/// Sends the link; where that is not possible, whoever invited hands it over.
async fn told(visit: &Visit, invited: Invited) -> Outcome {
    let app = &visit.app;
    let link = format!("{}/account/invitation/{}", app.site.public_url, invited.secret.reveal());
    let is_plain = !app.site.public_url.starts_with("https:");
    let sent = app.mailer.is_some() && {
        let merchant = visit.merchant.as_ref().map_or("", |merchant| merchant.name.as_str());
        let text = format!(
            "Hello {},\n\n{} invites you to My Terminal of {merchant} at {}, as {}.\n\n\
             Set your password here within 72 hours:\n\n{link}\n\n\
             Have an authenticator app on your phone ready. If you do not know what this is about, \
             do nothing.\n",
            invited.user.facts.name,
            visit.user.facts.name,
            app.site.host(),
            invited.user.facts.role.title(),
        );
        send_mail(app, invited.user.email.clone(), "You are invited to My Terminal", text).await
    };
    if sent && !is_plain {
        return Ok(visit.see_other(&visit.href("/portal/team"), "invited"));
    }
    let name = invited.user.facts.name;
    let text = if sent {
        "The invitation is on its way. The link is below as well, as this gateway is not reached by https."
    } else {
        "The invitation could not be sent by mail. Hand over the link below: it is not shown again."
    };
    let notice = Some(Notice { is_error: false, text: text.to_owned() });
    page(visit, Extras { notice, link: Some((name, link)), ..Extras::default() }).await
}

/// The user in the path, whom the engine looks for among the visitor's own.
fn user_of(visit: &Visit) -> Result<UserId, Trouble> {
    let id = UserId(visit.param("user")?);
    if id == visit.user.id {
        let text = "Nobody changes their own access. Ask another owner or admin.".to_owned();
        return Err(Trouble::Refused(StatusCode::UNPROCESSABLE_ENTITY, text));
    }
    Ok(id)
}

async fn refused(visit: &Visit, refused: UserRefused) -> Outcome {
    let other = refused.or_fault()?;
    if matches!(other, UserRefused::Unknown) {
        return Err(Trouble::NotFound);
    }
    let notice = Some(Notice::error(sentence(&other)));
    page(visit, Extras { notice, is_wrong: true, ..Extras::default() }).await
}

/// `POST /portal/team/{user}/role`
pub(super) async fn change_role(visit: Visit, posted: Posted) -> Outcome {
    let id = user_of(&visit)?;
    // Whose it is comes before what is wrong with the form.
    visit.app.gateway.user(visit.actor(), id).await?.ok_or(Trouble::NotFound)?;
    let role = Role::of_merchant(posted.raw("role"));
    let role = role.ok_or_else(|| Trouble::Field("role", "choose a role".to_owned()))?;
    let giver = visit.user.facts.role;
    match visit.app.gateway.change_role(visit.actor(), giver, (id, role)).await {
        Ok(_user) => Ok(visit.see_other(&visit.href("/portal/team"), "role-changed")),
        Err(why) => refused(&visit, why).await,
    }
}

/// `POST /portal/team/{user}/remove`
pub(super) async fn remove(visit: Visit, _posted: Posted) -> Outcome {
    let id = user_of(&visit)?;
    let giver = visit.user.facts.role;
    match visit.app.gateway.remove_user(visit.actor(), giver, id).await {
        Ok(_user) => Ok(visit.see_other(&visit.href("/portal/team"), "user-removed")),
        Err(why) => refused(&visit, why).await,
    }
}
