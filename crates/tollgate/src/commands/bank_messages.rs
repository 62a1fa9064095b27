//! `tollgate bank messages`: what banks sent of their own accord, and what became of it.

use super::bank::EXAMPLES;
use crate::failure::Failure;
use crate::output::Output;
use crate::table::{harmless, table};
use crate::wire::Opened;
use clap::Args;
use domain::bank_message::{Heard, KeptMessage, MessageId, MessageKey};
use domain::time::Timestamp;
use engine::Actor;
use engine::ports::{MessagePlace, MessagesAsked};
use serde_json::{Value, json};

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Messages {
    /// Only those about no payment of ours
    #[arg(long)]
    unknown: bool,

    /// How many at most, the newest first
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    limit: u32,

    /// Only those older than this one: its `place`, as the last page told it
    #[arg(long, value_name = "PLACE", value_parser = place)]
    before: Option<MessagePlace>,

    /// One JSON object a line, with the body (without card data)
    #[arg(long)]
    json: bool,
}

/// Time, connector and id, as [`place_of`] writes them.
fn place(text: &str) -> Result<MessagePlace, String> {
    let parts = text.split_once('/').and_then(|(at, rest)| Some((at, rest.split_once('/')?)));
    let parsed = parts.and_then(|(at, (connector, id))| {
        let received_at = Timestamp::from_micros(at.parse().ok()?);
        let key = MessageKey { connector: connector.to_owned(), id: MessageId::parse(id).ok()? };
        Some(MessagePlace { received_at, key })
    });
    parsed.ok_or_else(|| "it must be a place as the list tells it: TIME/CONNECTOR/ID".to_owned())
}

fn place_of(message: &KeptMessage) -> String {
    format!("{}/{}", message.received_at.micros(), message.key)
}

pub(super) async fn run(opened: &Opened, arguments: Messages) -> Result<(), Failure> {
    let output = Output::new(arguments.json);
    let Messages { unknown, limit, before, json: _ } = arguments;
    let asked = MessagesAsked { unknown_only: unknown, before, limit };
    let messages = opened.gateway.kept_bank_messages(Actor::Operator, asked).await?;
    if output.is_json() {
        return messages.iter().try_for_each(|message| output.json_line(&as_json(message)));
    }
    if messages.is_empty() {
        output.talk(
            "There are no such messages. The sandbox bank sends some when it is served by \
                     itself: `tollgate bank serve --help`.",
        );
        return Ok(());
    }
    let rows: Vec<Vec<String>> = messages.iter().map(row).collect();
    output.text(&table(&HEADINGS, &rows))?;
    if u32::try_from(messages.len()) == Ok(limit)
        && let Some(last) = messages.last()
    {
        output.talk(&format!("\nOlder ones: --before {}", place_of(last)));
    }
    Ok(())
}

fn as_json(message: &KeptMessage) -> Value {
    json!({
        "connector": message.key.connector,
        "message": message.key.id.as_str(),
        "received_at": message.received_at.to_rfc3339(),
        "our_reference": message.our_reference,
        "heard": message.handled.map(|(_at, heard)| heard.name()),
        "handled_at": message.handled.map(|(at, _heard)| at.to_rfc3339()),
        "times_seen": message.times_seen,
        "suspicious": message.other_body.is_some(),
        "body": message.body,
        "other_body": message.other_body,
        "place": place_of(message),
    })
}

const HEADINGS: [&str; 6] =
    ["received_at", "connector", "message", "our_reference", "heard", "times_seen"];

fn row(message: &KeptMessage) -> Vec<String> {
    let heard = match message.handled {
        Some((_at, heard)) => match heard {
            Heard::Asked => "the bank was asked",
            Heard::NothingToAsk => "nothing to ask",
            Heard::Unknown => "unknown payment",
        },
        None => "still to be handled",
    };
    let suspicious =
        if message.other_body.is_some() { ", suspicious: another body under this id" } else { "" };
    vec![
        message.received_at.to_rfc3339(),
        message.key.connector.clone(),
        harmless(message.key.id.as_str()),
        message.our_reference.clone().unwrap_or_else(|| "-".to_owned()),
        format!("{heard}{suspicious}"),
        message.times_seen.to_string(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_as_it_is_told() {
        let message = KeptMessage {
            key: MessageKey {
                connector: "sandbox".to_owned(),
                id: MessageId::parse("evt/1:2").unwrap(),
            },
            received_at: Timestamp::from_micros(1_745_676_966_000_657),
            our_reference: None,
            body: String::new(),
            times_seen: 1,
            other_body: None,
            handled: None,
        };
        let text = place_of(&message);
        assert_eq!(text, "1745676966000657/sandbox/evt/1:2");
        let read = place(&text).unwrap();
        assert_eq!((read.received_at, read.key), (message.received_at, message.key));
        for wrong in ["", "1", "1/sandbox", "x/sandbox/1", "1/sandbox/", "1/sandbox/a b"] {
            assert!(place(wrong).is_err(), "{wrong}");
        }
    }
}
