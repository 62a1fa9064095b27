//! Messages of banks that come by HTTP: judged by the connector, kept before they are answered,
//! listed for the operator. What they make the gateway do is background work
//! (`work/bank_messages.rs`).

use crate::actor::{Actor, Scope};
use crate::changeset::{AuditLine, BankMessageChange, Changeset};
use crate::crash_point::crash_point;
use crate::error::{CommitError, Fault};
use crate::gateway::Gateway;
use crate::ports::{InboundMessage, Judgement, MessagesAsked, Noticed, RefusedMessage};
use domain::bank_message::{BankMessage, KeptMessage, MessageKey};
use domain::redaction::Redacted;

/// What was made of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Received {
    /// It is kept; whether it is new or came again is all the same to the bank.
    Kept,
    /// The bank's id of it was that of another message: both are kept, the first one counts.
    Contradicts,
    /// The connector did not take it.
    Refused(RefusedMessage),
}

impl Gateway {
    /// Whether there is a connector of this name that takes messages by HTTP.
    pub fn takes_bank_messages(&self, connector: &str) -> bool {
        self.connectors.iter().any(|one| one.name() == connector && one.takes_messages())
    }

    /// A message for the connector of this name. When it is genuine, it is kept before this returns.
    pub async fn receive_bank_message(
        &self,
        actor: Actor,
        connector: &str,
        message: InboundMessage<'_>,
    ) -> Result<Received, Fault> {
        let mut named = self.connectors.iter().filter(|one| one.name() == connector);
        let Some(connector) = named.find(|one| one.takes_messages()) else {
            return Ok(Received::Refused(RefusedMessage::NotTaken));
        };
        let noticed = match connector.judge_message(message) {
            Judgement::Noticed(noticed) => noticed,
            Judgement::Refused(why) => return Ok(Received::Refused(why)),
        };
        let Noticed { message: id, our_reference, redacted } = noticed;
        let key = MessageKey { connector: connector.name().to_owned(), id };
        let receive = BankMessageChange::Receive(BankMessage {
            key: key.clone(),
            received_at: message.received_at,
            our_reference,
            digest: self.vault.digest(&[message.body]),
            body: redacted.clone(),
        });
        match self.store.commit(Changeset::bank_message("receive_bank_message", receive)).await {
            Ok(()) => {
                crash_point("inbound.kept");
                self.bank_messages.notify_one();
                Ok(Received::Kept)
            }
            Err(CommitError::Exists(_)) => self.contradicts(actor, key, redacted).await,
            Err(error) => Err(error.into()),
        }
    }

    /// Another message under an id that was used: a bank that is confused, or somebody who has its
    /// secret.
    async fn contradicts(
        &self,
        actor: Actor,
        key: MessageKey,
        other_body: Redacted,
    ) -> Result<Received, Fault> {
        tracing::warn!(%key, "another message came under the id of an earlier one");
        let audit = AuditLine {
            at: self.clock.now(),
            actor: actor.name(),
            caller: actor.caller(),
            action: "bank_message",
            result: "refused",
            terminal: None,
            request_id: None,
            detail: format!("another body under the id of {key}"),
            merchant: actor.merchant(),
            user: actor.user(),
        };
        let change = BankMessageChange::Contradict { key, other_body };
        let changeset = Changeset::bank_message("contradict_bank_message", change);
        self.store.commit(Changeset { audit: Some(audit), ..changeset }).await?;
        Ok(Received::Contradicts)
    }

    /// Messages of banks as they are kept, the newest first. They belong to no merchant, so that
    /// only the operator sees them.
    pub async fn kept_bank_messages(
        &self,
        actor: Actor,
        asked: MessagesAsked,
    ) -> Result<Vec<KeptMessage>, Fault> {
        match actor.scope() {
            Scope::Everything => Ok(self.store.bank_messages(asked).await?),
            Scope::Merchant(_) | Scope::Holder => Ok(Vec::new()),
        }
    }
}
