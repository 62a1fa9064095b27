//! What is true about money and payments, with no outside world: no IO, no async, no clock.
//!
//! Everything here is data and pure functions. A function either is total or returns a typed
//! error; amounts are integers in minor units; a state is an enum that carries its facts.
#![deny(missing_docs, clippy::arithmetic_side_effects)]

pub mod address;
pub mod api_call;
pub mod api_token;
pub mod bank_message;
pub mod call;
pub mod card;
pub mod delivery;
pub mod destination;
pub mod endpoint;
pub mod event;
pub mod event_type;
pub mod id;
pub mod ledger;
pub mod merchant;
pub mod merchant_qr;
pub mod method;
pub mod money;
pub mod outcome;
pub mod payment;
pub mod payment_filter;
pub mod redaction;
pub mod refund;
pub mod schedule;
pub mod secret;
pub mod status;
pub mod summary;
pub mod terminal;
pub mod text;
pub mod theme;
pub mod time;
pub mod upi;
pub mod upi_link;
pub mod user;
