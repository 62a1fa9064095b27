#![expect(clippy::disallowed_methods, reason = "servers that stall, on threads of their own")]

use super::*;
use crate::bench::work::{Till, Work};
use std::io::{Read as _, Write as _};
use std::net::{TcpListener as StdListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
const SECOND: Duration = Duration::from_secs(1);

/// A server that answers as it is told, by the number of the request; nothing hangs up.
fn server(answers: impl Fn(u64) -> Option<String> + Send + Sync + 'static) -> SocketAddr {
    let listener = StdListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (answers, number) = (Arc::new(answers), Arc::new(AtomicU64::new(0)));
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (answers, number) = (Arc::clone(&answers), Arc::clone(&number));
            std::thread::spawn(move || serve(stream.unwrap(), &*answers, &number));
        }
    });
    address
}

fn serve(mut stream: TcpStream, answers: &dyn Fn(u64) -> Option<String>, number: &AtomicU64) {
    stream.set_nodelay(true).unwrap();
    let mut buffer = [0; 8192];
    // The requests of these tests have no body, and arrive whole.
    while matches!(stream.read(&mut buffer), Ok(read) if read > 0) {
        let Some(answer) = answers(number.fetch_add(1, Ordering::Relaxed)) else { return };
        if stream.write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

fn group(target: SocketAddr, clients: usize, pace: Pace) -> Group {
    group_of(Kind::Health, target, clients, pace)
}

fn group_of(kind: Kind, target: SocketAddr, clients: usize, pace: Pace) -> Group {
    let work = Work::Only(kind);
    let requests = Requests::new(work, 1, &[Till::demo()], "http://127.0.0.1:1/", Arc::new([]));
    Group { targets: vec![target], clients, pace, requests }
}

fn run(group: Group, patience: Duration) -> Measured {
    let mut generator = Generator::new().unwrap();
    generator.patience = patience;
    let warm_up = Duration::from_millis(100);
    generator.run(vec![group], warm_up, SECOND).unwrap().pop().unwrap()
}

/// All requests of this server wait while one of them stalls for so long.
fn stalls_at(number: u64, stall: Duration) -> SocketAddr {
    let turn = std::sync::Mutex::new(());
    server(move |now| {
        let _turn = turn.lock().unwrap();
        if now == number {
            std::thread::sleep(stall);
        }
        Some(OK.to_owned())
    })
}

#[test]
fn an_open_loop_counts_what_had_to_wait() {
    // 500 a second for a second: a stall of 200 ms makes about 100 of them late, a fifth.
    let target = stalls_at(200, Duration::from_millis(200));
    let open = run(group(target, 2, Pace::Open { per_second: 500 }), PATIENCE);
    assert_eq!((open.errors, open.unsent), (0, 0), "{:?}", open.first_error);
    assert_eq!(open.latencies().count(), 500, "whatever was due counts");
    let p99 = open.latencies().per_mille(990);
    assert!(p99 >= 150_000, "{p99}");
    // By their own clocks only the two that were under way were late: two of some thousands.
    let target = stalls_at(200, Duration::from_millis(200));
    let closed = run(group(target, 2, Pace::Closed), PATIENCE);
    assert_eq!(closed.errors, 0);
    let late = closed.latencies().per_mille(1000);
    assert!(late >= 190_000, "{late}");
}

#[test]
fn errors_are_counted_and_not_hidden_among_the_answers() {
    let target = server(|number| {
        let wrong = number.is_multiple_of(10);
        let refusal = "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 4\r\n\r\nbusy";
        Some(if wrong { refusal.to_owned() } else { OK.to_owned() })
    });
    let measured = run(group(target, 4, Pace::Closed), PATIENCE);
    let answered = measured.done_in_all;
    assert!(measured.errors >= answered / 9 - 4 && measured.errors <= answered / 9 + 4);
    assert_eq!(measured.requests, answered + measured.errors);
    let first = measured.first_error.unwrap();
    assert_eq!(first, "Health (First) was answered 503: busy");
}

#[test]
fn payments_that_there_was_no_room_for_are_neither_errors_nor_payments() {
    let target = server(|number| {
        let made =
            "HTTP/1.1 200 OK\r\ncontent-length: 32\r\n\r\n{\"transID\":\"200101000000000001\"}";
        let refusal = "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 4\r\n\r\nbusy";
        Some(if number.is_multiple_of(4) { refusal } else { made }.to_owned())
    });
    let measured = run(group_of(Kind::Create, target, 1, Pace::Closed), PATIENCE);
    assert_eq!(measured.errors, 0, "{:?}", measured.first_error);
    let (made, away) = (measured.latencies().count(), measured.turned_away.count());
    assert!(away > 10 && (away * 3).abs_diff(made) <= 4, "{away} turned away, {made} made");
}

#[test]
fn who_is_told_to_come_again_later_does_so() {
    let target = server(|_number| {
        let refusal = "HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\n\
                       content-length: 4\r\n\r\nbusy";
        Some(refusal.to_owned())
    });
    let measured = run(group_of(Kind::Create, target, 3, Pace::Closed), PATIENCE);
    // In 1.1 s each of them comes at the beginning and after a second; the first time is warm-up.
    assert_eq!((measured.errors, measured.requests), (0, 6), "{:?}", measured.first_error);
    assert_eq!(measured.turned_away.count(), 3);
}

#[test]
fn a_connection_that_is_closed_under_a_request_is_an_error_and_is_opened_again() {
    let target = server(|number| (number != 50).then(|| OK.to_owned()));
    let measured = run(group(target, 1, Pace::Closed), PATIENCE);
    assert_eq!(measured.errors, 1, "{:?}", measured.first_error);
    assert_eq!(measured.first_error.unwrap(), "Health (First): the connection was closed");
    assert!(measured.done_in_all > 51, "it went on: {}", measured.done_in_all);
}

#[test]
fn what_is_never_sent_or_answered_is_told() {
    let target = server(|number| {
        if number >= 20 {
            // Longer than anybody waits in this test.
            std::thread::sleep(Duration::from_mins(1));
        }
        Some(OK.to_owned())
    });
    let pace = Pace::Open { per_second: 200 };
    let measured = run(group(target, 1, pace), Duration::from_millis(300));
    assert_eq!(measured.errors, 1, "the one that is under way");
    assert_eq!(measured.unsent, 220 - 21, "of 1.1 seconds");
    assert!(measured.latencies().per_mille(500) >= 500_000, "their waiting counts");
    assert!(measured.first_error.unwrap().contains("was not answered in 300ms"));
}

#[test]
fn a_gateway_that_is_not_there_is_an_error() {
    let listener = StdListener::bind("127.0.0.1:0").unwrap();
    let target = listener.local_addr().unwrap();
    drop(listener);
    let generator = Generator::new().unwrap();
    let group = group(target, 1, Pace::Closed);
    let refused = generator.run(vec![group], Duration::ZERO, SECOND).unwrap_err();
    assert!(refused.contains("was not reached"), "{refused}");
}

#[test]
fn long_answers_in_pieces_are_read_whole() {
    let target = server(|_number| {
        let body = "x".repeat(100_000);
        Some(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len()))
    });
    let measured = run(group(target, 3, Pace::Closed), PATIENCE);
    assert!(measured.errors == 0 && measured.done_in_all > 10, "{measured:?}");
}
