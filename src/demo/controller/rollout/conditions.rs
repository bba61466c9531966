//! The conditions of a Rollout: what they say in which state. They are computed from the status before and after a look
//! and never decide anything themselves, but for the progress deadline that may abort.

use jiff::SignedDuration;

use super::super::desk::time;
use super::scene::Scene;
use super::spec::Step;

impl Scene<'_, '_> {
    /// Says in the conditions, before anything else is done, that it is paused, goes on or is tried again. Says whether
    /// that changed anything.
    pub fn announce_pauses(&mut self) -> bool {
        let generation = self.object["metadata"]["generation"].as_i64().unwrap_or_default().to_string();
        if generation != self.before.observed_generation {
            return false;
        }
        let paused = !self.before.pauses().is_empty() || self.spec.paused;
        let completed = self.before.promoted();
        let reason = self.before.condition("Progressing").map(|c| c.reason.clone()).unwrap_or_default();
        let was_aborted = reason == "RolloutAborted";
        let said_paused = self.before.condition("Paused").is_some_and(|c| c.status == "True");
        let (status, now) = (&mut self.after, self.stamp.as_str());
        let mut changed = false;
        if !was_aborted && !completed && paused != (reason == "RolloutPaused") {
            let (reason, message) =
                if paused { ("RolloutPaused", "Rollout is paused") } else { ("RolloutResumed", "Rollout is resumed") };
            changed |= status.set_condition(("Progressing", "Unknown", reason), message, now);
        }
        if !self.before.abort && was_aborted {
            changed |= status.set_condition(("Progressing", "Unknown", "RolloutRetry"), "Retrying Rollout after abort", now);
        }
        if paused != said_paused && !was_aborted {
            let truth = if paused { "True" } else { "False" };
            changed |= status.set_condition(("Paused", truth, "RolloutPaused"), "Rollout is paused", now);
        }
        changed
    }

    /// Computes the conditions of the status that this look arrives at.
    pub fn settle_conditions(&mut self) {
        let fell_ill = self.say_healthy();
        self.say_aborted();
        self.say_progress(fell_ill);
        self.say_available();
        self.say_completed();
    }

    fn say_healthy(&mut self) -> bool {
        let paused = !self.after.pauses().is_empty() || self.spec.paused;
        let now = self.stamp.clone();
        if !paused && self.is_healthy() {
            self.after.set_condition(("Healthy", "True", "RolloutHealthy"), "Rollout is healthy", &now);
            return false;
        }
        let known = self.before.condition("Healthy").is_some();
        let was = self.before.condition("Healthy").is_some_and(|c| c.status == "True");
        if known {
            self.after.set_condition(("Healthy", "False", "RolloutHealthy"), "Rollout is not healthy", &now);
        }
        was
    }

    fn say_completed(&mut self) {
        let now = self.stamp.clone();
        if self.after.promoted() {
            self.after.set_condition(("Completed", "True", "RolloutCompleted"), "RolloutCompleted", &now);
        } else if self.after.set_condition(("Completed", "False", "RolloutCompleted"), "RolloutCompleted", &now) {
            let message =
                format!("Rollout not completed, started update to revision {} ({})", self.revision(), self.after.current_pod_hash);
            self.note("RolloutNotCompleted", &message);
        }
    }

    fn say_aborted(&mut self) {
        if !self.after.abort {
            return;
        }
        let mut message = format!("Rollout aborted update to revision {}", self.revision());
        // A look that finds the abort in force does not know its reason any more: the condition does.
        let said = self.before.condition("Progressing").filter(|c| c.reason == "RolloutAborted" && self.wishes.abort.is_none());
        if said.is_some_and(|c| c.message.starts_with(&message)) {
            return;
        }
        if let Some(reason) = self.wishes.abort.as_ref().filter(|reason| !reason.is_empty()) {
            message = format!("{message}: {reason}");
        }
        let now = self.stamp.clone();
        if self.after.set_condition(("Progressing", "False", "RolloutAborted"), &message, &now) {
            let object = self.object.clone();
            self.desk.warn(&object, "RolloutAborted", &message);
        }
    }

    fn say_progress(&mut self, fell_ill: bool) {
        let current = self.before.condition("Progressing").cloned();
        if self.after.abort {
            return;
        }
        let now = self.stamp.clone();
        let name = self.new_set().map_or_else(|| self.at.name.clone(), |set| set.at.name.clone());
        let of = if self.new.is_some() { "ReplicaSet" } else { "Rollout" };
        if self.is_healthy() {
            let message = format!("{of} \"{name}\" has successfully progressed.");
            self.after.set_condition(("Progressing", "True", "NewReplicaSetAvailable"), &message, &now);
        } else if self.made_progress() || fell_ill {
            let (reason, message) = if self.after.promoted() && fell_ill {
                ("ReplicaSetNotAvailable", "Rollout does not have minimum availability".to_owned())
            } else {
                ("ReplicaSetUpdated", format!("{of} \"{name}\" is progressing."))
            };
            // Progress renews the condition even if it says the same as before: the deadline counts from here.
            let since = current.filter(|c| c.status == "True").map(|c| c.last_transition_time);
            self.after.drop_condition("Progressing");
            self.after.set_condition(("Progressing", "True", reason), &message, &now);
            if let (Some(since), Some(condition)) = (since, self.after.conditions.last_mut()) {
                condition.last_transition_time = since;
            }
        } else {
            self.watch_deadline(&format!("{of} \"{name}\" has timed out progressing."));
        }
    }

    /// Says so when there was no progress for too long, and sets the alarm for it.
    fn watch_deadline(&mut self, message: &str) {
        let waits_by_itself = matches!(self.step(), Some(Step::Pause(_) | Step::Analysis(_) | Step::Experiment(_)));
        let Some(condition) = self.after.condition("Progressing").cloned() else { return };
        let resting = matches!(condition.reason.as_str(), "RolloutPaused" | "RolloutAborted" | "NewReplicaSetAvailable");
        if (waits_by_itself && !self.after.promoted()) || resting || condition.reason == "ProgressDeadlineExceeded" {
            return;
        }
        let paused = self.before.condition("Paused").is_some_and(|c| c.status == "True");
        if paused || self.others().into_iter().any(|place| self.sets[place].deadline.is_some()) {
            return;
        }
        let seconds = self.spec.progress_deadline_seconds.unwrap_or(600);
        let Some(deadline) = time(&condition.last_update_time).map(|from| from + SignedDuration::from_secs(seconds)) else {
            return;
        };
        if self.desk.now <= deadline {
            let at = self.at.clone();
            self.desk.wake_after(&at, deadline);
            return;
        }
        let now = self.stamp.clone();
        self.after.set_condition(("Progressing", "False", "ProgressDeadlineExceeded"), message, &now);
        if self.spec.progress_deadline_abort && !self.after.promoted() {
            self.wishes.abort = Some(message.to_owned());
            self.settle_pauses();
            self.say_aborted();
        }
    }

    fn say_available(&mut self) {
        let wanted = self.spec.replicas();
        let enough = if self.spec.strategy.blue_green.is_some() {
            let active = self.sets.iter().find(|set| set.hash == self.after.blue_green.active_selector);
            active.is_some_and(|set| set.available >= wanted && set.wanted >= wanted)
        } else {
            self.sets.iter().map(|set| set.available).sum::<i64>() >= wanted
        };
        let now = self.stamp.clone();
        let (truth, message) = if enough {
            ("True", "Rollout has minimum availability")
        } else {
            ("False", "Rollout does not have minimum availability")
        };
        self.after.set_condition(("Available", truth, "AvailableReason"), message, &now);
    }

    /// Whether everything is where the spec wants it.
    fn is_healthy(&self) -> bool {
        let (after, wanted) = (&self.after, self.spec.replicas());
        let strategy = match (&self.spec.strategy.blue_green, &self.spec.strategy.canary) {
            (Some(way), _) => {
                let preview = way.preview_service.is_none() || after.blue_green.preview_selector == after.current_pod_hash;
                after.blue_green.active_selector == after.current_pod_hash && preview
            }
            (None, Some(_)) => {
                let steps_done = self.steps.is_empty() || after.current_step_index.is_none_or(|index| index == self.step_count());
                steps_done && after.promoted() && after.replicas == wanted
            }
            _ => false,
        };
        strategy && after.updated_replicas == wanted && after.available_replicas == wanted
    }

    fn made_progress(&self) -> bool {
        let (old, new) = (&self.before, &self.after);
        let left_behind = |replicas: i64, updated: i64| replicas - updated;
        new.updated_replicas != old.updated_replicas
            || left_behind(new.replicas, new.updated_replicas) < left_behind(old.replicas, old.updated_replicas)
            || new.ready_replicas > old.ready_replicas
            || new.available_replicas > old.available_replicas
            || new.stable_rs != old.stable_rs
            || new.current_step_index != old.current_step_index
            || new.current_pod_hash != old.current_pod_hash
            || new.blue_green.active_selector != old.blue_green.active_selector
            || new.blue_green.preview_selector != old.blue_green.preview_selector
    }

    /// The phase and its sentence, in the order in which they win.
    pub fn phase(&self) -> (&'static str, String) {
        let after = &self.after;
        for condition in &after.conditions {
            if condition.kind == "InvalidSpec" {
                return ("Degraded", format!("InvalidSpec: {}", condition.message));
            }
            if matches!(condition.reason.as_str(), "RolloutAborted" | "ProgressDeadlineExceeded") {
                return ("Degraded", format!("{}: {}", condition.reason, condition.message));
            }
        }
        if self.spec.paused {
            return ("Paused", "manually paused".to_owned());
        }
        if let Some(pause) = after.pauses().first() {
            return ("Paused", pause.reason.clone());
        }
        let waits = self.waits_for();
        if waits.is_empty() { ("Healthy", String::new()) } else { ("Progressing", waits.to_owned()) }
    }

    fn waits_for(&self) -> &'static str {
        let (after, wanted) = (&self.after, self.spec.replicas());
        let restarting = self.spec.restart_at.is_some() && self.spec.restart_at != after.restarted_at;
        if restarting {
            "rollout is restarting"
        } else if after.updated_replicas < wanted {
            "more replicas need to be updated"
        } else if after.available_replicas < after.updated_replicas {
            "updated replicas are still becoming available"
        } else if let Some(way) = &self.spec.strategy.blue_green {
            let switched =
                !after.blue_green.active_selector.is_empty() && after.blue_green.active_selector == after.current_pod_hash;
            let run = after.blue_green.post_promotion_analysis_run_status.as_ref();
            let judged = run.is_some_and(|run| super::runs::is_final(&run.status));
            match (switched, after.promoted()) {
                (false, _) => "active service cutover pending",
                (true, true) => "",
                (true, false) if way.post_promotion_analysis.is_some() && !judged => "waiting for analysis to complete",
                (true, false) => "waiting for post-promotion verification to complete",
            }
        } else if !self.routed() && after.replicas > after.updated_replicas {
            "old replicas are pending termination"
        } else if after.promoted() {
            ""
        } else {
            "waiting for all steps to complete"
        }
    }
}
