//! Payments that this process wrote lately, in memory: who asks for one of them need not ask
//! SQLite, as long as nobody else has written to the database since.
//!
//! Every commit, by whichever process, changes the header of the write-ahead log's index. What is
//! remembered holds for one header, and is answered only while the index has that very one: a look
//! of 96 bytes instead of a read transaction.

use domain::id::PaymentId;
use domain::payment::Payment;
use std::collections::{BTreeMap, VecDeque};
use std::fs::File;
use std::io;
use std::mem::ManuallyDrop;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

/// Payments kept; the one that was first written longest ago makes room. About 2 KB each.
const KEPT: usize = 8192;

/// The length of the header, of which the index has two copies, so that a half-written one shows.
/// <https://www.sqlite.org/walformat.html>, section 2.1.
const HEADER: usize = 48;
/// Where the header counts commits.
const COMMITS: std::ops::Range<usize> = 8..12;

/// The state of a database, as far as commits go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Moment([u8; HEADER]);

impl Moment {
    /// How many commits lie between the two.
    pub(super) fn commits_since(&self, before: &Self) -> u32 {
        self.commits().wrapping_sub(before.commits())
    }

    fn commits(&self) -> u32 {
        let bytes = self.0.get(COMMITS).and_then(|bytes| bytes.try_into().ok());
        bytes.map_or(0, u32::from_ne_bytes)
    }
}

/// The index of a database's write-ahead log.
pub(super) struct LogIndex {
    /// Never closed. SQLite holds its locks on this file by `fcntl`, and those of a whole process
    /// are gone as soon as it closes any of its descriptors of a file.
    file: ManuallyDrop<File>,
}

impl LogIndex {
    /// Of the database in this file, which must be open in WAL mode.
    pub(super) fn open(database: &Path) -> io::Result<Self> {
        let mut path = database.to_owned().into_os_string();
        path.push("-shm");
        Ok(Self { file: ManuallyDrop::new(File::open(path)?) })
    }

    /// The present moment; none while a commit is being told of.
    pub(super) fn moment(&self) -> Option<Moment> {
        let mut copies = [[0; HEADER]; 2];
        self.file.read_exact_at(copies.as_flattened_mut(), 0).ok()?;
        let [first, second] = copies;
        (first == second).then_some(Moment(first))
    }
}

/// The payments, and the moment as of which they are remembered.
#[derive(Default)]
struct Remembered {
    /// None when nothing may be answered.
    moment: Option<Moment>,
    payments: BTreeMap<PaymentId, Arc<Payment>>,
    /// Their numbers, the first written first.
    order: VecDeque<PaymentId>,
}

impl Remembered {
    /// Returns what is not kept any longer.
    fn put(&mut self, payment: Arc<Payment>) -> Option<Arc<Payment>> {
        let id = payment.id;
        let replaced = self.payments.insert(id, payment);
        if replaced.is_some() {
            return replaced;
        }
        self.order.push_back(id);
        if self.order.len() <= KEPT {
            return None;
        }
        self.order.pop_front().and_then(|oldest| self.payments.remove(&oldest))
    }
}

/// The memory of a store.
pub(super) struct Recent {
    index: LogIndex,
    remembered: Mutex<Remembered>,
}

impl Recent {
    pub(super) fn new(index: LogIndex) -> Self {
        Self { index, remembered: Mutex::default() }
    }

    /// The present moment.
    pub(super) fn moment(&self) -> Option<Moment> {
        self.index.moment()
    }

    /// A payment as it stands; none when it has to be asked of the database.
    pub(super) fn payment(&self, id: PaymentId) -> Option<Payment> {
        let (moment, payment) = {
            let remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
            (remembered.moment?, Arc::clone(remembered.payments.get(&id)?))
        };
        // After the look into memory: so that there was no commit since what was found was written.
        (self.index.moment() == Some(moment)).then(|| Payment::clone(&payment))
    }

    /// Remembers the payments of a batch, as they stand at this moment, which is none when others
    /// may have written at the same time. `follows`: nobody else wrote since the last time. Returns
    /// what is not kept any longer.
    pub(super) fn remember<'a>(
        &self,
        moment: Option<Moment>,
        follows: bool,
        payments: impl Iterator<Item = &'a Arc<Payment>>,
    ) -> Vec<Arc<Payment>> {
        let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        let mut gone = Vec::new();
        if moment.is_none() || !follows {
            gone.extend(std::mem::take(&mut remembered.payments).into_values());
            remembered.order.clear();
        }
        remembered.moment = moment;
        if moment.is_some() {
            gone.extend(payments.filter_map(|payment| remembered.put(Arc::clone(payment))));
        }
        gone
    }
}

#[cfg(test)]
#[path = "recent_tests.rs"]
mod tests;
