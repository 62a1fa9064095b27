use super::tests::{Counts, OK, answered, failed, open, post, post_as, serve};
use super::*;
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, date_time_ymd,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use tokio::net::TcpListener;

/// An authority that signs certificates for tests.
struct Authority {
    certificate: Certificate,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).unwrap();
        Self { certificate, issuer: Issuer::new(params, key) }
    }

    fn der(&self) -> Vec<u8> {
        self.certificate.der().to_vec()
    }

    /// For a name; good until the end of this year of our era.
    fn sign(&self, name: &str, until: i32) -> Signed {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.not_after = date_time_ymd(until, 12, 31);
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Signed { certificate, key }
    }
}

struct Signed {
    certificate: Certificate,
    key: KeyPair,
}

impl Signed {
    fn by_itself(name: &str) -> Self {
        let made = rcgen::generate_simple_self_signed(vec![name.to_owned()]).unwrap();
        Self { certificate: made.cert, key: made.signing_key }
    }

    fn chain(&self) -> Vec<CertificateDer<'static>> {
        vec![self.certificate.der().clone()]
    }

    fn private(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::try_from(self.key.serialize_der()).unwrap()
    }

    /// Both as PEM files, the key readable by its owner only.
    fn write(&self, folder: &Path) -> (PathBuf, PathBuf) {
        let (certificate, key) = (folder.join("certificate.pem"), folder.join("key.pem"));
        std::fs::write(&certificate, self.certificate.pem()).unwrap();
        std::fs::write(&key, self.key.serialize_pem()).unwrap();
        set_mode(&key, 0o600);
        (certificate, key)
    }
}

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

/// A receiver that speaks TLS. With `callers` it wants a certificate that they signed.
async fn receiver(signed: &Signed, callers: Option<&Authority>) -> (u16, Arc<Counts>) {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap();
    let builder = match callers {
        None => builder.with_no_client_auth(),
        Some(authority) => {
            let mut roots = RootCertStore::empty();
            roots.add(authority.certificate.der().clone()).unwrap();
            let verifier =
                WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
            builder.with_client_cert_verifier(verifier.unwrap())
        }
    };
    let config = builder.with_single_cert(signed.chain(), signed.private()).unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let counts = Arc::new(Counts::default());
    let counting = Arc::clone(&counts);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            if let Ok(stream) = acceptor.accept(stream).await {
                tokio::spawn(serve(stream, OK, false, Arc::clone(&counting)));
            }
        }
    });
    (port, counts)
}

fn trusting(roots: Vec<Vec<u8>>, identity: Option<ClientIdentity>) -> GuardedDialer {
    let settings = DialerSettings {
        destinations: open(true),
        extra_roots: roots,
        identity,
        ..DialerSettings::default()
    };
    GuardedDialer::new(&settings).unwrap()
}

#[tokio::test]
async fn tls_needs_a_trusted_certificate_of_today_for_the_name() {
    let authority = Authority::new();
    let dialer = trusting(vec![authority.der()], None);
    let (good, counts) = receiver(&authority.sign("localhost", 2090), None).await;
    let named = format!("https://localhost:{good}/");
    assert_eq!(post_as(&dialer, &named, Mode::Live).await, answered(200));
    assert_eq!(counts.requests(), 1);
    assert_eq!(post(&trusting(Vec::new(), None), &named).await, failed(Failure::Tls));
    let numbered = format!("https://127.0.0.1:{good}/");
    assert_eq!(post(&dialer, &numbered).await, failed(Failure::Tls));
    for (case, signed) in [
        ("expired", authority.sign("localhost", 2020)),
        ("another name", authority.sign("shop.example", 2090)),
        ("signed by itself", Signed::by_itself("localhost")),
        ("signed by a stranger", Authority::new().sign("localhost", 2090)),
    ] {
        let (port, counts) = receiver(&signed, None).await;
        let url = format!("https://localhost:{port}/");
        assert_eq!(post(&dialer, &url).await, failed(Failure::Tls), "{case}");
        assert_eq!(counts.requests(), 0, "{case}");
    }
    assert_eq!(counts.requests(), 1, "and only the good one was ever asked");
    let settings = DialerSettings {
        extra_roots: vec![b"no certificate".to_vec()],
        ..DialerSettings::default()
    };
    assert!(GuardedDialer::new(&settings).is_err());
}

/// Killed when dropped.
struct OpenSsl(Child);

impl Drop for OpenSsl {
    fn drop(&mut self) {
        let _already_dead = self.0.kill();
        let _reaped = self.0.wait();
    }
}

/// OpenSSL with one version of TLS, saying everything backwards.
async fn openssl(signed: &Signed, version: &str) -> (u16, OpenSsl, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let (certificate, key) = signed.write(folder.path());
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let child = Command::new("openssl")
        .args(["s_server", "-quiet", "-rev", version, "-cipher", "ALL:@SECLEVEL=0", "-accept"])
        .arg(format!("127.0.0.1:{free}"))
        .arg("-cert")
        .arg(certificate)
        .arg("-key")
        .arg(key)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let server = OpenSsl(child);
    for _try in 0..500 {
        if TcpStream::connect(("127.0.0.1", free)).await.is_ok() {
            return (free, server, folder);
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("openssl s_server {version} does not listen");
}

/// What a client with this version makes of the server: whether they agree.
fn agrees(port: u16, version: &str) -> bool {
    let told = Command::new("openssl")
        .args(["s_client", version, "-cipher", "ALL:@SECLEVEL=0", "-connect"])
        .arg(format!("127.0.0.1:{port}"))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&told.stdout).into_owned();
    told.contains("Cipher is ") && !told.contains("Cipher is (NONE)")
}

#[tokio::test]
async fn tls_before_1_2_is_not_spoken() {
    let authority = Authority::new();
    let dialer = trusting(vec![authority.der()], None);
    let signed = authority.sign("localhost", 2090);
    for version in ["-tls1", "-tls1_1"] {
        let (port, _server, _folder) = openssl(&signed, version).await;
        assert!(agrees(port, version), "the server does not even speak {version}");
        let result = post(&dialer, &format!("https://localhost:{port}/")).await;
        assert_eq!(result, failed(Failure::Tls), "{version}");
    }
    // The same server with a version that we speak: it answers, backwards.
    let (port, _server, _folder) = openssl(&signed, "-tls1_2").await;
    let result = post(&dialer, &format!("https://localhost:{port}/")).await;
    assert_eq!(result, failed(Failure::NoAnswer));
}

#[tokio::test]
async fn our_certificate_is_shown_to_those_who_ask() {
    let authority = Authority::new();
    let ours = authority.sign("gateway.example", 2090);
    let folder = tempfile::tempdir().unwrap();
    let (certificate, key) = ours.write(folder.path());
    let identity = ClientIdentity::load(&certificate, &key).unwrap();
    assert_eq!(format!("{identity:?}"), "[client identity]");
    let with = trusting(vec![authority.der()], Some(identity));
    let without = trusting(vec![authority.der()], None);
    let signed = authority.sign("localhost", 2090);
    let (asking, counts) = receiver(&signed, Some(&authority)).await;
    let url = format!("https://localhost:{asking}/");
    assert_eq!(post(&with, &url).await, answered(200));
    assert_ne!(post(&without, &url).await, answered(200));
    assert_eq!(counts.requests(), 1);
    // Who does not ask gets the post all the same.
    let (plain, _counts) = receiver(&signed, None).await;
    assert_eq!(post(&with, &format!("https://localhost:{plain}/")).await, answered(200));
}

#[test]
fn files_that_are_no_identity_are_named_and_not_quoted() {
    let folder = tempfile::tempdir().unwrap();
    let (certificate, key) = Authority::new().sign("gateway.example", 2090).write(folder.path());
    let why = |certificate: &Path, key: &Path| {
        ClientIdentity::load(certificate, key).unwrap_err().to_string()
    };
    let missing = folder.path().join("missing.pem");
    assert!(why(&missing, &key).contains("missing.pem: No such file"), "{}", why(&missing, &key));
    assert!(why(&certificate, &missing).contains("missing.pem: No such file"));
    assert!(why(&key, &key).ends_with("key.pem: holds no such PEM item"), "{}", why(&key, &key));
    for mode in [0o640, 0o604, 0o620, 0o644] {
        set_mode(&key, mode);
        let told = why(&certificate, &key);
        assert!(told.contains("others can read the private key"), "{told}");
        assert!(told.ends_with(&format!("run: chmod 600 {}", key.display())), "{told}");
    }
    set_mode(&key, 0o400);
    assert!(ClientIdentity::load(&certificate, &key).is_ok());
    let other = tempfile::tempdir().unwrap();
    let (_, other_key) = Authority::new().sign("gateway.example", 2090).write(other.path());
    let told = why(&certificate, &other_key);
    assert!(told.contains("cannot be used: ") && told.contains("key.pem"), "{told}");
    std::fs::write(&other_key, "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n").unwrap();
    let told = why(&certificate, &other_key);
    assert!(told.ends_with("key.pem: is not well-formed PEM"), "{told}");
}
