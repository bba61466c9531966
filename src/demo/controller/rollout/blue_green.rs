//! Blue-green: a preview beside the active version, and the switch of the active service between them.

use jiff::SignedDuration;

use super::super::desk::time;
use super::pause::BLUE_GREEN;
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
        let way = self.way();
        let hash = self.new_hash();
        if let Some(preview) = &way.preview_service {
            self.switch_service(preview, &hash);
        }
        if self.template_or_steps_changed() {
            return self.sync_blue_green();
        }
        self.restart_pods();
        self.trim_history();
        self.after.blue_green.active_selector = self.service_hash(&way.active_service);
        self.scale_blue_green();
        self.reconcile_runs();
        self.reconcile_switch_pause();
        self.reconcile_active();
        self.sync_blue_green();
    }

    fn scale_blue_green(&mut self) {
        self.drop_deadlines();
        let replicas = self.spec.replicas();
        let active = self.after.blue_green.active_selector.clone();
        if self.has_two()
            && let Some(place) = self.stable
        {
            self.scale(place, replicas);
        }
        if let Some(place) = self.new {
            if self.aborted() && self.has_two() && self.sets[place].hash != active {
                self.scale_down_after_abort(place);
            } else if !self.aborted() || !self.has_two() {
                let wanted = self.new_wanted();
                self.scale(place, wanted);
            }
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
        let active = &self.after.blue_green.active_selector;
        let only_preview = self.has_two() && !active.is_empty() && *active != self.new_hash();
        let grown = self.before.promote_full || self.before.blue_green.scale_up_preview_check_point;
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
        let ready = self.new_set().is_some_and(|set| set.available >= preview) && self.has_two();
        ready && !self.before.promoted() && self.pre_analysis_passed() && self.switch_pause_over()
    }

    fn pre_analysis_passed(&self) -> bool {
        if self.way().pre_promotion_analysis.is_none() || self.is_fast() {
            return true;
        }
        self.runs.pre.as_ref().is_some_and(|run| phase(run) == "Successful")
    }

    /// Whether pause and analysis are skipped: a full promotion, the first version, or one whose pods still serve.
    fn is_fast(&self) -> bool {
        let going_back = self.new_set().is_some_and(|set| set.deadline.is_some());
        self.before.promote_full || going_back || !self.has_two() || self.after.blue_green.active_selector.is_empty()
    }

    fn promotes_itself_at_once(&self) -> bool {
        let way = self.way();
        way.auto_promotion_enabled != Some(false) && way.auto_promotion_seconds <= 0
    }

    fn switch_pause_over(&self) -> bool {
        if self.spec.paused || self.wishes.add.contains(&BLUE_GREEN) {
            return false;
        }
        if self.promotes_itself_at_once() || self.is_fast() {
            return self.before.pauses().iter().all(|pause| pause.reason == BLUE_GREEN);
        }
        let way = self.way();
        match self.before.paused_for(BLUE_GREEN) {
            None => self.before.controller_pause || self.before.blue_green.scale_up_preview_check_point,
            Some(pause) if way.auto_promotion_enabled != Some(false) => {
                let end = time(&pause.start_time).map(|start| start + SignedDuration::from_secs(way.auto_promotion_seconds));
                end.is_some_and(|end| self.desk.now > end)
            }
            Some(_) => false,
        }
    }

    fn reconcile_switch_pause(&mut self) {
        let switched = self.after.blue_green.active_selector == self.new_hash();
        if self.aborted() || self.spec.paused || self.before.promote_full {
            return;
        }
        if switched {
            self.wishes.remove.push(BLUE_GREEN);
            return;
        }
        let waits = self.new_is_saturated() && self.pre_analysis_passed();
        if !waits || self.is_fast() || self.promotes_itself_at_once() {
            return;
        }
        match self.before.paused_for(BLUE_GREEN).cloned() {
            Some(_) if self.switch_pause_over() => self.wishes.remove.push(BLUE_GREEN),
            Some(pause) => {
                let way = self.way();
                if way.auto_promotion_enabled != Some(false)
                    && let Some(start) = time(&pause.start_time)
                {
                    let at = self.at.clone();
                    self.desk.wake_after(&at, start + SignedDuration::from_secs(way.auto_promotion_seconds));
                }
            }
            None if !self.before.controller_pause && !self.before.blue_green.scale_up_preview_check_point => {
                self.wishes.add.push(BLUE_GREEN);
            }
            None => {}
        }
    }

    /// Points the active service where it belongs: to new when everything agrees, back to stable after an abort.
    fn reconcile_active(&mut self) {
        let active = self.way().active_service;
        if self.aborted() && self.has_two() {
            let stable = self.before.stable_rs.clone();
            self.switch_service(&active, &stable);
            return;
        }
        if self.spec.paused && self.has_two() {
            return;
        }
        let full_size =
            self.new_set().is_some_and(|set| set.wanted >= self.spec.replicas() && set.available >= self.spec.replicas());
        if full_size && self.wishes.add.is_empty() && self.pre_analysis_passed() && self.switch_pause_over() {
            let hash = self.new_hash();
            self.switch_service(&active, &hash);
        }
    }

    /// Why the new version becomes stable now, if it does.
    pub fn blue_green_promotes(&self) -> Option<String> {
        let way = &self.after.blue_green;
        if way.active_selector.is_empty() || way.active_selector != self.after.current_pod_hash {
            return None;
        }
        if self.before.promote_full {
            return Some("Full promotion requested".to_owned());
        }
        if self.aborted() {
            return None;
        }
        let judged = self.way().post_promotion_analysis.is_some() && self.has_two() && !self.is_going_back();
        if judged && self.runs.post.as_ref().is_none_or(|run| phase(run) != "Successful") {
            return None;
        }
        Some(if self.is_going_back() && self.has_two() { "Fast rollback" } else { "Completed blue-green update" }.to_owned())
    }

    fn is_going_back(&self) -> bool {
        self.new_set().is_some_and(|set| set.deadline.is_some())
    }
}
