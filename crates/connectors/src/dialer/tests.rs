use super::*;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::time::Instant;

pub(super) const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// A server that gives every request the same answer and counts what reaches it.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) connections: AtomicUsize,
    requests: AtomicUsize,
    closed: AtomicUsize,
    last: Mutex<String>,
}

impl Counts {
    pub(super) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    pub(super) fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}

async fn receiver(answer: &'static str, drip: bool) -> (u16, Arc<Counts>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let counts = Arc::new(Counts::default());
    let counting = Arc::clone(&counts);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            counting.connections.fetch_add(1, Ordering::SeqCst);
            stream.set_nodelay(true).unwrap();
            tokio::spawn(serve(stream, answer, drip, Arc::clone(&counting)));
        }
    });
    (port, counts)
}

pub(super) async fn serve<S>(mut stream: S, answer: &'static str, drip: bool, counts: Arc<Counts>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    while let Some(request) = read_request(&mut stream).await {
        counts.requests.fetch_add(1, Ordering::SeqCst);
        *counts.last.lock().unwrap() = request;
        if stream.write_all(answer.as_bytes()).await.is_err() {
            break;
        }
        while drip && stream.write_all(b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
    counts.closed.fetch_add(1, Ordering::SeqCst);
}

async fn read_request<S: AsyncRead + Unpin>(stream: &mut S) -> Option<String> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.split("content-length: ").nth(1)?.split("\r\n").next()?;
            if body.len() >= length.parse::<usize>().ok()? {
                return Some(text.into_owned());
            }
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
}

pub(super) fn open(allow_private: bool) -> Destinations {
    Destinations { allow_private, ..Destinations::default() }
}

fn dialer(allow_private: bool) -> GuardedDialer {
    let settings =
        DialerSettings { destinations: open(allow_private), ..DialerSettings::default() };
    GuardedDialer::new(&settings).unwrap()
}

fn hasty() -> GuardedDialer {
    let exchange_timeout = Duration::from_millis(300);
    let settings =
        DialerSettings { destinations: open(true), exchange_timeout, ..DialerSettings::default() };
    GuardedDialer::new(&settings).unwrap()
}

pub(super) async fn post(dialer: &GuardedDialer, url: &str) -> PostResult {
    post_as(dialer, url, Mode::Test).await
}

pub(super) async fn post_as(dialer: &GuardedDialer, url: &str, mode: Mode) -> PostResult {
    let headers = [("content-type", "application/json".to_owned())];
    let webhook_id = "msg_417823250426141606_1";
    dialer.post(Post { webhook_id, url, headers: &headers, body: "{\"a\":1}", mode }).await
}

pub(super) fn failed(failure: Failure) -> PostResult {
    PostResult::Failed(failure.to_string())
}

/// As [`OK`] and its like answer.
pub(super) fn answered(status: u16) -> PostResult {
    let body = if status == 200 { "ok".to_owned() } else { String::new() };
    PostResult::Answered { status, retry_after: None, body }
}

fn body(result: PostResult) -> String {
    match result {
        PostResult::Answered { body, .. } => body,
        PostResult::Failed(why) => panic!("no answer: {why}"),
    }
}

#[tokio::test]
async fn posts_the_body_and_reuses_the_connection() {
    let (port, counts) = receiver(OK, false).await;
    let dialer = dialer(true);
    for _ in 0..5 {
        let url = format!("http://127.0.0.1:{port}/hook?x=1#fragment");
        assert_eq!(post(&dialer, &url).await, answered(200));
    }
    assert_eq!((counts.connections(), counts.requests()), (1, 5));
    let request = counts.last.lock().unwrap().clone();
    assert!(request.starts_with("POST /hook?x=1 HTTP/1.1\r\n"), "{request}");
    assert!(request.contains(&format!("host: 127.0.0.1:{port}\r\n")), "{request}");
    assert!(request.contains("content-type: application/json\r\n"), "{request}");
    assert!(request.contains("user-agent: Tollgate/0.1.0\r\n"), "{request}");
    assert!(request.ends_with("\r\n\r\n{\"a\":1}"), "{request}");
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    let (inside, reached) = receiver(OK, false).await;
    for status in [301, 302, 303, 307, 308] {
        let head = format!("HTTP/1.1 {status} Go\r\nlocation: http://127.0.0.1:{inside}/\r\n");
        let answer = format!("{head}content-length: 0\r\n\r\n").leak();
        let (port, counts) = receiver(answer, false).await;
        let url = format!("http://127.0.0.1:{port}/");
        assert_eq!(post(&dialer(true), &url).await, answered(status));
        assert_eq!(counts.requests(), 1);
    }
    assert_eq!(reached.connections(), 0);
}

#[tokio::test]
async fn reads_retry_after_in_seconds_only() {
    for (value, expected) in [
        ("120", Some(120)),
        (" 7 ", Some(7)),
        ("Fri, 31 Dec 1999 23:59:59 GMT", None),
        ("-1", None),
        ("+1", None),
        ("", None),
        ("99999999999999999999999", None),
    ] {
        let answer =
            format!("HTTP/1.1 503 Busy\r\nretry-after: {value}\r\ncontent-length: 0\r\n\r\n");
        let (port, _counts) = receiver(answer.leak(), false).await;
        let result = post(&dialer(true), &format!("http://127.0.0.1:{port}/")).await;
        let body = String::new();
        assert_eq!(result, PostResult::Answered { status: 503, retry_after: expected, body });
    }
}

#[tokio::test]
async fn a_dripping_body_is_let_go_at_the_deadline() {
    let (port, counts) = receiver("HTTP/1.1 200 OK\r\ncontent-length: 9999\r\n\r\n", true).await;
    let begun = Instant::now();
    let told = body(post(&hasty(), &format!("http://127.0.0.1:{port}/")).await);
    // What came in time.
    assert!(told.starts_with("xxx") && told.trim_matches('x').is_empty(), "{told}");
    let took = begun.elapsed();
    assert!(took >= Duration::from_millis(290) && took < Duration::from_secs(2), "{took:?}");
    tokio::time::timeout(Duration::from_secs(2), async {
        while counts.closed.load(Ordering::SeqCst) == 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await
    .expect("the connection is closed");
}

#[tokio::test]
async fn a_body_without_end_is_let_go_at_the_limit() {
    let head = "HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\n";
    let answer = format!("{head}{}", "x".repeat(1_000_000)).leak();
    let (port, counts) = receiver(answer, true).await;
    let begun = Instant::now();
    let told = body(post(&dialer(true), &format!("http://127.0.0.1:{port}/")).await);
    assert_eq!(told, "x".repeat(TOLD_AT_MOST));
    assert!(begun.elapsed() < Duration::from_secs(2));
    assert_eq!(counts.requests(), 1);
}

#[test]
fn the_beginning_of_a_body_is_text_that_harms_nobody() {
    assert_eq!(harmless(b""), "");
    assert_eq!(harmless("a\tb\r\nç €".as_bytes()), "a\tb\u{fffd}\nç €");
    assert_eq!(harmless(b"\x1b[2J\0\x7f\xc2\x9b1m"), "\u{fffd}[2J\u{fffd}\u{fffd}\u{fffd}1m");
    assert_eq!(harmless("\u{202e}gpj\u{2066}\u{2028}".as_bytes()), "\u{fffd}gpj\u{fffd}\u{fffd}");
    assert_eq!(harmless(&[0xff, 0xfe, b'a']), "\u{fffd}\u{fffd}a");
    // Cut where a character ends, wherever the limit falls in it, and never with a half one.
    for letter in ["a", "ç", "€", "😀"] {
        for shift in 0..4 {
            let text = "x".repeat(shift) + &letter.repeat(TOLD_AT_MOST + LONGEST_CHARACTER);
            let begun = &text.as_bytes()[..TOLD_AT_MOST + LONGEST_CHARACTER];
            let told = harmless(begun);
            assert!(
                told.len() <= TOLD_AT_MOST && told.len() > TOLD_AT_MOST - 4,
                "{letter} {shift}"
            );
            assert!(text.starts_with(&told), "{letter} {shift}");
        }
    }
    let binary = harmless(&[0xff; TOLD_AT_MOST + LONGEST_CHARACTER]);
    assert_eq!(binary.len(), TOLD_AT_MOST / 3 * 3);
}

#[test]
fn this_machines_addresses_are_known() {
    assert!(is_own("127.0.0.1:9".parse().unwrap()) && is_own("[::1]:9".parse().unwrap()));
    assert!(!is_own("127.0.0.2:9".parse().unwrap()) && !is_own("192.0.2.1:9".parse().unwrap()));
}

#[tokio::test]
async fn a_dripping_head_is_let_go_at_the_deadline() {
    let (port, counts) = receiver("HTTP/1.1 200 OK\r\nx: ", true).await;
    let begun = Instant::now();
    let result = post(&hasty(), &format!("http://127.0.0.1:{port}/")).await;
    assert_eq!(result, failed(Failure::TimedOut));
    assert!(begun.elapsed() < Duration::from_secs(2));
    assert_eq!(counts.requests(), 1);
}

/// A port whose queue of connections is full, so that it never answers another.
async fn full_port() -> (u16, Vec<TcpStream>, TcpListener) {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(0).unwrap();
    let address = listener.local_addr().unwrap();
    let mut waiting = Vec::new();
    let patience = Duration::from_millis(200);
    while let Ok(Ok(stream)) = tokio::time::timeout(patience, TcpStream::connect(address)).await {
        waiting.push(stream);
    }
    (address.port(), waiting, listener)
}

#[tokio::test]
async fn connecting_takes_three_seconds_of_the_five_at_most() {
    let (port, _waiting, _listener) = full_port().await;
    let begun = Instant::now();
    let result = post(&dialer(true), &format!("http://127.0.0.1:{port}/")).await;
    assert_eq!(result, failed(Failure::TimedOut));
    let took = begun.elapsed();
    assert!(took >= CONNECT_AT_MOST && took < Duration::from_millis(4500), "{took:?}");
}

#[tokio::test]
async fn a_silent_receiver_times_out() {
    for begin in ["", "HTTP/1.1 200 OK\r\nx: "] {
        let (port, _counts) = receiver(begin, false).await;
        let begun = Instant::now();
        let result = post(&hasty(), &format!("http://127.0.0.1:{port}/")).await;
        assert_eq!(result, failed(Failure::TimedOut));
        assert!(begun.elapsed() < Duration::from_secs(2));
    }
    // Accepts TCP and never says a word of TLS.
    let (port, _counts) = receiver("", false).await;
    let result = post(&hasty(), &format!("https://127.0.0.1:{port}/")).await;
    assert_eq!(result, failed(Failure::TimedOut));
}

#[tokio::test]
async fn no_answer_has_a_uniform_reason() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let closed = listener.local_addr().unwrap().port();
    drop(listener);
    let result = post(&dialer(true), &format!("http://127.0.0.1:{closed}/")).await;
    assert_eq!(result, failed(Failure::NoConnection));
    let port = mail_server().await;
    let url = format!("http://127.0.0.1:{port}/");
    assert_eq!(post(&dialer(true), &url).await, failed(Failure::NoAnswer));
    let url = format!("https://127.0.0.1:{port}/");
    assert_eq!(post(&dialer(true), &url).await, failed(Failure::Tls));
    let result = post(&dialer(true), "http://no-such-name.invalid/").await;
    assert_eq!(result, failed(Failure::NoName));
}

async fn mail_server() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            stream.write_all(b"220 mail.example ESMTP\r\n").await.unwrap();
            let mut bytes = Vec::new();
            while stream.read_buf(&mut bytes).await.is_ok_and(|read| read > 0) {}
        }
    });
    port
}

/// Ways to write an address that must not be reached; `P` is a port that listens.
const FORBIDDEN: &[&str] = &[
    "http://127.0.0.1:P/",
    "https://127.0.0.1:P/",
    "http://127.0.0.2:P/",
    "http://127.1:P/",
    "http://127.0.1:P/",
    "http://0x7f000001:P/",
    "http://0x7f.0.0.1:P/",
    "http://2130706433:P/",
    "http://017700000001:P/",
    "http://0177.0.0.1:P/",
    "http://127.0.0.1.:P/",
    "http://\u{2460}\u{2461}\u{2466}.\u{24ea}.\u{24ea}.\u{2460}:P/",
    "http://127\u{3002}0\u{3002}0\u{3002}1:P/",
    "http://%31%32%37.0.0.1:P/",
    "http://0:P/",
    "http://0.0.0.0:P/",
    "http://localhost:P/",
    "http://LOCALHOST:P/",
    "http://[::1]:P/",
    "http://[0:0:0:0:0:0:0:1]:P/",
    "http://[::]:P/",
    "http://[::ffff:127.0.0.1]:P/",
    "http://[::ffff:7f00:1]:P/",
    "http://[0:0:0:0:0:ffff:7f00:0001]:P/",
    "http://[::127.0.0.1]:P/",
    "http://[::ffff:0:127.0.0.1]:P/",
    "http://[64:ff9b::7f00:1]:P/",
    "http://[64:ff9b:1::7f00:1]:P/",
    "http://[2002:7f00:1::]:P/",
    "http://[2001:0:7f00:1::]:P/",
    "http://[fd00:ec2::254]:P/",
    "http://[fe80::1]:P/",
    "http://[fec0::1]:P/",
    "http://[ff02::1]:P/",
    "http://[100::1]:P/",
    "http://[5f00::1]:P/",
    "http://10.0.0.1:P/",
    "http://100.64.0.1:P/",
    "http://169.254.169.254/latest/meta-data/",
    "http://2852039166/latest/meta-data/",
    "http://[::ffff:169.254.169.254]/",
    "http://172.16.0.1:P/",
    "http://192.168.0.1:P/",
    "http://192.0.0.1:P/",
    "http://192.0.2.1:P/",
    "http://192.88.99.1:P/",
    "http://198.18.0.1:P/",
    "http://198.51.100.1:P/",
    "http://203.0.113.1:P/",
    "http://224.0.0.1:P/",
    "http://240.0.0.1:P/",
    "http://255.255.255.255:P/",
];

#[tokio::test]
async fn no_way_to_write_a_private_address_reaches_it() {
    let (port, counts) = receiver(OK, false).await;
    let guarded = dialer(false);
    for form in FORBIDDEN {
        let url = form.replace('P', &port.to_string());
        let begun = Instant::now();
        assert_eq!(post(&guarded, &url).await, failed(Failure::NotAllowed), "{url}");
        assert!(begun.elapsed() < Duration::from_secs(1), "{url}");
    }
    // Some resolvers know this name with its dot and some do not.
    let result = post(&guarded, &format!("http://localhost.:{port}/")).await;
    assert!([failed(Failure::NotAllowed), failed(Failure::NoName)].contains(&result));
    assert_eq!(counts.connections(), 0);
}

#[tokio::test]
async fn private_addresses_are_reached_when_allowed() {
    let (port, counts) = receiver(OK, false).await;
    let open = dialer(true);
    for form in ["127.0.0.1", "127.1", "0x7f000001", "localhost", "[::ffff:127.0.0.1]"] {
        let url = format!("http://{form}:{port}/");
        assert_eq!(post(&open, &url).await, answered(200), "{url}");
    }
    assert_eq!(counts.requests(), 5);
    // Where clouds keep credentials stays shut all the same.
    for host in ["169.254.169.254", "[fe80::1]", "0.0.0.0", "[::]", "224.0.0.1"] {
        let url = format!("http://{host}:{port}/");
        assert_eq!(post(&open, &url).await, failed(Failure::NotAllowed), "{url}");
    }
}

#[tokio::test]
async fn other_addresses_are_refused_before_anything_is_resolved() {
    let stub = Arc::new(Stub::default());
    let guarded = with_stub(&DialerSettings::default(), &stub);
    for (url, mode, failure) in [
        ("http://shop.example/", Mode::Live, Failure::NotHttps),
        ("ftp://shop.example/", Mode::Test, Failure::Invalid),
        ("file:///etc/passwd", Mode::Test, Failure::Invalid),
        ("gopher://shop.example/", Mode::Live, Failure::Invalid),
        ("shop.example", Mode::Test, Failure::Invalid),
        ("", Mode::Test, Failure::Invalid),
        ("https://user@shop.example/", Mode::Test, Failure::Invalid),
        ("https://:pass@shop.example/", Mode::Test, Failure::Invalid),
        ("http://[fe80::1%25eth0]/", Mode::Test, Failure::Invalid),
        ("http://shop.example:22/", Mode::Test, Failure::NotAllowed),
        ("http://shop.example:25/", Mode::Test, Failure::NotAllowed),
        ("https://shop.example:0/", Mode::Test, Failure::NotAllowed),
        ("https://shop.example:1023/", Mode::Live, Failure::NotAllowed),
    ] {
        assert_eq!(post_as(&guarded, url, mode).await, failed(failure), "{url}");
    }
    assert_eq!(stub.asked.load(Ordering::SeqCst), 0);
    for url in ["http://shop.example:1024/", "http://shop.example:443/"] {
        assert_eq!(post(&guarded, url).await, failed(Failure::NoName), "{url}");
    }
    assert_eq!(stub.asked.load(Ordering::SeqCst), 2);
}

/// A name server that answers differently each time, with no time to live.
#[derive(Debug, Default)]
struct Stub {
    answers: Mutex<Vec<Vec<IpAddr>>>,
    asked: AtomicUsize,
}

#[async_trait]
impl Names for Stub {
    async fn addresses(&self, _host: String, port: u16) -> io::Result<Vec<SocketAddr>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let next = self.answers.lock().unwrap().pop().unwrap_or_default();
        Ok(next.into_iter().map(|ip| SocketAddr::new(ip, port)).collect())
    }
}

fn with_stub(settings: &DialerSettings, stub: &Arc<Stub>) -> GuardedDialer {
    let names: Arc<Stub> = Arc::clone(stub);
    GuardedDialer::with_names(settings, names).unwrap()
}

#[tokio::test]
async fn only_a_judged_address_is_dialled() {
    let (port, counts) = receiver(OK, false).await;
    let metadata: IpAddr = "169.254.169.254".parse().unwrap();
    let loopback: IpAddr = "127.0.0.1".parse().unwrap();
    let unused: IpAddr = "127.9.9.9".parse().unwrap();
    let settings = DialerSettings { destinations: open(true), ..DialerSettings::default() };
    let url = format!("http://shop.example:{port}/");
    let with = |answers| {
        let stub = Arc::new(Stub { answers: Mutex::new(answers), asked: AtomicUsize::new(0) });
        (with_stub(&settings, &stub), stub)
    };
    // Mixed records: the forbidden one is passed over, a dead one too.
    let (mixed, stub) = with(vec![vec![metadata, unused, loopback]]);
    assert_eq!(post(&mixed, &url).await, answered(200));
    assert_eq!(stub.asked.load(Ordering::SeqCst), 1);
    // Rebinding: what the second answer would be does not matter, for there is no second question.
    let (rebound, stub) = with(vec![vec![loopback], vec![metadata]]);
    assert_eq!(post(&rebound, &url).await, failed(Failure::NotAllowed));
    assert_eq!(stub.asked.load(Ordering::SeqCst), 1);
    assert_eq!(counts.connections(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_posts_share_few_connections() {
    let (port, counts) = receiver(OK, false).await;
    let dialer = Arc::new(dialer(true));
    let url: Arc<str> = format!("http://127.0.0.1:{port}/").into();
    let begun = Instant::now();
    let mut posting = tokio::task::JoinSet::new();
    for _ in 0..64 {
        let (dialer, url) = (Arc::clone(&dialer), Arc::clone(&url));
        posting.spawn(async move {
            for _ in 0..100 {
                assert_eq!(post(&dialer, &url).await, answered(200));
            }
        });
    }
    while let Some(ended) = posting.join_next().await {
        ended.unwrap();
    }
    println!("6400 posts took {:?}", begun.elapsed());
    assert_eq!(counts.requests(), 6400);
    assert!(counts.connections() <= 128, "{}", counts.connections());
}
