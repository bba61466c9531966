//! The objects of a service as its team would have written them. Nothing here knows what happens to them later.

use serde_json::{Map, Value, json};

use super::company::{Keeper, Move, Way};
use crate::demo::{Resource, argocd};

/// Where the company's images are.
const REGISTRY: &str = "registry.harbourline.example";
/// Flagger's load tester, whose gates the hooks ask.
const LOAD_TESTER: &str = "flagger-loadtester";

/// A service in one environment, ready to be written down.
#[derive(Clone, Debug)]
pub struct Plan {
    pub name: String,
    pub namespace: String,
    pub team: String,
    pub way: Way,
    pub keeper: Keeper,
    pub replicas: i64,
    pub by_deployment: bool,
    pub deadline: i64,
    pub by_role: bool,
    pub environment: String,
    /// Failed measurements of the latency that are put up with.
    pub patience: i64,
    /// Argo CD undoes what others change.
    pub automated: bool,
    /// Flagger asks at a gate that somebody has to open.
    pub gated: bool,
}

impl Plan {
    /// A service without anything special, and without a name.
    pub fn plain() -> Self {
        let text = String::new;
        Self {
            name: text(),
            namespace: text(),
            team: text(),
            way: Way::BlueGreen,
            keeper: Keeper::Nobody,
            replicas: 1,
            by_deployment: false,
            deadline: 600,
            by_role: false,
            environment: text(),
            patience: 3,
            automated: false,
            gated: false,
        }
    }

    /// The image of a version.
    pub fn image(&self, tag: &str) -> String {
        format!("{REGISTRY}/{}/{}:{tag}", self.team, self.name)
    }

    /// The object whose pod template is changed to release something.
    pub fn workload(&self) -> Resource {
        if self.by_deployment || self.is_flagger() { Resource::Deployment } else { Resource::Rollout }
    }

    /// Flagger releases it.
    pub fn is_flagger(&self) -> bool {
        matches!(self.way, Way::Flagger | Way::FlaggerBlueGreen)
    }

    /// Name of the Application or of the Helm release.
    pub fn instance(&self) -> String {
        format!("{}-{}", self.name, self.environment)
    }

    /// The Application of a service that Argo CD keeps; it syncs at once.
    pub fn application(&self) -> Option<Value> {
        if self.keeper != Keeper::ArgoCd {
            return None;
        }
        let mut policy = json!({ "syncOptions": ["ApplyOutOfSyncOnly=true"] });
        if self.automated {
            policy["automated"] = json!({ "prune": true, "selfHeal": true });
        }
        Some(json!({
            "metadata": { "name": self.instance(), "namespace": argocd::NAMESPACE, "labels": { "team": self.team } },
            "spec": {
                "project": self.team,
                "source": {
                    "repoURL": format!("https://git.harbourline.example/{}/deploy.git", self.team),
                    "path": format!("{}/{}", self.name, self.environment), "targetRevision": "main",
                },
                "destination": { "server": "https://kubernetes.default.svc", "namespace": self.namespace },
                "syncPolicy": policy,
            },
            "operation": { "initiatedBy": { "username": format!("{}-deploy", self.team) }, "sync": {} },
        }))
    }

    /// All objects, in an order in which they can be created.
    pub fn objects(&self, tag: &str) -> Vec<(Resource, Value)> {
        let mut made = vec![(Resource::ConfigMap, self.settings()), (Resource::Secret, self.credentials())];
        if self.is_flagger() {
            made.push((Resource::Deployment, self.deployment(tag, self.replicas)));
            return made;
        }
        for name in self.services() {
            made.push((Resource::Service, self.service(&name)));
        }
        if let Way::Routed(_) = self.way {
            made.push((Resource::Ingress, self.ingress()));
        }
        made.push((Resource::AnalysisTemplate, self.template_of_errors()));
        made.push((Resource::AnalysisTemplate, self.template_of_latency()));
        if self.by_deployment {
            made.push((Resource::Deployment, self.deployment(tag, 0)));
        }
        made.push((Resource::Rollout, self.rollout(tag)));
        made
    }

    fn metadata(&self, name: &str, kind: &str) -> Value {
        let mut labels = Map::new();
        labels.insert("app".to_owned(), self.name.clone().into());
        labels.insert("team".to_owned(), self.team.clone().into());
        let mut annotations = Map::new();
        let (namespace, instance) = (&self.namespace, self.instance());
        match self.keeper {
            Keeper::ArgoCd => {
                annotations
                    .insert("argocd.argoproj.io/tracking-id".to_owned(), format!("{instance}:{kind}:{namespace}/{name}").into());
            }
            Keeper::Flux => {
                labels.insert("kustomize.toolkit.fluxcd.io/name".to_owned(), format!("{}-{}", self.team, self.environment).into());
                labels.insert("kustomize.toolkit.fluxcd.io/namespace".to_owned(), "flux-system".into());
            }
            Keeper::Helm => {
                labels.insert("app.kubernetes.io/managed-by".to_owned(), "Helm".into());
                labels.insert("app.kubernetes.io/instance".to_owned(), instance.clone().into());
                annotations.insert("meta.helm.sh/release-name".to_owned(), instance.into());
                annotations.insert("meta.helm.sh/release-namespace".to_owned(), namespace.clone().into());
            }
            Keeper::Nobody => {}
        }
        let mut metadata = json!({ "name": name, "namespace": namespace, "labels": labels });
        if !annotations.is_empty() {
            metadata["annotations"] = annotations.into();
        }
        metadata
    }

    /// What the service reads at its start: changing it changes no pod.
    fn settings(&self) -> Value {
        let data = json!({ "FEATURES": "base", "HTTP_TIMEOUT": "2s", "POOL_SIZE": "16" });
        json!({ "metadata": self.configuration("settings", "/ConfigMap"), "data": data })
    }

    fn credentials(&self) -> Value {
        json!({
            "metadata": self.configuration("credentials", "/Secret"), "type": "Opaque",
            "data": { "token": "bm90LWEtc2VjcmV0" },
        })
    }

    fn configuration(&self, what: &str, kind: &str) -> Value {
        let mut metadata = self.metadata(&format!("{}-{what}", self.name), kind);
        if self.is_flagger() {
            // Flagger makes no copies of these for its primary.
            metadata["annotations"]["flagger.app/config-tracking"] = "disabled".into();
        }
        metadata
    }

    fn services(&self) -> Vec<String> {
        let name = &self.name;
        match self.way {
            Way::Routed(_) => vec![format!("{name}-stable"), format!("{name}-canary")],
            Way::BlueGreen => vec![name.clone(), format!("{name}-preview")],
            _ => vec![name.clone()],
        }
    }

    fn service(&self, name: &str) -> Value {
        json!({
            "metadata": self.metadata(name, "/Service"),
            "spec": {
                "type": "ClusterIP", "selector": { "app": self.name },
                "ports": [{ "name": "http", "port": 80, "targetPort": 8080, "protocol": "TCP" }],
            },
        })
    }

    fn ingress(&self) -> Value {
        let backend = json!({ "service": { "name": format!("{}-stable", self.name), "port": { "number": 80 } } });
        json!({
            "metadata": self.metadata(&self.name, "networking.k8s.io/Ingress"),
            "spec": {
                "ingressClassName": "nginx",
                "rules": [{
                    "host": format!("{}.{}.harbourline.example", self.name, self.environment),
                    "http": { "paths": [{ "path": "/", "pathType": "Prefix", "backend": backend }] },
                }],
            },
        })
    }

    fn template_of_errors(&self) -> Value {
        let query = format!(
            "sum(rate(http_requests_total{{job=\"{0}\",code!~\"5..\"}}[2m])) / sum(rate(http_requests_total{{job=\"{0}\"}}[2m]))",
            self.name
        );
        self.analysis(
            "success-rate",
            &json!({
                "name": "success-rate", "interval": "20s", "count": 5, "failureLimit": 1,
                "successCondition": "result[0] >= 0.99", "failureCondition": "result[0] < 0.95",
                "provider": { "prometheus": { "address": "http://prometheus.monitoring:9090", "query": query } },
            }),
        )
    }

    fn template_of_latency(&self) -> Value {
        let query = format!(
            "histogram_quantile(0.95, sum(rate(http_request_duration_seconds_bucket{{job=\"{}\"}}[2m])) by (le))",
            self.name
        );
        self.analysis(
            "latency",
            &json!({
                "name": "latency-p95", "interval": "20s", "failureLimit": self.patience, "successCondition": "result[0] <= 0.5",
                "provider": { "prometheus": { "address": "http://prometheus.monitoring:9090", "query": query } },
            }),
        )
    }

    fn analysis(&self, what: &str, metric: &Value) -> Value {
        let name = format!("{}-{what}", self.name);
        json!({ "metadata": self.metadata(&name, "argoproj.io/AnalysisTemplate"), "spec": { "metrics": [metric] } })
    }

    fn pods(&self, tag: &str) -> Value {
        json!({
            "metadata": { "labels": { "app": self.name, "team": self.team } },
            "spec": {
                "containers": [{
                    "name": self.name, "image": self.image(tag),
                    "ports": [{ "name": "http", "containerPort": 8080, "protocol": "TCP" }],
                    "env": [
                        { "name": "ENVIRONMENT", "value": self.environment },
                        { "name": "LOG_LEVEL", "value": "info" },
                    ],
                    "envFrom": [{ "configMapRef": { "name": format!("{}-settings", self.name) } }],
                    "volumeMounts": [{ "name": "credentials", "mountPath": "/etc/credentials", "readOnly": true }],
                    "readinessProbe": { "httpGet": { "path": "/healthz", "port": "http" }, "periodSeconds": 5 },
                    "resources": { "requests": { "cpu": "250m", "memory": "256Mi" }, "limits": { "memory": "512Mi" } },
                }],
                "volumes": [{ "name": "credentials", "secret": { "secretName": format!("{}-credentials", self.name) } }],
            },
        })
    }

    fn deployment(&self, tag: &str, replicas: i64) -> Value {
        json!({
            "metadata": self.metadata(&self.name, "apps/Deployment"),
            "spec": {
                "replicas": replicas, "selector": { "matchLabels": { "app": self.name } }, "template": self.pods(tag),
                "strategy": { "type": "RollingUpdate", "rollingUpdate": { "maxSurge": "25%", "maxUnavailable": "25%" } },
                "revisionHistoryLimit": 10, "progressDeadlineSeconds": 600,
            },
        })
    }

    fn rollout(&self, tag: &str) -> Value {
        let mut spec = json!({
            "replicas": self.replicas, "revisionHistoryLimit": 5, "progressDeadlineSeconds": self.deadline,
            "strategy": self.strategy(),
        });
        if self.by_deployment {
            spec["workloadRef"] = json!({ "apiVersion": "apps/v1", "kind": "Deployment", "name": self.name });
        } else {
            spec["selector"] = json!({ "matchLabels": { "app": self.name } });
            spec["template"] = self.pods(tag);
        }
        json!({ "metadata": self.metadata(&self.name, "argoproj.io/Rollout"), "spec": spec })
    }

    fn strategy(&self) -> Value {
        let name = &self.name;
        let mut way = match self.way {
            Way::Routed(moves) => json!({
                "canaryService": format!("{name}-canary"), "stableService": format!("{name}-stable"),
                "trafficRouting": { "nginx": { "stableIngress": name } },
                "analysis": { "templates": [{ "templateName": format!("{name}-latency") }], "startingStep": 1 },
                "steps": self.steps(moves),
            }),
            Way::Basic(moves) => json!({ "maxSurge": 1, "maxUnavailable": 0, "steps": self.steps(moves) }),
            _ => {
                return json!({ "blueGreen": {
                    "activeService": name, "previewService": format!("{name}-preview"), "autoPromotionEnabled": false,
                    "scaleDownDelaySeconds": 60,
                } });
            }
        };
        if self.by_role {
            way["canaryMetadata"] = json!({ "labels": { "role": "canary" } });
            way["stableMetadata"] = json!({ "labels": { "role": "stable" } });
            way["antiAffinity"] = json!({ "preferredDuringSchedulingIgnoredDuringExecution": { "weight": 1 } });
        }
        json!({ "canary": way })
    }

    fn steps(&self, moves: &[Move]) -> Vec<Value> {
        let step = |step: &Move| match step {
            Move::Weight(weight) => json!({ "setWeight": weight }),
            Move::Rest(duration) => json!({ "pause": { "duration": duration } }),
            Move::Person => json!({ "pause": {} }),
            Move::Check => json!({ "analysis": { "templates": [{ "templateName": format!("{}-success-rate", self.name) }] } }),
        };
        moves.iter().map(step).collect()
    }

    fn hooks(&self) -> Value {
        let hook = |name: &str, kind: &str, path: &str| json!({ "name": name, "type": kind, "url": format!("http://{LOAD_TESTER}.{}/{path}", self.namespace) });
        if self.gated {
            json!([hook("release-gate", "confirm-promotion", "gate/check"), hook("rollback-gate", "rollback", "rollback/check"),])
        } else {
            json!([hook("release-gate", "confirm-promotion", "gate/approve")])
        }
    }

    /// The Canary of a service that Flagger releases.
    pub fn canary(&self) -> Value {
        let analysis = if self.way == Way::Flagger {
            json!({
                "interval": "20s", "threshold": 3, "maxWeight": 50, "stepWeight": 10,
                "metrics": [
                    { "name": "request-success-rate", "interval": "1m", "thresholdRange": { "min": 99 } },
                    { "name": "request-duration", "interval": "1m", "thresholdRange": { "max": 500 } },
                ],
                "webhooks": self.hooks(),
            })
        } else {
            json!({ "interval": "30s", "threshold": 2, "iterations": 5 })
        };
        json!({
            "metadata": self.metadata(&self.name, "flagger.app/Canary"),
            "spec": {
                "provider": if self.way == Way::Flagger { "istio" } else { "kubernetes" },
                "targetRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": self.name },
                "progressDeadlineSeconds": 120,
                "service": { "port": 80, "targetPort": 8080, "hosts": [self.name], "gateways": ["mesh"] },
                "analysis": analysis,
            },
        })
    }
}

/// Flagger's load tester in a namespace.
pub fn load_tester(namespace: &str) -> [(Resource, Value); 2] {
    let metadata = json!({ "name": LOAD_TESTER, "namespace": namespace, "labels": { "app": LOAD_TESTER } });
    let container = json!({
        "name": "loadtester", "image": "ghcr.io/fluxcd/flagger-loadtester:0.36.0",
        "ports": [{ "name": "http", "containerPort": 8080, "protocol": "TCP" }],
    });
    let deployment = json!({
        "metadata": metadata,
        "spec": {
            "replicas": 1, "selector": { "matchLabels": { "app": LOAD_TESTER } },
            "template": { "metadata": { "labels": { "app": LOAD_TESTER } }, "spec": { "containers": [container] } },
        },
    });
    let service = json!({
        "metadata": metadata,
        "spec": {
            "type": "ClusterIP", "selector": { "app": LOAD_TESTER },
            "ports": [{ "name": "http", "port": 80, "targetPort": "http", "protocol": "TCP" }],
        },
    });
    [(Resource::Deployment, deployment), (Resource::Service, service)]
}
