//! Flagger's Canaries in the words of a release. Flagger writes 0 for weights it no longer minds, while the route still has the
//! old one: such a number is never handed on.

use jiff::Timestamp;

use super::belongings::Belongings;
use super::duration::go_seconds;
use super::id::{Key, Kind};
use super::managed::managed_by;
use super::object::{Canary, Condition};
use super::release::{Phase, Release, Replicas, StepAt, WaitingFor, Way, Weight};
use super::why;

/// What Flagger does with a Canary, by its own word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Never looked at, or being set up.
    Initializing,
    /// Set up, or the last release succeeded: nothing to do.
    Idle,
    /// Waits for a gate before anything starts.
    Waiting,
    /// Analyses, step by step.
    Progressing,
    /// Waits for a gate before promotion; the route keeps its weight, the status does not say it.
    WaitingPromotion,
    /// Copies the new spec to the primary.
    Promoting,
    /// Traffic is on the primary, which has the new spec; the canary is scaled down.
    Finalising,
    /// Rolled back, or the promotion failed.
    Failed,
    /// Being deleted.
    Terminating,
    /// A word that this program does not know.
    Unknown,
}

/// Reads Flagger's word for what it does.
pub fn stage(canary: &Canary) -> Stage {
    match &*canary.status.phase {
        "" | "Initializing" => Stage::Initializing,
        "Initialized" | "Succeeded" => Stage::Idle,
        "Waiting" => Stage::Waiting,
        "Progressing" => Stage::Progressing,
        "WaitingPromotion" => Stage::WaitingPromotion,
        "Promoting" => Stage::Promoting,
        "Finalising" => Stage::Finalising,
        "Failed" => Stage::Failed,
        "Terminating" | "Terminated" => Stage::Terminating,
        _ => Stage::Unknown,
    }
}

/// Phase and message: the message is Flagger's own, of its only condition.
pub fn phase_and_message(canary: &Canary) -> (Phase, Box<str>) {
    let message = promoted(canary).map_or_else(Box::default, |condition| condition.message.clone());
    let phase = match stage(canary) {
        Stage::Initializing if canary.status.phase.is_empty() => Phase::Unknown,
        Stage::Idle => Phase::Healthy,
        Stage::Failed => Phase::Degraded,
        Stage::Waiting | Stage::WaitingPromotion => Phase::Paused,
        Stage::Initializing | Stage::Progressing | Stage::Promoting | Stage::Finalising | Stage::Terminating => Phase::Progressing,
        Stage::Unknown => Phase::Unknown,
    };
    if canary.spec.suspend && matches!(phase, Phase::Progressing | Phase::Paused) {
        return (Phase::Paused, "suspended".into());
    }
    (phase, message)
}

/// Whom a Canary waits for: a person at its gates or when suspended, the next tick while it analyses.
pub fn waiting_for(canary: &Canary) -> Option<WaitingFor> {
    let (phase, _) = phase_and_message(canary);
    if canary.spec.suspend && phase == Phase::Paused {
        return Some(WaitingFor::Person);
    }
    match stage(canary) {
        Stage::Waiting | Stage::WaitingPromotion => Some(WaitingFor::Person),
        Stage::Progressing => Some(WaitingFor::Analysis),
        Stage::Promoting | Stage::Finalising => Some(WaitingFor::Pods),
        Stage::Initializing => Some(WaitingFor::Controller),
        Stage::Idle | Stage::Failed | Stage::Terminating | Stage::Unknown => None,
    }
}

/// What a Canary says at a moment of the cluster's clock.
pub fn of_canary(canary: &Canary, belongings: &Belongings, now: Timestamp) -> Release {
    let meta = &canary.metadata;
    let (phase, message) = phase_and_message(canary);
    let stage = stage(canary);
    let held = why::held_traffic_increase(canary, belongings).is_some();
    let waiting_for = if held { Some(WaitingFor::Person) } else { waiting_for(canary) };
    Release {
        key: Key { kind: Kind::Canary, namespace: meta.namespace.clone(), name: meta.name.clone() },
        uid: (*meta.uid).into(),
        way: if weighted(canary) { Way::Canary } else { Way::BlueGreen },
        phase,
        message,
        step: step_at(canary),
        weight: weight(canary),
        shown_weight: shown_weight(canary),
        revision: None,
        stable_revision: None,
        aborted: stage == Stage::Failed,
        promoted: stage == Stage::Idle,
        promoting_full: false,
        waiting_for,
        until: None,
        next_weight: next_weight(canary),
        images: Vec::new(),
        replicas: Replicas::default(),
        since: promoted(canary).and_then(|condition| condition.last_update_time.or(condition.last_transition_time)),
        managed_by: managed_by(meta),
        why: why::of_canary(canary, belongings, now),
        odd: canary.odd.clone(),
    }
}

/// Seconds between two ticks of Flagger: 60 unless told, never under 10.
pub fn interval_seconds(canary: &Canary) -> i64 {
    canary.spec.analysis.interval.as_deref().and_then(go_seconds).unwrap_or(60).max(10)
}

fn promoted(canary: &Canary) -> Option<&Condition> {
    canary.status.conditions.iter().find(|condition| *condition.kind == *"Promoted")
}

/// Whether the release shifts traffic by weight. Iterations, and the provider `kubernetes` always, do not.
fn weighted(canary: &Canary) -> bool {
    let analysis = &canary.spec.analysis;
    &*canary.spec.provider != "kubernetes" && analysis.iterations.unwrap_or_default() <= 0
}

/// Flagger's weight, in the one phase in which it is the truth.
fn weight(canary: &Canary) -> Option<Weight> {
    let tells = stage(canary) == Stage::Progressing && weighted(canary);
    tells.then_some(Weight { set: canary.status.canary_weight, actual: None, max: 100, verified: None })
}

fn shown_weight(canary: &Canary) -> Option<i64> {
    if !weighted(canary) {
        return None;
    }
    match stage(canary) {
        Stage::Idle | Stage::Finalising => Some(100),
        Stage::Waiting => Some(0),
        // After a promotion that failed, all traffic stays on the canary and the status says 100.
        Stage::Progressing | Stage::Failed => Some(canary.status.canary_weight.clamp(0, 100)),
        Stage::WaitingPromotion | Stage::Promoting | Stage::Initializing | Stage::Terminating | Stage::Unknown => None,
    }
}

fn next_weight(canary: &Canary) -> Option<i64> {
    let analysis = &canary.spec.analysis;
    match stage(canary) {
        Stage::WaitingPromotion | Stage::Promoting => Some(100),
        Stage::Waiting | Stage::Progressing if weighted(canary) => {
            let now = if stage(canary) == Stage::Waiting { 0 } else { canary.status.canary_weight };
            let max = max_weight(canary);
            if now >= max {
                return Some(100);
            }
            let listed = analysis.step_weights.iter().copied().find(|weight| *weight > now);
            listed.or_else(|| analysis.step_weight.map(|step| now.saturating_add(step).min(max)))
        }
        Stage::Initializing
        | Stage::Idle
        | Stage::Waiting
        | Stage::Progressing
        | Stage::Finalising
        | Stage::Failed
        | Stage::Terminating
        | Stage::Unknown => None,
    }
}

fn max_weight(canary: &Canary) -> i64 {
    let analysis = &canary.spec.analysis;
    analysis.step_weights.last().copied().or(analysis.max_weight).filter(|max| *max > 0).unwrap_or(100)
}

/// Where it is among its weights or iterations; only while it analyses, since the counters mislead afterwards.
fn step_at(canary: &Canary) -> Option<StepAt> {
    if stage(canary) != Stage::Progressing {
        return None;
    }
    let (analysis, status) = (&canary.spec.analysis, &canary.status);
    let (index, count) = if !weighted(canary) {
        (status.iterations, analysis.iterations.unwrap_or(10))
    } else if analysis.step_weights.is_empty() {
        let step = analysis.step_weight.filter(|step| *step > 0)?;
        (status.canary_weight / step, max_weight(canary).saturating_add(step - 1) / step)
    } else {
        let passed = analysis.step_weights.iter().filter(|weight| **weight <= status.canary_weight).count();
        (i64::try_from(passed).ok()?, i64::try_from(analysis.step_weights.len()).ok()?)
    };
    let (index, count) = (usize::try_from(index).ok()?, usize::try_from(count).ok()?);
    Some(StepAt { index: index.min(count), count, current: None })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::object::decode_value;
    use serde_json::{Value, json};

    fn release(spec: &Value, status: &Value) -> Release {
        let canary: Canary = decode_value(
            &json!({"metadata": {"name": "gateway", "namespace": "shop", "uid": "c"}, "spec": spec, "status": status}),
        );
        of_canary(&canary, &Belongings::default(), Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn a_release_in_all_its_phases() {
        let spec = json!({"provider": "istio", "analysis": {"maxWeight": 60, "stepWeight": 20}});
        // Flagger's word, its weight; phase, weight that is told, weight that is shown, the next one.
        let cases = [
            ("Initialized", 0, Phase::Healthy, None, Some(100), None),
            ("Waiting", 0, Phase::Paused, None, Some(0), Some(20)),
            ("Progressing", 0, Phase::Progressing, Some(0), Some(0), Some(20)),
            ("Progressing", 40, Phase::Progressing, Some(40), Some(40), Some(60)),
            ("Progressing", 60, Phase::Progressing, Some(60), Some(60), Some(100)),
            ("WaitingPromotion", 0, Phase::Paused, None, None, Some(100)),
            ("Promoting", 60, Phase::Progressing, None, None, Some(100)),
            ("Finalising", 0, Phase::Progressing, None, Some(100), None),
            ("Succeeded", 0, Phase::Healthy, None, Some(100), None),
            ("Failed", 0, Phase::Degraded, None, Some(0), None),
            ("Failed", 100, Phase::Degraded, None, Some(100), None),
            ("", 0, Phase::Unknown, None, None, None),
        ];
        for (word, canary_weight, phase, told, shown, next) in cases {
            let release = release(&spec, &json!({"phase": word, "canaryWeight": canary_weight}));
            let weight = release.weight.map(|weight| weight.set);
            assert_eq!(
                (release.phase, weight, release.shown_weight, release.next_weight),
                (phase, told, shown, next),
                "{word} {canary_weight}"
            );
        }
    }

    #[test]
    fn listed_weights_and_iterations() {
        let at = |spec: &Value, status: &Value| release(spec, status).step.map(|step| (step.index, step.count));
        let listed = json!({"analysis": {"stepWeights": [5, 10, 50]}});
        assert_eq!(at(&listed, &json!({"phase": "Progressing", "canaryWeight": 10})), Some((2, 3)));
        assert_eq!(release(&listed, &json!({"phase": "Progressing", "canaryWeight": 10})).next_weight, Some(50));
        let counted = json!({"provider": "kubernetes", "analysis": {"iterations": 5}});
        let running = release(&counted, &json!({"phase": "Progressing", "iterations": 3}));
        assert_eq!((running.way, running.weight, running.shown_weight), (Way::BlueGreen, None, None));
        assert_eq!(at(&counted, &json!({"phase": "Progressing", "iterations": 3})), Some((3, 5)));
        // The counter is set back or below zero while it waits: then nothing is told.
        assert_eq!(at(&counted, &json!({"phase": "WaitingPromotion", "iterations": -1})), None);
    }

    #[test]
    fn suspended_means_paused_only_while_something_is_under_way() {
        let spec = json!({"suspend": true, "analysis": {"stepWeight": 10}});
        let running = release(&spec, &json!({"phase": "Progressing", "canaryWeight": 20}));
        assert_eq!((running.phase, running.waiting_for), (Phase::Paused, Some(WaitingFor::Person)));
        assert_eq!(running.weight.map(|weight| weight.set), Some(20));
        assert_eq!(release(&spec, &json!({"phase": "Succeeded"})).phase, Phase::Healthy);
    }
}
