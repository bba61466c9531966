//! What has to be asked to measure a target: each query once, however many signals and tracks need it, and what says how fresh they are.

use super::batch::Ask;
use crate::domain::duration::prometheus;
use crate::domain::signal::{Expression, Origin, Query, Signal, Target, Template, Track, Variables};

/// Most places on a chart: no terminal is finer.
const PLACES: u32 = 240;
/// Largest step that a verdict is read from, in seconds.
const COARSEST: u32 = 30;

/// Everything that is asked about one target.
#[derive(Debug, Default)]
pub struct Plan {
    /// Queries over time.
    pub ranges: Vec<Ask>,
    /// Queries of now: how old the newest sample is, how many pods there are.
    pub instants: Vec<Ask>,
    /// For each signal, each of its tracks.
    pub signals: Vec<Vec<Line>>,
}

/// One signal of one track.
#[derive(Debug)]
pub struct Line {
    /// The track.
    pub track: Track,
    /// What its value is made of; or why it cannot be asked for.
    pub value: Result<Value, Box<str>>,
    /// Place of the query for its requests a second.
    pub traffic: Option<usize>,
    /// Places of the queries for the newest sample of each selector that it rests on.
    pub newest: Vec<usize>,
    /// Places of the queries that count its pods and its instances.
    pub counts: Option<[usize; 2]>,
}

/// What a value is made of: places of queries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value {
    /// One query.
    One(usize),
    /// Bad ones through all.
    Ratio(usize, usize),
}

/// Seconds from one value to the next for so many seconds of history: at most 240 values, no finer than the polls, and in round numbers.
pub fn step(span: u32, interval: u32) -> u32 {
    let coarse = span.div_ceil(PLACES).max(interval.min(COARSEST)).max(1);
    if coarse <= 5 { coarse } else { coarse.next_multiple_of(5) }
}

impl Plan {
    /// Plans a target.
    pub fn new(target: &Target) -> Self {
        let mut plan = Self::default();
        let shared = target.signals.iter().find_map(requests);
        for signal in target.signals.iter() {
            let taken = if signal.per_track { target.tracks.len() } else { 1 };
            let lines = target.tracks.iter().take(taken).map(|(track, variables)| {
                let track = if signal.per_track { *track } else { Track::All };
                plan.line(signal, track, variables, shared)
            });
            let lines = lines.collect();
            plan.signals.push(lines);
        }
        plan
    }

    fn line(&mut self, signal: &Signal, track: Track, variables: &Variables, shared: Option<(&Template, u32)>) -> Line {
        let of_signal = with(variables, track, signal.window);
        let mut rests_on = Vec::new();
        let mut ask = |plan: &mut Self, template: &Template| {
            let (place, query) = plan.range(&template.fill(&of_signal)?);
            rests_on.push(query);
            Ok::<_, String>(place)
        };
        let value = match &signal.expression {
            Expression::Value(query) => ask(self, query).map(Value::One),
            Expression::Ratio { bad, total } => {
                // All first: the ratio is as fresh as that; bad ones need not exist.
                ask(self, total).and_then(|total| {
                    let filled = bad.fill(&of_signal)?;
                    Ok(Value::Ratio(self.range(&filled).0, total))
                })
            }
        };
        let traffic = requests(signal).or(shared).and_then(|(template, window)| {
            let filled = template.fill(&with(variables, track, window)).ok()?;
            Some(self.range(&filled).0)
        });
        let selectors: Vec<String> = rests_on.iter().flatten().flat_map(Query::selectors).collect();
        let newest = selectors.iter().map(|selector| self.instant(&format!("max(timestamp({selector}))"))).collect();
        let counts = selectors.first().map(|selector| {
            let of = |label: &str| format!("count(count by ({label}) ({}))", having(selector, label));
            [self.instant(&of("pod")), self.instant(&of("instance"))]
        });
        Line { track, value: value.map_err(String::into_boxed_str), traffic, newest, counts }
    }

    fn range(&mut self, text: &str) -> (usize, Option<Query>) {
        let query = Query::read(text).ok();
        let ask = Ask { text: text.into(), scalar: query.as_ref().is_some_and(Query::is_scalar), alone: query.is_none() };
        (place_of(&mut self.ranges, ask), query)
    }

    fn instant(&mut self, text: &str) -> usize {
        place_of(&mut self.instants, Ask { text: text.into(), scalar: false, alone: false })
    }
}

/// What a signal says itself about requests a second, and the window for that. What a rule records is of all versions: it says nothing of one.
fn requests(signal: &Signal) -> Option<(&Template, u32)> {
    if matches!(signal.origin, Origin::Recorded(_)) {
        return None;
    }
    let of_ratio = match &signal.expression {
        Expression::Ratio { total, .. } => Some(total),
        Expression::Value(query) if signal.kind == crate::domain::signal::SignalKind::Traffic => Some(query),
        Expression::Value(_) => None,
    };
    signal.traffic.as_ref().or(of_ratio).map(|template| (template, signal.window))
}

fn with(variables: &Variables, track: Track, window: u32) -> Variables {
    let named = if variables.get("track").is_some() { variables.clone() } else { variables.clone().with("track", track.name()) };
    named.with("window", &prometheus(window))
}

fn place_of(asks: &mut Vec<Ask>, ask: Ask) -> usize {
    if let Some(place) = asks.iter().position(|known| *known == ask) {
        return place;
    }
    asks.push(ask);
    asks.len() - 1
}

/// A selector of those series only that have a label.
fn having(selector: &str, label: &str) -> String {
    match selector.strip_suffix('}') {
        Some(open) if open.ends_with('{') => format!("{open}{label}!=\"\"}}"),
        Some(open) => format!("{open},{label}!=\"\"}}"),
        None => format!("{selector}{{{label}!=\"\"}}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::{Key, Kind};
    use crate::domain::signal::preset;

    fn target(tracks: usize) -> Target {
        let variables = |hash: &str| {
            ["service", "namespace", "workload", "track_service"]
                .into_iter()
                .fold(Variables::default().with("pod_hash", hash), |all, name| all.with(name, "web"))
        };
        let tracks = [(Track::Canary, variables("new")), (Track::Stable, variables("old"))].into_iter().take(tracks).collect();
        Target {
            key: Key::new(Kind::Rollout, "shop", "web"),
            uid: "u".into(),
            hash: "new".into(),
            signals: preset("otel", ["namespace", "job", "track"]).unwrap().into(),
            tracks,
            span: 3600,
            slo: false,
        }
    }

    #[test]
    fn every_query_is_asked_once() {
        let plan = Plan::new(&target(2));
        // For each track: p95, bad, total (which is the traffic too), saturation.
        assert_eq!((plan.ranges.len(), plan.signals.len()), (8, 4));
        let [errors, _] = &*plan.signals[1] else { panic!("{plan:?}") };
        let Ok(Value::Ratio(_, total)) = errors.value else { panic!("{errors:?}") };
        assert!(
            plan.signals
                .iter()
                .all(|lines| lines[0].traffic == Some(total) && lines[1].traffic.is_some_and(|other| other != total))
        );
        for ask in plan.ranges.iter().chain(&plan.instants) {
            Query::read(&ask.text).unwrap_or_else(|error| panic!("{}: {error}", ask.text));
        }
        assert_eq!((errors.newest.len(), plan.signals[2][0].newest.len()), (1, 2));
        assert_eq!(Plan::new(&target(1)).ranges.len(), 4);
    }

    #[test]
    fn a_variable_without_a_value_is_that_signals_trouble() {
        let mut target = target(1);
        target.tracks = vec![(Track::Canary, Variables::default().with("namespace", "shop"))];
        let plan = Plan::new(&target);
        assert_eq!(plan.signals[0][0].value, Err("{{service}} has no value here".into()));
        assert!(plan.ranges.is_empty() && plan.signals[0][0].newest.is_empty());
    }

    #[test]
    fn steps_are_round_and_few() {
        assert_eq!([step(3600, 15), step(900, 15), step(86_400, 15), step(600, 1), step(3600, 600)], [15, 15, 360, 3, 30]);
    }

    #[test]
    fn a_label_is_asked_for_in_any_selector() {
        assert_eq!(having("x", "pod"), "x{pod!=\"\"}");
        assert_eq!(having("x{a=\"b\"}", "pod"), "x{a=\"b\",pod!=\"\"}");
    }
}
