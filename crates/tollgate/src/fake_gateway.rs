//! For tests: something that answers as a gateway does (contract, sections 1 to 4), so that the
//! commands that play shop and customer can be tried alone. It keeps no rules of its own.

use crate::clock::SystemClock;
use bytes::Bytes;
use engine::ports::Clock as _;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::service::service_fn;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;
use url::Url;

/// The secret of tests that need just one.
pub(crate) const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// Headers as the reference implementation signs them.
pub(crate) fn signed(secrets: &[&str], id: &str, at: i64, body: &[u8]) -> HeaderMap {
    let signatures: Vec<String> = secrets
        .iter()
        .map(|text| standardwebhooks::Webhook::new(text).unwrap().sign(id, at, body).unwrap())
        .collect();
    let mut headers = HeaderMap::new();
    headers.insert("webhook-id", id.parse().unwrap());
    headers.insert("webhook-timestamp", at.to_string().parse().unwrap());
    headers.insert("webhook-signature", signatures.join(" ").parse().unwrap());
    headers
}

/// A running fake; it ends with the test's runtime.
pub(crate) struct FakeGateway {
    pub(crate) url: Url,
}

#[derive(Clone)]
struct Payment {
    reference: String,
    webhook_url: String,
    return_url: String,
    status: (&'static str, &'static str),
    wrong: u32,
}

struct State {
    base: String,
    secret: Option<&'static str>,
    payments: Mutex<BTreeMap<String, Payment>>,
}

/// Starts one that signs its webhooks with this secret; with none it sends no webhooks.
pub(crate) async fn start(secret: Option<&'static str>) -> FakeGateway {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let url = Url::parse(&base).unwrap();
    let state = Arc::new(State { base, secret, payments: Mutex::default() });
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let state = Arc::clone(&state);
            let service = service_fn(move |request| {
                let state = Arc::clone(&state);
                async move { Ok::<_, Infallible>(state.answer(request).await) }
            });
            let server = hyper::server::conn::http1::Builder::new();
            tokio::spawn(server.serve_connection(TokioIo::new(stream), service));
        }
    });
    FakeGateway { url }
}

fn response(status: u16, name: &'static str, value: &str, body: String) -> Response<Full<Bytes>> {
    let status = StatusCode::from_u16(status).unwrap();
    let builder = Response::builder().status(status).header(name, value);
    builder.body(Full::from(body)).unwrap()
}

fn as_json(status: u16, value: &Value) -> Response<Full<Bytes>> {
    response(status, "content-type", "application/json", value.to_string())
}

impl State {
    async fn answer(&self, request: Request<hyper::body::Incoming>) -> Response<Full<Bytes>> {
        let (head, body) = request.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let path = head.uri.path().to_owned();
        if path == "/api/s2s" {
            return self.create(&serde_json::from_slice(&body).unwrap()).await;
        }
        let id = path.rsplit('/').find(|part| part.starts_with('p')).unwrap().to_owned();
        let payment = self.payments.lock().unwrap().get(&id).unwrap().clone();
        if path.starts_with("/api/authurl/s2s/") {
            return as_json(200, &self.shown(&id, &payment));
        }
        if head.method == Method::GET && payment.status.0 == "0" {
            let page = format!(
                "<form method=post action=\"/api/authurl/{id}\"><input type=hidden name=t \
                 value=\"a&amp;b\"><input name=otp></form><form method=post \
                 action=\"/api/authurl/{id}/cancel\"><input type=hidden name=t value=\"a&amp;b\">\
                 </form>"
            );
            return response(200, "set-cookie", "c=1; HttpOnly", page);
        }
        if head.method == Method::GET {
            let (code, status) = payment.status;
            let query = format!("transID={id}&order_status={code}&status={status}");
            return response(
                303,
                "location",
                &format!("{}?{query}", payment.return_url),
                String::new(),
            );
        }
        let sent: BTreeMap<String, String> =
            url::form_urlencoded::parse(&body).into_owned().collect();
        assert_eq!((sent["t"].as_str(), &head.headers["cookie"]), ("a&b", &"c=1".parse().unwrap()));
        assert_eq!(head.headers["origin"].to_str().unwrap(), self.base);
        if path.ends_with("/cancel") {
            self.decide(&id, ("23", "Cancelled")).await;
        } else if sent["otp"] == "123456" {
            self.decide(&id, ("25", "Test Approved")).await;
        } else if payment.wrong == 2 {
            self.decide(&id, ("26", "Test Declined")).await;
        } else {
            self.payments.lock().unwrap().get_mut(&id).unwrap().wrong += 1;
        }
        response(303, "location", &format!("/api/authurl/{id}"), String::new())
    }

    async fn create(&self, request: &Value) -> Response<Full<Bytes>> {
        let text = |name: &str| request[name].as_str().unwrap().to_owned();
        let card = text("ccno");
        if card.len() < 12 {
            let refusal =
                json!({"error_number": "1113", "error_message": "ccno", "status": "Error"});
            return as_json(400, &refusal);
        }
        let payment = Payment {
            reference: text("reference"),
            webhook_url: text("webhook_url"),
            return_url: text("return_url"),
            status: ("0", "Pending"),
            wrong: 0,
        };
        let id = format!("p{}", self.payments.lock().unwrap().len());
        self.payments.lock().unwrap().insert(id.clone(), payment);
        if card == "4043409999991437" {
            self.decide(&id, ("26", "Test Declined")).await;
        }
        let payment = self.payments.lock().unwrap()[&id].clone();
        as_json(200, &self.shown(&id, &payment))
    }

    fn shown(&self, id: &str, payment: &Payment) -> Value {
        let mut shown = json!({
            "transID": id, "reference": payment.reference, "order_status": payment.status.0,
            "status": payment.status.1, "response": payment.status.1, "ccno": "411111XXXXXX1111",
            "authstatus": format!("{}/api/authurl/s2s/{id}", self.base),
        });
        if payment.status.0 == "0" {
            shown["authurl"] = format!("{}/api/authurl/{id}", self.base).into();
        }
        shown
    }

    async fn decide(&self, id: &str, status: (&'static str, &'static str)) {
        let payment = {
            let mut payments = self.payments.lock().unwrap();
            let payment = payments.get_mut(id).unwrap();
            payment.status = status;
            payment.clone()
        };
        let Some(secret) = self.secret else { return };
        let body = json!({"transID": id, "reference": payment.reference,
            "order_status": status.0, "status": status.1})
        .to_string();
        let now = SystemClock.now().unix_seconds();
        let headers = signed(&[secret], &format!("msg_{id}"), now, body.as_bytes());
        let mut request = Request::post(&payment.webhook_url).body(Full::from(body)).unwrap();
        *request.headers_mut() = headers;
        let client: Client<_, Full<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
        client.request(request).await.unwrap();
    }
}
