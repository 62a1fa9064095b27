//! `tollgate terminal`

mod cipher;
mod looks;
mod settings;

use super::merchant::{self, yes_or_no};
use cipher::{Decrypt, Encrypt};

use crate::cli::Common;
use crate::config;
use crate::failure::Failure;
use crate::output::Output;
use crate::table::{pairs, table};
use crate::wire::{self, Opened};
use clap::{Args, Subcommand, ValueEnum};
use domain::id::{MerchantId, TerminalNumber};
use domain::money::{Currency, parse_hundredths};
use domain::terminal::{Currencies, Mode, Settings, Terminal};
use domain::text::WebAddress;
use domain::theme::{Colour, DARK_SURFACE, LIGHT_SURFACE, Palette, TEXT_CONTRAST};
use engine::Actor;
use engine::terminal::{AddTerminal, ChangeTerminal, TerminalChanged};
use ipnet::IpNet;
use serde::Serialize;
use settings::SettingsArguments;
pub(super) use settings::method;

pub(crate) const EXAMPLES: &str = "\
Examples:
  tollgate terminal add --merchant 1 --name \"Web shop\"
  tollgate terminal add --merchant 1 --name Till --currencies EUR,USD --min 1.00 --max 500.00
  tollgate terminal list
  tollgate terminal show 42 --json
  tollgate terminal show 42 --reveal          also prints the private key and signing secrets
  tollgate terminal set 42 --capture manual   money is held until `tollgate payment capture`
  tollgate terminal set 42 --when-unknown reverse --refundable-days 90
  tollgate terminal set 42 --upi-collect allow --merchant-category-code 6012
  tollgate terminal set 42 --accent '#6a1fb0' --radius 12 --logo shop.svg
  tollgate terminal rotate-keys 42            the earlier keys stay good for a day
  tollgate terminal set 42 --status-requires-key yes
  tollgate terminal encrypt 42 --data 'bill_amt=11.00&mop=CC'
  tollgate terminal decrypt 42 < body.txt     what a client sent, or a webhook's body";

#[derive(Debug, Subcommand)]
pub(crate) enum Action {
    /// Add a terminal with new keys
    Add(Box<Add>),
    /// All terminals, by number
    List(List),
    /// One terminal with its keys and settings
    Show(Show),
    /// Change settings; what is not named stays as it is
    Set(Box<Set>),
    /// New keys and a new signing secret; the earlier ones stay good for a day
    RotateKeys(RotateKeys),
    /// Encrypt a query string as clients in the encrypted mode do
    Encrypt(Encrypt),
    /// Decrypt such a request or an encrypted webhook, and say what is wrong with it
    Decrypt(Decrypt),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum ModeName {
    /// Reaches only the sandbox bank; no real money
    Test,
    /// Real money
    Live,
}

impl ModeName {
    /// The mode.
    pub(super) const fn mode(self) -> Mode {
        match self {
            Self::Test => Mode::Test,
            Self::Live => Mode::Live,
        }
    }
}

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Set {
    /// The terminal's number
    number: i64,

    /// Whether it takes payments; refunds of earlier ones stay possible
    #[arg(long, value_name = "true|false")]
    active: Option<bool>,

    #[command(flatten)]
    settings: SettingsArguments,

    /// Only if it still has this version, as `terminal show` tells it
    #[arg(long, value_name = "VERSION")]
    if_version: Option<i64>,

    /// One JSON object, as `terminal show`
    #[arg(long)]
    json: bool,
}

impl Set {
    fn command(&self) -> Result<ChangeTerminal, Failure> {
        let change = ChangeTerminal {
            active: self.active,
            settings: self.settings.change(),
            expected_version: self.if_version,
        };
        if change.is_nothing() {
            let text = format!("name a setting to change: --active or {}", settings::flags());
            return Err(Failure::Usage(text));
        }
        Ok(change)
    }
}

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Add {
    /// Whose terminal it is: the merchant's number
    #[arg(long)]
    merchant: i64,

    /// Its name, for people
    #[arg(long, value_parser = merchant::name)]
    name: String,

    /// Test or live
    #[arg(long, value_enum, default_value = "test")]
    mode: ModeName,

    /// Currencies it takes, as EUR,USD; or all
    #[arg(long, default_value = "all", value_parser = currencies)]
    currencies: Currencies,

    /// Smallest amount, as 1.00
    #[arg(long, value_name = "AMOUNT", value_parser = hundredths)]
    min: Option<i64>,

    /// Largest amount, as 500.00
    #[arg(long, value_name = "AMOUNT", value_parser = hundredths)]
    max: Option<i64>,

    /// Where webhooks go when a request names no address
    #[arg(long, value_name = "URL", value_parser = address)]
    webhook_url: Option<WebAddress>,

    /// Where customers go when a request names no address
    #[arg(long, value_name = "URL", value_parser = address)]
    return_url: Option<WebAddress>,

    /// Addresses that may create payments, as 203.0.113.0/24; may be repeated; none means any
    #[arg(long, value_name = "CIDR", value_delimiter = ',', value_parser = network)]
    allow_address: Vec<IpNet>,

    /// How long a customer may take, in seconds (1 to 3600)
    #[arg(long, value_name = "SECONDS", default_value_t = 900,
          value_parser = clap::value_parser!(u32).range(1..=3600))]
    expires_after: u32,

    #[command(flatten)]
    settings: SettingsArguments,

    /// Its number, the terNO of requests [default: the next free one]
    #[arg(long, value_parser = clap::value_parser!(i64).range(1..=999_999_999))]
    number: Option<i64>,

    /// One JSON object, as `terminal show`
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct List {
    /// One JSON object a line, as `terminal show`
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Show {
    /// The terminal's number
    number: i64,

    /// One JSON object
    #[arg(long)]
    json: bool,

    /// Also print the private key and the signing secrets
    #[arg(long)]
    reveal: bool,
}

#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct RotateKeys {
    /// The terminal's number
    number: i64,

    /// One JSON object, as `terminal show`
    #[arg(long)]
    json: bool,

    /// Also print the private key and the signing secrets
    #[arg(long)]
    reveal: bool,
}

fn currencies(text: &str) -> Result<Currencies, String> {
    if text.eq_ignore_ascii_case("all") {
        return Ok(Currencies::All);
    }
    let currency = |code: &str| {
        Currency::from_code(code.trim())
            .map_err(|_hidden| format!("{code:?} is no ISO 4217 currency; say all, or as EUR,USD"))
    };
    text.split(',').map(currency).collect::<Result<_, _>>().map(Currencies::Only)
}

fn hundredths(text: &str) -> Result<i64, String> {
    parse_hundredths(text).map_err(|_hidden| "an amount looks like 1.00 or 500".to_owned())
}

/// An address by its text.
pub(super) fn address(text: &str) -> Result<WebAddress, String> {
    WebAddress::parse(text).map_err(|error| error.to_string())
}

fn network(text: &str) -> Result<IpNet, String> {
    config::network(text).ok_or_else(|| "a network looks like 203.0.113.0/24".to_owned())
}

impl Add {
    /// What the engine is asked for, unless the flags contradict each other or the state of this
    /// gateway.
    fn command(&self, demo_only: bool) -> Result<AddTerminal, Failure> {
        let mode = self.mode.mode();
        if mode == Mode::Live && demo_only {
            return Err(only_demo("terminal"));
        }
        let insecure = |url: &Option<WebAddress>| url.as_ref().is_some_and(|url| !url.is_https());
        if mode == Mode::Live && (insecure(&self.webhook_url) || insecure(&self.return_url)) {
            let text = "a live terminal's --webhook-url and --return-url must be https";
            return Err(Failure::Usage(text.to_owned()));
        }
        if let (Some(min), Some(max)) = (self.min, self.max)
            && min > max
        {
            return Err(Failure::Usage("--min must not be above --max".to_owned()));
        }
        Ok(AddTerminal {
            number: self.number.map(TerminalNumber),
            merchant: MerchantId(self.merchant),
            name: self.name.clone(),
            mode,
            settings: self.settings.change().apply(Settings {
                currencies: self.currencies.clone(),
                smallest_hundredths: self.min,
                largest_hundredths: self.max,
                webhook_url: self.webhook_url.clone(),
                return_url: self.return_url.clone(),
                allowed_addresses: self.allow_address.clone(),
                expires_after_seconds: self.expires_after,
                ..Settings::for_all_methods()
            }),
            public_key: None,
        })
    }
}

/// A terminal as scripts see it (contract, section 8).
#[derive(Debug, Serialize)]
struct Shown {
    ter_no: i64,
    merchant: i64,
    merchant_name: String,
    name: String,
    mode: &'static str,
    active: bool,
    public_key: String,
    public_keys: Vec<ShownKey>,
    methods: Vec<&'static str>,
    currencies: ShownCurrencies,
    smallest_amount: Option<String>,
    largest_amount: Option<String>,
    webhook_url: Option<String>,
    return_url: Option<String>,
    allowed_addresses: Vec<String>,
    expires_after_seconds: u32,
    capture: &'static str,
    when_unknown: &'static str,
    refundable_days: u32,
    upi_collect: &'static str,
    qr_format: &'static str,
    merchant_category_code: Option<String>,
    merchant_city: Option<String>,
    late_approval: &'static str,
    status_requires_key: bool,
    accent: Option<String>,
    radius: Option<u8>,
    logo: Option<&'static str>,
    version: i64,
    created_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    private_key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    webhook_secrets: Option<Vec<String>>,
}

#[derive(Debug, Serialize)]
struct ShownKey {
    public_key: String,
    created_at: String,
    retires_at: Option<String>,
}

/// `"all"`, or a list of codes.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum ShownCurrencies {
    All(&'static str),
    Only(Vec<&'static str>),
}

impl Shown {
    fn of(terminal: &Terminal, reveal: bool) -> Self {
        let settings = &terminal.settings;
        let url = |url: &Option<WebAddress>| url.as_ref().map(ToString::to_string);
        let keys = terminal.keys.iter().map(|pair| ShownKey {
            public_key: pair.public.clone(),
            created_at: pair.created_at.to_rfc3339(),
            retires_at: pair.retires_at.map(domain::time::Timestamp::to_rfc3339),
        });
        let private = terminal.keys.first().map(|pair| pair.private.reveal().to_owned());
        let secrets = terminal.webhook_secrets.iter();
        let secrets = secrets.map(|secret| secret.text.reveal().to_owned()).collect();
        Self {
            ter_no: terminal.number.0,
            merchant: terminal.merchant.0,
            merchant_name: terminal.merchant_name.clone(),
            name: terminal.name.clone(),
            mode: terminal.mode.name(),
            active: terminal.active,
            public_key: terminal.public_key().to_owned(),
            public_keys: keys.collect(),
            methods: settings.methods.iter().map(|method| method.code()).collect(),
            currencies: match &settings.currencies {
                Currencies::All => ShownCurrencies::All("all"),
                Currencies::Only(list) => {
                    ShownCurrencies::Only(list.iter().map(|currency| currency.code()).collect())
                }
            },
            smallest_amount: settings.smallest_hundredths.map(decimal),
            largest_amount: settings.largest_hundredths.map(decimal),
            webhook_url: url(&settings.webhook_url),
            return_url: url(&settings.return_url),
            allowed_addresses: settings.allowed_addresses.iter().map(IpNet::to_string).collect(),
            expires_after_seconds: settings.expires_after_seconds,
            capture: settings.capture.name(),
            when_unknown: settings.when_unknown.name(),
            refundable_days: settings.refundable_days,
            upi_collect: settings.upi_collect.name(),
            qr_format: settings.qr_format.name(),
            merchant_category_code: settings.merchant_category_code.map(|code| code.to_string()),
            merchant_city: settings.merchant_city.as_ref().map(ToString::to_string),
            late_approval: settings.late_approval.name(),
            status_requires_key: settings.status_requires_key,
            accent: settings.theme.accent.map(|accent| accent.to_string()),
            radius: settings.theme.radius,
            logo: settings.theme.logo.as_ref().map(|logo| logo.kind().extension()),
            version: terminal.version,
            created_at: terminal.created_at.to_rfc3339(),
            private_key: private.filter(|_| reveal),
            webhook_secrets: Some(secrets).filter(|_| reveal),
        }
    }

    /// Names and values for people.
    fn pairs(&self) -> Vec<(String, String)> {
        let none = || "-".to_owned();
        let limits = match (&self.smallest_amount, &self.largest_amount) {
            (None, None) => "none".to_owned(),
            (min, max) => format!(
                "{} to {}",
                min.clone().unwrap_or_else(|| "0".to_owned()),
                max.clone().unwrap_or_else(|| "any amount".to_owned())
            ),
        };
        let addresses = match self.allowed_addresses.join(", ") {
            empty if empty.is_empty() => "any".to_owned(),
            list => list,
        };
        let mut rows = vec![
            ("terminal", self.ter_no.to_string()),
            ("merchant", format!("{} ({})", self.merchant, self.merchant_name)),
            ("name", self.name.clone()),
            ("mode", self.mode.to_owned()),
            ("active", yes_or_no(self.active)),
            ("public key", self.public_key.clone()),
        ];
        for key in self.public_keys.iter().skip(1) {
            let until = key.retires_at.clone().unwrap_or_else(none);
            rows.push(("earlier key", format!("{} (good until {until})", key.public_key)));
        }
        rows.extend([
            ("methods", self.methods.join(", ")),
            ("currencies", self.currencies.text()),
            ("limits", limits),
            ("webhook url", self.webhook_url.clone().unwrap_or_else(none)),
            ("return url", self.return_url.clone().unwrap_or_else(none)),
            ("allowed addresses", addresses),
            ("expires after", format!("{} seconds", self.expires_after_seconds)),
            ("capture", self.capture.to_owned()),
            ("when unknown", self.when_unknown.to_owned()),
            ("refundable for", format!("{} days", self.refundable_days)),
            ("upi collect", self.upi_collect.to_owned()),
            ("qr format", self.qr_format.to_owned()),
            ("merchant category", self.merchant_category_code.clone().unwrap_or_else(none)),
            ("merchant city", self.merchant_city.clone().unwrap_or_else(none)),
            ("late approval", self.late_approval.to_owned()),
            ("status needs key", yes_or_no(self.status_requires_key)),
            ("accent", self.accent.as_deref().map_or_else(none, shown_accent)),
            ("radius", self.radius.map_or_else(none, |radius| format!("{radius} pixels"))),
            ("logo", self.logo.map_or_else(none, |kind| format!("a {kind} file"))),
            ("version", self.version.to_string()),
            ("added", self.created_at.clone()),
        ]);
        rows.extend(self.private_key.iter().map(|key| ("private key", key.clone())));
        let secrets = self.webhook_secrets.iter().flatten();
        rows.extend(secrets.map(|secret| ("signing secret", secret.clone())));
        rows.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

impl ShownCurrencies {
    fn text(&self) -> String {
        match self {
            Self::All(all) => (*all).to_owned(),
            Self::Only(list) => list.join(", "),
        }
    }
}

/// The colour, and what is shown in its place where it is too weak to be read.
fn shown_accent(text: &str) -> String {
    let Ok(accent) = text.parse::<Colour>() else { return text.to_owned() };
    let Palette { light, dark } = Palette::of(accent);
    let scheme = |name, shown: Colour, surface: Colour| {
        let contrast = accent.contrast(surface);
        (shown != accent).then(|| {
            format!(
                "; {shown} on {name}, where its contrast of {} to 1 is below {}",
                decimal(contrast.cast_signed()),
                decimal(TEXT_CONTRAST.cast_signed())
            )
        })
    };
    let on_light = scheme("light pages", light.accent, LIGHT_SURFACE).unwrap_or_default();
    let on_dark = scheme("dark pages", dark.accent, DARK_SURFACE).unwrap_or_default();
    format!("{text}{on_light}{on_dark}")
}

fn decimal(hundredths: i64) -> String {
    format!("{}.{:02}", hundredths.div_euclid(100), hundredths.rem_euclid(100))
}

/// Nothing live can be added to the demo's data.
pub(super) fn only_demo(what: &str) -> Failure {
    Failure::No(format!(
        "this data folder holds the demo, and nothing live can be switched on in it; run `tollgate \
         init` in a new folder, and add the {what} there"
    ))
}

/// There is no such terminal: the answer is no.
pub(crate) fn unknown(number: i64) -> Failure {
    Failure::No(format!(
        "there is no terminal {number}; `tollgate terminal list` shows those there are"
    ))
}

pub(crate) async fn run(common: &Common, action: Action) -> Result<(), Failure> {
    let opened = wire::open(&common.settings()?).await?;
    match action {
        Action::Add(arguments) => add(&opened, &arguments).await,
        Action::List(list) => {
            let terminals = opened.gateway.terminals(Actor::Operator).await?;
            print_list(Output::new(list.json), &terminals)
        }
        Action::Show(show) => {
            let number = TerminalNumber(show.number);
            let terminal = opened.gateway.terminal(Actor::Operator, number).await?;
            let terminal = terminal.ok_or_else(|| unknown(show.number))?;
            print_one(Output::new(show.json), &terminal, show.reveal)
        }
        Action::Encrypt(encrypt) => cipher::run_encrypt(&opened, encrypt).await,
        Action::Decrypt(decrypt) => cipher::run_decrypt(&opened, decrypt).await,
        Action::Set(set) => change(&opened, &set).await,
        Action::RotateKeys(rotate) => {
            let number = TerminalNumber(rotate.number);
            let terminal = opened.gateway.rotate_keys(Actor::Operator, number).await?;
            let terminal = terminal.ok_or_else(|| unknown(rotate.number))?;
            let output = Output::new(rotate.json);
            print_one(output, &terminal, rotate.reveal)?;
            let earlier = terminal.keys.get(1).and_then(|pair| pair.retires_at);
            if let Some(until) = earlier {
                output.talk(&format!("The earlier keys stay good until {}.", until.to_rfc3339()));
            }
            Ok(())
        }
    }
}

async fn add(opened: &Opened, arguments: &Add) -> Result<(), Failure> {
    let command = arguments.command(opened.demo_only)?;
    let gateway = &opened.gateway;
    let merchants = gateway.merchants(Actor::Operator).await?;
    if !merchants.iter().any(|merchant| merchant.id == command.merchant) {
        return Err(merchant::unknown(arguments.merchant));
    }
    let output = Output::new(arguments.json);
    let Some(terminal) = gateway.add_terminal(Actor::Operator, command).await? else {
        return Err(Failure::No(match arguments.number {
            Some(number) => format!("there is a terminal {number} already; leave --number out"),
            None => "somebody took the number meanwhile; try again".to_owned(),
        }));
    };
    print_one(output, &terminal, false)?;
    output.talk(&format!(
        "\nThe private key and the signing secret: tollgate terminal show {} --reveal",
        terminal.number
    ));
    Ok(())
}

async fn change(opened: &Opened, set: &Set) -> Result<(), Failure> {
    let change = set.command()?;
    let number = TerminalNumber(set.number);
    match opened.gateway.change_terminal(Actor::Operator, number, change).await? {
        TerminalChanged::Done(terminal) => print_one(Output::new(set.json), &terminal, false),
        TerminalChanged::Unknown => Err(unknown(set.number)),
        TerminalChanged::OtherVersion(version) => Err(Failure::No(format!(
            "terminal {number} has version {version} by now: look at it again with `tollgate \
             terminal show {number}`, then repeat the command"
        ))),
    }
}

fn print_one(output: Output, terminal: &Terminal, reveal: bool) -> Result<(), Failure> {
    let shown = Shown::of(terminal, reveal);
    if output.is_json() { output.json_line(&shown) } else { output.text(&pairs(&shown.pairs())) }
}

fn print_list(output: Output, terminals: &[Terminal]) -> Result<(), Failure> {
    let shown = terminals.iter().map(|terminal| Shown::of(terminal, false));
    if output.is_json() {
        return shown.into_iter().try_for_each(|terminal| output.json_line(&terminal));
    }
    let rows: Vec<Vec<String>> = shown
        .map(|terminal| {
            vec![
                terminal.ter_no.to_string(),
                terminal.name,
                terminal.merchant_name,
                terminal.mode.to_owned(),
                yes_or_no(terminal.active),
                terminal.methods.join(","),
                terminal.public_key,
            ]
        })
        .collect();
    if rows.is_empty() {
        output.talk("There are no terminals yet: tollgate terminal add --merchant 1 --name …");
        return Ok(());
    }
    let headings = ["terminal", "name", "merchant", "mode", "active", "methods", "public key"];
    output.text(&table(&headings, &rows))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::cli::{Cli, Command};
    use clap::Parser as _;
    use domain::method::MethodCode;
    use domain::secret::SecretText;
    use domain::terminal::{Capture, KeyPair, LateApproval, QrFormat, UpiCollect};
    use domain::terminal::{WebhookSecret, WhenUnknown};
    use domain::theme::Theme;
    use domain::time::Timestamp;

    pub(crate) fn terminal() -> Terminal {
        let at = Timestamp::from_micros(1_745_676_966_000_657);
        let pair = |name: &str, retires_at| KeyPair {
            public: format!("{name}-public"),
            private: SecretText::new(format!("{name}-private")),
            created_at: at,
            retires_at,
        };
        let secret = |text: &str, retires_at| WebhookSecret {
            text: SecretText::new(text.to_owned()),
            created_at: at,
            retires_at,
        };
        Terminal {
            number: TerminalNumber(42),
            merchant: MerchantId(1),
            merchant_name: "Demo Shop".to_owned(),
            merchant_active: true,
            name: "Demo".to_owned(),
            mode: Mode::Test,
            active: true,
            settings: Settings {
                smallest_hundredths: Some(105),
                currencies: Currencies::Only(vec![Currency::from_code("eur").unwrap()]),
                ..Settings::for_cards()
            },
            keys: vec![pair("new", None), pair("old", Some(at))],
            webhook_secrets: vec![secret("whsec_new", None), secret("whsec_old", Some(at))],
            version: 2,
            created_at: at,
        }
    }

    const PLAIN: &str = concat!(
        r#"{"ter_no":42,"merchant":1,"merchant_name":"Demo Shop","name":"Demo","mode":"test","#,
        r#""active":true,"public_key":"new-public","public_keys":["#,
        r#"{"public_key":"new-public","created_at":"2025-04-26T14:16:06.000657Z","#,
        r#""retires_at":null},"#,
        r#"{"public_key":"old-public","created_at":"2025-04-26T14:16:06.000657Z","#,
        r#""retires_at":"2025-04-26T14:16:06.000657Z"}],"#,
        r#""methods":["CC","DC"],"currencies":["EUR"],"smallest_amount":"1.05","#,
        r#""largest_amount":null,"webhook_url":null,"return_url":null,"allowed_addresses":[],"#,
        r#""expires_after_seconds":900,"capture":"automatic","when_unknown":"wait","#,
        r#""refundable_days":365,"upi_collect":"convert_to_qr","qr_format":"upi_link","#,
        r#""merchant_category_code":null,"merchant_city":null,"late_approval":"accept","#,
        r#""status_requires_key":false,"accent":null,"radius":null,"logo":null,"#,
        r#""version":2,"#,
        r#""created_at":"2025-04-26T14:16:06.000657Z""#,
    );

    #[test]
    fn scripts_see_the_contracts_fields() {
        let shown = |reveal| serde_json::to_string(&Shown::of(&terminal(), reveal)).unwrap();
        assert_eq!(shown(false), format!("{PLAIN}}}"));
        let secrets =
            r#","private_key":"new-private","webhook_secrets":["whsec_new","whsec_old"]}"#;
        assert_eq!(shown(true), format!("{PLAIN}{secrets}"));
    }

    #[test]
    fn people_see_no_secret_unless_they_ask() {
        let plain = pairs(&Shown::of(&terminal(), false).pairs());
        assert!(!plain.contains("private") && !plain.contains("whsec_"), "{plain}");
        assert!(plain.contains("earlier key        old-public (good until 2025-"), "{plain}");
        assert!(plain.contains("limits             1.05 to any amount\n"), "{plain}");
        let all = pairs(&Shown::of(&terminal(), true).pairs());
        assert!(all.contains("new-private") && all.contains("whsec_old"), "{all}");
    }

    #[test]
    fn looks_are_set_and_taken_back() {
        let file = std::env::temp_dir().join(format!("tollgate-logo-{}.svg", std::process::id()));
        std::fs::write(&file, "<svg xmlns=\"http://www.w3.org/2000/svg\"/>").unwrap();
        let path = file.to_str().unwrap();
        let looks = ["--accent", "#FF6600", "--radius", "24", "--logo", path];
        let theme = added(&looks).command(false).unwrap().settings.theme;
        assert_eq!(
            (theme.accent.unwrap().to_string(), theme.radius),
            ("#ff6600".to_owned(), Some(24))
        );
        let shown = Shown::of(
            &Terminal { settings: Settings { theme, ..Settings::for_cards() }, ..terminal() },
            false,
        );
        let people = pairs(&shown.pairs());
        let weak = "#ff6600; #c95100 on light pages, where its contrast of 2.93 to 1 is below 4.50";
        assert!(people.contains(weak) && people.contains("a svg file"), "{people}");
        let none = ["--accent", "none", "--radius", "none", "--logo", "none"];
        assert_eq!(added(&none).command(false).unwrap().settings.theme, Theme::default());
        std::fs::write(&file, "<svg xmlns=\"http://www.w3.org/2000/svg\"><script/></svg>").unwrap();
        let start = ["tollgate", "terminal", "add", "--merchant", "1", "--name", "Till"];
        for bad in [["--accent", "red"], ["--radius", "25"], ["--logo", path], ["--logo", "/none"]]
        {
            assert!(Cli::try_parse_from(start.iter().chain(&bad)).is_err(), "{bad:?}");
        }
        std::fs::remove_file(file).unwrap();
    }

    fn added(flags: &[&str]) -> Add {
        let start = ["tollgate", "terminal", "add", "--merchant", "1", "--name", "Till"];
        let cli = Cli::try_parse_from(start.iter().chain(flags)).unwrap();
        let Some(Command::Terminal(Action::Add(add))) = cli.command else { panic!() };
        *add
    }

    #[test]
    fn flags_become_settings() {
        let flags = [
            "--methods",
            "cc,WALLET",
            "--currencies",
            "eur,JPY",
            "--min",
            "1",
            "--max",
            "5.5",
            "--webhook-url",
            "https://shop.test/hook",
            "--allow-address",
            "203.0.113.0/24,::1",
            "--expires-after",
            "60",
            "--capture",
            "manual",
            "--when-unknown",
            "reverse",
            "--refundable-days",
            "90",
            "--upi-collect",
            "refuse",
            "--qr-format",
            "bharat_qr",
            "--merchant-category-code",
            "0742",
            "--merchant-city",
            "Bengaluru",
            "--late-approval",
            "reverse",
            "--number",
            "7",
            "--mode",
            "live",
        ];
        let command = added(&flags).command(false).unwrap();
        assert_eq!((command.number, command.mode), (Some(TerminalNumber(7)), Mode::Live));
        let settings = command.settings;
        assert_eq!(settings.methods, [MethodCode::CreditCard, MethodCode::Wallet]);
        let eur_jpy = ["EUR", "JPY"].map(|code| Currency::from_code(code).unwrap());
        assert_eq!(settings.currencies, Currencies::Only(eur_jpy.to_vec()));
        let limits = (settings.smallest_hundredths, settings.largest_hundredths);
        assert_eq!(limits, (Some(100), Some(550)));
        assert_eq!(settings.allowed_addresses.len(), 2);
        assert_eq!(settings.expires_after_seconds, 60);
        let money = (settings.capture, settings.when_unknown, settings.refundable_days);
        assert_eq!(money, (Capture::Manual, WhenUnknown::Reverse, 90));
        let late = (settings.upi_collect, settings.qr_format, settings.late_approval);
        assert_eq!(late, (UpiCollect::Refuse, QrFormat::BharatQr, LateApproval::Reverse));
        assert_eq!(settings.merchant_category_code.unwrap().to_string(), "0742");
        assert_eq!(settings.merchant_city.unwrap().as_str(), "Bengaluru");
        assert_eq!(added(&[]).command(true).unwrap().settings, Settings::for_all_methods());
    }

    fn set(flags: &[&str]) -> Result<ChangeTerminal, Failure> {
        let cli = Cli::try_parse_from(["tollgate", "terminal", "set", "42"].iter().chain(flags));
        let Some(Command::Terminal(Action::Set(set))) = cli.unwrap().command else { panic!() };
        set.command()
    }

    #[test]
    fn only_what_is_named_changes() {
        let change = set(&["--capture", "manual", "--if-version", "3"]).unwrap();
        assert_eq!((change.active, change.expected_version), (None, Some(3)));
        let before = Settings { refundable_days: 7, ..Settings::for_cards() };
        let after = Settings { capture: Capture::Manual, ..before.clone() };
        assert_eq!(change.settings.apply(before), after);
        let nothing = set(&["--json"]).unwrap_err();
        let Failure::Usage(text) = nothing else { panic!("{nothing:?}") };
        assert!(
            text.contains(
                "--active or --methods, --capture, --when-unknown, --refundable-days, --upi"
            ),
            "{text}"
        );
    }

    #[test]
    fn contradictions_are_refused() {
        let refused = |flags: &[&str], demo| added(flags).command(demo).unwrap_err();
        assert!(matches!(refused(&["--mode", "live"], true), Failure::No(text)
            if text.contains("nothing live can be switched on")));
        assert!(matches!(refused(&["--min", "2", "--max", "1"], false), Failure::Usage(_)));
        let plain = ["--mode", "live", "--return-url", "http://shop.test/"];
        assert!(matches!(refused(&plain, false), Failure::Usage(_)));
        for bad in [
            ["--methods", "CASH"],
            ["--currencies", "XXX"],
            ["--min", "1.001"],
            ["--webhook-url", "shop.test"],
            ["--allow-address", "10.0.0.0/40"],
            ["--expires-after", "0"],
            ["--upi-collect", "convert-to-qr"],
            ["--merchant-category-code", "541"],
            ["--merchant-city", "Thiruvananthapuram"],
        ] {
            let start = ["tollgate", "terminal", "add", "--merchant", "1", "--name", "Till"];
            assert!(Cli::try_parse_from(start.iter().chain(&bad)).is_err(), "{bad:?}");
        }
    }
}
