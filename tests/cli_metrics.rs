//! What the command line says about metrics: whether queries find anything, how a server is doing, and what a chart's checks come to.

use std::path::{Path, PathBuf};

use pilothouse::demo::{Options, Running, Scenario, start};
use serde_json::Value;

use crate::cli::{command, stderr, stdout};

fn world() -> (Running, tempfile::TempDir) {
    let world = start(&Options { scenario: Scenario::Canary, ..Options::default() }).unwrap();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("kubeconfig"), world.kubeconfig()).unwrap();
    (world, folder)
}

/// A configuration of the world's last environment with these lines about metrics.
fn config(world: &Running, folder: &Path, name: &str, more: &str) -> PathBuf {
    let path = folder.join(name);
    let url = world.prometheus_urls.last().unwrap();
    let environment =
        format!("[[environment]]\nname = \"prod\"\nkubeconfig = \"kubeconfig\"\nprometheus = {{ url = \"{url}\" }}\n");
    std::fs::write(&path, format!("{environment}{more}")).unwrap();
    path
}

fn check(config: &Path, more: &[&str]) -> (Option<i32>, String) {
    let config = config.to_str().unwrap();
    let output = command(&[&["--config", config, "config", "check"], more].concat()).output().unwrap();
    assert!(output.stderr.is_empty(), "{}", stderr(&output));
    (output.status.code(), stdout(&output))
}

fn line<'a>(text: &'a str, start: &str) -> &'a str {
    text.lines().find(|line| line.starts_with(start)).unwrap_or_else(|| panic!("no '{start}' in\n{text}"))
}

#[test]
fn what_finds_everything_is_said_to() {
    let (world, folder) = world();
    for preset in ["otel", "classic", "istio", "nginx", "linkerd"] {
        let (code, text) = check(&config(&world, folder.path(), preset, &format!("[prometheus]\npreset = \"{preset}\"\n")), &[]);
        assert_eq!(code, Some(0), "{text}");
        assert!(text.lines().filter(|line| line.starts_with('✔')).count() >= 10 && !text.contains('✖'), "{text}");
    }
    let (code, text) = check(&config(&world, folder.path(), "rules", ""), &[]);
    assert_eq!(code, Some(0), "{text}");
    assert!(line(&text, "✔ p95.query").contains(" series, newest sample "), "{text}");
    assert!(text.contains("Sloth records error ratios: [slo] error_ratio = ") && text.contains("gateway:duration_p95"), "{text}");
}

#[test]
fn what_finds_nothing_is_said_with_how_to_mend_it() {
    let (world, folder) = world();
    let signals = r#"
[prometheus]
preset = ""
[[signal]]
name = "plain"
kind = "errors"
query = "sum(rate(http_requests_total{job=\"{{service}}\",code=~\"6..\"}[5m])) / sum(rate(http_requests_total{job=\"{{service}}\"}[5m]))"
[[signal]]
name = "blind"
bad = "sum(rate(http_requests_total{job=\"{{service}}\",cod=~\"5..\"}[5m]))"
total = "sum(rate(http_requests_total{job=\"{{service}}\",code=~\"7..\"}[5m]))"
[[signal]]
name = "never"
bad = "sum(rate(http_requests_total{job=\"{{service}}\",code=~\"8..\"}[5m]))"
total = "sum(rate(http_requests_total{job=\"{{service}}\"}[5m]))"
[[signal]]
name = "misspelt"
query = "max(http_request_total)"
[[signal]]
name = "slow"
kind = "latency"
query = "histogram_quantile(0.95, sum by (le) (rate(istio_request_duration_milliseconds_bucket{destination_service_name=\"{{track_service}}\"}[5m])))"
threshold = 1.5
[[signal]]
name = "unlabelled"
query = "sum(rate(http_requests_total{app=\"{{service}}\"}[5m]))"
"#;
    let (code, text) = check(&config(&world, folder.path(), "wrong", signals), &[]);
    assert_eq!(code, Some(1), "{text}");
    for (start, phrase) in [
        ("✖ plain.query", "empty although there is traffic: say bad and total, or put 'or vector(0)' behind the dividend"),
        ("✖ blind.bad", "no series of http_requests_total has the label cod: no failure would ever be seen; it has code, job"),
        ("✖ blind.total", "no series of http_requests_total has code=~\"7..\": code is '200'"),
        ("✔ never.bad", "nothing ever failed, which counts as 0"),
        ("✖ misspelt.query", "there are no series of http_request_total: is its name right, and is it scraped?"),
        ("▲ slow.query", "is far from < 1.5: does it count milliseconds?"),
        ("✖ unlabelled.query", "no series of http_requests_total has the label app: it has code"),
    ] {
        assert!(line(&text, start).contains(phrase), "{}", line(&text, start));
    }
    let (code, text) = check(&config(&world, folder.path(), "wrong", signals), &["--offline"]);
    assert!(code == Some(0) && !text.contains("plain.query"), "{text}");
}

#[test]
fn what_can_never_be_breached_and_a_guard_that_sees_nothing_are_wrong() {
    let (world, folder) = world();
    let all = "[prometheus]\npreset = \"otel\"\n[[signal]]\nname = \"errors\"\nthreshold = 1.0\n\
               [[signal]]\nname = \"p95\"\nthreshold = 1500.0\n";
    let (code, text) = check(&config(&world, folder.path(), "never", all), &[]);
    assert!(code == Some(1) && line(&text, "✖ errors.bad").contains("nothing breaches 1: 1 % is 0.01"), "{text}");
    assert!(line(&text, "✖ p95.query").contains("its largest bucket ends at 5: it is never over 1500"), "{text}");
    let cpu =
        |limit: &str| format!("[guard]\nsaturation = \"cpu\"\n{limit}[[signal]]\nname = \"cpu\"\nquery = \"up\"\nunit = \"%\"\n");
    for (name, more, code, phrase) in [
        ("misspelt", "[guard]\nsaturation = \"saturaton\"\n", 1, "✖ guard        prod: no signal is called 'saturaton'"),
        ("part", &cpu("saturation_limit = 0.8\n"), 1, "'cpu' is in percent, and saturation_limit = 0.8 is 0.8 %"),
        ("percent", &cpu(""), 0, "signals cpu"),
        ("ratio", "[guard]\nsaturation_limit = 80.0\n", 1, "'saturation' is a part of 1, never above saturation_limit = 80"),
    ] {
        let found = check(&config(&world, folder.path(), name, more), &["--offline"]);
        assert!(found.0 == Some(code) && found.1.contains(phrase), "{name}: {}", found.1);
    }
}

#[test]
fn a_server_that_does_not_answer_is_no_verdict_on_its_queries() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("away.toml");
    std::fs::write(&path, "[prometheus]\nurl = \"http://127.0.0.1:1\"\n").unwrap();
    let (code, text) = check(&path, &[]);
    assert_eq!(code, Some(4), "{text}");
    assert!(text.contains("current context: the metrics server does not answer: connection refused"), "{text}");
}

#[test]
fn doctor_looks_at_metrics_servers_too() {
    let (world, folder) = world();
    let path = config(&world, folder.path(), "doctor", "");
    let output = command(&["--config", path.to_str().unwrap(), "doctor", "--json"]).output().unwrap();
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    let server = &document["metrics"][0];
    assert_eq!((server["environment"].as_str(), server["reachable"].as_bool()), (Some("prod"), Some(true)), "{document}");
    assert!(
        server["latency_ms"].is_u64() && server["retention_seconds"].is_u64() && server["server_version"].is_string(),
        "{server}"
    );
    let checks = document["checks"].as_array().unwrap();
    let found = checks.iter().find(|check| check["name"] == "metrics").unwrap();
    assert_eq!((found["verdict"].as_str(), found["environment"].as_str()), (Some("ok"), Some("prod")));
}

#[test]
fn the_checks_of_a_chart_become_signals_that_load() {
    let folder = tempfile::tempdir().unwrap();
    let values = folder.path().join("values-canary.yaml");
    std::fs::write(
        &values,
        "metrics:\n  prometheus:\n    address: http://prometheus.monitoring:9090\n    checks:\n    - name: error_rate\n      \
         query: sum(rate(http_requests_total{job=\"gateway\",status=~\"5..\"}[5m])) / sum(rate(http_requests_total{job=\"gateway\"}[5m]))\n      \
         threshold: 0.01\n      comparator: \"<\"\n",
    )
    .unwrap();
    let output = command(&["config", "import-checks", values.to_str().unwrap()]).output().unwrap();
    let text = stdout(&output);
    assert!(
        output.status.success() && text.contains("bad = ") && text.contains("url = \"http://prometheus.monitoring:9090\""),
        "{text}"
    );
    let config = folder.path().join("config.toml");
    std::fs::write(&config, &text).unwrap();
    let (code, said) = check(&config, &["--offline"]);
    assert!(code == Some(0) && said.contains("signals error_rate"), "{said}");
    std::fs::write(&values, "replicas: 3\n").unwrap();
    let output = command(&["config", "import-checks", values.to_str().unwrap()]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("there is nothing under metrics.prometheus"), "{}", stderr(&output));
}
