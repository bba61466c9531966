//! A company's cluster in the middle of an afternoon, as facts: one release of each kind that a screen has to show well.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use pilothouse::domain::fact::{Fact, Health, Link, News, Object, Reading};
use pilothouse::domain::id::{EnvironmentId, Kind};
use pilothouse::domain::object::{Kept, decode_value};
use serde_json::{Value, json};

/// The moment at which the pictures are taken.
pub fn now() -> Timestamp {
    "2026-03-02T14:03:22Z".parse().unwrap()
}

fn ago(seconds: i64) -> String {
    (now() - SignedDuration::from_secs(seconds)).to_string()
}

/// Objects of the company.
#[derive(Default)]
pub struct Company {
    objects: Vec<Object>,
}

/// A rollout in a few words.
pub struct Service<'a> {
    /// Its namespace.
    pub namespace: &'a str,
    /// Its name.
    pub name: &'a str,
    /// Wanted pods.
    pub replicas: i64,
    /// Revision and tag of stable.
    pub stable: (i64, &'a str),
    /// Revision and tag of what comes; None if it is settled.
    pub canary: Option<(i64, &'a str)>,
    /// Pods of the canary that are wanted and that are available.
    pub pods: (i64, i64),
}

impl Service<'_> {
    fn hash(&self, revision: i64) -> String {
        let sum =
            self.name.bytes().fold(revision.unsigned_abs() * 7919, |sum, byte| sum.wrapping_mul(131).wrapping_add(byte.into()));
        format!("{:09x}", sum % 0xf_ffff_ffff)
    }

    fn uid(&self) -> String {
        format!("uid-{}-{}", self.namespace, self.name)
    }

    fn image(&self, tag: &str) -> String {
        format!("registry.harbor.example/{}/{}:{tag}", self.namespace, self.name)
    }

    fn wanted(&self) -> (i64, &str) {
        self.canary.unwrap_or(self.stable)
    }
}

fn steps() -> Value {
    json!([{"setWeight": 10}, {"pause": {"duration": "5m"}}, {"setWeight": 25}, {"pause": {"duration": "10m"}},
        {"setWeight": 50}, {"pause": {"duration": "15m"}}, {"analysis": {"templates": [{"templateName": "smoke"}]}}, {"setWeight": 100}])
}

fn merge(base: &mut Value, over: Value) {
    match (base, over) {
        (Value::Object(base), Value::Object(over)) => {
            for (key, value) in over {
                merge(base.entry(key).or_insert(Value::Null), value);
            }
        }
        (base, over) => *base = over,
    }
}

impl Company {
    /// All of them.
    pub fn all() -> Self {
        let mut company = Self::default();
        company.gateway();
        company.troubled();
        company.waiting();
        company.flagger();
        for (number, (namespace, name)) in CALM.iter().enumerate() {
            let number = i64::try_from(number).unwrap();
            company.calm(namespace, name, number);
        }
        company
    }

    /// So many healthy ones.
    pub fn fleet(count: i64) -> Self {
        let mut company = Self::default();
        for number in 0..count {
            let name = format!("service-{number:05}");
            company.calm(&format!("team-{:02}", number % 40), &name, number);
        }
        company
    }

    /// One settled service.
    pub fn calm(&mut self, namespace: &str, name: &str, number: i64) {
        let tag = format!("v{}.{}.{}", 1 + number % 3, number % 10, number % 7);
        let revision = 3 + number * 7 % 40;
        let service = Service { namespace, name, replicas: 2 + number % 5, stable: (revision, &tag), canary: None, pods: (0, 0) };
        self.add(&service, json!({}), 3600 * (number + 2));
    }

    /// Adds a rollout with its ReplicaSets and pods; `over` is laid over the object; `since` is how long ago it last changed.
    pub fn add(&mut self, service: &Service<'_>, over: Value, since: i64) {
        let (revision, tag) = service.wanted();
        let (current, stable) = (service.hash(revision), service.hash(service.stable.0));
        let settled = service.canary.is_none();
        let mut rollout = json!({
            "metadata": {"namespace": service.namespace, "name": service.name, "uid": service.uid(), "generation": 4,
                "creationTimestamp": ago(90 * 86_400), "annotations": {"rollout.argoproj.io/revision": revision.to_string()}},
            "spec": {"replicas": service.replicas, "selector": {"matchLabels": {"app": service.name}},
                "template": {"spec": {"containers": [{"name": "app", "image": service.image(tag)}]}},
                "strategy": {"canary": {"steps": steps(), "trafficRouting": {"nginx": {}}}}},
            "status": {"phase": if settled { "Healthy" } else { "Progressing" }, "observedGeneration": "4", "currentPodHash": current,
                "stableRS": stable, "currentStepIndex": if settled { 8 } else { 0 },
                "replicas": service.replicas + service.pods.0, "updatedReplicas": if settled { service.replicas } else { service.pods.0 },
                "readyReplicas": service.replicas + service.pods.1, "availableReplicas": service.replicas + service.pods.1,
                "conditions": [{"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable", "lastUpdateTime": ago(since)}]},
        });
        merge(&mut rollout, over);
        self.put(Object::Rollout, &rollout);
        self.set(service, service.stable, (service.replicas, service.replicas), 3 * 86_400);
        if let Some(canary) = service.canary {
            self.set(service, canary, service.pods, since);
        }
    }

    fn put<T: Kept>(&mut self, wrap: impl Fn(Arc<T>) -> Object, value: &Value) {
        self.objects.push(wrap(Arc::new(decode_value(value))));
    }

    fn set(&mut self, service: &Service<'_>, (revision, tag): (i64, &str), (desired, available): (i64, i64), created: i64) {
        let hash = service.hash(revision);
        let name = format!("{}-{hash}", service.name);
        let owner = json!([{"kind": "Rollout", "name": service.name, "uid": service.uid(), "controller": true}]);
        let set = json!({
            "metadata": {"namespace": service.namespace, "name": name, "uid": format!("uid-{name}"), "generation": 1, "ownerReferences": owner,
                "creationTimestamp": ago(created), "labels": {"rollouts-pod-template-hash": hash, "app": service.name},
                "annotations": {"rollout.argoproj.io/revision": revision.to_string()}},
            "spec": {"replicas": desired, "template": {"spec": {"containers": [{"name": "app", "image": service.image(tag)}]}}},
            "status": {"replicas": desired, "readyReplicas": available, "availableReplicas": available, "observedGeneration": 1},
        });
        self.put(Object::ReplicaSet, &set);
        for number in 0..desired {
            let ready = number < available;
            self.pod(service, &name, number, &service.image(tag), ready, created - 4 * number);
        }
    }

    fn pod(&mut self, service: &Service<'_>, set: &str, number: i64, image: &str, ready: bool, created: i64) {
        let name = format!(
            "{set}-{}",
            ["x2k9q", "b7wfm", "q5zrt", "m8cvd", "t4hjn", "k6spl", "w9gxb", "d3fnz", "r7mqc", "z5tvk"]
                [usize::try_from(number % 10).unwrap()]
        );
        let broken = service.name == "search" && !ready;
        let state = if ready {
            json!({"running": {"startedAt": ago(created)}})
        } else if broken {
            json!({"waiting": {"reason": "ImagePullBackOff", "message": format!("Back-off pulling image \"{image}\"")}})
        } else {
            json!({"waiting": {"reason": "ContainerCreating"}})
        };
        let pod = json!({
            "metadata": {"namespace": service.namespace, "name": name, "uid": format!("uid-{name}"), "creationTimestamp": ago(created),
                "labels": {"app": service.name},
                "ownerReferences": [{"kind": "ReplicaSet", "name": set, "uid": format!("uid-{set}"), "controller": true}]},
            "spec": {"containers": [{"name": "app", "image": image}]},
            "status": {"conditions": [{"type": "Ready", "status": if ready { "True" } else { "False" }, "lastTransitionTime": ago(created)}], "phase": if ready { "Running" } else { "Pending" }, "containerStatuses": [{"name": "app", "image": image, "ready": ready,
                "restartCount": if number == 1 && ready { 2 } else { 0 }, "state": state}]},
        });
        self.put(Object::Pod, &pod);
    }

    fn event(&mut self, service: &Service<'_>, seconds: i64, severity: &str, reason: &str, message: &str) {
        let name = format!("{}.{}", service.name, self.objects.len());
        let event = json!({
            "metadata": {"namespace": service.namespace, "name": name, "uid": format!("uid-{name}")},
            "involvedObject": {"kind": "Rollout", "name": service.name, "uid": service.uid()},
            "reason": reason, "message": message, "type": severity, "count": 1, "lastTimestamp": ago(seconds),
        });
        self.put(Object::Event, &event);
    }

    fn run(&mut self, service: &Service<'_>, kind: &str, phase: &str, metrics: &Value, results: &Value) {
        let (revision, _) = service.wanted();
        let name = format!("{}-{}-{revision}-{}", service.name, service.hash(revision), kind.to_lowercase());
        let run = json!({
            "metadata": {"namespace": service.namespace, "name": name, "uid": format!("uid-{name}"), "creationTimestamp": ago(700),
                "labels": {"rollout-type": kind}, "annotations": {"rollout.argoproj.io/revision": revision.to_string()},
                "ownerReferences": [{"kind": "Rollout", "name": service.name, "uid": service.uid(), "controller": true}]},
            "spec": {"metrics": metrics},
            "status": {"phase": phase, "startedAt": ago(700), "metricResults": results},
        });
        self.put(Object::AnalysisRun, &run);
    }

    /// In the middle of its steps: a timed pause with 4:31 left, judged in the background.
    fn gateway(&mut self) {
        let service = Service {
            namespace: "shop",
            name: "gateway",
            replicas: 10,
            stable: (13, "v1.2.9"),
            canary: Some((14, "v1.3.0")),
            pods: (3, 3),
        };
        let over = json!({
            "metadata": {"annotations": {"argocd.argoproj.io/tracking-id": "shop-gateway:argoproj.io/Rollout:shop/gateway"}},
            "spec": {"strategy": {"canary": {"analysis": {"templates": [{"templateName": "success-rate"}], "startingStep": 1}}}},
            "status": {"phase": "Paused", "message": "CanaryPauseStep", "currentStepIndex": 3, "controllerPause": true,
                "pauseConditions": [{"reason": "CanaryPauseStep", "startTime": ago(329)}],
                "canary": {"weights": {"canary": {"weight": 25}, "stable": {"weight": 75}},
                    "currentBackgroundAnalysisRunStatus": {"name": "gateway-bg", "status": "Running"}}},
        });
        self.add(&service, over, 641);
        let metrics = json!([{"name": "success-rate", "interval": "1m", "successCondition": "result[0] >= 0.95", "failureLimit": 3},
            {"name": "latency-p95", "interval": "1m", "successCondition": "result[0] < 1.5", "failureLimit": 2}]);
        let measure = |values: [(&str, &str); 4]| -> Vec<Value> {
            values
                .iter()
                .zip(0_i64..)
                .map(|((phase, value), number)| json!({"phase": phase, "value": value, "finishedAt": ago(240 - 60 * number)}))
                .collect()
        };
        let good = measure([
            ("Successful", "[0.9931]"),
            ("Successful", "[0.9907]"),
            ("Successful", "[0.9912]"),
            ("Successful", "[0.9944]"),
        ]);
        let mixed =
            measure([("Successful", "[0.412]"), ("Failed", "[1.731]"), ("Successful", "[0.498]"), ("Successful", "[0.455]")]);
        let results = json!([
            {"name": "success-rate", "phase": "Running", "count": 9, "successful": 9, "measurements": good},
            {"name": "latency-p95", "phase": "Running", "count": 9, "successful": 8, "failed": 1, "measurements": mixed}]);
        self.run(&service, "Background", "Running", &metrics, &results);
        self.event(&service, 652, "Normal", "RolloutUpdated", "Rollout updated to revision 14");
        self.event(
            &service,
            641,
            "Normal",
            "NewReplicaSetCreated",
            &format!("Created ReplicaSet gateway-{} (revision 14)", service.hash(14)),
        );
        self.event(&service, 640, "Normal", "RolloutStepCompleted", "Rollout step 1/8 completed (setWeight: 10)");
        self.event(&service, 340, "Normal", "RolloutStepCompleted", "Rollout step 2/8 completed (pause: 5m)");
        self.event(&service, 330, "Normal", "RolloutStepCompleted", "Rollout step 3/8 completed (setWeight: 25)");
        self.event(&service, 329, "Normal", "RolloutPaused", "Rollout is paused (CanaryPauseStep)");
    }

    fn troubled(&mut self) {
        let payments = Service {
            namespace: "billing",
            name: "payments",
            replicas: 6,
            stable: (8, "2.14.1"),
            canary: Some((9, "2.15.0")),
            pods: (0, 0),
        };
        let message = "RolloutAborted: Rollout aborted update to revision 9: Metric \"error-rate\" assessed Failed due to failed (3) > failureLimit (2)";
        let over = json!({"status": {"phase": "Degraded", "abort": true, "abortedAt": ago(372), "message": message,
            "conditions": [{"type": "Progressing", "status": "False", "reason": "RolloutAborted", "message": message.trim_start_matches("RolloutAborted: "), "lastUpdateTime": ago(372)}],
            "canary": {"weights": {"canary": {"weight": 0}, "stable": {"weight": 100}}}}});
        self.add(&payments, over, 372);
        let search = Service {
            namespace: "shop",
            name: "search",
            replicas: 4,
            stable: (21, "8.4.0"),
            canary: Some((22, "8.4.1")),
            pods: (1, 0),
        };
        let over = json!({"status": {"phase": "Progressing", "message": "updated replicas are still becoming available",
            "canary": {"weights": {"canary": {"weight": 0}, "stable": {"weight": 100}}}}});
        self.add(&search, over, 185);
    }

    fn waiting(&mut self) {
        let orders = Service {
            namespace: "shop",
            name: "orders",
            replicas: 8,
            stable: (40, "v5.0.2"),
            canary: Some((41, "v5.1.0")),
            pods: (4, 4),
        };
        let over = json!({"spec": {"strategy": {"canary": {"steps": [{"setWeight": 50}, {"pause": {}}]}}},
            "status": {"phase": "Paused", "message": "CanaryPauseStep", "currentStepIndex": 1, "controllerPause": true,
                "pauseConditions": [{"reason": "CanaryPauseStep", "startTime": ago(1260)}],
                "canary": {"weights": {"canary": {"weight": 50}, "stable": {"weight": 50}}}}});
        self.add(&orders, over, 1262);
        let web = Service {
            namespace: "shop",
            name: "web",
            replicas: 12,
            stable: (66, "2026.3.1"),
            canary: Some((67, "2026.3.2")),
            pods: (2, 1),
        };
        let over = json!({"status": {"phase": "Progressing", "message": "updated replicas are still becoming available",
            "canary": {"weights": {"canary": {"weight": 0}, "stable": {"weight": 100}}}}});
        self.add(&web, over, 14);
        let catalog = Service {
            namespace: "shop",
            name: "catalog",
            replicas: 3,
            stable: (4, "blue-118"),
            canary: Some((5, "green-119")),
            pods: (3, 3),
        };
        let over = json!({"spec": {"strategy": {"canary": null, "blueGreen": {"activeService": "catalog", "previewService": "catalog-preview", "autoPromotionEnabled": false}}},
            "status": {"phase": "Paused", "message": "BlueGreenPause", "controllerPause": true, "currentStepIndex": null,
                "pauseConditions": [{"reason": "BlueGreenPause", "startTime": ago(95)}],
                "blueGreen": {"activeSelector": catalog.hash(4), "previewSelector": catalog.hash(5)}}});
        self.add(&catalog, over, 95);
        let intelgraph = Service {
            namespace: "insight",
            name: "intelgraph",
            replicas: 5,
            stable: (30, "3.9.4"),
            canary: Some((31, "3.10.0-rc.2")),
            pods: (1, 1),
        };
        let over = json!({"status": {"phase": "Progressing", "message": "more replicas need to be updated", "currentStepIndex": 6,
            "canary": {"weights": {"canary": {"weight": 50}, "stable": {"weight": 50}},
                "currentStepAnalysisRunStatus": {"name": "intelgraph-smoke", "status": "Running"}}}});
        self.add(&intelgraph, over, 44);
    }

    fn flagger(&mut self) {
        let canary = json!({
            "metadata": {"namespace": "edge", "name": "podinfo", "uid": "uid-podinfo", "creationTimestamp": ago(86_400 * 12)},
            "spec": {"provider": "istio", "targetRef": {"kind": "Deployment", "name": "podinfo"}, "analysis": {"interval": "1m", "threshold": 5, "maxWeight": 50, "stepWeight": 10}},
            "status": {"phase": "Progressing", "canaryWeight": 30, "failedChecks": 1, "iterations": 0, "lastTransitionTime": ago(20),
                "conditions": [{"type": "Promoted", "status": "Unknown", "reason": "Progressing", "message": "New revision detected, progressing canary analysis.", "lastUpdateTime": ago(200)}]},
        });
        self.put(Object::Canary, &canary);
    }

    /// The facts of one environment, all read and live.
    pub fn facts(self, environment: EnvironmentId) -> Vec<Fact> {
        let objects = self.objects.into_iter().map(News::Is);
        let kinds = [Kind::Rollout, Kind::Canary, Kind::ReplicaSet, Kind::Pod, Kind::AnalysisRun, Kind::Experiment, Kind::Event];
        let readings = kinds.into_iter().map(|kind| News::Reading(kind, Reading::Live));
        let news = objects.chain(readings).chain([health(Link::Up { millis: 7 }, now())]);
        news.map(|news| Fact { environment, epoch: 0, news }).collect()
    }
}

/// What a probe found.
pub fn health(state: Link, at: Timestamp) -> News {
    News::Health(Health { at, state, clock_skew_ms: 0 })
}

const CALM: [(&str, &str); 14] = [
    ("shop", "cart"),
    ("shop", "checkout"),
    ("shop", "inventory"),
    ("shop", "pricing"),
    ("shop", "recommendations"),
    ("billing", "invoices"),
    ("billing", "ledger"),
    ("insight", "analytics"),
    ("insight", "reporting"),
    ("identity", "auth"),
    ("identity", "sessions"),
    ("edge", "image-proxy"),
    ("messaging", "mailer"),
    ("messaging", "notifications"),
];
