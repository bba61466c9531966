//! Creating, patching and deleting: the rules on which every fence of an action stands.

use serde_json::{Value, json};

use super::http::{JSON_PATCH, MERGE};
use super::{ROLLOUT, Stage, TEAM, rollout, unattended};
use crate::support::admin::Admin;
use crate::support::write_stories as writes;

const REJECTED: &str = "the server rejected our request due to an error in our request";

/// Somebody who may do everything in an empty world.
fn admin(stage: &Stage) -> Admin {
    Admin::new(&stage.world.write_files().unwrap().kubeconfig(), Some("prod"))
}

#[test]
fn a_test_fences_as_on_a_real_server() {
    writes::tests_fence(&admin(&Stage::with(0)));
}

#[test]
fn each_way_writes_its_half_as_on_a_real_server() {
    writes::halves_are_apart(&admin(&Stage::with(0)));
}

#[test]
fn types_and_fields_are_judged_as_on_a_real_server() {
    writes::definitions_hold(&admin(&Stage::with(0)));
}

#[test]
fn managers_are_kept_as_on_a_real_server() {
    writes::managers_are_kept(&admin(&Stage::with(0)));
}

#[test]
fn events_are_taken_as_on_a_real_server() {
    writes::events_are_taken(&admin(&Stage::with(0)));
}

#[test]
fn a_test_of_a_json_patch_fences_it() {
    let stage = Stage::with(1);
    let uid = stage.get(ROLLOUT).is(200)["metadata"]["uid"].clone();
    let status = format!("{ROLLOUT}/status");
    let patch = |tests: &[Value]| {
        let mut operations = tests.to_vec();
        operations.push(json!({ "op": "add", "path": "/status/abort", "value": true }));
        stage.patch(&status, JSON_PATCH, &Value::from(operations))
    };
    let holds = |path: &str, value: Value| json!({ "op": "test", "path": path, "value": value });
    assert_eq!(patch(&[holds("/metadata/uid", json!("another"))]).refused(422, "Invalid"), REJECTED);
    assert_eq!(patch(&[holds("/status/nothing/there", json!(1))]).refused(422, "Invalid"), REJECTED);
    assert_eq!(stage.get(ROLLOUT).is(200)["status"]["abort"], Value::Null, "a refused patch changes nothing");
    // An absent path is null to a real server, on both sides.
    let absent = holds("/status/abort", Value::Null);
    patch(&[holds("/metadata/uid", uid), absent.clone()]).is(200);
    assert_eq!(patch(&[absent]).refused(422, "Invalid"), REJECTED);
    let template = stage.get(ROLLOUT).is(200)["spec"]["template"].clone();
    stage
        .patch(
            ROLLOUT,
            JSON_PATCH,
            &json!([holds("/spec/template", template), { "op": "add", "path": "/spec/paused", "value": true }]),
        )
        .is(200);
}

#[test]
fn status_and_object_are_written_apart() {
    let stage = Stage::with(1);
    let before = stage.get(ROLLOUT).is(200);
    let both = json!({ "metadata": { "annotations": { "a": "b" } }, "spec": { "replicas": 9 }, "status": { "abort": true } });
    let after = stage.patch(&format!("{ROLLOUT}/status"), MERGE, &both).is(200);
    assert_eq!(after["status"]["abort"], true);
    assert_eq!((&after["spec"], &after["metadata"]["annotations"]), (&before["spec"], &before["metadata"]["annotations"]));
    assert_eq!(after["metadata"]["generation"], before["metadata"]["generation"]);
    let both = json!({ "metadata": { "annotations": { "a": "b" } }, "spec": { "replicas": 9 }, "status": { "abort": null } });
    let after = stage.patch(ROLLOUT, MERGE, &both).is(200);
    assert_eq!((&after["status"]["abort"], &after["spec"]["replicas"]), (&json!(true), &json!(9)));
    assert_eq!(after["metadata"]["generation"].as_u64(), before["metadata"]["generation"].as_u64().map(|g| g + 1));
    assert_eq!(after["metadata"]["annotations"]["a"], "b");
}

#[test]
fn an_old_version_is_refused_and_writing_nothing_makes_none() {
    let stage = Stage::with(1);
    let before = stage.get(ROLLOUT).is(200);
    let version = before["metadata"]["resourceVersion"].clone();
    let same = stage.patch(ROLLOUT, MERGE, &json!({ "spec": { "replicas": before["spec"]["replicas"] } })).is(200);
    assert_eq!(same["metadata"]["resourceVersion"], version);
    stage.patch(ROLLOUT, MERGE, &json!({ "spec": { "replicas": 9 } })).is(200);
    let late = stage.patch(ROLLOUT, MERGE, &json!({ "metadata": { "resourceVersion": version }, "spec": { "replicas": 1 } }));
    assert!(
        late.refused(409, "Conflict").contains("the object has been modified; please apply your changes to the latest version")
    );
    stage.ask("PUT", ROLLOUT, "application/json", &before).refused(409, "Conflict");
}

#[test]
fn a_dry_run_shows_the_result_and_changes_nothing() {
    let stage = Stage::with(1);
    let before = stage.get(ROLLOUT).text;
    let shown = stage.patch(&format!("{ROLLOUT}/status?dryRun=All"), MERGE, &json!({ "status": { "abort": true } })).is(200);
    assert_eq!(shown["status"]["abort"], true);
    stage.post(&format!("{TEAM}?dryRun=All"), &rollout("fresh", &unattended())).is(201);
    stage.delete(&format!("{ROLLOUT}?dryRun=All")).is(200);
    assert_eq!(stage.get(ROLLOUT).text, before);
    stage.get(&format!("{TEAM}/fresh")).refused(404, "NotFound");
    stage.patch(&format!("{ROLLOUT}?dryRun=Some"), MERGE, &json!({})).refused(422, "Invalid");
}

#[test]
fn unknown_fields_are_pruned_or_refused_when_that_is_wanted() {
    let stage = Stage::with(1);
    let status = format!("{ROLLOUT}/status");
    let after = stage.patch(&status, MERGE, &json!({ "status": { "nonsense": 1 } })).is(200);
    assert_eq!(after["status"]["nonsense"], Value::Null, "an accepted write proves nothing");
    let strict = stage.patch(&format!("{ROLLOUT}?fieldValidation=Strict"), MERGE, &json!({ "spec": { "nonsense": 1 } }));
    let message = strict.refused(422, "Invalid");
    assert!(message.contains("unknown field \"spec.nonsense\"") && message.contains("SETTING_00"), "{message}");
}

#[test]
fn canaries_and_runs_are_judged_too() {
    let stage = Stage::with(1);
    let path = "/apis/flagger.app/v1beta1/namespaces/team-00/canaries";
    let target = json!({ "apiVersion": "apps/v1", "kind": "Deployment", "name": "media" });
    let spec = json!({ "targetRef": target, "analysis": { "interval": "20s", "threshold": 3, "stepWeight": 10 } });
    stage.post(path, &json!({ "metadata": { "name": "media" }, "spec": spec })).is(201);
    let (main, status) = (format!("{path}/media"), format!("{path}/media/status"));
    stage.patch(&status, MERGE, &json!({ "status": { "phase": "Progressing", "failedChecks": 0 } })).is(200);
    let fenced = json!([
        { "op": "test", "path": "/status/phase", "value": "Progressing" }, { "op": "test", "path": "/status/lastAppliedSpec", "value": null },
        { "op": "replace", "path": "/status/failedChecks", "value": 3 },
    ]);
    assert_eq!(stage.patch(&status, JSON_PATCH, &fenced).is(200)["status"]["failedChecks"], 3);
    let why = |path: &str, patch: Value| stage.patch(path, MERGE, &patch).refused(422, "Invalid");
    assert!(
        why(&status, json!({ "status": { "phase": "Odd" } }))
            .contains("status.phase: Unsupported value: \"Odd\": supported values: \"\", ")
    );
    assert!(
        why(&status, json!({ "status": { "failedChecks": "3" } }))
            .contains("failedChecks in body must be of type number: \"string\"")
    );
    assert!(
        why(&main, json!({ "spec": { "suspend": "yes" } })).contains("spec.suspend in body must be of type boolean: \"string\"")
    );
    assert_eq!(stage.patch(&main, MERGE, &json!({ "spec": { "nothing": 1 } })).is(200)["spec"]["nothing"], Value::Null);
    let runs = "/apis/argoproj.io/v1alpha1/namespaces/team-00/analysisruns";
    let labels = unattended();
    stage.post(runs, &json!({ "metadata": { "name": "run", "labels": labels }, "spec": { "metrics": [] } })).is(201);
    let odd = why(&format!("{runs}/run"), json!({ "spec": { "terminate": "yes" } }));
    assert!(odd.ends_with("spec.terminate in body must be of type boolean: \"string\""), "{odd}");
    assert_eq!(
        stage.patch(&format!("{runs}/run"), MERGE, &json!({ "spec": { "terminate": true } })).is(200)["spec"]["terminate"],
        true
    );
}

#[test]
fn only_built_in_kinds_take_strategic_patches() {
    let stage = Stage::with(1);
    let strategic = "application/strategic-merge-patch+json";
    stage.patch(ROLLOUT, strategic, &json!({})).refused(415, "UnsupportedMediaType");
    let path = "/apis/apps/v1/namespaces/team-00/deployments";
    let containers = json!([{ "name": "a", "image": "a:1" }, { "name": "b", "image": "b:1" }]);
    stage
        .post(path, &json!({ "metadata": { "name": "d" }, "spec": { "template": { "spec": { "containers": containers } } } }))
        .is(201);
    let patch = json!({ "spec": { "template": { "spec": { "containers": [{ "name": "b", "image": "b:2" }] } } } });
    let after = stage.patch(&format!("{path}/d"), strategic, &patch).is(200);
    let images: Vec<_> =
        after["spec"]["template"]["spec"]["containers"].as_array().unwrap().iter().map(|c| c["image"].clone()).collect();
    assert_eq!(images, ["a:1", "b:2"]);
}

#[test]
fn apply_creates_what_is_missing_and_wants_a_manager() {
    let stage = Stage::with(1);
    let (path, apply) = (format!("{TEAM}/applied"), "application/apply-patch+yaml");
    stage.patch(&path, apply, &rollout("applied", &unattended())).refused(422, "Invalid");
    let path = format!("{path}?fieldManager=test&force=true");
    assert_eq!(stage.patch(&path, apply, &rollout("applied", &unattended())).is(201)["metadata"]["generation"], 1);
    let mut changed = rollout("applied", &unattended());
    changed["spec"]["replicas"] = 3.into();
    assert_eq!(stage.patch(&path, apply, &changed).is(200)["metadata"]["generation"], 2);
}

#[test]
fn names_are_made_and_kept_apart() {
    let stage = Stage::with(1);
    let mut fresh = rollout("fresh", &unattended());
    stage.post(TEAM, &fresh).is(201);
    stage.post(TEAM, &fresh).refused(409, "AlreadyExists");
    fresh["metadata"] = json!({ "generateName": "fresh-", "labels": unattended() });
    let made = stage.post(TEAM, &fresh).is(201)["metadata"]["name"].as_str().unwrap().to_owned();
    assert_eq!((made.len(), &made[..6]), (11, "fresh-"));
    let elsewhere = "/apis/argoproj.io/v1alpha1/namespaces/nowhere/rollouts";
    assert_eq!(stage.post(elsewhere, &fresh).refused(404, "NotFound"), "namespaces \"nowhere\" not found");
    fresh["metadata"] = json!({ "name": "a", "resourceVersion": "5" });
    stage.post(TEAM, &fresh).refused(400, "BadRequest");
    fresh["kind"] = "Pod".into();
    stage.post(TEAM, &fresh).refused(400, "BadRequest");
}

#[test]
fn what_an_object_owns_goes_with_it_unless_it_is_orphaned() {
    let stage = Stage::with(1);
    let sets = "/apis/apps/v1/namespaces/team-00/replicasets";
    let owned = |name: &str, owner: &Value| {
        let reference = json!([{ "apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "name": owner["metadata"]["name"],
                                 "uid": owner["metadata"]["uid"], "controller": true }]);
        stage.post(sets, &json!({ "metadata": { "name": name, "ownerReferences": reference }, "spec": { "replicas": 0 } })).is(201)
    };
    let owner = stage.post(TEAM, &rollout("owner", &unattended())).is(201);
    owned("child", &owner);
    stage.delete(&format!("{TEAM}/owner")).is(200);
    stage.get(&format!("{sets}/child")).refused(404, "NotFound");
    let owner = stage.post(TEAM, &rollout("owner", &unattended())).is(201);
    owned("orphan", &owner);
    stage.ask("DELETE", &format!("{TEAM}/owner"), "application/json", &json!({ "propagationPolicy": "Orphan" })).is(200);
    assert_eq!(stage.get(&format!("{sets}/orphan")).is(200)["metadata"]["ownerReferences"], json!([]));
    let wrong = json!({ "preconditions": { "uid": "another" } });
    stage.ask("DELETE", &format!("{sets}/orphan"), "application/json", &wrong).refused(409, "Conflict");
}

#[test]
fn finalizers_hold_an_object_until_the_last_is_gone() {
    let stage = Stage::with(1);
    let mut held = rollout("held", &unattended());
    held["metadata"]["finalizers"] = json!(["example.com/hold"]);
    stage.post(TEAM, &held).is(201);
    let path = format!("{TEAM}/held");
    assert!(stage.delete(&path).is(200)["metadata"]["deletionTimestamp"].is_string());
    stage.get(&path).is(200);
    stage.patch(&path, MERGE, &json!({ "metadata": { "finalizers": null } })).is(200);
    stage.get(&path).refused(404, "NotFound");
}

#[test]
fn a_scale_changes_replicas_and_methods_that_do_not_fit_are_refused() {
    let stage = Stage::with(1);
    let scale = format!("{ROLLOUT}/scale");
    assert_eq!(stage.get(&scale).is(200)["kind"], "Scale");
    assert_eq!(stage.patch(&scale, MERGE, &json!({ "spec": { "replicas": 11 } })).is(200)["spec"]["replicas"], 11);
    assert_eq!(stage.get(ROLLOUT).is(200)["spec"]["replicas"], 11);
    stage.post(ROLLOUT, &json!({})).refused(405, "MethodNotAllowed");
    stage.patch(&format!("{TEAM}/none"), MERGE, &json!({})).refused(404, "NotFound");
    stage.patch(ROLLOUT, MERGE, &json!([1])).refused(400, "BadRequest");
}
