//! Locks between processes: one for appending, one for the life of each process that writes. The system lets go of them when a
//! process dies, however it dies; nothing here looks at process numbers, which are used again.

use std::fs::{File, TryLockError, read_dir, remove_file};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

use super::{Error, Text, chain};
use crate::config::files;

/// How long another process may hold the ledger: it might be stopped, and a way back must not wait for it for ever.
const PATIENCE: Duration = Duration::from_secs(5);

/// Waits until this process, and in it this thread, is the only one that appends; dropping the file ends that.
pub(super) fn alone(folder: &Path) -> Result<File, Error> {
    let path = folder.join("lock");
    let file = files::private().write(true).open(&path).map_err(Error::unwritable(&path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => wait(file, PATIENCE).map_err(Error::unwritable(&path))?.ok_or(Error::Busy { path }),
        Err(TryLockError::Error(source)) => Err(Error::unwritable(&path)(source)),
    }
}

/// Waits for a lock that another has; None if it takes too long.
fn wait(file: File, patience: Duration) -> io::Result<Option<File>> {
    // A thread that waits has a place in the queue, which trying again and again has not; and it can be given up.
    let (sender, receiver) = mpsc::channel();
    let wait = move || {
        let locked = loop {
            match file.lock() {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                other => break other,
            }
        };
        // With nobody waiting any more the file is dropped, and the lock with it.
        let _ = sender.send(locked.map(|()| file));
    };
    std::thread::Builder::new().spawn(wait)?;
    receiver.recv_timeout(patience).map_or(Ok(None), |locked| locked.map(Some))
}

/// This process among those that write: as long as it holds its lock, nobody else settles what it began.
#[derive(Debug)]
pub(super) struct Writer {
    pub id: Text,
    _held: File,
}

impl Writer {
    /// Joins the writers, and clears away the locks of the dead. Only while [`alone`]: a lock that is made and not yet taken looks
    /// like a dead one's.
    pub fn join(folder: &Path) -> Result<Self, Error> {
        let writers = folder.join("writers");
        files::folder(&writers).map_err(Error::unwritable(&writers))?;
        // Old locks do no harm, so failing at this is no reason not to write.
        for entry in read_dir(&writers).into_iter().flatten().flatten() {
            let path = entry.path();
            if let Ok(file) = File::options().write(true).open(&path)
                && file.try_lock().is_ok()
            {
                let _ = remove_file(path);
            }
        }
        let id = chain::id().map_err(Error::unwritable(&writers))?;
        match claim(folder, &id) {
            Ok(Some(held)) => Ok(Self { id: id.into(), _held: held }),
            Ok(None) => Err(Error::Busy { path: path(folder, &id) }),
            Err(source) => Err(Error::Unwritable { path: path(folder, &id), source }),
        }
    }
}

/// Takes a writer's lock. None while it lives, or while another process has taken it to settle what it left. Only while [`alone`].
pub(super) fn claim(folder: &Path, writer: &str) -> io::Result<Option<File>> {
    // Entries can be edited: what is not an id of ours is no name of a file.
    if writer.len() != 32 || !writer.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(None);
    }
    let path = path(folder, writer);
    let file = files::private().write(true).open(path)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(source)) => Err(source),
    }
}

fn path(folder: &Path, writer: &str) -> PathBuf {
    folder.join("writers").join(format!("{writer}.lock"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_that_another_has_is_waited_for_and_given_up() {
        let folder = tempfile::tempdir().unwrap();
        let held = alone(folder.path()).unwrap();
        let open = || files::private().write(true).open(folder.path().join("lock")).unwrap();
        assert!(wait(open(), Duration::from_millis(20)).unwrap().is_none());
        std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(20));
            drop(held);
        });
        // Given up before, the first one must not keep what it gets in the end.
        let second = wait(open(), PATIENCE).unwrap();
        assert!(second.is_some());
        assert!(open().try_lock().is_err());
        drop(second);
        assert!(alone(folder.path()).is_ok());
    }

    #[test]
    fn the_locks_of_the_dead_are_cleared_away_and_those_of_the_living_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let count = || read_dir(folder.path().join("writers")).unwrap().count();
        let first = Writer::join(folder.path()).unwrap();
        drop(Writer::join(folder.path()).unwrap());
        assert_eq!(count(), 2);
        let third = Writer::join(folder.path()).unwrap();
        assert_eq!(count(), 2);
        assert!(claim(folder.path(), &first.id).unwrap().is_none() && claim(folder.path(), &third.id).unwrap().is_none());
        let id = first.id.clone();
        drop(first);
        let claimed = claim(folder.path(), &id).unwrap();
        assert!(claimed.is_some() && claim(folder.path(), &id).unwrap().is_none());
        assert!(claim(folder.path(), "../../somewhere").unwrap().is_none());
    }
}
