//! What people do to releases by hand, one after the other or at once: the truths on which a client's verbs stand.

use serde_json::{Value, json};

use super::{NAMESPACE, Stage, canary, pods, routed};
use crate::demo::Resource;

fn weight(stage: &Stage) -> Value {
    stage.status("/canary/weights/canary/weight")
}

/// A canary that waits for a person at a quarter.
fn waiting() -> Stage {
    let mut stage = Stage::with(&canary(&json!([{ "setWeight": 25 }, { "pause": {} }, { "setWeight": 50 }, { "pause": {} }])));
    stage.set_image("web:2");
    stage.pass(5);
    assert_eq!(stage.phase(), "Paused: CanaryPauseStep");
    stage
}

#[test]
fn an_abort_that_takes_the_full_promotion_back_stays() {
    let mut stage = Stage::with(&routed(&json!([{ "setWeight": 25 }, { "pause": {} }]), &json!({})));
    stage.set_image("web:2");
    stage.pass(5);
    stage.patch(&json!({ "status": { "promoteFull": true } }));
    stage.patch(&json!({ "status": { "abort": true } }));
    assert_eq!((stage.status("/promoteFull"), stage.status("/abort")), (json!(true), json!(null)), "it is wiped away");
    stage.patch(&json!({ "status": { "abort": true, "promoteFull": null } }));
    stage.pass(2);
    assert_eq!((stage.status("/promoteFull"), stage.status("/abort"), weight(&stage)), (json!(null), json!(true), json!(0)));
    assert_eq!(stage.phase(), "Degraded: RolloutAborted: Rollout aborted update to revision 2");
    stage.pass(60);
    assert_eq!(stage.pods(), pods(&[("web:1", 4)]));
}

#[test]
fn an_abort_of_a_held_rollout_moves_traffic_and_no_pods() {
    let mut stage = Stage::with(&routed(&json!([{ "setWeight": 25 }, { "pause": {} }]), &json!({})));
    stage.set_image("web:2");
    stage.pass(5);
    stage.patch(&json!({ "spec": { "paused": true } }));
    stage.patch(&json!({ "status": { "abort": true } }));
    stage.pass(60);
    assert_eq!((weight(&stage), stage.pods()), (json!(0), pods(&[("web:1", 4), ("web:2", 1)])));
    stage.patch(&json!({ "spec": { "paused": false } }));
    stage.pass(60);
    assert_eq!((stage.pods(), stage.status("/abort")), (pods(&[("web:1", 4)]), json!(true)));
}

#[test]
fn a_promote_is_seen_before_the_controller_reacts() {
    let mut stage = waiting();
    stage.store.patch(Resource::Rollout, (NAMESPACE, "web"), &json!({ "status": { "pauseConditions": null } })).unwrap();
    assert_eq!((stage.status("/controllerPause"), stage.status("/pauseConditions")), (json!(true), json!(null)));
    stage.pass(5);
    assert_eq!((stage.status("/currentStepIndex"), stage.status("/controllerPause")), (json!(3), json!(true)));
    assert_eq!(stage.phase(), "Paused: CanaryPauseStep");
}

#[test]
fn the_end_of_an_update_says_of_which() {
    let mut stage = waiting();
    stage.patch(&json!({ "status": { "promoteFull": true } }));
    stage.pass(20);
    let hash = stage.status("/stableRS");
    let said = format!("Rollout completed update to revision 2 ({}): Full promotion requested", hash.as_str().unwrap());
    assert!(
        stage.store.list(Resource::Event, None).any(|event| event["reason"] == "RolloutCompleted" && event["message"] == *said)
    );
}

#[test]
fn a_terminated_run_lets_its_step_pass() {
    let mut stage = Stage::new();
    stage.template("smoke", json!({ "successCondition": "result < 0.05", "interval": "10s", "count": 50 }));
    let steps = json!([{ "setWeight": 25 }, { "analysis": { "templates": [{ "templateName": "smoke" }] } }, { "pause": {} }]);
    stage.create(Resource::Rollout, json!({ "metadata": { "name": "web" }, "spec": super::rollout(&canary(&steps)) }));
    stage.pass(10);
    stage.set_image("web:2");
    stage.pass(15);
    assert_eq!(stage.status("/currentStepIndex"), 1);
    let name = stage.status("/canary/currentStepAnalysisRunStatus/name").as_str().unwrap().to_owned();
    stage.store.patch(Resource::AnalysisRun, (NAMESPACE, &name), &json!({ "spec": { "terminate": true } })).unwrap();
    stage.pass(2);
    let run = stage.store.get(Resource::AnalysisRun, NAMESPACE, &name).unwrap();
    assert_eq!((&run["status"]["phase"], &run["status"]["message"]), (&json!("Successful"), &json!("Run Terminated")));
    assert_eq!((stage.status("/currentStepIndex"), stage.phase()), (json!(2), "Paused: CanaryPauseStep".to_owned()));
}

#[test]
fn a_workload_that_goes_back_takes_its_rollout_with_it() {
    let mut stage = Stage::new();
    let template =
        json!({ "metadata": { "labels": { "app": "web" } }, "spec": { "containers": [{ "name": "web", "image": "web:1" }] } });
    let spec = json!({ "replicas": 0, "selector": { "matchLabels": { "app": "web" } }, "template": template });
    stage.create(Resource::Deployment, json!({ "metadata": { "name": "source" }, "spec": spec }));
    let mut spec = canary(&json!([{ "setWeight": 25 }, { "pause": {} }]));
    spec["replicas"] = 4.into();
    spec["workloadRef"] = json!({ "apiVersion": "apps/v1", "kind": "Deployment", "name": "source" });
    stage.create(Resource::Rollout, json!({ "metadata": { "name": "web" }, "spec": spec }));
    stage.pass(10);
    let set = |stage: &mut Stage, template: Value| {
        stage.store.edit(Resource::Deployment, (NAMESPACE, "source"), |source| source["spec"]["template"] = template).unwrap();
        stage.pass(10);
    };
    let mut next = template.clone();
    next["spec"]["containers"][0]["image"] = "web:2".into();
    set(&mut stage, next);
    stage.patch(&json!({ "status": { "abort": true } }));
    stage.pass(5);
    assert!(stage.phase().starts_with("Degraded"));
    set(&mut stage, template);
    assert_eq!((stage.phase(), stage.pods()), ("Healthy".to_owned(), pods(&[("web:1", 4)])));
    assert_eq!((stage.status("/workloadObservedGeneration"), stage.status("/abort")), (json!("3"), json!(null)));
}

/// A template as a ReplicaSet has it, with the label of its revision and all that came with its role.
fn template_of(stage: &Stage, image: &str) -> Value {
    let sets = stage.store.list(Resource::ReplicaSet, Some(NAMESPACE));
    let set = { sets }.find(|set| set["spec"]["template"]["spec"]["containers"][0]["image"] == image).unwrap();
    set["spec"]["template"].clone()
}

#[test]
fn what_goes_with_a_role_makes_no_revision_and_moves_with_the_role() {
    let roles = json!({
        "canaryMetadata": { "labels": { "role": "canary" }, "annotations": { "note": "new" } }, "stableMetadata": { "labels": { "role": "stable" } },
        "antiAffinity": { "preferredDuringSchedulingIgnoredDuringExecution": { "weight": 7 } },
    });
    let mut stage = Stage::with(&routed(&json!([{ "setWeight": 25 }, { "pause": {} }]), &roles));
    let role = |stage: &Stage, image: &str| template_of(stage, image)["metadata"]["labels"]["role"].clone();
    let first = stage.status("/stableRS");
    assert_eq!(role(&stage, "web:1"), "stable");
    stage.set_image("web:2");
    stage.pass(5);
    assert_eq!((role(&stage, "web:2"), role(&stage, "web:1")), (json!("canary"), json!("stable")));
    let canary = template_of(&stage, "web:2");
    let terms = &canary["spec"]["affinity"]["podAntiAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"];
    assert_eq!((&terms[0]["weight"], &canary["metadata"]["annotations"]["note"]), (&json!(7), &json!("new")));
    assert_eq!(terms[0]["podAffinityTerm"]["labelSelector"]["matchExpressions"][0]["values"], json!([first]));
    let pod = stage.store.list(Resource::Pod, None).find(|pod| pod["spec"]["containers"][0]["image"] == "web:2").unwrap();
    assert_eq!(pod["metadata"]["labels"]["role"], "canary");
    stage.promote();
    stage.pass(10);
    assert_eq!((stage.phase(), role(&stage, "web:2")), ("Healthy".to_owned(), json!("stable")));
    let (now, pod) =
        (template_of(&stage, "web:2"), stage.store.get(Resource::Pod, NAMESPACE, pod["metadata"]["name"].as_str().unwrap()));
    assert_eq!(now["metadata"]["annotations"]["note"], Value::Null);
    let named = |template: &Value| {
        let terms = &template["spec"]["affinity"]["podAntiAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"];
        terms[0]["podAffinityTerm"]["labelSelector"]["matchExpressions"][0]["values"][0].clone()
    };
    assert_eq!(named(&now), first, "what it came with stays with it, and is not to be written into a rollout");
    assert_eq!(pod.unwrap()["metadata"]["labels"]["role"], "stable");
    let second = stage.status("/stableRS");
    assert_ne!(first, second);
    stage.set_image("web:1");
    stage.pass(5);
    assert_eq!((named(&template_of(&stage, "web:1")), stage.status("/stableRS")), (second.clone(), second));
    assert_eq!(stage.store.list(Resource::ReplicaSet, None).count(), 2, "no revision of its own");
}

#[test]
fn a_blue_green_preview_has_its_own_labels() {
    let way = json!({
        "activeService": "web-active", "previewService": "web-preview", "autoPromotionEnabled": false,
        "previewMetadata": { "labels": { "role": "preview" } }, "activeMetadata": { "labels": { "role": "active" } },
        "antiAffinity": { "requiredDuringSchedulingIgnoredDuringExecution": {} },
    });
    let mut stage = Stage::with(&json!({ "strategy": { "blueGreen": way } }));
    stage.set_image("web:2");
    stage.pass(5);
    let preview = template_of(&stage, "web:2");
    assert_eq!(preview["metadata"]["labels"]["role"], "preview");
    let required = &preview["spec"]["affinity"]["podAntiAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"];
    assert_eq!(required.as_array().map(Vec::len), Some(1));
    // An undo that forgot to take these out makes another revision.
    let mut careless = template_of(&stage, "web:1");
    careless["metadata"]["labels"].as_object_mut().unwrap().remove("rollouts-pod-template-hash");
    let change = |rollout: &mut Value| rollout["spec"]["template"] = careless;
    stage.store.edit(Resource::Rollout, (NAMESPACE, "web"), change).unwrap();
    stage.pass(5);
    assert_ne!(stage.status("/currentPodHash"), stage.status("/stableRS"));
    stage.set_image("web:1");
    stage.patch(&json!({ "spec": { "template": { "metadata": { "labels": { "role": null } } } } }));
    stage.pass(5);
    assert_eq!((stage.phase(), stage.status("/currentPodHash")), ("Healthy".to_owned(), stage.status("/stableRS")));
}
