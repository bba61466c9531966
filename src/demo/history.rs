//! What changed, for watchers that resume: a bounded tail of changes per kind. It never waits for a reader:
//! one that falls behind the tail is told that its version has expired, as a real server does.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::sync::watch;

use super::stored::Snapshot;

/// How many changes of a kind are kept at most.
const LENGTH: usize = 10_000;
/// How many bytes of changed objects of a kind are kept at most.
const BYTES: usize = 32 << 20;

/// One change, as watchers see it.
#[derive(Clone, Debug)]
pub struct Change {
    /// The store's version that it made.
    pub version: u64,
    /// The object before; none if it was created.
    pub before: Option<Arc<Snapshot>>,
    /// The object after; for a deletion its last state with the version of the deletion.
    pub after: Arc<Snapshot>,
    /// It was deleted.
    pub gone: bool,
}

/// The tail of one kind's changes.
#[derive(Debug)]
pub struct History {
    changes: VecDeque<Change>,
    bytes: usize,
    floor: u64,
    latest: watch::Sender<u64>,
}

impl History {
    /// Nothing yet; changes up to `floor` are not known.
    pub fn new(floor: u64) -> Self {
        Self { changes: VecDeque::new(), bytes: 0, floor, latest: watch::Sender::new(floor) }
    }

    /// Adds the newest change and wakes the watchers.
    pub fn push(&mut self, change: Change) {
        self.bytes += change.after.body.len();
        let version = change.version;
        self.changes.push_back(change);
        while self.changes.len() > LENGTH || self.bytes > BYTES && self.changes.len() > 1 {
            self.drop_oldest();
        }
        self.latest.send_replace(version);
    }

    /// Forgets everything up to now, as a compaction does: watchers that are not up to date expire.
    pub fn compact(&mut self, version: u64) {
        self.changes.clear();
        self.bytes = 0;
        self.floor = version;
    }

    /// The changes after a version.
    ///
    /// # Errors
    /// With the oldest version from which a watcher could still resume, if `version` is older.
    pub fn since(&self, version: u64) -> Result<impl Iterator<Item = &Change>, u64> {
        if version < self.floor {
            return Err(self.floor);
        }
        let first = self.changes.partition_point(|change| change.version <= version);
        Ok(self.changes.range(first..))
    }

    /// The oldest version from which a watcher could resume.
    pub fn floor(&self) -> u64 {
        self.floor
    }

    /// The version of the newest change.
    pub fn latest(&self) -> u64 {
        *self.latest.borrow()
    }

    /// Wakes with the version of each newest change; several may come as one.
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        self.latest.subscribe()
    }

    fn drop_oldest(&mut self) {
        if let Some(oldest) = self.changes.pop_front() {
            self.bytes -= oldest.after.body.len();
            self.floor = oldest.version;
        }
    }
}
