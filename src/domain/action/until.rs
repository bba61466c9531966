//! Whether the effect of a step is there, and how far it has come: read from the object, never from the answer to a write.

use super::offer::Either;
use super::plan::Until;
use super::seen::{Position, Seen};
use crate::domain::flagger::{Stage, stage};
use crate::domain::object::{Canary, Rollout};
use crate::domain::phase::{desired, generation_observed, phase_and_message, promoted, resuming};
use crate::domain::release::Phase;
use crate::domain::signs::{condition, stale};

/// How an effect stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stand {
    /// It is there. The text says what was seen.
    Reached(String),
    /// Not yet. The text says how far it is; another text is progress.
    Under(String),
    /// It will not come. The text says why.
    Lost(String),
}

/// How an effect stands, given what was seen before the act.
pub fn stand(until: &Until, now: Either<'_>, seen: &Seen) -> Stand {
    match now {
        Either::Rollout(rollout) => of_rollout(until, rollout, seen),
        Either::Canary(canary) => of_canary(until, canary, seen),
    }
}

fn of_rollout(until: &Until, rollout: &Rollout, seen: &Seen) -> Stand {
    let (status, now) = (&rollout.status, Seen::of_rollout(rollout));
    if now.uid != seen.uid {
        return lost(format!("{} was deleted and made anew", seen.key));
    }
    match until {
        Until::MovedOn => moved_on(rollout, seen, &now),
        Until::Promoted => now_stable(rollout, seen, &now),
        Until::Held(held) => now_held(*held, rollout),
        Until::TrafficBack => traffic_back(rollout, seen, &now),
        Until::Retried => {
            if status.abort || condition(rollout, "Progressing").is_some_and(|condition| &*condition.reason == "RolloutAborted") {
                return Stand::Under("still aborted".to_owned());
            }
            other(seen, &now).map_or_else(|| Stand::Reached("it runs again from its first step".to_owned()), lost)
        }
        Until::Current(hash) => now_current(hash, rollout, seen, &now),
        Until::Stable(hash) => now_back(hash, rollout, seen, &now),
        Until::AnotherTemplate => {
            if now.current != seen.current && !stale(rollout) {
                return Stand::Reached(format!("{} has begun", revision(&now)));
            }
            if stale(rollout) {
                return Stand::Under("the controller has not seen it yet".to_owned());
            }
            Stand::Under("the template is written".to_owned())
        }
        Until::Restarted => match (rollout.spec.restart_at, status.restarted_at) {
            (Some(asked), Some(done)) if done >= asked => Stand::Reached("all pods are new".to_owned()),
            (Some(_), _) => Stand::Under(format!("{} of {} pods are ready", status.ready_replicas, status.replicas)),
            (None, _) => lost("spec.restartAt is gone: something wrote the spec anew".to_owned()),
        },
        // An AnalysisRun is an object of its own: whoever waits for it reads it.
        Until::RunEnded(_) => Stand::Under("running".to_owned()),
        Until::FlaggerFailed | Until::FlaggerSucceeded | Until::Suspended(_) | Until::FlaggerMoved => {
            lost("it is no Canary".to_owned())
        }
    }
}

fn now_stable(rollout: &Rollout, seen: &Seen, now: &Seen) -> Stand {
    if rollout.status.stable_rs == seen.current && phase_and_message(rollout).0 == Phase::Healthy {
        return Stand::Reached(format!("{} is stable", revision(now)));
    }
    if let Some(why) = other(seen, now) {
        return lost(why);
    }
    if rollout.status.abort {
        return lost("it was aborted".to_owned());
    }
    Stand::Under(format!(
        "{} of {} pods of the new revision are there",
        rollout.status.updated_replicas.min(rollout.status.available_replicas),
        desired(rollout)
    ))
}

fn now_held(held: bool, rollout: &Rollout) -> Stand {
    if rollout.spec.paused != held {
        return Stand::Under("not written yet".to_owned());
    }
    if !generation_observed(rollout) {
        return Stand::Under("the controller has not seen it yet".to_owned());
    }
    Stand::Reached(if held { "held".to_owned() } else { "no longer held".to_owned() })
}

fn now_current(hash: &str, rollout: &Rollout, seen: &Seen, now: &Seen) -> Stand {
    if *rollout.status.current_pod_hash == *hash && !stale(rollout) {
        return Stand::Reached(format!("{} is the wanted one", revision(now)));
    }
    if rollout.status.current_pod_hash != seen.current && *rollout.status.current_pod_hash != *hash {
        return lost(format!("another template came in between ({})", revision(now)));
    }
    Stand::Under("the controller has not taken the template up yet".to_owned())
}

fn now_back(hash: &str, rollout: &Rollout, seen: &Seen, now: &Seen) -> Stand {
    if *rollout.status.current_pod_hash != *hash && rollout.status.current_pod_hash != seen.current {
        return lost(format!("another template came in between ({})", revision(now)));
    }
    let (phase, _) = phase_and_message(rollout);
    if *rollout.status.current_pod_hash == *hash && promoted(rollout) && phase == Phase::Healthy {
        return Stand::Reached(format!("{} is stable and healthy", revision(now)));
    }
    Stand::Under(format!("{} of {} pods are there", rollout.status.available_replicas, desired(rollout)))
}

fn moved_on(rollout: &Rollout, seen: &Seen, now: &Seen) -> Stand {
    if let Some(why) = other(seen, now) {
        return lost(why);
    }
    if promoted(rollout) {
        return Stand::Reached(format!("{} is stable", revision(now)));
    }
    if resuming(rollout) {
        return Stand::Under("the controller has not gone on yet".to_owned());
    }
    let (Position::Rollout { step: before, pauses: waits, abort: was, .. }, Position::Rollout { step, pauses, steps, abort, .. }) =
        (&seen.position, &now.position)
    else {
        return lost("it is another kind of object".to_owned());
    };
    // An abort ends the wait, too, and is not what was wanted.
    if *abort && !was {
        return lost("it was aborted meanwhile".to_owned());
    }
    if rollout.spec.strategy.blue_green.is_some() {
        let switched = rollout.status.blue_green.active_selector == rollout.status.current_pod_hash;
        return if switched {
            Stand::Reached(format!("{} has the traffic", revision(now)))
        } else {
            Stand::Under("not switched yet".to_owned())
        };
    }
    let number = |step: &Option<i64>| step.unwrap_or_default().saturating_add(1);
    if step > before {
        return Stand::Reached(format!("at step {} of {steps}", number(step).min(i64::try_from(*steps).unwrap_or(i64::MAX))));
    }
    if !waits.is_empty() && pauses != waits {
        return Stand::Reached(if pauses.is_empty() { "the wait is over".to_owned() } else { "at another wait".to_owned() });
    }
    Stand::Under(format!("still at step {} of {steps}", number(step)))
}

fn traffic_back(rollout: &Rollout, seen: &Seen, now: &Seen) -> Stand {
    let status = &rollout.status;
    // Stable's own template was written meanwhile, by this plan or by somebody else: that is where it was to go.
    if promoted(rollout) && status.stable_rs == seen.stable {
        return Stand::Reached("all traffic on stable".to_owned());
    }
    if let Some(why) = other(seen, now) {
        return lost(why);
    }
    if promoted(rollout) {
        return lost(format!("{} became stable before the abort was carried out: roll back from there", revision(now)));
    }
    if !status.abort {
        return Stand::Under("not aborted yet".to_owned());
    }
    if status.aborted_at.is_none() {
        return Stand::Under("the controller has not carried out the abort yet".to_owned());
    }
    if rollout.spec.strategy.blue_green.is_some() {
        let back = status.blue_green.active_selector == status.stable_rs;
        return if back {
            Stand::Reached("all traffic on stable".to_owned())
        } else {
            Stand::Under("the service is not switched back yet".to_owned())
        };
    }
    let routed = rollout.spec.strategy.canary.as_ref().is_some_and(|canary| canary.traffic_routing.is_some());
    let (left, what) = match &status.canary.weights {
        Some(weights) if routed => (weights.canary.weight, "% of the traffic"),
        _ if routed => (0, ""),
        _ => (status.updated_replicas, "pods"),
    };
    if left > 0 {
        return Stand::Under(format!("canary still has {left} {what}"));
    }
    if status.canary.weights.as_ref().is_some_and(|weights| weights.verified == Some(false)) {
        return Stand::Under("the load balancer has not confirmed it yet".to_owned());
    }
    Stand::Reached("traffic off the new revision".to_owned())
}

fn of_canary(until: &Until, canary: &Canary, seen: &Seen) -> Stand {
    let now = Seen::of_canary(canary);
    if now.uid != seen.uid {
        return lost(format!("{} was deleted and made anew", seen.key));
    }
    let phase = &canary.status.phase;
    let told = format!("Flagger says {phase}, {} of {} failed checks", canary.status.failed_checks, canary.spec.analysis.threshold);
    match until {
        Until::FlaggerFailed => match stage(canary) {
            Stage::Failed if canary.status.canary_weight == 0 => Stand::Reached("Failed: the primary has all traffic".to_owned()),
            Stage::Idle => lost("it was promoted before Flagger looked".to_owned()),
            _ => Stand::Under(told),
        },
        Until::FlaggerSucceeded => match stage(canary) {
            Stage::Idle => Stand::Reached(format!("{phase}: the primary runs the new version")),
            Stage::Failed => lost("Flagger rolled it back".to_owned()),
            _ => Stand::Under(format!("Flagger says {phase}")),
        },
        Until::Suspended(suspended) if canary.spec.suspend == *suspended => {
            Stand::Reached(if *suspended { "suspended".to_owned() } else { "no longer suspended".to_owned() })
        }
        Until::FlaggerMoved => {
            let (before, weight) = match &seen.position {
                Position::Canary { phase, weight, .. } => (phase, *weight),
                Position::Rollout { .. } => return lost("it is no Canary".to_owned()),
            };
            if phase != before || canary.status.canary_weight > weight {
                Stand::Reached(format!("Flagger says {phase}"))
            } else {
                Stand::Under(told)
            }
        }
        Until::AnotherTemplate => {
            if now.current == seen.current {
                Stand::Under("Flagger has not seen it yet".to_owned())
            } else {
                Stand::Reached(format!("Flagger says {phase}"))
            }
        }
        Until::Suspended(_) => Stand::Under("not written yet".to_owned()),
        Until::MovedOn
        | Until::Promoted
        | Until::Held(_)
        | Until::TrafficBack
        | Until::Retried
        | Until::Current(_)
        | Until::Stable(_)
        | Until::Restarted
        | Until::RunEnded(_) => lost("it is no Rollout".to_owned()),
    }
}

/// Another release than the one that was acted on; that stable changed is no reason, for it may be the effect.
fn other(seen: &Seen, now: &Seen) -> Option<String> {
    (seen.current != now.current).then(|| format!("{} has begun meanwhile", revision(now)))
}

fn revision(now: &Seen) -> String {
    now.revision.map_or_else(|| "the new version".to_owned(), |number| format!("rev {number}"))
}

fn lost(why: String) -> Stand {
    Stand::Lost(why)
}
