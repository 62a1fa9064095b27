//! The keys of the hours, under which security codes are sealed. Each lives for its hour and the
//! hour after it; when it is destroyed, what it sealed can be opened by nobody.

mod files;
mod table;

pub(crate) use files::FileKeys;
pub(crate) use table::TableKeys;

use crate::vault::Key;
use aws_lc_rs::rand;
use domain::time::Timestamp;
use engine::error::VaultError;

const HOUR_MICROS: i64 = 3_600_000_000;

/// Where the keys are kept.
pub(crate) enum HourKeys {
    /// In files beside an SQLite database.
    Files(FileKeys),
    /// In a table that the nodes on a PostgreSQL database share.
    Table(TableKeys),
}

impl HourKeys {
    /// The key to seal under in this hour.
    pub(crate) fn sealing(&self, hour: i64) -> Result<Key, VaultError> {
        match self {
            Self::Files(files) => files.sealing(hour),
            Self::Table(table) => table.sealing(hour),
        }
    }

    /// The keys that something of this hour may be sealed under; at least one.
    pub(crate) fn opening(&self, hour: i64) -> Result<Vec<Key>, VaultError> {
        match self {
            Self::Files(files) => files.opening(hour).map(|key| vec![key]),
            Self::Table(table) => table.opening(hour),
        }
    }

    /// Destroys the keys of the hours before this one.
    pub(crate) fn destroy_before(&self, hour: i64) -> Result<(), VaultError> {
        match self {
            Self::Files(files) => files.destroy_before(hour),
            Self::Table(table) => {
                table.forget_before(hour);
                Ok(())
            }
        }
    }
}

/// The number of the hour in which this moment is.
pub(crate) fn hour_of(at: Timestamp) -> i64 {
    at.micros().div_euclid(HOUR_MICROS)
}

fn fresh<const N: usize>() -> Result<zeroize::Zeroizing<[u8; N]>, VaultError> {
    let mut bytes = zeroize::Zeroizing::new([0; N]);
    let random = rand::SystemRandom::new();
    rand::SecureRandom::fill(&random, &mut *bytes)
        .map_err(|_unspecified| VaultError::Keys("no randomness".to_owned()))?;
    Ok(bytes)
}
