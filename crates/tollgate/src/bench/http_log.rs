//! The floor under whatever answers durably over HTTP: the gateway's HTTP library, runtime and batches,
//! and behind them nothing but the bare log. What it is slower than the bare log alone is the
//! network's, HTTP's and the scheduler's; what the gateway is slower than it is the gateway's.

use super::bare_log::{Log, RECORD};
use crate::commands::serve;
use bytes::Bytes;
use engine::batch::{BatchWriter, Limits, Sink};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

/// As many as the gateway's store takes.
const LIMITS: Limits = Limits { queue: 4096, batch: 512 };
/// About as long as the answer to a payment.
const ANSWER_LENGTH: usize = 640;

/// A server of its own, on threads of its own.
#[derive(Debug)]
pub(super) struct HttpLog {
    address: SocketAddr,
    /// None only while it ends.
    runtime: Option<Runtime>,
}

impl HttpLog {
    /// Starts it with its log in this folder.
    pub(super) fn start(folder: &Path) -> Result<Self, String> {
        let text = |error: std::io::Error| error.to_string();
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
        let runtime = runtime.map_err(text)?;
        let entered = runtime.enter();
        let log = BatchWriter::start("bench-log", Appender(Log::create(folder)?), LIMITS);
        let log = log.map_err(text)?;
        let listener = serve::bind((Ipv4Addr::LOCALHOST, 0).into()).map_err(text)?;
        let address = listener.local_addr().map_err(text)?;
        drop(entered);
        runtime.spawn(accept(listener, log));
        Ok(Self { address, runtime: Some(runtime) })
    }

    /// Where it listens.
    pub(super) const fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for HttpLog {
    fn drop(&mut self) {
        // Not waited for: it is dropped within another runtime.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// Appends a record for each request of a batch.
struct Appender(Log);

impl Sink for Appender {
    type Job = ();
    type Reply = ();

    fn write(&mut self, jobs: &mut Vec<()>) -> Result<Vec<()>, String> {
        self.0.append(&RECORD.repeat(jobs.len()))?;
        Ok(jobs.clone())
    }
}

async fn accept(listener: TcpListener, log: BatchWriter<Appender>) {
    let answer =
        Bytes::from(format!("{{\"transID\":\"{:018}\",\"filler\":\"{:ANSWER_LENGTH$}\"}}", 0, ""));
    while let Ok((stream, _peer)) = listener.accept().await {
        let _slower = stream.set_nodelay(true);
        let (log, answer) = (log.clone(), answer.clone());
        let service = service_fn(move |request| respond(log.clone(), answer.clone(), request));
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .serve_connection(TokioIo::new(stream), service);
        tokio::spawn(async move {
            let _hung_up = connection.await;
        });
    }
}

/// Answers when the record is on the disk.
async fn respond(
    log: BatchWriter<Appender>,
    answer: Bytes,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let whole = request.into_body().collect().await.is_ok();
    let mut response = if whole && log.submit(()).await.is_ok() {
        Response::new(Full::new(answer))
    } else {
        let mut failed = Response::new(Full::default());
        *failed.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        failed
    };
    let json = http::HeaderValue::from_static("application/json");
    response.headers_mut().insert(http::header::CONTENT_TYPE, json);
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::super::generator::{Generator, Group, Pace};
    use super::super::work::{Kind, Requests, Till, Work};
    use super::*;
    use std::sync::Arc;
    use std::time::Duration;

    #[tokio::test(flavor = "multi_thread")]
    async fn it_answers_as_a_gateway_does_and_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let log = HttpLog::start(folder.path()).unwrap();
        let size = |path: &Path| {
            let files = std::fs::read_dir(path).unwrap().map(|file| file.unwrap());
            files.map(|file| file.metadata().unwrap().len()).sum::<u64>()
        };
        let work = Work::Only(Kind::Create);
        let requests = Requests::new(work, 1, &[Till::demo()], "http://127.0.0.1:1/", Arc::new([]));
        let targets = vec![log.address()];
        let group = Group { targets, clients: 8, pace: Pace::Closed, requests };
        let run =
            move || Generator::new()?.run(vec![group], Duration::ZERO, Duration::from_millis(300));
        let measured = tokio::task::spawn_blocking(run).await.unwrap().unwrap();
        let one = measured.first().unwrap();
        assert_eq!((one.errors, &one.first_error), (0, &None));
        assert!(one.done_in_all > 0);
        // Each is on the disk; those of the last moment may have been answered to nobody.
        assert!(size(folder.path()) >= one.done_in_all * 1024);
        drop(log);
        let gone = async {
            while std::fs::read_dir(folder.path()).unwrap().count() > 0 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(5), gone).await.unwrap();
    }
}
