//! The desks' rows of the store in memory.

use crate::memory_store::{MemoryStore, Tables};
use async_trait::async_trait;
use domain::api_call::{ApiCall, CallFilter, CallPlace};
use domain::api_token::ApiToken;
use domain::id::{MerchantId, PaymentId};
use domain::ledger::Posting;
use domain::money::Currency;
use domain::payment::State;
use domain::summary::{Day, PaymentSum, PostingSum};
use domain::terminal::Mode;
use domain::time::Timestamp;
use domain::user::{Email, Note, Session, User, UserId};
use engine::actor::Scope;
use engine::changeset::{DeskChange, TokenChange};
use engine::error::{CommitError, StoreError};
use engine::ports::{AuditEntry, Desks, PostingPlace};
use std::collections::BTreeMap;
use std::ops::RangeInclusive;

impl Tables {
    pub(crate) fn check_desk(&self, change: &DeskChange) -> Result<(), CommitError> {
        match change {
            DeskChange::User { user, expected_version } => {
                let other = |one: &User| one.email == user.email && one.id != user.id;
                if self.users.values().any(other) {
                    return Err(CommitError::Exists("user"));
                }
                let stored = self.users.get(&user.id).map(|stored| stored.version);
                match expected_version {
                    None if stored.is_some() => Err(CommitError::NumberTaken),
                    Some(_) if stored != *expected_version => Err(CommitError::Stale("user")),
                    None | Some(_) => Ok(()),
                }
            }
            DeskChange::Merchant { merchant, expected_version } => {
                let stored = self.merchants.get(&merchant.id).map(|stored| stored.version);
                let is_same = stored == Some(*expected_version);
                if is_same { Ok(()) } else { Err(CommitError::Stale("merchant")) }
            }
            DeskChange::SessionBegun(_)
            | DeskChange::SessionSeen { .. }
            | DeskChange::SessionEnded { .. }
            | DeskChange::SessionsEnded { .. }
            | DeskChange::SessionsForgotten { .. }
            | DeskChange::Token(_)
            | DeskChange::SignInTries { .. }
            | DeskChange::Note(_)
            | DeskChange::Calls(_)
            | DeskChange::CallsForgotten { .. } => Ok(()),
        }
    }

    pub(crate) fn change_desk(&mut self, change: DeskChange) {
        match change {
            DeskChange::User { user, .. } => {
                self.users.insert(user.id, *user);
            }
            DeskChange::Merchant { merchant, .. } => {
                self.merchants.insert(merchant.id, merchant);
            }
            DeskChange::SessionBegun(session) => {
                self.sessions.insert(session.digest, session);
            }
            DeskChange::SessionSeen { digest, at, proved } => {
                if let Some(session) = self.sessions.get_mut(&digest) {
                    session.seen_at = session.seen_at.max(at);
                    if proved {
                        session.proved_at = at;
                    }
                }
            }
            DeskChange::SessionEnded { digest } => {
                self.sessions.remove(&digest);
            }
            DeskChange::SessionsEnded { user, except } => {
                self.sessions.retain(|digest, one| one.user != user || Some(*digest) == except);
            }
            DeskChange::SessionsForgotten { before } => {
                self.sessions.retain(|_, session| session.seen_at >= before);
            }
            DeskChange::Token(TokenChange::Made(token)) => {
                self.tokens.insert(token.digest, token);
            }
            DeskChange::Token(TokenChange::Used { digest, at }) => {
                if let Some(token) = self.tokens.get_mut(&digest) {
                    token.used_at = token.used_at.max(Some(at));
                }
            }
            DeskChange::Token(TokenChange::Ended { digest }) => {
                self.tokens.remove(&digest);
            }
            DeskChange::SignInTries { key, tries: 0, .. } => {
                self.tries.remove(&key);
            }
            DeskChange::SignInTries { key, tries, at } => {
                self.tries.insert(key, (tries, at));
            }
            DeskChange::Note(note) => self.notes.push(note),
            DeskChange::Calls(calls) => self.calls.extend(calls),
            DeskChange::CallsForgotten { before } => self.calls.retain(|call| call.at >= before),
        }
    }
}

fn limited<T>(list: impl Iterator<Item = T>, limit: u32) -> Vec<T> {
    list.take(usize::try_from(limit).unwrap_or(usize::MAX)).collect()
}

#[async_trait]
impl Desks for MemoryStore {
    async fn users(&self, merchant: Option<MerchantId>) -> Result<Vec<User>, StoreError> {
        let tables = self.tables();
        Ok(tables.users.values().filter(|user| user.merchant == merchant).cloned().collect())
    }

    async fn user(&self, id: UserId) -> Result<Option<User>, StoreError> {
        Ok(self.tables().users.get(&id).cloned())
    }

    async fn user_by_email(&self, email: &Email) -> Result<Option<User>, StoreError> {
        Ok(self.tables().users.values().find(|user| user.email == *email).cloned())
    }

    async fn user_by_link(&self, link: [u8; 32]) -> Result<Option<User>, StoreError> {
        Ok(self.tables().users.values().find(|user| user.link == Some(link)).cloned())
    }

    async fn session(&self, digest: [u8; 32]) -> Result<Option<(Session, User)>, StoreError> {
        let tables = self.tables();
        let session = tables.sessions.get(&digest);
        Ok(session.and_then(|one| Some((one.clone(), tables.users.get(&one.user)?.clone()))))
    }

    async fn sessions(&self, user: UserId) -> Result<Vec<Session>, StoreError> {
        let tables = self.tables();
        let mut own: Vec<Session> =
            tables.sessions.values().filter(|one| one.user == user).cloned().collect();
        own.sort_by_key(|one| std::cmp::Reverse(one.created_at));
        Ok(own)
    }

    async fn token(&self, digest: [u8; 32]) -> Result<Option<(ApiToken, User)>, StoreError> {
        let tables = self.tables();
        let token = tables.tokens.get(&digest);
        Ok(token.and_then(|one| Some((one.clone(), tables.users.get(&one.user)?.clone()))))
    }

    async fn tokens(&self, merchant: MerchantId) -> Result<Vec<ApiToken>, StoreError> {
        let tables = self.tables();
        let mut own: Vec<ApiToken> =
            tables.tokens.values().filter(|one| one.merchant == merchant).cloned().collect();
        own.sort_by_key(|one| std::cmp::Reverse(one.created_at));
        Ok(own)
    }

    async fn sign_in_tries(&self, key: [u8; 32]) -> Result<Option<(u32, Timestamp)>, StoreError> {
        Ok(self.tables().tries.get(&key).copied())
    }

    async fn notes(&self, merchant: MerchantId, id: PaymentId) -> Result<Vec<Note>, StoreError> {
        let own = |note: &&Note| note.merchant == merchant && note.payment == id;
        let mut notes: Vec<Note> = self.tables().notes.iter().filter(own).cloned().collect();
        notes.sort_by_key(|note| note.at);
        Ok(notes)
    }

    async fn calls(
        &self,
        merchant: MerchantId,
        filter: &CallFilter,
        before: Option<CallPlace>,
        limit: u32,
    ) -> Result<Vec<ApiCall>, StoreError> {
        let mut own: Vec<ApiCall> = self.tables().calls.clone();
        own.retain(|call| {
            call.merchant == merchant
                && filter.lets_through(call)
                && before.is_none_or(|before| call.place() < before)
        });
        own.sort_by_key(|call| std::cmp::Reverse(call.place()));
        Ok(limited(own.into_iter(), limit))
    }

    async fn audit_lines(
        &self,
        scope: Scope,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<AuditEntry>, StoreError> {
        let tables = self.tables();
        let entries = (1_i64..).zip(&tables.audit).collect::<Vec<_>>().into_iter().rev().filter(
            |(id, line)| {
                let seen = match scope {
                    Scope::Merchant(merchant) => line.merchant == Some(merchant),
                    Scope::Everything => true,
                    Scope::Holder => false,
                };
                seen && before.is_none_or(|before| *id < before)
            },
        );
        let entries = entries.map(|(id, line)| AuditEntry {
            id,
            at: line.at,
            actor: line.actor.to_owned(),
            caller: line.caller.map(|caller| caller.to_string()),
            action: line.action.to_owned(),
            result: line.result.to_owned(),
            terminal: line.terminal,
            request_id: line.request_id.clone(),
            detail: line.detail.clone(),
            merchant: line.merchant,
            user: line.user,
        });
        Ok(limited(entries, limit))
    }

    async fn payment_sums(
        &self,
        merchant: MerchantId,
        mode: Mode,
        days: RangeInclusive<Day>,
    ) -> Result<Vec<PaymentSum>, StoreError> {
        let tables = self.tables();
        let mut sums: BTreeMap<PaymentSum, (i64, i64, i64, i64)> = BTreeMap::new();
        for payment in tables.payments.values() {
            let day = Day::of(payment.created_at);
            if payment.merchant != merchant || payment.mode != mode || !days.contains(&day) {
                continue;
            }
            let (captured, refunded) = payment
                .state
                .taken()
                .map_or((0, 0), |taken| (taken.captured_minor, taken.refunded_minor));
            let reason = if let State::Declined { reason, .. } = &payment.state {
                Some(reason.name().to_owned())
            } else {
                None
            };
            let key = PaymentSum {
                day,
                method: payment.method.code,
                currency: payment.amount.currency(),
                state: payment.state.name().to_owned(),
                reason,
                challenged: payment.authentication.name() == "challenge",
                refunded: refunded > 0,
                count: 0,
                amount_minor: 0,
                captured_minor: 0,
                refunded_minor: 0,
            };
            let sum = sums.entry(key).or_default();
            sum.0 += 1;
            sum.1 += payment.amount.minor();
            sum.2 += captured;
            sum.3 += refunded;
        }
        let filled = |(key, (count, amount, captured, refunded))| PaymentSum {
            count,
            amount_minor: amount,
            captured_minor: captured,
            refunded_minor: refunded,
            ..key
        };
        Ok(sums.into_iter().map(filled).collect())
    }

    async fn posting_sums(
        &self,
        merchant: MerchantId,
        mode: Mode,
        days: RangeInclusive<Day>,
    ) -> Result<Vec<PostingSum>, StoreError> {
        let mut sums: BTreeMap<_, (i64, i64)> = BTreeMap::new();
        for posting in &self.tables().postings {
            let day = Day::of(posting.at);
            if posting.merchant == merchant && posting.mode == mode && days.contains(&day) {
                let sum = sums.entry((day, posting.currency, posting.account)).or_default();
                sum.0 += posting.amount_minor;
                sum.1 += 1;
            }
        }
        let sum = |((day, currency, account), (amount_minor, postings))| PostingSum {
            day,
            currency,
            account,
            amount_minor,
            postings,
        };
        Ok(sums.into_iter().map(sum).collect())
    }

    async fn postings_of_day(
        &self,
        merchant: MerchantId,
        (mode, currency): (Mode, Currency),
        day: Day,
        after: Option<PostingPlace>,
        limit: u32,
    ) -> Result<Vec<Posting>, StoreError> {
        let mut own = self.tables().postings.clone();
        own.retain(|posting| {
            posting.merchant == merchant
                && posting.mode == mode
                && posting.currency == currency
                && Day::of(posting.at) == day
                && after.is_none_or(|after| PostingPlace::of(posting) < after)
        });
        own.sort_by_key(|posting| std::cmp::Reverse(PostingPlace::of(posting)));
        Ok(limited(own.into_iter(), limit))
    }
}
