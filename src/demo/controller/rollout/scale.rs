//! How many pods each ReplicaSet is to have. It writes `spec.replicas` and the scale-down deadline of ReplicaSets, and
//! nothing of the Rollout.

use jiff::SignedDuration;
use serde_json::Value;

use super::super::amount::{share, split};
use super::super::desk::stamp;
use super::scene::{DEADLINE, DESIRED, Scene};
use super::spec::Step;
use super::status::Weights;

/// What a canary's pods are to be like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Aim {
    /// So many canary pods.
    Pods(i64),
    /// A share of all.
    Weight(i64),
}

impl Scene<'_, '_> {
    /// The weight that the steps ask for.
    pub fn set_weight(&self) -> i64 {
        if self.aborted() {
            return 0;
        }
        let Ok(index) = usize::try_from(self.index()) else { return 0 };
        if index >= self.steps.len() {
            return self.max_weight();
        }
        let weight = |step: &Step| if let Step::SetWeight(weight) = step { Some(*weight) } else { None };
        self.steps[..=index].iter().rev().find_map(weight).unwrap_or(0)
    }

    /// The weight by which canary pods are counted. After an abort with dynamic stable scale they leave step by step, as
    /// stable pods come back.
    pub fn pod_weight(&self) -> i64 {
        let (Some(new), Some(stable)) = (self.new_set(), self.stable_set()) else { return self.set_weight() };
        if !self.aborted() || !self.dynamic() {
            return self.set_weight();
        }
        let missing = self.spec.replicas() - stable.available;
        let canary = if self.explicit_abort_delay() { missing } else { missing.max(new.available) };
        let weights =
            self.steps.iter().rev().filter_map(|step| if let Step::SetWeight(weight) = step { Some(*weight) } else { None });
        weights.into_iter().find(|weight| share(self.spec.replicas(), *weight, self.max_weight()) < canary).unwrap_or(0)
    }

    fn explicit_abort_delay(&self) -> bool {
        self.spec.strategy.canary.as_ref().is_some_and(|way| way.abort_scale_down_delay_seconds.is_some())
    }

    fn aim(&self) -> Aim {
        let settled = self.before.promote_full || self.before.stable_rs.is_empty() || self.stable.is_none();
        if settled || self.stable == self.new {
            return Aim::Weight(self.max_weight());
        }
        let index = usize::try_from(self.index()).unwrap_or(0);
        let forever = self.spec.abort_scale_down_delay().is_none();
        if (!self.aborted() || forever) && index < self.steps.len() && self.routed() {
            for step in self.steps[..=index].iter().rev() {
                if let Step::SetCanaryScale { weight, replicas, match_traffic_weight } = step {
                    return match (replicas, weight, match_traffic_weight) {
                        (_, _, true) => break,
                        (Some(pods), ..) => Aim::Pods(*pods),
                        (None, weight, _) => Aim::Weight(weight.unwrap_or(0)),
                    };
                }
            }
        }
        Aim::Weight(self.pod_weight())
    }

    /// The numbers that the step wants in the end: (new, stable). With dynamic stable scale stable shrinks only as far as
    /// the traffic of `weights` has really left it, and after an abort the canary likewise.
    pub fn wanted_counts(&self, weights: Option<&Weights>) -> (i64, i64) {
        let (replicas, max, aim) = (self.spec.replicas(), self.max_weight(), self.aim());
        if !self.has_two() {
            return (replicas, 0);
        }
        if !self.routed() {
            return match aim {
                Aim::Pods(pods) => (pods, replicas),
                Aim::Weight(weight) => split(replicas, weight, max, self.spec.canary_bounds().0),
            };
        }
        let least = self.spec.strategy.canary.as_ref().and_then(|way| way.min_pods_per_replica_set).unwrap_or(0).min(replicas);
        let at_least = |pods: i64| if pods > 0 { pods.max(least) } else { pods };
        let (mut new, weight) = match aim {
            Aim::Pods(pods) => (pods, 0),
            Aim::Weight(weight) => (at_least(share(replicas, weight, max)), weight),
        };
        if !self.dynamic() {
            return (new, replicas);
        }
        let mut stable = share(replicas, max - weight, max);
        if let Some(weights) = weights {
            stable = stable.max(share(replicas, weights.stable.weight, max));
            if self.aborted() {
                new = new.max(share(replicas, weights.canary.weight, max));
            }
        }
        (at_least(new), at_least(stable))
    }

    /// Whether enough pods of the wanted template are available: all, or what the strategy's threshold is content with.
    pub fn enough_of(&self, wanted: i64) -> bool {
        let Some(set) = self.new_set() else { return false };
        let threshold = self.spec.strategy.canary.as_ref().and_then(|way| way.replica_progress_threshold.as_ref());
        match threshold.filter(|threshold| threshold.value >= 0) {
            Some(threshold) if threshold.kind == "Percent" => wanted == 0 || set.available * 100 >= threshold.value * wanted,
            Some(threshold) => set.available >= threshold.value.min(wanted),
            None => set.wanted >= wanted && set.available >= wanted,
        }
    }

    /// Whether pods are as the step wants them.
    pub fn at_wanted_counts(&self, weights: Option<&Weights>) -> bool {
        let (new, stable) = self.wanted_counts(weights);
        let thresholds = self.spec.strategy.canary.as_ref().is_some_and(|way| way.replica_progress_threshold.is_some());
        if !self.enough_of(new) || (!thresholds && self.new_set().is_some_and(|set| set.wanted != new || set.available != new)) {
            return false;
        }
        let dynamic = self.dynamic() || !self.has_two();
        if !dynamic && self.stable_set().is_none_or(|set| set.wanted != stable || set.current != stable) {
            return false;
        }
        self.routed() || self.others().into_iter().all(|place| self.sets[place].available == 0)
    }

    /// Moves the pods of a canary one move on. Says whether it moved any.
    pub fn scale_canary(&mut self) -> bool {
        if self.halted() {
            return false;
        }
        self.drop_deadlines();
        let (new, stable) = if self.routed() {
            // Stable follows the traffic of the look before: it never shrinks under requests that still come.
            (self.wanted_counts(self.after.canary.weights.as_ref()).0, self.wanted_counts(self.before.canary.weights.as_ref()).1)
        } else {
            self.basic_counts()
        };
        if self.has_two() && self.stable.is_some_and(|place| self.scale(place, stable)) {
            return true;
        }
        if let Some(place) = self.new
            && self.scale_new_or_wait(place, new)
        {
            return true;
        }
        self.scale_others()
    }

    /// One move of a canary without a router, within surge and unavailability: (new, stable).
    fn basic_counts(&self) -> (i64, i64) {
        let (aim_new, aim_stable) = self.wanted_counts(None);
        let (surge, unavailable) = self.spec.canary_bounds();
        let replicas = self.spec.replicas();
        let new_now = self.new_set().map_or(0, |set| set.wanted);
        let stable_now = if self.has_two() { self.stable_set().map_or(0, |set| set.wanted) } else { 0 };
        let mut room = (replicas + surge - self.sets.iter().map(|set| set.wanted).sum::<i64>()).max(0);
        let mut grow = |now: i64, aim: i64| {
            let more = (aim - now).clamp(0, room);
            room -= more;
            now + more
        };
        // Whoever is to grow does so first, stable before new; the shrinking side then gives what may be missing.
        let mut stable = grow(stable_now, aim_stable);
        let mut new = grow(new_now, aim_new);
        if self.others().into_iter().any(|place| self.sets[place].wanted > 0) {
            return (new, stable);
        }
        let grows = aim_new >= new_now;
        let counted =
            |set: Option<&super::scene::Set>, shrinks: bool| set.map_or(0, |s| if shrinks { s.wanted } else { s.serving() });
        let there = counted(self.new_set(), !grows) + if self.has_two() { counted(self.stable_set(), grows) } else { 0 };
        let mut spare = (there - (replicas - unavailable)).max(0);
        let mut shrink = |now: i64, aim: i64| {
            let fewer = (now - aim).clamp(0, spare);
            spare -= fewer;
            now - fewer
        };
        if grows {
            stable = shrink(stable, aim_stable);
        } else {
            new = shrink(new, aim_new);
        }
        (new, stable)
    }

    /// After an abort the new pods may have to stay a while; otherwise they follow the step.
    fn scale_new_or_wait(&mut self, place: usize, wanted: i64) -> bool {
        if self.delays_abort() { self.scale_down_after_abort(place) } else { self.scale(place, wanted) }
    }

    /// Whether an abort lets the new pods live on for a while. With dynamic stable scale only if the spec says how long.
    pub fn delays_abort(&self) -> bool {
        let of_canary = self.routed() && (!self.dynamic() || self.explicit_abort_delay());
        let can = of_canary || self.spec.strategy.blue_green.is_some();
        can && self.aborted() && self.has_two() && self.spec.abort_scale_down_delay().is_some()
    }

    /// Lets the pods of an aborted revision live for the delay, then takes them away.
    pub fn scale_down_after_abort(&mut self, place: usize) -> bool {
        let Some(delay) = self.spec.abort_scale_down_delay() else { return false };
        if self.sets[place].wanted == 0 {
            return false;
        }
        let carried = self.stable_set().is_some_and(|set| set.available >= self.spec.replicas());
        match self.sets[place].deadline {
            None => {
                if carried {
                    self.set_deadline(place, delay);
                }
                false
            }
            Some(deadline) if self.desk.now >= deadline => self.scale(place, 0),
            Some(deadline) => {
                let at = self.at.clone();
                self.desk.wake_after(&at, deadline);
                false
            }
        }
    }

    /// Takes the pods of revisions that are neither new nor stable away.
    fn scale_others(&mut self) -> bool {
        let (_, unavailable) = self.spec.canary_bounds();
        let available: i64 = self.sets.iter().map(|set| set.available).sum();
        let mut spare = (available - (self.spec.replicas() - unavailable)).max(0);
        let (mut scaled, mut waiting) = (false, 0);
        for place in self.others() {
            let (wanted, serving) = (self.sets[place].wanted, self.sets[place].serving());
            if wanted == 0 {
                self.clear_deadline(place);
                continue;
            }
            if self.routed() {
                scaled |= self.scale_routed_other(place, &mut waiting);
                continue;
            }
            // Pods that serve nobody go at once.
            let fewer = serving.min(spare) + (wanted - serving);
            spare -= serving.min(spare);
            scaled |= self.scale(place, wanted - fewer);
        }
        scaled
    }

    fn scale_routed_other(&mut self, place: usize, waiting: &mut usize) -> bool {
        if self.is_referenced(place) {
            return false;
        }
        let was_stable = self.before.promoted() || self.sets[place].deadline.is_some();
        if was_stable && !self.dynamic() {
            return self.scale_delayed(place, waiting);
        }
        // A revision between stable and new, given up in the middle: no traffic reaches it any more.
        self.scale(place, 0)
    }

    /// Gives a ReplicaSet its deadline, or takes its pods away when that has passed or too many wait already.
    pub fn scale_delayed(&mut self, place: usize, waiting: &mut usize) -> bool {
        *waiting += 1;
        if *waiting > self.spec.scale_down_revisions() {
            return self.scale(place, 0);
        }
        match self.sets[place].deadline {
            None if self.spec.scale_down_delay() == 0 => self.scale(place, 0),
            None => {
                self.set_deadline(place, self.spec.scale_down_delay());
                false
            }
            Some(deadline) if self.desk.now >= deadline => self.scale(place, 0),
            Some(deadline) => {
                let at = self.at.clone();
                self.desk.wake_after(&at, deadline);
                false
            }
        }
    }

    /// New and stable have no deadline, unless an abort gave new one.
    pub fn drop_deadlines(&mut self) {
        if let Some(place) = self.stable {
            self.clear_deadline(place);
        }
        if let Some(place) = self.new.filter(|_| !self.delays_abort()) {
            self.clear_deadline(place);
        }
    }

    /// Gives a ReplicaSet so many pods. Says whether that is a change.
    pub fn scale(&mut self, place: usize, wanted: i64) -> bool {
        let set = &self.sets[place];
        let (at, before, revision) = (set.at.clone(), set.wanted, set.revision);
        let replicas = self.spec.replicas().to_string();
        let annotated = set.object["metadata"]["annotations"][DESIRED].as_str() == Some(&replicas);
        if before == wanted && annotated {
            return false;
        }
        self.desk.edit(&at, |set| {
            set["spec"]["replicas"] = wanted.into();
            set["metadata"]["annotations"][DESIRED] = replicas.into();
            if wanted == 0
                && let Some(notes) = set["metadata"]["annotations"].as_object_mut()
            {
                notes.remove(DEADLINE);
            }
        });
        self.reread(place);
        if before == wanted {
            return false;
        }
        let way = if wanted > before { "up" } else { "down" };
        let message = format!("Scaled {way} ReplicaSet {} (revision {revision}) from {before} to {wanted}", at.name);
        self.note("ScalingReplicaSet", &message);
        true
    }

    fn set_deadline(&mut self, place: usize, seconds: i64) {
        let deadline = stamp(self.desk.now + SignedDuration::from_secs(seconds));
        let at = self.sets[place].at.clone();
        self.desk.edit(&at, |set| set["metadata"]["annotations"][DEADLINE] = Value::from(deadline));
        self.reread(place);
        if let Some(deadline) = self.sets[place].deadline {
            let at = self.at.clone();
            self.desk.wake_after(&at, deadline);
        }
    }

    fn clear_deadline(&mut self, place: usize) -> bool {
        if self.sets[place].deadline.is_none() {
            return false;
        }
        let at = self.sets[place].at.clone();
        self.desk.edit(&at, |set| {
            if let Some(notes) = set["metadata"]["annotations"].as_object_mut() {
                notes.remove(DEADLINE);
            }
        });
        self.reread(place);
        true
    }

    /// Whether the status, a weight or a service still leads to a ReplicaSet.
    pub fn is_referenced(&self, place: usize) -> bool {
        let (hash, before) = (&self.sets[place].hash, &self.before);
        let weights =
            before.canary.weights.as_ref().map(|weights| [&weights.canary.pod_template_hash, &weights.stable.pod_template_hash]);
        let named =
            [&before.stable_rs, &before.current_pod_hash, &before.blue_green.active_selector, &before.blue_green.preview_selector];
        let known = named.into_iter().chain(weights.into_iter().flatten()).any(|known| known == hash);
        known || self.service_names().iter().any(|name| self.service_hash(name) == *hash)
    }
}
