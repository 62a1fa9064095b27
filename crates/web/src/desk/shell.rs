//! What stands around every page of a desk.

use super::notice::Notice;
use super::route::Room;
use super::visit::Visit;
use crate::app::App;
use askama::Template;
use axum::response::Response;
use domain::terminal::Mode;
use domain::user::Permission;
use http::{HeaderName, HeaderValue, StatusCode, header};

/// Everything around a page's content.
#[derive(Clone, Debug)]
pub struct Shell {
    /// The page's title.
    pub title: String,
    /// Which desk it is.
    pub room: &'static str,
    /// The desk's first page.
    pub home: String,
    /// For whom the visitor works.
    pub merchant: String,
    /// Who is signed in.
    pub user_name: String,
    /// What they sign in with.
    pub user_email: String,
    /// What they are.
    pub role: &'static str,
    /// The navigation.
    pub menu: Vec<MenuGroup>,
    /// Test and live, where the page is of one of them.
    pub mode: Option<ModeSwitch>,
    /// What is told above the page.
    pub notice: Option<Notice>,
    /// The path under which the gateway is served.
    pub base: String,
    /// Proves that forms are ours.
    pub csrf: String,
    /// Where searches go.
    pub search_href: String,
}

/// A part of the navigation.
#[derive(Clone, Debug)]
pub struct MenuGroup {
    /// Its heading.
    pub title: &'static str,
    /// Its links.
    pub items: Vec<MenuItem>,
}

/// A link of the navigation.
#[derive(Clone, Debug)]
pub struct MenuItem {
    /// Its words.
    pub title: &'static str,
    /// Where to.
    pub href: String,
    /// Its icon's name.
    pub icon: &'static str,
    /// Whether the page is there, or below.
    pub is_here: bool,
    /// Which key leads there after `g`; empty for none.
    pub key: &'static str,
}

/// The switch between test and live.
#[derive(Clone, Debug)]
pub struct ModeSwitch {
    /// Whether this page is about test payments.
    pub is_test: bool,
    /// The same page about test payments.
    pub test_href: String,
    /// The same page about real ones.
    pub live_href: String,
    /// Whether the merchant may have live terminals.
    pub live_ready: bool,
}

/// What stands around a page for who is not signed in.
#[derive(Clone, Debug)]
pub struct Bare {
    /// The page's title.
    pub title: String,
    /// The path under which the gateway is served.
    pub base: String,
}

impl Bare {
    /// Around a page of this title.
    pub fn new(app: &App, title: &str) -> Self {
        Self { title: title.to_owned(), base: app.site.base_path().to_owned() }
    }
}

impl Shell {
    /// Around a page of this title.
    pub fn of(visit: &Visit, title: &str) -> Self {
        let is_operator = visit.user.merchant.is_none();
        let (room, home) =
            if is_operator { ("Office", "/office") } else { ("My Terminal", "/portal") };
        let facts = &visit.user.facts;
        let merchant = visit.merchant.as_ref();
        let search = if is_operator { "/office/search" } else { "/portal/search" };
        Self {
            title: title.to_owned(),
            room,
            home: visit.href(home),
            merchant: merchant.map_or_else(|| "Operator".to_owned(), |one| one.name.clone()),
            user_name: facts.name.clone(),
            user_email: visit.user.email.to_string(),
            role: facts.role.title(),
            menu: if is_operator { crate::office::menu(visit) } else { crate::portal::menu(visit) },
            mode: mode_switch(visit),
            notice: visit.asked("notice").and_then(|code| Notice::of(&code)),
            base: visit.app.site.base_path().to_owned(),
            csrf: visit.csrf(),
            search_href: visit.href(search),
        }
    }

    /// With this told above the page.
    #[must_use]
    pub fn telling(self, notice: Notice) -> Self {
        Self { notice: Some(notice), ..self }
    }
}

fn mode_switch(visit: &Visit) -> Option<ModeSwitch> {
    if visit.room != Room::Portal {
        return None;
    }
    let mode = visit.mode_if_any()?;
    // The same kind of page; a single payment or terminal has no twin in the other mode.
    let rest: Vec<&str> = visit.path.split('/').skip(3).take(1).collect();
    let twin = |mode: Mode| {
        let kind = rest.first().map_or_else(String::new, |kind| format!("/{kind}"));
        visit.href(&format!("/portal/{}{kind}", mode.name()))
    };
    Some(ModeSwitch {
        is_test: mode == Mode::Test,
        test_href: twin(Mode::Test),
        live_href: twin(Mode::Live),
        live_ready: visit.merchant.as_ref().is_some_and(|merchant| merchant.approved),
    })
}

/// A link for the navigation, if the visitor may follow it.
pub fn item(
    visit: &Visit,
    needs: Permission,
    (title, path, icon, key): (&'static str, &str, &'static str, &'static str),
) -> Option<MenuItem> {
    if !visit.may(needs) {
        return None;
    }
    let below = visit.path.strip_prefix(path).is_some_and(|rest| rest.starts_with('/'));
    let is_first =
        path == "/office" || path.matches('/').count() == 2 && path.starts_with("/portal/");
    let is_here = *visit.path == *path || below && !is_first;
    Some(MenuItem { title, href: visit.href(path), icon, is_here, key })
}

/// No third party, nothing inline, forms to ourselves only.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
    connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Renders a page of a desk with its security headers.
pub fn desk_page(app: &App, status: StatusCode, template: &impl Template) -> Response {
    let mut response = crate::html::page(status, template);
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if app.site.public_url.starts_with("https:") {
        let year = HeaderValue::from_static("max-age=31536000");
        headers.insert(header::STRICT_TRANSPORT_SECURITY, year);
    }
    response
}
