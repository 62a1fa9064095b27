//! `tollgate pay`: a test payment, from the shop's call to the customer's way back.

use super::terminal::method;
use super::{DEMO_PUBLIC_KEY, DEMO_TERMINAL, LISTEN_PORT};
use crate::checkout::{self, Answered, Customer, Means, Order};
use crate::cli::Common;
use crate::clock::SystemClock;
use crate::failure::Failure;
use crate::http_client::HttpClient;
use crate::output::{Output, Style};
use crate::random::{self, SystemSource};
use crate::table::{harmless, pairs};
use clap::Args;
use domain::method::MethodCode;
use engine::ports::Clock as _;
use serde_json::{Map, Value, json};
use url::Url;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tollgate pay                                   prints the answer, with the page to open
  tollgate pay --otp 123456                      also passes the challenge
  tollgate pay --card 4043409999991437           is declined at once
  tollgate pay --method NB --bank SBIN           by net banking; open the page and be the customer
  tollgate pay --method UPICOLLECT --upi-address success@sandbox
  tollgate pay --method QRINTENT                 by UPI QR code
  tollgate pay --amount 99.50 --currency EUR --otp 123456 --json
  tollgate listen                                in another terminal: shows the webhooks

Test cards only: a command line is visible to everybody on the machine. Plain http only, so give the
gateway's own address. Exit code 1 when the payment was refused or declined.")]
pub(crate) struct Arguments {
    /// The gateway [default: where this configuration listens]
    #[arg(long)]
    url: Option<String>,

    /// How it is paid: CC, DC, NB, WALLET, UPICOLLECT or QRINTENT
    #[arg(long, default_value = "CC", value_parser = method)]
    method: MethodCode,

    /// With CC and DC: a test card's number [default: 4111111111111111]
    #[arg(long)]
    card: Option<String>,

    /// With NB and WALLET: the bank's or wallet's code [default: the customer chooses]
    #[arg(long, value_name = "CODE")]
    bank: Option<String>,

    /// With UPICOLLECT: the payer's address (`customer@sandbox` by default)
    #[arg(long, value_name = "ADDRESS")]
    upi_address: Option<String>,

    /// How much
    #[arg(long, default_value = "11.11")]
    amount: String,

    /// In which currency [default: USD for cards, INR for the other methods]
    #[arg(long)]
    currency: Option<String>,

    /// The shop's order id [default: a new one]
    #[arg(long)]
    reference: Option<String>,

    /// The terminal's public key
    #[arg(long, default_value = DEMO_PUBLIC_KEY)]
    public_key: String,

    /// The terminal's number
    #[arg(long, default_value_t = DEMO_TERMINAL)]
    ter_no: i64,

    /// Where webhooks go [default: where `tollgate listen` listens]
    #[arg(long, value_name = "URL")]
    webhook_url: Option<String>,

    /// Where the customer goes afterwards [default: where `tollgate listen` listens]
    #[arg(long, value_name = "URL")]
    return_url: Option<String>,

    /// With CC and DC: pass the challenge with this code; the sandbox's is 123456
    #[arg(long, value_name = "CODE")]
    otp: Option<String>,

    /// One JSON object: request (masked), HTTP status, answer, landed, status
    #[arg(long)]
    json: bool,
}

impl Arguments {
    /// With what it is paid; wrong usage when a flag belongs to another method.
    fn means(&self) -> Result<Means, Failure> {
        let method = self.method;
        let is_collect = method == MethodCode::UpiCollect;
        for (flag, is_given, fits) in [
            ("--card", self.card.is_some(), method.takes_card()),
            ("--otp", self.otp.is_some(), method.takes_card()),
            ("--bank", self.bank.is_some(), method.takes_bank_code()),
            ("--upi-address", self.upi_address.is_some(), is_collect),
        ] {
            if is_given && !fits {
                let text = format!("{flag} does not go with --method {method}");
                return Err(Failure::Usage(text));
            }
        }
        if method.takes_card() {
            let number = self.card.clone().unwrap_or_else(|| "4111111111111111".to_owned());
            let expiry = checkout::far_expiry(SystemClock.now());
            return Ok(Means::Card { method, number, expiry });
        }
        let payer = || self.upi_address.clone().unwrap_or_else(|| "customer@sandbox".to_owned());
        let bank = self.bank.clone().map(|code| ("bankcode", code));
        let detail = if is_collect { Some(("upi_address", payer())) } else { bank };
        Ok(Means::Order { method, detail })
    }

    fn order(&self) -> Result<Order, Failure> {
        let here = |path: &str| format!("http://127.0.0.1:{LISTEN_PORT}{path}");
        let new = || format!("cli-{}", random::hexadecimal::<6>(&SystemSource::new()));
        let usual = if self.method.takes_card() { "USD" } else { "INR" };
        Ok(Order {
            public_key: self.public_key.clone(),
            ter_no: self.ter_no,
            amount: self.amount.clone(),
            currency: self.currency.clone().unwrap_or_else(|| usual.to_owned()),
            reference: self.reference.clone().unwrap_or_else(new),
            means: self.means()?,
            webhook_url: self.webhook_url.clone().unwrap_or_else(|| here("/webhook")),
            return_url: self.return_url.clone().unwrap_or_else(|| here("/return")),
        })
    }
}

/// What came of it.
#[derive(Debug)]
struct Outcome {
    answered: Answered,
    landed: Option<Url>,
    last: Option<Answered>,
}

impl Outcome {
    /// The `order_status` as last heard.
    fn order_status(&self) -> &str {
        self.last.as_ref().unwrap_or(&self.answered).text("order_status")
    }

    /// Approved, or still open.
    fn is_well(&self) -> bool {
        self.answered.status == 200 && matches!(self.order_status(), "0" | "1" | "9" | "25" | "27")
    }
}

pub(crate) async fn run(common: &Common, arguments: Arguments) -> Result<(), Failure> {
    let output = Output::new(arguments.json);
    let url = match &arguments.url {
        Some(url) => url.clone(),
        None => common.settings()?.local_url(),
    };
    let gateway = Url::parse(&url)
        .map_err(|error| Failure::Usage(format!("--url {url:?} is no address: {error}")))?;
    let order = arguments.order()?;
    let has_code = arguments.method.takes_card();
    let outcome = pay(&gateway, &order, arguments.otp).await?;
    if output.is_json() {
        print_json(output, &order, &outcome)?;
    } else {
        print_text(output, &outcome, has_code)?;
    }
    if outcome.is_well() { Ok(()) } else { Err(Failure::No(String::new())) }
}

async fn pay(gateway: &Url, order: &Order, otp: Option<String>) -> Result<Outcome, Failure> {
    let mut http = HttpClient::new();
    let answered = checkout::create(&mut http, gateway, order).await?;
    let mut outcome = Outcome { answered, landed: None, last: None };
    if let (Some(code), Some(page)) = (otp, outcome.answered.address("authurl")) {
        let customer = Customer::Enters(code);
        let landed = checkout::visit(&mut http, &page, &order.return_url, &customer).await?;
        outcome.landed = Some(landed);
        outcome.last = Some(checkout::status(&mut http, &outcome.answered).await?);
    }
    Ok(outcome)
}

fn print_json(output: Output, order: &Order, outcome: &Outcome) -> Result<(), Failure> {
    let request: Map<String, Value> =
        order.shown().into_iter().map(|(name, value)| (name, value.into())).collect();
    output.json_line(&json!({
        "request": request,
        "http_status": outcome.answered.status,
        "answer": outcome.answered.fields,
        "landed": outcome.landed.as_ref().map(Url::as_str),
        "status": outcome.last.as_ref().map(|last| &last.fields),
    }))
}

fn print_text(output: Output, outcome: &Outcome, has_code: bool) -> Result<(), Failure> {
    output.text(&fields(&outcome.answered.fields))?;
    if let (Some(landed), Some(last)) = (&outcome.landed, &outcome.last) {
        let style = if outcome.is_well() { Style::Good } else { Style::Bad };
        output.line("")?;
        output.line(&format!("The customer lands at {}", harmless(landed.as_str())))?;
        let status = format!("{} ({})", last.text("status"), last.text("response"));
        output.line(&output.paint(style, &harmless(&status)))?;
    } else if let Some(page) = outcome.answered.address("authurl") {
        let next = if has_code {
            " and enters 123456, or: --otp 123456"
        } else {
            ", and you play the customer"
        };
        output.talk(&format!("\nThe customer opens {page}{next}"));
    }
    Ok(())
}

/// How much is shown of `authdata`, which is long and for programs.
const BEGINNING: usize = 48;

/// Names and values of a JSON object, aligned, for people: `authdata` is cut.
pub(crate) fn fields(fields: &Map<String, Value>) -> String {
    let rows: Vec<(String, String)> = fields
        .iter()
        .map(|(name, value)| {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            (name.clone(), if name == "authdata" { cut(&text) } else { text })
        })
        .collect();
    pairs(&rows)
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(BEGINNING) {
        Some((at, _)) => {
            let beginning = text.get(..at).unwrap_or_default();
            format!("{beginning}… ({} characters)", text.chars().count())
        }
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake_gateway;

    fn arguments(flags: &[&str]) -> Arguments {
        use clap::Parser as _;
        let flags = ["tollgate", "pay"].iter().chain(flags);
        let cli = crate::cli::Cli::try_parse_from(flags).unwrap();
        let Some(crate::cli::Command::Pay(arguments)) = cli.command else { panic!() };
        arguments
    }

    async fn paid(card: &str, otp: Option<&str>) -> Outcome {
        let gateway = fake_gateway::start(None).await;
        let flags = ["--card", card, "--webhook-url", "http://127.0.0.1:1/"];
        let order = arguments(&flags).order().unwrap();
        pay(&gateway.url, &order, otp.map(str::to_owned)).await.unwrap()
    }

    #[test]
    fn each_method_sends_its_own_fields() {
        let shown = |flags: &[&str]| {
            let order = arguments(flags).order().unwrap();
            let fields = order.shown().into_iter();
            let own = ["bill_currency", "mop", "ccno", "bankcode", "upi_address"];
            let own = fields.filter(|(name, _)| own.contains(&name.as_str()));
            own.map(|(_, value)| value).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(shown(&[]), "USD CC 411111XXXXXX1111");
        assert_eq!(shown(&["--method", "nb", "--bank", "SBIN"]), "INR NB SBIN");
        assert_eq!(shown(&["--method", "WALLET", "--currency", "USD"]), "USD WALLET");
        assert_eq!(shown(&["--method", "UPICOLLECT"]), "INR UPICOLLECT customer@sandbox");
        assert_eq!(shown(&["--method", "QRINTENT"]), "INR QRINTENT");
    }

    #[test]
    fn a_flag_of_another_method_is_wrong_usage() {
        for (flags, told) in [
            (["--method", "NB", "--card", "4111111111111111"], "--card"),
            (["--method", "QRINTENT", "--otp", "123456"], "--otp"),
            (["--method", "UPICOLLECT", "--bank", "SBIN"], "--bank"),
            (["--method", "CC", "--upi-address", "a@bank"], "--upi-address"),
        ] {
            let Err(Failure::Usage(text)) = arguments(&flags).order() else { panic!("{flags:?}") };
            assert!(text.starts_with(told), "{text}");
        }
    }

    #[tokio::test]
    async fn a_customer_is_carried_to_the_shop() {
        let outcome = paid("4111111111111111", Some("123456")).await;
        assert_eq!(outcome.order_status(), "25");
        assert!(outcome.is_well());
        let landed = outcome.landed.unwrap();
        assert!(landed.as_str().starts_with("http://127.0.0.1:4242/return?"), "{landed}");
    }

    #[tokio::test]
    async fn three_wrong_codes_decline() {
        let outcome = paid("4111111111111111", Some("000000")).await;
        assert_eq!(outcome.order_status(), "26");
        assert!(!outcome.is_well());
    }

    #[tokio::test]
    async fn without_a_code_the_payment_stays_open() {
        let outcome = paid("4111111111111111", None).await;
        assert_eq!(outcome.order_status(), "0");
        assert!(outcome.is_well() && outcome.landed.is_none());
    }

    #[tokio::test]
    async fn refusals_and_declines_are_a_no() {
        assert!(!paid("4043409999991437", None).await.is_well());
        let refused = paid("1", None).await;
        assert_eq!((refused.answered.status, refused.is_well()), (400, false));
    }
}
