//! Figures over all of a merchant's payments. They are counted in the background and kept for a
//! while, so that no page waits for a million rows, and every page says when they were counted.

use crate::actor::Actor;
use crate::error::{Fault, StoreError};
use crate::gateway::Gateway;
use crate::ports::PostingPlace;
use domain::id::MerchantId;
use domain::ledger::{Account, Balance, Posting};
use domain::money::Currency;
use domain::summary::{Day, PaymentSum, PostingSum};
use domain::terminal::Mode;
use domain::time::Timestamp;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;

/// Days that an overview goes back.
pub const OVERVIEW_DAYS: i64 = 31;
/// Figures are counted again when they are older than this, and somebody looks, ...
const OLD_AFTER: Duration = Duration::from_secs(5);
/// ... and older than so many times as long as counting them took.
const TIMES_AS_LONG: u32 = 20;
/// A page waits so long for figures that nobody has counted yet.
const PATIENCE: Duration = Duration::from_millis(80);
/// Merchants whose figures are kept at most; beyond, they are counted anew.
const KEPT_AT_MOST: usize = 1_000;

/// A merchant's figures in one mode.
#[derive(Debug)]
pub struct Summary {
    /// When counting began.
    pub counted_at: Timestamp,
    /// How long it took.
    pub took: Duration,
    /// The payments of the last days.
    pub payments: Vec<PaymentSum>,
    /// All postings, by day, currency and account.
    pub postings: Vec<PostingSum>,
}

impl Summary {
    /// What the accounts hold, by currency and account.
    pub fn balances(&self, merchant: MerchantId, mode: Mode) -> Vec<Balance> {
        let mut sums: BTreeMap<(Currency, Account), (i64, u64)> = BTreeMap::new();
        for sum in &self.postings {
            let (amount, postings) = sums.entry((sum.currency, sum.account)).or_default();
            *amount = amount.saturating_add(sum.amount_minor);
            *postings = postings.saturating_add(u64::try_from(sum.postings).unwrap_or(0));
        }
        let balance = |((currency, account), (amount_minor, postings))| Balance {
            merchant,
            mode,
            currency,
            account,
            amount_minor,
            postings,
        };
        sums.into_iter().map(balance).collect()
    }
}

type Key = (MerchantId, Mode);

#[derive(Debug, Default)]
struct Entry {
    summary: Option<Arc<Summary>>,
    is_counted: bool,
    done: Arc<Notify>,
}

/// The figures that are kept.
#[derive(Debug, Default)]
pub(crate) struct Summaries(Mutex<BTreeMap<Key, Entry>>);

impl Gateway {
    /// A merchant's figures as they were counted last; none while they are counted for the first
    /// time, or when the actor may not see them.
    pub async fn summary(
        self: &Arc<Self>,
        actor: Actor,
        merchant: MerchantId,
        mode: Mode,
    ) -> Option<Arc<Summary>> {
        if !actor.scope().allows(merchant) {
            return None;
        }
        let key = (merchant, mode);
        let done = {
            let mut kept = self.summaries.0.lock().unwrap_or_else(PoisonError::into_inner);
            if kept.len() >= KEPT_AT_MOST && !kept.contains_key(&key) {
                kept.clear();
            }
            let entry = kept.entry(key).or_default();
            let now = self.now();
            let is_old = entry.summary.as_ref().is_none_or(|summary| {
                let age = now.since(summary.counted_at);
                age >= OLD_AFTER && age >= summary.took.saturating_mul(TIMES_AS_LONG)
            });
            if is_old && !entry.is_counted {
                entry.is_counted = true;
                self.spawn(Arc::clone(self).count(key));
            }
            if let Some(summary) = &entry.summary
                && !(is_old && summary.took < PATIENCE)
            {
                return Some(Arc::clone(summary));
            }
            Arc::clone(&entry.done)
        };
        // Small figures are fresh on every look; large ones come when they are counted.
        let notified = done.notified();
        let _late = tokio::time::timeout(PATIENCE, notified).await;
        let kept = self.summaries.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(&key).and_then(|entry| entry.summary.clone())
    }

    async fn count(self: Arc<Self>, key: Key) {
        let counted = self.counted(key).await;
        let mut kept = self.summaries.0.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = kept.entry(key).or_default();
        entry.is_counted = false;
        match counted {
            Ok(summary) => entry.summary = Some(Arc::new(summary)),
            Err(error) => tracing::warn!(%error, "figures were not counted"),
        }
        entry.done.notify_waiters();
    }

    async fn counted(&self, (merchant, mode): Key) -> Result<Summary, StoreError> {
        let counted_at = self.now();
        let today = Day::of(counted_at);
        let days = today.plus(OVERVIEW_DAYS.saturating_neg().saturating_add(1))..=today;
        let payments = self.desks.payment_sums(merchant, mode, days).await?;
        let all = Day(0)..=today.plus(1);
        let mut postings = self.desks.posting_sums(merchant, mode, all).await?;
        postings.sort();
        Ok(Summary { counted_at, took: self.now().since(counted_at), payments, postings })
    }

    /// Postings of a merchant in a currency on a day, the newest first, after this place.
    pub async fn postings_of_day(
        &self,
        actor: Actor,
        merchant: MerchantId,
        in_what: (Mode, Currency),
        day: Day,
        after: Option<PostingPlace>,
        limit: u32,
    ) -> Result<Vec<Posting>, Fault> {
        if !actor.scope().allows(merchant) {
            return Ok(Vec::new());
        }
        Ok(self.desks.postings_of_day(merchant, in_what, day, after, limit).await?)
    }
}
