//! Whose turn it is. As others do with Leases: clocks of machines are not compared; a holder is dead when its Lease has not changed
//! for as long as the Lease says, by the clock of whoever looks.

use std::time::Duration;

use jiff::Timestamp;

use super::lease::Guarding;
use crate::domain::object::Lease;

/// Whose turn it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Ours: it has to be renewed.
    Mine,
    /// Nobody's: it may be taken, with what a guard of the same version left.
    Free(Legacy),
    /// Another one's.
    Others {
        /// Who that is.
        owner: Box<str>,
    },
    /// Somebody cancelled the guards of this version.
    Cancelled {
        /// Who.
        by: Box<str>,
    },
}

/// What a guard leaves to the next one of its version.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Legacy {
    /// Whether it held the release.
    pub held: bool,
    /// When it would have taken the release back, if it counted down: in an election by the cluster's clock, for a machine by the local one.
    pub until: Option<Timestamp>,
}

/// What one guard knows of the others.
#[derive(Clone, Debug)]
pub struct Election {
    identity: Box<str>,
    hash: Box<str>,
    /// What of the Lease was seen last, and when it was first seen so.
    seen: Option<(Box<str>, Duration)>,
}

impl Election {
    /// A guard of this identity and version that has not looked yet.
    pub fn new(identity: impl Into<Box<str>>, hash: impl Into<Box<str>>) -> Self {
        Self { identity: identity.into(), hash: hash.into(), seen: None }
    }

    /// Looks at the Lease as it was just read; None if there is none. `now` is a clock that only goes forward.
    pub fn look(&mut self, lease: Option<&Lease>, now: Duration) -> Turn {
        let Some((lease, guarding)) = lease.and_then(|lease| Some((lease, Guarding::of(lease)?))) else {
            self.seen = None;
            // A Lease of this name that is no guard's is taken over like a free one.
            return Turn::Free(Legacy::default());
        };
        let same = guarding.hash == self.hash;
        if let Some(by) = guarding.posted.cancelled.filter(|_| same) {
            return Turn::Cancelled { by };
        }
        if guarding.identity == self.identity {
            return Turn::Mine;
        }
        let legacy = if same { Legacy { held: guarding.posted.held, until: guarding.posted.deadline } } else { Legacy::default() };
        let version = &*lease.metadata.resource_version;
        let since = match &self.seen {
            Some((before, since)) if **before == *version => *since,
            _ => {
                self.seen = Some((version.into(), now));
                now
            }
        };
        let life = Duration::from_secs(u64::try_from(guarding.seconds).unwrap_or_default());
        if guarding.identity.is_empty() || now.saturating_sub(since) >= life {
            return Turn::Free(legacy);
        }
        Turn::Others { owner: guarding.owner }
    }
}

#[cfg(test)]
mod tests {
    use super::super::lease::{Claim, Posted, lease_body};
    use super::*;
    use crate::domain::id::{Key, Kind};
    use crate::domain::object::decode_value;

    fn lease(identity: &str, hash: &str, version: &str, posted: &Posted) -> Lease {
        let claim = Claim {
            key: Key::new(Kind::Rollout, "shop", "gateway"),
            hash: hash.into(),
            identity: identity.into(),
            owner: "dana@laptop".into(),
            reason: "".into(),
            seconds: 15,
        };
        // Its clock is an hour off: that says nothing.
        let now: Timestamp = "2026-01-05T10:00:00Z".parse().unwrap();
        let mut lease: Lease = decode_value(&lease_body(&claim, posted, None, now));
        lease.metadata.resource_version = version.into();
        lease
    }

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_holder_is_dead_when_its_lease_has_not_changed_for_its_time() {
        let posted = Posted { held: true, ..Posted::default() };
        let mut election = Election::new("me", "h");
        let others = Turn::Others { owner: "dana@laptop".into() };
        assert_eq!(election.look(Some(&lease("you", "h", "1", &posted)), seconds(100)), others, "however old it is");
        assert_eq!(election.look(Some(&lease("you", "h", "1", &posted)), seconds(114)), others);
        assert_eq!(election.look(Some(&lease("you", "h", "2", &posted)), seconds(114)), others, "renewed");
        assert_eq!(election.look(Some(&lease("you", "h", "2", &posted)), seconds(128)), others);
        assert_eq!(
            election.look(Some(&lease("you", "h", "2", &posted)), seconds(129)),
            Turn::Free(Legacy { held: true, until: None })
        );
    }

    #[test]
    fn a_countdown_is_left_to_the_next_guard_of_the_same_version() {
        let until = "2026-01-05T10:00:20Z".parse().ok();
        let posted = Posted { state: "countdown".into(), deadline: until, ..Posted::default() };
        for (hash, left) in [("h", until), ("old", None)] {
            let mut election = Election::new("me", "h");
            election.look(Some(&lease("you", hash, "1", &posted)), seconds(0));
            let turn = election.look(Some(&lease("you", hash, "1", &posted)), seconds(15));
            assert_eq!(turn, Turn::Free(Legacy { held: false, until: left }), "{hash}");
        }
    }

    #[test]
    fn what_nobody_holds_is_free_and_what_is_cancelled_stays_so_for_its_version() {
        let mut election = Election::new("me", "h");
        assert_eq!(election.look(None, seconds(0)), Turn::Free(Legacy::default()));
        assert_eq!(election.look(Some(&Lease::default()), seconds(0)), Turn::Free(Legacy::default()));
        assert_eq!(election.look(Some(&lease("me", "h", "1", &Posted::default())), seconds(0)), Turn::Mine);
        assert_eq!(election.look(Some(&lease("", "h", "1", &Posted::default())), seconds(0)), Turn::Free(Legacy::default()));
        let cancelled = Posted { cancelled: Some("kim".into()), held: true, ..Posted::default() };
        assert_eq!(election.look(Some(&lease("", "h", "1", &cancelled)), seconds(0)), Turn::Cancelled { by: "kim".into() });
        assert_eq!(election.look(Some(&lease("", "old", "1", &cancelled)), seconds(0)), Turn::Free(Legacy::default()));
    }
}
