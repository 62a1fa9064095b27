//! The way out for mail: to an SMTP server of the operator's, or, for trying out, into a folder.
//!
//! Mails hold links that are secrets: nothing of them is logged. What goes into a mail's head has no
//! line end in it, so that nobody adds headers or recipients.

#[cfg(test)]
#[path = "mail_tests.rs"]
mod tests;

use async_trait::async_trait;
use domain::secret::SecretText;
use domain::time::Timestamp;
use engine::ports::{Clock, Mail, Mailer, Random};
use lettre::message::header::{self, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message, SinglePart};
use lettre::transport::smtp::AsyncSmtpTransportBuilder;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::{Address, AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor};
use percent_encoding::percent_decode_str;
use std::fmt;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use url::{Host, Url};

/// Most characters of an SMTP server's words that are told on.
const TOLD_AT_MOST: usize = 300;

/// Why a text does not name an SMTP server. Nothing of it is repeated: it may hold a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SmtpServerError {
    /// It has another form.
    #[error(
        "an SMTP server is smtps://user:password@host:465, or smtp://host:587 with ?tls=required, \
         ?tls=opportunistic or ?tls=none"
    )]
    Form,
    /// Somebody on the way could read the password.
    #[error("a password is sent over TLS only: smtps:// or ?tls=required")]
    OpenPassword,
}

/// How the way to an SMTP server is kept from others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Privacy {
    /// TLS from the first byte on.
    Wrapped,
    /// STARTTLS, or nothing is sent.
    Required,
    /// STARTTLS where the server offers it.
    Opportunistic,
    /// Never.
    Open,
}

/// An SMTP server, and how to get there. The password is in nothing that can be printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SmtpServer {
    /// A name, or an address without brackets.
    host: String,
    port: u16,
    privacy: Privacy,
    credentials: Option<(String, SecretText)>,
}

impl SmtpServer {
    /// Understands `smtps://user:password@host:465` and
    /// `smtp://host:25?tls=required|opportunistic|none`. Without a port: 465 with `smtps`, 25
    /// without TLS, else 587. A password needs TLS, unless the server is on this machine.
    pub fn parse(text: &str) -> Result<Self, SmtpServerError> {
        let url = Url::parse(text).map_err(|_quotes_it| SmtpServerError::Form)?;
        let (privacy, port) = match (url.scheme(), url.query()) {
            ("smtps", None) => (Privacy::Wrapped, 465),
            ("smtp", Some("tls=required")) => (Privacy::Required, 587),
            ("smtp", Some("tls=opportunistic")) => (Privacy::Opportunistic, 587),
            ("smtp", Some("tls=none")) => (Privacy::Open, 25),
            _ => return Err(SmtpServerError::Form),
        };
        if !matches!(url.path(), "" | "/") || url.fragment().is_some() || url.port() == Some(0) {
            return Err(SmtpServerError::Form);
        }
        // Of a scheme that is not of the web, the host is no more than text so far.
        let host = Host::parse(url.host_str().unwrap_or_default())
            .map_err(|_quotes_it| SmtpServerError::Form)?;
        let is_here = match &host {
            Host::Domain(name) => name == "localhost",
            Host::Ipv4(ip) => ip.is_loopback(),
            Host::Ipv6(ip) => ip.is_loopback(),
        };
        let credentials = credentials(&url)?;
        let is_private = matches!(privacy, Privacy::Wrapped | Privacy::Required);
        if credentials.is_some() && !is_private && !is_here {
            return Err(SmtpServerError::OpenPassword);
        }
        let host = match host {
            Host::Domain(name) => name,
            Host::Ipv4(ip) => ip.to_string(),
            Host::Ipv6(ip) => ip.to_string(),
        };
        Ok(Self { host, port: url.port().unwrap_or(port), privacy, credentials })
    }

    fn transport(
        &self,
        limit: Duration,
    ) -> Result<AsyncSmtpTransport<Tokio1Executor>, lettre::transport::smtp::Error> {
        let parameters = || TlsParameters::new(self.host.clone());
        let tls = match self.privacy {
            Privacy::Wrapped => Tls::Wrapper(parameters()?),
            Privacy::Required => Tls::Required(parameters()?),
            Privacy::Opportunistic => Tls::Opportunistic(parameters()?),
            Privacy::Open => Tls::None,
        };
        let mut builder: AsyncSmtpTransportBuilder =
            AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&self.host);
        builder = builder.port(self.port).tls(tls).timeout(Some(limit));
        if let Some((user, password)) = &self.credentials {
            let password = password.reveal().to_owned();
            builder = builder.credentials(Credentials::new(user.clone(), password));
        }
        Ok(builder.build())
    }
}

impl fmt::Display for SmtpServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// User and password, both or none.
fn credentials(url: &Url) -> Result<Option<(String, SecretText)>, SmtpServerError> {
    let decoded = |text: &str| {
        let text = percent_decode_str(text).decode_utf8();
        text.map(String::from).map_err(|_quotes_it| SmtpServerError::Form)
    };
    match (url.username(), url.password()) {
        ("", None) => Ok(None),
        ("", Some(_)) | (_, None) => Err(SmtpServerError::Form),
        (user, Some(password)) => Ok(Some((decoded(user)?, SecretText::new(decoded(password)?)))),
    }
}

/// Whom mails come from: an address, with or without a name before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sender(Mailbox);

impl Sender {
    /// Understands `pay@shop.example` and `Shop <pay@shop.example>`; none for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.contains(char::is_control) {
            return None;
        }
        let Some((name, address)) = text.strip_suffix('>').and_then(|text| text.rsplit_once('<'))
        else {
            return Some(Self(Mailbox::new(None, text.parse().ok()?)));
        };
        let name = name.trim();
        let bare = name.strip_prefix('"').and_then(|name| name.strip_suffix('"')).unwrap_or(name);
        if bare.contains(['"', '<', '>', '\\']) {
            return None;
        }
        let name = Some(bare.to_owned()).filter(|name| !name.is_empty());
        Some(Self(Mailbox::new(name, address.parse().ok()?)))
    }
}

impl fmt::Display for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The recipient of a mail whose head is safe.
fn recipient(mail: &Mail) -> Result<Address, String> {
    if mail.subject.contains(char::is_control) {
        return Err("the subject of a mail is one line of text".to_owned());
    }
    let wrong = || "the recipient of a mail is not a mail address".to_owned();
    if mail.to.contains(|c: char| c.is_control() || c.is_whitespace()) {
        return Err(wrong());
    }
    mail.to.parse().map_err(|_quotes_it| wrong())
}

/// A time as a mail's head has it.
fn date(at: Timestamp) -> header::Date {
    /// The last second of the year 9999, after which the form has no years.
    const LAST: Duration = Duration::from_secs(253_402_300_799);
    let since = Duration::from_micros(u64::try_from(at.micros()).unwrap_or(0));
    let at = SystemTime::UNIX_EPOCH.checked_add(since.min(LAST));
    header::Date::new(at.unwrap_or(SystemTime::UNIX_EPOCH))
}

/// Hands mails to an SMTP server, over a connection of each mail's own.
pub struct SmtpMailer {
    server: SmtpServer,
    transport: AsyncSmtpTransport<Tokio1Executor>,
    sender: Sender,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    limit: Duration,
}

impl fmt::Debug for SmtpMailer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { server, transport: _, sender, clock: _, random: _, limit } = self;
        f.debug_struct("SmtpMailer")
            .field("server", server)
            .field("sender", sender)
            .field("limit", limit)
            .finish_non_exhaustive()
    }
}

impl SmtpMailer {
    /// How long the server may take for a mail: name, connection, TLS and all its answers.
    pub const LIMIT: Duration = Duration::from_secs(10);

    /// Server certificates must come from a public root. `limit`: for a whole mail.
    pub fn new(
        server: SmtpServer,
        sender: Sender,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        limit: Duration,
    ) -> Result<Self, String> {
        let transport = server.transport(limit).map_err(|error| told(&server, &error))?;
        Ok(Self { server, transport, sender, clock, random, limit })
    }

    fn message(&self, mail: Mail) -> Result<Message, String> {
        let to = recipient(&mail)?;
        let mut drawn = [0; 16];
        self.random.fill(&mut drawn);
        let id = u128::from_be_bytes(drawn);
        let domain = self.sender.0.email.domain();
        let message = Message::builder()
            .from(self.sender.0.clone())
            .to(Mailbox::new(None, to))
            .subject(mail.subject)
            .header(date(self.clock.now()))
            .message_id(Some(format!("<{id:032x}@{domain}>")))
            .singlepart(SinglePart::plain(mail.text));
        let mut message = message.map_err(|error| error.to_string())?;
        // RFC 3834: nobody's out-of-office notice answers it.
        let name = HeaderName::new_from_ascii_str("Auto-Submitted");
        message.headers_mut().insert_raw(HeaderValue::new(name, "auto-generated".to_owned()));
        Ok(message)
    }
}

#[async_trait]
impl Mailer for SmtpMailer {
    async fn send(&self, mail: Mail) -> Result<(), String> {
        let message = self.message(mail)?;
        match tokio::time::timeout(self.limit, self.transport.send(message)).await {
            Ok(Ok(_accepted)) => Ok(()),
            Ok(Err(error)) => Err(told(&self.server, &error)),
            Err(_elapsed) => Err(format!(
                "the mail server {} did not take the mail within {} ms",
                self.server,
                self.limit.as_millis()
            )),
        }
    }
}

/// What went wrong, in one line of bounded length without the password, whatever the server said.
fn told(server: &SmtpServer, error: &lettre::transport::smtp::Error) -> String {
    let mut text = error.to_string();
    if let Some((_, password)) = server.credentials.as_ref().filter(|(_, p)| !p.reveal().is_empty())
    {
        text = text.replace(password.reveal(), "***");
    }
    let text: String =
        text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(TOLD_AT_MOST).collect();
    format!("the mail server {server}: {text}")
}

/// Writes each mail into a folder, as a file of its own that only the gateway's user can read. For
/// trying out: nobody receives anything.
#[derive(Debug)]
pub struct FolderMailer {
    folder: PathBuf,
    sender: Option<Sender>,
    clock: Arc<dyn Clock>,
}

impl FolderMailer {
    /// The folder is made with the first mail.
    pub fn new(folder: PathBuf, sender: Option<Sender>, clock: Arc<dyn Clock>) -> Self {
        Self { folder, sender, clock }
    }
}

#[async_trait]
impl Mailer for FolderMailer {
    async fn send(&self, mail: Mail) -> Result<(), String> {
        let to = recipient(&mail)?.to_string();
        let mut head = header::Headers::new();
        head.set(date(self.clock.now()));
        let from = self.sender.as_ref().map(|sender| format!("From: {sender}\n"));
        let text = format!(
            "{}To: {to}\nSubject: {}\n{}MIME-Version: 1.0\n\
             Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n{}\n",
            from.unwrap_or_default(),
            mail.subject,
            head.to_string().replace("\r\n", "\n"),
            mail.text
        );
        let folder = self.folder.clone();
        let written = tokio::task::spawn_blocking(move || write(&folder, &to, &text)).await;
        let folder = self.folder.display();
        let path = written
            .map_err(|error| error.to_string())?
            .map_err(|error| format!("cannot write a mail into {folder}: {error}"))?;
        tracing::info!(path = %path.display(), "a mail was written");
        Ok(())
    }
}

/// Under the next number. Whoever looks into the folder finds whole mails only.
fn write(folder: &Path, to: &str, text: &str) -> std::io::Result<PathBuf> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    // One writer at a time, whatever mailer or process it is of; let go when it is closed.
    let turn = File::open(folder)?;
    turn.lock()?;
    let draft = folder.join(".draft");
    match std::fs::remove_file(&draft) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        // A writer that was ended left it behind.
        Ok(()) | Err(_) => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    let number = last_number(folder)?.checked_add(1).ok_or(ErrorKind::StorageFull)?;
    let path = folder.join(format!("{number:04}-{}.eml", file_part(to)));
    std::fs::rename(&draft, &path)?;
    Ok(path)
}

/// The highest number that a file in the folder begins with.
fn last_number(folder: &Path) -> std::io::Result<u32> {
    let mut last = 0;
    for entry in folder.read_dir()? {
        let name = entry?.file_name();
        let number = name.to_str().and_then(|name| name.split_once('-')?.0.parse().ok());
        last = last.max(number.unwrap_or(0));
    }
    Ok(last)
}

/// An address as a part of a file's name: it leads into no other folder, and is not too long.
fn file_part(to: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "@.+-_".contains(c);
    to.chars().map(|c| if is_plain(c) { c } else { '_' }).take(100).collect()
}
