//! The metrics of one environment as they are at a moment, for those who ask: nothing in it changes, so that no question holds
//! the world up.

use std::sync::Arc;

use promql_parser::label::Matcher;

use super::collector::{self, Collector, CollectorLine};
use super::family::{FAMILIES, What, members, names};
use super::line::{Conditions, Line, spans};
use super::pod::{Pod, Track};
use super::rules::{self, Recorded};
use super::service::Service;
use crate::demo::promql::labels::{Labels, NAME, Text};
use crate::demo::promql::series::{Point, Rise, Series, Source, fits};

/// The metrics at a moment.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// What holds for all of them.
    pub conditions: Arc<Conditions>,
    /// The services, in the order in which they came.
    pub services: Arc<[Arc<Service>]>,
    /// The collector.
    pub collector: Arc<Collector>,
}

/// A series of any kind.
pub enum Item {
    /// Of a pod.
    Line(Line),
    /// Of the collector.
    Collector(CollectorLine),
    /// By a recording rule.
    Recorded(Recorded),
}

impl Series for Item {
    fn labels(&self) -> Labels {
        match self {
            Self::Line(line) => line.labels(),
            Self::Collector(line) => line.labels(),
            Self::Recorded(line) => line.labels(),
        }
    }

    fn points(&self, from: i64, to: i64, into: &mut Vec<Point>) {
        match self {
            Self::Line(line) => line.points(from, to, into),
            Self::Collector(line) => line.points(from, to, into),
            Self::Recorded(line) => line.points(from, to, into),
        }
    }

    fn newest(&self, after: i64, to: i64) -> Option<Point> {
        match self {
            Self::Line(line) => line.newest(after, to),
            Self::Collector(line) => line.newest(after, to),
            Self::Recorded(line) => line.newest(after, to),
        }
    }

    fn rise(&self, from: i64, to: i64) -> Option<Rise> {
        match self {
            Self::Line(line) => line.rise(from, to),
            Self::Collector(line) => line.rise(from, to),
            Self::Recorded(line) => line.rise(from, to),
        }
    }
}

impl Source for Snapshot {
    type Item = Item;

    fn select(&self, matchers: &[Matcher]) -> Result<Vec<Item>, String> {
        let (of_name, others): (Vec<&Matcher>, Vec<&Matcher>) = matchers.iter().partition(|matcher| matcher.name == NAME);
        let wanted = |name: &str| of_name.iter().all(|matcher| matcher.is_match(name));
        let mut found = Vec::new();
        let names: Vec<Text> = FAMILIES.iter().flat_map(names).filter(|name| wanted(name)).map(Text::from).collect();
        self.lines(&names, &others, |line| found.push(Item::Line(line)));
        for (metric, ..) in collector::METRICS.iter().filter(|(name, ..)| wanted(name)) {
            if fits(&collector::labels(metric), matchers) {
                let (collector, conditions) = (self.collector.clone(), self.conditions.clone());
                found.push(Item::Collector(CollectorLine { collector, conditions, metric }));
            }
        }
        rules::select(self, wanted, matchers, |line| found.push(Item::Recorded(line)))?;
        Ok(found)
    }
}

impl Snapshot {
    /// The time as the metrics server's clock shows it, in milliseconds since 1970.
    pub fn now(&self) -> i64 {
        self.conditions.now + self.conditions.ahead
    }

    /// The series of pods with one of these names whose labels fit; matchers of the name are not looked at.
    pub fn lines(&self, names: &[Text], matchers: &[&Matcher], mut each: impl FnMut(Line)) {
        if names.is_empty() {
            return;
        }
        let keys = Keys::default();
        let fits = |key: &str, value: &str| matchers.iter().all(|matcher| matcher.name != key || matcher.is_match(value));
        for service in self.services.iter() {
            if !fits("namespace", &service.namespace) || !fits("job", &service.name) {
                continue;
            }
            for pod in service.pods.iter().filter(|pod| fits("pod", &pod.name) && fits(HASH, &pod.hash)) {
                for (number, (_, track)) in pod.tracks.iter().enumerate() {
                    // One that it had been before is the same series.
                    let again = pod.tracks.iter().take(number).any(|(_, before)| before == track);
                    if again || !fits("track", track.text()) {
                        continue;
                    }
                    let base = keys.base(service, pod, number);
                    let times: Arc<[(i64, i64)]> = spans(service, pod, number, true).into();
                    for name in names {
                        for (own, what) in members(name, service, *track).iter() {
                            let up = *what == What::Up;
                            let instance = [(keys.instance.clone(), pod.instance.clone())];
                            let own = if up { instance.as_slice() } else { own.as_slice() };
                            if is_never(*what, pod) || !meets(matchers, &base, own) {
                                continue;
                            }
                            let mut labels = Vec::with_capacity(base.len() + own.len());
                            labels.extend(base.iter().chain(own).cloned());
                            labels.sort_unstable();
                            // Whether a pod could be scraped is known although it could not.
                            let spans = if up { spans(service, pod, number, false).into() } else { times.clone() };
                            each(Line {
                                conditions: self.conditions.clone(),
                                service: service.clone(),
                                pod: pod.clone(),
                                spans,
                                labels: Labels::sorted(name.clone(), labels),
                                what: *what,
                            });
                        }
                    }
                }
            }
        }
    }
}

/// The label of a version.
const HASH: &str = "rollouts_pod_template_hash";

/// The names of the labels that every series of a pod has.
struct Keys {
    job: Text,
    namespace: Text,
    pod: Text,
    hash: Text,
    service: Text,
    track: Text,
    instance: Text,
    tracks: [Text; 2],
}

impl Default for Keys {
    fn default() -> Self {
        let text = Text::from;
        Self {
            job: text("job"),
            namespace: text("namespace"),
            pod: text("pod"),
            hash: text(HASH),
            service: text("service"),
            track: text("track"),
            instance: text("instance"),
            tracks: [text("canary"), text("stable")],
        }
    }
}

impl Keys {
    fn base(&self, service: &Service, pod: &Pod, number: usize) -> Vec<(Text, Text)> {
        let track = pod.tracks.get(number).map_or(Track::Stable, |(_, track)| *track);
        let ([canary, stable], [of_canary, of_stable]) = (&service.names, &self.tracks);
        let canaries = track == Track::Canary;
        let (named, track) = if canaries { (&canary.0, of_canary) } else { (&stable.0, of_stable) };
        vec![
            (self.job.clone(), service.name.clone()),
            (self.namespace.clone(), service.namespace.clone()),
            (self.pod.clone(), pod.name.clone()),
            (self.hash.clone(), pod.hash.clone()),
            (self.service.clone(), named.clone()),
            (self.track.clone(), track.clone()),
        ]
    }
}

/// A series of failures of a pod that never failed.
fn is_never(what: What, pod: &Pod) -> bool {
    match what {
        What::Bucket(class, _) | What::Sum(class, _) => class.is_of_failures() && !pod.ever_failed(),
        _ => false,
    }
}

/// Labels in two parts fit; a label that is in neither is an empty text.
fn meets(matchers: &[&Matcher], base: &[(Text, Text)], own: &[(Text, Text)]) -> bool {
    matchers.iter().all(|matcher| {
        let value = base.iter().chain(own).find(|(key, _)| **key == *matcher.name).map_or("", |(_, value)| value);
        matcher.is_match(value)
    })
}
