//! `tollgate demo`: a shop, a customer and a gateway in one terminal. Everything shown is what
//! really passes between them; cards are masked.

use super::listen::{indented, print_webhook, secrets_of};
use super::pay;
use super::serve;
use super::{DEMO_PUBLIC_KEY, DEMO_TERMINAL};
use crate::checkout::{self, Answered, Customer, Means, Order};
use crate::cli::Common;
use crate::clock::SystemClock;
use crate::config::{LogFormat, LogLevel, Settings, Sources};
use crate::failure::Failure;
use crate::http_client::HttpClient;
use crate::output::{Output, Style};
use crate::random::{self, SystemSource};
use crate::receiver::{Arrival, Receiver};
use crate::table::{harmless, pairs};
use crate::telemetry;
use clap::Args;
use domain::method::MethodCode;
use engine::ports::Clock;
use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use url::Url;

/// How long to wait for a webhook or a customer before it counts as missing.
const PATIENCE: Duration = Duration::from_secs(10);
/// Time to read what was shown.
const PAUSE: Duration = Duration::from_millis(1500);
/// The sandbox bank's code (contract, section 2).
const CODE: &str = "123456";

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tollgate demo
  tollgate demo --fast

Everything happens on this machine, in a temporary data folder that is removed at the end. Exit code
1 when anything was not as it should be.")]
pub(crate) struct Arguments {
    /// Without pauses
    #[arg(long)]
    fast: bool,
}

/// One order of the tour and what should come of it.
struct Stop {
    title: &'static str,
    card: &'static str,
    customer: Option<Customer>,
    created: &'static str,
    decided: &'static str,
}

fn stops() -> [Stop; 3] {
    [
        Stop {
            title: "A customer pays with a card whose bank asks for a code (3-D Secure)",
            card: "4111111111111111",
            customer: Some(Customer::Enters(CODE.to_owned())),
            created: "0",
            decided: "25",
        },
        Stop {
            title: "A card that its bank declines",
            card: "4043409999991437",
            customer: None,
            created: "26",
            decided: "26",
        },
        Stop {
            title: "A customer who gives up on the payment page",
            card: "4111111111111111",
            customer: Some(Customer::Cancels),
            created: "0",
            decided: "23",
        },
    ]
}

pub(crate) async fn run(_common: &Common, arguments: Arguments) -> Result<(), Failure> {
    let output = Output::new(false);
    telemetry::start(LogFormat::Text, LogLevel::Warn)?;
    let folder = TemporaryFolder::make()?;
    let running = serve::start(&settings(&folder)?).await?;
    let secrets = secrets_of(&running.gateway, DEMO_TERMINAL).await?;
    let gateway = Url::parse(&running.url)
        .map_err(|error| Failure::could_not("the gateway's address", error))?;
    let receiver = Receiver::start(0, secrets, Arc::new(SystemClock)).await?;
    let pause = if arguments.fast { Duration::ZERO } else { PAUSE };
    let mut tour = Tour::new(output, gateway, receiver, pause);
    let went = tour.go().await;
    let summary = went.and_then(|()| tour.summary());
    running.end().await?;
    summary
}

/// Only what the demo needs: neither a file nor the environment may change the tour.
fn settings(folder: &TemporaryFolder) -> Result<Settings, Failure> {
    let path = folder.0.to_str().ok_or_else(|| {
        Failure::CouldNot("the temporary folder's path is no UTF-8 text".to_owned())
    })?;
    let flags = vec![
        ("data_dir", "the demo", path.to_owned()),
        ("listen", "the demo", "127.0.0.1:0".to_owned()),
        ("webhooks.allow_private", "the demo", "true".to_owned()),
    ];
    Settings::resolve(&Sources { flags, ..Sources::default() })
}

/// A folder of our own that goes when this is dropped.
struct TemporaryFolder(PathBuf);

impl TemporaryFolder {
    fn make() -> Result<Self, Failure> {
        let name = format!("tollgate-demo-{}", random::hexadecimal::<8>(&SystemSource::new()));
        let path = std::env::temp_dir().join(name);
        let made = DirBuilder::new().mode(0o700).create(&path);
        made.map_err(|error| {
            Failure::could_not(&format!("cannot make {}", path.display()), error)
        })?;
        Ok(Self(path))
    }
}

impl Drop for TemporaryFolder {
    fn drop(&mut self) {
        // What cannot be removed is test data in the system's own temporary folder.
        drop(std::fs::remove_dir_all(&self.0));
    }
}

/// Something that should be so.
struct Check {
    what: String,
    met: bool,
}

struct Tour {
    output: Output,
    http: HttpClient,
    gateway: Url,
    receiver: Receiver,
    pause: Duration,
    checks: Vec<Check>,
}

impl Tour {
    fn new(output: Output, gateway: Url, receiver: Receiver, pause: Duration) -> Self {
        let checks = Vec::new();
        Self { output, http: HttpClient::new(), gateway, receiver, pause, checks }
    }

    async fn go(&mut self) -> Result<(), Failure> {
        self.say("Tollgate runs here for this tour, with its sandbox bank and a demo shop:")?;
        let gateway = self.gateway.to_string();
        self.say(&format!("  the gateway   {gateway}"))?;
        self.say(&format!("  the shop      {}", self.receiver.url("/")))?;
        for (index, stop) in stops().iter().enumerate() {
            let title = format!("\n{}. {}", index.saturating_add(1), stop.title);
            self.say(&self.output.paint(Style::Strong, &title))?;
            self.visit(stop).await?;
        }
        Ok(())
    }

    async fn visit(&mut self, stop: &Stop) -> Result<(), Failure> {
        let order = self.order(stop.card);
        self.step("the shop calls POST /api/s2s").await?;
        self.output.text(&indented(&pairs(&order.shown())))?;
        let answered = checkout::create(&mut self.http, &self.gateway, &order).await?;
        self.step(&format!("the gateway answers {}", answered.status)).await?;
        self.output.text(&indented(&pay::fields(&answered.fields)))?;
        self.expect_status("the answer", &answered, stop.created)?;
        if let Some(customer) = &stop.customer {
            self.customer(&answered, &order, customer, stop.decided).await?;
        }
        self.webhook(&answered, stop.decided).await?;
        self.step("the shop asks for the status, to be sure").await?;
        let status = checkout::status(&mut self.http, &answered).await?;
        let text = format!("  {} ({})", status.text("status"), status.text("response"));
        self.say(&harmless(&text))?;
        self.expect_status("the status", &status, stop.decided)
    }

    fn order(&self, card: &str) -> Order {
        Order {
            public_key: DEMO_PUBLIC_KEY.to_owned(),
            ter_no: DEMO_TERMINAL,
            amount: "11.11".to_owned(),
            currency: "USD".to_owned(),
            reference: format!("demo-{}", random::hexadecimal::<6>(&SystemSource::new())),
            means: Means::Card {
                method: MethodCode::CreditCard,
                number: card.to_owned(),
                expiry: checkout::far_expiry(SystemClock.now()),
            },
            webhook_url: self.receiver.url("/webhook"),
            return_url: self.receiver.url("/return"),
        }
    }

    async fn customer(
        &mut self,
        answered: &Answered,
        order: &Order,
        customer: &Customer,
        decided: &str,
    ) -> Result<(), Failure> {
        let Some(page) = answered.address("authurl") else {
            return self.expect("the answer has an authurl for the customer", false);
        };
        self.step(&format!("the customer opens {page}")).await?;
        match customer {
            Customer::Enters(code) => self.step(&format!("and enters the code {code}")).await?,
            Customer::Cancels => self.step("and presses Cancel").await?,
        }
        let landed = checkout::visit(&mut self.http, &page, &order.return_url, customer).await?;
        self.step(&format!("the customer is sent to {}{}", self.receiver.url(""), landed.path()))
            .await?;
        self.http.get(&landed, "text/html").await?;
        let pairs_sent: Vec<(String, String)> = landed.query_pairs().into_owned().collect();
        self.output.text(&indented(&pairs(&pairs_sent)))?;
        let says =
            pairs_sent.iter().any(|(name, value)| name == "order_status" && value == decided);
        self.expect(&format!("the way back says order_status {decided}"), says)
    }

    /// Waits for the webhook of this payment with this status; what arrives meanwhile is shown too.
    async fn webhook(&mut self, answered: &Answered, decided: &str) -> Result<(), Failure> {
        self.step("the shop's server receives the webhook").await?;
        let what = format!("a verified webhook says order_status {decided}");
        let over = SystemClock.now().plus(PATIENCE);
        while let Ok(Some(arrival)) =
            tokio::time::timeout(over.since(SystemClock.now()), self.receiver.next()).await
        {
            let Arrival::Webhook(webhook) = arrival else { continue };
            print_webhook(self.output, &webhook)?;
            let body: serde_json::Value = serde_json::from_str(&webhook.body).unwrap_or_default();
            let says = |name: &str, value: &str| {
                body.get(name).and_then(serde_json::Value::as_str) == Some(value)
            };
            if says("transID", answered.text("transID")) && says("order_status", decided) {
                return self.expect(&what, webhook.verified == Some(Ok(())));
            }
        }
        self.expect(&what, false)
    }

    fn expect_status(&mut self, whose: &str, got: &Answered, code: &str) -> Result<(), Failure> {
        let met = got.status == 200 && got.text("order_status") == code;
        self.expect(&format!("{whose} says order_status {code}"), met)
    }

    fn expect(&mut self, what: &str, met: bool) -> Result<(), Failure> {
        self.checks.push(Check { what: what.to_owned(), met });
        self.say(&self.mark(what, met))
    }

    fn mark(&self, what: &str, met: bool) -> String {
        if met {
            self.output.paint(Style::Good, &format!("  \u{2714} {what}"))
        } else {
            self.output.paint(Style::Bad, &format!("  \u{2718} {what}: it was not so"))
        }
    }

    async fn step(&self, text: &str) -> Result<(), Failure> {
        SystemClock.sleep(self.pause).await;
        self.say(&format!("\u{2192} {}", harmless(text)))
    }

    fn say(&self, text: &str) -> Result<(), Failure> {
        self.output.line(text)
    }

    fn summary(&self) -> Result<(), Failure> {
        let missed: Vec<&Check> = self.checks.iter().filter(|check| !check.met).collect();
        let all = self.checks.len();
        if missed.is_empty() {
            let text = format!("\nAll {all} checks were as they should be.");
            self.say(&self.output.paint(Style::Good, &text))?;
            self.say("The data of this tour is gone. To keep some: tollgate serve")?;
            let listen = "tollgate listen --forward http://localhost:3000/hook";
            self.say(&format!("Webhooks for the shop that you write: {listen}"))?;
            return Ok(());
        }
        let text = format!("\n{} of {all} checks were not as they should be:", missed.len());
        self.say(&self.output.paint(Style::Bad, &text))?;
        missed.iter().try_for_each(|check| self.say(&self.mark(&check.what, false)))?;
        Err(Failure::No(String::new()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake_gateway::{self, SECRET};
    use crate::wire::signature::Secret;
    use domain::secret::SecretText;

    async fn toured(checked_with: &str) -> Tour {
        let gateway = fake_gateway::start(Some(SECRET)).await;
        let secret = Secret::parse(&SecretText::new(checked_with.to_owned())).unwrap();
        let receiver = Receiver::start(0, vec![secret], Arc::new(SystemClock)).await.unwrap();
        let mut tour = Tour::new(Output::silent(), gateway.url, receiver, Duration::ZERO);
        tour.go().await.unwrap();
        tour
    }

    #[tokio::test]
    async fn all_stops_are_as_they_should_be() {
        let tour = toured(SECRET).await;
        assert_eq!(tour.checks.len(), 11);
        assert_eq!(tour.summary(), Ok(()));
    }

    #[tokio::test]
    async fn a_wrong_signature_is_told_in_the_exit_code() {
        let tour = toured("whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA").await;
        let missed: Vec<&str> = tour
            .checks
            .iter()
            .filter(|check| !check.met)
            .map(|check| check.what.as_str())
            .collect();
        assert_eq!(missed.len(), 3, "{missed:?}");
        assert!(missed.iter().all(|what| what.starts_with("a verified webhook")));
        assert_eq!(tour.summary(), Err(Failure::No(String::new())));
    }

    #[test]
    fn the_temporary_folder_goes() {
        let folder = TemporaryFolder::make().unwrap();
        let settings = settings(&folder).unwrap();
        assert!(settings.webhooks.allow_private.value && settings.data_dir.value.is_dir());
        let path = folder.0.clone();
        drop(folder);
        assert!(!path.exists());
    }
}
