//! Pauses and aborts: what a look wishes, and what becomes of the status' pause fields. Nothing else writes those fields.

use jiff::SignedDuration;

use super::super::amount::Amount;
use super::super::desk::time;
use super::scene::Scene;
use super::spec::Step;
use super::status::PauseCondition;

/// The pause of a canary's step.
pub const STEP: &str = "CanaryPauseStep";
/// The pause before a blue-green switch.
pub const BLUE_GREEN: &str = "BlueGreenPause";
/// A run that says neither yes nor no.
pub const INCONCLUSIVE_RUN: &str = "InconclusiveAnalysisRun";
/// An experiment that says neither yes nor no.
pub const INCONCLUSIVE_EXPERIMENT: &str = "InconclusiveExperiment";

/// What a look wishes to happen to pauses and abort.
#[derive(Clone, Debug, Default)]
pub struct Wishes {
    pub add: Vec<&'static str>,
    pub remove: Vec<&'static str>,
    /// Drop every pause.
    pub clear: bool,
    /// Abort, with the reason behind the colon (may be empty).
    pub abort: Option<String>,
    /// Take an abort back.
    pub unabort: bool,
}

impl Scene<'_, '_> {
    /// Whether everything rests: held by a person, or an analysis that a person has to judge.
    pub fn halted(&self) -> bool {
        self.spec.paused || self.before.paused_for(INCONCLUSIVE_RUN).is_some()
    }

    /// Wishes an abort for a reason.
    pub fn abort(&mut self, reason: String) {
        if !self.aborted() {
            self.wishes.abort = Some(reason);
        }
    }

    /// Starts the pause of a pause step, or waits for its end.
    pub fn reconcile_step_pause(&mut self) {
        let Some(Step::Pause(duration)) = self.step() else { return };
        let seconds = duration.as_ref().map(Amount::seconds);
        if self.spec.paused || self.aborted() || self.before.promote_full {
            return;
        }
        let Some(pause) = self.before.paused_for(STEP) else {
            if !self.before.controller_pause {
                self.wishes.add.push(STEP);
            }
            return;
        };
        let end = seconds.and_then(|seconds| Some(time(&pause.start_time)? + SignedDuration::from_secs(seconds)));
        if let Some(end) = end {
            let at = self.at.clone();
            self.desk.wake_after(&at, end);
        }
    }

    /// Whether a pause step is over: a person emptied the pause conditions, or its time has passed.
    pub fn step_pause_over(&self, duration: Option<&Amount>) -> bool {
        let Some(pause) = self.before.paused_for(STEP) else { return self.before.controller_pause };
        let end = duration.and_then(|d| Some(time(&pause.start_time)? + SignedDuration::from_secs(d.seconds())));
        end.is_some_and(|end| self.desk.now > end)
    }

    /// Writes the wishes into the status.
    pub fn settle_pauses(&mut self) {
        let after = &mut self.after;
        if self.wishes.abort.is_some() || (self.before.abort && !self.wishes.unabort) {
            after.abort = true;
            after.aborted_at.get_or_insert_with(|| self.stamp.clone());
            after.pause_conditions = None;
            after.controller_pause = false;
            return;
        }
        after.abort = false;
        after.aborted_at = None;
        let mut pauses = if self.wishes.clear { Vec::new() } else { self.before.pauses().to_vec() };
        pauses.retain(|pause| !self.wishes.remove.contains(&pause.reason.as_str()));
        for reason in &self.wishes.add {
            if !pauses.iter().any(|pause| pause.reason == *reason) {
                pauses.push(PauseCondition { reason: (*reason).to_owned(), start_time: self.stamp.clone() });
            }
        }
        after.controller_pause = !pauses.is_empty();
        after.pause_conditions = (!pauses.is_empty()).then_some(pauses);
    }
}
