//! A very small HTTP/1.1 client for the load generator: one request at a time on a kept
//! connection, as few copies as possible, so that the generator takes little from the two cores
//! it shares with the server.

use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// One kept connection.
#[derive(Debug)]
pub(super) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// What came back.
#[derive(Clone, Copy, Debug)]
pub(super) struct Answer<'a> {
    pub(super) status: u16,
    pub(super) body: &'a [u8],
}

impl Connection {
    pub(super) async fn open(address: SocketAddr) -> std::io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::with_capacity(4096) })
    }

    /// Sends a whole request and reads the whole answer.
    pub(super) async fn exchange(&mut self, request: &[u8]) -> std::io::Result<Answer<'_>> {
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
        Ok(Answer { status, body: self.buffer.get(body_at..end).unwrap_or_default() })
    }
}

/// Status, where the body begins and how long it is; none while the head is not complete.
pub(super) fn read_head(bytes: &[u8]) -> Option<(u16, usize, usize)> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = std::str::from_utf8(bytes.get(..end)?).ok()?;
    let mut lines = head.split("\r\n");
    let status = lines.next()?.split(' ').nth(1).and_then(|text| text.parse().ok()).unwrap_or(0);
    let length = lines
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .and_then(|(_, value)| value.trim().parse().ok())
        .unwrap_or(0);
    Some((status, end.saturating_add(4), length))
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
    let body = format!(
        "{{\"public_key\":\"{key}\",\"terNO\":42,\"integration-type\":\"s2s\",\
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
        key = crate::demo_data::PUBLIC_KEY
    );
    post("/api/s2s", "application/json", &body)
}
