//! The Rust sample of the developers' pages that checks a webhook, built as it is printed there.
#![expect(clippy::print_stdout, clippy::disallowed_methods, reason = "a merchant's program")]

include!("../samples/verify_webhook/rust.rs");
