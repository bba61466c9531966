//! What every scenario promises is there when its screen opens, and things happen while one watches.

use std::collections::BTreeMap;

use serde_json::Value;

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
    let stuck = Scene::open(Scenario::Stuck, 1);
    assert_eq!(stuck.rollout("shop", "search").0, "Progressing");
    let waits = |pod: &Value| pod["status"]["containerStatuses"][0]["state"]["waiting"]["reason"] == "ImagePullBackOff";
    assert!(stuck.0.store.list(Resource::Pod, Some("shop")).any(|pod| waits(&pod)));
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
