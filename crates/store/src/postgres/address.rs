//! The address of a PostgreSQL database: `postgres://user:password@host:port,host:port/name`. The
//! password is in nothing that can be printed.

use super::session::{Connector, Purpose};
use super::{OpenError, Options};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use rustls_pki_types::pem::PemObject;
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};
use tokio_postgres_rustls::MakeRustlsConnect;

/// A connection that is idle this long is probed, so that a server that vanished is noticed.
const KEEPALIVE: Duration = Duration::from_secs(5);
/// What was sent must be acknowledged by the server's kernel within this time.
const UNACKNOWLEDGED: Duration = Duration::from_secs(5);

/// Why an address is none. The text repeats nothing of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct AddressError(String);

/// Where a database is, and how to get there.
#[derive(Clone)]
pub struct Address {
    /// One for each host, in order.
    hosts: Vec<Config>,
    tls: MakeRustlsConnect,
    shown: String,
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Address").field(&self.shown).finish()
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

/// How far the server's certificate is believed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Trust {
    /// `disable`, `prefer`, `require`: whatever it shows.
    Any,
    /// `verify-full`: it must be signed by a known root, for this host.
    Roots,
}

impl Address {
    /// Understands an address and reads the file of roots that it names.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        if !is_postgres(text) {
            let why = "a PostgreSQL address begins with postgres:// or postgresql://";
            return Err(AddressError(why.to_owned()));
        }
        let (plain, mode, trust, roots) = split_tls(text)?;
        let mut config: Config = plain.parse().map_err(|_quotes_it| {
            AddressError(
                "the PostgreSQL address is not of the form \
                 postgres://user:password@host:5432/database; in user and password, characters \
                 other than letters, digits and -._~ must be percent-encoded"
                    .to_owned(),
            )
        })?;
        config.ssl_mode(mode);
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            return Err(AddressError("the PostgreSQL address names no host".to_owned()));
        }
        Ok(Self { hosts: each_host(&config)?, tls: tls(trust, roots)?, shown: shown(text) })
    }

    /// One configuration a host: each gets its own share of the time to connect.
    pub(super) fn hosts(&self) -> &[Config] {
        &self.hosts
    }

    pub(super) fn tls(&self) -> MakeRustlsConnect {
        self.tls.clone()
    }
}

/// Whether this text means a PostgreSQL database.
pub fn is_postgres(text: &str) -> bool {
    text.starts_with("postgres://") || text.starts_with("postgresql://")
}

/// The address without its password. Works for text that is no address, too.
pub fn shown(text: &str) -> String {
    let (scheme, rest) = text.split_once("://").unwrap_or(("", text));
    // An unescaped @ in a password must not show what stands behind it.
    let (user, rest) = match rest.rsplit_once('@') {
        Some((credentials, rest)) => {
            let user = credentials.split([':', '/', '?', '@']).next().unwrap_or_default();
            (format!("{user}:***@"), rest)
        }
        None => (String::new(), rest),
    };
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    let open = |pair: &&str| !pair.to_lowercase().starts_with("password");
    let query: Vec<&str> = query.split('&').filter(|pair| !pair.is_empty()).filter(open).collect();
    let mark = if query.is_empty() { "" } else { "?" };
    format!("{scheme}://{user}{path}{mark}{}", query.join("&"))
}

/// The address with tables in a schema of its own.
fn in_schema(text: &str, schema: &str) -> String {
    let mark = if text.contains('?') { '&' } else { '?' };
    format!("{text}{mark}options=-csearch_path%3D{schema}")
}

/// A schema for a measurement, in a database that is there.
#[derive(Debug)]
pub struct Scratch {
    address: Address,
    name: String,
    /// The address of a database whose tables are in that schema alone.
    pub url: String,
}

impl Scratch {
    /// Makes it, empty. `name`: lower-case letters, digits and underscores.
    pub async fn make(text: &str, name: String, options: &Options) -> Result<Self, OpenError> {
        let address = Address::parse(text).map_err(|error| OpenError::Server(error.to_string()))?;
        let scratch = Self { address, url: in_schema(text, &name), name };
        scratch.run(&format!("CREATE SCHEMA {}", scratch.name), options).await?;
        Ok(scratch)
    }

    /// Drops it with all that is in it.
    pub async fn drop(&self, options: &Options) -> Result<(), OpenError> {
        self.run(&format!("DROP SCHEMA {} CASCADE", self.name), options).await
    }

    async fn run(&self, sql: &str, options: &Options) -> Result<(), OpenError> {
        let connector = Connector::new(self.address.clone(), *options);
        let session = connector.connect(Purpose::Care).await?;
        Ok(session.client().batch_execute(sql).await?)
    }
}

type TlsWords = (String, SslMode, Trust, Option<String>);

/// Takes out what concerns TLS: the driver knows neither `verify-full` nor files of roots.
fn split_tls(text: &str) -> Result<TlsWords, AddressError> {
    let (mut mode, mut trust, mut roots) = (SslMode::Prefer, Trust::Any, None);
    let Some((base, query)) = text.split_once('?') else {
        return Ok((text.to_owned(), mode, trust, roots));
    };
    let mut kept = Vec::new();
    for pair in query.split('&') {
        let (name, value) = form_urlencoded::parse(pair.as_bytes()).next().unwrap_or_default();
        match (&*name, &*value) {
            ("sslmode", "disable") => mode = SslMode::Disable,
            ("sslmode", "prefer") => mode = SslMode::Prefer,
            ("sslmode", "require") => mode = SslMode::Require,
            ("sslmode", "verify-full") => (mode, trust) = (SslMode::Require, Trust::Roots),
            ("sslmode", _) => {
                let why = "sslmode must be disable, prefer, require or verify-full";
                return Err(AddressError(why.to_owned()));
            }
            ("sslrootcert", path) => roots = Some(path.to_owned()),
            _ => kept.push(pair),
        }
    }
    if roots.is_some() && trust == Trust::Any {
        let why = "sslrootcert is used with sslmode=verify-full only; say that too";
        return Err(AddressError(why.to_owned()));
    }
    let mark = if kept.is_empty() { "" } else { "?" };
    Ok((format!("{base}{mark}{}", kept.join("&")), mode, trust, roots))
}

fn each_host(config: &Config) -> Result<Vec<Config>, AddressError> {
    let names = config.get_hosts();
    let numbers = config.get_hostaddrs();
    let count = names.len().max(numbers.len());
    if !names.is_empty() && !numbers.is_empty() && names.len() != numbers.len() {
        return Err(AddressError("host and hostaddr name different numbers of hosts".to_owned()));
    }
    let ports = config.get_ports();
    if ports.len() > 1 && ports.len() != count {
        return Err(AddressError("the address has more ports than hosts".to_owned()));
    }
    let mut hosts = Vec::with_capacity(count);
    for index in 0..count {
        let mut one = Config::new();
        match names.get(index) {
            Some(Host::Tcp(name)) => drop(one.host(name)),
            Some(Host::Unix(folder)) => drop(one.host_path(folder)),
            None => {}
        }
        if let Some(number) = numbers.get(index) {
            one.hostaddr(*number);
        }
        one.port(ports.get(index).or(ports.first()).copied().unwrap_or(5432));
        one.user(config.get_user().unwrap_or("postgres"));
        if let Some(password) = config.get_password() {
            one.password(password);
        }
        one.dbname(config.get_dbname().or(config.get_user()).unwrap_or("postgres"));
        if let Some(options) = config.get_options() {
            one.options(options);
        }
        one.application_name(config.get_application_name().unwrap_or("tollgate"));
        one.ssl_mode(config.get_ssl_mode());
        one.channel_binding(config.get_channel_binding());
        one.keepalives(true).keepalives_idle(KEEPALIVE).keepalives_interval(KEEPALIVE);
        one.keepalives_retries(2).tcp_user_timeout(UNACKNOWLEDGED);
        // A promoted standby is found, and a standby never taken for the primary.
        one.target_session_attrs(TargetSessionAttrs::ReadWrite);
        hosts.push(one);
    }
    Ok(hosts)
}

fn tls(trust: Trust, roots: Option<String>) -> Result<MakeRustlsConnect, AddressError> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| AddressError(format!("TLS: {error}")))?;
    let config = match trust {
        Trust::Any => builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(AnyCertificate(provider)))
            .with_no_client_auth(),
        Trust::Roots => builder.with_root_certificates(root_store(roots)?).with_no_client_auth(),
    };
    Ok(MakeRustlsConnect::new(config))
}

fn root_store(file: Option<String>) -> Result<RootCertStore, AddressError> {
    let Some(file) = file else {
        return Ok(RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() });
    };
    let wrong = |error: &dyn fmt::Display| AddressError(format!("sslrootcert {file}: {error}"));
    let mut store = RootCertStore::empty();
    let certificates =
        CertificateDer::pem_file_iter(Path::new(&file)).map_err(|error| wrong(&error))?;
    for certificate in certificates {
        let certificate = certificate.map_err(|error| wrong(&error))?;
        store.add(certificate).map_err(|error| wrong(&error))?;
    }
    if store.is_empty() {
        return Err(wrong(&"there is no certificate in it"));
    }
    Ok(store)
}

/// `require` encrypts and believes any certificate, as every PostgreSQL client does under this
/// word; `verify-full` is for networks that are not trusted.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let known = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signature, known)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let known = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, known)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_is_never_shown() {
        for (text, expected) in [
            ("postgres://u:secret@db/x", "postgres://u:***@db/x"),
            ("postgres://u:secret@a:1,b:2/x?a=b", "postgres://u:***@a:1,b:2/x?a=b"),
            ("postgres://u:sec@ret@db/x", "postgres://u:***@db/x"),
            ("postgres://u:sec/ret@db/x", "postgres://u:***@db/x"),
            ("postgres://u:sec?ret@db/x", "postgres://u:***@db/x"),
            ("postgresql://db/x?user=u&password=secret", "postgresql://db/x?user=u"),
            ("postgres:///x?host=/tmp", "postgres:///x?host=/tmp"),
        ] {
            assert_eq!(shown(text), expected);
            if let Ok(address) = Address::parse(text) {
                let printed = format!("{address} {address:?}");
                assert!(!printed.contains("secret") && !printed.contains("ret@"), "{printed}");
            }
        }
        let error = Address::parse("postgres://u:secret@db:port/x").unwrap_err();
        assert!(!error.to_string().contains("secret"), "{error}");
    }

    #[test]
    fn hosts_are_tried_one_by_one_and_must_be_writable() {
        let address = Address::parse("postgres://u@a:1,b:2/x?sslmode=disable").unwrap();
        let ports: Vec<u16> = address.hosts().iter().map(|one| one.get_ports()[0]).collect();
        assert_eq!(ports, [1, 2]);
        for host in address.hosts() {
            assert_eq!(host.get_target_session_attrs(), TargetSessionAttrs::ReadWrite);
            assert_eq!((host.get_ssl_mode(), host.get_dbname()), (SslMode::Disable, Some("x")));
        }
        let same_port = Address::parse("postgres://u@a,b:5/x").unwrap();
        assert_eq!(same_port.hosts().len(), 2);
    }

    #[test]
    fn tls_words_are_understood_or_refused() {
        for good in ["disable", "prefer", "require", "verify-full"] {
            assert!(Address::parse(&format!("postgres://u@a/x?sslmode={good}")).is_ok(), "{good}");
        }
        for (bad, why) in [
            ("sslmode=verify-ca", "sslmode must be"),
            ("sslmode=no", "sslmode must be"),
            ("sslrootcert=/x", "sslmode=verify-full only"),
            ("sslmode=verify-full&sslrootcert=/there/is/none", "sslrootcert /there/is/none"),
            ("banana=1", "not of the form"),
        ] {
            let error = Address::parse(&format!("postgres://u@a/x?{bad}")).unwrap_err();
            assert!(error.to_string().contains(why), "{error}");
        }
        assert!(Address::parse("mysql://u@a/x").is_err());
        assert!(Address::parse("postgres:///x").is_err(), "no host");
    }
}
