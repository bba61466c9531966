//! `gate` and `status` on the embedded world: rollouts of its cluster judged by its metrics, with what goes wrong on purpose; and by a real
//! Prometheus that scrapes it.

use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use pilothouse::demo::{Options, Running, Scenario, start};
use serde_json::{Value, json};

use crate::cli::{command, stderr, stdout};
use crate::support::admin::Admin;
use crate::support::prometheus::{self, Prometheus};

/// The canary of this rollout waits for a person, with a quarter of the traffic on two pods.
const CHECKOUT: &str = "shop/checkout";

/// A world at work, and how the program finds it.
struct Stage {
    admin: Admin,
    world: Running,
    config: PathBuf,
    folder: tempfile::TempDir,
}

impl Stage {
    fn open() -> Self {
        let world = start(&Options { scenario: Scenario::Canary, ..Options::default() }).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let (kubeconfig, config) = (folder.path().join("kubeconfig"), folder.path().join("config.toml"));
        std::fs::write(&kubeconfig, world.kubeconfig()).unwrap();
        let stage = Self { admin: Admin::new(&kubeconfig, Some("prod")), world, config, folder };
        stage.configure(None);
        stage
    }

    /// Writes the configuration, with another metrics server if one is given.
    fn configure(&self, server: Option<&str>) {
        let mut text = self.world.config(&self.folder.path().join("kubeconfig"));
        let short = text.replace("interval = \"5s\"", "interval = \"1s\"\nstale_after = \"10s\"");
        assert_ne!(short, text, "the world's configuration says no interval");
        // Over half a minute a handful of failures decides, and a world has a past.
        text = short.replace("window = \"30s\"", "window = \"5m\"");
        if let Some(server) = server {
            text = text.replace(self.world.prometheus_urls.last().unwrap(), server);
        }
        std::fs::write(&self.config, text).unwrap();
    }

    fn tell(&self, path: &str, turn: &Value) {
        let (code, answer) = self.admin.call("POST", path, Some(turn));
        assert!(code < 300, "{turn}: {code} {answer}");
    }

    fn canary_pods(&self) -> Vec<String> {
        let address = self.world.prometheus_urls.last().unwrap().strip_prefix("http://").unwrap();
        let found = prometheus::ask(address, "/api/v1/query", &[("query", "up{job=\"checkout\",track=\"canary\"}")]).json();
        let pods = found["data"]["result"].as_array().unwrap().iter().map(|one| one["metric"]["pod"].as_str().unwrap().to_owned());
        pods.collect()
    }

    fn run(&self, arguments: &[&str]) -> (Option<i32>, String, Value) {
        let common = ["--config", self.config.to_str().unwrap(), "-e", "prod"];
        let output = command(&[&common, arguments].concat()).output().unwrap();
        (output.status.code(), stderr(&output), serde_json::from_str(&stdout(&output)).unwrap_or_default())
    }

    fn gate(&self, seconds: u32) -> (Option<i32>, String, Value) {
        self.run(&["gate", CHECKOUT, "--for", &format!("{seconds}s"), "--json"])
    }
}

/// What is done to a world before the gate, its exit code and what it says.
struct Case {
    name: &'static str,
    turn: fn(&Stage),
    code: i32,
    says: &'static str,
}

fn service(stage: &Stage, effect: &Value) {
    stage.tell("/_world/metrics", &json!({"kind": "service", "service": CHECKOUT, "track": "canary", "effect": effect}));
    stage.tell("/_world/advance?seconds=400", &json!({}));
}

fn metrics(stage: &Stage, turn: &Value) {
    stage.tell("/_world/metrics", turn);
}

const CASES: [Case; 10] = [
    Case { name: "well", turn: |_| {}, code: 0, says: "'checkout' held" },
    Case { name: "errors", turn: |stage| service(stage, &json!({"errors": 0.2})), code: 1, says: "did not hold: errors" },
    Case { name: "slow", turn: |stage| service(stage, &json!({"p95": 4.0})), code: 1, says: "did not hold: p95" },
    Case { name: "full", turn: |stage| service(stage, &json!({"saturation": 0.95})), code: 1, says: "did not hold: saturation" },
    Case {
        name: "quiet",
        turn: |stage| {
            service(stage, &json!({"traffic": 0.0}));
            stage.tell("/_world/advance?seconds=300", &json!({}));
        },
        code: 3,
        says: "cannot be said",
    },
    Case {
        name: "counters begin anew",
        turn: |stage| metrics(stage, &json!({"kind": "reset", "service": CHECKOUT})),
        code: 0,
        says: "'checkout' held",
    },
    Case {
        name: "one pod of two",
        turn: |stage| {
            let pods = stage.canary_pods();
            assert_eq!(pods.len(), 2, "{pods:?}");
            metrics(stage, &json!({"kind": "hide", "pod": format!("shop/{}", pods[0])}));
            stage.tell("/_world/advance?seconds=400", &json!({}));
        },
        code: 0,
        says: "1 of 2 pods scraped",
    },
    Case {
        name: "nobody scrapes",
        turn: |stage| {
            metrics(stage, &json!({"kind": "blind", "service": CHECKOUT}));
            stage.tell("/_world/advance?seconds=400", &json!({}));
        },
        code: 3,
        says: "cannot be said: p95 no data",
    },
    Case {
        name: "five minutes ahead",
        turn: |stage| metrics(stage, &json!({"kind": "clock", "seconds": 300.0})),
        code: 0,
        says: "'checkout' held",
    },
    Case {
        name: "503 half of the time",
        turn: |stage| stage.tell("/_world/metrics/fault", &json!({"kind": "status", "code": 503, "every": 2})),
        code: 0,
        says: "'checkout' held",
    },
];

#[test]
fn rollouts_of_the_world_are_judged_by_its_metrics() {
    let run = |case: &Case| {
        let stage = Stage::open();
        (case.turn)(&stage);
        let (code, talk, answer) = stage.gate(6);
        let as_told = code == Some(case.code) && talk.contains(case.says);
        (!as_told).then(|| format!("{}: {code:?}, wanted {} and '{}'\n{talk}{answer}", case.name, case.code, case.says))
    };
    // Some at once: each has a world of its own.
    let failed: Vec<String> = thread::scope(|scope| {
        let halves = CASES
            .chunks(CASES.len().div_ceil(5))
            .map(|cases| scope.spawn(move || cases.iter().filter_map(run).collect::<Vec<_>>()));
        halves.collect::<Vec<_>>().into_iter().flat_map(|half| half.join().unwrap()).collect()
    });
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[test]
fn status_says_how_gates_stand() {
    let stage = Stage::open();
    let gates = |all: &Value, name: &str| {
        let rollouts = all["rollouts"].as_array().cloned().unwrap_or_default();
        rollouts.into_iter().find(|one| one["name"] == name).unwrap_or_default()["gates"].clone()
    };
    // On a machine that is busy with everything else the time that status takes may not be enough to measure it.
    let begun = Instant::now();
    let all = loop {
        let (_, talk, all) = stage.run(&["status", "--json"]);
        if gates(&all, "checkout")[0]["breached_seconds"].is_u64() {
            break all;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "{talk}{all}");
    };
    let names =
        |gates: &Value| gates.as_array().unwrap().iter().map(|gate| gate["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
    let checkout = gates(&all, "checkout");
    assert_eq!(names(&checkout), ["p95", "errors", "saturation"]);
    let p95 = &checkout[0];
    let told = (&p95["verdict"], &p95["comparator"], &p95["unit"]);
    assert_eq!(told, (&json!("pass"), &json!("<"), &json!("s")));
    assert!(p95["value"].as_f64().unwrap() < p95["limit"].as_f64().unwrap(), "{p95}");
    assert_eq!(p95["breached_seconds"], 0);
    // At rest it is only known through the grouped queries, which have no history.
    assert_eq!((&gates(&all, "web")[1]["verdict"], &gates(&all, "web")[1]["breached_seconds"]), (&json!("pass"), &Value::Null));
    let (_, _, one) = stage.run(&["status", CHECKOUT, "--json"]);
    let measured = one["rollouts"][0]["weight"]["measured"].as_f64().unwrap();
    assert!((measured - 25.0).abs() < 2.0, "{measured}");
}

/// Teams call services by other names than their rollouts have; the name of another rollout is none of those.
#[test]
fn a_service_may_be_called_by_another_name() {
    let stage = Stage::open();
    let gate = |slo: &str| stage.run(&["gate", CHECKOUT, "--for", "4s", "--slo", slo]);
    let (code, talk, _) = gate("apigw-p95<1500ms err<5%");
    assert_eq!(code, Some(0), "{talk}");
    assert!(talk.contains("'apigw' in --slo is taken for another name of 'checkout'"), "{talk}");
    for two in ["payments-p95<1500ms", "apigw-p95<1500ms edge-err<5%"] {
        let (code, talk, _) = gate(two);
        assert_eq!(code, Some(2), "{two}: {talk}");
    }
}

#[test]
fn a_real_prometheus_is_judged_by_as_well() {
    let Some(binaries) = prometheus::binaries() else { return };
    let stage = Stage::open();
    let address = stage.world.prometheus_urls.last().unwrap().strip_prefix("http://").unwrap().to_owned();
    let real = Prometheus::scraping(&binaries, &[address], "3s");
    stage.configure(Some(&format!("http://{}", real.address)));
    let seen = || {
        let query = "min(count_over_time(http_server_request_duration_seconds_count{job=\"checkout\",track=\"canary\"}[5m]))";
        real.ask("/api/v1/query", &[("query", query)]).json()["data"]["result"][0]["value"][1]
            .as_str()
            .and_then(|text| text.parse::<f64>().ok())
    };
    let begun = Instant::now();
    while seen().is_none_or(|count| count < 6.0) {
        assert!(begun.elapsed() < Duration::from_secs(90), "nothing was scraped");
        thread::sleep(Duration::from_millis(200));
    }
    let (code, talk, answer) = stage.gate(8);
    assert_eq!(code, Some(0), "{talk}{answer}");
    assert!(answer["signals"].as_array().unwrap().iter().all(|signal| signal["samples"].as_u64().unwrap() >= 4), "{answer}");
    metrics(&stage, &json!({"kind": "service", "service": CHECKOUT, "track": "canary", "effect": {"errors": 0.3}}));
    let (code, talk, _) = stage.gate(60);
    assert_eq!(code, Some(1), "{talk}");
    assert!(talk.contains("did not hold: errors"), "{talk}");
}
