//! `tollgate listen`: shows webhooks as they arrive, and whether their signatures are right. They
//! come from a gateway that can reach this machine, or over a stream that this machine opens.

mod forward;

use super::endpoint::pattern;
use super::{DEMO_TERMINAL, LISTEN_PORT};
use crate::cli::Common;
use crate::clock::SystemClock;
use crate::failure::Failure;
use crate::output::{Output, Style};
use crate::receiver::{Arrival, Receiver, Webhook};
use crate::table::{harmless, pairs};
use crate::wire;
use crate::wire::signature::Secret;
use clap::{ArgGroup, Args};
use domain::event_type::EventPattern;
use domain::id::TerminalNumber;
use domain::secret::SecretText;
use engine::ports::Clock as _;
use engine::{Actor, Gateway};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::sync::Arc;
use url::Url;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tollgate listen                                then, in another terminal: tollgate pay --otp 123456
  tollgate listen --port 8080 --terminal 7
  tollgate listen --secret whsec_… --json
  tollgate listen --forward http://localhost:3000/hook
  tollgate listen --forward http://localhost:3000/hook --gateway https://pay.example.com --terminal 7 \
    --private-key-file terminal-7.key --events payment.approved,refund.*
  tollgate listen --gateway https://pay.example.com --terminal 7 --json

Receives any POST at http://127.0.0.1:4242/. What is signed right is answered 204, what is not 401, as
a shop should. With --forward or --gateway it asks the gateway instead, so that no way in to this machine
is needed: what is written from now on for the terminal's webhook address and endpoints is shown, and
passed on with the same headers and body; the gateway's own deliveries go on beside it. The private key
is read from --private-key-file, from TOLLGATE_PRIVATE_KEY or from the data folder, and goes out only
over TLS or to this machine. Ends with Ctrl-C.")]
#[command(group = ArgGroup::new("stream").multiple(true).args(["forward", "gateway"]))]
pub(crate) struct Arguments {
    /// The port on this machine
    #[arg(long, default_value_t = LISTEN_PORT, conflicts_with = "stream")]
    port: u16,

    /// Ask the gateway for webhooks, and pass each on to this address
    #[arg(long, value_name = "URL", value_parser = forward::address)]
    forward: Option<Url>,

    /// Ask this gateway for webhooks [default with --forward: where this configuration listens]
    #[arg(long, value_name = "URL", value_parser = forward::gateway_address)]
    gateway: Option<Url>,

    /// A file with the terminal's private key [default: `TOLLGATE_PRIVATE_KEY`, or the data folder's]
    #[arg(long, value_name = "FILE", requires = "stream")]
    private_key_file: Option<PathBuf>,

    /// Only these event types or groups, as payment.approved,refund.*
    #[arg(long, value_name = "EVENTS", requires = "stream", value_delimiter = ',',
          value_parser = pattern)]
    events: Vec<EventPattern>,

    /// The signing secret; may be repeated [default: read from the data folder]
    #[arg(long, value_name = "WHSEC")]
    secret: Vec<String>,

    /// Whose webhooks, and whose secret to read from the data folder [default: 42]
    #[arg(long, value_name = "NUMBER")]
    terminal: Option<i64>,

    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

impl Arguments {
    fn terminal(&self) -> i64 {
        self.terminal.unwrap_or(DEMO_TERMINAL)
    }

    /// The secrets that were given.
    fn secrets(&self) -> Result<Vec<Secret>, Failure> {
        let secret = |text: &String| Secret::parse(&SecretText::new(text.clone()));
        let secrets: Result<_, _> = self.secret.iter().map(secret).collect();
        secrets.map_err(|error| Failure::Usage(format!("--secret: {error}")))
    }
}

pub(crate) async fn run(common: &Common, arguments: Arguments) -> Result<(), Failure> {
    if arguments.forward.is_some() || arguments.gateway.is_some() {
        return forward::run(common, arguments).await;
    }
    let output = Output::new(arguments.json);
    let mut secrets = arguments.secrets()?;
    if secrets.is_empty() {
        let opened =
            wire::open(&common.settings()?).await.map_err(|failure| no_secret(&failure))?;
        secrets = secrets_of(&opened.gateway, arguments.terminal()).await?;
    } else if arguments.terminal.is_some() {
        let text = "--terminal says whose secret to read: leave it out, or leave out --secret";
        return Err(Failure::Usage(text.to_owned()));
    }
    let mut receiver = Receiver::start(arguments.port, secrets, Arc::new(SystemClock)).await?;
    output.talk(&format!("Listening at {}; Ctrl-C ends it.", receiver.url("/")));
    loop {
        tokio::select! {
            arrival = receiver.next() => match arrival {
                Some(arrival) => print(output, &arrival)?,
                None => return Ok(()),
            },
            signal = tokio::signal::ctrl_c() => {
                return signal.map_err(|error| Failure::could_not("Ctrl-C", error));
            }
        }
    }
}

fn no_secret(failure: &Failure) -> Failure {
    let why = failure.text().unwrap_or_default();
    Failure::CouldNot(format!("no signing secret to check with (give one with --secret): {why}"))
}

/// The secrets that may sign a terminal's webhooks now.
pub(crate) async fn secrets_of(gateway: &Gateway, number: i64) -> Result<Vec<Secret>, Failure> {
    let terminal = gateway.terminal(Actor::Operator, TerminalNumber(number)).await?;
    let terminal = terminal.ok_or_else(|| super::terminal::unknown(number))?;
    terminal.signing_secrets(SystemClock.now()).map(parsed).collect()
}

/// A stored secret, ready to check with.
fn parsed(text: &SecretText) -> Result<Secret, Failure> {
    Secret::parse(text).map_err(|error| Failure::CouldNot(error.to_string()))
}

fn print(output: Output, arrival: &Arrival) -> Result<(), Failure> {
    match arrival {
        Arrival::Webhook(webhook) if output.is_json() => output.json_line(&as_json(webhook)),
        Arrival::Webhook(webhook) => print_webhook(output, webhook),
        Arrival::Customer(_) if output.is_json() => Ok(()),
        Arrival::Customer(pairs) => {
            let text = |name: &str| {
                let pair = pairs.iter().find(|(key, _)| key == name);
                pair.map_or_else(|| "-".to_owned(), |(_, value)| harmless(value))
            };
            let came = format!("a customer comes back: {}, {}", text("transID"), text("status"));
            output.talk(&output.paint(Style::Faint, &came));
            Ok(())
        }
    }
}

/// Whether the signature is right, and why not.
fn verdict(webhook: &Webhook) -> (Value, Option<String>) {
    match &webhook.verified {
        None => (Value::Null, None),
        Some(Ok(())) => (Value::Bool(true), None),
        Some(Err(why)) => (Value::Bool(false), Some(why.to_string())),
    }
}

/// A body as scripts see it: JSON where it is, else a text.
fn body_value(body: &str) -> Value {
    serde_json::from_str(body).unwrap_or_else(|_no_json| Value::String(body.to_owned()))
}

fn as_json(webhook: &Webhook) -> Value {
    let (verified, why) = verdict(webhook);
    json!({
        "at": webhook.at.to_rfc3339(),
        "path": webhook.path,
        "id": webhook.header("webhook-id"),
        "verified": verified,
        "why": why,
        "body": body_value(&webhook.body),
    })
}

/// A webhook for people: the verdict, then the body's fields.
pub(crate) fn print_webhook(output: Output, webhook: &Webhook) -> Result<(), Failure> {
    let verdict = match &webhook.verified {
        None => output.paint(Style::Warning, "not checked (no secret)"),
        Some(Ok(())) => output.paint(Style::Good, "\u{2714} verified"),
        Some(Err(why)) => output.paint(Style::Bad, &format!("\u{2718} not verified: {why}")),
    };
    let id = webhook.header("webhook-id").unwrap_or("no webhook-id");
    let head = format!("{}  {}", webhook.at.to_rfc3339(), harmless(id));
    output.line(&format!("{head}  {verdict}"))?;
    output.text(&indented(&body_text(&webhook.body)))
}

/// The body's fields when it is a JSON object or a form, else the body.
fn body_text(body: &str) -> String {
    if let Ok(Value::Object(fields)) = serde_json::from_str(body) {
        return super::pay::fields(&fields);
    }
    if body.starts_with("data=") {
        let form = url::form_urlencoded::parse(body.as_bytes()).into_owned();
        return pairs(&form.collect::<Vec<_>>());
    }
    format!("{}\n", harmless(body))
}

/// Each line two blanks to the right.
pub(crate) fn indented(text: &str) -> String {
    text.lines().fold(String::new(), |all, line| all + "  " + line + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::signature::Unverified;
    use domain::time::Timestamp;

    fn webhook(body: &str, verified: Option<Result<(), Unverified>>) -> Webhook {
        let mut headers = http::HeaderMap::new();
        headers.insert("webhook-id", "msg_1".parse().unwrap());
        Webhook {
            at: Timestamp::from_micros(1_745_676_966_000_657),
            path: "/webhook".to_owned(),
            headers,
            body: body.to_owned(),
            verified,
        }
    }

    #[test]
    fn scripts_see_the_verdict_and_why() {
        let good = as_json(&webhook("{\"a\":\"1\"}", Some(Ok(()))));
        let (id, at) = ("msg_1", "2025-04-26T14:16:06.000657Z");
        let expected = json!({"at": at, "path": "/webhook", "id": id, "verified": true,
            "why": null, "body": {"a": "1"}});
        assert_eq!(good, expected);
        let bad = as_json(&webhook("data=x", Some(Err(Unverified::Signature))));
        assert_eq!((&bad["verified"], &bad["body"]), (&json!(false), &json!("data=x")));
        assert_eq!(bad["why"], "no signature fits the secret");
        assert_eq!(as_json(&webhook("", None))["verified"], Value::Null);
    }

    #[test]
    fn bodies_are_aligned_or_shown_as_they_are() {
        assert_eq!(body_text("{\"a\":\"1\",\"long\":2}"), "a     1\nlong  2\n");
        assert_eq!(body_text("data=a%2Bb"), "data  a+b\n");
        assert_eq!(body_text("\u{1b}[2J"), "\u{fffd}[2J\n");
        assert_eq!(indented("a\nb\n"), "  a\n  b\n");
    }
}
