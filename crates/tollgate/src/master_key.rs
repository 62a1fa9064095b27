//! The key over all keys, in a file of its own: made once, readable by its owner only.

use crate::failure::Failure;
use crate::random;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use engine::ports::Random;
use std::fmt;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// The file's name in the data folder.
pub(crate) const FILE_NAME: &str = "master.key";
/// Bytes of the key.
const LENGTH: usize = 32;
/// More text than any spelling of the key has.
const LONGEST_TEXT: u64 = 256;

/// The key that wraps the vault's keys. Wiped when dropped, never printed.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct MasterKey(Zeroizing<[u8; LENGTH]>);

impl MasterKey {
    /// The key itself, for the vault.
    pub(crate) fn bytes(&self) -> &[u8; LENGTH] {
        &self.0
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[master key]")
    }
}

/// Where the key of a data folder is.
pub(crate) fn path_in(data_dir: &Path) -> PathBuf {
    data_dir.join(FILE_NAME)
}

/// What [`create`] found or did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Creation {
    /// There was none; now there is.
    Created,
    /// There is one; it was left alone.
    Exists,
}

/// Makes the data folder (mode 0700) and the key file (mode 0600) unless they are there. The file
/// appears whole or not at all, and is on the disk when this returns. It never replaces one.
pub(crate) fn create(data_dir: &Path, random: &dyn Random) -> Result<Creation, Failure> {
    make_folder(data_dir)?;
    let path = path_in(data_dir);
    if path.symlink_metadata().is_ok() {
        return Ok(Creation::Exists);
    }
    let mut key = Zeroizing::new([0_u8; LENGTH]);
    random.fill(&mut *key);
    let text = Zeroizing::new(format!("{}\n", STANDARD.encode(*key)));

    // Written under a name of its own and linked into place: a link never replaces a file, so of
    // two that start at once one wins, and a crash leaves no half key under the real name.
    let draft = data_dir.join(format!("{FILE_NAME}.{}", random::hexadecimal::<8>(random)));
    let linked =
        write_new(&draft, text.as_bytes()).and_then(|()| std::fs::hard_link(&draft, &path));
    let removed = std::fs::remove_file(&draft);
    match linked {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::AlreadyExists => return Ok(Creation::Exists),
        Err(error) => return Err(cannot("write", &path, &error)),
    }
    removed.map_err(|error| cannot("remove", &draft, &error))?;
    sync_folder(data_dir)?;
    Ok(Creation::Created)
}

/// Reads the key, and refuses a file that others can read or that holds anything else.
pub(crate) fn read(data_dir: &Path) -> Result<MasterKey, Failure> {
    let path = path_in(data_dir);
    let file = File::open(&path).map_err(|error| {
        if error.kind() == ErrorKind::NotFound {
            Failure::CouldNot(format!(
                "there is no master key at {}; `tollgate init` makes one for a new data folder. \
                 For data that exists, put back the key file it was made with: without it \
                 nothing that was sealed can be opened",
                path.display()
            ))
        } else {
            cannot("open", &path, &error)
        }
    })?;
    let metadata = file.metadata().map_err(|error| cannot("read", &path, &error))?;
    if !metadata.is_file() {
        return Err(Failure::CouldNot(format!("{} is not a file", path.display())));
    }
    if metadata.mode() & 0o077 != 0 {
        return Err(Failure::CouldNot(format!(
            "others can read the master key {} (mode {:04o}); run: chmod 600 {}",
            path.display(),
            metadata.mode() & 0o7777,
            path.display()
        )));
    }
    let mut text = Zeroizing::new(String::new());
    let mut limited = file.take(LONGEST_TEXT);
    limited.read_to_string(&mut text).map_err(|error| cannot("read", &path, &error))?;
    let wrong = |why: &str| {
        Failure::CouldNot(format!(
            "{} {why}; it must be the standard base64 text of {LENGTH} bytes. Put back the file \
             that this data folder was made with",
            path.display()
        ))
    };
    let bytes = STANDARD.decode(text.trim()).map_err(|_hidden| wrong("is not base64 text"))?;
    let bytes = Zeroizing::new(bytes);
    let length = bytes.len();
    let key = <[u8; LENGTH]>::try_from(bytes.as_slice())
        .map_err(|_hidden| wrong(&format!("holds {length} bytes")))?;
    Ok(MasterKey(Zeroizing::new(key)))
}

/// The folder with mode 0700, and its name on the disk. One that is there is left as it is.
pub(crate) fn make_folder(folder: &Path) -> Result<(), Failure> {
    if folder.is_dir() {
        return Ok(());
    }
    let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.map_err(|error| cannot("make the folder", folder, &error))?;
    let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty());
    sync_folder(parent.unwrap_or(Path::new(".")))
}

fn write_new(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Makes the names in a folder durable, not only the files behind them.
pub(crate) fn sync_folder(folder: &Path) -> Result<(), Failure> {
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(|error| cannot("sync the folder", folder, &error))
}

fn cannot(what: &str, path: &Path, why: &std::io::Error) -> Failure {
    Failure::CouldNot(format!("cannot {what} {}: {why}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SystemSource;
    use std::os::unix::fs::PermissionsExt as _;

    fn folder() -> tempfile::TempDir {
        tempfile::tempdir().unwrap()
    }

    fn mode(path: &Path) -> u32 {
        path.metadata().unwrap().mode() & 0o7777
    }

    fn put(folder: &Path, text: &str, mode: u32) {
        let path = path_in(folder);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    }

    fn refusal(folder: &Path) -> String {
        read(folder).unwrap_err().text().unwrap().to_owned()
    }

    #[test]
    fn is_made_once_for_its_owner_only_and_read_back() {
        let parent = folder();
        let data = parent.path().join("a/data");
        assert_eq!(create(&data, &SystemSource::new()), Ok(Creation::Created));
        assert_eq!(mode(&data), 0o700);
        assert_eq!(mode(&path_in(&data)), 0o600);
        let text = std::fs::read_to_string(path_in(&data)).unwrap();
        assert_eq!(text.trim().len(), 44);
        let key = read(&data).unwrap();
        assert_eq!(STANDARD.encode(key.bytes()), text.trim());
        assert_ne!(key.bytes(), &[0; 32]);

        assert_eq!(create(&data, &SystemSource::new()), Ok(Creation::Exists));
        assert_eq!(std::fs::read_to_string(path_in(&data)).unwrap(), text);
        assert_eq!(std::fs::read_dir(&data).unwrap().count(), 1, "no draft is left");
    }

    #[test]
    fn a_file_that_others_can_read_is_refused() {
        let data = folder();
        let good = STANDARD.encode([7; 32]);
        for bad in [0o640, 0o604, 0o660, 0o601] {
            put(data.path(), &good, bad);
            assert!(refusal(data.path()).contains("run: chmod 600"), "{bad:o}");
        }
        put(data.path(), &good, 0o400);
        assert_eq!(read(data.path()).unwrap().bytes(), &[7; 32]);
    }

    #[test]
    fn anything_but_a_key_is_refused() {
        let data = folder();
        assert!(refusal(data.path()).contains("`tollgate init`"));
        put(data.path(), "not a key!", 0o600);
        assert!(refusal(data.path()).contains("is not base64 text"));
        put(data.path(), &STANDARD.encode([1; 31]), 0o600);
        assert!(refusal(data.path()).contains("holds 31 bytes"));
        put(data.path(), "", 0o600);
        assert!(refusal(data.path()).contains("holds 0 bytes"));
        std::fs::remove_file(path_in(data.path())).unwrap();
        std::fs::create_dir(path_in(data.path())).unwrap();
        assert!(refusal(data.path()).contains("is not a file"));
    }

    #[test]
    fn is_never_printed() {
        let data = folder();
        put(data.path(), &STANDARD.encode([1; 32]), 0o600);
        assert_eq!(format!("{:?}", read(data.path()).unwrap()), "[master key]");
    }
}
