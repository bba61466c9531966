//! Why the ledger could not be written or read, said so that it can be mended.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// Why something is not on the ledger, or cannot be read from it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The disk, the permissions or the file system are in the way.
    #[error("The ledger cannot be written. {}: {source}. {}", path.display(), mend(source))]
    Unwritable {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// What was written cannot be read.
    #[error("The ledger cannot be read. {}: {source}.", path.display())]
    Unreadable {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another process holds the ledger and does not let go.
    #[error("The ledger cannot be written. Another process has held {} for 5 seconds. End or continue a stopped pilothouse.", path.display())]
    Busy {
        /// The lock.
        path: PathBuf,
    },
    /// No act has that id.
    #[error("There is no act '{asked}'. pilothouse ledger list shows them.")]
    NoAct {
        /// What was asked for.
        asked: String,
    },
    /// Several acts have ids that begin so.
    #[error("'{asked}' is the beginning of {count} acts. Give more of it.")]
    SeveralActs {
        /// What was asked for.
        asked: String,
        /// How many there are.
        count: usize,
    },
    /// The act owes no ticket.
    #[error("Act {act} owes no ticket.{}", ticket.as_ref().map_or(String::new(), |ticket| format!(" It has '{ticket}'.")))]
    NothingOwed {
        /// The act.
        act: String,
        /// The ticket that it has.
        ticket: Option<String>,
    },
    /// The ticket is empty.
    #[error("A ticket has a name, such as INC-123.")]
    NoTicket,
}

impl Error {
    pub(super) fn unwritable(path: &Path) -> impl FnOnce(io::Error) -> Self + '_ {
        move |source| Self::Unwritable { path: path.to_owned(), source }
    }

    pub(super) fn unreadable(path: &Path) -> impl FnOnce(io::Error) -> Self + '_ {
        move |source| Self::Unreadable { path: path.to_owned(), source }
    }
}

fn mend(error: &io::Error) -> &'static str {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => "Make room there.",
        ErrorKind::PermissionDenied => "Make it your own (chown, chmod u+rwX), or set XDG_STATE_HOME to a folder that is.",
        _ => "Set XDG_STATE_HOME to a folder that can be written.",
    }
}
