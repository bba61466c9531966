//! What Argo CD undoes and what it leaves alone, on a canary that a person aborts and turns back.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::NAMESPACE;
use crate::demo::controller::Controller;
use crate::demo::{Reconcile, Resource, Store};

struct Scene {
    store: Store,
    controller: Controller,
    now: Timestamp,
}

fn rollout(image: &str) -> Value {
    json!({
        "metadata": { "name": "web", "namespace": "shop", "annotations": { "argocd.argoproj.io/tracking-id": "web:argoproj.io/Rollout:shop/web" } },
        "spec": {
            "replicas": 2, "selector": { "matchLabels": { "app": "web" } },
            "template": { "metadata": { "labels": { "app": "web" } }, "spec": { "containers": [{ "name": "web", "image": image }] } },
            "strategy": { "canary": { "steps": [{ "setWeight": 50 }, { "pause": {} }] } },
        },
    })
}

impl Scene {
    /// Version 1 is stable, and version 2, which Git wants, waits at its pause.
    fn begin() -> Self {
        let now: Timestamp = "2026-01-05T09:00:00Z".parse().unwrap();
        let mut store = Store::new(1, now);
        for name in ["shop", NAMESPACE] {
            store.create(Resource::Namespace, json!({ "metadata": { "name": name } })).unwrap();
        }
        let mut controller = Controller::new();
        store.create(Resource::Rollout, rollout("web:1")).unwrap();
        controller.git().push("web", vec![(Resource::Rollout, rollout("web:1"))]);
        let policy = json!({ "automated": { "prune": true, "selfHeal": true } });
        let application = json!({
            "metadata": { "name": "web", "namespace": NAMESPACE }, "spec": { "syncPolicy": policy }, "operation": { "sync": {} },
        });
        store.create(Resource::Application, application).unwrap();
        let mut scene = Self { store, controller, now };
        scene.pass(20);
        scene.push("web:2");
        scene.pass(10);
        assert_eq!((scene.phase(), scene.image(), scene.sync()), ("Paused".to_owned(), "web:2".to_owned(), "Synced".to_owned()));
        scene
    }

    fn push(&mut self, image: &str) {
        self.controller.git().commit("web", |(_, object)| *object = rollout(image));
        self.touch(&json!({ "metadata": { "annotations": { "argocd.argoproj.io/refresh": "normal" } } }));
    }

    fn pass(&mut self, seconds: i64) {
        let target = self.now + SignedDuration::from_secs(seconds);
        loop {
            self.store.set_now(self.now);
            match self.controller.settle(&mut self.store, self.now).filter(|wake| *wake <= target) {
                Some(wake) => self.now = wake.max(self.now + SignedDuration::from_millis(1)),
                None => break,
            }
        }
        self.now = target;
    }

    fn patch(&mut self, patch: &Value) {
        self.store.patch(Resource::Rollout, ("shop", "web"), patch).unwrap();
    }

    fn touch(&mut self, patch: &Value) {
        self.store.patch(Resource::Application, (NAMESPACE, "web"), patch).unwrap();
    }

    fn set_image(&mut self, image: &str) {
        let change = |rollout: &mut Value| rollout["spec"]["template"]["spec"]["containers"][0]["image"] = image.into();
        self.store.edit(Resource::Rollout, ("shop", "web"), change).unwrap();
    }

    fn rollout(&self) -> Value {
        Value::clone(&self.store.get(Resource::Rollout, "shop", "web").unwrap())
    }

    fn application(&self) -> Value {
        Value::clone(&self.store.get(Resource::Application, NAMESPACE, "web").unwrap())
    }

    fn image(&self) -> String {
        self.rollout()["spec"]["template"]["spec"]["containers"][0]["image"].as_str().unwrap().to_owned()
    }

    fn phase(&self) -> String {
        self.rollout()["status"]["phase"].as_str().unwrap().to_owned()
    }

    fn sync(&self) -> String {
        self.application()["status"]["sync"]["status"].as_str().unwrap().to_owned()
    }
}

#[test]
fn a_template_that_was_put_back_is_undone_and_starts_a_new_canary() {
    let mut scene = Scene::begin();
    scene.patch(&json!({ "status": { "abort": true } }));
    scene.pass(10);
    assert_eq!((scene.phase(), scene.sync()), ("Degraded".to_owned(), "Synced".to_owned()), "an abort is no difference");
    scene.set_image("web:1");
    scene.pass(4);
    assert_eq!((scene.phase(), scene.image(), scene.sync()), ("Healthy".to_owned(), "web:1".to_owned(), "OutOfSync".to_owned()));
    scene.pass(5);
    let status = scene.rollout()["status"].clone();
    assert_eq!((scene.image(), scene.sync(), &status["abort"]), ("web:2".to_owned(), "Synced".to_owned(), &Value::Null));
    scene.pass(5);
    assert_eq!(scene.phase(), "Paused");
    let operation = scene.application()["status"]["operationState"].clone();
    assert_eq!((&operation["phase"], &operation["operation"]["initiatedBy"]["automated"]), (&json!("Succeeded"), &json!(true)));
    assert_eq!(operation["operation"]["sync"]["selfHealAttemptsCount"], 1);
    let author = |entry: &Value| entry["manager"] == super::MANAGER && entry["fieldsV1"]["f:spec"]["f:template"].is_object();
    assert!(scene.rollout()["metadata"]["managedFields"].as_array().unwrap().iter().any(author));
}

#[test]
fn what_git_does_not_name_is_left_alone() {
    let mut scene = Scene::begin();
    scene.patch(&json!({ "spec": { "paused": true, "restartAt": "2026-01-05T09:00:00Z" } }));
    scene.pass(30);
    assert_eq!((&scene.rollout()["spec"]["paused"], scene.sync()), (&json!(true), "Synced".to_owned()));
}

#[test]
fn without_automation_it_only_says_so() {
    let mut scene = Scene::begin();
    scene.touch(&json!({ "spec": { "syncPolicy": { "automated": null } } }));
    scene.set_image("web:1");
    scene.pass(60);
    assert_eq!((scene.image(), scene.sync()), ("web:1".to_owned(), "OutOfSync".to_owned()));
    scene.touch(&json!({ "operation": { "initiatedBy": { "username": "ada" }, "sync": {} } }));
    scene.pass(1);
    assert_eq!((scene.image(), scene.sync()), ("web:2".to_owned(), "Synced".to_owned()));
    assert_eq!(scene.application()["status"]["operationState"]["operation"]["initiatedBy"]["username"], "ada");
    assert_eq!(scene.application()["operation"], Value::Null);
}

#[test]
fn without_self_healing_only_a_push_is_applied() {
    let mut scene = Scene::begin();
    scene.touch(&json!({ "spec": { "syncPolicy": { "automated": { "selfHeal": false } } } }));
    scene.set_image("web:1");
    scene.pass(60);
    assert_eq!(scene.image(), "web:1");
    scene.push("web:3");
    scene.pass(1);
    assert_eq!((scene.image(), scene.sync()), ("web:3".to_owned(), "Synced".to_owned()));
    let history = scene.application()["status"]["history"].as_array().unwrap().len();
    assert_eq!(history, 3, "one for each revision of Git");
}
