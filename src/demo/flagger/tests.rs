//! Flagger's own sequences, tick by tick, and what people do to a Canary by hand.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::demo::controller::Controller;
use crate::demo::{Reconcile, Resource, Store};

struct Scene {
    store: Store,
    controller: Controller,
    now: Timestamp,
    seen: Vec<(String, i64)>,
}

impl Scene {
    /// A Canary that has just been initialised; `analysis` and `spec` are merged into a progressive one.
    fn begin(analysis: &Value, spec: &Value) -> Self {
        let now: Timestamp = "2026-01-05T09:00:00Z".parse().unwrap();
        let mut store = Store::new(1, now);
        store.create(Resource::Namespace, json!({ "metadata": { "name": "shop" } })).unwrap();
        let pods = json!({
            "metadata": { "labels": { "app": "web" } }, "spec": { "containers": [{ "name": "web", "image": "web:v1" }] },
        });
        let deployment = json!({ "replicas": 2, "selector": { "matchLabels": { "app": "web" } }, "template": pods });
        let metadata = json!({ "name": "web", "namespace": "shop" });
        store.create(Resource::Deployment, json!({ "metadata": metadata, "spec": deployment })).unwrap();
        let mut canary = json!({
            "provider": "istio", "targetRef": { "kind": "Deployment", "name": "web" }, "progressDeadlineSeconds": 60,
            "service": { "port": 80 }, "analysis": { "interval": "10s", "threshold": 2, "maxWeight": 50 },
        });
        json_patch::merge(&mut canary, spec);
        json_patch::merge(&mut canary["analysis"], analysis);
        store.create(Resource::Canary, json!({ "metadata": metadata, "spec": canary })).unwrap();
        let mut scene = Self { store, controller: Controller::new(), now, seen: Vec::new() };
        scene.pass(10);
        assert_eq!(scene.seen.last(), Some(&("Initialized".to_owned(), 0)));
        scene.seen.clear();
        scene
    }

    fn pass(&mut self, seconds: i64) {
        let target = self.now + SignedDuration::from_secs(seconds);
        loop {
            self.store.set_now(self.now);
            let wake = self.controller.settle(&mut self.store, self.now);
            self.look();
            match wake.filter(|wake| *wake <= target) {
                Some(wake) => self.now = wake.max(self.now + SignedDuration::from_millis(1)),
                None => break,
            }
        }
        self.now = target.max(self.now);
    }

    fn look(&mut self) {
        let status = &self.canary()["status"];
        let Some(phase) = status["phase"].as_str() else { return };
        let state = (phase.to_owned(), status["canaryWeight"].as_i64().unwrap());
        if self.seen.last() != Some(&state) {
            self.seen.push(state);
        }
    }

    fn canary(&self) -> Value {
        self.store.get(Resource::Canary, "shop", "web").unwrap().as_ref().clone()
    }

    fn release(&mut self, tag: &str) {
        let image = format!("web:{tag}");
        let change = |deployment: &mut Value| deployment["spec"]["template"]["spec"]["containers"][0]["image"] = image.into();
        self.store.edit(Resource::Deployment, ("shop", "web"), change).unwrap();
    }

    fn patch(&mut self, patch: &Value) {
        self.store.patch(Resource::Canary, ("shop", "web"), patch).unwrap();
    }

    fn routed(&self) -> i64 {
        let service = self.store.get(Resource::VirtualService, "shop", "web").unwrap();
        service["spec"]["http"][0]["route"][1]["weight"].as_i64().unwrap()
    }

    fn pods_wanted(&self, name: &str) -> i64 {
        self.store.get(Resource::Deployment, "shop", name).unwrap()["spec"]["replicas"].as_i64().unwrap()
    }

    fn image(&self, name: &str) -> String {
        let deployment = self.store.get(Resource::Deployment, "shop", name).unwrap();
        deployment["spec"]["template"]["spec"]["containers"][0]["image"].as_str().unwrap().to_owned()
    }

    fn says(&self, words: &str) -> bool {
        self.store.list(Resource::Event, None).any(|event| event["message"].as_str().is_some_and(|said| said.contains(words)))
    }

    #[track_caller]
    fn saw(&self, expected: &[(&str, i64)]) {
        let seen: Vec<(&str, i64)> = self.seen.iter().map(|(phase, weight)| (phase.as_str(), *weight)).collect();
        assert_eq!(seen, expected);
    }
}

#[test]
fn f1_traffic_goes_back_to_the_primary_in_steps() {
    let mut scene = Scene::begin(&json!({ "stepWeight": 100, "maxWeight": 100, "stepWeightPromotion": 50 }), &json!({}));
    scene.release("v2");
    scene.pass(80);
    scene.saw(&[
        ("Initialized", 0),
        ("Progressing", 0),
        ("Progressing", 100),
        ("Promoting", 100),
        ("Promoting", 50),
        ("Finalising", 0),
        ("Succeeded", 0),
    ]);
    assert_eq!((scene.image("web-primary"), scene.pods_wanted("web"), scene.routed()), ("web:v2".to_owned(), 0, 0));
}

#[test]
fn f2_too_many_failed_checks_end_it() {
    let metrics = json!([{ "name": "request-success-rate", "thresholdRange": { "min": 99 } }]);
    let mut scene = Scene::begin(&json!({ "stepWeight": 10, "metrics": metrics }), &json!({}));
    scene.release("v2");
    scene.pass(25);
    scene.controller.set_metric("shop/web/request-success-rate", json!(91.5));
    scene.pass(40);
    assert!(scene.says("Halt web.shop advancement success rate 91.50% < 99%"));
    assert!(scene.says("Rolling back web.shop failed checks threshold reached 2"));
    assert_eq!(scene.seen.last(), Some(&("Failed".to_owned(), 0)));
    assert_eq!((scene.routed(), scene.pods_wanted("web"), scene.image("web-primary")), (0, 0, "web:v1".to_owned()));
    scene.controller.set_metric("shop/web/request-success-rate", Value::Null);
    scene.seen.clear();
    scene.pass(30);
    scene.saw(&[("Failed", 0)]);
    scene.release("v3");
    scene.pass(120);
    assert_eq!(scene.seen.last(), Some(&("Succeeded".to_owned(), 0)), "only a further change begins anew");
}

#[test]
fn f2_a_count_that_is_written_by_hand_ends_it_at_the_next_tick() {
    let mut scene = Scene::begin(&json!({ "stepWeight": 10 }), &json!({}));
    scene.release("v2");
    scene.pass(25);
    scene.patch(&json!({ "status": { "failedChecks": 2 } }));
    scene.pass(10);
    assert_eq!(scene.seen.last(), Some(&("Failed".to_owned(), 0)));
}

#[test]
fn f3_without_analysis_it_succeeds_as_soon_as_it_is_ready() {
    let mut scene = Scene::begin(&json!({ "stepWeight": 10 }), &json!({ "skipAnalysis": true }));
    scene.release("v2");
    scene.pass(30);
    scene.saw(&[("Initialized", 0), ("Progressing", 0), ("Succeeded", 0)]);
    assert!(scene.says("Promotion completed! Canary analysis was skipped for web.shop"));
    assert_eq!(scene.image("web-primary"), "web:v2");
}

/// A primary that loses its image in the middle of a promotion.
fn held_up(phase: &str) -> Scene {
    let mut scene = Scene::begin(&json!({ "stepWeight": 50 }), &json!({}));
    scene.release("v2");
    while scene.seen.last().is_none_or(|(last, _)| last != phase) {
        scene.pass(10);
    }
    let bad = |deployment: &mut Value| deployment["spec"]["template"]["spec"]["containers"][0]["image"] = "web:bad".into();
    scene.store.edit(Resource::Deployment, ("shop", "web-primary"), bad).unwrap();
    scene.pass(90);
    scene
}

#[test]
fn f4_f5_a_primary_that_is_late_leaves_the_traffic_with_the_canary() {
    for phase in ["Promoting", "Finalising"] {
        let scene = held_up(phase);
        assert_eq!(scene.seen.last(), Some(&("Failed".to_owned(), 100)), "{phase}");
        assert_eq!((scene.routed(), scene.pods_wanted("web")), (100, 2), "{phase}");
        assert!(scene.says("Promotion of web.shop failed, primary not ready"));
    }
}

#[test]
fn f6_a_closed_gate_holds_the_promotion_at_full_weight() {
    let hook = json!([{ "name": "yes", "type": "confirm-promotion", "url": "http://loadtester.shop/gate/check" }]);
    let mut scene = Scene::begin(&json!({ "stepWeight": 50, "webhooks": hook }), &json!({}));
    scene.release("v2");
    scene.pass(60);
    assert_eq!((scene.routed(), scene.canary()["status"]["iterations"].as_i64()), (50, Some(-1)));
    scene.controller.set_gate("shop/web/gate", 200);
    scene.pass(40);
    scene.saw(&[
        ("Initialized", 0),
        ("Progressing", 0),
        ("Progressing", 50),
        ("WaitingPromotion", 0),
        ("Promoting", 0),
        ("Finalising", 0),
        ("Succeeded", 0),
    ]);
}

#[test]
fn a_phase_written_by_hand_promotes() {
    let mut scene = Scene::begin(&json!({ "stepWeight": 10 }), &json!({}));
    scene.release("v2");
    scene.pass(30);
    scene.patch(&json!({ "status": { "phase": "Promoting" } }));
    scene.pass(30);
    assert_eq!(scene.seen.last(), Some(&("Succeeded".to_owned(), 0)));
    assert_eq!(scene.image("web-primary"), "web:v2");
}

#[test]
fn the_rollback_hook_rolls_back_and_a_late_canary_too() {
    let hook = json!([{ "name": "back", "type": "rollback", "url": "http://loadtester.shop/rollback/check" }]);
    let mut scene = Scene::begin(&json!({ "stepWeight": 10, "webhooks": hook }), &json!({}));
    scene.release("v2");
    scene.pass(30);
    scene.controller.set_gate("shop/web/rollback", 200);
    scene.pass(10);
    assert!(scene.says("Rolling back web.shop manual webhook invoked"));
    assert_eq!(scene.seen.last(), Some(&("Failed".to_owned(), 0)));
    scene.controller.set_gate("shop/web/rollback", 403);
    scene.seen.clear();
    scene.release("bad");
    scene.pass(100);
    scene.saw(&[("Failed", 0), ("Progressing", 0), ("Failed", 0)]);
    assert!(scene.says("Rolling back web.shop progress deadline exceeded"));
}

#[test]
fn going_back_to_the_promoted_image_does_not_end_an_analysis() {
    let mut scene = Scene::begin(&json!({ "stepWeight": 25 }), &json!({}));
    scene.release("v2");
    scene.pass(30);
    scene.release("v1");
    scene.pass(50);
    assert!(scene.seen.iter().any(|(phase, _)| phase == "Succeeded"), "{:?}", scene.seen);
    scene.seen.clear();
    scene.pass(20);
    assert!(scene.seen.iter().any(|(phase, _)| phase == "Progressing"), "it starts once more: {:?}", scene.seen);
}

#[test]
fn another_revision_in_the_middle_starts_the_analysis_again() {
    let mut scene = Scene::begin(&json!({ "stepWeight": 10 }), &json!({}));
    scene.release("v2");
    scene.pass(40);
    assert!(scene.routed() > 0);
    scene.release("v3");
    scene.pass(10);
    assert_eq!((scene.routed(), scene.seen.last().unwrap().1), (0, 0));
    assert!(scene.says("New revision detected! Restarting analysis for web.shop"));
}

#[test]
fn an_a_b_test_routes_by_match() {
    let analysis = json!({ "iterations": 2, "match": [{ "headers": { "x-beta": { "exact": "yes" } } }] });
    let mut scene = Scene::begin(&analysis, &json!({}));
    scene.release("v2");
    scene.pass(30);
    let service = scene.store.get(Resource::VirtualService, "shop", "web").unwrap();
    assert_eq!(service["spec"]["http"].as_array().unwrap().len(), 2);
    assert_eq!(scene.routed(), 100);
    scene.pass(60);
    assert_eq!(scene.seen.last(), Some(&("Succeeded".to_owned(), 0)));
    assert_eq!(scene.routed(), 0);
}

#[test]
fn a_hold_holds_everything_until_it_is_lifted() {
    let mut scene = Scene::begin(&json!({ "stepWeight": 10 }), &json!({}));
    scene.release("v2");
    scene.pass(35);
    let weight = scene.routed();
    assert!(weight > 0);
    scene.patch(&json!({ "spec": { "suspend": true } }));
    scene.patch(&json!({ "status": { "failedChecks": 2 } }));
    scene.pass(60);
    assert_eq!((scene.seen.last().unwrap().0.as_str(), scene.routed(), scene.pods_wanted("web")), ("Progressing", weight, 2));
    scene.patch(&json!({ "status": { "phase": "Promoting" } }));
    scene.pass(60);
    assert_eq!((scene.image("web-primary"), scene.routed()), ("web:v1".to_owned(), weight));
    scene.patch(&json!({ "status": { "phase": "Progressing" } }));
    scene.patch(&json!({ "spec": { "suspend": false } }));
    scene.pass(10);
    assert_eq!((scene.seen.last(), scene.routed()), (Some(&("Failed".to_owned(), 0)), 0));
    assert!(scene.says("Rolling back web.shop failed checks threshold reached 2"));
}

#[test]
fn skipping_the_analysis_in_its_middle_promotes_at_the_next_tick() {
    let mut scene = Scene::begin(&json!({ "stepWeight": 10 }), &json!({}));
    scene.release("v2");
    scene.pass(35);
    scene.patch(&json!({ "spec": { "skipAnalysis": true } }));
    scene.pass(10);
    assert_eq!((scene.image("web-primary"), scene.routed()), ("web:v2".to_owned(), 0));
    scene.pass(10);
    assert_eq!(scene.seen.last(), Some(&("Succeeded".to_owned(), 0)));
}

#[test]
fn a_weight_written_by_hand_is_only_shown() {
    let mut scene = Scene::begin(&json!({ "stepWeight": 10 }), &json!({}));
    scene.release("v2");
    scene.pass(35);
    let weight = scene.routed();
    scene.patch(&json!({ "status": { "canaryWeight": 45 } }));
    assert_eq!(scene.routed(), weight);
    scene.pass(10);
    assert_eq!((scene.routed(), scene.canary()["status"]["canaryWeight"].as_i64()), (weight + 10, Some(weight + 10)));
}

#[test]
fn a_failed_release_is_tried_again_by_an_annotation_of_its_pods() {
    let mut scene = Scene::begin(&json!({ "stepWeight": 25 }), &json!({}));
    scene.release("v2");
    scene.pass(35);
    scene.patch(&json!({ "status": { "failedChecks": 2 } }));
    scene.pass(20);
    assert_eq!(scene.seen.last(), Some(&("Failed".to_owned(), 0)));
    let again = json!({ "spec": { "template": { "metadata": { "annotations": { "retried-at": "2026-01-05T09:01:00Z" } } } } });
    scene.store.patch(Resource::Deployment, ("shop", "web"), &again).unwrap();
    scene.pass(90);
    assert_eq!((scene.seen.last(), scene.image("web-primary")), (Some(&("Succeeded".to_owned(), 0)), "web:v2".to_owned()));
}

#[test]
fn going_back_after_the_promotion_is_a_release_like_any_other() {
    let mut scene = Scene::begin(&json!({ "stepWeight": 25 }), &json!({}));
    scene.release("v2");
    scene.pass(90);
    assert_eq!((scene.seen.last(), scene.image("web-primary")), (Some(&("Succeeded".to_owned(), 0)), "web:v2".to_owned()));
    scene.seen.clear();
    scene.release("v1");
    scene.pass(90);
    let words: Vec<&str> = scene.seen.iter().map(|(phase, _)| phase.as_str()).collect();
    assert!(words.contains(&"Progressing") && words.contains(&"Promoting"), "{words:?}");
    assert!(scene.seen.contains(&("Progressing".to_owned(), 50)), "{:?}", scene.seen);
    assert_eq!((words.last(), scene.image("web-primary")), (Some(&"Succeeded"), "web:v1".to_owned()));
}
