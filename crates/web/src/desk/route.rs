//! A route of a desk: what it needs is part of it, and a form that changes something is a type of
//! its own, so that neither can be forgotten.

use super::form::Posted;
use super::trouble::Trouble;
use super::visit::Visit;
use crate::app::App;
use axum::Router;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::{MethodFilter, on};
use domain::user::Permission;
use http::Method;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

/// What a handler comes to.
pub type Outcome = Result<Response, Trouble>;
type Answering = Pin<Box<dyn Future<Output = Outcome> + Send>>;
type Reading = Arc<dyn Fn(Visit) -> Answering + Send + Sync>;
type Writing = Arc<dyn Fn(Visit, Posted) -> Answering + Send + Sync>;

/// Which desk a route is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Room {
    /// The merchant portal: who signed in works for a merchant, and sees nothing else.
    Portal,
    /// The operator's office.
    Office,
    /// One's own account, whoever one is.
    Account,
}

/// A route.
#[derive(Clone)]
pub struct Route {
    /// `GET` or `POST`.
    pub method: Method,
    /// As axum writes it, e.g. `/portal/{mode}/payments/{payment}`.
    pub path: &'static str,
    /// Whose desk it is at.
    pub room: Room,
    /// What the role must be allowed.
    pub needs: Permission,
    handler: Handler,
}

#[derive(Clone)]
enum Handler {
    Reads(Reading),
    Writes(Writing),
}

impl fmt::Debug for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ({:?}, {:?})", self.method, self.path, self.room, self.needs)
    }
}

/// A page that is looked at and changes nothing.
pub fn get<F, A>(room: Room, path: &'static str, needs: Permission, handler: F) -> Route
where
    F: Fn(Visit) -> A + Send + Sync + 'static,
    A: Future<Output = Outcome> + Send + 'static,
{
    let reads: Reading = Arc::new(move |visit| Box::pin(handler(visit)));
    Route { method: Method::GET, path, room, needs, handler: Handler::Reads(reads) }
}

/// A form that changes something. Its handler gets it only after it was proved to be ours.
pub fn post<F, A>(room: Room, path: &'static str, needs: Permission, handler: F) -> Route
where
    F: Fn(Visit, Posted) -> A + Send + Sync + 'static,
    A: Future<Output = Outcome> + Send + 'static,
{
    let writes: Writing = Arc::new(move |visit, posted| Box::pin(handler(visit, posted)));
    Route { method: Method::POST, path, room, needs, handler: Handler::Writes(writes) }
}

impl Route {
    pub(super) fn add_to(self, router: Router<App>) -> Router<App> {
        let filter = match self.handler {
            Handler::Reads(_) => MethodFilter::GET,
            Handler::Writes(_) => MethodFilter::POST,
        };
        let path = self.path;
        let route = Arc::new(self);
        let answer = move |State(app): State<App>, request: Request| {
            let route = Arc::clone(&route);
            async move { route.answer(app, request).await }
        };
        router.route(path, on(filter, answer))
    }

    async fn answer(&self, app: App, request: Request) -> Response {
        let (parts, body) = request.into_parts();
        let visit = match Visit::begin(&app, self, parts).await {
            Ok(visit) => visit,
            Err(refusal) => return *refusal,
        };
        let told = visit.clone();
        let outcome = match &self.handler {
            Handler::Reads(reads) => reads(visit).await,
            Handler::Writes(writes) => match Posted::read(&visit, body).await {
                Ok(posted) => writes(visit, posted).await,
                Err(trouble) => Err(trouble),
            },
        };
        match outcome {
            Ok(response) => response,
            Err(trouble) => trouble.into_answer(&told),
        }
    }
}
