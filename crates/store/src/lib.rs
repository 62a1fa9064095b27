//! The only SQL, and the vault that seals what SQL stores.
//!
//! One contract (`engine::ports::Store`), one suite (`testkit::conformance`), a module per
//! database. A row becomes a type in one place, and an impossible row is an error that names
//! table, column and key.

pub mod audit_chain;
pub mod copy;
mod hour_keys;
mod json;
pub mod migrations;
mod payment_details;
pub mod postgres;
pub mod sqlite;
pub mod vault;
