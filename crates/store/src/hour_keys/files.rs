//! Hour keys as files beside the database, never in it and never in its backups. They are
//! overwritten before they are removed.

use crate::vault::Key;
use engine::error::VaultError;
use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// The file in which a key is written until it is whole; no key's name.
const DRAFT: &str = "new.key";

/// Keys in a folder, made when the first one is needed.
pub(crate) struct FileKeys {
    folder: PathBuf,
    open: Mutex<BTreeMap<i64, Key>>,
}

impl FileKeys {
    pub(crate) fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), open: Mutex::default() }
    }

    pub(super) fn sealing(&self, hour: i64) -> Result<Key, VaultError> {
        self.key(hour, true)
    }

    pub(super) fn opening(&self, hour: i64) -> Result<Key, VaultError> {
        self.key(hour, false)
    }

    /// The key of an hour. Made when there is none and `make` says so, else
    /// [`VaultError::KeyDestroyed`].
    fn key(&self, hour: i64, make: bool) -> Result<Key, VaultError> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = open.get(&hour) {
            return Ok(key.clone());
        }
        let path = self.path(hour);
        let key = match read_key(&path).map_err(|error| keys_error(&path, &error))? {
            Some(key) => key,
            None if make => {
                let key = super::fresh()?;
                self.write(&path, &key).map_err(|error| keys_error(&path, &error))?;
                key
            }
            None => return Err(VaultError::KeyDestroyed),
        };
        open.insert(hour, key.clone());
        Ok(key)
    }

    /// All keys that are kept, with their hours.
    pub(crate) fn all(&self) -> Result<Vec<(i64, Key)>, VaultError> {
        let mut hours = Vec::new();
        match fs::read_dir(&self.folder) {
            Ok(entries) => hours.extend(
                entries
                    .filter_map(Result::ok)
                    .filter_map(|entry| entry.path().file_stem()?.to_str()?.parse::<i64>().ok()),
            ),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(keys_error(&self.folder, &error)),
        }
        hours.sort_unstable();
        let mut keys = Vec::new();
        for hour in hours {
            match self.opening(hour) {
                Ok(key) => keys.push((hour, key)),
                Err(VaultError::KeyDestroyed) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(keys)
    }

    fn path(&self, hour: i64) -> PathBuf {
        self.folder.join(format!("{hour}.key"))
    }

    /// The key is on disk, and its name in the folder, before anything is sealed under it. It gets
    /// its name when it is whole: a crash leaves no half key, which would let nothing be sealed for
    /// the rest of the hour. Only the process that serves the database seals.
    fn write(&self, path: &Path, key: &Key) -> std::io::Result<()> {
        if !self.folder.is_dir() {
            fs::DirBuilder::new().mode(0o700).recursive(true).create(&self.folder)?;
        }
        let draft = self.folder.join(DRAFT);
        let mut options = OpenOptions::new();
        let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
        file.write_all(&**key)?;
        file.sync_all()?;
        fs::rename(&draft, path)?;
        File::open(&self.folder)?.sync_all()
    }

    pub(super) fn destroy_before(&self, hour: i64) -> Result<(), VaultError> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|at, _key| *at >= hour);
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(keys_error(&self.folder, &error)),
        };
        for entry in entries.filter_map(Result::ok) {
            let path = entry.path();
            let at = path.file_stem().and_then(|stem| stem.to_str()?.parse::<i64>().ok());
            if at.is_some_and(|at| at < hour) {
                destroy(&path).map_err(|error| keys_error(&path, &error))?;
            }
        }
        Ok(())
    }
}

/// None when there is no such file, and when it is shorter than a key: a release that wrote keys
/// under their own names crashed meanwhile, and nothing was sealed under that one.
fn read_key(path: &Path) -> std::io::Result<Option<Key>> {
    let mut key = Key::default();
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut *key));
    match read {
        Ok(()) => Ok(Some(key)),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::UnexpectedEof) => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Overwritten first: on most disks a removed file's blocks would stay readable.
fn destroy(path: &Path) -> std::io::Result<()> {
    let mut file = OpenOptions::new().write(true).open(path)?;
    file.rewind()?;
    file.write_all(&[0; 32])?;
    file.sync_all()?;
    fs::remove_file(path)
}

fn keys_error(path: &Path, error: &std::io::Error) -> VaultError {
    VaultError::Keys(format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crash_while_a_key_is_written_stops_nothing() {
        let folder = tempfile::tempdir().unwrap();
        for (hour, left) in [(1, 0), (2, 1), (3, 31)] {
            fs::write(folder.path().join(format!("{hour}.key")), vec![9; left]).unwrap();
            fs::write(folder.path().join(DRAFT), [8; 20]).unwrap();
            let keys = FileKeys::new(folder.path());
            assert!(matches!(keys.opening(hour), Err(VaultError::KeyDestroyed)));
            let key = keys.sealing(hour).unwrap();
            assert!(key.iter().any(|byte| ![8, 9].contains(byte)), "it is a new one");
            // After a restart it is the same, and no draft is left.
            let keys = FileKeys::new(folder.path());
            assert_eq!(*keys.sealing(hour).unwrap(), *key);
            assert!(!folder.path().join(DRAFT).exists());
        }
        fs::write(folder.path().join("4.key"), []).unwrap();
        let hours: Vec<i64> =
            FileKeys::new(folder.path()).all().unwrap().iter().map(|one| one.0).collect();
        assert_eq!(hours, [1, 2, 3]);
    }
}
