//! What is measured, and what is made of it.

use jiff::civil::date;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::*;
use crate::app::{Effect, Env, Msg, State, update};
use crate::config::metrics::Address;
use crate::config::{self, Credentials, Prometheus, Service, Settings};
use crate::domain::fact::{Fact, Health, Link, News, Object, Reading};
use crate::domain::id::{EnvironmentId, Kind};
use crate::domain::object::decode_value;
use crate::domain::series::Series;
use crate::domain::signal::tests::{errors, latency};
use crate::domain::signal::{FleetRow, Recorded, SignalKind, Target, Track, Verdict};
use crate::domain::slo::{BurnAlert, Exhausted, RecordedSlo, Slo};
use crate::input::Keymap;
use ratatui::layout::Size;

const MONTH: u32 = 2_592_000;

fn now() -> Timestamp {
    date(2026, 3, 2).at(14, 0, 0, 0).to_zoned(TimeZone::UTC).unwrap().timestamp()
}

fn after(seconds: i64) -> Timestamp {
    now() + SignedDuration::from_secs(seconds)
}

fn key(name: &str) -> Key {
    Key::new(Kind::Rollout, "shop", name)
}

fn prometheus() -> Prometheus {
    Prometheus {
        address: Address::Url("http://prometheus:9090".to_owned()),
        post: true,
        headers: std::collections::BTreeMap::new(),
        parameters: std::collections::BTreeMap::new(),
        credentials: Credentials::None,
        ca: None,
        identity: None,
        interval: SignedDuration::from_secs(15),
        timeout: SignedDuration::from_secs(10),
        stale_after: SignedDuration::from_secs(90),
        labels: ["namespace", "job", "track"].map(str::to_owned),
    }
}

fn settings() -> Settings {
    let environment = config::Environment {
        name: "prod".to_owned(),
        region: Some("eu".to_owned()),
        prometheus: Some(Arc::new(prometheus())),
        ..config::Environment::current()
    };
    let traffic = Signal { gate: false, ..crate::domain::signal::tests::named("traffic", SignalKind::Traffic) };
    let api = Service {
        name: "gate*".to_owned(),
        query_name: Some("apigw".to_owned()),
        variables: [("team".to_owned(), "edge".to_owned())].into(),
        ..Service::default()
    };
    let slo = Slo { objective: 0.999, period: MONTH, error_ratio: None, alerts: BurnAlert::usual(MONTH).into() };
    Settings {
        environments: vec![environment],
        signals: Arc::new([latency(), errors(), traffic]),
        services: vec![api, Service { name: "web".to_owned(), signals: Some(vec!["p95".to_owned()]), ..Service::default() }],
        slo: Some(slo),
        ..Settings::default()
    }
}

/// A canary at a timed pause after its first step of 25 %; `paused` is when the pause began.
fn canary(name: &str, paused: &str) -> Object {
    let steps = json!([{"setWeight": 25}, {"pause": {"duration": "10m"}}, {"setWeight": 50}]);
    let strategy = json!({"canary": {"steps": steps, "canaryService": format!("{name}-new"), "stableService": format!("{name}-old"), "trafficRouting": {}}});
    rollout(
        name,
        &strategy,
        &json!({"phase": "Paused", "currentPodHash": "new", "stableRS": "old", "currentStepIndex": 1, "observedGeneration": "1",
        "replicas": 4, "updatedReplicas": 1, "availableReplicas": 4, "controllerPause": true,
        "pauseConditions": [{"reason": "CanaryPauseStep", "startTime": paused}],
        "canary": {"weights": {"canary": {"weight": 25}, "stable": {"weight": 75}}}}),
    )
}

fn at_rest(name: &str) -> Object {
    rollout(
        name,
        &json!({"canary": {"steps": [{"setWeight": 25}]}}),
        &json!({"phase": "Healthy", "currentPodHash": "old", "stableRS": "old",
        "currentStepIndex": 1, "observedGeneration": "1", "replicas": 4, "updatedReplicas": 4, "readyReplicas": 4, "availableReplicas": 4}),
    )
}

fn rollout(name: &str, strategy: &Value, status: &Value) -> Object {
    Object::Rollout(Arc::new(decode_value(&json!({
        "metadata": {"name": name, "namespace": "shop", "uid": format!("u-{name}"), "generation": 1},
        "spec": {"replicas": 4, "strategy": strategy}, "status": status}))))
}

struct Cockpit {
    state: State,
    wishes: Vec<Vec<Target>>,
}

impl Cockpit {
    fn on(objects: Vec<Object>) -> Self {
        Self::of(State::new(&settings(), Arc::new(Keymap::read("").unwrap()), Size::new(140, 40), now()), objects)
    }

    fn of(state: State, objects: Vec<Object>) -> Self {
        let mut cockpit = Self { state, wishes: Vec::new() };
        let health = Health { at: now(), state: Link::Up { millis: 1 }, clock_skew_ms: 0 };
        let readings = [Kind::Rollout, Kind::Canary].map(|kind| News::Reading(kind, Reading::Live));
        cockpit.hear([News::Health(health)].into_iter().chain(readings).chain(objects.into_iter().map(News::Is)).collect());
        cockpit
    }

    fn tell(&mut self, msg: Msg) {
        let env = Env { themes: Vec::new(), bell: false };
        for effect in update(&mut self.state, &env, msg) {
            if let Effect::Measure { targets, .. } = effect {
                self.wishes.push(targets);
            }
        }
    }

    fn hear(&mut self, news: Vec<News>) {
        self.tell(Msg::Facts(news.into_iter().map(|news| Fact { environment: EnvironmentId(0), epoch: 1, news }).collect()));
    }

    fn until(&mut self, seconds: i64) {
        self.tell(Msg::Tick(after(seconds)));
    }

    fn metrics(&self) -> &Metrics {
        &self.state.environment().metrics
    }

    fn wished(&self) -> Vec<&str> {
        self.wishes.last().map(|targets| targets.iter().map(|target| &*target.key.name).collect()).unwrap_or_default()
    }

    fn verdicts(&self, name: &str) -> Vec<(String, Verdict)> {
        self.metrics().judgements(&key(name)).iter().map(|one| (one.name.to_string(), one.verdict)).collect()
    }

    /// Measures the errors of canary and stable, constant for ten minutes until now.
    fn measure(&mut self, name: &str, hash: &str, errors: f32) {
        let end = self.state.now;
        let series = |value: f32| Series::new(end - SignedDuration::from_secs(600), 15, vec![value; 41]);
        let one = |track, value, rate| TrackSeries {
            track,
            value: series(value),
            traffic: Some(series(rate)),
            sampled: Some(end),
            pods: None,
            refused: None,
        };
        let signals = vec![(Arc::from("errors"), vec![one(Track::Canary, errors, 10.0), one(Track::Stable, 0.0002, 90.0)])];
        let measured =
            Measured { key: key(name), uid: format!("u-{name}").into(), hash: hash.into(), asked: end, signals, notes: Vec::new() };
        self.hear(vec![News::Metrics(MetricsNews::Measured(Arc::new(measured)))]);
    }
}

#[test]
fn what_moves_and_what_the_cursor_rests_on_is_measured() {
    let mut cockpit = Cockpit::on(vec![at_rest("quiet"), canary("gateway", "2026-03-02T13:50:00Z"), at_rest("web")]);
    cockpit.until(1);
    assert_eq!(cockpit.wished(), ["gateway"], "the cursor is on it, and it moves");
    cockpit.tell(Msg::Key("j".parse().unwrap()));
    let before = cockpit.wishes.len();
    cockpit.until(1);
    cockpit.until(2);
    assert_eq!((cockpit.wished(), cockpit.wishes.len() > before), (vec!["gateway", "quiet"], true));
    let wishes = cockpit.wishes.len();
    (3..20).for_each(|second| cockpit.until(second));
    assert_eq!(cockpit.wishes.len(), wishes, "nothing new is wished for");
    cockpit.state.environment_mut().metrics.keep(vec![key("web")]);
    cockpit.until(21);
    assert_eq!(cockpit.wished(), ["gateway", "quiet", "web"]);
}

#[test]
fn variables_tell_versions_apart() {
    let cockpit = Cockpit::on(vec![canary("gateway", "2026-03-02T13:50:00Z"), at_rest("web")]);
    let target = |name| cockpit.metrics().target(&cockpit.state.environment().cluster, &key(name)).unwrap();
    let gateway = target("gateway");
    let value = |track: usize, name: &str| gateway.tracks[track].1.get(name).unwrap_or("-").to_owned();
    let names =
        ["service", "namespace", "track", "pod_hash", "stable_hash", "workload", "track_service", "region", "team", "window"];
    assert_eq!(
        names.map(|name| value(0, name)),
        ["apigw", "shop", "canary", "new", "old", "gateway", "gateway-new", "eu", "edge", "-"]
    );
    assert_eq!(
        names.map(|name| value(1, name)),
        ["apigw", "shop", "stable", "old", "old", "gateway", "gateway-old", "eu", "edge", "-"]
    );
    let web = target("web");
    assert_eq!((web.tracks.len(), web.signals.len(), &*web.hash, web.slo), (1, 1, "old", true));
    assert_eq!((web.tracks[0].0, web.tracks[0].1.get("track")), (Track::Canary, Some("stable")));
}

#[test]
fn verdicts_follow_the_facts_and_the_time() {
    let mut cockpit = Cockpit::on(vec![canary("gateway", "2026-03-02T13:50:00Z")]);
    let none = |cockpit: &Cockpit| cockpit.verdicts("gateway").iter().all(|(_, verdict)| *verdict == Verdict::NoData);
    assert!(none(&cockpit) && cockpit.metrics().standing(&key("gateway")).is_none(), "nobody measured it");
    cockpit.measure("gateway", "new", 0.001);
    let verdicts = |cockpit: &Cockpit| cockpit.verdicts("gateway").iter().map(|(_, verdict)| *verdict).collect::<Vec<_>>();
    assert_eq!(verdicts(&cockpit), [Verdict::NoData, Verdict::Pass, Verdict::NoData]);
    let share = cockpit.metrics().standing(&key("gateway")).unwrap().share.unwrap();
    assert!((share.percent - 10.0).abs() < 0.01 && (share.drift.unwrap() + 15.0).abs() < 0.01);
    cockpit.until(91);
    assert!(none(&cockpit), "it grew old without a word");
    cockpit.measure("gateway", "new", 0.018);
    assert_eq!(verdicts(&cockpit)[1], Verdict::Breach);
    cockpit.measure("gateway", "other", 0.0);
    assert!(none(&cockpit), "that is another version");
    cockpit.hear(vec![News::Gone(key("gateway"))]);
    cockpit.until(95);
    assert!(cockpit.metrics().standing(&key("gateway")).is_none());
}

#[test]
fn a_step_begins_when_the_cluster_says_so_else_when_it_was_seen() {
    let early = |paused: &str| {
        let mut cockpit = Cockpit::on(vec![canary("gateway", paused)]);
        cockpit.measure("gateway", "new", 0.0);
        cockpit.metrics().judgements(&key("gateway"))[1].clone()
    };
    let young = early("2026-03-02T13:59:20Z");
    assert_eq!((young.verdict, young.why.as_deref(), young.usable_in), (Verdict::TooEarly, Some("0:40 of 5:00"), Some(260)));
    assert_eq!(early("2026-03-02T13:55:00Z").verdict, Verdict::Pass);
    // Nobody says when an analysis step got its weight.
    let mut cockpit = Cockpit::on(vec![canary("gateway", "")]);
    cockpit.measure("gateway", "new", 0.0);
    assert_eq!(cockpit.verdicts("gateway")[1].1, Verdict::TooEarly);
    cockpit.until(300);
    cockpit.measure("gateway", "new", 0.0);
    assert_eq!(cockpit.verdicts("gateway")[1].1, Verdict::Pass);
}

#[test]
fn the_next_weight_has_a_price() {
    let mut cockpit = Cockpit::on(vec![canary("gateway", "2026-03-02T13:50:00Z")]);
    let reading = BurnReading {
        key: key("gateway"),
        uid: "u-gateway".into(),
        asked: now(),
        ratios: vec![(300, Some(0.02)), (3_600, Some(0.02)), (MONTH, Some(0.0005))],
        retention: None,
        refused: None,
        recorded: None,
    };
    // The budget may come first, and is not forgotten until the rest is there.
    cockpit.hear(vec![News::Metrics(MetricsNews::Burn(Arc::new(reading)))]);
    cockpit.until(5);
    cockpit.measure("gateway", "new", 0.0178);
    let standing = cockpit.metrics().standing(&key("gateway")).unwrap();
    let burn = standing.burn.as_ref().unwrap();
    assert!(burn.exceeded().count() == 1 && (burn.left.unwrap() - 0.5).abs() < 1e-9);
    let forecast = standing.forecast.unwrap();
    assert!((forecast.rate - 9.0).abs() < 0.01 && forecast.weight == 50 && matches!(forecast.exhausted, Exhausted::In(_)));
}

#[test]
fn a_list_has_marks_from_grouped_queries() {
    let mut cockpit = Cockpit::on(vec![canary("gateway", "2026-03-02T13:50:00Z"), at_rest("quiet")]);
    let row = |rollout: &str, track, value| FleetRow { namespace: "shop".into(), rollout: rollout.into(), track, value };
    let fleet = |signal: &str, rows: Vec<FleetRow>| {
        News::Metrics(MetricsNews::Fleet(Arc::new(Fleet {
            signal: signal.into(),
            asked: now(),
            rows: rows.into(),
            notes: Vec::new(),
        })))
    };
    let mut traffic = vec![row("apigw", Track::Canary, 10.0), row("apigw", Track::Stable, 90.0), row("quiet", Track::Stable, 0.1)];
    traffic.sort_by(|a, b| (&a.rollout, a.track).cmp(&(&b.rollout, b.track)));
    let errors = vec![row("apigw", Track::Canary, 0.018), row("apigw", Track::Stable, 0.0), row("quiet", Track::Stable, 0.0)];
    cockpit.hear(vec![fleet("errors", errors), fleet("traffic", traffic)]);
    let mark = |cockpit: &Cockpit, name| {
        cockpit.metrics().mark(&key(name), cockpit.state.now).map(|mark| (mark.signal.to_string(), mark.verdict))
    };
    assert_eq!(mark(&cockpit, "gateway"), Some(("errors".to_owned(), Verdict::Breach)));
    assert_eq!(mark(&cockpit, "quiet"), Some(("errors".to_owned(), Verdict::LowTraffic)));
    assert_eq!(mark(&cockpit, "unknown"), None);
    cockpit.until(91);
    assert_eq!(mark(&cockpit, "gateway"), Some(("errors".to_owned(), Verdict::NoData)));
}

#[test]
fn late_is_the_age_of_the_newest_sample() {
    let mut metrics = Metrics::new(Definitions::of(&settings(), &settings().environments[0]));
    assert_eq!(metrics.freshness(now()), Some(Freshness::Connecting));
    metrics.apply(MetricsNews::Link(MetricsLink::Up { at: after(0), millis: 4, sampled: None }));
    assert_eq!(metrics.freshness(after(0)), Some(Freshness::Empty), "it answers, without a sample");
    metrics.apply(MetricsNews::Link(MetricsLink::Up { at: after(50), millis: 4, sampled: Some(after(0)) }));
    assert_eq!(metrics.freshness(after(44)), Some(Freshness::Live { millis: 4 }));
    assert_eq!(metrics.freshness(after(50)), Some(Freshness::Late { seconds: 50 }), "it answers, with old samples");
    metrics.apply(MetricsNews::Link(MetricsLink::Up { at: after(50), millis: 4, sampled: None }));
    assert_eq!(metrics.freshness(after(59)), Some(Freshness::Late { seconds: 59 }), "the newest one is as old as it is");
    metrics.apply(MetricsNews::Link(MetricsLink::Down { since: after(60), reason: "refused".into() }));
    let down = Freshness::Down { seconds: 20, reason: "refused".to_owned(), ever: true };
    assert_eq!(metrics.freshness(after(70)), Some(down));
    assert_eq!(Metrics::default().freshness(now()), None);
}

#[test]
fn what_rules_record_is_shown_where_nothing_is_configured_and_judges_nothing() {
    let all = settings();
    let signals = all.signals.iter().filter(|signal| signal.kind != SignalKind::Latency).cloned().collect();
    let settings = Settings { signals, ..all.clone() };
    let state = State::new(&settings, Arc::new(Keymap::read("").unwrap()), Size::new(140, 40), now());
    let mut cockpit = Cockpit::of(state, ["gateway", "other"].map(|name| canary(name, "2026-03-02T13:50:00Z")).to_vec());
    let rules = ["gateway:duration_p95", "gateway:err_rate", "gateway:req_rate", "elsewhere:duration_p95"];
    let recorded: Vec<_> = rules.iter().filter_map(|rule| Recorded::of(rule, "x")).collect();
    assert_eq!(recorded.len(), 4);
    cockpit.hear(vec![News::Metrics(MetricsNews::Recorded(recorded.into()))]);
    let names = |name: &str| cockpit.metrics().signals(&key(name)).iter().map(|signal| signal.name.to_string()).collect::<Vec<_>>();
    assert_eq!(names("gateway"), ["errors", "traffic", "p95"], "errors and traffic are configured");
    assert_eq!(names("other"), ["errors", "traffic"], "it is of no other service");
    let signals = cockpit.metrics().signals(&key("gateway"));
    let end = cockpit.state.now;
    let value = Series::new(end - SignedDuration::from_secs(600), 15, vec![60.0; 41]);
    let series = TrackSeries { track: Track::All, value, traffic: None, sampled: Some(end), pods: None, refused: None };
    let moving = Context { began: Some(end), appeared: Some(end), ..Context::at(end, 90) };
    let judged = judge(&signals[2], std::slice::from_ref(&series), &moving);
    assert!(judged.is_only_shown() && !judged.gate && judged.value == Some(60.0), "{judged:?}");
    let old = judge(&signals[2], &[series], &Context { now: after(91), ..moving });
    assert_eq!((old.verdict, old.is_only_shown()), (Verdict::NoData, false));
}

#[test]
fn what_rules_promise_counts_where_the_configuration_promises_nothing() {
    let promise = RecordedSlo { source: "Sloth availability".into(), objective: 0.99, period: MONTH };
    let reading = BurnReading {
        key: key("gateway"),
        uid: "u-gateway".into(),
        asked: now(),
        ratios: vec![(300, Some(0.02)), (3_600, Some(0.02)), (MONTH, Some(0.005))],
        retention: None,
        refused: None,
        recorded: Some(promise.clone()),
    };
    let left = |settings: &Settings| {
        let state = State::new(settings, Arc::new(Keymap::read("").unwrap()), Size::new(140, 40), now());
        let mut cockpit = Cockpit::of(state, vec![canary("gateway", "2026-03-02T13:50:00Z")]);
        cockpit.hear(vec![News::Metrics(MetricsNews::Burn(Arc::new(reading.clone())))]);
        cockpit.measure("gateway", "new", 0.0);
        let burn = cockpit.metrics().standing(&key("gateway")).unwrap().burn.clone().unwrap();
        (burn.left.unwrap(), burn.recorded)
    };
    let (rest, recorded) = left(&Settings { slo: None, ..settings() });
    assert!((rest - 0.5).abs() < 1e-9 && recorded == Some(promise.clone()));
    assert!((left(&settings()).0 + 4.0).abs() < 1e-9, "the configuration promises more, and counts");
}
