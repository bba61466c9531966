//! What a metrics server says about the company, as facts: how its signals went in the last half hour, its alerts, its budgets.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use pilothouse::app::State;
use pilothouse::config::metrics::Address;
use pilothouse::config::{Credentials, Environment, Links, Prometheus, Settings};
use pilothouse::domain::fact::{MetricsNews, News};
use pilothouse::domain::id::Key;
use pilothouse::domain::series::Series;
use pilothouse::domain::signal::{
    Alert, AlertState, Alerts, Comparator, Expression, Fleet, FleetRow, Limit, Measured, MetricsLink, Origin, Signal, SignalKind,
    Target, Template, Track, TrackSeries, Unit,
};
use pilothouse::domain::slo::{BurnAlert, BurnReading, Collector, RecordedSlo, Slo};

use super::company::now;

/// Seconds between two values.
const STEP: u32 = 15;
/// Seconds of which a poll tells.
const SPAN: u32 = 1_800;

/// The settings with a metrics server for their first environment.
pub fn measured(settings: Settings) -> Settings {
    let mut settings = Settings {
        signals: signals().into(),
        slo: Some(Slo { objective: 0.999, period: 2_592_000, error_ratio: None, alerts: BurnAlert::usual(2_592_000).into() }),
        links: Links {
            grafana: Some("https://grafana.harbor.example".to_owned()),
            dashboard: Some("/d/golden/signals".to_owned()),
            ..Links::default()
        },
        ..settings
    };
    if let Some(first) = settings.environments.first_mut() {
        *first = Environment { prometheus: Some(Arc::new(server())), ..first.clone() };
    }
    settings
}

fn server() -> Prometheus {
    Prometheus {
        address: Address::Url("http://prometheus.monitoring:9090".to_owned()),
        post: true,
        headers: BTreeMap::new(),
        parameters: BTreeMap::new(),
        credentials: Credentials::None,
        ca: None,
        identity: None,
        interval: SignedDuration::from_secs(STEP.into()),
        timeout: SignedDuration::from_secs(10),
        stale_after: SignedDuration::from_secs(90),
        labels: ["namespace", "job", "track"].map(str::to_owned),
    }
}

fn signal(name: &str, kind: SignalKind, (comparator, threshold): (Comparator, f64), unit: Unit) -> Signal {
    let template = |text: &str| Template::read(text, &[]).unwrap();
    let ratio = kind == SignalKind::Errors;
    Signal {
        name: name.into(),
        kind,
        expression: if ratio {
            Expression::Ratio { bad: template("bad{job=\"{{service}}\"}"), total: template("total{job=\"{{service}}\"}") }
        } else {
            Expression::Value(template(&format!("{name}{{job=\"{{{{service}}}}\",track=\"{{{{track}}}}\"}}")))
        },
        fleet: None,
        traffic: None,
        limit: Limit { comparator, threshold },
        unit,
        window: 300,
        per_track: true,
        gate: kind != SignalKind::Traffic,
        min_traffic: 0.5,
        lasting: 0,
        hysteresis: 0.0,
        origin: Origin::Preset("otel".into()),
    }
}

/// The four golden ones.
pub fn signals() -> Vec<Signal> {
    vec![
        signal("p95", SignalKind::Latency, (Comparator::Less, 1.5), Unit::Seconds),
        signal("errors", SignalKind::Errors, (Comparator::Less, 0.01), Unit::Ratio),
        signal("saturation", SignalKind::Saturation, (Comparator::Less, 0.8), Unit::Ratio),
        signal("traffic", SignalKind::Traffic, (Comparator::Greater, 1.0), Unit::PerSecond),
    ]
}

/// How a signal went: its value so many seconds ago.
pub type Course<'a> = &'a dyn Fn(&str, Track, i64) -> f32;

/// All is well.
pub fn calm(signal: &str, track: Track, ago: i64) -> f32 {
    let canary = track == Track::Canary;
    #[expect(clippy::cast_precision_loss, reason = "a few thousand seconds")]
    let wave = (ago as f32 / 140.0).sin() * 0.5 + (ago as f32 / 37.0).cos() * 0.3;
    match signal {
        "p95" => (if canary { 0.412 } else { 0.388 }) + 0.04 * wave,
        "errors" => {
            if canary {
                0.0028 + 0.0009 * wave
            } else {
                0.0017 - 0.0006 * wave
            }
        }
        "saturation" => (if canary { 0.61 } else { 0.58 }) + 0.02 * wave,
        _ => (if canary { 212.0 } else { 640.0 }) + 9.0 * wave,
    }
}

/// The canary's errors have risen to 1.8 % since it got its weight.
pub fn errors(signal: &str, track: Track, ago: i64) -> f32 {
    let well = calm(signal, track, ago);
    if signal != "errors" || track != Track::Canary || ago > 330 {
        return well;
    }
    #[expect(clippy::cast_precision_loss, reason = "a few hundred seconds")]
    let risen = ((330 - ago) as f32 / 200.0).min(1.0);
    well + 0.016 * risen
}

/// A handful of requests only.
pub fn quiet(signal: &str, track: Track, ago: i64) -> f32 {
    if signal == "traffic" { calm(signal, track, ago) / 1_500.0 } else { calm(signal, track, ago) }
}

/// Nobody has scraped it for two minutes.
pub fn gone(signal: &str, track: Track, ago: i64) -> f32 {
    if ago < 130 { f32::NAN } else { calm(signal, track, ago) }
}

/// What a poll found of a target.
pub fn poll(target: &Target, at: Timestamp, course: Course<'_>) -> Measured {
    over(target, (at - SignedDuration::from_secs(SPAN.into()), at, STEP), course)
}

/// What a question about a span found.
pub fn over(target: &Target, (start, end, step): (Timestamp, Timestamp, u32), course: Course<'_>) -> Measured {
    let count = end.duration_since(start).as_secs() / i64::from(step);
    let series = |name: &str, track: Track| {
        let value = |place: i64| course(name, track, now().duration_since(start).as_secs() - place * i64::from(step));
        Series::new(start, step, (0..=count).map(value).collect::<Vec<_>>())
    };
    let one = |name: &str, track: Track| {
        let value = series(name, track);
        let newest = value.points().rev().find_map(|(moment, value)| value.map(|_| moment));
        TrackSeries { track, traffic: Some(series("traffic", track)), value, sampled: newest, pods: None, refused: None }
    };
    let signals = target
        .signals
        .iter()
        .map(|signal| (Arc::clone(&signal.name), target.tracks.iter().map(|(track, _)| one(&signal.name, *track)).collect()));
    Measured {
        key: target.key.clone(),
        uid: target.uid.clone(),
        hash: target.hash.clone(),
        asked: end,
        signals: signals.collect(),
        notes: Vec::new(),
    }
}

/// What is asked for a release of the shown environment.
pub fn target(state: &State, key: &Key) -> Target {
    let environment = state.environment();
    environment.metrics.target(&environment.cluster, key).unwrap_or_else(|| panic!("{key} is not measured"))
}

/// The server answered.
pub fn up() -> News {
    News::Metrics(MetricsNews::Link(MetricsLink::Up { at: now(), millis: 12, sampled: Some(now() - SignedDuration::from_secs(4)) }))
}

/// The server has not answered for so many seconds.
pub fn down(seconds: i64) -> News {
    let reason = "connect to http://prometheus.monitoring:9090: connection refused".into();
    News::Metrics(MetricsNews::Link(MetricsLink::Down { since: now() - SignedDuration::from_secs(seconds), reason }))
}

/// Error ratios of a release over the windows of the usual alerts.
pub fn burn(target: &Target, ratios: [f64; 6]) -> News {
    burn_of(target, ratios, None)
}

/// The same, promised by rules.
pub fn burn_of(target: &Target, ratios: [f64; 6], recorded: Option<RecordedSlo>) -> News {
    let [five, thirty, hour, six, three, period] = ratios;
    let ratios = [(300, five), (1_800, thirty), (3_600, hour), (21_600, six), (259_200, three), (2_592_000, period)];
    News::Metrics(MetricsNews::Burn(Arc::new(BurnReading {
        key: target.key.clone(),
        uid: target.uid.clone(),
        asked: now(),
        ratios: ratios.map(|(seconds, ratio)| (seconds, Some(ratio))).to_vec(),
        retention: None,
        refused: None,
        recorded,
    })))
}

/// Alerts: one fires about the gateway, one is pending about another service, and some are well.
pub fn alerts() -> News {
    let alert = |name: &str, state, minutes: i64, service: &str, summary: &str| Alert {
        name: name.into(),
        state,
        since: (state != AlertState::Inactive).then(|| now() - SignedDuration::from_mins(minutes)),
        labels: [("severity", "page"), ("namespace", "shop"), ("service", service)]
            .map(|(name, value)| (name.into(), value.into()))
            .to_vec(),
        summary: Some(summary.into()),
        query: "".into(),
        problem: None,
    };
    News::Metrics(MetricsNews::Alerts(Alerts::Read(Arc::new([
        alert("GatewayHighErrorRate", AlertState::Firing, 3, "gateway", "more than 1% of the requests fail"),
        alert("OrdersSlow", AlertState::Pending, 1, "orders", "p95 is over 2 s"),
        alert("GatewayDown", AlertState::Inactive, 0, "gateway", ""),
        alert("OrdersDown", AlertState::Inactive, 0, "orders", ""),
    ]))))
}

/// The collector refuses and drops.
pub fn collector() -> News {
    let collector = Collector { accepted: Some(4_000.0), refused: Some(12.0), dropped: Some(3.0), queue: Some(0.91) };
    News::Metrics(MetricsNews::Collector(collector))
}

/// What a grouped query found of services at rest.
pub fn fleet(signal: &str, values: &[(&str, &str, f32)]) -> News {
    let mut rows: Vec<_> = values
        .iter()
        .map(|(namespace, name, value)| FleetRow {
            namespace: (*namespace).into(),
            rollout: (*name).into(),
            track: Track::Canary,
            value: *value,
        })
        .collect();
    rows.sort_by(|a, b| (&a.namespace, &a.rollout, a.track).cmp(&(&b.namespace, &b.rollout, b.track)));
    let fleet = Fleet { signal: signal.into(), asked: now(), rows: rows.into(), notes: Vec::new() };
    News::Metrics(MetricsNews::Fleet(Arc::new(fleet)))
}
