//! TLS by the server itself: both versions of HTTP, and a new certificate without a restart.

use crate::app::{command, eventually, folder, run_on};
use serde_json::Value;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Killed when dropped.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _already_dead = self.0.kill();
        let _reaped = self.0.wait();
    }
}

/// Makes a certificate of `localhost` with its key, signed by itself.
pub(crate) fn make(certificate: &Path, key: &Path, name: &str) {
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"])
        .args(["-nodes", "-days", "2", "-subj", &format!("/O={name}/CN=localhost")])
        .args(["-addext", "subjectAltName=DNS:localhost"])
        .arg("-out")
        .arg(certificate)
        .arg("-keyout")
        .arg(key)
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}

/// What curl says of `/healthz`, trusting one certificate: status and version of HTTP.
fn fetch(url: &str, trusted: &Path, version: &str) -> Option<String> {
    let fetched = Command::new("curl")
        .args(["--silent", "--max-time", "10", "--output", "/dev/null", version])
        .args(["--write-out", "%{http_code} %{http_version}", "--cacert"])
        .arg(trusted)
        .arg(format!("{url}/healthz"))
        .output()
        .unwrap();
    fetched.status.success().then(|| String::from_utf8(fetched.stdout).unwrap())
}

#[test]
fn certificates_are_served_and_replaced() {
    let (parent, data) = folder();
    let at = |name: &str| parent.path().join(name);
    let (certificate, key) = (at("chain.pem"), at("key.pem"));
    make(&certificate, &key, "First");
    let first = at("first.pem");
    std::fs::copy(&certificate, &first).unwrap();
    let settings = at("tollgate.toml");
    let text = format!(
        "listen = \"127.0.0.1:0\"\n[tls]\ncertificate = {certificate:?}\nprivate_key = {key:?}\n"
    );
    std::fs::write(&settings, text).unwrap();
    let log = std::fs::File::create(at("log")).unwrap();
    let child = command()
        .args(["serve", "--json", "--config"])
        .arg(&settings)
        .arg("--data-dir")
        .arg(&data)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(log)
        .spawn()
        .unwrap();
    let mut server = Server(child);
    let mut line = String::new();
    BufReader::new(server.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let ready: Value = serde_json::from_str(&line).unwrap();
    let url = ready["url"].as_str().unwrap().to_owned();
    assert!(url.starts_with("https://localhost:"), "{url}");
    assert_eq!(fetch(&url, &first, "--http1.1").as_deref(), Some("200 1.1"));
    assert_eq!(fetch(&url, &first, "--http2").as_deref(), Some("200 2"));
    let config = settings.to_str().unwrap();
    let doctor = run_on(&data, &["doctor", "--config", config]);
    let told = String::from_utf8(doctor.stdout).unwrap();
    assert!(told.contains("\u{2714} tls"), "{told}");

    // Half of a pair is not used, and the earlier one stays in use.
    let (second, second_key) = (at("second.pem"), at("second-key.pem"));
    make(&second, &second_key, "Second");
    std::fs::copy(&second, &certificate).unwrap();
    let log = || std::fs::read_to_string(at("log")).unwrap();
    eventually("the refusal of half a pair", 20, || log().contains("certificate is not used"));
    assert_eq!(fetch(&url, &first, "--http1.1").as_deref(), Some("200 1.1"));
    let doctor = run_on(&data, &["doctor", "--config", config]);
    assert_eq!(doctor.status.code(), Some(1));

    std::fs::copy(&second_key, &key).unwrap();
    eventually("the new certificate", 20, || fetch(&url, &second, "--http2").is_some());
    assert_eq!(fetch(&url, &first, "--http1.1"), None, "the earlier one is gone");
    assert!(log().contains("the certificate was reloaded"));
}
