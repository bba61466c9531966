//! The world's Prometheus over HTTP: its answers, its refusals, what goes wrong with it on purpose, and a real one that scrapes it.

use std::time::{Duration, Instant};

use pilothouse::demo::{Options, Running, Scenario, start};
use pilothouse::domain::signal::{Expression, Signal, Variables, preset};
use serde_json::{Value, json};

use super::http::{Answer, Stage};
use crate::support::prometheus::{Prometheus, ask, binaries, encoded};

/// 2026-01-05 09:00.
const NOW: i64 = 1_767_603_600;

/// A world in a scenario, and questions to the Prometheus of its last environment.
struct Asked {
    stage: Stage,
}

impl Asked {
    fn open(scenario: Scenario) -> Self {
        let origin = Some("2026-01-05T09:00:00Z".parse().unwrap());
        Self { stage: Stage { world: start(&Options { scenario, speed: 0.0, origin, ..Options::default() }).unwrap() } }
    }

    fn ask(&self, path: &str, parameters: &[(&str, &str)]) -> Answer {
        ask(&address(&self.stage.world), path, parameters)
    }

    fn data(&self, path: &str, parameters: &[(&str, &str)]) -> Value {
        let answer = self.ask(path, parameters).is(200);
        assert_eq!(answer["status"], "success", "{answer}");
        answer["data"].clone()
    }

    fn result(&self, query: &str) -> Vec<Value> {
        self.data("/api/v1/query", &[("query", query)])["result"].as_array().unwrap().clone()
    }

    fn number(&self, query: &str) -> f64 {
        number(&self.result(query)).unwrap_or_else(|| panic!("{query} has no answer"))
    }

    fn refused(&self, path: &str, parameters: &[(&str, &str)], code: u16) -> (String, String) {
        let answer = self.ask(path, parameters).is(code);
        assert_eq!(answer["status"], "error");
        (answer["errorType"].as_str().unwrap().to_owned(), answer["error"].as_str().unwrap().to_owned())
    }

    fn tell(&self, turn: &Value) {
        self.stage.post("/_world/metrics", turn).is(200);
    }

    fn pass(&self, seconds: u32) {
        self.stage.post(&format!("/_world/advance?seconds={seconds}"), &Value::Null).is(200);
    }
}

fn address(world: &Running) -> String {
    world.prometheus_urls.last().unwrap().strip_prefix("http://").unwrap().to_owned()
}

fn number(result: &[Value]) -> Option<f64> {
    result.first()?["value"][1].as_str()?.parse().ok()
}

#[test]
fn queries_are_answered_in_the_form_of_the_real_one() {
    let asked = Asked::open(Scenario::Canary);
    let up = asked.data("/api/v1/query", &[("query", "sum(up{job=\"gateway\",track=\"stable\"})")]);
    assert_eq!(up, json!({ "resultType": "vector", "result": [{ "metric": {}, "value": [NOW, "6"] }] }));
    assert_eq!(asked.data("/api/v1/query", &[("query", "1/0")]), json!({ "resultType": "scalar", "result": [NOW, "+Inf"] }));
    let range = [("query", "vector(1)"), ("start", "1767603000.5"), ("end", "2026-01-05T08:51:00Z"), ("step", "30s")];
    let points = json!([[1_767_603_000.5, "1"], [1_767_603_030.5, "1"]]);
    assert_eq!(
        asked.data("/api/v1/query_range", &range),
        json!({ "resultType": "matrix", "result": [{ "metric": {}, "values": points }] })
    );
    let form = encoded(&[("query", "count(up{job=\"gateway\",track=\"canary\"}) > bool 0")]);
    let headers = [("Content-Type", "application/x-www-form-urlencoded")];
    let posted = send(&address(&asked.stage.world), "POST", "/api/v1/query", &headers, &form).is(200);
    assert_eq!(posted["data"]["result"][0]["value"][1], "1", "{posted}");
    let ignored =
        send(&address(&asked.stage.world), "POST", "/api/v1/query", &[("Content-Type", "application/json")], "{\"query\":\"up\"}");
    assert!(ignored.is(400)["error"].as_str().unwrap().contains("no expression found in input"));
}

#[test]
fn refusals_have_the_kinds_of_the_real_one() {
    let asked = Asked::open(Scenario::Empty);
    let query = |query: &str, code: u16| asked.refused("/api/v1/query", &[("query", query)], code);
    assert_eq!(query("sum(", 400).0, "bad_data");
    let (kind, text) = query("histogram_sum(up)", 422);
    assert!(kind == "execution" && text.contains("histogram_sum"), "{kind} {text}");
    assert_eq!(asked.refused("/api/v1/query", &[("query", "up"), ("time", "now")], 400).0, "bad_data");
    let range =
        |end: &str| [("query", "up"), ("start", "0"), ("end", end), ("step", "1")].map(|(a, b)| (a.to_owned(), b.to_owned()));
    let send = |end: &str| {
        let parameters = range(end);
        let parameters: Vec<(&str, &str)> = parameters.iter().map(|(a, b)| (&**a, &**b)).collect();
        asked.ask("/api/v1/query_range", &parameters)
    };
    assert_eq!(send("11000").code, 200);
    let too_many = send("11001").is(400);
    assert!(too_many["error"].as_str().unwrap().starts_with("exceeded maximum resolution of 11,000 points"), "{too_many}");
    assert_eq!(asked.refused("/api/v1/series", &[], 400).1, "no match[] parameter provided");
    let missing = asked.ask("/api/v1/nothing", &[]);
    assert_eq!((missing.code, &*missing.text), (404, "404 page not found\n"));
}

#[test]
fn it_says_what_it_has() {
    let asked = Asked::open(Scenario::Canary);
    let names = asked.data("/api/v1/label/__name__/values", &[]);
    for name in [
        "http_requests_total",
        "http_server_request_duration_seconds_bucket",
        "istio_requests_total",
        "nginx_ingress_controller_requests",
        "response_total",
        "otelcol_receiver_accepted_spans_total",
        "gateway:duration_p95",
        "slo:sli_error:ratio_rate30d",
    ] {
        assert!(names.as_array().unwrap().contains(&json!(name)), "{name} is not in {names}");
    }
    let labels = asked.data("/api/v1/labels", &[("match[]", "http_requests_total")]);
    let wanted =
        ["__name__", "code", "job", "method", "namespace", "pod", "rollouts_pod_template_hash", "service", "status", "track"];
    assert_eq!(labels, json!(wanted));
    let series = asked.data("/api/v1/series", &[("match[]", "up{job=\"gateway\",track=\"canary\"}")]);
    assert_eq!(series[0]["namespace"], "edge", "{series}");
    assert_eq!(asked.data("/api/v1/metadata", &[("metric", "http_requests_total")])["http_requests_total"][0]["type"], "counter");
    assert_eq!(asked.data("/api/v1/status/buildinfo", &[])["version"], "2.42.0");
    assert_eq!(asked.data("/api/v1/status/runtimeinfo", &[])["storageRetention"], "35d");
    let targets = asked.data("/api/v1/targets", &[("state", "active")]);
    let targets = targets["activeTargets"].as_array().unwrap();
    assert!(targets.len() > 50 && targets.iter().all(|target| target["health"] == "up"), "{}", targets.len());
    assert_eq!(asked.ask("/-/healthy", &[]).code, 200);
}

#[test]
fn rules_and_alerts_follow_the_metrics() {
    let asked = Asked::open(Scenario::Canary);
    let groups = asked.data("/api/v1/rules", &[("type", "alert")]);
    let rules: Vec<&Value> =
        groups["groups"].as_array().unwrap().iter().flat_map(|group| group["rules"].as_array().unwrap()).collect();
    let of = |name: &str| rules.iter().find(|rule| rule["name"] == name).unwrap();
    assert_eq!(of("GatewayLatencyHigh")["state"], "inactive");
    assert_eq!(of("GatewayErrorBudgetBurn")["duration"], 600.0);
    assert_eq!(asked.data("/api/v1/alerts", &[]), json!({ "alerts": [] }));
    let recorded = asked.data("/api/v1/rules", &[("type", "record")]).to_string();
    assert!(recorded.contains("gateway:err_rate") && !recorded.contains("GatewayLatencyHigh"));
    asked.tell(&json!({ "kind": "service", "service": "gateway", "effect": { "p95": 3.0 } }));
    asked.pass(400);
    let alerts = asked.data("/api/v1/alerts", &[]);
    let alert =
        alerts["alerts"].as_array().unwrap().iter().find(|alert| alert["labels"]["alertname"] == "GatewayLatencyHigh").unwrap();
    assert!(alert["state"] == "pending" && alert["value"].as_str().unwrap().ends_with("e+00"), "{alert}");
    asked.pass(500);
    let states = asked.data("/api/v1/alerts", &[]).to_string();
    assert!(states.contains("\"firing\""), "{states}");
}

#[test]
fn what_is_wrong_with_it_is_wrong_for_it_alone() {
    let asked = Asked::open(Scenario::Canary);
    let fault = |fault: &Value| asked.stage.post("/_world/metrics/fault", fault).is(201);
    fault(&json!({ "kind": "status", "code": 503, "every": 2 }));
    let codes: Vec<u16> = (0..6).map(|_| asked.ask("/api/v1/query", &[("query", "up")]).code).collect();
    assert_eq!(codes, [503, 200, 503, 200, 503, 200]);
    asked.stage.get("/apis/argoproj.io/v1alpha1/rollouts").is(200);
    asked.stage.delete("/_world/metrics/fault").is(200);
    fault(&json!({ "kind": "hang", "count": 1 }));
    let address = address(&asked.stage.world);
    let mut hung = connect(&address, "GET", "/api/v1/query?query=up", &[], "");
    hung.get_ref().set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    assert_eq!(Answer::read(&mut hung).code, 0);
    let counted = asked.stage.get("/_world/metrics/requests?path=/api/v1/query").is(200);
    assert_eq!(counted["requests"][0]["count"], 7, "{counted}");
    asked.stage.post("/_world/metrics/outage?seconds=1.5", &Value::Null).is(200);
    let begun = Instant::now();
    while std::net::TcpStream::connect(&address).is_ok() {
        assert!(begun.elapsed() < Duration::from_millis(1400), "it never went away");
        std::thread::sleep(Duration::from_millis(5));
    }
    asked.stage.get("/version").is(200);
    while asked.ask("/-/ready", &[]).code != 200 {
        assert!(begun.elapsed() < Duration::from_secs(5), "it stayed away");
        std::thread::sleep(Duration::from_millis(20));
    }
    asked.stage.post("/_world/metrics", &json!({ "kind": "nonsense" })).refused(400, "BadRequest");
    let impossible = json!({ "kind": "service", "service": "web", "effect": { "errors": 7.0 } });
    asked.stage.post("/_world/metrics", &impossible).refused(400, "BadRequest");
}

#[test]
fn its_clock_can_be_wrong_and_its_collector_in_trouble() {
    let asked = Asked::open(Scenario::Canary);
    asked.tell(&json!({ "kind": "clock", "seconds": -300 }));
    assert!(asked.ask("/-/ready", &[]).headers.contains("date: Mon, 05 Jan 2026 08:55:00 GMT"));
    assert_eq!(asked.number("time()  - 1767603300 + vector(0)"), 0.0);
    let then = asked.result(&format!("up @ {}", NOW - 301)).len();
    assert!(then > 50 && asked.result(&format!("up @ {NOW}")).is_empty(), "nothing after its own now: {then}");
    asked.tell(&json!({ "kind": "collector", "trouble": { "refused": 12.0, "queue": 4800.0 } }));
    asked.pass(120);
    let refused = asked.number("sum(rate(otelcol_receiver_refused_spans_total[1m]))");
    assert!((refused - 12.0).abs() < 0.5, "{refused}");
    let full = asked.number("max(otelcol_exporter_queue_size / ignoring (receiver) otelcol_exporter_queue_capacity)");
    assert!((full - 0.96).abs() < 1e-9, "{full}");
}

/// A real Prometheus scrapes the world and believes its labels; the presets say the same on both.
#[test]
fn a_real_one_scrapes_it_and_says_the_same() {
    let Some(binaries) = binaries() else { return };
    let world = start(&Options { scenario: Scenario::Canary, ..Options::default() }).unwrap();
    let stage = Stage { world };
    let worse =
        json!({ "kind": "service", "service": "shop/checkout", "track": "canary", "effect": { "errors": 0.3, "p95": 0.8 } });
    stage.post("/_world/metrics", &worse).is(200);
    // So that it has been so bad for longer than any window.
    stage.post("/_world/advance?seconds=90", &Value::Null).is(200);
    let ours = address(&stage.world);
    let real = Prometheus::scraping(&binaries, std::slice::from_ref(&ours), "1s");
    let rollout = stage.get("/apis/argoproj.io/v1alpha1/namespaces/shop/rollouts/checkout").is(200);
    let checkout = [
        ("namespace", "shop"),
        ("service", "checkout"),
        ("workload", "checkout"),
        ("track_service", "checkout-canary"),
        ("pod_hash", rollout["status"]["currentPodHash"].as_str().unwrap()),
    ];
    let search =
        [("namespace", "shop"), ("service", "search"), ("workload", "search"), ("track_service", "search"), ("pod_hash", ".+")];
    let catalog =
        [("namespace", "shop"), ("service", "catalog"), ("workload", "catalog"), ("track_service", "catalog"), ("pod_hash", ".+")];
    // The window of the real one is as long as it has scraped.
    std::thread::sleep(Duration::from_secs(22));
    let mut compared = 0;
    for (name, variables) in
        [("otel", checkout), ("classic", checkout), ("nginx", checkout), ("linkerd", search), ("istio", catalog)]
    {
        let variables = variables.iter().fold(Variables::default(), |all, (name, value)| all.with(name, value));
        for Signal { name: signal, expression, .. } in preset(name, ["namespace", "job", "track"]).unwrap() {
            let queries = match expression {
                Expression::Value(query) => vec![query],
                Expression::Ratio { bad, total } => vec![bad, total],
            };
            for query in queries {
                let say = |address: &str, window: &str| {
                    let query = query.fill(&variables.clone().with("window", window)).unwrap();
                    let answer = ask(address, "/api/v1/query", &[("query", &query)]).is(200);
                    (number(answer["data"]["result"].as_array().unwrap()), query)
                };
                let ((ours, query), (theirs, _)) = (say(&ours, "1m"), say(&real.address, "20s"));
                // So few fail elsewhere that a counter may just have begun.
                let (Some(ours), Some(theirs)) = (ours, theirs) else {
                    assert!(&*signal == "errors" && !query.contains("checkout"), "{query}: {ours:?}, the real one {theirs:?}");
                    continue;
                };
                let failures = query.contains("5..") || query.contains("failure");
                let rare = failures && !query.contains("checkout");
                assert!(rare || (ours - theirs).abs() <= 0.2 * ours, "{query}: {ours}, the real one {theirs}");
                compared += 1;
            }
        }
    }
    assert!(compared >= 19, "{compared}");
}

fn connect(
    address: &str,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> std::io::BufReader<std::net::TcpStream> {
    use std::io::Write;
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Length: {}\r\n{headers}\r\n",
        body.len()
    );
    write!(stream, "{head}{body}").unwrap();
    std::io::BufReader::new(stream)
}

fn send(address: &str, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    Answer::read(&mut connect(address, method, path, headers, body))
}
