//! `tollgate user` and `tollgate operator`: who may sign in to the portal and to the office.

use crate::cli::Common;
use crate::commands::merchant;
use crate::config::Settings;
use crate::failure::Failure;
use crate::output::Output;
use crate::table::table;
use crate::wire;
use clap::{Args, Subcommand};
use domain::id::MerchantId;
use domain::user::{Email, Role, User, UserId, UserState};
use engine::user::{Invite, Invited, UserRefused};
use engine::{Actor, Gateway};
use serde::Serialize;

pub(crate) const EXAMPLES: &str = "\
Examples:
  tollgate user invite --merchant 1 --email priya@shop.example --name \"Priya Shah\" --role owner
  tollgate user list --merchant 1
  tollgate user remove 123456789";

pub(crate) const OPERATOR_EXAMPLES: &str = "\
Examples:
  tollgate operator add --email ops@gateway.example --name \"Sam Field\"
  tollgate operator list
  tollgate operator remove 123456789";

#[derive(Debug, Subcommand)]
pub(crate) enum Action {
    /// Invite somebody to a merchant's portal; prints the link that lets them in
    Invite(InviteTo),
    /// Who works for a merchant
    List(OfMerchant),
    /// Take somebody's access away; their sessions end
    Remove(Remove),
}

#[derive(Debug, Subcommand)]
pub(crate) enum OperatorAction {
    /// Invite somebody to the office; prints the link that lets them in
    Add(Person),
    /// Who works in the office
    List(List),
    /// Take somebody's access away; their sessions end
    Remove(Remove),
}

#[derive(Debug, Args)]
#[command(after_help = OPERATOR_EXAMPLES)]
pub(crate) struct Person {
    /// What they sign in with
    #[arg(long, value_name = "ADDRESS", value_parser = email)]
    email: Email,

    /// How they are called; they may change it
    #[arg(long, value_parser = merchant::name)]
    name: String,

    /// One JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct InviteTo {
    /// The merchant's number
    #[arg(long, value_name = "NUMBER")]
    merchant: i64,

    /// What they may do
    #[arg(long, default_value = "owner", value_parser = role)]
    role: Role,

    #[command(flatten)]
    person: Person,
}

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct OfMerchant {
    /// The merchant's number
    #[arg(long, value_name = "NUMBER")]
    merchant: i64,

    #[command(flatten)]
    list: List,
}

#[derive(Debug, Args)]
#[command(after_help = OPERATOR_EXAMPLES)]
pub(crate) struct List {
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Remove {
    /// The user's number, as lists show it
    number: i64,
}

fn email(text: &str) -> Result<Email, String> {
    Email::parse(text).map_err(|error| format!("the address {error}"))
}

fn role(text: &str) -> Result<Role, String> {
    Role::of_merchant(text).ok_or_else(|| {
        let names: Vec<&str> = Role::OF_MERCHANTS.iter().map(|role| role.name()).collect();
        format!("a role is one of {}", names.join(", "))
    })
}

/// A user as scripts see it.
#[derive(Debug, Serialize)]
struct Shown {
    user: i64,
    merchant: Option<i64>,
    email: String,
    name: String,
    role: &'static str,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    link: Option<String>,
}

impl Shown {
    fn of(user: &User) -> Self {
        Self {
            user: user.id.0,
            merchant: user.merchant.map(|merchant| merchant.0),
            email: user.email.to_string(),
            name: user.facts.name.clone(),
            role: user.facts.role.name(),
            state: match user.facts.state {
                UserState::Invited => "invited",
                UserState::Active => "active",
                UserState::Removed => "removed",
            },
            link: None,
        }
    }
}

pub(crate) async fn run(common: &Common, action: Action) -> Result<(), Failure> {
    let settings = common.settings()?;
    let gateway = wire::open(&settings).await?.gateway;
    match action {
        Action::Invite(to) => {
            let merchants = gateway.merchants(Actor::Operator).await?;
            if !merchants.iter().any(|one| one.id.0 == to.merchant) {
                return Err(merchant::unknown(to.merchant));
            }
            let merchant = Some(MerchantId(to.merchant));
            invite(&settings, &gateway, merchant, to.role, to.person).await
        }
        Action::List(of) => {
            let merchant = MerchantId(of.merchant);
            print_list(&of.list, &gateway.users(Actor::Operator, Some(merchant)).await?)
        }
        Action::Remove(remove) => remove_user(&gateway, &remove).await,
    }
}

pub(crate) async fn run_operator(common: &Common, action: OperatorAction) -> Result<(), Failure> {
    let settings = common.settings()?;
    let gateway = wire::open(&settings).await?.gateway;
    match action {
        OperatorAction::Add(person) => {
            invite(&settings, &gateway, None, Role::Operator, person).await
        }
        OperatorAction::List(list) => {
            print_list(&list, &gateway.users(Actor::Operator, None).await?)
        }
        OperatorAction::Remove(remove) => remove_user(&gateway, &remove).await,
    }
}

async fn invite(
    settings: &Settings,
    gateway: &Gateway,
    merchant: Option<MerchantId>,
    role: Role,
    person: Person,
) -> Result<(), Failure> {
    let output = Output::new(person.json);
    let invite = Invite { merchant, email: person.email, name: person.name, role };
    let invited = gateway.invite(Actor::Operator, Role::Operator, invite).await;
    let Invited { user, secret } = invited.map_err(refused)?;
    let url = settings.base_url(settings.listen.value.port());
    let link = format!("{url}/account/invitation/{}", secret.reveal());
    if output.is_json() {
        return output.json_line(&Shown { link: Some(link), ..Shown::of(&user) });
    }
    output.talk(&format!(
        "Invited {} as {}. Give them this link; it works once, for three days:",
        user.email,
        user.facts.role.title().to_lowercase()
    ));
    output.line(&link)
}

async fn remove_user(gateway: &Gateway, remove: &Remove) -> Result<(), Failure> {
    let removed = gateway.remove_user(Actor::Operator, Role::Operator, UserId(remove.number)).await;
    let user = removed.map_err(refused)?;
    Output::new(false).talk(&format!("{} has no access any more", user.email));
    Ok(())
}

fn refused(error: UserRefused) -> Failure {
    match error.or_fault() {
        Err(fault) => fault.into(),
        Ok(other) => Failure::No(other.to_string()),
    }
}

fn print_list(list: &List, users: &[User]) -> Result<(), Failure> {
    let output = Output::new(list.json);
    if output.is_json() {
        return users.iter().try_for_each(|user| output.json_line(&Shown::of(user)));
    }
    if users.is_empty() {
        output.talk("There is nobody yet: tollgate user invite …, or tollgate operator add …");
        return Ok(());
    }
    let row = |user: &User| {
        let shown = Shown::of(user);
        vec![
            shown.user.to_string(),
            shown.email,
            shown.name,
            shown.role.to_owned(),
            shown.state.to_owned(),
        ]
    };
    let rows: Vec<Vec<String>> = users.iter().map(row).collect();
    output.text(&table(&["user", "email", "name", "role", "state"], &rows))
}
