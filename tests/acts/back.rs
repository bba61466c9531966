//! The ways back, to the end: the right version runs, has the traffic, and its template is as a person wrote it.

use std::time::Duration;

use pilothouse::demo::{Options, Scenario};
use serde_json::{Value, json};

use super::flagger::{canary_path, create, deployment, routed};
use super::stage::{Stage, blue_green, canary, is_in, path, tag};
use super::states::workload;
use crate::support::admin::in_namespace;

const STEPS: [u8; 2] = [20, 60];

fn steps() -> Value {
    let [first, second] = STEPS;
    json!([{ "setWeight": first }, { "pause": {} }, { "setWeight": second }, { "pause": {} }])
}

/// Version of the pods that have all the traffic; it must be what runs there, with all pods.
#[track_caller]
fn serves(stage: &Stage, namespace: &str, name: &str) -> String {
    let rollout = stage.rollout(namespace, name);
    let status = &rollout["status"];
    let hash = if rollout["spec"]["strategy"]["blueGreen"].is_object() {
        let service = stage.get(&format!("/api/v1/namespaces/{namespace}/services/{name}-stable"));
        service["spec"]["selector"]["rollouts-pod-template-hash"].clone()
    } else {
        assert_eq!(status["canary"]["weights"]["canary"]["weight"], 0, "{status:#}");
        status["stableRS"].clone()
    };
    let sets = stage.get(&in_namespace(namespace, "replicasets"));
    let mut own = sets["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|set| set["metadata"]["ownerReferences"][0]["uid"] == rollout["metadata"]["uid"]);
    let set = own.find(|set| set["metadata"]["labels"]["rollouts-pod-template-hash"] == hash).unwrap();
    assert_eq!(set["status"]["availableReplicas"], rollout["spec"]["replicas"], "{set:#}");
    let pods = stage.get(&in_namespace(namespace, "pods"));
    let pods =
        pods["items"].as_array().unwrap().iter().filter(|pod| pod["metadata"]["labels"]["rollouts-pod-template-hash"] == hash);
    let images: Vec<&Value> = pods.map(|pod| &pod["spec"]["containers"][0]["image"]).collect();
    let image = &set["spec"]["template"]["spec"]["containers"][0]["image"];
    assert!(!images.is_empty() && images.iter().all(|one| *one == image), "{images:?}");
    image.as_str().unwrap().rsplit(':').next().unwrap().to_owned()
}

/// Rolls back, and sees that this version serves and that nothing is left of what the controller lends to templates.
#[track_caller]
fn ends_on(stage: &Stage, name: &str, version: &str, more: &[&str]) -> Value {
    let ran = stage.act("rollback", &format!("back/{name}"), &[&["--wait", "30s", "--json"], more].concat());
    assert_eq!((ran.code, &ran.json()["outcome"]), (0, &json!("observed")), "{ran:?}");
    assert_eq!(serves(stage, "back", name), version);
    let rollout = stage.rollout("back", name);
    let template = match rollout["spec"]["workloadRef"]["name"].as_str() {
        Some(work) => stage.get(&deployment("back", work))["spec"]["template"].clone(),
        None => rollout["spec"]["template"].clone(),
    };
    let labels = template["metadata"]["labels"].as_object().unwrap();
    assert_eq!(labels.keys().collect::<Vec<_>>(), ["app"], "{template:#}");
    assert_eq!(template["spec"]["affinity"], Value::Null, "{template:#}");
    assert!(template["spec"]["containers"][0]["image"].as_str().unwrap().ends_with(version), "{template:#}");
    assert_eq!((&rollout["status"]["phase"], &rollout["status"]["promoteFull"]), (&json!("Healthy"), &Value::Null));
    assert_ne!(rollout["spec"]["paused"], true);
    rollout
}

fn stage() -> Stage {
    let stage = Stage::empty(10.0);
    stage.admin.namespace("back");
    stage
}

fn status(name: &str) -> String {
    format!("{}/status", path("back", name))
}

/// Releases a version and promotes it to the end.
fn promoted(stage: &Stage, name: &str, version: &str) {
    stage.release(&path("back", name), version);
    stage.until(&path("back", name), "on its way", |rollout| rollout["status"]["currentPodHash"] != rollout["status"]["stableRS"]);
    stage.merge(&status(name), &json!({ "status": { "promoteFull": true } }));
    stage.until(&path("back", name), "promoted", |rollout| is_in(rollout, "Healthy") && tag(rollout) == version);
}

/// A canary whose strategy lends labels and an affinity to its pods.
fn dressed(name: &str) -> Value {
    let mut rollout = canary(name, &steps());
    let way = &mut rollout["spec"]["strategy"]["canary"];
    way["canaryMetadata"] = json!({ "labels": { "role": "canary" } });
    way["stableMetadata"] = json!({ "labels": { "role": "stable" } });
    way["antiAffinity"] = json!({ "preferredDuringSchedulingIgnoredDuringExecution": { "weight": 1 } });
    rollout
}

#[test]
fn from_the_middle_of_a_canary() {
    let stage = stage();
    for name in ["paused", "held", "full"] {
        stage.released("back", &dressed(name));
    }
    stage.until_phase("back", "paused", "Paused: CanaryPauseStep");
    ends_on(&stage, "paused", "v1", &[]);
    stage.until_phase("back", "held", "Paused: CanaryPauseStep");
    stage.merge(&path("back", "held"), &json!({ "spec": { "paused": true } }));
    stage.until_phase("back", "held", "Paused: manually paused");
    ends_on(&stage, "held", "v1", &[]);
    stage.release(&path("back", "full"), "v3-unready");
    stage.until(&path("back", "full"), "on its way", |rollout| is_in(rollout, "Progressing") && tag(rollout) == "v3-unready");
    stage.merge(&status("full"), &json!({ "status": { "promoteFull": true } }));
    stage.until(&path("back", "full"), "promoting", |rollout| rollout["status"]["promoteFull"] == true);
    ends_on(&stage, "full", "v1", &[]);
    stage.is_settled();
}

#[test]
fn after_promotion_to_what_was_stable_and_not_to_the_number_before() {
    let stage = stage();
    stage.released("back", &dressed("web"));
    stage.until_phase("back", "web", "Paused: CanaryPauseStep");
    stage.act("abort", "back/web", &[]).is(0, "observed");
    promoted(&stage, "web", "v3");
    assert_eq!(serves(&stage, "back", "web"), "v3");
    ends_on(&stage, "web", "v1", &[]);
    // Once more: now the one before is 3 again, and 2 has still never been stable.
    let revisions = |stage: &Stage| {
        let sets = stage.get(&in_namespace("back", "replicasets"));
        let number = |set: &Value| set["metadata"]["annotations"]["rollout.argoproj.io/revision"].as_str().unwrap().to_owned();
        sets["items"].as_array().unwrap().iter().map(|set| (tag(set).to_owned(), number(set))).collect::<Vec<_>>()
    };
    let of = |version: &str| revisions(&stage).into_iter().find(|(tag, _)| tag == version).unwrap().1;
    ends_on(&stage, "web", "v2", &["--to-revision", &of("v2")]);
    stage.act("rollback", "back/web", &["--to-revision", "77"]).is(1, "there is no revision 77");
    stage.is_settled();
}

#[test]
fn where_nobody_knows_which_was_stable_somebody_has_to_say() {
    let stage = stage();
    stage.released("back", &canary("web", &steps()));
    for version in ["v2", "v3"] {
        promoted(&stage, "web", version);
    }
    let events = format!("/api/v1/namespaces/{}/events", "back");
    for event in stage.get(&events)["items"].as_array().unwrap() {
        stage.admin.must("DELETE", &format!("{events}/{}", event["metadata"]["name"].as_str().unwrap()), None);
    }
    let asked = stage.act("rollback", "back/web", &[]);
    asked.is(2, "--to-revision N");
    assert!(asked.err.contains("revision 1 (web:v1)") && asked.err.contains("revision 2 (web:v2)"), "{asked:?}");
    assert!(stage.acts().is_empty(), "nothing was begun");
    ends_on(&stage, "web", "v1", &["--to-revision", "1"]);
}

/// Within the window the controller spares the steps itself.
#[test]
fn after_promotion_within_the_rollback_window() {
    let stage = stage();
    let mut rollout = dressed("web");
    rollout["spec"]["rollbackWindow"] = json!({ "revisions": 3 });
    rollout["spec"]["strategy"]["canary"]["scaleDownDelaySeconds"] = 6000.into();
    stage.healthy("back", &rollout);
    promoted(&stage, "web", "v2");
    let ways = stage.act("rollback", "back/web", &["--dry-run"]);
    assert!(ways.out.contains("its steps are skipped") && !ways.out.contains("way 2"), "{ways:?}");
    ends_on(&stage, "web", "v1", &[]);
}

#[test]
fn blue_green_before_and_after_its_switch() {
    let stage = stage();
    for name in ["before", "after", "late"] {
        let delay = if name == "late" { 0 } else { 600 };
        stage.released("back", &blue_green(name, &json!({ "scaleDownDelaySeconds": delay })));
        stage.until_phase("back", name, "Paused: BlueGreenPause");
    }
    ends_on(&stage, "before", "v1", &[]);
    for name in ["after", "late"] {
        stage.act("promote", &format!("back/{name}"), &["--wait", "30s"]).is(0, "observed");
        stage.until(&path("back", name), "healthy", |rollout| is_in(rollout, "Healthy") && tag(rollout) == "v2");
        assert_eq!(serves(&stage, "back", name), "v2");
        ends_on(&stage, name, "v1", &[]);
    }
    stage.is_settled();
}

#[test]
fn where_the_template_is_a_workloads() {
    let stage = stage();
    workload(&stage, "back", "web");
    stage.until_phase("back", "web", "Paused: CanaryPauseStep");
    ends_on(&stage, "web", "v1", &[]);
    stage.release(&deployment("back", "web-work"), "v3");
    stage.until_phase("back", "web", "Paused: CanaryPauseStep");
    stage.act("promote", "back/web", &["--full", "--wait", "30s"]).is(0, "observed");
    assert_eq!(serves(&stage, "back", "web"), "v3");
    ends_on(&stage, "web", "v1", &[]);
    stage.is_settled();
}

#[test]
fn flagger_in_the_middle_of_its_analysis() {
    let stage = stage();
    for name in ["media", "still"] {
        create(&stage, "back", name, "v1", (&json!({ "stepWeight": 2, "maxWeight": 50 }), ""));
        stage.until(&canary_path("back", name), "initialised", |canary| canary["status"]["phase"] == "Initialized");
        stage.release(&deployment("back", name), "v2");
    }
    for name in ["media", "still"] {
        let path = canary_path("back", name);
        stage.until(&path, "under way", |canary| canary["status"]["canaryWeight"].as_i64() >= Some(4));
        if name == "still" {
            stage.merge(&path, &json!({ "spec": { "suspend": true } }));
        }
        let ran = stage.act("rollback", &format!("canary/back/{name}"), &["--wait", "30s"]);
        ran.is(0, "Failed: the primary has all traffic");
        let (canary, primary) = (stage.get(&path), stage.get(&deployment("back", &format!("{name}-primary"))));
        assert_eq!((tag(&primary), routed(&stage, "back", name)), ("v1", (100, 0)));
        assert_eq!(stage.get(&deployment("back", name))["spec"]["replicas"], 0);
        assert_ne!(canary["spec"]["suspend"], true);
    }
    stage.is_settled();
}

/// What Git keeps: traffic goes off and stays off, the restored template comes back with the next sync, and stays where that is paused.
#[test]
fn what_argo_cd_keeps() {
    let stage = Stage::of(Options { scenario: Scenario::Gitops, speed: 10.0, ..Options::default() });
    let web = path("shop", "web");
    let before = stage.get(&web);
    let (bad, good) = (before["status"]["currentPodHash"].clone(), before["status"]["stableRS"].clone());
    assert!(before["status"]["canary"]["weights"]["canary"]["weight"].as_i64() > Some(0) && bad != good);
    let ways = stage.act("rollback", "shop/web", &["--dry-run"]);
    ways.is(0, "way 4: roll back shop/web");
    let numbered = |ways: &str, words: &str, without: &str| {
        let all: Vec<&str> = ways.split("\nway ").collect();
        let place = all.iter().position(|way| way.contains(words) && (without.is_empty() || !way.contains(without)));
        (place.unwrap() + 1).to_string()
    };
    assert_eq!(numbered(&ways.out, "abort rev", "restore the template"), "1", "{}", ways.out);
    assert_eq!(stage.get(&web)["metadata"]["resourceVersion"], before["metadata"]["resourceVersion"], "a dry run changes nothing");

    let copy = numbered(&ways.out, "copy the revert for Git", "");
    let draft = stage.act("rollback", "shop/web", &["--way", &copy]);
    draft.is(0, "Revert web to web:").is(0, "kept by Argo CD web-prod");
    assert_eq!(stage.get(&web)["metadata"]["resourceVersion"], before["metadata"]["resourceVersion"], "a text changes nothing");

    stage.act("rollback", "shop/web", &["--wait", "30s"]).is(0, "traffic off the new revision");
    stage.world.advance(Duration::from_secs(30));
    let after = stage.get(&web);
    assert_eq!((&after["status"]["abort"], &after["status"]["currentPodHash"]), (&json!(true), &bad));
    assert_eq!(serves(&stage, "shop", "web"), version(&stage, &good), "and it stays off");

    let ways = stage.act("rollback", "shop/web", &["--dry-run"]).out;
    let restore = numbered(&ways, "restore the template", "pause the automatic sync");
    stage.act("rollback", "shop/web", &["--way", &restore, "--wait", "30s"]).is(0, "is stable and healthy");
    assert_eq!(serves(&stage, "shop", "web"), version(&stage, &good));
    let back = stage.until(&web, "back", |rollout| rollout["status"]["currentPodHash"] == bad);
    assert_eq!(back["status"]["abort"], Value::Null, "as a new canary that nobody aborted");

    let ways = stage.act("rollback", "shop/web", &["--dry-run"]).out;
    let pause = numbered(&ways, "pause the automatic sync", "");
    stage.act("rollback", "shop/web", &["--way", &pause, "--wait", "30s"]).is(0, "is stable and healthy");
    let owed = stage.run(&["ledger", "list", "--owed", "--json"]).json();
    assert_eq!(owed["owed"][0]["what"], "automatic sync of argocd/web-prod is paused", "{owed}");
    stage.world.advance(Duration::from_secs(60));
    let after = stage.get(&web);
    assert_eq!((&after["status"]["currentPodHash"], &after["status"]["phase"]), (&good, &json!("Healthy")));
    assert_eq!(serves(&stage, "shop", "web"), version(&stage, &good), "and it stays");
    stage.is_settled();
    // Somebody turns it on again: whoever acts next sees that nothing is owed any more.
    let application = "/apis/argoproj.io/v1alpha1/namespaces/argocd/applications/web-prod";
    stage.admin.must("PATCH", application, Some(&json!({ "spec": { "syncPolicy": { "automated": { "selfHeal": true } } } })));
    stage.act("restart", "shop/checkout", &["--wait", "0s"]);
    let owed = stage.run(&["ledger", "list", "--owed", "--json"]).json();
    assert_eq!(owed["owed"], json!([]), "{owed}");
}

/// Version of the ReplicaSet of `shop/web` with this hash.
fn version(stage: &Stage, hash: &Value) -> String {
    tag(&stage.get(&format!("{}/web-{}", in_namespace("shop", "replicasets"), hash.as_str().unwrap()))).to_owned()
}
