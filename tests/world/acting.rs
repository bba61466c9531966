//! What clients need who act on releases: gates behind the service proxy, Applications, events, metadata alone, faults after the
//! deed, and a count of what was sent.

use std::time::{Duration, Instant};

use pilothouse::demo::{Options, Running, Scenario, start};
use serde_json::{Value, json};

use super::http::{Answer, JSON_PATCH, MERGE};
use super::{ROLLOUT, Stage, TEAM};

fn scene(scenario: Scenario) -> Stage {
    let origin = Some("2026-01-05T09:00:00Z".parse().unwrap());
    let world: Running = start(&Options { scenario, speed: 0.0, origin, ..Options::default() }).unwrap();
    Stage { world }
}

fn pass(stage: &Stage, seconds: u64) {
    stage.post(&format!("/_world/advance?seconds={seconds}"), &Value::Null).is(200);
}

#[test]
fn the_gates_of_flagger_are_behind_the_service_proxy() {
    let stage = scene(Scenario::FlaggerGate);
    let gate = |port: &str, deed: &str| {
        let path = format!("/api/v1/namespaces/content/services/flagger-loadtester{port}/proxy/{deed}");
        stage.post(&path, &json!({ "name": "media", "namespace": "content" })).code
    };
    let phase = || stage.get("/apis/flagger.app/v1beta1/namespaces/content/canaries/media").is(200)["status"]["phase"].clone();
    assert_eq!((gate(":80", "gate/check"), gate(":http", "gate/approve"), gate("", "gate/halt")), (403, 200, 403));
    pass(&stage, 60);
    assert_eq!(phase(), "WaitingPromotion");
    assert_eq!((gate(":80", "gate/open"), gate(":80", "gate/check"), gate(":80", "rollback/check")), (202, 200, 403));
    assert_eq!((gate(":80", "gate/close"), gate(":80", "gate/check")), (202, 403));
    assert_eq!((gate(":80", "nothing"), gate(":81", "gate/open")), (404, 503));
    let path = "/api/v1/namespaces/content/services/flagger-loadtester:80/proxy/gate/open";
    assert_eq!(stage.post(path, &json!({ "name": "media" })).code, 400);
    stage.post("/_world/fault", &json!({ "kind": "forbid", "verb": "create", "resource": "services/proxy" })).is(201);
    let refused = stage.post(path, &json!({ "name": "media", "namespace": "content" })).refused(403, "Forbidden");
    assert!(
        refused.contains("cannot create resource \"services/proxy\"") && refused.contains("\"flagger-loadtester\""),
        "{refused}"
    );
    stage.delete("/_world/fault").is(200);
    let other = "/api/v1/namespaces/content/services/media:80/proxy/";
    assert!(stage.get(other).refused(503, "ServiceUnavailable").contains("error trying to reach service"));
    stage.get("/api/v1/namespaces/content/services/none/proxy/").refused(404, "NotFound");
    assert_eq!(gate(":80", "rollback/open"), 202);
    pass(&stage, 40);
    assert_eq!(phase(), "Failed");
}

#[test]
fn applications_are_read_and_patched_like_anything_else() {
    let stage = scene(Scenario::Gitops);
    let path = "/apis/argoproj.io/v1alpha1/namespaces/argocd/applications/web-prod";
    let application = stage.get(path).is(200);
    assert_eq!(application["spec"]["syncPolicy"]["automated"], json!({ "prune": true, "selfHeal": true }));
    assert_eq!(
        (&application["status"]["sync"]["status"], &application["status"]["operationState"]["phase"]),
        (&json!("Synced"), &json!("Succeeded"))
    );
    let rollout = stage.get("/apis/argoproj.io/v1alpha1/namespaces/shop/rollouts/web").is(200);
    let tracking = rollout["metadata"]["annotations"]["argocd.argoproj.io/tracking-id"].as_str().unwrap();
    assert_eq!(tracking, "web-prod:argoproj.io/Rollout:shop/web");
    let patched = stage.patch(path, MERGE, &json!({ "spec": { "syncPolicy": { "automated": null } } })).is(200);
    assert_eq!(patched["spec"]["syncPolicy"]["automated"], Value::Null);
    let table = stage.accept(path, "application/json;as=Table;v=v1;g=meta.k8s.io").is(200);
    assert_eq!(table["rows"][0]["cells"].as_array().unwrap()[1..3], [json!("Synced"), json!("Suspended")]);
}

#[test]
fn metadata_comes_alone_for_any_kind() {
    let stage = scene(Scenario::Calm);
    for path in ["/api/v1/namespaces/edge/configmaps", "/api/v1/namespaces/edge/secrets", "/apis/argoproj.io/v1alpha1/rollouts"] {
        let list = stage.accept(path, "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1").is(200);
        assert_eq!(list["kind"], "PartialObjectMetadataList", "{path}");
        let first = list["items"][0].clone();
        let mut keys: Vec<&String> = first.as_object().unwrap().keys().collect();
        keys.sort();
        assert_eq!(keys, ["apiVersion", "kind", "metadata"], "{path}");
        let text = |key: &str| first["metadata"][key].as_str().unwrap().to_owned();
        let plural = path.rsplit('/').next().unwrap();
        let root = path.split("/namespaces/").next().unwrap().trim_end_matches(&format!("/{plural}"));
        let one = format!("{root}/namespaces/{}/{plural}/{}", text("namespace"), text("name"));
        let got = stage.accept(&one, "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1").is(200);
        assert_eq!(
            (&got["kind"], &got["metadata"], &got["data"]),
            (&json!("PartialObjectMetadata"), &first["metadata"], &Value::Null)
        );
        assert!(got["metadata"]["managedFields"][0]["time"].is_string(), "{path}");
    }
}

#[test]
fn a_review_of_oneself_is_answered_in_whatever_form_it_comes() {
    let stage = Stage::with(0);
    let path = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
    assert_eq!(stage.post(path, &json!({})).is(201)["status"]["userInfo"]["username"], "captain");
    let bearer = format!("Bearer {}", stage.world.token);
    let proto = "application/vnd.kubernetes.protobuf";
    let headers =
        [("Authorization", &*bearer), ("Content-Type", proto), ("Accept", "application/vnd.kubernetes.protobuf,application/json")];
    let answer = Answer::read(&mut stage.send("POST", path, &headers, "k8s\0\n\u{0}\u{12}\u{0}"));
    assert_eq!(answer.is(201)["status"]["userInfo"]["username"], "captain");
}

#[test]
fn events_of_clients_may_be_forbidden() {
    let stage = Stage::with(1);
    let event = json!({
        "metadata": { "name": "told" }, "involvedObject": { "kind": "Rollout", "namespace": "team-00", "name": "svc-00000" },
        "reason": "Told", "message": "it was told", "type": "Normal",
    });
    let path = "/api/v1/namespaces/team-00/events";
    stage.post("/_world/fault", &json!({ "kind": "forbid", "verb": "create", "resource": "events" })).is(201);
    assert!(stage.post(path, &event).refused(403, "Forbidden").contains("cannot create resource \"events\""));
    stage.delete("/_world/fault").is(200);
    stage.post(path, &event).is(201);
}

/// A write that fences itself, and whether it has been done.
fn abort(stage: &Stage) -> (Answer, bool) {
    let patch =
        json!([{ "op": "test", "path": "/status/abort", "value": null }, { "op": "add", "path": "/status/abort", "value": true }]);
    let bearer = format!("Bearer {}", stage.world.token);
    let headers = [("Authorization", &*bearer), ("Content-Type", JSON_PATCH)];
    let mut sent = stage.send("PATCH", &format!("{ROLLOUT}/status"), &headers, &patch.to_string());
    sent.get_ref().set_read_timeout(Some(Duration::from_millis(400))).unwrap();
    let answer = Answer::read(&mut sent);
    let done = stage.get(ROLLOUT).is(200)["status"]["abort"] == true;
    stage.patch(&format!("{ROLLOUT}/status"), MERGE, &json!({ "status": { "abort": null } })).is(200);
    (answer, done)
}

#[test]
fn a_fault_hits_before_or_after_the_deed() {
    for (kind, code) in
        [(json!({ "kind": "reset" }), 0), (json!({ "kind": "hang" }), 0), (json!({ "kind": "status", "code": 500 }), 500)]
    {
        for after in [false, true] {
            let stage = Stage::with(1);
            let mut fault = kind.clone();
            (fault["after"], fault["only"], fault["count"]) = (after.into(), "patch".into(), 1.into());
            stage.post("/_world/fault", &fault).is(201);
            let (answer, done) = abort(&stage);
            assert_eq!((answer.code, done), (code, after), "{fault}");
        }
    }
}

#[test]
fn what_was_sent_is_counted_whatever_came_of_it() {
    let stage = Stage::with(1);
    let status = format!("{ROLLOUT}/status");
    stage.patch(&status, MERGE, &json!({ "status": { "abort": true } })).is(200);
    stage.patch(&format!("{status}?dryRun=All"), MERGE, &json!({ "status": { "abort": null } })).is(200);
    stage.post("/_world/fault", &json!({ "kind": "reset", "only": "patch", "count": 1 })).is(201);
    assert_eq!(stage.patch(&status, MERGE, &json!({ "status": { "abort": null } })).code, 0);
    stage.get(TEAM).is(200);
    let counts = stage.get(&format!("/_world/requests?verb=patch&path={ROLLOUT}")).is(200)["requests"].clone();
    let count = |dry_run: bool, count: u32| json!({ "verb": "patch", "path": status, "dry_run": dry_run, "count": count });
    assert_eq!(counts, json!([count(false, 2), count(true, 1)]));
    let all = stage.get("/_world/requests").is(200)["requests"].clone();
    assert!(all.as_array().unwrap().iter().any(|request| request["verb"] == "list" && request["path"] == TEAM), "{all}");
    stage.delete("/_world/requests").is(200);
    assert_eq!(stage.get("/_world/requests").is(200)["requests"], json!([]));
}

#[test]
fn controllers_may_take_a_while_to_see_a_change() {
    let stage = scene(Scenario::Canary);
    let path = "/apis/argoproj.io/v1alpha1/namespaces/shop/rollouts/checkout";
    stage.post("/_world/lag?seconds=0.3", &Value::Null).is(200);
    let promoted = stage.patch(&format!("{path}/status"), MERGE, &json!({ "status": { "pauseConditions": null } })).is(200);
    assert_eq!(promoted["status"]["controllerPause"], true);
    let now = stage.get(path).is(200)["status"].clone();
    assert_eq!((&now["pauseConditions"], &now["controllerPause"]), (&Value::Null, &json!(true)), "not seen yet");
    let since = Instant::now();
    while stage.get(path).is(200)["status"]["currentStepIndex"] == promoted["status"]["currentStepIndex"] {
        assert!(since.elapsed() < Duration::from_secs(5), "never seen");
        std::thread::sleep(Duration::from_millis(20));
    }
}
