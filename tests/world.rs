//! The embedded world over HTTP: what a client of Kubernetes may rely on, and what goes wrong on purpose.

mod acting;
mod faults;
mod http;
mod metrics;
mod reading;
mod serve;
mod writing;

use serde_json::{Value, json};

pub use http::{Answer, Stage};

/// The crowd's first rollout.
const ROLLOUT: &str = "/apis/argoproj.io/v1alpha1/namespaces/team-00/rollouts/svc-00000";
/// All rollouts.
const ROLLOUTS: &str = "/apis/argoproj.io/v1alpha1/rollouts";
/// The rollouts of the crowd's first namespace.
const TEAM: &str = "/apis/argoproj.io/v1alpha1/namespaces/team-00/rollouts";

/// A rollout to create.
fn rollout(name: &str, labels: &Value) -> Value {
    json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": { "name": name, "labels": labels },
        "spec": { "replicas": 1, "selector": { "matchLabels": { "app": name } }, "workloadRef": null },
    })
}

/// A label that keeps the world's controller away, so that a test sees its own writes alone.
fn unattended() -> Value {
    json!({ "argo-rollouts.argoproj.io/controller-instance-id": "none" })
}

#[test]
fn only_the_token_opens_it_and_anybody_may_ask_for_its_health() {
    let stage = Stage::with(0);
    let bare = |path: &str| http::Answer::read(&mut stage.send("GET", path, &[], ""));
    assert_eq!(bare("/livez").text, "ok");
    bare(ROLLOUTS).refused(401, "Unauthorized");
    bare("/_world/state").refused(401, "Unauthorized");
    let wrong = stage.send("GET", ROLLOUTS, &[("Authorization", "Bearer nobody")], "");
    http::Answer::read(&mut { wrong }).refused(401, "Unauthorized");
    assert_eq!(bare(&format!("/token/{}{ROLLOUTS}", stage.world.token)).code, 200);
    assert_eq!(bare(&format!("/token/{}0{ROLLOUTS}", stage.world.token)).code, 401);
}

#[test]
fn its_time_is_in_the_date_header_and_moves_when_told() {
    let stage = Stage::with(0);
    assert!(stage.get("/version").headers.contains("date: Mon, 05 Jan 2026 09:00:00 GMT"));
    assert_eq!(stage.post("/_world/advance?seconds=90", &Value::Null).is(200)["now"], "2026-01-05T09:01:30Z");
    assert!(stage.get("/version").headers.contains("date: Mon, 05 Jan 2026 09:01:30 GMT"));
    stage.post("/_world/advance?seconds=-1", &Value::Null).refused(400, "BadRequest");
}

#[test]
fn two_worlds_of_one_seed_are_the_same_to_the_byte() {
    let (first, second) = (Stage::with(50), Stage::with(50));
    assert_eq!(first.get(ROLLOUTS).text, second.get(ROLLOUTS).text);
    for stage in [&first, &second] {
        stage.post("/_world/advance?seconds=30", &Value::Null).is(200);
    }
    for path in [ROLLOUTS, "/api/v1/pods", "/api/v1/events", "/apis/apps/v1/replicasets"] {
        assert_eq!(first.get(path).text, second.get(path).text, "{path}");
    }
}

#[test]
fn it_says_what_it_serves_in_both_forms() {
    let stage = Stage::with(0);
    let old = stage.get("/apis/argoproj.io/v1alpha1").is(200);
    let rollouts = old["resources"].as_array().unwrap().iter().find(|r| r["name"] == "rollouts").unwrap().clone();
    assert_eq!((&rollouts["kind"], &rollouts["shortNames"]), (&json!("Rollout"), &json!(["ro"])));
    let accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json";
    let new = stage.accept("/apis", accept);
    assert!(new.headers.contains("as=APIGroupDiscoveryList"), "{}", new.headers);
    let text = new.is(200).to_string();
    assert!(text.contains(r#""resource":"rollouts""#) && text.contains(r#""subresource":"status""#), "{text}");
    for path in ["/apis/argoproj.io/v2", "/apis/argoproj.io/v1alpha1/nothing", "/nothing"] {
        let missing = stage.get(path);
        assert_eq!((missing.code, missing.text.as_str()), (404, "404 page not found\n"), "{path}");
    }
}

#[test]
fn what_is_allowed_and_what_a_review_says_are_the_same() {
    let stage = Stage::with(1);
    let review = |verb: &str, subresource: &str, namespace: &str| {
        let attributes = json!({
            "verb": verb, "group": "argoproj.io", "resource": "rollouts", "subresource": subresource, "namespace": namespace,
        });
        let path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
        stage.post(path, &json!({ "spec": { "resourceAttributes": attributes } })).is(201)["status"]["allowed"].clone()
    };
    assert_eq!(review("patch", "status", "team-00"), true);
    let forbid = json!({ "kind": "forbid", "verb": "patch", "resource": "rollouts/status" });
    stage.post("/_world/fault", &forbid).is(201);
    assert_eq!(review("patch", "status", "team-00"), false);
    assert_eq!(review("patch", "", "team-00"), true);
    let refused = stage.patch(&format!("{ROLLOUT}/status"), http::MERGE, &json!({ "status": { "abort": true } }));
    assert_eq!(
        refused.refused(403, "Forbidden"),
        "rollouts.argoproj.io \"svc-00000\" is forbidden: User \"captain\" cannot patch resource \"rollouts/status\" \
         in API group \"argoproj.io\" in the namespace \"team-00\""
    );
    stage.post("/_world/fault", &json!({ "kind": "forbid", "verb": "list", "resource": "rollouts", "except": "team-00" })).is(201);
    assert_eq!(
        stage.get(ROLLOUTS).refused(403, "Forbidden"),
        "rollouts.argoproj.io is forbidden: User \"captain\" cannot list resource \"rollouts\" in API group \"argoproj.io\" \
         at the cluster scope"
    );
    stage.get(TEAM).is(200);
    stage.delete("/_world/fault").is(200);
    stage.get(ROLLOUTS).is(200);
}

#[test]
fn a_metric_is_what_it_is_told_to_be() {
    let stage = Stage::with(0);
    stage.post("/_world/metric", &json!({ "value": 3 })).refused(400, "BadRequest");
    stage.post("/_world/metric", &json!({ "name": "errors", "value": 0.5 })).is(200);
    stage.post("/_world/gate", &json!({ "name": "cp", "status": 403 })).is(200);
    let run = json!({ "metadata": { "name": "look", "namespace": "default" }, "spec": { "metrics": [{
        "name": "errors", "successCondition": "result < 0.05", "provider": { "web": { "url": "http://metrics.example.com/errors" } },
    }] } });
    let runs = "/apis/argoproj.io/v1alpha1/namespaces/default/analysisruns";
    stage.post(runs, &run).is(201);
    stage.post("/_world/advance?seconds=1", &Value::Null).is(200);
    assert_eq!(stage.get(&format!("{runs}/look")).is(200)["status"]["phase"], "Failed");
}
