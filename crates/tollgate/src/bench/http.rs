//! What goes over the wire: the requests that are made and the heads of what comes back, and a very
//! small client for the few requests that are no load.

use super::generator::micros;
use super::work::Till;
use std::net::SocketAddr;
use std::str::FromStr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::Instant;

/// One kept connection.
#[derive(Debug)]
pub(super) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// What came back.
#[derive(Clone, Copy, Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
}

impl Connection {
    pub(super) async fn open(address: SocketAddr) -> std::io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::with_capacity(4096) })
    }

    /// Sends a whole request and reads the whole answer.
    pub(super) async fn exchange(&mut self, request: &[u8]) -> std::io::Result<Answer> {
        self.stream.write_all(request).await?;
        self.buffer.clear();
        let (status, body_at, length) = loop {
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            if let Some(head) = read_head(&self.buffer) {
                break head;
            }
        };
        let end = body_at.saturating_add(length);
        while self.buffer.len() < end {
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(Answer { status })
    }
}

/// An answer that was read to its end.
#[derive(Debug)]
pub(super) struct Whole {
    pub(super) status: u16,
    /// Where the browser is sent.
    pub(super) location: Option<String>,
    /// Ends of lines in its body.
    pub(super) lines: u64,
    /// Microseconds until its head had come.
    pub(super) began: u32,
    /// Microseconds until all of it had come.
    pub(super) took: u32,
}

/// Gets a page on a connection of its own, which the gateway closes behind the answer: so it ends
/// in the same way whether or not its length is known before.
pub(super) async fn whole(
    address: SocketAddr,
    path: &str,
    cookie: Option<&str>,
) -> std::io::Result<Whole> {
    let cookie = cookie.map(|cookie| format!("cookie: {cookie}\r\n")).unwrap_or_default();
    let request = format!("GET {path} HTTP/1.0\r\nhost: bench\r\n{cookie}\r\n");
    let begin = Instant::now();
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    stream.write_all(request.as_bytes()).await?;
    let mut buffer = Vec::with_capacity(128 * 1024);
    let (status, body_at, length) = loop {
        if stream.read_buf(&mut buffer).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        if let Some(head) = read_head(&buffer) {
            break head;
        }
    };
    let began = micros(begin, Instant::now());
    let location = location(&buffer);
    buffer.drain(..body_at);
    let (mut bytes, mut lines) = (0_usize, 0_u64);
    loop {
        bytes = bytes.saturating_add(buffer.len());
        let ends = memchr::memchr_iter(b'\n', &buffer).count();
        lines = lines.saturating_add(u64::try_from(ends).unwrap_or(u64::MAX));
        buffer.clear();
        if stream.read_buf(&mut buffer).await? == 0 {
            break;
        }
    }
    if bytes < length {
        return Err(std::io::ErrorKind::UnexpectedEof.into());
    }
    Ok(Whole { status, location, lines, began, took: micros(begin, Instant::now()) })
}

/// Where an answer sends the browser.
fn location(head: &[u8]) -> Option<String> {
    let mut headers = [httparse::EMPTY_HEADER; 32];
    let mut answer = httparse::Response::new(&mut headers);
    answer.parse(head).ok()?;
    let header = answer.headers.iter().find(|one| one.name.eq_ignore_ascii_case("location"))?;
    std::str::from_utf8(header.value).ok().map(str::to_owned)
}

/// Status, where the body begins and how long it is; none while the head is not complete.
pub(super) fn read_head(bytes: &[u8]) -> Option<(u16, usize, usize)> {
    let mut headers = [httparse::EMPTY_HEADER; 32];
    let mut answer = httparse::Response::new(&mut headers);
    let body_at = match answer.parse(bytes) {
        Ok(httparse::Status::Complete(body_at)) => body_at,
        Ok(httparse::Status::Partial) => return None,
        // Not HTTP: no status that anybody waits for.
        Err(_form) => return Some((0, bytes.len(), 0)),
    };
    Some((answer.code.unwrap_or(0), body_at, content_length(answer.headers)))
}

/// Where the body of a request begins and how long it is; none while its head is not complete.
pub(super) fn read_request_head(bytes: &[u8]) -> Option<(usize, usize)> {
    let mut headers = [httparse::EMPTY_HEADER; 32];
    let mut request = httparse::Request::new(&mut headers);
    match request.parse(bytes) {
        Ok(httparse::Status::Complete(body_at)) => Some((body_at, content_length(request.headers))),
        Ok(httparse::Status::Partial) => None,
        Err(_form) => Some((bytes.len(), 0)),
    }
}

/// The seconds that an answer's `Retry-After` asks for.
pub(super) fn retry_after(head: &[u8]) -> Option<u64> {
    let mut headers = [httparse::EMPTY_HEADER; 32];
    let mut answer = httparse::Response::new(&mut headers);
    answer.parse(head).ok()?;
    number_in(answer.headers, "retry-after")
}

fn content_length(headers: &[httparse::Header<'_>]) -> usize {
    number_in(headers, "content-length").unwrap_or(0)
}

fn number_in<T: FromStr>(headers: &[httparse::Header<'_>], name: &str) -> Option<T> {
    let header = headers.iter().find(|header| header.name.eq_ignore_ascii_case(name))?;
    std::str::from_utf8(header.value).ok()?.trim().parse().ok()
}

/// A whole request with a body.
pub(super) fn post(path: &str, content_type: &str, body: &str) -> Vec<u8> {
    format!(
        "POST {path} HTTP/1.1\r\nhost: bench\r\ncontent-type: {content_type}\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// A whole request without a body.
pub(super) fn get(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nhost: bench\r\n\r\n").into_bytes()
}

/// The sandbox bank challenges this card's holder.
pub(super) const CHALLENGED: &str = "4111111111111111";
/// The sandbox bank approves this card at once.
pub(super) const APPROVED: &str = "4012000033330026";

/// The request of the requirement page's size, with a reference that is used once.
pub(super) fn create_payment(card: &str, reference: &str, webhook_url: &str) -> Vec<u8> {
    create_payment_at(&Till::demo(), card, reference, webhook_url)
}

/// The same at one of several terminals.
pub(super) fn create_payment_at(
    till: &Till,
    card: &str,
    reference: &str,
    webhook_url: &str,
) -> Vec<u8> {
    let body = format!(
        "{{\"public_key\":\"{key}\",\"terNO\":{number},\"integration-type\":\"s2s\",\
         \"unique_reference\":\"N\",\"bill_ip\":\"222.176.92.333\",\
         \"source\":\"server-to-server integration\",\
         \"source_url\":\"https://shop.example/checkout\",\"mop\":\"CC\",\
         \"ccno\":\"{card}\",\"ccvv\":\"123\",\"month\":\"01\",\"year\":\"30\",\
         \"bill_amt\":\"11.11\",\"bill_currency\":\"USD\",\"product_name\":\"Testing Product\",\
         \"fullname\":\"Test Full Name\",\"bill_email\":\"test@shop.example\",\
         \"bill_address\":\"25A Alpha\",\"bill_city\":\"Jurong\",\"bill_state\":\"Singapore\",\
         \"bill_country\":\"SG\",\"bill_zip\":\"447602\",\"bill_phone\":\"+65-62294466\",\
         \"reference\":\"{reference}\",\"webhook_url\":\"{webhook_url}\",\
         \"return_url\":\"https://shop.example/return\"}}",
        key = till.public_key,
        number = till.number
    );
    post("/api/s2s", "application/json", &body)
}
