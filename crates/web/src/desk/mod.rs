//! The desk of merchants' staff: drawings, files and receipts of what happened.

pub mod chart;
pub mod csv;
pub mod receipt;
