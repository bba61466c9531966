//! The controller of Flagger's Canaries: one tick of one Canary at a time, never more often than every ten seconds. It
//! decides where a release goes next; it knows no Rollout, and all numbers and answers come from the world's model.

mod checks;
mod cluster;
mod spec;
mod status;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use serde_json::Value;

use super::controller::desk::{At, Desk, text};
use cluster::State;
use spec::Spec;
use status::{Next, change, enter};

/// One tick of a Canary; sees to it that the next one comes.
pub fn look(desk: &mut Desk<'_>, at: &At) {
    let Some(canary) = desk.get(at.resource, &at.namespace, &at.name) else { return };
    if !text(&canary, "deletionTimestamp").is_empty() {
        return;
    }
    let spec = Spec::read(&canary);
    if canary["status"].is_null() {
        // Another one of this name may have been here before.
        desk.alarms.forget(at);
    }
    desk.wake_in(at, spec.interval);
    let Some(target) = cluster::target(desk, &spec) else {
        let message = format!("deployment {}.{} get query error: deployments.apps \"{0}\" not found", spec.target, spec.namespace);
        desk.record(&canary, ("Warning", "flagger"), "Synced", &message);
        return;
    };
    let (phase, weight) = (canary["status"]["phase"].as_str().unwrap_or_default().to_owned(), cluster::weight(desk, &spec));
    let hash = cluster::template_hash(&target);
    Tick { desk, at, spec, canary, target, phase, weight, hash }.run();
}

struct Tick<'d, 'a> {
    desk: &'d mut Desk<'a>,
    at: &'d At,
    spec: Spec,
    canary: Arc<Value>,
    target: Arc<Value>,
    phase: String,
    /// Percent of the traffic that really goes to the canary.
    weight: i64,
    /// Short name of the target's pod template.
    hash: String,
}

impl Tick<'_, '_> {
    fn run(mut self) {
        if self.spec.suspended {
            return self.say("skipping canary run as object is suspended");
        }
        cluster::ensure_primary(self.desk, &self.spec, &self.canary, &self.target);
        if matches!(self.phase.as_str(), "" | "Initializing") {
            return self.initialise();
        }
        cluster::ensure_route(self.desk, &self.spec, &self.canary, &self.target);
        if !self.is_wanted() || !self.primary_serves() {
            return;
        }
        match self.phase.as_str() {
            "Progressing" | "WaitingPromotion" | "Promoting" | "Finalising" => self.go_on(),
            _ => self.begin(),
        }
    }

    fn initialise(mut self) {
        let Some(primary) = cluster::primary(self.desk, &self.spec) else { return };
        self.say("all the metrics providers are available!");
        if let State::Waits(why) | State::Late(why) = cluster::state(self.desk, &self.spec, &primary) {
            if self.phase.is_empty() {
                self.enter("Initializing", 0, 0, false);
            }
            let message =
                format!("{}.{} not ready: waiting for rollout to finish: {why}", self.spec.primary(), self.spec.namespace);
            return self.warn(&message);
        }
        cluster::ensure_route(self.desk, &self.spec, &self.canary, &self.target);
        cluster::scale_target(self.desk, &self.spec, 0);
        self.enter("Initialized", 0, 0, true);
        self.say(&format!("Initialization done! {}", self.spec.called()));
    }

    /// There is something to do.
    fn is_wanted(&mut self) -> bool {
        let (applied, promoted) = (self.status("lastAppliedSpec"), self.status("lastPromotedSpec"));
        let changed = applied != self.hash && promoted != self.hash;
        match self.phase.as_str() {
            "Progressing" | "Waiting" | "WaitingPromotion" | "Promoting" | "Finalising" => true,
            "Failed" if !changed => {
                // Only a further change begins anew.
                change(self.desk, self.at, &[("lastAppliedSpec", self.hash.clone().into())]);
                false
            }
            _ => changed,
        }
    }

    /// The primary is ready; a release that it holds up for too long ends.
    fn primary_serves(&mut self) -> bool {
        let Some(primary) = cluster::primary(self.desk, &self.spec) else { return false };
        let name = format!("{}.{}", self.spec.primary(), self.spec.namespace);
        match cluster::state(self.desk, &self.spec, &primary) {
            State::Ready => true,
            State::Waits(why) => {
                self.warn(&format!("{name} not ready: waiting for rollout to finish: {why}"));
                false
            }
            State::Late(_) if matches!(self.phase.as_str(), "Promoting" | "Finalising") => {
                // The old pods of the primary are on their way out, so the canary is what can serve.
                self.warn(&format!("Promotion of {} failed, primary not ready", self.spec.called()));
                cluster::set_weight(self.desk, &self.spec, &self.canary, 100);
                self.enter("Failed", 100, 0, false);
                false
            }
            State::Late(why) => {
                if matches!(self.phase.as_str(), "Progressing" | "WaitingPromotion") {
                    self.roll_back(&format!("progress deadline exceeded {name} not ready: {why}"));
                }
                false
            }
        }
    }

    /// A new revision, unless somebody has to agree first.
    fn begin(mut self) {
        let hooks = self.spec.hooks("confirm-rollout");
        for hook in &hooks {
            let name = hook["name"].as_str().unwrap_or_default();
            if !checks::agrees(self.desk.model, &self.spec, hook) {
                if self.phase != "Waiting" {
                    self.enter("Waiting", 0, 0, false);
                    self.warn(&format!("Halt {} advancement waiting for approval {name}", self.spec.called()));
                }
                return;
            }
            self.say(&format!("Confirm-rollout check {name} passed"));
        }
        self.say(&format!("New revision detected! Scaling up {}", self.spec.called()));
        let primary = cluster::primary(self.desk, &self.spec);
        let replicas = primary.and_then(|primary| primary["spec"]["replicas"].as_i64()).unwrap_or(1);
        cluster::scale_target(self.desk, &self.spec, replicas);
        self.enter("Progressing", 0, 0, true);
    }

    fn go_on(mut self) {
        let in_analysis = matches!(self.phase.as_str(), "Progressing" | "WaitingPromotion");
        if in_analysis && self.status("lastAppliedSpec") != self.hash && self.status("lastPromotedSpec") != self.hash {
            self.say(&format!("New revision detected! Restarting analysis for {}", self.spec.called()));
            cluster::set_weight(self.desk, &self.spec, &self.canary, 0);
            return self.enter("Progressing", 0, 0, true);
        }
        let called = self.spec.called();
        match cluster::state(self.desk, &self.spec, &self.target) {
            State::Ready => {}
            State::Waits(why) => {
                return self.warn(&format!("canary deployment {called} not ready: waiting for rollout to finish: {why}"));
            }
            State::Late(why) => {
                return self.roll_back(&format!("progress deadline exceeded canary deployment {called} not ready: {why}"));
            }
        }
        if self.spec.skip_analysis && in_analysis {
            return self.skip();
        }
        let hooks = self.spec.hooks("rollback");
        if in_analysis && hooks.iter().any(|hook| checks::agrees(self.desk.model, &self.spec, hook)) {
            return self.roll_back("manual webhook invoked");
        }
        match self.phase.as_str() {
            "Promoting" => self.shift_back(),
            "Finalising" => self.finish(),
            _ => self.analyse(),
        }
    }

    /// Promotes without having looked.
    fn skip(mut self) {
        self.copy_to_primary();
        cluster::set_weight(self.desk, &self.spec, &self.canary, 0);
        cluster::scale_target(self.desk, &self.spec, 0);
        self.enter("Succeeded", 0, 0, false);
        self.say(&format!("Promotion completed! Canary analysis was skipped for {}", self.spec.called()));
    }

    fn analyse(mut self) {
        let called = self.spec.called();
        let failed = self.number("failedChecks");
        if failed >= self.spec.threshold {
            return self.roll_back(&format!("failed checks threshold reached {failed}"));
        }
        let untouched = self.weight == 0 && self.number("iterations") == 0;
        let complaint = if untouched {
            self.say(&format!("Starting canary analysis for {called}"));
            self.prepare()
        } else {
            checks::complaint(self.desk.model, &self.spec)
        };
        if let Some(complaint) = complaint {
            self.warn(&format!("Halt {called} advancement {complaint}"));
            return change(self.desk, self.at, &[("failedChecks", (failed + 1).into())]);
        }
        if self.spec.iterations > 0 { self.iterate() } else { self.advance() }
    }

    /// The hooks before the first traffic; the sentence of the one that does not agree.
    fn prepare(&mut self) -> Option<String> {
        for hook in self.spec.hooks("pre-rollout") {
            if !checks::agrees(self.desk.model, &self.spec, &hook) {
                return Some(checks::refusal(self.desk.model, &self.spec, &hook).replace("external", "pre-rollout"));
            }
            self.say(&format!("Pre-rollout check {} passed", hook["name"].as_str().unwrap_or_default()));
        }
        None
    }

    /// The next round of a blue-green or an A/B test.
    fn iterate(mut self) {
        let (done, all) = (self.number("iterations"), self.spec.iterations);
        let called = self.spec.called();
        // The iterations that a wait for promotion shows are not those that were done.
        let waited = self.phase == "WaitingPromotion";
        if done < all && !waited {
            if self.spec.by_match {
                cluster::set_weight(self.desk, &self.spec, &self.canary, 100);
            }
            change(self.desk, self.at, &[("iterations", (done + 1).into())]);
            return self.say(&format!("Advance {called} canary iteration {}/{all}", done + 1));
        }
        if done <= all && !self.may_promote() {
            return;
        }
        if !self.spec.by_match && done <= all {
            // Blue-green: everything goes to the canary while the primary is replaced.
            if self.spec.routed {
                self.say("Routing all traffic to canary");
            }
            cluster::set_weight(self.desk, &self.spec, &self.canary, 100);
            if waited {
                self.enter("Progressing", 0, all + 1, false);
            } else {
                change(self.desk, self.at, &[("iterations", (all + 1).into())]);
            }
            return;
        }
        self.copy_to_primary();
        self.enter("Promoting", self.number("canaryWeight"), done, false);
    }

    /// More traffic for the canary, or the promotion if it has as much as it gets.
    fn advance(mut self) {
        let called = self.spec.called();
        if self.weight >= self.spec.max_weight {
            if self.may_promote() {
                self.copy_to_primary();
                self.enter("Promoting", self.number("canaryWeight"), self.number("iterations"), false);
            }
            return;
        }
        for hook in self.spec.hooks("confirm-traffic-increase") {
            let name = hook["name"].as_str().unwrap_or_default();
            if !checks::agrees(self.desk.model, &self.spec, &hook) {
                return self.warn(&format!("Halt {called} advancement waiting for traffic increase approval {name}"));
            }
            self.say(&format!("Confirm-traffic-increase check {name} passed"));
        }
        let step = self.spec.next_step(self.weight);
        if step <= 0 {
            return;
        }
        let weight = (self.weight + step).min(100);
        cluster::set_weight(self.desk, &self.spec, &self.canary, weight);
        change(self.desk, self.at, &[("canaryWeight", weight.into())]);
        self.say(&format!("Advance {called} canary weight {weight}"));
    }

    /// Nobody minds the promotion.
    fn may_promote(&mut self) -> bool {
        for hook in self.spec.hooks("confirm-promotion") {
            let name = hook["name"].as_str().unwrap_or_default();
            if !checks::agrees(self.desk.model, &self.spec, &hook) {
                if self.phase != "WaitingPromotion" {
                    self.warn(&format!("Halt {} advancement waiting for promotion approval {name}", self.spec.called()));
                }
                self.enter("WaitingPromotion", 0, self.spec.iterations - 1, false);
                return false;
            }
            self.say(&format!("Confirm-promotion check {name} passed"));
        }
        true
    }

    /// Traffic goes back to the primary, which has been replaced.
    fn shift_back(mut self) {
        let primary = cluster::primary(self.desk, &self.spec);
        if primary.is_some_and(|primary| !cluster::is_promoted(&self.target, &primary)) {
            self.copy_to_primary();
        }
        let left = (self.weight - self.spec.step_weight_promotion).max(0);
        if self.spec.step_weight_promotion > 0 && left > 0 {
            cluster::set_weight(self.desk, &self.spec, &self.canary, left);
            change(self.desk, self.at, &[("canaryWeight", left.into())]);
            return self.say(&format!("Advance {} primary weight {}", self.spec.called(), 100 - left));
        }
        cluster::set_weight(self.desk, &self.spec, &self.canary, 0);
        if self.spec.routed {
            self.say("Routing all traffic to primary");
        }
        self.enter("Finalising", 0, 0, false);
    }

    fn finish(mut self) {
        cluster::scale_target(self.desk, &self.spec, 0);
        self.enter("Succeeded", 0, 0, false);
        self.say(&format!("Promotion completed! Scaling down {}", self.spec.called()));
    }

    fn roll_back(&mut self, why: &str) {
        let called = self.spec.called();
        self.warn(&format!("Rolling back {called} {why}"));
        self.warn(&format!("Canary failed! Scaling down {called}"));
        cluster::set_weight(self.desk, &self.spec, &self.canary, 0);
        cluster::scale_target(self.desk, &self.spec, 0);
        self.enter("Failed", 0, 0, false);
    }

    fn copy_to_primary(&mut self) {
        let (target, primary) = (self.spec.called(), format!("{}.{}", self.spec.primary(), self.spec.namespace));
        self.say(&format!("Copying {target} template spec to {primary}"));
        cluster::promote(self.desk, &self.spec, &self.target);
    }

    /// Writes a new phase, of the target's present template if that is `applied` with it.
    fn enter(&mut self, phase: &str, weight: i64, iterations: i64, applied: bool) {
        let applied = applied.then_some(self.hash.as_str());
        enter(self.desk, self.at, Next { phase, weight, iterations }, applied);
    }

    fn status(&self, key: &str) -> &str {
        self.canary["status"][key].as_str().unwrap_or_default()
    }

    fn number(&self, key: &str) -> i64 {
        self.canary["status"][key].as_i64().unwrap_or(0)
    }

    fn say(&mut self, message: &str) {
        self.desk.record(&self.canary, ("Normal", "flagger"), "Synced", message);
    }

    fn warn(&mut self, message: &str) {
        self.desk.record(&self.canary, ("Warning", "flagger"), "Synced", message);
    }
}
