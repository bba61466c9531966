//! What is in a release, read from the embedded world over HTTP: both templates, and what they name.

use std::time::Duration;

use pilothouse::action::Runner;
use pilothouse::config::{Files, Settings};
use pilothouse::demo::{Options, Scenario, start};
use pilothouse::domain::contents::{Contents, NamedBy, ReferenceKind};
use pilothouse::domain::id::{EnvironmentId, Key, Kind};
use pilothouse::wire;
use serde_json::{Value, json};

use crate::support::admin::owned_by;
use crate::world::Stage;

const ROLLOUTS: &str = "/apis/argoproj.io/v1alpha1/namespaces/shop/rollouts";
const CORE: &str = "/api/v1/namespaces/shop";
const MERGE: &str = "application/merge-patch+json";

/// A world, and what looks into it.
struct Trial {
    stage: Stage,
    settings: Settings,
    runner: Runner,
    runtime: tokio::runtime::Runtime,
    _kept: (pilothouse::demo::Files, tempfile::TempDir),
}

impl Trial {
    fn on(scenario: Scenario) -> Self {
        let origin = Some("2026-01-05T09:00:00Z".parse().unwrap());
        let world = start(&Options { scenario, speed: 0.0, origin, ..Options::default() }).unwrap();
        let stage = Stage { world };
        let files = stage.world.write_files().unwrap();
        let state = tempfile::tempdir().unwrap();
        let settings = Files::find(Some(&files.config())).unwrap().settings().unwrap();
        let settings = Settings { state: state.path().to_owned(), ..settings };
        let (runtime, runner) = wire::acting(&settings).unwrap();
        Self { stage, settings, runner, runtime, _kept: (files, state) }
    }

    fn pass(&self, seconds: u64) {
        self.stage.world.advance(Duration::from_secs(seconds));
    }

    fn inspect(&self, kind: Kind, (namespace, name): (&str, &str), uid: &str) -> Result<Contents, String> {
        let last = u16::try_from(self.settings.environments.len() - 1).unwrap();
        let desk = self.runner.desk(EnvironmentId(last)).unwrap();
        self.runtime.block_on(desk.inspect(&Key::new(kind, namespace, name), uid))
    }

    fn web(&self) -> Result<Contents, String> {
        self.inspect(Kind::Rollout, ("shop", "web"), "")
    }

    fn forbid(&self, resource: &str) {
        for verb in ["get", "list"] {
            let fault = json!({ "kind": "forbid", "verb": verb, "resource": resource });
            self.stage.post("/_world/fault", &fault).is(201);
        }
    }
}

fn template(image: &str, env: Value) -> Value {
    json!({
        "metadata": { "labels": { "app": "web" } },
        "spec": {
            "containers": [{ "name": "web", "image": image, "env": env, "envFrom": [{ "configMapRef": { "name": "settings" } }] }],
            "volumes": [{ "name": "tls", "secret": { "secretName": "tls" } }],
        },
    })
}

/// A rollout that was released once and waits with its second revision.
fn released() -> Trial {
    let trial = Trial::on(Scenario::Empty);
    let stage = &trial.stage;
    stage.post("/api/v1/namespaces", &json!({ "metadata": { "name": "shop" } })).is(201);
    for name in ["settings", "untouched"] {
        stage.post(&format!("{CORE}/configmaps"), &json!({ "metadata": { "name": name }, "data": { "a": "1" } })).is(201);
    }
    let secret = json!({ "metadata": { "name": "tls" }, "data": { "key": "aHVudGVyMg==" } });
    stage.post(&format!("{CORE}/secrets"), &secret).is(201);
    let rollout = json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": { "name": "web" },
        "spec": {
            "replicas": 2, "selector": { "matchLabels": { "app": "web" } },
            "template": template("web:1", json!([{ "name": "LOG_LEVEL", "value": "info" }, { "name": "GONE", "value": "x" }])),
            "strategy": { "canary": { "steps": [{ "setWeight": 20 }, { "pause": {} }] } },
        },
    });
    stage.post(ROLLOUTS, &rollout).is(201);
    trial
}

fn release_the_next(trial: &Trial) {
    trial.pass(120);
    let env = json!([
        { "name": "LOG_LEVEL", "value": "debug" },
        { "name": "API_TOKEN", "value": "hunter2" },
        { "name": "AUTH", "value": "Bearer hunter2" },
        { "name": "UPSTREAM", "valueFrom": { "configMapKeyRef": { "name": "missing", "key": "upstream" } } },
    ]);
    let patch = json!({ "spec": { "template": template("web:2", env) } });
    trial.stage.patch(&format!("{ROLLOUTS}/web"), MERGE, &patch).is(200);
    trial.pass(60);
    trial.stage.patch(&format!("{CORE}/configmaps/settings"), MERGE, &json!({ "data": { "a": "2" } })).is(200);
    trial.pass(60);
}

#[test]
fn what_differs_and_what_changed_under_stable() {
    let trial = released();
    release_the_next(&trial);
    let found = trial.web().unwrap();
    let told: Vec<_> = found
        .differences
        .iter()
        .map(|one| format!("{} {} {}", one.path, one.old.as_deref().unwrap_or("-"), one.new.as_deref().unwrap_or("-")))
        .collect();
    let expected = [
        "containers[web].env[API_TOKEN] - ***",
        "containers[web].env[AUTH] - Bearer ***",
        "containers[web].env[GONE] x -",
        "containers[web].env[LOG_LEVEL] info debug",
        "containers[web].env[UPSTREAM] - from ConfigMap missing, upstream",
    ];
    assert_eq!(told, expected);
    assert_eq!(found.images(), [("web", Some("web:1"), Some("web:2"))]);
    let stable = found.stable.as_ref().unwrap();
    assert_eq!((stable.revision, found.newest.revision, found.is_settled()), (Some(1), Some(2), false));
    assert!(stable.created < found.newest.created);
    let named: Vec<_> = found.references.iter().map(|one| (one.kind, &*one.name, one.by, one.after_stable, one.missing)).collect();
    let expected = [
        (ReferenceKind::ConfigMap, "missing", NamedBy::Newest, false, true),
        (ReferenceKind::ConfigMap, "settings", NamedBy::Both, true, false),
        (ReferenceKind::Secret, "tls", NamedBy::Both, false, false),
    ];
    assert_eq!((&named[..], found.refused.len()), (&expected[..], 0));
    assert!(found.references[1].changed > found.references[2].changed);
    assert!(!format!("{found:?}").contains("hunter2") && !format!("{found:?}").contains("aHVudGVyMg"));
}

#[test]
fn what_is_settled_differs_in_nothing() {
    let trial = released();
    trial.pass(120);
    let settled = trial.web().unwrap();
    assert!(settled.is_settled() && settled.stable.as_ref() == Some(&settled.newest), "{settled:?}");
}

/// No controller looks after this one: stable is not there until somebody says so.
#[test]
fn a_first_deployment_has_nothing_to_be_compared_with() {
    let trial = released();
    let stage = &trial.stage;
    let labels = json!({ "argo-rollouts.argoproj.io/controller-instance-id": "none" });
    let rollout = json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": { "name": "bare", "labels": labels },
        "spec": { "replicas": 1, "selector": { "matchLabels": { "app": "web" } }, "template": template("web:1", json!([])) },
    });
    let rollout = stage.post(ROLLOUTS, &rollout).is(201);
    let hash = json!({ "app": "web", "rollouts-pod-template-hash": "aaa" });
    let mut pods = template("web:1", json!([]));
    pods["metadata"]["labels"] = hash.clone();
    let set = json!({
        "metadata": { "name": "bare-aaa", "labels": hash, "ownerReferences": owned_by(&rollout) },
        "spec": { "replicas": 0, "selector": { "matchLabels": hash }, "template": pods },
    });
    let bare = || trial.inspect(Kind::Rollout, ("shop", "bare"), "");
    assert!(bare().unwrap_err().contains("is not there yet"));
    stage.post("/apis/apps/v1/namespaces/shop/replicasets", &set).is(201);
    let status = |stable: &str| {
        let status = json!({ "status": { "currentPodHash": "aaa", "stableRS": stable } });
        stage.patch(&format!("{ROLLOUTS}/bare/status"), MERGE, &status).is(200);
    };
    status("");
    let first = bare().unwrap();
    assert!(first.stable.is_none() && first.differences.is_empty() && first.references.len() == 2, "{first:?}");
    status("bbb");
    assert_eq!(bare().unwrap_err(), "Stable's ReplicaSet is gone: there is nothing to compare with.");
}

#[test]
fn what_may_not_be_read_says_which() {
    let trial = released();
    release_the_next(&trial);
    trial.forbid("secrets");
    let found = trial.web().unwrap();
    let [refused] = found.refused.as_slice() else { panic!("{found:?}") };
    assert!(refused.starts_with("Secret tls could not be looked at: 403 Forbidden: secrets \"tls\" is forbidden"), "{refused}");
    assert!(found.references.iter().any(|one| &*one.name == "tls" && one.changed.is_none() && !one.missing));
    trial.forbid("replicasets");
    let refused = trial.web().unwrap_err();
    assert!(refused.starts_with("Its ReplicaSets could not be read: 403 Forbidden: replicasets.apps is forbidden"), "{refused}");
}

#[test]
fn another_of_the_same_name_and_none_at_all() {
    let trial = released();
    trial.pass(1);
    let other = trial.inspect(Kind::Rollout, ("shop", "web"), "another-uid").unwrap_err();
    assert_eq!(other, "It was deleted and made anew since it was shown.");
    let none = trial.inspect(Kind::Rollout, ("shop", "ghost"), "").unwrap_err();
    assert_eq!(none, "It is gone from the cluster.");
}

#[test]
fn what_flagger_releases_against_its_copy() {
    let trial = Trial::on(Scenario::FlaggerGate);
    let found = trial.inspect(Kind::Canary, ("content", "media"), "").unwrap();
    let stable = found.stable.as_ref().unwrap();
    assert!(stable.created.is_some() && !stable.images.is_empty(), "{found:?}");
    let paths: Vec<_> = found.differences.iter().map(|one| &*one.path).collect();
    assert!(paths.iter().all(|path| !path.starts_with("labels")), "{paths:?}");
    let images = found.images();
    assert!(images.iter().any(|(_, old, new)| old != new), "{images:?}");
}

/// The answers that the cockpit waits for come from the runner's own threads.
#[test]
fn the_runner_answers_in_the_background() {
    let trial = released();
    trial.pass(1);
    let (sender, receiver) = std::sync::mpsc::channel();
    let told = sender.clone();
    let last = u16::try_from(trial.settings.environments.len() - 1).unwrap();
    let key = Key::new(Kind::Rollout, "shop", "web");
    trial.runner.inspect(EnvironmentId(last), (key, "".into()), move |found| told.send(found.is_ok()).unwrap());
    assert_eq!(receiver.recv_timeout(Duration::from_secs(20)), Ok(true));
    let told = sender.clone();
    trial.runner.read_ledger(move |view| told.send(view.problem.is_none() && view.acts.is_empty()).unwrap());
    assert_eq!(receiver.recv_timeout(Duration::from_secs(20)), Ok(true));
    trial.runner.settle_ticket("a1".into(), "INC-7".into(), move |done| {
        sender.send(done.unwrap_err().starts_with("There is no act 'a1'.")).unwrap();
    });
    assert_eq!(receiver.recv_timeout(Duration::from_secs(20)), Ok(true));
}
