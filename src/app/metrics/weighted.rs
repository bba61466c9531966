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
    /// Looks at a release that is under way. `told` is what the cluster says about the beginning, by the local clock.
    pub fn follow(before: Option<&Self>, hash: &str, weight: Option<i64>, told: Option<Timestamp>, now: Timestamp) -> Self {
        let same = before.filter(|before| *before.hash == *hash && before.weight == weight);
        let since = told.or(same.map(|before| before.since)).unwrap_or(now);
        Self { hash: hash.into(), weight, since: since.min(now) }
    }
}

/// Since when a release has had its weight, by the cluster's clock, as its events tell it, else the pause that it is in. None if nobody says.
pub fn told(cluster: &Cluster, key: &Key, belongings: &Belongings) -> Option<Timestamp> {
    if let Some(canary) = cluster.canary(key) {
        // Flagger writes a time with every status, so the weight is at least as old.
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
