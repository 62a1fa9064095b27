//! Non-blocking HTTP/1.1 connections: those that ask, and those on which webhooks come in.

use super::http;
use mio::net::TcpStream;
use mio::{Interest, Registry, Token};
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::SocketAddr;
use std::time::Duration;

/// No answer that is waited for is longer.
const LONGEST: usize = 1 << 20;

/// A kept connection with one request at a time.
#[derive(Debug)]
pub(super) struct Connection {
    stream: TcpStream,
    token: Token,
    closed: bool,
    request: Vec<u8>,
    sent: usize,
    buffer: Vec<u8>,
    filled: usize,
    /// Status, where the body begins and where it ends.
    answer: (u16, usize, usize),
}

/// What a connection brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// Nothing that is complete.
    Nothing,
    /// A whole answer.
    Answer,
    /// The other side hung up.
    Closed,
}

fn opened(target: SocketAddr, token: Token, registry: &Registry) -> std::io::Result<TcpStream> {
    // Waits for the connection: on this machine that takes no time worth a state of its own.
    let stream = std::net::TcpStream::connect(target)?;
    stream.set_nodelay(true)?;
    stream.set_nonblocking(true)?;
    let mut stream = TcpStream::from_std(stream);
    registry.register(&mut stream, token, Interest::READABLE | Interest::WRITABLE)?;
    Ok(stream)
}

impl Connection {
    pub(super) fn open(
        target: SocketAddr,
        token: Token,
        registry: &Registry,
    ) -> std::io::Result<Self> {
        Ok(Self {
            stream: opened(target, token, registry)?,
            token,
            closed: false,
            request: Vec::with_capacity(2048),
            sent: 0,
            buffer: vec![0; 8192],
            filled: 0,
            answer: (0, 0, 0),
        })
    }

    /// In the place of one that is closed.
    pub(super) fn open_again(
        &mut self,
        target: SocketAddr,
        registry: &Registry,
    ) -> std::io::Result<()> {
        self.closed = true;
        self.stream = opened(target, self.token, registry)?;
        self.closed = false;
        Ok(())
    }

    pub(super) const fn is_closed(&self) -> bool {
        self.closed
    }

    /// Where the next request is written before it is sent.
    pub(super) const fn request(&mut self) -> &mut Vec<u8> {
        &mut self.request
    }

    /// Sends the request from its beginning.
    pub(super) fn send(&mut self) -> std::io::Result<()> {
        (self.sent, self.filled) = (0, 0);
        self.send_rest()
    }

    fn send_rest(&mut self) -> std::io::Result<()> {
        while let Some(rest) = self.request.get(self.sent..).filter(|rest| !rest.is_empty()) {
            match self.stream.write(rest) {
                Ok(written) => self.sent = self.sent.saturating_add(written),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => {
                    self.closed = true;
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    /// Goes on with whatever the socket is ready for.
    pub(super) fn advance(&mut self) -> Heard {
        if self.closed || self.send_rest().is_err() {
            return self.hung_up();
        }
        loop {
            if self.filled >= self.buffer.len() {
                if self.filled >= LONGEST {
                    return self.hung_up();
                }
                self.buffer.resize(self.filled.saturating_mul(2), 0);
            }
            match self.stream.read(self.buffer.get_mut(self.filled..).unwrap_or_default()) {
                Ok(0) => return self.hung_up(),
                Ok(read) => self.filled = self.filled.saturating_add(read),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Heard::Nothing,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(_broken) => return self.hung_up(),
            }
            // The next bytes come with an event of their own, so nothing is read in vain after a
            // whole answer.
            if self.has_answer() {
                return Heard::Answer;
            }
        }
    }

    fn hung_up(&mut self) -> Heard {
        self.closed = true;
        Heard::Closed
    }

    fn has_answer(&mut self) -> bool {
        let read = self.buffer.get(..self.filled).unwrap_or_default();
        let Some((status, body_at, length)) = http::read_head(read) else { return false };
        let end = body_at.saturating_add(length);
        self.answer = (status, body_at, end);
        end <= self.filled
    }

    /// How long the answer that was heard asks to wait before the next request.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        let (_status, body_at, _end) = self.answer;
        http::retry_after(self.buffer.get(..body_at)?).map(Duration::from_secs)
    }

    /// Status and body of the answer that was heard.
    pub(super) fn answer(&self) -> (u16, &[u8]) {
        let (status, from, to) = self.answer;
        (status, self.buffer.get(from..to).unwrap_or_default())
    }
}

/// A connection on which webhooks come in; each is acknowledged at once.
#[derive(Debug)]
pub(super) struct Receiver {
    stream: TcpStream,
    buffer: Vec<u8>,
    filled: usize,
}

const ACKNOWLEDGED: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";

impl Receiver {
    pub(super) fn new(
        mut stream: TcpStream,
        token: Token,
        registry: &Registry,
    ) -> std::io::Result<Self> {
        stream.set_nodelay(true)?;
        registry.register(&mut stream, token, Interest::READABLE)?;
        Ok(Self { stream, buffer: vec![0; 8192], filled: 0 })
    }

    /// Gives each whole request to `hears` and acknowledges it. False when the other side has hung
    /// up, or is not served any more.
    pub(super) fn serve(&mut self, mut hears: impl FnMut(&[u8])) -> bool {
        loop {
            if self.filled >= self.buffer.len() {
                if self.filled >= LONGEST {
                    return false;
                }
                self.buffer.resize(self.filled.saturating_mul(2), 0);
            }
            match self.stream.read(self.buffer.get_mut(self.filled..).unwrap_or_default()) {
                Ok(0) => return false,
                Ok(read) => self.filled = self.filled.saturating_add(read),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return true,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(_broken) => return false,
            }
            while let Some(end) = self.whole_request() {
                hears(self.buffer.get(..end).unwrap_or_default());
                // So few bytes always find room: the sender waits for them.
                if self.stream.write_all(ACKNOWLEDGED).is_err() {
                    return false;
                }
                self.buffer.copy_within(end..self.filled, 0);
                self.filled = self.filled.saturating_sub(end);
            }
        }
    }

    fn whole_request(&self) -> Option<usize> {
        let read = self.buffer.get(..self.filled)?;
        let (body_at, length) = http::read_request_head(read)?;
        let end = body_at.saturating_add(length);
        (end <= self.filled && end > 0).then_some(end)
    }
}
