//! Templates of Deployments, pods that do not come, specs that are wrong.

use serde_json::{Value, json};

use super::{NAMESPACE, Stage, canary};
use crate::demo::Resource;

fn deployment(image: &str) -> Value {
    json!({
        "metadata": { "name": "source" },
        "spec": {
            "replicas": 0, "selector": { "matchLabels": { "app": "web" } },
            "template": { "metadata": { "labels": { "app": "web" } }, "spec": { "containers": [{ "name": "web", "image": image }] } },
        },
    })
}

#[test]
fn a_workload_may_come_late_and_change() {
    let mut stage = Stage::new();
    let mut spec = canary(&json!([{ "setWeight": 25 }]));
    spec["replicas"] = 2.into();
    spec["workloadRef"] = json!({ "apiVersion": "apps/v1", "kind": "Deployment", "name": "source" });
    stage.create(Resource::Rollout, json!({ "metadata": { "name": "web" }, "spec": spec }));
    assert!(stage.phase().starts_with("Degraded: InvalidSpec: The Rollout \"web\" is invalid"), "{}", stage.phase());
    stage.create(Resource::Deployment, deployment("web:1"));
    stage.pass(25);
    assert_eq!((stage.phase(), stage.status("/workloadObservedGeneration")), ("Healthy".to_owned(), json!("1")));
    assert!(stage.rollout()["spec"]["template"].is_null());
    let change = |object: &mut Value| object["spec"]["template"]["spec"]["containers"][0]["image"] = "web:2".into();
    stage.store.edit(Resource::Deployment, (NAMESPACE, "source"), change).unwrap();
    stage.pass(15);
    assert_eq!((stage.phase(), stage.status("/workloadObservedGeneration")), ("Healthy".to_owned(), json!("2")));
    let template = deployment("web:2")["spec"]["template"].clone();
    let selector = json!({ "matchLabels": { "app": "web" } });
    stage.patch(&json!({ "spec": { "workloadRef": null, "template": template, "selector": selector } }));
    stage.pass(15);
    assert_eq!((stage.phase(), stage.status("/workloadObservedGeneration")), ("Healthy".to_owned(), json!(null)));
}

#[test]
fn the_workload_is_scaled_down_on_success() {
    let mut stage = Stage::new();
    let mut source = deployment("web:1");
    source["spec"]["replicas"] = 3.into();
    stage.create(Resource::Deployment, source);
    let mut spec = canary(&json!([{ "setWeight": 25 }]));
    spec["workloadRef"] = json!({ "apiVersion": "apps/v1", "kind": "Deployment", "name": "source", "scaleDown": "onsuccess" });
    stage.create(Resource::Rollout, json!({ "metadata": { "name": "web" }, "spec": spec }));
    stage.pass(10);
    let source = stage.store.get(Resource::Deployment, NAMESPACE, "source").unwrap();
    assert_eq!((stage.phase(), &source["spec"]["replicas"]), ("Healthy".to_owned(), &json!(0)));
}

#[test]
fn a_deployment_rolls_its_pods_over() {
    let mut stage = Stage::new();
    let mut source = deployment("web:1");
    source["spec"]["replicas"] = 2.into();
    stage.create(Resource::Deployment, source);
    stage.pass(5);
    let change = |object: &mut Value| object["spec"]["template"]["spec"]["containers"][0]["image"] = "web:2".into();
    stage.store.edit(Resource::Deployment, (NAMESPACE, "source"), change).unwrap();
    stage.pass(1);
    assert_eq!(stage.pods(), super::pods(&[("web:1", 2), ("web:2", 1)]));
    stage.pass(10);
    assert_eq!(stage.pods(), super::pods(&[("web:2", 2)]));
    let status = stage.store.get(Resource::Deployment, NAMESPACE, "source").unwrap()["status"].clone();
    assert_eq!((&status["availableReplicas"], &status["observedGeneration"]), (&json!(2), &json!(2)));
    assert_eq!(super::super::deployments::unfinished(&stage.store.get(Resource::Deployment, NAMESPACE, "source").unwrap()), None);
}

#[test]
fn a_pod_comes_to_its_end_before_it_is_gone() {
    let mut stage = Stage::with(&canary(&json!([])));
    stage.patch(&json!({ "spec": { "replicas": 3 } }));
    let ending = |stage: &Stage| {
        stage.store.list(Resource::Pod, None).filter(|pod| pod["metadata"]["deletionTimestamp"].is_string()).count()
    };
    let there = |stage: &Stage| stage.store.list(Resource::Pod, None).count();
    assert_eq!((there(&stage), ending(&stage)), (4, 1));
    assert_eq!((stage.status("/replicas"), stage.status("/availableReplicas")), (json!(3), json!(3)), "it counts no more");
    stage.pass(4);
    assert_eq!((there(&stage), ending(&stage)), (3, 0));
    let set = stage.store.list(Resource::ReplicaSet, None).next().unwrap()["metadata"]["name"].as_str().unwrap().to_owned();
    stage.store.delete(Resource::Rollout, (NAMESPACE, "web")).unwrap();
    assert!(stage.store.get(Resource::ReplicaSet, NAMESPACE, &set).is_none());
    stage.pass(4);
    assert_eq!(there(&stage), 0, "pods of a deleted owner end too");
}

#[test]
fn images_that_cannot_be_pulled_or_crash_say_so() {
    for (image, reasons) in [("web:bad", ["ErrImagePull", "ImagePullBackOff"]), ("web:crash", ["", "CrashLoopBackOff"])] {
        let mut stage = Stage::with(&canary(&json!([{ "setWeight": 25 }, { "pause": {} }])));
        stage.set_image(image);
        let mut seen = Vec::new();
        for _ in 0..10 {
            stage.pass(1);
            let pod = stage.store.list(Resource::Pod, None).find(|pod| pod["spec"]["containers"][0]["image"] == image).unwrap();
            seen.push(pod["status"]["containerStatuses"][0]["state"]["waiting"]["reason"].as_str().unwrap_or_default().to_owned());
        }
        for reason in reasons {
            assert!(seen.iter().any(|s| s == reason), "{image}: {seen:?}");
        }
        assert_eq!(stage.phase(), "Progressing: more replicas need to be updated");
    }
}

#[test]
fn nothing_that_can_be_applied_stops_the_world() {
    let odd = [
        json!(7),
        json!([]),
        json!({ "replicas": "many" }),
        json!({ "selector": [], "template": { "spec": { "containers": [] } } }),
        json!({ "selector": { "matchLabels": ["a"] }, "template": { "metadata": 7, "spec": { "containers": [1] } } }),
        json!({ "selector": {}, "template": { "spec": { "containers": [] } }, "strategy": { "canary": { "steps": [7, {}] } } }),
    ];
    let mut stage = Stage::new();
    for (number, spec) in odd.iter().enumerate() {
        for resource in [
            Resource::Rollout,
            Resource::ReplicaSet,
            Resource::Deployment,
            Resource::Experiment,
            Resource::AnalysisRun,
            Resource::Pod,
        ] {
            stage.create(resource, json!({ "metadata": { "name": format!("odd-{number}") }, "spec": spec }));
        }
        stage.pass(30);
        let phase = stage.store.get(Resource::Rollout, NAMESPACE, &format!("odd-{number}")).unwrap()["status"]["phase"].clone();
        assert_eq!(phase, "Degraded", "{spec}");
    }
}

#[test]
fn a_wrong_spec_is_named_and_mended() {
    let mut stage = Stage::with(&canary(&json!([{ "setWeight": 25 }])));
    stage.patch(&json!({ "spec": { "strategy": { "canary": { "steps": [{ "pause": { "duration": "1z" } }] } } } }));
    assert!(stage.phase().ends_with("Duration needs to be greater than 0"), "{}", stage.phase());
    stage.patch(&json!({ "spec": { "strategy": { "canary": { "steps": [{ "pause": { "duration": "1s" } }] } } } }));
    stage.pass(10);
    assert_eq!(stage.phase(), "Healthy");
    assert!(stage.status("/conditions").as_array().unwrap().iter().all(|c| c["type"] != "InvalidSpec"));
}
