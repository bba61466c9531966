//! The watch: for five minutes after a way back was seen to be done, whether what was taken back comes again.

use jiff::{SignedDuration, Timestamp};

use super::super::environment::Environment;
use super::super::freshness::Freshness;
use super::super::notice::Tone;
use super::done;
use crate::domain::action::watch::WATCH;
use crate::domain::action::{Either, Taken};

/// Until then the objects that are known may be older than what the act itself has read, in seconds.
const CATCH_UP: i64 = 3;

/// A watch.
#[derive(Clone, Debug, PartialEq)]
pub struct Watch {
    /// Since when, by the cluster's clock.
    pub since: Timestamp,
    /// That what was taken back is back, since when by the cluster's clock, and how.
    pub broken: Option<(Timestamp, String)>,
    /// Whether it has ended.
    pub over: bool,
    taken: Taken,
    clean: bool,
}

impl Watch {
    /// Begins at a moment of the cluster's clock.
    pub(super) fn begin(taken: Taken, since: Timestamp) -> Self {
        Self { since, broken: None, over: false, taken, clean: false }
    }

    /// How long nothing has come back, in seconds, at a moment of the cluster's clock.
    pub fn held(&self, cluster: Timestamp) -> i64 {
        let until = self.broken.as_ref().map_or(cluster, |(at, _)| *at);
        until.duration_since(self.since).as_secs().clamp(0, WATCH)
    }

    /// When it ends, by the cluster's clock.
    fn end(&self) -> Timestamp {
        self.since.checked_add(SignedDuration::from_secs(WATCH)).unwrap_or(self.since)
    }

    /// Looks at the release as it is known now. Says what came back, the first time.
    fn look(&mut self, now: Either<'_>, cluster: Timestamp, live: bool) -> Option<String> {
        if self.over || self.broken.is_some() {
            return None;
        }
        let Some(how) = self.taken.is_back(now) else {
            self.clean = true;
            return None;
        };
        // What is known may still be from before the way back: it counts once it has been seen gone, or has had time to be.
        let had_time = live && cluster.duration_since(self.since).as_secs() >= CATCH_UP;
        if !self.clean && !had_time {
            return None;
        }
        let words = format!("{} is back: {how}", self.taken.name());
        self.broken = Some((cluster, words.clone()));
        Some(words)
    }
}

impl Environment {
    /// Looks at everything that is on watch. Says whether something is back that was not a moment ago.
    pub(in crate::app) fn watch(&mut self, now: Timestamp) -> bool {
        let cluster_time = self.cluster_time(now);
        let live = matches!(self.freshness(now), Freshness::Live { .. });
        let (cluster, metrics, notices) = (&self.cluster, &self.metrics, &mut self.notices);
        let mut rings = false;
        for course in &mut self.courses.all {
            let key = &course.act.seen.key;
            let moments = (course.pressed, course.relieved());
            if let Some(recovery) = course.recovery.as_mut().filter(|recovery| recovery.is_open()) {
                let judgements = metrics.judgements(key);
                if let Some(words) = recovery.look(&judgements, metrics.measured(key).map(AsRef::as_ref), moments, now) {
                    notices.say(Some(key.clone()), Tone::Good, words, now);
                }
            }
            let Some(watch) = course.watch.as_mut().filter(|watch| !watch.over) else { continue };
            let rollout = cluster.rollout(key).map(|rollout| Either::Rollout(rollout));
            let object = rollout.or_else(|| cluster.canary(key).map(|canary| Either::Canary(canary)));
            if let Some(words) = object.and_then(|object| watch.look(object, cluster_time, live)) {
                notices.say(Some(key.clone()), Tone::Bad, words, now);
                rings = true;
            }
            if cluster_time >= watch.end() {
                watch.over = true;
                if watch.broken.is_none() {
                    let words = format!("{} and held for five minutes", done(course.act.plan.verb));
                    notices.say(Some(key.clone()), Tone::Good, words, now);
                }
            }
        }
        rings
    }
}
