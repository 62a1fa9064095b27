use crate::app::Caller;
use crate::fake::World;
use axum::body::Body;
use domain::bank_message::MessageId;
use domain::redaction::Redacted;
use engine::ports::{Judgement, Noticed, RefusedMessage};
use http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use std::sync::Arc;
use testkit::fixture;
use tower::ServiceExt as _;

fn world() -> Arc<World> {
    Arc::new(World::with(fixture::payment(1, "noticed"), fixture::now()))
}

fn judge(world: &World, judgement: Judgement) {
    *world.judgement.lock().unwrap() = judgement;
}

fn noticed(id: &str) -> Judgement {
    Judgement::Noticed(Noticed {
        message: MessageId::parse(id).unwrap(),
        our_reference: None,
        redacted: Redacted::of("paid with 4111111111111111"),
    })
}

fn forged() -> Judgement {
    Judgement::Refused(RefusedMessage::NotGenuine("the third byte".to_owned()))
}

struct Sent {
    status: StatusCode,
    retry_after: Option<String>,
    text: String,
}

async fn send(app: &crate::App, method: &str, path: &str, body: impl Into<Body>) -> Sent {
    let mut request = Request::builder().method(method).uri(path).body(body.into()).unwrap();
    request.extensions_mut().insert(Caller(Some("192.0.2.7".parse().unwrap())));
    let answer = crate::router(app.clone()).oneshot(request).await.unwrap();
    let retry_after = answer.headers().get("retry-after");
    let retry_after = retry_after.map(|value| value.to_str().unwrap().to_owned());
    let status = answer.status();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    Sent { status, retry_after, text: String::from_utf8(body.to_vec()).unwrap() }
}

#[tokio::test]
async fn what_is_genuine_is_kept_before_it_is_answered() {
    let world = world();
    let app = world.app();
    judge(&world, noticed("msg-1"));
    let sent = send(&app, "POST", "/inbound/fake", "body").await;
    assert_eq!((sent.status, &*sent.text), (StatusCode::OK, "received\n"));
    let kept = world.bank_messages.lock().unwrap().clone();
    assert_eq!(kept.len(), 1);
    assert_eq!(kept[0].key.to_string(), "fake/msg-1");
    assert_eq!(kept[0].body.as_str(), "paid with XXXXXXXXXXXX1111");
    assert_eq!(send(&app, "POST", "/inbound/fake", "body").await.status, StatusCode::OK);
    let other = send(&app, "POST", "/inbound/fake", "another body").await;
    assert_eq!(other.status, StatusCode::CONFLICT);
    assert_eq!(world.bank_messages.lock().unwrap().clone(), kept);
    let audits = world.audits.lock().unwrap();
    assert_eq!((audits.len(), audits[0].actor, audits[0].result), (1, "bank", "refused"));
}

#[tokio::test]
async fn a_message_that_cannot_be_kept_is_asked_for_again() {
    let world = world();
    judge(&world, noticed("msg-1"));
    *world.database_is_up.lock().unwrap() = false;
    let sent = send(&world.app(), "POST", "/inbound/fake", "body").await;
    let again = (StatusCode::SERVICE_UNAVAILABLE, Some("1".to_owned()));
    assert_eq!((sent.status, sent.retry_after), again);
}

#[tokio::test]
async fn forgers_learn_nothing_and_are_slowed_down_alone() {
    let world = world();
    let app = world.app();
    judge(&world, forged());
    for _guess in 0..31 {
        let sent = send(&app, "POST", "/inbound/fake", "body").await;
        assert_eq!((sent.status, &*sent.text), (StatusCode::UNAUTHORIZED, super::NOT_GENUINE));
    }
    let sent = send(&app, "POST", "/inbound/fake", "body").await;
    assert_eq!(sent.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(sent.retry_after.as_deref(), Some("60"));
    assert_eq!(world.audits.lock().unwrap().len(), 31, "the flood stays out of the audit log");
    assert!(world.bank_messages.lock().unwrap().is_empty());
    // The bank behind the same address is heard.
    judge(&world, noticed("msg-1"));
    assert_eq!(send(&app, "POST", "/inbound/fake", "body").await.status, StatusCode::OK);
}

#[tokio::test]
async fn what_is_no_message_is_answered_with_its_own_status() {
    let world = world();
    let app = world.app();
    judge(&world, noticed("msg-1"));
    let status = async |method, path, body: Vec<u8>| send(&app, method, path, body).await.status;
    assert_eq!(status("POST", "/inbound/nobody", vec![]).await, StatusCode::NOT_FOUND);
    assert_eq!(status("POST", "/inbound/", vec![]).await, StatusCode::NOT_FOUND);
    assert_eq!(status("GET", "/inbound/fake", vec![]).await, StatusCode::METHOD_NOT_ALLOWED);
    let large = vec![b'x'; 64 * 1024 + 1];
    assert_eq!(status("POST", "/inbound/fake", large).await, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(world.bank_messages.lock().unwrap().is_empty());
    assert_eq!(status("POST", "/inbound/fake", vec![b'x'; 64 * 1024]).await, StatusCode::OK);
    let why = "a message is JSON".to_owned();
    judge(&world, Judgement::Refused(RefusedMessage::Unreadable(why)));
    let sent = send(&app, "POST", "/inbound/fake", "body").await;
    assert_eq!((sent.status, &*sent.text), (StatusCode::BAD_REQUEST, "a message is JSON\n"));
}
