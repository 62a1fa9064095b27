//! Attacks on the desks, and what a session is. Who may do what is in `matrix_tests`.

use super::harness::{FOREIGN, House, OWN, PASSWORD, Page, ROLES};
use axum::body::Body;
use domain::user::Role;
use engine::password::code_at;
use http::{Request, StatusCode, header};
use std::time::Duration;

const TOTP: &[u8] = b"12345678901234567890";

fn form(path: &str, fields: &[(&str, &str)]) -> http::request::Builder {
    let _ = fields;
    Request::post(path)
        .header(header::ORIGIN, "https://pay.example")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
}

async fn sign_in(house: &House, email: &str, password: &str, code: &str, next: &str) -> Page {
    let fields = [("email", email), ("password", password), ("code", code), ("next", next)];
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    house.send(form("/account/sign-in", &fields).body(Body::from(body)).unwrap()).await
}

fn code(house: &House) -> String {
    code_at(TOTP, *house.world.now.lock().unwrap()).unwrap()
}

#[tokio::test]
async fn nobody_gets_in_without_a_session() {
    let house = House::new().await;
    for route in super::all_routes() {
        let path = super::matrix_tests::path_of(route.path, (Role::Owner, &OWN), &house);
        let mut request = Request::builder().method(route.method.clone()).uri(&path);
        for cookie in ["", "__Host-tollgate=", "__Host-tollgate=made-up", "tollgate_session=x"] {
            request = request.header(header::COOKIE, cookie);
        }
        let page = house.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(page.status, StatusCode::SEE_OTHER, "{route:?}");
        assert!(page.location().starts_with("/account/sign-in?next="), "{route:?}");
        assert!(page.body.is_empty());
    }
}

#[tokio::test]
async fn signing_in_needs_address_password_and_code() {
    let house = House::new().await;
    let email = format!("user{}@people.example", house.user(Role::Owner));
    let right = code(&house);
    for (email, password, code) in [
        ("nobody@people.example", PASSWORD, &*right),
        (&*email, "wrong horse battery", &right),
        (&email, PASSWORD, "000000"),
        (&email, PASSWORD, ""),
        ("no address", PASSWORD, &right),
    ] {
        let page = sign_in(&house, email, password, code, "").await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(page.body.contains("That is not right"), "told alike");
        assert!(page.headers.get(header::SET_COOKIE).is_none());
    }
    let page = sign_in(&house, &email, PASSWORD, &right, "/portal/test/payments?q=x").await;
    assert_eq!(page.location(), "/portal/test/payments?q=x");
    let cookie = page.headers[header::SET_COOKIE].to_str().unwrap();
    for part in ["__Host-tollgate=", "; Path=/", "; Secure", "; HttpOnly", "; SameSite=Lax"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    let pair = cookie.split(';').next().unwrap();
    let request = Request::get("/account").header(header::COOKIE, pair).body(Body::empty());
    assert_eq!(house.send(request.unwrap()).await.status, StatusCode::OK);
    // The same code again is a stranger's.
    let again = sign_in(&house, &email, PASSWORD, &right, "").await;
    assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn a_session_that_was_there_before_is_not_taken_over() {
    let house = House::new().await;
    let email = format!("user{}@people.example", house.user(Role::Owner));
    let fields = [("email", &*email), ("password", PASSWORD), ("code", &code(&house))];
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    let planted = house.cookie(Role::ReadOnly);
    let request = form("/account/sign-in", &fields).header(header::COOKIE, &planted);
    let page = house.send(request.body(Body::from(body)).unwrap()).await;
    let cookie = page.headers[header::SET_COOKIE].to_str().unwrap();
    assert!(!cookie.contains(&planted), "a new secret");
    let page = house.get(Role::ReadOnly, "/account").await;
    assert_eq!(page.status, StatusCode::SEE_OTHER, "the planted one has ended");
}

#[tokio::test]
async fn wrong_passwords_make_the_address_rest_whoever_has_it() {
    let house = House::new().await;
    let email = format!("user{}@people.example", house.user(Role::Owner));
    for address in [&*email, "nobody@people.example"] {
        for _try in 0..5 {
            let page = sign_in(&house, address, "wrong horse battery", "000000", "").await;
            assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{address}");
        }
        let page = sign_in(&house, address, PASSWORD, &code(&house), "").await;
        assert_eq!(page.status, StatusCode::TOO_MANY_REQUESTS, "{address}");
    }
    house.pass(Duration::from_secs(61));
    let page = sign_in(&house, &email, PASSWORD, &code(&house), "").await;
    assert_eq!(page.location(), "/portal");
    // An address that tries many accounts is stopped as well.
    for number in 0..31 {
        sign_in(&house, &format!("a{number}@b.example"), PASSWORD, "1", "").await;
    }
    let page = sign_in(&house, "one@more.example", PASSWORD, "1", "").await;
    assert_eq!(page.status, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn sign_in_leads_nowhere_else() {
    let house = House::new().await;
    let email = format!("user{}@people.example", house.user(Role::Finance));
    let next = "https://evil.example/portal";
    let page = sign_in(&house, &email, PASSWORD, &code(&house), next).await;
    assert_eq!(page.location(), "/portal");
    let page = house
        .send(Request::get("/account/sign-in?next=//evil.example").body(Body::empty()).unwrap());
    assert!(!page.await.body.contains("evil"));
}

#[tokio::test]
async fn a_session_ends_idle_and_at_last() {
    let house = House::new().await;
    for _quarter in 0..51 {
        house.pass(Duration::from_mins(14));
        assert_eq!(house.get(Role::Owner, "/account").await.status, StatusCode::OK);
    }
    house.pass(Duration::from_mins(14));
    assert_eq!(house.get(Role::Owner, "/account").await.status, StatusCode::SEE_OTHER, "12 hours");
    let page = house.get(Role::Admin, "/account").await;
    assert_eq!(page.status, StatusCode::SEE_OTHER, "idle for 15 minutes");
}

/// Every form there is, sent by another website, without its token, and with somebody else's.
#[tokio::test]
async fn forged_forms_do_nothing() {
    let house = House::new().await;
    let writes = super::all_routes().into_iter().filter(|route| route.method == http::Method::POST);
    for route in writes {
        let role = ROLES.into_iter().find(|role| {
            let operators = route.path.starts_with("/office");
            role.may(route.needs) && operators == (*role == Role::Operator)
        });
        let role = role.unwrap();
        let path = super::matrix_tests::path_of(route.path, (role, &OWN), &house);
        let other = if role == Role::Owner { Role::Admin } else { Role::Owner };
        let (own, others) = (house.csrf(role), house.csrf(other));
        for (origin, site, csrf) in [
            ("https://evil.example", "cross-site", &*own),
            ("null", "cross-site", &own),
            ("https://pay.example", "same-origin", ""),
            ("https://pay.example", "same-origin", &others),
        ] {
            let request = Request::post(&path)
                .header(header::COOKIE, house.cookie(role))
                .header(header::ORIGIN, origin)
                .header("sec-fetch-site", site)
                .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
                .body(Body::from(format!("csrf={csrf}")));
            let before = house.store.contents();
            let page = house.send(request.unwrap()).await;
            assert_eq!(page.status, StatusCode::FORBIDDEN, "{route:?} {origin} {csrf}");
            let after = house.store.contents();
            assert_eq!(before.audit.len(), after.audit.len(), "{route:?}");
            assert_eq!(before.journal.len(), after.journal.len(), "{route:?}");
        }
    }
}

#[tokio::test]
async fn pages_have_their_security_headers() {
    let house = House::new().await;
    let sign_in = Request::get("/account/sign-in").body(Body::empty()).unwrap();
    let pages = [
        house.send(sign_in).await,
        house.get(Role::Owner, "/account").await,
        house.get(Role::Owner, "/office").await,
    ];
    for page in pages {
        let policy = page.headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.contains("default-src 'none'") && policy.contains("form-action 'self';"));
        assert!(!policy.contains("unsafe") && !policy.contains("http"), "{policy}");
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("cache-control", "no-store"),
            ("referrer-policy", "same-origin"),
            ("cross-origin-opener-policy", "same-origin"),
            ("strict-transport-security", "max-age=31536000"),
        ] {
            assert_eq!(page.headers[name], value, "{name}");
        }
        assert!(!page.body.contains("style=\"") && !page.body.contains("<style"));
        assert!(!page.body.contains("onclick") && !page.body.contains("<script>"));
    }
}

#[tokio::test]
async fn a_forgotten_password_tells_nobody_who_has_an_account() {
    let house = House::new().await;
    let email = format!("user{}@people.example", house.user(Role::Owner));
    let mut bodies = Vec::new();
    for address in [&*email, "nobody@people.example"] {
        let body =
            form_urlencoded::Serializer::new(String::new()).append_pair("email", address).finish();
        let request = form("/account/forgotten", &[]).body(Body::from(body)).unwrap();
        let page = house.send(request).await;
        assert_eq!(page.status, StatusCode::OK);
        bodies.push(page.body);
    }
    assert_eq!(bodies[0], bodies[1]);
    house.app.gateway.finish_tasks().await;
    let mails = house.mails.0.lock().unwrap().clone();
    assert_eq!(mails.iter().map(|mail| &mail.to).collect::<Vec<_>>(), [&email]);
    let link = mails[0].text.lines().find(|line| line.contains("/account/reset/")).unwrap();
    let path = link.strip_prefix("https://pay.example").unwrap();
    let set = |password: &str| {
        let body = form_urlencoded::Serializer::new(String::new())
            .append_pair("password", password)
            .finish();
        form(path, &[]).body(Body::from(body)).unwrap()
    };
    assert_eq!(house.send(set("short")).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    let done = house.send(set("another horse battery")).await;
    assert_eq!(done.location(), "/account/sign-in?notice=saved");
    assert_eq!(house.send(set("a third horse battery")).await.status, StatusCode::GONE);
    let page = house.get(Role::Owner, "/account").await;
    assert_eq!(page.status, StatusCode::SEE_OTHER, "all sessions have ended");
    let page = sign_in(&house, &email, "another horse battery", &code(&house), "").await;
    assert_eq!(page.location(), "/portal");
}

#[tokio::test]
async fn an_invitation_is_accepted_once() {
    let house = House::new().await;
    let gateway = &house.app.gateway;
    let invite = engine::user::Invite {
        merchant: Some(OWN.merchant),
        email: domain::user::Email::parse("new@shop.example").unwrap(),
        name: "New".to_owned(),
        role: Role::Support,
    };
    let invited = gateway.invite(engine::Actor::Operator, Role::Operator, invite).await.unwrap();
    let path = format!("/account/invitation/{}", invited.secret.reveal());
    let page = house.send(Request::get(&path).body(Body::empty()).unwrap()).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.body.contains("new@shop.example") && page.body.contains("<svg"));
    assert!(page.body.contains("Shop 1 &#60;script&#62;"), "names are escaped");
    let secret = gateway.totp_secret(&invited.user).unwrap();
    let now = *house.world.now.lock().unwrap();
    let code = code_at(&secret, now).unwrap();
    let accept = |password: &str, code: &str| {
        let body = form_urlencoded::Serializer::new(String::new())
            .extend_pairs([("name", "New Person"), ("password", password), ("code", code)])
            .finish();
        form(&path, &[]).body(Body::from(body)).unwrap()
    };
    for (password, code) in [("password1234", &*code), (PASSWORD, "123")] {
        let page = house.send(accept(password, code)).await;
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(!page.body.contains(password), "a password is not shown again");
    }
    let page = house.send(accept(PASSWORD, &code)).await;
    assert_eq!(page.status, StatusCode::OK);
    let (_, rest) = page.body.split_once("<li><code>").unwrap();
    let recovery = rest.split('<').next().unwrap();
    assert_eq!(house.send(accept(PASSWORD, &code)).await.status, StatusCode::GONE);
    // A recovery code opens once.
    let page = sign_in(&house, "new@shop.example", PASSWORD, recovery, "").await;
    assert_eq!(page.location(), "/portal");
    let page = sign_in(&house, "new@shop.example", PASSWORD, recovery, "").await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn guessed_links_are_gone_and_guessing_is_stopped() {
    let house = House::new().await;
    for path in ["/account/invitation/guess", "/account/reset/guess"] {
        let page = house.send(Request::get(path).body(Body::empty()).unwrap()).await;
        assert_eq!(page.status, StatusCode::GONE);
    }
    assert_ne!(OWN.merchant, FOREIGN.merchant);
}
