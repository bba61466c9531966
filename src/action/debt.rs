//! What a step of a plan leaves open: it is owed on the ledger until another step, or a person, puts it right.

use crate::domain::action::Do;
use crate::domain::id::Key;

/// Something that a step opens or closes, in the words by which it is owed and settled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Debt {
    /// From the moment of sending on.
    Owed(String),
    /// Once it was taken.
    Settled(String),
}

/// What a step leaves open, or puts right.
pub(super) fn debt(does: &Do, key: &Key) -> Option<Debt> {
    match does {
        Do::PauseSync { application, .. } => Some(Debt::Owed(format!("automatic sync of {application} is paused"))),
        Do::Gate(gate) => {
            let what = format!("the gate of {key} at {}.{} is open", gate.service, gate.namespace);
            Some(if gate.open { Debt::Owed(what) } else { Debt::Settled(what) })
        }
        _ => None,
    }
}
