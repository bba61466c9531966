//! How many pods each ReplicaSet is to have. It writes `spec.replicas` and the scale-down deadline of ReplicaSets, and
//! nothing of the Rollout.

use jiff::SignedDuration;
use serde_json::Value;

use super::super::amount::{share, split};
use super::super::desk::stamp;
use super::scene::{DEADLINE, DESIRED, Scene};
use super::spec::Step;

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

    fn aim(&self) -> Aim {
        let settled = self.before.promote_full || self.before.stable_rs.is_empty() || self.stable.is_none();
        if settled || self.stable == self.new {
            return Aim::Weight(self.max_weight());
        }
        let index = usize::try_from(self.index()).unwrap_or(0);
        if !self.aborted() && index < self.steps.len() {
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
        Aim::Weight(self.set_weight())
    }

    /// The numbers that the step wants in the end: (new, stable).
    pub fn wanted_counts(&self) -> (i64, i64) {
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
        let least = self.spec.strategy.canary.as_ref().and_then(|way| way.min_pods_per_replica_set).unwrap_or(0);
        let at_least = |pods: i64| if pods > 0 { pods.max(least) } else { pods };
        let mut new = match aim {
            Aim::Pods(pods) => pods,
            Aim::Weight(weight) => at_least(share(replicas, weight, max)),
        };
        if !self.dynamic() {
            return (new, replicas);
        }
        // Stable shrinks only as far as traffic has really left it, and after an abort the canary likewise.
        let mut stable = at_least(share(replicas, max - self.set_weight(), max));
        let weights = self.after.canary.weights.as_ref();
        if let Some(weights) = weights {
            stable = stable.max(share(replicas, weights.stable.weight, max));
            if self.aborted() {
                new = new.max(share(replicas, weights.canary.weight, max));
            }
        }
        (new, stable)
    }

    /// Whether pods are as the step wants them. A threshold of the strategy may be content with fewer new ones.
    pub fn at_wanted_counts(&self) -> bool {
        let (new, stable) = self.wanted_counts();
        let Some(set) = self.new_set() else { return false };
        let threshold = self.spec.strategy.canary.as_ref().and_then(|way| way.replica_progress_threshold.as_ref());
        let enough = threshold.map_or(new, |threshold| match threshold.kind.as_str() {
            "Percent" => share(new, threshold.value, 100).min(new),
            _ => threshold.value.min(new),
        });
        if set.wanted != new || set.available < enough {
            return false;
        }
        if self.has_two() && self.stable_set().is_none_or(|set| set.wanted != stable || set.available < stable) {
            return false;
        }
        self.routed() || self.others().into_iter().all(|place| self.sets[place].available == 0)
    }

    /// Moves the pods of a canary one move on. Says whether it moved any.
    pub fn scale_canary(&mut self) -> bool {
        if self.halted() && !self.before.promote_full {
            return false;
        }
        self.drop_deadlines();
        let (new, stable) = if self.routed() { self.wanted_counts() } else { self.basic_counts() };
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
        let (aim_new, aim_stable) = self.wanted_counts();
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
        // Whoever is to grow does so first, the shrinking side then gives what may be missing meanwhile.
        let (mut new, mut stable) = (grow(new_now, aim_new), grow(stable_now, aim_stable));
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
            stable = if aim_stable < stable { shrink(stable, aim_stable) } else { stable };
            new = if aim_new < new { shrink(new, aim_new) } else { new };
        } else {
            new = shrink(new, aim_new);
        }
        (new, stable)
    }

    /// After an abort the new pods may have to stay a while; otherwise they follow the step.
    fn scale_new_or_wait(&mut self, place: usize, wanted: i64) -> bool {
        let delayed =
            self.aborted() && self.has_two() && !self.dynamic() && (self.routed() || self.spec.strategy.blue_green.is_some());
        if !delayed {
            return self.scale(place, wanted);
        }
        self.scale_down_after_abort(place)
    }

    /// Lets the pods of an aborted revision live for the delay, then takes them away.
    pub fn scale_down_after_abort(&mut self, place: usize) -> bool {
        let Some(delay) = self.spec.abort_scale_down_delay() else { return false };
        if self.sets[place].wanted == 0 {
            return false;
        }
        match self.sets[place].deadline {
            None => {
                self.set_deadline(place, delay);
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
        if self.before.promoted() || self.sets[place].deadline.is_some() {
            return self.scale_delayed(place, waiting);
        }
        // A revision between stable and new, given up in the middle: it goes as soon as no traffic reaches it.
        if self.is_referenced(place) {
            return false;
        }
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
        if let Some(place) = self.new.filter(|_| !self.aborted()) {
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

    /// Whether a service or a weight still leads to a ReplicaSet.
    pub fn is_referenced(&self, place: usize) -> bool {
        let hash = &self.sets[place].hash;
        let by_service = self.service_names().iter().any(|name| self.service_hash(name) == *hash);
        let by_weight = self.after.canary.weights.as_ref().is_some_and(|weights| {
            let carries = |d: &super::status::Destination| d.weight > 0 && d.pod_template_hash == *hash;
            carries(&weights.canary) || carries(&weights.stable)
        });
        by_service || by_weight
    }
}
