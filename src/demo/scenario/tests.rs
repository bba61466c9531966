//! What every scenario promises is there when its screen opens, and things happen while one watches.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::*;

const NOW: &str = "2026-01-05T09:00:00Z";

struct Scene(Environment, Timestamp);

impl Scene {
    fn open(scenario: Scenario, place: usize) -> Self {
        let now = NOW.parse().unwrap();
        Self(build(&Options { scenario, ..Options::default() }, now).swap_remove(place), now)
    }

    fn pass(&mut self, seconds: i64) {
        let target = self.1 + SignedDuration::from_secs(seconds);
        loop {
            self.0.store.set_now(self.1);
            match self.0.controller.settle(&mut self.0.store, self.1) {
                Some(wake) if wake <= target => self.1 = wake.max(self.1 + SignedDuration::from_millis(1)),
                _ => break,
            }
        }
        self.1 = target;
    }

    fn status(&self, resource: Resource, namespace: &str, name: &str) -> Value {
        self.0.store.get(resource, namespace, name).unwrap()["status"].clone()
    }

    fn image(&self, at: (&str, &str)) -> Value {
        self.0.store.get(Resource::Rollout, at.0, at.1).unwrap()["spec"]["template"]["spec"]["containers"][0]["image"].clone()
    }

    fn rollout(&self, namespace: &str, name: &str) -> (String, String) {
        let status = self.status(Resource::Rollout, namespace, name);
        let text = |key: &str| status[key].as_str().unwrap_or_default().to_owned();
        (text("phase"), text("message"))
    }

    /// Rollouts by phase, those that are not healthy.
    fn unwell(&self) -> BTreeMap<String, String> {
        let rollouts = self.0.store.list(Resource::Rollout, None);
        let named = rollouts.map(|rollout| {
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            (text(&rollout["metadata"]["name"]), text(&rollout["status"]["phase"]))
        });
        named.filter(|(_, phase)| phase != "Healthy").collect()
    }
}

#[test]
fn in_calm_everything_is_well_and_has_a_past() {
    for place in [0, 1] {
        let mut scene = Scene::open(Scenario::Calm, place);
        assert_eq!(scene.unwell(), BTreeMap::new());
        for canary in ["media", "analytics"] {
            assert_eq!(scene.status(Resource::Canary, "content", canary)["phase"], "Initialized", "{canary}");
        }
        let sets = scene.0.store.list(Resource::ReplicaSet, Some("shop")).count();
        assert!(sets >= 3 * 6, "{sets} ReplicaSets");
        let version = scene.0.store.version();
        scene.pass(600);
        assert_eq!((scene.unwell(), scene.0.store.version()), (BTreeMap::new(), version), "calm stays calm");
    }
}

#[test]
fn the_canary_is_in_the_middle_moves_on_and_comes_again() {
    let mut scene = Scene::open(Scenario::Canary, 1);
    let step = |scene: &Scene| scene.status(Resource::Rollout, "edge", "gateway")["currentStepIndex"].as_i64().unwrap();
    assert_eq!(scene.unwell().into_keys().collect::<Vec<_>>(), ["checkout", "gateway"]);
    assert!((1..7).contains(&step(&scene)), "{}", step(&scene));
    let before = step(&scene);
    scene.pass(60);
    assert!(step(&scene) > before);
    scene.pass(240);
    let image = |scene: &Scene| {
        let rollout = scene.0.store.get(Resource::Rollout, "edge", "gateway").unwrap();
        rollout["spec"]["template"]["spec"]["containers"][0]["image"].as_str().unwrap().to_owned()
    };
    let first = image(&scene);
    scene.pass(600);
    assert_ne!(image(&scene), first, "another release has come");
}

#[test]
fn flagger_walks_on_stage() {
    let mut scene = Scene::open(Scenario::Canary, 0);
    assert_eq!(scene.status(Resource::Canary, "content", "media")["phase"], "Progressing");
    scene.pass(30);
    let weight = scene.status(Resource::Canary, "content", "media")["canaryWeight"].as_i64().unwrap();
    assert!(weight > 0);
    scene.pass(600);
    assert_ne!(scene.status(Resource::Canary, "content", "media")["lastPromotedSpec"], Value::Null);
}

#[test]
fn bad_metrics_abort_one_while_one_watches_and_one_before() {
    let mut latency = Scene::open(Scenario::Latency, 1);
    assert_ne!(latency.rollout("edge", "gateway").0, "Degraded");
    latency.pass(60);
    let (phase, message) = latency.rollout("edge", "gateway");
    assert!(phase == "Degraded" && message.contains("Metric \"latency-p95\" assessed Failed"), "{phase} {message}");
    let errors = Scene::open(Scenario::Errors, 1);
    let (phase, message) = errors.rollout("payments", "payments");
    assert!(phase == "Degraded" && message.contains("Metric \"success-rate\" assessed Failed"), "{phase} {message}");
}

#[test]
fn the_others_wait_for_a_person_or_cannot_go_on() {
    let of = |scenario, namespace, name| Scene::open(scenario, 1).rollout(namespace, name);
    assert_eq!(of(Scenario::Inconclusive, "payments", "payments"), ("Paused".to_owned(), "InconclusiveAnalysisRun".to_owned()));
    assert_eq!(of(Scenario::Bluegreen, "shop", "catalog"), ("Paused".to_owned(), "BlueGreenPause".to_owned()));
    let mut stuck = Scene::open(Scenario::Stuck, 1);
    assert_eq!(stuck.rollout("shop", "search").0, "Progressing");
    let waits = |pod: &Value| pod["status"]["containerStatuses"][0]["state"]["waiting"]["reason"] == "ImagePullBackOff";
    assert!(stuck.0.store.list(Resource::Pod, Some("shop")).any(|pod| waits(&pod)));
    stuck.pass(90);
    let (phase, message) = stuck.rollout("shop", "search");
    assert!(phase == "Degraded" && message.starts_with("ProgressDeadlineExceeded: "), "{phase} {message}");
}

#[test]
fn argo_cd_brings_a_bad_version_back_until_it_is_told_not_to() {
    let mut scene = Scene::open(Scenario::Gitops, 1);
    let at = ("shop", "web");
    let status = |scene: &Scene| scene.status(Resource::Rollout, at.0, at.1);
    assert_eq!(scene.rollout(at.0, at.1), ("Paused".to_owned(), "CanaryPauseStep".to_owned()));
    let name = status(&scene)["canary"]["currentBackgroundAnalysisRunStatus"]["name"].as_str().unwrap().to_owned();
    let run = scene.status(Resource::AnalysisRun, at.0, &name);
    assert!(run["phase"] == "Running" && run["metricResults"][0]["failed"].as_i64().unwrap() >= 10, "{run}");
    scene.pass(240);
    assert_eq!(status(&scene)["abort"], Value::Null, "nobody aborts it yet");

    let stable = status(&scene)["stableRS"].clone();
    let set = scene.0.store.list(Resource::ReplicaSet, Some(at.0));
    let set = { set }.find(|set| set["metadata"]["labels"]["rollouts-pod-template-hash"] == stable).unwrap();
    let (bad, good) = (scene.image(at), set["spec"]["template"]["spec"]["containers"][0]["image"].clone());
    scene.0.store.patch(Resource::Rollout, at, &json!({ "status": { "abort": true } })).unwrap();
    scene.pass(30);
    assert_eq!((scene.rollout(at.0, at.1).0, scene.image(at)), ("Degraded".to_owned(), bad.clone()), "an abort stays");
    let back = |rollout: &mut Value| rollout["spec"]["template"]["spec"]["containers"][0]["image"] = good.clone();
    scene.0.store.edit(Resource::Rollout, at, back).unwrap();
    scene.pass(2);
    assert_eq!((scene.rollout(at.0, at.1).0, scene.image(at)), ("Healthy".to_owned(), good.clone()));
    scene.pass(10);
    assert_eq!((&scene.image(at), &status(&scene)["abort"]), (&bad, &Value::Null));
    assert_ne!(status(&scene)["currentPodHash"], status(&scene)["stableRS"], "a new canary of the bad version");

    let manual = json!({ "spec": { "syncPolicy": { "automated": null } } });
    scene.0.store.patch(Resource::Application, ("argocd", "web-prod"), &manual).unwrap();
    scene.0.store.edit(Resource::Rollout, at, back).unwrap();
    scene.pass(120);
    assert_eq!((scene.rollout(at.0, at.1).0, scene.image(at)), ("Healthy".to_owned(), good.clone()));
    assert_eq!(scene.status(Resource::Application, "argocd", "web-prod")["sync"]["status"], "OutOfSync");
}

#[test]
fn elsewhere_argo_cd_only_watches() {
    let scene = Scene::open(Scenario::Canary, 1);
    let applications: Vec<_> = scene.0.store.list(Resource::Application, Some("argocd")).collect();
    assert_eq!(applications.len(), 6);
    for application in applications {
        assert_eq!(
            (&application["status"]["sync"]["status"], &application["spec"]["syncPolicy"]["automated"]),
            (&json!("Synced"), &Value::Null)
        );
    }
    let of = |name: &str| scene.status(Resource::Application, "argocd", name)["health"]["status"].clone();
    assert_eq!((of("checkout-prod"), of("web-prod")), (json!("Suspended"), json!("Healthy")));
}

#[test]
fn flagger_waits_at_a_gate_until_it_is_opened() {
    let mut scene = Scene::open(Scenario::FlaggerGate, 1);
    let phase = |scene: &Scene| scene.status(Resource::Canary, "content", "media")["phase"].clone();
    assert_eq!(phase(&scene), "WaitingPromotion");
    scene.pass(300);
    assert_eq!(phase(&scene), "WaitingPromotion");
    scene.0.controller.turn(crate::demo::Knob::Gate("content/media/gate".to_owned(), 200));
    scene.pass(120);
    assert_eq!(phase(&scene), "Succeeded");
}

#[test]
fn a_setting_changed_while_stable_ran() {
    let scene = Scene::open(Scenario::Canary, 1);
    let rollout = scene.0.store.get(Resource::Rollout, "edge", "gateway").unwrap();
    let container = &rollout["spec"]["template"]["spec"]["containers"][0];
    let name = container["envFrom"][0]["configMapRef"]["name"].as_str().unwrap();
    let settings = scene.0.store.get(Resource::ConfigMap, "edge", name).unwrap();
    let entries = settings["metadata"]["managedFields"].as_array().unwrap();
    let changed = entries.iter().map(|entry| entry["time"].as_str().unwrap()).max().unwrap();
    let stable = rollout["status"]["stableRS"].as_str().unwrap();
    let set = scene.0.store.get(Resource::ReplicaSet, "edge", &format!("gateway-{stable}")).unwrap();
    assert!(changed > set["metadata"]["creationTimestamp"].as_str().unwrap(), "{changed}");
    assert_eq!(changed, "2026-01-05T08:35:00Z");
    let secret = rollout["spec"]["template"]["spec"]["volumes"][0]["secret"]["secretName"].as_str().unwrap();
    let secret = scene.0.store.get(Resource::Secret, "edge", secret).unwrap();
    assert_eq!(secret["metadata"]["managedFields"][0]["manager"], "helm");
}

#[test]
fn a_cluster_is_known_by_one_uid_whatever_is_in_it() {
    let uid = |scenario, seed, place: usize| {
        let world = build(&Options { scenario, seed, ..Options::default() }, NOW.parse().unwrap());
        world[place].store.get(Resource::Namespace, "", "kube-system").unwrap()["metadata"]["uid"].clone()
    };
    assert_eq!(uid(Scenario::Calm, 1, 1), uid(Scenario::Empty, 1, 1));
    assert_ne!(uid(Scenario::Empty, 1, 1), uid(Scenario::Empty, 1, 0));
    assert_ne!(uid(Scenario::Empty, 1, 1), uid(Scenario::Empty, 2, 1));
}

#[test]
fn the_same_seed_makes_the_same_world() {
    let world = |seed| {
        let options = Options { seed, ..Options::default() };
        let environments = build(&options, NOW.parse().unwrap());
        let objects = environments.iter().flat_map(|environment| {
            Resource::ALL.into_iter().flat_map(|resource| environment.store.list(resource, None).map(|object| object.to_string()))
        });
        objects.collect::<Vec<_>>()
    };
    let first = world(3);
    assert!(first == world(3));
    assert!(first != world(4));
}
