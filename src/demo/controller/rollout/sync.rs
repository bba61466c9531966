//! The end of every look: the status it arrives at, written in one piece. Steps are counted here and nowhere else.

use serde_json::{Value, json};

use super::super::desk::{annotation, selector_text};
use super::super::hash;
use super::pause::{INCONCLUSIVE_EXPERIMENT, INCONCLUSIVE_RUN, STEP};
use super::scene::Scene;
use super::spec::Step;
use super::status::{Duration, Run};

impl Scene<'_, '_> {
    /// Whether the template or the list of steps is another than the status knows.
    pub fn template_or_steps_changed(&self) -> bool {
        let steps = self.step_hash();
        let other_steps = !self.before.current_step_hash.is_empty() && self.before.current_step_hash != steps;
        let known = &self.before.current_pod_hash;
        other_steps || (!known.is_empty() && *known != self.new_hash())
    }

    fn step_hash(&self) -> String {
        self.spec.strategy.canary.as_ref().map(|way| hash::of_steps(&way.steps)).unwrap_or_default()
    }

    /// What every status begins with: the counts.
    fn count(&mut self) {
        let hash = self.new_hash();
        let total = |count: fn(&super::scene::Set) -> i64| self.sets.iter().map(count).sum::<i64>();
        let (replicas, ready, available) = (total(|set| set.current), total(|set| set.ready), total(|set| set.available));
        let updated = self.new_set().map_or(0, |set| set.current);
        let selector = self.spec.selector.as_ref().map(selector_text).unwrap_or_default();
        let steps = self.step_hash();
        let (first, now) = (self.before.current_pod_hash.is_empty(), self.stamp.clone());
        let after = &mut self.after;
        if first {
            after.duration = Some(Duration { rollout_started_at: Some(now), ..Duration::default() });
        }
        after.current_pod_hash = hash;
        after.current_step_hash = steps;
        (after.replicas, after.updated_replicas, after.hpa_replicas) = (replicas, updated, replicas);
        (after.ready_replicas, after.available_replicas, after.selector) = (ready, available, selector);
        after.promote_full = self.before.promote_full && after.current_pod_hash != after.stable_rs;
    }

    /// Forgets what belonged to the template before.
    fn begin_anew(&mut self) {
        self.wishes.clear = true;
        self.wishes.unabort = true;
        self.wishes.add.clear();
        self.wishes.abort = None;
        let after = &mut self.after;
        after.promote_full = false;
        after.canary.current_step_analysis_run_status = None;
        after.canary.current_background_analysis_run_status = None;
        after.canary.current_experiment.clear();
        after.canary.step_plugin_statuses.clear();
        after.blue_green.pre_promotion_analysis_run_status = None;
        after.blue_green.post_promotion_analysis_run_status = None;
        after.blue_green.scale_up_preview_check_point = false;
        after.current_step_index = (!self.steps.is_empty()).then_some(0);
        if let Some(wanted) = &self.spec.restart_at {
            after.restarted_at = Some(wanted.clone());
        }
        let back_to_stable = after.stable_rs == after.current_pod_hash;
        if !back_to_stable {
            after.duration = Some(Duration { rollout_started_at: Some(self.stamp.clone()), ..Duration::default() });
        } else if let Some(duration) = after.duration.as_mut().filter(|duration| duration.finished_at.is_none()) {
            "FastRolledBack".clone_into(&mut duration.completion_status);
        }
    }

    /// Ends a look at a canary.
    pub fn sync_canary(mut self) {
        self.count();
        self.after.canary.stable_ping_pong = self.ping_pong_state();
        let last = self.step_count();
        if self.template_or_steps_changed() {
            self.begin_anew();
            if self.has_steps() && self.after.stable_rs == self.after.current_pod_hash {
                self.note("SkipSteps", "Rollback to stable ReplicaSets");
                self.after.current_step_index = Some(last);
            } else if self.has_steps() && self.within_rollback_window() && self.new_set().is_some_and(|set| set.wanted > 0) {
                self.note("SkipSteps", "Rollback to active ReplicaSets within RollbackWindow");
                self.after.current_step_index = Some(last);
            }
            return self.persist();
        }
        self.after.current_step_index = self.has_steps().then_some(self.index());
        let straight_on = self.before.promote_full || self.within_rollback_window();
        if straight_on {
            self.wishes.clear = true;
            self.wishes.unabort = true;
            self.wishes.add.clear();
            self.wishes.abort = None;
            self.after.current_step_index = self.has_steps().then_some(last);
        }
        if let Some(why) = self.promotes() {
            self.make_stable(&why);
            return self.persist();
        }
        if self.aborted() {
            // A promoted rollout has nothing to abort: the request is taken back.
            if self.after.promoted() {
                self.wishes.unabort = true;
                self.wishes.abort = None;
            }
            self.after.current_step_index = self.has_steps().then_some(if self.after.promoted() { last } else { 0 });
            self.report_runs();
            return self.persist();
        }
        self.report_runs();
        if !straight_on && self.step_done() {
            let (index, words) = (self.index(), self.step().map(Step::words).unwrap_or_default());
            self.after.current_step_index = Some(index + 1);
            self.after.canary.current_step_analysis_run_status = None;
            self.after.canary.current_experiment.clear();
            self.wishes.remove.extend([STEP, INCONCLUSIVE_EXPERIMENT]);
            self.note("RolloutStepCompleted", &format!("Rollout step {}/{last} completed ({words})", index + 1));
        }
        self.persist();
    }

    /// Ends a look at a blue-green rollout.
    pub fn sync_blue_green(mut self) {
        self.count();
        let active = self.selected(|way| Some(&way.active_service));
        let preview = self.selected(|way| way.preview_service.as_deref());
        self.after.blue_green.active_selector = active;
        self.after.blue_green.preview_selector = preview;
        let hash = self.after.blue_green.active_selector.clone();
        let serving = self.sets.iter().find(|set| set.hash == hash).map_or((0, 0, 0), |s| (s.current, s.ready, s.available));
        let after = &mut self.after;
        (after.hpa_replicas, after.ready_replicas, after.available_replicas) = serving;
        after.current_step_hash.clear();
        if !hash.is_empty() {
            after.selector = format!("{},{}={hash}", after.selector, hash::LABEL);
        }
        if self.template_or_steps_changed() {
            self.begin_anew();
            return self.persist();
        }
        if self.before.promote_full || self.within_rollback_window() {
            self.wishes.clear = true;
            self.wishes.unabort = true;
            self.wishes.add.clear();
            self.wishes.abort = None;
        }
        if let Some(why) = self.promotes() {
            self.make_stable(&why);
            return self.persist();
        }
        if self.aborted() && self.after.promoted() {
            self.wishes.unabort = true;
            self.wishes.abort = None;
        }
        self.after.blue_green.scale_up_preview_check_point = self.preview_may_grow();
        self.report_runs();
        self.persist();
    }

    fn has_steps(&self) -> bool {
        !self.steps.is_empty()
    }

    /// Why the wanted template becomes stable now, if it does.
    fn promotes(&self) -> Option<String> {
        if self.before.stable_rs.is_empty() || self.stable.is_none() {
            return Some("Initial deploy".to_owned());
        }
        if self.spec.strategy.blue_green.is_some() {
            return self.blue_green_promotes();
        }
        if !self.enough_of(self.spec.replicas()) || (self.aborted() && !self.before.promote_full) {
            return None;
        }
        if self.before.promote_full {
            return Some("Full promotion requested".to_owned());
        }
        if self.is_fast_rollback() {
            let window = self.within_rollback_window();
            return Some(if window { "Rollback within window" } else { "Fast rollback" }.to_owned());
        }
        let all = self.step_count();
        (self.index() == all).then(|| format!("Completed all {all} canary steps"))
    }

    fn make_stable(&mut self, why: &str) {
        self.wishes.clear = true;
        self.wishes.unabort = true;
        self.wishes.add.clear();
        self.wishes.abort = None;
        self.after.promote_full = false;
        self.after.blue_green.scale_up_preview_check_point = false;
        if self.has_steps() {
            self.after.current_step_index = Some(self.step_count());
        }
        self.after.canary.current_step_analysis_run_status = None;
        self.after.canary.current_background_analysis_run_status = None;
        self.after.canary.current_experiment.clear();
        if self.spec.strategy.blue_green.is_some() {
            self.report_runs();
        }
        if self.before.stable_rs == self.after.current_pod_hash {
            self.finish_duration("");
            return;
        }
        self.turn_ping_pong();
        self.after.stable_rs = self.after.current_pod_hash.clone();
        let fast = matches!(why, "Full promotion requested");
        self.finish_duration(if fast { "FastPromoted" } else { "Promoted" });
        let message = format!("Rollout completed update to revision {} ({}): {why}", self.revision(), self.after.current_pod_hash);
        self.note("RolloutCompleted", &message);
    }

    /// Notes when an update ended, and how.
    fn finish_duration(&mut self, how: &str) {
        let stamp = self.stamp.clone();
        let Some(duration) = self.after.duration.as_mut().filter(|duration| duration.finished_at.is_none()) else { return };
        if !how.is_empty() {
            how.clone_into(&mut duration.completion_status);
        }
        duration.finished_at = Some(stamp);
    }

    /// Whether the current step is done.
    fn step_done(&self) -> bool {
        if self.spec.paused || self.before.paused_for(INCONCLUSIVE_RUN).is_some() || !self.wishes.add.is_empty() {
            return false;
        }
        let phase_of =
            |object: Option<&std::sync::Arc<Value>>| object.map(|o| o["status"]["phase"].as_str().unwrap_or_default().to_owned());
        match self.step() {
            None | Some(Step::Invalid) => false,
            Some(Step::Pause(duration)) => self.step_pause_over(duration.as_ref()),
            Some(Step::SetCanaryScale { .. }) => self.at_wanted_counts(self.after.canary.weights.as_ref()),
            Some(Step::SetWeight(_)) => {
                let verified = self.after.canary.weights.as_ref().is_none_or(|weights| weights.verified != Some(false));
                self.at_wanted_counts(self.after.canary.weights.as_ref()) && verified
            }
            Some(Step::Analysis(_)) => phase_of(self.runs.step.as_ref()).is_some_and(|phase| phase == "Successful"),
            Some(Step::Experiment(_)) => phase_of(self.experiment.as_ref()).is_some_and(|phase| phase == "Successful"),
            Some(Step::Plugin { .. }) => self.plugin_done(),
            Some(Step::SetHeaderRoute { .. } | Step::SetMirrorRoute { .. }) => true,
        }
    }

    /// Copies the states of the current runs into the status, with an event for each that changed.
    fn report_runs(&mut self) {
        let read = |run: &Option<std::sync::Arc<Value>>| {
            run.as_ref().map(|run| {
                let text = |key: &str| run["status"][key].as_str().unwrap_or_default().to_owned();
                Run {
                    name: run["metadata"]["name"].as_str().unwrap_or_default().to_owned(),
                    status: text("phase"),
                    message: text("message"),
                }
            })
        };
        let (canary, way) = (&mut self.after.canary, &mut self.after.blue_green);
        canary.current_step_analysis_run_status = read(&self.runs.step);
        canary.current_background_analysis_run_status = read(&self.runs.background);
        way.pre_promotion_analysis_run_status = read(&self.runs.pre);
        way.post_promotion_analysis_run_status = read(&self.runs.post);
        canary.current_experiment =
            self.experiment.as_ref().map(|e| e["metadata"]["name"].as_str().unwrap_or_default().to_owned()).unwrap_or_default();
        let (old, new) = (&self.before, &self.after);
        let pairs = [
            ("Step", &old.canary.current_step_analysis_run_status, &new.canary.current_step_analysis_run_status),
            ("Background", &old.canary.current_background_analysis_run_status, &new.canary.current_background_analysis_run_status),
            ("Pre Promotion", &old.blue_green.pre_promotion_analysis_run_status, &new.blue_green.pre_promotion_analysis_run_status),
            (
                "Post Promotion",
                &old.blue_green.post_promotion_analysis_run_status,
                &new.blue_green.post_promotion_analysis_run_status,
            ),
        ];
        let mut notes = Vec::new();
        for (kind, old, new) in pairs {
            let Some(new) = new else { continue };
            let was = old.as_ref().filter(|old| old.name == new.name).map(|old| old.status.as_str()).unwrap_or_default();
            if was != new.status && !new.status.is_empty() {
                let message = format!("{kind} Analysis Run '{}' Status New: '{}' Previous: '{was}'", new.name, new.status);
                notes.push((new.status.clone(), message));
            }
        }
        let object = self.object.clone();
        for (status, message) in notes {
            let severity = if matches!(status.as_str(), "Failed" | "Error" | "Inconclusive") { "Warning" } else { "Normal" };
            self.desk.record(&object, (severity, "rollouts-controller"), &format!("AnalysisRun{status}"), &message);
        }
    }

    /// Writes the status.
    fn persist(mut self) {
        self.settle_pauses();
        self.settle_conditions();
        self.track_time();
        let (phase, message) = self.phase();
        phase.clone_into(&mut self.after.phase);
        self.after.message = message;
        self.after.observed_generation = self.object["metadata"]["generation"].as_i64().unwrap_or_default().to_string();
        self.after.workload_observed_generation = if self.spec.workload_ref.is_some() {
            annotation(&self.object, super::workload::GENERATION).to_owned()
        } else {
            String::new()
        };
        let (was, is) = (self.before.pauses().is_empty(), self.after.pauses().is_empty());
        if was && !is {
            let reason = self.after.pauses()[0].reason.clone();
            self.note("RolloutPaused", &format!("Rollout is paused ({reason})"));
        } else if !was && is && !self.after.abort {
            self.note("RolloutResumed", "Rollout is resumed");
        }
        let status = serde_json::to_value(&self.after).unwrap_or_else(|_| json!({}));
        self.desk.edit(&self.at, |object| object["status"] = status);
    }

    /// Writes the conditions that were announced, before the rest of the look.
    pub fn persist_announcement(&mut self) {
        let conditions = serde_json::to_value(&self.after.conditions).unwrap_or_else(|_| json!([]));
        if let Some(object) = self.desk.edit(&self.at, |object| object["status"]["conditions"] = conditions) {
            self.object = object;
        }
        self.before.conditions.clone_from(&self.after.conditions);
    }

    /// Keeps count of how long a person was waited for.
    fn track_time(&mut self) {
        let person = self.spec.paused
            || self.after.pauses().iter().any(|pause| match pause.reason.as_str() {
                STEP => matches!(self.step_after(), Some(Step::Pause(None))),
                super::pause::BLUE_GREEN => {
                    self.spec.strategy.blue_green.as_ref().is_some_and(|way| way.auto_promotion_enabled == Some(false))
                }
                _ => true,
            });
        let (now, stamp) = (self.desk.now, self.stamp.clone());
        let aborted = self.after.abort;
        let promoted = self.after.promoted();
        let Some(duration) = &mut self.after.duration else { return };
        if self.before.abort && !aborted && !promoted && duration.finished_at.is_some() {
            *duration = Duration { rollout_started_at: Some(stamp.clone()), ..Duration::default() };
        }
        match (&duration.manual_pause_started_at, person && duration.finished_at.is_none() && !aborted) {
            (None, true) => duration.manual_pause_started_at = Some(stamp.clone()),
            (Some(since), false) => {
                let waited = super::super::desk::time(since).map_or(0, |since| now.duration_since(since).as_secs());
                duration.total_manual_pause_duration_seconds += waited;
                duration.manual_pause_started_at = None;
            }
            _ => {}
        }
        if aborted && duration.finished_at.is_none() {
            "Aborted".clone_into(&mut duration.completion_status);
            duration.finished_at = Some(stamp);
        }
    }

    fn step_after(&self) -> Option<&Step> {
        usize::try_from(self.after.current_step_index?).ok().and_then(|index| self.steps.get(index))
    }
}
