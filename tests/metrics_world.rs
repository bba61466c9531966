//! The metrics source against the embedded world and against a real Prometheus that scrapes it: the same signals, from the same rollouts.

use std::path::Path;
use std::time::Duration;

use pilothouse::config::Settings;
use pilothouse::config::metrics::Prometheus as PrometheusSettings;
use pilothouse::config::resolve::resolve;
use pilothouse::demo::{self, Options, Running, Scenario};
use pilothouse::domain::id::{EnvironmentId, Key, Kind};
use pilothouse::domain::signal::{AlertState, Alerts, Expression, Signal, Target, Track, TrackSeries, Variables};
use pilothouse::source::{Order, Subject};
use serde_json::{Value, json};

use crate::support::admin::{Admin, ROLLOUTS, in_namespace, rollout};
use crate::support::ears::{Ears, Heard, environment, prometheus, target};
use crate::support::prometheus::{Prometheus, ask, binaries};

const SOON: Duration = Duration::from_secs(20);

/// A world, and the settings of its last environment with metrics from this address.
fn stage(scenario: Scenario) -> (Running, tempfile::TempDir, Settings) {
    let options = Options { scenario, at: Duration::from_secs(1500), ..Options::default() };
    let world = demo::start(&options).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let kubeconfig = folder.path().join("kubeconfig");
    std::fs::write(&kubeconfig, world.kubeconfig()).unwrap();
    let text = world.config(&kubeconfig).replace("interval = \"10s\"", "interval = \"1s\"");
    let mut settings = resolve(Path::new("world.toml"), &text, None).unwrap();
    settings.environments = settings.environments.split_off(settings.environments.len() - 1);
    (world, folder, settings)
}

fn ears(settings: &Settings) -> Ears {
    Ears::on(settings.environments[0].clone(), settings.slo.clone())
}

/// The pod hash of a track of a service, as the metrics say it.
fn hash(address: &str, service: &str, track: &str) -> String {
    let query = format!("count by (rollouts_pod_template_hash) (up{{job=\"{service}\",track=\"{track}\"}})");
    let answer = ask(address, "/api/v1/query", &[("query", &query)]);
    let answer: Value = serde_json::from_str(&answer.text).unwrap();
    answer["data"]["result"][0]["metric"]["rollouts_pod_template_hash"].as_str().unwrap_or_default().to_owned()
}

fn gateway(address: &str, settings: &Settings) -> Target {
    let stable = hash(address, "gateway", "stable");
    let of = |track: Track| {
        let pairs = [("service", "gateway"), ("namespace", "edge"), ("workload", "gateway"), ("region", "")];
        let variables = pairs.into_iter().fold(Variables::default(), |all, (name, value)| all.with(name, value));
        let variables = variables.with("pod_hash", &hash(address, "gateway", track.name())).with("stable_hash", &stable);
        (track, variables.with("track", track.name()).with("track_service", &format!("gateway-{}", track.name())))
    };
    Target {
        key: Key::new(Kind::Rollout, "edge", "gateway"),
        uid: "u".into(),
        hash: hash(address, "gateway", "canary").into(),
        signals: settings.environments[0].signals.clone(),
        tracks: vec![of(Track::Canary), of(Track::Stable)],
        span: 600,
        slo: true,
    }
}

fn line<'a>(heard: &'a Heard, signal: &str, track: Track) -> &'a TrackSeries {
    let (_, lines) = heard.measured["gateway"].signals.iter().find(|(name, _)| &**name == signal).unwrap();
    lines.iter().find(|line| line.track == track).unwrap()
}

/// What of that which both servers have to say of the gateway in the middle of its canary is not as it should be.
fn amiss(heard: &Heard) -> Option<String> {
    if !heard.measured.contains_key("gateway") || heard.fleets.len() < 4 {
        return Some("something was not measured".to_owned());
    }
    for track in [Track::Canary, Track::Stable] {
        let bounds = [("p95", 0.01, 0.5), ("errors", 0.0, 0.01), ("saturation", 0.05, 0.8), ("traffic", 1.0, 1e6)];
        for (signal, least, most) in bounds {
            let line = line(heard, signal, track);
            let right = line.value.last().is_some_and(|value| value >= least && value < most);
            if !right || line.refused.is_some() || line.sampled.is_none() || line.pods.is_none_or(|pods| pods == 0) {
                return Some(format!("{signal} of {track:?}: {line:?}"));
            }
        }
        if line(heard, "errors", track).traffic.as_ref().and_then(|traffic| traffic.last())
            != line(heard, "traffic", track).value.last()
        {
            return Some(format!("the traffic of {track:?} is not that of its errors"));
        }
    }
    let rows = &heard.fleets["traffic"].rows;
    let row = |track: Track| rows.iter().find(|row| &*row.rollout == "gateway" && row.track == track).map(|row| row.value);
    let shared = row(Track::Canary).zip(row(Track::Stable)).is_some_and(|(canary, stable)| canary > 1.0 && stable > canary);
    let saturation = &heard.fleets["saturation"].rows;
    let named = saturation.iter().any(|row| &*row.rollout == "gateway" && row.track == Track::Canary);
    (!shared || !named).then(|| format!("{rows:?} {saturation:?}"))
}

#[test]
fn the_world_is_measured_with_everything_around_it() {
    let (world, _folder, settings) = stage(Scenario::Canary);
    let address = world.prometheus_urls.last().unwrap().strip_prefix("http://").unwrap();
    let target = gateway(address, &settings);
    let mut ears = ears(&settings);
    ears.measure(vec![target.clone()]);
    let subject = Subject { key: target.key.clone(), uid: "u".into(), selector: String::new() };
    ears.sources.order(Order::Look { environment: EnvironmentId(0), subjects: vec![subject] });
    ears.until(SOON, "all of it", |heard| {
        heard.fleets.len() == 4
            && heard.measured.contains_key("gateway")
            && heard.alerts.is_some()
            && heard.burns.contains_key("gateway")
            && heard.collector.is_some()
            && heard.templates.contains_key("gateway")
    });
    let heard = &ears.heard;
    assert_eq!(amiss(heard), None);
    let Some(Alerts::Read(alerts)) = &heard.alerts else { panic!("{:?}", heard.alerts) };
    assert!(alerts.iter().any(|alert| &*alert.name == "GatewayLatencyHigh" && alert.state == AlertState::Inactive), "{alerts:?}");
    let burn = &heard.burns["gateway"];
    let windows: Vec<u32> = burn.ratios.iter().map(|(window, _)| *window).collect();
    assert_eq!(windows, [300, 1_800, 3_600, 7_200, 21_600, 86_400, 259_200, 30 * 86_400]);
    assert!(burn.ratios.iter().all(|(_, ratio)| ratio.is_some_and(|ratio| ratio > 0.0 && ratio < 0.01)), "{burn:?}");
    assert_eq!((burn.retention, burn.refused.as_deref()), (Some(35 * 86_400), None));
    let collector = heard.collector.unwrap();
    assert!(collector.accepted.is_some_and(|value| value > 0.0) && collector.queue.is_some(), "{collector:?}");
    let templates = &heard.templates["gateway"];
    let names: Vec<&str> = templates.signals.iter().map(|signal| &*signal.name).collect();
    assert!(names.contains(&"latency-p95") && templates.odd.is_empty(), "{templates:?}");
}

/// Templates that templates name are followed, in a circle too, and share their arguments; what is not understood is said.
#[test]
fn templates_that_templates_name_are_followed() {
    let (_world, folder, settings) = stage(Scenario::Calm);
    let admin = Admin::new(&folder.path().join("kubeconfig"), None);
    let asks = json!({ "prometheus": { "address": "http://p", "query": "x{job=\"{{args.service}}\"}" } });
    let inner = json!({ "metadata": { "name": "inner" }, "spec": {
        "templates": [{ "templateName": "outer", "clusterScope": true }], "args": [{ "name": "limit", "value": "0.05" }],
        "metrics": [{ "name": "nested", "successCondition": "result[0] < {{args.limit}}", "provider": asks }],
    } });
    let outer = json!({ "metadata": { "name": "outer" }, "spec": {
        "templates": [{ "templateName": "inner" }, { "templateName": "nowhere" }], "args": [{ "name": "service" }],
        "metrics": [{ "name": "smoke", "provider": { "web": { "url": "http://w" } } }],
    } });
    admin.create(&in_namespace("edge", "analysistemplates"), &inner);
    admin.create(&format!("{ROLLOUTS}/clusteranalysistemplates"), &outer);
    let mut nest = rollout("nest");
    nest["spec"]["strategy"]["canary"]["analysis"] = json!({
        "templates": [{ "templateName": "outer", "clusterScope": true }], "args": [{ "name": "service", "value": "web" }],
    });
    admin.create(&in_namespace("edge", "rollouts"), &nest);
    let mut ears = ears(&settings);
    let subject = Subject { key: Key::new(Kind::Rollout, "edge", "nest"), uid: "u".into(), selector: String::new() };
    ears.sources.order(Order::Look { environment: EnvironmentId(0), subjects: vec![subject] });
    ears.until(SOON, "its templates", |heard| heard.templates.contains_key("nest"));
    let templates = &ears.heard.templates["nest"];
    let said: Vec<&str> = templates.odd.iter().map(|odd| &**odd).collect();
    assert_eq!(said, ["all of nowhere: it is not there", "smoke of outer: it asks no Prometheus"]);
    let [nested] = &*templates.signals else { panic!("{templates:?}") };
    let Expression::Value(query) = &nested.expression else { panic!("{nested:?}") };
    assert_eq!((&*nested.name, query.as_str(), nested.limit.threshold), ("nested", "x{job=\"web\"}", 0.05));
}

#[test]
fn a_real_prometheus_that_scrapes_the_world_says_the_same() {
    let Some(binaries) = binaries() else { return };
    let (world, _folder, mut settings) = stage(Scenario::Canary);
    let address = world.prometheus_urls.last().unwrap().strip_prefix("http://").unwrap().to_owned();
    let real = Prometheus::scraping(&binaries, std::slice::from_ref(&address), "1s");
    let mut prometheus = settings.environments[0].prometheus.as_deref().unwrap().clone();
    prometheus.address = pilothouse::config::metrics::Address::Url(format!("http://{}", real.address));
    settings.environments[0].prometheus = Some(prometheus.into());
    // A rate over minutes of which only seconds were scraped is a small one.
    let short = |signal: &Signal| Signal { window: 30, ..signal.clone() };
    settings.environments[0].signals = settings.environments[0].signals.iter().map(short).collect();
    let mut ears = ears(&settings);
    ears.measure(vec![gateway(&address, &settings)]);
    let begun = std::time::Instant::now();
    while let Some(amiss) = amiss(&ears.heard) {
        assert!(begun.elapsed() < Duration::from_secs(90), "{amiss}");
        ears.for_a_while(Duration::from_millis(500));
    }
    ears.until(SOON, "the rest", |heard| {
        heard.alerts.is_some() && heard.burns.contains_key("gateway") && heard.collector.is_some()
    });
    let burn = &ears.heard.burns["gateway"];
    assert_eq!(burn.refused.as_deref(), None, "a real server takes the joined queries");
}

/// The recorded p95 and the promise of a server's rules, as a target of the gateway learns them.
fn learns_recorded(url: &str, source: &str, (objective, days): (f64, u32), windows: &[u32]) {
    let patient = jiff::SignedDuration::from_secs(15);
    let mut ears = Ears::on(environment(PrometheusSettings { timeout: patient, ..prometheus(url) }, &[]), None);
    ears.until(SOON, "the rules", |heard| {
        heard.recorded.iter().any(|one| &*one.service == "gateway" && &*one.signal.name == "p95")
    });
    let p95 =
        ears.heard.recorded.iter().find(|one| &*one.service == "gateway" && &*one.signal.name == "p95").unwrap().signal.clone();
    ears.measure(vec![Target { slo: true, ..target(&[p95]) }]);
    ears.until(SOON, "its value and what is promised", |heard| {
        let promised = heard.burns.get("gateway").is_some_and(|burn| burn.recorded.is_some());
        promised && heard.measured.get("gateway").is_some_and(|measured| measured.signals[0].1[0].value.last().is_some())
    });
    let measured = line(&ears.heard, "p95", Track::All);
    assert!(measured.value.last().is_some_and(|value| value > 0.0 && value < 5.0) && measured.sampled.is_some(), "{measured:?}");
    assert_eq!(measured.traffic, None, "requests of all versions say nothing of one");
    let burn = &ears.heard.burns["gateway"];
    let promise = burn.recorded.as_ref().unwrap();
    assert_eq!((&*promise.source, promise.objective, promise.period), (source, objective, days * 86_400));
    let found: Vec<u32> = burn.ratios.iter().map(|(window, _)| *window).collect();
    assert_eq!(found, windows);
    assert!(burn.ratios.iter().all(|(_, ratio)| ratio.is_some_and(|ratio| (0.0..0.1).contains(&ratio))), "{burn:?}");
}

#[test]
fn what_rules_record_is_read_from_the_world() {
    let (world, _folder, _) = stage(Scenario::Canary);
    let windows = [300, 1_800, 3_600, 7_200, 21_600, 86_400, 259_200, 30 * 86_400];
    learns_recorded(world.prometheus_urls.last().unwrap(), "Sloth requests-availability", (0.999, 30), &windows);
}

#[test]
fn what_rules_record_is_read_from_a_real_prometheus() {
    let Some(binaries) = binaries() else { return };
    let pyrra = |name: &str, value: f64| {
        format!("  - {{record: {name:?}, expr: vector({value}), labels: {{slo: gateway-errors, job: gateway}}}}\n")
    };
    let rules = [
        "  - {record: \"gateway:duration_p95\", expr: vector(0.4)}\n".to_owned(),
        pyrra("http_requests:burnrate5m", 0.02),
        pyrra("http_requests:burnrate1h", 0.01),
        pyrra("pyrra_objective", 0.99),
        pyrra("pyrra_window", 2_419_200.0),
        pyrra("pyrra_availability", 0.996),
    ];
    let real = Prometheus::with_rules(&binaries, &rules.concat());
    let begun = std::time::Instant::now();
    while real.json("/api/v1/query", &[("query", "pyrra_availability")]).1["data"]["result"][0].is_null() {
        assert!(begun.elapsed() < SOON, "no rule is evaluated");
        std::thread::sleep(Duration::from_millis(100));
    }
    let url = format!("http://{}", real.address);
    learns_recorded(&url, "Pyrra gateway-errors", (0.99, 28), &[300, 3_600, 28 * 86_400]);
}
