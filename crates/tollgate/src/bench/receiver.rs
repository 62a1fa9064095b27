//! A receiver of webhooks that acknowledges each at once, with as little work as possible.
#![expect(clippy::future_not_send, reason = "all clients share one thread")]

use super::http;
use std::rc::Rc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Serves until it is dropped. `hears` is given each whole request before it is acknowledged.
pub(super) async fn serve(listener: TcpListener, hears: impl Fn(&[u8]) + 'static) {
    let hears = Rc::new(hears);
    while let Ok((stream, _peer)) = listener.accept().await {
        let hears = Rc::clone(&hears);
        tokio::task::spawn_local(async move { serve_one(stream, &*hears).await });
    }
}

async fn serve_one(mut stream: TcpStream, hears: &impl Fn(&[u8])) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = Vec::with_capacity(4096);
    while let Some(end) = read_request(&mut stream, &mut buffer).await? {
        hears(buffer.get(..end).unwrap_or_default());
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await?;
        buffer.drain(..end);
    }
    Ok(())
}

/// Reads until the buffer begins with a whole request, and says where that ends; none when the
/// sender has hung up.
pub(super) async fn read_request(
    stream: &mut TcpStream,
    buffer: &mut Vec<u8>,
) -> std::io::Result<Option<usize>> {
    loop {
        if let Some((body_at, length)) = http::read_request_head(buffer) {
            let end = body_at.saturating_add(length);
            if buffer.len() >= end {
                return Ok(Some(end));
            }
        }
        if stream.read_buf(buffer).await? == 0 {
            return Ok(None);
        }
    }
}
