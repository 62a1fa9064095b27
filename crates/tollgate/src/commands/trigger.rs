//! `tollgate trigger`: sends a sample of a webhook, and shows what came of it.

use super::events::event_type;
use super::{DEMO_TERMINAL, LISTEN_PORT, endpoint, terminal};
use crate::cli::Common;
use crate::delivery_view::{beginning, milliseconds};
use crate::failure::Failure;
use crate::output::{Output, Style};
use crate::table::{harmless, pairs, table};
use crate::wire;
use clap::Args;
use domain::event_type::EventType;
use domain::id::{EndpointNumber, TerminalNumber};
use domain::text::WebAddress;
use engine::Actor;
use engine::delivery::{SampleSent, SampleTo};
use engine::endpoint::EndpointRefused;
use engine::ports::PostResult;
use serde_json::{Value, json};
use std::collections::BTreeMap;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tollgate trigger --list                            the catalogue of event types
  tollgate trigger payment.approved                  to where `tollgate listen` listens
  tollgate trigger refund.succeeded --endpoint 1     signed with the endpoint's secret
  tollgate trigger payment.declined --terminal 42 --url http://localhost:3000/webhook
  tollgate trigger dispute.opened --endpoint 1 --json

A sample with invented facts is sent now, once, the way real messages go; it is in no log. Exit code 1
unless it is answered with a 2xx.")]
pub(crate) struct Arguments {
    /// The event type
    #[arg(value_name = "EVENT", value_parser = event_type,
          required_unless_present = "list", conflicts_with = "list")]
    event: Option<EventType>,

    /// To this endpoint
    #[arg(long, value_name = "NUMBER", conflicts_with_all = ["list", "terminal", "url"])]
    endpoint: Option<i64>,

    /// Signed with this terminal's secret
    #[arg(long, value_name = "NUMBER", default_value_t = DEMO_TERMINAL, conflicts_with = "list")]
    terminal: i64,

    /// To this address [default: where `tollgate listen` listens]
    #[arg(long, value_parser = terminal::address, conflicts_with = "list")]
    url: Option<WebAddress>,

    /// Only list the event types
    #[arg(long)]
    list: bool,

    /// One JSON object; with --list one a line
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(common: &Common, arguments: Arguments) -> Result<(), Failure> {
    let output = Output::new(arguments.json);
    let Some(event) = arguments.event else { return list(output) };
    let to = match (arguments.endpoint, arguments.url) {
        (Some(number), _) => SampleTo::Endpoint(EndpointNumber(number)),
        (None, Some(url)) => SampleTo::Address(TerminalNumber(arguments.terminal), url),
        (None, None) => {
            let here = WebAddress::parse(&format!("http://127.0.0.1:{LISTEN_PORT}/webhook"));
            let here = here.map_err(|error| Failure::could_not("--url", error))?;
            SampleTo::Address(TerminalNumber(arguments.terminal), here)
        }
    };
    let opened = wire::open(&common.settings()?).await?;
    let sent = opened.gateway.send_sample(Actor::Operator, to, event).await;
    let sent = sent.map_err(|error| match error {
        EndpointRefused::Unknown => {
            endpoint::unknown(EndpointNumber(arguments.endpoint.unwrap_or_default()))
        }
        EndpointRefused::UnknownOwner => terminal::unknown(arguments.terminal),
        EndpointRefused::NotHttps => {
            Failure::Usage("--url must be https for a live terminal".to_owned())
        }
        EndpointRefused::Fault(fault) => fault.into(),
        refused @ (EndpointRefused::NoEvents | EndpointRefused::TooMany) => {
            Failure::No(refused.to_string())
        }
    })?;
    let answered = Answered::of(&sent.result);
    if output.is_json() {
        output.json_line(&as_json(event, &sent, &answered))?;
    } else {
        print(output, &sent, &answered)?;
    }
    if answered.is_well() { Ok(()) } else { Err(Failure::No(String::new())) }
}

/// What a receiver said, or why nothing.
struct Answered {
    status: Option<u16>,
    body: Option<String>,
    error: Option<String>,
}

impl Answered {
    fn of(result: &PostResult) -> Self {
        match result {
            PostResult::Answered { status, body, .. } => {
                let body = Some(body.clone()).filter(|body| !body.is_empty());
                Self { status: Some(*status), body, error: None }
            }
            PostResult::Failed(why) => Self { status: None, body: None, error: Some(why.clone()) },
        }
    }

    fn is_well(&self) -> bool {
        self.status.is_some_and(|status| (200..=299).contains(&status))
    }
}

fn as_json(event: EventType, sent: &SampleSent, answered: &Answered) -> Value {
    let headers: BTreeMap<&str, &str> =
        sent.headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    json!({
        "id": sent.webhook_id,
        "type": event.name(),
        "url": sent.url.as_str(),
        "headers": headers,
        "body": sent.body,
        "took_ms": milliseconds(sent.took),
        "status": answered.status,
        "answer": answered.body,
        "error": answered.error,
    })
}

fn print(output: Output, sent: &SampleSent, answered: &Answered) -> Result<(), Failure> {
    output.line(&format!("POST {}", harmless(sent.url.as_str())))?;
    let headers = sent.headers.iter().map(|(name, value)| (format!("{name}:"), value.clone()));
    output.text(&pairs(&headers.collect::<Vec<_>>()))?;
    output.line(&format!("\n{}\n", harmless(&sent.body)))?;
    let came = match (answered.status, &answered.error) {
        (Some(status), _) => format!("answered {status}"),
        (None, Some(why)) => format!("no answer: {why}"),
        (None, None) => "no answer".to_owned(),
    };
    let (mark, style) =
        if answered.is_well() { ('\u{2714}', Style::Good) } else { ('\u{2718}', Style::Bad) };
    let took = milliseconds(sent.took);
    output.line(&output.paint(style, &format!("{mark} {came} after {took} ms")))?;
    answered.body.as_deref().map_or(Ok(()), |body| output.line(&format!("  {}", beginning(body))))
}

fn list(output: Output) -> Result<(), Failure> {
    if output.is_json() {
        return EventType::ALL.into_iter().try_for_each(|event| {
            output.json_line(&json!({
                "type": event.name(),
                "sent": event.is_sent(),
                "sentence": event.sentence(),
            }))
        });
    }
    let sent = |event: EventType| if event.is_sent() { "yes" } else { "samples only" };
    let row = |event: EventType| {
        [event.name(), sent(event), event.sentence()].map(str::to_owned).to_vec()
    };
    output.text(&table(&["type", "sent", "when"], &EventType::ALL.map(row)))
}
