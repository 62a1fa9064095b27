//! Words to values: each function knows one form and returns none for anything else.

use crate::wire::postgres::{self, Address as PostgresAddress};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::secret::SecretText;
use domain::text::WebAddress;
use ipnet::IpNet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use zeroize::Zeroizing;

/// What a process does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Serves requests and does the background work.
    All,
    /// Serves requests only.
    Api,
    /// Does the background work only.
    Worker,
}

impl Role {
    /// By its word.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        match name {
            "all" => Some(Self::All),
            "api" => Some(Self::Api),
            "worker" => Some(Self::Worker),
            _ => None,
        }
    }
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

impl LogFormat {
    /// By its word.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        match name {
            "text" => Some(Self::Text),
            "json" => Some(Self::Json),
            _ => None,
        }
    }
}

/// How much is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogLevel {
    /// Only what is broken.
    Error,
    /// And what may break.
    Warn,
    /// And what happens.
    Info,
    /// And why.
    Debug,
    /// And everything else.
    Trace,
}

impl LogLevel {
    /// From the quietest.
    pub(crate) const ALL: [Self; 5] =
        [Self::Error, Self::Warn, Self::Info, Self::Debug, Self::Trace];

    /// Its word.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }

    /// By its word.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.name() == name)
    }
}

/// An address with a port; `localhost` means 127.0.0.1.
pub(super) fn listen(text: &str) -> Option<SocketAddr> {
    if let Some(port) = text.strip_prefix("localhost:") {
        return Some(SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port.parse().ok()?));
    }
    text.parse().ok()
}

pub(super) fn path(text: &str) -> Option<PathBuf> {
    (!text.is_empty()).then(|| PathBuf::from(text))
}

/// An absolute address, without the slash at its end.
pub(super) fn public_url(text: &str) -> Option<String> {
    let address = WebAddress::parse(text).ok()?;
    let plain = !address.as_str().contains(['?', '#']);
    plain.then(|| address.as_str().trim_end_matches('/').to_owned())
}

/// `http://` and a loopback address with a port.
pub(super) fn sandbox_bank(text: &str) -> Option<SocketAddr> {
    let address = text.strip_prefix("http://")?;
    let address = listen(address.strip_suffix('/').unwrap_or(address))?;
    (address.ip().is_loopback() && address.port() != 0).then_some(address)
}

/// A signing secret of 24 to 64 bytes, as Standard Webhooks asks for.
pub(super) fn signing_secret(text: &str) -> Option<SecretText> {
    let bytes = STANDARD.decode(text.strip_prefix("whsec_")?).ok().map(Zeroizing::new)?;
    (24..=64).contains(&bytes.len()).then(|| SecretText::new(text.to_owned()))
}

/// Which database the gateway works on.
#[derive(Clone, Debug)]
pub(crate) enum Database {
    /// The file in the data folder.
    Sqlite,
    /// A server that nodes share.
    Postgres(PostgresAddress),
}

impl Database {
    /// By its word or address. The error repeats nothing: there may be a password in it.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        match text {
            "sqlite" => Ok(Self::Sqlite),
            text if postgres::is_postgres(text) => {
                let address = PostgresAddress::parse(text);
                address.map(Self::Postgres).map_err(|error| error.to_string())
            }
            _ => Err(String::new()),
        }
    }
}

/// A value as it may be printed: an address without its password, and no secret.
pub(super) fn printable(key: &str, text: &str) -> String {
    match key {
        "database" if text != "sqlite" => postgres::shown(text),
        // Its password stands where that of a database does.
        "mail.smtp_url" => postgres::shown(text),
        "sandbox_bank_notice_secret" => "whsec_***".to_owned(),
        _ => text.to_owned(),
    }
}

pub(super) fn switch(text: &str) -> Option<bool> {
    match text {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

pub(super) fn number(text: &str, range: RangeInclusive<u32>) -> Option<u32> {
    text.parse().ok().filter(|number| range.contains(number))
}

/// A network, or one address.
pub(crate) fn network(text: &str) -> Option<IpNet> {
    text.parse().ok().or_else(|| Some(IpNet::from(text.parse::<IpAddr>().ok()?)))
}
