//! Blue-green: a preview beside the active version, and the switch of the active service between them.

use jiff::SignedDuration;

use super::super::desk::time;
use super::pause::{BLUE_GREEN, INCONCLUSIVE_RUN};
use super::runs::phase;
use super::scene::Scene;
use super::spec::BlueGreen;

impl Scene<'_, '_> {
    fn way(&self) -> BlueGreen {
        self.spec.strategy.blue_green.clone().unwrap_or_default()
    }

    /// One look at a blue-green rollout.
    pub fn look_blue_green(mut self) {
        self.sync_new_set();
        self.dress_sets();
        let way = self.way();
        let hash = self.new_hash();
        if let Some(preview) = &way.preview_service {
            self.switch_service(preview, &hash);
        }
        if self.template_or_steps_changed() {
            return self.sync_blue_green();
        }
        self.restart_pods();
        self.after.blue_green.active_selector = self.service_hash(&way.active_service);
        self.scale_blue_green();
        self.trim_history();
        self.reconcile_switch_pause();
        self.reconcile_active();
        self.reconcile_runs();
        self.sync_blue_green();
    }

    fn scale_blue_green(&mut self) {
        self.drop_deadlines();
        let replicas = self.spec.replicas();
        if self.has_two()
            && let Some(place) = self.stable
        {
            self.scale(place, replicas);
        }
        if let Some(place) = self.new {
            if self.delays_abort() {
                self.scale_down_after_abort(place);
            } else {
                let wanted = self.new_wanted();
                self.scale(place, wanted);
            }
        }
        let unjudged = self.way().post_promotion_analysis.is_some() && self.way().scale_down_delay_seconds.is_none();
        let waits = unjudged && self.has_two() && self.runs.post.as_ref().is_none_or(|run| phase(run) != "Successful");
        if self.before.paused_for(INCONCLUSIVE_RUN).is_some() || waits {
            return;
        }
        let mut waiting = 0;
        for place in self.others() {
            if self.sets[place].wanted > 0 && !self.is_referenced(place) {
                self.scale_delayed(place, &mut waiting);
            }
        }
    }

    /// How many pods the new version is to have: fewer as a preview, if the spec says so.
    fn new_wanted(&self) -> i64 {
        let (way, replicas) = (self.way(), self.spec.replicas());
        let Some(preview) = way.preview_replica_count else { return replicas };
        let active = &self.before.blue_green.active_selector;
        let only_preview = self.sets.iter().any(|set| set.hash == *active) && *active != self.new_hash();
        let unpaused = !self.spec.paused && self.before.pauses().is_empty();
        let grown = self.before.promote_full || (unpaused && self.before.blue_green.scale_up_preview_check_point);
        if only_preview && !grown { preview } else { replicas }
    }

    /// Whether all pods that the new version is to have are available.
    pub fn new_is_saturated(&self) -> bool {
        let wanted = self.new_wanted();
        self.new_set().is_some_and(|set| set.wanted == wanted && set.available >= wanted)
    }

    /// Whether the preview has passed everything and may grow to full size.
    pub fn preview_may_grow(&self) -> bool {
        let Some(preview) = self.way().preview_replica_count else { return false };
        if self.before.blue_green.scale_up_preview_check_point {
            return true;
        }
        self.pre_analysis_passed() && self.switch_pause_over() && self.new_set().is_some_and(|set| set.available == preview)
    }

    fn pre_analysis_passed(&self) -> bool {
        if self.way().pre_promotion_analysis.is_none() {
            return true;
        }
        self.runs.pre.as_ref().is_some_and(|run| phase(run) == "Successful")
    }

    /// Whether pause and analysis are skipped: a full promotion, the first version, or one whose pods still serve.
    fn is_fast(&self) -> bool {
        let active = &self.after.blue_green.active_selector;
        self.before.promote_full || self.is_fast_rollback() || active.is_empty() || *active == self.new_hash()
    }

    fn promotes_itself_at_once(&self) -> bool {
        let way = self.way();
        way.auto_promotion_enabled != Some(false) && way.auto_promotion_seconds <= 0
    }

    /// Whether nobody has to be waited for any more. With a time for the promotion only that time ends the pause: a
    /// person who clears it makes it begin again.
    fn switch_pause_over(&self) -> bool {
        let way = self.way();
        if !self.wishes.add.is_empty() {
            return false;
        }
        if self.before.blue_green.scale_up_preview_check_point || self.promotes_itself_at_once() {
            return true;
        }
        let pause = self.before.paused_for(BLUE_GREEN);
        if way.auto_promotion_enabled == Some(false) {
            return self.before.controller_pause && pause.is_none();
        }
        let start = pause.and_then(|pause| time(&pause.start_time));
        start.is_some_and(|start| self.desk.now > start + SignedDuration::from_secs(way.auto_promotion_seconds))
    }

    fn reconcile_switch_pause(&mut self) {
        if self.before.abort || !self.new_is_saturated() || self.halted() {
            return;
        }
        if self.is_fast() || self.before.blue_green.scale_up_preview_check_point || self.promotes_itself_at_once() {
            self.wishes.remove.push(BLUE_GREEN);
            return;
        }
        if !self.pre_analysis_passed() {
            return;
        }
        match self.before.paused_for(BLUE_GREEN).cloned() {
            Some(_) if self.switch_pause_over() => self.wishes.remove.push(BLUE_GREEN),
            Some(pause) => {
                let seconds = self.way().auto_promotion_seconds;
                if let Some(start) = time(&pause.start_time).filter(|_| seconds > 0) {
                    let at = self.at.clone();
                    self.desk.wake_after(&at, start + SignedDuration::from_secs(seconds));
                }
            }
            None if !self.before.controller_pause => self.wishes.add.push(BLUE_GREEN),
            None => {}
        }
    }

    /// Points the active service where it belongs: to new when everything agrees, back to stable after an abort.
    fn reconcile_active(&mut self) {
        let active = self.way().active_service;
        if self.halted() {
            return;
        }
        if self.before.abort && !self.before.promote_full {
            let stable = self.before.stable_rs.clone();
            self.switch_service(&active, &stable);
            return;
        }
        let replicas = self.spec.replicas();
        let full_size = self.new_set().is_some_and(|set| set.wanted == replicas && set.available >= replicas);
        if full_size && (self.is_fast() || (self.switch_pause_over() && self.pre_analysis_passed())) {
            let hash = self.new_hash();
            self.switch_service(&active, &hash);
        }
    }

    /// Why the new version becomes stable now, if it does.
    pub fn blue_green_promotes(&self) -> Option<String> {
        let way = &self.after.blue_green;
        if way.active_selector.is_empty() {
            return Some("Initial deploy".to_owned());
        }
        if way.active_selector != self.after.current_pod_hash {
            return None;
        }
        if self.before.promote_full {
            return Some("Full promotion requested".to_owned());
        }
        if self.is_fast_rollback() {
            let window = self.within_rollback_window();
            return Some(if window { "Rollback within window" } else { "Fast rollback" }.to_owned());
        }
        let unjudged =
            self.way().post_promotion_analysis.is_some() && self.runs.post.as_ref().is_none_or(|run| phase(run) != "Successful");
        if self.aborted() || unjudged {
            return None;
        }
        Some("Completed blue-green update".to_owned())
    }
}
