//! `tollgate bank`: what the sandbox bank believes, what banks sent, and the sandbox bank as a
//! process of its own.

use super::{bank_messages, serve};
use crate::cli::Common;
use crate::failure::Failure;
use crate::master_key;
use crate::output::Output;
use crate::table::table;
use crate::telemetry;
use crate::wire;
use clap::{Args, Subcommand};
use domain::text::WebAddress;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::path::PathBuf;

pub(crate) const EXAMPLES: &str = "\
Examples:
  tollgate bank journal
  tollgate bank journal --books bank.db
  tollgate bank journal --json | jq 'select(.result == \"approved\")'
  tollgate bank lab
  tollgate bank lab --json | jq -r 'select(.order_status == \"24\").card'
  tollgate bank serve --books bank.db         and then, elsewhere:
  TOLLGATE_SANDBOX_BANK=http://127.0.0.1:9010 tollgate serve
  tollgate bank serve --notify http://127.0.0.1:9003/inbound/sandbox
  tollgate bank messages --unknown --json

A bank that is served tells the gateway of what it decides where --notify names it. Both must know
the same secret, sandbox_bank_notice_secret in tollgate.toml, or in the environment:
  export TOLLGATE_SANDBOX_BANK_NOTICE_SECRET=whsec_$(openssl rand -base64 32)

A bank that is served fails on demand (POST, GET and DELETE /faults):
  curl http://127.0.0.1:9010/faults -d '{\"fault\": \"lose_answer\", \"kind\": \"refund\", \"count\": 1}'
  fault: slow, register_late, down (need ms); lose_request, lose_answer (ms: silent for so long);
         status_before, status_after (need status: 500, 502, 503 or 504); garbage, half_json, html
  kind:  authorisation, order, capture, refund, reversal, lookup, authentication, challenge, answer,
         new_code, counter
  count: for so many calls; without it, until cleared";

/// The fields of an entry, in the order of the columns.
const COLUMNS: [&str; 9] = [
    "at",
    "kind",
    "result",
    "amount_minor",
    "currency",
    "trans_id",
    "our_reference",
    "original",
    "times_asked",
];

#[derive(Debug, Subcommand)]
pub(crate) enum Action {
    /// Every authorisation, capture, refund and reversal in the sandbox bank's books, the oldest first
    Journal(Journal),
    /// The cards, UPI addresses, bank codes and amounts that make the sandbox bank fail on purpose
    Lab(Lab),
    /// What banks sent of their own accord, and what became of it, the newest first
    Messages(bank_messages::Messages),
    /// Serve the sandbox bank by itself, for gateways whose `sandbox_bank` names its address
    Serve(Serve),
}

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Journal {
    /// The bank's books [default: in the data folder]
    #[arg(long, value_name = "FILE")]
    books: Option<PathBuf>,

    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Lab {
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Serve {
    /// Where to listen; a loopback address, for the bank knows no passwords
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:9010", value_parser = loopback)]
    listen: SocketAddr,

    /// The bank's books; made when they are not there [default: in the data folder]
    #[arg(long, value_name = "FILE")]
    books: Option<PathBuf>,

    /// Where the gateway takes notices of what the bank decides: its address and `/inbound/sandbox`;
    /// needs `sandbox_bank_notice_secret`
    #[arg(long, value_name = "URL", value_parser = web_address)]
    notify: Option<WebAddress>,

    /// One line of JSON on standard output when ready
    #[arg(long)]
    json: bool,
}

fn web_address(text: &str) -> Result<WebAddress, String> {
    let right = "it must be an http or https URL, as http://127.0.0.1:9003/inbound/sandbox";
    WebAddress::parse(text).map_err(|_other| right.to_owned())
}

fn loopback(text: &str) -> Result<SocketAddr, String> {
    let right = "it must be a loopback address with a port, as 127.0.0.1:9010";
    let text = text
        .strip_prefix("localhost:")
        .map(|port| format!("127.0.0.1:{port}"))
        .unwrap_or(text.to_owned());
    let address: SocketAddr = text.parse().map_err(|_no_address| right.to_owned())?;
    if address.ip().is_loopback() {
        Ok(address)
    } else {
        Err(format!("{right}: the sandbox bank is for this machine only"))
    }
}

pub(crate) async fn run(common: &Common, action: Action) -> Result<(), Failure> {
    match action {
        Action::Journal(arguments) => journal(common, &arguments),
        Action::Lab(arguments) => lab(&arguments),
        Action::Messages(arguments) => {
            bank_messages::run(&wire::open(&common.settings()?).await?, arguments).await
        }
        Action::Serve(arguments) => serve(common, arguments).await,
    }
}

async fn serve(common: &Common, arguments: Serve) -> Result<(), Failure> {
    let settings = common.settings()?;
    telemetry::start(settings.log.format, settings.log.level)?;
    let notices = match (&arguments.notify, &settings.notice_secret.value) {
        (None, _) => None,
        (Some(url), Some(secret)) => Some(wire::notice_receiver(url.as_str().to_owned(), secret)?),
        (Some(_), None) => {
            let text = "--notify needs the secret that the gateway knows as well: set \
                        sandbox_bank_notice_secret, or TOLLGATE_SANDBOX_BANK_NOTICE_SECRET";
            return Err(Failure::Usage(text.to_owned()));
        }
    };
    let termination = serve::termination()?;
    let books = wire::books(&settings, arguments.books.as_deref());
    let listener = serve::bind(arguments.listen)
        .map_err(|error| serve::cannot_listen(arguments.listen, &error))?;
    let address = listener.local_addr().unwrap_or(arguments.listen);
    // A data folder that a gateway has not made yet; the folder of --books is for its owner to make.
    if arguments.books.is_none() {
        master_key::make_folder(&settings.data_dir.value)?;
    }
    let url = format!("http://{address}");
    let output = Output::new(arguments.json);
    let bank = wire::serve_bank(&books, listener, notices, termination)?;
    if output.is_json() {
        let pid = std::process::id();
        output.json_line(&json!({ "ready": true, "url": url, "pid": pid }))?;
    } else {
        output.text(&format!(
            "The sandbox bank is ready at {url}, its books are {}\n\
             For a gateway: sandbox_bank = \"{url}\" in tollgate.toml, or TOLLGATE_SANDBOX_BANK={url}\n",
            books.display()
        ))?;
    }
    bank.await
}

fn journal(common: &Common, arguments: &Journal) -> Result<(), Failure> {
    let output = Output::new(arguments.json);
    let books = wire::books(&common.settings()?, arguments.books.as_deref());
    let mut entries = wire::bank_journal(&books)?;
    if output.is_json() {
        return entries.try_for_each(|entry| output.json_line(&entry?));
    }
    let entries = entries.collect::<Result<Vec<Value>, Failure>>()?;
    if entries.is_empty() {
        output.talk("The sandbox bank has no entries yet; `tollgate pay` makes one.");
        return Ok(());
    }
    let rows: Vec<Vec<String>> = entries
        .iter()
        .map(|entry| COLUMNS.iter().map(|name| cell(entry, name)).collect())
        .collect();
    output.text(&table(&COLUMNS, &rows))
}

/// The columns of the lab; `upi_addresses` is a list.
const LAB_COLUMNS: [&str; 8] = [
    "name",
    "card",
    "upi_addresses",
    "bank_code",
    "amount_ending",
    "order_status",
    "response",
    "bank",
];

fn lab(arguments: &Lab) -> Result<(), Failure> {
    let output = Output::new(arguments.json);
    let cases = wire::bank_lab()?;
    if output.is_json() {
        return cases.iter().try_for_each(|case| output.json_line(case));
    }
    let rows: Vec<Vec<String>> = cases
        .iter()
        .map(|case| LAB_COLUMNS.iter().map(|name| cell(case, name)).collect())
        .collect();
    output.text(&table(&LAB_COLUMNS, &rows))
}

fn cell(entry: &Value, name: &str) -> String {
    match entry.get(name) {
        None | Some(Value::Null) => "-".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(list)) if list.is_empty() => "-".to_owned(),
        Some(Value::Array(list)) => {
            let words: Vec<&str> = list.iter().filter_map(Value::as_str).collect();
            words.join(" ")
        }
        Some(other @ (Value::Bool(_) | Value::Number(_) | Value::Object(_))) => other.to_string(),
    }
}
