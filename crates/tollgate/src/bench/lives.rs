//! Whole lives of payments: create, open the challenge, pass it, webhook received.
#![expect(clippy::future_not_send, reason = "all clients share one thread")]

use super::http::{self, Connection};
use super::load::{Measured, Window, find, micros, reference};
use super::receiver;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::LocalSet;
use tokio::time::Instant;

/// How long the last webhooks are waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// What clients and receiver share; all of them run on one thread.
#[derive(Default)]
struct Board {
    /// Payments that wait for their webhook, by `transID`.
    began: BTreeMap<Vec<u8>, Instant>,
    latencies: Vec<u32>,
    errors: u64,
    in_all: u64,
}

/// Returns the figures, and how many lives there were, the warm-up's included.
pub(super) async fn run(
    target: SocketAddr,
    clients: usize,
    warm_up: Duration,
    duration: Duration,
) -> Result<(Measured, u64), String> {
    let local = LocalSet::new();
    local
        .run_until(async move {
            let text = |error: std::io::Error| error.to_string();
            let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(text)?;
            let hook = format!("http://{}/hook", listener.local_addr().map_err(text)?);
            let board = Rc::new(RefCell::new(Board::default()));
            let window = Window::new(warm_up, duration);
            let heard = Rc::clone(&board);
            let hears = move |request: &[u8]| hear(&mut heard.borrow_mut(), request, window);
            let receiver = tokio::task::spawn_local(receiver::serve(listener, hears));
            let running: Vec<_> = (0..clients)
                .map(|client| {
                    let board = Rc::clone(&board);
                    let hook = hook.clone();
                    tokio::task::spawn_local(live(target, client, hook, board, window))
                })
                .collect();
            for client in running {
                client.await.map_err(|error| error.to_string())?.map_err(text)?;
            }
            let patience = Instant::now() + PATIENCE;
            while !board.borrow().began.is_empty() && Instant::now() < patience {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            receiver.abort();
            let mut board = board.borrow_mut();
            let missing = u64::try_from(board.began.len()).unwrap_or(u64::MAX);
            let errors = board.errors.saturating_add(missing);
            let latencies = std::mem::take(&mut board.latencies);
            let in_all = board.in_all;
            Ok((Measured::new(latencies, errors, in_all, duration), in_all))
        })
        .await
}

async fn live(
    target: SocketAddr,
    number: usize,
    hook: String,
    board: Rc<RefCell<Board>>,
    window: Window,
) -> std::io::Result<()> {
    let mut connection = Connection::open(target).await?;
    for round in 1_u64.. {
        let began = Instant::now();
        if began >= window.until {
            break;
        }
        if !one_life(&mut connection, &reference(number, round), &hook, &board, began).await? {
            let mut board = board.borrow_mut();
            board.errors = board.errors.saturating_add(1);
        }
    }
    Ok(())
}

async fn one_life(
    connection: &mut Connection,
    reference: &str,
    hook: &str,
    board: &Rc<RefCell<Board>>,
    began: Instant,
) -> std::io::Result<bool> {
    let created =
        connection.exchange(&http::create_payment(http::CHALLENGED, reference, hook)).await?;
    let Some(id) = trans_id(created.body).filter(|_id| created.status == 200) else {
        return Ok(false);
    };
    let path = format!("/api/authurl/{}", String::from_utf8_lossy(&id));
    if connection.exchange(&http::get(&path)).await?.status != 200 {
        return Ok(false);
    }
    // Before the answer to the challenge, for the webhook may be faster than our own answer.
    board.borrow_mut().began.insert(id, began);
    let otp = http::post(&path, "application/x-www-form-urlencoded", "otp=123456");
    Ok(connection.exchange(&otp).await?.status == 303)
}

fn trans_id(body: &[u8]) -> Option<Vec<u8>> {
    let name = b"\"transID\":\"";
    let from = find(body, name)?.saturating_add(name.len());
    body.get(from..from.saturating_add(18)).map(<[u8]>::to_vec)
}

/// Hears of a webhook.
fn hear(board: &mut Board, request: &[u8], window: Window) {
    let Some(began) = trans_id(request).and_then(|id| board.began.remove(&id)) else { return };
    let now = Instant::now();
    board.in_all = board.in_all.saturating_add(1);
    if window.contains(now) {
        board.latencies.push(micros(began, now));
    }
}
