//! The only bank protocols, the guarded way out to merchants' servers, and the way out for mail.
//!
//! A connector turns a bank's own words into the five outcomes of [`domain::outcome::Outcome`] and
//! keeps them apart: what provably never left is "not sent", what left without a clear answer is
//! "unknown". Nothing here decides what an outcome means for a payment.
#![deny(missing_docs)]

pub mod dialer;
pub mod mail;
pub mod sandbox;
pub mod standard_webhooks;

pub use dialer::{ClientIdentity, DialerError, DialerSettings, GuardedDialer, IdentityError};
pub use mail::{FolderMailer, Sender, SmtpMailer, SmtpServer, SmtpServerError};
pub use sandbox::{
    JournalEntry, JournalReader, NetMoney, NotLoopback, NoticeReceiver, Patience, RemoteSandbox,
    SandboxBank, SandboxBooks, SandboxError, lab, net_money, read_journal, send_notices,
    serve_bank,
};
