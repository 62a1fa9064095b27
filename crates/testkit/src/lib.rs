//! For tests only: fakes, fixtures, conformance suites and the fault proxy. Never in the release graph.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::disallowed_methods,
    reason = "test code: a failed expectation is a failed test"
)]

pub mod auditor;
pub mod conformance;
pub mod conformance_desks;
mod conformance_lists;
pub mod conformance_pressure;
mod conformance_webhooks;
pub mod fault_proxy;
pub mod fixture;
mod memory_deliveries;
mod memory_desks;
pub mod memory_gate;
pub mod memory_store;
pub mod postgres;
pub mod random_payments;
pub mod records;
pub mod simulator;
