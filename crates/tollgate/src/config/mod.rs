//! Configuration: the file, then the environment, then flags; later ones win. What nobody
//! understands is an error, never ignored: a misspelt key must not leave a default in force.

mod environment;
mod file;
mod keys;
mod values;

pub(crate) use environment::{colour_is_welcome, crash_point, private_key};
pub(crate) use values::{Database, LogFormat, LogLevel, Role, network};

use crate::failure::Failure;
use crate::wire::mail::{Sender, SmtpServer, SmtpServerError};
use domain::destination::Rule;
use domain::secret::SecretText;
use ipnet::IpNet;
use std::collections::BTreeMap;
use std::fmt;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Read when no `--config` says otherwise, if it is there.
const DEFAULT_FILE: &str = "tollgate.toml";

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// Nobody said anything.
    Default,
    /// A line of the file.
    File {
        /// The file as it was named.
        name: String,
        /// Its line, from 1.
        line: usize,
    },
    /// An environment variable.
    Variable(String),
    /// A flag.
    Flag(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { name, line } => write!(f, "{name} line {line}"),
            Self::Variable(name) => f.write_str(name),
            Self::Flag(name) => f.write_str(name),
        }
    }
}

/// A value and where it came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Setting<T> {
    /// The value.
    pub(crate) value: T,
    /// Where it came from; [`Origin::Default`] when no configuration says anything.
    pub(crate) origin: Origin,
}

/// What was written for a key, before anybody understood it.
#[derive(Clone, Debug)]
struct Given {
    words: Vec<String>,
    origin: Origin,
}

/// What all sources say, the last one on top.
#[derive(Debug, Default)]
struct Layers(BTreeMap<&'static str, Given>);

impl Layers {
    fn put(&mut self, key: &'static str, given: Given) {
        self.0.insert(key, given);
    }
}

/// Where settings come from.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sources {
    /// The file's name and text, if there is one.
    pub(crate) file: Option<(String, String)>,
    /// The `TOLLGATE_` variables.
    pub(crate) variables: Vec<(String, String)>,
    /// Flags: key, flag, value.
    pub(crate) flags: Vec<(&'static str, &'static str, String)>,
}

impl Sources {
    /// The file, the environment, and these flags. A file that somebody named must be there,
    /// unless it is about to be written.
    pub(crate) fn load(
        place: &FilePlace,
        flags: Vec<(&'static str, &'static str, String)>,
    ) -> Result<Self, Failure> {
        let variables = environment::variables().map_err(Failure::Usage)?;
        let path = &place.path;
        let file = match std::fs::read_to_string(path) {
            Ok(text) => Some((path.display().to_string(), text)),
            Err(error) if error.kind() == ErrorKind::NotFound && !place.must_exist => None,
            Err(error) => {
                let what = format!("cannot read the configuration {}", path.display());
                return Err(Failure::could_not(&what, error));
            }
        };
        Ok(Self { file, variables, flags })
    }
}

/// Where the file of settings is.
#[derive(Clone, Debug)]
pub(crate) struct FilePlace {
    /// The path.
    pub(crate) path: PathBuf,
    /// Whether it is an error when nothing is there.
    pub(crate) must_exist: bool,
}

impl FilePlace {
    /// What the flag names, else what the environment names, else `./tollgate.toml` if it exists.
    pub(crate) fn find(flag: Option<&Path>) -> Self {
        match flag.map(Path::to_owned).or_else(environment::config_file) {
            Some(path) => Self { path, must_exist: true },
            None => Self { path: PathBuf::from(DEFAULT_FILE), must_exist: false },
        }
    }
}

/// All settings, resolved.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// Where the gateway listens.
    pub(crate) listen: Setting<SocketAddr>,
    /// The data folder.
    pub(crate) data_dir: Setting<PathBuf>,
    /// The public address without a slash at the end, if it was given.
    pub(crate) public_url: Setting<Option<String>>,
    /// Which database it works on.
    pub(crate) database: Setting<Database>,
    /// How it works with a PostgreSQL server.
    pub(crate) postgres: Postgres,
    /// What this process does.
    pub(crate) role: Setting<Role>,
    /// Where another process serves the sandbox bank; none when the gateway has it inside.
    pub(crate) sandbox_bank: Setting<Option<SocketAddr>>,
    /// The secret that a sandbox bank of its own process signs its notices with.
    pub(crate) notice_secret: Setting<Option<SecretText>>,
    /// Whether a new data folder gets the demo shop.
    pub(crate) demo_data: Setting<bool>,
    /// Networks whose `X-Forwarded-For` is believed.
    pub(crate) trusted_proxies: Setting<Vec<IpNet>>,
    /// Webhooks to merchants' servers.
    pub(crate) webhooks: Webhooks,
    /// The way out for mail.
    pub(crate) mail: Mail,
    /// Certificate chain and private key, both or none.
    pub(crate) tls: Option<Tls>,
    /// The log.
    pub(crate) log: Log,
    /// What the server takes on at most.
    pub(crate) limits: Limits,
    /// Every key with its value and origin, to be shown.
    pub(crate) rows: Vec<Row>,
}

/// How to work with a PostgreSQL server.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Postgres {
    /// Connections that answer questions.
    pub(crate) connections: u32,
    /// How long one host may take to let us in.
    pub(crate) connect_timeout: Duration,
    /// How long one statement may take.
    pub(crate) statement_timeout: Duration,
}

/// Settings of webhooks.
#[derive(Clone, Debug)]
pub(crate) struct Webhooks {
    /// Whether they may go to private addresses.
    pub(crate) allow_private: Setting<bool>,
    /// When not empty, all that they may go to.
    pub(crate) allow: Setting<Vec<Rule>>,
    /// What they never go to.
    pub(crate) deny: Setting<Vec<Rule>>,
    /// What is shown to receivers that ask who calls: both files or none.
    pub(crate) client: Option<Tls>,
    /// How long an answer may take.
    pub(crate) timeout: Setting<Duration>,
}

/// Settings of mail.
#[derive(Clone, Debug)]
pub(crate) struct Mail {
    /// The server that takes it; without one, mails are written into the folder.
    pub(crate) server: Option<SmtpServer>,
    /// Whom it comes from; always there with a server.
    pub(crate) from: Option<Sender>,
    /// Where it is written; `mail` in the data folder when it was not said.
    pub(crate) folder: PathBuf,
}

/// Settings of TLS.
#[derive(Clone, Debug)]
pub(crate) struct Tls {
    /// The chain, PEM.
    pub(crate) certificate: PathBuf,
    /// The private key, PEM.
    pub(crate) private_key: PathBuf,
}

/// Settings of the log.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Log {
    /// Text or JSON.
    pub(crate) format: LogFormat,
    /// How much.
    pub(crate) level: LogLevel,
}

/// What the server takes on at most.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Open connections.
    pub(crate) connections: u32,
    /// Requests that are worked on at one time.
    pub(crate) in_flight: u32,
}

/// A key as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    /// Its name.
    pub(crate) key: &'static str,
    /// Its value in words; none when there is none.
    pub(crate) value: Option<String>,
    /// Where it came from.
    pub(crate) origin: Origin,
}

impl Settings {
    /// Understands all sources, or says everything that is wrong with them.
    pub(crate) fn resolve(sources: &Sources) -> Result<Self, Failure> {
        let mut layers = Layers::default();
        let mut problems = Vec::new();
        if let Some((name, text)) = &sources.file {
            file::read(name, text, &mut layers, &mut problems);
        }
        environment::read(&sources.variables, &mut layers, &mut problems);
        for (key, flag, value) in &sources.flags {
            let given = Given { words: vec![value.clone()], origin: Origin::Flag(flag) };
            layers.put(key, given);
        }
        let mut reader = Reader { layers, problems };
        let settings = reader.settings();
        match settings {
            Some(settings) if reader.problems.is_empty() => Ok(settings),
            Some(_) | None => Err(Failure::Usage(reader.problems.join("\n"))),
        }
    }

    /// The base of every address in answers, when the gateway listens on this port.
    pub(crate) fn base_url(&self, port: u16) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        self.public_url.value.clone().unwrap_or_else(|| format!("{scheme}://localhost:{port}"))
    }

    /// Where commands on this machine reach the gateway.
    pub(crate) fn local_url(&self) -> String {
        let address = self.listen.value;
        let host = match address.ip() {
            ip if ip.is_unspecified() => "127.0.0.1".to_owned(),
            std::net::IpAddr::V4(ip) => ip.to_string(),
            std::net::IpAddr::V6(ip) => format!("[{ip}]"),
        };
        format!("http://{host}:{}", address.port())
    }
}

/// Where something was said, as an error begins.
fn place(name: &str, origin: &Origin) -> String {
    match origin {
        Origin::Default | Origin::File { .. } => format!("{origin}: {name}"),
        Origin::Variable(_) | Origin::Flag(_) => origin.to_string(),
    }
}

struct Reader {
    layers: Layers,
    problems: Vec<String>,
}

impl Reader {
    fn settings(&mut self) -> Option<Settings> {
        let rows = self.rows();
        let listen = self.one("listen", values::listen);
        let data_dir = self.one("data_dir", values::path);
        let public_url = self.optional("public_url", values::public_url);
        let database = self.database();
        let postgres = self.postgres();
        let role = self.one("role", Role::from_name);
        let sandbox_bank = self.optional("sandbox_bank", values::sandbox_bank);
        let notice_secret = self.notice_secret();
        let demo_data = self.one("demo_data", values::switch);
        let trusted_proxies = self.list("trusted_proxies", network);
        let webhooks = self.webhooks();
        let mail = self.mail(data_dir.as_ref().map(|folder| folder.value.as_path()));
        let tls = self.files("TLS", "tls.certificate", "tls.private_key");
        let format = self.one("log.format", LogFormat::from_name);
        let level = self.one("log.level", LogLevel::from_name);
        let connections =
            self.one("limits.connections", |text| values::number(text, 1..=1_000_000));
        let in_flight = self.one("limits.in_flight", |text| values::number(text, 1..=1_000_000));
        Some(Settings {
            listen: listen?,
            data_dir: data_dir?,
            public_url: public_url?,
            database: database?,
            postgres: postgres?,
            role: role?,
            sandbox_bank: sandbox_bank?,
            notice_secret: notice_secret?,
            demo_data: demo_data?,
            trusted_proxies: trusted_proxies?,
            webhooks: webhooks?,
            mail: mail?,
            tls,
            log: Log { format: format?.value, level: level?.value },
            limits: Limits { connections: connections?.value, in_flight: in_flight?.value },
            rows,
        })
    }

    /// A wrong one is not repeated either. None after it was reported.
    fn notice_secret(&mut self) -> Option<Setting<Option<SecretText>>> {
        let name = "sandbox_bank_notice_secret";
        let Given { words, origin } = self.given(name);
        let Some(word) = words.first().filter(|word| !word.is_empty()) else {
            return Some(Setting { value: None, origin });
        };
        let value = values::signing_secret(word);
        if value.is_none() {
            self.wrong(name, None, &origin);
            return None;
        }
        Some(Setting { value, origin })
    }

    /// A whole number of seconds, at least one.
    fn seconds(&mut self, name: &'static str, most: u32) -> Option<Setting<Duration>> {
        self.one(name, |text| {
            values::number(text, 1..=most).map(|seconds| Duration::from_secs(u64::from(seconds)))
        })
    }

    fn postgres(&mut self) -> Option<Postgres> {
        let connections = self.one("postgres.connections", |text| values::number(text, 1..=1000));
        let connect_timeout = self.seconds("postgres.connect_timeout_seconds", 60);
        let statement_timeout = self.seconds("postgres.statement_timeout_seconds", 60);
        Some(Postgres {
            connections: connections?.value,
            connect_timeout: connect_timeout?.value,
            statement_timeout: statement_timeout?.value,
        })
    }

    /// An address may carry a password, so a wrong one is not repeated.
    fn database(&mut self) -> Option<Setting<Database>> {
        let Given { words, origin } = self.given("database");
        match Database::parse(words.first().map_or("", String::as_str)) {
            Ok(value) => Some(Setting { value, origin }),
            Err(why) if why.is_empty() => {
                self.wrong("database", None, &origin);
                None
            }
            Err(why) => {
                self.problems.push(format!("{}: {why}", place("database", &origin)));
                None
            }
        }
    }

    fn given(&self, name: &'static str) -> Given {
        self.layers.0.get(name).cloned().unwrap_or_else(|| {
            let default = keys::find(name).map_or("", |key| key.default);
            let words = Some(default).filter(|text| !text.is_empty());
            Given { words: words.into_iter().map(str::to_owned).collect(), origin: Origin::Default }
        })
    }

    fn rows(&self) -> Vec<Row> {
        let row = |key: &keys::Key| {
            let given = self.given(key.name);
            let value = Some(given.words.join(", ")).filter(|text| !text.is_empty());
            let value = value.map(|text| values::printable(key.name, &text));
            Row { key: key.name, value, origin: given.origin }
        };
        keys::KEYS.iter().map(row).collect()
    }

    /// `word`: what was said, where it may be repeated.
    fn wrong(&mut self, name: &str, word: Option<&str>, origin: &Origin) {
        let form = keys::find(name).map_or("", |key| key.form);
        let place = place(name, origin);
        self.problems.push(match word {
            Some(word) => format!("{place} must be {form}, not {word:?}"),
            None => format!("{place} must be {form}"),
        });
    }

    /// A key with exactly one word. None after it was reported.
    fn one<T>(
        &mut self,
        name: &'static str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Option<Setting<T>> {
        let given = self.given(name);
        let word = given.words.first().map_or("", String::as_str);
        let value = parse(word);
        if value.is_none() {
            self.wrong(name, Some(word), &given.origin);
        }
        value.map(|value| Setting { value, origin: given.origin })
    }

    /// A key that may be left out, or be empty.
    fn optional<T>(
        &mut self,
        name: &'static str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Option<Setting<Option<T>>> {
        if self.given(name).words.iter().all(String::is_empty) {
            let origin = self.given(name).origin;
            return Some(Setting { value: None, origin });
        }
        let setting = self.one(name, parse)?;
        Some(Setting { value: Some(setting.value), origin: setting.origin })
    }

    fn list<T>(
        &mut self,
        name: &'static str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Option<Setting<Vec<T>>> {
        let given = self.given(name);
        let mut values = Vec::new();
        for word in &given.words {
            let Some(value) = parse(word) else {
                self.wrong(name, Some(word), &given.origin);
                return None;
            };
            values.push(value);
        }
        Some(Setting { value: values, origin: given.origin })
    }

    fn webhooks(&mut self) -> Option<Webhooks> {
        let allow_private = self.one("webhooks.allow_private", values::switch);
        let allow =
            self.list("webhooks.allow", |text| Rule::parse(text).filter(|rule| !rule.is_in_vain()));
        let deny = self.list("webhooks.deny", Rule::parse);
        let client = self.files(
            "a client certificate",
            "webhooks.client_certificate",
            "webhooks.client_key",
        );
        let timeout = self.seconds("webhooks.timeout_seconds", 30);
        Some(Webhooks {
            allow_private: allow_private?,
            allow: allow?,
            deny: deny?,
            client,
            timeout: timeout?,
        })
    }

    fn mail(&mut self, data_dir: Option<&Path>) -> Option<Mail> {
        let server = self.smtp_server();
        let from = self.optional("mail.from", Sender::parse);
        let folder = self.optional("mail.folder", values::path);
        let (server, from) = (server?, from?);
        if server.value.is_some() && from.value.is_none() {
            let origin = &server.origin;
            self.problems.push(format!("{origin}: mail has a sender; mail.from is missing"));
            return None;
        }
        let folder = folder?.value.or_else(|| Some(data_dir?.join("mail")));
        Some(Mail { server: server.value, from: from.value, folder: folder? })
    }

    /// An address may carry a password, so a wrong one is not repeated.
    fn smtp_server(&mut self) -> Option<Setting<Option<SmtpServer>>> {
        let name = "mail.smtp_url";
        let Given { words, origin } = self.given(name);
        let Some(word) = words.first().filter(|word| !word.is_empty()) else {
            return Some(Setting { value: None, origin });
        };
        match SmtpServer::parse(word) {
            Ok(server) => Some(Setting { value: Some(server), origin }),
            Err(SmtpServerError::Form) => {
                self.wrong(name, None, &origin);
                None
            }
            Err(why @ SmtpServerError::OpenPassword) => {
                self.problems.push(format!("{}: {why}", place(name, &origin)));
                None
            }
        }
    }

    /// A certificate and its key, both or none. None also after a problem was reported.
    fn files(
        &mut self,
        what: &str,
        certificate_key: &'static str,
        private_key_key: &'static str,
    ) -> Option<Tls> {
        let certificate = self.optional(certificate_key, values::path)?;
        let private_key = self.optional(private_key_key, values::path)?;
        let (given, missing) = match (certificate.value, private_key.value) {
            (None, None) => return None,
            (Some(certificate), Some(private_key)) => {
                return Some(Tls { certificate, private_key });
            }
            (Some(_), None) => (certificate.origin, private_key_key),
            (None, Some(_)) => (private_key.origin, certificate_key),
        };
        self.problems.push(format!("{given}: {what} needs both files; {missing} is missing"));
        None
    }
}

#[cfg(test)]
mod tests;
