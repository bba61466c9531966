//! What a Rollout shows to be going on, beyond the four words of its phase: the detection rules, and from them whom it waits for
//! and until when. Reads the Rollout alone, so that it is cheap enough to do with every change.

use jiff::{SignedDuration, Timestamp};

use super::belongings::Belongings;
use super::duration::go_seconds;
use super::object::{Condition, PauseCondition, Rollout, RunStatus, Step};
use super::phase::{desired, generation_observed, is_final, phase, promoted, resuming};
use super::release::{Phase, WaitingFor};
use super::step;

/// Seconds without progress after which missing pods are worth a look.
const LACKING: i64 = 30;
/// Annotation with the generation of the referenced workload that the controller last saw.
const WORKLOAD_GENERATION: &str = "rollout.argoproj.io/workload-generation";

/// One thing that is going on. Several may be at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sign {
    /// The status is about an older spec or workload: its step and weight mean nothing.
    Stale,
    /// No controller has ever said anything.
    NeverReconciled,
    /// The controller refuses the spec.
    InvalidSpec,
    /// Somebody asked for an abort; it has not been carried out.
    AbortRequested,
    /// Aborted.
    Aborted,
    /// Somebody asked for another try.
    RetryRequested,
    /// No progress within the deadline.
    DeadlineExceeded,
    /// Held by a person (`spec.paused`).
    Held,
    /// A pause was lifted; the controller has not noticed yet.
    Resuming,
    /// An analysis could not tell; a person must.
    InconclusiveAnalysis,
    /// An experiment could not tell; a person must.
    InconclusiveExperiment,
    /// A pause without an end.
    PausedForPerson,
    /// A pause with an end.
    PausedForTime,
    /// A full promotion is under way.
    PromotingFull,
    /// The load balancer has not confirmed the weight.
    WeightUnverified,
    /// An AnalysisRun decides.
    Analysis,
    /// An Experiment decides.
    Experiment,
    /// A plugin's step runs.
    Plugin,
    /// Pods are missing or not available yet.
    Pods,
    /// Pods are being replaced without a new revision.
    Restarting,
    /// Promoted and healthy.
    Completed,
}

impl Sign {
    /// Whom a release with this sign waits for, if the sign settles it.
    fn waits_for(self) -> Option<WaitingFor> {
        match self {
            Self::Stale | Self::NeverReconciled | Self::AbortRequested | Self::Resuming | Self::Plugin => {
                Some(WaitingFor::Controller)
            }
            Self::InvalidSpec | Self::Held | Self::InconclusiveAnalysis | Self::InconclusiveExperiment | Self::PausedForPerson => {
                Some(WaitingFor::Person)
            }
            Self::PausedForTime => Some(WaitingFor::Time),
            Self::WeightUnverified => Some(WaitingFor::Weight),
            Self::Analysis => Some(WaitingFor::Analysis),
            Self::Experiment => Some(WaitingFor::Experiment),
            Self::PromotingFull | Self::Pods | Self::Restarting => Some(WaitingFor::Pods),
            Self::Aborted | Self::RetryRequested | Self::DeadlineExceeded | Self::Completed => None,
        }
    }
}

/// Everything that is going on, the weightiest first.
pub fn signs(rollout: &Rollout) -> Vec<Sign> {
    let (status, canary) = (&rollout.status, &rollout.status.canary);
    let phase = phase(rollout);
    let progressing = condition(rollout, "Progressing").map_or("", |condition| &condition.reason);
    let aborted = progressing == "RolloutAborted";
    let abort_seen = aborted || status.aborted_at.is_some();
    let paused = |reason| pause(rollout, reason).is_some();
    let inconclusive = runs(rollout).any(|run| &*run.status == "Inconclusive") && !aborted && !promoted(rollout);
    let current = step::current(rollout).filter(|_| !promoted(rollout) && !status.abort);
    let timed = timer(rollout);
    let waits_at_pause = paused("CanaryPauseStep") || paused("BlueGreenPause");
    let rules = [
        (Sign::Stale, stale(rollout)),
        (Sign::NeverReconciled, never_reconciled(rollout)),
        (Sign::InvalidSpec, condition(rollout, "InvalidSpec").is_some()),
        (Sign::AbortRequested, status.abort && !abort_seen),
        (Sign::Aborted, aborted || (status.abort && abort_seen)),
        (Sign::RetryRequested, progressing == "RolloutRetry"),
        (Sign::DeadlineExceeded, progressing == "ProgressDeadlineExceeded"),
        (Sign::Held, rollout.spec.paused),
        (Sign::Resuming, resuming(rollout)),
        (Sign::InconclusiveAnalysis, paused("InconclusiveAnalysisRun") || inconclusive),
        (Sign::InconclusiveExperiment, paused("InconclusiveExperiment")),
        (Sign::PausedForPerson, waits_at_pause && timed == Timer::Never),
        (Sign::PausedForTime, waits_at_pause && timed != Timer::Never),
        (Sign::PromotingFull, status.promote_full),
        (Sign::WeightUnverified, canary.weights.as_ref().is_some_and(|weights| weights.verified == Some(false))),
        (Sign::Analysis, analysing(rollout, current)),
        (Sign::Experiment, matches!(current, Some(Step::Experiment(_))) && !canary.current_experiment.is_empty()),
        (Sign::Plugin, matches!(current, Some(Step::Plugin(_)))),
        (Sign::Restarting, rollout.spec.restart_at.is_some() && rollout.spec.restart_at != status.restarted_at),
        (Sign::Pods, matches!(phase, Phase::Progressing | Phase::Degraded) && pods_missing(rollout)),
        (Sign::Completed, phase == Phase::Healthy && promoted(rollout)),
    ];
    rules.into_iter().filter_map(|(sign, holds)| holds.then_some(sign)).collect()
}

/// Whom a rollout with these signs waits for. Nobody when it is over: aborted, or done.
pub fn waiting_for(signs: &[Sign], phase: Phase) -> Option<WaitingFor> {
    for sign in signs {
        match sign {
            Sign::Aborted | Sign::Completed => return None,
            // A restart a person asked for in the future, and the like, must not make a healthy rollout wait.
            _ if phase == Phase::Healthy && !matches!(sign, Sign::Stale | Sign::Resuming | Sign::Held) => {}
            sign => {
                if let Some(waiting) = sign.waits_for() {
                    return Some(waiting);
                }
            }
        }
    }
    (phase == Phase::Progressing).then_some(WaitingFor::Controller)
}

/// The first condition of a type.
pub fn condition<'a>(rollout: &'a Rollout, kind: &str) -> Option<&'a Condition> {
    rollout.status.conditions.iter().find(|condition| *condition.kind == *kind)
}

/// The pause with this reason.
pub fn pause<'a>(rollout: &'a Rollout, reason: &str) -> Option<&'a PauseCondition> {
    rollout.status.pause_conditions.iter().flatten().find(|pause| *pause.reason == *reason)
}

/// The AnalysisRuns that the status names as the present ones.
pub fn runs(rollout: &Rollout) -> impl Iterator<Item = &RunStatus> {
    let (canary, blue_green) = (&rollout.status.canary, &rollout.status.blue_green);
    let canary = [&canary.current_step_analysis_run_status, &canary.current_background_analysis_run_status];
    let blue_green = [&blue_green.pre_promotion_analysis_run_status, &blue_green.post_promotion_analysis_run_status];
    canary.into_iter().chain(blue_green).flatten().map(|run| &**run)
}

/// Whether the status is about something older than what is wanted, the referenced workload included.
pub fn stale(rollout: &Rollout) -> bool {
    if !generation_observed(rollout) {
        return true;
    }
    let seen = rollout.metadata.annotation(WORKLOAD_GENERATION).and_then(|text| text.parse::<i32>().ok());
    let observed = rollout.status.workload_observed_generation.parse::<i32>().ok();
    rollout.spec.workload_ref.is_some() && seen.zip(observed).is_some_and(|(seen, observed)| seen != observed)
}

/// Whether no controller has ever worked on it. One that refused the spec has.
pub fn never_reconciled(rollout: &Rollout) -> bool {
    rollout.status.current_pod_hash.is_empty() && rollout.status.conditions.is_empty()
}

/// When the timer that the release waits for ends, by the cluster's clock. None while nothing that would end is running.
pub fn until(rollout: &Rollout, belongings: &Belongings, waiting: Option<WaitingFor>) -> Option<Timestamp> {
    match waiting? {
        WaitingFor::Time => match timer(rollout) {
            Timer::At(end) => Some(end),
            Timer::Never | Timer::Unknown => None,
        },
        WaitingFor::Experiment => {
            let name = &rollout.status.canary.current_experiment;
            let experiment = belongings.experiments.iter().find(|experiment| *experiment.metadata.name == **name)?;
            let seconds = go_seconds(experiment.spec.duration.as_deref()?)?;
            after(experiment.status.available_at?, seconds)
        }
        WaitingFor::Person | WaitingFor::Analysis | WaitingFor::Pods | WaitingFor::Weight | WaitingFor::Controller => None,
    }
}

/// When the controller will call it stuck, as long as that clock runs: not in a pause, analysis or experiment step, nor once paused or aborted.
pub fn progress_deadline(rollout: &Rollout) -> Option<Timestamp> {
    let progressing = condition(rollout, "Progressing")?;
    let stands =
        matches!(&*progressing.reason, "RolloutAborted" | "RolloutPaused" | "NewReplicaSetAvailable" | "ProgressDeadlineExceeded");
    let paused = condition(rollout, "Paused").is_some_and(|paused| *paused.status == *"True");
    let waits = matches!(step::current(rollout), Some(Step::Pause(_) | Step::Analysis(_) | Step::Experiment(_)));
    if stands || paused || waits {
        return None;
    }
    after(progressing.last_update_time?, rollout.spec.progress_deadline_seconds.unwrap_or(600))
}

/// Whether pods have been missing for half a minute without any progress.
pub fn lacks_pods(rollout: &Rollout, now: Timestamp) -> bool {
    let status = &rollout.status;
    let moved = || condition(rollout, "Progressing").and_then(|progressing| progressing.last_update_time);
    let lacks = matches!(&*status.phase, "Progressing" | "Paused") && status.available_replicas < status.replicas;
    lacks && moved().is_some_and(|moved| now.duration_since(moved).as_secs() >= LACKING)
}

/// A moment some seconds later; None beyond the end of time.
pub fn after(start: Timestamp, seconds: i64) -> Option<Timestamp> {
    start.checked_add(SignedDuration::from_secs(seconds)).ok()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Timer {
    /// A person has to end the pause.
    Never,
    /// It ends by itself, but the status does not say since when it runs.
    Unknown,
    /// It ends then.
    At(Timestamp),
}

/// The timer of the present pause.
fn timer(rollout: &Rollout) -> Timer {
    let end = |pause: &PauseCondition, seconds| {
        pause.start_time.and_then(|start| after(start, seconds)).map_or(Timer::Unknown, Timer::At)
    };
    if let Some(pause) = pause(rollout, "CanaryPauseStep") {
        return match step::current(rollout) {
            Some(step @ Step::Pause(_)) => step::seconds(step).map_or(Timer::Never, |seconds| end(pause, seconds)),
            // The step moved on under the pause; what is left of it is the controller's business.
            _ => Timer::Never,
        };
    }
    match (pause(rollout, "BlueGreenPause"), &rollout.spec.strategy.blue_green) {
        (Some(pause), Some(strategy)) if strategy.auto_promotion_enabled != Some(false) => {
            if strategy.auto_promotion_seconds > 0 {
                end(pause, strategy.auto_promotion_seconds)
            } else {
                Timer::Unknown
            }
        }
        _ => Timer::Never,
    }
}

fn analysing(rollout: &Rollout, current: Option<&Step>) -> bool {
    let running = |run: &Option<Box<RunStatus>>| run.as_ref().is_some_and(|run| !is_final(&run.status));
    let (canary, blue_green) = (&rollout.status.canary, &rollout.status.blue_green);
    (matches!(current, Some(Step::Analysis(_))) && running(&canary.current_step_analysis_run_status))
        || running(&blue_green.pre_promotion_analysis_run_status)
        || running(&blue_green.post_promotion_analysis_run_status)
}

/// Whether pods are missing. In the middle of a canary fewer updated pods than wanted are as it should be; there the controller's
/// own word "progressing" outside of any waiting step means that pods are awaited.
fn pods_missing(rollout: &Rollout) -> bool {
    let status = &rollout.status;
    let middle_step = matches!(step::current(rollout), Some(Step::Pause(_) | Step::SetHeaderRoute(_) | Step::SetMirrorRoute(_)));
    status.available_replicas < status.updated_replicas
        || (status.updated_replicas < desired(rollout) && !middle_step)
        || status.replicas < desired(rollout)
        || (status.replicas > status.updated_replicas && step::current(rollout).is_none())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::object::decode_value;
    use serde_json::{Value, json};

    fn rollout(change: &Value) -> Rollout {
        let mut object = json!({"metadata": {"name": "web", "generation": 1},
            "spec": {"replicas": 5, "strategy": {"canary": {"steps": [{"setWeight": 20}, {"pause": {}}, {"pause": {"duration": "10m"}}, {"analysis": {}}, {"plugin": {"name": "p"}}]}}},
            "status": {"phase": "Progressing", "currentPodHash": "b", "stableRS": "a", "observedGeneration": "1", "replicas": 5, "updatedReplicas": 1, "availableReplicas": 5}});
        json_patch::merge(&mut object, change);
        decode_value(&object)
    }

    fn waits(change: &Value) -> Option<WaitingFor> {
        let rollout = rollout(change);
        waiting_for(&signs(&rollout), phase(&rollout))
    }

    fn paused(index: i64, more: &Value) -> Value {
        let mut change = json!({"status": {"phase": "Paused", "currentStepIndex": index, "controllerPause": true,
            "pauseConditions": [{"reason": "CanaryPauseStep", "startTime": "2026-01-01T00:00:00Z"}]}});
        json_patch::merge(&mut change, more);
        change
    }

    #[test]
    fn whom_a_rollout_waits_for() {
        let status = |status: Value| json!({"status": status});
        assert_eq!(waits(&status(json!({"currentStepIndex": 0}))), Some(WaitingFor::Pods));
        assert_eq!(waits(&paused(1, &json!({}))), Some(WaitingFor::Person));
        assert_eq!(waits(&paused(2, &json!({}))), Some(WaitingFor::Time));
        // Held, or undecided, a timer alone does not let it go on.
        assert_eq!(waits(&paused(2, &json!({"spec": {"paused": true}}))), Some(WaitingFor::Person));
        let undecided =
            json!({"status": {"pauseConditions": [{"reason": "CanaryPauseStep"}, {"reason": "InconclusiveAnalysisRun"}]}});
        assert_eq!(waits(&paused(2, &undecided)), Some(WaitingFor::Person));
        assert_eq!(waits(&paused(1, &json!({"status": {"pauseConditions": []}}))), Some(WaitingFor::Controller));
        assert_eq!(waits(&paused(1, &json!({"metadata": {"generation": 2}}))), Some(WaitingFor::Controller));
        let run = |word: &str| {
            status(json!({"currentStepIndex": 3, "canary": {"currentStepAnalysisRunStatus": {"name": "r", "status": word}}}))
        };
        assert_eq!((waits(&run("Running")), waits(&run("Inconclusive"))), (Some(WaitingFor::Analysis), Some(WaitingFor::Person)));
        assert_eq!(waits(&status(json!({"currentStepIndex": 4}))), Some(WaitingFor::Controller));
        let unverified = json!({"currentStepIndex": 0, "canary": {"weights": {"verified": false}}});
        assert_eq!(waits(&status(unverified)), Some(WaitingFor::Weight));
        let aborted = json!({"abort": true, "abortedAt": "2026-01-01T00:00:00Z", "phase": "Degraded", "currentStepIndex": 0});
        assert_eq!(waits(&status(aborted)), None);
        assert_eq!(waits(&status(json!({"abort": true}))), Some(WaitingFor::Controller));
        assert_eq!(waits(&status(json!({"stableRS": "b", "phase": "Healthy", "updatedReplicas": 5, "currentStepIndex": 5}))), None);
    }

    #[test]
    fn a_blue_green_pause_ends_by_itself_only_if_it_may() {
        let pause = |strategy: Value| {
            let mut change = paused(
                0,
                &json!({"status": {"pauseConditions": [{"reason": "BlueGreenPause", "startTime": "2026-01-01T00:00:00Z"}]}}),
            );
            change["spec"] = json!({"strategy": {"canary": null, "blueGreen": strategy}});
            let rollout = rollout(&change);
            let waiting = waits(&change);
            (waiting, until(&rollout, &Belongings::default(), waiting))
        };
        assert_eq!(pause(json!({"autoPromotionSeconds": 30})), (Some(WaitingFor::Time), "2026-01-01T00:00:30Z".parse().ok()));
        assert_eq!(pause(json!({"autoPromotionSeconds": 30, "autoPromotionEnabled": false})), (Some(WaitingFor::Person), None));
    }

    #[test]
    fn pods_that_do_not_come_are_worth_a_look() {
        let lacks = |status: Value, seconds| {
            let mut change = json!({"status": {"conditions": [{"type": "Progressing", "reason": "ReplicaSetUpdated", "lastUpdateTime": "2026-01-01T00:00:00Z"}]}});
            json_patch::merge(&mut change, &json!({ "status": status }));
            lacks_pods(&rollout(&change), after("2026-01-01T00:00:00Z".parse().unwrap(), seconds).unwrap())
        };
        let stuck = json!({"replicas": 6, "availableReplicas": 5});
        assert!(lacks(stuck.clone(), 30) && !lacks(stuck, 29));
        assert!(!lacks(json!({"replicas": 5}), 99));
        assert!(!lacks(json!({"replicas": 6, "phase": "Healthy"}), 99));
    }

    #[test]
    fn the_deadline_rests_while_nothing_has_to_move() {
        let progressing = |index: i64, reason: &str| {
            let condition = json!([{"type": "Progressing", "reason": reason, "lastUpdateTime": "2026-01-01T00:00:00Z"}]);
            progress_deadline(&rollout(&json!({"status": {"currentStepIndex": index, "conditions": condition}})))
        };
        assert_eq!(progressing(0, "ReplicaSetUpdated"), "2026-01-01T00:10:00Z".parse().ok());
        assert_eq!((progressing(1, "ReplicaSetUpdated"), progressing(0, "RolloutPaused")), (None, None));
    }
}
