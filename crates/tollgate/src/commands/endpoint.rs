//! `tollgate endpoint`: addresses of merchants that are told of events, beside the address that
//! each payment names.

use super::merchant;
use super::terminal::{self, ModeName, address, only_demo};
use crate::cli::Common;
use crate::delivery_view::ShownDelivery;
use crate::failure::Failure;
use crate::output::Output;
use crate::table::{pairs, table};
use crate::wire::{self, Opened};
use clap::{Args, Subcommand};
use domain::delivery::DeliveryFilter;
use domain::endpoint::{Endpoint, EndpointState};
use domain::event_type::EventPattern;
use domain::id::{EndpointNumber, MerchantId, TerminalNumber};
use domain::terminal::Mode;
use domain::text::WebAddress;
use domain::time::Timestamp;
use engine::Actor;
use engine::endpoint::{AddEndpoint, ChangeEndpoint, EndpointRefused};
use serde::Serialize;

pub(crate) const EXAMPLES: &str = "\
Examples:
  tollgate endpoint add --merchant 1 --url https://shop.example/events --events payment.approved,refund.*
  tollgate endpoint add --merchant 1 --terminal 42 --url http://localhost:4242/ --events '*'
  tollgate endpoint list
  tollgate endpoint show 1 --json
  tollgate endpoint show 1 --reveal          also prints the signing secrets
  tollgate endpoint set 1 --off              nothing is written for it until --on
  tollgate endpoint set 1 --on --url https://shop.example/hooks
  tollgate endpoint rotate-secret 1          the earlier secret signs as well for a day
  tollgate endpoint remove 1
  tollgate trigger payment.approved --endpoint 1
  tollgate events replay --endpoint 1        what it missed";

#[derive(Debug, Subcommand)]
pub(crate) enum Action {
    /// Add an endpoint; prints its signing secret
    Add(Box<Add>),
    /// All endpoints, by number
    List(List),
    /// One endpoint
    Show(Show),
    /// Change it; what is not named stays as it is
    Set(Box<Set>),
    /// A new signing secret, which is printed; the earlier one signs beside it for a day
    RotateSecret(RotateSecret),
    /// Take it away for good; what it was sent stays in the log
    Remove(Remove),
}

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Add {
    /// Whose it is: the merchant's number
    #[arg(long, value_name = "NUMBER")]
    merchant: i64,

    /// Only events of this terminal [default: of all the merchant's terminals in this mode]
    #[arg(long, value_name = "NUMBER")]
    terminal: Option<i64>,

    /// Test or live events [default: the terminal's mode, or test]
    #[arg(long, value_enum)]
    mode: Option<ModeName>,

    /// Where messages go
    #[arg(long, value_parser = address)]
    url: WebAddress,

    /// What it is told of: types (`tollgate trigger --list`), groups as payment.*, or *
    #[arg(long, required = true, value_delimiter = ',', value_parser = pattern)]
    events: Vec<EventPattern>,

    /// What you call it
    #[arg(long, value_name = "TEXT", default_value = "", value_parser = description)]
    description: String,

    /// One JSON object, as `endpoint show --reveal`
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct List {
    /// One JSON object a line, as `endpoint show`
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Show {
    /// The endpoint's number
    number: i64,

    /// One JSON object
    #[arg(long)]
    json: bool,

    /// Also print the signing secrets
    #[arg(long)]
    reveal: bool,
}

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Set {
    /// The endpoint's number
    number: i64,

    /// Send to it; forgives what it failed before
    #[arg(long, conflicts_with = "off")]
    on: bool,

    /// Do not send to it
    #[arg(long)]
    off: bool,

    /// Where messages go from now on; what is written already goes where it was to go
    #[arg(long, value_parser = address)]
    url: Option<WebAddress>,

    /// What it is told of: types (`tollgate trigger --list`), groups as payment.*, or *
    #[arg(long, value_delimiter = ',', value_parser = pattern)]
    events: Option<Vec<EventPattern>>,

    /// What you call it
    #[arg(long, value_name = "TEXT", value_parser = description)]
    description: Option<String>,

    /// One JSON object, as `endpoint show`
    #[arg(long)]
    json: bool,
}

impl Set {
    fn change(&self) -> Result<ChangeEndpoint, Failure> {
        let change = ChangeEndpoint {
            url: self.url.clone(),
            events: self.events.clone(),
            description: self.description.clone(),
            on: (self.on || self.off).then_some(self.on),
        };
        let nothing = change.url.is_none()
            && change.events.is_none()
            && change.description.is_none()
            && change.on.is_none();
        if nothing {
            let text = "name what to change: --on, --off, --url, --events or --description";
            return Err(Failure::Usage(text.to_owned()));
        }
        Ok(change)
    }
}

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct RotateSecret {
    /// The endpoint's number
    number: i64,

    /// One JSON object, as `endpoint show --reveal`
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Remove {
    /// The endpoint's number
    number: i64,

    /// One JSON object, as `endpoint show`
    #[arg(long)]
    json: bool,
}

/// What endpoints subscribe to, by its text.
pub(super) fn pattern(text: &str) -> Result<EventPattern, String> {
    EventPattern::parse(text.trim()).map_err(|error| error.to_string())
}

fn description(text: &str) -> Result<String, String> {
    domain::text::description(text.trim()).map_err(|error| error.to_string())
}

/// An endpoint as scripts see it.
#[derive(Debug, Serialize)]
struct Shown {
    endpoint: i64,
    merchant: i64,
    terminal: Option<i64>,
    mode: &'static str,
    url: String,
    events: Vec<String>,
    description: String,
    state: &'static str,
    state_since: String,
    failing_since: Option<String>,
    why: Option<&'static str>,
    version: i64,
    created_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    secrets: Option<Vec<ShownSecret>>,
}

#[derive(Debug, Serialize)]
struct ShownSecret {
    secret: String,
    created_at: String,
    retires_at: Option<String>,
}

impl Shown {
    fn of(endpoint: &Endpoint, reveal: bool) -> Self {
        let secrets = endpoint.secrets.iter().map(|secret| ShownSecret {
            secret: secret.text.reveal().to_owned(),
            created_at: secret.created_at.to_rfc3339(),
            retires_at: secret.retires_at.map(Timestamp::to_rfc3339),
        });
        Self {
            endpoint: endpoint.number.0,
            merchant: endpoint.merchant.0,
            terminal: endpoint.terminal.map(|terminal| terminal.0),
            mode: endpoint.mode.name(),
            url: endpoint.url.to_string(),
            events: endpoint.events.iter().map(ToString::to_string).collect(),
            description: endpoint.description.clone(),
            state: endpoint.state.name(),
            state_since: endpoint.state_since.to_rfc3339(),
            failing_since: endpoint.failing_since.map(Timestamp::to_rfc3339),
            why: why(endpoint.state),
            version: endpoint.version,
            created_at: endpoint.created_at.to_rfc3339(),
            secrets: reveal.then(|| secrets.collect()),
        }
    }

    /// Names and values for people.
    fn pairs(&self) -> Vec<(String, String)> {
        let none = || "-".to_owned();
        let all = || "all of the merchant's in this mode".to_owned();
        let state = match self.why {
            None => format!("{} since {}", self.state, self.state_since),
            Some(why) => format!("{} since {}: {why}", self.state, self.state_since),
        };
        let mut rows = vec![
            ("endpoint", self.endpoint.to_string()),
            ("merchant", self.merchant.to_string()),
            ("terminal", self.terminal.map_or_else(all, |number| number.to_string())),
            ("mode", self.mode.to_owned()),
            ("url", self.url.clone()),
            ("events", self.events.join(", ")),
            ("description", self.description.clone()),
            ("state", state),
            ("failing since", self.failing_since.clone().unwrap_or_else(none)),
            ("version", self.version.to_string()),
            ("added", self.created_at.clone()),
        ];
        for secret in self.secrets.iter().flatten() {
            let until = secret.retires_at.iter().map(|until| format!(" (signs until {until})"));
            let text = until.fold(secret.secret.clone(), |text, until| text + &until);
            rows.push(("signing secret", text));
        }
        rows.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    fn row(self) -> Vec<String> {
        let state =
            self.why.map_or_else(|| self.state.to_owned(), |why| format!("{}: {why}", self.state));
        vec![
            self.endpoint.to_string(),
            self.merchant.to_string(),
            self.terminal.map_or_else(|| "all".to_owned(), |number| number.to_string()),
            self.mode.to_owned(),
            state,
            self.failing_since.unwrap_or_else(|| "-".to_owned()),
            self.events.join(","),
            self.url,
            self.description,
        ]
    }
}

/// Why nothing is sent to it; none where something is.
const fn why(state: EndpointState) -> Option<&'static str> {
    match state {
        EndpointState::On => None,
        EndpointState::Off => Some("its owner switched it off"),
        EndpointState::Failed => Some("it failed for five days, and the gateway switched it off"),
        EndpointState::Removed => Some("it was removed"),
    }
}

pub(super) fn unknown(number: EndpointNumber) -> Failure {
    Failure::No(format!(
        "there is no endpoint {number}; `tollgate endpoint list` shows those there are"
    ))
}

fn refused(error: EndpointRefused, number: Option<EndpointNumber>) -> Failure {
    match (error, number) {
        (EndpointRefused::Fault(fault), _) => fault.into(),
        (EndpointRefused::Unknown, Some(number)) => unknown(number),
        (EndpointRefused::NotHttps, _) => {
            Failure::Usage("--url must be https for live events".to_owned())
        }
        (error, _) => Failure::No(error.to_string()),
    }
}

pub(crate) async fn run(common: &Common, action: Action) -> Result<(), Failure> {
    let opened = wire::open(&common.settings()?).await?;
    let gateway = &opened.gateway;
    match action {
        Action::Add(add) => self::add(&opened, &add).await,
        Action::List(list) => {
            print_list(Output::new(list.json), &gateway.endpoints(Actor::Operator).await?)
        }
        Action::Show(show) => self::show(&opened, &show).await,
        Action::Set(set) => {
            let number = EndpointNumber(set.number);
            let changed = gateway.change_endpoint(Actor::Operator, number, set.change()?).await;
            let changed = changed.map_err(|error| refused(error, Some(number)))?;
            let output = Output::new(set.json);
            print_one(output, &Shown::of(&changed, false))?;
            if set.on {
                output.talk(&format!("What it missed: tollgate events replay --endpoint {number}"));
            }
            Ok(())
        }
        Action::RotateSecret(rotate) => {
            let number = EndpointNumber(rotate.number);
            let rotated = gateway.rotate_endpoint_secret(Actor::Operator, number).await;
            let rotated = rotated.map_err(|error| refused(error, Some(number)))?;
            print_one(Output::new(rotate.json), &Shown::of(&rotated, true))
        }
        Action::Remove(remove) => {
            let number = EndpointNumber(remove.number);
            let removed = gateway.remove_endpoint(Actor::Operator, number).await;
            let removed = removed.map_err(|error| refused(error, Some(number)))?;
            print_one(Output::new(remove.json), &Shown::of(&removed, false))
        }
    }
}

async fn add(opened: &Opened, add: &Add) -> Result<(), Failure> {
    let gateway = &opened.gateway;
    let merchants = gateway.merchants(Actor::Operator).await?;
    if !merchants.iter().any(|merchant| merchant.id.0 == add.merchant) {
        return Err(merchant::unknown(add.merchant));
    }
    let terminal = match add.terminal.map(TerminalNumber) {
        None => None,
        Some(number) => {
            let found = gateway.terminal(Actor::Operator, number).await?;
            Some(found.ok_or_else(|| terminal::unknown(number.0))?)
        }
    };
    let usual = terminal.as_ref().map_or(Mode::Test, |terminal| terminal.mode);
    let mode = add.mode.map_or(usual, ModeName::mode);
    if let Some(terminal) = &terminal
        && (terminal.merchant.0 != add.merchant || terminal.mode != mode)
    {
        return Err(Failure::No(format!(
            "terminal {} is a {} terminal of merchant {}",
            terminal.number,
            terminal.mode.name(),
            terminal.merchant
        )));
    }
    if mode == Mode::Live && opened.demo_only {
        return Err(only_demo("endpoint"));
    }
    let command = AddEndpoint {
        merchant: MerchantId(add.merchant),
        terminal: terminal.map(|terminal| terminal.number),
        mode,
        url: add.url.clone(),
        events: add.events.clone(),
        description: add.description.clone(),
    };
    let added = gateway.add_endpoint(Actor::Operator, command).await;
    let added = added.map_err(|error| refused(error, None))?;
    let output = Output::new(add.json);
    print_one(output, &Shown::of(&added, true))?;
    output
        .talk(&format!("\nTry it: tollgate trigger payment.approved --endpoint {}", added.number));
    Ok(())
}

/// The endpoint, and for people what came of the newest message to it.
async fn show(opened: &Opened, show: &Show) -> Result<(), Failure> {
    let gateway = &opened.gateway;
    let number = EndpointNumber(show.number);
    let found = gateway.endpoint(Actor::Operator, number).await?;
    let shown = Shown::of(&found.ok_or_else(|| unknown(number))?, show.reveal);
    let output = Output::new(show.json);
    if output.is_json() {
        return output.json_line(&shown);
    }
    let filter = DeliveryFilter { endpoint: Some(number), ..DeliveryFilter::default() };
    let newest = gateway.deliveries(Actor::Operator, filter, None, 1).await?;
    let newest = newest.deliveries.first().map(ShownDelivery::of);
    let newest = newest.map_or_else(
        || "none yet".to_owned(),
        |newest| {
            let last = newest.last().unwrap_or_else(|| "not tried yet".to_owned());
            format!("{}, {last}", newest.id())
        },
    );
    let mut rows = shown.pairs();
    rows.push(("newest message".to_owned(), newest));
    output.text(&pairs(&rows))
}

fn print_one(output: Output, shown: &Shown) -> Result<(), Failure> {
    if output.is_json() { output.json_line(shown) } else { output.text(&pairs(&shown.pairs())) }
}

fn print_list(output: Output, endpoints: &[Endpoint]) -> Result<(), Failure> {
    let shown = endpoints.iter().map(|endpoint| Shown::of(endpoint, false));
    if output.is_json() {
        return shown.into_iter().try_for_each(|endpoint| output.json_line(&endpoint));
    }
    let rows: Vec<Vec<String>> = shown.map(Shown::row).collect();
    if rows.is_empty() {
        output.talk(
            "There are no endpoints yet; each payment's own webhook_url is told in any case. To add \
             one: tollgate endpoint add --merchant 1 --url … --events …",
        );
        return Ok(());
    }
    let headings = [
        "endpoint",
        "merchant",
        "terminal",
        "mode",
        "state",
        "failing since",
        "events",
        "url",
        "description",
    ];
    output.text(&table(&headings, &rows))
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::secret::SecretText;
    use domain::terminal::WebhookSecret;

    fn endpoint(state: EndpointState) -> Endpoint {
        let at = Timestamp::from_micros(1_745_676_966_000_657);
        let secret = |text: &str, retires_at| WebhookSecret {
            text: SecretText::new(text.to_owned()),
            created_at: at,
            retires_at,
        };
        Endpoint {
            number: EndpointNumber(3),
            merchant: MerchantId(1),
            terminal: None,
            mode: Mode::Test,
            url: WebAddress::parse("https://shop.test/hook").unwrap(),
            events: vec![EventPattern::parse("refund.*").unwrap()],
            description: String::new(),
            state,
            state_since: at,
            failing_since: Some(at),
            secrets: vec![secret("whsec_new", None), secret("whsec_old", Some(at))],
            version: 2,
            created_at: at,
        }
    }

    #[test]
    fn secrets_are_shown_only_to_who_asks() {
        let people = |reveal| pairs(&Shown::of(&endpoint(EndpointState::On), reveal).pairs());
        assert!(!people(false).contains("whsec_"), "{}", people(false));
        let all = people(true);
        assert!(all.contains("signing secret  whsec_new\n"), "{all}");
        assert!(all.contains("whsec_old (signs until 2025-04-26T14:16:06.000657Z)"), "{all}");
        let scripts =
            |reveal| serde_json::to_value(Shown::of(&endpoint(EndpointState::On), reveal)).unwrap();
        assert_eq!(scripts(false).get("secrets"), None);
        assert_eq!(scripts(true)["secrets"][1]["secret"], "whsec_old");
    }

    #[test]
    fn it_is_told_why_nothing_is_sent() {
        let told = |state| pairs(&Shown::of(&endpoint(state), false).pairs());
        let at = "2025-04-26T14:16:06.000657Z";
        assert!(told(EndpointState::On).contains(&format!("on since {at}\n")));
        let off = told(EndpointState::Off);
        assert!(off.contains(&format!("off since {at}: its owner switched it off\n")), "{off}");
        assert!(told(EndpointState::Failed).contains(&format!("failed since {at}: it failed for")));
        let listed = |state| Shown::of(&endpoint(state), false).row()[4..6].join(", ");
        assert_eq!(listed(EndpointState::On), format!("on, {at}"));
        assert!(listed(EndpointState::Failed).starts_with("failed: it failed for five days"));
    }
}
