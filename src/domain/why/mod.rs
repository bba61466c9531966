//! Why a release is stuck or was aborted, in one plain sentence. Says only what the objects say; where they say nothing, nothing.

mod analyses;
mod flagger;
mod pods;
#[cfg(test)]
mod tests;

use jiff::Timestamp;

use super::action::request::LAST_ACTION;
use super::belongings::Belongings;
use super::duration::age;
use super::object::Rollout;
use super::phase::{desired, generation_observed, phase_and_message, promoted};
use super::release::Phase;
use super::signs::{Sign, condition, signs};
use super::tag::failure;
use super::weight;

pub use flagger::{held_traffic_increase, of_canary};
pub use pods::cannot_start;

/// Seconds a controller may take to notice something before that is worth a word.
const PATIENCE: i64 = 30;
/// Seconds for which a warning about the release counts as the present state.
const RECENT: i64 = 300;
/// Events of a Rollout that say why its traffic does not move.
const TROUBLES: [&str; 7] = [
    "TrafficRoutingError",
    "WeightVerifyError",
    "TargetGroupVerifyError",
    "TargetGroupUnverified",
    "ServiceReferenceError",
    "LoadBalancerNotFound",
    "ReconciliationError",
];

/// The sentence for a Rollout at a moment of the cluster's clock.
pub fn of_rollout(rollout: &Rollout, belongings: &Belongings, now: Timestamp) -> Option<Box<str>> {
    let signs = signs(rollout);
    let (phase, message) = phase_and_message(rollout);
    let is = |sign| signs.contains(&sign);
    let why = if is(Sign::NeverReconciled) {
        never_reconciled(rollout, now)
    } else if is(Sign::Stale) {
        Some(stale(rollout))
    } else if is(Sign::InvalidSpec) {
        condition(rollout, "InvalidSpec").map(|condition| invalid(&condition.message))
    } else if is(Sign::AbortRequested) {
        Some("an abort was asked for; the controller has not carried it out yet".to_owned())
    } else if is(Sign::Aborted) {
        Some(aborted(rollout, belongings))
    } else if phase == Phase::Healthy {
        None
    } else {
        stuck(rollout, belongings, &signs, now)
    };
    why.or_else(|| (phase == Phase::Degraded).then(|| message.to_string())).filter(|why| !why.is_empty()).map(String::into)
}

/// What keeps a release that is under way.
fn stuck(rollout: &Rollout, belongings: &Belongings, signs: &[Sign], now: Timestamp) -> Option<String> {
    let is = |sign| signs.contains(&sign);
    let cause = pods::trouble(rollout, belongings, now).or_else(|| quota(rollout, belongings));
    if is(Sign::DeadlineExceeded) {
        return Some(deadline(rollout, belongings, cause));
    }
    if is(Sign::InconclusiveAnalysis) {
        return Some(analyses::inconclusive(rollout, belongings));
    }
    if is(Sign::InconclusiveExperiment) {
        return Some(format!("{}; a person has to decide", analyses::experiment(rollout, belongings, "could not tell")));
    }
    if is(Sign::PromotingFull) && is(Sign::Held) {
        return Some("the full promotion waits because the rollout is held (spec.paused)".to_owned());
    }
    if cause.is_some() {
        return cause;
    }
    if is(Sign::Resuming) {
        return Some("a pause was lifted; the controller has not noticed yet".to_owned());
    }
    if is(Sign::WeightUnverified) {
        return Some(format!("the load balancer has not confirmed the weight of {} yet", weight::set(rollout)));
    }
    analyses::plugin(rollout).or_else(|| warning(rollout, belongings, now))
}

fn never_reconciled(rollout: &Rollout, now: Timestamp) -> Option<String> {
    let seconds = now.duration_since(rollout.metadata.creation_timestamp?).as_secs();
    let instance = rollout.metadata.label("argo-rollouts.argoproj.io/controller-instance-id");
    let whose = instance.map(|id| format!(" of instance '{id}'")).unwrap_or_default();
    let age = age(seconds);
    let advice = "is Argo Rollouts running, and does it watch this namespace?";
    (seconds >= PATIENCE).then(|| format!("no controller{whose} has looked at it since it was created {age} ago: {advice}"))
}

fn stale(rollout: &Rollout) -> String {
    if !generation_observed(rollout) {
        let (wanted, seen) = (rollout.metadata.generation, &rollout.status.observed_generation);
        return format!("the controller has not seen the latest change of the spec yet (generation {wanted}, it is at {seen})");
    }
    let target = rollout.spec.workload_ref.as_ref();
    let named = target.map(|target| format!("{} {}", target.kind, target.name)).unwrap_or_default();
    format!("the controller has not taken in the latest change of {named} yet")
}

/// The controller's objection without its own address in front: `The Rollout "x" is invalid: `.
fn invalid(message: &str) -> String {
    let rest = message
        .split_once(" is invalid: ")
        .filter(|(before, _)| before.starts_with("The Rollout "))
        .map_or(message, |(_, rest)| rest);
    format!("the controller refuses the spec: {rest}")
}

/// Why it was aborted: the measurement that did it, where it is still there, else the controller's words.
fn aborted(rollout: &Rollout, belongings: &Belongings) -> String {
    let message = condition(rollout, "Progressing").map_or("", |condition| &condition.message);
    let reason = message
        .strip_prefix("Rollout aborted update to revision ")
        .map_or("", |rest| rest.split_once(": ").map_or("", |(_, reason)| reason));
    let held = if rollout.spec.paused { "; its canary pods stay until the hold is lifted (spec.paused)" } else { "" };
    let why = match analyses::failure(rollout, belongings, reason) {
        Some(measured) => format!("aborted: {measured}"),
        None if reason.is_empty() => by_request(rollout),
        None => format!("aborted: {}", plain(reason)),
    };
    why + held
}

/// An abort that somebody asked for: who and why, where it was noted on the object.
fn by_request(rollout: &Rollout) -> String {
    let noted = noted(rollout).unwrap_or_default();
    if noted.is_empty() { "aborted by request; no reason is recorded".to_owned() } else { noted }
}

/// The note of the last act, if it is about this abort: one that is older or newer says nothing about it.
fn noted(rollout: &Rollout) -> Option<String> {
    let note: serde_json::Value = serde_json::from_str(rollout.metadata.annotation(LAST_ACTION)?).ok()?;
    let text = |key: &str| note.get(key).and_then(serde_json::Value::as_str);
    let at: Timestamp = text("at")?.parse().ok()?;
    let near = at.duration_since(rollout.status.aborted_at?).as_secs().abs() <= PATIENCE;
    let back = matches!(text("verb")?, "abort" | "rollback");
    (near && back).then(|| Some(format!("aborted by {}: {}", text("by")?, text("reason")?)))?
}

/// The controller's reason without the part that only says who decided.
fn plain(reason: &str) -> &str {
    let heads = ["analysis phase error/failed: ", "phase is error/failed: "];
    heads.iter().find_map(|head| reason.split_once(head)).map_or(reason, |(_, rest)| rest)
}

fn deadline(rollout: &Rollout, belongings: &Belongings, cause: Option<String>) -> String {
    let over = format!("no progress within {}", age(rollout.spec.progress_deadline_seconds.unwrap_or(600)));
    let cause = cause.or_else(|| {
        let set = belongings.replica_set_with(&rollout.metadata.uid, &rollout.status.current_pod_hash)?;
        let wanted = set.spec.replicas.unwrap_or_else(|| desired(rollout));
        Some(format!("{} of {wanted} pods of {} are available", set.status.available_replicas, set.metadata.name))
    });
    cause.map_or(over.clone(), |cause| format!("{cause}; {over}"))
}

/// Pods that the API server does not let be created: quota, admission, a missing service account.
fn quota(rollout: &Rollout, belongings: &Belongings) -> Option<String> {
    let uid = &rollout.metadata.uid;
    let current = belongings.replica_set_with(uid, &rollout.status.current_pod_hash);
    let refused = current.into_iter().chain(belongings.replica_sets_of(uid)).find_map(|set| Some((set, failure(set)?)));
    if let Some((set, message)) = refused {
        return Some(format!("ReplicaSet {} cannot create pods: {message}", set.metadata.name));
    }
    let own = condition(rollout, "ReplicaFailure").filter(|condition| *condition.status == *"True")?;
    Some(format!("pods cannot be created: {}", own.message))
}

/// A recent warning of the controller about traffic or services, while the release is under way.
fn warning(rollout: &Rollout, belongings: &Belongings, now: Timestamp) -> Option<String> {
    if promoted(rollout) && phase_and_message(rollout).0 != Phase::Progressing {
        return None;
    }
    let mine = belongings.events.iter().filter(|event| event.involved_object.uid == rollout.metadata.uid);
    let told = mine.filter(|event| &*event.severity == "Warning" && TROUBLES.contains(&&*event.reason));
    let latest = told.filter_map(|event| Some((event.at()?, event))).max_by_key(|(at, _)| *at);
    let (at, event) = latest.filter(|(at, _)| now.duration_since(*at).as_secs() <= RECENT)?;
    Some(format!("{} ({}, {} ago)", event.message, event.reason, age(now.duration_since(at).as_secs())))
}
