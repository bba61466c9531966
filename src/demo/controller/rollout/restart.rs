//! Restarts: pods older than `restartAt` are taken away a few at a time, counted against availability. No new revision.

use serde_json::Value;

use super::super::desk::{At, text, time};
use super::scene::Scene;
use crate::demo::Resource;

/// Seconds until the next pods are looked for.
const AGAIN: i64 = 5;

impl Scene<'_, '_> {
    /// Takes the next old pods away, or notes that none is left.
    pub fn restart_pods(&mut self) {
        let Some(wanted) = self.spec.restart_at.clone() else { return };
        if self.before.restarted_at.as_ref() == Some(&wanted) {
            return;
        }
        let Some(since) = time(&wanted) else { return };
        let at = self.at.clone();
        if self.desk.now < since {
            self.desk.wake_after(&at, since);
            return;
        }
        let mut order: Vec<usize> = self.stable.into_iter().collect();
        order.extend(self.new.filter(|_| self.has_two() || self.stable.is_none()));
        order.extend(self.others());
        let available: i64 = self.sets.iter().map(|set| set.available).sum();
        let mut spare = self.spec.restart_bound() - (self.spec.replicas() - available).max(0);
        let mut left = 0;
        for place in order {
            for pod in self.old_pods(place, since) {
                if spare > 0 {
                    spare -= 1;
                    self.desk.delete(&pod);
                } else {
                    left += 1;
                }
            }
        }
        if left == 0 {
            self.after.restarted_at = Some(wanted);
        } else {
            self.desk.wake_in(&at, AGAIN);
        }
    }

    fn old_pods(&self, place: usize, since: jiff::Timestamp) -> Vec<At> {
        let pods = self.desk.owned(Resource::Pod, &self.sets[place].object);
        let old = |pod: &Value| time(text(pod, "creationTimestamp")).is_some_and(|created| created < since);
        pods.iter().filter(|pod| old(pod)).map(|pod| At::of(Resource::Pod, pod)).collect()
    }
}
