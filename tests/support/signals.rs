//! Signals of `gateway` as a metrics server would tell them: errors and p95, both gates, measured every 15 s.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use pilothouse::config::{self, Environment, Settings, Tier};
use pilothouse::domain::fact::{MetricsNews, News};
use pilothouse::domain::id::{Key, Kind};
use pilothouse::domain::series::Series;
use pilothouse::domain::signal::{
    Comparator, Expression, Limit, Measured, MetricsLink, Origin, Signal, SignalKind, Template, Track, TrackSeries, Unit,
};

use super::cockpit::{self, Cockpit};

/// Seconds between two values.
const STEP: u32 = 15;
/// Values of a series.
const POINTS: usize = 60;

fn template(query: &str) -> Template {
    Template::read(query, &[]).unwrap()
}

fn signal(name: &str, kind: SignalKind, (threshold, unit): (f64, &str)) -> Signal {
    Signal {
        name: name.into(),
        kind,
        expression: Expression::Value(template(&format!("{name}{{{{track}}}}"))),
        fleet: None,
        traffic: Some(template("traffic{{track}}")),
        limit: Limit { comparator: Comparator::Less, threshold },
        unit: Unit::read(unit),
        window: 60,
        per_track: true,
        gate: true,
        min_traffic: 0.0,
        lasting: 0,
        hysteresis: 0.0,
        origin: Origin::Configuration,
    }
}

/// Errors below 1 % and p95 below 1.5 s.
pub fn signals() -> Arc<[Signal]> {
    Arc::new([signal("errors", SignalKind::Errors, (0.01, "ratio")), signal("p95", SignalKind::Latency, (1.5, "s"))])
}

/// Production with metrics and these two gates.
pub fn settings() -> Settings {
    let prometheus = config::Prometheus {
        address: config::metrics::Address::Url("http://prometheus.example:9090".into()),
        post: true,
        headers: Default::default(),
        parameters: Default::default(),
        credentials: config::Credentials::None,
        ca: None,
        identity: None,
        interval: SignedDuration::from_secs(15),
        timeout: SignedDuration::from_secs(10),
        stale_after: SignedDuration::from_secs(90),
        labels: ["namespace", "job", "track"].map(str::to_owned),
    };
    let environment =
        Environment { name: "prod".to_owned(), tier: Tier::Prod, prometheus: Some(Arc::new(prometheus)), ..Environment::current() };
    Settings { environments: vec![environment], signals: signals(), ..Settings::default() }
}

/// What is measured of `gateway` at a moment: errors of the canary and of stable as parts of 1; p95 is well.
pub fn measured(now: Timestamp, canary: f32, stable: f32) -> Vec<News> {
    let start = now - SignedDuration::from_secs(i64::from(STEP) * (i64::try_from(POINTS).unwrap() - 1));
    let series = |value: f32| Series::new(start, STEP, vec![value; POINTS]);
    let of = |track, value: f32, traffic: f32| TrackSeries {
        track,
        value: series(value),
        traffic: Some(series(traffic)),
        sampled: Some(now),
        pods: None,
        refused: None,
    };
    let both = |canary, stable| vec![of(Track::Canary, canary, 100.0), of(Track::Stable, stable, 300.0)];
    let measured = Measured {
        key: Key::new(Kind::Rollout, "shop", "gateway"),
        uid: "uid-gateway".into(),
        hash: "bad".into(),
        asked: now,
        signals: vec![("errors".into(), both(canary, stable)), ("p95".into(), both(0.4, 0.38))],
        notes: Vec::new(),
    };
    let link = MetricsLink::Up { at: now, millis: 12, sampled: Some(now) };
    vec![News::Metrics(MetricsNews::Link(link)), News::Metrics(MetricsNews::Measured(Arc::new(measured)))]
}

impl Cockpit {
    /// `gateway` in production with metrics: so many errors on its canary, as a part of 1.
    pub fn measured(canary: f32) -> Self {
        let mut cockpit = Self::with(&settings(), cockpit::gateway(serde_json::json!({})));
        cockpit.errors(canary, 0.002);
        cockpit.effects.clear();
        cockpit
    }

    /// A poll now: so many errors on the canary and on stable.
    pub fn errors(&mut self, canary: f32, stable: f32) {
        let now = self.state.now;
        self.hear(measured(now, canary, stable));
        self.effects.retain(|effect| !matches!(effect, pilothouse::app::Effect::Measure { .. }));
    }
}
