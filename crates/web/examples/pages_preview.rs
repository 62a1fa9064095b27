//! Shows the customer pages in every state with sample data, on loopback:
//! `cargo run -p web --example pages_preview [PORT]`, then open the address it prints.

use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use std::error::Error;
use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::Arc;
use web::Site;
use web::pages::samples::{logo_file, samples};
use web::pages::{Asked, Language};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let port: u16 = std::env::args().nth(1).map_or(Ok(0), |text| text.parse())?;
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    let url = format!("http://{}", listener.local_addr()?);
    let site = Arc::new(Site { public_url: url.clone() });
    let app = web::assets::files()
        .route("/", get(list))
        .route("/{name}", get(show))
        .route("/assets/logo/{file}", get(logo))
        .with_state(site);
    writeln!(std::io::stdout(), "{{\"ready\":true,\"url\":\"{url}\"}}")?;
    axum::serve(listener, app).await?;
    Ok(())
}

/// `GET /`: links to all samples.
async fn list(State(site): State<Arc<Site>>) -> Html<String> {
    let mut list = String::new();
    for sample in samples(&site, &Asked::chosen(Language::English)) {
        // Writing to a String cannot fail.
        let _written = writeln!(list, "<li><a href=\"/{0}\">{0}</a>", sample.name);
    }
    let head =
        "<!doctype html>\n<title>Customer pages</title>\n<link rel=\"icon\" href=\"data:,\">";
    Html(format!("{head}\n<ul>\n{list}</ul>\n"))
}

/// `GET /assets/logo/{file}`: the samples' logo.
async fn logo(Path(file): Path<String>) -> Response {
    let logo = logo_file().filter(|(path, _logo)| path.ends_with(&format!("/{file}")));
    logo.map_or_else(|| StatusCode::NOT_FOUND.into_response(), |(_path, logo)| logo)
}

/// `GET /{name}`: one sample, in the language that the gateway would show it in.
async fn show(
    State(site): State<Arc<Site>>,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let samples = samples(&site, &Asked::of(&headers, query.as_deref()));
    let Some(sample) = samples.into_iter().find(|sample| sample.name == name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    match sample.render() {
        Ok(html) => {
            let policy = [(header::CONTENT_SECURITY_POLICY, sample.policy())];
            (policy, Html(html)).into_response()
        }
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}
