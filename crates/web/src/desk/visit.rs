//! Somebody who is signed in and asks for something.

use super::route::{Room, Route};
use super::trouble::Trouble;
use crate::app::{App, Caller, RequestId};
use axum::extract::{FromRequestParts as _, RawPathParams};
use axum::response::{IntoResponse as _, Redirect, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::id::MerchantId;
use domain::merchant::Merchant;
use domain::terminal::Mode;
use domain::user::{Permission, Session, User};
use engine::Actor;
use form_urlencoded::Serializer;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use std::str::FromStr;
use std::sync::Arc;

/// A request of somebody who is signed in and may ask for this.
#[derive(Clone, Debug)]
pub struct Visit {
    /// What handlers share.
    pub app: App,
    /// Their session.
    pub session: Arc<Session>,
    /// Who they are.
    pub user: Arc<User>,
    /// The merchant they work for; none for operators.
    pub merchant: Option<Arc<Merchant>>,
    /// The path that was asked for, without the gateway's own prefix.
    pub path: Arc<str>,
    /// The query as it came.
    pub query: Arc<str>,
    /// The request's id.
    pub request_id: RequestId,
    pub(super) headers: Arc<HeaderMap>,
    pub(super) uri: Arc<http::Uri>,
    pub(super) room: Room,
    caller: Caller,
    params: Arc<[(String, String)]>,
}

impl Visit {
    /// Finds the session and looks whether its user may use the route.
    pub(super) async fn begin(
        app: &App,
        route: &Route,
        mut parts: Parts,
    ) -> Result<Self, Box<Response>> {
        let secret = session_cookie(app, &parts.headers);
        let found = match secret {
            Some(secret) => app.gateway.session(secret).await,
            None => Ok(None),
        };
        let (session, user) = match found {
            Ok(Some(found)) => found,
            Ok(None) => return Err(Box::new(sign_in_first(app, route, &parts))),
            Err(fault) => return Err(Box::new(super::trouble::unavailable(app, &fault))),
        };
        let params = RawPathParams::from_request_parts(&mut parts, &()).await;
        let params: Vec<(String, String)> = params
            .map(|params| params.iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect())
            .unwrap_or_default();
        let caller = Caller::of(&parts.extensions);
        let actor = Actor::User { user: user.id, merchant: user.merchant, caller: caller.0 };
        let merchant = match user.merchant {
            None => None,
            Some(id) => match app.gateway.merchant(actor, id).await {
                Ok(found) => found.map(Arc::new),
                Err(fault) => return Err(Box::new(super::trouble::unavailable(app, &fault))),
            },
        };
        let visit = Self {
            app: app.clone(),
            session: Arc::new(session),
            user: Arc::new(user),
            merchant,
            path: parts.uri.path().into(),
            query: parts.uri.query().unwrap_or_default().into(),
            request_id: RequestId::of(&parts.extensions),
            headers: Arc::new(parts.headers),
            uri: Arc::new(parts.uri),
            room: route.room,
            caller,
            params: params.into(),
        };
        let right_room = match route.room {
            Room::Portal => visit.merchant.is_some(),
            Room::Office => visit.user.merchant.is_none(),
            Room::Account => true,
        };
        // The other desk is as if it were not there.
        if !right_room {
            return Err(Box::new(Trouble::NotFound.into_answer(&visit)));
        }
        if !visit.may(route.needs) {
            return Err(Box::new(Trouble::Forbidden.into_answer(&visit)));
        }
        Ok(visit)
    }

    /// Who asks, for the engine.
    pub fn actor(&self) -> Actor {
        let merchant = self.user.merchant;
        Actor::User { user: self.user.id, merchant, caller: self.caller.0 }
    }

    /// Whether the user's role may do that.
    pub fn may(&self, permission: Permission) -> bool {
        self.user.facts.role.may(permission)
    }

    /// The merchant that a page of the portal is about.
    pub fn merchant_id(&self) -> Result<MerchantId, Trouble> {
        self.user.merchant.ok_or(Trouble::NotFound)
    }

    /// A part of the path; what has not its form is not found.
    pub fn param<T: FromStr>(&self, name: &str) -> Result<T, Trouble> {
        let text = self.params.iter().find(|(key, _)| key == name).map(|(_, text)| text.as_str());
        text.and_then(|text| text.parse().ok()).ok_or(Trouble::NotFound)
    }

    /// The mode in the path.
    pub fn mode(&self) -> Result<Mode, Trouble> {
        let word: String = self.param("mode")?;
        Mode::from_name(&word).ok_or(Trouble::NotFound)
    }

    /// The mode in the path, where the page is of one.
    pub fn mode_if_any(&self) -> Option<Mode> {
        self.mode().ok()
    }

    /// A field of the query, trimmed; none when it is missing or empty.
    pub fn asked(&self, name: &str) -> Option<String> {
        let mut fields = form_urlencoded::parse(self.query.as_bytes());
        let (_, value) = fields.find(|(key, _)| key == name)?;
        let value = value.trim();
        (!value.is_empty()).then(|| value.to_owned())
    }

    /// The path of this page with the query's fields but this one, and it anew (none: without it).
    pub fn with_query(&self, name: &str, value: Option<&str>) -> String {
        let fields = form_urlencoded::parse(self.query.as_bytes());
        let mut query = Serializer::new(String::new());
        for (key, kept) in fields.filter(|(key, value)| key != name && !value.is_empty()) {
            query.append_pair(&key, &kept);
        }
        if let Some(value) = value {
            query.append_pair(name, value);
        }
        let query = query.finish();
        let separator = if query.is_empty() { "" } else { "?" };
        format!("{}{separator}{query}", self.href(&self.path))
    }

    /// A path of ours as it stands in pages.
    pub fn href(&self, path: &str) -> String {
        format!("{}{path}", self.app.site.base_path())
    }

    /// A path of the portal in the page's mode: `/portal/test` and this.
    pub fn in_mode(&self, path: &str) -> String {
        let mode = self.mode_if_any().unwrap_or(Mode::Test);
        self.href(&format!("/portal/{}{path}", mode.name()))
    }

    /// The proof that a form of this session is ours.
    pub fn csrf(&self) -> String {
        let vault = self.app.gateway.vault();
        URL_SAFE_NO_PAD.encode(vault.digest(&[b"form of session", &self.session.digest]))
    }

    /// Whether keys and large refunds need the password typed again.
    pub fn needs_password(&self) -> bool {
        !self.session.is_fresh(self.app.gateway.clock().now())
    }

    /// Where the browser goes next, with a notice by its code.
    pub fn see_other(&self, path: &str, notice: &str) -> Response {
        let separator = if path.contains('?') { '&' } else { '?' };
        let notice =
            if notice.is_empty() { String::new() } else { format!("{separator}notice={notice}") };
        Redirect::to(&format!("{path}{notice}")).into_response()
    }
}

/// The cookie's name: bound to this host where there is TLS.
pub(crate) fn cookie_name(app: &App) -> &'static str {
    if app.site.public_url.starts_with("https:") { "__Host-tollgate" } else { "tollgate_session" }
}

/// The session's secret in the request's cookies.
pub(crate) fn session_cookie<'a>(app: &App, headers: &'a HeaderMap) -> Option<&'a str> {
    let name = cookie_name(app);
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.split_once('='));
    pairs.find(|(key, _)| key.trim() == name).map(|(_, value)| value.trim())
}

/// The answer with the session's cookie, or with one that ends it.
pub(crate) fn with_cookie(app: &App, mut response: Response, secret: Option<&str>) -> Response {
    let secure = if cookie_name(app).starts_with("__Host-") { "; Secure" } else { "" };
    let age = if secret.is_some() { "" } else { "; Max-Age=0" };
    let secret = secret.unwrap_or_default();
    let cookie =
        format!("{}={secret}; Path=/; HttpOnly; SameSite=Lax{secure}{age}", cookie_name(app));
    if let Ok(value) = HeaderValue::from_str(&cookie) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
    response
}

/// A page goes on after the sign-in where it was; a form is not kept.
fn sign_in_first(app: &App, route: &Route, parts: &Parts) -> Response {
    let wanted = if route.method == Method::GET {
        parts.uri.path_and_query().map_or("", http::uri::PathAndQuery::as_str)
    } else {
        ""
    };
    let query = Serializer::new(String::new()).append_pair("next", wanted).finish();
    let to = format!("{}/account/sign-in?{query}", app.site.base_path());
    let mut response = Redirect::to(&to).into_response();
    if route.method != Method::GET {
        *response.status_mut() = StatusCode::SEE_OTHER;
    }
    response
}
