//! Receivers that are not well: as many as are wanted, each at an address of its own.
#![expect(clippy::future_not_send, reason = "all clients share one thread")]

use super::receiver::read_request;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpSocket, TcpStream};

/// Just within the time that a receiver has.
const LATE: Duration = Duration::from_millis(4_900);

/// What is wrong with one; the second number of its address says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trouble {
    /// Nobody listens.
    Refuses,
    /// The connection is taken, and nothing is ever answered.
    Silent,
    /// It acknowledges, after 4.9 seconds.
    Late,
    /// It answers 500.
    Failing,
    /// The connection is taken and torn down.
    Resets,
}

const TROUBLES: [(u8, Trouble); 5] = [
    (16, Trouble::Refuses),
    (17, Trouble::Silent),
    (18, Trouble::Late),
    (19, Trouble::Failing),
    (20, Trouble::Resets),
];

/// They run on the thread that started them, until this is dropped.
#[derive(Debug)]
pub(super) struct Unwell {
    /// Bound, and nobody listens.
    refuses: TcpSocket,
    answers: SocketAddr,
    reached: Rc<RefCell<BTreeSet<IpAddr>>>,
    server: tokio::task::AbortHandle,
}

impl Unwell {
    pub(super) fn start() -> std::io::Result<Self> {
        // Each of 127.0.0.0/8 is another receiver at the same port.
        let any = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
        let (refuses, socket) = (TcpSocket::new_v4()?, TcpSocket::new_v4()?);
        refuses.bind(any)?;
        socket.bind(any)?;
        let listener = socket.listen(4096)?;
        let answers = listener.local_addr()?;
        let reached = Rc::default();
        let server = tokio::task::spawn_local(serve(listener, Rc::clone(&reached)));
        Ok(Self { refuses, answers, reached, server: server.abort_handle() })
    }

    /// The address of the one with this number: the first 300,000 differ.
    pub(super) fn url(&self, number: usize) -> std::io::Result<String> {
        let kinds = TROUBLES.len();
        let kind = number.checked_rem(kinds).and_then(|kind| TROUBLES.get(kind));
        let (second, trouble) = kind.copied().unwrap_or((17, Trouble::Silent));
        let place = u16::try_from(number.checked_div(kinds).unwrap_or(0)).unwrap_or(u16::MAX);
        let [third, fourth] = place.to_be_bytes();
        let port = match trouble {
            Trouble::Refuses => self.refuses.local_addr()?.port(),
            Trouble::Silent | Trouble::Late | Trouble::Failing | Trouble::Resets => {
                self.answers.port()
            }
        };
        Ok(format!("http://127.{second}.{third}.{fourth}:{port}/hook"))
    }

    /// How many were connected to; those that refuse cannot be counted.
    pub(super) fn reached(&self) -> usize {
        self.reached.borrow().len()
    }
}

impl Drop for Unwell {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn serve(listener: TcpListener, reached: Rc<RefCell<BTreeSet<IpAddr>>>) {
    while let Ok((stream, _peer)) = listener.accept().await {
        let Ok(here) = stream.local_addr() else { continue };
        let IpAddr::V4(address) = here.ip() else { continue };
        // Only this machine is served.
        if address.is_loopback() {
            reached.borrow_mut().insert(here.ip());
            let [_, second, _, _] = address.octets();
            tokio::task::spawn_local(misbehave(stream, second));
        }
    }
}

async fn misbehave(mut stream: TcpStream, second: u8) -> std::io::Result<()> {
    let kind = TROUBLES.iter().find(|(number, _)| *number == second);
    let trouble = kind.map_or(Trouble::Silent, |(_, trouble)| *trouble);
    if trouble == Trouble::Resets {
        return stream.set_zero_linger();
    }
    let mut buffer = Vec::with_capacity(4096);
    while let Some(end) = read_request(&mut stream, &mut buffer).await? {
        buffer.drain(..end);
        let status = match trouble {
            // The next read ends when the sender hangs up.
            Trouble::Refuses | Trouble::Silent | Trouble::Resets => continue,
            Trouble::Late => {
                tokio::time::sleep(LATE).await;
                "200 OK"
            }
            Trouble::Failing => "500 Internal Server Error",
        };
        let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n");
        stream.write_all(answer.as_bytes()).await?;
    }
    Ok(())
}
