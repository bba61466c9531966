//! Which releases are measured in full: the one under the cursor once it rests, those that are kept because somebody guards them, and those
//! that are under way. Each costs queries, so there are few of them, and who is measured stays so while it is under way: a breach has to be
//! seen for minutes before it counts.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::{Definitions, Metrics};
use crate::app::cluster::{Cluster, Rank};
use crate::app::effect::Effect;
use crate::app::state::State;
use crate::domain::id::{EnvironmentId, Key, Kind};
use crate::domain::phase::promoted;
use crate::domain::signal::{Signal, Target, Template, Track, Variables};

/// Releases measured in full at once.
pub const MOST: usize = 24;
/// Seconds of history that are wanted: enough for a guard, and for a chart of the last hour.
const SPAN: u32 = 3_600;
/// How often they are chosen anew, at most.
const PACE: SignedDuration = SignedDuration::from_secs(1);

/// What is under way is measured so long at least, even if it comes to rest: where much is under way, another choice every second would cost
/// more than all that is measured.
const HELD: SignedDuration = SignedDuration::from_secs(60);

/// Whether a release is held.
type Held<'a> = &'a dyn Fn(&Key) -> bool;

/// What is measured now.
#[derive(Debug, Default)]
pub struct Aim {
    targets: Vec<Target>,
    /// Since when each of them is.
    since: HashMap<Key, Timestamp>,
    kept: Vec<Key>,
    cursor: Option<Key>,
    chosen: Option<Timestamp>,
}

impl Aim {
    /// Whether a release is measured whatever is shown.
    pub fn keeps(&self, key: &Key) -> bool {
        self.kept.contains(key)
    }

    /// Whether a release is measured.
    pub fn includes(&self, key: &Key) -> bool {
        self.targets.iter().any(|target| target.key == *key)
    }
}

/// The versions of a release between which its traffic is split.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Versions {
    /// Pod hash of the version that is judged: the new one; at rest, the only one.
    pub judged: Box<str>,
    /// Pod hash of the version to go back to; None at rest.
    pub stable: Option<Box<str>>,
}

/// The versions of a release. None while it has none.
pub fn versions(cluster: &Cluster, key: &Key) -> Option<Versions> {
    let (new, old, rests) = if let Some(canary) = cluster.canary(key) {
        let status = &canary.status;
        (
            &*status.last_applied_spec,
            &*status.last_promoted_spec,
            cluster.glance(key).is_none_or(|glance| glance.rank == Rank::Calm),
        )
    } else {
        let rollout = cluster.rollout(key)?;
        (&*rollout.status.current_pod_hash, &*rollout.status.stable_rs, promoted(rollout))
    };
    if new.is_empty() {
        return None;
    }
    let stable = (!rests && !old.is_empty() && old != new).then(|| old.into());
    Some(Versions { judged: new.into(), stable })
}

/// Signals as they are asked of a release: Flagger's own hashes are of no pod.
pub fn asked(key: &Key, signals: Arc<[Signal]>) -> Arc<[Signal]> {
    match key.kind {
        Kind::Canary => signals.iter().map(|signal| signal.with_queries(Template::by_workload)).collect(),
        _ => signals,
    }
}

impl Metrics {
    /// Releases that are measured whatever is shown, and before others: somebody guards them.
    pub fn keep(&mut self, keys: Vec<Key>) {
        self.aim.kept = keys;
    }

    /// What has to be asked to measure a release in full; None where there are no metrics, or no version yet.
    pub fn target(&self, cluster: &Cluster, key: &Key) -> Option<Target> {
        let definitions = &self.definitions;
        let signals = asked(key, definitions.signals(key));
        let versions = versions(cluster, key)?;
        if signals.is_empty() {
            return None;
        }
        let uid = (*cluster.meta(key)?.uid).into();
        let mut tracks = vec![(Track::Canary, variables(definitions, cluster, key, &versions, Track::Canary))];
        if versions.stable.is_some() {
            tracks.push((Track::Stable, variables(definitions, cluster, key, &versions, Track::Stable)));
        }
        Some(Target { key: key.clone(), uid, hash: versions.judged, signals, tracks, span: SPAN, slo: true })
    }

    /// Chooses what is measured, and says so if it is something else than before.
    fn choose(&mut self, cluster: &Cluster, cursor: Option<&Key>, now: Timestamp) -> Option<Vec<Target>> {
        let aim = &self.aim;
        let moved = cursor != aim.cursor.as_ref();
        let due = moved || aim.chosen.is_none_or(|chosen| now.duration_since(chosen).abs() >= PACE);
        if !self.is_configured() || !due {
            return None;
        }
        let held = |key: &Key| aim.since.get(key).is_some_and(|since| now.duration_since(*since).abs() < HELD);
        let keys = chosen(cluster, cursor, &aim.kept, (&aim.targets, &held));
        let mut targets: Vec<_> = keys.iter().filter_map(|key| self.target(cluster, key)).collect();
        // The order means nothing: another cursor among the same releases is no other wish.
        targets.sort_unstable_by(|a, b| a.key.cmp(&b.key));
        self.aim.chosen = Some(now);
        // One that was only under the cursor is held by nothing.
        let moves = |key: &Key| cluster.glance(key).is_some_and(|glance| glance.moving);
        self.aim.since.retain(|key, _| targets.iter().any(|target| target.key == *key));
        for target in targets.iter().filter(|target| moves(&target.key)) {
            self.aim.since.entry(target.key.clone()).or_insert(now);
        }
        self.aim.cursor = cursor.cloned();
        if targets == self.aim.targets {
            return None;
        }
        self.aim.targets.clone_from(&targets);
        Some(targets)
    }

    /// Measures only what is kept: the environment is not shown.
    fn only_kept(&mut self, cluster: &Cluster, now: Timestamp) -> Option<Vec<Target>> {
        let aim = &self.aim;
        let chosen = !aim.kept.is_empty() && aim.chosen.is_some_and(|chosen| now.duration_since(chosen).abs() < PACE);
        if chosen || (aim.kept.is_empty() && aim.targets.is_empty()) {
            return None;
        }
        self.aim.chosen = Some(now);
        let keys: HashSet<Key> = self.aim.kept.iter().cloned().collect();
        let mut targets: Vec<_> = keys.iter().filter_map(|key| self.target(cluster, key)).collect();
        targets.sort_unstable_by(|a, b| a.key.cmp(&b.key));
        self.aim.cursor = None;
        (targets != self.aim.targets).then(|| {
            self.aim.targets.clone_from(&targets);
            targets
        })
    }
}

/// The one under the cursor, those that are kept, those measured so far that are still under way or held, and others that are under way, those
/// in need first.
fn chosen(cluster: &Cluster, cursor: Option<&Key>, kept: &[Key], (before, held): (&[Target], Held<'_>)) -> Vec<Key> {
    let mut keys: Vec<&Key> = Vec::with_capacity(MOST);
    let moves = |key: &Key| cluster.glance(key).is_some_and(|glance| glance.moving);
    let stays = before.iter().map(|target| &target.key).filter(|key| cluster.glance(key).is_some() && (moves(key) || held(key)));
    for key in cursor.into_iter().chain(kept).chain(stays) {
        if keys.len() < MOST && !keys.contains(&key) {
            keys.push(key);
        }
    }
    if keys.len() < MOST {
        let others = cluster.glances().filter(|(key, glance)| glance.moving && !keys.contains(key));
        let mut others: Vec<_> = others.map(|(key, glance)| (glance.rank, &key.name, &key.namespace, key)).collect();
        others.sort_unstable();
        keys.extend(others.into_iter().take(MOST - keys.len()).map(|(.., key)| key));
    }
    keys.into_iter().cloned().collect()
}

/// What the variables of queries stand for, except the window, which each signal has its own of.
fn variables(definitions: &Definitions, cluster: &Cluster, key: &Key, versions: &Versions, track: Track) -> Variables {
    let rests = versions.stable.is_none();
    let stable_hash = versions.stable.as_deref().unwrap_or(&versions.judged);
    let is_new = track == Track::Canary && !rests;
    let hash = if is_new { &*versions.judged } else { stable_hash };
    let named = |suffix: &str| format!("{}{suffix}", key.name);
    let (workload, service) = match (key.kind, cluster.rollout(key), cluster.canary(key)) {
        (Kind::Canary, _, Some(canary)) => {
            let target = &*canary.spec.target_ref.name;
            let service = |suffix: &str| format!("{target}{suffix}");
            if is_new { (target.to_owned(), service("-canary")) } else { (service("-primary"), service("-primary")) }
        }
        (_, Some(rollout), _) => {
            let strategy = &rollout.spec.strategy;
            let own = match (&strategy.services, &strategy.blue_green) {
                (Some(services), _) if is_new => &*services.canary,
                (Some(services), _) => &*services.stable,
                (None, Some(both)) if is_new => both.preview_service.as_deref().unwrap_or_default(),
                (None, Some(both)) => &*both.active_service,
                (None, None) => "",
            };
            (named(""), if own.is_empty() { named("") } else { own.to_owned() })
        }
        _ => (named(""), named("")),
    };
    let mut variables = Variables::default()
        .with("service", definitions.query_name(key))
        .with("namespace", &key.namespace)
        .with("track", if is_new { Track::Canary } else { Track::Stable }.name())
        .with("workload", &workload)
        .with("track_service", &service);
    if key.kind == Kind::Rollout {
        variables = variables.with("pod_hash", hash).with("stable_hash", stable_hash);
    }
    definitions.variables(key, variables)
}

/// Keeps what is measured in step with what is looked at, guarded and under way.
pub fn follow(state: &mut State) -> Vec<Effect> {
    let (now, shown) = (state.now, state.shown);
    // While the cursor moves on, the one on which it rested last counts.
    let rests = state.look.wakes().is_none();
    let subject = state.subject().cloned();
    let mut effects = Vec::new();
    for (place, environment) in (0_u16..).zip(&mut state.environments) {
        let id = EnvironmentId(place);
        let targets = if id == shown {
            let rested = environment.metrics.aim.cursor.clone();
            let cursor = if rests { subject.as_ref() } else { rested.as_ref() };
            environment.metrics.choose(&environment.cluster, cursor, now)
        } else {
            environment.metrics.only_kept(&environment.cluster, now)
        };
        effects.extend(targets.map(|targets| Effect::Measure { environment: id, targets }));
    }
    effects
}
