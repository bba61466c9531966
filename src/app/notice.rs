//! What happened: the lines of *Now*, derived from what changed. Newest first, bounded, and never a line about nothing.

use std::collections::VecDeque;
use std::sync::Arc;

use jiff::Timestamp;

use super::cluster::{Cluster, Glance, Rank};
use crate::domain::belongings::revision;
use crate::domain::duration::age;
use crate::domain::fact::{Health, Link, News, Object, Reading};
use crate::domain::id::{Key, Kind};
use crate::domain::object::{AnalysisRun, Canary, Rollout, Step};
use crate::domain::release::{Phase, Release, WaitingFor};
use crate::domain::{flagger, step, weight};

/// Lines that are kept.
const KEPT: usize = 200;
/// Releases in need or on their way that are told of when the first list is read.
const SEEDED: usize = 50;

/// How much a line matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Tone {
    /// Something got well.
    Good,
    /// Something moved on.
    Plain,
    /// Something waits for a person, or looks odd.
    Warn,
    /// Something broke.
    Bad,
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// When, by the local clock.
    pub at: Timestamp,
    /// About which release; None for the environment itself.
    pub about: Option<Key>,
    /// How much it matters.
    pub tone: Tone,
    /// What happened, without its subject: `paused at step 4 of 8, waits for you`.
    pub text: Box<str>,
}

/// The newest lines of one environment.
#[derive(Debug, Default)]
pub struct Notices {
    lines: VecDeque<Notice>,
}

/// A release as it was.
pub(super) struct Known {
    glance: Glance,
    rollout: Option<Arc<Rollout>>,
    canary: Option<Arc<Canary>>,
}

/// How something was before the news about it.
pub(super) enum Before {
    /// A release, if it was there.
    Release(Key, Option<Known>),
    /// A pod: of which release, and whether that needed a person already.
    Pod(Key, bool),
    /// An analysis: of which release, how it is now, and whether that is known already.
    Run(Key, Arc<AnalysisRun>, bool),
    /// The connection.
    Health(Health),
    /// How far a kind was read.
    Reading(Kind, Reading),
    /// Something that no line tells of.
    Nothing,
}

impl Before {
    /// Looks at what news is about before the cluster hears it.
    pub(super) fn of(cluster: &Cluster, news: &News) -> Self {
        let release = |key: Key| {
            let known = cluster.glance(&key).map(|glance| Known {
                glance: *glance,
                rollout: cluster.rollout(&key).cloned(),
                canary: cluster.canary(&key).cloned(),
            });
            Self::Release(key, known)
        };
        match news {
            News::Is(Object::Rollout(rollout)) => {
                let meta = &rollout.metadata;
                release(Key { kind: Kind::Rollout, namespace: meta.namespace.clone(), name: meta.name.clone() })
            }
            News::Is(Object::Canary(canary)) => {
                let meta = &canary.metadata;
                release(Key { kind: Kind::Canary, namespace: meta.namespace.clone(), name: meta.name.clone() })
            }
            News::Is(Object::AnalysisRun(run)) => Self::of_run(cluster, run),
            News::Is(pod @ Object::Pod(_)) => Self::of_pod(cluster, pod),
            News::Gone(key) if matches!(key.kind, Kind::Rollout | Kind::Canary) => release(key.clone()),
            News::Is(_) | News::Gone(_) | News::Metrics(_) => Self::Nothing,
            News::Health(_) => Self::Health(cluster.health().clone()),
            News::Reading(kind, _) => Self::Reading(*kind, cluster.reading(*kind).clone()),
        }
    }

    fn of_pod(cluster: &Cluster, pod: &Object) -> Self {
        let needs = |key: &Key| cluster.glance(key).is_some_and(|glance| glance.needs_person);
        cluster.release_of(pod).map_or(Self::Nothing, |key| Self::Pod(key.clone(), needs(&key)))
    }

    fn of_run(cluster: &Cluster, run: &Arc<AnalysisRun>) -> Self {
        let meta = &run.metadata;
        let Some(owner) = meta.controller().filter(|owner| &*owner.kind == Kind::Rollout.name()) else { return Self::Nothing };
        let key = Key::new(Kind::Rollout, meta.namespace.clone(), &*owner.name);
        let runs = cluster.belongings(&key).analysis_runs;
        let before = runs.iter().find(|other| other.metadata.uid == meta.uid);
        // One that was never seen running may have ended long ago.
        let known = before.is_none_or(|before| before.status.phase == run.status.phase);
        Self::Run(key, Arc::clone(run), known)
    }
}

impl Notices {
    /// The lines, newest first.
    pub fn lines(&self) -> impl ExactSizeIterator<Item = &Notice> {
        self.lines.iter()
    }

    /// Notes what the news changed. Says whether something broke.
    pub(super) fn note(&mut self, before: Before, cluster: &Cluster, now: Timestamp) -> bool {
        let reading = |kind| *cluster.reading(kind) == Reading::Loading;
        let (about, said) = match before {
            // The first list tells how things are, not what happened.
            Before::Release(key, _) | Before::Pod(key, _) if reading(key.kind) => (None, None),
            Before::Release(key, known) => {
                let said = release(cluster, &key, known);
                (Some(key), said)
            }
            Before::Run(_, _, true) | Before::Pod(_, true) | Before::Nothing => (None, None),
            Before::Pod(key, false) => {
                let said = stuck(cluster, &key);
                (Some(key), said)
            }
            Before::Run(key, run, false) => (Some(key), self::run(&run)),
            Before::Health(health) => (None, link(&health, cluster.health())),
            Before::Reading(kind, old) => {
                if old == Reading::Loading && matches!(cluster.reading(kind), Reading::Live | Reading::Narrowed(_)) {
                    self.seed(cluster, kind, now);
                }
                (None, self::reading(kind, &old, cluster.reading(kind)))
            }
        };
        let Some((tone, text)) = said else { return false };
        self.push(Notice { at: now, about, tone, text: text.into() });
        tone == Tone::Bad
    }

    /// Notes something that no fact tells of.
    pub(super) fn say(&mut self, about: Option<Key>, tone: Tone, text: String, now: Timestamp) {
        self.push(Notice { at: now, about, tone, text: text.into() });
    }

    fn push(&mut self, notice: Notice) {
        self.lines.push_front(notice);
        self.lines.truncate(KEPT);
    }

    /// When the first list is read: how those stand that are in need or on their way, each at the time since when.
    fn seed(&mut self, cluster: &Cluster, kind: Kind, now: Timestamp) {
        let going = cluster.glances().filter(|(key, glance)| key.kind == kind && glance.rank != Rank::Calm);
        let mut going: Vec<_> = going.map(|(key, glance)| (glance.rank, key)).collect();
        going.sort_unstable();
        let mut lines: Vec<_> = going.into_iter().take(SEEDED).filter_map(|(_, key)| stands(cluster, key, now)).collect();
        lines.sort_by_key(|line| std::cmp::Reverse(line.at));
        self.lines.extend(lines);
        self.lines.truncate(KEPT);
    }
}

/// How a release stands, as a line at the time since when it stands so.
fn stands(cluster: &Cluster, key: &Key, now: Timestamp) -> Option<Notice> {
    let glance = *cluster.glance(key)?;
    // A line stays as it is while what it tells of grows older.
    let moment = if is_stuck(glance) { Timestamp::UNIX_EPOCH } else { now };
    let found = cluster.release(key, moment)?;
    let (tone, text) = state_words(&found, glance)?;
    let skew = jiff::SignedDuration::from_millis(cluster.health().clock_skew_ms);
    let at = found.since?.checked_sub(skew).ok()?.min(now);
    Some(Notice { at, about: Some(key.clone()), tone, text: text.into() })
}

type Said = Option<(Tone, String)>;

/// What became of a release: what needs somebody first, then how far it got.
fn release(cluster: &Cluster, key: &Key, before: Option<Known>) -> Said {
    let (old, new) = match (before, cluster.glance(key).copied()) {
        (None, None) => return None,
        (None, Some(_)) => return Some((Tone::Plain, "appeared".to_owned())),
        (Some(_), None) => return Some((Tone::Warn, "was deleted".to_owned())),
        (Some(old), Some(new)) => (old, new),
    };
    let rollouts = old.rollout.as_deref().zip(cluster.rollout(key).map(|after| &**after));
    if let Some(said) = rollouts.and_then(|(before, after)| revision_words(before, after)) {
        return Some(said);
    }
    let glances = |glance: &Glance| (glance.phase, glance.waiting_for, glance.odd);
    let changed = glances(&old.glance) != glances(&new);
    let found = || cluster.release(key, Timestamp::UNIX_EPOCH);
    if changed && new.phase == Phase::Healthy && old.glance.phase != Phase::Healthy {
        return found().map(|found| (Tone::Good, healthy_words(&found)));
    }
    if changed && new.needs_person {
        return state_words(&found()?, new);
    }
    let step = rollouts.and_then(|(before, after)| step_words(before, after));
    let canaries = || old.canary.as_deref().zip(cluster.canary(key).map(|after| &**after));
    let step = step.or_else(|| canaries().and_then(|(before, after)| tick_words(before, after)));
    step.or_else(|| if old.glance.phase == new.phase { None } else { state_words(&found()?, new) })
}

/// Whether a release needs a person although it is on its way and waits for nobody: its pods do not start.
fn is_stuck(glance: Glance) -> bool {
    let moves = matches!(glance.phase, Phase::Progressing | Phase::Paused);
    moves && glance.needs_person && !glance.odd && glance.waiting_for != Some(WaitingFor::Person)
}

/// Why the pods of a release do not start, if that is so.
fn stuck(cluster: &Cluster, key: &Key) -> Said {
    cluster.glance(key).filter(|glance| is_stuck(**glance))?;
    let why = cluster.release(key, Timestamp::UNIX_EPOCH)?.why?;
    Some((Tone::Bad, why.into()))
}

/// A tick of Flagger's with another weight.
fn tick_words(before: &Canary, after: &Canary) -> Said {
    let (from, to) = (before.status.canary_weight, after.status.canary_weight);
    let analyses = flagger::stage(after) == flagger::Stage::Progressing;
    (from != to && analyses).then(|| (Tone::Plain, format!("canary traffic {from} → {to} %")))
}

/// A new revision.
fn revision_words(before: &Rollout, after: &Rollout) -> Said {
    let (old, new) = (revision(&before.metadata), revision(&after.metadata));
    if new <= old || old == 0 {
        return None;
    }
    let template = after.spec.template.as_ref();
    let image = template.and_then(|template| template.spec.containers.first()).map(|container| short(&container.image));
    Some((Tone::Plain, image.map_or_else(|| format!("revision {new} starts"), |image| format!("revision {new} starts: {image}"))))
}

/// A step further, or another weight.
fn step_words(before: &Rollout, after: &Rollout) -> Said {
    let weight = |rollout: &Rollout| rollout.status.canary.weights.as_ref().map(|weights| weights.canary.weight);
    let (old, new) = (step::index(before), step::index(after));
    if let (Some(from), Some(to)) = (weight(before), weight(after))
        && from != to
    {
        let max = weight::max(after);
        let percent = |weight: i64| weight.saturating_mul(100) / max;
        return Some((Tone::Plain, format!("canary traffic {} → {} %", percent(from), percent(to))));
    }
    let current = step::current(after).filter(|_| new > old)?;
    // A weight without a router tells of itself only here; with one, the line above does when it is real.
    let told = matches!(current, Step::SetWeight(_)) && after.status.canary.weights.is_some();
    (!told).then(|| (Tone::Plain, format!("step {} of {}: {}", new + 1, step::steps(after).len(), step::words(current))))
}

fn healthy_words(release: &Release) -> String {
    match release.revision {
        Some(revision) if release.promoted => format!("healthy: revision {revision} is stable"),
        _ => "healthy".to_owned(),
    }
}

/// How a release stands that is not just healthy.
fn state_words(release: &Release, glance: Glance) -> Said {
    let at = release.step.as_ref().map(|step| format!(" at step {} of {}", (step.index + 1).min(step.count), step.count));
    let at = at.unwrap_or_default();
    if let Some(odd) = &release.odd {
        return Some((Tone::Warn, format!("could not be read in full: {odd}")));
    }
    match glance.phase {
        Phase::Degraded => {
            let why = release.why.as_deref().or(Some(&*release.message)).filter(|why| !why.is_empty());
            let what = if release.aborted { "aborted" } else { "degraded" };
            let text = match why {
                Some(why) if why.starts_with(what) => why.to_owned(),
                Some(why) => format!("{what}: {why}"),
                None => what.to_owned(),
            };
            Some((Tone::Bad, text))
        }
        _ if glance.waiting_for == Some(WaitingFor::Person) => Some((Tone::Warn, format!("paused{at}, waits for you"))),
        _ if is_stuck(glance) && release.why.is_some() => release.why.as_deref().map(|why| (Tone::Bad, why.to_owned())),
        Phase::Paused => {
            let step = release.step.as_ref().and_then(|step| step.current.as_deref());
            Some((Tone::Plain, step.map_or_else(|| format!("paused{at}"), |step| format!("paused{at}: {step}"))))
        }
        Phase::Progressing => Some((Tone::Plain, format!("progressing{at}"))),
        Phase::Unknown => Some((Tone::Warn, "no controller has looked at it".to_owned())),
        Phase::Healthy => None,
    }
}

fn run(run: &AnalysisRun) -> Said {
    let (name, message) = (&run.metadata.name, &run.status.message);
    let tail = if message.is_empty() { String::new() } else { format!(": {message}") };
    match &*run.status.phase {
        "Failed" => Some((Tone::Bad, format!("analysis {name} failed{tail}"))),
        "Error" => Some((Tone::Bad, format!("analysis {name} erred{tail}"))),
        "Inconclusive" => Some((Tone::Warn, format!("analysis {name} is inconclusive{tail}"))),
        _ => None,
    }
}

fn link(old: &Health, new: &Health) -> Said {
    match (&old.state, &new.state) {
        (Link::Up { .. } | Link::Connecting, Link::Down { reason }) => {
            Some((Tone::Bad, format!("the cluster does not answer: {reason}")))
        }
        (Link::Down { .. }, Link::Up { .. }) => {
            let seconds = new.at.duration_since(old.at).as_secs();
            Some((Tone::Good, format!("the cluster answers again, {} after the last failure", age(seconds))))
        }
        _ => None,
    }
}

fn reading(kind: Kind, old: &Reading, new: &Reading) -> Said {
    let plural = kind.plural();
    match (old, new) {
        (old, new) if old == new => None,
        // Said once and not loudly: nothing else is missing because of that.
        (_, Reading::Denied(text) | Reading::Failing(text)) if kind == Kind::Lease => {
            matches!(old, Reading::Loading | Reading::Live | Reading::Narrowed(_))
                .then(|| (Tone::Plain, format!("guards of others cannot be seen: {text}")))
        }
        (Reading::Loading | Reading::Live | Reading::Narrowed(_), Reading::NotInstalled) if kind == Kind::Lease => {
            Some((Tone::Plain, "guards of others cannot be seen: this cluster has no Leases".to_owned()))
        }
        (Reading::NotInstalled | Reading::Denied(_) | Reading::Failing(_), Reading::Live | Reading::Narrowed(_))
            if kind == Kind::Lease =>
        {
            Some((Tone::Plain, "guards of others can be seen".to_owned()))
        }
        (_, Reading::Denied(text)) => Some((Tone::Bad, format!("{plural} cannot be read: {text}"))),
        (Reading::Live | Reading::Narrowed(_), Reading::Failing(text)) => {
            Some((Tone::Warn, format!("{plural} cannot be read: {text}")))
        }
        (Reading::Live | Reading::Narrowed(_), Reading::NotInstalled) => {
            Some((Tone::Bad, format!("{plural} are no longer known to this cluster")))
        }
        (Reading::NotInstalled | Reading::Denied(_) | Reading::Failing(_), Reading::Live | Reading::Narrowed(_)) => {
            Some((Tone::Good, format!("{plural} can be read again")))
        }
        _ => None,
    }
}

/// An image without its registry.
fn short(image: &str) -> &str {
    image.rsplit_once('/').map_or(image, |(_, name)| name)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// A cluster and what happened in it.
    #[derive(Default)]
    struct World {
        cluster: Cluster,
        notices: Notices,
    }

    impl World {
        /// A cluster whose first list is read.
        fn read() -> Self {
            let mut world = Self::default();
            for kind in [Kind::Rollout, Kind::Canary] {
                world.hear(News::Reading(kind, Reading::Live));
            }
            world
        }

        fn hear(&mut self, news: News) -> bool {
            let before = Before::of(&self.cluster, &news);
            self.cluster.apply(news);
            self.notices.note(before, &self.cluster, Timestamp::UNIX_EPOCH)
        }

        fn rollout(&mut self, revision: i64, status: &Value) -> bool {
            let value = json!({
                "metadata": {"namespace": "shop", "name": "web", "uid": "u", "generation": 1,
                    "annotations": {"rollout.argoproj.io/revision": revision.to_string()}},
                "spec": {
                    "template": {"spec": {"containers": [{"name": "main", "image": "registry.example/shop/web:v2"}]}},
                    "strategy": {"canary": {"trafficRouting": {}, "steps": [{"setWeight": 20}, {"pause": {"duration": "5m"}}, {"pause": {}}]}},
                },
                "status": status,
            });
            self.hear(News::Is(Object::Rollout(Arc::new(serde_json::from_value(value).unwrap()))))
        }

        fn canary(&mut self, phase: &str, weight: i64) {
            let value =
                json!({"metadata": {"namespace": "shop", "name": "media"}, "status": {"phase": phase, "canaryWeight": weight}});
            self.hear(News::Is(Object::Canary(Arc::new(serde_json::from_value(value).unwrap()))));
        }

        fn said(&self) -> Vec<(Tone, &str)> {
            self.notices.lines().map(|line| (line.tone, &*line.text)).collect()
        }
    }

    fn status(phase: &str, step: i64, weight: i64) -> Value {
        let stable = if phase == "Healthy" { "b" } else { "a" };
        let start = "2026-01-01T00:00:00Z";
        let pause = if phase == "Paused" { json!([{"reason": "CanaryPauseStep", "startTime": start}]) } else { json!(null) };
        json!({
            "phase": phase, "observedGeneration": "1", "currentPodHash": "b", "stableRS": stable, "currentStepIndex": step,
            "pauseConditions": pause, "controllerPause": phase == "Paused",
            "canary": {"weights": {"canary": {"weight": weight}, "stable": {"weight": 100 - weight}}},
        })
    }

    #[test]
    fn a_release_from_its_start_to_its_end() {
        let mut world = World::read();
        world.rollout(1, &status("Healthy", 3, 0));
        for (phase, step, weight) in [
            ("Progressing", 0, 0),
            ("Progressing", 0, 20),
            ("Paused", 1, 20),
            ("Paused", 2, 20),
            ("Paused", 2, 20),
            ("Healthy", 3, 0),
        ] {
            assert!(!world.rollout(2, &status(phase, step, weight)));
        }
        let expected = [
            (Tone::Good, "healthy: revision 2 is stable"),
            (Tone::Warn, "paused at step 3 of 3, waits for you"),
            (Tone::Plain, "step 2 of 3: pause: 5m"),
            (Tone::Plain, "canary traffic 0 → 20 %"),
            (Tone::Plain, "revision 2 starts: web:v2"),
            (Tone::Plain, "appeared"),
        ];
        assert_eq!(world.said(), expected);
    }

    #[test]
    fn what_breaks_is_bad_and_what_vanishes_is_told() {
        let mut world = World::read();
        world.rollout(2, &status("Progressing", 0, 20));
        let mut broken = status("Degraded", 0, 0);
        broken["message"] = "RolloutAborted: metric failed".into();
        assert!(world.rollout(2, &broken));
        assert!(!world.rollout(2, &broken));
        world.hear(News::Gone(Key::new(Kind::Rollout, "shop", "web")));
        let said = world.said();
        assert_eq!((said[0], said[1].0, said.len()), ((Tone::Warn, "was deleted"), Tone::Bad, 3));
        assert!(said[1].1.contains("metric failed"), "{said:?}");
    }

    #[test]
    fn the_first_list_tells_how_things_stand_and_not_what_happened() {
        let mut world = World::default();
        world.rollout(2, &status("Healthy", 3, 0));
        world.rollout(2, &status("Paused", 2, 20));
        assert!(world.said().is_empty());
        world.hear(News::Reading(Kind::Rollout, Reading::Live));
        let line = world.notices.lines().next().unwrap();
        assert_eq!((&*line.text, line.tone), ("paused at step 3 of 3, waits for you", Tone::Warn));
        assert_eq!(world.notices.lines().len(), 1);
    }

    #[test]
    fn flagger_ticks_and_the_connection() {
        let mut world = World::read();
        world.canary("Progressing", 10);
        world.canary("Progressing", 20);
        world.canary("Progressing", 20);
        let health = |state| News::Health(Health { at: Timestamp::UNIX_EPOCH, state, clock_skew_ms: 0 });
        world.hear(health(Link::Up { millis: 2 }));
        assert!(world.hear(health(Link::Down { reason: "refused".into() })));
        assert!(!world.hear(health(Link::Down { reason: "refused".into() })));
        world.hear(health(Link::Up { millis: 2 }));
        world.hear(News::Reading(Kind::Rollout, Reading::Denied("no".into())));
        let said = world.said();
        assert_eq!((said[0], said[1].0), ((Tone::Bad, "rollouts cannot be read: no"), Tone::Good));
        assert_eq!((said[2].1, said[3].1), ("the cluster does not answer: refused", "canary traffic 10 → 20 %"));
        assert_eq!(said.len(), 5);
    }

    #[test]
    fn pods_that_do_not_start_are_told_once() {
        let mut world = World::read();
        world.rollout(2, &status("Progressing", 0, 20));
        let owner = |kind: &str, name: &str| json!([{"kind": kind, "name": name, "uid": name, "controller": true}]);
        let set = json!({"metadata": {"namespace": "shop", "name": "web-b", "uid": "web-b", "labels": {"rollouts-pod-template-hash": "b"},
            "ownerReferences": [{"kind": "Rollout", "name": "web", "uid": "u", "controller": true}]}});
        world.hear(News::Is(Object::ReplicaSet(Arc::new(serde_json::from_value(set).unwrap()))));
        let mut pod = |reason: &str| {
            let waits = json!([{"name": "main", "state": {"waiting": {"reason": reason}}}]);
            let pod = json!({"metadata": {"namespace": "shop", "name": "web-b-1", "ownerReferences": owner("ReplicaSet", "web-b")},
                "spec": {"containers": [{"name": "main", "image": "web:v2"}]}, "status": {"phase": "Pending", "containerStatuses": waits}});
            world.hear(News::Is(Object::Pod(Arc::new(serde_json::from_value(pod).unwrap()))))
        };
        assert_eq!(["ContainerCreating", "ErrImagePull", "ImagePullBackOff"].map(&mut pod), [false, true, false]);
        assert_eq!(world.said()[0], (Tone::Bad, "canary pod web-b-1 cannot pull web:v2"));
        assert_eq!(world.said().len(), 2);
    }

    #[test]
    fn the_lines_are_bounded() {
        let mut world = World::read();
        for revision in 1..=300 {
            world.rollout(revision, &status("Progressing", 0, 0));
        }
        assert_eq!(world.said().len(), KEPT);
    }
}
