//! Who did what, why, and what came of it: an append-only record in JSON lines, chained by hashes, one file a month, that several
//! processes share. An entry is on the disk before `append` returns. Reads no clock, knows no cluster, and never changes a line
//! that is written.

pub mod acts;
mod book;
mod chain;
mod entry;
mod error;
mod lock;
pub mod operator;
mod text;
pub mod verify;
pub mod view;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;

pub use acts::{Act, Owed, Stable};
pub use chain::digest;
pub use entry::{Authority, Body, Debt, Ending, Entry, Gate, Intent, Object, Observed, Operator, Outcome, Repair, TICKET, Write};
pub use error::Error;
pub use text::Text;
pub use verify::Report;

use crate::config::Files;
use lock::Writer;

/// A ledger: cheap to clone, and every clone is the same writer. As long as one lives, no other process settles what it began.
#[derive(Clone, Debug)]
pub struct Ledger(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    folder: PathBuf,
    writer: Mutex<Option<Writer>>,
}

/// An intent whose writer is dead and of which nobody knows what came. Nobody else gets it as long as this value lives.
#[derive(Debug)]
pub struct Orphan {
    /// The entry of the intent.
    pub entry: Entry,
    /// What was intended.
    pub intent: Intent,
    /// The requests after the first one that were about to be sent.
    pub writes: Vec<Write>,
    _claim: Arc<File>,
}

impl Ledger {
    /// The ledger of this user.
    pub fn folder(files: &Files) -> PathBuf {
        files.state.join("ledger")
    }

    /// Opens the ledger in a folder, and makes the folder if it is not there. Reads nothing yet.
    pub fn open(folder: impl Into<PathBuf>) -> Result<Self, Error> {
        let folder = folder.into();
        crate::config::files::folder(&folder).map_err(Error::unwritable(&folder))?;
        Ok(Self(Arc::new(Inner { folder, writer: Mutex::default() })))
    }

    /// Appends an entry; when this returns it is on the disk. An intent gets its writer, and its id if it has none.
    pub fn append(&self, now: Timestamp, mut body: Body) -> Result<Entry, Error> {
        let folder = self.path();
        let _alone = lock::alone(folder)?;
        if let Body::Intent(intent) = &mut body {
            intent.writer = self.writer()?;
            if intent.act.is_empty() {
                intent.act = chain::id().map_err(Error::unwritable(folder))?.into();
            }
        }
        book::End::find(folder, now)?.add(now, &body)
    }

    /// Settles the ticket that an act owes; `act` is its id or the beginning of it.
    pub fn settle_ticket(&self, now: Timestamp, act: &str, ticket: Text, operator: Operator) -> Result<Entry, Error> {
        if ticket.trim().is_empty() {
            return Err(Error::NoTicket);
        }
        let entries = self.read(None)?;
        let acts = acts::acts(&entries);
        let found: Vec<&Act<'_>> = acts.iter().filter(|one| !act.is_empty() && one.intent.act.starts_with(act)).collect();
        let found = match found.as_slice() {
            [found] => found,
            [] => return Err(Error::NoAct { asked: Text::from(act).to_string() }),
            several => return Err(Error::SeveralActs { asked: act.to_owned(), count: several.len() }),
        };
        let act = found.intent.act.clone();
        if !found.owes.iter().any(|what| what.as_str() == TICKET) {
            return Err(Error::NothingOwed { act: act.to_string(), ticket: found.ticket.map(ToString::to_string) });
        }
        let debt = Debt { act: Some(act), what: TICKET.into(), ticket: Some(ticket), operator: Some(operator) };
        self.append(now, Body::Settled(debt))
    }

    /// Reads all entries not older than a time, in the order of the chain. Lines that are none are passed over: [`Self::verify`]
    /// names them.
    pub fn read(&self, since: Option<Timestamp>) -> Result<Vec<Entry>, Error> {
        let mut entries = Vec::new();
        let months = book::months(self.path())?;
        // An entry is never in a file of an earlier month than its own.
        let first = since.map(book::month);
        for month in months.iter().filter(|month| first.as_ref().is_none_or(|first| *month >= first)) {
            entries.extend(self.entries(month)?.into_iter().filter(|entry| since.is_none_or(|since| entry.time >= since)));
        }
        Ok(entries)
    }

    /// Reads the newest entries, newest first.
    pub fn recent(&self, count: usize) -> Result<Vec<Entry>, Error> {
        let mut entries = Vec::new();
        for month in book::months(self.path())?.iter().rev() {
            entries.extend(self.entries(month)?.into_iter().rev());
            if entries.len() >= count {
                break;
            }
        }
        entries.truncate(count);
        Ok(entries)
    }

    /// Takes the intents without an outcome whose writers are dead, of those that are wanted, so that this process settles them:
    /// by reading the cluster, and appending an outcome before the value is dropped.
    pub fn open_intents(&self, wanted: impl Fn(&Intent) -> bool) -> Result<Vec<Orphan>, Error> {
        let folder = self.path();
        // Read alone, so that what another process has just settled is seen as settled.
        let _alone = lock::alone(folder)?;
        let entries = self.read(None)?;
        let mut claims: BTreeMap<&str, Option<Arc<File>>> = BTreeMap::new();
        let mut orphans = Vec::new();
        for act in acts::acts(&entries).iter().filter(|act| act.outcome.is_none() && wanted(act.intent)) {
            let writer = act.intent.writer.as_str();
            if !claims.contains_key(writer) {
                let claim = lock::claim(folder, writer).map_err(Error::unwritable(folder))?;
                claims.insert(writer, claim.map(Arc::new));
            }
            if let Some(Some(claim)) = claims.get(writer) {
                let writes = act.writes.iter().copied().cloned().collect();
                let (entry, intent) = (act.entry.clone(), act.intent.clone());
                orphans.push(Orphan { entry, intent, writes, _claim: Arc::clone(claim) });
            }
        }
        Ok(orphans)
    }

    /// Whether an entry could be appended now, as far as that can be told without appending one.
    pub fn writable(&self) -> Result<(), Error> {
        let _alone = lock::alone(self.path())?;
        self.writer().map(drop)
    }

    /// What is owed and not settled, oldest first.
    pub fn owed(&self) -> Result<Vec<Owed>, Error> {
        Ok(acts::owed(&self.read(None)?))
    }

    /// The versions of an object that were stable at some time, as intents saw it, newest first.
    pub fn stable_hashes(&self, environment: &str, object: &Object) -> Result<Vec<Stable>, Error> {
        Ok(acts::stable(&self.read(None)?, environment, object))
    }

    /// Recomputes the chain. `expected` is the hash of an entry that has to be in it, or at least 16 digits of its beginning.
    pub fn verify(&self, expected: Option<&str>) -> Result<Report, Error> {
        // Nobody appends meanwhile; a ledger that cannot be locked, such as a copy on a read-only disk, is read all the same.
        let _alone = lock::alone(self.path()).ok();
        verify::verify(self.path(), expected)
    }

    fn path(&self) -> &Path {
        &self.0.folder
    }

    fn writer(&self) -> Result<Text, Error> {
        let mut writer = self.0.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let joined = match writer.take() {
            Some(joined) => joined,
            None => Writer::join(self.path())?,
        };
        Ok(writer.insert(joined).id.clone())
    }

    fn entries(&self, month: &str) -> Result<Vec<Entry>, Error> {
        let path = self.path().join(month);
        let bytes = std::fs::read(&path).map_err(Error::unreadable(&path))?;
        Ok(bytes.split(|byte| *byte == b'\n').filter_map(chain::read).collect())
    }
}
