//! Restarts: pods older than `restartAt` are taken away a few at a time, counted against availability. No new revision.

use serde_json::Value;

use super::super::desk::{At, text, time};
use super::scene::Scene;
use crate::demo::Resource;

/// Seconds until the next pods are looked for.
const AGAIN: i64 = 30;

impl Scene<'_, '_> {
    /// Takes the next old pods away, or notes that none is left. Says how many went.
    pub fn restart_pods(&mut self) -> usize {
        let Some(wanted) = self.spec.restart_at.clone() else { return 0 };
        if self.before.restarted_at.as_ref() == Some(&wanted) {
            return 0;
        }
        let Some(since) = time(&wanted) else { return 0 };
        let at = self.at.clone();
        if self.desk.now < since {
            self.desk.wake_after(&at, since);
            return 0;
        }
        let mut order: Vec<usize> = self.stable.into_iter().collect();
        order.extend(self.new.filter(|_| self.has_two() || self.stable.is_none()));
        order.extend(self.others());
        let total = self.sets.iter().map(|set| set.wanted).sum::<i64>().max(self.spec.replicas());
        let available: i64 = self.sets.iter().map(|set| self.available_pods(&set.object)).sum();
        let mut spare = available - (total - self.spec.restart_bound());
        let old: Vec<At> = order.into_iter().flat_map(|place| self.old_pods(place, since)).collect();
        let mut gone = 0;
        for pod in &old {
            if spare > 0 {
                spare -= 1;
                gone += 1;
                self.desk.delete(pod);
            }
        }
        if old.len() == gone {
            self.after.restarted_at = Some(wanted);
        } else {
            self.desk.wake_in(&at, AGAIN);
        }
        gone
    }

    fn available_pods(&self, set: &Value) -> i64 {
        let ready = self.desk.pods(set).iter().filter(|pod| super::super::pods::is_ready(pod)).count();
        i64::try_from(ready).unwrap_or(i64::MAX)
    }

    fn old_pods(&self, place: usize, since: jiff::Timestamp) -> Vec<At> {
        let pods = self.desk.pods(&self.sets[place].object);
        let old = |pod: &Value| time(text(pod, "creationTimestamp")).is_some_and(|created| created < since);
        pods.iter().filter(|pod| old(pod)).map(|pod| At::of(Resource::Pod, pod)).collect()
    }
}
