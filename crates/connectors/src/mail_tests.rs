use super::*;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Instant;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// 2026-05-31 14:16:06 UTC.
const NOW: Timestamp = Timestamp::from_micros(1_780_236_966_000_657);

#[derive(Debug)]
struct StoppedClock;

#[async_trait]
impl Clock for StoppedClock {
    fn now(&self) -> Timestamp {
        NOW
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

#[derive(Debug)]
struct Sevens;

impl Random for Sevens {
    fn fill(&self, buffer: &mut [u8]) {
        buffer.fill(7);
    }
}

/// What a server does with a session, beside taking everything.
#[derive(Clone, Copy, Default)]
struct Server {
    greets: bool,
    offers: &'static str,
    refuses: &'static str,
    with: &'static str,
}

const WELL: Server = Server { greets: true, offers: "8BITMIME", refuses: "nothing", with: "" };

impl Server {
    /// Serves one session and gives all lines that came, in order.
    async fn start(self) -> (u16, JoinHandle<Vec<String>>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        (port, tokio::spawn(async move { self.session(&listener).await }))
    }

    async fn session(self, listener: &TcpListener) -> Vec<String> {
        let (stream, _from) = listener.accept().await.unwrap();
        let (read, mut write) = stream.into_split();
        let mut lines = BufReader::new(read).lines();
        let mut came = Vec::new();
        if self.greets {
            write.write_all(b"220 test ESMTP\r\n").await.unwrap();
        }
        let mut in_data = false;
        while let Ok(Some(line)) = lines.next_line().await {
            came.push(line.clone());
            let verb = line.split([' ', ':']).next().unwrap_or_default().to_owned();
            let answer = match &*verb {
                "." => {
                    in_data = false;
                    "250 queued".to_owned()
                }
                _ if in_data => continue,
                verb if verb == self.refuses => self.with.to_owned(),
                "EHLO" => format!("250-test\r\n250 {}", self.offers),
                "AUTH" => "235 welcome".to_owned(),
                "DATA" => {
                    in_data = true;
                    "354 go on".to_owned()
                }
                "QUIT" => "221 bye".to_owned(),
                _ => "250 ok".to_owned(),
            };
            if write.write_all(format!("{answer}\r\n").as_bytes()).await.is_err() || verb == "QUIT"
            {
                break;
            }
        }
        came
    }
}

fn mailer(url: &str, limit: Duration) -> SmtpMailer {
    let server = SmtpServer::parse(url).unwrap();
    let sender = Sender::parse("Café Zoë <pay@shop.example>").unwrap();
    SmtpMailer::new(server, sender, Arc::new(StoppedClock), Arc::new(Sevens), limit).unwrap()
}

fn mail(to: &str, subject: &str) -> Mail {
    let text = "Your link:\nhttps://pay.example/invite?a=1\n.\nnot after the end\n".to_owned();
    Mail { to: to.to_owned(), subject: subject.to_owned(), text }
}

const PATIENCE: Duration = Duration::from_secs(10);

#[tokio::test]
async fn a_server_gets_what_was_sent() {
    let (port, session) = WELL.start().await;
    let url = format!("smtp://127.0.0.1:{port}?tls=none");
    mailer(&url, PATIENCE).send(mail("ann@example.com", "Your invitation")).await.unwrap();
    let came = session.await.unwrap();
    let at = |line: &str| {
        let place = came.iter().position(|one| one == line);
        place.unwrap_or_else(|| panic!("{line:?} is not in {came:#?}"))
    };
    assert!(came[0].starts_with("EHLO "), "{came:#?}");
    for (earlier, later) in [
        ("MAIL FROM:<pay@shop.example>", "RCPT TO:<ann@example.com>"),
        ("RCPT TO:<ann@example.com>", "DATA"),
        ("DATA", "To: ann@example.com"),
        ("DATA", "Subject: Your invitation"),
        ("DATA", "From: =?utf-8?b?Q2Fmw6kgWm/Dqw==?= <pay@shop.example>"),
        ("DATA", "Date: Sun, 31 May 2026 14:16:06 +0000"),
        ("DATA", "Message-ID: <07070707070707070707070707070707@shop.example>"),
        ("DATA", "Auto-Submitted: auto-generated"),
        ("DATA", "MIME-Version: 1.0"),
        ("DATA", "Content-Type: text/plain; charset=utf-8"),
        ("", "Your link:"),
        ("Your link:", "https://pay.example/invite?a=1"),
        // A line that is a dot does not end the mail.
        ("https://pay.example/invite?a=1", ".."),
        ("..", "not after the end"),
        ("not after the end", "."),
    ] {
        assert!(at(earlier) < at(later), "{later:?} comes before {earlier:?}: {came:#?}");
    }
    assert_eq!(came.iter().filter(|line| line.starts_with("RCPT")).count(), 1);
    assert_eq!(came.last().unwrap(), "QUIT");
}

#[tokio::test]
async fn words_of_any_language_arrive() {
    let (port, session) = WELL.start().await;
    let url = format!("smtp://localhost:{port}?tls=none");
    let text = "Привет, 世界".to_owned();
    let subject = "Приглашение".to_owned();
    let mail = Mail { to: "ann@example.com".to_owned(), subject, text };
    mailer(&url, PATIENCE).send(mail).await.unwrap();
    let came = session.await.unwrap();
    assert!(came.iter().all(|line| line.is_ascii()), "{came:#?}");
    let subject = "Subject: =?utf-8?b?0J/RgNC40LPQu9Cw0YjQtdC90LjQtQ==?=";
    assert!(came.iter().any(|line| line == subject), "{came:#?}");
    let encoded = ["0J/RgNC40LLQtdGCLCDkuJbnlYw=", "=D0=9F=D1=80=D0=B8"];
    assert!(came.iter().any(|line| encoded.iter().any(|e| line.starts_with(e))), "{came:#?}");
}

#[tokio::test]
async fn a_refused_recipient_is_an_error_and_nothing_is_sent() {
    let refusing = Server { refuses: "RCPT", with: "550 no\x1b[2Jbody here", ..WELL };
    let (port, session) = refusing.start().await;
    let url = format!("smtp://127.0.0.1:{port}?tls=none");
    let error = mailer(&url, PATIENCE).send(mail("ann@example.com", "x")).await.unwrap_err();
    assert!(error.starts_with(&format!("the mail server 127.0.0.1:{port}: ")), "{error}");
    assert!(error.contains("550") && error.contains("body here"), "{error}");
    assert!(!error.contains(char::is_control) && error.len() < 400, "{error:?}");
    assert!(!session.await.unwrap().iter().any(|line| line == "DATA"));
}

#[tokio::test]
async fn a_silent_server_is_waited_for_no_longer_than_the_limit() {
    #[expect(clippy::disallowed_methods, reason = "a limit of real time is measured")]
    let begun = Instant::now();
    let (port, session) = Server::default().start().await;
    let url = format!("smtp://127.0.0.1:{port}?tls=none");
    let limit = Duration::from_millis(300);
    let error = mailer(&url, limit).send(mail("ann@example.com", "x")).await.unwrap_err();
    assert!(error.ends_with("did not take the mail within 300 ms"), "{error}");
    assert!((limit..PATIENCE).contains(&begun.elapsed()));
    // It hung up as well.
    assert!(session.await.unwrap().is_empty());
}

#[tokio::test]
async fn a_server_that_nobody_serves_is_an_error() {
    let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let url = format!("smtp://127.0.0.1:{port}?tls=none");
    assert!(mailer(&url, PATIENCE).send(mail("ann@example.com", "x")).await.is_err());
}

#[tokio::test]
async fn where_tls_is_required_nothing_is_sent_without() {
    let (port, session) = WELL.start().await;
    let url = format!("smtp://ann:swordfish@127.0.0.1:{port}?tls=required");
    let error = mailer(&url, PATIENCE).send(mail("ann@example.com", "x")).await.unwrap_err();
    assert!(!error.contains("swordfish"), "{error}");
    let came = session.await.unwrap();
    assert!(!came.iter().any(|line| line.starts_with("AUTH") || line.starts_with("MAIL")));
}

#[tokio::test]
async fn a_certificate_that_no_root_vouches_for_is_refused() {
    let issued = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let key =
        rustls::pki_types::PrivateKeyDer::try_from(issued.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![issued.cert.der().clone()], key)
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let served = tokio::spawn(async move {
        let (stream, _from) = listener.accept().await.unwrap();
        tokio_rustls::TlsAcceptor::from(Arc::new(config)).accept(stream).await.is_ok()
    });
    let url = format!("smtps://ann:swordfish@localhost:{port}");
    let error = mailer(&url, PATIENCE).send(mail("ann@example.com", "x")).await.unwrap_err();
    assert!(error.contains("certificate") && !error.contains("swordfish"), "{error}");
    assert!(!served.await.unwrap());
}

#[tokio::test]
async fn a_password_is_used_and_never_told() {
    let offers = "AUTH PLAIN";
    let (port, session) = Server { offers, ..WELL }.start().await;
    let url = format!("smtp://ann:sword%20fish@127.0.0.1:{port}?tls=none");
    let sending = mailer(&url, PATIENCE);
    assert!(!format!("{sending:?}").contains("sword"), "{sending:?}");
    sending.send(mail("ann@example.com", "x")).await.unwrap();
    // "\0ann\0sword fish"
    let expected = "AUTH PLAIN AGFubgBzd29yZCBmaXNo";
    assert!(session.await.unwrap().iter().any(|line| line == expected));

    let with = "535 sword fish is wrong";
    let (port, session) = Server { offers, refuses: "AUTH", with, ..WELL }.start().await;
    let url = format!("smtp://ann:sword%20fish@127.0.0.1:{port}?tls=none");
    let error = mailer(&url, PATIENCE).send(mail("ann@example.com", "x")).await.unwrap_err();
    assert!(error.contains("*** is wrong"), "{error}");
    drop(session.await.unwrap());
}

#[tokio::test]
async fn nobody_adds_a_header_or_a_recipient() {
    // Where nobody listens: a mail that was tried would tell of a connection.
    let smtp = mailer("smtp://127.0.0.1:1?tls=none", PATIENCE);
    let folder = tempfile::tempdir().unwrap();
    let files = FolderMailer::new(folder.path().join("mail"), None, Arc::new(StoppedClock));
    let mailers: [&dyn Mailer; 2] = [&smtp, &files];
    for mailer in mailers {
        for subject in ["x\r\nBcc: eve@example.com", "x\ny", "x\ry", "x\0y"] {
            let error = mailer.send(mail("ann@example.com", subject)).await.unwrap_err();
            assert_eq!(error, "the subject of a mail is one line of text");
        }
        for to in [
            "ann@example.com\r\nBcc: eve@example.com",
            "ann@example.com>\r\nRCPT TO:<eve@example.com",
            "ann@example.com\n",
            "ann@example.com, eve@example.com",
            "ann@example.com,eve@example.com",
            "Ann <ann@example.com>",
            "ann@",
            "@example.com",
            "ann",
            "",
        ] {
            let error = mailer.send(mail(to, "x")).await.unwrap_err();
            assert_eq!(error, "the recipient of a mail is not a mail address", "{to:?}");
        }
    }
    assert!(!folder.path().join("mail").exists());
}

#[test]
fn servers_are_read_strictly() {
    for (text, shown, privacy) in [
        ("smtps://u:p@mail.example", "mail.example:465", Privacy::Wrapped),
        ("smtps://mail.example:4650/", "mail.example:4650", Privacy::Wrapped),
        ("smtp://u:p@mail.example?tls=required", "mail.example:587", Privacy::Required),
        ("smtp://mail.example?tls=opportunistic", "mail.example:587", Privacy::Opportunistic),
        ("smtp://mail.example?tls=none", "mail.example:25", Privacy::Open),
        ("smtp://u:p@[::1]:2525?tls=none", "[::1]:2525", Privacy::Open),
        ("smtp://u:p@localhost?tls=none", "localhost:25", Privacy::Open),
    ] {
        let server = SmtpServer::parse(text).unwrap();
        assert_eq!((&*server.to_string(), server.privacy), (shown, privacy), "{text}");
        assert_eq!(server.credentials.is_some(), text.contains('@'), "{text}");
    }
    for text in [
        "",
        "mail.example:25",
        "http://mail.example",
        // Whether mails may be read on the way is said, not assumed.
        "smtp://mail.example",
        "smtp://mail.example?tls=maybe",
        "smtp://mail.example?tls=none&tls=required",
        "smtps://mail.example?tls=none",
        "smtps://mail.example/path",
        "smtps://mail.example#x",
        "smtps://mail.example:0",
        "smtps://ann@mail.example",
        "smtps://:secret@mail.example",
        "smtps://",
        "smtps://u:p@ma il.example",
    ] {
        assert_eq!(SmtpServer::parse(text).unwrap_err(), SmtpServerError::Form, "{text}");
    }
    for text in ["smtp://u:p@mail.example?tls=none", "smtp://u:p@mail.example?tls=opportunistic"] {
        assert_eq!(SmtpServer::parse(text).unwrap_err(), SmtpServerError::OpenPassword, "{text}");
    }
}

#[test]
fn senders_have_one_address() {
    for (text, shown) in [
        ("pay@shop.example", "pay@shop.example"),
        ("<pay@shop.example>", "pay@shop.example"),
        ("Shop <pay@shop.example>", "Shop <pay@shop.example>"),
        ("\"Shop, Inc.\" <pay@shop.example>", "\"Shop, Inc.\" <pay@shop.example>"),
        ("Shop, Inc. <pay@shop.example>", "\"Shop, Inc.\" <pay@shop.example>"),
    ] {
        assert_eq!(Sender::parse(text).unwrap().to_string(), shown, "{text}");
    }
    for text in [
        "",
        "shop",
        "Shop",
        "a@shop.example, b@shop.example",
        "A <a@shop.example>, B <b@shop.example>",
        "Shop\r\n <pay@shop.example>",
        "\"Shop\" \"Inc\" <pay@shop.example>",
    ] {
        assert_eq!(Sender::parse(text), None, "{text}");
    }
}

#[tokio::test]
async fn a_folder_gets_a_file_for_each_mail() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deep").join("mail");
    let sender = Sender::parse("pay@shop.example");
    let mailer = FolderMailer::new(path.clone(), sender, Arc::new(StoppedClock));
    mailer.send(mail("ann@example.com", "Приглашение")).await.unwrap();
    let text = std::fs::read_to_string(path.join("0001-ann@example.com.eml")).unwrap();
    assert_eq!(
        text,
        "From: pay@shop.example\nTo: ann@example.com\nSubject: Приглашение\n\
         Date: Sun, 31 May 2026 14:16:06 +0000\nMIME-Version: 1.0\n\
         Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n\
         Your link:\nhttps://pay.example/invite?a=1\n.\nnot after the end\n\n"
    );
    // Numbers go on after the highest one, whatever else is there.
    std::fs::write(path.join("0041-x.eml"), "").unwrap();
    std::fs::write(path.join("notes.txt"), "").unwrap();
    let again = FolderMailer::new(path.clone(), None, Arc::new(StoppedClock));
    let both = tokio::join!(
        again.send(mail("a/b@example.com", "x")),
        mailer.send(mail("bob@example.com", "x"))
    );
    assert_eq!(both, (Ok(()), Ok(())));
    let mut names: Vec<String> = path
        .read_dir()
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names.len(), 5, "{names:?}");
    assert!(names[2].starts_with("0042-") && names[3].starts_with("0043-"), "{names:?}");
    assert!(names[2..4].iter().any(|name| name.ends_with("-a_b@example.com.eml")), "{names:?}");
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode(&path), 0o700);
    assert_eq!(mode(&path.join("0001-ann@example.com.eml")), 0o600);
    // A folder that cannot be made.
    let blocked = FolderMailer::new(path.join("notes.txt"), None, Arc::new(StoppedClock));
    let error = blocked.send(mail("ann@example.com", "x")).await.unwrap_err();
    assert!(error.starts_with("cannot write a mail into "), "{error}");
}
