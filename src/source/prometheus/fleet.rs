//! Signals of all rollouts at once: one grouped query per poll and expression, however many rollouts there are.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use futures::{StreamExt, stream};
use jiff::Timestamp;

use super::aim::{add, moment};
use super::answer::{Answer, Labels};
use super::batch::{When, send};
use super::server::Server;
use super::trouble::Trouble;
use crate::domain::duration::prometheus;
use crate::domain::signal::{Expression, Fleet, FleetRow, Query, Signal, Track, Variables};

/// Queries at once.
const ABREAST: usize = 2;
/// Names are forgotten when there are more than this.
const MOST_NAMES: usize = 100_000;

/// The grouped queries of an environment.
pub struct Fleets {
    /// Each query once.
    queries: Vec<String>,
    /// For each signal that has some: its name, and the places of its queries.
    signals: Vec<(Arc<str>, Asked)>,
    /// Tells how old the newest sample is.
    newest: Option<String>,
    /// Names that were seen, each kept once.
    names: Names,
}

#[derive(Clone, Copy)]
enum Asked {
    One(usize),
    Ratio(usize, usize),
}

impl Asked {
    fn each(self) -> Vec<usize> {
        match self {
            Self::One(place) => vec![place],
            Self::Ratio(bad, total) => vec![bad, total],
        }
    }
}

/// What one poll found.
pub struct Found {
    /// For the core.
    pub fleets: Vec<Fleet>,
    /// How long the slowest request took, in milliseconds.
    pub millis: u32,
    /// The newest sample, by the local clock.
    pub sampled: Option<Timestamp>,
    /// Queries that the server does not take, with what it says.
    pub refused: Vec<Box<str>>,
}

/// Namespace, rollout and track.
type Name = (Arc<str>, Arc<str>, Track);
/// Texts, each kept once.
type Names = HashSet<Arc<str>>;

impl Fleets {
    /// What is asked for these signals, in this region.
    pub fn new(signals: &[Signal], region: Option<&str>) -> Self {
        let mut fleets = Self { queries: Vec::new(), signals: Vec::new(), newest: None, names: HashSet::new() };
        for signal in signals {
            let variables =
                Variables::default().with("window", &prometheus(signal.window)).with("region", region.unwrap_or_default());
            let asked = match &signal.fleet {
                None => continue,
                Some(Expression::Value(query)) => query.fill(&variables).map(|query| Asked::One(fleets.place(query))),
                Some(Expression::Ratio { bad, total }) => bad.fill(&variables).and_then(|bad| {
                    let total = total.fill(&variables)?;
                    Ok(Asked::Ratio(fleets.place(bad), fleets.place(total)))
                }),
            };
            // The configuration has looked at the variables; what slipped through is not asked for.
            if let Ok(asked) = asked {
                fleets.signals.push((Arc::clone(&signal.name), asked));
            }
        }
        // Buckets are many, and no newer than the count beside them; and of those that failed there may be none.
        let selectors = fleets.queries.iter().filter_map(|query| Query::read(query).ok()?.selectors().into_iter().next());
        fleets.newest = selectors.min_by_key(|selector| (selector.contains("_bucket"), selector.len()));
        fleets
    }

    /// Whether nothing is asked.
    pub fn is_empty(&self) -> bool {
        self.queries.is_empty()
    }

    fn place(&mut self, query: String) -> usize {
        if let Some(place) = self.queries.iter().position(|known| *known == query) {
            return place;
        }
        self.queries.push(query);
        self.queries.len() - 1
    }

    /// Asks everything once. That the server answers nothing at all is an error; a query that it does not answer leaves its signal out.
    pub async fn poll(&mut self, server: &Server) -> Result<Found, Trouble> {
        let asked = server.now();
        let newest = self.newest.as_ref().map(|selector| format!("max(timestamp({selector}))"));
        let texts: Vec<String> = self.queries.iter().cloned().chain(newest).collect();
        let asks = texts.into_iter().map(|text| async move { send(server, &text, When::At(None)).await });
        let labels = &server.settings().labels;
        let count = self.queries.len();
        let mut answers: Vec<Result<u32, Trouble>> = Vec::new();
        let mut notes: Vec<Vec<Box<str>>> = Vec::new();
        let mut sorted: Vec<Option<BTreeMap<Name, f64>>> = Vec::new();
        let mut sampled = None;
        let mut running = stream::iter(asks).buffered(ABREAST);
        while let Some(answer) = running.next().await {
            let down = matches!(answer, Err(Trouble::Down { .. } | Trouble::Missing(_)));
            // Sorted at once: an answer about ten thousand rollouts takes more room than all that is kept of it.
            let (answer, millis) =
                answer.map_or_else(|trouble| (None, Err(trouble)), |(answer, millis)| (Some(answer), Ok(millis)));
            notes.push(answer.as_ref().map(|answer| answer.notes.clone()).unwrap_or_default());
            if answers.len() < count {
                sorted.push(answer.map(|answer| sort(&mut self.names, answer, labels)));
            } else {
                let seconds = answer.and_then(|answer| Some(answer.series.first()?.1.first()?.1));
                sampled = seconds.and_then(|seconds| moment(seconds, server.skew().unwrap_or_default()));
            }
            answers.push(millis);
            // Nobody is there: the others need not be waited for.
            if down && !answers.iter().any(Result::is_ok) {
                break;
            }
        }
        drop(running);
        if let Some(Err(trouble @ (Trouble::Down { .. } | Trouble::Missing(_)))) = answers.iter().find(|answer| answer.is_err())
            && !answers.iter().any(Result::is_ok)
        {
            return Err(trouble.clone());
        }
        let millis = answers.iter().flatten().copied().max().unwrap_or(0);
        let refused = answers.iter().filter_map(|answer| match answer {
            Err(Trouble::Refused(text)) => Some(text.clone()),
            _ => None,
        });
        let refused = refused.collect();
        let value = |place: usize| sorted.get(place).and_then(Option::as_ref);
        let rows = |asked: Asked| match asked {
            Asked::One(place) => value(place).map(|values| values.iter().map(|(name, value)| row(name, *value)).collect()),
            Asked::Ratio(bad, total) => value(total).zip(value(bad)).map(|(total, bad)| ratios(bad, total)),
        };
        let fleets = self.signals.iter().filter_map(|(signal, places)| {
            let rows: Box<[FleetRow]> = rows(*places)?;
            let mut noted = Vec::new();
            places.each().into_iter().filter_map(|place| notes.get(place)).for_each(|more| add(&mut noted, more));
            Some(Fleet { signal: Arc::clone(signal), asked, rows, notes: noted })
        });
        Ok(Found { fleets: fleets.collect(), millis, sampled, refused })
    }
}

/// Values by what their labels say of them. A series that names no rollout is about none.
fn sort(names: &mut Names, answer: Answer, labels: &[String; 3]) -> BTreeMap<Name, f64> {
    if names.len() > MOST_NAMES {
        names.clear();
    }
    let mut sorted = BTreeMap::new();
    let [namespace, rollout, track] = labels;
    for (of_series, values) in answer.series {
        let label = |name: &str| of_series.get(name).unwrap_or_default();
        if label(rollout).is_empty() {
            continue;
        }
        let name = (shared(names, label(namespace)), shared(names, label(rollout)), track_of(&of_series, track));
        if let Some((_, value)) = values.last() {
            sorted.entry(name).or_insert(*value);
        }
    }
    sorted
}

fn shared(names: &mut Names, text: &str) -> Arc<str> {
    if let Some(known) = names.get(text) {
        return Arc::clone(known);
    }
    let name: Arc<str> = text.into();
    names.insert(Arc::clone(&name));
    name
}

fn track_of(labels: &Labels, label: &str) -> Track {
    match labels.get(label).unwrap_or_default() {
        "canary" | "preview" => Track::Canary,
        "stable" | "primary" | "baseline" | "active" => Track::Stable,
        _ => Track::All,
    }
}

fn row((namespace, rollout, track): &Name, value: f64) -> FleetRow {
    #[expect(clippy::cast_possible_truncation, reason = "seven digits are enough to judge by")]
    let value = value as f32;
    FleetRow { namespace: Arc::clone(namespace), rollout: Arc::clone(rollout), track: *track, value }
}

/// As [`Strip::ratio`](super::strip::Strip::ratio), for one moment of all.
fn ratios(bad: &BTreeMap<Name, f64>, total: &BTreeMap<Name, f64>) -> Box<[FleetRow]> {
    let of = |(name, total): (&Name, &f64)| {
        let ratio = match (bad.get(name), *total) {
            (_, total) if total.is_nan() || total <= 0.0 => f64::NAN,
            (None, _) => 0.0,
            (Some(bad), total) => bad / total,
        };
        row(name, ratio)
    };
    total.iter().map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::signal::preset;

    fn name(rollout: &str, track: Track) -> Name {
        ("shop".into(), rollout.into(), track)
    }

    #[test]
    fn what_several_signals_need_is_asked_once() {
        let fleets = Fleets::new(&preset("otel", ["namespace", "job", "track"]).unwrap(), None);
        assert_eq!((fleets.queries.len(), fleets.signals.len()), (4, 4), "{:?}", fleets.queries);
        assert!(fleets.newest.as_deref().is_some_and(|selector| selector.ends_with("_count")), "{:?}", fleets.newest);
    }

    #[test]
    fn rows_are_ordered_and_labels_say_whose_they_are() {
        let mut fleets = Fleets::new(&[], None);
        let labels = ["namespace", "job", "track"].map(str::to_owned);
        let series = |pairs: &[(&str, &str)], value: f64| (pairs.iter().copied().collect::<Labels>(), vec![(0.0, value)]);
        let answer = Answer {
            series: vec![
                series(&[("namespace", "shop"), ("job", "web"), ("track", "stable")], 1.0),
                series(&[("namespace", "shop"), ("job", "web"), ("track", "canary")], 2.0),
                series(&[("namespace", "shop"), ("job", "api")], f64::NAN),
                series(&[("namespace", "shop")], 9.0),
            ],
            notes: Vec::new(),
        };
        let sorted = sort(&mut fleets.names, answer, &labels);
        let names: Vec<_> = sorted.keys().cloned().collect();
        assert_eq!(names, [name("api", Track::All), name("web", Track::Canary), name("web", Track::Stable)]);
    }

    #[test]
    fn a_ratio_needs_traffic_and_no_failures() {
        let total = [
            (name("a", Track::All), 4.0),
            (name("b", Track::All), 2.0),
            (name("c", Track::All), 0.0),
            (name("d", Track::All), 5.0),
        ]
        .into();
        let bad = [(name("a", Track::All), 1.0), (name("d", Track::All), f64::NAN)].into();
        let values: Vec<f32> = ratios(&bad, &total).iter().map(|row| row.value).collect();
        assert_eq!(format!("{values:?}"), "[0.25, 0.0, NaN, NaN]");
    }
}
