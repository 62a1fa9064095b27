//! The control of the power-cut tests (`tests/durability`): commits payments to a bare store and
//! prints how many were acknowledged, or counts those that are there. The gateway itself has no
//! setting for less than `synchronous=FULL`.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a tool of the tests"
)]

use domain::id::PaymentId;
use domain::payment::Payment;
use engine::actor::Scope;
use engine::ports::Store as _;
use std::path::PathBuf;
use store::audit_chain::AuditKey;
use store::sqlite::{Options, SqliteStore, Synchronous};
use testkit::fixture;

/// The n-th payment.
fn payment(n: u64) -> Payment {
    let id = PaymentId::new(fixture::now().plus(std::time::Duration::from_secs(n)), [7; 8]);
    Payment { id, ..fixture::payment(1, &format!("power cut {n}")) }
}

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let action = arguments.next().expect("write or count");
    let path = PathBuf::from(arguments.next().expect("a file"));
    let synchronous = match arguments.next().as_deref() {
        Some("normal") => Synchronous::NormalForPowerCutTests,
        _ => Synchronous::Full,
    };
    let options = Options::new(AuditKey::new(&[7; 32]));
    let store = SqliteStore::open(&path, Options { synchronous, ..options }).unwrap();
    let mut n = 0;
    if action == "write" {
        loop {
            store.commit(fixture::insert(&payment(n))).await.unwrap();
            n = n.saturating_add(1);
            println!("{n}");
        }
    }
    while store.payment(Scope::Everything, payment(n).id).await.unwrap().is_some() {
        n = n.saturating_add(1);
    }
    println!("{n}");
}
