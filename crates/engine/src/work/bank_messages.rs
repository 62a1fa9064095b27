//! Messages of banks that were kept and not handled yet, also by a process that crashed in
//! between. To handle one twice asks the bank twice, which is harmless.

use super::{PERIOD, pause};
use crate::changeset::{AuditLine, BankMessageChange, Changeset};
use crate::crash_point::crash_point;
use crate::error::Fault;
use crate::gateway::Gateway;
use crate::ports::BankNotice;
use domain::bank_message::{Heard, KeptMessage, MessageKey};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Messages handled at once.
const TOGETHER: usize = 256;
/// How long other nodes leave claimed messages alone: a bank's answer and two commits.
const LEASE: Duration = Duration::from_secs(15);
/// How long messages are kept.
const KEPT_FOR: Duration = Duration::from_hours(24 * 30);
/// How often old ones are looked for.
const FORGETTING_PERIOD: Duration = Duration::from_hours(1);

/// What is being handled: where nothing is claimed, it is not to be begun again.
#[derive(Default)]
struct Handling {
    tasks: JoinSet<MessageKey>,
    keys: BTreeSet<MessageKey>,
}

impl Handling {
    fn end(&mut self, ended: Result<MessageKey, tokio::task::JoinError>) {
        match ended {
            Ok(key) => drop(self.keys.remove(&key)),
            // Which one it was is not told. The store knows what is not handled.
            Err(_panicked) if self.tasks.is_empty() => self.keys.clear(),
            Err(_panicked) => {}
        }
    }
}

impl Gateway {
    pub(super) async fn run_bank_messages(self: Arc<Self>, mut stop: watch::Receiver<bool>) {
        let mut handling = Handling::default();
        loop {
            self.claim_and_handle(&mut handling).await;
            tokio::select! {
                // In a fixed order, so that a simulation with the same seed runs the same way.
                biased;
                _stopped = stop.wait_for(|stop| *stop) => break,
                Some(ended) = handling.tasks.join_next() => {
                    handling.end(ended);
                    while let Some(ended) = handling.tasks.try_join_next() {
                        handling.end(ended);
                    }
                }
                () = self.bank_messages.notified() => {}
                () = self.clock.sleep(PERIOD) => {}
            }
        }
        while handling.tasks.join_next().await.is_some() {}
    }

    async fn claim_and_handle(self: &Arc<Self>, handling: &mut Handling) {
        if handling.keys.len() >= TOGETHER {
            return;
        }
        // What is being handled may be among them.
        let Ok(limit) = u32::try_from(TOGETHER) else { return };
        match self.store.claim_bank_messages(LEASE, limit).await {
            Ok(waiting) => {
                for message in waiting {
                    if handling.keys.insert(message.key.clone()) {
                        let gateway = Arc::clone(self);
                        handling.tasks.spawn(async move { gateway.handle(message).await });
                    }
                }
            }
            Err(error) => tracing::error!(%error, "messages of banks were not loaded"),
        }
    }

    async fn handle(&self, message: KeptMessage) -> MessageKey {
        let key = message.key.clone();
        if let Err(error) = self.follow(message).await {
            tracing::error!(%key, %error, "a bank's message was not followed");
            // It is tried again, but not at once.
            self.clock.sleep(PERIOD).await;
        }
        key
    }

    async fn follow(&self, message: KeptMessage) -> Result<(), Fault> {
        let heard = match message.our_reference {
            Some(our_reference) => self.bank_noticed(BankNotice { our_reference }).await?,
            None => Heard::Unknown,
        };
        crash_point("inbound.followed");
        let (at, key) = (self.clock.now(), message.key);
        let audit = (heard == Heard::Unknown).then(|| AuditLine {
            at,
            actor: "bank",
            caller: None,
            action: "bank_message",
            result: "done",
            terminal: None,
            request_id: None,
            detail: format!("{key} is about no payment of ours"),
            merchant: None,
            user: None,
        });
        let change = BankMessageChange::Handle { key, at, heard };
        let changeset = Changeset::bank_message("handle_bank_message", change);
        self.store.commit(Changeset { audit, ..changeset }).await?;
        Ok(())
    }

    pub(super) async fn run_forgetting(self: Arc<Self>, mut stop: watch::Receiver<bool>) {
        loop {
            let before = self.clock.now().minus(KEPT_FOR);
            let change = BankMessageChange::Forget { before };
            let changeset = Changeset::bank_message("forget_bank_messages", change);
            if let Err(error) = self.store.commit(changeset).await {
                tracing::warn!(%error, "old messages of banks were not deleted");
            }
            if pause(&self, FORGETTING_PERIOD, &mut stop).await {
                return;
            }
        }
    }
}
