//! Webhooks: how fast a backlog reaches a receiver that is back, and whether a receiver that is well
//! waits for thousands that are not.
#![expect(clippy::future_not_send, reason = "all clients share one thread")]

use super::Plan;
use super::generator::micros;
use super::http::{self, Connection};
use super::latencies::Latencies;
use super::receiver;
use super::server::{BenchServer, Usage};
use super::unwell::Unwell;
use memchr::memmem;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddr};
use std::ops::AddAssign as _;
use std::rc::Rc;
use std::time::Duration;
use tokio::net::TcpSocket;
use tokio::task::{JoinSet, LocalSet};
use tokio::time::Instant;

/// Deliveries in the backlog for each second that the measurement takes, and at most.
const QUEUED: (u64, u64) = (5_000, 50_000);
/// Receivers that are not well for each second that the measurement takes, and at most.
const UNWELL: (u64, u64) = (1_000, 10_000);
/// Clients of the steady load.
const STEADY_CLIENTS: u32 = 20;
/// How often each of them makes a payment: 100 a second together.
const STEADY_PAUSE: Duration = Duration::from_millis(200);
/// When nothing came for so long, nothing more comes.
const PATIENCE: Duration = Duration::from_secs(30);

/// Whose reference it is, as its last number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Backlog,
    Unwell,
    Steady,
}

impl Part {
    fn reference(self, number: u64) -> String {
        let part = match self {
            Self::Backlog => 1,
            Self::Unwell => 2,
            Self::Steady => 3,
        };
        format!("BENCH-{number:09}-{part:05}")
    }
}

/// What was sent and heard. All of it runs on one thread.
#[derive(Debug, Default)]
struct Board {
    heard: BTreeSet<Vec<u8>>,
    /// Webhooks that came again.
    repeats: u64,
    /// When those of the backlog came.
    drained: Vec<Instant>,
    /// Steady payments that wait for their webhook.
    began: BTreeMap<Vec<u8>, Instant>,
    latencies: Latencies,
    /// Payments that were not answered as they should be.
    refused: u64,
}

impl Board {
    fn hear(&mut self, request: &[u8]) {
        let now = Instant::now();
        let name = b"\"reference\":\"";
        let from = memmem::find(request, name).map(|at| at.saturating_add(name.len()));
        let length = Part::Backlog.reference(0).len();
        let reference = from.and_then(|from| request.get(from..from.saturating_add(length)));
        let Some(reference) = reference else { return };
        if !self.heard.insert(reference.to_vec()) {
            self.repeats = self.repeats.saturating_add(1);
        } else if let Some(began) = self.began.remove(reference) {
            self.latencies.add(micros(began, now));
        } else {
            self.drained.push(now);
        }
    }
}

/// What it came to.
#[derive(Debug)]
pub(super) struct WebhooksMeasured {
    /// Deliveries of the backlog that arrived per second.
    pub(super) per_second: u64,
    /// Beside receivers that are not well, from before the payment is made until it arrives.
    pub(super) latencies: Latencies,
    /// Payments that were refused, and webhooks that never came.
    pub(super) errors: u64,
    /// Deliveries of the backlog that arrived: what the server's CPU time is divided by.
    pub(super) done: u64,
    /// The server's CPU time while the backlog was drained.
    pub(super) cpu: Duration,
    /// At the end.
    pub(super) usage: Usage,
    /// Deliveries in the backlog.
    pub(super) queued: u64,
    /// Webhooks that arrived more than once; at least once is what is promised.
    pub(super) repeats: u64,
    /// Receivers that were not well: a fifth each refuse connections, never answer, acknowledge
    /// after 4.9 s, answer 500, and tear connections down.
    pub(super) unwell: u64,
    /// Those of them that a connection was made to, of the four fifths that can be connected to.
    pub(super) reached: u64,
}

type Shared = Rc<RefCell<Board>>;

fn count(many: usize) -> u64 {
    u64::try_from(many).unwrap_or(u64::MAX)
}

#[expect(clippy::needless_pass_by_value, reason = "as map_err gives it")]
fn text(error: std::io::Error) -> String {
    error.to_string()
}

/// Fills and drains a backlog, then measures beside receivers that are not well.
pub(super) async fn run(
    plan: &Plan,
    server: &mut BenchServer,
    progress: &impl Fn(&str),
) -> Result<WebhooksMeasured, String> {
    LocalSet::new().run_until(measure(plan, server, progress)).await
}

async fn measure(
    plan: &Plan,
    server: &mut BenchServer,
    progress: &impl Fn(&str),
) -> Result<WebhooksMeasured, String> {
    let scaled = |(each, most): (u64, u64)| plan.seconds.saturating_mul(each).min(most);
    let (queued, unwell) = (scaled(QUEUED), scaled(UNWELL));
    let board = Shared::default();
    // Bound, but as long as nobody listens, connections are refused: the receiver is down.
    let socket = TcpSocket::new_v4().map_err(text)?;
    socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).map_err(text)?;
    let hook = format!("http://{}/hook", socket.local_addr().map_err(text)?);
    progress("filling a backlog for a receiver that is down …");
    let address = hook.clone();
    let to_hook: Hook = Rc::new(move |_number| Ok(address.clone()));
    let shops = (server.address()?, plan.clients);
    create_all(shops, Part::Backlog, queued, to_hook, &board).await?;
    // A new process knows nothing of the receiver, and need not wait until its pause is over.
    server.restart().await?;
    let before = server.usage()?;
    progress("draining it …");
    let heard = Rc::clone(&board);
    let listener = socket.listen(1024).map_err(text)?;
    let hears = move |request: &[u8]| heard.borrow_mut().hear(request);
    let receiver = tokio::task::spawn_local(receiver::serve(listener, hears));
    let accepted = queued.saturating_sub(board.borrow().refused);
    wait_for(&board, |board| accepted.saturating_sub(count(board.drained.len()))).await;
    let after = server.usage()?;
    let per_second = drain_rate(&board.borrow().drained);
    let done = count(board.borrow().drained.len());
    progress("measuring beside receivers that are not well …");
    let others = Rc::new(Unwell::start().map_err(text)?);
    let named = Rc::clone(&others);
    let to_others: Hook =
        Rc::new(move |number| named.url(usize::try_from(number).unwrap_or(0)).map_err(text));
    let shops = (server.address()?, plan.clients);
    create_all(shops, Part::Unwell, unwell, to_others, &board).await?;
    let duration = Duration::from_secs(plan.seconds);
    steady_load(server.address()?, &hook, duration, &board).await?;
    wait_for(&board, |board| count(board.began.len())).await;
    receiver.abort();
    let mut board = board.borrow_mut();
    let missing = accepted.saturating_sub(done).saturating_add(count(board.began.len()));
    let errors = board.refused.saturating_add(missing);
    let latencies = std::mem::take(&mut board.latencies);
    Ok(WebhooksMeasured {
        per_second,
        latencies,
        errors,
        done,
        cpu: after.cpu.saturating_sub(before.cpu),
        usage: server.usage()?,
        queued,
        repeats: board.repeats,
        unwell,
        reached: count(others.reached()),
    })
}

/// Waits until nothing is missing, or nothing comes any more.
async fn wait_for(board: &Shared, missing: impl Fn(&Board) -> u64) {
    let mut last = (missing(&board.borrow()), Instant::now());
    while last.0 > 0 && last.1.elapsed() < PATIENCE {
        tokio::time::sleep(Duration::from_millis(5)).await;
        let now = missing(&board.borrow());
        if now != last.0 {
            last = (now, Instant::now());
        }
    }
}

/// Webhooks per second, over the first 99 of 100: the few that were tried while the receiver was
/// down are due some seconds later.
fn drain_rate(drained: &[Instant]) -> u64 {
    let many = drained.len().saturating_mul(99) / 100;
    let (Some(first), Some(last)) = (drained.first(), drained.get(many)) else { return 0 };
    let millis = u64::try_from((*last - *first).as_millis()).unwrap_or(u64::MAX);
    count(many).saturating_mul(1000).checked_div(millis).unwrap_or(0)
}

/// The address that the payment with this number names for its webhook.
type Hook = Rc<dyn Fn(u64) -> Result<String, String>>;

/// Makes payments that are approved at once, as fast as so many clients can.
async fn create_all(
    (target, clients): (SocketAddr, usize),
    part: Part,
    many: u64,
    hook: Hook,
    board: &Shared,
) -> Result<(), String> {
    let next = Rc::new(Cell::new(0_u64));
    let mut running = JoinSet::new();
    for _client in 0..clients {
        let (next, hook, board) = (Rc::clone(&next), Rc::clone(&hook), Rc::clone(board));
        running.spawn_local(async move {
            let mut connection = Connection::open(target).await.map_err(text)?;
            while next.get() < many {
                let number = next.replace(next.get().saturating_add(1));
                create(&mut connection, &part.reference(number), &hook(number)?, &board).await?;
            }
            Ok(())
        });
    }
    all_of(running).await
}

async fn create(
    connection: &mut Connection,
    reference: &str,
    hook: &str,
    board: &Shared,
) -> Result<(), String> {
    let request = http::create_payment(http::APPROVED, reference, hook);
    let status = connection.exchange(&request).await.map_err(text)?.status;
    if status != 200 {
        board.borrow_mut().refused.add_assign(1);
    }
    Ok(())
}

async fn all_of(mut running: JoinSet<Result<(), String>>) -> Result<(), String> {
    while let Some(ended) = running.join_next().await {
        ended.map_err(|error| error.to_string()).flatten()?;
    }
    Ok(())
}

/// So many payments a second whatever the answers take, each timed from the moment at which it was
/// due to be made.
async fn steady_load(
    target: SocketAddr,
    hook: &str,
    duration: Duration,
    board: &Shared,
) -> Result<(), String> {
    let began = Instant::now();
    let mut running = JoinSet::new();
    for client in 0..STEADY_CLIENTS {
        let (hook, board) = (hook.to_owned(), Rc::clone(board));
        running.spawn_local(async move {
            let mut connection = Connection::open(target).await.map_err(text)?;
            let offset = STEADY_PAUSE.saturating_mul(client).checked_div(STEADY_CLIENTS);
            let mut due = began + offset.unwrap_or_default();
            for round in 0_u64.. {
                if due >= began + duration {
                    break;
                }
                tokio::time::sleep_until(due).await;
                let number = round.saturating_mul(u64::from(STEADY_CLIENTS));
                let number = number.saturating_add(u64::from(client));
                let reference = Part::Steady.reference(number);
                // Before the answer, for the webhook may be faster.
                board.borrow_mut().began.insert(reference.clone().into_bytes(), due);
                create(&mut connection, &reference, &hook, &board).await?;
                due += STEADY_PAUSE;
            }
            Ok(())
        });
    }
    all_of(running).await
}
