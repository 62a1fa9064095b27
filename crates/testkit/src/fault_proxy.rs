//! A TCP proxy on loopback that spoils what passes through it: in front of a bank, a database or
//! anything else that listens on this machine.
//!
//! It knows no protocol. A *request* is a burst of bytes from the client, an *answer* is what the
//! other side sends until it closes or falls silent. For each request one fault is drawn: the next
//! of a list, else from a seeded plan, else the one that is set. Faults can wait for requests that
//! contain certain bytes, such as `POST /refund` or `COMMIT`; all others pass.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;
use tokio::time::timeout;

/// Who sent something and then nothing for this long has said all of it.
const QUIET: Duration = Duration::from_millis(25);
/// An answer may take this long to begin.
const ANSWER_BEGINS: Duration = Duration::from_mins(1);
const CHUNK: usize = 16 * 1024;

/// What happens to a request and its answer.
#[derive(Clone, Copy, Debug)]
pub enum Fault {
    /// Nothing.
    Pass,
    /// Request and answer are each held for this long.
    Delay(Duration),
    /// The request is not forwarded; the connection is closed.
    CutBefore {
        /// By a reset.
        reset: bool,
    },
    /// The request is done, and not a byte of the answer comes back before the close.
    CutAfter {
        /// By a reset.
        reset: bool,
    },
    /// The request is done, the first bytes of the answer come back, then the close.
    HalfAnswer {
        /// How many.
        bytes: usize,
        /// By a reset.
        reset: bool,
    },
    /// The request is done, and what this makes of the answer comes back, then the close.
    Rewrite(fn(&[u8]) -> Vec<u8>),
    /// The request is done twice, the second time on a connection of its own; one answer.
    Duplicate,
    /// The request is not forwarded, and there is no answer and no close.
    BlackHole,
    /// The request is done, and its answer comes back a byte at a time.
    Drip(Duration),
}

/// What the test says should happen.
#[derive(Debug)]
struct Script {
    next: VecDeque<Fault>,
    /// State of the draws, and faults with their weights.
    plan: Option<(u64, Vec<(u32, Fault)>)>,
    set: Fault,
    only: Option<Vec<u8>>,
    requests: usize,
    struck: usize,
}

impl Script {
    fn draw(&mut self, request: &[u8]) -> Fault {
        let named = self.only.as_deref().is_none_or(|bytes| contains(request, bytes));
        if !named {
            return Fault::Pass;
        }
        self.requests += 1;
        let fault = match (self.next.pop_front(), &mut self.plan) {
            (Some(fault), _) => fault,
            (None, Some((state, faults))) => weighted(state, faults),
            (None, None) => self.set,
        };
        self.struck += usize::from(!matches!(fault, Fault::Pass));
        fault
    }
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    part.is_empty() || text.windows(part.len()).any(|window| window == part)
}

fn weighted(state: &mut u64, faults: &[(u32, Fault)]) -> Fault {
    // Knuth's MMIX generator: the same seed gives the same faults.
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    let total: u64 = faults.iter().map(|(weight, _)| u64::from(*weight)).sum();
    let mut place = (*state >> 33) % total.max(1);
    for (weight, fault) in faults {
        match place.checked_sub(u64::from(*weight)) {
            Some(left) => place = left,
            None => return *fault,
        }
    }
    Fault::Pass
}

#[derive(Debug)]
enum Command {
    Refuse,
    Accept,
    CutAll,
    Stop,
}

type Ask = (Command, std::sync::mpsc::Sender<()>);

/// The proxy, on a thread of its own; it ends when it is dropped.
#[derive(Debug)]
pub struct FaultProxy {
    address: SocketAddr,
    script: Arc<Mutex<Script>>,
    commands: UnboundedSender<Ask>,
    thread: Option<JoinHandle<()>>,
}

impl FaultProxy {
    /// Listens on a free loopback port, in front of `upstream`. Everything passes.
    pub fn start(upstream: SocketAddr) -> Self {
        assert!(upstream.ip().is_loopback(), "{upstream} is not on this machine");
        let script = Arc::new(Mutex::new(Script {
            next: VecDeque::new(),
            plan: None,
            set: Fault::Pass,
            only: None,
            requests: 0,
            struck: 0,
        }));
        let (commands, asked) = unbounded_channel();
        let (tell, told) = std::sync::mpsc::channel();
        let road = Road { upstream, script: Arc::clone(&script) };
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.unwrap().block_on(async move {
                let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                tell.send(listener.local_addr().unwrap()).unwrap();
                run(listener, road, asked).await;
            });
        });
        let address = told.recv().unwrap();
        Self { address, script, commands, thread: Some(thread) }
    }

    /// Where clients connect.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on for every request; forgets the plan.
    pub fn set(&self, fault: Fault) {
        let mut script = self.script.lock().unwrap();
        script.set = fault;
        script.plan = None;
    }

    /// For the next requests, one each, before anything else.
    pub fn next(&self, faults: impl IntoIterator<Item = Fault>) {
        self.script.lock().unwrap().next.extend(faults);
    }

    /// Draws a fault for each request from now on, by weight; the same seed draws the same.
    pub fn plan(&self, seed: u64, faults: Vec<(u32, Fault)>) {
        self.script.lock().unwrap().plan = Some((seed, faults));
    }

    /// Faults are for requests that contain these bytes.
    pub fn only(&self, bytes: &str) {
        self.script.lock().unwrap().only = Some(bytes.as_bytes().to_vec());
    }

    /// Requests that a fault was drawn for, [`Fault::Pass`] included.
    pub fn requests(&self) -> usize {
        self.script.lock().unwrap().requests
    }

    /// Requests that did not simply pass.
    pub fn struck(&self) -> usize {
        self.script.lock().unwrap().struck
    }

    /// New connections are refused, as if nobody listened. Those that are open stay.
    pub fn refuse(&self) {
        self.command(Command::Refuse);
    }

    /// New connections are accepted again.
    pub fn accept(&self) {
        self.command(Command::Accept);
    }

    /// Closes every open connection.
    pub fn cut_all(&self) {
        self.command(Command::CutAll);
    }

    fn command(&self, command: Command) {
        let (tell, told) = std::sync::mpsc::channel();
        self.commands.send((command, tell)).unwrap();
        told.recv().unwrap();
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        let (tell, _nobody) = std::sync::mpsc::channel();
        let _already_ended = self.commands.send((Command::Stop, tell));
        let _panicked = self.thread.take().map(JoinHandle::join);
    }
}

/// The port, listening or kept without listening, which refuses connections and lets nobody else
/// have it.
enum Door {
    Open(TcpListener),
    Shut(TcpSocket),
}

async fn run(listener: TcpListener, road: Road, mut asked: UnboundedReceiver<Ask>) {
    let address = listener.local_addr().unwrap();
    let mut door = Door::Open(listener);
    let mut connections = JoinSet::new();
    loop {
        let accepted = async {
            match &door {
                Door::Open(listener) => listener.accept().await,
                Door::Shut(_) => std::future::pending().await,
            }
        };
        tokio::select! {
            accepted = accepted => if let Ok((client, _)) = accepted {
                connections.spawn(road.clone().carry(client));
            },
            Some(_ended) = connections.join_next() => {}
            ask = asked.recv() => {
                let Some((command, done)) = ask else { return };
                match command {
                    Command::Refuse => {
                        drop(door);
                        let socket = TcpSocket::new_v4().unwrap();
                        socket.set_reuseaddr(true).unwrap();
                        socket.bind(address).unwrap();
                        door = Door::Shut(socket);
                    }
                    Command::Accept => door = match door {
                        Door::Shut(socket) => Door::Open(socket.listen(1024).unwrap()),
                        open @ Door::Open(_) => open,
                    },
                    Command::CutAll => connections.shutdown().await,
                    Command::Stop => return,
                }
                let _asker_gone = done.send(());
            }
        }
    }
}

#[derive(Clone, Debug)]
struct Road {
    upstream: SocketAddr,
    script: Arc<Mutex<Script>>,
}

impl Road {
    /// Carries bytes both ways until one side closes or a fault ends it.
    async fn carry(self, mut client: TcpStream) -> io::Result<()> {
        let mut upstream = TcpStream::connect(self.upstream).await?;
        client.set_nodelay(true)?;
        upstream.set_nodelay(true)?;
        let (mut said, mut answered) = (vec![0; CHUNK], vec![0; CHUNK]);
        loop {
            let request = tokio::select! {
                read = client.read(&mut said) => said[..read?].to_vec(),
                read = upstream.read(&mut answered) => {
                    let read = read?;
                    if read == 0 {
                        return Ok(());
                    }
                    client.write_all(&answered[..read]).await?;
                    continue;
                }
            };
            if request.is_empty() {
                return Ok(());
            }
            let fault = self.script.lock().unwrap().draw(&request);
            match fault {
                Fault::Pass => upstream.write_all(&request).await?,
                Fault::Delay(hold) => {
                    tokio::time::sleep(hold).await;
                    upstream.write_all(&request).await?;
                    let answer = rest(&mut upstream, Vec::new()).await?;
                    tokio::time::sleep(hold).await;
                    client.write_all(&answer).await?;
                }
                Fault::Drip(pause) => {
                    for byte in self.done(&mut client, &mut upstream, request).await? {
                        client.write_all(&[byte]).await?;
                        tokio::time::sleep(pause).await;
                    }
                }
                Fault::Duplicate => {
                    let request = rest(&mut client, request).await?;
                    upstream.write_all(&request).await?;
                    let mut twin = TcpStream::connect(self.upstream).await?;
                    twin.write_all(&request).await?;
                    let answer = rest(&mut upstream, Vec::new()).await?;
                    rest(&mut twin, Vec::new()).await?;
                    client.write_all(&answer).await?;
                }
                ending @ (Fault::CutBefore { .. }
                | Fault::CutAfter { .. }
                | Fault::HalfAnswer { .. }
                | Fault::Rewrite(_)
                | Fault::BlackHole) => {
                    return self.end(ending, client, upstream, request).await;
                }
            }
        }
    }

    /// The answer to the request, once it was done.
    async fn done(
        &self,
        client: &mut TcpStream,
        upstream: &mut TcpStream,
        begun: Vec<u8>,
    ) -> io::Result<Vec<u8>> {
        let request = rest(client, begun).await?;
        upstream.write_all(&request).await?;
        rest(upstream, Vec::new()).await
    }

    /// Faults after which the connection is of no use.
    async fn end(
        &self,
        fault: Fault,
        mut client: TcpStream,
        mut upstream: TcpStream,
        begun: Vec<u8>,
    ) -> io::Result<()> {
        let (answer, reset) = match fault {
            Fault::BlackHole => {
                drop(upstream);
                // Until the client gives up; its bytes are taken, as by a network.
                let mut swallowed = vec![0; CHUNK];
                while client.read(&mut swallowed).await? > 0 {}
                return Ok(());
            }
            Fault::CutBefore { reset } => {
                rest(&mut client, begun).await?;
                (Vec::new(), reset)
            }
            Fault::CutAfter { reset } => {
                self.done(&mut client, &mut upstream, begun).await?;
                (Vec::new(), reset)
            }
            Fault::HalfAnswer { bytes, reset } => {
                let mut answer = self.done(&mut client, &mut upstream, begun).await?;
                answer.truncate(bytes);
                (answer, reset)
            }
            Fault::Rewrite(change) => {
                (change(&self.done(&mut client, &mut upstream, begun).await?), false)
            }
            Fault::Pass | Fault::Delay(_) | Fault::Duplicate | Fault::Drip(_) => {
                (Vec::new(), false)
            }
        };
        client.write_all(&answer).await?;
        if reset {
            // What was written before is read first, or the reset would swallow it.
            tokio::time::sleep(QUIET).await;
            client.set_zero_linger()?;
        }
        Ok(())
    }
}

/// What was begun, and everything that follows until the close or silence.
async fn rest(from: &mut TcpStream, begun: Vec<u8>) -> io::Result<Vec<u8>> {
    let mut all = begun;
    let mut chunk = vec![0; CHUNK];
    loop {
        let patience = if all.is_empty() { ANSWER_BEGINS } else { QUIET };
        match timeout(patience, from.read(&mut chunk)).await {
            Ok(Ok(0)) | Err(_) => return Ok(all),
            Ok(read) => all.extend_from_slice(&chunk[..read?]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{ErrorKind, Read, Write};
    use std::sync::atomic::{AtomicUsize, Ordering};
    use tokio::time::Instant;

    /// Answers `<x>` with `[x done]`, and counts what it did.
    fn upstream() -> (SocketAddr, Arc<AtomicUsize>) {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let count = Arc::new(AtomicUsize::new(0));
        let done = Arc::clone(&count);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (mut stream, done) = (stream.unwrap(), Arc::clone(&done));
                std::thread::spawn(move || {
                    let mut request = [0; 64];
                    while let Ok(read @ 1..) = stream.read(&mut request) {
                        let text = String::from_utf8_lossy(&request[1..read - 1]).into_owned();
                        done.fetch_add(1, Ordering::SeqCst);
                        let _gone = write!(stream, "[{text} done]");
                    }
                });
            }
        });
        (address, count)
    }

    struct Lab {
        proxy: FaultProxy,
        done: Arc<AtomicUsize>,
    }

    impl Lab {
        fn open() -> Self {
            let (address, done) = upstream();
            Self { proxy: FaultProxy::start(address), done }
        }

        fn connect(&self) -> std::net::TcpStream {
            let stream = std::net::TcpStream::connect(self.proxy.address()).unwrap();
            stream.set_read_timeout(Some(Duration::from_millis(400))).unwrap();
            stream
        }

        fn done(&self) -> usize {
            self.done.load(Ordering::SeqCst)
        }
    }

    /// What is read until the close, and how it ended.
    fn ask(stream: &mut std::net::TcpStream, request: &str) -> (String, Option<ErrorKind>) {
        let mut answer = Vec::new();
        let mut byte = [0];
        if let Err(error) = stream.write_all(request.as_bytes()) {
            return (String::new(), Some(error.kind()));
        }
        loop {
            match stream.read(&mut byte) {
                Ok(0) => return (String::from_utf8(answer).unwrap(), None),
                Ok(_) => answer.push(byte[0]),
                Err(error) => {
                    return (String::from_utf8(answer).unwrap(), Some(error.kind()));
                }
            }
            if answer.ends_with(b"]") {
                return (String::from_utf8(answer).unwrap(), None);
            }
        }
    }

    /// Twice the delay, seven pauses of the drip, and longer than the duplicate's quiet.
    const SLOW: Duration = Duration::from_millis(200);
    const SILENCE: Option<ErrorKind> = Some(ErrorKind::WouldBlock);
    const RESET: Option<ErrorKind> = Some(ErrorKind::ConnectionReset);

    #[test]
    fn every_fault_does_what_it_says() {
        fn shout(answer: &[u8]) -> Vec<u8> {
            answer.to_ascii_uppercase()
        }
        let whole = "[x done]";
        for (fault, answer, end, done) in [
            (Fault::Pass, whole, None, 1),
            (Fault::Delay(Duration::from_millis(100)), whole, None, 1),
            (Fault::CutBefore { reset: false }, "", None, 0),
            (Fault::CutBefore { reset: true }, "", RESET, 0),
            (Fault::CutAfter { reset: false }, "", None, 1),
            (Fault::CutAfter { reset: true }, "", RESET, 1),
            (Fault::HalfAnswer { bytes: 4, reset: false }, "[x d", None, 1),
            (Fault::HalfAnswer { bytes: 4, reset: true }, "[x d", RESET, 1),
            (Fault::Rewrite(shout), "[X DONE]", None, 1),
            (Fault::Duplicate, whole, None, 2),
            (Fault::BlackHole, "", SILENCE, 0),
            (Fault::Drip(Duration::from_millis(30)), whole, None, 1),
        ] {
            let lab = Lab::open();
            lab.proxy.next([fault]);
            let begun = Instant::now();
            let told = ask(&mut lab.connect(), "<x>");
            assert_eq!((told.0.as_str(), told.1), (answer, end), "{fault:?}");
            assert_eq!(lab.done(), done, "{fault:?}");
            let slow = matches!(fault, Fault::Delay(_) | Fault::Drip(_));
            assert_eq!(
                slow,
                told == (whole.to_owned(), None) && begun.elapsed() >= SLOW,
                "{fault:?}"
            );
            assert_eq!(lab.proxy.requests(), 1);
            assert_eq!(lab.proxy.struck(), usize::from(!matches!(fault, Fault::Pass)));
            // Once only.
            assert_eq!(ask(&mut lab.connect(), "<y>").0, "[y done]", "{fault:?}");
        }
    }

    #[test]
    fn what_is_set_stays_and_only_for_the_requests_named() {
        let lab = Lab::open();
        lab.proxy.only("COMMIT");
        lab.proxy.set(Fault::CutAfter { reset: false });
        for _again in 0..3 {
            let mut session = lab.connect();
            assert_eq!(ask(&mut session, "<BEGIN>").0, "[BEGIN done]");
            assert_eq!(ask(&mut session, "<COMMIT>"), (String::new(), None));
        }
        assert_eq!((lab.done(), lab.proxy.struck()), (6, 3));
        lab.proxy.set(Fault::Pass);
        assert_eq!(ask(&mut lab.connect(), "<COMMIT>").0, "[COMMIT done]");
    }

    #[test]
    fn nobody_listens_and_then_again() {
        let lab = Lab::open();
        let mut open = lab.connect();
        assert_eq!(ask(&mut open, "<x>").0, "[x done]");
        lab.proxy.refuse();
        let refused = std::net::TcpStream::connect(lab.proxy.address()).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
        // Who is inside stays, until cut.
        assert_eq!(ask(&mut open, "<y>").0, "[y done]");
        lab.proxy.cut_all();
        assert_eq!(ask(&mut open, "<z>").0, "");
        lab.proxy.accept();
        assert_eq!(ask(&mut lab.connect(), "<x>").0, "[x done]");
    }

    #[test]
    fn a_seed_draws_the_same_and_by_weight() {
        let cut = Fault::CutBefore { reset: false };
        let drawn = |seed| {
            let lab = Lab::open();
            lab.proxy.plan(seed, vec![(3, Fault::Pass), (1, cut)]);
            (0..40).map(|_| ask(&mut lab.connect(), "<x>").0.is_empty()).collect::<Vec<bool>>()
        };
        let first = drawn(7);
        assert_eq!(first, drawn(7));
        assert_ne!(first, drawn(8));
        let cuts = first.iter().filter(|cut| **cut).count();
        assert!((4..=18).contains(&cuts), "{cuts}");
    }
}
