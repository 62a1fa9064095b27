//! Archives as a proof reads them: each payment with all that hangs on it, wherever that stands, and
//! whether the main file and the archive agree about who has what.

use super::super::histories::{self, Chunk};
use super::super::{QueryError, queries::list};
use super::{Opened, archived_place, open, path_of, required, unreadable};
use domain::id::PaymentId;
use domain::payment::Payment;
use engine::verify::{ArchivePlace, ArchiveWalk, Finding, History};
use rusqlite::{Connection, OptionalExtension as _};
use std::collections::BTreeMap;

/// Goes on with a walk. The caller has a transaction open on the main file: what it lists there, the
/// archive has had from before.
pub(in crate::sqlite) fn walk(
    main: &Connection,
    walk: &ArchiveWalk,
    limit: u32,
) -> Result<ArchiveWalk, QueryError> {
    let path = path_of(main, walk.year);
    let mut walker = Walker {
        main,
        file: format!("archive-{}.db", walk.year),
        told: ArchiveWalk { next: None, ..ArchiveWalk::new(walk.year) },
    };
    let Some(place) = walk.next else { return Ok(walker.told) };
    match open(&path).map_err(|error| unreadable(&path, &error))? {
        Opened::Archive(archive) => match place {
            ArchivePlace::Payment(after) => walker.payments(&archive, after, limit)?,
            ArchivePlace::Listed(after) => walker.listed(&archive, after, limit)?,
        },
        Opened::Missing => walker.whole_file("it is missing")?,
        Opened::Foreign(what) => walker.whole_file(&format!("it is {what}"))?,
    }
    Ok(walker.told)
}

/// The history of one payment, wherever it stands. The caller has a transaction open.
pub(in crate::sqlite) fn history(
    main: &Connection,
    id: PaymentId,
) -> Result<Option<History>, QueryError> {
    if let Some(history) = histories::of_payment(main, id)? {
        return Ok(Some(history));
    }
    let Some(place) = archived_place(main, id)? else { return Ok(None) };
    let archive = required(main, id)?;
    let mut found = chunk(&archive, place, place, 1)?.0;
    let Some(mut history) = found.remove(&place) else { return Ok(None) };
    add_postings(main, place, &mut history)?;
    Ok(Some(history))
}

/// Histories of an archive, without postings, and whether there may be more.
fn chunk(
    archive: &Connection,
    from: i64,
    until: i64,
    limit: u32,
) -> Result<(BTreeMap<i64, History>, bool), QueryError> {
    let mut chunk = Chunk { connection: archive, from, until, found: BTreeMap::new() };
    let full = chunk.payments(limit)?;
    chunk.beside()?;
    Ok((chunk.found, full))
}

fn add_postings(main: &Connection, place: i64, history: &mut History) -> Result<(), QueryError> {
    let found = BTreeMap::from([(place, std::mem::take(history))]);
    let mut chunk = Chunk { connection: main, from: place, until: place, found };
    chunk.postings("")?;
    *history = chunk.found.remove(&place).unwrap_or_default();
    Ok(())
}

/// A line of the main file's list.
#[derive(PartialEq, Eq)]
struct Line {
    place: i64,
    ter_no: i64,
    reference: String,
    attempt: i64,
}

struct Walker<'a> {
    main: &'a Connection,
    file: String,
    told: ArchiveWalk,
}

impl Walker<'_> {
    fn find(&mut self, payment: PaymentId, what: String) {
        let row = payment.to_string();
        let found = Finding { payment: Some(payment), table: "archives", row, what };
        self.told.findings.push(found);
    }

    /// One finding for all that should be in a file that is not there.
    fn whole_file(&mut self, what: &str) -> Result<(), QueryError> {
        let ids = self.told.year.stored_ids();
        let listed: i64 = self.main.query_row(
            "SELECT count(*) FROM archived_payments WHERE id BETWEEN ?1 AND ?2",
            (ids.start(), ids.end()),
            |row| row.get(0),
        )?;
        let what = format!("{what}, and {listed} payments should be in it");
        let row = self.file.clone();
        self.told.findings.push(Finding { payment: None, table: "archives", row, what });
        Ok(())
    }

    fn payments(&mut self, archive: &Connection, after: i64, limit: u32) -> Result<(), QueryError> {
        let path = path_of(self.main, self.told.year);
        let chunk = chunk(archive, after.saturating_add(1), i64::MAX, limit);
        let (found, full) = chunk.map_err(|error| match error {
            QueryError::Sqlite(error) => unreadable(&path, &error),
            row @ QueryError::Row(_) => row,
        })?;
        let last = found.keys().next_back().copied().unwrap_or(i64::MAX);
        self.told.next = Some(if full {
            ArchivePlace::Payment(last)
        } else {
            ArchivePlace::Listed(self.told.year.stored_ids().start().saturating_sub(1))
        });
        for (place, mut history) in found {
            if self.counts(place, &history)? {
                add_postings(self.main, place, &mut history)?;
                self.told.read.push(history);
            }
        }
        Ok(())
    }

    /// Whether this is where its payment stands, and not an earlier copy.
    fn counts(&mut self, place: i64, history: &History) -> Result<bool, QueryError> {
        // What cannot be read, or hangs on no payment, is judged as it is.
        let Some(payment) = &history.payment else { return Ok(true) };
        let id = payment.id;
        if id.year() != self.told.year {
            let what = format!("it stands in {}, and is not of that year", self.file);
            self.find(id, what);
        }
        let in_main = histories::of_payment(self.main, id)?;
        match (self.line(id)?, in_main) {
            (Some(_line), Some(_main)) => {
                self.find(id, "the main file has it, and lists it as archived".to_owned());
                Ok(true)
            }
            (Some(line), None) => {
                if line != line_of(place, payment) {
                    let what = format!(
                        "the main file lists it with another place, terminal, reference or attempt \
                         than {} has",
                        self.file
                    );
                    self.find(id, what);
                }
                Ok(true)
            }
            (None, Some(main)) => {
                if !is_earlier_copy(history, &main) {
                    let what = format!(
                        "the main file has it, and its copy in {} has what the main file does not \
                         have",
                        self.file
                    );
                    self.find(id, what);
                }
                Ok(false)
            }
            (None, None) => {
                let what = format!(
                    "it stands in {}, and the main file neither has it nor lists it as archived",
                    self.file
                );
                self.find(id, what);
                Ok(true)
            }
        }
    }

    fn line(&self, id: PaymentId) -> Result<Option<Line>, QueryError> {
        let sql = "SELECT place, ter_no, reference, attempt FROM archived_payments WHERE id = ?1";
        let mut statement = self.main.prepare_cached(sql)?;
        let line = statement.query_row([id.stored()], |row| {
            Ok(Line {
                place: row.get(0)?,
                ter_no: row.get(1)?,
                reference: row.get(2)?,
                attempt: row.get(3)?,
            })
        });
        Ok(line.optional()?)
    }

    /// The next lines of the list: is each payment in the archive?
    fn listed(&mut self, archive: &Connection, after: i64, limit: u32) -> Result<(), QueryError> {
        let ids = self.told.year.stored_ids();
        let lines = list(
            self.main,
            "SELECT id, place FROM archived_payments WHERE id > ?1 AND id <= ?2 ORDER BY id LIMIT ?3",
            (after, ids.end(), limit),
            |row| Ok((super::read::number(row.get(0)?)?, row.get::<_, i64>(1)?)),
        )?;
        let mut is_there = archive
            .prepare("SELECT EXISTS (SELECT 1 FROM payments WHERE id = ?1 AND place = ?2)")?;
        for (id, place) in &lines {
            if !is_there.query_row((id.stored(), place), |row| row.get(0))? {
                let what = format!(
                    "the main file lists it as archived, and {} does not have it",
                    self.file
                );
                self.find(*id, what);
            }
        }
        let full = u32::try_from(lines.len()).is_ok_and(|read| read == limit);
        let last = lines.last().filter(|_last| full);
        self.told.next = last.map(|(id, _place)| ArchivePlace::Listed(id.stored()));
        Ok(())
    }
}

fn line_of(place: i64, payment: &Payment) -> Line {
    Line {
        place,
        ter_no: payment.terminal.0,
        reference: payment.reference.as_str().to_owned(),
        attempt: payment.attempt.into(),
    }
}

/// Whether the copy is the payment as it stood once: made of it before it moved, or left behind when
/// it came back.
fn is_earlier_copy(copy: &History, main: &History) -> bool {
    let same_payment = match (&copy.payment, &main.payment) {
        (Some(copy), Some(main)) if copy.version == main.version => copy == main,
        (Some(copy), Some(main)) => {
            // What never changes.
            let kept = |one: &Payment| {
                let key = (one.id, one.merchant, one.terminal, one.mode, one.attempt);
                (key, one.reference.clone(), one.fingerprint, one.amount, one.created_at)
            };
            copy.version < main.version && kept(copy) == kept(main)
        }
        // A row of the main file that cannot be read is told where that is judged.
        (_, None) => true,
        (None, Some(_)) => false,
    };
    let earlier = |event| main.events.contains(event);
    same_payment && copy.events.iter().all(earlier) && copy.refunds.len() <= main.refunds.len()
}
