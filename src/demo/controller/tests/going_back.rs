//! Undo: to stable, within and outside of a rollback window, to a revision that has to walk its steps again.

use serde_json::json;

use super::{Stage, canary, pods};

fn annotation(stage: &Stage, image: &str, key: &str) -> String {
    let sets = stage.store.list(crate::demo::Resource::ReplicaSet, None);
    let set = { sets }.find(|set| set["spec"]["template"]["spec"]["containers"][0]["image"] == image).unwrap();
    set["metadata"]["annotations"][key].as_str().unwrap_or_default().to_owned()
}

#[test]
fn back_to_stable_is_quick_and_takes_a_new_number() {
    let mut stage = Stage::with(&canary(&json!([{ "setWeight": 25 }, { "pause": {} }])));
    stage.set_image("web:2");
    stage.pass(5);
    stage.set_image("web:1");
    assert_eq!((stage.status("/currentStepIndex"), stage.status("/pauseConditions")), (json!(2), json!(null)));
    stage.pass(5);
    assert_eq!((stage.phase(), stage.pods()), ("Healthy".to_owned(), pods(&[("web:1", 4)])));
    assert_eq!(annotation(&stage, "web:1", "rollout.argoproj.io/revision"), "3");
    assert_eq!(annotation(&stage, "web:1", "rollout.argoproj.io/revision-history"), "1");
    assert!(stage.reasons(1000).iter().any(|reason| reason == "SkipSteps"));
}

#[test]
fn an_older_version_walks_all_steps_again() {
    let mut stage = Stage::with(&canary(&json!([{ "setWeight": 25 }, { "pause": { "duration": "5s" } }])));
    stage.set_image("web:2");
    stage.pass(20);
    assert_eq!(stage.phase(), "Healthy");
    stage.set_image("web:1");
    stage.pass(5);
    assert_eq!((stage.phase(), stage.pods()), ("Paused: CanaryPauseStep".to_owned(), pods(&[("web:1", 1), ("web:2", 3)])));
    stage.pass(20);
    assert_eq!((stage.phase(), stage.pods()), ("Healthy".to_owned(), pods(&[("web:1", 4)])));
}

#[test]
fn a_window_lets_recent_versions_come_back_without_steps() {
    let mut more = canary(&json!([{ "setWeight": 25 }, { "pause": { "duration": "5s" } }]));
    more["rollbackWindow"] = json!({ "revisions": 1 });
    let mut stage = Stage::with(&more);
    for image in ["web:2", "web:3"] {
        stage.set_image(image);
        stage.pass(20);
    }
    stage.set_image("web:2");
    assert_eq!(stage.status("/currentStepIndex"), 2);
    stage.pass(10);
    assert_eq!((stage.phase(), stage.pods()), ("Healthy".to_owned(), pods(&[("web:2", 4)])));
    stage.set_image("web:3");
    stage.pass(20);
    assert_eq!(stage.pods(), pods(&[("web:3", 4)]));
    stage.set_image("web:1");
    stage.pass(5);
    assert_eq!((stage.phase(), stage.status("/currentStepIndex")), ("Paused: CanaryPauseStep".to_owned(), json!(1)));
}

#[test]
fn only_so_many_old_versions_are_kept() {
    let mut more = canary(&json!([]));
    more["revisionHistoryLimit"] = 2.into();
    let mut stage = Stage::with(&more);
    for number in 2..7 {
        stage.set_image(&format!("web:{number}"));
        stage.pass(15);
    }
    assert_eq!(stage.store.list(crate::demo::Resource::ReplicaSet, None).count(), 3);
    assert_eq!((stage.phase(), stage.status("/currentStepIndex")), ("Healthy".to_owned(), json!(null)));
}
