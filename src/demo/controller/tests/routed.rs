//! Canaries with a router: weights, delays after an abort, dynamic stable scale, ping-pong, managed routes.

use serde_json::{Value, json};

use super::{NAMESPACE, Stage, pods, routed};
use crate::demo::Resource;

fn weight(stage: &Stage) -> Value {
    stage.status("/canary/weights/canary/weight")
}

#[test]
fn the_weight_waits_for_pods_and_is_nothing_after_promotion() {
    let mut stage = Stage::with(&routed(&json!([{ "setWeight": 50 }, { "pause": {} }]), &json!({})));
    stage.set_image("web:2");
    assert_eq!(weight(&stage), 0);
    stage.pass(5);
    assert_eq!((weight(&stage), stage.pods()), (json!(50), pods(&[("web:1", 4), ("web:2", 2)])));
    stage.promote();
    stage.pass(5);
    assert_eq!((stage.phase(), weight(&stage)), ("Healthy".to_owned(), json!(0)));
    assert_eq!(stage.pods(), pods(&[("web:1", 4), ("web:2", 4)]));
    stage.pass(31);
    assert_eq!(stage.pods(), pods(&[("web:2", 4)]));
}

#[test]
fn an_abort_takes_the_traffic_at_once_and_the_pods_later() {
    let mut stage = Stage::with(&routed(&json!([{ "setWeight": 50 }, { "pause": {} }]), &json!({})));
    stage.set_image("web:2");
    stage.pass(5);
    stage.patch(&json!({ "status": { "abort": true } }));
    assert_eq!((weight(&stage), stage.pods()), (json!(0), pods(&[("web:1", 4), ("web:2", 2)])));
    stage.pass(31);
    assert_eq!(stage.pods(), pods(&[("web:1", 4)]));
    assert_eq!(stage.phase(), "Degraded: RolloutAborted: Rollout aborted update to revision 2");
}

#[test]
fn without_a_delay_the_pods_of_an_abort_stay() {
    let mut stage =
        Stage::with(&routed(&json!([{ "setWeight": 50 }, { "pause": {} }]), &json!({ "abortScaleDownDelaySeconds": 0 })));
    stage.set_image("web:2");
    stage.pass(5);
    stage.patch(&json!({ "status": { "abort": true } }));
    stage.pass(120);
    let marked =
        stage.store.list(Resource::ReplicaSet, None).any(|set| set["metadata"]["annotations"]["scale-down-deadline"].is_string());
    assert!(!marked);
    assert!(stage.phase().starts_with("Degraded"), "{}", stage.phase());
}

#[test]
fn dynamic_stable_scale_moves_pods_with_the_traffic_both_ways() {
    let steps = json!([{ "setWeight": 50 }, { "pause": {} }, { "setWeight": 75 }, { "pause": {} }]);
    let mut stage = Stage::with(&routed(&steps, &json!({ "dynamicStableScale": true })));
    stage.set_image("web:2");
    stage.pass(5);
    assert_eq!((weight(&stage), stage.pods()), (json!(50), pods(&[("web:1", 2), ("web:2", 2)])));
    stage.promote();
    stage.pass(5);
    assert_eq!((weight(&stage), stage.pods()), (json!(75), pods(&[("web:1", 1), ("web:2", 3)])));
    stage.patch(&json!({ "status": { "abort": true } }));
    assert_eq!(weight(&stage), 75, "stable cannot carry more yet");
    let canary_service = |stage: &Stage| {
        stage.store.get(Resource::Service, NAMESPACE, "web-canary").unwrap()["spec"]["selector"]["rollouts-pod-template-hash"]
            .clone()
    };
    assert_ne!(canary_service(&stage), stage.status("/stableRS"));
    stage.pass(15);
    assert_eq!((weight(&stage), stage.pods()), (json!(0), pods(&[("web:1", 4)])));
    assert_eq!(canary_service(&stage), stage.status("/stableRS"));
    stage.patch(&json!({ "status": { "abort": false } }));
    stage.pass(8);
    stage.promote();
    stage.pass(8);
    stage.promote();
    stage.pass(20);
    assert_eq!((stage.phase(), stage.pods()), ("Healthy".to_owned(), pods(&[("web:2", 4)])));
}

#[test]
fn ping_and_pong_take_turns() {
    let more =
        json!({ "pingPong": { "pingService": "ping", "pongService": "pong" }, "canaryService": null, "stableService": null });
    let mut stage = Stage::with(&routed(&json!([{ "setWeight": 50 }, { "pause": {} }]), &more));
    assert_eq!(stage.status("/canary/stablePingPong"), "ping");
    let leads = |stage: &Stage, name: &str| {
        stage.store.get(Resource::Service, NAMESPACE, name).unwrap()["spec"]["selector"]["rollouts-pod-template-hash"].clone()
    };
    let first = stage.status("/stableRS");
    stage.set_image("web:2");
    stage.pass(5);
    let second = stage.status("/currentPodHash");
    assert_eq!((leads(&stage, "ping"), leads(&stage, "pong")), (first.clone(), second.clone()));
    assert_eq!(stage.status("/canary/weights/canary/serviceName"), "pong");
    stage.promote();
    stage.pass(5);
    assert_eq!((stage.phase(), stage.status("/canary/stablePingPong")), ("Healthy".to_owned(), json!("pong")));
    assert_eq!((leads(&stage, "ping"), leads(&stage, "pong")), (first, second));
}

#[test]
fn header_and_mirror_routes_live_as_long_as_the_update() {
    let routing = json!({
        "plugins": null, "managedRoutes": [{ "name": "testers" }, { "name": "shadow" }],
        "istio": { "virtualService": { "name": "web", "routes": ["primary"] } },
    });
    let steps = json!([
        { "setCanaryScale": { "replicas": 1 } },
        { "setHeaderRoute": { "name": "testers", "match": [{ "headerName": "x-tester", "headerValue": { "exact": "yes" } }] } },
        { "setMirrorRoute": { "name": "shadow", "percentage": 20, "match": [{ "path": { "prefix": "/" } }] } },
        { "pause": {} },
    ]);
    let mut stage = Stage::new();
    let route = |host: &str, weight: i64| json!({ "destination": { "host": host }, "weight": weight });
    let http = json!([{ "name": "primary", "route": [route("web-stable", 100), route("web-canary", 0)] }]);
    stage.create(Resource::VirtualService, json!({ "metadata": { "name": "web" }, "spec": { "http": http } }));
    for service in ["web-canary", "web-stable"] {
        stage.create(Resource::Service, json!({ "metadata": { "name": service }, "spec": { "selector": { "app": "web" } } }));
    }
    let spec = super::rollout(&routed(&steps, &json!({ "trafficRouting": routing })));
    stage.create(Resource::Rollout, json!({ "metadata": { "name": "web" }, "spec": spec }));
    stage.pass(10);
    let routes = |stage: &Stage| {
        let service = stage.store.get(Resource::VirtualService, NAMESPACE, "web").unwrap();
        service["spec"]["http"]
            .as_array()
            .unwrap()
            .iter()
            .map(|route| route["name"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    stage.set_image("web:2");
    stage.pass(5);
    assert_eq!((stage.phase(), stage.status("/currentStepIndex")), ("Paused: CanaryPauseStep".to_owned(), json!(3)));
    assert_eq!(
        (routes(&stage), stage.pods()),
        (vec!["shadow".to_owned(), "testers".to_owned(), "primary".to_owned()], pods(&[("web:1", 4), ("web:2", 1)]))
    );
    stage.patch(&json!({ "status": { "abort": true } }));
    stage.pass(1);
    assert_eq!(routes(&stage), vec!["primary".to_owned()]);
}

#[test]
fn an_intermediate_revision_goes_when_no_traffic_reaches_it() {
    let mut stage = Stage::with(&routed(&json!([{ "setWeight": 50 }, { "pause": {} }]), &json!({})));
    stage.set_image("web:2");
    stage.pass(5);
    stage.set_image("web:3");
    assert_eq!(weight(&stage), 0);
    stage.pass(8);
    assert_eq!((stage.phase(), stage.pods()), ("Paused: CanaryPauseStep".to_owned(), pods(&[("web:1", 4), ("web:3", 2)])));
}
