//! One service as its metrics know it: how much it is asked, how its versions work, and which of its pods have lived when.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::behaviour::{Behaviour, Durations};
use super::mark::{Effect, Mark, Scope};
use super::pod::{Load, Pod, Track};
use super::traffic::{Traffic, chance};
use crate::demo::promql::labels::Text;

/// The 95th percentile of a service that is well, in seconds: what analyses measure where nobody says otherwise.
const WELL_P95: f64 = 0.18;
/// The share of its requests that fail all the same.
const WELL_ERRORS: f64 = 0.002;
/// How often a pod is scraped, in milliseconds.
pub const SCRAPE: i64 = 15_000;
/// What a few of the company's services are asked in production, in requests per second.
const LEVELS: [(&str, f64); 5] = [("gateway", 220.0), ("web", 160.0), ("checkout", 42.0), ("payments", 26.0), ("search", 64.0)];

/// A time without an end, or with one; in milliseconds since 1970.
pub type Span = (i64, Option<i64>);

/// In whose names a service's traffic is counted besides its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Schemes {
    /// By the proxies of Istio.
    pub istio: bool,
    /// By the Ingress controller of nginx.
    pub nginx: bool,
    /// By the proxies of Linkerd.
    pub linkerd: bool,
    /// One of a crowd, of which less is counted.
    pub crowd: bool,
}

/// A pod as the store has it.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    /// Its name.
    pub name: String,
    /// The short hash of its template.
    pub hash: String,
    /// What it is part of; none where nobody knows, and it stays what it was.
    pub track: Option<Track>,
    /// Its address and port.
    pub instance: String,
    /// It takes requests.
    pub ready: bool,
    /// Since when, if that is known of a service that is seen for the first time; else since it is seen.
    pub since: Option<i64>,
}

/// How a service is at a moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scene {
    /// The pods that are there.
    pub pods: Vec<Seen>,
    /// The share of the canary, if the traffic is routed; else every pod that is ready gets the same.
    pub canary: Option<f64>,
    /// The version that is tried.
    pub version: Option<String>,
    /// Services and workloads of canary and stable.
    pub names: [(String, String); 2],
}

/// One service.
#[derive(Clone, Debug)]
pub struct Service {
    /// Its namespace.
    pub namespace: Text,
    /// Its name, which is that of its rollout.
    pub name: Text,
    /// What it is asked.
    pub traffic: Traffic,
    /// In whose names it is counted.
    pub schemes: Schemes,
    /// Services and workloads of canary and stable.
    pub names: [(Text, Text); 2],
    /// All pods that have ever served.
    pub pods: Vec<Arc<Pod>>,
    /// Its series say nothing but that they are no number.
    pub nan: Vec<Span>,
    /// Nobody scrapes its canary.
    pub blind: Vec<Span>,
    marks: Vec<Mark>,
    well: Effect,
    scene: Scene,
    known: BTreeMap<(u64, u64), Arc<Behaviour>>,
}

impl Service {
    /// A service of an environment; those of production are asked ten times as much.
    pub fn new(namespace: &str, name: &str, schemes: Schemes, production: bool) -> Self {
        let chance = chance(&format!("{namespace}/{name}"));
        let some = |bits: u64, least: u64, most: u64| {
            #[expect(clippy::cast_precision_loss, reason = "small numbers")]
            let value = (least + bits % (most - least)) as f64;
            value
        };
        let level = LEVELS.iter().find(|(known, _)| *known == name && !schemes.crowd).map(|(_, level)| *level);
        let level = level.unwrap_or_else(|| some(chance >> 8, 4, 60)) * if production { 1.0 } else { 0.1 };
        // A crowd's services hardly ever fail: most of them never had a counter of failures.
        let errors = if schemes.crowd && !chance.is_multiple_of(5) { 0.0 } else { WELL_ERRORS };
        let pace = if schemes.crowd { some(chance >> 20, 50, 140) / 100.0 } else { 1.0 };
        let nobody = || (Text::from(name), Text::from(name));
        Self {
            namespace: namespace.into(),
            name: name.into(),
            traffic: Traffic::new(level, chance),
            schemes,
            names: [nobody(), nobody()],
            pods: Vec::new(),
            nan: Vec::new(),
            blind: Vec::new(),
            marks: Vec::new(),
            well: Effect { errors: Some(errors), p95: Some(WELL_P95 * pace), saturation: None, traffic: Some(1.0) },
            scene: Scene::default(),
            known: BTreeMap::new(),
        }
    }

    /// From `at` on the service is like this.
    pub fn become_like(&mut self, at: i64, scene: Scene) {
        if let Some(version) = &scene.version {
            for mark in self.marks.iter_mut().filter(|mark| mark.scope == Scope::Version) {
                mark.versions.insert(version.as_str().into());
            }
        }
        for (own, (service, workload)) in self.names.iter_mut().zip(&scene.names) {
            if (&*own.0, &*own.1) != (service.as_str(), workload.as_str()) {
                *own = (service.as_str().into(), workload.as_str().into());
            }
        }
        self.scene = scene;
        self.apply(at);
    }

    /// From `at` on this mark counts, instead of another one of its name; without an effect there is none.
    pub fn mark(&mut self, at: i64, name: &str, scope: Scope, effect: Option<Effect>) {
        let before = self.marks.iter().position(|mark| mark.name == name && mark.scope == scope);
        let before = before.map(|place| self.marks.remove(place));
        if let Some(effect) = effect {
            let versions = before.map(|mark| mark.versions).unwrap_or_default();
            let versions = versions.into_iter().chain(self.scene.version.as_deref().map(Arc::from)).collect();
            self.marks.push(Mark { name: name.to_owned(), scope, effect, versions });
        }
        self.apply(at);
    }

    /// The pod of this name, for changing.
    pub fn pod(&mut self, name: &str) -> Option<&mut Pod> {
        self.pods.iter_mut().rev().find(|pod| &*pod.name == name && pod.ended.is_none()).map(Arc::make_mut)
    }

    /// All pods that are there, for changing.
    pub fn living(&mut self) -> impl Iterator<Item = &mut Pod> {
        self.pods.iter_mut().filter(|pod| pod.ended.is_none()).map(Arc::make_mut)
    }

    fn apply(&mut self, at: i64) {
        let scene = std::mem::take(&mut self.scene);
        for pod in self.pods.iter_mut().filter(|pod| pod.ended.is_none()) {
            if !scene.pods.iter().any(|seen| seen.name == *pod.name) {
                Arc::make_mut(pod).ended = Some(at);
            }
        }
        let ready = |track: Track| scene.pods.iter().filter(|seen| seen.ready && seen.track == Some(track)).count();
        let serving = [ready(Track::Canary), ready(Track::Stable)];
        let shares = shares(scene.canary, serving);
        #[expect(clippy::cast_precision_loss, reason = "a few pods")]
        let all = serving.iter().sum::<usize>() as f64;
        let first = self.pods.is_empty();
        for seen in &scene.pods {
            let place = self.pods.iter().rposition(|pod| *pod.name == *seen.name);
            // A pod that has never served says nothing.
            if place.is_none() && !seen.ready {
                continue;
            }
            let mut pod = match place {
                Some(place) => self.pods.remove(place),
                None => Arc::new(Pod::new(&seen.name, &seen.hash, &seen.instance, moment(&seen.name))),
            };
            if let Some(ended) = pod.ended {
                // Only in a crowd, whose versions come back: it was away, and counts anew.
                let pod = Arc::make_mut(&mut pod);
                pod.ended = None;
                pod.hidden.push((ended, Some(at)));
                pod.resets.push(at);
            }
            let track = seen.track.or(pod.track()).unwrap_or(Track::Stable);
            let share = match (seen.ready, track) {
                (false, _) => 0.0,
                (true, Track::Canary) => shares[0],
                (true, Track::Stable) => shares[1],
            };
            let effect = self.effect(track, &seen.hash);
            let (behaviour, asked) = (self.behaviour(effect), effect.traffic.unwrap_or(1.0));
            let load = Load { share: share * asked, fairness: share * all, behaviour };
            let since = seen.since.filter(|since| first && *since < at).unwrap_or(at);
            Arc::make_mut(&mut pod).go_on(since, track, &load, &self.traffic);
            self.pods.insert(place.unwrap_or(self.pods.len()), pod);
        }
        self.scene = scene;
    }

    fn effect(&self, track: Track, hash: &str) -> Effect {
        let marks = self.marks.iter().rev().filter(|mark| mark.hits(track, hash));
        marks.fold(Effect::default(), |effect, mark| effect.or(mark.effect)).or(self.well)
    }

    fn behaviour(&mut self, effect: Effect) -> Arc<Behaviour> {
        let (errors, p95) = (effect.errors.unwrap_or(0.0), effect.p95.unwrap_or(WELL_P95));
        let key = (errors.to_bits() ^ effect.saturation.map_or(0, f64::to_bits).rotate_left(7), p95.to_bits());
        let make = || Arc::new(Behaviour { errors, durations: Arc::new(Durations::new(p95)), saturation: effect.saturation });
        self.known.entry(key).or_insert_with(make).clone()
    }
}

/// The share of one pod of the canary and of one of the stable version. Where one side has no pod that is ready, the other one
/// gets everything.
fn shares(canary: Option<f64>, [canaries, stables]: [usize; 2]) -> [f64; 2] {
    #[expect(clippy::cast_precision_loss, reason = "a few pods")]
    let (canaries, stables) = (canaries as f64, stables as f64);
    let all = canaries + stables;
    match canary {
        _ if all == 0.0 => [0.0, 0.0],
        None => [1.0 / all; 2],
        Some(_) if stables == 0.0 => [1.0 / canaries, 0.0],
        Some(_) if canaries == 0.0 => [0.0, 1.0 / stables],
        Some(share) => [share / canaries, (1.0 - share) / stables],
    }
}

/// When within its interval a pod is scraped.
fn moment(pod: &str) -> i64 {
    i64::try_from(chance(pod) % u64::from(SCRAPE.unsigned_abs().min(1 << 20) as u32)).unwrap_or(0)
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "these numbers come out exactly")]
mod tests {
    use super::super::behaviour::BUCKETS;
    use super::*;

    const START: i64 = 1_767_600_000_000;

    fn seen(name: &str, hash: &str, track: Track) -> Seen {
        let text = str::to_owned;
        Seen { name: text(name), hash: text(hash), track: Some(track), instance: text("10.0.0.1:8080"), ready: true, since: None }
    }

    fn scene(canary: Option<f64>, pods: Vec<Seen>) -> Scene {
        let version = pods.iter().find(|pod| pod.track == Some(Track::Canary)).map(|pod| pod.hash.clone());
        Scene { pods, canary, version, ..Scene::default() }
    }

    fn errors(service: &Service, pod: usize, from: i64, to: i64) -> f64 {
        let at = |at: i64| service.pods[pod].bucket(at, BUCKETS - 1, &service.traffic).unwrap();
        let (before, after) = (at(from), at(to));
        (after.failed - before.failed) / (after.failed + after.well - before.failed - before.well)
    }

    #[test]
    fn traffic_is_split_as_it_is_routed() {
        assert_eq!(shares(Some(0.1), [1, 3]), [0.1, 0.3]);
        assert_eq!(shares(None, [1, 3]), [0.25, 0.25]);
        assert_eq!(shares(Some(0.1), [0, 2]), [0.0, 0.5]);
        assert_eq!(shares(Some(0.0), [1, 0]), [1.0, 0.0]);
        assert_eq!(shares(Some(0.5), [0, 0]), [0.0, 0.0]);
    }

    #[test]
    fn a_bad_version_stays_bad_until_it_is_cured() {
        let mut service = Service::new("edge", "gateway", Schemes::default(), true);
        service.become_like(START, scene(None, vec![seen("a", "old", Track::Stable)]));
        service.mark(START + 1_000, "success-rate", Scope::Version, Some(Effect { errors: Some(0.1), ..Effect::default() }));
        let pods = || vec![seen("a", "old", Track::Stable), seen("b", "new", Track::Canary)];
        service.become_like(START + 2_000, scene(Some(0.2), pods()));
        assert!((errors(&service, 0, START, START + 60_000) - WELL_ERRORS).abs() < 1e-9);
        assert!((errors(&service, 1, START + 2_000, START + 60_000) - 0.1).abs() < 1e-9);
        service.become_like(START + 60_000, scene(None, vec![seen("b", "new", Track::Stable)]));
        assert_eq!(service.pods[0].ended, Some(START + 60_000));
        assert!((errors(&service, 1, START + 61_000, START + 90_000) - 0.1).abs() < 1e-9, "promoted, and no better");
        service.mark(START + 90_000, "success-rate", Scope::Version, None);
        assert!((errors(&service, 1, START + 91_000, START + 99_000) - WELL_ERRORS).abs() < 1e-9);
    }

    #[test]
    fn a_pod_that_never_served_says_nothing() {
        let mut service = Service::new("edge", "gateway", Schemes::default(), true);
        service.become_like(START, scene(None, vec![Seen { ready: false, ..seen("a", "new", Track::Canary) }]));
        assert!(service.pods.is_empty());
    }
}
