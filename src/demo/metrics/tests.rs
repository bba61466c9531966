//! What the world's metrics promise, seen as those see them who ask: by PromQL.

use std::time::Instant;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::*;
use crate::demo::crowd::Crowd;
use crate::demo::promql::series::{Rise, Series, Source};
use crate::demo::promql::{self, Answer, Sample};
use crate::demo::scenario::build;
use crate::demo::{Environment, Knob, Options, Scenario};

const NOW: &str = "2026-01-05T09:00:00Z";

struct Scene(Environment, Timestamp);

impl Scene {
    fn open(scenario: Scenario) -> Self {
        let now = NOW.parse().unwrap();
        Self(build(&Options { scenario, ..Options::default() }, now).swap_remove(1), now)
    }

    fn pass(&mut self, seconds: i64) {
        let target = self.1 + SignedDuration::from_secs(seconds);
        loop {
            self.0.store.set_now(self.1);
            let wake = self.0.controller.settle(&mut self.0.store, self.1);
            self.0.controller.take_told().into_iter().for_each(|turn| self.0.metrics.turn(turn, self.1));
            self.0.metrics.observe(&mut self.0.store);
            match wake {
                Some(wake) if wake <= target => self.1 = wake.max(self.1 + SignedDuration::from_millis(1)),
                _ => break,
            }
        }
        self.1 = target;
    }

    fn tell(&mut self, turn: serde_json::Value) {
        self.0.metrics.turn(serde_json::from_value(turn).unwrap(), self.1);
    }

    fn snapshot(&self) -> Snapshot {
        self.0.metrics.snapshot(self.1)
    }

    fn ask(&self, query: &str) -> Vec<Sample> {
        let snapshot = self.snapshot();
        match promql::instant(&snapshot, &promql::parse(query).unwrap(), snapshot.now()).unwrap() {
            Answer::Vector(samples) => samples,
            other => panic!("{query}: {other:?}"),
        }
    }

    /// The value of one series; none if there is none.
    fn one(&self, query: &str) -> Option<f64> {
        let samples = self.ask(query);
        assert!(samples.len() < 2, "{query}: {samples:?}");
        samples.first().map(|sample| sample.value)
    }

    fn errors(&self, job: &str, track: &str) -> f64 {
        let of = |more: &str| self.one(&format!("sum(rate(http_requests_total{{job=\"{job}\",track=\"{track}\"{more}}}[1m]))"));
        of(",code=~\"5..\"").unwrap_or(0.0) / of("").unwrap()
    }

    fn p95(&self, job: &str, track: &str) -> f64 {
        let bucket = format!("http_server_request_duration_seconds_bucket{{job=\"{job}\",track=\"{track}\"}}");
        self.one(&format!("histogram_quantile(0.95, sum by (le) (rate({bucket}[1m])))")).unwrap()
    }

    fn saturation(&self, track: &str) -> f64 {
        let pods = format!("job=\"gateway\",track=\"{track}\"");
        self.one(&format!(
            "max(rate(container_cpu_usage_seconds_total{{{pods}}}[1m]) / on (pod) kube_pod_container_resource_limits{{{pods},resource=\"cpu\"}})"
        ))
        .unwrap()
    }
}

#[track_caller]
fn near(value: f64, wanted: f64, part: f64) {
    assert!((value - wanted).abs() <= wanted.abs() * part, "{value} is not {wanted}");
}

#[test]
fn traffic_goes_where_the_world_routes_it() {
    let scene = Scene::open(Scenario::Canary);
    let weight = |scene: &Scene| {
        let rollout = scene.0.store.get(Resource::Rollout, "edge", "gateway").unwrap();
        rollout["status"]["canary"]["weights"]["canary"]["weight"].as_f64().unwrap() / 100.0
    };
    let share = |scene: &Scene| {
        let of = |more: &str| scene.one(&format!("sum(rate(http_requests_total{{job=\"gateway\"{more}}}[1m]))")).unwrap();
        of(",track=\"canary\"") / of("")
    };
    // 80 s after the start, at its second weight since 35 s: long enough for two samples at least.
    assert!(weight(&scene) > 0.0 && share(&scene) > 0.05, "{} {}", weight(&scene), share(&scene));
    let rollout = scene.0.store.get(Resource::Rollout, "edge", "gateway").unwrap();
    let hash = rollout["status"]["currentPodHash"].as_str().unwrap();
    let hashes = scene.ask("count by (rollouts_pod_template_hash) (up{job=\"gateway\",track=\"canary\"})");
    assert_eq!(hashes.iter().map(|sample| sample.labels.get("rollouts_pod_template_hash")).collect::<Vec<_>>(), [hash]);
    let routed = scene.one("sum(rate(http_requests_total{job=\"checkout\",track=\"canary\"}[5m])) / sum(rate(http_requests_total{job=\"checkout\"}[5m]))");
    near(routed.unwrap(), 0.25, 0.02);
}

#[test]
fn a_rollout_at_rest_is_stable_and_what_never_failed_has_no_counter_of_it() {
    let mut scene = Scene::open(Scenario::Calm);
    assert_eq!(scene.ask("up{track=\"canary\"}"), []);
    assert!(scene.ask("count by (job) (up)").len() >= 14, "{:?}", scene.ask("count by (job) (up)"));
    let pods = scene.0.store.list(Resource::Pod, Some("edge")).count();
    #[expect(clippy::cast_precision_loss, reason = "a few pods")]
    let pods = pods as f64;
    assert_eq!(scene.one("count(up{namespace=\"edge\"})"), Some(pods));
    near(scene.one("sum(rate(http_requests_total{job=\"gateway\"}[30m]))").unwrap(), 220.0, 0.05);
    near(scene.errors("gateway", "stable"), 0.002, 0.1);
    scene.tell(json!({ "kind": "service", "service": "web", "effect": { "errors": 0.0 } }));
    assert!(!scene.ask("http_requests_total{job=\"web\",code=\"500\"}").is_empty(), "it has failed before");
    let gone = scene.one("sum(increase(http_requests_total{job=\"gateway\"}[20d]))").unwrap();
    near(gone, 220.0 * 20.0 * 86_400.0, 0.2);
}

#[test]
fn bad_versions_are_seen_as_their_analyses_see_them() {
    let mut errors = Scene::open(Scenario::Errors);
    errors.pass(45);
    near(errors.errors("gateway", "canary"), 0.06, 0.1);
    near(errors.errors("gateway", "stable"), 0.002, 0.2);
    let gateway = |scene: &Scene| scene.0.store.get(Resource::Rollout, "edge", "gateway").unwrap()["status"]["abort"].clone();
    errors.pass(60);
    assert_eq!(gateway(&errors), serde_json::Value::Null, "nobody aborts it");
    let mut latency = Scene::open(Scenario::Latency);
    latency.pass(20);
    assert!(latency.p95("gateway", "canary") > 0.6 && latency.p95("gateway", "stable") < 0.25);
    let mut saturation = Scene::open(Scenario::Saturation);
    saturation.pass(45);
    near(saturation.saturation("canary"), 0.94, 0.01);
    assert!(saturation.saturation("stable") < 0.6, "{}", saturation.saturation("stable"));
}

#[test]
fn quiet_ones_say_little_and_blind_ones_nothing() {
    let mut quiet = Scene::open(Scenario::Quiet);
    quiet.pass(30);
    let seen = quiet.one("sum(increase(http_requests_total{job=\"gateway\",track=\"canary\"}[5m]))").unwrap_or(0.0);
    assert!(seen < 20.0, "{seen}");
    let mut blind = Scene::open(Scenario::Nodata);
    blind.pass(30);
    assert_eq!(blind.ask("{track=\"canary\",job=\"gateway\"}"), []);
    assert!(blind.one("sum(rate(http_requests_total{job=\"gateway\",track=\"stable\"}[1m]))").unwrap() > 50.0);
}

#[test]
fn what_is_done_to_them_is_seen() {
    let mut scene = Scene::open(Scenario::Calm);
    let pod = scene.ask("up{job=\"gateway\"}")[0].labels.get("pod").to_owned();
    scene.tell(json!({ "kind": "hide", "pod": format!("edge/{pod}") }));
    scene.pass(30);
    assert_eq!(scene.one("count(http_requests_total{job=\"gateway\",code=\"200\"})"), Some(5.0), "stale at once");
    assert_eq!(scene.one("sum(up{job=\"gateway\"})"), Some(5.0));
    assert_eq!(scene.one(&format!("up{{pod=\"{pod}\"}}")), Some(0.0));
    scene.tell(json!({ "kind": "hide", "pod": format!("edge/{pod}"), "on": false }));
    scene.tell(json!({ "kind": "nan", "service": "web" }));
    scene.tell(json!({ "kind": "reset", "service": "checkout" }));
    scene.pass(30);
    assert_eq!(scene.one("count(http_requests_total{job=\"gateway\",code=\"200\"})"), Some(6.0));
    assert!(scene.ask("http_requests_total{job=\"web\"}").iter().all(|sample| sample.value.is_nan()));
    let counted = scene.one("sum(http_requests_total{job=\"checkout\"})").unwrap();
    assert!(counted < 42.0 * 40.0, "{counted} {:?}", scene.ask("http_requests_total{job=\"checkout\"}"));
    near(scene.one("sum(rate(http_requests_total{job=\"checkout\"}[5m]))").unwrap(), 42.0, 0.12);
    scene.tell(json!({ "kind": "stop" }));
    scene.pass(120);
    let age = scene.one("time() - max(timestamp(up{job=\"gateway\"}))").unwrap();
    assert!((120.0..136.0).contains(&age), "{age}");
    scene.pass(300);
    assert_eq!(scene.ask("up"), []);
    scene.tell(json!({ "kind": "stop", "on": false }));
    scene.pass(15);
    assert!(!scene.ask("up").is_empty());
    scene.tell(json!({ "kind": "clock", "seconds": 300 }));
    let snapshot = scene.snapshot();
    assert_eq!(snapshot.now() - scene.1.as_millisecond(), 300_000);
    assert!(scene.one("time() - max(timestamp(up{job=\"gateway\"}))").unwrap() < 16.0, "its own clock knows no difference");
}

#[test]
fn a_knob_of_an_analysis_is_one_of_the_metrics() {
    let mut scene = Scene::open(Scenario::Canary);
    scene.0.controller.turn(Knob::Metric("edge/gateway/success-rate".to_owned(), json!(0.8)));
    scene.pass(32);
    assert!(scene.errors("gateway", "canary") > 0.1, "{}", scene.errors("gateway", "canary"));
    near(scene.errors("gateway", "stable"), 0.002, 0.1);
}

#[test]
fn alerts_are_raised_by_what_is_there() {
    let mut scene = Scene::open(Scenario::Calm);
    let alert = |scene: &Scene, name: &str| {
        let snapshot = scene.snapshot();
        let rule = rules::GROUPS.iter().flat_map(|group| &group.rules).find(|rule| rule.name == name).unwrap();
        rule.alerts(&snapshot).unwrap()
    };
    assert_eq!(alert(&scene, "GatewayErrorBudgetBurn").len(), 0);
    scene.tell(json!({ "kind": "service", "service": "edge/gateway", "effect": { "errors": 0.3 } }));
    scene.pass(150);
    let pending = alert(&scene, "GatewayErrorBudgetBurn");
    assert!(
        pending.len() == 1 && !pending[0].firing && pending[0].labels.get("alertname") == "GatewayErrorBudgetBurn",
        "{pending:?}"
    );
    scene.pass(700);
    let firing = alert(&scene, "GatewayErrorBudgetBurn");
    assert!(firing[0].firing && firing[0].since == pending[0].since, "{firing:?}");
    assert_eq!(scene.one("slo:objective:ratio{sloth_service=\"gateway\"}"), Some(0.999));
    assert!(scene.one("slo:current_burn_rate:ratio{sloth_service=\"gateway\"}").unwrap() > 200.0);
    near(scene.one("gateway:req_rate").unwrap(), 220.0, 0.1);
    let recorded = scene.one("avg_over_time(gateway:duration_p95[5m])").unwrap();
    near(recorded, scene.p95("gateway", "stable"), 0.05);
}

/// The short way to a rate says the same as the samples.
#[test]
fn a_rise_is_that_of_its_samples() {
    let mut scene = Scene::open(Scenario::Canary);
    let pod = scene.ask("up{job=\"web\"}")[0].labels.get("pod").to_owned();
    scene.pass(60);
    scene.tell(json!({ "kind": "reset", "service": "gateway" }));
    scene.tell(json!({ "kind": "hide", "pod": format!("shop/{pod}") }));
    scene.pass(60);
    scene.tell(json!({ "kind": "hide", "pod": format!("shop/{pod}"), "on": false }));
    scene.pass(90);
    let snapshot = scene.snapshot();
    let mut checked = 0;
    for series in snapshot
        .select(&promql::selector("{__name__=~\"http.*|up|container.*|kube.*|response.*\",job=~\"gateway|web|search\"}").unwrap())
        .unwrap()
    {
        for (from, to) in [(300, 0), (100, 20), (61, 60), (3600, 100)] {
            let (from, to) = (snapshot.now() - from * 1000, snapshot.now() - to * 1000);
            let mut points = Vec::new();
            series.points(from, to, &mut points);
            points.retain(|point| !point.is_stale());
            assert_eq!(series.rise(from, to), Rise::of(&points), "{:?}", series.labels());
            assert_eq!(series.newest(from - 1, to).filter(|p| !p.is_stale()).map(|p| p.at), {
                let mut all = Vec::new();
                series.points(from, to, &mut all);
                all.pop().filter(|point| !point.is_stale()).map(|point| point.at)
            });
            checked += 1;
        }
    }
    assert!(checked > 1000, "{checked}");
}

#[test]
fn many_are_asked_about_quickly() {
    let now: Timestamp = NOW.parse().unwrap();
    let mut environment = build(&Options { scenario: Scenario::Empty, ..Options::default() }, now).swap_remove(1);
    Crowd::settle_in(&mut environment.store, 7, 10_000, 0);
    let begun = Instant::now();
    environment.metrics.observe(&mut environment.store);
    let observed = begun.elapsed();
    let snapshot = environment.metrics.snapshot(now);
    let mut times = vec![("observe", 10_000, observed)];
    for (name, query) in [
        (
            "p95",
            "histogram_quantile(0.95, sum by (namespace, job, track, le) (rate(http_server_request_duration_seconds_bucket[5m])))",
        ),
        (
            "bad",
            "sum by (namespace, job, track) (rate(http_server_request_duration_seconds_count{http_response_status_code=~\"5..\"}[5m]))",
        ),
        ("total", "sum by (namespace, job, track) (rate(http_server_request_duration_seconds_count[5m]))"),
        ("cpu", "max by (namespace, job, track) (rate(container_cpu_usage_seconds_total[5m]))"),
    ] {
        let begun = Instant::now();
        let answer = promql::instant(&snapshot, &promql::parse(query).unwrap(), snapshot.now()).unwrap();
        let Answer::Vector(samples) = answer else { panic!("{answer:?}") };
        times.push((name, samples.len(), begun.elapsed()));
        assert!(samples.len() >= if name == "bad" { 2_000 } else { 10_000 }, "{name}: {}", samples.len());
        assert!(samples.iter().all(|sample| sample.value.is_finite()), "{name}");
    }
    println!("{times:?}");
    let limit = if cfg!(debug_assertions) { 20 } else { 1 };
    assert!(times.iter().all(|(.., time)| time.as_secs() < limit), "{times:?}");
}
