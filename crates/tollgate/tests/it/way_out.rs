//! The way out to merchants' servers, as a real gateway takes it: which answers count, what hostile
//! receivers cost, proxies in the environment, and the settings about it.

use crate::app::{Gateway, Shop, command, eventually, folder, request_with, run_on};
use crate::house::House;
use crate::tls;
use domain::delivery::DeliveryState;
use engine::ports::Records as _;
use serde_json::json;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const YES: &str = "4012000033330026";

/// Status, `Retry-After` in seconds, where the delivery stands then, and the seconds until it is
/// tried again at the earliest and at the latest.
type Consequence = (u16, Option<u64>, DeliveryState, (u64, u64));

const ANSWERS: &[Consequence] = &[
    (200, None, DeliveryState::Delivered, (0, 0)),
    (201, None, DeliveryState::Delivered, (0, 0)),
    (202, Some(60), DeliveryState::Delivered, (0, 0)),
    (204, None, DeliveryState::Delivered, (0, 0)),
    (299, None, DeliveryState::Delivered, (0, 0)),
    (301, None, DeliveryState::Pending, (4, 6)),
    (302, None, DeliveryState::Pending, (4, 6)),
    (304, None, DeliveryState::Pending, (4, 6)),
    (307, None, DeliveryState::Pending, (4, 6)),
    (308, None, DeliveryState::Pending, (4, 6)),
    (400, None, DeliveryState::Pending, (4, 6)),
    (401, None, DeliveryState::Pending, (4, 6)),
    (403, None, DeliveryState::Pending, (4, 6)),
    (404, None, DeliveryState::Pending, (4, 6)),
    (408, None, DeliveryState::Pending, (4, 6)),
    (410, None, DeliveryState::Dead, (0, 0)),
    (429, Some(120), DeliveryState::Pending, (120, 120)),
    (429, Some(1), DeliveryState::Pending, (4, 6)),
    (500, None, DeliveryState::Pending, (4, 6)),
    (502, Some(30), DeliveryState::Pending, (30, 30)),
    (503, Some(300), DeliveryState::Pending, (300, 300)),
    (504, Some(60), DeliveryState::Pending, (60, 60)),
    // No longer than a day.
    (503, Some(9_999_999), DeliveryState::Pending, (86_400, 86_400)),
    (599, None, DeliveryState::Pending, (4, 6)),
];

#[tokio::test]
async fn every_status_has_its_consequence() {
    let (_folder, data) = folder();
    Gateway::start(&data).stop();
    let house = House::open(&data);
    let shop = house.terminal(42).await;
    let mut created = Vec::new();
    for (status, retry_after, ..) in ANSWERS {
        let after = retry_after.map(|seconds| format!("/{seconds}")).unwrap_or_default();
        created.push(house.create(&shop, YES, &format!("answers/{status}{after}")).await.id);
    }
    let before = house.now();
    let last = *created.last().unwrap();
    for _look in 0..100 {
        house.work(100).await;
        let history = house.store.history(last).await.unwrap().unwrap();
        if history.deliveries[0].attempts > 0 {
            break;
        }
    }
    let after = house.now();
    for ((status, retry_after, state, (least, most)), id) in ANSWERS.iter().zip(created) {
        let row = format!("{status} {retry_after:?}");
        let history = house.store.history(id).await.unwrap().unwrap();
        let [delivery] = history.deliveries.as_slice() else { panic!("{row}: {history:?}") };
        assert_eq!((delivery.state, delivery.attempts), (*state, 1), "{row}");
        let Some(next_at) = delivery.next_at else { continue };
        assert!(next_at >= before.plus(Duration::from_secs(*least)), "{row} {delivery:?}");
        assert!(next_at <= after.plus(Duration::from_secs(*most)), "{row} {delivery:?}");
    }
    house.close().await;
}

/// A receiver that counts connections and hangs up.
fn counting() -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            counted.fetch_add(1, Ordering::SeqCst);
            drop(stream);
        }
    });
    (address, count)
}

#[test]
fn proxies_of_the_environment_are_not_asked() {
    let (proxy, asked) = counting();
    let (secure, reached) = counting();
    let proxy = format!("http://{proxy}");
    let names =
        ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
    let mut variables: Vec<(&str, &str)> = names.iter().map(|name| (*name, &*proxy)).collect();
    variables.extend([("NO_PROXY", ""), ("no_proxy", "")]);
    let (_folder, data) = folder();
    let gateway = Gateway::start_with(&data, &variables);
    let shop = Shop::open();
    let plain = request_with("plain", json!({"webhook_url": shop.url, "ccno": YES}));
    let plain = gateway.post(&plain).id();
    let hook = format!("https://{secure}/hook");
    gateway.post(&request_with("secure", json!({"webhook_url": hook, "ccno": YES}))).id();
    shop.webhook_of(&plain);
    eventually("a connection for https", 20, || reached.load(Ordering::SeqCst) > 0);
    assert_eq!(asked.load(Ordering::SeqCst), 0);
    // Others do ask it, with the same variables.
    let others = Command::new("curl")
        .args(["--silent", "--max-time", "5", &shop.url])
        .envs(variables.iter().copied())
        .stdout(Stdio::null())
        .status()
        .unwrap();
    assert!(!others.success());
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

/// How a hostile receiver answers; its path says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hostile {
    DrippingHead,
    DrippingBody,
    Endless,
    Bomb,
}

impl Hostile {
    const ALL: [Self; 4] = [Self::DrippingHead, Self::DrippingBody, Self::Endless, Self::Bomb];

    /// How many bodies of this kind come at once.
    const EACH: usize = 8;

    fn path(self) -> &'static str {
        match self {
            Self::DrippingHead => "dripping-head",
            Self::DrippingBody => "dripping-body",
            Self::Endless => "endless",
            Self::Bomb => "bomb",
        }
    }

    /// Answers until the other side hangs up.
    fn answer(self, stream: &mut TcpStream, bomb: &[u8]) -> std::io::Result<()> {
        let drip = |stream: &mut TcpStream| {
            loop {
                stream.write_all(b"x")?;
                // Hears of the other side's end, or that a second has passed.
                match stream.read(&mut [0; 64]) {
                    Ok(0) => return Ok(()),
                    Ok(_) => {}
                    Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                    Err(error) => return Err(error),
                }
            }
        };
        match self {
            Self::DrippingHead => {
                stream.write_all(b"HTTP/1.1 200 OK\r\nx-slow: ")?;
                drip(stream)
            }
            Self::DrippingBody => {
                stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 9999\r\n\r\n")?;
                drip(stream)
            }
            Self::Endless => {
                stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\n")?;
                let piece = vec![b'x'; 100_000];
                (0..10_000).try_for_each(|_piece| stream.write_all(&piece))
            }
            Self::Bomb => {
                let length = bomb.len();
                write!(stream, "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\n")?;
                write!(stream, "content-type: text/plain\r\ncontent-length: {length}\r\n\r\n")?;
                stream.write_all(bomb)?;
                drip(stream)
            }
        }
    }
}

/// For each connection of a hostile receiver: which, and how long it was kept.
type Kept = Arc<Mutex<Vec<(Hostile, Duration)>>>;

fn hostile_receiver() -> (String, Kept) {
    // 200 MB that are 200 kB to carry.
    let made =
        Command::new("sh").args(["-c", "head -c 200000000 /dev/zero | gzip -6"]).output().unwrap();
    let bomb = Arc::new(made.stdout);
    assert!(bomb.len() > 100_000 && bomb.len() < 1_000_000, "{}", bomb.len());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let kept = Kept::default();
    let told = Arc::clone(&kept);
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let (told, bomb) = (Arc::clone(&told), Arc::clone(&bomb));
            std::thread::spawn(move || {
                let began = Instant::now();
                let mut head = [0; 4096];
                let read = stream.read(&mut head).unwrap();
                let path = String::from_utf8_lossy(&head[..read]).into_owned();
                let kind =
                    Hostile::ALL.into_iter().find(|kind| path.contains(kind.path())).unwrap();
                stream.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
                let _hung_up = kind.answer(&mut stream, &bomb);
                told.lock().unwrap().push((kind, began.elapsed()));
            });
        }
    });
    (url, kept)
}

/// A figure of a process's memory, in KiB.
fn memory(pid: u32, figure: &str) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with(figure)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn hostile_receivers_cost_five_seconds_and_little_memory() {
    let (_folder, data) = folder();
    let gateway = Gateway::start_at_level(&data, "info");
    let pid = gateway.child.id();
    let shop = Shop::open();
    let posts = Hostile::ALL.len() * Hostile::EACH;
    let pay = |name: &str, url: &str| {
        let payment = request_with(name, json!({"webhook_url": url, "ccno": YES}));
        gateway.post(&payment).id()
    };
    for number in 0..posts * 4 {
        pay(&format!("warm {number}"), &shop.url);
    }
    shop.wait_for("all of the warm-up", 20, |list| list.len() == posts * 4);
    let before = memory(pid, "VmRSS");
    // The peak is measured from here on (proc(5), clear_refs).
    std::fs::write(format!("/proc/{pid}/clear_refs"), "5").unwrap();

    let (url, kept) = hostile_receiver();
    for number in 0..Hostile::EACH {
        for kind in Hostile::ALL {
            pay(&format!("{kind:?} {number}"), &format!("{url}/{}", kind.path()));
        }
    }
    let began = Instant::now();
    let neighbour = pay("neighbour", &shop.url);
    shop.webhook_of(&neighbour);
    assert!(began.elapsed() < Duration::from_secs(4), "others wait: {:?}", began.elapsed());
    eventually("the end of all hostile answers", 20, || kept.lock().unwrap().len() >= posts);
    // Five seconds, and on a busy machine some more.
    for (kind, took) in &kept.lock().unwrap()[..posts] {
        let most = match kind {
            Hostile::DrippingHead | Hostile::DrippingBody => 8,
            Hostile::Endless | Hostile::Bomb => 4,
        };
        assert!(*took < Duration::from_secs(most), "{kind:?} was kept for {took:?}");
    }
    let growth = memory(pid, "VmHWM").saturating_sub(before);
    println!("{posts} hostile answers: {growth} KiB above {before} KiB");
    assert!(growth < posts * 1024, "{growth} KiB for {posts} answers");
}

#[test]
fn a_client_certificate_that_cannot_be_used_is_refused_at_the_start() {
    let (parent, data) = folder();
    let at = |name: &str| parent.path().join(name);
    let (certificate, key, other) = (at("us.pem"), at("us.key"), at("other.key"));
    tls::make(&certificate, &key, "Gateway");
    tls::make(&at("other.pem"), &other, "Other");
    let set_mode = |path: &Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    let serve = |key: &Path| {
        let settings = at("tollgate.toml");
        let text = format!(
            "listen = \"127.0.0.1:0\"\n[webhooks]\nclient_certificate = {certificate:?}\n\
             client_key = {key:?}\ndeny = [\"*.rival.example\"]\n"
        );
        std::fs::write(&settings, text).unwrap();
        let config = settings.to_str().unwrap().to_owned();
        let mut child = command()
            .args(["serve", "--json", "--config", &config, "--data-dir"])
            .arg(&data)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut first = [0; 1];
        // Either it is ready, or it has ended.
        if child.stdout.take().unwrap().read(&mut first).unwrap() > 0 {
            child.kill().unwrap();
        }
        let ended = child.wait_with_output().unwrap();
        let doctor = run_on(&data, &["doctor", "--config", &config]);
        let doctor = String::from_utf8(doctor.stdout).unwrap();
        (ended.status.code(), String::from_utf8(ended.stderr).unwrap(), doctor)
    };
    let names = "webhooks.client_certificate and webhooks.client_key: ";
    set_mode(&key, 0o640);
    let open = format!("{names}others can read the private key {} (mode 0640)", key.display());
    set_mode(&other, 0o600);
    let missing = at("missing.key");
    let cases = [
        (&key, open),
        (&missing, format!("{names}{}: No such file", missing.display())),
        (
            &other,
            format!("{names}{} and {} cannot be used: ", certificate.display(), other.display()),
        ),
    ];
    for (key, expected) in cases {
        let (code, told, doctor) = serve(key);
        assert_eq!(code, Some(3), "{told}");
        assert!(told.contains(&expected), "{told}");
        assert!(doctor.contains("\u{2718} way out") && doctor.contains(&expected), "{doctor}");
    }
    set_mode(&key, 0o600);
    let (code, told, doctor) = serve(&key);
    assert_eq!(code, None, "it was running, and was killed: {told}");
    let found = "webhooks may go anywhere on the internet; never to *.rival.example; with a client \
                 certificate";
    assert!(doctor.contains("\u{2714} way out") && doctor.contains(found), "{doctor}");
}
