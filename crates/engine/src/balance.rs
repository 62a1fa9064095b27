//! What the books say.

use crate::actor::Actor;
use crate::error::Fault;
use crate::gateway::Gateway;
use domain::id::MerchantId;
use domain::ledger::{Account, Balance};
use domain::money::Currency;
use domain::terminal::Mode;

/// A merchant's accounts in one mode and currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// Whose.
    pub merchant: MerchantId,
    /// Test or real money.
    pub mode: Mode,
    /// In which currency.
    pub currency: Currency,
    /// What is owed to the merchant: what it is owed for sales, less refunds and fees. In minor
    /// units; below zero when the merchant owes.
    pub owed_minor: i64,
    /// The accounts with postings, in the order of reports.
    pub accounts: Vec<Balance>,
}

/// Balances, put together by merchant, mode and currency.
pub fn statements(balances: Vec<Balance>) -> Vec<Statement> {
    let mut statements: Vec<Statement> = Vec::new();
    for balance in balances {
        // Credit is negative: what is owed is less than nothing on these accounts.
        let owed = match balance.account {
            Account::MerchantPayable | Account::Refunds | Account::Fees => {
                balance.amount_minor.saturating_neg()
            }
            Account::BankReceivable => 0,
        };
        let of = |one: &Statement| (one.merchant, one.mode, one.currency);
        let whose = (balance.merchant, balance.mode, balance.currency);
        match statements.last_mut() {
            Some(last) if of(last) == whose => {
                last.owed_minor = last.owed_minor.saturating_add(owed);
                last.accounts.push(balance);
            }
            _ => statements.push(Statement {
                merchant: balance.merchant,
                mode: balance.mode,
                currency: balance.currency,
                owed_minor: owed,
                accounts: vec![balance],
            }),
        }
    }
    statements
}

impl Gateway {
    /// The balances that the actor may see, by merchant, mode, currency and account.
    pub async fn balances(&self, actor: Actor) -> Result<Vec<Balance>, Fault> {
        Ok(self.store.balances(actor.scope()).await?)
    }

    /// The same, with what is owed.
    pub async fn statements(&self, actor: Actor) -> Result<Vec<Statement>, Fault> {
        Ok(statements(self.balances(actor).await?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_owed_is_sales_less_refunds_and_fees() {
        let balance = |currency, account, amount_minor| Balance {
            merchant: MerchantId(1),
            mode: Mode::Test,
            currency: Currency::from_code(currency).unwrap(),
            account,
            amount_minor,
            postings: 1,
        };
        let found = statements(vec![
            balance("EUR", Account::MerchantPayable, -5),
            balance("USD", Account::BankReceivable, 700),
            balance("USD", Account::MerchantPayable, -1000),
            balance("USD", Account::Refunds, 300),
            balance("USD", Account::Fees, 20),
        ]);
        let owed: Vec<_> = found.iter().map(|one| (one.currency.code(), one.owed_minor)).collect();
        assert_eq!(owed, [("EUR", 5), ("USD", 680)]);
        assert_eq!(found[1].accounts.len(), 4);
        assert_eq!(found[1].accounts[1].on_its_side_minor(), 1000);
    }
}
