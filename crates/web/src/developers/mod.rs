//! The developers' pages: API reference, samples, test data, status codes, `OpenAPI`.
//!
//! Everything here is rendered once, when the router is made: it depends on nothing but the public
//! address and the test bank's own table of failures. The tables (`parameters`, `answers`, `methods`, `errors`, `cards`) are the only source of the
//! pages and of the `OpenAPI` document.

pub mod answers;
mod balance;
pub mod cards;
mod document;
mod encrypted;
pub mod errors;
mod event_sections;
pub mod methods;
pub mod open_api;
mod pages;
pub mod parameters;
mod payments;
pub mod samples;
pub mod text;
mod webhook_calls;

use crate::app::Site;
use crate::event_catalogue;
use axum::Router;
use axum::http::HeaderMap;
use axum::response::Redirect;
use axum::routing::get;
use document::Document;
use engine::ports::LabCase;

/// The developers' routes. `lab`: how a test bank fails on purpose; nothing where there is none.
pub fn routes<S: Clone + Send + Sync + 'static>(site: &Site, lab: &[LabCase]) -> Router<S> {
    let home = get(|| async { Redirect::temporary("/developers") });
    let router = Router::new().route("/", home);
    documents(site, lab).into_iter().fold(router, |router, (path, document)| {
        let answer = move |headers: HeaderMap| async move { document.answer(&headers) };
        router.route(path, get(answer))
    })
}

/// Every path with what it answers.
fn documents(site: &Site, lab: &[LabCase]) -> Vec<(&'static str, Document)> {
    let open_api = open_api::document(&site.public_url).to_string();
    // Plain texts and numbers: it cannot fail.
    let catalogue = serde_json::to_string(&event_catalogue::catalogue()).unwrap_or_default();
    let mut documents = vec![
        ("/openapi.json", Document::new("application/json", open_api)),
        ("/api/v1/webhooks/event-types", Document::new("application/json", catalogue)),
        ("/llms.txt", Document::new("text/plain; charset=utf-8", pages::index(&site.public_url))),
    ];
    for page in pages::PAGES {
        match pages::render(page.path, &site.public_url, lab) {
            Ok(html) => {
                documents.push((page.path, Document::new("text/html; charset=utf-8", html)));
            }
            Err(error) => tracing::error!(page = page.path, %error, "a page did not render"),
        }
    }
    documents
}

#[cfg(test)]
mod tests;
