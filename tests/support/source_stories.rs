//! What the source has to do against any server that speaks the Kubernetes API: told once, played against a real one and against the
//! embedded world, so that the two are kept alike.

use std::path::{Path, PathBuf};
use std::time::Duration;

use pilothouse::config::Namespaces;
use pilothouse::domain::fact::{Object, Reading};
use pilothouse::domain::id::{Key, Kind};
use pilothouse::source::Subject;
use serde_json::{Value, json};

use super::admin::{Admin, in_namespace, owned_by, template};
use super::eyes::{Eyes, environment};

/// How soon the screen has to say what has happened.
pub const SOON: Duration = Duration::from_secs(5);

/// A server, and somebody who may do everything there.
pub struct Stage<'a> {
    pub admin: &'a Admin,
    pub kubeconfig: PathBuf,
    pub context: Option<&'a str>,
}

impl Stage<'_> {
    pub fn eyes(&self) -> Eyes {
        Eyes::on(&self.kubeconfig, self.context)
    }
}

/// Everything is seen, changes follow, what is deleted is gone, and nothing else is.
pub fn follows(stage: &Stage) {
    let (admin, shop) = (stage.admin, "follows");
    admin.namespace(shop);
    admin.create_rollout(shop, "web");
    let mut eyes = stage.eyes();
    eyes.until(SOON, "the rollout, live and up", |seen| {
        seen.has(Kind::Rollout, shop, "web") && seen.live(Kind::Rollout) && seen.up()
    });
    admin.create_rollout(shop, "api");
    admin.scale(shop, "web", 7);
    eyes.until(SOON, "a new one and a change", |seen| {
        seen.has(Kind::Rollout, shop, "api") && seen.replicas(shop, "web") == Some(7)
    });
    admin.delete_rollout(shop, "web");
    eyes.until(SOON, "one is gone", |seen| seen.names(Kind::Rollout, shop) == ["api"]);
    admin.create_rollout(shop, "web");
    eyes.until(SOON, "and another of its name has come", |seen| seen.names(Kind::Rollout, shop) == ["api", "web"]);
    let gone = eyes.seen().gone.iter().filter(|key| key.kind == Kind::Rollout && &*key.namespace == shop).count();
    assert_eq!(gone, 1, "only what is gone is said to be");
}

/// ReplicaSets are those of rollouts, wherever they are.
pub fn reads_replica_sets_of_rollouts(stage: &Stage) {
    let (admin, shop) = (stage.admin, "sets");
    admin.namespace(shop);
    let mut eyes = stage.eyes();
    eyes.until(SOON, "reading", |seen| seen.live(Kind::ReplicaSet));
    for (name, hash) in [("web-6f4c", Some("6f4c")), ("deployed-77", None)] {
        let mut set = json!({
            "apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": { "name": name, "labels": { "app": "web" } },
            "spec": { "replicas": 0, "selector": { "matchLabels": { "app": "web" } }, "template": template("web") },
        });
        if let Some(hash) = hash {
            set["metadata"]["labels"]["rollouts-pod-template-hash"] = hash.into();
        }
        admin.create(&in_namespace(shop, "replicasets"), &set);
    }
    eyes.until(SOON, "the rollout's", |seen| seen.names(Kind::ReplicaSet, shop).contains(&"web-6f4c"));
    eyes.always(Duration::from_millis(300), "and no other", |seen| !seen.has(Kind::ReplicaSet, shop, "deployed-77"));
}

/// Pods, events, analysis runs and experiments come with what is looked at, and leave with it.
pub fn looks_closely(stage: &Stage) {
    let (admin, shop) = (stage.admin, "closely");
    admin.namespace(shop);
    let (web, api) = (admin.create_rollout(shop, "web"), admin.create_rollout(shop, "api"));
    for rollout in [&web, &api] {
        belongings(admin, shop, rollout);
    }
    let mut eyes = stage.eyes();
    eyes.until(SOON, "both", |seen| seen.has(Kind::Rollout, shop, "web") && seen.has(Kind::Rollout, shop, "api"));
    eyes.always(Duration::from_millis(300), "nothing close yet", |seen| CLOSE.iter().all(|kind| seen.count(*kind) == 0));

    eyes.look(vec![subject(&web)]);
    eyes.until(SOON, "what belongs to web", |seen| belongs(shop, "web").iter().all(|key| seen.objects.contains_key(key)));
    eyes.until(SOON, "and it is live", |seen| CLOSE.iter().all(|kind| seen.live(*kind)));
    eyes.always(Duration::from_millis(300), "not what belongs to api", |seen| {
        belongs(shop, "api").iter().all(|key| !seen.objects.contains_key(key))
    });
    let ready = json!({ "status": { "phase": "Running" } });
    admin.must("PATCH", &format!("{}/web-pod/status", in_namespace(shop, "pods")), Some(&ready));
    eyes.until(SOON, "the pod's change", |seen| {
        let pod = seen.objects.get(&Key::new(Kind::Pod, shop, "web-pod"));
        matches!(pod, Some(Object::Pod(pod)) if &*pod.status.phase == "Running")
    });

    eyes.look(vec![subject(&api), subject(&web)]);
    eyes.until(SOON, "both", |seen| {
        ["api", "web"].iter().all(|name| belongs(shop, name).iter().all(|key| seen.objects.contains_key(key)))
    });
    assert!(eyes.seen().gone.iter().all(|key| &*key.namespace != shop), "what stays is not withdrawn: {:?}", eyes.seen().gone);
    eyes.look(vec![subject(&api)]);
    eyes.until(SOON, "web's leave with it", |seen| belongs(shop, "web").iter().all(|key| !seen.objects.contains_key(key)));
    assert!(belongs(shop, "api").iter().all(|key| eyes.seen().objects.contains_key(key)), "api's stay");
    eyes.look(Vec::new());
    eyes.until(SOON, "nothing close is left", |seen| CLOSE.iter().all(|kind| seen.count(*kind) == 0));
    assert!(eyes.seen().has(Kind::Rollout, shop, "web"), "rollouts are not concerned");
}

/// Kinds that are read only for what is looked at.
const CLOSE: [Kind; 4] = [Kind::Pod, Kind::Event, Kind::AnalysisRun, Kind::Experiment];

fn belongings(admin: &Admin, namespace: &str, rollout: &Value) {
    let name = rollout["metadata"]["name"].as_str().unwrap();
    let uid = &rollout["metadata"]["uid"];
    let meta = |suffix: &str, owner: &Value| json!({ "name": format!("{name}-{suffix}"), "ownerReferences": owned_by(owner) });
    let mut pod = template(name);
    pod["metadata"]["name"] = format!("{name}-pod").into();
    admin.create(&in_namespace(namespace, "pods"), &pod);
    let event = json!({
        "metadata": { "name": format!("{name}-event") }, "reason": "RolloutUpdated", "message": "updated", "type": "Normal",
        "involvedObject": { "apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "namespace": namespace, "name": name, "uid": uid },
    });
    admin.create(&in_namespace(namespace, "events"), &event);
    let argo = |kind: &str| json!({ "apiVersion": "argoproj.io/v1alpha1", "kind": kind });
    let with = |mut object: Value, meta: Value, spec: Value| {
        object["metadata"] = meta;
        object["spec"] = spec;
        object
    };
    let metrics = json!({ "metrics": [{ "name": "errors", "provider": {} }] });
    admin.create(&in_namespace(namespace, "analysisruns"), &with(argo("AnalysisRun"), meta("run", rollout), metrics.clone()));
    let templates = json!({ "templates": [{ "name": "a", "selector": {}, "template": template(name) }] });
    let experiment = with(argo("Experiment"), meta("6f4c-2-0", rollout), templates);
    let experiment = admin.create(&in_namespace(namespace, "experiments"), &experiment);
    admin.create(&in_namespace(namespace, "analysisruns"), &with(argo("AnalysisRun"), meta("6f4c-2-0-run", &experiment), metrics));
}

fn belongs(namespace: &str, name: &str) -> Vec<Key> {
    let key = |kind, suffix: &str| Key::new(kind, namespace, format!("{name}-{suffix}"));
    vec![
        key(Kind::Pod, "pod"),
        key(Kind::Event, "event"),
        key(Kind::AnalysisRun, "run"),
        key(Kind::Experiment, "6f4c-2-0"),
        key(Kind::AnalysisRun, "6f4c-2-0-run"),
    ]
}

pub fn subject(rollout: &Value) -> Subject {
    let text = |field: &str| rollout["metadata"][field].as_str().unwrap();
    let key = Key::new(Kind::Rollout, text("namespace"), text("name"));
    Subject { key, uid: text("uid").into(), selector: format!("app={}", text("name")) }
}

/// Only the namespaces that were asked for are read, each by watches of its own.
pub fn reads_some_namespaces(stage: &Stage) {
    let admin = stage.admin;
    for namespace in ["some-a", "some-b", "some-c"] {
        admin.namespace(namespace);
        admin.create_rollout(namespace, "web");
    }
    let some = Namespaces::Some(vec!["some-a".into(), "some-b".into()]);
    let mut eyes = Eyes::open(vec![environment(&stage.kubeconfig, stage.context, some)]);
    let both = |seen: &super::eyes::Seen| seen.has(Kind::Rollout, "some-a", "web") && seen.has(Kind::Rollout, "some-b", "web");
    eyes.until(SOON, "two", |seen| both(seen) && seen.live(Kind::Rollout));
    eyes.always(Duration::from_millis(300), "and no other", |seen| seen.count(Kind::Rollout) == 2);
    admin.delete_rollout("some-b", "web");
    eyes.until(SOON, "one is gone", |seen| seen.count(Kind::Rollout) == 1 && seen.has(Kind::Rollout, "some-a", "web"));
}

/// A new connection says everything again, and what went away in between is gone.
pub fn reconnects(stage: &Stage) {
    let (admin, shop) = (stage.admin, "reconnects");
    admin.namespace(shop);
    let web = admin.create_rollout(shop, "web");
    belongings(admin, shop, &web);
    let mut eyes = stage.eyes();
    eyes.until(SOON, "the rollout", |seen| seen.has(Kind::Rollout, shop, "web") && seen.live(Kind::Rollout));
    eyes.look(vec![subject(&web)]);
    eyes.until(SOON, "its pod", |seen| seen.has(Kind::Pod, shop, "web-pod"));
    eyes.reconnect();
    admin.create_rollout(shop, "api");
    eyes.until(SOON, "the same and more", |seen| {
        seen.epoch == 1 && seen.has(Kind::Rollout, shop, "api") && seen.live(Kind::Rollout)
    });
    admin.delete_rollout(shop, "web");
    eyes.until(SOON, "one is gone", |seen| seen.names(Kind::Rollout, shop) == ["api"]);
    assert!(eyes.seen().has(Kind::Pod, shop, "web-pod"), "what was looked at still is");
}

/// An environment whose server is not there costs the others nothing.
pub fn dead_ones_do_not_delay(stage: &Stage, folder: &Path) {
    stage.admin.namespace("alive");
    stage.admin.create_rollout("alive", "web");
    let dead = folder.join("dead.kubeconfig");
    let config = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "dead",
        "clusters": [{ "name": "dead", "cluster": { "server": "http://127.0.0.1:1" } }],
        "contexts": [{ "name": "dead", "context": { "cluster": "dead", "user": "" } }],
    });
    std::fs::write(&dead, config.to_string()).unwrap();
    let broken = folder.join("broken.kubeconfig");
    std::fs::write(&broken, "contexts: 7").unwrap();
    let mut eyes = Eyes::open(vec![
        environment(&dead, None, Namespaces::All),
        environment(&broken, None, Namespaces::All),
        environment(&stage.kubeconfig, Some("nowhere"), Namespaces::All),
        environment(&stage.kubeconfig, stage.context, Namespaces::All),
    ]);
    eyes.until_in(3, SOON, "the one that is there", |seen| seen.has(Kind::Rollout, "alive", "web") && seen.up());
    eyes.until_in(0, SOON, "refused", |seen| seen.down() == Some("connection refused"));
    eyes.until_in(1, SOON, "unreadable", |seen| seen.down().is_some_and(|reason| reason.contains("broken.kubeconfig")));
    eyes.until_in(2, SOON, "no such context", |seen| seen.down().is_some_and(|reason| reason.contains("no context `nowhere`")));
    eyes.until_in(0, SOON, "a kind that cannot be read", |seen| {
        matches!(seen.readings.get(&Kind::Rollout), Some(Reading::Failing(_)))
    });
}
