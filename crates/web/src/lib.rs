//! The only HTTP serving, JSON shapes and HTML.
//!
//! Handlers parse, call the engine and render; they hold no `if` about money. `api` is what
//! merchants' servers see, `pages` what cardholders see, `inbound` what banks send,
//! `developers` the public reference, `portal` what merchants see, `office` what operators see; `desk`
//! is what these two share, and `account` how people sign in.

mod account;
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
mod office;
mod origin;
mod page_id;
pub mod pages;
mod portal;
pub mod pressure;
#[cfg(test)]
mod pressure_tests;
pub mod server;
pub mod throttle;
mod tls;

pub use app::{App, Site, router};
