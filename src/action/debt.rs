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

const SYNC: &str = "automatic sync of ";
const PAUSED: &str = " is paused";

/// Namespace and name of the Application whose sync is paused, if that is what is owed.
pub(super) fn paused_sync(what: &str) -> Option<(&str, &str)> {
    what.strip_prefix(SYNC)?.strip_suffix(PAUSED)?.split_once('/')
}

/// What a step leaves open, or puts right.
pub(super) fn debt(does: &Do, key: &Key) -> Option<Debt> {
    match does {
        Do::PauseSync { namespace, application } => Some(Debt::Owed(format!("{SYNC}{namespace}/{application}{PAUSED}"))),
        Do::Gate(gate) => {
            let what = format!("the gate of {key} at {}.{} is open", gate.service, gate.namespace);
            Some(if gate.open { Debt::Owed(what) } else { Debt::Settled(what) })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::Kind;

    #[test]
    fn a_paused_sync_is_known_by_its_words() {
        let pause = Do::PauseSync { namespace: "argocd".into(), application: "web-prod".into() };
        let Some(Debt::Owed(what)) = debt(&pause, &Key::new(Kind::Rollout, "shop", "web")) else { panic!("{pause:?}") };
        assert_eq!((paused_sync(&what), paused_sync("ticket")), (Some(("argocd", "web-prod")), None));
    }
}
