//! What the books say.

use crate::actor::Actor;
use crate::error::Fault;
use crate::gateway::Gateway;
use domain::ledger::Balance;

impl Gateway {
    /// The balances that the actor may see, by merchant, mode, currency and account.
    pub async fn balances(&self, actor: Actor) -> Result<Vec<Balance>, Fault> {
        Ok(self.store.balances(actor.scope()).await?)
    }
}
