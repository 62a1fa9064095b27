//! Serves the developers' pages alone, to look at them while writing:
//! `cargo run -p web --example developers_preview`. `--open-api` prints the `OpenAPI` document
//! and ends.
#![expect(clippy::print_stdout, reason = "a tool for a terminal")]

use std::error::Error;

const ADDRESS: &str = "127.0.0.1:9013";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let site = web::Site { public_url: format!("http://{ADDRESS}") };
    if std::env::args().any(|argument| argument == "--open-api") {
        println!("{}", web::developers::open_api::document(&site.public_url));
        return Ok(());
    }
    let listener = tokio::net::TcpListener::bind(ADDRESS).await?;
    println!("{}/developers", site.public_url);
    let pages = web::developers::routes::<()>(&site, &[]).merge(web::assets::files());
    axum::serve(listener, pages).await?;
    Ok(())
}
