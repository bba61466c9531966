//! Which verbs the state of a Rollout allows, and for each that it forbids the reason. Nothing that would be a silent no-op, or that a
//! controller is known to take otherwise than a person means it, is allowed.

use super::verb::Verb;
use crate::domain::belongings::Belongings;
use crate::domain::object::{Rollout, Step};
use crate::domain::phase::{is_final, promoted, resuming};
use crate::domain::signs::{Sign, condition, never_reconciled, pause, runs, stale};
use crate::domain::step;

/// Whether a verb may be offered for a Rollout; else why not, in one clause.
pub fn allowed(verb: Verb, rollout: &Rollout, belongings: &Belongings) -> Result<(), String> {
    let state = State::of(rollout);
    match verb {
        Verb::Promote => state.promote(rollout),
        Verb::PromoteFull => state.promote_full(),
        Verb::Hold => state.hold(),
        Verb::Resume => state.resume(),
        Verb::Abort => state.abort(),
        Verb::Retry => state.retry(),
        // Where to go back to is the planner's question.
        Verb::RollBack => Ok(()),
        Verb::Restart => state.restart(rollout),
        Verb::SkipStep => state.skip(rollout),
        Verb::SetImage => state.exists(),
        Verb::TerminateAnalysis => {
            let running = running_analyses(rollout, belongings);
            if running.is_empty() { Err("no analysis is running".to_owned()) } else { Ok(()) }
        }
    }
}

/// AnalysisRuns of a Rollout that have not ended, with their phases. From its status, and as far as they are read.
pub fn running_analyses<'a>(rollout: &'a Rollout, belongings: &'a Belongings) -> Vec<(&'a str, &'a str)> {
    let told = runs(rollout).map(|run| (&*run.name, &*run.status));
    let read = belongings.runs_of(&rollout.metadata.uid).into_iter().map(|run| (&*run.metadata.name, &*run.status.phase));
    let mut all: Vec<(&str, &str)> = read.chain(told).filter(|(name, phase)| !name.is_empty() && !is_final(phase)).collect();
    // A run that the status still calls running may be read as ended already.
    let ended = |name: &str| {
        belongings.runs_of(&rollout.metadata.uid).iter().any(|run| &*run.metadata.name == name && is_final(&run.status.phase))
    };
    all.retain(|(name, _)| !ended(name));
    all.sort_unstable();
    all.dedup_by(|a, b| a.0 == b.0);
    all
}

/// What decides, worked out once.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "these are the fields and conditions by which the rules go")]
struct State {
    unreconciled: bool,
    stale: bool,
    invalid: bool,
    first: bool,
    promoted: bool,
    abort: bool,
    aborted: bool,
    promoting_full: bool,
    resuming: bool,
    waits: bool,
    held: bool,
}

impl State {
    fn of(rollout: &Rollout) -> Self {
        let (spec, status) = (&rollout.spec, &rollout.status);
        let progressing = condition(rollout, "Progressing").map_or("", |condition| &condition.reason);
        Self {
            unreconciled: never_reconciled(rollout) || status.current_pod_hash.is_empty(),
            stale: stale(rollout),
            invalid: condition(rollout, "InvalidSpec").is_some(),
            first: status.stable_rs.is_empty(),
            promoted: promoted(rollout),
            abort: status.abort,
            aborted: status.abort || progressing == "RolloutAborted",
            promoting_full: status.promote_full,
            resuming: resuming(rollout),
            waits: status.pause_conditions.as_ref().is_some_and(|pauses| !pauses.is_empty()),
            held: spec.paused,
        }
    }

    fn exists(self) -> Result<(), String> {
        refuse(self.unreconciled, "no controller has looked at it yet")
    }

    /// What forbids every verb that goes forward.
    fn forward(self) -> Result<(), String> {
        self.exists()?;
        refuse(self.stale, "the controller has not seen the newest change yet; what is shown is older")?;
        refuse(self.invalid, "the controller refuses its spec")?;
        refuse(self.promoted, "nothing is on its way: the newest revision is stable")?;
        refuse(self.first, "it is the first deployment: there are no steps to go")?;
        refuse(self.aborted, "it is aborted: retry it, or roll back")
    }

    fn promote(self, rollout: &Rollout) -> Result<(), String> {
        self.forward()?;
        refuse(self.promoting_full, "it is on its way to 100 % already")?;
        refuse(self.resuming, "a pause was just ended; the controller has not gone on yet")?;
        if self.waits {
            return Ok(());
        }
        refuse(self.held, "it is held and at no pause: resume it")?;
        Err(step::current(rollout).map_or_else(
            || "it waits for nobody".to_owned(),
            |current| format!("it waits for nobody: step {} ({}) is under way", step::index(rollout) + 1, step::words(current)),
        ))
    }

    fn promote_full(self) -> Result<(), String> {
        self.forward()?;
        refuse(self.promoting_full, "it is on its way to 100 % already")
    }

    fn hold(self) -> Result<(), String> {
        self.exists()?;
        refuse(self.held, "it is held already")?;
        refuse(self.promoted && !self.stale, "nothing is on its way")?;
        refuse(self.aborted && !self.stale, "it is aborted: nothing moves forward")
    }

    fn resume(self) -> Result<(), String> {
        if self.held {
            return Ok(());
        }
        refuse(self.waits, "it is not held, it waits at a pause: promote it")?;
        Err("it is not held".to_owned())
    }

    fn abort(self) -> Result<(), String> {
        self.exists()?;
        refuse(self.promoted && self.stale, "the controller has not seen the newest change yet, and would forget the abort")?;
        refuse(self.promoted, "nothing is on its way: the newest revision is stable; roll back instead")?;
        refuse(self.first, "it is the first deployment: there is no revision to go back to")?;
        refuse(self.aborted, "it is aborted already")
    }

    fn retry(self) -> Result<(), String> {
        self.exists()?;
        refuse(self.stale, "the controller has not seen the newest change yet; what is shown is older")?;
        refuse(self.promoted, "nothing was aborted: the newest revision is stable")?;
        refuse(!self.abort, "it is not aborted")
    }

    fn restart(self, rollout: &Rollout) -> Result<(), String> {
        self.exists()?;
        let restarting = rollout.spec.restart_at.is_some() && rollout.spec.restart_at != rollout.status.restarted_at;
        refuse(restarting, "it is being restarted already")
    }

    fn skip(self, rollout: &Rollout) -> Result<(), String> {
        refuse(rollout.spec.strategy.canary.is_none(), "only a canary has steps")?;
        refuse(step::steps(rollout).is_empty(), "it has no steps")?;
        self.forward()?;
        refuse(self.promoting_full, "it is on its way to 100 % already")?;
        refuse(self.resuming, "a pause was just ended; the controller has not gone on yet")?;
        refuse(self.held, "it is held: resume it first")?;
        let undecided = pause(rollout, "InconclusiveAnalysisRun").or_else(|| pause(rollout, "InconclusiveExperiment")).is_some();
        match step::current(rollout) {
            None => Err("all steps are done".to_owned()),
            Some(Step::Pause(_)) if !undecided => Err("it waits at a pause: promote it".to_owned()),
            Some(_) => Ok(()),
        }
    }
}

fn refuse(when: bool, why: &str) -> Result<(), String> {
    if when { Err(why.to_owned()) } else { Ok(()) }
}

/// Whether it is in the middle of something that can be rolled back: not promoted, and with a stable revision.
pub(super) fn is_under_way(rollout: &Rollout) -> bool {
    !promoted(rollout) && !rollout.status.stable_rs.is_empty() && !rollout.status.current_pod_hash.is_empty()
}

/// Whether an abort is in force or asked for.
pub(super) fn is_aborted(rollout: &Rollout, signs: &[Sign]) -> bool {
    rollout.status.abort || signs.contains(&Sign::Aborted)
}
