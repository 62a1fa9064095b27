//! What the gateway does: one use case per noun, the background work, and the ports it needs.
//!
//! The engine knows no HTTP serving, no SQL, no files, no environment and no wall clock; all of
//! these come in through [`ports`]. Every write is one [`changeset::Changeset`], and no call to a
//! bank happens inside a commit.
#![deny(missing_docs, clippy::arithmetic_side_effects)]

pub mod actor;
pub mod admission;
pub mod api_call;
pub mod api_token;
pub mod balance;
mod bank;
pub mod batch;
pub mod capture;
pub mod changeset;
pub mod crash_point;
pub mod delivery;
mod desk_ports;
pub mod endpoint;
pub mod error;
pub mod gateway;
pub mod idempotency;
pub mod inbound;
pub mod merchant;
mod order;
pub mod password;
pub mod payment;
pub mod ports;
pub mod refund;
pub mod search;
pub mod sign_in;
pub mod summary;
pub mod terminal;
pub mod user;
pub mod verify;
pub mod work;

pub use actor::Actor;
pub use gateway::{Gateway, Parts};
