//! The only HTTP serving, JSON shapes and HTML.
//!
//! Handlers parse, call the engine and render; they hold no `if` about money. `api` is what
//! merchants' servers see, `pages` what cardholders see, `inbound` what banks send,
//! `developers` the public reference, `desk` what merchants' staff see.

pub mod api;
pub mod app;
pub mod assets;
mod body;
pub mod desk;
pub mod developers;
pub mod event_catalogue;
#[cfg(test)]
mod fake;
pub mod family_cipher;
pub mod html;
mod inbound;
pub mod metrics;
pub mod notice;
mod page_id;
pub mod pages;
pub mod pressure;
#[cfg(test)]
mod pressure_tests;
pub mod server;
pub mod throttle;
mod tls;

pub use app::{App, Site, router};
