//! Blue-green: promotion by hand and by time, previews, analyses before and after the switch, going back.

use serde_json::{Value, json};

use super::{NAMESPACE, Stage, pods};
use crate::demo::Resource;

fn blue_green(more: &Value) -> Value {
    let mut way = json!({ "activeService": "web-active", "previewService": "web-preview" });
    json_patch::merge(&mut way, more);
    json!({ "strategy": { "blueGreen": way } })
}

fn active(stage: &Stage) -> String {
    let service = stage.store.get(Resource::Service, NAMESPACE, "web-active").unwrap();
    let hash = &service["spec"]["selector"]["rollouts-pod-template-hash"];
    let set = stage
        .store
        .list(Resource::ReplicaSet, None)
        .find(|set| set["metadata"]["labels"]["rollouts-pod-template-hash"] == *hash)
        .unwrap();
    set["spec"]["template"]["spec"]["containers"][0]["image"].as_str().unwrap().to_owned()
}

#[test]
fn it_promotes_itself_when_its_time_has_come() {
    let mut stage = Stage::with(&blue_green(&json!({ "autoPromotionSeconds": 30 })));
    stage.set_image("web:2");
    stage.pass(5);
    assert_eq!((stage.phase(), active(&stage)), ("Paused: BlueGreenPause".to_owned(), "web:1".to_owned()));
    stage.pass(20);
    assert_eq!(active(&stage), "web:1");
    stage.pass(10);
    assert_eq!((stage.phase(), active(&stage)), ("Healthy".to_owned(), "web:2".to_owned()));
}

#[test]
fn a_small_preview_grows_before_the_switch() {
    let mut stage = Stage::with(&blue_green(&json!({ "autoPromotionEnabled": false, "previewReplicaCount": 1 })));
    stage.set_image("web:2");
    stage.pass(5);
    assert_eq!((stage.phase(), stage.pods()), ("Paused: BlueGreenPause".to_owned(), pods(&[("web:1", 4), ("web:2", 1)])));
    stage.promote();
    assert_eq!(stage.pods(), pods(&[("web:1", 4), ("web:2", 4)]));
    stage.pass(5);
    assert_eq!((stage.phase(), active(&stage)), ("Healthy".to_owned(), "web:2".to_owned()));
    stage.pass(31);
    assert_eq!(stage.pods(), pods(&[("web:2", 4)]));
}

fn with_analysis(when: &str) -> Stage {
    let mut stage = Stage::new();
    stage.template("smoke", json!({ "successCondition": "result < 0.05" }));
    for service in ["web-active", "web-preview"] {
        stage.create(Resource::Service, json!({ "metadata": { "name": service }, "spec": { "selector": { "app": "web" } } }));
    }
    let spec = super::rollout(&blue_green(&json!({ when: { "templates": [{ "templateName": "smoke" }] } })));
    stage.create(Resource::Rollout, json!({ "metadata": { "name": "web" }, "spec": spec }));
    stage.pass(10);
    assert_eq!((stage.phase(), stage.runs()), ("Healthy".to_owned(), Vec::new()));
    stage
}

#[test]
fn a_failing_analysis_before_the_switch_aborts() {
    let mut stage = with_analysis("prePromotionAnalysis");
    stage.controller.set_metric("smoke", json!(0.5));
    stage.set_image("web:2");
    assert_eq!(stage.phase(), "Progressing: active service cutover pending");
    stage.pass(5);
    let said = "Degraded: RolloutAborted: Rollout aborted update to revision 2: Blue/green pre-promotion analysis phase error/failed: \
                Metric \"value\" assessed Failed due to failed (1) > failureLimit (0)";
    assert_eq!((stage.phase(), active(&stage)), (said.to_owned(), "web:1".to_owned()));
    assert_eq!(stage.runs(), [("web-2-pre".to_owned(), "Failed".to_owned())]);
    stage.pass(31);
    assert_eq!(stage.pods(), pods(&[("web:1", 4)]));
    stage.controller.set_metric("smoke", json!(0.01));
    stage.patch(&json!({ "status": { "abort": false } }));
    stage.pass(10);
    assert_eq!((stage.phase(), active(&stage)), ("Healthy".to_owned(), "web:2".to_owned()));
}

#[test]
fn a_failing_analysis_after_the_switch_switches_back() {
    let mut stage = with_analysis("postPromotionAnalysis");
    stage.controller.set_metric("smoke", json!(0.5));
    stage.set_image("web:2");
    stage.pass(5);
    let said = "Degraded: RolloutAborted: Rollout aborted update to revision 2: Blue/green post-promotion analysis phase error/failed: \
                Metric \"value\" assessed Failed due to failed (1) > failureLimit (0)";
    assert_eq!((stage.phase(), active(&stage)), (said.to_owned(), "web:1".to_owned()));
}

#[test]
fn a_good_analysis_after_the_switch_promotes() {
    let mut stage = with_analysis("postPromotionAnalysis");
    stage.set_image("web:2");
    stage.pass(5);
    assert_eq!((stage.phase(), active(&stage)), ("Healthy".to_owned(), "web:2".to_owned()));
    assert_eq!(stage.runs(), [("web-2-post".to_owned(), "Successful".to_owned())]);
}

#[test]
fn going_back_within_the_delay_asks_nobody() {
    let mut stage = Stage::with(&blue_green(&json!({ "autoPromotionEnabled": false, "scaleDownDelaySeconds": 60 })));
    stage.set_image("web:2");
    stage.pass(5);
    stage.promote();
    stage.pass(5);
    assert_eq!(active(&stage), "web:2");
    stage.set_image("web:1");
    stage.pass(1);
    assert_eq!((stage.phase(), active(&stage)), ("Healthy".to_owned(), "web:1".to_owned()));
    stage.set_image("web:3");
    stage.pass(5);
    assert_eq!((stage.phase(), active(&stage)), ("Paused: BlueGreenPause".to_owned(), "web:1".to_owned()));
    stage.patch(&json!({ "status": { "promoteFull": true } }));
    stage.pass(2);
    assert_eq!((stage.phase(), active(&stage)), ("Healthy".to_owned(), "web:3".to_owned()));
}
