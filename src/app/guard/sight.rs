//! What a guard is shown, made from what the core knows of a release: the same for the cockpit and for commands.

use jiff::Timestamp;

use super::super::cluster::Cluster;
use super::super::environment::Environment;
use super::super::freshness::Freshness;
use crate::domain::duration::clock;
use crate::domain::fact::Reading;
use crate::domain::guard::{Rules, Sight, Standing, saturated};
use crate::domain::id::{Key, Kind};
use crate::domain::signal::MetricsLink;

/// A metrics server that does not answer for so many seconds leaves a guard blind.
const AWAY: i64 = 20;

/// Why what is known of a kind may be old although the cluster answers; None if it is read.
fn unread(cluster: &Cluster, kind: Kind) -> Option<String> {
    let what = kind.plural();
    match cluster.reading(kind) {
        Reading::Live | Reading::Narrowed(_) => None,
        Reading::Loading => Some(format!("{what} are still being read")),
        Reading::NotInstalled => Some(format!("the cluster says that it has no {what}")),
        Reading::Denied(why) => Some(format!("{what} may not be read: {why}")),
        Reading::Failing(why) => Some(format!("{what} cannot be read: {why}")),
    }
}

/// What is seen of a release at a moment of the local clock.
pub fn sight(environment: &Environment, key: &Key, now: Timestamp, rules: &Rules) -> Sight {
    let cluster = &environment.cluster;
    let rollout = cluster.rollout(key).map(|rollout| Standing::of_rollout(rollout));
    let release = rollout.or_else(|| cluster.canary(key).map(|canary| Standing::of_canary(canary)));
    let stale = match environment.freshness(now) {
        Freshness::Live { .. } => unread(cluster, key.kind),
        Freshness::Connecting | Freshness::Empty => Some("the cluster is being connected to".to_owned()),
        Freshness::Late { seconds } => Some(format!("the cluster has been silent for {}", clock(seconds))),
        Freshness::Down { seconds, reason, .. } => Some(format!("the cluster has been down for {}: {reason}", clock(seconds))),
    };
    let metrics = &environment.metrics;
    let silent = match &metrics.link {
        _ if !metrics.is_configured() => Some("no metrics server or no signal is configured".to_owned()),
        MetricsLink::None => Some("no metrics server is configured".to_owned()),
        // One poll that failed is a gap. Later ones would have said how it goes on: what was measured before tells no more of now.
        MetricsLink::Down { since, reason } => {
            let seconds = now.duration_since(*since).as_secs();
            (seconds > AWAY).then(|| format!("the metrics server has not answered for {}: {reason}", clock(seconds)))
        }
        MetricsLink::Connecting | MetricsLink::Up { .. } => None,
    };
    let bound = release.as_ref().map(|release| &release.hash);
    let measured = metrics.measured(key).filter(|measured| Some(&measured.hash) == bound);
    let oldest = metrics.definitions().stale_after;
    Sight {
        at: now,
        stale: stale.map(Into::into),
        signals: metrics.judgements(key).to_vec(),
        saturated: measured.and_then(|measured| saturated(measured, rules, (now, oldest))),
        silent: silent.map(Into::into),
        away: matches!(metrics.link, MetricsLink::Down { .. }),
        release,
    }
}
