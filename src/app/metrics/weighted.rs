//! Since when a canary has had its weight. The cluster's own words count where it says so; else the moment at which this program first saw it, so
//! that a window is rather called too early than taken for whole.

use jiff::Timestamp;

use crate::app::cluster::Cluster;
use crate::domain::belongings::Belongings;
use crate::domain::id::Key;
use crate::domain::object::Step;
use crate::domain::release::Release;
use crate::domain::signs::pause;
use crate::domain::{step, timeline};

/// A weight as it was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Weighted {
    hash: Box<str>,
    weight: Option<i64>,
    /// Since when, by the local clock.
    pub since: Timestamp,
}

impl Weighted {
    /// Looks at a release that is under way. `told` is what the cluster says about the beginning, by the local clock, and whether that is
    /// the beginning itself or only at the latest then.
    pub fn follow(
        before: Option<&Self>,
        hash: &str,
        weight: Option<i64>,
        (told, exact): (Option<Timestamp>, bool),
        now: Timestamp,
    ) -> Self {
        let same = before.filter(|before| *before.hash == *hash && before.weight == weight).map(|before| before.since);
        let since = if exact { told.or(same) } else { told.into_iter().chain(same).min() };
        let since = since.unwrap_or(now);
        Self { hash: hash.into(), weight, since: since.min(now) }
    }
}

/// Since when a release has had its weight, by the cluster's clock, as its events tell it, else the pause that it is in. None if nobody says.
pub fn told(cluster: &Cluster, key: &Key, belongings: &Belongings) -> Option<Timestamp> {
    if let Some(canary) = cluster.canary(key) {
        // Flagger writes a time with every status, of a failed check too: the weight is at least as old.
        return canary.status.last_transition_time;
    }
    let rollout = cluster.rollout(key)?;
    let paused = || match step::current(rollout) {
        Some(Step::Pause(_)) => pause(rollout, "CanaryPauseStep")?.start_time,
        _ => None,
    };
    timeline::weighted_since(rollout, belongings).or_else(paused)
}

/// The weight by which two moments of a release are told apart.
pub fn weight(release: &Release) -> Option<i64> {
    release.shown_weight.or(release.weight.map(|weight| weight.set))
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    #[test]
    fn a_weight_is_as_old_as_it_was_seen_or_said_to_be() {
        let at = |seconds| Timestamp::UNIX_EPOCH + SignedDuration::from_secs(seconds);
        let follow = |before: Option<&Weighted>, weight, told, now| Weighted::follow(before, "h", Some(weight), told, at(now));
        let first = follow(None, 20, (Some(at(10)), false), 30);
        assert_eq!(first.since, at(10));
        // Flagger wrote its status again, because of a check that failed; then it went on.
        let same = follow(Some(&first), 20, (Some(at(40)), false), 50);
        assert_eq!(same.since, at(10));
        assert_eq!(follow(Some(&same), 30, (Some(at(60)), false), 61).since, at(60));
        // Where the beginning itself is said, that counts.
        assert_eq!(follow(Some(&first), 20, (Some(at(40)), true), 50).since, at(40));
        assert_eq!(follow(Some(&first), 20, (None, true), 50).since, at(10));
        assert_eq!(follow(None, 20, (None, true), 50).since, at(50));
    }
}
