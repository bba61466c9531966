//! Guards and gates on Flagger's canaries in the embedded world, which nothing analyses but the world's metrics.

use std::time::Duration;

use pilothouse::demo::{Options, Scenario};
use serde_json::{Value, json};

use super::command::{Guard, errors_metrics, user};
use crate::acts::flagger::{canary_path, create, deployment, routed};
use crate::acts::stage::{Stage, tag};

/// How long the window of a signal is, and a bit.
const WINDOW: Duration = Duration::from_secs(35);

fn phase(canary: &Value) -> &str {
    canary["status"]["phase"].as_str().unwrap_or_default()
}

/// A canary that gets 5 % more every ten seconds, whatever it does: Flagger looks at no metric of it.
fn release(stage: &Stage, namespace: &str, errors: f64) {
    stage.admin.namespace(namespace);
    create(stage, namespace, "web", "v1", (&json!({ "stepWeight": 5, "maxWeight": 95 }), ""));
    stage.until(&canary_path(namespace, "web"), "initialised", |canary| phase(canary) == "Initialized");
    let tell = |track: &str, effect: Value| {
        let turn = json!({ "kind": "service", "service": format!("{namespace}/web"), "track": track, "effect": effect });
        stage.admin.must("POST", "/_world/metrics", Some(&turn));
    };
    tell("all", json!({ "traffic": 20.0 }));
    tell("canary", json!({ "errors": errors }));
    stage.release(&deployment(namespace, "web"), "v2");
    stage.until(&canary_path(namespace, "web"), "on its way", |canary| canary["status"]["canaryWeight"].as_i64() > Some(0));
}

#[test]
fn a_guard_holds_a_canary_of_flagger_and_takes_it_back() {
    let stage = Stage::of(Options { scenario: Scenario::Errors, ..Options::default() });
    let rules = "[guard]\nhold_after = \"5s\"\nbreach_after = \"30s\"\ncountdown = \"3s\"\nlease = \"3s\"\n";
    let user = user(&stage, "flagger", &(errors_metrics(&stage) + rules));
    std::thread::scope(|scope| {
        for (namespace, errors) in [("stream", 0.2), ("radio", 0.2), ("press", 0.0)] {
            let stage = &stage;
            scope.spawn(move || release(stage, namespace, errors));
        }
    });
    // In one of them it may not be held, and one is well and held by a person.
    let fault = json!({ "kind": "forbid", "resource": "canaries", "verb": "patch", "except": "stream" });
    stage.merge(&canary_path("press", "web"), &json!({ "spec": { "suspend": true } }));
    stage.admin.must("POST", "/_world/fault", Some(&fault));
    let suspended = std::time::Instant::now();
    let stream = Guard::begin(&user, "the guard of stream", &["canary/stream/web"]);
    let radio = Guard::begin(&user, "the guard of radio", &["canary/radio/web"]);
    let bad = user.run(&["gate", "canary/stream/web", "--for", "60s"]);
    bad.is(1, "did not hold: errors");
    let ran = stream.over();
    ran.is(1, "stream/web: the guard took it back: Failed: the primary has all traffic");
    assert!(ran.err.contains("it stands still: suspended") && ran.err.contains("it is taken back in 0:03"), "{ran:?}");
    let ran = radio.over();
    ran.is(1, "radio/web: the guard took it back: Failed: the primary has all traffic");
    assert!(ran.err.contains("could not hold: ") && ran.err.contains("it is taken back in 0:03"), "{ran:?}");
    for namespace in ["stream", "radio"] {
        let canary = stage.get(&canary_path(namespace, "web"));
        assert_eq!((phase(&canary), canary["spec"]["suspend"] == true), ("Failed", false), "{canary:#}");
        let primary = stage.get(&deployment(namespace, "web-primary"));
        assert_eq!((tag(&primary), routed(&stage, namespace, "web")), ("v1", (100, 0)));
        let lease = format!("/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases/pilothouse-guard.canary.web");
        assert_eq!(stage.admin.call("GET", &lease, None).0, 404);
    }
    let acts = user.acts();
    let verbs: Vec<&str> =
        acts.iter().filter(|act| act["object"]["namespace"] == "stream").filter_map(|act| act["verb"].as_str()).collect();
    assert_eq!(verbs, ["guard-arm", "pause", "rollback"], "{acts:?}");
    std::thread::sleep(WINDOW.saturating_sub(suspended.elapsed()));
    user.run(&["gate", "canary/press/web", "--for", "5s"]).is(0, "");
    user.is_settled();
}
