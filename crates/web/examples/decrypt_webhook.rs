//! The Rust sample of the developers' pages that decrypts a webhook, built as it is printed there.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a merchant's program"
)]

include!("../samples/decrypt_webhook/rust.rs");
