//! Shows the customer pages in every state with sample data, on loopback:
//! `cargo run -p web --example pages_preview [PORT]`, then open the address it prints.

use axum::Router;
use axum::response::Html;
use axum::routing::get;
use std::error::Error;
use std::fmt::Write as _;
use std::io::Write as _;
use web::Site;
use web::html::CONTENT_SECURITY_POLICY;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let port: u16 = std::env::args().nth(1).map_or(Ok(0), |text| text.parse())?;
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    let url = format!("http://{}", listener.local_addr()?);
    let mut app: Router = web::assets::files();
    let mut list = String::new();
    for sample in web::pages::samples::samples(&Site { public_url: url.clone() })? {
        writeln!(list, "<li><a href=\"/{0}\">{0}</a>", sample.name)?;
        let shown = ([("content-security-policy", CONTENT_SECURITY_POLICY)], Html(sample.html));
        app = app.route(&format!("/{}", sample.name), get(async move || shown));
    }
    let list = format!(
        "<!doctype html>\n<title>Customer pages</title>\n<link rel=\"icon\" href=\"data:,\">\n<ul>\n{list}</ul>\n"
    );
    app = app.route("/", get(async move || Html(list)));
    writeln!(std::io::stdout(), "{{\"ready\":true,\"url\":\"{url}\"}}")?;
    axum::serve(listener, app).await?;
    Ok(())
}
