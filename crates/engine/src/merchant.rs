//! Merchants: added and listed by the operator.

use crate::actor::Actor;
use crate::changeset::{AuditLine, Changeset};
use crate::error::{CommitError, Fault};
use crate::gateway::Gateway;
use domain::id::MerchantId;
use domain::merchant::Merchant;

impl Gateway {
    /// Adds a merchant under the next free number.
    pub async fn add_merchant(&self, actor: Actor, name: &str) -> Result<Merchant, Fault> {
        loop {
            let last = self.store.merchants().await?.last().map_or(0, |merchant| merchant.id.0);
            let merchant = Merchant {
                id: MerchantId(last.saturating_add(1)),
                name: name.to_owned(),
                active: true,
                approved: true,
                version: 1,
                created_at: self.clock.now(),
            };
            let changeset = Changeset {
                name: "add_merchant",
                merchant: Some(merchant.clone()),
                audit: Some(self.done(actor, "add_merchant", format!("merchant {}", merchant.id))),
                ..Changeset::default()
            };
            match self.store.commit(changeset).await {
                Ok(()) => return Ok(merchant),
                // Somebody took the number meanwhile: the next one.
                Err(CommitError::Exists(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// All merchants, by number.
    pub async fn merchants(&self, _actor: Actor) -> Result<Vec<Merchant>, Fault> {
        Ok(self.store.merchants().await?)
    }

    /// An audit line for something that was done.
    pub(crate) fn done(&self, actor: Actor, action: &'static str, detail: String) -> AuditLine {
        let (terminal, caller) = match actor {
            Actor::Terminal { number, caller, .. } => (Some(number), caller),
            Actor::Holder { caller } | Actor::Bank { caller } | Actor::User { caller, .. } => {
                (None, caller)
            }
            Actor::Operator | Actor::Worker => (None, None),
        };
        AuditLine {
            at: self.clock.now(),
            actor: actor.name(),
            caller,
            action,
            result: "done",
            terminal,
            request_id: None,
            detail,
            merchant: actor.merchant(),
            user: actor.user(),
        }
    }
}
