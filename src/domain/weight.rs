//! Weights of a canary: what the steps ask for, what the plugin prints, and what is honestly known.
//! Never presents a wish as traffic.

use super::belongings::Belongings;
use super::object::{Rollout, Step};
use super::phase::promoted;
use super::release::Weight;
use super::step;

/// The weight that means everything, 100 unless the traffic router was told otherwise.
pub fn max(rollout: &Rollout) -> i64 {
    let routing = rollout.spec.strategy.canary.as_ref().and_then(|canary| canary.traffic_routing.as_ref());
    routing.and_then(|routing| routing.max_traffic_weight).filter(|max| *max > 0).unwrap_or(100)
}

/// Weights as the plugin prints them, out of [`max`]; none for blue-green.
pub fn weight(rollout: &Rollout, belongings: &Belongings) -> Option<Weight> {
    let canary = rollout.spec.strategy.canary.as_ref()?;
    let weights = rollout.status.canary.weights.as_ref();
    let (set, max) = (set(rollout), max(rollout));
    let available = rollout.status.available_replicas;
    let actual = if step::current(rollout).is_none() {
        max
    } else if available <= 0 {
        0
    } else if canary.traffic_routing.is_some() {
        weights.map_or(set, |weights| weights.canary.weight)
    } else {
        share(canary_available(rollout, belongings).unwrap_or_default(), max, available)
    };
    Some(Weight { set, actual: Some(actual), max, verified: weights.and_then(|weights| weights.verified) })
}

/// The weight that the steps ask for: 0 when aborted, everything when all steps are done.
pub fn set(rollout: &Rollout) -> i64 {
    if rollout.status.abort {
        return 0;
    }
    if step::current(rollout).is_none() {
        return max(rollout);
    }
    cumulative(step::steps(rollout), step::index(rollout))
}

/// The last `setWeight` at or before a step; 0 if there is none.
pub fn cumulative(steps: &[Step], index: usize) -> i64 {
    steps.iter().take(index.saturating_add(1)).rev().find_map(set_weight).unwrap_or_default()
}

/// The share of traffic on the newest revision in percent, as far as the objects tell: promoted is all of it, a routed canary
/// has what the router was given, a basic one what its available pods make of it.
pub fn shown(rollout: &Rollout, belongings: &Belongings) -> Option<i64> {
    let canary = rollout.spec.strategy.canary.as_ref()?;
    let status = &rollout.status;
    if promoted(rollout) {
        return Some(100);
    }
    if status.current_pod_hash.is_empty() {
        return None;
    }
    if status.stable_rs.is_empty() {
        return (status.available_replicas > 0).then_some(100);
    }
    if canary.traffic_routing.is_some() {
        let weight = status.canary.weights.as_ref()?.canary.weight;
        return Some(share(weight, 100, max(rollout)).clamp(0, 100));
    }
    (status.available_replicas > 0)
        .then(|| canary_available(rollout, belongings).map(|pods| share(pods, 100, status.available_replicas).clamp(0, 100)))
        .flatten()
}

/// The weight in percent that the next thing to happen leads to: that of the setWeight under way, else of the next one, else 100.
pub fn next(rollout: &Rollout) -> Option<i64> {
    let status = &rollout.status;
    if rollout.spec.strategy.canary.is_none() {
        let pending = !status.current_pod_hash.is_empty() && status.blue_green.active_selector != status.current_pod_hash;
        return (pending && !status.abort && rollout.spec.strategy.blue_green.is_some()).then_some(100);
    }
    if promoted(rollout) || status.abort || status.current_pod_hash.is_empty() {
        return None;
    }
    let ahead = step::steps(rollout).iter().skip(step::index(rollout)).find_map(set_weight);
    Some(ahead.map_or(100, |weight| share(weight, 100, max(rollout))))
}

fn set_weight(step: &Step) -> Option<i64> {
    if let Step::SetWeight(weight) = step { Some(*weight) } else { None }
}

/// Available pods of the canary's ReplicaSet; the plugin gives a hash that is also stable to stable.
fn canary_available(rollout: &Rollout, belongings: &Belongings) -> Option<i64> {
    let status = &rollout.status;
    if status.current_pod_hash == status.stable_rs {
        return None;
    }
    let set = belongings.replica_set_with(&rollout.metadata.uid, &status.current_pod_hash)?;
    Some(set.status.available_replicas)
}

/// `part * of / whole` in whole numbers, as Go divides them.
fn share(part: i64, of: i64, whole: i64) -> i64 {
    part.saturating_mul(of).checked_div(whole).unwrap_or_default()
}
