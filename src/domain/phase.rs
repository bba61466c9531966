//! Phase and message of a Rollout exactly as `kubectl argo rollouts` says them, so that scripts can compare.
//! What the plugin says misleadingly is put right elsewhere ([`super::signs`], the screen), never here.

use std::borrow::Cow;

use super::object::{BlueGreenStrategy, Rollout};
use super::release::Phase;

/// Phase and message, in the plugin's order of rules.
pub fn phase_and_message(rollout: &Rollout) -> (Phase, Box<str>) {
    let (phase, message) = found(rollout);
    (phase, message.into())
}

/// The phase alone.
pub fn phase(rollout: &Rollout) -> Phase {
    found(rollout).0
}

fn found(rollout: &Rollout) -> (Phase, Cow<'_, str>) {
    if !generation_observed(rollout) {
        return (Phase::Progressing, "waiting for rollout spec update to be observed".into());
    }
    if resuming(rollout) {
        return (Phase::Progressing, "waiting for rollout to unpause".into());
    }
    let status = &rollout.status;
    if status.phase.is_empty() { computed(rollout) } else { (named(&status.phase), Cow::Borrowed(&*status.message)) }
}

/// Whether the status is about the present spec. A text that is no number comes from a version that hashed, and counts as observed.
pub fn generation_observed(rollout: &Rollout) -> bool {
    rollout.status.observed_generation.parse::<i64>().map_or(true, |observed| observed >= rollout.metadata.generation)
}

/// Whether a pause was lifted and the controller has not noticed yet.
pub fn resuming(rollout: &Rollout) -> bool {
    rollout.status.controller_pause && rollout.status.pause_conditions.as_ref().is_none_or(Vec::is_empty)
}

/// Pods that are wanted: `spec.replicas`, or 1.
pub fn desired(rollout: &Rollout) -> i64 {
    rollout.spec.replicas.unwrap_or(1)
}

/// Whether the wanted template is the stable one.
pub fn promoted(rollout: &Rollout) -> bool {
    !rollout.status.stable_rs.is_empty() && rollout.status.stable_rs == rollout.status.current_pod_hash
}

fn named(phase: &str) -> Phase {
    match phase {
        "Healthy" => Phase::Healthy,
        "Progressing" => Phase::Progressing,
        "Paused" => Phase::Paused,
        "Degraded" => Phase::Degraded,
        _ => Phase::Unknown,
    }
}

/// What controllers before 1.0 left to the client, and what holds for an object that no controller has seen.
fn computed(rollout: &Rollout) -> (Phase, Cow<'_, str>) {
    let (spec, status) = (&rollout.spec, &rollout.status);
    for condition in &status.conditions {
        if *condition.kind == *"InvalidSpec" {
            return (Phase::Degraded, format!("InvalidSpec: {}", condition.message).into());
        }
        if matches!(&*condition.reason, "RolloutAborted" | "ProgressDeadlineExceeded") {
            return (Phase::Degraded, format!("{}: {}", condition.reason, condition.message).into());
        }
    }
    if spec.paused {
        return (Phase::Paused, "manually paused".into());
    }
    if let Some(pause) = status.pause_conditions.as_ref().and_then(|pauses| pauses.first()) {
        return (Phase::Paused, pause.reason.as_str().into());
    }
    let still = if spec.restart_at.is_some() && spec.restart_at != status.restarted_at {
        Some("rollout is restarting")
    } else if status.updated_replicas < desired(rollout) {
        Some("more replicas need to be updated")
    } else if status.available_replicas < status.updated_replicas {
        Some("updated replicas are still becoming available")
    } else if let Some(strategy) = &spec.strategy.blue_green {
        blue_green_still(rollout, strategy)
    } else {
        canary_still(rollout)
    };
    still.map_or((Phase::Healthy, "".into()), |message| (Phase::Progressing, message.into()))
}

fn blue_green_still(rollout: &Rollout, strategy: &BlueGreenStrategy) -> Option<&'static str> {
    let status = &rollout.status;
    let active = &status.blue_green.active_selector;
    if active.is_empty() || *active != status.current_pod_hash {
        return Some("active service cutover pending");
    }
    if promoted(rollout) {
        return None;
    }
    let run = status.blue_green.post_promotion_analysis_run_status.as_ref();
    let analysed = strategy.post_promotion_analysis.is_none() || run.is_some_and(|run| is_final(&run.status));
    Some(if analysed { "waiting for post-promotion verification to complete" } else { "waiting for analysis to complete" })
}

fn canary_still(rollout: &Rollout) -> Option<&'static str> {
    let canary = rollout.spec.strategy.canary.as_ref()?;
    if canary.traffic_routing.is_none() && rollout.status.replicas > rollout.status.updated_replicas {
        return Some("old replicas are pending termination");
    }
    (!promoted(rollout)).then_some("waiting for all steps to complete")
}

/// Whether an AnalysisRun's or Experiment's phase is one that no longer changes.
pub fn is_final(phase: &str) -> bool {
    matches!(phase, "Successful" | "Failed" | "Error" | "Inconclusive")
}
