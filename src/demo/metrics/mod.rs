//! The metrics of one environment: what its services' counters, histograms and gauges would have shown at any time. Nothing is
//! stored: every series is a function of time, worked out from what has been seen of the objects — which pods took requests,
//! how the traffic was split — and from how each version does its work. The same world has the same metrics.
//!
//! It never changes an object, and it knows nothing that comes after the world's time.

mod behaviour;
mod collector;
pub mod exposition;
mod family;
mod line;
mod mark;
mod observe;
mod pod;
pub mod rules;
mod service;
mod snapshot;
#[cfg(test)]
mod tests;
mod traffic;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;

use super::{Resource, Store};
use collector::Collector;
pub use collector::Trouble;
pub use family::Kind;
pub use line::Conditions;
use mark::of_analysis;
pub use mark::{Effect, Scope};
use observe::Named;
use service::{Service, Span};
pub use snapshot::Snapshot;

/// The collector has run so long before the world was made, in milliseconds.
const COLLECTOR_PAST: i64 = 35 * 24 * 3_600_000;

/// Something that the metrics are told, and no object says.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Turn {
    /// A service works otherwise from now on; without an effect as before. Named `namespace/name`, by its name alone, or `*`.
    Service {
        /// Which service.
        service: String,
        /// Which of its pods.
        #[serde(default)]
        track: Scope,
        /// How; nothing takes it back.
        #[serde(default)]
        effect: Option<Effect>,
    },
    /// The metric of an analysis has this value, or is well again.
    Analysis {
        /// As [`super::Knob::Metric`] names it.
        name: String,
        /// Null lets it be well.
        value: Value,
    },
    /// A pod (`namespace/name`) cannot be scraped.
    Hide {
        /// Which pod.
        pod: String,
        /// It can again, if not.
        #[serde(default = "yes")]
        on: bool,
    },
    /// Nobody scrapes the canary of a service.
    Blind {
        /// Which service.
        service: String,
        /// Somebody does again, if not.
        #[serde(default = "yes")]
        on: bool,
    },
    /// The samples of a service are no numbers.
    Nan {
        /// Which service.
        service: String,
        /// They are again, if not.
        #[serde(default = "yes")]
        on: bool,
    },
    /// The counters of a service's pods begin anew.
    Reset {
        /// Which service.
        service: String,
    },
    /// No samples are taken.
    Stop {
        /// They are again, if not.
        #[serde(default = "yes")]
        on: bool,
    },
    /// The clock of the metrics server is wrong.
    Clock {
        /// So many seconds ahead of the world's, or behind it.
        seconds: f64,
    },
    /// The collector has trouble.
    Collector {
        /// Which.
        trouble: Trouble,
    },
}

fn yes() -> bool {
    true
}

/// The metrics of one environment.
#[derive(Debug)]
pub struct Metrics {
    production: bool,
    services: Vec<Arc<Service>>,
    places: HashMap<(String, String), usize>,
    /// The services of pods, also of those that have gone.
    owners: HashMap<(String, String), Named>,
    collector: Arc<Collector>,
    stopped: Vec<Span>,
    /// Milliseconds.
    ahead: i64,
    /// What the world's people have said since the beginning of services that are not there yet.
    said: Vec<Turn>,
}

impl Metrics {
    /// Those of an environment that begins at a time; in production there is ten times as much traffic.
    pub fn new(production: bool, since: jiff::Timestamp) -> Self {
        let since = since.as_millisecond() - COLLECTOR_PAST;
        Self {
            production,
            services: Vec::new(),
            places: HashMap::new(),
            owners: HashMap::new(),
            collector: Arc::new(Collector::new(since)),
            stopped: Vec::new(),
            ahead: 0,
            said: Vec::new(),
        }
    }

    /// Takes in what has changed in the store since the last time. What it sees has become so at the store's time.
    pub fn observe(&mut self, store: &mut Store) {
        let mut changed = BTreeSet::new();
        for (resource, (namespace, name)) in store.take_touched() {
            let known = (resource == Resource::Pod).then(|| self.owners.get(&(namespace.clone(), name.clone())).cloned()).flatten();
            let Some(named) = known.or_else(|| observe::owner(store, resource, &namespace, &name)) else { continue };
            if resource == Resource::Pod {
                self.owners.insert((namespace, name), named.clone());
            }
            changed.insert(named);
        }
        let now = store.now().as_millisecond();
        for named in changed {
            self.look(store, &named, now);
        }
    }

    fn look(&mut self, store: &Store, named: &Named, now: i64) {
        let key = (named.namespace.clone(), named.name.clone());
        let seen = observe::look(store, named);
        let place = match (self.places.get(&key), &seen) {
            (Some(place), _) => *place,
            (None, None) => return,
            (None, Some((schemes, _))) => {
                let mut service = Service::new(&named.namespace, &named.name, *schemes, self.production);
                for turn in &self.said {
                    if concerns(turn, &service.namespace, &service.name) {
                        tell(&mut service, turn, now);
                    }
                }
                self.services.push(Arc::new(service));
                self.places.insert(key, self.services.len() - 1);
                self.services.len() - 1
            }
        };
        let scene = seen.map(|(_, scene)| scene).unwrap_or_default();
        if let Some(service) = self.services.get_mut(place) {
            Arc::make_mut(service).become_like(now, scene);
        }
    }

    /// Takes in what it is told, at a time of the world.
    pub fn turn(&mut self, turn: Turn, now: jiff::Timestamp) {
        let now = now.as_millisecond();
        match &turn {
            Turn::Stop { on } => span(&mut self.stopped, now, *on),
            #[expect(clippy::cast_possible_truncation, reason = "clocks are wrong by minutes, and no number is none")]
            Turn::Clock { seconds } => self.ahead = (seconds * 1000.0) as i64,
            Turn::Collector { trouble } => Arc::make_mut(&mut self.collector).become_like(now, *trouble),
            _ => {
                for service in self.services.iter_mut().filter(|service| concerns(&turn, &service.namespace, &service.name)) {
                    tell(Arc::make_mut(service), &turn, now);
                }
                if matches!(turn, Turn::Service { .. } | Turn::Analysis { .. }) {
                    self.said.push(turn);
                }
            }
        }
    }

    /// How many milliseconds the metrics server's clock is ahead of the world's.
    pub fn ahead(&self) -> i64 {
        self.ahead
    }

    /// The metrics at a time of the world.
    pub fn snapshot(&self, now: jiff::Timestamp) -> Snapshot {
        let conditions = Conditions { now: now.as_millisecond(), ahead: self.ahead, stopped: self.stopped.clone() };
        Snapshot { conditions: Arc::new(conditions), services: self.services.as_slice().into(), collector: self.collector.clone() }
    }
}

/// What is told is about this service.
fn concerns(turn: &Turn, namespace: &str, name: &str) -> bool {
    let full = format!("{namespace}/{name}");
    match turn {
        Turn::Service { service, .. } | Turn::Blind { service, .. } | Turn::Nan { service, .. } | Turn::Reset { service } => {
            service == "*" || *service == full || service == name
        }
        Turn::Hide { pod, .. } => pod.split_once('/').is_some_and(|(of, _)| of == namespace),
        Turn::Analysis { name: metric, .. } => match metric.rsplit_once('/') {
            None => true,
            Some((owner, _)) => owner == namespace || owner == full,
        },
        Turn::Stop { .. } | Turn::Clock { .. } | Turn::Collector { .. } => false,
    }
}

fn tell(service: &mut Service, turn: &Turn, now: i64) {
    match turn {
        Turn::Service { track, effect, .. } => service.mark(now, "told", *track, *effect),
        Turn::Analysis { name, value } => {
            let metric = name.rsplit('/').next().unwrap_or_default();
            let effect = value.as_f64().and_then(|value| of_analysis(metric, value));
            service.mark(now, name, Scope::Version, effect);
        }
        Turn::Hide { pod, on } => {
            let name = pod.rsplit('/').next().unwrap_or_default();
            if let Some(pod) = service.pod(name) {
                span(&mut pod.hidden, now, *on);
            }
        }
        Turn::Blind { on, .. } => span(&mut service.blind, now, *on),
        Turn::Nan { on, .. } => span(&mut service.nan, now, *on),
        Turn::Reset { .. } => service.living().for_each(|pod| pod.resets.push(now)),
        Turn::Stop { .. } | Turn::Clock { .. } | Turn::Collector { .. } => {}
    }
}

/// Begins or ends a span.
fn span(spans: &mut Vec<Span>, now: i64, on: bool) {
    match (spans.last_mut(), on) {
        (Some((_, open @ None)), false) => *open = Some(now),
        (Some((_, None)), true) | (_, false) => {}
        (_, true) => spans.push((now, None)),
    }
}
