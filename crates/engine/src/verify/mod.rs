//! The proof that nothing was lost: payments, events, refunds, postings and deliveries agree row
//! by row, the audit log is whole, and a bank whose books can be read believes the same.
//!
//! It runs beside a gateway that takes payments. Each chunk is one consistent snapshot. The bank's
//! books are measured before the first chunk is read and searched after each one: an intent is
//! committed before its call, and an outcome after it, so whatever the bank knew at the start has
//! its intent in a chunk, and whatever a chunk is sure of is at the bank by then.

mod bank;
mod calls;
mod finding;
mod history;
mod judge;
mod succession;

pub use bank::BankLine;
pub use calls::{BankCall, CallKind, Ended};
pub use finding::{AuditFinding, AuditWalk, Finding, Findings, LISTED_AT_MOST};
pub use history::{
    ArchivePlace, ArchiveWalk, DeliveryFacts, HeldFacts, Histories, History, HistoryKey,
    HistoryRange, ImpossibleRow, StrayRow,
};
pub use judge::{Judged, Owners, judge};

use crate::actor::Actor;
use crate::error::Fault;
use crate::gateway::Gateway;
use crate::ports::{BankBooks, BankExtent, Records};
use domain::id::PaymentId;
use domain::terminal::Mode;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::task::JoinSet;

/// Payments read together: few enough that a chunk is a short snapshot and little memory.
const TOGETHER: u32 = 500;
/// Audit lines read together.
const LINES_TOGETHER: u32 = 5000;
/// Threads that read and judge.
const SIDE_BY_SIDE: u32 = 2;

/// What was looked at, and what does not agree.
#[derive(Clone, Debug, Default)]
pub struct Proof {
    /// How many payments.
    pub payments: u64,
    /// Those of them that stand in archives.
    pub archived: u64,
    /// How many events.
    pub events: u64,
    /// How many refunds.
    pub refunds: u64,
    /// How many postings.
    pub postings: u64,
    /// How many deliveries.
    pub deliveries: u64,
    /// Payments of which only the bank can say how they go on.
    pub open: u64,
    /// Lines of the audit log.
    pub audit_lines: u64,
    /// Those of them that are older than its chain.
    pub audit_unsealed: u64,
    /// The seal of the last one; kept elsewhere, it shows a whole log that was put back.
    pub audit_seal: Option<[u8; 32]>,
    /// Lines of the bank's books, when they were looked at.
    pub bank_lines: Option<u64>,
    /// What does not agree.
    pub findings: Findings,
}

impl Proof {
    fn add(&mut self, other: Self) {
        self.payments = self.payments.saturating_add(other.payments);
        self.archived = self.archived.saturating_add(other.archived);
        self.events = self.events.saturating_add(other.events);
        self.refunds = self.refunds.saturating_add(other.refunds);
        self.postings = self.postings.saturating_add(other.postings);
        self.deliveries = self.deliveries.saturating_add(other.deliveries);
        self.open = self.open.saturating_add(other.open);
        self.findings.extend(other.findings);
    }

    fn count(&mut self, history: &History) {
        let of = |rows: usize| u64::try_from(rows).unwrap_or(u64::MAX);
        self.payments = self.payments.saturating_add(u64::from(history.payment.is_some()));
        self.events = self.events.saturating_add(of(history.events.len()));
        self.refunds = self.refunds.saturating_add(of(history.refunds.len()));
        self.postings = self.postings.saturating_add(of(history.postings.len()));
        self.deliveries = self.deliveries.saturating_add(of(history.deliveries.len()));
    }
}

/// What a proof is told, and tells meanwhile.
#[derive(Clone, Debug)]
pub struct Proving {
    /// The rows.
    pub records: Arc<dyn Records>,
    /// The bank's books, to be proved as well.
    pub bank: Option<Arc<dyn BankBooks>>,
    /// How many payments were judged so far, for whoever waits.
    pub judged: Arc<AtomicU64>,
}

/// What one thread of a proof found.
#[derive(Debug, Default)]
struct Part {
    proof: Proof,
    /// Lines of the bank up to its extent that calls account for.
    bank_lines: u64,
}

impl Part {
    /// Judges histories of one moment.
    fn add(
        &mut self,
        histories: &[History],
        owners: &Owners,
        proving: &Proving,
        extent: Option<BankExtent>,
    ) -> Result<(), Fault> {
        let mut calls = Vec::new();
        for history in histories {
            let judged = judge(history, owners);
            self.proof.count(history);
            self.proof.open = self.proof.open.saturating_add(u64::from(judged.open));
            for found in judged.findings {
                self.proof.findings.add(found);
            }
            calls.push(judged.calls);
        }
        if let Some((bank, extent)) = proving.bank.as_deref().zip(extent) {
            let accounted = judge_at_bank(bank, extent, &calls, &mut self.proof.findings)?;
            self.bank_lines = self.bank_lines.saturating_add(accounted);
        }
        let read = u64::try_from(histories.len()).unwrap_or(u64::MAX);
        proving.judged.fetch_add(read, Ordering::Relaxed);
        Ok(())
    }
}

impl Gateway {
    /// Proves that the database agrees with itself and, when its books are given, with the bank.
    /// An error when it could not be looked at; what does not agree is a finding.
    pub async fn verify(self: &Arc<Self>, _actor: Actor, proving: Proving) -> Result<Proof, Fault> {
        let extent = match &proving.bank {
            Some(bank) => Some(bank.extent().map_err(Fault::Broken)?),
            None => None,
        };
        let mut running = JoinSet::new();
        for range in proving.records.history_ranges(SIDE_BY_SIDE).await? {
            let (gateway, proving) = (Arc::clone(self), proving.clone());
            running.spawn(async move { gateway.prove(range, &proving, extent).await });
        }
        let mut proof = Proof::default();
        let mut bank_lines = 0_u64;
        while let Some(done) = running.join_next().await {
            let part = done.map_err(|error| Fault::Broken(error.to_string()))??;
            bank_lines = bank_lines.saturating_add(part.bank_lines);
            proof.add(part.proof);
        }
        let part = self.prove_archives(&proving, extent).await?;
        bank_lines = bank_lines.saturating_add(part.bank_lines);
        proof.add(part.proof);
        // The same order, whichever thread was first.
        proof.findings.listed.sort_by_key(|found| (found.payment, found.table, found.row.clone()));
        for stray in proving.records.stray_rows(1000).await? {
            let what = "it belongs to nothing that this release of Tollgate writes".to_owned();
            let (table, row) = (stray.table, stray.row);
            proof.findings.add(Finding { payment: None, table, row, what });
        }
        prove_audit_log(&*proving.records, &mut proof).await?;
        if let Some((bank, extent)) = proving.bank.as_deref().zip(extent) {
            proof.bank_lines = Some(extent.lines);
            if bank_lines != extent.lines {
                let records = &*proving.records;
                self.find_unknown_lines(records, bank, extent, &mut proof.findings).await?;
            }
        }
        Ok(proof)
    }

    async fn owners(&self) -> Result<Owners, Fault> {
        let terminals = self.store.terminals().await?;
        Ok(terminals.iter().map(|one| (one.number, (one.merchant, one.mode))).collect())
    }

    async fn prove(
        &self,
        range: HistoryRange,
        proving: &Proving,
        extent: Option<BankExtent>,
    ) -> Result<Part, Fault> {
        let mut part = Part::default();
        let mut owners = self.owners().await?;
        let mut left = Some(range);
        while let Some(range) = left {
            let histories = proving.records.histories(range, TOGETHER).await?;
            let mut payments = histories.read.iter().filter_map(|one| one.payment.as_ref());
            if payments.any(|payment| !owners.contains_key(&payment.terminal)) {
                // It may have been added meanwhile.
                owners = self.owners().await?;
            }
            part.add(&histories.read, &owners, proving, extent)?;
            left = histories.rest;
            // The other part may wait for this thread.
            tokio::task::yield_now().await;
        }
        Ok(part)
    }

    /// Proves what stands in archives, behind all that stands in the main file: what moves
    /// meanwhile moves this way, and is met here at the latest.
    async fn prove_archives(
        &self,
        proving: &Proving,
        extent: Option<BankExtent>,
    ) -> Result<Part, Fault> {
        let mut part = Part::default();
        let owners = self.owners().await?;
        for year in proving.records.archived_years().await? {
            let mut walk = ArchiveWalk::new(year);
            while walk.next.is_some() {
                walk = proving.records.walk_archive(walk, TOGETHER).await?;
                part.add(&walk.read, &owners, proving, extent)?;
                for found in walk.findings.drain(..) {
                    part.proof.findings.add(found);
                }
                tokio::task::yield_now().await;
            }
        }
        part.proof.archived = part.proof.payments;
        Ok(part)
    }

    /// Some lines of the bank are no call of any payment: which ones?
    async fn find_unknown_lines(
        &self,
        records: &dyn Records,
        bank: &dyn BankBooks,
        extent: BankExtent,
        findings: &mut Findings,
    ) -> Result<(), Fault> {
        let owners = self.owners().await?;
        let mut after = i64::MIN;
        loop {
            let lines = bank.lines(after, extent.last, LINES_TOGETHER).map_err(Fault::Broken)?;
            let Some(last) = lines.last() else { return Ok(()) };
            after = last.number;
            for line in &lines {
                // Where the reference says so: a line with another payment's number was named.
                let by_reference = line.our_reference.split('-').next().unwrap_or_default();
                let id = by_reference.parse::<PaymentId>();
                let history = match id.or_else(|_no_number| line.trans_id.parse()) {
                    Ok(id) => records.history(id).await?,
                    Err(_no_payment) => None,
                };
                let known = history.as_ref().is_some_and(|history| {
                    !history.impossible.is_empty()
                        || judge(history, &owners).calls.iter().any(|call| {
                            call.mode == Mode::Test && call.our_reference == line.our_reference
                        })
                });
                if !known {
                    let exists = history.is_some_and(|history| history.payment.is_some());
                    findings.add(bank::unknown_line(line, exists));
                }
            }
        }
    }
}

async fn prove_audit_log(records: &dyn Records, proof: &mut Proof) -> Result<(), Fault> {
    let mut walk = AuditWalk::default();
    while !walk.ended {
        walk = records.walk_audit_log(walk, LINES_TOGETHER).await?;
        for found in walk.findings.drain(..) {
            proof.findings.add(found.into_finding());
        }
    }
    proof.audit_lines = walk.sealed.saturating_add(walk.unsealed);
    proof.audit_unsealed = walk.unsealed;
    proof.audit_seal = (walk.sealed > 0).then_some(walk.previous);
    Ok(())
}

/// Judges calls by the bank's lines of them; returns how many of its lines they account for.
fn judge_at_bank(
    bank: &dyn BankBooks,
    extent: BankExtent,
    calls: &[Vec<BankCall>],
    findings: &mut Findings,
) -> Result<u64, Fault> {
    let references: BTreeSet<&str> = calls
        .iter()
        .flatten()
        .filter(|call| call.mode == Mode::Test)
        .map(|call| &*call.our_reference)
        .collect();
    let references: Vec<&str> = references.into_iter().collect();
    let mut lines = bank::Lines::new();
    let mut accounted = 0_u64;
    for line in bank.by_reference(&references).map_err(Fault::Broken)? {
        accounted = accounted.saturating_add(u64::from(line.number <= extent.last));
        lines.entry(line.our_reference.clone()).or_default().push(line);
    }
    for of_payment in calls {
        for found in bank::judge(of_payment, &lines) {
            findings.add(found);
        }
    }
    Ok(accounted)
}
